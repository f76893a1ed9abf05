"""The recorder in memory, for tests: the same promises as the two databases, and nothing survives the process."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from eventsourcing import persistence
from eventsourcing.popo import POPOApplicationRecorder

from ledger.store.formats import TODAY, Standing
from ledger.store.rows import (
    SEPARATOR,
    VOLUME_KINDS,
    BuiltTo,
    Conflict,
    Receipt,
    Row,
    Signed,
    assert_predecessors,
    check_clock,
)
from ledger.wire import seems_sealed


class Recorder(POPOApplicationRecorder):
    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._references: list[int] = []
        self._streams: dict[str, list[int]] = {}
        self._receipts: dict[str, Receipt] = {}
        self._macs: dict[str, bytes | None] = {}

    def create_table(self) -> None:
        """Nothing to create."""

    def exists(self) -> bool:
        return True

    def check(self) -> None:
        """Nothing to check: no promise of durability is made."""

    def signed(self) -> list[Signed]:
        found = self._receipts.values()
        return sorted(Signed(r.first_position, r.id, r.digest, r.door, r.events, self._macs[r.id]) for r in found)

    def recorded(self, command: str) -> bool:
        return command in self._receipts

    def has_codes(self) -> bool:
        return any(mac is not None for mac in self._macs.values())

    def read_what_is_left(self) -> None:
        """No file that could be damaged."""

    def settle(self) -> None:
        """Nothing to wait for."""

    def standing(self) -> Standing:
        return TODAY

    def repair(self) -> list[str]:
        return []

    def insert_events(
        self,
        stored_events: Sequence[persistence.StoredEvent],
        *,
        receipt: Receipt | None = None,
        basis: int | None = None,
        at: int | None = None,
        seen: int = 0,
        mac: bytes | None = None,
        **_: object,
    ) -> Sequence[int]:
        with self._database_lock:
            assert_predecessors(((e.originator_id, e.originator_version) for e in stored_events), self.versions_of)  # type: ignore[misc]
            if basis is not None and self._references and self._references[-1] > basis:
                raise Conflict("the school changed while this was being decided")
            if self.head()[0] < seen:
                raise Conflict("the ledger ends before what was seen of it")
            if receipt is not None and receipt.id in self._receipts:
                raise Conflict("a receipt is written once")
            last_stamp = self.head()[1]
            stamp = max(self.now(), last_stamp + 1) if at is None else at
            if at is None and self._rows and stored_events:
                check_clock(stamp, last_stamp, [e.topic for e in stored_events])
            if stamp < last_stamp:
                raise Conflict("a later time was recorded while this was being decided")
            try:
                self._assert_uniqueness(stored_events)
            except persistence.IntegrityError as error:
                raise Conflict("a version is written once") from error
            positions = self._update_table(stored_events) or []
            for position, e in zip(positions, stored_events, strict=True):
                stream = str(e.originator_id)
                self._rows.append(Row(position, stream, e.originator_version, e.topic, stamp, e.state))
                self._streams.setdefault(stream, []).append(position)
                if e.topic.partition(".")[0] not in VOLUME_KINDS:
                    self._references.append(position)
            if receipt is not None:
                first = positions[0] if positions else 0
                self._receipts[receipt.id] = receipt._replace(first_position=first, events=len(positions))
                self._macs[receipt.id] = mac
        self._notify_listeners()
        return positions

    def now(self, *, roughly: bool = False) -> int:
        return time.time_ns() // 1000

    def head(self) -> tuple[int, int]:
        return (self._rows[-1].position, self._rows[-1].recorded_at) if self._rows else (0, 0)

    def rows(self, after: int, limit: int, until: int | None = None) -> list[Row]:
        return self._rows[after : min(after + limit, len(self._rows) if until is None else until)]

    def reference_rows(self, after: int, until: int | None = None) -> list[Row]:
        upto = len(self._references) if until is None else bisect_right(self._references, until)
        return [self._rows[p - 1] for p in self._references[bisect_right(self._references, after) : upto]]

    def stream_rows(self, streams: Sequence[str]) -> list[Row]:
        return [self._rows[p - 1] for stream in sorted(set(streams)) for p in self._streams.get(stream, ())]

    def prefix_rows(self, prefix: str) -> list[Row]:
        return self.stream_rows([stream for stream in self._streams if stream.startswith(prefix)])

    def rows_at(self, positions: Sequence[int]) -> list[Row]:
        return [self._rows[p - 1] for p in sorted(set(positions)) if 0 < p <= len(self._rows)]

    def entry_lines(self, after: int, until: int, *, amendments: bool = False) -> tuple[int, bytes]:
        lines = [
            SEPARATOR.join((str(row.position), str(row.version), row.stream, "")).encode() + row.state
            for row in self._rows[after:until]
            if row.topic.startswith("entry.") and (row.version > 1 or not amendments)
        ]
        return len(lines), b"\n".join(lines)

    def versions_of(self, streams: list[str]) -> dict[str, int]:
        return {s: self._rows[self._streams[s][-1] - 1].version for s in streams if s in self._streams}

    def read_model(self) -> BuiltTo | None:
        return None

    def end(self) -> int:
        return self.head()[0]

    def still(self, after: int) -> list[tuple[int, int]]:
        pairs = pairwise(self._rows[after:])
        return [(row.position, row.recorded_at) for before, row in pairs if row.recorded_at == before.recorded_at + 1]

    def sealed_streams(self, until: int) -> list[tuple[str, int]]:
        first: dict[str, int] = {}
        for row in self._rows[:until]:
            if seems_sealed(row.state):
                first.setdefault(row.stream, row.position)
        return sorted(first.items())

    def strays(self) -> list[int]:
        return []

    def claims(self) -> list[tuple[int, int]]:
        return sorted(receipt[3:] for receipt in self._receipts.values() if receipt.events)

    def faults(self) -> list[str]:
        return []

    def receipt(self, command: str) -> Receipt | None:
        with self._database_lock:
            return self._receipts.get(command)
