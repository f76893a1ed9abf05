"""The case about one parent and one pupil: considered, told to improve, referred, issued, served, paid, withdrawn,
prosecuted. Whether the threshold was met is a finding for people, not a refusal; what comes before what is a rule."""

from __future__ import annotations

from datetime import date, datetime

from commands.deciding.declaration import decides
from commands.deciding.state import Decided, Fact, State, signed
from commands.models.case import (
    BeginProsecution,
    ConsiderPenalty,
    EndImprovement,
    EndProsecution,
    IssuePenaltyNotice,
    RecordPayment,
    ReferPenalty,
    RequireImprovement,
    ServeNotice,
    WithdrawPenaltyNotice,
)
from ledger.case import Notice, PenaltyCase, years_after
from ledger.errors import Refused
from ledger.events import (
    ImprovementEnded,
    ImprovementRequired,
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
from ledger.notices import holidays_known, last_holidays, presumed_receipt, standing, terms
from ledger.policy import Policy
from ledger.sessions import Session
from ledger.streams import notice_stream


@decides(ConsiderPenalty, end=True)
def consider_penalty(command: ConsiderPenalty, state: State, now: datetime) -> Decided:
    """Return that a person considered a parent's case, what they saw and how they decided to go on.

    Refuses: pupil_not_on_roll (on that day), unknown_person (not this pupil's parent), malformed (a day or a position
    that lies ahead), case_of_another_parent, reason_required, third_in_three_years (where a notice is decided on).
    """
    by = signed(command.by)
    state.check_on_roll(command.pupil, [command.considered_on])
    state.check_parent(command.pupil, command.parent)
    state.check_been(command.considered_on, now, "considered_on")
    seen = state.seen(command.seen)
    _check_same_parent(command, state)
    if not command.reasons:
        raise Refused("reason_required", field="reasons")
    if command.decision == "notice":
        _check_limit(command.pupil, command.parent, command.considered_on, state)
    considered = PenaltyConsidered(
        by=by,
        parent=command.parent,
        considered_on=command.considered_on,
        route=command.route,
        decision=command.decision,
        seen=seen,
        reasons=command.reasons,
        instead=command.instead,
    )
    return _recorded(command.pupil, command.notice, considered)


@decides(RequireImprovement, end=True)
def require_improvement(command: RequireImprovement, state: State, now: datetime) -> Decided:
    """Return a notice to improve with its period and test. Refuses: not_considered (no case of that name, or not by
    that day), notice_exists (issued already), malformed (a day or a position that lies ahead),
    improvement_required_already."""
    by = signed(command.by)
    case = _considered(command.pupil, command.notice, command.issued_on, state)
    state.check_been(command.issued_on, now, "issued_on")
    seen = state.seen(command.seen)
    if case.improvement is not None:
        raise Refused("improvement_required_already", field="notice", value=command.notice)
    required = ImprovementRequired(
        by=by,
        parent=case.parent,
        issued_on=command.issued_on,
        ends_on=command.ends_on,
        at_most=command.at_most,
        seen=seen,
        offered=command.offered,
        improvement=command.improvement,
        early_end=command.early_end,
    )
    return _recorded(command.pupil, command.notice, required)


@decides(EndImprovement)
def end_improvement(command: EndImprovement, state: State, now: datetime) -> Decided:
    """Return how a notice to improve ended, which may be early. Refuses: no_improvement_required, improvement_over,
    malformed (a day that lies ahead, or before the notice)."""
    by = signed(command.by)
    case = state.school.cases.get(command.pupil, {}).get(command.notice)
    if case is None or case.improvement is None:
        raise Refused("no_improvement_required", field="notice", value=command.notice)
    if case.improvement_ended is not None:
        raise Refused("improvement_over", field="notice", value=command.notice)
    state.check_been(command.ended_on, now, "ended_on")
    if command.ended_on < case.improvement[1].issued_on:
        raise Refused("malformed", field="ended_on", value=command.ended_on, expected="a day not before the notice")
    ended = ImprovementEnded(by=by, ended_on=command.ended_on, improved=command.improved, outcome=command.outcome)
    return _recorded(command.pupil, command.notice, ended)


@decides(ReferPenalty, pins=True)
def refer_penalty(command: ReferPenalty, state: State, now: datetime) -> Decided:
    """Return a referral to the authority, with the sessions that it names and what was seen.

    Refuses: not_considered (no case of that name, or not by that day), notice_exists (issued already),
    pupil_not_on_roll (on the days of its sessions, but for those that a former school's record holds), not_a_session,
    malformed (a day or a position that lies ahead).
    """
    by = signed(command.by)
    case = _considered(command.pupil, command.notice, command.referred_on, state)
    own = _own_sessions(command, state)
    state.check_on_roll(command.pupil, (session.day for session in own))
    state.check_sessions(own, "sessions")
    state.check_been(command.referred_on, now, "referred_on")
    policy = state.policy(command.referred_on)
    referred = PenaltyReferred(
        by=by,
        parent=case.parent,
        referred_on=command.referred_on,
        sessions=tuple(sorted(map(str, set(command.sessions)))),
        policy=policy.name,
        rules=policy.rules,
        seen=state.seen(command.seen) or state.end,
        digest=state.digest,
        reasons=command.reasons,
    )
    return _recorded(command.pupil, command.notice, referred)


@decides(IssuePenaltyNotice, pins=True)
def issue_notice(command: IssuePenaltyNotice, state: State, now: datetime) -> Decided:
    """Return a notice to one parent about one pupil, with what the ledger held when it was decided on.

    Refuses: pupil_not_on_roll (on the days of its sessions, but for those that a former school's record holds),
    unknown_person (not this pupil's parent), not_a_session, notice_exists, case_of_another_parent,
    third_in_three_years.
    """
    by = signed(command.by)
    own = _own_sessions(command, state)
    state.check_on_roll(command.pupil, (session.day for session in own))
    state.check_parent(command.pupil, command.parent)
    state.check_sessions(own, "sessions")
    notices = state.school.notices.get(command.pupil, {})
    if command.notice in notices:
        raise Refused("notice_exists", field="notice", value=command.notice)
    _check_same_parent(command, state)
    _check_limit(command.pupil, command.parent, command.issued_on, state)
    policy = state.policy(command.issued_on)
    issued = NoticeIssued(
        by=by,
        parent=command.parent,
        issued_on=command.issued_on,
        sessions=tuple(sorted(map(str, set(command.sessions)))),
        seen=state.end,
        policy=policy.name,
        rules=policy.rules,
        digest=state.digest,
    )
    return _recorded(command.pupil, command.notice, issued)


def _own_sessions(command: ReferPenalty | IssuePenaltyNotice, state: State) -> list[Session]:
    """Return the sessions that this school's own register has to hold: those of a former school count as its record
    has them."""
    records = state.school.records(command.pupil)
    return [s for s in command.sessions if not any(str(s) in record.event.marks for record in records)]


def _check_limit(pupil: str, parent: str, day: date, state: State) -> None:
    notices = state.school.notices_about(pupil)
    policy = state.policy(day)
    counted = [notice.issued_on for notice in notices if notice.parent == parent and notice.counts(day, policy)]
    if exceeds_limit([*counted, day], policy):
        raise Refused("third_in_three_years", field="parent", value=parent)


def exceeds_limit(issued: list[date], policy: Policy) -> bool:
    """Return whether more notices than the limit fall within the policy's years of any first one."""
    days = sorted(day for day in issued if day >= policy.notices_from)
    return any(
        later < years_after(first, policy.notices_years)
        for first, later in zip(days, days[policy.notices_limit :], strict=False)
    )


@decides(RecordPayment)
def record_payment(command: RecordPayment, state: State, now: datetime) -> Decided:
    """Return a payment, which may be a part. Refuses: no_such_notice, notice_withdrawn, notice_already_paid (in full),
    paid_before_issue."""
    by = signed(command.by)
    notice = _standing(command.pupil, command.notice, state)
    if _stands(state.school.cases[command.pupil][command.notice], date.max, state) == "paid":
        raise Refused("notice_already_paid", field="notice", value=command.notice)
    if command.paid_on < notice.issued_on:
        raise Refused("paid_before_issue", field="paid_on", value=command.paid_on)
    paid = NoticePaid(by=by, paid_on=command.paid_on, amount=int(command.amount * 100))
    return _recorded(command.pupil, command.notice, paid)


@decides(ServeNotice)
def serve_notice(command: ServeNotice, state: State, now: datetime) -> Decided:
    """Return how a notice was sent and the day of receipt: as shown, else presumed.

    Refuses: no_such_notice, notice_withdrawn, notice_served_already (unless another receipt is shown), malformed (a day
    that lies ahead, sent before issue, received before it was sent, or a receipt to be presumed in a year whose bank
    holidays are not known here).
    """
    by = signed(command.by)
    notice = _standing(command.pupil, command.notice, state)
    case = state.school.cases[command.pupil][command.notice]
    served_before = case.served
    if served_before is not None and command.received_on in (None, served_before[1].received_on):
        raise Refused("notice_served_already", field="notice", value=command.notice)
    state.check_been(command.sent_on, now, "sent_on")
    if command.received_on is not None:
        state.check_been(command.received_on, now, "received_on")
    if command.sent_on < notice.issued_on:
        raise Refused("malformed", field="sent_on", value=command.sent_on, expected="a day not before the issue")
    received = command.received_on or presumed_receipt(command.method, command.sent_on, _policy(case, state))
    if command.received_on is None and command.method == "post" and not holidays_known(received):
        expected = f"the day of receipt, as the bank holidays known here end in {last_holidays()}"
        raise Refused("malformed", field="received_on", expected=expected)
    if received < command.sent_on:
        raise Refused("malformed", field="received_on", value=received, expected="a day not before it was sent")
    served = NoticeServed(by=by, method=command.method, sent_on=command.sent_on, received_on=received)
    return _recorded(command.pupil, command.notice, served)


@decides(WithdrawPenaltyNotice)
def withdraw_notice(command: WithdrawPenaltyNotice, state: State, now: datetime) -> Decided:
    """Return a withdrawal: the notice counts for nothing any more, as of any day. Refuses: no_such_notice,
    notice_withdrawn."""
    by = signed(command.by)
    _standing(command.pupil, command.notice, state)
    withdrawn = NoticeWithdrawn(by=by, reason=command.reason)
    return _recorded(command.pupil, command.notice, withdrawn)


@decides(BeginProsecution)
def begin_prosecution(command: BeginProsecution, state: State, now: datetime) -> Decided:
    """Return that a prosecution was begun for the original offence: of a notice whose days are over unpaid, or where
    other action than a notice was decided on.

    Refuses: not_considered (no case of that name), malformed (a day that lies ahead), prosecution_begun_already,
    notice_withdrawn, notice_already_paid, payment_still_open, prosecution_not_decided (by that day).
    """
    by = signed(command.by)
    case = _case(command.pupil, command.notice, state)
    state.check_been(command.begun_on, now, "begun_on")
    if case.prosecution is not None:
        raise Refused("prosecution_begun_already", field="notice", value=command.notice)
    stands = _stands(case, command.begun_on, state) if case.issued else ""
    if stands == "withdrawn":
        raise Refused("notice_withdrawn", field="notice", value=command.notice)
    if stands == "paid":
        raise Refused("notice_already_paid", field="notice", value=command.notice)
    if stands == "open":
        raise Refused("payment_still_open", field="notice", value=command.notice)
    decisions = [said.decision for _, said in case.considered if said.considered_on <= command.begun_on]
    if not case.issued and decisions[-1:] != ["other"]:
        raise Refused("prosecution_not_decided", field="notice", value=command.notice)
    begun = ProsecutionBegun(by=by, parent=case.parent, begun_on=command.begun_on, offence=command.offence)
    return _recorded(command.pupil, command.notice, begun)


@decides(EndProsecution)
def end_prosecution(command: EndProsecution, state: State, now: datetime) -> Decided:
    """Return what came of a prosecution. Refuses: no_prosecution, prosecution_over, malformed (a day that lies ahead,
    or before it was begun)."""
    by = signed(command.by)
    case = state.school.cases.get(command.pupil, {}).get(command.notice)
    if case is None or case.prosecution is None:
        raise Refused("no_prosecution", field="notice", value=command.notice)
    if case.prosecution_ended is not None:
        raise Refused("prosecution_over", field="notice", value=command.notice)
    state.check_been(command.ended_on, now, "ended_on")
    if command.ended_on < case.prosecution[1].begun_on:
        raise Refused("malformed", field="ended_on", value=command.ended_on, expected="a day not before it was begun")
    ended = ProsecutionEnded(
        by=by, ended_on=command.ended_on, outcome=command.outcome, fine=int(command.fine * 100), said=command.said
    )
    return _recorded(command.pupil, command.notice, ended)


def _recorded(pupil: str, name: str, event: NoticeEvent) -> Decided:
    return Decided([Fact(notice_stream(pupil, name), event)])


def _case(pupil: str, name: str, state: State) -> PenaltyCase:
    case = state.school.cases.get(pupil, {}).get(name)
    if case is None:
        raise Refused("not_considered", field="notice", value=name)
    return case


def _considered(pupil: str, name: str, day: date, state: State) -> PenaltyCase:
    """Return a case that was considered by a day and in which no notice was issued yet. Refuses any other."""
    case = _case(pupil, name, state)
    if case.considered and day < case.considered[0][1].considered_on:
        raise Refused("not_considered", field="notice", value=name, expected="a case considered by that day")
    if case.issued is not None:
        raise Refused("notice_exists", field="notice", value=name)
    return case


def _stands(case: PenaltyCase, on: date, state: State) -> str:
    """Return where an issued notice stands on a day."""
    assert case.issued is not None, "the standing of a notice that was not issued"
    asked = terms(case, state.school.notices_about(case.pupil), _policy(case, state))
    return standing(case, asked, on)


def _policy(case: PenaltyCase, state: State) -> Policy:
    """Return the policy of an issued notice: the one that it pinned, else that of its day."""
    assert case.issued is not None, "the policy of a notice that was not issued"
    issued = case.issued[1]
    return state.school.policy_decided_by(issued.policy, issued.rules, issued.issued_on)


def _check_same_parent(command: ConsiderPenalty | IssuePenaltyNotice, state: State) -> None:
    case = state.school.cases.get(command.pupil, {}).get(command.notice)
    if case is not None and case.parent != command.parent:
        raise Refused("case_of_another_parent", field="notice", value=command.notice)


def _standing(pupil: str, name: str, state: State) -> Notice:
    notice = state.school.notices.get(pupil, {}).get(name)
    if notice is None:
        raise Refused("no_such_notice", field="notice", value=name)
    if notice.withdrawn:
        raise Refused("notice_withdrawn", field="notice", value=name)
    return notice
