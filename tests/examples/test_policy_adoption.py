"""Policies over time: adopted from a day, to be reviewed by another, with the people named for each role then.

A school opens under the national framework and adopts its own policy from November. Ten sessions stand N in October,
which the one counts and the other does not, so every figure depends on which policy was in force, and says which.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Misconfigured
from ledger.policy import READERS, load
from ledger.sessions import parse_moment
from projections.figures.cohorts import penalty_windows
from projections.figures.penalty import PenaltyWindow
from projections.records.policies import PolicyAnswer, policy_answer
from tests.support.schools import OpenedSchool, open_school
from tests.support.terminal import HEAD, run, write_journal

LEAD = {"id": "lead", "name": "L Lead", "title": "Assistant headteacher"}
DEPUTY = {"id": "deputy", "name": "D Putty", "title": "Deputy headteacher"}
GOVERNOR = {"id": "chair", "name": "C Hair", "title": "Chair of governors"}
DAYS = ["2025-10-06", "2025-10-07", "2025-10-08", "2025-10-09", "2025-10-10"]
ADOPTED_AT = "2025-11-20T17:00:00Z"


def named(at: str, role: str, from_day: str, *holders: dict[str, str], **fields: str) -> dict[str, Any]:
    return {"command": "NameRole", "at": at, "role": role, "from_day": from_day, "holders": list(holders), **fields}


LINES: list[dict[str, Any]] = [
    {"command": "OpenSchool", "at": "2025-08-28T08:00:00Z", "urn": "117000", "name": "Example Primary", "la": "919",
     "estab": "2000", "policy": "national-2024"},
    {"command": "OpenSchoolYear", "at": "2025-08-28T08:01:00Z", "year": "2025/26", "first_day": "2025-09-03",
     "last_day": "2026-07-21"},
    named("2025-08-28T08:02:00Z", "headteacher", "2025-09-01", HEAD),
    named("2025-08-28T08:03:00Z", "attendance lead", "2025-09-01", LEAD, contact="01632 960100"),
    named("2025-08-28T08:04:00Z", "leave designate", "2025-09-01", DEPUTY),
    {"command": "AdmitPupil", "at": "2025-09-01T09:00:00Z", "pupil": "1042", "name": "Ada Example",
     "born": "2016-03-09", "starting_day": "2025-09-03", "year_group": "5", "class": "5T"},
    *(
        {"command": "CloseRegister", "at": f"{day}T{clock}:00Z", "session": f"{day}/{half}"}
        for day in DAYS
        for half, clock in (("AM", "08:11"), ("PM", "12:31"))
    ),
    {"command": "AdoptPolicy", "at": ADOPTED_AT, "by": GOVERNOR, "policy": "micklem-2025", "from_day": "2025-11-24",
     "review_on": "2026-11-30"},
    named("2025-11-21T09:00:00Z", "leave designate", "2026-01-05", DEPUTY, LEAD),
    named("2025-11-21T09:01:00Z", "attendance lead", "2026-01-05"),
]  # fmt: skip


@pytest.fixture(scope="module")
def school() -> Iterator[OpenedSchool]:
    with closing(open_school()) as opened:
        yield opened.replay({"by": HEAD} | line for line in LINES)


def asked(school: OpenedSchool, as_of: str, known_at: str | None = None) -> PolicyAnswer:
    known = parse_moment(known_at, end_of_day=True) if known_at else None
    return policy_answer(school.answers, school.answers.moment(date.fromisoformat(as_of), known))


def window(school: OpenedSchool, as_of: str, known_at: str | None = None) -> PenaltyWindow:
    known = parse_moment(known_at, end_of_day=True) if known_at else None
    moment = school.answers.moment(date.fromisoformat(as_of), known)
    return penalty_windows(school.answers, moment, ["1042"], empty=True)[0]


def holders(answer: PolicyAnswer, role: str) -> dict[str, str]:
    """Return who holds a role, by id, with since when."""
    found = next(each for each in answer.roles if each.role == role)
    return {holder.id: holder.since for holder in found.holders}


# --- the policy in force --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "policy", "count"), [("2025-11-23", "national-2024", 10), ("2025-11-24", "micklem-2025", 0)]
)
def test_a_figure_uses_the_policy_of_its_day_and_says_so(
    school: OpenedSchool, as_of: str, policy: str, count: int
) -> None:
    answer = window(school, as_of)
    assert (answer.policy, answer.count) == (policy, count)


def test_before_it_was_adopted_nobody_knew_of_the_later_policy(school: OpenedSchool) -> None:
    answer = window(school, "2025-11-24", "2025-11-19")
    assert (answer.policy, answer.count) == ("national-2024", 10)
    assert [each.policy for each in asked(school, "2025-11-24", "2025-11-19").adopted] == ["national-2024"]


def test_every_setting_is_shown_with_its_paragraph(school: OpenedSchool) -> None:
    policy = load("micklem-2025")
    answer = asked(school, "2025-11-24")
    assert [each.setting for each in answer.settings] == list(READERS)
    assert {each.setting: each.source for each in answer.settings} == policy.sources
    values = {each.setting: each.value for each in answer.settings}
    assert values["penalty_codes"] == ["G", "O", "U"]
    assert values["hours_am"] == {"opens": "08:55:00", "closes": "09:10:00", "ends": "12:00:00"}
    assert (values["late_book"], values["notices_from"]) == ("09:00:00", "2024-08-19")


def test_what_was_adopted_says_from_when_by_whom_and_at_which_position(school: OpenedSchool) -> None:
    first, second = asked(school, "2025-11-24").adopted
    assert (first.policy, first.from_day, first.in_force, first.position) == ("national-2024", None, False, 1)
    assert (second.policy, second.from_day, second.in_force) == ("micklem-2025", "2025-11-24", True)
    assert second.by.title == "Chair of governors"
    row = school.ledger.reads.rows_at([second.position])[0]
    assert row.topic == "school.PolicyAdopted"
    assert parse_moment(second.recorded_at) == parse_moment(ADOPTED_AT)
    assert [each.in_force for each in asked(school, "2025-11-23").adopted] == [True, False]


@pytest.mark.parametrize(
    ("as_of", "review_on", "due"),
    [
        ("2025-11-23", None, False),
        ("2025-11-24", "2026-11-30", False),
        ("2026-11-29", "2026-11-30", False),
        ("2026-11-30", "2026-11-30", True),
    ],
)
def test_the_review_is_due_on_its_day(school: OpenedSchool, as_of: str, review_on: str | None, due: bool) -> None:
    answer = asked(school, as_of)
    assert (answer.review_on, answer.review_due) == (review_on, due)


def test_of_two_adoptions_from_one_day_the_later_word_holds() -> None:
    again = {"command": "AdoptPolicy", "at": "2025-11-22T09:00:00Z", "policy": "national-2024"}
    with closing(open_school()) as opened:
        opened.replay({"by": HEAD} | line for line in [*LINES, again | {"from_day": "2025-11-24"}])
        answer = asked(opened, "2025-11-24")
        assert answer.policy == "national-2024"
        assert [each.in_force for each in answer.adopted] == [False, False, True]


# --- the people named -----------------------------------------------------------------------------------------------


def test_roles_begin_on_their_day(school: OpenedSchool) -> None:
    assert holders(asked(school, "2025-08-31"), "attendance lead") == {}
    assert holders(asked(school, "2025-09-01"), "attendance lead") == {"lead": "2025-09-01"}


def test_a_role_passes_on_from_its_day_and_whoever_stays_keeps_the_first(school: OpenedSchool) -> None:
    before, after = asked(school, "2026-01-04"), asked(school, "2026-01-05")
    assert holders(before, "leave designate") == {"deputy": "2025-09-01"}
    assert holders(after, "leave designate") == {"deputy": "2025-09-01", "lead": "2026-01-05"}


def test_a_role_may_stand_empty_or_never_have_been_named(school: OpenedSchool) -> None:
    after = {role.role: role for role in asked(school, "2026-01-05").roles}
    assert after["attendance lead"].holders == [] and after["attendance lead"].position is not None
    assert after["support contact"].holders == [] and after["support contact"].position is None


def test_known_before_it_was_said_the_old_holders_hold(school: OpenedSchool) -> None:
    assert holders(asked(school, "2026-01-05", "2025-11-20"), "attendance lead") == {"lead": "2025-09-01"}


def test_only_those_named_decide_on_leave_from_their_day(school: OpenedSchool) -> None:
    asking = {"command": "RequestLeave", "pupil": "1042", "parent": "1042-a", "received_on": "2025-12-01",
              "first": "2026-01-12/AM", "last": "2026-01-12/PM", "on_form": True}  # fmt: skip
    parent = {"command": "ChangeContacts", "pupil": "1042", "parents": [{"id": "1042-a", "name": "B Example"}]}
    with closing(open_school()) as opened:
        opened.replay({"by": HEAD} | line for line in LINES)
        opened.send({"by": HEAD, "at": "2025-12-01T09:00:00Z"} | parent)
        for request in ("LR-1", "LR-2"):
            opened.send({"by": HEAD, "at": "2025-12-01T09:00:00Z", "request": request} | asking)
        decide = {"command": "DecideLeave", "pupil": "1042", "by": LEAD}
        early = decide | {"at": "2026-01-04T12:00:00Z", "request": "LR-1"}
        assert opened.refusal(early) == "not_a_leave_decider"
        opened.send(early | {"by": DEPUTY})
        opened.send(decide | {"at": "2026-01-05T12:00:00Z", "request": "LR-2"})


# --- at the door ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """A SQLite ledger with the same school."""
    url = f"sqlite:///{tmp_path}/school.db"
    assert run("replay", str(write_journal(tmp_path / "school.ndjson", LINES)), "--ledger", url).code == 0
    return url


def test_the_verb_answers_the_same_in_json(ledger: str, school: OpenedSchool) -> None:
    said = run("policies", "--as-of", "2025-11-24", "--json", "--ledger", ledger).json
    assert said["policy"] == "micklem-2025" and said["simulated"] is True
    assert (said["as_of"], said["position"]) == ("2025-11-24", school.ledger.reads.head()[0])
    assert said["settings"][0] | {"source": ""} == {"setting": "penalty_codes", "value": ["G", "O", "U"], "source": ""}
    earlier = run("policies", "--as-of", "2025-11-24", "--known-at", "2025-11-19", "--json", "--ledger", ledger).json
    assert earlier["policy"] == "national-2024"


def test_the_verb_shows_it_to_people(ledger: str) -> None:
    said = run("policies", "--as-of", "2025-11-24", "--ledger", ledger).out
    assert "Micklem Primary School attendance policy (November 2025): to be reviewed by 2026-11-30" in said
    for shown in ("penalty_threshold", "School policy, November 2025", "C Hair (Chair of governors)", "(SIMULATED)"):
        assert shown in said
    assert "L Lead (Assistant headteacher)" in said and "01632 960100" in said and "nobody named" in said


def test_a_shipped_policy_is_printed_as_its_file() -> None:
    said = run("policies", "--text", "national-2024")
    assert said.code == 0 and 'name = "national-2024"' in said.out
    assert "only micklem-2025 and national-2024" in run("policies", "--text", "nowhere").sentence
    assert run("policies", "--text", "national-2024", "--json").sentence.startswith("malformed: --text")


def test_before_the_school_was_opened_there_is_no_policy(ledger: str, school: OpenedSchool) -> None:
    with pytest.raises(Misconfigured, match="no school had been opened by then"):
        asked(school, "2025-11-24", "2025-08-01")
    assert "no school had been opened" in run("policies", "--known-at", "2025-08-01", "--ledger", ledger).sentence


def test_names_of_children_are_not_in_it(ledger: str) -> None:
    assert "Ada" not in json.dumps(run("policies", "--json", "--ledger", ledger).json)
