"""Registers: every pupil on roll, each session, once; nobody overwrites what is there."""

import pytest

from tests.support.given import (
    AFTERNOON,
    admitted,
    close,
    given,
    left,
    marked,
    record,
    register_closed,
    register_taken,
    take,
)

OTHER = "1043"


def test_taking_a_register_records_one_submission_and_a_mark_for_each_pupil() -> None:
    register = take({"1042": "/", OTHER: {"code": "B", "detail": "choir"}})
    given(admitted(OTHER)).when(register).then(register_taken(2), marked("/"), marked("B", pupil=OTHER, detail="choir"))


def test_a_pupil_left_out_stays_unmarked() -> None:
    given(admitted(OTHER)).when(take({"1042": "/"})).then(register_taken(1), marked("/"))


def test_one_wrong_mark_records_no_mark_at_all() -> None:
    given(admitted(OTHER)).when(take({"1042": "/", OTHER: "\\"})).then_refused("code_not_for_this_half")


def test_who_was_marked_before_the_register_keeps_that_mark_and_is_named() -> None:
    outcome = given(marked("L")).when(take({"1042": "/"}))
    outcome.then(register_taken(0))
    assert outcome.decided is not None and outcome.decided.kept == ("1042",)


def test_a_register_is_taken_once() -> None:
    given(register_taken(0)).when(take({"1042": "/"})).then_refused("register_already_taken")


def test_a_register_may_be_taken_after_somebody_closed_it() -> None:
    given(register_closed(1), marked("N", via="close")).when(take({"1042": "/"})).then(register_taken(0))


def test_morning_and_afternoon_are_two_registers() -> None:
    given(register_taken(1), marked("/")).when(take({"1042": "\\"}, AFTERNOON)).then(
        register_taken(1, AFTERNOON), marked("\\", AFTERNOON)
    )


@pytest.mark.parametrize(("clock", "accepted"), [("08:54:59", False), ("08:55:00", True)])
def test_nothing_is_marked_before_registration_opens(clock: str, accepted: bool) -> None:
    outcome = given().when(record("/"), at=f"2024-11-05T{clock}")
    outcome.then(marked("/", via="mark")) if accepted else outcome.then_refused("session_in_the_future")


@pytest.mark.parametrize(
    "session",
    ["2024-11-09/AM", "2024-10-30/AM", "2024-09-02/AM", "2025-07-23/AM"],
    ids=["Saturday", "half term", "before", "after"],
)
def test_days_without_school_have_no_sessions(session: str) -> None:
    given(pupil=admitted(start="2024-09-01")).when(record("/", session), at="2025-07-25T09:00:00").then_refused(
        "not_a_session"
    )


def test_the_same_mark_again_is_accepted_and_changes_nothing() -> None:
    given(marked("I")).when(record("I")).then()


def test_another_mark_for_the_same_session_is_an_amendment_or_nothing() -> None:
    given(marked("I")).when(record("/")).then_refused("already_marked")


def test_closing_marks_whoever_is_left() -> None:
    given(admitted(OTHER), marked("/")).when(close()).then(register_closed(1), marked("N", pupil=OTHER, via="close"))


def test_closing_a_register_in_which_everybody_is_marked_is_still_a_fact() -> None:
    given(register_taken(1), marked("/")).when(close()).then(register_closed(0))


def test_closing_again_marks_nobody_twice() -> None:
    given(register_closed(1), marked("N", via="close")).when(close()).then()


def test_closing_without_a_class_closes_every_class() -> None:
    given(admitted(OTHER, class_name="5K")).when(close()).then(
        register_closed(1),
        marked("N", via="close"),
        register_closed(1, class_name="5K"),
        marked("N", pupil=OTHER, via="close"),
    )


def test_closing_one_class_leaves_the_others_open() -> None:
    given(admitted(OTHER, class_name="5K")).when(close(**{"class": "4W"})).then(
        register_closed(1), marked("N", via="close")
    )


def test_a_pupil_is_marked_from_the_starting_day_to_the_last() -> None:
    for day, accepted in (("2024-11-04", False), ("2024-11-05", True), ("2024-11-06", True), ("2024-11-07", False)):
        outcome = given(left("2024-11-06"), pupil=admitted(start="2024-11-05")).when(
            record("/", f"{day}/AM"), at=f"{day}T12:00:00"
        )
        outcome.then_marked("/") if accepted else outcome.then_refused("pupil_not_on_roll")


def test_a_leaver_is_not_marked_absent_by_closing() -> None:
    given(left("2024-11-04"), admitted(OTHER)).when(close()).then_marked("N")


def test_a_closed_session_without_a_mark_is_missing_and_nothing_else() -> None:
    school = given(marked("/", "2024-09-03/AM"))
    figures = school.absence("2024-09-03", known_at="2024-09-03T13:30:00")
    assert (figures["possible"], figures["attended"], figures["missing"]) == (1, 1, 1)
    assert school.absence("2024-09-03", known_at="2024-09-03T13:29:59.999999")["missing"] == 0
