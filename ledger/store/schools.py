"""Many schools in one PostgreSQL database: one schema a school, one pool of connections for all.

Problem: an opened ledger holds connections of its own, and its read model more. A few hundred of them would use up any
server, although one process asks one school at a time.

Choice: a single pool lends its few connections to whichever school is asked next. The ledger's statements name their
schema. Those of the read model do not, so a connection is led to the school's schema when it is lent; a plan that was
prepared in another school's is made again by PostgreSQL when the search path has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import psycopg
import sqlalchemy as sa
from eventsourcing.persistence import ApplicationRecorder
from eventsourcing.postgres import PostgresDatastore
from psycopg.rows import DictRow, TupleRow, tuple_row
from psycopg.sql import SQL, Composed, Identifier, Literal

from ledger.errors import Misconfigured
from ledger.store import Address, Ledger, parse_address
from ledger.store.failures import meaning_of, speak_our_words
from ledger.store.names import CATALOGUE, CLOSED, chosen, is_postgres, named_few
from ledger.store.pool import arguments, check_when_lent
from ledger.store.postgres import Recorder
from ledger.store.rows import WAIT_SECONDS, Unavailable

CONNECTIONS = 4
# A statement locks the table and the indexes of every school in it, and a server has room for some thousands of locks.
AT_ONCE = 400
HEAD = (
    "SELECT {name}::text, notification_id, recorded_at FROM "
    "(SELECT notification_id, recorded_at FROM {schema}.stored_events ORDER BY notification_id DESC LIMIT 1) AS last"
)


class Head(NamedTuple):
    """The last position of a ledger and its recorded time; both 0 for an empty one."""

    position: int
    recorded_at: int


class PooledDatastore(PostgresDatastore):
    """The library's datastore of one school, on connections that the pool of all schools lends it."""

    def __init__(self, engine: sa.Engine, schema: str) -> None:
        super().__init__("", "", "", "", "", schema=schema, originator_id_type="text")  # its own pool stays shut
        self._engine = engine

    @contextmanager
    def get_connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        with _borrowed(self._engine) as connection:
            yield connection

    def register_type_adapters(self) -> None:
        """Does nothing: the library would look for a type of its own in every schema, and ours has no use for it."""


class PooledLedger(Ledger):
    """The ledger of one school over the pool of all. Closing it closes nothing: the pool is the database's."""

    def __init__(self, address: Address, engine: sa.Engine) -> None:
        self._engine = engine
        super().__init__(address)

    def construct_recorder(self) -> ApplicationRecorder:
        return Recorder(PooledDatastore(self._engine, self.address.schema or ""))


class Schools:
    """The schools of one database. Close it when done."""

    def __init__(self, url: str, *, connections: int = CONNECTIONS) -> None:
        self._url = url.partition("?")[0]
        self._query = [(name, value) for name, value in parse_qsl(urlsplit(url).query) if name != "schema"]
        address = parse_address(url)
        self.shown = address.shown.partition("?")[0]
        self._engine = sa.create_engine(
            address.sqlalchemy,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=WAIT_SECONDS,
            hide_parameters=True,
            connect_args=arguments(address.conninfo),
        )
        speak_our_words(self._engine)
        check_when_lent(self._engine)  # a process that goes on for weeks outlives its server's restarts
        sa.event.listen(self._engine, "engine_connect", _enter)

    def names(self) -> list[str]:
        """Return the schemas that hold a ledger which this account may read, in order."""
        return [name for (name,) in self._fetch(SQL(CATALOGUE))]

    def closed(self) -> list[str]:
        """Return the schemas that hold a ledger which this account may not read, in order."""
        return [name for (name,) in self._fetch(SQL(CLOSED))]

    def heads(self, names: Sequence[str] | None = None) -> dict[str, Head]:
        """Return how far the ledgers of these schools go (of all where None), some hundreds in one statement."""
        try:
            return self._heads(self.names() if names is None else names)
        except psycopg.errors.UndefinedTable:
            # A school was removed between the two statements.
            return self._heads([name for name in self.names() if names is None or name in names])

    def _heads(self, names: Sequence[str]) -> dict[str, Head]:
        found = dict.fromkeys(names, Head(0, 0))
        for start in range(0, len(names), AT_ONCE):
            asked = names[start : start + AT_ONCE]
            each = [SQL(HEAD).format(name=Literal(name), schema=Identifier(name)) for name in asked]
            found |= {name: Head(*head) for name, *head in self._fetch(SQL(" UNION ALL ").join(each))}
        return found

    def ledger(self, name: str) -> Ledger:
        """Return the ledger of the school in a schema."""
        query = urlencode([*self._query, ("schema", name)], quote_via=quote)
        return PooledLedger(parse_address(f"{self._url}?{query}"), self._engine)

    def engine(self, name: str) -> sa.Engine:
        """Return an engine over the same pool that finds this school's tables."""
        return self._engine.execution_options(school=name)

    def close(self) -> None:
        self._engine.dispose()

    def _fetch(self, statement: SQL | Composed) -> list[TupleRow]:
        with _borrowed(self._engine) as connection:
            return connection.cursor(row_factory=tuple_row).execute(statement).fetchall()

    def __enter__(self) -> Schools:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_schools(url: str, only: Iterable[str] = ()) -> tuple[Schools, list[str]]:
    """Return the schools of a database, and the schemas asked for: those named, else all. Raises Misconfigured."""
    wanted = chosen(url, only)
    if not is_postgres(url):
        kind = url.partition(":")[0]
        raise Misconfigured(f"many schools are kept in a PostgreSQL database, not in a {kind} ledger")
    schools = Schools(url)
    try:
        names = schools.names()
        if missing := [name for name in wanted if name not in names]:
            if missing[0] in schools.closed():
                raise Misconfigured(f"this account may not read the school {missing[0]} at {schools.shown}")
            raise Misconfigured(f"there is no school {missing[0]} at {schools.shown}{named_few(names)}")
        if not names:
            if closed := schools.closed():
                raise Misconfigured(f"this account may read none of the schools at {schools.shown}{named_few(closed)}")
            raise Misconfigured(f"no school keeps its ledger at {schools.shown}: 'attendance open' begins one")
    except Unavailable as error:
        schools.close()
        raise Misconfigured(f"the database at {schools.shown} cannot be reached: {error}") from error
    except BaseException:
        schools.close()
        raise
    return schools, wanted or names


@contextmanager
def _borrowed(engine: sa.Engine) -> Iterator[psycopg.Connection[DictRow]]:
    """Lend a driver's connection that commits by itself, as the library's own do. Raises Conflict and Unavailable."""
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield cast("psycopg.Connection[DictRow]", connection.connection)
    except psycopg.errors.UndefinedTable:
        raise
    except (psycopg.Error, sa.exc.SQLAlchemyError) as error:
        raise meaning_of(error) from None


def _enter(connection: sa.Connection) -> None:
    """Lead a connection to the schema of the school that it is lent to."""
    school = connection.get_execution_options().get("school")
    lent = connection.connection
    if school is None or lent.info.get("school") == school:
        return
    lent.cursor().execute(SQL("SET search_path TO {}").format(Identifier(school)).as_string())
    lent.commit()  # or the next rollback would lead it back
    lent.info["school"] = school
