"""Verbs of returns to the local authority: which are due, making one, and what one said when it was made.

A return is composed from what the ledger knows, recorded with its content, and only then put into a file: where that
fails, `return show` writes the same file again.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.cli.arguments import Pupil
from commands.cli.asking import Part, Question, Reply, asks, known_pupils
from commands.cli.files import out_path, write_bytes, write_whole
from commands.cli.options import (
    AtOption,
    ByOption,
    JsonOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    one_line,
    opened,
    parse_day,
    parse_known_at,
    parse_recorded_at,
)
from commands.cli.parameters import Verbs
from commands.cli.screen import show
from commands.cli.speech import say, say_json
from commands.cli.support import return_
from commands.cli.tables import table
from commands.cli.write import line, signer
from commands.desk.outcome import deciding_moment, outcome
from commands.desk.pupils import Names, name_of
from commands.files.sheets import write_sheet
from commands.models import parse
from commands.paper import render
from commands.wiring import House
from ledger.errors import Misconfigured, Refused
from ledger.events import ReturnMade
from ledger.grounds import GROUNDS, ground
from ledger.steps import RETURNS
from ledger.words import counted
from projections.asking.questions import Moment
from projections.figures.cohorts import described
from projections.records.admission import roll_answers
from projections.records.chronology import chronologies
from projections.returns.return_episodes import RETURNS_REST_ON
from projections.returns.return_forms import Content, Stated, form_of, return_content, sheet_of
from projections.returns.returns import Candidate, announced_deletion, judged_attendance, return_candidates

verbs = Verbs()
verbs.add_typer(return_, name="return")

FILES = (".csv", ".xlsx", ".pdf")
FormArgument = Annotated[
    str, typer.Argument(metavar="FORM", help="attendance, unauthorised, sickness, 'new pupil', deletion or 'ground I'.")
]
OutputOption = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="A .csv, .xlsx or .pdf file to write it to.")
]


@asks(verbs, "returns")
def list_returns(
    question: Question,
    every: Annotated[bool, typer.Option("--all", help="Also those that were made.")] = False,
) -> Reply:
    """List the returns that are due to the authority.

    Of the school year to date, each once an episode, with the marks that it rests on in JSON.

    \b
    Example: attendance returns --as-of 2025-12-12 --all
    """
    found = [each for each in return_candidates(question.answers, question.moment) if every or each.made is None]
    due = sum(each.made is None for each in found)

    def parts() -> list[Part]:
        names = question.names([each.pupil for each in found])
        return [_candidates_table(found, names, question.simulated)] if found else []

    return Reply(found, "Returns", parts, remark=f"{counted(due, 'return')} due")


@return_.command("make")
def make_return(
    pupil: Pupil,
    form: FormArgument,
    output: OutputOption = None,
    episode: Annotated[
        str | None,
        typer.Option(
            "--episode",
            metavar="DAY",
            help="Which, where several are due; of an attendance return also the first day of irregular attendance.",
        ),
    ] = None,
    last_day: Annotated[
        str | None, typer.Option("--last-day", metavar="DAY", help="Of a deletion that nothing else announces yet.")
    ] = None,
    ground_key: Annotated[
        str | None, typer.Option("--ground", metavar="TEXT", help="Of a deletion that is not recorded yet.")
    ] = None,
    destination: Annotated[
        str | None, typer.Option("--destination", metavar="TEXT", help="The next school, where nothing says it yet.")
    ] = None,
    by: ByOption = None,
    at: AtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compose a return and record that it was made. With its content; records MakeReturn. Nothing is sent.

    \b
    Example: attendance return make 1042 attendance -o return.pdf
    """
    form, path = _form(form), out_path(output, FILES) if output else None
    days = parse_day("--episode", episode), parse_day("--last-day", last_day)
    recorded_at = parse_recorded_at(at)

    with opened(ledger, keys) as house:
        moment = deciding_moment(house, recorded_at)
        known_pupils(moment, [pupil])
        candidate = _chosen(house, moment, pupil, form, *days)
        stated = _stated(house, moment, candidate, ground_key, destination)
        content = return_content(house.answers, moment, candidate, stated)
        about = {"pupil": pupil, "form": form, "episode": candidate.episode, "made_on": str(moment.as_of)}
        who = signer(by)
        command = line("MakeReturn", **about, seen=moment.position, content=content, by=who, at=at)
        done = house.handler.handle(parse(command), door="cli")
        if path is not None:
            _write(path, house, content, str(moment.as_of), f"{who.get('name', '')} ({who.get('title', '')})")
        simulated = house.simulated
    if as_json:
        said = {"events": done.events, "position": done.position, "form": form, "episode": candidate.episode}
        say_json(said | {"content": content, "simulated": simulated})
    else:
        say(f"{form}, episode {candidate.episode}: {outcome(done)}" + (" (SIMULATED)" if simulated else ""))


@return_.command("show")
def show_return(
    pupil: Pupil,
    form: FormArgument,
    episode_text: Annotated[str, typer.Argument(metavar="EPISODE", help="The day it named, such as 2025-11-03.")],
    output: OutputOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a return as it was made, whatever the register says now.

    \b
    Example: attendance return show 1042 attendance 2025-11-03
    """
    form, path = _form(form), out_path(output, FILES) if output else None
    episode, known = parse_day("EPISODE", episode_text), parse_known_at(known_at)

    with opened(ledger, keys) as house:
        moment = house.answers.moment(None, known)
        known_pupils(moment, [pupil])
        chronology = chronologies(house.answers, moment, [pupil], topics=RETURNS_REST_ON)[pupil]
        returns = [(each.position, each.event) for each in chronology if isinstance(each.event, ReturnMade)]
        made = [found for found in returns if (found[1].form, found[1].episode) == (form, str(episode))]
        if not made:
            raise Refused("malformed", field="EPISODE", value=episode, expected="a day that a return made then named")
        position, event = made[0]
        if event.sealed:
            raise Misconfigured("what this return said cannot be read without its key")
        who = f"{event.by.name} ({event.by.title})"
        if path is not None:
            _write(path, house, form_of(event.content), str(event.made_on), who)
        elif as_json:
            said: dict[str, Any] = {
                "pupil": pupil,
                "form": form,
                "episode": event.episode,
                "made_on": str(event.made_on),
            }
            said |= {"by": {"name": event.by.name, "title": event.by.title}, "position": position}
            say_json(said | {"seen": event.seen, "content": event.content, "simulated": house.simulated})
        else:
            signed = f"made on {event.made_on} by {one_line(who)} (position {position})"
            show(*_content_parts(event.content, house.simulated), signed, described(moment))


# --- which one ------------------------------------------------------------------------------------------------------


def _form(text: str) -> str:
    """Return the form of that name, however it is spaced. Raises Refused."""
    plain = " ".join(text.replace("-", " ").lower().split())
    for form in RETURNS:
        if form.lower() == plain:
            return form
    raise Refused("malformed", field="FORM", value=text, expected=f"one of {', '.join(RETURNS)}")


def _chosen(
    house: House, moment: Moment, pupil: str, form: str, episode: date | None, last_day: date | None
) -> Candidate:
    """Return the return to make: the earliest that is due. Raises Refused where none is, or it was made already."""
    own = [each for each in return_candidates(house.answers, moment, [pupil]) if each.form == form]
    if episode is not None:
        own = [each for each in own if each.episode == str(episode)]
    due = [each for each in own if each.made is None]
    if due:
        return due[0]
    if own:
        raise Refused("return_made_already", field="episode", value=own[-1].episode)
    if form == "deletion" and last_day is not None and moment.school.on_roll(pupil, last_day):
        return announced_deletion(house.answers, moment, pupil, last_day)
    if form == "attendance" and episode is not None and moment.school.pupils[pupil].of_school_age(episode):
        judged = judged_attendance(house.answers, moment, pupil, episode)
        if judged is not None:
            return judged
    expected = "a return that is due about this pupil, as 'attendance returns' lists them"
    if form == "deletion":
        expected += ", or a deletion with --last-day"
    raise Refused("malformed", field="FORM", value=form, expected=expected)


def _stated(
    house: House, moment: Moment, candidate: Candidate, ground_key: str | None, destination: str | None
) -> Stated:
    """Return what the maker adds to a deletion. Raises Refused where its ground is stated nowhere."""

    (register,) = roll_answers(house.answers, moment, [candidate.pupil])
    if not register.readable:
        raise Misconfigured("the admission register cannot be read without its keys, so no return can be composed")
    if candidate.form != "deletion":
        return Stated()
    stated = ground_key or (register.removal or {}).get("ground", "")
    if ground(stated) is None:
        keys = ", ".join(each.key for each in GROUNDS)
        raise Refused("malformed", field="--ground", expected=f"the ground for the deletion, one of {keys}")
    return Stated(stated, destination or "")


# --- how it is written ----------------------------------------------------------------------------------------------


def _write(path: Path, house: House, content: Content | None, made_on: str, who: str) -> None:
    """Write a return to a file, the same whenever it is asked for: it is dated by what it was composed from."""
    if content is None:
        raise Misconfigured("this return was recorded without the content of its form, so there is nothing to write")
    if path.suffix != ".pdf":
        headings, row = sheet_of(content)
        write_whole(path, lambda draft: write_sheet(draft, headings, [row], title=content["title"]))
        return

    moment = house.answers.moment(date.fromisoformat(content["as_of"]), parse_known_at(content["known_at"]))
    moment = moment._replace(position=content["position"])
    facts = {"title": content["title"], "fields": content["fields"], "tables": content["tables"]}
    write_bytes(path, render("return", moment, facts | {"made_on": made_on, "by": who}))


def _candidates_table(found: list[Candidate], names: Names, simulated: bool) -> Any:
    made = table(
        "Returns to the authority",
        simulated,
        pupil="left",
        name="left",
        form="left",
        episode="left",
        reached="left",
        due_by="left",
        made="left",
        why="left",
    )
    for each in found:
        days = (each.reached_on or "", each.due_by or "", each.made.on if each.made else "")
        made.add_row(each.pupil, name_of(each.pupil, names), each.form, each.episode, *days, each.why)
    return made


def _content_parts(content: dict[str, Any], simulated: bool) -> list[Any]:
    """Return what a return said, as tables."""
    if "fields" not in content:
        # Somebody recorded it by hand, with what they thought worth keeping.
        return [f"{key}: {one_line(value)}" for key, value in content.items()] or ["recorded without its content"]
    head = table(content["title"], simulated, field="left", value="left")
    for heading, text in content["fields"]:
        head.add_row(heading, one_line(text))
    parts = [head]
    for each in content["tables"]:
        if each["rows"]:
            made = table(each["title"], simulated, **dict.fromkeys(each["headings"], "left"))
            for row in each["rows"]:
                made.add_row(*map(one_line, row))
            parts.append(made)
    return parts
