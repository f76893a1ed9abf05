"""Answers into files: papers, sheets, and which of them a file's name asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.cli.files import write_bytes, write_whole
from commands.cli.options import say
from ledger.errors import Misconfigured, Refused

if TYPE_CHECKING:
    from commands.sections import Section
    from projections.questions import Moment
    from projections.reports.base import Report

PDF = ".pdf"
PaperOption = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE.pdf", help="The paper; needed unless --json.")
]
OutputOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Into FILE.pdf, FILE.csv or FILE.xlsx. [default the screen]"),
]


def check_paper(output: Path | None, *, as_json: bool) -> None:
    """Refuse, before anything is read, a question for a paper that names no file, or a file of another kind."""
    if output is None and not as_json:
        raise Refused("malformed", field="--output", expected="a file such as report.pdf, or --json")
    if output is not None and output.suffix != PDF:
        raise Misconfigured(f"'{output.name}' is no .pdf")


def print_paper(output: Path, template: str, moment: Moment, facts: Mapping[str, Any]) -> None:
    """Write a paper and say where it is and what it was true for."""
    from commands.paper import render
    from projections.cohorts import described

    write_bytes(output, render(template, moment, facts))
    simulated = " (SIMULATED)" if moment.school.simulated else ""
    say(f"printed {output.name}{simulated}; {described(moment)}")


def give(
    output: Path | None,
    title: str,
    moment: Moment,
    report: Report,
    sections: Sequence[Section],
    words: Sequence[str],
    *,
    sheet: Section | None = None,
    wide: bool = True,
) -> None:
    """Show a report's sections on the screen, or write them into the file that was named: on paper with the
    definitions of `words`, as a table the first section, or `sheet`."""
    from commands.sections import for_file
    from commands.sheets import write_sheet

    if output is None:
        _screen(moment, sections)
    elif output.suffix == PDF:
        print_paper(output, "report", moment, {"title": title, "wide": wide, **_on_paper(moment, sections, words)})
    else:
        headings, rows = for_file(report, sheet or sections[0])
        table = list(rows)
        write_whole(output, lambda draft: write_sheet(draft, headings, table, title=title))
        say(f"wrote {len(table)} rows to {output.name}" + (" (SIMULATED)" if report.simulated else ""))


def defined(moment: Moment, words: Sequence[str]) -> list[list[str]]:
    """Return these figures with their definitions under the policy of the moment."""
    from projections.figures import definitions
    from projections.reports.base import in_force

    known = definitions(in_force(moment))
    return [[word, known[word]] for word in words]


def _screen(moment: Moment, sections: Sequence[Section]) -> None:
    from commands.cli.tables import show, table
    from commands.sections import numeric, shown
    from projections.cohorts import described

    parts: list[Any] = []
    for section in sections:
        if section.rows:
            sides = ["right" if right else "left" for right in numeric(section)]
            made = table(section.title, moment.school.simulated, **dict(zip(section.headings, sides, strict=True)))
            for row in section.rows:
                made.add_row(*map(shown, row))
            parts += [made, *section.notes]
        else:
            parts.append(f"{section.title}: {', '.join(section.notes)}")
    show(*parts, described(moment))


def _on_paper(moment: Moment, sections: Sequence[Section], words: Sequence[str]) -> dict[str, Any]:
    from commands.sections import numeric, shown

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
        "definitions": defined(moment, words),
    }
