"""Figures of many schools together, for a trust or an authority: pooled the way the Department pools.

Sessions are added up, and a rate is the rate of the sums, never the mean of the schools' rates. Persistent and severe
absence are counted in *enrolments*: everybody with a possible session in the year to date, those who have left as well,
and a pupil on roll of two schools in both. Each school is judged by its own policy, which its line repeats, and its own
calendar.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple, TypedDict

import msgspec

from ledger.errors import LedgerError
from ledger.sessions import LONDON, format_moment, from_micros
from ledger.store.schools import Schools
from projections.asking.questions import Answers, Moment
from projections.figures.absence import percent
from projections.figures.cohorts import penalty_windows
from projections.figures.spans import year_to_date
from projections.figures.tally import Figures, together
from projections.many.schools import opened_school
from projections.reports.base import Header, Report, about, in_force
from projections.reports.groups import Group, group_line


class SchoolLine(Report, frozen=True, kw_only=True):
    """What a school's line begins with: its schema, number and name as known."""

    school: str
    urn: str
    name: str


class SchoolHeader(Header):
    """The fields of `SchoolLine`."""

    school: str
    urn: str
    name: str


class SchoolAbsence(SchoolLine, frozen=True, kw_only=True):
    """A school's year to date. `figures.pupils` are enrolments with a possible session, of whom the cohorts are."""

    figures: Figures
    persistent: int
    severe: int
    persistent_percent: float | None
    severe_percent: float | None


class SchoolPenalty(SchoolLine, frozen=True, kw_only=True):
    """How many pupils of a school have a session in the window that counts, and how many of them meet the
    threshold."""

    first_week: str | None
    last_week: str | None
    threshold: int
    pupils: int
    met: int


class Pooled(msgspec.Struct, frozen=True, kw_only=True):
    """What a pooled line begins with: how many schools it rests on, of how many asked, and the two times that give the
    same answer again."""

    schools: int
    of: int
    as_of: str
    known_at: str
    simulated: bool


class PooledHeader(TypedDict):
    """The fields of `Pooled`."""

    schools: int
    of: int
    as_of: str
    known_at: str
    simulated: bool


class PooledAbsence(Pooled, frozen=True, kw_only=True):
    figures: Figures
    persistent: int
    severe: int
    persistent_percent: float | None
    severe_percent: float | None


class PooledPenalty(Pooled, frozen=True, kw_only=True):
    pupils: int
    met: int


class Times(NamedTuple):
    """The two times of a question to many schools."""

    as_of: date
    known_at: datetime


def times_of(schools: Schools, names: Sequence[str], as_of: date | None, known_at: datetime | None) -> Times:
    """Return the two times to ask every one of these schools with, so that asked again they say the same.

    Left out, `known_at` is when the last event of any of them was recorded, which also stands for any later time; and
    `as_of` is today, or where all of them are simulated the London day of that event.
    """
    last = from_micros(max((head.recorded_at for head in schools.heads(names).values()), default=0))
    if as_of is None:
        now = last if all(_is_simulated(schools, name) for name in names) else datetime.now(UTC)
        as_of = now.astimezone(LONDON).date()
    return Times(as_of, last if known_at is None else min(known_at, last))


def _is_simulated(schools: Schools, name: str) -> bool:
    try:
        opened = schools.ledger(name).opened()
    except LedgerError:
        return False
    return opened is not None and opened.simulated


def moment_of(schools: Schools, name: str, times: Times) -> tuple[Answers, Moment]:
    """Return what answers about a school, and the moment. Raises Misconfigured where it cannot."""
    answers = opened_school(schools, name).answers()
    # A save that is under way may be stamped with a time up to the one asked about: it has to end before.
    answers.ledger.reads.settle()
    # Not the school's own last event, if that was earlier: it may record more in a moment, and this be asked again.
    return answers, answers.moment(*times)._replace(known_at=times.known_at)


def school_absence(answers: Answers, moment: Moment, name: str) -> SchoolAbsence:
    """Return a school's line. Raises Misconfigured where no school year had begun, or no policy was known."""
    header = _header(moment, name)
    pupils = sorted(moment.school.pupils)
    year = year_to_date(answers, moment, pupils)
    line = group_line(year, Group("school", name, list(range(len(pupils)))), in_force(moment))
    return SchoolAbsence(
        **header,
        figures=line.figures,
        persistent=line.persistent,
        severe=line.severe,
        persistent_percent=line.persistent_percent,
        severe_percent=line.severe_percent,
    )


def school_penalty(answers: Answers, moment: Moment, name: str) -> SchoolPenalty:
    """Return a school's line. Raises as `school_absence` does."""
    header = _header(moment, name)
    windows = [answer for answer in penalty_windows(answers, moment, sorted(moment.school.pupils)) if answer.count]
    policy = in_force(moment)
    weeks = moment.school.calendar.school_weeks(moment.as_of, policy.penalty_weeks)
    return SchoolPenalty(
        **header,
        first_week=weeks[0].isoformat() if weeks else None,
        last_week=weeks[-1].isoformat() if weeks else None,
        threshold=policy.penalty_threshold,
        pupils=len(windows),
        met=sum(answer.met for answer in windows),
    )


def pooled_absence(lines: Sequence[SchoolAbsence], of: int, times: Times) -> PooledAbsence:
    """Return these schools' lines as one."""
    figures = together(line.figures for line in lines)
    persistent, severe = sum(line.persistent for line in lines), sum(line.severe for line in lines)
    return PooledAbsence(
        **_pooled(lines, of, times),
        figures=figures,
        persistent=persistent,
        severe=severe,
        persistent_percent=percent(persistent, figures.pupils),
        severe_percent=percent(severe, figures.pupils),
    )


def pooled_penalty(lines: Sequence[SchoolPenalty], of: int, times: Times) -> PooledPenalty:
    """Return these schools' lines as one."""
    return PooledPenalty(
        **_pooled(lines, of, times),
        pupils=sum(line.pupils for line in lines),
        met=sum(line.met for line in lines),
    )


def _header(moment: Moment, name: str) -> SchoolHeader:
    header, opened = about(moment), moment.school.opened
    assert opened is not None  # or no policy had been known
    return {**header, "school": name, "urn": opened.urn, "name": opened.name}


def _pooled(lines: Sequence[SchoolLine], of: int, times: Times) -> PooledHeader:
    return {
        "schools": len(lines),
        "of": of,
        "as_of": times.as_of.isoformat(),
        "known_at": format_moment(times.known_at),
        "simulated": any(line.simulated for line in lines),
    }
