"""Absence and penalty windows of every pupil of a whole authority, from its archives.

Cold is by processes that have started and hold nothing of any archive: each school is read, its digests checked, and
counted; once as known at the end of the archives, and once as known some months earlier. Warm is by two processes of
which each has half of the schools in memory. The floor reads the columns of marks of the segments with Polars and sums
them: no digest, no roll, no rule. DuckDB does the same counting over the same segments in SQL, without digests, windows
by parent or notices.

The authority is the primary row of Hertfordshire, or a part of it. ATTENDANCE_AUTHORITY may name a whole one, made with
scripts/authority, which spares the building of it.

python -m scripts.benchmarks.scale_archive sum|duckdb FOLDER
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import NamedTuple

import polars as pl

from commands.cluster import SCHOOLS_A_TASK, on_this_machine, schools_in, workers
from ledger.codes import CODES
from ledger.policy import load as load_policy
from ledger.sessions import school_year
from projections.archive.pages import READ
from projections.archive.source import ArchiveSource
from projections.asking.questions import Moment
from projections.figures.cohorts import penalty_tally, year_counts
from projections.figures.penalty import week_of
from projections.many import batches
from projections.readmodel.frames import last_session
from scripts.authorities.build import build
from scripts.authorities.published import published
from scripts.authorities.school import LAST_PUBLISHED, POLICY, sessions
from scripts.benchmarks.measure import Row, Target, in_turns, seconds

FOLDER_VARIABLE = "ATTENDANCE_AUTHORITY"  # a whole one
EARLIER = datetime(2026, 3, 2, 12, tzinfo=UTC)
SQL = """
SELECT school, pupil, count(*) FILTER (attended), count(*) FILTER (authorised), count(*) FILTER (unauthorised),
       count(*) FILTER (penalty AND (session // 2 + 3) // 7 >= {week} AND session BETWEEN school_age_first
                        AND school_age_last)
FROM (SELECT parse_path(filename)[-2] AS school, pupil, session, code
      FROM read_parquet('{folder}/*/20*.parquet', filename = true)
      WHERE code IS NOT NULL AND until_position IS NULL AND session <= {until})
JOIN (SELECT parse_path(filename)[-2] AS school, * EXCLUDE filename
      FROM read_parquet('{folder}/*/roll.*.parquet', filename = true)) USING (school, pupil)
JOIN codes ON code = id
WHERE session BETWEEN first_session AND coalesce(last_session, 2147483647)
GROUP BY ALL
"""


class Loaded(NamedTuple):
    """A school in memory, and what is asked of it."""

    archive: ArchiveSource
    moment: Moment
    pupils: list[str]


def archive_rows(share: float, rounds: int) -> list[Row]:
    """Return the rows of an authority of which a share is taken."""
    share = 1.0 if os.environ.get(FOLDER_VARIABLE) else share
    with _authority(share) as folder, ExitStack() as stack:
        folders = schools_in(folder)
        one, two = (stack.enter_context(workers(processes)) for processes in (1, 2))
        for pool, processes in ((one, 1), (two, 2)):
            _ask(pool, folders[: processes * SCHOOLS_A_TASK])  # they start, which is not counted
        end, read = in_turns(rounds, lambda _: _ask(two, folders), lambda _: _process("sum", folder))
        earlier, again = in_turns(rounds, lambda _: _ask(two, folders, EARLIER), lambda _: _process("sum", folder))
        both, alone = in_turns(rounds, lambda _: _ask(two, folders), lambda _: _ask(one, folders))
        counted, by_sql = in_turns(rounds, lambda _: _ask(two, folders), lambda _: _process("duckdb", folder))
        halves = [stack.enter_context(workers(1)) for _ in range(2)]
        _each(halves, hold, folders[::2], folders[1::2])
        warm, touched = in_turns(rounds, lambda _: _timed(halves, count), lambda _: _timed(halves, touch))
    cold, scaling = Target("rate", "most", 2 * share), Target("ratio", "most", 1 / 1.6)
    return [
        Row.of_seconds("authority, cold, digests checked", end, read, cold),
        Row.of_seconds("authority, cold, as known in March", earlier, again, cold),
        Row.of_seconds("authority, warm", warm, touched, Target("rate", "most", 0.5 * share)),
        Row("authority, cold, 2 processes by 1", median(both), "s", median(alone), scaling, rounds),
        Row.of_seconds("authority, cold, by DuckDB's SQL", counted, by_sql, Target("ratio", "most", 1.0)),
    ]


@contextmanager
def _authority(share: float) -> Iterator[Path]:
    if named := os.environ.get(FOLDER_VARIABLE):
        yield Path(named)
        return
    with tempfile.TemporaryDirectory(prefix="attendance-bench-") as folder:
        print("building an authority ...", file=sys.stderr)
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            build(Path(folder) / "all", published()["Hertfordshire", "Primary"], share, 919, pool)
        yield Path(folder) / "all"


def _ask(pool: Executor, folders: list[Path], known_at: datetime | None = None) -> float:
    question = batches.questions(folders, LAST_PUBLISHED, known_at, None)
    return seconds(lambda: batches.summary(question, on_this_machine(question, pool, None)))


def _process(what: str, folder: Path) -> float:
    command = [sys.executable, "-m", "scripts.benchmarks.scale_archive", what, str(folder)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


HELD: list[Loaded] = []  # in the memory of a process of ours


def hold(folders: list[Path]) -> None:
    """Read these schools into memory."""
    for folder in folders:
        archive = ArchiveSource(folder)
        moment = archive.moment(LAST_PUBLISHED)
        HELD.append(Loaded(archive, moment, sorted(moment.school.pupils)))
    count()


def count() -> None:
    """Count every school that is in memory."""
    for school in HELD:
        year_counts(*school)
        penalty_tally(*school)


def touch() -> None:
    """Sum every column of every school that is in memory."""
    for archive, moment, pupils in HELD:
        for column in archive.entries(moment, [school_year(LAST_PUBLISHED)], pupils)[1:]:
            column.sum()


def _each(pools: list[Executor], work: Callable[..., None], *given: object) -> None:
    """Have each of these pools do a work, with what is given to it."""
    tasks = [pool.submit(work, *given[place : place + 1]) for place, pool in enumerate(pools)]
    for task in tasks:
        task.result()


def _timed(pools: list[Executor], work: Callable[[], None]) -> float:
    return seconds(lambda: _each(pools, work))


def floor(folder: Path) -> None:
    """Read the columns of marks and sum them."""
    files = sorted(folder.glob("*/20*.parquet"))
    read = [*READ, "until_position"]
    pl.scan_parquet(files).select(pl.len(), pl.col(read).exclude("pupil").sum(), pl.col("pupil").n_unique()).collect()


def by_duckdb(folder: Path) -> None:
    """Count by SQL what is counted here, but for notices and parents."""
    import duckdb

    policy = load_policy(POLICY)
    weeks = sorted({week_of(session.number) for session in sessions()})[-policy.penalty_weeks :]  # type: ignore[arg-type]
    connection = duckdb.connect()
    connection.execute("CREATE TABLE codes (id INT, attended BOOL, authorised BOOL, unauthorised BOOL, penalty BOOL)")
    connection.executemany(
        "INSERT INTO codes VALUES (?, ?, ?, ?, ?)",
        [(c.id, c.attended, c.authorised, c.unauthorised, c.symbol in policy.penalty_codes) for c in CODES],
    )
    connection.execute(SQL.format(folder=folder, week=weeks[0], until=last_session(LAST_PUBLISHED))).fetchall()


def main(what: str, folder: str) -> None:
    work = {"sum": floor, "duckdb": by_duckdb}[what]
    print(seconds(lambda: work(Path(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
