"""The role that `roles.sql` makes can do all the daily work, and can neither change nor unguard what is recorded."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from commands.handle import Handler
from commands.models import parse
from ledger import store
from ledger.errors import Misconfigured
from ledger.store import open_ledger, parse_address
from projections.projector import Projector
from projections.rebuild import rebuild
from projections.replay import replayed, stored
from projections.tables import make_tables, metadata, open_engine
from tests.stores.envelopes import everything, mark, opening, receipt
from tests.stores.story import journal
from tests.support.schools import new_keys, open_school

ROLES = (Path(store.__file__).parent / "roles.sql").read_text()
REFUSED = [
    "UPDATE stored_events SET topic = 'x'",
    "DELETE FROM stored_events",
    "TRUNCATE stored_events",
    "INSERT INTO stored_events SELECT * FROM stored_events ON CONFLICT (notification_id) DO UPDATE SET topic = 'x'",
    "UPDATE receipts SET digest = 'x'",
    "DELETE FROM receipts",
    "TRUNCATE receipts",
    "DROP TABLE stored_events",
    "DROP SCHEMA {schema} CASCADE",
    "ALTER TABLE stored_events DISABLE TRIGGER stored_events_no_change",
    "ALTER TABLE stored_events ADD COLUMN note text",
    "DROP TRIGGER stored_events_no_change ON stored_events",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "CREATE TABLE another (id int)",
    "SET session_replication_role = replica",
]


def grant(owner: psycopg.Connection, schema: str) -> None:
    """Run roles.sql as psql does, which replaces its one variable."""
    owner.execute(ROLES.replace(':"schema"', f'"{schema}"'))


@pytest.fixture
def writer_url(postgres_url: str) -> Iterator[str]:
    """The address of a new ledger, as an account that may only write."""
    school = open_school(postgres_url)
    make_tables(school.answers.engine)
    address, account, password = school.ledger.address, f"w_{secrets.token_hex(6)}", secrets.token_hex(16)
    school.close()
    with psycopg.connect(address.conninfo, autocommit=True) as owner:
        grant(owner, str(address.schema))
        grant(owner, str(address.schema))  # a second time, as after an upgrade
        owner.execute(f"CREATE ROLE {account} LOGIN PASSWORD '{password}' IN ROLE attendance_writer")
        parts = urlsplit(postgres_url)
        yield parts._replace(netloc=f"{account}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()
        owner.execute(f"DROP ROLE {account}; DROP OWNED BY attendance_writer")
        with suppress(psycopg.errors.DependentObjectsStillExist):
            owner.execute("DROP ROLE attendance_writer")  # on somebody's own server it may be in use elsewhere


def test_the_writer_records_and_projects_and_the_owner_rebuilds(writer_url: str, postgres_url: str) -> None:
    with open_ledger(writer_url) as ledger:
        assert "postgres@" not in ledger.address.shown
        handler = Handler(ledger, new_keys(), simulated=True)
        for line in journal():
            handler.handle(parse(line))
        assert handler.handle(parse(journal()[0])).repeated
        engine = open_engine(ledger)
        head, _ = ledger.reads.head()
        assert Projector(ledger, engine, batch=5).catch_up() == head > 20
        before = set(stored(engine))
        with pytest.raises(Misconfigured, match="makes tables, which this account may not: rebuild as the owner"):
            rebuild(ledger, engine)
        with open_ledger(postgres_url) as owned:
            owners = open_engine(owned)
            assert rebuild(owned, owners).position == head
            owners.dispose()
        assert before == set(stored(engine)) == replayed(ledger, head) != set()
        # The writer's rights are those on the tables that now serve.
        ledger.append([mark("9001/2024/2024-09-03/AM")])
        assert Projector(ledger, engine).catch_up() == head + 1 == max(row.from_position for row in stored(engine))
        engine.dispose()


def test_every_table_of_the_read_model_is_granted() -> None:
    assert [table for table in metadata.tables if f':"schema".{table}' not in ROLES] == []


def test_the_writer_can_change_nothing_recorded(writer_url: str) -> None:
    with open_ledger(writer_url) as ledger:
        ledger.append([opening(), mark()], receipt=receipt("c1"))
        before = everything(ledger)
        path = f"-csearch_path={ledger.address.schema}"
        with psycopg.connect(ledger.address.conninfo, options=path, autocommit=True) as connection:
            assert connection.execute("SELECT count(*) FROM stored_events").fetchone() == (2,)
            for statement in REFUSED:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.replace("{schema}", str(ledger.address.schema)))
        assert everything(ledger) == before


def test_who_is_no_writer_reads_nothing(writer_url: str, postgres_url: str) -> None:
    """The account's rights come from the role: without it, not even the ledger can be opened."""
    account = urlsplit(writer_url).username
    with psycopg.connect(parse_address(postgres_url).conninfo, autocommit=True) as owner:
        owner.execute(f"REVOKE attendance_writer FROM {account}")
    with pytest.raises(Misconfigured, match="permission denied"):
        open_ledger(writer_url)
