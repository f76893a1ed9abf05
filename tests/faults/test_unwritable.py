"""SQLite files where nothing may be written: asked and verified all the same, and no file made or grown."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from commands.wiring import open_house
from ledger.errors import LedgerError, Misconfigured
from projections.audit.health import verify_findings
from projections.figures.cohorts import absence_answers
from tests.stores.envelopes import mark
from tests.support.busy import registers, settled

Files = dict[str, tuple[int, int]]


def files(folder: Path) -> Files:
    """Return size and time of every file."""
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.iterdir())}


@pytest.fixture
def school(tmp_path: Path) -> Path:
    """A folder with a ledger, its keys and a read model that is one register behind."""
    folder = tmp_path / "school"
    folder.mkdir()
    with open_house(url(folder), create=True) as house:
        handler, (first, second) = settled(house.ledger), [next(registers()), next(registers(begin=1))]
        handler.handle(first)
        house.answers.projector.catch_up()
        handler.handle(second)
    assert sorted(files(folder)) == ["school.db", "school.keys.db"]
    return folder


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/school.db"


def asked(folder: Path) -> Any:
    with open_house(url(folder)) as house:
        moment = house.answers.moment(next(registers()).session.day)
        found = absence_answers(house.answers, moment, sorted(moment.school.pupils))
        assert verify_findings(house.ledger, house.engine) == []
        return [(each.pupil, each.possible, each.missing) for each in found]


def test_asking_leaves_the_files_as_they_were(school: Path) -> None:
    before = files(school)
    assert asked(school) and files(school) == before


@contextmanager
def mounted(*options: str) -> Iterator[list[str]]:
    """Mount by a command, or skip: it takes a right that few have."""
    command = ["mount", *options]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"may not {' '.join(command)} here")
    try:
        yield command
    finally:
        subprocess.run(["umount", options[-1]], check=True)


def test_a_mount_that_may_only_be_read(school: Path, tmp_path: Path) -> None:
    expected, place = asked(school), tmp_path / "mounted"
    place.mkdir()
    with mounted("--bind", str(school), str(place)):
        if subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], capture_output=True, check=False).returncode:
            pytest.skip("may not mount anything for reading only here")
        before = files(place)
        assert asked(place) == expected and files(place) == before
        with open_house(url(place)) as house, pytest.raises(Misconfigured, match="may only be read"):
            house.ledger.append([mark()])


def test_files_that_may_only_be_read_in_a_folder_that_may(school: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("to the superuser no file is closed")
    expected = asked(school)
    for path in school.iterdir():
        path.chmod(0o444)
    before = files(school)
    assert asked(school) == expected and files(school) == before
    school.chmod(0o555)
    assert asked(school) == expected and files(school) == before
    school.chmod(0o755)


def test_a_full_disk(school: Path, tmp_path: Path) -> None:
    expected, place = asked(school), tmp_path / "full"
    place.mkdir()
    size = sum(path.stat().st_size for path in school.iterdir())
    with mounted("-t", "tmpfs", "-o", f"size={size + 8192}", "none", str(place)):
        for path in school.iterdir():
            shutil.copy(path, place)
        with (place / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while ballast.write(bytes(4096)):
                pass
        before = files(place)
        assert asked(place) == expected and files(place) == before
        with open_house(url(place)) as house, pytest.raises(LedgerError):
            house.ledger.append([mark()])


def test_a_log_that_cannot_be_read_with_its_file_is_said_to_be_there(school: Path, tmp_path: Path) -> None:
    writing = sqlite3.connect(school / "school.db")
    writing.execute("CREATE TABLE another (id)")  # into the log, which a connection that is open keeps
    copy, place = tmp_path / "copy", tmp_path / "mounted"
    copy.mkdir()
    place.mkdir()
    for name in ("school.db", "school.db-wal", "school.keys.db"):
        shutil.copy(school / name, copy)
    writing.close()
    with mounted("--bind", str(copy), str(place)):
        if subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], capture_output=True, check=False).returncode:
            pytest.skip("may not mount anything for reading only here")
        with pytest.raises(Misconfigured, match="school.db-wal holds what is not in school.db yet"):
            open_house(url(place))


def test_a_question_to_an_empty_file_does_not_make_it_grow(tmp_path: Path) -> None:
    (tmp_path / "school.db").touch()
    with pytest.raises(Misconfigured, match="there is no ledger at"):
        open_house(url(tmp_path))
    assert files(tmp_path)["school.db"][0] == 0 and list(files(tmp_path)) == ["school.db"]


def test_a_copy_out_of_its_log_is_asked_as_it_is_and_goes_back_to_it_when_recorded_in(school: Path) -> None:
    with sqlite3.connect(school / "school.db") as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    before = files(school)
    assert asked(school) and files(school) == before
    with open_house(url(school)) as house:
        settled_school = house.handler.handle(next(registers(begin=2)))
        assert settled_school.events and house.ledger.reads._fetch("PRAGMA journal_mode") == [("wal",)]
