"""Tables into files: CSV for programs, XLSX for people, by the name of the file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ledger.errors import Misconfigured
from ledger.text import in_a_cell, in_a_sheet


def write_sheet(path: Path, headings: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "Sheet1") -> int:
    """Return how many rows were written to a .csv or .xlsx file. Raises Misconfigured for another ending."""
    writers = {".csv": _write_csv, ".xlsx": _write_xlsx}
    if path.suffix not in writers:
        raise Misconfigured(f"'{path.name}' is neither .csv nor .xlsx")
    filled = [list(row) for row in rows]
    try:
        writers[path.suffix](path, headings, filled, title)
    except OSError as error:
        raise Misconfigured(f"the file '{path.name}' cannot be written: {error.strerror}") from error
    return len(filled)


def _write_csv(path: Path, headings: Sequence[str], rows: list[list[Any]], title: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([in_a_sheet(heading) for heading in headings])
        writer.writerows([_as_text(value) for value in row] for row in rows)


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return in_a_sheet(value) if isinstance(value, str) else value


def _write_xlsx(path: Path, headings: Sequence[str], rows: list[list[Any]], title: str) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as workbook:
        sheet = workbook.add_worksheet(title[:31])
        bold = workbook.add_format({"bold": True})
        for place, row in enumerate([headings, *rows]):
            for column, value in enumerate(row):
                form = bold if place == 0 else None
                if isinstance(value, str):
                    sheet.write_string(place, column, in_a_cell(value), form)
                else:
                    sheet.write(place, column, value, form)
        sheet.freeze_panes(1, 0)
        sheet.autofit()
