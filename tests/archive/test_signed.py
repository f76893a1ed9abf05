"""An archive is used with its signature checked against a key that the user names, or says "unsigned" in each answer:
whoever owns a copy of the ledger can make an archive that fits itself."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger.errors import Misconfigured
from projections.archive import MANIFEST, read_manifest
from tests.support.terminal import run, small_school, write_journal

LEDGER = ("--ledger", "sqlite:///school.db")
ABSENCE = ("absence", "--as-of", "2024-09-30", *LEDGER)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger, its seal, a signed archive, and the unsigned one of a copy in which a mark differs."""
    folder = tmp_path_factory.mktemp("sealed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("ATTENDANCE_SEAL", raising=False)
        assert run("replay", str(write_journal(Path("school.ndjson"), small_school())), *LEDGER).code == 0
        assert run("seal", "--new", "--seal", "seal", *LEDGER).code == 0
        assert run("archive", "--all", "-o", "true", "--seal", "seal", *LEDGER).code == 0
        shutil.copy("school.db", "edited.db")
        shutil.copy("school.keys.db", "edited.keys.db")
        edit(Path("edited.db"))
        assert run("archive", "--all", "-o", "forged", "--ledger", "sqlite:///edited.db").code == 0
    return folder


def edit(file: Path) -> None:
    """Make an absence of a present mark, in one event that is not the last of its segment."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        triggers = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        for name in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        present = connection.execute(
            "SELECT notification_id, state FROM stored_events WHERE topic = 'entry.MarkRecorded' ORDER BY 1"
        )
        position, state = next(row for row in present.fetchall() if b'"c":"/"' in row[1])
        edited = state.replace(b'"c":"/"', b'"c":"O"')
        changed = connection.execute("UPDATE stored_events SET state = ? WHERE notification_id = ?", (edited, position))
        assert changed.rowcount == 1
        for sql in triggers.values():
            connection.execute(sql)


@pytest.fixture(autouse=True)
def folder(sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(sealed, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ATTENDANCE_SEAL", raising=False)


def key() -> str:
    return Path("seal/key.pub").read_text().strip()


def test_an_answer_says_whether_somebody_checked_who_made_its_archive() -> None:
    from_ledger = run(*ABSENCE, "--json").json
    true = run(*ABSENCE, "--json", "--archive", "true", "--verifier", key()).json
    assert true == [each | {"archive": "signed by attendance/117000"} for each in from_ledger] and true
    unchecked = run(*ABSENCE, "--json", "--archive", "true").json
    assert unchecked == [each | {"archive": "unsigned"} for each in from_ledger]
    forged = run(*ABSENCE, "--json", "--archive", "forged")
    assert {each["archive"] for each in forged.json} == {"unsigned"} and "unsigned" in forged.err
    assert [each | {"archive": ""} for each in forged.json] != [each | {"archive": ""} for each in from_ledger]
    assert "marks from an archive, unsigned" in run(*ABSENCE, "--archive", "forged").out
    for more in ((), ("--ladder",)):
        asked = ("penalty", "1042", *more, "--as-of", "2024-09-30", "--archive", "forged", *LEDGER)
        assert {each["archive"] for each in run(*asked, "--json").json} == {"unsigned"}
        assert "marks from an archive, unsigned" in run(*asked).out


def test_an_archive_that_the_key_did_not_sign_answers_nothing() -> None:
    for verb in (ABSENCE, ("penalty", *LEDGER)):
        refused = run(*verb, "--archive", "forged", "--verifier", key())
        assert refused.code == 2 and "is not signed by attendance/117000" in refused.sentence
    shutil.copy("true/manifest.note", "forged/manifest.note")
    assert run(*ABSENCE, "--archive", "forged", "--verifier", key()).code == 2
    assert run(*ABSENCE, "--verifier", key()).code == 2, "without an archive there is nothing to check"


def test_a_read_model_is_built_from_a_signed_archive_or_from_one_that_was_held_against_the_ledger() -> None:
    before = run(*ABSENCE, "--json").json
    refused = run("rebuild", "--from-archive", "forged", *LEDGER)
    assert refused.code == 2 and "nothing was rebuilt from the unsigned archive" in refused.err
    assert run("rebuild", "--from-archive", "forged", "--verifier", key(), *LEDGER).code == 2
    assert run(*ABSENCE, "--json").json == before
    unsigned = run("rebuild", "--from-archive", "true", *LEDGER)
    assert unsigned.code == 0 and "held against the ledger first" in unsigned.err
    assert run("rebuild", "--from-archive", "true", "--verifier", key(), *LEDGER).code == 0
    assert run(*ABSENCE, "--json").json == before


def test_verifying_says_that_nobody_checked_who_made_it() -> None:
    Path("school.db").rename("elsewhere.db")
    said = run("archive", "--verify", "-o", "forged")
    assert said.code == 0 and ", unsigned" in said.out, "by itself it fits: the negative control"
    assert run("archive", "--verify", "-o", "forged", "--verifier", key()).code == 1
    true = run("archive", "--verify", "-o", "true", "--verifier", key())
    assert true.code == 0 and "unsigned" not in true.out


# --- many schools ---------------------------------------------------------------------------------------------------


def cluster(*options: str) -> tuple[int, dict[str, object], str]:
    said = run("cluster", "authority", "--local", "1", "--as-of", "2024-09-30", "--json", *options)
    return said.code, said.json, said.err


def test_many_archives_are_each_signed_by_their_school_or_counted_as_unsigned() -> None:
    Path("keys").write_text(f"{key()}\n")
    shutil.copytree("true", "authority/117000")
    assert cluster()[1]["unsigned"] == 1 and cluster("--verifiers", "keys")[1]["unsigned"] == 0
    assert "1 archive unsigned" in run("cluster", "authority", "--local", "1").out
    shutil.rmtree("authority/117000")
    shutil.copytree("forged", "authority/117000")
    code, answer, err = cluster("--verifiers", "keys")
    assert (code, answer["schools"]) == (1, 0) and "is not signed by attendance/117000" in err
    Path("keys").write_text("")
    code, _, err = cluster("--verifiers", "keys")
    assert code == 1 and "none of the keys that were named is this school's" in err


def test_an_archive_under_another_schools_name_is_named() -> None:
    shutil.copytree("true", "authority/117001")
    code, answer, err = cluster()
    assert (code, answer["schools"]) == (1, 0)
    assert "117001: this is the archive of school 117000, under the name of another" in err


# --- manifests ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../../case.db", "/etc/passwd", "..", ".", "a\0b", "a/b", "", "a\\b", "‮x"])
def test_a_manifest_names_no_file_outside_its_folder(name: str) -> None:
    raw = json.loads(Path("true/manifest.json").read_text())
    raw["roll"]["file"] = name
    Path("true", MANIFEST).write_text(json.dumps(raw))
    with pytest.raises(Misconfigured, match="no manifest of an archive"):
        read_manifest(Path("true"))
    refused = run("archive", "--verify", "-o", "true")
    assert refused.code == 2 and refused.sentence


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format":' + "[" * 100_000, '{"a":' * 100_000, ""])
def test_a_manifest_that_is_nested_without_end_is_refused(text: str) -> None:
    Path("true", MANIFEST).write_text(text)
    assert "no manifest of an archive" in run("archive", "--verify", "-o", "true").sentence
    shutil.copytree("true", "authority/1")
    code, _, err = cluster()
    assert code == 1 and "Traceback" not in err and "1: " in err


def test_a_manifest_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.archive.LONGEST", 100)
    assert "longer than any manifest" in run("archive", "--verify", "-o", "true").sentence
