"""An amendment: what stood before, what stands now, why, when, and who says so by name and title."""

import pytest

from tests.support.given import amend, amended, given, marked, record


def test_an_amendment_says_what_it_replaces_and_why() -> None:
    given(marked("N")).when(amend("I", reason="fever")).then(amended("N", "I", reason="fever"))


def test_an_amendment_is_signed_with_name_and_title() -> None:
    outcome = given(marked("N")).when(amend("I"))
    assert outcome.decided is not None
    (fact,) = outcome.decided.facts
    assert (fact.event.by.name, fact.event.by.title) == ("A Hart", "Class teacher")


@pytest.mark.parametrize("part", ["id", "name", "title"])
def test_nobody_amends_without_saying_who_they_are(part: str) -> None:
    line = amend("I")
    given(marked("N")).when({**line, "by": {**line["by"], part: " "}}).then_refused("unknown_person")


@pytest.mark.parametrize("reason", ["", " ", "\t\n"])
def test_an_amendment_without_a_reason_is_refused(reason: str) -> None:
    given(marked("N")).when(amend("I", reason=reason)).then_refused("reason_required")


def test_there_is_nothing_to_amend_before_a_mark() -> None:
    given().when(amend("I")).then_refused("nothing_to_amend")


def test_an_amendment_can_be_amended_and_each_stays() -> None:
    school = given(marked("N"), amended("N", "I", "fever"), amended("I", "G", "seen at the airport"))
    school.when(amend("O", reason="it was not them")).then(amended("G", "O", reason="it was not them"))
    entry = school.entries["1042/2024/2024-11-05/AM"]
    assert [mark.code for mark in entry.marks] == ["N", "I", "G"]
    assert [mark.reason for mark in entry.marks] == ["", "fever", "seen at the airport"]


def test_saying_the_same_again_adds_nothing() -> None:
    given(marked("N"), amended("N", "I", "fever")).when(amend("I", reason="fever again")).then()


def test_the_same_code_with_another_detail_is_an_amendment() -> None:
    given(marked("B", detail="choir")).when(amend("B", reason="misheard", detail="cricket")).then(
        amended("B", "B", "misheard", detail="cricket")
    )


def test_figures_follow_the_latest_entry() -> None:
    before, after = given(marked("N")), given(marked("N"), amended("N", "/", "was in the music room"))
    assert (before.absence("2024-11-05")["unauthorised"], after.absence("2024-11-05")["attended"]) == (1, 1)


def test_marks_of_last_year_can_still_be_amended() -> None:
    given(marked("N", "2024-11-05/AM")).when(amend("O"), at="2025-11-05T09:00:00").then_marked("O")


def test_a_code_is_in_force_or_not_on_the_day_of_the_session() -> None:
    given().when(record("H")).then_refused("code_not_in_force")
    given().when(record("J")).then_refused("code_not_in_force")
    given().when(record("J1")).then_marked("J1")
