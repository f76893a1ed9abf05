"""The people whom the school names: whoever holds a role on a day, and only the head or the designate on leave."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from commands.deciding.state import Fact
from ledger.people import Staff
from tests.support.given import PUPIL, TEACHER, Outcome, given, leave_requested, policy_adopted, send
from tests.support.given_cases import role_named

HEAD, DEPUTY = Staff("head", "H Example", "Headteacher"), Staff("dep", "D Deputy", "Deputy head")
ASKED = leave_requested("2024-11-25/AM", "2024-11-25/PM")


def decide(*facts: Fact, by: Staff, at: str = "2024-11-05T16:00:00") -> Outcome:
    signed = {"id": by.id, "name": by.name, "title": by.title}
    granted: list[dict[str, Any]] = [{"session": "2024-11-25/AM", "code": "C"}]
    line = send("DecideLeave", pupil=PUPIL, request="LR-1", granted=granted, reason="a ceremony", by=signed)
    return given(ASKED, *facts).when(line, at=at)


def test_until_the_school_names_somebody_anybody_decides() -> None:
    assert decide(by=TEACHER).refused is None
    assert decide(role_named("attendance lead", HEAD, from_day="2024-09-03"), by=TEACHER).refused is None


@pytest.mark.parametrize(("at", "rule"), [("2024-11-04T23:59:59", ""), ("2024-11-05T00:00:00", "not_a_leave_decider")])
def test_from_the_day_on_which_somebody_is_named_nobody_else_does(at: str, rule: str) -> None:
    named = role_named("headteacher", HEAD, from_day="2024-11-05")
    outcome = decide(named, by=TEACHER, at=at)
    assert (outcome.refused.rule if outcome.refused else "") == rule
    assert decide(named, by=HEAD, at=at).refused is None


def test_the_head_and_the_designates_decide() -> None:
    named = [
        role_named("headteacher", HEAD, from_day="2024-09-03"),
        role_named("leave designate", DEPUTY, from_day="2024-09-03"),
    ]
    for who in (HEAD, DEPUTY):
        assert decide(*named, by=who).refused is None
    decide(*named, by=TEACHER).then_refused("not_a_leave_decider")


@pytest.mark.parametrize("by", [HEAD, DEPUTY, TEACHER])
def test_a_designate_named_before_the_head_shuts_nobody_out(by: Staff) -> None:
    assert decide(role_named("leave designate", DEPUTY, from_day="2024-09-03"), by=by).refused is None


@pytest.mark.parametrize(("at", "rule"), [("2024-11-04T23:59:59", ""), ("2024-11-05T00:00:00", "not_a_leave_decider")])
def test_a_designate_bars_others_from_the_day_on_which_the_head_is_named(at: str, rule: str) -> None:
    named = [
        role_named("leave designate", DEPUTY, from_day="2024-09-03"),
        role_named("headteacher", HEAD, from_day="2024-11-05"),
    ]
    outcome = decide(*named, by=TEACHER, at=at)
    assert (outcome.refused.rule if outcome.refused else "") == rule


def test_whoever_held_the_role_before_decides_no_longer() -> None:
    named = [
        role_named("headteacher", HEAD, from_day="2024-09-03"),
        role_named("headteacher", DEPUTY, from_day="2024-11-05"),
    ]
    assert decide(*named, by=HEAD, at="2024-11-04T16:00:00").refused is None
    decide(*named, by=HEAD).then_refused("not_a_leave_decider")
    assert decide(*named, by=DEPUTY).refused is None


def test_where_nobody_holds_it_any_more_anybody_decides_again() -> None:
    named = [role_named("headteacher", HEAD, from_day="2024-09-03"), role_named("headteacher", from_day="2024-11-05")]
    assert decide(*named, by=TEACHER).refused is None


def test_a_role_is_of_its_day_whatever_was_named_first() -> None:
    school = given(
        role_named("attendance lead", DEPUTY, from_day="2025-01-06"),
        role_named("attendance lead", HEAD, from_day="2024-09-03"),
    ).school
    held = [
        school.holders("attendance lead", date.fromisoformat(on)) for on in ("2024-09-02", "2025-01-05", "2025-01-06")
    ]
    assert held == [(), (HEAD,), (DEPUTY,)]


def test_naming_the_same_people_again_records_nothing() -> None:
    line = send(
        "NameRole",
        role="attendance lead",
        from_day="2024-11-05",
        holders=[{"id": HEAD.id, "name": HEAD.name, "title": HEAD.title}],
    )
    given(role_named("attendance lead", HEAD, from_day="2024-09-03")).when(line).then()


def test_a_policy_is_reviewed_by_the_day_that_was_said_when_it_was_adopted() -> None:
    school = given(policy_adopted("micklem-2025", "2024-11-01", review_on="2025-11-01")).school
    assert school.review_on(date(2024, 10, 31)) is None
    assert school.review_on(date(2024, 11, 1)) == date(2025, 11, 1)
