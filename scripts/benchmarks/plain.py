"""The database of a ledger by its driver alone, for floors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import psycopg

from ledger.store import Ledger, Row, parse_address


class Plain:
    """A connection to the database of a ledger; statements are written with `?`."""

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
        """Make a table; `columns` are written with int, text and blob, as SQLite wants them."""
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

    def run(self, statement: str) -> None:
        self._connection.execute(statement)

    def each(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a statement as they come."""
        yield from self._connection.execute(statement)

    def copy(self, source: str, target: str, text: memoryview) -> None:
        """Copy every row of one table out, and this CSV into another."""
        cursor = self._connection.cursor()
        with cursor.copy(f"COPY {source} TO STDOUT (FORMAT binary)") as out:
            for _ in out:
                pass
        with cursor.copy(f"COPY {target} FROM STDIN (FORMAT csv)") as into:
            into.write(text)

    def drop(self, table: str) -> None:
        self._connection.execute(f"DROP TABLE {table}")

    def close(self) -> None:
        self._connection.close()

    def _marked(self, statement: str) -> str:
        return statement.replace("?", "%s") if self.kind == "postgresql" else statement


class PlainLedger:
    """Tables with a ledger's columns and keys and nothing else, beside the ledger in its database."""

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
    """Return the last rows of a ledger, for the floor to write again."""
    head, _ = ledger.reads.head()
    return ledger.reads.rows(head - count, count)
