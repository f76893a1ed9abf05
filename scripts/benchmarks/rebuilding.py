"""Rebuilding two million events, and registers that are taken while that goes on.

The floor reads every stored row and writes the finished ones into a bare table: COPY out and COPY in on PostgreSQL,
`SELECT` and `executemany` on SQLite. It decodes nothing, puts on no key and proves nothing.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from statistics import median, quantiles

import polars as pl

from commands.handle import Handler
from commands.models import parse
from commands.models.base import Command
from projections.readmodel.marks import COLUMNS as FINISHED
from projections.readmodel.replay import stored
from scripts.benchmarks import school
from scripts.benchmarks.measure import Row, Target, in_turns, seconds
from scripts.benchmarks.plain import Plain
from scripts.benchmarks.projecting import COLUMNS, KEY, running
from scripts.benchmarks.stores import Place
from scripts.benchmarks.years import FIRST

EVENTS_A_SECOND, TIMES_THE_LIBRARY, SAVE_MILLISECONDS = 150_000, 150, 50
SAVES_A_SECOND = 20


def rebuild_rows(place: Place, rounds: int, share: float) -> list[Row]:
    """Return the rows of one store: against the floor, on PostgreSQL also against its own SQL and the library's."""
    with place.open() as house:
        head, _ = house.ledger.reads.head()
        finished = [tuple(row) for row in stored(house.engine)]
    memory: list[int] = []

    def rebuilding(_: int) -> float:
        return float(Rebuild(place, memory).result()["seconds"])

    floor = (_copying if place.kind == "postgresql" else _inserting)(place, finished)
    took, least = in_turns(rounds, rebuilding, floor)
    name = f"rebuild of {head:,}, {place.kind}"
    peak = f"{max(memory)} MB"
    counts = (head, head)
    rows = [Row.of_rates(name, counts, took, least, Target("ratio", "least", share))._replace(note=peak)]
    if place.kind == "postgresql":
        rows.append(Row.of_rates(name, counts, took, least, Target("rate", "least", EVENTS_A_SECOND)))
        by_sql = [_in_sql(place)(round_) for round_ in range(rounds)]
        rows.append(Row.of_rates(f"{name}, by SQL alone", counts, took, by_sql, Target("ratio", "least", 1)))
        by_library = [running(place)(0)]
        target = Target("ratio", "least", TIMES_THE_LIBRARY)
        rows.append(Row.of_rates(f"{name}, by the library", (head, 1), took, by_library, target))
    return rows


def saving_row(place: Place, years: int, count: int) -> Row:
    """Return the 99th percentile of saving a register while the ledger is rebuilt, over and over until there are so
    many saves; the floor is without a rebuild."""
    year = FIRST + years
    with place.open() as house:
        handler = house.handler
        school.begin_year(handler, year, first=False, at=datetime(year, 8, 20, 9, tzinfo=UTC))
        registers = _registers(year, 100_000)
        quiet = [_timed_save(handler, next(registers)) for _ in range(count)]
        busy: list[float] = []
        # One rebuild lasts for so few saves that the hundredth part of them would be the slowest one.
        while len(busy) < count:
            _checkpoint(place)
            rebuild = Rebuild(place, [])
            while rebuild.running():
                busy.append(_timed_save(handler, next(registers)))
            rebuild.result()
    name = f"register while rebuilding, {place.kind}, p99"
    worst = [1000 * quantiles(times, n=100)[98] for times in (busy, quiet)]
    middle = f"p50 {1000 * median(busy):.1f} and {1000 * median(quiet):.1f} ms"
    return Row(name, worst[0], "ms", worst[1], Target("rate", "most", SAVE_MILLISECONDS), len(busy), middle)


def _checkpoint(place: Place) -> None:
    """Have PostgreSQL take up the files of its log again, as it does every few minutes. One that has just been made
    writes each file full of zeros first, for which every save waits 80 ms, whatever else goes on."""
    if place.kind == "postgresql":
        plain = Plain(place.url)
        plain.run("CHECKPOINT")
        plain.close()


class Rebuild:
    """A rebuild at work in a process of its own; `memory` grows by its peak, in MB."""

    def __init__(self, place: Place, memory: list[int]) -> None:
        command = [sys.executable, "-m", "scripts.benchmarks.rebuild_once", place.url, place.keys]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self._memory = memory

    def running(self) -> bool:
        return self._process.poll() is None

    def result(self) -> dict[str, float]:
        said, _ = self._process.communicate()
        assert self._process.returncode == 0, "the rebuild failed"
        found: dict[str, float] = json.loads(said)
        self._memory.append(int(found["megabytes"]))
        return found


def _timed_save(handler: Handler, command: Command) -> float:
    took = seconds(lambda: handler.handle(command))
    time.sleep(max(0.0, 1 / SAVES_A_SECOND - took))
    return took


def _registers(year: int, count: int) -> Iterator[Command]:
    sessions = [f"{day}/{half}" for day in school.school_year(year).days() for half in ("AM", "PM")]
    at = datetime(year + 1, 8, 1, tzinfo=UTC)
    for number, (session, cohort) in enumerate(islice(product(sessions, school.cohorts_in(year)), count)):
        marks = dict.fromkeys(cohort.numbers(), "/" if session.endswith("AM") else "\\")
        head = {"command": "TakeRegister", "by": school.OFFICE, "class": cohort.class_in(year), "session": session}
        yield parse({**head, "marks": marks, "at": (at + timedelta(seconds=number)).isoformat()})


def _copying(place: Place, finished: list[tuple[object, ...]]) -> Callable[[int], float]:
    text = io.BytesIO()
    pl.DataFrame(finished, schema=FINISHED, orient="row").write_csv(text, include_header=False)

    def copy(round_: int) -> float:
        plain = Plain(place.url)
        plain.create(f"plain_rebuilt_{round_}", COLUMNS)
        took = seconds(lambda: plain.copy("stored_events", f"plain_rebuilt_{round_}", text.getbuffer()))
        plain.drop(f"plain_rebuilt_{round_}")
        plain.close()
        return took

    return copy


def _inserting(place: Place, finished: list[tuple[object, ...]]) -> Callable[[int], float]:
    ordered = sorted(finished, key=lambda row: row[:4])  # type: ignore[arg-type,return-value]

    def insert(round_: int) -> float:
        plain = Plain(place.url)
        table = f"plain_rebuilt_{round_}"
        plain.create(table, f"{COLUMNS}, {KEY}")

        def work() -> None:
            for _ in plain.each("SELECT * FROM stored_events"):
                pass
            plain.save((f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?)", ordered))

        took = seconds(work)
        plain.drop(table)
        plain.close()
        return took

    return insert


def _in_sql(place: Place) -> Callable[[int], float]:
    """Return what times PostgreSQL doing it alone: JSON opened in SQL, the end of a mark by a window, then the key."""
    statement = """
        SELECT split_part(originator_id, '/', 2)::smallint AS year, split_part(originator_id, '/', 1) AS pupil,
               (split_part(originator_id, '/', 3)::date - date '1970-01-01') * 2
                   + (split_part(originator_id, '/', 4) = 'PM')::int AS session,
               originator_version::int AS version, convert_from(state, 'UTF8')::json ->> 'c' AS code,
               notification_id AS from_position,
               lead(notification_id) OVER (PARTITION BY originator_id ORDER BY originator_version) AS until_position
        FROM stored_events WHERE topic BETWEEN 'entry.' AND 'entry.~'"""

    def work(round_: int) -> float:
        plain, table = Plain(place.url), f"plain_sql_{round_}"

        def run() -> None:
            plain.run(f"CREATE TABLE {table} AS {statement}")
            plain.run(f"ALTER TABLE {table} ADD PRIMARY KEY (year, pupil, session, version)")

        took = seconds(run)
        plain.drop(table)
        plain.close()
        return took

    return work
