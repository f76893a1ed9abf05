"""The recorder on SQLite, the embedded default: WAL, `synchronous=FULL`, one writer at a time.

`BEGIN IMMEDIATE` is the ordering lock. Triggers make the two tables append-only for every connection, also against
`INSERT OR REPLACE`, which deletes rows without asking a delete trigger.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from eventsourcing import persistence
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteConnection, SQLiteConnectionPool, SQLiteDatastore

from ledger.errors import Misconfigured
from ledger.store.rows import (
    IS_REFERENCE,
    Conflict,
    Receipt,
    Unavailable,
    assert_predecessors,
    check_clock,
    said,
    sound,
)
from ledger.store.sql import COLUMNS, PROJECTED, RECEIPT, SqlReads
from ledger.wal import may_be_written, open_file, switch_to_wal

BUSY_SECONDS = 30

DDL = f"""
CREATE TABLE IF NOT EXISTS stored_events (
    notification_id INTEGER PRIMARY KEY,
    originator_id TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,
    UNIQUE (originator_id, originator_version),
    CHECK (notification_id > 0 AND originator_version > 0),
    CHECK ((typeof(originator_id), typeof(originator_version), typeof(topic), typeof(state), typeof(recorded_at))
        = ('text', 'integer', 'text', 'blob', 'integer'))
);
CREATE INDEX IF NOT EXISTS stored_events_reference ON stored_events (notification_id) WHERE {IS_REFERENCE};
CREATE TABLE IF NOT EXISTS receipts (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    door TEXT NOT NULL,
    first_position INTEGER NOT NULL,
    events INTEGER NOT NULL,
    CHECK ((typeof(first_position), typeof(events)) = ('integer', 'integer'))
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS events_in_order BEFORE INSERT ON stored_events
WHEN NEW.notification_id <> 1 + (SELECT coalesce(max(notification_id), 0) FROM stored_events)
  OR EXISTS (SELECT 1 FROM stored_events
             WHERE originator_id = NEW.originator_id AND originator_version = NEW.originator_version)
BEGIN SELECT RAISE(ABORT, 'the ledger only grows at its end'); END;
CREATE TRIGGER IF NOT EXISTS receipts_once BEFORE INSERT ON receipts
WHEN EXISTS (SELECT 1 FROM receipts WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a receipt is written once'); END;
""" + "".join(
    f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table}\n"
    f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;\n"
    for table in ("stored_events", "receipts")
    for verb in ("UPDATE", "DELETE")
)
TRIGGERS = frozenset(re.findall(r"CREATE TRIGGER IF NOT EXISTS (\w+)", DDL))


TABLES = ("stored_events", "receipts", "entries", "tracking", "parked")


class PinnedPool(SQLiteConnectionPool):
    """Connections whose durability does not depend on how SQLite was built."""

    def _create_connection(self) -> SQLiteConnection:
        # Not the library's own, which remembers one statement only and so prepares all of ours again at every save.
        try:
            connection = open_file(self.db_name, timeout=BUSY_SECONDS)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
        except sqlite3.Error as error:
            raise persistence.InterfaceError(error) from error
        connection.row_factory = sqlite3.Row
        return SQLiteConnection(connection, self.max_age)


class Recorder(SqlReads, SQLiteApplicationRecorder):
    """Appends in one transaction: number, stamp, events, receipt."""

    PROJECTED = "SELECT count(*) = 2 FROM sqlite_master WHERE type = 'table' AND name IN ('parked', 'tracking')"
    ENTRY_LINE = (
        "CAST(group_concat(notification_id || char(31) || originator_version || char(31) || originator_id || char(31) "
        "|| CAST(state AS TEXT), char(10)) FILTER (WHERE {kept}) AS BLOB)"
    )
    SOUND = (
        "(typeof(originator_id) || typeof(originator_version) || typeof(topic) || typeof(state) || typeof(recorded_at) "
        "= 'textintegertextblobinteger')"
    )

    def __init__(self, datastore: SQLiteDatastore) -> None:
        # Threads of this process wait for its one writer as long as that may wait for another process.
        datastore.pool = PinnedPool(
            db_name=datastore.pool.db_name, lock_timeout=BUSY_SECONDS, pool_timeout=BUSY_SECONDS + 5
        )
        super().__init__(datastore)

    def create_table(self) -> None:
        with self._connection() as connection:
            switch_to_wal(connection)
            connection.executescript(f"BEGIN IMMEDIATE; {DDL} COMMIT;")

    def check(self) -> None:
        """Raise Misconfigured unless the settings that durability rests on are in force."""
        with self._connection() as connection:
            found = {
                name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
            }
            triggers = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
            read_only = not may_be_written(connection)
        # A file that may only be read loses nothing, and one copied out of its log goes back to it at the first save.
        if found not in ({"journal_mode": mode, "synchronous": 2} for mode in ("wal", "delete")) and not read_only:
            raise Misconfigured(
                f"SQLite runs with journal_mode {found['journal_mode']} and synchronous {found['synchronous']}, "
                "but the ledger needs wal and 2 (FULL)"
            )
        if missing := TRIGGERS - triggers:
            raise Misconfigured(
                f"the ledger's own triggers are gone ({', '.join(sorted(missing))}), so it is not append-only"
            )

    def now(self, *, roughly: bool = False) -> int:
        return time.time_ns() // 1000

    def projected(self) -> tuple[int, bytes] | None:
        if not self._fetch("SELECT 1 FROM sqlite_master WHERE name = 'tracking'"):
            return None
        return self._projected(self._fetch(PROJECTED.replace("{tracking}", "tracking")))

    def exists(self) -> bool:
        return bool(self._fetch("SELECT 1 FROM sqlite_master WHERE name = 'stored_events'"))

    def insert_events(
        self,
        stored_events: Sequence[persistence.StoredEvent],
        *,
        receipt: Receipt | None = None,
        basis: int | None = None,
        at: int | None = None,
        seen: int = 0,
        **_: Any,
    ) -> Sequence[int]:
        """Return the positions. `basis`: fail if a reference event came later; `at`: a simulated ledger's time; `seen`:
        fail if the ledger ends before it."""
        assert_predecessors(((e.originator_id, e.originator_version) for e in stored_events), self.versions_of)  # type: ignore[misc]
        with self._connection(writes=True) as connection:
            self._check_writable(connection)
            connection.execute("BEGIN IMMEDIATE")
            try:
                positions = self._append(connection, stored_events, receipt, basis, at, seen)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        return positions

    def _check_writable(self, connection: sqlite3.Connection) -> None:
        """Put a copy that was taken out of its log back to it. Raises Misconfigured where nothing may be written."""
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            switch_to_wal(connection)
        if not may_be_written(connection):
            raise Misconfigured(
                "the ledger may only be read here (its file, its folder or its disk): nothing was recorded"
            )

    def _append(
        self,
        connection: sqlite3.Connection,
        stored_events: Sequence[persistence.StoredEvent],
        receipt: Receipt | None,
        basis: int | None,
        at: int | None,
        seen: int,
    ) -> list[int]:
        last = f"SELECT {COLUMNS} FROM stored_events WHERE notification_id > 0 ORDER BY notification_id DESC LIMIT 1"
        found = connection.execute(last).fetchone()
        head, last_stamp = (sound(found).position, sound(found).recorded_at) if found else (0, 0)
        if head < seen:
            raise Conflict("the ledger ends before what was seen of it")
        if basis is not None and basis < head:
            later = f"SELECT 1 FROM stored_events WHERE {IS_REFERENCE} AND notification_id > ? LIMIT 1"
            if connection.execute(later, (basis,)).fetchone():
                raise Conflict("the school changed while this was being decided")
        stamp = max(self.now(), last_stamp + 1) if at is None else at
        if at is None and found:
            check_clock(stamp, last_stamp, [e.topic for e in stored_events])
        if stamp < last_stamp:
            raise Conflict("a later time was recorded while this was being decided")
        connection.executemany(
            "INSERT INTO stored_events VALUES (?, ?, ?, ?, ?, ?)",
            [
                (position, e.originator_id, e.originator_version, e.topic, e.state, stamp)
                for position, e in enumerate(stored_events, head + 1)
            ],
        )
        if receipt is not None:
            placed = receipt._replace(first_position=head + 1 if stored_events else 0, events=len(stored_events))
            connection.execute("INSERT INTO receipts VALUES (?, ?, ?, ?, ?)", placed)
        return list(range(head + 1, head + 1 + len(stored_events)))

    def faults(self) -> list[str]:
        """Return what SQLite finds wrong in its file, and what in there acts on the ledger but is not of it."""
        # An index that lacks rows hides them from whoever asks by stream, and from nobody who reads from end to end.
        checked = [line for (line,) in self._fetch("PRAGMA integrity_check(10)") if line != "ok"]
        foreign = [
            f"the database holds a {kind} named {name}, which is not this program's"
            for kind, name, table in self._fetch("SELECT type, name, tbl_name FROM sqlite_master ORDER BY name")
            if (kind == "trigger" and table in TABLES and name not in TRIGGERS) or (kind == "view" and name in TABLES)
        ]
        return [f"SQLite finds its file damaged: {line.splitlines()[0]}" for line in checked] + foreign

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[persistence.Notification]:
        """Return events the library's way; its own statement reads a column `rowid`, which goes by our name here."""
        first = 0 if start is None else start if inclusive_of_start else start + 1
        params: list[Any] = [first, 2**62 if stop is None else stop, *([list(topics)] if topics else [])]
        where = "notification_id BETWEEN ? AND ?" + (" AND topic {in:?}" if topics else "")
        rows = self._rows(where, *params, order=f"notification_id LIMIT {int(limit)}")
        return [persistence.Notification(row.stream, row.version, row.topic, row.state, row.position) for row in rows]

    def receipt(self, command: str) -> Receipt | None:
        # A local commit answers or fails before the next statement, so there is no save under way to wait for.
        return self._receipt(self._fetch(RECEIPT, command))

    def _fetch(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        lists = [json.dumps(value) if isinstance(value, list) else value for value in params]
        named = (
            statement.replace("{events}", "stored_events").replace("{receipts}", "receipts").replace("{schema}.", "")
        )
        listed = named.replace("{in:?}", "IN (SELECT value FROM json_each(?))")
        with self._connection() as connection:
            try:
                return connection.execute(listed, lists).fetchall()
            except sqlite3.OperationalError as error:
                if "decode" not in str(error):
                    raise
            # Bytes that are no text in a column of text: given as bytes, they are told from every other row.
            connection.text_factory = _text_or_bytes
            try:
                return connection.execute(listed, lists).fetchall()
            finally:
                connection.text_factory = str

    @contextmanager
    def _connection(self, *, writes: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            with self.datastore.get_connection(commit=writes) as pooled:
                connection = pooled._sqlite_conn
                row_factory, connection.row_factory = connection.row_factory, None
                try:
                    yield connection
                finally:
                    connection.row_factory = row_factory
        except sqlite3.IntegrityError as error:
            raise Conflict(said(error)) from error
        except sqlite3.ProgrammingError:
            raise
        except (sqlite3.DatabaseError, persistence.OperationalError, persistence.InterfaceError) as error:
            # Locked for too long, disk full, no database at all: what the file holds is unchanged.
            raise Unavailable(f"SQLite: {said(error)}") from error


def _text_or_bytes(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw
