"""Reading an archive: the marks of its segments, and of the tail of the ledger after them, as kernels take them.

A mark of one segment may be ended by an amendment in a later one, or in the tail. Those are few, because most
amendments come within days; each is looked up by pupil and session, and everything else is taken as it stands.
Every file that is read is hashed first, from the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from ledger import wire
from ledger.errors import Misconfigured
from ledger.store import Ledger, Reads
from projections.archive import Held, Manifest, Segment, content, read_manifest
from projections.archive.columns import from_parquet
from projections.frames import NEVER, Entries
from projections.marks import COLUMNS, Marks

READ = ["position", "version", "year", "pupil", "session", "code", "until_position"]
# Rows that are no marks hold nothing; NumPy has no such thing, so they get numbers before they are passed over.
FILLED = (
    pl.col("code").is_not_null().alias("is_mark"),
    pl.col("year", "session", "code").fill_null(0),
    pl.col("until_position").fill_null(int(NEVER)),
)
SESSIONS = 2**23  # more than there are numbers of sessions up to the last day that a date can be


class Archive:
    """An opened archive."""

    def __init__(self, folder: Path, held: Held) -> None:
        self.folder = folder
        self.held = held

    @property
    def manifest(self) -> Manifest:
        return self.held.manifest

    @property
    def position(self) -> int:
        return self.manifest.position

    def check(self, ledger: Ledger) -> None:
        """Raise Misconfigured unless this is an archive of that ledger: the same first event, and the same one at the
        end of each segment."""
        manifest = self.manifest
        if ledger.identity != manifest.ledger:
            raise Misconfigured(f"the archive {self.folder} is of another ledger, school {manifest.urn}")
        ends = {
            row.position: wire.leaf(*row).hex() for row in ledger.reads.rows_at([s.last for s in manifest.segments])
        }
        for segment in manifest.segments:
            if ends.get(segment.last) != segment.head:
                raise Misconfigured(
                    f"the event at position {segment.last} of the ledger is not the one that {segment.file} in "
                    f"{self.folder} ends with: 'attendance archive --verify' says more"
                )

    def segments(self, after: int, until: int, years: Iterable[int] | None = None) -> list[Segment]:
        """Return the segments that hold something after a position and up to another, of some school years or all."""
        wanted = None if years is None else set(years)
        return [
            segment
            for segment in self.manifest.segments
            if segment.last > after
            and segment.first <= until
            and (wanted is None or not wanted.isdisjoint(segment.years))
        ]

    def read(self, segment: Segment, columns: Sequence[str] = READ) -> pl.DataFrame:
        """Return the marks of a segment. Raises Misconfigured where its file is not the one of the manifest."""
        return from_parquet(content(self.folder, segment), list(columns)).filter(pl.col("code").is_not_null())

    def raw(self, name: str) -> bytes:
        """Return the file of the roll, the calendar or the notices. Raises Misconfigured as `read` does."""
        return content(self.folder, getattr(self.manifest, name))

    def entries(self, reads: Reads | None, position: int, years: Sequence[int] | None = None) -> Entries:
        """Return the marks of these school years (all where None) in every version that was known at a position, and
        perhaps later ones: `known_at` picks. What came after the archive is read from the ledger."""
        parts = [from_parquet(content(self.folder, each), READ) for each in self.segments(0, position, years)]
        if position > self.position:
            assert reads is not None, "a position after the archive's end is the ledger's"
            parts.append(_tail(self, reads, position))
        return _joined(parts, years)

    def standing(self, reads: Reads | None, position: int, years: Sequence[int] | None = None) -> Entries:
        """Return the marks of these school years (all where None) that stand at a position."""
        segments = self.segments(0, position, years)
        if len(segments) != 1 or position > self.position:
            return self.entries(reads, position, years).known_at(position)
        known = pl.col("position") <= position
        stands = pl.col("until_position").is_null() | (pl.col("until_position") > position)
        of_years = pl.lit(True) if years is None else pl.col("year").is_in(list(years))
        return self._standing_in(segments[0], known & stands & of_years, ["position"])

    def last_standing(self) -> Entries:
        """Return the marks of all school years that stand at the archive's end. Since when, which takes longer to read
        than all the rest, may be left out (`from_position` 0)."""
        segments = self.manifest.segments
        if len(segments) != 1:
            return self.standing(None, self.position)
        return self._standing_in(segments[0], pl.col("until_position").is_null(), [])

    def _standing_in(self, segment: Segment, wanted: pl.Expr, position: list[str]) -> Entries:
        """Return standing marks of a segment whose every end is in the segment too: it is read, chosen from and done
        with in one go."""
        scanned = pl.scan_parquet(io.BytesIO(content(self.folder, segment))).filter(
            pl.col("code").is_not_null() & wanted
        )
        marks = scanned.select("pupil", "session", "code", *position).collect()
        pupils, (pupil,) = _indexed([marks])
        columns = [marks[name].to_numpy() for name in ("session", "code", *position)]
        # One number for every row takes no memory.
        without = [np.broadcast_to(number, len(marks)) for number in (np.int64(0), NEVER)][len(position) :]
        return Entries(pupils, pupil, *columns, *without)


def open_archive(folder: Path, ledger: Ledger | None = None) -> Archive:
    """Return the archive of a folder, held against the ledger where that is given. Raises Misconfigured."""
    held = read_manifest(folder)
    if held is None:
        raise Misconfigured(f"there is no archive in {folder}: 'attendance archive' writes one")
    archive = Archive(folder, held)
    if ledger is not None:
        archive.check(ledger)
    return archive


class ArchivedMarks(Marks):
    """The marks of a ledger a page at a time, those of whole segments from an archive."""

    def __init__(self, archive: Archive, reads: Reads, until: int, parked: set[str]) -> None:
        self._archive = archive
        segments = archive.segments(0, until)
        later = [_page(archive.read(segment), 0, until).filter(pl.col("version") > 1) for segment in segments]
        super().__init__(reads, until, parked, after=min(archive.position, until), later=later)

    def ends(self, at: int, until: int, size: int) -> list[int]:
        inside = [segment.last for segment in self._archive.segments(at, until) if segment.last < until]
        beyond = max(at, self._archive.position)
        return [*inside, *super().ends(beyond, until, size)] if beyond < until else [*inside, until]

    def lines(self, after: int, until: int) -> tuple[int, bytes] | pl.DataFrame:
        # In a segment with an event that cannot be read, what is parked is found in the ledger.
        (segment, *_) = [*self._archive.segments(after, until), None]
        if segment is None or segment.unread or self._parked:
            return super().lines(after, until)
        return _page(self._archive.read(segment), after, until)


def _page(marks: pl.DataFrame, after: int, until: int) -> pl.DataFrame:
    """Return marks of a segment as the read model has them, without an end."""
    inside = marks.filter(pl.col("position").is_between(after, until, closed="right"))
    return inside.rename({"position": "from_position"}).select(
        *(pl.col(name).cast(kind) for name, kind in COLUMNS.items() if name != "until_position")
    )


def _tail(archive: Archive, reads: Reads, position: int) -> pl.DataFrame:
    """Return the marks recorded after the archive's end, up to a position, none of them ended yet."""
    parked = _unread(archive)
    after = archive.position
    found = Marks(reads, position, parked, after=after)
    page = found.page(found.lines(after, position), after, position)
    marks = page.marks.rename({"from_position": "position"})
    return marks.select(READ).with_columns(
        pl.lit(None, pl.Int64).alias("until_position"), pl.col("code").cast(pl.UInt8)
    )


def _unread(archive: Archive) -> set[str]:
    """Return the streams of the archive in which an event cannot be read."""
    parked: set[str] = set()
    for segment in archive.manifest.segments:
        if segment.unread:
            rows = from_parquet(content(archive.folder, segment), ["stream", "topic", "code"])
            unread = pl.col("topic").str.starts_with("entry.") & pl.col("code").is_null()
            parked |= set(rows.filter(unread)["stream"])
    return parked


def _joined(parts: Sequence[pl.DataFrame], years: Sequence[int] | None) -> Entries:
    """Return the marks of segments and tail, in that order, as one frame, each mark ended by the next of its entry.

    Rows are chosen as numbers, because a copy of the pupils' texts would take longer than everything else."""
    parts = [part.with_columns(*FILLED) for part in parts]
    chosen = [_chosen(part, years) for part in parts]
    pupils, whose = _indexed(parts)

    def together(columns: Iterable[np.ndarray], kind: type) -> np.ndarray:
        picked = [column[rows] for column, rows in zip(columns, chosen, strict=True)]
        return picked[0] if len(picked) == 1 else np.concatenate([np.empty(0, kind), *picked], dtype=kind)

    def column(name: str, kind: type) -> np.ndarray:
        return together((part[name].to_numpy() for part in parts), kind)

    frame = Entries(
        pupils,
        together(whose, np.int32),
        column("session", np.int32),
        column("code", np.uint8),
        column("position", np.int64),
        column("until_position", np.int64),
    )
    _end_across(frame, column("year", np.int64), column("version", np.int32))
    return frame


def _indexed(parts: Sequence[pl.DataFrame]) -> tuple[list[str], list[np.ndarray]]:
    """Return the pupils, in order, and of each part the place among them of every row's, -1 where it has none."""
    runs = [part["pupil"].rle().struct.unnest() for part in parts]
    values = [run["value"].to_list() for run in runs]
    pupils = sorted({pupil for value in values for pupil in value if pupil is not None})
    place: dict[str | None, int] = {pupil: index for index, pupil in enumerate(pupils)} | {None: -1}
    return pupils, [
        np.repeat(np.array([place[each] for each in value], np.int32), run["len"].to_numpy())
        for value, run in zip(values, runs, strict=True)
    ]


def _chosen(part: pl.DataFrame, years: Sequence[int] | None) -> np.ndarray:
    """Return the rows that are marks, of these school years."""
    marks = part["is_mark"].to_numpy()
    if years is not None:
        marks = marks & np.isin(part["year"].to_numpy(), list(years))
    return np.flatnonzero(marks)


def _end_across(frame: Entries, year: np.ndarray, version: np.ndarray) -> None:
    """End, in place, the marks whose next version stands in a later segment or in the tail."""
    later = np.flatnonzero(version > 1)
    ended = frame.until_position[frame.until_position != NEVER]
    carried = later[~np.isin(frame.from_position[later], ended)]
    if not len(carried):
        return
    cell = (year.astype(np.int64) * len(frame.pupils) + frame.pupil) * SESSIONS + frame.session
    wanted = np.unique(cell[carried])
    found = np.minimum(np.searchsorted(wanted, cell), len(wanted) - 1)
    rows = np.flatnonzero(wanted[found] == cell)
    rows = rows[np.lexsort((frame.from_position[rows], cell[rows]))]
    same = cell[rows[:-1]] == cell[rows[1:]]
    frame.until_position[rows[:-1][same]] = frame.from_position[rows[1:][same]]
