"""The marks of an archive and of the ledger's tail after it, as the bulk reader of marks has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ledger.store import Reads
from projections.archive import Manifest, Segment, content
from projections.archive.columns import entries_of, from_parquet, unread
from projections.readmodel.frames import Entries
from projections.readmodel.marks import COLUMNS, Marks

READ = ["position", "version", "year", "pupil", "session", "code"]


class ArchivedMarks(Marks):
    """The marks of a ledger a page at a time, those of whole segments from an archive."""

    def __init__(self, folder: Path, manifest: Manifest, reads: Reads, until: int, parked: set[str]) -> None:
        self._folder, self._manifest = folder, manifest
        self._held: tuple[Segment, pl.DataFrame] | None = None  # the segment that pages are being taken from
        segments = _segments(manifest, 0, until)
        later = [_page(_read(folder, segment), 0, until).filter(pl.col("version") > 1) for segment in segments]
        super().__init__(reads, until, parked, after=min(manifest.position, until), later=later)

    def end(self, at: int, until: int, size: int) -> int:
        (segment, *_) = [*_segments(self._manifest, at, until), None]
        return super().end(at, until if segment is None else min(segment.last, until), size)

    def lines(self, after: int, until: int) -> tuple[int, bytes] | pl.DataFrame:
        # In a segment with an event that cannot be read, what is parked is found in the ledger.
        (segment, *_) = [*_segments(self._manifest, after, until), None]
        if segment is None or segment.unread or self._parked:
            return super().lines(after, until)
        if self._held is None or self._held[0] is not segment:
            self._held = segment, _read(self._folder, segment)
        return _page(self._held[1], after, until)


def tail(folder: Path, manifest: Manifest, reads: Reads, position: int, years: Sequence[int]) -> Entries:
    """Return the marks of these school years that were recorded after an archive's end, up to a position, in every
    version and none of them ended yet."""
    after = manifest.position
    source = Marks(reads, position, _unread(folder, manifest), after=after)
    marks = source.page(source.lines(after, position), after, position).marks
    return entries_of(marks.filter(pl.col("year").is_in(list(years))).rename({"from_position": "position"}))


def _segments(manifest: Manifest, after: int, until: int) -> list[Segment]:
    """Return the segments that hold something after a position and up to another."""
    return [each for each in manifest.segments if each.last > after and each.first <= until]


def _read(folder: Path, segment: Segment) -> pl.DataFrame:
    return from_parquet(content(folder, segment), READ).drop_nulls("code")


def _page(marks: pl.DataFrame, after: int, until: int) -> pl.DataFrame:
    """Return marks of a segment as the read model has them, without an end."""
    inside = marks.filter(pl.col("position").is_between(after, until, closed="right"))
    return inside.rename({"position": "from_position"}).select(
        *(pl.col(name).cast(kind) for name, kind in COLUMNS.items() if name != "until_position")
    )


def _unread(folder: Path, manifest: Manifest) -> set[str]:
    """Return the streams of an archive in which an event cannot be read."""
    parked: set[str] = set()
    for segment in manifest.segments:
        if segment.unread:
            rows = from_parquet(content(folder, segment), ["stream", "topic", "code"])
            parked |= set(unread(rows)["stream"])
    return parked
