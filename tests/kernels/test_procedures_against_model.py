"""The kernels of the procedures against a slow reading of them that was written without sight of them.

Random journals are lived through, and the same marks, roll and calendar, as known at a moment, are put before both.
"""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pytest

from ledger.codes import CODES
from ledger.sessions import EPOCH_DAY, Session, school_year
from projections.asking.questions import Moment
from projections.followup.lateness import punctuality_answers
from projections.readmodel.frames import last_session, roll_of
from projections.returns.rows import absent_runs, grid_of
from tests.support.counts import count
from tests.support.random_school import journal, questions
from tests.support.schools import OpenedSchool, open_school
from tests.support.slow_procedures import Child, Mark, Run, continuous_absence, lateness

SEEDS = range(count(4, 80))


@cache
def asked(seed: int) -> tuple[OpenedSchool, list[Moment]]:
    lines = journal(seed)
    school = open_school(keep=True).replay(lines)
    return school, [school.answers.moment(day, known_at) for day, known_at in questions(lines, seed)]


def children(moment: Moment) -> list[Child]:
    return [
        Child(number, [(spell.first, spell.last) for spell in pupil.spells], pupil.school_age)
        for number, pupil in sorted(moment.school.pupils.items())
    ]


def marks(school: OpenedSchool, moment: Moment) -> list[Mark]:
    pupils = sorted(moment.school.pupils)
    entries = school.answers.entries(moment, sorted(moment.school.years), pupils)
    return [
        Mark(pupils[pupil], str(Session.from_number(int(number))), CODES[code].symbol)
        for pupil, number, code, *_ in zip(*entries[1:], strict=True)
    ]


def school_days(moment: Moment) -> list[date]:
    return [day for year in moment.school.years.values() for day in year.days()]


@pytest.mark.parametrize(("codes", "needed"), [("GNOU", 1), ("GNOU", 2), ("GNO", 1), ("I", 2)])
@pytest.mark.parametrize("seed", SEEDS)
def test_days_in_a_row_are_those_of_the_model(seed: int, codes: str, needed: int) -> None:
    school, moments = asked(seed)
    found = 0
    for moment in moments:
        pupils, until = sorted(moment.school.pupils), last_session(moment.as_of)
        years = sorted(moment.school.years)
        sessions = np.array(
            [n for year in years for n in moment.school.calendar.session_numbers(year) if n <= until], np.int32
        )
        entries = school.answers.entries(moment, years, pupils)
        grid = grid_of(entries, roll_of(moment.school, pupils), sessions, sessions, school_age=True)
        runs: dict[str, list[Run]] = {pupil: [] for pupil in pupils}
        for run in absent_runs(grid, codes, needed, over_closures=False):
            if run.reached is not None:
                days = [date.fromordinal(int(day) + EPOCH_DAY) for day in run.days]
                runs[pupils[run.pupil]].append(Run(days[0], days[-1], len(days), days[needed - 1]))
        plain = marks(school, moment)
        for child in children(moment):
            slow = continuous_absence(child, plain, school_days(moment), moment.as_of, codes, needed)
            assert runs[child.pupil] == slow
            found += len(slow)
    assert found or needed > 1


def test_late_sessions_of_the_last_weeks_are_those_of_the_model() -> None:
    assert sum(map(compared, SEEDS)) > 10


def compared(seed: int) -> int:
    """Return how many pupils' lateness was held against the model."""
    school, moments = asked(seed)
    found = 0
    for moment in moments:
        if moment.in_force is None or moment.school.calendar.year_begun_by(moment.as_of) != school_year(moment.as_of):
            continue
        answers = punctuality_answers(school.answers, moment, sorted(moment.school.pupils))
        plain, slow = marks(school, moment), {child.pupil: child for child in children(moment)}
        # A mark on a day that was closed later stands and counts, and the model knows of no such day.
        days = set(school_days(moment))
        odd = {mark.pupil for mark in plain if Session.parse(mark.session).day not in days}
        for answer in (answer for answer in answers if answer.pupil not in odd):
            weeks = moment.policy.punctuality_weeks
            late = lateness(slow[answer.pupil], plain, school_days(moment), moment.as_of, weeks)
            assert answer.recent == late.count
            assert answer.persistent == (late.count >= moment.policy.punctuality_meeting_sessions)
            found += 1
    return found
