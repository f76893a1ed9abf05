"""Keeping and forgetting: what must stay is held, and what has been kept long enough may be forgotten. Age is a matter
of recorded times, so that some of them are wrong is said here as well.

Forgetting destroys keys. The event that says so is durable before the first key is destroyed, so that an interrupted
run is finished by the next one, and nobody mistakes a forgotten word for a lost key store.
"""

from __future__ import annotations

from datetime import datetime

from commands.deciding.declaration import decides
from commands.deciding.state import Decided, Fact, State, london_day, signed
from commands.models.keeping import AcceptRestoration, DoubtStamps, ForgetYears, LiftHold, PlaceHold
from ledger.errors import Refused
from ledger.events import HoldLifted, HoldPlaced, RestorationAccepted, StampsDoubted, YearsForgotten
from ledger.people import Staff
from ledger.retention import check_forgettable
from ledger.sessions import from_micros
from ledger.streams import CLOCK, SCHOOL, Owner, roll_stream


@decides(PlaceHold)
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


@decides(LiftHold)
def lift_hold(command: LiftHold, state: State, now: datetime) -> Decided:
    """Return that a hold is lifted. Refuses: not_held, reason_required."""
    by = signed(command.by)
    pupil = state.school.pupils.get(command.pupil)
    if pupil is None or not pupil.held:
        raise Refused("not_held", field="pupil", value=command.pupil)
    if not command.reason:
        raise Refused("reason_required", field="reason")
    return Decided([Fact(roll_stream(command.pupil), HoldLifted(by=by, reason=command.reason))])


@decides(ForgetYears, ages=True)
def forget_years(command: ForgetYears, state: State, now: datetime) -> Decided:
    """Return that pupils' school years are forgotten; those that were already are passed over.

    Refuses: second_person_required (the same id or name), pupil_not_on_roll (never was), held, pupil_on_roll,
    too_young_to_forget (something in it was recorded within the policy's years; of what belongs to no single year,
    anything about the pupil at all). Age is measured by recorded time, whatever the clock says.
    """
    by, second = signed(command.by), signed(command.second, "second")
    if by.id == second.id or _name(by) == _name(second):
        raise Refused("second_person_required", field="second", value=second.id)
    recorded, reached = state.ages
    keep = state.policy(london_day(from_micros(reached))).keep_years
    owners = sorted({Owner(each.pupil, each.year) for each in command.years})
    for owner in owners:
        check_forgettable(state.school, owner, recorded.get(owner, 0), reached, keep)
    fresh = [owner for owner in owners if owner not in state.school.forgotten]
    if not fresh:
        return Decided([])
    years = tuple((owner.name, owner.year) for owner in fresh)
    return Decided([Fact(SCHOOL, YearsForgotten(by=by, years=years, second=second))])


@decides(DoubtStamps, end=True)
def doubt_stamps(command: DoubtStamps, state: State, now: datetime) -> Decided:
    """Return that recorded times are wrong. Nothing where that was said of the same positions.

    Refuses: malformed (a position that the ledger has not reached), reason_required."""
    by = signed(command.by)
    for field, position in (("first", command.first), ("last", command.last or command.first)):
        if position > state.end:
            raise Refused("malformed", field=field, value=position, expected="a position this ledger has reached")
    if not command.reason:
        raise Refused("reason_required", field="reason")
    if any((doubt.first, doubt.last) == (command.first, command.last) for doubt in state.school.doubts):
        return Decided([])
    doubted = StampsDoubted(by=by, first=command.first, last=command.last or 0, reason=command.reason)
    return Decided([Fact(CLOCK, doubted)])


@decides(AcceptRestoration, end=True)
def accept_restoration(command: AcceptRestoration, state: State, now: datetime) -> Decided:
    """Return who accepts a ledger that was restored. Refuses: malformed (an end that the ledger has not reached)."""
    by = signed(command.by)
    if command.ended > state.end:
        expected = "a position this ledger has reached"
        raise Refused("malformed", field="ended", value=command.ended, expected=expected)
    return Decided([Fact(SCHOOL, RestorationAccepted(by=by, stood=command.stood, ended=command.ended))])


def _name(person: Staff) -> str:
    return " ".join(person.name.casefold().split())
