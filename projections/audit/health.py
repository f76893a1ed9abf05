"""Health: what is off in the data (`doctor`) and whether the ledger and its read model hold together (`verify`).

A finding is a value; nobody is stopped by one. The doctor speaks of things that people settle: a mark on a day that is
no session any more, a mark beside the code that leave or a closure made it expect, an N past its days, a session that
closed without a mark, leave refused without a reason, a change of code that rests on nothing, evidence that nobody has
seen. Verify speaks of things that nobody may settle but an engineer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import sqlalchemy as sa

from ledger import wire, words
from ledger.case import Leave
from ledger.codes import CODES, UNRESOLVED, by_symbol
from ledger.errors import LedgerError, Misconfigured
from ledger.events import LeaveDecided
from ledger.finding import OPEN, Finding, Open, action
from ledger.keys import KeyStore
from ledger.school import School, take_in
from ledger.sessions import LONDON, Session, from_micros, school_year
from ledger.store import Damaged, Ledger, Row, said
from ledger.store.rows import FIRST_MOMENT, UnsoundRow
from ledger.streams import SCHOOL, Owner
from projections.asking.questions import Answers, Moment
from projections.audit.clock_health import LATELY, clock_findings
from projections.audit.file_health import file_findings
from projections.audit.text_health import kept_findings, lost_findings, text_findings
from projections.figures.cohorts import absence_answers
from projections.followup.basis import basis_findings, decided_leave
from projections.penalties.notice_checks import ahead_findings, notice_findings
from projections.readmodel.frames import UNREADABLE, Entries, last_session, roll_of, symbol_of
from projections.readmodel.projector import (
    ENTRY,
    LATER,
    REBUILD,
    Projector,
    Stale,
    check_version,
    entry_row,
    tracked,
    unreadable,
)
from projections.readmodel.replay import LAST, Gap, replay, sound_pages, stored
from projections.readmodel.sums import Sum, summed
from projections.readmodel.tables import SERVING, lacking, parked
from projections.records.policies import rule_findings
from projections.records.roll_health import roll_findings

SHOWN = 200  # findings of one kind about the read model, which may be wrong altogether
ADMITTED = "roll.PupilAdmitted"
CLOSED = "closed session holds", "closed sessions hold"


def doctor_findings(answers: Answers, moment: Moment) -> list[Finding]:
    """Return what is off as of a day, as known at a moment, in the school year to date and in the stores."""
    findings = list(_store_findings(answers, moment))
    year = moment.school.calendar.year_begun_by(moment.as_of)
    if year is None or moment.in_force is None:
        return findings
    pupils = sorted(moment.school.pupils)
    entries = answers.entries(moment, [year], pupils)
    entries = entries.where(entries.session <= last_session(moment.as_of))
    findings += _entry_findings(moment, entries)
    findings += [
        Finding("missing", f"{words.counted(answer.missing, *CLOSED)} no mark", answer.pupil)
        for answer in absence_answers(answers, moment, pupils)
        if answer.missing
    ]
    findings += _leave_findings(answers, moment, year)
    findings += [*notice_findings(answers, moment, pupils), *ahead_findings(moment, pupils)]
    return [*findings, *basis_findings(answers, moment, year), *roll_findings(answers, moment)]


def _store_findings(answers: Answers, moment: Moment) -> Iterator[Finding]:
    if answers.keys.lost:
        yield Finding(
            "keys_missing", "the key store is missing: names, reasons and other text are unreadable, codes are not"
        )
    else:
        known = answers.particulars(moment, moment.school.pupils)
        kept = {number for number in known if Owner(number, 0) not in moment.school.forgotten}
        if unread := sum(not known[number].readable for number in kept):
            yield Finding(
                "keys_missing",
                f"the particulars of {unread} pupils cannot be read: these are another ledger's keys or an older copy",
            )
        yield from lost_findings(answers.ledger, answers.keys, moment.position)
    yield from file_findings(answers.ledger.address.shown, answers.keys.address)
    if answers.model.doubt:
        yield Finding("read_model", answers.model.doubt)
    for row in answers.ledger.reads.rows_at(answers.model.unread(moment.position)):
        reason = unreadable(row) or LATER
        sentence = f"{row.topic} cannot be read ({reason}), so its entry is unreadable"
        yield Finding("parked", sentence, position=row.position)
    yield from kept_findings(answers.ledger, answers.keys)
    yield from clock_findings(answers.ledger, max(0, answers.ledger.reads.end() - LATELY))
    for position, reason in moment.school.poison.items():
        yield Finding("parked", f"{reason}; it is passed over", position=position)


def _entry_findings(moment: Moment, entries: Entries) -> Iterator[Finding]:
    """Yield what is off in marks, in order of pupil and session."""
    school, policy = moment.school, moment.policy
    unresolved = by_symbol(UNRESOLVED)
    assert unresolved is not None
    sessions = np.array([n for year in school.years for n in school.calendar.session_numbers(year)], np.int32)
    no_session = ~np.isin(entries.session, sessions)
    off_roll = ~roll_of(school, entries.pupils).holds(entries.pupil, entries.session)
    open_n = entries.code == unresolved.id
    special = _with_expectation(moment, entries)
    secondary = np.isin(entries.code, [code.id for code in CODES if code.secondary_only])
    for row in np.lexsort((entries.session, entries.pupil)):
        if not (no_session[row] or off_roll[row] or open_n[row] or special[row] or secondary[row]):
            continue
        pupil, session = entries.pupils[entries.pupil[row]], Session.from_number(int(entries.session[row]))
        code, where = symbol_of(entries.code[row]), (pupil, str(session), int(entries.from_position[row]))
        amend = partial(action, "AmendMark", pupil=pupil, session=session, code=Open("CODE"), reason=OPEN)
        if off_roll[row]:
            yield Finding("mark_off_roll", f"{code} stands on a day the pupil is not on roll any more", *where)
        elif no_session[row]:
            yield Finding("mark_on_no_session", f"{code} stands on a day that the calendar no longer has", *where)
        else:
            expected = school.expected(pupil, session)
            if expected and expected.code != code and entries.code[row] != UNREADABLE:
                sentence = f"{code} stands where {expected.cites} expects {expected.code}"
                yield Finding("mark_beside_expected", sentence, *where, amend(code=expected.code))
        if secondary[row] and not school.pupils[pupil].of_secondary_age(session.day):
            yield Finding("code_of_secondary_age", f"{code} stands for a pupil of primary age", *where, amend())
        if open_n[row] and not no_session[row]:
            deadline = school.calendar.school_days_after(session.day, policy.n_deadline_school_days)
            if deadline is not None and deadline < moment.as_of:
                yield Finding("n_overdue", f"N should have become a reason by {deadline}", *where, amend())


def _leave_findings(answers: Answers, moment: Moment, year: int) -> Iterator[Finding]:
    """Yield the decisions since the school year began that refuse leave, in whole or in part, and say no reason; one
    that is sealed without its key is not judged."""
    refused = {
        decided.position: decided.leave
        for of_pupil in decided_leave(answers, moment, moment.school.pupils).values()
        for decided in of_pupil
        if school_year(decided.leave.first.day) >= year and _refuses(decided.leave, moment)
    }
    for row, event in answers.opened(answers.ledger.reads.rows_at(sorted(refused))):
        leave = refused[row.position]
        on = from_micros(row.recorded_at).astimezone(LONDON).date()
        if on <= moment.as_of and isinstance(event, LeaveDecided) and not event.sealed and not event.reason:
            sentence = f"leave {leave.request} was refused on {on}, in whole or in part, and no reason is stated"
            yield Finding("leave_refused_without_reason", sentence, leave.pupil, str(leave.first), row.position)


def _refuses(leave: Leave, moment: Moment) -> bool:
    sessions = map(Session.from_number, range(leave.first.number, leave.last.number + 1))
    return any(leave.refuses(session) for session in sessions if moment.school.calendar.is_session(session))


def _with_expectation(moment: Moment, entries: Entries) -> np.ndarray:
    """Return which marks stand on a session that any leave or closure speaks of."""
    closures = {session.number for closure in moment.school.closures for session in closure.sessions}
    granted = {
        session.number
        for requests in moment.school.leave.values()
        for leave in requests.values()
        for session in leave.granted or ()
    }
    return np.isin(entries.session, np.fromiter(closures | granted, np.int32))


def verify_findings(
    ledger: Ledger, engine: sa.Engine, progress: Callable[[int], None] | None = None, keys: KeyStore | None = None
) -> list[Finding]:
    """Return what does not hold: rows that no recorder wrote or that stand where none puts one, events that do not
    decode, positions or versions with gaps, times that run backwards, an entry in the wrong school year, events about
    somebody who was never admitted, positions that belong to no receipt or to two, rules that are not those kept,
    recorded times that cannot be right, with the keys texts that do not open, and a read model that is not what
    replaying the ledger gives. Writes nothing, and refuses nothing that it finds: the rest is still examined.

    Not found without a seal: whatever was altered so that it still fits, which is for `ledger.seal`. Not found at all:
    another id, digest or door in a receipt, and the loss of one whose command made no event.
    """
    parts: dict[str, Callable[[], Iterable[Finding]]] = {
        "the files": lambda: file_findings(ledger.address.shown, *([] if keys is None else [keys.address])),
        "the database": lambda: _database_findings(ledger),
        "rows outside the ledger's positions": lambda: stray_findings(ledger),
        "the events": lambda: _row_findings(ledger, progress),
        "the receipts": lambda: _receipt_findings(ledger, ledger.reads.end()),
        "the rules": lambda: rule_findings(take_in(School(), ledger.reads.reference_rows(0, ledger.reads.head()[0]))),
        "the times": lambda: clock_findings(ledger),
        "the texts": lambda: [] if keys is None else text_findings(ledger, keys, progress),
        "the read model": lambda: model_findings(ledger, engine),
    }
    return list(dict.fromkeys(finding for what, part in parts.items() for finding in examined(what, part)))


def examined(what: str, part: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield what is found in a part of a ledger, and where it cannot be examined to its end, why not."""
    try:
        yield from part()
    except UnsoundRow as error:
        yield _unsound(error)
    except (LedgerError, sa.exc.DBAPIError) as error:
        yield Finding("database", f"{what} cannot be examined: {said(getattr(error, 'orig', None) or error)}")


def _unsound(error: UnsoundRow) -> Finding:
    return Finding("unsound", error.sentence, position=error.position)


def model_findings(ledger: Ledger, engine: sa.Engine) -> Iterator[Finding]:
    """Yield where the read model, as far as it was brought, is not what replaying the ledger to there gives. One that
    is behind is not wrong, and one of another version or another ledger is not held against this one row by row."""
    gone = lacking(engine)
    if {table.name for table in SERVING.tables} <= set(gone):
        return
    try:
        with engine.connect() as connection:
            at = tracked(connection)
        check_version(at.version)
        if gone:
            raise Stale(f"the table {gone[0]} of the read model is gone: {REBUILD}")
        with engine.connect() as connection:
            held = any(connection.scalar(sa.select(sa.exists(table.select()))) for table in SERVING.tables)
        Projector(ledger, engine).check_digest(at, ledger.reads.end())
    except (Stale, Misconfigured) as error:
        yield Finding("read_model", str(error))
        return
    if not at.position:
        if held:
            yield Finding("read_model", f"the read model holds rows and does not say up to which position: {REBUILD}")
        return
    (expected, unread), actual = replay(ledger, at.position), set(stored(engine))
    for name, rows in (("lacks", expected - actual), ("wrongly holds", actual - expected)):
        for row in sorted(rows, key=_by_type)[:SHOWN]:
            yield Finding(
                "read_model",
                f"the read model {name} version {row.version} of this entry",
                row.pupil,
                _session(row.session),
                row.from_position,
            )
        if len(rows) > SHOWN:
            yield Finding("read_model", f"the read model {name} {len(rows) - SHOWN} more rows")
    with engine.connect() as connection:
        waiting = {tuple(row) for row in connection.execute(sa.select(parked.c.position, parked.c.stream))}
        sums = {(year, pupil): Sum(*sums) for year, pupil, *sums in connection.execute(sa.select(SERVING.sums))}
    for position, stream in sorted(waiting ^ unread, key=_by_type)[:SHOWN]:
        yield Finding("read_model", f"the read model wrongly parks it, or not: {stream}", position=position)
    right = summed(expected, ())
    wrong = (key for key in {*sums, *right} if sums.get(key) != right.get(key))
    for year, pupil in sorted(wrong, key=_by_type)[:SHOWN]:
        name = f"{year}/{(year + 1) % 100:02}" if isinstance(year, int) else repr(year)
        yield Finding("read_model", f"the check sum of {name} is not that of its marks", pupil)


def _by_type(row: Iterable[object]) -> list[tuple[str, Any]]:  # any two of one type are in order
    """Return what rows are put in order by: on SQLite any column may hold anything."""
    return [(type(each).__name__, each) for each in row]


def _session(number: int) -> str | None:
    try:
        return str(Session.from_number(number))
    except (ValueError, TypeError, OverflowError):
        return None


def stray_findings(ledger: Ledger) -> list[Finding]:
    """Return that rows stand outside the ledger's positions, naming the first; nothing where none does."""
    strays = ledger.reads.strays()
    if not strays:
        return []
    sentence = f"{len(strays)} rows stand before position 1, where nothing is recorded; the first at {strays[0]}"
    return [Finding("stray", sentence.replace("1 rows stand", "a row stands"), position=strays[0])]


def _database_findings(ledger: Ledger) -> Iterator[Finding]:
    faults = ledger.reads.faults()
    if ledger.unfit and not faults:
        yield Finding("database", ledger.unfit)
    yield from (Finding("database", sentence) for sentence in faults)


def _row_findings(ledger: Ledger, progress: Callable[[int], None] | None) -> Iterator[Finding]:
    try:
        until = ledger.reads.end()
    except Damaged:
        until = LAST
    position, recorded_at, whole, torn = 0, FIRST_MOMENT, True, False
    versions: dict[str, int] = {}
    admitted: set[str] = {SCHOOL}
    strangers: dict[str, int] = {}  # the first position about each who has not been admitted yet
    for rows in sound_pages(ledger, until):
        if isinstance(rows, Gap):
            where = "on" if rows.last == LAST else f"to {rows.last}"
            sentence = f"the file is damaged: what stands at positions {rows.after + 1} {where} cannot be read"
            yield Finding("database", sentence, position=rows.after + 1)
            position, whole, torn = rows.last, False, True
            continue
        if isinstance(rows, UnsoundRow):
            yield _unsound(rows)
            position, whole = rows.position or position, False
            continue
        for row in rows:
            if row.position > position + 1:
                whole = False
                yield Finding("gap", f"positions {position + 1} to {row.position - 1} are gone", position=row.position)
            elif row.position <= position:
                yield Finding("gap", "a second event stands at this position", position=row.position)
            due = versions.get(row.stream, 0) + 1
            if row.version != due and not (torn and row.version > due):
                sentence = f"version {row.version} stands where version {due} of its stream belongs: {row.stream}"
                yield Finding("versions", sentence, position=row.position)
            versions[row.stream] = row.version
            owner = row.stream.partition("/")[0]
            if row.topic == ADMITTED:
                admitted.add(owner)
            elif owner not in admitted:
                strangers.setdefault(owner, row.position)
            if row.recorded_at < recorded_at:
                yield Finding(
                    "time_runs_backwards", "recorded before the event at the position before it", position=row.position
                )
            position, recorded_at = row.position, row.recorded_at
            yield from _event_findings(row)
        if progress is not None:
            progress(position)
    if not whole:
        return  # what is gone may have been their admission
    for owner in sorted(strangers.keys() - admitted, key=lambda owner: strangers[owner])[:SHOWN]:
        yield Finding("never_admitted", "nobody was ever admitted under this number", owner, position=strangers[owner])


def _event_findings(row: Row) -> Iterator[Finding]:
    """Yield what is wrong with the bytes of one event."""
    try:
        event = wire.decode(row.state)
        if event.topic != row.topic:
            yield Finding("topic", f"stored as {row.topic}, but says {event.topic}", position=row.position)
        if row.topic.startswith(ENTRY):
            entry_row(row)
    except wire.Undecodable as error:
        yield Finding("undecodable", f"{row.topic} does not decode: {error}", position=row.position)
    except ValueError as error:
        yield Finding("entry", f"{row.topic} is no event of an entry: {error}", position=row.position)


def _receipt_findings(ledger: Ledger, head: int) -> Iterator[Finding]:
    """Yield where receipts do not tell which command made which events: every event is of one, as events and their
    receipt are recorded in one transaction."""
    claimed = 0
    for first, events in ledger.reads.claims():
        if first < 1 or events < 1:
            yield Finding("receipt", f"a receipt is of {events} events from position {first}", position=first)
            continue
        if first > claimed + 1:
            yield _unclaimed(claimed + 1, first - 1)
        elif first <= claimed:
            yield Finding("receipt", "this position belongs to two receipts", position=first)
        claimed = max(claimed, first + events - 1)
    if claimed < head:
        yield _unclaimed(claimed + 1, head)
    elif claimed > (end := ledger.reads.end()):
        yield Finding("receipt", f"a receipt is of events up to {claimed}, and the ledger ends at {end}", position=end)


def _unclaimed(first: int, last: int) -> Finding:
    return Finding("receipt", f"positions {first} to {last} belong to no receipt", position=first)
