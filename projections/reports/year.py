"""A pupil's year on one page: every half-day of it with its code, what was amended, and what it adds up to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import msgspec

from ledger.codes import CodeTable
from ledger.errors import Misconfigured
from ledger.sessions import LONDON, Half, Session, format_year, monday, parse_moment
from projections.asking.questions import Answers, Moment
from projections.figures.spans import year_to_date
from projections.figures.tally import LEVELS, Figures, Reason, levels, pooled, reasons
from projections.records.registers import EntryAnswer, history_answers
from projections.reports.base import Report, about, in_force

SCHOOL_DAYS = 5  # of a week, from Monday


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One half-day. `state`: "marked", "missing" (closed without a mark), "ahead" (not closed yet, or after the day
    asked about), "closed" (no session) or "off roll"."""

    state: str
    code: str = ""
    amended: bool = False


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """Monday to Friday, each AM and PM; `note` says why days of it are closed."""

    monday: str
    cells: list[Cell]
    note: str


class Amended(msgspec.Struct, frozen=True, kw_only=True):
    """All codes that an entry ever had, the original first, and the day of the last amendment."""

    session: str
    codes: list[str]
    on: str


class PupilYear(Report, frozen=True, kw_only=True):
    pupil: str
    year: str
    class_name: str
    year_group: str
    figures: Figures
    level: str
    reasons: list[Reason]
    weeks: list[Week]
    amended: list[Amended]


def pupil_year(answers: Answers, moment: Moment, pupil: str) -> PupilYear:
    """Return the year to date of a pupil on the day asked about. Raises Misconfigured where no year had begun."""
    header = about(moment)
    year = moment.school.calendar.year_begun_by(moment.as_of)
    assert year is not None
    counts = year_to_date(answers, moment, [pupil])
    history = history_answers(answers, moment, pupil, years=[year])
    entries = {entry.session: entry for entry in history}
    placement = moment.school.pupils[pupil].placement(moment.as_of)
    return PupilYear(
        **header,
        pupil=pupil,
        year=format_year(year),
        class_name=placement.class_name,
        year_group=placement.year_group,
        figures=pooled(counts),
        level=LEVELS[levels(counts, in_force(moment))[0]],
        reasons=reasons(counts, 0, moment.codes),
        weeks=_weeks(moment, pupil, year, entries),
        amended=[_amended(entry) for entry in entries.values() if len(entry.entries) > 1],
    )


def year_as_of(moment: Moment, year: int) -> date:
    """Return the day to ask about for a whole school year: its last day, or the day asked about while it lasts.
    Raises Misconfigured for a year that was not known, or not begun."""
    known = moment.school.years.get(year)
    if known is None:
        raise Misconfigured(f"the school year {format_year(year)} was not known then")
    if moment.as_of < known.first_day:
        raise Misconfigured(f"the school year {format_year(year)} had not begun by {moment.as_of}")
    return min(moment.as_of, known.last_day)


def _weeks(moment: Moment, pupil: str, year: int, entries: Mapping[Session, EntryAnswer]) -> list[Week]:
    known = moment.school.years[year]
    weeks = []
    begins = monday(known.first_day)
    while begins <= known.last_day:
        days = [begins + timedelta(days=offset) for offset in range(SCHOOL_DAYS)]
        cells = [_cell(moment, pupil, Session(day, half), entries) for day in days for half in Half]
        closed = (each for each in known.closed if each.first <= days[-1] and days[0] <= each.last)
        note = ", ".join(dict.fromkeys(each.why for each in closed))
        weeks.append(Week(monday=begins.isoformat(), cells=cells, note=note))
        begins += timedelta(days=7)
    return weeks


def _cell(moment: Moment, pupil: str, session: Session, entries: Mapping[Session, EntryAnswer]) -> Cell:
    school = moment.school
    if entry := entries.get(session):
        return Cell(state="marked", code=entry.entries[-1].code, amended=len(entry.entries) > 1)
    if not school.calendar.is_session(session):
        return Cell(state="closed")
    if not school.on_roll(pupil, session.day):
        return Cell(state="off roll")
    due = session.day <= moment.as_of and school.calendar.closes(session) <= moment.known_at
    return Cell(state="missing" if due else "ahead")


def _amended(entry: EntryAnswer) -> Amended:
    last = parse_moment(entry.entries[-1].recorded_at).astimezone(LONDON).date()
    return Amended(session=entry.session, codes=[mark.code for mark in entry.entries], on=last.isoformat())


def code_key(report: PupilYear, codes: CodeTable) -> list[Reason]:
    """Return every code that the page shows, also one that only an original entry had, with its name."""
    counted = {reason.code for reason in report.reasons}
    earlier = {code for entry in report.amended for code in entry.codes} - counted
    known = [code for symbol in sorted(earlier) if (code := codes.by_symbol(symbol)) is not None]
    return report.reasons + [
        Reason(code=code.symbol, name=code.name, category=code.category.replace("_", " "), sessions=0) for code in known
    ]
