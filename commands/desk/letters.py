"""Letters to parents: what each says and quotes, the paper, and the command that records its sending once it was sent.

Nothing is sent and nothing is recorded here.
"""

from __future__ import annotations

from typing import NamedTuple

from commands.desk.pupils import known_pupils
from commands.paper import letters, render
from commands.paper.letters import Figures, Letter, spoken
from ledger.errors import Misconfigured, Refused
from ledger.finding import Action, action
from projections.asking.questions import Answers, Moment, Particulars
from projections.figures.cohorts import absence_answers, penalty_windows
from projections.figures.letters import quotable
from projections.penalties.ladder_answers import CaseAnswer, ladder_answers
from projections.records.leaves import leave_answers
from projections.records.registers import unexplained

ABOUT = ("attendance", "punctuality", "no contact", "meeting", "notice to improve", "penalty")
# Who signs which letter: the first of these roles that somebody holds on its day.
SIGNED_BY = {
    "no contact": ("day-to-day contact", "attendance lead", "headteacher"),
    "notice to improve": ("headteacher", "attendance lead"),
    "penalty": ("headteacher", "attendance lead"),
}
USUALLY_SIGNED_BY = ("attendance lead", "headteacher")


class Draft(NamedTuple):
    """A letter to be read and signed: its PDF, and what records its sending, with the figures quoted and the position
    at which they were true."""

    paper: bytes
    sending: Action


def letter_draft(
    answers: Answers,
    moment: Moment,
    pupil: str,
    about: str,
    parent: str,
    *,
    case: str | None = None,
    meeting: tuple[str, str] = ("", ""),
) -> Draft:
    """Return a letter to a parent about one of ABOUT; `case` names that of a notice or a penalty, else the last, and
    `meeting` says when and where. Refuses what there is nothing to write about, and whoever is no parent."""
    known_pupils(moment, [pupil])
    known = readable(answers, moment, pupil)
    letter = _letter(answers, moment, pupil, about, parent, case, meeting, known.name)
    figures = year_to_date(answers, moment, pupil) if letter.quotes else None
    signer = _signer(moment, SIGNED_BY.get(about, USUALLY_SIGNED_BY))
    return _draft(moment, pupil, parent, known, letter, signer, figures)


def leave_letter_draft(answers: Answers, moment: Moment, pupil: str, request: str) -> Draft:
    """Return the letter that tells a parent how their request for leave was decided. Refuses: no_such_leave,
    leave_withdrawn, malformed (a request that nobody has decided)."""
    known_pupils(moment, [pupil])
    known = readable(answers, moment, pupil)
    (answer,) = leave_answers(answers, moment, [pupil], empty=True)
    leave = next((each for each in answer.requests if each.request == request), None)
    if leave is None:
        raise Refused("no_such_leave", field="request", value=request)
    if leave.state == "withdrawn":
        raise Refused("leave_withdrawn", field="request", value=request)
    if leave.decided_by is None:
        raise Refused("malformed", field="request", value=request, expected="a request that has been decided")

    letter = letters.leave_decision(leave, known.name, moment.policy)
    signer = [leave.decided_by.name, leave.decided_by.title]
    return _draft(moment, pupil, leave.parent, known, letter, signer, None)


def _letter(
    answers: Answers,
    moment: Moment,
    pupil: str,
    about: str,
    parent: str,
    case: str | None,
    meeting: tuple[str, str],
    child: str,
) -> Letter:
    """Return the text of a letter. Refuses what there is nothing to write about."""
    if about == "no contact":
        sessions, attempts = unexplained(answers, moment, pupil)
        if not sessions:
            raise Misconfigured(f"no session of {pupil} is without a reason, so there is nothing to write about")
        return letters.no_contact(child, sessions, attempts, moment)
    figures = year_to_date(answers, moment, pupil)
    if about == "attendance":
        return letters.attendance(child, figures, moment, moment.policy)
    if about == "punctuality":
        return letters.punctuality(child, figures, moment)
    if about == "meeting":
        return letters.meeting(child, *meeting, figures, moment)

    (window,) = penalty_windows(answers, moment, [pupil], empty=True, parent=parent)
    last = _case(answers, moment, pupil, parent, case)
    if about == "penalty":
        if not window.met:
            counted = f"{window.count} of {window.threshold} sessions of {pupil} count against {parent}"
            raise Misconfigured(f"{counted}, so no penalty is being considered: there is nothing to write about")
        return letters.penalty_considered(child, last.case if last else "", window.sessions, figures, moment)
    if last is None or last.improvement is None:
        raise Refused("no_improvement_required", field="case", value=case)
    return letters.notice_to_improve(child, last.case, last.improvement, window.sessions, figures, moment)


def _case(answers: Answers, moment: Moment, pupil: str, parent: str, name: str | None) -> CaseAnswer | None:
    """Return the parent's case of that name, or the last one. Refuses a name that is none of theirs."""
    cases = [
        case
        for answer in ladder_answers(answers, moment, [pupil], empty=True)
        for line in answer.parents
        for case in line.cases
        if line.parent == parent and name in (None, case.case)
    ]
    if not cases and name is not None:
        raise Refused("not_considered", field="case", value=name)
    return cases[-1] if cases else None


def readable(answers: Answers, moment: Moment, pupil: str) -> Particulars:
    """Return a pupil's particulars. Raises Misconfigured where they cannot be read: paper needs the names."""
    known = answers.particulars(moment, [pupil])[pupil]
    if not known.readable:
        raise Misconfigured(f"the particulars of {pupil} cannot be read without their keys")
    return known


def year_to_date(answers: Answers, moment: Moment, pupil: str) -> Figures:
    """Return the figures that a letter quotes. Raises Misconfigured where the year has none yet."""

    counts = quotable(answers, moment, pupil)
    year = moment.school.calendar.year_begun_by(moment.as_of)
    if not counts["possible"] or year is None:
        raise Misconfigured(f"no session was possible for {pupil} by {moment.as_of}, so there is nothing to quote")
    (absence,) = absence_answers(answers, moment, [pupil])
    spells = moment.school.pupils[pupil].spells
    began = max(moment.school.years[year].first_day, min(spell.first for spell in spells))
    return Figures(began, counts, absence.attendance_percent)


def _signer(moment: Moment, roles: tuple[str, ...]) -> list[str]:
    """Return name and title of the first role that is held on the day, or a line to sign on."""
    for role in roles:
        for holder in moment.school.holders(role, moment.as_of):
            return [holder.name, holder.title]
    return ["_" * 40, "Name and title"]


def _draft(
    moment: Moment,
    pupil: str,
    parent: str,
    known: Particulars,
    letter: Letter,
    signer: list[str],
    figures: Figures | None,
) -> Draft:
    """Return a letter as a PDF, addressed to a parent. Refuses: unknown_person. Raises Misconfigured where the contacts
    hold no name of theirs."""
    contact = next((each for each in known.contacts if each.get("id") == parent), None)
    if contact is None:
        raise Refused("unknown_person", field="parent", value=parent)
    if not contact.get("name"):
        raise Misconfigured(f"the contacts of {pupil} hold no name of {parent}, so the letter cannot be addressed")
    address = contact.get("address") or (known.address if contact.get("lives_with") else "")
    placed = moment.school.pupils[pupil].placement(moment.as_of)
    about = f"About: {known.name}, class {placed.class_name}. Our reference: {pupil}"
    facts = {
        "subject": letter.subject,
        "to": [contact["name"], *(part.strip() for part in address.split(",") if part.strip())],
        "date": spoken(moment.as_of),
        "salutation": f"Dear {contact['name']}",
        "reference": about + (f"/{letter.cites}" if letter.cites else ""),
        "blocks": letter.blocks,
        "signed": signer,
    }
    sending = action(
        "SendLetter",
        pupil=pupil,
        about=letter.about,
        parents=(parent,),
        sent_on=moment.as_of,
        as_of=moment.as_of,
        seen=moment.position,
        quoted=figures.counts if figures else None,
        cites=letter.cites or None,
    )
    return Draft(render("letter", moment, facts), sending)
