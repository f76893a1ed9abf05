from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.people import Staff, check_upn, compulsory_school_age, is_pupil_number


@pytest.mark.parametrize(
    ("born", "first"),
    [
        ("2019-03-31", "2024-03-31"),
        ("2019-04-01", "2024-08-31"),
        ("2019-08-31", "2024-08-31"),
        ("2019-09-01", "2024-12-31"),
        ("2019-12-31", "2024-12-31"),
        ("2020-01-01", "2025-03-31"),
        ("2020-02-29", "2025-03-31"),
    ],
)
def test_compulsory_age_begins_on_or_next_after_the_fifth_birthday(born: str, first: str) -> None:
    assert compulsory_school_age(date.fromisoformat(born))[0] == date.fromisoformat(first)


@pytest.mark.parametrize(
    ("born", "last"),
    [
        ("2007-09-01", "2024-06-28"),
        ("2008-02-29", "2024-06-28"),
        ("2008-06-30", "2024-06-28"),
        ("2008-08-31", "2024-06-28"),
        ("2008-09-01", "2025-06-27"),
        ("2009-12-31", "2026-06-26"),
        ("2007-06-30", "2023-06-30"),
        ("2001-06-15", "2017-06-30"),
    ],
)
def test_compulsory_age_ends_on_the_last_friday_in_june_of_the_year_of_turning_16(born: str, last: str) -> None:
    assert compulsory_school_age(date.fromisoformat(born))[1] == date.fromisoformat(last)


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_compulsory_age_begins_within_a_term_and_ends_on_a_friday(born: date) -> None:
    first, last = compulsory_school_age(born)
    fifth = born + timedelta(days=5 * 365 + 1)
    assert timedelta(days=-1) <= first - fifth <= timedelta(days=155)
    assert (last.month, last.weekday()) == (6, 4)
    assert (last + timedelta(days=7)).month == 7


def test_a_birthday_beyond_the_calendar_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        compulsory_school_age(date(9990, 1, 1))


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("B801200005001", True),
        ("M80120000500A", True),
        ("A801200005001", False),
        ("X80120000A001", False),
        ("", False),
        ("B80120000500", False),
        ("B8012000050011", False),
        ("b801200005001", False),
        (" B801200005001", False),
        ("B801200005001\n", False),
        ("I801200005001", False),
        ("B80120000500O", False),
    ],
)
def test_a_upn_has_13_characters_and_the_right_check_letter(text: str, valid: bool) -> None:
    assert check_upn(text) is valid


def test_authorities_newer_than_the_list_of_the_library_issue_upns_too() -> None:
    assert sum(check_upn(f"{letter}838200005001") for letter in "ABCDEFGHJKLMNPQRTUVWXYZ") == 1


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("1042", True),
        ("a.b_c-D", True),
        ("1" * 20, True),
        ("1" * 21, False),
        ("", False),
        ("school", False),
        ("school1", True),
        ("10/42", False),
        ("10 42", False),
        ("1042\n", False),
        ("é", False),
    ],
)
def test_a_pupil_number_is_1_to_20_plain_characters_and_not_school(text: str, valid: bool) -> None:
    assert is_pupil_number(text) is valid


def test_staff_are_written_as_an_array() -> None:
    staff = Staff("hart", "A Hart", "Class teacher")
    assert msgspec.json.encode(staff) == b'["hart","A Hart","Class teacher"]'
    assert msgspec.json.decode(msgspec.json.encode(staff), type=Staff) == staff
