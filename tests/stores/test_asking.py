"""Asking writes nothing, and answers alike however far behind the read model is, or whatever was done to it by hand."""

from __future__ import annotations

import random
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa

from commands.handle import Handler
from ledger.errors import Misconfigured
from ledger.store import Ledger, Receipt, Unavailable, open_ledger, parse_address
from projections.asking.questions import Answers
from projections.audit.health import verify_findings
from projections.figures.cohorts import absence_answers
from projections.readmodel.frames import NEVER, Entries
from projections.readmodel.model import ReadModel
from projections.readmodel.projector import Outdated, Projector
from projections.readmodel.rebuild import brought_up, rebuild
from projections.readmodel.replay import replayed, stored
from projections.readmodel.tables import make_tables, open_engine
from tests.stores.envelopes import mark
from tests.stores.test_rebuild import random_ledger
from tests.support.busy import registers, settled
from tests.support.counts import count
from tests.support.schools import agreed_keys, new_keys

YEARS = [2024, 2025]
Standing = set[tuple[str, int, int, int, int]]


def rows_of(frame: Entries) -> Standing:
    """Return the marks of a frame: pupil, session, code, from and until which position."""
    columns = (each.tolist() for each in frame[1:])
    return {(frame.pupils[pupil], *rest) for pupil, *rest in zip(*columns, strict=True)}


def by_replay(ledger: Ledger, position: int | None, until: int) -> Standing:
    """Return the same, event by event from the ledger: those standing at a position, or every version up to `until`."""
    rows = {
        (row.pupil, row.session, row.code, row.from_position, row.until_position or int(NEVER))
        for row in replayed(ledger, until if position is None else position)
    }
    return rows if position is None else {row for row in rows if row[-1] == NEVER}


def without_ends(rows: Standing) -> set[tuple[str, int, int, int]]:
    return {row[:-1] for row in rows}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("seed", range(count(2, 40)))
def test_any_lag_of_the_read_model_answers_alike(ledger: Ledger, seed: int, keep: bool) -> None:
    random_ledger(ledger, seed, events=count(30, 60))
    engine, end, rolls = open_engine(ledger), ledger.reads.end(), random.Random(seed)
    projecting = Projector(ledger, engine, batch=1 + seed % 9).batches()
    reached = 0
    while True:
        model = ReadModel(ledger, engine, keep=keep)
        for upto in [*sorted(rolls.sample(range(end + 1), 3)), end]:
            model.come_to(upto)
            assert not model.doubt and model.stored == reached
            known = max(upto, reached)
            for position in (None, upto, rolls.randint(0, upto)):
                expected = by_replay(ledger, position, known)
                found = rows_of(model.entries(YEARS, position=position))
                some = rows_of(model.entries(YEARS, ["1042", "7"], position))
                if position is None:
                    assert found == expected
                else:  # of one moment, how long a mark held afterwards is nobody's question
                    assert without_ends(found) == without_ends(expected)
                assert some == {row for row in found if row[0] in ("1042", "7")}
            since = rolls.randint(0, known)
            touched = {row for row in by_replay(ledger, None, known) if row[3] > since or since < row[4] < NEVER}
            assert rows_of(model.touched(since)) == touched
        if (following := next(projecting, None)) is None:
            return
        reached = following


# --- who may not write ----------------------------------------------------------------------------------------------


def test_asking_makes_no_tables_and_moves_no_read_model(lasting_url: str) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        handler = taken(ledger, 10)
        engine = open_engine(ledger)
        expected = asked(ledger, engine)
        assert not sa.inspect(engine).has_table("entries")
        Projector(ledger, engine).catch_up()
        at = Projector(ledger, engine).position()
        handler.handle(next(registers(begin=10)))
        assert asked(ledger, engine) != expected
        assert Projector(ledger, engine).position() == at
        engine.dispose()


@pytest.fixture
def reader_url(postgres_url: str) -> Iterator[str]:
    """The address of a ledger whose read model is behind, as an account that may only read."""
    with open_ledger(postgres_url, create=True) as ledger:
        handler = taken(ledger, 10)
        engine = open_engine(ledger)
        Projector(ledger, engine).catch_up()
        handler.handle(next(registers(begin=10)))
        engine.dispose()
        address, account, password = ledger.address, f"r_{secrets.token_hex(6)}", secrets.token_hex(16)
    with psycopg.connect(address.conninfo, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {account} LOGIN PASSWORD '{password}'")
        owner.execute(f"GRANT USAGE ON SCHEMA {address.schema} TO {account}")
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {address.schema} TO {account}")
        parts = urlsplit(postgres_url)
        yield parts._replace(netloc=f"{account}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()
        owner.execute(f"DROP OWNED BY {account}; DROP ROLE {account}")


def test_an_account_that_may_only_read_asks_and_verifies(reader_url: str, postgres_url: str) -> None:
    check_reader(reader_url, postgres_url)


def test_so_does_a_connection_on_which_nothing_can_be_written(reader_url: str, postgres_url: str) -> None:
    """As a standby's, which refuses every statement that would write."""
    check_reader(f"{postgres_url}&options=-cdefault_transaction_read_only%3Don", postgres_url)


def check_reader(url: str, owners: str) -> None:
    with open_ledger(owners) as ledger, open_ledger(url) as read:
        engines = open_engine(ledger), open_engine(read)
        assert asked(read, engines[1]) == asked(ledger, engines[0])
        assert verify_findings(read, engines[1]) == []
        with pytest.raises((Unavailable, Misconfigured, psycopg.Error, sa.exc.DBAPIError)):
            Projector(read, engines[1]).catch_up()  # control: it could not be brought up to answer
        for engine in engines:
            engine.dispose()


# --- what was done to it by hand ------------------------------------------------------------------------------------

BY_HAND = {
    "a code": "UPDATE entries SET code = 3 WHERE pupil = '0A1'",
    "codes put in each other's place": "UPDATE entries SET code = 1 - code WHERE pupil = '0A1'",
    "an end": "UPDATE entries SET until_position = 5 WHERE pupil = '0A1'",
    "a row less": "DELETE FROM entries WHERE pupil = '0A1' AND session = (SELECT min(session) FROM entries)",
    "no row left": "DELETE FROM entries WHERE pupil = '0A1'",
    "a row more": "INSERT INTO entries VALUES (2018, '0A1', 35550, 1, 3, 40, NULL)",
    "another pupil's": "UPDATE entries SET pupil = 'zz' WHERE pupil = '0A1'",
    "a sum": "UPDATE sums SET total = total + 1 WHERE pupil = '0A1'",
    "no sum": "DELETE FROM sums WHERE pupil = '0A1'",
    "an event parked that can be read": "INSERT INTO parked VALUES (60, '0A1/2018/2018-09-03/AM', 'entry.X', '')",
    "an event parked that is another": "INSERT INTO parked VALUES (3, '0A1/2018/2018-09-03/AM', 'entry.X', '')",
    "a position that none is": "UPDATE tracking SET position = 0",
    "an earlier position": "UPDATE tracking SET position = -1",
    "no position": "DELETE FROM tracking",
    "another version": "UPDATE tracking SET version = 1",
    "no table of marks": "DROP TABLE entries",
    "no table of sums": "DROP TABLE sums",
    "no table of what is parked": "DROP TABLE parked",
    "no table of where it stands": "DROP TABLE tracking",
    "a session that no day has": "UPDATE entries SET session = 99999999 WHERE pupil = '0A1' AND session = "
    "(SELECT min(session) FROM entries)",
}

NEVER_BEGUN = {"no position", "no table of where it stands"}  # what they leave looks like a read model not begun yet


@pytest.mark.parametrize("edit", BY_HAND)
def test_an_altered_read_model_is_noticed_and_not_answered_from(lasting_url: str, edit: str) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        taken(ledger, 10)
        engine = open_engine(ledger)
        Projector(ledger, engine).catch_up()
        expected = asked(ledger, engine)
        with engine.begin() as connection:
            connection.execute(sa.text(BY_HAND[edit]))
        answers = Answers(ledger, engine, new_keys())
        assert figures(answers) == expected
        if edit not in NEVER_BEGUN:
            assert answers.model.doubt
        found = verify_findings(ledger, engine)
        assert {each.rule for each in found} == {"read_model"}
        with pytest.raises(Misconfigured) if edit in BY_HAND_STOPS else nullcontext():
            Projector(ledger, engine).catch_up()
        rebuild(ledger, engine)
        assert verify_findings(ledger, engine) == [] and not fresh_doubt(ledger, engine)
        engine.dispose()


BY_HAND_STOPS = {
    "an event parked that is another",
    "an event parked that can be read",
    "a position that none is",
    "an earlier position",
    "another version",
    *NEVER_BEGUN,
}


# A column of SQLite holds whatever somebody puts there.
OF_NO_TYPE = (
    "UPDATE tracking SET position = 'x'",
    "UPDATE tracking SET version = 'x'",
    "UPDATE entries SET session = 'x' WHERE pupil = '0A1' AND session = (SELECT min(session) FROM entries)",
    "UPDATE entries SET year = 'x', code = 'y' WHERE pupil = '0A1'",
    "UPDATE sums SET year = 'x', total = 'y' WHERE pupil = '0A1'",
    "INSERT INTO parked VALUES ('x', 'y', 'entry.X', '')",
)


@pytest.mark.parametrize("edit", OF_NO_TYPE)
def test_words_in_the_place_of_numbers_stop_nobody(sqlite_url: str, edit: str) -> None:
    with open_ledger(sqlite_url, create=True) as ledger:
        taken(ledger, 10)
        engine = open_engine(ledger)
        Projector(ledger, engine).catch_up()
        expected = asked(ledger, engine)
        with engine.begin() as connection:
            connection.execute(sa.text(edit))
        assert figures(Answers(ledger, engine, new_keys())) == expected
        assert {each.rule for each in verify_findings(ledger, engine)} == {"read_model"}
        assert Handler(ledger, agreed_keys()).handle(next(registers(begin=10))).events
        rebuild(ledger, engine)
        assert verify_findings(ledger, engine) == []
        engine.dispose()


def test_control_without_sums_an_altered_code_is_answered(lasting_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        taken(ledger, 10)
        engine = open_engine(ledger)
        Projector(ledger, engine).catch_up()
        expected = asked(ledger, engine)
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE entries SET code = (SELECT max(code) + 12 FROM entries)"))
        monkeypatch.setattr("projections.readmodel.frames._check_sums", lambda *_: None)
        assert asked(ledger, engine) != expected
        engine.dispose()


@pytest.mark.parametrize("blind", [False, True], ids=["", "control"])
def test_rows_altered_between_two_questions_are_noticed(
    lasting_url: str, blind: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found right is not added up again until somebody changes the database."""
    with open_ledger(lasting_url, create=True) as ledger:
        taken(ledger, 10)
        engine, another = open_engine(ledger), open_engine(ledger)
        Projector(ledger, engine).catch_up()
        model = ReadModel(ledger, engine)

        def codes() -> list[int]:
            model.come_to(ledger.reads.end())
            return sorted(model.entries([2018]).code.tolist())

        before = codes()
        if blind:
            monkeypatch.setattr("projections.readmodel.model.state_of", lambda _: model._unchanged[0])
        with another.begin() as connection:
            connection.execute(sa.text("UPDATE entries SET code = (SELECT max(code) + 12 FROM entries)"))
        assert (codes() == before) is not blind
        assert bool(model.doubt) is not blind
        engine.dispose()
        another.dispose()


def test_a_ledger_restored_under_a_process_that_holds_its_tail(ledger: Ledger) -> None:
    """The tail in memory is held against the ledger, as the stored rows are."""
    taken(ledger, 3)
    model = ReadModel(ledger, open_engine(ledger))
    begun = model.come_to(ledger.reads.end())
    assert model.come_to(ledger.reads.end()) == begun
    model._last = model._last._replace(state=b"another") if model._last else None
    assert model.come_to(ledger.reads.end()) != begun


def test_what_another_release_brought_up_is_built_again(lasting_url: str) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        taken(ledger, 3)
        engine = open_engine(ledger)
        head = Projector(ledger, engine).catch_up()
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE tracking SET version = version - 1"))
        with pytest.raises(Outdated, match="this release's of version"):
            Projector(ledger, engine).catch_up()
        assert brought_up(ledger, engine) == head
        assert set(stored(engine)) == replayed(ledger, head) and not fresh_doubt(ledger, engine)
        engine.dispose()


def test_a_read_model_from_before_there_were_versions(lasting_url: str) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        taken(ledger, 3)
        engine = open_engine(ledger)
        head = Projector(ledger, engine).catch_up()
        expected = asked(ledger, engine)
        with engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE tracking DROP COLUMN version"))
            connection.execute(sa.text("DROP TABLE sums"))
        answers = Answers(ledger, engine, new_keys())
        assert figures(answers) == expected and "of version 1" in answers.model.doubt
        assert "of version 1" in verify_findings(ledger, engine)[0].sentence
        make_tables(engine)
        assert brought_up(ledger, engine) == head and not fresh_doubt(ledger, engine)
        engine.dispose()


# --- verify -----------------------------------------------------------------------------------------------------------


def test_an_event_about_nobody_is_a_finding(lasting_url: str) -> None:
    with open_ledger(lasting_url, create=True) as ledger:
        taken(ledger, 1)
        engine = open_engine(ledger)
        about = [mark(f"1099/2024/2024-09-03/{half}") for half in ("AM", "PM")]
        (first, _) = ledger.append(about, receipt=Receipt("r", "", "test"))
        found = [(each.rule, each.pupil, each.position) for each in verify_findings(ledger, engine)]
        assert found == [("never_admitted", "1099", first)]
        engine.dispose()


def test_what_is_wrong_with_a_ledger_is_examined_and_nothing_recorded(sqlite_url: str) -> None:
    with open_ledger(sqlite_url, create=True) as ledger:
        taken(ledger, 1)
    with sqlite3.connect(Path(parse_address(sqlite_url).shown.removeprefix("sqlite:///"))) as connection:
        connection.execute("DROP TRIGGER stored_events_no_delete")
    connection.close()
    with pytest.raises(Misconfigured, match="trigger stored_events_no_delete is gone"):
        open_ledger(sqlite_url)
    with open_ledger(sqlite_url, examining=True) as ledger:
        engine = open_engine(ledger)
        found = [each.sentence for each in verify_findings(ledger, engine)]
        assert any("trigger stored_events_no_delete is gone" in sentence for sentence in found)
        with pytest.raises(Misconfigured, match="trigger stored_events_no_delete is gone"):
            ledger.append([mark()])
        engine.dispose()


# --- what is asked --------------------------------------------------------------------------------------------------


def taken(ledger: Ledger, many: int) -> Handler:
    """Return the handler of a new school in which so many registers were taken."""
    handler = settled(ledger)
    for register in islice(registers(), many):
        handler.handle(register)
    return handler


def figures(answers: Answers) -> list[tuple[str, int, int, int]]:
    moment = answers.moment(next(registers()).session.day.replace(month=12))
    pupils = sorted(moment.school.pupils)
    found = [*absence_answers(answers, moment, pupils), *absence_answers(answers, moment, pupils[:3])]
    return [(each.pupil, each.possible, each.attended, each.missing) for each in found]


def asked(ledger: Ledger, engine: sa.Engine) -> list[tuple[str, int, int, int]]:
    answers = Answers(ledger, engine, new_keys())
    found = figures(answers)
    assert not answers.model.doubt
    return found


def fresh_doubt(ledger: Ledger, engine: sa.Engine) -> str:
    answers = Answers(ledger, engine, new_keys())
    figures(answers)
    return answers.model.doubt
