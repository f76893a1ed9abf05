"""What only a later release knows: answers say so, nothing is recorded beside it, and no mark before it stands in."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice

import pytest

from commands.handle import Handler
from commands.models import parse
from ledger.errors import Refused
from ledger.store import Ledger, open_ledger
from ledger.streams import entry_stream, follow_up_stream, roll_stream
from projections.asking.questions import Answers
from projections.audit.explain import explain_absence
from projections.figures.cohorts import absence_answers, described
from projections.readmodel.projector import Projector
from projections.readmodel.rebuild import rebuild
from projections.readmodel.tables import open_engine
from projections.records.registers import history_answers, register_answer
from tests.support.busy import BY, members, registers, sessions, settled
from tests.support.schools import agreed_keys, new_keys
from tests.support.tampering import insert_raw

MORNING = sessions()[0]
VICTIM, OTHER, *_ = members("0A")
ENTRY = entry_stream(VICTIM, MORNING)
LATER = {
    "an event of an entry": (ENTRY, 2, "entry.MarkVoided", b'{"type":"MarkVoided","v":1}'),
    "a version of an amendment": (ENTRY, 2, "entry.MarkAmended", b'{"type":"MarkAmended","v":2,"c":"I","w":"/"}'),
    "a field of an amendment": (ENTRY, 2, "entry.MarkAmended", b'{"type":"MarkAmended","v":1,"c":"I","w":"/","if":1}'),
    "an event of the roll": (roll_stream(VICTIM), 2, "roll.PupilSuspended", b'{"type":"PupilSuspended","v":1}'),
    "an event of the follow-up": (follow_up_stream(VICTIM, 2018), 1, "follow-up.Alert", b'{"type":"Alert","v":1}'),
    "a family": (f"{VICTIM}/trips", 1, "trip.TripPlanned", b'{"type":"TripPlanned","v":1}'),
}
OF_AN_ENTRY = [name for name in LATER if " entry" in name or "amendment" in name]
DAMAGED = (ENTRY, 2, "entry.MarkAmended", b'{"type":"MarkAm')


def school(url: str) -> tuple[Ledger, Handler]:
    ledger = open_ledger(url, create=True)
    handler = settled(ledger)
    for register in islice(registers(), 10):
        handler.handle(register)
    return ledger, handler


@pytest.mark.parametrize("event", LATER)
def test_nothing_is_recorded_beside_it(durable_url: str, event: str) -> None:
    ledger, running = school(durable_url)
    row = insert_raw(ledger, *LATER[event])
    line = {"command": "RecordMark", "pupil": OTHER, "session": str(sessions()[4]), "code": "I", "by": BY}
    with pytest.raises(Refused, match="newer_ledger") as refused:
        Handler(ledger, agreed_keys()).handle(parse(line))
    assert str(row.position) in str(refused.value)
    about = {"command": "AmendMark", "pupil": VICTIM, "session": str(MORNING), "code": "I", "reason": "x", "by": BY}
    if event in OF_AN_ENTRY:
        with pytest.raises(Refused, match="newer_ledger"):
            running.handle(parse(about))  # by a process that began before it was there
    assert ledger.reads.end() == row.position


def test_control_damaged_bytes_stop_nobody_else(durable_url: str) -> None:
    ledger, _ = school(durable_url)
    insert_raw(ledger, *DAMAGED)
    line = {"command": "RecordMark", "pupil": OTHER, "session": str(sessions()[4]), "code": "I", "by": BY}
    assert Handler(ledger, agreed_keys()).handle(parse(line)).events


@pytest.mark.parametrize("event", [*OF_AN_ENTRY, "damaged"])
def test_its_entry_is_unreadable_and_never_the_mark_before(durable_url: str, event: str) -> None:
    ledger, _ = school(durable_url)
    engine = open_engine(ledger)
    Projector(ledger, engine).catch_up()
    day = MORNING.day + timedelta(days=1)

    def seen() -> dict[str, tuple[int, int, int]]:
        answers = Answers(ledger, engine, new_keys())
        moment = answers.moment(day)
        found = absence_answers(answers, moment, [VICTIM, OTHER])
        return {each.pupil: (each.possible, each.attended, each.missing) for each in found}

    before = seen()
    row = insert_raw(ledger, *LATER.get(event, DAMAGED))
    insert_raw(ledger, ENTRY, 3, "entry.MarkAmended", b'{"type":"MarkAmended","v":1,"c":"I","w":"/"}')
    for bring_up in (lambda: None, lambda: Projector(ledger, engine).catch_up(), lambda: rebuild(ledger, engine)):
        bring_up()  # from the tail, from the stored rows, and from those built in bulk
        possible, attended, missing = before[VICTIM]
        assert seen() == {**before, VICTIM: (possible - 1, attended - 1, missing)}
        answers = Answers(ledger, engine, new_keys())
        moment = answers.moment(day)
        assert not answers.model.doubt
        (entry,) = history_answers(answers, moment, VICTIM, MORNING)
        assert [mark.code for mark in entry.entries] == ["/", "unreadable", "unreadable"]
        lines = register_answer(answers, moment, "0A", MORNING.day).lines
        assert [each.code for each in lines if (each.pupil, each.session) == (VICTIM, str(MORNING))] == ["unreadable"]
        proofs = {each.session: each.counts_as for each in explain_absence(answers, moment, VICTIM).sessions}
        assert proofs[str(MORNING)] == "unreadable"
        assert moment.unread is not None and (moment.unread.events, moment.unread.first) == (2, row.position)
        assert f"the first at position {row.position}" in described(moment) and list(answers.notes)
        known = answers.moment_at(row.position - 1, day)
        (entry,) = history_answers(answers, known, VICTIM, MORNING)
        assert [mark.code for mark in entry.entries] == ["/"] and known.unread is None
    engine.dispose()
