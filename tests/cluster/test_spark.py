"""A Spark cluster of real processes answers as the single machine does, also where an executor is killed in mid-job."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commands.cluster import PUPILS, on_spark, schools_in
from projections.many import batches
from tests.support.authority import Authority, on_the_single_machine, readable
from tests.support.spark import executors, small_cluster, why_not

PATIENCE = 300  # seconds until a job has begun
REASON = why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("spark"))  # workers of a local cluster keep their logs there
        with small_cluster() as session:
            yield session


def test_a_cluster_says_what_the_single_machine_says(twelve: Authority, spark: Any, tmp_path: Path) -> None:
    question = batches.questions(schools_in(twelve.folder), None, None, None)
    summary = batches.summary(question, on_spark(spark, question, tmp_path / "out"))
    expected = [row for name, school in twelve.schools.items() for row in on_the_single_machine(name, school)]
    assert readable(pq.read_table(tmp_path / "out" / PUPILS).to_pylist()) == expected
    assert summary.failed == [] and summary.pooled.pupils == sum(bool(row["possible"]) for row in expected)
    assert summary == batches.summary(question, [batches.part(question, None)])


def test_what_cannot_be_answered_is_named_and_the_others_are_answered(spark: Any, spoilt: Path) -> None:
    question = batches.questions(schools_in(spoilt), None, None, None)
    summary = batches.summary(question, on_spark(spark, question, None))
    assert [name for name, _ in summary.failed] == ["school-117003", "school-117007"]
    assert summary == batches.summary(question, [batches.part(question, None)])


def test_an_executor_killed_in_mid_job_changes_nothing(twelve: Authority, spark: Any, tmp_path: Path) -> None:
    """Many days are asked about, so that the job is still running when some of its tasks are done."""
    days = [date(2024, 9, 30) + timedelta(days=5 * number) for number in range(60)]
    folders = schools_in(twelve.folder)
    question = pa.concat_tables(batches.questions(folders, day, None, None) for day in days)
    found: list[pa.Table] = []
    job = threading.Thread(target=lambda: found.extend(on_spark(spark, question, tmp_path / "out")), daemon=True)
    known = spark.sparkContext.statusTracker()
    earlier = set(known.getJobIdsForGroup(None))
    job.start()
    stage = running_stage(spark, earlier)
    executors()[0].kill()
    job.join()
    assert known.getStageInfo(stage).numFailedTasks > 0, "the kill came when no task was running"
    expected = pa.Table.from_batches(batches.answers(iter(question.to_batches())), batches.ANSWERS)
    assert readable(pq.read_table(tmp_path / "out" / PUPILS).to_pylist()) == readable(expected.to_pylist())
    assert batches.summary(question, found) == batches.summary(question, [batches.part(question, None)])


def running_stage(spark: Any, earlier: set[int]) -> int:
    """Return the stage of a job begun just now, once some of its tasks are done and others are running."""
    known = spark.sparkContext.statusTracker()
    for _ in range(PATIENCE * 20):
        for job in set(known.getJobIdsForGroup(None)) - earlier:
            for stage in known.getJobInfo(job).stageIds:
                seen = known.getStageInfo(stage)
                if seen and 0 < seen.numCompletedTasks < seen.numTasks / 2 and seen.numActiveTasks == 2:
                    return int(stage)
        time.sleep(0.05)
    raise TimeoutError("no job was seen running")
