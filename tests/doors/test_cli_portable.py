"""A pupil's move at the command line: the record made at one school, received at the next, and shown there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.former import PUPIL, UPN, marked, notice, opening
from tests.support.terminal import run, write_journal

OLD, NEW = ("--ledger", "sqlite:///old.db"), ("--ledger", "sqlite:///new.db")
SIGNED = ("--by", "off:O Fice:Office")
MARKS = {"2024-09-03/AM": "O", "2024-09-03/PM": "O", "2024-09-04/AM": "G", "2024-09-04/PM": "\\"}
RECEIVE = ("receive", "moves.json", "--pupil", "1042", "--key", "old-seal/key.pub", *SIGNED, *NEW)
ASKED = ("1042", "--as-of", "2024-09-13", *NEW)


@pytest.fixture(scope="module")
def schools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two schools, the old one sealed and the record of its pupil written."""
    folder = tmp_path_factory.mktemp("schools")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        issued = notice("PN-1", "2024-09-04T16:00", "2024-09-04/AM")
        write_journal(Path("old.ndjson"), [*opening("2024-09-03", "2025-07-22"), *marked(MARKS), issued])
        moved = {"pupil": "1042", "starting_day": "2024-09-09", "parents": [{"id": "1042-a", "name": "A Parent"}]}
        write_journal(Path("new.ndjson"), opening("2024-09-03", "2025-07-22", "117000", **moved))
        assert run("replay", "old.ndjson", *OLD).code == run("replay", "new.ndjson", *NEW).code == 0
        assert run("seal", "--new", "--seal", "old-seal", *OLD).code == 0
        made = run("portable", PUPIL, "-o", "moves.json", "--seal", "old-seal", "--json", *OLD)
        assert (made.json["entries"], made.json["notices"], made.json["simulated"]) == (4, 1, True)
    return folder


@pytest.fixture(autouse=True)
def copied(schools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(schools, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ATTENDANCE_SEAL", raising=False)


def test_the_record_is_received_and_the_window_names_the_school() -> None:
    received = run(*RECEIVE, "--parent", f"{PUPIL}-a=1042-a", "--at", "2024-09-09T08:00")
    assert received.out == "recorded 2 events, position 6 (SIMULATED)\n"
    (window,) = run("penalty", *ASKED, "--json").json
    assert [(each["session"], each["school"]) for each in window["sessions"]] == [
        ("2024-09-03/AM", "118000"),
        ("2024-09-03/PM", "118000"),
    ]
    assert [line["notices_in_three_years"] for line in window["parents"]] == [1]
    assert "2024-09-03/AM   O      2024-09-09 08:00:00          6   118000" in run("penalty", *ASKED).out
    assert "the record of school 118000 has it" in run("explain", "penalty", *ASKED).out
    told = run("history", *ASKED)
    assert "record of Former-firecrest School (URN 118000) as of 2024-09-04: 4 sessions and 1 notices" in told.out
    assert run("history", *ASKED, "--json").json == [], "no entries of this register"
    Path("new.keys.db").unlink()
    assert "record of (sealed) (URN 118000)" in run("history", *ASKED).out
    assert run("penalty", *ASKED, "--json").json == [window], "what counts needs no key"


def test_notices_that_count_to_nobody_are_said_at_once() -> None:
    said = run(*RECEIVE, "--at", "2024-09-09T08:00")
    assert said.code == 0
    lost = "attendance: 1 notice of a former school count to no parent here: --parent THEIRS=OURS names one\n"
    assert said.err == lost
    named = run(*RECEIVE, "--parent", f"{PUPIL}-a=1042-a", "--at", "2024-09-09T08:01")
    assert (named.code, named.err) == (0, "")
    assert run(*RECEIVE, "--at", "2024-09-09T08:02").err == lost


def test_a_command_line_and_a_journal_line_say_the_same() -> None:
    said = {"command": "ReceiveRecord", "at": "2024-09-09T08:00", "pupil": "1042",
            "record": Path("moves.json").read_text(), "key": Path("old-seal/key.pub").read_text().strip()}  # fmt: skip
    line = {**said, "by": {"id": "off", "name": "O Fice", "title": "Office"}, "id": "once"}
    assert run("do", json.dumps(line), *NEW).code == 0
    again = run(*RECEIVE, "--id", "once")
    assert again.out.startswith("nothing to record: this id was carried out before")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("portable", PUPIL, "-o", "x.json", *OLD), "a record is signed with the seal's key: give --seal FOLDER or"),
        (("portable", PUPIL, "-o", f"{UPN}.json", "--seal", "old-seal", *OLD), "a file's name without the pupil's UPN"),
        (("portable", PUPIL, "-o", "x.txt", "--seal", "old-seal", *OLD), "'x.txt' ends in none of .json"),
        (("portable", "9999", "-o", "x.json", "--seal", "old-seal", *OLD), "pupil_not_on_roll: pupil '9999'"),
        ((*RECEIVE, "--parent", "77-a"), "malformed: --parent, expected each of theirs and of ours once, as THEIRS"),
        (
            (*RECEIVE, "--parent", "77-a=1042-a", "--parent", "77-b=1042-a"),
            "malformed: --parent, expected each of theirs and of ours once, as THEIRS=OURS",
        ),
        (
            ("portable", PUPIL, "-o", "x.json", "--seal", "old-seal", "--as-of", "2099-01-01", *OLD),
            "malformed: --as-of '2099-01-01', expected a day no later than that of the knowledge",
        ),
        (
            (*RECEIVE[:5], "moves.json", *RECEIVE[6:]),
            "malformed: key, expected",
        ),
        (("receive", "none.json", *RECEIVE[2:]), "the file 'none.json' cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    said = run(*arguments)
    assert sentence in said.sentence
    assert UPN not in said.sentence and "Traceback" not in said.sentence
    assert not Path("x.json").exists() and not Path(f"{UPN}.json").exists()


def test_a_record_of_somebody_else_of_our_own_days_or_received_already_is_refused_by_name() -> None:
    assert run(*RECEIVE, "--at", "2024-09-09T08:00").code == 0
    assert run(*RECEIVE).sentence.startswith("record_not_newer: record is no newer than the one received")
    others = [
        opening("2024-09-03", "2025-07-22", "117000", pupil=number, starting_day=day, upn=upn)[-1]
        for number, day, upn in (("1043", "2024-09-09", "M80120000500A"), ("1044", "2024-09-04", UPN))
    ]
    write_journal(Path("others.ndjson"), [{**each, "at": "2024-09-09T09:00"} for each in others])
    assert run("replay", "others.ndjson", *NEW).code == 0
    for pupil, sentence in (
        ("1043", "not_this_pupil: upn in it is not"),
        ("1044", "session_on_own_roll: record '2024"),
    ):
        assert run(*RECEIVE[:3], pupil, *RECEIVE[4:]).sentence.startswith(sentence)


def test_a_changed_file_is_refused_and_nothing_of_it_repeated() -> None:
    content = Path("moves.json").read_bytes()
    for changed in (content.replace(b'"code":"G"', b'"code":"/"'), b"\xff" + content, content[:-1]):
        Path("moves.json").write_bytes(changed)
        said = run(*RECEIVE)
        assert said.sentence and UPN not in said.sentence
        assert "record_not_genuine: record, expected a" in said.sentence or "is no text" in said.sentence
    assert run("penalty", *ASKED, "--json").json[0]["count"] == 0
