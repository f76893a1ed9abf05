"""Attendance exports of other school systems, read as marks: pure, streaming, flat in memory.

Every system spells its export differently, and none says which shape it wrote. Three shapes cover them: the **long**
one (a row a mark), the **department's** download (long, its columns fixed), and the **wide** register print (a row a
pupil, one or two columns a day).

A spreadsheet user repairs an export by row and column, so each thing delivered names both. What cannot be read is
delivered beside what can, as a `RejectedCell` with its reason: an import that drops a cell in silence loses a mark.
Wherever a reading would be a guess (an unknown half, a row whose cells may have moved) the cell or row is rejected.

So a header is recognised by its names, and the delimiter and header row are those under which one is found; nothing is
inferred from the cells below, whose text may be personal and never reaches an exception.
"""

import codecs
import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import dropwhile, islice
from pathlib import Path
from typing import Literal, NamedTuple

from commands.imports.cells import looks_like_a_day, parse_code, parse_day, parse_half, parse_heading, parse_pair
from ledger.errors import LedgerError
from ledger.sessions import Half


def _plain(heading: str) -> str:
    return re.sub(r"[^a-z0-9]", "", heading.casefold())


SPELLINGS: dict[str, tuple[str, ...]] = {
    "UPN": ("UPN", "Unique Pupil Number", "Pupil UPN", "Student UPN"),
    "admission number": (
        "Adno", "Adm No", "Adm Number", "Admission No", "Admission Number", "Pupil No", "Pupil Number",
    ),
    "name": ("Name", "Full Name", "Pupil", "Pupil Name", "Student", "Student Name"),
    "surname": ("Surname", "Last Name", "Family Name", "Legal Surname"),
    "forename": ("Forename", "First Name", "Given Name", "Legal Forename"),
    "date": ("Date", "Session Date", "Attendance Date", "Mark Date", "Register Date"),
    "session": ("Session", "AM/PM", "Period", "Session Name", "Half Day"),
    "mark": ("Mark", "Code", "Attendance Code", "Attendance Mark", "Reg Mark", "Registration Mark", "Session Mark"),
    "comment": ("Comment", "Comments", "Note", "Notes"),
}  # fmt: skip
DEPARTMENT = {"fullname", "upn", "schoolname", "sessiondate", "attendancecode", "period"}
MEANINGS = {_plain(word): meaning for meaning, words in SPELLINGS.items() for word in words}
IDENTITY = ("UPN", "admission number", "name", "surname", "forename")
MARK = ("date", "session", "mark")
EXPECTED = (
    "expected a list (UPN or admission number, date, session, mark), the department's download, "
    "or a register print with a column or two for each date"
)

DELIMITERS = (",", ";", "\t")
TITLE_ROWS = 30  # Register prints carry a school, a class and a period above the header, not a page of text.
NOBODY = "no UPN, admission number or name in this row"
LINE = 1 << 20  # Characters; a year's row of a register print has a few thousand.
SHOWN = 80  # Characters of a rejected cell that are worth showing.

FOREIGN = (
    (b"PK\x03\x04", "an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (codecs.BOM_UTF16_LE, "text in UTF-16"),
    (codecs.BOM_UTF16_BE, "text in UTF-16"),
)


class ExportedMark(NamedTuple):
    """One mark as exported: at least one of `upn`, `pupil` (the admission number) and `name` is not empty.

    `row` is the row a spreadsheet shows, from 1; `column` the header over the cell that held the code. The code is in
    the code table; whether it suits the half or the day is a later question.
    """

    row: int
    column: str
    upn: str
    pupil: str
    name: str
    day: date
    half: Half
    code: str
    comment: str


class RejectedCell(NamedTuple):
    """A cell that could not be read, or a whole row where `column` is empty; `reason` repeats nothing of the value."""

    row: int
    column: str
    value: str
    reason: str


class DayColumn(NamedTuple):
    """A column of a register print: a day, and its half where each half has a column."""

    at: int
    day: date
    half: Half | None


@dataclass(frozen=True)
class Shape:
    """How one file is to be read; `columns` leads from the words of SPELLINGS to places in `header`.

    `unreadable` leads from the places of headings that seem to mean a day to the reason why they cannot be used.
    """

    kind: Literal["long", "department", "wide"]
    encoding: str
    delimiter: str
    header_row: int
    header: tuple[str, ...]
    columns: Mapping[str, int]
    days: tuple[DayColumn, ...] = ()
    unreadable: Mapping[int, str] = field(default_factory=dict)


class Row(NamedTuple):
    """The cells of a row, its number in a spreadsheet, and how many lines broken quotation marks made unreadable."""

    number: int
    cells: list[str]
    lost: int = 0


def digest(path: str | Path) -> str:
    """The SHA-256 of the file's bytes, in hexadecimal; LedgerError if it cannot be read."""
    with _open(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def detect(path: str | Path) -> Shape:
    """The shape of an export, by the first row that is a header; LedgerError says what was found and what expected."""
    encoding = _encoding(path)
    shapes: list[Shape] = []
    nearest: Sequence[str] = ()
    for delimiter in DELIMITERS:
        for row in islice(_rows(path, encoding, delimiter), TITLE_ROWS):
            if (shape := _shape(row, encoding, delimiter)) and (shape.days or shape.kind != "wide"):
                shapes.append(shape)
                break
            nearest = max(nearest, row.cells, key=lambda cells: len(_columns(cells)))
    if not shapes:
        raise LedgerError(f"{path}: {_found_instead(nearest)}; {EXPECTED}")
    shape = max(shapes, key=lambda shape: len(shape.columns) + len(shape.days))
    if twice := _twice(shape):
        raise LedgerError(f"{path}: row {shape.header_row} has several columns for the {twice}; expected one")
    return shape


def read(path: str | Path, shape: Shape | None = None) -> Iterator[ExportedMark | RejectedCell]:
    """The marks of an export in the file's order, and between them what is none; LedgerError if it is no export."""
    shape = shape or detect(path)
    header_row = shape.header_row
    rows = dropwhile(lambda row: row.number <= header_row, _rows(path, shape.encoding, shape.delimiter))
    return _wide(rows, shape) if shape.kind == "wide" else _long(rows, shape)


def _long(rows: Iterable[Row], shape: Shape) -> Iterator[ExportedMark | RejectedCell]:
    columns = shape.columns
    day_at, half_at, code_at = (columns[word] for word in MARK)
    # Some systems leave out an empty comment at the end; every cell before it has a form that shows if it has moved.
    needed = 1 + max(at for word, at in columns.items() if word != "comment")
    for row in rows:
        if fault := _fault(row, needed, shape):
            yield fault
            continue
        cells = row.cells
        who = _pupil(cells, columns)
        if not any(who):
            yield RejectedCell(row.number, "", "", NOBODY)
            continue
        try:
            day = parse_day(cells[at := day_at].strip())
            half = parse_half(cells[at := half_at].strip())
            code = parse_code(cells[at := code_at].strip())
        except ValueError as reason:
            yield RejectedCell(row.number, shape.header[at], _shown(cells[at]), str(reason))
            continue
        comment = _text(cells, columns.get("comment"))
        yield ExportedMark(row.number, shape.header[code_at], *who, day, half, code, comment)


def _wide(rows: Iterable[Row], shape: Shape) -> Iterator[ExportedMark | RejectedCell]:
    yield from _unreadable_headings(shape)
    for row in rows:
        # A print of several pages repeats its header, and another page may hold another week.
        if page := _next_page(row, shape):
            if page.header != shape.header:
                yield from _unreadable_headings(page)
            shape = page
            continue
        # One cell too few may have moved every code to another day.
        if fault := _fault(row, 1 + max((column.at for column in shape.days), default=0), shape):
            yield fault
            continue
        who = _pupil(row.cells, shape.columns)
        if not any(who):
            yield RejectedCell(row.number, "", "", NOBODY)
            continue
        for column in shape.days:
            if text := row.cells[column.at].strip():
                yield from _day(row.number, shape.header[column.at], who, column, text)


def _day(
    number: int, heading: str, who: tuple[str, str, str], column: DayColumn, text: str
) -> Iterator[ExportedMark | RejectedCell]:
    """The one or two marks in a cell of a register print."""
    try:
        parts = [(column.half, text)] if column.half is not None else list(zip(Half, parse_pair(text), strict=True))
    except ValueError as reason:
        yield RejectedCell(number, heading, _shown(text), str(reason))
        return
    for half, part in parts:
        try:
            code = parse_code(part)
        except ValueError as reason:
            yield RejectedCell(number, heading, _shown(part), str(reason))
        else:
            yield ExportedMark(number, heading, *who, column.day, half, code, "")


def _next_page(row: Row, shape: Shape) -> Shape | None:
    """The shape from this row on, if it is a header again."""
    at = min(shape.columns.values())
    if len(row.cells) <= at or _meaning(row.cells[at]) is None:
        return None
    page = _shape(row, shape.encoding, shape.delimiter)
    return page if page and page.kind == "wide" else None


def _unreadable_headings(shape: Shape) -> Iterator[RejectedCell]:
    for at, reason in shape.unreadable.items():
        heading = shape.header[at]
        yield RejectedCell(shape.header_row, heading, _shown(heading), f"{reason}, so nothing below it is read")


def _fault(row: Row, needed: int, shape: Shape) -> RejectedCell | None:
    """What makes a whole row unreadable: its quotation marks, NUL bytes, too few or too many cells."""
    cells, header = row.cells, shape.header
    if row.lost:
        lines = "" if row.lost == 1 else f", and {row.lost} lines were lost to it"
        return RejectedCell(row.number, "", "", f"a quotation mark is misplaced or never closed{lines}")
    if "\0" in "".join(cells):
        at = next(at for at, cell in enumerate(cells) if "\0" in cell)
        return RejectedCell(row.number, _text(header, at), _shown(cells[at]), "a NUL byte: the file is damaged here")
    if len(cells) < needed:
        return RejectedCell(row.number, "", "", "fewer cells than the header has, so they may have moved along")
    if any(cells[len(header) :]):
        return RejectedCell(row.number, "", "", "more cells than the header has, so they may have moved along")
    return None


def _pupil(cells: Sequence[str], columns: Mapping[str, int]) -> tuple[str, str, str]:
    """UPN, admission number and name of a row, each empty where the export has none."""
    upn, pupil, name, surname, forename = (_text(cells, columns.get(word)) for word in IDENTITY)
    return upn.upper(), pupil, " ".join((name or f"{forename} {surname}").split())


def _text(cells: Sequence[str], at: int | None) -> str:
    return cells[at].strip() if at is not None and at < len(cells) else ""


def _shown(text: str) -> str:
    plain = text.strip().replace("\0", "\N{SYMBOL FOR NULL}")
    return plain if len(plain) <= SHOWN else plain[: SHOWN - 1] + "…"


def _shape(row: Row, encoding: str, delimiter: str) -> Shape | None:
    """The shape whose header this row is, if it is one."""
    header = tuple(" ".join(cell.split()) for cell in row.cells)
    columns = _columns(header)
    if not any(word in columns for word in IDENTITY):
        return None
    if all(word in columns for word in MARK):
        kind: Literal["department", "long"] = "department" if set(map(_plain, header)) >= DEPARTMENT else "long"
        return Shape(kind, encoding, delimiter, row.number, header, columns)
    days, unreadable = _days(header)
    if not days and not unreadable:
        return None
    identity = {word: at for word, at in columns.items() if word in IDENTITY}
    return Shape("wide", encoding, delimiter, row.number, header, identity, days, unreadable)


def _columns(cells: Sequence[str]) -> dict[str, int]:
    """The place of the first column of each meaning."""
    places: dict[str, int] = {}
    for at, cell in enumerate(cells):
        if meaning := _meaning(cell):
            places.setdefault(meaning, at)
    return places


def _meaning(heading: str) -> str | None:
    return MEANINGS.get(_plain(heading))


def _days(header: Sequence[str]) -> tuple[tuple[DayColumn, ...], dict[int, str]]:
    """The columns that hold a day or a half of one, and why others that seem to are unreadable."""
    columns: list[DayColumn] = []
    unreadable: dict[int, str] = {}
    for at, heading in enumerate(header):
        try:
            columns.append(DayColumn(at, *parse_heading(heading)))
        except ValueError as reason:
            if looks_like_a_day(heading):
                unreadable[at] = str(reason)
    sessions = Counter((column.day, half) for column in columns for half in _halves(column))
    clashing = [column for column in columns if any(sessions[column.day, half] > 1 for half in _halves(column))]
    unreadable |= {column.at: "one of several columns for the same session" for column in clashing}
    return tuple(column for column in columns if column.at not in unreadable), unreadable


def _halves(column: DayColumn) -> tuple[Half, ...]:
    return tuple(Half) if column.half is None else (column.half,)


def _twice(shape: Shape) -> str:
    """The meaning that two columns in use share, and their headings; empty if there is none."""
    for word in shape.columns:
        headings = [heading for heading in shape.header if _meaning(heading) == word]
        if len(headings) > 1:
            return f"{word} ({', '.join(headings)})"
    return ""


def _found_instead(cells: Sequence[str]) -> str:
    """What the row nearest to a header holds and lacks; only headings that are known are named."""
    columns = _columns(cells)
    if not columns:
        return f"found no header in the first {TITLE_ROWS} rows"
    found = f"found columns for {', '.join(columns)}"
    if unreadable := _days(cells)[1]:
        return f"{found} and for {len(unreadable)} dates, the first of them {next(iter(unreadable.values()))}"
    lacking = [word for word in MARK if word not in columns]
    if not any(word in columns for word in IDENTITY):
        lacking.insert(0, "the pupil")
    return f"{found} but none for {', '.join(lacking)}"


def _rows(path: str | Path, encoding: str, delimiter: str) -> Iterator[Row]:
    """The rows of the file that are not blank, numbered as a spreadsheet does; one is in memory at a time."""
    with _open(path) as file, io.TextIOWrapper(file, encoding, errors="replace", newline="") as text:
        # Strict, so that a quotation mark never closed cannot swallow the rows below into a comment.
        reader = csv.reader(iter(partial(text.readline, LINE), ""), delimiter=delimiter, strict=True)
        number = 0
        while True:
            number, line = number + 1, reader.line_num
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                lost = reader.line_num - line
                yield Row(number, [], lost)
                number += lost - 1
                continue
            if any(cells):
                yield Row(number, cells)


def _encoding(path: str | Path) -> str:
    """UTF-8 if every byte of the file is, Windows-1252 otherwise; LedgerError for what is no such text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _open(path) as file:
        start = file.read(8)
        foreign = next((what for magic, what in FOREIGN if start.startswith(magic)), "" if start else "an empty file")
        if foreign:
            raise LedgerError(f"{path}: found {foreign}; expected CSV text in UTF-8 or Windows-1252")
        file.seek(0)
        try:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"


def _open(path: str | Path) -> io.BufferedReader:
    try:
        return open(path, "rb")
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read, {error.strerror}") from None
