"""A section: a title, headings and rows, written once for the screen, for paper and for files.

Rows hold plain values: a percentage is a number under a heading with "%", None is what cannot be said. How they are
shown is the door's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

HIDDEN = "c"  # as published statistics mark what is confidential

Value = str | int | float | None


@dataclass
class Section:
    """`right` says which columns stand on the right; left out, those of numbers. `lines` stand on a screen in place of
    the table, where people read sentences; of a table, a screen is without the last columns that are `off_screen`."""

    title: str
    headings: Sequence[str]
    rows: list[list[Value]] = field(default_factory=list)
    notes: Sequence[str] = ()
    right: list[bool] | None = None
    lines: Sequence[str] | None = None
    off_screen: int = 0

    def add_row(self, *cells: Value) -> None:
        self.rows.append(list(cells))


@dataclass
class Branch:
    """A sentence, and those that it rests on."""

    sentence: str
    under: list[Branch] = field(default_factory=list)

    def add(self, sentence: str) -> Branch:
        """Return a sentence more that this one rests on."""
        branch = Branch(sentence)
        self.under.append(branch)
        return branch


Part = Section | Branch | str  # of what is shown


def shown(value: Value) -> str:
    """Return a value as people read it."""
    if value is None:
        return "–"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def numeric(section: Section) -> list[bool]:
    """Return for each column whether it stands on the right, as numbers do."""
    if section.right is not None:
        return section.right
    columns = [[row[place] for row in section.rows] for place in range(len(section.headings))]
    return [any(isinstance(v, (int, float)) for v in column) or set(column) <= {None, HIDDEN} for column in columns]
