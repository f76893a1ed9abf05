"""The seal: whatever somebody does to stored rows afterwards is noticed with a checkpoint from outside, and located
with leaf hashes that somebody held. An attacker here owns the database: they recompute whatever stands in it."""

from __future__ import annotations

import json
import sqlite3
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from commands.cli import main
from ledger import note, seal
from ledger.errors import Misconfigured
from ledger.merkle import SIZE, Tree, leaf_hash, verify_consistency, verify_inclusion
from ledger.note import BadNote
from ledger.seal import BrokenSeal, Reading, findings, new_seal, open_seal, read
from ledger.store.rows import Row
from ledger.store.sqlite_schema import TRIGGERS
from ledger.streams import Owner, owner_of
from ledger.wire import leaf
from tests.support.counts import count
from tests.support.schools import open_school

JOURNAL = Path(__file__).parents[1] / "examples" / "example-school.ndjson"
NAME = "attendance/117000"


@cache
def stored() -> tuple[Row, ...]:
    """Return the rows of a school with a hundred marks or so."""
    school = open_school()
    for line in JOURNAL.read_text(encoding="utf-8").splitlines():
        school.send(json.loads(line))
    by = {"id": "hart", "name": "A Hart", "title": "Class teacher"}
    for day in range(3, 29):
        for half, mark in (("AM", "/"), ("PM", "\\")):
            line = {"command": "TakeRegister", "by": by, "class": "4W", "session": f"2025-11-{day:02}/{half}"}
            hour = 9 if half == "AM" else 14
            school.refusal({**line, "at": f"2025-11-{day:02}T{hour:02}:00", "marks": {"1042": mark, "1044": mark}})
    return tuple(school.rows())


def sealed(rows: tuple[Row, ...], *sizes: int) -> Reading:
    return read(rows, sizes)


def attacked(random: Random, rows: list[Row]) -> list[Row]:
    """Return rows as somebody left them who changed, deleted, inserted, swapped or cut off events and then numbered and
    stamped what was left so that nothing looks amiss."""
    rows = list(rows)
    place = random.randrange(len(rows))
    row = rows[place]
    match random.randrange(7):
        case 0:
            raw = bytearray(row.state)
            raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)
            rows[place] = row._replace(state=bytes(raw))
        case 1:
            rows[place] = row._replace(recorded_at=row.recorded_at + random.choice((-1, 1, 86_400_000_000)))
        case 2:
            rows[place] = row._replace(stream=row.stream.replace("/AM", "/PM") + random.choice(("", "x")))
        case 3:
            del rows[place]
        case 4:
            rows.insert(place, random.choice(rows))
        case 5:
            other = random.randrange(len(rows))
            rows[place], rows[other] = rows[other], rows[place]
        case _:
            del rows[place:]
    return [each._replace(position=position) for position, each in enumerate(rows, 1)]


def test_any_attack_is_noticed_with_a_checkpoint_and_located_with_held_hashes() -> None:
    random = Random(7)
    rows = list(stored())
    honest = read(rows)
    checkpoint, held = honest.checkpoint(NAME), bytes(honest.leaves)
    tried = 0
    while tried < count(300, 2_000):
        changed = attacked(random, rows)
        if changed[: len(rows)] == rows:
            continue  # nothing but events after the checkpoint
        tried += 1
        found = findings(read(changed, [checkpoint.size]), [checkpoint], held)
        assert {finding.rule for finding in found} <= {"altered", "truncated"}
        first = next(at for at, row in enumerate(rows, 1) if changed[at - 1 : at] != [row])
        assert first in {finding.position for finding in found}


def test_without_a_checkpoint_from_outside_the_attacker_is_not_noticed() -> None:
    """The negative control: a checkpoint that the attacker could make again proves nothing."""
    changed = attacked(Random(7), list(stored()))
    reading = read(changed, [len(changed)])
    assert findings(reading, [reading.checkpoint(NAME)], bytes(reading.leaves)) == []


def test_growth_is_no_attack() -> None:
    rows = stored()
    early = read(rows[:40]).checkpoint(NAME)
    assert findings(read(rows, [40]), [early], bytes(read(rows[:40]).leaves)) == []


def test_the_last_checkpoint_that_holds_and_the_first_that_does_not_are_named() -> None:
    rows = list(stored())
    checkpoints = [read(rows[:size]).checkpoint(NAME) for size in (10, 20, 30)]
    rows[14] = rows[14]._replace(recorded_at=1)
    (found,) = findings(read(rows, [10, 20, 30]), checkpoints)
    assert "positions 11 to 20" in found.sentence


# --- one pupil's school year is complete ----------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["", "entry"])
def test_a_pupils_year_is_shown_to_be_all_there_is(family: str) -> None:
    reading = read(stored())
    checkpoint, lines = reading.checkpoint(NAME), reading.year_lines()
    assert lines == sorted(lines, key=lambda line: line.text)
    tree = Tree(leaf_hash(line.text) for line in lines)
    mine = Owner("1042", 2025)
    (index,) = (at for at, line in enumerate(lines) if (line.owner, line.family) == (mine, family))
    own = [row for row in stored() if owner_of(row.stream) == mine and row.topic.startswith(family)]
    assert lines[index].rows == len(own) > 5
    assert lines[index].digest == sha256(b"".join(leaf(*row) for row in own)).digest()
    proof = tree.prove_inclusion(index)
    assert verify_inclusion(leaf_hash(lines[index].text), index, checkpoint.years, proof, checkpoint.years_root)
    fewer = lines[index]._replace(rows=len(own) - 1, digest=sha256(b"".join(leaf(*row) for row in own[1:])).digest())
    assert not verify_inclusion(leaf_hash(fewer.text), index, checkpoint.years, proof, checkpoint.years_root)


def test_every_row_is_in_exactly_one_year() -> None:
    lines = [line for line in read(stored()).year_lines() if not line.family]
    assert sum(line.rows for line in lines) == len(stored())
    assert {line.owner for line in lines} == {owner_of(row.stream) for row in stored()}


# --- the folder -----------------------------------------------------------------------------------------------------


def test_a_seal_signs_what_continues_what_it_signed(tmp_path: Path) -> None:
    rows, made = stored(), new_seal(tmp_path / "seal", NAME)
    made.sign(read(rows[:40]))
    made.sign(read(rows, [40]))
    assert [checkpoint.size for checkpoint in open_seal(tmp_path / "seal").checkpoints()] == [40, len(rows)]
    assert made.held() == b"".join(leaf(*row) for row in rows)
    tree = Tree(made.held()[at : at + SIZE] for at in range(0, len(made.held()), SIZE))
    first, second = made.checkpoints()
    proof = tree.prove_consistency(first.size)
    assert verify_consistency(first.size, second.size, first.root, second.root, proof)


@pytest.mark.parametrize("place", [0, 20, 39])
def test_a_seal_signs_nothing_that_differs_from_what_it_signed(tmp_path: Path, place: int) -> None:
    rows, made = list(stored()), new_seal(tmp_path / "seal", NAME)
    made.sign(read(rows[:40]))
    rows[place] = rows[place]._replace(recorded_at=rows[place].recorded_at + 1)
    with pytest.raises(BrokenSeal, match=f"position {place + 1}"):
        made.sign(read(rows, [40]))
    with pytest.raises(BrokenSeal, match="position 40"):
        made.sign(read(stored()[:39], [40]))
    assert len(made.notes()) == 1


def test_without_the_private_key_it_checks_and_does_not_sign(tmp_path: Path) -> None:
    made = new_seal(tmp_path / "seal", NAME)
    made.sign(read(stored()))
    (tmp_path / "seal" / "key").unlink()
    public = open_seal(tmp_path / "seal")
    assert len(public.checkpoints()) == 1
    with pytest.raises(Misconfigured, match="no private key"):
        public.sign(read(stored(), [len(stored())]))


def test_the_private_key_is_for_the_signer_alone(tmp_path: Path) -> None:
    new_seal(tmp_path / "seal", NAME)
    assert (tmp_path / "seal" / "key").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_in_use_is_not_made_a_seal_of(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(Misconfigured, match="not empty"):
        new_seal(tmp_path, NAME)


def test_a_checkpoint_of_another_key_in_the_folder_is_noticed(tmp_path: Path) -> None:
    ours, theirs = new_seal(tmp_path / "a", NAME), new_seal(tmp_path / "b", NAME)
    theirs.sign(read(stored()))
    (file,) = (tmp_path / "b" / "checkpoints").iterdir()
    (tmp_path / "a" / "checkpoints" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(BadNote):
        ours.checkpoints()


# --- through the doors, on a real database --------------------------------------------------------------------------


@pytest.fixture
def address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    url = f"sqlite:///{tmp_path / 'school.db'}"
    assert main(["replay", str(JOURNAL), "--ledger", url]) == 0
    assert main(["seal", "--new", "--seal", str(tmp_path / "seal"), "--ledger", url]) == 0
    capsys.readouterr()
    return url


def test_a_sealed_ledger_verifies_with_its_seal_and_with_a_checkpoint_alone(address: str, tmp_path: Path) -> None:
    folder = tmp_path / "seal"
    assert main(["verify", "--seal", str(folder), "--ledger", address]) == 0
    (held,) = (folder / "checkpoints").iterdir()
    key = (folder / "key.pub").read_text()
    assert main(["verify", "--checkpoint", str(held), "--verifier", key, "--ledger", address]) == 0
    assert main(["verify", "--checkpoint", str(held), "--ledger", address]) == 2


def test_an_owner_of_the_database_who_hides_every_trace_is_found_out(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(tmp_path / "school.db") as connection:
        triggers = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]
        for piece in TRIGGERS:
            connection.execute(f"DROP TRIGGER {piece.name}")
        connection.execute("UPDATE stored_events SET recorded_at = recorded_at - 1 WHERE notification_id = 6")
        for table in ("entries", "parked", "sums", "tracking", "rebuilding"):  # which say what the event was
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for sql in triggers:
            connection.execute(sql)
    connection.close()
    assert main(["verify", "--ledger", address]) == 1, "the key store remembers what was sealed"
    with sqlite3.connect(tmp_path / "school.keys.db") as connection:
        connection.execute("DELETE FROM seals")
    connection.close()
    assert main(["verify", "--ledger", address]) == 0, "nothing inside the database gives it away"
    assert main(["verify", "--seal", str(tmp_path / "seal"), "--ledger", address, "--json"]) == 1
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [finding["position"] for finding in found if finding["position"]] == [6]
    assert main(["seal", "--seal", str(tmp_path / "seal"), "--ledger", address]) == 2
    assert "nothing was signed" in capsys.readouterr().err


def test_sealing_says_what_is_missing(address: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["seal", "--ledger", address]) == 2
    assert main(["seal", "--seal", str(tmp_path / "none"), "--ledger", address]) == 2
    assert "holds no seal" in capsys.readouterr().err


def test_tiles_and_notes_are_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between writing and renaming leaves the seal as it was."""
    made = new_seal(tmp_path / "seal", NAME)
    made.sign(read(stored()[:40]))

    def crash(self: Path, target: Path) -> None:
        raise OSError("the power went")

    monkeypatch.setattr(seal.Path, "replace", crash)
    with pytest.raises(OSError):
        made.sign(read(stored(), [40]))
    monkeypatch.undo()
    again = open_seal(tmp_path / "seal")
    assert [checkpoint.size for checkpoint in again.checkpoints()] == [40]
    assert note.parse_checkpoint(note.open_note(again.sign(read(stored(), [40])), again.key)).size == len(stored())
