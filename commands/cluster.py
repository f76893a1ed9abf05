"""One question put to every archive in a folder, by the processes of this machine or by a Spark cluster.

Both run `projections.many.batches.answers` over the same rows: a machine by handing out parts of them, Spark by
partitions. A task is given paths and reads the files where it runs. Only the totals of each school come together, here.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.errors import Misconfigured
from projections.archive import read_manifest
from projections.many import batches

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SCHOOLS_A_TASK = 8  # some tenths of a second: little is lost with a machine, and little is spent on handing out
PUPILS, SCHOOLS = "pupils", "schools.parquet"
# A task is one core's work: without this every task would start a thread for each core of its machine. And it takes and
# gives back the same megabytes for each school, which the C library would hand to the system and ask for again.
ONE_TASK = {
    "POLARS_MAX_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_TRIM_THRESHOLD_": str(2**25),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
}
# Moments stay moments in UTC, in the files, too.
SETTINGS = {"spark.sql.session.timeZone": "UTC", "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}

Progress = Callable[[int], None]


def schools_in(folder: Path) -> list[Path]:
    """Return the folders of schools in a folder, in order of name. One that holds no archive is among them: it would
    be missed otherwise. Raises Misconfigured where there are none."""
    try:
        folders = sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError as error:
        raise Misconfigured(f"the folder {folder} cannot be read: {error.strerror}") from error
    if not folders:
        raise Misconfigured(f"the folder {folder} holds no folder of a school's archive")
    return [each.absolute() for each in folders]


def once(folders: list[Path]) -> tuple[list[Path], list[tuple[str, str]]]:
    """Return the folders that hold no ledger that an earlier one holds, and (folder, reason) of the others: a copy that
    lies about would count every child twice."""
    kept: list[Path] = []
    again: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    for folder in folders:
        try:
            held = read_manifest(folder)
        except Misconfigured:
            held = None  # whoever is asked says what is wrong with it
        if held is not None and held.manifest.ledger in first:
            again.append((folder.name, f"this is the ledger of {first[held.manifest.ledger]} once more"))
            continue
        if held is not None:
            first[held.manifest.ledger] = folder.name
        kept.append(folder)
    return kept, again


def out_folder(text: str) -> Path:
    """Return a folder that is to be made. Raises Misconfigured where something is there already, or nothing around."""
    folder = Path(text).absolute()
    if folder.exists():
        raise Misconfigured(f"'{folder.name}' is there already, and answers are never mixed with older ones")
    if not folder.parent.is_dir() or not os.access(folder.parent, os.W_OK):
        raise Misconfigured(f"the folder '{folder.name}' cannot be made: no files may be written in {folder.parent}")
    return folder


@contextmanager
def workers(processes: int) -> Iterator[Executor]:
    """Give so many processes of this machine, each for one task at a time."""
    # Not forked: threads of this process would be missing in the copy.
    with _environment(ONE_TASK), ProcessPoolExecutor(processes, get_context("spawn"), _ready) as pool:
        yield pool


def on_this_machine(
    question: batches.Rows, pool: Executor, out: Path | None, progress: Progress | None = None
) -> list[batches.Rows]:
    """Return the totals of every part of a question, worked out by these processes; with `out`, writes the answers to
    its folder `pupils`. Raises Misconfigured where a process died."""
    slices = [question.slice(start, SCHOOLS_A_TASK) for start in range(0, len(question), SCHOOLS_A_TASK)]
    if out is not None:
        (out / PUPILS).mkdir(parents=True)
    try:
        tasks = [
            pool.submit(batches.part, rows, out / PUPILS / f"part-{place:05}.parquet" if out else None)
            for place, rows in enumerate(slices)
        ]
        for done, task in enumerate(as_completed(tasks), 1):
            task.result()
            if progress is not None:
                progress(min(done * SCHOOLS_A_TASK, len(question)))
    except BrokenProcessPool:
        raise Misconfigured("a process was killed before it had answered; the answers are not complete") from None
    return [task.result() for task in tasks]


def spark_session(master: str | None) -> SparkSession:
    """Return a session on a Spark cluster; None takes the one that `spark-submit` or Spark's own settings name.

    Raises Misconfigured where pyspark is not installed, or Spark does not start.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise Misconfigured("Spark needs the package pyspark: install this project with its extra 'spark'") from None
    builder = SparkSession.builder.appName("attendance")
    for name, value in (SETTINGS | {f"spark.executorEnv.{name}": value for name, value in ONE_TASK.items()}).items():
        builder = builder.config(name, value)
    if master is not None:
        builder = builder.master(master)
        if master.startswith("local"):
            # Tasks on this machine run in this very Python; elsewhere PYSPARK_PYTHON says which.
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        return builder.getOrCreate()
    except (PySparkException, OSError) as error:
        raise Misconfigured(f"Spark does not start: {_first_line(error)}") from None


def on_spark(spark: SparkSession, question: batches.Rows, out: Path | None) -> list[batches.Rows]:
    """Return the totals that the tasks of a Spark job worked out; with `out`, they write the answers to its folder
    `pupils`. The paths must lead to the same files on every machine. Raises Misconfigured where the job fails."""
    from pyspark.errors import PySparkException
    from pyspark.sql.pandas.types import from_arrow_schema

    answers, totals = from_arrow_schema(batches.ANSWERS), from_arrow_schema(batches.TOTALS)
    rows = [tuple(row.values()) for row in question.to_pylist()]
    # At least two tasks for each core, so that none is idle long before the end.
    tasks = max(-(-len(rows) // SCHOOLS_A_TASK), min(len(rows), 2 * spark.sparkContext.defaultParallelism))
    try:
        schema = from_arrow_schema(batches.QUESTIONS)
        questions = spark.createDataFrame(spark.sparkContext.parallelize(rows, tasks), schema)
        pupils = questions.mapInArrow(batches.answers, answers)
        if out is not None:
            pupils.write.parquet(f"file://{out / PUPILS}")
            pupils = spark.read.schema(answers).parquet(f"file://{out / PUPILS}").select(*batches.SUMMED)
        return [pupils.mapInArrow(batches.totals, totals).toArrow().cast(batches.TOTALS)]
    except PySparkException as error:
        raise Misconfigured(f"the Spark job failed: {_first_line(error)}") from error


def _ready() -> None:
    """Have the collector of garbage pass over all that a task needs, which is imported by now, for good."""
    gc.freeze()


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Give these variables to every process that is started meanwhile, which can only read them when it starts."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
