"""The roll: who is a pupil, in which class, with which parents, until when."""

from __future__ import annotations

from datetime import datetime

from commands.models import AdmitPupil, ChangeClass, ChangeContacts, ChangeGroups, Parent, RemoveFromRoll
from commands.state import Decided, Fact, State, london_day, signed
from ledger.errors import Refused
from ledger.events import ClassChanged, ContactsChanged, GroupsChanged, PupilAdmitted, PupilRemoved
from ledger.people import compulsory_school_age
from ledger.roll import Pupil
from ledger.streams import roll_stream


def admit_pupil(command: AdmitPupil, state: State, now: datetime) -> Decided:
    """Return an admission; the starting day may lie ahead. Refuses: malformed (a birth that lies ahead),
    pupil_already_on_roll (on or after the starting day)."""
    by = signed(command.by)
    if command.born > london_day(now):
        raise Refused("malformed", field="born", expected="a day that has been")
    try:
        first, last = compulsory_school_age(command.born)
    except ValueError:
        raise Refused("malformed", field="born", expected="the birth date of a child") from None
    known = state.school.pupils.get(command.pupil)
    if known and any(spell.last is None or spell.last >= command.starting_day for spell in known.spells):
        raise Refused("pupil_already_on_roll", field="pupil", value=command.pupil)
    admitted = PupilAdmitted(
        by=by,
        starting_day=command.starting_day,
        year_group=command.year_group,
        class_name=command.class_name,
        school_age_first=first,
        school_age_last=last,
        parents=_ids(command.parents),
        name=command.name_,
        upn=command.upn or "",
        born=command.born.isoformat(),
        sex=command.sex,
        address=command.address,
        email=command.email,
        contacts=_contacts(command.parents),
        groups=command.groups,
        last_school=command.last_school,
    )
    return Decided([Fact(roll_stream(command.pupil), admitted)])


def change_class(command: ChangeClass, state: State, now: datetime) -> Decided:
    """Return a move to a class from a day; registers before it are untouched. Refuses: pupil_not_on_roll (on that
    day)."""
    by = signed(command.by)
    state.check_on_roll(command.pupil, [command.from_day])
    placement = state.school.pupils[command.pupil].placement(command.from_day)
    year_group = command.year_group or placement.year_group
    moved = ClassChanged(by=by, class_name=command.class_name, year_group=year_group, from_day=command.from_day)
    return Decided([Fact(roll_stream(command.pupil), moved)])


def change_contacts(command: ChangeContacts, state: State, now: datetime) -> Decided:
    """Return the whole new list of parents. Refuses: pupil_not_on_roll (now or ahead)."""
    by = signed(command.by)
    _present_or_coming(command.pupil, state, now)
    changed = ContactsChanged(by=by, parents=_ids(command.parents), contacts=_contacts(command.parents))
    return Decided([Fact(roll_stream(command.pupil), changed)])


def change_groups(command: ChangeGroups, state: State, now: datetime) -> Decided:
    """Return the whole new list of groups. Refuses: pupil_not_on_roll (now or ahead)."""
    by = signed(command.by)
    _present_or_coming(command.pupil, state, now)
    return Decided([Fact(roll_stream(command.pupil), GroupsChanged(by=by, groups=command.groups))])


def remove_from_roll(command: RemoveFromRoll, state: State, now: datetime) -> Decided:
    """Return a removal; the entries stay. Refuses: pupil_not_on_roll (on the last day, or left already)."""
    by = signed(command.by)
    state.check_on_roll(command.pupil, [command.last_day])
    if state.school.pupils[command.pupil].spells[-1].last is not None:
        raise Refused("pupil_not_on_roll", field="pupil", value=command.pupil)
    removed = PupilRemoved(by=by, last_day=command.last_day, ground=command.ground, destination=command.destination)
    return Decided([Fact(roll_stream(command.pupil), removed)])


def _present_or_coming(number: str, state: State, now: datetime) -> Pupil:
    pupil = state.school.pupils.get(number)
    last = pupil.spells[-1].last if pupil else None
    if pupil is None or (last is not None and last < london_day(now)):
        raise Refused("pupil_not_on_roll", field="pupil", value=number)
    return pupil


def _ids(parents: tuple[Parent, ...]) -> tuple[str, ...]:
    return tuple(parent.id for parent in parents)


def _contacts(parents: tuple[Parent, ...]) -> tuple[dict[str, object], ...]:
    return tuple(parent.model_dump(mode="json", exclude_defaults=True) for parent in parents)
