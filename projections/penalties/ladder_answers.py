"""The penalty ladder as people and programs read it: each parent's cases with what was said about them, opened with
its keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from ledger.case import PenaltyCase
from ledger.events import PenaltyConsidered
from ledger.people import signature
from ledger.pins import seen_by
from ledger.sessions import Session
from projections.asking.questions import Answer, Answers, Moment
from projections.figures.penalty import ParentLine
from projections.lines import command_line
from projections.penalties.case import Case, Improvement, IssuedNotice, SessionMark, next_step
from projections.penalties.ladder import Line, ladder_lines


class Consideration(msgspec.Struct, frozen=True, kw_only=True):
    """`seen` is the position that the person had seen; `count` and `met` what their window said there."""

    on: date
    route: str
    decision: str
    reasons: str
    instead: str
    by: str
    position: int
    seen: int
    count: int
    met: bool


class ReferralMade(msgspec.Struct, frozen=True, kw_only=True):
    """`seen` is the position that was seen, `digest` of the pupil's rows up to there, `rules` that of the policy; both
    are blank where none was pinned."""

    on: date
    sessions: tuple[str, ...]
    policy: str
    rules: str
    reasons: str
    position: int
    seen: int
    digest: str


class Prosecution(msgspec.Struct, frozen=True, kw_only=True):
    """A prosecution for the original offence, and what came of it; amounts are whole pence."""

    begun_on: date
    offence: str
    ended_on: date | None
    outcome: str
    fine_pence: int
    said: str


class CaseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One case from its first consideration on; `undermined` are named sessions that hold no code that counts now."""

    case: str
    considered: list[Consideration]
    improvement: Improvement | None
    referred: list[ReferralMade]
    notice: IssuedNotice | None
    prosecution: Prosecution | None
    undermined: tuple[SessionMark, ...]
    next: str
    command: str


class ParentLadder(msgspec.Struct, frozen=True, kw_only=True):
    """One parent's ladder. `runs_out_on` is the day on which the first notice in the years stops counting."""

    parent: str
    count: int
    met: bool
    met_on: Session | None
    notices_in_three_years: int
    runs_out_on: date | None
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
    by_pupil: dict[str, list[Line]] = {}
    for line in ladder_lines(answers, moment, pupils):
        if empty or line.cases or line.window.met:
            by_pupil.setdefault(line.pupil, []).append(line)
    return [
        LadderAnswer(
            **moment.header(pupil),
            threshold=moment.policy.penalty_threshold,
            parents=[_parent_ladder(line, moment.as_of) for line in lines],
        )
        for pupil, lines in by_pupil.items()
    ]


def _parent_ladder(line: Line, as_of: date) -> ParentLadder:
    return ParentLadder(
        parent=line.window.parent,
        count=line.window.count,
        met=line.window.met,
        met_on=line.window.met_on,
        notices_in_three_years=len(line.rolling.issued),
        runs_out_on=line.rolling.runs_out_on,
        third_barred=line.rolling.barred,
        cases=[_case(case, line.saw, as_of) for case in line.cases],
        next=line.step.sentence,
        command=command_line(line.step.action),
    )


def _case(case: Case, saw: Mapping[int, ParentLine], as_of: date) -> CaseAnswer:
    record, step = case.record, next_step(case, as_of)
    return CaseAnswer(
        case=record.name,
        considered=[_consideration(position, event, saw[position]) for position, event in record.considered],
        improvement=case.improvement,
        referred=[
            ReferralMade(
                on=event.referred_on,
                sessions=event.sessions,
                policy=event.policy,
                rules=event.rules,
                reasons=event.reasons,
                position=position,
                seen=seen_by(event, position),
                digest=event.digest,
            )
            for position, event in record.referred
        ],
        notice=case.notice,
        prosecution=_prosecution(record),
        undermined=case.undermined,
        next=step.sentence,
        command=command_line(step.action),
    )


def _consideration(position: int, event: PenaltyConsidered, saw: ParentLine) -> Consideration:
    return Consideration(
        on=event.considered_on,
        route=event.route,
        decision=event.decision,
        reasons=event.reasons,
        instead=event.instead,
        by=signature(event.by),
        position=position,
        seen=seen_by(event, position),
        count=saw.count,
        met=saw.met,
    )


def _prosecution(case: PenaltyCase) -> Prosecution | None:
    if case.prosecution is None:
        return None
    begun = case.prosecution[1]
    ended = case.prosecution_ended[1] if case.prosecution_ended else None
    return Prosecution(
        begun_on=begun.begun_on,
        offence=begun.offence,
        ended_on=ended.ended_on if ended else None,
        outcome=ended.outcome if ended else "",
        fine_pence=ended.fine if ended else 0,
        said=ended.said if ended else "",
    )
