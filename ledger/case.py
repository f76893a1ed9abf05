"""What people decided about a pupil: leave requests and penalty notices, folded from their streams."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import assert_never

from ledger.events import (
    LeaveDecided,
    LeaveEvent,
    LeaveRequested,
    LeaveWithdrawn,
    NoticeEvent,
    NoticeIssued,
    NoticePaid,
    NoticeWithdrawn,
)
from ledger.sessions import Session


@dataclass
class Leave:
    """One request. `granted` is None until decided, then the code by session; refused sessions are not in it."""

    pupil: str
    request: str
    parent: str
    received_on: date
    first: Session
    last: Session
    granted: dict[Session, str] | None = None
    withdrawn: bool = False

    def expects(self, session: Session) -> str | None:
        return None if self.withdrawn or self.granted is None else self.granted.get(session)


@dataclass
class Notice:
    pupil: str
    notice: str
    parent: str
    issued_on: date
    sessions: frozenset[Session] = field(default_factory=frozenset)
    paid_pence: int = 0
    withdrawn: bool = False


def fold_leave(leave: Leave | None, pupil: str, request: str, event: LeaveEvent) -> Leave:
    match event:
        case LeaveRequested():
            first, last = Session.parse(event.first), Session.parse(event.last)
            return Leave(pupil, request, event.parent, event.received_on, first, last)
        case LeaveDecided():
            assert leave is not None, "a decision without a request"
            leave.granted = {Session.parse(session): code for session, code in event.granted}
        case LeaveWithdrawn():
            assert leave is not None, "a withdrawal without a request"
            leave.withdrawn = True
        case _:
            assert_never(event)
    return leave


def fold_notice(notice: Notice | None, pupil: str, name: str, event: NoticeEvent) -> Notice:
    match event:
        case NoticeIssued():
            sessions = frozenset(Session.parse(session) for session in event.sessions)
            return Notice(pupil, name, event.parent, event.issued_on, sessions)
        case NoticePaid():
            assert notice is not None, "a payment without a notice"
            notice.paid_pence += event.amount
        case NoticeWithdrawn():
            assert notice is not None, "a withdrawal without a notice"
            notice.withdrawn = True
        case _:
            assert_never(event)
    return notice


def recent(issued: Iterable[date], on: date, since: date, years: int) -> int:
    """Return how many notices issued since a day still run on a day: those whose years, from their issue, have not
    passed."""
    return sum(since <= day <= on < years_after(day, years) for day in issued)


def years_after(day: date, years: int) -> date:
    """Return the same day that many years later; 29 February becomes 1 March where that year has none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
