"""Whether the words about a pupil's school year may be forgotten: one rule for the list and for the command.

Age is measured between recorded times, up to the last one that nobody doubts. A clock that runs ahead of the ledger
makes nothing older, and neither does one save that it dated.
"""

from __future__ import annotations

from datetime import date

from ledger.case import kept
from ledger.school import School
from ledger.sessions import LONDON, from_micros
from ledger.streams import Owner


def keeping_rule(school: School, owner: Owner, last: int, reached: int, years: int) -> str:
    """Return the rule by which words must be kept, blank where they may be forgotten: pupil_not_on_roll (never was),
    held, pupil_on_roll, too_young_to_forget.

    `last` is when something in that school year was recorded last, of what belongs to no single year anything about the
    pupil at all, 0 where nothing was; `reached`, up to when the ledger has come; both in microseconds.
    """
    pupil, day = school.pupils.get(owner.name), london_day(reached)
    if pupil is None:
        return "pupil_not_on_roll"
    if pupil.held:
        return "held"
    if any(spell.last is None or spell.last >= day for spell in pupil.spells):
        return "pupil_on_roll"
    return "too_young_to_forget" if last and kept(london_day(last), day, years) else ""


def london_day(recorded_at: int) -> date:
    return from_micros(recorded_at).astimezone(LONDON).date()
