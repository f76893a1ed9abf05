"""PostgreSQL killed with SIGKILL, postmaster and children, under four writers: what was acknowledged is there."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from ledger.errors import Misconfigured
from ledger.store import Ledger, open_ledger, parse_address
from ledger.store.postgres import Recorder
from tests.support.busy import all_rows, lost, settled, take_registers, torn
from tests.support.children import Child, running
from tests.support.counts import count
from tests.support.postgres import Server, ServerError, temporary_server

WRITERS = 4
DURABLE = {"synchronous_commit": "on"}  # PostgreSQL's default; whoever names a setting gets a server to kill
FORGETFUL = {"synchronous_commit": "off", "wal_writer_delay": "10s"}


def take_unchecked(tell: Callable[[str], None], url: str, writer: int, begin: int = 0) -> None:
    """Take registers on whatever server there is."""
    Recorder.check = lambda self: None  # type: ignore[method-assign]
    take_registers(tell, url, writer, begin)


@contextmanager
def busy_server(settings: dict[str, str]) -> Iterator[tuple[Server, str]]:
    """Give a server of our own and the address of a settled school on it."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(temporary_server(settings))
        except ServerError as error:
            pytest.skip(f"no PostgreSQL: {error}")
        url = f"{server.new_database()}&schema=school"
        ledger = Ledger(parse_address(url, create=True))
        ledger.reads.create_table()
        settled(ledger, writers=WRITERS)
        ledger.close()
        with psycopg.connect(server.url) as connection:
            connection.execute("CHECKPOINT")
        yield server, url


def test_a_killed_server_keeps_every_acknowledged_register_and_its_writers_go_on() -> None:
    moments = random.Random(3)
    with (
        busy_server(DURABLE) as (server, url),
        running(Child(take_registers, url, writer) for writer in range(WRITERS)) as writers,
    ):
        acknowledged = [writer.hear() for writer in writers]
        for _ in range(count(3, 50)):
            time.sleep(moments.uniform(0.05, 0.5))
            server.kill()
            acknowledged += [told for writer in writers for told in writer.heard()]
            server.start()
            assert damage(url, acknowledged) == []
            acknowledged += [writer.hear() for writer in writers]
        acknowledged += [told for writer in writers for told in writer.kill()]
        assert damage(url, acknowledged) == []
        assert len(acknowledged) == len(set(acknowledged))


def test_control_a_server_that_answers_before_its_log_is_written_loses_registers() -> None:
    with busy_server(FORGETFUL) as (server, url):
        with pytest.raises(Misconfigured, match="synchronous_commit=off"):
            open_ledger(url)
        for cycle in range(10):
            with running(Child(take_unchecked, url, writer, 100 * cycle) for writer in range(WRITERS)) as writers:
                for writer in writers:
                    writer.hear()
                time.sleep(0.3)
                server.kill()
                acknowledged = [told for writer in writers for told in writer.kill()]
            server.start()
            with pytest.MonkeyPatch.context() as unchecked:
                unchecked.setattr(Recorder, "check", lambda _: None)
                if damage(url, acknowledged):
                    return
    raise AssertionError("no kill lost a register: this test would not notice one")


def damage(url: str, acknowledged: list[str]) -> list[str]:
    """Return which registers are torn, and which acknowledged ones are gone."""
    ledger = open_ledger(url)
    found = torn(all_rows(ledger)) + lost(ledger, acknowledged)
    ledger.close()
    return found
