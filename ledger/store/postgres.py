"""The recorder on PostgreSQL 15 and later, for several users and several schools: one schema a school.

A transaction-level advisory lock orders all writers before anything is numbered, so positions are given in the order
of commit and a reader who tails the ledger never passes over one. Unlike the library's table lock it needs no more
than INSERT, and VACUUM does not wait for it. Events go in as four arrays in one statement, without the pipeline, which
can hang for ever on large saves with the lock held.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import psycopg
from eventsourcing import persistence
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from ledger.errors import Misconfigured
from ledger.store.rows import (
    CLOCK_ACCEPTED,
    CLOCK_AHEAD,
    IS_REFERENCE,
    Conflict,
    Receipt,
    Unavailable,
    assert_predecessors,
    clock_ahead,
    said,
)
from ledger.store.sql import PROJECTED, RECEIPT, SqlReads

DDL = f"""
CREATE SCHEMA IF NOT EXISTS {{schema}};
CREATE TABLE IF NOT EXISTS {{events}} (
    notification_id bigint PRIMARY KEY,
    originator_id text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic text COLLATE "C" NOT NULL,
    state bytea NOT NULL,
    recorded_at bigint NOT NULL,
    UNIQUE (originator_id, originator_version),
    CHECK (notification_id > 0 AND originator_version > 0)
);
CREATE INDEX IF NOT EXISTS stored_events_reference ON {{events}} (notification_id) WHERE {IS_REFERENCE};
CREATE TABLE IF NOT EXISTS {{receipts}} (
    id text PRIMARY KEY,
    digest text NOT NULL,
    door text NOT NULL,
    first_position bigint NOT NULL,
    events bigint NOT NULL
);
CREATE OR REPLACE FUNCTION {{schema}}.refuse_change() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$;
CREATE OR REPLACE FUNCTION {{schema}}.refuse_disorder() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog
AS $$ BEGIN
    IF EXISTS (
        SELECT FROM (SELECT min(notification_id) AS first, max(notification_id) AS last, count(*) AS events,
                            min(recorded_at) AS since, max(recorded_at) AS until FROM fresh) AS added
        CROSS JOIN (SELECT max(notification_id) AS head FROM {{events}}) AS now
        LEFT JOIN {{events}} AS before ON before.notification_id = added.first - 1
        WHERE last <> head OR last <> first + events - 1 OR until <> since OR since < before.recorded_at
           OR (first > 1 AND before.notification_id IS NULL)
    ) THEN RAISE EXCEPTION 'the ledger only grows at its end' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
-- Once a statement, not once a row: a register of thirty marks is one statement.
CREATE OR REPLACE TRIGGER events_in_order AFTER INSERT ON {{events}} REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_disorder();
ALTER TABLE {{events}} ENABLE ALWAYS TRIGGER events_in_order;
""" + "".join(
    f"CREATE OR REPLACE TRIGGER {name}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {{{table}}}\n"
    f"FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_change();\n"
    # ALWAYS: also where a session calls itself a replica, in which ordinary triggers rest.
    f"ALTER TABLE {{{table}}} ENABLE ALWAYS TRIGGER {name}_no_change;\n"
    for table, name in (("events", "stored_events"), ("receipts", "receipts"))
)

CLOCK_SECONDS = 60  # for which a steady clock may stand in for the server's
CLOCK = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
# The arrays go as binary (%b): as text, psycopg quotes every element in Python, which takes ten times as long.
INSERT = f"""
WITH last AS (
    SELECT notification_id, recorded_at FROM {{events}} WHERE notification_id > 0 ORDER BY notification_id DESC LIMIT 1
),
stamp AS (
    SELECT coalesce(max(notification_id), 0) AS head,
           coalesce(%(at)s::bigint, greatest(max(clock), coalesce(max(recorded_at), 0) + 1)) AS at,
           %(at)s::bigint IS NULL AND NOT %(accepted)s
               AND max(clock) > coalesce(max(recorded_at), {2**62}) + {CLOCK_AHEAD} AS ahead
    FROM (SELECT {CLOCK} AS clock) AS now LEFT JOIN last ON TRUE
    HAVING coalesce(max(recorded_at), 0) <= coalesce(%(at)s::bigint, {2**62})
       AND coalesce((SELECT max(notification_id) FROM {{events}} WHERE {IS_REFERENCE}), 0) <= %(basis)s
       AND coalesce(max(notification_id), 0) >= %(seen)s
),
placed AS (
    INSERT INTO {{events}} (notification_id, originator_id, originator_version, topic, state, recorded_at)
    SELECT head + ordinality, id, version, topic, state, at
    FROM stamp, unnest(%(ids)b::text[], %(versions)b::bigint[], %(topics)b::text[], %(states)b::bytea[])
         WITH ORDINALITY AS e (id, version, topic, state, ordinality)
    WHERE NOT ahead
),
received AS (
    INSERT INTO {{receipts}} (id, digest, door, first_position, events)
    SELECT %(command)s, %(digest)s, %(door)s, CASE WHEN %(count)s > 0 THEN head + 1 ELSE 0 END, %(count)s
    FROM stamp WHERE %(command)s::text IS NOT NULL AND NOT ahead
)
SELECT head, at, ahead FROM stamp
"""


def _reach(conninfo: str) -> None:
    """Connect once and hang up. A pool would try again for long and then not say what is wrong; Unavailable does."""
    try:
        psycopg.connect(conninfo, connect_timeout=10).close()
    except psycopg.Error as error:
        raise Unavailable(f"PostgreSQL: {said(error)}") from error


class Recorder(SqlReads, PostgresApplicationRecorder):
    # One row instead of thousands: a driver hands every row over by itself.
    PROJECTED = "SELECT to_regclass('{schema}.parked') IS NOT NULL AND to_regclass('{schema}.tracking') IS NOT NULL"
    ENTRY_LINE = (
        r"string_agg(convert_to(concat_ws(E'\x1f', notification_id, originator_version, originator_id, ''), 'UTF8')"
        r" || state, '\x0a') FILTER (WHERE {kept})"
    )

    def __init__(self, datastore: PostgresDatastore, *, reach: bool = True) -> None:
        if reach:
            _reach(str(datastore.pool.conninfo))
        super().__init__(datastore, events_table_name="stored_events")
        self._lock_key = int.from_bytes(
            sha256(f"attendance ledger {datastore.schema}".encode()).digest()[:8], "big", signed=True
        )
        # READ COMMITTED, whatever the database's default: the insert must see what was committed while it waited.
        self._begin = SQL("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({0})").format(
            self._lock_key
        )
        self._insert = self._named(INSERT)
        self._statements: dict[str, str] = {}
        # What the server's clock showed, and when that was by the steady clock of this machine.
        self._clock_read = 0, -float(CLOCK_SECONDS)

    def _named(self, statement: str) -> str:
        schema = Identifier(self.datastore.schema)
        return (
            SQL(statement)
            .format(
                schema=schema,
                events=SQL("{}.stored_events").format(schema),
                receipts=SQL("{}.receipts").format(schema),
            )
            .as_string()
        )  # now, not again at every execution

    def create_table(self) -> None:
        with self._cursor() as cursor:
            # Two first starts race on CREATE, so the one that holds the lock makes everything.
            cursor.execute(self._begin)
            cursor.execute(self._named(DDL))
            cursor.execute("COMMIT")

    def now(self, *, roughly: bool = False) -> int:
        read, since = self._clock_read
        gone = time.monotonic() - since
        if roughly and gone < CLOCK_SECONDS:
            return read + int(gone * 1_000_000)
        asked = time.monotonic()
        read = self._fetch(f"SELECT {CLOCK}")[0][0]
        self._clock_read = read, asked
        return read

    def projected(self) -> tuple[int, bytes] | None:
        tracking = f'"{self.datastore.schema}".tracking'
        if self._fetch("SELECT has_table_privilege(to_regclass(?), 'SELECT')", tracking) != [(True,)]:
            return None
        return self._projected(self._fetch(PROJECTED.replace("{tracking}", "{schema}.tracking")))

    def exists(self) -> bool:
        statement = "SELECT to_regclass(?) IS NOT NULL"
        return bool(self._fetch(statement, f'"{self.datastore.schema}".stored_events')[0][0])

    def check(self) -> None:
        """Raise Misconfigured, each fault with its own sentence, unless acknowledged will mean durable and ordered."""
        settings = dict(
            self._fetch(
                "SELECT name, setting FROM pg_settings WHERE name IN "
                "('server_version_num', 'synchronous_commit', 'fsync', 'full_page_writes', 'server_encoding')"
            )
        )
        if int(settings["server_version_num"]) < 150000:
            raise Misconfigured(f"PostgreSQL 15 or later is needed, this server is {settings['server_version_num']}")
        if settings["server_encoding"] != "UTF8":
            raise Misconfigured(f"the database is encoded in {settings['server_encoding']}, but the ledger needs UTF8")
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            if settings[name] == "off":
                raise Misconfigured(
                    f"PostgreSQL runs with {name}=off, so an acknowledged mark could be lost: turn it on"
                )
        collation = self._fetch(
            "SELECT collname FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation "
            "WHERE attrelid = to_regclass(?) AND attname = 'originator_id'",
            f'"{self.datastore.schema}".stored_events',
        )
        if collation != [("C",)]:
            raise Misconfigured("the stream column is not in C collation, so ranges of streams would miss rows")
        triggers = self._fetch(
            "SELECT count(*) FROM pg_trigger WHERE tgenabled = 'A' AND (tgrelid, tgname) IN "
            "((to_regclass(?), 'stored_events_no_change'), (to_regclass(?), 'receipts_no_change'))",
            f'"{self.datastore.schema}".stored_events',
            f'"{self.datastore.schema}".receipts',
        )
        if triggers != [(2,)]:
            raise Misconfigured("the ledger's own triggers are gone or disabled, so it is not append-only")

    def insert_events(
        self,
        stored_events: Sequence[persistence.StoredEvent],
        *,
        receipt: Receipt | None = None,
        basis: int | None = None,
        at: int | None = None,
        seen: int = 0,
        **_: Any,
    ) -> Sequence[int]:
        """Return the positions. `basis`: fail if a reference event came later; `at`: a simulated ledger's time; `seen`:
        fail if the ledger ends before it.

        Raises Conflict, or Unavailable where the answer was lost and only the receipt can tell.
        """
        assert_predecessors(((e.originator_id, e.originator_version) for e in stored_events), self.versions_of)  # type: ignore[misc]
        count = len(stored_events)
        params = {
            "at": at,
            "basis": 2**62 if basis is None else basis,
            "seen": seen,
            "ids": [e.originator_id for e in stored_events],
            "versions": [e.originator_version for e in stored_events],
            "topics": [e.topic for e in stored_events],
            "states": [e.state for e in stored_events],
            "command": receipt.id if receipt else None,
            "digest": receipt.digest if receipt else None,
            "door": receipt.door if receipt else None,
            "count": count,
            "accepted": any(e.topic == CLOCK_ACCEPTED for e in stored_events),
        }
        with self._cursor() as cursor:
            cursor.execute(self._begin)
            placed = cursor.execute(self._insert, params, binary=True, prepare=True).fetchone()
            if placed is None:
                raise Conflict("the school changed, or a later time was recorded, while this was being decided")
            head, stamp, ahead = placed
            if ahead:
                raise clock_ahead(stamp)
            cursor.execute("COMMIT")
        return list(range(head + 1, head + 1 + count))

    def receipt(self, command: str) -> Receipt | None:
        # A save whose connection broke may still be committing; it holds the lock until it has ended.
        with self._cursor() as cursor:
            cursor.execute(self._begin)
            found = cursor.execute(self._statement(RECEIPT), (command,)).fetchall()
            cursor.execute("COMMIT")
        return self._receipt(found)

    def _statement(self, statement: str) -> str:
        if statement not in self._statements:
            listed = statement.replace("{in:?}", "= ANY(?)").replace("%", "%%").replace("?", "%s")
            self._statements[statement] = self._named(listed)
        return self._statements[statement]

    def _fetch(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        with self._cursor(binary=True) as cursor:
            return cursor.execute(self._statement(statement), params).fetchall()

    @contextmanager
    def _cursor(self, *, binary: bool = False) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
        try:
            with self.datastore.get_connection() as connection:
                yield connection.cursor(row_factory=tuple_row, binary=binary)
        except persistence.IntegrityError as error:
            raise Conflict(said(error)) from error
        except (persistence.OperationalError, persistence.InterfaceError, psycopg.OperationalError) as error:
            raise Unavailable(f"PostgreSQL: {said(error)}") from error
