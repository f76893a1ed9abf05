"""What a decision is made from, and what it comes to: values only, so that every rule can be tried without a store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, TypeVar

from commands.models.base import By
from ledger import streams
from ledger.entry import Entry
from ledger.errors import Refused
from ledger.events import Event, FollowUpEvent, RegisterEvent, RegisterTaken, RollEvent
from ledger.people import Staff
from ledger.policy import Policy
from ledger.school import School
from ledger.sessions import LONDON, Session
from ledger.streams import Owner

T = TypeVar("T")
UNMARKED = Entry()


class Fact(NamedTuple):
    """An event that a decision wants recorded, and in which stream."""

    stream: str
    event: Event


class Decided(NamedTuple):
    """The facts to record, and what the person should know about them (`kept`: pupils whose earlier mark stands)."""

    facts: list[Fact]
    kept: tuple[str, ...] = ()


class Register(NamedTuple):
    """What has been done to one register: a class and a session."""

    taken: bool = False
    closed: bool = False

    def after(self, event: RegisterEvent) -> Register:
        return self._replace(taken=True) if isinstance(event, RegisterTaken) else self._replace(closed=True)


class Ages(NamedTuple):
    """When something was last recorded about each owner of text, and the last recorded time that nobody doubts and that
    is no later than now, in microseconds."""

    recorded: Mapping[Owner, int]
    reached: int


class State(NamedTuple):
    """The school as it stands, and what else the decision declared (`decides`); asking for more raises AssertionError.

    Who is hopeful has declared entries and registers that nobody looked at, and they are new."""

    school: School
    read: Collection[str] = ()  # the streams that were declared
    entries: Mapping[str, Entry] = {}
    registers: Mapping[str, Register] = {}
    follow_ups: Sequence[FollowUpEvent] | None = None
    rolls: Sequence[RollEvent] | None = None
    end_reached: int | None = None
    pinned: str | None = None
    recorded: Ages | None = None
    simulated: bool = False  # the clock that a ledger opened now gets

    def entry(self, pupil: str, session: Session) -> Entry:
        return self.entry_at(streams.entry_stream(pupil, session))

    def entry_at(self, stream: str) -> Entry:
        return self.entries.get(self._declared(stream), UNMARKED)

    def register(self, session: Session, class_name: str) -> Register:
        return self.registers.get(self._declared(streams.register_stream(session, class_name)), Register())

    @property
    def follow_up(self) -> Sequence[FollowUpEvent]:
        """What was told, tried and passed on about the pupil, in order of year and position."""
        return _given(self.follow_ups, "a pupil's follow-up")

    @property
    def roll(self) -> Sequence[RollEvent]:
        """What the roll says of the pupil, in order, text open."""
        return _given(self.rolls, "a pupil's roll")

    @property
    def end(self) -> int:
        """The position decided at."""
        return _given(self.end_reached, "the end of the ledger")

    @property
    def digest(self) -> str:
        """The digest of the pupil's rows as whoever decides had seen them."""
        return _given(self.pinned, "a pupil's rows")

    @property
    def ages(self) -> Ages:
        return _given(self.recorded, "when things were recorded")

    def _declared(self, stream: str) -> str:
        if stream not in self.read:
            raise AssertionError(f"this decision does not declare that it reads {stream}")
        return stream

    def policy(self, day: date) -> Policy:
        return self.school.policy_on(day)

    def check_on_roll(self, pupil: str, days: Iterable[date]) -> None:
        """Refuse a pupil who is not on roll on every one of these days."""
        for day in days:
            if not self.school.on_roll(pupil, day):
                raise Refused("pupil_not_on_roll", field="pupil", value=pupil)

    def check_sessions(self, sessions: Iterable[Session], field: str = "session") -> None:
        for session in sessions:
            if not self.school.calendar.is_session(session):
                raise Refused("not_a_session", field=field, value=session)

    def check_begun(self, session: Session, now: datetime) -> None:
        """Refuse a session whose registration has not opened."""
        if now < self.school.calendar.opens(session):
            raise Refused("session_in_the_future", field="session", value=session)

    def check_been(self, day: date, now: datetime, field: str) -> None:
        """Refuse a day that lies ahead."""
        if day > london_day(now):
            raise Refused("malformed", field=field, value=day, expected="a day that has been")

    def seen(self, position: int | None) -> int:
        """Return the position that somebody had seen, 0 for all there is. Refuses one that lies ahead."""
        if position is not None and position > self.end:
            raise Refused("malformed", field="seen", value=position, expected="a position this ledger has reached")
        return position or 0

    def check_parent(self, pupil: str, parent: str, field: str = "parent") -> None:
        known = self.school.pupils.get(pupil)
        if known is None or parent not in known.parents:
            raise Refused("unknown_person", field=field, value=parent)

    def check_contact(self, pupil: str, contact: str) -> None:
        """Refuse anyone who is neither a parent nor an emergency contact of this pupil."""
        known = self.school.pupils.get(pupil)
        if known is None or contact not in (*known.parents, *known.emergency):
            raise Refused("unknown_person", field="contact", value=contact)


def _given(value: T | None, what: str) -> T:
    if value is None:
        raise AssertionError(f"this decision does not declare that it reads {what}")
    return value


def signed(by: By | Staff, field: str = "by") -> Staff:
    """Return who signs. Refuses a person without id, name or title: the law wants them in the entry."""
    for part in ("id", "name", "title"):
        if not getattr(by, part):
            expected = "who does this: a person's id, name and title"
            raise Refused("unknown_person", field=f"{field}.{part}", expected=expected)
    return Staff(by.id, by.name, by.title)


def london_day(moment: datetime) -> date:
    return moment.astimezone(LONDON).date()
