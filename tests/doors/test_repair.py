"""`attendance repair`: one command brings an earlier release's ledger up, its read model included."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.support.tampering import forget_after
from tests.support.terminal import run


def change(statement: str) -> None:
    with sqlite3.connect("attendance.db") as connection:
        connection.executescript(statement)
    connection.close()


@pytest.mark.parametrize(
    "older",
    ["UPDATE tracking SET version = version - 1", "ALTER TABLE tracking DROP COLUMN version; DROP TABLE sums"],
    ids=["of an earlier version", "of the first"],
)
def test_it_builds_the_read_model_of_an_earlier_release_again(school: Path, older: str) -> None:
    assert run("project").code == 0
    figures = run("absence", "--json")
    change(older)
    said = run("repair")
    assert said.code == 0 and "built the read model again, up to position" in said.out, said
    assert run("absence", "--json") == figures
    assert run("verify", "--json").json == []
    assert run("repair").out == "there was nothing to repair\n"


def test_it_leaves_a_read_model_that_is_behind_or_not_there(school: Path) -> None:
    assert run("repair").out == "there was nothing to repair\n"


def test_it_does_not_say_which_is_right_of_a_ledger_and_the_read_model_of_another(school: Path) -> None:
    from ledger.store import open_ledger

    assert run("project").code == 0
    with open_ledger("sqlite:///attendance.db") as ledger:
        forget_after(ledger, ledger.reads.end() - 5)
    said = run("repair")
    assert said.code == 0 and said.out == "there was nothing to repair\n"
    assert "attendance rebuild --ledger-is-right" in said.err
