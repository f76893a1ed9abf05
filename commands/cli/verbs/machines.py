"""Verbs for machines: a journal of commands, one line of it, and the JSON Schema of all that goes in and is kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, get_args

import msgspec
import typer

from commands.cli.frame.bars import progress_bar
from commands.cli.frame.options import JsonOption, KeysOption, LedgerOption, note
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say, say_json
from commands.cli.frame.write import carry_out
from commands.journal import decode, lines_of, replay
from commands.models import COMMANDS, LINE_BYTES
from commands.models.base import Command
from commands.wiring import open_house
from ledger.errors import Misconfigured, Refused
from ledger.events import AnyEvent

verbs = Verbs()

STANDARD_INPUT = "-"


@verbs.command("replay")
def replay_journal(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The journal; - reads standard input.")],
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Report every refusal and apply the rest.")] = False,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Apply a journal of commands. One a line, to a ledger with a simulated clock, made if it is not there.

    \b
    Example: attendance replay school.ndjson --ledger sqlite:///school.db
    """

    def refused(number: int, refusal: Refused) -> None:
        note(f"line {number}: {refusal}")

    with _lines(file) as lines, open_house(ledger, keys, create=True, simulated=True) as house:
        with progress_bar("replaying", _count(file)) as progress:
            result = replay(lines_of(lines), house.handler, keep_going=keep_going, refused=refused, progress=progress)
        position, _ = house.ledger.reads.head()
    if as_json:
        say_json({**vars(result), "position": position, "simulated": True})
    else:
        say(
            f"applied {result.applied} commands of {result.lines} lines, {result.repeated} of them again, "
            f"{result.refused} refused: recorded {result.events} events, position {position} (SIMULATED)"
        )
    if result.refused:
        raise typer.Exit(2)


@verbs.command("do")
def do_line(
    line: Annotated[str, typer.Argument(metavar="LINE", help="A journal line; - reads it from standard input.")],
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Carry out one journal line. Signed and timed as it says.

    Read from standard input, no name and no reason stands in the list of processes or a shell's history.

    \b
    Example: attendance do - < line.json
    """

    text = sys.stdin.buffer.read(LINE_BYTES + 1) if line == STANDARD_INPUT else line
    carry_out(decode(text), ledger, keys, as_json=as_json)


@verbs.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of every command and event.

    Made from the models, as one object with "commands" and "events".

    \b
    Example: attendance schema > schema.json
    """
    say_json(schema())


@contextmanager
def _lines(file: str) -> Iterator[BinaryIO]:
    """Open a journal. Raises Misconfigured where there is none to read, before a ledger is made for it."""
    if file == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(Path(file).open("rb"))
        except OSError as error:
            raise Misconfigured(f"the journal {file} cannot be read: {error.strerror}") from None
        yield opened


def _count(file: str) -> int | None:
    """Return how many lines a journal has, for a progress bar; None where it can be read only once."""
    if file == STANDARD_INPUT or not Path(file).is_file() or not sys.stderr.isatty():
        return None
    with Path(file).open("rb") as lines:
        return sum(1 for _ in lines)


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
