"""What is off in the admission register: particulars that the law wants and that nobody has stated.

Pupils on roll as of the day are held to regulation 8: every parent with an address and a number, somebody to ring
beside one contact, the last school, a UPN. Those who have left in the school year to date, or are about to, are held to
regulation 9 and the policy: a ground of the regulation, what shows it, and where they went. Leaving at the end of the
final year needs none of that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from ledger.events import PupilAdmitted, PupilRemoved
from ledger.finding import OPEN, Action, Finding, action
from ledger.grounds import Ground, ground
from projections.asking.questions import Answers, Moment
from projections.records.admission import Spell, contacts_on, roll_spells, spell_on, year_begins


def roll_findings(answers: Answers, moment: Moment) -> list[Finding]:
    """Return what the admission register lacks as of a day, as known at a moment, pupil by pupil. What is sealed
    without its key is not judged."""
    begins = year_begins(moment)
    findings: list[Finding] = []
    holders: dict[str, list[str]] = defaultdict(list)
    for pupil, spells in sorted(roll_spells(answers, moment, moment.school.pupils).items()):
        spell = spell_on(spells, moment.as_of)
        if not spell.readable:
            continue
        if upn := spell.text("upn", moment.as_of):
            holders[upn].append(pupil)
        if moment.school.on_roll(pupil, moment.as_of):
            findings += [
                Finding(rule, sentence, pupil, action=_settling(rule, pupil, moment))
                for rule, sentence in _particulars(spell, moment)
            ]
        removed = spell.removed
        if removed is not None and _last_day(spell) >= begins:
            findings += [
                Finding(*finding, pupil, position=removed.position) for finding in _removal(pupil, spell, moment)
            ]
    findings += [
        Finding("upn_twice", f"the same UPN stands for {', '.join(numbers)}", numbers[0])
        for numbers in holders.values()
        if len(numbers) > 1
    ]
    return findings


def _particulars(spell: Spell, moment: Moment) -> Iterator[tuple[str, str]]:
    """Yield what regulation 8 asks for and the register does not say."""
    day, policy = moment.as_of, moment.in_force
    parents = contacts_on(spell, "contacts", day)
    people = [*parents, *contacts_on(spell, "emergency_contacts", day)]
    if not parents:
        yield "parent_missing", "no parent is named"
    lacks = {
        "parent_without_name": ("name", "no name"),
        "parent_without_address": ("address", "no address, nor the pupil's"),
        "parent_without_number": ("phone", "no number to ring in an emergency"),
    }
    for rule, (field, lack) in lacks.items():
        if without := [str(parent["id"]) for parent in parents if not str(parent.get(field)).strip()]:
            yield rule, f"{lack} of {' and '.join(without)}"
    numbers = {str(person["phone"]) for person in people if person["phone"]}
    if not numbers:
        yield "emergency_number_missing", "there is no number to ring in an emergency"
    elif len(people) < 2:
        yield "one_contact_only", "there is one contact only, and more should be held where that is practicable"
    if not spell.text("upn", day):
        yield "upn_missing", "no unique pupil number is stated"
    admitted = spell.admitted.event
    assert isinstance(admitted, PupilAdmitted)
    if not spell.text("last_school", day) and (policy is None or admitted.year_group != policy.year_groups_youngest):
        yield "last_school_missing", "no last school is stated"


def _settling(rule: str, pupil: str, moment: Moment) -> Action:
    """Return the command that states what is missing."""
    if rule in ("upn_missing", "last_school_missing"):
        return action("AmendParticulars", pupil=pupil, from_day=moment.as_of, reason=OPEN)
    return action("ChangeContacts", pupil=pupil, parents=OPEN)


def _removal(pupil: str, spell: Spell, moment: Moment) -> Iterator[tuple[str, str]]:
    """Yield what a removal does not say that it must."""
    removed = spell.removed
    assert removed is not None and isinstance(removed.event, PupilRemoved)
    event, policy = removed.event, moment.in_force
    if policy is not None and moment.school.completes(pupil, event.last_day, policy.year_groups_final):
        return
    stated = ground(event.ground)
    if stated is None:
        yield "ground_unknown", "the pupil was removed on a ground that is none of the regulation's"
    elif not event.shown_by and asks_for_proof(stated) and not (stated.key == "moved away" and spell.forms):
        yield "ground_not_shown", f"nothing says what shows the ground for deletion: {stated.shown_by}"
    if not event.destination and not any(_destination(spell)) and (stated is None or stated.key != "died"):
        yield "destination_missing", "neither a form for moving from school nor a destination says where the pupil went"


def asks_for_proof(stated: Ground) -> bool:
    """Return whether somebody must say what shows a ground: joint enquiries are recorded before it is accepted."""
    return bool(stated.shown_by) and stated.check not in ("continuous", "after_leave")


def _destination(spell: Spell) -> Iterator[str]:
    for form in spell.forms:
        yield getattr(form.event, "new_school", "") or getattr(form.event, "new_address", "")


def _last_day(spell: Spell) -> date:
    removed = spell.removed
    assert removed is not None and isinstance(removed.event, PupilRemoved)
    return removed.event.last_day
