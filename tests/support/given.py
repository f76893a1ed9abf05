"""Rules by example: given what has happened, when somebody sends this, then these are the facts, or it is refused.

    given(marked("N")).when(amend("I", reason="fever")).then(amended("N", "I", reason="fever"))

Nothing is stored: events are folded, and a pure decision or kernel is asked. Every example happens at a school of one
pupil in one class, open from September 2024; an example adds what it is about, and names a session only where it is
about more than one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np

from commands.deciding import DECISIONS
from commands.deciding.state import Decided, Fact, Register, State
from commands.models import parse
from ledger import policy, streams
from ledger.calendar import Closed, Hours
from ledger.codes import by_symbol
from ledger.entry import Entry
from ledger.errors import Refused
from ledger.events import (
    ArrivalLogged,
    CalendarAmended,
    ClassChanged,
    ClosureDeclared,
    Event,
    FollowUpEvent,
    LeaveDecided,
    LeaveRequested,
    LeaveWithdrawn,
    MarkAmended,
    MarkRecorded,
    NoticeIssued,
    NoticeWithdrawn,
    PolicyAdopted,
    PupilAdmitted,
    PupilRemoved,
    RegisterClosed,
    RegisterTaken,
    SchoolOpened,
    SchoolYearOpened,
)
from ledger.people import Staff, compulsory_school_age
from ledger.school import School
from ledger.sessions import LONDON, Half, Session, parse_moment, school_year
from projections.asking.questions import Header
from projections.figures.absence import absence, cohorts, percent
from projections.figures.penalty import Background, PenaltyWindow, counted_marks, counted_sessions, window
from projections.readmodel.frames import NEVER, Entries, first_session, last_session, roll_of

PUPIL = "1042"
MORNING, AFTERNOON = "2024-11-05/AM", "2024-11-05/PM"
EVENING = "2024-11-05T16:00:00"  # of the day that examples happen on
TEACHER = Staff("hart", "A Hart", "Class teacher")
MOTHER, FATHER = "1042-a", "1042-b"
YEARS = {2024: (date(2024, 9, 3), date(2025, 7, 22)), 2025: (date(2025, 9, 3), date(2026, 7, 21))}
HOLIDAYS = {
    2024: (
        Closed(date(2024, 10, 28), date(2024, 11, 1), "half term"),
        Closed(date(2024, 12, 23), date(2025, 1, 3), "Christmas"),
    ),
    2025: (Closed(date(2025, 10, 27), date(2025, 10, 31), "half term"),),
}

Facts = Fact | list[Fact]

# --- what has happened ----------------------------------------------------------------------------------------------


def marked(code: str, session: str = MORNING, pupil: str = PUPIL, **said: Any) -> Fact:
    """An original entry; `via` register unless said, `cites` what it rests on."""
    return Fact(_entry(pupil, session), MarkRecorded(by=TEACHER, code=code, **said))


def marks(code: str, *days: str, pupil: str = PUPIL) -> list[Fact]:
    """An original entry for both sessions of each day; present is written as each half has it."""
    halves = {"AM": "/", "PM": "\\"} if code == "/" else {"AM": code, "PM": code}
    return [marked(halves[half], f"{day}/{half}", pupil) for day in days for half in halves]


def amended(replaces: str, code: str, reason: str, session: str = MORNING, **said: Any) -> Fact:
    return Fact(_entry(PUPIL, session), MarkAmended(by=TEACHER, code=code, replaces=replaces, reason=reason, **said))


def register_taken(marked: int = 0, session: str = MORNING, class_name: str = "4W") -> Fact:
    return Fact(streams.register_stream(Session.parse(session), class_name), RegisterTaken(by=TEACHER, marked=marked))


def register_closed(marked: int = 0, session: str = MORNING, class_name: str = "4W") -> Fact:
    return Fact(streams.register_stream(Session.parse(session), class_name), RegisterClosed(by=TEACHER, marked=marked))


def arrival_logged(clock: str, code: str, reason: str = "overslept", session: str = MORNING) -> Fact:
    at = parse_moment(f"{session.split('/')[0]}T{clock}")
    event = ArrivalLogged(by=TEACHER, session=session, arrived_at=at, code=code, reason=reason)
    return Fact(streams.follow_up_stream(PUPIL, school_year(Session.parse(session).day)), event)


def admitted(
    pupil: str = PUPIL,
    start: str = "2024-09-03",
    class_name: str = "4W",
    born: str = "2016-03-09",
    year_group: str = "4",
) -> Fact:
    first, last = compulsory_school_age(date.fromisoformat(born))
    event = PupilAdmitted(
        by=TEACHER,
        starting_day=date.fromisoformat(start),
        year_group=year_group,
        class_name=class_name,
        school_age_first=first,
        school_age_last=last,
        parents=(f"{pupil}-a", f"{pupil}-b"),
    )
    return Fact(streams.roll_stream(pupil), event)


def left(last_day: str, pupil: str = PUPIL) -> Fact:
    return Fact(streams.roll_stream(pupil), PupilRemoved(by=TEACHER, last_day=date.fromisoformat(last_day)))


def moved(class_name: str, from_day: str) -> Fact:
    event = ClassChanged(by=TEACHER, class_name=class_name, year_group="4", from_day=date.fromisoformat(from_day))
    return Fact(streams.roll_stream(PUPIL), event)


def closure(code: str, *sessions: str, classes: tuple[str, ...] = (), pupils: tuple[str, ...] = ()) -> Fact:
    event = ClosureDeclared(
        by=TEACHER, sessions=sessions, code=code, classes=classes, pupils=pupils, reason="no heating"
    )
    return Fact(streams.year_stream(school_year(Session.parse(sessions[0]).day)), event)


def leave_requested(first: str, last: str, request: str = "LR-1") -> Fact:
    event = LeaveRequested(
        by=TEACHER, parent=MOTHER, received_on=date(2024, 11, 4), first=first, last=last, on_form=True
    )
    return Fact(_leave(first, request), event)


def leave_decided(granted: dict[str, str], first: str = MORNING, request: str = "LR-1") -> Fact:
    return Fact(_leave(first, request), LeaveDecided(by=TEACHER, granted=tuple(granted.items()), reason="considered"))


def leave_withdrawn(first: str = MORNING, request: str = "LR-1") -> Fact:
    return Fact(_leave(first, request), LeaveWithdrawn(by=TEACHER, reason="not going"))


def notice(name: str, *sessions: str, issued_on: str = "2024-12-09", parent: str = MOTHER) -> Fact:
    event = NoticeIssued(by=TEACHER, parent=parent, issued_on=date.fromisoformat(issued_on), sessions=sessions)
    return Fact(streams.notice_stream(PUPIL, name), event)


def notice_withdrawn(name: str) -> Fact:
    return Fact(streams.notice_stream(PUPIL, name), NoticeWithdrawn(by=TEACHER, reason="wrong address"))


def policy_adopted(name: str, from_day: str, review_on: str | None = None) -> Fact:
    review = date.fromisoformat(review_on) if review_on else None
    adopted = PolicyAdopted(by=TEACHER, policy=name, from_day=date.fromisoformat(from_day), review_on=review)
    return Fact(streams.SCHOOL, adopted)


def registration(year: int = 2024, **hours: tuple[str, str]) -> Fact:
    """Return that the calendar has other registration hours: AM=("08:30", "08:45")."""
    before = _year(year, "national-2024")
    changed = [
        Hours(*(time.fromisoformat(clock) for clock in hours[half.name]), each.ends) if half.name in hours else each
        for half, each in zip(Half, before.hours, strict=True)
    ]
    amended = CalendarAmended(by=TEACHER, year=year, closed=before.closed, hours=(changed[0], changed[1]))
    return Fact(streams.year_stream(year), amended)


# --- what somebody sends --------------------------------------------------------------------------------------------


def record(code: str, session: str = MORNING, pupil: str = PUPIL, **fields: Any) -> dict[str, Any]:
    return _line("RecordMark", pupil=pupil, session=session, code=code, **fields)


def take(marks: dict[str, Any], session: str = MORNING, class_name: str = "4W") -> dict[str, Any]:
    return _line("TakeRegister", session=session, marks=marks, **{"class": class_name})


def close(session: str = MORNING, **fields: Any) -> dict[str, Any]:
    return _line("CloseRegister", session=session, **fields)


def amend(code: str, reason: str = "mother rang", session: str = MORNING, **fields: Any) -> dict[str, Any]:
    return _line("AmendMark", pupil=PUPIL, session=session, code=code, reason=reason, **fields)


def arrive(clock: str, session: str = MORNING, **fields: Any) -> dict[str, Any]:
    """An arrival at a London time of the session's day."""
    at = f"{session.split('/')[0]}T{clock}"
    return _line("LogArrival", pupil=PUPIL, session=session, arrived_at=at, **{"reason": "overslept", **fields})


def send(command: str, **fields: Any) -> dict[str, Any]:
    """Any other command."""
    return _line(command, **fields)


def _line(command: str, **fields: Any) -> dict[str, Any]:
    return {"command": command, "by": {"id": TEACHER.id, "name": TEACHER.name, "title": TEACHER.title}, **fields}


# --- given, when, then ----------------------------------------------------------------------------------------------


class Given:
    """What is known after the facts: the school, the entries and registers by stream, and each pupil's follow-up."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.school = School()
        self.entries: dict[str, Entry] = {}
        self.registers: dict[str, Register] = {}
        self.told: dict[str, list[FollowUpEvent]] = defaultdict(list)
        self.head = 0
        self._versions: dict[str, int] = {}
        self._marks: dict[str, tuple[str, int]] = {}
        for position, (stream, event) in enumerate(facts, 1):
            self._fold(position, stream, event)

    def _fold(self, position: int, stream: str, event: Any) -> None:
        self.head = position
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        if event.kind == "entry":
            self.entries[stream] = self.entries.get(stream, Entry()).after(version, event)
            self._marks[stream] = event.code, position
        elif event.kind == "register":
            self.registers[stream] = self.registers.get(stream, Register()).after(event)
        elif event.kind == "follow-up":
            self.told[stream.split("/")[0]].append(event)
        else:
            self.school.apply(position, stream, version, event)

    def when(self, line: dict[str, Any], at: str = EVENING) -> Outcome:
        """Return what a line comes to that is sent at a London time."""
        try:
            command = parse(line)
            decision = DECISIONS[type(command)]
            told = self.told[command.pupil] if decision.follow_up else None
            read = decision.streams(command, self.school)
            state = State(self.school, read, self.entries, self.registers, told, end_reached=self.head, pinned="")
            return Outcome(decision.decide(command, state, parse_moment(at)), None)
        except Refused as refused:
            return Outcome(None, refused)

    def absence(self, as_of: str, known_at: str | None = None) -> dict[str, Any]:
        """Return the pupil's figures of the year to date, everything given being known."""
        day = date.fromisoformat(as_of)
        known = parse_moment(known_at) if known_at else datetime.combine(day, time.max, LONDON).astimezone(UTC)
        calendar = self.school.calendar
        year = calendar.year_begun_by(day)
        assert year is not None
        closed = [
            number
            for number in calendar.session_numbers(year)
            if number <= last_session(day) and calendar.closes(Session.from_number(number)) <= known
        ]
        counts = absence(
            self._frame(),
            roll_of(self.school, [PUPIL]),
            np.array(closed, np.int32),
            first_session(date(year, 8, 1)),
            last_session(day),
            self._policy(day).codes,
        )
        groups = cohorts(counts, self._policy(day))
        possible = int(counts.possible[0])
        return {
            "possible": possible,
            "attended": int(counts.attended[0]),
            "authorised": int(counts.authorised[0]),
            "unauthorised": int(counts.unauthorised[0]),
            "missing": int(counts.missing[0]),
            "percent": percent(int(counts.absent[0]), possible),
            "persistent": bool(groups.persistent[0]),
            "severe": bool(groups.severe[0]),
            "at_risk": bool(groups.at_risk[0]),
        }

    def window(self, as_of: str) -> PenaltyWindow:
        """Return the pupil's penalty window, everything given being known."""
        day = date.fromisoformat(as_of)
        policy_then = self._policy(day)
        known = Background(self.school.pupils[PUPIL].parents, tuple(self.school.notices.get(PUPIL, {}).values()))
        weeks = self.school.calendar.school_weeks(day, policy_then.penalty_weeks)
        marks = counted_marks(self._frame(), roll_of(self.school, [PUPIL]), weeks, day, {PUPIL: known}, policy_then)
        counted = counted_sessions(marks, dict.fromkeys(marks.from_position.tolist(), ""))[PUPIL]
        header = Header(
            pupil=PUPIL,
            as_of=as_of,
            known_at="",
            position=self.head,
            policy=policy_then.name,
            rules=policy_then.rules,
            simulated=True,
        )
        return window(header, weeks, counted, known, day, policy_then)

    def _policy(self, day: date) -> policy.Policy:
        return self.school.policy_on(day)

    def _frame(self) -> Entries:
        """Return the pupil's entries as the kernels read them."""
        own = [(streams.entry_of(s)[1].number, *mark) for s, mark in self._marks.items() if s.startswith(f"{PUPIL}/")]
        codes = [code.id for _, symbol, _ in own if (code := by_symbol(symbol))]
        return Entries(
            [PUPIL],
            np.zeros(len(own), np.int32),
            np.array([number for number, _, _ in own], np.int32),
            np.array(codes, np.uint8),
            np.array([position for _, _, position in own], np.int64),
            np.full(len(own), NEVER),
        )


class Outcome:
    """What a line came to: a decision or a refusal."""

    def __init__(self, decided: Decided | None, refused: Refused | None) -> None:
        self.decided = decided
        self.refused = refused

    def then(self, *facts: Fact) -> None:
        """Hold that exactly these facts are to be recorded; none at all means that nothing changes."""
        assert self.refused is None, str(self.refused)
        assert self.decided is not None
        assert self.decided.facts == list(facts)

    def then_marked(self, *codes: str) -> None:
        """Hold that exactly these marks are to be recorded, whatever else is."""
        assert self.refused is None, str(self.refused)
        assert self.decided is not None
        found = [fact.event.code for fact in self.decided.facts if isinstance(fact.event, (MarkRecorded, MarkAmended))]
        assert found == list(codes)

    def then_told(self, event: Event) -> None:
        """Hold that this event is to be recorded and no mark is."""
        self.then_marked()
        assert self.decided is not None
        assert [fact.event for fact in self.decided.facts] == [event]

    def then_refused(self, rule: str) -> None:
        """Hold that it is refused by this rule."""
        assert self.refused is not None, f"accepted: {self.decided}"
        assert self.refused.rule == rule, str(self.refused)


def given(*happened: Facts, policy: str = "national-2024", pupil: Fact | None = None) -> Given:
    """Return the school after these facts; `pupil` is admitted instead of the usual one."""
    opened = SchoolOpened(
        by=TEACHER, urn="117000", name="Example Primary", la="919", estab="2000", policy=policy, simulated=True
    )
    facts = [Fact(streams.SCHOOL, opened)]
    facts += [Fact(streams.year_stream(year), _year(year, policy)) for year in YEARS]
    facts.append(pupil or admitted())
    for each in happened:
        facts += each if isinstance(each, list) else [each]
    return Given(facts)


def _year(year: int, policy_name: str) -> SchoolYearOpened:
    first_day, last_day = YEARS[year]
    hours = policy.load(policy_name).hours
    return SchoolYearOpened(
        by=TEACHER, year=year, first_day=first_day, last_day=last_day, closed=HOLIDAYS[year], hours=hours
    )


def _entry(pupil: str, session: str) -> str:
    return streams.entry_stream(pupil, Session.parse(session))


def _leave(first: str, request: str) -> str:
    return streams.leave_stream(PUPIL, school_year(Session.parse(first).day), request)
