"""What became of a command, in a sentence, what its letter quotes, and the moment that it is decided at."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict

from commands.deciding.state import london_day
from commands.handle import Done, time_of
from commands.models.base import Command
from commands.models.support import SendLetter
from commands.wiring import House
from ledger.errors import Refused
from projections.asking.questions import Moment


class Quotation(TypedDict, total=False):
    """What a letter quotes in sessions and, where it was said, as of which day and known at which position."""

    quoted: dict[str, int]
    as_of: str
    seen: int


def outcome(done: Done) -> str:
    """Return in one line what became of a command."""
    if done.repeated:
        return f"nothing to record: this id was carried out before, up to position {done.position}"
    if not done.events:
        sentence = "nothing to record: it says so already"
    else:
        sentence = f"recorded {done.events} event{'s' if done.events > 1 else ''}, position {done.position}"
    return sentence + (f"; the mark that was there stays for {', '.join(done.kept)}" if done.kept else "")


def quotation(command: Command) -> Quotation:
    """Return what a letter quotes; nothing of one that quotes nothing, or of any other command."""
    if not isinstance(command, SendLetter) or command.quoted is None:
        return {}
    quotes = Quotation(quoted=command.quoted.model_dump(exclude_none=True))
    if command.as_of is not None:
        quotes["as_of"] = command.as_of.isoformat()
    if command.seen is not None:
        quotes["seen"] = command.seen
    return quotes


def deciding_moment(house: House, at: datetime | None) -> Moment:
    """Return the moment that a command is decided at: the end of the ledger, as of the day that its clock shows, or on
    a simulated ledger that of the time given. Refuses: ledger_is_system, time_runs_backwards."""
    now, _ = time_of(at, house.ledger, house.simulated, house.ledger.now)
    return house.answers.moment(london_day(now))


def check_has_been(moment: Moment, field: str, day: date) -> None:
    """Refuse a day that had not come when that was known which is to be signed for."""
    if day > moment.known_on:
        expected = f"a day no later than that of the knowledge, {moment.known_on}"
        raise Refused("malformed", field=field, value=day, expected=expected)
