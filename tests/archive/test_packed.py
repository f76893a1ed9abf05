"""Packed files give back what was put in, and of a year's marks those that stood at any position."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ledger.errors import Misconfigured
from ledger.store import Row, open_ledger
from projections.archive.packed import (
    pack_marks,
    pack_references,
    pack_times,
    unpack_marks,
    unpack_references,
    unpack_times,
)
from projections.archive.reading import open_archive
from projections.readmodel.frames import NEVER, Entries, end_each
from tests.archive.test_archive import in_parts
from tests.stores.test_rebuild import random_ledger
from tests.support.counts import count


def random_marks(seed: int) -> Entries:
    """Return marks in several versions each, in order of position, as they come about in a ledger."""
    random = np.random.default_rng(seed)
    length = int(random.integers(0, 400))
    position = np.sort(random.choice(np.arange(1, 3 * length + 1), length, replace=False))
    pupils = sorted({str(number) for number in random.integers(1, 1 + seed, length)})
    place = random.permutation(np.arange(length) % max(1, len(pupils)))
    columns = place.astype(np.int32), random.integers(40_000, 40_010, length, np.int32), place.astype(np.uint8)
    marks = end_each(Entries(pupils, *columns, position, np.full(length, NEVER)))
    return marks.take(np.argsort(marks.from_position))


def same(one: Entries, other: Entries) -> bool:
    one, other = (each.take(np.argsort(each.from_position)) for each in (one, other))
    return one.pupils == other.pupils and all(map(np.array_equal, one[1:], other[1:]))


@pytest.mark.parametrize("seed", range(1, count(30, 600)))
def test_marks_come_back_as_they_stood_at_any_position(seed: int) -> None:
    marks = random_marks(seed)
    raw = pack_marks(marks)
    assert same(unpack_marks(raw), marks)
    for position in range(0, 3 * len(marks.pupil) + 3, 7):
        known = marks.known_at(position)
        assert same(unpack_marks(raw, position), known._replace(until_position=np.full(len(known.pupil), NEVER)))


@pytest.mark.parametrize("seed", range(count(4, 40)))
def test_each_mark_is_ended_by_the_next_of_its_session(seed: int) -> None:
    marks = random_marks(seed + 50)
    for row in range(len(marks.pupil)):
        again = (marks.pupil == marks.pupil[row]) & (marks.session == marks.session[row])
        later = marks.from_position[again & (marks.from_position > marks.from_position[row])]
        assert marks.until_position[row] == later.min(initial=NEVER)


@pytest.mark.parametrize("seed", range(count(4, 40)))
def test_an_archive_says_when_each_position_was_recorded(
    seed: int, fresh_url: Callable[[], str], tmp_path: Path
) -> None:
    with open_ledger(fresh_url(), create=True) as ledger:
        random_ledger(ledger, seed, events=50)
        in_parts(ledger, tmp_path / "a", 1 + seed % 3)
        archive, rows = open_archive(tmp_path / "a"), ledger.reads.rows(0, 1_000)
        assert archive.times.tolist() == [row.recorded_at for row in rows]
        assert archive.references == ledger.reads.reference_rows(0)


def test_references_and_times_come_back() -> None:
    rows = [Row(1, "school", 1, "school.Opened", 2**53 + 1, b"\x00{"), Row(7, "é/roll", 3, "x", -5, b"")]
    assert unpack_references(pack_references(rows)) == rows and unpack_references(pack_references([])) == []
    times = np.array([2**53 + 1, 2**53 + 1, 2**53 + 9])
    assert np.array_equal(unpack_times(pack_times(times)), times)


@pytest.mark.parametrize("seed", range(count(40, 2_000)))
def test_a_damaged_file_is_read_or_refused_in_a_sentence(seed: int) -> None:
    raw = bytearray(pack_marks(random_marks(7)))
    random = np.random.default_rng(seed)
    for place in random.integers(0, len(raw), 1 + seed % 3):
        raw[place] ^= 1 << int(random.integers(8))
    try:
        unpack_marks(bytes(raw), 20)
    except Misconfigured as error:
        assert "a file of the archive" in str(error)


@pytest.mark.parametrize("cut", [0, 1, 8, 100, -1, -9])
def test_a_file_that_was_cut_is_said_to_be_none(cut: int) -> None:
    raw = pack_times(np.arange(100))
    with pytest.raises(Misconfigured, match="a file of the archive is no Arrow file"):
        unpack_times(raw[:cut])


def test_a_file_of_other_columns_is_refused() -> None:
    with pytest.raises(Misconfigured, match="holds other columns"):
        unpack_marks(pack_times(np.arange(3)))
    sink = pa.BufferOutputStream()
    batch = pa.record_batch({"step": pa.array([1], pa.int64())})
    with pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
        writer.write_batch(batch)
    with pytest.raises(Misconfigured, match="holds other columns"):
        unpack_times(bytes(sink.getvalue()))
