"""What people do about absence, by name: letters, steps of support and their stages, agencies, returns, decisions.

The names go into events, so they are only ever added to.
"""

import re
from collections.abc import Sequence
from typing import Literal, get_args

LetterAbout = Literal[
    "attendance",  # below the policy's percentage
    "punctuality",
    "no contact",
    "leave refused",
    "evidence",
    "meeting",
    "notice to improve",
    "report",  # the regular report to parents
    "other",
]
SupportStep = Literal[
    "meeting",
    "reasonable adjustments",
    "Families First Assessment",
    "support plan",
    "attendance contract",
    "individual healthcare plan",
    "Team Around the Family",
    "signposting",
    "authority advice",
    "joint approach",
]
SupportStage = Literal["invited", "offered", "accepted", "declined", "held", "missed", "agreed", "reviewed", "ended"]
Agency = Literal["social worker", "youth offending worker", "local authority", "virtual school", "other"]
AgencyAbout = Literal["unexplained absence", "no contact", "deletion", "advice", "safeguarding"]
ReturnForm = Literal["attendance", "unauthorised", "sickness", "new pupil", "deletion", "ground I"]
Route = Literal["support", "no support"]
Decision = Literal["improve", "notice", "other", "nothing"]

STEPS: tuple[str, ...] = get_args(SupportStep)
RETURNS: tuple[str, ...] = get_args(ReturnForm)

# A stage that answers another one, and which: nobody accepts what was not offered or was declined since, nobody reviews
# what was not agreed or has ended.
ANSWERS = {
    "accepted": frozenset({"offered"}),
    "declined": frozenset({"offered"}),
    "reviewed": frozenset({"agreed", "reviewed"}),
    "ended": frozenset({"agreed", "reviewed"}),
}
# Talks about a step: they change nothing in what was offered or agreed.
TALKS = frozenset({"invited", "held", "missed"})
# What a step that has ended begins anew with.
BEGINS = frozenset({"invited", "offered", "agreed"})

# How a contact was tried decides which rung of the ladder it was; everything else is a call.
LETTER_CHANNELS = ("letter", "post")
VISIT_CHANNELS = ("visit", "home visit")
# Outcomes that mean we spoke with them, by what they begin with.
REACHED = ("spoke", "spoken", "talked", "answered", "reached", "met", "rang back")


def begun(stage: str, before: Sequence[str]) -> bool:
    """Return whether a stage may follow those before it of the same step, oldest first."""
    if before and before[-1] == "ended" and stage not in BEGINS:
        return False
    if stage not in ANSWERS:
        return True
    settled = [each for each in before if each not in TALKS]
    return bool(settled) and settled[-1] in ANSWERS[stage]


def rung(channel: str) -> str:
    """Return the rung of the contact ladder that a channel is: call, letter or visit."""
    if channel.lower() in LETTER_CHANNELS:
        return "letter"
    return "visit" if channel.lower() in VISIT_CHANNELS else "call"


def reaches(outcome: str) -> bool:
    """Return whether an outcome says that we spoke with somebody."""
    said = " ".join(re.findall(r"[a-z]+", outcome.lower()))
    # Ringing back may come to nothing, and somebody may write that they spoke to nobody.
    nobody = {"nobody", "no"} & set(said.split())
    return f"{said} ".startswith(tuple(f"{words} " for words in REACHED)) and not nobody
