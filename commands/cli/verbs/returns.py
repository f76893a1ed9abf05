"""Verbs of returns to the local authority: which are due, making one, and what one said when it was made.

A return is composed from what the ledger knows, recorded with its content, and only then put into a file: where that
fails, `return show` writes the same file again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.arguments import Pupil
from commands.cli.frame.asking import Part, Question, Reply, asks
from commands.cli.frame.derived import derive
from commands.cli.frame.files import out_path, write_bytes, write_whole
from commands.cli.frame.options import (
    AtOption,
    ByOption,
    JsonOption,
    KeysOption,
    LedgerOption,
    opened,
    parse_day,
    parse_known_at,
    parse_recorded_at,
)
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say, say_json
from commands.cli.frame.write import line, signer
from commands.desk.outcome import deciding_moment, outcome
from commands.desk.pupils import Names, known_pupils, name_of
from commands.desk.tables import table
from commands.files.section import Section
from commands.files.sheets import write_sheet
from commands.models import parse
from commands.models.support import MakeReturn
from commands.paper import render
from ledger.errors import Misconfigured, Refused
from ledger.events import ReturnMade
from ledger.grounds import GROUNDS, ground
from ledger.people import signature
from ledger.steps import RETURNS
from ledger.text import one_line
from ledger.words import counted
from projections.asking.questions import Answers, Moment
from projections.records.admission import roll_answers
from projections.records.chronology import chronologies
from projections.returns.authority import Candidate, announced_deletion, judged_attendance, return_candidates
from projections.returns.episodes import RETURNS_REST_ON
from projections.returns.forms import Content, Stated, form_of, return_content, sheet_of

verbs = Verbs()
return_ = Verbs(help="A return to the local authority: make one, show what one said.")
verbs.add_typer(return_, name="return")

FILES = (".csv", ".xlsx", ".pdf")
FormArgument = Annotated[
    str, typer.Argument(metavar="FORM", help="attendance, unauthorised, sickness, 'new pupil', deletion or 'ground I'.")
]
OutputOption = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="A .csv, .xlsx or .pdf file to write it to.")
]


derive(
    return_,
    "made",
    MakeReturn,
    """Record a return that was made. With its content; once about an episode; records MakeReturn.

    \b
    Example: attendance return made 1042 attendance 2025-11-03 --made-on 2025-11-17 --content '{"days":10}'
    """,
)


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
    listed = [each for each in return_candidates(question.answers, question.moment) if every or each.made is None]
    due = sum(each.made is None for each in listed)

    def parts() -> list[Part]:
        names = question.names([each.pupil for each in listed])
        return [_candidates_table(listed, names, question.simulated)] if listed else []

    return Reply(listed, "Returns", parts, remark=f"{counted(due, 'return')} due")


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
        candidate = _chosen(house.answers, moment, pupil, form, *days)
        stated = _stated(house.answers, moment, candidate, ground_key, destination)
        content = return_content(house.answers, moment, candidate, stated)
        about = {"pupil": pupil, "form": form, "episode": candidate.episode, "made_on": str(moment.as_of)}
        who = signer(by)
        command = line("MakeReturn", **about, seen=moment.position, content=content, by=who, at=at)
        done = house.handler.handle(parse(command), door="cli")
        if path is not None:
            _write(path, house.answers, content, str(moment.as_of), f"{who.get('name', '')} ({who.get('title', '')})")
        simulated = house.simulated
    if as_json:
        answer = {"events": done.events, "position": done.position, "form": form, "episode": candidate.episode}
        say_json(answer | {"content": content, "simulated": simulated})
    else:
        say(f"{form}, episode {candidate.episode}: {outcome(done)}" + (" (SIMULATED)" if simulated else ""))


@asks(return_, "show", day="", forms=FILES)
def show_return(
    question: Question,
    pupil: Pupil,
    form: FormArgument,
    episode: Annotated[str, typer.Argument(metavar="EPISODE", help="The day it named, such as 2025-11-03.")],
) -> Reply:
    """Show a return as it was made, whatever the register says now.

    \b
    Example: attendance return show 1042 attendance 2025-11-03
    """
    form, day = _form(form), parse_day("EPISODE", episode)
    position, event = _return_made(question, pupil, form, str(day))
    by, made_on, content = signature(event.by), str(event.made_on), event.content
    answer = {
        "pupil": pupil,
        "form": form,
        "episode": event.episode,
        "made_on": made_on,
        "by": {"name": event.by.name, "title": event.by.title},
        "position": position,
        "seen": event.seen,
        "content": content,
        "simulated": question.simulated,
    }
    made = f"made on {made_on} by {one_line(by)} (position {position})"
    return Reply(
        answer,
        f"Return about {pupil}",
        lambda: [*_content_parts(content, question.simulated), made],
        named=False,
        book=lambda path: _write(path, question.answers, form_of(content), made_on, by),
    )


def _return_made(question: Question, pupil: str, form: str, episode: str) -> tuple[int, ReturnMade]:
    """Return a return with its position. Refuses one that was not made; raises Misconfigured where its key is gone."""
    question.known([pupil])
    topics = RETURNS_REST_ON
    for each in chronologies(question.answers, question.moment, [pupil], topics=topics)[pupil]:
        event = each.event
        if isinstance(event, ReturnMade) and (event.form, event.episode) == (form, episode):
            if event.sealed:
                raise Misconfigured("what this return said cannot be read without its key")
            return each.position, event
    raise Refused("malformed", field="EPISODE", value=episode, expected="a day that a return made then named")


# --- which one ------------------------------------------------------------------------------------------------------


def _form(text: str) -> str:
    """Return the form of that name, however it is spaced. Raises Refused."""
    plain = " ".join(text.replace("-", " ").lower().split())
    for form in RETURNS:
        if form.lower() == plain:
            return form
    raise Refused("malformed", field="FORM", value=text, expected=f"one of {', '.join(RETURNS)}")


def _chosen(
    answers: Answers, moment: Moment, pupil: str, form: str, episode: date | None, last_day: date | None
) -> Candidate:
    """Return the return to make: the earliest that is due. Raises Refused where none is, or it was made already."""
    own = [each for each in return_candidates(answers, moment, [pupil]) if each.form == form]
    if episode is not None:
        own = [each for each in own if each.episode == str(episode)]
    due = [each for each in own if each.made is None]
    if due:
        return due[0]
    if own:
        raise Refused("return_made_already", field="episode", value=own[-1].episode)
    if form == "deletion" and last_day is not None and moment.school.on_roll(pupil, last_day):
        return announced_deletion(answers, moment, pupil, last_day)
    if form == "attendance" and episode is not None and moment.school.pupils[pupil].of_school_age(episode):
        judged = judged_attendance(answers, moment, pupil, episode)
        if judged is not None:
            return judged
    expected = "a return that is due about this pupil, as 'attendance returns' lists them"
    if form == "deletion":
        expected += ", or a deletion with --last-day"
    raise Refused("malformed", field="FORM", value=form, expected=expected)


def _stated(
    answers: Answers, moment: Moment, candidate: Candidate, ground_key: str | None, destination: str | None
) -> Stated:
    """Return what the maker adds to a deletion. Raises Refused where its ground is stated nowhere."""
    (register,) = roll_answers(answers, moment, [candidate.pupil])
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


def _write(path: Path, answers: Answers, content: Content | None, made_on: str, by: str) -> str:
    """Write a return to a file, the same whenever it is asked for: it is dated by what it was composed from. Nothing is
    said of it."""
    if content is None:
        raise Misconfigured("this return was recorded without the content of its form, so there is nothing to write")
    if path.suffix != ".pdf":
        headings, row = sheet_of(content)
        write_whole(path, lambda draft: write_sheet(draft, headings, [row], title=content["title"]))
        return ""

    moment = answers.moment(date.fromisoformat(content["as_of"]), parse_known_at(content["known_at"]))
    moment = moment._replace(position=content["position"])
    facts = {"title": content["title"], "fields": content["fields"], "tables": content["tables"]}
    write_bytes(path, render("return", moment, facts | {"made_on": made_on, "by": by}))
    return ""


def _candidates_table(candidates: list[Candidate], names: Names, simulated: bool) -> Section:
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
    for each in candidates:
        days = (each.reached_on or "", each.due_by or "", each.made.on if each.made else "")
        made.add_row(each.pupil, name_of(each.pupil, names), each.form, each.episode, *days, each.why)
    return made


def _content_parts(content: Mapping[str, object], simulated: bool) -> list[Part]:
    """Return what a return said, as tables, or as lines where it was recorded by hand."""
    form = form_of(content)
    if form is None:
        return [f"{key}: {one_line(value)}" for key, value in content.items()] or ["recorded without its content"]
    head = table(form["title"], simulated, field="left", value="left")
    for heading, text in form["fields"]:
        head.add_row(heading, one_line(text))
    parts: list[Part] = [head]
    for each in form["tables"]:
        if each["rows"]:
            made = table(each["title"], simulated, **dict.fromkeys(each["headings"], "left"))
            for row in each["rows"]:
                made.add_row(*map(one_line, row))
            parts.append(made)
    return parts
