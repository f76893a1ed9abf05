"""The penalty kernel: the sessions that count to the threshold in the last ten school weeks, pupil by pupil.

The window is the last school weeks whose first session is on or before the day asked about; holidays use up none. In
it count the marks, on or before that day, whose code the policy counts, while on roll and of compulsory school age.
Sessions named in a standing notice issued by that day are not counted again (unless the policy says so): for the pupil
in any parent's notice, in a parent's own line in that parent's.

The threshold is about the pupil, so marks that a former school's record holds count too, in these same weeks, while the
pupil was not on this school's roll.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from ledger.case import Notice
from ledger.codes import UNRESOLVED, by_symbol
from ledger.policy import Policy
from ledger.received import ReceivedMark
from ledger.sessions import EPOCH_DAY
from projections.readmodel.frames import NEVER, UNREADABLE, Entries, Roll, joined, last_session, symbol_of


class Counted(NamedTuple):
    """A session that counts, the code it counts by, the position of the event that gave it, and of a former school's
    the URN."""

    session: int
    code: str
    position: int
    school: str = ""


class ParentLine(NamedTuple):
    """One parent's own count, and their standing notices about this pupil in the policy's years."""

    parent: str
    sessions: int
    met: bool
    met_on: int | None
    notices: int


class Window(NamedTuple):
    """One pupil's window: what counted, whether that meets the threshold, and the session that brought it there."""

    pupil: str
    counted: tuple[Counted, ...]
    met: bool
    met_on: int | None
    unresolved: int
    parents: tuple[ParentLine, ...]

    @property
    def tells(self) -> bool:
        """Whether a session counts in it, to the pupil or to a parent."""
        return bool(self.counted) or any(line.sessions for line in self.parents)


class Case(NamedTuple):
    """What penalty windows need to know of a pupil beside the marks: parents, notices, and marks of former schools, as
    known."""

    parents: tuple[str, ...]
    notices: tuple[Notice, ...]
    received: tuple[ReceivedMark, ...] = ()


NO_CASE = Case((), ())


class Rule(NamedTuple):
    """What a session must fulfil to count, by name, and a function to which of some marks do (a mask)."""

    name: str
    holds: Callable[[Entries], np.ndarray]


def rules_of(
    roll: Roll, weeks: Sequence[date], as_of: date, policy: Policy, *, elsewhere: bool = False
) -> tuple[Rule, ...]:
    """Return what a session must fulfil before any notice is looked at, in the order in which people are told."""
    codes = policy.codes.ids(policy.penalty_codes)
    numbers, last = [_number_of(monday) for monday in weeks], last_session(as_of)
    return (
        Rule("code", lambda marks: marks.coded(codes)),
        Rule("weeks", lambda marks: np.isin(week_of(marks.session), numbers) & (marks.session <= last)),
        *rules_of_pupil(roll, elsewhere=elsewhere),
    )


def rules_of_pupil(roll: Roll, *, elsewhere: bool = False) -> tuple[Rule, ...]:
    """Return what a session must fulfil whatever its code: on this school's roll, or `elsewhere`, at a former school,
    while on no roll here; and of compulsory school age."""

    def of_age(marks: Entries) -> np.ndarray:
        first, last = roll.school_age[marks.pupil].T
        return (first <= marks.session) & (marks.session <= last)

    return (
        Rule("roll", lambda marks: roll.holds(marks.pupil, marks.session) != elsewhere),
        Rule("age", of_age),
    )


def fulfilling(marks: Entries, rules: Iterable[Rule]) -> Entries:
    """Return the marks that fulfil every rule."""
    for rule in rules:
        marks = marks.where(rule.holds(marks))
    return marks


def failing(marks: Entries, rules: Iterable[Rule]) -> list[list[str]]:
    """Return for each mark the names of the rules that it does not fulfil, none for one that counts."""
    masks = [(rule.name, rule.holds(marks).tolist()) for rule in rules]
    return [[name for name, mask in masks if not mask[row]] for row in range(len(marks.session))]


def received_entries(received: Mapping[str, Sequence[ReceivedMark]], roll: Roll) -> Entries:
    """Return the marks of former schools, by pupil, as entries: in the order of the roll, and of each pupil's marks."""
    found = [
        (row, mark.session.number, known.id if (known := by_symbol(mark.code)) else UNREADABLE, mark.position, NEVER)
        for row, pupil in (enumerate(roll.pupils) if received else ())
        for mark in received.get(pupil, ())
    ]
    kinds = (np.int32, np.int32, np.uint8, np.int64, np.int64)
    columns = np.array(found, np.int64).reshape(-1, len(kinds)).T
    return Entries(roll.pupils, *(column.astype(kind) for column, kind in zip(columns, kinds, strict=True)))


def counted_marks(
    entries: Entries, roll: Roll, weeks: Sequence[date], as_of: date, cases: Mapping[str, Case], policy: Policy
) -> Entries:
    """Return the marks that count before any notice is looked at, here and at former schools, in order of pupil and
    session. `entries` and `cases` are as for `windows`."""
    marks = fulfilling(entries, rules_of(roll, weeks, as_of, policy))
    received = received_entries({pupil: case.received for pupil, case in cases.items() if case.received}, roll)
    if len(received.session):
        marks = joined([marks, fulfilling(received, rules_of(roll, weeks, as_of, policy, elsewhere=True))])
    return marks.take(np.lexsort((marks.session, marks.pupil)))


def windows(
    entries: Entries, roll: Roll, weeks: Sequence[date], as_of: date, cases: Mapping[str, Case], policy: Policy
) -> list[Window]:
    """Return the window of every pupil with a session that counts, or with one that only a parent's own line counts.

    `entries` are the marks as known, of the pupils of `roll` in its order; `weeks` the Mondays of the window.
    """
    by_pupil: dict[int, list[Counted]] = {}
    for pupil, counted in _told(counted_marks(entries, roll, weeks, as_of, cases, policy), cases):
        by_pupil.setdefault(pupil, []).append(counted)
    return [
        _window(roll.pupils[pupil], found, cases.get(roll.pupils[pupil], NO_CASE), as_of, policy)
        for pupil, found in by_pupil.items()
    ]


class Tally(NamedTuple):
    """Windows as columns, one number for each pupil of the roll: how many sessions count, whether that meets the
    threshold, the session that met it (0: none), how many are unresolved, and whether the window tells anything."""

    sessions: np.ndarray
    met: np.ndarray
    met_on: np.ndarray
    unresolved: np.ndarray
    tells: np.ndarray


def tally(
    entries: Entries, roll: Roll, weeks: Sequence[date], as_of: date, cases: Mapping[str, Case], policy: Policy
) -> Tally:
    """Return what `windows` comes to, without an object for every session: for many schools. `cases` need only be those
    of pupils with a notice or a record of a former school."""
    marks = counted_marks(entries, roll, weeks, as_of, cases, policy)
    pupils = len(roll.pupils)
    begin = np.searchsorted(marks.pupil, np.arange(pupils + 1))
    count = np.diff(begin)
    met = count >= policy.penalty_threshold
    met_on = np.zeros(pupils, np.int64)
    met_on[met] = marks.session[begin[:-1][met] + policy.penalty_threshold - 1]
    unknown = by_symbol(UNRESOLVED)
    assert unknown is not None
    unresolved = np.bincount(marks.pupil[marks.code == unknown.id], minlength=pupils)
    found = Tally(count, met, met_on, unresolved, count > 0)
    # A notice takes sessions away of a pupil here and there: those are counted one by one.
    rows = [row for row, pupil in enumerate(roll.pupils) if pupil in cases] if cases else []
    for row in rows:
        pupil, inside = roll.pupils[row], np.arange(begin[row], begin[row + 1])
        told = [counted for _, counted in _told(marks.take(inside), {pupil: cases[pupil]})]
        window = _window(pupil, told, cases[pupil], as_of, policy)
        said = len(window.counted), window.met, window.met_on or 0, window.unresolved, window.tells
        for column, value in zip(found, said, strict=True):
            column[row] = value
    return found


def _told(marks: Entries, cases: Mapping[str, Case]) -> Iterator[tuple[int, Counted]]:
    """Yield the sessions of these marks, each with its pupil's row."""
    schools = {mark.position: mark.school for case in cases.values() for mark in case.received}
    columns = (column.tolist() for column in marks[1:5])
    for pupil, session, code, position in zip(*columns, strict=True):
        yield pupil, Counted(session, symbol_of(code), position, schools.get(position, ""))


def empty_window(pupil: str, case: Case, as_of: date, policy: Policy) -> Window:
    """Return the window of a pupil in whose weeks nothing counts."""
    return _window(pupil, [], case, as_of, policy)


def _window(pupil: str, found: list[Counted], case: Case, as_of: date, policy: Policy) -> Window:
    standing = issued_by(case.notices, as_of)
    counted = _not_noticed(found, standing, policy)
    lines = tuple(_line(parent, found, standing, as_of, policy) for parent in case.parents)
    unresolved = sum(session.code == UNRESOLVED for session in counted)
    return Window(pupil, counted, *_verdict(counted, policy), unresolved, lines)


def _line(parent: str, found: list[Counted], standing: list[Notice], as_of: date, policy: Policy) -> ParentLine:
    own = [notice for notice in standing if notice.parent == parent]
    counted = _not_noticed(found, own, policy)
    notices = sum(notice.runs(as_of, policy) for notice in own)
    return ParentLine(parent, len(counted), *_verdict(counted, policy), notices)


def issued_by(notices: Iterable[Notice], day: date) -> list[Notice]:
    """Return the notices that were issued by a day and not withdrawn."""
    return [notice for notice in notices if not notice.withdrawn and notice.issued_on <= day]


def noticed(notices: Iterable[Notice], policy: Policy) -> set[int]:
    """Return the sessions, by number, that do not count again because one of these notices names them."""
    if policy.recount_noticed_sessions:
        return set()
    return {session.number for notice in notices for session in notice.sessions}


def rule_of_notices(notices: Iterable[Notice], policy: Policy) -> Rule:
    """Return that a session is in none of these notices, where the policy does not count those again."""
    numbers = sorted(noticed(notices, policy))
    return Rule("notice", lambda marks: ~np.isin(marks.session, numbers))


def _not_noticed(found: Iterable[Counted], notices: Iterable[Notice], policy: Policy) -> tuple[Counted, ...]:
    named = noticed(notices, policy)
    return tuple(counted for counted in found if counted.session not in named)


def meets(count: int, policy: Policy) -> bool:
    """Return whether so many sessions meet the threshold."""
    return count >= policy.penalty_threshold


def _verdict(counted: Sequence[Counted], policy: Policy) -> tuple[bool, int | None]:
    """Return whether the threshold is met and the session that met it, the tenth in order of time."""
    met = meets(len(counted), policy)
    return met, counted[policy.penalty_threshold - 1].session if met else None


def week_of(sessions: np.ndarray) -> np.ndarray:
    """Return the week of each session number, counted from Monday 29 December 1969."""
    return (sessions // 2 + 3) // 7


def monday_of(week: int) -> date:
    """Return the Monday that a week begins with."""
    return date.fromordinal(7 * week - 3 + EPOCH_DAY)


def _number_of(monday: date) -> int:
    return (monday.toordinal() - EPOCH_DAY + 3) // 7
