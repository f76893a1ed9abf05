"""Registers and marks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from commands.fields import SCHOOL_PUPILS, ClassName, Code, Moment, PupilNumber, SessionField, Text
from commands.models.base import Command, Model
from ledger.sessions import LONDON


class Mark(Model):
    code: Code
    detail: Text = ""


class RecordMark(Command):
    command: Literal["RecordMark"] = "RecordMark"
    pupil: PupilNumber
    session: SessionField
    code: Code
    detail: Text = ""


class TakeRegister(Command):
    command: Literal["TakeRegister"] = "TakeRegister"
    class_name: Annotated[ClassName, Field(alias="class")]
    session: SessionField
    marks: Annotated[dict[PupilNumber, Code | Mark], Field(max_length=SCHOOL_PUPILS)]


class CloseRegister(Command):
    """Without `class`, every class."""

    command: Literal["CloseRegister"] = "CloseRegister"
    class_name: Annotated[ClassName | None, Field(alias="class")] = None
    session: SessionField


class AmendMark(Command):
    command: Literal["AmendMark"] = "AmendMark"
    pupil: PupilNumber
    session: SessionField
    code: Code
    detail: Text = ""
    reason: Text = ""


class LogArrival(Command):
    command: Literal["LogArrival"] = "LogArrival"
    pupil: PupilNumber
    session: SessionField
    arrived_at: Moment
    reason: Text = ""
    code: Code | None = None
    detail: Text = ""

    @field_validator("arrived_at")
    @classmethod
    def _on_the_day(cls, arrived_at: datetime, info: ValidationInfo) -> datetime:
        session = info.data.get("session")
        if session is not None and arrived_at.astimezone(LONDON).date() != session.day:
            raise ValueError("expected a time on the day of the session")
        return arrived_at
