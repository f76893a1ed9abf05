"""The ledger as a plain list, which every read scans: what a store must agree with at every step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ledger import wire
from ledger.store import VOLUME_KINDS, Conflict, Envelope, Receipt, Row
from ledger.store.formats import TODAY
from ledger.store.rows import BuiltTo


class PlainList:
    """Rows in a list, receipts in a dictionary. It stands for both the ledger and its recorder."""

    def __init__(self) -> None:
        self.written: list[Row] = []
        self.receipts: dict[str, Receipt] = {}

    standing = TODAY

    @property
    def reads(self) -> PlainList:
        return self

    def append(
        self,
        envelopes: Sequence[Envelope],
        *,
        receipt: Receipt,
        basis: int | None = None,
        at: int | None = None,
        key: bytes | None = None,
        seen: int = 0,
    ) -> list[int]:
        assert at is not None
        taken = {(row.stream, row.version) for row in self.written}
        if any(envelope[:2] in taken for envelope in envelopes):
            raise Conflict("a version is written once")
        if basis is not None and self.reference_rows(basis):
            raise Conflict("the school changed while this was being decided")
        before = len(self.written)
        for position, (stream, version, event) in enumerate(envelopes, before + 1):
            self.written.append(Row(position, stream, version, event.topic, at, wire.encode(event)))
        first = before + 1 if envelopes else 0
        self.receipts[receipt.id] = receipt._replace(first_position=first, events=len(envelopes))
        return list(range(before + 1, len(self.written) + 1))

    def now(self) -> datetime:
        raise AssertionError("a simulated ledger asks no clock")

    now_roughly = now

    def read_model(self) -> BuiltTo:
        return BuiltTo(len(self.written), b"", ())  # as if one had read everything

    def check_restored(self) -> int:
        return 0

    def has_codes(self) -> bool:
        return False

    def recorded(self, command: str) -> bool:
        return True  # so nothing is vouched for: a list has no owner to be told from who records

    def head(self) -> tuple[int, int]:
        return (len(self.written), self.written[-1].recorded_at) if self.written else (0, 0)

    def end(self) -> int:
        return len(self.written)

    def rows_at(self, positions: Sequence[int]) -> list[Row]:
        return [row for row in self.written if row.position in positions]

    def rows(self, after: int, limit: int, until: int | None = None) -> list[Row]:
        return [row for row in self.written if after < row.position <= (until or len(self.written))][:limit]

    def reference_rows(self, after: int, until: int | None = None) -> list[Row]:
        upto = self.rows(after, len(self.written), until)
        return [row for row in upto if row.topic.split(".")[0] not in VOLUME_KINDS]

    def stream_rows(self, streams: Sequence[str]) -> list[Row]:
        return sorted((row for row in self.written if row.stream in streams), key=lambda row: (row.stream, row.version))

    def prefix_rows(self, prefix: str) -> list[Row]:
        return self.stream_rows([row.stream for row in self.written if row.stream.startswith(prefix)])

    def versions_of(self, streams: Sequence[str]) -> dict[str, int]:
        return {row.stream: row.version for row in self.written if row.stream in streams}

    def receipt(self, command: str) -> Receipt | None:
        return self.receipts.get(command)
