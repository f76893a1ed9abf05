"""Rows as columns: what stands in the files of an archive, worked out from stored events alone. No file is touched."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from ledger.school import School
from ledger.sessions import Session, micros
from ledger.store import Row
from projections.readmodel.frames import NEVER, UNREADABLE, Entries, end_each, first_session, last_session
from projections.readmodel.projector import ENTRY, read_entries

Schema = dict[str, pl.DataType | type[pl.DataType]]

ROW: Schema = {
    "position": pl.Int64,
    "stream": pl.String,
    "version": pl.Int32,
    "topic": pl.String,
    "recorded_at": pl.Int64,
    "state": pl.Binary,
}
# What the bytes of an entry say. `until_position` is of the next version, where that stands in the same segment.
MARK: Schema = {
    "year": pl.Int16,
    "pupil": pl.String,
    "session": pl.Int32,
    "code": pl.UInt8,
    "until_position": pl.Int64,
}
SEGMENT = ROW | MARK
# The columns from which times and marks are packed.
PACKED_FROM = ["position", "recorded_at", "year", "pupil", "session", "code"]
# One row a spell. `last_session` is null while the pupil has not left; parents are those of the whole pupil.
ROLL: Schema = {
    "pupil": pl.String,
    "first_session": pl.Int32,
    "last_session": pl.Int32,
    "school_age_first": pl.Int32,
    "school_age_last": pl.Int32,
    "parents": pl.List(pl.String),
}
CALENDAR: Schema = {"year": pl.Int16, "session": pl.Int32, "closes_at": pl.Int64}
NOTICES: Schema = {
    "pupil": pl.String,
    "notice": pl.String,
    "parent": pl.String,
    "issued_on": pl.Date,
    "withdrawn": pl.Boolean,
    "sessions": pl.List(pl.Int32),
}


def segment_of(rows: Sequence[Row], parked: set[str]) -> pl.DataFrame:
    """Return the columns of a segment, in order of stream and version.

    `parked` are the streams of earlier segments in which an event cannot be read; it grows by those found here. The
    marks of such a stream are UNREADABLE from that event on, as in the read model; null where it is no entry's.
    """
    entries, _ = read_entries(rows, parked)
    rows_of_marks = [(mark.from_position, mark.year, mark.pupil, mark.session, mark.code) for mark in entries]
    marks = pl.DataFrame(
        rows_of_marks, schema={"position": pl.Int64} | {name: MARK[name] for name in list(MARK)[:4]}, orient="row"
    )
    stored = pl.DataFrame(list(rows), schema=ROW, orient="row")
    return ended(stored.join(marks, on="position", how="left"))


def ended(marks: pl.DataFrame) -> pl.DataFrame:
    """Return a segment in its order, with the position that ends each mark; `marks` has all columns but that."""
    ordered = marks.sort("stream", "version")
    following = (pl.col("stream") == pl.col("stream").shift(-1)) & pl.col("code").shift(-1).is_not_null()
    until = pl.when(following & pl.col("code").is_not_null()).then(pl.col("position").shift(-1))
    return ordered.with_columns(until.alias("until_position")).select(*SEGMENT)


def unread(segment: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a segment that should be events of entries and cannot be read."""
    return segment.filter(pl.col("topic").str.starts_with(ENTRY) & (pl.col("code").fill_null(UNREADABLE) == UNREADABLE))


def rows_of(segment: pl.DataFrame) -> list[Row]:
    """Return the stored rows of a segment, in order of position; the inverse of `segment_of`."""
    return list(map(Row._make, segment.select(*ROW).sort("position").iter_rows()))


def times_of(segments: Iterable[pl.DataFrame]) -> np.ndarray:
    """Return when each position was recorded, from the first on."""
    return (
        pl.concat(each.select("position", "recorded_at") for each in segments)
        .sort("position")["recorded_at"]
        .to_numpy()
    )


def marks_by_year(segments: Iterable[pl.DataFrame]) -> dict[int, Entries]:
    """Return of each school year its marks in every version, in order of position, ended also by amendments in later
    segments."""
    marks = pl.concat(each.select("position", "year", "pupil", "session", "code") for each in segments)
    marks = marks.drop_nulls("code")
    return {year: _ended(marks.filter(pl.col("year") == year)) for year in sorted(marks["year"].unique())}


def _ended(marks: pl.DataFrame) -> Entries:
    versions = end_each(entries_of(marks))
    return versions.take(np.argsort(versions.from_position))


def entries_of(marks: pl.DataFrame) -> Entries:
    """Return these marks as a frame, none of them ended."""
    pupils = sorted(marks["pupil"].unique())
    places = {pupil: place for place, pupil in enumerate(pupils)}
    # Polars makes objects of nothing.
    pupil = marks["pupil"].replace_strict(places, return_dtype=pl.Int32).to_numpy().astype(np.int32)
    session, code = (marks[name].cast(MARK[name]).to_numpy() for name in ("session", "code"))
    return Entries(pupils, pupil, session, code, marks["position"].to_numpy(), np.full(len(marks), NEVER))


def tables_of(school: School) -> dict[str, pl.DataFrame]:
    """Return the tables of what a school knows, by name."""
    return {"roll": roll_of(school), "calendar": calendar_of(school), "notices": notices_of(school)}


def roll_of(school: School) -> pl.DataFrame:
    """Return the roll as the school knows it."""
    rows = [
        (
            number,
            first_session(spell.first),
            last_session(spell.last) if spell.last else None,
            first_session(pupil.school_age[0]),
            last_session(pupil.school_age[1]),
            list(pupil.parents),
        )
        for number, pupil in sorted(school.pupils.items())
        for spell in pupil.spells
    ]
    return pl.DataFrame(rows, schema=ROLL, orient="row")


def calendar_of(school: School) -> pl.DataFrame:
    """Return every session of every school year that is known, with the moment its registration closes."""
    calendar = school.calendar
    rows = [
        (year, number, micros(calendar.closes(Session.from_number(number))))
        for year in calendar.years
        for number in calendar.session_numbers(year)
    ]
    return pl.DataFrame(rows, schema=CALENDAR, orient="row")


def notices_of(school: School) -> pl.DataFrame:
    """Return every penalty notice that is known."""
    rows = [
        (pupil, name, each.parent, each.issued_on, each.withdrawn, sorted(s.number for s in each.sessions))
        for pupil, notices in sorted(school.notices.items())
        for name, each in sorted(notices.items())
    ]
    return pl.DataFrame(rows, schema=NOTICES, orient="row")


def to_parquet(frame: pl.DataFrame) -> bytes:
    """Return the bytes of a Parquet file."""
    file = io.BytesIO()
    frame.write_parquet(file, compression="zstd", statistics=True)
    return file.getvalue()


def from_parquet(raw: bytes, columns: list[str] | None = None) -> pl.DataFrame:
    """Return the table that a Parquet file holds. Raises polars' own errors."""
    return pl.read_parquet(io.BytesIO(raw), columns=columns)
