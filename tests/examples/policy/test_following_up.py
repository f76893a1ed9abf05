"""Absence Procedures, "If your child is absent, we will": a call on every day without a word, emergency contacts, a
letter, a visit, and the local authority by the tenth day."""

from datetime import date

import pytest

from ledger.sessions import Half, Session
from projections.records.contact import UNMARKED, Contacts, unheard
from tests.support.following import (
    AUNT,
    CALENDAR,
    POLICY,
    at,
    call,
    informed,
    ladder_on,
    letter,
    names,
    report,
    school_day,
    stands,
    told,
)
from tests.support.given import FATHER, MOTHER

ALL = ("letter", "visit", "authority")


@pytest.mark.parametrize(
    ("number", "due", "absent_from_education"),
    [
        (1, (), False),
        (2, (), False),
        (3, ALL[:1], False),
        (4, ALL[:1], False),
        (5, ALL[:2], False),
        (9, ALL[:2], False),
        (10, ALL, True),
        (11, ALL, True),
    ],
)
def test_the_ladder_is_climbed_by_school_days_without_contact(
    number: int, due: tuple[str, ...], absent_from_education: bool
) -> None:
    found = ladder_on(number, stands("N", *range(1, number + 1)))
    assert (found.number, found.first_day, found.rungs_due) == (number, date(2024, 11, 4), due)
    assert found.absent_from_education is absent_from_education
    assert found.call_owed and found.next_contact == MOTHER


def test_week_ends_and_holidays_are_no_days_without_contact() -> None:
    found = ladder_on(6, stands("N", *range(1, 7)))
    assert found.days[-2:] == (date(2024, 11, 8), date(2024, 11, 11))


def test_an_n_that_became_o_for_want_of_a_word_still_counts() -> None:
    found = ladder_on(10, stands("O", 1, 2, 3, 4) | stands("N", 5, 6, 7, 8, 9, 10))
    assert (found.number, found.absent_from_education) == (10, True)


@pytest.mark.parametrize("code", ["/", "L", "U", "I", "M", "C", "G", "V"])
def test_attendance_or_a_reason_that_was_decided_ends_the_run(code: str) -> None:
    found = ladder_on(4, stands("N", 1, 2) | stands(code, 3) | stands("N", 4))
    assert (found.number, found.first_day) == (1, school_day(4))
    assert ladder_on(3, stands("N", 1, 2) | stands(code, 3)).number == 0


@pytest.mark.parametrize("code", ["Y4", "#", "X", "D"])
def test_a_session_that_is_nobodys_absence_neither_counts_nor_ends_it(code: str) -> None:
    found = ladder_on(4, stands("N", 1, 2) | stands(code, 3) | stands("N", 4))
    assert (found.number, found.first_day) == (3, school_day(1))


def test_who_is_missing_in_the_afternoon_has_been_away_since_noon() -> None:
    marks = stands("/", 1, halves=(Half.AM,)) | stands("N", 1, halves=(Half.PM,))
    found = ladder_on(1, marks)
    assert [str(silent.session) for silent in found.silent] == ["2024-11-04/PM"]
    assert found.call_owed and not found.away_before


def test_a_session_that_closed_without_a_mark_is_silent_too() -> None:
    found = ladder_on(1, stands(UNMARKED, 1, halves=(Half.AM,)))
    assert [(silent.code, found.number) for silent in found.silent] == [(None, 1)]


def test_before_registration_closes_the_run_is_that_of_the_day_before() -> None:
    found = ladder_on(3, stands("N", 1, 2))
    assert (found.number, found.call_owed) == (2, False)


def test_a_report_explains_the_days_it_names_and_the_next_day_owes_a_call_again() -> None:
    ill = report(at(1, "08:40"), *names(1, 2))
    marks = stands("I", 1) | stands("N", 2, 3)
    assert not ladder_on(2, marks, ill).call_owed
    found = ladder_on(3, marks, ill)
    assert (found.number, found.call_owed, found.away_before) == (1, True, True)


@pytest.mark.parametrize(
    ("code", "asked"),
    [("I", True), ("M", True), ("G", True), ("T", True),
     ("N", False), ("O", False),  # the ladder's own
     ("/", False), ("U", False), ("Y4", False), ("#", False), ("D", False),  # there, or nobody's absence
     ("E", False), ("C2", False), ("S", False)],  # the school said so itself
)  # fmt: skip
def test_an_absence_with_a_reason_is_asked_about_where_no_word_of_the_day_is_known(code: str, asked: bool) -> None:
    marks = stands("I", 1) | stands(code, 2, halves=(Half.AM,))
    found, away_before = unheard(marks, told(report(at(1, "08:40"), *names(1))), CALENDAR, POLICY, school_day(2))
    assert [str(each.session) for each in found] == (["2024-11-05/AM"] if asked else [])
    assert away_before
    assert unheard(marks, told(report(at(2, "08:40"), *names(2))), CALENDAR, POLICY, school_day(2)) == ((), False)


@pytest.mark.parametrize(("clock", "silent"), [("09:09:59", 1), ("09:10:00", 0), ("09:10:01", 0)])
def test_a_report_covers_what_had_closed_when_it_came(clock: str, silent: int) -> None:
    about_yesterday = report(at(2, clock), *names(1))
    found = ladder_on(2, stands("N", 1) | stands("N", 2, halves=(Half.AM,)), about_yesterday)
    assert found.number == silent


def test_a_contact_that_reached_them_covers_its_whole_day_and_all_before() -> None:
    spoke = call(at(2, "09:40"), MOTHER, "2024-11-05/AM", reached=True)
    assert ladder_on(2, stands("N", 1, 2), spoke).number == 0
    assert ladder_on(3, stands("N", 1, 2, 3), spoke).number == 1


def test_a_call_that_failed_ends_nothing() -> None:
    assert ladder_on(2, stands("N", 1, 2), call(at(1, "09:40"), MOTHER, *names(1))).number == 2


def test_what_was_heard_later_explains_only_the_days_it_names() -> None:
    marks = stands("N", 1, 2)
    assert ladder_on(2, marks, call(at(4, "09:40"), MOTHER, reached=True)).number == 2
    assert ladder_on(2, marks, call(at(4, "09:40"), MOTHER, *names(1, 2), reached=True)).number == 0


@pytest.mark.parametrize(
    ("rung", "following"),
    [((), MOTHER), ((MOTHER,), FATHER), ((FATHER,), MOTHER), ((MOTHER, FATHER), AUNT), ((MOTHER, FATHER, AUNT), "")],
)
def test_parents_are_rung_in_order_and_then_emergency_contacts(rung: tuple[str, ...], following: str) -> None:
    calls = [call(at(1, f"09:2{n}"), contact) for n, contact in enumerate(rung)]
    found = ladder_on(1, stands("N", 1), *calls)
    assert (found.rung_today, found.next_contact, found.call_owed) == (rung, following, bool(following))


def test_every_day_begins_with_the_first_parent_again() -> None:
    found = ladder_on(2, stands("N", 1, 2), call(at(1, "09:20"), MOTHER))
    assert (found.rung_today, found.next_contact) == ((), MOTHER)


def test_nobody_to_ring_is_not_nobody_missing() -> None:
    found = ladder_on(1, stands("N", 1), contacts=Contacts())
    assert found.today and not found.call_owed


def test_every_rung_that_was_taken_is_there_with_its_day_and_position() -> None:
    found = ladder_on(
        10,
        stands("N", *range(1, 11)),
        call(at(1, "09:20"), MOTHER, *names(1)),
        call(at(1, "09:30"), AUNT, *names(1)),
        letter(3),
        letter(3, about="attendance"),
        call(at(5, "14:00"), MOTHER, *names(5), step="visit"),
        informed(9, "social worker"),
        informed(10),
    )
    assert [(tried.number, tried.rung, tried.position) for tried in found.tried] == [
        (1, "parent", 1),
        (1, "emergency contact", 2),
        (3, "letter", 3),
        (5, "visit", 5),
        (10, "authority", 7),
    ]
    assert found.rungs_due == () and found.absent_from_education


def test_a_rung_of_an_earlier_run_is_due_again() -> None:
    marks = stands("N", 1, 2, 3) | stands("/", 4) | stands("N", 5, 6, 7)
    assert ladder_on(7, marks, letter(3)).rungs_due == ("letter",)


def test_the_evidence_is_every_silent_session_with_its_position() -> None:
    found = ladder_on(2, stands("O", 1) | stands("N", 2))
    first = Session(school_day(1), Half.AM).number
    assert [(silent.code, silent.position) for silent in found.silent] == [
        ("O", first),
        ("O", first + 1),
        ("N", first + 2),
        ("N", first + 3),
    ]
