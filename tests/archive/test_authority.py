"""The made-up authority: archives like any other, whose totals by code are those of the published row."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ledger import wire
from ledger.codes import CURRENT, by_symbol
from ledger.events import MarkAmended, MarkRecorded
from projections.archive import read_manifest
from projections.archive.columns import from_parquet
from projections.archive.reading import Archive, open_archive
from projections.archive.verifying import verify
from projections.figures.absence import NUMBERS, classified
from projections.many import batches
from projections.readmodel.frames import having
from scripts.authorities.build import build
from scripts.authorities.marks import NOBODY, NOT_REQUIRED, table
from scripts.authorities.published import counts_of, published
from scripts.authorities.school import LAST_PUBLISHED

SHARE = 0.003
ROWS = published()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few thousandths of the primary schools of Hertfordshire."""
    folder: Path = tmp_path_factory.mktemp("authority") / "schools"
    with ThreadPoolExecutor(1) as pool:
        build(folder, ROWS["Hertfordshire", "Primary"], SHARE, 919, pool)
    return folder


def number_of(symbol: str) -> int:
    code = by_symbol(symbol)
    assert code is not None
    return code.id


def archives(folder: Path) -> list[Archive]:
    return [open_archive(path) for path in sorted(folder.iterdir())]


def test_the_marks_that_stand_are_the_published_ones(authority: Path) -> None:
    found = np.zeros(NUMBERS, np.int64)
    for archive in archives(authority):
        marks = archive.standing(None, archive.position, [2025])
        found += np.bincount(marks.code, minlength=NUMBERS)
    found[NOT_REQUIRED] = 0  # which is in no column of the table
    assert (found == counts_of(ROWS["Hertfordshire", "Primary"], SHARE)).all()
    assert found.sum() == pytest.approx(29_159_407 * SHARE, abs=24)


def test_the_kernels_give_back_the_published_totals(authority: Path) -> None:
    """Also as known while marks were still to be amended, when fewer were authorised."""
    question = batches.questions(sorted(authority.iterdir()), LAST_PUBLISHED, None, None)
    found = batches.summary(question, [batches.part(question, None)])
    counts = counts_of(ROWS["Hertfordshire", "Primary"], SHARE)
    sums = [found.pooled.attended, found.pooled.authorised, found.pooled.unauthorised]
    assert sums == [int(total) for total in classified(counts, CURRENT)]
    assert found.pooled.missing == 0 and not found.failed
    assert 0 < found.pooled.met < 0.2 * found.pooled.pupils
    known_at = datetime(2026, 7, 10, 18, tzinfo=UTC)
    earlier = batches.questions(sorted(authority.iterdir()), LAST_PUBLISHED, known_at, None)
    then = batches.summary(earlier, [batches.part(earlier, None)]).pooled
    assert then.possible == found.pooled.possible and then.unauthorised > found.pooled.unauthorised


def test_every_school_is_an_archive_that_holds(authority: Path) -> None:
    for archive in archives(authority):
        found = read_manifest(archive.folder)
        assert found is not None and verify(archive.folder, found) == []


def test_the_bytes_are_events(authority: Path) -> None:
    archive = archives(authority)[0]
    (segment,) = archive.manifest.segments
    states = from_parquet((archive.folder / segment.file).read_bytes())["state"].unique()
    events = list(map(wire.decode, states))
    assert {type(event) for event in events} >= {MarkRecorded, MarkAmended}


def test_the_same_seed_builds_the_same_authority(authority: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        build(tmp_path / "again", ROWS["Hertfordshire", "Primary"], SHARE, 919, pool)
    names = sorted(path.relative_to(authority) for path in authority.rglob("*.*"))
    assert names and all((authority / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in names)


@pytest.mark.parametrize("key", [key for key in ROWS if key[0] in ("Hertfordshire", "London")], ids=str)
def test_a_table_of_any_row_has_its_totals(key: tuple[str, str]) -> None:
    """Also where more afternoons than mornings are missed."""
    counts = counts_of(ROWS[key], 20_000 / int(ROWS[key]["possible"]))
    marks = table(counts, 374, np.random.default_rng(1))
    found = np.bincount(marks[marks != NOBODY], minlength=NUMBERS)
    found[NOT_REQUIRED] = 0
    assert (found == counts).all()
    assert (
        not np.isin(marks[:, 0::2], [1]).any() and not np.isin(marks[:, 1::2], [0]).any()
    )  # \ of a morning, / of a PM


def test_absence_falls_unevenly_over_pupils() -> None:
    marks = table(counts_of(ROWS["Hertfordshire", "Primary"], 0.02), 374, np.random.default_rng(1))
    absent = having(CURRENT, "absent")[marks].mean(axis=1)
    assert 0.08 < (absent >= 0.1).mean() < 0.2  # persistent; about an eighth of primary pupils are
    assert (absent >= 0.5).any() and (absent < 0.01).mean() > 0.02


def test_illness_comes_in_runs_and_holidays_in_longer_ones() -> None:
    marks = table(counts_of(ROWS["Hertfordshire", "Primary"], 0.02), 374, np.random.default_rng(1))
    codes = pl.Series(marks.reshape(-1))
    runs = codes.rle().struct.unnest()
    lengths = {code: runs.filter(pl.col("value") == code)["len"].mean() for code in runs["value"].unique()}
    illness, holiday, appointment = (lengths[number_of(symbol)] for symbol in "IGM")
    assert 1.5 < appointment + 0.5 < illness < holiday  # type: ignore[operator]


def authority_script(*arguments: str) -> subprocess.Popen[str]:
    """Start scripts/authority as its shell line does, in a group of its own, as a terminal would."""
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.authorities", *arguments],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=0,
        process_group=0,
    )


def test_the_script_builds_it(tmp_path: Path) -> None:
    out, err = authority_script("-o", str(tmp_path / "schools"), "--share", "0.001").communicate(timeout=60)
    assert out.endswith(f"rounded down), in {tmp_path / 'schools'}\n") and "Traceback" not in err
    assert archives(tmp_path / "schools") and os.listdir(tmp_path) == ["schools"]


def test_one_that_was_interrupted_leaves_nothing_that_passes_for_a_whole_one(tmp_path: Path) -> None:
    building = authority_script("-o", str(tmp_path / "schools"), "--share", "0.05")
    assert building.stderr is not None
    told = ""
    while "school 3 of" not in told:
        character = building.stderr.read(1)
        assert character, told
        told += character
    os.killpg(building.pid, signal.SIGINT)
    _, err = building.communicate(timeout=60)
    assert building.returncode == 130 and err.endswith("scripts/authority: stopped; nothing was kept\n")
    assert "Traceback" not in err and os.listdir(tmp_path) == []
