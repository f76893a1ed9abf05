"""The punctuality kernel: who was late, how often, by how many minutes, on which days of the week, and how recently.

Late is what the register says: L, who came before it closed, and U, who came after and is absent for the session. The
two are never added into one figure without saying so. A code knows no minute, so minutes come from the Late Book, and a
late session that nobody logged has none: it is counted as unknown, never as zero.

A minute is counted from the opening of registration, when the register is taken and the session begins, and only when
it is over: who comes at 09:00:01 to a register that opened at 08:55 missed 5 minutes. The Late Book begins later than
that (nobody before it is late), but lateness, once there is any, is measured from where the lesson began.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import numpy as np

from ledger.codes import CODES, CodeTable
from ledger.policy import Policy
from ledger.sessions import micros
from projections.readmodel.frames import Entries, Roll, first_session, having

LATE, VERY_LATE = "L", "U"
UNKNOWN = -1  # minutes of a late session whose arrival nobody logged
SCHOOL_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")
WEEK = 14  # session numbers from one Monday to the next
MINUTE = 60_000_000  # microseconds


def _table(*symbols: str) -> np.ndarray:
    table = np.zeros(256, bool)
    table[[code.id for code in CODES if code.symbol in symbols]] = True
    return table


_LATE, _VERY_LATE = _table(LATE), _table(VERY_LATE)


class Arrivals(NamedTuple):
    """Logged arrivals, each session once: `pupil` indexes the frame's pupils, `session` is a number, `minutes` whole
    minutes after registration opened."""

    pupil: np.ndarray
    session: np.ndarray
    minutes: np.ndarray


class Lateness(NamedTuple):
    """Counts by pupil, each an array in the order of the frame's pupils; `weekdays` has a column for each of Monday to
    Friday. `on_site` are the sessions a pupil came to, on time or not. `counted` are the late marks, in order of pupil
    and session, and `minutes_of` the minutes of each, UNKNOWN where nobody logged them."""

    late: np.ndarray
    very_late: np.ndarray
    on_site: np.ndarray
    minutes: np.ndarray
    unknown: np.ndarray
    weekdays: np.ndarray
    counted: Entries
    minutes_of: np.ndarray


def minutes_late(arrived_at: datetime, opens: datetime) -> int:
    """Return the whole minutes from the opening of registration to an arrival; none for one before it."""
    return max(0, (micros(arrived_at) - micros(opens)) // MINUTE)


def lateness(entries: Entries, roll: Roll, arrivals: Arrivals, since: int, until: int, codes: CodeTable) -> Lateness:
    """Return the lateness of sessions from `since` to `until` (numbers, inclusive) while on roll.

    `entries` are the marks as known, of the pupils of `roll` in its order.
    """
    on_site = having(codes, "on_site")[entries.code]
    marks = entries.where((entries.session >= since) & (entries.session <= until) & on_site)
    marks = marks.where(roll.holds(marks.pupil, marks.session))
    counted = marks.where(_LATE[marks.code] | _VERY_LATE[marks.code])
    order = np.lexsort((counted.session, counted.pupil))
    counted = Entries(counted.pupils, *(column[order] for column in counted[1:]))
    minutes_of = _joined(counted, arrivals)
    known = minutes_of != UNKNOWN
    weekday = (counted.session // 2 + 3) % 7  # day 0 was a Thursday
    size = len(roll.pupils)
    weekdays = np.bincount(counted.pupil * 7 + weekday, minlength=size * 7).reshape(size, 7)
    return Lateness(
        late=np.bincount(counted.pupil[_LATE[counted.code]], minlength=size),
        very_late=np.bincount(counted.pupil[_VERY_LATE[counted.code]], minlength=size),
        on_site=np.bincount(marks.pupil, minlength=size),
        minutes=_sum(counted.pupil[known], minutes_of[known], size),
        unknown=np.bincount(counted.pupil[~known], minlength=size),
        weekdays=weekdays[:, : len(SCHOOL_DAYS)],
        counted=counted,
        minutes_of=minutes_of,
    )


def _sum(pupil: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    total = np.zeros(size, np.int64)
    np.add.at(total, pupil, values)
    return total


def _joined(counted: Entries, arrivals: Arrivals) -> np.ndarray:
    """Return the minutes of each late mark."""
    key, wanted = _key(arrivals.pupil, arrivals.session), _key(counted.pupil, counted.session)
    order = np.argsort(key)
    place = np.searchsorted(key[order], wanted)
    minutes = np.full(len(wanted), UNKNOWN, np.int64)
    held = place < len(key)
    held[held] = key[order][place[held]] == wanted[held]
    minutes[held] = arrivals.minutes[order][place[held]]
    return minutes


def _key(pupil: np.ndarray, session: np.ndarray) -> np.ndarray:
    return pupil.astype(np.int64) << 32 | session.astype(np.int64)


class Concern(NamedTuple):
    """By pupil: late sessions in the policy's school weeks, and whether they make punctuality a concern (a letter) or
    persistent (a meeting)."""

    sessions: np.ndarray
    letter: np.ndarray
    meeting: np.ndarray


def concern(counted: Entries, weeks: Sequence[date], policy: Policy, after: np.ndarray | None = None) -> Concern:
    """Return how often each pupil was late recently: `counted` sessions within these weeks (Mondays, oldest first).

    `after` holds for each pupil the last session that is not counted any more, because somebody met the parents then.
    """
    recent = counted.where(_within(counted.session, weeks))
    if after is not None:
        recent = recent.where(recent.session > after[recent.pupil])
    sessions = np.bincount(recent.pupil, minlength=len(counted.pupils))
    return Concern(
        sessions, sessions >= policy.punctuality_letter_sessions, sessions >= policy.punctuality_meeting_sessions
    )


def _within(sessions: np.ndarray, weeks: Sequence[date]) -> np.ndarray:
    """Return which session numbers lie in one of these weeks."""
    if not weeks:
        return np.zeros(len(sessions), bool)
    begins = np.array([first_session(monday) for monday in weeks], np.int64)
    place = np.searchsorted(begins, sessions, "right") - 1
    return (place >= 0) & (sessions < begins[place] + WEEK)
