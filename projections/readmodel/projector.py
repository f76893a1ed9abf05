"""The projector: brings the read model up to the ledger, in batches, exactly once.

A batch and the position it reaches are one transaction, so a kill at any moment leaves both or neither. The position
is claimed first, by an update that only succeeds from the position the batch was read at: of two projectors one goes
on and the other reads again. Beside the position stands the digest of the event there: a ledger that was restored
behind its read model, or replaced, does not match, and is refused instead of being silently continued.

An event that cannot be read is parked with its reason, and its stream with it: from there on the entry is unreadable,
and what stood before does not stand any more. Every other entry is served. Rows of another version of this projection
are never gone on with: they are built again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple, TypedDict

import sqlalchemy as sa

from ledger import wire
from ledger.codes import by_symbol
from ledger.errors import Misconfigured
from ledger.sessions import Session, school_year
from ledger.store import Conflict, Ledger, Row
from ledger.store.failures import in_our_words
from projections.readmodel.frames import UNREADABLE
from projections.readmodel.sums import Sum, summed
from projections.readmodel.tables import SERVING, VERSION, Generation, make_tables, tracking

BATCH = 5_000
REBUILD = "'attendance rebuild' builds it again"
ENTRY = "entry."
LATER = "an earlier event of this stream is parked"


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
    """How far a generation has been brought, 0 before the first event, the digest of the event there, and the version
    of the projection that brought it there."""

    position: int
    digest: bytes
    version: int = VERSION


class Stale(Misconfigured):
    """A read model that is not to be gone on with, though the ledger is its own: outdated, or altered."""


class Outdated(Stale):
    """A read model that another release brought up, and that is therefore built again."""


class Parked(TypedDict):
    """A row of the events that could not be read, and why."""

    position: int
    stream: str
    topic: str
    reason: str


class Batch(NamedTuple):
    """What a run of rows means: new versions, endings of versions stored before, and what could not be read."""

    fresh: list[EntryRow]
    closings: list[Closing]
    parked: list[Parked]


class Fold:
    """What rows mean that are taken in in order of position, over any number of pages: versions of entries, each ended
    by the next, and endings of versions from before the first page. `streams` are those parked, and grows."""

    def __init__(self, streams: set[str]) -> None:
        self.streams = streams
        self.parked: list[Parked] = []
        self.closings: list[Closing] = []
        self._standing: dict[tuple[int, str, int], EntryRow] = {}
        self._ended: list[EntryRow] = []

    def take(self, rows: Iterable[Row]) -> None:
        entries, unread = read_entries(rows, self.streams)
        self.parked += unread
        for entry in entries:
            key = entry[:3]
            if before := self._standing.pop(key, None):
                self._ended.append(before._replace(until_position=entry.from_position))
            elif entry.version > 1:
                ending = (entry.from_position, entry.year, entry.pupil, entry.session, entry.version - 1)
                self.closings.append(Closing(*ending))
            self._standing[key] = entry

    @property
    def fresh(self) -> list[EntryRow]:
        return self._ended + list(self._standing.values())


def meaning(rows: Iterable[Row], parked_streams: set[str]) -> Batch:
    """Return what these rows, in order of position, say to the read model. Pure. Streams that are parked, or become so
    here, are added to `parked_streams`."""
    # An amendment in the same batch as its original ends the row in memory; an older one is ended in SQL.
    fold = Fold(parked_streams)
    fold.take(rows)
    return Batch(fold.fresh, fold.closings, fold.parked)


def read_entries(rows: Iterable[Row], parked_streams: set[str]) -> tuple[list[EntryRow], list[Parked]]:
    """Return the versions of entries among these rows, in order, each as if it stood for ever, and what is parked: an
    event that cannot be read and every later one of its stream, which are versions without a code. `parked_streams`
    grows by what is found here."""
    entries: list[EntryRow] = []
    unread: list[Parked] = []
    for row in rows:
        if not row.topic.startswith(ENTRY):
            continue
        try:
            if row.stream in parked_streams:
                raise ValueError(LATER)
            entries.append(entry_row(row))
        except (wire.Undecodable, ValueError, LookupError) as error:
            parked_streams.add(row.stream)
            unread.append(parked_row(row, str(error)))
            with suppress(ValueError, LookupError):  # a stream that is no entry's has no place
                entries.append(entry_row(row, UNREADABLE))
    return entries, unread


def entry_row(row: Row, code: int | None = None) -> EntryRow:
    """Return the row of the read model that an event of an entry makes, its code as given where it is. Raises
    Undecodable or ValueError."""
    pupil, _, place = row.stream.partition("/")
    year, session = place_of(place)
    return EntryRow(year, pupil, session, row.version, code_of(row.state) if code is None else code, row.position, None)


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


def unreadable(row: Row) -> str:
    """Return why an event of an entry cannot be read, blank where it can."""
    try:
        entry_row(row)
    except (wire.Undecodable, ValueError, LookupError) as error:
        return str(error)
    return ""


def parked_row(row: Row, reason: str) -> Parked:
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
        self._waiting = sa.select(generation.parked.c.position, generation.parked.c.stream)
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
        make_tables(self._engine)
        checked = False
        while True:
            with self._engine.connect() as connection:
                at, digest, version = tracked(connection, self._generation)
                waiting = connection.execute(self._waiting).all()
                streams = {stream for _, stream in waiting}
            check_version(version)
            if not checked:
                check_parked(self._ledger, [(row.position, row.stream) for row in waiting])
                checked = True
            self.check_digest(Tracked(at, digest), head)
            if at >= head:
                return
            rows = self._ledger.reads.rows(at, self._batch)
            if self._apply(at, rows, streams):
                yield rows[-1].position

    def check(self) -> int:
        """Return the position that the read model stands at. Raises Misconfigured where this ledger is not the one it
        was built from."""
        with self._engine.connect() as connection:
            at = tracked(connection, self._generation)
            waiting = connection.execute(self._waiting).all() if at.position and at.version == VERSION else []
        check_version(at.version)
        check_parked(self._ledger, [(row.position, row.stream) for row in waiting])
        self.check_digest(at, self._ledger.reads.head()[0])
        return at.position

    def _apply(self, at: int, rows: Sequence[Row], streams: set[str]) -> bool:
        """Record one batch and its position in one transaction; False where another projector was first."""
        last = rows[-1]
        batch = meaning(rows, streams)
        with self._engine.connect() as connection:
            if not self._claim(connection, at, last.position, wire.leaf(*last)):
                connection.rollback()
                return False
            if at == 0 and connection.scalar(sa.select(sa.exists(self._generation.entries.select()))):
                raise Stale(f"the read model holds rows and does not say up to which position: {REBUILD}")
            try:
                with in_our_words():
                    write(connection, batch, self._generation)
            except Conflict:
                raise Stale(f"the read model holds what comes after its position {at} already: {REBUILD}") from None
            connection.commit()
        return True

    def _claim(self, connection: sa.Connection, at: int, reached: int, digest: bytes) -> bool:
        values = {"position": reached, "digest": digest, "version": VERSION}
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

    def check_digest(self, tracked: Tracked, head: int) -> None:
        """Raise Misconfigured where the ledger, which ends at `head`, is not the one that the read model is of."""
        # Every time, at the cost of one row: a ledger can be restored under a process that goes on running.
        at, digest, _ = tracked
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
                "it; put the ledger back, or say 'attendance rebuild --ledger-is-right'"
            )
        if wire.leaf(*rows[0]) != digest:
            raise Misconfigured(
                f"the event at position {at} is not the one that the read model was built from: the ledger was "
                "replaced or altered; put it back, or say 'attendance rebuild --ledger-is-right'"
            )
        self.trusted = Tracked(at, digest)


def check_version(version: int) -> None:
    """Raise Stale for rows that another version of this projection wrote."""
    if version != VERSION:
        raise Outdated(f"the read model is of version {version}, and this release's of version {VERSION}: {REBUILD}")


def check_parked(ledger: Ledger, waiting: Iterable[tuple[int, str]]) -> None:
    """Raise Outdated where this release reads the first parked event (position, stream) of any stream, because whoever
    parked it did not know it, or where no such event is there."""
    first: dict[str, int] = {}
    for position, stream in sorted(waiting):
        first.setdefault(stream, position)
    rows = {row.stream: row for row in ledger.reads.rows_at(list(first.values())) if row.topic.startswith(ENTRY)}
    if any(stream not in rows or not unreadable(rows[stream]) for stream in first):
        raise Outdated(
            f"the read model holds as unreadable what this release can read, or what is not there: {REBUILD}"
        )


def tracked(connection: sa.Connection, generation: Generation = SERVING, *, hold: bool = False) -> Tracked:
    """Return how far a generation has been brought, also where there is none. With `hold`, no projector brings it
    further before the transaction has ended. Raises Stale where it stands at no position that there is."""
    statement = sa.select(tracking.c.position, tracking.c.digest, tracking.c.version)
    statement = statement.where(tracking.c.name == generation.name)
    try:
        row = connection.execute(statement.with_for_update() if hold else statement).one_or_none()
    except (sa.exc.ProgrammingError, sa.exc.OperationalError) as error:
        connection.rollback()
        if _says(error, "42703", "no such column"):
            return Tracked(1, b"", 1)  # an earlier release's, however far it came
        if _says(error, "42P01", "no such table"):
            return Tracked(0, b"")
        raise
    if row is None:
        return Tracked(0, b"")
    if type(row.position) is not int or row.position < 1 or type(row.digest) not in (bytes, memoryview):
        raise Stale(f"the read model is said to stand at position {row.position!r}, where none stands: {REBUILD}")
    return Tracked(row.position, bytes(row.digest), row.version)


def _says(error: sa.exc.DBAPIError, state: str, sentence: str) -> bool:
    return getattr(error.orig, "sqlstate", None) == state or sentence in str(error.orig)


def write(connection: sa.Connection, batch: Batch, generation: Generation = SERVING) -> None:
    """Write a batch inside the connection's transaction, by each database's fastest way."""
    table = generation.entries.name
    if batch.parked:
        connection.execute(generation.parked.insert(), batch.parked)
    add_sums(connection, summed(batch.fresh, batch.closings), generation)
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


def add_sums(connection: sa.Connection, sums: dict[tuple[int, str], Sum], generation: Generation = SERVING) -> None:
    """Add to the check sums of a generation what its new rows come to."""
    rows = [(*key, *added) for key, added in sums.items()]
    if not rows:
        return
    name = generation.sums.name
    more = f"held = {name}.held + excluded.held, total = {name}.total + excluded.total, last = excluded.last"
    added = f"ON CONFLICT (year, pupil) DO UPDATE SET {more}"
    if connection.dialect.name == "postgresql":
        connection.connection.cursor().execute(
            f"INSERT INTO {name} (year, pupil, held, total, last) "
            f"SELECT * FROM unnest(%s::smallint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[]) {added}",
            tuple(map(list, zip(*rows, strict=True))),
        )
    else:
        connection.exec_driver_sql(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?) {added}", rows)  # type: ignore[arg-type]


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
