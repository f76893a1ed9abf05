"""Two cases from absence to a referral that nothing sends back, as journals: a holiday that was refused, and days
nobody explained, with support first. A test drops lines by their tag, or adds its own, and asks what that does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from tests.support.schools import OpenedSchool, open_school

HEAD = {"id": "head", "name": "H Example", "title": "Headteacher"}
OFFICE = {"id": "off", "name": "O Fice", "title": "Office manager"}
PUPIL, OTHER = "1042", "1043"
MOTHER, FATHER = "1042-a", "1042-b"
FIRST, LAST = date(2025, 11, 3), date(2025, 12, 12)
PARENTS = [
    {"id": MOTHER, "name": "B Example", "relationship": "mother", "lives_with": True, "phone": "01632 960001"},
    {"id": FATHER, "name": "F Example", "relationship": "father", "address": "2 Made-up Lane, Exampleton"},
]
Line = dict[str, Any]


def line(at: str, command: str, *, tag: str = "", by: Line = HEAD, **fields: Any) -> Line:
    """Return a line about the pupil, with a tag that `case` drops it by."""
    about = {} if "class" in fields or command.startswith(("Open", "Name")) else {"pupil": PUPIL}
    return {"at": at, "command": command, "by": by, "tag": tag, **about, **fields}


def sessions(*days: date) -> list[str]:
    return [f"{day}/{half}" for day in days for half in ("AM", "PM")]


def week(monday: date) -> list[date]:
    return [monday + timedelta(days=offset) for offset in range(5)]


HOLIDAY = sessions(*week(date(2025, 11, 24)))
DAYS_AWAY = week(date(2025, 11, 10))
LATER_AWAY = [date(2025, 12, 1), date(2025, 12, 2)]


def school(policy: str = "micklem-2025", born: str = "2017-03-09", parents: Any = PARENTS) -> list[Line]:
    """Return a school of two pupils, open from 3 November 2025, with the head named as such."""
    year = {"year": "2025/26", "first_day": "2025-11-03", "last_day": "2026-07-21"}
    names = {"name": "Example Primary", "urn": "117000", "la": "919", "estab": "2000"}
    pupil = {"starting_day": "2025-11-03", "year_group": "4", "class": "4W"}
    return [
        line("2025-11-01T08:00", "OpenSchool", policy=policy, **names),
        line("2025-11-01T08:01", "OpenSchoolYear", **year),
        line("2025-11-01T08:02", "NameRole", role="headteacher", from_day="2025-11-01", holders=[HEAD]),
        line(
            "2025-11-01T09:00", "AdmitPupil", pupil=PUPIL, name="Ada Example", born=born, parents=parents,
            upn="B801200005001", address="1 Imaginary Street, Exampleton", **pupil,
        ),
        line("2025-11-01T09:01", "AdmitPupil", pupil=OTHER, name="Ben Sample", born="2016-11-20", **pupil),
    ]  # fmt: skip


def registers(away: Iterable[date], until: date = LAST) -> list[Line]:
    """Return every register, taken and closed; who is away is left to the closing, which marks N."""
    gone, made = set(away), []
    day = FIRST
    while day <= until:
        if day.weekday() < 5:
            for half, code, taken, closed in (("AM", "/", "09:00", "09:11"), ("PM", "\\", "13:20", "13:31")):
                marks = {OTHER: code} | ({} if day in gone else {PUPIL: code})
                about = {"class": "4W", "session": f"{day}/{half}", "by": OFFICE}
                made.append(line(f"{day}T{taken}", "TakeRegister", marks=marks, **about))
                made.append(line(f"{day}T{closed}", "CloseRegister", **about))
        day += timedelta(days=1)
    return made


def amended(session: str, code: str, at: str, reason: str, tag: str = "code") -> Line:
    return line(at, "AmendMark", session=session, code=code, reason=reason, by=OFFICE, tag=tag)


def holiday(**about: Any) -> list[Line]:
    """A holiday asked for, refused with a letter, taken, coded and considered: straight to a notice."""
    return [
        *school(**about),
        *registers(week(date(2025, 11, 24))),
        line(
            "2025-11-05T10:00", "RequestLeave", request="LR-1", parent=MOTHER, received_on="2025-11-05",
            first=HOLIDAY[0], last=HOLIDAY[-1], ground="a holiday", on_form=True, tag="asked",
        ),
        line("2025-11-06T10:00", "DecideLeave", request="LR-1", granted=[], reason="not exceptional", tag="decided"),
        line(
            "2025-11-06T11:00", "SendLetter", about="leave refused", parents=[MOTHER], sent_on="2025-11-06",
            cites="LR-1", tag="refusal",
        ),
        *(amended(each, "G", "2025-12-01T15:00", "holiday, leave was refused") for each in HOLIDAY),
        line(
            "2025-12-02T10:00", "ConsiderPenalty", notice="PN-1", parent=MOTHER, considered_on="2025-12-02",
            route="no support", decision="notice", reasons="a holiday that was refused", tag="considered",
        ),
    ]  # fmt: skip


def unexplained(ends_on: str = "2025-12-10", improved: bool = False, **about: Any) -> list[Line]:
    """Days that nobody explained, followed up, supported and not improved: a notice to improve first."""
    made = [*school(**about), *registers([*DAYS_AWAY, *LATER_AWAY])]
    for day in (*DAYS_AWAY, *LATER_AWAY):
        made.append(
            line(
                f"{day}T09:30", "LogContact", contact=MOTHER, channel="phone", outcome="no answer",
                sessions=sessions(day), by=OFFICE, tag="contact",
            )
        )  # fmt: skip
        made += [amended(each, "O", f"{day}T16:00", "no reason given") for each in sessions(day)]
    return [
        *made,
        line("2025-11-17T10:00", "SendLetter", about="meeting", parents=[MOTHER], sent_on="2025-11-17", tag="told"),
        line(
            "2025-11-18T10:00", "RecordSupport", step="meeting", stage="held", on="2025-11-18", people=["B Example"],
            outcome="a breakfast club was offered", tag="support",
        ),
        line(
            "2025-11-18T15:00", "ConsiderPenalty", notice="PN-1", parent=MOTHER, considered_on="2025-11-18",
            route="support", decision="improve", reasons="support first", tag="considered",
        ),
        line(
            "2025-11-19T10:00", "RequireImprovement", notice="PN-1", issued_on="2025-11-19", ends_on=ends_on,
            at_most=3, offered="breakfast club", improvement="in school every day", tag="improve",
        ),
        line(
            "2025-12-11T10:00", "EndImprovement", notice="PN-1", ended_on="2025-12-10", improved=improved,
            outcome="four more sessions", tag="ended",
        ),
    ]  # fmt: skip


def case(lines: Iterable[Line], *added: Line, without: tuple[str, ...] = (), url: str = "memory:") -> OpenedSchool:
    """Return the school that a journal makes, in order of time, without the lines of some tags and with others."""
    kept = [each for each in lines if each["tag"] not in without] + list(added)
    opened = open_school(url)
    for each in sorted(kept, key=lambda made: made["at"]):
        opened.send({name: value for name, value in each.items() if name != "tag"})
    return opened
