"""Rebuilding the read model from the ledger, and proving that it is what the ledger says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlalchemy as sa

from ledger import wire
from ledger.store import Ledger, Row
from projections.projector import NAME, EntryRow, meaning, write
from projections.tables import entries, parked, tracking

BATCH = 50_000


def rebuild(ledger: Ledger, engine: sa.Engine, progress: Callable[[int], None] | None = None) -> int:
    """Return the position reached. Everything is replaced in one transaction: readers see the old model or the new."""
    head, _ = ledger.reads.head()
    streams: set[str] = set()
    with engine.begin() as connection:
        for table in (entries, parked, tracking):
            connection.execute(table.delete())
        for rows in pages(ledger, head):
            write(connection, meaning(rows, streams))
            if progress is not None:
                progress(rows[-1].position)
        if head:
            digest = wire.leaf(*ledger.reads.rows_at([head])[0])
            connection.execute(tracking.insert().values(name=NAME, position=head, digest=digest))
    return head


def pages(ledger: Ledger, until: int, after: int = 0) -> Iterator[list[Row]]:
    """Yield the ledger's rows in order, a page at a time, up to a position."""
    while after < until and (rows := ledger.reads.rows(after, BATCH, until)):
        yield rows
        after = rows[-1].position


def replayed(ledger: Ledger, until: int) -> set[EntryRow]:
    """Return the rows that the read model must hold when it stands at a position, from the ledger alone."""
    return replay(ledger, until)[0]


def replay(ledger: Ledger, until: int) -> tuple[set[EntryRow], set[tuple[int, str]]]:
    """Return those rows, and the (position, stream) of every event that must be parked."""
    unread: set[tuple[int, str]] = set()
    model: dict[tuple[str, int, int], EntryRow] = {}
    streams: set[str] = set()
    for rows in pages(ledger, until):
        batch = meaning(rows, streams)
        unread |= {(each["position"], each["stream"]) for each in batch.parked}
        model.update({(row.pupil, row.session, row.version): row for row in batch.fresh})
        for position, _, pupil, session, version in batch.closings:
            # An amendment whose original is gone ends nothing; `verify` names it.
            if ended := model.get((pupil, session, version)):
                model[pupil, session, version] = ended._replace(until_position=position)
    return set(model.values()), unread


def stored(engine: sa.Engine) -> Iterator[EntryRow]:
    """Yield the rows that the read model holds."""
    with engine.connect() as connection:
        for row in connection.execute(sa.select(entries)):
            yield EntryRow._make(row)
