"""The case about one parent and one pupil, from being considered to a court's answer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from commands.models.base import Command, not_before
from commands.models.fields import (
    POSITIONAL,
    SPEAKABLE,
    Count,
    Day,
    Flag,
    Name,
    ParentId,
    Positional,
    Pupil,
    Seen,
    Speakable,
    Text,
)
from commands.models.follow_up import Sessions
from ledger.steps import Decision, Route


def _to_pence(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


# To the penny, so that 80 and 80.00 are the same payment.
_PENCE = (AfterValidator(_to_pence), SPEAKABLE)
Pounds = Annotated[Decimal, Field(ge=0, decimal_places=2, max_digits=8), *_PENCE]
Notice = Annotated[Name, POSITIONAL, Field(description="The notice's own name, such as PN-1, and its case's.")]
Payment = Annotated[Decimal, Field(gt=0, decimal_places=2, max_digits=8), *_PENCE]


class IssuePenaltyNotice(Command):
    command: Literal["IssuePenaltyNotice"] = "IssuePenaltyNotice"
    pupil: Pupil
    notice: Notice
    parent: ParentId
    issued_on: Day = Field(description="The day of issue.")
    sessions: Sessions


class RecordPayment(Command):
    """`amount` in pounds."""

    command: Literal["RecordPayment"] = "RecordPayment"
    pupil: Pupil
    notice: Notice
    paid_on: Day = Field(description="The day of payment.")
    amount: Positional[Payment] = Field(description="In pounds, such as 80 or 80.50.")


class WithdrawPenaltyNotice(Command):
    command: Literal["WithdrawPenaltyNotice"] = "WithdrawPenaltyNotice"
    pupil: Pupil
    notice: Notice
    reason: Text = Field("", description="Why.")


class ConsiderPenalty(Command):
    """A person looked at a parent's case, as the ledger stood at `seen` (left out: now), and decided how to go on."""

    command: Literal["ConsiderPenalty"] = "ConsiderPenalty"
    pupil: Pupil
    notice: Notice
    parent: ParentId
    considered_on: Day = Field(description="The day it was considered.")
    route: Speakable[Route] = Field(description='"support", or "no support" for a holiday.')
    decision: Speakable[Decision] = Field(description='"improve", "notice", "other" or "nothing".')
    seen: Seen | None = None
    reasons: Text = Field("", description="Why.")
    instead: Text = Field("", description="The other action.")


class RequireImprovement(Command):
    """A notice to improve: no more than `at_most` unauthorised sessions until `ends_on`."""

    command: Literal["RequireImprovement"] = "RequireImprovement"
    pupil: Pupil
    notice: Notice
    issued_on: Day = Field(description="The day of issue.")
    ends_on: Day = Field(description="The last day of its period.")
    at_most: Count = Field(description="Unauthorised sessions that still mean improvement.")
    seen: Seen | None = None
    offered: Text = Field("", description="The support offered.")
    improvement: Text = Field("", description="What improvement means, in words.")
    early_end: Text = Field("", description="What may end it before its last day.")

    @field_validator("ends_on")
    @classmethod
    def _after_issue(cls, ends_on: date, info: ValidationInfo) -> date:
        return not_before(ends_on, info, "issued_on", "a day not before issued_on")


class EndImprovement(Command):
    command: Literal["EndImprovement"] = "EndImprovement"
    pupil: Pupil
    notice: Notice
    ended_on: Positional[Day] = Field(description="The day on which it ended.")
    improved: Flag = Field(description="Whether attendance improved as asked.")
    outcome: Text = Field("", description="What came of it.")


class ReferPenalty(Command):
    """Referred to the local authority, as the ledger stood at `seen` (left out: now)."""

    command: Literal["ReferPenalty"] = "ReferPenalty"
    pupil: Pupil
    notice: Notice
    referred_on: Day = Field(description="The day of referral.")
    sessions: Sessions
    seen: Seen | None = None
    reasons: Text = Field("", description="Why.")


class ServeNotice(Command):
    """How a notice was sent; `received_on` where receipt was shown, else it is presumed."""

    command: Literal["ServeNotice"] = "ServeNotice"
    pupil: Pupil
    notice: Notice
    method: Positional[Speakable[Literal["post", "hand", "email"]]] = Field(description="By post, hand or email.")
    sent_on: Positional[Day] = Field(description="The day it was sent or handed over.")
    received_on: Day | None = Field(None, description="As was shown. [default by post two working days on]")


class BeginProsecution(Command):
    command: Literal["BeginProsecution"] = "BeginProsecution"
    pupil: Pupil
    notice: Notice
    begun_on: Positional[Day] = Field(description="The day on which it was begun.")
    offence: Speakable[Literal["444(1)", "444(1A)"]] = Field(description="444(1), or 444(1A) for who knows.")


class EndProsecution(Command):
    """What came of it; `fine` in pounds."""

    command: Literal["EndProsecution"] = "EndProsecution"
    pupil: Pupil
    notice: Notice
    ended_on: Positional[Day] = Field(description="The day on which it ended.")
    outcome: Literal["convicted", "acquitted", "withdrawn"] = Field(description="Convicted, acquitted or withdrawn.")
    fine: Pounds = Field(Decimal(0), description="In pounds, such as 250.")
    said: Text = Field("", description="What the court said.")
