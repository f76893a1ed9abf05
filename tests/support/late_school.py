"""A made-up school in a few lines of journal, for figures that hang on a day, a minute or the moment of knowledge."""

from __future__ import annotations

from typing import Any

HEAD = {"id": "head", "name": "H Example", "title": "Headteacher"}
OFFICE = {"id": "off", "name": "O Fice", "title": "Office"}
UPNS = {"1042": "B801200005001", "1043": "M80120000500A"}
Line = dict[str, Any]


def opened(policy: str = "national-2024", pupils: tuple[str, ...] = ("1042", "1043"), upns: bool = True) -> list[Line]:
    """Return a school of one class in 2024/25 and 2025/26, with half terms, Christmas and Easter."""
    year: Line = {"command": "OpenSchoolYear", "by": HEAD}
    return [
        {"command": "OpenSchool", "at": "2024-08-30T09:00:00", "by": HEAD, "urn": "117000", "name": "Example Primary",
         "la": "919", "estab": "2000", "policy": policy},
        {**year, "at": "2024-08-30T09:01:00", "year": "2024/25", "first_day": "2024-09-03", "last_day": "2025-07-22",
         "closed": [{"from": "2024-10-28", "to": "2024-11-01"}, {"from": "2024-12-23", "to": "2025-01-03"},
                    {"from": "2025-04-07", "to": "2025-04-21"}]},
        {**year, "at": "2024-08-30T09:02:00", "year": "2025/26", "first_day": "2025-09-03", "last_day": "2026-07-21"},
        *(admitted(pupil, upn=UPNS.get(pupil) if upns else None) for pupil in pupils),
    ]  # fmt: skip


def admitted(pupil: str, upn: str | None = None, born: str = "2016-03-09", start: str = "2024-09-03") -> Line:
    line = {"command": "AdmitPupil", "at": "2024-09-02T09:00:00", "by": OFFICE, "pupil": pupil,
            "name": f"Pupil {pupil}", "born": born, "sex": "F", "starting_day": start, "year_group": "4", "class": "4W",
            "parents": [{"id": f"{pupil}-a", "name": "B Example"}]}  # fmt: skip
    return line | ({"upn": upn} if upn else {})


def marked(code: str, session: str, pupil: str = "1042", at: str = "", **fields: Any) -> Line:
    """Return a mark, recorded at noon or in the afternoon of its day unless said."""
    day, half = session.split("/")
    clock = f"{day}T{'12:00:00' if half == 'AM' else '15:00:00'}"
    return {"command": "RecordMark", "at": at or clock, "by": OFFICE, "pupil": pupil, "session": session, "code": code,
            **fields}  # fmt: skip


def amended(code: str, session: str, at: str, pupil: str = "1042") -> Line:
    return {"command": "AmendMark", "at": at, "by": OFFICE, "pupil": pupil, "session": session, "code": code,
            "reason": "told later"}  # fmt: skip


def arrived(clock: str, session: str, pupil: str = "1042", at: str = "", **fields: Any) -> Line:
    """Return an arrival at a London time of the session's day, logged at once unless said."""
    moment = f"{session.split('/')[0]}T{clock}"
    return {"command": "LogArrival", "at": at or moment, "by": OFFICE, "pupil": pupil, "session": session,
            "arrived_at": moment, "reason": "overslept", **fields}  # fmt: skip


def told(command: str, at: str, pupil: str = "1042", **fields: Any) -> Line:
    """Return any other line about a pupil."""
    return {"command": command, "at": at, "by": OFFICE, "pupil": pupil, **fields}


def in_order(*lines: Line | list[Line]) -> list[Line]:
    """Return lines in the order of the clock, as a journal needs them."""
    flat = [each for line in lines for each in (line if isinstance(line, list) else [line])]
    return sorted(flat, key=lambda line: line["at"])
