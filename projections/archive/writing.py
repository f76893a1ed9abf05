"""Writing an archive: only ever adding to one that still is what the ledger says, every file durable before its name
is known.

A pass over the ledger hashes every row up to the end of what is to be archived. So before anything is added it is
known whether the files there are those of the manifest, and whether the ledger is still the one that they were made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ledger import seal as seals
from ledger import wire
from ledger.durable import write_durably
from ledger.errors import Misconfigured
from ledger.school import School, take_in
from ledger.seal import Reading, Seal
from ledger.sessions import LONDON, format_year, from_micros, micros, parse_moment, school_year
from ledger.store import Ledger, Row, position_at
from projections.archive import (
    FORMAT,
    MANIFEST,
    NOTE,
    Held,
    Manifest,
    Segment,
    Table,
    YearMarks,
    check_files,
    content,
    encode,
    read_manifest,
)
from projections.archive.columns import (
    PACKED_FROM,
    from_parquet,
    marks_by_year,
    segment_of,
    tables_of,
    times_of,
    to_parquet,
    unread,
)
from projections.archive.packed import pack_marks, pack_references, pack_times
from projections.archive.signing import sign
from projections.readmodel.replay import pages

Progress = Callable[[int], None]


class Span(NamedTuple):
    """Positions, both inclusive, that were recorded in one school year."""

    year: int
    first: int
    last: int


class Written(NamedTuple):
    """What was made: the manifest now in force, the segments that are new, and whether it is signed."""

    manifest: Manifest | None
    new: list[Segment]
    signed: bool


def end_of_last_year(now: date) -> int:
    """Return the last microsecond of the last school year that is over on a day."""
    return end_of_year(school_year(now) - 1)


def end_of_year(year: int) -> int:
    return end_of_day(date(year + 1, 7, 31))


def end_of_day(day: date) -> int:
    """Return the last microsecond of a day in London."""
    return micros(parse_moment(day.isoformat(), end_of_day=True))


def spans(ledger: Ledger, after: int, until: int) -> Iterator[Span]:
    """Yield what was recorded after a position and up to a moment, a school year at a time."""
    last_wanted = position_at(ledger.reads, until)
    while after < last_wanted:
        (row,) = ledger.reads.rows_at([after + 1])
        year = school_year(from_micros(row.recorded_at).astimezone(LONDON).date())
        last = min(position_at(ledger.reads, end_of_year(year)), last_wanted)
        yield Span(year, after + 1, last)
        after = last


def write(
    ledger: Ledger, folder: Path, until: int, seal: Seal | None = None, progress: Progress | None = None
) -> Written:
    """Return what was made of everything recorded up to a moment. What is archived already stays as it is.

    Raises Misconfigured where a file there or the ledger is not what the manifest says, and BrokenSeal where the ledger
    is no continuation of what the seal signed; then the archive stays what it was.
    """
    held = read_manifest(folder)
    earlier = held.manifest.segments if held else []
    if held and held.manifest.ledger != ledger.identity:
        raise Misconfigured(f"the archive {folder} is of another ledger, school {held.manifest.urn}")
    after = held.manifest.position if held else 0
    planned = list(spans(ledger, after, until))
    if not planned and not held:
        return Written(None, [], False)
    end = planned[-1].last if planned else after
    checkpoints = [each for each in seal.checkpoints() if each.size <= end] if seal else []
    ends = [each.last for each in earlier] + [each.last for each in planned]
    sizes = {*ends, *(each.size for each in checkpoints)}
    reading = Reading(sizes)
    for page in pages(ledger, after):
        _take(reading, page, progress)
    check_files(folder, held.manifest if held else None)
    for segment in earlier:
        if reading.size < segment.last or reading.roots[segment.last].hex() != segment.root:
            raise Misconfigured(
                f"an event among positions {segment.first} to {segment.last} of the ledger is not the one in "
                f"{folder / segment.file}: 'attendance archive --verify' names it"
            )
    folder.mkdir(parents=True, exist_ok=True)
    new = _write_segments(ledger, folder, planned, earlier, reading, progress)
    if seal and (broken := seals.findings(reading, checkpoints, seal.held()[: len(reading.leaves)])):
        raise seals.BrokenSeal(f"nothing was signed: {broken[-1].sentence} (position {broken[-1].position})")
    if new or held is None:
        held = _write_manifest(ledger, folder, [*earlier, *new], held)
    return Written(held.manifest, new, sign(folder, held, seal))


def _take(reading: Reading, rows: list[Row], progress: Progress | None) -> None:
    reading.take(rows)
    if progress is not None:
        progress(reading.size)


def _write_segments(
    ledger: Ledger,
    folder: Path,
    planned: list[Span],
    earlier: list[Segment],
    reading: Reading,
    progress: Progress | None,
) -> list[Segment]:
    """Return the new segments, written, and the reading brought to their end."""
    parked = _parked(ledger, earlier)
    new = []
    for span in planned:
        rows: list[Row] = []
        for page in pages(ledger, span.last, span.first - 1):
            _take(reading, page, progress)
            rows += page
        frame = segment_of(rows, parked)
        new.append(write_segment(folder, span.year, frame, wire.leaf(*rows[-1]), reading.roots[span.last]))
    return new


def _parked(ledger: Ledger, earlier: list[Segment]) -> set[str]:
    """Return the streams in which an event of earlier segments cannot be read."""
    parked: set[str] = set()
    for segment in earlier:
        if segment.unread:
            rows = [row for page in pages(ledger, segment.last, segment.first - 1) for row in page]
            segment_of(rows, parked)
    return parked


def write_segment(folder: Path, year: int, frame: pl.DataFrame, head: bytes, root: bytes) -> Segment:
    """Return a segment, its file written; `head` is the leaf hash of its last event, `root` the ledger's there."""
    raw = to_parquet(frame)
    first, last = (int(getattr(frame["position"], which)()) for which in ("min", "max"))
    file = _written(folder, f"{file_year(year)}.{first}-{last}.parquet", raw)
    return described(file["file"], file["sha256"], year, frame, head, root)


def described(name: str, digest: str, year: int, frame: pl.DataFrame, head: bytes, root: bytes) -> Segment:
    """Return what a manifest says of a segment."""
    marks = frame.filter(frame["topic"].str.starts_with("entry."))
    lost = len(unread(frame))
    summed = frame.select(
        pl.min("position").alias("first"),
        pl.max("position").alias("last"),
        pl.max("recorded_at"),
        pl.len().alias("rows"),
    )
    return Segment(
        file=name,
        sha256=digest,
        year=year,
        marks=len(marks) - lost,
        unread=lost,
        years=sorted(marks["year"].drop_nulls().unique().to_list()),
        head=head.hex(),
        root=root.hex(),
        **summed.row(0, named=True),
    )


def _write_manifest(ledger: Ledger, folder: Path, segments: list[Segment], before: Held | None) -> Held:
    references = ledger.reads.reference_rows(0, segments[-1].last)
    columns = [from_parquet(content(folder, each), PACKED_FROM) for each in segments]
    return write_manifest(folder, ledger.identity, segments, references, columns, before)


def write_manifest(
    folder: Path,
    identity: str,
    segments: list[Segment],
    references: list[Row],
    columns: Sequence[pl.DataFrame],
    before: Held | None = None,
) -> Held:
    """Return the manifest of these segments, of which `columns` are PACKED_FROM, written after the files beside them;
    `references` are all reference events in them."""
    school = take_in(School(), references)
    assert school.opened is not None, "a ledger with events has been opened"
    # Named by the end: until the manifest is replaced, the old one still finds its own.
    end = segments[-1].last
    tables = {
        name: Table(**_written(folder, f"{name}.{end}.parquet", to_parquet(frame)), rows=len(frame))
        for name, frame in tables_of(school).items()
    }
    file = _written(folder, f"references.{end}.arrow", pack_references(references))
    tables["references"] = Table(**file, rows=len(references))
    tables["times"] = Table(**_written(folder, f"times.{end}.arrow", pack_times(times_of(columns))), rows=end)
    # A year to which nothing was added keeps its file: the old manifest finds its own bytes until the new one is there.
    kept = {each.file: each for each in before.manifest.marks} if before else {}
    marks = []
    for year, entries in marks_by_year(columns).items():
        name = f"marks.{file_year(year)}.{entries.from_position[-1]}.arrow"
        if name not in kept:
            written = _written(folder, name, pack_marks(entries))
            kept[name] = YearMarks(**written, rows=len(entries.pupil), year=year)
        marks.append(kept[name])
    manifest = Manifest(
        format=FORMAT,
        ledger=identity,
        urn=school.opened.urn,
        simulated=school.opened.simulated,
        position=end,
        root=segments[-1].root,
        segments=segments,
        marks=marks,
        **tables,
    )
    raw = encode(manifest)
    # A note is of one manifest: rather none for a moment than one that does not belong.
    (folder / NOTE).unlink(missing_ok=True)
    write_durably(folder / MANIFEST, raw)
    if before is not None:
        for old in {each.file for each in before.manifest.files} - {each.file for each in manifest.files}:
            with suppress(FileNotFoundError):
                (folder / old).unlink()
    return Held(manifest, raw)


def file_year(year: int) -> str:
    """Return a school year as file names have it, 2024-25 for 2024."""
    return format_year(year).replace("/", "-")


def _written(folder: Path, name: str, raw: bytes) -> dict[str, str]:
    write_durably(folder / name, raw)
    return {"file": name, "sha256": sha256(raw).hexdigest()}
