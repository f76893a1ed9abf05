"""A referral to the local authority: what its form needs, and everything that would send it back.

The window that is referred is that of the day asked about; where that one is not met any more, because support took its
weeks, it is that of the day on which the case was last considered, counted as known now. Sessions are those of the
parent's own line: a notice to the other parent takes none of them away. What a letter quoted is counted again at the
position that it was written from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

import msgspec

from ledger.events import (
    AbsenceReported,
    AgencyInformed,
    ContactLogged,
    EvidenceRequested,
    FollowUpEvent,
    LetterSent,
    SupportRecorded,
)
from ledger.finding import Blocker, Finding
from ledger.policy import Policy
from ledger.sessions import LONDON, Half, Session, school_year
from projections.asking.questions import Answer, Answers, Moment
from projections.figures.cohorts import absence_answers, penalty_windows
from projections.figures.letters import shown_to_writer
from projections.figures.penalty import CountedSession, PenaltyWindow
from projections.lines import command_line
from projections.penalties.case import SETTLED, Case, next_step
from projections.penalties.ladder import Line, ladder_lines
from projections.penalties.referral_checks import CHECKS
from projections.penalties.referral_file import File
from projections.penalties.referral_received import rests_on_received
from projections.records.chronology import chronologies
from projections.records.known_event import FollowUp
from projections.records.leaves import LeaveAnswer, leave_answers
from projections.records.registers import EntryAnswer, history_answers


class ChronologyCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How often each thing stands in the chronology of the school years that the window lies in."""

    reports: int
    contacts: int
    reached: int
    letters: int
    meetings: int
    support: int
    agencies: int
    evidence: int
    leave: int


class AbsenceCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The pupil's year to date, in sessions."""

    possible: int
    attended: int
    authorised: int
    unauthorised: int
    missing: int


class ReferralFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found. `command` mends it; `blocks` is false of a mere finding."""

    check: str
    sentence: str
    command: str
    session: str | None
    position: int | None
    blocks: bool


class ReferralAnswer(Answer, frozen=True, kw_only=True):
    """One parent's referral. `ready` where nothing blocks it; `window_as_of` is the day of the window referred."""

    parent: str
    case: str | None
    ready: bool
    blockers: list[ReferralFinding]
    findings: list[ReferralFinding]
    window_as_of: str
    weeks: list[date]
    threshold: int
    count: int
    met: bool
    met_on: str | None
    sessions: list[CountedSession]
    notices_in_three_years: int
    route: str
    chronology: ChronologyCounts
    absence: AbsenceCounts | None


class Referral(msgspec.Struct, frozen=True, kw_only=True):
    """A referral with what its form prints beside the answer: entries of the weeks, chronology and leave, opened."""

    answer: ReferralAnswer
    entries: list[EntryAnswer]
    chronology: tuple[FollowUp, ...]
    leave: LeaveAnswer


def referrals(answers: Answers, moment: Moment, pupil: str, parent: str | None = None) -> list[Referral]:
    """Return the referral of every parent of a pupil, or of one; none where no policy was in force."""
    if moment.in_force is None:
        return []
    lines = [line for line in ladder_lines(answers, moment, [pupil]) if parent in (None, line.window.parent)]
    return [_referral(answers, file_of(answers, moment, moment.policy, line)) for line in lines]


def file_of(answers: Answers, moment: Moment, policy: Policy, line: Line) -> File:
    """Return all that the checks of one parent's referral look at."""
    pupil, parent = line.pupil, line.window.parent
    case = _case(line, moment)
    day, window = _window(answers, moment, line, case)
    weeks = window.weeks
    sessions = [session for monday in weeks for session in _sessions(monday, day, moment)]
    entries = {
        answer.session: answer.entries
        for answer in history_answers(answers, moment, pupil, years={school_year(each.day) for each in sessions})
        if answer.session in set(sessions)
    }
    chronology = _chronology(answers, moment, pupil, [*weeks, day])
    return File(
        moment=moment,
        policy=policy,
        pupil=pupil,
        parent=parent,
        day=day,
        line=line,
        case=case,
        window=window,
        own=next((own for own in window.parents if own.parent == parent), line.window),
        entries=entries,
        missing=tuple(s for s in sessions if s not in entries and _closed(s, pupil, moment)),
        chronology=chronology,
        leave=leave_answers(answers, moment, [pupil], empty=True)[0],
        known=answers.particulars(moment, [pupil])[pupil],
        shown=_shown(answers, pupil, chronology),
    )


def _referral(answers: Answers, file: File) -> Referral:
    findings = [finding for check in (*CHECKS, rests_on_received) for finding in check(file)]
    listed = [EntryAnswer(session=session, entries=marks) for session, marks in sorted(file.entries.items())]
    answer = _answer(answers, file, findings)
    return Referral(answer=answer, entries=listed, chronology=file.chronology, leave=file.leave)


def _as_read(finding: Finding) -> ReferralFinding:
    return ReferralFinding(
        check=finding.rule,
        sentence=finding.sentence,
        command=command_line(finding.action),
        session=finding.session,
        position=finding.position,
        blocks=isinstance(finding, Blocker),
    )


def _answer(answers: Answers, file: File, findings: list[Finding]) -> ReferralAnswer:
    considered = file.case.record.considered if file.case else []
    absences = absence_answers(answers, file.moment, [file.pupil])
    read = [_as_read(finding) for finding in findings]
    blockers = [finding for finding in read if finding.blocks]
    return ReferralAnswer(
        **file.moment.header(file.pupil),
        parent=file.parent,
        case=file.case.record.name if file.case else None,
        ready=not blockers,
        blockers=blockers,
        findings=[finding for finding in read if not finding.blocks],
        window_as_of=file.day.isoformat(),
        weeks=file.window.weeks,
        threshold=file.window.threshold,
        count=file.own.count,
        met=file.own.met,
        met_on=file.own.met_on,
        sessions=file.window.sessions,
        notices_in_three_years=len(file.line.rolling.issued),
        route=considered[-1][1].route if considered else "",
        chronology=_counts((each.event for each in file.chronology), file.leave),
        absence=AbsenceCounts(**{name: getattr(absences[0], name) for name in AbsenceCounts.__struct_fields__})
        if absences
        else None,
    )


def _case(line: Line, moment: Moment) -> Case | None:
    """Return the parent's last case of which no notice was issued and something is still open; None where there is
    none."""
    decided = [case for case in line.cases if case.record.issued is None and not case.ahead.notice]
    going = [case for case in decided if next_step(case, moment.as_of).rule != SETTLED]
    return going[-1] if going else decided[-1] if decided else None


def _window(answers: Answers, moment: Moment, line: Line, case: Case | None) -> tuple[date, PenaltyWindow]:
    """Return the window that is referred, of the parent's own sessions, and the day it is about."""
    days = [moment.as_of]
    if case is not None and case.record.considered:
        days.append(case.record.considered[-1][1].considered_on)
    windows = [
        penalty_windows(answers, moment._replace(as_of=day), [line.pupil], empty=True, parent=line.window.parent)[0]
        for day in days
    ]
    for day, window in zip(days, windows, strict=True):
        if any(own.met for own in window.parents if own.parent == line.window.parent):
            return day, window
    return days[0], windows[0]


def _sessions(monday: date, until: date, moment: Moment) -> Iterable[Session]:
    """Return the calendar's sessions of a week, up to a day."""
    days = (monday + timedelta(days=offset) for offset in range(7))
    sessions = (Session(day, half) for day in days if day <= until for half in Half)
    return [session for session in sessions if moment.school.calendar.is_session(session)]


def _closed(session: Session, pupil: str, moment: Moment) -> bool:
    on_roll = moment.school.pupils[pupil].on_roll(session.day)
    return on_roll and moment.school.calendar.closes(session) <= moment.known_at


def _chronology(answers: Answers, moment: Moment, pupil: str, days: list[date]) -> tuple[FollowUp, ...]:
    """Return the chronology of the school years that these days lie in, without what happened after the day asked
    about."""
    years = sorted({school_year(day) for day in [*days, moment.as_of]})
    return tuple(each for each in chronologies(answers, moment, [pupil], years)[pupil] if _day_of(each) <= moment.as_of)


def _day_of(known: FollowUp) -> date:
    """Return the day that something in the chronology happened on: its own where it has one, else when it was
    recorded. An invitation happens before the day that it is for."""
    event = known.event
    if isinstance(event, LetterSent):
        return event.sent_on
    if isinstance(event, AgencyInformed) or (isinstance(event, SupportRecorded) and event.stage != "invited"):
        return event.on
    return known.recorded_at.astimezone(LONDON).date()


def _shown(answers: Answers, pupil: str, chronology: Iterable[FollowUp]) -> dict[int, dict[str, int]]:
    """Return what the register showed the writer of each letter that quoted figures."""
    return {
        position: shown_to_writer(answers, event, position, pupil)
        for position, _, event in chronology
        if isinstance(event, LetterSent) and event.quoted
    }


def _counts(events: Iterable[FollowUpEvent], leave: LeaveAnswer) -> ChronologyCounts:
    kinds: Counter[type | str] = Counter()
    for event in events:
        kinds[type(event)] += 1
        kinds["reached"] += isinstance(event, ContactLogged) and event.reached
        kinds["meetings"] += isinstance(event, SupportRecorded) and event.step == "meeting"
    return ChronologyCounts(
        reports=kinds[AbsenceReported],
        contacts=kinds[ContactLogged],
        reached=kinds["reached"],
        letters=kinds[LetterSent],
        meetings=kinds["meetings"],
        support=kinds[SupportRecorded] - kinds["meetings"],
        agencies=kinds[AgencyInformed],
        evidence=kinds[EvidenceRequested],
        leave=len(leave.requests),
    )
