"""How we manage lateness: the Late Book, minutes, and from how many late sessions on somebody writes or meets.

School policy, Lateness: arrivals after nine go through the office with a reason; after the register closed they are U;
a persistent lateness record leads to a meeting.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger.sessions import parse_moment
from projections.followup.lateness import (
    PunctualityAnswer,
    class_totals,
    late_book_answer,
    punctuality_answers,
    punctuality_duties,
)
from projections.followup.punctuality import minutes_late
from projections.lines import command_line
from tests.support.late_school import Line, admitted, amended, arrived, in_order, marked, opened, told
from tests.support.schools import OpenedSchool, desk_at, open_school

OPENS = parse_moment("2024-11-05T08:55:00")
# School days of the six school weeks up to 22 November: the half term uses none of them up.
DAYS = [
    "2024-10-07", "2024-10-08", "2024-10-09", "2024-10-10", "2024-10-14", "2024-10-15", "2024-10-21", "2024-11-04",
    "2024-11-05", "2024-11-11", "2024-11-18", "2024-11-19",
]  # fmt: skip
FRIDAY = date(2024, 11, 22)


def school(*lines: Line | list[Line], policy: str = "micklem-2025") -> OpenedSchool:
    return open_school().replay(in_order(opened(policy), *lines))


def late(*days: str, code: str = "L") -> list[Line]:
    return [marked(code, f"{day}/AM") for day in days]


def figures(of: OpenedSchool, as_of: date = FRIDAY, known_at: str = "", **asked: Any) -> PunctualityAnswer:
    moment = of.answers.moment(as_of, parse_moment(known_at) if known_at else None)
    (found,) = punctuality_answers(of.answers, moment, ["1042"], **asked)
    return found


def due(of: OpenedSchool, as_of: date = FRIDAY) -> list[tuple[str, str]]:
    duties = punctuality_duties(desk_at(of.answers, as_of))
    return [(duty.rule, duty.pupil) for duty in duties]


# --- minutes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "minutes"),
    [
        ("08:54:59", 0),
        ("08:55:00", 0),
        ("08:55:59", 0),
        ("08:56:00", 1),
        ("09:00:00", 5),
        ("09:00:01", 5),
        ("09:01:00", 6),
        ("09:10:00", 15),
        ("09:10:01", 15),
        ("09:11:00", 16),
        ("12:00:00", 185),
    ],
)
def test_minutes_are_whole_ones_since_registration_opened(clock: str, minutes: int) -> None:
    assert minutes_late(parse_moment(f"2024-11-05T{clock}"), OPENS) == minutes


@pytest.mark.parametrize(
    ("clock", "code", "late", "very_late", "minutes"),
    [
        ("09:00:00", "/", 0, 0, []),
        ("09:00:01", "L", 1, 0, [5]),
        ("09:10:00", "L", 1, 0, [15]),
        ("09:10:01", "U", 0, 1, [15]),
    ],
)
@pytest.mark.parametrize("day", ["2024-09-05", "2024-11-05"])
def test_an_arrival_becomes_late_and_very_late_on_the_second(
    day: str, clock: str, code: str, late: int, very_late: int, minutes: list[int]
) -> None:
    found = figures(school(arrived(clock, f"{day}/AM")))
    assert (found.late, found.very_late, [each.minutes for each in found.sessions]) == (late, very_late, minutes)
    assert found.on_site == 1 and (found.late_percent == 100.0) is bool(minutes)


def test_a_late_session_that_nobody_logged_has_no_minutes() -> None:
    found = figures(school(late("2024-11-05"), arrived("09:07:00", "2024-11-06/AM")))
    assert (found.late, found.minutes, found.minutes_unknown) == (2, 12, 1)
    assert [(each.session, each.minutes) for each in found.sessions] == [("2024-11-05/AM", None), ("2024-11-06/AM", 12)]


def test_an_arrival_logged_again_corrects_the_first() -> None:
    found = figures(
        school(
            arrived("09:07:00", "2024-11-06/AM"),
            arrived("09:05:00", "2024-11-06/AM", at="2024-11-06T09:30:00"),
        )
    )
    assert (found.late, found.minutes) == (1, 10)


def test_the_afternoon_is_measured_from_its_own_opening() -> None:
    assert figures(school(arrived("13:20:30", "2024-11-06/PM"))).minutes == 5


def test_late_and_very_late_stay_apart_and_weekdays_count_both() -> None:
    found = figures(school(late("2024-11-04", "2024-11-11"), late("2024-11-12", code="U"), late("2024-11-22")))
    assert (found.late, found.very_late) == (3, 1)
    assert found.weekdays == {"Mon": 2, "Tue": 1, "Wed": 0, "Thu": 0, "Fri": 1}


def test_what_was_late_then_is_late_then_for_ever() -> None:
    of = school(late("2024-11-05"), amended("/", "2024-11-05/AM", "2024-11-06T09:00:00"))
    assert figures(of, known_at="2024-11-05T23:00:00").late == 1
    assert (figures(of).late, figures(of).on_site) == (0, 1)


def test_days_before_the_first_and_off_roll_do_not_count() -> None:
    of = school(late("2024-10-07", "2024-11-05", "2024-11-22"))
    assert figures(of, from_day=date(2024, 11, 5)).late == 2
    assert figures(of, as_of=date(2024, 11, 21)).late == 2


def test_a_school_year_begins_with_nobody_late() -> None:
    assert figures(school(late("2025-07-21"), marked("/", "2025-09-03/AM")), as_of=date(2025, 9, 3)).late == 0


def test_a_class_is_the_sum_of_its_pupils() -> None:
    of = school(late("2024-11-05", "2024-11-06"), marked("/", "2024-11-05/AM", "1043"))
    (whole,) = class_totals(
        punctuality_answers(of.answers, of.answers.moment(FRIDAY), of.answers.moment(FRIDAY).school.pupils_on(FRIDAY))
    )
    assert (whole.class_name, whole.pupils, whole.never_late, whole.on_site, whole.late) == ("4W", 2, 1, 3, 2)
    assert whole.late_percent == 66.7


# --- persistent lateness --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sessions", "concern", "persistent"), [(4, False, False), (5, True, False), (9, True, False), (10, True, True)]
)
@pytest.mark.parametrize("policy", ["national-2024", "micklem-2025"])
@pytest.mark.parametrize("code", ["L", "U"])
def test_from_how_many_late_sessions_it_is_a_concern_and_persistent(
    policy: str, code: str, sessions: int, concern: bool, persistent: bool
) -> None:
    of = school(late(*DAYS[:sessions], code=code), policy=policy)
    found = figures(of)
    assert (found.recent, found.concern, found.persistent) == (sessions, concern, persistent)
    assert due(of) == ([("punctuality meeting", "1042")] if persistent else [("punctuality letter", "1042")] * concern)


@pytest.mark.parametrize(
    ("first", "counted"),
    [("2024-10-04", 4), ("2024-10-07", 5)],  # the Friday before the six school weeks, and their first Monday
)
def test_only_the_policys_school_weeks_count_and_holidays_use_up_none(first: str, counted: int) -> None:
    found = figures(school(late(first, *DAYS[7:11])))
    assert found.weeks == ["2024-10-07", "2024-10-14", "2024-10-21", "2024-11-04", "2024-11-11", "2024-11-18"]
    assert (found.late, found.recent, found.concern) == (5, counted, counted == 5)


def test_the_weeks_run_on_through_the_summer() -> None:
    days = ["2025-07-16", "2025-07-17", "2025-07-18", "2025-09-03", "2025-09-04"]
    assert figures(school(late(*days)), as_of=date(2025, 9, 5)).recent == 5


def letter(sent_on: str, about: str = "punctuality") -> Line:
    return told("SendLetter", f"{sent_on}T16:00:00", about=about, parents=["1042-a"], sent_on=sent_on)


@pytest.mark.parametrize(
    ("sent_on", "again"),
    [("2024-10-18", True), ("2024-10-21", False), ("2024-11-22", False)],  # 20 school days before, 19, and none
)
def test_after_a_letter_there_is_a_pause(sent_on: str, again: bool) -> None:
    of = school(late(*DAYS[:5]), letter(sent_on))
    assert due(of) == [("punctuality letter", "1042")] * again


def test_a_letter_about_attendance_is_none_about_punctuality() -> None:
    assert due(school(late(*DAYS[:5]), letter("2024-11-20", "attendance"))) == [("punctuality letter", "1042")]


def meeting(on: str, stage: str, at: str) -> Line:
    return told("RecordSupport", at, step="meeting", stage=stage, on=on)


@pytest.mark.parametrize(
    ("stage", "on", "kinds"),
    [
        ("held", "2024-11-20", []),
        ("invited", "2024-11-29", []),  # to a meeting next week
        ("missed", "2024-11-20", ["punctuality meeting"]),
    ],
)
def test_a_meeting_held_or_called_settles_it(stage: str, on: str, kinds: list[str]) -> None:
    of = school(late(*DAYS[:10]), meeting(on, stage, "2024-11-20T16:00:00"))
    assert [kind for kind, _ in due(of)] == kinds


def test_to_the_next_meeting_only_later_sessions_count() -> None:
    held = meeting("2024-11-05", "held", "2024-11-05T16:00:00")
    later = ["2024-11-06", "2024-11-07", "2024-11-08", *DAYS[9:]]
    assert due(school(late(*DAYS[:9], *later), held)) == []
    more = [f"2024-11-{day}" for day in (12, 13, 14, 15)]
    assert due(school(late(*DAYS[:9], *later, *more), held)) == [("punctuality meeting", "1042")]


def test_nobody_is_written_to_about_a_pupil_who_has_left() -> None:
    gone = told("RemoveFromRoll", "2024-11-20T12:30:00", last_day="2024-11-20", ground="moved away")
    assert due(school(late(*DAYS[:10]), gone)) == []


def test_the_line_of_a_letter_names_every_parent_and_the_day() -> None:
    of = school(late(*DAYS[:5]))
    (duty,) = punctuality_duties(desk_at(of.answers, FRIDAY))
    assert command_line(duty.action) == "attendance letter sent 1042 punctuality --parent 1042-a --sent-on 2024-11-22"
    assert duty.sentence == "late 5 times in 6 school weeks: a letter is due from 5"


def test_a_duty_names_no_child() -> None:
    of = school(late(*DAYS[:10]))
    (duty,) = punctuality_duties(desk_at(of.answers, FRIDAY))
    assert "Pupil" not in duty.sentence + command_line(duty.action) and "1042" in command_line(duty.action)


# --- the Late Book --------------------------------------------------------------------------------------------------


def test_the_late_book_holds_every_arrival_with_its_time_reason_and_code() -> None:
    of = school(
        arrived("09:12:30", "2024-11-05/AM", reason="bus"),
        arrived("09:00:00", "2024-11-05/AM", "1043"),
        arrived("09:05:00", "2024-11-06/AM"),
    )
    book = late_book_answer(of.answers, of.answers.moment(date(2024, 11, 5)))
    lines = [(a.pupil, a.arrived_at, a.minutes, a.code, a.register, a.reason, a.by.name) for a in book.arrivals]
    assert lines == [
        ("1043", "2024-11-05T09:00:00+00:00", None, "/", "/", "overslept", "O Fice"),
        ("1042", "2024-11-05T09:12:30+00:00", 17, "U", "U", "bus", "O Fice"),
    ]


def test_the_late_book_shows_what_the_register_says_since() -> None:
    of = school(arrived("09:12:30", "2024-11-05/AM"), amended("M", "2024-11-05/AM", "2024-11-05T11:00:00"))
    (line,) = late_book_answer(of.answers, of.answers.moment(date(2024, 11, 5))).arrivals
    assert (line.code, line.register) == ("U", "M")
    (then,) = late_book_answer(
        of.answers, of.answers.moment(date(2024, 11, 5), parse_moment("2024-11-05T10:00:00"))
    ).arrivals
    assert (then.code, then.register) == ("U", "U")


def test_a_pupil_of_another_class_and_age_is_late_like_any_other() -> None:
    of = school(admitted("9001", born="2020-05-01"), arrived("09:05:00", "2024-11-05/AM", "9001"))
    moment = of.answers.moment(FRIDAY)
    assert [answer.late for answer in punctuality_answers(of.answers, moment, ["9001"])] == [1]
