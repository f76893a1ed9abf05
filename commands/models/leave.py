"""Leave of absence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from commands.fields import YEAR_SESSIONS, Code, Day, Flag, Name, PupilNumber, SessionField, Text, Word
from commands.models.base import Command, Model, not_before
from ledger.sessions import Session


class GrantedSession(Model):
    session: SessionField
    code: Code
    detail: Text = ""


class RequestLeave(Command):
    command: Literal["RequestLeave"] = "RequestLeave"
    pupil: PupilNumber
    request: Name
    parent: Word
    received_on: Day
    first: SessionField
    last: SessionField
    ground: Text = ""
    on_form: Flag = False

    @field_validator("last")
    @classmethod
    def _not_before_first(cls, last: Session, info: ValidationInfo) -> Session:
        return not_before(last, info, "first", "a session not before 'first'")


class DecideLeave(Command):
    """Sessions of the request that are not in `granted` are refused."""

    command: Literal["DecideLeave"] = "DecideLeave"
    pupil: PupilNumber
    request: Name
    granted: Annotated[tuple[GrantedSession, ...], Field(max_length=YEAR_SESSIONS)] = ()
    reason: Text = ""


class WithdrawLeave(Command):
    command: Literal["WithdrawLeave"] = "WithdrawLeave"
    pupil: PupilNumber
    request: Name
    reason: Text = ""
