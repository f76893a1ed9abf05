"""What is passed on about a pupil, to siblings' schools and to former or next ones, and to whom it was passed on.

The sheet holds totals, dates and codes: what another school needs to see a pattern. What families said, why, and what
was tried are words, and stay here.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ledger.codes import CodeTable
from ledger.events import InformationShared
from ledger.pins import seen_by
from ledger.sessions import Half, Session, format_moment, format_year, school_year
from ledger.words import SEALED
from projections.asking.questions import Answers, Moment
from projections.figures.spans import span
from projections.figures.tally import Figures, pooled
from projections.records.chronology import chronologies
from projections.records.registers import By, history_answers, signed
from projections.reports.base import Report, about


class SharedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One time that something was passed on, as of a day and as the ledger stood at `seen`."""

    pupil: str
    what: str
    recipient: str
    why: str
    on: str
    as_of: str
    seen: int
    by: By
    recorded_at: str
    position: int


class Away(msgspec.Struct, frozen=True, kw_only=True):
    """A day that was not attended throughout and on time: its codes, None where the pupil has no mark."""

    day: str
    am: str | None
    pm: str | None


class SharedYear(msgspec.Struct, frozen=True, kw_only=True):
    year: str
    first: str
    last: str
    figures: Figures
    away: list[Away]


class SharingSheet(Report, frozen=True, kw_only=True):
    """The years of a pupil at this school, oldest first; `spells` are the days on roll, the last open where still
    here."""

    pupil: str
    spells: list[tuple[str, str | None]]
    years: list[SharedYear]


def shared_answers(answers: Answers, moment: Moment, pupils: Iterable[str]) -> list[SharedAnswer]:
    """Return what was passed on about these pupils up to the day asked about, oldest first."""
    shared = [
        SharedAnswer(
            pupil=pupil,
            what=known.event.what,
            recipient=SEALED if known.event.sealed else known.event.recipient,
            why=SEALED if known.event.sealed else known.event.why,
            on=known.event.on.isoformat(),
            as_of=known.event.as_of.isoformat(),
            seen=seen_by(known.event, known.position),
            by=signed(known.event),
            recorded_at=format_moment(known.recorded_at),
            position=known.position,
        )
        for pupil, chronology in chronologies(answers, moment, pupils).items()
        for known in chronology
        if isinstance(known.event, InformationShared) and known.event.on <= moment.as_of
    ]
    return sorted(shared, key=lambda each: each.position)


def sharing_sheet(answers: Answers, moment: Moment, pupil: str) -> SharingSheet:
    """Return what another school is shown of a pupil: totals, dates and codes of every year here."""
    header = about(moment)
    spells = [spell for spell in moment.school.pupils[pupil].spells if spell.first <= moment.as_of]
    codes = {entry.session: entry.entries[-1].code for entry in history_answers(answers, moment, pupil)}
    years = []
    for year, known in moment.school.years.items():
        first, last = known.first_day, min(known.last_day, moment.as_of)
        if first <= last and any(s.first <= last and (s.last is None or s.last >= first) for s in spells):
            figures = pooled(span(answers, moment, [pupil], first, last))
            own = {session: code for session, code in codes.items() if school_year(session.day) == year}
            years.append(
                SharedYear(
                    year=format_year(year),
                    first=first.isoformat(),
                    last=last.isoformat(),
                    figures=figures,
                    away=_away(own, moment.codes),
                )
            )
    return SharingSheet(
        **header,
        pupil=pupil,
        spells=[(spell.first.isoformat(), spell.last.isoformat() if spell.last else None) for spell in spells],
        years=years,
    )


def _away(codes: dict[Session, str], table: CodeTable) -> list[Away]:
    """Return the days with a code other than present, in order."""
    days = sorted({session.day for session, code in codes.items() if not _present(code, table)})
    return [
        Away(day=day.isoformat(), am=codes.get(Session(day, Half.AM)), pm=codes.get(Session(day, Half.PM)))
        for day in days
    ]


def _present(symbol: str, table: CodeTable) -> bool:
    code = table.by_symbol(symbol)
    return code is not None and code.category == "present" and symbol != "L"
