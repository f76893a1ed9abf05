"""Deletion from Roll: who is told before a name is deleted, what a parent states, and what nobody may do afterwards."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from commands.leaving import DeletionAnswer, deletion_check
from projections.lines import command_line
from projections.records.roll_health import roll_findings
from projections.returns.authority import returns_duties
from tests.support.absences import PUPIL, admission, lived, marked, office, returns, school_days
from tests.support.schools import OpenedSchool, desk_at

TODAY = "2024-11-15"
FORM = {"parent": "1042-a", "received_on": "2024-11-11", "leaving_on": "2024-11-29"}
WHERE = {"new_address": "9 New Road", "new_school": "Other School", "new_school_address": "Far Town"}
RETURN = office("MakeReturn", "2024-11-14", form="deletion", episode="2024-11-29", made_on="2024-11-14")


def received() -> dict[str, Any]:
    return office("ReceiveMovingForm", "2024-11-11", **FORM, **WHERE)


def removed(last_day: str, ground: str = "moved away", day: str = "2024-11-14", **other: Any) -> dict[str, Any]:
    return office("RemoveFromRoll", day, last_day=last_day, ground=ground, **other)


def checked(school: OpenedSchool, day: str = TODAY, pupil: str = PUPIL, **stated: Any) -> DeletionAnswer:
    moment = school.answers.moment(date.fromisoformat(day))
    return deletion_check(school.answers, school.handler, moment, pupil, **stated)


def missing(found: DeletionAnswer) -> list[str]:
    return [check.what for check in found.checks if not check.met]


def duties(school: OpenedSchool, day: str = TODAY) -> list[tuple[str, str, str]]:
    found = returns_duties(desk_at(school.answers, date.fromisoformat(day)))
    return [(duty.rule, command_line(duty.action), str(duty.by)) for duty in found]


# --- the return, no later than the deletion -------------------------------------------------------------------------


def test_every_deletion_is_returned_by_the_last_day() -> None:
    school = lived(removed("2024-11-29", destination="Other School"))
    assert duties(school) == [("return", f"attendance return make {PUPIL} deletion", "2024-11-29")]
    (found,) = returns(school, TODAY, "deletion")
    assert (found.episode, found.reached_on, found.due_by) == ("2024-11-29", "2024-11-14", "2024-11-29")
    assert duties(lived(removed("2024-11-29"), RETURN)) == []


def test_a_form_for_moving_from_school_announces_the_deletion() -> None:
    school = lived(received())
    (found,) = returns(school, TODAY, "deletion")
    assert (found.episode, found.reached_on) == ("2024-11-29", "2024-11-11")
    assert returns(school, "2024-11-10", "deletion") == []


def test_a_return_made_before_the_removal_counts_for_it() -> None:
    (found,) = returns(lived(RETURN, removed("2024-12-02", day="2024-11-15")), TODAY, "deletion")
    assert found.made is not None and found.until == "2024-12-02"


@pytest.mark.parametrize(
    ("year_group", "last_day", "owed"), [("6", "2025-07-22", 0), ("6", "2025-07-21", 1), ("5", "2025-07-22", 1)]
)
def test_leaving_at_the_end_of_the_final_year_needs_no_return(year_group: str, last_day: str, owed: int) -> None:
    pupil = admission("1060", year_group=year_group, **{"class": "6S"})
    ground = "moved away" if owed else "completed the final year"
    leaver = {**removed(last_day, ground, "2025-07-14"), "pupil": "1060"}
    assert len(returns(lived(pupil, leaver), "2025-07-21", "deletion")) == owed


# --- who else is told -----------------------------------------------------------------------------------------------


def test_the_social_worker_is_told_of_the_deletion() -> None:
    groups = office("ChangeGroups", "2024-11-01", groups=["social worker", "SEN support"])
    told = office(
        "InformAgency", "2024-11-15", agency="social worker", about="deletion", on="2024-11-15", person="S Worker"
    )
    owed = ("inform", f"attendance inform {PUPIL} 'social worker' deletion {TODAY}", "2024-11-29")
    assert owed in duties(lived(groups, removed("2024-11-29"), RETURN))
    assert duties(lived(groups, removed("2024-11-29"), RETURN, told)) == []
    other = {**told, "about": "unexplained absence"}
    assert owed in duties(lived(groups, removed("2024-11-29"), RETURN, other)), "another word is not this one"
    assert missing(checked(lived(groups, received(), RETURN), ground_key="moved away")) == ["social worker"]


# --- what is missing before anybody removes a name ------------------------------------------------------------------


def test_a_deletion_with_everything_in_place_is_ready() -> None:
    found = checked(lived(received(), RETURN), ground_key="moved away")
    assert (found.ready, found.last_day, missing(found)) == (True, "2024-11-29", [])


def test_what_is_missing_is_said_with_the_command_that_settles_it() -> None:
    found = checked(lived(), ground_key="moved away", last_day=date(2024, 11, 29))
    assert missing(found) == ["return", "form for moving from school"]
    assert [check.command for check in found.checks if not check.met] == [
        f"attendance return make {PUPIL} deletion --last-day 2024-11-29 --ground 'moved away'",
        f"attendance moving-form-paper {PUPIL} -o FILE.pdf",
    ]


def test_no_name_is_deleted_retrospectively() -> None:
    assert "last day" in missing(checked(lived(marked("/", [TODAY])), last_day=date(2024, 11, 14)))
    assert "last day" not in missing(checked(lived(marked("/", [TODAY])), last_day=date(2024, 11, 15)))


def test_a_ground_must_be_one_of_the_regulations_and_shown() -> None:
    assert "ground" in missing(checked(lived()))
    assert "shown by" in missing(checked(lived(), ground_key="home education"))
    assert "shown by" not in missing(checked(lived(), ground_key="home education", shown_by="the mother's letter"))


@pytest.mark.parametrize(("days", "asked", "met"), [(19, True, False), (20, False, False), (20, True, True)])
def test_twenty_days_and_joint_enquiries_make_ground_i(days: int, asked: bool, met: bool) -> None:
    away = school_days(days)
    enquiries = office("RecordEnquiries", away[-1], on=away[-1], jointly=True, outcome="nobody at home")
    school = lived(marked("O", away), [enquiries] if asked else [])
    found = checked(school, away[-1], ground_key="absent twenty days")
    assert ("conditions" not in missing(found)) == met
    line = removed(away[-1], "absent twenty days", away[-1]) | {"by": {"id": "h", "name": "H", "title": "Head"}}
    assert (school.refusal(line) == "") == met, "the check and the decision say the same"


def test_the_end_of_the_final_year_needs_neither_return_nor_form() -> None:
    pupil = admission("1060", year_group="6", **{"class": "6S"})
    last = marked("/", ["2025-07-21"], pupil="1060")
    found = checked(
        lived(pupil, last), "2025-07-21", "1060", ground_key="completed the final year", last_day=date(2025, 7, 22)
    )
    assert (found.transition, found.ready) == (True, True)


# --- what the admission register lacks ------------------------------------------------------------------------------


def rules(school: OpenedSchool, day: str = TODAY) -> list[str]:
    return [finding.rule for finding in roll_findings(school.answers, school.answers.moment(date.fromisoformat(day)))]


def test_a_complete_entry_has_no_finding() -> None:
    assert rules(lived()) == []


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ({"upn": None}, ["upn_missing"]),
        ({"last_school": ""}, ["last_school_missing"]),
        ({"last_school": "", "year_group": "R"}, []),
        ({"parents": []}, ["parent_missing", "one_contact_only"]),
        ({"parents": [{"id": "p", "name": "P", "phone": "1"}]}, ["parent_without_address"]),
        ({"parents": [{"id": "p", "name": "P", "phone": "1", "lives_with": True}]}, []),
        ({"parents": [{"id": "p", "name": "P", "address": "here"}]}, ["parent_without_number"]),
        (
            {"parents": [{"id": "p", "name": "P", "address": "here"}], "emergency_contacts": []},
            ["parent_without_number", "emergency_number_missing"],
        ),
    ],
)
def test_what_regulation_8_asks_for_and_nobody_stated_is_a_finding(stated: dict[str, Any], found: list[str]) -> None:
    entry = admission("1050", **{"upn": None, **stated})
    assert [rule for rule in rules(lived(entry)) if rule != "upn_missing" or "upn" in stated] == found


def test_two_pupils_with_one_upn_are_a_finding() -> None:
    assert rules(lived(admission("1050"))) == ["upn_twice"]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"ground": "bored"}, ["ground_unknown", "destination_missing"]),
        ({"ground": "home education", "destination": "home"}, ["ground_not_shown"]),
        ({"ground": "home education", "destination": "home", "shown_by": "a letter"}, []),
        ({"ground": "moved away"}, ["ground_not_shown", "destination_missing"]),
        ({"ground": "died"}, []),
    ],
)
def test_what_a_removal_does_not_say_is_a_finding(said: dict[str, str], found: list[str]) -> None:
    assert rules(lived(removed("2024-11-14", **said))) == found


def test_a_form_for_moving_from_school_shows_the_move_and_the_destination() -> None:
    assert rules(lived(received(), removed("2024-11-14"))) == []
