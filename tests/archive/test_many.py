"""Many schools from their archives: the figures of each are those that it gives by itself, and their sums the published
ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from ledger.policy import load as load_policy
from ledger.sessions import LONDON, Session
from projections.absence import UNAUTHORISED, classified
from projections.archive.many import Answered, answer, answer_from, in_threads, load, open_all
from projections.archive.reading import open_archive
from projections.cohorts import absence_answers, penalty_answers
from scripts.authorities.build import build
from scripts.authorities.published import counts_of, published
from scripts.authorities.school import LAST_PUBLISHED
from tests.archive.test_archive import archived
from tests.support.counts import count
from tests.support.random_school import journal
from tests.support.schools import open_school

POLICY = load_policy("national-2024")


def absences(found: Answered) -> dict[str, tuple[int, ...]]:
    if found.absence is None:
        return {}
    counts = found.absence
    columns = (counts.attended, counts.authorised, counts.unauthorised, counts.missing)
    rows = dict(zip(found.pupils, zip(*(column.tolist() for column in columns), strict=True), strict=True))
    return {pupil: row for pupil, row in rows.items() if any(row)}


def session(number: int) -> str | None:
    return str(Session.from_number(number)) if number else None


def penalties(found: Answered) -> dict[str, tuple[object, ...]]:
    tally = found.penalty
    said = {}
    for row, pupil in enumerate(tally.pupil.tolist()):
        lines = [
            (
                tally.parent[at],
                tally.parent_sessions[at],
                bool(tally.parent_met[at]),
                session(int(tally.parent_met_on[at])),
                tally.parent_notices[at],
            )
            for at in np.flatnonzero(tally.row == row)
        ]
        own = tally.sessions[row], bool(tally.met[row]), session(int(tally.met_on[row])), tally.unresolved[row]
        if tally.sessions[row] or any(line[1] for line in lines):
            said[found.pupils[pupil]] = (*own, lines)
    return said


@pytest.mark.parametrize("seed", range(count(8, 80)))
def test_a_school_among_many_has_the_figures_that_it_gives_by_itself(seed: int, tmp_path: Path) -> None:
    """Absence by pupil; windows by pupil and by parent, notices included."""
    with closing(open_school().replay(journal(seed, 25, 6))) as school:
        archived(school.ledger, tmp_path / "a", school.ledger.reads.head()[0] // 2)
        archived(school.ledger, tmp_path / "a")
        loaded = load(open_archive(tmp_path / "a"))
        today = school.answers.moment().known_at.astimezone(LONDON).date()
        for as_of in (today, today - timedelta(days=9), today - timedelta(days=40), today + timedelta(days=12)):
            moment = school.answers.moment(as_of, policy=POLICY)
            pupils = sorted(moment.school.pupils)
            found = answer(loaded, as_of, POLICY)
            assert absences(found) == {
                a.pupil: (a.attended, a.authorised, a.unauthorised, a.missing)
                for a in absence_answers(school.answers, moment, pupils)
            }
            assert penalties(found) == {
                a.pupil: (
                    a.count,
                    a.met,
                    a.met_on,
                    a.unresolved,
                    [(p.parent, p.count, p.met, p.met_on, p.notices_in_three_years) for p in a.parents],
                )
                for a in penalty_answers(school.answers, moment, pupils)
            }


def test_the_sums_of_all_schools_are_the_published_ones(tmp_path: Path) -> None:
    row = published()["Hertfordshire", "Primary"]
    with ThreadPoolExecutor(1) as pool:
        done = build(tmp_path / "all", row, 0.004, 919, pool)
    archives = open_all(tmp_path / "all")
    found = answer_from(archives, LAST_PUBLISHED, POLICY)
    assert len(found) == done.schools > 1
    counts = counts_of(row, 0.004)
    sums = [
        sum(int(getattr(f.absence, name).sum()) for f in found) for name in ("attended", "authorised", "unauthorised")
    ]
    assert sums == [int(total) for total in classified(counts)] and sum(sums) == done.possible
    assert sum(int(f.absence.missing.sum()) for f in found if f.absence) == 0
    met = sum(int(f.penalty.met.sum()) for f in found)
    assert 0 < met < 0.2 * done.pupils and (counts * UNAUTHORISED).sum() > 10 * met
    again = in_threads(lambda school: answer(school, LAST_PUBLISHED, POLICY), in_threads(load, archives))
    assert [penalties(one) for one in again] == [penalties(one) for one in found]


def test_before_its_first_year_a_school_has_no_figures(tmp_path: Path) -> None:
    with closing(open_school().replay(journal(3, 5, 3))) as school:
        archived(school.ledger, tmp_path / "a")
        found = answer(load(open_archive(tmp_path / "a")), date(2023, 1, 1), POLICY)
        assert (found.absence, penalties(found)) == (None, {})
