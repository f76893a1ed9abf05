"""The oracle itself is held against the answers of the contract's examples, and at its boundaries."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.slow_model import (
    MEANING,
    SlowModel,
    arrival_code,
    compulsory_school_age,
    parse_moment,
    percent,
    years_after,
)

EXAMPLES = Path(__file__).resolve().parents[3] / "shared" / "examples"
EVER = datetime(2099, 1, 1, tzinfo=UTC)
BY = {"id": "off", "name": "O Fice", "title": "Office"}

needs_examples = pytest.mark.skipif(not EXAMPLES.is_dir(), reason=f"the contract's examples are not at {EXAMPLES}")


def replayed(lines: list[dict[str, Any]]) -> SlowModel:
    model = SlowModel()
    for line in lines:
        model.apply(line)
    return model


@needs_examples
@pytest.mark.parametrize("school", ["school-1", "school-2"])
def test_the_examples_are_answered_as_their_makers_answered_them(school: str) -> None:
    model = replayed([json.loads(line) for line in (EXAMPLES / f"{school}.ndjson").read_text().splitlines()])
    for question in json.loads((EXAMPLES / f"{school}.answers.json").read_text()):
        about = date.fromisoformat(question["as_of"]), parse_moment(question["known_at"])
        absence, penalty = model.absence(*about), model.penalty(*about)
        for figures in penalty.values():
            figures["sessions"] = [counted["session"] for counted in figures["sessions"]]
        assert stated(absence, question["absence"]) == by_pupil(question["absence"]), about
        assert stated(penalty, question["penalty"]) == by_pupil(question["penalty"]), about
        assert absence.keys() == by_pupil(question["absence"]).keys()
        assert penalty.keys() == by_pupil(question["penalty"]).keys()


def by_pupil(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["pupil"]: {key: value for key, value in row.items() if key != "pupil"} for row in rows}


def stated(answer: dict[str, dict[str, Any]], rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the answer cut down to the pupils and fields that the rows state."""
    return {pupil: {key: answer[pupil][key] for key in row} for pupil, row in by_pupil(rows).items()}


def school(*lines: dict[str, Any], policy: str = "national-2024", parents: str = "a") -> SlowModel:
    """Return a school of one pupil in one class, open from 3 September 2024, to which the lines happened."""
    opening: list[dict[str, Any]] = [
        {"command": "OpenSchool", "policy": policy},
        {"command": "OpenSchoolYear", "year": "2024/25", "first_day": "2024-09-03", "last_day": "2025-07-22"},
        {
            "command": "AdmitPupil",
            "pupil": "1",
            "born": "2015-03-09",
            "starting_day": "2024-09-03",
            "class": "4W",
            "parents": [{"id": f"1-{letter}"} for letter in parents],
        },
    ]
    return replayed([{"at": "2024-08-30T08:00:00Z", "by": BY, "pupil": "1", **line} for line in (*opening, *lines)])


def line(command: str, at: str, **fields: Any) -> dict[str, Any]:
    return {"command": command, "at": at, **fields}


def marks(code: str, *days: str, at: str = "2024-12-01T09:00:00Z") -> list[dict[str, Any]]:
    return [line("RecordMark", at, session=f"{day}/{half}", code=code) for day in days for half in ("AM", "PM")]


def test_every_code_means_something_and_there_are_thirty_eight() -> None:
    assert len(MEANING) == 38


@pytest.mark.parametrize(
    ("session", "arrived", "code"),
    [
        ("2024-09-05/AM", "2024-09-05T08:54:59", "/"),
        ("2024-09-05/AM", "2024-09-05T09:00:00", "/"),
        ("2024-09-05/AM", "2024-09-05T09:00:01", "L"),
        ("2024-09-05/AM", "2024-09-05T09:10:00", "L"),
        ("2024-09-05/AM", "2024-09-05T09:10:01", "U"),
        ("2024-11-05/AM", "2024-11-05T09:10:01", "U"),
        ("2024-09-05/PM", "2024-09-05T13:14:59", "\\"),
        ("2024-09-05/PM", "2024-09-05T13:15:00", "L"),
        ("2024-09-05/PM", "2024-09-05T13:30:00", "L"),
        ("2024-09-05/PM", "2024-09-05T13:30:01", "U"),
    ],
)
def test_an_arrival_is_judged_to_the_second_on_london_clocks(session: str, arrived: str, code: str) -> None:
    assert arrival_code(session, parse_moment(arrived), school(policy="micklem-2025").known(EVER)) == code


def test_an_arrival_amends_n_and_leaves_every_other_mark() -> None:
    arrived = {"session": "2024-09-05/AM", "arrived_at": "2024-09-05T09:20:00"}
    close = line("CloseRegister", "2024-09-05T09:10:00", session="2024-09-05/AM")
    ill = line("AmendMark", "2024-09-05T09:12:00", session="2024-09-05/AM", code="I", reason="rang")
    logged = line("LogArrival", "2024-09-05T09:21:00", **arrived)
    at_the_dentist = line("LogArrival", "2024-09-05T09:21:00", **arrived, code="M")
    assert school(close, logged).entries(EVER) == {("1", "2024-09-05/AM"): ["N", "U"]}
    assert school(close, at_the_dentist).entries(EVER) == {("1", "2024-09-05/AM"): ["N", "M"]}
    assert school(close, ill, logged).entries(EVER) == {("1", "2024-09-05/AM"): ["N", "I"]}
    close_late = {**close, "at": "2024-09-05T09:30:00"}
    assert school(logged, close_late).entries(EVER) == {("1", "2024-09-05/AM"): ["U"]}


def test_closing_prefers_leave_to_a_closure_and_a_closure_to_n() -> None:
    morning = "2024-09-05/AM"
    close = line("CloseRegister", "2024-09-05T09:10:00", session=morning, **{"class": "4W"})
    closure = line("DeclareClosure", "2024-09-05T07:00:00", sessions=[morning], code="Y4", reason="boiler")
    elsewhere = {**closure, "classes": ["5K"]}
    granted = [{"session": morning, "code": "C"}]
    leave = line("DecideLeave", "2024-09-04T07:00:00", request="LR-1", granted=granted, reason="rare")
    withdrawn = line("WithdrawLeave", "2024-09-04T08:00:00", request="LR-1", reason="not going")

    def codes(*lines: dict[str, Any]) -> list[str]:
        return school(*lines, close).entries(EVER)["1", morning]

    assert codes() == ["N"]
    assert codes(elsewhere) == ["N"]
    assert codes(closure) == ["Y4"]
    assert codes(leave, closure) == ["C"]
    assert codes(leave, withdrawn, closure) == ["Y4"]
    assert codes(leave, withdrawn) == ["N"]


def test_a_register_keeps_the_marks_it_finds() -> None:
    first = line("RecordMark", "2024-09-05T08:56:00", session="2024-09-05/AM", code="L")
    register = line("TakeRegister", "2024-09-05T08:58:00", session="2024-09-05/AM", marks={"1": {"code": "/"}})
    assert school(first, register).entries(EVER) == {("1", "2024-09-05/AM"): ["L"]}


def test_what_is_said_twice_is_written_once() -> None:
    mark = line("RecordMark", "2024-09-05T08:56:00", session="2024-09-05/AM", code="N")
    to_o = line("AmendMark", "2024-09-06T08:56:00", session="2024-09-05/AM", code="O", reason="no word", id="a")
    to_n = line("AmendMark", "2024-09-07T08:56:00", session="2024-09-05/AM", code="N", reason="hasty")
    assert school(mark, mark, to_o, to_n, to_o, to_n).entries(EVER) == {("1", "2024-09-05/AM"): ["N", "O", "N"]}


def test_knowledge_includes_its_own_microsecond_and_no_later_one() -> None:
    model = school(line("RecordMark", "2024-09-05T08:56:00Z", session="2024-09-05/AM", code="N"))
    assert model.entries(parse_moment("2024-09-05T08:56:00Z"))
    assert not model.entries(parse_moment("2024-09-05T08:55:59.999999Z"))


def test_a_session_is_missing_from_its_closing_time_on_and_never_after_the_last_thing_known() -> None:
    model = school(line("LogContact", "2024-09-04T13:30:00"))

    def missing(known_at: str) -> object:
        return model.absence(date(2024, 9, 30), parse_moment(known_at))["1"]["missing"]

    assert missing("2024-09-03T13:29:59") == 1
    assert missing("2024-09-03T13:30:00") == 2
    assert missing("2024-09-30T13:30:00") == 4


def test_a_day_closed_later_keeps_its_marks_and_stops_missing() -> None:
    closed = [{"from": "2024-09-03", "to": "2024-09-04", "why": "flood"}]
    amended = line("AmendCalendar", "2024-09-09T09:00:00", year="2024/25", closed=closed, reason="flood")
    model = school(line("RecordMark", "2024-09-04T09:00:00", session="2024-09-03/AM", code="I"), amended)
    figures = model.absence(date(2024, 9, 5), EVER)["1"]
    assert (figures["possible"], figures["authorised"], figures["missing"]) == (1, 1, 2)


def test_a_leaver_is_asked_for_by_name_and_only_in_the_year_of_leaving() -> None:
    left = line("RemoveFromRoll", "2024-12-02T16:00:00", last_day="2024-12-02", ground="moved away")
    model = school(*marks("I", "2024-11-28"), left)
    assert "1" in model.absence(date(2024, 12, 2), EVER)
    assert "1" not in model.absence(date(2024, 12, 3), EVER)
    assert "1" in model.absence(date(2024, 12, 3), EVER, leavers=True)
    next_year = line(
        "OpenSchoolYear", "2024-12-02T17:00:00", year="2025/26", first_day="2025-09-03", last_day="2026-07-21"
    )
    model.apply({**next_year, "by": BY})
    assert not model.absence(date(2025, 9, 3), EVER, leavers=True)


@pytest.mark.parametrize(
    ("absent", "attended", "verdicts"),
    [
        (1, 20, "none"),
        (1, 19, "at_risk"),
        (1, 10, "at_risk"),
        (1, 9, "persistent"),
        (5, 6, "persistent"),
        (5, 5, "severe"),
    ],
)
def test_thresholds_are_on_counts(absent: int, attended: int, verdicts: str) -> None:
    sessions = school().known(EVER).sessions(2024)
    codes = ["I"] * absent + ["V"] * attended
    said = [line("RecordMark", "2025-01-01T09:00:00", session=s, code=c) for s, c in zip(sessions, codes, strict=False)]
    figures = school(*said).absence(date(2025, 1, 1), EVER)["1"]
    persistent = verdicts in ("persistent", "severe")
    assert (figures["persistent"], figures["severe"], figures["at_risk"]) == (
        persistent,
        verdicts == "severe",
        verdicts == "at_risk",
    )


def test_percentages_round_halves_up() -> None:
    assert percent(1, 16) == 6.3  # 6.25
    assert percent(15, 16) == 93.8  # 93.75
    assert percent(83, 833) == 10.0
    assert percent(0, 0) is None


HOLIDAY = ["2024-11-25", "2024-11-26", "2024-11-27", "2024-11-28", "2024-11-29"]


def test_n_counts_nationally_and_not_under_the_schools_own_policy() -> None:
    for policy, count in (("national-2024", 10), ("micklem-2025", 0)):
        figures = school(*marks("N", *HOLIDAY), policy=policy).penalty(date(2024, 11, 29), EVER)["1"]
        assert (figures["count"], figures["unresolved"], figures["met"]) == (count, count, count == 10)


def test_a_policy_governs_the_days_from_its_first_on() -> None:
    adopted = line("AdoptPolicy", "2024-12-02T09:00:00", policy="micklem-2025", from_day="2024-12-03")
    model = school(*marks("N", *HOLIDAY), adopted)
    assert [model.penalty(date(2024, 12, day), EVER)["1"]["count"] for day in (2, 3)] == [10, 0]


def test_the_window_is_ten_weeks_that_hold_a_session() -> None:
    closed = [{"from": "2024-10-28", "to": "2024-11-01", "why": "half term"}]
    amended = line("AmendCalendar", "2024-09-01T09:00:00", year="2024/25", closed=closed, reason="late")
    model = school(amended, *marks("G", "2024-09-23", *HOLIDAY))
    for as_of, first_week, count, met_on in (
        (date(2024, 12, 8), "2024-09-23", 12, "2024-11-28/PM"),
        (date(2024, 12, 9), "2024-09-30", 10, "2024-11-29/PM"),
    ):
        figures = model.penalty(as_of, EVER)["1"]
        assert figures["weeks"][0] == first_week
        assert (len(figures["weeks"]), figures["count"], figures["met_on"]) == (10, count, met_on)


def test_the_summer_belongs_to_the_year_before_it() -> None:
    next_year = {"year": "2025/26", "first_day": "2025-09-03", "last_day": "2026-07-21"}
    model = school(*marks("I", "2024-11-28"), line("OpenSchoolYear", "2024-12-02T17:00:00", **next_year))
    assert [model.absence(date(2025, month, day), EVER) != {} for month, day in ((9, 2), (9, 3))] == [True, False]
    assert model.absence(date(2024, 9, 2), EVER) == {}


def test_a_notice_takes_its_sessions_from_the_pupil_and_from_its_own_parent() -> None:
    sessions = [f"{day}/{half}" for day in HOLIDAY for half in ("AM", "PM")]
    notice = {"notice": "PN-1", "parent": "1-a"}
    issued = line("IssuePenaltyNotice", "2024-12-09T09:00:00", **notice, issued_on="2024-12-09", sessions=sessions)
    withdrawn = line("WithdrawPenaltyNotice", "2025-01-10T09:00:00", notice="PN-1", reason="wrong address")
    model = school(*marks("G", *HOLIDAY), issued, withdrawn, parents="ab")

    def counts(as_of: date, known_at: datetime) -> list[tuple[int, int]]:
        figures = model.penalty(as_of, known_at)["1"]
        return [(figures["count"], -1)] + [(p["count"], p["notices_in_three_years"]) for p in figures["parents"]]

    then = parse_moment("2024-12-31T00:00:00Z")
    assert counts(date(2024, 12, 8), then) == [(10, -1), (10, 0), (10, 0)]
    assert counts(date(2024, 12, 9), then) == [(0, -1), (0, 1), (10, 0)]
    assert counts(date(2024, 12, 9), EVER) == [(10, -1), (10, 0), (10, 0)]
    assert [counts(date(2027, 12, day), then)[1][1] for day in (8, 9)] == [1, 0]


@pytest.mark.parametrize(
    ("born", "first", "last"),
    [
        (date(2019, 8, 31), date(2024, 8, 31), date(2035, 6, 29)),
        (date(2019, 9, 1), date(2024, 12, 31), date(2036, 6, 27)),
        (date(2020, 1, 1), date(2025, 3, 31), date(2036, 6, 27)),
        (date(2020, 2, 29), date(2025, 3, 31), date(2036, 6, 27)),
        (date(2020, 4, 1), date(2025, 8, 31), date(2036, 6, 27)),
    ],
)
def test_compulsory_school_age_begins_and_ends(born: date, first: date, last: date) -> None:
    assert compulsory_school_age(born) == (first, last)


def test_three_years_after_a_leap_day_is_the_first_of_march() -> None:
    assert years_after(date(2028, 2, 29), 3) == date(2031, 3, 1)
    assert years_after(date(2024, 2, 29), 4) == date(2028, 2, 29)
