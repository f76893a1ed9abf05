"""A slow reading of the procedures that count days and sessions, to hold kernels against.

Like the slow model it wants to be checked by reading it: marks are plain tuples of a pupil, a session such as
`2025-06-03/AM` and the code that stands, a calendar is the list of the school's days, and every question is answered by
walking through them. It imports nothing of the product, so that an error has to be made twice to go unseen. Numbers and
codes of a policy are arguments.

Whoever asks has already chosen what is known: one mark for each pupil and session, as it stood at the moment. Marks on
days that are no school days, and marks while not on roll, are left out here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

HALVES = ("AM", "PM")


class Mark(NamedTuple):
    pupil: str
    session: str
    code: str


class Child(NamedTuple):
    """A pupil: days on roll and of compulsory school age, each first and last day inclusive; None while not left."""

    pupil: str
    roll: list[tuple[date, date | None]]
    school_age: tuple[date, date]

    def on_roll(self, day: date) -> bool:
        return any(first <= day and (last is None or day <= last) for first, last in self.roll)

    def of_school_age(self, day: date) -> bool:
        return self.school_age[0] <= day <= self.school_age[1]


class Run(NamedTuple):
    """School days in a row: the first, the last so far, how many, and the day on which there were enough."""

    first: date
    last: date
    days: int
    reached_on: date


class Sickness(NamedTuple):
    """One pupil's days of illness in one school year: all of them, the day that made them enough (None while they are
    not), and the stretches of consecutive school days that they form."""

    days: list[date]
    reached_on: date | None
    periods: list[tuple[date, date]]


class Lateness(NamedTuple):
    """Late sessions within the last school weeks: those with L, those with U, in order."""

    late: list[str]
    very_late: list[str]

    @property
    def count(self) -> int:
        return len(self.late) + len(self.very_late)


def continuous_absence(
    child: Child, marks: Iterable[Mark], school_days: Sequence[date], as_of: date, codes: str, needed: int
) -> list[Run]:
    """Return the runs of at least `needed` school days, oldest first, every session of which holds one of the codes.

    The attendance return reads it with G, N, O, U and ten, ground I for deletion with G, N, O and twenty. The reading:

    * A school day counts where *both* its sessions hold a mark of these codes. One session with any other code ends the
      run, an authorised one as much as an attended one; so does a session without a mark, because nobody said that the
      pupil was away.
    * Days without school (weekends, holidays, closed days) neither count nor end a run, and a run goes on from one
      school year into the next.
    * A code that leaves the session out of what was possible (Y4 on a day the site is closed, D, X) is another code and
      ends the run: it says that the pupil could not be expected.
    * Only days on roll and of compulsory school age count; a day outside ends the run.
    * Days after `as_of` do not exist yet. A run that is still going on is returned as soon as it is long enough; one
      whose last day is half over (no mark for the afternoon yet) ends with the day before.
    """
    codes_of = {mark.session: mark.code for mark in marks if mark.pupil == child.pupil}
    runs: list[Run] = []
    current: list[date] = []
    for day in [*sorted(day for day in school_days if day <= as_of), None]:
        if day is not None and child.on_roll(day) and child.of_school_age(day):
            held = [codes_of.get(f"{day}/{half}") for half in HALVES]
            if all(code is not None and code in set(codes) for code in held):
                current.append(day)
                continue
        if len(current) >= needed:
            runs.append(Run(current[0], current[-1], len(current), current[needed - 1]))
        current = []
    return runs


def still_running(
    child: Child, runs: Sequence[Run], marks: Iterable[Mark], school_days: Sequence[date], as_of: date
) -> list[Run]:
    """Return the runs that have not ended: their last day is the last school day there was by then, or the one before
    it while the last is not marked in full.

    Ground I asks for the pupil *being* continuously absent, so only these are candidates for deletion; a return is due
    for every run, ended or not.
    """
    been = sorted(day for day in school_days if day <= as_of)
    held = {mark.session for mark in marks if mark.pupil == child.pupil}
    if been and not all(f"{been[-1]}/{half}" in held for half in HALVES):
        been.pop()
    return [run for run in runs if been and run.last == been[-1]]


def sickness(
    child: Child, marks: Iterable[Mark], school_days: Sequence[date], year: int, as_of: date, needed: int
) -> Sickness:
    """Return a pupil's school days of illness in the school year that began in `year`, up to a day. The reading:

    * A school day is a day of illness where *any* of its sessions is coded I: a pupil fetched at noon has missed that
      day's school through illness. Half days are not added up to whole ones.
    * Consecutive or cumulative within the school year, 1 August to 31 July; each year begins at nothing.
    * Compulsory school age and the roll are asked about on each day.
    * The return is for each continuous period of sickness, once: periods are stretches of consecutive *school* days of
      illness, and weekends and holidays do not part them. `reached_on` is the day that brought the number to `needed`.
    """
    ill = {mark.session[:10] for mark in marks if mark.pupil == child.pupil and mark.code == "I"}
    been = sorted(day for day in school_days if day <= as_of and school_year(day) == year)
    days: list[date] = []
    periods: list[tuple[date, date]] = []
    before: date | None = None
    for day in been:
        if str(day) in ill and child.on_roll(day) and child.of_school_age(day):
            if before is not None and days and days[-1] == before:
                periods[-1] = periods[-1][0], day
            else:
                periods.append((day, day))
            days.append(day)
        before = day
    return Sickness(days, days[needed - 1] if len(days) >= needed else None, periods)


def lateness(child: Child, marks: Iterable[Mark], school_days: Sequence[date], as_of: date, weeks: int) -> Lateness:
    """Return the late sessions of the last `weeks` school weeks up to a day, in order of session. The reading:

    * L is late and U is very late, and both count the same towards persistent lateness, in the morning and the
      afternoon alike. An arrival for which another code stands (M after the dentist, present by 09:00) is not late.
    * A school week runs from Monday to Sunday and holds at least one school day; the weeks counted are the last ones
      whose first school day is on or before `as_of`, so holidays use up none, and they run on over the school year.
    * Only sessions on or before `as_of`, on school days, while on roll. Age does not matter: a reception pupil of four
      who comes late is late.
    """
    been = sorted(day for day in school_days if day <= as_of)
    mondays = sorted({monday(day) for day in been})[-weeks:]
    counted = [
        mark
        for mark in sorted(marks, key=lambda mark: mark.session)
        if mark.pupil == child.pupil
        and day_of(mark.session) in been
        and monday(day_of(mark.session)) in mondays
        and child.on_roll(day_of(mark.session))
    ]
    return Lateness(
        [mark.session for mark in counted if mark.code == "L"],
        [mark.session for mark in counted if mark.code == "U"],
    )


def day_of(session: str) -> date:
    return date.fromisoformat(session[:10])


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def school_year(day: date) -> int:
    """Return the calendar year in which the school year of a day began, on 1 August."""
    return day.year if day.month >= 8 else day.year - 1
