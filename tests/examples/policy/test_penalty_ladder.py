"""The penalty ladder: considered, told to improve, referred, issued, paid or not, prosecuted; and never a third notice
in three years. Whatever a line says is about a day, and as known at a moment."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from typing import Any

import pytest

from ledger import policy as policies
from ledger.calendar import Calendar, Closed, SchoolYear, calendar_of
from ledger.case import Notice
from ledger.events import ImprovementEnded, ImprovementRequired
from ledger.pins import digest_of, pupil_lines
from ledger.seal import read
from ledger.sessions import Session
from ledger.streams import entry_stream, notice_stream
from ledger.wire import decode
from projections.duty import Duty
from projections.lines import command_line
from projections.penalties.case import SessionMark, fits_policy, improvement_test, pounds, rolling
from projections.penalties.ladder import ladder_duties
from projections.penalties.ladder_answers import CaseAnswer, LadderAnswer, ParentLadder, ladder_answers
from tests.support.cases import (
    FATHER,
    HOLIDAY,
    MOTHER,
    PUPIL,
    amended,
    case,
    holiday,
    line,
    unexplained,
)
from tests.support.schools import OpenedSchool, desk_at

MICKLEM = policies.load("micklem-2025")


def ladder(opened: OpenedSchool, as_of: str, known_at: Any = None) -> LadderAnswer:
    moment = opened.answers.moment(date.fromisoformat(as_of), known_at)
    (found,) = ladder_answers(opened.answers, moment, [PUPIL], empty=True)
    return found


def mother(opened: OpenedSchool, as_of: str) -> ParentLadder:
    return next(each for each in ladder(opened, as_of).parents if each.parent == MOTHER)


def only_case(opened: OpenedSchool, as_of: str) -> CaseAnswer:
    (found,) = mother(opened, as_of).cases
    return found


def duties(opened: OpenedSchool, as_of: str) -> list[Duty]:
    return ladder_duties(desk_at(opened.answers, date.fromisoformat(as_of)))


def kinds(opened: OpenedSchool, as_of: str) -> set[str]:
    return {duty.rule for duty in duties(opened, as_of)}


REFERRED = line("2025-12-03T10:00", "ReferPenalty", notice="PN-1", referred_on="2025-12-03", sessions=HOLIDAY)
ISSUED = line(
    "2025-12-08T10:00", "IssuePenaltyNotice", notice="PN-1", parent=MOTHER, issued_on="2025-12-08", sessions=HOLIDAY
)
SERVED = line("2025-12-08T11:00", "ServeNotice", notice="PN-1", method="hand", sent_on="2025-12-08")


def paid(on: str, amount: float, at: str = "2026-01-20T10:00") -> dict[str, Any]:
    return line(at, "RecordPayment", notice="PN-1", paid_on=on, amount=amount)


# --- National Framework for Penalty Notices: considered ------------------------------------------------------------


def test_the_tenth_session_has_to_be_considered_and_the_ninth_does_not() -> None:
    nine = [each for each in holiday() if each["tag"] != "code" or each["session"] != HOLIDAY[0]]
    assert "consider" not in kinds(case(nine, without=("considered",)), "2025-12-05")
    found = [each for each in duties(case(holiday(), without=("considered",)), "2025-12-05") if each.rule == "consider"]
    assert [duty.pupil for duty in found] == [PUPIL, PUPIL]
    assert "nobody has considered it since" in found[0].sentence and "Example" not in found[0].sentence
    assert [command_line(duty.action).split()[4] for duty in found] == ["PN-1", "PN-2"]


def test_who_considered_it_before_it_was_met_has_to_consider_it_again() -> None:
    early = line(
        "2025-11-28T16:00", "ConsiderPenalty", notice="PN-1", parent=MOTHER, considered_on="2025-11-28",
        route="no support", decision="nothing", reasons="no codes yet",
    )  # fmt: skip
    opened = case(holiday(), early, without=("considered",))
    (seen,) = only_case(opened, "2025-12-05").considered
    assert (seen.count, seen.met, seen.seen) == (0, False, seen.position - 1)
    assert mother(opened, "2025-12-05").next.startswith("10 sessions, met on 2025-11-28/PM")


def test_nobody_considers_a_pupil_who_has_left() -> None:
    gone = line("2025-12-12T15:00", "RemoveFromRoll", last_day="2025-12-12", ground="moved away", shown_by="a letter")
    opened = case(holiday(), gone, without=("considered",))
    assert [("consider" in kinds(opened, day)) for day in ("2025-12-12", "2025-12-13")] == [True, False]


def test_a_consideration_keeps_what_was_seen() -> None:
    (seen,) = only_case(case(holiday()), "2025-12-05").considered
    assert (seen.count, seen.met, seen.route, seen.decision) == (10, True, "no support", "notice")
    assert seen.reasons == "a holiday that was refused" and seen.by == "H Example (Headteacher)"


# --- the notice to improve ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missed", "as_of", "state"),
    [
        (3, "2025-12-09", "running"),
        (3, "2025-12-10", "running"),
        (3, "2025-12-11", "passed"),
        (4, "2025-12-11", "failed"),
        (4, "2025-12-03", "failed"),
    ],
)
def test_the_test_of_improvement_is_met_exactly(missed: int, as_of: str, state: str) -> None:
    required = ImprovementRequired(
        parent=MOTHER, issued_on=date(2025, 11, 19), ends_on=date(2025, 12, 10), at_most=3
    )  # fmt: skip
    days = ["2025-11-19/AM", "2025-12-01/AM", "2025-12-01/PM", "2025-12-02/AM"][:missed]
    marks = {each: SessionMark(each, "O", 1) for each in map(Session.parse, days)}
    either_side = map(Session.parse, ("2025-11-18/PM", "2025-12-11/AM"))
    before_and_after = {each: SessionMark(each, "O", 1) for each in either_side}
    found = improvement_test(required, None, marks | before_and_after, date.fromisoformat(as_of), MICKLEM)
    assert (found.state, found.count) == (state, missed)


def test_an_n_in_the_period_is_unsettled_and_a_reason_counts_nowhere() -> None:
    required = ImprovementRequired(parent=MOTHER, issued_on=date(2025, 11, 19), ends_on=date(2025, 12, 10), at_most=0)
    sessions = {code: Session.parse(f"2025-12-0{day}/AM") for day, code in ((1, "N"), (2, "I"))}
    marks = {session: SessionMark(session, code, 1) for code, session in sessions.items()}
    found = improvement_test(required, None, marks, date(2025, 12, 11), MICKLEM)
    assert (found.state, found.sessions, found.unresolved) == ("passed", [], 1)
    national = improvement_test(required, None, marks, date(2025, 12, 11), policies.load("national-2024"))
    assert (national.state, national.count) == ("failed", 1)


def test_a_period_that_was_ended_early_is_judged_to_its_last_day() -> None:
    required = ImprovementRequired(parent=MOTHER, issued_on=date(2025, 11, 19), ends_on=date(2025, 12, 10), at_most=0)
    ended = ImprovementEnded(ended_on=date(2025, 12, 3), improved=True)
    day_after = Session.parse("2025-12-04/AM")
    later = {day_after: SessionMark(day_after, "O", 1)}
    assert improvement_test(required, ended, later, date(2025, 12, 3), MICKLEM).state == "passed"


def calendar(*closed: Closed) -> Calendar:
    """Return the calendar of the cases' school, with these days closed."""
    return calendar_of((SchoolYear(2025, date(2025, 11, 3), date(2026, 7, 21), closed, MICKLEM.hours),))


def fits(days: int, of: Calendar) -> bool:
    """Return whether a notice to improve of 3 November that ends so many days later is as long as it should be."""
    issued = date(2025, 11, 3)
    ends = date.fromordinal(issued.toordinal() + days)
    return fits_policy(ImprovementRequired(parent=MOTHER, issued_on=issued, ends_on=ends, at_most=0), of, MICKLEM)


@pytest.mark.parametrize(("days", "right"), [(19, False), (20, True), (42, True), (43, False)])
def test_a_period_is_three_weeks_of_days_at_least_and_six_weeks_on_at_most(days: int, right: bool) -> None:
    assert fits(days, calendar()) is right


@pytest.mark.parametrize(("days", "right"), [(20, False), (26, False), (27, True), (42, True), (49, True), (50, False)])
def test_a_week_without_school_is_none_of_a_notice_to_improve(days: int, right: bool) -> None:
    assert fits(days, calendar(Closed(date(2025, 11, 17), date(2025, 11, 21), "half term"))) is right


def test_a_week_with_a_day_of_school_in_it_is_one() -> None:
    almost = calendar(Closed(date(2025, 11, 17), date(2025, 11, 20), "boiler"))
    assert fits(20, almost) and not fits(43, almost)


def test_a_period_that_is_over_wants_its_outcome() -> None:
    opened = case(unexplained(), without=("ended",))
    assert mother(opened, "2025-12-02").next.startswith("4 of at most 3 sessions")
    assert "improvement over" not in kinds(opened, "2025-12-10")
    (over,) = [duty for duty in duties(opened, "2025-12-11") if duty.rule == "improvement over"]
    assert command_line(over.action) == f"attendance case improved {PUPIL} PN-1 2025-12-10 --no"
    assert mother(case(unexplained()), "2025-12-11").next == "check the referral, then refer the case to the authority"
    assert mother(case(unexplained(improved=True)), "2025-12-11").next == "attendance improved"


# --- the notice: what it costs until when ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "standing", "owed"),
    [
        ("2025-12-08", "open", 8000),
        ("2025-12-28", "open", 8000),  # the 21st day, the day of receipt being the first
        ("2025-12-29", "open", 16000),
        ("2026-01-04", "open", 16000),  # the 28th
        ("2026-01-05", "unpaid", 0),
    ],
)
def test_eighty_pounds_within_21_days_and_160_within_28(as_of: str, standing: str, owed: int) -> None:
    notice = only_case(case(holiday(), REFERRED, ISSUED, SERVED), as_of).notice
    assert notice is not None
    assert (notice.standing, notice.owed_pence, notice.second) == (standing, owed, False)


def test_before_it_was_issued_there_was_no_notice() -> None:
    opened = case(holiday(), REFERRED, ISSUED, SERVED)
    then = only_case(opened, "2025-12-07")
    assert then.notice is None and len(then.referred) == 1 and then.next.startswith("the authority decides")
    assert only_case(opened, "2025-12-02").referred == []
    assert mother(opened, "2025-12-01").cases == []


def test_nobody_recorded_how_it_was_sent_so_it_came_by_post() -> None:
    notice = only_case(case(holiday(), ISSUED), "2025-12-08").notice
    assert notice is not None and (notice.received_on, notice.sent_on) == (date(2025, 12, 10), None)
    assert "notice served" in kinds(case(holiday(), ISSUED), "2025-12-08")


def test_a_second_notice_has_no_reduction() -> None:
    first = line(
        "2025-11-10T10:00", "IssuePenaltyNotice", notice="PN-0", parent=MOTHER, issued_on="2025-11-10",
        sessions=["2025-11-07/AM"],
    )  # fmt: skip
    second = {**ISSUED, "notice": "PN-1"}
    cases = mother(case(holiday(), first, second), "2025-12-08").cases
    assert [each.notice.second for each in cases if each.notice] == [False, True]
    assert [each.notice.reduced_pence for each in cases if each.notice] == [8000, 16000]


@pytest.mark.parametrize(
    ("on", "amount", "standing", "wrong"),
    [
        ("2025-12-28", 80, "paid", False),
        ("2025-12-29", 80, "open", True),
        ("2025-12-29", 160, "paid", False),
        ("2025-12-28", 79, "open", True),
    ],
)
def test_a_payment_is_what_was_owed_on_its_day(on: str, amount: int, standing: str, wrong: bool) -> None:
    opened = case(holiday(), ISSUED, SERVED, paid(on, amount))
    notice = only_case(opened, "2026-01-02").notice
    assert notice is not None and notice.standing == standing
    assert ("payment" in kinds(opened, "2026-01-02")) is wrong


@pytest.mark.parametrize(
    ("as_of", "left", "until"),
    [
        ("2025-12-28", 4050, "2025-12-28"),
        ("2025-12-29", 12050, "2026-01-04"),
        ("2026-01-04", 4050, "2026-01-04"),  # 80 pounds came in on that day, too late for the lower sum
    ],
)
def test_every_page_says_the_same_is_left_to_pay_until_the_same_day(as_of: str, left: int, until: str) -> None:
    opened = case(holiday(), ISSUED, SERVED, paid("2025-12-12", 39.5), paid("2026-01-04", 80))
    found = only_case(opened, as_of)
    said = f"{pounds(left)} discharges it until {until}"
    assert found.notice and (found.notice.owed_pence, str(found.notice.owed_until)) == (left, until)
    assert found.next == said and f" PN-1 {pounds(left).removeprefix('£')} --paid-on" in found.command
    (duty,) = [each for each in duties(opened, as_of) if each.rule == "notice open"]
    assert duty.sentence == f"PN-1: {said}" and str(duty.by) == until


def test_a_second_notice_is_paid_in_full_within_28_days() -> None:
    first = {**ISSUED, "notice": "PN-0", "sessions": HOLIDAY[:1]}
    (found,) = [
        each for each in mother(case(holiday(), first, ISSUED, SERVED), "2025-12-08").cases if each.case == "PN-1"
    ]
    assert found.next == "£160 discharges it until 2026-01-04"


def test_a_notice_near_its_last_day_is_soon_and_one_past_it_is_for_today() -> None:
    opened = case(holiday(), ISSUED, SERVED)
    by_kind = {duty.rule: duty for duty in duties(opened, "2025-12-26")}
    assert (by_kind["notice open"].urgency.name, by_kind["notice open"].by) == ("SOON", date(2025, 12, 28))
    unpaid = {duty.rule: duty for duty in duties(opened, "2026-01-05")}["notice unpaid"]
    assert unpaid.urgency.name == "TODAY" and "--offence '444(1)'" in command_line(unpaid.action)
    assert "notice unpaid" not in kinds(opened, "2026-01-04")


def test_a_withdrawal_undoes_a_notice_for_every_day_once_it_is_known() -> None:
    opened = case(holiday(), ISSUED)
    before = opened.answers.moment().known_at
    opened.send(
        {"at": "2026-01-02T10:00", "command": "WithdrawPenaltyNotice", "pupil": PUPIL, "notice": "PN-1",
         "by": {"id": "head", "name": "H Example", "title": "Headteacher"}, "reason": "the wrong parent"}
    )  # fmt: skip
    notice = only_case(opened, "2025-12-08").notice
    assert notice is not None and (notice.standing, notice.withdrawn_for) == ("withdrawn", "the wrong parent")
    assert mother(opened, "2025-12-08").notices_in_three_years == 0
    then = next(each for each in ladder(opened, "2025-12-08", before).parents if each.parent == MOTHER)
    assert then.cases[0].notice and then.cases[0].notice.standing == "open" and then.notices_in_three_years == 1


# --- dated ahead ----------------------------------------------------------------------------------------------------


def test_a_notice_dated_ahead_is_said_and_nothing_is_asked_for_until_its_day() -> None:
    coming = {**ISSUED, "issued_on": "2026-02-02"}
    for opened in (case(holiday(), coming, without=("considered",)), case(holiday(), REFERRED, coming)):
        found = mother(opened, "2025-12-12")
        assert (found.next, found.command) == ("dated ahead: notice issued on 2026-02-02", "")
        assert [(each.notice, each.next) for each in found.cases] == [(None, found.next)]
        assert not [duty for duty in duties(opened, "2025-12-12") if "PN-1" in duty.sentence]
        assert mother(opened, "2026-02-02").next.startswith("record how the notice was sent")


def test_a_withdrawn_notice_dated_ahead_stands_in_nobodys_way() -> None:
    withdrawn = line("2025-12-09T10:00", "WithdrawPenaltyNotice", notice="PN-1", reason="a wrong year")
    found = mother(
        case(holiday(), {**ISSUED, "issued_on": "2026-02-02"}, withdrawn, without=("considered",)), "2025-12-12"
    )
    assert found.cases == [] and found.next.startswith("10 sessions, met on")


@pytest.mark.parametrize(("amount", "command"), [(80, False), (40, True)])
def test_a_payment_dated_ahead_is_said_beside_what_is_owed_until_then(amount: int, command: bool) -> None:
    opened = case(holiday(), ISSUED, SERVED, paid("2025-12-26", amount, at="2025-12-09T10:00"))
    found = only_case(opened, "2025-12-12")
    assert found.next == f"£80 discharges it until 2025-12-28; dated ahead: £{amount} paid on 2025-12-26"
    # A payment that is recorded already may not be asked for again.
    assert bool(found.command) is command and ("notice open" in kinds(opened, "2025-12-12")) is command
    assert "dated ahead" not in only_case(opened, "2025-12-26").next


# --- amendments that undermine --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("named", "what"), [(REFERRED, "referral"), (ISSUED, "notice")])
def test_an_amendment_of_a_named_session_undermines_it(named: dict[str, Any], what: str) -> None:
    later = amended(HOLIDAY[3], "I", "2025-12-10T10:00", "a doctor's letter came")
    assert f"{what} undermined" not in kinds(case(holiday(), named), "2025-12-10")
    opened = case(holiday(), named, later)
    (duty,) = [each for each in duties(opened, "2025-12-10") if each.rule == f"{what} undermined"]
    stream = entry_stream(PUPIL, Session.parse(HOLIDAY[3]))
    position = opened.ledger.reads.stream_rows([stream])[-1].position
    what_now = "withdraw it, or consider the case again"
    assert duty.sentence == f"PN-1 names {HOLIDAY[3]}, which holds I since position {position}: {what_now}"
    (off,) = only_case(opened, "2025-12-10").undermined
    assert (off.session, off.code, off.position) == (HOLIDAY[3], "I", position)


def test_who_considers_the_case_after_an_amendment_lets_the_notice_stand() -> None:
    later = amended(HOLIDAY[3], "I", "2025-12-10T10:00", "a doctor's letter came")
    again = line(
        "2025-12-10T11:00", "ConsiderPenalty", notice="PN-1", parent=MOTHER, considered_on="2025-12-10",
        route="no support", decision="nothing", reasons="nine sessions are left, and the authority was told",
    )  # fmt: skip
    opened = case(holiday(), ISSUED, later, again)
    assert "notice undermined" not in kinds(opened, "2025-12-10")
    assert [off.session for off in only_case(opened, "2025-12-10").undermined] == [HOLIDAY[3]], (
        "the case still shows it"
    )


def test_an_amendment_to_another_code_that_counts_undermines_nothing() -> None:
    later = amended(HOLIDAY[3], "O", "2025-12-10T10:00", "they were at home")
    assert only_case(case(holiday(), ISSUED, later), "2025-12-10").undermined == ()


# --- what was seen is pinned -----------------------------------------------------------------------------------------


def the_event(opened: OpenedSchool) -> tuple[int, Any]:
    (row,) = opened.ledger.reads.stream_rows([notice_stream(PUPIL, "PN-1")])[1:]
    return row.position, decode(row.state)


@pytest.mark.parametrize("named", [REFERRED, ISSUED], ids=["referral", "notice"])
def test_the_position_policy_and_digest_are_those_decided_on(named: dict[str, Any]) -> None:
    somebody_new = {**named, "by": {"id": "la", "name": "L Authority", "title": "LA officer"}}
    opened = case(holiday(), somebody_new)
    position, event = the_event(opened)
    assert (event.policy, event.seen) == ("micklem-2025", position - 2), "the person was introduced in between"
    mine = [row for row in opened.rows() if row.stream.startswith(f"{PUPIL}/") and row.position <= event.seen]
    sealed = [line.text for line in read(mine).year_lines() if not line.family]
    assert event.digest == sha256(b"".join(text + b"\n" for text in sealed)).hexdigest()
    assert [text.split()[0] for text in sealed] == [b"1042/0", b"1042/2025"]


def test_a_referral_pins_what_somebody_had_seen_before() -> None:
    mine = case(holiday()).ledger.reads.prefix_rows(f"{PUPIL}/")
    seen = sorted(row.position for row in mine)[30]
    _, event = the_event(opened := case(holiday(), {**REFERRED, "seen": seen}))
    rows = opened.ledger.reads.prefix_rows(f"{PUPIL}/")
    assert (event.seen, event.digest) == (seen, digest_of(pupil_lines(rows, seen)))
    assert event.digest != digest_of(pupil_lines(rows, seen - 1))


def test_what_is_recorded_between_looking_and_deciding_was_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = case(holiday())
    head, _ = opened.ledger.reads.head()
    first = amended(HOLIDAY[0], "I", "2025-12-15T10:00", "a letter")
    append = opened.ledger.append

    def after_somebody_else(*envelopes: Any, **how: Any) -> list[int]:
        monkeypatch.undo()
        opened.send({name: value for name, value in first.items() if name != "tag"})
        return append(*envelopes, **how)

    monkeypatch.setattr(opened.ledger, "append", after_somebody_else)
    opened.send({**{name: value for name, value in ISSUED.items() if name != "tag"}, "at": "2025-12-15T10:00"})
    position, event = the_event(opened)
    assert (event.seen, position) == (head, head + 2)
    assert event.digest == digest_of(pupil_lines(opened.ledger.reads.prefix_rows(f"{PUPIL}/"), head))


def test_a_policy_adopted_afterwards_for_an_earlier_day_changes_nothing_of_a_notice() -> None:
    """Under the one policy an N counts, and under the other it does not."""
    lines = [each for each in holiday(policy="national-2024") if each["tag"] != "code"]
    later = line("2025-12-10T10:00", "AdoptPolicy", policy="micklem-2025", **{"from_day": "2025-11-01"})
    assert only_case(case(lines, ISSUED), "2025-12-10").undermined == ()
    opened = case(lines, ISSUED, {name: value for name, value in later.items() if name != "pupil"})
    assert only_case(opened, "2025-12-10").undermined == ()


def test_the_case_shows_what_was_pinned() -> None:
    opened = case(holiday(), REFERRED, ISSUED)
    found = only_case(opened, "2025-12-10")
    (referral,), notice = found.referred, found.notice
    assert notice is not None and notice.policy == referral.policy == "micklem-2025"
    assert (referral.seen, notice.seen) == (referral.position - 1, notice.position - 1)
    for made in (referral, notice):
        assert made.digest == digest_of(pupil_lines(opened.ledger.reads.prefix_rows(f"{PUPIL}/"), made.seen))


def untagged(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "tag"}


# --- never a third in three years -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "running", "barred"),
    [("2027-12-08", 2, True), ("2027-12-09", 1, False), ("2028-02-02", 1, False), ("2028-02-03", 0, False)],
)
def test_three_years_run_from_each_notice_to_the_day(as_of: str, running: int, barred: bool) -> None:
    notices = [
        Notice(PUPIL, "PN-1", MOTHER, date(2024, 12, 9)),
        Notice(PUPIL, "PN-2", MOTHER, date(2025, 2, 3)),
        Notice(PUPIL, "PN-3", FATHER, date(2025, 2, 3)),
        Notice(PUPIL, "PN-4", MOTHER, date(2025, 2, 3), withdrawn=True),
        Notice(PUPIL, "PN-5", MOTHER, date(2024, 8, 18)),
    ]
    found = rolling(notices, MOTHER, date.fromisoformat(as_of), MICKLEM)
    assert (len(found.issued), found.barred) == (running, barred)
    if running == 2:
        assert found.runs_out_on == date(2027, 12, 9)


@pytest.mark.parametrize("outcome", ["acquitted", "withdrawn"])
def test_a_notice_that_came_to_nothing_in_court_counts_no_more_from_that_day(outcome: str) -> None:
    begun = line("2026-01-06T10:00", "BeginProsecution", notice="PN-1", begun_on="2026-01-06", offence="444(1)")
    ended = line("2026-03-10T10:00", "EndProsecution", notice="PN-1", ended_on="2026-03-10", outcome=outcome)
    opened = case(holiday(), ISSUED, SERVED, begun, ended)
    assert mother(opened, "2026-03-09").notices_in_three_years == 1
    assert mother(opened, "2026-03-10").notices_in_three_years == 0
    again = line("2026-03-11T10:00", "IssuePenaltyNotice", notice="PN-2", parent=MOTHER, issued_on="2026-03-11",
                 sessions=[HOLIDAY[0]])  # fmt: skip
    opened.send(untagged(again))
    second = next(each for each in mother(opened, "2026-03-12").cases if each.case == "PN-2").notice
    assert second is not None and not second.second


def test_only_those_that_count_stand_in_the_way_of_a_third() -> None:
    two = [
        line(f"2025-12-0{day}T10:00", "IssuePenaltyNotice", notice=f"PN-{day}", parent=MOTHER,
             issued_on=f"2025-12-0{day}", sessions=[HOLIDAY[day]])
        for day in (3, 4)
    ]  # fmt: skip
    begun = line("2026-01-06T10:00", "BeginProsecution", notice="PN-3", begun_on="2026-01-06", offence="444(1)")
    ended = line("2026-03-10T10:00", "EndProsecution", notice="PN-3", ended_on="2026-03-10", outcome="acquitted")
    third = {"notice": "PN-5", "parent": MOTHER, "sessions": [HOLIDAY[0]]}
    opened = case(holiday(), *two, begun)
    early = line("2026-03-09T10:00", "IssuePenaltyNotice", issued_on="2026-03-09", **third)
    assert opened.refusal(untagged(early)) == "third_in_three_years"
    opened.send(untagged(ended))
    opened.send(untagged(line("2026-03-10T11:00", "IssuePenaltyNotice", issued_on="2026-03-10", **third)))


def test_a_case_that_goes_on_when_a_third_is_barred_wants_another_answer() -> None:
    two = [
        line(f"2025-12-0{day}T10:00", "IssuePenaltyNotice", notice=f"PN-{day}", parent=MOTHER,
             issued_on=f"2025-12-0{day}", sessions=[HOLIDAY[day]])
        for day in (3, 4)
    ]  # fmt: skip
    opened = case(holiday(), *two)
    (duty,) = [each for each in duties(opened, "2025-12-05") if each.rule == "third barred"]
    assert "before 2028-12-03" in duty.sentence and "--decision other" in command_line(duty.action)
    assert mother(opened, "2025-12-05").third_barred
    instead = line(
        "2025-12-05T10:00", "ConsiderPenalty", notice="PN-1", parent=MOTHER, considered_on="2025-12-05",
        route="no support", decision="other", reasons="two notices did not help", instead="prosecution",
    )  # fmt: skip
    answered = case(holiday(), *two, instead)
    assert "third barred" not in kinds(answered, "2025-12-05")
    considered = next(each for each in mother(answered, "2025-12-05").cases if each.case == "PN-1").considered
    assert considered[-1].instead == "prosecution"


# --- prosecution ----------------------------------------------------------------------------------------------------


def test_a_prosecution_stands_with_its_outcome_from_its_own_days_on() -> None:
    begun = line(
        "2026-01-06T10:00", "BeginProsecution", notice="PN-1", begun_on="2026-01-06", offence="444(1)"
    )  # fmt: skip
    ended = line(
        "2026-03-10T10:00", "EndProsecution", notice="PN-1", ended_on="2026-03-10", outcome="convicted", fine=250,
        said="pleaded guilty",
    )  # fmt: skip
    opened = case(holiday(), ISSUED, SERVED, begun, ended)
    assert only_case(opened, "2026-01-05").prosecution is None
    running = only_case(opened, "2026-03-09")
    assert running.prosecution and running.prosecution.ended_on is None
    assert running.next == "record how the prosecution ends"
    over = only_case(opened, "2026-03-10")
    assert over.prosecution and (over.prosecution.outcome, over.prosecution.fine_pence) == ("convicted", 25000)
    assert over.next == "the prosecution has ended: convicted"


@pytest.mark.parametrize(("pence", "said"), [(8000, "£80"), (8050, "£80.50"), (5, "£0.05")])
def test_amounts_are_said_as_people_write_them(pence: int, said: str) -> None:
    assert pounds(pence) == said
