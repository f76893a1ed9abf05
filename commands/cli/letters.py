"""Verbs that draft letters to parents, as paper. Nothing is sent and nothing is recorded: the line that records the
sending, with the figures quoted and the position at which they were true, is printed for whoever sends the letter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.cli.arguments import ParentOption, Pupil
from commands.cli.files import out_path, write_bytes
from commands.cli.options import (
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
from commands.cli.parameters import Verbs
from commands.cli.speech import say
from commands.cli.support import letter
from commands.desk.letters import ABOUT, Draft, letter_draft
from ledger.errors import Refused
from projections.lines import command_line

verbs = Verbs()
verbs.add_typer(letter, name="letter")

OutFile = Annotated[str, typer.Option("-o", "--output", metavar="FILE.pdf", help="Where to write it.")]


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
