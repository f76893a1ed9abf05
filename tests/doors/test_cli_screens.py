"""Registers, histories, findings, schema, import and demo, as they are shown."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.made_up import demo as made_up
from commands.models import COMMANDS
from tests.support.terminal import BY, run, small_school, write_journal

pytestmark = pytest.mark.usefixtures("folder")

SIGNED = ("--by", BY)


def test_a_register_shows_original_and_amended_codes_who_when_and_why(school: Path) -> None:
    out = run("register", "4W", "2024-09-03").out
    assert out.startswith("Register of 4W, 2024-09-03 (SIMULATED)\n")
    cells = {line.split()[0]: line.split("   ")[-2:] for line in out.splitlines() if line.startswith("10")}
    assert "N > I" in next(line for line in out.splitlines() if line.startswith("1042"))
    assert set(cells) == {"1042", "1043"}
    assert "AM: taken 09:05:00, closed 09:10:30; 2 by H Example (Headteacher)" in out
    assert "PM: closed 13:30:30; 2 by H Example (Headteacher)" in out
    assert "amended    I" in out and "mother rang: fever" in out and "museum" in out
    before = run("register", "4W", "2024-09-03", "--known-at", "2024-09-03T10:00").out
    assert "N > I" not in before and "closed 13:30:30" not in before


def test_a_register_shows_what_is_expected_and_who_arrived(school: Path) -> None:
    run("arrive", "1042", "2024-09-05/AM", "2024-09-05T09:12", "--at", "2024-09-05T09:20:00Z", *SIGNED)
    assert "U (arrived 09:12)" in run("register", "4W", "2024-09-05").out
    assert "(expects C)" in run("register", "4W", "2024-09-09").out
    answer = run("register", "4W", "2024-09-09", "--json").json
    assert (answer["class"], answer["day"], answer["simulated"]) == ("4W", "2024-09-09", True)
    assert answer["lines"][0]["expected"] == "C" and answer["lines"][0]["expected_by"] == "LR-1"


def test_a_register_there_is_not_is_an_error(school: Path) -> None:
    assert "no session" in run("register", "4W", "2024-10-28").sentence
    assert "9Z" in run("register", "9Z", "2024-09-03").sentence
    assert run("register", "4W", "3rd").sentence == "malformed: DAY '3rd', expected a day such as 2025-11-03"


def test_history_has_the_declared_fields(school: Path) -> None:
    found = run("history", "1042", "--json").json
    assert [answer["session"] for answer in found] == ["2024-09-03/AM", "2024-09-03/PM", "2024-09-04/AM"]
    (answer,) = run("history", "1042", "2024-09-03/PM", "--json").json
    assert list(answer) == ["session", "entries"]
    declared = ["code", "detail", "recorded_at", "by", "reason", "position"]
    assert [list(entry)[:6] for entry in answer["entries"]] == [declared] * 2
    assert [(entry["code"], entry["reason"]) for entry in answer["entries"]] == [("N", ""), ("I", "mother rang: fever")]
    assert list(answer["entries"][0]["by"]) == ["name", "title"]
    then = run("history", "1042", "2024-09-03/PM", "--known-at", "2024-09-03", "--json").json
    assert [entry["code"] for entry in then[0]["entries"]] == ["N"]
    assert run("history", "1042", "--as-of", "2024-09-02", "--json").json == []
    assert "Entries of 1042, Ada Example (SIMULATED)" in run("history", "1042").out
    assert run("history", "1042", "lunch").sentence.startswith("malformed: SESSION 'lunch', expected a session such as")


def test_the_doctor_lists_what_is_off_and_says_no(school: Path) -> None:
    said = run("doctor")
    assert said.code == 1 and said.out.startswith("Doctor (SIMULATED)\n") and "findings; as of 2024-09-05" in said.out
    found = run("doctor", "--json")
    assert found.code == 1
    assert {tuple(finding) for finding in found.json} == {
        ("rule", "sentence", "pupil", "session", "position", "simulated")
    }
    assert "missing" in {finding["rule"] for finding in found.json}


def test_the_doctor_has_nothing_to_say_where_all_is_well(folder: Path) -> None:
    run("replay", str(write_journal(folder / "new.ndjson", small_school()[:2])))
    said = run("doctor")
    assert said.code == 0 and said.out.startswith("nothing found; as of 2024-08-30")
    assert run("doctor", "--json").json == []


def test_verify_finds_a_read_model_that_was_altered_and_rebuild_mends_it(school: Path) -> None:
    assert run("project").code == 0
    unsealed = "attendance: no seal was given, so nobody looked whether events were changed and made to fit\n"
    assert run("verify") == (0, "nothing found; position 31 (SIMULATED)\n", unsealed)
    assert run("verify", "--json").json == []
    with sqlite3.connect(school / "attendance.db") as connection:
        connection.execute("UPDATE entries SET code = 0 WHERE pupil = '1042'")
    connection.close()
    said = run("verify")
    assert said.code == 1 and "read_model" in said.out and "1042" in said.out
    assert run("rebuild") == (
        0,
        "rebuilt the read model up to position 31, 9 rows (SIMULATED)\n",
        "attendance: the generation before held other rows than the ledger says; see 'attendance verify'\n",
    )
    assert run("verify", "--json").code == 0
    done = run("rebuild", "--json")
    assert done.json == {"position": 31, "rows": 9, "resumed_at": 0, "as_before": True, "simulated": True}
    assert run("rebuild", "--status") == (0, "no rebuild is under way\n", "")
    assert run("rebuild", "--drop-old").out == "dropped the generation before\n"
    assert run("rebuild", "--drop-old").out == "there is no generation before the serving one\n"


def test_schema_describes_every_command_and_event(folder: Path) -> None:
    said = run("schema")
    assert said.code == 0 and list(said.json) == ["commands", "events"]
    assert set(said.json["commands"]) == set(COMMANDS)
    for name, schema in said.json["commands"].items():
        assert schema["properties"]["command"]["const"] == name and "command" in schema["required"]
        assert schema["additionalProperties"] is False
    assert {"class", "session", "marks"} <= set(said.json["commands"]["TakeRegister"]["properties"])
    assert {"MarkRecorded", "MarkAmended", "MarkAsserted", "SchoolOpened"} <= set(said.json["events"])


def test_an_export_of_another_system_is_imported_once(school: Path) -> None:
    rows = "Admission number,Date,Session,Mark\n1042,05/09/2024,AM,/\n1043,05/09/2024,AM,I\n9001,05/09/2024,AM,QQ\n"
    (school / "marks.csv").write_text(rows)
    words = ("import", "marks", "marks.csv", "--at", "2024-09-06T09:00", *SIGNED, "--json")
    tried = run(*words, "--dry-run")
    assert tried.code == 2 and (tried.json["imported"], tried.json["rejected"]) == (2, 1)
    said = run(*words)
    assert (said.json["imported"], said.json["rejected"], said.json["simulated"]) == (2, 1, True)
    assert (school / "marks-rejects.csv").exists()
    again = run("import", "marks", "marks.csv", *SIGNED)
    assert again.code == 2 and "SIMULATED" in again.out
    assert "asserted" in run("history", "1042", "2024-09-05/AM").out
    assert "none.csv" in run("import", "marks", "none.csv", *SIGNED).sentence
    assert run("import", "marks", "marks.csv", "--at", "soon", *SIGNED).sentence.startswith("malformed: --at 'soon'")


# --- the demo -------------------------------------------------------------------------------------------------------


def _one_class(lines: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what the made-up journal says of the story's class in its second year: a hundredth of the whole."""
    class_name, _ = made_up.STORY_REGISTER
    lines = list(lines)  # type: ignore[assignment]
    pupils = {line["pupil"] for line in lines if line["command"] == "ChangeClass" and line["class"] == class_name}
    for line in lines:
        named = [line["session"]] if "session" in line else line.get("sessions", [line.get("first", "2025-09/")])
        if line.get("pupil", made_up.STORY_PUPIL) not in pupils or named[0] < "2025-09":
            continue
        if line["command"] == "DecideLeave" and line["at"] < "2025-09":
            continue
        if line["command"] == "TakeRegister":
            line = line | {"marks": {pupil: mark for pupil, mark in line["marks"].items() if pupil in pupils}}
            if not line["marks"]:
                continue
        yield line


@pytest.fixture
def small_demo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    asked = []

    def small() -> Iterator[dict[str, Any]]:
        asked.append("small")
        return _one_class(made_up.journal())

    monkeypatch.setattr("commands.cli.verbs.show.journal", small)
    yield
    assert asked, "the verb builds the whole school, a hundred times as much"


@pytest.mark.usefixtures("small_demo")
def test_the_demo_shows_its_screens_and_the_verdict_that_turned(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTENDANCE_KEYS", "sqlite:///real.keys.db")
    said = run("demo")
    assert said.code == 0 and said.err == "", said
    out = said.out
    assert "Register of 5T, 2025-11-17 (SIMULATED)" in out and "N > O > I" in out
    assert "persistently absent" in out and "pupils by absence: " in out
    counts = [
        line.split(" of 10")[0].split()[-1]
        for line in out.splitlines()
        if line.startswith("1042  ") and "of 10" in line
    ]
    assert counts == ["11", "7"]
    assert "as of 2025-12-12, as known at 2026-01-16T17:00:00+00:00" in out
    *_, last = out.splitlines()
    assert run(*last.partition("attendance ")[2].split(), "--keys", "sqlite:///demo.keys.db").code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["demo.db", "demo.keys.db"]


def test_the_demo_removes_nothing_but_a_simulated_ledger_and_only_when_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = [line for line in small_school() if line["command"] == "OpenSchool"]
    run(
        "open",
        "--urn",
        "117000",
        "--name",
        "Real",
        "--la",
        "919",
        "--estab",
        "2000",
        *SIGNED,
        "--ledger",
        "sqlite:///real.db",
    )
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "there already" in run("demo", "--ledger", "sqlite:///real.db").sentence
    assert "no simulated ledger" in run("demo", "--ledger", "sqlite:///real.db", "--fresh").sentence
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    run(
        "replay",
        str(write_journal(folder / "x.ndjson", opening)),
        "--ledger",
        "sqlite:///demo.db",
        "--keys",
        "sqlite:///k.db",
    )
    monkeypatch.setattr("commands.cli.verbs.show._screens", lambda house, ledger: None)
    monkeypatch.setattr("commands.cli.verbs.show.journal", lambda: iter([]))
    assert run("demo", "--fresh", "--keys", "sqlite:///k.db").code == 0
    assert (folder / "k.db").exists(), "keys that were named may open another ledger too"
    assert (folder / "real.db").exists() and (folder / "real.keys.db").exists()


# --- another database -----------------------------------------------------------------------------------------------


def test_postgresql_answers_the_same(school: Path, fresh_postgresql_url: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        ("absence", "--json"),
        ("penalty", "--json"),
        ("history", "1042", "--json"),
        ("register", "4W", "2024-09-03"),
        ("due", "--json"),
        ("followup", "1042", "--json"),
        ("doctor", "--json"),
    ]
    here = [run(*words) for words in asked]
    ledger, keys = fresh_postgresql_url(), fresh_postgresql_url()
    journal = str(write_journal(school / "school.ndjson", small_school()))
    monkeypatch.setenv("ATTENDANCE_LEDGER", ledger)
    assert "needs --keys or ATTENDANCE_KEYS" in run("replay", journal).sentence
    assert "kept apart" in run("replay", journal, "--keys", ledger).sentence
    assert "cannot be used" in run("replay", journal, "--keys", "keys.db").sentence
    monkeypatch.setenv("ATTENDANCE_KEYS", keys)
    assert "there is no ledger at postgresql://" in run("absence").sentence
    assert run("replay", journal).code == 0
    assert [run(*words) for words in asked] == here
    assert run("verify").code == 0
    assert "(sealed)" in run("absence", "--keys", fresh_postgresql_url()).out
