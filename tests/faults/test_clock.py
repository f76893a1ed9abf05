"""A system clock that goes back: recorded times go on, so that whatever was known at a time stays known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest

from commands.handle import Handler
from ledger.errors import Refused
from ledger.events import ContactLogged
from ledger.store import Ledger, memory, open_ledger, position_at, sqlite
from ledger.wire import encode
from projections.health import verify_findings
from projections.tables import open_engine
from tests.support.busy import all_rows, registers, settled
from tests.support.schools import new_keys
from tests.support.tampering import insert_raw

HOUR = 3_600_000_000  # microseconds
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
    assert in_order(ledger) and not verify_findings(ledger, open_engine(ledger))


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
