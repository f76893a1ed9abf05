"""What a ledger is checked for when it is opened: each fault has a sentence of its own, a good setting has none."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from eventsourcing.application import Application
from eventsourcing.popo import POPOApplicationRecorder
from psycopg.conninfo import conninfo_to_dict

from ledger import store
from ledger.errors import Misconfigured
from ledger.store import Ledger, open_ledger, parse_address
from ledger.store.postgres import Recorder as PostgresRecorder
from ledger.store.sqlite import PinnedPool
from ledger.store.sqlite import Recorder as SQLiteRecorder
from ledger.store.sqlite_schema import TRIGGERS
from tests.stores.conftest import EVERY_POSTGRES, MAJORS, a_schema
from tests.stores.envelopes import mark, named, opening
from tests.support.postgres import Server, temporary_server


def make(url: str) -> None:
    """Make a good ledger with one event in it."""
    with open_ledger(url, create=True) as ledger:
        ledger.append([opening()])


SEE = ": see 'attendance verify', then run 'attendance repair'"


def complaint(url: str, **options: Any) -> str:
    """Return the one sentence that opening gives, blank where the ledger opens."""
    try:
        open_ledger(url, **options).close()
    except Misconfigured as error:
        assert "\n" not in str(error)
        return str(error)
    return ""


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "'' is no kind of ledger: expected sqlite:///path or postgresql://host/database"),
        ("school.db", "'school.db' is no kind of ledger"),
        ("sqlit:///school.db", "'sqlit' is no kind of ledger"),
        ("mysql://me:secret@host/db", "'mysql' is no kind of ledger"),
        ("postgresql:/me:secret@host/db", "'postgresql' is no kind of ledger"),
        ("sqlite://school.db", "names no file: expected sqlite:///path/school.db"),
        ("sqlite:///", "names no file"),
        ("sqlite:////tmp/a.db?mode=memory", "names no file"),
        ("postgresql://me:secret@host/db?shema=s", "the PostgreSQL address is misspelt: invalid URI query parameter"),
        ("postgresql://me:secret@[::1/db", "the PostgreSQL address is misspelt"),
        ("postgresql://me:secret word@host/db", "the PostgreSQL address is misspelt: unexpected spaces found"),
        ("postgresql://host/db?schema=School", "schema 'School' is not small letters, digits and underscores"),
        ("postgresql://host/db?schema=a;b", "schema 'a;b' is not"),
        ("postgresql://host/db?schema=", "schema '' is not"),
    ],
)
def test_a_misspelt_address_is_an_error_that_repeats_no_password(url: str, says: str) -> None:
    assert says in complaint(url)
    assert complaint(url, create=True) == complaint(url)
    assert "secret" not in complaint(url)


def test_an_absent_file_is_an_error_and_none_is_made(sqlite_url: str) -> None:
    path = Path(parse_address(sqlite_url, create=True).shown.removeprefix("sqlite:///"))
    assert complaint(sqlite_url) == f"there is no ledger file {path}: 'attendance open' begins one"
    assert list(path.parent.iterdir()) == []
    make(sqlite_url)
    assert complaint(sqlite_url) == ""


def test_a_file_that_is_no_ledger_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("not a database, but long enough to be read as one " * 20)
    assert "the file is damaged, as SQLite says: file is not a database" in complaint(f"sqlite:///{tmp_path}/notes.db")
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE other (id)").connection.close()
    assert "there is no ledger at" in complaint(f"sqlite:///{tmp_path}/other.db")
    assert "there is no ledger file" in complaint(f"sqlite:///{tmp_path}")
    assert "there is no folder" in complaint(f"sqlite:///{tmp_path}/absent/school.db", create=True)


def test_a_server_or_database_that_is_not_there_is_an_error_at_once(postgres_url: str) -> None:
    begun = time.monotonic()
    assert "there is no ledger at" in complaint(postgres_url)
    host = conninfo_to_dict(parse_address(postgres_url).conninfo)
    absent = {"dbname": "no_such_database", "port": "1"}
    for name, value in absent.items():
        query = "&".join(f"{key}={given}" for key, given in (host | {name: value}).items())
        assert "cannot be reached: PostgreSQL: connection" in complaint(f"postgresql:///?{query}")
    assert time.monotonic() - begun < 8
    make(postgres_url)
    assert complaint(postgres_url) == ""


def test_all_of_a_postgresql_address_counts(postgres_url: str) -> None:
    with open_ledger(f"{postgres_url}&application_name=a%20canary", create=True) as ledger:
        assert ledger.reads._fetch("SELECT current_setting('application_name')") == [("a canary",)]
    address = parse_address("postgresql://me:p%40ss@h1/db?sslmode=verify-full&options=-c%20a%3Db&schema=s1")
    assert conninfo_to_dict(address.conninfo) == {
        "user": "me",
        "password": "p@ss",
        "host": "h1",
        "dbname": "db",
        "sslmode": "verify-full",
        "options": "-c a=b",
    }
    assert "p%40ss" not in address.shown and "p@ss" not in address.shown


# --- the library and the environment --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["9.5.6", "9.5.7", "9.6.0rc1", "9.10.0", "9.5.6.post1"])
def test_a_version_that_the_recorders_know_is_accepted(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(store, "installed_version", lambda _: version)
    assert complaint("memory:") == ""


@pytest.mark.parametrize("version", ["9.5.5", "9.4.9", "8.10.0", "10.0.0a1", "10.0"])
def test_a_version_that_they_do_not_know_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(store, "installed_version", lambda _: version)
    assert f"eventsourcing {version} is installed" in complaint("memory:")


@pytest.mark.parametrize("name", ["POSTGRES_ENABLE_DB_FUNCTIONS", "STORED_POSTGRES_ENABLE_DB_FUNCTIONS"])
def test_the_variable_that_drops_the_lock_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "y")
    assert complaint("memory:") == f"{name} is set, which drops the lock that puts writers in order: unset it"
    monkeypatch.setenv(name, "no")
    assert complaint("memory:") == ""


@pytest.mark.parametrize("prefix", ["", "STORED_"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PERSISTENCE_MODULE", "eventsourcing.popo"),
        ("PERSISTENCE_MODULE", "eventsourcing.sqllite"),
        ("SQLITE_DBNAME", ":memory:"),
        ("POSTGRES_DBNAME", "another"),
        ("ORIGINATOR_ID_TYPE", "uuid"),
        ("IS_SNAPSHOTTING_ENABLED", "y"),
        ("COMPRESSOR_TOPIC", "zlib"),
    ],
)
def test_no_variable_chooses_another_store(
    lasting_url: str, monkeypatch: pytest.MonkeyPatch, prefix: str, name: str, value: str
) -> None:
    monkeypatch.setenv(prefix + name, value)
    make(lasting_url)
    with open_ledger(lasting_url) as ledger:
        assert isinstance(ledger.recorder, (SQLiteRecorder, PostgresRecorder))
        assert ledger.reads.head()[0] == 1


def test_a_factory_of_another_store_is_refused(sqlite_url: str) -> None:
    good = parse_address(sqlite_url, create=True)
    misspelt = {name.replace("MODULE", "MODUL"): value for name, value in good.environment.items()}
    # The library says nothing: an application of its own now keeps its events in memory.
    assert isinstance(Application[str](env=misspelt).recorder, POPOApplicationRecorder)
    with pytest.raises(Misconfigured, match="the persistence module gave POPOFactory"):
        Ledger(good._replace(environment=misspelt))
    Ledger(good).close()


# --- what the first event is ----------------------------------------------------------------------------------------


def test_a_ledger_whose_first_event_opens_no_school_is_refused(lasting_url: str) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        assert ledger.opened() is None
        ledger.append([named(1), mark()])
    assert "opens no school, so this is not a ledger" in complaint(lasting_url)


def test_a_ledger_that_opens_a_school_is_accepted(lasting_url: str) -> None:
    make(lasting_url)
    with open_ledger(lasting_url) as ledger:
        assert ledger.opened() == opening().event


# --- SQLite ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pragma", ["journal_mode=MEMORY", "synchronous=NORMAL", "synchronous=OFF"])
def test_sqlite_settings_that_lose_marks_are_refused(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, pragma: str
) -> None:
    make(sqlite_url)
    pinned = PinnedPool._create_connection

    def unpinned(pool: PinnedPool) -> Any:
        connection = pinned(pool)
        connection._sqlite_conn.execute(f"PRAGMA {pragma}")
        return connection

    monkeypatch.setattr(PinnedPool, "_create_connection", unpinned)
    said = complaint(sqlite_url)
    assert "but the ledger needs wal and 2 (FULL)" in said and pragma.partition("=")[0] in said
    monkeypatch.undo()
    assert complaint(sqlite_url) == ""


@pytest.mark.parametrize("trigger", [piece.name for piece in TRIGGERS])
def test_a_missing_trigger_is_refused(sqlite_url: str, trigger: str) -> None:
    make(sqlite_url)
    with sqlite3.connect(parse_address(sqlite_url).shown.removeprefix("sqlite:///")) as connection:
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.close()
    assert complaint(sqlite_url) == f"the ledger's own trigger {trigger} is gone{SEE}"


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=EVERY_POSTGRES)
def made(request: pytest.FixtureRequest, database: Callable[[str], str]) -> Iterator[str]:
    """The address of a good ledger on every PostgreSQL, which tests spoil and mend."""
    with a_schema(database(request.param)) as url:
        make(url)
        yield url


def test_acknowledging_before_it_is_on_disk_is_refused(made: str) -> None:
    assert complaint(f"{made}&options=-csynchronous_commit%3Doff") == (
        "PostgreSQL runs with synchronous_commit=off, so an acknowledged mark could be lost: turn it on"
    )
    for good in ("on", "local", "remote_apply"):
        assert complaint(f"{made}&options=-csynchronous_commit%3D{good}") == ""


CHANGED = "the ledger's own trigger {} is not as this program makes it" + SEE


@pytest.mark.parametrize(
    ("spoil", "mend", "says"),
    [
        (
            "ALTER TABLE stored_events ALTER originator_id TYPE text COLLATE pg_catalog.default",
            'ALTER TABLE stored_events ALTER originator_id TYPE text COLLATE "C"',
            "the stream column is not in C collation, so ranges of streams would miss rows",
        ),
        (
            "ALTER TABLE stored_events DISABLE TRIGGER stored_events_no_change",
            "ALTER TABLE stored_events ENABLE ALWAYS TRIGGER stored_events_no_change",
            CHANGED.format("stored_events_no_change of stored_events"),
        ),
        (
            "ALTER TABLE receipts ENABLE REPLICA TRIGGER receipts_no_change",
            "ALTER TABLE receipts ENABLE ALWAYS TRIGGER receipts_no_change",
            CHANGED.format("receipts_no_change of receipts"),
        ),
        (
            "ALTER TABLE stored_events ENABLE TRIGGER stored_events_no_change",
            "ALTER TABLE stored_events ENABLE ALWAYS TRIGGER stored_events_no_change",
            CHANGED.format("stored_events_no_change of stored_events"),
        ),
        (
            "DROP TRIGGER receipts_no_change ON receipts",
            None,
            f"the ledger's own trigger receipts_no_change of receipts is gone{SEE}",
        ),
    ],
    ids=["collation", "disabled", "for replicas", "for all but replicas", "dropped"],
)
def test_a_spoilt_table_is_refused(made: str, spoil: str, mend: str | None, says: str) -> None:
    address = parse_address(made)
    with psycopg.connect(address.conninfo, options=f"-csearch_path={address.schema}", autocommit=True) as owner:
        owner.execute(spoil)
        assert complaint(made) == says
        if mend is not None:
            owner.execute(mend)
    if mend is None:
        with open_ledger(made, examining=True) as ledger:
            ledger.reads.repair()
    assert complaint(made) == ""


def test_a_table_of_the_librarys_own_is_refused(postgres_url: str) -> None:
    stock = parse_address(postgres_url)
    with psycopg.connect(stock.conninfo, autocommit=True) as owner:
        owner.execute(f"CREATE SCHEMA {stock.schema}")
    host = conninfo_to_dict(stock.conninfo)
    environment = stock.environment | {"POSTGRES_HOST": str(host.get("host") or ""), "POSTGRES_POOL_SIZE": "1"}

    class Stored(Application[str]):
        name = "stored"

    Stored(env=environment).close()
    assert "collation" in complaint(postgres_url)


def test_a_database_of_another_encoding_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        name = f"latin1_{secrets.token_hex(6)}"
        owner.execute(f"CREATE DATABASE {name} ENCODING LATIN1 TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'")
        said = complaint(database_url.replace(str(conninfo_to_dict(database_url)["dbname"]), name), create=True)
        owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    assert said == "the database is encoded in LATIN1, but the ledger needs UTF8"


def test_an_older_server_is_refused(made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_ledger(made) as ledger:
        older = {"server_version_num": "140012"}
        monkeypatch.setattr(ledger.recorder, "_fetch", lambda *_: older.items())
        with pytest.raises(Misconfigured, match="PostgreSQL 15 or later is needed, this server is 140012"):
            ledger.reads.check()


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server whose settings may be spoilt."""
    if not MAJORS:
        pytest.skip("no PostgreSQL: no programs are installed, and the server at DATABASE_URL is not ours to spoil")
    with temporary_server(prefer=MAJORS[0]) as server:
        yield server


def set_and_reload(owner: psycopg.Connection, setting: str, value: str) -> None:
    """Change a setting of the whole server, and return when it is in force."""
    owner.execute(f"ALTER SYSTEM SET {setting} = {value}")
    owner.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 20
    while owner.execute(f"SHOW {setting}").fetchone() != (value,):
        assert time.monotonic() < deadline, f"{setting} does not become {value}"
        time.sleep(0.01)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_wait_for_the_disk_is_refused(own_server: Server, setting: str) -> None:
    url = f"{own_server.url}&schema={setting}"
    make(url)
    with psycopg.connect(own_server.url, autocommit=True) as owner:
        set_and_reload(owner, setting, "off")
        assert complaint(url).startswith(f"PostgreSQL runs with {setting}=off")
        set_and_reload(owner, setting, "on")
    assert complaint(url) == ""
