"""The roll: a pupil belongs from the starting day to the last, in one class at a time, and nothing of it is erased."""

from datetime import date

import pytest

from tests.support.given import (
    PUPIL,
    admitted,
    close,
    given,
    left,
    marked,
    moved,
    record,
    register_closed,
    send,
)

PARTICULARS = {"name": "Ada Example", "born": "2016-03-09", "year_group": "4", "class": "4W"}


def admit(pupil: str = "1043", **fields: object) -> dict[str, object]:
    return send("AdmitPupil", pupil=pupil, **{"starting_day": "2024-11-11", **PARTICULARS, **fields})


def test_a_pupil_may_be_admitted_before_the_starting_day() -> None:
    given().when(admit()).then_marked()
    given(admitted("1043", start="2024-11-11")).when(record("/", pupil="1043")).then_refused("pupil_not_on_roll")


def test_age_is_not_checked_against_the_year_group() -> None:
    given().when(admit(born="2013-01-01")).then_marked()


def test_nobody_is_on_roll_twice() -> None:
    given().when(admit(PUPIL)).then_refused("pupil_already_on_roll")
    given(left("2024-11-11")).when(admit(PUPIL)).then_refused("pupil_already_on_roll")


def test_a_leaver_may_come_back() -> None:
    given(left("2024-11-08")).when(admit(PUPIL)).then_marked()
    school = given(left("2024-11-01"), admitted(start="2024-11-05")).school
    assert [school.on_roll(PUPIL, date(2024, 11, day)) for day in (1, 4, 5)] == [True, False, True]


def remove(last_day: str = "2024-11-08") -> dict[str, object]:
    return send("RemoveFromRoll", pupil=PUPIL, last_day=last_day)


def test_a_name_is_removed_only_from_a_day_on_roll() -> None:
    given().when(remove()).then(left("2024-11-08"))
    given().when(remove("2024-09-02")).then_refused("pupil_not_on_roll")
    back = [left("2024-10-01"), admitted(start="2024-11-04")]
    given(*back).when(remove("2024-10-01")).then_refused("pupil_not_on_roll")


@pytest.mark.parametrize(("left_on", "accepted"), [("2024-11-04", False), ("2024-11-05", True), ("2024-11-11", True)])
def test_until_the_last_day_has_passed_another_may_be_stated(left_on: str, accepted: bool) -> None:
    outcome = given(left(left_on)).when(remove())
    outcome.then(left("2024-11-08")) if accepted else outcome.then_refused("pupil_not_on_roll")


def test_who_has_left_is_told_from_who_never_came() -> None:
    refused = given(left("2024-11-04")).when(remove()).refused
    assert refused is not None and "the last day of this one has passed" in str(refused)


@pytest.mark.parametrize(("last_day", "stays"), [("2024-11-08", False), ("2024-11-15", True)])
def test_the_last_day_stated_last_is_the_last_day(last_day: str, stays: bool) -> None:
    school = given(left("2024-11-11"), left(last_day)).school
    assert school.on_roll(PUPIL, date(2024, 11, 11)) is stays
    assert school.on_roll(PUPIL, date.fromisoformat(last_day))
    assert not school.on_roll(PUPIL, date(2024, 11, 16))


def test_the_last_day_is_never_moved_into_the_past() -> None:
    given(left("2024-11-11")).when(remove("2024-11-04")).then_refused("removal_in_the_past")


def test_what_a_leaver_was_marked_before_still_counts() -> None:
    assert given(marked("I"), left("2024-11-05")).absence("2024-11-29")["authorised"] == 1


def test_a_change_of_class_holds_from_its_day() -> None:
    change = send("ChangeClass", pupil=PUPIL, from_day="2024-11-06", **{"class": "5K"})
    given().when(change).then(moved("5K", "2024-11-06"))
    school = given(moved("5K", "2024-11-06"))
    school.when(close(**{"class": "5K"})).then_refused("class_unknown")
    school.when(close("2024-11-06/AM", **{"class": "5K"}), at="2024-11-06T16:00:00").then(
        register_closed(1, "2024-11-06/AM", "5K"), marked("N", "2024-11-06/AM", via="close")
    )
