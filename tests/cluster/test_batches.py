"""The kernels over Arrow batches say from archives what the single machine says from ledgers, about any moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from projections.archive.writing import write
from projections.many import batches
from tests.support.authority import Authority, on_the_single_machine, readable
from tests.support.counts import count
from tests.support.random_school import journal, questions
from tests.support.schools import open_school
from tests.support.slow_model import parse_moment


def asked_one_by_one(folder: Path, moments: list[tuple[date, datetime]]) -> Iterator[pa.RecordBatch]:
    table = pa.concat_tables(batches.questions([folder], *moment, None) for moment in moments)
    return batches.answers(iter(table.to_batches(max_chunksize=1)))


@pytest.mark.parametrize("seed", range(count(8, 200)))
def test_an_archive_answers_as_its_ledger_does(seed: int, tmp_path: Path) -> None:
    """Also in several segments, of which a later one holds amendments of marks in an earlier one."""
    lines = journal(seed, 40, 5)
    with closing(open_school().replay(lines)) as school:
        head, last = school.ledger.reads.head()
        for part in range(1, 1 + seed % 4):
            (row,) = school.ledger.reads.rows_at([max(1, head * part // 4)])
            write(school.ledger, tmp_path, row.recorded_at)
        write(school.ledger, tmp_path, last)
        before = (parse_moment(lines[0]["at"]).date(), parse_moment("2020-01-01T09:00:00Z"))
        for moment in [*questions(lines, seed), before]:
            found = [row for batch in asked_one_by_one(tmp_path, [moment]) for row in batch.to_pylist()]
            assert readable(found) == on_the_single_machine(tmp_path.name, school, *moment)


def test_what_is_left_out_is_the_end_of_each_archive(twelve: Authority) -> None:
    question = batches.questions(sorted(twelve.folder.iterdir()), None, None, None)
    found = pa.Table.from_batches(batches.answers(iter(question.to_batches())), batches.ANSWERS)
    expected = [row for name, school in twelve.schools.items() for row in on_the_single_machine(name, school)]
    assert readable(found.to_pylist()) == expected


def test_totals_are_the_sums_however_the_rows_are_parted(twelve: Authority) -> None:
    question = batches.questions(sorted(twelve.folder.iterdir()), None, None, None)
    found = pa.Table.from_batches(batches.answers(iter(question.to_batches())), batches.ANSWERS)
    rows = [row for row in found.to_pylist() if row["pupil"]]
    for size in (1, 7, 10_000):
        parts = batches.totals(iter(found.to_batches(max_chunksize=size)))
        summary = batches.summary(question, [pa.Table.from_batches(parts, batches.TOTALS)])
        assert summary.simulated and summary.failed == [] and summary.pooled.schools == len(summary.schools) == 12
        for name in ("possible", "attended", "unauthorised", "persistent", "met"):
            assert getattr(summary.pooled, name) == sum(row[name] for row in rows) > 0
        assert summary.pooled.pupils == sum(row["possible"] > 0 for row in rows)


def test_a_school_that_came_out_nowhere_is_noticed(twelve: Authority) -> None:
    question = batches.questions(sorted(twelve.folder.iterdir()), None, None, None)
    with pytest.raises(AssertionError, match="every school that was asked"):
        batches.summary(question, [batches.part(question.slice(1), None)])


def test_a_school_that_cannot_be_answered_costs_the_others_nothing(twelve: Authority, spoilt: Path) -> None:
    def by_school(folder: Path) -> dict[str, list[dict[str, object]]]:
        question = batches.questions(sorted(folder.iterdir()), None, None, None)
        return {batch["folder"][0].as_py(): batch.to_pylist() for batch in batches.answers(iter(question.to_batches()))}

    whole, found = by_school(twelve.folder), by_school(spoilt)
    assert {name for name in whole if found[name] != whole[name]} == {"school-117003", "school-117007"}
    ((tampered,), (missing,)) = found["school-117003"], found["school-117007"]
    assert "is not the file whose digest is in the manifest" in str(tampered["error"])
    assert "there is no archive in" in str(missing["error"])
    assert {value for key, value in tampered.items() if key not in ("folder", "error")} == {None}
