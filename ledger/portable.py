"""The portable record: what a pupil who moves takes to the next school, so that the ten weeks of the penalty threshold
and the three years of notices go on, and so that the next school can check it without trusting the paper it came on.

One JSON file:

    {"record":{…},"signed":"attendance portable record\\nsha256 …\\n\\n— attendance/117000 …\\n"}

The note signs the SHA-256 of the record's bytes as they stand, so a file is never written again by whoever passes it
on. In the record stand the codes, with when and at which position each was recorded, and under them the proof: *every*
row of the pupil's entries in these school years and *every* row of the notices, as stored, and for each family the
inclusion proof of its line in a checkpoint that was signed at sealing. The line counts and digests all rows of the
family, so no mark can be put in that was not in the sealed ledger, and none can be left out: neither an unauthorised
session, nor a notice, nor a school year (of which the lines beside it show that there is none). Its position and its
time are those of the checkpoint. What was followed up, the roll and leave are the former school's business and no part
of it. Reasons and details stay sealed in their rows; names are in the record as far as people must match them.

The first form of the record hid any row as a hash, so it proves less and is refused.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Literal

import msgspec

from ledger import wire
from ledger.errors import LedgerError
from ledger.events import NoticeIssued, NoticeWithdrawn
from ledger.merkle import leaf_hash, verify_inclusion
from ledger.note import DASH, BadNote, Checkpoint, VerifierKey, open_note, parse_checkpoint
from ledger.seal import YearLine, place_of
from ledger.sessions import LONDON, Session, format_moment, from_micros, school_year
from ledger.store.rows import Row
from ledger.streams import Owner, entry_of, owner_of
from ledger.tiles import split

FORM: Literal["attendance portable record 2"] = "attendance portable record 2"
FIRST_FORM = "attendance portable record 1"
LONGEST = 10_000_000  # characters of a file
# Ten school weeks lie within half a year, whatever the holidays: the record reaches back so far, and never less than to
# the school year's first day.
HALF_A_YEAR = timedelta(days=182)
ENTRIES, NOTICES = "entry", "notice"  # families of rows, as the seal's tree of years has them


class BadRecord(LedgerError):
    """A file that is no portable record, or one that its key or its own proof does not bear out."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a portable record: nothing in it that nobody declared."""


class FormerSchool(Part, frozen=True, kw_only=True):
    urn: str
    name: str
    la: str
    estab: str


class FormerPupil(Part, frozen=True, kw_only=True):
    """The pupil, as the former school's admission register has them."""

    number: str
    upn: str
    name: str
    born: date


class PortableMark(Part, frozen=True, kw_only=True):
    code: str
    recorded_at: str
    position: int


class PortableEntry(Part, frozen=True, kw_only=True):
    """One entry: its marks, oldest first; the first is the original entry."""

    session: str
    entries: list[PortableMark]


class PortableNotice(Part, frozen=True, kw_only=True):
    """A notice, to whom, and how it stood: "open", "paid", "unpaid" or "withdrawn"."""

    notice: str
    parent: str
    parent_name: str
    issued_on: date
    sessions: list[str]
    state: str
    position: int
    recorded_at: str


class Leaf(Part, frozen=True, kw_only=True):
    """A stored row of the pupil's."""

    position: int
    stream: str
    version: int
    topic: str
    recorded_at: int
    state: bytes

    def row(self) -> Row:
        return Row(self.position, self.stream, self.version, self.topic, self.recorded_at, self.state)


class Line(Part, frozen=True, kw_only=True):
    """A line of the checkpoint's tree of years, with its place and proof there."""

    line: str
    index: int
    proof: bytes


class YearRows(Part, frozen=True, kw_only=True, omit_defaults=True):
    """All rows of the entries of one school year of the pupil's, or (year 0) of the notices, up to the checkpoint, in
    order of position, and the proof of their line in the checkpoint's tree of years. Where there are none, the lines
    `around` the place where theirs would stand."""

    year: int
    index: int = 0
    proof: bytes = b""
    leaves: list[Leaf] = []
    around: list[Line] = []


class PortableRecord(Part, frozen=True, kw_only=True):
    """What a former school's ledger said of a pupil as of a day, as known at a moment. `weeks` are the Mondays of its
    last school weeks."""

    form: Literal["attendance portable record 2"]
    simulated: bool
    as_of: date
    known_at: datetime
    position: int
    policy: str
    rules: str
    ledger: str
    school: FormerSchool
    pupil: FormerPupil
    spells: list[tuple[date, date | None]]
    weeks: list[date]
    entries: list[PortableEntry]
    notices: list[PortableNotice]
    checkpoint: str
    years: list[YearRows]


class _Form(msgspec.Struct, frozen=True):
    form: str


class _File(Part, frozen=True):
    record: msgspec.Raw
    signed: str


def format_record(record: PortableRecord, sign: Callable[[str], str]) -> str:
    """Return the file of a record; `sign` makes a signed note of a text. The inverse of `open_record`."""
    content = msgspec.json.encode(record)
    return _file(content, sign(_statement(content)))


def open_record(text: str, key: VerifierKey) -> tuple[PortableRecord, str]:
    """Return the record that a file holds, and its digest. Raises BadRecord unless the key signed it, every byte is as
    it was written, and its proof bears it out."""
    if len(text) > LONGEST:
        raise BadRecord(f"a portable record of at most {LONGEST:,} characters")
    try:
        file = msgspec.json.decode(text, type=_File)
        if msgspec.json.decode(file.record, type=_Form).form == FIRST_FORM:
            raise BadRecord(
                f"a record of the form {FORM!r}: the first form does not show that no mark, notice or school year was "
                "left out, so ask the former school to write it again"
            )
        record = msgspec.json.decode(file.record, type=PortableRecord)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise BadRecord("a portable record with every row whole, as 'attendance portable' writes it") from None
    content = bytes(file.record)
    try:
        if open_note(file.signed, key) != _statement(content):
            raise BadRecord("a record of just these bytes under its signature")
    except BadNote:
        raise BadRecord("a record that this key signed") from None
    if _file(content, _plain(file.signed)) != text:
        raise BadRecord("a record written just as it was signed")
    try:
        _check_proof(record, key)
    except (wire.Undecodable, ValueError, LookupError, OverflowError):
        raise BadRecord("rows that can be read") from None
    return record, sha256(content).hexdigest()


def _statement(content: bytes) -> str:
    return f"attendance portable record\nsha256 {sha256(content).hexdigest()}\n"


def _file(content: bytes, signed: str) -> str:
    return f'{{"record":{content.decode()},"signed":{msgspec.json.encode(signed).decode()}}}\n'


def _plain(signed: str) -> str:
    """Return a note with its first signature alone, in the one way of writing it."""
    statement, _, rest = signed.partition("\n\n")
    name, _, encoded = rest.partition("\n")[0].removeprefix(DASH).rpartition(" ")
    return f"{statement}\n\n{DASH}{name} {base64.b64encode(_decoded(encoded)).decode()}\n"


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded)
    except ValueError:  # letters beyond ASCII
        return b""


# --- what it must hold ----------------------------------------------------------------------------------------------


def first_day(as_of: date, weeks: Iterable[date]) -> date:
    """Return the day from which a record as of a day holds every session: the first of its weeks, the first day of the
    school year and the day half a year before, whichever is earliest."""
    return min([*weeks, date(school_year(as_of), 8, 1), as_of - HALF_A_YEAR])


def years_of(as_of: date, weeks: Iterable[date]) -> list[int]:
    """Return the years whose rows a record as of a day holds, 0 (the notices) first."""
    return [0, *range(school_year(first_day(as_of, weeks)), school_year(as_of) + 1)]


def family_of(year: int) -> str:
    return ENTRIES if year else NOTICES


# --- the proof ------------------------------------------------------------------------------------------------------


def _check_proof(record: PortableRecord, key: VerifierKey) -> None:
    """Raise BadRecord unless the record shows all rows of its pupil's entries and notices up to its position, and says
    what they say."""
    try:
        checkpoint = parse_checkpoint(open_note(record.checkpoint, key))
    except BadNote:
        raise BadRecord("a checkpoint that this key signed") from None
    if checkpoint.of_first_form:
        raise BadRecord("a checkpoint that says of each pupil how many entries there are: seal the ledger again")
    needed = years_of(record.as_of, record.weeks)
    if [each.year for each in record.years] != needed:
        raise BadRecord(f"the rows of each school year that counts: {', '.join(map(str, needed[1:]))}, and the notices")
    for year in record.years:
        _check_year(record.pupil.number, year, checkpoint)
    if (record.position, record.known_at) != (checkpoint.size, datetime.fromisoformat(checkpoint.until)):
        raise BadRecord("the position and the time of its checkpoint, beyond which it shows nothing")
    if record.as_of > record.known_at.astimezone(LONDON).date():
        raise BadRecord("a day that had come when its checkpoint was signed")
    rows = list(_rows(record.years))
    first = first_day(record.as_of, record.weeks)
    if list(entries_of(rows, first, record.as_of)) != record.entries:
        raise BadRecord("entries that say what the sealed rows say")
    if notices_of(rows, record.as_of) != {each.notice: _said(each) for each in record.notices}:
        raise BadRecord("notices that say what the sealed rows say")


def _check_year(pupil: str, year: YearRows, checkpoint: Checkpoint) -> None:
    """Raise BadRecord unless these are all rows of a family that were sealed."""
    owner, family = Owner(pupil, year.year), family_of(year.year)
    what = f"entries of the school year {year.year}" if year.year else "notices"
    if not year.leaves:
        if not _is_absent(place_of(owner, family), year.around, checkpoint):
            raise BadRecord(f"the {what}, or the lines that show that there are none")
        return
    rows = list(_rows([year]))
    digest = sha256(b"".join(wire.leaf(*row) for row in rows)).digest()
    line = YearLine(owner, len(rows), digest, family).text
    if year.around or not _holds(line, year.index, year.proof, checkpoint):
        raise BadRecord(f"all rows that were sealed of the {what}")
    if any(owner_of(row.stream) != owner or row.topic.partition(".")[0] != family for row in rows):
        raise BadRecord("no rows of anybody or anything else")


def _is_absent(place: str, around: list[Line], checkpoint: Checkpoint) -> bool:
    """Whether these lines, next to each other or at an end of the sorted tree, show that no line is of a place."""
    if not all(_holds(each.line.encode(), each.index, each.proof, checkpoint) for each in around):
        return False
    before = [each for each in around if each.line < f"{place} "]
    after = [each for each in around if each.line >= f"{place} "]
    if len(before) > 1 or len(after) > 1 or any(each.line.startswith(f"{place} ") for each in after):
        return False
    if before and after:
        return after[0].index == before[0].index + 1
    return bool((before and before[0].index == checkpoint.years - 1) or (after and after[0].index == 0))


def _holds(line: bytes, index: int, proof: bytes, checkpoint: Checkpoint) -> bool:
    return verify_inclusion(leaf_hash(line), index, checkpoint.years, split(proof), checkpoint.years_root)


def _rows(years: Iterable[YearRows]) -> Iterator[Row]:
    return (leaf.row() for year in years for leaf in year.leaves)


def entries_of(rows: Iterable[Row], first: date, last: date) -> Iterator[PortableEntry]:
    """Yield the entries that rows make of sessions from one day to another, in order of session."""
    found: dict[Session, list[PortableMark]] = {}
    for row in sorted(rows, key=lambda row: row.position):
        if row.topic.startswith("entry."):
            found.setdefault(entry_of(row.stream)[1], []).append(_mark(row))
    for session, marks in sorted(each for each in found.items() if first <= each[0].day <= last):
        yield PortableEntry(session=str(session), entries=marks)


def _mark(row: Row) -> PortableMark:
    code = getattr(wire.decode(row.state), "code", "")
    return PortableMark(code=code, recorded_at=format_moment(from_micros(row.recorded_at)), position=row.position)


def notices_of(rows: Iterable[Row], on: date) -> dict[str, tuple[str, date, list[str], int, bool]]:
    """Return what rows say of each notice issued by a day: parent, issue, sessions, position, and whether it was
    withdrawn."""
    found: dict[str, tuple[str, date, list[str], int, bool]] = {}
    for row in sorted(rows, key=lambda row: row.position):
        name, event = row.stream.rpartition("/")[2], wire.decode(row.state)
        if isinstance(event, NoticeIssued):
            found[name] = event.parent, event.issued_on, list(event.sessions), row.position, False
        elif isinstance(event, NoticeWithdrawn):
            found[name] = (*found[name][:4], True)
    return {name: said for name, said in found.items() if said[1] <= on}


def _said(notice: PortableNotice) -> tuple[str, date, list[str], int, bool]:
    return notice.parent, notice.issued_on, notice.sessions, notice.position, notice.state == "withdrawn"
