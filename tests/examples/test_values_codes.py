import csv
from datetime import date
from pathlib import Path

import pytest

from ledger.codes import CODES, Code, by_symbol
from ledger.sessions import Half

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "codes-2024.csv"


def symbols(fact: str) -> str:
    return " ".join(sorted(code.symbol for code in CODES if getattr(code, fact)))


def code(symbol: str) -> Code:
    found = by_symbol(symbol)
    assert found is not None
    return found


def test_there_are_32_statutory_codes_and_six_others() -> None:
    administrative = [code.symbol for code in CODES if code.administrative]
    withdrawn = [code.symbol for code in CODES if code.in_force_until]
    assert administrative == ["Z", "#"]
    assert withdrawn == ["H", "F", "J", "Y"]
    assert len(CODES) - len(administrative) - len(withdrawn) == 32
    assert sum(code.table > 0 for code in CODES) == 32


def test_ids_are_row_numbers_and_never_move() -> None:
    # Stored entries hold these ids: rows may be added at the end, and this list then grows.
    order = r"/ \ L K V P W B D C1 M J1 S X C2 C T R I E Q Y1 Y2 Y3 Y4 Y5 Y6 Y7 G N O U Z # H F J Y"
    assert " ".join(code.symbol for code in CODES) == order
    assert [code.id for code in CODES] == list(range(38))


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("unauthorised", "G N O U"),
        ("penalty_national", "G N O U"),
        ("attendance_return", "G N O U"),
        ("ground_i", "G N O"),
        ("authorised", "C C1 C2 E F H I J1 M R S T"),
        ("attended", r"/ B J K L P V W \ ".strip()),
        ("on_site", r"/ L U \ ".strip()),
        ("csa_only", "C2"),
        ("ncsa_only", "X"),
        ("secondary_only", "S W"),
        ("detail_required", "B C1 C2 D K Y7"),
        ("administrative", "# Z"),
    ],
)
def test_each_fact_holds_for_just_these_codes(fact: str, expected: str) -> None:
    assert symbols(fact) == expected


def test_what_is_possible_is_attended_or_absent_and_never_both() -> None:
    for code in CODES:
        assert code.possible == (code.attended != code.absent)
        assert not (code.attended and code.absent)
        assert code.absent == (code.authorised != code.unauthorised)


def test_only_the_two_strokes_belong_to_one_half() -> None:
    assert {code.symbol: code.half for code in CODES if code.half is not None} == {"/": Half.AM, "\\": Half.PM}


@pytest.mark.parametrize(
    ("symbol", "day", "expected"),
    [
        ("J1", "2024-08-18", False),
        ("J1", "2024-08-19", True),
        ("J", "2024-08-18", True),
        ("J", "2024-08-19", False),
        ("F", "2013-08-31", True),
        ("F", "2013-09-01", False),
        ("I", "1999-01-01", True),
        ("I", "2099-01-01", True),
    ],
)
def test_codes_come_into_force_and_are_withdrawn(symbol: str, day: str, expected: bool) -> None:
    assert code(symbol).in_force(date.fromisoformat(day)) is expected


@pytest.mark.parametrize("symbol", ["", "j1", "i", " I", "?", "Y8", "N/A"])
def test_a_symbol_that_is_no_code_finds_nothing(symbol: str) -> None:
    assert by_symbol(symbol) is None


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference table is not at hand")
def test_the_table_states_the_same_facts_as_the_reference() -> None:
    with REFERENCE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["code"] for row in rows] == [code.symbol for code in CODES]
    for row, ours in zip(rows, CODES, strict=True):
        assert row["stat_category"].replace("approved_educational_activity", "approved_activity") == ours.category
        assert row["reg10_table"] == (str(ours.table) if ours.table else "legacy" if ours.in_force_until else "none")
        assert row["session"] == (ours.half.name if ours.half is not None else "any")
        for theirs, fact in {
            "possible_session": "possible",
            "counts_attended": "attended",
            "physically_at_this_school": "on_site",
            "absence": "absent",
            "authorised": "authorised",
            "pn_threshold": "penalty_national",
            "attendance_return_10d": "attendance_return",
            "ground_I_20d": "ground_i",
            "csa_only": "csa_only",
            "ncsa_only": "ncsa_only",
            "detail_required": "detail_required",
        }.items():
            assert (row[theirs] == "1") == getattr(ours, fact), (row["code"], theirs)
        assert row["in_force_from"] == (ours.in_force_from.isoformat() if ours.in_force_from else "")
        assert row["in_force_until"] == (ours.in_force_until.isoformat() if ours.in_force_until else "")
