"""Lateness: present until the register is taken or the late book says so, late until it closes, then on site and
absent."""

import pytest

from ledger.codes import by_symbol
from tests.support.given import (
    AFTERNOON,
    amended,
    arrival_logged,
    arrive,
    given,
    marked,
    registration,
)

SUMMER, WINTER = "2024-09-05/AM", "2024-11-05/AM"  # the same clock, an hour apart in UTC


UP_TO_NINE = [("08:54:59", "/"), ("08:55:00", "/"), ("09:00:00", "/"), ("09:00:01", "L")]
WITHOUT_A_LATE_BOOK = [("08:54:59", "/"), ("08:55:00", "L"), ("09:00:00", "L"), ("09:00:01", "L")]
UNTIL_CLOSING = [("09:10:00", "L"), ("09:10:00.000001", "U"), ("09:10:01", "U"), ("12:00:00", "U")]


@pytest.mark.parametrize("session", [SUMMER, WINTER])
@pytest.mark.parametrize(
    ("policy", "clock", "code"),
    [
        *(("micklem-2025", *each) for each in UP_TO_NINE + UNTIL_CLOSING),
        *(("national-2024", *each) for each in WITHOUT_A_LATE_BOOK + UNTIL_CLOSING),
    ],
)
def test_a_morning_arrival_is_judged_by_the_clock_of_london(session: str, policy: str, clock: str, code: str) -> None:
    evening = f"{session.split('/')[0]}T17:00:00"
    given(policy=policy).when(arrive(clock, session), at=evening).then(
        arrival_logged(clock, code, session=session), marked(code, session, via="arrival")
    )


# Registration from 08:30 to 08:45: a late book of nine o'clock by the clock would leave no minute for L.
@pytest.mark.parametrize(
    ("policy", "clock", "code"),
    [
        ("micklem-2025", "08:35:00", "/"),
        ("micklem-2025", "08:35:01", "L"),
        ("national-2024", "08:29:59", "/"),
        ("national-2024", "08:30:00", "L"),
        *((policy, "08:45:00", "L") for policy in ("micklem-2025", "national-2024")),
        *((policy, "08:45:01", "U") for policy in ("micklem-2025", "national-2024")),
    ],
)
def test_a_school_that_opens_earlier_is_late_earlier(policy: str, clock: str, code: str) -> None:
    given(registration(AM=("08:30", "08:45")), policy=policy).when(
        arrive(clock, WINTER), at="2024-11-05T17:00:00"
    ).then_marked(code)


@pytest.mark.parametrize(
    ("clock", "code"), [("13:14:59", "\\"), ("13:15:00", "L"), ("13:30:00", "L"), ("13:30:01", "U"), ("15:15:00", "U")]
)
def test_the_afternoon_has_no_late_book(clock: str, code: str) -> None:
    given().when(arrive(clock, AFTERNOON)).then_marked(code)


@pytest.mark.parametrize(("clock", "session"), [("12:00:01", WINTER), ("15:15:01", AFTERNOON)])
def test_after_the_session_nobody_arrives_in_it(clock: str, session: str) -> None:
    given().when(arrive(clock, session)).then_refused("session_over")


def test_an_arrival_that_has_not_happened_is_not_logged() -> None:
    given().when(arrive("09:20:00"), at="2024-11-05T09:19:59").then_refused("arrival_in_the_future")


def test_coming_late_from_the_dentist_is_no_lateness() -> None:
    given().when(arrive("10:40:00", code="M", reason="dentist")).then_marked("M")


def test_an_arrival_after_the_register_closed_amends_the_unexplained_absence() -> None:
    given(marked("N", via="close")).when(arrive("09:25:00", reason="bus broke down")).then(
        arrival_logged("09:25:00", "U", reason="bus broke down"),
        amended("N", "U", "bus broke down", via="arrival"),
    )


@pytest.mark.parametrize("code", ["/", "L", "I", "U", "G"])
def test_any_other_mark_stands_and_the_late_book_says_who_came_when(code: str) -> None:
    given(marked(code)).when(arrive("09:25:00")).then(arrival_logged("09:25:00", "U"))


def test_whoever_comes_after_closing_is_in_the_building_and_absent() -> None:
    very_late = by_symbol("U")
    assert very_late is not None
    assert very_late.on_site and very_late.absent and very_late.unauthorised and not very_late.attended
    figures = given(marked("U")).absence("2024-11-05")
    assert (figures["attended"], figures["unauthorised"]) == (0, 1)


def test_whoever_is_late_before_closing_has_attended() -> None:
    assert given(marked("L")).absence("2024-11-05")["attended"] == 1
