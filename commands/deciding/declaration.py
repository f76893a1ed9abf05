"""What a decision declares of itself: the command that it is about, and what of the ledger it is made from.

    @decides(AmendMark, reads=lambda command, school: [entry_stream(command.pupil, command.session)])
    def amend_mark(command: AmendMark, state: State, now: datetime) -> Decided:

A decision that asks for anything else raises (`State`): what nobody looked at is not the same as what is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from commands.deciding.state import Decided, State
from commands.models.base import Command
from ledger import streams
from ledger.school import School

C = TypeVar("C", bound=Command)
Decide = Callable[[C, State, datetime], Decided]
Reads = Callable[[C, School], Iterable[str]]


class Decision(NamedTuple):
    """A decision and what it is made from beside the school."""

    decide: Decide[Any]  # of the command that it is declared for, as `reads` is
    reads: Reads[Any]  # the streams of its entries and registers, of that command
    follow_up: bool  # the pupil's, of every year
    roll: bool  # the pupil's, text open
    end: bool  # how far the ledger has come
    pins: bool  # the digest of the pupil's rows, which fixes the evidence
    ages: bool  # when something was last recorded about what is to be forgotten
    hopeful: bool  # the first attempt does not look: hardly ever is there anything, and the key of the entries tells

    def streams(self, command: Command, school: School) -> list[str]:
        """Return every stream that a command is decided from."""
        found, pupil = [*self.reads(command, school)], pupil_of(command)
        if self.follow_up and school.years:
            # The year before holds what was said of its first pupils before they came; the next is about to be opened.
            years = range(min(school.years) - 1, max(school.years) + 2)
            found += [streams.follow_up_stream(pupil, year) for year in years]
        return [*found, streams.roll_stream(pupil)] if self.roll else found


def pupil_of(command: Command) -> str:
    """Return the pupil that a command is about, as each does whose decision reads a pupil's streams; else blank."""
    return getattr(command, "pupil", "")


DECISIONS: dict[type[Command], Decision] = {}


def _nothing(command: Command, school: School) -> Iterable[str]:
    return ()


def decides(
    kind: type[C],
    *,
    reads: Reads[C] = _nothing,
    follow_up: bool = False,
    roll: bool = False,
    end: bool = False,
    pins: bool = False,
    ages: bool = False,
    hopeful: bool = False,
) -> Callable[[Decide[C]], Decide[C]]:
    """Return a decorator that makes a function the decision of a command, which has no other."""

    def declare(decide: Decide[C]) -> Decide[C]:
        assert kind not in DECISIONS, f"{kind.__name__} is decided twice"
        DECISIONS[kind] = Decision(decide, reads, follow_up, roll, end or pins, pins, ages, hopeful)
        return decide

    return declare
