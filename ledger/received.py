"""What former schools' portable records say of a pupil: the marks and notices that go on counting here.

Of one school the record that came last stands, whole: an earlier one, and what a person said then of its parents, is
replaced. A session that two former schools marked counts once, by the school whose record came first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from ledger.case import Notice
from ledger.events import RecordReceived
from ledger.sessions import Session


class Received(NamedTuple):
    """A record, and the position at which this ledger learnt it."""

    position: int
    event: RecordReceived


class ReceivedMark(NamedTuple):
    """The code of a session at a former school, by its URN, and the position at which its record came."""

    session: Session
    code: str
    position: int
    school: str


def standing_records(records: Iterable[Received], position: int | None = None) -> list[Received]:
    """Return the record of each school that stands, at a position or now, in the order in which schools first came."""
    latest: dict[str, Received] = {}
    for record in records:
        if position is None or record.position <= position:
            latest[record.event.urn] = record
    return list(latest.values())


def received_marks(records: Iterable[Received], first: date, last: date) -> list[ReceivedMark]:
    """Return the marks of these records from one day to another, both inclusive, in order of session, each once."""
    begins, ends = f"{first}/AM", f"{last}/PM"
    found: dict[str, ReceivedMark] = {}
    for position, event in records:
        for session, code in event.marks.items():
            if begins <= session <= ends and session not in found:
                found[session] = ReceivedMark(Session.parse(session), code, position, event.urn)
    return [found[session] for session in sorted(found)]


def received_notices(pupil: str, records: Iterable[Received]) -> list[Notice]:
    """Return the notices of these records. Each is named with its school, as both schools may have a PN-1."""
    return [
        Notice(
            pupil,
            f"{event.urn}/{notice.notice}",
            notice.parent,
            notice.issued_on,
            frozenset(Session.parse(session) for session in notice.sessions),
        )
        for _, event in records
        for notice in event.notices
    ]
