"""`daily`, `census`, `ctf`, `punctuality`, `late-book`: what they print, the files they write, and what they refuse."""

from __future__ import annotations

import csv
import json
from hashlib import sha256
from pathlib import Path

import pytest
from lxml import etree

from tests.support.late_school import arrived, in_order, marked, opened
from tests.support.terminal import BY, run, small_school, write_journal

pytestmark = pytest.mark.usefixtures("folder")

DAY = "2024-11-05"


def replayed(folder: Path, *lines: object, **options: object) -> None:
    """Put a school into the working folder whose pupils have UPNs."""
    journal = in_order(opened(**options), *lines)  # type: ignore[arg-type]
    assert run("replay", str(write_journal(folder / "late.ndjson", journal))).code == 0


@pytest.fixture
def late(folder: Path) -> Path:
    """Return a working folder with a school of two pupils, one of them late on one day."""
    replayed(folder, arrived("09:07:00", f"{DAY}/AM", reason="bus"), marked("/", f"{DAY}/AM", "1043"),
             marked("\\", f"{DAY}/PM"), marked("I", f"{DAY}/PM", "1043"))  # fmt: skip
    return folder


# --- the daily return -----------------------------------------------------------------------------------------------


def test_daily_shows_a_line_a_pupil_with_both_codes(school: Path) -> None:
    said = run("daily", "show", "2024-09-03")
    assert said.code == 0 and said.err == ""
    title, heading, _, first, *_ = said.out.splitlines()
    assert title == "Daily return of 2024-09-03 (SIMULATED)"
    assert heading.split() == ["pupil", "UPN", "name", "born", "sex", "year", "class", "AM", "PM", "remark"]
    assert first.split() == ["1042", "Ada", "Example", "2016-03-09", "4", "4W", "/", "I"]
    assert said.out.splitlines()[-2:] == [
        "3 pupils, 6 sessions, 0 without a mark",
        "as of 2024-09-03, as known at 2024-09-05T09:04:00+00:00 (position 31), policy national-2024",
    ]


def test_daily_says_what_is_missing(school: Path) -> None:
    out = run("daily", "show", "2024-09-04").out
    assert "AM: no mark; PM: no mark" in out and "3 pupils, 6 sessions, 4 without a mark" in out


def test_daily_json_says_both_times_and_is_json_alone(school: Path) -> None:
    found = run("daily", "show", "2024-09-03", "--known-at", "2024-09-03", "--json").json
    assert (found["day"], found["known_at"]) == ("2024-09-03", "2024-09-03T22:59:59.999999+00:00")
    assert (found["simulated"], found["since"], found["changes"]) == (True, None, [])
    assert {line["code"] for line in found["sessions"] if line["period"] == "PM"} == {"N"}


def test_sending_writes_the_file_and_records_what_was_in_it(late: Path) -> None:
    said = run("daily", "send", DAY, "-o", "daily.csv", "--by", BY, "--id", "R1")
    assert said.out == "recorded 1 event, position 13 (SIMULATED)\n"
    assert said.err == "attendance: wrote daily.csv: 4 sessions of 2 pupils\n"
    content = (late / "daily.csv").read_bytes()
    rows = list(csv.DictReader(content.decode().splitlines()))
    assert [(row["UPN"], row["Period"], row["Attendance Code"], row["Remark"]) for row in rows] == [
        ("B801200005001", "AM", "L", "SIMULATED"),
        ("B801200005001", "PM", "\\", "SIMULATED"),
        ("M80120000500A", "AM", "/", "SIMULATED"),
        ("M80120000500A", "PM", "I", "SIMULATED"),
    ]
    assert [path.name for path in late.glob(".*")] == []
    from commands.wiring import open_house

    with open_house() as house:
        (made,) = house.answers.moment().school.daily_returns
    assert (str(made.day), made.seen, made.pupils, made.digest) == (DAY, 12, 2, sha256(content).hexdigest())


def test_the_same_id_sends_once_and_what_it_says_must_be_the_same(late: Path) -> None:
    send = ("daily", "send", DAY, "--by", BY, "--id", "R1", "--known-at", f"{DAY}T15:00")
    first = run(*send, "-o", "daily.csv")
    again = run(*send, "-o", "again.csv")
    assert again.code == 0 and again.out.startswith("nothing to record: this id was carried out before")
    assert (late / "daily.csv").read_bytes() == (late / "again.csv").read_bytes() and first.code == 0
    run("amend", "1042", f"{DAY}/AM", "/", "--reason", "x", "--by", BY)
    other = run("daily", "send", DAY, "--by", BY, "--id", "R1", "-o", "daily.csv")
    assert other.sentence.startswith("id_reused: id 'R1'")
    assert (late / "daily.csv").read_bytes() == (late / "again.csv").read_bytes()


def test_a_return_that_cannot_be_recorded_leaves_no_file(late: Path) -> None:
    assert run("daily", "send", DAY, "-o", "daily.csv").sentence.startswith("unknown_person: by.id")
    assert list(late.glob("*daily*")) == []


def test_changes_since_the_last_return_are_shown_and_sent(late: Path) -> None:
    run("daily", "send", DAY, "-o", "daily.csv", "--by", BY)
    assert (
        "no code of a day returned before has changed since position 12"
        in run("daily", "show", DAY, "--since", "last").out
    )
    run("amend", "1043", f"{DAY}/PM", "M", "--reason", "dentist", "--by", BY, "--at", "2024-11-06T10:00")
    out = run("daily", "show", "2024-11-06", "--since", "last").out
    changed = next(line for line in out.splitlines() if line.startswith(f"{DAY}/PM"))
    assert changed.split()[:6] == [f"{DAY}/PM", "1043", "I", "M", "2024-11-06", "10:00:00"]
    assert "H Example (Headteacher)" in changed
    sent = run("daily", "send", "2024-11-06", "-o", "next.csv", "--by", BY)
    assert sent.err == (
        "attendance: wrote next.csv: 4 sessions of 2 pupils, 4 of them without a mark, 1 changed code of other days\n"
    )
    last = list(csv.DictReader((late / "next.csv").read_text().splitlines()))[-1]
    assert (last["Session Date"], last["Period"], last["Attendance Code"], last["Remark"]) == (
        DAY, "PM", "M", "SIMULATED; was I",
    )  # fmt: skip


def test_the_first_time_nothing_has_been_returned(late: Path) -> None:
    said = run("daily", "show", DAY, "--since", "last")
    assert said.err == "attendance: no daily return has been made yet\n" and "Changed" not in said.out


def test_a_return_is_read_back_by_our_own_import(late: Path, tmp_path: Path) -> None:
    run("amend", "1043", f"{DAY}/AM", "B", "--detail", "choir", "--reason", "x", "--by", BY)
    assert run("daily", "send", DAY, "-o", "daily.csv", "--by", BY).code == 0
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    elsewhere = ("--ledger", f"sqlite:///{fresh}/school.db")
    assert run("replay", str(write_journal(fresh / "roll.ndjson", opened())), *elsewhere).code == 0
    said = run("import", "marks", "daily.csv", "--by", BY, "--at", "2024-11-06T09:00", *elsewhere)
    assert said.code == 0 and said.out == ("4 of 4 marks imported (source: department's download). (SIMULATED)\n")
    for pupil in ("1042", "1043"):
        here, there = (run("history", pupil, "--json", *where).json for where in ((), elsewhere))
        assert {e["session"]: e["entries"][-1]["code"] for e in here} == {
            e["session"]: e["entries"][0]["code"] for e in there
        }


def test_what_has_no_code_is_rejected_where_it_is_read_back(school: Path) -> None:
    run("daily", "send", "2024-09-04", "-o", "daily.csv", "--by", BY)
    said = run("import", "marks", "daily.csv", "--by", BY)
    assert said.code == 2
    assert said.out.splitlines()[0] == (
        "0 of 6 marks imported (source: department's download); 2 were in the ledger already; "
        "4 rejected, see daily-rejects.csv. (SIMULATED)"
    )
    assert said.out.splitlines()[1].endswith("no code: the cell is empty")


@pytest.mark.parametrize("ending", ["csv", "xlsx", "json"])
def test_a_return_comes_as_csv_xlsx_or_json(late: Path, ending: str) -> None:
    assert run("daily", "show", DAY, "-o", f"daily.{ending}").out == ""
    assert (late / f"daily.{ending}").stat().st_size > 100
    if ending == "json":
        assert json.loads((late / "daily.json").read_text()) == run("daily", "show", DAY, "--json").json


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("daily show 2024-11-09", "2024-11-09 has no session by the calendar known then"),
        ("daily show 5-11-2024", "malformed: DAY '5-11-2024', expected a day such as 2025-11-03"),
        ("daily show 2024-11-05 --since 99", "malformed: --since '99', expected 'last', or a position up to 12"),
        ("daily show 2024-11-05 -o daily.txt", "'daily.txt' ends in none of .csv, .xlsx, .json"),
        ("daily send 2024-11-05 -o nowhere/daily.csv", "there is no folder for the file 'daily.csv'"),
        ("census winter 2024/25", "malformed: TERM 'winter', expected one of autumn, spring, summer, summer-first"),
        ("census autumn 2024", "malformed: YEAR '2024', expected a school year such as 2024/25"),
        ("census autumn 2024/25 --from 2025-08-01", "malformed: --from '2025-08-01', expected days of 2024/25"),
        ("census autumn 2024/25 -o census.txt", "'census.txt' ends in none of .xml, .csv, .xlsx, .pdf"),
        ("ctf", "malformed: PUPIL, expected either pupils or --leavers"),
        ("ctf 1042 --leavers", "malformed: PUPIL, expected either pupils or --leavers"),
        ("ctf 5555", "pupil_not_on_roll: pupil '5555', expected a pupil known at that moment"),
        ("punctuality 5555", "pupil_not_on_roll: pupil '5555', expected a pupil known at that moment"),
        ("punctuality 1042 --class 4W", "malformed: PUPIL, expected either pupils or a year group, class or group"),
        ("punctuality --from 2024-11-07 --as-of 2024-11-06", "malformed: --from '2024-11-07', expected a day up to"),
        ("late-book yesterday", "malformed: DAY 'yesterday', expected a day such as 2025-11-03"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(late: Path, arguments: str, said: str) -> None:
    assert run(*arguments.split()).sentence.startswith(said)


def test_without_keys_names_are_sealed_and_nothing_is_returned(late: Path) -> None:
    (late / "attendance.keys.db").unlink()
    assert "(sealed)" in run("daily", "show", DAY).out
    assert run("daily", "send", DAY, "-o", "daily.csv", "--by", BY).sentence.startswith("a return needs the pupils'")
    assert run("census", "autumn", "2024/25").sentence.startswith("the particulars of 2 pupils cannot be read")
    assert "(sealed)" in run("late-book", DAY).out
    assert list(late.glob("*.csv")) == []


# --- census and transfer --------------------------------------------------------------------------------------------


def test_census_sums_a_term(late: Path) -> None:
    said = run("census", "autumn", "2024/25")
    title, *_, summed, described = said.out.splitlines()
    assert title == "Census of the autumn term, 2024-08-01 to 2024-12-31, for the spring census (SIMULATED)"
    assert summed == "2 pupils: 4 sessions possible, 1 authorised and 0 unauthorised"
    assert described.startswith("as of 2024-12-31, as known at 2024-11-05T15:00:00+00:00")
    assert said.err.startswith("attendance: in no figure are ")
    found = run("census", "autumn", "2024/25", "--from", "2024-11-05", "--to", "2024-11-05", "--json").json
    assert [(one["pupil"], one["possible"], one["missing"], one["reasons"]) for one in found] == [
        ("1042", 2, 0, {}), ("1043", 2, 0, {"I": 1}),
    ]  # fmt: skip
    assert (found[0]["from"], found[0]["to"], found[0]["term"]) == (DAY, DAY, "autumn 2024/25")


@pytest.mark.parametrize("ending", ["xml", "csv", "xlsx"])
def test_a_census_comes_as_xml_csv_or_xlsx(late: Path, ending: str) -> None:
    said = run("census", "autumn", "2024/25", "-o", f"census.{ending}")
    assert said.out == "" and said.err.startswith(f"attendance: wrote census.{ending}: 2 pupils\n")
    if ending == "xml":
        assert len(etree.parse(late / "census.xml").findall("Pupils/Pupil")) == 2
    if ending == "csv":
        rows = list(csv.DictReader((late / "census.csv").read_text().splitlines()))
        assert [(row["pupil"], row["I"], row["simulated"]) for row in rows] == [
            ("1042", "0", "true"), ("1043", "1", "true"),
        ]  # fmt: skip


def test_a_census_that_does_not_validate_is_not_written(school: Path) -> None:
    said = run("census", "autumn", "2024/25", "-o", "census.xml")
    assert said.sentence == "the file was not written, as it would not validate: see UPN of pupil 1042, and 5 more"
    assert list(school.glob("*.xml")) == []


def test_a_transfer_file_of_leavers(late: Path) -> None:
    assert run("ctf", "--leavers", "-o", "ctf.xml").err == "attendance: nobody has left, so no file was written\n"
    assert not (late / "ctf.xml").exists()
    run("remove", "1043", DAY, "--ground", "moved away", "--by", BY, "--at", "2024-11-05T15:30")
    run("mark", "1042", "2024-11-06/AM", "/", "--by", BY, "--at", "2024-11-06T09:00")
    assert run("ctf", "--leavers", "-o", "ctf.xml").err == "attendance: wrote ctf.xml: 1 pupil\n"
    assert etree.parse(late / "ctf.xml").findtext("CTFpupilData/Pupil/UPN") == "M80120000500A"
    (found,) = run("ctf", "1043", "--json").json
    assert found["years"] == [
        {"year": "2024/25", "possible": 2, "authorised": 1, "attended": 1, "unauthorised": 0,
         "missing": found["years"][0]["missing"]}
    ]  # fmt: skip
    assert "2024/25" in run("ctf", "1043").out


# --- punctuality and the Late Book ----------------------------------------------------------------------------------


def test_punctuality_has_its_fields_in_order(late: Path) -> None:
    found = run("punctuality", "--json").json
    assert list(found[0]) == [
        "pupil", "as_of", "known_at", "position", "policy", "rules", "simulated", "year_group", "class", "from",
        "on_site", "late", "very_late", "late_percent", "minutes", "minutes_unknown", "weekdays", "weeks", "recent",
        "concern", "persistent", "sessions",
    ]  # fmt: skip
    assert [(one["pupil"], one["late"], one["on_site"], one["minutes"]) for one in found] == [
        ("1042", 1, 2, 12), ("1043", 0, 1, 0),
    ]  # fmt: skip
    assert found[0]["sessions"] == [
        {"session": f"{DAY}/AM", "code": "L", "minutes": 12, "arrived_at": f"{DAY}T09:07:00+00:00", "position": 9}
    ]


def test_punctuality_lists_who_was_late_and_sums_the_classes(late: Path) -> None:
    out = run("punctuality").out
    assert "1042" in out and "1043" not in out and "By class (SIMULATED)" in out
    whole = next(line for line in out.splitlines() if line.startswith("all"))
    assert whole.split() == ["all", "2", "1", "3", "1", "0", "33.3", "%", "12", "0"]
    alone = run("punctuality", "1042").out
    assert "Late sessions of 1042 (SIMULATED)" in alone and "09:07:00" in alone


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_punctuality_comes_as_csv_or_xlsx(late: Path, ending: str) -> None:
    assert run("punctuality", "-o", f"p.{ending}").err == f"attendance: wrote p.{ending}: 2 pupils\n"
    if ending == "csv":
        first = next(csv.DictReader((late / "p.csv").read_text().splitlines()))
        assert (first["pupil"], first["late"], first["Tue"], first["simulated"]) == ("1042", "1", "1", "true")


def test_the_late_book_of_a_day(late: Path) -> None:
    out = run("late-book", DAY).out
    assert out.splitlines()[0] == f"Late Book, {DAY} (SIMULATED)"
    line = next(line for line in out.splitlines() if line.startswith("09:07:00"))
    assert line.split() == [
        "09:07:00", "1042", "Pupil", "1042", "4W", "AM", "12", "L", "L", "bus", "O", "Fice", "(Office)",
    ]  # fmt: skip
    (arrival,) = run("late-book", DAY, "--json").json["arrivals"]
    assert (arrival["pupil"], arrival["minutes"], arrival["code"], arrival["reason"]) == ("1042", 12, "L", "bus")


def test_the_late_book_on_paper_says_so_and_what_it_was_true_for(late: Path) -> None:
    from pypdf import PdfReader

    assert run("late-book", DAY, "-o", "book.pdf").err == "attendance: wrote book.pdf: 1 arrival\n"
    text = " ".join(PdfReader(late / "book.pdf").pages[0].extract_text().split())
    for part in ("SIMULATED", f"Late Book, {DAY}", "09:07:00", "bus", "O Fice (Office)", f"As of {DAY}", "position 12"):
        assert part in text
    assert run("late-book", DAY, "-o", "book.csv").code == 0


def test_a_question_about_the_past_is_answered_the_same_for_ever(school: Path) -> None:
    asked = [
        ("daily", "show", "2024-09-03", "--known-at", "2024-09-03", "--json"),
        ("census", "autumn", "2024/25", "--known-at", "2024-09-03", "--json"),
        ("ctf", "1042", "--known-at", "2024-09-03", "--as-of", "2024-09-03", "--json"),
        ("punctuality", "--known-at", "2024-09-03", "--as-of", "2024-09-03", "--json"),
        ("late-book", "2024-09-03", "--known-at", "2024-09-03", "--json"),
    ]
    before = [run(*question) for question in asked]
    assert {said.code for said in before} == {0}
    run("amend", "1042", "2024-09-03/AM", "U", "--reason", "x", "--by", BY)
    run("arrive", "1043", "2024-09-03/AM", "2024-09-03T09:20", "--by", BY)
    assert [run(*question) for question in asked] == before


def test_no_verb_prints_a_name_on_standard_error(school: Path) -> None:
    names = {line["name"] for line in small_school() if line["command"] == "AdmitPupil"}
    for question in (
        ("daily", "send", "2024-09-03", "-o", "d.csv", "--by", BY),
        ("census", "autumn", "2024/25", "-o", "c.csv"),
        ("census", "autumn", "2024/25", "-o", "c.xml"),
        ("ctf", "1042", "-o", "t.xml"),
        ("punctuality", "-o", "p.csv"),
        ("late-book", "2024-09-03", "-o", "b.csv"),
    ):
        said = run(*question)
        assert said.err and not any(name in said.err for name in names)
