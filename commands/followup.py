"""Follow-up: what parents told us and what we tried. A report classifies nothing; the school does."""

from __future__ import annotations

from datetime import datetime

from commands.models import LogContact, ReportAbsence
from commands.state import Decided, Fact, State, london_day, signed
from ledger.errors import Refused
from ledger.events import AbsenceReported, ContactLogged
from ledger.sessions import school_year
from ledger.streams import follow_up_stream


def report_absence(command: ReportAbsence, state: State, now: datetime) -> Decided:
    """Return a report; its sessions may lie ahead. Refuses: pupil_not_on_roll, unknown_person, not_a_session, malformed
    (received after it is recorded)."""
    by = signed(command.by)
    state.check_on_roll(command.pupil, (session.day for session in command.sessions))
    state.check_parent(command.pupil, command.parent)
    state.check_sessions(command.sessions, "sessions")
    if command.received_at > now:
        raise Refused("malformed", field="received_at", expected="a time that has been")
    reported = AbsenceReported(
        by=by,
        parent=command.parent,
        received_at=command.received_at,
        sessions=tuple(map(str, command.sessions)),
        channel=command.channel,
        said=command.said,
    )
    return Decided([Fact(follow_up_stream(command.pupil, school_year(command.sessions[0].day)), reported)])


def log_contact(command: LogContact, state: State, now: datetime) -> Decided:
    """Return an attempt to reach someone. Refuses: pupil_not_on_roll (on the sessions' days, or today), unknown_person,
    not_a_session."""
    by = signed(command.by)
    days = [session.day for session in command.sessions] or [london_day(now)]
    state.check_on_roll(command.pupil, days)
    state.check_parent(command.pupil, command.contact, "contact")
    state.check_sessions(command.sessions, "sessions")
    logged = ContactLogged(
        by=by,
        contact=command.contact,
        sessions=tuple(map(str, command.sessions)),
        channel=command.channel,
        outcome=command.outcome,
        said=command.said,
        next_step=command.next_step,
    )
    return Decided([Fact(follow_up_stream(command.pupil, school_year(days[0])), logged)])
