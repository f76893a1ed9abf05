"""Verbs made of a command's model: its fields are the arguments and options, in its order, with its descriptions."""

from __future__ import annotations

import inspect
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, get_origin

import typer
from pydantic.fields import FieldInfo

from commands.cli.parameters import Verbs
from commands.cli.write import Line, line, make_writing
from commands.models import COMMANDS, parts_of
from commands.models.base import Command
from commands.models.fields import POSITIONAL
from ledger.sessions import Session

# What stands for a value in the help, by what it is or is called; else TEXT, and for an argument its name.
TYPES = {datetime: "TIME", Decimal: "POUNDS"}
OPTIONS = {date: "DAY", Session: "SESSION", int: "COUNT"}
NAMES = {"code": "CODE", "class": "CLASS", "parent": "ID", "parents": "ID", "seen": "POSITION", "upn": "UPN"}
ENDS = ("_on", "_day", "_at")  # of a field's name, that its argument goes without


def verb_of(command: str, name: str) -> Verbs:
    """Return a verb that needs no module of its own."""
    verbs = Verbs()
    derive(verbs, name, COMMANDS[command])
    return verbs


def derive(app: Verbs, name: str, kind: type[Command], help: str = "", **options: str) -> None:
    """Make the verb that records a command. `help` left out is what its model says of it; `options` are by the name of
    their field, where they are not called like it."""
    own = {each: field for each, field in kind.model_fields.items() if each not in Command.model_fields}
    fields = {(field.alias or each) + "_": field for each, field in own.items() if each != "command"}

    def build(**given: Any) -> Line:
        left_out = {each for each, value in given.items() if value in (False, []) and not fields[each].is_required()}
        return line(kind.__name__, **{each: value for each, value in given.items() if each not in left_out})

    parameters = [_parameter(each, field, options) for each, field in fields.items()]
    make_writing(app, name, build, parameters, help or f"{inspect.getdoc(kind)} Records {kind.__name__}.")


def _parameter(name: str, field: FieldInfo, options: dict[str, str]) -> inspect.Parameter:
    parts, called = parts_of(field), name.rstrip("_")
    many, flag = any(get_origin(part) is tuple for part in parts), bool in parts
    kind: Any = list[str] if many else next((simple for simple in (bool, int) if simple in parts), str)
    default = ... if field.is_required() else False if flag else None
    shown = None if flag else _metavar(called, parts, many)
    told: Any
    if POSITIONAL in parts:
        told = typer.Argument(default, metavar=shown, help=_description(parts))
    else:
        option = options.get(called, "--" + called.replace("_", "-"))
        told = typer.Option(default, option, metavar=shown, help=_description(parts))
    annotation = kind | None if default is None else kind
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=told, annotation=annotation)


def _description(parts: list[Any]) -> str:
    """Return what a field says of itself, else what its type does."""
    return next((part.description for part in parts if isinstance(part, FieldInfo) and part.description), "")


def _metavar(called: str, parts: list[Any], many: bool) -> str:
    argument = POSITIONAL in parts
    if called in NAMES and not argument:
        return NAMES[called]
    for kind, shown in TYPES.items() if argument else (TYPES | OPTIONS).items():
        if kind in parts:
            return shown
    if not argument:
        return called.upper() if any(get_origin(part) is Literal for part in parts) else "TEXT"
    if many:
        return called.removesuffix("s").upper() + "..."
    return next((called.removesuffix(end) for end in ENDS if called.endswith(end)), called).upper()
