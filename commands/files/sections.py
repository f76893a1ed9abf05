"""A report as sections. A file of it holds the section of the figures; screen and paper hold them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from commands.files.section import HIDDEN, Section, Value
from ledger.words import SEALED, counted
from projections.asking.questions import Particulars
from projections.figures.tally import Figures
from projections.reports.awards import Awarded, AwardsReport
from projections.reports.base import Report
from projections.reports.governors import GovernorLine, GovernorsReport
from projections.reports.groups import GroupLine, GroupsReport
from projections.reports.weekly import WeeklyReport

LEFT = "whoever left counts until then, in their last class"
MOMENT = ("as of", "known at", "position", "policy", "simulated")

NameOf = Callable[[str], str]


def for_file(report: Report, section: Section) -> tuple[list[str], list[list[Value]]]:
    """Return headings and rows of a file: every row says what it was true for."""
    true_for: list[Value] = [
        report.as_of,
        report.known_at,
        report.position,
        report.policy,
        str(report.simulated).lower(),
    ]
    return [*section.headings, *MOMENT], [[*row, *true_for] for row in section.rows]


def name_by(names: Mapping[str, Particulars]) -> NameOf:
    """Return a function to a pupil's name as known, "(sealed)" where the key is gone."""
    return lambda pupil: names[pupil].name if pupil in names and names[pupil].readable else SEALED


def yes_no(value: bool | None) -> Value:
    return None if value is None else "yes" if value else "no"


# --- the head's week ------------------------------------------------------------------------------------------------

WEEKLY = (
    "possible", "attended", "attendance %", "target %", "at target", "authorised %", "unauthorised %", "still N",
    "late L", "late U", "missing",
)  # fmt: skip


def weekly_sections(report: WeeklyReport, name: NameOf) -> list[Section]:
    """Return week and year by class, who became worse, and the registers that were not taken."""
    lines, target = [*report.classes, report.school], report.target_percent
    week = [[line.name, *_weekly_row(line.week, target, line.week_reaches_target)] for line in lines]
    year = [[line.name, *_weekly_row(line.year, target, line.year_reaches_target)] for line in lines]
    worse: list[list[Value]] = [
        [each.pupil, name(each.pupil), each.class_name, each.before or "none", each.now, each.absence_percent]
        for each in report.worse
    ]
    untaken: list[list[Value]] = [[each.session, each.class_name, each.pupils] for each in report.untaken]
    return [
        Section(f"This week, {report.monday} to {report.as_of}", ("class", *WEEKLY), week),
        Section(f"Year to date, up to {report.as_of}", ("class", *WEEKLY), year, (LEFT,)),
        Section(
            "Newly at risk, persistently or severely absent this week",
            ("pupil", "name", "class", "a week earlier", "now", "absence % of the year"),
            worse,
            () if worse else ("nobody",),
        ),
        Section(
            "Registers not taken", ("session", "class", "pupils unexplained"), untaken, () if untaken else ("none",)
        ),
    ]


def weekly_file(report: WeeklyReport) -> Section:
    """Return week and year side by side, a row a class."""
    rows = [
        [
            line.name,
            *_weekly_row(line.week, report.target_percent, line.week_reaches_target),
            *_weekly_row(line.year, report.target_percent, line.year_reaches_target),
        ]
        for line in [*report.classes, report.school]
    ]
    headings = ("class", *(f"{span} {heading}" for span in ("week", "year") for heading in WEEKLY))
    return Section(f"Week of {report.monday}", headings, rows)


def _weekly_row(figures: Figures, target: int, reached: bool | None) -> list[Value]:
    return [
        figures.possible, figures.attended, figures.attendance_percent, target, yes_no(reached),
        figures.authorised_percent, figures.unauthorised_percent, figures.unresolved, figures.late, figures.very_late,
        figures.missing,
    ]  # fmt: skip


# --- governors and groups -------------------------------------------------------------------------------------------

GOVERNORS = (
    "divided by", "group", "pupils", "attendance %", "authorised %", "unauthorised %", "persistent", "persistent %",
    "severe", "severe %", "target %",
)  # fmt: skip
GROUPS = (
    "divided by", "group", "pupils", "possible", "attended", "attendance %", "absence %", "authorised %",
    "unauthorised %", "at risk", "at risk %", "persistent", "persistent %", "severe", "severe %", "target %",
)  # fmt: skip


def governors_sections(report: GovernorsReport) -> list[Section]:
    """Return the school and its groups, hidden figures as `c`."""
    rows = [_governors_row(line, report.target_percent) for line in [report.school, *report.groups]]
    note = (
        f"{HIDDEN}: hidden, because it is a number of pupils from 1 to {report.hide_below - 1}, or because such a "
        "number could be worked out from it"
    )
    return [Section("Governors' totals, year to date", GOVERNORS, rows, (note,))]


def _governors_row(line: GovernorLine, target: int) -> list[Value]:
    size = "pupils" in line.hidden
    row: list[Value] = [line.dimension, line.group, HIDDEN if size else line.pupils]
    row += [HIDDEN if size else each for each in (line.attendance_percent, line.authorised_percent)]
    row.append(HIDDEN if size else line.unauthorised_percent)
    for name, count, share in (
        ("persistent", line.persistent, line.persistent_percent),
        ("severe", line.severe, line.severe_percent),
    ):
        row += [HIDDEN, HIDDEN] if name in line.hidden else [count, share]
    return [*row, target]


def groups_sections(report: GroupsReport) -> list[Section]:
    """Return the cohorts of the school and of every group, and how many pupils are in each band of absence."""
    lines = [report.school, *report.groups]
    bands = list(report.school.bands)
    rows = [_groups_row(line, report.target_percent) for line in lines]
    by_band: list[list[Value]] = [[line.dimension, line.group, *line.bands.values()] for line in lines]
    return [
        Section("Cohorts by group, year to date", GROUPS, rows),
        Section("Pupils by band of absence", ("divided by", "group", *bands), by_band),
    ]


def _groups_row(line: GroupLine, target: int) -> list[Value]:
    figures = line.figures
    return [
        line.dimension, line.group, figures.pupils, figures.possible, figures.attended, figures.attendance_percent,
        figures.absence_percent, figures.authorised_percent, figures.unauthorised_percent, line.at_risk,
        line.at_risk_percent, line.persistent, line.persistent_percent, line.severe, line.severe_percent, target,
    ]  # fmt: skip


# --- awards and the newsletter --------------------------------------------------------------------------------------

CLASSES = (
    "class", "attendance %", "target %", "at target", "period before %", "points", "late L", "late U", "missing",
    "awards",
)  # fmt: skip


def awards_sections(report: AwardsReport, name: NameOf | None) -> list[Section]:
    """Return the classes with what they won, how many pupils won what, and with names who did."""
    rows = [_award_row(line, report.target_percent) for line in [*report.classes, report.school]]
    counted: list[list[Value]] = [
        [f"attendance of {report.award_percent} %", report.named["attendance"]],
        ["never late (no L, no U)", report.named["punctuality"]],
        [f"improved by {report.improved_points} points or more", report.named["improved"]],
    ]
    period = f"{report.first} to {report.last}, compared with {report.before_first} to {report.before_last}"
    sections = [Section(f"Classes, {period}", CLASSES, rows), Section("Pupils", ("award", "pupils"), counted)]
    if name is None:
        return sections
    pupils: list[list[Value]] = [
        [line.name, name(line.name), line.class_name, line.figures.attendance_percent, line.points, _won(line)]
        for line in report.pupils
    ]
    headings = ("pupil", "name", "class", "attendance %", "points", "awards")
    best = sorted((line for line in report.pupils if line.improved), key=lambda line: (-(line.points or 0), line.name))
    improved: list[list[Value]] = [[line.name, name(line.name), line.class_name, *_change(line)] for line in best]
    return [
        *sections,
        Section(
            "Most improved",
            ("pupil", "name", "class", "period before %", "attendance %", "points"),
            improved,
            () if improved else ("nobody",),
        ),
        Section("Every pupil with an award", headings, pupils, () if pupils else ("nobody",)),
    ]


def newsletter_sections(report: AwardsReport, name: NameOf | None) -> list[Section]:
    """Return what parents read: the classes beside the target, who did best, how many pupils are celebrated."""
    rows: list[list[Value]] = [
        [line.name, line.figures.attendance_percent, report.target_percent, line.figures.lates, _won(line)]
        for line in [*report.classes, report.school]
    ]
    headings = ("class", "attendance %", "our target %", "late arrivals", "we celebrate")
    sections = [Section(f"Our attendance, {report.first} to {report.last}", headings, rows, _celebrated(report))]
    if name is None:
        return sections
    pupils: list[list[Value]] = [[name(line.name), line.class_name, _won(line)] for line in report.pupils]
    return [*sections, Section("Congratulations", ("name", "class", "for"), pupils, () if pupils else ("nobody",))]


def _celebrated(report: AwardsReport) -> list[str]:
    def pupils(count: int) -> str:
        return counted(count, "pupil")

    return [
        f"{pupils(report.named['attendance'])} attended {report.award_percent} % of their sessions; "
        f"{pupils(report.named['punctuality'])} were never late; "
        f"{pupils(report.named['improved'])} improved by {report.improved_points} percentage points or more"
    ]


def _award_row(line: Awarded, target: int) -> list[Value]:
    figures: Figures = line.figures
    return [
        line.name, figures.attendance_percent, target, yes_no(line.reaches_target), line.before.attendance_percent,
        line.points, figures.late, figures.very_late, figures.missing, _won(line),
    ]  # fmt: skip


def _change(line: Awarded) -> list[Value]:
    return [line.before.attendance_percent, line.figures.attendance_percent, line.points]


def _won(line: Awarded) -> str:
    won = (
        ("best class", line.best),
        ("attendance", line.attendance),
        ("punctuality", line.punctuality),
        ("improved", line.improved),
    )
    return ", ".join(word for word, has in won if has)
