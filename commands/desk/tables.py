"""Tables that a person can read, as sections: what they are made with, and that of findings.

Names appear on screens and in files and nowhere else, opened with their keys; where a key is gone stands "(sealed)". A
table of a simulated ledger says SIMULATED in its title.
"""

from __future__ import annotations

from collections.abc import Iterable

from commands.files.section import Section
from ledger.finding import Finding
from ledger.sessions import LONDON, parse_moment
from ledger.text import one_line
from projections.lines import command_line


def table(title: str, simulated: bool, **columns: str) -> Section:
    """Return an empty section; each column's heading with "left" or "right"."""
    headings = [heading.replace("_", " ") for heading in columns]
    return Section(titled(title, simulated), headings, right=[side == "right" for side in columns.values()])


def titled(title: str, simulated: bool) -> str:
    return one_line(title) + (" (SIMULATED)" if simulated else "")


def london(moment: str) -> str:
    """Return a recorded time as the school's clock showed it."""
    return f"{parse_moment(moment).astimezone(LONDON):%Y-%m-%d %H:%M:%S}"


def percent_of(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} %"


def findings_table(title: str, findings: Iterable[Finding], simulated: bool) -> Section:
    """Return a line a finding; in a file also the command that settles it, where one does."""
    columns = {"rule": "left", "pupil": "left", "session": "left", "position": "right", "finding": "left"}
    section = table(title, simulated, **columns, command="left")
    section.off_screen = 1
    for each in findings:
        place = "" if each.position is None else str(each.position)
        about = (each.rule, each.pupil or "", each.session or "", place, one_line(each.sentence))
        section.add_row(*about, command_line(each.action))
    return section
