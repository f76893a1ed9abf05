"""A system clock that goes back: recorded times go on, so that whatever was known at a time stays known."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from commands.handle import Handler
from commands.models import parse
from ledger.errors import Refused
from ledger.events import ClockAccepted, ContactLogged
from ledger.people import Staff
from ledger.sessions import from_micros, micros
from ledger.store import Ledger, memory, open_ledger, position_at, sqlite
from ledger.wire import decode, encode
from projections.asking.questions import Answers
from projections.audit.health import doctor_findings, verify_findings
from projections.figures.cohorts import described
from projections.readmodel.tables import open_engine
from tests.support.busy import BY, all_rows, registers, settled
from tests.support.schools import new_keys
from tests.support.tampering import insert_raw

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR
CALL = ("0A0/2018/follow-up", 1, "follow-up.ContactLogged", encode(ContactLogged(contact="0A0-a")))


def in_order(ledger: Ledger) -> bool:
    """Whether time never goes back from one event to the next, and "known at" finds each event by its time."""
    rows = all_rows(ledger)
    return all(one.recorded_at <= two.recorded_at for one, two in pairwise(rows)) and all(
        position_at(ledger.reads, row.recorded_at) >= row.position for row in rows
    )


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_clock_that_goes_back_and_forth(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    give: Callable[[], str] = request.getfixturevalue(f"fresh_{kind}_url")
    ledger = open_ledger(give(), create=True)
    handler, todo = settled(ledger), registers()
    start = ledger.reads.head()[1] + HOUR
    for clock in (start, start - HOUR, start - 2 * HOUR, start + HOUR, start):
        before = ledger.reads.head()[1]
        for recorder in (memory, sqlite):
            monkeypatch.setattr(recorder, "time", SimpleNamespace(time_ns=lambda clock=clock: 1000 * clock))
        handler.handle(next(todo))
        assert ledger.reads.head()[1] == max(clock, before + 1)
    assert in_order(ledger)


def test_a_clock_that_was_an_hour_ahead(durable_url: str) -> None:
    ledger = open_ledger(durable_url, create=True)
    handler = settled(ledger)
    ahead = insert_raw(ledger, *CALL, ahead=HOUR).recorded_at
    for number, register in zip(range(1, 4), registers(), strict=False):
        handler.handle(register)
        assert ledger.reads.head()[1] == ahead + number
    found = verify_findings(ledger, open_engine(ledger))
    assert in_order(ledger) and [finding.rule for finding in found] == ["stamps_ahead", "stamps_still"]


def test_nobody_sets_the_time_of_a_system_ledger(fresh_url: Callable[[], str]) -> None:
    ledger = open_ledger(fresh_url(), create=True)
    settled(ledger)
    head = ledger.reads.head()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(Refused, match="ledger_is_system"):
        Handler(ledger, new_keys(), simulated=True).handle(next(registers()).model_copy(update={"at": tomorrow}))
    assert ledger.reads.head() == head
    Handler(ledger, new_keys(), clock=lambda: tomorrow).handle(next(registers()))
    assert head[1] < ledger.reads.head()[1] < tomorrow.timestamp() * 1_000_000


def test_control_a_time_that_runs_back_is_noticed(durable_url: str) -> None:
    ledger = open_ledger(durable_url, create=True)
    settled(ledger)
    back = insert_raw(ledger, *CALL, ahead=-HOUR)
    assert not in_order(ledger)
    found = verify_findings(ledger, open_engine(ledger))
    assert [(finding.rule, finding.position) for finding in found] == [("time_runs_backwards", back.position)]


# --- a clock that was years ahead, and what is said of it ------------------------------------------------------------


class Clocked(NamedTuple):
    """A school with the system's clock, which shows what it is set to."""

    ledger: Ledger
    handler: Handler
    answers: Answers
    set: Callable[[int], None]

    def rules(self) -> list[tuple[str, int | None]]:
        found = verify_findings(self.ledger, self.answers.engine)
        return [(finding.rule, finding.position) for finding in found]

    def caution_at(self, recorded_at: int) -> str:
        return self.answers.moment(known_at=from_micros(recorded_at)).caution


@pytest.fixture(params=["memory", "sqlite"])
def clocked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Clocked:
    ledger = open_ledger(request.getfixturevalue(f"fresh_{request.param}_url")(), create=True)
    handler = settled(ledger)

    def clock(shown: int) -> None:
        for recorder in (memory, sqlite):
            monkeypatch.setattr(recorder, "time", SimpleNamespace(time_ns=lambda: 1000 * shown))

    return Clocked(ledger, handler, Answers(ledger, open_engine(ledger), new_keys()), clock)


def test_a_clock_years_ahead_is_refused_until_a_named_person_accepts_it(clocked: Clocked) -> None:
    todo = registers()
    head, last = clocked.ledger.reads.head()
    clocked.set(last + 61 * DAY)
    register = next(todo)
    with pytest.raises(Refused, match="clock_ahead: clock '.*accepts it"):
        clocked.handler.handle(register)
    assert clocked.ledger.reads.head() == (head, last)
    clocked.handler.handle(register.model_copy(update={"accept_clock": True}))
    accepted, taken = clocked.ledger.reads.rows(head, 2)
    assert decode(accepted.state) == ClockAccepted(by=Staff("hart", "A Hart", "Class teacher"))
    assert accepted.recorded_at == taken.recorded_at == last + 61 * DAY
    clocked.handler.handle(next(todo).model_copy(update={"accept_clock": True}))
    accepts = [row for row in all_rows(clocked.ledger) if row.topic == "school.ClockAccepted"]
    assert len(accepts) == 1, "who accepts a clock that is not ahead says nothing"


def test_the_same_command_is_the_same_whether_or_not_its_clock_was_accepted(clocked: Clocked) -> None:
    register = next(registers())
    first = clocked.handler.handle(register.model_copy(update={"accept_clock": True}))
    assert clocked.handler.handle(register)[:2] == first[:2]


def test_times_that_cannot_be_right_are_found_and_said_and_every_answer_about_them_warns(clocked: Clocked) -> None:
    todo = registers()
    right = clocked.ledger.reads.head()[1] + HOUR
    clocked.set(right)
    clocked.handler.handle(next(todo))
    before = clocked.ledger.reads.head()[0]
    clocked.set(right + 4000 * DAY)
    clocked.handler.handle(next(todo).model_copy(update={"accept_clock": True}))
    ahead = before + 1
    clocked.set(right + DAY)
    for _ in range(2):
        clocked.handler.handle(next(todo))
    still = clocked.ledger.reads.still(before)[0][0]
    assert clocked.rules() == [("stamps_ahead", ahead), ("stamps_still", still)]
    assert clocked.caution_at(right + DAY) == "", "nobody has said so"

    last = clocked.ledger.reads.head()[0]
    doubt = {"command": "DoubtStamps", "first": ahead, "reason": "a flat battery", "by": BY}
    clocked.handler.handle(parse(doubt))
    said = clocked.ledger.reads.head()[0]
    clocked.handler.handle(next(todo))
    end = clocked.ledger.reads.head()[0]
    assert said == last + 1 and clocked.rules() == []
    expected = f"the recorded times of positions {ahead} to {end} are wrong (said at position {said})"
    for known_at in (right, right + DAY, right + 4000 * DAY, right + 5000 * DAY):
        assert clocked.caution_at(known_at).startswith(expected)
    moment = clocked.answers.moment(known_at=from_micros(right + DAY))
    assert moment.position == before and described(moment).endswith(moment.caution)
    assert moment.header("0A0")["caution"] == moment.caution
    earlier = clocked.answers.moment(known_at=from_micros(right - HOUR // 2))
    assert earlier.caution == "" and "caution" not in earlier.header("0A0")
    # Once the right clock has caught up, what is known then is sure again.
    clocked.set(right + 4001 * DAY)
    clocked.handler.handle(next(todo))
    assert clocked.caution_at(right + 4001 * DAY) == "" and clocked.caution_at(right + 4000 * DAY).startswith(expected)


def test_a_clock_that_was_behind_is_found_too(clocked: Clocked) -> None:
    todo = registers()
    clocked.set(clocked.ledger.reads.head()[1] - DAY)
    first = clocked.ledger.reads.head()[0] + 1
    for _ in range(3):
        clocked.handler.handle(next(todo))
    clocked.set(clocked.ledger.reads.head()[1] + HOUR)
    assert clocked.rules() == [("stamps_still", first)]


def test_the_doctor_finds_them_too(clocked: Clocked) -> None:
    clocked.set(clocked.ledger.reads.head()[1] - DAY)
    clocked.handler.handle(next(registers()))
    found = doctor_findings(clocked.answers, clocked.answers.moment())
    assert "stamps_still" in {finding.rule for finding in found}


def test_control_a_clock_that_is_right_is_not_found(clocked: Clocked) -> None:
    for number, register in zip(range(3), registers(), strict=False):
        clocked.set(clocked.ledger.reads.head()[1] + HOUR + number)
        clocked.handler.handle(register)
    assert clocked.rules() == []


def test_the_clock_that_stamps_is_the_one_that_decides(fresh_url: Callable[[], str], monkeypatch: Any) -> None:
    """On PostgreSQL that is the server's, whatever this machine shows."""
    ledger = open_ledger(fresh_url(), create=True)
    handler = settled(ledger)
    morning = parse({**next(registers()).model_dump(mode="json", by_alias=True), "id": None})
    monkeypatch.setattr(ledger.reads, "now", lambda **_: micros(datetime(2018, 8, 1, tzinfo=UTC)))
    with pytest.raises(Refused, match="session_in_the_future"):
        handler.handle(morning)


def test_the_clock_of_postgresql_is_its_servers(
    fresh_postgresql_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_ledger(fresh_postgresql_url(), create=True)
    before = time.time_ns() // 1000
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert abs(ledger.reads.now() - before) < 60_000_000
    assert abs(ledger.reads.now(roughly=True) - ledger.reads.now()) < 60_000_000
