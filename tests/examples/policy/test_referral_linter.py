"""What sends a referral back: every check of the linter, on a case that passes it and on one that does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.policy import load
from ledger.sessions import Session
from projections.asking.questions import Answers
from projections.penalties.referral import ReferralAnswer, referrals
from projections.penalties.referral_checks import CHECKS, code_without_reason
from projections.records.registers import By, MarkAnswer
from tests.support.cases import (
    DAYS_AWAY,
    FATHER,
    HEAD,
    HOLIDAY,
    LATER_AWAY,
    MOTHER,
    PARENTS,
    PUPIL,
    amended,
    case,
    holiday,
    line,
    sessions,
    unexplained,
)
from tests.support.schools import OpenedSchool, new_keys

Change = Callable[[], OpenedSchool]
TODAY = date(2025, 12, 12)
ORPHANED = [{**PARENTS[0], "lives_with": False}, PARENTS[1]]
COUNTS = {"possible": 60, "attended": 46, "authorised": 0, "unauthorised": 14}


def checked(opened: OpenedSchool, parent: str = MOTHER, as_of: date = TODAY) -> ReferralAnswer:
    (found,) = referrals(opened.answers, opened.answers.moment(as_of), PUPIL, parent)
    return found.answer


def consider(**changed: Any) -> dict[str, Any]:
    said = {"notice": "PN-1", "parent": MOTHER, "considered_on": "2025-12-11", "route": "no support"}
    return line("2025-12-11T12:00", "ConsiderPenalty", **{**said, "decision": "notice", "reasons": "again", **changed})


def referred(*named: str) -> dict[str, Any]:
    return line("2025-12-03T10:00", "ReferPenalty", notice="PN-1", referred_on="2025-12-03", sessions=list(named))


def issued(name: str, on: str, *named: str, parent: str = MOTHER) -> dict[str, Any]:
    return line(f"{on}T10:00", "IssuePenaltyNotice", notice=name, parent=parent, issued_on=on, sessions=list(named))


def early() -> list[dict[str, Any]]:
    return [{**consider(considered_on="2025-11-26"), "at": "2025-11-26T10:00"}]


def referred_early() -> dict[str, Any]:
    """A referral on the Wednesday of the holiday that names all of its week."""
    return {**referred(*HOLIDAY), "at": "2025-11-26T11:00", "referred_on": "2025-11-26"}


def letter(at: str = "2025-12-12T10:00", **quoted: int) -> dict[str, Any]:
    return line(
        at, "SendLetter", about="attendance", parents=[MOTHER], sent_on=at[:10], as_of="2025-12-12",
        quoted={**COUNTS, **quoted},
    )  # fmt: skip


def asked_late() -> dict[str, Any]:
    return line(
        "2025-11-24T08:00", "RequestLeave", request="LR-1", parent=MOTHER, received_on="2025-11-24", on_form=True,
        first=HOLIDAY[0], last=HOLIDAY[-1],
    )  # fmt: skip


def decided(at: str, request: str = "LR-1", **said: Any) -> dict[str, Any]:
    return line(at, "DecideLeave", request=request, **{"granted": [], "reason": "not exceptional", **said})


def granted(**asked: Any) -> list[dict[str, Any]]:
    request = {"request": "LR-2", "parent": MOTHER, "received_on": "2025-11-05", "on_form": True}
    span = {"first": "2025-12-11/AM", "last": "2025-12-11/PM"}
    code = [{"session": "2025-12-11/AM", "code": "C"}]
    return [
        line("2025-11-05T12:00", "RequestLeave", **{**request, **span, **asked}),
        decided("2025-11-06T12:00", "LR-2", granted=code, reason="a funeral"),
    ]


BROKEN: list[tuple[str, Change]] = [
    ("unresolved", lambda: case(unexplained(), amended("2025-11-10/AM", "N", "2025-12-11T15:00", "a mistake"))),
    (
        "missing",
        lambda: case(each for each in holiday() if each.get("session") != "2025-11-07/PM"),
    ),
    ("never_followed_up", lambda: case(unexplained(), without=("contact",))),
    ("leave_after_absence", lambda: case(holiday(), decided("2025-11-25T10:00"), without=("decided",))),
    ("leave_undecided", lambda: case(holiday(), without=("decided", "refusal"))),
    ("refusal_unexplained", lambda: case(holiday(), without=("refusal",))),
    ("letter_never_true", lambda: case(unexplained(), letter(attended=47))),
    ("not_of_school_age", lambda: case(holiday(born="2021-01-09"))),
    ("threshold_not_met", lambda: case(holiday(), amended(HOLIDAY[0], "I", "2025-12-02T11:00", "a doctor's letter"))),
    (
        "third_in_three_years",
        lambda: case(
            [each for each in holiday() if each["tag"] != "considered"],
            issued("PN-8", "2025-11-10", "2025-11-07/AM"),
            issued("PN-9", "2025-11-12", "2025-11-07/PM"),
        ),
    ),
    ("not_considered", lambda: case(holiday(), without=("considered",))),
    ("not_considered", lambda: case(holiday(), consider(decision="nothing"))),
    (
        "no_longer_counts",
        lambda: case(holiday(), referred(*HOLIDAY), amended(HOLIDAY[3], "I", "2025-12-11T10:00", "ill after all")),
    ),
    (
        "dated_before_session",
        lambda: case([each for each in holiday() if each["tag"] != "considered"], *early(), referred_early()),
    ),
    (
        "session_noticed_twice",
        lambda: case(holiday(), issued("PN-0", "2025-12-01", HOLIDAY[2]), referred(*HOLIDAY)),
    ),
    ("no_support", lambda: case(unexplained(), without=("support",))),
    ("no_letter_or_meeting", lambda: case(unexplained(), without=("support", "told"))),
    ("notice_to_improve", lambda: case(unexplained(), without=("improve", "ended"))),
    ("notice_to_improve", lambda: case(unexplained(), without=("ended",))),
    ("notice_to_improve", lambda: case(unexplained(improved=True))),
    ("parent_unknown", lambda: case(holiday(parents=ORPHANED))),
]


@pytest.mark.parametrize("journal", [holiday, unexplained])
def test_a_case_that_was_carried_through_in_order_is_ready(journal: Callable[[], list[dict[str, Any]]]) -> None:
    answer = checked(case(journal()))
    assert (answer.blockers, answer.findings, answer.ready) == ([], [], True)
    assert answer.count >= answer.threshold


@pytest.mark.parametrize(("check", "change"), BROKEN, ids=[f"{n}-{check}" for n, (check, _) in enumerate(BROKEN)])
def test_what_sends_a_referral_back_is_named_with_what_mends_it(check: str, change: Change) -> None:
    answer = checked(change())
    found = [problem for problem in answer.blockers if problem.check == check]
    assert found and not answer.ready
    assert all(problem.command.startswith("attendance ") and problem.sentence for problem in found)


def test_every_check_is_broken_here() -> None:
    elsewhere = {"code_without_reason", "leave_off_form", "notice_unsound"}
    assert {check.__name__ for check in CHECKS} == {check for check, _ in BROKEN} | elsewhere


def test_an_unsound_notice_is_worth_knowing_before_the_next_is_asked_for() -> None:
    answer = checked(case(holiday(), issued("PN-0", "2025-11-26", "2025-11-07/AM", "2025-11-28/PM")))
    (present, ahead) = [problem for problem in answer.findings if problem.check == "notice_unsound"]
    assert present.sentence == "PN-0 names 2025-11-07/AM, which holds / now"
    assert ahead.sentence == "PN-0 is of 2025-11-26, before 2025-11-28/PM, which it names"
    assert {each.command for each in (present, ahead)} == {f"attendance notice withdraw {PUPIL} PN-0 --reason"}
    withdrawn = line("2025-12-01T11:00", "WithdrawPenaltyNotice", notice="PN-0", reason="a wrong day")
    assert checked(case(holiday(), issued("PN-0", "2025-11-26", "2025-11-07/AM"), withdrawn)).findings == []


def mark(code: str, reason: str) -> MarkAnswer:
    by = By(name="O Fice", title="Office manager")
    return MarkAnswer(
        code=code, detail="", recorded_at="", by=by, reason=reason, position=9, via="office", cites=""
    )  # fmt: skip


@pytest.mark.parametrize(
    ("codes", "reason", "blocks"),
    [("NO", " ", True), ("NO", "(sealed)", True), ("NO", "rang", False), ("O", "", False), ("NI", "", False)],
)
def test_an_unauthorised_code_needs_the_reason_of_its_amendment(codes: str, reason: str, blocks: bool) -> None:
    entries = {Session.parse(HOLIDAY[0]): [mark(code, reason) for code in codes]}
    file: Any = SimpleNamespace(pupil=PUPIL, entries=entries, policy=load("national-2024"))
    assert [finding.rule for finding in code_without_reason(file)] == ["code_without_reason"] * blocks


def test_without_the_keys_neither_reasons_nor_parents_can_be_read() -> None:
    opened = case(holiday())
    sealed = Answers(opened.ledger, opened.answers.engine, new_keys())
    (found,) = referrals(sealed, sealed.moment(TODAY), PUPIL, MOTHER)
    assert {"code_without_reason", "parent_unknown"} <= {problem.check for problem in found.answer.blockers}


@pytest.mark.parametrize(
    ("ends_on", "fits"),
    [("2025-12-08", False), ("2025-12-09", True), ("2025-12-31", True), ("2026-01-01", False)],
)
def test_a_notice_to_improve_lasts_three_to_six_weeks(ends_on: str, fits: bool) -> None:
    answer = checked(case(unexplained(ends_on=ends_on)))
    assert ("notice_to_improve" not in {problem.check for problem in answer.blockers}) is fits


@pytest.mark.parametrize("asked", [{"on_form": False}, {"parent": FATHER}])
def test_leave_granted_off_the_form_or_by_a_parent_elsewhere_is_a_finding_only(asked: dict[str, Any]) -> None:
    answer = checked(case(holiday(), *granted(**asked)))
    assert [problem.check for problem in answer.findings] == ["leave_off_form"] and answer.ready
    assert checked(case(holiday(), *granted())).findings == []


def test_an_n_counts_to_no_threshold_of_this_school_and_still_sends_the_referral_back() -> None:
    opened = case(holiday(), amended("2025-12-01/AM", "N", "2025-12-11T15:00", "not settled after all"))
    (problem,) = checked(opened).blockers
    assert (problem.check, problem.session) == ("unresolved", "2025-12-01/AM")
    assert problem.command == f"attendance amend {PUPIL} 2025-12-01/AM CODE --reason"


def test_one_attempt_a_day_follows_up_both_of_its_sessions() -> None:
    def called(*named: str) -> dict[str, Any]:
        said = {"contact": MOTHER, "channel": "phone", "outcome": "no answer", "sessions": list(named)}
        return line("2025-11-10T17:00", "LogContact", **said)

    def without_word(*added: dict[str, Any]) -> set[str | None]:
        blockers = checked(case(unexplained(), *added, without=("contact",))).blockers
        return {problem.session for problem in blockers if problem.check == "never_followed_up"}

    assert {"2025-11-10/AM", "2025-11-10/PM"} <= without_word(called("2025-11-11/AM"))
    for named in (["2025-11-10/AM"], []):
        assert not {"2025-11-10/AM", "2025-11-10/PM"} & without_word(called(*named))


def test_a_letter_is_held_to_the_position_that_it_was_written_from() -> None:
    true_then = letter(at="2025-12-12T14:00")
    later = amended("2025-11-10/AM", "I", "2025-12-12T15:00", "a doctor's letter came")
    assert not [p for p in checked(case(unexplained(), true_then, later)).blockers if p.check == "letter_never_true"]
    untrue_then = {**true_then, "at": "2025-12-12T16:00"}
    assert [p for p in checked(case(unexplained(), untrue_then, later)).blockers if p.check == "letter_never_true"]


def test_a_letter_that_was_put_right_sends_nothing_back() -> None:
    wrong, right = letter(at="2025-12-12T14:00", attended=50), letter(at="2025-12-12T15:00")
    assert checked(case(unexplained(), wrong, right)).ready


def test_a_notice_to_the_other_parent_takes_no_session_from_this_one() -> None:
    opened = case(holiday(), issued("PN-7", "2025-12-03", *HOLIDAY, parent=FATHER))
    answer = checked(opened)
    assert (answer.count, len(answer.sessions), answer.ready) == (10, 10, True)
    assert "threshold_not_met" in {problem.check for problem in checked(opened, FATHER).blockers}


def test_what_was_known_then_is_checked_again_as_it_was() -> None:
    opened = case(holiday())
    before = checked(opened)
    moment = opened.answers.moment(TODAY)
    opened.send({"at": "2025-12-13T10:00", "by": HEAD, "command": "AmendMark", "pupil": PUPIL,
                 "session": HOLIDAY[0], "code": "I", "reason": "ill"})  # fmt: skip
    assert not checked(opened).ready
    (again,) = referrals(opened.answers, opened.answers.moment(TODAY, moment.known_at), PUPIL, MOTHER)
    assert again.answer == before


def test_after_support_the_window_is_that_of_the_day_it_was_considered() -> None:
    # From here on the ten weeks have moved past the first absence, and only the second counts.
    away = sessions(*DAYS_AWAY, *LATER_AWAY)
    answer = checked(case(unexplained()), as_of=date(2026, 2, 13))
    assert answer.window_as_of == "2025-11-18"
    assert [each.session for each in answer.sessions] == away[:10]
