"""Tables into files: CSV for programs, XLSX for people, by the name of the file."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from commands.files.section import Value
from ledger.errors import Misconfigured
from ledger.text import in_a_cell, in_a_sheet

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet


class Sheet(NamedTuple):
    """A table of a book."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Value]]


def write_sheet(path: Path, headings: Sequence[str], rows: Iterable[Sequence[Value]], *, title: str = "Sheet1") -> int:
    """Return how many rows were written to a .csv or .xlsx file. Raises Misconfigured for another ending."""
    sheet = Sheet(title, headings, [list(row) for row in rows])
    write_book(path, [sheet])
    return len(sheet.rows)


def write_book(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write tables to an .xlsx file, or the only one to a .csv file. Raises Misconfigured for another ending."""
    if path.suffix not in (".csv", ".xlsx"):
        raise Misconfigured(f"'{path.name}' is neither .csv nor .xlsx")
    try:
        if path.suffix == ".csv":
            (sheet,) = sheets
            _write_csv(path, sheet)
        else:
            _write_xlsx(path, sheets)
    except OSError as error:
        raise Misconfigured(f"the file '{path.name}' cannot be written: {error.strerror}") from error


def _write_csv(path: Path, sheet: Sheet) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([in_a_sheet(heading) for heading in sheet.headings])
        writer.writerows([_as_text(value) for value in row] for row in sheet.rows)


def _as_text(value: Value) -> Value:
    if isinstance(value, bool):
        return "true" if value else "false"
    return in_a_sheet(value) if isinstance(value, str) else value


def _write_xlsx(path: Path, sheets: Sequence[Sheet]) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        bold = workbook.add_format({"bold": True})
        for number, sheet in enumerate(sheets, 1):
            # Two tables of a book may have one title, and some characters may stand in none.
            title = re.sub(r"[\[\]:*?/\\]", " ", sheet.title if len(sheets) == 1 else f"{number} {sheet.title}")
            _fill(workbook.add_worksheet(title[:31]), sheet, bold)


def _fill(page: Worksheet, sheet: Sheet, bold: Format) -> None:
    for place, row in enumerate([sheet.headings, *sheet.rows]):
        for column, value in enumerate(row):
            form = bold if place == 0 else None
            if isinstance(value, str):
                page.write_string(place, column, in_a_cell(value), form)
            else:
                page.write(place, column, value, form)
    page.freeze_panes(1, 0)
    page.autofit()
