"""The reads that SQLite and PostgreSQL share: the same statements, each with its own way to name things."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from ledger.store.rows import IS_REFERENCE, Receipt, Row

COLUMNS = "notification_id, originator_id, originator_version, topic, recorded_at, state"


class SqlReads:
    """Statements are written with `?`, the table as {events} and {receipts}, and a list as {in:?}."""

    ENTRY_LINE: str  # the aggregate that makes `entry_lines` of rows

    @abstractmethod
    def _fetch(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a statement in one read transaction."""

    def _rows(self, where: str, *params: Any, order: str = "notification_id") -> list[Row]:
        found = self._fetch(f"SELECT {COLUMNS} FROM {{events}} WHERE {where} ORDER BY {order}", *params)
        return list(map(Row._make, found))

    def head(self) -> tuple[int, int]:
        found = self._fetch("SELECT notification_id, recorded_at FROM {events} ORDER BY notification_id DESC LIMIT 1")
        return found[0] if found else (0, 0)  # type: ignore[return-value]

    def rows(self, after: int, limit: int, until: int | None = None) -> list[Row]:
        if until is None:
            return self._rows("notification_id > ?", after, order=f"notification_id LIMIT {int(limit)}")
        between = "notification_id > ? AND notification_id <= ?"
        return self._rows(between, after, until, order=f"notification_id LIMIT {int(limit)}")

    def reference_rows(self, after: int, until: int | None = None) -> list[Row]:
        upto = 2**62 if until is None else until
        return self._rows(f"{IS_REFERENCE} AND notification_id > ? AND notification_id <= ?", after, upto)

    def stream_rows(self, streams: Sequence[str]) -> list[Row]:
        return self._rows("originator_id {in:?}", list(streams), order="originator_id, originator_version")

    def prefix_rows(self, prefix: str) -> list[Row]:
        # '0' is the character after '/', so this range is the prefix's own streams and nobody else's.
        assert prefix.endswith("/"), prefix
        within = "originator_id >= ? AND originator_id < ?"
        return self._rows(within, prefix, prefix[:-1] + "0", order="originator_id, originator_version")

    def rows_at(self, positions: Sequence[int]) -> list[Row]:
        return self._rows("notification_id {in:?}", list(positions))

    def entry_lines(self, after: int, until: int, *, amendments: bool = False) -> tuple[int, bytes]:
        of_entries = "notification_id > ? AND notification_id <= ? AND topic BETWEEN 'entry.' AND 'entry.~'"
        later = " AND originator_version > 1" if amendments else ""
        statement = f"SELECT count(*), {self.ENTRY_LINE} FROM {{events}} WHERE {of_entries}{later}"
        ((count, lines),) = self._fetch(statement, after, until)
        return count, lines or b""

    def versions_of(self, streams: list[str]) -> dict[str, int]:
        """Return the last version of each of these streams that exists."""
        statement = "SELECT originator_id, max(originator_version) FROM {events} WHERE originator_id {in:?} GROUP BY 1"
        return dict(self._fetch(statement, streams))  # type: ignore[arg-type]

    def stream_extents(self) -> Iterator[tuple[str, int, int, int]]:
        """Yield (stream, events, first version, last version) of every stream."""
        yield from self._fetch(
            "SELECT originator_id, count(*), min(originator_version), max(originator_version) "
            "FROM {events} GROUP BY originator_id"
        )  # type: ignore[misc]

    def _receipt(self, found: list[tuple[Any, ...]]) -> Receipt | None:
        return Receipt._make(found[0]) if found else None


RECEIPT = "SELECT id, digest, door, first_position, events FROM {receipts} WHERE id = ?"
