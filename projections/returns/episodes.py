"""The episodes that returns to the authority are about, found in marks, in the chronology, and on the roll.

* attendance: school days in a row, over holidays, closures and the end of a school year, as long as the row goes on.
* ground I: such a row that still stands; a pupil who has been back is no candidate for deletion any more.
* unauthorised (the school's own): the sessions of one school year, in a row or not.
* sickness: a continuous period of days with I. The one that brings the year's days to the threshold, and after that
  each later one that reaches it by itself. Days ahead count while they are expected in one go with it.
* new pupil and deletion: a spell on roll. A form for moving from school already announces a deletion.

Who was on roll when the ledger began is not new in it: whoever starts before the school was opened here, or by the
first day of its first school year. The usual start is that in the youngest year group by the first day of a year.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from ledger.codes import by_symbol
from ledger.events import AgencyInformed, EnquiriesMade, MovingFormReceived, PupilRemoved, ReturnMade, SicknessExpected
from ledger.policy import Policy
from ledger.sessions import EPOCH_DAY, LONDON, from_micros, school_year
from ledger.words import counted
from projections.asking.questions import Answers, Moment
from projections.readmodel.frames import Entries, having, last_session, roll_of
from projections.records.admission import Spell, admission, is_usual_start, year_begins
from projections.records.known_event import FollowUp
from projections.returns.rows import ILL, Run, absent_runs, days_expected, grid_of, illnesses, nth_sessions

# Follow-up that returns are judged by; the calls between them are many, and are not read.
RETURNS_REST_ON = tuple(
    f"follow-up.{kind.__name__}" for kind in (ReturnMade, SicknessExpected, EnquiriesMade, AgencyInformed)
)


class Episode(NamedTuple):
    """What one return is about: its first and last day, when its threshold was reached (None: not for certain while
    the `missing` sessions have no mark), by when the return is due, and the marks it rests on.

    A return is about it that names one of its days, or one of `span` where amendments may move it; or, about a spell
    on roll, that stands after the position `since` and before `until`.
    """

    form: str
    pupil: str
    first: date
    last: date
    reached: date | None
    due_by: date | None
    why: str
    school_days: int = 0
    missing: tuple[int, ...] = ()
    marks: Entries | None = None
    span: tuple[date, date] | None = None
    since: int = 0
    until: int = 0

    def about(self, position: int, episode: date) -> bool:
        """Return whether a return that stands at a position and names a day is about this episode."""
        if self.since:
            return self.since < position and (not self.until or position < self.until)
        first, last = self.span or (self.first, self.last)
        return first <= episode <= last


# --- days in a row --------------------------------------------------------------------------------------------------


def absences(
    answers: Answers, moment: Moment, pupils: list[str], follow_up: dict[str, list[FollowUp]]
) -> Iterator[Episode]:
    """Yield rows of school days absent without authority: for the attendance return, and for ground I."""
    policy, begins = moment.policy, year_begins(moment)
    begun = [year for year in sorted(moment.school.years) if moment.school.years[year].first_day <= moment.as_of]
    if not begun:
        return
    # Two school years hold whole every row but one that has gone on since before them: then all years are read.
    if (rows := list(_rows_of(answers, moment, pupils, begun[-2:], policy))) and len(begun) > 2:
        earliest = min(moment.school.years[begun[-2]].days())
        if any(run.first == _number(earliest) for _, run, _ in rows):
            rows = list(_rows_of(answers, moment, pupils, begun, policy))
    for form, run, marks in rows:
        pupil = pupils[run.pupil]
        if form == "attendance" and _day(run.last) >= begins:
            codes, wanted = policy.attendance_return_codes, policy.attendance_return_school_days
            why = f"{counted(len(run.days), 'school day')} in a row with {_listed(codes)} in every session "
            why += f"({wanted} make a return)"
            if run.reached is None:
                why += f", not certain while {counted(len(run.missing), 'session has', 'sessions have')} no mark"
            yield _episode(form, pupil, run, why, marks)
        if form == "ground I" and run.standing and run.reached is not None:
            codes, wanted = policy.ground_i_codes, policy.ground_i_school_days
            enquired = any(_enquired_jointly(each, run) for each in follow_up.get(pupil, []))
            why = f"{counted(len(run.days), 'school day')} in a row with {_listed(codes)} alone "
            why += f"({wanted} make the ground), "
            why += "joint enquiries recorded" if enquired else "joint enquiries with the authority not recorded"
            # The ground allows a deletion and demands none.
            yield _episode(form, pupil, run, why, marks)._replace(due_by=None)


def absence_since(answers: Answers, moment: Moment, pupil: str, first: date) -> Episode | None:
    """Return what an attendance return rests on that somebody judges to be due from a day on, None where nothing is.

    The law asks for it also of pupils who fail to attend regularly, which no count can say.
    """
    policy = moment.policy
    begun = [year for year in sorted(moment.school.years) if year >= school_year(first)]
    if not begun:
        return None
    entries, _, _ = _marks(answers, moment, [pupil], begun)
    codes = policy.codes.ids(policy.attendance_return_codes)
    rows = np.flatnonzero(np.isin(entries.code, codes) & (entries.session // 2 >= _number(first)))
    if not len(rows):
        return None
    rows = rows[np.argsort(entries.session[rows])]
    marks = Entries(entries.pupils, *(column[rows] for column in entries[1:]))
    last = _day(int(marks.session[-1]) // 2)
    listed = _listed(policy.attendance_return_codes)
    why = f"judged to fail to attend regularly: {counted(len(rows), 'session')} with {listed}"
    return Episode("attendance", pupil, first, last, None, None, why, marks=marks)


def _rows_of(
    answers: Answers, moment: Moment, pupils: list[str], years: list[int], policy: Policy
) -> Iterator[tuple[str, Run, Entries]]:
    """Yield the rows of days that are long enough for a form, each with its marks."""
    entries, sessions, closed = _marks(answers, moment, pupils, years)
    roll = roll_of(moment.school, pupils)
    of_age = grid_of(entries, roll, sessions, closed, school_age=True)
    for run in absent_runs(of_age, policy.attendance_return_codes, policy.attendance_return_school_days):
        yield "attendance", run, _evidence(entries, run.pupil, run.days)
    everybody = grid_of(entries, roll, sessions, closed, school_age=False)
    # A name is deleted on the narrow reading only, to which the removal itself is held.
    for run in absent_runs(everybody, policy.ground_i_codes, policy.ground_i_school_days, over_closures=False):
        yield "ground I", run, _evidence(entries, run.pupil, run.days)


def _enquired_jointly(known: FollowUp, run: Run) -> bool:
    return isinstance(known.event, EnquiriesMade) and known.event.jointly and known.event.on >= _day(run.first)


# --- over a school year ---------------------------------------------------------------------------------------------


def unauthorised(answers: Answers, moment: Moment, pupils: list[str]) -> Iterator[Episode]:
    """Yield who has reached the school's own number of unauthorised sessions in the school year to date."""
    policy, year = moment.policy, moment.school.calendar.year_begun_by(moment.as_of)
    if year is None or not policy.unauthorised_return_sessions:
        return
    wanted = policy.unauthorised_return_sessions
    entries, _, _ = _marks(answers, moment, pupils, [year])
    marks = entries.where(having(policy.codes, "unauthorised")[entries.code])
    for pupil, rows in nth_sessions(marks, roll_of(moment.school, pupils), wanted).items():
        reached = _day(int(marks.session[rows[wanted - 1]]) // 2)
        why = f"{counted(len(rows), 'unauthorised session')} in the school year ({wanted} make a return)"
        # Once a pupil and year: which session was the last of them may change with an amendment, the year does not.
        span = date(year, 8, 1), date(year + 1, 7, 31)
        own = Entries(marks.pupils, *(column[rows] for column in marks[1:]))
        last = _day(int(own.session[-1]) // 2)
        yield Episode(
            "unauthorised", pupils[pupil], reached, last, reached, month_end(reached), why, marks=own, span=span
        )


def sickness(
    answers: Answers, moment: Moment, pupils: list[str], follow_up: dict[str, list[FollowUp]]
) -> Iterator[Episode]:
    """Yield the periods of sickness that reach the threshold of days, recorded or reasonably expected."""
    policy, year = moment.policy, moment.school.calendar.year_begun_by(moment.as_of)
    if year is None:
        return
    entries, _, closed = _marks(answers, moment, pupils, [year])
    sessions = np.array(moment.school.calendar.session_numbers(year), np.int32)
    grid = grid_of(entries, roll_of(moment.school, pupils), sessions, closed, school_age=True)
    spans = [(row, *each) for row, pupil in enumerate(pupils) for each in _expectations(follow_up.get(pupil, ()))]
    expected = days_expected(grid, ((row, _number(span.first_day), _number(span.last_day)) for row, _, span in spans))
    ill = by_symbol(ILL)
    assert ill is not None
    recorded = (grid.code == ill.id).any(axis=2) & grid.counted
    runs = illnesses(grid, expected, policy.sickness_return_school_days)
    for place, run in enumerate(runs):
        so_far, ahead = int(recorded[run.pupil].sum()), int((expected & ~recorded)[run.pupil].sum())
        why = f"{counted(so_far, 'school day')} of sickness in the school year"
        why += f" and {ahead} more expected" if ahead else ""
        why += f" ({policy.sickness_return_school_days} make a return)"
        days = grid.days[recorded[run.pupil]]
        # All days of the year count together, so all of them are the evidence, whichever period is returned.
        marks = _evidence(entries.where(entries.code == ill.id), run.pupil, days.tolist())
        episode = _episode("sickness", pupils[run.pupil], run, why, marks)._replace(school_days=so_far + ahead)
        if run.reached is None:
            # Reached on the day on which the school came to expect it.
            expecting = [day for row, day, span in spans if row == run.pupil and span.first_day <= episode.last]
            reached = max([*expecting, episode.first])
            episode = episode._replace(reached=reached, due_by=month_end(reached))
        yield episode._replace(span=_span(runs, place, year))


def _span(runs: list[Run], place: int, year: int) -> tuple[date, date]:
    """Return the days whose return is about a period: which of them first reaches the threshold may move with an
    amendment, so the first of a pupil's year has all days that no later one has."""
    own = [run for run in runs if run.pupil == runs[place].pupil]
    if runs[place] is not own[0]:
        return _day(runs[place].first), _day(runs[place].last)
    return date(year, 8, 1), _day(own[1].first - 1) if len(own) > 1 else date(year + 1, 7, 31)


def _expectations(chronology: Sequence[FollowUp]) -> list[tuple[date, SicknessExpected]]:
    """Return what is expected of a pupil's illness, and since which day: a later word replaces the earlier ones about
    the same days."""
    kept: list[tuple[date, SicknessExpected]] = []
    for each in chronology:
        if isinstance(event := each.event, SicknessExpected):
            apart = [
                (day, old) for day, old in kept if old.last_day < event.first_day or event.last_day < old.first_day
            ]
            kept = [*apart, (each.day, event)]
    return kept


# --- on the roll ----------------------------------------------------------------------------------------------------


def new_pupils(answers: Answers, moment: Moment, spells: dict[str, list[Spell]]) -> Iterator[Episode]:
    """Yield the names entered in the admission register in the school year to date, but for the usual start."""
    policy, begins, years = moment.policy, year_begins(moment), moment.school.years
    first_row = answers.ledger.reads.rows_at([1])
    if not first_row or not years:
        return
    opened = from_micros(first_row[0].recorded_at).astimezone(LONDON).date()
    began = max(opened - timedelta(days=1), years[min(years)].first_day)
    for pupil, own in spells.items():
        for place, spell in enumerate(own):
            event, entered = admission(spell), spell.admitted.day
            start = event.starting_day
            year = years.get(school_year(start))
            usual = year is not None and is_usual_start(event.year_group, start, year, policy)
            if usual or start <= began or entered > moment.as_of or max(entered, start) < begins:
                continue
            days = timedelta(days=policy.new_pupil_return_days)
            counted_from = max(entered, start) if policy.new_pupil_return_from_start else entered
            due_by = counted_from + days
            else_by = f", from the entry by {entered + days}" if counted_from > entered else ""
            why = f"the name was entered on {entered} for {start} ({days.days} days for the return{else_by})"
            yield _about_spell(Episode("new pupil", pupil, start, start, entered, due_by, why), own, place)


def deletions(moment: Moment, spells: dict[str, list[Spell]]) -> Iterator[Episode]:
    """Yield the names that are deleted or about to be, but for the usual leaving at the end of the final year."""
    policy, begins = moment.policy, year_begins(moment)
    for pupil, own in spells.items():
        for place, spell in enumerate(own):
            leaving = leaving_of(spell, moment.as_of)
            if leaving is None or leaving.last_day < begins:
                continue
            if not moment.school.completes(pupil, leaving.last_day, policy.year_groups_final):
                last = leaving.last_day
                episode = Episode("deletion", pupil, last, last, leaving.known, last, leaving.why)
                yield _about_spell(episode, own, place)


class Leaving(NamedTuple):
    """That a pupil leaves: on which last day, since when that is known, and what says so."""

    last_day: date
    known: date
    why: str


def leaving_of(spell: Spell, as_of: date) -> Leaving | None:
    """Return how a spell ends: by its removal, else by the last form for moving from school; None where neither says.
    What was recorded after the day asked about counts from the last day on."""
    if (removed := spell.removed) is not None and isinstance(removed.event, PupilRemoved):
        last = removed.event.last_day
        if min(removed.day, last) <= as_of:
            return Leaving(last, min(removed.day, last), f"the removal is recorded, with {last} as the last day")
        return None
    forms = [each.event for each in spell.forms if isinstance(each.event, MovingFormReceived)]
    forms = [form for form in forms if form.received_on <= as_of]
    if not forms:
        return None
    received, last = forms[-1].received_on, forms[-1].leaving_on
    why = f"a form for moving from school, received on {received}, says that the pupil leaves on {last}"
    return Leaving(last, received, why)


def _about_spell(episode: Episode, spells: list[Spell], place: int) -> Episode:
    """Return an episode about a spell: returns about it stand after its admission and before the next one."""
    after = spells[place + 1 :]
    until = after[0].admitted.position if after else 0
    return episode._replace(since=spells[place].admitted.position, until=until)


# --- what they share ------------------------------------------------------------------------------------------------


def month_end(day: date) -> date:
    """Return the last day of a month: no law prescribes a day, and guidance wants these returns monthly at least."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def _marks(
    answers: Answers, moment: Moment, pupils: list[str], years: list[int]
) -> tuple[Entries, np.ndarray, np.ndarray]:
    """Return the marks of school years up to the day, the sessions of their calendar, and which of those had closed."""
    calendar, until = moment.school.calendar, last_session(moment.as_of)
    numbers = [number for year in years for number in calendar.session_numbers(year) if number <= until]
    closed = [n for year in years for n in calendar.closed_sessions(year, moment.known_at) if n <= until]
    entries = answers.entries(moment, years, pupils)
    kept = entries.where(entries.session <= until)
    return kept, np.array(numbers, np.int32), np.array(closed, np.int32)


def _episode(form: str, pupil: str, run: Run, why: str, marks: Entries) -> Episode:
    reached = None if run.reached is None else _day(run.reached)
    due_by = None if reached is None else month_end(reached)
    days = len(run.days)
    return Episode(form, pupil, _day(run.first), _day(run.last), reached, due_by, why, days, run.missing, marks)


def _evidence(entries: Entries, pupil: int, days: Sequence[int]) -> Entries:
    """Return a pupil's marks on these days, in order of session."""
    rows = np.flatnonzero((entries.pupil == pupil) & np.isin(entries.session // 2, days))
    rows = rows[np.argsort(entries.session[rows])]
    return Entries(entries.pupils, *(column[rows] for column in entries[1:]))


def _listed(codes: frozenset[str]) -> str:
    *most, last = sorted(codes)
    return f"{', '.join(most)} or {last}" if most else last


def _number(day: date) -> int:
    return day.toordinal() - EPOCH_DAY


def _day(number: int) -> date:
    return date.fromordinal(number + EPOCH_DAY)
