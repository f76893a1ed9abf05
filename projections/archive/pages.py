"""The marks of an archive and of the ledger's tail after it, as the bulk reader of marks has them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ledger.store import Reads
from projections.archive import Segment, content
from projections.archive.columns import entries_of, from_parquet, unread
from projections.archive.reading import Archive
from projections.frames import Entries
from projections.marks import COLUMNS, Marks

READ = ["position", "version", "year", "pupil", "session", "code"]


class ArchivedMarks(Marks):
    """The marks of a ledger a page at a time, those of whole segments from an archive."""

    def __init__(self, archive: Archive, reads: Reads, until: int, parked: set[str]) -> None:
        self._archive = archive
        self._held: tuple[Segment, pl.DataFrame] | None = None  # the segment that pages are being taken from
        segments = _segments(archive, 0, until)
        later = [_page(_read(archive, segment), 0, until).filter(pl.col("version") > 1) for segment in segments]
        super().__init__(reads, until, parked, after=min(archive.position, until), later=later)

    def end(self, at: int, until: int, size: int) -> int:
        (segment, *_) = [*_segments(self._archive, at, until), None]
        return super().end(at, until if segment is None else min(segment.last, until), size)

    def lines(self, after: int, until: int) -> tuple[int, bytes] | pl.DataFrame:
        # In a segment with an event that cannot be read, what is parked is found in the ledger.
        (segment, *_) = [*_segments(self._archive, after, until), None]
        if segment is None or segment.unread or self._parked:
            return super().lines(after, until)
        if self._held is None or self._held[0] is not segment:
            self._held = segment, _read(self._archive, segment)
        return _page(self._held[1], after, until)


def tail(archive: Archive, reads: Reads, position: int, years: Sequence[int]) -> Entries:
    """Return the marks of these school years that were recorded after an archive's end, up to a position, in every
    version and none of them ended yet."""
    after = archive.position
    found = Marks(reads, position, _unread(archive), after=after)
    marks = found.page(found.lines(after, position), after, position).marks
    return entries_of(marks.filter(pl.col("year").is_in(list(years))).rename({"from_position": "position"}))


def _segments(archive: Archive, after: int, until: int) -> list[Segment]:
    """Return the segments that hold something after a position and up to another."""
    return [each for each in archive.manifest.segments if each.last > after and each.first <= until]


def _read(archive: Archive, segment: Segment) -> pl.DataFrame:
    return from_parquet(content(archive.folder, segment), READ).drop_nulls("code")


def _page(marks: pl.DataFrame, after: int, until: int) -> pl.DataFrame:
    """Return marks of a segment as the read model has them, without an end."""
    inside = marks.filter(pl.col("position").is_between(after, until, closed="right"))
    return inside.rename({"position": "from_position"}).select(
        *(pl.col(name).cast(kind) for name, kind in COLUMNS.items() if name != "until_position")
    )


def _unread(archive: Archive) -> set[str]:
    """Return the streams of the archive in which an event cannot be read."""
    parked: set[str] = set()
    for segment in archive.manifest.segments:
        if segment.unread:
            rows = from_parquet(content(archive.folder, segment), ["stream", "topic", "code"])
            parked |= set(unread(rows)["stream"])
    return parked
