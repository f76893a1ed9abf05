"""Verbs that report on many pupils: the head's week, governors' totals, cohorts by group, awards, the newsletter.

Each goes to the screen, to paper, to a sheet, or as JSON, from the same sections. The papers about one pupil are in
`papers`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated

import msgspec
import typer

from commands.cli.frame.asking import PDF_CSV_XLSX, Question, Reply, asks
from commands.cli.frame.options import parse_day
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.report_files import on_screen, write_report
from commands.files.sections import (
    NameOf,
    Section,
    awards_sections,
    governors_sections,
    groups_sections,
    name_by,
    newsletter_sections,
    weekly_file,
    weekly_sections,
)
from ledger.errors import Refused
from projections.asking.questions import Moment
from projections.figures.spans import half_term
from projections.reports.awards import AwardsReport, awards_report
from projections.reports.base import Report
from projections.reports.governors import governors_report
from projections.reports.groups import groups_report
from projections.reports.weekly import last_day_of, weekly_report

reports = Verbs(help="Reports: parents, weekly, governors, groups, awards, newsletter, share.")

Leavers = Annotated[bool, typer.Option("--leavers", help="Also who left in that school year.")]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help="The first day. [default the first of the half term]")
]
ToOption = Annotated[
    str | None,
    typer.Option("--to", "--as-of", metavar="DAY", help="The last day. [default today; if simulated the last event's]"),
]
NamesOption = Annotated[bool, typer.Option("--names", help="Name the pupils, who are only counted otherwise.")]

RATES = ("session", "pupils", "possible", "attended", "absent", "rates")
COHORTS = (*RATES, "cohort", "target")


def _week_or_day(week: str | None, as_of: str | None) -> date | None:
    monday, day = parse_day("--week", week), parse_day("--as-of", as_of)
    if monday and day:
        raise Refused("malformed", field="--week", expected="either a week or a day in it")
    return last_day_of(monday) if monday else day


def last_day(last: str | None) -> date | None:
    return parse_day("--to", last)


@asks(reports, "weekly", day=_week_or_day, forms=PDF_CSV_XLSX)
def report_week(
    question: Question,
    week: Annotated[str | None, typer.Option("--week", metavar="MONDAY", help="Up to that week's Friday.")] = None,
) -> Reply:
    """Say how the week went.

    Every class beside the target, who became worse, which registers were not taken.

    \b
    Example: attendance reports weekly --week 2025-12-08 -o week.pdf
    """
    report = weekly_report(question.answers, question.moment)

    def sections() -> list[Section]:
        return weekly_sections(report, name_by(question.names(each.pupil for each in report.worse)))

    words = (*RATES, "unresolved", "late", "missing", "cohort", "target")
    title = f"The head's week, from {report.monday}"
    return _reply(question, title, report, sections, words, sheet=weekly_file(report), wide=False, named=True)


@asks(reports, "governors", forms=PDF_CSV_XLSX)
def report_to_governors(question: Question, leavers: Leavers = False) -> Reply:
    """Total the school and its groups for governors.

    Small numbers are hidden, with no way to subtract them out.

    \b
    Example: attendance reports governors --as-of 2025-12-19 -o governors.pdf
    """
    report = governors_report(question.answers, question.moment, question.chosen(None, leavers=leavers))
    return _reply(question, "Governors' totals", report, lambda: governors_sections(report), COHORTS)


@asks(reports, "groups", forms=PDF_CSV_XLSX)
def report_groups(question: Question, leavers: Leavers = False) -> Reply:
    """Compare cohorts by group.

    Year, class, sex, SEND, social worker, looked after, free school meals, new starters and any other group.

    \b
    Example: attendance reports groups --as-of 2025-12-19 -o groups.xlsx
    """
    report = groups_report(question.answers, question.moment, question.chosen(None, leavers=leavers))
    return _reply(question, "Cohorts by group", report, lambda: groups_sections(report), COHORTS)


@asks(reports, "awards", day=last_day, forms=PDF_CSV_XLSX)
def report_awards(
    question: Question, first: FromOption = None, last: ToOption = None, names: NamesOption = False
) -> Reply:
    """Say who wins awards.

    Classes and pupils, for attendance, punctuality and improving; pupils are only counted unless --names.
    Improving is compared with as many school days just before.

    \b
    Example: attendance reports awards --from 2025-11-03 --to 2025-12-19 --names
    """
    report = _awards(question, first, names=names)
    words = (*RATES, "late", "missing", "target")
    return _reply(
        question,
        "Awards",
        report,
        lambda: awards_sections(report, _name_of(question, report) if names else None),
        words,
        wide=False,
        named=names,
    )


@asks(reports, "newsletter", day=last_day, forms=PDF_CSV_XLSX)
def report_newsletter(
    question: Question, first: FromOption = None, last: ToOption = None, names: NamesOption = False
) -> Reply:
    """Give the newsletter its figures.

    Classes and school beside the target, pupils only counted unless --names.

    \b
    Example: attendance reports newsletter --from 2025-11-03 --to 2025-12-19 -o newsletter.pdf
    """
    report = _awards(question, first, names=names)
    return _reply(
        question,
        "Attendance news",
        report,
        lambda: newsletter_sections(report, _name_of(question, report) if names else None),
        ("attended", "rates", "late", "target"),
        wide=False,
        named=names,
    )


def _reply(
    question: Question,
    title: str,
    report: Report,
    sections: Callable[[], list[Section]],
    words: tuple[str, ...],
    *,
    sheet: Section | None = None,
    wide: bool = True,
    named: bool = False,
) -> Reply:
    """Return a report, its sections for the screen and its files, which repeat the definitions of `words`."""
    return Reply(
        report,
        title,
        lambda: on_screen(sections(), question.simulated),
        named=named,
        book=lambda path: write_report(path, title, question.moment, report, sections(), words, sheet=sheet, wide=wide),
    )


def begins_on(moment: Moment, first: date | None) -> date:
    """Return the first day of a period: the one given, else that of the half term. Refuses one after its last day."""
    if first is not None and first > moment.as_of:
        raise Refused("malformed", field="--from", value=str(first), expected=f"a day up to {moment.as_of}")
    return first or half_term(moment, moment.as_of)


def _awards(question: Question, first: str | None, *, names: bool) -> AwardsReport:
    """Return the awards of a period, without the pupils unless they are to be named."""
    begins = parse_day("--from", first)
    report = awards_report(question.answers, question.moment, begins_on(question.moment, begins))
    return report if names else msgspec.structs.replace(report, pupils=[])


def _name_of(question: Question, report: AwardsReport) -> NameOf:
    return name_by(question.names(each.name for each in report.pupils))
