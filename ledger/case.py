"""What people decided about a pupil: leave requests, penalty notices and the cases around them, folded from their
streams."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import assert_never

from ledger.events import (
    ImprovementEnded,
    ImprovementRequired,
    LeaveDecided,
    LeaveEvent,
    LeaveRequested,
    LeaveWithdrawn,
    NoticeEvent,
    NoticeIssued,
    NoticePaid,
    NoticeServed,
    NoticeWithdrawn,
    PenaltyConsidered,
    PenaltyReferred,
    ProsecutionBegun,
    ProsecutionEnded,
)
from ledger.policy import Policy
from ledger.sessions import Session


@dataclass(frozen=True)
class Leave:
    """One request. `granted` is None until decided, then the code by session; refused sessions are not in it."""

    pupil: str
    request: str
    parent: str
    received_on: date
    first: Session
    last: Session
    granted: dict[Session, str] | None = None
    on_form: bool = False
    decided_by: str = ""
    withdrawn: bool = False

    def expects(self, session: Session) -> str | None:
        return None if self.withdrawn or self.granted is None else self.granted.get(session)

    def refuses(self, session: Session) -> bool:
        """Return whether leave for a session was asked for and refused."""
        decided = self.granted is not None and not self.withdrawn
        return decided and self.first <= session <= self.last and self.expects(session) is None


@dataclass(frozen=True)
class Notice:
    """One that was issued. `cleared_on` is the day on which its prosecution ended in acquittal or was withdrawn."""

    pupil: str
    notice: str
    parent: str
    issued_on: date
    sessions: frozenset[Session] = field(default_factory=frozenset)
    withdrawn: bool = False
    cleared_on: date | None = None

    def counts(self, on: date, policy: Policy) -> bool:
        """Return whether it counts to the limit on a day: paid or not, but neither withdrawn nor, unless the policy
        says so, come to nothing in court by then."""
        cleared = self.cleared_on is not None and self.cleared_on <= on
        return not self.withdrawn and (policy.notices_acquitted_counts or not cleared)

    def runs(self, on: date, policy: Policy) -> bool:
        """Return whether it is one of so many in three years on a day: issued by then, counting, its years not over."""
        years_over = years_after(self.issued_on, policy.notices_years)
        return self.counts(on, policy) and policy.notices_from <= self.issued_on <= on < years_over


@dataclass(frozen=True)
class PenaltyCase:
    """Everything about one parent and pupil under one name, each thing where it happened, with its position."""

    pupil: str
    name: str
    parent: str
    considered: tuple[tuple[int, PenaltyConsidered], ...] = ()
    improvement: tuple[int, ImprovementRequired] | None = None
    improvement_ended: tuple[int, ImprovementEnded] | None = None
    referred: tuple[tuple[int, PenaltyReferred], ...] = ()
    issued: tuple[int, NoticeIssued] | None = None
    served: tuple[int, NoticeServed] | None = None
    payments: tuple[tuple[int, NoticePaid], ...] = ()
    withdrawn: tuple[int, NoticeWithdrawn] | None = None
    prosecution: tuple[int, ProsecutionBegun] | None = None
    prosecution_ended: tuple[int, ProsecutionEnded] | None = None


def fold_leave(leave: Leave | None, pupil: str, request: str, event: LeaveEvent) -> Leave:
    match event:
        case LeaveRequested():
            first, last = Session.parse(event.first), Session.parse(event.last)
            return Leave(pupil, request, event.parent, event.received_on, first, last, on_form=event.on_form)
        case LeaveDecided():
            assert leave is not None, "a decision without a request"
            granted = {Session.parse(session): code for session, code in event.granted}
            return replace(leave, granted=granted, decided_by=event.by.id)
        case LeaveWithdrawn():
            assert leave is not None, "a withdrawal without a request"
            return replace(leave, withdrawn=True)
        case _:
            assert_never(event)


def fold_notice(notice: Notice | None, pupil: str, name: str, event: NoticeEvent) -> Notice | None:
    """Return the notice after an event; None while only its case has begun. What was paid stands in the case."""
    match event:
        case NoticeIssued():
            sessions = frozenset(Session.parse(session) for session in event.sessions)
            return Notice(pupil, name, event.parent, event.issued_on, sessions)
        case NoticeWithdrawn():
            assert notice is not None, "a withdrawal without a notice"
            return replace(notice, withdrawn=True)
        case ProsecutionEnded() if notice is not None and event.outcome in ("acquitted", "withdrawn"):
            return replace(notice, cleared_on=event.ended_on)
    return notice


def fold_case(case: PenaltyCase | None, pupil: str, name: str, position: int, event: NoticeEvent) -> PenaltyCase:
    """Return the case after an event, which may be its first."""
    if case is None:
        case = PenaltyCase(pupil, name, getattr(event, "parent", ""))
    match event:
        case PenaltyConsidered():
            return replace(case, considered=(*case.considered, (position, event)))
        case ImprovementRequired():
            return replace(case, improvement=(position, event))
        case ImprovementEnded():
            return replace(case, improvement_ended=(position, event))
        case PenaltyReferred():
            return replace(case, referred=(*case.referred, (position, event)))
        case NoticeIssued():
            return replace(case, issued=(position, event))
        case NoticeServed():
            return replace(case, served=(position, event))
        case NoticePaid():
            return replace(case, payments=(*case.payments, (position, event)))
        case NoticeWithdrawn():
            return replace(case, withdrawn=(position, event))
        case ProsecutionBegun():
            return replace(case, prosecution=(position, event))
        case ProsecutionEnded():
            return replace(case, prosecution_ended=(position, event))
        case _:
            assert_never(event)


def kept(recorded_on: date, day: date, years: int) -> bool:
    """Return whether what was recorded on one day must still be kept on another. It is kept through the same day that
    many years later, so until every moment of the first is so many years old."""
    return day <= years_after(recorded_on, years)


def years_after(day: date, years: int) -> date:
    """Return the same day that many years later; 29 February becomes 1 March where that year has none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
