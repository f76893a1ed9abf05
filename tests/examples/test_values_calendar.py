from datetime import UTC, date, datetime, time, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.calendar import Calendar, Closed, Hours, SchoolYear
from ledger.sessions import Half, Session, format_moment, monday

MORNING = Hours(time(8, 55), time(9, 10), time(12))
AFTERNOON = Hours(time(13, 15), time(13, 30), time(15, 15))


def day(text: str) -> date:
    return date.fromisoformat(text)


def year(number: int, first: str, last: str, *closed: tuple[str, str]) -> SchoolYear:
    days = tuple(Closed(day(one), day(other), "Holiday") for one, other in closed)
    return SchoolYear(number, day(first), day(last), days, (MORNING, AFTERNOON))


LAST = year(2023, "2024-06-03", "2024-07-19")
THIS = year(2024, "2024-09-03", "2025-07-22", ("2024-10-28", "2024-11-01"), ("2024-12-23", "2025-01-03"))
CALENDAR = Calendar({2024: THIS, 2023: LAST})


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        ("2024-09-02/PM", False),  # the day before the year
        ("2024-09-03/AM", True),
        ("2024-09-06/PM", True),  # Friday
        ("2024-09-07/AM", False),
        ("2024-09-08/AM", False),
        ("2024-09-09/AM", True),
        ("2024-10-25/PM", True),
        ("2024-10-28/AM", False),  # half term
        ("2024-11-01/PM", False),
        ("2024-11-04/AM", True),
        ("2025-05-05/AM", True),  # a bank holiday that the school does not list
        ("2025-07-22/PM", True),
        ("2025-07-23/AM", False),
        ("2024-07-19/AM", True),
        ("2024-08-05/AM", False),
    ],
)
def test_sessions_are_weekdays_of_a_school_year_that_are_not_closed(session: str, expected: bool) -> None:
    assert CALENDAR.is_session(Session.parse(session)) is expected


def test_a_calendar_without_years_has_no_sessions() -> None:
    empty = Calendar({})
    assert not empty.is_session(Session.parse("2024-09-03/AM"))
    assert empty.session_numbers(2024) == []
    assert empty.year_begun_by(day("2024-09-03")) is None
    assert empty.school_weeks(day("2024-09-03"), 10) == []
    assert empty.school_days_after(day("2024-09-03"), 1) is None


@pytest.mark.parametrize(
    ("session", "opens", "closes", "ends"),
    [
        ("2024-09-03/AM", "07:55:00", "08:10:00", "11:00:00"),
        ("2024-09-03/PM", "12:15:00", "12:30:00", "14:15:00"),
        ("2024-10-25/AM", "07:55:00", "08:10:00", "11:00:00"),  # the last Friday of summer time
        ("2024-11-04/AM", "08:55:00", "09:10:00", "12:00:00"),
        ("2025-03-28/PM", "13:15:00", "13:30:00", "15:15:00"),  # the last Friday of winter time
        ("2025-03-31/PM", "12:15:00", "12:30:00", "14:15:00"),
    ],
)
def test_hours_follow_the_clocks_of_london(session: str, opens: str, closes: str, ends: str) -> None:
    parsed = Session.parse(session)
    times = [CALENDAR.opens(parsed), CALENDAR.closes(parsed), CALENDAR.ends(parsed)]
    assert [format_moment(moment) for moment in times] == [f"{parsed.day}T{at}+00:00" for at in (opens, closes, ends)]
    assert all(isinstance(moment, datetime) and moment.utcoffset() == timedelta(0) for moment in times)


@given(st.datetimes(datetime(2024, 5, 1), datetime(2024, 12, 31), timezones=st.just(UTC)))
def test_the_closed_sessions_are_those_that_closed_by_then(moment: datetime) -> None:
    for known in (2023, 2024):
        times = {n: CALENDAR.closes(Session.from_number(n)) for n in CALENDAR.session_numbers(known)}
        for at in (moment, *[closes for closes in times.values() if abs(closes - moment) < timedelta(days=1)]):
            assert CALENDAR.closed_sessions(known, at) == [number for number, closes in times.items() if closes <= at]
    assert CALENDAR.closed_sessions(2030, moment) == []


def test_each_year_keeps_its_own_hours() -> None:
    early = Hours(time(8), time(8, 20), time(11, 30))
    other = SchoolYear(2025, day("2025-09-01"), day("2026-07-17"), (), (early, AFTERNOON))
    calendar = Calendar({2024: THIS, 2025: other})
    assert format_moment(calendar.opens(Session.parse("2025-09-01/AM"))) == "2025-09-01T07:00:00+00:00"
    assert format_moment(calendar.opens(Session.parse("2025-07-22/AM"))) == "2025-07-22T07:55:00+00:00"


def test_session_numbers_are_every_morning_and_afternoon_in_order() -> None:
    numbers = CALENDAR.session_numbers(2023)
    assert len(numbers) == 7 * 10
    assert [str(Session.from_number(number)) for number in numbers[:3]] == [
        "2024-06-03/AM",
        "2024-06-03/PM",
        "2024-06-04/AM",
    ]
    assert numbers == sorted(numbers)


def test_the_lists_handed_out_are_the_callers_own() -> None:
    CALENDAR.session_numbers(2024).clear()
    THIS.days().clear()
    assert CALENDAR.session_numbers(2024)
    assert THIS.days()[0] == day("2024-09-03")


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("2024-06-02", None),
        ("2024-06-03", 2023),
        ("2024-09-02", 2023),  # after the last year ended and before the next began
        ("2024-09-03", 2024),
        ("2030-01-01", 2024),
    ],
)
def test_the_year_to_date_is_the_last_that_had_begun(on: str, expected: int | None) -> None:
    assert CALENDAR.year_begun_by(day(on)) == expected


@pytest.mark.parametrize(
    ("on", "count", "weeks"),
    [
        ("2024-09-02", 2, ["2024-07-08", "2024-07-15"]),  # a Monday, and the school starts on Tuesday
        ("2024-09-03", 2, ["2024-07-15", "2024-09-02"]),
        ("2024-09-03", 0, []),
        ("2024-11-01", 2, ["2024-10-14", "2024-10-21"]),  # half term is no school week
        ("2024-11-03", 2, ["2024-10-14", "2024-10-21"]),
        ("2024-11-04", 2, ["2024-10-21", "2024-11-04"]),
        ("2025-01-06", 2, ["2024-12-16", "2025-01-06"]),
        ("2030-01-01", 1, ["2025-07-21"]),
        ("2024-06-02", 10, []),
        ("2024-06-03", 10, ["2024-06-03"]),
    ],
)
def test_school_weeks_skip_holidays_and_run_across_years(on: str, count: int, weeks: list[str]) -> None:
    assert CALENDAR.school_weeks(day(on), count) == [day(week) for week in weeks]


def test_a_week_counts_from_its_own_first_session() -> None:
    # closed on Monday and Tuesday, so the week is not there before Wednesday
    calendar = Calendar({2024: year(2024, "2024-09-02", "2024-09-13", ("2024-09-09", "2024-09-10"))})
    assert calendar.school_weeks(day("2024-09-10"), 10) == [day("2024-09-02")]
    assert calendar.school_weeks(day("2024-09-11"), 10) == [day("2024-09-02"), day("2024-09-09")]


@pytest.mark.parametrize(
    ("after", "count", "expected"),
    [
        ("2024-09-03", 1, "2024-09-04"),
        ("2024-09-06", 1, "2024-09-09"),
        ("2024-09-07", 1, "2024-09-09"),
        ("2024-10-25", 5, "2024-11-08"),  # across half term
        ("2024-10-24", 1, "2024-10-25"),
        ("2024-07-19", 5, "2024-09-09"),  # across the summer
        ("2025-07-21", 1, "2025-07-22"),
        ("2025-07-21", 2, None),
        ("2025-07-22", 1, None),
    ],
)
def test_deadlines_count_school_days_strictly_after(after: str, count: int, expected: str | None) -> None:
    assert CALENDAR.school_days_after(day(after), count) == (expected and day(expected))


@given(
    st.dates(date(2024, 9, 1), date(2025, 7, 31)),
    st.integers(0, 120),
    st.lists(st.tuples(st.dates(date(2024, 9, 1), date(2025, 7, 31)), st.integers(0, 20)), max_size=4),
    st.dates(date(2024, 8, 1), date(2025, 12, 31)),
    st.integers(1, 12),
)
def test_a_calendar_agrees_with_counting_day_by_day(
    first: date, length: int, closures: list[tuple[date, int]], on: date, count: int
) -> None:
    closed = tuple(Closed(begin, begin + timedelta(days=more), "Holiday") for begin, more in closures)
    last = first + timedelta(days=length)
    school = SchoolYear(2024, first, last, closed, (MORNING, AFTERNOON))
    calendar = Calendar({2024: school})
    days = [
        each
        for each in (first + timedelta(days=offset) for offset in range(length + 1))
        if each.weekday() < 5 and not any(one.first <= each <= one.last for one in closed)
    ]
    assert school.days() == days
    assert calendar.session_numbers(2024) == [Session(each, half).number for each in days for half in Half]
    assert calendar.school_weeks(on, count) == sorted({monday(each) for each in days if each <= on})[-count:]
    later = [each for each in days if each > on]
    assert calendar.school_days_after(on, count) == (later[count - 1] if len(later) >= count else None)


def test_a_school_year_survives_its_bytes() -> None:
    assert msgspec.json.decode(msgspec.json.encode(THIS), type=SchoolYear) == THIS
