"""Absence Procedures: the school classifies, not the parent. So each code rests on something that can be shown."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ledger.case import Leave
from ledger.events import ArrivalLogged, EvidenceRequested, EvidenceReturned, EvidenceSeen, SicknessExpected
from ledger.sessions import Half, Session, parse_moment
from projections.followup.basis import CodeEntry, LeaveDecision, basis_findings, evidence, rests_on
from tests.support.following import at, call, names, report, school_day, told
from tests.support.given import MOTHER, PUPIL, TEACHER, closure, given
from tests.support.schools import open_school
from tests.support.terminal import HEAD, small_school

MORNING = Session(school_day(1), Half.AM)


def coded(code: str, replaces: str = "N", *, number: int = 3, **said: Any) -> CodeEntry:
    """A code of the first morning that was given on a later school day, after everything else."""
    recorded_at = parse_moment(at(number, "14:00"))
    return CodeEntry(MORNING, code, replaces, said.get("via", "office"), said.get("cites", ""), recorded_at, 100)


def kinds(code: CodeEntry, *events: Any, decided: tuple[LeaveDecision, ...] = ()) -> list[str]:
    return [rest.kind for rest in rests_on(code, told(*events), decided, given().school, PUPIL)]


@pytest.mark.parametrize(
    ("code", "event", "found"),
    [
        ("I", report(at(1, "08:40"), *names(1)), ["report"]),
        ("I", report(at(2, "08:40"), *names(2)), []),  # about another day
        ("I", report(at(3, "08:40"), *names(3)), ["report"]),  # heard on the day the code was changed
        ("I", call(at(1, "09:40"), MOTHER, *names(1), reached=True), ["contact"]),
        ("I", call(at(1, "09:40"), MOTHER, *names(1)), []),  # nobody answered, so nobody said that it was illness
        ("O", call(at(1, "09:40"), MOTHER, *names(1)), ["attempt"]),
        ("O", call(at(2, "09:40"), MOTHER, *names(2)), []),
        ("G", call(at(1, "09:40"), MOTHER), ["attempt"]),
    ],
)
def test_a_change_rests_on_what_was_heard_and_only_an_unauthorised_one_on_attempts(
    code: str, event: Any, found: list[str]
) -> None:
    assert kinds(coded(code), event) == found


def test_a_report_of_the_morning_bears_on_the_morning() -> None:
    assert kinds(coded("I"), report(at(1, "08:40"), f"{school_day(1)}/PM")) == []


def test_evidence_and_expected_sickness_bear_on_their_sessions() -> None:
    seen = EvidenceSeen(by=TEACHER, evidence="E1", seen_on=school_day(2), sessions=names(1))
    expected = SicknessExpected(by=TEACHER, first_day=school_day(1), last_day=school_day(5))
    assert kinds(coded("I", "O"), (at(2, "10:00"), seen), (at(2, "11:00"), expected)) == [
        "evidence",
        "expected sickness",
    ]
    assert kinds(coded("M"), (at(2, "11:00"), expected)) == []


def test_an_arrival_and_an_import_are_their_own_basis() -> None:
    arrived = ArrivalLogged(by=TEACHER, session=str(MORNING), arrived_at=parse_moment(at(1, "09:20")), code="U")
    assert kinds(coded("U", via="arrival"), (at(1, "09:21"), arrived)) == ["arrival"]
    assert kinds(coded("U", via="arrival")) == ["arrival"]
    assert kinds(coded("I", "", via="import")) == ["import"]


@pytest.mark.parametrize(("number", "found"), [(1, ["seen in school"]), (2, [])])
def test_present_after_all_is_seen_on_the_day_and_rests_on_something_later(number: int, found: list[str]) -> None:
    assert kinds(coded("/", "O", number=number)) == found


def test_leave_bears_on_what_was_asked_for() -> None:
    asked = Leave(PUPIL, "LR-1", MOTHER, date(2024, 10, 1), MORNING, Session(MORNING.day, Half.PM))
    decided = replace(asked, granted={MORNING: "C"})
    granted = (LeaveDecision(decided, 7),)
    assert kinds(coded("C", ""), decided=granted) == ["leave granted"]
    assert kinds(coded("G")._replace(session=Session(MORNING.day, Half.PM)), decided=granted) == ["leave refused"]
    granted = (LeaveDecision(replace(decided, withdrawn=True), 7),)
    assert kinds(coded("C", "", cites="LR-1"), decided=granted) == ["leave granted"]
    assert kinds(coded("C"), decided=granted) == []


def test_a_closure_bears_on_the_code_it_expects() -> None:
    school = given(closure("Y4", str(MORNING))).school
    (rest,) = rests_on(coded("Y4"), [], [], school, PUPIL)
    assert (rest.kind, rest.position) == ("closure", school.position)


def test_evidence_is_asked_for_seen_and_returned() -> None:
    asked = EvidenceRequested(by=TEACHER, evidence="E1", parent=MOTHER, sessions=names(1))
    seen = EvidenceSeen(by=TEACHER, evidence="E1", seen_on=school_day(2), sessions=names(1))
    back = EvidenceReturned(by=TEACHER, evidence="E1", returned_on=school_day(3))
    steps = [(at(1, "10:00"), asked), (at(2, "10:00"), seen), (at(3, "10:00"), back)]
    for count, state in enumerate(("asked for", "seen", "returned"), 1):
        (found,) = evidence(told(*steps[:count]))
        assert (found.state, found.requested, found.seen, found.returned) == (
            state,
            1,
            2 if count > 1 else None,
            3 if count > 2 else None,
        )


def test_a_change_that_rests_on_nothing_is_a_finding_until_what_it_rests_on_is_recorded() -> None:
    school = open_school()
    school.replay({"by": HEAD} | line for line in small_school())
    changed = {"pupil": "1042", "session": "2024-09-03/PM"}

    def found() -> list[tuple[str, str | None, str | None]]:
        moment = school.answers.moment(date(2024, 9, 5))
        return [(each.rule, each.pupil, each.session) for each in basis_findings(school.answers, moment, 2024)]

    assert found() == [("change_rests_on_nothing", *changed.values())]
    heard = {"contact": "1042-a", "channel": "phone", "outcome": "spoke", "sessions": ["2024-09-03/PM"]}
    school.send({"command": "LogContact", "by": HEAD, "pupil": "1042", **heard})
    assert found() == []
    asked = {"evidence": "E1", "parent": "1042-a", "sessions": ["2024-09-03/PM"], "doubt": "often on a Tuesday"}
    school.send({"command": "RequestEvidence", "by": HEAD, "pupil": "1042", **asked})
    assert found() == [("evidence_not_seen", *changed.values())]
    seen = {"evidence": "E1", "seen_on": "2024-09-05", "sessions": ["2024-09-03/PM"]}
    school.send({"command": "RecordEvidence", "by": HEAD, "pupil": "1042", **seen})
    assert found() == []
    school.close()
