"""The register of one pupil over a time: every session, what stands there, what it counts as, and all it ever said."""

from __future__ import annotations

from datetime import date

import msgspec

from ledger.sessions import Session, school_year
from projections.asking.questions import Answers, Moment
from projections.audit.explain import judge_absence
from projections.audit.proof import Line
from projections.records.registers import MarkAnswer, history_answers


class RecordLine(msgspec.Struct, frozen=True, kw_only=True):
    """One session of the pupil's. `code` and `original` are None where no mark stands; `counts_as` is attended,
    authorised, unauthorised, not possible, missing or not on roll."""

    session: str
    code: str | None
    original: str | None
    counts_as: str
    entries: list[MarkAnswer]


def record(answers: Answers, moment: Moment, pupil: str, first: date, last: date) -> list[RecordLine]:
    """Return a line for each session of the pupil's from one day to another, both inclusive, in order: those of the
    calendar while on roll, and those that hold a mark."""
    years = range(school_year(first), school_year(last) + 1)
    history = history_answers(answers, moment, pupil, years=years)
    marks = {entry.session: entry.entries for entry in history}
    had = {Session.from_number(number) for year in years for number in moment.school.calendar.session_numbers(year)}
    sessions = {session for session in had if moment.school.on_roll(pupil, session.day)} | marks.keys()
    return [
        _line(moment, pupil, session, marks.get(session, []))
        for session in sorted(sessions)
        if first <= session.day <= last
    ]


def _line(moment: Moment, pupil: str, session: Session, entries: list[MarkAnswer]) -> RecordLine:
    code = entries[-1].code if entries else ""
    return RecordLine(
        session=str(session),
        code=code or None,
        original=entries[0].code if entries else None,
        counts_as=judge_absence(Line(session.number, code, 0), moment, pupil)[0],
        entries=entries,
    )
