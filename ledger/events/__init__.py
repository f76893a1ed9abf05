"""Every kind of event there is, by family."""

from __future__ import annotations

from typing import Union

from ledger.events.base import NOBODY, SHORT, Event
from ledger.events.case import (
    ImprovementEnded,
    ImprovementRequired,
    NoticeIssued,
    NoticePaid,
    NoticeServed,
    NoticeWithdrawn,
    PenaltyConsidered,
    PenaltyReferred,
    ProsecutionBegun,
    ProsecutionEnded,
)
from ledger.events.entries import (
    MarkAmended,
    MarkAsserted,
    MarkRecorded,
    RegisterClosed,
    RegisterTaken,
)
from ledger.events.follow_up import (
    AbsenceAttributed,
    AbsenceReported,
    AgencyInformed,
    ArrivalLogged,
    ContactLogged,
    EnquiriesMade,
    EvidenceRequested,
    EvidenceReturned,
    EvidenceSeen,
    InformationShared,
    LetterSent,
    ReturnMade,
    SicknessExpected,
    SupportRecorded,
)
from ledger.events.leave import (
    LeaveDecided,
    LeaveRequested,
    LeaveWithdrawn,
)
from ledger.events.roll import (
    ClassChanged,
    ContactsChanged,
    EmergencyContactsChanged,
    GroupsChanged,
    MovingFormReceived,
    ParticularsAmended,
    PupilAdmitted,
    PupilRemoved,
)
from ledger.events.school import (
    CalendarAmended,
    ClosureDeclared,
    DailyReturnMade,
    ImportBegun,
    PolicyAdopted,
    RoleNamed,
    SchoolOpened,
    SchoolYearOpened,
    StaffNamed,
)

SchoolEvent = Union[
    SchoolOpened,
    StaffNamed,
    PolicyAdopted,
    RoleNamed,
    ImportBegun,
    SchoolYearOpened,
    CalendarAmended,
    ClosureDeclared,
    DailyReturnMade,
]
RollEvent = Union[
    PupilAdmitted,
    ClassChanged,
    ContactsChanged,
    EmergencyContactsChanged,
    ParticularsAmended,
    MovingFormReceived,
    GroupsChanged,
    PupilRemoved,
]
RegisterEvent = Union[
    RegisterTaken,
    RegisterClosed,
]
EntryEvent = Union[
    MarkRecorded,
    MarkAmended,
    MarkAsserted,
]
LeaveEvent = Union[
    LeaveRequested,
    LeaveDecided,
    LeaveWithdrawn,
]
NoticeEvent = Union[
    PenaltyConsidered,
    ImprovementRequired,
    ImprovementEnded,
    PenaltyReferred,
    NoticeIssued,
    NoticePaid,
    NoticeWithdrawn,
    NoticeServed,
    ProsecutionBegun,
    ProsecutionEnded,
]
FollowUpEvent = Union[
    AbsenceReported,
    ContactLogged,
    ArrivalLogged,
    EvidenceRequested,
    EvidenceSeen,
    EvidenceReturned,
    LetterSent,
    SupportRecorded,
    AgencyInformed,
    ReturnMade,
    SicknessExpected,
    EnquiriesMade,
    AbsenceAttributed,
    InformationShared,
]
ReferenceEvent = Union[SchoolEvent, RollEvent, LeaveEvent, NoticeEvent]
AnyEvent = Union[SchoolEvent, RollEvent, RegisterEvent, EntryEvent, LeaveEvent, NoticeEvent, FollowUpEvent]

__all__ = [
    "NOBODY",
    "SHORT",
    "AbsenceAttributed",
    "AbsenceReported",
    "AgencyInformed",
    "AnyEvent",
    "ArrivalLogged",
    "CalendarAmended",
    "ClassChanged",
    "ClosureDeclared",
    "ContactLogged",
    "ContactsChanged",
    "DailyReturnMade",
    "EmergencyContactsChanged",
    "EnquiriesMade",
    "EntryEvent",
    "Event",
    "EvidenceRequested",
    "EvidenceReturned",
    "EvidenceSeen",
    "FollowUpEvent",
    "GroupsChanged",
    "ImportBegun",
    "ImprovementEnded",
    "ImprovementRequired",
    "InformationShared",
    "LeaveDecided",
    "LeaveEvent",
    "LeaveRequested",
    "LeaveWithdrawn",
    "LetterSent",
    "MarkAmended",
    "MarkAsserted",
    "MarkRecorded",
    "MovingFormReceived",
    "NoticeEvent",
    "NoticeIssued",
    "NoticePaid",
    "NoticeServed",
    "NoticeWithdrawn",
    "ParticularsAmended",
    "PenaltyConsidered",
    "PenaltyReferred",
    "PolicyAdopted",
    "ProsecutionBegun",
    "ProsecutionEnded",
    "PupilAdmitted",
    "PupilRemoved",
    "ReferenceEvent",
    "RegisterClosed",
    "RegisterEvent",
    "RegisterTaken",
    "ReturnMade",
    "RoleNamed",
    "RollEvent",
    "SchoolEvent",
    "SchoolOpened",
    "SchoolYearOpened",
    "SicknessExpected",
    "StaffNamed",
    "SupportRecorded",
]
