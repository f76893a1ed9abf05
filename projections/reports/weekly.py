"""The head's week: each class and the school, this week and the year to date, and what became worse in it.

Whoever left counts for the sessions until then. Newly persistent, severe or at risk is a comparison of two answers: the
year to date now, as known now, and the year to date of the Sunday before, as known that Sunday.
"""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import numpy as np

from ledger.codes import CODES, UNRESOLVED
from ledger.errors import Misconfigured
from ledger.sessions import Half, Session, monday, parse_moment
from ledger.streams import register_of, register_stream
from projections.asking.questions import Answers, Moment
from projections.figures.cohorts import who
from projections.figures.spans import span, year_to_date
from projections.figures.tally import LEVELS, Figures, Tally, levels, pooled
from projections.reports.base import Report, about, class_of, in_force
from projections.reports.parents import reaches

FRIDAY = timedelta(days=4)


class ClassWeek(msgspec.Struct, frozen=True, kw_only=True):
    """One class, or the whole school, this week and in the year to date, with whether the year reaches the target."""

    name: str
    week: Figures
    year: Figures
    week_reaches_target: bool | None
    year_reaches_target: bool | None


class Worse(msgspec.Struct, frozen=True, kw_only=True):
    """A pupil more absent than a week earlier: the level then and now (blank, at risk, persistent, severe)."""

    pupil: str
    class_name: str
    before: str
    now: str
    absence_percent: float | None


class Untaken(msgspec.Struct, frozen=True, kw_only=True):
    """A register that nobody submitted, and how many pupils are without a mark or N there."""

    session: str
    class_name: str
    pupils: int


class WeeklyReport(Report, frozen=True, kw_only=True):
    monday: str
    school: ClassWeek
    classes: list[ClassWeek]
    worse: list[Worse]
    untaken: list[Untaken]


def weekly_report(answers: Answers, moment: Moment) -> WeeklyReport:
    """Return the week that the day asked about lies in, up to that day. Raises Misconfigured where it has no
    session."""
    header = about(moment)
    begins = monday(moment.as_of)
    calendar = moment.school.calendar
    if not any(begins <= day <= moment.as_of for day in calendar.school_days_until(moment.as_of, 1)):
        raise Misconfigured(f"the week of {begins} has no session up to {moment.as_of} by the calendar known then")
    pupils = who(answers, moment, leavers=True)
    week = span(answers, moment, pupils, begins, moment.as_of)
    year = year_to_date(answers, moment, pupils)
    classes: dict[str, list[int]] = {}
    for row, pupil in enumerate(pupils):
        classes.setdefault(class_of(moment, pupil), []).append(row)
    target = in_force(moment).target_percent
    return WeeklyReport(
        **header,
        monday=begins.isoformat(),
        school=_line("whole school", week, year, list(range(len(pupils))), target),
        classes=[_line(name, week, year, rows, target) for name, rows in sorted(classes.items())],
        worse=_worse(answers, moment, begins, year),
        untaken=_untaken(answers, moment, begins, week),
    )


def last_day_of(week: date) -> date:
    """Return the Friday of a week. Raises Misconfigured where the day given is no Monday."""
    if week != monday(week):
        raise Misconfigured(f"{week} is no Monday")
    return week + FRIDAY


def _line(name: str, week: Tally, year: Tally, rows: list[int], target: int) -> ClassWeek:
    this, all_of = pooled(week, rows), pooled(year, rows)
    return ClassWeek(
        name=name,
        week=this,
        year=all_of,
        week_reaches_target=reaches(this, target),
        year_reaches_target=reaches(all_of, target),
    )


def _worse(answers: Answers, moment: Moment, begins: date, year: Tally) -> list[Worse]:
    """Return who of those on roll is at a worse level than on the Sunday before as known then, worst first."""
    sunday = begins - timedelta(days=1)
    then = answers.moment(sunday, min(moment.known_at, parse_moment(sunday.isoformat(), end_of_day=True)))
    before = dict.fromkeys(year.pupils, 0)
    same_year = then.school.calendar.year_begun_by(sunday) == moment.school.calendar.year_begun_by(moment.as_of)
    if same_year and then.in_force is not None:  # a school year begins with nobody absent
        earlier = year_to_date(answers, then, year.pupils)
        before = dict(zip(year.pupils, map(int, levels(earlier, then.policy)), strict=True))
    now = dict(zip(year.pupils, map(int, levels(year, in_force(moment))), strict=True))
    worse = [
        Worse(
            pupil=pupil,
            class_name=class_of(moment, pupil),
            before=LEVELS[before[pupil]],
            now=LEVELS[now[pupil]],
            absence_percent=pooled(year, [row]).absence_percent,
        )
        for row, pupil in enumerate(year.pupils)
        if now[pupil] > before[pupil] and moment.school.on_roll(pupil, moment.as_of)
    ]
    return sorted(worse, key=lambda each: (-LEVELS.index(each.now), each.class_name, each.pupil))


def _untaken(answers: Answers, moment: Moment, begins: date, week: Tally) -> list[Untaken]:
    """Return the registers that had closed by the clock, were never submitted and leave somebody unexplained."""
    school = moment.school
    days = [day for day in school.calendar.school_days_until(moment.as_of, 7) if day >= begins]
    due = [session for day in days for session in _closed(moment, day)]
    streams = {register_stream(s, name): (s, name) for s in due for name in school.classes_on(s.day)}
    taken = {
        row.stream
        for row in answers.ledger.reads.stream_rows(list(streams))
        if row.position <= moment.position and row.topic == "register.RegisterTaken"
    }
    marks = week.absence.counted
    explained = np.array([code.symbol != UNRESOLVED for code in CODES])
    settled = {
        (week.pupils[pupil], int(session))
        for pupil, session, code in zip(marks.pupil, marks.session, marks.code, strict=True)
        if explained[code]
    }
    untaken = []
    for stream in streams.keys() - taken:
        session, name = register_of(stream)
        open_ones = sum((p, session.number) not in settled for p in school.pupils_on(session.day, name))
        if open_ones:
            untaken.append(Untaken(session=str(session), class_name=name, pupils=open_ones))
    return sorted(untaken, key=lambda each: (Session.parse(each.session), each.class_name))


def _closed(moment: Moment, day: date) -> list[Session]:
    sessions = [Session(day, half) for half in Half]
    return [each for each in sessions if moment.school.calendar.closes(each) <= moment.known_at]
