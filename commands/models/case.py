"""The case about one parent and one pupil, from being considered to a court's answer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from commands.fields import SPEAKABLE, Count, Day, Flag, Name, Position, PupilNumber, Speakable, Text, Word
from commands.models.base import Command, not_before
from commands.models.follow_up import Sessions
from ledger.steps import Decision, Route


def _to_pence(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


# To the penny, so that 80 and 80.00 are the same payment.
_PENCE = (AfterValidator(_to_pence), SPEAKABLE)
Pounds = Annotated[Decimal, Field(ge=0, decimal_places=2, max_digits=8), *_PENCE]
Payment = Annotated[Decimal, Field(gt=0, decimal_places=2, max_digits=8), *_PENCE]


class IssuePenaltyNotice(Command):
    command: Literal["IssuePenaltyNotice"] = "IssuePenaltyNotice"
    pupil: PupilNumber
    notice: Name
    parent: Word
    issued_on: Day
    sessions: Sessions


class RecordPayment(Command):
    """`amount` in pounds."""

    command: Literal["RecordPayment"] = "RecordPayment"
    pupil: PupilNumber
    notice: Name
    paid_on: Day
    amount: Payment


class WithdrawPenaltyNotice(Command):
    command: Literal["WithdrawPenaltyNotice"] = "WithdrawPenaltyNotice"
    pupil: PupilNumber
    notice: Name
    reason: Text = ""


class ConsiderPenalty(Command):
    """A person looked at a parent's case, as the ledger stood at `seen` (left out: now), and decided how to go on."""

    command: Literal["ConsiderPenalty"] = "ConsiderPenalty"
    pupil: PupilNumber
    notice: Name
    parent: Word
    considered_on: Day
    route: Speakable[Route]
    decision: Speakable[Decision]
    seen: Position | None = None
    reasons: Text = ""
    instead: Text = ""


class RequireImprovement(Command):
    """A notice to improve: no more than `at_most` unauthorised sessions until `ends_on`."""

    command: Literal["RequireImprovement"] = "RequireImprovement"
    pupil: PupilNumber
    notice: Name
    issued_on: Day
    ends_on: Day
    at_most: Count
    seen: Position | None = None
    offered: Text = ""
    improvement: Text = ""
    early_end: Text = ""

    @field_validator("ends_on")
    @classmethod
    def _after_issue(cls, ends_on: date, info: ValidationInfo) -> date:
        return not_before(ends_on, info, "issued_on", "a day not before issued_on")


class EndImprovement(Command):
    command: Literal["EndImprovement"] = "EndImprovement"
    pupil: PupilNumber
    notice: Name
    ended_on: Day
    improved: Flag
    outcome: Text = ""


class ReferPenalty(Command):
    """Referred to the local authority, as the ledger stood at `seen` (left out: now)."""

    command: Literal["ReferPenalty"] = "ReferPenalty"
    pupil: PupilNumber
    notice: Name
    referred_on: Day
    sessions: Sessions
    seen: Position | None = None
    reasons: Text = ""


class ServeNotice(Command):
    """How a notice was sent; `received_on` where receipt was shown, else it is presumed."""

    command: Literal["ServeNotice"] = "ServeNotice"
    pupil: PupilNumber
    notice: Name
    method: Speakable[Literal["post", "hand", "email"]]
    sent_on: Day
    received_on: Day | None = None


class BeginProsecution(Command):
    command: Literal["BeginProsecution"] = "BeginProsecution"
    pupil: PupilNumber
    notice: Name
    begun_on: Day
    offence: Speakable[Literal["444(1)", "444(1A)"]]


class EndProsecution(Command):
    """What came of it; `fine` in pounds."""

    command: Literal["EndProsecution"] = "EndProsecution"
    pupil: PupilNumber
    notice: Name
    ended_on: Day
    outcome: Literal["convicted", "acquitted", "withdrawn"]
    fine: Pounds = Decimal(0)
    said: Text = ""
