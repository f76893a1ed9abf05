"""What a seal covers, and what was put in the place of one: an owner of the folder, and of the ledger, but not of the
keys. Each test says what such a person does and what is then said of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger import note
from ledger.merkle import leaf_hash
from ledger.seal import UNSIGNED, Seal, new_seal, open_seal, read
from ledger.tiles import TILE
from tests.seal.test_seal import NAME, stored
from tests.support.terminal import run

JOURNAL = Path(__file__).parents[1] / "examples" / "example-school.ndjson"
LEDGER = ("--ledger", "sqlite:///school.db")
SEALED = ("--seal", "seal", *LEDGER)
BY = ("--by", "hart:A Hart:Class teacher")
LATER = ("mark", "1042", "2025-11-03/AM", "/", "--at", "2025-11-03T09:00", *BY, *LEDGER)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sealed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run("replay", str(JOURNAL), *LEDGER).code == 0
        assert run("seal", "--new", *SEALED).code == 0
    return folder


@pytest.fixture(autouse=True)
def folder(sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(sealed, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ATTENDANCE_SEAL", raising=False)
    return tmp_path


def tamper(position: int = 6) -> None:
    """Change an event so that all else of the database fits."""
    with closing(sqlite3.connect("school.db", isolation_level=None)) as connection:
        triggers = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        for name in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        changed = connection.execute(
            "UPDATE stored_events SET recorded_at = recorded_at - 1 WHERE notification_id = ?", (position,)
        )
        assert changed.rowcount == 1
        for sql in triggers.values():
            connection.execute(sql)


def verified(*options: str) -> tuple[int, list[str], dict[str, Any]]:
    """Return the exit code of verify, the rules of its findings, and what it says is sealed."""
    said = run("verify", *options, "--json", "--summary", *LEDGER)
    return said.code, [each["rule"] for each in said.json["findings"]], said.json["sealed"]


# --- what is covered ------------------------------------------------------------------------------------------------


def test_verify_says_up_to_where_the_ledger_is_sealed() -> None:
    assert run("verify", *SEALED).out.splitlines() == [
        "nothing found; position 9 (SIMULATED)",
        "sealed up to 9 on 2025-10-21T15:00:00+00:00; no event is later",
    ]
    assert run(*LATER).code == 0
    said = run("verify", *SEALED)
    assert said.code == 0 and said.out.splitlines()[1].startswith("sealed up to 9 on 2025-10-21T15:00:00+00:00; ")
    code, rules, covered = verified("--seal", "seal")
    assert (code, rules) == (0, [])
    later = covered["later"]
    assert (covered["position"], covered["recorded_at"]) == (9, "2025-10-21T15:00:00+00:00") and later > 0
    assert covered["sentence"] in said.out and f"{later} later event" in covered["sentence"]
    assert covered["sentence"].endswith("covered by nothing")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (("--at-least", "9"), 0),
        (("--at-least", "10"), 1),
        (("--sealed-by", "2025-10-21"), 0),
        (("--sealed-by", "2025-11-03T08:59:59"), 0),
        (("--sealed-by", "2025-11-03T09:00"), 1),
    ],
)
def test_a_seal_that_is_older_than_asked_is_a_no(asked: tuple[str, ...], code: int) -> None:
    run(*LATER)
    assert verified("--seal", "seal", *asked)[:2] == (code, ["sealed_short"] if code else [])
    if code:
        assert "covered by nothing" in " ".join(run("verify", *SEALED, *asked).out.split())
    run("seal", *SEALED)
    assert verified("--seal", "seal", *asked)[:2] == (0, [])


def test_what_nobody_looked_for_is_not_said_to_be_nothing() -> None:
    with closing(sqlite3.connect("school.keys.db", isolation_level=None)) as connection:
        connection.execute("DROP TABLE seals")
    assert "no seal was given, so nobody looked" in run("verify", *LEDGER).err
    assert verified("--at-least", "1")[:2] == (1, ["sealed_short"])


# --- another seal in its place --------------------------------------------------------------------------------------


def test_what_was_asked_to_be_checked_and_is_not_there_is_no_clean_answer() -> None:
    """A verifier key has nothing to check without a checkpoint, nor certificates without a time stamp."""
    key = Path("seal/key.pub").read_text()
    refused = run("verify", "--verifier", key, *LEDGER)
    assert refused.code == 2 and "--verifier, expected a checkpoint or a seal" in refused.err
    assert run("verify", "--verifier", key, *SEALED).code == 0
    Path("root.pem").write_text("certificates\n")
    assert verified("--seal", "seal", "--tsa-roots", "root.pem")[:2] == (1, ["stamp"])
    assert run("verify", "--tsa-roots", "nowhere.pem", *SEALED).code == 2


def test_a_fresh_seal_in_the_place_of_the_old_one_does_not_hide_what_was_changed() -> None:
    tamper()
    shutil.rmtree("seal")
    refused = run("seal", "--new", *SEALED)
    assert refused.code == 2 and "nothing was signed: an event among positions 1 to 9" in refused.err
    assert verified("--seal", "seal")[1] == ["altered"] == verified()[1]


def test_a_fresh_seal_that_was_made_elsewhere_is_not_this_ledgers(folder: Path) -> None:
    tamper()
    shutil.rmtree("seal")
    shutil.copy("school.db", "copy.db")  # and no key store beside it, which would remember
    shutil.copy("school.keys.db", "kept.db")
    Path("school.keys.db").unlink()
    assert run("seal", "--new", "--seal", "seal", "--ledger", "sqlite:///copy.db").code == 0
    shutil.copy("kept.db", "school.keys.db")
    assert set(verified("--seal", "seal")[1]) == {"seal_replaced", "altered"}
    assert "this seal's key is not that of seal 1" in run("seal", *SEALED).err


def test_whoever_owns_the_keys_too_is_noticed_with_a_checkpoint_from_outside_only() -> None:
    shutil.copytree("seal", "held")
    (held,) = Path("held/checkpoints").iterdir()
    tamper()
    shutil.rmtree("seal")
    with closing(sqlite3.connect("school.keys.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM seals")
    assert run("seal", "--new", *SEALED).code == 0
    assert verified("--seal", "seal")[:2] == (0, [])
    outside = ("--checkpoint", str(held), "--verifier", Path("held/key.pub").read_text())
    assert verified(*outside)[1] == ["altered"]


def test_a_second_seal_is_a_second_one_and_the_first_still_has_to_hold() -> None:
    made = run("seal", "--new", "--seal", "second", *LEDGER)
    assert made.code == 0 and "this is seal 2 of this ledger" in made.err
    said = run("verify", "--seal", "second", *LEDGER)
    assert said.code == 0 and "2 seals of this ledger were begun" in said.err and "this is seal 2" in said.err
    assert verified("--seal", "second")[2]["seal"] == 2 and verified("--seal", "seal")[2]["seal"] == 1
    tamper()
    assert verified("--seal", "second")[1].count("altered") >= 1


def test_a_folder_whose_last_checkpoint_was_taken_away_is_named() -> None:
    shutil.copytree("seal", "older")
    run(*LATER)
    run("seal", *SEALED)
    shutil.rmtree("seal")
    shutil.move("older", "seal")
    code, rules, covered = verified("--seal", "seal")
    assert (code, rules) == (1, ["seal"]) and covered["later"] == 0, "what the key store remembers still covers them"
    assert "its key signed up to" in " ".join(run("verify", *SEALED).out.split())


def test_an_emptied_folder_is_named_where_the_key_store_remembers_a_seal() -> None:
    shutil.rmtree("seal")
    Path("seal").mkdir()
    assert verified("--seal", "seal")[:2] == (1, ["seal"])


# --- a fork ---------------------------------------------------------------------------------------------------------


def signed_by(seal: Seal, rows: Any) -> str:
    """Return a note by the seal's key over other rows than it knows of."""
    assert seal.private is not None
    checkpoint = read(rows).checkpoint(seal.key.name)
    return note.sign(note.format_checkpoint(checkpoint), seal.key.name, seal.private)


@pytest.mark.parametrize("size", [3, 9])
def test_two_checkpoints_of_one_key_that_fit_no_history_are_a_fork(size: int) -> None:
    from commands.wiring import open_house

    with open_house(LEDGER[1]) as house:
        rows = list(house.ledger.reads.rows(0, 100))
    seal, key = open_seal(Path("seal")), Path("seal/key.pub").read_text()
    true, other = Path("true.note"), Path("other.note")
    true.write_text(signed_by(seal, rows[:size]))
    other.write_text(signed_by(seal, [*rows[: size - 1], rows[size - 1]._replace(recorded_at=1)]))
    assert verified("--seal", "seal", "--checkpoint", str(true))[:2] == (0, []), "the negative control"
    assert verified("--seal", "seal", "--checkpoint", str(other))[:2] == (1, ["fork"])
    assert "a fork: one key signed" in " ".join(run("verify", *SEALED, "--checkpoint", str(other)).out.split())
    # Without the folder too: what was remembered fits the ledger, and the other does not fit what was remembered.
    assert "fork" in verified("--checkpoint", str(other), "--verifier", key)[1]


# --- stopped and gone on --------------------------------------------------------------------------------------------


class Killed(BaseException):
    """As if the process had been ended there."""


@pytest.mark.parametrize("again", [("--new",), ()], ids=["asked as before", "asked to seal"])
def test_a_seal_that_was_stopped_at_any_write_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, again: tuple[str, ...]
) -> None:
    from ledger import durable

    stopped = 0
    for place in range(50):
        target, left = f"seal-{place}", place

        def replace(source: Any, place: Any, *, real: Any = os.replace) -> None:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            real(source, place)

        with monkeypatch.context() as patch:
            patch.setattr(durable.os, "replace", replace)
            patch.setattr(Path, "replace", lambda source, place: replace(source, place))
            try:
                run("seal", "--new", "--seal", target, *LEDGER)
            except Killed:
                stopped += 1
            else:
                break
        once_more = again if (folder / target).exists() else ("--new",)
        assert run("seal", *once_more, "--seal", target, *LEDGER).code == 0, f"stopped at write {place}"
        assert open_seal(folder / target).faults() == [] and not (folder / target / UNSIGNED).exists()
    assert stopped >= 7, "each file that is written is a place to be stopped at"
    refused = run("seal", "--new", "--seal", target, *LEDGER)
    assert refused.code == 2 and "not empty" in refused.err, "one that has signed is not begun again"


# --- tiles ----------------------------------------------------------------------------------------------------------


def test_a_proof_reads_a_few_tiles_however_many_leaves_there_are(tmp_path: Path) -> None:
    from ledger.merkle import Tree, verify_consistency, verify_inclusion
    from ledger.tiles import TiledTree, tile_faults, write_tiles

    (tmp_path / "tiles").mkdir()
    leaves = [leaf_hash(b"%d" % number) for number in range(TILE * TILE + 3 * TILE + 5)]
    write_tiles(tmp_path / "tiles", b"".join(leaves))
    whole = Tree(leaves)
    for size in (1, TILE, TILE + 1, 70 * TILE + 9, len(leaves)):
        for index in {0, size // 2, size - 1}:
            tree = TiledTree(tmp_path / "tiles", size)
            proof = tree.prove_inclusion(index)
            assert proof == whole.prove_inclusion(index, size)
            assert verify_inclusion(leaves[index], index, size, proof, whole.root(size))
            assert tree.files_read <= 6, "at most two of each level"
        tree = TiledTree(tmp_path / "tiles", len(leaves))
        proof = tree.prove_consistency(size)
        assert verify_consistency(size, len(leaves), whole.root(size), whole.root(), proof) and tree.files_read <= 8
    assert tile_faults(tmp_path / "tiles", len(leaves)) == []
    for name in ("000000003.tile", "1/000000000.tile", "2/000000000.tile"):
        path = tmp_path / "tiles" / name
        kept = path.read_bytes()
        path.write_bytes(bytes([kept[0] ^ 1]) + kept[1:])
        assert tile_faults(tmp_path / "tiles", len(leaves)) != []
        path.unlink()
        assert name in tile_faults(tmp_path / "tiles", len(leaves))[0]
        path.write_bytes(kept)


def test_the_lines_of_the_tree_of_years_are_held_to_what_was_signed(tmp_path: Path) -> None:
    made = new_seal(tmp_path / "other", NAME)
    made.sign(read(stored()))
    assert made.faults() == []
    (lines,) = (tmp_path / "other" / "years").iterdir()
    kept = lines.read_text()
    lines.write_text(kept.replace("1042/2025/entry ", "1042/2025/entry 1"))
    assert "are not those of its checkpoint" in made.faults()[0].sentence
    lines.unlink()
    assert "missing" in made.faults()[0].sentence


def test_a_checkpoint_that_says_other_rules_or_years_than_its_events_is_named() -> None:
    seal = open_seal(Path("seal"))
    assert seal.private is not None
    (path,) = Path("seal/checkpoints").iterdir()
    true = seal.checkpoints()[0]
    for said, rule in (({"rules": "0" * 64}, "rules"), ({"until": "2020-01-01T00:00:00+00:00"}, "seal")):
        text = note.format_checkpoint(true._replace(**said))
        path.write_text(note.sign(text, seal.key.name, seal.private))
        assert rule in verified("--seal", "seal")[1]
        refused = run("seal", *SEALED)
        assert refused.code == 2 and "nothing was signed: the checkpoint over 9 events was signed" in refused.err
