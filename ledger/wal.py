"""The write-ahead log of SQLite, which lets readers and a writer work side by side."""

import sqlite3
import time
from typing import Any

PATIENCE = 5  # seconds
PAUSE = 0.01  # seconds


def switch_to_wal(connection: Any) -> None:
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
