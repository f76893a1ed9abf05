"""The projector: brings the read model up to the ledger, in batches, exactly once.

A batch and the position it reaches are one transaction, so a kill at any moment leaves both or neither. The position
is claimed first, by an update that only succeeds from the position the batch was read at: of two projectors one goes
on and the other reads again. Beside the position stands the digest of the event there: a ledger that was restored
behind its read model, or replaced, does not match, and is refused instead of being silently continued.

An event that cannot be read is parked with its reason, and its stream with it; every other entry is served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from ledger import wire
from ledger.codes import by_symbol
from ledger.errors import Misconfigured
from ledger.sessions import Session, school_year
from ledger.store import Ledger, Row
from projections.tables import SERVING, Generation, tracking

BATCH = 5_000
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


class Tracked(NamedTuple):
    """How far a generation has been brought, 0 before the first event, and the digest of the event there."""

    position: int
    digest: bytes


class Batch(NamedTuple):
    """What a run of rows means: new versions, endings of versions stored before, and what could not be read."""

    fresh: list[EntryRow]
    closings: list[Closing]
    parked: list[dict[str, Any]]


def meaning(rows: Iterable[Row], parked_streams: set[str]) -> Batch:
    """Return what these rows, in order of position, say to the read model. Pure. Streams that are parked, or become so
    here, are added to `parked_streams`."""
    fresh: dict[tuple[int, str, int], EntryRow] = {}
    ended: list[EntryRow] = []
    closings: list[Closing] = []
    found, unread = read_entries(rows, parked_streams)
    for entry in found:
        key = entry[:3]
        # An amendment in the same batch as its original ends the row in memory; an older one is ended in SQL.
        if before := fresh.pop(key, None):
            ended.append(before._replace(until_position=entry.from_position))
        elif entry.version > 1:
            ending = (entry.from_position, entry.year, entry.pupil, entry.session, entry.version - 1)
            closings.append(Closing(*ending))
        fresh[key] = entry
    return Batch(ended + list(fresh.values()), closings, unread)


def read_entries(rows: Iterable[Row], parked_streams: set[str]) -> tuple[list[EntryRow], list[dict[str, Any]]]:
    """Return the versions of entries among these rows, in order, each as if it stood for ever, and what is parked: an
    event that cannot be read and every later one of its stream. `parked_streams` grows by what is found here."""
    found: list[EntryRow] = []
    unread: list[dict[str, Any]] = []
    for row in rows:
        if not row.topic.startswith(ENTRY):
            continue
        try:
            if row.stream in parked_streams:
                raise ValueError("an earlier event of this stream is parked")
            found.append(entry_row(row))
        except (wire.Undecodable, ValueError, LookupError) as error:
            parked_streams.add(row.stream)
            unread.append(parked_row(row, str(error)))
    return found, unread


def entry_row(row: Row) -> EntryRow:
    """Return the row of the read model that an event of an entry makes. Raises Undecodable or ValueError."""
    pupil, _, place = row.stream.partition("/")
    year, session = place_of(place)
    return EntryRow(year, pupil, session, row.version, code_of(row.state), row.position, None)


@lru_cache(maxsize=4096)
def place_of(place: str) -> tuple[int, int]:
    """Return the school year and the number of the session that an entry's stream names after its pupil. Raises
    ValueError."""
    session = Session.parse(place.partition("/")[2])
    year = school_year(session.day)
    if place != f"{year}/{session}":
        raise ValueError(f"the entry of {session} stands in a stream of another name")
    return year, session.number


@lru_cache(maxsize=4096)
def code_of(state: bytes) -> int:
    """Return the number of the code that an entry's event gives. The marks of one register are the same bytes.

    Raises ValueError, or Undecodable for bytes that are no event."""
    event = wire.decode(state)
    if event.kind != "entry":
        raise ValueError(f"it is stored as an entry, but says {event.topic}")
    code = by_symbol(event.code)  # type: ignore[union-attr]
    if code is None:
        raise ValueError("its code is in no table of codes")
    return code.id


def parked_row(row: Row, reason: str) -> dict[str, Any]:
    return {"position": row.position, "stream": row.stream, "topic": row.topic, "reason": reason}


class Projector:
    """Keeps the read model of one ledger, or another generation of it. Cheap to make; hold one to keep its
    connections."""

    def __init__(
        self, ledger: Ledger, engine: sa.Engine, *, batch: int = BATCH, generation: Generation = SERVING
    ) -> None:
        self._ledger = ledger
        self._engine = engine
        self._batch = batch
        self._generation = generation
        # Threads share it: where the read model was last seen to be this ledger's, in one value.
        self.trusted = Tracked(-1, b"")

    def position(self) -> int:
        """Return how far the read model has been brought, 0 before the first event."""
        with self._engine.connect() as connection:
            return tracked(connection, self._generation).position

    def catch_up(self, progress: Callable[[int], None] | None = None) -> int:
        """Return the position reached, which is the ledger's last at the time of the call or later.

        `progress` is called with each position reached. Raises Misconfigured where the ledger is behind the read model.
        """
        for reached in self.batches():
            if progress is not None:
                progress(reached)
        return self.trusted.position

    def batches(self) -> Iterator[int]:
        """Yield each position reached on the way that `catch_up` goes: who stops asking stops between two batches."""
        head, _ = self._ledger.reads.head()
        while True:
            with self._engine.connect() as connection:
                at, digest = tracked(connection, self._generation)
                streams = set(connection.scalars(sa.select(self._generation.parked.c.stream)))
            self._check_digest(at, digest, head)
            if at >= head:
                return
            rows = self._ledger.reads.rows(at, self._batch)
            if self._apply(at, rows, streams):
                yield rows[-1].position

    def check(self) -> int:
        """Return the position that the read model stands at. Raises Misconfigured where this ledger is not the one it
        was built from."""
        with self._engine.connect() as connection:
            at, digest = tracked(connection, self._generation)
        self._check_digest(at, digest, self._ledger.reads.head()[0])
        return at

    def _apply(self, at: int, rows: Sequence[Row], streams: set[str]) -> bool:
        """Record one batch and its position in one transaction; False where another projector was first."""
        last = rows[-1]
        batch = meaning(rows, streams)
        with self._engine.connect() as connection:
            if not self._claim(connection, at, last.position, wire.leaf(*last)):
                connection.rollback()
                return False
            write(connection, batch, self._generation)
            connection.commit()
        return True

    def _claim(self, connection: sa.Connection, at: int, reached: int, digest: bytes) -> bool:
        values = {"position": reached, "digest": digest}
        if at == 0:
            # The key lets one first batch in; the others find the row there and read again.
            try:
                connection.execute(tracking.insert().values(name=self._generation.name, **values))
            except sa.exc.IntegrityError:
                return False
            return True
        mine = tracking.c.name == self._generation.name
        ours = tracking.update().where(mine, tracking.c.position == at)
        return bool(connection.execute(ours.values(**values)).rowcount)

    def _check_digest(self, at: int, digest: bytes, head: int) -> None:
        # Every time, at the cost of one row: a ledger can be restored under a process that goes on running.
        if at == 0:
            self.trusted = Tracked(at, digest)
            return
        rows = self._ledger.reads.rows_at([at])
        if not rows and at < head:
            raise Misconfigured(
                f"the ledger holds no event at position {at}, which the read model was brought up to: somebody removed "
                "it, see 'attendance verify'"
            )
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
        self.trusted = Tracked(at, digest)


def tracked(connection: sa.Connection, generation: Generation = SERVING, *, hold: bool = False) -> Tracked:
    """Return how far a generation has been brought. With `hold`, no projector brings it further before the transaction
    has ended."""
    found = sa.select(tracking.c.position, tracking.c.digest).where(tracking.c.name == generation.name)
    row = connection.execute(found.with_for_update() if hold else found).one_or_none()
    return Tracked(row.position, bytes(row.digest)) if row else Tracked(0, b"")


def write(connection: sa.Connection, batch: Batch, generation: Generation = SERVING) -> None:
    """Write a batch inside the connection's transaction, by each database's fastest way."""
    table = generation.entries.name
    if batch.parked:
        connection.execute(generation.parked.insert(), batch.parked)
    if connection.dialect.name == "postgresql":
        _copy(connection, batch, table)
        return
    if batch.fresh:
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?)", batch.fresh)  # type: ignore[arg-type]
    if batch.closings:
        connection.exec_driver_sql(
            f"UPDATE {table} SET until_position = ? WHERE year = ? AND pupil = ? AND session = ? AND version = ?",
            batch.closings,  # type: ignore[arg-type]
        )


def _copy(connection: sa.Connection, batch: Batch, table: str) -> None:
    cursor = connection.connection.cursor()
    if batch.fresh:
        columns = ", ".join(EntryRow._fields)
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)") as copy:  # type: ignore[attr-defined]
            copy.set_types(["int2", "text", "int4", "int4", "int2", "int8", "int8"])
            for row in batch.fresh:
                copy.write_row(row)
    if batch.closings:
        cursor.execute(
            f"UPDATE {table} e SET until_position = c.until_position "
            "FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::int[], %s::int[]) "
            "AS c (until_position, year, pupil, session, version) "
            "WHERE e.year = c.year AND e.pupil = c.pupil AND e.session = c.session AND e.version = c.version",
            tuple(map(list, zip(*batch.closings, strict=True))),
        )
