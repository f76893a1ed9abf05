"""Penalty notices: issued, paid, withdrawn. Whether the threshold was met is a finding for people, not a refusal."""

from __future__ import annotations

from datetime import date, datetime

from commands.models import IssuePenaltyNotice, RecordPayment, WithdrawPenaltyNotice
from commands.state import Decided, Fact, State, signed
from ledger.case import Notice, years_after
from ledger.errors import Refused
from ledger.events import NoticeIssued, NoticePaid, NoticeWithdrawn
from ledger.policy import Policy
from ledger.streams import notice_stream


def issue_notice(command: IssuePenaltyNotice, state: State, now: datetime) -> Decided:
    """Return a notice to one parent about one pupil.

    Refuses: pupil_not_on_roll (on the days of its sessions), unknown_person (not this pupil's parent), not_a_session,
    notice_exists, third_in_three_years.
    """
    by = signed(command.by)
    state.check_on_roll(command.pupil, (session.day for session in command.sessions))
    state.check_parent(command.pupil, command.parent)
    state.check_sessions(command.sessions, "sessions")
    notices = state.school.notices.get(command.pupil, {})
    if command.notice in notices:
        raise Refused("notice_exists", field="notice", value=command.notice)
    standing = [n.issued_on for n in notices.values() if n.parent == command.parent and not n.withdrawn]
    if exceeds_limit([*standing, command.issued_on], state.policy(command.issued_on)):
        raise Refused("third_in_three_years", field="parent", value=command.parent)
    issued = NoticeIssued(
        by=by,
        parent=command.parent,
        issued_on=command.issued_on,
        sessions=tuple(sorted(map(str, set(command.sessions)))),
    )
    return Decided([Fact(notice_stream(command.pupil, command.notice), issued)])


def exceeds_limit(issued: list[date], policy: Policy) -> bool:
    """Return whether more notices than the limit fall within the policy's years of any first one."""
    days = sorted(day for day in issued if day >= policy.notices_from)
    return any(
        later < years_after(first, policy.notices_years)
        for first, later in zip(days, days[policy.notices_limit :], strict=False)
    )


def record_payment(command: RecordPayment, state: State, now: datetime) -> Decided:
    """Return a payment. Refuses: no_such_notice, notice_withdrawn, notice_already_paid."""
    by = signed(command.by)
    notice = _standing(command.pupil, command.notice, state)
    if notice.paid_pence:
        raise Refused("notice_already_paid", field="notice", value=command.notice)
    paid = NoticePaid(by=by, paid_on=command.paid_on, amount=int(command.amount * 100))
    return Decided([Fact(notice_stream(command.pupil, command.notice), paid)])


def withdraw_notice(command: WithdrawPenaltyNotice, state: State, now: datetime) -> Decided:
    """Return a withdrawal: the notice counts for nothing any more, as of any day. Refuses: no_such_notice,
    notice_withdrawn."""
    by = signed(command.by)
    _standing(command.pupil, command.notice, state)
    withdrawn = NoticeWithdrawn(by=by, reason=command.reason)
    return Decided([Fact(notice_stream(command.pupil, command.notice), withdrawn)])


def _standing(pupil: str, name: str, state: State) -> Notice:
    notice = state.school.notices.get(pupil, {}).get(name)
    if notice is None:
        raise Refused("no_such_notice", field="notice", value=name)
    if notice.withdrawn:
        raise Refused("notice_withdrawn", field="notice", value=name)
    return notice
