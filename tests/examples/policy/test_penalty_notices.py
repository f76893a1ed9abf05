"""Penalty notices: ten sessions of unauthorised absence in ten school weeks, and never the same session twice."""

from datetime import date

import pytest
from msgspec.structs import replace

from ledger.policy import load
from tests.support.given import (
    FATHER,
    MOTHER,
    PUPIL,
    Fact,
    admitted,
    given,
    left,
    marked,
    marks,
    notice,
    notice_withdrawn,
    policy_adopted,
    send,
)

WEEK = ["2024-11-25", "2024-11-26", "2024-11-27", "2024-11-28", "2024-11-29"]
SESSIONS = [f"{day}/{half}" for day in WEEK for half in ("AM", "PM")]
TEN, NINE = marks("G", *WEEK), marks("G", *WEEK)[:9]


def issue(name: str = "PN-1", **fields: object) -> dict[str, object]:
    said = {"parent": MOTHER, "issued_on": "2024-12-09", "sessions": SESSIONS[:2]}
    return send("IssuePenaltyNotice", pupil=PUPIL, notice=name, **{**said, **fields})


def pinned(fact: Fact, seen: int) -> Fact:
    """Return the fact of a notice with the position and the policy that it was decided at."""
    policy = load("national-2024")
    return fact._replace(event=replace(fact.event, seen=seen, policy=policy.name, rules=policy.rules))


# --- the threshold --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["national-2024", "micklem-2025"])
def test_the_tenth_session_meets_the_threshold(policy: str) -> None:
    below, met = given(*NINE, policy=policy).window("2024-11-29"), given(*TEN, policy=policy).window("2024-11-29")
    assert (len(below.sessions), below.met, below.met_on) == (9, False, None)
    assert (len(met.sessions), met.met, met.met_on) == (10, True, met.sessions[-1].session)


@pytest.mark.parametrize(("policy", "counts"), [("national-2024", "GNOU"), ("micklem-2025", "GOU")])
def test_the_policies_differ_in_the_unexplained(policy: str, counts: str) -> None:
    for code in ("G", "N", "O", "U", "I", "C", "L", "/", "Y4"):
        window = given(marked(code), policy=policy).window("2024-11-05")
        assert len(window.sessions) == (code in counts), code


def test_any_mix_of_codes_counts_in_a_row_or_not() -> None:
    facts = marks("G", "2024-11-04", "2024-11-12") + marks("O", "2024-11-20") + marks("U", "2024-12-02", "2024-12-11")
    assert given(*facts).window("2024-12-11").met
    assert not given(*facts).window("2024-12-10").met


def test_six_in_one_week_and_one_in_each_of_the_next_four() -> None:
    later = [marked("U", f"{day}/AM") for day in ("2024-11-11", "2024-11-18", "2024-11-25", "2024-12-02")]
    window = given(marks("O", "2024-11-04", "2024-11-05", "2024-11-06"), *later).window("2024-12-06")
    assert (len(window.sessions), window.met) == (10, True)


def test_two_at_the_end_of_summer_and_eight_in_autumn() -> None:
    facts = marks("G", "2025-07-22") + marks("O", "2025-09-03", "2025-09-04", "2025-09-05", "2025-09-08")
    window = given(*facts).window("2025-09-08")
    assert (len(window.sessions), window.met) == (10, True)


# --- the window -----------------------------------------------------------------------------------------------------


def test_holidays_use_up_no_weeks() -> None:
    # Ten weeks with sessions from 7 October: the half term has none, and the tenth ends where Christmas begins.
    school = given(marked("G", "2024-10-07/AM"))
    assert len(school.window("2025-01-05").sessions) == 1
    assert len(school.window("2025-01-06").sessions) == 0


def test_a_week_begins_with_its_first_session_and_not_with_its_monday() -> None:
    # The year begins on a Tuesday; on the Monday before, the last ten weeks are still those of July.
    calendar = given().school.calendar
    assert calendar.school_weeks(date(2025, 9, 2), 10)[-1] == date(2025, 7, 21)
    assert calendar.school_weeks(date(2025, 9, 3), 10)[-1] == date(2025, 9, 1)


def test_sessions_after_the_day_asked_about_do_not_count() -> None:
    assert [len(given(*TEN).window(day).sessions) for day in ("2024-11-24", "2024-11-25", "2024-11-28")] == [0, 2, 8]


def test_the_session_that_met_it_is_the_tenth_in_this_window() -> None:
    window = given(*TEN, marks("O", "2024-12-02")).window("2024-12-02")
    assert len(window.sessions) == 12
    assert window.met_on == "2024-11-29/PM"


def test_only_pupils_of_compulsory_school_age_have_one() -> None:
    # Five on 27 November: of that age from 31 December on.
    too_young = given(*TEN, pupil=admitted(born="2019-11-27"))
    assert not too_young.window("2024-11-29").sessions
    old_enough = given(*TEN, pupil=admitted(born="2019-08-31"))
    assert old_enough.window("2024-11-29").met


def test_only_days_on_roll_count() -> None:
    assert len(given(*TEN, left("2024-11-27")).window("2024-11-29").sessions) == 6


def test_a_policy_governs_from_its_day() -> None:
    school = given(marks("N", *WEEK), policy_adopted("micklem-2025", "2024-12-02"))
    assert [len(school.window(day).sessions) for day in ("2024-12-01", "2024-12-02")] == [10, 0]


# --- notices --------------------------------------------------------------------------------------------------------


def test_sessions_named_in_a_notice_are_not_counted_again() -> None:
    school = given(*TEN, notice("PN-1", *SESSIONS[:4]))
    assert len(school.window("2024-12-08").sessions) == 10  # before it was issued
    assert len(school.window("2024-12-09").sessions) == 6


def test_a_parents_own_line_knows_only_that_parents_notices() -> None:
    lines = {line.parent: line for line in given(*TEN, notice("PN-1", *SESSIONS)).window("2024-12-09").parents}
    assert (lines[MOTHER].count, lines[MOTHER].notices_in_three_years) == (0, 1)
    assert (lines[FATHER].count, lines[FATHER].met, lines[FATHER].notices_in_three_years) == (10, True, 0)


def test_a_notice_withdrawn_never_was() -> None:
    school = given(*TEN, notice("PN-1", *SESSIONS), notice_withdrawn("PN-1"))
    window = school.window("2024-12-09")
    assert window.met
    assert [line.notices_in_three_years for line in window.parents] == [0, 0]


def test_a_parent_has_at_most_two_in_three_years() -> None:
    two = [notice("PN-1", SESSIONS[0]), notice("PN-2", SESSIONS[1], issued_on="2025-02-03")]
    given(*two).when(issue("PN-3", issued_on="2027-12-08")).then_refused("third_in_three_years")
    school = given(*two)
    school.when(issue("PN-3", issued_on="2027-12-09", sessions=SESSIONS[:1])).then(
        pinned(notice("PN-3", SESSIONS[0], issued_on="2027-12-09"), school.head)
    )


def test_the_limit_is_of_each_parent() -> None:
    two = [notice("PN-1", SESSIONS[0]), notice("PN-2", SESSIONS[1])]
    school = given(*two)
    school.when(issue("PN-3", parent=FATHER, sessions=SESSIONS[:1])).then(
        pinned(notice("PN-3", SESSIONS[0], parent=FATHER), school.head)
    )


def test_withdrawn_notices_leave_room_and_those_before_the_framework_never_took_any() -> None:
    first, second = notice("PN-1", SESSIONS[0]), notice("PN-2", SESSIONS[1])
    given(first, second, notice_withdrawn("PN-1")).when(issue("PN-3")).then_marked()
    before = [notice(f"PN-{n}", SESSIONS[0], issued_on="2024-08-18") for n in (1, 2)]
    given(*before).when(issue("PN-3")).then_marked()


def test_below_the_threshold_a_notice_is_for_people_to_judge() -> None:
    given(marked("N", SESSIONS[0])).when(issue()).then_marked()


def test_a_notice_goes_to_a_parent_of_this_pupil() -> None:
    given(*TEN).when(issue(parent="1043-a")).then_refused("unknown_person")
