"""Tables that a person can read: on a terminal, in a file, in black and white.

Names appear here and nowhere else, opened with their keys; where a key is gone stands "(sealed)". A table of a
simulated ledger says SIMULATED in its title.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from commands.cli.options import say_as_it_is
from ledger.sessions import LONDON, parse_moment
from ledger.text import in_a_cell, in_lines, one_line
from ledger.words import SEALED, counted

if TYPE_CHECKING:
    from ledger.finding import Finding
    from projections.cohorts import AbsenceAnswer, PenaltyAnswer
    from projections.questions import Particulars

UNLIMITED = 10_000  # columns: into a file or a pipe nothing is folded
Names = Mapping[str, "Particulars"]


class Cells(Table):
    """A table in whose cells nothing can leave its cell, whatever was recorded."""

    def add_row(self, *cells: Any, **how: Any) -> None:
        super().add_row(*(in_a_cell(cell) if isinstance(cell, str) else cell for cell in cells), **how)

    def add_column(self, header: Any = "", *rest: Any, **how: Any) -> None:
        super().add_column(in_a_cell(header) if isinstance(header, str) else header, *rest, **how)


def show(*parts: Any) -> None:
    """Print tables and lines, as wide as the terminal, or as they need where there is none."""
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else UNLIMITED, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        for place, part in enumerate(parts):
            if place and isinstance(part, Table):
                console.print()
            console.print(in_lines(part) if isinstance(part, str) else part)
    say_as_it_is("\n".join(line.rstrip() for line in capture.get().rstrip().splitlines()))


def table(title: str, simulated: bool, **columns: str) -> Table:
    """Return an empty table; each column's heading with "left" or "right"."""
    made = Cells(
        title=one_line(title) + (" (SIMULATED)" if simulated else ""),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    for heading, justify in columns.items():
        made.add_column(heading.replace("_", " "), justify=justify, overflow="fold")  # type: ignore[arg-type]
    return made


def name_of(pupil: str, names: Names) -> str:
    """Return a pupil's name as known, SEALED where its key is gone."""
    known = names.get(pupil)
    return one_line(known.name) if known and known.readable else SEALED


def parent_name(pupil: str, parent: str, names: Names) -> str:
    known = names.get(pupil)
    if known is None or not known.readable:
        return SEALED
    return next((one_line(each.get("name", "")) for each in known.contacts if each.get("id") == parent), "")


def london(moment: str) -> str:
    """Return a recorded time as the school's clock showed it."""
    return f"{parse_moment(moment).astimezone(LONDON):%Y-%m-%d %H:%M:%S}"


# --- absence --------------------------------------------------------------------------------------------------------


def absence_table(found: Iterable[AbsenceAnswer], names: Names, simulated: bool) -> Table:
    made = table(
        "Absence, year to date",
        simulated,
        pupil="left",
        name="left",
        possible="right",
        attended="right",
        authorised="right",
        unauthorised="right",
        missing="right",
        attendance="right",
        absence="right",
        cohort="left",
    )
    for answer in found:
        counts = (answer.possible, answer.attended, answer.authorised, answer.unauthorised, answer.missing)
        shares = (percent_of(answer.attendance_percent), percent_of(answer.absence_percent))
        made.add_row(answer.pupil, name_of(answer.pupil, names), *map(str, counts), *shares, _cohort(answer))
    return made


def band_line(counts: Mapping[str, int]) -> str:
    """Return how many pupils are in each band of absence that anyone is in, as one line."""
    return "pupils by absence: " + (
        ", ".join(f"{count} at {band}" for band, count in counts.items() if count) or "none"
    )


def percent_of(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} %"


def _cohort(answer: AbsenceAnswer) -> str:
    if answer.severe:
        return "severe"
    return "persistent" if answer.persistent else "at risk" if answer.at_risk else ""


# --- penalty windows ------------------------------------------------------------------------------------------------


def penalty_table(found: Iterable[PenaltyAnswer], names: Names, simulated: bool) -> Table:
    """Return a line a pupil, and under it a line for each parent, whose notices of three years stand beside it."""
    made = table(
        "Penalty window",
        simulated,
        pupil="left",
        parent="left",
        name="left",
        count="right",
        met="left",
        met_on="left",
        still_N="right",
        notices_in_three_years="right",
        codes="left",
    )
    for answer in found:
        codes = Counter(session.code for session in answer.sessions)
        made.add_row(
            answer.pupil,
            "",
            name_of(answer.pupil, names),
            f"{answer.count} of {answer.threshold}",
            _met(answer.met),
            answer.met_on or "",
            str(answer.unresolved),
            "",
            ", ".join(f"{count} {code}" for code, count in sorted(codes.items())),
        )
        for line in answer.parents:
            made.add_row(
                "",
                line.parent,
                parent_name(answer.pupil, line.parent, names),
                f"{line.count} of {answer.threshold}",
                _met(line.met),
                line.met_on or "",
                "",
                str(line.notices_in_three_years),
                "",
            )
    return made


def counted_table(answer: PenaltyAnswer, simulated: bool) -> Table:
    """Return the sessions that one pupil's window counts, each with the event that gave its code."""
    made = table(
        f"Sessions counted for {answer.pupil}",
        simulated,
        session="left",
        code="left",
        recorded="left",
        position="right",
        **({"school": "left"} if any(each.school for each in answer.sessions) else {}),
    )
    for each in answer.sessions:
        row = [each.session, each.code, london(each.recorded_at), str(each.position)]
        made.add_row(*row, *([each.school] if each.school else []))
    return made


def weeks_line(found: list[PenaltyAnswer]) -> list[str]:
    """Return the school weeks of the windows, as a line; none where there are none."""
    weeks = found[0].weeks if found else []
    if len(weeks) < 2:
        return [f"1 school week, that of {week}" for week in weeks]
    return [f"{counted(len(weeks), 'school week')}, from that of {weeks[0]} to that of {weeks[-1]}"]


def _met(met: bool) -> str:
    return "met" if met else ""


# --- findings -------------------------------------------------------------------------------------------------------


def findings_table(title: str, found: Iterable[Finding], simulated: bool) -> Table:
    made = table(title, simulated, rule="left", pupil="left", session="left", position="right", finding="left")
    for finding in found:
        place = "" if finding.position is None else str(finding.position)
        made.add_row(finding.rule, finding.pupil or "", finding.session or "", place, one_line(finding.sentence))
    return made
