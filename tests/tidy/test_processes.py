"""Processes are spawned, never forked: a copy of a process in which threads or Polars have run may wait for ever."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path
    for folder in ("ledger", "projections", "commands", "scripts", "tests")
    for path in (ROOT / folder).rglob("*.py")
)
# Its server forks before anything has run in it, and says so.
FORK_SERVER = "tests/support/children.py"
FORKING = {"fork", "forkpty", "Process", "Pool", "set_start_method"}


def forks(path: str, source: str) -> list[str]:
    """Return what in a module starts a process by forking, or by whatever the platform prefers."""
    tree = ast.parse(source)
    return [f"{path}:{line}: {what}" for line, what in _forks(tree, path)]


def _forks(tree: ast.AST, path: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "multiprocessing":
            yield from ((node.lineno, each.name) for each in node.names if each.name in FORKING)
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        module, _, name = called.rpartition(".")
        if module in ("os", "multiprocessing") and name in FORKING:
            yield node.lineno, called
        if name == "get_context" and ast.unparse(node) not in allowed(path):
            yield node.lineno, ast.unparse(node)
        if name == "ProcessPoolExecutor" and not {ast.unparse(each) for each in _given(node)} & allowed(path):
            yield node.lineno, "a pool that is not told to spawn"


def _given(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def allowed(path: str) -> set[str]:
    spawn = {"get_context('spawn')", "multiprocessing.get_context('spawn')"}
    return spawn | {"multiprocessing.get_context('forkserver')"} if path == FORK_SERVER else spawn


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_processes_are_spawned(path: Path) -> None:
    assert forks(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "from concurrent.futures import ProcessPoolExecutor\nProcessPoolExecutor()",
        "import concurrent.futures\nconcurrent.futures.ProcessPoolExecutor(4)",
        "ProcessPoolExecutor(mp_context=get_context('fork'))",
        "from multiprocessing import Pool",
        "import multiprocessing\nmultiprocessing.get_context('forkserver')",
        "import multiprocessing\nmultiprocessing.Process(target=print)",
        "import os\nos.fork()",
    ],
)
def test_control_a_fork_would_be_noticed(source: str) -> None:
    assert forks("x.py", source) != []


def test_what_spawns_is_let_pass() -> None:
    assert forks("x.py", "ProcessPoolExecutor(2, get_context('spawn'), ready)") == []
