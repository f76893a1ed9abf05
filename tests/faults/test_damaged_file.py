"""A ledger's SQLite file that a disk or a copy has damaged: verify and doctor say so, and check what can be read."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from commands.wiring import open_house
from tests.support.busy import registers, settled
from tests.support.terminal import run

PAGE = 4096  # bytes, of SQLite's
Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger of some eighty pages, its keys, and a read model that is up to date."""
    folder = tmp_path_factory.mktemp("whole")
    with open_house(f"sqlite:///{folder}/school.db", create=True) as house:
        handler = settled(house.ledger)
        for register in islice(registers(), 150):
            handler.handle(register)
        house.answers.projector.catch_up()
    assert (folder / "school.db").stat().st_size > 75 * PAGE
    return folder


@pytest.fixture
def school(whole: Path, tmp_path: Path) -> Path:
    for file in whole.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path / "school.db"


def cut(part: float) -> Damage:
    return lambda path: os.truncate(path, int(path.stat().st_size * part))


def overwritten(first: float, many: int, with_: bytes = b"\xa5") -> Damage:
    def damage(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(int(path.stat().st_size * first) // PAGE * PAGE)
            file.write(with_ * (many * PAGE))

    return damage


def no_database(path: Path) -> None:
    path.write_bytes(b"no database at all\n" * 1000)


DAMAGES = {
    "cut near its end": cut(0.95),
    "cut in the middle": cut(0.5),
    "cut after its first pages": cut(0.1),
    "cut within its first page": cut(0.001),
    "its first page": overwritten(0, 1),
    "pages in the middle": overwritten(0.4, 3),
    "pages of nothing": overwritten(0.6, 5, b"\0"),
    "another file": no_database,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_verify_and_doctor_end_with_findings(school: Path, damage: Damage) -> None:
    damage(school)
    before = school.read_bytes()
    for verb in ("verify", "doctor"):
        said = run(verb, "--json", "--ledger", f"sqlite:///{school}")
        assert said.code == 1, said
        sentences = [found["sentence"] for found in said.json if found["rule"] == "database"]
        assert any("damaged" in sentence for sentence in sentences), said
        assert not any("\n" in sentence for sentence in sentences)
    assert school.read_bytes() == before
    assert sorted(path.name for path in school.parent.iterdir()) == ["school.db", "school.keys.db"]


@pytest.mark.parametrize("verb", ["absence", "penalty", "register 0A 2024-09-03", "project", "rebuild", "repair"])
def test_every_other_verb_says_it_in_one_sentence(school: Path, verb: str) -> None:
    cut(0.5)(school)
    assert "file is damaged" in run(*verb.split(), "--ledger", f"sqlite:///{school}").sentence


@pytest.mark.parametrize("part", [0.95, 0.7, 0.5])
def test_the_rows_that_can_be_read_are_still_checked(school: Path, part: float) -> None:
    content = school.read_bytes()
    marks = content.count(b'{"type":"MarkRecorded"')
    school.write_bytes(content.replace(b'{"type":"MarkRecorded"', b'!"type":"MarkRecorded"'))
    cut(part)(school)
    said = run("verify", "--json", "--ledger", f"sqlite:///{school}")
    assert said.code == 1
    lost = [
        (int(first), int(last) if last else marks * 2)
        for found in said.json
        for first, last in re.findall(r"positions (\d+) (?:on|to (\d+)) cannot be read", found["sentence"])
    ]
    spoilt = {found["position"] for found in said.json if found["rule"] == "undecodable"}
    assert len(spoilt) > marks * part / 3, (len(spoilt), marks, lost)
    assert not any(first <= position <= last for position in spoilt for first, last in lost)
