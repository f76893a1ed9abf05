"""Whether a ground for deletion is met, as far as the ledger itself can see: ages, years, and absence without a break.

Absence is read backwards from the last day on roll, day by day, until a day holds another code. Leave that ended long
ago, or enquiries about an earlier absence, are about something else and show nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import takewhile

from commands.deciding.state import State
from commands.models.roll import RemoveFromRoll
from ledger.errors import Refused
from ledger.events import EnquiriesMade
from ledger.grounds import ground
from ledger.policy import Policy
from ledger.school import School
from ledger.sessions import Half, Session
from ledger.streams import entry_stream

SCHOOL_DAYS_READ = 60  # of entries before a removal, enough for every ground that is about absence


def entries_read(command: RemoveFromRoll, school: School) -> list[str]:
    """Return the entries that a removal is held to: only the grounds of long absence ask for them."""
    days = school.calendar.school_days_until(command.last_day, SCHOOL_DAYS_READ)
    return [entry_stream(command.pupil, Session(day, half)) for day in days for half in Half]


def check_ground(command: RemoveFromRoll, state: State) -> None:
    """Refuse a ground of the regulation whose conditions the ledger shows to be unmet: ground_not_met."""
    stated = ground(command.ground)
    pupil = state.school.pupils[command.pupil]
    met: dict[str, Callable[[], bool]] = {
        "": lambda: True,
        "over_age": lambda: command.last_day >= pupil.school_age[1],
        "under_age": lambda: command.last_day < pupil.school_age[0],
        "final_year": lambda: _final_year(command, state),
        "continuous": lambda: _continuously_absent(command, state),
        "after_leave": lambda: _not_returned(command, state),
    }
    if stated is not None and not met[stated.check]():
        expected = _condition(stated.check, state.policy(command.last_day))
        raise Refused("ground_not_met", field="ground", expected=expected)


def _condition(check: str, policy: Policy) -> str:
    return {
        "over_age": "a pupil whose compulsory school age has ended",
        "under_age": "a pupil who is not of compulsory school age yet",
        "final_year": f"a pupil of year {policy.year_groups_final} who stays until the last day of the school year",
        "continuous": f"{policy.ground_i_school_days} school days in a row of "
        f"{', '.join(sorted(policy.ground_i_codes))} alone, and joint enquiries recorded in that time",
        "after_leave": f"{policy.ground_h_school_days} school days after granted leave of "
        f"{', '.join(sorted(_not_back(policy)))} alone, and joint enquiries recorded in that time",
    }[check]


def _final_year(command: RemoveFromRoll, state: State) -> bool:
    final = state.policy(command.last_day).year_groups_final
    return state.school.completes(command.pupil, command.last_day, final)


def _continuously_absent(command: RemoveFromRoll, state: State) -> bool:
    policy = state.policy(command.last_day)
    away = _days_away(command, policy.ground_i_codes, state)
    return len(away) >= policy.ground_i_school_days and _asked_after(away[0], state)


def _not_returned(command: RemoveFromRoll, state: State) -> bool:
    policy = state.policy(command.last_day)
    away = _days_away(command, _not_back(policy), state)
    for leave in state.school.leave.get(command.pupil, {}).values():
        if leave.withdrawn or not leave.granted:
            continue
        first = state.school.calendar.school_days_after(max(leave.granted).day, 1)
        since = [day for day in away if first is not None and day >= first]
        if first in since and len(since) >= policy.ground_h_school_days and _asked_after(first, state):
            return True
    return False


def _not_back(policy: Policy) -> frozenset[str]:
    """Return the codes of who has not returned, and is neither ill nor on leave nor late: G, N and O."""
    return frozenset(code.symbol for code in policy.codes.rows if code.unauthorised and not code.on_site)


def _days_away(command: RemoveFromRoll, codes: frozenset[str], state: State) -> list[date]:
    """Return the school days in a row, up to the last on roll, that hold nothing but these codes, oldest first. A last
    day that is not over yet is held to the marks that it has, and is none of them."""
    days = state.school.calendar.school_days_until(command.last_day, SCHOOL_DAYS_READ)
    held = {day: [state.entry(command.pupil, Session(day, half)).code for half in Half] for day in days}
    unfinished = held[days.pop()] if days and not all(held[days[-1]]) else []
    if not codes.issuperset(filter(None, unfinished)):
        return []
    return sorted(takewhile(lambda day: codes.issuperset(held[day]), reversed(days)))


def _asked_after(since: date, state: State) -> bool:
    return any(isinstance(event, EnquiriesMade) and event.jointly and event.on >= since for event in state.follow_up)
