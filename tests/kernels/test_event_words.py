"""Events in words: every kind has a title and a name, and what follow-up says is told of each of its kinds."""

from __future__ import annotations

from typing import get_args

import pytest

from ledger.events import AnyEvent, Event, FollowUpEvent
from projections.records.event_words import TITLES, event_name, fields_said, follow_up_words
from tests.golden.make import samples

FOLLOW_UP = get_args(FollowUpEvent)


def test_every_kind_of_event_has_a_title() -> None:
    kinds = [kind.__name__ for kind in get_args(AnyEvent)]
    assert list(TITLES.keys() ^ set(kinds)) == []
    assert all(title[0].isupper() and "\n" not in title for title in TITLES.values())
    assert event_name("AbsenceReported") == "absence reported"


@pytest.mark.parametrize("kind", FOLLOW_UP, ids=lambda kind: kind.__name__)
def test_what_follow_up_says_is_put_into_words(kind: type[Event]) -> None:
    said = [sample.event for sample in samples() if isinstance(sample.event, kind)]
    for event in said:
        what, how = follow_up_words(event, lambda person: f"the person {person}")  # type: ignore[arg-type]
        assert what and what.islower() and "None" not in how
    assert said


# Words that a screen does not show: a form's content, the people of a meeting, and to whom and why something was passed
# on, which `shared` answers.
NOT_ON_SCREEN = {("ReturnMade", "content"), ("SupportRecorded", "people")} | {
    ("InformationShared", name) for name in ("recipient", "why")
}


@pytest.mark.parametrize("kind", FOLLOW_UP, ids=lambda kind: kind.__name__)
def test_every_sealed_word_of_follow_up_is_shown_on_screen(kind: type[Event]) -> None:
    wanted = {name for name in kind.private if (kind.__name__, name) not in NOT_ON_SCREEN}
    assert wanted == {name for name in wanted if "a word" in fields_said({name: "a word"})}
