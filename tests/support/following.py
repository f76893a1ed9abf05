"""Follow-up by example: marks and what was told, tried and asked, as kernels read them, at the school of `given`."""

from __future__ import annotations

from datetime import date
from typing import Any

from ledger import policy as policies
from ledger.events import AbsenceReported, AgencyInformed, ContactLogged, Event, LetterSent
from ledger.sessions import Half, Session, parse_moment
from projections.records.contact import Contacts, Ladder, Mark, ladder
from projections.records.known_event import FollowUp
from tests.support.given import FATHER, MOTHER, TEACHER, given

AUNT = "1042-e"
CONTACTS = Contacts((MOTHER, FATHER), (AUNT,))
POLICY = policies.load("micklem-2025")
CALENDAR = given(policy="micklem-2025").school.calendar
FIRST = date(2024, 11, 4)  # a Monday, with school days on end after it
Marks = dict[Session, Mark]


def school_day(number: int) -> date:
    """Return the school day of that number, FIRST being day 1."""
    day = FIRST if number == 1 else CALENDAR.school_days_after(FIRST, number - 1)
    assert day is not None
    return day


def stands(code: str, *numbers: int, halves: tuple[Half, ...] = tuple(Half)) -> Marks:
    """A code for the sessions of these school days; positions are the sessions' own numbers."""
    sessions = [Session(school_day(number), half) for number in numbers for half in halves]
    return {session: Mark(code, session.number) for session in sessions}


def told(*events: tuple[str, Event]) -> list[FollowUp]:
    """A chronology of events, each with the London time at which it was recorded."""
    return [FollowUp(position, parse_moment(at), event) for position, (at, event) in enumerate(events, 1)]


def at(number: int, clock: str) -> str:
    return f"{school_day(number)}T{clock}"


def names(*numbers: int) -> tuple[str, ...]:
    """The sessions of these school days, as an event names them."""
    return tuple(f"{school_day(number)}/{half.name}" for number in numbers for half in Half)


def report(received: str, *sessions: str, **said: Any) -> tuple[str, Event]:
    event = AbsenceReported(by=TEACHER, parent=MOTHER, received_at=parse_moment(received), sessions=sessions, **said)
    return received, event


def call(when: str, contact: str, *sessions: str, reached: bool = False, step: str = "call") -> tuple[str, Event]:
    return when, ContactLogged(by=TEACHER, contact=contact, sessions=sessions, step=step, reached=reached)


def letter(number: int, about: str = "no contact") -> tuple[str, Event]:
    return at(number, "15:00"), LetterSent(by=TEACHER, about=about, parents=(MOTHER,), sent_on=school_day(number))


def informed(number: int, agency: str = "local authority") -> tuple[str, Event]:
    event = AgencyInformed(by=TEACHER, agency=agency, about="no contact", on=school_day(number))
    return at(number, "15:30"), event


def ladder_on(number: int, marks: Marks, *events: tuple[str, Event], contacts: Contacts = CONTACTS) -> Ladder:
    """Where the pupil stands on a school day, under the school's own policy."""
    return ladder(marks, told(*events), contacts, CALENDAR, POLICY, school_day(number))
