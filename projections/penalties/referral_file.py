"""What the checks of a referral look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from ledger.finding import Action, Finding, Open, action
from ledger.policy import Policy
from ledger.sessions import Session
from projections.asking.questions import Moment, Particulars
from projections.figures.penalty import ParentLine, PenaltyWindow
from projections.penalties.case import Case
from projections.penalties.ladder import Line
from projections.records.known_event import FollowUp
from projections.records.leaves import LeaveAnswer
from projections.records.registers import MarkAnswer


class File(NamedTuple):
    """All that the checks look at: one parent and pupil, the window that is referred, the entries and missing sessions
    of its weeks, the chronology and leave, the case, and what letters should have quoted, by position."""

    moment: Moment
    policy: Policy
    pupil: str
    parent: str
    day: date
    line: Line
    case: Case | None
    window: PenaltyWindow
    own: ParentLine
    entries: Mapping[Session, list[MarkAnswer]]
    missing: tuple[Session, ...]
    chronology: tuple[FollowUp, ...]
    leave: LeaveAnswer
    known: Particulars
    shown: Mapping[int, Mapping[str, int]]

    @property
    def counted(self) -> tuple[str, ...]:
        """The sessions that the referral rests on."""
        return tuple(each.session for each in self.window.sessions)

    @property
    def by_support(self) -> bool:
        """Whether the case goes by way of support, as last considered."""
        considered = self.case.record.considered if self.case else ()
        return bool(considered) and considered[-1][1].route == "support"

    def named(self) -> str:
        """Return the name of the case, or the word that stands for one still to be named."""
        return self.case.record.name if self.case else Open("CASE")


Check = Callable[[File], Iterator[Finding]]


def refer(file: File, sessions: Sequence[str]) -> Action:
    """Return what refers a case again with these sessions, left open where none are left."""
    about = {"pupil": file.pupil, "notice": file.named(), "sessions": tuple(sessions) or Open("SESSION")}
    return action("ReferPenalty", **about, referred_on=file.moment.as_of)
