"""What else waits in the attendance office: letters, leave, evidence, the policy and its roles."""

from __future__ import annotations

from datetime import timedelta

from ledger.case import Leave
from ledger.events import LetterSent
from ledger.finding import OPEN, action
from ledger.sessions import Session, school_year
from projections.desk import Desk
from projections.duty import NEAR, Duty, Urgency
from projections.figures.letters import letter_due
from projections.followup.basis import evidence

REVIEW_NEAR = timedelta(weeks=4)  # a governing body needs longer
# The three people whom a school's policy gives to parents by name.
POLICY_ROLES = ("attendance lead", "day-to-day contact", "support contact")


def letter_duties(desk: Desk) -> list[Duty]:
    """Return whose attendance is below the policy's percentage in a year that has settled, and who had no letter about
    it for some weeks."""
    policy, duties = desk.policy, []
    if not desk.settled:
        return []
    for answer in desk.absence:
        if not letter_due(answer.attended, answer.possible, policy):
            continue
        sent = [letter.sent_on for letter in _letters(answer.pupil, "attendance", desk)]
        if sent and max(sent) >= desk.letter_pause[0]:
            continue
        sentence = f"attendance {answer.attendance_percent} % is below {policy.register_letter_percent} %"
        sentence += f", last letter on {max(sent)}" if sent else ", no letter yet"
        parents = desk.contacts(answer.pupil).parents
        write = action("SendLetter", pupil=answer.pupil, about="attendance", parents=parents, sent_on=desk.day)
        duties.append(Duty("letter", sentence, answer.pupil, action=write, urgency=Urgency.WAITING))
    return duties


def _letters(pupil: str, about: str, desk: Desk) -> list[LetterSent]:
    """Return the letters about something that a pupil's parents had been sent by the day."""
    letters = (each.event for each in desk.chronology[pupil] if isinstance(each.event, LetterSent))
    return [letter for letter in letters if letter.about == about and letter.sent_on <= desk.day]


def evidence_duties(desk: Desk) -> list[Duty]:
    """Return the medical evidence that was asked for and not seen by the day."""
    duties = []
    for pupil in desk.pupils:
        for each in evidence(desk.chronology[pupil], desk.day):
            if each.state == "asked for":
                sentence = f"evidence {each.name} was asked for and has not been seen"
                seen = action(
                    "RecordEvidence",
                    pupil=pupil,
                    evidence=each.name,
                    sessions=each.sessions,
                    seen_on=desk.day,
                    what=OPEN,
                )
                duties.append(Duty("evidence", sentence, pupil, action=seen, urgency=Urgency.WAITING))
    return duties


def leave_duties(desk: Desk) -> list[Duty]:
    """Return the requests for leave that wait for a decision, by the first day asked for, and the refusals of this
    school year that no letter told the parents of."""
    duties = []
    for pupil in desk.pupils:
        for leave in desk.school.leave.get(pupil, {}).values():
            if leave.withdrawn or leave.received_on > desk.day:
                continue
            if leave.granted is None:
                duties.append(_undecided(pupil, leave, desk))
            elif school_year(leave.first.day) >= school_year(desk.day) and _untold_refusal(pupil, leave, desk):
                sentence = f"leave {leave.request} was refused, in part or whole, and no letter says so"
                about = {"about": "leave refused", "parents": (leave.parent,), "cites": leave.request}
                write = action("SendLetter", pupil=pupil, **about, sent_on=desk.day)
                duties.append(Duty("refusal", sentence, pupil, action=write, urgency=Urgency.WAITING))
    return duties


def _undecided(pupil: str, leave: Leave, desk: Desk) -> Duty:
    first = leave.first.day
    sentence = f"leave {leave.request} from {leave.first} to {leave.last} waits for a decision; --grant what is granted"
    if first <= desk.day:
        sentence += "; it has begun, so none can be granted for what is over"
    urgency = Urgency.TODAY if first <= desk.day else Urgency.SOON if first <= desk.day + NEAR else Urgency.WAITING
    decide = action("DecideLeave", pupil=pupil, request=leave.request, reason=OPEN)
    return Duty("leave", sentence, pupil, action=decide, urgency=urgency, by=first)


def _untold_refusal(pupil: str, leave: Leave, desk: Desk) -> bool:
    """Whether a decided request has sessions of the calendar that were not granted, and no letter is about it."""
    assert leave.granted is not None
    sessions = (Session.from_number(number) for number in range(leave.first.number, leave.last.number + 1))
    refused = any(session not in leave.granted and desk.school.calendar.is_session(session) for session in sessions)
    return refused and not any(letter.cites == leave.request for letter in _letters(pupil, "leave refused", desk))


def school_duties(desk: Desk) -> list[Duty]:
    """Return what the school itself owes: a policy to review, roles that nobody holds."""
    duties = []
    review = desk.school.review_on(desk.day)
    if review is not None and review <= desk.day + REVIEW_NEAR:
        sentence = f"policy {desk.policy.name} is to be reviewed by {review}"
        urgency = Urgency.SOON if review <= desk.day else Urgency.WAITING
        adopt = action("AdoptPolicy", policy=desk.policy.name, from_day=desk.day + timedelta(days=1), review_on=OPEN)
        duties.append(Duty("policy", sentence, action=adopt, urgency=urgency, by=review))
    empty = [role for role in POLICY_ROLES if not desk.school.holders(role, desk.day)]
    if empty:
        sentence = f"nobody is named as {' or '.join(empty)}"
        name = action("NameRole", role=empty[0], from_day=desk.day, holders=OPEN)
        duties.append(Duty("role", sentence, action=name, urgency=Urgency.WAITING))
    return duties
