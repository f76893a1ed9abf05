"""Many schools of one database: few connections for all of them, and one that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from itertools import islice

import psycopg
import pytest
import sqlalchemy as sa

from ledger.errors import Misconfigured
from ledger.store import Ledger, open_ledger
from ledger.store.names import at_school
from ledger.store.schools import CONNECTIONS, Head, Schools, open_schools
from projections.many.pooled import moment_of, times_of
from projections.many.schools import RETRY, Followed, SchoolState, opened_school, school_state
from projections.readmodel.projector import Projector
from projections.readmodel.rebuild import rebuild
from projections.readmodel.replay import replayed, stored
from tests.support.busy import grow, registers, settled
from tests.support.counts import count
from tests.support.tampering import forget_after

MANY = count(30, 300)


def names(number: int) -> list[str]:
    return [f"school_{117000 + n}" for n in range(number)]


def begin(url: str, name: str, events: int, seed: int = 0) -> None:
    """Make the ledger of a school, with so many events of entries."""
    with open_ledger(at_school(url, name), create=True) as ledger:
        grow(ledger, events, seed=seed)


@pytest.fixture
def schools(new_database: str) -> Iterator[Schools]:
    """Three schools."""
    for seed, name in enumerate(names(3)):
        begin(new_database, name, 40, seed)
    with Schools(new_database) as opened:
        yield opened


class Heard:
    """What was told of schools that fail and go on again."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def __call__(self, name: str, error: Exception | None) -> None:
        self.told.append((name, "" if error is None else str(error)))


def never() -> bool:
    return False


def is_true(schools: Schools, name: str) -> bool:
    """Whether a school's read model is what its ledger says."""
    ledger = schools.ledger(name)
    return set(stored(schools.engine(name))) == replayed(ledger, ledger.reads.head()[0])


def states(schools: Schools) -> dict[str, SchoolState]:
    return {name: school_state(schools, name, head, str) for name, head in schools.heads().items()}


def test_one_process_keeps_many_read_models_over_few_connections(new_database: str) -> None:
    for number, name in enumerate(names(MANY)):
        begin(new_database, name, 12 + number % 7, seed=number)
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with Schools(new_database) as schools, psycopg.connect(new_database, autocommit=True) as watching:
        seen = []

        def watched() -> bool:
            (connected,) = watching.execute(others).fetchone() or (0,)
            seen.append(connected)
            return False

        followed = Followed(schools, tell=Heard())
        assert followed.round(watched) == MANY and followed.failed == {}
        assert len(seen) > 2 * MANY and 0 < max(seen) <= CONNECTIONS
        assert all(is_true(schools, name) for name in names(MANY))
        asked = []
        sa.event.listen(schools.engine(names(1)[0]).pool, "checkout", lambda *_: asked.append(1))
        assert followed.round(watched) == 0
        assert len(asked) == 2  # the names, and the heads of all


def test_control_an_opened_ledger_for_each_school_holds_more(new_database: str) -> None:
    opened = []
    for name in names(CONNECTIONS + 1):
        opened.append(open_ledger(at_school(new_database, name), create=True))
        grow(opened[-1], 1)
    with psycopg.connect(new_database) as watching:
        held = watching.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()").fetchone()
    assert held is not None and held[0] > CONNECTIONS
    for ledger in opened:
        ledger.close()


def test_statements_prepared_at_one_school_answer_for_the_next(schools: Schools) -> None:
    for name in names(3) * 10:  # psycopg prepares what it sends for the sixth time
        school = opened_school(schools, name)
        projector = Projector(school.ledger, school.engine)
        assert projector.catch_up() == 41
        assert is_true(schools, name)


def test_a_pooled_ledger_takes_commands_like_any_other(new_database: str) -> None:
    open_ledger(at_school(new_database, "school_1"), create=True).close()
    with Schools(new_database) as schools:
        handler = settled(schools.ledger("school_1"))
        for register in islice(registers(), 10):
            assert handler.handle(register) == handler.handle(register)._replace(repeated=False)
        with open_ledger(at_school(new_database, "school_1")) as ledger:
            assert ledger.reads.rows(0, 1000) == schools.ledger("school_1").reads.rows(0, 1000)
        assert Followed(schools, tell=Heard()).round(never) == 1 and is_true(schools, "school_1")


def test_only_schemas_with_a_ledger_are_schools(schools: Schools, new_database: str) -> None:
    with psycopg.connect(new_database) as connection:
        connection.execute("CREATE SCHEMA notes; CREATE TABLE notes.entries (id bigint)")
    assert schools.names() == names(3)
    assert {name: head.position for name, head in schools.heads().items()} == dict.fromkeys(names(3), 41)
    open_ledger(at_school(new_database, "empty"), create=True).close()
    assert schools.heads()["empty"] == Head(0, 0)
    state = states(schools)["empty"]
    assert (state.name, state.position, state.recorded_at, state.fault) == ("", 0, None, "")


def test_a_database_without_schools_and_schools_that_are_not_there_are_named(new_database: str) -> None:
    with pytest.raises(Misconfigured, match="no school keeps its ledger at"):
        open_schools(new_database)
    begin(new_database, "school_1", 5)
    with pytest.raises(Misconfigured, match="there is no school school_2 at .*; the schools there are school_1$"):
        open_schools(new_database, ["1", "2"])
    with pytest.raises(Misconfigured, match="--school means schema school_2, but"):
        open_schools(at_school(new_database, "school_1"), ["2"])
    opened, chosen = open_schools(at_school(new_database, "school_1"))
    opened.close()
    assert chosen == ["school_1"]
    with pytest.raises(Misconfigured, match="kept in a PostgreSQL database"):
        open_schools("sqlite:///school.db")


def restore_behind(ledger: Ledger) -> None:
    forget_after(ledger, 20)


def replace(ledger: Ledger) -> None:
    forget_after(ledger, 0)
    grow(ledger, 60, seed=9)


def rename_a_column(ledger: Ledger) -> None:
    with psycopg.connect(ledger.address.conninfo) as connection:
        connection.execute(f"ALTER TABLE {ledger.address.schema}.entries RENAME COLUMN code TO codes")


FAULTS = {
    restore_behind: "restored behind",
    replace: "replaced or altered",
    rename_a_column: 'column "code" of relation "entries" does not exist',
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_school_that_fails_is_told_of_and_the_others_go_on(
    schools: Schools, new_database: str, fault: object
) -> None:
    heard = Heard()
    followed = Followed(schools, tell=heard)
    assert followed.round(never) == 3
    broken, *whole = names(3)
    with open_ledger(at_school(new_database, broken)) as ledger:
        fault(ledger)  # type: ignore[operator]
        grow(ledger, 5, seed=77)
    for name in whole:
        with open_ledger(at_school(new_database, name)) as ledger:
            grow(ledger, 30, seed=8)
    assert followed.round(never) == 2
    assert [name for name, _ in heard.told] == [broken] == list(followed.failed)
    assert sorted(followed.reached) == whole
    assert FAULTS[fault] in heard.told[0][1]  # type: ignore[index]
    assert all(is_true(schools, name) for name in whole)
    followed.round(never)
    assert len(heard.told) == 1  # once, however often it is looked at
    shown = states(schools)
    assert [shown[name].behind for name in whole] == [0, 0]
    if fault in (restore_behind, replace):
        assert FAULTS[fault] in shown[broken].fault
    else:
        assert shown[broken].behind > 0


def test_a_pooled_question_waits_for_a_save_that_may_be_stamped_already(schools: Schools, new_database: str) -> None:
    """Or the save would be known at a time at which it was not, when the same is asked again."""
    name = names(1)[0]
    times = times_of(schools, [name], None, None)
    with psycopg.connect(new_database) as saving, ThreadPoolExecutor() as pool:
        saving.execute(f"LOCK TABLE {name}.ledger_format IN EXCLUSIVE MODE")
        asked = pool.submit(moment_of, schools, name, times)
        with pytest.raises(NotYet):
            asked.result(0.3)
        saving.rollback()
        assert asked.result()[1].position == 41


def test_a_school_goes_on_again_once_it_is_mended(schools: Schools, new_database: str) -> None:
    heard = Heard()
    followed = Followed(schools, tell=heard)
    followed.round(never)
    broken = names(1)[0]
    with open_ledger(at_school(new_database, broken)) as ledger:
        forget_after(ledger, 20)
        followed.round(never)
        rebuild(ledger, schools.engine(broken))
    for _ in range(RETRY):
        followed.round(never)
    assert heard.told[1:] == [(broken, "")] and followed.failed == {} and is_true(schools, broken)


def test_a_round_stops_between_two_batches_and_the_next_one_goes_on(schools: Schools) -> None:
    followed = Followed(schools, tell=Heard())
    asked = iter([False] * 5 + [True] * 100)
    assert followed.round(lambda: next(asked)) < 3
    assert followed.round(never) > 0
    assert all(is_true(schools, name) for name in names(3))
    assert followed.events == 3 * 41


def test_a_database_that_is_gone_is_no_fault_of_a_school(schools: Schools, new_database: str) -> None:
    heard = Heard()
    followed = Followed(schools, tell=heard)
    followed.round(never)
    with psycopg.connect(new_database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    begin(new_database, "school_9", 10)
    assert followed.round(never) == 1 and heard.told == []  # on new connections
