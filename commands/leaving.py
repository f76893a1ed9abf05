"""Before a name is deleted from the admission register: what the ground, the authority and the policy still ask for.

A removal that was recorded cannot be taken back, so this is asked beforehand. Whether the removal would be accepted is
asked of the decision itself, so the two cannot disagree; what stands around it (the return, the form, the worker, what
shows the ground) is nothing the decision refuses for, and is looked up here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from commands.handle import Handler
from commands.models import parse
from ledger.events import MovingFormReceived, PupilRemoved
from ledger.finding import Open, action
from ledger.grounds import Ground, ground
from projections.asking.questions import Answer, Answers, Moment
from projections.lines import command_line
from projections.records.admission import Spell, roll_spells, spell_on
from projections.records.chronology import chronologies
from projections.records.known_event import FollowUp
from projections.records.roll_health import asks_for_proof
from projections.returns.authority import return_candidates, worker_told
from projections.returns.episodes import RETURNS_REST_ON, leaving_of

MOVED = "moved away"  # shown by the form that is asked for anyway
# Nobody is there to fill in a form.
WITHOUT_FORM = ("died", "absent twenty days", "not returned from leave")
ASKER = {"id": "check", "name": "Deletion check", "title": "asks only"}  # nothing is recorded, so nobody signs


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that has to be so before a name is deleted, whether it is, and the line that makes it so."""

    what: str
    met: bool
    sentence: str
    command: str = ""


class DeletionAnswer(Answer, frozen=True, kw_only=True):
    """Whether a name may be deleted on a ground after a last day. `transition`: the usual leaving of the final year."""

    ground: str
    last_day: str
    transition: bool
    ready: bool
    checks: list[Check]


class _Case(NamedTuple):
    """What the checks are made from."""

    pupil: str
    spell: Spell
    chronology: Sequence[FollowUp]
    stated: Ground | None
    ground: str
    last_day: date
    shown_by: str
    transition: bool


def deletion_check(
    answers: Answers,
    handler: Handler,
    moment: Moment,
    pupil: str,
    *,
    ground_key: str = "",
    last_day: date | None = None,
    shown_by: str = "",
) -> DeletionAnswer:
    """Return what is there and what is missing. Left out, ground and last day are those of the removal or of the form
    for moving from school that is recorded, else the day asked about."""
    spell = spell_on(roll_spells(answers, moment, [pupil])[pupil], moment.as_of)
    removed = spell.removed.event if spell.removed else None
    removed = removed if isinstance(removed, PupilRemoved) else None
    leaving = leaving_of(spell, moment.as_of)
    last_day = last_day or (leaving.last_day if leaving else moment.as_of)
    ground_key = ground_key or (removed.ground if removed else "")
    final = moment.in_force is not None and moment.school.completes(pupil, last_day, moment.policy.year_groups_final)
    chronology = chronologies(answers, moment, [pupil], topics=RETURNS_REST_ON)[pupil]
    shown_by = shown_by or (removed.shown_by if removed else "")
    case = _Case(pupil, spell, chronology, ground(ground_key), ground_key, last_day, shown_by, final)
    checks = [*_removal(case, handler, moment), *_around(case, answers, moment)]
    return DeletionAnswer(
        **moment.header(pupil),
        ground=ground_key,
        last_day=last_day.isoformat(),
        transition=final,
        ready=all(check.met for check in checks),
        checks=checks,
    )


def _removal(case: _Case, handler: Handler, moment: Moment) -> Iterator[Check]:
    """Yield what the removal itself is held to: a day that has not passed, a ground, its conditions."""
    if case.spell.removed is not None:
        yield Check(what="removal", met=True, sentence="recorded already")
        return
    ahead = case.last_day >= moment.as_of
    said = str(case.last_day) if ahead else f"{case.last_day} has passed, and no name is deleted retrospectively"
    yield Check(what="last day", met=ahead, sentence=said)
    if case.stated is None:
        yield Check(what="ground", met=False, sentence="none of the regulation's is stated, see --help")
        return
    yield Check(what="ground", met=True, sentence=case.stated.name)
    # A day that has passed would hide what else is refused.
    last_day = max(case.last_day, moment.as_of)
    removal = {"command": "RemoveFromRoll", "pupil": case.pupil, "last_day": str(last_day), "ground": case.ground}
    refused = handler.refusal(parse(removal | {"by": ASKER}))
    enquiries = action("RecordEnquiries", pupil=case.pupil, on=moment.as_of, jointly=True)
    enquire = refused is not None and refused.rule == "ground_not_met" and _needs_enquiries(case)
    yield Check(
        what="conditions",
        met=refused is None,
        sentence=str(refused) if refused else "the removal would be accepted",
        command=command_line(enquiries) if enquire else "",
    )


def _around(case: _Case, answers: Answers, moment: Moment) -> Iterator[Check]:
    """Yield what has to stand beside a removal."""
    if case.stated is not None and asks_for_proof(case.stated) and case.stated.key != MOVED:
        shown = action("deletion", pupil=case.pupil, shown_by=Open("TEXT"))
        yield Check(
            what="shown by",
            met=bool(case.shown_by),
            sentence=case.shown_by or case.stated.shown_by,
            command="" if case.shown_by else command_line(shown),
        )
    if case.transition:
        yield Check(what="return", met=True, sentence="not needed at the end of the final year")
    else:
        yield _return(case, answers, moment)
        yield from _form(case)
    groups = case.spell.groups(moment.as_of)
    for group in moment.policy.inform_groups if moment.in_force else ():
        if group in groups:
            done = worker_told(case.chronology, group, case.spell, moment.as_of)
            tells = action("InformAgency", pupil=case.pupil, agency=group, about="deletion", on=moment.as_of)
            yield Check(
                what=group,
                met=done,
                sentence="was told of the deletion" if done else "is to be told of the deletion",
                command="" if done else command_line(tells),
            )


def _return(case: _Case, answers: Answers, moment: Moment) -> Check:
    since = case.spell.admitted.position
    made = [
        each.made
        for each in return_candidates(answers, moment, [case.pupil])
        if each.form == "deletion" and each.made and each.made.position > since
    ]
    if made:
        return Check(what="return", met=True, sentence=f"made on {made[-1].on}")
    known = leaving_of(case.spell, moment.as_of) is not None
    last_day = None if known else case.last_day
    stated = case.ground if case.stated else Open("TEXT")
    make = action("return make", pupil=case.pupil, form="deletion", last_day=last_day, ground=stated)
    return Check(
        what="return",
        met=False,
        sentence="the authority is told before the name is deleted, or on that day at the latest",
        command=command_line(make),
    )


def _form(case: _Case) -> Iterator[Check]:
    if case.stated is not None and case.stated.key in WITHOUT_FORM:
        return
    forms = [each.event for each in case.spell.forms if isinstance(each.event, MovingFormReceived)]
    paper = action("moving-form-paper", pupil=case.pupil, output=Open("FILE.pdf"))
    yield Check(
        what="form for moving from school",
        met=bool(forms),
        sentence=f"received on {forms[-1].received_on}" if forms else "not received from a parent",
        command="" if forms else command_line(paper),
    )


def _needs_enquiries(case: _Case) -> bool:
    return case.stated is not None and case.stated.check in ("continuous", "after_leave")
