"""The morning page of the attendance office: what somebody must do on a day, most urgent and most vulnerable first.

Each procedure finds its own duties and this module puts them in order: by urgency, then the most vulnerable pupil, then
the last day, then kind and pupil. Nothing here is stored or sent, and nothing is decided: a duty stays for as long as
the ledger does not show that it was done, and asking again with the same times gives the same page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import msgspec

from ledger.sessions import format_moment
from projections.asking.questions import Answer, Answers, Moment
from projections.desk import Desk
from projections.duty import KINDS, Duty
from projections.followup import absence_duties, office_duties
from projections.followup.lateness import punctuality_duties
from projections.followup.support import support_duties
from projections.lines import command_line
from projections.penalties.ladder import ladder_duties
from projections.returns.authority import returns_duties
from projections.returns.daily import daily_duties

SOURCES: tuple[Callable[[Desk], list[Duty]], ...] = (
    absence_duties.register_duties,
    absence_duties.call_duties,
    absence_duties.ladder_duties,
    absence_duties.unmarked_duties,
    absence_duties.unresolved_duties,
    absence_duties.ring_back_duties,
    absence_duties.inform_duties,
    office_duties.letter_duties,
    support_duties,
    office_duties.evidence_duties,
    office_duties.leave_duties,
    office_duties.school_duties,
    ladder_duties,
    returns_duties,
    daily_duties,
    punctuality_duties,
)


class ContactAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ring: the contact's id, and the place in the order in which this pupil's are rung."""

    id: str
    order: int


class DueAnswer(Answer, frozen=True, kw_only=True):
    """One line of the page. No pupil: the school's. `vulnerable` is null where the pupil's groups cannot be read."""

    now: str
    urgency: str
    kind: str
    sentence: str
    by: str | None
    contact: ContactAnswer | None
    vulnerable: bool | None
    command: str


def duties(desk: Desk, kind: str | None = None, pupil: str | None = None) -> list[Duty]:
    """Return what is to be done, in order; only of one kind, only about one pupil."""
    every = [duty for source in SOURCES for duty in source(desk)]
    unknown = {duty.rule for duty in every}.difference(KINDS)
    assert not unknown, f"kinds of duty that nobody can ask for: {unknown}"
    chosen = [duty for duty in every if kind in (None, duty.rule) and pupil in (None, duty.pupil)]
    return sorted(chosen, key=lambda duty: _place(duty, desk))


def _place(duty: Duty, desk: Desk) -> tuple[int, int, date, str, str, str]:
    pupil = duty.pupil or ""
    return duty.urgency, desk.rank(pupil), duty.by or date.max, duty.rule, pupil, duty.sentence


def desk_of(answers: Answers, moment: Moment, now: datetime | None = None) -> Desk | None:
    """Return the desk of a moment, None before a school was opened: then nobody owes anything."""
    return None if moment.in_force is None else Desk(answers, moment, now)


def due_answers(desk: Desk, due: list[Duty]) -> list[DueAnswer]:
    """Return duties as programs read them. Names and numbers are opened on a screen only."""
    return [
        DueAnswer(
            **desk.moment.header(duty.pupil or ""),
            now=format_moment(desk.now),
            urgency=duty.urgency.name.lower(),
            kind=duty.rule,
            sentence=duty.sentence,
            by=duty.by.isoformat() if duty.by else None,
            contact=_contact(duty, desk),
            vulnerable=_vulnerable(duty.pupil or "", desk),
            command=command_line(duty.action),
        )
        for duty in due
    ]


def _contact(duty: Duty, desk: Desk) -> ContactAnswer | None:
    if not duty.contact or not duty.pupil:
        return None
    order = desk.contacts(duty.pupil).in_order
    return ContactAnswer(id=duty.contact, order=order.index(duty.contact) + 1 if duty.contact in order else len(order))


def _vulnerable(pupil: str, desk: Desk) -> bool | None:
    known = desk.particulars.get(pupil)
    if known is None:
        return False
    return any(group in desk.policy.vulnerable_groups for group in known.groups) if known.readable else None
