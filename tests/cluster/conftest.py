"""An authority of twelve small schools, and a copy of it to spoil."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.authority import Authority, authority


@pytest.fixture(scope="session")
def twelve(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"), 12)


@pytest.fixture
def spoilt(twelve: Authority, tmp_path: Path) -> Path:
    """Return a copy of the archives in which a bit of one school's file has changed, and another has no manifest."""
    folder = tmp_path / "spoilt"
    shutil.copytree(twelve.folder, folder)
    marks = next((folder / "school-117003").glob("marks.*.arrow"))
    raw = marks.read_bytes()
    marks.write_bytes(raw[:-100] + bytes([raw[-100] ^ 1]) + raw[-99:])
    (folder / "school-117007" / "manifest.json").unlink()
    return folder
