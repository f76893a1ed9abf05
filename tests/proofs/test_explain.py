"""Explanations: a stranger reaches the same verdict from them, and what else they claim is tried out."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from commands.cli import main
from ledger.sessions import from_micros
from projections.asking.encoder import encode
from projections.asking.questions import Moment
from projections.audit.explain import explain_absence, explain_penalty
from projections.figures.cohorts import absence_answers, penalty_windows
from tests.proofs.checker import check
from tests.support.counts import count
from tests.support.random_school import journal, questions
from tests.support.schools import OpenedSchool, open_school

SEEDS = range(count(2, 60))
JOURNAL = Path(__file__).parents[1] / "examples" / "example-school.ndjson"


def asked(school: OpenedSchool, seed: int, lines: list[dict[str, Any]]) -> list[Moment]:
    # A moment before any school year has begun has nothing to explain.
    moments = [school.answers.moment(day, known_at) for day, known_at in questions(lines, seed)]
    return [moment for moment in moments if moment.school.calendar.year_begun_by(moment.as_of) is not None]


def plain(found: Any) -> dict[str, Any]:
    """Return an explanation as its JSON has it."""
    decoded: dict[str, Any] = msgspec.json.decode(encode(found))
    return decoded


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stranger_reaches_the_same_verdict_from_the_json_alone(seed: int) -> None:
    lines = journal(seed)
    school = open_school(keep=True).replay(lines)
    for moment in asked(school, seed, lines):
        pupils = sorted(moment.school.pupils)
        absences = {answer.pupil: answer for answer in absence_answers(school.answers, moment, pupils)}
        windows = {answer.pupil: answer for answer in penalty_windows(school.answers, moment, pupils, empty=True)}
        for pupil in pupils:
            absent = plain(explain_absence(school.answers, moment, pupil))
            assert check(absent) == []
            if answer := absences.get(pupil):
                same = ("possible", "attended", "authorised", "unauthorised", "missing")
                assert {name: absent["counts"][name] for name in same} == {n: getattr(answer, n) for n in same}
                assert absent["verdicts"] == {n: getattr(answer, n) for n in ("persistent", "severe", "at_risk")}
            window = plain(explain_penalty(school.answers, moment, pupil))
            assert check(window) == []
            assert window["verdicts"]["met"] == windows[pupil].met
            assert window["met_on"] == windows[pupil].met_on
            counting = [each["session"] for each in window["sessions"] if each["counts_as"] == "penalty"]
            assert counting == [each.session for each in windows[pupil].sessions]


@pytest.mark.parametrize("seed", SEEDS)
def test_so_many_entries_read_otherwise_turn_the_verdict_and_one_fewer_does_not(seed: int) -> None:
    lines = journal(seed)
    school = open_school(keep=True).replay(lines)
    random, turned = Random(seed), 0
    for moment in asked(school, seed, lines):
        for pupil in sorted(moment.school.pupils):
            for explain in (explain_absence, explain_penalty):
                found = plain(explain(school.answers, moment, pupil))
                for flip in found["flips"]:
                    if flip["entries"] > len(flip["among"]):
                        continue
                    chosen = random.sample(flip["among"], flip["entries"])
                    assert verdict_after(found, flip, chosen) == flip["to"]
                    assert verdict_after(found, flip, chosen[1:]) != flip["to"]
                    turned += 1
    assert turned


def verdict_after(found: dict[str, Any], flip: dict[str, Any], sessions: list[str]) -> bool:
    """Return a verdict as it would be with these sessions read otherwise, by the stranger's count."""
    from tests.proofs.checker import check_absence, check_penalty

    other = copy.deepcopy(found)
    code = {True: "O", False: "/"}[flip["to"]]
    for each in other["sessions"]:
        if each["session"] in sessions:
            each["code"] = code
    judge = check_penalty if found["question"] == "penalty" else check_absence
    return bool(judge(other)[0][flip["verdict"]])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_verdict_was_known_from_the_position_it_names(seed: int) -> None:
    """Where only marks changed meanwhile: roll, calendar and notices are taken as known at the end."""
    lines = journal(seed, 25, 4)
    school = open_school(keep=True).replay(lines)
    tried = 0
    for moment in asked(school, seed, lines):
        last_reference = school.ledger.reads.reference_rows(0, moment.position)[-1].position
        for pupil in sorted(moment.school.pupils):
            for explain in (explain_absence, explain_penalty):
                for since in explain(school.answers, moment, pupil).since:
                    place = since.known_position
                    if place is None or place <= last_reference:
                        continue
                    tried += 1
                    for position, verdict in ((place, since.is_true), (place - 1, not since.is_true)):
                        (row,) = school.ledger.reads.rows_at([position])
                        then = moment._replace(position=position, known_at=from_micros(row.recorded_at))
                        assert explain(school.answers, then, pupil).verdicts[since.verdict] == verdict
    assert tried or seed


@pytest.mark.parametrize("seed", SEEDS)
def test_a_verdict_was_true_of_every_day_since_the_one_it_names(seed: int) -> None:
    lines = journal(seed, 25, 4)
    school = open_school(keep=True).replay(lines)
    for moment in asked(school, seed, lines)[:3]:
        for pupil in sorted(moment.school.pupils)[:3]:
            (since,) = explain_penalty(school.answers, moment, pupil).since
            if since.of_day is None or moment.school.notices.get(pupil):
                continue
            day = moment.as_of
            while day.isoformat() >= since.of_day:
                assert met(school, moment, day, pupil) == since.is_true
                day -= timedelta(days=1)
            assert met(school, moment, day, pupil) != since.is_true


def met(school: OpenedSchool, moment: Moment, day: date, pupil: str) -> bool:
    return explain_penalty(school.answers, moment._replace(as_of=day), pupil).verdicts["met"]


# --- the checker is no rubber stamp ---------------------------------------------------------------------------------


def a_proof() -> dict[str, Any]:
    lines = journal(3)
    school = open_school(keep=True).replay(lines)
    moment = school.answers.moment()
    proofs = (plain(explain_penalty(school.answers, moment, pupil)) for pupil in sorted(moment.school.pupils))
    return max(proofs, key=lambda proof: proof["counts"]["penalty"])


def test_the_checker_notices_what_was_tampered_with() -> None:
    honest = a_proof()
    assert check(honest) == [] and honest["counts"]["penalty"] > 0
    counted = next(at for at, each in enumerate(honest["sessions"]) if each["counts_as"] == "penalty")

    def tampered(change: Any) -> list[str]:
        proof = copy.deepcopy(honest)
        change(proof)
        found: list[str] = check(proof)
        return found

    assert tampered(lambda proof: proof["verdicts"].update(met=not proof["verdicts"]["met"]))
    assert tampered(lambda proof: proof["sessions"].pop(counted))
    assert tampered(lambda proof: proof["sessions"][counted].update(code="I"))
    assert tampered(lambda proof: proof["sessions"][counted].update(position=1))
    assert tampered(lambda proof: proof["counts"].update(penalty=0))
    assert tampered(lambda proof: proof["entries"][0]["entries"][-1].update(code="I"))
    assert tampered(lambda proof: proof["weeks"].append("2020-01-07"))


# --- through the door -----------------------------------------------------------------------------------------------


def test_the_verb_prints_a_tree_or_a_proof(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = ["--ledger", f"sqlite:///{tmp_path / 'school.db'}"]
    office = ["--by", "off:O Fice:Office", *ledger]
    assert main(["replay", str(JOURNAL), *ledger]) == 0
    take = ["take", "4W", "2025-11-03/AM", "1042=N", "1043=/", "1044=/"]
    assert main([*take, "--at", "2025-11-03T09:00", *office]) == 0
    amend = ["amend", "1042", "2025-11-03/AM", "I", "--reason", "mother rang", "--at", "2025-11-04T09:00"]
    assert main([*amend, *office]) == 0
    capsys.readouterr()
    assert main(["explain", "penalty", "1042", *ledger]) == 0
    told = capsys.readouterr().out
    assert "Ada Example: penalty window not met, 0 of 10 sessions (SIMULATED)" in told
    assert "2025-11-03/AM N became I at position" in told and "by O Fice (Office): mother rang" in told
    for question in ("penalty", "absence"):
        assert main(["explain", question, "1042", "--json", *ledger]) == 0
        proof = capsys.readouterr().out
        checker = Path(__file__).with_name("checker.py")
        done = subprocess.run([sys.executable, "-I", checker], input=proof, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, "the verdicts follow\n")
        assert json.loads(proof)[0]["question"] == question
    assert main(["explain", "penalty", "9999", *ledger]) == 2
    assert "pupil_not_on_roll" in capsys.readouterr().err
