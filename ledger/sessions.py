"""Days, half-days and moments: how they are written, numbered and read in London.

A session is a half-day and is written 2025-11-03/AM. A moment is an aware datetime in UTC; people may write it in
London time. Parsers raise ValueError with what they expected and never repeat what they were given, which may be
personal.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import NoReturn
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.toordinal()
MICROSECOND = timedelta(microseconds=1)
SESSIONS_KEPT = 2**14  # twenty years of them

# Stricter than fromisoformat, which also reads week dates and days without hyphens.
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEAR = re.compile(r"([0-9]{4})/([0-9]{2})")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
)


class Half(IntEnum):
    """The morning or the afternoon session of a day."""

    AM = 0
    PM = 1


_HALVES = (Half.AM, Half.PM)


class Session(str):
    """One half-day: its own text, 2025-11-03/AM, wherever it is written or looked up. Sessions sort by time."""

    __slots__ = ("day", "half")
    day: date
    half: Half

    def __new__(cls, day: date, half: Half) -> Session:
        session = super().__new__(cls, f"{day.isoformat()}/{half.name}")
        object.__setattr__(session, "day", day)
        object.__setattr__(session, "half", half)
        return session

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a session does not change")

    def __reduce__(self) -> tuple[type[Session], tuple[date, Half]]:
        return Session, (self.day, self.half)

    @staticmethod
    @lru_cache(maxsize=SESSIONS_KEPT)
    def parse(text: str) -> Session:
        """Return the session that `text` names, such as 2025-11-03/AM; ValueError says what was expected."""
        day, slash, half = text.partition("/")
        try:
            if slash and _DAY.fullmatch(day):
                return Session(date.fromisoformat(day), Half[half])
        except (ValueError, KeyError):
            pass
        raise ValueError("expected a session such as 2025-11-03/AM")

    @staticmethod
    @lru_cache(maxsize=SESSIONS_KEPT)
    def from_number(number: int) -> Session:
        """Return the session of that number; the inverse of `number`."""
        day, half = divmod(number, 2)
        return Session(date.fromordinal(day + EPOCH_DAY), _HALVES[half])

    @property
    def number(self) -> int:
        """Return days since 1970-01-01, times two, plus the half: consecutive through a day, sortable."""
        return (self.day.toordinal() - EPOCH_DAY) * 2 + int(self.half)


def monday(day: date) -> date:
    """Return the Monday of the week, Monday to Sunday, that `day` lies in."""
    return day - timedelta(days=day.weekday())


def school_year(day: date) -> int:
    """Return the calendar year in which the school year of `day` begins; it runs from 1 August to 31 July.

    Fixed for every school, whatever its own first day, so that a day alone says which year's records it belongs to.
    """
    return day.year if day.month >= 8 else day.year - 1


def format_year(year: int) -> str:
    """Return a school year as people write it, 2024/25 for 2024; the inverse of `parse_year`."""
    return f"{year:04}/{(year + 1) % 100:02}"


def parse_year(text: str) -> int:
    """Return 2024 for 2024/25; ValueError where the second half is not the following year."""
    match = _YEAR.fullmatch(text)
    if match and (int(match[1]) + 1) % 100 == int(match[2]):
        return int(match[1])
    raise ValueError("expected a school year such as 2024/25")


def parse_moment(text: str, end_of_day: bool = False) -> datetime:
    """Return the moment in UTC that `text` names in ISO 8601; ValueError says what was expected.

    Without an offset it is London's time, which must be one that London had, and had once: not in the hour that March
    leaves out, and in the one that October repeats only with its offset. A bare day means its first microsecond in
    London, or with `end_of_day` its last. Fractions finer than a microsecond are cut off.
    """
    try:
        if _DAY.fullmatch(text):
            local = datetime.combine(date.fromisoformat(text), time.max if end_of_day else time.min)
            return local.replace(tzinfo=LONDON).astimezone(UTC)
        readings = _readings(datetime.fromisoformat(text)) if _MOMENT.fullmatch(text) else []
    except (ValueError, OverflowError):  # no such day or hour, or beyond the years that datetime knows
        readings = []
    match readings:
        case [moment]:
            return moment
        case [first, second] if first < second:
            raise ValueError("expected the offset, +01:00 or +00:00, because London had this time twice that day")
        case [_, _]:
            raise ValueError("expected a time that London had: its clocks went forward over this one")
    raise ValueError("expected a time such as 2025-11-03T08:55:00 or a day such as 2025-11-03")


def _readings(given: datetime) -> list[datetime]:
    """Return the one moment in UTC that a time can mean, or two where without its offset it could be either, by the
    clock before a change and by the one after it."""
    if given.tzinfo:
        return [given.astimezone(UTC)]
    before, after = (given.replace(tzinfo=LONDON, fold=fold).astimezone(UTC) for fold in (0, 1))
    return [before] if before == after else [before, after]


@lru_cache(maxsize=1024)  # an answer says its two times with every pupil
def format_moment(moment: datetime) -> str:
    """Return the moment in ISO 8601, in UTC with offset +00:00, with microseconds only where there are any."""
    return moment.astimezone(UTC).isoformat()


def format_clock(moment: datetime) -> str:
    """Return the London time of day to the second, and to the microsecond where a fraction of one may have decided."""
    clock = moment.astimezone(LONDON).time()
    return clock.isoformat("microseconds" if clock.microsecond else "seconds")


def micros(moment: datetime) -> int:
    """Return microseconds since 1970-01-01T00:00Z, exactly; the inverse of `from_micros`."""
    return (moment - EPOCH) // MICROSECOND


def from_micros(count: int) -> datetime:
    """Return the moment in UTC that lies `count` microseconds after 1970-01-01T00:00Z."""
    return EPOCH + timedelta(microseconds=count)
