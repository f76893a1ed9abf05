"""The verbs of the attendance office: what must be done today, and everything that was done about one pupil."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from commands.cli.arguments import Pupil
from commands.cli.asking import Question, Reply, asks, note_lost_keys
from commands.cli.chronology import followup_parts
from commands.cli.options import (
    AsOfOption,
    JsonOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    note,
    one_line,
    opened,
    parse_day,
    parse_known_at,
    parse_now,
)
from commands.cli.parameters import Verbs
from commands.cli.speech import say, say_json
from commands.desk.due import stretches, whom_to_ring
from commands.desk.pupils import known_pupils, name_of
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


@verbs.command("due")
def ask_due(
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="TEXT", help="Only this kind, every line of it.")
    ] = None,
    pupil: Annotated[str | None, typer.Option("--pupil", metavar="PUPIL", help="Only about this pupil.")] = None,
    now: NowOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what must be done that day, most urgent and most vulnerable first.

    Each line with the command that settles it; what a person has to add stands open at its end.

    \b
    Example: attendance due --as-of 2025-11-17 --known-at 2025-11-17T09:15
    """
    about, known = parse_day("--as-of", as_of), parse_known_at(known_at)
    clock = parse_now(now)

    if kind is not None and kind not in KINDS:
        raise Refused("malformed", field="--kind", value=kind, expected=f"one of {', '.join(KINDS)}")
    with opened(ledger, keys) as house:
        moment = house.answers.moment(about, known)
        if pupil is not None:
            known_pupils(moment, [pupil])
        if clock is None and known is None and not house.simulated:
            # Where nobody has recorded anything this morning, the last event is no clock.
            clock = house.ledger.now()
        desk = desk_of(house.answers, moment, clock)
        found = duties(desk, kind, pupil) if desk else []
        if as_json:
            say_json(due_answers(desk, found) if desk else [])
            return
        note_lost_keys(house)
        if desk and found and not desk.readable:
            note("groups cannot be read without their keys, so nobody comes first for being vulnerable")
        say(f"Due on {moment.as_of}" + (" (SIMULATED)" if house.simulated else ""))
        if desk:
            times = {"as_of": str(moment.as_of)} | ({"known_at": format_moment(moment.known_at)} if known else {})
            _page(desk, found, None if kind or pupil else times)
        shown = f", the clock at {format_moment(clock)}" if clock else ""
        say(f"\n{_counted(len(found))}; {described(moment)}{shown}")


def _counted(count: int) -> str:
    return "nothing is due" if not count else counted(count, "line")


def _page(desk: Desk, found: list[Duty], times: dict[str, str] | None) -> None:
    """Print the page by urgency. With `times`, what waits in numbers is counted, and how to ask for it is said."""
    for stretch in stretches(found, fold=times is not None):
        lines = [line for duty in stretch.duties for line in _lines(duty, desk)]
        lines += [
            f"  {count} x {kind}: {command_line(action('due', kind=kind, **(times or {})))}"
            for kind, count in stretch.folded.items()
        ]
        say("\n".join(("", stretch.heading, *lines)))


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
