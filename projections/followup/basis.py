"""What a code rests on: the report, call, evidence, decision, closure or arrival that stands behind a mark.

Problem: a register shows codes and reasons, but a reason is only what somebody typed. What a referral, a parent or a
head asks is which report, which call or which decision made the code right.

Choice: the basis is looked up, not stored. A report bears on the sessions that it names, a contact on the days of those
that it names and on its own day, for who rings at nine asks about the whole day; and a change also rests on what was
heard or tried on the day it was made, for then it was why. Attempts that failed are a basis for unauthorised codes
alone: nobody answered, so N became O, but nobody can have said that it was illness. Evidence, expected sickness, leave
and closures bear on the sessions that they are about. An arrival and an import are their own basis. A change to present
on the session's own day is a slip put right by whoever signs it; weeks later it must rest on something.

What was recorded after the change counts too: the finding that it rests on nothing is settled by recording what it
rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from ledger.case import Leave
from ledger.codes import CodeTable
from ledger.events import (
    AbsenceAttributed,
    AbsenceReported,
    ArrivalLogged,
    ContactLogged,
    EntryEvent,
    EvidenceRequested,
    EvidenceReturned,
    EvidenceSeen,
    MarkAmended,
    SicknessExpected,
)
from ledger.finding import Finding
from ledger.school import School
from ledger.sessions import LONDON, Session, from_micros, school_year
from ledger.streams import entry_of, leave_stream
from projections.asking.questions import Answers, Moment
from projections.readmodel.frames import last_session
from projections.records.chronology import chronologies
from projections.records.contact import is_word
from projections.records.known_event import FollowUp

CLOSURE = "closure "  # how a mark cites one
# Kinds of basis that say where a pupil is. An attempt that failed, leave that was refused and whom an absence is
# attributed to do not.
KNOWN = frozenset(
    {"report", "contact", "evidence", "expected sickness", "leave granted", "closure", "arrival", "import"}
)


class CodeEntry(NamedTuple):
    """A code of an entry: `replaces` is blank for the original; `via` and `cites` are the mark's own."""

    session: Session
    code: str
    replaces: str
    via: str
    cites: str
    recorded_at: datetime
    position: int

    @property
    def day(self) -> date:
        return self.recorded_at.astimezone(LONDON).date()


class LeaveDecision(NamedTuple):
    """A request for leave that was decided, and the position of the decision."""

    leave: Leave
    position: int


class Rest(msgspec.Struct, frozen=True):
    """What a code rests on; no position where it is the mark itself that says so. `name` is a request's or evidence's
    own."""

    kind: str
    position: int | None = None
    name: str | None = None


class Evidence(msgspec.Struct, frozen=True):
    """Medical evidence: its state is asked for, seen or returned, and the positions say where each was recorded."""

    name: str
    state: str
    sessions: tuple[str, ...]
    requested: int | None = None
    seen: int | None = None
    returned: int | None = None


def rests_on(
    coded: CodeEntry, chronology: Iterable[FollowUp], decided: Iterable[LeaveDecision], school: School, pupil: str
) -> tuple[Rest, ...]:
    """Return what a code rests on, in order of position."""
    closure, codes = _closure(coded, school, pupil), school.policy_on(coded.session.day).codes
    rests = [closure] if closure else []
    for leave, position in decided:
        if leave.first <= coded.session <= leave.last:
            # A decision that was withdrawn later is still what a mark rests on that cites it.
            granted = leave.request == coded.cites or leave.expects(coded.session) == coded.code
            refused = not leave.withdrawn and leave.expects(coded.session) is None
            if granted or (_unauthorised(coded, codes) and refused):
                rests.append(Rest("leave granted" if granted else "leave refused", position, leave.request))
    rests += [rest for each in chronology if (rest := _rest(coded, each, codes)) is not None]
    own = _own(coded, codes)
    if own is not None and own.kind not in {rest.kind for rest in rests}:
        rests.append(own)
    return tuple(sorted(rests, key=lambda rest: rest.position or 0))


def _own(coded: CodeEntry, codes: CodeTable) -> Rest | None:
    """Return what a mark says of itself."""
    if coded.via == "import":
        return Rest("import")
    if coded.via == "arrival":
        return Rest("arrival")
    code = codes.by_symbol(coded.code)
    if coded.replaces and code is not None and code.attended and coded.day <= coded.session.day:
        return Rest("seen in school")
    return None


def _closure(coded: CodeEntry, school: School, pupil: str) -> Rest | None:
    expected = school.expected(pupil, coded.session)
    cites = coded.cites or (expected.cites if expected is not None and expected.code == coded.code else "")
    return Rest("closure", int(cites.removeprefix(CLOSURE))) if cites.startswith(CLOSURE) else None


def _rest(coded: CodeEntry, follow_up: FollowUp, codes: CodeTable) -> Rest | None:
    """Return what something in the chronology is to a code, None where it does not bear on it."""
    event, session = follow_up.event, str(coded.session)
    match event:
        case AbsenceReported() if session in event.sessions or _made_on_hearing(coded, follow_up):
            return Rest("report", follow_up.position)
        case ContactLogged() if _about_that_day(coded, follow_up, event) or _made_on_hearing(coded, follow_up):
            if is_word(follow_up):
                return Rest("contact", follow_up.position)
            return Rest("attempt", follow_up.position) if _unauthorised(coded, codes) else None
        case EvidenceSeen() if session in event.sessions:
            return Rest("evidence", follow_up.position, event.evidence)
        case SicknessExpected() if event.first_day <= coded.session.day <= event.last_day and coded.code == "I":
            return Rest("expected sickness", follow_up.position)
        case AbsenceAttributed() if session in event.sessions and _unauthorised(coded, codes):
            return Rest("attribution", follow_up.position)
        case ArrivalLogged() if (event.session, event.code) == (session, coded.code):
            return Rest("arrival", follow_up.position)
    return None


def _about_that_day(coded: CodeEntry, follow_up: FollowUp, event: ContactLogged) -> bool:
    day = coded.session.day.isoformat()
    return follow_up.day == coded.session.day or any(session.startswith(day) for session in event.sessions)


def _made_on_hearing(coded: CodeEntry, follow_up: FollowUp) -> bool:
    """Whether a code is a change that was made on the day of something, and after it."""
    return bool(coded.replaces) and follow_up.day == coded.day and follow_up.position < coded.position


def _unauthorised(coded: CodeEntry, codes: CodeTable) -> bool:
    code = codes.by_symbol(coded.code)
    return code is not None and code.unauthorised


def evidence(chronology: Iterable[FollowUp], until: date = date.max) -> list[Evidence]:
    """Return the medical evidence of a chronology as it stood on a day, in order of when it was first heard of."""
    by_name: dict[str, Evidence] = {}
    for each in chronology:
        match event := each.event:
            case EvidenceRequested() if each.day <= until:
                by_name[event.evidence] = Evidence(event.evidence, "asked for", event.sessions, each.position)
            case EvidenceSeen() if event.seen_on <= until:
                known = by_name.get(event.evidence) or Evidence(event.evidence, "seen", event.sessions)
                by_name[event.evidence] = replace(known, state="seen", seen=each.position, returned=None)
            case EvidenceReturned() if event.evidence in by_name and event.returned_on <= until:
                known = by_name[event.evidence]
                by_name[event.evidence] = replace(known, state="returned", returned=each.position)
    return list(by_name.values())


# --- asked of a ledger ----------------------------------------------------------------------------------------------


def decided_leave(answers: Answers, moment: Moment, pupils: Iterable[str]) -> dict[str, list[LeaveDecision]]:
    """Return the requests of these pupils that had been decided by the moment, each with its decision's position."""
    requests = {
        leave_stream(pupil, school_year(leave.first.day), name): leave
        for pupil in pupils
        for name, leave in moment.school.leave.get(pupil, {}).items()
        if leave.granted is not None
    }
    by_pupil: dict[str, list[LeaveDecision]] = {pupil: [] for pupil in pupils}
    for row in answers.ledger.reads.stream_rows(list(requests)):
        if row.position <= moment.position and row.topic == "leave.LeaveDecided":
            leave = requests[row.stream]
            by_pupil[leave.pupil].append(LeaveDecision(leave, row.position))
    return by_pupil


def resting_on_nothing_known(answers: Answers, moment: Moment, marks: Mapping[int, Sequence[FollowUp]]) -> set[int]:
    """Return those positions of marks behind which nothing stands that says where the pupil is. `marks` holds the
    chronology of each one's pupil."""
    rows = answers.ledger.reads.rows_at(list(marks))
    decided = decided_leave(answers, moment, {entry_of(row.stream)[0] for row in rows})
    unknown = set()
    for row, event in answers.opened(rows):
        if not isinstance(event, EntryEvent):
            continue
        pupil, session = entry_of(row.stream)
        # Entries differ in what they hold: an original replaces nothing, and what a prior system asserts came no way.
        replaces, cites = getattr(event, "replaces", ""), getattr(event, "cites", "")
        via = getattr(event, "via", "import")
        coded = CodeEntry(session, event.code, replaces, via, cites, from_micros(row.recorded_at), row.position)
        rests = rests_on(coded, marks[row.position], decided[pupil], moment.school, pupil)
        if not any(rest.kind in KNOWN for rest in rests):
            unknown.add(row.position)
    return unknown


def basis_findings(answers: Answers, moment: Moment, year: int) -> list[Finding]:
    """Return the standing changes of a school year to date that rest on nothing known, and evidence asked for whose
    sessions are over and which nobody has seen."""
    changed = list(_changes(answers, moment, year))
    pupils = sorted(moment.school.pupils)
    chronology = chronologies(answers, moment, pupils, [year, year + 1])
    decided = decided_leave(answers, moment, pupils)
    findings = [
        Finding(
            "change_rests_on_nothing",
            f"{coded.replaces} became {coded.code}, and no report, contact, evidence or decision about it is known",
            pupil,
            str(coded.session),
            coded.position,
        )
        for pupil, coded in changed
        if not rests_on(coded, chronology.get(pupil, ()), decided[pupil], moment.school, pupil)
    ]
    for pupil in pupils:
        for each in evidence(chronology.get(pupil, ())):
            if each.state == "asked for" and max(map(Session.parse, each.sessions)).day <= moment.as_of:
                sentence = f"evidence {each.name} was asked for and has not been seen"
                findings.append(Finding("evidence_not_seen", sentence, pupil, each.sessions[0], each.requested))
    return findings


def _changes(answers: Answers, moment: Moment, year: int) -> Iterator[tuple[str, CodeEntry]]:
    """Yield the amendments that stand, in order of pupil and session."""
    versions = answers.versions(None, [year])
    standing = versions.known_at(moment.position)
    standing = standing.where(standing.session <= last_session(moment.as_of))
    positions = standing.from_position[np.isin(standing.from_position, versions.until_position)].tolist()
    rows = answers.ledger.reads.rows_at(positions)
    amended = []
    for row, event in answers.opened(rows):
        if not isinstance(event, MarkAmended):
            continue
        pupil, session = entry_of(row.stream)
        at = from_micros(row.recorded_at)
        amended.append((pupil, CodeEntry(session, event.code, event.replaces, event.via, "", at, row.position)))
    yield from sorted(amended)
