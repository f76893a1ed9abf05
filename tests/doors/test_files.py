"""The files that come out: their owner's alone, whole or as they were, in nobody else's place, through no link."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.models import LINE_BYTES
from ledger import durable
from tests.support.terminal import run, small_school, write_journal

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=[0o000, 0o077], ids=["open umask", "strict umask"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def rights(path: Path | str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


OUT = {
    "roll -o roll.csv": ["roll.csv"],
    "reports weekly -o w.pdf": ["w.pdf"],
    "reports groups -o g.xlsx": ["g.xlsx"],
    "subject 1042 -o s.json": ["s.json"],
    "punctuality -o p.csv": ["p.csv"],
    "daily show 2024-09-03 -o d.json": ["d.json"],
    "evidence 1042 --draft --seal seal -o e.zip": ["e.zip", "e.zip.sig"],
    "archive --all --seal seal -o arc": ["arc/manifest.json"],
}


def test_everything_that_is_made_is_its_owners_alone(umask: int, folder: Path) -> None:
    assert run("replay", str(write_journal(folder / "j.ndjson", small_school()))).code == 0
    assert run("seal", "--new", "--seal", "seal").code == 0
    for verb in OUT:
        assert run(*shlex.split(verb)).code == 0, verb
    made = ["attendance.db", "attendance.keys.db", "seal/key", *(file for files in OUT.values() for file in files)]
    assert {file: oct(rights(file)) for file in made} == {file: oct(0o600) for file in made}
    assert rights("seal/key.pub") == 0o644  # it is for everybody
    reader = subprocess.Popen(
        [sys.executable, "-c", "import sqlite3,sys; c=sqlite3.connect('attendance.db'); c.execute('BEGIN IMMEDIATE');"
         "print(1,flush=True); sys.stdin.read()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert reader.stdout is not None and reader.stdout.readline()
    assert {rights(f"attendance.db{end}") for end in ("-wal", "-shm")} == {0o600}
    reader.communicate()


def test_loose_rights_are_findings(school: Path) -> None:
    assert run("seal", "--new", "--seal", "seal").code == 0
    assert not [each for each in run("verify", "--seal", "seal", "--json").json if each["rule"] == "loose_permissions"]
    for file in ("attendance.db", "attendance.keys.db", "seal/key"):
        Path(file).chmod(0o644)
    found = run("verify", "--seal", "seal", "--json")
    said = [each["sentence"] for each in found.json if each["rule"] == "loose_permissions"]
    assert found.code == 1 and said == [
        f"others than its owner may read the file {name}: take it from them with chmod 600"
        for name in ("attendance.db", "attendance.keys.db", "key")
    ]
    rules = [each["rule"] for each in run("doctor", "--json").json]
    assert rules.count("loose_permissions") == 2


@pytest.mark.parametrize("verb", [verb for verb in OUT if "archive" not in verb])
def test_a_file_of_somebody_elses_is_named_and_stays(verb: str, school: Path) -> None:
    run("seal", "--new", "--seal", "seal")
    file = Path(OUT[verb][0])
    file.write_text("minutes of the governors\n")
    said = run(*shlex.split(verb))
    assert said.code == 2 and f"the file '{file.name}' is there and is nothing that this verb wrote" in said.err
    assert file.read_text() == "minutes of the governors\n"
    file.unlink()
    assert run(*shlex.split(verb)).code == 0
    assert run(*shlex.split(verb)).code == 0  # its own it writes again


@pytest.mark.parametrize("verb", [verb for verb in OUT if "archive" not in verb])
def test_no_link_is_followed(verb: str, school: Path) -> None:
    run("seal", "--new", "--seal", "seal")
    aim, link = Path("aim"), Path(OUT[verb][0])
    aim.write_text("")
    link.symlink_to(aim)
    said = run(*shlex.split(verb))
    assert said.code == 2 and "a symbolic link is there, and none is followed" in said.err
    assert aim.read_text() == "" and link.is_symlink()


def test_no_link_leads_to_keys(school: Path) -> None:
    assert run("seal", "--new", "--seal", "seal").code == 0
    for file in (Path("seal/key"), Path("attendance.keys.db")):
        file.rename(f"{file}.elsewhere")
        file.symlink_to(f"{file.name}.elsewhere")
    assert run("seal", "--seal", "seal").code == 2
    said = run("absence")
    assert said.code == 2 and "a symbolic link is there, and none is followed" in said.err


@pytest.mark.parametrize("verb", ["absence", "close 2024-09-03/AM --by a:b:c", "verify", "replay school.ndjson"])
def test_no_link_leads_to_a_ledger(verb: str, school: Path) -> None:
    Path("school.ndjson").write_text("")
    before = Path("attendance.db").read_bytes()
    Path("attendance.db").rename("elsewhere.db")
    Path("attendance.db").symlink_to("elsewhere.db")
    sentence = run(*shlex.split(verb)).sentence
    assert "the ledger at sqlite:///" in sentence and "a symbolic link is there, and none is followed" in sentence
    assert Path("elsewhere.db").read_bytes() == before


def test_a_linked_folder_on_the_way_to_a_ledger_is_no_matter(school: Path) -> None:
    Path("linked").symlink_to(".")
    assert run("absence", "--ledger", "sqlite:///linked/attendance.db").code == 0
    closing = run("close", "2024-09-03/AM", "--by", "a:b:c", "--ledger", f"sqlite:///{school}/linked/attendance.db")
    assert closing.code == 0, closing


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "kept.csv"
    durable.write_durably(file, b"before")

    def stopped(draft: Path) -> None:
        draft.write_bytes(b"ha")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        durable.write_whole(file, stopped)
    assert file.read_bytes() == b"before" and [each.name for each in tmp_path.iterdir()] == ["kept.csv"]


def amend(**more: object) -> bytes:
    line = {"command": "AmendMark", "pupil": "1042", "session": "2024-09-03/AM", "code": "I", "reason": "a secret",
            "by": {"id": "head", "name": "H Example", "title": "Headteacher"}}  # fmt: skip
    return json.dumps(line | more).encode()


def test_a_line_on_standard_input_shows_no_reason_to_those_who_list_processes(school: Path) -> None:
    line = [sys.executable, "-m", "commands.cli", "do", "-"]
    doing = subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    shown = b""
    while not shown and doing.poll() is None:  # for a moment there is nothing yet
        shown = Path(f"/proc/{doing.pid}/cmdline").read_bytes()
    out, _ = doing.communicate(amend())
    assert out.startswith(b"recorded ") and shown and b"secret" not in shown
    assert run("history", "1042", "2024-09-03/AM", "--json").json[0]["entries"][-1]["reason"] == "a secret"


@pytest.mark.parametrize("verb", ["do", "replay"])
def test_a_line_without_an_end_is_refused_and_not_kept_in_memory(verb: str, school: Path) -> None:
    endless = b'{"command":"AmendMark","reason":"' + b"x" * (LINE_BYTES + 10) + b'"}\n'
    said = run(verb, "-", stdin=endless)
    assert said.code == 2 and f"malformed: line, expected no more than {LINE_BYTES:,} bytes" in said.err
    assert "xxx" not in said.err


def test_after_a_line_without_an_end_the_journal_goes_on(school: Path) -> None:
    endless = b'{"a":"' + b"x" * (2 * LINE_BYTES) + b'"}\n'
    said = run("replay", "-", "--keep-going", stdin=endless + amend(at="2024-09-05T12:00:00Z") + b"\n")
    assert "applied 1 commands of 2 lines" in said.out and "line 1: malformed: line" in said.err
