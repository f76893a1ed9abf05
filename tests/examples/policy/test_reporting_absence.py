"""Parents tell the school every day, the school asks where they do not, and only the school decides on a code."""

from datetime import date
from typing import Any

import pytest

from ledger.events import AbsenceReported, ContactLogged
from ledger.policy import load
from ledger.sessions import parse_moment
from ledger.steps import reaches
from tests.support.given import MOTHER, PUPIL, TEACHER, given, marked, send
from tests.support.terminal import run

HEARD = {"pupil": PUPIL, "parent": MOTHER, "received_at": "2024-11-05T08:41:00", "said": "fever"}


def test_a_message_on_the_answer_phone_is_a_report() -> None:
    report = send("ReportAbsence", channel="voicemail", sessions=["2024-11-05/AM", "2024-11-05/PM"], **HEARD)
    given().when(report).then_told(
        AbsenceReported(
            by=TEACHER,
            parent=MOTHER,
            received_at=parse_moment("2024-11-05T08:41:00Z"),
            sessions=("2024-11-05/AM", "2024-11-05/PM"),
            ring_back=True,
            channel="voicemail",
            said="fever",
        )
    )


@pytest.mark.parametrize(
    ("channel", "rings_back"),
    [
        ("voicemail", True),
        ("Voicemail", True),
        ("answer phone", True),
        ("Answerphone", True),
        ("answer machine", True),
        ("phone", False),
        ("email", False),
    ],
)
def test_a_message_may_be_rung_back_before_its_code_is_decided(channel: str, rings_back: bool) -> None:
    report = send("ReportAbsence", channel=channel, sessions=["2024-11-05/AM"], **HEARD)
    decided = given().when(report).decided
    assert decided is not None
    assert [fact.event.ring_back for fact in decided.facts] == [rings_back]  # type: ignore[attr-defined]


def test_a_report_leaves_the_mark_to_the_school() -> None:
    report = send("ReportAbsence", channel="phone", sessions=["2024-11-05/AM"], **HEARD)
    given(marked("O")).when(report).then_marked()


def test_a_report_may_speak_of_days_to_come() -> None:
    report = send("ReportAbsence", channel="phone", sessions=["2024-11-06/AM"], **HEARD)
    given().when(report).then_marked()


def test_only_this_pupils_parents_report() -> None:
    report = send("ReportAbsence", channel="phone", sessions=["2024-11-05/AM"], **{**HEARD, "parent": "1043-a"})
    given().when(report).then_refused("unknown_person")


def test_a_report_is_about_sessions() -> None:
    report = send("ReportAbsence", channel="phone", sessions=["2024-11-09/AM"], **HEARD)
    given().when(report).then_refused("not_a_session")


def test_an_attempt_to_reach_someone_is_written_down_whatever_came_of_it() -> None:
    attempt: dict[str, Any] = {"channel": "phone", "outcome": "no answer", "next_step": "ring the grandmother"}
    call = send("LogContact", pupil=PUPIL, contact=MOTHER, sessions=["2024-11-05/AM"], **attempt)
    given(marked("N")).when(call).then_told(
        ContactLogged(by=TEACHER, contact=MOTHER, sessions=("2024-11-05/AM",), **attempt)
    )


@pytest.mark.parametrize(
    ("outcome", "reached"),
    [
        ("spoke", True),
        ("Spoke with the mother", True),
        ("Spoke: on the way", True),
        ("talked, will come at ten", True),
        ("answered", True),
        ("rang back at nine", True),
        ("rang back, no answer", False),
        ("rang", False),
        ("no answer", False),
        ("answer phone", False),
        ("metal noises on the line", False),
        ("", False),
    ],
)
def test_an_outcome_says_whether_somebody_was_spoken_with(outcome: str, reached: bool) -> None:
    assert reaches(outcome) is reached


def test_the_help_names_every_channel_that_is_rung_back() -> None:
    said = " ".join(run("report", "--help").out.split())
    for name in ("national-2024", "micklem-2025"):
        assert [channel for channel in load(name).ring_back_channels if channel not in said] == []


def test_no_word_until_the_tenth_day_is_ten_school_days() -> None:
    calendar = given().school.calendar
    assert calendar.school_days_after(date(2024, 10, 21), 10) == date(2024, 11, 11)
