"""The case about one parent and one pupil, from being considered to a court's answer.

A case has one stream, named as its notice will be, so that what led to a notice and what became of it stand together.
What the law counts (issued, paid, withdrawn) and what people thought on the way are events alike; `seen` is the
position up to which they had seen the ledger, 0 for everything before the event itself.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Union

from ledger.events.base import Event


class OfNotice(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "notice"


class PenaltyConsidered(OfNotice, frozen=True, kw_only=True):
    """A person looked at the threshold and decided how to go on. `route`: "support" or "no support" (a holiday, say);
    `decision`: "improve", "notice", "other" (what is done instead stands in `instead`) or "nothing"."""

    private: ClassVar[tuple[str, ...]] = ("reasons", "instead")
    parent: str
    considered_on: date
    route: str
    decision: str
    seen: int = 0
    reasons: str = ""
    instead: str = ""


class ImprovementRequired(OfNotice, frozen=True, kw_only=True):
    """A notice to improve. The test: no more than `at_most` unauthorised sessions from issue to `ends_on`."""

    called: ClassVar[str] = "Notice to improve"
    private: ClassVar[tuple[str, ...]] = ("offered", "improvement", "early_end")
    parent: str
    issued_on: date
    ends_on: date
    at_most: int
    seen: int = 0
    offered: str = ""
    improvement: str = ""
    early_end: str = ""


class ImprovementEnded(OfNotice, frozen=True, kw_only=True):
    called: ClassVar[str] = "Notice to improve ended"
    private: ClassVar[tuple[str, ...]] = ("outcome",)
    ended_on: date
    improved: bool
    outcome: str = ""


class PenaltyReferred(OfNotice, frozen=True, kw_only=True):
    """Referred to the authority, as the ledger stood at `seen` and under `policy`, the digest of which is `rules`;
    `digest` is of the pupil's rows up to there (`ledger.pins`). Both digests are blank in what the first releases
    recorded."""

    called: ClassVar[str] = "Referred to the authority"
    private: ClassVar[tuple[str, ...]] = ("reasons",)
    parent: str
    referred_on: date
    sessions: tuple[str, ...]
    policy: str
    seen: int = 0
    digest: str = ""
    rules: str = ""
    reasons: str = ""


class NoticeIssued(OfNotice, frozen=True, kw_only=True):
    """`seen`, `policy`, `rules` and `digest` as of a referral; the first releases recorded none of them."""

    called: ClassVar[str] = "Penalty notice issued"
    parent: str
    issued_on: date
    sessions: tuple[str, ...]
    seen: int = 0
    policy: str = ""
    digest: str = ""
    rules: str = ""


class NoticePaid(OfNotice, frozen=True, kw_only=True):
    """`amount` in whole pence."""

    called: ClassVar[str] = "Penalty notice paid"
    paid_on: date
    amount: int


class NoticeWithdrawn(OfNotice, frozen=True, kw_only=True):
    called: ClassVar[str] = "Penalty notice withdrawn"
    private: ClassVar[tuple[str, ...]] = ("reason",)
    reason: str = ""


class NoticeServed(OfNotice, frozen=True, kw_only=True):
    """How a notice was sent, and the day of receipt, with which its periods start."""

    called: ClassVar[str] = "Penalty notice sent"
    method: str
    sent_on: date
    received_on: date


class ProsecutionBegun(OfNotice, frozen=True, kw_only=True):
    """`offence` is that of section 444: "444(1)" or "444(1A)"."""

    parent: str
    begun_on: date
    offence: str


class ProsecutionEnded(OfNotice, frozen=True, kw_only=True):
    """`outcome`: "convicted", "acquitted" or "withdrawn"; `fine` in whole pence."""

    private: ClassVar[tuple[str, ...]] = ("said",)
    ended_on: date
    outcome: str
    fine: int = 0
    said: str = ""


NoticeEvent = Union[
    PenaltyConsidered,
    ImprovementRequired,
    ImprovementEnded,
    PenaltyReferred,
    NoticeIssued,
    NoticePaid,
    NoticeWithdrawn,
    NoticeServed,
    ProsecutionBegun,
    ProsecutionEnded,
]
