"""A penalty notice: received when, asking how much until when, and where it stands after what was paid."""

from __future__ import annotations

from datetime import date

import pytest

from commands.deciding.state import Fact
from ledger.case import years_after
from ledger.notices import (
    Terms,
    guessed,
    holidays_known,
    last_holidays,
    owed,
    presumed_receipt,
    standing,
    terms,
)
from ledger.policy import load
from tests.support.given import FATHER, MORNING, PUPIL, given, notice, notice_withdrawn, send
from tests.support.given_cases import day, paid, served

POLICIES = ["national-2024", "micklem-2025"]
every_policy = pytest.mark.parametrize("policy", POLICIES)
# Posted on Monday 9 December, so received on the 11th; 80 pounds until 31 December, 160 until 7 January.
ISSUED = notice("PN-1", MORNING, issued_on="2024-12-09")


def terms_of(name: str, *facts: Fact, policy: str = "micklem-2025") -> Terms:
    school = given(*facts, policy=policy).school
    return terms(school.cases[PUPIL][name], school.notices[PUPIL].values(), load(policy))


def stands(on: str, *facts: Fact) -> str:
    case = given(ISSUED, *facts).school.cases[PUPIL]["PN-1"]
    return standing(case, terms_of("PN-1", ISSUED, *facts), day(on))


# --- receipt --------------------------------------------------------------------------------------------------------


@every_policy
@pytest.mark.parametrize(
    ("sent_on", "received_on"),
    [
        ("2024-11-04", "2024-11-06"),  # a Monday
        ("2024-11-06", "2024-11-08"),  # a Wednesday, the last day before the week-end
        ("2024-11-07", "2024-11-11"),  # a Thursday: Friday, and Monday
        ("2024-11-08", "2024-11-12"),  # a Friday: Monday, and Tuesday
        ("2024-11-09", "2024-11-12"),  # a Saturday is as good as the Friday before
        ("2024-11-10", "2024-11-12"),
        ("2024-12-23", "2024-12-27"),  # Christmas Day and Boxing Day are no working days
        ("2024-12-24", "2024-12-30"),
        ("2024-12-31", "2025-01-03"),  # nor is New Year's Day
        ("2025-04-17", "2025-04-23"),  # nor Good Friday and Easter Monday
        ("2026-12-24", "2026-12-30"),  # nor the Monday that stands for a Boxing Day on a Saturday
    ],
)
def test_what_was_posted_is_received_on_the_second_working_day_after(
    policy: str, sent_on: str, received_on: str
) -> None:
    assert presumed_receipt("post", day(sent_on), load(policy)) == day(received_on)


@pytest.mark.parametrize("method", ["hand", "email"])
def test_what_was_not_posted_is_received_the_same_day(method: str) -> None:
    assert presumed_receipt(method, day("2024-12-24"), load("micklem-2025")) == day("2024-12-24")


def test_where_nobody_said_how_it_was_sent_it_was_posted_on_the_day_of_issue() -> None:
    assert terms_of("PN-1", ISSUED).received_on == day("2024-12-11")


def test_another_day_of_receipt_counts_where_it_was_shown() -> None:
    assert terms_of("PN-1", ISSUED, served("PN-1", received_on="2024-12-16")).received_on == day("2024-12-16")
    both = (served("PN-1", "2024-12-09"), served("PN-1", "2024-12-09", received_on="2024-12-18"))
    assert terms_of("PN-1", ISSUED, *both).received_on == day("2024-12-18")


# --- past the bank holidays that are known ---------------------------------------------------------------------------


def test_the_years_whose_bank_holidays_are_known_end() -> None:
    """A newer list makes this later: then move the days of these tests on with it."""
    assert last_holidays() == 2028
    assert holidays_known(day("2028-12-31")) and not holidays_known(day("2029-01-01"))


@pytest.mark.parametrize(("issued_on", "said"), [("2028-12-27", ""), ("2028-12-28", "known here end in 2028")])
def test_a_day_of_receipt_that_rests_on_unknown_working_days_is_said_to_be_a_guess(issued_on: str, said: str) -> None:
    issued = notice("PN-1", MORNING, issued_on=issued_on)
    case = given(issued).school.cases[PUPIL]["PN-1"]
    assert said in guessed(case, terms_of("PN-1", issued)) and bool(said) == bool(
        guessed(case, terms_of("PN-1", issued))
    )
    shown = served("PN-1", issued_on, received_on="2029-01-04")
    case = given(issued, shown).school.cases[PUPIL]["PN-1"]
    assert guessed(case, terms_of("PN-1", issued, shown)) == ""


@pytest.mark.parametrize(
    ("sent_on", "how", "refused"),
    [
        ("2028-12-27", {"method": "post"}, None),
        ("2028-12-28", {"method": "post"}, "malformed"),
        ("2028-12-28", {"method": "post", "received_on": "2029-01-03"}, None),
        ("2029-01-08", {"method": "hand"}, None),
    ],
)
def test_no_receipt_is_presumed_in_a_year_whose_bank_holidays_are_not_known(
    sent_on: str, how: dict[str, str], refused: str | None
) -> None:
    line = send("ServeNotice", pupil=PUPIL, notice="PN-1", sent_on=sent_on, **how)
    outcome = given(ISSUED).when(line, at="2029-01-10T16:00")
    assert (outcome.refused.rule if outcome.refused else None) == refused
    assert refused is None or "expected the day of receipt" in str(outcome.refused)


# --- what it asks ---------------------------------------------------------------------------------------------------


@every_policy
def test_the_21st_and_the_28th_day_are_the_last_ones_and_the_day_of_receipt_is_the_first(policy: str) -> None:
    asked = terms_of("PN-1", ISSUED, policy=policy)
    assert (asked.reduced_until, asked.full_until) == (day("2024-12-31"), day("2025-01-07"))
    assert [asked.owed(day(on)) for on in ("2024-12-11", "2024-12-31", "2025-01-01")] == [8000, 8000, 16000]


@every_policy
@pytest.mark.parametrize(("issued_on", "second"), [("2027-12-08", True), ("2027-12-09", False)])
def test_a_second_within_three_years_to_the_day_of_the_first_has_no_reduction(
    policy: str, issued_on: str, second: bool
) -> None:
    asked = terms_of("PN-2", ISSUED, notice("PN-2", MORNING, issued_on=issued_on), policy=policy)
    assert (asked.second, asked.reduced_pence) == (second, 16000 if second else 8000)


def test_a_second_posted_before_easter_may_be_paid_on_28_days_and_has_no_earlier_last_day() -> None:
    facts = (notice("PN-1", MORNING, issued_on="2025-12-24"), notice("PN-2", MORNING, issued_on="2026-04-02"))
    asked = terms_of("PN-2", *facts, served("PN-2", "2026-04-02"))
    assert (asked.received_on, asked.reduced_until, asked.full_until) == (
        day("2026-04-08"), day("2026-05-05"), day("2026-05-05")
    )  # fmt: skip
    case = given(*facts, served("PN-2", "2026-04-02")).school.cases[PUPIL]["PN-2"]
    for on in ("2026-04-08", "2026-04-28", "2026-04-29", "2026-05-05"):
        assert owed(case, asked, day(on)) == (16000, day("2026-05-05"))
    assert owed(case, asked, day("2026-05-06")) is None


def test_the_first_stays_the_first_whatever_is_issued_after_it() -> None:
    later = notice("PN-2", MORNING, issued_on="2025-02-03")
    assert not terms_of("PN-1", ISSUED, later).second
    assert not terms_of("PN-1", later, ISSUED).second  # also where it was recorded later


def test_of_two_issued_on_one_day_the_one_recorded_first_is_the_first() -> None:
    facts = (ISSUED, notice("PN-0", MORNING, issued_on="2024-12-09"))
    assert [terms_of(name, *facts).second for name in ("PN-1", "PN-0")] == [False, True]


def test_a_notice_withdrawn_or_of_another_parent_or_before_the_framework_is_no_first() -> None:
    second = notice("PN-2", MORNING, issued_on="2025-02-03")
    assert not terms_of("PN-2", ISSUED, notice_withdrawn("PN-1"), second).second
    assert not terms_of("PN-2", notice("PN-1", MORNING, parent=FATHER), second).second
    assert not terms_of("PN-2", notice("PN-1", MORNING, issued_on="2024-08-18"), second).second
    assert terms_of("PN-2", notice("PN-1", MORNING, issued_on="2024-08-19"), second).second


def test_three_years_after_a_leap_day_is_the_first_of_march() -> None:
    assert years_after(date(2028, 2, 29), 3) == date(2031, 3, 1)
    assert years_after(date(2028, 2, 28), 3) == date(2031, 2, 28)


# --- where it stands ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payments", "on", "stood"),
    [
        ([], "2025-01-07", "open"),
        ([], "2025-01-08", "unpaid"),
        ([(80, "2024-12-31")], "2024-12-31", "paid"),
        ([(80, "2024-12-31")], "2024-12-30", "open"),  # the day before it was paid
        ([(80, "2025-01-01")], "2025-01-07", "open"),  # a day too late for half
        ([(80, "2025-01-01")], "2025-01-08", "unpaid"),
        ([(160, "2025-01-07")], "2025-01-07", "paid"),
        ([(160, "2025-01-08")], "2025-01-08", "unpaid"),  # paid late discharges nothing
        ([(79, "2024-12-31")], "2024-12-31", "open"),
        ([(40, "2024-12-12"), (40, "2024-12-31")], "2024-12-31", "paid"),
        ([(40, "2024-12-31"), (40, "2024-12-12")], "2024-12-31", "paid"),  # in whatever order they were recorded
        ([(40, "2024-12-12"), (40, "2025-01-01")], "2025-01-01", "open"),
        ([(40, "2024-12-12"), (120, "2025-01-07")], "2025-01-07", "paid"),
        ([(40, "2024-12-12"), (120, "2025-01-08")], "2025-01-08", "unpaid"),
    ],
)
def test_it_is_paid_once_what_was_owed_on_a_day_was_paid_by_then(
    payments: list[tuple[int, str]], on: str, stood: str
) -> None:
    assert stands(on, *(paid("PN-1", pounds, paid_on) for pounds, paid_on in payments)) == stood


@pytest.mark.parametrize(
    ("payments", "on", "left"),
    [
        ([], "2024-12-31", (8000, "2024-12-31")),
        ([], "2025-01-01", (16000, "2025-01-07")),
        ([(40, "2024-12-12")], "2024-12-11", (8000, "2024-12-31")),  # the day before it was paid
        ([(40, "2024-12-12")], "2024-12-12", (4000, "2024-12-31")),
        ([(40, "2024-12-12")], "2025-01-01", (12000, "2025-01-07")),
        ([(80, "2025-01-01")], "2025-01-01", (8000, "2025-01-07")),  # half, a day too late
        ([(79.5, "2024-12-31")], "2024-12-31", (50, "2024-12-31")),
        ([(80, "2024-12-31")], "2024-12-31", None),
        ([], "2025-01-08", None),
    ],
)
def test_what_was_paid_is_owed_no_more(
    payments: list[tuple[float, str]], on: str, left: tuple[int, str] | None
) -> None:
    facts = [paid("PN-1", pounds, paid_on) for pounds, paid_on in payments]
    case = given(ISSUED, *facts).school.cases[PUPIL]["PN-1"]
    found = owed(case, terms_of("PN-1", ISSUED, *facts), day(on))
    assert found == (left and (left[0], day(left[1])))


def test_withdrawn_it_is_nothing_else_on_any_day() -> None:
    for on in ("2024-12-09", "2024-12-31", "2025-01-08"):
        assert stands(on, paid("PN-1", 80, "2024-12-20"), notice_withdrawn("PN-1")) == "withdrawn"
