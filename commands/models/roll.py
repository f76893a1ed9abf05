"""The roll: who is a pupil, in which class, with which parents and particulars, until when."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from commands.fields import ClassName, Day, Label, PupilNumber, Text, Upn
from commands.models.base import Command, Model


class Parent(Model):
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    name: Label
    relationship: Text = ""
    lives_with: bool = False
    phone: Text = ""
    email: Text = ""
    address: Text = ""
    contact_order: int = 0


def _each_once(parents: tuple[Parent, ...]) -> tuple[Parent, ...]:
    if len({parent.id for parent in parents}) < len(parents):
        raise ValueError("expected each parent once, by id")
    return parents


Parents = Annotated[tuple[Parent, ...], AfterValidator(_each_once)]


class AdmitPupil(Command):
    command: Literal["AdmitPupil"] = "AdmitPupil"
    pupil: PupilNumber
    upn: Upn | None = None
    name_: Annotated[Label, Field(alias="name")]
    born: Day
    sex: Text = ""
    starting_day: Day
    year_group: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10)]
    class_name: Annotated[ClassName, Field(alias="class")]
    parents: Parents = ()
    emergency_contacts: Parents = ()
    groups: tuple[Text, ...] = ()
    email: Text = ""
    address: Text = ""
    last_school: Text = ""


class ChangeClass(Command):
    """`year_group` left out stays as it is."""

    command: Literal["ChangeClass"] = "ChangeClass"
    pupil: PupilNumber
    class_name: Annotated[ClassName, Field(alias="class")]
    from_day: Day
    year_group: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10)] | None = None


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
    groups: tuple[Text, ...]


class RemoveFromRoll(Command):
    command: Literal["RemoveFromRoll"] = "RemoveFromRoll"
    pupil: PupilNumber
    last_day: Day
    ground: Text = ""
    destination: Text = ""
    shown_by: Text = ""


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
    born: Day | None = None
    sex: Text | None = None
    address: Text | None = None
    email: Text | None = None
    last_school: Text | None = None
    reason: Text = ""


class ReceiveRecord(Command):
    """The portable record of a former school: its file's text, the verifier key of that school's seal, and which of the
    parents that its notices name are which of ours."""

    command: Literal["ReceiveRecord"] = "ReceiveRecord"
    pupil: PupilNumber
    record: Annotated[str, StringConstraints(max_length=10_000_000)]
    key: str
    parents: dict[str, str] = {}


class ReceiveMovingForm(Command):
    """The form of a parent who takes a pupil to another school."""

    command: Literal["ReceiveMovingForm"] = "ReceiveMovingForm"
    pupil: PupilNumber
    parent: str
    received_on: Day
    leaving_on: Day
    new_address: Text = ""
    new_school: Text = ""
    new_school_address: Text = ""
