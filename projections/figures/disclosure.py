"""Disclosure control: which counts of pupils to hide so that nobody can work a small one out.

Problem. Governors see counts of pupils by group. A count of one to four could name a child, so it is hidden. But counts
add up: with the school's total and all other groups in sight, one hidden count is the difference. Hiding a second one
is not always enough either, because columns add up too (persistent and not persistent make all), and several sums
together can pin down what no single one does.

Observations. Everything an attacker can use is linear: sums that hold, counts that are visible, and that no count is
below zero. So the least and the greatest value that a hidden count can have are two linear programmes. Sums of sums
need no rows of their own. Hiding more never narrows a range, so a count once safe stays safe.

Choice. A hidden count is safe when the attacker's range reaches from one or below to the lowest count that would be
shown, so that for all they can tell it need not be small at all; one hidden only for the sake of others is safe when
its range is at least as wide. While one is not safe, hide a further count: the nearest by the sums, of those the
smallest that is enough. The programmes are solved by the simplex method over whole tables, with Bland's rule, which
cannot cycle; tables here have tens of counts.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple, TypeVar

import numpy as np

Key = TypeVar("Key", bound=Hashable)

TINY = 1e-9  # counts are whole, so anything below this is rounding


class Sum(NamedTuple):
    """`total` is the sum of `parts`, each a key of a count."""

    total: Hashable
    parts: tuple[Hashable, ...]

    @property
    def keys(self) -> tuple[Hashable, ...]:
        return (self.total, *self.parts)


class Range(NamedTuple):
    """The values that a hidden count can have, both ends included; `high` may be infinite."""

    low: float
    high: float


def small(count: int, hide_below: int) -> bool:
    """Return whether a count is hidden for its own sake; none at all names nobody."""
    return 0 < count < hide_below


def hidden(
    counts: Mapping[Key, int],
    sums: Sequence[Sum],
    hide_below: int,
    *,
    unseen: Iterable[Key] = (),
    along: Mapping[Key, Sequence[Key]] | None = None,
    last: Iterable[Key] = (),
    complementary: bool = True,
) -> frozenset[Key]:
    """Return the keys of the counts to hide. Without `complementary`, only the small ones: which shows why not to.

    `counts` must satisfy `sums`. Those of `unseen` are never shown, but belong here where they can be worked out.
    `along` names what is hidden whenever a count is, as a group's other figures with its size; `last` what is hidden
    for the sake of others only where nothing else is left, as the school's own totals.
    """
    with_it, kept, never = along or {}, set(last), set(unseen)
    sensitive = (key for key, count in counts.items() if small(count, hide_below))
    waiting = sorted(sensitive, key=lambda key: (key in never, repr(key)))
    covered = never.union(waiting, *(with_it.get(key, ()) for key in waiting))
    while waiting and complementary:
        key = waiting[0]
        if safe(counts[key], range_of(key, counts, sums, covered), hide_below):
            waiting.pop(0)
            continue
        away = _away(key, counts, sums)
        visible = [each for each in away if each not in covered]
        # With everything hidden that a count is connected to, any count could be anything.
        assert visible, key
        visible.sort(key=lambda each: (each in kept, away[each], counts[each], repr(each)))
        # The first that is enough by itself, so that no more is hidden than need be; else the nearest.
        trials = ((each, covered | {each, *with_it.get(each, ())}) for each in visible)
        enough = (each for each, more in trials if safe(counts[key], range_of(key, counts, sums, more), hide_below))
        further = next(enough, visible[0])
        covered |= {further, *with_it.get(further, ())}
        waiting.append(further)
    return frozenset(covered)


def safe(count: int, reach: Range, hide_below: int) -> bool:
    """Return whether what an attacker can tell of a hidden count is no more than the rule allows."""
    if small(count, hide_below):
        return reach.low <= 1 + TINY and reach.high >= hide_below - TINY
    return reach.high - reach.low >= hide_below - 1 - TINY


def range_of(key: Key, counts: Mapping[Key, int], sums: Sequence[Sum], covered: Iterable[Key]) -> Range:
    """Return the least and greatest value that a hidden count can have, given every visible count and all sums."""
    unknown = sorted(covered, key=repr)
    place = {each: column for column, each in enumerate(unknown)}
    rows, right = [], []
    for each in sums:
        row, known = np.zeros(len(unknown)), 0
        for member, sign in ((each.total, 1), *((part, -1) for part in each.parts)):
            if member in place:
                row[place[member]] += sign
            else:
                known += sign * counts[member]  # type: ignore[index]
        if row.any():
            rows.append(row)
            right.append(-known)
    goal = np.zeros(len(unknown))
    goal[place[key]] = 1
    matrix, totals = np.array(rows).reshape(-1, len(unknown)), np.array(right, float)
    return Range(-_greatest(matrix, totals, -goal), _greatest(matrix, totals, goal))


def _away(key: Key, counts: Mapping[Key, int], sums: Sequence[Sum]) -> dict[Key, int]:
    """Return the counts that are connected to one, each with how many sums away it is."""
    away: dict[Hashable, int] = {key: 0}
    reached = {key}
    while reached:
        seen = {member for each in sums if not reached.isdisjoint(each.keys) for member in each.keys}
        steps = max(away.values()) + 1
        reached = seen - away.keys()  # type: ignore[assignment]
        away |= dict.fromkeys(reached, steps)
    return {each: away[each] for each in counts if each in away}


def _greatest(matrix: np.ndarray, totals: np.ndarray, goal: np.ndarray) -> float:
    """Return the greatest `goal @ x` over x >= 0 with `matrix @ x == totals`, which must have a solution; perhaps
    infinite."""
    sign = np.where(totals < 0, -1.0, 1.0)
    rows, columns = matrix.shape
    # Phase one starts from an artificial variable a row and drives them all to zero.
    table = np.hstack([matrix * sign[:, None], np.eye(rows), (totals * sign)[:, None]])
    basis = list(range(columns, columns + rows))
    costs = np.concatenate([np.zeros(columns), -np.ones(rows), [0.0]])
    _climb(table, basis, costs, columns + rows)
    # An artificial variable that stays in the basis at zero leaves it, or its row says nothing and goes.
    for row in range(rows - 1, -1, -1):
        if basis[row] >= columns:
            entering = np.flatnonzero(np.abs(table[row, :columns]) > TINY)
            if len(entering):
                _pivot(table, basis, row, int(entering[0]))
            else:
                table = np.delete(table, row, axis=0)
                basis.pop(row)
    table = np.hstack([table[:, :columns], table[:, -1:]])
    return _climb(table, basis, np.concatenate([goal, [0.0]]), columns)


def _climb(table: np.ndarray, basis: list[int], costs: np.ndarray, columns: int) -> float:
    """Pivot until no column improves the goal, and return its value; infinite where nothing bounds it."""
    while True:
        gains = costs[:-1] - costs[basis] @ table[:, :-1]
        improving = np.flatnonzero(gains[:columns] > TINY)
        if not len(improving):
            return float(costs[basis] @ table[:, -1])
        column = int(improving[0])
        bounding = np.flatnonzero(table[:, column] > TINY)
        if not len(bounding):
            return inf
        ratios = table[bounding, -1] / table[bounding, column]
        tied = bounding[ratios <= ratios.min() + TINY]
        _pivot(table, basis, int(min(tied, key=lambda row: basis[row])), column)


def _pivot(table: np.ndarray, basis: list[int], row: int, column: int) -> None:
    table[row] /= table[row, column]
    others = np.arange(len(table)) != row
    table[others] -= np.outer(table[others, column], table[row])
    basis[row] = column
