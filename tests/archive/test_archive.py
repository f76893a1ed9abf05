"""The archive: exactly what the ledger says, written once, and whatever somebody does to it afterwards is noticed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import ipc

from ledger.errors import Misconfigured
from ledger.seal import BrokenSeal, Seal, new_seal, read
from ledger.sessions import micros
from ledger.store import Ledger, open_ledger
from projections.archive import MANIFEST, NOTE, Held, Manifest, encode, read_manifest
from projections.archive.columns import MARK, SEGMENT, from_parquet, rows_of, segment_of, to_parquet
from projections.archive.packed import (
    pack_marks,
    pack_references,
    pack_times,
    unpack_marks,
    unpack_references,
    unpack_times,
)
from projections.archive.verifying import verify
from projections.archive.writing import Written, end_of_last_year, spans, write
from projections.readmodel.frames import NEVER
from projections.readmodel.replay import replayed
from tests.stores.envelopes import mark, opening
from tests.stores.test_rebuild import random_ledger
from tests.support.counts import count
from tests.support.random_school import journal
from tests.support.schools import OpenedSchool, agreed_keys, open_school
from tests.support.tampering import insert_raw

NAME = "attendance/117000"
Fresh = Callable[[], str]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of a school that lived through six weeks, for `school` to copy."""
    file = tmp_path_factory.mktemp("lived") / "school.db"
    open_school(f"sqlite:///{file}", agreed_keys()).replay(journal(3, 30, 5)).close()
    return file


@pytest.fixture
def school(lived: Path, tmp_path: Path) -> Iterator[OpenedSchool]:
    """A school that lived through six weeks."""
    file = shutil.copy(lived, tmp_path / "lived.db")
    with closing(open_school(f"sqlite:///{file}", agreed_keys())) as opened:
        yield opened


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    return new_seal(tmp_path / "seal", NAME)


def archived(ledger: Ledger, folder: Path, position: int | None = None, seal: Seal | None = None) -> Written:
    """Return what is written of everything up to a position, or of all."""
    (row,) = ledger.reads.rows_at([position or ledger.reads.head()[0]])
    return write(ledger, folder, row.recorded_at, seal)


def in_parts(ledger: Ledger, folder: Path, parts: int) -> Held:
    """Return the archive of all that a ledger holds, written in several goes."""
    head, _ = ledger.reads.head()
    for part in range(1, parts + 1):
        archived(ledger, folder, max(1, head * part // parts))
    return held(folder)


def held(folder: Path) -> Held:
    found = read_manifest(folder)
    assert found is not None
    return found


def bytes_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def frames(folder: Path) -> list[pl.DataFrame]:
    return [from_parquet((folder / each.file).read_bytes()) for each in held(folder).manifest.segments]


def sentences(folder: Path, *given: Any) -> list[str]:
    return [f"{each.sentence} {each.position or ''}".strip() for each in verify(folder, held(folder), *given)]


def test_a_segment_is_what_was_recorded_from_1_august_to_31_july_in_london() -> None:
    moments = [
        datetime(2025, 7, 31, 22, 59, 59, 999999, tzinfo=UTC),  # the last microsecond of July in London
        datetime(2025, 7, 31, 23, tzinfo=UTC),
        datetime(2027, 1, 5, tzinfo=UTC),
        datetime(2027, 8, 1, 9, tzinfo=UTC),
    ]
    with open_ledger("memory:", create=True) as ledger:
        ledger.append([opening(), mark()], at=micros(moments[0]))
        for number, moment in enumerate(moments[1:]):
            ledger.append([mark(f"{number}/2024/2024-09-03/AM")], at=micros(moment))
        found = list(spans(ledger, 0, micros(moments[-1])))
        assert found == [(2024, 1, 2), (2025, 3, 3), (2026, 4, 4), (2027, 5, 5)]
        over = [end_of_last_year(date(2027, 7, 31)), end_of_last_year(date(2027, 8, 1))]
        assert [list(spans(ledger, 2, until)) for until in over] == [[(2025, 3, 3)], [(2025, 3, 3), (2026, 4, 4)]]


@pytest.mark.parametrize("seed", range(count(4, 40)))
def test_the_columns_say_what_the_read_model_says(seed: int, fresh_url: Fresh, tmp_path: Path) -> None:
    """Also of events that cannot be read, and of what follows them in their entries, in later segments, too."""
    with open_ledger(fresh_url(), create=True) as ledger:
        random_ledger(ledger, seed, events=50)
        in_parts(ledger, tmp_path / "a", 1 + seed % 4)
        assert verify(tmp_path / "a", held(tmp_path / "a"), ledger) == []
        found = frames(tmp_path / "a")
        assert [row for frame in found for row in rows_of(frame)] == ledger.reads.rows(0, 1_000)
        assert all(frame.schema == pl.Schema(SEGMENT) for frame in found)
        assert all(frame.equals(frame.sort("stream", "version")) for frame in found)
        marks = pl.concat(found).filter(pl.col("code").is_not_null())
        said = marks.select("year", "pupil", "session", "version", "code", "position").rows()
        expected = replayed(ledger, len(ledger.reads.rows(0, 1_000)))
        assert sorted(said) == sorted(row[:6] for row in expected)
        for segment, frame in zip(held(tmp_path / "a").manifest.segments, found, strict=True):
            ends = frame.filter(pl.col("code").is_not_null()).select("position", "until_position").rows()
            ended = {row.from_position: row.until_position for row in expected}
            assert all(until == (ended[at] if (ended[at] or 2**62) <= segment.last else None) for at, until in ends)


def test_written_again_nothing_changes(school: OpenedSchool, tmp_path: Path) -> None:
    once = in_parts(school.ledger, tmp_path / "a", 3)
    before = bytes_of(tmp_path / "a")
    assert len(once.manifest.segments) == 3
    again = archived(school.ledger, tmp_path / "a")
    assert again == (once.manifest, [], False)
    assert bytes_of(tmp_path / "a") == before
    in_parts(school.ledger, tmp_path / "b", 3)
    assert {name: raw for name, (raw, _) in bytes_of(tmp_path / "b").items()} == {
        name: raw for name, (raw, _) in before.items()
    }


def test_a_school_year_to_which_nothing_is_added_keeps_its_file(tmp_path: Path) -> None:
    with open_ledger("memory:", create=True) as ledger:
        ledger.append([opening(), mark("1/2024/2024-09-03/AM")])
        before = archived(ledger, tmp_path).manifest
        kept = bytes_of(tmp_path)
        ledger.append([mark("1/2025/2025-09-03/AM")])
        after = archived(ledger, tmp_path).manifest
        assert before is not None and after is not None and after.marks[0] == before.marks[0]
        assert [each.year for each in after.marks] == [2024, 2025]
        assert bytes_of(tmp_path)[after.marks[0].file] == kept[after.marks[0].file]
        ledger.append([mark("1/2024/2024-09-03/AM", 2, "I")])
        last = archived(ledger, tmp_path).manifest
        assert last is not None and [each.rows for each in last.marks] == [2, 1]
        assert before.marks[0].file not in bytes_of(tmp_path) and sentences(tmp_path, ledger) == []


def test_what_a_killed_run_left_stands_in_nobodys_way(school: OpenedSchool, tmp_path: Path) -> None:
    in_parts(school.ledger, tmp_path / "a", 2)
    whole = {name: raw for name, (raw, _) in bytes_of(tmp_path / "a").items()}
    in_parts(school.ledger, tmp_path / "b", 2)
    (tmp_path / "b" / MANIFEST).unlink()
    last = held(tmp_path / "a").manifest.segments[-1].file
    (tmp_path / "b" / last).write_bytes(whole[last][:100])
    in_parts(school.ledger, tmp_path / "b", 2)
    assert {name: raw for name, (raw, _) in bytes_of(tmp_path / "b").items()} == whole


def test_nothing_is_added_to_a_segment_that_is_not_the_one_written(school: OpenedSchool, tmp_path: Path) -> None:
    first = in_parts(school.ledger, tmp_path, 2).manifest.segments[0]
    raw = (tmp_path / first.file).read_bytes()
    (tmp_path / first.file).write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(Misconfigured, match="is not the file whose digest is in the manifest"):
        archived(school.ledger, tmp_path)
    (tmp_path / first.file).unlink()
    with pytest.raises(Misconfigured, match="cannot be read: No such file"):
        archived(school.ledger, tmp_path)


def test_nothing_is_added_for_a_ledger_that_is_not_the_one_archived(
    school: OpenedSchool, fresh_sqlite_url: Fresh, tmp_path: Path
) -> None:
    in_parts(school.ledger, tmp_path, 2)
    rows = school.rows()
    with open_ledger(fresh_sqlite_url(), create=True) as other:
        for row in rows:
            state = row.state.replace(b'"c":"/"', b'"c":"I"') if row.position == changed(rows) else row.state
            last = other.reads.head()[1]
            insert_raw(other, row.stream, row.version, row.topic, state, ahead=row.recorded_at - last)
        with pytest.raises(Misconfigured, match=r"an event among positions 1 to \d+ of the ledger is not the one in"):
            archived(other, tmp_path)
        assert sentences(tmp_path, other) == [
            f"in {held(tmp_path).manifest.segments[0].file} this row is not the ledger's event {changed(rows)}"
        ]
    with open_ledger("memory:", create=True) as another:
        another.append([opening()])
        with pytest.raises(Misconfigured, match="is of another ledger, school"):
            archived(another, tmp_path)
        assert "of another ledger" in sentences(tmp_path, another)[0]


def changed(rows: list[Any]) -> int:
    """Return the position of the first morning mark of somebody present."""
    return next(int(row.position) for row in rows if b'"c":"/"' in row.state)


def rewritten(folder: Path, column: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Change the first segment, and its digest in the manifest, as somebody would who owns the folder."""
    manifest = held(folder).manifest
    first = manifest.segments[0]
    raw = to_parquet(change(from_parquet((folder / first.file).read_bytes())))
    (folder / first.file).write_bytes(raw)
    told = json.loads((folder / MANIFEST).read_bytes())
    told["segments"][0]["sha256"] = hashlib.sha256(raw).hexdigest()
    (folder / MANIFEST).write_bytes(json.dumps(told).encode())


def set_at(position: int, column: str, value: Any) -> Callable[[pl.DataFrame], pl.DataFrame]:
    there = pl.col("position") == position
    kind = SEGMENT[column]
    return lambda frame: frame.with_columns(
        pl.when(there).then(pl.lit(value, dtype=kind)).otherwise(pl.col(column)).alias(column)
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [("state", b"{}"), ("recorded_at", 7), ("topic", "entry.MarkAmended"), ("version", 9), ("stream", "x/roll")],
)
def test_a_stored_row_that_was_changed_is_named(
    column: str, value: Any, school: OpenedSchool, seal: Seal, tmp_path: Path
) -> None:
    """The attacker put the digest right. By itself the archive contradicts its root; with the ledger, the row is
    named; with the key, the signature is not of this manifest."""
    folder = tmp_path / "a"
    archived(school.ledger, folder, seal=seal)
    position = changed(school.rows())
    rewritten(folder, column, set_at(position, column, value))
    file = held(folder).manifest.segments[0].file
    assert sentences(folder) == [f"the rows up to the end of {file} are not those of the manifest"]
    assert sentences(folder, school.ledger)[0] == f"in {file} this row is not the ledger's event {position}"
    assert "signs the manifest, was signed for another" in sentences(folder, None, seal.key)[0]


@pytest.mark.parametrize(
    ("column", "value"), [("code", 3), ("pupil", "x"), ("session", 1), ("until_position", 5), ("year", 1)]
)
def test_a_column_that_is_not_what_the_bytes_say_is_named(
    column: str, value: Any, school: OpenedSchool, tmp_path: Path
) -> None:
    archived(school.ledger, tmp_path)
    position = changed(school.rows())
    assert column in MARK
    rewritten(tmp_path, column, set_at(position, column, value))
    file = held(tmp_path).manifest.segments[0].file
    assert sentences(tmp_path) == [f"in {file} the columns of this row are not what its bytes say {position}"]


def test_files_that_were_changed_lost_or_cut_are_named(school: OpenedSchool, tmp_path: Path) -> None:
    manifest = in_parts(school.ledger, tmp_path, 2).manifest
    assert sentences(tmp_path) == []
    for file in manifest.files:
        raw = (tmp_path / file.file).read_bytes()
        for bad in (raw[:-1], raw[:40] + bytes([raw[40] ^ 1]) + raw[41:], b""):
            (tmp_path / file.file).write_bytes(bad)
            assert any(file.file in sentence for sentence in sentences(tmp_path)), file.file
        (tmp_path / file.file).unlink()
        assert any(file.file in sentence for sentence in sentences(tmp_path))
        (tmp_path / file.file).write_bytes(raw)


def batches_of(raw: bytes) -> list[pa.RecordBatch]:
    reader = ipc.open_file(raw)
    return [reader.get_batch(place) for place in range(reader.num_record_batches)]


def arrow_file(batches: list[pa.RecordBatch]) -> bytes:
    sink = pa.BufferOutputStream()
    with ipc.new_file(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return bytes(sink.getvalue())


def otherwise(file: str, raw: bytes) -> Iterator[bytes]:
    """Yield files of the same kind that say something else."""
    yield b"no such file"
    match file.partition(".")[0]:
        case "references":
            rows = unpack_references(raw)
            yield pack_references(rows[:-1])
            yield pack_references([rows[0]._replace(recorded_at=7), *rows[1:]])
        case "times":
            yield pack_times(unpack_times(raw) + 1)
            yield pack_times(unpack_times(raw)[:-1])
        case "marks":
            marks = unpack_marks(raw)
            yield pack_marks(marks._replace(code=marks.code ^ 1))
            yield pack_marks(marks._replace(until_position=np.full(len(marks.code), NEVER)))
            yield pack_marks(marks._replace(pupils=[f"{pupil}x" for pupil in marks.pupils]))
            yield pack_times(marks.from_position)
            standing, amended = batches_of(raw)
            assert len(standing) > 1 and len(amended) > 0
            yield arrow_file([amended, standing])
            yield arrow_file([standing.take(list(range(len(standing)))[::-1]), amended])
        case _:
            yield to_parquet(from_parquet(raw)[1:])


def test_a_file_beside_the_segments_that_says_something_else_is_named(school: OpenedSchool, tmp_path: Path) -> None:
    """Also where its digest in the manifest was put right."""
    found = in_parts(school.ledger, tmp_path, 2)
    changed = [each for each in found.manifest.tables if each.rows]
    assert {each.file.partition(".")[0] for each in changed} >= {"roll", "calendar", "references", "times", "marks"}
    for table in changed:
        raw = (tmp_path / table.file).read_bytes()
        for other in otherwise(table.file, raw):
            (tmp_path / table.file).write_bytes(other)
            told = found.raw.replace(table.sha256.encode(), hashlib.sha256(other).hexdigest().encode())
            (tmp_path / MANIFEST).write_bytes(told)
            assert sentences(tmp_path) == [f"{table.file} is not what the events in the archive say"]
        (tmp_path / table.file).write_bytes(raw)
        told, miscounted = re.subn(rb'%s",\s+"rows": ' % table.sha256.encode(), rb"\g<0>9", found.raw)
        assert miscounted == 1
        (tmp_path / MANIFEST).write_bytes(told)
        assert sentences(tmp_path) == [f"{table.file} is not what the events in the archive say"]
    (tmp_path / MANIFEST).write_bytes(found.raw)
    assert sentences(tmp_path) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("position", 5), ("urn", "000000"), ("simulated", False), ("root", "00"), ("ledger", "00")],
)
def test_what_the_manifest_says_of_the_whole_archive_is_held_against_it(
    field: str, value: Any, school: OpenedSchool, tmp_path: Path
) -> None:
    manifest = in_parts(school.ledger, tmp_path, 2).manifest
    (tmp_path / MANIFEST).write_bytes(encode(msgspec.structs.replace(manifest, **{field: value})))
    assert sentences(tmp_path) == ["the manifest says of the archive what is not so"]


def test_a_school_year_that_the_manifest_does_not_name_is_missed(school: OpenedSchool, tmp_path: Path) -> None:
    manifest = in_parts(school.ledger, tmp_path, 1).manifest
    without = msgspec.structs.replace(manifest, marks=[])
    (tmp_path / MANIFEST).write_bytes(encode(without))
    assert sentences(tmp_path) == ["the manifest names no marks of 2024/25, of which there are some"]
    twice = [manifest.marks[0], msgspec.structs.replace(manifest.marks[0], year=2031)]
    (tmp_path / MANIFEST).write_bytes(encode(msgspec.structs.replace(manifest, marks=twice)))
    assert sentences(tmp_path) == [f"{manifest.marks[0].file} is not what the events in the archive say"]


def test_a_manifest_is_signed_by_the_seal_and_by_no_other(school: OpenedSchool, seal: Seal, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    head, _ = school.ledger.reads.head()
    assert not archived(school.ledger, folder, head // 2).signed
    assert sentences(folder, None, seal.key) == [f"{NOTE}, in which {NAME} signs the manifest, is not there"]
    assert archived(school.ledger, folder, head // 2, seal).signed
    assert sentences(folder, school.ledger, seal.key) == []
    other = new_seal(tmp_path / "other", NAME)
    assert "by another key" in sentences(folder, None, other.key)[0]
    # More was added and nobody signed it: then there is no signature rather than one of something else.
    assert not archived(school.ledger, folder).signed
    assert archived(school.ledger, folder, seal=seal).signed
    assert sentences(folder, school.ledger, seal.key) == []


def test_a_seal_signs_no_archive_of_a_ledger_that_it_did_not_sign(
    school: OpenedSchool, seal: Seal, tmp_path: Path
) -> None:
    rows = school.rows()
    forged = [row._replace(state=b"{}") if row.position == 3 else row for row in rows]
    seal.sign(read(forged))
    with pytest.raises(BrokenSeal, match=r"nothing was signed: .* \(position 3\)"):
        archived(school.ledger, tmp_path / "a", seal=seal)
    assert read_manifest(tmp_path / "a") is None


def test_an_archive_is_read_by_duckdb(school: OpenedSchool, tmp_path: Path) -> None:
    in_parts(school.ledger, tmp_path, 2)
    expected = replayed(school.ledger, school.ledger.reads.head()[0])
    found = duckdb.sql(
        f"SELECT year, pupil, session, version, code, position FROM '{tmp_path}/20*.parquet' WHERE code IS NOT NULL"
    ).fetchall()
    assert sorted(found) == sorted(row[:6] for row in expected)
    states = duckdb.sql(f"SELECT state FROM '{tmp_path}/20*.parquet' ORDER BY position").fetchall()
    assert [state for (state,) in states] == [row.state for row in school.rows()]
    pupils = duckdb.sql(f"SELECT DISTINCT pupil FROM '{tmp_path}/roll.*.parquet'").fetchall()
    known = school.answers.moment().school
    assert {pupil for (pupil,) in pupils} == set(known.pupils)
    sessions = duckdb.sql(f"SELECT session FROM '{tmp_path}/calendar.*.parquet' WHERE year = 2024").fetchall()
    assert [session for (session,) in sessions] == known.calendar.session_numbers(2024)


def test_a_segment_and_its_rows_are_inverse(school: OpenedSchool) -> None:
    assert rows_of(segment_of(school.rows(), set())) == school.rows()


def test_a_manifest_reads_back_and_names_no_file_elsewhere(school: OpenedSchool, tmp_path: Path) -> None:
    found = in_parts(school.ledger, tmp_path, 1)
    assert encode(found.manifest) == found.raw
    for bad in (
        b"{}",
        b"\xff",
        found.raw.replace(b"roll.", b"../roll."),
        found.raw.replace(b"attendance archive 2", b"banana"),
        encode(msgspec.structs.replace(found.manifest, segments=[])),
    ):
        (tmp_path / MANIFEST).write_bytes(bad)
        with pytest.raises(Misconfigured, match="is no manifest of an archive"):
            read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_bytes(found.raw.replace(b"archive 2", b"archive 1"))
    with pytest.raises(Misconfigured, match=r"of another release \('attendance archive 1'\): write it anew"):
        read_manifest(tmp_path)
    assert isinstance(found.manifest, Manifest)
