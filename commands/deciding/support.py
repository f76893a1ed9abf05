"""Support and correspondence: letters, steps of support, agencies told, returns made, what was shared."""

from __future__ import annotations

from datetime import datetime

from commands.deciding.declaration import decides
from commands.deciding.followup import in_chronology
from commands.deciding.state import Decided, State, signed
from commands.models.support import InformAgency, MakeReturn, RecordSupport, SendLetter, ShareInformation
from ledger.errors import Refused
from ledger.events import AgencyInformed, InformationShared, LetterSent, ReturnMade, SupportRecorded
from ledger.steps import begun


@decides(SendLetter, end=True)
def send_letter(command: SendLetter, state: State, now: datetime) -> Decided:
    """Return a letter with the figures that it quoted and when they were true.

    Refuses: pupil_not_on_roll (on the day it was sent), unknown_person, malformed (a day or a position that lies
    ahead).
    """
    by = signed(command.by)
    state.check_on_roll(command.pupil, [command.sent_on])
    for parent in command.parents:
        state.check_parent(command.pupil, parent, "parents")
    state.check_been(command.sent_on, now, "sent_on")
    sent = LetterSent(
        by=by,
        about=command.about,
        parents=command.parents,
        sent_on=command.sent_on,
        as_of=command.as_of,
        seen=state.seen(command.seen),
        quoted=command.quoted.model_dump(exclude_none=True) if command.quoted else {},
        cites=command.cites or "",
        said=command.said,
    )
    return in_chronology(command.pupil, command.sent_on, sent)


@decides(RecordSupport, follow_up=True)
def record_support(command: RecordSupport, state: State, now: datetime) -> Decided:
    """Return one stage of one step of support.

    Judged by the last stage up to that day; an invitation and a meeting held or missed leave what was offered or agreed
    as it is. Refuses: pupil_not_on_roll (on that day), malformed (a day that lies ahead, but for an invitation),
    step_not_begun (accepted or declined unless offered last, reviewed or ended unless agreed or reviewed last; after an
    end anything but an invitation, an offer or an agreement).
    """
    by = signed(command.by)
    state.check_on_roll(command.pupil, [command.on])
    if command.stage != "invited":
        state.check_been(command.on, now, "on")
    recorded = [event for event in state.follow_up if isinstance(event, SupportRecorded) and event.step == command.step]
    earlier = sorted((event for event in recorded if event.on <= command.on), key=lambda event: event.on)
    if not begun(command.stage, [event.stage for event in earlier]):
        raise Refused("step_not_begun", field="stage", value=command.stage)
    stage = SupportRecorded(
        by=by,
        step=command.step,
        stage=command.stage,
        on=command.on,
        next_on=command.next_on,
        people=command.people,
        outcome=command.outcome,
    )
    return in_chronology(command.pupil, command.on, stage)


@decides(InformAgency)
def inform_agency(command: InformAgency, state: State, now: datetime) -> Decided:
    """Return that somebody outside was told; of a deletion also after it. Refuses: pupil_not_on_roll (never before that
    day), malformed (a day that lies ahead)."""
    by = signed(command.by)
    _check_known(command.pupil, state)
    state.check_been(command.on, now, "on")
    informed = AgencyInformed(
        by=by, agency=command.agency, about=command.about, on=command.on, person=command.person, said=command.said
    )
    return in_chronology(command.pupil, command.on, informed)


@decides(MakeReturn, follow_up=True, end=True)
def make_return(command: MakeReturn, state: State, now: datetime) -> Decided:
    """Return that a return was made, with its content. Refuses: pupil_not_on_roll (never was), malformed (a day or a
    position that lies ahead), return_made_already (about this episode)."""
    by = signed(command.by)
    _check_known(command.pupil, state)
    state.check_been(command.made_on, now, "made_on")
    seen = state.seen(command.seen)
    episode = command.episode.isoformat()
    if any(isinstance(e, ReturnMade) and (e.form, e.episode) == (command.form, episode) for e in state.follow_up):
        raise Refused("return_made_already", field="episode", value=episode)
    made = ReturnMade(
        by=by, form=command.form, episode=episode, made_on=command.made_on, seen=seen, content=command.content
    )
    return in_chronology(command.pupil, command.made_on, made)


@decides(ShareInformation, end=True)
def share_information(command: ShareInformation, state: State, now: datetime) -> Decided:
    """Return what was passed on, to whom and why. Refuses: pupil_not_on_roll (never was), malformed (a day or a
    position that lies ahead), reason_required."""
    by = signed(command.by)
    _check_known(command.pupil, state)
    state.check_been(command.on, now, "on")
    seen = state.seen(command.seen)
    if not command.why:
        raise Refused("reason_required", field="why")
    shared = InformationShared(
        by=by,
        what=command.what,
        on=command.on,
        as_of=command.as_of,
        seen=seen,
        recipient=command.recipient,
        why=command.why,
    )
    return in_chronology(command.pupil, command.on, shared)


def _check_known(pupil: str, state: State) -> None:
    if pupil not in state.school.pupils:
        raise Refused("pupil_not_on_roll", field="pupil", value=pupil)
