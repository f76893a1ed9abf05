"""What a decision is made from, and what it comes to: values only, so that every rule can be tried without a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

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


class State(NamedTuple):
    """The school as it stands, and of the entries and registers those that the command is about."""

    school: School
    entries: Mapping[str, Entry]
    registers: Mapping[str, Register]
    told: Sequence[FollowUpEvent] = ()  # the pupil's follow-up, in order, where the command is about it
    head: int = 0  # the position decided at
    digest: str = ""  # of the pupil's rows as whoever decides had seen them, where the decision pins it
    recorded: Mapping[Owner, int] = {}  # when something was last recorded, of the owners asked about
    reached: int = 0  # the last recorded time that nobody doubts, and no later than now; where keeping is decided
    roll: Sequence[RollEvent] = ()  # the pupil's, in order, text open, where the command is about who they are

    def entry(self, pupil: str, session: Session) -> Entry:
        return self.entries.get(streams.entry_stream(pupil, session), Entry())

    def register(self, session: Session, class_name: str) -> Register:
        return self.registers.get(streams.register_stream(session, class_name), Register())

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
        if position is not None and position > self.head:
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


def signed(by: By | Staff, field: str = "by") -> Staff:
    """Return who signs. Refuses a person without id, name or title: the law wants them in the entry."""
    for part in ("id", "name", "title"):
        if not getattr(by, part):
            expected = "who does this: a person's id, name and title"
            raise Refused("unknown_person", field=f"{field}.{part}", expected=expected)
    return Staff(by.id, by.name, by.title)


def london_day(moment: datetime) -> date:
    return moment.astimezone(LONDON).date()
