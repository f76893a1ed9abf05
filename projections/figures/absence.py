"""The absence kernel: possible, attended, authorised, unauthorised and missing sessions of every pupil of a frame.

Counting is by code: each mark's code looks up what it counts as, and the marks of each pupil are summed. So possible is
always attended plus absent, over the pupil's own marks: never days times two, and never a count of marks, because some
codes are not possible sessions at all. A session that has closed without a mark is missing, and counts as nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple, TypedDict, TypeVar

import numpy as np

from ledger.codes import CodeTable
from ledger.policy import Policy
from projections.readmodel.frames import Entries, Roll, having

NUMBERS = 64  # of codes, of which the last is none: a table by code has to stay small
BANDS = (*(f"{low}-<{low + 5}%" for low in range(0, 50, 5)), "50-100%")
Sessions = TypeVar("Sessions", int, np.ndarray)
CLASSES = ("attended", "authorised", "unauthorised")


@lru_cache(maxsize=16)
def _classes(codes: CodeTable) -> np.ndarray:
    assert len(codes.rows) < NUMBERS
    return np.stack([having(codes, each) for each in CLASSES], axis=1)[:NUMBERS].astype(np.int64)


class Counts(TypedDict):
    """One pupil's sessions; of those `missing`, which are none of the possible ones, nobody knows."""

    possible: int
    attended: int
    authorised: int
    unauthorised: int
    missing: int


class Absence(NamedTuple):
    """Counts by pupil, each an array in the order of the frame's pupils; `counted` are the marks that made them."""

    attended: np.ndarray
    authorised: np.ndarray
    unauthorised: np.ndarray
    missing: np.ndarray
    counted: Entries

    @property
    def absent(self) -> np.ndarray:
        return self.authorised + self.unauthorised

    @property
    def possible(self) -> np.ndarray:
        return self.attended + self.absent

    def of(self, row: int) -> Counts:
        """Return the counts of one pupil."""
        return {
            "possible": int(self.possible[row]),
            "attended": int(self.attended[row]),
            "authorised": int(self.authorised[row]),
            "unauthorised": int(self.unauthorised[row]),
            "missing": int(self.missing[row]),
        }

    def at_least(self, percent: int) -> np.ndarray:
        """Return who missed at least so many per cent of possible sessions, on unrounded counts."""
        return reaches(self.absent, self.possible, percent)


class Cohorts(NamedTuple):
    """Who is in which cohort, by pupil. Severe is persistent too; at risk is below both."""

    persistent: np.ndarray
    severe: np.ndarray
    at_risk: np.ndarray


def absence(entries: Entries, roll: Roll, closed: np.ndarray, since: int, until: int, codes: CodeTable) -> Absence:
    """Return the counts of sessions from `since` to `until` (numbers, inclusive) while on roll.

    `entries` are the marks as known, of the pupils of `roll` in its order. `closed` are the sorted numbers of the
    calendar's sessions in that time whose registration had closed at the moment of knowledge. `codes` is the table that
    the policy was adopted with.
    """
    counted = entries.between(since, until)
    counted = counted.where(roll.holds(counted.pupil, counted.session))
    counts = by_code(counted)
    return Absence(*classified(counts, codes), _missing(counted, counts, roll, closed), counted)


def by_code(entries: Entries) -> np.ndarray:
    """Return how many marks of each code every pupil has, shape pupils x NUMBERS."""
    cell = np.multiply(entries.pupil, NUMBERS, dtype=np.int64)
    cell += np.minimum(entries.code, NUMBERS - 1)
    shape = len(entries.pupils), NUMBERS
    return np.bincount(cell, minlength=shape[0] * NUMBERS).reshape(shape)


def classified(counts: np.ndarray, codes: CodeTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return attended, authorised and unauthorised sessions from counts by code (last axis: the code's number)."""
    attended, authorised, unauthorised = np.moveaxis(counts @ _classes(codes), -1, 0)
    return attended, authorised, unauthorised


def _missing(counted: Entries, counts: np.ndarray, roll: Roll, closed: np.ndarray) -> np.ndarray:
    """Return how many closed sessions of each pupil hold no mark; `counts` are the marks by pupil and code."""
    # Sessions of the calendar within each spell, minus those of them that hold a mark.
    due = np.searchsorted(closed, roll.last, "right") - np.searchsorted(closed, roll.first, "left")
    marked = _among(counted.session, closed)
    held = counts.sum(axis=1) if marked.all() else np.bincount(counted.pupil[marked], minlength=len(roll.pupils))
    return np.maximum(due, 0).sum(axis=1) - held


def _among(sessions: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """Return which of these sessions are among the closed ones: by a table, as a few years have few thousands."""
    if not len(closed):
        return np.zeros(len(sessions), bool)
    first, last = int(closed[0]), int(closed[-1])
    table = np.zeros(last - first + 3, bool)  # with a place at either end for every session outside
    table[closed - first + 1] = True
    return table.take(sessions - np.int32(first - 1), mode="clip")


def cohorts(counts: Absence, policy: Policy) -> Cohorts:
    """Return the cohorts by the policy's percentages."""
    persistent = counts.at_least(policy.persistent_percent)
    return Cohorts(
        persistent,
        counts.at_least(policy.severe_percent),
        counts.at_least(policy.at_risk_percent) & ~persistent,
    )


def reaches(absent: Sessions, possible: Sessions, percent: int) -> Sessions:
    """Return whether so many sessions are at least so many per cent of the possible ones, unrounded; never of none."""
    return (100 * absent >= percent * possible) & (possible > 0)


def bands(pupils: Iterable[tuple[int, int]]) -> dict[str, int]:
    """Return how many pupils, by absent and possible sessions, fall in each band of absence, lower bound included;
    those with nothing possible in none."""
    counts = dict.fromkeys(BANDS, 0)
    for absent, possible in pupils:
        if possible:
            counts[BANDS[min(100 * absent // (5 * possible), 10)]] += 1
    return counts


def percent(part: int, whole: int) -> float | None:
    """Return a percentage to one decimal, halves up, from whole numbers; None of nothing."""
    return (2000 * part + whole) // (2 * whole) / 10 if whole else None
