"""The recorder on SQLite, the embedded default: WAL, `synchronous=FULL`, one writer at a time.

`BEGIN IMMEDIATE` is the ordering lock. Triggers make the two tables append-only for every connection, also against
`INSERT OR REPLACE`, which deletes rows without asking a delete trigger.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakSet

from eventsourcing import persistence
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteConnection, SQLiteConnectionPool, SQLiteDatastore

from ledger.errors import Misconfigured, Refused
from ledger.store.failures import meaning_of
from ledger.store.formats import FIRST, FORMAT, Standing
from ledger.store.rows import IS_REFERENCE, Conflict, Damaged, Receipt, assert_predecessors, check_clock, sound
from ledger.store.sql import COLUMNS, RECEIPT, SqlReads
from ledger.store.sqlite_schema import DDL, INDEXES, STATE_FORMAT, TABLES, TRIGGERS, Faults, compared
from ledger.wal import may_be_written, open_damaged, open_file, switch_to_wal

BUSY_SECONDS = 30


class PinnedPool(SQLiteConnectionPool):
    """Connections whose durability does not depend on how SQLite was built."""

    opens = staticmethod(open_file)

    def _create_connection(self) -> SQLiteConnection:
        # Not the library's own, which remembers one statement only and so prepares all of ours again at every save.
        try:
            connection = self.opens(self.db_name, timeout=BUSY_SECONDS)
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
        except sqlite3.Error as error:
            raise persistence.InterfaceError(error) from error
        connection.row_factory = sqlite3.Row
        return SQLiteConnection(connection, self.max_age)


class PoolOfDamaged(PinnedPool):
    """Connections that read what is left of a file."""

    opens = staticmethod(open_damaged)


class Recorder(SqlReads, SQLiteApplicationRecorder):
    """Appends in one transaction: number, stamp, events, receipt."""

    SEALED = """instr(state, CAST('"x":' AS BLOB)) > 0"""
    ENTRY_LINE = (
        "CAST(group_concat(notification_id || char(31) || originator_version || char(31) || originator_id || char(31) "
        "|| CAST(state AS TEXT), char(10)) FILTER (WHERE {kept}) AS BLOB)"
    )
    SOUND = (
        "(typeof(originator_id) || typeof(originator_version) || typeof(topic) || typeof(state) || typeof(recorded_at) "
        "= 'textintegertextblobinteger')"
    )

    def __init__(self, datastore: SQLiteDatastore) -> None:
        self._writable: WeakSet[SQLiteConnection] = WeakSet()
        super().__init__(datastore)
        self._open_by(PinnedPool)

    def _open_by(self, pool: type[PinnedPool]) -> None:
        # Threads of this process wait for its one writer as long as that may wait for another process.
        self.datastore.pool.close()
        self.datastore.pool = pool(
            db_name=self.datastore.pool.db_name, lock_timeout=BUSY_SECONDS, pool_timeout=BUSY_SECONDS + 5
        )

    def read_what_is_left(self) -> None:
        """Read from now on what can be read of a damaged file, and write nothing."""
        self._open_by(PoolOfDamaged)
        with suppress(Damaged):
            if self.exists():
                return
        self._open_by(PinnedPool)  # which says that it is damaged, where the other only finds no tables

    def create_table(self) -> None:
        """Make an empty ledger where there is none; what is there stays as it is, for `repair` is what mends it."""
        with self._connection() as connection:
            switch_to_wal(connection)
            connection.execute("BEGIN IMMEDIATE")
            try:
                if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'stored_events'").fetchone():
                    for statement in DDL.split(";\n"):
                        connection.execute(statement)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise

    def check(self) -> None:
        """Raise Misconfigured unless the settings that durability rests on are in force, and the file is as this
        program makes it. Of another format it is not known how it should be: that is answered, and not recorded in."""
        with self._connection() as connection:
            found = {
                name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
            }
            read_only = not may_be_written(connection)
        # A file that may only be read loses nothing, and one copied out of its log goes back to it at the first save.
        if found not in ({"journal_mode": mode, "synchronous": 2} for mode in ("wal", "delete")) and not read_only:
            raise Misconfigured(
                f"SQLite runs with journal_mode {found['journal_mode']} and synchronous {found['synchronous']}, "
                "but the ledger needs wal and 2 (FULL)"
            )
        if self.standing().format == FORMAT and (faults := self._compared()._replace(foreign=[]).sentences):
            raise Misconfigured(f"{'; '.join(faults)}: see 'attendance verify', then run 'attendance repair'")

    def standing(self) -> Standing:
        """Return the format of this ledger, and the least release that may record in it."""
        ((version,),) = self._fetch("PRAGMA user_version")
        if not self._fetch("SELECT 1 FROM sqlite_master WHERE name = 'ledger_format'"):
            return Standing(version or FIRST, "")
        stated = self._fetch("SELECT format, least_release FROM ledger_format")
        # The greater of the two: whoever records in a newer format says so in both.
        return Standing(max(version or FIRST, *(each for each, _ in stated)), stated[0][1] if stated else "")

    def _compared(self) -> Faults:
        return compared(self._fetch("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"))

    def now(self, *, roughly: bool = False) -> int:
        return time.time_ns() // 1000

    def _readable(self, table: str) -> bool:
        return bool(self._fetch("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", table))

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
        mac: bytes | None = None,
        **_: object,
    ) -> Sequence[int]:
        """Return the positions. `basis`: fail if a reference event came later; `at`: a simulated ledger's time; `seen`:
        fail if the ledger ends before it; `mac`: the code of who recorded, kept beside the receipt."""
        assert_predecessors(((e.originator_id, e.originator_version) for e in stored_events), self.versions_of)  # type: ignore[misc]
        with self._connection(writes=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                positions = self._append(connection, stored_events, receipt, basis, at, seen, mac)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        return positions

    def _append(
        self,
        connection: sqlite3.Connection,
        stored_events: Sequence[persistence.StoredEvent],
        receipt: Receipt | None,
        basis: int | None,
        at: int | None,
        seen: int,
        mac: bytes | None,
    ) -> list[int]:
        if connection.execute("PRAGMA user_version").fetchone() != (FORMAT,):
            raise Refused("newer_ledger", field="ledger")
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
        if at is None and found and stored_events:
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
            connection.execute("INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?)", (*placed, mac))
        return list(range(head + 1, head + 1 + len(stored_events)))

    def faults(self) -> list[str]:
        """Return what SQLite finds wrong in its file, what is not as this program makes it, and what in there acts on
        the ledger but is not of it."""
        damaged = [f"SQLite finds its file damaged: {line}" for line in self._damage()]
        standing, compared = self.standing(), self._compared()
        if standing.format != FORMAT:
            return [*damaged, *compared.of_any_format.sentences]
        ((version,),) = self._fetch("PRAGMA user_version")
        apart = [] if version == FORMAT else [f"the file says format {version} of itself, and its table {FORMAT}"]
        return [*damaged, *apart, *compared.sentences]

    def _damage(self) -> list[str]:
        # An index that lacks rows hides them from whoever asks by stream, and from nobody who reads from end to end.
        found: list[str] = []
        try:
            with self._connection() as connection:
                for (line,) in connection.execute("PRAGMA integrity_check(10)"):
                    found += [each for each in line.splitlines() if each != "ok" and not each.startswith("***")][:1]
        except Damaged as error:
            return found or [str(error).partition(": ")[2]]
        return found

    def repair(self) -> list[str]:
        """Bring an older ledger to today's format and put back what is gone of it. Returns what was done, in a sentence
        each. Raises Misconfigured where the rows contradict a key; then nothing was done."""
        if isinstance(self.datastore.pool, PoolOfDamaged):
            raise Damaged("the file is damaged, so nothing was repaired in it: put back a copy of it")
        standing = self.standing()
        if standing.newer:
            raise Refused("newer_ledger", field="ledger", value=f"format {standing.format}")
        done = []
        with self._connection(writes=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                done = _repaired(connection)
                connection.execute("COMMIT")
            except sqlite3.IntegrityError as error:
                connection.execute("ROLLBACK")
                raise Misconfigured(
                    f"the rows contradict what has to be put back ({error}), so nothing was done: 'attendance verify' "
                    "names the rows"
                ) from None
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        return done

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
        params: list[object] = [first, 2**62 if stop is None else stop, *([list(topics)] if topics else [])]
        where = "notification_id BETWEEN ? AND ?" + (" AND topic {in:?}" if topics else "")
        rows = self._rows(where, *params, order=f"notification_id LIMIT {int(limit)}")
        return [persistence.Notification(row.stream, row.version, row.topic, row.state, row.position) for row in rows]

    def receipt(self, command: str) -> Receipt | None:
        # A local commit answers or fails before the next statement, so there is no save under way to wait for.
        return self._receipt(self._fetch(RECEIPT, command))

    def _fetch(self, statement: str, *params: object) -> list[tuple[Any, ...]]:  # as the driver reads them
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
                    if writes and pooled not in self._writable:
                        _check_writable(connection)
                        self._writable.add(pooled)
                    yield connection
                finally:
                    connection.row_factory = row_factory
        except sqlite3.ProgrammingError:
            raise
        except (sqlite3.Error, persistence.PersistenceError) as error:
            raise meaning_of(error) from None


def _check_writable(connection: sqlite3.Connection) -> None:
    """Put a copy that was taken out of its log back to it. Raises Misconfigured where nothing may be written."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        switch_to_wal(connection)
    if not may_be_written(connection):
        raise Misconfigured("the ledger may only be read here (its file, its folder or its disk): nothing was recorded")


def _repaired(connection: sqlite3.Connection) -> list[str]:
    """Return what was done, inside the connection's transaction."""
    done = []
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    asked = "SELECT type, name, tbl_name, sql FROM sqlite_master"
    faults = compared(connection.execute(asked).fetchall())
    broken = {piece.name: piece for piece in (*faults.missing, *faults.hollow)}
    # A trigger would stand in the way of a table made again; each is put back below.
    for piece in TRIGGERS if broken else ():
        connection.execute(f"DROP TRIGGER IF EXISTS {piece.name}")
    for piece in TABLES:
        if piece in faults.missing:
            connection.execute(piece.make)
            done.append(f"made the table {piece.name}")
        elif piece in faults.hollow:
            _make_again(connection, piece.name, piece.make)
            done.append(f"made the table {piece.name} again, with its keys and columns, and copied its rows")
    for piece in (*INDEXES, *TRIGGERS):
        if piece in faults.hollow and piece in INDEXES:
            connection.execute(f"DROP INDEX {piece.name}")
        there = {(kind, name) for kind, name, *_ in connection.execute(asked)}
        if (piece.kind, piece.name) not in there:
            connection.execute(piece.make)
        if piece.name in broken:
            done.append(f"put back the {piece.kind} {piece.name}")
    stated = connection.execute("SELECT format FROM ledger_format").fetchall()
    if version != FORMAT or stated != [(FORMAT,)]:
        for statement in STATE_FORMAT:
            connection.execute(statement)
        done.append(f"brought the ledger from format {version or FIRST} to format {FORMAT}")
    return done


def _make_again(connection: sqlite3.Connection, table: str, make: str) -> None:
    """Make a table as it should be and fill it with its rows; a row that a key or check forbids is an error."""
    columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
    connection.execute("PRAGMA legacy_alter_table = ON")  # or views and triggers of others would follow the old table
    connection.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
    connection.execute("PRAGMA legacy_alter_table = OFF")
    connection.execute("DROP INDEX IF EXISTS stored_events_reference") if table == "stored_events" else None
    connection.execute(make)
    kept = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})") if name in columns]
    named = ", ".join(kept)
    connection.execute(f"INSERT INTO {table} ({named}) SELECT {named} FROM {table}_before ORDER BY 1")
    connection.execute(f"DROP TABLE {table}_before")


def _text_or_bytes(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw
