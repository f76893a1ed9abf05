"""A ledger carries its own rules: what a later release says in its files changes no answer about it.

The package is copied, the numbers of its shipped policies and the categories of its codes are changed, and the command
line is run from the copy on a ledger that was made before. What answers otherwise then is what kept only a name.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.codes import CURRENT, NAMED_BY
from ledger.policy import load
from tests.support.terminal import BY, Said, run, small_school, write_journal

ROOT = Path(__file__).resolve().parents[2]
NATIONAL, KEPT = load("national-2024"), f"{CURRENT.digest[:NAMED_BY]}.csv"
ASKED = [
    ("absence", "--as-of", "2024-09-05"),
    ("penalty", "--as-of", "2024-09-05"),
    ("explain", "absence", "1042", "--as-of", "2024-09-05"),
    ("explain", "penalty", "1043", "--as-of", "2024-09-05"),
    ("policies", "--as-of", "2024-09-05"),
    ("penalty", "1042", "--ladder", "--as-of", "2024-09-05"),
    ("whatif", "--policy", "national-2024", "--as-of", "2024-09-05"),
]


class Release:
    """A copy of the package, and its command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for package in ("ledger", "projections", "commands"):
            shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))

    def change(self, file: str, pattern: str, by: str) -> None:
        path = self.folder / "ledger" / file
        text = path.read_bytes().decode()
        changed, times = re.subn(pattern, by, text, flags=re.M)
        assert times, f"{pattern} is nowhere in {file}"
        path.write_bytes(changed.encode())

    def run(self, *arguments: str) -> Said:
        return self._run("sys.exit(main())", *arguments)

    def run_each(self, lines: list[tuple[str, ...]]) -> list[str]:
        """Return what one process prints for each line in turn: most of what a process takes is its imports."""
        said = self._run(f"[print(end=chr(0) * (main(each) == 0)) for each in {lines}]")
        *printed, rest = said.out.split("\0")
        assert len(printed) == len(lines) and not rest, said
        return printed

    def _run(self, what: str, *arguments: str) -> Said:
        code = f"import sys; sys.path.insert(0, {str(self.folder)!r}); from commands.cli import main; {what}"
        command = [sys.executable, "-P", "-c", code, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": ""})
        return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Return a release in which every number that could be seen is another one, and so is what some codes count as."""
    release = Release(tmp_path_factory.mktemp("later"))
    release.change("policies/national-2024.toml", r"^value = 10$", "value = 3")
    release.change("policies/national-2024.toml", r"^value = 5$", "value = 6")
    release.change("policies/national-2024.toml", r'\["G", "N", "O", "U"\]', '["G", "O", "U"]')
    release.change("codes.csv", r"^I,Illness,authorised_absence,3,1,0,0,1,1,", "I,Illness,present,3,1,1,1,0,0,")
    release.change(
        "codes.csv", r"^B,Other approved educational activity,approved_activity,2,1,1,", "B,Odd,not_possible,2,0,0,"
    )
    yield release


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    return made(tmp_path)


def made(folder: Path) -> str:
    """Return the ledger of a small school."""
    url = f"sqlite:///{folder}/school.db"
    assert run("replay", str(write_journal(folder / "school.ndjson", small_school())), "--ledger", url).code == 0
    return url


def asked(release: Release | None, ledger: str, *question: str) -> tuple[int, str]:
    """Return the exit code and every byte of standard output."""
    said = (release.run if release else run)(*question, "--json", "--ledger", ledger)
    assert said.code == 0, said
    return said.code, said.out


# --- the same answers -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def answers(later: Release, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], tuple[str, str]]:
    """Return to every question what this release and the later one answer, of the same ledger."""
    ledger = made(tmp_path_factory.mktemp("asked"))
    printed = later.run_each([(*question, "--json", "--ledger", ledger) for question in ASKED])
    return {question: (asked(None, ledger, *question)[1], out) for question, out in zip(ASKED, printed, strict=True)}


@pytest.mark.parametrize("question", ASKED, ids=" ".join)
def test_no_answer_changes_with_the_files_of_a_release(
    answers: dict[tuple[str, ...], tuple[str, str]], question: tuple[str, ...]
) -> None:
    now, then = answers[question]
    assert now == then and now.startswith(("[", "{"))


def test_what_keeps_only_a_name_does_change_with_them(later: Release, ledger: str, tmp_path: Path) -> None:
    """The negative control: a ledger as the first releases made it, and a new one of the later release."""
    forget_the_rules(tmp_path / "school.db")
    before, after = (json.loads(asked(each, ledger, *ASKED[0])[1]) for each in (None, later))
    assert [each["rules"] for each in before] != [each["rules"] for each in after]
    assert [each["authorised"] for each in before] != [each["authorised"] for each in after]
    url = f"sqlite:///{tmp_path}/new.db"
    assert later.run("replay", str(tmp_path / "school.ndjson"), "--ledger", url).code == 0
    assert json.loads(asked(later, url, *ASKED[0])[1])[0]["authorised"] != before[0]["authorised"]


def forget_the_rules(path: Path) -> None:
    """Take out of the opening event what the first releases did not put there."""
    with closing(sqlite3.connect(path)) as database, database:
        triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f'DROP TRIGGER "{name}"')
        (state,) = database.execute("SELECT state FROM stored_events WHERE notification_id = 1").fetchone()
        event = json.loads(state)
        for name in ("title", "edition", "settings", "codes"):
            event.pop(name)
        database.execute("UPDATE stored_events SET state = ? WHERE notification_id = 1", (json.dumps(event).encode(),))
        for _, sql in triggers:
            database.execute(sql)


# --- what verify says -----------------------------------------------------------------------------------------------


def rules_found(release: Release | None, ledger: str) -> dict[str, str]:
    said = (release.run if release else run)("verify", "--json", "--ledger", ledger)
    ours = ("code_table_missing", "code_table_altered", "policy_not_as_shipped", "policy_not_kept", "policy_unreadable")
    return {each["rule"]: each["sentence"] for each in said.json if each["rule"] in ours}


def test_verify_says_which_settings_are_not_those_shipped_by_that_name(later: Release, ledger: str) -> None:
    assert rules_found(None, ledger) == {}
    found = rules_found(later, ledger)
    assert list(found) == ["policy_not_as_shipped"]
    assert "national-2024" in found["policy_not_as_shipped"] and "penalty.threshold" in found["policy_not_as_shipped"]


def test_verify_says_so_where_the_shipped_file_is_no_policy_at_all(ledger: str, tmp_path: Path) -> None:
    release = Release(tmp_path / "release")
    release.change("policies/national-2024.toml", r"\[penalty.threshold\]", "[penalty.treshold]")
    assert "unknown key 'penalty.treshold'" in rules_found(release, ledger)["policy_not_as_shipped"]
    assert asked(release, ledger, *ASKED[1]) == asked(None, ledger, *ASKED[1])


def test_a_table_of_codes_that_is_gone_or_altered_is_named_and_nothing_is_answered(ledger: str, tmp_path: Path) -> None:
    release = Release(tmp_path / "release")
    release.change("codes.csv", "^I,Illness,authorised", "I,Illness,present")
    assert rules_found(release, ledger) == {}, "the one of its digest is kept"
    kept = tmp_path / "release" / "ledger" / "code_tables" / KEPT
    kept.write_bytes(kept.read_bytes().replace(b"I,Illness,authorised", b"I,Illness,present"))
    assert KEPT.removesuffix(".csv") in rules_found(release, ledger)["code_table_altered"]
    assert "was altered" in release.run("absence", "--ledger", ledger).sentence
    kept.unlink()
    assert KEPT.removesuffix(".csv") in rules_found(release, ledger)["code_table_missing"]
    assert "is not kept here" in release.run("absence", "--ledger", ledger).sentence


def test_verify_says_where_only_a_name_was_kept_until_it_is_adopted_again(ledger: str, tmp_path: Path) -> None:
    forget_the_rules(tmp_path / "school.db")
    assert "only the name of national-2024" in rules_found(None, ledger)["policy_not_kept"]
    adopted = run("policy", "national-2024", "2024-09-03", "--by", BY, "--ledger", ledger)
    assert adopted.code == 0 and "policy_not_kept" not in rules_found(None, ledger)


# --- a school's own policy ------------------------------------------------------------------------------------------


def own(folder: Path, name: str = "ours-2024", **changed: Any) -> Path:
    """Write a school's own policy: the national one with other numbers."""
    text = (ROOT / "ledger" / "policies" / "national-2024.toml").read_text(encoding="utf-8")
    text = text.replace('name = "national-2024"', f'name = "{name}"')
    for setting, value in changed.items():
        text, times = re.subn(rf"(\[{setting.replace('_', '.', 1)}\]\nvalue = ).*", rf"\g<1>{value}", text)
        assert times == 1, setting
    path = folder / "ours.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_schools_own_policy_is_recorded_whole_and_outlives_its_file(ledger: str, tmp_path: Path) -> None:
    file = own(tmp_path, penalty_threshold=1)
    adopt = ("policy", "ours-2024", "2024-09-03", "--policy-file", str(file), "--by", BY, "--ledger", ledger)
    assert run(*adopt).code == 0
    rules = load(file).rules
    file.unlink()
    found = run("penalty", "1043", "--as-of", "2024-09-05", "--json", "--ledger", ledger).json[0]
    assert (found["policy"], found["rules"], found["threshold"], found["met"]) == ("ours-2024", rules, 1, True)
    assert rules_found(None, ledger) == {}


def test_the_same_name_with_other_settings_is_a_new_adoption_and_without_is_none(ledger: str, tmp_path: Path) -> None:
    def adopt(threshold: int) -> int:
        file = own(tmp_path, penalty_threshold=threshold)
        run("policy", "ours-2024", "2024-09-03", "--policy-file", str(file), "--by", BY, "--ledger", ledger)
        return len(run("policies", "--json", "--ledger", ledger).json["adopted"])

    assert [adopt(threshold) for threshold in (7, 7, 8)] == [2, 2, 3]
    assert run("penalty", "1043", "--as-of", "2024-09-05", "--json", "--ledger", ledger).json[0]["threshold"] == 8


def test_a_school_is_opened_with_its_own_policy(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/school.db"
    file = own(tmp_path, persistent_percent=12)
    named = ("--urn", "117000", "--name", "Example", "--la", "919", "--estab", "2000", "--by", BY, "--ledger", url)
    assert run("open", *named, "--policy-file", str(file)).code == 0
    said = run("policies", "--json", "--ledger", url).json
    assert (said["policy"], said["rules"]) == ("ours-2024", load(file).rules)


def test_the_name_of_a_shipped_policy_is_not_to_be_had_for_other_settings(ledger: str, tmp_path: Path) -> None:
    file = own(tmp_path, "national-2024", penalty_threshold=7)
    adopt = ("policy", "national-2024", "2024-09-03", "--policy-file", str(file), "--by", BY, "--ledger", ledger)
    assert run(*adopt).sentence.startswith("policy_name_taken: policy 'national-2024'")
    other = ("policy", "micklem-2025", *adopt[2:])
    assert "expected 'national-2024', as the file calls it" in run(*other).sentence


def test_settings_that_are_no_policy_are_refused_by_what_is_wrong(ledger: str, tmp_path: Path) -> None:
    whole = {name: {"value": each.value, "source": each.source} for name, each in NATIONAL.settings.items()}

    def refused(**changed: Any) -> str:
        line = {"command": "AdoptPolicy", "at": "2024-09-06T09:00:00Z", "policy": "ours", "from_day": "2024-09-03"}
        line["settings"] = {name: value for name, value in (whole | changed).items() if value is not None}
        return run("replay", str(write_journal(tmp_path / "more.ndjson", [line])), "--ledger", ledger).err

    assert "lacks penalty_threshold" in refused(**{"penalty.threshold": None})
    assert "unknown key 'penalty.treshold'" in refused(**{"penalty.treshold": whole["penalty.threshold"]})
    assert "must be a whole number" in refused(**{"penalty.threshold": {"value": "7", "source": "x"}})
    assert "'hours.am' must" in refused(**{"hours.am": {"value": {"opens": "half past"}, "source": "x"}})
    assert "malformed: settings.penalty.threshold.source" in refused(**{"penalty.threshold": {"value": 7}})
    assert refused() == "", "the same as shipped, under a name of its own"


# --- what if --------------------------------------------------------------------------------------------------------


def test_what_if_says_what_the_other_policy_is(ledger: str, tmp_path: Path) -> None:
    file = own(tmp_path, "national-2024", penalty_threshold=1)
    asked = run("whatif", "--policy", str(file), "--as-of", "2024-09-05", "--json", "--ledger", ledger)
    assert f"rules {load(file).rules}; it is not this ledger's, which is national-2024" in asked.err
    assert {each["other_rules"] for each in asked.json} == {load(file).rules}
    assert {each["rules"] for each in asked.json} == {NATIONAL.rules}
    on_screen = run("whatif", "--policy", str(file), "--as-of", "2024-09-05", "--ledger", ledger).out
    assert "it is not this ledger's" in " ".join(on_screen.split())
    same = run("whatif", "--policy", "national-2024", "--as-of", "2024-09-05", "--json", "--ledger", ledger)
    assert "the one in force in this ledger" in same.err and same.json == []
