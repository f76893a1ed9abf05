"""The school census and the transfer file: sessions of a term or of school years, summed for each pupil.

The census collects attendance one term in arrears, of pupils of the policy's ages on the 31 August that begins the
school year, who were on roll at some time in the term. Its terms are not the school's: they run by the calendar of the
year, so that every school's are the same, and together they are the school year.

| term | from | to | collected in |
|---|---|---|---|
| autumn | 1 August | 31 December | the spring census |
| spring | 1 January | Easter Sunday | the summer census |
| summer-first | Easter Monday | the Sunday before the last Monday in May | the autumn census |
| summer-second | the last Monday in May | 31 July | the autumn census |
| summer | both halves together | | the autumn census |

The counts are those of the absence kernel over the same sessions, and of its marks by code. A session that holds no
mark is in none of them and is named apart: a census with such sessions is not finished.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import msgspec
import numpy as np

from ledger.codes import Code
from ledger.errors import Refused
from ledger.school import School
from ledger.sessions import format_year, monday
from projections.asking.questions import Answer, Answers, Moment
from projections.figures.absence import Absence, absence, by_code
from projections.readmodel.frames import first_session, last_session, roll_of

TERMS = ("autumn", "spring", "summer", "summer-first", "summer-second")


class Term(NamedTuple):
    """Days of a census term, both inclusive, and the census that collects it."""

    name: str
    year: int
    first: date
    last: date
    collected_in: str


def term(name: str, year: int, first: date | None = None, last: date | None = None) -> Term:
    """Return the term of a school year; `first` and `last` stand instead of its own days. Refuses: malformed."""
    if name not in TERMS:
        raise Refused("malformed", field="TERM", value=name, expected=f"one of {', '.join(TERMS)}")
    easter = easter_sunday(year + 1)
    half = monday(date(year + 1, 5, 31))
    spans = {
        "autumn": (date(year, 8, 1), date(year, 12, 31), "spring"),
        "spring": (date(year + 1, 1, 1), easter, "summer"),
        "summer": (easter + timedelta(days=1), date(year + 1, 7, 31), "autumn"),
        "summer-first": (easter + timedelta(days=1), half - timedelta(days=1), "autumn"),
        "summer-second": (half, date(year + 1, 7, 31), "autumn"),
    }
    begins, ends, collected_in = spans[name]
    begins, ends = first or begins, last or ends
    if not date(year, 8, 1) <= begins <= ends <= date(year + 1, 7, 31):
        raise Refused(
            "malformed", field="--from", value=begins, expected=f"days of {format_year(year)}, --from before --to"
        )
    return Term(name, year, begins, ends, collected_in)


def easter_sunday(year: int) -> date:
    """Return Easter Sunday by the Gregorian calendar (Meeus's rule, exact for every year from 1583)."""
    century, place = divmod(year, 100)
    golden = year % 19
    moved = century - (century + 8) // 25
    epact = (19 * golden + century - century // 4 - (moved + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (place // 4) - epact - place % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def age_on(born: date, day: date) -> int:
    """Return whole years from birth to a day; a birthday on 29 February is had on 1 March in other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


# --- the census -----------------------------------------------------------------------------------------------------


class CensusAnswer(Answer, frozen=True, kw_only=True, rename={"first": "from", "last": "to"}):
    """A pupil's sessions in a census term; `reasons` counts those not attended by their code. `missing` sessions are
    closed and hold no mark; `leaving_day` is blank while the pupil is on roll at the end of the term."""

    term: str
    first: str
    last: str
    upn: str
    born: str
    sex: str
    year_group: str
    leaving_day: str
    possible: int
    attended: int
    authorised: int
    unauthorised: int
    missing: int
    reasons: dict[str, int]


def census_answers(answers: Answers, moment: Moment, of_term: Term) -> list[CensusAnswer]:
    """Return the census of a term, in order of pupil as text.

    Raises Misconfigured where a birth date cannot be read: nobody may fall out of a census for want of a key.
    """
    if moment.in_force is None:
        return []
    school = moment.school
    there = sorted(number for number in school.pupils if _on_roll_in(school, number, of_term.first, of_term.last))
    known = answers.readable_particulars(moment, there)
    youngest, oldest = moment.policy.census_ages
    august = date(of_term.year, 8, 31)
    pupils = [n for n in there if youngest <= age_on(date.fromisoformat(known[n].born), august) <= oldest]
    counts = _counted(answers, moment, pupils, of_term.year, of_term.first, of_term.last)
    by_reason = by_code(counts.counted)
    return [
        CensusAnswer(
            **moment.header(pupil),
            term=f"{of_term.name} {format_year(of_term.year)}",
            first=of_term.first.isoformat(),
            last=of_term.last.isoformat(),
            upn=known[pupil].upn,
            born=known[pupil].born,
            sex=known[pupil].sex,
            year_group=school.pupils[pupil].placement(of_term.last).year_group,
            leaving_day=_leaving_day(school, pupil, of_term.last),
            **counts.of(row),
            reasons={
                code.symbol: int(by_reason[row, code.id])
                for code in moment.codes.rows
                if by_reason[row, code.id] and _is_reason(code)
            },
        )
        for row, pupil in enumerate(pupils)
    ]


def _is_reason(code: Code) -> bool:
    """Return whether a code is a reason for not attending, a possible session or not; administrative ones are none."""
    return code.absent or (not code.possible and not code.administrative)


def _on_roll_in(school: School, pupil: str, first: date, last: date) -> bool:
    spells = school.pupils[pupil].spells
    return any(spell.first <= last and (spell.last is None or spell.last >= first) for spell in spells)


def _leaving_day(school: School, pupil: str, last: date) -> str:
    ended = [spell.last for spell in school.pupils[pupil].spells if spell.last and spell.first <= last]
    return "" if school.on_roll(pupil, last) or not ended else max(ended).isoformat()


def _counted(answers: Answers, moment: Moment, pupils: list[str], year: int, first: date, last: date) -> Absence:
    """Return the absence of these pupils over the sessions between two days of one school year."""
    since, until = first_session(first), last_session(last)
    closed = [n for n in moment.school.calendar.closed_sessions(year, moment.known_at) if since <= n <= until]
    entries = answers.entries(moment, [year], pupils)
    codes = moment.codes
    return absence(entries, roll_of(moment.school, pupils), np.array(closed, np.int32), since, until, codes)


# --- the transfer file ----------------------------------------------------------------------------------------------


class YearTotals(msgspec.Struct, frozen=True, kw_only=True):
    """A pupil's sessions in one school year at this school."""

    year: str
    possible: int
    authorised: int
    attended: int
    unauthorised: int
    missing: int


class TransferAnswer(Answer, frozen=True, kw_only=True):
    """What a pupil's next school is told: who it is, and totals by school year, oldest first."""

    upn: str
    name: str
    born: str
    sex: str
    years: list[YearTotals]


def transfer_answers(answers: Answers, moment: Moment, pupils: list[str]) -> list[TransferAnswer]:
    """Return what goes into the transfer file of these pupils, in order of number as text, up to the day asked about.

    Totals and no marks: a mark is one character there, and C1 or Y1 has two. Raises Misconfigured where particulars
    cannot be read.
    """
    pupils = sorted(pupils)
    known = answers.readable_particulars(moment, pupils)
    totals: dict[str, list[YearTotals]] = {pupil: [] for pupil in pupils}
    for year in sorted(moment.school.years):
        counts = _counted(answers, moment, pupils, year, date(year, 8, 1), moment.as_of)
        for row, pupil in enumerate(pupils):
            if counts.possible[row]:
                totals[pupil].append(YearTotals(year=format_year(year), **counts.of(row)))
    return [
        TransferAnswer(
            **moment.header(pupil),
            upn=known[pupil].upn,
            name=known[pupil].name,
            born=known[pupil].born,
            sex=known[pupil].sex,
            years=totals[pupil],
        )
        for pupil in pupils
    ]
