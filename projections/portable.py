"""The portable record of a pupil who moves, made from the ledger and its seal: see `ledger.portable`."""

from __future__ import annotations

from datetime import date

from ledger import note, wire
from ledger.case import years_after
from ledger.errors import Misconfigured
from ledger.inclusion import Proofs, first_note, prove
from ledger.notices import standing, terms
from ledger.portable import (
    FORM,
    FormerPupil,
    FormerSchool,
    Leaf,
    PortableNotice,
    PortableRecord,
    YearRows,
    entries_of,
    format_record,
)
from ledger.seal import Seal
from ledger.sessions import school_year
from ledger.store import Row
from ledger.streams import Owner, entry_of, owner_of
from projections.proof import policy_of
from projections.questions import Answers, Moment


def portable_record(answers: Answers, moment: Moment, pupil: str, seal: Seal) -> tuple[PortableRecord, str]:
    """Return the record of a pupil as of the day asked about, and its signed file.

    In it are the entries of the year to date and of the last school weeks, and the notices of the policy's years.
    Raises Misconfigured without the private key, where the ledger is not sealed so far, or where the pupil could not be
    matched; BrokenSeal where the ledger is not what was sealed.
    """
    private = seal.private
    if private is None:
        raise Misconfigured(f"the folder {seal.folder} holds no private key, so no record can be signed with it")
    record = _record(answers, moment, pupil, seal)
    return record, format_record(record, lambda text: note.sign(text, seal.key.name, private))


def _record(answers: Answers, moment: Moment, pupil: str, seal: Seal) -> PortableRecord:
    school, opened = moment.school, moment.school.opened
    assert opened is not None, "a pupil without a school"
    known = answers.particulars(moment, [pupil])[pupil]
    if not known.readable or not known.upn:
        lacks = "has no UPN" if known.readable else "cannot be read without the keys"
        raise Misconfigured(f"pupil {pupil} {lacks}, so no other school could match a record of theirs")
    weeks = school.calendar.school_weeks(moment.as_of, policy_of(moment).penalty_weeks)
    first = _first_day(moment, weeks)
    notices = _notices(answers, moment, pupil)
    named = {each.notice for each in notices}
    years = {0, *range(school_year(first), school_year(moment.as_of) + 1)}
    mine = [row for row in answers.ledger.reads.prefix_rows(f"{pupil}/") if owner_of(row.stream).year in years]
    mine.sort(key=lambda row: row.position)
    shown = [row for row in mine if row.position <= moment.position and _is_shown(row, first, moment.as_of, named)]
    proofs = _proofs(answers, seal, shown or mine[:1], [Owner(pupil, year) for year in sorted(years)])
    return PortableRecord(
        form=FORM,
        simulated=school.simulated,
        as_of=moment.as_of,
        known_at=moment.known_at,
        position=moment.position,
        policy=policy_of(moment).name,
        ledger=answers.ledger.identity,
        school=FormerSchool(urn=opened.urn, name=opened.name, la=opened.la, estab=opened.estab),
        pupil=FormerPupil(number=pupil, upn=known.upn, name=known.name, born=date.fromisoformat(known.born)),
        spells=[(spell.first, spell.last) for spell in school.pupils[pupil].spells],
        weeks=weeks,
        entries=list(entries_of(shown)),
        notices=notices,
        checkpoint=proofs.note,
        years=_years(proofs, mine, {row.position for row in shown}),
    )


def _first_day(moment: Moment, weeks: list[date]) -> date:
    """Return the day from which entries go along: of the year to date, or of the first of the weeks."""
    year = moment.school.calendar.year_begun_by(moment.as_of)
    if year is None:
        raise Misconfigured(f"no school year had begun by {moment.as_of}")
    return min([*weeks, moment.school.years[year].first_day])


def _is_shown(row: Row, first: date, last: date, notices: set[str]) -> bool:
    if row.topic.startswith("entry."):
        return first <= entry_of(row.stream)[1].day <= last
    named = row.stream.rpartition("/")[2] in notices
    return named and row.topic in ("notice.NoticeIssued", "notice.NoticeWithdrawn")


def _notices(answers: Answers, moment: Moment, pupil: str) -> list[PortableNotice]:
    """Return the notices issued in the policy's years before the day, and how each stands on it."""
    school, on = moment.school, moment.as_of
    contacts = {each["id"]: each for each in answers.particulars(moment, [pupil])[pupil].contacts}
    found = []
    for name, case in school.cases.get(pupil, {}).items():
        if case.issued is None:
            continue
        position, issued = case.issued
        if issued.issued_on <= on < years_after(issued.issued_on, policy_of(moment).notices_years):
            asked = terms(case, school.notices_about(pupil), school.policy_on(issued.issued_on))
            found.append(
                PortableNotice(
                    notice=name,
                    parent=issued.parent,
                    parent_name=contacts.get(issued.parent, {}).get("name", ""),
                    issued_on=issued.issued_on,
                    sessions=list(issued.sessions),
                    state=standing(case, asked, on),
                    position=position,
                    recorded_at=answers.recorded_at([position])[position],
                )
            )
    return found


def _proofs(answers: Answers, seal: Seal, shown: list[Row], owners: list[Owner]) -> Proofs:
    """Return the proofs of the pupil's years against the first checkpoint that holds all that is shown."""
    signed = first_note(seal, max(row.position for row in shown))
    return prove(seal, signed, [], [], owners)


def _years(proofs: Proofs, mine: list[Row], shown: set[int]) -> list[YearRows]:
    """Return the pupil's rows by school year, those shown as they are and the others as hashes."""
    found = []
    for each in proofs.years:
        year = int(each.line.partition(" ")[0].rpartition("/")[2])
        sealed = [row for row in mine if owner_of(row.stream).year == year and row.position <= proofs.checkpoint.size]
        leaves = [_leaf(row, whole=row.position in shown) for row in sealed]
        found.append(YearRows(year=year, index=each.place, proof=each.proof, leaves=leaves))
    return found


def _leaf(row: Row, *, whole: bool) -> Leaf:
    return Leaf(**row._asdict()) if whole else Leaf(position=row.position, hash=wire.leaf(*row))
