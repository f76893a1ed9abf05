"""Files for other systems, as XML that is checked against a schema before it is written.

The schemas beside this module are ours. They hold the fields that the department describes for the attendance part of
its school census, and those of a common transfer file that are about attendance, under the names it gives them; they
are not the department's own files, which are longer and are changed every year. What they promise is that no file
leaves here with a field that is missing, misspelt or out of its form: one that does not validate is never written.

Two things are as honest as the ledger can be. The admission register keeps a full name as one text, as the law asks for
it, and where a surname begins would be a guess: so `FullName` is what a transfer file gives, and UPN, birth date and
gender are what a pupil is found by. And a transfer file gives totals and no marks: it has one character for a mark,
which C1 and Y1 do not fit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from ledger.errors import Misconfigured
from ledger.sessions import format_moment, parse_year
from ledger.text import in_a_cell
from projections.asking.questions import Moment
from projections.returns.census import CensusAnswer, Term, TransferAnswer

if TYPE_CHECKING:
    from lxml.etree import XMLSchema, _Element

_PUPIL = re.compile(r"/Pupil(?:\[(\d+)\])?(?:/(.+))?$")
COLLECTED = {"autumn": "AUT", "spring": "SPR", "summer": "SUM"}


def census_xml(moment: Moment, days: Term, answers: Sequence[CensusAnswer]) -> bytes:
    """Return the census of a term as XML that validates. Raises Misconfigured, and nothing is to be written."""
    from lxml import etree

    message = etree.Element("Message")
    header = _under(message, "Header")
    collection = _under(header, "CollectionDetails")
    _text(collection, "Collection", "SC")
    _text(collection, "Term", COLLECTED[days.collected_in])
    _text(collection, "Year", days.year + 1)  # every census of a school year's terms is in the year it ends in
    _source(_under(header, "Source"), moment)
    attendance = _under(header, "AttendancePeriod")
    _text(attendance, "AttendanceTerm", days.name)
    _text(attendance, "From", days.first)
    _text(attendance, "To", days.last)
    _known(header, moment)
    pupils = _under(message, "Pupils")
    for answer in answers:
        _census_pupil(_under(pupils, "Pupil"), answer)
    return checked(message, "census", [answer.pupil for answer in answers])


def _census_pupil(pupil: _Element, answer: CensusAnswer) -> None:
    _text(pupil, "UPN", answer.upn)
    _text(pupil, "AdmissionNumber", answer.pupil)
    _text(pupil, "DOB", answer.born)
    _text(pupil, "Gender", answer.sex)
    _text(pupil, "NCyearActual", answer.year_group)
    if answer.leaving_day:
        _text(pupil, "LeavingDate", answer.leaving_day)
    termly = _under(pupil, "TermlyAttendance")
    _text(termly, "SessionsPossible", answer.possible)
    if answer.reasons:
        details = _under(termly, "SessionDetailsTermly")
        for code, count in answer.reasons.items():
            detail = _under(details, "SessionDetail")
            _text(detail, "AttendanceReason", code)
            _text(detail, "AbsenceSessions", count)
    _text(termly, "SessionsAuthorised", answer.authorised)
    _text(termly, "SessionsUnauthorised", answer.unauthorised)


def transfer_xml(moment: Moment, answers: Sequence[TransferAnswer]) -> bytes:
    """Return a common transfer file, as XML that validates. Raises Misconfigured, and nothing is to be written."""
    from lxml import etree

    opened = moment.school.opened
    assert opened is not None
    file = etree.Element("CTfile")
    header = _under(file, "Header")
    _text(header, "DocumentName", "Common Transfer File")
    source = _under(header, "SourceSchool")
    _source(source, moment)
    _text(source, "SchoolName", opened.name)
    _known(header, moment)
    pupils = _under(file, "CTFpupilData")
    for answer in answers:
        pupil = _under(pupils, "Pupil")
        _text(pupil, "UPN", answer.upn)
        _text(pupil, "FullName", answer.name)
        _text(pupil, "DOB", answer.born)
        _text(pupil, "Gender", answer.sex)
        attendance = _under(pupil, "Attendance") if answer.years else None
        for year in answer.years:
            data = _under(attendance, "YearData")
            _text(data, "Year", parse_year(year.year))
            _text(data, "LEA", opened.la)
            _text(data, "Estab", opened.estab)
            _text(data, "SessionsPossible", year.possible)
            _text(data, "SessionsAuthorised", year.authorised)
            _text(data, "SessionsAttended", year.attended)
            _text(data, "SessionsUnauthorised", year.unauthorised)
    return checked(file, "ctf", [answer.pupil for answer in answers])


def checked(root: _Element, schema: str, pupils: Sequence[str]) -> bytes:
    """Return a document as it is written to a file. Raises Misconfigured where it does not validate.

    `pupils` are the numbers of its Pupil elements, in order. The sentence says which field of whom is off, and never
    what stood there, which may be about a child.
    """
    from lxml import etree

    validator = _schema(schema)
    if not validator.validate(root):
        places = list(dict.fromkeys(_place(error.path, pupils) for error in validator.error_log))
        others = f", and {len(places) - 1} more" if len(places) > 1 else ""
        raise Misconfigured(f"the file was not written, as it would not validate: see {places[0]}{others}")
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def _place(path: str, pupils: Sequence[str]) -> str:
    """Return where an error is, from its path: the field, and the pupil by number."""
    match = _PUPIL.search(path)
    if match is None or not match[2]:
        return path
    return f"{match[2].replace('/', ' ')} of pupil {pupils[int(match[1] or 1) - 1]}"


@lru_cache
def _schema(name: str) -> XMLSchema:
    from lxml import etree

    with resources.files("commands").joinpath("files", "forms", f"{name}.xsd").open("rb") as file:
        return etree.XMLSchema(etree.parse(file))


def _source(element: _Element, moment: Moment) -> None:
    opened = moment.school.opened
    assert opened is not None
    _text(element, "LEA", opened.la)
    _text(element, "Estab", opened.estab)
    _text(element, "URN", opened.urn)


def _known(header: _Element, moment: Moment) -> None:
    """Say what the figures were true for; a real collection has no such fields, and passes them over."""
    known = _under(header, "KnownAs")
    _text(known, "AsOf", moment.as_of)
    _text(known, "KnownAt", format_moment(moment.known_at))
    _text(known, "Position", moment.position)
    _text(known, "Policy", moment.policy_name or "none")
    _text(known, "Simulated", str(moment.school.simulated).lower())


def _under(parent: _Element, name: str) -> _Element:
    from lxml import etree

    return etree.SubElement(parent, name)


def _text(parent: _Element, name: str, value: object) -> None:
    _under(parent, name).text = in_a_cell(str(value))
