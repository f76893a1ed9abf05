"""Many schools at once, from their archives: absence and penalty windows of every pupil by the kernels of one school.

A school's marks fit the processor's cache and a whole authority's do not, so kernels go school by school. NumPy and
Polars let other threads work meanwhile; there are as many as Polars has (`POLARS_MAX_THREADS`). Everything is as known
at the end of each archive, and by each school's own register: what a former school's record brought is not in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl

from ledger.case import Notice
from ledger.policy import Policy
from ledger.sessions import Session
from projections.absence import Absence, absence
from projections.archive.columns import NOTICES, from_parquet
from projections.archive.reading import Archive, open_archive
from projections.frames import ALWAYS, Entries, Roll, first_session, last_session
from projections.penalty import Case, Tally, monday_of, tally, week_of

T = TypeVar("T")
R = TypeVar("R")


class Loaded(NamedTuple):
    """One school in memory: the marks that stand at the end of its archive, the roll, the calendar (years, sessions and
    when registration closes, arrays of one length), parents and notices, and when the last event was recorded."""

    urn: str
    entries: Entries
    roll: Roll
    years: np.ndarray
    sessions: np.ndarray
    closes_at: np.ndarray
    cases: dict[str, Case]
    recorded_at: int


class Answered(NamedTuple):
    """One school's figures, by the place of a pupil in its roll; `absence` is None before its first school year."""

    urn: str
    pupils: list[str]
    absence: Absence | None
    penalty: Tally


def open_all(folder: Path) -> list[Archive]:
    """Return the archives in the folders of a folder, in order of name. Raises Misconfigured."""
    return [open_archive(each) for each in sorted(folder.iterdir()) if each.is_dir()]


def load(archive: Archive) -> Loaded:
    """Return a school, read from its archive. Raises Misconfigured where a file is not the one of the manifest."""
    roll, cases = _roll(from_parquet(archive.raw("roll")), _notices(archive))
    calendar = _calendar(archive.raw("calendar"))
    return Loaded(
        archive.manifest.urn,
        archive.last_standing().over(roll.pupils),
        roll,
        calendar["year"].to_numpy(),
        calendar["session"].to_numpy(),
        calendar["closes_at"].to_numpy(),
        cases,
        archive.manifest.segments[-1].recorded_at,
    )


def _notices(archive: Archive) -> pl.DataFrame:
    raw = archive.raw("notices")
    return from_parquet(raw) if archive.manifest.notices.rows else pl.DataFrame(schema=NOTICES)


@lru_cache(maxsize=64)
def _calendar(raw: bytes) -> pl.DataFrame:
    # Schools of an authority mostly have the same.
    return from_parquet(raw)


def answer(school: Loaded, as_of: date, policy: Policy) -> Answered:
    """Return the year to date and the window of every pupil of a school."""
    until = last_session(as_of)
    begun = school.sessions <= until
    counts = None
    if begun.any():
        year = int(school.years[begun].max())
        of_year = begun & (school.years == year) & (school.closes_at <= school.recorded_at)
        since = first_session(date(year, 8, 1))
        counts = absence(school.entries, school.roll, school.sessions[of_year], since, until)
    weeks = _weeks(school.sessions[begun], policy.penalty_weeks)
    return Answered(
        school.urn, school.roll.pupils, counts, tally(school.entries, school.roll, weeks, as_of, school.cases, policy)
    )


def in_threads(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return what the work makes of each item, in order."""
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        return list(pool.map(work, items))


def answer_from(archives: Iterable[Archive], as_of: date, policy: Policy) -> list[Answered]:
    """Return every school's figures, each read, checked, counted and let go."""
    return in_threads(lambda archive: answer(load(archive), as_of, policy), archives)


def _weeks(sessions: np.ndarray, count: int) -> list[date]:
    """Return the Mondays of the last school weeks that hold one of these sessions, oldest first."""
    found = np.unique(week_of(sessions))[-count:]
    return [monday_of(week) for week in found.tolist()]


def _roll(spells: pl.DataFrame, notices: pl.DataFrame) -> tuple[Roll, dict[str, Case]]:
    """Return the roll, and the parents and notices of every pupil, of the tables of an archive."""
    issued: dict[str, list[Notice]] = defaultdict(list)
    for pupil, name, parent, issued_on, withdrawn, sessions in notices.iter_rows():
        named = frozenset(map(Session.from_number, sessions))
        issued[pupil].append(Notice(pupil, name, parent, issued_on, named, withdrawn))
    cases: dict[str, Case] = {}
    places: list[tuple[int, int]] = []  # of each spell: which pupil's, and which of theirs
    for pupil, parents in zip(spells["pupil"].to_list(), spells["parents"].to_list(), strict=True):
        again = pupil in cases
        places.append((len(cases) - again, places[-1][1] + 1 if again else 0))
        cases[pupil] = Case(tuple(parents), tuple(issued.get(pupil, ())))
    row, place = np.array(places, np.int64).reshape(-1, 2).T
    shape = len(cases), int(place.max(initial=0)) + 1
    first, last, ages = np.ones(shape, np.int32), np.zeros(shape, np.int32), np.zeros((shape[0], 2), np.int32)
    first[row, place] = spells["first_session"].to_numpy()
    last[row, place] = spells["last_session"].fill_null(ALWAYS).to_numpy()
    ages[row, 0], ages[row, 1] = spells["school_age_first"].to_numpy(), spells["school_age_last"].to_numpy()
    return Roll(list(cases), first, last, ages), cases
