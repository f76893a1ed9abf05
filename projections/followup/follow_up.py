"""The follow-up of a pupil: everything that was told, tried, asked and decided, where the contact ladder stands, and
what each code rests on."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from ledger.events import AnyEvent
from ledger.sessions import Session, format_moment, from_micros, parse_moment, school_year
from ledger.streams import leave_stream
from projections.asking.questions import Answer, Answers, Moment
from projections.desk import Desk
from projections.followup.basis import CodeEntry, Evidence, Rest, decided_leave, evidence, rests_on
from projections.records.chronology import chronologies
from projections.records.contact import Attempt, SilentSession
from projections.records.event_words import event_name
from projections.records.known_event import FollowUp, KnownEvent
from projections.records.registers import By, MarkAnswer, history_answers, signed

ENVELOPE = frozenset({"v", "by", "sealed"})  # of every event; the rest is what it says


class FollowUpEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of the chronology. `says` holds the event's own fields; `sealed`: its text has no key any more."""

    what: str
    position: int
    recorded_at: str
    by: By
    says: dict[str, object]
    sealed: bool


class LadderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The run of absence without contact as of the day: `number` is its last school day's, 0 where there is none."""

    number: int
    first_day: date | None
    silent: tuple[SilentSession, ...]
    tried: tuple[Attempt, ...]
    next_contact: str | None
    call_owed: bool
    rungs_due: tuple[str, ...]
    absent_from_education: bool


class CodeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A code and what it rests on. `replaces` is None for an original entry."""

    session: Session
    code: str
    replaces: str | None
    position: int
    rests_on: tuple[Rest, ...]


class FollowUpAnswer(Answer, frozen=True, kw_only=True):
    ladder: LadderAnswer
    chronology: list[FollowUpEntry]
    evidence: list[Evidence]
    codes: list[CodeAnswer]


def followup_answer(desk: Desk, pupil: str) -> FollowUpAnswer:
    """Return the follow-up of a pupil: the chronology of all years, codes of the school year to date."""
    answers, moment = desk.answers, desk.moment
    follow_up = chronologies(answers, moment, [pupil])[pupil]
    chronology: list[KnownEvent[AnyEvent]] = [*follow_up, *_leave(answers, moment, pupil)]
    chronology.sort(key=lambda each: each.position)
    return FollowUpAnswer(
        **moment.header(pupil),
        ladder=_ladder(desk, pupil),
        chronology=[_entry(each) for each in chronology],
        evidence=evidence(follow_up),
        codes=_codes(answers, moment, pupil, follow_up),
    )


def _ladder(desk: Desk, pupil: str) -> LadderAnswer:
    ladder = desk.ladder(pupil)
    return LadderAnswer(
        number=ladder.number,
        first_day=ladder.first_day,
        silent=ladder.silent,
        tried=ladder.tried,
        next_contact=ladder.next_contact if ladder.silent and ladder.next_contact else None,
        call_owed=ladder.call_owed,
        rungs_due=ladder.rungs_due,
        absent_from_education=ladder.absent_from_education,
    )


def _entry(known: KnownEvent[AnyEvent]) -> FollowUpEntry:
    event = known.event
    says = {name: getattr(event, name) for name in event.__struct_fields__ if name not in ENVELOPE}
    return FollowUpEntry(
        what=event_name(type(event).__name__),
        position=known.position,
        recorded_at=format_moment(known.recorded_at),
        by=signed(event),
        says=msgspec.to_builtins(says),
        sealed=bool(event.sealed),
    )


def _leave(answers: Answers, moment: Moment, pupil: str) -> list[KnownEvent[AnyEvent]]:
    """Return what was asked for and decided about leave, as part of the chronology."""
    requests = moment.school.leave.get(pupil, {}).items()
    streams = [leave_stream(pupil, school_year(leave.first.day), name) for name, leave in requests]
    rows = [row for row in answers.ledger.reads.stream_rows(streams) if row.position <= moment.position]
    return [KnownEvent(row.position, from_micros(row.recorded_at), event) for row, event in answers.opened(rows)]


def _codes(answers: Answers, moment: Moment, pupil: str, chronology: list[FollowUp]) -> list[CodeAnswer]:
    """Return the absent and the amended codes of the school year to date, each with what it rests on."""
    year = moment.school.calendar.year_begun_by(moment.as_of)
    decided = decided_leave(answers, moment, [pupil])[pupil]
    absent = {code.symbol for code in moment.codes.rows if code.absent}
    codes = []
    for entry in history_answers(answers, moment, pupil, years=[] if year is None else [year]):
        for place, mark in enumerate(entry.entries):
            replaces = entry.entries[place - 1].code if place else ""
            if replaces or mark.code in absent:
                coded = _coded(entry.session, mark, replaces)
                codes.append(
                    CodeAnswer(
                        session=entry.session,
                        code=mark.code,
                        replaces=replaces or None,
                        position=mark.position,
                        rests_on=rests_on(coded, chronology, decided, moment.school, pupil),
                    )
                )
    return codes


def _coded(session: Session, mark: MarkAnswer, replaces: str) -> CodeEntry:
    recorded_at: datetime = parse_moment(mark.recorded_at)
    return CodeEntry(session, mark.code, replaces, mark.via, mark.cites, recorded_at, mark.position)
