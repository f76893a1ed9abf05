"""Answers into files: papers, sheets, and which of them a file's name asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from commands.cli.frame.files import write_bytes, write_whole
from commands.cli.frame.options import note
from commands.desk.tables import titled
from commands.files.section import Branch, Part, Section, Value, numeric, shown
from commands.files.sections import MOMENT, for_file
from commands.files.sheets import Sheet, write_book, write_sheet
from commands.paper import render
from ledger.sessions import format_moment
from ledger.words import counted
from projections.asking.questions import Moment
from projections.figures.cohorts import described
from projections.figures.tally import definitions
from projections.reports.base import Report, in_force

PDF, CSV, XLSX = ".pdf", ".csv", ".xlsx"
WIDE = 6  # columns that stand side by side on an upright page


def print_paper(output: Path, template: str, moment: Moment, facts: Mapping[str, object]) -> str:
    """Write a paper; return where it is and what it was true for."""
    write_bytes(output, render(template, moment, facts))
    simulated = " (SIMULATED)" if moment.school.simulated else ""
    return f"printed {output.name}{simulated}; {described(moment)}"


def write_report(
    output: Path,
    title: str,
    moment: Moment,
    report: Report,
    sections: Sequence[Section],
    words: Sequence[str],
    *,
    sheet: Section | None = None,
    wide: bool = True,
) -> str:
    """Write a report's sections into a file, on paper with the definitions of `words`, as a table the first section, or
    `sheet`; return what was written."""
    if output.suffix == PDF:
        facts = {"title": title, "wide": wide, **_on_paper(sections), "definitions": defined(moment, words)}
        return print_paper(output, "report", moment, facts)
    headings, rows = for_file(report, sheet or sections[0])
    write_whole(output, lambda draft: write_sheet(draft, headings, rows, title=title))
    return f"wrote {len(rows)} rows to {output.name}" + (" (SIMULATED)" if report.simulated else "")


def on_screen(sections: Sequence[Section], simulated: bool) -> list[Part]:
    """Return a report's sections for a screen: one without rows is a line."""
    return [
        replace(section, title=titled(section.title, simulated))
        if section.rows
        else f"{section.title}: {', '.join(section.notes)}"
        for section in sections
    ]


def defined(moment: Moment, words: Sequence[str]) -> list[list[str]]:
    """Return these figures with their definitions under the policy of the moment."""
    known = definitions(in_force(moment))
    return [[word, known[word]] for word in words]


def _on_paper(sections: Sequence[Section]) -> dict[str, object]:
    return {
        "sections": [
            {
                "title": section.title,
                "headings": list(section.headings),
                "right": numeric(section),
                "rows": [[shown(value) for value in row] for row in section.rows],
                "notes": list(section.notes),
            }
            for section in sections
        ],
    }


def write_parts(output: Path, title: str, moment: Moment, parts: Sequence[Part]) -> str:
    """Write an answer's sections into the file that was named: all of them on paper and in a book, the first one in a
    table for programs. Every row of a table says what it is true for. Lines belong to the section above them. Return
    what was written."""
    sections = _sections_of(title, parts)
    if output.suffix == PDF:
        wide = any(len(section.headings) > WIDE for section in sections)
        facts = {"title": title, "wide": wide, **_on_paper(sections), "definitions": []}
        return print_paper(output, "report", moment, facts)
    true_for = (
        moment.as_of.isoformat(),
        format_moment(moment.known_at),
        moment.position,
        moment.policy_name or "none",
    )
    return write_tables(output, sections, dict(zip(MOMENT, true_for, strict=False)), simulated=moment.school.simulated)


def write_tables(output: Path, sections: Sequence[Section], true_for: Mapping[str, Value], *, simulated: bool) -> str:
    """Write sections into a book, or the first one into a table for programs, every row with what it is true for.
    Return what was written."""
    headings, values = [*true_for, "simulated"], [*true_for.values(), str(simulated).lower()]
    sheets = [
        Sheet(section.title, [*section.headings, *headings], [[*row, *values] for row in section.rows])
        for section in sections
    ]
    if output.suffix == CSV:
        for left_out in sheets[1:]:
            note(f"not in {output.name}, which holds one table: {left_out.title}")
        sheets = sheets[:1]
    write_whole(output, lambda draft: write_book(draft, sheets))
    rows = sum(len(sheet.rows) for sheet in sheets)
    return f"wrote {counted(rows, 'row')} to {output.name}" + (" (SIMULATED)" if simulated else "")


def _sections_of(title: str, parts: Sequence[Part]) -> list[Section]:
    """Return the sections among these parts, each with the lines under it, the first one also with those over it; a
    section of the lines where there is no other."""
    lines: list[str] = []
    sections: list[Section] = []
    for part in parts:
        if isinstance(part, Section):
            sections.append(replace(part, notes=[*lines, *part.notes]))
            lines = []
        elif isinstance(part, Branch):
            sections.append(Section(title, ["why"], [[line] for line in _branches(part)]))
        elif sections:
            sections[-1].notes = [*sections[-1].notes, part]
        else:
            lines.append(part)
    return sections or [Section(title, ["answer"], [[line] for line in lines])]


def _branches(branch: Branch, depth: int = 0) -> Iterator[str]:
    yield "– " * depth + branch.sentence
    for each in branch.under:
        yield from _branches(each, depth + 1)
