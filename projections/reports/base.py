"""What every report repeats, and which pupils and groups reports speak of."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from ledger.errors import Misconfigured
from ledger.policy import Policy
from ledger.roll import Placement
from ledger.sessions import format_moment
from projections.asking.questions import Moment


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Both times, the position, the policy and its target, and whether the ledger is simulated."""

    as_of: str
    known_at: str
    position: int
    policy: str
    rules: str
    simulated: bool
    target_percent: int


class Header(TypedDict):
    """The fields of `Report`."""

    as_of: str
    known_at: str
    position: int
    policy: str
    rules: str
    simulated: bool
    target_percent: int


def about(moment: Moment) -> Header:
    """Return the fields of `Report`. Raises Misconfigured where no school year had begun or no policy was known."""
    policy = in_force(moment)
    if moment.school.calendar.year_begun_by(moment.as_of) is None:
        raise Misconfigured(f"no school year known then had begun by {moment.as_of}")
    return {
        "as_of": moment.as_of.isoformat(),
        "known_at": format_moment(moment.known_at),
        "position": moment.position,
        "policy": policy.name,
        "rules": policy.rules,
        "simulated": moment.school.simulated,
        "target_percent": policy.target_percent,
    }


def in_force(moment: Moment) -> Policy:
    """Return the policy of a moment. Raises Misconfigured where there is none."""
    if moment.in_force is None:
        raise Misconfigured("no policy was known then")
    return moment.policy


def placement_of(moment: Moment, pupil: str) -> Placement:
    """Return the placement of a pupil on the day asked about, or on the last day on roll where that was earlier."""
    known = moment.school.pupils[pupil]
    last = max((spell.last or moment.as_of for spell in known.spells), default=moment.as_of)
    return known.placement(min(moment.as_of, last))


def class_of(moment: Moment, pupil: str) -> str:
    return placement_of(moment, pupil).class_name


def by_age(year_group: str) -> tuple[int, str]:
    """Return what year groups are sorted by: reception and nursery before year 1, numbers as numbers."""
    return (int(year_group), "") if year_group.isdecimal() else (0, year_group)
