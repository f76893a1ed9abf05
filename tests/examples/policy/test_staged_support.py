"""If absence continues: letter, meeting, adjustments, Families First Assessment, plan or contract, authority advice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.events import LetterSent, SupportRecorded
from ledger.policy import load
from projections.desk import Desk
from projections.followup.support import Concern, Standing, staged_answers, standing, steps_of, support_duties
from projections.lines import command_line
from projections.records.known_event import FollowUp
from tests.examples.policy.test_awards import figures
from tests.support.reported import OFFICE, reported_journal
from tests.support.schools import OpenedSchool, agreed_keys, open_school

POLICY = load("micklem-2025")
SINCE, TODAY = date(2024, 8, 1), date(2024, 12, 2)
LAST_YEAR = date(2024, 5, 1)
BELOW = Concern(figures(94, 100), "at risk", 0)
ENOUGH = Concern(figures(95, 100), "at risk", 0)
SEVERE = Concern(figures(50, 100), "severe", 0)


def letter(about: str = "attendance", on: date = TODAY) -> Any:
    return LetterSent(about=about, parents=("1042-a",), sent_on=on)


def stage(step: str, name: str = "held", on: date = TODAY, next_on: date | None = None) -> Any:
    return SupportRecorded(step=step, stage=name, on=on, next_on=next_on)


def stood(concern: Concern, *events: Any) -> Standing:
    told = [FollowUp(place, datetime(2024, 12, 2, tzinfo=UTC), event) for place, event in enumerate(events, 1)]
    return standing(told, concern, POLICY, SINCE, TODAY)


ORDERED = [
    ("letter", letter()),
    ("meeting", stage("meeting")),
    ("reasonable adjustments", stage("reasonable adjustments", "agreed")),
    ("Families First Assessment", stage("Families First Assessment", "offered")),
    ("support plan or attendance contract", stage("attendance contract", "agreed")),
    ("authority advice", stage("authority advice")),
]


@pytest.mark.parametrize("taken", range(len(ORDERED) + 1))
def test_the_next_step_is_the_next_of_the_policys_order(taken: int) -> None:
    found = stood(BELOW, *(event for _, event in ORDERED[:taken]))
    assert found.expected == (ORDERED[taken][0] if taken < len(ORDERED) else "")


@pytest.mark.parametrize(
    ("attended", "possible", "due"), [(95, 100, False), (949, 1000, True), (1899, 2000, True), (100, 100, False)]
)
def test_a_letter_is_due_strictly_below_95_before_rounding(attended: int, possible: int, due: bool) -> None:
    concern = Concern(figures(attended, possible), "", 0)
    assert (stood(concern).expected == "letter") is due


@pytest.mark.parametrize(("lates", "due"), [(4, False), (5, True)])
def test_or_where_punctuality_is_a_concern(lates: int, due: bool) -> None:
    found = stood(Concern(figures(100, 100), "", lates))
    assert (found.expected == "letter") is due
    assert ("late 5 times" in found.because) is due


def test_a_report_is_no_letter_of_concern() -> None:
    assert stood(BELOW, letter("report")).expected == "letter"


def test_last_years_letter_does_not_count_but_a_plan_that_lasts_does() -> None:
    assert stood(BELOW, letter(on=LAST_YEAR)).expected == "letter"
    before = [letter(), *(event for _, event in ORDERED[1:4])]
    lasting = stage("support plan", "agreed", on=LAST_YEAR)
    assert stood(BELOW, *before, lasting).expected == "authority advice"
    ended = stage("support plan", "ended", on=LAST_YEAR)
    assert stood(BELOW, *before, lasting, ended).expected == "support plan or attendance contract"


def test_what_was_offered_waits_for_its_answer() -> None:
    found = stood(BELOW, letter(), stage("meeting", "invited"))
    assert (found.at, found.waiting, found.expected) == ("meeting", ("meeting",), "reasonable adjustments")
    assert stood(BELOW, letter(), stage("meeting", "invited"), stage("meeting", "missed")).waiting == ()


def test_a_joint_approach_comes_first_for_every_severely_absent_pupil() -> None:
    assert stood(SEVERE).expected == "joint approach"
    assert stood(SEVERE, stage("joint approach", "agreed")).expected == "letter"


def test_nothing_is_expected_where_attendance_is_enough() -> None:
    assert stood(ENOUGH, letter())[:3] == ("letter", (), "")


def test_a_step_shows_every_stage_and_the_next_day_of_the_last() -> None:
    told = [
        FollowUp(
            1, datetime(2024, 11, 1, tzinfo=UTC), stage("attendance contract", "agreed", date(2024, 11, 1), TODAY)
        ),
        FollowUp(2, datetime(2024, 12, 2, tzinfo=UTC), stage("attendance contract", "reviewed", TODAY)),
    ]
    (found,) = steps_of(told, TODAY)
    assert (found.stage, found.next_on, [each.stage for each in found.stages]) == (
        "reviewed", None, ["agreed", "reviewed"],
    )  # fmt: skip
    assert [step.stage for step in steps_of(told, date(2024, 11, 30))] == ["agreed"]


# --- in a ledger ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of the school that is reported on, for `school` to copy."""
    file = tmp_path_factory.mktemp("reported") / "school.db"
    open_school(f"sqlite:///{file}", agreed_keys()).replay(reported_journal()).close()
    return file


@pytest.fixture
def school(reported: Path, tmp_path: Path) -> Iterator[OpenedSchool]:
    opened = open_school(f"sqlite:///{shutil.copy(reported, tmp_path)}", agreed_keys())
    yield opened
    opened.close()


def send(school: OpenedSchool, command: str, pupil: str, **fields: Any) -> None:
    school.send({"command": command, "by": OFFICE, "pupil": pupil, **fields})


def support(school: OpenedSchool, pupil: str, step: str, name: str, **fields: Any) -> None:
    send(school, "RecordSupport", pupil, step=step, stage=name, on="2024-11-15", **fields)


def desk(school: OpenedSchool) -> Desk:
    return Desk(school.answers, school.answers.moment()._replace(in_force=POLICY))


def owed(school: OpenedSchool, pupil: str) -> list[str]:
    return [duty.rule for duty in support_duties(desk(school)) if duty.pupil == pupil]


def test_every_line_about_support_stands_open_at_its_end(school: OpenedSchool) -> None:
    support(school, "1004", "attendance contract", "offered")
    support(school, "1004", "attendance contract", "agreed")
    found = support_duties(desk(school))
    assert {duty.rule for duty in found} == {"joint approach", "support plan", "support review"}
    assert all(command_line(duty.action).endswith(" --outcome") for duty in found)


def test_a_joint_approach_and_a_plan_are_owed_until_they_are_there(school: OpenedSchool) -> None:
    assert owed(school, "1003") == ["joint approach", "support plan"]
    assert owed(school, "1004") == ["support plan"]
    assert owed(school, "1001") == []
    support(school, "1003", "joint approach", "agreed")
    support(school, "1003", "attendance contract", "offered")
    assert owed(school, "1003") == []


def test_a_contract_without_a_day_to_review_it_is_owed_one(school: OpenedSchool) -> None:
    support(school, "1004", "attendance contract", "offered")
    support(school, "1004", "attendance contract", "agreed")
    assert owed(school, "1004") == ["support review"]
    support(school, "1004", "attendance contract", "reviewed", next_on="2024-12-06")
    assert owed(school, "1004") == []


def test_a_letter_keeps_its_figures_and_the_register_is_asked_then_and_now(school: OpenedSchool) -> None:
    true = {"possible": 98, "attended": 78, "authorised": 20, "unauthorised": 0, "late": 0}
    fields = {"about": "attendance", "parents": ["1007-a"], "sent_on": "2024-11-15", "as_of": "2024-11-15"}
    send(school, "SendLetter", "1007", quoted=true, **fields)
    send(school, "AmendMark", "1007", session="2024-09-09/AM", code="G", reason="a holiday after all")
    send(school, "SendLetter", "1007", quoted=true | {"attended": 70}, **fields)
    (answer,) = staged_answers(school.answers, school.answers.moment(), ["1007"])
    kept, wrong = answer.letters
    assert (kept.quoted, kept.then, kept.was_true) == (true, true, True)
    assert kept.now == true | {"authorised": 19, "unauthorised": 1}
    assert kept.still_true is False
    assert (wrong.was_true, wrong.still_true) == (False, False)
    assert answer.at == "letter"


def test_an_answer_of_the_past_knows_nothing_later(school: OpenedSchool) -> None:
    before = school.answers.moment()
    support(school, "1004", "support plan", "offered")
    then = school.answers.moment(before.as_of, before.known_at)
    assert staged_answers(school.answers, then, ["1004"])[0].steps == []
    assert staged_answers(school.answers, school.answers.moment(), ["1004"])[0].steps != []
