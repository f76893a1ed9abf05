"""The few events that tests of the store append: what they say does not matter here, only where they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Thread
from typing import Any

from ledger.events import MarkAmended, MarkRecorded, SchoolOpened, StaffNamed
from ledger.people import Staff
from ledger.policy import load
from ledger.store import Envelope, Ledger, Receipt, Row

OFFICE = Staff("s1", "A Clerk", "Attendance officer")
ENTRY = "1042/2024/2024-09-03/AM"


def opening() -> Envelope:
    """Return the event that begins a ledger: a reference event, the first of the stream `school`."""
    opened = SchoolOpened(
        by=OFFICE, urn="100001", name="Test", la="999", estab="2001", simulated=True, **load("national-2024").kept
    )
    return Envelope("school", 1, opened)


def named(version: int) -> Envelope:
    """Return a reference event in the stream `school`."""
    return Envelope("school", version, StaffNamed(by=OFFICE, staff=OFFICE))


def mark(stream: str = ENTRY, version: int = 1, code: str = "/") -> Envelope:
    """Return an event of an entry: its original mark, or at a later version an amendment."""
    if version == 1:
        return Envelope(stream, 1, MarkRecorded(by=OFFICE, code=code))
    return Envelope(stream, version, MarkAmended(by=OFFICE, code=code, replaces="N"))


def marks(count: int, of: str = "p") -> list[Envelope]:
    """Return original marks in as many entries."""
    return [mark(f"{of}{number:05}/2024/2024-09-03/AM") for number in range(count)]


def receipt(name: str) -> Receipt:
    return Receipt(name, "digest", "test")


def everything(ledger: Ledger) -> list[Row]:
    return ledger.reads.rows(0, 1_000_000)


def placed(rows: Sequence[Row]) -> list[tuple[int, str, int]]:
    """Return where rows stand: position, stream, version."""
    return [(row.position, row.stream, row.version) for row in rows]


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """Return what `work` returns, in a thread of its own; fails where it takes longer, as a hang would for ever."""
    results: list[Any] = []
    thread = Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), f"no answer within {seconds} seconds"
    assert results, "it failed"
    return results[0]
