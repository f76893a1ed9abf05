"""The termly census one term in arrears, and the totals that go with a pupil who moves: sums of the same sessions."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from govuk_bank_holidays.bank_holidays import BankHolidays
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from commands.files.forms import census_xml, checked, transfer_xml
from ledger.codes import by_symbol
from ledger.errors import Misconfigured, Refused
from projections.asking.questions import Moment
from projections.figures.cohorts import absence_answers
from projections.returns.census import (
    CensusAnswer,
    age_on,
    census_answers,
    easter_sunday,
    term,
    transfer_answers,
)
from tests.support.late_school import Line, admitted, in_order, marked, opened, told
from tests.support.random_school import journal
from tests.support.schools import OpenedSchool, new_keys, open_school

AUTUMN = term("autumn", 2024)


def school(*lines: Line | list[Line], **options: Any) -> OpenedSchool:
    return open_school().replay(in_order(opened(**options), *lines))


def census(of: OpenedSchool, name: str = "autumn", year: int = 2024) -> list[CensusAnswer]:
    asked = term(name, year)
    return census_answers(of.answers, of.answers.moment(asked.last), asked)


# --- terms and ages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first", "last", "collected_in"),
    [
        ("autumn", "2024-08-01", "2024-12-31", "spring"),
        ("spring", "2025-01-01", "2025-04-20", "summer"),
        ("summer", "2025-04-21", "2025-07-31", "autumn"),
        ("summer-first", "2025-04-21", "2025-05-25", "autumn"),
        ("summer-second", "2025-05-26", "2025-07-31", "autumn"),
    ],
)
def test_terms_are_those_of_the_calendar(name: str, first: str, last: str, collected_in: str) -> None:
    asked = term(name, 2024)
    assert (str(asked.first), str(asked.last), asked.collected_in) == (first, last, collected_in)


@pytest.mark.parametrize("year", range(2020, 2040))
def test_the_terms_are_the_whole_school_year(year: int) -> None:
    spans = [term(name, year) for name in ("autumn", "spring", "summer-first", "summer-second")]
    assert (spans[0].first, spans[-1].last) == (date(year, 8, 1), date(year + 1, 7, 31))
    assert all(one.last + timedelta(days=1) == next_.first for one, next_ in pairwise(spans))


def test_easter_is_the_day_before_the_bank_holiday() -> None:
    holidays = BankHolidays(use_cached_holidays=True).get_holidays(division=BankHolidays.ENGLAND_AND_WALES)
    mondays = [each["date"] for each in holidays if each["title"] == "Easter Monday"]
    assert len(mondays) > 3
    assert [easter_sunday(monday.year) + timedelta(days=1) for monday in mondays] == mondays
    assert [str(easter_sunday(year)) for year in (1961, 2000, 2008, 2038)] == [
        "1961-04-02", "2000-04-23", "2008-03-23", "2038-04-25",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("winter", None, None),
        ("autumn", date(2024, 7, 31), None),
        ("autumn", None, date(2025, 8, 1)),
        ("autumn", date(2024, 10, 2), date(2024, 10, 1)),
    ],
)
def test_a_term_that_is_none_is_refused(name: str, first: date | None, last: date | None) -> None:
    with pytest.raises(Refused, match="malformed"):
        term(name, 2024, first, last)


@pytest.mark.parametrize(
    ("born", "there"),
    [
        ("2020-09-01", False),  # three on 31 August
        ("2020-08-31", True),  # four that day
        ("2008-09-01", True),  # fifteen
        ("2008-08-31", False),  # sixteen that day
    ],
)
def test_the_census_is_of_pupils_of_four_to_fifteen_on_31_august(born: str, there: bool) -> None:
    found = census(school(admitted("7", born=born), pupils=()))
    assert [answer.pupil for answer in found] == ["7"] * there


@pytest.mark.parametrize(("day", "age"), [("2025-02-28", 0), ("2025-03-01", 1), ("2028-02-29", 4), ("2028-02-28", 3)])
def test_a_leap_day_is_had_on_the_first_of_march(day: str, age: int) -> None:
    assert age_on(date(2024, 2, 29), date.fromisoformat(day)) == age


# --- counts ---------------------------------------------------------------------------------------------------------


def test_reasons_are_counted_by_their_code() -> None:
    codes = ["I", "I", "M", "G", "U", "N", "Y4", "V", "L"]
    days = [f"2024-11-{day:02}" for day in (*range(4, 9), *range(11, 15))]
    of = school([marked(code, f"{day}/AM") for code, day in zip(codes, days, strict=True)])
    (found, _) = census(of)
    assert (found.possible, found.attended, found.authorised, found.unauthorised) == (8, 2, 3, 3)
    assert found.reasons == {"M": 1, "I": 2, "Y4": 1, "G": 1, "N": 1, "U": 1}
    absent = {code: count for code, count in found.reasons.items() if (row := by_symbol(code)) and row.absent}
    assert sum(absent.values()) == found.authorised + found.unauthorised


def test_who_left_in_the_term_is_counted_to_the_last_day_and_who_left_before_is_not() -> None:
    gone = told("RemoveFromRoll", "2024-11-05T16:00:00", last_day="2024-11-05", ground="moved away")
    of = school(marked("I", "2024-11-05/AM"), gone, marked("/", "2025-01-06/AM", "1043"))
    assert [(answer.pupil, answer.leaving_day) for answer in census(of)] == [("1042", "2024-11-05"), ("1043", "")]
    assert [answer.pupil for answer in census(of, "spring")] == ["1043"]


@given(seed=st.integers(0, 2**32))
def test_the_census_is_the_absence_of_the_same_sessions(seed: int) -> None:
    of = open_school().replay(journal(seed, 20, 6))
    for year in (2024, 2025):
        before: dict[str, tuple[int, ...]] = {}
        for name in ("autumn", "spring", "summer"):
            asked = term(name, year)
            moment = of.answers.moment(asked.last)
            found = census_answers(of.answers, moment, asked)
            pupils = [answer.pupil for answer in found]
            to_date = {
                each.pupil: (each.possible, each.attended, each.authorised, each.unauthorised, each.missing)
                for each in absence_answers(of.answers, moment, pupils)
            }
            for answer in found:
                term_only = (answer.possible, answer.attended, answer.authorised, answer.unauthorised, answer.missing)
                earlier = before.get(answer.pupil, (0,) * 5)
                expected = to_date.get(answer.pupil, (0,) * 5)
                assert tuple(a + b for a, b in zip(earlier, term_only, strict=True)) == expected
            before |= to_date


@given(seed=st.integers(0, 2**32))
def test_transfer_totals_are_the_absence_of_each_year(seed: int) -> None:
    of = open_school().replay(journal(seed, 20, 4))
    moment = of.answers.moment()
    pupils = sorted(moment.school.pupils)
    last = moment.school.calendar.year_begun_by(moment.as_of)
    absent = {each.pupil: each for each in absence_answers(of.answers, moment, pupils)}
    for answer in transfer_answers(of.answers, moment, pupils):
        this_year = [year for year in answer.years if last is not None and year.year.startswith(str(last))]
        if not this_year:
            assert answer.pupil not in absent or absent[answer.pupil].possible == 0
            continue
        expected = absent[answer.pupil]
        (year,) = this_year
        assert (year.possible, year.attended, year.authorised, year.unauthorised, year.missing) == (
            expected.possible, expected.attended, expected.authorised, expected.unauthorised, expected.missing,
        )  # fmt: skip


def test_nobody_falls_out_of_a_census_for_want_of_a_key() -> None:
    of = school(marked("/", "2024-11-05/AM"))
    of.answers.keys = new_keys()
    with pytest.raises(Misconfigured, match="particulars of 2 pupils cannot be read"):
        census(of)


# --- the files ------------------------------------------------------------------------------------------------------


def written(of: OpenedSchool) -> tuple[Moment, list[CensusAnswer]]:
    moment = of.answers.moment(AUTUMN.last)
    return moment, census_answers(of.answers, moment, AUTUMN)


def test_a_census_file_says_what_the_census_does() -> None:
    of = school(marked("I", "2024-11-05/AM"), marked("/", "2024-11-05/AM", "1043"))
    root = etree.fromstring(census_xml(written(of)[0], AUTUMN, written(of)[1]))
    assert [root.findtext(f"Header/CollectionDetails/{name}") for name in ("Collection", "Term", "Year")] == [
        "SC", "SPR", "2025",
    ]  # fmt: skip
    assert root.findtext("Header/KnownAs/Simulated") == "true"
    first, second = root.findall("Pupils/Pupil")
    assert [child.tag for child in first] == [
        "UPN", "AdmissionNumber", "DOB", "Gender", "NCyearActual", "TermlyAttendance",
    ]  # fmt: skip
    assert first.findtext("TermlyAttendance/SessionsPossible") == "1"
    assert first.findtext("TermlyAttendance/SessionsAuthorised") == "1"
    assert first.findtext("TermlyAttendance/SessionDetailsTermly/SessionDetail/AttendanceReason") == "I"
    assert second.find("TermlyAttendance/SessionDetailsTermly") is None
    assert b"Pupil 1042" not in etree.tostring(root)  # a UPN is enough to be found by


def test_a_transfer_file_gives_totals_of_each_year_and_no_marks() -> None:
    of = school(marked("I", "2024-11-05/AM"), marked("/", "2025-09-03/AM"))
    moment = of.answers.moment(date(2025, 9, 3))
    root = etree.fromstring(transfer_xml(moment, transfer_answers(of.answers, moment, ["1042"])))
    (pupil,) = root.findall("CTFpupilData/Pupil")
    assert (pupil.findtext("UPN"), pupil.findtext("FullName")) == ("B801200005001", "Pupil 1042")
    years = [{child.tag: child.text for child in year} for year in pupil.findall("Attendance/YearData")]
    assert years == [
        {"Year": "2024", "LEA": "919", "Estab": "2000", "SessionsPossible": "1", "SessionsAuthorised": "1",
         "SessionsAttended": "0", "SessionsUnauthorised": "0"},
        {"Year": "2025", "LEA": "919", "Estab": "2000", "SessionsPossible": "1", "SessionsAuthorised": "0",
         "SessionsAttended": "1", "SessionsUnauthorised": "0"},
    ]  # fmt: skip


def test_a_pupil_without_a_upn_stops_the_file_and_is_named_by_number() -> None:
    of = school(admitted("9001"), marked("/", "2024-11-05/AM"))
    moment, found = written(of)
    with pytest.raises(Misconfigured) as refused:
        census_xml(moment, AUTUMN, found)
    assert str(refused.value) == "the file was not written, as it would not validate: see UPN of pupil 9001"
    with pytest.raises(Misconfigured, match="see UPN of pupil 9001$"):
        transfer_xml(moment, transfer_answers(of.answers, moment, ["9001"]))


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("census", "Pupils/Pupil/TermlyAttendance/SessionsUnauthorised"),
        ("census", "Pupils/Pupil/DOB"),
        ("census", "Header/Source/URN"),
        ("ctf", "CTFpupilData/Pupil/Attendance/YearData/SessionsAttended"),
        ("ctf", "CTFpupilData/Pupil/FullName"),
    ],
)
@pytest.mark.parametrize("how", ["left out", "out of form", "misspelt"])
def test_a_broken_file_does_not_validate_and_its_text_is_not_repeated(schema: str, path: str, how: str) -> None:
    of = school(marked("I", "2024-11-05/AM"), marked("/", "2024-11-05/AM", "1043"))
    moment, found = written(of)
    whole = census_xml(moment, AUTUMN, found) if schema == "census" else transfer_xml(
        moment, transfer_answers(of.answers, moment, ["1042", "1043"])
    )  # fmt: skip
    root = etree.fromstring(whole)
    assert checked(root, schema, ["1042", "1043"])
    element = root.find(path)
    assert element is not None
    if how == "left out":
        element.getparent().remove(element)
    elif how == "misspelt":
        element.tag += "s"
    else:
        element.text = "" if path.endswith("FullName") else "a secret"
    with pytest.raises(Misconfigured) as refused:
        checked(root, schema, ["1042", "1043"])
    assert "not written" in str(refused.value) and "secret" not in str(refused.value)


def test_a_pupil_twice_does_not_validate() -> None:
    moment, found = written(school(marked("I", "2024-11-05/AM")))
    with pytest.raises(Misconfigured):
        census_xml(moment, AUTUMN, [found[0], found[0]])
