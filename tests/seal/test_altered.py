"""A ledger altered behind its back, by whoever owns the file or the tables: every verb names what it finds, and none
shows a traceback. Ledgers here are of the first release, whose tables took any value."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from commands.cli import main
from ledger.store import Ledger, open_ledger
from ledger.store.sqlite_schema import TRIGGERS
from projections.audit.health import verify_findings
from projections.readmodel.rebuild import rebuild
from projections.readmodel.tables import open_engine
from tests.support.busy import grow
from tests.support.tampering import alter

JOURNAL = Path(__file__).parents[1] / "examples" / "example-school.ndjson"
BY = {"id": "hart", "name": "A Hart", "title": "Class teacher"}
LAST = 13  # position of the amendment
SESSION = "2025-11-03/AM"
MARKS = [
    {"command": "TakeRegister", "class": "4W", "session": SESSION, "marks": {"1042": "/", "1044": "/"}}
    | {"by": BY, "at": "2025-11-03T09:00:00"},
    {"command": "AmendMark", "pupil": "1042", "session": SESSION, "code": "I", "reason": "fever", "by": BY}
    | {"at": "2025-11-03T10:00:00"},
]
ROW = "(notification_id, originator_id, originator_version, topic, state, recorded_at)"


def without_checks(connection: sqlite3.Connection) -> None:
    """Leave the tables as the first release made them: without what they check today, and without a format."""
    connection.executescript(
        "DROP TRIGGER receipts_no_delete; DELETE FROM receipts WHERE id = 'attendance: vouched for';"
        "ALTER TABLE receipts DROP COLUMN mac; DROP TABLE ledger_format; PRAGMA user_version = 0;"
        "CREATE TRIGGER receipts_no_delete BEFORE DELETE ON receipts "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;"
    )
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(
        "UPDATE sqlite_master SET sql = substr(sql, 1, instr(sql, ',\n    CHECK') - 1) || ')' "
        "WHERE name = 'stored_events' AND sql LIKE '%CHECK%'"
    )
    connection.execute(
        "UPDATE sqlite_master SET sql = substr(sql, 1, instr(sql, ',\n    CHECK') - 1) || "
        "') WITHOUT ROWID' WHERE name = 'receipts' AND sql LIKE '%CHECK%'"
    )
    connection.commit()


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger of the first release and its seal."""
    folder = tmp_path_factory.mktemp("sealed")
    url = f"sqlite:///{folder}/school.db"
    journal = folder / "journal.ndjson"
    journal.write_text(JOURNAL.read_text(encoding="utf-8") + "".join(f"{json.dumps(line)}\n" for line in MARKS))
    assert main(["replay", str(journal), "--ledger", url]) == 0
    assert main(["seal", "--new", "--seal", str(folder / "seal"), "--ledger", url]) == 0
    with closing(sqlite3.connect(folder / "school.db")) as connection:
        without_checks(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(sqlite3.connect(folder / "school.keys.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM pupil_year_keys WHERE owner = 'school/receipts'")
    return folder


class Case:
    """A copy of that ledger, to spoil."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.seal, self._capsys = folder, folder / "seal", capsys
        self.url = f"sqlite:///{folder}/school.db"

    def run(self, verb: str, *options: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = main([verb, "--ledger", self.url, *options])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def verify(self, *options: str) -> list[tuple[str, int | None]]:
        code, out, _ = self.run("verify", "--json", *options)
        found = [(each["rule"], each["position"]) for each in json.loads(out)]
        assert code == (1 if found else 0)
        return found

    def alter(self, *statements: str) -> None:
        """Change the file as its owner may: triggers are taken away and put back as they were."""
        with closing(sqlite3.connect(self.folder / "school.db", isolation_level=None)) as connection:
            triggers = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]
            for piece in TRIGGERS:
                connection.execute(f"DROP TRIGGER {piece.name}")
            before = connection.total_changes
            for statement in statements:
                connection.execute(statement)
            assert connection.total_changes > before or statements[0].startswith("CREATE"), "nothing was altered"
            for sql in triggers:
                connection.execute(sql)


@pytest.fixture
def case(sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Case:
    shutil.copytree(sealed, tmp_path / "copy")
    return Case(tmp_path / "copy", capsys)


def test_a_ledger_of_the_first_release_still_opens_and_holds(case: Case) -> None:
    assert case.verify("--seal", str(case.seal)) == []
    assert case.run("seal", "--seal", str(case.seal))[0] == 0


# --- rows where none belongs ----------------------------------------------------------------------------------------

STRAY = (
    f"INSERT INTO stored_events {ROW} SELECT {{}}, originator_id, 9, topic, state, recorded_at "
    "FROM stored_events WHERE topic = 'entry.MarkAmended'"
)


@pytest.mark.parametrize("position", [0, -7])
def test_a_row_before_the_first_is_named_by_every_check_and_answers_nothing(case: Case, position: int) -> None:
    before = case.run("history", "1042", "--json")
    case.alter(STRAY.format(position))
    assert case.run("history", "1042", "--json") == before
    assert case.verify() == [("stray", position)] == case.verify("--seal", str(case.seal))
    code, _, said = case.run("seal", "--seal", str(case.seal))
    assert code == 2 and f"the first at {position}" in said


# --- rows that are none ---------------------------------------------------------------------------------------------

UNSOUND = {
    "a fraction of a microsecond": "recorded_at = recorded_at + 0.5",
    "a time as text": "recorded_at = 'soon'",
    "a time beyond all calendars": f"recorded_at = {2**62}",
    "bytes as text": "state = CAST(state AS TEXT)",
    "a stream as bytes": "originator_id = CAST(originator_id AS BLOB)",
    "a topic as bytes": "topic = CAST(topic AS BLOB)",
    "half a version": "originator_version = originator_version + 0.5",
    "a stream in no encoding": "originator_id = CAST(x'ff' AS TEXT)",
}


@pytest.mark.parametrize("what", UNSOUND)
def test_a_row_that_no_recorder_wrote_is_named(case: Case, what: str) -> None:
    case.alter(f"UPDATE stored_events SET {UNSOUND[what]} WHERE notification_id = 6")
    assert case.verify("--seal", str(case.seal)) == [("unsound", 6)]


@pytest.mark.parametrize("position", [6, LAST])
def test_such_a_row_is_one_sentence_at_every_door(case: Case, position: int) -> None:
    case.alter(f"UPDATE stored_events SET recorded_at = 'soon' WHERE notification_id = {position}")
    assert case.verify() == [("unsound", position)]
    for verb, *options in (("rebuild",), ("seal", "--seal", str(case.seal)), ("absence",)):
        code, _, said = case.run(verb, *options)
        assert code == 2 and f"position {position} holds text as its recorded_at" in said, verb


# --- what is sound and does not fit ---------------------------------------------------------------------------------

MISFITS = {
    "an entry in another school year": (
        "UPDATE stored_events SET originator_id = replace(originator_id, '/2025/', '/2019/') "
        "WHERE notification_id = (SELECT max(notification_id) FROM stored_events WHERE topic = 'entry.MarkRecorded')",
        "entry",
    ),
    "versions changed about": (
        "UPDATE stored_events SET originator_version = originator_version + 7 WHERE notification_id = "
        "(SELECT max(notification_id) FROM stored_events WHERE topic = 'entry.MarkAmended')",
        "versions",
    ),
    "a stream that is parked and should not be": (
        "INSERT INTO parked SELECT notification_id, originator_id, topic, 'no reason' FROM stored_events "
        "WHERE notification_id = 9",
        "read_model",
    ),
    "a trigger of somebody else": (
        "CREATE TRIGGER quiet AFTER INSERT ON stored_events BEGIN DELETE FROM entries; END",
        "database",
    ),
}


@pytest.mark.parametrize("what", MISFITS)
def test_what_does_not_fit_is_found(case: Case, what: str) -> None:
    statement, rule = MISFITS[what]
    assert case.verify() == []
    case.alter(statement)
    assert rule in {found for found, _ in case.verify()}


def test_an_index_that_hides_events_from_answers_is_found(case: Case) -> None:
    case.alter(
        "PRAGMA writable_schema = ON",
        "CREATE TABLE kept AS SELECT sql FROM sqlite_master WHERE name = 'stored_events_reference'",
        "DROP INDEX stored_events_reference",
        "CREATE INDEX stored_events_reference ON stored_events (notification_id) WHERE topic = 'none'",
        "UPDATE sqlite_master SET sql = (SELECT sql FROM kept) WHERE name = 'stored_events_reference'",
        "DROP TABLE kept",
    )
    assert "database" in {rule for rule, _ in case.verify("--seal", str(case.seal))}


# --- receipts -------------------------------------------------------------------------------------------------------

RECEIPTS = {
    "deleted": "DELETE FROM receipts WHERE first_position = 4",
    "shorter": "UPDATE receipts SET events = events + 1 WHERE first_position = 4",
    "moved": "UPDATE receipts SET first_position = 5 WHERE first_position = 4",
    "of events that are not there": "INSERT INTO receipts VALUES ('x', '', '', 900, 3)",
    "of nothing somewhere": "INSERT INTO receipts VALUES ('x', '', '', 4, 0)",
    "of a fraction": "UPDATE receipts SET events = 1.5 WHERE first_position = 4",
}


@pytest.mark.parametrize("what", RECEIPTS)
def test_receipts_that_do_not_fit_the_events_are_found(case: Case, what: str) -> None:
    assert case.verify() == []
    case.alter(RECEIPTS[what])
    found = case.verify()
    assert found and {rule for rule, _ in found} <= {"receipt", "unsound"}


# --- the seal's own folder ------------------------------------------------------------------------------------------


def emptied(folder: Path) -> None:
    for path in [*(folder / "checkpoints").iterdir(), *(folder / "tiles").iterdir(), folder / "key"]:
        path.unlink()


def removed(folder: Path) -> None:
    shutil.rmtree(folder / "checkpoints")


def without_a_tile(folder: Path) -> None:
    next((folder / "tiles").iterdir()).unlink()


def short_tile(folder: Path) -> None:
    tile = next((folder / "tiles").iterdir())
    tile.write_bytes(tile.read_bytes()[:-32])


def altered_tile(folder: Path) -> None:
    tile = next((folder / "tiles").iterdir())
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (emptied, "checkpoints of this seal are gone"),
        (removed, "checkpoints of this seal are gone"),
        (without_a_tile, "000000000.tile of this seal is missing, short"),
        (short_tile, "000000000.tile of this seal is missing, short"),
        (altered_tile, "tiles of this seal are not those of its checkpoint"),
    ],
)
def test_a_seal_that_was_spoilt_accuses_no_event_and_signs_nothing(
    case: Case, spoil: Callable[[Path], None], says: str
) -> None:
    spoil(case.seal)
    code, out, _ = case.run("verify", "--seal", str(case.seal), "--json")
    (found,) = json.loads(out)
    assert code == 1 and says in found["sentence"] and found["position"] is None
    code, _, said = case.run("seal", "--seal", str(case.seal))
    assert code == 2 and (says in said or "no private key" in said)


def test_a_checkpoint_that_cannot_be_read_is_named(case: Case) -> None:
    (held,) = (case.seal / "checkpoints").iterdir()
    held.write_bytes(b"\xff")
    code, said, _ = case.run("verify", "--seal", str(case.seal))
    assert code == 1 and "cannot be read" in " ".join(said.split())
    code, _, said = case.run("seal", "--seal", str(case.seal))
    assert code == 2 and "cannot be read" in said


def test_a_seal_of_another_key_than_the_one_held_is_refused(case: Case, tmp_path: Path) -> None:
    key = (case.seal / "key.pub").read_text()
    shutil.rmtree(case.seal)
    assert case.run("seal", "--new", "--seal", str(case.seal))[0] == 0
    code, _, said = case.run("verify", "--seal", str(case.seal), "--verifier", key)
    assert code == 2 and "another key than --verifier" in said


# --- on both databases ----------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def grown(request: pytest.FixtureRequest) -> Ledger:
    """A ledger of 61 events in four transactions."""
    give: Callable[[], str] = request.getfixturevalue(f"fresh_{request.param}_url")
    ledger = open_ledger(give(), create=True)
    grow(ledger, 60, batch=20)
    return ledger


def found(ledger: Ledger) -> list[Any]:
    engine = open_engine(ledger)
    rebuild(ledger, engine)
    # Nobody was admitted to the school that this test makes.
    return [(each.rule, each.position) for each in verify_findings(ledger, engine) if each.rule != "never_admitted"]


def test_a_stray_row_is_named_on_every_database(grown: Ledger) -> None:
    assert found(grown) == []
    head, before = grown.reads.head(), grown.reads.rows(0, 100)
    stream = before[30].stream
    copied = f"SELECT -3, '{stream}', 99, topic, state, recorded_at FROM stored_events WHERE notification_id = 31"
    alter(grown, f"INSERT INTO stored_events {ROW} {copied}")
    assert ("stray", -3) in found(grown)
    assert grown.reads.head() == head and grown.reads.rows(0, 100) == before
    assert (
        {row.position for row in grown.reads.stream_rows([stream])}
        == {row.position for row in before if row.stream == stream}
        == {row.position for row in grown.reads.prefix_rows(f"{stream.partition('/')[0]}/") if row.stream == stream}
    )
    assert grown.reads.versions_of([stream])[stream] < 99 and grown.reads.rows_at([-3]) == []


def test_receipts_are_held_against_events_on_every_database(grown: Ledger) -> None:
    alter(grown, "DELETE FROM receipts WHERE first_position = 22")
    assert found(grown) == [("receipt", 22)]
    alter(grown, "UPDATE receipts SET events = 500 WHERE first_position = 42")
    assert found(grown) == [("receipt", 22), ("receipt", 61)]
