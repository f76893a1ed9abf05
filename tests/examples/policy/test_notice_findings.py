"""A notice that was issued wrongly, a date that lies ahead and a code of the wrong age: recorded, and found."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from projections.audit.health import doctor_findings
from tests.support.cases import FATHER, HOLIDAY, MOTHER, PUPIL, amended, case, holiday, line
from tests.support.schools import OpenedSchool

RULES = {
    "notice_session_not_counted", "notice_session_unresolved", "dated_before_session", "session_noticed_twice",
    "dated_ahead", "code_of_secondary_age", "holidays_unknown",
}  # fmt: skip


def issued(name: str, *named: str, on: str = "2025-12-08", parent: str = MOTHER) -> dict[str, Any]:
    fields = {"notice": name, "parent": parent, "issued_on": on, "sessions": list(named)}
    return line("2025-12-08T10:00", "IssuePenaltyNotice", **fields)


def found(opened: OpenedSchool, as_of: str = "2025-12-12") -> list[tuple[str, str]]:
    """Return what the doctor finds of these rules: rule and sentence, in order."""
    findings = doctor_findings(opened.answers, opened.answers.moment(date.fromisoformat(as_of)))
    assert {each.pupil for each in findings if each.rule in RULES} <= {PUPIL}
    return [(each.rule, each.sentence) for each in findings if each.rule in RULES]


def test_a_receipt_that_rests_on_unknown_bank_holidays_is_found_until_it_is_recorded() -> None:
    opened = case(holiday(), issued("PN-1", *HOLIDAY, on="2028-12-28"))
    sentence = "PN-1 is taken to be received on 2029-01-01, but the bank holidays known here end in 2028"
    assert [rule for rule, said in found(opened, "2029-01-05") if said.startswith(sentence)] == ["holidays_unknown"]


def test_a_notice_about_sessions_that_count_is_sound() -> None:
    both = (issued("PN-1", *HOLIDAY[:4]), issued("PN-2", *HOLIDAY[:4], parent=FATHER), issued("PN-3", *HOLIDAY[4:]))
    assert found(case(holiday(), *both)) == []


@pytest.mark.parametrize(
    ("notices", "rule", "sentence"),
    [
        (
            [issued("PN-1", "2025-11-07/AM")],
            "notice_session_not_counted",
            "PN-1 names 2025-11-07/AM, which holds / now",
        ),
        (
            [issued("PN-1", "2025-12-15/AM", on="2025-12-12")],
            "notice_session_not_counted",
            "PN-1 names 2025-12-15/AM, which holds no mark that could count",
        ),
        (
            [issued("PN-1", *HOLIDAY, on="2025-11-27")],
            "dated_before_session",
            "PN-1 is of 2025-11-27, before 2025-11-28/PM, which it names",
        ),
        (
            [issued("PN-1", HOLIDAY[0], HOLIDAY[1]), issued("PN-0", HOLIDAY[1], HOLIDAY[2])],
            "session_noticed_twice",
            f"PN-0 names {HOLIDAY[1]}, and so does PN-1 to the same parent",
        ),
    ],
)
def test_a_notice_issued_wrongly_is_recorded_and_found(notices: list[dict[str, Any]], rule: str, sentence: str) -> None:
    opened = case(holiday(), *notices)
    assert (rule, sentence) in found(opened)
    assert found(opened, "2025-11-26") == [], "it had not been issued"
    withdrawn = [
        line("2025-12-09T10:00", "WithdrawPenaltyNotice", notice=each["notice"], reason="issued wrongly")
        for each in notices
    ]
    opened = case(holiday(), *notices, *withdrawn)
    assert found(opened) == [], "a notice withdrawn never was"


@pytest.mark.parametrize("policy", ["national-2024", "micklem-2025"])
def test_an_n_in_a_notice_is_found_whether_or_not_it_counts(policy: str) -> None:
    unsettled = [each for each in holiday(policy=policy) if each.get("session") != HOLIDAY[0] or each["tag"] != "code"]
    ((rule, said),) = found(case(unsettled, issued("PN-1", HOLIDAY[0])))
    assert f"{HOLIDAY[0]}, which" in said and " N" in said
    assert rule == ("notice_session_unresolved" if policy == "national-2024" else "notice_session_not_counted")


def test_what_is_dated_ahead_is_found_until_its_day() -> None:
    coming = case(holiday(), issued("PN-1", *HOLIDAY, on="2025-12-18"))
    said = ("dated_ahead", "PN-1 is dated ahead: notice issued on 2025-12-18")
    assert [found(coming, day) for day in ("2025-12-08", "2025-12-17", "2025-12-18")] == [[said], [said], []]
    paid = line("2025-12-09T10:00", "RecordPayment", notice="PN-1", paid_on="2026-12-09", amount=80)
    assert found(case(holiday(), issued("PN-1", *HOLIDAY), paid)) == [
        ("dated_ahead", "PN-1 is dated ahead: £80 paid on 2026-12-09")
    ]


@pytest.mark.parametrize("code", ["S", "W"])
@pytest.mark.parametrize(("born", "primary"), [("2014-09-01", True), ("2014-08-31", False)])
def test_study_leave_and_work_experience_at_primary_age_are_found(code: str, born: str, primary: bool) -> None:
    """Who is 11 by 31 August 2025 is in year 7 in 2025/26."""
    opened = case(holiday(born=born), amended("2025-11-06/AM", code, "2025-12-11T10:00", "a mistake"))
    assert found(opened) == [("code_of_secondary_age", f"{code} stands for a pupil of primary age")] * primary
