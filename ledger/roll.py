"""A pupil on the roll: spells, classes, parents and the days of compulsory school age, as the roll's events say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, assert_never

from ledger.events import (
    ClassChanged,
    ContactsChanged,
    EmergencyContactsChanged,
    GroupsChanged,
    HoldLifted,
    HoldPlaced,
    MovingFormReceived,
    ParticularsAmended,
    PupilAdmitted,
    PupilRemoved,
    RecordReceived,
    RollEvent,
)
from ledger.sessions import school_year

# What the admission register says of a pupil and can be amended, beside parents, contacts and groups.
PARTICULARS = ("name", "upn", "born", "sex", "address", "email", "last_school")


SECONDARY_YEARS = 5  # years 7 to 11: compulsory school age ends with the last of them (Education Act 1996, s. 8)


class Spell(NamedTuple):
    """Days on roll, both inclusive; `last` is None while the pupil has not left."""

    first: date
    last: date | None

    def holds(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


class Placement(NamedTuple):
    """The class and year group from a day on."""

    from_day: date
    class_name: str
    year_group: str


@dataclass
class Pupil:
    number: str
    spells: list[Spell] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    parents: tuple[str, ...] = ()
    emergency: tuple[str, ...] = ()
    school_age: tuple[date, date] = (date.max, date.min)
    # Versions in the roll stream where the sealed particulars stand, so that a screen opens just those.
    admitted_version: int = 0
    contacts_version: int = 0
    groups_version: int = 0
    emergency_version: int = 0
    particulars_versions: tuple[int, ...] = ()
    forms_versions: tuple[int, ...] = ()
    removed_version: int = 0
    held: bool = False  # nothing may be forgotten

    def on_roll(self, day: date) -> bool:
        return any(spell.holds(day) for spell in self.spells)

    def placement(self, day: date) -> Placement:
        """Return where the pupil is on a day: the last placement that had begun, else the first there is."""
        for placement in reversed(self.placements):
            if placement.from_day <= day:
                return placement
        return self.placements[0]

    def of_school_age(self, day: date) -> bool:
        first, last = self.school_age
        return first <= day <= last

    def of_secondary_age(self, day: date) -> bool:
        """Return whether a day lies in the last five school years of compulsory school age, or after them."""
        return school_year(day) > school_year(self.school_age[1]) - SECONDARY_YEARS

    def apply(self, version: int, event: RollEvent) -> None:
        match event:
            case PupilAdmitted():
                self.spells.append(Spell(event.starting_day, None))
                self._place(Placement(event.starting_day, event.class_name, event.year_group))
                self.parents, self.emergency = event.parents, event.emergency
                self.school_age = (event.school_age_first, event.school_age_last)
                self.admitted_version = self.contacts_version = self.groups_version = version
                self.emergency_version = version
                self.particulars_versions = ()
            case ClassChanged():
                self._place(Placement(event.from_day, event.class_name, event.year_group))
            case ContactsChanged():
                self.parents = event.parents
                self.contacts_version = version
            case GroupsChanged():
                self.groups_version = version
            case EmergencyContactsChanged():
                self.emergency, self.emergency_version = event.emergency, version
            case ParticularsAmended():
                self.particulars_versions = (*self.particulars_versions, version)
                if event.school_age_first and event.school_age_last:
                    self.school_age = event.school_age_first, event.school_age_last
            case HoldPlaced():
                self.held = True
            case HoldLifted():
                self.held = False
            case MovingFormReceived():
                self.forms_versions = (*self.forms_versions, version)
            case RecordReceived():
                pass  # about another school's sessions: the school keeps it, with its position
            case PupilRemoved():
                self.removed_version = version
                self.spells[-1] = Spell(self.spells[-1].first, event.last_day)
            case _:
                assert_never(event)

    def _place(self, placement: Placement) -> None:
        if not self.placements:
            self.placements = [placement]
            return
        # A later word about the same day replaces the earlier one; other days keep theirs, in order.
        others = [kept for kept in self.placements if kept.from_day != placement.from_day]
        self.placements = sorted([*others, placement], key=lambda placed: placed.from_day)
