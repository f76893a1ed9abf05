"""Persistent and severe absence: a share of the pupil's own possible sessions, exact, for any reason."""

import pytest

from commands.deciding.state import Fact
from ledger.sessions import Session
from tests.support.given import Given, admitted, given, left, marked, marks

END_OF_YEAR = "2025-07-22"


def school_of(absent: int, attended: int, code: str = "I") -> Given:
    """Return a school whose pupil was absent for so many sessions and then attended so many."""
    numbers = given().school.calendar.session_numbers(2024)[: absent + attended]
    codes = [code] * absent + ["V"] * attended
    facts: list[Fact] = [
        marked(symbol, str(Session.from_number(number))) for symbol, number in zip(codes, numbers, strict=True)
    ]
    return given(*facts)


@pytest.mark.parametrize(
    ("absent", "attended", "shown", "verdicts"),
    [
        (1, 20, 4.8, []),
        (1, 19, 5.0, ["at_risk"]),
        (10, 91, 9.9, ["at_risk"]),
        (23, 208, 10.0, ["at_risk"]),  # 9.96 % is shown as 10.0 and is not persistent
        (10, 90, 10.0, ["persistent"]),
        (49, 51, 49.0, ["persistent"]),
        (49, 50, 49.5, ["persistent"]),
        (50, 50, 50.0, ["persistent", "severe"]),
        (1, 0, 100.0, ["persistent", "severe"]),
        (0, 1, 0.0, []),
    ],
)
def test_thresholds_are_on_unrounded_counts(absent: int, attended: int, shown: float, verdicts: list[str]) -> None:
    figures = school_of(absent, attended).absence(END_OF_YEAR)
    assert (figures["possible"], figures["percent"]) == (absent + attended, shown)
    assert [verdict for verdict in ("at_risk", "persistent", "severe") if figures[verdict]] == verdicts


@pytest.mark.parametrize("code", ["I", "M", "C", "R", "E", "T", "G", "O", "U", "N"])
def test_the_reason_does_not_matter(code: str) -> None:
    assert school_of(1, 9, code).absence(END_OF_YEAR)["persistent"]


@pytest.mark.parametrize("code", ["D", "Q", "X", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7", "#", "Z"])
def test_sessions_that_were_not_possible_count_on_neither_side(code: str) -> None:
    figures = school_of(10, 9, code).absence(END_OF_YEAR)
    assert (figures["possible"], figures["persistent"], figures["missing"] > 0) == (9, False, True)


def test_nothing_possible_is_no_rate_and_no_verdict() -> None:
    figures = school_of(10, 0, "Y4").absence(END_OF_YEAR)
    assert (figures["possible"], figures["percent"], figures["persistent"]) == (0, None, False)


@pytest.mark.parametrize("code", ["B", "K", "P", "V", "W", "L"])
def test_being_taught_elsewhere_is_attendance(code: str) -> None:
    assert school_of(10, 0, code).absence(END_OF_YEAR)["attended"] == 10


def test_a_pupil_has_only_the_sessions_from_the_first_day_to_the_last() -> None:
    days = ["2024-11-04", "2024-11-05", "2024-11-06"]
    figures = given(marks("/", *days), left("2024-11-05"), pupil=admitted(start="2024-11-05")).absence("2024-11-08")
    assert (figures["possible"], figures["missing"]) == (2, 0)


def test_a_new_school_year_begins_at_nothing() -> None:
    school = given(marks("I", "2025-07-21", "2025-07-22"), marks("/", "2025-09-03"))
    assert school.absence("2025-09-02")["authorised"] == 4
    assert school.absence("2025-09-03")["authorised"] == 0


def test_early_in_the_year_one_day_can_be_enough() -> None:
    assert given(marks("/", "2024-09-03"), marks("I", "2024-09-04")).absence("2024-09-04")["severe"]


def test_the_old_interview_was_attendance_and_the_new_one_is_leave() -> None:
    assert school_of(1, 0, "J").absence(END_OF_YEAR)["attended"] == 1
    assert school_of(1, 0, "J1").absence(END_OF_YEAR)["authorised"] == 1
