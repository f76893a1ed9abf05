"""The made-up school of the demonstration is a journal that a ledger can accept, and tells the story it promises."""

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from govuk_bank_holidays.bank_holidays import BankHolidays

from commands.made_up import demo
from commands.made_up.school import DAYS, POLICY, YEARS, both
from commands.models import parse
from ledger.calendar import Calendar
from ledger.codes import by_symbol
from ledger.people import check_upn, compulsory_school_age
from ledger.policy import load
from ledger.roles import ROLES
from ledger.sessions import Session, parse_moment
from tests.support.counts import count
from tests.support.slow_model import MEANING, SlowModel

ROOT = Path(__file__).resolve().parents[2]
CALENDAR = Calendar({year.year: year for year in YEARS})
assert load(POLICY).late_book is None, "whoever comes once the register is being taken is late"

Line = dict[str, Any]


@cache
def journal() -> tuple[Line, ...]:
    return tuple(demo.journal())


def lines_of(command: str) -> list[Line]:
    return [line for line in journal() if line["command"] == command]


@cache
def roll_on(day: date) -> dict[str, str]:
    """Return the class of every pupil on roll that day, whenever that was recorded."""
    classes: dict[str, str] = {}
    for line in journal():
        if line["command"] == "AdmitPupil" and line["starting_day"] <= str(day):
            classes[line["pupil"]] = line["class"]
        if line["command"] == "ChangeClass" and line["from_day"] <= str(day):
            classes[line["pupil"]] = line["class"]
    left = {line["pupil"] for line in lines_of("RemoveFromRoll") if line["last_day"] < str(day)}
    return {pupil: name for pupil, name in classes.items() if pupil not in left}


@cache
def latest_codes() -> dict[tuple[str, str], str]:
    """Return the code that stands in the end, by pupil and session: the ledger's rules in their shortest form."""
    expected: dict[tuple[str, str], str] = {}
    closed: dict[str, str] = {}
    codes: dict[tuple[str, str], str] = {}
    for line in journal():
        session, pupil = line.get("session", ""), line.get("pupil", "")
        match line["command"]:
            case "DecideLeave":
                expected |= {(pupil, grant["session"]): grant["code"] for grant in line["granted"]}
            case "DeclareClosure":
                closed |= dict.fromkeys(line["sessions"], line["code"])
            case "TakeRegister":
                for pupil, mark in line["marks"].items():
                    codes.setdefault((pupil, session), mark if isinstance(mark, str) else mark["code"])
            case "CloseRegister":
                for pupil in roll_on(date.fromisoformat(session[:10])):
                    codes.setdefault((pupil, session), expected.get((pupil, session)) or closed.get(session, "N"))
            case "LogArrival" if codes.get((pupil, session), "N") == "N":
                codes[pupil, session] = line.get("code") or arrival_code(line)
            case "AmendMark":
                codes[pupil, session] = line["code"]
    return codes


def arrival_code(line: Line) -> str:
    """Return the code of a line of the Late Book that states none."""
    session, arrived = Session.parse(line["session"]), parse_moment(line["arrived_at"])
    if arrived > CALENDAR.closes(session):
        return "U"
    return "L" if arrived >= CALENDAR.opens(session) else "/"


def only_about(pupil: str) -> list[Line]:
    """Return the journal of a school with a single pupil, so that the slow model need not be waited for."""
    about = []
    for line in journal():
        if line["command"] == "TakeRegister":
            line = line | {"marks": {number: mark for number, mark in line["marks"].items() if number == pupil}}
        if line.get("pupil", pupil) == pupil and line.get("marks") != {}:
            about.append(line)
    return about


@cache
def model_of(pupil: str) -> SlowModel:
    model = SlowModel()
    for line in only_about(pupil):
        model.apply(line)
    return model


def test_the_same_seed_gives_the_same_lines_whatever_the_hashes() -> None:
    program = "import json; from commands.made_up.demo import journal; [print(json.dumps(line)) for line in journal()]"
    for hashes in ("1", "2")[: count(1, 2)]:  # and those of this process
        environment = os.environ | {"PYTHONHASHSEED": hashes, "PYTHONPATH": str(ROOT)}
        run = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True
        )
        assert [json.loads(line) for line in run.stdout.splitlines()] == list(journal())


def test_another_seed_gives_another_school_with_the_same_story() -> None:
    other = list(demo.journal(8))
    assert other != list(journal())
    assert {line["pupil"] for line in other if line["command"] == "AdmitPupil"} >= {demo.STORY_PUPIL}
    assert sum(line["command"] == "IssuePenaltyNotice" for line in other) == 3


def test_a_journal_takes_about_as_many_lines_as_announced() -> None:
    assert len(journal()) == pytest.approx(demo.APPROXIMATE_LINES, rel=0.05)


def test_time_never_runs_backwards() -> None:
    moments = [parse_moment(line["at"]) for line in journal()]
    assert moments == sorted(moments)


def test_every_line_is_a_command_and_says_who() -> None:
    for line in journal():
        parse(line)
        assert all(line["by"][field] for field in ("id", "name", "title"))


def test_no_number_or_address_could_reach_anyone() -> None:
    for admission in lines_of("AdmitPupil"):
        assert all(contact["phone"].startswith("01632 960") for contact in admission["emergency_contacts"])
    for line in lines_of("AdmitPupil") + lines_of("ChangeContacts"):
        assert check_upn(line.get("upn", "B801200005001"))
        assert all(parent["phone"].startswith("01632 960") for parent in line["parents"])
        assert all(parent["email"].endswith("@example.org") for parent in line["parents"])
    upns = [line["upn"] for line in lines_of("AdmitPupil")]
    assert len(set(upns)) == len(upns)


def test_bank_holidays_are_no_sessions() -> None:
    holidays = BankHolidays(use_cached_holidays=True).get_holidays(division=BankHolidays.ENGLAND_AND_WALES)
    assert {holiday["date"] for holiday in holidays}.isdisjoint(DAYS)


@pytest.mark.parametrize("day", ["2024-09-03", "2025-01-15", "2025-07-22", "2025-09-03", "2026-01-30"])
def test_about_210_pupils_are_on_roll_in_seven_classes(day: str) -> None:
    sizes = Counter(roll_on(date.fromisoformat(day)).values())
    assert 205 <= sizes.total() <= 215
    assert len(sizes) == 7
    assert all(28 <= size <= 32 for size in sizes.values())


def test_everybody_moves_up_year_6_leaves_and_reception_is_new() -> None:
    before, after = roll_on(date(2025, 7, 22)), roll_on(date(2025, 9, 3))
    ladder = dict(zip(["RH", "1K", "2B", "3M", "4W", "5T"], ["1K", "2B", "3M", "4W", "5T", "6S"], strict=True))
    assert all(after.get(pupil) == ladder.get(name) for pupil, name in before.items())
    assert {after[pupil] for pupil in after.keys() - before.keys()} == {"RH"}


def test_registers_hold_only_pupils_of_the_class_and_codes_legal_for_half_and_age() -> None:
    admitted = {line["pupil"]: line for line in lines_of("AdmitPupil")}
    ages = {pupil: compulsory_school_age(date.fromisoformat(line["born"])) for pupil, line in admitted.items()}
    rolls = {day: roll_on(day) for day in DAYS}
    seen: set[tuple[str, str]] = set()
    for line in lines_of("TakeRegister"):
        session = Session.parse(line["session"])
        assert CALENDAR.opens(session) <= parse_moment(line["at"]) < CALENDAR.closes(session)
        for pupil, mark in line["marks"].items():
            code = by_symbol(mark if isinstance(mark, str) else mark["code"])
            first, last = ages[pupil]
            assert rolls[session.day].get(pupil) == line["class"]
            assert (pupil, line["session"]) not in seen
            assert code is not None and not code.administrative and code.half in (None, session.half)
            assert not (code.ncsa_only and first <= session.day <= last)
            assert not code.csa_only
            assert not code.detail_required or mark["detail"]
            seen.add((pupil, line["session"]))


def test_every_session_is_closed_once_after_its_registers() -> None:
    closed = [line["session"] for line in lines_of("CloseRegister")]
    assert closed == [f"{day}/{half}" for day in DAYS for half in ("AM", "PM")]


def test_attendance_is_that_of_an_ordinary_school() -> None:
    meanings = Counter(MEANING[code] for code in latest_codes().values())
    absent = meanings["authorised"] + meanings["unauthorised"]
    assert 0.94 <= meanings["attended"] / (meanings["attended"] + absent) <= 0.955


def test_some_n_are_resolved_and_some_never() -> None:
    amended = Counter(line["code"] for line in lines_of("AmendMark"))
    assert amended["I"] > 100 and amended["O"] > 50 and amended["G"] > 0
    assert 20 < Counter(latest_codes().values())["N"] < 200


def test_two_notices_stand_and_one_was_withdrawn() -> None:
    issued = {line["notice"] for line in lines_of("IssuePenaltyNotice")}
    withdrawn = {line["notice"] for line in lines_of("WithdrawPenaltyNotice")}
    assert (len(issued - withdrawn), len(withdrawn)) == (2, 1)
    for notice in lines_of("IssuePenaltyNotice"):
        before = date.fromisoformat(notice["issued_on"])
        codes = model_of(notice["pupil"]).entries(parse_moment(str(before), end_of_day=True))
        assert {codes[notice["pupil"], session][-1] for session in notice["sessions"]} == {"G"}
        assert len(notice["sessions"]) >= 10


def test_the_notices_that_stand_were_served_and_one_of_them_paid() -> None:
    assert [line["notice"] for line in lines_of("ServeNotice")] == ["PN-1", "PN-2"]
    assert [line["notice"] for line in lines_of("RecordPayment")] == ["PN-1"]


def test_the_school_has_named_who_is_responsible_for_what() -> None:
    assert {line["role"] for line in lines_of("NameRole")} == set(ROLES)
    assert [line["review_on"] for line in lines_of("AdoptPolicy")] == ["2026-07-31"]


def test_the_letter_of_the_story_quotes_what_the_register_showed() -> None:
    (letter,) = lines_of("SendLetter")
    figures = model_of(letter["pupil"]).absence(date.fromisoformat(letter["as_of"]), parse_moment(letter["at"]))
    assert {name: figures[letter["pupil"]][name] for name in letter["quoted"]} == letter["quoted"]
    assert figures[letter["pupil"]]["attendance_percent"] < 95


def test_help_comes_before_a_notice_is_considered() -> None:
    stages = [(line["step"], line["stage"]) for line in lines_of("RecordSupport")]
    assert ("attendance contract", "agreed") in stages and ("Families First Assessment", "offered") in stages
    considered = lines_of("ConsiderPenalty")
    assert [line["decision"] for line in considered] == ["improve", "nothing"]
    assert max(line["at"] for line in lines_of("RecordSupport")) < considered[0]["at"]


def test_the_last_day_leaves_a_message_and_a_request_open() -> None:
    today = both(DAYS[-1])
    messages = [line for line in lines_of("ReportAbsence") if line["channel"] == "voicemail"]
    left = [line["pupil"] for line in messages if line["sessions"] == [str(session) for session in today]]
    assert any(latest_codes()[pupil, str(session)] == "N" for pupil in left for session in today)
    decided = {(line["pupil"], line["request"]) for line in lines_of("DecideLeave")}
    assert [
        line["request"] for line in lines_of("RequestLeave") if (line["pupil"], line["request"]) not in decided
    ] == ["LR-W"]


def test_one_closure_and_no_register_taken_on_it() -> None:
    (closure,) = lines_of("DeclareClosure")
    assert closure["code"] == "Y4"
    assert {line["session"] for line in lines_of("TakeRegister")}.isdisjoint(closure["sessions"])


def test_leave_is_granted_in_part_refused_and_asked_in_advance() -> None:
    requests = {(line["pupil"], line["request"]): line for line in lines_of("RequestLeave")}
    granted = [len(line["granted"]) for line in lines_of("DecideLeave")]
    assert {0, 1, 2} == set(granted)
    for decision in lines_of("DecideLeave"):
        first = requests[decision["pupil"], decision["request"]]["first"]
        assert parse_moment(decision["at"]) < CALENDAR.opens(Session.parse(first))


def test_the_story_is_told_two_ways_about_the_same_day() -> None:
    model = model_of(demo.STORY_PUPIL)
    then = model.penalty(demo.STORY_AS_OF, demo.STORY_THEN)[demo.STORY_PUPIL]
    now = model.penalty(demo.STORY_AS_OF, demo.STORY_NOW)[demo.STORY_PUPIL]
    assert (then["count"], then["met"], then["met_on"], then["unresolved"]) == (11, True, "2025-12-09/AM", 2)
    assert (now["count"], now["met"], now["met_on"], now["unresolved"]) == (7, False, None, 0)


def test_leaving_n_out_the_other_policy_says_no_even_then() -> None:
    model = SlowModel()
    for line in only_about(demo.STORY_PUPIL):
        model.apply(line | {"policy": "micklem-2025"} if "policy" in line else line)
    assert model.penalty(demo.STORY_AS_OF, demo.STORY_THEN)[demo.STORY_PUPIL]["count"] == 9


def test_the_register_of_the_story_shows_its_amendments() -> None:
    class_name, day = demo.STORY_REGISTER
    assert roll_on(day)[demo.STORY_PUPIL] == class_name
    entries = model_of(demo.STORY_PUPIL).entries(demo.STORY_NOW)
    assert entries[demo.STORY_PUPIL, f"{day}/AM"] == ["N", "O", "I"]
