"""Exports of other systems: every shape, spelling and encoding that is read, and every cell that is not."""

import hashlib
import tracemalloc
from collections import deque
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.imports.cells import parse_code, parse_day, parse_half, parse_heading, parse_pair
from commands.imports.exports import ExportedMark, RejectedCell, detect, digest, read
from ledger.errors import LedgerError
from ledger.sessions import Half
from tests.support.counts import count

UPN = "B801200005001"
THIRD = date(2024, 9, 3)
FOURTH = date(2024, 9, 4)


@pytest.fixture
def export(tmp_path):
    """A function that writes lines to a file and returns its path."""

    def write(*lines: str, encoding: str = "utf-8", newline: str = "\r\n") -> Path:
        path = tmp_path / "export.csv"
        path.write_bytes("".join(line + newline for line in lines).encode(encoding))
        return path

    return write


def marks(path: Path) -> list[tuple[date, Half, str]]:
    """What a file says in three columns, after checking that nothing in it was rejected."""
    found = list(read(path))
    assert [each for each in found if isinstance(each, RejectedCell)] == []
    return [(each.day, each.half, each.code) for each in found]


def rejected(path: Path) -> list[tuple[int, str, str]]:
    """Row, column and value of everything rejected."""
    return [each[:3] for each in read(path) if isinstance(each, RejectedCell)]


# --- the long shape -------------------------------------------------------------------------------------------------


def test_a_long_export_gives_every_field_and_the_row_of_the_spreadsheet(export):
    path = export(
        "UPN,Adno,Date,Session,Mark,Comment",
        f"{UPN},1042,03/09/2024,AM,I,fever",
        "",
        f"{UPN.lower()},1042,2024-09-03 00:00:00,PM,\\,",
    )
    assert detect(path).kind == "long"
    assert list(read(path)) == [
        ExportedMark(2, "Mark", UPN, "1042", "", THIRD, Half.AM, "I", "fever"),
        ExportedMark(4, "Mark", UPN, "1042", "", THIRD, Half.PM, "\\", ""),
    ]


@pytest.mark.parametrize(
    "header",
    [
        "Adno,Date,Session,Mark",
        "Adm No,Session date,AM/PM,Code",
        "ADM. NO.,AttendanceDate,Period,Attendance code",
        "Admission Number,attendance_date,session,Reg mark",
        "Unique Pupil Number, Date ,SESSION,reg_mark",
    ],
)
def test_headers_are_known_in_the_usual_spellings(export, header):
    assert marks(export(header, "1042,03/09/2024,AM,/")) == [(THIRD, Half.AM, "/")]


def test_columns_may_stand_in_any_order_beside_others(export):
    path = export("Mark,Class,Period,Note,Date,Adno", "L,4W,1,bus,03/09/2024,1042")
    assert list(read(path)) == [ExportedMark(2, "Mark", "", "1042", "", THIRD, Half.AM, "L", "bus")]


@pytest.mark.parametrize(
    ("written", "half"),
    [
        ("AM", Half.AM), ("am", Half.AM), ("A", Half.AM), ("1", Half.AM), ("Morning", Half.AM),
        ("PM", Half.PM), ("pm", Half.PM), ("P", Half.PM), ("2", Half.PM), ("afternoon", Half.PM),
    ],
)  # fmt: skip
def test_the_half_is_known_in_the_usual_spellings(export, written, half):
    assert marks(export("Adno,Date,Session,Mark", f"1042,03/09/2024,{written},I")) == [(THIRD, half, "I")]


def test_forename_and_surname_make_the_name(export):
    path = export("Surname,Forename,Date,Session,Mark", "Example,Ada,03/09/2024,AM,I")
    assert [each.name for each in read(path)] == ["Ada Example"]


def test_lower_case_codes_are_taken_as_capitals(export):
    path = export("Adno,Date,Session,Mark", "1042,03/09/2024,AM,i", "1042,03/09/2024,PM,c1")
    assert marks(path) == [(THIRD, Half.AM, "I"), (THIRD, Half.PM, "C1")]


def test_a_stroke_of_the_other_half_is_delivered_as_it_stands(export):
    path = export("Adno,Date,Session,Mark", "1042,03/09/2024,AM,\\", "1042,03/09/2024,PM,/")
    assert marks(path) == [(THIRD, Half.AM, "\\"), (THIRD, Half.PM, "/")]


def test_codes_of_former_years_are_delivered(export):
    assert marks(export("Adno,Date,Session,Mark", "1042,03/07/2024,AM,H")) == [(date(2024, 7, 3), Half.AM, "H")]


def test_an_empty_comment_at_the_end_may_be_left_out(export):
    assert marks(export("Adno,Date,Session,Mark,Comment", "1042,03/09/2024,AM,/")) == [(THIRD, Half.AM, "/")]


def test_a_comment_may_hold_delimiters_and_lines(export):
    rows = ('1042,03/09/2024,AM,I,"fever, then', 'better"', "1042,03/09/2024,PM,I,")
    path = export("Adno,Date,Session,Mark,Comment", *rows)
    assert [(each.row, each.comment) for each in read(path)] == [(2, "fever, then\r\nbetter"), (3, "")]


# --- the department's download --------------------------------------------------------------------------------------


def test_the_departments_download_is_known_by_its_columns(export):
    path = export(
        "Full Name,UPN,School Name,Session date,Attendance code,Period",
        f"Ada Example,{UPN},Example Primary,2024-09-03,/,AM",
        "Ada Example,,Example Primary,03/09/2024,N,PM",
    )
    assert detect(path).kind == "department"
    assert list(read(path)) == [
        ExportedMark(2, "Attendance code", UPN, "", "Ada Example", THIRD, Half.AM, "/", ""),
        ExportedMark(3, "Attendance code", "", "", "Ada Example", THIRD, Half.PM, "N", ""),
    ]


# --- the wide register print ----------------------------------------------------------------------------------------


def test_a_register_print_gives_two_marks_a_cell(export):
    path = export(
        "Example Primary",
        "Class 4W,,Autumn",
        "",
        "Name,Adno,03/09/24,Wed 4 Sep 2024,Total",
        "Ada Example,1042,/\\,NI,4",
        "Ben Example,1043,/ \\,,2",
    )
    shape = detect(path)
    assert (shape.kind, shape.header_row) == ("wide", 4)
    assert list(read(path)) == [
        ExportedMark(5, "03/09/24", "", "1042", "Ada Example", THIRD, Half.AM, "/", ""),
        ExportedMark(5, "03/09/24", "", "1042", "Ada Example", THIRD, Half.PM, "\\", ""),
        ExportedMark(5, "Wed 4 Sep 2024", "", "1042", "Ada Example", FOURTH, Half.AM, "N", ""),
        ExportedMark(5, "Wed 4 Sep 2024", "", "1042", "Ada Example", FOURTH, Half.PM, "I", ""),
        ExportedMark(6, "03/09/24", "", "1043", "Ben Example", THIRD, Half.AM, "/", ""),
        ExportedMark(6, "03/09/24", "", "1043", "Ben Example", THIRD, Half.PM, "\\", ""),
    ]


def test_a_register_print_may_have_a_column_for_each_half(export):
    path = export("UPN,2024-09-03 AM,03/09/2024 PM,Wed 4 Sep 2024 AM,2024-09-04/PM", f"{UPN},/,\\,,c2")
    assert marks(path) == [(THIRD, Half.AM, "/"), (THIRD, Half.PM, "\\"), (FOURTH, Half.PM, "C2")]


def test_an_empty_cell_of_a_register_print_is_no_mark(export):
    assert list(read(export("UPN,03/09/2024,04/09/2024", f"{UPN},, "))) == []


def test_each_page_of_a_print_has_its_own_days(export):
    first, again = ("Name,03/09/2024", "Ada Example,/\\"), ("Name,03/09/2024", "Ben Example,/\\")
    path = export(*first, *again, "Name,04/09/2024", "Ada Example,II")
    assert [(each.row, each.day) for each in read(path)] == [
        (2, THIRD), (2, THIRD), (4, THIRD), (4, THIRD), (6, FOURTH), (6, FOURTH),
    ]  # fmt: skip


def test_a_page_whose_days_cannot_be_read_is_not_read_under_those_of_the_page_before(export):
    path = export("Name,03/09/2024", "Ada Example,/\\", "Name,9/13/2024", "Ada Example,II")
    assert rejected(path) == [(3, "9/13/2024", "9/13/2024")]
    assert [each.row for each in read(path) if isinstance(each, ExportedMark)] == [2, 2]


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("/\\", ("/", "\\")),
        ("NI", ("N", "I")),
        ("ni", ("n", "i")),
        ("/ \\", ("/", "\\")),
        ("/L", ("/", "L")),
        ("C1\\", ("C1", "\\")),
        ("/C1", ("/", "C1")),
        ("Y1Y1", ("Y1", "Y1")),
        ("Y1 Y7", ("Y1", "Y7")),
        ("YY1", ("Y", "Y1")),
        ("##", ("#", "#")),
        ("/-", ("/", "-")),
        ("-C2", ("-", "C2")),
        ("--", ("-", "-")),
    ],
)
def test_a_pair_is_taken_apart_where_both_parts_mean_something(cell, parts):
    assert parse_pair(cell) == parts


@pytest.mark.parametrize("cell", ["/", "C1", "28", "100", "/5", "L 5", "I01", "/\\/", "/ \\ /", "absent", "-", "95.2"])
def test_a_cell_that_is_no_pair_is_not_taken_apart(cell):
    with pytest.raises(ValueError, match="code"):
        parse_pair(cell)


def test_half_a_pair_is_delivered_and_the_other_half_rejected(export):
    path = export("Name,03/09/2024", "Ada Example,/-")
    mark, cell = read(path)
    assert (mark.half, mark.code) == (Half.AM, "/")
    assert cell[:3] == (2, "03/09/2024", "-")


# --- dates ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "03/09/2024", "3/9/24", "03.09.2024", "03-09-2024", "03-Sep-2024", "3-sep-24", "3 September 2024",
        "3rd Sept 2024", "Tue 3 Sep 2024", "Tuesday, 03/09/2024", "2024-09-03", "2024/09/03", "03/09/2024 00:00",
        "03/09/2024 00:00:00", "2024-09-03T00:00:00", "2024-09-03 00:00:00.000", "  3  September  2024 ",
    ],
)  # fmt: skip
def test_a_date_is_read_in_british_and_iso_forms(text):
    assert parse_day(text) == THIRD


@pytest.mark.parametrize(
    "text",
    [
        "13/25/2024", "9/25/2024", "31/09/2024", "29/02/2023", "2024-25-09", "September 3, 2024", "Sep 3 2024", "03/09",
        "45538", "", "3 Foo 2024", "03/09-2024", "03/09/1824", "2024-09-02T23:00:00", "03/09/2024 08:55",
        "Mon 03/09/2024", "٣/٩/٢٠٢٤", "2024-09-03T00:00:00Z",
    ],
)  # fmt: skip
def test_what_would_be_a_guess_is_no_date(text):
    with pytest.raises(ValueError, match=r"date|day"):
        parse_day(text)


@pytest.mark.parametrize(
    ("text", "half"),
    [
        ("03/09/24", None), ("2024-09-03 00:00:00", None), ("03/09/2024 AM", Half.AM), ("03/09/2024\nAM", Half.AM),
        ("2024-09-03 Morning", Half.AM), ("Tue 3 Sep 2024 PM", Half.PM), ("2024-09-03 (pm)", Half.PM),
    ],
)  # fmt: skip
def test_a_heading_is_a_day_and_perhaps_its_half(text, half):
    assert parse_heading(text) == (THIRD, half)


# --- encodings and delimiters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encoding_delimiter_and_line_ends_are_found(export, encoding, delimiter, newline):
    lines = ["UPN,Name,Date,Session,Mark", f"{UPN},Zoë Example,03/09/2024,AM,/"]
    path = export(*(line.replace(",", delimiter) for line in lines), encoding=encoding, newline=newline)
    shape = detect(path)
    assert (shape.encoding, shape.delimiter) == (encoding, delimiter)
    assert [(each.row, each.upn, each.name) for each in read(path, shape)] == [(2, UPN, "Zoë Example")]


def test_a_late_windows_character_decides_the_encoding_of_the_whole_file(export):
    rows = [f"{n},A Example,03/09/2024,AM,/" for n in range(20_000)]
    path = export("Adno,Name,Date,Session,Mark", *rows, "1042,Zoë Example,03/09/2024,AM,/", encoding="cp1252")
    *_, last = read(path)
    assert last.name == "Zoë Example"


def test_bytes_that_no_encoding_knows_do_not_stop_the_reading(export):
    path = export("Adno,Date,Session,Mark", "1042,03/09/2024,AM,/")
    path.write_bytes(path.read_bytes() + b"1043,03/09/2024,AM,\x81\xff\r\n")
    assert [each.row for each in read(path) if isinstance(each, ExportedMark)] == [2]
    assert [row for row, *_ in rejected(path)] == [3]


# --- what is rejected, with the place and the reason ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "column", "value", "reason"),
    [
        ("1042,13/25/2024,AM,/", "Date", "13/25/2024", "day before the month"),
        ("1042,soon,AM,/", "Date", "soon", "not a date"),
        ("1042,,AM,/", "Date", "", "not a date"),
        ("1042,03/09/2024,,/", "Session", "", "no session"),
        ("1042,03/09/2024,3,/", "Session", "3", "lesson"),
        ("1042,03/09/2024,AM,", "Mark", "", "empty"),
        ("1042,03/09/2024,AM,-", "Mark", "-", "no mark has been recorded yet"),
        ("1042,03/09/2024,AM,@", "Mark", "@", "late update"),
        ("1042,03/09/2024,AM,!", "Mark", "!", "no attendance was required"),
        ("1042,03/09/2024,AM,7", "Mark", "7", "digits"),
        ("1042,03/09/2024,AM,A", "Mark", "A", "not an attendance code"),
        ("1042,03/09/2024,AM,/\0", "Mark", "/␀", "NUL"),
        ("1042,03/09/2024,AM", "", "", "fewer cells"),
        ("End of report", "", "", "fewer cells"),
        ("1042,03/09/2024,AM,/,Ada", "", "", "more cells"),
        (",03/09/2024,AM,/", "", "", "no UPN"),
        ('1042,03/09/2024,AM,"/"x', "", "", "quotation mark"),
    ],
)
def test_what_cannot_be_read_is_rejected_with_its_place_and_the_rest_is_read(export, cells, column, value, reason):
    path = export("Adno,Date,Session,Mark", cells, "1042,03/09/2024,PM,\\")
    cell, mark = read(path)
    assert cell[:3] == (2, column, value)
    assert reason in cell.reason
    assert (mark.row, mark.code) == (3, "\\")


def test_a_quotation_mark_never_closed_does_not_swallow_rows_in_silence(export):
    rows = [f"{n},03/09/2024,AM,/," for n in range(10)]
    path = export("Adno,Date,Session,Mark,Comment", rows[0], '1042,03/09/2024,AM,L,"late', *rows[1:])
    mark, cell = read(path)
    assert (mark.row, cell.row) == (2, 3)
    assert "10 lines were lost" in cell.reason


def test_a_huge_cell_is_rejected_and_its_value_shortened(export):
    path = export("Adno,Date,Session,Mark", f"1042,03/09/2024,AM,{'x' * 1000}", f"1042,03/09/2024,AM,{'x' * 200_000}")
    (row, _, value), (broken, *_) = rejected(path)
    assert (row, len(value), broken) == (2, 80, 3)


@pytest.mark.parametrize("cells", ["Ada Example,/\\", "Ada Example,/\\,/\\,II,/\\", ",/\\,/\\"])
def test_a_row_of_a_print_whose_cells_may_have_moved_is_rejected_whole(export, cells):
    path = export("Name,03/09/2024,04/09/2024", cells, "Ben Example,/\\,II")
    assert rejected(path) == [(2, "", "")]
    assert sum(isinstance(each, ExportedMark) for each in read(path)) == 4


@pytest.mark.parametrize("heading", ["13/25/2024", "Mon 02/09", "31 Sep 2024 AM", "Mon 3 Sep 2024", "2024-13-01"])
def test_a_heading_that_seems_a_day_and_is_none_is_rejected_once(export, heading):
    path = export(f"Name,03/09/2024,{heading},Total 2024/25", "Ada Example,/\\,II,4", "Ben Example,/\\,II,4")
    assert rejected(path) == [(1, heading, heading)]
    assert [each.day for each in read(path) if isinstance(each, ExportedMark)] == [THIRD] * 4


def test_two_columns_for_one_session_are_both_rejected(export):
    path = export("Name,03/09/2024,03/09/24 PM,04/09/2024 AM", "Ada Example,/\\,I,/")
    assert rejected(path) == [(1, "03/09/2024", "03/09/2024"), (1, "03/09/24 PM", "03/09/24 PM")]
    assert [each.day for each in read(path) if isinstance(each, ExportedMark)] == [FOURTH]


# --- files that are no export ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["Ada Example,03/09/2024,AM,/"], "found no header in the first 30 rows"),
        (["UPN,Date,Class"], "found columns for UPN, date but none for session, mark"),
        (["Date;Session;Mark"], "found columns for date, session, mark but none for the pupil"),
        (["Name,13/25/2024"], "found columns for name and for 1 dates, the first of them no such day"),
        (["Name,3/9/24,3/9/24"], "found columns for name and for 2 dates, the first of them one of several columns"),
        (["Adno,Date,Session,Mark,Attendance code"], "row 1 has several columns for the mark (Mark, Attendance code)"),
    ],
)
def test_a_file_that_is_no_export_is_refused_by_what_was_found(export, lines, found):
    path = export(*lines, "Ada Example,secret,Ben Example")
    with pytest.raises(LedgerError) as refusal:
        read(path)
    said = str(refusal.value)
    assert found in said
    assert "expected" in said
    assert "Ada" not in said and "secret" not in said


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "an empty file"), (b"PK\x03\x04...", "an Excel workbook"), ("UPN\tDate".encode("utf-16"), "text in UTF-16")],
)
def test_a_file_that_is_no_text_is_refused_by_its_kind(tmp_path, content, found):
    path = tmp_path / "export.csv"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=f"found {found}; expected CSV"):
        detect(path)


def test_a_file_that_is_not_there_is_an_error_in_one_sentence(tmp_path):
    for door in (detect, read, digest):
        with pytest.raises(LedgerError, match="cannot be read, No such file"):
            door(tmp_path / "absent.csv")


def test_the_digest_is_that_of_the_bytes(export):
    path = export("UPN,Date")
    assert digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()


# --- whatever the file holds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("parse", [parse_day, parse_half, parse_code, parse_pair, parse_heading])
def test_a_reason_never_repeats_the_cell(parse):
    with pytest.raises(ValueError) as reason:
        parse("Ada Example")
    assert "Ada" not in str(reason.value) and "Example" not in str(reason.value)


PIECES = st.sampled_from(
    [b"1042", b"03/09/2024", b"AM", b"/\\", b"-", b",", b";", b'"', b"\r", b"\n", b"\0", b"\xff", b"Name"]
)
HEADERS = st.sampled_from([b"Adno,Date,Session,Mark,Note\n", b"Name,03/09/2024,04/09/2024 AM\n", b"\xef\xbb\xbf", b""])


@given(header=HEADERS, body=st.lists(PIECES | st.binary(max_size=9), max_size=40).map(b"".join))
def test_no_content_makes_the_reader_fail(tmp_path_factory, header, body):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(header + body)
    try:
        found = list(read(path))
    except LedgerError as refusal:
        assert "expected" in str(refusal)
    else:
        assert all(
            each.reason if isinstance(each, RejectedCell) else each.upn or each.pupil or each.name for each in found
        )


# --- size -----------------------------------------------------------------------------------------------------------


def peak(rows: int, path: Path, kept: int | None) -> int:
    """The most bytes held at once while so many rows are read and the last `kept` marks (None: all) are kept."""
    with path.open("w") as file:
        file.write("Adno,Date,Session,Mark,Comment\n")
        file.writelines(f"{n // 380},{1 + n % 28}/{1 + n // 28 % 12}/2024,AM,/,note {n}\n" for n in range(rows))
    tracemalloc.start()
    try:
        last = deque(read(path), maxlen=kept)
        assert isinstance(last[-1], ExportedMark) and last[-1].row == rows + 1
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file(tmp_path):
    limit = 5_000_000
    assert peak(count(30_000, 100_000), tmp_path / "export.csv", kept=1) < limit
    assert peak(30_000, tmp_path / "export.csv", kept=None) > limit  # the limit does notice rows that are kept
