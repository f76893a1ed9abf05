"""One school of an authority as an archive: its events as any ledger would hold them, and a table of marks as bytes.

Marks stand in the order in which registers are taken, all of a session together. Some absences were an N first and were
amended some days later.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from ledger import wire
from ledger.calendar import Closed, SchoolYear
from ledger.codes import CODES
from ledger.events import Event, MarkAmended, MarkRecorded, PupilAdmitted, SchoolOpened, SchoolYearOpened
from ledger.merkle import Frontier
from ledger.people import Staff, compulsory_school_age
from ledger.policy import load
from ledger.sessions import LONDON, Half, Session, micros
from ledger.store import Row
from projections.archive.columns import PACKED_FROM, ROW, SEGMENT, ended
from projections.archive.writing import write_manifest, write_segment
from scripts.authorities.marks import AM, NOBODY, NOT_REQUIRED, PM

YEAR, POLICY = 2025, "national-2024"
LAST_PUBLISHED = date(2026, 7, 10)
OFFICE = Staff("office", "O Fice", "Office")
OPENED_AT = datetime(2025, 8, 26, 9, tzinfo=UTC)
SHARE_UNKNOWN_FIRST = 0.25  # of absences
DAYS_UNTIL_AMENDED = 5


class Place(NamedTuple):
    """A school: its numbers, and the first pupil of the authority's table who goes there."""

    urn: str
    estab: str
    first: int
    pupils: int


def calendar() -> SchoolYear:
    """Return the year of every school of the authority."""
    holidays = (
        ("2025-10-27", "2025-10-31", "Half term"),
        ("2025-12-22", "2026-01-02", "Christmas"),
        ("2026-02-16", "2026-02-20", "Half term"),
        ("2026-03-30", "2026-04-10", "Easter"),
        ("2026-05-04", "2026-05-04", "Bank holiday"),
        ("2026-05-25", "2026-05-29", "Half term"),
    )
    closed = tuple(Closed(date.fromisoformat(a), date.fromisoformat(b), why) for a, b, why in holidays)
    return SchoolYear(YEAR, date(2025, 9, 3), date(2026, 7, 21), closed, load(POLICY).hours)


def sessions() -> list[Session]:
    """Return the sessions that the published figures are of."""
    return [Session(day, half) for day in calendar().days() if day <= LAST_PUBLISHED for half in Half]


def write_school(folder: Path, place: Place, marks: np.ndarray, random: np.random.Generator, *, young: bool) -> None:
    """Write the archive of a school whose pupils have these marks (pupils x sessions)."""
    folder.mkdir(parents=True)
    started = (marks == NOBODY).sum(axis=1)
    references = _references(place, started, young=young)
    frame = pl.concat([_stored(references), _entries(marks, random, len(references))])
    leaves = [wire.leaf(*row) for row in frame.select(*ROW).sort("position").iter_rows()]
    root = Frontier()
    root.extend(leaves)
    segment = write_segment(folder, YEAR, ended(frame), leaves[-1], root.root())
    write_manifest(folder, wire.leaf(*references[0]).hex(), [segment], references, [frame.select(PACKED_FROM)])


def _references(place: Place, started: np.ndarray, *, young: bool) -> list[Row]:
    year, days = calendar(), sessions()
    opened = SchoolOpened(
        by=OFFICE,
        urn=place.urn,
        name=f"School {place.estab}",
        la="919",
        estab=place.estab,
        policy=POLICY,
        simulated=True,
    )
    events: list[tuple[str, Event]] = [
        ("school", opened),
        (
            f"school/{YEAR}",
            SchoolYearOpened(
                by=OFFICE,
                year=YEAR,
                first_day=year.first_day,
                last_day=year.last_day,
                closed=year.closed,
                hours=year.hours,
            ),
        ),
    ]
    groups = range(7) if young else range(7, 12)
    for index in range(place.pupils):
        group = groups[index * len(groups) // place.pupils]
        born = date(YEAR - 5 - group, 9, 1) + timedelta(days=37 * index % 365)
        first, last = compulsory_school_age(born)
        number = _number(index)
        admitted = PupilAdmitted(
            by=OFFICE,
            # A session that is not required is one on roll.
            starting_day=days[int(started[index])].day,
            year_group=str(group),
            class_name=f"{group}A",
            school_age_first=first,
            school_age_last=last,
            parents=(f"{number}-a", f"{number}-b")[: 1 + index % 3],
        )
        events.append((f"{number}/roll", admitted))
    at = micros(OPENED_AT)
    return [
        Row(position, stream, 1, event.topic, at, wire.encode(event))
        for position, (stream, event) in enumerate(events, 1)
    ]


def _number(index: int) -> str:
    return str(1001 + index)


def _stored(rows: list[Row]) -> pl.DataFrame:
    said = [pl.lit(None, kind).alias(name) for name, kind in SEGMENT.items() if name not in ROW]
    return pl.DataFrame(rows, schema=ROW, orient="row").with_columns(said).drop("until_position")


def _entries(marks: np.ndarray, random: np.random.Generator, after: int) -> pl.DataFrame:
    """Return the events of these marks at the positions after others, as a segment has them but for their ends."""
    days = sessions()
    pupil, column = np.nonzero(marks != NOBODY)
    code = marks[pupil, column]
    absent = ~np.isin(code, [AM, PM, NOT_REQUIRED, UNKNOWN])
    amended = np.flatnonzero(absent & (random.random(len(code)) < SHARE_UNKNOWN_FIRST))
    first = code.copy()
    first[amended] = UNKNOWN
    closes = np.array([_closes(session) for session in days], np.int64)
    later = closes[column[amended]] + 86_400_000_000 * random.integers(1, DAYS_UNTIL_AMENDED, len(amended))
    recorded_at = np.concatenate([closes[column], later])
    pupil, column = np.concatenate([pupil, pupil[amended]]), np.concatenate([column, column[amended]])
    version = np.repeat(np.array([1, 2], np.int32), [len(code), len(amended)])
    code = np.concatenate([first, code[amended]])
    position = np.empty(len(code), np.int64)
    position[np.lexsort((pupil, column, recorded_at))] = after + 1 + np.arange(len(code))
    number = pl.Series([_number(index) for index in range(len(marks))]).gather(pupil)
    named = pl.Series([f"/{YEAR}/{session}" for session in days]).gather(column)
    return pl.DataFrame(
        {
            "position": position,
            "stream": number + named,
            "version": version,
            "topic": pl.Series([MarkRecorded.__name__, MarkAmended.__name__]).gather(version - 1),
            "recorded_at": recorded_at,
            "state": STATES.gather(code.astype(np.int64) + 256 * (version - 1)),
            "year": np.full(len(code), YEAR, np.int16),
            "pupil": number,
            "session": np.array([session.number for session in days], np.int32)[column],
            "code": code,
        }
    ).with_columns(("entry." + pl.col("topic")).alias("topic"))


def _closes(session: Session) -> int:
    return micros(datetime.combine(session.day, HOURS[session.half].closes, LONDON).astimezone(UTC))


def _states() -> pl.Series:
    """Return the bytes of an original mark by its code, and of an amendment of an N to it by 256 plus its code."""
    states = [b""] * 512
    for code in CODES:
        states[code.id] = wire.encode(MarkRecorded(by=OFFICE, code=code.symbol))
        states[256 + code.id] = wire.encode(MarkAmended(by=OFFICE, code=code.symbol, replaces="N"))
    return pl.Series(states, dtype=pl.Binary)


STATES, HOURS = _states(), load(POLICY).hours
UNKNOWN = next(code.id for code in CODES if code.symbol == "N")
