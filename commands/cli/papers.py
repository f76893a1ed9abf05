"""Papers about one pupil: the year on a page, the report to parents, the sheet for another school; what was shared.

A paper is printed, never sent: what records that it was sent or shared is a command of its own, which these verbs name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import typer

from commands.cli.arguments import Pupil
from commands.cli.asking import Part, Question, Reply, asks, note_lost_keys
from commands.cli.options import (
    AsOfOption,
    JsonOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    opened,
    parse_day,
    parse_known_at,
)
from commands.cli.parameters import Verbs
from commands.cli.report_files import PaperOption, check_paper, defined, print_paper
from commands.cli.reports import FromOption, ToOption, begins_on, reports
from commands.cli.speech import say, say_json
from commands.cli.tables import london, name_of, table
from commands.desk.pupils import chosen_pupils, known_pupils
from ledger.codes import CodeTable
from ledger.errors import Refused
from ledger.finding import Open, action
from ledger.sessions import parse_year
from ledger.words import SEALED
from projections.asking.questions import Moment, Particulars
from projections.figures.letters import as_quoted
from projections.lines import command_line
from projections.reports.parents import ParentReport, parent_reports
from projections.reports.sharing import SharingSheet, shared_answers, sharing_sheet
from projections.reports.year import code_key, pupil_year, year_as_of

verbs = Verbs()
verbs.add_typer(reports, name="reports")

FIGURES = ("session", "possible", "attended", "absent", "rates")


@verbs.command("pupil-year")
def print_pupil_year(
    pupil: Pupil,
    year: Annotated[str | None, typer.Option("--year", metavar="YEAR", help="Such as 2025/26.")] = None,
    output: PaperOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a pupil's year on one page.

    Every half-day with its code, what was amended, what it adds up to.

    \b
    Example: attendance pupil-year 1042 --year 2025/26 -o year.pdf
    """
    about, known = parse_day("--as-of", as_of), parse_known_at(known_at)
    wanted = _year(year)
    check_paper(output, as_json=as_json)

    with opened(ledger, keys) as house:
        moment = house.answers.moment(about, known)
        if wanted is not None and (about is None or moment.school.calendar.year_begun_by(about) != wanted):
            if about is not None:
                raise Refused("malformed", field="--as-of", value=str(about), expected=f"a day of {year}, or none")
            moment = house.answers.moment(year_as_of(moment, wanted), known)
        known_pupils(moment, [pupil])
        report = pupil_year(house.answers, moment, pupil)
        if as_json:
            say_json(report)
            return
        assert output is not None
        note_lost_keys(house)
        who = house.answers.particulars(moment, [pupil])[pupil]
        facts = {
            "report": _plain(report),
            "name": _name(who),
            "upn": who.upn,
            "key": _plain(code_key(report, moment.codes)),
            "definitions": defined(moment, (*FIGURES, "late", "unresolved", "missing", "cohort")),
        }
        print_paper(output, "pupil_year", moment, facts)


@reports.command("parents")
def print_parent_reports(
    pupils: Annotated[list[str] | None, typer.Argument(metavar="PUPIL...", help="Admission numbers.")] = None,
    class_name: Annotated[str | None, typer.Option("--class", metavar="CLASS", help="Everybody in it.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody on roll.")] = False,
    first: FromOption = None,
    last: ToOption = None,
    output: PaperOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the report to parents, a page a pupil.

    About no other child; it is not sent, and the lines that record its sending are named.

    \b
    Example: attendance reports parents --class 5T --from 2025-11-03 --to 2025-12-19 -o reports.pdf
    """
    begins, about, known = parse_day("--from", first), parse_day("--to", last), parse_known_at(known_at)
    check_paper(output, as_json=as_json)
    if sum((bool(pupils), class_name is not None, everybody)) != 1:
        raise Refused("malformed", field="PUPIL", expected="pupils, or --class, or --all: one of them")

    with opened(ledger, keys) as house:
        moment = house.answers.moment(about, known)
        chosen = chosen_pupils(house.answers, moment, pupils, class_name=class_name)
        if not chosen:
            raise Refused("malformed", field="--class", value=class_name, expected="a class that somebody is in")
        found = parent_reports(house.answers, moment, chosen, begins_on(moment, begins))
        if as_json:
            say_json(found)
            return
        assert output is not None
        note_lost_keys(house)
        names = house.answers.particulars(moment, chosen)
        pages = [_parent_page(report, names) for report in found]
        words = ("session", "attended", "absent", "rates", "late")
        print_paper(output, "parent_report", moment, {"pages": pages, "definitions": defined(moment, words)})
        say("once sent, record each with its line:")
        for report in found:
            say(f"  {letter_line(moment, report)}")


@reports.command("share")
def print_sharing_sheet(
    pupil: Pupil,
    output: PaperOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what another school is shown.

    A sibling's, a former or the next one: totals, dates and codes, and nobody's words.

    \b
    Example: attendance reports share 1042 -o share.pdf
    """
    about, known = parse_day("--as-of", as_of), parse_known_at(known_at)
    check_paper(output, as_json=as_json)

    with opened(ledger, keys) as house:
        moment = house.answers.moment(about, known)
        known_pupils(moment, [pupil])
        sheet = sharing_sheet(house.answers, moment, pupil)
        if as_json:
            say_json(sheet)
            return
        assert output is not None
        note_lost_keys(house)
        who = house.answers.particulars(moment, [pupil])[pupil]
        key, figures = _sheet_key(sheet, moment.codes), defined(moment, (*FIGURES, "late"))
        facts = {"sheet": _plain(sheet), "key": key, "definitions": figures}
        facts |= {"name": _name(who), "upn": who.upn, "born": who.born}
        print_paper(output, "sharing", moment, facts)
        shared = action(
            "ShareInformation",
            pupil=pupil,
            what="attendance totals, dates and codes",
            recipient=Open("WHOM"),
            on=Open("DAY"),
            why=Open("TEXT"),
            as_of=sheet.as_of,
            seen=sheet.position,
        )
        say("once passed on, record it with this line:")
        say(f"  {command_line(shared)}")


@asks(verbs, "shared")
def show_shared(
    question: Question,
    pupils: Annotated[list[str] | None, typer.Argument(metavar="PUPIL...", help="Admission numbers.")] = None,
) -> Reply:
    """List what was passed on about pupils, to whom and why.

    \b
    Example: attendance shared 1042
    """
    chosen = question.known(pupils) if pupils else sorted(question.moment.school.pupils)
    found = shared_answers(question.answers, question.moment, chosen)

    def parts() -> list[Part]:
        names = question.names({each.pupil for each in found})
        headings = ("pupil", "name", "on", "to", "what", "as_of", "seen", "why", "by", "recorded")
        made = table("Passed on", question.simulated, **dict.fromkeys(headings, "left"))
        for each in found:
            by = f"{each.by.name} ({each.by.title})"
            where = (each.pupil, name_of(each.pupil, names), each.on, each.recipient, each.what, each.as_of)
            made.add_row(*where, str(each.seen), each.why, by, london(each.recorded_at))
        return [made] if found else ["nothing was passed on"]

    return Reply([_plain(each) | {"simulated": question.simulated} for each in found], "Passed on", parts)


def letter_line(moment: Moment, report: ParentReport) -> str:
    """Return the line that records that a report was sent, with the figures of the year to date that it quotes."""
    sent = {"about": "report", "parents": tuple(report.parents), "sent_on": Open("DAY"), "as_of": moment.as_of}
    quoted = as_quoted(report.year)
    return command_line(action("SendLetter", pupil=report.pupil, **sent, seen=moment.position, quoted=quoted))


def _parent_page(report: ParentReport, names: Mapping[str, Particulars]) -> dict[str, Any]:
    absent = report.figures.absent
    halves = {"report": _plain(report), "name": _name(names[report.pupil]), "missed": absent, "days": _days(absent)}
    return halves | {"year_missed": report.year.absent, "year_days": _days(report.year.absent)}


def _days(halves: int) -> str:
    """Return so many half-days as school days: 9 are 4½."""
    days, half = divmod(halves, 2)
    return f"{days or ''}½" if half else str(days)


def _sheet_key(sheet: SharingSheet, codes: CodeTable) -> list[list[str]]:
    """Return the codes of the sheet with their names."""
    used = {code for year in sheet.years for day in year.away for code in (day.am, day.pm)}
    return [[code.symbol, code.name] for code in codes.rows if code.symbol in used]


def _year(text: str | None) -> int | None:
    try:
        return None if text is None else parse_year(text)
    except ValueError as error:
        raise Refused("malformed", field="--year", value=text, expected=str(error)) from None


def _name(who: Particulars) -> str:
    return who.name if who.readable else SEALED


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
