"""The contact kernel: how long a pupil has been away without a word, what was tried, and what is owed next.

Problem: the policy climbs by school days *without contact* (parents every day, emergency contacts, a letter, a visit,
the authority by the tenth day), while a register only knows codes. N becomes O after five days although nobody has said
a word; a parent reports Monday and is silent on Tuesday; a reason arrives for days long gone.

Observation: only two things say that a family was heard: a report, and a contact that reached them. Only attendance and
a reason that somebody decided say that the absence is over or understood.

Choice: the run is walked backwards from the day asked about, session by session. A session is *silent* when it stands
at N or O, or closed without a mark, and no word covers it. A report covers the sessions that it names, and every
session whose registration had closed when it was received. A contact that reached covers the sessions that it names,
and every session up to the end of its own day. The first session that is not silent ends the run: attendance (U too,
the pupil is on site), another reason, or word. Sessions that are nobody's absence (a closure, X, the other school of a
dual registration) are passed over: they neither count nor end anything. The number of a run is how many school days
have a silent session in it, so the day after a word is day 1 again, and a call is owed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import msgspec

from ledger.calendar import Calendar
from ledger.codes import UNRESOLVED, CodeTable
from ledger.events import AbsenceReported, AgencyInformed, ContactLogged, LetterSent, ReturnMade
from ledger.policy import Policy
from ledger.sessions import LONDON, Session
from projections.records.known_event import FollowUp
from projections.records.marks import Mark

UNMARKED = ""
# N: not established yet. O: never established. Neither says that anybody was heard.
UNEXPLAINED = frozenset({UNRESOLVED, "O", UNMARKED})
# Suspension, a part-time timetable, study leave: the school itself said that they stay away.
SENT_HOME = frozenset({"E", "C2", "S"})

PARENT, EMERGENCY, LETTER, VISIT, AUTHORITY = "parent", "emergency contact", "letter", "visit", "authority"


class Contacts(NamedTuple):
    """Whom to ring, by id, each in contact order."""

    parents: tuple[str, ...] = ()
    emergency: tuple[str, ...] = ()

    @property
    def in_order(self) -> tuple[str, ...]:
        return self.parents + self.emergency


class SilentSession(msgspec.Struct, frozen=True):
    """A session of the run, with the code it stands at and the position of the event that gave it; None where none
    did."""

    session: Session
    code: str | None
    position: int | None

    @classmethod
    def of(cls, session: Session, mark: Mark) -> SilentSession:
        return cls(session, mark.code or None, mark.position or None)


class Attempt(msgspec.Struct, frozen=True):
    """A rung that was taken: on which day, the nth of the run, whom it was about, and its position."""

    number: int
    day: date
    rung: str
    contact: str | None
    position: int


class Ladder(NamedTuple):
    """Where a pupil stands on the ladder on a day. All empty: the pupil is not away without a word."""

    on: date
    silent: tuple[SilentSession, ...]  # oldest first
    tried: tuple[Attempt, ...]  # in order of position
    rung_today: tuple[str, ...]  # contacts that were rung on the day, in order of the calls
    next_contact: str  # whom to ring next, blank where everybody was rung today
    away_before: bool  # the session before today's silence was an absence, too, explained or not
    rungs_due: tuple[str, ...]  # rungs whose day has come and which were not taken in this run
    absent_from_education: bool

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(sorted({silent.session.day for silent in self.silent}))

    @property
    def first_day(self) -> date | None:
        return self.silent[0].session.day if self.silent else None

    @property
    def number(self) -> int:
        """Return the number of the last school day in the run, 0 where there is none."""
        return len(self.days)

    @property
    def today(self) -> tuple[SilentSession, ...]:
        """Return the silent sessions of the day itself."""
        return tuple(silent for silent in self.silent if silent.session.day == self.on)

    @property
    def call_owed(self) -> bool:
        """Whether the day is silent and somebody is left to ring."""
        return bool(self.today) and bool(self.next_contact)


class Word(NamedTuple):
    """What was heard of a pupil by a day: sessions named, the last report's time, the last day we spoke with them."""

    named: frozenset[Session]
    reported_at: datetime | None
    reached_on: date | None

    def covers(self, session: Session, calendar: Calendar) -> bool:
        by_report = self.reported_at is not None and calendar.closes(session) <= self.reported_at
        return session in self.named or by_report or (self.reached_on is not None and session.day <= self.reached_on)


def ladder(
    marks: Mapping[Session, Mark],
    chronology: Sequence[FollowUp],
    contacts: Contacts,
    calendar: Calendar,
    policy: Policy,
    day: date,
) -> Ladder:
    """Return where a pupil stands on a day.

    `marks` holds what stands for each session that is decided or should be: leave a session out while its registration
    is open, and give the code that leave or a closure makes an unmarked one expect.
    """
    word = heard(chronology, day)
    silent: list[SilentSession] = []
    before: Mark | None = None
    for session in sorted((session for session in marks if session.day <= day), reverse=True):
        mark = marks[session]
        if not calendar.is_session(session) or _passed_over(mark, policy.codes):
            continue
        if session.day < day and before is None:
            before = mark
        if mark.code not in UNEXPLAINED or word.covers(session, calendar):
            before = before or mark
            break
        silent.insert(0, SilentSession.of(session, mark))
    days = sorted({each.session.day for each in silent})
    tried = _tried(chronology, days, contacts, day)
    rung_today = tuple(event.contact for on, event in _calls(chronology) if on == day)
    return Ladder(
        on=day,
        silent=tuple(silent),
        tried=tried,
        rung_today=rung_today,
        next_contact=next((each for each in contacts.in_order if each not in rung_today), ""),
        away_before=before is not None and _away(before, policy.codes),
        rungs_due=_rungs_due(len(days), {each.rung for each in tried}, policy),
        absent_from_education=len(days) >= policy.contact_authority_day,
    )


def unheard(
    marks: Mapping[Session, Mark], chronology: Sequence[FollowUp], calendar: Calendar, policy: Policy, day: date
) -> tuple[tuple[SilentSession, ...], bool]:
    """Return a day's absences that hold a reason although no word of that day is known, oldest first, and whether the
    pupil was away before, too.

    They are no part of a run, which a reason ends. But parents ring on every further day of absence, and a code that
    is carried on from yesterday says nothing of where the child is today. Leave and closures that expect a session have
    no mark to ask about; what else a code rests on is the basis kernel's.
    """
    word = heard(chronology, day)
    if word.reached_on == day or any(session.day == day for session in word.named):
        return (), False
    possible = [(session, mark) for session, mark in sorted(marks.items()) if not _passed_over(mark, policy.codes)]
    absences = tuple(
        SilentSession.of(session, mark)
        for session, mark in possible
        if session.day == day
        and calendar.is_session(session)
        and mark.position
        and mark.code not in UNEXPLAINED | SENT_HOME
        and _away(mark, policy.codes)
        and not word.covers(session, calendar)
    )
    before = [mark for session, mark in possible if session.day < day and calendar.is_session(session)]
    return absences, bool(before) and _away(before[-1], policy.codes)


def heard(chronology: Sequence[FollowUp], day: date) -> Word:
    """Return what was heard by the end of a day. What came later counts for the sessions that it names."""
    words = [each for each in chronology if is_word(each)]
    named = {Session.parse(session) for each in words for session in each.event.sessions}  # type: ignore[union-attr]
    received = [each.event.received_at for each in words if isinstance(each.event, AbsenceReported)]
    reached = [each.day for each in words if isinstance(each.event, ContactLogged)]
    return Word(
        frozenset(named),
        max((at for at in received if at.astimezone(LONDON).date() <= day), default=None),
        max((on for on in reached if on <= day), default=None),
    )


def is_word(follow_up: FollowUp) -> bool:
    """Whether a family was heard: they reported, or we reached them."""
    event = follow_up.event
    return isinstance(event, AbsenceReported) or (isinstance(event, ContactLogged) and event.reached)


def _calls(chronology: Sequence[FollowUp]) -> Iterator[tuple[date, ContactLogged]]:
    """Yield the calls of a chronology with the day that each was recorded on."""
    for each in chronology:
        if isinstance(each.event, ContactLogged) and each.event.step == "call":
            yield each.day, each.event


def _passed_over(mark: Mark, codes: CodeTable) -> bool:
    code = codes.by_symbol(mark.code)
    return code is not None and not code.possible


def _away(mark: Mark, codes: CodeTable) -> bool:
    """Whether a mark says that the pupil was not there; U says that they came late."""
    code = codes.by_symbol(mark.code)
    return code is None or (code.absent and not code.on_site)


def _tried(
    chronology: Sequence[FollowUp], days: Sequence[date], contacts: Contacts, until: date
) -> tuple[Attempt, ...]:
    """Return the rungs taken from the first day of a run on."""
    attempts = []
    for each in chronology:
        taken = _rung(each, contacts)
        if taken and days and days[0] <= taken[0] <= until:
            on, rung, contact = taken
            attempts.append(Attempt(sum(day <= on for day in days), on, rung, contact or None, each.position))
    return tuple(attempts)


def _rung(follow_up: FollowUp, contacts: Contacts) -> tuple[date, str, str] | None:
    """Return the day, rung and contact of something that was tried, None where it is no rung."""
    match event := follow_up.event:
        case ContactLogged(step="call"):
            return follow_up.day, EMERGENCY if event.contact in contacts.emergency else PARENT, event.contact
        case ContactLogged():
            return follow_up.day, event.step, event.contact
        case LetterSent(about="no contact"):
            return event.sent_on, LETTER, ""
        case AgencyInformed(agency="local authority"):
            return event.on, AUTHORITY, ""
        case ReturnMade(form="attendance"):
            return event.made_on, AUTHORITY, ""
    return None


def _rungs_due(number: int, taken: set[str], policy: Policy) -> tuple[str, ...]:
    return tuple(rung for rung, day in rung_days(policy).items() if number >= day and rung not in taken)


def rung_days(policy: Policy) -> dict[str, int]:
    """Return the rungs above the calls, and which school day without contact each is due on."""
    return {
        LETTER: policy.contact_letter_day,
        VISIT: policy.contact_visit_day,
        AUTHORITY: policy.contact_authority_day,
    }
