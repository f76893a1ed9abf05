"""Papers about one pupil: the year on a page, the report to parents, the sheet for another school; what was shared.

A paper is printed, never sent: what records that it was sent or shared is a command of its own, which these verbs name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.arguments import Pupil
from commands.cli.frame.asking import Part, Question, Reply, asks
from commands.cli.frame.options import parse_day
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.report_files import defined, print_paper
from commands.cli.verbs.reports import FromOption, ToOption, begins_on, last_day, reports
from commands.desk.pupils import chosen_pupils, known_pupils, name_of
from commands.desk.tables import london, table
from commands.files.sections import name_by
from ledger.codes import CodeTable
from ledger.errors import Refused
from ledger.finding import Open, action
from ledger.people import signature
from ledger.sessions import format_year, parse_year
from projections.asking.encoder import plain
from projections.asking.questions import Moment
from projections.figures.letters import as_quoted
from projections.lines import command_line
from projections.reports.parents import ParentReport, parent_reports
from projections.reports.sharing import SharingSheet, shared_answers, sharing_sheet
from projections.reports.year import code_key, pupil_year, year_as_of

verbs = Verbs()
verbs.add_typer(reports, name="reports")

FIGURES = ("session", "possible", "attended", "absent", "rates")


@asks(verbs, "pupil-year", paper=True)
def print_pupil_year(
    question: Question,
    pupil: Pupil,
    year: Annotated[str | None, typer.Option("--year", metavar="YEAR", help="Such as 2025/26.")] = None,
) -> Reply:
    """Print a pupil's year on one page.

    Every half-day with its code, what was amended, what it adds up to.

    \b
    Example: attendance pupil-year 1042 --year 2025/26 -o year.pdf
    """
    moment = _moment_of_year(question, _year(year))
    known_pupils(moment, [pupil])
    report = pupil_year(question.answers, moment, pupil)

    def write(path: Path) -> str:
        known = question.answers.particulars(moment, [pupil])[pupil]
        facts = {
            "report": plain(report),
            "name": name_by({pupil: known})(pupil),
            "upn": known.upn,
            "key": plain(code_key(report, moment.codes)),
            "definitions": defined(moment, (*FIGURES, "late", "unresolved", "missing", "cohort")),
        }
        return print_paper(path, "pupil_year", moment, facts)

    return Reply(report, f"The year of {pupil}", book=write)


def _moment_of_year(question: Question, year: int | None) -> Moment:
    """Return the moment of a whole school year, or that of the day asked about. Refuses a day of another year."""
    moment, day = question.moment, question.day
    if year is None or (day is not None and moment.school.calendar.year_begun_by(day) == year):
        return moment
    if day is not None:
        raise Refused("malformed", field="--as-of", value=str(day), expected=f"a day of {format_year(year)}, or none")
    return question.at(year_as_of(moment, year), question.known_at)


@asks(reports, "parents", day=last_day, paper=True)
def print_parent_reports(
    question: Question,
    pupils: Annotated[list[str] | None, typer.Argument(metavar="PUPIL...", help="Admission numbers.")] = None,
    class_name: Annotated[str | None, typer.Option("--class", metavar="CLASS", help="Everybody in it.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody on roll.")] = False,
    first: FromOption = None,
    last: ToOption = None,
) -> Reply:
    """Print the report to parents, a page a pupil.

    About no other child; it is not sent, and the lines that record its sending are named.

    \b
    Example: attendance reports parents --class 5T --from 2025-11-03 --to 2025-12-19 -o reports.pdf
    """
    begins = parse_day("--from", first)
    if sum((bool(pupils), class_name is not None, everybody)) != 1:
        raise Refused("malformed", field="PUPIL", expected="pupils, or --class, or --all: one of them")
    moment = question.moment
    chosen = chosen_pupils(question.answers, moment, pupils, class_name=class_name)
    if not chosen:
        raise Refused("malformed", field="--class", value=class_name, expected="a class that somebody is in")
    answers = parent_reports(question.answers, moment, chosen, begins_on(moment, begins))

    def write(path: Path) -> str:
        name = name_by(question.names(chosen))
        words = ("session", "attended", "absent", "rates", "late")
        facts = {"pages": [_parent_page(each, name(each.pupil)) for each in answers]}
        printed = print_paper(path, "parent_report", moment, facts | {"definitions": defined(moment, words)})
        lines = [f"  {letter_line(moment, each)}" for each in answers]
        return "\n".join([printed, "once sent, record each with its line:", *lines])

    return Reply(answers, "Reports to parents", book=write)


@asks(reports, "share", paper=True)
def print_sharing_sheet(question: Question, pupil: Pupil) -> Reply:
    """Print what another school is shown.

    A sibling's, a former or the next one: totals, dates and codes, and nobody's words.

    \b
    Example: attendance reports share 1042 -o share.pdf
    """
    question.known([pupil])
    sheet = sharing_sheet(question.answers, question.moment, pupil)

    def write(path: Path) -> str:
        moment, names = question.moment, question.names([pupil])
        facts = {
            "sheet": plain(sheet),
            "key": _sheet_key(sheet, moment.codes),
            "definitions": defined(moment, (*FIGURES, "late")),
            "name": name_by(names)(pupil),
            "upn": names[pupil].upn,
            "born": names[pupil].born,
        }
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
        printed = print_paper(path, "sharing", moment, facts)
        return "\n".join([printed, "once passed on, record it with this line:", f"  {command_line(shared)}"])

    return Reply(sheet, f"What is shared about {pupil}", book=write)


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
    answers = shared_answers(question.answers, question.moment, chosen)

    def parts() -> list[Part]:
        names = question.names({each.pupil for each in answers})
        headings = ("pupil", "name", "on", "to", "what", "as_of", "seen", "why", "by", "recorded")
        made = table("Passed on", question.simulated, **dict.fromkeys(headings, "left"))
        for each in answers:
            by = signature(each.by)
            where = (each.pupil, name_of(each.pupil, names), each.on, each.recipient, each.what, each.as_of)
            made.add_row(*where, str(each.seen), each.why, by, london(each.recorded_at))
        return [made] if answers else ["nothing was passed on"]

    return Reply([plain(each) | {"simulated": question.simulated} for each in answers], "Passed on", parts)


def letter_line(moment: Moment, report: ParentReport) -> str:
    """Return the line that records that a report was sent, with the figures of the year to date that it quotes."""
    sent = {"about": "report", "parents": tuple(report.parents), "sent_on": Open("DAY"), "as_of": moment.as_of}
    quoted = as_quoted(report.year)
    return command_line(action("SendLetter", pupil=report.pupil, **sent, seen=moment.position, quoted=quoted))


def _parent_page(report: ParentReport, name: str) -> dict[str, object]:
    absent, year = report.figures.absent, report.year.absent
    halves = {"missed": absent, "days": _days(absent), "year_missed": year, "year_days": _days(year)}
    return {"report": plain(report), "name": name, **halves}


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
