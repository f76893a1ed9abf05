"""What is recorded can only be added to: the database itself refuses everything else, also to its owner.

Each statement is tried twice: as things are, when it must be refused, and in a transaction that takes the triggers away
first, when it must change something. So it is the triggers that refuse, and no mistake in the statement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.store import Ledger, open_ledger
from ledger.store.sqlite_schema import TRIGGERS
from tests.stores.conftest import EVERY_POSTGRES, a_schema
from tests.stores.envelopes import mark, opening, receipt

COLUMNS = "(notification_id, originator_id, originator_version, topic, state, recorded_at)"
AGAIN = f"stored_events {COLUMNS} VALUES (1, 'school', 1, 'x', 'y', 0)"
SAME_VERSION = f"stored_events {COLUMNS} VALUES (3, 'school', 1, 'x', 'y', 0)"
RECEIPT = "receipts (id, digest, door, first_position, events) VALUES ('c1', 'x', 'x', 9, 9)"


def as_bytes(statement: str) -> str:
    """Return a statement as SQLite takes it, which makes no bytes of text by itself."""
    return statement.replace("'y'", "x'79'")


EVERYWHERE = {
    "update": "UPDATE stored_events SET topic = 'x'",
    "update one": "UPDATE stored_events SET recorded_at = 0 WHERE notification_id = 2",
    "renumber": "UPDATE stored_events SET notification_id = notification_id + 10",
    "delete": "DELETE FROM stored_events WHERE notification_id = 2",
    "delete all": "DELETE FROM stored_events",
    "upsert position": f"INSERT INTO {AGAIN} ON CONFLICT (notification_id) DO UPDATE SET topic = 'x'",
    "upsert version": (
        f"INSERT INTO {SAME_VERSION} ON CONFLICT (originator_id, originator_version) DO UPDATE SET topic = 'x'"
    ),
    "update receipt": "UPDATE receipts SET digest = 'x'",
    "delete receipt": "DELETE FROM receipts",
    "upsert receipt": f"INSERT INTO {RECEIPT} ON CONFLICT (id) DO UPDATE SET digest = 'x'",
}
ON_SQLITE = {name: as_bytes(statement) for name, statement in EVERYWHERE.items()} | {
    "replace position": f"INSERT OR REPLACE INTO {as_bytes(AGAIN)}",
    "replace version": f"REPLACE INTO {as_bytes(SAME_VERSION)}",
    "replace receipt": f"INSERT OR REPLACE INTO {RECEIPT}",
    "update or ignore": "UPDATE OR IGNORE stored_events SET topic = 'x'",
    "leave a gap": f"INSERT INTO stored_events {COLUMNS} VALUES (99, 'a/roll', 1, 'x', x'79', 0)",
}
ON_POSTGRES = EVERYWHERE | {
    "truncate": "TRUNCATE stored_events",
    "truncate receipts": "TRUNCATE receipts CASCADE",
    "merge": (
        "MERGE INTO stored_events e USING (SELECT 1 AS n) AS given ON e.notification_id = given.n "
        "WHEN MATCHED THEN UPDATE SET topic = 'x'"
    ),
    "as a replica": "SET LOCAL session_replication_role = replica; UPDATE stored_events SET topic = 'x'",
}


def filled(url: str) -> Ledger:
    ledger = open_ledger(url, create=True)
    ledger.append([opening(), mark()], receipt=receipt("c1"))
    return ledger


def contents(connection: Any) -> list[list[Any]]:
    tables = (("stored_events", "notification_id"), ("receipts", "id"))
    return [connection.execute(f"SELECT * FROM {table} ORDER BY {key}").fetchall() for table, key in tables]


def changes(connection: Any, *statements: str) -> bool:
    """Whether these statements change anything; they are undone. Raises what the database says."""
    before = contents(connection)
    connection.execute("BEGIN")
    try:
        for statement in statements:
            connection.execute(statement)
        return contents(connection) != before
    finally:
        connection.execute("ROLLBACK")
        assert contents(connection) == before


@pytest.fixture(scope="module")
def raw_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A connection as any program could make it that opens the file."""
    path: Path = tmp_path_factory.mktemp("append-only") / "school.db"
    filled(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


@pytest.fixture(scope="module", params=EVERY_POSTGRES)
def raw_postgres(
    request: pytest.FixtureRequest, database: Callable[[str], str]
) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection of the owner of the tables."""
    with a_schema(database(request.param)) as url, filled(url) as ledger:
        path = f"-csearch_path={ledger.address.schema}"
        with psycopg.connect(ledger.address.conninfo, options=path, autocommit=True) as connection:
            yield connection


@pytest.mark.parametrize("name", ON_SQLITE)
def test_sqlite_refuses_to_change_what_is_recorded(raw_sqlite: sqlite3.Connection, name: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=r"append-only|at its end|written once"):
        changes(raw_sqlite, ON_SQLITE[name])


@pytest.mark.parametrize("name", ON_SQLITE)
def test_sqlite_would_change_it_without_the_triggers(raw_sqlite: sqlite3.Connection, name: str) -> None:
    assert changes(raw_sqlite, *(f"DROP TRIGGER {trigger.name}" for trigger in TRIGGERS), ON_SQLITE[name])


@pytest.mark.parametrize("name", ON_POSTGRES)
def test_postgresql_refuses_to_change_what_is_recorded(
    raw_postgres: psycopg.Connection[tuple[Any, ...]], name: str
) -> None:
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
        changes(raw_postgres, ON_POSTGRES[name])


@pytest.mark.parametrize("name", ON_POSTGRES)
def test_postgresql_would_change_it_without_the_triggers(
    raw_postgres: psycopg.Connection[tuple[Any, ...]], name: str
) -> None:
    disarm = [f"ALTER TABLE {table} DISABLE TRIGGER {table}_no_change" for table in ("stored_events", "receipts")]
    assert changes(raw_postgres, *disarm, ON_POSTGRES[name])


def test_adding_at_the_end_is_no_change(raw_sqlite: sqlite3.Connection, raw_postgres: Any) -> None:
    added = f"INSERT INTO stored_events {COLUMNS} SELECT 3, 'a/roll', 1, 'x', state, recorded_at FROM stored_events"
    for connection in (raw_sqlite, raw_postgres):
        assert changes(connection, f"{added} WHERE notification_id = 2")


# What is no addition at the end, or is none that a recorder makes: position, version and recorded time, beside row 2.
NO_ADDITIONS = {
    "at nought": (0, 1, 0),
    "below nought": (-5, 1, 0),
    "before everything": (-(2**62), 1, -1),
    "with a version of nought": (3, 0, 0),
}
ONLY_POSTGRES = {"with a gap": (4, 1, 0), "recorded earlier": (3, 1, -1)}


def adding(position: int, version: int, later: int) -> str:
    return (
        f"INSERT INTO stored_events {COLUMNS} SELECT {position}, 'a/roll', {version}, 'x', state, "
        f"recorded_at + {later} FROM stored_events WHERE notification_id = 2"
    )


@pytest.mark.parametrize("name", NO_ADDITIONS)
def test_sqlite_adds_nothing_elsewhere_even_without_the_triggers(raw_sqlite: sqlite3.Connection, name: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        changes(raw_sqlite, *(f"DROP TRIGGER {trigger.name}" for trigger in TRIGGERS), adding(*NO_ADDITIONS[name]))


@pytest.mark.parametrize("name", NO_ADDITIONS)
def test_postgresql_adds_nothing_elsewhere(raw_postgres: Any, name: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        changes(raw_postgres, adding(*NO_ADDITIONS[name]))


@pytest.mark.parametrize("name", ONLY_POSTGRES)
def test_postgresql_adds_nothing_out_of_order(raw_postgres: Any, name: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="at its end"):
        changes(raw_postgres, adding(*ONLY_POSTGRES[name]))
    assert changes(raw_postgres, "DROP TRIGGER events_in_order ON stored_events", adding(*ONLY_POSTGRES[name]))


KINDS = {
    "state": "'text'",
    "recorded_at": "1234567890.5",
    "recorded_at ": "'soon'",
    "originator_id": "x'61'",
    "topic": "x'61'",
    "originator_version": "1.5",
}


@pytest.mark.parametrize("field", KINDS)
def test_sqlite_takes_no_value_of_another_kind(raw_sqlite: sqlite3.Connection, field: str) -> None:
    statement = f"UPDATE stored_events SET {field} = {KINDS[field]} WHERE notification_id = 2"
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        changes(raw_sqlite, "DROP TRIGGER stored_events_no_update", statement)
