import copy
import pickle
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.sessions import (
    LONDON,
    Half,
    Session,
    format_moment,
    format_year,
    from_micros,
    micros,
    monday,
    parse_moment,
    parse_year,
    school_year,
)

sessions = st.builds(Session, st.dates(), st.sampled_from(Half))
moments = st.datetimes(timezones=st.just(UTC))


@given(sessions)
def test_a_session_reads_back_as_it_was_written(session: Session) -> None:
    assert Session.parse(str(session)) == session


@given(sessions)
def test_a_session_is_its_own_text_wherever_it_goes(session: Session) -> None:
    assert session == str(session) and {session: 1}[str(session)] == 1 and type(str(session)) is str
    for copied in (pickle.loads(pickle.dumps(session)), copy.deepcopy(session)):
        assert (copied, copied.day, copied.half) == (session, session.day, session.half)
    with pytest.raises(AttributeError, match="does not change"):
        session.day = date(2025, 1, 1)


@given(sessions)
def test_a_session_comes_back_from_its_number(session: Session) -> None:
    back = Session.from_number(session.number)
    assert back == session
    assert isinstance(back.half, Half)


@given(sessions, sessions)
def test_numbers_keep_the_order_of_sessions(one: Session, other: Session) -> None:
    assert (one < other) == (one.number < other.number)


@given(st.integers(0, 9998))
def test_a_school_year_reads_back_as_it_was_written(year: int) -> None:
    assert parse_year(format_year(year)) == year


@given(moments)
def test_a_moment_reads_back_as_it_was_written(moment: datetime) -> None:
    assert parse_moment(format_moment(moment)) == moment


@given(moments)
def test_a_moment_comes_back_from_its_microseconds(moment: datetime) -> None:
    assert from_micros(micros(moment)) == moment


def test_sessions_count_from_the_first_morning_of_1970() -> None:
    assert Session(date(1970, 1, 1), Half.AM).number == 0
    assert Session(date(1970, 1, 1), Half.PM).number == 1
    assert Session(date(1969, 12, 31), Half.PM).number == -1
    assert str(Session(date(2025, 11, 3), Half.PM)) == "2025-11-03/PM"


@pytest.mark.parametrize(
    "text",
    ["", "2025-11-03", "2025-11-03/", "2025-11-03/am", "2025-11-03/AM/PM", "20251103/AM", "2025-W45-1/AM",
     "2025-02-29/AM", "2025-11-03/AM ", "2025-11-03/AM\n", "٢٠٢٥-11-03/AM"],
)  # fmt: skip
def test_only_one_way_of_writing_a_session_is_read(text: str) -> None:
    with pytest.raises(ValueError, match="expected a session such as"):
        Session.parse(text)


@pytest.mark.parametrize("text", ["", "2024", "2024/24", "2024/26", "2024/2025", "24/25", "2024-25", "2024/25\n"])
def test_a_school_year_names_two_years_that_follow(text: str) -> None:
    with pytest.raises(ValueError, match="expected a school year such as"):
        parse_year(text)


def test_the_century_turns_within_a_school_year() -> None:
    assert format_year(1999) == "1999/00"
    assert parse_year("1999/00") == 1999


@pytest.mark.parametrize(
    ("day", "year"),
    [("2024-07-31", 2023), ("2024-08-01", 2024), ("2024-12-31", 2024), ("2025-01-01", 2024), ("2025-07-31", 2024),
     ("2025-08-01", 2025)],
)  # fmt: skip
def test_a_school_year_runs_from_august_to_july(day: str, year: int) -> None:
    assert school_year(date.fromisoformat(day)) == year


@pytest.mark.parametrize(
    ("day", "first"), [("2025-11-02", "2025-10-27"), ("2025-11-03", "2025-11-03"), ("2025-11-09", "2025-11-03")]
)
def test_a_week_begins_on_its_monday(day: str, first: str) -> None:
    assert monday(date.fromisoformat(day)) == date.fromisoformat(first)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-01-15T09:00", "2025-01-15T09:00:00+00:00"),
        ("2025-07-15T09:00", "2025-07-15T08:00:00+00:00"),
        ("2025-07-15 09:00:00", "2025-07-15T08:00:00+00:00"),
        ("2025-07-15T09:00:00Z", "2025-07-15T09:00:00+00:00"),
        ("2025-07-15T09:00:00+01:00", "2025-07-15T08:00:00+00:00"),
        ("2025-07-15T09:00:00.25-0230", "2025-07-15T11:30:00.250000+00:00"),
        ("2025-07-15T09:00:00.1234567Z", "2025-07-15T09:00:00.123456+00:00"),
        # the clocks go back at 02:00 on 26 October 2025: what comes twice needs its offset
        ("2025-10-26T00:59:59", "2025-10-25T23:59:59+00:00"),
        ("2025-10-26T01:30+01:00", "2025-10-26T00:30:00+00:00"),
        ("2025-10-26T01:30+00:00", "2025-10-26T01:30:00+00:00"),
        ("2025-10-26T02:00", "2025-10-26T02:00:00+00:00"),
        # and forward at 01:00 on 30 March 2025
        ("2025-03-30T00:59:59", "2025-03-30T00:59:59+00:00"),
        ("2025-03-30T02:00", "2025-03-30T01:00:00+00:00"),
    ],
)
def test_a_time_without_an_offset_is_in_london(text: str, utc: str) -> None:
    assert format_moment(parse_moment(text)) == utc


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        ("2025-01-15", "2025-01-15T00:00:00+00:00", "2025-01-15T23:59:59.999999+00:00"),
        ("2025-07-15", "2025-07-14T23:00:00+00:00", "2025-07-15T22:59:59.999999+00:00"),
        ("2025-10-26", "2025-10-25T23:00:00+00:00", "2025-10-26T23:59:59.999999+00:00"),
        ("2025-03-30", "2025-03-30T00:00:00+00:00", "2025-03-30T22:59:59.999999+00:00"),
    ],
)
def test_a_bare_day_is_its_first_or_last_microsecond_in_london(day: str, first: str, last: str) -> None:
    assert format_moment(parse_moment(day)) == first
    assert format_moment(parse_moment(day, end_of_day=True)) == last
    assert (from_micros(micros(parse_moment(day, end_of_day=True)) + 1)).astimezone(LONDON).hour == 0


def test_the_end_of_a_day_is_for_bare_days_only() -> None:
    assert parse_moment("2025-01-15T09:00Z", end_of_day=True) == datetime(2025, 1, 15, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "today", "2025", "2025-02-29", "2025-11-03T", "2025-11-03T25:00", "2025-11-03X09:00", "20251103T0900",
     "2025-11-03T09:00:00+25:00", "2025-11-03T09:00\n", "0001-01-01T00:00+05:00", "9999-12-31T23:00-05:00"],
)  # fmt: skip
def test_what_is_no_time_says_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time such as"):
        parse_moment(text)


@pytest.mark.parametrize("text", ["2025-03-30T01:00", "2025-03-30T01:30", "2025-03-30 01:59:59.999999"])
def test_a_time_that_london_did_not_have_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time that London had"):
        parse_moment(text)
    assert parse_moment(f"{text}Z") == parse_moment(f"{text}+00:00"), "with an offset it is one"


@pytest.mark.parametrize("text", ["2025-10-26T01:00", "2025-10-26T01:30", "2025-10-26T01:59:59.999999"])
def test_a_time_that_london_had_twice_needs_its_offset(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected the offset, \+01:00 or \+00:00"):
        parse_moment(text)
    assert parse_moment(f"{text}Z") - parse_moment(f"{text}+01:00") == timedelta(hours=1)


def test_microseconds_are_exact_where_floats_are_not() -> None:
    moment = datetime(2025, 11, 3, 8, 55, 0, 123457, tzinfo=timezone(timedelta(hours=1)))
    assert micros(moment) == 1762156500123457
    assert format_moment(moment) == "2025-11-03T07:55:00.123457+00:00"
