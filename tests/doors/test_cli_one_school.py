"""One school of many: `--school` beside `--ledger` on every verb, and a key store for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from commands.cli import tree
from ledger.store.names import at_school
from tests.support.terminal import run, small_school, write_journal

NUMBERS = ("117000", "117001")


@pytest.fixture
def schools(folder: Path, new_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a database with two small schools; their keys are in one store beside it."""
    monkeypatch.setenv("ATTENDANCE_KEYS", at_school(new_database, "keys"))
    for number in NUMBERS:
        opening, *others = small_school()
        journal = write_journal(folder / f"{number}.ndjson", [opening | {"urn": number}, *others])
        assert run("replay", str(journal), "--ledger", new_database, "--school", number).code == 0
    return new_database


def test_a_school_is_named_by_its_number_or_its_schema(schools: str) -> None:
    answers = [
        run("absence", "--json", "--ledger", at_school(schools, "school_117001")),
        run("absence", "--json", "--ledger", schools, "--school", "117001"),
        run("absence", "--json", "--ledger", schools, "--school", "school_117001"),
        run("absence", "--json", "--ledger", at_school(schools, "school_117001"), "--school", "117001"),
    ]
    assert answers[0].code == 0 and answers[0].json and answers == [answers[0]] * 4


def test_what_is_recorded_at_one_school_is_at_no_other(schools: str) -> None:
    words = ("mark", "1043", "2024-09-05/AM", "/", "--at", "2024-09-05T10:10", "--by", "hart:A Hart:Teacher")
    assert run(*words, "--ledger", schools, "--school", "117001").code == 0
    held = [run("history", "1043", "2024-09-05/AM", "--json", "--ledger", schools, "--school", n) for n in NUMBERS]
    assert [bool(answer.json) for answer in held] == [False, True]


def test_open_makes_the_schema(folder: Path, new_database: str) -> None:
    words = ("--urn", "117002", "--name", "New", "--la", "919", "--estab", "2000", "--by", "head:H Example:Head")
    place = ("--ledger", new_database, "--school", "117002", "--keys", f"sqlite:///{folder}/keys.db")
    assert "there is no ledger at" in run("absence", *place).sentence
    assert run("open", *words, *place).code == 0
    with psycopg.connect(new_database) as connection:
        assert connection.execute("SELECT count(*) FROM school_117002.stored_events").fetchone() != (0,)


def test_a_school_that_is_not_there_is_named_beside_those_that_are(schools: str) -> None:
    said = run("absence", "--ledger", schools, "--school", "999999").sentence
    assert "there is no ledger at postgresql://" in said and "schema=school_999999" in said
    assert said.endswith("; the schools there are school_117000, school_117001")


def test_a_school_that_cannot_be_meant_is_refused(school: Path, new_database: str) -> None:
    of_sqlite = run("absence", "--school", "117000").sentence
    assert of_sqlite == "--school school_117000 is for a PostgreSQL database of many schools, not for a sqlite ledger"
    other = run("absence", "--ledger", at_school(new_database, "school_1"), "--school", "2").sentence
    assert other == "--school means schema school_2, but the ledger's address says schema=school_1"
    misspelt = run("absence", "--ledger", new_database, "--school", "Example Primary").sentence
    assert "--school 'Example Primary' is neither a school's number nor a schema" in misspelt


def test_the_environments_school_belongs_to_the_environments_ledger(
    schools: str, school: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTENDANCE_LEDGER", schools)
    monkeypatch.setenv("ATTENDANCE_SCHOOL", "117001")
    from_environment = run("history", "1042", "--json")
    assert from_environment == run("history", "1042", "--json", "--ledger", schools, "--school", "117001")
    beside = ("--ledger", f"sqlite:///{school}/attendance.db", "--keys", f"sqlite:///{school}/attendance.keys.db")
    assert run("history", "1042", "--json", *beside).code == 0


def test_every_verb_that_takes_a_ledger_takes_a_school() -> None:
    takers = [(path, options) for path, options in verbs(tree()) if "--ledger" in options]
    assert len(takers) > 80
    assert [path for path, options in takers if "--school" not in options] == []


def verbs(command: Any, path: str = "") -> list[tuple[str, set[str]]]:
    """Return every verb with its options."""
    if hasattr(command, "commands"):
        names = command.list_commands(None)
        return [found for name in names for found in verbs(command.get_command(None, name), f"{path} {name}")]
    return [(path, {option for each in command.params for option in each.opts})]


def keyed(folder: Path, database: str, keys: str) -> list[str]:
    """Return what the two schools call a pupil, with keys at one address that leaves a place for the school."""
    names = []
    for number in NUMBERS:
        opening, *others = small_school()
        journal = write_journal(folder / f"{number}.ndjson", [opening | {"urn": number}, *others])
        place = ("--ledger", database, "--school", number, "--keys", keys)
        assert run("replay", str(journal), *place).code == 0
        names.append(run("absence", *place).out)
    return names


def test_a_folder_holds_a_file_of_keys_for_each_school(folder: Path, new_database: str) -> None:
    shown = keyed(folder, new_database, f"sqlite:///{folder}/{{school}}.keys.db")
    assert all("Ada Example" in text for text in shown)
    assert sorted(path.name for path in folder.glob("*.keys.db")) == ["school_117000.keys.db", "school_117001.keys.db"]


def test_a_database_holds_a_schema_of_keys_for_each_school(
    folder: Path, new_database: str, postgres_server: Any
) -> None:
    keys = postgres_server.new_database()
    shown = keyed(folder, new_database, at_school(keys, "place").replace("place", "{school}"))
    assert all("Ada Example" in text for text in shown)
    with psycopg.connect(keys) as connection:
        held = "SELECT schemaname FROM pg_tables WHERE tablename = 'pupil_year_keys' ORDER BY 1"
        assert connection.execute(held).fetchall() == [("school_117000",), ("school_117001",)]


def test_keys_by_school_need_a_school(school: Path) -> None:
    said = run("absence", "--keys", f"sqlite:///{school}/{{school}}.keys.db").sentence
    assert said == "the keys have {school} in their address, but only a ledger on PostgreSQL has a schema"
    assert run("absence", "--json").json
