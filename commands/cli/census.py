"""Verbs of totals for other systems: the school census of a term, and the transfer file of pupils who move on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from commands.cli.asking import known_pupils, note_lost_keys
from commands.cli.files import OutOption, out_path, write_bytes, write_whole
from commands.cli.options import (
    AsOfOption,
    JsonOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    note,
    opened,
    parse_day,
    parse_known_at,
)
from commands.cli.parameters import Verbs
from commands.cli.speech import say_json
from commands.cli.tables import show, table
from commands.files.forms import census_xml, transfer_xml
from commands.files.sheets import write_sheet
from ledger.errors import Refused
from ledger.sessions import parse_year
from ledger.text import one_line
from ledger.words import counted
from projections.asking.questions import Moment
from projections.figures.cohorts import described, who
from projections.returns.census import CensusAnswer, Term, TransferAnswer, census_answers, term, transfer_answers

verbs = Verbs()

FIELDS = (
    "pupil", "upn", "born", "sex", "year_group", "leaving_day", "possible", "attended", "authorised", "unauthorised",
    "missing",
)  # fmt: skip
ABOUT = ("term", "first", "last", "known_at", "position", "policy", "simulated")
HEADED = {"first": "from", "last": "to"}


@verbs.command("census")
def take_census(
    term_name: Annotated[
        str, typer.Argument(metavar="TERM", help="autumn, spring, summer, summer-first or summer-second.")
    ],
    year_name: Annotated[str, typer.Argument(metavar="YEAR", help="The school year of the term, such as 2025/26.")],
    from_day: Annotated[str | None, typer.Option("--from", metavar="DAY", help="Instead of the term's first.")] = None,
    to_day: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Instead of the term's last day.")] = None,
    known_at: KnownAtOption = None,
    out: OutOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sum a term for the school census, which collects it one term later.

    Autumn runs to 31 December, spring to Easter Sunday, summer to 31 July; -o takes .xml, .csv and .xlsx.

    \b
    Example: attendance census autumn 2025/26 -o census-autumn-2025.xml
    """
    try:
        year = parse_year(year_name)
    except ValueError as error:
        raise Refused("malformed", field="YEAR", value=year_name, expected=str(error)) from None

    asked = term(term_name, year, parse_day("--from", from_day), parse_day("--to", to_day))
    known = parse_known_at(known_at)
    path = out_path(out, (".xml", ".csv", ".xlsx")) if out else None
    with opened(ledger, keys) as house:
        moment = house.answers.moment(asked.last, known)
        found = census_answers(house.answers, moment, asked)
        if path:
            _write_census(path, moment, asked, found)
            note(f"wrote {path.name}: {counted(len(found), 'pupil')}")
        if missing := sum(answer.missing for answer in found):
            note(f"in no figure are {counted(missing, 'closed session')} without a mark")
        if as_json:
            say_json(found)
        elif not path:
            note_lost_keys(house)
            show(_census_table(asked, found, house.simulated), _summed(found), described(moment))


def _write_census(path: Path, moment: Moment, asked: Term, found: list[CensusAnswer]) -> None:
    if path.suffix == ".xml":
        write_bytes(path, census_xml(moment, asked, found))
        return

    codes = _codes(found)
    about = [HEADED.get(name, name) for name in ABOUT]
    rows = [
        [
            *(getattr(answer, name) for name in FIELDS),
            *(answer.reasons.get(code, 0) for code in codes),
            *(getattr(answer, name) for name in ABOUT),
        ]
        for answer in found
    ]
    title = f"Census {asked.name}"
    write_whole(path, lambda draft: write_sheet(draft, [*FIELDS, *codes, *about], rows, title=title))


def _codes(found: list[CensusAnswer]) -> list[str]:
    return sorted({code for answer in found for code in answer.reasons})


def _census_table(asked: Term, found: list[CensusAnswer], simulated: bool) -> Any:
    codes = _codes(found)
    made = table(
        f"Census of the {asked.name} term, {asked.first} to {asked.last}, for the {asked.collected_in} census",
        simulated,
        **dict.fromkeys(("pupil", "UPN", "born", "sex", "year", "left"), "left"),
        **dict.fromkeys(("possible", "attended", "authorised", "unauthorised", "missing"), "right"),
        **dict.fromkeys(codes, "right"),
    )
    for answer in found:
        counts = (answer.possible, answer.attended, answer.authorised, answer.unauthorised, answer.missing)
        made.add_row(
            answer.pupil,
            one_line(answer.upn),
            answer.born,
            one_line(answer.sex),
            answer.year_group,
            answer.leaving_day,
            *map(str, counts),
            *(str(answer.reasons.get(code, "")) for code in codes),
        )
    return made


def _summed(found: list[CensusAnswer]) -> str:
    def total(name: str) -> str:
        return f"{sum(getattr(answer, name) for answer in found):,}"

    return (
        f"{counted(len(found), 'pupil')}: {total('possible')} sessions possible, {total('authorised')} authorised and "
        f"{total('unauthorised')} unauthorised"
    )


@verbs.command("ctf")
def make_transfer_file(
    pupils: Annotated[list[str] | None, typer.Argument(metavar="PUPIL...", help="Admission numbers.")] = None,
    leavers: Annotated[bool, typer.Option("--leavers", help="Everybody who left in that school year.")] = False,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    out: OutOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sum school years for the common transfer file of pupils who move on.

    Totals and no marks: one character has no room for C1 or Y1. -o takes .xml.

    \b
    Example: attendance ctf --leavers -o 9192000_CTF_leavers.xml
    """
    about, known = parse_day("--as-of", as_of), parse_known_at(known_at)
    path = out_path(out, (".xml",)) if out else None
    if bool(pupils) == leavers:
        raise Refused("malformed", field="PUPIL", expected="either pupils or --leavers")

    with opened(ledger, keys) as house:
        moment = house.answers.moment(about, known)
        if leavers:
            there = set(who(house.answers, moment))
            chosen = sorted(set(who(house.answers, moment, leavers=True)) - there)
        else:
            chosen = known_pupils(moment, pupils or [])
        found = transfer_answers(house.answers, moment, chosen)
        if path and found:
            write_bytes(path, transfer_xml(moment, found))
            note(f"wrote {path.name}: {counted(len(found), 'pupil')}")
        elif path:
            note("nobody has left, so no file was written")
        if as_json:
            say_json(found)
        elif not path:
            show(_transfer_table(found, house.simulated), described(moment))


def _transfer_table(found: list[TransferAnswer], simulated: bool) -> Any:
    made = table(
        "Sessions by school year, for the transfer file",
        simulated,
        **dict.fromkeys(("pupil", "UPN", "name", "born", "sex", "year"), "left"),
        **dict.fromkeys(("possible", "authorised", "attended", "unauthorised"), "right"),
    )
    for answer in found:
        who = [answer.pupil, one_line(answer.upn), one_line(answer.name), answer.born, one_line(answer.sex)]
        for year in answer.years:
            counts = (year.possible, year.authorised, year.attended, year.unauthorised)
            made.add_row(*who, year.year, *map(str, counts))
            who = [""] * len(who)
        if not answer.years:
            made.add_row(*who, "none", *["0"] * 4)
    return made
