"""`roll`, `moving-form-paper`, `deletion`: the register of a day, its amendments, and what a deletion still needs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.support.absences import by_time, office, opening
from tests.support.terminal import BY, run, write_journal

pytestmark = pytest.mark.usefixtures("folder")

KEYS = [
    "pupil", "as_of", "known_at", "position", "policy", "rules", "simulated",
    "name", "sex", "born", "address", "upn", "email", "last_school", "class", "year_group", "starting_day",
    "parents", "emergency_contacts", "spells", "removal", "moving_forms", "amendments", "readable",
]  # fmt: skip
MOVED = office("AmendParticulars", "2024-11-04", from_day="2024-10-01", address="9 New Road", reason="the family moved")
FORM = office(
    "ReceiveMovingForm", "2024-11-05", parent="1042-a", received_on="2024-11-05", leaving_on="2024-11-29",
    new_school="Other School", new_address="3 Far Road", new_school_address="Far Town",
)  # fmt: skip


@pytest.fixture
def moved(folder: Path) -> Path:
    """Return a folder with a school whose pupil has moved house."""
    lines = by_time([*opening(), MOVED])
    assert run("replay", str(write_journal(folder / "moved.ndjson", lines))).code == 0
    return folder


def test_roll_has_the_declared_fields_in_order(moved: Path) -> None:
    (found,) = run("roll", "1042", "--json").json
    assert list(found) == KEYS
    assert list(found["amendments"][0]) == [
        "what",
        "before",
        "after",
        "from_day",
        "reason",
        "recorded_at",
        "by",
        "position",
    ]
    assert found["address"] == "9 New Road" and found["readable"] is True


def test_the_register_of_a_day_is_that_of_the_day(moved: Path) -> None:
    def address(*times: str) -> str:
        found: str = run("roll", "1042", *times, "--json").json[0]["address"]
        return found

    assert address("--as-of", "2024-09-30") == "1 Example Road"
    assert address("--as-of", "2024-10-01") == "9 New Road"
    assert address("--as-of", "2024-10-01", "--known-at", "2024-11-03") == "1 Example Road"


def test_a_pupils_amendments_are_shown_with_reason_and_name(moved: Path) -> None:
    said = run("roll", "1042").out
    for expected in (
        "9 New Road",
        "1 Example Road",
        "the family moved",
        "H Example (Headteacher)",
        "Beth Example",
        "SIMULATED",
    ):
        assert expected in said, expected
    assert "Ada Example" in run("roll").out
    assert "never amended" in run("roll", "1042", "--known-at", "2024-11-03").out


def test_the_register_goes_into_a_file_with_everybody_in_a_row(moved: Path) -> None:
    assert run("roll", "-o", "roll.csv").out.startswith("wrote 1 pupil to roll.csv; as of 2024-11-04")
    (row,) = csv.DictReader(io.StringIO((moved / "roll.csv").read_text(encoding="utf-8")))
    assert (row["name"], row["address"], row["last school"]) == ("Ada Example", "9 New Road", "Example Nursery")
    assert (row["parent 1 address"], row["parent 1 lives with"]) == ("9 New Road", "yes"), "she moved along"
    assert row["emergency contact 1 phone"] == "01632 960003"


def test_the_form_for_moving_from_school_is_blank_or_filled_in(moved: Path) -> None:
    assert run("moving-form-paper", "-o", "blank.pdf").out == "wrote blank.pdf (SIMULATED)\n"
    run("moving-form-paper", "1042", "-o", "known.pdf")
    blank, known = (PdfReader(moved / name).pages[0].extract_text() for name in ("blank.pdf", "known.pdf"))
    for asked in (
        "Child's name", "Class", "Current address", "Date of leaving", "New home address", "Name of the new school",
        "Address of the new school", "Signature",
    ):  # fmt: skip
        assert asked in blank and asked in known, asked
    assert "Ada Example" not in blank and "Ada Example" in known and "9 New Road" in known
    lines = by_time([*opening(), MOVED, FORM])
    run("replay", str(write_journal(moved / "form.ndjson", lines)), "--ledger", "sqlite:///form.db")
    run("moving-form-paper", "1042", "-o", "received.pdf", "--ledger", "sqlite:///form.db")
    received = PdfReader(moved / "received.pdf").pages[0].extract_text()
    assert "Other School" in received and "3 Far Road" in received and "2024-11-29" in received


def test_a_deletion_is_checked_and_nothing_is_recorded(moved: Path) -> None:
    before = run("roll", "1042", "--json").json[0]["position"]
    said = run("deletion", "1042", "--ground", "moved away", "--last-day", "2024-11-29")
    assert said.code == 1 and "2 things missing" in said.out
    assert "attendance return make 1042 deletion --last-day 2024-11-29 --ground 'moved away'" in said.out
    assert run("roll", "1042", "--json").json[0]["position"] == before


def test_a_deletion_with_everything_in_place_ends_with_nought(moved: Path) -> None:
    run("replay", str(write_journal(moved / "form.ndjson", [FORM])))
    made = run("return", "make", "1042", "deletion", "--ground", "moved away", "--by", BY)
    assert made.code == 0, made
    said = run("deletion", "1042", "--ground", "moved away", "--json")
    assert said.code == 0 and said.json["ready"] is True and said.json["last_day"] == "2024-11-29"
    assert list(said.json)[7:] == ["ground", "last_day", "transition", "ready", "checks"]
    assert list(said.json["checks"][0]) == ["what", "met", "sentence", "command"]


def test_a_ground_that_is_none_is_refused(moved: Path) -> None:
    sentence = run("deletion", "1042", "--ground", "bored").sentence
    assert sentence.startswith("malformed: --ground, expected one of attendance order, ")
    assert run("deletion", "9999").sentence.startswith("pupil_not_on_roll: pupil '9999'")


def test_without_the_key_store_the_register_is_sealed(moved: Path) -> None:
    (moved / "attendance.keys.db").unlink()
    said = run("roll", "1042")
    assert "(sealed)" in said.out and "4W" in said.out and "Example Road" not in said.out
    refused = run("moving-form-paper", "1042", "-o", "known.pdf").sentence
    assert refused == "the admission register cannot be read without its keys, so the form would be blank"
