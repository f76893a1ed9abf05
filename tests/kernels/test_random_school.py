"""Random journals are the same for ever, hold what they are made for, and break no rule that a line can break."""

import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from tests.support.random_school import DETAILS, journal, questions
from tests.support.slow_model import (
    LONDON,
    MEANING,
    Known,
    LeaveGranted,
    SlowModel,
    compulsory_school_age,
    day_of,
    half_of,
    parse_moment,
)

SEEDS = range(12)
EVER = datetime(2099, 1, 1, tzinfo=UTC)
ENDS = {"AM": time(12, 0), "PM": time(15, 15)}
CLOSURE_CODES = {"Y1", "Y2", "Y3", "Y4", "Y6", "#"}
UNKNOWN_TO_TEACHERS = {"Z", "#", "H", "F", "J", "Y"}  # administrative, or withdrawn before the first session


def unique(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines without those sent again."""
    first: dict[object, dict[str, Any]] = {}
    for place, line in enumerate(lines):
        first.setdefault(line.get("id", place), line)
    return list(first.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_clock_never_runs_back(seed: int) -> None:
    moments = [parse_moment(line["at"]) for line in journal(seed)]
    assert moments == sorted(moments)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_line_sent_again_says_the_same(seed: int) -> None:
    lines = [line for line in journal(seed) if "id" in line]
    for line in lines:
        said = [{**other, "at": None} for other in lines if other["id"] == line["id"]]
        assert said == [said[0]] * len(said)


def test_a_seed_is_a_journal() -> None:
    assert json.dumps(journal(3)) == json.dumps(journal(3))
    assert journal(3) != journal(4)


@pytest.mark.parametrize(("days", "pupils"), [(1, 1), (3, 2), (60, 1), (2, 12)])
def test_schools_come_in_any_size(days: int, pupils: int) -> None:
    lines = journal(1, days, pupils)
    admitted = sum(line["command"] == "AdmitPupil" for line in unique(lines))
    assert admitted == pupils
    check_every_line(lines)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_line_breaks_a_rule(seed: int) -> None:
    check_every_line(journal(seed))


def test_a_few_journals_hold_everything_they_are_made_for() -> None:
    journals = [journal(seed) for seed in range(40)]
    commands = Counter(line["command"] for lines in journals for line in unique(lines))
    assert commands.keys() >= {
        *("OpenSchool", "OpenSchoolYear", "AdmitPupil", "RecordMark", "TakeRegister", "CloseRegister", "AmendMark"),
        *("LogArrival", "ReportAbsence", "LogContact", "RequestLeave", "DecideLeave", "WithdrawLeave"),
        *("IssuePenaltyNotice", "WithdrawPenaltyNotice", "DeclareClosure", "RemoveFromRoll", "ChangeClass"),
        *("ChangeContacts", "ChangeGroups", "AmendCalendar", "AdoptPolicy", "NameRole", "RecordDailyReturn"),
        *("ChangeEmergencyContacts", "AmendParticulars", "ReceiveMovingForm", "ExpectSickness", "RequestEvidence"),
        *("RecordEvidence", "ReturnEvidence", "RecordEnquiries", "AttributeAbsence", "SendLetter", "RecordSupport"),
        *("InformAgency", "MakeReturn", "ShareInformation", "ServeNotice", "RecordPayment", "ConsiderPenalty"),
        *("RequireImprovement", "EndImprovement", "BeginProsecution", "EndProsecution"),
    }
    assert sum(len(lines) - len(unique(lines)) for lines in journals) > 40
    models = [replayed(lines) for lines in journals]
    said = [codes for model in models for codes in model.entries(EVER).values()]
    assert {code for codes in said for code in codes} >= MEANING.keys() - {"Z", "H", "F", "J", "Y", "S", "W"}
    assert ["N", "O", "N"] in [codes[-3:] for codes in said]
    assert {code for codes in said if codes[0] == "N" for code in codes[1:2]} >= {"/", "\\", "L", "U", "M", "O"}
    last_days = [(model, model.facts[-1][0].astimezone(LONDON).date()) for model in models]
    windows = [figures for model, day in last_days for figures in model.penalty(day, EVER).values()]
    rates = [figures for model, day in last_days for figures in model.absence(day, EVER).values()]
    assert {figures["met"] for figures in windows} == {True, False}
    assert {line["notices_in_three_years"] for figures in windows for line in figures["parents"]} == {0, 1, 2}
    for verdict in ("persistent", "severe", "at_risk"):
        assert {figures[verdict] for figures in rates} == {True, False}
    assert any(figures["missing"] for figures in rates)
    assert any(len(figures["weeks"]) == 10 for figures in windows)


@pytest.mark.parametrize("seed", SEEDS)
def test_figures_add_up_whatever_is_asked(seed: int) -> None:
    lines = journal(seed)
    model = replayed(lines)
    for as_of, known_at in questions(lines, seed):
        for figures in model.absence(as_of, known_at, leavers=True).values():
            absent = figures["authorised"] + figures["unauthorised"]
            assert figures["possible"] == figures["attended"] + absent
        for figures in model.penalty(as_of, known_at).values():
            sessions = [counted["session"] for counted in figures["sessions"]]
            assert sessions == sorted(set(sessions))
            assert figures["count"] == len(sessions) <= min(line["count"] for line in figures["parents"])


def replayed(lines: list[dict[str, Any]]) -> SlowModel:
    model = SlowModel()
    for line in lines:
        model.apply(line)
    return model


def check_every_line(lines: list[dict[str, Any]]) -> None:
    """Hold every line against the refusal rules, with what was known when it was sent."""
    model = SlowModel()
    taken: set[tuple[str, str]] = set()
    closed: set[tuple[str | None, str]] = set()
    for line in unique(lines):
        known = model.known(EVER)
        at = parse_moment(line["at"])
        match line["command"]:
            case "RecordMark":
                check_original(known, line["pupil"], line["session"], at)
                check_code(known, line["pupil"], line["session"], line["code"], line.get("detail"))
                before = known.mark(line["pupil"], line["session"])
                assert before is None or before[2:] == (line["code"], line.get("detail") or ""), line
            case "AmendMark":
                check_original(known, line["pupil"], line["session"], at)
                check_code(known, line["pupil"], line["session"], line["code"], line.get("detail"))
                assert known.mark(line["pupil"], line["session"]), line
                assert line["reason"].strip()
            case "TakeRegister":
                day = day_of(line["session"])
                assert line["marks"]
                assert (line["class"], line["session"]) not in taken, line
                taken.add((line["class"], line["session"]))
                for pupil, said in line["marks"].items():
                    mark = said if isinstance(said, dict) else {"code": said}
                    check_original(known, pupil, line["session"], at)
                    check_code(known, pupil, line["session"], mark["code"], mark.get("detail"))
                    assert known.class_on(pupil, day) == line["class"], line
            case "CloseRegister":
                day = day_of(line["session"])
                on_roll = [pupil for pupil in known.pupils() if known.on_roll(pupil, day)]
                classes = {known.class_on(pupil, day) for pupil in on_roll}
                assert known.is_school_day(day)
                assert at >= known.closes(line["session"]), line
                assert ("class" not in line and classes) or line["class"] in classes, line
                shut = {(name, line["session"]) for name in ([line["class"]] if "class" in line else classes)}
                assert not shut & closed, line
                closed |= shut
            case "LogArrival":
                arrived, day = parse_moment(line["arrived_at"]), day_of(line["session"])
                check_original(known, line["pupil"], line["session"], at)
                check_code(known, line["pupil"], line["session"], line.get("code", "M"), None)
                ends = datetime.combine(day, ENDS[half_of(line["session"])], LONDON)
                assert arrived <= at <= ends, line
                assert arrived.astimezone(LONDON).date() == day
            case "RequestLeave":
                days = [day_of(line["first"]), day_of(line["last"])]
                assert days == sorted(days)
                assert all(known.is_school_day(day) and known.on_roll(line["pupil"], day) for day in days), line
                assert line["parent"] in known.parents(line["pupil"])
            case "DecideLeave":
                granted_before = {(leave.pupil, leave.session) for leave in known.all(LeaveGranted)}
                for grant in line["granted"]:
                    assert known.opens(grant["session"]) > at, line
                    assert (line["pupil"], grant["session"]) not in granted_before, line
                    check_code(known, line["pupil"], grant["session"], grant["code"], None)
            case "DeclareClosure":
                assert line["code"] in CLOSURE_CODES
                assert all(known.is_school_day(day_of(session)) for session in line["sessions"]), line
                day = day_of(line["sessions"][0])
                assert all(known.on_roll(pupil, day) for pupil in line.get("pupils", [])), line
            case "IssuePenaltyNotice":
                days = [date.fromisoformat(line["issued_on"]), *map(day_of, line["sessions"])]
                assert all(known.on_roll(line["pupil"], day) for day in days), line
                assert all(known.is_school_day(day) for day in days[1:])
                assert days[1:]
                assert max(days) == days[0] <= at.astimezone(LONDON).date(), line
                assert line["parent"] in known.parents(line["pupil"])
                standing = [notice for notice in known.notices(line["pupil"]) if notice.parent == line["parent"]]
                assert len(standing) < 2, line
            case "WithdrawPenaltyNotice" | "ServeNotice" | "RecordPayment":
                assert line["notice"] in [notice.notice for notice in known.notices(line["pupil"])], line
            case "RemoveFromRoll":
                last_day = date.fromisoformat(line["last_day"])
                assert known.on_roll(line["pupil"], last_day)
                assert at.astimezone(LONDON).date() <= last_day <= at.astimezone(LONDON).date() + timedelta(days=7)
            case "ChangeClass":
                from_day = date.fromisoformat(line["from_day"])
                assert known.class_on(line["pupil"], from_day) != line["class"]
                assert known.on_roll(line["pupil"], from_day)
        model.apply(line)


def check_original(known: Known, pupil: str, session: str, at: datetime) -> None:
    assert known.on_roll(pupil, day_of(session)), (pupil, session)
    assert known.is_school_day(day_of(session)), session
    assert at >= known.opens(session), (at, session)


def check_code(known: Known, pupil: str, session: str, code: str, detail: str | None) -> None:
    first, last = compulsory_school_age(known.born(pupil))
    of_age = first <= day_of(session) <= last
    assert code in MEANING.keys() - UNKNOWN_TO_TEACHERS
    assert (code, half_of(session)) not in {("/", "PM"), ("\\", "AM")}
    assert not (code == "X" and of_age), (pupil, session)
    assert not (code == "C2" and not of_age), (pupil, session)
    assert detail or code not in DETAILS, (session, code)
