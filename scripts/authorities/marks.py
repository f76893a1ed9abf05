"""The marks of an authority as one table of codes, pupils by sessions, whose totals by code are given.

Everybody is present first. Then absences are laid over it, code by code and run by run (an illness lasts days, a
holiday weeks, an unauthorised absence comes back), mostly on the same few pupils, until each code stands as often as
it should. Late marks come last, because they can put right how many mornings and afternoons were attended.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ledger.codes import by_symbol

NOBODY = np.uint8(255)  # not on roll


class Habit(NamedTuple):
    """How absences of a code fall: half-days in a run, on average; how unevenly over pupils (the standard deviation of
    a lognormal); whether a run begins with a whole day."""

    run: float
    spread: float
    whole_days: bool = True


HABITS = {
    "I": Habit(4, 0.7),
    "O": Habit(3, 1.5),
    "G": Habit(9, 1.2),
    "H": Habit(9, 1.2),
    "C2": Habit(30, 2.0, whole_days=False),
    "E": Habit(5, 2.0),
    "M": Habit(1, 0.6, whole_days=False),
    "U": Habit(1, 1.5, whole_days=False),
    "N": Habit(2, 1.2),
    "L": Habit(1, 1.3, whole_days=False),
    "T": Habit(20, 2.0),
}
OTHERWISE = Habit(2, 1.0)


def _id(symbol: str) -> int:
    code = by_symbol(symbol)
    assert code is not None, symbol
    return code.id


AM, PM, LATE, NOT_REQUIRED = _id("/"), _id("\\"), _id("L"), _id("X")
HABIT_OF = {_id(symbol): habit for symbol, habit in HABITS.items()}


def table(counts: np.ndarray, sessions: int, random: np.random.Generator) -> np.ndarray:
    """Return codes, pupils x sessions (uint8, NOBODY before somebody came), that come to these counts by code.

    `sessions` are alternately mornings and afternoons. One pupil comes later than all others, so that the total is met;
    where that is in the middle of a day, the morning is not required of them (X), which counts nowhere.
    """
    total = int(counts.sum())
    pupils = -(-total // sessions)
    marks = np.empty((pupils, sessions), np.uint8)
    marks[:, 0::2], marks[:, 1::2] = AM, PM
    if rest := total % sessions:
        marks[0, : sessions - rest] = NOBODY
        if rest % 2:
            marks[0, sessions - rest - 1] = NOT_REQUIRED
    flat = marks.reshape(-1)
    # Who is ill a lot is not always who is late a lot, but often.
    prone = random.normal(size=pupils)
    for code in np.argsort(counts):
        if counts[code] and code not in (AM, PM, LATE):
            habit = HABIT_OF.get(int(code), OTHERWISE)
            _lay(flat, int(code), int(counts[code]), sessions, habit, _weights(prone, habit, random), random)
    _balance(flat, counts, random)
    late = HABIT_OF[LATE]
    for present, standing in ((AM, counts[AM]), (PM, counts[PM])):
        free = np.flatnonzero(flat == present)
        weight = _weights(prone, late, random)[free // sessions]
        keys = random.exponential(size=len(free)) / weight
        flat[free[np.argpartition(keys, len(free) - standing)[: len(free) - standing]]] = LATE
    return marks


def _weights(prone: np.ndarray, habit: Habit, random: np.random.Generator) -> np.ndarray:
    own = random.normal(size=len(prone))
    return np.exp(habit.spread * (0.8 * prone + 0.6 * own))


def _lay(
    flat: np.ndarray,
    code: int,
    wanted: int,
    sessions: int,
    habit: Habit,
    weights: np.ndarray,
    random: np.random.Generator,
) -> None:
    """Put a code on just so many sessions at which somebody is present, in runs."""
    cumulated = np.cumsum(weights)
    while wanted:
        runs = int(wanted / habit.run) + 8
        pupil = np.searchsorted(cumulated, random.random(runs) * cumulated[-1], "right")
        pupil = np.minimum(pupil, len(weights) - 1)
        begin = random.integers(0, sessions, runs)
        length = 1 + random.geometric(1 / habit.run, runs) - 1
        if habit.whole_days:
            begin, length = begin // 2 * 2, length + length % 2 * (random.random(runs) < 0.8)
        end = np.minimum(begin + length, sessions)
        length = end - begin
        cells = np.repeat(pupil * sessions + begin - np.cumsum(length) + length, length) + np.arange(length.sum())
        cells = cells[(flat[cells] == AM) | (flat[cells] == PM)]
        _, firsts = np.unique(cells, return_index=True)
        cells = cells[np.sort(firsts)][:wanted]
        flat[cells] = code
        wanted -= len(cells)


def _balance(flat: np.ndarray, counts: np.ndarray, random: np.random.Generator) -> None:
    """Move absences between the halves of a day until as many mornings and afternoons are free as are attended."""
    for mine, other in ((AM, PM), (PM, AM)):
        lacking = int(counts[mine] - (flat == mine).sum())
        if lacking > 0:
            start = 0 if mine == AM else 1
            here = flat[start::2]
            there = flat[1 - start :: 2]
            movable = np.flatnonzero((there == other) & (here != mine) & (here != NOBODY) & (here != NOT_REQUIRED))
            chosen = random.choice(movable, lacking, replace=False)
            there[chosen], here[chosen] = here[chosen], mine
