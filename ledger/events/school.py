"""The school: opened, its people, its policies, its years, its closures."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Union

from ledger.calendar import Closed, Hours
from ledger.events.base import NOBODY, Event
from ledger.people import Staff
from ledger.settings import Setting


class OfSchool(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "school"


class Noted(OfSchool, frozen=True, kw_only=True):
    """What nothing is judged by: it stands in the ledger for whoever asks."""


class SchoolOpened(OfSchool, frozen=True, kw_only=True):
    """A ledger begins. `simulated` fixes its clock: true takes the journal's times, false the recorder's own.

    `policy` is the name of the policy, `title`, `edition` and `settings` are the whole of it, and `codes` is the digest
    of its table of codes. The first releases recorded the name alone: then the shipped policy of that name is meant."""

    urn: str
    name: str
    la: str
    estab: str
    policy: str
    simulated: bool
    title: str = ""
    edition: str = ""
    settings: dict[str, Setting] = {}
    codes: str = ""


class StaffNamed(OfSchool, frozen=True, kw_only=True):
    """A person who signs, first named or changed in name or title."""

    staff: Staff


class PolicyAdopted(OfSchool, frozen=True, kw_only=True):
    """In force from a day, to be looked at again by another; the policy is kept as in `SchoolOpened`."""

    policy: str
    from_day: date
    review_on: date | None = None
    title: str = ""
    edition: str = ""
    settings: dict[str, Setting] = {}
    codes: str = ""


class RoleNamed(OfSchool, frozen=True, kw_only=True):
    """Who holds a role from a day on: the whole list, none at all where nobody does."""

    private: ClassVar[tuple[str, ...]] = ("contact",)
    role: str
    holders: tuple[Staff, ...]
    from_day: date
    contact: str = ""


class ImportBegun(OfSchool, frozen=True, kw_only=True):
    """Marks that another system asserts are about to follow; their earlier history is unknown."""

    source: str
    digest: str
    rows: int


class SchoolYearOpened(OfSchool, frozen=True, kw_only=True):
    year: int
    first_day: date
    last_day: date
    closed: tuple[Closed, ...] = ()
    hours: tuple[Hours, Hours]


class CalendarAmended(OfSchool, frozen=True, kw_only=True):
    """The whole new list of closed days and the hours, and why. Marks already taken are untouched."""

    private: ClassVar[tuple[str, ...]] = ("reason",)
    year: int
    closed: tuple[Closed, ...]
    hours: tuple[Hours, Hours]
    reason: str = ""


class ClosureDeclared(OfSchool, frozen=True, kw_only=True):
    """These sessions expect `code`, for everyone, for `classes` or for `pupils`."""

    private: ClassVar[tuple[str, ...]] = ("reason",)
    sessions: tuple[str, ...]
    code: str
    classes: tuple[str, ...] = ()
    pupils: tuple[str, ...] = ()
    reason: str = ""


class DailyReturnMade(OfSchool, frozen=True, kw_only=True):
    """The codes of a day were sent to the department as known at `seen`; `digest` is of what was sent."""

    day: date
    seen: int
    pupils: int
    digest: str


class ClockAccepted(Noted, frozen=True, kw_only=True):
    """The clock was more than 60 days ahead of the last event, and whoever signs says that it is right."""


class StampsDoubted(OfSchool, frozen=True, kw_only=True):
    """The recorded times from one position to another are wrong; with no `last`, up to this event. They stay as they
    are, and what went on from them a microsecond apart is as wrong."""

    called: ClassVar[str] = "Recorded times doubted"
    private: ClassVar[tuple[str, ...]] = ("reason",)
    first: int
    last: int = 0
    reason: str = ""


class RestorationAccepted(Noted, frozen=True, kw_only=True):
    """The ledger was restored from an older copy, or replaced, and whoever signs says that it is right: the read model
    had `stood` at one position, the ledger `ended` at another, and what only the read model knew of is lost."""

    called: ClassVar[str] = "Restored ledger accepted"
    stood: int
    ended: int


class YearsForgotten(OfSchool, frozen=True, kw_only=True):
    """The keys of these pupils' school years (0: what belongs to no single year) were destroyed, and with them every
    word sealed under them; codes, counts and proofs stay. `second` agreed to it beside whoever signs."""

    called: ClassVar[str] = "School years forgotten"
    years: tuple[tuple[str, int], ...]
    second: Staff = NOBODY


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
    YearsForgotten,
    ClockAccepted,
    StampsDoubted,
    RestorationAccepted,
]
