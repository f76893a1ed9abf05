"""Absence of every pupil, and penalty windows by pupil and by parent, of a whole authority, from its archives.

Cold is a fresh process that reads, hashes and counts every school (imports are not counted); warm is one that has the
marks in memory. The floor reads the same columns of the same files with Polars and sums them: no digest, no roll, no
rule. DuckDB does the same counting over the same files in SQL, without digests.

The authority is the primary row of Hertfordshire, or a part of it. ATTENDANCE_AUTHORITY may name a whole one, made with
scripts/authority, which spares the building of it.

python -m scripts.benchmarks.scale_archive count|sum|duckdb FOLDER
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import polars as pl

from ledger.codes import CODES
from ledger.policy import load as load_policy
from projections.archive.many import Loaded, answer, answer_from, in_threads, load, open_all
from projections.archive.reading import READ
from projections.frames import last_session
from projections.penalty import week_of
from scripts.authorities.build import build
from scripts.authorities.published import published
from scripts.authorities.school import LAST_PUBLISHED, POLICY, sessions
from scripts.benchmarks.measure import Row, Target, in_turns, seconds

FOLDER_VARIABLE = "ATTENDANCE_AUTHORITY"  # a whole one
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


def archive_rows(share: float, rounds: int) -> list[Row]:
    """Return the rows of an authority of which a share is taken."""
    share = 1.0 if os.environ.get(FOLDER_VARIABLE) else share
    with _authority(share) as folder:
        took, least = in_turns(rounds, lambda _: _process("count", folder), lambda _: _process("sum", folder))
        _, one = in_turns(rounds, lambda _: 0.0, lambda _: _process("count", folder, threads=1))
        counted, by_duckdb = in_turns(rounds, lambda _: _process("count", folder), lambda _: _process("duckdb", folder))
        loaded = in_threads(load, open_all(folder))
        warm, touched = in_turns(rounds, lambda _: _timed(count, loaded), lambda _: _timed(touch, loaded))
    scaling = Target("ratio", "most", 1 / 1.6)
    return [
        Row.of_seconds("authority, cold, digests checked", took, least, Target("rate", "most", 2 * share)),
        Row.of_seconds("authority, warm", warm, touched, Target("rate", "most", 0.5 * share)),
        Row("authority, cold, 2 threads by 1", median(took), "s", median(one), scaling, rounds),
        Row.of_seconds("authority, cold, by DuckDB's SQL", counted, by_duckdb, Target("ratio", "most", 1.0)),
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


def _timed(work: Callable[[list[Loaded]], None], loaded: list[Loaded]) -> float:
    return seconds(lambda: work(loaded))


def _process(what: str, folder: Path, threads: int | None = None) -> float:
    command = [sys.executable, "-m", "scripts.benchmarks.scale_archive", what, str(folder)]
    environment = os.environ | ({"POLARS_MAX_THREADS": str(threads)} if threads else {})
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def count(loaded: list[Loaded]) -> None:
    """Count every school that is in memory."""
    in_threads(lambda school: answer(school, LAST_PUBLISHED, load_policy(POLICY)), loaded)


def touch(loaded: list[Loaded]) -> None:
    """Sum every column of every school that is in memory."""
    in_threads(lambda school: [column.sum() for column in school.entries[1:]], loaded)


def cold(folder: Path) -> None:
    """Read, hash and count every school."""
    answer_from(open_all(folder), LAST_PUBLISHED, load_policy(POLICY))


def floor(folder: Path) -> None:
    """Read the same columns and sum them."""
    files = sorted(folder.glob("*/20*.parquet"))
    pl.scan_parquet(files).select(pl.len(), pl.col(READ).exclude("pupil").sum(), pl.col("pupil").n_unique()).collect()


def by_duckdb(folder: Path) -> None:
    """Count by SQL what `cold` counts, but for notices and parents."""
    import duckdb

    policy = load_policy(POLICY)
    weeks = sorted({week_of(session.number) for session in sessions()})[-policy.penalty_weeks :]  # type: ignore[arg-type]
    connection = duckdb.connect(config={"threads": str(pl.thread_pool_size())})
    connection.execute("CREATE TABLE codes (id INT, attended BOOL, authorised BOOL, unauthorised BOOL, penalty BOOL)")
    connection.executemany(
        "INSERT INTO codes VALUES (?, ?, ?, ?, ?)",
        [(c.id, c.attended, c.authorised, c.unauthorised, c.symbol in policy.penalty_codes) for c in CODES],
    )
    connection.execute(SQL.format(folder=folder, week=weeks[0], until=last_session(LAST_PUBLISHED))).fetchall()


def main(what: str, folder: str) -> None:
    work = {"count": cold, "sum": floor, "duckdb": by_duckdb}[what]
    print(seconds(lambda: work(Path(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
