"""Verifying an archive: files against the manifest, the manifest against its signature, rows against themselves and,
where it is there, against the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from ledger import wire
from ledger.errors import Misconfigured
from ledger.finding import Finding
from ledger.merkle import Frontier
from ledger.note import VerifierKey
from ledger.school import School, take_in
from ledger.sessions import format_year
from ledger.store import VOLUME_KINDS, Ledger, Row
from projections.archive import NOTE, Held, Manifest, Segment, Table, content
from projections.archive.columns import (
    PACKED_FROM,
    from_parquet,
    marks_by_year,
    rows_of,
    segment_of,
    tables_of,
    times_of,
)
from projections.archive.packed import are_marks, unpack_references, unpack_times
from projections.archive.signing import signed_by
from projections.archive.writing import described
from projections.readmodel.frames import NO_ENTRIES

Progress = Callable[[int], None]


def verify(
    folder: Path,
    held: Held,
    ledger: Ledger | None = None,
    key: VerifierKey | None = None,
    progress: Progress | None = None,
) -> list[Finding]:
    """Return where an archive is not what its manifest, its signature (by `key`, where given) and the ledger say; of
    each file the first row that is wrong."""
    manifest = held.manifest
    findings = []
    if key is not None and not signed_by(folder, held, key):
        there = "was signed for another manifest or by another key" if (folder / NOTE).exists() else "is not there"
        findings.append(Finding("unsigned", f"{NOTE}, in which {key.name} signs the manifest, {there}"))
    if ledger is not None and ledger.identity != manifest.ledger:
        return [*findings, Finding("another_ledger", f"the archive is of another ledger, school {manifest.urn}")]
    frontier, parked, references, columns = Frontier(), set[str](), list[Row](), list[pl.DataFrame]()
    for segment in manifest.segments:
        problem, rows, frame = _segment(folder, segment, frontier, parked, ledger)
        findings += problem
        references += [row for row in rows if row.topic.partition(".")[0] not in VOLUME_KINDS]
        columns += [frame.select(PACKED_FROM)] if frame is not None else []
        if progress is not None:
            progress(segment.last)
    # What the other files rest on is all in the segments, so they can only be judged once those hold.
    if findings:
        return findings + [each for table in manifest.tables for each in _content(folder, table)[1]]
    return _beside(folder, manifest, references, columns)


def _segment(
    folder: Path, segment: Segment, frontier: Frontier, parked: set[str], ledger: Ledger | None
) -> tuple[list[Finding], list[Row], pl.DataFrame | None]:
    """Return what is wrong with one segment, and its rows and columns as far as they can be read."""
    findings = []
    try:
        raw = content(folder, segment)
    except Misconfigured as error:
        findings.append(Finding("altered", str(error)))
        raw = _bytes(folder / segment.file)
    try:
        frame = from_parquet(raw)
        rows = rows_of(frame)
    # A file that was damaged in the middle makes the reader of Parquet panic, which is no Exception.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        return findings or [Finding("altered", f"{segment.file} cannot be read: {type(error).__name__}")], [], None
    if (other := _other_than_ledger(rows, segment, ledger)) is not None:
        findings.append(Finding("altered", f"in {segment.file} this row is not the ledger's event", position=other))
    frontier.extend(wire.leaf(*row) for row in rows)
    if [row.position for row in rows] != list(range(segment.first, segment.last + 1)):
        findings.append(Finding("altered", f"{segment.file} does not hold positions {segment.first} to {segment.last}"))
    elif not findings and frontier.root().hex() != segment.root:
        findings.append(Finding("altered", f"the rows up to the end of {segment.file} are not those of the manifest"))
    if not findings and (wrong := _first_other(frame, segment_of(rows, parked))) is not None:
        sentence = f"in {segment.file} the columns of this row are not what its bytes say"
        findings.append(Finding("altered", sentence, position=wrong))
    if not findings and segment != _described(segment, frame, rows[-1], frontier):
        findings.append(Finding("altered", f"the manifest says of {segment.file} what is not so"))
    return findings, rows, frame


def _described(segment: Segment, frame: pl.DataFrame, last: Row, frontier: Frontier) -> Segment:
    return described(segment.file, segment.sha256, segment.year, frame, wire.leaf(*last), frontier.root())


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _other_than_ledger(rows: list[Row], segment: Segment, ledger: Ledger | None) -> int | None:
    """Return the first position whose row is not the ledger's, None where all are."""
    if ledger is None:
        return None
    ours = iter(rows)
    for row in _stored(ledger, segment):
        mine = next(ours, None)
        if mine is None or wire.leaf(*mine) != wire.leaf(*row):
            return row.position
    beyond = next(ours, None)
    return beyond.position if beyond else None


def _stored(ledger: Ledger, segment: Segment) -> Iterator[Row]:
    from projections.readmodel.replay import pages

    for page in pages(ledger, segment.last, segment.first - 1):
        yield from page


def _first_other(frame: pl.DataFrame, right: pl.DataFrame) -> int | None:
    """Return the position of the first row of a segment that is not as worked out, None where all are."""
    if frame.equals(right):
        return None
    for row, expected in zip(frame.iter_rows(), right.iter_rows(), strict=False):
        if row != expected:
            return int(expected[0])
    return int(right["position"][0])


def _beside(folder: Path, manifest: Manifest, references: list[Row], columns: list[pl.DataFrame]) -> list[Finding]:
    """Return which files beside the segments are not what these reference events and columns of all segments say."""
    school = take_in(School(), references)
    findings = []
    if not _matches(manifest, school, references):
        findings.append(Finding("altered", "the manifest says of the archive what is not so"))
    for name, frame in tables_of(school).items():
        findings += _table(folder, getattr(manifest, name), len(frame), partial(_is_table, frame))
    findings += _table(folder, manifest.references, len(references), lambda raw: unpack_references(raw) == references)
    times = times_of(columns)
    findings += _table(folder, manifest.times, len(times), lambda raw: np.array_equal(unpack_times(raw), times))
    marks = marks_by_year(columns)
    for each in manifest.marks:
        entries = marks.pop(each.year, NO_ENTRIES)
        findings += _table(folder, each, len(entries.pupil), partial(are_marks, entries=entries))
    lacking = [f"the manifest names no marks of {format_year(year)}, of which there are some" for year in marks]
    return findings + [Finding("altered", sentence) for sentence in lacking]


def _matches(manifest: Manifest, school: School, references: list[Row]) -> bool:
    """Whether the manifest names the ledger, the school and the end of these segments."""
    last, opened = manifest.segments[-1], school.opened
    stated = manifest.ledger, manifest.urn, manifest.simulated, manifest.position, manifest.root
    first = wire.leaf(*references[0]).hex() if references else ""
    return opened is not None and stated == (first, opened.urn, opened.simulated, last.last, last.root)


def _table(folder: Path, table: Table, rows: int, holds: Callable[[bytes], bool]) -> list[Finding]:
    raw, findings = _content(folder, table)
    try:
        if findings or (holds(raw) and table.rows == rows):
            return findings
    except Misconfigured:
        pass
    return [Finding("altered", f"{table.file} is not what the events in the archive say")]


def _content(folder: Path, table: Table) -> tuple[bytes, list[Finding]]:
    """Return the bytes of a file, or what is wrong with them."""
    try:
        return content(folder, table), []
    except Misconfigured as error:
        return b"", [Finding("altered", str(error))]


def _is_table(right: pl.DataFrame, raw: bytes) -> bool:
    try:
        return from_parquet(raw).equals(right)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return False
