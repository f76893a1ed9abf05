"""One projector for many schools, killed with SIGKILL anywhere: every read model is that of the position beside it."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from ledger.store import open_ledger
from ledger.store.names import at_school
from ledger.store.schools import Schools
from projections.many import schools as many
from projections.many.schools import Followed
from projections.readmodel.projector import Projector
from projections.readmodel.replay import replayed
from projections.readmodel.tables import SERVING, entries, make_tables, tracking
from tests.faults.test_projector_killed import ViewFirst, held
from tests.support.busy import grow
from tests.support.children import Child, ChildFailed
from tests.support.counts import count

NAMES = [f"school_{number}" for number in range(5)]
EVENTS = 400
BATCH = 5


class InSmallBatches(Projector):
    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments, batch=BATCH)  # type: ignore[arg-type]


class Broken(ViewFirst, InSmallBatches):
    """Commits view and position one after the other."""


def follow(tell: Callable[[int], None], url: str, kind: type[Projector]) -> None:
    """Keep all the schools' read models up to date, telling how many events have been taken in."""
    many.Projector = kind  # type: ignore[misc,attr-defined]
    with Schools(url) as schools:
        followed = Followed(schools, tell=lambda name, error: print(name, error))
        followed.round(lambda: False, lambda taken, _: tell(taken))
    if followed.failed:
        raise AssertionError(str(followed.failed))


def divergence(url: str, kind: type[Projector], kills: int) -> str:
    """Return the first disagreement of a school's rows and position in so many kills and a last run; blank for none."""
    moments = random.Random(5)
    with Schools(url) as schools:
        for kill in range(kills):
            child = Child(follow, url, kind)
            try:
                if moments.random() < 0.8:
                    child.hear()
                child.kill_after(moments.uniform(0, 0.05))
            except (ChildFailed, EOFError) as error:
                return f"kill {kill}: it cannot go on: {error}"
            for name in NAMES:
                if said := disagreement(schools, name):
                    return f"kill {kill}: {said}"
        Followed(schools, tell=lambda name, error: None).round(lambda: False)
        heads = schools.heads()
        return "".join(disagreement(schools, name, heads[name].position) for name in NAMES)


def disagreement(schools: Schools, name: str, position: int | None = None) -> str:
    """Return how a school's rows are not those of where they stand, or it is not there; begin one that is done anew."""
    ledger, engine = schools.ledger(name), schools.engine(name)
    at, rows = held(Projector(ledger, engine), engine)
    if rows != replayed(ledger, at):
        return f"the rows of {name} are not those of position {at}"
    if position not in (None, at):
        return f"{name} stands at {at}"
    if position is None and at == ledger.reads.head()[0]:
        with engine.begin() as connection:
            connection.execute(entries.delete())
            connection.execute(SERVING.sums.delete())
            connection.execute(tracking.delete())
    return ""


@pytest.fixture
def many_schools(new_database: str) -> str:
    with Schools(new_database) as schools:
        for seed, name in enumerate(NAMES):
            with open_ledger(at_school(new_database, name), create=True) as ledger:
                grow(ledger, EVENTS, seed=seed)
            many.opened_school(schools, name)
            make_tables(schools.engine(name))
    return new_database


def test_every_school_is_whole_wherever_the_projector_is_killed(many_schools: str) -> None:
    assert divergence(many_schools, InSmallBatches, count(4, 100)) == ""


def test_control_two_transactions_diverge(many_schools: str) -> None:
    assert divergence(many_schools, Broken, kills=100) != ""
