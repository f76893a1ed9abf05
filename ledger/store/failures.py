"""What a database's error means to us: one of our own, in one line, without the statement and its values.

SQLAlchemy repeats the statement and what was in it; a driver's second line holds the row that did not fit. Either may
name a child, so neither is repeated, nor chained.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ledger.errors import LedgerError, Misconfigured, Refused
from ledger.store.rows import WAIT_SECONDS, Busy, Conflict, Damaged, Unavailable, clock_ahead, said

if TYPE_CHECKING:
    import sqlalchemy as sa

# States of PostgreSQL (its manual, appendix A), and those that our own functions raise: the class AT is nobody's.
NO_RIGHT, NO_LOCK, CANCELLED, READ_ONLY = "42501", "55P03", "57014", "25006"
NEWER, NOT_AN_EVENT, AHEAD = "AT001", "AT002", "AT003"
VALUES_IN_ITS_WORDS = ("22", "21")  # classes whose message repeats what was given


def meaning_of(error: BaseException) -> LedgerError:
    """Return our own error for one of a database, its driver or what stands between."""
    if isinstance(error, LedgerError):
        return error
    cause: BaseException = getattr(error, "orig", None) or error
    module = type(cause).__module__.partition(".")[0]
    state = getattr(cause, "sqlstate", None) or getattr(cause.__cause__, "sqlstate", None)
    kinds = {kind.__name__ for kind in type(cause).__mro__}
    if isinstance(cause, sqlite3.Error) or (module == "eventsourcing" and isinstance(cause.__cause__, sqlite3.Error)):
        return _of_sqlite(cause, kinds)
    if state == NEWER:
        return Refused("newer_ledger", field="ledger")
    if state == AHEAD:
        return clock_ahead(int(said(cause)))
    if "IntegrityError" in kinds:
        return Conflict(f"PostgreSQL: {said(cause)}")
    if state in (NO_LOCK, CANCELLED) or type(error).__name__ == "TimeoutError":
        return Busy(f"PostgreSQL: nothing was done, somebody else held on to it for {WAIT_SECONDS} seconds")
    if state == READ_ONLY:
        return Misconfigured("this database can only be read, so nothing can be recorded in it")
    if state == NO_RIGHT:
        return Misconfigured(f"this account may not do that: {said(cause)}")
    if "OperationalError" in kinds or "InterfaceError" in kinds:
        return Unavailable(f"PostgreSQL: {said(cause)}")
    words = type(cause).__name__ if state is None or state[:2] in VALUES_IN_ITS_WORDS else said(cause)
    return Misconfigured(f"PostgreSQL refuses it: {words}{f' (state {state})' if state else ''}")


def _of_sqlite(cause: BaseException, kinds: set[str]) -> LedgerError:
    if "IntegrityError" in kinds:
        return Conflict(said(cause))
    code = int(getattr(cause, "sqlite_errorcode", 0) or getattr(cause.__cause__, "sqlite_errorcode", 0))
    if code & 255 in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Damaged(f"the file is damaged, as SQLite says: {said(cause)}")
    # Locked for too long, disk full, no database at all: what the file holds is unchanged.
    return Unavailable(f"SQLite: {said(cause)}")


# What callers tell apart by itself: a table or column that is not there, a right, a lock. SQLite has no states.
TOLD_APART = ("42P01", "42703", NO_RIGHT, NO_LOCK)
TOLD_APART_BY_SQLITE = ("no such table", "no such column", "readonly", "has no column")


def speak_our_words(engine: sa.Engine) -> None:
    """Have an engine of SQLAlchemy raise our own error where the database is not there, is too slow or refuses a value:
    without the statement and what was in it. A key that is taken, and what callers tell apart, stays what it is."""
    import sqlalchemy as sa

    def spoken(context: sa.engine.ExceptionContext) -> LedgerError | None:
        error = context.sqlalchemy_exception or context.original_exception
        state = getattr(context.original_exception, "sqlstate", None)
        told = any(words in str(context.original_exception) for words in TOLD_APART_BY_SQLITE) if not state else False
        if isinstance(error, sa.exc.IntegrityError) or state in TOLD_APART or told or not of_a_database(error):
            return None
        return meaning_of(error)

    sa.event.listen(engine, "handle_error", spoken)


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raise our own error where a database or its driver raises one of theirs."""
    try:
        yield
    except LedgerError:
        raise
    except Exception as error:
        if not of_a_database(error):
            raise
        raise meaning_of(error) from None


def of_a_database(error: BaseException) -> bool:
    """Whether an error is a database's, its driver's, or of what stands between them and us."""
    packages = {kind.__module__.partition(".")[0] for kind in type(getattr(error, "orig", None) or error).__mro__}
    return not packages.isdisjoint({"sqlite3", "psycopg", "sqlalchemy", "eventsourcing"})
