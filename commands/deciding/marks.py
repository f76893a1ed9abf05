"""Marks: the register taken and closed, one mark, an arrival, an amendment.

Each decision first refuses by the rules in the order of its docstring, then returns the facts. None of them ever
touches a mark that is there already, except an amendment, which leaves it in the entry for ever."""

from __future__ import annotations

from datetime import datetime

from commands.deciding.declaration import decides
from commands.deciding.state import Decided, Fact, State, signed
from commands.models.marks import AmendMark, CloseRegister, LogArrival, Mark, RecordMark, TakeRegister
from ledger.arrival import code_of_arrival
from ledger.codes import UNRESOLVED
from ledger.errors import Refused
from ledger.events import ArrivalLogged, MarkAmended, MarkRecorded, RegisterClosed, RegisterTaken
from ledger.school import School
from ledger.sessions import Session, format_clock, school_year
from ledger.streams import entry_stream, follow_up_stream, register_stream


def check_code(symbol: str, detail: str, pupil: str, session: Session, state: State) -> None:
    """Refuse a code that may not stand: code_unknown, code_not_in_force, code_is_administrative,
    code_not_for_this_half, code_not_for_this_age, code_needs_detail, the first that applies."""
    code = state.policy(session.day).codes.by_symbol(symbol)
    if code is None:
        raise Refused("code_unknown", field="code", value=symbol)
    if not code.in_force(session.day):
        raise Refused("code_not_in_force", field="code", value=symbol)
    if code.administrative:
        raise Refused("code_is_administrative", field="code", value=symbol)
    if code.half not in (None, session.half):
        raise Refused("code_not_for_this_half", field="code", value=symbol)
    of_school_age = state.school.pupils[pupil].of_school_age(session.day)
    if (code.csa_only and not of_school_age) or (code.ncsa_only and of_school_age):
        raise Refused("code_not_for_this_age", field="code", value=symbol)
    if code.detail_required and not detail:
        raise Refused("code_needs_detail", field="detail")


def _own_entry(command: RecordMark | AmendMark | LogArrival, school: School) -> list[str]:
    return [entry_stream(command.pupil, command.session)]


def _register_and_entries(command: TakeRegister, school: School) -> list[str]:
    entries = [entry_stream(pupil, command.session) for pupil in command.marks]
    return [register_stream(command.session, command.class_name), *entries]


def _registers_and_entries(command: CloseRegister, school: School) -> list[str]:
    day, session = command.session.day, command.session
    classes = school.classes_on(day) if command.class_name is None else [command.class_name]
    registers = [register_stream(session, class_name) for class_name in classes]
    return registers + [entry_stream(pupil, session) for pupil in school.pupils_on(day, command.class_name)]


@decides(RecordMark, reads=_own_entry, hopeful=True)
def record_mark(command: RecordMark, state: State, now: datetime) -> Decided:
    """Return the original entry; nothing where it says the same already.

    Refuses: pupil_not_on_roll (on the session's day), not_a_session, session_in_the_future, the code rules,
    already_marked.
    """
    by, session = signed(command.by), command.session
    state.check_on_roll(command.pupil, [session.day])
    state.check_sessions([session])
    state.check_begun(session, now)
    check_code(command.code, command.detail, command.pupil, session, state)
    entry = state.entry(command.pupil, session)
    if entry.says(command.code, command.detail):
        return Decided([])
    if entry.exists:
        raise Refused("already_marked", field="session", value=session)
    mark = MarkRecorded(by=by, code=command.code, detail=command.detail, via="mark")
    return Decided([Fact(entry_stream(command.pupil, session), mark)])


@decides(TakeRegister, reads=_register_and_entries, hopeful=True)
def take_register(command: TakeRegister, state: State, now: datetime) -> Decided:
    """Return the register's event and one original entry for each pupil named, all or nothing.

    A pupil who is marked already (the Late Book came first) keeps that mark and is named in `kept`; one left out stays
    unmarked. Refuses: pupil_not_on_roll, not_a_session, session_in_the_future, class_unknown, register_already_taken,
    pupil_not_in_class, the code rules.
    """
    by, session, class_name = signed(command.by), command.session, command.class_name
    members = set(state.school.pupils_on(session.day, class_name))
    strangers = sorted(command.marks.keys() - members)
    for pupil in strangers:
        state.check_on_roll(pupil, [session.day])
    state.check_sessions([session])
    state.check_begun(session, now)
    if not members:
        raise Refused("class_unknown", field="class", value=class_name)
    if state.register(session, class_name).taken:
        raise Refused("register_already_taken", field="class", value=class_name)
    if strangers:
        raise Refused("pupil_not_in_class", field="pupil", value=strangers[0])
    marks: list[Fact] = []
    kept: list[str] = []
    checked: set[tuple[str, bool, bool]] = set()
    for pupil, given in sorted(command.marks.items()):
        code, detail = (given.code, given.detail) if isinstance(given, Mark) else (given, "")
        # The rules of a code ask for no more than this, and most of a class has the same one.
        asked = (code, bool(detail), state.school.pupils[pupil].of_school_age(session.day))
        if asked not in checked:
            check_code(code, detail, pupil, session, state)
            checked.add(asked)
        stream = entry_stream(pupil, session)
        if state.entry_at(stream).exists:
            kept.append(pupil)
        else:
            marks.append(Fact(stream, MarkRecorded(by=by, code=code, detail=detail)))
    taken = Fact(register_stream(session, class_name), RegisterTaken(by=by, marked=len(marks)))
    return Decided([taken, *marks], tuple(kept))


@decides(CloseRegister, reads=_registers_and_entries)
def close_register(command: CloseRegister, state: State, now: datetime) -> Decided:
    """Return a mark for every unmarked pupil on roll: the granted code, citing the decision; the closure's code; else
    N.

    Closing again marks nobody twice; where nobody is left to mark, nothing is written. Refuses: not_a_session,
    session_in_the_future, class_unknown.
    """
    by, session = signed(command.by), command.session
    state.check_sessions([session])
    state.check_begun(session, now)
    classes = state.school.classes_on(session.day)
    if command.class_name is not None and command.class_name not in classes:
        raise Refused("class_unknown", field="class", value=command.class_name)
    facts: list[Fact] = []
    for class_name in classes if command.class_name is None else [command.class_name]:
        members = state.school.pupils_on(session.day, class_name)
        unmarked = [pupil for pupil in members if not state.entry(pupil, session).exists]
        # The first closing is a fact even where everyone is marked; a later one only where it marks somebody.
        if unmarked or not state.register(session, class_name).closed:
            facts.append(Fact(register_stream(session, class_name), RegisterClosed(by=by, marked=len(unmarked))))
        for pupil in unmarked:
            expected = state.school.expected(pupil, session)
            code, cites = expected or (UNRESOLVED, "")
            facts.append(Fact(entry_stream(pupil, session), MarkRecorded(by=by, code=code, via="close", cites=cites)))
    return Decided(facts)


@decides(AmendMark, reads=_own_entry)
def amend_mark(command: AmendMark, state: State, now: datetime) -> Decided:
    """Return the amendment of one entry; the original stays in the register.

    Nothing where the entry says the same already. Refuses: pupil_not_on_roll, not_a_session, nothing_to_amend,
    entry_unreadable, the code rules, reason_required.
    """
    by, session = signed(command.by), command.session
    state.check_on_roll(command.pupil, [session.day])
    state.check_sessions([session])
    entry = state.entry(command.pupil, session)
    if not entry.exists:
        raise Refused("nothing_to_amend", field="session", value=session)
    if not entry.readable:
        raise Refused("entry_unreadable", field="session", value=session)
    check_code(command.code, command.detail, command.pupil, session, state)
    if not command.reason:
        raise Refused("reason_required", field="reason")
    if entry.says(command.code, command.detail):
        return Decided([])
    amendment = MarkAmended(by=by, code=command.code, replaces=entry.code, detail=command.detail, reason=command.reason)
    return Decided([Fact(entry_stream(command.pupil, session), amendment)])


@decides(LogArrival, reads=_own_entry)
def log_arrival(command: LogArrival, state: State, now: datetime) -> Decided:
    """Return a line of the Late Book and, where the entry is open to it, the mark that it makes.

    Unmarked: the code of that minute is recorded. N: amended to the same. Any other mark stands, and the arrival alone
    is logged. Refuses: pupil_not_on_roll, not_a_session, session_in_the_future, arrival_in_the_future, session_over,
    the code rules.
    """
    by, session, pupil = signed(command.by), command.session, command.pupil
    state.check_on_roll(pupil, [session.day])
    state.check_sessions([session])
    state.check_begun(session, now)
    if command.arrived_at > now:
        raise Refused("arrival_in_the_future", field="arrived_at")
    if command.arrived_at > state.school.calendar.ends(session):
        raise Refused("session_over", field="arrived_at")
    if (code := command.code) is None:
        calendar, late_book = state.school.calendar, state.policy(session.day).late_book_lasts
        opens, closes = calendar.opens(session), calendar.closes(session)
        code = code_of_arrival(session, command.arrived_at, opens, closes, late_book)
    check_code(code, command.detail, pupil, session, state)
    logged = ArrivalLogged(by=by, session=str(session), arrived_at=command.arrived_at, code=code, reason=command.reason)
    line = Fact(follow_up_stream(pupil, school_year(session.day)), logged)
    entry = state.entry(pupil, session)
    if not entry.exists:
        mark = MarkRecorded(by=by, code=code, detail=command.detail, via="arrival")
        return Decided([line, Fact(entry_stream(pupil, session), mark)])
    if entry.code == UNRESOLVED and entry.readable and code != UNRESOLVED:
        reason = command.reason or f"arrived at {format_clock(command.arrived_at).removesuffix(':00')}"
        amendment = MarkAmended(
            by=by, code=code, replaces=entry.code, detail=command.detail, reason=reason, via="arrival"
        )
        return Decided([line, Fact(entry_stream(pupil, session), amendment)])
    return Decided([line], (pupil,))
