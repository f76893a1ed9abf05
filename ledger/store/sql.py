"""The reads that SQLite and PostgreSQL share: the same statements, each with its own way to name things."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from eventsourcing.persistence import PersistenceError

from ledger.errors import LedgerError
from ledger.store.formats import Standing
from ledger.store.rows import IS_REFERENCE, WORDS, BuiltTo, Receipt, Row, Signed, UnsoundRow, sound

# No recorder gives a position below 1, so what stands there answers nothing. The plus keeps SQLite from going through
# the whole table in order of position where an index on streams is what a statement is for.
PLACED = "+notification_id > 0"
COLUMNS = "notification_id, originator_id, originator_version, topic, recorded_at, state"


class SqlReads:
    """Statements are written with `?`, the table as {events} and {receipts}, and a list as {in:?}."""

    # The aggregate that makes `entry_lines` of the rows of a condition, and whether a row is what a recorder writes.
    ENTRY_LINE: str
    SOUND = "TRUE"
    SEALED: str  # whether a row's event may hold sealed text

    @abstractmethod
    def _fetch(self, statement: str, *params: object) -> list[tuple[Any, ...]]:  # columns of any kind
        """Return all rows of a statement in one read transaction."""

    def _rows(self, where: str, *params: object, order: str = "notification_id") -> list[Row]:
        statement = f"SELECT {COLUMNS} FROM {{events}} WHERE {PLACED} AND {where} ORDER BY {order}"
        return list(map(sound, self._fetch(statement, *params)))

    def head(self) -> tuple[int, int]:
        rows = self._rows("notification_id > 0", order="notification_id DESC LIMIT 1")
        return (rows[0].position, rows[0].recorded_at) if rows else (0, 0)

    def end(self) -> int:
        ((last,),) = self._fetch("SELECT coalesce(max(notification_id), 0) FROM {events} WHERE notification_id > 0")
        return self._whole(last, last, "position")

    def still(self, after: int) -> list[tuple[int, int]]:
        seen = (
            "SELECT notification_id, recorded_at, lag(recorded_at) OVER (ORDER BY notification_id) AS earlier "
            "FROM {events} WHERE notification_id > ?"
        )
        return self._fetch(
            f"SELECT notification_id, recorded_at FROM ({seen}) AS seen WHERE recorded_at = earlier + 1 ORDER BY 1",
            after,
        )

    def sealed_streams(self, until: int) -> list[tuple[str, int]]:
        # Not grouped there: SQLite would go through the rows in the order of streams, which takes seven times as long.
        sealed = f"notification_id > 0 AND notification_id <= ? AND {self.SEALED} ORDER BY notification_id DESC"
        found = self._fetch(f"SELECT originator_id, notification_id FROM {{events}} WHERE {sealed}", until)
        return sorted(dict(found).items())

    def strays(self) -> list[int]:
        found = self._fetch("SELECT notification_id FROM {events} WHERE (notification_id > 0) IS NOT TRUE ORDER BY 1")
        return [position for (position,) in found]

    @abstractmethod
    def _readable(self, table: str) -> bool:
        """Return whether a table of the read model is there, and this account may read it."""

    def read_model(self) -> BuiltTo | None:
        if not self._readable("tracking"):
            return None
        found = self._fetch("SELECT position, digest FROM {schema}.tracking WHERE name = 'entries'")
        # What stands at no position that there is, is no read model either.
        at = next(((at, bytes(digest)) for at, digest in found if type(at) is int and at > 0), None)
        return BuiltTo(*at, self._unread()) if at else None

    def _unread(self) -> tuple[int, ...] | None:
        try:
            if not self._readable("parked"):
                return None
            parked = self._fetch("SELECT position FROM {schema}.parked ORDER BY position LIMIT 1000")
        except (LedgerError, PersistenceError):
            return None
        return tuple(position for (position,) in parked)

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
        entry = "topic BETWEEN 'entry.' AND 'entry.~'" + (" AND originator_version > 1" if amendments else "")
        # A row that is not sound is counted and has no line, whatever it is of.
        lines_of = self.ENTRY_LINE.replace("{kept}", f"{entry} AND {self.SOUND}")
        statement = (
            f"SELECT count(*) FILTER (WHERE {entry} OR NOT {self.SOUND}), {lines_of} FROM {{events}} "
            "WHERE notification_id > ? AND notification_id <= ?"
        )
        ((count, lines),) = self._fetch(statement, after, until)
        return count, lines or b""

    def versions_of(self, streams: list[str]) -> dict[str, int]:
        """Return the last version of each of these streams that exists."""
        found = self._fetch(
            "SELECT originator_id, max(originator_version), max(notification_id) FROM {events} "
            f"WHERE {PLACED} AND originator_id {{in:?}} GROUP BY 1",
            streams,
        )
        return {stream: self._whole(version, position, "version") for stream, version, position in found}

    def claims(self) -> list[tuple[int, int]]:
        made = "(first_position = 0 AND events = 0) IS NOT TRUE"
        found = self._fetch(f"SELECT first_position, events FROM {{receipts}} WHERE {made} ORDER BY 1, 2")
        return [
            (self._whole(first, first, "receipt"), self._whole(events, first, "receipt")) for first, events in found
        ]

    def signed(self) -> list[Signed]:
        mac = "NULL" if self.standing().older else "mac"
        asked = f"SELECT first_position, id, digest, door, events, {mac} FROM {{receipts}} ORDER BY 1, 2"
        return [Signed._make(found) for found in self._fetch(asked)]

    def recorded(self, command: str) -> bool:
        return bool(self._fetch("SELECT 1 FROM {receipts} WHERE id = ?", command))

    def has_codes(self) -> bool:
        older = self.standing().older
        return not older and bool(self._fetch("SELECT 1 FROM {receipts} WHERE mac IS NOT NULL LIMIT 1"))

    @abstractmethod
    def standing(self) -> Standing: ...

    def read_what_is_left(self) -> None:
        """Nothing to do differently: a server that is damaged says so of what it cannot read."""

    def settle(self) -> None:
        """Nothing to wait for: a local commit answers or fails before the next statement."""

    def _whole(self, value: object, position: object, field: str) -> int:
        if type(value) is not int:
            raise UnsoundRow(position, field, WORDS.get(type(value), type(value).__name__), WORDS[int])
        return value

    def _receipt(self, found: Sequence[Iterable[object]]) -> Receipt | None:
        return Receipt._make(found[0]) if found else None


RECEIPT = "SELECT id, digest, door, first_position, events FROM {receipts} WHERE id = ?"
