"""Deletion from Roll: on a ground whose conditions are met, from a day that has not passed, and on no other."""

from __future__ import annotations

from typing import Any

import pytest

from commands.deciding.state import Fact
from tests.support.given import (
    PUPIL,
    Outcome,
    admitted,
    given,
    leave_decided,
    leave_requested,
    leave_withdrawn,
    left,
    marked,
    marks,
    send,
)
from tests.support.given_cases import enquired, school_days

DAYS = school_days("2024-11-04", 40, given().school.calendar)
TWENTY, TEN = DAYS[:20], DAYS[:10]


def remove(ground: str, last_day: str, *facts: Fact | list[Fact], at: str = "", **pupil: Any) -> Outcome:
    """What comes of a deletion on a ground, sent in the evening of the last day or at another time."""
    line = send("RemoveFromRoll", pupil=PUPIL, last_day=last_day, ground=ground)
    return given(*facts, pupil=admitted(**pupil)).when(line, at=at or f"{last_day}T16:00:00")


def met(outcome: Outcome) -> bool:
    """Return whether the ground was met; anything else that is refused fails."""
    if outcome.refused is None:
        return True
    outcome.then_refused("ground_not_met")
    return False


# --- never in the past ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "rule"), [("2024-11-08T23:59:59", ""), ("2024-11-09T00:00:00", "removal_in_the_past")])
def test_a_name_is_never_deleted_for_a_day_that_has_passed(at: str, rule: str) -> None:
    outcome = remove("moved away", "2024-11-08", at=at)
    assert (outcome.refused.rule if outcome.refused else "") == rule


@pytest.mark.parametrize("ground", ["", "moved away", "Home  Education", "died", "a reason of our own"])
def test_what_the_ledger_cannot_see_is_for_people_to_judge(ground: str) -> None:
    assert met(remove(ground, "2024-11-08"))


# --- age and year ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ground", ["past compulsory age", "Left"])
@pytest.mark.parametrize(("last_day", "over"), [("2025-06-26", False), ("2025-06-27", True)])
def test_compulsory_school_age_ends_on_the_last_friday_in_june(ground: str, last_day: str, over: bool) -> None:
    assert met(remove(ground, last_day, born="2008-09-15")) == over


@pytest.mark.parametrize(("last_day", "under"), [("2025-03-30", True), ("2025-03-31", False)])
def test_nursery_ends_before_compulsory_school_age_begins(last_day: str, under: bool) -> None:
    assert met(remove("nursery not continuing", last_day, born="2020-03-09")) == under


@pytest.mark.parametrize(
    ("year_group", "last_day", "completed"),
    [("6", "2025-07-21", False), ("6", "2025-07-22", True), ("6", "2025-07-31", True), ("5", "2025-07-22", False)],
)
def test_the_final_year_is_completed_on_its_last_day(year_group: str, last_day: str, completed: bool) -> None:
    assert met(remove("completed the final year", last_day, year_group=year_group)) == completed


# --- absent for twenty school days ----------------------------------------------------------------------------------


def absent(*facts: Fact | list[Fact], last_day: str = TWENTY[-1], at: str = "") -> bool:
    return met(remove("absent twenty days", last_day, *facts, at=at))


def test_twenty_school_days_of_g_n_and_o_with_joint_enquiries() -> None:
    facts = [marks("G", *TWENTY[:7]), marks("N", *TWENTY[7:15]), marks("O", *TWENTY[15:])]
    assert absent(*facts, enquired(TWENTY[0]))
    assert absent(*facts, enquired(TWENTY[-1]))


def test_nineteen_are_not_enough() -> None:
    assert not absent(marks("O", *TWENTY[1:]), enquired(TWENTY[5]))
    assert not absent(marks("/", TWENTY[0]), marks("O", *TWENTY[1:]), enquired(TWENTY[5]))


@pytest.mark.parametrize("code", ["U", "/", "I", "L", "Y4"])
@pytest.mark.parametrize("place", [0, 20, 39])
def test_one_session_of_another_code_breaks_it(code: str, place: int) -> None:
    sessions = [f"{day}/{half}" for day in TWENTY for half in ("AM", "PM")]
    if code == "/" and sessions[place].endswith("PM"):
        code = "\\"
    facts = [marked(code if at == place else "O", session) for at, session in enumerate(sessions)]
    assert not absent(facts, enquired(TWENTY[5]))


def test_a_session_that_nobody_marked_breaks_it() -> None:
    facts = marks("O", *TWENTY)
    assert not absent(facts[:10] + facts[11:], enquired(TWENTY[5]))


def test_only_joint_enquiries_about_this_absence_will_do() -> None:
    facts = marks("O", *TWENTY)
    assert not absent(facts)
    assert not absent(facts, enquired(TWENTY[5], jointly=False))
    assert not absent(facts, enquired("2024-11-01"))


def test_enquiries_of_the_first_days_will_do_for_a_longer_absence() -> None:
    assert absent(marks("O", *DAYS), enquired(DAYS[2]), last_day=DAYS[-1])


def test_a_day_that_is_not_over_is_none_of_the_twenty_but_may_end_them() -> None:
    morning = DAYS[20]
    facts = [marks("O", *TWENTY), enquired(TWENTY[5])]
    for code, still_absent in [("N", True), ("/", False), ("U", False)]:
        held = absent(*facts, marked(code, f"{morning}/AM"), last_day=morning, at=f"{morning}T10:00:00")
        assert held == still_absent, code
    assert absent(*facts, last_day=morning, at=f"{morning}T08:00:00")
    assert not absent(marks("O", *TWENTY[1:]), marked("O", f"{morning}/AM"), enquired(TWENTY[5]), last_day=morning)


# --- not returned from leave ----------------------------------------------------------------------------------------

LEAVE = [leave_requested("2024-11-01/AM", "2024-11-01/PM"), leave_decided({"2024-11-01/PM": "C"}, "2024-11-01/AM")]


def not_returned(*facts: Fact | list[Fact], last_day: str = TEN[-1]) -> bool:
    return met(remove("not returned from leave", last_day, *facts))


def test_ten_school_days_after_leave_with_joint_enquiries() -> None:
    assert not_returned(LEAVE, marks("O", *TEN), enquired(TEN[3]))
    assert not not_returned(LEAVE, marks("O", *TEN[:9]), enquired(TEN[3]), last_day=TEN[8])


def test_it_is_about_leave_that_was_granted_and_not_withdrawn() -> None:
    rest = [marks("O", *TEN), enquired(TEN[3])]
    assert not not_returned(*rest)
    assert not not_returned(leave_requested("2024-11-01/AM", "2024-11-01/PM"), *rest)
    assert not not_returned(LEAVE[0], leave_decided({}, "2024-11-01/AM"), *rest)
    assert not not_returned(LEAVE, leave_withdrawn("2024-11-01/AM"), *rest)


@pytest.mark.parametrize("code", ["/", "L", "U", "I"])
def test_who_was_seen_or_is_ill_has_returned_or_has_a_cause(code: str) -> None:
    facts = [*marks("O", *TEN[:4]), marked(code, f"{TEN[4]}/AM"), marked("O", f"{TEN[4]}/PM"), *marks("O", *TEN[5:])]
    assert not not_returned(LEAVE, facts, enquired(TEN[3]))


def test_only_joint_enquiries_after_the_leave_will_do() -> None:
    assert not not_returned(LEAVE, marks("O", *TEN))
    assert not not_returned(LEAVE, marks("O", *TEN), enquired("2024-11-01"))
    assert not not_returned(LEAVE, marks("O", *TEN), enquired(TEN[3], jointly=False))


def test_leave_from_which_a_pupil_once_returned_is_over() -> None:
    facts = [marks("O", *TEN), marks("/", DAYS[10]), marks("O", *DAYS[11:25]), enquired(TEN[3]), enquired(DAYS[20])]
    assert not not_returned(LEAVE, *facts, last_day=DAYS[24])


# --- once -----------------------------------------------------------------------------------------------------------


def test_a_name_is_deleted_once() -> None:
    remove("moved away", "2024-11-15", left("2024-11-08")).then_refused("pupil_not_on_roll")
