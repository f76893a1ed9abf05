"""The admission register as amended: what was different from a day on, and what a birth date that was wrong moves."""

from __future__ import annotations

from datetime import date

import pytest

from ledger.events import ParticularsAmended
from tests.support.given import MORNING, PUPIL, TEACHER, admitted, given, marked, marks, record, send
from tests.support.given_cases import birth_corrected

FOUR = admitted(born="2020-09-30")  # not of compulsory school age before 31 December 2025
WEEK = ["2024-11-25", "2024-11-26", "2024-11-27", "2024-11-28", "2024-11-29"]


def test_a_corrected_birth_date_moves_compulsory_school_age() -> None:
    correct = send("AmendParticulars", pupil=PUPIL, from_day="2024-11-04", born="2019-03-09", reason="certificate")
    decided = given(pupil=FOUR).when(correct).decided
    assert decided is not None
    (fact,) = decided.facts
    assert isinstance(fact.event, ParticularsAmended)
    assert (fact.event.school_age_first, fact.event.school_age_last) == (date(2024, 3, 31), date(2035, 6, 29))


def test_the_codes_of_an_age_follow_it() -> None:
    given(pupil=FOUR).when(record("X")).then(marked("X", via="mark"))
    given(birth_corrected("2019-03-09"), pupil=FOUR).when(record("X")).then_refused("code_not_for_this_age")
    given(birth_corrected("2020-09-30")).when(record("X")).then(marked("X", via="mark"))


@pytest.mark.parametrize(("born", "counted"), [("2019-08-31", 10), ("2019-09-01", 0)])
def test_and_so_does_what_counts_towards_a_penalty(born: str, counted: int) -> None:
    # Five on 31 August 2024 is of that age from then, five a day later only from 31 December.
    assert len(given(marks("G", *WEEK), birth_corrected(born), pupil=FOUR).window("2024-11-29").sessions) == counted


def test_a_mark_that_stands_is_not_touched() -> None:
    school = given(marked("X", MORNING), birth_corrected("2019-03-09"), pupil=FOUR)
    assert [entry.code for entry in school.entries.values()] == ["X"]


def test_an_address_leaves_the_age_alone() -> None:
    moved = send("AmendParticulars", pupil=PUPIL, from_day="2024-11-04", address="2 Other Lane", reason="moved")
    decided = given().when(moved).decided
    assert decided is not None
    event = ParticularsAmended(
        by=TEACHER, from_day=date(2024, 11, 4), particulars={"address": "2 Other Lane"}, reason="moved"
    )
    assert [fact.event for fact in decided.facts] == [event]
