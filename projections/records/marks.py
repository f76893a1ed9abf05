"""What stands in the register for each session, as one table of a pupil's sessions."""

from __future__ import annotations

from typing import NamedTuple

from ledger.sessions import Session
from projections.readmodel.frames import Entries, symbol_of


class Mark(NamedTuple):
    """What stands for a session, blank where its registration closed without a mark; `position` is of the event that
    gave the code, 0 where none did."""

    code: str
    position: int = 0


def marks_of(entries: Entries) -> dict[str, dict[Session, Mark]]:
    """Return marks of which one stands for each session, by pupil, of every pupil of the frame."""
    marks: dict[str, dict[Session, Mark]] = {pupil: {} for pupil in entries.pupils}
    columns = (entries.pupil, entries.session, entries.code, entries.from_position)
    rows = [column.tolist() for column in columns]
    sessions = {number: Session.from_number(number) for number in set(rows[1])}
    for pupil, number, code, position in zip(*rows, strict=True):
        marks[entries.pupils[pupil]][sessions[number]] = Mark(symbol_of(code), position)
    return marks
