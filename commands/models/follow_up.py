"""Follow-up of absence: reports, contacts, evidence, enquiries."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from commands.fields import (
    MANY,
    YEAR_SESSIONS,
    Day,
    Flag,
    Label,
    Line,
    Moment,
    Name,
    PupilNumber,
    SessionField,
    Text,
    Word,
)
from commands.models.base import Command, not_before

Sessions = Annotated[tuple[SessionField, ...], Field(min_length=1, max_length=YEAR_SESSIONS)]
ParentIds = Annotated[tuple[Word, ...], Field(min_length=1, max_length=MANY)]


class ReportAbsence(Command):
    command: Literal["ReportAbsence"] = "ReportAbsence"
    pupil: PupilNumber
    parent: Word
    channel: Line
    received_at: Moment
    sessions: Sessions
    said: Text = ""


class LogContact(Command):
    command: Literal["LogContact"] = "LogContact"
    pupil: PupilNumber
    contact: Word
    channel: Label
    outcome: Label
    sessions: Annotated[tuple[SessionField, ...], Field(max_length=YEAR_SESSIONS)] = ()
    said: Text = ""
    next_step: Text = ""


class ExpectSickness(Command):
    """A pupil is expected to be away ill, both days inclusive."""

    command: Literal["ExpectSickness"] = "ExpectSickness"
    pupil: PupilNumber
    first_day: Day
    last_day: Day
    grounds: Text = ""

    @field_validator("last_day")
    @classmethod
    def _not_before_first(cls, last: date, info: ValidationInfo) -> date:
        return not_before(last, info, "first_day", "a day not before first_day")


class RequestEvidence(Command):
    """Ask for medical evidence, which only a doubt that can be stated allows."""

    command: Literal["RequestEvidence"] = "RequestEvidence"
    pupil: PupilNumber
    evidence: Name
    parent: Word
    sessions: Sessions
    doubt: Text = ""
    wanted: Text = ""


class RecordEvidence(Command):
    """Evidence that was seen, asked for or not."""

    command: Literal["RecordEvidence"] = "RecordEvidence"
    pupil: PupilNumber
    evidence: Name
    seen_on: Day
    sessions: Sessions
    what: Text = ""


class ReturnEvidence(Command):
    command: Literal["ReturnEvidence"] = "ReturnEvidence"
    pupil: PupilNumber
    evidence: Name
    returned_on: Day


class RecordEnquiries(Command):
    """Where a pupil is was asked after; `jointly` with the local authority."""

    command: Literal["RecordEnquiries"] = "RecordEnquiries"
    pupil: PupilNumber
    on: Day
    jointly: Flag = False
    outcome: Text = ""


class AttributeAbsence(Command):
    """Which parents are believed to have allowed an absence."""

    command: Literal["AttributeAbsence"] = "AttributeAbsence"
    pupil: PupilNumber
    sessions: Sessions
    parents: ParentIds
    reason: Text = ""
