"""The made-up school that is measured: 420 pupils in seven year groups of two classes, moving up every September.

It is opened through commands, as any school is. Marks come afterwards: through commands where commands are measured,
else in bulk (`scripts.benchmarks.years`).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple

from commands.handle import Handler
from commands.models import parse
from ledger.calendar import Closed, SchoolYear
from ledger.policy import load

POLICY = "national-2024"
YEAR_GROUPS = 7
CLASSES = "AB"
CLASS_SIZE = 30
OFFICE = {"id": "office", "name": "O Fice", "title": "Office"}


class Cohort(NamedTuple):
    """The pupils of one class who start together; `begins` is the school year in which they are year group 0."""

    begins: int
    letter: str

    def numbers(self) -> list[str]:
        first = (self.begins - 2000) * 100 + CLASSES.index(self.letter) * CLASS_SIZE
        return [str(1000 + first + place) for place in range(CLASS_SIZE)]

    def class_in(self, year: int) -> str:
        return f"{year - self.begins}{self.letter}"


def school_year(year: int) -> SchoolYear:
    """Return a year of 38 weeks with the usual holidays, cut from the calendar the same way every time."""
    first = date(year, 9, 3)
    christmas, easter = date(year, 12, 21), date(year + 1, 4, 1)
    closed = (
        Closed(date(year, 10, 24), date(year, 10, 31), "Half term"),
        Closed(christmas, christmas + timedelta(days=13), "Christmas"),
        Closed(date(year + 1, 2, 14), date(year + 1, 2, 21), "Half term"),
        Closed(easter, easter + timedelta(days=13), "Easter"),
        Closed(date(year + 1, 5, 24), date(year + 1, 5, 31), "Half term"),
    )
    return SchoolYear(year, first, date(year + 1, 7, 22), closed, load(POLICY).hours)


def cohorts_in(year: int) -> list[Cohort]:
    """Return the classes of a school year, oldest first."""
    return [Cohort(year - group, letter) for group in reversed(range(YEAR_GROUPS)) for letter in CLASSES]


def open_school(handler: Handler, at: datetime | None = None) -> None:
    """Open the school; `at` is for a simulated ledger, here and below."""
    school = {"urn": "999001", "name": "Bench", "la": "919", "estab": "2999", "policy": POLICY}
    _send(handler, [{"command": "OpenSchool", **school}], at)


def begin_year(handler: Handler, year: int, *, first: bool, at: datetime | None = None) -> None:
    """Open a school year and record who comes, moves up and leaves; in the first year everybody comes."""
    _send(handler, [_opening(school_year(year)), *_moving_in(year, first)], at)


def _send(handler: Handler, lines: list[dict[str, object]], at: datetime | None) -> None:
    common = {"by": OFFICE} | ({"at": at.isoformat()} if at else {})
    for line in lines:
        handler.handle(parse({**line, **common}))


def _opening(year: SchoolYear) -> dict[str, object]:
    return {
        "command": "OpenSchoolYear",
        "year": f"{year.year}/{(year.year + 1) % 100:02}",
        "first_day": year.first_day.isoformat(),
        "last_day": year.last_day.isoformat(),
        "closed": [{"from": str(c.first), "to": str(c.last), "why": c.why} for c in year.closed],
    }


def _moving_in(year: int, first: bool) -> list[dict[str, object]]:
    day = school_year(year).first_day.isoformat()
    lines: list[dict[str, object]] = []
    for cohort in cohorts_in(year):
        placed = {"class": cohort.class_in(year), "year_group": str(year - cohort.begins)}
        if first or cohort.begins == year:
            lines += [_admission(number, cohort, {**placed, "starting_day": day}) for number in cohort.numbers()]
        else:
            lines += [
                {"command": "ChangeClass", "pupil": number, "from_day": day, **placed} for number in cohort.numbers()
            ]
    if not first:
        last_day = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
        leavers = [number for letter in CLASSES for number in Cohort(year - YEAR_GROUPS, letter).numbers()]
        lines += [{"command": "RemoveFromRoll", "pupil": number, "last_day": last_day} for number in leavers]
    return lines


def _admission(number: str, cohort: Cohort, placed: dict[str, str]) -> dict[str, object]:
    parents = [
        {"id": f"{number}-{which}", "name": f"{which} Example", "phone": "01632 960001", "contact_order": order}
        for order, which in enumerate("ab")
    ]
    born = date(cohort.begins - 5, 10, 1) + timedelta(days=int(number) % 300)
    name = {"name": f"P{number} Example", "born": born.isoformat(), "sex": "F"}
    return {"command": "AdmitPupil", "pupil": number, "parents": parents, **name, **placed}
