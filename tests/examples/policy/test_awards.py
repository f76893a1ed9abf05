"""Promoting Regular Attendance: excellent attendance is celebrated, good or improving attendance rewarded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ledger.policy import load
from projections.figures.absence import NUMBERS, Absence, percent
from projections.figures.tally import Figures, Tally, pooled
from projections.reports.awards import points, win
from projections.reports.parents import reaches

POLICY = load("micklem-2025")


def tally(*pupils: tuple[int, int]) -> Tally:
    """Return the tally of pupils who attended so many sessions of so many."""
    attended = np.array([each for each, _ in pupils])
    absent = np.array([possible - attended for attended, possible in pupils])
    counts = Absence(attended, 0 * attended, absent, 0 * attended, counted=None)  # type: ignore[arg-type]
    names = [str(place) for place in range(len(pupils))]
    return Tally(names, counts, np.zeros((len(pupils), NUMBERS), int))


def figures(attended: int, possible: int, *, late: int = 0, very_late: int = 0, missing: int = 0) -> Figures:
    found = pooled(tally((attended, possible)))
    return type(found)(**{name: getattr(found, name) for name in found.__struct_fields__} | {
        "late": late, "very_late": very_late, "missing": missing,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("attended", "possible", "shown", "wins"),
    [
        (70, 70, 100.0, True),
        (69, 70, 98.6, False),
        (1999, 2000, 100.0, False),
        (999, 1000, 99.9, False),
        (0, 0, None, False),
    ],
)
def test_full_attendance_is_every_session_and_not_a_rounded_one(
    attended: int, possible: int, shown: float | None, wins: bool
) -> None:
    now = figures(attended, possible)
    assert (now.attendance_percent, win(now, now, POLICY).attendance) == (shown, wins)


def test_the_share_that_is_celebrated_is_the_policys() -> None:
    lower = replace(POLICY, award_percent=97)
    assert win(figures(97, 100), figures(97, 100), lower).attendance
    assert not win(figures(969, 1000), figures(97, 100), lower).attendance


@pytest.mark.parametrize(("late", "very_late", "wins"), [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_punctual_is_no_l_and_no_u(late: int, very_late: int, wins: bool) -> None:
    now = figures(70, 70, late=late, very_late=very_late)
    assert win(now, now, POLICY).punctuality is wins


def test_who_was_never_there_was_not_punctual() -> None:
    assert not win(figures(0, 70), figures(0, 70), POLICY).punctuality


def test_a_missing_mark_could_decide_either_and_withholds_both() -> None:
    won = win(figures(70, 70, missing=1), figures(70, 70), POLICY)
    assert not won.attendance and not won.punctuality


@pytest.mark.parametrize(
    ("now", "before", "gained", "wins"),
    [
        ((85, 100), (80, 100), 5.0, True),
        ((84, 100), (80, 100), 4.0, False),
        ((849, 1000), (80, 100), 4.9, False),
        ((8499, 10000), (80, 100), 5.0, False),  # 4.99 shows as 5.0
        ((80, 100), (85, 100), -5.0, False),
        ((100, 100), (0, 0), None, False),  # nothing to compare with
    ],
)
def test_improving_is_five_points_on_unrounded_counts(
    now: tuple[int, int], before: tuple[int, int], gained: float | None, wins: bool
) -> None:
    later, earlier = figures(*now), figures(*before)
    assert points(later, earlier) == gained
    assert win(later, earlier, POLICY).improved is wins


@pytest.mark.parametrize(("attended", "reached"), [(950, True), (949, False)])
def test_the_target_is_reached_at_95_and_not_below(attended: int, reached: bool) -> None:
    assert reaches(figures(attended, 1000), POLICY.target_percent) is reached


def test_the_rate_of_a_group_is_pooled_and_not_the_mean_of_rates() -> None:
    found = tally((1, 2), (98, 98))
    group = pooled(found)
    assert group.attendance_percent == percent(99, 100) == 99.0
    mean = sum(pooled(found, [row]).attendance_percent or 0 for row in (0, 1)) / 2
    assert mean == 75.0


def test_a_pupil_with_nothing_possible_counts_to_nothing() -> None:
    assert pooled(tally((10, 10), (0, 0))).pupils == 1
    assert pooled(tally((0, 0))).attendance_percent is None
