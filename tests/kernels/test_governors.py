"""Governors' totals as one system of sums: groups of several dimensions, persistent, severe and other pupils."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.figures.disclosure import small
from projections.figures.tally import Figures
from projections.reports.governors import COUNTS, SCHOOL, Count, count_table, covered_counts
from projections.reports.groups import GroupLine

RULE = 3
MOST = 9  # the attacker tries every count from none to so many

Leaves = tuple[int, int, int]  # not persistent, persistent but not severe, severe


def line(dimension: str, group: str, leaves: Leaves) -> GroupLine:
    _, only, severe = leaves
    figures = Figures(
        pupils=sum(leaves),
        **dict.fromkeys(
            ("possible", "attended", "authorised", "unauthorised", "missing", "late", "very_late", "unresolved"), 0
        ),
        **{f"{name}_percent": None for name in ("attendance", "absence", "authorised", "unauthorised")},
    )
    return GroupLine(
        dimension=dimension,
        group=group,
        figures=figures,
        persistent=only + severe,
        severe=severe,
        at_risk=0,
        persistent_percent=None,
        severe_percent=None,
        at_risk_percent=None,
        bands={},
    )


def school(*groups: Leaves, dimension: str = "sex") -> list[GroupLine]:
    """Return the lines of a school divided once."""
    whole = tuple(map(sum, zip(*groups, strict=True)))
    lines = [line(dimension, f"group {place}", leaves) for place, leaves in enumerate(groups)]
    return [line(*SCHOOL, (whole[0], whole[1], whole[2])), *lines]


def attack(lines: list[GroupLine], covered: frozenset[Count]) -> dict[Count, tuple[int, int]]:
    """Return the least and greatest value of each hidden count that is shown elsewhere, over every school that would
    show the same."""
    counts, _ = count_table(lines)
    _whole, *groups = lines
    tables = np.indices((MOST + 1,) * (3 * len(groups))).reshape(3 * len(groups), -1)
    values: dict[Count, np.ndarray] = {}
    for place, each in enumerate(groups):
        others, only, severe = tables[3 * place : 3 * place + 3]
        named = (each.dimension, each.group)
        values[Count(*named, "pupils")] = others + only + severe
        values[Count(*named, "persistent")] = only + severe
        values[Count(*named, "severe")] = severe
    for pupils in COUNTS:
        values[Count(*SCHOOL, pupils)] = np.sum([v for k, v in values.items() if k.pupils == pupils], axis=0)
    shown = [key for key in values if key not in covered]
    fits = np.all([values[key] == counts[key] for key in shown] or [tables[0] >= 0], axis=0)
    return {key: (int(found[fits].min()), int(found[fits].max())) for key, found in values.items() if key in covered}


groups_of_pupils = st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 2))


@given(st.lists(groups_of_pupils, min_size=2, max_size=2))
def test_no_small_number_of_a_division_can_be_worked_out(groups: list[Leaves]) -> None:
    lines = school(*groups)
    counts, _ = count_table(lines)
    found = attack(lines, covered_counts(lines, RULE))
    for key, (low, high) in found.items():
        if small(counts[key], RULE):
            assert low <= 1 and high >= RULE, (key, low, high)
    assert {key for key in counts if key.pupils in COUNTS and small(counts[key], RULE)} <= set(found)


@given(st.lists(groups_of_pupils, min_size=2, max_size=2))
def test_the_few_who_are_not_persistent_cannot_be_worked_out_either(groups: list[Leaves]) -> None:
    lines = school(*groups)
    counts, _ = count_table(lines)
    covered = covered_counts(lines, RULE)
    for each in lines:
        size, persistent, others = (Count(each.dimension, each.group, of) for of in ("pupils", "persistent", "others"))
        if small(counts[others], RULE):
            assert not {size, persistent}.isdisjoint(covered), each


def test_without_further_hiding_the_attacker_subtracts() -> None:
    lines = school((4, 1, 0), (5, 3, 0))
    alone = covered_counts(lines, RULE, complementary=False)
    key = Count("sex", "group 0", "persistent")
    assert key in alone
    assert attack(lines, alone)[key] == (1, 1)
    low, high = attack(lines, covered_counts(lines, RULE))[key]
    assert (low, high) == (0, 4)


def test_a_group_whose_size_is_hidden_shows_nothing_else() -> None:
    covered = covered_counts(school((1, 0, 1), (20, 5, 5)), 5)
    assert {key.pupils for key in covered if key.group == "group 0"} >= set(COUNTS)


@pytest.mark.parametrize(("pupils", "hides"), [(4, True), (5, False)])
def test_the_rule_is_the_policys_number_from_both_sides(pupils: int, hides: bool) -> None:
    covered = covered_counts(school((pupils, 0, 0), (20, 0, 0)), 5)
    assert (Count("sex", "group 0", "pupils") in covered) is hides
    assert (Count("sex", "group 1", "pupils") in covered) is hides


def test_a_school_total_is_hidden_only_where_it_is_small_itself() -> None:
    lines = [*school((9, 1, 0), (9, 3, 0), (9, 9, 0)), *school((9, 6, 0), (18, 7, 0), dimension="SEND")[1:]]
    covered = covered_counts(lines, 5)
    assert not any(key.group == SCHOOL[1] and key.pupils in COUNTS for key in covered)
    assert Count(*SCHOOL, "severe") in covered_counts(school((9, 9, 1), (9, 9, 1)), 5)
