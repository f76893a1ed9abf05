"""Verbs that draft letters to parents, as paper. Nothing is sent and nothing is recorded: the line that records the
sending, with the figures quoted and the position at which they were true, is printed for whoever sends the letter."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from commands.cli.arguments import ParentOption, Pupil
from commands.cli.asking import known_pupils
from commands.cli.files import out_path, write_bytes
from commands.cli.options import (
    AsOfOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    note,
    opened,
    parse_day,
    parse_known_at,
)
from commands.cli.parameters import Verbs
from commands.cli.speech import say
from commands.cli.support import letter
from commands.paper import letters, render
from commands.paper.letters import Figures, Letter, spoken
from commands.wiring import House
from ledger.errors import Misconfigured, Refused
from ledger.finding import action
from projections.asking.questions import Moment, Particulars
from projections.figures.cohorts import absence_answers, penalty_answers
from projections.figures.letters import quotable
from projections.followup.unexplained import unexplained
from projections.lines import command_line
from projections.penalties.ladder_answers import CaseAnswer, ladder_answers

verbs = Verbs()
verbs.add_typer(letter, name="letter")

ABOUT = ("attendance", "punctuality", "no contact", "meeting", "notice to improve", "penalty")
OutFile = Annotated[str, typer.Option("-o", "--output", metavar="FILE.pdf", help="Where to write it.")]
# Who signs which letter: the first of these roles that somebody holds on its day.
SIGNED_BY = {
    "no contact": ("day-to-day contact", "attendance lead", "headteacher"),
    "notice to improve": ("headteacher", "attendance lead"),
    "penalty": ("headteacher", "attendance lead"),
}
USUALLY_SIGNED_BY = ("attendance lead", "headteacher")


@letter.command("draft")
def draft_letter(
    pupil: Pupil,
    about: Annotated[str, typer.Argument(metavar="ABOUT", help=f"One of: {', '.join(ABOUT)}.")],
    parent: ParentOption,
    out: OutFile,
    case: Annotated[
        str | None, typer.Option("--case", metavar="NAME", help="The case that a notice or a penalty is about.")
    ] = None,
    when: Annotated[
        str, typer.Option("--when", metavar="TEXT", help="Of a meeting; left out, a line to fill in.")
    ] = "",
    where: Annotated[str, typer.Option("--where", metavar="TEXT", help="Of a meeting.")] = "",
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
) -> None:
    """Write a letter to a parent, to be read, signed and sent.

    It quotes the register as of a day, as known at a moment, with the definition of each figure. Printed is the line
    that records its sending.

    \b
    Example: attendance letter draft 1042 attendance --parent 1042-a --as-of 2025-12-12 -o letter.pdf
    """
    day, known_time = parse_day("--as-of", as_of), parse_known_at(known_at)
    if about not in ABOUT:
        raise Refused("malformed", field="ABOUT", value=about, expected=f"one of: {', '.join(ABOUT)}")
    path = out_path(out, (".pdf",))
    with opened(ledger, keys) as house:
        moment = house.answers.moment(day, known_time)
        known_pupils(moment, [pupil])
        known = readable(house, moment, pupil)
        made = _letter(house, moment, pupil, about, parent, case, (when, where), known.name)
        figures = year_to_date(house, moment, pupil) if made.quotes else None
        signed = signers(moment, SIGNED_BY.get(about, USUALLY_SIGNED_BY))
        write_bytes(path, paper(moment, pupil, parent, known, made, signed))
        tell(path.name, moment, pupil, parent, made, figures)


def _letter(
    house: House,
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
        sessions, attempts = unexplained(house.answers, moment, pupil)
        if not sessions:
            raise Misconfigured(f"no session of {pupil} is without a reason, so there is nothing to write about")
        return letters.no_contact(child, sessions, attempts, moment)
    figures = year_to_date(house, moment, pupil)
    if about == "attendance":
        return letters.attendance(child, figures, moment, moment.policy)
    if about == "punctuality":
        return letters.punctuality(child, figures, moment)
    if about == "meeting":
        return letters.meeting(child, *meeting, figures, moment)

    (window,) = penalty_answers(house.answers, moment, [pupil], empty=True, parent=parent)
    found = _case(house, moment, pupil, parent, case)
    if about == "penalty":
        if not window.met:
            counted = f"{window.count} of {window.threshold} sessions of {pupil} count against {parent}"
            raise Misconfigured(f"{counted}, so no penalty is being considered: there is nothing to write about")
        return letters.penalty_considered(child, found.case if found else "", window.sessions, figures, moment)
    if found is None or found.improvement is None:
        raise Refused("no_improvement_required", field="--case", value=case)
    return letters.notice_to_improve(child, found.case, found.improvement, window.sessions, figures, moment)


def _case(house: House, moment: Moment, pupil: str, parent: str, name: str | None) -> CaseAnswer | None:
    """Return the parent's case of that name, or the last one. Refuses a name that is none of theirs."""
    found = [
        case
        for answer in ladder_answers(house.answers, moment, [pupil], empty=True)
        for line in answer.parents
        for case in line.cases
        if line.parent == parent and name in (None, case.case)
    ]
    if not found and name is not None:
        raise Refused("not_considered", field="--case", value=name)
    return found[-1] if found else None


# --- what every letter needs ----------------------------------------------------------------------------------------


def readable(house: House, moment: Moment, pupil: str) -> Particulars:
    """Return a pupil's particulars. Raises Misconfigured where they cannot be read: paper needs the names."""
    known = house.answers.particulars(moment, [pupil])[pupil]
    if not known.readable:
        raise Misconfigured(f"the particulars of {pupil} cannot be read without their keys")
    return known


def year_to_date(house: House, moment: Moment, pupil: str) -> Figures:
    """Return the figures that a letter quotes. Raises Misconfigured where the year has none yet."""

    counts = quotable(house.answers, moment, pupil)
    year = moment.school.calendar.year_begun_by(moment.as_of)
    if not counts["possible"] or year is None:
        raise Misconfigured(f"no session was possible for {pupil} by {moment.as_of}, so there is nothing to quote")
    (found,) = absence_answers(house.answers, moment, [pupil])
    spells = moment.school.pupils[pupil].spells
    began = max(moment.school.years[year].first_day, min(spell.first for spell in spells))
    return Figures(began, counts, found.attendance_percent)


def signers(moment: Moment, roles: tuple[str, ...]) -> list[str]:
    """Return who signs: name and title of the first role that is held on the day, or a line to sign on."""
    for role in roles:
        for holder in moment.school.holders(role, moment.as_of):
            return [holder.name, holder.title]
    return ["_" * 40, "Name and title"]


def paper(moment: Moment, pupil: str, parent: str, known: Particulars, made: Letter, signed: list[str]) -> bytes:
    """Return a letter as a PDF, addressed to a parent. Refuses: unknown_person. Raises Misconfigured where the contacts
    hold no name of theirs."""

    contact = next((each for each in known.contacts if each.get("id") == parent), None)
    if contact is None:
        raise Refused("unknown_person", field="--parent", value=parent)
    if not contact.get("name"):
        raise Misconfigured(f"the contacts of {pupil} hold no name of {parent}, so the letter cannot be addressed")
    address = contact.get("address") or (known.address if contact.get("lives_with") else "")
    placed = moment.school.pupils[pupil].placement(moment.as_of)
    about = f"About: {known.name}, class {placed.class_name}. Our reference: {pupil}"
    facts = {
        "subject": made.subject,
        "to": [contact["name"], *(part.strip() for part in address.split(",") if part.strip())],
        "date": spoken(moment.as_of),
        "salutation": f"Dear {contact['name']}",
        "reference": about + (f"/{made.cites}" if made.cites else ""),
        "blocks": made.blocks,
        "signed": signed,
    }
    return render("letter", moment, facts)


def tell(file: str, moment: Moment, pupil: str, parent: str, made: Letter, figures: Figures | None) -> None:
    """Say where the letter is and print the line that records its sending."""
    note(f"wrote {file}; once it is sent, record it with the line below")
    say(sent_line(pupil, parent, made, moment.as_of, moment, figures))


def sent_line(pupil: str, parent: str, made: Letter, sent_on: date, moment: Moment, figures: Figures | None) -> str:
    """Return the line that records that a letter was sent, with what it quoted and the position it was true at."""
    sent = action(
        "SendLetter",
        pupil=pupil,
        about=made.about,
        parents=(parent,),
        sent_on=sent_on,
        as_of=moment.as_of,
        seen=moment.position,
        quoted=figures.counts if figures else None,
        cites=made.cites or None,
    )
    return command_line(sent)
