"""Absence and penalty answers: the kernels asked about a moment, as the fields people and programs read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

import msgspec
import numpy as np

from ledger.errors import Misconfigured
from ledger.received import received_marks
from ledger.sessions import Session, format_moment, school_year
from projections.asking.questions import Answer, Answers, Moment
from projections.figures.absence import Absence, absence, cohorts, percent
from projections.figures.absence import bands as absence_bands
from projections.figures.penalty import Case, Tally, Window, empty_window, tally, windows
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


class CountedSession(msgspec.Struct, frozen=True, kw_only=True):
    """`school` is the URN of the former school whose record holds the session, and there for no other; the position is
    then that at which the record was received."""

    session: str
    code: str
    position: int
    recorded_at: str
    school: str | msgspec.UnsetType = msgspec.UNSET


class ParentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    parent: str
    count: int
    met: bool
    met_on: str | None
    notices_in_three_years: int


class PenaltyAnswer(Answer, frozen=True, kw_only=True):
    """A pupil's rolling window. `met_on` is the session that brought this window to the threshold."""

    weeks: list[str]
    threshold: int
    count: int
    met: bool
    met_on: str | None
    unresolved: int
    sessions: list[CountedSession]
    parents: list[ParentAnswer]


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


def penalty_windows(source: Source, moment: Moment, pupils: list[str], parent: str | None = None) -> list[Window]:
    """Return the penalty windows of those of these pupils in which a session counts, to the pupil or to a parent."""
    school, policy = moment.school, moment.policy
    weeks = school.calendar.school_weeks(moment.as_of, policy.penalty_weeks)
    if not weeks:
        return []
    cases = {pupil: case_of(moment, pupil, parent, weeks[0]) for pupil in pupils if pupil in school.pupils}
    entries = source.entries(moment, _years(weeks, moment), pupils)
    return windows(entries, source.roll(moment, pupils), weeks, moment.as_of, cases, policy)


def penalty_tally(source: Source, moment: Moment, pupils: list[str]) -> Tally:
    """Return what the penalty windows of these pupils come to, in their order."""
    school, policy = moment.school, moment.policy
    weeks = school.calendar.school_weeks(moment.as_of, policy.penalty_weeks)
    special = (school.notices.keys() | school.received.keys()) & set(pupils)
    cases = {pupil: case_of(moment, pupil, None, weeks[0]) for pupil in special} if weeks else {}
    entries = source.entries(moment, _years(weeks, moment), pupils)
    return tally(entries, source.roll(moment, pupils), weeks, moment.as_of, cases, policy)


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
            **answers.header(moment, pupil),
            possible=(possible := int(counts.possible[row])),
            attended=int(counts.attended[row]),
            authorised=int(counts.authorised[row]),
            unauthorised=int(counts.unauthorised[row]),
            missing=int(counts.missing[row]),
            attendance_percent=percent(int(counts.attended[row]), possible),
            absence_percent=percent(int(counts.absent[row]), possible),
            persistent=bool(groups.persistent[row]),
            severe=bool(groups.severe[row]),
            at_risk=bool(groups.at_risk[row]),
        )
        for row, pupil in enumerate(pupils)
        if counts.possible[row] or counts.missing[row]
    ]


def penalty_answers(
    answers: Answers, moment: Moment, pupils: list[str], *, empty: bool = False, parent: str | None = None
) -> list[PenaltyAnswer]:
    """Return the windows of these pupils, in order of number as text; with `empty` also those in which nothing counts.

    With `parent`, sessions are those of that parent's own line: only their own notices take any away.
    """
    if moment.in_force is None:
        return []
    school, policy = moment.school, moment.policy
    pupils = sorted(pupils)
    weeks = school.calendar.school_weeks(moment.as_of, policy.penalty_weeks)
    found = {window.pupil: window for window in penalty_windows(answers, moment, pupils, parent)}
    if empty:
        first = weeks[0] if weeks else moment.as_of
        found = {
            pupil: found.get(pupil) or empty_window(pupil, case_of(moment, pupil, parent, first), moment.as_of, policy)
            for pupil in pupils
            if pupil in school.pupils
        }
    recorded = answers.recorded_at(counted.position for window in found.values() for counted in window.counted)
    mondays = [monday.isoformat() for monday in weeks]
    return [
        PenaltyAnswer(
            **answers.header(moment, window.pupil),
            weeks=mondays,
            threshold=policy.penalty_threshold,
            count=len(window.counted),
            met=window.met,
            met_on=_session(window.met_on),
            unresolved=window.unresolved,
            sessions=[
                CountedSession(
                    session=str(Session.from_number(counted.session)),
                    code=counted.code,
                    position=counted.position,
                    recorded_at=recorded[counted.position],
                    school=counted.school or msgspec.UNSET,
                )
                for counted in window.counted
            ],
            parents=[
                ParentAnswer(
                    parent=line.parent,
                    count=line.sessions,
                    met=line.met,
                    met_on=_session(line.met_on),
                    notices_in_three_years=line.notices,
                )
                for line in window.parents
            ],
        )
        for window in sorted(found.values(), key=lambda window: window.pupil)
        if empty or window.tells
    ]


def case_of(moment: Moment, pupil: str, parent: str | None, first: date) -> Case:
    """Return what a window from a day on needs to know: the parents, the notices, all or one parent's, and the marks of
    former schools."""
    school = moment.school
    notices = (n for n in school.notices_about(pupil) if parent in (None, n.parent))
    marks = received_marks(school.records(pupil), first, moment.as_of)
    return Case(school.pupils[pupil].parents, tuple(notices), tuple(marks))


def _session(number: int | None) -> str | None:
    return None if number is None else str(Session.from_number(number))


def bands(found: list[AbsenceAnswer]) -> dict[str, int]:
    """Return how many pupils fall in each band of absence, lower bound included: 0 to <5, 5 to <10 … 45 to <50, 50 to
    100."""
    return absence_bands((answer.possible - answer.attended, answer.possible) for answer in found)


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
