"""No procedure decides by a number of its own: what a policy holds is asked of the policy.

A small number may mean many things, so only those are looked for that hardly mean anything else (ten sessions, 21 days,
95 %), and only where code compares with them or steps through days by them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.policy import READERS, load, shipped

ROOT = Path(__file__).parents[2]
# Doors only show; the demo makes up a school; the others know formats and stores, and no procedure. verify.py stands
# alone: it cuts days out of texts and asks the evidence for every setting.
ELSEWHERE = (
    "commands/cli/",
    "commands/made_up/",
    "commands/evidence/verify.py",
    "commands/imports/",
    "ledger/store/",
    "ledger/policy.py",
)
STEPS = {"timedelta", "school_days_until", "school_days_after", "school_weeks"}
TELLING = 7  # below it, a number is as likely a month, a day of the week or a column
MODULES = [
    path
    for package in ("ledger", "projections", "commands")
    for path in sorted((ROOT / package).rglob("*.py"))
    if not str(path.relative_to(ROOT)).startswith(ELSEWHERE)
]


def held() -> set[int]:
    """Return the numbers that the shipped policies hold, without those that say nothing by themselves."""
    values = {getattr(load(name), setting) for name in shipped() for setting in READERS}
    numbers = {value for value in values if type(value) is int and value >= TELLING}
    return numbers - {100}  # which turns a share into a percentage


def hidden(source: str) -> Iterator[tuple[int, int]]:
    """Yield (line, number) wherever code compares with a number of the policies, or steps through days by it."""
    numbers = held()
    for node in ast.walk(ast.parse(source)):
        called = node.func if isinstance(node, ast.Call) else None
        name = getattr(called, "id", getattr(called, "attr", ""))
        if isinstance(node, ast.Compare) or name in STEPS:
            for each in ast.walk(node):
                if isinstance(each, ast.Constant) and type(each.value) is int and each.value in numbers:
                    yield each.lineno, each.value


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_number_of_a_policy_hides_in_code(path: Path) -> None:
    assert list(hidden(path.read_text(encoding="utf-8"))) == []


def test_the_numbers_looked_for_are_those_that_decide() -> None:
    assert {10, 15, 20, 21, 28, 50, 95} <= held()


@pytest.mark.parametrize(
    "line",
    [
        "met = len(counted) >= 10",
        "severe = 50 * absent >= possible",
        "until = received + timedelta(days=21)",
        "days = calendar.school_days_until(day, 20)",
    ],
)
def test_a_number_that_hides_would_be_noticed(line: str) -> None:
    assert len(list(hidden(line))) == 1
