"""When a school has sessions, and when their registration opens and closes.

Decisions ask this for every mark, and a fold builds a calendar for every change. So the days of a school year are
worked out once for each distinct year and shared by every calendar that holds it.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache

import msgspec

from ledger.sessions import LONDON, Half, Session, monday

FRIDAY = 4


class Hours(msgspec.Struct, frozen=True, array_like=True):
    """Registration opens and closes and the session ends, on the clocks of London."""

    opens: time
    closes: time
    ends: time


class Closed(msgspec.Struct, frozen=True, array_like=True):
    """Days without sessions, both inclusive, and why."""

    first: date
    last: date
    why: str


class SchoolYear(msgspec.Struct, frozen=True, cache_hash=True):
    """One school year of one school: its first and last day, the days closed between, its hours (AM, PM)."""

    year: int
    first_day: date
    last_day: date
    closed: tuple[Closed, ...]
    hours: tuple[Hours, Hours]

    def days(self) -> list[date]:
        """Return the days that have sessions, in order: Monday to Friday, not closed."""
        return list(_days(self))


@lru_cache(maxsize=128)
def _days(year: SchoolYear) -> tuple[date, ...]:
    span = (year.last_day - year.first_day).days + 1
    days = (year.first_day + timedelta(days=offset) for offset in range(span))
    # Bank holidays close nothing by themselves: a school says which days it is closed.
    return tuple(
        day
        for day in days
        if day.weekday() <= FRIDAY and not any(closed.first <= day <= closed.last for closed in year.closed)
    )


@lru_cache(maxsize=128)
def _session_numbers(year: SchoolYear) -> tuple[int, ...]:
    return tuple(Session(day, half).number for day in _days(year) for half in Half)


@lru_cache(maxsize=128)
def _closing_times(year: SchoolYear) -> tuple[datetime, ...]:
    """Return when the registration of each session closes, in UTC, in their order."""
    return tuple(_in_london(day, hours.closes) for day in _days(year) for hours in year.hours)


class Calendar:
    """All school years of a school that are known, asked by day or by session."""

    def __init__(self, years: Mapping[int, SchoolYear]) -> None:
        self.years = dict(sorted(years.items()))
        self._year_of = {day: year for year in self.years.values() for day in _days(year)}

    @cached_property
    def _school_days(self) -> list[date]:
        return sorted(self._year_of)

    @cached_property
    def _weeks_begin(self) -> list[date]:
        """Return the first school day of every school week, in order: a week in which the school has a session."""
        first_of: dict[date, date] = {}
        for day in self._school_days:
            first_of.setdefault(monday(day), day)
        return list(first_of.values())

    def is_session(self, session: Session) -> bool:
        """Return whether the school has that session."""
        return session.day in self._year_of

    def is_school_week(self, day: date) -> bool:
        """Return whether the week of a day has a session."""
        return monday(day) in self._school_weeks

    @cached_property
    def _school_weeks(self) -> frozenset[date]:
        return frozenset(monday(day) for day in self._year_of)

    def opens(self, session: Session) -> datetime:
        """Return when registration opens, in UTC. The school must have that session, here and in the next two."""
        return _in_london(session.day, self._hours(session).opens)

    def closes(self, session: Session) -> datetime:
        """Return when registration closes, in UTC."""
        return _in_london(session.day, self._hours(session).closes)

    def ends(self, session: Session) -> datetime:
        """Return when the session ends, in UTC."""
        return _in_london(session.day, self._hours(session).ends)

    def _hours(self, session: Session) -> Hours:
        return self._year_of[session.day].hours[session.half]

    def session_numbers(self, year: int) -> list[int]:
        """Return the numbers of all sessions of a school year, in order; none where it has not been opened."""
        return list(_session_numbers(self.years[year])) if year in self.years else []

    def closed_sessions(self, year: int, at: datetime) -> list[int]:
        """Return the numbers of the sessions of a school year whose registration had closed at a moment, in order."""
        if year not in self.years:
            return []
        known = self.years[year]
        times = zip(_session_numbers(known), _closing_times(known), strict=True)
        return [number for number, closes in times if closes <= at]

    def year_begun_by(self, day: date) -> int | None:
        """Return the last school year whose first day is on or before `day`, or None."""
        begun = [year for year in self.years.values() if year.first_day <= day]
        return max(begun, key=lambda year: year.first_day).year if begun else None

    def school_weeks(self, on: date, count: int) -> list[date]:
        """Return the Mondays of the last `count` school weeks whose first session is on or before `on`, oldest first.

        Holidays use up no weeks, and the weeks run on from one school year to the next; fewer come back where the
        calendar does not reach so far.
        """
        known = bisect_right(self._weeks_begin, on)
        return [monday(day) for day in self._weeks_begin[max(0, known - count) : known]]

    def school_days_until(self, day: date, count: int) -> list[date]:
        """Return the last `count` school days on or before `day`, oldest first; fewer where the calendar begins
        later."""
        known = bisect_right(self._school_days, day)
        return list(self._school_days[max(0, known - count) : known])

    def school_days_after(self, day: date, count: int) -> date | None:
        """Return the `count`-th school day strictly after `day`, or None where the calendar ends before it."""
        assert count >= 1, count
        place = bisect_right(self._school_days, day) + count - 1
        return self._school_days[place] if place < len(self._school_days) else None


def _in_london(day: date, wall: time) -> datetime:
    return datetime.combine(day, wall, LONDON).astimezone(UTC)


@lru_cache(maxsize=128)
def calendar_of(years: tuple[SchoolYear, ...]) -> Calendar:
    """Return the calendar of these school years. Schools of an authority mostly have the same."""
    return Calendar({year.year: year for year in years})
