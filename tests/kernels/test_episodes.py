"""Days in a row: each boundary from both sides, and the kernels against a plain model that reads days as letters."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.codes import CODES, by_symbol
from projections.readmodel.frames import NEVER, Entries, Roll
from projections.returns.rows import UNMARKED, Grid, Run, absent_runs, days_expected, illnesses, nth_sessions

RETURN, GROUND_I = ("G", "N", "O", "U"), ("G", "N", "O")
UNSEEN = "-"  # closed without a mark
AHEAD = "?"  # not closed yet
MONDAY = 20_000


def grid(*pupils: str, counted: Sequence[Sequence[bool]] | None = None) -> Grid:
    """Return a grid from a line a pupil: days apart by spaces, two codes a day joined by a comma, or one for both."""
    rows = [[(day.split(",") * 2)[:2] for day in pupil.split()] for pupil in pupils]
    days = len(rows[0])
    code = np.array([[[_number(symbol) for symbol in day] for day in row] for row in rows], np.uint8)
    due = np.array([[rows[0][day][half] != AHEAD for half in (0, 1)] for day in range(days)])
    on = np.ones((len(rows), days), bool) if counted is None else np.array(counted, bool)
    return Grid([str(row) for row in range(len(rows))], np.arange(MONDAY, MONDAY + days), code, due, on)


def _number(symbol: str) -> int:
    code = by_symbol(symbol)
    return int(UNMARKED) if code is None else code.id


def days_of(runs: list[Run]) -> list[int]:
    return [len(run.days) for run in runs]


# --- boundaries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "found"), [(9, []), (10, [10]), (11, [11])])
def test_ten_school_days_in_a_row_are_a_return(days: int, found: list[int]) -> None:
    (runs,) = (absent_runs(grid("/,\\ " + "O " * days + "/,\\"), RETURN, 10),)
    assert days_of(runs) == found
    assert [run.reached for run in runs] == [MONDAY + 10] * len(found)


@pytest.mark.parametrize(("days", "found"), [(19, []), (20, [20]), (21, [21])])
def test_twenty_school_days_in_a_row_are_ground_i(days: int, found: list[int]) -> None:
    assert days_of(absent_runs(grid("N " * days), GROUND_I, 20, over_closures=False)) == found


def test_a_late_arrival_counts_to_the_return_and_breaks_ground_i() -> None:
    away = grid("O " * 10 + "U,O " + "O " * 10)
    assert days_of(absent_runs(away, RETURN, 10)) == [21]
    assert days_of(absent_runs(away, GROUND_I, 20, over_closures=False)) == []


@pytest.mark.parametrize(
    "code", ["/,O", "O,L", "I", "M,O", "C", "D", "X", "Q", "Y1", "Y2", "Y3", "Y5", "Y6", "Y7,O", "B"]
)
def test_any_other_code_breaks_the_row(code: str) -> None:
    assert days_of(absent_runs(grid("O " * 9 + f"{code} " + "O " * 9), RETURN, 10)) == []


@pytest.mark.parametrize("code", ["#", "Y4"])
def test_a_day_the_school_did_not_open_neither_counts_nor_breaks(code: str) -> None:
    away = "O " * 5 + f"{code} " + "O " * 5
    assert days_of(absent_runs(grid(away), RETURN, 10)) == [10]
    assert days_of(absent_runs(grid("O " * 4 + f"{code} " + "O " * 5), RETURN, 10)) == []
    assert days_of(absent_runs(grid(away + f"O,{code}"), RETURN, 11)) == [11], "half a day was held, and missed"
    assert days_of(absent_runs(grid("O " * 10 + f"{code} " + "O " * 10), GROUND_I, 20, over_closures=False)) == []


def test_a_session_without_a_mark_proves_nothing_and_is_named() -> None:
    (run,) = absent_runs(grid("O " * 5 + "O,- " + "O " * 5), RETURN, 10)
    assert (len(run.days), run.reached, run.missing) == (10, None, ((MONDAY + 5) * 2 + 1,))
    assert absent_runs(grid("O " * 5 + "- " + "O " * 4), RETURN, 10) == []
    (run,) = absent_runs(grid("O " * 2 + "- " + "O " * 10), RETURN, 10)
    assert (run.first, run.reached) == (MONDAY, MONDAY + 12)


def test_today_counts_when_both_its_sessions_are_over() -> None:
    assert days_of(absent_runs(grid("O " * 9 + "O,?"), RETURN, 10)) == []
    (run,) = absent_runs(grid("O " * 10 + "O,?"), RETURN, 10)
    assert (len(run.days), run.standing) == (10, True)


def test_a_row_stands_until_something_ends_it() -> None:
    assert [run.standing for run in absent_runs(grid("O " * 10 + "/,\\"), RETURN, 10)] == [False]
    assert [run.standing for run in absent_runs(grid("O " * 10 + "-"), RETURN, 10)] == [True]


def test_days_off_roll_or_not_of_school_age_break_the_row() -> None:
    assert absent_runs(grid("O " * 12, counted=[[True] * 6 + [False] + [True] * 5]), RETURN, 7) == []


@pytest.mark.parametrize(("days", "found"), [(14, []), (15, [15]), (16, [16])])
def test_fifteen_days_of_sickness_in_a_row(days: int, found: list[int]) -> None:
    assert days_of(_ill("/,\\ " + "I " * days + "/,\\")) == found


@pytest.mark.parametrize(("second", "found"), [(4, []), (5, [5]), (6, [6])])
def test_fifteen_days_of_sickness_are_counted_together(second: int, found: list[int]) -> None:
    runs = _ill("I " * 10 + "/,\\ " + "I " * second)
    assert days_of(runs) == found
    assert [run.reached for run in runs] == [MONDAY + 15] * len(found)


def test_a_day_counts_where_either_half_was_ill_and_a_closure_interrupts_nothing() -> None:
    assert days_of(_ill("I,/ " * 7 + "Y4 " + "/,I " * 8)) == [15]


def test_a_later_period_is_returned_when_it_reaches_the_threshold_by_itself() -> None:
    assert days_of(_ill("I " * 15 + "/,\\ " + "I " * 14)) == [15]
    assert days_of(_ill("I " * 15 + "/,\\ " + "I " * 15)) == [15, 15]


@pytest.mark.parametrize(("ahead", "found"), [(4, []), (5, [15])])
def test_days_that_are_expected_count_in_one_go(ahead: int, found: list[int]) -> None:
    runs = _ill("I " * 10 + "? " * 8, [(0, MONDAY + 10, MONDAY + 9 + ahead)])
    assert days_of(runs) == found and [run.reached for run in runs] == [None] * len(found)


def test_who_is_back_is_no_longer_expected_to_be_away() -> None:
    assert _ill("I " * 10 + "/,\\ " + "? " * 8, [(0, MONDAY + 8, MONDAY + 17)]) == []


@pytest.mark.parametrize(("sessions", "found"), [(19, {}), (20, {0: 20}), (21, {0: 21})])
def test_twenty_sessions_in_a_row_or_not(sessions: int, found: dict[int, int]) -> None:
    numbers = np.arange(MONDAY * 2, MONDAY * 2 + 3 * sessions, 3, np.int32)[::-1]
    entries = Entries(
        ["0"],
        np.zeros(sessions, np.int32),
        numbers,
        np.zeros(sessions, np.uint8),
        np.arange(sessions),
        np.full(sessions, NEVER),
    )
    whole = np.array([[0, 100_000]], np.int32)
    reached = nth_sessions(entries, Roll(["0"], whole[:, :1], whole[:, 1:], whole), 20)
    assert {pupil: len(rows) for pupil, rows in reached.items()} == found
    assert all((np.diff(numbers[rows]) > 0).all() for rows in reached.values())


def _ill(text: str, spans: Sequence[tuple[int, int, int]] = ()) -> list[Run]:
    made = grid(text)
    return illnesses(made, days_expected(made, spans), 15)


# --- against a plain model ------------------------------------------------------------------------------------------

HALF = st.sampled_from(["O", "O", "O", "O", "G", "N", "U", "I", "I", "I", "/", "Y4", "D", UNSEEN])
DAY = st.one_of(HALF, HALF, st.tuples(HALF, HALF).map(",".join))
PUPIL = st.lists(DAY, min_size=30, max_size=30).map(" ".join)


def letter(day: str, codes: str, closed: str) -> str:
    """Return what a day is: counts, missing, nothing, or breaks."""
    halves = set(day.split(","))
    if halves - set(codes) - set(closed.split()) - {UNSEEN}:
        return "b"
    if UNSEEN in halves:
        return "m"
    return "c" if halves & set(codes) else "."


def plain_rows(text: str, codes: str, closed: str, school_days: int) -> list[tuple[int, int, int, bool]]:
    """Return (first, last, days, certain) of every row that is long enough."""
    letters = "".join(letter(day, codes, closed) for day in text.split())
    found = []
    for match in re.finditer("[^b]+", letters):
        if match[0].count("c") >= school_days:
            first, last = match[0].index("c"), match[0].rindex("c")
            certain = any(part.count("c") >= school_days for part in match[0].split("m"))
            found.append((match.start() + first, match.start() + last, match[0].count("c"), certain))
    return found


@given(pupils=st.lists(PUPIL, min_size=1, max_size=4), school_days=st.integers(1, 6))
def test_rows_are_the_plain_models(pupils: list[str], school_days: int) -> None:
    for codes, over_closures in ((RETURN, True), (GROUND_I, False)):
        found: dict[int, list[tuple[int, int, int, bool]]] = {row: [] for row in range(len(pupils))}
        for run in absent_runs(grid(*pupils), codes, school_days, over_closures=over_closures):
            line = run.first - MONDAY, run.last - MONDAY, len(run.days), run.reached is not None
            found[run.pupil].append(line)
        closed = "# Y4" if over_closures else ""
        assert found == {row: plain_rows(text, "".join(codes), closed, school_days) for row, text in enumerate(pupils)}


def plain_illnesses(text: str, expected: set[int], school_days: int) -> list[tuple[int, int, int]]:
    """Return (first, last, days) of every period of sickness that is returned."""
    letters = ""
    for number, day in enumerate(text.split()):
        halves = set(day.split(","))
        marks = halves - {UNSEEN}
        away = "I" in halves or (not marks and number in expected)
        letters += "c" if away else "." if marks <= {"Y4"} else "b"
    found: list[tuple[int, int, int]] = []
    total = 0
    for match in re.finditer("[^b]*c[^b]*", letters):
        days = match[0].count("c")
        total += days
        if days >= school_days or (total >= school_days and not found):
            found.append((match.start() + match[0].index("c"), match.start() + match[0].rindex("c"), days))
    return found


@given(pupils=st.lists(PUPIL, min_size=1, max_size=4), school_days=st.integers(2, 8), first=st.integers(0, 29))
def test_periods_of_sickness_are_the_plain_models(pupils: list[str], school_days: int, first: int) -> None:
    made = grid(*pupils)
    found: dict[int, list[tuple[int, int, int]]] = {row: [] for row in range(len(pupils))}
    expected = days_expected(made, [(0, MONDAY + first, MONDAY + 29)])
    for run in illnesses(made, expected, school_days):
        found[run.pupil].append((run.first - MONDAY, run.last - MONDAY, len(run.days)))
    back = [
        number
        for number, day in enumerate(pupils[0].split())
        if number >= first and "I" not in day and set(day.split(",")) - {"Y4", UNSEEN}
    ]
    ahead = [set(range(first, min([30, *back]))), *[set[int]() for _ in pupils[1:]]]
    assert found == {row: plain_illnesses(text, ahead[row], school_days) for row, text in enumerate(pupils)}


def test_a_school_year_of_a_large_primary_is_counted_in_one_pass() -> None:
    random = np.random.default_rng(7)
    code, whole = np.zeros((420, 190, 2), np.uint8), np.ones((420, 190), bool)
    code[random.random((420, 190)) < 0.03] = by_symbol_id("I")
    code[::50, 20:34] = by_symbol_id("O")
    code[1::50, 40:58] = by_symbol_id("I")
    year = Grid([str(n) for n in range(420)], np.arange(190), code, np.ones((190, 2), bool), whole)
    assert len(absent_runs(year, RETURN, 10)) == 9
    assert absent_runs(year, GROUND_I, 20, over_closures=False) == []
    assert len(illnesses(year, np.zeros_like(whole), 15)) >= 9


def by_symbol_id(symbol: str) -> int:
    code = by_symbol(symbol)
    assert code is not None and len(CODES) < UNMARKED
    return code.id
