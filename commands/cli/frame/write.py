"""The verbs that record something: each builds the journal line of one command, and one function carries them all out.

`writes` gives a verb the options that every command has. The line then goes the same way as a line of a journal, so a
rule cannot differ between the doors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import Any

from commands.cli.frame.options import (
    BY_VARIABLE,
    AcceptClockOption,
    AtOption,
    ByOption,
    IdOption,
    JsonOption,
    KeysOption,
    LedgerOption,
    note,
)
from commands.cli.frame.parameters import Verbs, parameters_of
from commands.cli.frame.speech import say, say_json
from commands.desk.cautions import cautions
from commands.desk.outcome import outcome, quotation
from commands.handle import Done
from commands.models import parse
from commands.models.base import Command
from commands.wiring import open_house
from ledger.errors import Refused

Line = dict[str, object]


def line(command: str, **fields: object) -> Line:
    """Return the journal line of a command, without the fields that were not given."""
    return {"command": command, **_stated(**fields)}


def _stated(**fields: object) -> Line:
    # A trailing underscore lets a field be called "class".
    return {name.rstrip("_"): value for name, value in fields.items() if value is not None}


def writes(app: Verbs, name: str, *, create: bool = False) -> Callable[[Callable[..., Line]], Callable[..., Line]]:
    """Return a decorator that makes a verb of a function from arguments to a journal line.

    A function that has to look at the ledger first declares `ledger` and `keys`, and is given what they are.
    """

    def decorate(build: Callable[..., Line]) -> Callable[..., Line]:
        make_writing(app, name, build, parameters_of(build), build.__doc__, create=create)
        return build

    return decorate


def make_writing(
    app: Verbs,
    name: str,
    build: Callable[..., Line],
    parameters: Sequence[Parameter],
    help: str | None,
    *,
    create: bool = False,
) -> None:
    """Make the verb that records the line which is built of what is given to these parameters."""
    own = [each.name for each in parameters]
    shared = [each.name for each in SHARED]

    def verb(**values: Any) -> None:  # of whatever types its parameters have
        built = build(**{each: values[each] for each in own})
        record(built, **{each: values[each] for each in shared}, create=create)

    app.add(name, verb, [*(each for each in parameters if each.name not in shared), *SHARED], help)


def _shared(
    *,
    by: ByOption = None,
    command_id: IdOption = None,
    at: AtOption = None,
    accept_clock: AcceptClockOption = False,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Has the options of every verb that writes, for `writes` to read."""


SHARED = parameters_of(_shared)


def record(
    journal_line: Line,
    *,
    by: str | None,
    command_id: str | None,
    at: str | None,
    ledger: str | None,
    keys: str | None,
    as_json: bool,
    accept_clock: bool = False,
    create: bool = False,
) -> None:
    """Sign a line, carry it out and say what became of it."""
    signed = journal_line | _stated(by=signer(by), id=command_id, at=at, accept_clock=accept_clock or None)
    carry_out(signed, ledger, keys, as_json=as_json, create=create)


def carry_out(
    journal_line: object, ledger: str | None, keys: str | None, *, as_json: bool, create: bool = False
) -> None:
    """Carry out a line through the one parser and the one handler, and say what became of it."""
    command = parse(journal_line)  # before a ledger is opened, and perhaps made
    with open_house(ledger, keys, create=create) as house:
        done = house.handler.handle(command, door="cli")
        _tell(command, done, house.simulated, as_json=as_json)
        for caution in cautions(house, command):
            note(caution)


def _tell(command: Command, done: Done, simulated: bool, *, as_json: bool) -> None:
    quotes = quotation(command)
    if as_json:
        say_json({**done._asdict(), "simulated": simulated, **quotes})
        return
    say(outcome(done) + (" (SIMULATED)" if simulated else ""))
    if quotes:
        figures = ", ".join(f"{name} {count}" for name, count in quotes["quoted"].items())
        as_of = f", as of {quotes['as_of']}" if "as_of" in quotes else ""
        seen = f", as known at position {quotes['seen']}" if "seen" in quotes else ""
        say(f"quoted: {figures}{as_of}{seen}")


def signer(text: str | None) -> dict[str, str]:
    """Return who signs, from ID:NAME:TITLE or the environment; parts left out are refused by what is signed."""
    return person(text or os.environ.get(BY_VARIABLE) or "")


def person(text: str) -> dict[str, str]:
    """Return who is meant by ID:NAME:TITLE."""
    return dict(zip(("id", "name", "title"), text.split(":", 2), strict=False))


def marks_of(texts: list[str], field: str) -> list[tuple[str, Line]]:
    """Return each place with its mark, from PLACE=CODE or PLACE=CODE:DETAIL. Refuses: malformed, also a place twice."""
    marks: dict[str, Line] = {}
    for text in texts:
        place, _, mark = text.partition("=")
        code, _, detail = mark.partition(":")
        if not place or not code or place in marks:
            raise Refused("malformed", field=field, expected="each once, as PLACE=CODE or PLACE=CODE:DETAIL")
        marks[place] = _stated(code=code, detail=detail or None)
    return list(marks.items())
