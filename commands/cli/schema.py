"""The JSON Schema of everything that goes in and everything that is kept, made from the models themselves."""

from __future__ import annotations

from typing import get_args

import msgspec

from commands.cli.parameters import Verbs
from commands.cli.speech import say_json
from commands.models import COMMANDS
from commands.models.base import Command
from ledger.events import AnyEvent

verbs = Verbs()


@verbs.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of every command and event.

    Made from the models, as one object with "commands" and "events".

    \b
    Example: attendance schema > schema.json
    """
    say_json(schema())


def schema() -> dict[str, dict[str, object]]:
    """Return the schemas of commands, as a journal line has them, and of events, as the ledger keeps them, by name."""
    return {
        "commands": {name: _command(kind) for name, kind in COMMANDS.items()},
        "events": {kind.__name__: msgspec.json.schema(kind) for kind in get_args(AnyEvent)},
    }


def _command(kind: type[Command]) -> dict[str, object]:
    schema = kind.model_json_schema(by_alias=True)
    # The model fills its own name in for callers in Python; a journal line has to say it.
    return schema | {"required": ["command", *schema.get("required", [])]}
