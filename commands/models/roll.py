"""The roll: who is a pupil, in which class, with which parents and particulars, until when."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from commands.fields import MANY, BirthDay, ClassName, Day, Label, Line, PupilNumber, Text, Upn, Word, YearGroup
from commands.models.base import Command, Model


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


class AdmitPupil(Command):
    command: Literal["AdmitPupil"] = "AdmitPupil"
    pupil: PupilNumber
    upn: Upn | None = None
    name_: Annotated[Label, Field(alias="name")]
    born: BirthDay
    sex: Line = ""
    starting_day: Day
    year_group: YearGroup
    class_name: Annotated[ClassName, Field(alias="class")]
    parents: Parents = ()
    emergency_contacts: Parents = ()
    groups: Groups = ()
    email: Line = ""
    address: Text = ""
    last_school: Line = ""


class ChangeClass(Command):
    """`year_group` left out stays as it is."""

    command: Literal["ChangeClass"] = "ChangeClass"
    pupil: PupilNumber
    class_name: Annotated[ClassName, Field(alias="class")]
    from_day: Day
    year_group: YearGroup | None = None


class ChangeContacts(Command):
    """The whole new list of parents; `from_day` left out is the day it is recorded on."""

    command: Literal["ChangeContacts"] = "ChangeContacts"
    pupil: PupilNumber
    parents: Parents
    from_day: Day | None = None
    reason: Text = ""


class ChangeGroups(Command):
    command: Literal["ChangeGroups"] = "ChangeGroups"
    pupil: PupilNumber
    groups: Groups


class RemoveFromRoll(Command):
    command: Literal["RemoveFromRoll"] = "RemoveFromRoll"
    pupil: PupilNumber
    last_day: Day
    ground: Text = ""
    destination: Line = ""
    shown_by: Line = ""


class ChangeEmergencyContacts(Command):
    """Whom to ring beside the parents: the whole new list; `from_day` left out is the day it is recorded on."""

    command: Literal["ChangeEmergencyContacts"] = "ChangeEmergencyContacts"
    pupil: PupilNumber
    emergency_contacts: Parents
    from_day: Day | None = None
    reason: Text = ""


class AmendParticulars(Command):
    """What is different in the admission register from a day on; what is left out stays."""

    command: Literal["AmendParticulars"] = "AmendParticulars"
    pupil: PupilNumber
    from_day: Day
    name_: Annotated[Label | None, Field(alias="name")] = None
    upn: Upn | None = None
    born: BirthDay | None = None
    sex: Line | None = None
    address: Text | None = None
    email: Line | None = None
    last_school: Line | None = None
    reason: Text = ""


class ReceiveMovingForm(Command):
    """The form of a parent who takes a pupil to another school."""

    command: Literal["ReceiveMovingForm"] = "ReceiveMovingForm"
    pupil: PupilNumber
    parent: Word
    received_on: Day
    leaving_on: Day
    new_address: Text = ""
    new_school: Line = ""
    new_school_address: Text = ""


class ReceiveRecord(Command):
    """The portable record of a former school: its file's text, the verifier key of that school's seal, and which of the
    parents that its notices name are which of ours."""

    command: Literal["ReceiveRecord"] = "ReceiveRecord"
    pupil: PupilNumber
    record: Annotated[str, StringConstraints(max_length=10_000_000)]
    key: Word
    parents: Annotated[dict[Word, Word], Field(max_length=MANY)] = {}
