"""The numbers a school decides by, each with the paragraph it comes from.

A policy is a TOML file. Every setting is a table of two keys, `value` and `source`; its dotted name is the attribute
here, so [penalty.threshold] is `penalty_threshold`. Nothing is optional and nothing unknown is accepted: a misspelt
threshold must not silently become a default. Percentages are compared with unrounded counts.

A ledger keeps the whole policy in the event that adopted it, and the digest of the table of codes beside it. What a
shipped file says later is then of no consequence to it. `rules` is the digest of both, which everything that was
judged by them repeats.
"""

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from ledger import codes
from ledger.calendar import Hours
from ledger.codes import CodeTable
from ledger.errors import Misconfigured

HEADER = ("name", "title", "edition")
NONE = "none"  # TOML has no word for it


class Setting(msgspec.Struct, frozen=True):
    """One number as an event keeps it: days and times of day are texts there, sets are lists in order."""

    value: Any
    source: str


@dataclass(frozen=True)
class Policy:
    """One edition of one policy, and the table of codes that it was adopted with."""

    name: str
    title: str
    edition: str
    codes: CodeTable
    sources: dict[str, str] = field(hash=False)  # attribute -> paragraph

    penalty_codes: frozenset[str]
    penalty_threshold: int  # sessions
    penalty_weeks: int  # school weeks
    recount_noticed_sessions: bool
    notices_limit: int  # notices per parent and pupil …
    notices_years: int  # … within these years of the first
    notices_from: date  # notices issued before this day do not count to the limit
    notices_acquitted_counts: bool  # whether one counts whose prosecution ended in acquittal or was withdrawn
    persistent_percent: int  # of possible sessions, this and above
    severe_percent: int
    at_risk_percent: int  # this and above, below persistent
    register_letter_percent: int  # attendance strictly below
    late_book: time | None  # the last moment of a morning of hours_am that still counts as present; None: no late book
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
    improve_weeks_least: int  # school weeks of a notice to improve, at least …
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
    new_pupil_return_days: int  # days after the name is entered …
    new_pupil_return_from_start: bool  # … or after the starting day, where that is later
    usual_start_september_days: int  # a start in the youngest class up to this day of September is the usual one
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

    @property
    def late_book_lasts(self) -> timedelta | None:
        """Return how long after registration opened a morning's late book still counts a pupil as present: a school
        that opens at another time than the policy's hours keeps the same distance. None where there is no late book."""
        if self.late_book is None:
            return None
        return datetime.combine(date.min, self.late_book) - datetime.combine(date.min, self.hours_am.opens)

    def source(self, key: str) -> str:
        """Return the paragraph behind a setting, by attribute or dotted name; KeyError where there is none."""
        return self.sources[key.replace(".", "_")]

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """Return every setting by its dotted name, as an event keeps it."""
        return {
            name: Setting(_plain(getattr(self, attribute)), self.source(attribute)) for attribute, name in NAMES.items()
        }

    @cached_property
    def rules(self) -> str:
        """Return the SHA-256 over the whole policy and the digest of its table of codes: 64 hexadecimal digits."""
        whole = _whole(self.name, self.title, self.edition, self.settings, self.codes.digest)
        return sha256(whole.encode()).hexdigest()


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


def pinned(name: str, title: str, edition: str, settings: Mapping[str, Setting], table: str) -> Policy:
    """Return a policy from what an event keeps of it. Raises Misconfigured where that is no policy, or where its table
    of codes is not kept here."""
    return _pinned(_whole(name, title, edition, settings, table))


@lru_cache(maxsize=64)
def _pinned(whole: str) -> Policy:
    said = json.loads(whole)
    settings = {key: {**setting, "value": _typed(key, setting["value"])} for key, setting in said["settings"].items()}
    header = {key: said[key] for key in HEADER}
    return _policy(header, settings.items(), said["name"], codes.table(said["codes"]))


def _whole(name: str, title: str, edition: str, settings: Mapping[str, Setting], table: str) -> str:
    """Return a policy as one text, the same for the same policy: JSON with its keys in order and no blanks."""
    said = {
        "name": name,
        "title": title,
        "edition": edition,
        "settings": {key: {"value": setting.value, "source": setting.source} for key, setting in settings.items()},
        "codes": table,
    }
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@lru_cache
def _shipped(name: str) -> Policy:
    return _parse(shipped_text(name), name)


def _parse(text: str, where: str) -> Policy:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"the policy {where} is not TOML: {_reason(error)}") from error
    header = {key: _header(document, key, where) for key in HEADER}
    rest = {key: value for key, value in document.items() if key not in HEADER}
    return _policy(header, _settings(rest, "", where), where, codes.CURRENT)


def _policy(
    header: Mapping[str, Any], settings: Iterable[tuple[str, dict[str, Any]]], where: str, table: CodeTable
) -> Policy:
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for key, setting in settings:
        attribute = key.replace(".", "_")
        if attribute not in READERS:
            raise Misconfigured(f"the policy {where} has an unknown key '{key}'{_perhaps(attribute)}")
        if attribute in values:
            raise Misconfigured(f"the policy {where} states '{key}' twice")
        sources[attribute] = _source(setting, key, where)
        try:
            values[attribute] = READERS[attribute](setting["value"])
            if READERS[attribute] is _codes:
                _check_unauthorised(values[attribute], table)
        except ValueError as error:
            raise Misconfigured(f"the policy {where}: '{key}' {error}") from error
    missing = [key for key in READERS if key not in values]
    if missing:
        raise Misconfigured(f"the policy {where} lacks {', '.join(missing)}")
    policy = Policy(**header, codes=table, sources=sources, **values)
    if policy.late_book is not None and not policy.hours_am.opens <= policy.late_book < policy.hours_am.closes:
        raise Misconfigured(f"the policy {where}: 'late_book' must lie within the registration of 'hours.am'")
    return policy


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
    return frozenset(map(str, value))


def _check_unauthorised(symbols: frozenset[str], table: CodeTable) -> None:
    for symbol in sorted(symbols):
        code = table.by_symbol(symbol)
        if code is None or not code.unauthorised:
            raise ValueError(f"must list codes of unauthorised absence, and '{symbol}' is none")


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
    "penalty.codes": _codes,
    "penalty.threshold": _count,
    "penalty.weeks": _count,
    "recount_noticed_sessions": _flag,
    "notices.limit": _count,
    "notices.years": _count,
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
    "attendance_return.codes": _codes,
    "attendance_return.school_days": _count,
    "unauthorised_return.sessions": _none_or_count,
    "sickness_return.school_days": _count,
    "new_pupil_return.days": _count,
    "new_pupil_return.from_start": _flag,
    "usual_start.september_days": _count,
    "ground_i.codes": _codes,
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
    "keep.years": _count,
}

NAMES = {name.replace(".", "_"): name for name in _BY_NAME}  # attribute -> dotted name
READERS = {name.replace(".", "_"): reader for name, reader in _BY_NAME.items()}


def _typed(name: str, value: object) -> object:
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


def _plain(value: Any) -> Any:
    """Return a setting's value as an event keeps it."""
    if isinstance(value, Hours):
        return {part: _plain(getattr(value, part)) for part in ("opens", "closes", "ends")}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return list(value)
    if value is None:
        return NONE
    return value.isoformat() if isinstance(value, date | time) else value
