"""Hidden counts stay hidden: an attacker who tries every table that fits what is shown learns no more than the rule."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import inf

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from projections.figures.disclosure import Range, Sum, hidden, range_of, safe, small
from tests.support.counts import count

RULE = 3  # hides 1 and 2
MOST = 9  # the attacker tries every count from none to so many

Counts = dict[Hashable, int]


def breakdown(*sizes: int) -> tuple[Counts, list[Sum]]:
    """Return the counts of groups and of all of them."""
    groups = {f"group {place}": size for place, size in enumerate(sizes)}
    return {"all": sum(sizes), **groups}, [Sum("all", tuple(groups))]


def crossed(rows: list[list[int]]) -> tuple[Counts, list[Sum]]:
    """Return the counts of a table of two ways, with its sums across, down and altogether."""
    height, width = len(rows), len(rows[0])
    counts: Counts = {(y, x): rows[y][x] for y in range(height) for x in range(width)}
    counts |= {(y, "all"): sum(rows[y]) for y in range(height)}
    counts |= {("all", x): sum(row[x] for row in rows) for x in range(width)}
    counts["all", "all"] = sum(map(sum, rows))
    down = [Sum(("all", x), tuple((y, x) for y in range(height))) for x in (*range(width), "all")]
    across = [Sum((y, "all"), tuple((y, x) for x in range(width))) for y in (*range(height), "all")]
    return counts, down + across


def attack(counts: Mapping[Hashable, int], sums: list[Sum], covered: frozenset[Hashable]) -> dict[Hashable, Range]:
    """Return the values that each hidden count has in any table of whole numbers that shows what is shown."""
    totals = {each.total for each in sums}
    leaves = [key for key in counts if key not in totals]
    tables = np.indices((MOST + 1,) * len(leaves)).reshape(len(leaves), -1)
    values: dict[Hashable, np.ndarray] = dict(zip(leaves, tables, strict=True))
    while len(values) < len(counts):
        for each in sums:
            if each.total not in values and all(part in values for part in each.parts):
                values[each.total] = np.sum([values[part] for part in each.parts], axis=0)
    fits = np.all([values[key] == counts[key] for key in counts if key not in covered] or [tables[0] >= 0], axis=0)
    return {key: Range(int(values[key][fits].min()), int(values[key][fits].max())) for key in covered}


tables_of_two_ways = st.integers(2, 3).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 5), min_size=width, max_size=width), min_size=2, max_size=2)
)


def test_a_single_hidden_count_would_be_the_difference() -> None:
    counts, sums = breakdown(2, 7, 9)
    alone = hidden(counts, sums, RULE, complementary=False)
    assert alone == {"group 0"}
    assert attack(counts, sums, alone) == {"group 0": Range(2, 2)}  # the attacker succeeds: why one is not enough
    both = hidden(counts, sums, RULE)
    assert both == {"group 0", "group 1"}
    assert attack(counts, sums, both) == {"group 0": Range(0, 9), "group 1": Range(0, 9)}


def test_nothing_small_is_nothing_hidden() -> None:
    assert hidden(*breakdown(3, 0, 9), RULE) == set()


@pytest.mark.parametrize(("count", "is_small"), [(0, False), (1, True), (4, True), (5, False)])
def test_small_is_from_one_to_below_the_policys_number(count: int, is_small: bool) -> None:
    assert small(count, 5) is is_small


def test_two_hidden_counts_of_one_each_are_two_by_subtraction_so_a_third_goes() -> None:
    counts, sums = breakdown(1, 1, 8)
    assert hidden(counts, sums, RULE, complementary=False) == {"group 0", "group 1"}
    assert hidden(counts, sums, RULE) == {"group 0", "group 1", "group 2"}


@pytest.mark.parametrize(
    ("found", "allowed"),
    [
        (Range(0, 3), True),
        (Range(1, 3), True),
        (Range(2, 3), False),  # more than one
        (Range(0, 2), False),  # certainly small
        (Range(1, 1), False),
        (Range(0, inf), True),
    ],
)
def test_the_rule_is_a_range_from_one_to_what_would_be_shown(found: Range, allowed: bool) -> None:
    assert safe(1, found, RULE) is allowed


def test_sums_across_and_down_together_are_reckoned_with() -> None:
    # Hiding two in every row and column is not enough where sums of sums pin a count down.
    counts, sums = crossed([[1, 6, 7], [6, 1, 8], [9, 9, 9]])
    covered = hidden(counts, sums, RULE)
    for key in covered:
        assert safe(counts[key], range_of(key, counts, sums, covered), RULE), key


@given(tables_of_two_ways)
def test_no_attacker_learns_more_than_the_rule_allows(rows: list[list[int]]) -> None:
    counts, sums = crossed(rows)
    covered = hidden(counts, sums, RULE)
    for key, found in attack(counts, sums, covered).items():
        assert found.low < found.high
        assert safe(counts[key], found, RULE), (key, found)
    assert {key for key, count in counts.items() if small(count, RULE)} <= covered


@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=2, max_size=2))
def test_the_ranges_are_those_that_trying_every_table_finds(rows: list[list[int]]) -> None:
    counts, sums = crossed(rows)
    covered = hidden(counts, sums, RULE) - {("all", "all")}
    assume(counts["all", "all"] <= MOST)  # so no count is beyond what the attacker tries
    for key, tried in attack(counts, sums, covered).items():
        found = range_of(key, counts, sums, covered)
        assert Range(round(found.low), round(found.high)) == tried


def test_without_further_hiding_the_attacker_succeeds_on_many_tables() -> None:
    random = np.random.default_rng(1)
    told, tables = 0, count(20, 50)
    for _ in range(tables):
        counts, sums = crossed(random.integers(0, 6, (2, 3)).tolist())
        covered = hidden(counts, sums, RULE, complementary=False)
        told += any(found.low == found.high for found in attack(counts, sums, covered).values())
    assert told > tables / 2
