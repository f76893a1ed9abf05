"""What the README and `docs/` show is what happens: their console blocks are run, in order.

The README begins in an empty folder, where its first command makes the made-up school; every other document begins with
that. It is made once for all of them. Sections that name a database get an empty one, and are a test of their own.
"""

import fcntl
import os
import re
import shlex
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.support import terminal

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
DATABASE = "postgresql://user@host/db"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"[|<>&;$`*]")  # what needs one
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def steps(text: str) -> list[tuple[str, str]]:
    """Return (command, output shown) of every step of every console block."""
    parts = [part for block in BLOCK.findall(text) for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command.strip(), shown) for command, _, shown in (part.partition("\n") for part in parts)]


def part(document: Path, of_a_database: bool) -> str:
    """Return the sections of a document that name a database, or those that do not."""
    sections = re.split(r"^(?=## )", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return "".join(section for section in sections if (DATABASE in section) is of_a_database)


def matches(shown: str, printed: str) -> bool:
    """Whether what was printed is what is shown; `…` in what is shown stands for anything."""
    pattern = ".*?".join(re.escape(part.strip("\n")) for part in shown.strip().split("…"))
    lines = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    return re.fullmatch(pattern, lines, re.DOTALL) is not None


def test_a_wrong_output_would_be_noticed() -> None:
    assert matches("position …, policy national-2024\n", "position 12, policy national-2024")
    assert not matches("recorded 2 events\n", "recorded 3 events")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the ledger of the made-up school and, in `printed`, what was said: whoever is first makes it."""
    own = tmp_path_factory.getbasetemp()
    made = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "demo"
    made.mkdir(exist_ok=True)
    with (made / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "printed").exists():
            printed = run("attendance demo --fresh", made, {})
            (made / "printed").write_text(printed, encoding="utf-8")
    return made


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_shows_what_its_commands_print(document: Path, demo: Path, tmp_path: Path) -> None:
    text = part(document, of_a_database=False)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    copied = f"cp {demo}/*.db ."
    if document != README:
        run(copied, tmp_path, {})
    # The scripts install first, and one of them runs this very test; what they come to is run instead.
    shown_is_printed(text, tmp_path, {"scripts/demo": f"{copied} && cat {demo}/printed", "scripts/test": ":"})


@pytest.mark.parametrize(
    "document", [each for each in DOCUMENTS if part(each, of_a_database=True)], ids=lambda path: path.name
)
def test_a_document_shows_what_its_commands_print_of_a_database(
    document: Path, new_database: str, tmp_path: Path
) -> None:
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    shown_is_printed(part(document, of_a_database=True).replace(DATABASE, new_database), tmp_path, {})


def test_no_step_is_left_out() -> None:
    parts = {(path.name, database): part(path, database) for path in DOCUMENTS for database in (False, True)}
    found = {which: len(steps(text)) for which, text in parts.items() if text}
    every = sum(len(steps(path.read_text(encoding="utf-8"))) for path in DOCUMENTS)
    assert sum(found.values()) == every > 75
    assert found["README.md", False] > 12 and found["engineers.md", True] > 6


def shown_is_printed(text: str, folder: Path, instead: dict[str, str]) -> None:
    """Run the steps in order in a folder, and fail at the first that prints something else than is shown. Some
    commands have another that is run in their place; one that is `:` is not compared."""
    exported: dict[str, str] = {}
    for command, shown in steps(text):
        if command.startswith("export "):
            name, _, value = shlex.split(command)[1].partition("=")
            exported[name] = value
        elif instead.get(command) != ":":
            printed = run(instead.get(command, command), folder, exported)
            if not matches(shown, printed):
                pytest.fail(f"$ {command}\n{printed}\nis not what is shown:\n{shown}")


def run(command: str, folder: Path, exported: dict[str, str]) -> str:
    """Return what a command prints in a folder, on either stream, to whoever exported these names and no others.

    One of ours begins where its process would, in this one: starting sixty of them takes longer than what they do.
    """
    environment = {"PATH": PATH, "HOME": str(folder), "LANG": "C.UTF-8", "COLUMNS": "120"} | exported
    if command.startswith("attendance ") and not SHELL.search(command):
        with patch.dict(os.environ, environment, clear=True), chdir(folder):
            return terminal.printed(*shlex.split(command)[1:])
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    ).stdout
