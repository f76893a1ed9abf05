"""A terminal's working folder, empty or with a school in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.terminal import run, small_school, write_journal

VARIABLES = ("ATTENDANCE_LEDGER", "ATTENDANCE_SCHOOL", "ATTENDANCE_KEYS", "ATTENDANCE_BY")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working folder; nothing is set in the environment."""
    monkeypatch.chdir(tmp_path)
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def built_school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the small school, for `school` to copy."""
    place = tmp_path_factory.mktemp("school")
    path = write_journal(place / "school.ndjson", small_school())
    assert run("replay", str(path), "--ledger", f"sqlite:///{place}/attendance.db").code == 0
    return place


@pytest.fixture
def school(folder: Path, built_school: Path) -> Path:
    """Return a working folder with a simulated ledger in the default place: two days of registers."""
    for file in built_school.glob("attendance.*"):
        shutil.copy(file, folder)
    return folder
