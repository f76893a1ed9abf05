"""`returns`, `return make`, `return show`: made once, with its content, and the same file whenever it is asked for."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.support.absences import FIRST, by_time, marked, office, opening, school_days
from tests.support.terminal import BY, run, write_journal

pytestmark = pytest.mark.usefixtures("folder")

AWAY = school_days(10)
KEYS = [
    "pupil", "as_of", "known_at", "position", "policy", "rules", "simulated",
    "form", "episode", "until", "reached_on", "due_by", "made", "why", "school_days", "missing", "sessions",
]  # fmt: skip
CALLED = office("LogContact", AWAY[0], contact="1042-a", channel="phone", outcome="no answer", said="")
LEAVING = {"parent": "1042-a", "received_on": AWAY[-1], "leaving_on": "2024-11-29", "new_school": "Other School"}
FORM = office("ReceiveMovingForm", AWAY[-1], **LEAVING)


@pytest.fixture
def absent(folder: Path) -> Path:
    """Return a folder with a school whose pupil has been away for ten days and is about to leave."""
    lines = by_time([*opening("national-2024"), *marked("O", AWAY), CALLED, FORM])
    assert run("replay", str(write_journal(folder / "absent.ndjson", lines))).code == 0
    return folder


def text(path: Path) -> str:
    # Zero-width spaces let addresses break.
    return " ".join(page.extract_text() for page in PdfReader(path).pages).replace("\u200b", "")


def test_returns_has_the_declared_fields_in_order(absent: Path) -> None:
    found = run("returns", "--json").json
    assert [list(each) for each in found] == [KEYS] * 2
    assert [(each["form"], each["episode"], each["due_by"], each["made"]) for each in found] == [
        ("attendance", FIRST, "2024-11-30", None),
        ("deletion", "2024-11-29", "2024-11-29", None),
    ]
    first = found[0]["sessions"][0]
    assert list(first) == ["session", "code", "position", "recorded_at"] and first["code"] == "O"


def test_a_return_is_made_once_and_listed_with_all(absent: Path) -> None:
    said = run("return", "make", "1042", "attendance", "--by", BY)
    assert said.out.startswith(f"attendance, episode {FIRST}: recorded 1 event, position "), said
    again = run("return", "make", "1042", "attendance", "--by", BY)
    assert again.sentence == f"return_made_already: episode '{FIRST}' had this return made about it already"
    assert [each["form"] for each in run("returns", "--json").json] == ["deletion"]
    made = run("returns", "--all", "--json").json[0]["made"]
    assert (made["on"], made["episode"]) == (AWAY[-1], FIRST)
    assert "1 return due" in run("returns").out and "SIMULATED" in run("returns").out


def test_what_was_due_then_is_said_again_for_ever(absent: Path) -> None:
    times = ("--as-of", AWAY[-1], "--known-at", f"{AWAY[-1]}T16:30", "--json")
    before = run("returns", *times)
    run("return", "make", "1042", "attendance", "--by", BY)
    assert run("returns", *times) == before and before.json


def test_the_paper_says_what_the_form_asks_for_and_comes_out_the_same_again(absent: Path) -> None:
    assert run("return", "make", "1042", "attendance", "-o", "made.pdf", "--by", BY).code == 0
    said = text(absent / "made.pdf")
    for expected in (
        "SIMULATED", "Attendance return to the local authority", "Ada Example", "B801200005001", "1 Example Road",
        "Beth Example", "b@example.org", "Dora Example", "2024-11-04", "2024-11-15", "20 O", "no answer",
        "Made on 2024-11-15 by H Example (Headteacher)", "policy national-2024",
    ):  # fmt: skip
        assert expected in said, expected
    run("amend", "1042", f"{AWAY[3]}/AM", "I", "--reason", "a letter", "--by", BY)
    assert run("return", "show", "1042", "attendance", FIRST, "-o", "again.pdf").code == 0
    assert (absent / "made.pdf").read_bytes() == (absent / "again.pdf").read_bytes()
    shown = run("return", "show", "1042", "attendance", FIRST)
    assert "made on 2024-11-15 by H Example (Headteacher)" in shown.out and "20 O" in shown.out
    content = run("return", "show", "1042", "attendance", FIRST, "--json").json
    assert content["seen"] == content["content"]["position"] and content["simulated"] is True


def test_the_file_holds_a_heading_and_a_row(absent: Path) -> None:
    run("return", "make", "1042", "deletion", "--ground", "moved away", "-o", "deletion.csv", "--by", BY)
    (row,) = csv.DictReader(io.StringIO((absent / "deletion.csv").read_text(encoding="utf-8")))
    assert row["Full name"] == "Ada Example" and row["New school"] == "Other School"
    assert row["Last day on roll"] == "2024-11-29" and row["Ground for deletion"].startswith("moved away: ")
    assert "Carl Example" in row["Parents"] and "Dora Example" in row["Emergency contacts, in the order to ring"]


def test_a_deletion_that_nothing_announces_is_returned_by_its_last_day(absent: Path) -> None:
    run("return", "make", "1042", "deletion", "--ground", "moved away", "--by", BY)
    assert run("remove", "1042", "2024-11-29", "--ground", "moved away", "--by", BY).code == 0
    (found,) = [each for each in run("returns", "--all", "--json").json if each["form"] == "deletion"]
    assert found["made"]["on"] == AWAY[-1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("1042", "holiday"),
            "malformed: FORM 'holiday', expected one of attendance, unauthorised, sickness, new pupil",
        ),
        (("1042", "sickness"), "malformed: FORM 'sickness', expected a return that is due about this pupil, as "),
        (("9999", "sickness"), "pupil_not_on_roll: pupil '9999', expected a pupil known at that moment"),
        (("1042", "attendance", "-o", "x.txt"), "'x.txt' ends in none of .csv, .xlsx, .pdf"),
        (("1042", "attendance", "-o", "no/x.pdf"), "there is no folder for the file 'x.pdf'"),
        (
            ("1042", "attendance", "--at", "2024-01-01"),
            "time_runs_backwards: at '2024-01-01 00:00:00+00:00' is earlier",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_sentence(
    absent: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    assert run("return", "make", *arguments, "--by", BY).sentence.startswith(sentence)
    assert run("returns", "--json").json[0]["made"] is None


def test_a_deletion_is_returned_with_its_ground(absent: Path) -> None:
    refused = run("return", "make", "1042", "deletion", "--by", BY).sentence
    assert refused.startswith("malformed: --ground, expected the ground for the deletion, one of attendance order, ")


def test_irregular_attendance_is_returned_on_somebodys_judgement(absent: Path) -> None:
    assert run("return", "make", "1042", "attendance", "--by", BY).code == 0
    late = run("return", "make", "1042", "attendance", "--episode", "2024-11-11", "--by", BY)
    assert late.out.startswith("attendance, episode 2024-11-11: recorded 1 event"), late
    content = run("return", "show", "1042", "attendance", "2024-11-11", "--json").json["content"]
    assert ["Sessions absent", "10"] in content["fields"]
    nothing = run("return", "make", "1042", "attendance", "--episode", "2024-11-18", "--by", BY).sentence
    assert nothing.startswith("malformed: FORM 'attendance', expected a return that is due")


def test_nobody_signs_no_return(absent: Path) -> None:
    assert run("return", "make", "1042", "attendance", "-o", "made.pdf").sentence.startswith("unknown_person: by.id")
    assert not (absent / "made.pdf").exists()


def test_a_return_that_was_not_made_cannot_be_shown(absent: Path) -> None:
    assert run("return", "show", "1042", "attendance", FIRST).sentence.startswith("malformed: EPISODE")


def test_a_return_recorded_without_content_is_shown_as_such(absent: Path) -> None:
    line = '{"command":"MakeReturn","pupil":"1042","form":"attendance","episode":"%s","made_on":"%s","by":%s}'
    by = '{"id":"head","name":"H Example","title":"Headteacher"}'
    assert run("do", line % (FIRST, AWAY[-1], by)).code == 0
    assert "recorded without its content" in run("return", "show", "1042", "attendance", FIRST).out
    refused = run("return", "show", "1042", "attendance", FIRST, "-o", "x.pdf").sentence
    assert refused == "this return was recorded without the content of its form, so there is nothing to write"


def test_without_the_key_store_returns_are_listed_and_none_is_composed(absent: Path) -> None:
    (absent / "attendance.keys.db").unlink()
    listed = run("returns")
    assert "(sealed)" in listed.out and "attendance" in listed.out
    refused = run("return", "make", "1042", "attendance", "--by", BY).sentence
    assert refused == "the admission register cannot be read without its keys, so no return can be composed"
