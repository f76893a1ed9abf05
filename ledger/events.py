"""Every kind of event, as it faces the disk.

An event says one thing that happened and who said so. It does not say where it stands (stream and version are the
row's), nor when it was learnt (the recorder stamps the row). Fields named in `private` are text that could identify a
child: on disk they are not in the event but in `sealed`, and `ledger.wire` moves them there and back.

Field names are short on the wire because there are millions of marks. A field may be added with a default; anything
else makes a new version `v`, with an upcast in `ledger.wire` and the old bytes kept in the golden corpus for ever.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Union

import msgspec

from ledger.calendar import Closed, Hours
from ledger.people import Staff

SHORT = {"code": "c", "replaces": "w", "sealed": "x", "session": "s", "sessions": "ss"}
NOBODY = Staff("", "", "")


def _one() -> int:
    # A factory, because a plain default would be left out of the bytes, and every event must say its version.
    return 1


class Event(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="type",
    rename=lambda field: SHORT.get(field, field),
):
    """What happened, by whom. `kind` is the family that the row's topic begins with."""

    kind: ClassVar[str] = ""
    private: ClassVar[tuple[str, ...]] = ()

    v: int = msgspec.field(default_factory=_one)
    by: Staff = NOBODY
    sealed: bytes = b""

    @property
    def topic(self) -> str:
        return f"{self.kind}.{type(self).__name__}"


# --- the school -----------------------------------------------------------------------------------------------------


class SchoolOpened(Event, frozen=True, kw_only=True):
    """A ledger begins. `simulated` fixes its clock: true takes the journal's times, false the recorder's own."""

    kind: ClassVar[str] = "school"
    urn: str
    name: str
    la: str
    estab: str
    policy: str
    simulated: bool


class StaffNamed(Event, frozen=True, kw_only=True):
    """A person who signs, first named or changed in name or title."""

    kind: ClassVar[str] = "school"
    staff: Staff


class PolicyAdopted(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "school"
    policy: str
    from_day: date


class ImportBegun(Event, frozen=True, kw_only=True):
    """Marks that another system asserts are about to follow; their earlier history is unknown."""

    kind: ClassVar[str] = "school"
    source: str
    digest: str
    rows: int


class SchoolYearOpened(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "school"
    year: int
    first_day: date
    last_day: date
    closed: tuple[Closed, ...] = ()
    hours: tuple[Hours, Hours]


class CalendarAmended(Event, frozen=True, kw_only=True):
    """The whole new list of closed days and the hours, and why. Marks already taken are untouched."""

    kind: ClassVar[str] = "school"
    private: ClassVar[tuple[str, ...]] = ("reason",)
    year: int
    closed: tuple[Closed, ...]
    hours: tuple[Hours, Hours]
    reason: str = ""


class ClosureDeclared(Event, frozen=True, kw_only=True):
    """These sessions expect `code`, for everyone, for `classes` or for `pupils`."""

    kind: ClassVar[str] = "school"
    private: ClassVar[tuple[str, ...]] = ("reason",)
    sessions: tuple[str, ...]
    code: str
    classes: tuple[str, ...] = ()
    pupils: tuple[str, ...] = ()
    reason: str = ""


# --- the roll -------------------------------------------------------------------------------------------------------


class PupilAdmitted(Event, frozen=True, kw_only=True):
    """A name enters the admission register. In the clear: only what rules need."""

    kind: ClassVar[str] = "roll"
    private: ClassVar[tuple[str, ...]] = (
        "name",
        "upn",
        "born",
        "sex",
        "address",
        "email",
        "contacts",
        "groups",
        "last_school",
    )
    starting_day: date
    year_group: str
    class_name: str
    school_age_first: date
    school_age_last: date
    parents: tuple[str, ...] = ()
    name: str = ""
    upn: str = ""
    born: str = ""
    sex: str = ""
    address: str = ""
    email: str = ""
    contacts: tuple[dict[str, Any], ...] = ()
    groups: tuple[str, ...] = ()
    last_school: str = ""


class ClassChanged(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "roll"
    class_name: str
    year_group: str
    from_day: date


class ContactsChanged(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "roll"
    private: ClassVar[tuple[str, ...]] = ("contacts",)
    parents: tuple[str, ...]
    contacts: tuple[dict[str, Any], ...] = ()


class GroupsChanged(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "roll"
    private: ClassVar[tuple[str, ...]] = ("groups",)
    groups: tuple[str, ...] = ()


class PupilRemoved(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "roll"
    private: ClassVar[tuple[str, ...]] = ("ground", "destination")
    last_day: date
    ground: str = ""
    destination: str = ""


# --- registers and entries ------------------------------------------------------------------------------------------


class RegisterTaken(Event, frozen=True, kw_only=True):
    """One submission of a class and session; `marked` is how many entries came with it."""

    kind: ClassVar[str] = "register"
    marked: int


class RegisterClosed(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "register"
    marked: int


class MarkRecorded(Event, frozen=True, kw_only=True):
    """The original entry. `via` is how it came: mark, register, close or arrival; `cites` the leave or closure behind
    it."""

    kind: ClassVar[str] = "entry"
    private: ClassVar[tuple[str, ...]] = ("detail",)
    code: str
    detail: str = ""
    via: str = "register"
    cites: str = ""


class MarkAmended(Event, frozen=True, kw_only=True):
    """A later code for the same session, with its reason; `replaces` is the code that stood before."""

    kind: ClassVar[str] = "entry"
    private: ClassVar[tuple[str, ...]] = ("detail", "reason")
    code: str
    replaces: str
    detail: str = ""
    reason: str = ""
    via: str = "office"


class MarkAsserted(Event, frozen=True, kw_only=True):
    """An original entry as a prior system asserts it: what it said before that is unknown. `source` is the file's
    digest."""

    kind: ClassVar[str] = "entry"
    private: ClassVar[tuple[str, ...]] = ("detail",)
    code: str
    source: str
    row: int
    detail: str = ""


# --- leave, notices -------------------------------------------------------------------------------------------------


class LeaveRequested(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "leave"
    private: ClassVar[tuple[str, ...]] = ("ground",)
    parent: str
    received_on: date
    first: str
    last: str
    on_form: bool = False
    ground: str = ""


class LeaveDecided(Event, frozen=True, kw_only=True):
    """`granted` pairs a session with its code; sessions of the request not in it are refused."""

    kind: ClassVar[str] = "leave"
    private: ClassVar[tuple[str, ...]] = ("reason", "details")
    granted: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    details: dict[str, str] = {}


class LeaveWithdrawn(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "leave"
    private: ClassVar[tuple[str, ...]] = ("reason",)
    reason: str = ""


class NoticeIssued(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "notice"
    parent: str
    issued_on: date
    sessions: tuple[str, ...]


class NoticePaid(Event, frozen=True, kw_only=True):
    """`amount` in whole pence."""

    kind: ClassVar[str] = "notice"
    paid_on: date
    amount: int


class NoticeWithdrawn(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "notice"
    private: ClassVar[tuple[str, ...]] = ("reason",)
    reason: str = ""


# --- follow-up ------------------------------------------------------------------------------------------------------


class AbsenceReported(Event, frozen=True, kw_only=True):
    """What a parent told us; the school classifies."""

    kind: ClassVar[str] = "follow-up"
    private: ClassVar[tuple[str, ...]] = ("channel", "said")
    parent: str
    received_at: datetime
    sessions: tuple[str, ...]
    channel: str = ""
    said: str = ""


class ContactLogged(Event, frozen=True, kw_only=True):
    """What we tried, and what came of it."""

    kind: ClassVar[str] = "follow-up"
    private: ClassVar[tuple[str, ...]] = ("channel", "outcome", "said", "next_step")
    contact: str
    sessions: tuple[str, ...] = ()
    channel: str = ""
    outcome: str = ""
    said: str = ""
    next_step: str = ""


class ArrivalLogged(Event, frozen=True, kw_only=True):
    """A line of the Late Book; the entry that it made, if any, is in the entry's own stream."""

    kind: ClassVar[str] = "follow-up"
    private: ClassVar[tuple[str, ...]] = ("reason",)
    session: str
    arrived_at: datetime
    code: str = ""
    reason: str = ""


SchoolEvent = Union[
    SchoolOpened, StaffNamed, PolicyAdopted, ImportBegun, SchoolYearOpened, CalendarAmended, ClosureDeclared
]
RollEvent = Union[PupilAdmitted, ClassChanged, ContactsChanged, GroupsChanged, PupilRemoved]
RegisterEvent = Union[RegisterTaken, RegisterClosed]
EntryEvent = Union[MarkRecorded, MarkAmended, MarkAsserted]
LeaveEvent = Union[LeaveRequested, LeaveDecided, LeaveWithdrawn]
NoticeEvent = Union[NoticeIssued, NoticePaid, NoticeWithdrawn]
FollowUpEvent = Union[AbsenceReported, ContactLogged, ArrivalLogged]
ReferenceEvent = Union[SchoolEvent, RollEvent, LeaveEvent, NoticeEvent]
AnyEvent = Union[SchoolEvent, RollEvent, RegisterEvent, EntryEvent, LeaveEvent, NoticeEvent, FollowUpEvent]
