"""Commands, as people and programs send them: what a journal line may hold and nothing more.

A model says what is *malformed*; whether a well-formed command is allowed is decided elsewhere, from the state. Fields
may be added with a default; none may be renamed or dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hmac import digest as hmac_digest
from typing import get_args

import pydantic
from pydantic.fields import FieldInfo

from commands.models import case, follow_up, keeping, leave, marks, roll, school, support
from commands.models.base import Command, Model
from commands.models.fields import SPEAKABLE
from ledger.errors import Refused
from ledger.people import is_pupil_number
from ledger.text import Unfit

# Of one command. The largest is a record that a pupil brought along, which may have ten million characters.
LINE_BYTES = 16 * 2**20


def _named(kind: object) -> str:
    """Return the name of a command as a journal line has it, blank for what is none."""
    if not isinstance(kind, type) or not issubclass(kind, pydantic.BaseModel) or "command" not in kind.model_fields:
        return ""
    return str(kind.model_fields["command"].default)


FAMILIES = (school, roll, marks, follow_up, support, leave, case, keeping)
COMMANDS: dict[str, type[Command]] = {
    name: kind for family in FAMILIES for name, kind in vars(family).items() if name == _named(kind)
}


def parse(line: object) -> Command:
    """Return the command that a decoded journal line is. Raises Refused `malformed`, naming the first field that is
    off."""
    if not isinstance(line, dict):
        raise Refused("malformed", field="line", expected="a JSON object with a command")
    name = line.get("command")
    if not isinstance(name, str) or name not in COMMANDS:
        raise Refused("malformed", field="command", value=name, expected="one of " + ", ".join(COMMANDS))
    try:
        if len(json.dumps(line, ensure_ascii=False, default=str).encode()) > LINE_BYTES:
            raise Refused("malformed", field="line", expected=f"no more than {LINE_BYTES:,} bytes")
        return COMMANDS[name].model_validate(line)
    except UnicodeEncodeError:  # half a character, which JSON can escape and no database can keep
        raise Refused("malformed", field="line", expected="text of whole characters") from None
    except pydantic.ValidationError as error:
        raise malformed(error, COMMANDS[name], line.get("pupil")) from None


def malformed(error: pydantic.ValidationError, kind: type[Model], pupil: object = None) -> Refused:
    """Return the refusal for the first thing pydantic found, its value only where it says nothing about a child.

    Text that holds what is not let in is never repeated; the sentence then says in which field, and of which pupil.
    """
    first = error.errors(include_url=False)[0]
    steps = [str(step) for step in first["loc"] if str(step) not in ("str", "Mark")]
    if first["type"] == "extra_forbidden":
        return Refused("malformed", field=steps[-1], expected="no such field in this command")
    if first["type"] == "missing":
        return Refused("malformed", field=".".join(steps), expected="this field to be given")
    if isinstance(unfit := first.get("ctx", {}).get("error"), Unfit):
        about = f" of pupil {pupil}" if isinstance(pupil, str) and is_pupil_number(pupil) else ""
        field = ".".join(step for step in (*steps, *unfit.steps) if step != "[key]")
        return Refused("malformed", field=field + about, expected=_expected(first["msg"]))
    given = first["input"]
    repeated = isinstance(given, (str, int, float, bool)) and speakable(kind, steps)
    return Refused(
        "malformed", field=".".join(steps), value=given if repeated else None, expected=_expected(first["msg"])
    )


def speakable(kind: type[pydantic.BaseModel], steps: Iterable[str]) -> bool:
    """Whether a refusal may repeat a value: every field on the way to it is of a type that says so."""
    for step in steps:
        if step.isdecimal():  # the place in a list, or a pupil's number
            continue
        fields = {field.alias or name: field for name, field in kind.model_fields.items()}
        parts = parts_of(fields[step]) if step in fields else []
        if SPEAKABLE not in parts:
            return False
        kind = next((part for part in parts if isinstance(part, type) and issubclass(part, Model)), pydantic.BaseModel)
    return True


def parts_of(declared: object) -> list[object]:
    """Return everything that the type of a field is made of."""
    if isinstance(declared, FieldInfo):
        return [declared, *declared.metadata, *parts_of(declared.annotation)]
    return [declared, *(part for each in get_args(declared) for part in parts_of(each))]


def _expected(sentence: str) -> str:
    """Return what pydantic says of a value as the end of a refusal's sentence."""
    expected = sentence.removeprefix("Value error, ").removeprefix("expected ")
    return expected[:1].lower() + expected[1:]


def content_digest(command: Command, key: bytes = b"") -> str:
    """Return the HMAC-SHA256 of what a command says, without its id, time and clock: the same through every door. Under
    a key, because a short reason could be guessed from a bare digest long after its own key was destroyed."""
    said = command.model_dump(mode="json", by_alias=True, exclude={"id", "at", "accept_clock"}, exclude_defaults=True)
    said["command"] = command.name
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac_digest(key, text.encode(), "sha256").hex()
