"""The report to a pupil's parents: what was attended, why not, how often late, whom to ask; about no other child."""

from __future__ import annotations

from datetime import date

import msgspec

from ledger.events import RoleNamed
from ledger.streams import SCHOOL
from projections.asking.questions import Answers, Moment
from projections.figures.spans import span, year_to_date
from projections.figures.tally import Figures, Reason, pooled, reasons
from projections.reports.base import Report, about, class_of, in_force

CONTACT_ROLES = ("day-to-day contact", "support contact")


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a role, and how they are reached; `contact` is blank where nobody said or its key is gone."""

    role: str
    name: str
    title: str
    contact: str


class ParentReport(Report, frozen=True, kw_only=True):
    """`figures` are those from `first` to `last`, `year` the year to date; `absences` the reasons for absence."""

    pupil: str
    class_name: str
    first: str
    last: str
    parents: list[str]
    figures: Figures
    year: Figures
    absences: list[Reason]
    reaches_target: bool | None
    contacts: list[Contact]


def parent_reports(answers: Answers, moment: Moment, pupils: list[str], first: date) -> list[ParentReport]:
    """Return the reports of these pupils, in order of class and number, from a day to the day asked about."""
    header, policy = about(moment), in_force(moment)
    pupils = sorted(pupils, key=lambda pupil: (class_of(moment, pupil), pupil))
    period = span(answers, moment, pupils, first, moment.as_of)
    year = year_to_date(answers, moment, pupils)
    contacts = role_contacts(answers, moment)
    reports = []
    for row, pupil in enumerate(pupils):
        figures = pooled(period, [row])
        absences = [each for each in reasons(period, row, moment.codes) if each.category.endswith("absence")]
        reports.append(
            ParentReport(
                **header,
                pupil=pupil,
                class_name=class_of(moment, pupil),
                first=first.isoformat(),
                last=moment.as_of.isoformat(),
                parents=list(moment.school.pupils[pupil].parents),
                figures=figures,
                year=pooled(year, [row]),
                absences=absences,
                reaches_target=reaches(figures, policy.target_percent),
                contacts=contacts,
            )
        )
    return reports


def reaches(figures: Figures, percent: int) -> bool | None:
    """Return whether attendance is at or above a percentage, on unrounded counts; None of nothing possible."""
    return 100 * figures.attended >= percent * figures.possible if figures.possible else None


def role_contacts(answers: Answers, moment: Moment) -> list[Contact]:
    """Return whom parents are to ask, by role, as named on the day asked about; nobody where nobody was."""
    rows = [
        row
        for row in answers.ledger.reads.stream_rows([SCHOOL])
        if row.position <= moment.position and row.topic == "school.RoleNamed"
    ]
    named: dict[str, RoleNamed] = {}
    roles = [event for _, event in answers.opened(rows) if isinstance(event, RoleNamed)]
    for event in sorted(roles, key=lambda event: event.from_day):  # of one day as they were recorded
        if event.from_day <= moment.as_of:
            named[event.role] = event
    return [
        Contact(role=role, name=holder.name, title=holder.title, contact=named[role].contact)
        for role in CONTACT_ROLES
        if role in named
        for holder in named[role].holders
    ]
