"""The roll: who is a pupil, in which class, with which parents."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

import msgspec

from ledger.events.base import Event

Contact = dict[str, Any]  # JSON, with the fields that its release knew


class OfRoll(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "roll"


class PupilAdmitted(OfRoll, frozen=True, kw_only=True):
    """A name enters the admission register. In the clear: only what rules need."""

    called: ClassVar[str] = "Admitted to the roll"
    private: ClassVar[tuple[str, ...]] = (
        "name",
        "upn",
        "born",
        "sex",
        "address",
        "email",
        "contacts",
        "emergency_contacts",
        "groups",
        "last_school",
    )
    starting_day: date
    year_group: str
    class_name: str
    school_age_first: date
    school_age_last: date
    parents: tuple[str, ...] = ()
    emergency: tuple[str, ...] = ()
    name: str = ""
    upn: str = ""
    born: str = ""
    sex: str = ""
    address: str = ""
    email: str = ""
    contacts: tuple[Contact, ...] = ()
    emergency_contacts: tuple[Contact, ...] = ()
    groups: tuple[str, ...] = ()
    last_school: str = ""


class ClassChanged(OfRoll, frozen=True, kw_only=True):
    class_name: str
    year_group: str
    from_day: date


class ContactsChanged(OfRoll, frozen=True, kw_only=True):
    """The whole new list of parents. Without `from_day` the register has it from the day that it was recorded on."""

    called: ClassVar[str] = "Parents replaced"
    private: ClassVar[tuple[str, ...]] = ("contacts", "reason")
    parents: tuple[str, ...]
    contacts: tuple[Contact, ...] = ()
    from_day: date | None = None
    reason: str = ""


class EmergencyContactsChanged(OfRoll, frozen=True, kw_only=True):
    """Whom to ring beside the parents: the whole new list, from a day as with parents."""

    called: ClassVar[str] = "Emergency contacts replaced"
    private: ClassVar[tuple[str, ...]] = ("emergency_contacts", "reason")
    emergency: tuple[str, ...]
    emergency_contacts: tuple[Contact, ...] = ()
    from_day: date | None = None
    reason: str = ""


class ParticularsAmended(OfRoll, frozen=True, kw_only=True):
    """Particulars of the admission register that are different from a day on, by name, and why. A birth date that was
    wrong brings the days of compulsory school age with it."""

    private: ClassVar[tuple[str, ...]] = ("particulars", "reason")
    from_day: date
    school_age_first: date | None = None
    school_age_last: date | None = None
    particulars: dict[str, str] = {}
    reason: str = ""


class MovingFormReceived(OfRoll, frozen=True, kw_only=True):
    """What a parent states who takes a pupil to another school."""

    called: ClassVar[str] = "Form for moving received"
    private: ClassVar[tuple[str, ...]] = ("new_address", "new_school", "new_school_address")
    parent: str
    received_on: date
    leaving_on: date
    new_address: str = ""
    new_school: str = ""
    new_school_address: str = ""


class ReceivedNotice(msgspec.Struct, frozen=True, array_like=True):
    """A standing notice of a former school: its name there, the parent of ours that a person took its parent for (blank
    where nobody did), and what it names."""

    notice: str
    parent: str
    issued_on: date
    sessions: tuple[str, ...]


class RecordReceived(OfRoll, frozen=True, kw_only=True):
    """The portable record of a former school, as that school's ledger was known at `known_at`: the code of every
    session, and the notices that stood. `digest` is of the record; the file itself is kept by people."""

    called: ClassVar[str] = "Record of a former school received"
    private: ClassVar[tuple[str, ...]] = ("school", "parents")
    urn: str
    ledger: str
    digest: str
    record_position: int
    known_at: datetime
    as_of: date
    marks: dict[str, str] = {}
    notices: tuple[ReceivedNotice, ...] = ()
    school: str = ""
    parents: dict[str, str] = {}


class GroupsChanged(OfRoll, frozen=True, kw_only=True):
    called: ClassVar[str] = "Groups replaced"
    private: ClassVar[tuple[str, ...]] = ("groups",)
    groups: tuple[str, ...] = ()


class PupilRemoved(OfRoll, frozen=True, kw_only=True):
    called: ClassVar[str] = "Removed from the roll"
    private: ClassVar[tuple[str, ...]] = ("ground", "destination", "shown_by")
    last_day: date
    ground: str = ""
    destination: str = ""
    shown_by: str = ""


class HoldPlaced(OfRoll, frozen=True, kw_only=True):
    """Nothing about this pupil may be forgotten: a court, a complaint or an inquiry may ask for it."""

    private: ClassVar[tuple[str, ...]] = ("reason",)
    reason: str = ""


class HoldLifted(OfRoll, frozen=True, kw_only=True):
    private: ClassVar[tuple[str, ...]] = ("reason",)
    reason: str = ""


RollEvent = (
    PupilAdmitted
    | ClassChanged
    | ContactsChanged
    | EmergencyContactsChanged
    | ParticularsAmended
    | MovingFormReceived
    | RecordReceived
    | GroupsChanged
    | PupilRemoved
    | HoldPlaced
    | HoldLifted
)
