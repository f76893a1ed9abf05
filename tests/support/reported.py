"""A school to report on: three classes of nine, ten weeks of registers, one pupil for each thing a report must show.

| pupil | is |
|---|---|
| 1001 | always there and on time |
| 1002 | late once (L) |
| 1003 | there in the mornings only: severely absent |
| 1004 | away ill every Monday: persistently absent |
| 1005 | N since a Monday in November |
| 1006 | N, O and then I in October |
| 1007 | away in September and never since: improved |
| 1008 | late after closing (U), twice |
| 2001 to 2009 | in 5T, away for so many days of October as the last figure says |
| 3001 to 3009 | in RA, always there; 3001 begins in October, 3009 left in it |
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

CLASSES = {"4W": "4", "5T": "5", "RA": "R"}
FIRST, LAST = date(2024, 9, 3), date(2024, 11, 15)
HALF_TERM = (date(2024, 10, 28), date(2024, 11, 1))
STARTS, LEAVES = date(2024, 10, 7), date(2024, 10, 18)
OFFICE = {"id": "office", "name": "O Fice", "title": "Office manager"}
TEACHER = {"id": "hart", "name": "A Hart", "title": "Class teacher"}
GROUPS = {
    "1003": ["social worker"],
    "1004": ["EHC plan", "free school meals"],
    "2001": ["SEN support", "free school meals"],
    "2002": ["SEN support"],
    "2003": ["SEN support", "free school meals"],
    "2009": ["SEN support", "free school meals"],
    "3002": ["SEN support", "free school meals", "young carer"],
}
NAMES = ("Ada", "Ben", "Cleo", "Dai", "Esi", "Finn", "Gus", "Hal", "Ivy")
FAMILIES = {"1": "Example", "2": "Sample", "3": "Instance"}

Line = dict[str, Any]


def name_of(pupil: str) -> str:
    """Return the name of a pupil of this school."""
    return f"{NAMES[int(pupil[-1]) - 1]} {FAMILIES[pupil[0]]}"


def pupils() -> list[str]:
    return [f"{row}00{place}" for row in (1, 2, 3) for place in range(1, 10)]


def school_days(first: date = FIRST, last: date = LAST) -> list[date]:
    """Return the days from one to another, both inclusive, on which the school is open."""
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5 and not HALF_TERM[0] <= day <= HALF_TERM[1]]


def code_of(pupil: str, day: date, half: str) -> str | None:
    """Return what the teacher marks; None leaves the pupil out, so that closing the register makes N of it."""
    october = [each for each in school_days() if each.month == 10]
    away = {
        "1003": "O" if half == "PM" or day.day % 10 == 0 else "",
        "1004": "I" if day.weekday() == 0 else "",
        "1007": "I" if date(2024, 9, 9) <= day <= date(2024, 9, 20) else "",
        "1008": "U" if half == "AM" and day in (date(2024, 9, 12), date(2024, 11, 7)) else "",
        "1002": "L" if half == "AM" and day == date(2024, 9, 10) else "",
    }
    if (pupil, day) in {("1005", date(2024, 11, 11)), ("1006", date(2024, 10, 8))}:
        return None
    if pupil[0] == "2" and day in october[: int(pupil[-1])]:
        return "I"
    return away.get(pupil) or ("/" if half == "AM" else "\\")


def reported_journal() -> Iterator[Line]:
    """Yield the journal, in order of time."""
    yield _line("2024-08-30T08:00:00Z", "OpenSchool", urn="117000", name="Example Primary", la="919", estab="2000",
                policy="micklem-2025")  # fmt: skip
    yield _line("2024-08-30T08:01:00Z", "OpenSchoolYear", year="2024/25", first_day=str(FIRST), last_day="2025-07-22",
                closed=[{"from": str(HALF_TERM[0]), "to": str(HALF_TERM[1]), "why": "Half term"}])  # fmt: skip
    contact = {"holders": [OFFICE], "from_day": "2024-09-01", "contact": "01632 960999"}
    yield _line("2024-08-30T08:02:00Z", "NameRole", role="day-to-day contact", **contact)
    for place, pupil in enumerate(pupils()):
        yield _admission(place, pupil)
    for day in school_days():
        for half, opened, closed in (("AM", "08:00:00", "08:15:00"), ("PM", "12:20:00", "12:35:00")):
            clock = 1 if day > date(2024, 10, 27) else 0  # the clocks go back
            at, end = (f"{day}T{int(time[:2]) + clock:02}{time[2:]}Z" for time in (opened, closed))
            for class_name in CLASSES:
                yield from _register(at, day, half, class_name)
            yield _line(end, "CloseRegister", session=f"{day}/{half}")
        if day == date(2024, 10, 15):
            yield from _amendments("2024-10-15T15:00:00Z", "O", "no reason given")
        if day == date(2024, 11, 4):
            yield from _amendments("2024-11-04T16:00:00Z", "I", "letter seen")
        if day == LEAVES:
            yield _line(f"{day}T15:30:00Z", "RemoveFromRoll", pupil="3009", last_day=str(day), ground="moved away")


def _register(at: str, day: date, half: str, class_name: str) -> Iterator[Line]:
    members = [pupil for pupil in pupils() if _class(pupil) == class_name and _on_roll(pupil, day)]
    marks = {pupil: code for pupil in members if (code := code_of(pupil, day, half)) is not None}
    if (class_name, day) != ("RA", date(2024, 11, 14)):  # forgotten that day
        yield _line(at, "TakeRegister", TEACHER, **{"class": class_name}, session=f"{day}/{half}", marks=marks)


def _amendments(at: str, code: str, reason: str) -> Iterator[Line]:
    for half in ("AM", "PM"):
        yield _line(at, "AmendMark", pupil="1006", session=f"2024-10-08/{half}", code=code, reason=reason)


def _admission(place: int, pupil: str) -> Line:
    year_group = CLASSES[_class(pupil)]
    born = {"4": 2015, "5": 2014, "R": 2019}[year_group]
    parent = {"id": f"{pupil}-a", "name": f"P {FAMILIES[pupil[0]]}", "relationship": "mother", "lives_with": True}
    return _line(
        f"2024-09-02T09:{place:02}:00Z",
        "AdmitPupil",
        pupil=pupil,
        name=name_of(pupil),
        born=f"{born}-11-{place % 27 + 1:02}",
        sex="FM"[place % 2],
        starting_day=str(STARTS if pupil == "3001" else FIRST),
        year_group=year_group,
        **{"class": _class(pupil)},
        parents=[parent],
        groups=GROUPS.get(pupil, []),
    )


def _class(pupil: str) -> str:
    return {"1": "4W", "2": "5T", "3": "RA"}[pupil[0]]


def _on_roll(pupil: str, day: date) -> bool:
    return (pupil != "3001" or day >= STARTS) and (pupil != "3009" or day <= LEAVES)


def _line(at: str, command: str, by: dict[str, str] = OFFICE, **fields: Any) -> Line:
    return {"command": command, "at": at, "by": by, **fields}
