"""Awards: classes and pupils for attendance, for punctuality and for improving, and the newsletter's figures.

The period before is as many school days just before this one, so that like is compared with like, over holidays and
into the school year before. Thresholds are on unrounded counts: 99.96 % is shown as 100.0 and wins nothing. A session
without a mark is not settled yet, so it withholds the awards that it could decide.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import msgspec

from ledger.errors import Misconfigured
from ledger.policy import Policy
from projections.asking.questions import Answers, Moment
from projections.figures.cohorts import who
from projections.figures.spans import span
from projections.figures.tally import Figures, pooled
from projections.reports.base import Report, about, class_of, in_force
from projections.reports.parents import reaches

YEAR = 400  # school days: more than a year holds


class Won(NamedTuple):
    """Which awards somebody's figures win."""

    attendance: bool
    punctuality: bool
    improved: bool


class Awarded(msgspec.Struct, frozen=True, kw_only=True):
    """A class, a pupil or the school: this period, the one before, the percentage points between them, what it won.
    `best`: no class attended more."""

    name: str
    class_name: str
    figures: Figures
    before: Figures
    points: float | None
    reaches_target: bool | None
    attendance: bool
    punctuality: bool
    improved: bool
    best: bool = False


class AwardsReport(Report, frozen=True, kw_only=True):
    """`pupils` are those who won anything; `named` counts them by award."""

    first: str
    last: str
    before_first: str
    before_last: str
    award_percent: int
    improved_points: int
    school: Awarded
    classes: list[Awarded]
    named: dict[str, int]
    pupils: list[Awarded]


def awards_report(answers: Answers, moment: Moment, first: date) -> AwardsReport:
    """Return the awards from a day to the day asked about, for the pupils on roll then. Raises Misconfigured where the
    period or the one before has no school day."""
    header, policy = about(moment), in_force(moment)
    before_first, before_last = period_before(moment, first)
    pupils = who(answers, moment)
    now = span(answers, moment, pupils, first, moment.as_of)
    before = span(answers, moment, pupils, before_first, before_last)

    def line(name: str, class_name: str, rows: list[int]) -> Awarded:
        return awarded(name, class_name, pooled(now, rows), pooled(before, rows), policy)

    members: dict[str, list[int]] = {}
    for row, pupil in enumerate(pupils):
        members.setdefault(class_of(moment, pupil), []).append(row)
    each = [line(pupil, class_of(moment, pupil), [row]) for row, pupil in enumerate(pupils)]
    winners = [one for one in each if one.attendance or one.punctuality or one.improved]
    return AwardsReport(
        **header,
        first=first.isoformat(),
        last=moment.as_of.isoformat(),
        before_first=before_first.isoformat(),
        before_last=before_last.isoformat(),
        award_percent=policy.award_percent,
        improved_points=policy.award_improved_points,
        school=line("whole school", "", list(range(len(pupils)))),
        classes=_best_marked([line(name, name, rows) for name, rows in sorted(members.items())]),
        named={award: sum(getattr(one, award) for one in winners) for award in Won._fields},
        pupils=sorted(winners, key=lambda one: (one.class_name, one.name)),
    )


def period_before(moment: Moment, first: date) -> tuple[date, date]:
    """Return the first and last of as many school days as from `first` to the day asked about, just before them."""
    calendar = moment.school.calendar
    days = [day for day in calendar.school_days_until(moment.as_of, YEAR) if day >= first]
    if not days:
        raise Misconfigured(f"there is no school day from {first} to {moment.as_of}")
    earlier = calendar.school_days_until(first - timedelta(days=1), len(days))
    if not earlier:
        raise Misconfigured(f"there is no school day before {first} to compare with")
    return earlier[0], earlier[-1]


def awarded(name: str, class_name: str, now: Figures, before: Figures, policy: Policy) -> Awarded:
    """Return what these figures win."""
    won = win(now, before, policy)
    return Awarded(
        name=name,
        class_name=class_name,
        figures=now,
        before=before,
        points=points(now, before),
        reaches_target=reaches(now, policy.target_percent),
        **won._asdict(),
    )


def win(now: Figures, before: Figures, policy: Policy) -> Won:
    """Return which awards figures win, compared with those of the period before."""
    settled = now.possible > 0 and not now.missing
    gained = 100 * (now.attended * before.possible - before.attended * now.possible)
    compared = now.possible > 0 and before.possible > 0
    return Won(
        attendance=settled and 100 * now.attended >= policy.award_percent * now.possible,
        punctuality=settled and now.attended > 0 and now.lates == 0,
        improved=compared and gained >= policy.award_improved_points * now.possible * before.possible,
    )


def points(now: Figures, before: Figures) -> float | None:
    """Return by how many percentage points attendance rose, to one decimal, halves up; None of nothing possible."""
    whole = now.possible * before.possible
    if not whole:
        return None
    gained = 1000 * (now.attended * before.possible - before.attended * now.possible)
    return (2 * gained + whole) // (2 * whole) / 10


def _best_marked(classes: list[Awarded]) -> list[Awarded]:
    """Return the classes with the best of them marked, all where several attended the same."""

    def beats(one: Awarded, other: Awarded) -> bool:
        return one.figures.attended * other.figures.possible > other.figures.attended * one.figures.possible

    attended = [one for one in classes if one.figures.possible]
    best = {one.name for one in attended if not any(beats(other, one) for other in attended)}
    return [msgspec.structs.replace(one, best=one.name in best) for one in classes]
