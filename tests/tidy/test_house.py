"""The house rules that a machine can check: import layers, docstrings, names, and what may not be in the tree."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ledger", "projections", "commands")
# One file by its purpose: a stranger reads it whole, beside nothing else of ours.
WHOLE = {"commands/evidence/verify.py": 900}
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def problems(path: Path, source: str) -> list[str]:
    """Return what is untidy in one module: no docstring, an undocumented public name, a file or function too long."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) else [f"{path}: no docstring"]
    if len(source.splitlines()) > WHOLE.get(str(path), 450):
        found.append(f"{path}: {len(source.splitlines())} lines")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > 60:
            found.append(f"{path}: {node.name} is {(node.end_lineno or 0) - node.lineno} lines long")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_and_stays_short(path: Path) -> None:
    assert problems(path.relative_to(ROOT), path.read_text(encoding="utf-8")) == []


def test_an_untidy_module_would_be_noticed() -> None:
    long = "def f():\n" + "    pass\n" * 70
    assert len(problems(Path("x.py"), long)) == 2


def test_imports_go_down(tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).parent / "lint-imports"),
        "--no-cache",
        "--config",
        str(ROOT / "pyproject.toml"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_command_has_a_decision_and_a_docstring_of_refusals() -> None:
    from commands.deciding import DECISIONS
    from commands.models import COMMANDS

    assert {kind.__name__ for kind in DECISIONS} == set(COMMANDS)
    assert [kind for kind, each in DECISIONS.items() if "Refuses" not in (each.decide.__doc__ or "")] == []


def test_every_command_has_a_verb_and_every_event_words() -> None:
    from commands.cli import tree
    from commands.models import COMMANDS
    from ledger.events import AnyEvent
    from projections.records.event_words import TITLES

    helps = " ".join(" ".join(text.split()) for text in _helps(tree(), None))
    assert {name for name in COMMANDS if f"ecords {name}." in helps} == set(COMMANDS)
    assert set(TITLES) == {kind.__name__ for kind in get_args(AnyEvent)}


def _helps(verb: Any, parent: Any) -> Iterator[str]:
    """Yield what each verb of a tree says of itself."""
    context = verb.context_class(verb, parent=parent)
    yield verb.help or ""
    for name in verb.list_commands(context) if hasattr(verb, "list_commands") else ():
        yield from _helps(verb.get_command(context, name), context)


def test_every_refusal_raised_is_explained_and_every_explanation_is_used() -> None:
    from ledger.errors import RULES

    sources = "\n".join(path.read_text(encoding="utf-8") for path in MODULES)
    raised = set(re.findall(r'Refused\(\s*"([a-z_]+)"', sources))
    assert raised <= set(RULES)
    assert set(RULES) - raised == set()


def test_requirements_name_no_host() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-spark.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text and "--" not in text
        assert all(re.fullmatch(r"[a-z0-9.\-]+==[0-9a-z.]+", line) for line in text.split())


def test_nothing_is_left_to_be_done_later() -> None:
    left = re.compile(r"\b(TODO|FIXME|XXX)\b|NotImplementedError")
    assert [str(path) for path in MODULES if left.search(path.read_text(encoding="utf-8"))] == []


def imports_in_functions(source: str) -> list[int]:
    """Return the lines of imports inside functions."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    inner = [node for function in functions for node in ast.walk(function)]
    return sorted({node.lineno for node in inner if isinstance(node, ast.Import | ast.ImportFrom)})


def test_the_command_line_imports_at_the_top_of_modules() -> None:
    """What need not be loaded is another module: the verbs' own are loaded by the one table of their names."""
    door = [path for path in MODULES if path.is_relative_to(ROOT / "commands" / "cli")]
    assert len(door) > 40 and not [str(path) for path in door if imports_in_functions(path.read_text("utf-8"))]


def test_an_import_inside_a_function_would_be_noticed() -> None:
    assert imports_in_functions("import os\ndef f():\n    def g():\n        from os import path\n") == [4]


MOST_ANY = 30  # in the whole product; a name for a type with it counts wherever that is used


def anys(source: str) -> list[int]:
    """Return the lines that say Any, each as often as it does; for a signature the line on which it ends."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    ends = {line: each.body[0].lineno - 1 for each in functions for line in range(each.lineno, each.body[0].lineno)}
    return sorted(ends.get(use.lineno, use.lineno) for use in _uses(tree, "Any"))


def behind_a_name(source: str) -> int:
    """Return how often a module uses a name of its own for a type with Any."""
    tree = ast.parse(source)
    types = [node for node in tree.body if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Call)]
    names = [each for node in types if _uses(node.value, "Any") for each in node.targets if isinstance(each, ast.Name)]
    return sum(len(_uses(tree, each.id)) for each in names)


def _uses(tree: ast.AST, name: str) -> list[ast.Name]:
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    return [node for node in names if node.id == name]


def without_a_reason(source: str) -> list[int]:
    """Return the lines that say Any, and not behind it why."""
    lines = source.splitlines()
    return [line for line in anys(source) if not re.search(r"  # \S", lines[line - 1])]


def test_any_is_seldom_said_and_never_without_its_reason() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in MODULES}
    assert {str(path): found for path, source in sources.items() if (found := without_a_reason(source))} == {}
    assert sum(len(anys(source)) + behind_a_name(source) for source in sources.values()) <= MOST_ANY


def test_an_any_without_its_reason_would_be_noticed() -> None:
    module = "from typing import Any\nThing = dict[str, Any]  # JSON\ndef f(\n    a: Any,\n) -> Thing:\n    return a\n"
    assert (anys(module), behind_a_name(module), without_a_reason(module)) == ([2, 5], 1, [5])
