"""Every store against a plain list: whatever is appended, taken or refused, all reads agree with the list's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import wire
from ledger.store import VOLUME_KINDS, Conflict, Envelope, Ledger, Receipt, Row, position_at
from tests.stores.conftest import NewLedger
from tests.stores.envelopes import mark, named, receipt

# Neighbours in order: a prefix must find its own streams and not the next one's, whatever the language of the machine.
ENTRIES = [
    "1042/2024/2024-09-03/AM",
    "1042/2024/2024-09-03/PM",
    "1042/20240/2024-09-03/AM",
    "1042/2025/2025-09-03/AM",
    "10420/2024/2024-09-03/AM",
    "1042-1/2024/2024-09-03/AM",
    "B/2024/2024-09-03/AM",
    "a/2024/2024-09-03/AM",
]
REFERENCES = ["school", "school/2024", "1042/roll", "1042/notice/É1", "1042/notice/Z1"]
COMMANDS = 16
PREFIXES = ["1042/", "1042/2024/", "10420/", "1042-1/", "school/", "a/", "B/", "1042/notice/", "9/"]


class ListStore:
    """The promises of a store in as few words as possible: slow, in memory, on simulated time."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.receipts: dict[str, Receipt] = {}

    def last_version(self, stream: str) -> int:
        return max((row.version for row in self.rows if row.stream == stream), default=0)

    def references(self) -> list[Row]:
        return [row for row in self.rows if row.topic.split(".")[0] not in VOLUME_KINDS]

    def append(self, envelopes: Sequence[Envelope], given: Receipt, basis: int | None, at: int) -> None:
        """Raises Conflict."""
        taken = any(version <= self.last_version(stream) for stream, version, _ in envelopes)
        outdated = basis is not None and any(row.position > basis for row in self.references())
        backwards = bool(self.rows) and at < self.rows[-1].recorded_at
        if taken or outdated or backwards or given.id in self.receipts:
            raise Conflict("")
        first = len(self.rows) + 1
        self.rows += [
            Row(position, stream, version, event.topic, at, wire.encode(event))
            for position, (stream, version, event) in enumerate(envelopes, first)
        ]
        placed = {"first_position": first if envelopes else 0, "events": len(envelopes)}
        self.receipts[given.id] = given._replace(**placed)


class Attempt(NamedTuple):
    """One append: some streams, whether it comes too late in the first, and what else may speak against it."""

    streams: list[str]
    late: bool
    command: int
    basis: int | None
    step: int


attempts = st.builds(
    Attempt,
    streams=st.lists(st.sampled_from(ENTRIES + REFERENCES), max_size=6),
    late=st.sampled_from([False] * 6 + [True]),
    command=st.integers(0, COMMANDS - 1),
    basis=st.none() | st.integers(0, 3),
    step=st.sampled_from([0, 0, 1, 2, 1_000_000, -1]),
)


def live(ledger: Ledger, model: ListStore, attempt: Attempt) -> None:
    """Append the same to both, and check that both take it or neither does."""
    versions: dict[str, int] = {}
    envelopes = []
    for place, stream in enumerate(attempt.streams):
        late = attempt.late and place == 0 and model.last_version(stream) > 0
        versions[stream] = versions.get(stream, model.last_version(stream) - late) + 1
        make = named(1)._replace(originator_id=stream) if stream in REFERENCES else mark(stream, versions[stream])
        envelopes.append(make._replace(originator_version=versions[stream]))
    given = receipt(f"c{attempt.command}")
    basis = None if attempt.basis is None else max(0, len(model.rows) - attempt.basis)
    at = max(1, (model.rows[-1].recorded_at if model.rows else 1_000) + attempt.step)
    try:
        model.append(envelopes, given, basis, at)
    except Conflict:
        with pytest.raises(Conflict):
            ledger.append(envelopes, receipt=given, basis=basis, at=at)
    else:
        ledger.append(envelopes, receipt=given, basis=basis, at=at)


def check_reads(ledger: Ledger, model: ListStore, data: st.DataObject) -> None:
    """Ask the store everything it answers, and the list the same."""
    reads, rows = ledger.reads, model.rows
    positions = st.integers(0, len(rows) + 2)
    chosen = st.lists(st.sampled_from([*ENTRIES, *REFERENCES, "9999/roll"]), max_size=8)
    by_stream = sorted(rows, key=lambda row: (row.stream.encode(), row.version))

    assert reads.head() == ((rows[-1].position, rows[-1].recorded_at) if rows else (0, 0))
    assert reads.rows(0, len(rows) + 1) == rows
    after, until, limit = data.draw(positions), data.draw(positions), data.draw(st.integers(1, len(rows) + 2))
    assert reads.rows(after, limit) == rows[after:][:limit]
    assert reads.rows(after, limit, until) == rows[after:until][:limit]
    assert reads.reference_rows(after) == [row for row in model.references() if row.position > after]
    assert reads.reference_rows(after, until) == [row for row in model.references() if after < row.position <= until]
    wanted = data.draw(st.lists(positions, max_size=8))
    assert reads.rows_at(wanted) == [row for row in rows if row.position in wanted]
    streams = data.draw(chosen)
    assert reads.stream_rows(streams) == [row for row in by_stream if row.stream in streams]
    assert reads.versions_of(streams) == {s: model.last_version(s) for s in streams if model.last_version(s)}
    for prefix in PREFIXES:
        assert reads.prefix_rows(prefix) == [row for row in by_stream if row.stream.startswith(prefix)]
    assert reads.end() == len(rows)
    assert reads.strays() == [] == reads.faults()
    assert reads.claims() == sorted(receipt[3:] for receipt in model.receipts.values() if receipt.events)
    for command in range(COMMANDS):
        assert reads.receipt(f"c{command}") == model.receipts.get(f"c{command}")


def check_times(ledger: Ledger, model: ListStore, data: st.DataObject) -> None:
    """Turn times into positions, by bisect and by looking through the list: each event's time, and those beside it."""
    beside = sorted({0, 2**60} | {row.recorded_at + aside for row in model.rows for aside in (-1, 0, 1)})
    for stamp in data.draw(st.lists(st.sampled_from(beside), max_size=20, unique=True)):
        known = [row.position for row in model.rows if row.recorded_at <= stamp]
        assert position_at(ledger.reads, stamp) == max(known, default=0)


def test_every_read_agrees_with_a_plain_list(new_ledger: NewLedger, request: pytest.FixtureRequest) -> None:
    cheap = request.node.callspec.params["new_address"] in ("memory", "sqlite")
    examples = settings.default.max_examples

    @settings(max_examples=examples if cheap else examples // 5)
    @given(history=st.lists(attempts, max_size=12), data=st.data())
    def agrees(history: list[Attempt], data: st.DataObject) -> None:
        model = ListStore()
        with new_ledger() as ledger:
            for attempt in history:
                live(ledger, model, attempt)
            check_reads(ledger, model, data)
            check_times(ledger, model, data)

    agrees()
