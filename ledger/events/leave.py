"""Leave of absence: asked for, decided session by session, withdrawn."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Union

from ledger.events.base import Event


class OfLeave(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "leave"


class LeaveRequested(OfLeave, frozen=True, kw_only=True):
    private: ClassVar[tuple[str, ...]] = ("ground",)
    parent: str
    received_on: date
    first: str
    last: str
    on_form: bool = False
    ground: str = ""


class LeaveDecided(OfLeave, frozen=True, kw_only=True):
    """`granted` pairs a session with its code; sessions of the request not in it are refused."""

    private: ClassVar[tuple[str, ...]] = ("reason", "details")
    granted: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    details: dict[str, str] = {}


class LeaveWithdrawn(OfLeave, frozen=True, kw_only=True):
    private: ClassVar[tuple[str, ...]] = ("reason",)
    reason: str = ""


LeaveEvent = Union[
    LeaveRequested,
    LeaveDecided,
    LeaveWithdrawn,
]
