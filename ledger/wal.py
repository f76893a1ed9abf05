"""SQLite files: how one is opened so that asking makes and grows no file, and the write-ahead log in which it records.

A file in its write-ahead log wants two files beside it, `-wal` and `-shm`, also of those who only read. Where none may
be made (a read-only mount, a folder of somebody else's, a full disk) and no log is there, the file itself is all there
is, and is read as one that nobody changes. Where a log is there and cannot be read with it, the file alone would be an
older state of what was acknowledged: then it is not opened, and the sentence says so.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

PATIENCE = 5  # seconds
PAUSE = 0.01  # seconds
ROOM = 2**16  # bytes, of which the memory that connections share takes half
# What SQLite says where it may not make the files beside one, or has no room for them.
UNWRITABLE = (
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
)


def uri_of(path: Path | str, *, create: bool = False) -> str:
    """Return the URI of a SQLite file; with `create` of one that is made where it is missing."""
    return f"file:{quote(str(path))}?mode={'rwc' if create else 'rw'}"


def open_file(uri: str, *, timeout: float) -> sqlite3.Connection:
    """Return a connection to the file of a URI, without transactions of Python's own. One that may not be written is
    opened for reading; only a URI that creates makes a file. Raises sqlite3.DatabaseError."""
    path = unquote(uri.removeprefix("file:").partition("?")[0])
    if uri.endswith("mode=rwc"):
        return _connected(uri, timeout)
    if os.access(path, os.W_OK) and _has_room(path):
        connection = _connected(uri, timeout)
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
            return connection
        except sqlite3.DatabaseError as error:
            connection.close()  # which takes the files beside it away again
            if error.sqlite_errorcode & 255 not in UNWRITABLE:
                raise
    return _for_reading(path, timeout)


def open_damaged(uri: str, *, timeout: float) -> sqlite3.Connection:
    """Return a connection that reads what is left of the file of a URI, also of one that was cut off, and writes
    nothing."""
    path = unquote(uri.removeprefix("file:").partition("?")[0])
    connection = _connected(_uri_for_reading(path), timeout)
    # So SQLite takes a file for as long as it is, where it would refuse all of one shorter than it says of itself.
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute("PRAGMA query_only=ON")
    return connection


def opener(path: Path | str, *, timeout: float = PATIENCE) -> Callable[[], sqlite3.Connection]:
    """Return what opens a SQLite file for an engine of SQLAlchemy, which leaves it to Python to begin transactions."""

    def opened() -> sqlite3.Connection:
        connection = open_file(uri_of(path), timeout=timeout)
        connection.isolation_level = "DEFERRED"
        return connection

    return opened


def may_be_written(connection: sqlite3.Connection) -> bool:
    """Whether a connection was opened on a file that may be written."""
    ((answer,),) = connection.execute("PRAGMA query_only").fetchall()
    return not answer


def _has_room(path: str) -> bool:
    """Whether the files beside one are there, or there is room for them: SQLite would leave what it began of them."""
    if os.path.exists(f"{path}-shm"):
        return True
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize >= ROOM


def _for_reading(path: str, timeout: float) -> sqlite3.Connection:
    connection = _connected(_uri_for_reading(path), timeout)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.OperationalError as error:
        connection.close()
        if not _logged(path):
            raise
        raise sqlite3.OperationalError(
            f"{Path(path).name}-wal holds what is not in {Path(path).name} yet, and cannot be read where nothing may "
            "be written: copy the two together to a folder that may"
        ) from error
    connection.execute("PRAGMA query_only=ON")
    return connection


def _uri_for_reading(path: str) -> str:
    # Without a log nobody is at work on it, so that it can be read as it lies there.
    return uri_of(path).replace("mode=rw", "mode=ro" if _logged(path) else "mode=ro&immutable=1")


def _logged(path: str) -> bool:
    log = Path(f"{path}-wal")
    return log.exists() and log.stat().st_size > 0


def _connected(uri: str, timeout: float) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None, timeout=timeout)


def switch_to_wal(connection: sqlite3.Connection) -> None:
    """Have the connection's file use its write-ahead log, now and for ever. Raises sqlite3.OperationalError.

    Where several processes switch the same new file, SQLite tells all but one that it is locked, at once and whatever
    the timeout; a moment later it is switched.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)
