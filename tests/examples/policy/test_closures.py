"""Closures: sessions expect a code, stay sessions, and leave alone what was marked."""

from datetime import date

import pytest

from tests.support.given import (
    AFTERNOON,
    MORNING,
    admitted,
    close,
    closure,
    given,
    marked,
    register_closed,
    send,
)


def declare(code: str, **fields: object) -> dict[str, object]:
    return send("DeclareClosure", code=code, **{"sessions": [MORNING], "reason": "no heating", **fields})


@pytest.mark.parametrize("code", ["Y1", "Y2", "Y3", "Y4", "Y6", "#"])
def test_a_closure_makes_sessions_expect_its_code(code: str) -> None:
    given().when(declare(code)).then(closure(code, MORNING))
    outcome = given(closure(code, MORNING)).when(close())
    outcome.then_marked(code)


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("Y5", "code_not_for_closure"),
        ("Y7", "code_not_for_closure"),
        ("N", "code_not_for_closure"),
        ("Y", "code_not_in_force"),
    ],
)
def test_other_codes_close_nothing(code: str, rule: str) -> None:
    given().when(declare(code)).then_refused(rule)


def test_the_mark_cites_the_closure() -> None:
    # The closure is the fifth fact of this school: opening, two years, one pupil.
    given(closure("Y4", MORNING)).when(close()).then(register_closed(1), marked("Y4", via="close", cites="closure 5"))


def test_a_closure_may_be_of_some_classes_or_some_pupils() -> None:
    other = admitted("1043", class_name="5K")
    given(other, closure("Y3", MORNING, classes=("5K",))).when(close()).then_marked("N", "Y3")
    given(other, closure("Y1", MORNING, pupils=("1042",))).when(close()).then_marked("Y1", "N")


def test_a_later_closure_goes_before_an_earlier_one() -> None:
    given(closure("Y3", MORNING), closure("Y4", MORNING)).when(close()).then_marked("Y4")


def test_marks_taken_before_the_closure_stay() -> None:
    given(marked("/")).when(declare("Y4")).then(closure("Y4", MORNING))
    given(marked("/"), closure("Y4", MORNING)).when(close()).then(register_closed(0))


def test_a_closure_may_be_declared_afterwards() -> None:
    given().when(declare("Y2"), at="2024-11-12T09:00:00").then(closure("Y2", MORNING))


def test_the_week_of_a_closure_is_a_school_week() -> None:
    sessions = [f"2024-11-0{day}/{half}" for day in range(4, 9) for half in ("AM", "PM")]
    school = given(closure("Y4", *sessions))
    assert date(2024, 11, 4) in school.school.calendar.school_weeks(date(2024, 11, 8), 10)
    assert date(2024, 10, 28) not in school.school.calendar.school_weeks(date(2024, 11, 8), 10)


def test_a_closed_session_is_in_neither_side_of_a_rate() -> None:
    figures = given(marked("Y4"), marked("I", AFTERNOON)).absence("2024-11-05")
    assert (figures["possible"], figures["attended"], figures["authorised"]) == (1, 0, 1)


def test_a_planned_closure_is_for_closures_only() -> None:
    given().when(send("RecordMark", pupil="1042", session=MORNING, code="#")).then_refused("code_is_administrative")
