"""Threads that share one handler and one set of answers, while another process records: nothing is taken in twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from commands.handle import Handler
from commands.models import parse
from commands.wiring import open_house
from ledger import wire
from ledger.errors import Refused
from ledger.school import School, take_in
from ledger.sessions import LONDON
from ledger.store import Ledger, open_ledger
from projections.asking.questions import Answers, Moment
from projections.figures.cohorts import absence_answers
from projections.readmodel.rebuild import rebuild
from projections.readmodel.tables import open_engine
from tests.support.busy import BY, members, registers, settled
from tests.support.children import Child, running
from tests.support.counts import count
from tests.support.schools import agreed_keys
from tests.support.tampering import forget_after

THREADS = 10
PUPILS = count(6, 60)  # admitted by each thread
REGISTERS = count(40, 400)  # taken by each writer
QUESTIONS = count(6, 60)  # asked by each thread
AS_OF = date(2018, 12, 20)
TODAY = datetime.now(UTC).astimezone(LONDON).date()
TOMORROW = TODAY + timedelta(1)


def admission(pupil: str) -> dict[str, Any]:
    placed = {"born": "2013-03-09", "starting_day": "2018-09-03", "year_group": "1", "class": "0A"}
    return {"command": "AdmitPupil", "by": BY, "pupil": pupil, "name": "Ada Example", **placed}


def come_and_go(handler: Handler, name: str) -> None:
    """Admit pupils one after the other, mark each, and remove every second one with this day as the last."""
    for number in range(PUPILS):
        pupil = f"{name}-{number}"
        handler.handle(parse(admission(pupil)))
        marked = {"command": "RecordMark", "by": BY, "pupil": pupil, "session": "2018-09-04/AM", "code": "/"}
        handler.handle(parse(marked))
        if number % 2:
            removed = {"command": "RemoveFromRoll", "by": BY, "pupil": pupil, "last_day": str(TODAY), "ground": "moved"}
            handler.handle(parse(removed))


def come_and_go_elsewhere(tell: Callable[[str], None], url: str, name: str) -> None:
    """The same in another process."""
    come_and_go(Handler(open_ledger(url), agreed_keys()), name)
    tell(name)


def together(work: Callable[[str], None], names: list[str]) -> None:
    """Do a work in so many threads, which begin at the same moment."""
    begin = Barrier(len(names))

    def begun(name: str) -> None:
        begin.wait()
        work(name)

    with ThreadPoolExecutor(len(names)) as pool:
        for done in [pool.submit(begun, name) for name in names]:
            done.result()


def folded(ledger: Ledger) -> School:
    """Return the school folded afresh."""
    return take_in(School(), ledger.reads.reference_rows(0))


def test_threads_and_another_process_take_in_each_event_once(lasting_url: str) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        handler = settled(ledger)
        with running([Child(come_and_go_elsewhere, lasting_url, "p")]) as children:
            together(lambda name: come_and_go(handler, name), [f"t{number}" for number in range(THREADS)])
            children[0].finish()
        known, fresh = handler.school(), folded(ledger)
        assert len(fresh.pupils) == len(members("0A")) * 5 + (THREADS + 1) * PUPILS
        for pupil in fresh.pupils:
            assert known.pupils[pupil] == fresh.pupils[pupil]
        assert known.versions == fresh.versions and known.position == fresh.position
        refused = handler.refusal(
            parse({"command": "RecordMark", "by": BY, "pupil": "t0-1", "session": f"{TOMORROW}/AM", "code": "/"})
        )
        assert isinstance(refused, Refused) and refused.rule == "pupil_not_on_roll"


def take_some(tell: Callable[[str], None], url: str, writer: int) -> None:
    """Take registers in another process."""
    handler = Handler(open_ledger(url), agreed_keys())
    for command in islice(registers(writer), REGISTERS):
        handler.handle(command)
    tell("done")


def asked_and_recorded(url: str, kind: type[Answers], *, keep: bool) -> list[tuple[Moment, list[Any], list[Any]]]:
    """Return what threads were answered while two writers recorded, and what is answered about the same moments when
    all is quiet."""
    with open_ledger(url, create=True) as ledger:
        handler, engine = settled(ledger, writers=2), open_engine(ledger)
        answers = kind(ledger, engine, agreed_keys(), keep=keep)
        pupils = members("0A") + members("1B")
        told: list[tuple[Moment, list[Any]]] = []

        def work(name: str) -> None:
            if name == "writer":
                for command in islice(registers(0), REGISTERS):
                    handler.handle(command)
                return
            for _ in range(QUESTIONS):
                moment = answers.moment(AS_OF)
                told.append((moment, absence_answers(answers, moment, pupils)))

        with running([Child(take_some, url, 1)]) as children:
            together(work, ["writer", *(f"asker {number}" for number in range(THREADS - 1))])
            children[0].finish()
        quiet = Answers(ledger, engine, agreed_keys())
        again = [
            (moment, found, absence_answers(quiet, quiet.moment_at(moment.position, AS_OF), pupils))
            for moment, found in told
        ]
        engine.dispose()
    return again


@pytest.mark.parametrize("keep", [False, True], ids=["loaded", "kept"])
def test_threads_are_answered_as_one_who_asks_alone(lasting_url: str, keep: bool) -> None:
    found = asked_and_recorded(lasting_url, Answers, keep=keep)
    assert len(found) == (THREADS - 1) * QUESTIONS
    assert len({moment.position for moment, *_ in found}) > 1
    for _, told, quiet in found:
        assert counts(told) == counts(quiet)


def test_a_thread_that_was_overtaken_spoils_no_answer_of_another(lasting_url: str) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        handler, answers = settled(ledger), Answers(ledger, open_engine(ledger), agreed_keys(), keep=True)
        absence_answers(answers, answers.moment(AS_OF), members("0A"))
        seen = answers.projector.trusted
        for command in islice(registers(), 20):
            handler.handle(command)
        moment = answers.moment(AS_OF)
        answers.projector.trusted = seen  # as one says who looked before and comes to speak only now
        found = absence_answers(answers, moment, members("0A"))
        quiet = Answers(ledger, answers.engine, agreed_keys())
        assert counts(found) == counts(absence_answers(quiet, quiet.moment(AS_OF), members("0A")))
        answers.engine.dispose()


def test_frames_are_kept_no_longer_than_the_ledger_that_they_came_from(lasting_url: str) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        handler, answers = settled(ledger), Answers(ledger, open_engine(ledger), agreed_keys(), keep=True)
        settled_at = ledger.reads.head()[0]
        for command in islice(registers(), 20):
            handler.handle(command)
        before = absence_answers(answers, answers.moment(AS_OF), members("0A"))
        forget_after(ledger, settled_at + 1 + len(members("0A")))  # the first register stays
        rebuild(ledger, answers.engine)
        found = absence_answers(answers, answers.moment(AS_OF), members("0A"))
        assert {each.attended for each in before} == {4} and {each.attended for each in found} == {1}
        answers.engine.dispose()


def counts(answers: list[Any]) -> list[tuple[str, int, int, int]]:
    return [(each.pupil, each.position, each.attended, each.missing) for each in answers]


def test_threads_share_one_engine_of_a_house(tmp_path: Path) -> None:
    with open_house(f"sqlite:///{tmp_path}/school.db", create=True) as house:
        found: list[tuple[int, int, int]] = []
        together(lambda _: found.append((id(house.engine), id(house.handler), id(house.answers))), ["a", "b", "c", "d"])
        assert len(set(found)) == 1


class Shared(Handler):
    """A broken handler: every thread takes in what is new into the one school that all decide by."""

    def school(self) -> School:
        for row in self._ledger.reads.reference_rows(self._school.position):
            self._school.apply(row.position, row.stream, row.version, wire.decode(row.state))
        return self._school


def test_control_a_school_that_threads_change_takes_an_admission_in_twice(lasting_url: str) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        settled(ledger)
        for attempt in range(20):
            handler = Shared(ledger, agreed_keys())
            together(
                lambda name, handler=handler: handler.handle(parse(admission(name))),
                [f"{attempt}-{n}" for n in range(4)],
            )
            if any(len(pupil.spells) > 1 for pupil in handler.school().pupils.values()):
                return
    raise AssertionError("no admission was taken in twice: this test would not notice it")
