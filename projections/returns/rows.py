"""The episode kernels: days in a row that a return to the authority or a ground for deletion is about.

Problem: "ten continuous school days", "fifteen days of illness, consecutive or cumulative" and "twenty sessions" are
counted in days and in sessions, in a row and not, over holidays, closures and unfinished registers.

Observations: week-ends and holidays are no school days, so a list of school days has no gaps that matter; what is left
is to say of each day whether it counts, breaks the row, or says nothing.

Choice: marks become a grid, pupils x school days x halves, and each rule is a table from codes to what they do to a
day. A day counts where every session held says so. Sessions that the school did not hold (# and Y4) say nothing, as a
holiday does; every other code breaks: whoever was elsewhere (D), not required (X) or kept away by a cause that is known
(Q, Y1 …) was not absent without authority. A session that closed without a mark proves nothing: its day does not count
and is named, so that somebody completes the register, but it does not hide that the days around it belong together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ledger.codes import by_symbol
from projections.readmodel.frames import Entries, Roll

UNMARKED = np.uint8(255)
NOT_HELD = ("#", "Y4")  # planned closure; the whole site unexpectedly closed
ILL = "I"


class Grid(NamedTuple):
    """Marks by pupil, school day and half (uint8, UNMARKED where there is none); `days` are the school days in order,
    as half the number of their morning session. `due[day, half]`: registration had closed, so a mark should be there.
    `counted[pupil, day]`: days on which the rule applies to the pupil, on roll and where it matters of that age."""

    pupils: list[str]
    days: np.ndarray
    code: np.ndarray
    due: np.ndarray
    counted: np.ndarray


class Run(NamedTuple):
    """School days in a row: the pupil's index, the days that count, the day that reached the threshold with no
    register open among them (None: only with the `missing` sessions), and whether nothing has ended it yet."""

    pupil: int
    days: tuple[int, ...]
    reached: int | None
    missing: tuple[int, ...]
    standing: bool

    @property
    def first(self) -> int:
        return self.days[0]

    @property
    def last(self) -> int:
        return self.days[-1]


def grid_of(entries: Entries, roll: Roll, sessions: np.ndarray, closed: np.ndarray, *, school_age: bool) -> Grid:
    """Return the marks of a calendar as a grid; marks on no session of it are left out.

    `sessions` are the sorted numbers of the calendar's sessions, `closed` those whose registration had closed. With
    `school_age` only days of compulsory school age count.
    """
    days = np.unique(sessions // 2)
    code = np.full((len(roll.pupils), len(days), 2), UNMARKED)
    place = np.minimum(np.searchsorted(days, entries.session // 2), max(len(days) - 1, 0))
    held = days[place] == entries.session // 2 if len(days) else np.zeros(len(place), bool)
    code[entries.pupil[held], place[held], entries.session[held] & 1] = entries.code[held]
    due = np.isin(days[:, None] * 2 + np.arange(2), closed)
    counted = np.zeros((len(roll.pupils), len(days)), bool)
    for first, last in zip(roll.first.T, roll.last.T, strict=True):
        counted |= (first[:, None] <= days * 2) & (days * 2 + 1 <= last[:, None])
    if school_age:
        counted &= (roll.school_age[:, :1] <= days * 2) & (days * 2 + 1 <= roll.school_age[:, 1:])
    return Grid(roll.pupils, days, code, due, counted)


def absent_runs(grid: Grid, codes: Iterable[str], school_days: int, *, over_closures: bool = True) -> list[Run]:
    """Return the longest runs of at least so many days on which every session held carries one of these codes.

    `over_closures` false is the narrow reading: there a session not held breaks the run like any other code.
    """
    says, passes = _table(codes), _table(NOT_HELD if over_closures else ())
    marked = grid.code != UNMARKED
    says_so, passed = says[grid.code], passes[grid.code]
    missing = ~marked & grid.due
    breaks = (marked & ~says_so & ~passed).any(axis=2) | ~grid.counted
    whole = (says_so | passed).all(axis=2) & says_so.any(axis=2) & ~breaks
    return _runs(grid, whole, breaks, missing, school_days)


def illnesses(grid: Grid, expected: np.ndarray, school_days: int) -> list[Run]:
    """Return the continuous periods of sickness that take a pupil's days of illness to so many.

    A day with I in either session counts, and so does one of `expected[pupil, day]` that no mark has overtaken. The
    first period that brings the days of all periods together to the threshold is one; after that, each later period
    that reaches it by its own days. A period that is reached by expected days only has `reached` None.
    """
    ill, passed, marked = _table((ILL,))[grid.code], _table(NOT_HELD)[grid.code], grid.code != UNMARKED
    recorded = ill.any(axis=2) & grid.counted
    foreseen = expected & ~marked.any(axis=2) & grid.counted & ~recorded
    away = recorded | foreseen
    breaks = ((marked & ~passed).any(axis=2) & ~recorded) | ~grid.counted
    missing = ~marked & grid.due & ~away[:, :, None]
    periods: list[Run] = []
    for pupil in np.flatnonzero(away.sum(axis=1) >= school_days):
        one = _only(grid, int(pupil))
        rows = slice(pupil, pupil + 1)
        before, together = 0, False
        for run in _runs(one, away[rows], breaks[rows], missing[rows], 1):
            owed = school_days if together else max(school_days - before, 1)
            before += len(run.days)
            if len(run.days) < owed:
                continue
            together = True
            reached = run.days[owed - 1]
            proven = recorded[pupil, np.searchsorted(grid.days, reached)]
            periods.append(run._replace(pupil=int(pupil), reached=reached if proven else None))
    return periods


def days_expected(grid: Grid, spans: Iterable[tuple[int, int, int]]) -> np.ndarray:
    """Return by pupil and day whether illness is expected, from (pupil, first day, last day).

    A pupil who has attended on a day that was expected is back: what was expected after it is overtaken.
    """
    expected = np.zeros(grid.counted.shape, bool)
    ill, passed = _table((ILL,))[grid.code], _table(NOT_HELD)[grid.code]
    other = ((grid.code != UNMARKED) & ~ill & ~passed).any(axis=2) & ~ill.any(axis=2)
    for pupil, first, last in spans:
        within = (first <= grid.days) & (grid.days <= last)
        expected[pupil] |= within & ~np.logical_or.accumulate(other[pupil] & within)
    return expected


def nth_sessions(entries: Entries, roll: Roll, count: int) -> dict[int, np.ndarray]:
    """Return, of each pupil with at least so many marks while on roll and of compulsory school age, the rows of
    `entries` in order of session; the `count`-th of them is the one that reached it."""
    age = roll.school_age[entries.pupil]
    kept = (age[:, 0] <= entries.session) & (entries.session <= age[:, 1]) & roll.holds(entries.pupil, entries.session)
    totals = np.bincount(entries.pupil[kept], minlength=len(roll.pupils))
    by_pupil = {}
    for pupil in np.flatnonzero(totals >= count):
        rows = np.flatnonzero(kept & (entries.pupil == pupil))
        by_pupil[int(pupil)] = rows[np.argsort(entries.session[rows])]
    return by_pupil


def _runs(grid: Grid, counts: np.ndarray, breaks: np.ndarray, missing: np.ndarray, school_days: int) -> list[Run]:
    """Return the runs between days that break (pupils x days) in which at least so many days count."""
    # Runs are numbered through all pupils, so that one bincount sizes them all.
    width = breaks.shape[1]
    number = np.cumsum(breaks, axis=1) + np.arange(len(breaks))[:, None] * (width + 1)
    runs = []
    for run in map(int, np.flatnonzero(np.bincount(number[counts]) >= school_days)):
        pupil = run // (width + 1)
        columns = np.flatnonzero(number[pupil] == run)
        standing = bool(columns[-1] == width - 1)
        on = columns[counts[pupil, columns]]
        columns = columns[(on[0] <= columns) & (columns <= on[-1])]
        open_at = missing[pupil, columns]
        runs.append(
            Run(
                pupil,
                tuple(map(int, grid.days[on])),
                _reached(grid.days[columns], counts[pupil, columns], open_at.any(axis=1), school_days),
                tuple(int(grid.days[columns[row]]) * 2 + int(half) for row, half in np.argwhere(open_at)),
                standing,
            )
        )
    return runs


def _reached(days: np.ndarray, counts: np.ndarray, missing: np.ndarray, school_days: int) -> int | None:
    """Return the first day that completes so many counted days with no session missing between them."""
    row = 0
    for day, counted, open_register in zip(days, counts, missing, strict=True):
        row = 0 if open_register else row + int(counted)
        if row == school_days and counted:
            return int(day)
    return None


def _only(grid: Grid, pupil: int) -> Grid:
    rows = slice(pupil, pupil + 1)
    return grid._replace(pupils=grid.pupils[rows], code=grid.code[rows], counted=grid.counted[rows])


def _table(symbols: Iterable[str]) -> np.ndarray:
    """Return a table from the number of a code to whether it is one of these; UNMARKED is none."""
    table = np.zeros(256, bool)
    table[[code.id for symbol in symbols if (code := by_symbol(symbol))]] = True
    return table
