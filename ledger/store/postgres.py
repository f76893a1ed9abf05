"""The recorder on PostgreSQL 15 and later, for several users and several schools: one schema a school.

A save is one statement, a call of the function that records (`ledger.store.postgres_schema`): it puts writers in order
before anything is numbered, so positions are given in the order of commit and a reader who tails the ledger never
passes over one. Events go in as four arrays, without the pipeline, which can hang for ever on large saves with the
lock held.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import psycopg
import sqlalchemy as sa
from eventsourcing import persistence
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.rows import DictRow, TupleRow, tuple_row
from psycopg.sql import SQL, Identifier

from ledger.errors import Misconfigured, Refused
from ledger.store.failures import meaning_of
from ledger.store.formats import FIRST, FORMAT, Standing
from ledger.store.pool import new_pool
from ledger.store.postgres_schema import (
    ADDITIONS,
    CATALOGUE,
    CLOCK,
    DDL,
    LEDGER_TABLES,
    READ_MODEL,
    STATE_FORMAT,
    Faults,
    Piece,
    compared,
)
from ledger.store.rows import WAIT_SECONDS, Busy, Conflict, Receipt, assert_predecessors
from ledger.store.sql import SqlReads

PAUSE = 0.01  # seconds

CLOCK_SECONDS = 60  # for which a steady clock may stand in for the server's
# The arrays go as binary (%b): as text, psycopg quotes every element in Python, which takes ten times as long.
APPEND = f"""
SELECT {{schema}}.append_events({FORMAT}, %(basis)s, %(seen)s, %(at)s, %(ids)b::text[], %(versions)b::bigint[],
    %(topics)b::text[], %(states)b::bytea[], %(command)s, %(digest)s, %(door)s, %(mac)b)
"""


class Datastore(PostgresDatastore):
    """The library's datastore on a pool of ours, which looks at a connection before it lends it."""

    def __init__(self, conninfo: str, schema: str) -> None:
        super().__init__("", "", "", "", "", schema=schema, originator_id_type="text")  # its own pool stays shut
        self._connections = new_pool(conninfo)

    @contextmanager
    def get_connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        lent = self._connections.connect()
        try:
            yield cast("psycopg.Connection[DictRow]", lent.dbapi_connection)
        except psycopg.IntegrityError:
            raise  # the statement is undone, and the connection as good as before
        except BaseException as error:
            lent.invalidate(error if isinstance(error, Exception) else None)
            raise
        finally:
            lent.close()

    def register_type_adapters(self) -> None:
        """Does nothing: the library would look for a type of its own in every schema, and ours has no use for it."""

    def close(self) -> None:
        if hasattr(self, "_connections"):
            self._connections.dispose()


class Recorder(SqlReads, PostgresApplicationRecorder):
    # One row instead of thousands: a driver hands every row over by itself.
    SEALED = r"position('\x2278223a'::bytea IN state) > 0"
    ENTRY_LINE = (
        r"string_agg(convert_to(concat_ws(E'\x1f', notification_id, originator_version, originator_id, ''), 'UTF8')"
        r" || state, '\x0a') FILTER (WHERE {kept})"
    )

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore, events_table_name="stored_events")
        self._append = self._named(APPEND)
        self._statements: dict[str, str] = {}
        # What the server's clock showed, and when that was by the steady clock of this machine.
        self._clock_read = 0, -float(CLOCK_SECONDS)
        self._lost: list[int] = []  # server processes to which a save was sent, and which did not answer

    def _named(self, statement: str) -> str:
        schema = Identifier(self.datastore.schema)
        return (
            SQL(statement)
            .format(
                schema=schema,
                events=SQL("{}.stored_events").format(schema),
                receipts=SQL("{}.receipts").format(schema),
                standing=SQL("{}.ledger_format").format(schema),
            )
            .as_string()
        )  # now, not again at every execution

    def create_table(self) -> None:
        """Make an empty ledger where there is none; what is there stays as it is, for `repair` is what mends it."""
        with self._cursor() as cursor, self._alone(cursor):
            if not self._there(cursor):
                cursor.execute(self._named(DDL))
                cursor.execute(self._named(STATE_FORMAT))

    @contextmanager
    def _alone(self, cursor: psycopg.Cursor[TupleRow]) -> Iterator[None]:
        """A transaction beside which nobody else makes or mends this ledger: two first starts would race on CREATE."""
        with cursor.connection.transaction():
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"attendance {self.datastore.schema}",))
            yield

    def _there(self, cursor: psycopg.Cursor[TupleRow], table: str = "stored_events") -> bool:
        asked = "SELECT to_regclass(%s) IS NOT NULL"
        return cursor.execute(asked, (f'"{self.datastore.schema}".{table}',)).fetchall() == [(True,)]

    def now(self, *, roughly: bool = False) -> int:
        read, since = self._clock_read
        gone = time.monotonic() - since
        if roughly and gone < CLOCK_SECONDS:
            return read + int(gone * 1_000_000)
        asked = time.monotonic()
        read = int(self._fetch(f"SELECT {CLOCK}")[0][0])
        self._clock_read = read, asked
        return read

    def _readable(self, table: str) -> bool:
        named = f'"{self.datastore.schema}".{table}'
        return self._fetch("SELECT has_table_privilege(to_regclass(?), 'SELECT')", named) == [(True,)]

    def exists(self) -> bool:
        with self._cursor() as cursor:
            return self._there(cursor)

    def check(self) -> None:
        """Raise Misconfigured, each fault with its own sentence, unless acknowledged will mean durable and ordered."""
        settings: dict[str, str] = dict(
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
        faults = self._compared()
        if faults.hollow_column("originator_id"):
            raise Misconfigured("the stream column is not in C collation, so ranges of streams would miss rows")
        if self.standing().format != FORMAT:
            return  # how the rest should be is not known: it is answered, and not recorded in
        if sentences := faults._replace(foreign=[], rights=[]).sentences:
            raise Misconfigured(f"{'; '.join(sentences)}: see 'attendance verify', then run 'attendance repair'")

    def standing(self) -> Standing:
        """Return the format of this ledger, and the least release that may record in it."""
        with self._cursor() as cursor:
            if not self._there(cursor, "ledger_format"):
                return Standing(FIRST, "")
            stated = cursor.execute(self._named("SELECT format, least_release FROM {standing}")).fetchall()
        return Standing(*stated[0]) if stated else Standing(FIRST, "")

    def faults(self) -> list[str]:
        """Return what of the schema is not as this program makes it, and what in there acts on the ledger but is not of
        it."""
        compared = self._compared()
        return (compared if self.standing().format == FORMAT else compared.of_any_format).sentences

    def _compared(self) -> Faults:
        with self._cursor() as cursor:
            return self._compare(cursor)

    def _compare(self, cursor: psycopg.Cursor[TupleRow]) -> Faults:
        schema = self.datastore.schema
        asked = {"schema": schema, "ledger": list(LEDGER_TABLES), "read_model": list(READ_MODEL)}
        return compared(cursor.execute(CATALOGUE, asked).fetchall(), schema)

    def repair(self) -> list[str]:
        """Bring an older ledger to today's format and put back what is gone of it. Returns what was done, in a sentence
        each. Raises Misconfigured where the rows contradict a key, or the account does not own it; then nothing was
        done."""
        standing = self.standing()
        if standing.newer:
            raise Refused("newer_ledger", field="ledger", value=f"format {standing.format}")
        done = []
        with self._cursor() as cursor, self._alone(cursor):
            done += [f"made the {kind} {name or table}" for kind, table, name in self._compare(cursor).additions]
            cursor.execute(self._named(ADDITIONS))
            faults = self._compare(cursor)
            for piece, there in faults.pieces:
                self._put_back(cursor, piece, there)
                done.append(f"put back the {piece.kind} {piece.name}{f' of {piece.table}' if piece.table else ''}")
            for table, grantee, _ in faults.rights:
                if table not in LEDGER_TABLES:
                    continue
                who = SQL("PUBLIC") if grantee == "PUBLIC" else Identifier(grantee)
                rights = SQL("REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {}.{} FROM {}")
                cursor.execute(rights.format(Identifier(self.datastore.schema), Identifier(table), who))
                done.append(f"took from {grantee} the right to change {table}, which only its owner has")
            stated = cursor.execute(self._named("SELECT format FROM {standing}")).fetchall()
            if stated != [(FORMAT,)]:
                cursor.execute(self._named("DELETE FROM {standing}"))
                cursor.execute(self._named(STATE_FORMAT))
                done.append(f"brought the ledger from format {standing.format} to format {FORMAT}")
        return done

    def _put_back(self, cursor: psycopg.Cursor[TupleRow], piece: Piece, there: bool) -> None:
        try:
            for statement in (piece.unmake, piece.make) if there else (piece.make,):
                if statement:
                    cursor.execute(self._named(statement))
        except psycopg.IntegrityError:
            raise Misconfigured(
                f"the rows contradict the {piece.kind} {piece.name} of {piece.table} ({piece.stands}), so nothing was "
                "done: 'attendance verify' names the rows"
            ) from None

    def insert_events(
        self,
        stored_events: Sequence[persistence.StoredEvent],
        *,
        receipt: Receipt | None = None,
        basis: int | None = None,
        at: int | None = None,
        seen: int = 0,
        mac: bytes | None = None,
        **_: object,
    ) -> Sequence[int]:
        """Return the positions. `basis`: fail if a reference event came later; `at`: a simulated ledger's time; `seen`:
        fail if the ledger ends before it; `mac`: the code of who recorded, kept beside the receipt.

        Raises Conflict, or Unavailable where the answer was lost and only the receipt can tell.
        """
        assert_predecessors(((e.originator_id, e.originator_version) for e in stored_events), self.versions_of)  # type: ignore[misc]
        params = {
            "basis": 2**62 if basis is None else basis,
            "seen": seen,
            "at": at,
            "ids": [e.originator_id for e in stored_events],
            "versions": [e.originator_version for e in stored_events],
            "topics": [e.topic for e in stored_events],
            "states": [e.state for e in stored_events],
            "command": receipt.id if receipt else None,
            "digest": receipt.digest if receipt else None,
            "door": receipt.door if receipt else None,
            "mac": mac,
        }
        with self._cursor() as cursor:
            try:
                ((head,),) = cursor.execute(self._append, params, binary=True, prepare=True).fetchall()
            except psycopg.OperationalError:
                self._lost.append(cursor.connection.info.backend_pid)
                raise
        if head is None:
            raise Conflict("the school changed, or a later time was recorded, while this was being decided")
        return list(range(head + 1, head + 1 + len(stored_events)))

    def receipt(self, command: str) -> Receipt | None:
        # A save whose connection broke may still be committing. One of ours has ended when its server process has; one
        # of somebody else holds the lock until then.
        self._wait_until(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(?) AND usename = current_user", self._lost
        )
        self._lost.clear()
        return self._receipt(self._fetch("SELECT * FROM {schema}.receipt_after_saves(?)", command))

    def settle(self) -> None:
        """Return once every save that was under way has ended. Raises Busy after five seconds."""
        held = "SELECT virtualtransaction FROM pg_locks WHERE relation = to_regclass(?) AND mode = 'ExclusiveLock'"
        standing = f'"{self.datastore.schema}".ledger_format'
        under_way = [holder for (holder,) in self._fetch(held, standing)]
        self._wait_until(
            "SELECT count(*) FROM pg_locks WHERE virtualtransaction = ANY(?) AND mode = 'ExclusiveLock' "
            "AND locktype = 'relation'",
            under_way,
        )

    def _wait_until(self, none_of: str, these: Sequence[object]) -> None:
        """Return once a count is zero, at once where there is nothing to count. Raises Busy after five seconds."""
        end = time.monotonic() + WAIT_SECONDS
        while these and self._fetch(none_of, these) != [(0,)]:
            if time.monotonic() > end:
                raise Busy(f"PostgreSQL: a save has been under way for {WAIT_SECONDS} seconds, so nobody can tell yet")
            time.sleep(PAUSE)

    def _statement(self, statement: str) -> str:
        if statement not in self._statements:
            listed = statement.replace("{in:?}", "= ANY(?)").replace("%", "%%").replace("?", "%s")
            self._statements[statement] = self._named(listed)
        return self._statements[statement]

    def _fetch(self, statement: str, *params: object) -> list[TupleRow]:
        with self._cursor(binary=True) as cursor:
            return cursor.execute(self._statement(statement), params).fetchall()

    @contextmanager
    def _cursor(self, *, binary: bool = False) -> Iterator[psycopg.Cursor[TupleRow]]:
        try:
            with self.datastore.get_connection() as connection:
                yield connection.cursor(row_factory=tuple_row, binary=binary)
        except (psycopg.Error, persistence.PersistenceError, sa.exc.SQLAlchemyError) as error:
            # Not "from error": the driver's own words hold the values of the row.
            raise meaning_of(error) from None
