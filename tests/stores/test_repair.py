"""What of a database is gone, altered or foreign is named, and `repair` puts back what is this program's."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from ledger.errors import Misconfigured, Refused
from ledger.store import Ledger, open_ledger
from ledger.store.formats import FORMAT
from projections.readmodel.tables import make_tables, open_engine
from tests.stores.envelopes import everything, mark, opening, receipt

SQLITE, POSTGRES = "sqlite", "postgresql"
# What is done, on which kind of store, what is then named, and whether opening refuses it.
GONE = [
    (SQLITE, "DROP TRIGGER receipts_once", "own trigger receipts_once is gone"),
    (SQLITE, "DROP INDEX stored_events_reference", "own index stored_events_reference is gone"),
    (
        SQLITE,
        "DROP TRIGGER receipts_once\nCREATE TRIGGER receipts_once BEFORE INSERT ON receipts BEGIN SELECT 1; END",
        "own trigger receipts_once is not as this program makes it",
    ),
    (SQLITE, "ALTER TABLE receipts DROP COLUMN mac", "own table receipts is not as this program makes it"),
    (POSTGRES, "DROP TRIGGER events_in_order ON stored_events", "own trigger events_in_order of stored_events is gone"),
    (
        POSTGRES,
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "own function refuse_change() is not as this program makes it",
    ),
    (
        POSTGRES,
        "ALTER TABLE stored_events DROP CONSTRAINT stored_events_originator_id_originator_version_key",
        "own key stored_events_originator_id_originator_version_key of stored_events is gone",
    ),
    (
        POSTGRES,
        "ALTER TABLE stored_events DROP CONSTRAINT stored_events_pkey",
        "stored_events_pkey of stored_events is gone",
    ),
    (POSTGRES, "ALTER TABLE receipts DROP CONSTRAINT receipts_pkey", "own key receipts_pkey of receipts is gone"),
    (
        POSTGRES,
        "ALTER TABLE stored_events DROP CONSTRAINT stored_events_check\nALTER TABLE stored_events ADD CONSTRAINT "
        "stored_events_check CHECK (notification_id > -9)",
        "own key stored_events_check of stored_events is not as this program makes it",
    ),
    (POSTGRES, "DROP INDEX stored_events_reference", "own index stored_events_reference of stored_events is gone"),
    (
        POSTGRES,
        "DROP FUNCTION receipt_after_saves(text)",
        "own function receipt_after_saves(text) is gone",
    ),
]
FOREIGN = [
    (SQLITE, "CREATE TRIGGER theirs AFTER INSERT ON entries BEGIN SELECT 1; END", "trigger named theirs"),
    (SQLITE, "CREATE INDEX theirs ON stored_events (topic)", "index named theirs"),
    (POSTGRES, "CREATE RULE theirs AS ON UPDATE TO receipts DO INSTEAD NOTHING", "rule theirs of receipts"),
    (POSTGRES, "CREATE INDEX theirs ON stored_events (topic)", "index theirs of stored_events"),
    (POSTGRES, "CREATE VIEW theirs AS SELECT 1", "view theirs"),
    (POSTGRES, "CREATE FUNCTION theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'", "function theirs()"),
    (POSTGRES, "CREATE TABLE theirs () INHERITS (stored_events)", "inheriting table"),
    (POSTGRES, "GRANT INSERT ON stored_events TO PUBLIC", "anybody may INSERT stored_events"),
    (
        POSTGRES,
        "CREATE TRIGGER theirs AFTER INSERT ON entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        "trigger theirs of entries",
    ),
]


@pytest.fixture
def grown(lasting_url: str) -> Iterator[Ledger]:
    with open_ledger(lasting_url, create=True) as ledger:
        ledger.append([opening(), mark()], receipt=receipt("c1"))
        engine = open_engine(ledger)
        make_tables(engine)
        engine.dispose()
        yield ledger


def spoil(ledger: Ledger, *statements: str) -> None:
    """Do what the owner of a database can do."""
    engine = open_engine(ledger)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def of_kind(ledger: Ledger, kind: str) -> None:
    if ledger.address.kind != kind:
        pytest.skip(f"for {kind}")


@pytest.mark.parametrize(("kind", "statements", "named"), GONE)
def test_what_is_gone_is_refused_named_and_put_back(grown: Ledger, kind: str, statements: str, named: str) -> None:
    of_kind(grown, kind)
    assert grown.reads.faults() == [] and grown.reads.repair() == []
    before = everything(grown)
    spoil(grown, *statements.splitlines())
    assert any(named in sentence for sentence in grown.reads.faults())
    with pytest.raises(Misconfigured, match="then run 'attendance repair'"):
        grown.reads.check()
    assert grown.reads.repair() != []
    assert grown.reads.faults() == [] and grown.reads.repair() == []
    grown.reads.check()
    assert everything(grown) == before


@pytest.mark.parametrize(("kind", "statement", "named"), FOREIGN)
def test_what_is_foreign_is_named(grown: Ledger, kind: str, statement: str, named: str) -> None:
    of_kind(grown, kind)
    spoil(grown, statement)
    found = grown.reads.faults()
    assert len(found) == 1 and named in found[0]
    grown.reads.check()


def test_rows_that_contradict_a_key_are_said_and_nothing_is_done(grown: Ledger) -> None:
    of_kind(grown, POSTGRES)
    spoil(grown, "ALTER TABLE stored_events DROP CONSTRAINT stored_events_originator_id_originator_version_key")
    spoil(grown, "DROP TRIGGER events_in_order ON stored_events")
    spoil(
        grown,
        "INSERT INTO stored_events SELECT 3, originator_id, originator_version, topic, state, recorded_at "
        "FROM stored_events WHERE notification_id = 2",
    )
    with pytest.raises(Misconfigured, match="the rows contradict the key .* so nothing was done"):
        grown.reads.repair()
    assert any("events_in_order of stored_events is gone" in sentence for sentence in grown.reads.faults())


# --- formats --------------------------------------------------------------------------------------------------------


def as_first_release(ledger: Ledger) -> None:
    """Leave the database as the first release made it: no codes, no format, and on PostgreSQL no function."""
    statements = ["ALTER TABLE receipts DROP COLUMN mac", "DROP TABLE ledger_format"]
    if ledger.address.kind == SQLITE:
        statements.append("PRAGMA user_version = 0")
    else:
        arguments = "integer, bigint, bigint, bigint, text[], bigint[], text[], bytea[], text, text, text, bytea"
        statements += [f"DROP FUNCTION append_events({arguments})", "DROP FUNCTION receipt_after_saves(text)"]
    spoil(ledger, *statements)


def test_an_older_ledger_is_answered_and_recorded_in_once_it_is_repaired(grown: Ledger, lasting_url: str) -> None:
    before = everything(grown)
    as_first_release(grown)
    with open_ledger(lasting_url) as older:
        assert everything(older) == before
        assert f"today's is {FORMAT}" in older.standing.note
        with pytest.raises(Misconfigured, match="nothing is recorded until its owner has run 'attendance repair'"):
            older.append([mark("9/2024/2024-09-03/AM")], at=before[-1].recorded_at)
        done = older.reads.repair()
        assert done[-1] == f"brought the ledger from format 1 to format {FORMAT}"
        older.checked_again()
        assert older.append([mark("9/2024/2024-09-03/AM")], at=before[-1].recorded_at) == [3]
        assert older.reads.faults() == []


@pytest.mark.parametrize("newer", [f"format = {FORMAT + 1}", "least_release = '99.0'"])
def test_a_newer_ledger_is_answered_and_nothing_is_recorded_or_repaired(
    grown: Ledger, lasting_url: str, newer: str
) -> None:
    before = everything(grown)
    spoil(grown, f"UPDATE ledger_format SET {newer}")
    with open_ledger(lasting_url) as later:
        assert everything(later) == before and "it answers what it can read" in later.standing.note
        with pytest.raises(Refused, match="newer_ledger"):
            later.append([mark("9/2024/2024-09-03/AM")], at=before[-1].recorded_at)
        with pytest.raises(Refused, match="newer_ledger"):
            later.reads.repair()
    assert everything(grown) == before


def test_a_process_that_was_running_while_the_ledger_was_upgraded_records_nothing_more(grown: Ledger) -> None:
    before = everything(grown)
    spoil(grown, f"UPDATE ledger_format SET format = {FORMAT + 1}")
    if grown.address.kind == SQLITE:
        spoil(grown, f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(Refused, match="newer_ledger"):
        grown.append([mark("9/2024/2024-09-03/AM")], at=before[-1].recorded_at)
    assert everything(grown) == before


@pytest.mark.parametrize("schema", ["school", "entry", "register", "user"])
def test_a_schema_may_be_called_as_a_kind_of_event_or_a_word_of_sql(database_url: str, schema: str) -> None:
    url = f"{database_url}&schema={schema}"
    try:
        with open_ledger(url, create=True) as ledger:
            assert ledger.reads.faults() == []
            assert ledger.append([opening(), mark()]) == [1, 2]
    finally:
        with psycopg.connect(database_url, autocommit=True) as owner:
            owner.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
