"""Absence Procedures, "If absence continues", and Deletion: what the office owes until the ledger shows that it was
done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from ledger.sessions import parse_moment
from projections.due import desk_of, duties
from tests.support.schools import OpenedSchool, open_school
from tests.support.terminal import HEAD

PUPIL, MOTHER = "1042", "1042-a"


class Office(OpenedSchool):
    """A school of one pupil with a social worker."""

    def says(self, at: str, command: str, **fields: Any) -> None:
        about = {} if command in ("AdoptPolicy", "NameRole", "CloseRegister") else {"pupil": PUPIL}
        self.send({"command": command, "at": f"{at}:00Z", "by": HEAD, **about, **fields})

    def due(self, day: str, kind: str, known_at: str | None = None) -> list[tuple[str, str, str | None]]:
        """Return (urgency, sentence, by) of what is due of a kind."""
        moment = self.answers.moment(date.fromisoformat(day), parse_moment(known_at) if known_at else None)
        desk = desk_of(self.answers, moment)
        assert desk is not None
        return [
            (duty.urgency.name.lower(), duty.sentence, duty.by.isoformat() if duty.by else None)
            for duty in duties(desk, kind)
        ]


@pytest.fixture
def office() -> Iterator[Office]:
    school = Office(*open_school())
    opened = {"urn": "117000", "name": "Example Primary", "la": "919", "estab": "2000", "policy": "micklem-2025"}
    school.send({"command": "OpenSchool", "at": "2024-08-30T08:00:00Z", "by": HEAD, **opened})
    days = {"year": "2024/25", "first_day": "2024-09-03", "last_day": "2025-07-22"}
    school.send({"command": "OpenSchoolYear", "at": "2024-08-30T08:01:00Z", "by": HEAD, **days})
    school.says(
        "2024-09-02T09:00", "AdmitPupil", name="Ada Example", born="2016-03-09", year_group="4",
        starting_day="2024-09-03", parents=[{"id": MOTHER, "name": "Beth Example"}],
        groups=["social worker"], **{"class": "4W"},
    )  # fmt: skip
    yield school
    school.close()


def test_a_refusal_is_due_a_letter_that_names_it(office: Office) -> None:
    asked = {"request": "LR-1", "parent": MOTHER, "received_on": "2024-09-02"}
    office.says("2024-09-02T10:00", "RequestLeave", **asked, first="2024-09-16/AM", last="2024-09-16/PM")
    said = "leave LR-1 from 2024-09-16/AM to 2024-09-16/PM waits for a decision; --grant what is granted"
    assert office.due("2024-09-08", "leave") == [("waiting", said, "2024-09-16")]
    assert office.due("2024-09-09", "leave") == [("soon", said, "2024-09-16")]
    over = f"{said}; it has begun, so none can be granted for what is over"
    assert office.due("2024-09-16", "leave") == [("today", over, "2024-09-16")]
    office.says("2024-09-03T10:00", "DecideLeave", request="LR-1", reason="not exceptional")
    assert office.due("2024-09-09", "leave") == []
    refused = ("waiting", "leave LR-1 was refused, in part or whole, and no letter says so", None)
    assert office.due("2024-09-09", "refusal") == [refused]
    sent = {"about": "leave refused", "parents": [MOTHER], "sent_on": "2024-09-03"}
    office.says("2024-09-03T11:00", "SendLetter", **sent)
    assert office.due("2024-09-09", "refusal") == [refused], "a letter that names no request"
    office.says("2024-09-03T12:00", "SendLetter", **sent, cites="LR-1")
    assert office.due("2024-09-09", "refusal") == []


def test_leave_that_was_granted_whole_or_withdrawn_owes_no_letter(office: Office) -> None:
    asked = {"parent": MOTHER, "received_on": "2024-09-02", "first": "2024-09-16/AM", "last": "2024-09-16/PM"}
    for name in ("LR-1", "LR-2"):
        office.says("2024-09-02T10:00", "RequestLeave", **asked, request=name)
    granted = [{"session": f"2024-09-16/{half}", "code": "C"} for half in ("AM", "PM")]
    office.says("2024-09-03T10:00", "DecideLeave", request="LR-1", granted=granted)
    office.says("2024-09-03T10:01", "WithdrawLeave", request="LR-2")
    assert office.due("2024-09-09", "refusal") == office.due("2024-09-09", "leave") == []


def test_a_meeting_and_a_review_are_due_until_something_later_is_said_of_the_step(office: Office) -> None:
    office.says("2024-09-03T10:00", "RecordSupport", step="meeting", stage="invited", on="2024-09-16")
    assert office.due("2024-09-08", "meeting") == []
    assert office.due("2024-09-09", "meeting") == [("soon", "meeting: invited for 2024-09-16", "2024-09-16")]
    assert office.due("2024-09-16", "meeting") == [("today", "meeting: invited for 2024-09-16", "2024-09-16")]
    late = ("today", "meeting: invited for 2024-09-16, what came of it?", "2024-09-16")
    assert office.due("2024-09-17", "meeting") == [late]
    office.says("2024-09-16T15:00", "RecordSupport", step="meeting", stage="held", on="2024-09-16")
    agreed = {"step": "attendance contract", "stage": "agreed", "on": "2024-09-16"}
    office.says("2024-09-16T15:01", "RecordSupport", **agreed, next_on="2024-10-07")
    assert office.due("2024-09-17", "meeting") == office.due("2024-09-29", "review") == []
    said = "attendance contract: agreed on 2024-09-16, next on 2024-10-07"
    assert office.due("2024-09-30", "review") == [("soon", said, "2024-10-07")]
    assert office.due("2024-10-07", "review") == [("today", said, "2024-10-07")]
    office.says("2024-10-07T15:00", "RecordSupport", step="attendance contract", stage="reviewed", on="2024-10-07")
    assert office.due("2024-10-08", "review") == []


def test_what_lies_after_the_day_is_not_known_on_it(office: Office) -> None:
    invited = [("soon", "meeting: invited for 2024-09-16", "2024-09-16")]
    office.says("2024-09-03T10:00", "RecordSupport", step="meeting", stage="invited", on="2024-09-16")
    asked = {"evidence": "ME-1", "sessions": ["2024-09-03/AM"]}
    office.says("2024-09-04T10:00", "RequestEvidence", **asked, parent=MOTHER, doubt="every Tuesday")
    leave = {"request": "LR-1", "parent": MOTHER, "received_on": "2024-09-02"}
    office.says("2024-09-04T10:01", "RequestLeave", **leave, first="2024-09-16/AM", last="2024-09-16/PM")
    office.says("2024-09-04T10:02", "DecideLeave", request="LR-1", reason="not exceptional")
    kinds = ("meeting", "evidence", "refusal")
    before = [office.due("2024-09-12", kind) for kind in kinds]
    assert before[0] == invited and all(before)
    office.says("2024-09-16T15:00", "RecordSupport", step="meeting", stage="held", on="2024-09-16")
    office.says("2024-09-16T15:01", "RecordEvidence", **asked, seen_on="2024-09-16")
    sent = {"about": "leave refused", "parents": [MOTHER], "sent_on": "2024-09-16", "cites": "LR-1"}
    office.says("2024-09-16T15:02", "SendLetter", **sent)
    assert [office.due("2024-09-12", kind) for kind in kinds] == before
    assert [office.due("2024-09-16", kind) for kind in kinds] == [[], [], []]


@pytest.mark.parametrize(("before", "last"), [("offered", "declined"), ("agreed", "ended")])
def test_a_step_that_was_declined_or_ended_is_not_looked_at_again(office: Office, before: str, last: str) -> None:
    step = {"step": "attendance contract", "next_on": "2024-09-16"}
    office.says("2024-09-04T10:00", "RecordSupport", **step, stage=before, on="2024-09-04")
    office.says("2024-09-06T10:00", "RecordSupport", **step, stage=last, on="2024-09-06")
    assert [sentence for _, sentence, _ in office.due("2024-09-16", "review")] == []


def ill_from(office: Office, day: str) -> None:
    """A report of one day's illness, and a register that says I on it and on the next."""
    both = [f"{day}/AM", f"{day}/PM"]
    received = {"received_at": f"{day}T07:40:00Z", "channel": "phone", "parent": MOTHER}
    office.says(f"{day}T07:41", "ReportAbsence", **received, sessions=both)
    office.says(f"{day}T07:57", "RecordMark", session=both[0], code="I")
    following = date.fromisoformat(day) + timedelta(days=1)
    office.says(f"{following}T07:57", "RecordMark", session=f"{following}/AM", code="I")


def test_a_further_day_of_absence_is_owed_a_call_although_the_register_says_why(office: Office) -> None:
    ill_from(office, "2024-09-03")
    assert office.due("2024-09-03", "call") == []
    owed = ("now", "I: a further day of absence, no word today; nobody rung yet today", "2024-09-04")
    assert office.due("2024-09-04", "call") == [owed]
    moment = office.answers.moment(date(2024, 9, 4))
    desk = desk_of(office.answers, moment)
    assert desk is not None and desk.ladder(PUPIL).number == 0, "a reason ends the run without contact"
    rang = {"contact": MOTHER, "channel": "phone", "sessions": ["2024-09-04/AM"]}
    office.says("2024-09-04T08:20", "LogContact", **rang, outcome="no answer")
    assert office.due("2024-09-04", "call") == [], "the roll holds one contact, who was rung today"
    assert office.due("2024-09-04", "call", known_at="2024-09-04T09:00") == [owed]


SPOKE = {"contact": MOTHER, "channel": "phone", "outcome": "spoke"}
MORNING = ["2024-09-04/AM"]
ASKED = {"request": "LR-1", "parent": MOTHER, "received_on": "2024-09-02"}


@pytest.mark.parametrize(
    ("command", "fields", "due"),
    [
        ("ReportAbsence", {"channel": "phone", "parent": MOTHER, "received_at": "2024-09-04T07:58:00Z",
                           "sessions": ["2024-09-04/PM"]}, 0),
        ("ReportAbsence", {"channel": "phone", "parent": MOTHER, "received_at": "2024-09-04T07:58:00Z",
                           "sessions": ["2024-09-03/AM"]}, 1),
        ("LogContact", SPOKE, 0),
        ("LogContact", {**SPOKE, "sessions": ["2024-09-03/AM"]}, 0),  # who is spoken to today is asked about today
        ("RecordEvidence", {"evidence": "ME-1", "sessions": MORNING, "seen_on": "2024-09-04"}, 0),
        ("RecordEvidence", {"evidence": "ME-1", "sessions": ["2024-09-03/AM"], "seen_on": "2024-09-04"}, 1),
        ("ExpectSickness", {"first_day": "2024-09-04", "last_day": "2024-09-06", "grounds": "an operation"}, 0),
        ("ExpectSickness", {"first_day": "2024-09-05", "last_day": "2024-09-06", "grounds": "an operation"}, 1),
        ("AmendMark", {"session": "2024-09-04/AM", "code": "E", "reason": "suspended"}, 0),
        ("AmendMark", {"session": "2024-09-04/AM", "code": "U", "reason": "came at ten"}, 0),
        ("AmendMark", {"session": "2024-09-04/AM", "code": "M", "reason": "a dentist"}, 1),
    ],
)  # fmt: skip
def test_a_word_of_the_day_settles_it_and_one_of_another_day_does_not(
    office: Office, command: str, fields: dict[str, Any], due: int
) -> None:
    ill_from(office, "2024-09-03")
    office.says("2024-09-04T07:59", command, **fields)
    assert len(office.due("2024-09-04", "call")) == due


@pytest.mark.parametrize(("granted", "due"), [(True, 0), (False, 1)])
def test_leave_that_was_granted_says_where_they_are_and_leave_that_was_refused_does_not(
    office: Office, granted: bool, due: int
) -> None:
    office.says("2024-09-02T10:00", "RequestLeave", **ASKED, first="2024-09-04/AM", last="2024-09-04/PM")
    sessions = [{"session": f"2024-09-04/{half}", "code": "C"} for half in ("AM", "PM")] if granted else []
    office.says("2024-09-02T11:00", "DecideLeave", request="LR-1", granted=sessions, reason="considered")
    office.says("2024-09-04T07:57", "RecordMark", session="2024-09-04/AM", code="C" if granted else "G")
    assert len(office.due("2024-09-04", "call")) == due


def attended(office: Office, possible: int, absent: int) -> None:
    """Mark the first sessions of the year, the last of them absent."""
    sessions = [f"2024-{day}/{half}" for day in SCHOOL_DAYS for half in ("AM", "PM")][:possible]
    for number, session in enumerate(sessions, 1):
        code = "I" if number > possible - absent else "/" if session.endswith("AM") else "\\"
        office.says("2024-10-01T16:00", "RecordMark", session=session, code=code)


SCHOOL_DAYS = [f"09-{day:02}" for day in (3, 4, 5, 6, 9, 10, 11, 12, 13, 16)]


@pytest.mark.parametrize(("absent", "said"), [(1, None), (2, "attendance 90.0 % is below 95 %, no letter yet")])
def test_a_letter_is_due_strictly_below_95_percent(office: Office, absent: int, said: str | None) -> None:
    attended(office, 20, absent)
    assert [sentence for _, sentence, _ in office.due("2024-10-01", "letter")] == ([said] if said else [])


@pytest.mark.parametrize(
    ("day", "kinds"),
    [
        ("2024-09-03", []),
        ("2024-09-27", []),  # the nineteenth school day
        ("2024-09-30", ["letter", "joint approach", "support plan"]),
    ],
)
def test_no_letter_and_no_approach_is_made_of_the_first_days_of_a_year(
    office: Office, day: str, kinds: list[str]
) -> None:
    attended(office, 1, 1)
    asked = ("letter", "joint approach", "support plan")
    assert [kind for kind in asked if office.due(day, kind)] == kinds


@pytest.mark.parametrize(("day", "due"), [("2024-10-29", False), ("2024-10-30", True)])
def test_another_letter_is_due_after_twenty_school_days(office: Office, day: str, due: bool) -> None:
    attended(office, 20, 2)
    figures = {"possible": 20, "attended": 18, "authorised": 2, "unauthorised": 0}
    sent = {"about": "attendance", "parents": [MOTHER], "sent_on": "2024-10-02", "quoted": figures}
    office.says("2024-10-02T09:00", "SendLetter", **sent)
    assert office.due("2024-10-02", "letter") == []
    said = "attendance 90.0 % is below 95 %, last letter on 2024-10-02"
    assert office.due(day, "letter") == ([("waiting", said, None)] if due else [])


def test_evidence_is_waited_for_until_it_is_seen(office: Office) -> None:
    asked = {"evidence": "ME-1", "sessions": ["2024-09-03/AM"]}
    office.says("2024-09-04T10:00", "RequestEvidence", **asked, parent=MOTHER, doubt="every Tuesday")
    assert office.due("2024-09-05", "evidence") == [
        ("waiting", "evidence ME-1 was asked for and has not been seen", None)
    ]
    office.says("2024-09-06T10:00", "RecordEvidence", **asked, seen_on="2024-09-06")
    assert office.due("2024-09-06", "evidence") == []


def test_the_social_worker_is_told_of_unexplained_absence_once_a_run_and_of_a_deletion(office: Office) -> None:
    told = {"agency": "social worker", "about": "unexplained absence"}
    for day in ("2024-09-03", "2024-09-04"):
        office.says(f"{day}T08:11", "CloseRegister", session=f"{day}/AM")
    said = "the social worker is to be told of unexplained absence since 2024-09-03"
    assert office.due("2024-09-04", "inform") == [("today", said, "2024-09-04")]
    office.says("2024-09-04T09:00", "InformAgency", **told, on="2024-09-04")
    assert office.due("2024-09-04", "inform") == []
    left = {"last_day": "2024-09-13", "ground": "registered elsewhere", "shown_by": "the other school's letter"}
    office.says("2024-09-06T09:00", "RemoveFromRoll", **left, destination="Hill School")
    gone = "the social worker is to be told of the deletion: the removal is recorded, with 2024-09-13 as the last day"
    assert office.due("2024-09-12", "inform")[-1] == ("soon", gone, "2024-09-13")
    assert office.due("2024-09-20", "inform") == [("today", gone, "2024-09-13")]
    office.says("2024-09-13T09:00", "InformAgency", agency="social worker", about="deletion", on="2024-09-13")
    assert office.due("2024-09-20", "inform") == []


def test_the_policy_is_due_its_review_and_its_roles_their_people(office: Office) -> None:
    assert office.due("2024-09-03", "policy") == []
    office.says("2024-09-03T09:00", "AdoptPolicy", policy="micklem-2025", from_day="2024-09-03", review_on="2024-11-01")
    said = "policy micklem-2025 is to be reviewed by 2024-11-01"
    assert office.due("2024-10-03", "policy") == []
    assert office.due("2024-10-04", "policy") == [("waiting", said, "2024-11-01")]
    assert office.due("2024-11-01", "policy") == [("soon", said, "2024-11-01")]
    (role,) = office.due("2024-09-04", "role")
    assert role[1] == "nobody is named as attendance lead or day-to-day contact or support contact"
    for name in ("attendance lead", "day-to-day contact", "support contact"):
        office.says("2024-09-04T09:00", "NameRole", role=name, holders=[HEAD], from_day="2024-09-04")
    assert office.due("2024-09-04", "role") == []
    assert office.due("2024-09-04", "role", known_at="2024-09-03T17:00") == [role]
