"""The punctuality kernel against a plain recount of a random school's events."""

from __future__ import annotations

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from ledger import wire
from ledger.sessions import Session
from ledger.streams import entry_of
from projections.followup.lateness import punctuality_answers
from projections.followup.punctuality import SCHOOL_DAYS
from tests.support.random_school import journal
from tests.support.schools import OpenedSchool, open_school

ON_SITE = {"/", "\\", "L", "U"}


def recounted(of: OpenedSchool, first: date) -> dict[str, tuple[Counter[str], Counter[str], int, int]]:
    """Return by pupil the codes on site, the weekdays late, and the minutes known and unknown."""
    moment = of.answers.moment()
    calendar, school = moment.school.calendar, moment.school
    codes: dict[tuple[str, Session], str] = {}
    arrivals: dict[tuple[str, Session], int] = {}
    for row in of.rows():
        if row.topic.startswith("entry."):
            codes[entry_of(row.stream)] = wire.decode(row.state).code
        elif row.topic == "follow-up.ArrivalLogged":
            event = wire.decode(row.state)
            session = Session.parse(event.session)
            if calendar.is_session(session):
                passed = (event.arrived_at - calendar.opens(session)).total_seconds() // 60
                arrivals[row.stream.split("/")[0], session] = max(0, int(passed))
    found: dict[str, tuple[Counter[str], Counter[str], int, int]] = {}
    for (pupil, session), code in codes.items():
        if code in ON_SITE and first <= session.day <= moment.as_of and school.on_roll(pupil, session.day):
            on_site, weekdays, minutes, unknown = found.get(pupil, (Counter(), Counter(), 0, 0))
            on_site[code] += 1
            if code in "LU":
                weekdays[SCHOOL_DAYS[session.day.weekday()]] += 1
                minutes += arrivals.get((pupil, session), 0)
                unknown += (pupil, session) not in arrivals
            found[pupil] = on_site, weekdays, minutes, unknown
    return found


@given(seed=st.integers(0, 2**32))
def test_every_figure_is_that_of_a_plain_recount(seed: int) -> None:
    of = open_school().replay(journal(seed, 25, 5))
    moment = of.answers.moment()
    first = date(moment.school.calendar.year_begun_by(moment.as_of) or 0, 8, 1)
    expected = recounted(of, first)
    found = punctuality_answers(of.answers, moment, sorted(moment.school.pupils))
    assert {answer.pupil for answer in found} == set(expected)
    for answer in found:
        on_site, weekdays, minutes, unknown = expected[answer.pupil]
        assert (answer.on_site, answer.late, answer.very_late) == (on_site.total(), on_site["L"], on_site["U"])
        assert answer.weekdays == {day: weekdays[day] for day in SCHOOL_DAYS}
        assert (answer.minutes, answer.minutes_unknown) == (minutes, unknown)
        assert len(answer.sessions) == answer.late + answer.very_late
