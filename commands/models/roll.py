"""The roll: who is a pupil, in which class, with which parents and particulars, until when."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from commands.models.base import Command, Model
from commands.models.fields import (
    MANY,
    BirthDay,
    Class,
    ClassName,
    Day,
    Label,
    Line,
    ParentId,
    Positional,
    Pupil,
    Text,
    Upn,
    Whole,
    Word,
    YearGroup,
)


class Parent(Model):
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    name: Label
    relationship: Line = ""
    lives_with: bool = False
    phone: Line = ""
    email: Line = ""
    address: Text = ""
    contact_order: int = 0


def _each_once(parents: tuple[Parent, ...]) -> tuple[Parent, ...]:
    if len({parent.id for parent in parents}) < len(parents):
        raise ValueError("expected each parent once, by id")
    return parents


Parents = Annotated[tuple[Parent, ...], Field(max_length=MANY), AfterValidator(_each_once)]
Groups = Annotated[tuple[Line, ...], Field(max_length=MANY)]
PARENTS = 'Such as {"id":"1042-a","name":"B Example"}; may be repeated.'
CONTACTS = 'Such as {"id":"gran","name":"C Example"}; may be repeated.'
FromDay = Annotated[Day | None, Field(description="The day from which it is so. [default the day recorded]")]


class AdmitPupil(Command):
    command: Literal["AdmitPupil"] = "AdmitPupil"
    pupil: Pupil
    upn: Upn | None = Field(None, description="The unique pupil number.")
    name_: Annotated[Label, Field(alias="name", description="The pupil's name.")]
    born: BirthDay = Field(description="The day of birth.")
    sex: Line = Field("", description="As in the admission register.")
    starting_day: Day = Field(description="The first day on roll.")
    year_group: YearGroup = Field(description="The year group, such as 4 or R.")
    class_name: Annotated[ClassName, Field(alias="class", description="The class.")]
    parents: Parents = Field((), description=PARENTS)
    emergency_contacts: Parents = Field((), description="Whom to ring beside the parents; may be repeated.")
    groups: Groups = Field((), description="A group; may be repeated.")
    email: Line = Field("", description="An e-mail address.")
    address: Text = Field("", description="Where the pupil lives.")
    last_school: Line = Field("", description="The school before.")


class ChangeClass(Command):
    """`year_group` left out stays as it is."""

    command: Literal["ChangeClass"] = "ChangeClass"
    pupil: Pupil
    class_name: Annotated[Positional[Class], Field(alias="class")]
    from_day: Positional[Day] = Field(description="The first day in the new class.")
    year_group: YearGroup | None = Field(None, description="The year group, such as 4 or R.")


class ChangeContacts(Command):
    """The whole new list of parents; `from_day` left out is the day it is recorded on."""

    command: Literal["ChangeContacts"] = "ChangeContacts"
    pupil: Pupil
    parents: Annotated[Parents, Whole()] = Field(description=PARENTS)
    from_day: FromDay = None
    reason: Text = Field("", description="Why.")


class ChangeGroups(Command):
    command: Literal["ChangeGroups"] = "ChangeGroups"
    pupil: Pupil
    groups: Annotated[Positional[Groups], Whole("The pupil is in no group any more.")] = Field(
        description="All the groups from now on."
    )


class RemoveFromRoll(Command):
    command: Literal["RemoveFromRoll"] = "RemoveFromRoll"
    pupil: Pupil
    last_day: Positional[Day] = Field(description="The last day on roll.")
    ground: Text = Field("", description="Why the pupil leaves.")
    destination: Line = Field("", description="The next school.")
    shown_by: Line = Field("", description="What was seen that shows the ground.")


class ChangeEmergencyContacts(Command):
    """Whom to ring beside the parents: the whole new list; `from_day` left out is the day it is recorded on."""

    command: Literal["ChangeEmergencyContacts"] = "ChangeEmergencyContacts"
    pupil: Pupil
    emergency_contacts: Annotated[Parents, Whole("There is nobody to ring any more.")] = Field(description=CONTACTS)
    from_day: FromDay = None
    reason: Text = Field("", description="Why.")


class AmendParticulars(Command):
    """What is different in the admission register from a day on; what is left out stays."""

    command: Literal["AmendParticulars"] = "AmendParticulars"
    pupil: Pupil
    from_day: Positional[Day] = Field(description="The day from which it is so.")
    name_: Annotated[Label | None, Field(alias="name", description="The pupil's name.")] = None
    upn: Upn | None = Field(None, description="The unique pupil number.")
    born: BirthDay | None = Field(None, description="The day of birth.")
    sex: Line | None = Field(None, description="As in the admission register.")
    address: Text | None = Field(None, description="Where the pupil lives.")
    email: Line | None = Field(None, description="An e-mail address.")
    last_school: Line | None = Field(None, description="The school before.")
    reason: Text = Field("", description="Why.")


class ReceiveMovingForm(Command):
    """The form of a parent who takes a pupil to another school."""

    command: Literal["ReceiveMovingForm"] = "ReceiveMovingForm"
    pupil: Pupil
    parent: ParentId
    received_on: Day = Field(description="The day the form came.")
    leaving_on: Day = Field(description="The last day here, as it says.")
    new_address: Text = Field("", description="Where the pupil will live.")
    new_school: Line = Field("", description="The next school.")
    new_school_address: Text = Field("", description="Where the next school is.")


class ReceiveRecord(Command):
    """The portable record of a former school: its file's text, the verifier key of that school's seal, and which of the
    parents that its notices name are which of ours."""

    command: Literal["ReceiveRecord"] = "ReceiveRecord"
    pupil: Pupil
    record: Annotated[str, StringConstraints(max_length=10_000_000)]
    key: Word
    parents: Annotated[dict[Word, Word], Field(max_length=MANY)] = {}
