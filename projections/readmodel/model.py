"""The marks that questions are answered from: the read model as far as it was brought, and the ledger's tail after it.

Asking writes nothing. Whoever may only read, a standby, a file that may not be written and a full disk are asked like
any other: the rows stored up to some position are taken as they are, and what was recorded after it is folded in memory
from the ledger's own rows, by the fold that the projector writes with. So an answer is the same however far behind the
read model is; it only takes longer.

A read model that cannot be answered from (none at all, another version's, one altered by hand) stands at position 0 to
us, and everything is folded from the ledger. `doubt` says why, for whoever asks to be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from ledger.store import Ledger, Row, said
from projections.readmodel.frames import NEVER, NO_ENTRIES, Altered, Entries, joined, load_entries
from projections.readmodel.projector import (
    REBUILD,
    Closing,
    Fold,
    Projector,
    Stale,
    Tracked,
    check_parked,
    check_version,
    tracked,
)
from projections.readmodel.tables import SERVING, parked

PAGE = 20_000  # rows of the tail held at a time
# Asked with the parked events, so that a table that is gone, or that this account may not read, is known at once.
_others = (sa.select(column).limit(0).scalar_subquery() for column in (SERVING.entries.c.code, SERVING.sums.c.total))
WAITING = sa.select(parked.c.position, parked.c.stream, *_others)


class ReadModel:
    """What one process has at hand of the marks of a ledger: call `come_to` first, with the position asked at or a
    later one."""

    def __init__(self, ledger: Ledger, engine: sa.Engine, *, keep: bool = False) -> None:
        self.projector = Projector(ledger, engine)
        self.doubt = ""
        self.stored = 0  # the position up to which the stored rows are taken
        self.reached = 0
        self._lock = RLock()
        self._ledger = ledger
        self._engine = engine
        self._parked: dict[int, str] = {}  # streams by position, of the stored rows
        self._begun = 0  # how often the tail was begun
        self._last: Row | None = None  # of the tail
        self._unchanged: tuple[object, set[int]] = None, set()  # the database's state, and the years found right in it
        self._altered: Tracked | None = None  # where the read model stood when its rows were found to be altered
        self._tail = Fold(set())
        self._columns: tuple[int, Tail] | None = None  # of the tail, and up to which position
        self._kept: dict[int, Entries] | None = {} if keep else None  # whole school years of the stored rows

    def come_to(self, head: int) -> tuple[int, int]:
        """Have all marks up to a position of the ledger at hand; return what tells this state of them from any other.
        Raises Misconfigured where the read model was built from another ledger, or from one that has lost events
        since."""
        with self._lock:
            stored = self._standing(head)
            if stored != self.stored or not self._goes_on():
                self._begin_after(stored)
            while self.reached < head and (rows := self._ledger.reads.rows(self.reached, PAGE, head)):
                self._tail.take(rows)
                self.reached, self._last = rows[-1].position, rows[-1]
            return self._begun, self.reached

    def _goes_on(self) -> bool:
        """Whether the ledger still holds what the tail ends with: it may have been restored meanwhile."""
        return self._last is None or self._ledger.reads.rows_at([self.reached]) == [self._last]

    def unread(self, position: int) -> list[int]:
        """Return the positions up to this one of events of entries that cannot be read."""
        later = (each["position"] for each in self._tail.parked)
        return sorted(each for each in (*self._parked, *later) if each <= position)

    def entries(
        self, years: Sequence[int], pupils: Sequence[str] | None = None, position: int | None = None
    ) -> Entries:
        """Return the marks of these school years, of all pupils or of some; those standing at `position`, or every
        version that is at hand."""
        with self._lock:
            if position is not None and position > self.reached:
                self.come_to(position)  # another thread asked about an earlier one meanwhile
            frame = self._loaded(years, pupils, position)
            if position is not None and position <= self.stored:
                return frame
            tail = self._columned().of(years)
        together = tail.added_to(frame) if len(tail.marks.session) or len(tail.closed) else frame
        together = together if pupils is None else together.over(pupils)
        return together if position is None else together.known_at(position)

    def touched(self, since: int) -> Entries:
        """Return, in every version that began or ended after a position, the marks of all pupils and school years."""
        with self._lock:
            years = self._years_touched(since)
        versions = self.entries(years)
        return versions.where(
            (versions.from_position > since) | ((versions.until_position > since) & (versions.until_position < NEVER))
        )

    # --- stored rows and tail ---

    def _begin_after(self, stored: int) -> None:
        self.stored = self.reached = stored
        self._begun, self._last = self._begun + 1, None
        if not stored:
            self._parked = {}
        self._tail, self._columns = Fold(set(self._parked.values())), None
        if self._kept is not None:
            self._kept = {}

    def _standing(self, head: int) -> int:
        """Return the position up to which stored rows can be taken, 0 for none."""
        try:
            with self._engine.connect() as connection:
                at = tracked(connection)
                check_version(at.version)
                waiting = [(row.position, row.stream) for row in connection.execute(WAITING)] if at.position else []
            check_parked(self._ledger, waiting)
            self.projector.check_digest(at, head)
        except Stale as error:
            return self._doubted(str(error))
        except (sa.exc.ProgrammingError, sa.exc.OperationalError) as error:
            return self._doubted(f"the read model cannot be read: {said(error.orig or error)}")
        if at == self._altered:
            return 0
        self.doubt, self._parked, self._altered = "", dict(waiting), None
        return at.position

    def _doubted(self, why: str) -> int:
        self.doubt = why
        return 0

    def _loaded(self, years: Sequence[int], pupils: Sequence[str] | None, position: int | None) -> Entries:
        """Return the stored marks; where they were altered none, and from now on everything is read from the ledger."""
        if not self.stored:
            return NO_ENTRIES
        whole = years[0] if self._kept is not None and len(years) == 1 and pupils is None and position is None else None
        if whole is not None and self._kept and whole in self._kept:
            return self._kept[whole]
        try:
            with self._engine.connect() as connection:
                marks = self._load(connection, years, pupils, position)
        except Altered as error:
            head = self.reached
            with self._engine.connect() as connection:
                self._altered = tracked(connection)
            self._doubted(f"the read model was altered by hand ({error}): check it with 'attendance verify'; {REBUILD}")
            self._begin_after(0)
            self.come_to(head)
            return NO_ENTRIES
        if whole is not None and self._kept is not None:
            self._kept[whole] = marks
        return marks

    def _load(
        self, connection: sa.Connection, years: Sequence[int], pupils: Sequence[str] | None, position: int | None
    ) -> Entries:
        """Return stored marks. What was found right is right for as long as nobody has changed the database, and the
        rows that an answer does not need are then not added up again. Raises Altered."""
        state, right = self._unchanged
        if right.issuperset(years):
            marks = load_entries(connection, years, pupils, position, self.stored, check=False)
            if state_of(connection) == state:
                return marks
        if (now := state_of(connection)) != state:
            right = set()
        marks = load_entries(connection, years, pupils, position, self.stored)
        self._unchanged = now, right | set(years if pupils is None else ())
        return marks

    def _columned(self) -> Tail:
        if self._columns is None or self._columns[0] != self.reached:
            self._columns = self.reached, Tail.of_fold(self._tail)
        return self._columns[1]

    def _years_touched(self, since: int) -> list[int]:
        tail = self._columned()
        years = {int(year) for year in np.unique(tail.years)} | {closing.year for closing in tail.closed}
        if self.stored:
            touching = "SELECT DISTINCT year FROM entries WHERE from_position > :since OR until_position > :since"
            with self._engine.connect() as connection:
                years |= set(connection.execute(sa.text(touching), {"since": since}).scalars())
        return sorted(years)


def state_of(connection: sa.Connection) -> object:
    """Return what is another value as soon as somebody has changed anything in the connection's database."""
    if connection.dialect.name == "sqlite":
        # By its own count each connection tells what all the others changed.
        return connection.connection.dbapi_connection, connection.exec_driver_sql("PRAGMA data_version").scalar()
    return connection.exec_driver_sql("SELECT CAST(pg_current_snapshot() AS text)").scalar()


class Tail(NamedTuple):
    """What was recorded after the stored rows, as columns: marks with the school year of each, and the endings of
    stored ones."""

    marks: Entries
    years: np.ndarray
    closed: list[Closing]

    @classmethod
    def of_fold(cls, fold: Fold) -> Tail:
        rows = fold.fresh
        names = sorted({row.pupil for row in rows})
        place = {pupil: index for index, pupil in enumerate(names)}
        marks = Entries(
            names,
            np.array([place[row.pupil] for row in rows], np.int32),
            np.array([row.session for row in rows], np.int32),
            np.array([row.code for row in rows], np.uint8),
            np.array([row.from_position for row in rows], np.int64),
            np.array([row.until_position or NEVER for row in rows], np.int64),
        )
        return cls(marks, np.array([row.year for row in rows], np.int32), fold.closings)

    def of(self, years: Sequence[int]) -> Tail:
        """Return what it holds of these school years."""
        wanted = np.isin(self.years, list(years))
        closed = [closing for closing in self.closed if closing.year in years]
        return Tail(self.marks.where(wanted), self.years[wanted], closed)

    def added_to(self, frame: Entries) -> Entries:
        """Return the stored marks, in one version or in every, with these: ended by them, and with them after them."""
        names = sorted({*frame.pupils, *self.marks.pupils})
        stored, marks = frame.over(names), self.marks.over(names)
        return joined([self._ending(stored), marks])

    def _ending(self, stored: Entries) -> Entries:
        place = {pupil: index for index, pupil in enumerate(stored.pupils)}
        ends = {(place[c.pupil], c.session): c.until_position for c in reversed(self.closed) if c.pupil in place}
        if not ends or not len(stored.session):
            return stored
        # An entry has one version that stands, and only the first of the tail's ends it.
        table = np.zeros(int(stored.session.max()) + 1, bool)
        table[[session for _, session in ends if session < len(table)]] = True
        until = stored.until_position.copy()
        for row in np.flatnonzero(table[stored.session] & (until == NEVER)).tolist():
            key = int(stored.pupil[row]), int(stored.session[row])
            until[row] = ends.get(key, NEVER)
        return stored._replace(until_position=until)
