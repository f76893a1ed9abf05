"""Follow-up of absence: what parents told us, what we tried, evidence, enquiries. A report classifies nothing; the
school does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from commands.deciding.declaration import decides
from commands.deciding.state import Decided, Fact, State, london_day, signed
from commands.models.follow_up import (
    AttributeAbsence,
    ExpectSickness,
    LogContact,
    RecordEnquiries,
    RecordEvidence,
    ReportAbsence,
    RequestEvidence,
    ReturnEvidence,
)
from ledger.errors import Refused
from ledger.events import (
    AbsenceAttributed,
    AbsenceReported,
    ContactLogged,
    EnquiriesMade,
    EvidenceRequested,
    EvidenceReturned,
    EvidenceSeen,
    FollowUpEvent,
    SicknessExpected,
)
from ledger.sessions import Session, school_year
from ledger.steps import reaches, rung
from ledger.streams import follow_up_stream


def in_chronology(pupil: str, day: date, event: FollowUpEvent) -> Decided:
    """Return one event of the chronology, in the pupil's school year of that day."""
    return Decided([Fact(follow_up_stream(pupil, school_year(day)), event)])


@decides(ReportAbsence)
def report_absence(command: ReportAbsence, state: State, now: datetime) -> Decided:
    """Return a report; its sessions may lie ahead. Refuses: pupil_not_on_roll, unknown_person, not_a_session, malformed
    (received after it is recorded)."""
    by = signed(command.by)
    _check_sessions(command.pupil, command.sessions, state, command.parent)
    if command.received_at > now:
        raise Refused("malformed", field="received_at", expected="a time that has been")
    day = command.sessions[0].day
    reported = AbsenceReported(
        by=by,
        parent=command.parent,
        received_at=command.received_at,
        sessions=tuple(map(str, command.sessions)),
        ring_back=command.channel.lower() in state.policy(day).ring_back_channels,
        channel=command.channel,
        said=command.said,
    )
    return in_chronology(command.pupil, day, reported)


@decides(LogContact)
def log_contact(command: LogContact, state: State, now: datetime) -> Decided:
    """Return an attempt to reach a parent or an emergency contact. Refuses: pupil_not_on_roll (on the sessions' days,
    or today), unknown_person, not_a_session."""
    by = signed(command.by)
    days = [session.day for session in command.sessions] or [london_day(now)]
    state.check_on_roll(command.pupil, days)
    state.check_contact(command.pupil, command.contact)
    state.check_sessions(command.sessions, "sessions")
    logged = ContactLogged(
        by=by,
        contact=command.contact,
        sessions=tuple(map(str, command.sessions)),
        step=rung(command.channel),
        reached=reaches(command.outcome),
        channel=command.channel,
        outcome=command.outcome,
        said=command.said,
        next_step=command.next_step,
    )
    return in_chronology(command.pupil, days[0], logged)


@decides(RequestEvidence, follow_up=True)
def request_evidence(command: RequestEvidence, state: State, now: datetime) -> Decided:
    """Return a request for medical evidence. Refuses: pupil_not_on_roll, unknown_person, not_a_session,
    reason_required (evidence is asked for in doubt only), evidence_exists."""
    by = signed(command.by)
    _check_sessions(command.pupil, command.sessions, state, command.parent)
    if not command.doubt:
        raise Refused("reason_required", field="doubt")
    if any(isinstance(event, EvidenceRequested) and event.evidence == command.evidence for event in state.follow_up):
        raise Refused("evidence_exists", field="evidence", value=command.evidence)
    requested = EvidenceRequested(
        by=by,
        evidence=command.evidence,
        parent=command.parent,
        sessions=tuple(map(str, command.sessions)),
        doubt=command.doubt,
        wanted=command.wanted,
    )
    return in_chronology(command.pupil, command.sessions[0].day, requested)


@decides(RecordEvidence)
def record_evidence(command: RecordEvidence, state: State, now: datetime) -> Decided:
    """Return evidence that was seen, asked for or not. Refuses: pupil_not_on_roll, not_a_session, malformed (seen on a
    day that lies ahead)."""
    by = signed(command.by)
    _check_sessions(command.pupil, command.sessions, state)
    state.check_been(command.seen_on, now, "seen_on")
    seen = EvidenceSeen(
        by=by,
        evidence=command.evidence,
        seen_on=command.seen_on,
        sessions=tuple(map(str, command.sessions)),
        what=command.what,
    )
    return in_chronology(command.pupil, command.sessions[0].day, seen)


@decides(ReturnEvidence, follow_up=True)
def return_evidence(command: ReturnEvidence, state: State, now: datetime) -> Decided:
    """Return that evidence was given back. Refuses: no_such_evidence (none of that name was seen by that day),
    malformed (a day that lies ahead)."""
    by = signed(command.by)
    seen = [event for event in state.follow_up if isinstance(event, EvidenceSeen)]
    if not any(event.evidence == command.evidence and event.seen_on <= command.returned_on for event in seen):
        raise Refused("no_such_evidence", field="evidence", value=command.evidence)
    state.check_been(command.returned_on, now, "returned_on")
    returned = EvidenceReturned(by=by, evidence=command.evidence, returned_on=command.returned_on)
    return in_chronology(command.pupil, command.returned_on, returned)


@decides(ExpectSickness)
def expect_sickness(command: ExpectSickness, state: State, now: datetime) -> Decided:
    """Return that a pupil is expected to be away ill. Refuses: pupil_not_on_roll (on the first day),
    reason_required."""
    by = signed(command.by)
    state.check_on_roll(command.pupil, [command.first_day])
    if not command.grounds:
        raise Refused("reason_required", field="grounds")
    expected = SicknessExpected(by=by, first_day=command.first_day, last_day=command.last_day, grounds=command.grounds)
    return in_chronology(command.pupil, command.first_day, expected)


@decides(RecordEnquiries)
def record_enquiries(command: RecordEnquiries, state: State, now: datetime) -> Decided:
    """Return that a pupil was asked after. Refuses: pupil_not_on_roll (on that day), malformed (a day that lies
    ahead)."""
    by = signed(command.by)
    state.check_on_roll(command.pupil, [command.on])
    state.check_been(command.on, now, "on")
    made = EnquiriesMade(by=by, on=command.on, jointly=command.jointly, outcome=command.outcome)
    return in_chronology(command.pupil, command.on, made)


@decides(AttributeAbsence)
def attribute_absence(command: AttributeAbsence, state: State, now: datetime) -> Decided:
    """Return which parents are believed to have allowed an absence. Refuses: pupil_not_on_roll, unknown_person,
    not_a_session, reason_required."""
    by = signed(command.by)
    state.check_on_roll(command.pupil, (session.day for session in command.sessions))
    for parent in command.parents:
        state.check_parent(command.pupil, parent, "parents")
    state.check_sessions(command.sessions, "sessions")
    if not command.reason:
        raise Refused("reason_required", field="reason")
    attributed = AbsenceAttributed(
        by=by, sessions=tuple(map(str, command.sessions)), parents=command.parents, reason=command.reason
    )
    return in_chronology(command.pupil, command.sessions[0].day, attributed)


def _check_sessions(pupil: str, sessions: Sequence[Session], state: State, parent: str | None = None) -> None:
    state.check_on_roll(pupil, (session.day for session in sessions))
    if parent is not None:
        state.check_parent(pupil, parent)
    state.check_sessions(sessions, "sessions")
