"""What the README shows is what happens: its console blocks are run, in order, in an empty folder."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# These start the installation or the tests themselves; what they run is shown and tested on its own.
SCRIPTS = {"scripts/demo": "attendance demo --fresh", "scripts/test": None, "scripts/check": None}


def steps(text: str) -> list[tuple[str, str]]:
    """Return (command, output shown) of every step of every console block."""
    found: list[tuple[str, str]] = []
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            while command.endswith("\\"):
                more, _, shown = shown.partition("\n")
                command = command[:-1] + more.removeprefix("> ")
            found.append((command.strip(), shown))
    return found


def matches(shown: str, printed: str) -> bool:
    """Whether what was printed is what is shown; `…` in what is shown stands for anything."""
    pattern = ".*?".join(re.escape(part.strip("\n")) for part in shown.strip().split("…"))
    squeeze = lambda text: "\n".join(line.rstrip() for line in text.strip().splitlines())  # noqa: E731
    return re.fullmatch(pattern, squeeze(printed), re.DOTALL) is not None


def test_a_wrong_output_would_be_noticed() -> None:
    assert matches("position …, policy national-2024\n", "position 12, policy national-2024")
    assert not matches("recorded 2 events\n", "recorded 3 events")


def test_the_readme_shows_what_its_commands_print(tmp_path: Path) -> None:
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "COLUMNS": "120",
    }
    shown_steps = steps((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(shown_steps) > 8
    for command, shown in shown_steps:
        run = SCRIPTS.get(command, command)
        if run is None:
            continue
        if run.startswith("export "):
            name, _, value = shlex.split(run)[1].partition("=")
            environment[name] = value
            continue
        if run.startswith(("createdb", "psql", "git ", "cd ")):
            continue
        done = subprocess.run(["bash", "-c", run], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        printed = done.stdout + ("" if "--json" in run else "")
        if not matches(shown, printed) and not matches(shown, done.stdout + done.stderr):
            pytest.fail(f"$ {command}\n{done.stdout}{done.stderr}\nis not what the README shows:\n{shown}")
