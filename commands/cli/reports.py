"""Verbs that report on many pupils: the head's week, governors' totals, cohorts by group, awards, the newsletter.

Each goes to the screen, to paper, to a sheet, or as JSON, from the same sections. The papers about one pupil are in
`papers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from commands.cli.asking import note_lost_keys
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
from commands.cli.report_files import OutputOption, give
from commands.cli.speech import say_json
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
from commands.wiring import House
from ledger.errors import Refused
from projections.asking.questions import Answers, Moment
from projections.figures.cohorts import who
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


@reports.command("weekly")
def report_week(
    week: Annotated[str | None, typer.Option("--week", metavar="MONDAY", help="Up to that week's Friday.")] = None,
    output: OutputOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how the week went.

    Every class beside the target, who became worse, which registers were not taken.

    \b
    Example: attendance reports weekly --week 2025-12-08 -o week.pdf
    """
    monday, about, known = parse_day("--week", week), parse_day("--as-of", as_of), parse_known_at(known_at)
    if monday and about:
        raise Refused("malformed", field="--week", expected="either a week or a day in it")

    with opened(ledger, keys) as house:
        moment = house.answers.moment(last_day_of(monday) if monday else about, known)
        report = weekly_report(house.answers, moment)
        if as_json:
            say_json(report)
            return
        note_lost_keys(house)
        names = house.answers.particulars(moment, [each.pupil for each in report.worse])
        sections = weekly_sections(report, name_by(names))
        words = (*RATES, "unresolved", "late", "missing", "cohort", "target")
        title = f"The head's week, from {report.monday}"
        give(output, title, moment, report, sections, words, sheet=weekly_file(report), wide=False)


@reports.command("governors")
def report_to_governors(
    leavers: Leavers = False,
    output: OutputOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Total the school and its groups for governors.

    Small numbers are hidden, with no way to subtract them out.

    \b
    Example: attendance reports governors --as-of 2025-12-19 -o governors.pdf
    """

    with _cohorts(leavers, as_of, known_at, ledger, keys) as (answers, moment, pupils):
        report = governors_report(answers, moment, pupils)
        _give_cohorts(output, "Governors' totals", moment, report, governors_sections(report), as_json)


@reports.command("groups")
def report_groups(
    leavers: Leavers = False,
    output: OutputOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare cohorts by group.

    Year, class, sex, SEND, social worker, looked after, free school meals, new starters and any other group.

    \b
    Example: attendance reports groups --as-of 2025-12-19 -o groups.xlsx
    """

    with _cohorts(leavers, as_of, known_at, ledger, keys) as (answers, moment, pupils):
        report = groups_report(answers, moment, pupils)
        _give_cohorts(output, "Cohorts by group", moment, report, groups_sections(report), as_json)


@contextmanager
def _cohorts(
    leavers: bool, as_of: str | None, known_at: str | None, ledger: str | None, keys: str | None
) -> Iterator[tuple[Answers, Moment, list[str]]]:
    """Yield what a report about the cohorts of a day is made from."""
    about, known = parse_day("--as-of", as_of), parse_known_at(known_at)

    with opened(ledger, keys) as house:
        moment = house.answers.moment(about, known)
        yield house.answers, moment, who(house.answers, moment, leavers=leavers)


def _give_cohorts(
    output: Path | None, title: str, moment: Moment, report: Report, sections: list[Section], as_json: bool
) -> None:
    if as_json:
        say_json(report)
    else:
        give(output, title, moment, report, sections, (*RATES, "cohort", "target"))


@reports.command("awards")
def report_awards(
    first: FromOption = None,
    last: ToOption = None,
    names: NamesOption = False,
    output: OutputOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who wins awards.

    Classes and pupils, for attendance, punctuality and improving; pupils are only counted unless --names.
    Improving is compared with as many school days just before.

    \b
    Example: attendance reports awards --from 2025-11-03 --to 2025-12-19 --names
    """
    with opened(ledger, keys) as house:
        moment, report = _awards(house, first, last, known_at)
        if as_json:
            say_json(_counted(report, names=names))
            return
        sections = awards_sections(report, _name_of(house, moment, report) if names else None)
        give(output, "Awards", moment, report, sections, (*RATES, "late", "missing", "target"), wide=False)


@reports.command("newsletter")
def report_newsletter(
    first: FromOption = None,
    last: ToOption = None,
    names: NamesOption = False,
    output: OutputOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give the newsletter its figures.

    Classes and school beside the target, pupils only counted unless --names.

    \b
    Example: attendance reports newsletter --from 2025-11-03 --to 2025-12-19 -o newsletter.pdf
    """
    with opened(ledger, keys) as house:
        moment, report = _awards(house, first, last, known_at)
        if as_json:
            say_json(_counted(report, names=names))
            return
        sections = newsletter_sections(report, _name_of(house, moment, report) if names else None)
        words = ("attended", "rates", "late", "target")
        give(output, "Attendance news", moment, report, sections, words, wide=False)


def _awards(house: House, first: str | None, last: str | None, known_at: str | None) -> tuple[Moment, AwardsReport]:
    begins, about, known = parse_day("--from", first), parse_day("--to", last), parse_known_at(known_at)

    moment = house.answers.moment(about, known)
    return moment, awards_report(house.answers, moment, begins_on(moment, begins))


def begins_on(moment: Moment, first: date | None) -> date:
    """Return the first day of a period: the one given, else that of the half term. Refuses one after its last day."""
    if first is not None and first > moment.as_of:
        raise Refused("malformed", field="--from", value=str(first), expected=f"a day up to {moment.as_of}")
    return first or half_term(moment, moment.as_of)


def _name_of(house: House, moment: Moment, report: AwardsReport) -> NameOf:
    note_lost_keys(house)
    return name_by(house.answers.particulars(moment, [each.name for each in report.pupils]))


def _counted(report: AwardsReport, *, names: bool) -> AwardsReport:
    """Return the report without its pupils, unless they were asked for."""
    return report if names else msgspec.structs.replace(report, pupils=[])
