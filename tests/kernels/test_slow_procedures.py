"""The slow procedures are themselves tried by hand: a week or two on paper, both sides of every boundary."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.support.slow_procedures import (
    Child,
    Mark,
    continuous_absence,
    lateness,
    sickness,
    still_running,
)

BEGINS = date(2025, 9, 1)
# Monday to Friday, but for a half term in the week of 27 October.
DAYS = [
    day
    for day in (BEGINS + timedelta(days=n) for n in range(120))
    if day.weekday() < 5 and not date(2025, 10, 27) <= day <= date(2025, 10, 31)
]
ADA = Child("1042", [(BEGINS, None)], (date(2021, 3, 31), date(2032, 6, 25)))


def marked(code: str, first: str, count: int, halves: str = "AM PM") -> list[Mark]:
    """Return that code for so many school days from a day on."""
    days = [day for day in DAYS if day >= date.fromisoformat(first)][:count]
    return [Mark("1042", f"{day}/{half}", code) for day in days for half in halves.split()]


def runs(marks: list[Mark], as_of: str = "2025-12-19", codes: str = "GNOU", needed: int = 10) -> list[tuple[str, int]]:
    found = continuous_absence(ADA, marks, DAYS, date.fromisoformat(as_of), codes, needed)
    return [(str(run.first), run.days) for run in found]


@pytest.mark.parametrize(("days", "found"), [(9, []), (10, [("2025-10-20", 10)]), (11, [("2025-10-20", 11)])])
def test_ten_continuous_days_with_the_half_term_between(days: int, found: list[tuple[str, int]]) -> None:
    assert runs(marked("O", "2025-10-20", days)) == found


def test_any_other_code_or_none_ends_a_run() -> None:
    nine = marked("O", "2025-10-06", 9)
    tenth = f"{DAYS[DAYS.index(date(2025, 10, 6)) + 9]}"
    assert runs([*nine, Mark("1042", f"{tenth}/AM", "N"), Mark("1042", f"{tenth}/PM", "U")]) == [("2025-10-06", 10)]
    for code in ("/", "I", "C", "Y4", "L"):
        assert runs([*nine, Mark("1042", f"{tenth}/AM", "N"), Mark("1042", f"{tenth}/PM", code)]) == []
    assert runs([*nine, Mark("1042", f"{tenth}/AM", "N")]) == []


def test_the_tenth_day_is_the_one_that_reached_it_and_the_run_goes_on() -> None:
    marks = marked("G", "2025-09-08", 12)
    (run,) = continuous_absence(ADA, marks, DAYS, date(2025, 12, 19), "GNOU", 10)
    assert (run.reached_on, run.last) == (date(2025, 9, 19), date(2025, 9, 23))
    assert runs(marks, "2025-09-18") == []
    assert runs(marks, "2025-09-19") == [("2025-09-08", 10)]


def test_lateness_after_closing_breaks_ground_i_and_not_the_return() -> None:
    marks = [*marked("O", "2025-09-08", 10), *marked("U", "2025-09-22", 1), *marked("O", "2025-09-23", 9)]
    assert runs(marks) == [("2025-09-08", 20)]
    assert runs(marks, codes="GNO", needed=20) == []
    assert runs(marked("O", "2025-09-08", 20), codes="GNO", needed=20) == [("2025-09-08", 20)]


def test_ground_i_is_about_who_is_still_away() -> None:
    marks = marked("O", "2025-09-08", 20)
    found = continuous_absence(ADA, marks, DAYS, date(2025, 10, 3), "GNO", 20)

    def running(day: str, *more: Mark) -> bool:
        return still_running(ADA, found, [*marks, *more], DAYS, date.fromisoformat(day)) == found

    assert running("2025-10-03") and running("2025-10-05")  # a Friday, and its Sunday
    back = Mark("1042", "2025-10-06/AM", "/")
    assert running("2025-10-06", back)  # until the day is over
    assert not running("2025-10-06", back, Mark("1042", "2025-10-06/PM", "O"))


def test_only_days_on_roll_and_of_school_age_count() -> None:
    marks = marked("O", "2025-09-08", 10)
    late = ADA._replace(roll=[(date(2025, 9, 9), None)])
    young = ADA._replace(school_age=(date(2025, 9, 9), date(2032, 6, 25)))
    for child in (late, young):
        assert continuous_absence(child, marks, DAYS, date(2025, 12, 19), "GNOU", 10) == []


@pytest.mark.parametrize(("days", "reached"), [(14, None), (15, date(2025, 11, 14))])
def test_fifteen_days_of_illness_in_a_row_or_not(days: int, reached: date | None) -> None:
    marks = [*marked("I", "2025-09-08", 5), *marked("I", "2025-11-03", days - 5)]
    found = sickness(ADA, marks, DAYS, 2025, date(2025, 12, 19), 15)
    assert (len(found.days), found.reached_on, len(found.periods)) == (days, reached, 2)


def test_half_a_day_of_illness_is_a_day_and_holidays_part_no_period() -> None:
    marks = [*marked("I", "2025-10-23", 2, "PM"), *marked("I", "2025-11-03", 1, "AM")]
    found = sickness(ADA, marks, DAYS, 2025, date(2025, 12, 19), 15)
    assert len(found.days) == 3
    assert found.periods == [(date(2025, 10, 23), date(2025, 11, 3))]


def test_each_school_year_begins_at_nothing() -> None:
    summer = [date(2025, 7, 21), date(2025, 7, 22)]
    marks = [Mark("1042", f"{day}/AM", "I") for day in (*summer, *DAYS[:1])]
    child = ADA._replace(roll=[(date(2024, 9, 3), None)])
    assert len(sickness(child, marks, [*summer, *DAYS], 2024, date(2025, 12, 19), 15).days) == 2
    assert len(sickness(child, marks, [*summer, *DAYS], 2025, date(2025, 12, 19), 15).days) == 1


def test_late_and_very_late_count_within_the_last_six_school_weeks() -> None:
    marks = [*marked("L", "2025-09-15", 1, "AM"), *marked("U", "2025-09-22", 1, "AM"), *marked("M", "2025-09-23", 1)]
    before, after = (lateness(ADA, marks, DAYS, day, 6) for day in (date(2025, 11, 2), date(2025, 11, 3)))
    # The half term uses up no week, so on its last Sunday the six weeks still begin on 15 September.
    assert (before.late, before.very_late, before.count) == (["2025-09-15/AM"], ["2025-09-22/AM"], 2)
    assert (after.late, after.very_late, after.count) == ([], ["2025-09-22/AM"], 1)


def test_what_has_not_been_or_not_on_roll_is_not_late() -> None:
    marks = marked("L", "2025-09-15", 3, "AM")
    assert lateness(ADA, marks, DAYS, date(2025, 9, 16), 6).count == 2
    left = ADA._replace(roll=[(BEGINS, date(2025, 9, 15))])
    assert lateness(left, marks, DAYS, date(2025, 9, 17), 6).count == 1
