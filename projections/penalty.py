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

from ledger.case import Notice, recent
from ledger.codes import CODES, by_symbol
from ledger.policy import Policy
from ledger.received import ReceivedMark
from ledger.sessions import EPOCH_DAY, monday
from projections.frames import Entries, Roll, last_session

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


def windows(
    entries: Entries, roll: Roll, weeks: Sequence[date], as_of: date, cases: Mapping[str, Case], policy: Policy
) -> list[Window]:
    """Return the window of every pupil with a session that counts, or with one that only a parent's own line counts.

    `entries` are the marks as known, of the pupils of `roll` in its order; `weeks` the Mondays of the window.
    """
    codes = np.zeros(256, bool)
    codes[[code.id for symbol in policy.penalty_codes if (code := by_symbol(symbol))]] = True
    marks = entries.where(codes[entries.code] & (entries.session <= last_session(as_of)))
    marks = marks.where(np.isin(_week(marks.session), [_week_of(monday) for monday in weeks]))
    age = roll.school_age[marks.pupil]
    marks = marks.where((age[:, 0] <= marks.session) & (marks.session <= age[:, 1]))
    marks = marks.where(roll.holds(marks.pupil, marks.session))
    by_pupil: dict[int, list[Counted]] = {}
    for row in np.lexsort((marks.session, marks.pupil)):
        counted = Counted(int(marks.session[row]), CODES[marks.code[row]].symbol, int(marks.from_position[row]))
        by_pupil.setdefault(int(marks.pupil[row]), []).append(counted)
    for row, pupil in enumerate(roll.pupils):
        if pupil in cases and (elsewhere := _elsewhere(cases[pupil].received, roll, row, weeks, as_of, policy)):
            by_pupil[row] = sorted([*by_pupil.get(row, []), *elsewhere])
    return [
        _window(roll.pupils[pupil], found, cases.get(roll.pupils[pupil], Case((), ())), as_of, policy)
        for pupil, found in by_pupil.items()
    ]


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
    notices = recent((notice.issued_on for notice in own), as_of, policy.notices_from, policy.notices_years)
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


def _week(sessions: np.ndarray) -> np.ndarray:
    """Return the week of each session number, counted from Monday 29 December 1969."""
    return (sessions // 2 + 3) // 7


def _week_of(monday: date) -> int:
    return (monday.toordinal() - EPOCH_DAY + 3) // 7
