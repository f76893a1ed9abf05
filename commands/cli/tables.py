"""Tables that a person can read: on a terminal, in a file, in black and white.

Names appear here and nowhere else, opened with their keys; where a key is gone stands "(sealed)". A table of a
simulated ledger says SIMULATED in its title.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from commands.cli.speech import fitted, say_as_it_is, screen_width
from commands.desk.pupils import Names, name_of, parent_name
from commands.files.section import Section, numeric, shown
from ledger.finding import Finding
from ledger.sessions import LONDON, parse_moment
from ledger.text import in_a_cell, in_lines, one_line
from ledger.words import counted
from projections.figures.cohorts import AbsenceAnswer, PenaltyAnswer
from projections.lines import command_line

BETWEEN = 3  # between two columns
READABLE = 12  # a text in a narrower column than this is not read but spelt out
# What a narrow screen does without first.
LEAST = (
    "position", "UPN", "recorded", "school", "detail", "entry", "notices in three years", "still N", "reached", "made",
    "missing", "possible", "attended", "on site", "not logged", "lates", "class", "authorised", "authorised %", "by",
)  # fmt: skip
Part = Section | Tree | str  # of what is shown


def show(*parts: Part) -> None:
    """Print sections and lines, as wide as the terminal, or as they need where there is none."""
    width = screen_width()
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        for place, part in enumerate(parts):
            if place and isinstance(part, Section):
                console.print()
            for each in _on_screen(part, width):
                console.print(fitted(in_lines(each), width) if isinstance(each, str) else each)
    say_as_it_is("\n".join(line.rstrip() for line in capture.get().rstrip().splitlines()))


def table(title: str, simulated: bool, **columns: str) -> Section:
    """Return an empty section; each column's heading with "left" or "right"."""
    headings = [heading.replace("_", " ") for heading in columns]
    return Section(titled(title, simulated), headings, right=[side == "right" for side in columns.values()])


def titled(title: str, simulated: bool) -> str:
    return one_line(title) + (" (SIMULATED)" if simulated else "")


def _on_screen(part: Part, width: int) -> Sequence[Any]:
    """Return what stands for a part on a screen: lines as they are, of a section its lines where it has some."""
    if not isinstance(part, Section):
        return [part]
    return _ruled(part, width) if part.lines is None else part.lines


def _ruled(section: Section, width: int) -> list[Any]:
    """Return a section for a screen so wide: lines break between words, and where not even the words have room the
    least important columns are left out, and named below. In a cell nothing can leave it, whatever was recorded."""
    columns = len(section.headings) - section.off_screen
    headings, right = [in_a_cell(heading) for heading in section.headings[:columns]], numeric(section)
    cells = [[in_a_cell(shown(value)) for value in row[:columns]] for row in section.rows]
    needed = [_room([heading, *(row[place] for row in cells)]) for place, heading in enumerate(headings)]
    kept = list(range(len(headings)))
    while len(kept) > 1 and sum(needed[place] + BETWEEN for place in kept) - BETWEEN > width:
        kept.remove(_least([headings[place] for place in kept], kept))
    look: dict[str, Any] = {"title_justify": "left", "title_style": "bold", "box": box.SIMPLE_HEAD}
    made = Table(title=section.title, pad_edge=False, show_edge=False, **look)
    natural = [max(map(cell_len, [heading, *(row[place] for row in cells)])) for place, heading in enumerate(headings)]
    widths = _widths([needed[place] for place in kept], [natural[place] for place in kept], width)
    for place, across in zip(kept, widths, strict=True):
        made.add_column(headings[place], justify="right" if right[place] else "left", overflow="fold", width=across)
    for row in cells:
        made.add_row(*(row[place] for place in kept))
    left_out = [heading for place, heading in enumerate(headings) if place not in kept]
    return [made, *([f"for want of room without: {', '.join(left_out)}"] if left_out else []), *section.notes]


def _room(column: list[str]) -> int:
    """Return how many columns of the screen a column needs to be read: its longest word, and a few words of a text."""
    words = max((cell_len(word) for cell in column for word in cell.split()), default=0)
    return max(words, min(max(map(cell_len, column)), READABLE))


def _widths(needed: list[int], natural: list[int], width: int) -> list[int]:
    """Return how wide columns stand on a screen so wide: as they need, and what is left over shared among those whose
    texts would break."""
    widths, spare = list(needed), width - sum(needed) - BETWEEN * (len(needed) - 1)
    lacking = sorted(range(len(needed)), key=lambda place: natural[place] - needed[place])
    for count, place in enumerate(lacking):
        given = min(natural[place] - needed[place], max(spare, 0) // (len(lacking) - count))
        widths[place] += given
        spare -= given
    return widths


def _least(headings: list[str], kept: list[int]) -> int:
    """Return the least important of the columns that are left: one of LEAST, in their order, else the last; never the
    first, which says what a line is about."""
    return next((kept[headings.index(heading)] for heading in LEAST if heading in headings[1:]), kept[-1])


def london(moment: str) -> str:
    """Return a recorded time as the school's clock showed it."""
    return f"{parse_moment(moment).astimezone(LONDON):%Y-%m-%d %H:%M:%S}"


# --- absence --------------------------------------------------------------------------------------------------------


def absence_table(found: Iterable[AbsenceAnswer], names: Names, simulated: bool) -> Section:
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


def penalty_table(found: Iterable[PenaltyAnswer], names: Names, simulated: bool) -> Section:
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


def counted_table(answer: PenaltyAnswer, simulated: bool) -> Section:
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


def weeks_line(weeks: list[str]) -> str:
    """Return the school weeks of a window in a line, blank where there are none."""
    if len(weeks) < 2:
        return f"1 school week, that of {weeks[0]}" if weeks else ""
    return f"{counted(len(weeks), 'school week')}, from that of {weeks[0]} to that of {weeks[-1]}"


def _met(met: bool) -> str:
    return "met" if met else ""


# --- findings -------------------------------------------------------------------------------------------------------


def findings_table(title: str, findings: Iterable[Finding], simulated: bool) -> Section:
    """Return a line a finding; in a file also the command that settles it, where one does."""
    columns = {"rule": "left", "pupil": "left", "session": "left", "position": "right", "finding": "left"}
    made = table(title, simulated, **columns, command="left")
    made.off_screen = 1
    for each in findings:
        place = "" if each.position is None else str(each.position)
        about = (each.rule, each.pupil or "", each.session or "", place, one_line(each.sentence))
        made.add_row(*about, command_line(each.action))
    return made
