"""The key store: keys are there before what they seal, the same for everybody, and gone when they are destroyed."""

from __future__ import annotations

import json
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa

from commands.handle import Handler
from commands.models import parse
from ledger.errors import Misconfigured
from ledger.events import MarkAmended, PupilAdmitted
from ledger.keys import KeyStore, key_engine, open_key_store
from ledger.store import Ledger, open_ledger, parse_address
from ledger.streams import Owner, owner_of
from tests.stores.conftest import POSTGRES, a_schema
from tests.stores.envelopes import everything
from tests.stores.story import journal
from tests.support.schools import told

ROOT = Path(__file__).parents[2]
OWNERS = [Owner("1042", 0), Owner("1042", 2024), Owner("1042", 2025), Owner("1043", 2024), Owner("school", 2024)]
NewEngine = Callable[[], sa.Engine]


@pytest.fixture(params=["sqlite", *POSTGRES])
def engine_url(request: pytest.FixtureRequest, database: Callable[[str], str], tmp_path: Path) -> Iterator[str]:
    """The address of an empty database for keys, as SQLAlchemy takes it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/keys.db"
        return
    with a_schema(database(request.param)) as url:
        address = parse_address(url)
        engine = sa.create_engine(address.sqlalchemy)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {address.schema}")
        engine.dispose()
        separator = "&" if "?" in address.sqlalchemy else "?"
        yield f"{address.sqlalchemy}{separator}options=-csearch_path%3D{address.schema}"


def opened(url: str, *, create: bool = False) -> KeyStore:
    return open_key_store(sa.create_engine(url), "the keys", create=create)


def held(url: str) -> dict[Owner, bytes]:
    """Return what is committed, read by a connection that has nothing to do with the store."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT owner, year, key FROM pupil_year_keys").all()
    engine.dispose()
    return {Owner(name, year): bytes(key) for name, year, key in found}


# --- keys -----------------------------------------------------------------------------------------------------------


def test_keys_are_durable_when_ensure_returns_and_stay_the_same(engine_url: str) -> None:
    keys = opened(engine_url, create=True)
    assert keys.get(OWNERS[0]) is None
    keys.ensure(OWNERS)
    made = held(engine_url)
    assert set(made) == set(OWNERS)
    assert {len(key) for key in made.values()} == {32} and len(set(made.values())) == len(OWNERS)
    keys.ensure(OWNERS)
    later = opened(engine_url)
    later.ensure([*OWNERS, Owner("1044", 2024)])
    assert {owner: later.get(owner) for owner in OWNERS} == {owner: keys.get(owner) for owner in OWNERS} == made
    keys.close()
    later.close()


def test_two_processes_that_ensure_the_same_keys_get_the_same(engine_url: str) -> None:
    opened(engine_url, create=True).close()
    program = (
        "import sys, json, sqlalchemy as sa\n"
        "from ledger.keys import open_key_store\n"
        "from ledger.streams import Owner\n"
        "keys = open_key_store(sa.create_engine(sys.argv[1]), 'keys', create=False)\n"
        "owners = [Owner(str(number), 2024) for number in range(40)]\n"
        "print(flush=True)\n"
        "sys.stdin.readline()\n"
        "for owner in owners: keys.ensure([owner])\n"
        "print(json.dumps([keys.get(owner).hex() for owner in owners]))\n"
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", program, engine_url], cwd=ROOT, **pipes) for _ in range(2)]
    for process in both:
        process.stdout.readline()  # it has opened the store, and waits
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    one, other = (json.loads(process.communicate(timeout=60)[0]) for process in both)
    assert one == other
    assert len(set(one)) == 40
    assert sorted(key.hex() for key in held(engine_url).values()) == sorted(one)


def test_a_store_is_made_only_where_it_is_asked_for(engine_url: str) -> None:
    lost = opened(engine_url)
    assert lost.lost
    assert not sa.inspect(sa.create_engine(engine_url)).has_table("pupil_year_keys")
    assert not opened(engine_url, create=True).lost
    assert not opened(engine_url).lost


# --- events and their keys ------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[Ledger]:
    with open_ledger(sqlite_url, create=True) as ledger:
        yield ledger


def replay(ledger: Ledger, keys: KeyStore) -> None:
    handler = Handler(ledger, keys, simulated=True)
    for line in journal():
        handler.handle(parse(line))


def test_a_key_is_durable_before_the_first_event_that_needs_it(
    ledger: Ledger, engine_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, sealed = Ledger.append, 0

    def watched(self: Ledger, envelopes: Any, **rest: Any) -> Any:
        nonlocal sealed
        needed = {owner_of(stream) for stream, _, event in envelopes if event.sealed}
        assert needed <= set(held(engine_url))
        sealed += len(needed)
        return append(self, envelopes, **rest)

    monkeypatch.setattr(Ledger, "append", watched)
    keys = opened(engine_url, create=True)
    replay(ledger, keys)
    assert sealed > 10
    keys.close()


def test_without_a_store_codes_are_read_and_no_text_is_recorded(ledger: Ledger, engine_url: str) -> None:
    keys = opened(engine_url, create=True)
    replay(ledger, keys)
    keys.close()
    lost = open_key_store(None, "sqlite:///gone.db", create=False)
    assert lost.lost and lost.get(OWNERS[0]) is None
    codes = [event.code for *_, event in told(everything(ledger), lost) if hasattr(event, "code")]
    assert codes == [event.code for *_, event in told(everything(ledger), keys) if hasattr(event, "code")] != []
    assert all(not event.name for *_, event in told(everything(ledger), lost) if isinstance(event, PupilAdmitted))

    head = ledger.reads.head()
    admit = next(line for line in journal() if line["command"] == "AdmitPupil")
    with pytest.raises(Misconfigured, match=r"the key store sqlite:///gone.db is missing.*nothing was recorded"):
        Handler(ledger, lost, simulated=True).handle(parse(admit | {"pupil": "1043", "at": None, "id": "new"}))
    assert ledger.reads.head() == head and ledger.reads.receipt("new") is None


def test_where_a_key_is_destroyed_its_text_is_gone_and_everything_else_stays(ledger: Ledger, engine_url: str) -> None:
    keys = opened(engine_url, create=True)
    replay(ledger, keys)
    before = told(everything(ledger), keys)
    keys.close()
    destroy(engine_url, "1042", 2024)
    after = told(everything(ledger), opened(engine_url))
    amended = [event for *_, event in after if isinstance(event, MarkAmended)]
    assert amended and all(event.sealed and not event.reason and event.code for event in amended)
    for then, now in zip(before, after, strict=True):
        assert (then == now) != (bool(now[3].sealed))
        assert bool(now[3].sealed) <= (owner_of(now[1]) == Owner("1042", 2024))


def destroy(engine_url: str, name: str, year: int) -> None:
    """Delete a key through the store's own connection, whose settings say how thoroughly."""
    engine = sa.create_engine(engine_url)
    open_key_store(engine, "the keys", create=False)
    with engine.begin() as connection:
        connection.execute(
            sa.text("DELETE FROM pupil_year_keys WHERE owner = :name AND year = :year"), {"name": name, "year": year}
        )
    engine.dispose()


# --- SQLite: what is left of a key ----------------------------------------------------------------------------------


def remains(folder: Path, key: bytes) -> list[str]:
    """Return the files that still hold these bytes."""
    return [path.name for path in sorted(folder.iterdir()) if key in path.read_bytes()]


def test_a_destroyed_key_is_in_no_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/keys.db"
    keys = opened(url, create=True)
    keys.ensure(OWNERS)
    kept, gone = held(url)[OWNERS[0]], held(url)[OWNERS[1]]
    keys.close()
    assert remains(tmp_path, gone) == ["keys.db"]
    destroy(url, *OWNERS[1])
    assert remains(tmp_path, gone) == []
    assert remains(tmp_path, kept) == ["keys.db"]


def test_without_secure_delete_it_would_still_be_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/keys.db"
    keys = opened(url, create=True)
    keys.ensure(OWNERS)
    gone = held(url)[OWNERS[1]]
    keys.close()
    with sqlite3.connect(tmp_path / "keys.db") as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("DELETE FROM pupil_year_keys WHERE owner = ? AND year = ?", OWNERS[1])
    connection.close()
    assert remains(tmp_path, gone) == ["keys.db"]


def test_every_connection_is_pinned(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/keys.db")
    open_key_store(engine, "keys", create=True)
    wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
    with engine.connect() as one, engine.connect() as other:
        for connection in (one, other):
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
            assert found == wanted
    engine.dispose()


# --- many at once, servers that go away, and rights -----------------------------------------------------------------


def test_ten_threads_get_the_same_keys(engine_url: str) -> None:
    opened(engine_url, create=True).close()
    keys = opened(engine_url)
    owners = [Owner(str(number), 2024) for number in range(20)]
    begin = Barrier(10)

    def ensured(_: int) -> dict[Owner, bytes]:
        begin.wait(60)
        return {owner: keys.ensure([owner])[owner] for owner in owners}

    with ThreadPoolExecutor(10) as threads:
        found = list(threads.map(ensured, range(10)))
    assert all(each == held(engine_url) for each in found)
    keys.close()


def test_a_key_that_another_process_destroyed_is_not_remembered(engine_url: str) -> None:
    keys = opened(engine_url, create=True)
    keys.ensure(OWNERS)
    assert keys.get(OWNERS[1]) is not None
    program = (
        "import sys, sqlalchemy as sa\n"
        "from ledger.keys import open_key_store\n"
        "from ledger.streams import Owner\n"
        "open_key_store(sa.create_engine(sys.argv[1]), 'keys', create=False).destroy([Owner('1042', 2024)])\n"
    )
    subprocess.run([sys.executable, "-c", program, engine_url], cwd=ROOT, check=True, timeout=60)
    assert keys.get(OWNERS[1]) is None and OWNERS[1] not in keys.load(OWNERS)
    assert keys.load(OWNERS).keys() == set(OWNERS) - {OWNERS[1]}
    keys.close()


@pytest.fixture
def postgres_keys(postgres_url: str) -> Iterator[tuple[str, str]]:
    """The address of a key store on PostgreSQL as SQLAlchemy takes it, with a key in it, and its schema."""
    address = parse_address(postgres_url)
    assert address.schema is not None
    with psycopg.connect(address.conninfo, autocommit=True) as owner:
        owner.execute(f"CREATE SCHEMA {address.schema}")
    keys = open_key_store(key_engine(address.sqlalchemy, address.schema), "the keys", create=True)
    keys.ensure(OWNERS)
    keys.close()
    yield address.sqlalchemy, address.schema


def test_after_its_server_came_back_the_next_question_is_answered(postgres_keys: tuple[str, str]) -> None:
    keys = open_key_store(key_engine(*postgres_keys), "the keys", create=False)
    before = keys.load(OWNERS)
    for work in (lambda: keys.load(OWNERS), lambda: keys.ensure([*OWNERS, Owner("1050", 2024)])):
        with psycopg.connect(postgres_keys[0].replace("+psycopg", ""), autocommit=True) as owner:
            ended = owner.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%pupil_year_keys%'"
            ).fetchall()
        # One that was hung up a moment ago may still be there, too.
        assert (True,) in ended, "there was a connection to end"
        assert before.items() <= work().items()
    keys.close()


def test_a_store_that_does_not_answer_says_so_in_one_sentence(postgres_keys: tuple[str, str]) -> None:
    url = sa.make_url(postgres_keys[0]).set(port=1, host="127.0.0.1", query={})
    gone = KeyStore(key_engine(url.render_as_string(hide_password=False), postgres_keys[1]), "the keys", lambda: "")
    for work in (lambda: gone.load(OWNERS), lambda: gone.ensure(OWNERS), gone.held, lambda: gone.destroy(OWNERS)):
        with pytest.raises(Misconfigured, match="the key store the keys cannot be used: ") as said:
            work()
        assert "\n" not in str(said.value) and "1042" not in str(said.value)


@contextmanager
def account(postgres_keys: tuple[str, str], *grants: str) -> Iterator[str]:
    """Give the address of the key store for an account with these rights only."""
    url, schema = postgres_keys
    name, password = f"k_{secrets.token_hex(6)}", secrets.token_hex(8)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        for grant in grants:
            owner.execute(f"GRANT {grant.format(schema=schema)} TO {name}")
        parts = urlsplit(url)
        yield parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()
        owner.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.parametrize("grants", [(), ("USAGE ON SCHEMA {schema}",)], ids=["schema", "table"])
def test_a_store_without_rights_is_not_missing(postgres_keys: tuple[str, str], grants: tuple[str, ...]) -> None:
    with account(postgres_keys, *grants) as url, pytest.raises(Misconfigured, match="no right"):
        open_key_store(key_engine(url, postgres_keys[1]), "the keys", create=False)


def test_a_key_that_may_not_be_made_is_in_no_sentence(postgres_keys: tuple[str, str]) -> None:
    reading = ("USAGE ON SCHEMA {schema}", "SELECT ON {schema}.pupil_year_keys")
    with account(postgres_keys, *reading) as url:
        keys = open_key_store(key_engine(url, postgres_keys[1]), "the keys", create=False)
        assert keys.load(OWNERS).keys() == set(OWNERS)
        for work in (lambda: keys.ensure([Owner("1077", 2024)]), lambda: keys.destroy(OWNERS)):
            with pytest.raises(Misconfigured, match="no right to it: permission denied for table") as said:
                work()
            assert said.value.__cause__ is None and "1077" not in str(said.value) and "1042" not in str(said.value)
        keys.close()


def test_control_a_driver_would_have_said_which_key(postgres_keys: tuple[str, str]) -> None:
    row = {"ledger": "", "owner": "1077", "year": 2024, "key": b"secret", "made_at": 1}
    with (
        account(postgres_keys, "USAGE ON SCHEMA {schema}") as url,
        sa.create_engine(url).connect() as connection,
        pytest.raises(sa.exc.ProgrammingError, match="1077"),
    ):
        connection.execute(
            sa.text(f"INSERT INTO {postgres_keys[1]}.pupil_year_keys VALUES (:ledger, :owner, :year, :key, :made_at)"),
            row,
        )
