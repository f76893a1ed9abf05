"""A projector that is killed with SIGKILL anywhere: after every kill its rows are those of the position beside them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
import sqlalchemy as sa

from ledger import wire
from ledger.store import Row, open_ledger
from projections.readmodel.projector import EntryRow, Projector, meaning, write
from projections.readmodel.replay import replayed, stored
from projections.readmodel.tables import entries, open_engine, tracking
from tests.support.busy import grow
from tests.support.children import Child, ChildFailed
from tests.support.counts import count

BATCH = 5
EVENTS = 3000


class TwoTransactions(Projector):
    """A broken projector: view and position are committed one after the other."""

    order: tuple[str, ...]

    def _apply(self, at: int, rows: Sequence[Row], streams: set[str]) -> bool:
        for part in self.order:
            with self._engine.begin() as connection:
                if part == "view":
                    write(connection, meaning(rows, streams))
                else:
                    self._claim(connection, at, rows[-1].position, wire.leaf(*rows[-1]))
        return True


class ViewFirst(TwoTransactions):
    order = ("view", "position")


class PositionFirst(TwoTransactions):
    order = ("position", "view")


def project(tell: Callable[[int], None], url: str, kind: type[Projector]) -> None:
    ledger = open_ledger(url)
    kind(ledger, open_engine(ledger), batch=BATCH).catch_up(tell)


def divergence(url: str, kind: type[Projector], kills: int) -> str:
    """Return the first disagreement of rows and position in so many kills and a last run to the end; blank for none."""
    ledger, moments = open_ledger(url), random.Random(5)
    engine = open_engine(ledger)
    head, _ = ledger.reads.head()
    for kill in range(kills):
        child = Child(project, url, kind)
        try:
            if moments.random() < 0.8:
                child.hear()
            child.kill_after(moments.uniform(0, 0.03))
        except ChildFailed as error:
            return f"kill {kill}: it cannot go on: {error}"
        at, rows = held(Projector(ledger, engine), engine)
        if rows != replayed(ledger, at):
            return f"kill {kill}: the rows are not those of position {at}"
        if at == head:
            with engine.begin() as connection:  # from the beginning again
                connection.execute(entries.delete())
                connection.execute(tracking.delete())
    Projector(ledger, engine).catch_up()
    return "" if held(Projector(ledger, engine), engine) == (head, replayed(ledger, head)) else "the end differs"


def held(projector: Projector, engine: sa.Engine) -> tuple[int, set[EntryRow]]:
    """Return the position and the rows that go with it; a killed client's last commit may still be under way."""
    while True:
        at, rows = projector.position(), set(stored(engine))
        if projector.position() == at:
            return at, rows


@pytest.fixture
def many_entries(durable_url: str) -> str:
    """Return the address of a ledger of many entries, a third of them amended at some time."""
    grow(open_ledger(durable_url, create=True), EVENTS)
    return durable_url


def test_the_rows_are_those_of_their_position_wherever_the_projector_is_killed(many_entries: str) -> None:
    assert divergence(many_entries, Projector, count(6, 200)) == ""


@pytest.mark.parametrize("broken", [ViewFirst, PositionFirst])
def test_control_two_transactions_diverge(many_entries: str, broken: type[Projector]) -> None:
    assert divergence(many_entries, broken, kills=100) != ""
