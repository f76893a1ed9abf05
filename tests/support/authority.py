"""A small authority: random schools, archived beside each other, and what the single machine says of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ledger.sessions import format_moment
from projections.archive.writing import write
from projections.asking.questions import Moment
from projections.figures.cohorts import absence_answers, penalty_windows
from tests.support.random_school import journal
from tests.support.schools import OpenedSchool, open_school

EVERYTHING = 2**62
NO_ABSENCE = dict.fromkeys(("possible", "attended", "authorised", "unauthorised", "missing"), 0)
NO_COHORT = dict.fromkeys(("persistent", "severe", "at_risk"), False)
NO_WINDOW = {"count": 0, "met": False, "met_on": None, "unresolved": 0}


class Authority(NamedTuple):
    """The folder of the archives, and the ledger that each was made of, by the name of its folder."""

    folder: Path
    schools: dict[str, OpenedSchool]


def authority(folder: Path, schools: int, days: int = 20) -> Authority:
    """Return random schools of six pupils over so many school days, each in its own folder."""
    opened = {}
    for seed in range(schools):
        urn = str(117000 + seed)
        # A journal may open its school again by the same id, which changes nothing as long as it says the same.
        lines = [line | ({"urn": urn} if "urn" in line else {}) for line in journal(seed, days)]
        opened[f"school-{urn}"] = school = open_school().replay(lines)
        write(school.ledger, folder / f"school-{urn}", EVERYTHING)
    return Authority(folder, opened)


def on_the_single_machine(
    name: str, school: OpenedSchool, as_of: date | None = None, known_at: datetime | None = None
) -> list[dict[str, Any]]:
    """Return what `absence` and `penalty` say of everybody who was ever on roll, a row a pupil, from the ledger."""
    moment = school.answers.moment(as_of, known_at)
    pupils = sorted(moment.school.pupils)
    absent = {each.pupil: each for each in absence_answers(school.answers, moment, pupils)}
    windows = {each.pupil: each for each in penalty_windows(school.answers, moment, pupils)}
    opened = school.ledger.opened()
    assert opened is not None
    about: dict[str, Any] = {"folder": name, "error": None, "school": opened.urn, "simulated": opened.simulated}
    about |= {"signed_by": None}
    about |= {"as_of": str(moment.as_of), "known_at": format_moment(moment.known_at), "position": moment.position}
    about |= {"policy": moment.policy_name or None}
    about |= {"rules": moment.rules or None}
    rows = []
    for pupil in sorted(absent.keys() | windows.keys()):
        row = about | {"pupil": pupil}
        for nothing, answer in ((NO_ABSENCE, absent), (NO_COHORT, absent), (NO_WINDOW, windows)):
            row |= {key: getattr(answer.get(pupil), key, value) for key, value in nothing.items()}
        rows.append(row)
    nobody = dict.fromkeys(("pupil", *NO_ABSENCE, *NO_COHORT, *NO_WINDOW))
    if reason := _unanswered(moment):
        return [dict.fromkeys(about | nobody) | {"folder": name, "error": reason}]
    return rows or [about | nobody]


def _unanswered(moment: Moment) -> str:
    """Return why nothing can be said at a moment, blank where something can."""
    if moment.in_force is None:
        return "no policy was known then"
    begun = moment.school.calendar.year_begun_by(moment.as_of)
    return "" if begun is not None else f"no school year known then had begun by {moment.as_of}"


def readable(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of answers as `on_the_single_machine` has them, in order of school, day and pupil."""
    moments = {"as_of": str, "known_at": format_moment}
    told = [row | {name: row[name] and said(row[name]) for name, said in moments.items()} for row in rows]
    return sorted(told, key=lambda row: (row["folder"], row["as_of"] or "", row["pupil"] or ""))
