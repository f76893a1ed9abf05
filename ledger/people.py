"""Who appears in a register: staff, pupils by number, and the ages at which the law applies to them."""

import re
from datetime import date, timedelta
from typing import Protocol

import msgspec
from stdnum.gb import upn as stdnum_upn

PUPIL = re.compile(r"[A-Za-z0-9._-]{1,20}")

# The letters leave out I, O and S. A temporary number ends in a letter.
_UPN = re.compile(r"[A-HJ-NP-RT-Z][0-9]{11}[0-9A-HJ-NP-RT-Z]")


class Staff(msgspec.Struct, frozen=True, array_like=True):
    """Who made an entry, as the law wants it kept: with name and title."""

    id: str
    name: str
    title: str


class Titled(Protocol):
    """Anybody with a name and a title."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...


def signature(who: Titled) -> str:
    """Return name and title as they stand under what somebody did."""
    return f"{who.name} ({who.title})"


def is_pupil_number(text: str) -> bool:
    """Return whether `text` can be a school's own admission number."""
    # "school" is where the school's own streams begin, so no pupil can be called that.
    return PUPIL.fullmatch(text) is not None and text != "school"


def check_upn(text: str) -> bool:
    """Return whether `text` is a Unique Pupil Number, permanent or temporary: 13 characters and the right check letter.

    The number of the issuing authority is not checked: the library's list is of 2011, and authorities made since
    then (Dorset, Cumberland …) issue numbers too.
    """
    return _UPN.fullmatch(text) is not None and stdnum_upn.calc_check_digit(text[1:]) == text[0]


def compulsory_school_age(born: date) -> tuple[date, date]:
    """Return the first and the last day of compulsory school age, both inclusive (Education Act 1996, section 8).

    It begins on the 31 August, 31 December or 31 March on or next after the fifth birthday, and ends on the last
    Friday in June of the school year, 1 September to 31 August, in which the pupil turns 16. ValueError where that
    lies beyond the year 9999.
    """
    fifth = _birthday(born, 5)
    begins = min(day for day in _prescribed_days(fifth.year) if day >= fifth)
    sixteenth = _birthday(born, 16)
    return begins, _last_friday_in_june(sixteenth.year + (sixteenth.month >= 9))


def _birthday(born: date, age: int) -> date:
    if (born.month, born.day) == (2, 29):
        born += timedelta(days=1)  # the 29th is not in every year; no rule here turns on 1 March
    return born.replace(year=born.year + age)


def _prescribed_days(year: int) -> tuple[date, ...]:
    return date(year, 3, 31), date(year, 8, 31), date(year, 12, 31)


def _last_friday_in_june(year: int) -> date:
    last = date(year, 6, 30)
    return last - timedelta(days=(last.weekday() - 4) % 7)
