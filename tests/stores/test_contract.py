"""What every store promises, tried on each: memory, SQLite, and every PostgreSQL there is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger import wire
from ledger.errors import Refused
from ledger.events import ClockAccepted, MarkAmended, MarkRecorded
from ledger.store import CLOCK_AHEAD, Conflict, Envelope, Ledger, open_ledger
from ledger.store.rows import CLOCK_ACCEPTED
from tests.stores.conftest import EVERY_POSTGRES, NewAddress, addresses
from tests.stores.envelopes import (
    ENTRY,
    OFFICE,
    everything,
    mark,
    marks,
    named,
    opening,
    placed,
    receipt,
    within,
)

OTHER = "1043/2024/2024-09-03/AM"


@pytest.fixture(params=["memory", "sqlite", *EVERY_POSTGRES])
def new_address(request: pytest.FixtureRequest, database: Callable[[str], str], tmp_path: Path) -> NewAddress:
    return addresses(request.param, database, tmp_path)


# --- order ----------------------------------------------------------------------------------------------------------


def test_what_is_appended_is_read_back_in_order(ledger: Ledger) -> None:
    first, second = [opening(), mark()], [mark(OTHER, code="N"), mark(version=2)]
    assert ledger.append(first) == [1, 2]
    assert ledger.append(second) == [3, 4]
    read = [Envelope(row.stream, row.version, wire.decode(row.state)) for row in everything(ledger)]
    assert read == first + second
    assert [row.topic for row in everything(ledger)][:2] == ["school.SchoolOpened", "entry.MarkRecorded"]


def test_positions_have_no_gaps_even_after_a_failure(ledger: Ledger) -> None:
    ledger.append(marks(3))
    with pytest.raises(Conflict):
        ledger.append([mark(OTHER), *marks(1)])
    assert ledger.append([mark(OTHER)]) == [4]
    assert [row.position for row in everything(ledger)] == [1, 2, 3, 4]
    assert ledger.reads.head() == (4, everything(ledger)[-1].recorded_at)


def test_nothing_appended_takes_no_position(ledger: Ledger) -> None:
    assert ledger.append([]) == []
    assert ledger.append([], receipt=receipt("nothing")) == []
    assert ledger.reads.head() == (0, 0)
    assert ledger.reads.receipt("nothing")[3:] == (0, 0)


def test_what_is_appended_is_still_there_when_opened_again(lasting_url: str) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        ledger.append([opening(), *marks(2)], receipt=receipt("c1"))
        before = everything(ledger)
    with open_ledger(lasting_url) as ledger:
        assert everything(ledger) == before
        assert ledger.reads.receipt("c1") == receipt("c1")._replace(first_position=1, events=3)
        assert ledger.append([mark()]) == [4]


# --- time -----------------------------------------------------------------------------------------------------------


def test_events_of_one_transaction_have_one_time_and_the_next_a_later_one(ledger: Ledger) -> None:
    before = time.time_ns() // 1000
    for number in range(20):
        ledger.append(marks(2, of=f"t{number}-"))
    after = time.time_ns() // 1000
    stamps = [row.recorded_at for row in everything(ledger)]
    assert stamps[::2] == stamps[1::2]
    assert all(earlier < later for earlier, later in zip(stamps[::2], stamps[2::2], strict=False))
    assert before <= stamps[0] and stamps[-1] <= after


def test_time_goes_on_from_the_last_event_where_the_clock_is_behind_it(ledger: Ledger) -> None:
    future = (time.time_ns() // 1000) + 3_600_000_000
    ledger.append(marks(1), at=future)
    ledger.append([mark()])
    assert [row.recorded_at for row in everything(ledger)] == [future, future + 1]


def test_a_simulated_time_may_be_equal_but_not_earlier(ledger: Ledger) -> None:
    ledger.append(marks(1, "a"), at=1_000)
    ledger.append(marks(1, "b"), at=1_000)
    with pytest.raises(Conflict):
        ledger.append(marks(1, "c"), at=999, receipt=receipt("c1"))
    assert [row.recorded_at for row in everything(ledger)] == [1_000, 1_000]
    assert ledger.reads.receipt("c1") is None


@pytest.mark.parametrize(("seconds", "taken"), [(-60, True), (60, False)])
def test_a_clock_over_sixty_days_after_the_last_event_is_refused(ledger: Ledger, seconds: int, taken: bool) -> None:
    long_ago = ledger.reads.now() - CLOCK_AHEAD - seconds * 1_000_000
    ledger.append([opening()], at=long_ago)
    if taken:
        assert ledger.append([mark()], receipt=receipt("c1")) == [2]
        return
    with pytest.raises(Refused, match="clock_ahead"):
        ledger.append([mark()], receipt=receipt("c1"))
    assert ledger.reads.head() == (1, long_ago) and ledger.reads.receipt("c1") is None


def test_a_clock_far_ahead_is_taken_where_somebody_accepts_it_in_the_same_save(ledger: Ledger) -> None:
    ledger.append([opening()], at=1_000_000)
    accepted = Envelope("school/clock", 1, ClockAccepted(by=OFFICE))
    assert accepted.event.topic == CLOCK_ACCEPTED
    assert ledger.append([accepted, mark()]) == [2, 3]
    assert ledger.append([mark(OTHER)]) == [4]  # and from there time goes on


def test_a_simulated_time_may_be_years_after_the_last_event(ledger: Ledger) -> None:
    ledger.append([opening()], at=1_000_000)
    assert ledger.append([mark()], at=ledger.reads.now()) == [2]


# --- versions -------------------------------------------------------------------------------------------------------


def test_a_version_is_written_once(ledger: Ledger) -> None:
    ledger.append([mark(code="/")])
    with pytest.raises(Conflict):
        ledger.append([mark(code="N")])
    (row,) = everything(ledger)
    assert wire.decode(row.state) == MarkRecorded(by=OFFICE, code="/")


def test_a_later_version_is_written_once(ledger: Ledger) -> None:
    ledger.append([mark(), mark(version=2, code="I")])
    with pytest.raises(Conflict):
        ledger.append([mark(version=2, code="M")])
    assert wire.decode(everything(ledger)[-1].state) == MarkAmended(by=OFFICE, code="I", replaces="N")


@pytest.mark.parametrize(
    "envelopes",
    [[mark(version=2)], [mark(), mark(version=3)], [mark(version=0)], [mark(), mark()], [named(1), mark(version=7)]],
    ids=["no first", "a gap", "nought", "twice in one", "beside a good one"],
)
def test_a_version_that_does_not_follow_is_our_mistake(ledger: Ledger, envelopes: list[Envelope]) -> None:
    with pytest.raises(AssertionError, match="version"):
        ledger.append(envelopes)
    assert everything(ledger) == []


def test_a_version_that_skips_what_is_stored_is_our_mistake(ledger: Ledger) -> None:
    ledger.append([mark()])
    with pytest.raises(AssertionError, match="version"):
        ledger.append([mark(version=3)])
    assert len(everything(ledger)) == 1


def test_a_transaction_is_written_whole_or_not_at_all(ledger: Ledger) -> None:
    ledger.append([mark()])
    with pytest.raises(Conflict):
        ledger.append([opening(), *marks(5), mark(), mark(OTHER)], receipt=receipt("c1"))
    assert placed(everything(ledger)) == [(1, ENTRY, 1)]
    assert ledger.reads.receipt("c1") is None


# --- receipts and what a decision rests on --------------------------------------------------------------------------


def test_streams_that_may_hold_sealed_text_are_told_with_where_it_begins(ledger: Ledger) -> None:
    sealed = MarkAmended(code="I", replaces="N", sealed=b"sealed")
    ledger.append([mark("1/2024/2024-09-03/AM"), mark("2/2024/2024-09-03/AM")])
    ledger.append([Envelope("2/2024/2024-09-03/AM", version, sealed) for version in (2, 3)])
    ledger.append([Envelope("1/2024/2024-09-03/AM", 2, sealed)])
    assert ledger.reads.sealed_streams(4) == [("2/2024/2024-09-03/AM", 3)]
    assert ledger.reads.sealed_streams(5) == [("1/2024/2024-09-03/AM", 5), ("2/2024/2024-09-03/AM", 3)]


def test_a_receipt_names_the_events_and_is_written_once(ledger: Ledger) -> None:
    ledger.append(marks(2, "a"), receipt=receipt("c1"))
    ledger.append(marks(3, "b"), receipt=receipt("c2"))
    with pytest.raises(Conflict):
        ledger.append(marks(1, "c"), receipt=receipt("c1"))
    with pytest.raises(Conflict):
        ledger.append([], receipt=receipt("c1"))
    assert ledger.reads.receipt("c1") == receipt("c1")._replace(first_position=1, events=2)
    assert ledger.reads.receipt("c2") == receipt("c2")._replace(first_position=3, events=3)
    assert ledger.reads.receipt("c3") is None
    assert len(everything(ledger)) == 5


def test_a_reference_event_after_the_basis_is_a_conflict(ledger: Ledger) -> None:
    ledger.append([opening()])
    ledger.append([named(2)])
    with pytest.raises(Conflict):
        ledger.append([mark()], basis=1, receipt=receipt("c1"))
    with pytest.raises(Conflict):
        ledger.append([], basis=1, receipt=receipt("c1"))
    assert ledger.reads.receipt("c1") is None
    assert ledger.append([mark()], basis=2, receipt=receipt("c1")) == [3]


def test_marks_after_the_basis_are_none(ledger: Ledger) -> None:
    ledger.append([opening()])
    ledger.append(marks(3))
    assert ledger.append([mark()], basis=1) == [5]
    assert [row.position for row in ledger.reads.reference_rows(0)] == [1]


# --- size, and the library ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2_500, 10_000])
def test_a_large_save_does_not_hang(ledger: Ledger, count: int) -> None:
    positions = within(60, lambda: ledger.append(marks(count), receipt=receipt("c1")))
    assert positions == list(range(1, count + 1))
    assert ledger.reads.receipt("c1").events == count
    assert ledger.reads.rows(count - 1, 10)[0].stream == marks(count)[-1].originator_id


def test_the_library_reads_our_events_through_our_mapper(ledger: Ledger) -> None:
    first, second = mark(), mark(version=2, code="I")
    ledger.append([opening(), first, second])
    assert list(ledger.events.get(ENTRY)) == [first, second]
    assert list(ledger.events.get(ENTRY, gt=1)) == [second]
    assert ledger.recorder.max_notification_id() == 3
    notifications = ledger.recorder.select_notifications(start=2, limit=10)
    assert [(n.id, n.originator_id, n.originator_version) for n in notifications] == [(2, ENTRY, 1), (3, ENTRY, 2)]
    assert [ledger.mapper.to_domain_event(notification) for notification in notifications] == [first, second]
    assert len(ledger.recorder.select_notifications(start=1, limit=10, topics=["entry.MarkAmended"])) == 1
