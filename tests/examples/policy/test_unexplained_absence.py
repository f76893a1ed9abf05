"""N: no reason yet. It is owed a real code within five school days, and stays in the entry for ever."""

from datetime import date

import pytest

from ledger import policy
from tests.support.given import AFTERNOON, amend, amended, close, given, marked, marks, register_closed, send


def test_who_is_not_there_when_the_register_closes_is_unexplained() -> None:
    given().when(close()).then(register_closed(1), marked("N", via="close"))


@pytest.mark.parametrize("code", ["I", "M", "O", "G", "/"])
def test_a_reason_amends_it_and_the_n_stays_the_original_entry(code: str) -> None:
    given(marked("N")).when(amend(code)).then(amended("N", code, "mother rang"))
    entry = given(marked("N"), amended("N", code, "mother rang")).entries["1042/2024/2024-11-05/AM"]
    assert (entry.original, entry.code) == ("N", code)


def test_what_turns_out_hasty_can_become_n_again() -> None:
    given(marked("N"), amended("N", "O", "no word")).when(amend("N", "they moved, no word after all")).then(
        amended("O", "N", "they moved, no word after all")
    )


def test_a_parents_report_explains_nothing_by_itself() -> None:
    heard = {"parent": "1042-a", "channel": "voicemail", "received_at": "2024-11-05T08:30:00", "said": "fever"}
    report = send("ReportAbsence", pupil="1042", sessions=["2024-11-05/AM"], **heard)
    given(marked("N")).when(report).then_marked()


@pytest.mark.parametrize(
    ("session_day", "last_day"),
    [
        (date(2024, 11, 4), date(2024, 11, 11)),  # Monday: the Monday after
        (date(2024, 11, 8), date(2024, 11, 15)),  # Friday: the week-end counts for nothing
        (date(2024, 10, 24), date(2024, 11, 7)),  # the half term counts for nothing
    ],
)
def test_it_is_owed_a_code_within_five_school_days(session_day: date, last_day: date) -> None:
    days = policy.load("micklem-2025").n_deadline_school_days
    assert given().school.calendar.school_days_after(session_day, days) == last_day


def test_until_then_it_is_unauthorised_and_counts_to_the_national_threshold_only() -> None:
    facts = [marked("N"), marked("N", AFTERNOON)]
    assert given(*facts).absence("2024-11-05")["unauthorised"] == 2
    for name, count in (("national-2024", 2), ("micklem-2025", 0)):
        window = given(*facts, policy=name).window("2024-11-05")
        assert (len(window.sessions), window.unresolved) == (count, count)


def test_a_threshold_that_rests_on_it_says_so() -> None:
    week = ["2024-11-04", "2024-11-05", "2024-11-06", "2024-11-07"]
    window = given(marks("G", *week), marks("N", "2024-11-08")).window("2024-11-08")
    assert (window.met, window.unresolved) == (True, 2)
