"""What followed an absence is found again, whichever summer it was recorded in, and never hides the register."""

from __future__ import annotations

from datetime import date
from typing import Any

from projections.records.chronology import chronologies
from projections.records.registers import register_answer
from tests.support.schools import OpenedSchool, open_school

BY = {"id": "off", "name": "O Fice", "title": "Office"}


def line(command: str, at: str, **fields: Any) -> dict[str, Any]:
    return {"command": command, "at": at, "by": BY, **fields}


PARENT = {"id": "1042-a", "name": "A Parent", "phone": "01632 960001"}
BEGINNING = [
    line("OpenSchool", "2024-07-01T08:00:00", urn="117000", name="Example Primary", la="919", estab="2000")
    | {"policy": "national-2024"},
    line("OpenSchoolYear", "2024-07-01T08:00:00", year="2024/25", first_day="2024-09-03", last_day="2025-07-22"),
    line("AdmitPupil", "2024-07-01T08:00:00", pupil="1042", name="Ada Example", born="2016-03-09", year_group="4")
    | {"starting_day": "2024-09-03", "parents": [PARENT], "class": "4W"},
]
SUMMER_BEFORE = line("MakeReturn", "2024-07-02T08:00:00", pupil="1042", form="new pupil", episode="2024-09-03") | {
    "made_on": "2024-07-02"
}
SUMMER_AFTER = line("InformAgency", "2025-08-20T08:00:00", pupil="1042", agency="local authority", about="advice") | {
    "on": "2025-08-20"
}


def told(school: OpenedSchool) -> list[str]:
    moment = school.answers.moment(date(2025, 8, 31))
    return [type(each.event).__name__ for each in chronologies(school.answers, moment, ["1042"])["1042"]]


def test_the_summer_before_the_first_year_and_that_after_the_last_are_read() -> None:
    school = open_school().replay([*BEGINNING, SUMMER_BEFORE])
    again = {**SUMMER_BEFORE, "at": "2024-09-04T08:00:00", "made_on": "2024-09-04"}
    assert school.refusal(again) == "return_made_already"
    assert told(school.replay([SUMMER_AFTER])) == ["ReturnMade", "AgencyInformed"]


def test_a_register_is_shown_whatever_followed_it() -> None:
    about = {"pupil": "1042", "on": "2024-09-03"}
    followed = [
        line("LogArrival", "2024-09-03T09:20:00", pupil="1042", session="2024-09-03/AM", reason="bus")
        | {"arrived_at": "2024-09-03T09:05:00"},
        line("ReportAbsence", "2024-09-03T12:00:00", pupil="1042", parent="1042-a", sessions=["2024-09-03/PM"])
        | {"channel": "phone", "received_at": "2024-09-03T11:00:00"},
        line("RecordEnquiries", "2024-09-03T16:00:00", **about),
        line("RecordSupport", "2024-09-03T16:00:00", step="meeting", stage="held", **about),
        line("SendLetter", "2024-09-03T16:00:00", pupil="1042", about="other", parents=["1042-a"])
        | {"sent_on": "2024-09-03"},
    ]
    school = open_school().replay([*BEGINNING, *followed])
    shown = register_answer(school.answers, school.answers.moment(date(2024, 9, 3)), "4W", date(2024, 9, 3))
    assert [(each.code, each.reports, each.arrived_at is not None) for each in shown.lines] == [
        ("L", 0, True),
        (None, 1, False),
    ]
