"""What the README and `docs/` show is what happens: their console blocks are run, in order, in an empty folder each."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))
MANY = "\n## Many schools\n"
DATABASE = "postgresql://user@host/db"  # of that section, which gets one of its own
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The scripts install first, and one of them runs this very test; what they come to is run instead.
SCRIPTS = {"scripts/demo": "attendance demo --fresh", "scripts/test": ""}


def steps(text: str) -> list[tuple[str, str]]:
    """Return (command, output shown) of every step of every console block."""
    parts = [part for block in BLOCK.findall(text) for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command.strip(), shown) for command, _, shown in (part.partition("\n") for part in parts)]


def matches(shown: str, printed: str) -> bool:
    """Whether what was printed is what is shown; `…` in what is shown stands for anything."""
    pattern = ".*?".join(re.escape(part.strip("\n")) for part in shown.strip().split("…"))
    lines = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    return re.fullmatch(pattern, lines, re.DOTALL) is not None


def test_a_wrong_output_would_be_noticed() -> None:
    assert matches("position …, policy national-2024\n", "position 12, policy national-2024")
    assert not matches("recorded 2 events\n", "recorded 3 events")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder, but for the examples."""
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    return tmp_path


def test_the_readme_shows_what_its_commands_print(folder: Path) -> None:
    text, _, rest = README.partition(MANY)
    assert len(steps(text)) > 12
    shown_is_printed(steps(text + rest.partition("\n## ")[2]), folder)


def test_the_readme_shows_what_its_commands_print_of_many_schools(folder: Path, new_database: str) -> None:
    section = README.partition(MANY)[2].partition("\n## ")[0]
    assert len(steps(section)) > 6
    shown_is_printed(steps(section.replace(DATABASE, new_database)), folder)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_shows_what_its_commands_print(document: Path, folder: Path, request: pytest.FixtureRequest) -> None:
    """One that names the database gets an empty one."""
    text = document.read_text(encoding="utf-8")
    if DATABASE in text:
        text = text.replace(DATABASE, request.getfixturevalue("new_database"))
    shown_is_printed(steps(text), folder)


def shown_is_printed(shown_steps: list[tuple[str, str]], folder: Path) -> None:
    """Run the steps in order in a folder, and fail at the first that prints something else than is shown."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "COLUMNS": "120",
    }
    for command, shown in shown_steps:
        run = SCRIPTS.get(command, command)
        if run.startswith("export "):
            name, _, value = shlex.split(run)[1].partition("=")
            environment[name] = value
        elif run:
            printed = subprocess.run(
                ["bash", "-c", run],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=300,
            ).stdout
            if not matches(shown, printed):
                pytest.fail(f"$ {command}\n{printed}\nis not what is shown:\n{shown}")
