"""What was once released of commands: their names, in order, and which of their values a refusal may repeat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pydantic
import pytest

from commands.models import COMMANDS, speakable

# A line a command: its name, and every field whose value a refusal may repeat. Lines are only ever added.
RELEASED = dict(
    line.split(":") for line in (Path(__file__).parent / "commands-v1.txt").read_text(encoding="utf-8").splitlines()
)


def ways(kind: Any, *steps: str) -> Iterator[str]:
    """Yield the way to every value of a command; a place in a list, or a pupil's number, is 0."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
        for name, field in kind.model_fields.items():
            yield from ways(field.annotation, *steps, field.alias or name)
    elif origin in (Union, UnionType):
        for each in inner:
            yield from ways(each, *steps)
    elif origin in (tuple, dict):
        yield from ways(inner[origin is dict], *steps, "0")
    elif origin is Annotated:
        yield from ways(inner[0], *steps)
    elif kind is not type(None):
        yield ".".join(steps)


def test_the_commands_are_those_released_in_that_order() -> None:
    assert list(COMMANDS) == list(RELEASED)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_refusal_repeats_more_than_it_did(name: str) -> None:
    kind = COMMANDS[name]
    found = {way for way in ways(kind) if way != "command" and speakable(kind, way.split("."))}
    assert sorted(found) == RELEASED[name].split()


def test_text_that_somebody_writes_is_never_repeated() -> None:
    for name, way in (("AmendMark", "reason"), ("AdmitPupil", "born"), ("AmendMark", "no such field")):
        assert not speakable(COMMANDS[name], [way])
