"""The penalty kernel: the sessions that count to the threshold in the last ten school weeks, pupil by pupil.

The window is the last school weeks whose first session is on or before the day asked about; holidays use up none. In
it count the marks, on or before that day, whose code the policy counts, while on roll and of compulsory school age.
Sessions named in a standing notice issued by that day are not counted again (unless the policy says so): for the pupil
in any parent's notice, in a parent's own line in that parent's.

The threshold is about the pupil, so marks that a former school's record holds count too, in these same weeks, while the
pupil was not on this school's roll.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, overload

import msgspec
import numpy as np

from ledger.case import Notice
from ledger.codes import UNRESOLVED, by_symbol
from ledger.notices import running
from ledger.policy import Policy
from ledger.received import ReceivedMark
from ledger.sessions import EPOCH_DAY, Session
from projections.asking.questions import Answer, Header
from projections.readmodel.frames import NEVER, UNREADABLE, Entries, Roll, joined, last_session, symbol_of


class CountedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that counts, the code it counts by, and the position and time of the event that gave it. `school` is
    the URN of the former school whose record holds it, and there for no other: the event is then its receipt."""

    session: Session
    code: str
    position: int
    recorded_at: str
    school: str | msgspec.UnsetType = msgspec.UNSET


class ParentLine(msgspec.Struct, frozen=True, kw_only=True):
    """One parent's own count, and their standing notices about this pupil in the policy's years."""

    parent: str
    count: int
    met: bool
    met_on: Session | None
    notices_in_three_years: int


class PenaltyWindow(Answer, frozen=True, kw_only=True):
    """One pupil's window, by the Mondays of its weeks: what counted, whether that meets the threshold, and the session
    that brought it there."""

    weeks: list[date]
    threshold: int
    count: int
    met: bool
    met_on: Session | None
    unresolved: int
    sessions: list[CountedSession]
    parents: list[ParentLine]

    @property
    def tells(self) -> bool:
        """Whether a session counts in it, to the pupil or to a parent."""
        return bool(self.count) or any(line.count for line in self.parents)


class Background(NamedTuple):
    """What penalty windows need to know of a pupil beside the marks: parents, notices, and marks of former schools, as
    known."""

    parents: tuple[str, ...]
    notices: tuple[Notice, ...]
    received: tuple[ReceivedMark, ...] = ()


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
    cells = [
        (row, mark.session.number, known.id if (known := by_symbol(mark.code)) else UNREADABLE, mark.position, NEVER)
        for row, pupil in (enumerate(roll.pupils) if received else ())
        for mark in received.get(pupil, ())
    ]
    kinds = (np.int32, np.int32, np.uint8, np.int64, np.int64)
    columns = np.array(cells, np.int64).reshape(-1, len(kinds)).T
    return Entries(roll.pupils, *(column.astype(kind) for column, kind in zip(columns, kinds, strict=True)))


def counted_marks(
    entries: Entries, roll: Roll, weeks: Sequence[date], as_of: date, pupils: Mapping[str, Background], policy: Policy
) -> Entries:
    """Return the marks that count before any notice is looked at, here and at former schools, in order of pupil and
    session.

    `entries` are the marks as known, of the pupils of `roll` in its order; `weeks` the Mondays of the window. `pupils`
    need only hold those with a record of a former school.
    """
    marks = fulfilling(entries, rules_of(roll, weeks, as_of, policy))
    received = received_entries({pupil: known.received for pupil, known in pupils.items() if known.received}, roll)
    if len(received.session):
        marks = joined([marks, fulfilling(received, rules_of(roll, weeks, as_of, policy, elsewhere=True))])
    return marks.take(np.lexsort((marks.session, marks.pupil)))


def counted_sessions(
    marks: Entries, recorded: Mapping[int, str], received: Iterable[ReceivedMark] = ()
) -> dict[str, list[CountedSession]]:
    """Return marks as sessions, by pupil; `recorded` says when each position was, and those of `received` are a former
    school's."""
    schools = {mark.position: mark.school for mark in received}
    sessions: dict[str, list[CountedSession]] = defaultdict(list)
    columns = (column.tolist() for column in marks[1:5])
    for row, number, code, position in zip(*columns, strict=True):
        sessions[marks.pupils[row]].append(
            CountedSession(
                session=Session.from_number(number),
                code=symbol_of(code),
                position=position,
                recorded_at=recorded[position],
                school=schools.get(position, msgspec.UNSET),
            )
        )
    return sessions


def window(
    header: Header,
    weeks: Sequence[date],
    counted: Sequence[CountedSession],
    known: Background,
    as_of: date,
    policy: Policy,
) -> PenaltyWindow:
    """Return one pupil's window from the sessions that count before any notice is looked at."""
    sessions = _not_noticed(counted, issued_by(known.notices, as_of), policy)
    met_on = _met_on(sessions, policy)
    return PenaltyWindow(
        **header,
        weeks=list(weeks),
        threshold=policy.penalty_threshold,
        count=len(sessions),
        met=met_on is not None,
        met_on=met_on,
        unresolved=sum(each.code == UNRESOLVED for each in sessions),
        sessions=sessions,
        parents=[_line(parent, counted, known, as_of, policy) for parent in known.parents],
    )


def _line(parent: str, counted: Sequence[CountedSession], known: Background, as_of: date, policy: Policy) -> ParentLine:
    sessions = _not_noticed(counted, issued_by(known.notices, as_of, parent), policy)
    met_on = _met_on(sessions, policy)
    return ParentLine(
        parent=parent,
        count=len(sessions),
        met=met_on is not None,
        met_on=met_on,
        notices_in_three_years=len(running(known.notices, parent, as_of, policy)),
    )


class Tally(NamedTuple):
    """Windows as columns, one number for each pupil of the roll: how many sessions count, whether that meets the
    threshold, the session that met it (0: none), how many are unresolved, and whether the window tells anything."""

    sessions: np.ndarray
    met: np.ndarray
    met_on: np.ndarray
    unresolved: np.ndarray
    tells: np.ndarray


def tally(
    entries: Entries, roll: Roll, weeks: Sequence[date], as_of: date, pupils: Mapping[str, Background], policy: Policy
) -> Tally:
    """Return what `window` comes to for every pupil, without an object for every session: for many schools. `pupils`
    need only hold those with a notice or a record of a former school."""
    counted = counted_marks(entries, roll, weeks, as_of, pupils, policy)
    marks = counted.where(~_named(counted, pupils, as_of, policy))
    begin = _begins(marks)
    count = np.diff(begin)
    met = meets(count, policy)
    met_on = np.zeros(len(count), np.int64)
    met_on[met] = marks.session[begin[:-1][met] + policy.penalty_threshold - 1]
    unknown = by_symbol(UNRESOLVED)
    assert unknown is not None
    unresolved = np.bincount(marks.pupil[marks.code == unknown.id], minlength=len(count))
    tells, begin = count > 0, _begins(counted)
    # Where notices leave nothing of what counted, a parent who had none of them may still be told of it.
    for row in np.flatnonzero((np.diff(begin) > 0) & ~tells).tolist():
        known, own = pupils[roll.pupils[row]], counted.take(np.arange(begin[row], begin[row + 1]))
        lines = (rule_of_notices(issued_by(known.notices, as_of, each), policy).holds(own) for each in known.parents)
        tells[row] = any(line.any() for line in lines)
    return Tally(count, met, met_on, unresolved, tells)


def _named(marks: Entries, pupils: Mapping[str, Background], as_of: date, policy: Policy) -> np.ndarray:
    """Return a mask of the marks whose session a standing notice of the pupil names, whoever the parent is."""
    keys = [
        (row << 32) + session.number
        for row, pupil in (enumerate(marks.pupils) if pupils else ())
        if pupil in pupils
        for session in noticed(issued_by(pupils[pupil].notices, as_of), policy)
    ]
    if not keys:
        return np.zeros(len(marks.session), bool)
    return np.isin((marks.pupil.astype(np.int64) << 32) + marks.session, keys)


def _begins(marks: Entries) -> np.ndarray:
    """Return at which row each pupil's marks begin, and behind the last pupil's the end."""
    return np.searchsorted(marks.pupil, np.arange(len(marks.pupils) + 1))


def issued_by(notices: Iterable[Notice], day: date, parent: str | None = None) -> list[Notice]:
    """Return the notices, of one parent or of all, that were issued by a day and not withdrawn."""
    own = (notice for notice in notices if parent in (None, notice.parent))
    return [notice for notice in own if not notice.withdrawn and notice.issued_on <= day]


def noticed(notices: Iterable[Notice], policy: Policy) -> set[Session]:
    """Return the sessions that do not count again because one of these notices names them."""
    if policy.recount_noticed_sessions:
        return set()
    return {session for notice in notices for session in notice.sessions}


def rule_of_notices(notices: Iterable[Notice], policy: Policy) -> Rule:
    """Return that a session is in none of these notices, where the policy does not count those again."""
    numbers = sorted(session.number for session in noticed(notices, policy))
    return Rule("notice", lambda marks: ~np.isin(marks.session, numbers))


def _not_noticed(counted: Iterable[CountedSession], notices: Iterable[Notice], policy: Policy) -> list[CountedSession]:
    named = noticed(notices, policy)
    return [each for each in counted if each.session not in named]


@overload
def meets(count: int, policy: Policy) -> bool: ...
@overload
def meets(count: np.ndarray, policy: Policy) -> np.ndarray: ...
def meets(count: int | np.ndarray, policy: Policy) -> bool | np.ndarray:
    """Return whether so many sessions meet the threshold."""
    return count >= policy.penalty_threshold


def _met_on(sessions: Sequence[CountedSession], policy: Policy) -> Session | None:
    """Return the session that met the threshold, the tenth in order of time; None where it is not met."""
    return sessions[policy.penalty_threshold - 1].session if meets(len(sessions), policy) else None


def week_of(sessions: np.ndarray) -> np.ndarray:
    """Return the week of each session number, counted from Monday 29 December 1969."""
    return (sessions // 2 + 3) // 7


def _number_of(monday: date) -> int:
    return (monday.toordinal() - EPOCH_DAY + 3) // 7
