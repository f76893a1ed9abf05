"""A rebuild that is killed with SIGKILL anywhere: one whole generation serves after each kill, and the next goes on."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from ledger.store import Ledger, open_ledger
from projections.readmodel import rebuild as rebuilds
from projections.readmodel import tables
from projections.readmodel.projector import Projector, tracked
from projections.readmodel.rebuild import rebuild, status
from projections.readmodel.replay import replayed, stored
from projections.readmodel.tables import NEXT, OLD, SERVING, open_engine
from tests.support.busy import grow
from tests.support.children import Child, ChildFailed
from tests.support.counts import count

EVENTS = 1500
PAGE = 100


def rebuilding(tell: Callable[[str], None], url: str) -> None:
    ledger = open_ledger(url)
    rebuild(ledger, open_engine(ledger), lambda stage, reached, until: tell(stage), page=PAGE)


def careless(tell: Callable[[str], None], url: str) -> None:
    """A broken rebuild: one generation leaves its place in a transaction, and the other comes to it in the next."""

    def take_place(ledger: Ledger, engine: sa.Engine, projector: Projector) -> int:
        position = projector.catch_up()
        with rebuilds._writing(engine) as connection:
            rebuilds._drop(connection, OLD)
            rebuilds._rename(connection, SERVING, OLD)
        tell("between")
        time.sleep(5)  # it is killed in its sleep
        with rebuilds._writing(engine) as connection:
            rebuilds._rename(connection, NEXT, SERVING)
            connection.execute(tables.rebuilding.delete())
        return position

    rebuilds._take_place = take_place
    rebuilding(tell, url)


def harm(url: str, work: Callable[..., None], kills: int, at: str | None = None) -> str:
    """Return the first thing that is not whole after so many kills, at any moment or at what the child tells, and a
    last run to the end; blank for nothing."""
    ledger, moments = open_ledger(url), random.Random(7)
    engine = open_engine(ledger)
    for kill in range(kills):
        if kill % 5 == 0:
            grow(ledger, 7, seed=kill + 1)
        child = Child(work, url)
        try:
            while at is not None and child.hear() != at:
                pass
            child.kill_after(0 if at else moments.uniform(0, 0.3))
        except ChildFailed as error:
            return f"kill {kill}: it cannot go on: {error}"
        if said := not_whole(url):
            return f"kill {kill}: {said}"
    done = rebuild(ledger, engine)
    if status(engine) is not None or set(stored(engine)) != replayed(ledger, done.position):
        return "the end differs"
    return ""


def not_whole(url: str) -> str:
    """Return what is wrong with the serving generation, and with what the new one says of itself."""
    ledger = open_ledger(url)
    engine = open_engine(ledger)
    try:
        at = Projector(ledger, engine).position()
        if set(stored(engine)) != replayed(ledger, at):
            return f"the serving rows are not those of position {at}"
        if Projector(ledger, engine).catch_up() < at or set(stored(engine)) != replayed(ledger, ledger.reads.head()[0]):
            return "it cannot be brought up to date"
        left = status(engine)
        if left is None:
            return ""
        with engine.connect() as connection:
            reached, rows = tracked(connection, NEXT).position, set(stored(engine, NEXT))
        expected = replayed(ledger, max(reached, left.until))
        if not {row[:6] for row in rows} <= {row[:6] for row in expected if row.from_position <= reached}:
            return f"the new rows are not those of position {reached}"
        return ""
    except sa.exc.SQLAlchemyError as error:
        return f"it cannot be read: {type(error).__name__}"
    finally:
        engine.dispose()
        ledger.close()


@pytest.fixture
def serving(durable_url: str) -> str:
    """Return the address of a ledger of many entries, its read model up to date."""
    ledger = open_ledger(durable_url, create=True)
    grow(ledger, EVENTS)
    Projector(ledger, open_engine(ledger)).catch_up()
    return durable_url


def test_one_whole_generation_serves_wherever_a_rebuild_is_killed(serving: str) -> None:
    assert harm(serving, rebuilding, count(5, 200)) == ""


def test_control_a_change_of_place_in_several_transactions_is_seen_half(serving: str) -> None:
    assert re.search("cannot be read|are not those", harm(serving, careless, 1, at="between"))
