"""The checks of a referral that look at leave and at letters."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.events import LetterSent
from ledger.finding import OPEN, Action, Blocker, Finding, action
from projections.figures.letters import untrue
from projections.penalties.case import consider
from projections.penalties.referral_file import File, refer
from projections.records.leaves import LeaveRequestAnswer


def leave_after_absence(file: File) -> Iterator[Finding]:
    for request in _concerned(file):
        if request.decided_in_advance is False:
            yield Blocker(
                "leave_after_absence",
                f"{request.request} was decided after the absence had begun on {request.first}",
                action=_refer(file, without=request),
                position=request.position,
            )


def leave_undecided(file: File) -> Iterator[Finding]:
    for request in _concerned(file):
        if request.state == "waiting":
            yield Blocker(
                "leave_undecided",
                f"{request.request} asks for leave for these sessions and was never decided",
                action=action("DecideLeave", pupil=file.pupil, request=request.request, reason=OPEN),
                position=request.position,
            )


def refusal_unexplained(file: File) -> Iterator[Finding]:
    for request in _concerned(file):
        if request.state not in ("refused", "granted in part"):
            continue
        letter = {
            "about": "leave refused",
            "parents": (request.parent,),
            "cites": request.request,
            "sent_on": file.moment.as_of,
        }
        if not request.letters:
            yield Blocker(
                "refusal_unexplained",
                f"no letter tells the parent that {request.request} was refused",
                action=action("SendLetter", pupil=file.pupil, **letter),
                position=request.position,
            )
        if not request.reason.strip() and not request.letters:
            yield Blocker(
                "refusal_unexplained",
                f"{request.request} was refused without a reason",
                action=action("SendLetter", pupil=file.pupil, **letter, said=OPEN),
                position=request.position,
            )


def leave_off_form(file: File) -> Iterator[Finding]:
    for request in file.leave.requests:
        if request.state not in ("granted", "granted in part"):
            continue
        lacks = []
        if not request.on_form:
            lacks.append("not on the school's form")
        if request.lives_with is False:
            lacks.append("by a parent the pupil does not live with")
        if lacks:
            yield Finding(
                "leave_off_form",
                f"{request.request} was granted, though asked for {' and '.join(lacks)}",
                action=action("leave show", pupil=file.pupil),
                position=request.position,
            )


def letter_never_true(file: File) -> Iterator[Finding]:
    letters = [(each.position, each.event) for each in file.chronology if isinstance(each.event, LetterSent)]
    for place, (position, letter) in enumerate(letters):
        off = untrue(letter, file.shown.get(position, {}))
        corrected = any(
            later.about == letter.about
            and later.quoted
            and set(letter.parents) <= set(later.parents)
            and not untrue(later, file.shown.get(at, {}))
            for at, later in letters[place + 1 :]
        )
        if off and not corrected:
            name, quoted, true = off[0]
            yield Blocker(
                "letter_never_true",
                f"the letter of {letter.sent_on} about {letter.about} quoted {quoted} {name} sessions, "
                f"where the register showed {true}",
                action=action(
                    "SendLetter",
                    pupil=file.pupil,
                    about=letter.about,
                    parents=letter.parents,
                    sent_on=file.moment.as_of,
                ),
                position=position,
            )


def _concerned(file: File) -> Iterator[LeaveRequestAnswer]:
    """Yield the requests, not withdrawn, that cover a session of the referral."""
    for request in file.leave.requests:
        if request.state != "withdrawn" and any(each.session in file.counted for each in request.sessions):
            yield request


def _refer(file: File, without: LeaveRequestAnswer) -> Action:
    left = [each for each in file.counted if each not in {refused.session for refused in without.sessions}]
    if not left:  # nothing remains that could be referred
        return consider(file.pupil, file.named(), file.parent, file.moment.as_of, "nothing")
    return refer(file, left)
