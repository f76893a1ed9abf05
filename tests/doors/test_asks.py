"""Every verb that asks: its answer in a file of each kind, and on a screen of eighty columns."""

from __future__ import annotations

import csv
import io
import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from commands.cli import main, tree
from commands.cli.frame.speech import fitted
from tests.support.terminal import run

# Each with the days of the small school; what is after `-o` goes there where the verb is made by `asks`.
ASKING = (
    "absence", "absence 1042", "penalty", "penalty 1042", "penalty --ladder 1042", "staged", "staged 1042",
    "leave show", "leave show 1042", "shared", "returns", "register 4W 2024-09-03", "history 1042",
    "followup 1042", "explain penalty 1042", "explain absence 1042",
    "due", "due --pupil 1042", "doctor", "verify", "policies", "roll", "roll 1042", "deletion 1042",
    "changes --from 2024-09-03", "diff --then 2024-09-03 1042", "diff --then 2024-09-04 1042",
    "bisect absence --count 1042 --then 2024-09-02", "bisect penalty 1042 --then 2024-09-03",
    "whatif --set penalty.threshold=1",
)  # fmt: skip
OTHERS = (
    "punctuality 1042", "punctuality", "late-book 2024-09-03",
    "daily show 2024-09-03", "census autumn 2024/25", "reports weekly", "reports governors", "reports groups",
)  # fmt: skip
# Their tables were there before all tables were alike, and say what they are true for beside the file.
OWN_TABLE = ("roll",)
# Those with forms of their own, by ending.
FORMS = {
    "punctuality": (".csv", ".xlsx"),
    "late-book 2024-09-03": (".pdf", ".csv", ".xlsx"),
    "daily show 2024-09-03": (".csv", ".xlsx", ".json"),
    "census autumn 2024/25": (".csv", ".xlsx"),
    "referral 1042 --parent 1042-a --draft": (".pdf",),
    "reports weekly": (".pdf", ".csv", ".xlsx"),
    "reports governors": (".pdf", ".csv", ".xlsx"),
}
# What records, writes or does something; what is a paper or a file for machines; what is asked of many schools.
NO_TABLE = {
    "import marks", "seal", "replay", "do", "project", "rebuild", "repair",
    "pupil-year", "reports parents", "reports share", "return make", "portable", "evidence", "verifier", "archive",
    "cluster", "schools", "pooled absence", "pooled penalty",
}  # fmt: skip
STYLE = re.compile(r"\x1b\[[0-9;]*m")
PLAIN = "as of,known at,position,policy,simulated"


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


def on_screen(question: str) -> list[str]:
    """Return the lines that a terminal shows."""
    shown = Terminal()
    with redirect_stdout(shown), redirect_stderr(io.StringIO()):
        assert main(question.split()) in (0, 1)
    return STYLE.sub("", shown.getvalue()).splitlines()


def words(lines: list[str]) -> set[str]:
    return {word.strip(",") for line in lines for word in line.split() if not set(word) <= set("─│├└")}


def verbs(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the name of every verb of a group, with its options and their help."""
    context = group.context_class(group)
    for name in group.list_commands(context):
        verb = group.get_command(context, name)
        if hasattr(verb, "list_commands"):
            yield from verbs(verb, (*words, name))
        else:
            helps = {option: each.help for each in verb.params for option in each.opts if option.startswith("-")}
            yield " ".join((*words, name)), helps


def test_every_verb_that_asks_offers_a_table_a_book_and_a_paper() -> None:
    """A verb asks that has JSON and records nothing, for which it would take an --id."""
    asking = {name: options for name, options in verbs(tree()) if "--json" in options and "--id" not in options}
    lacking = {
        name
        for name, options in asking.items()
        if not all(f"FILE{ending}" in options.get("-o", "") for ending in (".csv", ".xlsx", ".pdf"))
    }
    assert lacking == NO_TABLE


@pytest.mark.parametrize("question", ASKING)
def test_every_answer_goes_into_a_table_a_book_and_a_paper(question: str, school: Path) -> None:
    code = run(*question.split()).code
    for ending, begins in ((".csv", b""), (".xlsx", b"PK"), (".pdf", b"%PDF")):
        file = school / f"answer{ending}"
        said = run(*question.split(), "-o", str(file))
        assert said.code == code and file.name in said.out and file.read_bytes().startswith(begins), said
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows = list(csv.reader((school / "answer.csv").open(encoding="utf-8")))
    if question.split()[0] not in OWN_TABLE:
        assert ",".join(rows[0]).endswith(PLAIN) and {row[-1] for row in rows[1:]} <= {"true"}


def test_a_book_holds_every_section_and_a_table_says_what_it_leaves_out(school: Path) -> None:
    run("register", "4W", "2024-09-03", "-o", str(school / "register.xlsx"))
    pages = [name for name in zipfile.ZipFile(school / "register.xlsx").namelist() if "worksheets/" in name]
    said = run("register", "4W", "2024-09-03", "-o", str(school / "register.csv"))
    assert len(pages) == 2
    assert said.err == ("attendance: not in register.csv, which holds one table: Amended or explained (SIMULATED)\n")


def test_a_file_of_findings_says_what_settles_each(school: Path) -> None:
    found = run("doctor", "--as-of", "2024-10-01")
    run("doctor", "--as-of", "2024-10-01", "-o", str(school / "doctor.csv"))
    rows = list(csv.DictReader((school / "doctor.csv").open(encoding="utf-8")))
    assert "attendance amend" not in found.out
    overdue = next(row for row in rows if row["rule"] == "n_overdue")
    assert overdue["command"] == f"attendance amend {overdue['pupil']} {overdue['session']} CODE --reason"


def test_a_file_that_is_not_of_this_verb_stays(school: Path) -> None:
    (school / "mine.csv").write_text("name,phone\n")
    assert "so it stays as it is" in run("absence", "-o", str(school / "mine.csv")).sentence
    assert "ends in none of .pdf, .csv, .xlsx" in run("absence", "-o", str(school / "absence.txt")).sentence
    assert "without --json" in run("absence", "--json", "-o", str(school / "absence.csv")).sentence


@pytest.mark.parametrize("question", ["pupil-year 1042", "reports share 1042", "reports parents 1042"])
def test_a_paper_is_printed_beside_json_and_is_the_only_kind(question: str, school: Path) -> None:
    said = run(*question.split(), "--json", "-o", "paper.pdf")
    assert said.code == 0 and said.json and "printed paper.pdf" in said.err
    assert (school / "paper.pdf").read_bytes().startswith(b"%PDF")
    assert "ends in none of .pdf" in run(*question.split(), "-o", "paper.csv").sentence
    assert "or --json" in run(*question.split()).sentence


@pytest.mark.parametrize("question", FORMS)
def test_a_form_of_a_verbs_own_stands_beside_json_and_the_rest_is_made_of_sections(question: str, school: Path) -> None:
    words = question.split()
    for ending in FORMS[question]:
        file = school / f"answer{ending}"
        said = run(*words, "--json", "-o", str(file))
        assert said.code in (0, 1) and said.json is not None and file.stat().st_size, said
        assert file.name in said.err, said
    for ending in {".pdf", ".csv", ".xlsx"}.difference(FORMS[question]):
        assert "without --json" in run(*words, "--json", "-o", f"answer{ending}").sentence
        said = run(*words, "-o", str(school / f"answer{ending}"))
        assert said.code in (0, 1) and f"answer{ending}" in said.out, said


@pytest.mark.parametrize("question", ASKING + OTHERS)
def test_eighty_columns_hold_every_answer_and_cut_no_word(
    question: str, school: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "10000")
    whole = words(on_screen(question))
    monkeypatch.setenv("COLUMNS", "80")
    lines = on_screen(question)
    assert max(map(len, lines)) <= 80
    assert words(lines) - whole <= words(["for want of room without: \\"])


def test_the_least_important_columns_are_left_out_and_named(school: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = on_screen("absence")
    assert "attendance" in lines[1] and "cohort" in lines[1] and "possible" not in lines[1]
    assert "for want of room without: possible, attended, authorised, missing" in lines


def test_a_line_to_type_goes_on_after_a_backslash() -> None:
    line = "      attendance return make 1152 'new pupil' --reason"
    assert fitted(line, 40).split("\n") == ["      attendance return make 1152 \\", "        'new pupil' --reason"]
    assert fitted("a b", 1).split("\n") == ["a", "b"] and fitted("as it is  here", 80) == "as it is  here"
