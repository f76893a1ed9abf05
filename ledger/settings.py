"""The settings of a policy by their names: how each is read from a file or an event, and how an event keeps it.

A setting added after a release is not in the policies that were adopted before: whoever adds one says here as well what
those meant by leaving it out, for they are read for ever.
"""

from collections.abc import Callable
from datetime import date, time
from typing import Any

import msgspec

from ledger.calendar import Hours

NONE = "none"  # TOML has no word for it
MOST, MOST_YEARS = 100_000, 100  # a day so many days, or so many years, later is still one of the calendar


class Setting(msgspec.Struct, frozen=True):
    """One number as an event keeps it: days and times of day are texts there, sets are lists in order."""

    value: Any  # as JSON has it, each read by the reader of its name
    source: str


def read_codes(value: object) -> frozenset[str]:
    """Return codes from a list; whether they are of unauthorised absence is for a table of codes to say."""
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of codes")
    return frozenset(map(str, value))


def _count(value: object) -> int:
    if type(value) is not int or not 1 <= value <= MOST:  # a TOML true is a Python int
        raise ValueError(f"must be a whole number from 1 to {MOST}")
    return value


def _years(value: object) -> int:
    if type(value) is not int or not 1 <= value <= MOST_YEARS:
        raise ValueError(f"must be a whole number from 1 to {MOST_YEARS}")
    return value


def _none_or_count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MOST:
        raise ValueError(f"must be a whole number up to {MOST}, 0 for none")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(set(map(_text, value))) < len(value):
        raise ValueError("must be a list of texts, each once")
    return tuple(value)


def _ages(value: object) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or _count(value[0]) > _count(value[1]):
        raise ValueError("must be the youngest and the oldest age, such as [5, 15]")
    return value[0], value[1]


def _percent(value: object) -> int:
    if type(value) is not int or not 0 < value <= 100:
        raise ValueError("must be a whole percentage from 1 to 100")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _clock(value: object) -> time:
    if not isinstance(value, time):
        raise ValueError("must be a time of day such as 09:00:00, without quotes")
    return value


def _clock_or_none(value: object) -> time | None:
    return None if value == NONE else _clock(value)


def _day(value: object) -> date:
    if type(value) is not date:  # a datetime is a date, too
        raise ValueError("must be a day such as 2024-08-19, without quotes")
    return value


def _hours(value: object) -> Hours:
    if not isinstance(value, dict) or set(value) != {"opens", "closes", "ends"}:
        raise ValueError("must have opens, closes and ends")
    hours = Hours(**{key: _clock(moment) for key, moment in value.items()})
    if not hours.opens < hours.closes < hours.ends:
        raise ValueError("must open, close and end in this order")
    return hours


_BY_NAME: dict[str, Callable[[object], object]] = {
    "penalty.codes": read_codes,
    "penalty.threshold": _count,
    "penalty.weeks": _count,
    "recount_noticed_sessions": _flag,
    "notices.limit": _count,
    "notices.years": _years,
    "notices.from": _day,
    "notices.acquitted_counts": _flag,
    "persistent.percent": _percent,
    "severe.percent": _percent,
    "at_risk.percent": _percent,
    "register_letter.percent": _percent,
    "late_book": _clock_or_none,
    "hours.am": _hours,
    "hours.pm": _hours,
    "n_deadline.school_days": _count,
    "ring_back.channels": _texts,
    "contact.letter_day": _count,
    "contact.visit_day": _count,
    "contact.authority_day": _count,
    "inform.groups": _texts,
    "vulnerable.groups": _texts,
    "target.percent": _percent,
    "letter.pause_school_days": _count,
    "punctuality.letter_sessions": _count,
    "punctuality.meeting_sessions": _count,
    "punctuality.weeks": _count,
    "fine.first_pence": _count,
    "fine.reduced_pence": _count,
    "fine.reduced_days": _count,
    "fine.days": _count,
    "fine.second_pence": _count,
    "post.working_days": _count,
    "improve.weeks_least": _count,
    "improve.weeks_most": _count,
    "court.fine_pounds": _count,
    "court.aggravated_fine_pounds": _count,
    "court.months": _count,
    "attendance_return.codes": read_codes,
    "attendance_return.school_days": _count,
    "unauthorised_return.sessions": _none_or_count,
    "sickness_return.school_days": _count,
    "new_pupil_return.days": _count,
    "new_pupil_return.from_start": _flag,
    "usual_start.september_days": _count,
    "ground_i.codes": read_codes,
    "ground_i.school_days": _count,
    "ground_h.school_days": _count,
    "year_groups.youngest": _text,
    "year_groups.final": _text,
    "census.ages": _ages,
    "hide.below": _count,
    "award.percent": _percent,
    "award.improved_points": _count,
    "bulk.entries": _count,
    "bulk.minutes": _count,
    "census.watch_days": _count,
    "suspicious.late_to_present": _count,
    "keep.years": _years,
}

NAMES = {name.replace(".", "_"): name for name in _BY_NAME}  # attribute -> dotted name
READERS = {name.replace(".", "_"): reader for name, reader in _BY_NAME.items()}


def typed(name: str, value: object) -> object:
    """Return a setting's value as TOML has it, from how an event keeps it: there, times and days are texts. What is
    none stays as it is, for its reader to say."""
    reader = _BY_NAME.get(name)
    try:
        if reader in (_clock, _clock_or_none) and isinstance(value, str):
            return time.fromisoformat(value)
        if reader is _day and isinstance(value, str):
            return date.fromisoformat(value)
        if reader is _hours and isinstance(value, dict):
            return {part: time.fromisoformat(moment) for part, moment in value.items()}
    except (ValueError, TypeError):
        pass
    return value


def plain(value: object) -> object:
    """Return a setting's value as an event keeps it."""
    if isinstance(value, Hours):
        return {part: plain(getattr(value, part)) for part in ("opens", "closes", "ends")}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return list(value)
    if value is None:
        return NONE
    return value.isoformat() if isinstance(value, date | time) else value
