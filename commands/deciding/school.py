"""The school itself: opening it, its years and calendar, the policy in force, closures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time

from commands.deciding.declaration import decides
from commands.deciding.state import Decided, Fact, State, signed
from commands.models import fields
from commands.models.school import (
    AdoptPolicy,
    AmendCalendar,
    ClosedDays,
    DeclareClosure,
    NameRole,
    OpenSchool,
    OpenSchoolYear,
    RecordDailyReturn,
)
from ledger import policy
from ledger.calendar import Closed, Hours
from ledger.codes import CURRENT
from ledger.errors import Misconfigured, Refused
from ledger.events import (
    CalendarAmended,
    ClosureDeclared,
    DailyReturnMade,
    PolicyAdopted,
    RoleNamed,
    SchoolOpened,
    SchoolYearOpened,
)
from ledger.policy import Policy
from ledger.sessions import Half, Session, format_year, school_year
from ledger.settings import Setting
from ledger.streams import SCHOOL, year_stream

# Codes that a closure can make sessions expect: unable to attend for a cause that is not one pupil's, or a planned day.
CLOSURE_CODES = frozenset({"Y1", "Y2", "Y3", "Y4", "Y6", "#"})

OWN = "the school's own"  # edition of a policy that states none


@decides(OpenSchool)
def open_school(command: OpenSchool, state: State, now: datetime) -> Decided:
    """Return the first event of a ledger, which fixes its clock. Refuses: school_already_open,
    policy_unknown, policy_name_taken."""
    by = signed(command.by)
    if state.school.opened is not None:
        raise Refused("school_already_open", field="urn", value=command.urn)
    chosen = chosen_policy(command)
    opened = SchoolOpened(
        by=by,
        urn=command.urn,
        name=command.name_,
        la=command.la,
        estab=command.estab,
        simulated=state.simulated,
        **chosen.kept,
    )
    return Decided([Fact(SCHOOL, opened)])


def chosen_policy(command: OpenSchool | AdoptPolicy) -> Policy:
    """Return the policy that a command is about: the one shipped, or the school's own that it states.

    Refuses: policy_unknown (no settings, and none is shipped by that name), malformed (settings that are no policy),
    policy_name_taken (the name of a shipped one, with other settings).
    """
    shipped = policy.load(command.policy) if command.policy in policy.shipped() else None
    if not command.settings:
        if shipped is None:
            raise Refused("policy_unknown", field="policy", value=command.policy)
        return shipped
    own = _own(command)
    if shipped is None:
        return own
    if own.settings != shipped.settings:
        raise Refused("policy_name_taken", field="policy", value=command.policy)
    return shipped


def _own(command: OpenSchool | AdoptPolicy) -> Policy:
    """Return a school's own policy. It is called by its name where it states no title, and its edition is its own."""
    name = command.policy.strip()
    if not name:
        raise Refused("malformed", field="policy", expected="the name of the school's policy")
    settings = {key: Setting(each.value, each.source) for key, each in command.settings.items()}
    try:
        return policy.pinned(name, command.title or name, command.edition or OWN, settings, CURRENT.digest)
    except Misconfigured as error:
        raise Refused("malformed", field="settings", expected=f"the settings of a whole policy: {error}") from error


@decides(OpenSchoolYear)
def open_school_year(command: OpenSchoolYear, state: State, now: datetime) -> Decided:
    """Return a new school year with its calendar. Refuses: year_already_open."""
    by = signed(command.by)
    if command.year in state.school.years:
        raise Refused("year_already_open", field="year", value=format_year(command.year))
    opened = SchoolYearOpened(
        by=by,
        year=command.year,
        first_day=command.first_day,
        last_day=command.last_day,
        closed=_closed(command.closed),
        hours=_hours(state.policy(command.first_day).hours, command.times),
    )
    return Decided([Fact(year_stream(command.year), opened)])


@decides(AmendCalendar)
def amend_calendar(command: AmendCalendar, state: State, now: datetime) -> Decided:
    """Return the calendar as it is from now on known to be; marks already taken stay. Refuses: no_such_year,
    reason_required."""
    by = signed(command.by)
    year = state.school.years.get(command.year)
    if year is None:
        raise Refused("no_such_year", field="year", value=format_year(command.year))
    if not command.reason:
        raise Refused("reason_required", field="reason")
    closed = year.closed if command.closed is None else _closed(command.closed)
    hours = _hours(year.hours, command.times)
    if (closed, hours) == (year.closed, year.hours):
        return Decided([])
    amended = CalendarAmended(by=by, year=command.year, closed=closed, hours=hours, reason=command.reason)
    return Decided([Fact(year_stream(command.year), amended)])


def _closed(days: tuple[ClosedDays, ...]) -> tuple[Closed, ...]:
    return tuple(Closed(closed.first, closed.last, closed.why) for closed in days)


def _hours(hours: tuple[Hours, Hours], changed: Mapping[fields.Half, tuple[time, time]]) -> tuple[Hours, Hours]:
    """Return registration hours with the changed halves put in; when a session ends stays the policy's."""
    hours_of, both = {Half[name]: times for name, times in changed.items()}, []
    for half in Half:
        before = hours[half]
        opens, closes = hours_of.get(half, (before.opens, before.closes))
        both.append(Hours(opens, closes, max(closes, before.ends)))
    return both[0], both[1]


@decides(AdoptPolicy)
def adopt_policy(command: AdoptPolicy, state: State, now: datetime) -> Decided:
    """Return the policy adopted from a day, to be reviewed by another. Nothing where it is in force then already,
    stays so and has that review. Settings that are no policy are malformed. Refuses: policy_unknown,
    policy_name_taken."""
    by = signed(command.by)
    chosen = chosen_policy(command)
    in_force = state.school.adopted_on(command.from_day)
    later = any(adopted.from_day > command.from_day for adopted in state.school.policies)
    # An adoption that kept only a name is worth another one that keeps the policy.
    same = in_force.pins and in_force.policy.rules == chosen.rules and in_force.review_on == command.review_on
    if same and not later:
        return Decided([])
    adopted = PolicyAdopted(by=by, from_day=command.from_day, review_on=command.review_on, **chosen.kept)
    return Decided([Fact(SCHOOL, adopted)])


@decides(NameRole)
def name_role(command: NameRole, state: State, now: datetime) -> Decided:
    """Return who holds a role from a day on. Nothing where they do already. Refuses: unknown_person (a holder without
    id, name or title)."""
    by = signed(command.by)
    holders = tuple(signed(holder) for holder in command.holders)
    named = RoleNamed(by=by, role=command.role, holders=holders, from_day=command.from_day, contact=command.contact)
    if state.school.holders(command.role, command.from_day) == holders and not command.contact:
        return Decided([])
    return Decided([Fact(SCHOOL, named)])


@decides(RecordDailyReturn, end=True)
def record_daily_return(command: RecordDailyReturn, state: State, now: datetime) -> Decided:
    """Return that the codes of a day were sent. Refuses: malformed (a day or a position that lies ahead),
    not_a_session (no session on that day)."""
    by = signed(command.by)
    state.check_been(command.day, now, "day")
    state.seen(command.seen)
    if not any(state.school.calendar.is_session(Session(command.day, half)) for half in Half):
        raise Refused("not_a_session", field="day", value=command.day)
    made = DailyReturnMade(by=by, day=command.day, seen=command.seen, pupils=command.pupils, digest=command.digest)
    return Decided([Fact(year_stream(school_year(command.day)), made)])


@decides(DeclareClosure)
def declare_closure(command: DeclareClosure, state: State, now: datetime) -> Decided:
    """Return a closure: its sessions expect the code from now on and stay sessions; marks already taken stay.

    Refuses: pupil_not_on_roll, not_a_session, code_unknown, code_not_in_force, code_not_for_closure, class_unknown.
    """
    by = signed(command.by)
    days = sorted({session.day for session in command.sessions})
    for pupil in command.pupils:
        state.check_on_roll(pupil, days)
    state.check_sessions(command.sessions, "sessions")
    code = state.policy(days[0]).codes.by_symbol(command.code)
    if code is None:
        raise Refused("code_unknown", field="code", value=command.code)
    if any(not code.in_force(day) for day in days):
        raise Refused("code_not_in_force", field="code", value=command.code)
    if command.code not in CLOSURE_CODES:
        raise Refused("code_not_for_closure", field="code", value=command.code)
    for class_name in command.classes:
        if any(class_name not in state.school.classes_on(day) for day in days):
            raise Refused("class_unknown", field="classes", value=class_name)
    declared = ClosureDeclared(
        by=by,
        sessions=tuple(map(str, command.sessions)),
        code=command.code,
        classes=command.classes,
        pupils=command.pupils,
        reason=command.reason,
    )
    return Decided([Fact(year_stream(school_year(days[0])), declared)])
