"""Counts are worded as people say them."""

import pytest

from ledger.words import counted


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 school days"), (1, "1 school day"), (2, "2 school days"), (1200, "1,200 school days")]
)
def test_one_thing_is_no_plural(number: int, said: str) -> None:
    assert counted(number, "school day") == said


@pytest.mark.parametrize(("number", "said"), [(1, "1 session has"), (2, "2 sessions have")])
def test_what_a_sentence_says_of_them_follows_the_number(number: int, said: str) -> None:
    assert counted(number, "session has", "sessions have") == said
