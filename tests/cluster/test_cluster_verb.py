"""`attendance cluster` on the processes of this machine: totals, files, and what is refused."""

from __future__ import annotations

import re
import shutil
import threading
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from commands.cluster import PUPILS, SCHOOLS
from tests.support.authority import Authority, on_the_single_machine, readable
from tests.support.children import descendants
from tests.support.terminal import Said, run


def test_two_processes_say_what_the_single_machine_says(twelve: Authority, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = run("cluster", str(twelve.folder), "--local", "2", "-o", str(out), "--json")
    expected = [row for name, school in twelve.schools.items() for row in on_the_single_machine(name, school)]
    assert said.code == 0 and said.json["simulated"] and said.json["failed"] == []
    assert len(list((out / PUPILS).iterdir())) == 2, "each process has work"
    assert readable(pq.read_table(out / PUPILS).to_pylist()) == expected
    assert said.json["possible"] == sum(row["possible"] or 0 for row in expected)
    schools = pq.read_table(out / SCHOOLS).to_pylist()
    assert all(len(each["rules"]) == 64 for each in schools)
    assert said.json["rules"] == [{name: each[name] for name in ("folder", "school", "rules")} for each in schools]
    assert said.json["possible"] == sum(pq.read_table(out / SCHOOLS)["possible"].to_pylist())


def test_a_school_that_cannot_be_answered_is_named_and_the_exit_code_is_1(spoilt: Path) -> None:
    said = run("cluster", str(spoilt), "--as-of", "2025-07-18", "--local", "1")
    assert said.code == 1
    assert [line.partition(": ")[2].partition(":")[0] for line in said.err.splitlines()] == [
        "school-117003",
        "school-117007",
    ]
    assert said.out.startswith("All schools (SIMULATED)\n")
    assert re.search(r"^schools +10$", said.out, re.MULTILINE)
    assert said.out.endswith("as of 2025-07-18, as known at the end of each archive, policy of each school\n")


def test_a_copy_of_a_school_is_named_and_counts_no_child_twice(twelve: Authority, tmp_path: Path) -> None:
    once = run("cluster", str(twelve.folder), "--local", "1", "--json").json
    folder = tmp_path / "copied"
    shutil.copytree(twelve.folder, folder)
    shutil.copytree(folder / "school-117004", folder / "school-117004-backup")
    twice = run("cluster", str(folder), "--local", "1", "--json")
    assert twice.code == 1
    (failed,) = twice.json["failed"]
    assert failed == {"folder": "school-117004-backup", "error": "this is the ledger of school-117004 once more"}
    assert twice.json | {"failed": []} == once


def test_schools_that_were_not_there_yet_are_named(twelve: Authority) -> None:
    said = run("cluster", str(twelve.folder), "--local", "1", "--as-of", "2020-01-01", "--json")
    assert said.code == 1 and said.json["schools"] == 0
    assert {each["error"] for each in said.json["failed"]} <= {
        "no policy was known then",
        "no school year known then had begun by 2020-01-01",
    }
    assert len(said.json["failed"]) == 12


def test_a_process_that_was_killed_is_said_and_no_totals_are(twelve: Authority) -> None:
    """Answers of some schools would look like answers of all."""
    said: list[Said] = []
    asking = threading.Thread(target=lambda: said.append(run("cluster", str(twelve.folder), "--local", "1")))
    asking.start()
    while not (working := descendants("spawn_main")):
        assert asking.is_alive()
    working[0].kill()
    asking.join()
    assert said[0].sentence == "a process was killed before it had answered; the answers are not complete"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nowhere"], "the folder nowhere cannot be read: No such file or directory"),
        (["."], "the folder . holds no folder of a school's archive"),
        ([".", "--policy", "ours"], "no policy is called 'ours'"),
        ([".", "--as-of", "yesterday"], "malformed: --as-of 'yesterday', expected a day"),
        ([".", "--local", "2", "--master", "local[2]"], "malformed: --local '2', expected either processes here or"),
        ([".", "-o", "there"], "'there' is there already, and answers are never mixed with older ones"),
        ([".", "-o", "no/out"], "the folder 'out' cannot be made: no files may be written in "),
    ],
)
def test_what_cannot_be_asked(
    arguments: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if "there" in arguments:
        (tmp_path / "there").mkdir()
    assert run("cluster", *arguments).sentence.startswith(reason)
