"""Leave of absence as it was asked for, decided and taken: every request with its state, and what followed a refusal.

A decision only makes sessions expect a code; what the register came to say stands in the entries. Both are put side by
side here, session by session, so that the absence that followed a refusal is seen, and so is a holiday that nobody ever
asked for. Who allowed an absence is what somebody recorded; where nobody did, the parent who asked for the leave is
taken to have allowed it, as the policy presumes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from ledger.codes import UNRESOLVED, CodeTable
from ledger.events import AbsenceAttributed, AnyEvent, LeaveDecided, LeaveRequested, LeaveWithdrawn, LetterSent
from ledger.roles import LEAVE_DECIDERS
from ledger.school import School
from ledger.sessions import Session, format_moment, from_micros, school_year
from ledger.streams import leave_stream
from projections.asking.questions import Answer, Answers, Moment, Particulars
from projections.readmodel.frames import last_session
from projections.records.chronology import chronologies
from projections.records.known_event import FollowUp, KnownEvent, last_of
from projections.records.marks import Mark, marks_of

HOLIDAY = "G"
AWAY = (HOLIDAY, "O", UNRESOLVED)  # what the register says of a holiday that was not granted


class LeaveSession(msgspec.Struct, frozen=True, kw_only=True):
    """One session asked for: `decided` is granted, refused or blank; `code` what was granted; `mark` what the register
    holds and `became` what that is: present, G, O, N, other, or blank where it holds nothing yet."""

    session: Session
    decided: str
    code: str
    detail: str
    mark: str
    became: str
    position: int | None


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    """A parent believed to have allowed absence after a refusal, of these sessions, `by` record or by presumption."""

    parent: str
    sessions: list[Session]
    by: str


class DecidedBy(msgspec.Struct, frozen=True, kw_only=True):
    """Who decided; `held_role` is None where the school had named nobody to decide then."""

    id: str
    name: str
    title: str
    held_role: bool | None


class LeaveRequestAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `state`: waiting, granted, granted in part, refused or withdrawn. `lives_with` is None where the
    contacts cannot be read; `letters` are the positions of letters that cite the request."""

    request: str
    state: str
    parent: str
    received_on: str
    first: str
    last: str
    ground: str
    on_form: bool
    in_advance: bool
    lives_with: bool | None
    decided_at: str | None
    decided_by: DecidedBy | None
    decided_in_advance: bool | None
    reason: str
    sessions: list[LeaveSession]
    absent_after_refusal: list[Session]
    allowed: list[Allowed]
    letters: list[int]
    position: int


class NeverAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A session of holiday that no request ever covered."""

    session: Session
    position: int
    allowed: list[str]


class LeaveAnswer(Answer, frozen=True, kw_only=True):
    """A pupil's requests for leave, in the order in which they came, and holidays never asked for in the year to
    date."""

    requests: list[LeaveRequestAnswer]
    never_asked: list[NeverAsked]


class _Request(NamedTuple):
    """The events of one request."""

    name: str
    requested: KnownEvent[LeaveRequested]
    decided: KnownEvent[LeaveDecided] | None
    withdrawn: KnownEvent[LeaveWithdrawn] | None


def leave_answers(answers: Answers, moment: Moment, pupils: Iterable[str], *, empty: bool = False) -> list[LeaveAnswer]:
    """Return the leave of these pupils, in order of number as text; with `empty` also of those without any."""
    chosen = sorted(pupil for pupil in pupils if pupil in moment.school.pupils)
    requests = _requests(answers, moment, chosen)
    marks = _marks(answers, moment, chosen)
    follow_up = chronologies(answers, moment, chosen)
    known = answers.particulars(moment, chosen)
    leave = []
    for pupil in chosen:
        requested = requests.get(pupil, [])
        own = marks.get(pupil, {})
        never = _never_asked(requested, own, follow_up.get(pupil, []), moment)
        if requested or never or empty:
            shown = [_request(each, own, follow_up.get(pupil, []), known[pupil], moment) for each in requested]
            leave.append(LeaveAnswer(**moment.header(pupil), requests=shown, never_asked=never))
    return leave


# --- one request ----------------------------------------------------------------------------------------------------


def _request(
    request: _Request,
    marks: Mapping[Session, Mark],
    chronology: Sequence[FollowUp],
    known: Particulars,
    moment: Moment,
) -> LeaveRequestAnswer:
    requested = request.requested.event
    sessions = [_session(session, request, marks, moment.codes) for session in _asked_for(requested, moment.school)]
    absent = [each.session for each in sessions if each.decided == "refused" and each.became in AWAY]
    begins = _opens(_asked_for(requested, moment.school), moment.school)
    decided = request.decided
    return LeaveRequestAnswer(
        request=request.name,
        state=_state(request, sessions),
        parent=requested.parent,
        received_on=requested.received_on.isoformat(),
        first=requested.first,
        last=requested.last,
        ground=requested.ground,
        on_form=requested.on_form,
        in_advance=_in_advance(request.requested, begins),
        lives_with=_lives_with(requested.parent, known),
        decided_at=format_moment(decided.recorded_at) if decided else None,
        decided_by=_decider(decided, moment.school) if decided else None,
        decided_in_advance=(begins is not None and decided.recorded_at < begins) if decided else None,
        reason=decided.event.reason if decided else "",
        sessions=sessions,
        absent_after_refusal=absent,
        allowed=_allowed(absent, requested.parent, chronology),
        letters=[
            each.position
            for each in chronology
            if isinstance(each.event, LetterSent) and each.event.cites == request.name
        ],
        position=request.requested.position,
    )


def _state(request: _Request, sessions: list[LeaveSession]) -> str:
    if request.withdrawn:
        return "withdrawn"
    if request.decided is None:
        return "waiting"
    granted = sum(session.decided == "granted" for session in sessions)
    if not granted:
        return "refused"
    return "granted" if granted == len(sessions) else "granted in part"


def _session(session: Session, request: _Request, marks: Mapping[Session, Mark], codes: CodeTable) -> LeaveSession:
    mark = marks.get(session, Mark(""))
    granted = dict(request.decided.event.granted) if request.decided else {}
    code = granted.get(session, "")
    return LeaveSession(
        session=session,
        decided="" if request.decided is None else "granted" if code else "refused",
        code=code,
        detail=request.decided.event.details.get(session, "") if request.decided else "",
        mark=mark.code,
        became=_became(mark.code, codes),
        position=mark.position or None,
    )


def _became(mark: str, codes: CodeTable) -> str:
    """Return what a mark means beside a request for leave."""
    code = codes.by_symbol(mark)
    if code is None:
        return ""
    if code.attended:
        return "present"
    return mark if mark in AWAY else "other"


def _in_advance(requested: KnownEvent[LeaveRequested], begins: datetime | None) -> bool:
    """Return whether a request came before the leave began: on an earlier day, or recorded before registration
    opened."""
    received_on, first = requested.event.received_on, Session.parse(requested.event.first).day
    return received_on < first or (received_on == first and begins is not None and requested.recorded_at < begins)


def _lives_with(parent: str, known: Particulars) -> bool | None:
    contact = next((each for each in known.contacts if each.get("id") == parent), None)
    return None if not known.readable or contact is None else bool(contact.get("lives_with"))


def _decider(decided: KnownEvent[LeaveDecided], school: School) -> DecidedBy:
    by = decided.event.by
    deciders = {who.id for role in LEAVE_DECIDERS for who in school.holders(role, decided.day)}
    return DecidedBy(id=by.id, name=by.name, title=by.title, held_role=by.id in deciders if deciders else None)


def _allowed(sessions: list[Session], applicant: str, chronology: Sequence[FollowUp]) -> list[Allowed]:
    """Return who is believed to have allowed the absence: the last record about each session, else who applied."""
    by_parent: dict[tuple[str, str], list[Session]] = {}
    for session in sessions:
        recorded = attributed(session, chronology)
        for parent in recorded or (applicant,):
            by = "record" if recorded else "presumption"
            by_parent.setdefault((parent, by), []).append(session)
    return [Allowed(parent=parent, sessions=of, by=by) for (parent, by), of in by_parent.items()]


def attributed(session: str, chronology: Sequence[FollowUp]) -> tuple[str, ...]:
    """Return the parents last recorded to have allowed the absence of a session, none where nobody said."""
    named = [
        each.event.parents
        for each in chronology
        if isinstance(each.event, AbsenceAttributed) and session in each.event.sessions
    ]
    return named[-1] if named else ()


def _never_asked(
    requests: Sequence[_Request], marks: Mapping[Session, Mark], chronology: Sequence[FollowUp], moment: Moment
) -> list[NeverAsked]:
    covered = [
        (Session.parse(each.requested.event.first), Session.parse(each.requested.event.last)) for each in requests
    ]
    year = moment.school.calendar.year_begun_by(moment.as_of)
    return [
        NeverAsked(session=session, position=position, allowed=list(attributed(session, chronology)))
        for session, (code, position) in sorted(marks.items())
        if code == HOLIDAY
        and school_year(session.day) == year
        and not any(first <= session <= last for first, last in covered)
    ]


def _asked_for(requested: LeaveRequested, school: School) -> list[Session]:
    """Return the sessions of a request, in order, by the calendar as known."""
    numbers = range(Session.parse(requested.first).number, Session.parse(requested.last).number + 1)
    return [session for number in numbers if school.calendar.is_session(session := Session.from_number(number))]


def _opens(sessions: list[Session], school: School) -> datetime | None:
    return school.calendar.opens(sessions[0]) if sessions else None


# --- what was known -------------------------------------------------------------------------------------------------


def _requests(answers: Answers, moment: Moment, pupils: Sequence[str]) -> dict[str, list[_Request]]:
    """Return the requests that had come by the day, by pupil; a decision counts from the day it was recorded."""
    owners = {
        leave_stream(pupil, school_year(leave.first.day), leave.request): (pupil, leave.request)
        for pupil in pupils
        for leave in moment.school.leave.get(pupil, {}).values()
    }
    rows = [row for row in answers.ledger.reads.stream_rows(list(owners)) if row.position <= moment.position]
    events: dict[str, list[KnownEvent[AnyEvent]]] = {}
    for row, event in answers.opened(rows):
        known = KnownEvent(row.position, from_micros(row.recorded_at), event)
        if (event.received_on if isinstance(event, LeaveRequested) else known.day) <= moment.as_of:
            events.setdefault(row.stream, []).append(known)
    requests: dict[str, list[_Request]] = {}
    for stream, own in sorted(events.items(), key=lambda each: min(known.position for known in each[1])):
        requested = last_of(own, LeaveRequested)
        if requested is not None:
            pupil, name = owners[stream]
            request = _Request(name, requested, last_of(own, LeaveDecided), last_of(own, LeaveWithdrawn))
            requests.setdefault(pupil, []).append(request)
    return requests


def _marks(answers: Answers, moment: Moment, pupils: Sequence[str]) -> dict[str, dict[Session, Mark]]:
    """Return the marks up to the day, by pupil and session."""
    years = sorted(moment.school.years)
    if not years or not pupils:
        return {}
    entries = answers.entries(moment, years, pupils)
    return marks_of(entries.where(entries.session <= last_session(moment.as_of)))
