"""Verbs of letters to parents. A draft is paper: nothing is sent and nothing is recorded, but the line that records the
sending, with the figures quoted and the position at which they were true, is printed for whoever sends the letter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.arguments import ParentOption, ParentsOption, Pupil, Seen
from commands.cli.frame.files import out_path, write_bytes
from commands.cli.frame.options import (
    AsOfOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    by_options,
    note,
    opened,
    parse_day,
    parse_known_at,
)
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say
from commands.cli.frame.write import Line, line, writes
from commands.desk.letters import ABOUT, Draft, letter_draft
from ledger.errors import Refused
from ledger.sessions import parse_moment
from projections.figures.letters import quotable
from projections.lines import command_line

verbs = Verbs()
letter = Verbs(help="Letters to parents: draft, sent.")
verbs.add_typer(letter, name="letter")

QUOTING = ("attendance", "punctuality", "report")  # letters that quote the year to date
Said = Annotated[str | None, typer.Option("--said", metavar="TEXT", help="What was said.")]
OutFile = Annotated[str, typer.Option("-o", "--output", metavar="FILE.pdf", help="Where to write it.")]


@writes(letter, "sent")
def letter_sent(
    pupil: Pupil,
    about: Annotated[
        str, typer.Argument(metavar="ABOUT", help="Attendance, punctuality, report, meeting, no contact, …")
    ],
    parents: ParentsOption,
    sent_on: Annotated[str, typer.Option("--sent-on", metavar="DAY", help="The day it was sent.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DAY", help="The day its figures are about. [default the day sent]")
    ] = None,
    seen: Seen = None,
    quotes: Annotated[
        list[str] | None,
        typer.Option("--quote", metavar="NAME=SESSIONS", help="Possible, attended, …; else counted here. Repeatable."),
    ] = None,
    cites: Annotated[
        str | None, typer.Option("--cites", metavar="NAME", help="What it is about, such as a request for leave.")
    ] = None,
    said: Said = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
) -> Line:
    """Record a letter with the figures it quoted. Records SendLetter.

    One about attendance or punctuality and a report quote the year to date as the ledger knows it, unless --quote says
    what it quoted.

    \b
    Example: attendance letter sent 1042 attendance --parent 1042-a --sent-on 2025-12-12
    """
    quoted = _quotes(quotes)
    if quoted is None and about in QUOTING:
        as_of = as_of or sent_on
        quoted, seen = _figures(pupil, as_of, seen, ledger, keys)
    return line(
        "SendLetter",
        pupil=pupil,
        about=about,
        parents=parents,
        sent_on=sent_on,
        as_of=as_of,
        seen=seen,
        quoted=quoted,
        cites=cites,
        said=said,
    )


def _quotes(texts: list[str] | None) -> dict[str, int] | None:
    """Return the figures of a letter from NAME=SESSIONS. Refuses: malformed."""
    if not texts:
        return None
    counts = dict(text.partition("=")[::2] for text in texts)
    if len(counts) < len(texts) or not all(count.isdecimal() for count in counts.values()):
        raise Refused("malformed", field="--quote", expected="each figure once, as NAME=SESSIONS")
    return {name: int(count) for name, count in counts.items()}


def _figures(
    pupil: str, as_of: str, seen: int | None, ledger: str | None, keys: str | None
) -> tuple[dict[str, int] | None, int | None]:
    """Return a pupil's year to date and the position at which it was true: that seen, else the end of the ledger."""
    about = parse_day("--as-of", as_of)

    with opened(ledger, keys) as house:
        recorded = house.answers.recorded_at([seen]) if seen is not None else {}
        if seen is not None and seen not in recorded:
            return None, seen  # which is refused where the letter is recorded
        moment = house.answers.moment(about, parse_moment(recorded[seen]) if seen is not None else None)
        figures = quotable(house.answers, moment, pupil)
        return figures if figures["possible"] else None, moment.position


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
    with opened(ledger, keys) as house, by_options("parent", "case"):
        moment = house.answers.moment(day, known_time)
        give_draft(path, letter_draft(house.answers, moment, pupil, about, parent, case=case, meeting=(when, where)))


def give_draft(path: Path, draft: Draft) -> None:
    """Write a letter, and print the line that records its sending."""
    write_bytes(path, draft.paper)
    note(f"wrote {path.name}; once it is sent, record it with the line below")
    say(command_line(draft.sending))
