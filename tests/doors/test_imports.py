"""Marks of another system: what an export brings in, what it never does, and what the person is told."""

from __future__ import annotations

import csv
import json
import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commands.cli import main
from commands.handle import Handler
from commands.imports import marks as imports
from commands.imports.marks import DISAGREE, STANDS, ImportResult, import_marks
from commands.imports.rules import NAMESAKES, STRANGER, TWO_PUPILS
from commands.imports.staging import StagedMark, Staging
from commands.models import parse
from commands.wiring import open_house
from ledger.errors import RULES, LedgerError, Misconfigured, Refused
from ledger.events import ImportBegun, MarkAsserted, StaffNamed
from ledger.keys import open_key_store
from ledger.people import Staff
from ledger.store import open_ledger
from tests.support.children import Child
from tests.support.counts import count
from tests.support.schools import OpenedSchool, new_keys, open_school, told

OFFICE = Staff("off", "O Fice", "Office")
BY = {"id": "head", "name": "H Example", "title": "Headteacher"}
UPN, OTHER_UPN = "B801200005001", "M80120000500A"
BEGINNING: list[dict[str, Any]] = [
    {"command": "OpenSchool", "urn": "117000", "name": "Example Primary", "la": "919", "estab": "2000"}
    | {"policy": "national-2024"},
    {"command": "OpenSchoolYear", "year": "2023/24", "first_day": "2023-09-04", "last_day": "2024-07-19"},
    {"command": "OpenSchoolYear", "year": "2024/25", "first_day": "2024-09-03", "last_day": "2025-07-22"},
]
HEADER = "Adno,Date,Session,Mark,Comment"
END_OF_YEAR = datetime(2025, 8, 1, tzinfo=UTC)


def pupil(number: str, name: str, upn: str | None = None, **more: Any) -> dict[str, Any]:
    """The line that admits a pupil of compulsory school age."""
    placed = {"starting_day": "2023-09-04", "year_group": "4", "class": "4W", "born": "2015-03-09"}
    return {"command": "AdmitPupil", "pupil": number, "name": name} | placed | ({"upn": upn} if upn else {}) | more


PUPILS = [
    pupil("1042", "Ada Example", UPN),
    pupil("1043", "Ben Example", OTHER_UPN),
    pupil("1044", "Cleo Example"),
    pupil("1045", "Cleo Example"),
    pupil("1046", "Dora Example", born="2020-03-09"),  # of school age from 31 March 2025
    pupil("1047", "Eli Example", starting_day="2024-11-04"),
]


def began(url: str, at: str = "2024-09-02T08:00:00Z") -> OpenedSchool:
    """A school with two years and six pupils, opened on that simulated day."""
    return open_school(url).replay({"at": at, "by": BY} | line for line in BEGINNING + PUPILS)


@pytest.fixture
def school() -> Iterator[OpenedSchool]:
    opened = began("memory:")
    yield opened
    opened.close()


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes lines to a file and returns its path."""

    def write(*lines: str, name: str = "export.csv") -> Path:
        path = tmp_path / name
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return path

    return write


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def bring_in(school: OpenedSchool, path: Path, **how: Any) -> ImportResult:
    """The result of an import into a school, once its numbers have been found to add up."""
    result = import_marks(path, school.ledger, school.keys, OFFICE, **({"at": END_OF_YEAR} | how))
    assert result.imported + result.already + result.repeated + result.rejected == result.rows
    assert sum(result.reasons.values()) == result.rejected == len(rejects(result))
    return result


def rejects(result: ImportResult) -> list[tuple[str, str, str, str]]:
    """The lines of the rejects file."""
    if result.rejects is None:
        return []
    with open(result.rejects, encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == ["row", "column", "value", "reason"]
    return [(row, column, value, reason) for row, column, value, reason in lines]


def asserted(school: OpenedSchool) -> list[tuple[str, int, int, str, str]]:
    """Stream, version, row, code and detail of every mark that is asserted by another system, in order."""
    return [
        (stream, version, event.row, event.code, event.detail)
        for _, stream, version, event in told(school.rows(), school.keys)
        if isinstance(event, MarkAsserted)
    ]


# --- what comes in --------------------------------------------------------------------------------------------------

LONG = [HEADER, "1043,03/09/2024,PM,L,", "1042,03/09/2024,AM,I,mother rang", "", "1042,2024-09-03,PM,\\,"]
DEPARTMENT = [
    "Full Name,UPN,School name,Session date,Attendance code,Period",
    f"Ada Example,{UPN},Example Primary,03/09/2024,I,AM",
    f"Ben Example,{OTHER_UPN},Example Primary,03/09/2024,L,PM",
    f"Ada Example,{UPN},Example Primary,03/09/2024,\\,PM",
]
WIDE = [
    "Example Primary",
    "",
    "Pupil Name,Tue 03/09/2024 AM,Tue 03/09/2024 PM",
    '"Example, Ada",I,\\',
    "ben  example,,L",
]


@pytest.mark.parametrize(
    ("lines", "source", "comment", "rows"),
    [
        (LONG, "long export", "mother rang", [3, 5, 2]),
        (DEPARTMENT, "department's download", "", [2, 4, 3]),
        (WIDE, "register print", "", [4, 4, 5]),
    ],
    ids=["long", "department", "wide"],
)
def test_every_shape_comes_in_as_marks_that_another_system_asserts(
    fresh_url: Callable[[], str], export: Any, lines: list[str], source: str, comment: str, rows: list[int]
) -> None:
    school = began(fresh_url())
    before = len(school.rows())
    result = bring_in(school, export(*lines))
    assert (result.imported, result.rejected, result.source) == (3, 0, source)
    named, begun, *marks = [event for *_, event in told(school.rows()[before:], school.keys)]
    assert named == StaffNamed(by=OFFICE, staff=OFFICE)
    assert begun == ImportBegun(by=OFFICE, source=source, digest=result.digest, rows=3)
    assert {(mark.by, mark.source) for mark in marks} == {(OFFICE, result.digest)}
    assert asserted(school) == [
        ("1042/2024/2024-09-03/AM", 1, rows[0], "I", comment),
        ("1042/2024/2024-09-03/PM", 1, rows[1], "\\", ""),
        ("1043/2024/2024-09-03/PM", 1, rows[2], "L", ""),
    ]
    assert {row.recorded_at for row in school.rows()[before:]} == {int(END_OF_YEAR.timestamp() * 1_000_000)}
    (original,) = school.entry("1042/2024/2024-09-03/AM").marks
    assert (original.via, original.cites) == ("import", result.digest)
    school.close()


def test_an_imported_mark_can_be_amended_and_counts_like_any_other(school: OpenedSchool, export: Any) -> None:
    bring_in(school, export(HEADER, "1042,03/09/2024,AM,N,"))
    amend = {"command": "AmendMark", "by": BY, "pupil": "1042", "session": "2024-09-03/AM", "code": "I"}
    assert school.send(amend | {"reason": "mother rang"}).events == 1
    assert [mark.code for mark in school.entry("1042/2024/2024-09-03/AM").marks] == ["N", "I"]
    assert school.refusal({"command": "RecordMark", "by": BY, "pupil": "1042", "session": "2024-09-03/AM", "code": "/"})


def test_a_ledger_with_a_clock_of_its_own_stamps_the_import_itself(export: Any) -> None:
    ledger, keys = open_ledger("memory:", create=True), new_keys()
    school = OpenedSchool(ledger, keys, Handler(ledger, keys), None)  # type: ignore[arg-type]
    school.replay(line | {"by": BY} for line in BEGINNING + PUPILS)
    path = export(HEADER, "1042,03/09/2024,AM,I,")
    with pytest.raises(Refused, match="ledger_is_system"):
        bring_in(school, path)
    result = bring_in(school, path, at=None)
    assert (result.imported, result.simulated) == (1, False)
    assert abs(school.rows()[-1].recorded_at / 1e6 - datetime.now(UTC).timestamp()) < 60


def test_a_simulated_ledger_takes_the_time_given_or_a_minute_after_its_last_event(
    school: OpenedSchool, export: Any
) -> None:
    last = school.rows()[-1].recorded_at
    bring_in(school, export(HEADER, "1042,04/09/2023,AM,I,"), at=None)
    assert {row.recorded_at for row in school.rows() if row.recorded_at > last} == {last + 60_000_000}
    with pytest.raises(Refused, match="time_runs_backwards"):
        bring_in(school, export(HEADER, "1042,04/09/2023,PM,I,"), at=datetime(2024, 1, 1, tzinfo=UTC))


def test_the_person_names_the_source_and_the_path_goes_nowhere(school: OpenedSchool, export: Any) -> None:
    path = export(HEADER, "1042,03/09/2024,AM,I,", name="ada-example.csv")
    assert bring_in(school, path, source=" Registers R Us ").source == "Registers R Us"
    assert b"ada-example" not in b"".join(row.state for row in school.rows())
    (begun,) = [event for *_, event in told(school.rows(), school.keys) if isinstance(event, ImportBegun)]
    assert begun.source == "Registers R Us"


# --- pupils ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (f"1042,{UPN},Ada Example", "1042"),
        (f"1042,{UPN.lower()},", "1042"),
        ("1042,,Somebody Else", "1042"),  # names change, numbers do not
        (f",{OTHER_UPN},Ada Example", "1043"),
        (f"77,{OTHER_UPN},", "1043"),  # the other system's own number
        ("1044,B801200005002,", "1044"),  # whose UPN nobody recorded here
        (",,DORA   example", "1046"),
        (f"1043,{UPN},", ("UPN", UPN, TWO_PUPILS)),
        ("1042,B801200005002,", ("UPN", "B801200005002", TWO_PUPILS)),
        ("77,,Ada Example", ("Adno", "77", STRANGER)),
        (",B801200005002,Ada Example", ("UPN", "B801200005002", STRANGER)),
        (",,Fay Example", ("Name", "Fay Example", STRANGER)),
        (",,Cleo Example", ("Name", "Cleo Example", NAMESAKES)),
    ],
)
def test_a_pupil_is_known_by_number_then_upn_then_a_name_of_one_alone(
    school: OpenedSchool, export: Any, row: str, expected: Any
) -> None:
    result = bring_in(school, export("Adno,UPN,Name,Date,Session,Mark", f"{row},03/09/2024,AM,I"))
    if isinstance(expected, str):
        assert [stream for stream, *_ in asserted(school)] == [f"{expected}/2024/2024-09-03/AM"]
    else:
        column, value, reason = expected
        assert rejects(result) == [("2", column, value, f"2024-09-03/AM: {reason}")]


def test_without_keys_pupils_are_known_by_admission_number_only(school: OpenedSchool, export: Any) -> None:
    lost = school._replace(keys=open_key_store(None, "sqlite:///gone.keys.db", create=False))
    with pytest.raises(Misconfigured, match="key store sqlite:///gone.keys.db is missing"):
        bring_in(lost, export(*DEPARTMENT))
    with pytest.raises(Misconfigured, match="comments cannot be sealed"):
        bring_in(lost, export(*LONG))
    assert asserted(school) == []
    assert bring_in(lost, export(HEADER, "1042,03/09/2024,AM,I,")).imported == 1


# --- what is rejected -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "column", "value", "reason"),
    [
        ("1042,31/02/2025,AM,I,", "Date", "31/02/2025", "no such day"),
        ("1042,03/09/2024,3,I,", "Session", "3", "neither AM nor PM"),
        ("1042,03/09/2024,AM,ZZ,", "Mark", "ZZ", "not an attendance code"),
        ("1042,03/09/2024,AM,-,", "Mark", "-", "`-` is no code"),
        (",03/09/2024,AM,I,", "", "", "no UPN, admission number or name"),
        ("1042,03/09/2024", "", "", "fewer cells"),
        ("99,03/09/2024,AM,I,", "Adno", "99", STRANGER),
        ("1047,03/09/2024,AM,I,", "Mark", "I", "the pupil is not on roll on that day"),
        ("1042,01/09/2022,AM,I,", "Mark", "I", "the pupil is not on roll on that day"),
        ("1042,07/09/2024,AM,I,", "Mark", "I", "the session is not a session of this school's calendar"),
        ("1042,22/07/2025,PM,I,", "Mark", "I", "the session cannot be marked before its registration opens"),
        ("1042,04/09/2023,AM,C2,", "Mark", "C2", "the code is not in force on the day of the session"),
        ("1042,03/09/2024,AM,H,", "Mark", "H", "the code is not in force on the day of the session"),
        ("1042,03/09/2024,AM,#,", "Mark", "#", "the code is administrative"),
        ("1042,03/09/2024,AM,\\,", "Mark", "\\", "the code belongs to the other half of the day"),
        ("1046,03/09/2024,AM,C2,", "Mark", "C2", "the code does not apply at this pupil's age"),
        ("1042,03/09/2024,AM,X,", "Mark", "X", "the code does not apply at this pupil's age"),
    ],
)
def test_what_cannot_stand_is_rejected_with_its_reason_and_the_rest_comes_in(
    school: OpenedSchool, export: Any, row: str, column: str, value: str, reason: str
) -> None:
    noon = datetime(2025, 7, 22, 11, tzinfo=UTC)
    result = bring_in(school, export(HEADER, row, "1043,04/09/2024,AM,I,"), at=noon)
    ((at, *cell, why),) = rejects(result)
    assert (at, *cell) == ("2", column, value)
    assert reason in why
    assert [stream for stream, *_ in asserted(school)] == ["1043/2024/2024-09-04/AM"]
    assert str(result).endswith("1 rejected, see export-rejects.csv.")


def test_a_session_is_no_longer_in_the_future_once_its_registration_opens(school: OpenedSchool, export: Any) -> None:
    path = export(HEADER, "1042,22/07/2025,PM,I,")  # registration opens at 13:15 in London
    assert bring_in(school, path, at=datetime(2025, 7, 22, 12, 14, 59, tzinfo=UTC)).imported == 0
    assert bring_in(school, path, at=datetime(2025, 7, 22, 12, 15, tzinfo=UTC)).imported == 1


def test_a_code_that_needs_detail_comes_in_without_it(school: OpenedSchool, export: Any) -> None:
    marks = [f"1042,{3 + day:02}/09/2024,AM,{code}," for day, code in enumerate(["B", "K"])]
    assert bring_in(school, export(HEADER, *marks, "1042,05/09/2024,AM,C2,mornings only")).imported == 3


def test_rows_that_disagree_are_all_rejected_and_those_that_agree_count_once(school: OpenedSchool, export: Any) -> None:
    path = export(
        HEADER,
        "1042,03/09/2024,AM,I,",
        "1043,03/09/2024,AM,I,fever",
        "1042,03/09/2024,AM,/,",
        "1044,03/09/2024,AM,I,fever",
        "1043,2024-09-03,am,i,",
        "1044,2024-09-03,am,i,fever",
        "1042,03/09/2024,AM,I,",
    )
    result = bring_in(school, path)
    assert (result.imported, result.repeated, result.reasons) == (1, 1, {DISAGREE: 5})
    assert [(row, value) for row, _, value, _ in rejects(result)] == [
        ("2", "I"), ("3", "I"), ("4", "/"), ("6", "I"), ("8", "I"),
    ]  # fmt: skip
    assert [(stream, row) for stream, _, row, *_ in asserted(school)] == [("1044/2024/2024-09-03/AM", 5)]


def test_the_rejects_file_is_in_order_of_row_private_and_gone_once_nothing_is_rejected(
    school: OpenedSchool, export: Any
) -> None:
    rows = ["99,03/09/2024,AM,I,", "1042,03/09/2024,AM,I,", "1042,99/09/2024,AM,I,", "1042,03/09/2024,AM,L,"]
    result = bring_in(school, export(HEADER, *rows))
    assert [row for row, *_ in rejects(result)] == ["2", "3", "4", "5"]
    assert result.rejects == "export-rejects.csv"
    assert stat.S_IMODE(os.stat("export-rejects.csv").st_mode) == 0o600
    assert bring_in(school, export(HEADER, "1042,04/09/2024,AM,I,")).rejects is None
    assert not Path("export-rejects.csv").exists()


def test_the_rejects_replace_no_other_file(school: OpenedSchool, export: Any) -> None:
    path = export(HEADER, "99,03/09/2024,AM,I,")
    places = [(path, "another file lies there"), (Path("no/where.csv"), "no such folder"), (Path("."), "cannot be")]
    for place, said in places:
        with pytest.raises(LedgerError, match=said):
            bring_in(school, path, rejects=place)
    assert path.read_text(encoding="utf-8").startswith(HEADER)
    assert bring_in(school, path, rejects="again.csv").rejects == "again.csv"


# --- what never happens ---------------------------------------------------------------------------------------------


def test_a_dry_run_tells_the_same_and_writes_nothing_but_the_rejects_file(
    fresh_url: Callable[[], str], export: Any
) -> None:
    school = began(fresh_url())
    before = school.rows()
    path = export(*LONG, "1042,04/09/2024,AM,\\,")
    dry = bring_in(school, path, dry_run=True)
    assert school.rows() == before
    assert [row for row, *_ in rejects(dry)] == ["6"]
    assert "3 of 4 marks would be imported" in str(dry)
    assert bring_in(school, path)._replace(dry_run=True) == dry
    school.close()


def test_the_same_file_twice_changes_nothing(fresh_url: Callable[[], str], export: Any) -> None:
    school = began(fresh_url())
    path = export(*LONG)
    bring_in(school, path)
    before = school.rows()
    again = bring_in(school, path)
    assert (again.imported, again.already) == (0, 3)
    assert school.rows() == before
    school.close()


def test_the_same_file_brings_in_what_a_repaired_roll_allows_and_begins_no_second_time(
    school: OpenedSchool, export: Any
) -> None:
    path = export(HEADER, "1042,03/09/2024,AM,I,", "1050,03/09/2024,AM,I,", "1041,03/09/2024,AM,I,")
    assert bring_in(school, path).rejected == 2
    for number in ("1050", "1041"):
        school.send(pupil(number, "Gus Example") | {"by": BY})
    result = bring_in(school, path, at=None)
    assert (result.imported, result.already, result.rejected) == (2, 1, 0)
    assert sum(isinstance(event, ImportBegun) for *_, event in told(school.rows(), school.keys)) == 1


@pytest.mark.parametrize(
    ("row", "imported", "already"),
    [
        ("1042,03/09/2024,AM,I,fever", 0, 1),
        ("1042,03/09/2024,AM,I,", 0, 1),
        ("1042,03/09/2024,AM,I,cough", 0, 0),
        ("1042,03/09/2024,AM,/,fever", 0, 0),
        ("1042,03/09/2024,PM,I,", 0, 0),  # was N and is O
        ("1042,03/09/2024,PM,N,", 0, 0),
        ("1042,03/09/2024,PM,O,", 0, 1),
        ("1043,03/09/2024,AM,I,fever", 1, 0),
    ],
)
def test_a_mark_in_the_ledger_is_never_overwritten(
    school: OpenedSchool, export: Any, row: str, imported: int, already: int
) -> None:
    mark = {"command": "RecordMark", "at": "2025-07-01T09:00:00Z", "by": BY, "pupil": "1042"}
    school.send(mark | {"session": "2024-09-03/AM", "code": "I", "detail": "fever"})
    school.send(mark | {"session": "2024-09-03/PM", "code": "N"})
    school.send(mark | {"command": "AmendMark", "session": "2024-09-03/PM", "code": "O", "reason": "no word"})
    before = len(school.rows())
    result = bring_in(school, export(HEADER, row))
    assert (result.imported, result.already) == (imported, already)
    assert result.reasons == ({} if imported or already else {STANDS: 1})
    assert (len(school.rows()) > before) == bool(imported)


def test_a_mark_of_this_file_that_was_amended_since_is_there_already(school: OpenedSchool, export: Any) -> None:
    path = export(HEADER, "1042,03/09/2024,AM,N,no word")
    bring_in(school, path)
    amend = {"command": "AmendMark", "by": BY, "pupil": "1042", "session": "2024-09-03/AM", "code": "I"}
    school.send(amend | {"reason": "mother rang"})
    assert (bring_in(school, path, at=None).already) == 1
    assert school.entry("1042/2024/2024-09-03/AM").code == "I"


def test_no_batch_ever_holds_half_a_day_of_a_pupil(
    school: OpenedSchool, export: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 3)
    days = ["03/09/2024", "04/09/2024", "05/09/2024"]
    rows = [f"{who},{day},{half},L," for half in ("PM", "AM") for day in days for who in ("1043", "1042")]
    result = bring_in(school, export(HEADER, *rows))
    saved = [school.ledger.reads.receipt(f"import/{result.digest}/{number}") for number in (1, 2, 3, 4)]
    assert saved[3] is None
    assert [receipt.events for receipt in saved[:3]] == [2 + 4, 4, 4]
    streams = [stream for stream, *_ in asserted(school)]
    assert streams == sorted(streams)


def test_nothing_is_imported_from_a_file_that_changes_while_it_is_read(school: OpenedSchool, export: Any) -> None:
    path = export(*LONG)
    with pytest.raises(LedgerError, match="changed while it was being read"):
        bring_in(school, path, progress=lambda *_: path.write_text("\n".join([*LONG, "more"]), encoding="utf-8"))
    assert asserted(school) == []


def test_an_import_wants_a_school_and_a_person_who_signs(school: OpenedSchool, export: Any) -> None:
    path = export(*LONG)
    with pytest.raises(Refused, match="unknown_person"):
        import_marks(path, school.ledger, school.keys, Staff("off", "O Fice", ""), at=END_OF_YEAR)
    empty = open_school()
    with pytest.raises(Refused, match="school_not_open"):
        bring_in(empty, path)


# --- while others work ----------------------------------------------------------------------------------------------


@pytest.fixture
def in_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH", 2)
    monkeypatch.setattr(imports, "ATTEMPT_PAUSE", 0)


def once_saving(act: Callable[[], Any]) -> imports.Progress:
    """A progress callback that acts once, when the first batch has been saved."""
    acts = iter([act])

    def progress(stage: str, done: int, total: int | None) -> None:
        if stage == "saving" and (now := next(acts, None)):
            now()

    return progress


ONE_EACH = [HEADER, *(f"{who},03/09/2024,AM,I," for who in (1042, 1043, 1044, 1045))]


@pytest.mark.usefixtures("in_small_batches")
def test_a_pupil_whose_birth_date_is_corrected_meanwhile_is_judged_again(
    fresh_url: Callable[[], str], export: Any
) -> None:
    school = began(fresh_url())
    older = {"command": "AmendParticulars", "by": BY, "pupil": "1046", "from_day": "2024-09-03", "born": "2019-03-09"}
    act = once_saving(lambda: school.send(older | {"reason": "the certificate was seen"}))
    result = bring_in(school, export(*ONE_EACH[:-1], "1046,03/09/2024,AM,X,"), progress=act)
    too_old = RULES["code_not_for_this_age"]
    assert (result.imported, result.reasons) == (3, {f"the code {too_old}": 1})
    school.close()


@pytest.mark.usefixtures("in_small_batches")
def test_a_mark_that_somebody_records_meanwhile_stands(fresh_url: Callable[[], str], export: Any) -> None:
    school = began(fresh_url())
    mark = {"command": "RecordMark", "by": BY, "pupil": "1045", "session": "2024-09-03/AM", "code": "/"}
    result = bring_in(school, export(*ONE_EACH), progress=once_saving(lambda: school.send(mark)))
    assert (result.imported, result.reasons) == (3, {STANDS: 1})
    assert [mark.via for mark in school.entry("1045/2024/2024-09-03/AM").marks] == ["mark"]
    school.close()


@pytest.mark.usefixtures("in_small_batches")
def test_two_imports_of_one_file_at_the_same_time_bring_it_in_once(fresh_url: Callable[[], str], export: Any) -> None:
    school = began(fresh_url())
    path, other = export(*ONE_EACH), []
    mine = bring_in(school, path, progress=once_saving(lambda: other.append(bring_in(school, path))))
    assert (mine.imported, mine.already) == (2, 2)
    assert (other[0].imported, other[0].already) == (2, 2)
    assert len(asserted(school)) == 4
    assert sum(isinstance(event, ImportBegun) for *_, event in told(school.rows(), school.keys)) == 1
    school.close()


# --- what stays private, and how much fits --------------------------------------------------------------------------

CANARY = "canary-0f8e: grandmother in hospital"


def test_a_comment_is_nowhere_in_the_clear(tmp_path: Path, export: Any, capfd: pytest.CaptureFixture[str]) -> None:
    school = began(f"sqlite:///{tmp_path}/school.db")
    path = export(HEADER, f"1042,03/09/2024,AM,I,{CANARY}", f"1042,03/09/2024,PM,ZZ,{CANARY}", "1042,03/09/2024,PM,L,")
    result = bring_in(school, path)
    assert school.entry("1042/2024/2024-09-03/AM").detail == CANARY
    for file in tmp_path.glob("school.db*"):
        assert CANARY.encode() not in file.read_bytes()
    assert CANARY not in Path(result.rejects or "").read_text(encoding="utf-8")
    assert CANARY not in "".join(capfd.readouterr()) + str(result)
    school.close()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc to look through")
def test_the_staging_file_has_no_name_and_is_nobody_elses() -> None:
    def open_files() -> dict[str, int]:
        found = {}
        for descriptor in os.listdir("/proc/self/fd"):
            try:
                found[f"{descriptor} {os.readlink(f'/proc/self/fd/{descriptor}')}"] = os.fstat(int(descriptor)).st_mode
            except OSError:  # the descriptor that lists them
                continue
        return found

    before = open_files()
    with Staging() as staging:
        for number in range(200_000):
            staging.add(StagedMark("1042", number, number, "I", "Mark", CANARY))
        assert staging.count("staged") == 200_000
        files = {name: mode for name, mode in open_files().items() if name not in before and stat.S_ISREG(mode)}
        assert files
        assert all(name.endswith(" (deleted)") and not mode & 0o077 for name, mode in files.items())


MARKS = count(60_000, 500_000)
# KiB that a large import may add to the peak of a small one, less than a list of its marks would need. A million marks
# add no more than half a million.
GROWTH = count(14 << 10, 32 << 10)


def large_school() -> tuple[list[dict[str, Any]], list[str], list[date]]:
    """Lines of a school with seven years behind it, its pupils' numbers and its days."""
    years = [
        {"command": "OpenSchoolYear", "year": f"{year}/{year - 1999}", "first_day": f"{year}-09-01"}
        | {"last_day": f"{year + 1}-07-31"}
        for year in range(2017, 2024)
    ]
    span = [date(2017, 9, 1) + timedelta(number) for number in range(7 * 365)]
    days = [day for day in span if day.weekday() < 5 and day.month != 8]
    pupils = [str(2000 + number) for number in range(MARKS // (2 * len(days)) + 1)]
    admitted = [pupil(number, "Ada Example", starting_day="2017-09-01", born="2012-03-09") for number in pupils]
    return [{"at": "2024-09-02T08:00:00Z", "by": BY} | line for line in [BEGINNING[0], *years, *admitted]], pupils, days


def large_export(pupils: list[str], days: list[date], size: int) -> Iterator[str]:
    """Rows in the order of registers; one in a hundred has no code, one in forty a comment."""
    yield HEADER + "\n"
    for number in range(size):
        day, who = days[number // 2 // len(pupils)], pupils[number // 2 % len(pupils)]
        code = "?" if number % 100 == 99 else "/\\"[number % 2]
        yield f"{who},{day:%d/%m/%Y},{'AP'[number % 2]}M,{code},{'mother rang' if number % 40 == 0 else ''}\n"


def import_small_and_large(tell: Callable[[Any], None], folder: str) -> None:
    """Tell of two imports what became of the marks and the peak of this process's memory, in KiB."""
    from resource import RUSAGE_SELF, getrusage

    lines, pupils, days = large_school()
    with open_house(f"sqlite:///{folder}/school.db", create=True, simulated=True) as house:
        for line in lines:
            house.handler.handle(parse(line))
        for size in (2_000, MARKS):
            path = Path(folder, f"{size}.csv")
            with path.open("w", encoding="utf-8") as file:
                file.writelines(large_export(pupils, days, size))
            where = f"{folder}/rejects.csv"
            result = import_marks(
                path, house.ledger, house.keys, OFFICE, rejects=where, progress=lambda *at: tell(("under way", at))
            )
            tell(((result.imported, result.already, result.rejected), getrusage(RUSAGE_SELF).ru_maxrss))


def test_half_a_million_marks_need_the_memory_of_a_few(tmp_path: Path) -> None:
    heard = Child(import_small_and_large, str(tmp_path)).finish()
    (small, small_peak), (large, large_peak) = [done for done in heard if done[0] != "under way"]
    assert small == (1_980, 0, 20)
    assert large == (MARKS - MARKS // 100 - 1_980, 1_980, MARKS // 100)
    assert large_peak - small_peak < GROWTH


# --- at the command line --------------------------------------------------------------------------------------------


def test_the_command_line_tells_in_a_sentence_and_the_reasons_by_their_number(
    tmp_path: Path, export: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_house(url := f"sqlite:///{tmp_path}/school.db", create=True, simulated=True) as house:
        for line in BEGINNING + PUPILS:
            house.handler.handle(parse({"at": "2024-09-02T08:00:00Z", "by": BY} | line))
    monkeypatch.setenv("ATTENDANCE_BY", "off:O Fice:Office")
    path = str(export(*LONG, "99,03/09/2024,AM,I,", "98,03/09/2024,AM,I,", "1042,04/09/2024,AM,\\,"))
    verb = ["import", "marks", path, "--ledger", url]
    assert main([*verb, "--at", "2025-08-01", "--source", "Registers R Us"]) == 2
    assert capsys.readouterr().out == (
        "3 of 6 marks imported (source: Registers R Us); 3 rejected, see export-rejects.csv. (SIMULATED)\n"
        "        2  nobody on the roll is known by it\n"
        "        1  the code belongs to the other half of the day\n"
    )
    assert main([*verb, "--dry-run", "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert (said["imported"], said["already"], said["rejected"], said["dry_run"]) == (0, 3, 3, True)
    assert main(["import", "marks", "nothing.csv", "--ledger", url]) == 2
    assert capsys.readouterr().err == "attendance: nothing.csv: cannot be read, No such file or directory\n"
