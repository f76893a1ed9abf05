"""The penalty ladder as people and programs read it: each parent's cases with what was said about them, opened with
its keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec

from ledger.case import PenaltyCase
from ledger.events import PenaltyConsidered
from projections.asking.questions import Answer, Answers, Moment
from projections.figures.penalty import ParentLine
from projections.lines import command_line
from projections.penalties.ladder import Line, ladder_lines
from projections.penalties.rungs import Counted, Improvement, Rung, next_step


class SessionMark(msgspec.Struct, frozen=True, kw_only=True):
    """A session with the code that stands for it and the position that gave it; blank and 0 where none counts."""

    session: str
    code: str
    position: int


class Consideration(msgspec.Struct, frozen=True, kw_only=True):
    """`seen` is the position that the person had seen; `count` and `met` what their window said there."""

    on: str
    route: str
    decision: str
    reasons: str
    instead: str
    by: str
    position: int
    seen: int
    count: int
    met: bool


class ImprovementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is what the register says of the test; `improved` what a person recorded at its end, None before."""

    issued_on: str
    ends_on: str
    at_most: int
    count: int
    unresolved: int
    state: str
    sessions: list[SessionMark]
    offered: str
    improvement: str
    early_end: str
    ended_on: str | None
    improved: bool | None
    outcome: str
    position: int


class ReferralMade(msgspec.Struct, frozen=True, kw_only=True):
    """`seen` is the position that was seen, `digest` of the pupil's rows up to there, `rules` that of the policy; both
    are blank where none was pinned."""

    on: str
    sessions: list[str]
    policy: str
    rules: str
    reasons: str
    position: int
    seen: int
    digest: str


class NoticeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An issued notice: `standing` is open, paid, unpaid or withdrawn; amounts are whole pence. What is owed is what
    is left to pay of an open one, 0 of any other. `seen`, `policy`, `rules` and `digest` are as of a referral; the last
    three are blank where they were not pinned."""

    issued_on: str
    sessions: list[str]
    position: int
    seen: int
    policy: str
    rules: str
    digest: str
    method: str
    sent_on: str | None
    received_on: str
    second: bool
    owed_pence: int
    owed_until: str | None
    reduced_pence: int
    reduced_until: str
    full_pence: int
    full_until: str
    paid: list[tuple[str, int]]
    standing: str
    withdrawn_for: str | None


class ProsecutionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    begun_on: str
    offence: str
    ended_on: str | None
    outcome: str
    fine_pence: int
    said: str


class CaseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One case from its first consideration on; `undermined` are named sessions that hold no code that counts now."""

    case: str
    considered: list[Consideration]
    improvement: ImprovementAnswer | None
    referred: list[ReferralMade]
    notice: NoticeAnswer | None
    prosecution: ProsecutionAnswer | None
    undermined: list[SessionMark]
    next: str
    command: str


class ParentLadder(msgspec.Struct, frozen=True, kw_only=True):
    """One parent's ladder. `runs_out_on` is the day on which the first notice in the years stops counting."""

    parent: str
    count: int
    met: bool
    met_on: str | None
    notices_in_three_years: int
    runs_out_on: str | None
    third_barred: bool
    cases: list[CaseAnswer]
    next: str
    command: str


class LadderAnswer(Answer, frozen=True, kw_only=True):
    """A pupil's ladders, one a parent."""

    threshold: int
    parents: list[ParentLadder]


def ladder_answers(
    answers: Answers, moment: Moment, pupils: Iterable[str], *, empty: bool = False
) -> list[LadderAnswer]:
    """Return the ladders of these pupils, in order of number as text; with `empty` also those on which nothing
    stands."""
    found: dict[str, list[Line]] = {}
    for line in ladder_lines(answers, moment, pupils):
        if empty or line.rungs or line.window.met:
            found.setdefault(line.pupil, []).append(line)
    words = _opened(answers, [rung.case for lines in found.values() for line in lines for rung in line.rungs])
    return [
        LadderAnswer(
            **answers.header(moment, pupil),
            threshold=moment.policy.penalty_threshold,
            parents=[_parent_ladder(line, words, moment.as_of) for line in lines],
        )
        for pupil, lines in found.items()
    ]


def _opened(answers: Answers, cases: Iterable[PenaltyCase]) -> dict[int, Any]:
    """Return the events of cases by position, their text open where its key is there."""
    positions = {position for case in cases for position, _ in _events(case)}
    return {row.position: event for row, event in answers.opened(answers.ledger.reads.rows_at(sorted(positions)))}


def _events(case: PenaltyCase) -> list[tuple[int, Any]]:
    single = (
        case.improvement,
        case.improvement_ended,
        case.issued,
        case.served,
        case.withdrawn,
        case.prosecution,
        case.prosecution_ended,
    )
    return [*case.considered, *case.referred, *case.payments, *(each for each in single if each is not None)]


def _parent_ladder(line: Line, words: Mapping[int, Any], as_of: date) -> ParentLadder:
    return ParentLadder(
        parent=line.window.parent,
        count=line.window.count,
        met=line.window.met,
        met_on=line.window.met_on,
        notices_in_three_years=len(line.rolling.issued),
        runs_out_on=_text(line.rolling.runs_out_on),
        third_barred=line.rolling.barred,
        cases=[_case(rung, line.saw, words, as_of) for rung in line.rungs],
        next=line.step.sentence,
        command=command_line(line.step.action),
    )


def _case(rung: Rung, saw: Mapping[int, ParentLine], words: Mapping[int, Any], as_of: date) -> CaseAnswer:
    case, step = rung.case, next_step(rung, as_of)
    return CaseAnswer(
        case=case.name,
        considered=[_consideration(position, words[position], saw[position]) for position, _ in case.considered],
        improvement=_improvement(rung.improvement, case, words) if rung.improvement else None,
        referred=[
            ReferralMade(
                on=event.referred_on.isoformat(),
                sessions=list(event.sessions),
                policy=event.policy,
                rules=event.rules,
                reasons=words[position].reasons,
                position=position,
                seen=event.seen or position - 1,
                digest=event.digest,
            )
            for position, event in case.referred
        ],
        notice=_notice(rung, words),
        prosecution=_prosecution(case, words),
        undermined=_session_marks(rung.undermined),
        next=step.sentence,
        command=command_line(step.action),
    )


def _consideration(position: int, event: PenaltyConsidered, saw: ParentLine) -> Consideration:
    return Consideration(
        on=event.considered_on.isoformat(),
        route=event.route,
        decision=event.decision,
        reasons=event.reasons,
        instead=event.instead,
        by=f"{event.by.name} ({event.by.title})",
        position=position,
        seen=event.seen or position - 1,
        count=saw.count,
        met=saw.met,
    )


def _improvement(test: Improvement, case: PenaltyCase, words: Mapping[int, Any]) -> ImprovementAnswer:
    assert case.improvement is not None
    position, required = case.improvement[0], words[case.improvement[0]]
    ended = words[case.improvement_ended[0]] if case.improvement_ended else None
    return ImprovementAnswer(
        issued_on=required.issued_on.isoformat(),
        ends_on=required.ends_on.isoformat(),
        at_most=test.at_most,
        count=len(test.counted),
        unresolved=test.unresolved,
        state=test.state,
        sessions=_session_marks(test.counted),
        offered=required.offered,
        improvement=required.improvement,
        early_end=required.early_end,
        ended_on=_text(ended.ended_on) if ended else None,
        improved=ended.improved if ended else None,
        outcome=ended.outcome if ended else "",
        position=position,
    )


def _notice(rung: Rung, words: Mapping[int, Any]) -> NoticeAnswer | None:
    case, asked = rung.case, rung.terms
    if case.issued is None or asked is None:
        return None
    position, issued = case.issued
    return NoticeAnswer(
        issued_on=issued.issued_on.isoformat(),
        sessions=list(issued.sessions),
        position=position,
        seen=issued.seen or position - 1,
        policy=issued.policy,
        rules=issued.rules,
        digest=issued.digest,
        method=case.served[1].method if case.served else "",
        sent_on=_text(case.served[1].sent_on) if case.served else None,
        received_on=asked.received_on.isoformat(),
        second=asked.second,
        owed_pence=rung.owed.pence if rung.owed else 0,
        owed_until=_text(rung.owed.until) if rung.owed else None,
        reduced_pence=asked.reduced_pence,
        reduced_until=asked.reduced_until.isoformat(),
        full_pence=asked.full_pence,
        full_until=asked.full_until.isoformat(),
        paid=[(payment.paid_on.isoformat(), payment.amount) for _, payment in case.payments],
        standing=rung.standing,
        withdrawn_for=words[case.withdrawn[0]].reason if case.withdrawn else None,
    )


def _prosecution(case: PenaltyCase, words: Mapping[int, Any]) -> ProsecutionAnswer | None:
    if case.prosecution is None:
        return None
    begun = case.prosecution[1]
    ended = words[case.prosecution_ended[0]] if case.prosecution_ended else None
    return ProsecutionAnswer(
        begun_on=begun.begun_on.isoformat(),
        offence=begun.offence,
        ended_on=_text(ended.ended_on) if ended else None,
        outcome=ended.outcome if ended else "",
        fine_pence=ended.fine if ended else 0,
        said=ended.said if ended else "",
    )


def _session_marks(counted: Iterable[Counted]) -> list[SessionMark]:
    return [SessionMark(session=str(each.session), code=each.code, position=each.position) for each in counted]


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
