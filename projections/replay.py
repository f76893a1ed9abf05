"""Replaying: the ledger's rows a page at a time, and what the read model must be when they are read one by one."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from ledger.store import Ledger, Row, UnsoundRow
from projections.projector import EntryRow, meaning
from projections.tables import SERVING, Generation

PAGE = 50_000


def pages(ledger: Ledger, until: int, after: int = 0) -> Iterator[list[Row]]:
    """Yield the ledger's rows in order, a page at a time, up to a position."""
    while after < until and (rows := ledger.reads.rows(after, PAGE, until)):
        yield rows
        after = rows[-1].position


def sound_pages(ledger: Ledger, until: int) -> Iterator[list[Row] | UnsoundRow]:
    """Yield the ledger's rows as `pages` does, and in the place of one that no recorder wrote what is wrong with it."""
    after = 0
    while after < until:
        try:
            rows = ledger.reads.rows(after, PAGE, until)
        except UnsoundRow as error:
            if error.position is None or error.position <= after:
                raise
            yield from pages(ledger, error.position - 1, after)
            yield error
            after = error.position
            continue
        if not rows:
            return
        yield rows
        after = rows[-1].position


def replayed(ledger: Ledger, until: int) -> set[EntryRow]:
    """Return the rows that the read model must hold when it stands at a position, from the ledger alone, event by
    event."""
    return replay(ledger, until)[0]


def replay(ledger: Ledger, until: int) -> tuple[set[EntryRow], set[tuple[int, str]]]:
    """Return those rows, and the (position, stream) of every event that must be parked."""
    unread: set[tuple[int, str]] = set()
    model: dict[tuple[int, str, int, int], EntryRow] = {}
    streams: set[str] = set()
    for rows in sound_pages(ledger, until):
        if isinstance(rows, UnsoundRow):
            continue
        batch = meaning(rows, streams)
        unread |= {(each["position"], each["stream"]) for each in batch.parked}
        model.update({row[:4]: row for row in batch.fresh})
        for position, *key in batch.closings:
            # An amendment whose original is gone ends nothing; `verify` names it.
            if ended := model.get(tuple(key)):  # type: ignore[arg-type]
                model[ended[:4]] = ended._replace(until_position=position)
    return set(model.values()), unread


def stored(engine: sa.Engine, generation: Generation = SERVING) -> Iterator[EntryRow]:
    """Yield the rows that the read model holds."""
    columns = (generation.entries.c[name] for name in EntryRow._fields)
    with engine.connect() as connection:
        for row in connection.execute(sa.select(*columns)):
            yield EntryRow._make(row)
