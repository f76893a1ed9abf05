"""Keeping and forgetting: holds, and the destruction of keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from commands.models.base import By, Command, Model
from commands.models.fields import SCHOOL_PUPILS, SPEAKABLE, Count, Position, Positional, Pupil, PupilNumber, Text


class PlaceHold(Command):
    command: Literal["PlaceHold"] = "PlaceHold"
    pupil: Pupil
    reason: Text = Field("", description="Why.")


class LiftHold(Command):
    command: Literal["LiftHold"] = "LiftHold"
    pupil: Pupil
    reason: Text = Field("", description="Why.")


class PupilYear(Model):
    """A pupil's school year, by the calendar year it begins in; 0 is what belongs to no single year."""

    pupil: PupilNumber
    year: Count


class ForgetYears(Command):
    """Destroy the keys of these pupils' school years, and with them every word sealed under them. Two people agree to
    it: `by` and `second`."""

    command: Literal["ForgetYears"] = "ForgetYears"
    years: Annotated[tuple[PupilYear, ...], Field(min_length=1, max_length=SCHOOL_PUPILS), SPEAKABLE]
    second: By = By()


class DoubtStamps(Command):
    """Say that the recorded times from one position to another are wrong; with no `last`, up to now."""

    command: Literal["DoubtStamps"] = "DoubtStamps"
    first: Positional[Position] = Field(description="The first position that was recorded at a wrong time.")
    last: Positional[Position | None] = Field(None, description="The last one. [default this command]")
    reason: Text = Field("", description="Why.")

    @field_validator("last")
    @classmethod
    def _in_order(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value < info.data.get("first", value):
            raise ValueError("expected a position that is not before the first")
        return value


class AcceptRestoration(Command):
    """Say that a ledger which was restored from an older copy, or replaced, is right: where its read model had `stood`,
    and where the ledger `ended`."""

    command: Literal["AcceptRestoration"] = "AcceptRestoration"
    stood: Position
    ended: Position
