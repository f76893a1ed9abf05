"""Writers at once, and readers meanwhile: nothing lost, nothing twice, nothing passed over."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from ledger.events import ClockAccepted
from ledger.store import Conflict, Envelope, Ledger, Row, open_ledger
from ledger.store.formats import FORMAT
from ledger.store.postgres_schema import FUNCTIONS
from tests.stores.envelopes import OFFICE, everything, mark, marks, opening, placed, receipt

ROOT = Path(__file__).parents[2]


def tail(ledger: Ledger, writing: list[Future[Any]]) -> list[Row]:
    """Return what a reader sees who always asks for what came after the last event seen, until all is written."""
    seen: list[Row] = []
    last_round = False
    while not last_round:
        last_round = all(writer.done() for writer in writing)
        while found := ledger.reads.rows(seen[-1].position if seen else 0, 100):
            seen += found
    return seen


# --- many at once ---------------------------------------------------------------------------------------------------


def test_threads_that_write_at_once_lose_nothing(ledger: Ledger) -> None:
    def write(name: int) -> list[list[int]]:
        return [ledger.append(marks(3, f"{name}-{n}-"), receipt=receipt(f"{name}-{n}")) for n in range(15)]

    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, name) for name in range(4)]
        seen = tail(ledger, writing)
    written = [positions for writer in writing for positions in writer.result()]
    assert all(positions == list(range(positions[0], positions[0] + 3)) for positions in written)
    assert sorted(position for positions in written for position in positions) == list(range(1, 181))
    assert seen == everything(ledger)
    assert len({row.recorded_at for row in seen}) == 60


def test_processes_that_write_at_once_lose_nothing(lasting_url: str) -> None:
    def write(name: str) -> list[list[int]]:
        program = [sys.executable, "-m", "tests.stores.writers", lasting_url, name, "25"]
        return json.loads(subprocess.run(program, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)

    with open_ledger(lasting_url, create=True) as ledger, ThreadPoolExecutor(2) as pool:
        ledger.append([opening()])
        writing = [pool.submit(write, name) for name in ("a", "b")]
        seen = tail(ledger, writing)
        written = {row.position: row.stream for row in seen}
        for name, writer in zip("ab", writing, strict=True):
            for number, positions in enumerate(writer.result()):
                assert [written[p] for p in positions] == [e.originator_id for e in marks(3, f"{name}-{number}-")]
                assert ledger.reads.receipt(f"{name}-{number}")[3:] == (positions[0], 3)
        assert seen == everything(ledger)
        assert [row.position for row in seen] == list(range(1, 152))


def test_one_of_two_who_write_the_same_entry_is_told(ledger: Ledger) -> None:
    def write(name: int) -> list[int]:
        won = []
        for number in range(20):
            try:
                ledger.append([mark(f"{number}/2024/2024-09-03/AM")], receipt=receipt(f"{name}-{number}"))
                won.append(number)
            except Conflict:
                assert ledger.reads.receipt(f"{name}-{number}") is None
        return won

    with ThreadPoolExecutor(3) as pool:
        won = sorted(number for numbers in pool.map(write, range(3)) for number in numbers)
    assert won == list(range(20))
    assert len(everything(ledger)) == 20


# --- PostgreSQL: what the lock does, and what happens without it -----------------------------------------------------


@contextmanager
def transaction_under_way(ledger: Ledger) -> Iterator[psycopg.Connection]:
    """Give the connection of somebody who has written position 1 as the recorder does, and has not committed."""
    schema = ledger.address.schema
    with psycopg.connect(ledger.address.conninfo, autocommit=True) as connection:
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        connection.execute(f"LOCK TABLE {schema}.ledger_format IN EXCLUSIVE MODE")
        connection.execute(
            f"INSERT INTO {schema}.stored_events VALUES (1, 'elsewhere', 1, 'entry.MarkRecorded', '', 1000)"
        )
        connection.execute(f"INSERT INTO {schema}.receipts VALUES ('elsewhere', '', '', 1, 1)")
        yield connection


def after_the_other(ledger: Ledger, connection: psycopg.Connection, work: Any) -> Any:
    """Return what `work` comes to, having checked that it waits until the other transaction is committed."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(work)
        with pytest.raises(NotYet):
            waiting.result(0.3)
        assert everything(ledger) == []
        connection.execute("COMMIT")
        return waiting.result(20)


def record_without(ledger: Ledger, line: str) -> None:
    """Put the function that records in its place again, without one line of it."""
    (append,) = (piece for piece in FUNCTIONS if piece.name.startswith("append_events"))
    assert line in append.make
    with psycopg.connect(ledger.address.conninfo, autocommit=True) as owner:
        owner.execute(ledger.recorder._named(append.make.replace(line, "")))


LOCK = "LOCK TABLE {standing} IN EXCLUSIVE MODE;"


def accepting_the_clock() -> list[Envelope]:
    """A mark long after the year 1970, in which the other transaction is stamped."""
    return [Envelope("school/clock", 1, ClockAccepted(by=OFFICE)), mark()]


def test_a_writer_waits_and_is_numbered_after_who_was_first(postgres_url: str) -> None:
    with open_ledger(postgres_url, create=True) as ledger, transaction_under_way(ledger) as other:
        assert after_the_other(ledger, other, lambda: ledger.append(accepting_the_clock())) == [2, 3]
        assert [position for position, *_ in placed(everything(ledger))] == [1, 2, 3]


def test_without_the_lock_two_writers_collide(postgres_url: str) -> None:
    with open_ledger(postgres_url, create=True) as ledger:
        record_without(ledger, LOCK)
        with transaction_under_way(ledger) as other, pytest.raises(Conflict, match="stored_events_pkey"):
            after_the_other(ledger, other, lambda: ledger.append([mark()]))


def preferring(url: str, isolation: str) -> str:
    """Return the address, with sessions that begin transactions in that isolation unless told otherwise."""
    escaped = isolation.replace(" ", "\\ ")
    return f"{url}&options={quote(f'-cdefault_transaction_isolation={escaped}')}"


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_writer_sees_who_was_first_whatever_isolation_the_database_prefers(postgres_url: str, isolation: str) -> None:
    with (
        open_ledger(preferring(postgres_url, isolation), create=True) as ledger,
        transaction_under_way(ledger) as other,
    ):
        assert after_the_other(ledger, other, lambda: ledger.append(accepting_the_clock())) == [2, 3]


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_in_another_isolation_nothing_is_recorded(postgres_url: str, isolation: str) -> None:
    """Whoever calls the function by other means may not see who was first, and would take the same position."""
    with open_ledger(postgres_url, create=True) as ledger, psycopg.connect(ledger.address.conninfo) as connection:
        connection.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        function, nothing = f"{ledger.address.schema}.append_events", "'{}', '{}', '{}', '{}'"
        call = f"SELECT {function}({FORMAT}, 0, 0, NULL, {nothing}, 'c', '', '', '')"
        with pytest.raises(psycopg.DatabaseError, match="needs the isolation read committed"):
            connection.execute(call)
        connection.rollback()
        assert connection.execute(call).fetchone() == (0,)


def test_a_receipt_is_looked_up_after_a_save_under_way(postgres_url: str) -> None:
    with open_ledger(postgres_url, create=True) as ledger, transaction_under_way(ledger) as other:
        found = after_the_other(ledger, other, lambda: ledger.reads.receipt("elsewhere"))
        assert found[3:] == (1, 1)


def test_schools_of_one_database_do_not_wait_for_each_other(postgres_url: str) -> None:
    neighbour = f"{postgres_url}_2"
    with open_ledger(postgres_url, create=True) as ledger, transaction_under_way(ledger):
        with open_ledger(neighbour, create=True) as other:
            assert other.append([mark()]) == [1]
        with psycopg.connect(other.address.conninfo, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {other.address.schema} CASCADE")


def test_a_save_does_not_wait_for_vacuum(postgres_url: str) -> None:
    with open_ledger(postgres_url, create=True) as ledger, psycopg.connect(ledger.address.conninfo) as vacuum:
        # What VACUUM and ANALYZE hold while they work.
        vacuum.execute(f"LOCK TABLE {ledger.address.schema}.stored_events IN SHARE UPDATE EXCLUSIVE MODE")
        assert ledger.append([mark()]) == [1]
        with psycopg.connect(ledger.address.conninfo) as stock, pytest.raises(psycopg.errors.LockNotAvailable):
            stock.execute(f"LOCK TABLE {ledger.address.schema}.stored_events IN EXCLUSIVE MODE NOWAIT")
