"""Whether the words about a pupil's school year may be forgotten: one rule for the list and for the command.

Age is measured between recorded times, up to the last one that nobody doubts. A clock that runs ahead of the ledger
makes nothing older, and neither does one save that it dated.
"""

from __future__ import annotations

from datetime import date

from ledger.case import kept
from ledger.errors import Refused
from ledger.school import School
from ledger.sessions import LONDON, from_micros
from ledger.streams import Owner


def check_forgettable(school: School, owner: Owner, last: int, reached: int, years: int) -> None:
    """Refuse to forget what has to be kept: pupil_not_on_roll (never was), held, pupil_on_roll, too_young_to_forget.

    `last` is when something in that school year was recorded last, of what belongs to no single year anything about the
    pupil at all, 0 where nothing was; `reached`, up to when the ledger has come; both in microseconds.
    """
    pupil, day = school.pupils.get(owner.name), london_day(reached)
    if pupil is None:
        raise Refused("pupil_not_on_roll", field="years.pupil", value=owner.name)
    if pupil.held:
        raise Refused("held", field="years.pupil", value=owner.name)
    if any(spell.last is None or spell.last >= day for spell in pupil.spells):
        raise Refused("pupil_on_roll", field="years.pupil", value=owner.name)
    if last and kept(london_day(last), day, years):
        raise Refused("too_young_to_forget", field="years.year", value=owner.year)


def london_day(recorded_at: int) -> date:
    return from_micros(recorded_at).astimezone(LONDON).date()
