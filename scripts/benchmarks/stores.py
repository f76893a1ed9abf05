"""The stores that are measured: SQLite in a temporary folder and PostgreSQL as it ships, durable both.

PostgreSQL is the server at `DATABASE_URL` where that is set, else one of our own.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from commands.wiring import House, open_house
from ledger.store import Ledger, parse_address
from ledger.store.rows import Row
from tests.support.postgres import Server, temporary_server

AS_SHIPPED = {"shared_buffers": "128MB"}  # the tests' servers make do with less


class Place(NamedTuple):
    """Where one ledger and its keys are."""

    kind: str
    url: str
    keys: str

    def open(self) -> House:
        return open_house(self.url, self.keys)


class Stores:
    """New, empty places for ledgers; all are gone when the run ends."""

    def __init__(self, folder: Path, server: Server) -> None:
        self._folder = folder
        self._server = server
        self._count = 0

    def new(self, kind: str, *, simulated: bool = True) -> tuple[Place, House]:
        """Return a fresh place on `postgresql` or `sqlite` and the house opened there, still without a school."""
        self._count += 1
        file = f"sqlite:///{self._folder}/{self._count}"
        place = Place(kind, f"{file}.db" if kind == "sqlite" else self._server.new_database(), f"{file}.keys.db")
        return place, open_house(place.url, place.keys, create=True, simulated=simulated)


@contextmanager
def stores() -> Iterator[Stores]:
    folder = Path(tempfile.mkdtemp(prefix="attendance-bench-"))
    try:
        with temporary_server(None if "DATABASE_URL" in os.environ else AS_SHIPPED) as server:
            yield Stores(folder, server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Plain:
    """The database of a ledger by its driver alone, for floors: statements with `?`, one transaction a call."""

    def __init__(self, url: str) -> None:
        address = parse_address(url)
        self.kind = address.kind
        self._connection: Any
        if self.kind == "sqlite":
            # Not the ledger's own connection, so its pragmas once more.
            self._connection = sqlite3.connect(address.sqlalchemy.removeprefix("sqlite:///"), isolation_level=None)
            self._connection.executescript(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=30000"
            )
        else:
            self._connection = psycopg.connect(
                address.conninfo, autocommit=True, options=f"-csearch_path={address.schema}"
            )

    def create(self, table: str, columns: str) -> None:
        """Make a table; `columns` are written with int, text and bytes, as SQLite wants them."""
        if self.kind == "postgresql":
            columns = columns.replace("int", "bigint").replace("text", 'text COLLATE "C"').replace("blob", "bytea")
        self._connection.execute(f"CREATE TABLE {table} ({columns})")

    def all(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._marked(statement), params).fetchall()

    def save(self, *inserts: tuple[str, list[Any]]) -> None:
        """Run each statement with each of its rows, all in one durable transaction."""
        cursor = self._connection.cursor()
        cursor.execute("BEGIN")
        for statement, rows in inserts:
            cursor.executemany(self._marked(statement), rows)
        cursor.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()

    def _marked(self, statement: str) -> str:
        return statement.replace("?", "%s") if self.kind == "postgresql" else statement


class PlainLedger:
    """Tables with a ledger's columns and keys and nothing else, in its own database."""

    def __init__(self, url: str) -> None:
        self._plain = Plain(url)
        self._plain.create(
            "plain_events",
            "notification_id int PRIMARY KEY, originator_id text NOT NULL, originator_version int NOT NULL, "
            "topic text NOT NULL, recorded_at int NOT NULL, state blob NOT NULL, "
            "UNIQUE (originator_id, originator_version)",
        )
        self._plain.create("plain_receipts", "id text PRIMARY KEY, digest text, door text, first int, events int")

    def save(self, rows: list[Row], receipts: list[tuple[Any, ...]]) -> None:
        self._plain.save(
            ("INSERT INTO plain_events VALUES (?, ?, ?, ?, ?, ?)", rows),
            ("INSERT INTO plain_receipts VALUES (?, ?, ?, ?, ?)", receipts),
        )

    def close(self) -> None:
        self._plain.close()


def last_rows(ledger: Ledger, count: int) -> list[Row]:
    head, _ = ledger.reads.head()
    return ledger.reads.rows(head - count, count)
