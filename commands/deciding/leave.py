"""Leave of absence: requested, decided session by session, withdrawn.

A decision makes sessions *expect* a code. It writes no mark, and neither granting nor withdrawing touches one that is
there.
"""

from __future__ import annotations

from datetime import datetime

from commands.deciding.declaration import decides
from commands.deciding.marks import check_code
from commands.deciding.state import Decided, Fact, State, london_day, signed
from commands.models.leave import DecideLeave, RequestLeave, WithdrawLeave
from ledger.case import Leave
from ledger.errors import Refused
from ledger.events import LeaveDecided, LeaveRequested, LeaveWithdrawn
from ledger.roles import LEAVE_DECIDERS
from ledger.sessions import Session, school_year
from ledger.streams import leave_stream

# Leave that a head may grant: exceptional, performance, part-time timetable, interview, study.
LEAVE_CODES = frozenset({"C", "C1", "C2", "J1", "S"})


@decides(RequestLeave)
def request_leave(command: RequestLeave, state: State, now: datetime) -> Decided:
    """Return a request. Refuses: pupil_not_on_roll (on the first day), unknown_person, not_a_session (no session asked
    for is one), leave_exists, malformed (received on a day that lies ahead)."""
    by = signed(command.by)
    state.check_on_roll(command.pupil, [command.first.day])
    state.check_parent(command.pupil, command.parent)
    wanted = range(command.first.number, command.last.number + 1)
    if not any(state.school.calendar.is_session(Session.from_number(number)) for number in wanted):
        raise Refused("not_a_session", field="first", value=command.first)
    if command.request in state.school.leave.get(command.pupil, {}):
        raise Refused("leave_exists", field="request", value=command.request)
    state.check_been(command.received_on, now, "received_on")
    requested = LeaveRequested(
        by=by,
        parent=command.parent,
        received_on=command.received_on,
        first=str(command.first),
        last=str(command.last),
        on_form=command.on_form,
        ground=command.ground,
    )
    return Decided([Fact(_stream(command.pupil, command.request, command.first), requested)])


@decides(DecideLeave)
def decide_leave(command: DecideLeave, state: State, now: datetime) -> Decided:
    """Return one decision per request: the sessions granted, each with its code; the rest is refused.

    From the day on which a headteacher is named, nobody but the head and the leave designates decides; a designate
    named before that bars nobody, as it would shut the head out. A refusal, in whole or in part, without a reason is
    accepted, and a finding of the doctor's.

    Refuses: no_such_leave, leave_withdrawn, leave_already_decided, not_a_leave_decider (where a headteacher is named);
    for each session granted session_outside_request, pupil_not_on_roll, not_a_session, leave_not_in_advance,
    code_unknown, code_not_for_leave, the other code rules.
    """
    by = signed(command.by)
    leave = _open_request(command.pupil, command.request, state)
    if leave.granted is not None:
        raise Refused("leave_already_decided", field="request", value=command.request)
    today = london_day(now)
    deciders = {who.id for role in LEAVE_DECIDERS for who in state.school.holders(role, today)}
    if state.school.holders("headteacher", today) and by.id not in deciders:
        raise Refused("not_a_leave_decider", field="by.id", value=by.id)
    for granted in command.granted:
        session = granted.session
        if not leave.first <= session <= leave.last:
            raise Refused("session_outside_request", field="granted.session", value=session)
        state.check_on_roll(command.pupil, [session.day])
        state.check_sessions([session], "granted.session")
        if now >= state.school.calendar.opens(session):
            raise Refused("leave_not_in_advance", field="granted.session", value=session)
        if state.policy(session.day).codes.by_symbol(granted.code) is not None and granted.code not in LEAVE_CODES:
            raise Refused("code_not_for_leave", field="granted.code", value=granted.code)
        check_code(granted.code, granted.detail, command.pupil, session, state)
    decided = LeaveDecided(
        by=by,
        granted=tuple((str(granted.session), granted.code) for granted in command.granted),
        reason=command.reason,
        details={str(granted.session): granted.detail for granted in command.granted if granted.detail},
    )
    return Decided([Fact(_stream(command.pupil, command.request, leave.first), decided)])


@decides(WithdrawLeave)
def withdraw_leave(command: WithdrawLeave, state: State, now: datetime) -> Decided:
    """Return a withdrawal: nothing is expected any more. Refuses: no_such_leave, leave_withdrawn."""
    by = signed(command.by)
    leave = _open_request(command.pupil, command.request, state)
    withdrawn = LeaveWithdrawn(by=by, reason=command.reason)
    return Decided([Fact(_stream(command.pupil, command.request, leave.first), withdrawn)])


def _open_request(pupil: str, request: str, state: State) -> Leave:
    leave = state.school.leave.get(pupil, {}).get(request)
    if leave is None:
        raise Refused("no_such_leave", field="request", value=request)
    if leave.withdrawn:
        raise Refused("leave_withdrawn", field="request", value=request)
    return leave


def _stream(pupil: str, request: str, first: Session) -> str:
    return leave_stream(pupil, school_year(first.day), request)
