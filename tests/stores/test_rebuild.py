"""The rebuild: the same rows as the live projector, beside the serving generation, in whose place it comes whole."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from ledger.errors import Misconfigured
from ledger.store import Ledger, open_ledger
from projections.readmodel.fingerprints import fingerprint_at
from projections.readmodel.marks import COLUMNS, Fingerprint, Marks, fingerprint
from projections.readmodel.projector import Projector, tracked
from projections.readmodel.rebuild import _write, drop_old, rebuild, status
from projections.readmodel.replay import replayed, stored
from projections.readmodel.tables import NEXT, OLD, SERVING, open_engine, parked, rebuilding
from tests.stores.envelopes import mark, opening
from tests.support.busy import grow
from tests.support.counts import count
from tests.support.tampering import alter, insert_raw

PUPILS = ["7", "1042", "a.b-c_d", "9" * 20]
DAYS = ["2024-09-03", "2025-01-06", "2026-03-02"]
TOPIC = "entry.MarkRecorded"
GOOD = b'{"type":"MarkRecorded","v":1,"c":"/"}'
# What is no event of an entry, each in its own way.
POISON = [
    b"\xff{",
    b"",
    b"{}",
    b'{"type":"MarkRecorded","v":9,"c":"/"}',
    b'{"type":"MarkRecorded","v":1,"c":"??"}',
    b'{"type":"RegisterTaken","v":1,"marked":1}',
    GOOD + b"\n" + GOOD,
    GOOD + b"\x1f" + GOOD,
]
NO_ENTRIES = [
    "1042/2024",
    "1042/2024/2024-09-03",
    "1042/x/2024-09-03/AM",
    "a/b/2024/2024-09-03/AM",
    "1042/2024/\x1f/AM",
]


def random_ledger(ledger: Ledger, seed: int, events: int) -> None:
    """Record entries and their amendments in any order, and now and then what cannot be read, or stands nowhere."""
    rolls = random.Random(seed)
    ledger.append([opening()])
    versions: dict[str, int] = {}
    poisonous = seed % 3 and ledger.address.kind != "memory"
    for _ in range(events):
        day, half = rolls.choice(DAYS), rolls.choice(["AM", "PM"])
        stream = f"{rolls.choice(PUPILS)}/{rolls.choice([day[:4], '2024'])}/{day}/{half}"
        if poisonous and rolls.random() < 0.05:
            stream = rolls.choice([stream, *NO_ENTRIES])
        version = versions[stream] = versions.get(stream, 0) + 1
        if poisonous and rolls.random() < 0.1:
            insert_raw(ledger, stream, version, TOPIC, rolls.choice(POISON))
        elif poisonous:
            state = GOOD.replace(b"/", rolls.choice([b"/", b"N", b"I", b"C1"]))
            insert_raw(ledger, stream, version, TOPIC, state)
        else:
            ledger.append([mark(stream, version, rolls.choice(["/", "N", "I", "C1"]))])


@pytest.mark.parametrize("seed", range(count(6, 60)))
def test_bulk_and_live_hold_the_same_rows(ledger: Ledger, seed: int) -> None:
    random_ledger(ledger, seed, events=60)
    engine = open_engine(ledger)
    head = Projector(ledger, engine, batch=7).catch_up()
    live, waiting = set(stored(engine)), rows_of(engine, parked)
    assert live == replayed(ledger, head)
    done = rebuild(ledger, engine, page=1 + seed % 11)
    assert (done.position, done.rows, done.resumed_at, done.as_before) == (head, len(live), 0, True)
    assert set(stored(engine)) == live and rows_of(engine, parked) == waiting
    assert set(stored(engine, OLD)) == live
    with engine.connect() as connection:
        assert tracked(connection) == tracked(connection, OLD)
    assert Projector(ledger, engine).catch_up() == head
    assert drop_old(engine) and not drop_old(engine)


def test_what_was_recorded_meanwhile_is_in_it(ledger: Ledger) -> None:
    """Marks and amendments of every stage, of entries filled before and of new ones."""
    grow(ledger, 200)
    engine = open_engine(ledger)
    Projector(ledger, engine).catch_up()
    stages = []

    def meanwhile(stage: str, reached: int, until: int) -> None:
        if stage not in stages:
            stages.append(stage)
            stream = next(row.stream for row in ledger.reads.rows(1, 500) if versions_of(row.stream) == 1)
            ledger.append([mark(stream, 2, "I"), mark(f"m{len(stages)}/2024/2024-09-03/AM")])
            Projector(ledger, engine).catch_up()

    def versions_of(stream: str) -> int:
        return int(ledger.reads.versions_of([stream])[stream])

    done = rebuild(ledger, engine, meanwhile, page=50)
    head, _ = ledger.reads.head()
    assert stages == ["filling", "proving", "catching up"] and done.position == head and done.as_before
    assert set(stored(engine)) == replayed(ledger, head)


@pytest.mark.parametrize("somebody_records", [True, False])
def test_while_somebody_records_it_does_one_thing_at_a_time(
    somebody_records: bool, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that whoever takes a register finds a core and the disk; undisturbed, it reads ahead while it writes."""
    grow(ledger, 400)
    engine = open_engine(ledger)
    at_work, together = [0], [0]

    def noticed(work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            at_work[0] += 1
            together[0] = max(together[0], at_work[0])
            time.sleep(0.01)
            done = work(*given)
            at_work[0] -= 1
            return done

        return timed

    class Disturbed(Marks):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            if somebody_records:
                ledger.append([mark("late/2024/2024-09-03/AM")])

        lines = noticed(Marks.lines)

    monkeypatch.setattr("projections.readmodel.rebuild._write", noticed(_write))
    rebuild(ledger, engine, page=40, source=Disturbed)
    assert together == [1 if somebody_records else 2]
    assert set(stored(engine)) == replayed(ledger, ledger.reads.end())


def test_a_wrong_generation_is_replaced_and_said_to_have_been_wrong(ledger: Ledger) -> None:
    grow(ledger, 100)
    engine = open_engine(ledger)
    head = Projector(ledger, engine).catch_up()
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE entries SET code = code + 1 WHERE session = (SELECT min(session) FROM entries)")
        )
    wrong = set(stored(engine))
    assert wrong != replayed(ledger, head)
    assert rebuild(ledger, engine).as_before is False
    assert set(stored(engine)) == replayed(ledger, head)
    assert set(stored(engine, OLD)) == wrong


def test_what_does_not_read_back_takes_nobodys_place(ledger: Ledger) -> None:
    grow(ledger, 100)
    engine = open_engine(ledger)
    head = Projector(ledger, engine).catch_up()

    def spoil(stage: str, reached: int, until: int) -> None:
        with engine.begin() as connection:
            connection.execute(NEXT.entries.update().values(until_position=NEXT.entries.c.from_position + 1))

    with pytest.raises(Misconfigured, match="reads back as .* rows .* the old one goes on serving"):
        rebuild(ledger, engine, spoil)
    assert set(stored(engine)) == replayed(ledger, head)
    found = status(engine)
    assert found is not None and found.stage == "proving"
    with pytest.raises(Misconfigured, match="reads back"):  # and stays so until it begins again
        rebuild(ledger, engine)
    assert rebuild(ledger, engine, restart=True).as_before


def test_one_that_stopped_goes_on_and_two_are_refused(ledger: Ledger) -> None:
    grow(ledger, 100)
    engine = open_engine(ledger)
    stop_at_third_page = stopping_at(60)
    with pytest.raises(Stop):
        rebuild(ledger, engine, stop_at_third_page, page=20)
    left = status(engine)
    assert left is not None and left.stage == "filling" and 60 <= left.position < 101 and left.until == 101
    with engine.begin() as connection:
        # Process 1 is alive wherever this runs.
        connection.execute(rebuilding.update().values(process=f"1 on {socket.gethostname()}"))
    with pytest.raises(Misconfigured, match="another rebuild is at work .process 1 on"):
        rebuild(ledger, engine)
    with engine.begin() as connection:
        connection.execute(rebuilding.update().values(process=f"{os.getpid()} on {socket.gethostname()}"))
    done = rebuild(ledger, engine)
    assert done.resumed_at == left.position and status(engine) is None
    assert set(stored(engine)) == replayed(ledger, done.position)


@pytest.mark.parametrize("gone", [20, 41])
def test_a_position_that_is_gone_where_a_page_ends_is_said(lasting_url: str, gone: int) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        grow(ledger, 60)
        engine = open_engine(ledger)
        projector = Projector(ledger, engine, batch=gone)
        next(projector.batches())
        before = set(stored(engine))
        alter(ledger, f"DELETE FROM stored_events WHERE notification_id = {gone}")
        for _ in range(2):
            with pytest.raises(Misconfigured, match=f"holds no event at position {gone}, so nothing can be rebuilt"):
                rebuild(ledger, engine, page=gone)
            assert set(stored(engine)) == before
        with pytest.raises(Misconfigured, match=f"holds no event at position {gone}, which the read model"):
            projector.catch_up()
        engine.dispose()


def test_an_empty_ledger_is_rebuilt_to_nothing(ledger: Ledger) -> None:
    engine = open_engine(ledger)
    assert rebuild(ledger, engine) == (0, 0, 0, None)
    assert list(stored(engine)) == []


def test_a_fingerprint_depends_on_every_row_and_column_and_not_on_their_order() -> None:
    rows = [(2024, "1042", 40000 + n, 1, n % 7, 10 + n, None if n % 3 else 99) for n in range(50)]

    def of(rows: list[tuple[object, ...]]) -> Fingerprint:
        return fingerprint(pl.DataFrame(rows, schema=COLUMNS, orient="row"))

    whole = of(rows)
    assert whole == of(rows[::-1]) == of(rows[:20]) + of(rows[20:])
    assert whole != of(rows[1:]) and of([]) == Fingerprint(0, 0)
    for place in range(len(COLUMNS)):
        changed = list(rows[7])
        changed[place] = "1043" if place == 1 else (changed[place] or 0) + 1
        assert of([*rows[:7], tuple(changed), *rows[8:]]) != whole


def test_a_generation_can_be_fingerprinted_as_it_stood(ledger: Ledger) -> None:
    grow(ledger, 150)
    engine = open_engine(ledger)
    Projector(ledger, engine).catch_up()
    for position in (0, 1, 60, 151):
        then = [
            row._replace(until_position=None if (row.until_position or 0) > position else row.until_position)
            for row in replayed(ledger, 151)
            if row.from_position <= position
        ]
        assert set(then) == replayed(ledger, position)
        assert fingerprint_at(engine, SERVING, position) == fingerprint(
            pl.DataFrame(then, schema=COLUMNS, orient="row")
        )


def rows_of(engine: sa.Engine, table: sa.Table) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return sorted(map(tuple, connection.execute(sa.select(table))))


class Stop(Exception):
    pass


def stopping_at(position: int) -> Callable[[str, int, int], None]:
    def stop(stage: str, reached: int, until: int) -> None:
        if reached >= position:
            raise Stop

    return stop
