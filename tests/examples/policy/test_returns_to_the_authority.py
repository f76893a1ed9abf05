"""Absence Procedures, Understanding barriers to attendance: who is returned to the authority, and once an episode."""

from __future__ import annotations

from datetime import date

import pytest

from ledger.sessions import parse_moment
from projections.duty import Urgency
from projections.lines import command_line
from projections.returns.authority import Candidate, returns_duties
from projections.returns.forms import return_content
from tests.support.absences import FIRST, PUPIL, admission, lived, marked, office, returns, school_days
from tests.support.schools import OpenedSchool, desk_at


def about(found: list[Candidate]) -> list[tuple[str, str | None, str | None]]:
    """Return each episode with the day that reached it and the day it is due."""
    return [(each.episode, each.reached_on, each.due_by) for each in found]


# --- ten continuous days --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [9, 10, 11])
def test_ten_continuous_school_days_are_returned_once(days: int) -> None:
    away = school_days(days)
    found = returns(lived(marked("O", away)), away[-1], "attendance")
    # The tenth school day from 4 November is 15 November.
    assert about(found) == [(FIRST, "2024-11-15", "2024-11-30")] * (days >= 10)
    assert [len(each.sessions) for each in found] == [2 * days] * (days >= 10)


def test_a_row_runs_on_over_a_holiday_and_into_the_next_school_year() -> None:
    over_christmas = school_days(10, "2024-12-16")
    assert over_christmas[4:6] == ["2024-12-20", "2025-01-06"]
    assert about(returns(lived(marked("G", over_christmas)), over_christmas[-1], "attendance")) == [
        ("2024-12-16", "2025-01-10", "2025-01-31")
    ]
    over_summer = school_days(10, "2025-07-18")
    assert over_summer[2:4] == ["2025-07-22", "2025-09-03"]
    found = returns(lived(marked("G", over_summer)), over_summer[-1], "attendance")
    assert about(found) == [("2025-07-18", "2025-09-11", "2025-09-30")]


def test_a_return_that_was_made_counts_while_the_row_goes_on() -> None:
    away = school_days(14)
    made = office("MakeReturn", away[10], form="attendance", episode=FIRST, made_on=away[10])
    school = lived(marked("O", away), made)
    (found,) = returns(school, away[-1], "attendance")
    assert found.made is not None and (found.made.on, found.made.episode) == (away[10], FIRST)
    (before,) = returns(school, away[9], "attendance", parse_moment(away[9], end_of_day=True))
    assert before.made is None


def test_another_row_is_another_return() -> None:
    first, back, second = school_days(10), school_days(11)[10:], school_days(21)[11:]
    made = office("MakeReturn", first[-1], form="attendance", episode=FIRST, made_on=first[-1])
    found = returns(lived(marked("O", first), marked("/", back), marked("O", second), made), second[-1], "attendance")
    assert [(each.episode, each.made is not None) for each in found] == [(FIRST, True), (second[0], False)]


def test_an_amendment_takes_the_ground_of_a_return_away_and_leaves_it_listed() -> None:
    away = school_days(10)
    made = office("MakeReturn", away[-1], form="attendance", episode=FIRST, made_on=away[-1])
    amended = office("AmendMark", "2024-11-18", session=f"{away[4]}/AM", code="I", reason="a letter came")
    school = lived(marked("O", away), made, amended)
    (found,) = returns(school, "2024-11-18", "attendance")
    assert found.made is not None and found.reached_on is None and "no" in found.why
    (then,) = returns(school, away[-1], "attendance", parse_moment(away[-1], end_of_day=True))
    assert then.reached_on == away[-1] and then.made is not None, "what was known then is said again"


def test_a_register_still_open_is_completed_before_anything_is_returned() -> None:
    away = school_days(11)
    school = lived(marked("O", away[:5]), marked("O", away[6:]), policy="national-2024")
    (found,) = returns(school, away[-1], "attendance")
    assert (found.reached_on, found.missing) == (None, [f"{away[5]}/AM", f"{away[5]}/PM"])
    (duty,) = returns_duties(desk_at(school.answers, date.fromisoformat(away[-1])))[:1]
    assert command_line(duty.action) == f"attendance mark {PUPIL} {away[5]}/AM CODE"


def test_only_pupils_of_compulsory_school_age_are_returned() -> None:
    away = school_days(10)
    infant = admission("9001", born="2020-05-01", year_group="R", **{"class": "RA"})
    assert returns(lived(infant, marked("O", away, pupil="9001")), away[-1], "attendance") == []


# --- Absence Procedures: twenty sessions, consecutive or irregular --------------------------------------------------


@pytest.mark.parametrize("sessions", [19, 20, 21])
def test_twenty_unauthorised_sessions_in_a_year_are_the_schools_own_return(sessions: int) -> None:
    days = school_days(2 * sessions, "2024-09-04")
    lines = [*marked("U", days[::2][:sessions], ("AM",)), *marked("/", days[1::2])]
    found = returns(lived(lines), days[-1], "unauthorised")
    reached = days[::2][19] if sessions >= 20 else ""
    assert [(each.episode, each.reached_on) for each in found] == [(reached, reached)] * (sessions >= 20)
    assert returns(lived(lines, policy="national-2024"), days[-1], "unauthorised") == []


def test_the_schools_own_return_is_made_once_a_year_whatever_is_amended() -> None:
    days = school_days(11)
    made = office("MakeReturn", days[9], form="unauthorised", episode=days[9], made_on=days[9])
    amended = office("AmendMark", days[10], session=f"{days[0]}/AM", code="I", reason="a letter came")
    (found,) = returns(lived(marked("O", days), made, amended), days[10], "unauthorised")
    assert (found.reached_on, found.episode, found.made is not None) == (days[10], days[9], True)


# --- Understanding barriers to attendance: the sickness return ------------------------------------------------------


@pytest.mark.parametrize("days", [14, 15])
def test_fifteen_days_of_sickness_consecutive(days: int) -> None:
    ill = school_days(days)
    found = returns(lived(marked("I", ill)), ill[-1], "sickness")
    assert about(found) == [(FIRST, ill[-1], "2024-11-30")] * (days >= 15)


@pytest.mark.parametrize("days", [14, 15])
def test_fifteen_days_of_sickness_cumulative_are_told_by_the_period_that_reaches_them(days: int) -> None:
    first, well, second = school_days(10), school_days(11)[10:], school_days(days + 1)[11:]
    lines = [*marked("I", first, ("AM",)), *marked("/", first, ("PM",)), *marked("/", well), *marked("I", second)]
    found = returns(lived(lines), second[-1], "sickness")
    assert [(each.episode, each.reached_on) for each in found] == [(second[0], second[-1])] * (days >= 15)


def test_a_sickness_return_counts_although_an_amendment_moves_what_reached_it() -> None:
    first, well, second = school_days(14), school_days(15)[14:], school_days(17)[15:]
    lines = [*marked("I", first), *marked("/", well), *marked("I", second)]
    made = office("MakeReturn", second[-1], form="sickness", episode=second[0], made_on=second[-1])
    amended = office("AmendMark", "2024-11-27", session=f"{well[0]}/PM", code="I", reason="was sent home")
    school = lived(lines, made, amended)
    (found,) = returns(school, "2024-11-27", "sickness")
    assert found.episode == second[0] and found.reached_on == well[0] and found.made is not None


@pytest.mark.parametrize(("until", "owed"), [("2024-11-21", False), ("2024-11-22", True)])
def test_fifteen_days_are_returned_as_soon_as_they_are_expected(until: str, owed: bool) -> None:
    ill = school_days(5)
    expected = office("ExpectSickness", ill[-1], first_day="2024-11-11", last_day=until, grounds="an operation")
    found = returns(lived(marked("I", ill), expected), ill[-1], "sickness")
    assert [(each.reached_on, each.until) for each in found] == [(ill[-1], until)] * owed
    before = returns(lived(marked("I", ill), expected), ill[-2], "sickness", parse_moment(ill[-2], end_of_day=True))
    assert before == []


def test_a_pupil_who_comes_back_early_is_expected_no_longer() -> None:
    ill, back = school_days(5), school_days(6)[5:]
    expected = office("ExpectSickness", ill[-1], first_day="2024-11-11", last_day="2024-11-29", grounds="an operation")
    assert returns(lived(marked("I", ill), expected, marked("/", back)), back[-1], "sickness") == []


def test_a_new_school_year_counts_sickness_from_nothing() -> None:
    ill = school_days(10, "2025-07-16")
    more = school_days(14, "2025-09-03")
    assert returns(lived(marked("I", ill[:5]), marked("I", more)), more[-1], "sickness") == []


# --- ground I -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [19, 20])
def test_twenty_continuous_days_are_ground_i_while_they_go_on(days: int) -> None:
    away = school_days(days)
    found = returns(lived(marked("N", away)), away[-1], "ground I")
    assert about(found) == [(FIRST, away[-1], None)] * (days >= 20)
    back = marked("/", school_days(days + 1)[-1:])
    assert returns(lived(marked("N", away), back), school_days(days + 1)[-1], "ground I") == []


def test_a_late_arrival_breaks_ground_i_and_not_the_return() -> None:
    away = school_days(20)
    lines = [*marked("O", away[:10]), *marked("U", away[10:11]), *marked("O", away[11:])]
    assert returns(lived(lines), away[-1], "ground I") == []
    assert len(returns(lived(lines), away[-1], "attendance")) == 1


# --- new pupils -----------------------------------------------------------------------------------------------------


def test_a_new_pupil_is_returned_within_five_days_of_the_entry() -> None:
    school = lived(admission("1050", "2024-11-04T09:00:00Z", starting_day="2024-11-04"))
    (found,) = returns(school, "2024-11-04", "new pupil")
    assert (found.pupil, found.episode, found.due_by) == ("1050", "2024-11-04", "2024-11-09")
    assert "from the entry" not in found.why
    assert returns(school, "2024-11-03", "new pupil") == []
    assert [urgency_on(school, day) for day in ("2024-11-08", "2024-11-09")] == [Urgency.SOON, Urgency.TODAY]


def test_who_is_entered_before_the_first_day_is_returned_within_five_days_of_it_and_both_days_are_said() -> None:
    school = lived(admission("1050", "2024-11-04T09:00:00Z", starting_day="2024-11-11"))
    (found,) = returns(school, "2024-11-04", "new pupil")
    assert (found.episode, found.due_by) == ("2024-11-11", "2024-11-16")
    assert "(5 days for the return, from the entry by 2024-11-09)" in found.why
    assert [urgency_on(school, day) for day in ("2024-11-15", "2024-11-16")] == [Urgency.SOON, Urgency.TODAY]


def urgency_on(school: OpenedSchool, day: str) -> Urgency:
    return returns_duties(desk_at(school.answers, date.fromisoformat(day)))[0].urgency


def test_the_usual_start_in_the_youngest_class_needs_no_return() -> None:
    infant = {"born": "2021-05-01", "year_group": "R", "class": "RA"}
    usual = admission("9001", "2025-07-01T09:00:00Z", starting_day="2025-09-03", **infant)
    later = admission("9002", "2025-09-04T09:00:00Z", starting_day="2025-09-08", **infant)
    older = admission("9003", "2025-07-01T09:00:00Z", starting_day="2025-09-03")
    last = admission("9004", "2025-09-04T09:00:00Z", starting_day="2025-09-21", **infant)
    too_late = admission("9005", "2025-09-04T09:00:00Z", starting_day="2025-09-22", **infant)
    found = returns(lived(usual, later, older, last, too_late), "2025-09-22", "new pupil")
    assert [each.pupil for each in found] == ["9003", "9005"], "staggered over three weeks of September it is the usual"


def test_whom_the_ledger_found_on_roll_is_not_new() -> None:
    assert returns(lived(), "2024-09-10", "new pupil") == []


def test_a_pupil_who_comes_back_is_entered_anew_and_returned_anew() -> None:
    left = office("RemoveFromRoll", "2024-11-04", last_day="2024-11-08", ground="moved away", destination="elsewhere")
    back = admission(at="2025-01-20T09:00:00Z", starting_day="2025-01-21")
    made = office("MakeReturn", "2025-01-21", form="new pupil", episode="2025-01-21", made_on="2025-01-21")
    (found,) = returns(lived(left, back, made), "2025-01-21", "new pupil")
    assert found.made is not None
    school = lived(left, {**back, "address": "7 Return Road"})
    (due,) = returns(school, "2025-01-20", "new pupil")
    content = return_content(school.answers, school.answers.moment(date(2025, 1, 20)), due)
    assert ["Address", "7 Return Road"] in content["fields"], "not what the register says of the spell before"
    (gone,) = returns(lived(left, back, made), "2025-01-21", "deletion")
    assert (gone.episode, gone.made) == ("2024-11-08", None), "the one is not the other"
