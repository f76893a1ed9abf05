"""Verbs of support and correspondence: letters and what they quoted, steps of support, agencies told, returns made,
and what was passed on. Nothing here sends anything: it records that somebody did."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.cli.arguments import ParentsOption, Pupil, Seen
from commands.cli.derived import derive
from commands.cli.options import KeysOption, LedgerOption, opened, parse_day
from commands.cli.parameters import Verbs
from commands.cli.write import Line, line, writes
from commands.models.support import InformAgency, MakeReturn, RecordSupport, ShareInformation
from ledger.errors import Refused
from ledger.sessions import parse_moment
from projections.figures.letters import quotable

verbs = Verbs()

letter = Verbs(help="Letters to parents: draft, sent.")
return_ = Verbs(help="A return to the local authority: make one, show what one said.")

QUOTING = ("attendance", "punctuality", "report")  # letters that quote the year to date

Said = Annotated[str | None, typer.Option("--said", metavar="TEXT", help="What was said.")]


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


derive(
    verbs,
    "support",
    RecordSupport,
    """Record a stage of a step of support. Records RecordSupport.

    \b
    Example: attendance support 1042 "attendance contract" agreed 2025-11-20 --next-on 2025-12-11 \\
                 --person "B Example" --outcome "a taxi until the new year"
    """,
    people="--person",
)

derive(
    verbs,
    "inform",
    InformAgency,
    """Record that somebody outside was told. Records InformAgency.

    \b
    Example: attendance inform 1042 "social worker" "unexplained absence" 2025-11-03 --person "S Worker"
    """,
)

derive(
    verbs,
    "share",
    ShareInformation,
    """Record what was passed on outside this school. To whom and why; records ShareInformation.

    \b
    Example: attendance share 1042 "attendance of the year" --with "Hill School" --on 2025-12-12 \\
                 --as-of 2025-12-11 --why "a sibling is there"
    """,
    recipient="--with",
)


derive(
    return_,
    "made",
    MakeReturn,
    """Record a return that was made. With its content; once about an episode; records MakeReturn.

    \b
    Example: attendance return made 1042 attendance 2025-11-03 --made-on 2025-11-17 --content '{"days":10}'
    """,
)
