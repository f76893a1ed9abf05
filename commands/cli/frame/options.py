"""What the verbs share: their options, how they read a time, and how they speak.

Standard output holds the answer and nothing else. Everything said beside it is one line on standard error that begins
"attendance: ".
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated

import typer

from commands.wiring import (
    DEFAULT_LEDGER,
    KEYS_VARIABLE,
    LEDGER_VARIABLE,
    House,
    open_house,
)
from ledger.errors import Refused
from ledger.sessions import parse_moment
from ledger.text import one_line

PROGRAM = "attendance"
BY_VARIABLE = "ATTENDANCE_BY"

LedgerOption = Annotated[
    str | None,
    typer.Option("--ledger", metavar="URL", help=f"The ledger. [env {LEDGER_VARIABLE}; default {DEFAULT_LEDGER}]"),
]
KeysOption = Annotated[
    str | None,
    typer.Option("--keys", metavar="URL", help=f"Its keys. [env {KEYS_VARIABLE}; default beside a SQLite ledger]"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DAY", help="The day it is about. [default today; if simulated the last event's]"),
]
KnownAtOption = Annotated[
    str | None,
    typer.Option("--known-at", metavar="TIME", help="As known then; a day means its end. [default the last event]"),
]
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="ID:NAME:TITLE", help=f"Who does this. [env {BY_VARIABLE}]")
]
IdOption = Annotated[str | None, typer.Option("--id", metavar="TEXT", help="Any text: the same id works once.")]
AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="Recorded then; simulated ledgers only. [default a minute on]"),
]
AcceptClockOption = Annotated[
    bool,
    typer.Option("--accept-clock", help="The clock is right, though it is over 60 days after the last event."),
]


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_day(option: str, text: str | None) -> date | None:
    """Return a day as given to an option. Raises Refused `malformed` naming the option."""
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:  # no such day in the calendar
        pass
    raise Refused("malformed", field=option, value=text, expected="a day such as 2025-11-03")


def parse_known_at(text: str | None, option: str = "--known-at") -> datetime | None:
    """Return the moment whose knowledge is asked for: of a bare day its last microsecond in London. Raises Refused."""
    return _moment(option, text, end_of_day=True)


def parse_now(text: str | None) -> datetime | None:
    """Return what the clock is taken to show. Raises Refused."""
    return _moment("--now", text, end_of_day=True)


def parse_recorded_at(text: str | None) -> datetime | None:
    """Return the recorded time to ask for. Raises Refused."""
    return _moment("--at", text, end_of_day=False)


def _moment(option: str, text: str | None, *, end_of_day: bool) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text, end_of_day)
    except ValueError as error:
        raise Refused("malformed", field=option, value=text, expected=str(error)) from None


@contextmanager
def opened(ledger: str | None, keys: str | None, *, examining: bool = False) -> Iterator[House]:
    """Open the house of a question, in which a school must have been opened; for `examining`, also one with faults."""
    with open_house(ledger, keys, examining=examining) as house:
        if not house.ledger.unfit:
            house.check_opened()
        if house.ledger.standing.note:
            note(house.ledger.standing.note)
        yield house
        for sentence in house.notes():
            note(sentence)


@contextmanager
def by_options(*fields: str) -> Iterator[None]:
    """Have what is refused of these fields name the options that they were given by."""
    try:
        yield
    except Refused as refusal:
        if refusal.field not in fields:
            raise
        raise Refused(refusal.rule, f"--{refusal.field}", refusal.value, refusal.expected) from None


def note(sentence: object) -> None:
    """Say one sentence on standard error."""
    print(f"{PROGRAM}: {one_line(sentence)}", file=sys.stderr, flush=True)
