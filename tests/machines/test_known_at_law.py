"""What was answered once is answered for ever: knowledge is a position, and a position is a prefix of the log.

Three ways to the same answer are compared: the answer given while the journal was still running, the same question
asked at its end with `known_at`, and the question asked of a fresh ledger that holds only the log up to that position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from eventsourcing.persistence import StoredEvent

from ledger.sessions import from_micros
from ledger.store import Row
from projections.readmodel.projector import Projector
from projections.readmodel.rebuild import drop_old, rebuild
from projections.readmodel.replay import replayed, stored
from projections.readmodel.tables import metadata
from tests.machines.questions import everything
from tests.support.counts import count
from tests.support.random_school import journal
from tests.support.schools import OpenedSchool, open_school
from tests.support.slow_model import LONDON, parse_moment

Line = dict[str, Any]
Given = tuple[date, datetime, dict[str, Any]]

SEEDS = range(count(2, 40))
BATCHES = [1, 2, 7, 5000]


def pauses(lines: list[Line], seed: int, most: int) -> list[int]:
    """Return some lines after which time goes on, so that their moment says which lines were known."""
    moments = [parse_moment(line["at"]) for line in lines]
    # Before the first school year is open there is nothing to ask about.
    steps = [n for n in range(3, len(lines) - 1) if moments[n] < moments[n + 1]]
    return sorted(Random(seed).sample(steps, min(most, len(steps))))


def days_about(moment: datetime) -> Iterator[date]:
    """Yield days to ask about: that day, before it, and after it, where nothing is known yet."""
    today = moment.astimezone(LONDON).date()
    yield from (today, today - timedelta(days=9), today + timedelta(days=12))


def answered_while_running(school: OpenedSchool, lines: list[Line], seed: int) -> list[Given]:
    """Return what was answered at the pauses of a replay, each with its day and moment."""
    given = []
    stops = set(pauses(lines, seed, count(2, 6)))
    for number, line in enumerate(lines):
        school.send(line)
        if number in stops:
            for day in days_about(parse_moment(line["at"])):
                moment = school.answers.moment(day)
                given.append((day, moment.known_at, everything(school.answers, moment)))
    return given


@pytest.mark.parametrize("seed", SEEDS)
def test_an_answer_stays_the_same_for_ever(seed: int, fresh_url: Callable[[], str]) -> None:
    url = fresh_url()
    size = (6, 3) if url.startswith("postgres") else (25, 5)
    with closing(open_school(url, keep=seed % 2 == 1)) as school:
        given = answered_while_running(school, journal(seed, *size), seed)
        assert given
        for day, known_at, then in given:
            assert everything(school.answers, school.answers.moment(day, known_at)) == then


@pytest.mark.parametrize("seed", SEEDS)
def test_the_past_is_the_log_up_to_there(seed: int, fresh_url: Callable[[], str]) -> None:
    url = fresh_url()
    size = (6, 3) if url.startswith("postgres") else (25, 5)
    with closing(open_school(url).replay(journal(seed, *size))) as school:
        rows = school.rows()
        steps = [row for row, after in pairwise(rows) if row.recorded_at < after.recorded_at]
        for last in Random(seed).sample(steps[4:], count(2, 3)):
            known_at = from_micros(last.recorded_at)
            with closing(holding(rows[: last.position], school)) as past:
                for day in days_about(known_at):
                    now = everything(school.answers, school.answers.moment(day, known_at))
                    assert now == everything(past.answers, past.answers.moment(day))


def holding(rows: list[Row], like: OpenedSchool) -> OpenedSchool:
    """Return a fresh ledger in memory with copies of these rows and the keys of the other."""
    fresh = open_school()
    for row in rows:
        event = StoredEvent(row.stream, row.version, row.topic, row.state)
        fresh.ledger.reads.insert_events([event], at=row.recorded_at)
    fresh.answers.keys = like.keys
    return fresh


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("seed", SEEDS[::2])
def test_the_read_model_is_the_log_whatever_the_batch(seed: int, batch: int, fresh_url: Callable[[], str]) -> None:
    url = fresh_url()
    lines = journal(seed, 3, 3) if url.startswith("postgres") else journal(seed, 15, 5)
    with closing(open_school(url)) as school:
        engine = school.answers.engine
        projector = Projector(school.ledger, engine, batch=batch)
        stops = set(pauses(lines, seed, most=5))
        for number, line in enumerate(lines):
            school.send(line)
            if number in stops or line is lines[-1]:
                reached = projector.catch_up()
                assert reached == projector.position() == len(school.rows())
                assert set(stored(engine)) == replayed(school.ledger, reached)


def test_the_read_model_is_the_same_grown_or_rebuilt(fresh_url: Callable[[], str]) -> None:
    with closing(open_school(fresh_url()).replay(journal(11, 6, 4))) as school:
        engine = school.answers.engine
        Projector(school.ledger, engine, batch=7).catch_up()
        grown = contents(engine)
        assert grown["entries"]
        rebuild(school.ledger, engine)
        assert drop_old(engine)
        assert contents(engine) == grown


def contents(engine: sa.Engine) -> dict[str, set[Any]]:
    with engine.connect() as connection:
        return {
            table.name: {tuple(row) for row in connection.execute(sa.select(table))} for table in metadata.sorted_tables
        }
