"""The numbers a school decides by, each with the paragraph it comes from.

A policy is a TOML file. Every setting is a table of two keys, `value` and `source`; its dotted name is the attribute
here, so [penalty.threshold] is `penalty_threshold`. Nothing is optional and nothing unknown is accepted: a misspelt
threshold must not silently become a default. Percentages are compared with unrounded counts.
"""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, time
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from ledger.calendar import Hours
from ledger.codes import by_symbol
from ledger.errors import Misconfigured

HEADER = ("name", "title", "edition")


@dataclass(frozen=True)
class Policy:
    """One edition of one policy."""

    name: str
    title: str
    edition: str
    sources: dict[str, str] = field(hash=False)  # attribute -> paragraph

    penalty_codes: frozenset[str]
    penalty_threshold: int  # sessions
    penalty_weeks: int  # school weeks
    recount_noticed_sessions: bool
    notices_limit: int  # notices per parent and pupil …
    notices_years: int  # … within these years of the first
    notices_from: date  # notices issued before this day do not count to the limit
    persistent_percent: int  # of possible sessions, this and above
    severe_percent: int
    at_risk_percent: int  # this and above, below persistent
    register_letter_percent: int  # attendance strictly below
    late_book: time  # the last moment in the morning that still counts as present
    hours_am: Hours
    hours_pm: Hours
    n_deadline_school_days: int  # strictly after the session's day
    ring_back_channels: tuple[str, ...]  # a message by one of these may be rung back before its code is decided
    contact_letter_day: int  # school day of absence without contact on which a letter goes home
    contact_visit_day: int  # … and on which a home visit is made
    contact_authority_day: int  # … and by which the local authority is told
    inform_groups: tuple[str, ...]  # a worker of these groups is told of unexplained absence and of deletion
    vulnerable_groups: tuple[str, ...]  # who comes first where several wait, most vulnerable first
    target_percent: int  # the school's attendance target
    letter_pause_school_days: int  # school days before another letter about attendance falls due
    punctuality_letter_sessions: int  # late sessions (L and U) that make punctuality a concern …
    punctuality_meeting_sessions: int  # … and persistent, with a meeting …
    punctuality_weeks: int  # … within so many school weeks
    fine_first_pence: int  # a first notice …
    fine_reduced_pence: int  # … and what discharges it early
    fine_reduced_days: int  # days, the first of which is that of receipt
    fine_days: int  # days, the first of which is that of receipt
    fine_second_pence: int  # a second notice, without reduction
    post_working_days: int  # a posted notice is received on this working day after posting
    improve_weeks_least: int  # weeks of a notice to improve, at least …
    improve_weeks_most: int  # … and at most
    court_fine_pounds: int  # the highest fine under section 444(1) …
    court_aggravated_fine_pounds: int  # … under section 444(1A) …
    court_months: int  # … and imprisonment there
    attendance_return_codes: frozenset[str]  # codes of the attendance return
    attendance_return_school_days: int  # continuous school days, every session of these codes
    unauthorised_return_sessions: (
        int  # the school's own return: unauthorised sessions in a year, in a row or not; 0 for none
    )
    sickness_return_school_days: int  # school days with I, recorded or expected
    new_pupil_return_days: int  # days after the name is entered
    ground_i_codes: frozenset[str]  # codes of the ground for deletion by continuous absence
    ground_i_school_days: int  # continuous school days of them
    ground_h_school_days: int  # school days after leave ended without return
    year_groups_youngest: str  # a usual start here needs no return …
    year_groups_final: str  # … nor does leaving at the end of this one
    census_ages: tuple[int, int]  # ages on 31 August, both inclusive, that the census is of
    hide_below: int  # counts of pupils from 1 to below this are not shown to governors
    award_percent: int  # attendance that is celebrated
    award_improved_points: int  # percentage points better than the term before that are rewarded
    bulk_entries: int  # entries amended alike by one person in one go: a change in bulk
    bulk_minutes: int  # minutes between two amendments of one go, at most
    census_watch_days: int  # days before a census in which changes in bulk are pointed out
    suspicious_late_to_present: int  # entries that one person turned from U to L, from which on it is pointed out
    keep_years: int  # years that an entry is kept after it was made

    @property
    def hours(self) -> tuple[Hours, Hours]:
        """Return the registration hours, AM and PM, of a school year that states none."""
        return self.hours_am, self.hours_pm

    def source(self, key: str) -> str:
        """Return the paragraph behind a setting, by attribute or dotted name; KeyError where there is none."""
        return self.sources[key.replace(".", "_")]


def shipped() -> list[str]:
    """Return the names of the policies that come with the product, in order."""
    names = (file.name for file in resources.files("ledger").joinpath("policies").iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def load(name_or_path: str | Path) -> Policy:
    """Return a shipped policy by name, or one from a TOML file; Misconfigured says what is wrong with it."""
    name = str(name_or_path)
    if name in shipped():
        return _shipped(name)
    path = Path(name_or_path)
    if path.suffix != ".toml":
        raise Misconfigured(f"no policy is called '{name}', only {' and '.join(shipped())}, or give a .toml file")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the policy {path} cannot be read: {_reason(error)}") from error
    return _parse(text, str(path))


def shipped_text(name: str) -> str:
    """Return the file of a shipped policy. Raises Misconfigured for a name that is none."""
    if name not in shipped():
        raise Misconfigured(f"no policy is called '{name}', only {' and '.join(shipped())}")
    return resources.files("ledger").joinpath("policies", f"{name}.toml").read_text(encoding="utf-8")


@lru_cache
def _shipped(name: str) -> Policy:
    return _parse(shipped_text(name), name)


def _parse(text: str, where: str) -> Policy:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"the policy {where} is not TOML: {_reason(error)}") from error
    header: dict[str, Any] = {key: _header(document, key, where) for key in HEADER}
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    rest = {key: value for key, value in document.items() if key not in HEADER}
    for key, setting in _settings(rest, "", where):
        attribute = key.replace(".", "_")
        if attribute not in READERS:
            raise Misconfigured(f"the policy {where} has an unknown key '{key}'{_perhaps(attribute)}")
        if attribute in values:
            raise Misconfigured(f"the policy {where} states '{key}' twice")
        sources[attribute] = _source(setting, key, where)
        try:
            values[attribute] = READERS[attribute](setting["value"])
        except ValueError as error:
            raise Misconfigured(f"the policy {where}: '{key}' {error}") from error
    missing = [key for key in READERS if key not in values]
    if missing:
        raise Misconfigured(f"the policy {where} lacks {', '.join(missing)}")
    return Policy(**header, sources=sources, **values)


def _header(document: dict[str, Any], key: str, where: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Misconfigured(f"the policy {where}: '{key}' must be a text and is missing or something else")
    return value


def _settings(table: dict[str, Any], prefix: str, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in table.items():
        name = f"{prefix}{key}"
        if not isinstance(value, dict):
            raise Misconfigured(f"the policy {where}: '{name}' must be a table with value and source")
        if "value" in value or "source" in value:
            yield name, value
        else:
            yield from _settings(value, f"{name}.", where)


def _source(setting: dict[str, Any], key: str, where: str) -> str:
    if set(setting) != {"value", "source"}:
        raise Misconfigured(f"the policy {where}: '{key}' must have value and source, and nothing else")
    source = setting["source"]
    if not isinstance(source, str) or not source.strip():
        raise Misconfigured(f"the policy {where}: the source of '{key}' must be a text")
    return source


def _perhaps(attribute: str) -> str:
    close = get_close_matches(attribute, READERS, 1)
    return f"; is {close[0]} meant?" if close else ""


def _reason(error: Exception) -> str:
    """Return the cause in one line, without the path that the sentence holds already."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _codes(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list of codes")
    for symbol in value:
        code = by_symbol(symbol) if isinstance(symbol, str) else None
        if code is None or not code.unauthorised:
            raise ValueError(f"must list codes of unauthorised absence, and '{symbol}' is none")
    return frozenset(value)


def _count(value: object) -> int:
    if type(value) is not int or value < 1:  # a TOML true is a Python int
        raise ValueError("must be a whole number, 1 or more")
    return value


def _none_or_count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("must be a whole number, 0 for none")
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


READERS: dict[str, Callable[[object], object]] = {
    "penalty_codes": _codes,
    "penalty_threshold": _count,
    "penalty_weeks": _count,
    "recount_noticed_sessions": _flag,
    "notices_limit": _count,
    "notices_years": _count,
    "notices_from": _day,
    "persistent_percent": _percent,
    "severe_percent": _percent,
    "at_risk_percent": _percent,
    "register_letter_percent": _percent,
    "late_book": _clock,
    "hours_am": _hours,
    "hours_pm": _hours,
    "n_deadline_school_days": _count,
    "ring_back_channels": _texts,
    "contact_letter_day": _count,
    "contact_visit_day": _count,
    "contact_authority_day": _count,
    "inform_groups": _texts,
    "vulnerable_groups": _texts,
    "target_percent": _percent,
    "letter_pause_school_days": _count,
    "punctuality_letter_sessions": _count,
    "punctuality_meeting_sessions": _count,
    "punctuality_weeks": _count,
    "fine_first_pence": _count,
    "fine_reduced_pence": _count,
    "fine_reduced_days": _count,
    "fine_days": _count,
    "fine_second_pence": _count,
    "post_working_days": _count,
    "improve_weeks_least": _count,
    "improve_weeks_most": _count,
    "court_fine_pounds": _count,
    "court_aggravated_fine_pounds": _count,
    "court_months": _count,
    "attendance_return_codes": _codes,
    "attendance_return_school_days": _count,
    "unauthorised_return_sessions": _none_or_count,
    "sickness_return_school_days": _count,
    "new_pupil_return_days": _count,
    "ground_i_codes": _codes,
    "ground_i_school_days": _count,
    "ground_h_school_days": _count,
    "year_groups_youngest": _text,
    "year_groups_final": _text,
    "census_ages": _ages,
    "hide_below": _count,
    "award_percent": _percent,
    "award_improved_points": _count,
    "bulk_entries": _count,
    "bulk_minutes": _count,
    "census_watch_days": _count,
    "suspicious_late_to_present": _count,
    "keep_years": _count,
}
