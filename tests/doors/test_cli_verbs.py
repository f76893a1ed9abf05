"""The verbs as a whole: the headings of the help, what is imported for it, and what a word that is no verb may mean."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import commands.cli.verbs
from commands.cli.frame.lazy import nearest
from commands.cli.frame.table import HEADINGS, SYNONYMS, VERBS
from tests.support.terminal import run

ORDER = (
    "this morning", "this child", "leave", "letters and support", "penalties", "returns and reports",
    "roll and calendar", "setting up", "checking and keeping", "machines",
)  # fmt: skip


def test_help_groups_the_verbs_in_the_order_of_a_days_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = run("--help")
    headings = [line[:-1].lower() for line in said.out.splitlines() if line.endswith(":")]
    assert said.code == 0 and headings == ["options", *ORDER] and tuple(HEADINGS) == ORDER
    listed = [line.split()[0] for line in said.out.partition("This morning:")[2].splitlines() if line[:2] == "  "]
    assert listed == list(VERBS) and sum(map(len, HEADINGS.values())) == len(VERBS)
    assert max(map(len, said.out.splitlines())) <= 80


def test_the_table_names_every_verb_of_every_module() -> None:
    found = {}
    for module in pkgutil.iter_modules(commands.cli.verbs.__path__):
        if module.name != "__main__":
            verbs = getattr(import_module(f"commands.cli.verbs.{module.name}"), "verbs", None)
            registered = [*verbs.registered_commands, *verbs.registered_groups] if verbs else []
            found |= {each.name: module.name for each in registered}
    assert found == {verb.name: verb.module for verb in VERBS.values() if not verb.command}
    assert all(bool(verb.module) != bool(verb.command) == bool(verb.example) for verb in VERBS.values())


def test_an_interrupt_while_the_program_is_loaded_says_nothing() -> None:
    code = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from commands.start import main\n"
        "sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert 'attendance = "commands.start:main"' in (Path(__file__).parents[2] / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("today", "due"),
        ("find", "history"),
        ("undo", "amend"),
        ("late", "arrive"),
        ("absent", "report"),
        ("correct", "amend"),
        ("absense", "absence"),
        ("Register", "register"),
    ],
)
def test_a_word_that_is_no_verb_is_answered_with_those_that_may_be_meant(word: str, meant: str) -> None:
    said = run(word).sentence
    assert said.startswith(f"No such command '{word}': try '{meant}'") and said.endswith("; see 'attendance --help'")


def test_what_people_say_is_no_verb_and_means_one() -> None:
    assert set(SYNONYMS).isdisjoint(VERBS)
    assert {name for names in SYNONYMS.values() for name in names} <= set(VERBS)
    assert nearest("xyzzy") == [] and run("xyzzy").sentence == "No such command 'xyzzy'; see 'attendance --help'"
