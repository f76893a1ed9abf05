"""Every kind of store that a test may ask for: fresh each time, and gone afterwards.

A PostgreSQL server is started once in a run (once in each worker of a parallel one), with one database; every test gets
a schema of its own in it, which is cheaper than a database and is what a school gets too. Where several versions are
installed, the contract and the demands on a server are tried on each, the rest on each in the full run and else on the
first.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest

from ledger.store import Ledger, open_ledger
from tests.support.counts import count
from tests.support.postgres import Server, available_binaries, temporary_server

GIVEN = "DATABASE_URL" in os.environ
MAJORS = list(dict.fromkeys(binaries.version.partition(".")[0] for binaries in available_binaries()))
NO_SERVER = pytest.mark.skip(reason="no PostgreSQL: DATABASE_URL is not set, and no programs are installed")
EVERY_POSTGRES = (
    [pytest.param("postgres", id="postgres")]
    if GIVEN
    else [pytest.param(f"postgres-{major}", id=f"postgres-{major}") for major in MAJORS]
) or [pytest.param("postgres", id="postgres", marks=NO_SERVER)]
POSTGRES = EVERY_POSTGRES[: count(1, len(EVERY_POSTGRES))]
STORES = [pytest.param("memory", id="memory"), pytest.param("sqlite", id="sqlite"), *POSTGRES]

NewAddress = Callable[[], AbstractContextManager[str]]
NewLedger = Callable[[], AbstractContextManager[Ledger]]


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Return a function from the name of a PostgreSQL store to the URL of its database, started when first asked: the
    first version is that of the server which other tests have."""
    with ExitStack() as running:

        @cache
        def started(store: str) -> str:
            version = store.partition("-")[2]
            if GIVEN or version == MAJORS[0]:
                shared: Server = request.getfixturevalue("postgres_server")
                return shared.new_database()
            return running.enter_context(temporary_server(prefer=version)).new_database()

        yield started


@contextmanager
def a_schema(database_url: str) -> Iterator[str]:
    """Give the address of a schema that is not there yet, and remove what was made of it."""
    schema = f"s_{secrets.token_hex(6)}"
    try:
        yield f"{database_url}{'&' if '?' in database_url else '?'}schema={schema}"
    finally:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def addresses(store: str, database: Callable[[str], str], folder: Path) -> NewAddress:
    """Return what gives a fresh address on a store for the time of a `with`."""

    @contextmanager
    def address() -> Iterator[str]:
        if store == "memory":
            yield "memory:"
        elif store == "sqlite":
            yield f"sqlite:///{folder}/{secrets.token_hex(6)}.db"
        else:
            with a_schema(database(store)) as url:
                yield url

    return address


@pytest.fixture(params=STORES)
def new_address(request: pytest.FixtureRequest, database: Callable[[str], str], tmp_path: Path) -> NewAddress:
    """Return what gives a fresh address for the time of a `with`, on every kind of store."""
    return addresses(request.param, database, tmp_path)


@pytest.fixture(params=STORES[1:])
def lasting_url(request: pytest.FixtureRequest, database: Callable[[str], str], tmp_path: Path) -> Iterator[str]:
    """A fresh address on every store that outlives the process."""
    with addresses(request.param, database, tmp_path)() as url:
        yield url


@pytest.fixture
def new_ledger(new_address: NewAddress) -> NewLedger:
    """Return what gives an empty ledger for the time of a `with`, on every kind of store."""

    @contextmanager
    def opened() -> Iterator[Ledger]:
        with new_address() as url, open_ledger(url, create=True) as ledger:
            yield ledger

    return opened


@pytest.fixture
def ledger(new_ledger: NewLedger) -> Iterator[Ledger]:
    """An empty ledger, on every kind of store."""
    with new_ledger() as opened:
        yield opened


@pytest.fixture(params=POSTGRES)
def database_url(request: pytest.FixtureRequest, database: Callable[[str], str]) -> str:
    """The URL of the shared database of every PostgreSQL."""
    return database(request.param)


@pytest.fixture
def postgres_url(database_url: str) -> Iterator[str]:
    """A fresh address on every PostgreSQL."""
    with a_schema(database_url) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh address on SQLite."""
    return f"sqlite:///{tmp_path}/school.db"
