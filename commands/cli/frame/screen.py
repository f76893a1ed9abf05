"""Sections, trees and lines on a screen: as wide as the terminal, in black and white.

In an asking verb this is loaded only where somebody looks: JSON does without.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.tree import Tree

from commands.cli.frame.speech import fitted, say_as_it_is, screen_width
from commands.files.section import Branch, Part, Section, numeric, shown
from ledger.text import in_a_cell, in_lines

BETWEEN = 3  # between two columns
READABLE = 12  # a text in a narrower column than this is not read but spelt out
# What a narrow screen does without first.
LEAST = (
    "position", "UPN", "recorded", "school", "detail", "entry", "notices in three years", "still N", "reached", "made",
    "missing", "possible", "attended", "on site", "not logged", "lates", "class", "authorised", "authorised %", "by",
)  # fmt: skip


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


def _on_screen(part: Part, width: int) -> Sequence[RenderableType]:
    """Return what stands for a part on a screen: lines as they are, of a section its lines where it has some."""
    if isinstance(part, Branch):
        return [_tree(part)]
    if isinstance(part, str):
        return [part]
    return _ruled(part, width) if part.lines is None else part.lines


def _ruled(section: Section, width: int) -> list[RenderableType]:
    """Return a section for a screen so wide: lines break between words, and where not even the words have room the
    least important columns are left out, and named below. In a cell nothing can leave it, whatever was recorded."""
    columns = len(section.headings) - section.off_screen
    headings, right = [in_a_cell(heading) for heading in section.headings[:columns]], numeric(section)
    cells = [[in_a_cell(shown(value)) for value in row[:columns]] for row in section.rows]
    needed = [_room([heading, *(row[place] for row in cells)]) for place, heading in enumerate(headings)]
    kept = list(range(len(headings)))
    while len(kept) > 1 and sum(needed[place] + BETWEEN for place in kept) - BETWEEN > width:
        kept.remove(_least([headings[place] for place in kept], kept))
    grid = Table(
        title=section.title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    natural = [max(map(cell_len, [heading, *(row[place] for row in cells)])) for place, heading in enumerate(headings)]
    widths = _widths([needed[place] for place in kept], [natural[place] for place in kept], width)
    for place, across in zip(kept, widths, strict=True):
        grid.add_column(headings[place], justify="right" if right[place] else "left", overflow="fold", width=across)
    for row in cells:
        grid.add_row(*(row[place] for place in kept))
    left_out = [heading for place, heading in enumerate(headings) if place not in kept]
    return [grid, *([f"for want of room without: {', '.join(left_out)}"] if left_out else []), *section.notes]


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
        share = min(natural[place] - needed[place], max(spare, 0) // (len(lacking) - count))
        widths[place] += share
        spare -= share
    return widths


def _least(headings: list[str], kept: list[int]) -> int:
    """Return the least important of the columns that are left: one of LEAST, in their order, else the last; never the
    first, which says what a line is about."""
    return next((kept[headings.index(heading)] for heading in LEAST if heading in headings[1:]), kept[-1])


def _tree(branch: Branch) -> Tree:
    tree = Tree(branch.sentence)
    tree.children.extend(_tree(each) for each in branch.under)
    return tree
