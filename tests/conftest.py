"""How far tests go, and the stores they run on.

By default every property is tried on a sample, the same one each time, so that a red test stays red until it is mended.
`ATTENDANCE_TESTS=full` tries many more, fresh ones each time, and remembers what failed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from tests.support.counts import FULL
from tests.support.places import temporary_root
from tests.support.postgres import Server, ServerError, temporary_server

# A school lived through is slow to draw and slow to try, and that is what it is for.
_patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.register_profile("default", _patient, max_examples=12, derandomize=True, database=None)
settings.register_profile("full", _patient, max_examples=500, print_blob=True)
settings.load_profile("full" if FULL else "default")

os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(temporary_root()))  # where `tmp_path` is


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the documents, whose blocks take minutes: at the end one worker would wait for the other."""
    items.sort(key=lambda item: item.path.name != "test_readme.py")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL server; tests that need one are skipped where none can be started."""
    try:
        with temporary_server() as server:
            yield server
    except ServerError as error:
        pytest.skip(f"no PostgreSQL: {error}")


@pytest.fixture(scope="session")
def postgres_database(postgres_server: Server) -> str:
    """The URL of a PostgreSQL database that many tests put their ledgers in, each in a schema of its own."""
    return postgres_server.new_database()


@pytest.fixture(scope="session")
def database_of_schools(postgres_server: Server) -> str:
    return postgres_server.new_database()


@pytest.fixture
def new_database(database_of_schools: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with no schema in it: emptied after each test, which is cheaper than a new
    one."""
    yield database_of_schools
    with psycopg.connect(database_of_schools, autocommit=True) as connection:
        made = "SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname !~ '^(pg_|public$|information_schema$)'"
        for (schema,) in connection.execute(made).fetchall():
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def fresh_url(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Return a function that gives the address of a fresh ledger: the same test on every kind of store."""
    give: Callable[[], str] = request.getfixturevalue(f"fresh_{request.param}_url")
    return give


@pytest.fixture
def fresh_memory_url() -> Callable[[], str]:
    return lambda: "memory:"


@pytest.fixture
def fresh_sqlite_url(tmp_path: Path) -> Callable[[], str]:
    return lambda: f"sqlite:///{tmp_path}/{secrets.token_hex(6)}.db"


@pytest.fixture
def fresh_postgresql_url(postgres_database: str) -> Callable[[], str]:
    return lambda: f"{postgres_database}{'&' if '?' in postgres_database else '?'}schema=s_{secrets.token_hex(6)}"
