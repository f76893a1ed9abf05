"""Support and correspondence: letters, steps of support, agencies, returns, what was shared."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from commands.models.base import Command, Model, not_before
from commands.models.fields import MANY, Count, Day, Label, Line, Name, Positional, Pupil, Seen, Speakable, Text, Word
from commands.models.follow_up import ParentIds
from ledger.steps import RETURNS, STEPS, Agency, AgencyAbout, LetterAbout, ReturnForm, SupportStage, SupportStep


class Quoted(Model):
    """Figures as a letter quoted them, in sessions."""

    possible: Count
    attended: Count
    authorised: Count
    unauthorised: Count
    late: Count | None = None


class SendLetter(Command):
    """A letter, with the figures that it quoted, as of a day and as the ledger stood at a position, `seen`: left out,
    as it stands now. `cites` is what it is about where that has a name, such as a request for leave."""

    command: Literal["SendLetter"] = "SendLetter"
    pupil: Pupil
    about: Speakable[LetterAbout]
    parents: ParentIds
    sent_on: Day
    as_of: Day | None = None
    seen: Seen | None = None
    quoted: Speakable[Quoted] | None = None
    cites: Name | None = None
    said: Text = ""


class RecordSupport(Command):
    """One stage of one step of support."""

    command: Literal["RecordSupport"] = "RecordSupport"
    pupil: Pupil
    step: Positional[Speakable[SupportStep]] = Field(description=f"One of: {', '.join(STEPS)}.")
    stage: Positional[Speakable[SupportStage]] = Field(
        description="Invited, offered, accepted, held, agreed, reviewed …"
    )
    on: Positional[Day] = Field(description="The day of it.")
    next_on: Day | None = Field(None, description="When it is looked at again.")
    people: Annotated[tuple[Label, ...], Field(max_length=MANY, description="Who took part; may be repeated.")] = ()
    outcome: Text = Field("", description="What was agreed.")

    @field_validator("next_on")
    @classmethod
    def _not_before_this(cls, next_on: date | None, info: ValidationInfo) -> date | None:
        return None if next_on is None else not_before(next_on, info, "on", "a day not before 'on'")


class InformAgency(Command):
    """Somebody outside was told."""

    command: Literal["InformAgency"] = "InformAgency"
    pupil: Pupil
    agency: Positional[Speakable[Agency]] = Field(description="Social worker, local authority, …")
    about: Positional[Speakable[AgencyAbout]] = Field(description="Unexplained absence, no contact, deletion, …")
    on: Positional[Day] = Field(description="The day of it.")
    person: Line = Field("", description="Whom it was said to.")
    said: Text = Field("", description="What was said.")


class MakeReturn(Command):
    """A return to the local authority was made: `episode` is the first day that it is about."""

    command: Literal["MakeReturn"] = "MakeReturn"
    pupil: Pupil
    form: Positional[Speakable[ReturnForm]] = Field(description=f"One of: {', '.join(RETURNS)}.")
    episode: Positional[Day] = Field(description="The first day that it is about.")
    made_on: Day = Field(description="The day it was made.")
    seen: Seen | None = None
    content: dict[Word, object] = Field({}, max_length=200, description="What was sent.")


class ShareInformation(Command):
    """Something was passed on to somebody who is not this school."""

    command: Literal["ShareInformation"] = "ShareInformation"
    pupil: Pupil
    what: Positional[Text] = Field(description="What was passed on.")
    recipient: Label = Field(description="Whom it was passed on to.")
    on: Day = Field(description="The day of it.")
    as_of: Day = Field(description="The day that it is about.")
    seen: Seen | None = None
    why: Text = Field("", description="Why it was needed.")
