"""Follow-up of absence: reports, contacts, evidence, enquiries."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from commands.models.base import Command, not_before
from commands.models.fields import (
    MANY,
    POSITIONAL,
    YEAR_SESSIONS,
    Day,
    Flag,
    Label,
    Line,
    Moment,
    Name,
    ParentId,
    Positional,
    Pupil,
    SessionField,
    Text,
    Word,
)
from ledger.steps import LETTER_CHANNELS, REACHED, VISIT_CHANNELS

Sessions = Annotated[
    tuple[SessionField, ...],
    POSITIONAL,
    Field(min_length=1, max_length=YEAR_SESSIONS, description="Half-days, such as 2025-11-03/AM."),
]
ParentIds = Annotated[
    tuple[Word, ...],
    Field(min_length=1, max_length=MANY, description="One of this pupil's parents, by id; may be repeated."),
]
Evidence = Annotated[Name, POSITIONAL, Field(description="The evidence's own name, such as ME-1.")]

REPORTED = "Phone, email, letter, …; voicemail, answer phone, answerphone and answer machine are to be rung back."
TRIED = f"Phone, email, …; {' or '.join(LETTER_CHANNELS)} is a letter, {' or '.join(VISIT_CHANNELS)} a visit."
CAME_OF_IT = f"No answer, number dead, …; somebody was spoken with where it begins with {', '.join(REACHED)}."


class ReportAbsence(Command):
    command: Literal["ReportAbsence"] = "ReportAbsence"
    pupil: Pupil
    parent: Positional[ParentId]
    channel: Line = Field(description=REPORTED)
    received_at: Moment = Field(description="When we were told.")
    sessions: Sessions
    said: Text = Field("", description="What was said.")


class LogContact(Command):
    command: Literal["LogContact"] = "LogContact"
    pupil: Pupil
    contact: Positional[Word] = Field(description="One of this pupil's parents or other contacts, by id.")
    channel: Label = Field(description=TRIED)
    outcome: Label = Field(description=CAME_OF_IT)
    sessions: Positional[tuple[SessionField, ...]] = Field(
        (), max_length=YEAR_SESSIONS, description="The half-days it was about."
    )
    said: Text = Field("", description="What was said.")
    next_step: Text = Field("", description="What comes next.")


class ExpectSickness(Command):
    """A pupil is expected to be away ill, both days inclusive."""

    command: Literal["ExpectSickness"] = "ExpectSickness"
    pupil: Pupil
    first_day: Positional[Day] = Field(description="The first day.")
    last_day: Positional[Day] = Field(description="The last day, as far as can be said.")
    grounds: Text = Field("", description="What makes us expect it.")

    @field_validator("last_day")
    @classmethod
    def _not_before_first(cls, last: date, info: ValidationInfo) -> date:
        return not_before(last, info, "first_day", "a day not before first_day")


class RequestEvidence(Command):
    """Ask for medical evidence, which only a doubt that can be stated allows."""

    command: Literal["RequestEvidence"] = "RequestEvidence"
    pupil: Pupil
    evidence: Evidence
    parent: ParentId
    sessions: Sessions
    doubt: Text = Field("", description="The reasonable doubt that allows it.")
    wanted: Text = Field("", description="What would do.")


class RecordEvidence(Command):
    """Evidence that was seen, asked for or not."""

    command: Literal["RecordEvidence"] = "RecordEvidence"
    pupil: Pupil
    evidence: Evidence
    seen_on: Day = Field(description="The day it was seen.")
    sessions: Sessions
    what: Text = Field("", description="What it was.")


class ReturnEvidence(Command):
    command: Literal["ReturnEvidence"] = "ReturnEvidence"
    pupil: Pupil
    evidence: Evidence
    returned_on: Positional[Day] = Field(description="The day it was given back.")


class RecordEnquiries(Command):
    """Where a pupil is was asked after; `jointly` with the local authority."""

    command: Literal["RecordEnquiries"] = "RecordEnquiries"
    pupil: Pupil
    on: Positional[Day] = Field(description="The day on which they were made.")
    jointly: Flag = Field(False, description="Together with the local authority.")
    outcome: Text = Field("", description="What came of it.")


class AttributeAbsence(Command):
    """Which parents are believed to have allowed an absence."""

    command: Literal["AttributeAbsence"] = "AttributeAbsence"
    pupil: Pupil
    sessions: Sessions
    parents: ParentIds
    reason: Text = Field("", description="Why.")
