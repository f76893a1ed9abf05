"""How evidence reads on paper: days, times and sessions as people write them, and each event in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import groupby
from typing import Any

from ledger.sessions import LONDON, parse_moment
from projections.records.event_words import TITLES

LABELS = {
    "ss": "sessions",
    "s": "session",
    "c": "code",
    "said": "said",
    "on": "on",
    "by": "",
    "seen": "as the ledger stood at position",
    "cites": "about",
    "quoted": "figures quoted",
    "on_form": "on the school's form",
    "ring_back": "to be rung back",
}
PENCE = ("amount", "fine")
PEOPLE = ("parent", "parents", "contact")
QUOTED = ("said", "reason", "reasons", "ground", "doubt", "outcome")  # words as they were entered
SILENT = ("type", "v", "by", "step", "classes", "pupils")  # said elsewhere, or nothing to a reader


def day(text: str | None) -> str:
    """Return a day as Fri 6 Sep 2024; blank for none."""
    return f"{(found := date.fromisoformat(text[:10])):%a} {found.day} {found:%b %Y}" if text else ""


def moment(text: str) -> str:
    """Return a time as 6 Sep 2024, 08:41, on the clocks of London."""
    found = parse_moment(text).astimezone(LONDON)
    return f"{found.day} {found:%b %Y, %H:%M}"


def session(text: str) -> str:
    """Return a session as Fri 6 Sep 2024 AM."""
    return f"{day(text)} {text[11:]}"


def sessions(texts: Iterable[str]) -> str:
    """Return sessions day by day: Thu 5 Sep 2024 AM, PM; Fri 6 Sep 2024 AM."""
    days = groupby(sorted(texts), key=lambda each: each[:10])
    return "; ".join(f"{day(found)} {', '.join(each[11:] for each in halves)}" for found, halves in days)


def person(by: object) -> str:
    """Return who signed an event, with title; blank where nobody did."""
    _, name, title = by if isinstance(by, list) else ("", "", "")
    return f"{name}, {title}" if title else name


def event_words(event: Mapping[str, object], stream: str, names: Mapping[str, str]) -> tuple[str, str]:
    """Return an event's title, and everything else that it says in words. `names` are of the parents, by id."""
    kind = str(event["type"])
    title = TITLES[kind]
    place = stream.split("/")
    if kind.startswith("Leave"):
        title += f" ({place[-1]})"
    elif place[1] == "notice":
        title += f" (case {place[-1]})"
    elif kind == "SupportRecorded":
        title = f"Support: {event['step']} {event['stage']}"
    said = [_field(name, value, names) for name, value in event.items() if name not in SILENT]
    if kind == "ContactLogged":
        said.insert(0, "a visit" if event.get("step") == "visit" else f"a {event.get('step', 'call')}")
    if kind == "LeaveDecided" and not event.get("granted"):
        said.insert(0, "nothing was granted")
    return title, "; ".join(each for each in said if each)


def _field(name: str, value: object, names: Mapping[str, str]) -> str:
    label = LABELS.get(name, name.replace("_", " "))
    if name == "stage" or value in ("", [], {}, None, False):
        return ""
    if value is True:
        return label
    return f"{label} {_value(name, value, names)}"


def _value(name: str, value: Any, names: Mapping[str, str]) -> str:  # JSON, of the kind that goes with the name
    if name in PEOPLE:
        return ", ".join(names.get(each, each) for each in ([value] if isinstance(value, str) else value))
    if name in PENCE:
        return f"£{value // 100}.{value % 100:02}"
    if name == "granted":
        return "; ".join(f"{session(each)} as {code}" for each, code in value)
    if name in ("ss", "sessions"):
        return sessions(value)
    if name in ("s", "session", "first", "last"):
        return session(value)
    if name.endswith("_at"):
        return moment(value)
    if name in ("on", "as_of") or name.endswith(("_on", "_day")):
        return day(value)
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {each}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"“{value}”" if name in QUOTED else str(value)
