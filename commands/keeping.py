"""Keeping and forgetting: what must stay is held, and what has been kept long enough may be forgotten.

Forgetting destroys keys. The event that says so is durable before the first key is destroyed, so that an interrupted
run is finished by the next one, and nobody mistakes a forgotten word for a lost key store.
"""

from __future__ import annotations

from datetime import datetime

from commands.models.keeping import ForgetYears, LiftHold, PlaceHold
from commands.state import Decided, Fact, State, london_day, signed
from ledger.case import kept
from ledger.errors import Refused
from ledger.events import HoldLifted, HoldPlaced, YearsForgotten
from ledger.streams import SCHOOL, Owner, roll_stream


def place_hold(command: PlaceHold, state: State, now: datetime) -> Decided:
    """Return a hold on everything about a pupil. Nothing where there is one. Refuses: pupil_not_on_roll (never was),
    reason_required."""
    by = signed(command.by)
    pupil = state.school.pupils.get(command.pupil)
    if pupil is None:
        raise Refused("pupil_not_on_roll", field="pupil", value=command.pupil)
    if not command.reason:
        raise Refused("reason_required", field="reason")
    if pupil.held:
        return Decided([])
    return Decided([Fact(roll_stream(command.pupil), HoldPlaced(by=by, reason=command.reason))])


def lift_hold(command: LiftHold, state: State, now: datetime) -> Decided:
    """Return that a hold is lifted. Refuses: not_held, reason_required."""
    by = signed(command.by)
    pupil = state.school.pupils.get(command.pupil)
    if pupil is None or not pupil.held:
        raise Refused("not_held", field="pupil", value=command.pupil)
    if not command.reason:
        raise Refused("reason_required", field="reason")
    return Decided([Fact(roll_stream(command.pupil), HoldLifted(by=by, reason=command.reason))])


def forget_years(command: ForgetYears, state: State, now: datetime) -> Decided:
    """Return that pupils' school years are forgotten; those that were already are passed over.

    Refuses: pupil_not_on_roll (never was), held, too_young_to_forget (something in it was recorded within the policy's
    years; of what belongs to no single year, anything about the pupil at all).
    """
    by = signed(command.by)
    owners = sorted({Owner(each.pupil, each.year) for each in command.years})
    for owner in owners:
        pupil = state.school.pupils.get(owner.name)
        if pupil is None:
            raise Refused("pupil_not_on_roll", field="years.pupil", value=owner.name)
        if pupil.held:
            raise Refused("held", field="years.pupil", value=owner.name)
        last = state.recorded.get(owner)
        keep = state.policy(london_day(now)).keep_years
        if last is not None and kept(london_day(last), london_day(now), keep):
            raise Refused("too_young_to_forget", field="years.year", value=owner.year)
    fresh = [owner for owner in owners if owner not in state.school.forgotten]
    if not fresh:
        return Decided([])
    return Decided([Fact(SCHOOL, YearsForgotten(by=by, years=tuple((o.name, o.year) for o in fresh)))])
