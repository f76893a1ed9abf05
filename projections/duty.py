"""A duty: one thing that somebody must do, by when, and the command that settles it.

Every procedure finds its own duties; `projections.due` puts them together, most urgent and most vulnerable first. A
sentence names no child: the door puts the name beside the number.
"""

from __future__ import annotations

from datetime import date
from enum import IntEnum
from typing import NamedTuple

# What a duty may be of, in order of the alphabet; whoever asks for another kind has mistyped it.
KINDS = (
    "N", "call", "consider", "daily return", "daily return changes", "evidence", "improve", "improvement failed",
    "improvement over", "inform", "joint approach", "leave", "letter", "meeting", "no contact", "notice open",
    "notice served", "notice undermined", "notice unpaid", "payment", "policy", "prosecution", "punctuality letter",
    "punctuality meeting", "refer", "referral undermined", "referred", "refusal", "register", "return", "review",
    "ring back", "role", "support plan", "support review", "third barred", "unmarked",
)  # fmt: skip


class Urgency(IntEnum):
    """How soon: a child may be missing; it is to be done today; its last day is near; it is waiting."""

    NOW = 0
    TODAY = 1
    SOON = 2
    WAITING = 3


class Duty(NamedTuple):
    """`kind` is the procedure's name for it, `by` the last day, `command` the line to type; no pupil: the school's.
    `contact` is the id of whom to ring, where somebody is to be rung: the door puts the name and number."""

    urgency: Urgency
    kind: str
    sentence: str
    command: str
    pupil: str = ""
    by: date | None = None
    contact: str = ""
