"""The live projector over one school year, from nothing to the present.

Its floor is `executemany` of the finished rows, in transactions as large. On PostgreSQL it is also compared with the
library's own `ProjectionRunner`, which reads the same ledger and keeps the same table, one transaction an event.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from commands.wiring import House
from projections.readmodel.projector import BATCH, Projector
from projections.readmodel.replay import stored
from projections.readmodel.tables import entries, parked, tracking
from scripts.benchmarks.library_runner import runner
from scripts.benchmarks.measure import Row, Target, in_turns, seconds
from scripts.benchmarks.plain import Plain
from scripts.benchmarks.stores import Place, Stores
from scripts.benchmarks.years import fill

COLUMNS = "year int, pupil text, session int, version int, code int, from_position int, until_position int"
KEY = "PRIMARY KEY (year, pupil, session, version)"
RUNNER_SECONDS = 3


def projector_rows(stores: Stores, kind: str, rate: float, rounds: int, weeks: int) -> list[Row]:
    """Return the projector's row, on PostgreSQL also the comparison with the library's runner."""
    place, house = stores.new(kind)
    fill(house, 1, weeks)
    head, _ = house.ledger.reads.head()
    project = _projecting(house)
    project(0)
    finished = [tuple(row) for row in stored(house.engine)]
    name = f"projector, {kind}"
    took, least = in_turns(rounds, project, _writing(place, finished))
    rows = [Row.of_rates(name, (head, len(finished)), took, least, Target("rate", "least", rate))]
    if kind == "postgresql":
        took, least = in_turns(rounds, project, running(place))
        rows.append(Row.of_rates(f"{name}, by the library's", (head, 1), took, least, Target("ratio", "least", 50)))
    house.close()
    return rows


def _projecting(house: House) -> Callable[[int], float]:
    """Return what empties the read model and times the projector bringing it up to the ledger."""

    def project(_: int) -> float:
        with house.engine.begin() as connection:
            for table in (entries, parked, tracking):
                connection.execute(table.delete())
        if house.engine.dialect.name == "postgresql":
            with house.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("VACUUM entries"))
        return seconds(Projector(house.ledger, house.engine).catch_up)

    return project


def _writing(place: Place, rows: list[Any]) -> Callable[[int], float]:
    """Return what times `executemany` of the finished rows into an empty table of the same columns and key."""
    plain = Plain(place.url)

    def write(round_: int) -> float:
        table = f"plain_entries_{round_}"
        plain.create(table, f"{COLUMNS}, {KEY}")
        insert = f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?)"
        batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]

        def save() -> None:
            for batch in batches:
                plain.save((insert, batch))

        return seconds(save)

    return write


def running(place: Place) -> Callable[[int], float]:
    """Return what times one event by the library's runner, taken over some seconds of its run."""

    def run(_: int) -> float:
        with runner(place.url) as running:
            running.wait(1, timeout=30)
            begun, before = time.perf_counter(), running.view.max_tracking_id(running.app_name)
            running.run_forever(timeout=RUNNER_SECONDS)
            done = running.view.max_tracking_id(running.app_name)
            took = time.perf_counter() - begun
        assert done and before, "the runner did not run"
        return took / (done - before)

    return run
