"""Threads that share one handler and one set of answers, while another process records: nothing is taken in twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

from commands.handle import Handler
from commands.models import parse
from ledger import wire
from ledger.errors import Refused
from ledger.school import School, take_in
from ledger.sessions import LONDON
from ledger.store import Ledger, open_ledger
from tests.support.busy import BY, members, settled
from tests.support.children import Child, running
from tests.support.counts import count
from tests.support.schools import agreed_keys

THREADS = 10
PUPILS = count(6, 60)  # admitted by each thread
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
