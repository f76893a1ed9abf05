"""Punctuality and the Late Book as people and programs read them: the kernel asked about a moment, and the duties.

A late session counts to a concern for the policy's number of school weeks. A letter is due where there are enough of
them, unless one about punctuality went home within the policy's pause; a meeting where there are more. Whoever met the
parents, or invited them to, has dealt with what was late until that day: to the next meeting only later sessions count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec
import numpy as np

from ledger.events import ArrivalLogged, LetterSent, SupportRecorded
from ledger.finding import OPEN, action
from ledger.policy import Policy
from ledger.sessions import LONDON, Session, format_moment, school_year
from ledger.words import SEALED
from projections.asking.questions import Answer, Answers, Moment
from projections.desk import Desk
from projections.duty import Duty, Urgency
from projections.figures.absence import percent
from projections.followup.punctuality import (
    LATE,
    SCHOOL_DAYS,
    UNKNOWN,
    VERY_LATE,
    Arrivals,
    Lateness,
    concern,
    lateness,
    minutes_late,
)
from projections.readmodel.frames import Entries, first_session, last_session, roll_of, symbol_of
from projections.records.chronology import chronologies
from projections.records.known_event import FollowUp
from projections.records.marks import Mark, marks_of
from projections.records.registers import By, signed

NOBODY = Arrivals(*(np.empty(0, np.int64) for _ in range(3)))
INVITED, HELD = "invited", "held"  # a meeting that was missed has dealt with nothing
BEFORE_ALL = np.iinfo(np.int32).min


class LateSession(msgspec.Struct, frozen=True, kw_only=True):
    """A late session; `minutes` and `arrived_at` are None where nobody logged the arrival."""

    session: Session
    code: str
    minutes: int | None
    arrived_at: str | None
    position: int


class PunctualityAnswer(Answer, frozen=True, kw_only=True, rename={"class_name": "class", "from_day": "from"}):
    """A pupil's punctuality from a day on. `late` are L, `very_late` U; `on_site` the sessions they came to, which
    `late_percent` is of; `minutes` is the sum of those known. `recent` are late sessions in `weeks`, the policy's."""

    year_group: str
    class_name: str
    from_day: str
    on_site: int
    late: int
    very_late: int
    late_percent: float | None
    minutes: int
    minutes_unknown: int
    weekdays: dict[str, int]
    weeks: list[str]
    recent: int
    concern: bool
    persistent: bool
    sessions: list[LateSession]


def punctuality_answers(
    answers: Answers, moment: Moment, pupils: list[str], from_day: date | None = None
) -> list[PunctualityAnswer]:
    """Return the punctuality of these pupils, in order of number as text, up to the day asked about.

    It begins on `from_day`, or with the last school year that had begun. Pupils who came to no session are left out.
    """
    begun = moment.school.calendar.year_begun_by(moment.as_of)
    if moment.in_force is None or (begun is None and from_day is None):
        return []
    if from_day is None:
        assert begun is not None
        from_day = date(begun, 8, 1)
    pupils = sorted(pupils)
    counts, arrivals = _lateness(answers, moment, pupils, from_day)
    weeks = moment.school.calendar.school_weeks(moment.as_of, moment.policy.punctuality_weeks)
    recent = _recent(answers, moment, pupils, weeks)
    judged = concern(recent, weeks, moment.policy)
    mondays = [monday.isoformat() for monday in weeks]
    evidence = _evidence(counts, arrivals)
    return [
        PunctualityAnswer(
            **moment.header(pupil),
            year_group=(placement := moment.school.pupils[pupil].placement(moment.as_of)).year_group,
            class_name=placement.class_name,
            from_day=from_day.isoformat(),
            on_site=int(counts.on_site[row]),
            late=int(counts.late[row]),
            very_late=int(counts.very_late[row]),
            late_percent=percent(int(counts.late[row] + counts.very_late[row]), int(counts.on_site[row])),
            minutes=int(counts.minutes[row]),
            minutes_unknown=int(counts.unknown[row]),
            weekdays=dict(zip(SCHOOL_DAYS, counts.weekdays[row].tolist(), strict=True)),
            weeks=mondays,
            recent=int(judged.sessions[row]),
            concern=bool(judged.letter[row]),
            persistent=bool(judged.meeting[row]),
            sessions=evidence.get(row, []),
        )
        for row, pupil in enumerate(pupils)
        if counts.on_site[row]
    ]


class ClassTotal(NamedTuple):
    """The punctuality of a class, or of all, from that of its pupils."""

    class_name: str
    pupils: int
    on_site: int
    late: int
    very_late: int
    minutes: int
    minutes_unknown: int
    never_late: int

    @property
    def late_percent(self) -> float | None:
        return percent(self.late + self.very_late, self.on_site)


def class_totals(answers: Sequence[PunctualityAnswer]) -> list[ClassTotal]:
    """Return the total of every class, in order of name; pooled sums, never a mean of pupils' rates."""
    classes = sorted({answer.class_name for answer in answers})
    return [total(name, [answer for answer in answers if answer.class_name == name]) for name in classes]


def total(name: str, answers: Sequence[PunctualityAnswer]) -> ClassTotal:
    """Return the total of these pupils under a name."""
    return ClassTotal(
        class_name=name,
        pupils=len(answers),
        on_site=sum(answer.on_site for answer in answers),
        late=sum(answer.late for answer in answers),
        very_late=sum(answer.very_late for answer in answers),
        minutes=sum(answer.minutes for answer in answers),
        minutes_unknown=sum(answer.minutes_unknown for answer in answers),
        never_late=sum(not answer.late and not answer.very_late for answer in answers),
    )


def _lateness(
    answers: Answers, moment: Moment, pupils: list[str], from_day: date
) -> tuple[Lateness, dict[tuple[str, str], ArrivalLogged]]:
    """Return the kernel's counts, and the arrivals that were joined to them."""
    years = list(range(school_year(from_day), school_year(moment.as_of) + 1))
    entries = answers.entries(moment, years, pupils)
    roll = roll_of(moment.school, pupils)
    since, until = first_session(from_day), last_session(moment.as_of)
    codes = moment.codes
    late = lateness(entries, roll, NOBODY, since, until, codes)
    # The Late Book is read for those only who were late at all.
    arrivals = _arrivals(answers, moment, [pupils[row] for row in np.unique(late.counted.pupil)], years)
    return lateness(entries, roll, _columns(moment, pupils, arrivals), since, until, codes), arrivals


def _arrivals(
    answers: Answers, moment: Moment, pupils: Iterable[str], years: Sequence[int]
) -> dict[tuple[str, str], ArrivalLogged]:
    """Return the arrival of each pupil and session; of several that were logged the last, which corrects the others."""
    return {
        (pupil, each.event.session): each.event
        for pupil, chronology in chronologies(answers, moment, pupils, years).items()
        for each in chronology
        if isinstance(each.event, ArrivalLogged)
    }


def _columns(moment: Moment, pupils: Sequence[str], arrivals: dict[tuple[str, str], ArrivalLogged]) -> Arrivals:
    """Return arrivals as the kernel reads them; a session that the calendar no longer has says no minutes."""
    place = {pupil: row for row, pupil in enumerate(pupils)}
    calendar = moment.school.calendar
    rows = [
        (place[pupil], session.number, minutes_late(event.arrived_at, calendar.opens(session)))
        for (pupil, text), event in arrivals.items()
        if calendar.is_session(session := Session.parse(text))
    ]
    return Arrivals(*np.array(rows, np.int64).reshape(-1, 3).T)


def _evidence(counts: Lateness, arrivals: dict[tuple[str, str], ArrivalLogged]) -> dict[int, list[LateSession]]:
    """Return the late sessions of each pupil, by place, oldest first."""
    evidence: dict[int, list[LateSession]] = {}
    marks = counts.counted
    for row, pupil in enumerate(marks.pupil.tolist()):
        session = Session.from_number(int(marks.session[row]))
        minutes = int(counts.minutes_of[row])
        arrival = arrivals.get((marks.pupils[pupil], session))
        evidence.setdefault(pupil, []).append(
            LateSession(
                session=session,
                code=symbol_of(marks.code[row]),
                minutes=None if minutes == UNKNOWN else minutes,
                arrived_at=format_moment(arrival.arrived_at) if arrival else None,
                position=int(marks.from_position[row]),
            )
        )
    return evidence


def _recent(answers: Answers, moment: Moment, pupils: list[str], weeks: Sequence[date]) -> Entries:
    """Return the late marks in these weeks, up to the day asked about; weeks run on through school years."""
    since = weeks[0] if weeks else moment.as_of
    years = list(range(school_year(since), school_year(moment.as_of) + 1))
    entries = answers.entries(moment, years, pupils)
    roll = roll_of(moment.school, pupils)
    return lateness(entries, roll, NOBODY, first_session(since), last_session(moment.as_of), moment.codes).counted


# --- the Late Book --------------------------------------------------------------------------------------------------


class ArrivalAnswer(msgspec.Struct, frozen=True, kw_only=True, rename={"class_name": "class"}):
    """A line of the Late Book: `code` is what the minute made it, `register` what the register says now. `minutes` is
    None where the arrival is not late."""

    pupil: str
    class_name: str
    session: Session
    arrived_at: str
    minutes: int | None
    code: str
    register: str | None
    reason: str
    recorded_at: str
    by: By
    position: int


class LateBookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    day: str
    known_at: str
    position: int
    policy: str
    rules: str
    simulated: bool
    arrivals: list[ArrivalAnswer]


def late_book_answer(answers: Answers, moment: Moment) -> LateBookAnswer:
    """Return every arrival that was logged for the day asked about, as known, in order of arrival."""
    school, day = moment.school, moment.as_of
    pupils = school.pupils_on(day)
    marks = answers.entries(moment, [school_year(day)], pupils)
    standing = marks_of(marks.between(first_session(day), last_session(day)))
    arrivals = [
        _arrival(moment, pupil, each, each.event, standing[pupil])
        for pupil, chronology in chronologies(answers, moment, pupils, [school_year(day)]).items()
        for each in chronology
        if isinstance(each.event, ArrivalLogged) and Session.parse(each.event.session).day == day
    ]
    return LateBookAnswer(
        day=day.isoformat(),
        **moment.known,
        arrivals=sorted(arrivals, key=lambda arrival: (arrival.arrived_at, arrival.position)),
    )


def _arrival(
    moment: Moment, pupil: str, known: FollowUp, event: ArrivalLogged, marks: Mapping[Session, Mark]
) -> ArrivalAnswer:
    session, calendar = Session.parse(event.session), moment.school.calendar
    late = event.code in (LATE, VERY_LATE) and calendar.is_session(session)
    return ArrivalAnswer(
        pupil=pupil,
        class_name=moment.school.pupils[pupil].placement(session.day).class_name,
        session=session,
        arrived_at=format_moment(event.arrived_at),
        minutes=minutes_late(event.arrived_at, calendar.opens(session)) if late else None,
        code=event.code,
        register=marks[session].code if session in marks else None,
        reason=SEALED if event.sealed else event.reason,
        recorded_at=format_moment(known.recorded_at),
        by=signed(event),
        position=known.position,
    )


# --- duties ---------------------------------------------------------------------------------------------------------


def punctuality_duties(desk: Desk) -> list[Duty]:
    """Return the letters and meetings about lateness that are due for pupils on roll, in order of pupil."""
    answers, moment, policy, school, pupils = desk.answers, desk.moment, desk.policy, desk.school, desk.pupils
    weeks = school.calendar.school_weeks(moment.as_of, policy.punctuality_weeks)
    recent = _recent(answers, moment, pupils, weeks)
    judged = concern(recent, weeks, policy)
    late = [pupils[row] for row in np.flatnonzero(judged.letter)]
    chronology = chronologies(answers, moment, late) if late else {}
    met = {pupil: _met_on(chronology[pupil], moment.as_of) for pupil in late}
    after = np.array([last_session(day) if (day := met.get(p)) else BEFORE_ALL for p in pupils], np.int64)
    since_meeting = concern(recent, weeks, policy, after)
    duties: list[Duty] = []
    for row, pupil in enumerate(pupils):
        if since_meeting.meeting[row]:
            duties.append(_meeting(pupil, int(since_meeting.sessions[row]), policy))
        elif judged.letter[row] and not _in_the_pause(chronology[pupil], met[pupil], desk):
            duties.append(_letter(pupil, int(judged.sessions[row]), policy, school.pupils[pupil].parents, moment.as_of))
    return duties


def _meeting(pupil: str, sessions: int, policy: Policy) -> Duty:
    # The day of the meeting is for a person to say.
    invite = action("RecordSupport", pupil=pupil, step="meeting", stage=INVITED, on=OPEN)
    return Duty(
        "punctuality meeting",
        f"late {sessions} times in {policy.punctuality_weeks} school weeks: a meeting is due from "
        f"{policy.punctuality_meeting_sessions}",
        pupil,
        action=invite,
        urgency=Urgency.SOON,
    )


def _letter(pupil: str, sessions: int, policy: Policy, parents: Iterable[str], sent_on: date) -> Duty:
    return Duty(
        "punctuality letter",
        f"late {sessions} times in {policy.punctuality_weeks} school weeks: a letter is due from "
        f"{policy.punctuality_letter_sessions}",
        pupil,
        action=action("SendLetter", pupil=pupil, about="punctuality", parents=tuple(parents), sent_on=sent_on),
        urgency=Urgency.WAITING,
    )


def _met_on(chronology: Iterable[FollowUp], as_of: date) -> date | None:
    """Return the last day by then on which parents were met, or invited to a meeting that may lie ahead."""
    days = [
        min(each.event.on, each.recorded_at.astimezone(LONDON).date()) if each.event.stage == INVITED else each.event.on
        for each in chronology
        if isinstance(each.event, SupportRecorded)
        and each.event.step == "meeting"
        and each.event.stage in (INVITED, HELD)
    ]
    return max((day for day in days if day <= as_of), default=None)


def _in_the_pause(chronology: Iterable[FollowUp], met: date | None, desk: Desk) -> bool:
    """Return whether a letter about punctuality, or a meeting, is less than the policy's school days ago."""
    letters = [
        each.event.sent_on
        for each in chronology
        if isinstance(each.event, LetterSent) and each.event.about == "punctuality" and each.event.sent_on <= desk.day
    ]
    dealt_with = [day for day in (met, max(letters, default=None)) if day is not None]
    return bool(desk.letter_pause and dealt_with) and max(dealt_with) >= desk.letter_pause[0]
