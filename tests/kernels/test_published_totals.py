"""The counting of absence, tried on a country: sessions by code as published, classified by the product's own tables.

`scripts/authorities/published_totals.csv` holds sessions by code for England, its regions and one local authority, with
the totals and percentages that the Department for Education made of them. The same counts go through the kernel's table
of codes, and must come out as the published totals; the percentages to all fifteen digits.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from ledger.codes import CODES as ALL_CODES
from ledger.codes import CURRENT
from projections.figures.absence import NUMBERS, absence, classified
from projections.readmodel.frames import NEVER, Entries, Roll
from scripts.authorities.published import counts_of, published

HERE = Path(__file__).resolve()
PUBLISHED = HERE.parents[3] / "shared" / "reference" / "dfe-year-to-date-2025-26.csv"
PHASES = ["Primary", "Secondary", "Special", "Total"]

# Our columns, and the Department's where one compares the two files.
CODES = {
    "/": "reason_present_am",
    "\\": "reason_present_pm",
    "L": "reason_l_present_late_before_registers_closed",
    "B": "reason_b_aea_education_off_site",
    "J": "reason_j_aea_interview",
    "K": "reason_k_aea_education_arranged_by_la",
    "P": "reason_p_aea_approved_sporting_activity",
    "V": "reason_v_aea_educational_visit_trip",
    "W": "reason_w_aea_work_experience",
    "C": "reason_c_authorised_other",
    "C1": "reason_c1_authorised_regulated_performance",
    "C2": "reason_c2_authorised_temp_reduced_timetable",
    "E": "reason_e_authorised_excluded",
    "H": "reason_h_authorised_holiday",
    "I": "reason_i_authorised_illness",
    "J1": "reason_j1_authorised_interview",
    "M": "reason_m_authorised_medical_dental",
    "R": "reason_r_authorised_religious_observance",
    "S": "reason_s_authorised_study_leave",
    "T": "reason_t_authorised_mobile_child",
    "G": "reason_g_unauthorised_holiday",
    "N": "reason_n_no_reason_yet",
    "O": "reason_o_other_unauthorised",
    "U": "reason_u_unauthorised_late_after_registers_closed",
}
TOTALS = {
    "present": "present_sessions",
    "approved_activity": "approved_educational_activity",
    "attended": "overall_attendance",
    "authorised": "authorised_absence",
    "unauthorised": "unauthorised_absence",
    "absent": "overall_absence",
    "possible": "possible_sessions",
}
SHARES = {
    "attended": "attendance_perc",
    "absent": "overall_absence_perc",
    "authorised": "authorised_absence_perc",
    "unauthorised": "unauthorised_absence_perc",
    "C": "auth_other_perc",
    "C1": "auth_performance_perc",
    "C2": "auth_part_time_perc",
    "E": "auth_excluded_perc",
    "I": "illness_perc",
    "J1": "auth_interview_perc",
    "M": "appointments_perc",
    "R": "auth_religious_perc",
    "S": "auth_study_perc",
    "T": "auth_mob_perc",
    "G": "unauth_hol_perc",
    "N": "unauth_not_yet_perc",
    "O": "unauth_oth_perc",
    "U": "unauth_late_registers_closed_perc",
}

# Some rows count more authorised absence than their reasons add up to: so many sessions have no published reason.
WITHOUT_REASON = {
    ("East Midlands", "Secondary"): 23,
    ("East Midlands", "Total"): 23,
    ("London", "Secondary"): 4,
    ("London", "Total"): 4,
    ("North East", "Secondary"): 29,
    ("North East", "Total"): 29,
    ("North West", "Primary"): 10,
    ("North West", "Total"): 10,
    ("South East", "Secondary"): 22,
    ("South East", "Total"): 22,
    ("West Midlands", "Secondary"): 8,
    ("West Midlands", "Total"): 8,
    ("Yorkshire and The Humber", "Secondary"): 10,
    ("Yorkshire and The Humber", "Total"): 10,
    ("England", "Primary"): 10,
    ("England", "Secondary"): 96,
    ("England", "Total"): 106,
}


ROWS = published()
WHOLE = [key for key in ROWS if key not in WITHOUT_REASON]


def figures(row: dict[str, str]) -> dict[str, int]:
    """Return the totals that the kernel makes of a row's sessions by code."""
    attended, authorised, unauthorised = (int(total) for total in classified(counts_of(row), CURRENT))
    absent = authorised + unauthorised
    return {
        "present": sum(int(row[code.symbol]) for code in ALL_CODES if code.category == "present"),
        "approved_activity": sum(int(row[code.symbol]) for code in ALL_CODES if code.category == "approved_activity"),
        "attended": attended,
        "authorised": authorised,
        "unauthorised": unauthorised,
        "absent": absent,
        "possible": attended + absent,
    }


def test_all_of_the_local_authoritys_rows_add_up() -> None:
    assert len(ROWS) == 44
    assert len(WHOLE) == 27
    assert [key for key in WHOLE if key[0] == "Hertfordshire"] == [("Hertfordshire", phase) for phase in PHASES]


@pytest.mark.parametrize("key", WHOLE, ids=str)
def test_totals_are_the_published_ones(key: tuple[str, str]) -> None:
    assert figures(ROWS[key]) == {name: int(ROWS[key][name]) for name in TOTALS}


@pytest.mark.parametrize("key", WHOLE, ids=str)
def test_percentages_are_the_published_ones_to_fifteen_digits(key: tuple[str, str]) -> None:
    row = ROWS[key]
    totals = figures(row)
    parts = {name: totals.get(name, int(row.get(name, 0))) for name in SHARES}
    # The published figures were divided first and multiplied afterwards, in binary floating point.
    found = {name: f"{part / totals['possible'] * 100:.15g}" for name, part in parts.items()}
    assert found == {name: row[f"{name} %"] for name in SHARES}


@pytest.mark.parametrize("key", WITHOUT_REASON, ids=str)
def test_the_other_rows_lack_just_the_absences_without_a_reason(key: tuple[str, str]) -> None:
    found, published = figures(ROWS[key]), {name: int(ROWS[key][name]) for name in TOTALS}
    lacking = {name: published[name] - found[name] for name in TOTALS if published[name] != found[name]}
    assert lacking == dict.fromkeys(("authorised", "absent", "possible"), WITHOUT_REASON[key])


@pytest.mark.parametrize("place", sorted({place for place, _ in ROWS}))
def test_rates_of_all_schools_are_pooled_sums_and_no_means(place: str) -> None:
    phases = np.sum([counts_of(ROWS[place, phase]) for phase in PHASES[:3]], axis=0)
    assert (phases == counts_of(ROWS[place, "Total"])).all()
    pooled = figures(ROWS[place, "Total"])["absent"] / figures(ROWS[place, "Total"])["possible"]
    rates = [figures(ROWS[place, phase])["absent"] / figures(ROWS[place, phase])["possible"] for phase in PHASES[:3]]
    assert abs(pooled - np.mean(rates)) > 0.01


def test_marks_are_counted_as_their_sums_are() -> None:
    """A thousandth of the local authority's primary sessions, as marks in no order, spread over 200 pupils."""
    row = ROWS["Hertfordshire", "Primary"]
    counts = counts_of(row) // 1000
    codes = np.repeat(np.arange(NUMBERS, dtype=np.uint8), counts)
    np.random.default_rng(919).shuffle(codes)
    numbers = np.arange(len(codes))
    pupils = [str(number) for number in range(200)]
    marks = Entries(
        pupils,
        (numbers % 200).astype(np.int32),
        (numbers // 200).astype(np.int32),
        codes,
        numbers + 1,
        np.full(len(codes), NEVER),
    )
    sessions = np.arange(numbers[-1] // 200 + 1, dtype=np.int32)
    everyone = Roll(pupils, np.zeros((200, 1), np.int32), np.full((200, 1), sessions[-1]), np.zeros((200, 2), np.int32))
    found = absence(marks, everyone, sessions, 0, int(sessions[-1]), CURRENT)
    expected = [int(total) for total in classified(counts, CURRENT)]
    assert [int(found.attended.sum()), int(found.authorised.sum()), int(found.unauthorised.sum())] == expected
    assert int(found.possible.sum()) == len(codes) == int(counts.sum())
    assert int(found.missing.sum()) == 200 * len(sessions) - len(codes)


@pytest.mark.skipif(not PUBLISHED.is_file(), reason=f"the published file is not at {PUBLISHED}")
def test_the_table_is_the_published_one() -> None:
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        published = list(csv.DictReader(file))
    assert len(published) == len(ROWS)
    columns = CODES | TOTALS | {f"{name} %": column for name, column in SHARES.items()}
    for theirs in published:
        place = theirs["la_name"] or theirs["region_name"] or "England"
        ours = ROWS[place, theirs["education_phase"]]
        assert {name: ours[name] for name in columns} == {name: theirs[column] for name, column in columns.items()}
