"""The penalty kernel: the sessions that count to the threshold in the last ten school weeks, pupil by pupil.

The window is the last school weeks whose first session is on or before the day asked about; holidays use up none. In
it count the marks, on or before that day, whose code the policy counts, while on roll and of compulsory school age.
Sessions named in a standing notice issued by that day are not counted again (unless the policy says so): for the pupil
in any parent's notice, in a parent's own line in that parent's.

The threshold is about the pupil, so marks that a former school's record holds count too, in these same weeks, while the
pupil was not on this school's roll.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from ledger.case import Notice
from ledger.codes import by_symbol
from ledger.policy import Policy
from ledger.received import ReceivedMark
from ledger.sessions import EPOCH_DAY, monday
from projections.frames import Entries, Roll, last_session, symbol_of

# A register with this code still owes its reason, so a referral that rests on it is sent back.
UNRESOLVED = "N"


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


def windows(
    entries: Entries, roll: Roll, weeks: Sequence[date], as_of: date, cases: Mapping[str, Case], policy: Policy
) -> list[Window]:
    """Return the window of every pupil with a session that counts, or with one that only a parent's own line counts.

    `entries` are the marks as known, of the pupils of `roll` in its order; `weeks` the Mondays of the window.
    """
    marks = counted_marks(entries, roll, weeks, as_of, policy)
    by_pupil: dict[int, list[Counted]] = {}
    for pupil, *rest in zip(*(column.tolist() for column in marks[1:5]), strict=True):
        by_pupil.setdefault(pupil, []).append(_counted(*rest))
    for row, pupil in enumerate(roll.pupils):
        if pupil in cases and (elsewhere := _elsewhere(cases[pupil].received, roll, row, weeks, as_of, policy)):
            by_pupil[row] = sorted([*by_pupil.get(row, []), *elsewhere])
    return [
        _window(roll.pupils[pupil], found, cases.get(roll.pupils[pupil], NO_CASE), as_of, policy)
        for pupil, found in by_pupil.items()
    ]


def counted_marks(entries: Entries, roll: Roll, weeks: Sequence[date], as_of: date, policy: Policy) -> Entries:
    """Return the marks that count before any notice is looked at, in order of pupil and session."""
    codes = policy.codes.ids(policy.penalty_codes)
    marks = entries.where(entries.coded(codes))
    inside = np.isin(week_of(marks.session), [_number_of(monday) for monday in weeks])
    marks = marks.where(inside & (marks.session <= last_session(as_of)))
    age = roll.school_age[marks.pupil]
    of_age = (age[:, 0] <= marks.session) & (marks.session <= age[:, 1])
    marks = marks.where(of_age & roll.holds(marks.pupil, marks.session))
    return marks.take(np.lexsort((marks.session, marks.pupil)))


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
    marks = counted_marks(entries, roll, weeks, as_of, policy)
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
    # A notice takes sessions away, and a record adds some, of a pupil here and there: those are counted one by one.
    rows = [row for row, pupil in enumerate(roll.pupils) if pupil in cases] if cases else []
    for row in rows:
        inside = slice(begin[row], begin[row + 1])
        told = [_counted(*each) for each in zip(*(column[inside].tolist() for column in marks[2:5]), strict=True)]
        case = cases[roll.pupils[row]]
        told = sorted([*told, *_elsewhere(case.received, roll, row, weeks, as_of, policy)])
        window = _window(roll.pupils[row], told, case, as_of, policy)
        said = len(window.counted), window.met, window.met_on or 0, window.unresolved, window.tells
        for column, value in zip(found, said, strict=True):
            column[row] = value
    return found


def _counted(session: int, code: int, position: int) -> Counted:
    return Counted(session, symbol_of(code), position)


def _elsewhere(
    received: Iterable[ReceivedMark], roll: Roll, row: int, weeks: Sequence[date], as_of: date, policy: Policy
) -> list[Counted]:
    """Return the sessions at former schools that count in these weeks."""
    counted = []
    for mark in received:
        day, number = mark.session.day, mark.session.number
        here = bool(((roll.first[row] <= number) & (number <= roll.last[row])).any())
        of_age = roll.school_age[row, 0] <= number <= roll.school_age[row, 1]
        if mark.code in policy.penalty_codes and day <= as_of and monday(day) in weeks and of_age and not here:
            counted.append(Counted(number, mark.code, mark.position, mark.school))
    return counted


def empty_window(pupil: str, case: Case, as_of: date, policy: Policy) -> Window:
    """Return the window of a pupil in whose weeks nothing counts."""
    return _window(pupil, [], case, as_of, policy)


def _window(pupil: str, found: list[Counted], case: Case, as_of: date, policy: Policy) -> Window:
    standing = [notice for notice in case.notices if not notice.withdrawn and notice.issued_on <= as_of]
    counted = _not_noticed(found, standing, policy)
    lines = tuple(_line(parent, found, standing, as_of, policy) for parent in case.parents)
    unresolved = sum(session.code == UNRESOLVED for session in counted)
    return Window(pupil, counted, *_verdict(counted, policy), unresolved, lines)


def _line(parent: str, found: list[Counted], standing: list[Notice], as_of: date, policy: Policy) -> ParentLine:
    own = [notice for notice in standing if notice.parent == parent]
    counted = _not_noticed(found, own, policy)
    notices = sum(notice.runs(as_of, policy) for notice in own)
    return ParentLine(parent, len(counted), *_verdict(counted, policy), notices)


def _not_noticed(found: Iterable[Counted], notices: Iterable[Notice], policy: Policy) -> tuple[Counted, ...]:
    if policy.recount_noticed_sessions:
        return tuple(found)
    named = {session.number for notice in notices for session in notice.sessions}
    return tuple(counted for counted in found if counted.session not in named)


def _verdict(counted: Sequence[Counted], policy: Policy) -> tuple[bool, int | None]:
    """Return whether the threshold is met and the session that met it, the tenth in order of time."""
    met = len(counted) >= policy.penalty_threshold
    return met, counted[policy.penalty_threshold - 1].session if met else None


def week_of(sessions: np.ndarray) -> np.ndarray:
    """Return the week of each session number, counted from Monday 29 December 1969."""
    return (sessions // 2 + 3) // 7


def monday_of(week: int) -> date:
    """Return the Monday that a week begins with."""
    return date.fromordinal(7 * week - 3 + EPOCH_DAY)


def _number_of(monday: date) -> int:
    return (monday.toordinal() - EPOCH_DAY + 3) // 7
