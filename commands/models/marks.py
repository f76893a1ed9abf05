"""Registers and marks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from commands.models.base import Command, Model
from commands.models.fields import (
    SCHOOL_PUPILS,
    ClassName,
    Code,
    HalfDay,
    Moment,
    Positional,
    Pupil,
    PupilNumber,
    SessionField,
    Text,
)
from ledger.sessions import LONDON


class Mark(Model):
    code: Code
    detail: Text = ""


class RecordMark(Command):
    command: Literal["RecordMark"] = "RecordMark"
    pupil: Pupil
    session: HalfDay
    code: Positional[Code]
    detail: Text = Field("", description="What the code needs stated.")


class TakeRegister(Command):
    command: Literal["TakeRegister"] = "TakeRegister"
    class_name: Annotated[ClassName, Field(alias="class")]
    session: SessionField
    marks: Annotated[dict[PupilNumber, Code | Mark], Field(max_length=SCHOOL_PUPILS)]


class CloseRegister(Command):
    """Without `class`, every class."""

    command: Literal["CloseRegister"] = "CloseRegister"
    class_name: Annotated[ClassName | None, Field(alias="class", description="Just one class.")] = None
    session: HalfDay


class AmendMark(Command):
    command: Literal["AmendMark"] = "AmendMark"
    pupil: Pupil
    session: HalfDay
    code: Positional[Code]
    detail: Text = Field("", description="What the code needs stated.")
    reason: Text = Field("", description="Why.")


class LogArrival(Command):
    command: Literal["LogArrival"] = "LogArrival"
    pupil: Pupil
    session: HalfDay
    arrived_at: Positional[Moment] = Field(description="When, such as 2025-11-03T09:12, in London.")
    reason: Text = Field("", description="Why.")
    code: Code | None = Field(None, description="Instead of what the clock says.")
    detail: Text = Field("", description="What the code needs stated.")

    @field_validator("arrived_at")
    @classmethod
    def _on_the_day(cls, arrived_at: datetime, info: ValidationInfo) -> datetime:
        session = info.data.get("session")
        if session is not None and arrived_at.astimezone(LONDON).date() != session.day:
            raise ValueError("expected a time on the day of the session")
        return arrived_at
