"""Verbs of totals for other systems: the school census of a term, and the transfer file of pupils who move on."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.asking import Question, Reply, asks
from commands.cli.frame.files import write_bytes, write_whole
from commands.cli.frame.options import parse_day
from commands.cli.frame.parameters import Verbs
from commands.desk.tables import table
from commands.files.forms import census_xml, transfer_xml
from commands.files.section import Section
from commands.files.sheets import write_sheet
from ledger.errors import Refused
from ledger.sessions import parse_year
from ledger.text import one_line
from ledger.words import counted
from projections.asking.questions import Moment
from projections.returns.census import CensusAnswer, Term, TransferAnswer, census_answers, term, transfer_answers

verbs = Verbs()

FIELDS = (
    "pupil", "upn", "born", "sex", "year_group", "leaving_day", "possible", "attended", "authorised", "unauthorised",
    "missing",
)  # fmt: skip
ABOUT = ("term", "first", "last", "known_at", "position", "policy", "simulated")
HEADED = {"first": "from", "last": "to"}


def _term(term_name: str, year_name: str, from_day: str | None, to_day: str | None) -> Term:
    try:
        year = parse_year(year_name)
    except ValueError as error:
        raise Refused("malformed", field="YEAR", value=year_name, expected=str(error)) from None
    return term(term_name, year, parse_day("--from", from_day), parse_day("--to", to_day))


def _last_day(term_name: str, year_name: str, from_day: str | None, to_day: str | None) -> date:
    return _term(term_name, year_name, from_day, to_day).last


@asks(verbs, "census", day=_last_day, forms=(".xml", ".csv", ".xlsx"))
def take_census(
    question: Question,
    term_name: Annotated[
        str, typer.Argument(metavar="TERM", help="autumn, spring, summer, summer-first or summer-second.")
    ],
    year_name: Annotated[str, typer.Argument(metavar="YEAR", help="The school year of the term, such as 2025/26.")],
    from_day: Annotated[str | None, typer.Option("--from", metavar="DAY", help="Instead of the term's first.")] = None,
    to_day: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Instead of the term's last day.")] = None,
) -> Reply:
    """Sum a term for the school census, which collects it one term later.

    Autumn runs to 31 December, spring to Easter Sunday, summer to 31 July.

    \b
    Example: attendance census autumn 2025/26 -o census-autumn-2025.xml
    """
    days = _term(term_name, year_name, from_day, to_day)
    answers = census_answers(question.answers, question.moment, days)
    missing = sum(answer.missing for answer in answers)
    return Reply(
        answers,
        f"Census {days.name}",
        lambda: [_census_table(days, answers, question.simulated), _summed(answers)],
        notes=[f"in no figure are {counted(missing, 'closed session')} without a mark"] if missing else [],
        book=lambda path: _write_census(path, question.moment, days, answers),
        quiet=True,
    )


def _write_census(path: Path, moment: Moment, days: Term, answers: list[CensusAnswer]) -> str:
    """Write the form of the census, or its columns for programs; return what was written."""
    if path.suffix == ".xml":
        write_bytes(path, census_xml(moment, days, answers))
    else:
        codes = _codes(answers)
        rows = [
            [
                *(getattr(answer, name) for name in FIELDS),
                *(answer.reasons.get(code, 0) for code in codes),
                *(getattr(answer, name) for name in ABOUT),
            ]
            for answer in answers
        ]
        headings = [*FIELDS, *codes, *(HEADED.get(name, name) for name in ABOUT)]
        write_whole(path, lambda draft: write_sheet(draft, headings, rows, title=f"Census {days.name}"))
    return f"wrote {path.name}: {counted(len(answers), 'pupil')}"


def _codes(answers: list[CensusAnswer]) -> list[str]:
    return sorted({code for answer in answers for code in answer.reasons})


def _census_table(days: Term, answers: list[CensusAnswer], simulated: bool) -> Section:
    codes = _codes(answers)
    made = table(
        f"Census of the {days.name} term, {days.first} to {days.last}, for the {days.collected_in} census",
        simulated,
        **dict.fromkeys(("pupil", "UPN", "born", "sex", "year", "left"), "left"),
        **dict.fromkeys(("possible", "attended", "authorised", "unauthorised", "missing"), "right"),
        **dict.fromkeys(codes, "right"),
    )
    for answer in answers:
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


def _summed(answers: list[CensusAnswer]) -> str:
    def total(name: str) -> str:
        return f"{sum(getattr(answer, name) for answer in answers):,}"

    return (
        f"{counted(len(answers), 'pupil')}: {total('possible')} sessions possible, "
        f"{total('authorised')} authorised and {total('unauthorised')} unauthorised"
    )


@asks(verbs, "ctf", forms=(".xml",))
def make_transfer_file(
    question: Question,
    pupils: Annotated[list[str] | None, typer.Argument(metavar="PUPIL...", help="Admission numbers.")] = None,
    leavers: Annotated[bool, typer.Option("--leavers", help="Everybody who left in that school year.")] = False,
) -> Reply:
    """Sum school years for the common transfer file of pupils who move on, which is the .xml.

    Totals and no marks: one character has no room for C1 or Y1.

    \b
    Example: attendance ctf --leavers -o 9192000_CTF_leavers.xml
    """
    if bool(pupils) == leavers:
        raise Refused("malformed", field="PUPIL", expected="either pupils or --leavers")
    if leavers:
        chosen = sorted(set(question.chosen(None, leavers=True)) - set(question.chosen(None)))
    else:
        chosen = question.known(pupils or [])
    answers = transfer_answers(question.answers, question.moment, chosen)

    def write(path: Path) -> str:
        if not answers:
            return "nobody has left, so no file was written"
        write_bytes(path, transfer_xml(question.moment, answers))
        return f"wrote {path.name}: {counted(len(answers), 'pupil')}"

    return Reply(
        answers,
        "Sessions by school year",
        lambda: [_transfer_table(answers, question.simulated)],
        book=write,
        quiet=True,
    )


def _transfer_table(answers: list[TransferAnswer], simulated: bool) -> Section:
    made = table(
        "Sessions by school year, for the transfer file",
        simulated,
        **dict.fromkeys(("pupil", "UPN", "name", "born", "sex", "year"), "left"),
        **dict.fromkeys(("possible", "authorised", "attended", "unauthorised"), "right"),
    )
    for answer in answers:
        who = [answer.pupil, one_line(answer.upn), one_line(answer.name), answer.born, one_line(answer.sex)]
        for year in answer.years:
            counts = (year.possible, year.authorised, year.attended, year.unauthorised)
            made.add_row(*who, year.year, *map(str, counts))
            who = [""] * len(who)
        if not answer.years:
            made.add_row(*who, "none", *["0"] * 4)
    return made
