"""Keys belong to one ledger: what another ledger's store, or an older copy of the right one, can and cannot do."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.models import parse
from commands.wiring import House, open_house
from ledger.errors import Misconfigured
from projections.audit.health import doctor_findings
from projections.figures.cohorts import who

BY = {"id": "off", "name": "O Fice", "title": "Office"}
SCHOOL = {"command": "OpenSchool", "urn": "117000", "name": "Example Primary", "la": "919", "estab": "2000"}
YEAR = {"command": "OpenSchoolYear", "year": "2024/25", "first_day": "2024-09-03", "last_day": "2025-07-22"}


def admission(number: str) -> dict[str, Any]:
    placed = {"starting_day": "2024-09-03", "year_group": "4", "class": "4W", "born": "2016-03-09"}
    return {"command": "AdmitPupil", "pupil": number, "name": "Ada Example", "groups": ["SEN support"]} | placed


def begun(folder: Path, name: str, keys: str | None = None) -> House:
    """Return the house of a new ledger with a school, a year and one pupil."""
    house = open_house(f"sqlite:///{folder / name}.db", keys, create=True, simulated=True)
    for line in (SCHOOL | {"policy": "national-2024"}, YEAR, admission("1042")):
        house.handler.handle(parse(line | {"by": BY}))
    return house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with begun(tmp_path, "school") as house:
        yield house


def test_another_ledgers_keys_open_nothing_and_seal_nothing(house: House, tmp_path: Path) -> None:
    begun(tmp_path, "other").close()
    with open_house(house.ledger.address.shown, f"sqlite:///{tmp_path}/other.keys.db") as mistaken:
        moment = mistaken.answers.moment()
        assert not mistaken.answers.particulars(moment, ["1042"])["1042"].readable
        with pytest.raises(Misconfigured, match="another or an older one: nothing was recorded"):
            mistaken.handler.handle(parse({"command": "ChangeGroups", "pupil": "1042", "groups": ["FSM"], "by": BY}))
        assert [finding.rule for finding in doctor_findings(mistaken.answers, moment)][:1] == ["keys_missing"]
        with pytest.raises(Misconfigured, match="cannot be read without their keys"):
            who(mistaken.answers, moment, group="SEN support")
    assert who(house.answers, house.answers.moment(), group="SEN support") == ["1042"]


def test_an_older_copy_of_the_keys_is_noticed_before_words_are_lost(house: House, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "school.keys.db") as keys:
        keys.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(tmp_path / "school.keys.db", tmp_path / "older.db")
    house.handler.handle(parse(admission("1043") | {"by": BY}))
    with open_house(house.ledger.address.shown, f"sqlite:///{tmp_path}/older.db") as mistaken:
        change = {"command": "ChangeGroups", "groups": ["FSM"], "by": BY}
        assert mistaken.handler.handle(parse(change | {"pupil": "1042"})).events == 1
        with pytest.raises(Misconfigured, match="another or an older one: nothing was recorded"):
            mistaken.handler.handle(parse(change | {"pupil": "1043"}))


def test_two_schools_share_a_store_and_no_key(house: House, tmp_path: Path) -> None:
    store = house.keys.address
    begun(tmp_path, "second", f"sqlite:///{tmp_path}/shared.db").close()
    begun(tmp_path, "third", f"sqlite:///{tmp_path}/shared.db").close()
    with sqlite3.connect(tmp_path / "shared.db") as keys:
        found = keys.execute("SELECT ledger, key FROM pupil_year_keys WHERE owner = '1042'").fetchall()
    assert len({ledger for ledger, _ in found}) == len({key for _, key in found}) == 2, store


def test_a_key_file_is_for_its_owner_only(house: House, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "school.keys.db").stat().st_mode) == 0o600


def test_a_guess_at_a_sealed_word_cannot_be_confirmed_from_the_ledger(house: House) -> None:
    from commands.models import content_digest

    guess = parse(admission("1044") | {"by": BY, "id": "x"})
    house.handler.handle(guess)
    receipt = house.ledger.reads.receipt("x")
    assert receipt is not None and receipt.digest != content_digest(guess)
