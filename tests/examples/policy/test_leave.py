"""Leave: asked for in advance, decided by the head session by session, and only ever expected until the day comes."""

import pytest

from ledger.events import LeaveDecided, LeaveRequested
from tests.support.given import (
    AFTERNOON,
    FATHER,
    MORNING,
    PUPIL,
    TEACHER,
    admitted,
    close,
    closure,
    given,
    leave_decided,
    leave_requested,
    leave_withdrawn,
    left,
    marked,
    register_closed,
    send,
)

REQUESTED = leave_requested(MORNING, "2024-11-06/PM")
DAY_BEFORE = "2024-11-04T15:00:00"


def decide(*granted: tuple[str, str], **fields: str) -> dict[str, object]:
    sessions = [{"session": session, "code": code} for session, code in granted]
    return send("DecideLeave", pupil=PUPIL, request="LR-1", granted=sessions, reason="considered", **fields)


def request(**fields: object) -> dict[str, object]:
    asked = {"parent": FATHER, "received_on": "2024-11-04", "first": MORNING, "last": AFTERNOON, "on_form": True}
    return send("RequestLeave", pupil=PUPIL, request="LR-2", ground="holiday", **{**asked, **fields})


def test_a_parent_asks() -> None:
    outcome = given().when(request(), at=DAY_BEFORE)
    assert outcome.decided is not None
    (fact,) = outcome.decided.facts
    assert isinstance(fact.event, LeaveRequested) and fact.event.parent == FATHER
    given().when(request(parent="1043-a")).then_refused("unknown_person")


@pytest.mark.parametrize(("received_on", "rule"), [("2024-11-04", ""), ("2024-11-05", "malformed")])
def test_a_request_has_come_by_the_day_it_is_written_down(received_on: str, rule: str) -> None:
    outcome = given().when(request(received_on=received_on), at=DAY_BEFORE)
    assert (outcome.refused.rule if outcome.refused else "") == rule


def test_the_head_grants_some_sessions_and_thereby_refuses_the_rest() -> None:
    given(REQUESTED).when(decide((MORNING, "C")), at=DAY_BEFORE).then(leave_decided({MORNING: "C"}))


def test_refusing_all_of_it_is_a_decision_too() -> None:
    given(REQUESTED).when(decide(), at=DAY_BEFORE).then_told(LeaveDecided(by=TEACHER, reason="considered"))


@pytest.mark.parametrize(("clock", "accepted"), [("08:54:59", True), ("08:55:00", False)])
def test_leave_is_granted_in_advance_or_not_at_all(clock: str, accepted: bool) -> None:
    outcome = given(REQUESTED).when(decide((MORNING, "C")), at=f"2024-11-05T{clock}")
    outcome.then_marked() if accepted else outcome.then_refused("leave_not_in_advance")


def test_leave_is_refused_at_any_time() -> None:
    given(REQUESTED).when(decide(), at="2024-11-12T09:00:00").then_marked()


def test_a_request_is_decided_once() -> None:
    given(REQUESTED, leave_decided({})).when(decide((MORNING, "C")), at=DAY_BEFORE).then_refused(
        "leave_already_decided"
    )


def test_nothing_is_granted_that_was_not_asked_for() -> None:
    given(REQUESTED).when(decide(("2024-11-07/AM", "C")), at=DAY_BEFORE).then_refused("session_outside_request")


@pytest.mark.parametrize("code", ["I", "M", "/", "G", "R"])
def test_leave_is_granted_with_a_code_of_leave(code: str) -> None:
    given(REQUESTED).when(decide((MORNING, code)), at=DAY_BEFORE).then_refused("code_not_for_leave")


def test_a_part_time_timetable_states_its_times_and_is_for_school_age_only() -> None:
    given(REQUESTED).when(decide((MORNING, "C2")), at=DAY_BEFORE).then_refused("code_needs_detail")
    too_young = admitted(born="2020-11-01")
    given(REQUESTED, pupil=too_young).when(decide((MORNING, "C2")), at=DAY_BEFORE).then_refused("code_not_for_this_age")


def test_a_decision_marks_nobody_and_closing_does_citing_it() -> None:
    school = given(REQUESTED, leave_decided({MORNING: "C"}))
    school.when(close()).then(register_closed(1), marked("C", via="close", cites="LR-1"))


def test_leave_that_was_refused_and_taken_is_unexplained_at_first() -> None:
    given(REQUESTED, leave_decided({MORNING: "C"})).when(close(AFTERNOON)).then_marked("N")
    given(REQUESTED, leave_decided({})).when(close()).then_marked("N")
    given(REQUESTED).when(close()).then_marked("N")


def test_who_comes_to_school_after_all_is_present() -> None:
    given(REQUESTED, leave_decided({MORNING: "C"}), marked("/")).when(close()).then(register_closed(0))


def test_leave_is_about_this_pupil_and_goes_before_a_closure() -> None:
    granted = leave_decided({MORNING: "C"})
    given(REQUESTED, granted, closure("Y4", MORNING)).when(close()).then_marked("C")
    given(REQUESTED, granted, leave_withdrawn(), closure("Y4", MORNING)).when(close()).then_marked("Y4")


def test_leave_withdrawn_is_expected_no_more() -> None:
    given(REQUESTED, leave_decided({MORNING: "C"}), leave_withdrawn()).when(close()).then_marked("N")


def test_withdrawing_leave_leaves_the_mark_that_came_of_it() -> None:
    withdraw = send("WithdrawLeave", pupil=PUPIL, request="LR-1", reason="not going")
    taken = marked("C", via="close", cites="LR-1")
    given(REQUESTED, leave_decided({MORNING: "C"}), taken).when(withdraw).then(leave_withdrawn())


def test_nobody_grants_leave_to_a_pupil_who_has_left() -> None:
    given(REQUESTED, left("2024-11-05")).when(decide(("2024-11-06/AM", "C")), at=DAY_BEFORE).then_refused(
        "pupil_not_on_roll"
    )


def test_granted_leave_is_authorised_absence_and_never_counts_to_a_notice() -> None:
    school = given(marked("C"), marked("G", AFTERNOON))
    figures = school.absence("2024-11-05")
    assert (figures["authorised"], figures["unauthorised"]) == (1, 1)
    assert [counted.code for counted in school.window("2024-11-05").sessions] == ["G"]
