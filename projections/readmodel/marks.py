"""Marks as columns: what a page of stored events says to the read model, worked out for all its rows at once.

This is the bulk reading of what `projector.meaning` reads event by event, and gives the same rows. No event is built
for a row: the marks of one register are the same bytes, so a page holds few different ones, and each of those is
decoded once, by the function that the live projector uses. How long a mark holds is known beforehand, from the
positions of all amendments, so that no row is written twice.

A page in which anything cannot be read is gone through row by row instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import polars as pl

from ledger import wire
from ledger.store import SEPARATOR, Reads
from projections.readmodel.projector import EntryRow, Parked, code_of, place_of, read_entries

KEY = ("year", "pupil", "session", "version")
COLUMNS = {
    "year": pl.Int16,
    "pupil": pl.String,
    "session": pl.Int32,
    "version": pl.Int32,
    "code": pl.Int16,
    "from_position": pl.Int64,
    "until_position": pl.Int64,
}
LINE = {"from_position": pl.Int64, "version": pl.Int32, "stream": pl.String, "state": pl.String}
SPAN = 500_000  # positions in which amendments are looked for at once


class Page(NamedTuple):
    """Finished rows of the read model, columns as in COLUMNS, and what could not be read, as rows of `parked`."""

    marks: pl.DataFrame
    parked: list[Parked]


class Marks:
    """The marks of a ledger up to a position, a page at a time. Pages are read in order; `parked` are the streams that
    are parked before the first, and grows. `later` are amendments known already, of events up to `after`."""

    def __init__(
        self, reads: Reads, until: int, parked: set[str], *, after: int = 0, later: Iterable[pl.DataFrame] = ()
    ) -> None:
        self._reads = reads
        self._parked = parked
        spans = (_amendments(reads, start, min(start + SPAN, until)) for start in range(after, until, SPAN))
        self._later = pl.concat([_empty(), *later, *spans]).select(
            *KEY[:3], version=pl.col("version") - 1, until_position="from_position"
        )

    def end(self, at: int, until: int, size: int) -> int:
        """Return where the page of so many positions ends that goes on from one position towards another."""
        return min(at + size, until)

    def lines(self, after: int, until: int) -> tuple[int, bytes] | pl.DataFrame:
        """Return the stored lines of a page, or its marks without an end, which may be read ahead."""
        return self._reads.entry_lines(after, until)

    def page(self, lines: tuple[int, bytes] | pl.DataFrame, after: int, until: int) -> Page:
        """Return the page that these lines are, of the events after a position up to another."""
        parked: list[Parked] = []
        try:
            marks = lines if isinstance(lines, pl.DataFrame) else _read(*lines, self._parked)
        except Unreadable:
            entries, parked = read_entries(self._reads.rows(after, until - after, until), self._parked)
            marks = _frame(entries)
        return Page(marks.join(self._later, on=KEY, how="left").select(*COLUMNS), parked)


class Unreadable(Exception):
    """Lines among which is something that is no event of an entry, or comes after one in its stream."""


def _amendments(reads: Reads, after: int, until: int) -> pl.DataFrame:
    """Return the later versions in a span, each of which ends an earlier one, whether it can be read or not."""
    try:
        return _read(*reads.entry_lines(after, until, amendments=True), set())
    except Unreadable:
        later = [row for row in reads.rows(after, until - after, until) if row.version > 1]
        return _frame(read_entries(later, set())[0])


def _read(count: int, lines: bytes, parked: set[str]) -> pl.DataFrame:
    """Return the rows that so many lines are, without an end. Raises Unreadable."""
    if not count:
        return _empty()
    try:
        rows = pl.read_csv(lines, has_header=False, separator=SEPARATOR, quote_char=None, schema=LINE)
        owned = pl.col("stream").str.splitn("/", 2).struct.rename_fields(["pupil", "place"])
        rows = rows.with_columns(owned.alias("owned")).unnest("owned")
        codes = {state: code_of(state.encode()) for state in rows["state"].unique().to_list()}
        places = {place: place_of(place) for place in rows["place"].unique().to_list()}
    except (pl.exceptions.PolarsError, wire.Undecodable, ValueError, LookupError, AttributeError) as error:
        raise Unreadable from error
    if len(rows) != count or (parked and rows["stream"].is_in(parked).any()):
        raise Unreadable
    years = {place: year for place, (year, _) in places.items()}
    sessions = {place: session for place, (_, session) in places.items()}
    return rows.select(
        pl.col("place").replace_strict(years, return_dtype=COLUMNS["year"]).alias("year"),
        "pupil",
        pl.col("place").replace_strict(sessions, return_dtype=COLUMNS["session"]).alias("session"),
        "version",
        pl.col("state").replace_strict(codes, return_dtype=COLUMNS["code"]).alias("code"),
        "from_position",
    )


def _frame(entries: list[EntryRow]) -> pl.DataFrame:
    return pl.DataFrame(entries, schema=COLUMNS, orient="row").drop("until_position")


def _empty() -> pl.DataFrame:
    return _frame([])


class Fingerprint(NamedTuple):
    """How many rows there are, and a number that depends on every one of them and not on their order (uint64, the sum
    of a mix of each row's columns). Of accidents, not of forgers, that is proof: the ledger is what is sealed."""

    rows: int
    mix: int

    def __add__(self, other: object) -> Fingerprint:
        assert isinstance(other, Fingerprint)
        return Fingerprint(self.rows + other.rows, (self.mix + other.mix) % 2**64)


def fingerprint(marks: pl.DataFrame) -> Fingerprint:
    """Return the fingerprint of finished rows."""
    numbers = {pupil: number_of(pupil) for pupil in marks["pupil"].unique().to_list()}
    pupils = marks["pupil"].replace_strict(numbers, return_dtype=pl.UInt64).to_numpy()
    return fingerprint_of(pupils, *(marks[name].fill_null(0).to_numpy() for name in COLUMNS if name != "pupil"))


def fingerprint_of(pupils: np.ndarray, *columns: np.ndarray) -> Fingerprint:
    """Return the fingerprint of rows given as the numbers of their pupils (uint64) and their other columns, in the
    order of COLUMNS and 0 for none."""
    mixed = pupils
    for column in columns:
        mixed = _mix(mixed ^ column.astype(np.uint64))
    return Fingerprint(len(mixed), int(mixed.sum(dtype=np.uint64)))


@lru_cache(maxsize=65_536)
def number_of(pupil: str) -> int:
    """Return the number of 64 bits that stands for a pupil in a fingerprint."""
    return int.from_bytes(sha256(pupil.encode()).digest()[:8], "big")


def _mix(values: np.ndarray) -> np.ndarray:
    """Return 64-bit numbers scattered (the finalizer of SplitMix64), so that rows which differ by little differ
    everywhere."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
