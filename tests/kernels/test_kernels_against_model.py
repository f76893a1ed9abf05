"""The kernels and the slow model are asked the same about the same random journals, and agree in every field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger import wire
from ledger.events import MarkAmended, MarkRecorded
from ledger.policy import load
from ledger.sessions import format_moment, from_micros, micros
from ledger.store import Row
from ledger.streams import entry_of
from projections.asking.encoder import plain
from projections.asking.questions import Answer
from projections.figures.cohorts import absence_answers, penalty_windows, who
from tests.support.random_school import journal, questions
from tests.support.schools import OpenedSchool, open_school
from tests.support.slow_model import PENALTY_THRESHOLD, SlowModel, parse_moment

Question = tuple[date, datetime]
SHAPES = [(40, 6), (15, 3), (80, 2), (3, 12)]  # school days and pupils


@given(seed=st.integers(0, 2**32), shape=st.sampled_from(SHAPES), keep=st.booleans())
def test_every_figure_is_the_models(seed: int, shape: tuple[int, int], keep: bool) -> None:
    lines = journal(seed, *shape)
    model = SlowModel()
    for line in lines:
        model.apply(line)
    school = open_school(keep=keep).replay(lines)
    for question in [*questions(lines, seed), *far_questions(lines)]:
        check(school, model, question)


def far_questions(lines: list[dict[str, Any]]) -> list[Question]:
    """Return the edges of time: before anything, in the holidays, in the next year, about days later than knowledge."""
    first, last = parse_moment(lines[0]["at"]), parse_moment(lines[-1]["at"])
    middle = parse_moment(lines[len(lines) // 2]["at"])
    return [
        (last.date(), first - timedelta(microseconds=1)),
        (first.date() - timedelta(days=400), last),
        (date(2024, 12, 28), middle),
        (date(2025, 8, 15), last),
        (date(2026, 8, 31), last),
        (last.date() + timedelta(days=3), middle),
        (middle.date(), last),
    ]


def check(school: OpenedSchool, model: SlowModel, question: Question) -> None:
    as_of, known_at = question
    answers, known = school.answers, model.known(known_at)
    moment = answers.moment(as_of, known_at)
    rows = [row for row in school.rows() if row.recorded_at <= micros(known_at)]
    header = {
        "as_of": str(as_of),
        "known_at": known.moment.isoformat(),
        "position": len(rows),
        "policy": known.policy(as_of) if rows else "",
        "rules": load(known.policy(as_of)).rules if rows else "",
        "simulated": bool(rows),
    }
    pupils = who(answers, moment)
    assert pupils == [pupil for pupil in known.pupils() if known.on_roll(pupil, as_of)]
    expected = headed(header, model.absence(as_of, known_at, leavers=True))
    assert by_pupil(absence_answers(answers, moment, who(answers, moment, leavers=True))) == expected
    assert by_pupil(absence_answers(answers, moment, pupils)) == {p: expected[p] for p in pupils if p in expected}
    windows = by_pupil(penalty_windows(answers, moment, pupils, empty=True))
    if not rows:
        assert not windows
        return
    header["threshold"] = PENALTY_THRESHOLD
    expected = headed(header, model.penalty(as_of, known_at))
    latest = latest_marks(rows)
    for window in expected.values():
        for counted in window["sessions"]:
            row = latest[window["pupil"], counted["session"]]
            event = wire.decode(row.state)
            assert isinstance(event, (MarkRecorded, MarkAmended)) and event.code == counted["code"]
            counted |= {"position": row.position, "recorded_at": format_moment(from_micros(row.recorded_at))}
    assert windows == expected
    counting = [found.pupil for found in penalty_windows(answers, moment, pupils)]
    assert counting == [
        pupil for pupil, window in expected.items() if window["count"] or any(p["count"] for p in window["parents"])
    ]


def by_pupil(found: Sequence[Answer]) -> dict[str, dict[str, Any]]:
    return {answer.pupil: plain(answer) for answer in found}


def headed(header: dict[str, Any], answer: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the model's answer with what every answer repeats."""
    return {pupil: {"pupil": pupil, **header, **figures} for pupil, figures in answer.items()}


def latest_marks(rows: list[Row]) -> dict[tuple[str, str], Row]:
    """Return the row that gave each entry the code it holds."""
    return {
        (pupil, str(session)): row
        for row in rows
        if row.topic.startswith("entry.")
        for pupil, session in [entry_of(row.stream)]
    }
