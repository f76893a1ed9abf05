"""What people give that is not what a verb wants: one sentence that names it, and nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.terminal import Said, run


def said_of(*arguments: str) -> str:
    said = run(*arguments).sentence
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("bisect", "absence", "1042", "--then", "2024-09-05T09:00", "--now", "2024-09-03T09:00"),
            "--then lies after --now: the moment of earlier knowledge goes first",
        ),
        (("bisect", "absence", "1042", "--then", "12/12/2025"), "malformed: --then '12/12/2025', expected"),
        (("diff", "--then", "2024-09-04", "--now", "banana"), "malformed: --now 'banana', expected"),
        (
            ("changes", "--from", "2024-09-05", "--to", "2024-09-03"),
            "malformed: --from '2024-09-05', expected a day no later than --to, 2024-09-03",
        ),
        (("changes", "--from", "2024-09-03", "--known-at", "2020-01-01"), "no policy was known at 2020-01-01T"),
        (("rebuild", "--status", "--drop-old"), "malformed: --status, expected alone"),
        (("rebuild", "--restart", "--status"), "malformed: --status, expected alone"),
        (("rebuild", "--restart", "--drop-old"), "malformed: --status, expected alone"),
        (("rebuild", "--every-school", "--school", "117000"), "malformed: --every-school, expected without --school"),
        (("archive", "--verify", "--all"), "malformed: --verify, expected without --until and --all"),
        (("archive", "--verify", "--until", "2024-09-03"), "malformed: --verify, expected without --until and --all"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(arguments: tuple[str, ...], sentence: str, school: Path) -> None:
    assert said_of(*arguments).startswith(sentence)


def test_a_file_in_the_way_is_named_and_stays(school: Path) -> None:
    Path("notes").write_text("ours")
    assert said_of("archive", "--all", "-o", "notes").startswith("the file 'notes' cannot be used: ")
    assert said_of("seal", "--new", "--seal", "notes").startswith("notes is there and not empty")
    assert Path("notes").read_text() == "ours"


def test_nothing_recorded_by_a_day_is_said_as_that(school: Path) -> None:
    said = run("archive", "--until", "2020-01-01")
    assert said.out == "nothing to archive yet: nothing was recorded by 2020-01-01 (SIMULATED)\n"


def test_a_seal_that_was_stopped_while_it_was_made_is_made_anew(school: Path) -> None:
    unfinished = Path(".seal.new")
    unfinished.mkdir()
    (unfinished / "key").write_text("half")
    assert run("seal", "--new", "--seal", "seal").code == 0
    assert not unfinished.exists() and (Path("seal") / "key").stat().st_mode & 0o077 == 0
    assert run("verify", "--seal", "seal").code == 0


@pytest.mark.parametrize("left", ["", "ab" * 20, "no key"])
def test_a_damaged_key_is_said_in_every_verb(left: str, school: Path) -> None:
    assert run("seal", "--new", "--seal", "seal").code == 0
    (Path("seal") / "key").write_text(left)
    for verb in (("seal",), ("archive", "--all"), ("evidence", "1042", "--draft", "-o", "x.zip")):
        assert said_of(*verb, "--seal", "seal").startswith("the file key in seal ")
    found = run("verify", "--seal", "seal", "--json")  # which refuses nothing of what it finds
    assert found.code == 1 and "the file key in seal " in found.out
    (Path("seal") / "key.pub").write_text(left)
    assert said_of("seal", "--seal", "seal") == "the file key.pub in seal is no verifier key of a seal"


def test_streams_that_are_closed_cost_no_traceback(school: Path) -> None:
    def with_closed(redirection: str, *arguments: str) -> Said:
        line = f"{sys.executable} -m commands.cli {' '.join(arguments)} {redirection}"
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment, check=False)
        return Said(done.returncode, done.stdout, done.stderr)

    read = with_closed("<&-", "replay", "-")
    assert read.code == 0 and "Traceback" not in read.err
    silent = with_closed(">&-", "absence", "1042")
    assert (silent.code, silent.err) == (0, "")
    full = with_closed(">/dev/full", "absence", "1042")
    assert (full.code, full.err) == (2, "attendance: the output cannot be used: No space left on device\n")
