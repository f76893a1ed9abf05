"""What stands in the register for each session, as one table of a pupil's sessions."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ledger.sessions import Session
from projections.readmodel.frames import Entries, symbol_of


class Mark(NamedTuple):
    """What stands for a session, blank where its registration closed without a mark; `position` is of the event that
    gave the code, 0 where none did."""

    code: str
    position: int = 0


class SessionMark(msgspec.Struct, frozen=True):
    """A session with the code that stands for it and the position that gave it; blank and 0 where none counts."""

    session: Session
    code: str
    position: int


def marks_of(entries: Entries) -> dict[str, dict[Session, Mark]]:
    """Return marks of which one stands for each session, by pupil, of every pupil of the frame."""
    marks: dict[str, dict[Session, Mark]] = {pupil: {} for pupil in entries.pupils}
    columns = (entries.pupil, entries.session, entries.code, entries.from_position)
    for pupil, number, code, position in zip(*(column.tolist() for column in columns), strict=True):
        marks[entries.pupils[pupil]][Session.from_number(number)] = Mark(symbol_of(code), position)
    return marks
