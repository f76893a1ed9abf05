"""Leave as it was asked for, decided and taken: on the form, in advance, by a parent at home; decided by who may; and
the absence that followed a refusal, per parent who allowed it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from projections.asking.questions import Answers
from projections.audit.health import doctor_findings
from projections.records.leaves import LeaveAnswer, leave_answers
from projections.records.registers import register_answer
from tests.support.cases import FATHER, HOLIDAY, MOTHER, OFFICE, PUPIL, amended, case, holiday, line
from tests.support.schools import OpenedSchool, new_keys

TODAY = "2025-12-12"


def leave(opened: OpenedSchool, as_of: str = TODAY) -> LeaveAnswer:
    moment = opened.answers.moment(date.fromisoformat(as_of))
    (found,) = leave_answers(opened.answers, moment, [PUPIL], empty=True)
    return found


def decide(at: str, *granted: tuple[str, str], by: dict[str, Any] | None = None) -> dict[str, Any]:
    codes = [{"session": session, "code": code} for session, code in granted]
    said = {"by": by} if by else {}
    return line(at, "DecideLeave", request="LR-1", granted=codes, reason="considered", **said)


def withdraw(at: str) -> dict[str, Any]:
    return line(at, "WithdrawLeave", request="LR-1", reason="not going")


@pytest.mark.parametrize(
    ("decision", "state"),
    [
        ([], "waiting"),
        ([decide("2025-11-06T10:00")], "refused"),
        ([decide("2025-11-06T10:00", (HOLIDAY[0], "C"))], "granted in part"),
        ([decide("2025-11-06T10:00", *((each, "C") for each in HOLIDAY))], "granted"),
        ([withdraw("2025-11-06T10:00")], "withdrawn"),
    ],
)
def test_a_request_has_one_state(decision: list[dict[str, Any]], state: str) -> None:
    (request,) = leave(case(holiday(), *decision, without=("decided", "refusal", "code"))).requests
    assert request.state == state
    assert [each.session for each in request.sessions] == HOLIDAY


def reasonless(opened: OpenedSchool, as_of: str = TODAY) -> list[tuple[str | None, str | None]]:
    found = doctor_findings(opened.answers, opened.answers.moment(date.fromisoformat(as_of)))
    return [(each.pupil, each.session) for each in found if each.rule == "leave_refused_without_reason"]


@pytest.mark.parametrize(
    ("granted", "reason", "found"),
    [([], "", 1), (HOLIDAY[:1], "", 1), (HOLIDAY, "", 0), ([], "term time", 0), (HOLIDAY[:1], "one ceremony", 0)],
)
def test_leave_refused_without_a_reason_is_a_finding(granted: list[str], reason: str, found: int) -> None:
    decision = {**decide("2025-11-06T10:00", *((each, "C") for each in granted)), "reason": reason}
    opened = case(holiday(), decision, without=("decided", "refusal", "code"))
    assert reasonless(opened) == [(PUPIL, HOLIDAY[0])] * found


def test_it_is_one_from_the_day_of_the_decision_until_the_request_is_withdrawn() -> None:
    decision = {**decide("2025-11-06T10:00"), "reason": ""}
    without = ("decided", "refusal", "code")
    opened = case(holiday(), decision, without=without)
    assert [len(reasonless(opened, f"2025-11-0{day}")) for day in (5, 6)] == [0, 1]
    assert reasonless(case(holiday(), decision, withdraw("2025-11-07T10:00"), without=without)) == []


def test_a_reason_that_is_sealed_without_its_key_is_not_judged() -> None:
    opened = case(holiday())
    sealed = Answers(opened.ledger, opened.answers.engine, new_keys())
    assert reasonless(opened._replace(answers=sealed)) == []


def test_a_decision_counts_from_its_day_on() -> None:
    opened = case(holiday())
    assert leave(opened, "2025-11-04").requests == []
    assert [leave(opened, f"2025-11-0{day}").requests[0].state for day in (5, 6)] == ["waiting", "refused"]


@pytest.mark.parametrize(
    ("received_on", "at", "in_advance"),
    [("2025-11-23", "2025-11-25T10:00", True), ("2025-11-24", "2025-11-24T08:54", True),
     ("2025-11-24", "2025-11-24T08:55", False), ("2025-11-25", "2025-11-25T08:00", False)],
)  # fmt: skip
def test_leave_is_asked_for_in_advance(received_on: str, at: str, in_advance: bool) -> None:
    asked = line(
        at, "RequestLeave", request="LR-1", parent=MOTHER, received_on=received_on, first=HOLIDAY[0], last=HOLIDAY[-1]
    )
    (request,) = leave(case(holiday(), asked, without=("asked", "decided", "refusal"))).requests
    assert (request.in_advance, request.on_form) == (in_advance, False)


def test_a_parent_the_pupil_does_not_live_with_is_named_as_such_where_contacts_can_be_read() -> None:
    opened = case(holiday())
    assert leave(opened).requests[0].lives_with is True
    asked = line(
        "2025-11-07T10:00", "RequestLeave", request="LR-2", parent=FATHER, received_on="2025-11-07",
        first="2025-12-11/AM", last="2025-12-11/PM",
    )  # fmt: skip
    assert leave(case(holiday(), asked)).requests[1].lives_with is False
    sealed = Answers(opened.ledger, opened.answers.engine, new_keys())
    assert leave(opened._replace(answers=sealed)).requests[0].lives_with is None


def test_who_decided_held_the_role_then() -> None:
    (request,) = leave(case(holiday())).requests
    assert request.decided_by is not None
    assert (request.decided_by.name, request.decided_by.held_role) == ("H Example", True)
    unnamed = [each for each in holiday() if each["command"] != "NameRole"]
    (request,) = leave(case(unnamed, decide("2025-11-06T10:00", by=OFFICE), without=("decided",))).requests
    assert request.decided_by is not None and request.decided_by.held_role is None
    named_later = [each if each["command"] != "NameRole" else {**each, "from_day": "2025-11-07"} for each in holiday()]
    (request,) = leave(case(named_later)).requests
    assert request.decided_by is not None and request.decided_by.held_role is None


def test_the_absence_that_followed_a_refusal_is_laid_to_the_parent_who_applied() -> None:
    ill = amended(HOLIDAY[0], "I", "2025-12-02T09:00", "ill on the Monday")
    (request,) = leave(case(holiday(), ill)).requests
    assert request.absent_after_refusal == HOLIDAY[1:]
    assert [(each.parent, each.by, len(each.sessions)) for each in request.allowed] == [(MOTHER, "presumption", 9)]
    assert [each.became for each in request.sessions[:2]] == ["other", "G"]


def test_a_record_of_who_allowed_it_goes_before_the_presumption() -> None:
    both = line(
        "2025-12-02T10:00", "AttributeAbsence", sessions=HOLIDAY[:4], parents=[MOTHER, FATHER],
        reason="both were on the holiday",
    )  # fmt: skip
    (request,) = leave(case(holiday(), both)).requests
    assert [(each.parent, each.by, len(each.sessions)) for each in request.allowed] == [
        (MOTHER, "record", 4),
        (FATHER, "record", 4),
        (MOTHER, "presumption", 6),
    ]


def test_who_came_to_school_after_a_refusal_was_absent_from_nothing() -> None:
    came = [each for each in holiday() if each["tag"] != "code"]
    came.append(line("2025-11-24T09:00", "RecordMark", session=HOLIDAY[0], code="/"))
    (request,) = leave(case(came)).requests
    assert [each.became for each in request.sessions[:2]] == ["present", "N"]
    assert request.absent_after_refusal == HOLIDAY[1:]


def test_a_holiday_that_nobody_asked_for_is_named() -> None:
    assert leave(case(holiday())).never_asked == []
    never = leave(case(holiday(), without=("asked", "decided", "refusal"))).never_asked
    assert [each.session for each in never] == HOLIDAY and never[0].position


@pytest.mark.parametrize(
    ("decision", "refused_by"),
    [([], None), ([decide("2025-11-06T10:00")], "LR-1"), ([decide("2025-11-06T10:00", (HOLIDAY[0], "C"))], None)],
)
def test_the_register_shows_what_was_refused(decision: list[dict[str, Any]], refused_by: str | None) -> None:
    opened = case(holiday(), *decision, without=("decided", "refusal"))
    day = date(2025, 11, 24)
    lines = register_answer(opened.answers, opened.answers.moment(day), "4W", day).lines
    found = {(each.pupil, each.session): each.refused_by for each in lines}
    assert found[PUPIL, HOLIDAY[0]] == refused_by and found["1043", HOLIDAY[0]] is None
