"""Answers from an archive and the tail after it are those from the ledger alone, and so is a read model built of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

import pytest

from commands.cli import main
from ledger.errors import Misconfigured
from ledger.store import Ledger, open_ledger
from projections.archive.pages import ArchivedMarks
from projections.archive.reading import Archive, open_archive
from projections.archive.writing import write
from projections.asking.questions import Answers
from projections.figures.cohorts import absence_answers, penalty_windows
from projections.readmodel.frames import UNREADABLE, Entries
from projections.readmodel.projector import Projector
from projections.readmodel.rebuild import rebuild
from projections.readmodel.replay import replayed, stored
from projections.readmodel.tables import open_engine, parked
from tests.archive.test_archive import archived
from tests.stores.envelopes import mark, opening
from tests.stores.test_rebuild import GOOD, TOPIC, random_ledger, rows_of
from tests.support.counts import count
from tests.support.random_school import journal, questions
from tests.support.schools import OpenedSchool, open_school
from tests.support.tampering import insert_raw


def partly(ledger: Ledger, folder: Path, seed: int) -> Archive:
    """Return an archive of a beginning of a ledger, at times of all of it, in segments of any length."""
    head, _ = ledger.reads.head()
    ends = sorted(Random(seed).sample(range(1, head + 1), 3)) + ([head] if seed % 3 == 0 else [])
    for end in ends:
        archived(ledger, folder, end)
    return open_archive(folder, ledger)


def rows(entries: Entries) -> list[tuple[str, int, int, int]]:
    """Return the marks of a frame that stands at a moment; until when they will stand is no part of it."""
    columns = (entries.pupil, entries.session, entries.code, entries.from_position)
    return sorted((entries.pupils[p], s, c, f) for p, s, c, f in zip(*(c.tolist() for c in columns), strict=True))


@pytest.mark.parametrize("seed", range(count(2, 60)))
def test_an_answer_is_the_same_with_an_archive_and_without(
    seed: int, fresh_url: Callable[[], str], tmp_path: Path
) -> None:
    lines = journal(seed, 25, 5)
    with closing(open_school(fresh_url()).replay(lines)) as school:
        archive = partly(school.ledger, tmp_path / "a", seed)
        # An engine of its own that is never brought up to date: what it answers is not from there.
        other = Answers(school.ledger, open_engine(open_school().ledger), school.keys, archive=archive)
        compared = 0
        for as_of, known_at in questions(lines, seed, count(4, 8)):
            without, with_it = school.answers.moment(as_of, known_at), other.moment(as_of, known_at)
            assert without.position == with_it.position
            pupils = sorted(without.school.pupils)
            for years in ([2024], [2024, 2025]):
                frames = [a.entries(m, years, pupils) for a, m in ((school.answers, without), (other, with_it))]
                assert rows(frames[0]) == rows(frames[1])
                compared += len(frames[0].pupil)
            assert absence_answers(other, with_it, pupils) == absence_answers(school.answers, without, pupils)
            assert penalty_windows(other, with_it, pupils) == penalty_windows(school.answers, without, pupils)
        assert compared


def test_a_year_of_which_the_tail_holds_nothing_is_answered_from_the_archive_alone(tmp_path: Path) -> None:
    with open_ledger("memory:", create=True) as ledger:
        ledger.append([opening(), mark("1/2024/2024-09-03/AM")])
        archived(ledger, tmp_path)
        ledger.append([mark("1/2025/2025-09-03/AM")])
        archive = open_archive(tmp_path, ledger)
        found = archive.standing(ledger.reads, 3, [2024])
        assert rows(found) == rows(archive.standing(ledger.reads, 2, [2024])) and len(rows(found)) == 1
        assert [column.dtype for column in found[1:]] == ["int32", "int32", "uint8", "int64", "int64"]
        assert rows(archive.standing(ledger.reads, 3, [2023])) == []


@pytest.mark.parametrize("seed", range(count(4, 60)))
def test_a_read_model_built_from_an_archive_is_the_one_that_was_served(
    seed: int, fresh_url: Callable[[], str], tmp_path: Path
) -> None:
    """Also where events cannot be read, and where it goes on from the middle of a segment."""
    with open_ledger(fresh_url(), create=True) as ledger:
        random_ledger(ledger, seed, events=60)
        engine = open_engine(ledger)
        head = Projector(ledger, engine).catch_up()
        waiting = rows_of(engine, parked)
        archive = partly(ledger, tmp_path / "a", seed)
        if seed % 2:
            with pytest.raises(Stop):
                rebuild(ledger, engine, stop, page=10)
        done = rebuild(
            ledger, engine, page=1 + seed % 11, source=partial(ArchivedMarks, archive.folder, archive.manifest)
        )
        assert (done.position, done.as_before, bool(done.resumed_at)) == (head, True, bool(seed % 2))
        assert set(stored(engine)) == replayed(ledger, head) and rows_of(engine, parked) == waiting


def test_what_an_archive_cannot_read_stays_unreadable_after_it(
    fresh_sqlite_url: Callable[[], str], tmp_path: Path
) -> None:
    """Also where a later amendment, in the tail, can be read; and a read model built from it says the same."""
    stream = "1/2024/2024-09-03/AM"
    with open_ledger(fresh_sqlite_url(), create=True) as ledger:
        ledger.append([opening(), mark(stream)])
        insert_raw(ledger, stream, 2, "entry.MarkVoided", b'{"type":"MarkVoided","v":1}')
        archived(ledger, tmp_path / "a")
        insert_raw(ledger, stream, 3, TOPIC, GOOD)
        engine = open_engine(ledger)
        assert Projector(ledger, engine).catch_up() == 4
        waiting, served = rows_of(engine, parked), set(stored(engine))
        archive = open_archive(tmp_path / "a", ledger)
        assert archive.manifest.segments[0].unread == 1
        assert [code for _, _, code, _ in rows(archive.standing(ledger.reads, 4, [2024]))] == [UNREADABLE]
        rebuild(ledger, engine, source=partial(ArchivedMarks, archive.folder, archive.manifest))
        assert rows_of(engine, parked) == waiting and set(stored(engine)) == served


class Stop(Exception):
    pass


def stop(stage: str, reached: int, until: int) -> None:
    if reached >= 20:
        raise Stop


@pytest.fixture
def school(fresh_sqlite_url: Callable[[], str]) -> OpenedSchool:
    return open_school(fresh_sqlite_url()).replay(journal(3, 20, 5))


def test_an_archive_of_another_ledger_answers_nothing(school: OpenedSchool, tmp_path: Path) -> None:
    with closing(school), open_ledger("memory:", create=True) as other:
        random_ledger(other, 0, events=9)
        partly(other, tmp_path / "a", 1)
        with pytest.raises(Misconfigured, match="is of another ledger, school"):
            open_archive(tmp_path / "a", school.ledger)


def test_an_archive_that_goes_on_otherwise_answers_nothing(
    school: OpenedSchool, fresh_sqlite_url: Callable[[], str], tmp_path: Path
) -> None:
    """Two ledgers that began alike, as a copy and its original do."""
    with closing(school), open_ledger(fresh_sqlite_url(), create=True) as copy:
        for row in school.rows()[:50]:
            ahead = row.recorded_at - copy.reads.head()[1]
            insert_raw(copy, row.stream, row.version, row.topic, row.state, ahead=ahead)
        archived(school.ledger, tmp_path / "a")
        with pytest.raises(Misconfigured, match=r"the event at position \d+ of the ledger is not the one that"):
            open_archive(tmp_path / "a", copy)


def test_a_file_that_was_changed_answers_nothing(school: OpenedSchool, tmp_path: Path) -> None:
    with closing(school):
        write(school.ledger, tmp_path, school.ledger.reads.head()[1])
        archive = open_archive(tmp_path, school.ledger)
        file = tmp_path / archive.manifest.marks[0].file
        file.write_bytes(file.read_bytes()[:-4] + b"ARR2")
        with pytest.raises(Misconfigured, match="is not the file whose digest is in the manifest"):
            archive.standing(school.ledger.reads, archive.position, [archive.manifest.marks[0].year])


def test_the_verbs_read_from_an_archive(
    school: OpenedSchool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = school.ledger.address.shown
    partly(school.ledger, tmp_path / "a", 2)
    school.close()
    asked = [["absence", "--as-of", "2024-10-10"], ["penalty", "--as-of", "2024-10-10"]]
    told = []
    # From the archive first: then no read model is there yet.
    for archive in (["--archive", str(tmp_path / "a")], []):
        for verb in asked:
            assert main([*verb, "--json", "--ledger", url, *archive]) == 0
            told.append(json.loads(capsys.readouterr().out))
    assert [[each.pop("archive") for each in answers] for answers in told[:2]] == [
        ["unsigned"] * len(answers) for answers in told[2:]
    ]
    assert told[:2] == told[2:] and told[0]
    assert main(["rebuild", "--from-archive", str(tmp_path / "a"), "--ledger", url]) == 0
    assert "rebuilt the read model up to position" in capsys.readouterr().out
    assert main(["absence", "--archive", str(tmp_path), "--ledger", url]) == 2
    assert "there is no archive in" in capsys.readouterr().err
