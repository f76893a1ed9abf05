"""The desk: what is laid out once for everything that is asked about one moment in the attendance office.

Every procedure looks at the same things: marks as known, chronologies, whom to ring, registers. Each is read when it is
first asked for and then stays, so a morning page of many kinds of line reads the ledger no more often than one of them
would.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple

from ledger.sessions import Half, Session, school_year
from ledger.streams import register_of, register_stream
from projections.asking.questions import Answers, Moment, Particulars, StatedContact
from projections.figures.cohorts import AbsenceAnswer, absence_answers
from projections.figures.spans import year_first
from projections.readmodel.frames import last_session
from projections.records.chronology import chronologies
from projections.records.contact import UNMARKED, Contacts, Ladder, ladder
from projections.records.known_event import FollowUp
from projections.records.marks import Mark, marks_of

UNSTATED = 1_000  # a contact without an order comes after all that have one


class Handled(NamedTuple):
    """What was done with the register of a class and session."""

    taken: bool = False
    closed: bool = False


class Desk:
    """What is known at a moment. `now` is what the clock shows: it says which registrations have opened and closed."""

    def __init__(self, answers: Answers, moment: Moment, now: datetime | None = None) -> None:
        self.answers, self.moment = answers, moment
        self.school, self.policy, self.day = moment.school, moment.policy, moment.as_of
        self.now = now or moment.known_at

    # --- who ---

    @cached_property
    def pupils(self) -> list[str]:
        """Return who is on roll on the day."""
        return self.school.pupils_on(self.day)

    @cached_property
    def removed(self) -> list[str]:
        """Return whose removal is known and whose last day lies in the school year to date, or ahead."""
        year = self.school.calendar.year_begun_by(self.day)
        since = self.school.years[year].first_day if year is not None else date.min
        last_days = {number: pupil.spells[-1].last for number, pupil in self.school.pupils.items() if pupil.spells}
        return sorted(number for number, last in last_days.items() if last is not None and last >= since)

    @cached_property
    def particulars(self) -> dict[str, Particulars]:
        coming = {number for number, pupil in self.school.pupils.items() if pupil.spells[-1].first > self.day}
        return self.answers.particulars(self.moment, {*self.pupils, *self.removed, *coming})

    @property
    def readable(self) -> bool:
        """Whether groups and contacts of everybody on roll can be read."""
        return all(self.particulars[pupil].readable for pupil in self.pupils)

    def groups(self, pupil: str) -> tuple[str, ...]:
        """Return the groups of a pupil; none where their key is gone."""
        known = self.particulars.get(pupil)
        return known.groups if known is not None and known.readable else ()

    def rank(self, pupil: str) -> int:
        """Return how soon a pupil comes among others, 0 for the most vulnerable; without keys all are alike."""
        ranks = (rank for rank, group in enumerate(self.policy.vulnerable_groups) if group in self.groups(pupil))
        return next(ranks, len(self.policy.vulnerable_groups))

    def contacts(self, pupil: str) -> Contacts:
        """Return whom to ring, in contact order; as they were listed where the order cannot be read."""
        known, listed = self.particulars[pupil], self.school.pupils[pupil]
        if not known.readable:
            return Contacts(listed.parents, listed.emergency)
        return Contacts(_in_order(known.contacts), _in_order(known.emergency_contacts))

    # --- what is known of the year ---

    @cached_property
    def settled(self) -> bool:
        """Return whether the school year has as many school days as lie between letters: in its first weeks one day
        makes a pupil severely absent, and neither a letter nor a plan is made of that."""
        days = self.letter_pause
        return len(days) == self.policy.letter_pause_school_days and days[0] >= year_first(self.moment)

    @cached_property
    def letter_pause(self) -> list[date]:
        """Return the school days up to the day in which no second letter about the same is sent, oldest first."""
        return self.school.calendar.school_days_until(self.day, self.policy.letter_pause_school_days)

    # --- what is known about them ---

    @cached_property
    def chronology(self) -> dict[str, list[FollowUp]]:
        """Return the chronologies of this school year and the one before, of all pupils and of those removed."""
        year = school_year(self.day)
        everybody = {*self.pupils, *self.removed}
        events = chronologies(self.answers, self.moment, everybody, range(year - 1, year + 1))
        return {pupil: events.get(pupil, []) for pupil in everybody}

    # --- marks ---

    @cached_property
    def absence(self) -> list[AbsenceAnswer]:
        """Return the year to date of everybody on roll."""
        return absence_answers(self.answers, self.moment, self.pupils)

    @cached_property
    def marks(self) -> dict[str, dict[Session, Mark]]:
        """Return the marks of this school year and of the days before it that a run may reach back to."""
        recent = self.school.calendar.school_days_until(self.day, 2 * self.policy.contact_authority_day)
        years = sorted({school_year(day) for day in (self.day, *recent)})
        frame = self.answers.entries(self.moment, years, self.pupils)
        return marks_of(frame.where(frame.session <= last_session(self.day)))

    @cached_property
    def registers(self) -> dict[tuple[Session, str], Handled]:
        """Return what was done with each register of the last school days, of classes with pupils then."""
        calendar = self.school.calendar
        days = calendar.school_days_until(self.day, 2 * self.policy.contact_authority_day)
        classes = {day: self.school.classes_on(day) for day in days}
        wanted = [(Session(day, half), name) for day in days for half in Half for name in classes[day]]
        registers = dict.fromkeys(wanted, Handled())
        for row in self.answers.ledger.reads.stream_rows([register_stream(*each) for each in wanted]):
            if row.position <= self.moment.position:
                handled, place = row.topic.removeprefix("register.Register").lower(), register_of(row.stream)
                registers[place] = registers[place]._replace(**{handled: True})
        return registers

    def class_of(self, pupil: str, day: date) -> str:
        return self.school.pupils[pupil].placement(day).class_name

    def due_marks(self, pupil: str) -> dict[Session, Mark]:
        """Return what stands for each session that is decided or should be.

        An unmarked session is there once its registration has closed and its register was handled at all: of one that
        nobody took, nothing can be said about a pupil. It stands at the code that leave or a closure makes it expect.
        """
        calendar, known = self.school.calendar, self.school.pupils[pupil]
        due = dict(self.marks[pupil])
        for (session, class_name), handled in self.registers.items():
            unmarked = session not in due and any(handled) and known.on_roll(session.day)
            if unmarked and calendar.closes(session) <= self.now and self.class_of(pupil, session.day) == class_name:
                expected = self.school.expected(pupil, session)
                due[session] = Mark(expected.code if expected else UNMARKED)
        return {session: mark for session, mark in due.items() if known.on_roll(session.day)}

    @cached_property
    def ladders(self) -> dict[str, Ladder]:
        """Return where everybody on roll stands on the contact ladder."""
        return {pupil: self.ladder(pupil) for pupil in self.pupils}

    def ladder(self, pupil: str) -> Ladder:
        """Return where a pupil stands on the contact ladder: nowhere, who is not on roll on the day."""
        if pupil not in self.marks:
            return ladder({}, [], Contacts(()), self.school.calendar, self.policy, self.day)
        marks, events = self.due_marks(pupil), self.chronology[pupil]
        return ladder(marks, events, self.contacts(pupil), self.school.calendar, self.policy, self.day)


def _in_order(contacts: Iterable[StatedContact]) -> tuple[str, ...]:
    # Sorting keeps the order of those who have the same number, or none.
    ordered = sorted(contacts, key=lambda contact: contact.get("contact_order") or UNSTATED)
    return tuple(contact["id"] for contact in ordered)
