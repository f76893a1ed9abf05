"""Leave of absence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from commands.models.base import Command, Model, not_before
from commands.models.fields import POSITIONAL, YEAR_SESSIONS, Code, Day, Flag, Name, ParentId, Pupil, SessionField, Text
from ledger.sessions import Session

Request = Annotated[Name, POSITIONAL, Field(description="The request's own name, such as LR-1.")]


class GrantedSession(Model):
    session: SessionField
    code: Code
    detail: Text = ""


class RequestLeave(Command):
    command: Literal["RequestLeave"] = "RequestLeave"
    pupil: Pupil
    request: Request
    parent: ParentId
    received_on: Day = Field(description="The day the request came.")
    first: SessionField = Field(description="The first half-day asked for.")
    last: SessionField = Field(description="The last half-day asked for.")
    ground: Text = Field("", description="What for.")
    on_form: Flag = Field(False, description="It came on the school's form.")

    @field_validator("last")
    @classmethod
    def _not_before_first(cls, last: Session, info: ValidationInfo) -> Session:
        return not_before(last, info, "first", "a session not before 'first'")


class DecideLeave(Command):
    """Sessions of the request that are not in `granted` are refused."""

    command: Literal["DecideLeave"] = "DecideLeave"
    pupil: Pupil
    request: Request
    granted: Annotated[tuple[GrantedSession, ...], Field(max_length=YEAR_SESSIONS)] = ()
    reason: Text = Field("", description="Why.")


class WithdrawLeave(Command):
    command: Literal["WithdrawLeave"] = "WithdrawLeave"
    pupil: Pupil
    request: Request
    reason: Text = Field("", description="Why.")
