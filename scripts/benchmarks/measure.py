"""Measuring in turns: product and floor alternate in one run, so that a noisy machine disturbs both alike.

What is judged is a median, or a ratio of two medians; a time alone says little about anything but the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

Timed = Callable[[int], float]  # the number of the round -> seconds


class Target(NamedTuple):
    """What a row must reach: `of` its rate or its ratio, `at` least or at most, a value."""

    of: str
    at: str
    value: float

    def met_by(self, found: float) -> bool:
        return found >= self.value if self.at == "least" else found <= self.value


class Row(NamedTuple):
    """A line of the table. `rate` and `floor` are medians in `unit`, `ratio` is the first by the second."""

    name: str
    rate: float
    unit: str
    floor: float
    target: Target
    runs: int
    note: str = ""

    @classmethod
    def of_rates(cls, name: str, counts: tuple[int, int], took: list[float], least: list[float], target: Target) -> Row:
        """Return a row of events a second; `counts` are what product and floor did in each of their times."""
        done, floor = counts
        return cls(name, done / median(took), "events/s", floor / median(least), target, len(took))

    @classmethod
    def of_seconds(cls, name: str, took: list[float], least: list[float], target: Target) -> Row:
        return cls(name, median(took), "s", median(least), target, len(took))

    @classmethod
    def of_milliseconds(cls, name: str, took: list[float], least: list[float], target: Target) -> Row:
        return cls(name, 1000 * median(took), "ms", 1000 * median(least), target, len(took))

    @property
    def ratio(self) -> float:
        return self.rate / self.floor

    @property
    def met(self) -> bool:
        return self.target.met_by(self.ratio if self.target.of == "ratio" else self.rate)


def in_turns(rounds: int, product: Timed, floor: Timed) -> tuple[list[float], list[float]]:
    """Return the seconds of product and floor, round by round; a first round, to warm both, is not counted."""
    took: list[tuple[float, float]] = []
    for round_ in range(rounds + 1):
        took.append((product(round_), floor(round_)))
    products, floors = zip(*took[1:], strict=True)
    return list(products), list(floors)


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
