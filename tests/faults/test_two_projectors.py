"""Several projectors on one read model, in processes and in threads, while the ledger grows: each event once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from ledger.store import Ledger, open_ledger
from projections.readmodel.projector import Projector
from projections.readmodel.replay import replayed, stored
from projections.readmodel.tables import SERVING, open_engine, tracking
from tests.support.busy import grow
from tests.support.children import Child, ChildFailed, running
from tests.support.counts import count

PROJECTORS = 3
EVENTS = 400


class Unguarded(Projector):
    """A broken projector: it claims a position without looking whether another one went on from it."""

    def _claim(self, connection: sa.Connection, at: int, reached: int, digest: bytes) -> bool:
        if at == 0:
            return super()._claim(connection, at, reached, digest)
        values = {"position": reached, "digest": digest}
        connection.execute(tracking.update().where(tracking.c.name == SERVING.name).values(**values))
        return True


def keep_up(tell: Callable[[int], None], url: str, kind: type[Projector], until: int) -> None:
    """Project in small batches until a position is reached."""
    ledger = open_ledger(url)
    projector = kind(ledger, open_engine(ledger), batch=7)
    while projector.catch_up() < until:
        pass
    tell(until)


def in_processes(url: str, kind: type[Projector], until: int, meanwhile: Callable[[], None]) -> None:
    with running(Child(keep_up, url, kind, until) for _ in range(PROJECTORS)) as children:
        meanwhile()
        for child in children:
            child.finish()


def in_threads(url: str, kind: type[Projector], until: int, meanwhile: Callable[[], None]) -> None:
    with ThreadPoolExecutor(PROJECTORS) as pool:
        running = [pool.submit(keep_up, lambda _: None, url, kind, until) for _ in range(PROJECTORS)]
        meanwhile()
        for one in running:
            one.result()


def open_new(url: str) -> Ledger:
    ledger = open_ledger(url, create=True)
    grow(ledger, EVENTS)
    open_engine(ledger).dispose()
    return ledger


@pytest.mark.parametrize("side_by_side", [in_processes, in_threads])
def test_each_event_is_projected_once(durable_url: str, side_by_side: Callable[..., None]) -> None:
    ledger = open_new(durable_url)
    for seed in range(1, 1 + count(2, 40)):
        until = ledger.reads.head()[0] + EVENTS
        side_by_side(durable_url, Projector, until, lambda seed=seed: grow(ledger, EVENTS, seed=seed))
        assert set(stored(open_engine(ledger))) == replayed(ledger, until)


def test_control_unguarded_projectors_collide(durable_url: str) -> None:
    ledger = open_new(durable_url)
    for seed in range(1, 20):
        until = ledger.reads.head()[0] + EVENTS
        try:
            in_processes(durable_url, Unguarded, until, lambda seed=seed: grow(ledger, EVENTS, seed=seed))
        except ChildFailed:
            return
        if set(stored(open_engine(ledger))) != replayed(ledger, until):
            return
    raise AssertionError("no two projectors collided: this test would not notice them")
