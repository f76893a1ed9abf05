"""A pupil on the roll: spells, classes, parents and the days of compulsory school age, as the roll's events say."""

from __future__ import annotations

from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Pupil:
    number: str
    spells: tuple[Spell, ...] = ()
    placements: tuple[Placement, ...] = ()
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

    def after(self, version: int, event: RollEvent) -> Pupil:
        """Return the pupil after an event of the roll."""
        match event:
            case PupilAdmitted():
                return replace(
                    self,
                    spells=(*self.spells, Spell(event.starting_day, None)),
                    placements=self._placed(Placement(event.starting_day, event.class_name, event.year_group)),
                    parents=event.parents,
                    emergency=event.emergency,
                    school_age=(event.school_age_first, event.school_age_last),
                    admitted_version=version,
                    contacts_version=version,
                    groups_version=version,
                    emergency_version=version,
                    particulars_versions=(),
                )
            case ClassChanged():
                placement = Placement(event.from_day, event.class_name, event.year_group)
                return replace(self, placements=self._placed(placement))
            case ContactsChanged():
                return replace(self, parents=event.parents, contacts_version=version)
            case GroupsChanged():
                return replace(self, groups_version=version)
            case EmergencyContactsChanged():
                return replace(self, emergency=event.emergency, emergency_version=version)
            case ParticularsAmended():
                ages = self.school_age
                if event.school_age_first and event.school_age_last:
                    ages = event.school_age_first, event.school_age_last
                return replace(self, particulars_versions=(*self.particulars_versions, version), school_age=ages)
            case HoldPlaced():
                return replace(self, held=True)
            case HoldLifted():
                return replace(self, held=False)
            case MovingFormReceived():
                return replace(self, forms_versions=(*self.forms_versions, version))
            case RecordReceived():
                return self  # about another school's sessions: the school keeps it, with its position
            case PupilRemoved():
                *before, last = self.spells
                return replace(self, spells=(*before, Spell(last.first, event.last_day)), removed_version=version)
            case _:
                assert_never(event)

    def _placed(self, placement: Placement) -> tuple[Placement, ...]:
        """Return where the pupil is with one more placement: a later word about the same day replaces the earlier one,
        other days keep theirs, in order."""
        others = [kept for kept in self.placements if kept.from_day != placement.from_day]
        return tuple(sorted([*others, placement], key=lambda placed: placed.from_day))
