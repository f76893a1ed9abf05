"""Daily return: every pupil's morning and afternoon code goes to the department each day, and what changed since.

School policy, Promoting Regular Attendance: a daily attendance return is submitted to the Department for Education.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import wire
from ledger.errors import Misconfigured, Refused
from ledger.sessions import Session, from_micros, micros, parse_moment
from ledger.streams import entry_of
from projections.lines import command_line
from projections.returns.daily import DailyAnswer, changed_since, daily_answer, daily_duties, last_return, since_of
from tests.support.late_school import Line, amended, in_order, marked, opened, told
from tests.support.random_school import journal
from tests.support.schools import OpenedSchool, desk_at, open_school

DAY = date(2024, 11, 5)
AM, PM = "2024-11-05/AM", "2024-11-05/PM"


def school(*lines: Line | list[Line], url: str = "memory:") -> OpenedSchool:
    return open_school(url).replay(in_order(opened(), *lines))


def returned(of: OpenedSchool, day: date = DAY, known_at: str = "", since: str = "") -> DailyAnswer:
    moment = of.answers.moment(day, parse_moment(known_at) if known_at else None)
    return daily_answer(of.answers, moment, since_of(of.answers, moment, since) if since else None)


def send(of: OpenedSchool, day: str, at: str, seen: int = 0) -> None:
    """Record that a day's return was made at a time, as known then."""
    line = told("RecordDailyReturn", at, day=day, seen=seen or of.rows()[-1].position, pupils=2, digest="0" * 64)
    del line["pupil"]
    of.send(line)


def codes(found: DailyAnswer) -> list[tuple[str, str, str, str]]:
    return [(line.pupil, line.period, line.code, line.remark) for line in found.sessions]


# --- what is returned -----------------------------------------------------------------------------------------------


def test_every_pupil_on_roll_has_a_line_for_each_session() -> None:
    found = returned(school(marked("/", AM), marked("I", AM, "1043"), marked("\\", PM), marked("I", PM, "1043")))
    assert codes(found) == [
        ("1042", "AM", "/", ""), ("1042", "PM", "\\", ""), ("1043", "AM", "I", ""), ("1043", "PM", "I", ""),
    ]  # fmt: skip
    first = found.sessions[0]
    assert (first.upn, first.name, first.born, first.sex, first.year_group, first.class_name, first.day) == (
        "B801200005001", "Pupil 1042", "2016-03-09", "F", "4", "4W", "2024-11-05",
    )  # fmt: skip
    assert (found.la, found.estab, found.urn, found.school) == ("919", "2000", "117000", "Example Primary")


@pytest.mark.parametrize(
    ("known_at", "remark"),
    [("2024-11-05T13:29:59", "registration has not closed yet"), ("2024-11-05T13:30:00", "no mark")],
)
def test_a_session_without_a_mark_is_blank_and_says_why(known_at: str, remark: str) -> None:
    of = school(marked("/", AM), marked("/", AM, "1043"), marked("/", "2024-11-06/AM"))
    found = returned(of, known_at=known_at)
    assert (found.missing, codes(found)[1]) == (2, ("1042", "PM", "", remark))


def test_a_closure_is_shown_as_what_it_expects_until_it_is_marked() -> None:
    declared = {"command": "DeclareClosure", "at": "2024-11-05T08:00:00", "by": told("", "")["by"],
                "sessions": [AM, PM], "code": "Y4", "reason": "no heating"}  # fmt: skip
    closed = {"command": "CloseRegister", "at": "2024-11-05T12:00:00", "by": told("", "")["by"], "session": AM}
    found = returned(school(declared, closed, marked("/", "2024-11-06/AM")))
    assert codes(found)[:2] == [("1042", "AM", "Y4", ""), ("1042", "PM", "", "no mark; expects Y4")]


def test_it_says_what_was_known_then_for_ever() -> None:
    of = school(marked("N", AM), amended("I", AM, "2024-11-06T09:00:00"))
    assert codes(returned(of, known_at="2024-11-05T23:00:00"))[0][2] == "N"
    assert codes(returned(of))[0][2] == "I"


def test_a_day_without_sessions_has_no_return() -> None:
    with pytest.raises(Misconfigured, match="2024-11-09 has no session"):
        returned(school(marked("/", AM)), date(2024, 11, 9))


# --- what changed since ---------------------------------------------------------------------------------------------


def two_returns(url: str = "memory:") -> OpenedSchool:
    """Return a school that has sent Monday and Tuesday; Monday's N became I, Tuesday's afternoon came later."""
    of = school(marked("N", "2024-11-04/AM"), marked("N", "2024-11-04/PM"), url=url)
    send(of, "2024-11-04", "2024-11-04T15:30:00")
    of.send(marked("/", AM))
    send(of, "2024-11-05", "2024-11-05T12:30:00")
    of.send(marked("\\", PM))
    of.send(amended("I", "2024-11-04/AM", "2024-11-06T09:00:00"))
    of.send(amended("O", "2024-11-04/PM", "2024-11-06T09:01:00"))
    of.send(amended("N", "2024-11-04/PM", "2024-11-06T09:02:00"))
    of.send(marked("/", "2024-11-06/AM", at="2024-11-06T09:03:00"))
    return of


def test_a_changed_code_is_named_with_old_and_new_when_and_by_whom(fresh_url: Callable[[], str]) -> None:
    found = returned(two_returns(fresh_url()), date(2024, 11, 6), since="last")
    assert [(c.session, c.pupil, c.before, c.code, c.recorded_at, c.by.name) for c in found.changes] == [
        ("2024-11-04/AM", "1042", "N", "I", "2024-11-06T09:00:00+00:00", "O Fice"),
        ("2024-11-05/PM", "1042", None, "\\", "2024-11-05T15:00:00+00:00", "O Fice"),
    ]
    assert [(line.day, line.period, line.code, line.remark) for line in found.corrected] == [
        ("2024-11-04", "AM", "I", "was N"),
        ("2024-11-05", "PM", "\\", "had no mark"),
    ]


def test_there_and_back_is_no_change_and_a_day_not_returned_yet_is_none() -> None:
    sessions = {change.session for change in returned(two_returns(), date(2024, 11, 6), since="last").changes}
    assert "2024-11-04/PM" not in sessions and "2024-11-06/AM" not in sessions


def test_what_has_been_told_is_not_told_again() -> None:
    of = two_returns()
    send(of, "2024-11-06", "2024-11-06T12:30:00")
    assert returned(of, date(2024, 11, 6), since="last").changes == []


def test_a_return_made_late_for_an_earlier_day_passes_nothing_over() -> None:
    of = two_returns()
    tuesday = returned(of, DAY, since="last")
    assert {change.session for change in tuesday.changes} == {"2024-11-04/AM", "2024-11-05/PM"}
    assert [line.day for line in tuesday.corrected] == ["2024-11-04"]  # the day itself is in the return anyway


def test_nothing_has_changed_before_the_first_return() -> None:
    of = school(marked("/", AM))
    assert last_return(of.answers.moment(DAY)) is None
    assert returned(of, since="last").since is None


@pytest.mark.parametrize("text", ["0", "-1", "99", "first", "1.0", "١"])
def test_a_position_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        returned(school(marked("/", AM)), since=text)
    assert (refused.value.rule, refused.value.field) == ("malformed", "--since")


def test_since_a_position_counts_sessions_that_had_closed_by_then() -> None:
    of = school(marked("/", AM, at="2024-11-05T09:09:59"), marked("/", AM, "1043", at="2024-11-05T09:12:00"))
    of.send(marked("\\", PM))
    of.send(amended("L", AM, "2024-11-05T15:10:00"))
    first, second = (row.position for row in of.rows() if row.topic == "entry.MarkRecorded" and "AM" in row.stream)
    assert returned(of, since=str(first)).changes == []  # nothing of the day had closed
    assert [change.session for change in returned(of, since=str(second)).changes] == [AM]


@given(seed=st.integers(0, 2**32), cut=st.floats(0, 1))
def test_changes_are_those_of_a_plain_re_reading(seed: int, cut: float) -> None:
    of = open_school().replay(journal(seed, 12, 4))
    rows = of.rows()
    position = max(1, int(cut * len(rows)))
    as_of = from_micros(rows[-1].recorded_at).date()
    moment = of.answers.moment(as_of)
    since = since_of(of.answers, moment, str(position))
    assert since is not None
    found = changed_since(of.answers, moment, since)
    then, now = ({} for _ in range(2))  # type: dict[tuple[str, int], str], dict[tuple[str, int], str]
    for stream, code, at in marks(rows):
        pupil, session = entry_of(stream)
        now[pupil, session.number] = code
        if at <= position:
            then[pupil, session.number] = code
    expected = {
        (pupil, session, then.get((pupil, session)), code)
        for (pupil, session), code in now.items()
        if then.get((pupil, session)) != code and session <= since.until
    }
    assert {change[:4] for change in found} == expected and len(found) == len(expected)
    closed = Session.from_number(since.until + 1)
    calendar = moment.school.calendar
    if calendar.is_session(closed):
        assert micros(calendar.closes(closed)) > rows[position - 1].recorded_at


def marks(rows: list[Any]) -> Iterator[tuple[str, str, int]]:
    for row in rows:
        if row.topic.startswith("entry."):
            yield row.stream, wire.decode(row.state).code, row.position


# --- what is due ----------------------------------------------------------------------------------------------------


def due(of: OpenedSchool, as_of: date, known_at: datetime | None = None) -> list[tuple[str, str]]:
    duties = daily_duties(desk_at(of.answers, as_of, known_at))
    return [(duty.rule, str(duty.by or "")) for duty in duties]


def test_a_school_that_never_made_a_return_is_not_asked_for_one() -> None:
    assert due(school(marked("/", AM)), DAY) == []


def test_the_days_of_a_school_week_since_the_first_return_are_asked_for() -> None:
    of = school(marked("/", AM))
    send(of, "2024-11-05", "2024-11-05T15:30:00")
    of.send(marked("/", "2024-11-14/AM", at="2024-11-14T13:29:00"))
    days = ["2024-11-07", "2024-11-08", "2024-11-11", "2024-11-12", "2024-11-13"]
    assert due(of, date(2024, 11, 13)) == [("daily return", day) for day in days]
    assert ("daily return", "2024-11-14") not in due(of, date(2024, 11, 14))
    of.send(marked("\\", "2024-11-14/PM", at="2024-11-14T13:30:00"))
    assert ("daily return", "2024-11-14") in due(of, date(2024, 11, 14))


def test_codes_changed_since_the_last_return_wait_to_be_told() -> None:
    of = two_returns()
    (changed,) = [duty for duty in daily_duties(desk_at(of.answers, DAY)) if duty.rule.endswith("changes")]
    assert changed.sentence.startswith("2 codes of 2 days returned before changed since position ")
    assert command_line(changed.action) == "attendance daily show 2024-11-05 --since last"
