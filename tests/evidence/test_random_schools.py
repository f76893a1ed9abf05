"""Evidence from any school: whatever happened there, a stranger comes to the same from the events alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import commands.evidence
from ledger.seal import new_seal
from projections.audit.evidence import evidence, period_of
from tests.evidence.bundles import NAME, seal_again, verdict
from tests.support.counts import count
from tests.support.random_school import journal, questions
from tests.support.schools import open_school


@pytest.mark.parametrize("seed", range(count(2, 60)))
def test_a_stranger_comes_to_the_same_from_the_events_alone(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands.evidence, "paper", lambda *_, digest, **__: digest.encode())  # slow
    lines = journal(seed)
    school = open_school(keep=True).replay(lines)
    seal = new_seal(tmp_path / "seal", NAME)
    seal_again(school, seal)
    tried = 0
    for day, known_at in questions(lines, seed, count(2, 8)):
        moment = school.answers.moment(day, known_at)
        if moment.school.calendar.year_begun_by(moment.as_of) is None:
            continue
        first, last = period_of(moment, None)
        for pupil in sorted(moment.school.pupils):
            found, basis = evidence(school.answers, moment, pupil, first, last)
            made = commands.evidence.bundle(school.answers, moment, found, basis, seal, draft=bool(found.blockers))
            assert verdict(made.members, str(seal.key)) == "", (pupil, day, known_at)
            tried += 1
    assert tried
