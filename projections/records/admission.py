"""The admission register: what it says of a pupil on a day, as known at a moment, and everything it said before.

The roll's events are the register. An amendment holds from a day, so as of a day before it the earlier value counts; a
new list of groups, or of contacts that states no day, holds from the one it was recorded on. Of two values from
different days the one from the later day counts, of two from the same day the one recorded last. A pupil who comes back
is entered again: as of a day, the last spell that had begun then is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple, TypedDict, cast

import msgspec

from ledger.calendar import SchoolYear
from ledger.events import (
    ClassChanged,
    ContactsChanged,
    EmergencyContactsChanged,
    GroupsChanged,
    MovingFormReceived,
    ParticularsAmended,
    PupilAdmitted,
    PupilRemoved,
    RollEvent,
)
from ledger.grounds import ground
from ledger.policy import Policy
from ledger.roll import PARTICULARS
from ledger.sessions import format_moment, from_micros, school_year
from ledger.streams import roll_stream
from ledger.words import SEALED
from projections.asking.questions import Answer, Answers, Moment, StatedContact
from projections.records.known_event import RollEntry

CONTACT_FIELDS = ("name", "relationship", "lives_with", "phone", "email", "address", "contact_order")
LISTS = {"contacts": "parent", "emergency_contacts": "emergency contact"}
# What the register cannot be without, and how its history names it.
NAMES = {"born": "birth date", "upn": "UPN", "email": "e-mail", "last_school": "last school"}


class Contact(TypedDict):
    """A parent or emergency contact as the register states them, blank where nothing is known."""

    id: str
    name: str
    relationship: str
    lives_with: bool
    phone: str
    email: str
    address: str
    contact_order: int


class Spell(NamedTuple):
    """One spell on roll: its admission and everything recorded until the next, and each value with the day it holds
    from."""

    entries: list[RollEntry]
    values: dict[str, list[tuple[date, object]]]  # text, a list of groups or of contacts: each field has its own
    changes: list[Change]

    @property
    def admitted(self) -> RollEntry:
        return self.entries[0]

    @property
    def removed(self) -> RollEntry | None:
        return next((each for each in reversed(self.entries) if isinstance(each.event, PupilRemoved)), None)

    @property
    def forms(self) -> list[RollEntry]:
        return [each for each in self.entries if isinstance(each.event, MovingFormReceived)]

    @property
    def readable(self) -> bool:
        return not any(each.event.sealed for each in self.entries)

    def text(self, what: str, day: date) -> str:
        """Return what the register says on a day, of a field that holds text."""
        return str(self.value(what, day))

    def groups(self, day: date) -> tuple[str, ...]:
        """Return the groups that the register says on a day."""
        return cast(tuple[str, ...], self.value("groups", day))

    def people(self, what: str, day: date) -> tuple[StatedContact, ...]:
        """Return the parents ("contacts") or emergency contacts of a day, as they were stated."""
        return cast(tuple[StatedContact, ...], self.value(what, day))

    def value(self, what: str, day: date) -> object:
        """Return what the register says on a day: of the values that hold by then, that from the latest day."""
        held = [dated for dated in self.values[what] if dated[0] <= day]
        return sorted(held, key=lambda dated: dated[0])[-1][1] if held else self.values[what][0][1]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the register came to say differently."""

    what: str
    before: str
    after: str
    from_day: str
    reason: str
    recorded_at: str
    by: dict[str, str]
    position: int


class RollAnswer(Answer, frozen=True, kw_only=True, rename={"class_name": "class"}):
    """One pupil's line of the admission register. Without the key of the text, `readable` is false and it is blank."""

    name: str
    sex: str
    born: str
    address: str
    upn: str
    email: str
    last_school: str
    class_name: str
    year_group: str
    starting_day: str
    parents: list[Contact]
    emergency_contacts: list[Contact]
    spells: list[dict[str, str | None]]
    removal: dict[str, str] | None
    moving_forms: list[dict[str, str]]
    amendments: list[Change]
    readable: bool


def roll_answers(answers: Answers, moment: Moment, pupils: Iterable[str]) -> list[RollAnswer]:
    """Return the lines of these pupils, in order of number as text."""
    return [
        _answer(answers, moment, pupil, spells)
        for pupil, spells in sorted(roll_spells(answers, moment, pupils).items())
    ]


def roll_spells(answers: Answers, moment: Moment, pupils: Iterable[str]) -> dict[str, list[Spell]]:
    """Return every spell of these pupils as known at the moment, oldest first."""
    owners = {roll_stream(pupil): pupil for pupil in pupils}
    rows = [row for row in answers.ledger.reads.stream_rows(list(owners)) if row.position <= moment.position]
    by_pupil: dict[str, list[Spell]] = {}
    for row, event in answers.opened(rows):
        spells = by_pupil.setdefault(owners[row.stream], [])
        if isinstance(event, PupilAdmitted):
            spells.append(Spell([], {}, []))
        if spells and isinstance(event, RollEvent):
            _take_in(spells[-1], RollEntry(row.position, from_micros(row.recorded_at), event))
    return {pupil: spells for pupil, spells in by_pupil.items() if spells}


def spell_on(spells: list[Spell], day: date) -> Spell:
    """Return the last spell that had begun on a day, else the first."""
    begun = [spell for spell in spells if admission(spell).starting_day <= day]
    return begun[-1] if begun else spells[0]


def contacts_on(spell: Spell, what: str, day: date) -> list[Contact]:
    """Return parents ("contacts") or emergency contacts in the order to ring, every field of each stated. A parent who
    lives with the pupil and states no address has the pupil's."""
    home = spell.text("address", day) if what == "contacts" else ""
    stated = [
        Contact(
            id=each.get("id", ""),
            name=each.get("name", ""),
            relationship=each.get("relationship", ""),
            lives_with=bool(each.get("lives_with")),
            phone=each.get("phone", ""),
            email=each.get("email", ""),
            address=each.get("address") or (home if each.get("lives_with") else ""),
            contact_order=int(each.get("contact_order") or 0),
        )
        for each in spell.people(what, day)
    ]
    return sorted(stated, key=lambda one: one["contact_order"])


def year_begins(moment: Moment) -> date:
    """Return the first day of the school year to date, by the year that every school's records are filed under."""
    year = moment.school.calendar.year_begun_by(moment.as_of)
    return date(school_year(moment.as_of) if year is None else year, 8, 1)


def is_usual_start(year_group: str, start: date, year: SchoolYear, policy: Policy) -> bool:
    """Return whether a start is the usual one of the youngest class: by the first school day of its school year, or
    staggered over the first days of September."""
    staggered_until = date(year.year, 9, 1) + timedelta(days=policy.usual_start_september_days - 1)
    first = min(year.days(), default=year.first_day)
    return year_group == policy.year_groups_youngest and start <= max(first, staggered_until)


def admission(spell: Spell) -> PupilAdmitted:
    """Return the event that began a spell."""
    event = spell.admitted.event
    assert isinstance(event, PupilAdmitted)
    return event


def _take_in(spell: Spell, entry: RollEntry) -> None:
    """Add what an event of the roll says, and what that changes."""
    spell.entries.append(entry)
    event = entry.event
    if isinstance(event, PupilAdmitted):
        for what in (*PARTICULARS, *LISTS, "groups", "class_name", "year_group"):
            spell.values[what] = [(date.min, getattr(event, what))]
    for what, from_day, value in _stated(entry):
        before = spell.value(what, from_day)
        spell.values[what].append((from_day, value))
        spell.changes.extend(_change(entry, *words, from_day) for words in _differences(what, before, value))
    if event.sealed and not isinstance(event, PupilAdmitted):
        spell.changes.append(_change(entry, "text", SEALED, SEALED, entry.day))


def _stated(entry: RollEntry) -> Iterator[tuple[str, date, object]]:
    """Yield what an event states, from which day, and what it is then."""
    match event := entry.event:
        case ParticularsAmended():
            yield from ((what, event.from_day, value) for what, value in event.particulars.items())
        case ContactsChanged() if not event.sealed:
            yield "contacts", event.from_day or entry.day, event.contacts
        case EmergencyContactsChanged() if not event.sealed:
            yield "emergency_contacts", event.from_day or entry.day, event.emergency_contacts
        case GroupsChanged() if not event.sealed:
            yield "groups", entry.day, event.groups
        case ClassChanged():
            yield "class_name", event.from_day, event.class_name
            yield "year_group", event.from_day, event.year_group
        case _:
            pass  # an admission begins a spell; forms and removals are read where they stand


def _differences(what: str, before: object, after: object) -> Iterator[tuple[str, str, str]]:
    """Yield name, earlier and later text of everything that differs; of contacts person by person, field by field."""
    if what not in LISTS:
        old, new = (", ".join(each) if isinstance(each, tuple) else str(each) for each in (before, after))
        if old != new:
            yield NAMES.get(what, what.removesuffix("_name").replace("_", " ")), old, new
        return
    old_people, new_people = _by_id(before), _by_id(after)
    for person in sorted(old_people.keys() | new_people.keys()):
        old_one, new_one = old_people.get(person, {}), new_people.get(person, {})
        for field in CONTACT_FIELDS:
            if _text(old_one.get(field)) != _text(new_one.get(field)):
                name = f"{LISTS[what]} {person}: {field.replace('_', ' ')}"
                yield name, _text(old_one.get(field)), _text(new_one.get(field))


def _by_id(people: object) -> dict[str, Mapping[str, object]]:
    return {str(each.get("id")): each for each in cast(Iterable[Mapping[str, object]], people)}


def _text(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value or "")


def _change(entry: RollEntry, what: str, before: str, after: str, from_day: date) -> Change:
    return Change(
        what=what,
        before=before,
        after=after,
        from_day=from_day.isoformat(),
        reason=getattr(entry.event, "reason", ""),
        recorded_at=format_moment(entry.recorded_at),
        by={"name": entry.event.by.name, "title": entry.event.by.title},
        position=entry.position,
    )


def _answer(answers: Answers, moment: Moment, pupil: str, spells: list[Spell]) -> RollAnswer:
    spell, day = spell_on(spells, moment.as_of), moment.as_of
    return RollAnswer(
        **moment.header(pupil),
        **{what: spell.text(what, day) for what in PARTICULARS},
        class_name=spell.text("class_name", day),
        year_group=spell.text("year_group", day),
        starting_day=admission(spell).starting_day.isoformat(),
        parents=contacts_on(spell, "contacts", day),
        emergency_contacts=contacts_on(spell, "emergency_contacts", day),
        spells=[_spell(each) for each in spells],
        removal=_removal(spell.removed),
        moving_forms=[_form(each) for each in spell.forms],
        amendments=[change for each in spells for change in each.changes],
        readable=all(each.readable for each in spells),
    )


def _spell(spell: Spell) -> dict[str, str | None]:
    removed = _removal(spell.removed)
    return {
        "first": admission(spell).starting_day.isoformat(),
        "last": removed["last_day"] if removed else None,
        "entered_at": format_moment(spell.admitted.recorded_at),
    }


def _removal(entry: RollEntry | None) -> dict[str, str] | None:
    if entry is None:
        return None
    event = entry.event
    assert isinstance(event, PupilRemoved)
    stated = ground(event.ground)
    return {
        "last_day": event.last_day.isoformat(),
        "ground": SEALED if event.sealed else event.ground,
        "regulation": stated.name if stated else "",
        "destination": event.destination,
        "shown_by": event.shown_by,
        "recorded_at": format_moment(entry.recorded_at),
    }


def _form(entry: RollEntry) -> dict[str, str]:
    event = entry.event
    assert isinstance(event, MovingFormReceived)
    return {
        "parent": event.parent,
        "received_on": event.received_on.isoformat(),
        "leaving_on": event.leaving_on.isoformat(),
        "new_address": event.new_address,
        "new_school": event.new_school,
        "new_school_address": event.new_school_address,
    }
