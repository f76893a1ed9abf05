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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any, TypedDict

import msgspec

from ledger import codes
from ledger.calendar import Hours
from ledger.codes import CodeTable
from ledger.errors import Misconfigured
from ledger.settings import NAMES, READERS, Setting, plain, read_codes, typed

HEADER = ("name", "title", "edition")


class Kept(TypedDict):
    """A policy by the names of the fields that an event keeps it in."""

    policy: str
    title: str
    edition: str
    settings: dict[str, Setting]
    codes: str  # the digest of its table


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
            name: Setting(plain(getattr(self, attribute)), self.source(attribute)) for attribute, name in NAMES.items()
        }

    @property
    def kept(self) -> Kept:
        """Return what an event keeps of it, which is all of it."""
        return {
            "policy": self.name,
            "title": self.title,
            "edition": self.edition,
            "settings": self.settings,
            "codes": self.codes.digest,
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
    return _pinned(msgspec.json.encode((name, title, edition, settings, table)))


@lru_cache(maxsize=64)
def _pinned(whole: bytes) -> Policy:
    """Return a policy from its bytes: a school is folded anew for each question, and always with the same ones."""
    *header, settings, table = msgspec.json.decode(whole)
    stated = ((key, {**setting, "value": typed(key, setting["value"])}) for key, setting in settings.items())
    return _policy(dict(zip(HEADER, header, strict=True)), stated, header[0], codes.table(table))


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
    header: Mapping[str, str], settings: Iterable[tuple[str, dict[str, object]]], where: str, table: CodeTable
) -> Policy:
    values: dict[str, Any] = {}  # each as its own reader gives it, for the field of its name
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
            if READERS[attribute] is read_codes:
                _check_unauthorised(values[attribute], table)
        except ValueError as error:
            raise Misconfigured(f"the policy {where}: '{key}' {error}") from error
    missing = [key for key in READERS if key not in values]
    if missing:
        raise Misconfigured(f"the policy {where} lacks {', '.join(missing)}")
    policy = Policy(codes=table, sources=sources, **values | dict(header))
    if policy.late_book is not None and not policy.hours_am.opens <= policy.late_book < policy.hours_am.closes:
        raise Misconfigured(f"the policy {where}: 'late_book' must lie within the registration of 'hours.am'")
    return policy


def _header(document: dict[str, object], key: str, where: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Misconfigured(f"the policy {where}: '{key}' must be a text and is missing or something else")
    return value


def _settings(table: dict[str, object], prefix: str, where: str) -> Iterator[tuple[str, dict[str, object]]]:
    for key, value in table.items():
        name = f"{prefix}{key}"
        if not isinstance(value, dict):
            raise Misconfigured(f"the policy {where}: '{name}' must be a table with value and source")
        if "value" in value or "source" in value:
            yield name, value
        else:
            yield from _settings(value, f"{name}.", where)


def _source(setting: dict[str, object], key: str, where: str) -> str:
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


def _check_unauthorised(symbols: frozenset[str], table: CodeTable) -> None:
    for symbol in sorted(symbols):
        code = table.by_symbol(symbol)
        if code is None or not code.unauthorised:
            raise ValueError(f"must list codes of unauthorised absence, and '{symbol}' is none")
