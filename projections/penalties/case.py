"""A case on the penalty ladder: where it stands on a day, and what a person has to decide next.

A case is kept as events, each with a day of its own. To say how it stood on a day, what came later is left out; only a
withdrawal undoes a notice for every day, because a notice withdrawn never was. What then has to be decided is read off
from the top of the ladder down: a court before a notice, a notice before a referral, a referral before a notice to
improve. Nothing is decided here: each step is a sentence for a person, with the command that records the decision.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ledger.calendar import Calendar
from ledger.case import Notice, PenaltyCase, fold_case, years_after
from ledger.codes import UNRESOLVED
from ledger.events import (
    ImprovementEnded,
    ImprovementRequired,
    NoticeEvent,
)
from ledger.finding import OPEN, Action, Open, action
from ledger.notices import Terms, guessed, owed, running, standing
from ledger.pins import seen_by
from ledger.policy import Policy
from ledger.sessions import Session
from projections.duty import Duty, Urgency
from projections.records.marks import SessionMark

SETTLED = "none"  # the rule of a step after which nothing is left to decide
SOON = timedelta(days=4)  # how far ahead the morning's page looks, over a week-end; a rule of the screen, not of law


Marks = Mapping[Session, SessionMark]  # of one pupil, those that could count


class Improvement(msgspec.Struct, frozen=True, kw_only=True):
    """A notice to improve and its test: at most so many sessions that count, from the first to the last day, inclusive.
    `state` is what the register says of it: "running", "passed" or "failed"; `unresolved` are sessions still N;
    `improved` is what a person recorded at its end, None before."""

    issued_on: date
    ends_on: date
    at_most: int
    count: int
    unresolved: int
    state: str
    sessions: list[SessionMark]
    offered: str
    improvement: str
    early_end: str
    ended_on: date | None
    improved: bool | None
    outcome: str
    position: int

    @property
    def last(self) -> date:
        """The last day that is judged: an early end is one."""
        return min(self.ends_on, self.ended_on or self.ends_on)


class IssuedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """An issued notice: `standing` is open, paid, unpaid or withdrawn; amounts are whole pence. What is owed is what
    is left to pay of an open one, 0 of any other. `seen`, `policy`, `rules` and `digest` are as of a referral; the last
    three are blank where they were not pinned."""

    issued_on: date
    sessions: tuple[str, ...]
    position: int
    seen: int
    policy: str
    rules: str
    digest: str
    method: str
    sent_on: date | None
    received_on: date
    second: bool
    owed_pence: int
    owed_until: date | None
    reduced_pence: int
    reduced_until: date
    full_pence: int
    full_until: date
    paid: list[tuple[date, int]]
    standing: str
    withdrawn_for: str | None


class Rolling(NamedTuple):
    """A parent's standing notices of the policy's years, oldest first, and the day on which the first runs out."""

    issued: tuple[date, ...]
    runs_out_on: date | None
    barred: bool


class Ahead(NamedTuple):
    """What a case says of days that nobody had reached when it was recorded, as a sentence. `notice`: its notice is of
    such a day; `paid`: with what is dated ahead, the notice is paid."""

    sentence: str = ""
    notice: bool = False
    paid: bool = False


class Case(NamedTuple):
    """One case as of a day; `notice` and its `terms` are None where none was issued. `named` are the sessions of the
    notice, else of the referral, and `undermined` those of them that do not count."""

    record: PenaltyCase
    improvement: Improvement | None
    terms: Terms | None
    notice: IssuedNotice | None
    named: tuple[SessionMark, ...]
    undermined: tuple[SessionMark, ...]
    rolling: Rolling
    ahead: Ahead


def events_of(case: PenaltyCase) -> list[tuple[int, NoticeEvent]]:
    """Return what a case was folded from, each event with its position, in order."""
    single = (
        case.improvement,
        case.improvement_ended,
        case.issued,
        case.served,
        case.withdrawn,
        case.prosecution,
        case.prosecution_ended,
    )
    return sorted(
        [*case.considered, *case.referred, *case.payments, *(each for each in single if each is not None)],
        key=lambda each: each[0],
    )


def worded(case: PenaltyCase, words: Mapping[int, NoticeEvent]) -> PenaltyCase:
    """Return a case of the same events with their text open, as `words` have them by position."""
    then = PenaltyCase(case.pupil, case.name, case.parent)
    for position, event in events_of(case):
        then = fold_case(then, case.pupil, case.name, position, words.get(position, event))
    return then


def case_as_of(case: PenaltyCase, day: date, known_on: date) -> PenaltyCase | None:
    """Return a case with only what had happened by a day, None where nothing had, unless what is known by another day
    is dated ahead; withdrawn is withdrawn on any day."""
    issued = case.issued if case.issued and case.issued[1].issued_on <= day else None
    then = dataclasses.replace(
        case,
        considered=tuple(each for each in case.considered if each[1].considered_on <= day),
        improvement=case.improvement if case.improvement and case.improvement[1].issued_on <= day else None,
        improvement_ended=case.improvement_ended
        if case.improvement_ended and case.improvement_ended[1].ended_on <= day
        else None,
        referred=tuple(each for each in case.referred if each[1].referred_on <= day),
        issued=issued,
        served=case.served if case.served and case.served[1].sent_on <= day else None,
        payments=tuple(each for each in case.payments if each[1].paid_on <= day),
        withdrawn=case.withdrawn if issued else None,
        prosecution=case.prosecution if case.prosecution and case.prosecution[1].begun_on <= day else None,
        prosecution_ended=case.prosecution_ended
        if case.prosecution_ended and case.prosecution_ended[1].ended_on <= day
        else None,
    )
    begun = then.considered or then.improvement or then.referred or then.issued or then.prosecution
    return then if begun or ahead(case, max(day, known_on)).notice else None


def ahead(case: PenaltyCase, day: date, terms: Terms | None = None) -> Ahead:
    """Return what a case says of days after one; a notice that was withdrawn never was. `terms` are those of its
    notice, where it is issued by that day."""
    if case.issued is None or case.withdrawn:
        return Ahead()
    notice = case.issued[1].issued_on > day
    payments = [payment for _, payment in case.payments if payment.paid_on > day]
    parts = [f"notice issued on {case.issued[1].issued_on}"] if notice else []
    parts += [f"{pounds(payment.amount)} paid on {payment.paid_on}" for payment in payments]
    paid = terms is not None and payments != [] and standing(case, terms, date.max) == "paid"
    return Ahead(f"dated ahead: {' and '.join(parts)}" if parts else "", notice, paid)


def improvement_test(
    required: ImprovementRequired,
    ended: ImprovementEnded | None,
    marks: Marks,
    as_of: date,
    policy: Policy,
    position: int = 0,
) -> Improvement:
    """Return how the test of a notice to improve, recorded at a position, stands on a day. `marks` are those that could
    count.

    It is failed with the first session above the number, and passed only once its last day is over.
    """
    last = min(required.ends_on, ended.ended_on) if ended else required.ends_on
    within = [marks[each] for each in sorted(marks) if required.issued_on <= each.day <= min(last, as_of)]
    sessions = [mark for mark in within if mark.code in policy.penalty_codes]
    over = as_of > last or (ended is not None and as_of >= last)
    return Improvement(
        issued_on=required.issued_on,
        ends_on=required.ends_on,
        at_most=required.at_most,
        count=len(sessions),
        unresolved=sum(mark.code == UNRESOLVED for mark in within),
        state="failed" if len(sessions) > required.at_most else "passed" if over else "running",
        sessions=sessions,
        offered=required.offered,
        improvement=required.improvement,
        early_end=required.early_end,
        ended_on=ended.ended_on if ended else None,
        improved=ended.improved if ended else None,
        outcome=ended.outcome if ended else "",
        position=position,
    )


def issued_notice(case: PenaltyCase, terms: Terms, as_of: date) -> IssuedNotice:
    """Return where the notice of a case, with its terms, stands on a day."""
    assert case.issued is not None, "a notice that was not issued"
    position, issued = case.issued
    left, until = owed(case, terms, as_of) or (0, None)
    return IssuedNotice(
        issued_on=issued.issued_on,
        sessions=issued.sessions,
        position=position,
        seen=seen_by(issued, position),
        policy=issued.policy,
        rules=issued.rules,
        digest=issued.digest,
        method=case.served[1].method if case.served else "",
        sent_on=case.served[1].sent_on if case.served else None,
        received_on=terms.received_on,
        second=terms.second,
        owed_pence=left,
        owed_until=until,
        reduced_pence=terms.reduced_pence,
        reduced_until=terms.reduced_until,
        full_pence=terms.full_pence,
        full_until=terms.full_until,
        paid=[(payment.paid_on, payment.amount) for _, payment in case.payments],
        standing=standing(case, terms, as_of),
        withdrawn_for=case.withdrawn[1].reason if case.withdrawn else None,
    )


def fits_policy(required: ImprovementRequired, calendar: Calendar, policy: Policy) -> bool:
    """Return whether a period is as long as the policy wants: its days, both ends counted, are so many school weeks at
    least, and it does not end later than so many after its issue. Days of a week without school count for nothing."""
    span = (required.ends_on - required.issued_on).days + 1
    days = sum(calendar.is_school_week(required.issued_on + timedelta(days=day)) for day in range(span))
    return 7 * policy.improve_weeks_least <= days and days - 1 <= 7 * policy.improve_weeks_most


def rolling(notices: Iterable[Notice], parent: str, as_of: date, policy: Policy) -> Rolling:
    """Return which of a parent's notices still run on a day: issued by then, counting still, their years not over."""
    issued = tuple(notice.issued_on for notice in running(notices, parent, as_of, policy))
    runs_out_on = years_after(issued[0], policy.notices_years) if issued else None
    return Rolling(issued, runs_out_on, len(issued) >= policy.notices_limit)


def held(named: Iterable[Session], marks: Marks) -> tuple[SessionMark, ...]:
    """Return the sessions named by a notice or a referral, each with what it holds now."""
    return tuple(marks.get(session, SessionMark(session, "", 0)) for session in sorted(named))


def next_step(case: Case, as_of: date) -> Duty:
    """Return what has to be decided next in one case, with SETTLED as its rule where nothing is left to decide. What is
    dated ahead is said, and nothing is asked for that would be recorded twice by then."""
    if case.ahead.notice:
        return _waiting("dated ahead", case.ahead.sentence)
    step = _next_step(case, as_of)
    if not case.ahead.sentence:
        return step
    sentence = f"{step.sentence}; {case.ahead.sentence}"
    left = case.notice is not None and case.notice.owed_until is not None
    return replace(step, sentence=sentence, action=None if left and case.ahead.paid else step.action)


def _waiting(rule: str, sentence: str, settles: Action | None = None, by: date | None = None) -> Duty:
    return Duty(rule, sentence, action=settles, urgency=Urgency.WAITING, by=by)


def settled(sentence: str) -> Duty:
    """Return that nothing is left to decide, and why."""
    return _waiting(SETTLED, sentence)


def _next_step(case: Case, as_of: date) -> Duty:
    record = case.record
    if record.prosecution_ended:
        return settled(f"the prosecution has ended: {record.prosecution_ended[1].outcome}")
    if record.prosecution:
        ended = {"ended_on": Open("DAY"), "outcome": Open("OUTCOME")}
        return _waiting("prosecution", "record how the prosecution ends", _about(record, "EndProsecution", **ended))
    if case.terms is not None and case.notice is not None:
        return _of_notice(record, case.terms, case.notice, as_of)
    decision = record.considered[-1][1].decision if record.considered else ""
    if decision == "nothing":
        return settled("considered, and nothing more was decided on")
    if decision == "other":
        return settled("other action was decided on instead of a notice; a prosecution may be begun")
    if case.rolling.barred:
        return Duty(
            "third barred",
            f"no further notice may be issued before {case.rolling.runs_out_on}: decide what is considered instead",
            action=consider(record.pupil, record.name, record.parent, as_of, "other"),
            urgency=Urgency.TODAY,
        )
    if record.referred:
        issued = {"sessions": Open("SESSION"), "parent": record.parent, "issued_on": Open("DAY")}
        sentence = "the authority decides: record the notice once it is issued"
        return _waiting("referred", sentence, _about(record, "IssuePenaltyNotice", **issued))
    if record.improvement and case.improvement and decision != "notice":
        return _of_improvement(record, case.improvement, as_of)
    if decision == "improve":
        required = {"issued_on": as_of, "ends_on": Open("DAY"), "at_most": Open("NUMBER")}
        return Duty(
            "improve",
            "send the notice to improve that was decided on",
            action=_about(record, "RequireImprovement", **required),
            urgency=Urgency.SOON,
        )
    return _refer(record)


def _of_notice(case: PenaltyCase, terms: Terms, notice: IssuedNotice, as_of: date) -> Duty:
    doubt = f"; {reason}" if (reason := guessed(case, terms)) else ""
    if notice.standing == "withdrawn":
        return settled("the notice was withdrawn and counts for nothing")
    if notice.standing == "paid":
        return settled("paid: liability for its sessions has ended")
    if notice.standing == "unpaid":
        prosecute = _about(case, "BeginProsecution", begun_on=as_of, offence="444(1)")
        return Duty(
            "notice unpaid",
            f"unpaid after {terms.full_until}: withdraw the notice or prosecute for the original offence{doubt}",
            action=prosecute._replace(instead=withdrawal(case)),
            by=terms.full_until,
            urgency=Urgency.TODAY,
        )
    if case.served is None:
        return Duty(
            "notice served",
            f"record how the notice was sent; until then it is taken to be received on {terms.received_on}{doubt}",
            action=_about(case, "ServeNotice", method="post", sent_on=notice.issued_on),
            urgency=Urgency.SOON,
        )
    left, until = notice.owed_pence, notice.owed_until
    assert until is not None, "an open notice of which nothing is owed"
    payment = {"amount": pounds(left).removeprefix("£"), "paid_on": Open("DAY")}
    return Duty(
        "notice open",
        f"{pounds(left)} discharges it until {until}",
        action=_about(case, "RecordPayment", **payment),
        by=until,
        urgency=Urgency.SOON if until - as_of <= SOON else Urgency.WAITING,
    )


def _of_improvement(record: PenaltyCase, test: Improvement, as_of: date) -> Duty:
    count = f"{test.count} of at most {test.at_most}"
    if record.improvement_ended is not None:
        return _refer(record) if not record.improvement_ended[1].improved else settled("attendance improved")
    if as_of > test.last:
        return Duty(
            "improvement over",
            f"the period ended on {test.last} with {count} sessions: record whether attendance improved",
            action=_about(record, "EndImprovement", ended_on=test.last, improved=test.state == "passed"),
            by=test.last,
            urgency=Urgency.TODAY,
        )
    if test.state == "failed":
        return Duty(
            "improvement failed",
            f"{count} sessions: decide whether the notice to improve ends early",
            action=_about(record, "EndImprovement", ended_on=as_of, improved=False),
            by=test.last,
            urgency=Urgency.SOON,
        )
    sentence = f"the notice to improve runs until {test.last}, with {count} sessions"
    return _waiting("improvement", sentence, by=test.last)


def _refer(case: PenaltyCase) -> Duty:
    return Duty(
        "refer",
        "check the referral, then refer the case to the authority",
        action=action("referral", pupil=case.pupil, parent=case.parent),
        urgency=Urgency.SOON,
    )


def _about(case: PenaltyCase, command: str, **fields: object) -> Action:
    return action(command, pupil=case.pupil, notice=case.name, **fields)


def withdrawal(case: PenaltyCase) -> Action:
    """Return what withdraws a notice: for a reason that is a person's to say."""
    return _about(case, "WithdrawPenaltyNotice", reason=OPEN)


def consider(pupil: str, name: str, parent: str, day: date, decision: str = Open("DECISION")) -> Action:
    """Return what records a consideration: route and reasons are a person's to say."""
    return action(
        "ConsiderPenalty",
        pupil=pupil,
        notice=name,
        parent=parent,
        considered_on=day,
        route=Open("ROUTE"),
        decision=decision,
        instead=Open("WHAT") if decision == "other" else None,
        reasons=OPEN,
    )


def pounds(pence: int) -> str:
    """Return an amount as people write it: £80, or £80.50."""
    return f"£{pence // 100}" if pence % 100 == 0 else f"£{pence // 100}.{pence % 100:02}"
