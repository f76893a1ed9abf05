"""The read models of many schools: kept up to date in turns by one process, and looked at from outside.

Every school has its turn of one batch, so that one with a million events to read keeps nobody waiting. Each is as
crash-proof as any other read model, because each batch is (`projections.readmodel.projector`). A school whose turn
fails is told of and left out; that says nothing about the others, unless the database itself is gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from ledger.errors import Misconfigured
from ledger.keys import open_key_store
from ledger.sessions import format_moment, from_micros
from ledger.store import Ledger, Unavailable
from ledger.store.schools import Head, Schools
from projections.asking.questions import Answers
from projections.readmodel.projector import Outdated, Projector
from projections.readmodel.rebuild import rebuild
from projections.readmodel.tables import parked

RETRY = 60  # rounds after which a failed school is tried again, although its ledger says nothing new

Tell = Callable[[str, Exception | None], None]  # of a school that failed, or, with None, goes on again
Stop = Callable[[], bool]
Progress = Callable[[int, int], None]


class SchoolState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a school's ledger and read model stand. `behind` is in events; `fault` says why it cannot catch up."""

    school: str
    urn: str
    name: str
    position: int
    recorded_at: str | None
    read_model: int
    behind: int
    parked: int
    fault: str
    simulated: bool


class OpenedSchool(NamedTuple):
    """A school's ledger with its read model, over the pool of all."""

    ledger: Ledger
    engine: sa.Engine

    def answers(self) -> Answers:
        """Return answers about everything that needs no keys."""
        return Answers(self.ledger, self.engine, open_key_store(None, "", create=False))


def opened_school(schools: Schools, name: str) -> OpenedSchool:
    """Return a school. Raises Misconfigured where none was opened in its ledger."""
    ledger = schools.ledger(name)
    if ledger.opened() is None:
        raise Misconfigured("no school has been opened in this ledger")
    engine = schools.engine(name)
    return OpenedSchool(ledger, engine)


def school_state(schools: Schools, name: str, head: Head, sentence: Callable[[Exception], str]) -> SchoolState:
    """Return where a school stands. Reads only: it makes no tables and catches up with nothing."""
    ledger, engine = schools.ledger(name), schools.engine(name)
    at, unread, fault, opened = 0, 0, "", None
    try:
        opened = ledger.opened()
        if sa.inspect(engine).has_table(parked.name):
            projector = Projector(ledger, engine)
            at = projector.position()
            with engine.connect() as connection:
                unread = connection.scalar(sa.select(sa.func.count()).select_from(parked)) or 0
            projector.check()
    except Exception as error:
        fault = sentence(error)
    return SchoolState(
        school=name,
        urn=opened.urn if opened else "",
        name=opened.name if opened else "",
        position=head.position,
        recorded_at=format_moment(from_micros(head.recorded_at)) if head.position else None,
        read_model=at,
        behind=max(0, head.position - at),
        parked=unread,
        fault=fault,
        simulated=bool(opened and opened.simulated),
    )


def closed_school(name: str, fault: str) -> SchoolState:
    """Return the line of a school of which nothing may be read but that it is there."""
    return SchoolState(
        school=name,
        urn="",
        name="",
        position=0,
        recorded_at=None,
        read_model=0,
        behind=0,
        parked=0,
        fault=fault,
        simulated=False,
    )


class Failed(NamedTuple):
    """A school whose turn failed: why, where its ledger ended then, and how many rounds ago."""

    error: Exception
    head: Head
    rounds: int = 0


class Followed:
    """The read models of a database's schools, brought up to date whenever `round` is called.

    `tell` hears of a school that fails, once for each reason, and again when it goes on.
    """

    def __init__(self, schools: Schools, only: Sequence[str] = (), *, tell: Tell) -> None:
        self.failed: dict[str, Failed] = {}
        self.reached: dict[str, Head] = {}
        self.events = 0
        self._schools = schools
        self._only = only
        self._tell = tell
        self._projectors: dict[str, Projector] = {}

    def round(self, stop: Stop, progress: Progress | None = None) -> int:
        """Return how many schools were brought up to date. `stop` is asked between two batches, and `progress` is
        called with the events taken in and the events there were.

        Costs two statements, however many schools there are, where nothing was recorded.
        """
        heads = self._schools.heads(self._only or None)
        self.failed = {
            name: failed._replace(rounds=failed.rounds + 1) for name, failed in self.failed.items() if name in heads
        }
        behind = {name: head for name, head in heads.items() if self._has_a_turn(name, head)}
        return self._take_turns(behind, stop, progress)

    def _has_a_turn(self, name: str, head: Head) -> bool:
        failed = self.failed.get(name)
        if failed is not None:
            return head != failed.head or failed.rounds >= RETRY
        return bool(head.position) and head != self.reached.get(name)

    def _take_turns(self, behind: dict[str, Head], stop: Stop, progress: Progress | None) -> int:
        turns: deque[tuple[str, int, Iterator[int]]] = deque()
        done = taken = total = 0
        for name, head in behind.items():
            if stop():
                return done
            try:
                projector = self._projector(name)
                at = projector.position()
            except Exception as error:
                self._fail(name, head, error)
                continue
            total += head.position - at
            turns.append((name, at, projector.batches()))
        while turns and not stop():
            name, at, batches = turns.popleft()
            try:
                reached = next(batches, None)
            except Exception as error:
                self._fail(name, behind[name], error)
                continue
            if reached is None:
                self._finish(name, behind[name])
                done += 1
                continue
            taken += reached - at
            self.events += reached - at
            turns.append((name, reached, batches))
            if progress is not None:
                progress(taken, total)
        return done

    def _projector(self, name: str) -> Projector:
        if name not in self._projectors:
            school = opened_school(self._schools, name)
            projector = Projector(school.ledger, school.engine)
            try:
                projector.check()
            except Outdated:
                rebuild(school.ledger, school.engine)
            self._projectors[name] = projector
        return self._projectors[name]

    def _finish(self, name: str, head: Head) -> None:
        self.reached[name] = head
        if self.failed.pop(name, None) is not None:
            self._tell(name, None)

    def _fail(self, name: str, head: Head, error: Exception) -> None:
        """Remember why a school was left out. Raises Unavailable where not the school failed but the database."""
        if isinstance(error, (Unavailable, sa.exc.OperationalError, sa.exc.InterfaceError)):
            self._schools.names()
        self.reached.pop(name, None)
        before = self.failed.get(name)
        self.failed[name] = Failed(error, head)
        if before is None or str(before.error) != str(error):
            self._tell(name, error)
