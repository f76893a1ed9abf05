"""Reports and papers: figures are those of `absence`, nobody else's name is on a page, the same question is the same
bytes."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path
from typing import Any

import pypdf
import pytest

from commands.cli.frame.report_files import defined
from commands.cli.verbs.papers import FIGURES
from commands.paper import render
from tests.support.reported import name_of, pupils, reported_journal
from tests.support.schools import open_school
from tests.support.terminal import run, write_journal

MOMENT = "As of 2024-11-15, as known at 2024-11-15 13:35:00 (position "


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("reported")
    path = write_journal(place / "school.ndjson", reported_journal())
    assert run("replay", str(path), "--ledger", f"sqlite:///{place}/attendance.db").code == 0
    return place


@pytest.fixture(autouse=True)
def reported(folder: Path, built: Path) -> Path:
    """Return a working folder with the school that is reported on, in the default place."""
    for file in built.glob("attendance.*"):
        shutil.copy(file, folder)
    return folder


def pages(name: str) -> list[str]:
    """Return the text of every page of a paper, spaces and line breaks as one space."""
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(name).pages]


def printed(*arguments: str) -> list[str]:
    done = run(*arguments, "-o", "paper.pdf")
    assert done.code == 0, done
    return pages("paper.pdf")


def absence(pupil: str, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = run("absence", pupil, "--json", *more).json[0]
    return found


def others(pupil: str) -> list[str]:
    return [name_of(other) for other in pupils() if other != pupil]


# --- the year on a page ---------------------------------------------------------------------------------------------


def test_a_pupils_year_is_one_page_with_the_figures_of_absence() -> None:
    (page,) = printed("pupil-year", "1006")
    figures = absence("1006")
    assert f"attended {figures['attended']}" in page
    assert f"absent, authorised {figures['authorised']}" in page
    assert f"sessions possible {figures['possible']}" in page
    assert f"attendance {figures['attendance_percent']} %" in page
    assert "SIMULATED" in page and MOMENT in page and "policy micklem-2025" in page
    assert "possible: sessions attended or absent" in page and "10 % or more: persistent" in page
    assert name_of("1006") in page and not [name for name in others("1006") if name in page]


def test_an_amended_mark_stands_with_every_code_it_had() -> None:
    (page,) = printed("pupil-year", "1006")
    assert "8 Oct AM N>O>I" in page and "8 Oct PM N>O>I" in page
    assert "Reason not yet established" in page  # the key holds codes of originals, too


def test_holidays_are_blank_and_what_is_missing_is_marked() -> None:
    found = run("pupil-year", "1001", "--json").json
    states = {cell["state"] for week in found["weeks"] for cell in week["cells"]}
    assert states == {"marked", "closed", "ahead"}
    (holiday,) = [week for week in found["weeks"] if week["note"] == "Half term"]
    assert {cell["state"] for cell in holiday["cells"]} == {"closed"}
    later = run("pupil-year", "1001", "--as-of", "2024-11-14", "--known-at", "2024-11-13", "--json").json
    (week,) = [week for week in later["weeks"] if week["monday"] == "2024-11-11"]
    assert [cell["state"] for cell in week["cells"]] == ["marked"] * 6 + ["ahead"] * 4


def test_a_session_without_a_mark_is_a_question_mark() -> None:
    run(
        "do",
        '{"command":"AmendCalendar","by":{"id":"o","name":"O","title":"T"},"year":"2024/25","closed":[],"reason":"x"}',
    )
    (page,) = printed("pupil-year", "1001")
    assert "missing 10" in page and page.count("?") > 10


@pytest.mark.parametrize("codes", [4, 12, 24])
def test_a_page_full_of_amendments_is_still_one_page(codes: int, tmp_path: Path) -> None:
    report = run("pupil-year", "1006", "--json").json
    (amended,) = {tuple(each["codes"]) for each in report["amended"]}
    report["amended"] = [each | {"codes": [*amended, "O", "I"]} for each in report["amended"] * 190]
    report["weeks"] = [week | {"note": "Early May bank holiday"} for week in report["weeks"]]
    key = [{"code": "Y1", "name": "Usual transport not available", "category": "not possible", "sessions": 3}] * codes
    facts = {"report": report, "name": "Wilhelmina Example-Longname", "upn": "B801200005001", "key": key}
    school = open_school().replay(reported_journal())
    moment = school.answers.moment()
    words = defined(moment, (*FIGURES, "late", "unresolved", "missing", "cohort"))
    paper = render("pupil_year", moment, facts | {"definitions": words})
    (tmp_path / "full.pdf").write_bytes(paper)
    (page,) = pages("full.pdf")
    assert "more: attendance history 1006" in page
    school.close()


def test_a_year_is_named_or_refused() -> None:
    assert run("pupil-year", "1001", "--year", "2024/25", "--json").json["year"] == "2024/25"
    assert "was not known then" in run("pupil-year", "1001", "--year", "2025/26", "--json").sentence
    assert "such as 2024/25" in run("pupil-year", "1001", "--year", "2024/26", "--json").sentence
    assert "a day of 2025/26" in run(
        "pupil-year", "1001", "--year", "2025/26", "--as-of", "2024-11-01", "--json"
    ).sentence  # fmt: skip
    assert "-o" in run("pupil-year", "--help").out
    assert "report.pdf" in run("pupil-year", "1001").sentence
    assert "ends in none of .pdf" in run("pupil-year", "1001", "-o", "year.txt").sentence
    assert "there is no folder" in run("pupil-year", "1001", "-o", "no/year.pdf").sentence


# --- reports to parents ---------------------------------------------------------------------------------------------


def test_parents_have_a_page_a_pupil_with_no_other_child_on_it() -> None:
    found = printed("reports", "parents", "--class", "4W", "--from", "2024-09-03")
    assert len(found) == 9
    for place, page in enumerate(found, 1):
        pupil = f"100{place}"
        figures = absence(pupil)
        assert name_of(pupil) in page and not [name for name in others(pupil) if name in page]
        assert f"{figures['attended']} of {figures['possible']} half-days" in page
        assert "SIMULATED" in page and MOMENT in page and "page 1 of 1" in page
        assert "O Fice, Office manager, 01632 960999" in page


def test_parents_read_reasons_in_words_days_missed_and_the_target() -> None:
    (page,) = printed("reports", "parents", "1003", "--from", "2024-09-03")
    assert "45 of 98 half-days: 45.9 %" in page and "The school’s target is 95 %. This is below the target." in page
    assert "53 half-days of lessons were missed, the same as 26½ school days" in page
    assert "Absent for another or no known reason O unauthorised absence 53" in page
    (late,) = printed("reports", "parents", "1008", "--from", "2024-09-03")
    assert "Late twice after the register had closed (U), which counts as an absence" in late
    (unknown,) = printed("reports", "parents", "1005", "--from", "2024-09-03")
    assert "For 2 half-days we do not know the reason yet (code N). Please tell us." in unknown
    (perfect,) = printed("reports", "parents", "1001", "--from", "2024-09-03")
    assert "No lessons were missed" in perfect and "Never late. Thank you." in perfect


def test_a_report_names_the_line_that_records_it_and_quotes_the_year_to_date() -> None:
    done = run("reports", "parents", "1003", "--from", "2024-11-04", "-o", "paper.pdf")
    figures = absence("1003")
    (line,) = [line for line in done.out.splitlines() if "letter sent" in line]
    assert line.strip().startswith("attendance letter sent 1003 report --parent 1003-a --sent-on DAY")
    assert f"--as-of 2024-11-15 --seen {figures['position']}" in line
    for name in ("possible", "attended", "authorised", "unauthorised"):
        assert f"--quote {name}={figures[name]}" in line


def test_who_the_report_is_about_is_said_one_way() -> None:
    expected = "one of them"
    assert expected in run("reports", "parents", "-o", "p.pdf").sentence
    assert expected in run("reports", "parents", "1001", "--all", "-o", "p.pdf").sentence
    assert "a class" in run("reports", "parents", "--class", "9Z", "-o", "p.pdf").sentence
    assert "a day up to" in run("reports", "parents", "1001", "--from", "2024-12-01", "-o", "p.pdf").sentence


# --- the head's week ------------------------------------------------------------------------------------------------


def test_the_week_is_pooled_by_class_and_the_registers_that_were_forgotten_are_named() -> None:
    found = run("reports", "weekly", "--json").json
    by_class = {line["name"]: line for line in found["classes"]}
    assert sorted(by_class) == ["4W", "5T", "RA"]
    assert by_class["4W"]["week"]["possible"] == 9 * 10
    total = sum(line["year"]["possible"] for line in found["classes"])
    assert found["school"]["year"]["possible"] == total
    members = [absence(f"100{place}") for place in range(1, 10)]
    assert by_class["4W"]["year"]["attended"] == sum(each["attended"] for each in members)
    assert found["untaken"] == [
        {"session": f"2024-11-14/{half}", "class_name": "RA", "pupils": 8} for half in ("AM", "PM")
    ]
    assert by_class["RA"]["week"]["unresolved"] == 16


def test_whoever_became_worse_is_compared_with_what_was_known_a_week_earlier() -> None:
    worse = {each["pupil"]: each for each in run("reports", "weekly", "--week", "2024-09-30", "--json").json["worse"]}
    assert (worse["2002"]["before"], worse["2002"]["now"]) == ("", "at risk")
    assert (worse["2003"]["before"], worse["2003"]["now"]) == ("", "persistent")
    assert "1003" not in worse  # severe all along
    assert run("reports", "weekly", "--week", "2024-11-11", "--json").json["worse"] == []
    first = run("reports", "weekly", "--week", "2024-09-02", "--json").json["worse"]
    assert {each["before"] for each in first} == {""}


def test_a_week_is_a_monday_with_a_session() -> None:
    assert "is no Monday" in run("reports", "weekly", "--week", "2024-11-12").sentence
    assert "has no session" in run("reports", "weekly", "--week", "2024-10-28").sentence
    assert "either a week" in run("reports", "weekly", "--week", "2024-11-11", "--as-of", "2024-11-12").sentence


# --- governors, groups ----------------------------------------------------------------------------------------------


def test_governors_see_no_small_number_and_the_school_whole() -> None:
    found = run("reports", "governors", "--json").json
    lines = {(line["dimension"], line["group"]): line for line in found["groups"]}
    assert found["school"]["pupils"] == 26 and found["school"]["hidden"] == ["severe"]  # one is severely absent
    assert lines["SEND", "EHC plan"]["pupils"] is None and "pupils" in lines["SEND", "EHC plan"]["hidden"]
    assert lines["social worker", "no social worker"]["pupils"] is None  # 25 of 26 would say who the one is
    assert lines["sex", "girls"]["pupils"] + lines["sex", "boys"]["pupils"] == 26
    for line in [found["school"], *found["groups"]]:
        assert all(line[name] is None or not 0 < line[name] < 5 for name in ("pupils", "persistent", "severe"))
        if "pupils" in line["hidden"]:
            assert line["attendance_percent"] is None and line["persistent_percent"] is None


def test_governors_paper_names_nobody() -> None:
    text = " ".join(printed("reports", "governors"))
    assert "c: hidden" in text and "SIMULATED" in text
    assert not [pupil for pupil in pupils() if name_of(pupil) in text or f" {pupil} " in text]


def test_groups_divide_the_school_and_are_pooled() -> None:
    found = run("reports", "groups", "--json").json
    school, by_dimension = found["school"], {}
    for line in found["groups"]:
        by_dimension.setdefault(line["dimension"], []).append(line)
    for lines in by_dimension.values():
        for name in ("pupils", "possible", "attended", "unauthorised"):
            assert sum(line["figures"][name] for line in lines) == school["figures"][name]
        assert sum(line["persistent"] for line in lines) == school["persistent"]
    found_absent = run("absence", "--json").json
    assert school["persistent"] == sum(each["persistent"] for each in found_absent)
    assert school["severe"] == sum(each["severe"] for each in found_absent) == 1
    assert school["at_risk"] == sum(each["at_risk"] for each in found_absent)
    assert sum(school["bands"].values()) == 26
    assert [(line["group"], line["figures"]["pupils"]) for line in by_dimension["new starters"]] == [
        ("new this year", 19),
        ("here before", 7),
    ]  # the usual start in reception is none
    assert [line["group"] for line in by_dimension["young carer"]] == ["young carer", "not young carer"]


# --- awards ---------------------------------------------------------------------------------------------------------


def test_awards_count_pupils_and_name_them_only_when_asked() -> None:
    plain = run("reports", "awards", "--from", "2024-10-07")
    assert plain.code == 0, plain
    assert not [pupil for pupil in pupils() if name_of(pupil) in plain.out]
    named = run("reports", "awards", "--from", "2024-10-07", "--names")
    assert name_of("1007") in named.out
    assert run("reports", "awards", "--from", "2024-10-07", "--json").json["pupils"] == []


def test_awards_are_for_full_attendance_punctuality_and_improving() -> None:
    found = run("reports", "awards", "--from", "2024-10-07", "--names", "--json").json
    won = {each["name"]: each for each in found["pupils"]}
    # 2024-10-07 to 2024-11-15 has 25 school days, and so many came before from 2024-09-03 on.
    assert (found["before_first"], found["before_last"]) == ("2024-09-03", "2024-10-04")
    assert won["1001"]["attendance"] and won["1001"]["punctuality"] and not won["1001"]["improved"]
    assert won["1007"]["improved"] and won["1007"]["attendance"]
    assert "1008" not in won or not won["1008"]["punctuality"]
    assert found["named"]["improved"] == sum(each["improved"] for each in found["pupils"])
    assert [each["name"] for each in found["classes"] if each["best"]] == ["RA"]


def test_the_newsletter_has_the_target_beside_every_class() -> None:
    (page,) = printed("reports", "newsletter", "--from", "2024-10-07")
    assert len(re.findall(r"(4W|5T|RA|whole school) \d+\.\d 95 ", page)) == 4
    assert not [pupil for pupil in pupils() if name_of(pupil) in page]
    assert name_of("1001") in " ".join(printed("reports", "newsletter", "--from", "2024-10-07", "--names"))


# --- sharing, staged support ----------------------------------------------------------------------------------------


def test_what_is_shared_is_totals_dates_and_codes_and_no_words() -> None:
    (page,) = printed("reports", "share", "1006")
    assert "2024-10-08 I I" in page and "98 96 2 0 0 0 0 98.0 % 2.0 %" in page
    assert "letter seen" not in page and not [name for name in others("1006") if name in page]
    done = run("reports", "share", "1006", "-o", "share.pdf")
    assert "attendance share 1006 'attendance totals, dates and codes' --with WHOM" in done.out


def test_with_whom_it_was_shared_is_listed() -> None:
    assert "nothing was passed on" in run("shared").out
    line = (
        '{"command":"ShareInformation","by":{"id":"o","name":"O","title":"Office"},"pupil":"1006","what":"totals",'
        '"recipient":"Hill School","on":"2024-11-15","as_of":"2024-11-14","why":"a sibling is there"}'
    )
    assert run("do", line).code == 0
    (found,) = run("shared", "1006", "--json").json
    assert (found["recipient"], found["why"], found["as_of"]) == ("Hill School", "a sibling is there", "2024-11-14")
    assert "Hill School" in run("shared").out
    assert run("shared", "1006", "--known-at", "2024-11-14", "--json").json == []


def test_staged_lists_whom_support_is_due_to_and_one_pupil_in_full() -> None:
    found = {each["pupil"]: each for each in run("staged", "--json").json}
    assert found["1003"]["expected"] == "joint approach" and found["1004"]["expected"] == "letter"
    assert "1001" not in found
    line = (
        '{"command":"RecordSupport","by":{"id":"o","name":"O","title":"Office"},"pupil":"1003","step":"joint approach",'
        '"stage":"agreed","on":"2024-11-15","next_on":"2024-12-02","people":["L Authority"],"outcome":"weekly call"}'
    )
    assert run("do", line).code == 0
    one = run("staged", "1003").out
    assert "joint approach" in one and "L Authority" in one and "weekly call" in one and "2024-12-02" in one


# --- files ----------------------------------------------------------------------------------------------------------

EVERY = (
    ("pupil-year", "1006"),
    ("reports", "parents", "--all"),
    ("reports", "share", "1006"),
    ("reports", "weekly"),
    ("reports", "governors"),
    ("reports", "groups"),
    ("reports", "awards", "--from", "2024-10-07", "--names"),
    ("reports", "newsletter", "--from", "2024-10-07"),
)


@pytest.mark.parametrize("arguments", EVERY, ids=lambda arguments: " ".join(arguments[:2]))
def test_the_same_question_prints_the_same_bytes(arguments: tuple[str, ...]) -> None:
    times = ("--known-at", "2024-11-15T13:35:00Z")
    for name in ("one.pdf", "two.pdf"):
        assert run(*arguments, *times, "-o", name).code == 0
        run("do", '{"command":"ChangeGroups","by":{"id":"o","name":"O","title":"T"},"pupil":"1001","groups":["choir"]}')
    assert Path("one.pdf").read_bytes() == Path("two.pdf").read_bytes()


@pytest.mark.parametrize("report", ["weekly", "governors", "groups", "awards", "newsletter"])
def test_a_sheet_says_in_every_row_what_it_was_true_for(report: str) -> None:
    more = ("--from", "2024-10-07") if report in ("awards", "newsletter") else ()
    for ending in ("csv", "xlsx"):
        done = run("reports", report, *more, "-o", f"sheet.{ending}")
        assert done.code == 0 and "(SIMULATED)" in done.out, done
    with Path("sheet.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows and {row["policy"] for row in rows} == {"micklem-2025"}
    assert {(row["as of"], row["simulated"]) for row in rows} == {("2024-11-15", "true")}
    assert "ends in none of .pdf, .csv, .xlsx" in run("reports", report, *more, "-o", "sheet.ods").sentence
