"""The whole case: one journal from a first absence to a court, and what is answered at each of its turns.

The story is told in `tests/support/whole_case.py`; here every sentence of it is one assertion, asked of the ledger as
of a day and as known at a moment. What must not be done in the wrong order is tried in between, and refused by name.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import pytest

from commands.models import COMMANDS
from ledger.case import PenaltyCase
from ledger.events import AbsenceReported, AgencyInformed, LetterSent, ReturnMade
from ledger.notices import Terms, standing, terms
from ledger.policy import load
from ledger.sessions import parse_moment
from projections.asking.encoder import plain
from projections.asking.questions import Moment
from projections.audit.health import doctor_findings
from projections.figures.cohorts import AbsenceAnswer, absence_answers, penalty_windows, who
from projections.figures.penalty import PenaltyWindow
from projections.readmodel.projector import Projector
from projections.readmodel.replay import replayed, stored
from projections.records.chronology import chronologies
from projections.records.policies import policy_answer
from projections.records.registers import EntryAnswer, SessionAnswer, history_answers, register_answer
from tests.support.schools import OpenedSchool, open_school
from tests.support.slow_model import SlowModel
from tests.support.slow_procedures import Child, Mark, Run, continuous_absence, lateness, sickness
from tests.support.whole_case import (
    AMIR,
    AUTHORITY,
    CLASS,
    DAYS,
    DEPUTY,
    ELLA,
    FATHER,
    FIRST_OFFENCE,
    HEAD,
    HOLIDAY,
    ISLA,
    JOURNAL,
    LEAD,
    LEO,
    MIA,
    MOTHER,
    NOAH,
    OFFICE,
    PASTORAL,
    REVIEW_ON,
    SAM,
    SNOW,
    TEACHER,
    THIRD_OFFENCE,
    both,
    journal,
    written,
)

Line = dict[str, Any]

MICKLEM = load("micklem-2025")
END = "2026-03-27T17:00"


@cache
def lines() -> list[Line]:
    return [json.loads(line) for line in JOURNAL.read_text(encoding="utf-8").splitlines()]


def lines_of(command: str) -> list[Line]:
    return [line for line in lines() if line["command"] == command]


def test_the_journal_is_the_diary_lived_through() -> None:
    assert JOURNAL.read_text(encoding="utf-8") == written(journal())


def test_every_command_occurs_in_it() -> None:
    # What is forgotten has to be six years old, and a case does not take as long; its clock was right, and it
    # was never restored.
    assert {line["command"] for line in lines()} == set(COMMANDS) - {"ForgetYears", "DoubtStamps", "AcceptRestoration"}


def test_it_runs_forwards() -> None:
    moments = [parse_moment(line["at"]) for line in lines()]
    assert moments == sorted(moments)


# --- in the wrong order ---------------------------------------------------------------------------------------------


class Wrong(NamedTuple):
    """A line sent at the wrong moment, and the rule that refuses it."""

    why: str
    at: str
    by: dict[str, str]
    rule: str
    line: Line


def wrong(why: str, at: str, by: dict[str, str], rule: str, command: str, **fields: Any) -> Wrong:
    return Wrong(why, at, by, rule, {"command": command, **fields})


def about(notice: str) -> Line:
    return {"pupil": LEO, "notice": notice}


SERVED = {"method": "hand"}
NOT_CONSIDERED, OTHER = {"parent": MOTHER, "reasons": "ten sessions"}, {"route": "support", "decision": "notice"}
CONTRACT = {"pupil": LEO, "step": "attendance contract"}
ASSESSMENT = {"pupil": LEO, "step": "Families First Assessment"}
EVIDENCE = {"pupil": LEO, "parent": MOTHER, "sessions": both("2025-12-08")}
GRANT = [{"session": session, "code": "C"} for session in both("2026-01-19")]
IMPROVE = {"ends_on": "2025-11-21", "at_most": 2}

WRONG = [
    wrong("registers before they open", "2025-09-15T08:54:59", TEACHER, "session_in_the_future", "RecordMark",
          pupil=LEO, session="2025-09-15/AM", code="/"),
    wrong("a register twice", "2025-09-15T09:08", TEACHER, "register_already_taken", "TakeRegister",
          session="2025-09-15/AM", marks={}, **{"class": CLASS}),
    wrong("an amendment without a reason", "2025-09-15T10:00", OFFICE, "reason_required", "AmendMark", pupil=LEO,
          session="2025-09-15/AM", code="O"),
    wrong("a second original", "2025-09-15T10:00", TEACHER, "already_marked", "RecordMark", pupil=LEO,
          session="2025-09-15/AM", code="/"),
    wrong("help accepted that nobody offered", "2025-10-13T10:00", PASTORAL, "step_not_begun", "RecordSupport",
          **ASSESSMENT, stage="accepted", on="2025-10-13"),
    wrong("a contract reviewed before it was agreed", "2025-10-15T10:00", LEAD, "step_not_begun", "RecordSupport",
          **CONTRACT, stage="reviewed", on="2025-10-15"),
    wrong("a notice to improve that nobody considered", "2025-10-16T10:00", HEAD, "not_considered",
          "RequireImprovement", **about("PN-1"), issued_on="2025-10-16", **IMPROVE),
    wrong("a referral that nobody considered", "2025-10-16T10:00", HEAD, "not_considered", "ReferPenalty",
          **about("PN-1"), referred_on="2025-10-16", sessions=FIRST_OFFENCE[:10]),
    wrong("considered without saying why", "2025-10-17T11:00", HEAD, "reason_required", "ConsiderPenalty",
          **about("PN-1"), parent=MOTHER, considered_on="2025-10-17", route="support", decision="improve"),
    wrong("an end of what was never required", "2025-10-18T10:00", HEAD, "no_improvement_required", "EndImprovement",
          **about("PN-1"), ended_on="2025-10-18", improved=True),
    wrong("a prosecution where help was decided on", "2025-10-18T10:00", AUTHORITY, "prosecution_not_decided",
          "BeginProsecution", **about("PN-1"), begun_on="2025-10-18", offence="444(1)"),
    wrong("two notices to improve", "2025-10-21T10:00", HEAD, "improvement_required_already", "RequireImprovement",
          **about("PN-1"), issued_on="2025-10-21", **IMPROVE),
    wrong("an end before the beginning", "2025-11-24T09:00", HEAD, "malformed", "EndImprovement", **about("PN-1"),
          ended_on="2025-10-19", improved=False),
    wrong("an improvement ended twice", "2025-11-25T10:00", HEAD, "improvement_over", "EndImprovement",
          **about("PN-1"), ended_on="2025-11-25", improved=True),
    wrong("leave decided before it was asked for", "2025-12-01T10:00", HEAD, "no_such_leave", "DecideLeave",
          pupil=LEO, request="LR-2", granted=[]),
    wrong("paid before issue", "2025-12-01T10:00", AUTHORITY, "no_such_notice", "RecordPayment", **about("PN-1"),
          paid_on="2025-12-01", amount="80"),
    wrong("served before issue", "2025-12-01T10:00", AUTHORITY, "no_such_notice", "ServeNotice", **about("PN-1"),
          **SERVED, sent_on="2025-12-01"),
    wrong("withdrawn before issue", "2025-12-01T10:00", AUTHORITY, "no_such_notice", "WithdrawPenaltyNotice",
          **about("PN-1"), reason="too soon"),
    wrong("leave decided by the office", "2025-12-02T10:00", OFFICE, "not_a_leave_decider", "DecideLeave", pupil=LEO,
          request="LR-2", granted=[]),
    wrong("paid on a day before issue", "2025-12-02T10:00", AUTHORITY, "paid_before_issue", "RecordPayment",
          **about("PN-1"), paid_on="2025-11-30", amount="80"),
    wrong("served twice", "2025-12-02T10:00", AUTHORITY, "notice_served_already", "ServeNotice", **about("PN-1"),
          **SERVED, sent_on="2025-12-02"),
    wrong("issued twice", "2025-12-02T10:00", AUTHORITY, "notice_exists", "IssuePenaltyNotice", **about("PN-1"),
          parent=MOTHER, issued_on="2025-12-02", sessions=FIRST_OFFENCE),
    wrong("a notice in a case of another parent", "2026-01-20T12:00", AUTHORITY, "case_of_another_parent",
          "IssuePenaltyNotice", **about("PN-3"), parent=MOTHER, issued_on="2026-01-20", sessions=HOLIDAY),
    wrong("leave decided twice", "2025-12-04T10:00", HEAD, "leave_already_decided", "DecideLeave", pupil=LEO,
          request="LR-2", granted=[]),
    wrong("evidence asked for without a doubt", "2025-12-09T09:00", LEAD, "reason_required", "RequestEvidence",
          **EVIDENCE, evidence="EV-1"),
    wrong("evidence given back that was not seen", "2025-12-10T10:00", OFFICE, "no_such_evidence", "ReturnEvidence",
          pupil=LEO, evidence="EV-1", returned_on="2025-12-10"),
    wrong("evidence asked for twice", "2025-12-10T10:00", LEAD, "evidence_exists", "RequestEvidence", **EVIDENCE,
          evidence="EV-1", doubt="the same again"),
    wrong("a prosecution while a notice may be paid", "2025-12-22T10:00", AUTHORITY, "payment_still_open",
          "BeginProsecution", **about("PN-1"), begun_on="2025-12-22", offence="444(1)"),
    wrong("a prosecution of what was paid", "2026-01-06T10:00", AUTHORITY, "notice_already_paid", "BeginProsecution",
          **about("PN-1"), begun_on="2026-01-06", offence="444(1)"),
    wrong("paid twice", "2026-01-06T10:00", AUTHORITY, "notice_already_paid", "RecordPayment", **about("PN-1"),
          paid_on="2026-01-06", amount="80"),
    wrong("a session on the day of training", "2026-01-05T10:00", TEACHER, "not_a_session", "RecordMark", pupil=LEO,
          session="2026-01-05/AM", code="/"),
    wrong("deletion after ten days of absence", "2026-01-30T15:00", OFFICE, "ground_not_met", "RemoveFromRoll",
          pupil=ELLA, last_day="2026-01-30", ground="absent twenty days"),
    wrong("a return twice", "2026-01-30T15:00", OFFICE, "return_made_already", "MakeReturn", pupil=ELLA,
          form="attendance", episode="2026-01-19", made_on="2026-01-30"),
    wrong("leave granted afterwards", "2026-02-03T10:00", HEAD, "leave_not_in_advance", "DecideLeave", pupil=ELLA,
          request="LR-4", granted=GRANT),
    wrong("leave decided that was withdrawn", "2026-02-10T10:00", DEPUTY, "leave_withdrawn", "DecideLeave", pupil=MIA,
          request="LR-3", granted=[]),
    wrong("a prosecution on the twenty-eighth day", "2026-02-23T10:00", AUTHORITY, "payment_still_open",
          "BeginProsecution", **about("PN-2"), begun_on="2026-02-23", offence="444(1)"),
    wrong("deletion in the past", "2026-02-24T10:00", OFFICE, "removal_in_the_past", "RemoveFromRoll", pupil=ELLA,
          last_day="2026-02-23", ground="registered elsewhere"),
    wrong("a mark of a pupil who has left", "2026-02-24T10:00", TEACHER, "pupil_not_on_roll", "RecordMark",
          pupil=AMIR, session="2026-02-24/AM", code="/"),
    wrong("a court's answer without a prosecution", "2026-02-24T10:00", AUTHORITY, "no_prosecution", "EndProsecution",
          **about("PN-2"), ended_on="2026-02-24", outcome="convicted"),
    wrong("prosecuted twice", "2026-02-26T10:00", AUTHORITY, "prosecution_begun_already", "BeginProsecution",
          **about("PN-2"), begun_on="2026-02-26", offence="444(1)"),
    wrong("a third notice", "2026-03-03T10:30", AUTHORITY, "third_in_three_years", "IssuePenaltyNotice",
          **about("PN-4"), parent=MOTHER, issued_on="2026-03-03", sessions=THIRD_OFFENCE),
    wrong("a third notice decided on", "2026-03-03T10:30", HEAD, "third_in_three_years", "ConsiderPenalty",
          **about("PN-4"), **NOT_CONSIDERED, **OTHER, considered_on="2026-03-03"),
    wrong("a prosecution of a notice withdrawn", "2026-03-03T10:30", AUTHORITY, "notice_withdrawn",
          "BeginProsecution", **about("PN-3"), begun_on="2026-03-03", offence="444(1)"),
    wrong("a policy that nobody ships", "2026-03-23T16:00", HEAD, "policy_unknown", "AdoptPolicy",
          policy="micklem-2026", from_day="2026-04-13"),
    wrong("a second answer of the court", "2026-03-27T16:30", AUTHORITY, "prosecution_over", "EndProsecution",
          **about("PN-2"), ended_on="2026-03-27", outcome="acquitted"),
]  # fmt: skip


class Lived(NamedTuple):
    """The school at the end of the story, and how each wrong line was refused on the way."""

    school: OpenedSchool
    refused: dict[str, str]


@pytest.fixture(scope="module")
def lived() -> Iterator[Lived]:
    """Live through the story once, trying each wrong line just before the first line that is later."""
    waiting = sorted(WRONG, key=lambda each: parse_moment(each.at))
    refused: dict[str, str] = {}
    with closing(open_school()) as school:
        for line in [*lines(), {"at": "2026-03-31"}]:
            while waiting and parse_moment(waiting[0].at) < parse_moment(line["at"]):
                tried = waiting.pop(0)
                refused[tried.why] = school.refusal(tried.line | {"at": tried.at, "by": tried.by})
            if "command" in line:
                school.send(line)
        yield Lived(school, refused)


@pytest.mark.parametrize("tried", WRONG, ids=lambda each: each.why.replace(" ", "-"))
def test_what_comes_in_the_wrong_order_is_refused_by_name(tried: Wrong, lived: Lived) -> None:
    assert lived.refused[tried.why] == tried.rule


def test_what_was_refused_left_nothing_behind(lived: Lived) -> None:
    with closing(open_school()) as undisturbed:
        undisturbed.replay(lines())
        assert len(undisturbed.rows()) == len(lived.school.rows())


# --- asking ---------------------------------------------------------------------------------------------------------


def moment(lived: Lived, as_of: str, known_at: str | None = None, policy: str | None = None) -> Moment:
    """Return the moment of a question: known at that London time, else in the evening of the day asked about."""
    known = parse_moment(known_at or f"{as_of}T18:00")
    return lived.school.answers.moment(date.fromisoformat(as_of), known, policy)


def window(lived: Lived, as_of: str, known_at: str | None = None, policy: str | None = None) -> PenaltyWindow:
    return penalty_windows(lived.school.answers, moment(lived, as_of, known_at, policy), [LEO], empty=True)[0]


def lines_by_parent(lived: Lived, as_of: str, known_at: str | None = None) -> dict[str, tuple[int, str | None, int]]:
    """Return of each parent: sessions counted, the one that met the threshold, notices in three years."""
    found = window(lived, as_of, known_at).parents
    return {line.parent: (line.count, line.met_on, line.notices_in_three_years) for line in found}


def absence(lived: Lived, pupil: str, as_of: str, known_at: str | None = None) -> AbsenceAnswer:
    return absence_answers(lived.school.answers, moment(lived, as_of, known_at), [pupil])[0]


def register_line(lived: Lived, pupil: str, session: str, known_at: str | None = None) -> SessionAnswer:
    day = date.fromisoformat(session[:10])
    register = register_answer(lived.school.answers, moment(lived, session[:10], known_at), CLASS, day)
    return next(line for line in register.lines if (line.pupil, line.session) == (pupil, session))


def case(lived: Lived, name: str, day: str) -> tuple[PenaltyCase, Terms, str]:
    """Return a case as known at the end of the story, what its notice asks, and where that stands on a day."""
    school = lived.school.handler.school()
    found = school.cases[LEO][name]
    asked = terms(found, school.notices[LEO].values(), MICKLEM)
    return found, asked, standing(found, asked, date.fromisoformat(day))


def told(lived: Lived, pupil: str, kind: type) -> list[Any]:
    """Return what was told of one kind, with its words open."""
    at_the_end = moment(lived, "2026-03-27")
    return [each for each in chronologies(lived.school.answers, at_the_end, [pupil])[pupil] if type(each.event) is kind]


def marks_of(lived: Lived, pupil: str) -> list[Mark]:
    found: list[EntryAnswer] = history_answers(lived.school.answers, moment(lived, "2026-03-27"), pupil)
    return [Mark(pupil, entry.session, entry.entries[-1].code) for entry in found]


def child(lived: Lived, pupil: str) -> Child:
    known = lived.school.handler.school().pupils[pupil]
    return Child(pupil, [(spell.first, spell.last) for spell in known.spells], known.school_age)


# --- the first absences ---------------------------------------------------------------------------------------------


def test_a_first_day_without_a_word_is_n_and_after_five_school_days_o(lived: Lived) -> None:
    until = register_line(lived, LEO, "2025-09-15/AM", "2025-09-22T15:29")
    assert [mark.code for mark in until.entries] == ["N"]
    original, amended = register_line(lived, LEO, "2025-09-15/AM", END).entries
    assert (original.code, original.via, amended.code) == ("N", "close", "O")
    assert amended.reason == "no reason given in five school days"
    assert (amended.by.name, amended.by.title) == ("P Lark", "Office manager")
    assert lived.school.handler.school().calendar.school_days_after(date(2025, 9, 15), 5) == date(2025, 9, 22)


def test_a_message_on_the_answer_phone_is_flagged_to_be_rung_back(lived: Lived) -> None:
    first, *_ = told(lived, LEO, AbsenceReported)
    assert (first.event.channel, first.event.ring_back) == ("voicemail", True)
    assert [each.event.ring_back for each in told(lived, LEO, AbsenceReported)[1:]] == [False] * 4


@pytest.mark.parametrize(("clock", "code"), [("09:10:29", None), ("09:10:30", "N"), ("09:29", "N"), ("09:30", "I")])
def test_the_code_waits_for_the_call(lived: Lived, clock: str, code: str | None) -> None:
    line = register_line(lived, LEO, "2025-09-16/AM", f"2025-09-16T{clock}")
    assert line.code == code and line.reports == 1


@pytest.mark.parametrize(
    ("session", "codes"), [("2025-09-24/AM", ["N", "U"]), ("2025-09-26/AM", ["L"]), ("2025-09-30/AM", ["N", "U"])]
)
def test_late_until_the_register_closes_and_then_very_late(lived: Lived, session: str, codes: list[str]) -> None:
    line = register_line(lived, LEO, session)
    assert [mark.code for mark in line.entries] == codes and line.arrived_at is not None


def test_the_letter_went_out_below_95_percent(lived: Lived) -> None:
    assert absence(lived, LEO, "2025-10-03", "2025-10-06T14:00").attendance_percent == 78.3


@pytest.mark.parametrize("line", [line for line in lines_of("SendLetter") if "quoted" in line], ids=lambda x: x["at"])
def test_every_letter_quotes_what_the_register_showed_then(line: Line, lived: Lived) -> None:
    before = lines()[: lines().index(line)]
    slow = SlowModel()
    for each in before:
        slow.apply(each)
    figures = slow.absence(date.fromisoformat(line["as_of"]), parse_moment(line["at"]))[line["pupil"]]
    assert {name: figures[name] for name in line["quoted"].keys() - {"late"}} == {
        name: count for name, count in line["quoted"].items() if name != "late"
    }
    sent = next(each.event for each in told(lived, line["pupil"], LetterSent) if each.event.about == line["about"])
    answer = absence(lived, line["pupil"], line["as_of"], line["at"])
    assert sent.quoted == line["quoted"] and 0 < sent.seen <= answer.position
    assert answer.possible == line["quoted"]["possible"]


# --- to the first notice --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known_at", "policy", "count", "met_on"),
    [
        ("2025-10-08T12:00", "micklem-2025", 8, None),  # the morning is N still, which this policy does not name
        ("2025-10-08T12:00", "national-2024", 9, None),
        ("2025-10-08T15:29", "national-2024", 10, "2025-10-08/PM"),
        ("2025-10-08T15:29", "micklem-2025", 8, None),
        ("2025-10-08T15:31", "micklem-2025", 10, "2025-10-08/PM"),
    ],
)
def test_the_tenth_session_is_that_of_8_october_by_the_evening(
    lived: Lived, known_at: str, policy: str, count: int, met_on: str | None
) -> None:
    answer = window(lived, "2025-10-08", known_at, policy)
    assert (answer.count, answer.met, answer.met_on) == (count, met_on is not None, met_on)


def test_the_notice_to_improve_failed_its_test(lived: Lived) -> None:
    found, _, _ = case(lived, "PN-1", "2025-12-23")
    assert found.improvement is not None and found.improvement_ended is not None
    required, ended = found.improvement[1], found.improvement_ended[1]
    entries = [mark for mark in marks_of(lived, LEO) if mark.code in MICKLEM.penalty_codes]
    within = [mark for mark in entries if str(required.issued_on) <= mark.session[:10] <= str(required.ends_on)]
    assert len(within) == 4 > required.at_most and not ended.improved
    weeks = (required.ends_on - required.issued_on).days / 7
    assert MICKLEM.improve_weeks_least <= weeks <= MICKLEM.improve_weeks_most


def test_the_referral_names_the_sessions_that_counted_then(lived: Lived) -> None:
    counted = [each.session for each in window(lived, "2025-11-21", "2025-11-24T10:00").sessions]
    assert counted == FIRST_OFFENCE
    found, _, _ = case(lived, "PN-1", "2025-12-23")
    assert list(found.referred[0][1].sessions) == sorted(FIRST_OFFENCE)
    assert found.referred[0][1].policy == "micklem-2025"


def test_once_issued_its_sessions_are_not_counted_again_for_that_parent(lived: Lived) -> None:
    assert window(lived, "2025-12-01").count == 0
    assert lines_by_parent(lived, "2025-11-30")[MOTHER] == (14, "2025-10-08/PM", 0)
    assert lines_by_parent(lived, "2025-12-01") == {MOTHER: (0, None, 1), FATHER: (12, "2025-11-05/AM", 0)}


def test_posted_on_monday_it_is_received_on_wednesday_and_80_pounds_do_until_the_21st_day(lived: Lived) -> None:
    _, asked, _ = case(lived, "PN-1", "2025-12-23")
    assert (asked.received_on, asked.second) == (date(2025, 12, 3), False)
    assert (asked.reduced_until, asked.full_until) == (date(2025, 12, 23), date(2025, 12, 30))
    assert [asked.owed(date(2025, 12, day)) for day in (23, 24)] == [8000, 16000]


@pytest.mark.parametrize(("day", "stands"), [("2025-12-22", "open"), ("2025-12-23", "paid"), ("2026-03-27", "paid")])
def test_it_is_paid_on_the_21st_day(lived: Lived, day: str, stands: str) -> None:
    assert case(lived, "PN-1", day)[2] == stands


# --- illness in doubt -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known_at", "codes", "counted"),
    [
        ("2025-12-12T18:00", ["N"], 0),
        ("2025-12-19T18:00", ["N", "O"], 4),
        ("2026-01-06T18:00", ["N", "O", "I"], 0),
    ],
)
def test_evidence_seen_in_january_turns_four_sessions_of_december(
    lived: Lived, known_at: str, codes: list[str], counted: int
) -> None:
    line = register_line(lived, LEO, "2025-12-09/AM", known_at)
    assert [mark.code for mark in line.entries] == codes
    assert window(lived, "2025-12-12", known_at).count == counted


# --- the holiday and the second notice ------------------------------------------------------------------------------


def test_leave_refused_expects_nothing_and_its_absence_is_unexplained_at_first(lived: Lived) -> None:
    line = register_line(lived, LEO, HOLIDAY[0], "2026-01-12T09:15")
    assert (line.code, line.expected) == ("N", None)
    assert register_line(lived, LEO, HOLIDAY[0], END).code == "G"
    assert lived.school.handler.school().leave[LEO]["LR-2"].decided_by == HEAD["id"]


def test_a_week_of_holiday_meets_the_threshold_alone(lived: Lived) -> None:
    assert [each.session for each in window(lived, "2026-01-16").sessions] == HOLIDAY
    assert window(lived, "2026-01-16").met_on == "2026-01-16/PM"
    assert window(lived, "2026-01-15").met is False


def test_the_second_notice_is_160_pounds_and_the_fathers_first_may_still_be_80(lived: Lived) -> None:
    (_, hers, _), (_, his, _) = case(lived, "PN-2", "2026-02-23"), case(lived, "PN-3", "2026-02-23")
    assert (hers.second, hers.owed(date(2026, 1, 28)), hers.full_until) == (True, 16000, date(2026, 2, 23))
    assert (his.second, his.owed(date(2026, 2, 17)), his.owed(date(2026, 2, 18))) == (False, 8000, 16000)
    assert his.received_on == date(2026, 1, 28)


def test_each_parent_has_their_own_count_of_notices(lived: Lived) -> None:
    assert lines_by_parent(lived, "2026-01-26") == {MOTHER: (1, None, 2), FATHER: (2, None, 1)}


@pytest.mark.parametrize(("day", "stands"), [("2026-02-23", "open"), ("2026-02-24", "unpaid")])
def test_hers_is_unpaid_once_the_28th_day_is_over(lived: Lived, day: str, stands: str) -> None:
    assert case(lived, "PN-2", day)[2] == stands


def test_his_80_pounds_on_the_22nd_day_are_not_enough(lived: Lived) -> None:
    found, asked, _ = case(lived, "PN-3", "2026-02-24")
    assert [(str(paid.paid_on), paid.amount) for _, paid in found.payments] == [("2026-02-18", 8000)]
    assert found.withdrawn is not None
    not_yet = dataclasses.replace(found, withdrawn=None)
    assert [standing(not_yet, asked, date(2026, 2, day)) for day in (18, 24, 25)] == ["open", "open", "unpaid"]


def test_withdrawn_his_notice_counts_for_nothing_as_of_any_day(lived: Lived) -> None:
    assert lines_by_parent(lived, "2026-03-01")[FATHER] == (10, "2026-02-26/AM", 1)
    assert lines_by_parent(lived, "2026-03-01", "2026-03-02T18:00")[FATHER] == (20, "2026-01-16/PM", 0)


def test_the_prosecution_was_begun_for_the_notice_unpaid_and_ended(lived: Lived) -> None:
    found, _, _ = case(lived, "PN-2", "2026-03-27")
    assert found.prosecution is not None and found.prosecution_ended is not None
    assert (found.prosecution[1].offence, str(found.prosecution[1].begun_on)) == ("444(1)", "2026-02-25")
    ended = found.prosecution_ended[1]
    assert (ended.outcome, ended.fine) == ("convicted", 22000)
    assert ended.fine <= MICKLEM.court_fine_pounds * 100


# --- the third offence ----------------------------------------------------------------------------------------------


def test_ten_sessions_more_meet_it_a_third_time(lived: Lived) -> None:
    answer = window(lived, "2026-02-26")
    assert ([each.session for each in answer.sessions], answer.met_on) == (THIRD_OFFENCE, "2026-02-26/AM")
    assert window(lived, "2026-02-25").met is False


def test_instead_of_a_third_notice_something_else_was_considered_and_prosecuted(lived: Lived) -> None:
    found = lived.school.handler.school().cases[LEO]["PN-4"]
    assert [(each.route, each.decision) for _, each in found.considered] == [("support", "other")]
    assert found.issued is None and found.prosecution is not None
    assert (found.prosecution[1].offence, found.prosecution_ended) == ("444(1A)", None)


@pytest.mark.parametrize(
    ("as_of", "notices"), [("2028-11-30", 2), ("2028-12-01", 1), ("2029-01-25", 1), ("2029-01-26", 0)]
)
def test_three_years_are_counted_to_the_day_from_each_issue(lived: Lived, as_of: str, notices: int) -> None:
    assert lines_by_parent(lived, as_of)[MOTHER][2] == notices


def test_the_social_worker_was_told_once_there_was_one(lived: Lived) -> None:
    (informed,) = told(lived, LEO, AgencyInformed)
    assert (informed.event.agency, informed.event.about) == ("social worker", "unexplained absence")
    at = moment(lived, "2026-02-24")
    assert "social worker" in lived.school.answers.particulars(at, [LEO])[LEO].groups
    before = lived.school.answers.particulars(moment(lived, "2026-02-06"), [LEO])
    assert "social worker" not in before[LEO].groups


def test_in_the_end_he_is_persistently_absent(lived: Lived) -> None:
    answer = absence(lived, LEO, "2026-03-27")
    assert (answer.possible, answer.attended, answer.authorised, answer.unauthorised) == (252, 212, 6, 34)
    assert (answer.persistent, answer.severe, answer.missing) == (True, False, 0)


# --- the others -----------------------------------------------------------------------------------------------------


def test_leave_granted_by_the_designate_is_expected_and_cited(lived: Lived) -> None:
    before = register_line(lived, MIA, "2025-12-05/PM", "2025-12-05T13:00")
    assert (before.code, before.expected, before.expected_by) == (None, "C", "LR-1")
    after = register_line(lived, MIA, "2025-12-05/PM")
    assert (after.entries[0].code, after.entries[0].via, after.entries[0].cites) == ("C", "close", "LR-1")
    assert lived.school.handler.school().leave[MIA]["LR-1"].decided_by == DEPUTY["id"]


def test_an_activity_elsewhere_states_its_kind(lived: Lived) -> None:
    line = register_line(lived, MIA, "2025-11-20/PM")
    assert (line.code, line.entries[0].via) == ("B", "mark") and line.entries[0].detail.startswith("county choir")


def test_ten_days_ill_and_ten_expected_make_the_return_for_fifteen(lived: Lived) -> None:
    (made,) = told(lived, NOAH, ReturnMade)
    marks, pupil = marks_of(lived, NOAH), child(lived, NOAH)
    then = sickness(pupil, marks, DAYS, 2025, date(2025, 11, 28), MICKLEM.sickness_return_school_days)
    assert (len(then.days), then.reached_on, str(made.event.made_on)) == (10, None, "2025-11-28")
    after = sickness(pupil, marks, DAYS, 2025, date(2025, 12, 19), MICKLEM.sickness_return_school_days)
    assert (len(after.days), after.reached_on) == (20, date(2025, 12, 5))
    assert made.event.episode == str(after.periods[-1][0])


@pytest.mark.parametrize(
    ("as_of", "count"), [("2025-09-22", 4), ("2025-09-23", 5), ("2025-10-08", 9), ("2025-10-09", 10)]
)
def test_the_fifth_late_morning_brings_a_letter_and_the_tenth_a_meeting(lived: Lived, as_of: str, count: int) -> None:
    found = lateness(
        child(lived, ISLA), marks_of(lived, ISLA), DAYS, date.fromisoformat(as_of), MICKLEM.punctuality_weeks
    )
    assert found.count == count
    assert MICKLEM.punctuality_letter_sessions == 5 and MICKLEM.punctuality_meeting_sessions == 10


@pytest.mark.parametrize(("as_of", "found"), [("2026-01-29", 0), ("2026-01-30", 1), ("2026-03-27", 1)])
def test_ten_continuous_days_without_authority_make_one_return(lived: Lived, as_of: str, found: int) -> None:
    codes = "".join(MICKLEM.attendance_return_codes)
    runs = continuous_absence(child(lived, ELLA), marks_of(lived, ELLA), DAYS, date.fromisoformat(as_of), codes, 10)
    assert runs == [Run(date(2026, 1, 19), date(2026, 1, 30), 10, date(2026, 1, 30))] * found
    (made,) = told(lived, ELLA, ReturnMade)
    assert (made.event.form, made.event.episode, str(made.event.made_on)) == ("attendance", "2026-01-19", "2026-01-30")


def test_the_authority_knew_by_the_tenth_day_without_contact(lived: Lived) -> None:
    (informed,) = told(lived, ELLA, AgencyInformed)
    tenth = DAYS[DAYS.index(date(2026, 1, 19)) + MICKLEM.contact_authority_day - 1]
    assert (informed.event.agency, informed.event.on) == ("local authority", tenth)


def test_no_n_outlived_its_five_school_days(lived: Lived) -> None:
    calendar = lived.school.handler.school().calendar
    for pupil in lived.school.handler.school().pupils:
        for entry in history_answers(lived.school.answers, moment(lived, "2026-03-27"), pupil):
            for earlier, later in zip(entry.entries, [*entry.entries[1:], None], strict=True):
                last = calendar.school_days_after(date.fromisoformat(entry.session[:10]), 5)
                if earlier.code == "N":
                    assert later is not None and later.recorded_at[:10] <= str(last), (pupil, entry.session)


def test_the_newcomers_return_was_made_within_five_days(lived: Lived) -> None:
    (made,) = told(lived, SAM, ReturnMade)
    entered = next(line["at"] for line in lines_of("AdmitPupil") if line["pupil"] == SAM)
    assert (made.event.made_on - date.fromisoformat(entered[:10])).days <= MICKLEM.new_pupil_return_days
    assert lived.school.handler.school().pupils[SAM].placement(date(2025, 11, 17)).year_group == "5"


def test_the_leaver_was_returned_and_his_worker_told_before_the_deletion(lived: Lived) -> None:
    (made,), (informed,) = told(lived, AMIR, ReturnMade), told(lived, AMIR, AgencyInformed)
    (removed,) = [row.position for row in lived.school.rows() if row.topic == "roll.PupilRemoved"]
    assert made.event.form == "deletion" and informed.event.about == "deletion"
    assert made.position < removed and informed.position < removed
    assert (AMIR in who(lived.school.answers, moment(lived, "2026-02-13"))) is True
    assert (AMIR in who(lived.school.answers, moment(lived, "2026-02-14"))) is False


def test_an_address_is_amended_and_what_it_was_is_known_as_before(lived: Lived) -> None:
    answers = lived.school.answers
    before, after = (answers.particulars(moment(lived, day), [AMIR])[AMIR] for day in ("2026-01-09", "2026-01-12"))
    assert (before.address, after.address) == ("5 Hazel Row, Exampleton", "9 Mill Street, Otherton")


# --- the school itself ----------------------------------------------------------------------------------------------


def test_snow_leaves_a_day_out_of_what_was_possible(lived: Lived) -> None:
    assert {register_line(lived, MIA, session).code for session in both(SNOW)} == {"Y4"}
    assert absence(lived, MIA, "2025-11-25").possible == absence(lived, MIA, SNOW).possible


@pytest.mark.parametrize(
    ("as_of", "known_at", "policy", "review_on"),
    [
        ("2025-11-16", END, "micklem-2025", None),
        ("2025-11-17", END, "micklem-2025", REVIEW_ON),
        ("2026-04-12", END, "micklem-2025", REVIEW_ON),
        ("2026-04-13", END, "national-2024", "2027-03-31"),
        ("2026-04-13", "2026-03-23T16:29", "micklem-2025", REVIEW_ON),
    ],
)
def test_each_policy_holds_from_its_day_once_it_is_known(
    lived: Lived, as_of: str, known_at: str, policy: str, review_on: str | None
) -> None:
    answer = policy_answer(lived.school.answers, moment(lived, as_of, known_at))
    assert (answer.policy, answer.review_on) == (policy, review_on)
    assert window(lived, as_of, known_at).policy == policy


@pytest.mark.parametrize(("as_of", "lead"), [("2025-08-31", []), ("2026-01-05", ["crane"]), ("2026-01-06", ["bell"])])
def test_the_attendance_lead_is_whoever_was_named_by_then(lived: Lived, as_of: str, lead: list[str]) -> None:
    roles = {role.role: role for role in policy_answer(lived.school.answers, moment(lived, as_of, END)).roles}
    assert [holder.id for holder in roles["attendance lead"].holders] == lead


def test_every_days_codes_were_sent_as_known_that_afternoon(lived: Lived) -> None:
    school = lived.school.handler.school()
    assert [made.day for made in school.daily_returns] == DAYS
    assert [made.seen for made in school.daily_returns] == sorted(made.seen for made in school.daily_returns)


def test_nothing_is_missing_and_nothing_is_off(lived: Lived) -> None:
    at = moment(lived, "2026-03-27", END)
    everyone = absence_answers(lived.school.answers, at, who(lived.school.answers, at, leavers=True))
    assert [(answer.pupil, answer.missing) for answer in everyone if answer.missing] == []
    assert doctor_findings(lived.school.answers, at) == []


# --- on every store -------------------------------------------------------------------------------------------------

TURNS = [
    ("2025-09-19", "2025-09-19T18:00"),
    ("2025-10-08", "2025-10-08T12:00"),
    ("2025-10-08", "2025-10-08T18:00"),
    ("2025-12-01", "2025-12-01T18:00"),
    ("2025-12-12", "2025-12-19T18:00"),
    ("2025-12-12", "2026-01-06T18:00"),
    ("2026-01-26", "2026-01-26T18:00"),
    ("2026-03-01", "2026-03-02T18:00"),
    ("2026-03-27", END),
    ("2026-04-13", END),
]


def test_the_case_is_told_the_same_on_every_store(fresh_url: Callable[[], str], lived: Lived) -> None:
    slow = SlowModel()
    for line in lines():
        slow.apply(line)
    with closing(open_school(fresh_url())) as school:
        school.replay(lines())
        for as_of, known_at in TURNS:
            told_here, told_there = (turn(each, as_of, known_at) for each in (school, lived.school))
            assert told_here == told_there, as_of
            about_leo = told_here["penalty"][LEO]
            modelled = slow.penalty(date.fromisoformat(as_of), parse_moment(known_at))[LEO]
            if about_leo["policy"] == "micklem-2025":
                assert (about_leo["count"], about_leo["met_on"]) == (modelled["count"], modelled["met_on"])
                assert about_leo["parents"] == modelled["parents"]
        Projector(school.ledger, school.answers.engine).catch_up()
        assert set(stored(school.answers.engine)) == replayed(school.ledger, len(school.rows()))


def turn(school: OpenedSchool, as_of: str, known_at: str) -> dict[str, Any]:
    """Return everything that is answered about a day, as known at a moment."""
    at = school.answers.moment(date.fromisoformat(as_of), parse_moment(known_at))
    pupils = who(school.answers, at)
    return {
        "absence": plain(absence_answers(school.answers, at, pupils)),
        "penalty": {each.pupil: plain(each) for each in penalty_windows(school.answers, at, pupils, empty=True)},
        "policy": plain(policy_answer(school.answers, at)),
    }
