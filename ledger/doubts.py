"""Recorded times that a person said are wrong, and what that does to answers and to keeping.

Problem: a clock that was years ahead for one save dates that save and, because time never goes back in a ledger, all
that follow, a microsecond apart, until the right clock has caught up. Nothing recorded can be dated anew.

Observations: positions stay in the order in which things happened, so an answer at a position is right. Only the way
from a time to a position is not: what was recorded at a wrong time may or may not have been known by then.

Choice: `StampsDoubted` names the positions. The stamps that went on from the last of them are as wrong, so a span
reaches to the last event within a second of it. An answer whose position lies in a span or just before it carries a
caution. Where something has to be kept so long, a doubted time counts as the latest that it can have been.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.school import Doubt, School, take_in
from ledger.store.rows import LAST_MOMENT, Reads, position_at
from ledger.streams import CLOCK

SECOND = 1_000_000  # microseconds; a million saves that each went on from the last by one


class Span(NamedTuple):
    """Positions whose recorded times are wrong, both inclusive, and where that was said."""

    first: int
    last: int
    said_at: int

    def holds(self, position: int) -> bool:
        return self.first <= position <= self.last


def doubts_said(reads: Reads) -> list[Doubt]:
    """Return what anybody said up to now, in order."""
    rows = [row for row in reads.stream_rows([CLOCK]) if row.topic == "school.StampsDoubted"]
    return take_in(School(), rows).doubts


def spans(reads: Reads, doubts: Iterable[Doubt]) -> list[Span]:
    """Return the positions that each doubt reaches to, in the order in which they were said."""
    found = []
    for doubt in doubts:
        rows = reads.rows_at([doubt.last])
        last = position_at(reads, rows[0].recorded_at + SECOND) if rows else doubt.last
        found.append(Span(doubt.first, max(doubt.last, last), doubt.position))
    return found


def caution(doubted: Iterable[Span], position: int) -> str:
    """Return the sentence for an answer at a position that a wrong time may have led to; blank where none did."""
    for span in doubted:
        # Just before a span: what the span holds may have been recorded by the time that was asked for.
        if span.first - 1 <= position <= span.last:
            return (
                f"the recorded times of {positions(span.first, span.last)} are wrong (said at position "
                f"{span.said_at}), so what was known at a time is not sure there; positions are"
            )
    return ""


def positions(first: int, last: int) -> str:
    return f"position {first}" if first == last else f"positions {first} to {last}"


class Times:
    """The recorded times of a ledger, as far as nobody doubts them. All in microseconds since 1970."""

    def __init__(self, reads: Reads, doubts: Iterable[Doubt]) -> None:
        self._reads = reads
        self._spans = spans(reads, doubts)

    def reached(self) -> int:
        """Return the last recorded time that nobody doubts, 0 where there is none."""
        position, recorded_at = self._reads.head()
        while span := self._doubting(position):
            rows = self._reads.rows_at([position := span.first - 1])
            recorded_at = rows[0].recorded_at if rows else 0
        return recorded_at

    def latest(self, position: int, recorded_at: int) -> int:
        """Return the latest time that something can have been recorded at: its own, or where that is doubted the first
        one after it that is not; the end of time where there is none."""
        while span := self._doubting(position):
            rows = self._reads.rows_at([position := span.last + 1])
            recorded_at = rows[0].recorded_at if rows else LAST_MOMENT
        return recorded_at

    def _doubting(self, position: int) -> Span | None:
        return next((span for span in self._spans if span.holds(position)), None)
