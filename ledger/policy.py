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


@lru_cache
def _shipped(name: str) -> Policy:
    text = resources.files("ledger").joinpath("policies", f"{name}.toml").read_text(encoding="utf-8")
    return _parse(text, name)


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
}
