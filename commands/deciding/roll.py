"""The roll: who is a pupil, in which class, with which parents, until when."""

from __future__ import annotations

from datetime import date, datetime

from commands.deciding.declaration import decides
from commands.deciding.deletion import check_ground, entries_read
from commands.deciding.state import Decided, Fact, State, london_day, signed
from commands.models.roll import (
    AdmitPupil,
    AmendParticulars,
    ChangeClass,
    ChangeContacts,
    ChangeEmergencyContacts,
    ChangeGroups,
    Parent,
    ReceiveMovingForm,
    RemoveFromRoll,
)
from ledger.errors import Refused
from ledger.events import (
    ClassChanged,
    ContactsChanged,
    EmergencyContactsChanged,
    GroupsChanged,
    MovingFormReceived,
    ParticularsAmended,
    PupilAdmitted,
    PupilRemoved,
)
from ledger.people import compulsory_school_age
from ledger.roll import PARTICULARS, Pupil
from ledger.streams import roll_stream


@decides(AdmitPupil)
def admit_pupil(command: AdmitPupil, state: State, now: datetime) -> Decided:
    """Return an admission; the starting day may lie ahead. Refuses: malformed (a birth that lies ahead),
    pupil_already_on_roll (on or after the starting day)."""
    by = signed(command.by)
    first, last = _school_age(command.born, now)
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
        emergency=_ids(command.emergency_contacts),
        name=command.name_,
        upn=command.upn or "",
        born=command.born.isoformat(),
        sex=command.sex,
        address=command.address,
        email=command.email,
        contacts=_contacts(command.parents),
        emergency_contacts=_contacts(command.emergency_contacts),
        groups=command.groups,
        last_school=command.last_school,
    )
    return Decided([Fact(roll_stream(command.pupil), admitted)])


@decides(ChangeClass)
def change_class(command: ChangeClass, state: State, now: datetime) -> Decided:
    """Return a move to a class from a day; registers before it are untouched. Refuses: pupil_not_on_roll (on that
    day)."""
    by = signed(command.by)
    state.check_on_roll(command.pupil, [command.from_day])
    placement = state.school.pupils[command.pupil].placement(command.from_day)
    year_group = command.year_group or placement.year_group
    moved = ClassChanged(by=by, class_name=command.class_name, year_group=year_group, from_day=command.from_day)
    return Decided([Fact(roll_stream(command.pupil), moved)])


@decides(ChangeContacts)
def change_contacts(command: ChangeContacts, state: State, now: datetime) -> Decided:
    """Return the whole new list of parents. Refuses: pupil_not_on_roll (now or ahead)."""
    by = signed(command.by)
    _present_or_coming(command.pupil, state, now)
    changed = ContactsChanged(
        by=by,
        parents=_ids(command.parents),
        contacts=_contacts(command.parents),
        from_day=command.from_day,
        reason=command.reason,
    )
    return Decided([Fact(roll_stream(command.pupil), changed)])


@decides(ChangeGroups)
def change_groups(command: ChangeGroups, state: State, now: datetime) -> Decided:
    """Return the whole new list of groups. Refuses: pupil_not_on_roll (now or ahead)."""
    by = signed(command.by)
    _present_or_coming(command.pupil, state, now)
    return Decided([Fact(roll_stream(command.pupil), GroupsChanged(by=by, groups=command.groups))])


@decides(RemoveFromRoll, reads=entries_read, follow_up=True)
def remove_from_roll(command: RemoveFromRoll, state: State, now: datetime) -> Decided:
    """Return a removal; the entries stay.

    As long as the last day has not passed, a later removal replaces the earlier one: another day, ground or
    destination. A ground of the regulation is held to the conditions that the ledger can see; any other text is kept,
    and named by the doctor. A last day before this ledger began is what another system asserts. Refuses:
    pupil_not_on_roll (on the last day, or left already), removal_in_the_past, ground_not_met.
    """
    by, today = signed(command.by), london_day(now)
    pupil = state.school.pupils.get(command.pupil)
    if pupil is None or command.last_day < pupil.spells[-1].first:
        raise Refused("pupil_not_on_roll", field="pupil", value=command.pupil)
    left = pupil.spells[-1].last
    if left is not None and left < today:
        expected = "a pupil who has not left; the last day of this one has passed"
        raise Refused("pupil_not_on_roll", field="pupil", value=command.pupil, expected=expected)
    opened_on = state.school.opened_on
    if command.last_day < today and not (opened_on and command.last_day < opened_on):
        raise Refused("removal_in_the_past", field="last_day", value=command.last_day)
    check_ground(command, state)
    removed = PupilRemoved(
        by=by,
        last_day=command.last_day,
        ground=command.ground,
        destination=command.destination,
        shown_by=command.shown_by,
    )
    return Decided([Fact(roll_stream(command.pupil), removed)])


@decides(ChangeEmergencyContacts)
def change_emergency_contacts(command: ChangeEmergencyContacts, state: State, now: datetime) -> Decided:
    """Return the whole new list of people to ring beside the parents. Refuses: pupil_not_on_roll (now or ahead)."""
    by = signed(command.by)
    _present_or_coming(command.pupil, state, now)
    contacts = command.emergency_contacts
    changed = EmergencyContactsChanged(
        by=by,
        emergency=_ids(contacts),
        emergency_contacts=_contacts(contacts),
        from_day=command.from_day,
        reason=command.reason,
    )
    return Decided([Fact(roll_stream(command.pupil), changed)])


@decides(AmendParticulars)
def amend_particulars(command: AmendParticulars, state: State, now: datetime) -> Decided:
    """Return what is different in the admission register from a day on; what it said before stays in the ledger.

    Refuses: malformed (nothing to amend, or no birth date of a child), pupil_not_on_roll (now or ahead),
    reason_required.
    """
    by = signed(command.by)
    said = {name: getattr(command, "name_" if name == "name" else name) for name in PARTICULARS}
    given = {name: str(value) for name, value in said.items() if value is not None}
    if not given:
        raise Refused("malformed", field="particulars", expected="at least one of " + ", ".join(PARTICULARS))
    first, last = _school_age(command.born, now) if command.born else (None, None)
    _present_or_coming(command.pupil, state, now)
    if not command.reason:
        raise Refused("reason_required", field="reason")
    amended = ParticularsAmended(
        by=by,
        from_day=command.from_day,
        school_age_first=first,
        school_age_last=last,
        particulars=given,
        reason=command.reason,
    )
    return Decided([Fact(roll_stream(command.pupil), amended)])


@decides(ReceiveMovingForm)
def receive_moving_form(command: ReceiveMovingForm, state: State, now: datetime) -> Decided:
    """Return the form of a parent who takes a pupil elsewhere. Refuses: pupil_not_on_roll (now or ahead),
    unknown_person, malformed (received on a day that lies ahead)."""
    by = signed(command.by)
    _present_or_coming(command.pupil, state, now)
    state.check_parent(command.pupil, command.parent)
    state.check_been(command.received_on, now, "received_on")
    received = MovingFormReceived(
        by=by,
        parent=command.parent,
        received_on=command.received_on,
        leaving_on=command.leaving_on,
        new_address=command.new_address,
        new_school=command.new_school,
        new_school_address=command.new_school_address,
    )
    return Decided([Fact(roll_stream(command.pupil), received)])


def _school_age(born: date, now: datetime) -> tuple[date, date]:
    """Return the days of compulsory school age. Refuses a birth that lies ahead or is no child's."""
    if born > london_day(now):
        raise Refused("malformed", field="born", expected="a day that has been")
    try:
        return compulsory_school_age(born)
    except ValueError:
        raise Refused("malformed", field="born", expected="the birth date of a child") from None


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
