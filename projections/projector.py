"""The projector: brings the read model up to the ledger, in batches, exactly once.

A batch and the position it reaches are one transaction, so a kill at any moment leaves both or neither. The position
is claimed first, by an update that only succeeds from the position the batch was read at: of two projectors one goes
on and the other reads again. Beside the position stands the digest of the event there: a ledger that was restored
behind its read model, or replaced, does not match, and is refused instead of being silently continued.

An event that cannot be read is parked with its reason, and its stream with it; every other entry is served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from ledger import wire
from ledger.codes import by_symbol
from ledger.errors import Misconfigured
from ledger.sessions import Session, school_year
from ledger.store import Ledger, Row
from projections.tables import entries, parked, tracking

BATCH = 5_000
NAME = "entries"
ENTRY = "entry."


class EntryRow(NamedTuple):
    """One row of the read model, in the order of its columns."""

    year: int
    pupil: str
    session: int
    version: int
    code: int
    from_position: int
    until_position: int | None


class Closing(NamedTuple):
    """An earlier version that a later one ended."""

    until_position: int
    year: int
    pupil: str
    session: int
    version: int


class Batch(NamedTuple):
    """What a run of rows means: new versions, endings of versions stored before, and what could not be read."""

    fresh: list[EntryRow]
    closings: list[Closing]
    parked: list[dict[str, Any]]


def meaning(rows: Iterable[Row], parked_streams: set[str]) -> Batch:
    """Return what these rows, in order of position, say to the read model. Pure: the live projector and every rebuild
    share it. Streams that are parked, or become so here, are added to `parked_streams`."""
    fresh: dict[tuple[str, int], EntryRow] = {}
    ended: list[EntryRow] = []
    closings: list[Closing] = []
    unread: list[dict[str, Any]] = []
    for row in rows:
        if not row.topic.startswith(ENTRY):
            continue
        try:
            if row.stream in parked_streams:
                raise ValueError("an earlier event of this stream is parked")
            entry = entry_row(row)
        except (wire.Undecodable, ValueError, LookupError) as error:
            parked_streams.add(row.stream)
            unread.append(_parked(row, str(error)))
            continue
        key = (entry.pupil, entry.session)
        # An amendment in the same batch as its original ends the row in memory; an older one is ended in SQL.
        if before := fresh.pop(key, None):
            ended.append(before._replace(until_position=row.position))
        elif entry.version > 1:
            closings.append(Closing(row.position, entry.year, entry.pupil, entry.session, entry.version - 1))
        fresh[key] = entry
    return Batch(ended + list(fresh.values()), closings, unread)


_places: dict[str, tuple[int, int]] = {}


def entry_row(row: Row) -> EntryRow:
    """Return the row of the read model that an event of an entry makes. Raises Undecodable or ValueError."""
    pupil, _, place = row.stream.partition("/")
    found = _places.get(place)
    if found is None:
        session = Session.parse(place.partition("/")[2])
        year = school_year(session.day)
        if place != f"{year}/{session}":
            raise ValueError(f"the entry of {session} stands in a stream of another name")
        found = _places[place] = (year, session.number)
    code = by_symbol(getattr(wire.decode(row.state), "code", ""))
    if code is None:
        raise ValueError("its code is in no table of codes")
    return EntryRow(found[0], pupil, found[1], row.version, code.id, row.position, None)


def _parked(row: Row, reason: str) -> dict[str, Any]:
    return {"position": row.position, "stream": row.stream, "topic": row.topic, "reason": reason}


class Projector:
    """Keeps the read model of one ledger. Cheap to make; hold one to keep its connections."""

    def __init__(self, ledger: Ledger, engine: sa.Engine, *, batch: int = BATCH) -> None:
        self._ledger = ledger
        self._engine = engine
        self._batch = batch
        self.trusted = -1

    def position(self) -> int:
        """Return how far the read model has been brought, 0 before the first event."""
        with self._engine.connect() as connection:
            return self._tracked(connection)[0]

    def catch_up(self, progress: Callable[[int], None] | None = None) -> int:
        """Return the position reached, which is the ledger's last at the time of the call or later.

        `progress` is called with each position reached. Raises Misconfigured where the ledger is behind the read model.
        """
        head, _ = self._ledger.reads.head()
        while True:
            with self._engine.connect() as connection:
                at, digest = self._tracked(connection)
                streams = set(connection.scalars(sa.select(parked.c.stream)))
            self._check_digest(at, digest, head)
            if at >= head:
                self.trusted = at
                return at
            rows = self._ledger.reads.rows(at, self._batch)
            if self._apply(at, rows, streams) and progress is not None:
                progress(rows[-1].position)

    def _apply(self, at: int, rows: Sequence[Row], streams: set[str]) -> bool:
        """Record one batch and its position in one transaction; False where another projector was first."""
        last = rows[-1]
        batch = meaning(rows, streams)
        with self._engine.connect() as connection:
            if not self._claim(connection, at, last.position, wire.leaf(*last)):
                connection.rollback()
                return False
            write(connection, batch)
            connection.commit()
        return True

    def _claim(self, connection: sa.Connection, at: int, reached: int, digest: bytes) -> bool:
        values = {"position": reached, "digest": digest}
        if at == 0:
            # The key lets one first batch in; the others find the row there and read again.
            try:
                connection.execute(tracking.insert().values(name=NAME, **values))
            except sa.exc.IntegrityError:
                return False
            return True
        claimed = tracking.update().where(tracking.c.name == NAME, tracking.c.position == at).values(**values)
        return bool(connection.execute(claimed).rowcount)

    def _tracked(self, connection: sa.Connection) -> tuple[int, bytes]:
        found = connection.execute(sa.select(tracking.c.position, tracking.c.digest).where(tracking.c.name == NAME))
        row = found.one_or_none()
        return (row.position, bytes(row.digest)) if row else (0, b"")

    def _check_digest(self, at: int, digest: bytes, head: int) -> None:
        # Every time, at the cost of one row: a ledger can be restored under a process that goes on running.
        if at == 0:
            return
        rows = self._ledger.reads.rows_at([at])
        if not rows:
            raise Misconfigured(
                f"the read model stands at position {at} but the ledger ends at {head}: the ledger was restored behind "
                "it; check the ledger, then run 'attendance rebuild'"
            )
        if wire.leaf(*rows[0]) != digest:
            raise Misconfigured(
                f"the event at position {at} is not the one that the read model was built from: the ledger was "
                "replaced or altered; check it with 'attendance verify', then run 'attendance rebuild'"
            )
        self.trusted = at


def write(connection: sa.Connection, batch: Batch) -> None:
    """Write a batch inside the connection's transaction, by each database's fastest way."""
    if batch.parked:
        connection.execute(parked.insert(), batch.parked)
    if connection.dialect.name == "postgresql":
        _copy(connection, batch)
        return
    if batch.fresh:
        connection.exec_driver_sql("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", batch.fresh)  # type: ignore[arg-type]
    if batch.closings:
        connection.exec_driver_sql(
            "UPDATE entries SET until_position = ? WHERE year = ? AND pupil = ? AND session = ? AND version = ?",
            batch.closings,  # type: ignore[arg-type]
        )


def _copy(connection: sa.Connection, batch: Batch) -> None:
    cursor = connection.connection.cursor()
    columns = ", ".join(column.name for column in entries.columns)
    if batch.fresh:
        with cursor.copy(f"COPY entries ({columns}) FROM STDIN (FORMAT binary)") as copy:  # type: ignore[attr-defined]
            copy.set_types(["int2", "text", "int4", "int4", "int2", "int8", "int8"])
            for row in batch.fresh:
                copy.write_row(row)
    if batch.closings:
        cursor.execute(
            "UPDATE entries e SET until_position = c.until_position "
            "FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::int[], %s::int[]) "
            "AS c (until_position, year, pupil, session, version) "
            "WHERE e.year = c.year AND e.pupil = c.pupil AND e.session = c.session AND e.version = c.version",
            tuple(map(list, zip(*batch.closings, strict=True))),
        )
