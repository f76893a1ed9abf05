"""Keeping and forgetting: holds, and the destruction of keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from commands.fields import PupilNumber, Text
from commands.models.base import Command, Model


class PlaceHold(Command):
    command: Literal["PlaceHold"] = "PlaceHold"
    pupil: PupilNumber
    reason: Text = ""


class LiftHold(Command):
    command: Literal["LiftHold"] = "LiftHold"
    pupil: PupilNumber
    reason: Text = ""


class PupilYear(Model):
    """A pupil's school year, by the calendar year it begins in; 0 is what belongs to no single year."""

    pupil: PupilNumber
    year: Annotated[int, Field(ge=0)]


class ForgetYears(Command):
    """Destroy the keys of these pupils' school years, and with them every word sealed under them."""

    command: Literal["ForgetYears"] = "ForgetYears"
    years: Annotated[tuple[PupilYear, ...], Field(min_length=1)]
