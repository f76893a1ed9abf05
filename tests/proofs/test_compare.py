"""Differences, turns and other policies: each held against asking the plain question twice."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from commands.cli import main
from ledger import policy
from ledger.errors import Misconfigured
from ledger.sessions import LONDON
from projections.asking.encoder import plain
from projections.asking.questions import Moment
from projections.audit.bisect import first_turn
from projections.audit.compare import answering, differences
from projections.audit.whatif import effects, with_settings
from projections.figures.cohorts import absence_answers, penalty_windows
from tests.support.counts import count
from tests.support.random_school import journal, questions
from tests.support.schools import OpenedSchool, open_school

SEEDS = range(count(2, 60))
JOURNAL = Path(__file__).parents[1] / "examples" / "example-school.ndjson"
OTHER = ["penalty.threshold=3", 'penalty.codes=["O", "U"]', "persistent_percent=20"]
BY = {"id": "off", "name": "O Fice", "title": "Office"}


def pairs(school: OpenedSchool, lines: list[dict[str, Any]], seed: int) -> list[tuple[Moment, Moment]]:
    """Return moments of earlier and later knowledge about the same day."""
    found = []
    for day, known_at in questions(lines, seed):
        later = school.answers.moment(day)
        found.append((school.answers.moment(day, known_at), later))
        found.append((later, later))
    return found


def answered(school: OpenedSchool, moment: Moment, pupil: str) -> list[Any]:
    """Return the whole of both answers about a pupil, but for the times that every answer repeats."""
    known = [pupil] if pupil in moment.school.pupils else []
    found = [
        *absence_answers(school.answers, moment, known),
        *penalty_windows(school.answers, moment, known, empty=True),
    ]
    repeated = ("known_at", "position", "policy", "rules")
    return [{name: value for name, value in plain(each).items() if name not in repeated} for each in found]


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_difference_the_answers_are_the_same(seed: int) -> None:
    lines = journal(seed)
    school = open_school(keep=True).replay(lines)
    same = 0
    for then, now in pairs(school, lines, seed):
        pupils = sorted(now.school.pupils)
        found = {each.pupil for each in differences(school.answers, then, now, pupils)}
        for pupil in set(pupils) - found:
            assert answered(school, then, pupil) == answered(school, now, pupil)
            same += 1
    assert same


@pytest.mark.parametrize("seed", SEEDS)
def test_a_difference_says_what_differs(seed: int) -> None:
    lines = journal(seed)
    school = open_school(keep=True).replay(lines)
    for then, now in pairs(school, lines, seed):
        for each in differences(school.answers, then, now, sorted(now.school.pupils)):
            assert each.changes or each.others or each.verdicts or each.counts
            for change in each.changes:
                assert then.position < change.position <= now.position
                (row,) = school.ledger.reads.rows_at([change.position])
                assert f'"c":"{change.now}"'.replace("\\", "\\\\") in bytes(row.state).decode()
            assert all(then.position < other.position <= now.position for other in each.others)


def differs(school: OpenedSchool, answer: Any, then: Moment, now: Moment, pupil: str) -> bool:
    return bool(answer(school.answers, then, pupil) != answer(school.answers, now, pupil))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_turn_is_the_one_that_trying_every_event_finds(seed: int) -> None:
    lines = journal(seed, 12, 3)
    school = open_school(keep=True).replay(lines)
    random = Random(seed)
    turned = 0
    for then, now in pairs(school, lines, seed):
        known = sorted(then.school.pupils)
        if not known or then.position == now.position:
            continue
        # Of those whose answer became different, where there are any: each of these must be seen to turn.
        asked = [(pupil, answering(question, counts=True)) for pupil in known for question in ("absence", "penalty")]
        other = [(pupil, answer) for pupil, answer in asked if differs(school, answer, then, now, pupil)]
        pupil, answer = random.choice(other or asked)
        before = answer(school.answers, then, pupil)
        slow = next(
            (
                position
                for position in range(then.position + 1, now.position + 1)
                if answer(school.answers, school.answers.moment_at(position, now.as_of), pupil) != before
            ),
            None,
        )
        turn = first_turn(school.answers, then, now, pupil, answer)
        assert (turn.position if turn else None) == slow
        turned += turn is not None
    assert turned


@pytest.mark.parametrize("seed", SEEDS)
def test_another_policy_has_the_effects_that_asking_under_it_shows(seed: int) -> None:
    lines = journal(seed)
    school = open_school(keep=True).replay(lines)
    seen = 0
    for day, known_at in questions(lines, seed):
        moment = school.answers.moment(day, known_at)
        other = with_settings(
            moment.policy, ["penalty.threshold=3", 'penalty.codes=["O", "U"]', "persistent_percent=20"]
        )
        pupils = sorted(moment.school.pupils)
        found = {
            (effect.pupil, effect.verdict): effect.enters for effect in effects(school.answers, moment, other, pupils)
        }
        plain: dict[tuple[str, str], bool] = {}
        imagined = school.answers.moment(day, known_at, policy=other)
        before, after = (absence_answers(school.answers, each, pupils) for each in (moment, imagined))
        for old, new in zip(before, after, strict=True):
            for name in ("persistent", "severe", "at_risk"):
                if getattr(old, name) != getattr(new, name):
                    plain[old.pupil, name] = getattr(new, name)
        windows = (penalty_windows(school.answers, each, pupils, empty=True) for each in (moment, imagined))
        for was, would_be in zip(*windows, strict=True):
            if was.met != would_be.met:
                plain[was.pupil, "met"] = would_be.met
        assert found == plain
        seen += len(found)
    assert seen


# --- another closing time -------------------------------------------------------------------------------------------


def late_school() -> OpenedSchool:
    """Return a school in which 1042 arrived at 09:15 every morning for two weeks, after registration closed."""
    school = open_school()
    for text in JOURNAL.read_text(encoding="utf-8").splitlines():
        school.send(json.loads(text))
    day = datetime(2025, 11, 3, tzinfo=LONDON)
    for ahead in range(12):
        morning = (day + timedelta(days=ahead)).date()
        if morning.weekday() < 5:
            at = f"{morning}T09:15:00"
            line = {
                "command": "LogArrival",
                "by": BY,
                "pupil": "1042",
                "session": f"{morning}/AM",
                "reason": "overslept",
            }
            school.send({**line, "at": f"{morning}T09:16", "arrived_at": at})
    return school


@pytest.mark.parametrize(
    ("setting", "enters"),
    [
        ("hours_am.closes=09:14:59", None),  # they stay U, and count
        ("hours_am.closes=09:15:00", False),  # L, and count no more
    ],
)
def test_another_closing_time_reads_arrivals_anew(setting: str, enters: bool | None) -> None:
    school = late_school()
    moment = school.answers.moment()
    (window,) = penalty_windows(school.answers, moment, ["1042"])
    assert window.met and window.count == 10
    other = with_settings(moment.policy, [setting])
    found = {each.verdict: each for each in effects(school.answers, moment, other, ["1042"])}
    if enters is None:
        assert found == {}
    else:
        assert found["met"].counts == (10, 0) and len(found["met"].sessions) == 10
        assert found["persistent"].enters is False
    assert penalty_windows(school.answers, moment, ["1042"])[0].count == 10, "nothing was recorded"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("penalty.treshold=8", "no setting"),
        ("penalty.threshold", "no setting"),
        ("penalty.threshold=eight", "whole number"),
        ("penalty.codes=[]", "list of codes"),
        ("hours_am.closes=08:00:00", "in this order"),
        ("hours_am.noon=08:00:00", "opens, closes and ends"),
    ],
)
def test_a_setting_that_is_none_is_refused(setting: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        with_settings(policy.load("national-2024"), [setting])


# --- through the doors ----------------------------------------------------------------------------------------------


def test_the_verbs_answer_and_end_as_documented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = ["--ledger", f"sqlite:///{tmp_path / 'school.db'}"]
    office = ["--by", "off:O Fice:Office", *ledger]
    assert main(["replay", str(JOURNAL), *ledger]) == 0
    take = ["take", "4W", "2025-11-03/AM", "1042=N", "1043=/", "1044=/"]
    assert main([*take, "--at", "2025-11-03T09:00", *office]) == 0
    amend = ["amend", "1042", "2025-11-03/AM", "I", "--reason", "mother rang", "--at", "2025-11-04T09:00"]
    assert main([*amend, *office]) == 0
    capsys.readouterr()
    about = ["--as-of", "2025-11-03", *ledger]
    assert main(["diff", "--then", "2025-11-03T10:00", *about]) == 1
    told = capsys.readouterr().out
    assert "2025-11-03/AM   N     I" in told and "mother rang" in told and "SIMULATED" in told
    assert main(["diff", "--then", "2025-11-04T10:00", *about]) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert main(["diff", "--then", "2025-11-03T10:00", "--json", *about]) == 1
    found = json.loads(capsys.readouterr().out)[0]
    assert found["pupil"] == "1042" and found["counts"]["penalty"] == [1, 0] and found["simulated"]
    assert main(["bisect", "penalty", "1042", "--count", "--then", "2025-11-03T10:00", *about]) == 0
    assert "MarkAmended of 2025-11-03/AM by O Fice (Office): mother rang" in capsys.readouterr().out
    assert main(["bisect", "penalty", "1042", "--then", "2025-11-03T10:00", *about]) == 1
    assert "never became different" in capsys.readouterr().out
    assert main(["whatif", "--set", "penalty.threshold=1", "--known-at", "2025-11-03T10:00", "--json", *about]) == 0
    (effect,) = json.loads(capsys.readouterr().out)
    assert (effect["pupil"], effect["verdict"], effect["enters"]) == ("1042", "met", True)
    assert effect["sessions"] == ["2025-11-03/AM"]
    for wrong in (["diff"], ["whatif"], ["diff", "--then", "soon"], ["whatif", "--set", "penalty.threshold=0"]):
        assert main([*wrong, *about]) == 2
