"""Journals about long absences: a school of one class and two school years, and the days that a pupil misses."""

from __future__ import annotations

from datetime import date
from typing import Any

from ledger.calendar import Calendar, Closed, SchoolYear
from ledger.policy import load
from projections.returns.authority import Candidate, return_candidates
from tests.support.schools import OpenedSchool, open_school
from tests.support.terminal import HEAD

Line = dict[str, Any]
PUPIL = "1042"
FIRST = "2024-11-04"  # a Monday, the week after half term; the 25th school day after it is 2024-12-06
CLOSED = {
    2024: [("2024-10-28", "2024-11-01"), ("2024-12-23", "2025-01-03")],
    2025: [("2025-10-27", "2025-10-31"), ("2025-12-22", "2026-01-02")],
}
SPANS = {2024: ("2024-09-03", "2025-07-22"), 2025: ("2025-09-03", "2026-07-21")}
MOTHER = {
    "id": "1042-a",
    "name": "Beth Example",
    "relationship": "mother",
    "lives_with": True,
    "phone": "01632 960001",
    "email": "b@example.org",
    "contact_order": 1,
}
FATHER = {
    "id": "1042-b",
    "name": "Carl Example",
    "address": "2 Other Road",
    "phone": "01632 960002",
    "contact_order": 2,
}
AUNT = {"id": "1042-e", "name": "Dora Example", "relationship": "aunt", "phone": "01632 960003", "contact_order": 3}
CALENDAR = Calendar(
    {
        year: SchoolYear(
            year,
            *map(date.fromisoformat, SPANS[year]),
            tuple(Closed(*map(date.fromisoformat, span), "holiday") for span in CLOSED[year]),
            load("national-2024").hours,
        )
        for year in SPANS
    }
)


def opening(policy: str = "micklem-2025") -> list[Line]:
    """Return the lines that open the school, its two years, and admit the pupil."""
    school = {"urn": "117000", "name": "Example Primary", "la": "919", "estab": "2000", "policy": policy}
    years = [
        {
            "command": "OpenSchoolYear",
            "at": f"2024-08-30T08:0{place}:00Z",
            "year": f"{year}/{(year + 1) % 100}",
            "first_day": SPANS[year][0],
            "last_day": SPANS[year][1],
            "closed": [{"from": first, "to": last, "why": "holiday"} for first, last in CLOSED[year]],
        }
        for place, year in enumerate(SPANS, 1)
    ]
    return [{"command": "OpenSchool", "at": "2024-08-30T08:00:00Z", **school}, *years, admission()]


def admission(pupil: str = PUPIL, at: str = "2024-09-02T09:00:00Z", **other: Any) -> Line:
    stated = {
        "name": "Ada Example",
        "born": "2016-03-09",
        "sex": "F",
        "upn": "B801200005001",
        "address": "1 Example Road",
        "last_school": "Example Nursery",
        "starting_day": "2024-09-03",
        "year_group": "4",
        "class": "4W",
        "parents": [MOTHER, FATHER],
        "emergency_contacts": [AUNT],
    }
    return {"command": "AdmitPupil", "at": at, "pupil": pupil, **stated, **other}


def school_days(count: int, first: str = FIRST) -> list[str]:
    """Return so many school days from the first on."""
    found = [day for year in CALENDAR.years.values() for day in year.days() if day >= date.fromisoformat(first)]
    return [day.isoformat() for day in found[:count]]


def marked(code: str, days: list[str], halves: tuple[str, ...] = ("AM", "PM"), pupil: str = PUPIL) -> list[Line]:
    """Return a mark for each half of these days, recorded as each ends; present is written as each half has it."""
    lines = []
    for day in days:
        for half in halves:
            at = f"{day}T{'11:30' if half == 'AM' else '15:00'}:00Z"
            symbol = "\\" if (code, half) == ("/", "PM") else code
            session = f"{day}/{half}"
            lines.append({"command": "RecordMark", "at": at, "pupil": pupil, "session": session, "code": symbol})
    return lines


def office(command: str, day: str, **fields: Any) -> Line:
    """Return any other line, sent in the evening of a day."""
    return {"command": command, "at": f"{day}T16:30:00Z", "pupil": PUPIL, **fields}


def lived(*parts: Line | list[Line], policy: str = "micklem-2025") -> OpenedSchool:
    """Return the school after its opening and these lines, in order of time."""
    lines = [line for part in parts for line in (part if isinstance(part, list) else [part])]
    return open_school().replay({"by": HEAD} | line for line in by_time([*opening(policy), *lines]))


def by_time(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: str(line["at"]))


def returns(school: OpenedSchool, as_of: str, form: str, known_at: Any = None) -> list[Candidate]:
    """Return the candidates of one form."""
    moment = school.answers.moment(date.fromisoformat(as_of), known_at)
    return [each for each in return_candidates(school.answers, moment) if each.form == form]
