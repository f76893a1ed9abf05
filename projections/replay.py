"""Replaying: the ledger's rows a page at a time, and what the read model must be when they are read one by one."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from ledger.store import Ledger, Row
from projections.projector import EntryRow, meaning
from projections.tables import SERVING, Generation

PAGE = 50_000


def pages(ledger: Ledger, until: int, after: int = 0) -> Iterator[list[Row]]:
    """Yield the ledger's rows in order, a page at a time, up to a position."""
    while after < until and (rows := ledger.reads.rows(after, PAGE, until)):
        yield rows
        after = rows[-1].position


def replayed(ledger: Ledger, until: int) -> set[EntryRow]:
    """Return the rows that the read model must hold when it stands at a position, from the ledger alone, event by
    event."""
    model: dict[tuple[int, str, int, int], EntryRow] = {}
    streams: set[str] = set()
    for rows in pages(ledger, until):
        batch = meaning(rows, streams)
        model.update({row[:4]: row for row in batch.fresh})
        for position, *key in batch.closings:
            model[tuple(key)] = model[tuple(key)]._replace(until_position=position)  # type: ignore[index]
    return set(model.values())


def stored(engine: sa.Engine, generation: Generation = SERVING) -> Iterator[EntryRow]:
    """Yield the rows that the read model holds."""
    with engine.connect() as connection:
        for row in connection.execute(sa.select(generation.entries)):
            yield EntryRow._make(row)
