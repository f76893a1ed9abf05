"""The staging file: an import's marks and rejected cells, put in order outside of memory.

Problem: rows that disagree may lie at both ends of a file, marks must be saved in one order however the file is sorted,
and a file of any size must fit. Observation: sorting on disk is what a database does. Choice: SQLite's own private
database, which has no name: it is opened with mode 600, removed from its folder at once, and gone with the process
however that ends, so comments are never left lying about.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from ledger.durable import write_whole
from ledger.errors import LedgerError
from ledger.text import in_a_sheet

CHUNK = 5_000
REJECTS_HEADER = ["row", "column", "value", "reason"]


class StagedMark(NamedTuple):
    """A mark under the school's own admission number; `session` is its number, `column` where the code stood."""

    pupil: str
    session: int
    row: int
    code: str
    column: str
    comment: str


class Rejected(NamedTuple):
    """A line of the rejects file; `session` is blank where the row or cell could not be read so far."""

    row: int
    column: str
    value: str
    reason: str
    session: str = ""


class Staging:
    """A private store for the time of a `with`. What is added is read back in order of pupil, session and row."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._marks: list[StagedMark] = []
        self._rejects: list[Rejected] = []
        # Nothing here outlives the process, so nothing is kept for a recovery.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "temp_store=FILE", "cache_size=-8000"):
            self._database.execute(f"PRAGMA {pragma}")
        for table in ("staged", "ready"):
            self._database.execute(
                f"CREATE TABLE {table} (pupil TEXT, session INTEGER, row INTEGER, code TEXT, column TEXT, comment TEXT)"
            )
        self._database.execute("CREATE TABLE rejects (row INTEGER, column TEXT, value TEXT, reason TEXT, session TEXT)")
        self._database.execute("BEGIN")

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def add(self, mark: StagedMark) -> None:
        self._marks.append(mark)
        if len(self._marks) >= CHUNK:
            self._flush()

    def reject(self, rejected: Rejected) -> None:
        self._rejects.append(rejected)
        if len(self._rejects) >= CHUNK:
            self._flush()

    def keep(self, marks: Sequence[StagedMark]) -> None:
        """Put marks, in the order in which they are to be saved, where `batches` finds them."""
        self._database.executemany("INSERT INTO ready VALUES (?, ?, ?, ?, ?, ?)", marks)

    def sessions(self) -> Iterator[list[StagedMark]]:
        """Yield the marks of each pupil and session, usually one, in order; those of a session in order of row."""
        self._flush()
        found = self._database.execute("SELECT * FROM staged ORDER BY pupil, session, row")
        for _, same in groupby(map(StagedMark._make, found), key=attrgetter("pupil", "session")):
            yield list(same)

    def batches(self, size: int) -> Iterator[list[StagedMark]]:
        """Yield what was kept, in order, `size` at a time and one more where that would split a pupil's day."""
        batch: list[StagedMark] = []
        for mark in map(StagedMark._make, self._database.execute("SELECT * FROM ready ORDER BY rowid")):
            if len(batch) >= size and _day(mark) != _day(batch[-1]):
                yield batch
                batch = []
            batch.append(mark)
        if batch:
            yield batch

    def count(self, table: str) -> int:
        """Return how many are `staged`, `ready` or among the `rejects`."""
        self._flush()
        return int(self._database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def has_comments(self) -> bool:
        return bool(self._database.execute("SELECT 1 FROM ready WHERE comment <> '' LIMIT 1").fetchone())

    def reasons(self) -> dict[str, int]:
        """Return how many were rejected for each reason, the most frequent first."""
        self._flush()
        counted = "SELECT reason, count(*) FROM rejects GROUP BY reason ORDER BY count(*) DESC, reason"
        return dict(self._database.execute(counted).fetchall())

    def write_rejects(self, path: Path) -> None:
        """Write the rejects file in order of row, readable by its owner only; without rejects there is none.

        Raises LedgerError where it cannot be written.
        """
        try:
            if self.count("rejects"):
                self._write_rejects(path)
            elif path.is_file():
                # One that an earlier run left would be taken for this one's; /dev/null is no such file.
                path.unlink()
        except OSError as error:
            raise LedgerError(f"{path}: the rejects cannot be written, {error.strerror}") from None

    def _write_rejects(self, path: Path) -> None:
        if path.exists() and not path.is_file():
            return  # /dev/null, say
        write_whole(path, self._write_table)

    def _write_table(self, draft: Path) -> None:
        with draft.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(REJECTS_HEADER)
            for rejected in map(Rejected._make, self._database.execute("SELECT * FROM rejects ORDER BY row, rowid")):
                about = f"{rejected.session}: " if rejected.session else ""
                texts = (rejected.column, rejected.value, about + rejected.reason)
                writer.writerow([rejected.row, *map(in_a_sheet, texts)])

    def _flush(self) -> None:
        self._database.executemany("INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?)", self._marks)
        self._database.executemany("INSERT INTO rejects VALUES (?, ?, ?, ?, ?)", self._rejects)
        self._marks, self._rejects = [], []


def check_rejects_path(path: Path) -> None:
    """Raise LedgerError where no rejects file can be written, or something else lies that it would replace."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            first = file.readline().rstrip("\r\n")
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise LedgerError(f"{path}: there is no such folder for the rejects") from None
        return
    except OSError as error:
        raise LedgerError(f"{path}: the rejects cannot be written there, {error.strerror}") from None
    if first and first != ",".join(REJECTS_HEADER):
        raise LedgerError(f"{path}: another file lies there, which the rejects would replace: choose another name")


def _day(mark: StagedMark) -> tuple[str, int]:
    return mark.pupil, mark.session // 2
