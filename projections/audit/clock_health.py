"""Recorded times that cannot be right: ahead of the clock, or a microsecond apart, as a ledger makes them where its
clock is behind the last event. What somebody has said to be wrong already is not found again."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.doubts import doubts_said, positions, spans
from ledger.finding import Finding
from ledger.sessions import format_moment, from_micros
from ledger.store import Ledger, position_at

TOLERANCE = 300_000_000  # microseconds: clocks of two machines differ by seconds
LATELY = 50_000  # events that the doctor looks at


def clock_findings(ledger: Ledger, after: int = 0) -> Iterator[Finding]:
    """Yield which positions after one are stamped ahead of now, and where the stamps stand still. Nothing of a ledger
    whose times are a journal's."""
    opened = ledger.opened()
    if opened is None or opened.simulated:
        return
    reads = ledger.reads
    doubted = spans(reads, doubts_said(reads))
    for rule, first, last, sentence in [*_ahead(ledger), *_still(ledger, after)]:
        if not any(span.first <= first and last <= span.last for span in doubted):
            yield Finding(rule, sentence, position=first)


def _ahead(ledger: Ledger) -> Iterator[tuple[str, int, int, str]]:
    now, (head, last) = ledger.reads.now(), ledger.reads.head()
    if last <= now + TOLERANCE:
        return
    first = position_at(ledger.reads, now + TOLERANCE) + 1
    yield (
        "stamps_ahead",
        first,
        head,
        f"{positions(first, head)}: stamped up to {_shown(last)}, and the clock is at {_shown(now)}",
    )


def _still(ledger: Ledger, after: int) -> Iterator[tuple[str, int, int, str]]:
    stills = ledger.reads.still(after)
    for number, (first, since) in enumerate(stills):
        if number and since == stills[number - 1][1] + 1:
            continue  # of the run before
        until = since
        while number + 1 < len(stills) and stills[number + 1][1] == until + 1:
            number, until = number + 1, until + 1
        last = position_at(ledger.reads, until)
        yield (
            "stamps_still",
            first,
            last,
            f"{positions(first, last)} went on a microsecond apart from {_shown(since - 1)}, so the clock stood still "
            "or was behind",
        )


def _shown(recorded_at: int) -> str:
    return format_moment(from_micros(recorded_at))
