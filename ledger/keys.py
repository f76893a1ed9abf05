"""The key store: one 32-byte key for each pupil's school year, kept apart from the ledger.

Every key belongs to one ledger, named by the digest of its first event: several schools may share a store, and the
store of another ledger opens nothing here. A key is durable before the first event that needs it, and destroying one is
how words are forgotten (`ledger.wire`). `secure_delete` makes SQLite overwrite what it deletes. The store is never
created in passing: only opening a ledger creates one, so that a mistyped address is an error and not a second set of
keys.

A pupil's keys are asked for each time that they are used, so that a process that runs for months forgets with the
store. Only of a SQLite file are they kept, and no longer than nobody has changed the file: that it says at once. Every
statement here may be said twice, so one that finds its connection dead is said again on a new one.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, TypeVar, cast

import sqlalchemy as sa

from ledger.epochs import Epochs, make_table
from ledger.errors import Misconfigured
from ledger.people import is_pupil_number
from ledger.streams import Owner
from ledger.wal import opener, switch_to_wal

WAIT_SECONDS = 5  # for a connection, a lock, an answer
KEYS = "SELECT owner, year, key FROM pupil_year_keys WHERE ledger = "
KEYS_OF_SQLITE = f"{KEYS}? AND owner IN (SELECT value FROM json_each(?))"
KEYS_OF_POSTGRES = f"{KEYS}%s AND owner = ANY(%s)"
# What a database says when it cannot or may not, which holds nothing of what was asked: no connection, no right, no
# resources, no such object, stopped. By SQLSTATE; everything else might repeat a value.
SPEAKABLE = ("08", "25", "28", "3D", "42", "53", "55", "57")

_metadata = sa.MetaData()
_keys = sa.Table(
    "pupil_year_keys",
    _metadata,
    sa.Column("ledger", sa.Text, primary_key=True, comment="digest of the ledger's first event"),
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("key", sa.LargeBinary, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
)
# By the catalogue, which everybody may read: of a schema without rights nothing else shows that it is there.
_RIGHTS = """
SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = 'pupil_year_keys' AND n.nspname = ANY (string_to_array(current_setting('search_path'), ', '))
"""

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")


class KeyStore:
    """Keys by owner, for as many threads as ask. `lost` is true where there is no store: everything but the sealed text
    can still be read. Every method raises Misconfigured, in one sentence, where the store does not answer."""

    def __init__(self, engine: sa.Engine | None, address: str, ledger: Callable[[], str]) -> None:
        self._engine = engine
        # A read alone needs no transaction, and so no two more round trips.
        apart = engine is None or engine.dialect.name == "sqlite"  # which begins none for a read
        self._reading = engine if apart or engine is None else engine.execution_options(isolation_level="AUTOCOMMIT")
        self._ledger = ledger
        self._school: dict[Owner, bytes] = {}
        self._file = FileKeys(engine) if engine is not None and apart and engine.url.database else None
        self.address = address

    @property
    def lost(self) -> bool:
        return self._engine is None

    def get(self, owner: Owner) -> bytes | None:
        """Return the owner's key, or None where it was never made, was destroyed, or the store is lost."""
        if owner in self._school:
            return self._school[owner]
        key = self.load([owner]).get(owner)
        if key is not None and not is_pupil_number(owner.name):
            self._school[owner] = key  # the school's own is never destroyed, and commands are signed with it
        return key

    def load(self, owners: Iterable[Owner]) -> dict[Owner, bytes]:
        """Return the keys of those of the owners who have one now, in one query."""
        wanted = set(owners)
        if not wanted or self._reading is None:
            return {}
        names = sorted({owner.name for owner in wanted})
        rows = self._said(partial(self._keys_of, names))
        found = {Owner(name, year): bytes(key) for name, year, key in rows}
        return {owner: found[owner] for owner in wanted & found.keys()}

    def ensure(self, owners: Iterable[Owner]) -> dict[Owner, bytes]:
        """Return the owners' keys, made where they are not there yet, all of them committed. Raises Misconfigured where
        lost."""
        wanted = set(owners)
        found = self.load(wanted)
        missing = sorted(wanted - found.keys())
        if not missing:
            return found
        if self._engine is None:
            raise Misconfigured(
                f"the key store {self.address} is missing, so text cannot be sealed: nothing was recorded"
            )
        shared = {"ledger": self._ledger(), "made_at": time.time_ns() // 1000}
        rows = [{"owner": owner.name, "year": owner.year, "key": os.urandom(32), **shared} for owner in missing]
        # Another process may make the same key at the same moment: the first one stands, and both read it back.
        insert = _insert(self._engine)(_keys).on_conflict_do_nothing()
        self._said(partial(self._write, insert, rows))
        return found | self.load(missing)

    def destroy(self, owners: Iterable[Owner]) -> None:
        """Destroy keys for ever: what is sealed under them can never be read again. Raises Misconfigured where lost."""
        if self._engine is None:
            raise Misconfigured(f"the key store {self.address} is missing, so no key of it can be destroyed")
        gone = [{"o": owner.name, "y": owner.year, "l": self._ledger()} for owner in sorted(set(owners))]
        this = (
            _keys.c.ledger == sa.bindparam("l"),
            _keys.c.owner == sa.bindparam("o"),
            _keys.c.year == sa.bindparam("y"),
        )
        if gone:
            self._said(partial(self._write, _keys.delete().where(*this), gone))
        if self._engine.dialect.name == "sqlite":
            # Deleting overwrites the page, but the log still holds the page as it was.
            self._said(partial(self._read, sa.text("PRAGMA wal_checkpoint(TRUNCATE)")))

    def held(self) -> list[Owner]:
        """Return whose keys there are for this ledger, in order."""
        if self._reading is None:
            return []
        query = sa.select(_keys.c.owner, _keys.c.year).where(_keys.c.ledger == self._ledger())
        return sorted(Owner(name, year) for name, year in self._said(partial(self._read, query)))

    def epochs(self) -> Epochs | None:
        """Return what is remembered here of this ledger's seals; None where the store is lost."""
        return None if self._engine is None else Epochs(self._engine, self._ledger())

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        if self._engine is not None:
            self._engine.dispose()

    def _keys_of(self, names: list[str]) -> list[tuple[str, int, bytes]]:
        if self._file is not None:
            return self._file.keys_of(self._ledger(), names)
        assert self._reading is not None
        # In the driver's own words: a register whose text is sealed asks this each time, and building and compiling a
        # statement of SQLAlchemy's would take a fifth of the time of such a save.
        with self._reading.connect() as connection:
            if self._reading.dialect.name == "sqlite":
                found = connection.exec_driver_sql(KEYS_OF_SQLITE, (self._ledger(), json.dumps(names)))
            else:
                found = connection.exec_driver_sql(KEYS_OF_POSTGRES, (self._ledger(), names))
            return [tuple(row) for row in found]

    def _read(self, query: sa.Executable) -> list[tuple[str, int]]:
        assert self._reading is not None
        with self._reading.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def _write(self, statement: sa.Executable, rows: Sequence[dict[str, object]]) -> None:
        assert self._engine is not None
        with self._engine.begin() as connection:
            connection.execute(statement, rows)

    def _said(self, work: Callable[[], T]) -> T:
        return said_once_more(work, self.address)


class FileKeys:
    """Keys read from a SQLite file, kept until anybody changes the file. Its one connection never writes, so that what
    others committed, this process among them, is told by the number that SQLite counts changes with."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._lent: sa.PoolProxiedConnection | None = None
        self._changes = -1
        self._kept: dict[str, list[tuple[str, int, bytes]]] = {}

    def keys_of(self, ledger: str, names: Sequence[str]) -> list[tuple[str, int, bytes]]:
        """Return (owner, year, key) of what the owners of these names have now."""
        with self._lock:
            if self._lent is None:
                self._lent = self._engine.raw_connection()
            cursor = self._lent.cursor()
            # Asked first: what changes between the two questions is read again at the next one.
            ((changes,),) = cursor.execute("PRAGMA data_version").fetchall()
            if changes != self._changes:
                self._changes, self._kept = changes, {}
            if missing := [name for name in names if name not in self._kept]:
                found: dict[str, list[tuple[str, int, bytes]]] = {name: [] for name in missing}
                for row in cursor.execute(KEYS_OF_SQLITE, (ledger, json.dumps(missing))).fetchall():
                    found[row[0]].append(row)
                self._kept |= found
            return [row for name in names for row in self._kept[name]]

    def close(self) -> None:
        with self._lock:
            if self._lent is not None:
                self._lent.close()
            self._lent, self._kept = None, {}


def said_once_more(work: Callable[[], T], address: str) -> T:
    """Return what some work on a key store gives, done again where its connection was dead. Raises Misconfigured."""
    for again in (True, False):
        try:
            return work()
        except Exception as error:
            # The server went away and came back. SQLAlchemy then drops every connection it had.
            if not (again and getattr(error, "connection_invalidated", False)):
                raise _sentence(error, address) from None
    raise AssertionError("a second try returns or raises")


def _sentence(error: Exception, address: str) -> Exception:
    """Return what to raise for what a database raised: without its statement and the values of that, which are keys."""
    if isinstance(error, Misconfigured):
        return error
    said = getattr(error, "orig", None) or error
    kind = type(said).__module__.partition(".")[0]
    if kind not in ("sqlite3", "psycopg", "sqlalchemy"):
        return error
    state = getattr(said, "sqlstate", None)
    reason = (str(said).strip().splitlines() or [""])[0]
    if state is not None and not state.startswith(SPEAKABLE):
        reason = f"SQLSTATE {state}"
    elif kind == "sqlalchemy":
        reason = (
            f"no connection within {WAIT_SECONDS} s" if isinstance(said, sa.exc.TimeoutError) else type(said).__name__
        )
    if state == "42501":
        return Misconfigured(f"the key store {address} is there, but this account has no right to it: {reason}")
    return Misconfigured(f"the key store {address} cannot be used: {reason}")


def key_engine(url: str, schema: str | None = None) -> sa.Engine:
    """Return the engine for a key store at an address as SQLAlchemy takes it: every wait has an end, and no message
    holds a key."""
    shared: dict[str, int | bool] = {"pool_timeout": WAIT_SECONDS, "hide_parameters": True}
    if url.startswith("sqlite"):
        return sa.create_engine(url, creator=opener(url.removeprefix("sqlite:///")), **shared)
    milliseconds = 1000 * WAIT_SECONDS
    waits = {"statement_timeout": milliseconds, "lock_timeout": milliseconds}
    settings = waits | ({"search_path": schema} if schema else {})
    arguments = {
        "options": " ".join(f"-c{name}={value}" for name, value in settings.items()),
        "connect_timeout": WAIT_SECONDS,
        "tcp_user_timeout": milliseconds,
    }
    return sa.create_engine(url, connect_args=arguments, **shared)


def open_key_store(
    engine: sa.Engine | None, address: str, *, create: bool, ledger: Callable[[], str] = lambda: ""
) -> KeyStore:
    """Return the key store behind `engine` (None: no such store) for the ledger that `ledger` names. Creates its table
    only with `create`. Raises Misconfigured where it is there and may not be used."""
    if engine is None:
        return KeyStore(None, address, ledger)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _pin_sqlite)
    there = said_once_more(lambda: _created(engine) if create else _is_there(engine, address), address)
    return KeyStore(engine if there else None, address, ledger)


def _created(engine: sa.Engine) -> bool:
    lock = {"postgresql": "SELECT pg_advisory_xact_lock(hashtext('attendance keys'))", "sqlite": "BEGIN IMMEDIATE"}
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            switch_to_wal(cast(sqlite3.Connection, connection.connection))
    with engine.begin() as connection:
        # Two first starts must not race on CREATE.
        connection.exec_driver_sql(lock[engine.dialect.name])
        _metadata.create_all(connection)
        make_table(connection)
    return True


def _is_there(engine: sa.Engine, address: str) -> bool:
    if engine.dialect.name == "sqlite":
        return sa.inspect(engine).has_table(_keys.name)
    with engine.connect() as connection:
        rights = [right for (right,) in connection.exec_driver_sql(_RIGHTS)]
    if rights and not all(rights):
        raise Misconfigured(f"the key store {address} is there, but this account has no right to read it")
    return bool(rights)


def _insert(engine: sa.Engine) -> Callable[[sa.Table], postgresql.Insert | sqlite.Insert]:
    from sqlalchemy.dialects import postgresql, sqlite

    return postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert


def _pin_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={1000 * WAIT_SECONDS}", "synchronous=FULL", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
