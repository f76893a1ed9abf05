"""Spans: the figures of pupils from one day to another, as known at a moment."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from ledger.sessions import monday, school_year
from projections.asking.questions import Answers, Moment
from projections.figures.tally import Tally, tally
from projections.readmodel.frames import first_session, last_session, roll_of

WEEK = timedelta(days=7)


def span(answers: Answers, moment: Moment, pupils: list[str], first: date, last: date) -> Tally:
    """Return the tally of these pupils, in their order, over days that are both inclusive."""
    since, until = first_session(first), last_session(last)
    years = [year for year in range(school_year(first), school_year(last) + 1) if year in moment.school.years]
    calendar = moment.school.calendar
    closed = [n for year in years for n in calendar.closed_sessions(year, moment.known_at) if since <= n <= until]
    entries = answers.entries(moment, years or [school_year(last)], pupils)
    return tally(entries, roll_of(moment.school, pupils), np.array(closed, np.int32), since, until, moment.codes)


def year_to_date(answers: Answers, moment: Moment, pupils: list[str]) -> Tally:
    """Return the tally of the last school year that had begun by the day asked about, up to that day."""
    return span(answers, moment, pupils, year_first(moment), moment.as_of)


def year_first(moment: Moment) -> date:
    """Return the day from which the year to date runs: nothing was marked before the school's own first day."""
    year = moment.school.calendar.year_begun_by(moment.as_of)
    return moment.as_of if year is None else date(year, 8, 1)


def half_term(moment: Moment, day: date) -> date:
    """Return the first school day of the unbroken run of school weeks that a day lies in or follows."""
    calendar = moment.school.calendar
    weeks = calendar.school_weeks(day, 60)
    if not weeks:
        return day
    first = weeks[-1]
    while first - WEEK in weeks:
        first -= WEEK
    days = calendar.school_days_until(day, 7 * len(weeks))
    return next(each for each in days if monday(each) >= first)
