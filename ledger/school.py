"""The school: everything an entry is judged by, folded from the ledger's reference events.

Reference events are those of the school, the roll, leave and notices: a few thousand in six years, beside a million
marks. One fold of them serves both sides. A decision folds them to the present; an answer folds them to the position it
is asked at. So the rules that a command was held to and the rules that a figure was computed by cannot drift apart, and
there is no second copy of the roll or the calendar that could disagree with the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple, Protocol, assert_never

from ledger import wire
from ledger.calendar import Calendar, SchoolYear, calendar_of
from ledger.case import Leave, Notice, PenaltyCase, fold_case, fold_leave, fold_notice
from ledger.events import (
    CalendarAmended,
    ClosureDeclared,
    DailyReturnMade,
    ImportBegun,
    Noted,
    PolicyAdopted,
    RecordReceived,
    RoleNamed,
    SchoolEvent,
    SchoolOpened,
    SchoolYearOpened,
    StaffNamed,
    StampsDoubted,
    YearsForgotten,
)
from ledger.people import Staff
from ledger.policy import Policy, load, pinned
from ledger.received import Received, received_notices, standing_records
from ledger.roll import Pupil
from ledger.sessions import LONDON, Session, from_micros, school_year
from ledger.streams import Owner


class Closure(NamedTuple):
    """Sessions that expect `code`; no classes and no pupils means everyone."""

    position: int
    sessions: frozenset[Session]
    code: str
    classes: frozenset[str]
    pupils: frozenset[str]


class Doubt(NamedTuple):
    """That the recorded times from one position to another are wrong, both inclusive, said at `position`."""

    first: int
    last: int
    position: int


class Expected(NamedTuple):
    """The code that a session expects before anyone marks it, and what it rests on."""

    code: str
    cites: str


@dataclass(frozen=True)
class Adopted:
    """A policy adopted from a day, by the event at `position`."""

    from_day: date
    position: int
    event: SchoolOpened | PolicyAdopted

    @property
    def pins(self) -> bool:
        """Whether the event keeps the policy itself, and not its name alone."""
        return bool(self.event.settings)

    @property
    def review_on(self) -> date | None:
        return self.event.review_on if isinstance(self.event, PolicyAdopted) else None

    @cached_property
    def policy(self) -> Policy:
        """Return the policy as it was adopted; of an event that keeps only its name, the one shipped. Raises
        Misconfigured where it cannot be read, or its table of codes is not kept here."""
        event = self.event
        if not self.pins:
            return load(event.policy)
        return pinned(event.policy, event.title, event.edition, event.settings, event.codes)


class StoredReference(Protocol):
    """What a stored row shows of itself here."""

    @property
    def position(self) -> int: ...
    @property
    def stream(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def topic(self) -> str: ...
    @property
    def state(self) -> bytes: ...
    @property
    def recorded_at(self) -> int: ...


class School:
    """State of the school at `position`; `versions` holds the last version of each reference stream.

    Threads share it, so nothing changes it once `take_in` has given it away: more is taken in by a copy, and what a
    copy shares with its original is replaced in it, never altered."""

    def __init__(self) -> None:
        self.position = 0
        self.versions: dict[str, int] = {}
        self.opened: SchoolOpened | None = None
        self.opened_on: date | None = None  # the London day on which this ledger began
        self.policies: list[Adopted] = []  # by the day from which they are in force
        self.roles: dict[str, list[tuple[date, tuple[Staff, ...]]]] = {}
        self.staff: dict[str, Staff] = {}
        self.imports: dict[str, ImportBegun] = {}
        self.pupils: dict[str, Pupil] = {}
        self.leave: dict[str, dict[str, Leave]] = {}
        self.notices: dict[str, dict[str, Notice]] = {}
        self.cases: dict[str, dict[str, PenaltyCase]] = {}
        self.received: dict[str, list[Received]] = {}  # of former schools, in order
        self.forgotten: set[Owner] = set()
        self.daily_returns: list[DailyReturnMade] = []
        self.closures: list[Closure] = []
        self.doubts: list[Doubt] = []
        self.poison: dict[int, str] = {}
        self.newer = 0  # the first position of an event that only a later release knows, 0 for none
        self._years: dict[int, SchoolYear] = {}
        self._calendar: Calendar | None = None
        self._classes_on: dict[date, dict[str, list[str]]] = {}

    def copy(self) -> School:
        """Return a school that begins as this one; what it takes in does not show here."""
        other = School()
        for name, value in vars(self).items():
            setattr(other, name, copy(value) if isinstance(value, dict | list | set) else value)
        return other

    # --- questions ---

    @property
    def simulated(self) -> bool:
        return self.opened is not None and self.opened.simulated

    @property
    def calendar(self) -> Calendar:
        if self._calendar is None:
            self._calendar = calendar_of(tuple(self._years.values()))
        return self._calendar

    @property
    def years(self) -> dict[int, SchoolYear]:
        return self._years

    def adopted_on(self, day: date) -> Adopted:
        """Return what is in force on a day: the last policy adopted from that day or before."""
        in_force = [adopted for adopted in self.policies if adopted.from_day <= day]
        return in_force[-1] if in_force else self.policies[0]

    def policy_on(self, day: date) -> Policy:
        """Return the policy in force on a day. Raises Misconfigured where what is pinned cannot be read."""
        return self.adopted_on(day).policy

    def policy_named(self, name: str) -> Policy | None:
        """Return the policy of that name that was recorded last, None where none was adopted."""
        named = [adopted for adopted in self.policies if adopted.event.policy == name]
        return max(named, key=lambda adopted: adopted.position).policy if named else None

    def policy_decided_by(self, name: str, rules: str, day: date) -> Policy:
        """Return the policy under which a referral or a notice was decided on a day. The first releases recorded only
        its name there, or nothing at all."""
        for adopted in self.policies:
            if rules and adopted.event.policy == name and adopted.policy.rules == rules:
                return adopted.policy
        in_force = self.policy_on(day)
        return in_force if in_force.name == name else self.policy_named(name) or in_force

    def review_on(self, day: date) -> date | None:
        """Return by when the policy in force on a day is to be reviewed, None where nobody said."""
        return self.adopted_on(day).review_on

    def holders(self, role: str, day: date) -> tuple[Staff, ...]:
        """Return who holds a role on a day: the last list that had begun."""
        named = [holders for from_day, holders in self.roles.get(role, ()) if from_day <= day]
        return named[-1] if named else ()

    def records(self, pupil: str) -> list[Received]:
        """Return the records of former schools that stand, one a school."""
        return standing_records(self.received.get(pupil, ()))

    def notices_about(self, pupil: str) -> list[Notice]:
        """Return the notices about a pupil: former schools' that stood, then this school's, withdrawn ones among
        them."""
        return [*received_notices(pupil, self.records(pupil)), *self.notices.get(pupil, {}).values()]

    def on_roll(self, pupil: str, day: date) -> bool:
        return pupil in self.pupils and self.pupils[pupil].on_roll(day)

    def pupils_on(self, day: date, class_name: str | None = None) -> list[str]:
        """Return the pupils on roll on a day (of one class), ordered by number as text."""
        classes = self._classes(day)
        if class_name is not None:
            return list(classes.get(class_name, ()))
        return sorted(number for members in classes.values() for number in members)

    def classes_on(self, day: date) -> list[str]:
        return sorted(self._classes(day))

    def _classes(self, day: date) -> dict[str, list[str]]:
        """Return the pupils of every class on a day; kept until the roll changes: a day is marked often."""
        if day not in self._classes_on:
            classes: dict[str, list[str]] = {}
            for number, pupil in sorted(self.pupils.items()):
                if pupil.on_roll(day):
                    classes.setdefault(pupil.placement(day).class_name, []).append(number)
            self._classes_on[day] = classes
        return self._classes_on[day]

    def completes(self, pupil: str, last_day: date, year_group: str) -> bool:
        """Return whether a pupil who leaves on a day was in that year group, the final one, to the end of its year."""
        year = self.years.get(school_year(last_day))
        ends = max(year.days(), default=None) if year else None
        return self.pupils[pupil].placement(last_day).year_group == year_group and ends is not None and last_day >= ends

    def expected(self, pupil: str, session: Session) -> Expected | None:
        """Return what leave or a closure makes this session expect. Leave comes first: it is about this pupil."""
        for leave in reversed(self.leave.get(pupil, {}).values()):
            if code := leave.expects(session):
                return Expected(code, leave.request)
        for closure in reversed(self.closures):
            if session in closure.sessions and self._closed_for(closure, pupil, session.day):
                return Expected(closure.code, f"closure {closure.position}")
        return None

    def _closed_for(self, closure: Closure, pupil: str, day: date) -> bool:
        if not closure.classes and not closure.pupils:
            return True
        return pupil in closure.pupils or self.pupils[pupil].placement(day).class_name in closure.classes

    # --- the fold ---

    def apply(self, position: int, stream: str, version: int, event: Any) -> None:  # of the union that its kind names
        """Take in one reference event; never refuses."""
        self.position = position
        self.versions[stream] = version
        owner, *rest = stream.split("/")
        match event.kind:
            case "school":
                self._apply_school(position, event)
            case "roll":
                self.pupils[owner] = self.pupils.get(owner, Pupil(owner)).after(version, event)
                self._classes_on = {}
                if isinstance(event, RecordReceived):
                    self.received[owner] = [*self.received.get(owner, ()), Received(position, event)]
            case "leave":
                request, asked = rest[-1], self.leave.get(owner, {})
                self.leave[owner] = asked | {request: fold_leave(asked.get(request), owner, request, event)}
            case "notice":
                name, cases, notices = rest[-1], self.cases.get(owner, {}), self.notices.get(owner, {})
                self.cases[owner] = cases | {name: fold_case(cases.get(name), owner, name, position, event)}
                if (notice := fold_notice(notices.get(name), owner, name, event)) is not None:
                    self.notices[owner] = notices | {name: notice}
            case _:
                raise AssertionError(f"{event.topic} is no reference event")

    def _apply_school(self, position: int, event: SchoolEvent) -> None:
        match event:
            case SchoolOpened():
                self.opened = event
                self.policies.append(Adopted(date.min, position, event))
            case StaffNamed():
                self.staff[event.staff.id] = event.staff
            case PolicyAdopted():
                self.policies.append(Adopted(event.from_day, position, event))
                self.policies.sort(key=lambda adopted: adopted.from_day)
            case RoleNamed():
                named = [*self.roles.get(event.role, ()), (event.from_day, event.holders)]
                self.roles[event.role] = sorted(named, key=lambda each: each[0])
            case YearsForgotten():
                self.forgotten.update(Owner(name, year) for name, year in event.years)
            case DailyReturnMade():
                self.daily_returns.append(event)
            case StampsDoubted():
                self.doubts.append(Doubt(event.first, event.last or position, position))
            case Noted():
                pass
            case ImportBegun():
                self.imports[event.digest] = event
            case SchoolYearOpened():
                self._set_year(SchoolYear(event.year, event.first_day, event.last_day, event.closed, event.hours))
            case CalendarAmended():
                old = self._years[event.year]
                self._set_year(SchoolYear(old.year, old.first_day, old.last_day, event.closed, event.hours))
            case ClosureDeclared():
                sessions = frozenset(Session.parse(session) for session in event.sessions)
                self.closures.append(
                    Closure(position, sessions, event.code, frozenset(event.classes), frozenset(event.pupils))
                )
            case _:
                assert_never(event)

    def _set_year(self, year: SchoolYear) -> None:
        self._years[year.year] = year
        self._calendar = None


def take_in(school: School, rows: Iterable[StoredReference]) -> School:
    """Return the school after these stored reference events, in order of position; the one given stays as it was. One
    that cannot be read is named in `poison` and passed over, so that it stops nobody else."""
    school = school.copy()
    for row in rows:
        try:
            school.apply(row.position, row.stream, row.version, wire.decode(row.state))
            if row.position == 1:
                school.opened_on = from_micros(row.recorded_at).astimezone(LONDON).date()
        except (wire.Undecodable, ValueError, LookupError) as error:
            school.poison[row.position] = f"{row.topic} cannot be read ({error})"
            if isinstance(error, wire.Unknown):
                school.newer = school.newer or row.position
            # It still stands in the ledger: what is decided next is decided after it.
            school.position, school.versions[row.stream] = row.position, row.version
    return school
