"""A busy school: writers, each with classes of their own, and more registers to take than any test gets through.

Its sessions lie in past years, so that on a system clock nobody has to wait for a morning. Whether registers survived
whole can be read off the ledger alone: a register's event says how many marks came with it, and they follow it at once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa

from commands.handle import Handler
from commands.models import parse
from commands.models.marks import TakeRegister
from ledger import wire
from ledger.events import MarkAmended, MarkRecorded, RegisterTaken, SchoolOpened
from ledger.people import Staff
from ledger.policy import load
from ledger.sessions import Half, Session
from ledger.store import Envelope, Ledger, Receipt, Row, Unavailable, open_ledger
from ledger.streams import entry_of, entry_stream, register_of
from projections.readmodel.tables import open_engine
from tests.support.schools import agreed_keys

CLASSES = "ABCDE"  # of each writer
PUPILS = 6  # of each class
YEARS = range(2018, 2025)
SCHOOL = {"urn": "117000", "name": "Example Primary", "la": "919", "estab": "2000"}
BY = {"id": "hart", "name": "A Hart", "title": "Class teacher"}


def settled(ledger: Ledger, *, writers: int = 1) -> Handler:
    """Return a handler of a new ledger, once its school has been opened and everyone admitted."""
    handler = Handler(ledger, agreed_keys())
    for line in _beginnings(writers):
        handler.handle(parse(line | {"by": BY}))
    return handler


def _beginnings(writers: int) -> Iterator[dict[str, Any]]:
    yield {"command": "OpenSchool", "policy": "national-2024"} | SCHOOL
    for year in YEARS:
        days = {"first_day": f"{year}-09-03", "last_day": f"{year + 1}-07-22"}
        yield {"command": "OpenSchoolYear", "year": f"{year}/{(year + 1) % 100:02}"} | days
    placed = {"born": "2013-03-09", "starting_day": f"{YEARS[0]}-09-03", "year_group": "1"}
    for class_name in (f"{writer}{letter}" for writer in range(writers) for letter in CLASSES):
        for pupil in members(class_name):
            yield {"command": "AdmitPupil", "pupil": pupil, "name": "Ada Example", "class": class_name} | placed


def members(class_name: str) -> list[str]:
    return [f"{class_name}{number}" for number in range(PUPILS)]


def sessions() -> list[Session]:
    """Return every session of this school, in order."""
    years = [(date(year, 9, 3), date(year + 1, 7, 22)) for year in YEARS]
    days = [first + timedelta(n) for first, last in years for n in range((last - first).days + 1)]
    return [Session(day, half) for day in days if day.weekday() < 5 for half in Half]


def registers(writer: int = 0, begin: int = 0) -> Iterator[TakeRegister]:
    """Yield the registers of a writer in order, from number `begin` on; the number ends the id."""
    classes = [(session, f"{writer}{letter}") for session in sessions() for letter in CLASSES]
    for number, (session, class_name) in islice(enumerate(classes), begin, None):
        code = "/" if session.half is Half.AM else "\\"
        yield TakeRegister.model_validate(
            {"class": class_name, "session": str(session), "marks": dict.fromkeys(members(class_name), code)}
            | {"by": BY, "id": f"{writer}-{number}"}
        )


def take_registers(tell: Callable[[str], None], url: str, writer: int, begin: int = 0) -> None:
    """Take a writer's registers one after the other and tell the id of each one acknowledged.

    Where nobody can tell what became of one, ask again with the same id: that is all a caller has to do.
    """
    handler = Handler(open_ledger(url), agreed_keys())
    for command in registers(writer, begin):
        while True:
            try:
                handler.handle(command)
            except Unavailable:
                continue
            break
        tell(str(command.id))


def grow(ledger: Ledger, events: int, *, seed: int = 0, batch: int = 500) -> None:
    """Record so many events of entries, a third of them amendments; on a new ledger, after its opening."""
    by, rolls = Staff(BY["id"], BY["name"], BY["title"]), random.Random(seed)
    if ledger.opened() is None:
        school = SchoolOpened(by=by, simulated=False, **SCHOOL, **load("national-2024").kept)
        ledger.append([Envelope("school", 1, school)], receipt=Receipt("opening", "", "test"))
    fresh = (entry_stream(pupil, session) for session in sessions() for pupil in members(f"{seed}Z"))
    versions: dict[str, int] = {}
    begun: list[str] = []
    envelopes = []
    for _ in range(events):
        if begun and rolls.random() < 1 / 3:
            stream, event = rolls.choice(begun), MarkAmended(by=by, code=rolls.choice("BIL"), replaces="N")
        else:
            stream, event = next(fresh), MarkRecorded(by=by, code="N")
            begun.append(stream)
        versions[stream] = versions.get(stream, 0) + 1
        envelopes.append(Envelope(stream, versions[stream], event))
    opened = ledger.opened()
    for start in range(0, events, batch):
        # A simulated ledger may lie years back, and takes the time of today only from who chooses it.
        at = max(ledger.reads.now(), ledger.reads.head()[1] + 1) if opened and opened.simulated else None
        ledger.append(envelopes[start : start + batch], receipt=Receipt(f"{seed}-{start}", "", "test"), at=at)


def torn(rows: Sequence[Row]) -> list[str]:
    """Return what is half there in a whole ledger: gaps, registers without all their marks, marks without theirs."""
    found = [f"{row.position} stands at {at}" for at, row in enumerate(rows, 1) if row.position != at]
    whole = set()
    for row in rows:
        event = wire.decode(row.state)
        if isinstance(event, RegisterTaken):
            session, _ = register_of(row.stream)
            marks = [
                mark.position
                for mark in rows[row.position : row.position + event.marked]
                if mark.recorded_at == row.recorded_at and entry_of(mark.stream)[1] == session
            ]
            if len(marks) != event.marked:
                found.append(f"{row.stream} has {len(marks)} of {event.marked} marks")
            whole.update(marks)
    found += [
        f"{row.stream} came without its register"
        for row in rows
        if row.topic == "entry.MarkRecorded" and row.position not in whole
    ]
    return found


def lost(ledger: Ledger, acknowledged: Sequence[str]) -> list[str]:
    """Return the acknowledged registers that the ledger does not hold."""
    engine = open_engine(ledger)
    with engine.connect() as connection:
        # All in one read: asking for each receipt would stand in line with the writers.
        receipts = connection.execute(sa.text("SELECT id, first_position + events - 1 FROM receipts")).all()
    engine.dispose()
    head, _ = ledger.reads.head()
    return sorted(set(acknowledged) - {command for command, last in receipts if last <= head})


def all_rows(ledger: Ledger) -> list[Row]:
    return ledger.reads.rows(0, 10_000_000)
