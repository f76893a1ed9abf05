"""Replaying: the ledger's rows a page at a time, and what the read model must be when they are read one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import sqlalchemy as sa

from ledger.store import Damaged, Ledger, Row, UnsoundRow
from projections.readmodel.projector import EntryRow, meaning
from projections.readmodel.tables import SERVING, Generation

PAGE = 50_000
LAST = 2**62  # where the last position cannot be read


def pages(ledger: Ledger, until: int, after: int = 0) -> Iterator[list[Row]]:
    """Yield the ledger's rows in order, a page at a time, up to a position."""
    while after < until and (rows := ledger.reads.rows(after, PAGE, until)):
        yield rows
        after = rows[-1].position


class Gap(NamedTuple):
    """Positions whose rows cannot be read, because the file is damaged there: those after one, up to another."""

    after: int
    last: int


def sound_pages(ledger: Ledger, until: int, after: int = 0) -> Iterator[list[Row] | UnsoundRow | Gap]:
    """Yield the ledger's rows as `pages` does, in the place of one that no recorder wrote what is wrong with it, and of
    those that stand where the file is damaged their positions."""
    size = PAGE
    while after < until:
        try:
            rows = ledger.reads.rows(after, size, until)
        except UnsoundRow as error:
            if error.position is None or error.position <= after:
                raise
            yield from sound_pages(ledger, error.position - 1, after)
            yield error
            after = error.position
            continue
        except Damaged:
            if size > 1:
                size //= 2  # down to the last row before the damage
                continue
            gap = Gap(after, _past_damage(ledger, after, until))
            yield gap
            after, size = gap.last, PAGE
            continue
        if not rows or rows[-1].position <= after:
            return
        yield rows
        after = rows[-1].position


def _past_damage(ledger: Ledger, after: int, until: int) -> int:
    """Return a position after which rows can be read again, `until` where there is none. Looks in steps that grow, so
    of what stands between two damaged places something may be passed over."""
    unread, there = after, after + 1
    while not _readable(ledger, there, until):
        unread, there = there, there + 1 + (there - after) // 8
        if there >= until:
            return until
    while there - unread > 1:
        middle = (unread + there) // 2
        unread, there = (unread, middle) if _readable(ledger, middle, until) else (middle, there)
    return there


def _readable(ledger: Ledger, after: int, until: int) -> bool:
    with suppress(UnsoundRow):
        try:
            ledger.reads.rows(after, 1, until)
        except Damaged:
            return False
    return True


def last_read(ledger: Ledger) -> int:
    """Return the ledger's last position; where the file is damaged there, the last whose row can be read."""
    with suppress(Damaged):
        return ledger.reads.end()
    last = 0
    with suppress(Damaged, UnsoundRow):
        for rows in sound_pages(ledger, LAST):
            last = rows[-1].position if isinstance(rows, list) else last
    return last


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
        if isinstance(rows, Gap):
            raise Damaged(f"the rows after position {rows.after} cannot be read")
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
