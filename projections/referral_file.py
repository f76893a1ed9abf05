"""What the checks of a referral look at, and what one of them says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

import msgspec

from ledger.policy import Policy
from ledger.sessions import Session
from projections.chronology import Told
from projections.cohorts import ParentAnswer, PenaltyAnswer
from projections.ladder import Line
from projections.leaves import LeaveAnswer
from projections.questions import Moment, Particulars
from projections.registers import MarkAnswer
from projections.rungs import Rung


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found. `command` mends it; `blocks` is false of a mere finding."""

    check: str
    sentence: str
    command: str
    session: str | None = None
    position: int | None = None
    blocks: bool = True


class File(NamedTuple):
    """All that the checks look at: one parent and pupil, the window that is referred, the entries and missing sessions
    of its weeks, the chronology and leave, the case, and what letters should have quoted, by position."""

    moment: Moment
    policy: Policy
    pupil: str
    parent: str
    day: date
    line: Line
    rung: Rung | None
    window: PenaltyAnswer
    own: ParentAnswer
    entries: Mapping[Session, list[MarkAnswer]]
    missing: tuple[Session, ...]
    told: tuple[Told, ...]
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
        case = self.rung.case if self.rung else None
        return case is not None and bool(case.considered) and case.considered[-1][1].route == "support"

    def named(self) -> str:
        """Return the name of the case, or the word that stands for one still to be named."""
        return self.rung.case.name if self.rung else "CASE"


Check = Callable[[File], Iterator[Problem]]
