"""`attendance rebuild --ledger-is-right`: that a restored ledger is right is signed, and recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import wire
from ledger.events import RestorationAccepted
from ledger.store import open_ledger
from tests.support.tampering import forget_after
from tests.support.terminal import BY, run

RIGHT = ("rebuild", "--ledger-is-right")


@pytest.fixture
def restored(school: Path) -> tuple[int, int]:
    """The school after it was restored to an earlier position: where its read model stands, and where it ends."""
    assert run("project").code == 0
    with open_ledger("sqlite:///attendance.db") as ledger:
        stood = ledger.reads.end()
        forget_after(ledger, stood - 5)
    return stood, stood - 5


def accepted() -> list[RestorationAccepted]:
    with open_ledger("sqlite:///attendance.db") as ledger:
        events = [wire.decode(row.state) for row in ledger.reads.rows(0, 10_000)]
    return [event for event in events if isinstance(event, RestorationAccepted)]


def test_it_says_who_accepted_it_and_what_was_given_up(restored: tuple[int, int]) -> None:
    said = run(*RIGHT, "--by", BY)
    stood, ended = restored
    assert said.code == 0 and f"recorded 1 event, position {ended + 1}" in said.out, said
    (event,) = accepted()
    assert (event.stood, event.ended, event.by.id) == (stood, ended, "head")
    assert run("verify", "--json").json == []


def test_in_json_it_says_where_it_was_recorded(restored: tuple[int, int]) -> None:
    assert run(*RIGHT, "--by", BY, "--json").json["accepted"] == restored[1] + 1


@pytest.mark.parametrize("by", [[], ["--by", "head"]], ids=["nobody", "an id alone"])
def test_unsigned_it_is_refused_and_nothing_rebuilt(restored: tuple[int, int], by: list[str]) -> None:
    assert run(*RIGHT, *by).sentence.startswith("unknown_person: ")
    assert "until somebody says which is right" in run("rebuild").sentence
    assert accepted() == []


def test_what_could_not_be_recorded_is_refused_before_anything_is_rebuilt(restored: tuple[int, int]) -> None:
    said = run(*RIGHT, "--by", BY, "--at", "2001-01-01T00:00")
    assert said.code == 2 and "time_runs_backwards" in said.err
    assert "until somebody says which is right" in run("rebuild").sentence


def test_where_nothing_was_restored_there_is_nothing_to_accept(school: Path) -> None:
    assert run("project").code == 0
    assert run(*RIGHT, "--by", BY).code == 0
    assert accepted() == []
