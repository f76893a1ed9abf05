"""Verbs made of a command's model: its fields are the arguments and options, in its order, with its descriptions."""

from __future__ import annotations

import inspect
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, get_origin

import typer
from pydantic.fields import FieldInfo
from typer.models import ParameterInfo

from commands.cli.frame.parameters import Verbs
from commands.cli.frame.table import Verb
from commands.cli.frame.write import Line, line, make_writing, signer
from commands.journal import decode
from commands.models import COMMANDS, parts_of
from commands.models.base import By, Command, Model
from commands.models.fields import POSITIONAL, Whole
from ledger.errors import Refused
from ledger.sessions import Session

# What stands for a value in the help, by what it is or by its option; else TEXT, and for an argument its name.
TYPES = {datetime: "TIME", Decimal: "POUNDS"}
OPTIONS = {date: "DAY", Session: "SESSION", int: "COUNT"}
NAMES = {
    "--class": "CLASS",
    "--code": "CODE",
    "--digest": "SHA256",
    "--parent": "ID",
    "--pupil": "PUPIL",
    "--seen": "POSITION",
    "--upn": "UPN",
}
ENDS = ("_on", "_day", "_at")  # of a field's name, that its argument goes without


def verb_of(verb: Verb) -> Verbs:
    """Return a verb of the table that has no module."""
    verbs = Verbs()
    example = f"\b\nExample: attendance {verb.name} {verb.example}"
    derive(verbs, verb.name, COMMANDS[verb.command], f"{verb.summary}. Records {verb.command}.\n\n{example}")
    return verbs


def derive(app: Verbs, name: str, kind: type[Command], help: str, **options: str) -> None:
    """Make the verb that records a command. `options` are by the name of their field, where they are not called like
    it."""
    own = {each: field for each, field in kind.model_fields.items() if each not in Command.model_fields}
    called = {field.alias or each: field for each, field in own.items() if each != "command"}
    slots = [Slot(each, field, options.get(each)) for each, field in called.items()]
    # An argument that takes all that is left comes last; what is required is read first.
    slots.sort(key=lambda slot: (slot.positional and slot.many, not slot.required))

    def build(none: bool = False, **given: object) -> Line:
        values = {slot.key: slot.value(given[slot.key], none) for slot in slots}
        left_out = {slot.key for slot in slots if values[slot.key] in (False, []) and not slot.field.is_required()}
        return line(kind.__name__, **{each: value for each, value in values.items() if each not in left_out})

    parameters = [parameter for slot in slots for parameter in slot.parameters()]
    make_writing(app, name, build, parameters, help)


class Slot:
    """What a verb has for one field of its command: an argument or an option, and how the field is read from it."""

    def __init__(self, name: str, field: FieldInfo, option: str | None) -> None:
        self.name, self.field = name, field
        self.key = name + "_"  # for a field may be called "class"
        self.option = option or "--" + name.replace("_", "-")
        self.parts = parts_of(field)
        self.positional, self.flag = POSITIONAL in self.parts, bool in self.parts
        self.many = any(get_origin(part) is tuple for part in self.parts)
        self.people = By in self.parts
        self.json = not self.people and any(get_origin(part) is dict or _is_model(part) for part in self.parts)
        self.whole = next((part for part in self.parts if isinstance(part, Whole)), None)
        # A list that must be given whole is asked for in our own words.
        self.required = field.is_required() and self.whole is None

    def value(self, given: object, none: bool) -> object:
        """Return what a line says of the field. Refuses: malformed."""
        place = self._argument() if self.positional else self.option
        if self.whole is not None and bool(given) == none:
            each = "" if self.positional else f", one {self.option} for each"
            expected = f"the whole new list{each}" + (", or --none" if self.whole.none else "")
            raise Refused("malformed", field=place, expected=expected)
        texts = [] if given is None else [str(each) for each in given] if isinstance(given, list) else [str(given)]
        if self.people:
            return [signer(text) for text in texts]
        if self.json:
            values = [_object(text, place) for text in texts]
            return values if self.many else next(iter(values), None)
        return texts if self.many else given

    def parameters(self) -> list[inspect.Parameter]:
        """Return what the verb is called with: the field, and for a list that may be said to be empty --none."""
        default = ... if self.required else False if self.flag else None
        shown = None if self.flag else self._metavar()
        description = next(
            (part.description for part in self.parts if isinstance(part, FieldInfo) and part.description), ""
        )
        if self.positional:
            place = typer.Argument(default, metavar=shown, help=description)
        else:
            place = typer.Option(default, self.option, metavar=shown, help=description)
        kind = list[str] if self.many else next((simple for simple in (bool, int) if simple in self.parts), str)
        made = [_parameter(self.key, place, kind | None if default is None else kind)]
        if self.whole is not None and self.whole.none:
            made.append(_parameter("none", typer.Option(False, "--none", help=self.whole.none), bool))
        return made

    def _metavar(self) -> str:
        if self.positional:
            shown = (shown for kind, shown in TYPES.items() if kind in self.parts)
            return next(shown, self._argument() + ("..." if self.many else ""))
        if self.people or self.json:
            return "ID:NAME:TITLE" if self.people else "JSON"
        if self.option in NAMES:
            return NAMES[self.option]
        literal = any(get_origin(part) is Literal for part in self.parts)
        shown = (shown for kind, shown in (TYPES | OPTIONS).items() if kind in self.parts)
        return next(shown, self.name.upper() if literal else "TEXT")

    def _argument(self) -> str:
        """Return what its argument is called."""
        ends = ("s",) if self.many else ENDS
        return next((self.name.removesuffix(end) for end in ends if self.name.endswith(end)), self.name).upper()


def _parameter(name: str, place: ParameterInfo, kind: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=place, annotation=kind)


def _object(text: str, place: str) -> object:
    """Return what a text holds in JSON. Refuses: malformed."""
    try:
        return decode(text)
    except Refused:
        raise Refused("malformed", field=place, expected="an object in JSON, each key once") from None


def _is_model(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, Model)
