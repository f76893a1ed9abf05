"""Absence and penalty answers: the kernels asked about a moment, as the fields people and programs read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

import numpy as np

from ledger.errors import Misconfigured
from ledger.received import received_marks
from ledger.sessions import format_moment, school_year
from projections.asking.questions import Answer, Answers, Moment
from projections.figures.absence import Absence, absence, cohorts, percent
from projections.figures.absence import bands as absence_bands
from projections.figures.penalty import (
    Background,
    CountedSession,
    PenaltyWindow,
    Tally,
    counted_marks,
    counted_sessions,
    tally,
    window,
)
from projections.readmodel.frames import Entries, Roll, first_session, last_session


class Source(Protocol):
    """Whatever answers are counted from: an opened ledger, or a folder of files."""

    def entries(self, moment: Moment, years: Sequence[int], pupils: Sequence[str]) -> Entries:
        """Return the marks of these pupils, in their order, as known at the moment."""
        ...

    def roll(self, moment: Moment, pupils: list[str]) -> Roll:
        """Return the roll of these pupils, in their order, as known at the moment."""
        ...


class AbsenceAnswer(Answer, frozen=True, kw_only=True):
    """A pupil's year to date. Counts are sessions; percentages have one decimal, halves up, null of nothing
    possible."""

    possible: int
    attended: int
    authorised: int
    unauthorised: int
    missing: int
    attendance_percent: float | None
    absence_percent: float | None
    persistent: bool
    severe: bool
    at_risk: bool


def year_counts(source: Source, moment: Moment, pupils: list[str]) -> Absence | None:
    """Return the counts of the year to date of these pupils, in their order; None where no year had begun."""
    school = moment.school
    year = school.calendar.year_begun_by(moment.as_of)
    if year is None or moment.in_force is None:
        return None
    since, until = first_session(date(year, 8, 1)), last_session(moment.as_of)
    closed = [number for number in school.calendar.closed_sessions(year, moment.known_at) if number <= until]
    entries = source.entries(moment, [year], pupils)
    return absence(entries, source.roll(moment, pupils), np.array(closed, np.int32), since, until, moment.codes)


def penalty_tally(source: Source, moment: Moment, pupils: list[str]) -> Tally:
    """Return what the penalty windows of these pupils come to, in their order."""
    school, policy = moment.school, moment.policy
    weeks = school.calendar.school_weeks(moment.as_of, policy.penalty_weeks)
    special = (school.notices.keys() | school.received.keys()) & set(pupils)
    known = {pupil: background(moment, pupil, None, weeks[0]) for pupil in special} if weeks else {}
    entries = source.entries(moment, _years(weeks, moment), pupils)
    return tally(entries, source.roll(moment, pupils), weeks, moment.as_of, known, policy)


def _years(weeks: list[date], moment: Moment) -> list[int]:
    """Return the school years that these weeks up to the day asked about lie in."""
    return list(range(school_year(weeks[0] if weeks else moment.as_of), school_year(moment.as_of) + 1))


def absence_answers(answers: Answers, moment: Moment, pupils: list[str]) -> list[AbsenceAnswer]:
    """Return the year to date of these pupils, in order of number as text; those with nothing at all are left out."""
    pupils = sorted(pupils)
    counts = year_counts(answers, moment, pupils)
    if counts is None:
        return []
    groups = cohorts(counts, moment.policy)
    return [
        AbsenceAnswer(
            **moment.header(pupil),
            **counts.of(row),
            attendance_percent=percent(int(counts.attended[row]), int(counts.possible[row])),
            absence_percent=percent(int(counts.absent[row]), int(counts.possible[row])),
            persistent=bool(groups.persistent[row]),
            severe=bool(groups.severe[row]),
            at_risk=bool(groups.at_risk[row]),
        )
        for row, pupil in enumerate(pupils)
        if counts.possible[row] or counts.missing[row]
    ]


def penalty_windows(
    answers: Answers, moment: Moment, pupils: list[str], *, empty: bool = False, parent: str | None = None
) -> list[PenaltyWindow]:
    """Return the windows of these pupils, in order of number as text; with `empty` also those in which nothing counts.

    With `parent`, sessions are those of that parent's own line: only their own notices take any away.
    """
    if moment.in_force is None:
        return []
    policy, pupils = moment.policy, sorted(pupils)
    weeks = moment.school.calendar.school_weeks(moment.as_of, policy.penalty_weeks)
    first = weeks[0] if weeks else moment.as_of
    known = {pupil: background(moment, pupil, parent, first) for pupil in pupils if pupil in moment.school.pupils}
    counted: Mapping[str, list[CountedSession]] = {}
    if weeks:
        entries, roll = answers.entries(moment, _years(weeks, moment), pupils), answers.roll(moment, pupils)
        marks = counted_marks(entries, roll, weeks, moment.as_of, known, policy)
        recorded = answers.recorded_at(marks.from_position.tolist())
        counted = counted_sessions(marks, recorded, (mark for each in known.values() for mark in each.received))
    windows = (
        window(moment.header(pupil), weeks, counted.get(pupil, ()), known[pupil], moment.as_of, policy)
        for pupil in (known if empty else counted)
    )
    return [each for each in windows if empty or each.tells]


def background(moment: Moment, pupil: str, parent: str | None, first: date) -> Background:
    """Return what a window from a day on needs to know: the parents, the notices, all or one parent's, and the marks of
    former schools."""
    school = moment.school
    notices = (n for n in school.notices_about(pupil) if parent in (None, n.parent))
    marks = received_marks(school.records(pupil), first, moment.as_of)
    return Background(school.pupils[pupil].parents, tuple(notices), tuple(marks))


def bands(answers: list[AbsenceAnswer]) -> dict[str, int]:
    """Return how many pupils fall in each band of absence, lower bound included: 0 to <5, 5 to <10 … 45 to <50, 50 to
    100."""
    return absence_bands((answer.possible - answer.attended, answer.possible) for answer in answers)


def who(
    answers: Answers,
    moment: Moment,
    *,
    leavers: bool = False,
    year_group: str | None = None,
    class_name: str | None = None,
    group: str | None = None,
) -> list[str]:
    """Return the pupils on roll on the day, with `leavers` also those who left in that school year, by the filters."""
    school, day = moment.school, moment.as_of
    chosen = set(school.pupils_on(day))
    if leavers and (year := school.calendar.year_begun_by(day)) is not None:
        begins = school.years[year].first_day
        chosen |= {
            number
            for number, pupil in school.pupils.items()
            if any(spell.last is not None and begins <= spell.last < day for spell in pupil.spells)
        }
    if year_group is not None:
        chosen = {number for number in chosen if school.pupils[number].placement(day).year_group == year_group}
    if class_name is not None:
        chosen = {number for number in chosen if school.pupils[number].placement(day).class_name == class_name}
    if group is not None:
        known = answers.particulars(moment, chosen)
        if sealed := sum(not particulars.readable for particulars in known.values()):
            raise Misconfigured(f"the groups of {sealed} pupils cannot be read without their keys")
        chosen = {number for number in chosen if group in known[number].groups}
    return sorted(chosen)


def described(moment: Moment) -> str:
    """Return the line under every table: both times, the position and the policy, and a caution if any."""
    return (
        f"as of {moment.as_of}, as known at {format_moment(moment.known_at)} "
        f"(position {moment.position}), policy {moment.policy_name or 'none'}"
        + (f"; caution: {moment.caution}" if moment.caution else "")
        + (f"; {moment.unread.sentence}" if moment.unread else "")
    )
