"""Events that cannot be read: each is named, its own stream waits, and everything else is served."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from commands.deciding.state import signed
from commands.handle import Handler
from commands.imports.marks import STANDS, UNREADABLE, import_marks
from commands.models import parse
from ledger import wire
from ledger.errors import Refused
from ledger.events import MarkAmended
from ledger.store import Envelope, Ledger, Receipt, Row, open_ledger
from ledger.streams import entry_stream, roll_stream
from projections.asking.questions import Answers
from projections.audit.health import doctor_findings, verify_findings
from projections.figures.cohorts import absence_answers
from projections.readmodel.frames import UNREADABLE as NO_CODE
from projections.readmodel.projector import Projector
from projections.readmodel.rebuild import rebuild
from projections.readmodel.replay import replayed, stored
from projections.readmodel.tables import open_engine, parked
from projections.records.registers import history_answers, register_answer
from tests.support.busy import BY, CLASSES, PUPILS, members, registers, sessions, settled
from tests.support.schools import new_keys
from tests.support.tampering import insert_raw

MORNING, AFTERNOON, *_ = sessions()
VICTIM = members("0A")[0]
MARK = {"command": "RecordMark", "pupil": VICTIM, "session": str(AFTERNOON), "code": "I", "by": BY}


class Stock(Projector):
    """A broken projector: like the library's runner, it stops where it cannot read."""

    def _apply(self, at: int, rows: Sequence[Row], streams: set[str]) -> bool:
        for row in rows:
            wire.decode(row.state)
        return super()._apply(at, rows, streams)


class Poisoned(NamedTuple):
    """A ledger with an entry and a roll event of one pupil that are no JSON, and everybody's work before and after."""

    ledger: Ledger
    handler: Handler
    entry: Row
    roll: Row
    amendment: int  # position of an event that can be read, later in the stream of one that cannot
    marks: int  # of all the others

    @property
    def unreadable(self) -> set[tuple[int, int]]:
        """The versions of the entry that nobody can read: no code, and from which position."""
        return {(NO_CODE, self.entry.position), (NO_CODE, self.amendment)}

    def answers(self) -> Answers:
        return Answers(self.ledger, open_engine(self.ledger), new_keys())


@pytest.fixture
def poisoned(durable_url: str) -> Poisoned:
    ledger = open_ledger(durable_url, create=True)
    handler = settled(ledger)
    todo = list(islice(registers(), 3 * len(CLASSES)))
    for register in todo[: len(CLASSES)]:
        handler.handle(register)
    entry = insert_raw(ledger, entry_stream(VICTIM, AFTERNOON), 1, "entry.MarkRecorded", b"\xff{")
    roll = insert_raw(ledger, roll_stream(VICTIM), 2, "roll.ClassChanged", b'{"type":"ClassCh')
    (amendment,) = ledger.append(
        [Envelope(entry.stream, 2, MarkAmended(code="I", replaces="N"))], receipt=Receipt("amendment", "", "test")
    )
    for register in todo[len(CLASSES) :]:
        kept = handler.handle(register).kept
        assert kept == ((VICTIM,) if register.session == AFTERNOON and VICTIM in register.marks else ())
    return Poisoned(ledger, handler, entry, roll, amendment, marks=3 * len(CLASSES) * PUPILS - 1)


@pytest.mark.parametrize("batch", [1, 1000])
def test_it_is_parked_with_its_stream_and_the_rest_is_served(poisoned: Poisoned, batch: int) -> None:
    ledger, engine = poisoned.ledger, open_engine(poisoned.ledger)
    head, _ = ledger.reads.head()
    projector = Projector(ledger, engine, batch=batch)
    assert projector.position() == 0  # how far it is behind can be seen
    assert projector.catch_up() == projector.position() == head
    for _ in range(2):  # kept up, and rebuilt
        assert [(row.position, row.stream) for row in parked_rows(engine)] == [
            (poisoned.entry.position, poisoned.entry.stream),
            (poisoned.amendment, poisoned.entry.stream),
        ]
        rows = set(stored(engine))
        assert rows == replayed(ledger, head)
        assert {(row.code, row.from_position) for row in rows if row.code == NO_CODE} == poisoned.unreadable
        assert len(rows) == poisoned.marks + 2
        rebuild(ledger, engine)


def test_the_doctor_and_verify_name_it(poisoned: Poisoned) -> None:
    answers = poisoned.answers()
    found = doctor_findings(answers, answers.moment(MORNING.day))
    named = [poisoned.entry.position, poisoned.amendment, poisoned.roll.position]
    assert [finding.position for finding in found if finding.rule == "parked"] == named
    found = verify_findings(poisoned.ledger, answers.engine)
    assert [(finding.rule, finding.position) for finding in found] == [
        ("undecodable", poisoned.entry.position),
        ("undecodable", poisoned.roll.position),
    ]


def test_everybody_is_still_answered_for(poisoned: Poisoned) -> None:
    answers = poisoned.answers()
    moment = answers.moment(AFTERNOON.day)
    found = {answer.pupil: answer.attended for answer in absence_answers(answers, moment, sorted(moment.school.pupils))}
    assert found.pop(VICTIM) == 1
    assert set(found.values()) == {2} and len(found) == len(CLASSES) * PUPILS - 1
    lines = register_answer(answers, moment, "0A", MORNING.day).lines
    shown = {(line.pupil, line.session): line.code for line in lines}
    assert [key for key, code in shown.items() if code == "unreadable"] == [(VICTIM, str(AFTERNOON))]
    assert None not in shown.values()
    told = {entry.session: [mark.code for mark in entry.entries] for entry in history_answers(answers, moment, VICTIM)}
    assert told.pop(str(AFTERNOON)) == ["unreadable", "unreadable"] and list(told) == [str(MORNING)]


def test_its_pupil_is_marked_nowhere_twice_and_the_entry_is_not_amended(poisoned: Poisoned) -> None:
    handle = poisoned.handler.handle
    head, _ = poisoned.ledger.reads.head()
    here = {"pupil": VICTIM, "session": str(AFTERNOON), "code": "L", "by": BY}
    with pytest.raises(Refused, match="already_marked"):
        handle(parse(here | {"command": "RecordMark"}))
    with pytest.raises(Refused, match="entry_unreadable"):
        handle(parse(here | {"command": "AmendMark", "reason": "fever"}))
    assert poisoned.ledger.reads.head()[0] == head
    closing = handle(parse({"command": "CloseRegister", "session": str(AFTERNOON), "by": BY}))
    assert closing.events == len(CLASSES)  # closed, with nobody left to mark


def test_an_import_passes_over_it_and_takes_in_the_rest(poisoned: Poisoned, tmp_path: Path) -> None:
    other = members("0A")[1]
    export = tmp_path / "export.csv"
    rows = [f"{pupil},{session.day},{session.half.name},I" for pupil in (VICTIM, other) for session in (AFTERNOON,)]
    export.write_text("\n".join(["Adno,Date,Session,Mark", *rows]), encoding="utf-8")
    result = import_marks(export, poisoned.ledger, new_keys(), signed(parse(MARK).by), rejects=tmp_path / "rejects.csv")
    assert (result.imported, result.rejected) == (0, 2)
    assert set(result.reasons) == {UNREADABLE, STANDS}


def test_control_a_projector_that_stops_is_behind_for_ever(poisoned: Poisoned) -> None:
    projector = Stock(poisoned.ledger, open_engine(poisoned.ledger), batch=10)
    for _ in range(2):
        with pytest.raises(wire.Undecodable):
            projector.catch_up()
        assert projector.position() < poisoned.entry.position


def parked_rows(engine: sa.Engine) -> Sequence[Any]:
    with engine.connect() as connection:
        return connection.execute(sa.select(parked).order_by(parked.c.position)).all()
