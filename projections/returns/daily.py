"""The daily return: both codes of a day of every pupil on roll, for the department, and what changed since the last.

State schools share every pupil's morning and afternoon code with the department each day. Codes do not stand still: an
N of Monday becomes an I on Thursday. So a return says what the codes of its day are, and beside it which codes of the
days returned before are no longer what was returned. That is a comparison of two positions, the one that the last
return had seen and the present one, over the read model's rows, which say from which position they hold and until
which; no event is read again, but for who made those that differ.

A session without a mark is sent blank, with a remark that names why; nothing is sent as if it had been marked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from ledger.errors import Misconfigured, Refused
from ledger.events import DailyReturnMade, Event
from ledger.finding import action
from ledger.sessions import LONDON, Half, Session, format_moment, from_micros, school_year
from ledger.store import Row
from ledger.words import counted
from projections.asking.questions import Answers, Moment, Particulars
from projections.desk import Desk
from projections.duty import Duty, Urgency
from projections.readmodel.frames import UNREADABLE, Entries, first_session, last_session, symbol_of
from projections.records.marks import Mark, marks_of
from projections.records.registers import By, signed

LAST = "last"
UNREAD = "the entry cannot be read"
REMINDED = 5  # school days that a return which was not made is asked for: a school week


class Since(NamedTuple):
    """What an earlier return had seen: a position, and the number of the last session that was returned by then."""

    position: int
    until: int


class Change(NamedTuple):
    """A session whose code at the later position is another than at the earlier, None where there was none. `position`
    is of the event that gave the present code."""

    pupil: str
    session: int
    before: str | None
    code: str
    position: int


def changes(versions: Entries, before: int, after: int, until: int) -> list[Change]:
    """Return what is different at position `after` from `before`, of sessions up to the number `until`, in order of
    session and pupil.

    `versions` holds at least the marks that began or ended between the two.
    """
    then, now = versions.known_at(before), versions.known_at(after)
    old = {place: int(code) for place, code in zip(_places(then), then.code, strict=True)}
    different = [
        Change(versions.pupils[pupil], session, _symbol(old.get((pupil, session))), symbol_of(code), position)
        for (pupil, session), code, position in zip(
            _places(now), now.code.tolist(), now.from_position.tolist(), strict=True
        )
        if session <= until and old.get((pupil, session)) != code
    ]
    return sorted(different, key=lambda change: (change.session, change.pupil))


def _places(marks: Entries) -> list[tuple[int, int]]:
    return list(zip(marks.pupil.tolist(), marks.session.tolist(), strict=True))


def _symbol(code: int | None) -> str | None:
    return None if code is None else symbol_of(code)


# --- the answer -----------------------------------------------------------------------------------------------------


class DailyLine(msgspec.Struct, frozen=True, kw_only=True, rename={"class_name": "class"}):
    """A pupil and a session. `code` is blank where there is no mark, and `remark` says why."""

    pupil: str
    upn: str
    name: str
    born: str
    sex: str
    year_group: str
    class_name: str
    day: str
    period: str
    code: str
    remark: str


class ChangeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    pupil: str
    session: Session
    before: str | None
    code: str
    position: int
    recorded_at: str
    by: By


class DailyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A day's return. `missing` counts its sessions without a mark; `since` is the position that `changes` are since,
    None where nothing has been returned yet or nobody asked."""

    day: str
    known_at: str
    position: int
    policy: str
    rules: str
    simulated: bool
    school: str
    la: str
    estab: str
    urn: str
    pupils: int
    missing: int
    readable: bool
    since: int | None
    sessions: list[DailyLine]
    changes: list[ChangeAnswer]
    corrected: list[DailyLine]


def daily_answer(answers: Answers, moment: Moment, since: Since | None = None) -> DailyAnswer:
    """Return the return of the day asked about: codes as known, and what is different since an earlier position.

    `corrected` holds the changed sessions of other days, in the same form. Raises Misconfigured for a day without
    sessions.
    """
    school, day = moment.school, moment.as_of
    opened = school.opened
    sessions = [Session(day, half) for half in Half if school.calendar.is_session(Session(day, half))]
    if opened is None or not sessions:
        raise Misconfigured(f"{day} has no session by the calendar known then")
    on_roll = school.pupils_on(day)
    different = changed_since(answers, moment, since) if since else []
    known = answers.particulars(moment, {*on_roll, *(change.pupil for change in different)})
    marks = _marks_on(answers, moment, on_roll)
    lines = [
        _line(moment, known[pupil], pupil, session, marks[pupil].get(session, Mark("")).code)
        for pupil in on_roll
        for session in sessions
    ]
    return DailyAnswer(
        day=day.isoformat(),
        **moment.known,
        school=opened.name,
        la=opened.la,
        estab=opened.estab,
        urn=opened.urn,
        pupils=len(on_roll),
        missing=sum(not line.code and line.remark != UNREAD for line in lines),
        readable=all(particulars.readable for particulars in known.values()),
        since=since.position if since else None,
        sessions=lines,
        changes=_attributed(answers, different),
        corrected=[
            _line(moment, known[change.pupil], change.pupil, session, change.code, _was(change))
            for change in different
            if (session := Session.from_number(change.session)).day != day
        ],
    )


def _marks_on(answers: Answers, moment: Moment, pupils: list[str]) -> dict[str, dict[Session, Mark]]:
    """Return the marks of the day asked about, by pupil and session."""
    entries = answers.entries(moment, [school_year(moment.as_of)], pupils)
    return marks_of(entries.between(first_session(moment.as_of), last_session(moment.as_of)))


def _line(moment: Moment, known: Particulars, pupil: str, session: Session, code: str, remark: str = "") -> DailyLine:
    placement = moment.school.pupils[pupil].placement(session.day)
    unread = code == symbol_of(UNREADABLE)  # which is no code that anybody may be sent
    return DailyLine(
        pupil=pupil,
        upn=known.upn,
        name=known.name,
        born=known.born,
        sex=known.sex,
        year_group=placement.year_group,
        class_name=placement.class_name,
        day=session.day.isoformat(),
        period=session.half.name,
        code="" if unread else code,
        remark=UNREAD if unread else remark if code else _why_blank(moment, pupil, session),
    )


def _why_blank(moment: Moment, pupil: str, session: Session) -> str:
    if moment.school.calendar.closes(session) > moment.known_at:
        return "registration has not closed yet"
    expected = moment.school.expected(pupil, session)
    return f"no mark; expects {expected.code}" if expected else "no mark"


def _was(change: Change) -> str:
    return f"was {change.before}" if change.before else "had no mark"


# --- what changed ---------------------------------------------------------------------------------------------------


def since_of(answers: Answers, moment: Moment, text: str) -> Since | None:
    """Return what `last`, or a position, stands for; None where no return has been made yet.

    Of the last return: what it had seen, up to the last day that any was made of. Of a position: up to the last session
    whose registration had closed when it was recorded. Refuses: malformed.
    """
    if text == LAST:
        return last_return(moment)
    expected = f"'{LAST}', or a position up to {moment.position}"
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= moment.position:
        raise Refused("malformed", field="--since", value=text, expected=expected)
    (row,) = answers.ledger.reads.rows_at([int(text)])
    return Since(int(text), _last_closed(moment, from_micros(row.recorded_at)))


def _last_closed(moment: Moment, then: datetime) -> int:
    """Return the number of a day's last session whose registration had closed by then, or of the day before's."""
    day, calendar = then.astimezone(LONDON).date(), moment.school.calendar
    today = [Session(day, half) for half in Half if calendar.is_session(Session(day, half))]
    closed = [session.number for session in today if calendar.closes(session) <= then]
    return max(closed, default=first_session(day) - 1)


def last_return(moment: Moment) -> Since | None:
    """Return what the last daily return had seen, None where none has been made."""
    made: list[DailyReturnMade] = moment.school.daily_returns
    if not made:
        return None
    return Since(max(event.seen for event in made), last_session(max(event.day for event in made)))


def changed_since(answers: Answers, moment: Moment, since: Since) -> list[Change]:
    """Return the sessions of days returned by then whose code is another now, or is the first; of every such day,
    also after the one asked about, lest a return made late for an earlier day pass over what it should have told."""
    versions = answers.model.touched(since.position)
    return changes(versions, since.position, moment.position, since.until)


def _attributed(answers: Answers, different: Iterable[Change]) -> list[ChangeAnswer]:
    """Return the changes, each with when and by whom its present code was recorded."""
    different = list(different)
    rows = answers.ledger.reads.rows_at(sorted({change.position for change in different}))
    unread = {row.position: row for row in rows}
    attributable: dict[int, tuple[Row, Event]] = {row.position: (row, event) for row, event in answers.opened(rows)}
    attributed = []
    for change in different:
        row, event = attributable.get(change.position) or (unread[change.position], None)
        attributed.append(
            ChangeAnswer(
                pupil=change.pupil,
                session=Session.from_number(change.session),
                before=change.before,
                code=change.code,
                position=change.position,
                recorded_at=format_moment(from_micros(row.recorded_at)),
                by=signed(event) if event else By(name="", title=""),
            )
        )
    return attributed


# --- the duty -------------------------------------------------------------------------------------------------------


def daily_duties(desk: Desk) -> list[Duty]:
    """Return the returns of the last school week that were not made, and that codes have changed since the last one.

    A school begins to be asked once it has made its first return, and from that day on: what a ledger holds from before
    was sent by another system. A day's return is due when its last registration has closed.
    """
    moment = desk.moment
    last = last_return(moment)
    if last is None:
        return []
    calendar, made = moment.school.calendar, {event.day for event in moment.school.daily_returns}
    duties = [
        Duty(
            "daily return",
            f"the daily return of {day} has not been made",
            action=action("daily send", day=day, output=f"daily-{day}.csv"),
            urgency=Urgency.TODAY,
            by=day,
        )
        for day in calendar.school_days_until(moment.as_of, REMINDED)
        if min(made) <= day and day not in made and calendar.closes(Session(day, Half.PM)) <= moment.known_at
    ]
    until = last_session(moment.as_of)
    if different := [change for change in changed_since(desk.answers, moment, last) if change.session <= until]:
        days = len({change.session // 2 for change in different})
        duties.append(
            Duty(
                "daily return changes",
                f"{counted(len(different), 'code')} of {counted(days, 'day')} returned before changed since position "
                f"{last.position}",
                action=action("daily show", day=moment.as_of, since=LAST),
                urgency=Urgency.WAITING,
            )
        )
    return duties
