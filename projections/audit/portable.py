"""The portable record of a pupil who moves, made from the ledger and its seal: see `ledger.portable`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from ledger import note
from ledger.errors import Misconfigured
from ledger.inclusion import YearLines
from ledger.note import Checkpoint
from ledger.notices import standing, terms
from ledger.portable import (
    FORM,
    BadRecord,
    FormerPupil,
    FormerSchool,
    Leaf,
    Line,
    PortableNotice,
    PortableRecord,
    YearRows,
    entries_of,
    family_of,
    first_day,
    format_record,
    open_record,
    years_of,
)
from ledger.seal import BrokenSeal, Seal, place_of
from ledger.store import Row
from ledger.streams import Owner, owner_of
from projections.asking.questions import Answers, Moment


def portable_record(answers: Answers, moment: Moment, pupil: str, seal: Seal) -> tuple[PortableRecord, str]:
    """Return the record of a pupil as of the day asked about, and its signed file.

    In it are the entries of the year to date and of half a year back, and every notice, as known at the last checkpoint
    by the moment. It is read as the next school will read it before it is given out. Raises Misconfigured without the
    private key, where the ledger was not sealed so far by then, or where the pupil could not be matched; BrokenSeal
    where the ledger is not what was sealed.
    """
    private = seal.private
    if private is None:
        raise Misconfigured(f"the folder {seal.folder} holds no private key, so no record can be signed with it")
    record = _record(answers, moment, pupil, seal)
    text = format_record(record, lambda text: note.sign(text, seal.key.name, private))
    try:
        open_record(text, seal.key)
    except BadRecord as error:
        raise BrokenSeal(
            f"the ledger is not what was sealed at position {record.position}, and the next school would miss {error}: "
            "'attendance verify --seal' says where"
        ) from None
    return record, text


def _record(answers: Answers, moment: Moment, pupil: str, seal: Seal) -> PortableRecord:
    school, opened = moment.school, moment.school.opened
    assert opened is not None, "a pupil without a school"
    known = answers.particulars(moment, [pupil])[pupil]
    if not known.readable or not known.upn:
        lacks = "has no UPN" if known.readable else "cannot be read without the keys"
        raise Misconfigured(f"pupil {pupil} {lacks}, so no other school could match a record of theirs")
    if school.calendar.year_begun_by(moment.as_of) is None:
        raise Misconfigured(f"no school year had begun by {moment.as_of}")
    weeks = school.calendar.school_weeks(moment.as_of, moment.policy.penalty_weeks)
    years = years_of(moment.as_of, weeks)
    mine = _family_rows(answers, pupil, years)
    signed, checkpoint = _note(seal, moment, mine)
    shown = [row for row in mine if row.position <= checkpoint.size]
    lines = YearLines(seal, checkpoint)
    return PortableRecord(
        form=FORM,
        simulated=school.simulated,
        as_of=moment.as_of,
        known_at=datetime.fromisoformat(checkpoint.until),
        position=checkpoint.size,
        policy=moment.policy.name,
        rules=moment.policy.rules,
        ledger=answers.ledger.identity,
        school=FormerSchool(urn=opened.urn, name=opened.name, la=opened.la, estab=opened.estab),
        pupil=FormerPupil(number=pupil, upn=known.upn, name=known.name, born=date.fromisoformat(known.born)),
        spells=[(spell.first, spell.last) for spell in school.pupils[pupil].spells],
        weeks=weeks,
        entries=list(entries_of(shown, first_day(moment.as_of, weeks), moment.as_of)),
        notices=_notices(answers, moment, pupil),
        checkpoint=signed,
        years=[_year(lines, pupil, year, shown) for year in years],
    )


def _family_rows(answers: Answers, pupil: str, years: Sequence[int]) -> list[Row]:
    """Return the rows of a pupil's entries of these school years, and of the notices, in order of position."""
    rows = answers.ledger.reads.prefix_rows(f"{pupil}/")
    mine = [row for row in rows if (year := owner_of(row.stream).year) in years and _is_of(row, family_of(year))]
    return sorted(mine, key=lambda row: row.position)


def _is_of(row: Row, family: str) -> bool:
    return row.topic.partition(".")[0] == family


def _note(seal: Seal, moment: Moment, mine: list[Row]) -> tuple[str, Checkpoint]:
    """Return the last note that was signed by a moment. Raises Misconfigured where it does not cover all that was
    recorded of the pupil by then: what is no part of a checkpoint shows nobody that nothing was left out."""
    opened = [(signed, note.parse_checkpoint(note.open_note(signed, seal.key))) for signed in seal.notes()]
    by_then = [each for each in opened if each[1].size <= moment.position and not each[1].of_first_form]
    last = max((row.position for row in mine if row.position <= moment.position), default=1)
    signed, checkpoint = max(by_then, key=lambda each: each[1].size, default=("", None))
    if checkpoint is None or checkpoint.size < last:
        covered = checkpoint.size if checkpoint else 0
        raise Misconfigured(
            f"the record rests on position {last}, and only {covered} events had been sealed by then: run 'attendance "
            "seal' first"
        )
    return signed, checkpoint


def _notices(answers: Answers, moment: Moment, pupil: str) -> list[PortableNotice]:
    """Return the notices issued by the day, and how each stands on it."""
    school, on = moment.school, moment.as_of
    contacts = {each["id"]: each for each in answers.particulars(moment, [pupil])[pupil].contacts}
    notices = []
    for name, case in school.cases.get(pupil, {}).items():
        if case.issued is None:
            continue
        position, issued = case.issued
        if issued.issued_on <= on:
            agreed = terms(case, school.notices_about(pupil), school.policy_on(issued.issued_on))
            notices.append(
                PortableNotice(
                    notice=name,
                    parent=issued.parent,
                    parent_name=contacts.get(issued.parent, {}).get("name", ""),
                    issued_on=issued.issued_on,
                    sessions=list(issued.sessions),
                    state=standing(case, agreed, on),
                    position=position,
                    recorded_at=answers.recorded_at([position])[position],
                )
            )
    return notices


def _year(lines: YearLines, pupil: str, year: int, shown: list[Row]) -> YearRows:
    """Return the rows of a year, with the proof of their line; or the lines that show that there are none."""
    place = place_of(Owner(pupil, year), family_of(year))
    proofs = lines.of([place])
    if not proofs:
        around = [Line(line=each.line, index=each.place, proof=each.proof) for each in lines.around(place)]
        return YearRows(year=year, around=around)
    leaves = [Leaf(**row._asdict()) for row in shown if owner_of(row.stream).year == year]
    return YearRows(year=year, index=proofs[0].place, proof=proofs[0].proof, leaves=leaves)
