"""The roles that `roles.sql` makes: one records, one reads, of one school alone, and nobody but the owner does more."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from msgspec import structs

from commands.handle import Handler
from commands.models import parse
from ledger import store
from ledger.errors import LedgerError, Misconfigured
from ledger.store import Envelope, open_ledger, parse_address
from ledger.store.failures import NOT_AN_EVENT
from ledger.store.formats import FORMAT
from ledger.store.rows import Busy
from projections.readmodel.projector import Projector
from projections.readmodel.rebuild import rebuild
from projections.readmodel.replay import replayed, stored
from projections.readmodel.tables import make_tables, metadata, open_engine
from tests.stores.conftest import a_schema
from tests.stores.envelopes import everything, mark, opening, receipt
from tests.stores.story import journal
from tests.support.schools import new_keys, open_school

ROLES = Path(store.__file__).parent / "roles.sql"
REFUSED = [
    "UPDATE stored_events SET topic = 'x'",
    "DELETE FROM stored_events",
    "TRUNCATE stored_events",
    "INSERT INTO stored_events VALUES (3, 'a/roll', 1, 'roll.X', '{}', 0)",
    "INSERT INTO receipts VALUES ('forged', '', 'cli', 0, 0, NULL)",
    "INSERT INTO ledger_format VALUES (true, 9, '9')",
    "DO $$ BEGIN LOCK TABLE ledger_format IN EXCLUSIVE MODE; END $$",
    "DO $$ BEGIN LOCK TABLE ledger_format IN SHARE MODE; END $$",
    "DO $$ BEGIN LOCK TABLE stored_events IN SHARE MODE; END $$",
    "SELECT FROM ledger_format FOR UPDATE",
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


def psql(url: str, *options: str, **given: Any) -> subprocess.CompletedProcess[str]:
    """Run psql as a person does, without a flag that anybody could forget."""
    if not (
        program := shutil.which("psql") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))), None)
    ):
        pytest.skip("no psql on this machine")
    return subprocess.run([program, "-X", url, *options], capture_output=True, text=True, **given)


def grant(url: str, schema: str) -> None:
    done = psql(url, f"--set=schema={schema}", f"--file={ROLES}")
    assert done.returncode == 0, done.stderr


class Accounts:
    """Accounts of a server, removed at the end together with the roles of the schemas that they belong to."""

    def __init__(self, owner: psycopg.Connection) -> None:
        self._owner = owner
        self._made: list[str] = []
        self._schemas: set[str] = set()

    def of(self, url: str, *roles: str) -> str:
        """Return the address of a ledger as a new account that is a member of these roles of its schema."""
        schema = str(parse_address(url).schema)
        self._schemas.add(schema)
        account, password = f"w_{secrets.token_hex(6)}", secrets.token_hex(16)
        memberships = ", ".join(f"attendance_{role}_{schema}" for role in roles)
        self._owner.execute(f"CREATE ROLE {account} LOGIN PASSWORD '{password}'")
        if roles:
            self._owner.execute(f"GRANT {memberships} TO {account}")
        self._made.append(account)
        parts = urlsplit(url)
        return parts._replace(netloc=f"{account}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()

    def close(self) -> None:
        for account in self._made:
            self._owner.execute(f"DROP OWNED BY {account}; DROP ROLE {account}")
        for schema in self._schemas:
            for role in (f"attendance_writer_{schema}", f"attendance_reader_{schema}"):
                self._owner.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.fixture
def accounts(database_url: str) -> Iterator[Accounts]:
    with psycopg.connect(database_url, autocommit=True) as owner:
        made = Accounts(owner)
        yield made
        made.close()


@pytest.fixture
def school_url(postgres_url: str, database_url: str) -> str:
    """The address of a new ledger and its read model, its roles made."""
    school = open_school(postgres_url)
    make_tables(school.answers.engine)
    school.close()
    for _ in range(2):  # a second time, as after an upgrade
        grant(database_url, str(parse_address(postgres_url).schema))
    return postgres_url


@pytest.fixture
def writer_url(school_url: str, accounts: Accounts) -> str:
    """The address of that ledger, as an account that may only record."""
    return accounts.of(school_url, "writer")


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
        ledger.append([mark("9001/2024/2024-09-03/AM")], at=ledger.reads.head()[1])
        assert Projector(ledger, engine).catch_up() == head + 1 == max(row.from_position for row in stored(engine))
        engine.dispose()


def test_every_table_of_the_read_model_is_granted() -> None:
    (named,) = re.findall(r"read_model text\[\] := '{(.*)}'", ROLES.read_text())
    assert set(metadata.tables) == set(named.split(","))


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


def test_who_is_no_member_reads_nothing(school_url: str, accounts: Accounts) -> None:
    with pytest.raises(Misconfigured, match="permission denied"):
        open_ledger(accounts.of(school_url))


def test_the_reader_reads_and_records_nothing(school_url: str, accounts: Accounts) -> None:
    with open_ledger(accounts.of(school_url, "reader")) as ledger:
        before = everything(ledger)
        ledger.reads.settle()
        assert ledger.reads.faults() == []
        with pytest.raises(Misconfigured, match="this account may not do that: permission denied for function append"):
            ledger.append([mark("9001/2024/2024-09-03/AM")])
        assert everything(ledger) == before


def test_no_account_of_one_school_reads_or_writes_another(
    school_url: str, database_url: str, accounts: Accounts
) -> None:
    with a_schema(database_url) as neighbour:
        school = open_school(neighbour)
        make_tables(school.answers.engine)
        school.close()
        grant(database_url, str(parse_address(neighbour).schema))
        for role in ("writer", "reader"):
            here = accounts.of(school_url, role)
            there = f"{here.partition('schema=')[0]}schema={parse_address(neighbour).schema}"
            open_ledger(here).close()
            with pytest.raises(Misconfigured, match="permission denied"):
                open_ledger(there)
            with psycopg.connect(parse_address(here).conninfo, autocommit=True) as account:
                schema = parse_address(neighbour).schema
                for statement in (
                    f"SELECT FROM {schema}.stored_events",
                    f"SELECT FROM {schema}.entries",
                    f"SELECT {schema}.receipt_after_saves('x')",
                    f"DELETE FROM {schema}.entries",
                ):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        account.execute(statement)
        accounts.of(neighbour, "writer")  # so that its roles are removed as well


@pytest.mark.parametrize("isolated", [True, False])
def test_no_account_without_rights_holds_up_a_save(
    school_url: str, database_url: str, accounts: Accounts, isolated: bool
) -> None:
    """Advisory locks are open to everybody; the control takes the lock of today as only its owner can."""
    ledger = open_ledger(accounts.of(school_url, "writer"))
    schema = ledger.address.schema
    stranger = accounts.of(school_url) if isolated else school_url
    with psycopg.connect(parse_address(stranger).conninfo) as holding:
        if isolated:
            key = int.from_bytes(sha256(f"attendance ledger {schema}".encode()).digest()[:8], "big", signed=True)
            holding.execute(
                "SELECT pg_advisory_xact_lock(%s), pg_advisory_xact_lock(hashtext(%s))", (key, f"attendance {schema}")
            )
            assert ledger.append([mark("9001/2024/2024-09-03/AM")])
        else:
            holding.execute(f"LOCK TABLE {schema}.ledger_format IN EXCLUSIVE MODE")
            with pytest.raises(Busy, match="nothing was done, somebody else held on to it for 5 seconds"):
                ledger.append([mark("9001/2024/2024-09-03/AM")])
            with pytest.raises(Busy):
                ledger.reads.receipt("c1")
    ledger.close()


SHAPES = {
    "a topic that is none": ("1042/2024/2024-09-03/AM", 1, "x", b"{}"),
    "an entry that is of no session": ("1042/roll", 1, "entry.MarkRecorded", b"{}"),
    "no event": ("school", 1, "school.StaffNamed", b"text"),
    "a version that follows nothing": ("1042/2024/2024-09-03/AM", 7, "entry.MarkAmended", b"{}"),
    "a version below one": ("school", 0, "school.StaffNamed", b"{}"),
    "no stream": ("", 1, "school.StaffNamed", b"{}"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_function_takes_only_what_a_recorder_makes(writer_url: str, shape: str) -> None:
    stream, version, topic, state = SHAPES[shape]
    with open_ledger(writer_url) as ledger, psycopg.connect(ledger.address.conninfo, autocommit=True) as account:
        before = everything(ledger)
        given = f"{FORMAT}, NULL, 0, NULL, %s, %s, %s, %s, 'c', '', '', NULL"
        call = f"SELECT {ledger.address.schema}.append_events({given})"
        with pytest.raises(psycopg.DatabaseError) as refused:
            account.execute(call, ([stream], [version], [topic], [state]))
        assert refused.value.sqlstate == NOT_AN_EVENT
        assert everything(ledger) == before


def test_nobody_chooses_the_time_where_the_clock_is_the_systems(postgres_url: str) -> None:
    with open_ledger(postgres_url, create=True) as ledger:
        opened = opening().event
        ledger.append([Envelope("school", 1, structs.replace(opened, simulated=False))])
        with pytest.raises(LedgerError, match="the clock of this ledger is the system's"):
            ledger.append([mark()], at=ledger.reads.head()[1] + 1)
        assert ledger.reads.head()[0] == 1


# --- the file itself ------------------------------------------------------------------------------------------------


def test_roles_are_made_whole_or_not_at_all(postgres_url: str, database_url: str) -> None:
    """Also by a psql that was not told to stop at an error."""
    schema = parse_address(postgres_url).schema
    with psycopg.connect(database_url, autocommit=True) as owner:
        roles = f"SELECT count(*) FROM pg_roles WHERE rolname LIKE '%{schema}'"
        for because in ("holds neither a ledger nor keys", "table entries is not there yet: 'attendance project'"):
            done = psql(database_url, f"--set=schema={schema}", f"--file={ROLES}")
            assert done.returncode == 3 and because in done.stderr
            assert owner.execute(roles).fetchone() == (0,)
            open_ledger(postgres_url, create=True).close()
        done = psql(database_url, f"--file={ROLES}")
        assert done.returncode == 3 and "say which school" in done.stderr


def test_a_long_name_of_a_schema_still_has_roles_of_its_own(database_url: str) -> None:
    long = "s" * 60
    with psycopg.connect(database_url, autocommit=True) as owner:
        try:
            for schema in (long, f"{long[:-1]}t"):
                school = open_school(f"{database_url}&schema={schema}")
                make_tables(school.answers.engine)
                school.close()
                grant(database_url, schema)
            found = owner.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'attendance%ssss%'").fetchall()
            assert len(found) == 4 and all(len(name) <= 63 for (name,) in found)
            for (name,) in found:
                owner.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
        finally:
            owner.execute(f"DROP SCHEMA IF EXISTS {long} CASCADE; DROP SCHEMA IF EXISTS {long[:-1]}t CASCADE")
