"""The verbs of the attendance office: what must be done today, and everything that was done about one pupil."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from commands.cli.frame.arguments import Pupil
from commands.cli.frame.asking import Question, Reply, asks
from commands.cli.frame.options import note, one_line, parse_now
from commands.cli.frame.parameters import Verbs
from commands.desk.chronology import followup_parts
from commands.desk.due import HEADINGS, stretches, whom_to_ring
from commands.desk.pupils import name_of
from commands.desk.tables import titled
from commands.files.section import Part, Section, Value
from ledger.errors import Refused
from ledger.finding import action
from ledger.sessions import format_moment
from ledger.words import counted
from projections.desk import Desk
from projections.due import desk_of, due_answers, duties
from projections.duty import KINDS, Duty
from projections.figures.cohorts import described
from projections.followup.follow_up import followup_answer
from projections.lines import command_line

verbs = Verbs()

NowOption = Annotated[
    str | None,
    typer.Option(
        "--now",
        metavar="TIME",
        help="What the clock shows: it says which registers have opened and closed. [default known-at, if given; "
        "else the clock; if simulated the last event's]",
    ),
]
COLUMNS = ("when", "kind", "pupil", "name", "class", "what", "by", "ring", "command")


@asks(verbs, "due")
def ask_due(
    question: Question,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="TEXT", help="Only this kind, every line of it.")
    ] = None,
    pupil: Annotated[str | None, typer.Option("--pupil", metavar="PUPIL", help="Only about this pupil.")] = None,
    now: NowOption = None,
) -> Reply:
    """Say what must be done that day, most urgent and most vulnerable first.

    Each line with the command that settles it; what a person has to add stands open at its end.

    \b
    Example: attendance due --as-of 2025-11-17 --known-at 2025-11-17T09:15
    """
    clock = parse_now(now)
    if kind is not None and kind not in KINDS:
        raise Refused("malformed", field="--kind", value=kind, expected=f"one of {', '.join(KINDS)}")
    moment = question.moment
    if pupil is not None:
        question.known([pupil])
    if clock is None and question.known_at is None and not question.simulated:
        # Where nobody has recorded anything this morning, the last event is no clock.
        clock = question.house.ledger.now()
    desk = desk_of(question.answers, moment, clock)
    due = duties(desk, kind, pupil) if desk else []

    def parts() -> list[Part]:
        if desk and due and not desk.readable:
            note("groups cannot be read without their keys, so nobody comes first for being vulnerable")
        times = {"as_of": str(moment.as_of)}
        if question.known_at:
            times["known_at"] = format_moment(moment.known_at)
        page = _page(desk, due, None if kind or pupil else times) if desk else ()
        title = titled(f"Due on {moment.as_of}", question.simulated)
        return [Section(title, COLUMNS, [_row(duty, desk) for duty in due if desk], lines=[title, *page, ""])]

    return Reply(
        due_answers(desk, due) if desk else [],
        "Due",
        parts,
        remark=counted(len(due), "line") if due else "nothing is due",
        times=described(moment) + (f", the clock at {format_moment(clock)}" if clock else ""),
    )


def _page(desk: Desk, due: list[Duty], times: dict[str, str] | None) -> Iterator[str]:
    """Yield the page by urgency. With `times`, what waits in numbers is counted, and how to ask for it is said."""
    for stretch in stretches(due, fold=times is not None):
        yield from ("", stretch.heading)
        for duty in stretch.duties:
            yield from _lines(duty, desk)
        for kind, count in stretch.folded.items():
            yield f"  {count} x {kind}: {command_line(action('due', kind=kind, **(times or {})))}"


def _row(duty: Duty, desk: Desk) -> list[Value]:
    """Return a duty as a row of a file."""
    about: list[Value] = ["", "", ""]
    if duty.pupil:
        about = [duty.pupil, name_of(duty.pupil, desk.particulars), desk.class_of(duty.pupil, desk.day)]
    by, ring = (str(each) if each else "" for each in (duty.by, whom_to_ring(duty, desk)))
    return [HEADINGS[duty.urgency], duty.rule, *about, duty.sentence, by, ring, command_line(duty.action)]


def _lines(duty: Duty, desk: Desk) -> Iterator[str]:
    """Yield what is to be done about whom, whom to ring, and the command. Unwrapped, so that it can be copied."""
    by = f", by {duty.by}" if duty.by and duty.by != desk.day and str(duty.by) not in duty.sentence else ""
    who = ""
    if duty.pupil:
        who = f"{duty.pupil}  {name_of(duty.pupil, desk.particulars)}, {desk.class_of(duty.pupil, desk.day)}: "
    yield f"  {who}{one_line(duty.sentence)}{by}"
    if person := whom_to_ring(duty, desk):
        yield f"      ring {one_line(person)}"
    yield f"      {command_line(duty.action)}"


@asks(verbs, "followup")
def show_followup(
    question: Question,
    pupil: Pupil,
) -> Reply:
    """Show what was told and tried about a pupil.

    The chronology, where the contact ladder stands, and what each absent or amended code rests on.

    \b
    Example: attendance followup 1042 --as-of 2025-11-18 --known-at 2025-11-18T09:15
    """
    question.known([pupil])
    desk = desk_of(question.answers, question.moment)
    assert desk is not None, "a school that was opened has a policy"
    answer = followup_answer(desk, pupil)
    return Reply(
        answer,
        f"Follow-up of {pupil}",
        lambda: followup_parts(answer, question.names([pupil]), question.simulated),
    )
