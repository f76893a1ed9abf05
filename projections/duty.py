"""A duty: a finding that somebody must settle, by when, and how soon.

Every procedure finds its own duties; `projections.due` puts them together, most urgent and most vulnerable first. A
sentence names no child: the door puts the name beside the number.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import IntEnum

from ledger.finding import Finding

# The rules a duty may be of, in order of the alphabet; whoever asks for another kind has mistyped it.
KINDS = (
    "N", "call", "consider", "daily return", "daily return changes", "evidence", "improve", "improvement failed",
    "improvement over", "inform", "joint approach", "leave", "letter", "meeting", "no contact", "notice open",
    "notice served", "notice undermined", "notice unpaid", "payment", "policy", "prosecution", "punctuality letter",
    "punctuality meeting", "refer", "referral undermined", "referred", "refusal", "register", "return", "review",
    "ring back", "role", "support plan", "support review", "third barred", "unmarked",
)  # fmt: skip

NEAR = timedelta(weeks=1)  # what is to be done within a week is soon


class Urgency(IntEnum):
    """How soon: a child may be missing; it is to be done today; its last day is near; it is waiting."""

    NOW = 0
    TODAY = 1
    SOON = 2
    WAITING = 3


class Duty(Finding, frozen=True, kw_only=True):
    """A finding with its last day; the rule is the procedure's name for it, no pupil: the school's. `contact` is the id
    of whom to ring, where somebody is to be rung: the door puts the name and number."""

    urgency: Urgency
    by: date | None = None
    contact: str = ""
