"""Registers and histories: every entry with all its marks, read from the entries' own streams.

A register is a class and a day: for each pupil and session the original code, every amendment with its reason, the code
that leave or a closure makes it expect, and whether it is missing. A history is the same for one pupil over time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

import msgspec

from ledger.codes import UNRESOLVED
from ledger.entry import Entry, Mark
from ledger.errors import Misconfigured
from ledger.events import (
    AbsenceReported,
    ArrivalLogged,
    ContactLogged,
    EntryEvent,
    Event,
    RecordReceived,
)
from ledger.sessions import LONDON, Half, Session, format_moment, from_micros, school_year
from ledger.store import Row
from ledger.streams import entry_of, entry_stream, follow_up_stream, register_stream, year_prefix
from ledger.words import SEALED
from projections.asking.questions import Answers, Moment
from projections.readmodel.frames import UNREADABLE, symbol_of
from projections.records.chronology import chronologies
from projections.records.marks import SessionMark

IMPORT = "import"  # the way of a mark that another system asserted
Report = AbsenceReported | ArrivalLogged  # what a register shows of a session beside its marks


class By(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed something: name and title."""

    name: str
    title: str


def signed(event: Event) -> By:
    """Return who signed an event."""
    return By(name=event.by.name, title=event.by.title)


class MarkAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One thing an entry said. `via` is how it came; `cites` the leave, closure or file that it rests on."""

    code: str
    detail: str
    recorded_at: str
    by: By
    reason: str
    position: int
    via: str
    cites: str


class EntryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One entry: its marks, oldest first; the first is the original entry."""

    session: Session
    entries: list[MarkAnswer]


class ReceivedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A record of a former school that stands: what it is of, and where it came in. Its entries are not this
    register's."""

    school: str
    name: str
    as_of: str
    known_at: str
    sessions: int
    notices: int
    position: int
    recorded_at: str


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One pupil's line of a register for one session. `code` is None where there is no mark; `expected` what leave or a
    closure makes it expect; `missing` once registration has closed without a mark; `reports` what parents told us."""

    pupil: str
    session: Session
    code: str | None
    original: str | None
    expected: str | None
    expected_by: str | None
    refused_by: str | None
    missing: bool
    asserted: bool
    reports: int
    arrived_at: str | None
    entries: list[MarkAnswer]


class RegisterAnswer(msgspec.Struct, frozen=True, kw_only=True, rename={"class_name": "class"}):
    """A class on a day. `taken` and `closed` say by session when its register was, None where it was not."""

    class_name: str
    day: str
    known_at: str
    position: int
    policy: str
    rules: str
    simulated: bool
    taken: dict[str, str | None]
    closed: dict[str, str | None]
    lines: list[SessionAnswer]


def register_answer(answers: Answers, moment: Moment, class_name: str, day: date) -> RegisterAnswer:
    """Return the register of a class on a day as known at the moment. Raises Misconfigured for a day or class there is
    not."""
    school = moment.school
    sessions = [Session(day, half) for half in Half]
    pupils = school.pupils_on(day, class_name)
    if not pupils:
        raise Misconfigured(f"no pupil was known to be in class {class_name!r} on {day}")
    streams = [entry_stream(pupil, session) for pupil in pupils for session in sessions]
    entries = _marks(answers, moment, answers.ledger.reads.stream_rows(streams))
    if not any(school.calendar.is_session(session) for session in sessions) and not entries:
        raise Misconfigured(f"{day} has no session by the calendar known then")
    registers = {session: _register_times(answers, moment, session, class_name) for session in sessions}
    reports = _reports(answers, moment, pupils, day)
    return RegisterAnswer(
        class_name=class_name,
        day=day.isoformat(),
        **moment.known,
        taken={session.half.name: registers[session][0] for session in sessions},
        closed={session.half.name: registers[session][1] for session in sessions},
        lines=[
            _line(moment, pupil, session, entries.get(entry_stream(pupil, session), []), reports[pupil, session])
            for pupil in pupils
            for session in sessions
        ],
    )


def history_answers(
    answers: Answers,
    moment: Moment,
    pupil: str,
    session: Session | None = None,
    years: Iterable[int] | None = None,
) -> list[EntryAnswer]:
    """Return every entry of a pupil up to the day asked about, in order of session, each with all it had said by
    then; of one session, or of some school years, only those."""
    reads = answers.ledger.reads
    if session is not None:
        rows = reads.stream_rows([entry_stream(pupil, session)])
    else:
        prefixes = [f"{pupil}/"] if years is None else [year_prefix(pupil, year) for year in years]
        rows = [row for prefix in prefixes for row in reads.prefix_rows(prefix)]
    by_stream = _marks(answers, moment, [row for row in rows if row.topic.startswith("entry.")])
    by_session = sorted((entry_of(stream)[1], marks) for stream, marks in by_stream.items())
    return [EntryAnswer(session=session, entries=marks) for session, marks in by_session if session.day <= moment.as_of]


def unexplained(answers: Answers, moment: Moment, pupil: str) -> tuple[list[SessionMark], int]:
    """Return the sessions of the year to date that are still N, in order, and how many attempts at contact were logged
    in that year up to the day."""
    year = moment.school.calendar.year_begun_by(moment.as_of)
    if year is None:
        return [], 0
    begins = moment.school.years[year].first_day.isoformat()
    sessions = [
        SessionMark(answer.session, UNRESOLVED, answer.entries[-1].position)
        for answer in history_answers(answers, moment, pupil, years=[year])
        if answer.entries[-1].code == UNRESOLVED and answer.session >= begins
    ]
    chronology = chronologies(answers, moment, [pupil], [year])[pupil]
    attempts = [
        each
        for each in chronology
        if isinstance(each.event, ContactLogged) and each.recorded_at.astimezone(LONDON).date() <= moment.as_of
    ]
    return sessions, len(attempts)


def received_answers(answers: Answers, moment: Moment, pupil: str) -> list[ReceivedAnswer]:
    """Return the records of former schools that stand at the moment, the school's name sealed where its key is gone."""
    rows = answers.ledger.reads.rows_at([record.position for record in moment.school.records(pupil)])
    return [
        ReceivedAnswer(
            school=event.urn,
            name=SEALED if event.sealed else event.school,
            as_of=event.as_of.isoformat(),
            known_at=format_moment(event.known_at),
            sessions=len(event.marks),
            notices=len(event.notices),
            position=row.position,
            recorded_at=format_moment(from_micros(row.recorded_at)),
        )
        for row, event in answers.opened(rows)
        if isinstance(event, RecordReceived)
    ]


def _line(
    moment: Moment, pupil: str, session: Session, marks: list[MarkAnswer], reports: list[Report]
) -> SessionAnswer:
    calendar = moment.school.calendar
    expected = moment.school.expected(pupil, session)
    closed = calendar.is_session(session) and calendar.closes(session) <= moment.known_at
    arrivals = [event.arrived_at for event in reports if isinstance(event, ArrivalLogged)]
    return SessionAnswer(
        pupil=pupil,
        session=session,
        code=marks[-1].code if marks else None,
        original=marks[0].code if marks else None,
        expected=expected.code if expected else None,
        expected_by=expected.cites if expected else None,
        refused_by=_refused_by(moment, pupil, session),
        missing=closed and not marks,
        asserted=bool(marks) and marks[0].via == IMPORT,
        reports=sum(isinstance(event, AbsenceReported) for event in reports),
        arrived_at=format_moment(arrivals[-1]) if arrivals else None,
        entries=marks,
    )


def _refused_by(moment: Moment, pupil: str, session: Session) -> str | None:
    """Return the request for leave that was refused for a session, None where none was."""
    requests = moment.school.leave.get(pupil, {}).values()
    return next((leave.request for leave in requests if leave.refuses(session)), None)


def _marks(answers: Answers, moment: Moment, rows: list[Row]) -> dict[str, list[MarkAnswer]]:
    """Return what each entry had said by the moment, by stream."""
    known = [row for row in rows if row.position <= moment.position]
    opened = {row.position: event for row, event in answers.opened(known) if isinstance(event, EntryEvent)}
    entries: dict[str, Entry] = defaultdict(Entry)
    marks: dict[str, list[MarkAnswer]] = defaultdict(list)
    for row in known:
        entry, event = entries[row.stream], opened.get(row.position)
        entry = entry.after_unread(row.version) if event is None else entry.after(row.version, event)
        entries[row.stream] = entry
        marks[row.stream].append(_answer(row, entry.marks[-1], sealed=event is not None and bool(event.sealed)))
    return marks


def _answer(row: Row, mark: Mark, *, sealed: bool) -> MarkAnswer:
    """Return a mark as people read it: where the key of its text is gone, that something stood here; where this release
    cannot read it, that something was recorded which no earlier code stands in for."""
    original = row.version == 1
    return MarkAnswer(
        code=mark.code or symbol_of(UNREADABLE),
        detail=SEALED if sealed and original else mark.detail,
        recorded_at=format_moment(from_micros(row.recorded_at)),
        by=By(name=mark.by.name, title=mark.by.title),
        reason=SEALED if sealed and not original else mark.reason,
        position=row.position,
        via=mark.via,
        cites=f"sha256:{mark.cites}" if mark.via == IMPORT else mark.cites,
    )


def _register_times(
    answers: Answers, moment: Moment, session: Session, class_name: str
) -> tuple[str | None, str | None]:
    """Return when the register was taken and first closed, each None where it was not."""
    times: dict[str, str] = {}
    for row in answers.ledger.reads.stream_rows([register_stream(session, class_name)]):
        if row.position <= moment.position:
            times.setdefault(row.topic, format_moment(from_micros(row.recorded_at)))
    return times.get("register.RegisterTaken"), times.get("register.RegisterClosed")


def _reports(answers: Answers, moment: Moment, pupils: list[str], day: date) -> dict[tuple[str, str], list[Report]]:
    """Return reports and arrivals about the day, by pupil and session."""
    owners = {follow_up_stream(pupil, school_year(day)): pupil for pupil in pupils}
    reports: dict[tuple[str, str], list[Report]] = defaultdict(list)
    rows = [row for row in answers.ledger.reads.stream_rows(list(owners)) if row.position <= moment.position]
    for row, event in answers.opened(rows):
        # Letters, support, enquiries … stand in the same stream and are about no session.
        if isinstance(event, ArrivalLogged):
            reports[owners[row.stream], event.session].append(event)
        elif isinstance(event, AbsenceReported):
            for session in event.sessions:
                reports[owners[row.stream], session].append(event)
    return reports
