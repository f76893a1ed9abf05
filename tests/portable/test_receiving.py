"""What the next school makes of a record: whom it takes it for, when it counts, and what it counts to."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from commands.paper.referral import referral_facts
from ledger.errors import Refused
from ledger.sessions import parse_moment
from projections.asking.encoder import plain
from projections.asking.questions import Moment
from projections.audit.compare import differences
from projections.audit.explain import explain_penalty
from projections.figures.cohorts import penalty_windows
from projections.figures.penalty import PenaltyWindow
from projections.penalties.ladder import ladder_lines
from projections.penalties.ladder_answers import ladder_answers
from projections.penalties.referral import referrals
from projections.records.registers import received_answers
from tests.evidence.bundles import verdict
from tests.machines.questions import everything
from tests.proofs.checker import check
from tests.support.former import (
    KEPT,
    NAME,
    OFFICE,
    PUPIL,
    UPN,
    URN,
    Line,
    Signed,
    made,
    marked,
    notice,
    opening,
    seal_again,
    seal_of,
    signed,
)
from tests.support.schools import OpenedSchool, open_school

STARTS, CAME = "2024-09-09", "2024-09-09T08:00"
THERE = {"2024-09-03/AM": "O", "2024-09-03/PM": "O", "2024-09-04/AM": "G", "2024-09-04/PM": "G",
         "2024-09-05/AM": "/", "2024-09-05/PM": "N"}  # fmt: skip
HERE = {f"2024-09-{day}/{half}": "O" for day in ("10", "11", "12") for half in ("AM", "PM")}
OURS = {f"{PUPIL}-a": "1042-b"}


def former(*more: Line) -> list[Line]:
    return [*opening("2024-09-03", "2025-07-22"), *marked(THERE), *more]


def new_school(url: str = "memory:", **pupil: Any) -> OpenedSchool:
    """Return the next school: a year of the same calendar, the pupil admitted for the following Monday."""
    parents = [{"id": f"1042-{letter}", "name": "A Parent", "address": "1 Lane"} for letter in "ab"]
    opened, year, admitted = opening("2024-09-03", "2025-07-22", "117000")
    moved = {**admitted, "pupil": "1042", "starting_day": STARTS, "parents": parents, **pupil}
    return open_school(url).replay([opened, year, moved])


def window(school: OpenedSchool, as_of: str = "2024-09-13", known_at: str | None = None) -> PenaltyWindow:
    moment = school.answers.moment(date.fromisoformat(as_of), parse_moment(known_at) if known_at else None)
    return penalty_windows(school.answers, moment, ["1042"], empty=True)[0]


def refusal(school: OpenedSchool, record: Signed, **more: Any) -> str:
    return school.refusal(record.received(**{"pupil": "1042", "at": CAME, **more}))


# --- what counts ----------------------------------------------------------------------------------------------------


def test_the_ten_weeks_go_on(fresh_url: Callable[[], str]) -> None:
    with closing(new_school(fresh_url())) as school:
        done = school.send(made(former()).received("1042", CAME))
        school.replay(marked(HERE, "1042"))
        answer = window(school)
        assert (answer.count, answer.met, answer.met_on, answer.unresolved) == (11, True, "2024-09-12/AM", 1)
        received = [each for each in answer.sessions if each.school]
        assert [each.session for each in received] == [s for s, code in THERE.items() if code != "/"]
        assert {(each.school, each.position) for each in received} == {(URN, done.position)}
        rows = plain(answer.sessions)
        assert [list(each) for each in (rows[0], rows[-1])] == [
            ["session", "code", "position", "recorded_at", "school"],
            ["session", "code", "position", "recorded_at"],
        ]


def test_it_counts_only_once_it_is_known(fresh_url: Callable[[], str]) -> None:
    with closing(new_school(fresh_url())) as school:
        before, at = everything(school.answers, moment_of(school)), school.answers.moment().known_at
        school.send(made(former()).received("1042", CAME))
        assert everything(school.answers, moment_of(school, at)) == before
        assert everything(school.answers, moment_of(school)) != before
        assert (window(school, known_at="2024-09-09T07:59").count, window(school, known_at=CAME).count) == (0, 5)


def moment_of(school: OpenedSchool, known_at: Any = None) -> Moment:
    return school.answers.moment(date(2024, 9, 13), known_at)


def test_a_newer_record_of_the_same_school_replaces_the_earlier_one(tmp_path: Path) -> None:
    there = open_school().replay(former())
    seal = seal_of(there, tmp_path / "seal")
    first = signed(there, seal)
    there.send({"command": "AmendMark", "at": "2024-09-09T07:30", "by": OFFICE, "pupil": PUPIL,
                "session": "2024-09-05/PM", "code": "I", "reason": "a letter came"})  # fmt: skip
    seal_again(there, seal)
    second = signed(there, seal)
    school = new_school()
    assert refusal(school, first) == ""
    assert (window(school).count, window(school).unresolved) == (5, 1)
    assert refusal(school, first, at="2024-09-09T08:01") == "record_not_newer"
    assert refusal(school, second, at="2024-09-09T08:02") == ""
    assert (window(school).count, window(school).unresolved) == (4, 0)
    assert refusal(school, first, at="2024-09-09T08:03") == "record_not_newer"
    assert refusal(school, second, at="2024-09-09T08:04") == "record_not_newer"
    assert window(school, known_at="2024-09-09T08:01").count == 5, "and what was known then stays known then"
    explained = explain_penalty(school.answers, moment_of(school), "1042")
    assert check(plain(explained)) == []


def test_two_former_schools_count_a_session_once() -> None:
    other = made([*opening("2024-09-03", "2025-07-22", "119000"), *marked({**THERE, "2024-09-05/AM": "U"})])
    school = new_school().replay([made(former()).received("1042", CAME), other.received("1042", "2024-09-09T08:01")])
    counted = {each.session: each.school for each in window(school).sessions}
    assert counted == {**{s: URN for s, code in THERE.items() if code != "/"}}, "the first one's word stands"


# --- notices --------------------------------------------------------------------------------------------------------


def noticed() -> Signed:
    return made(former(notice("PN-1", "2024-09-05T16:00", "2024-09-04/AM", "2024-09-04/PM")))


def test_a_notice_of_the_former_school_takes_its_sessions_away_and_counts_where_a_person_knew_the_parent() -> None:
    for parents, notices in (({}, [0, 0]), (OURS, [0, 1])):
        school = new_school().replay([noticed().received("1042", CAME, parents=parents)])
        answer = window(school)
        assert answer.count == 3, "in whosever notice"
        assert [line.notices_in_three_years for line in answer.parents] == notices
        assert [line.count for line in answer.parents] == [5, 3 if parents else 5]


def test_a_person_may_recognise_the_parent_later() -> None:
    record = noticed()
    school = new_school().replay([record.received("1042", CAME)])
    assert refusal(school, record, at="2024-09-09T08:01", parents={f"{PUPIL}-b": "1042-b"}) == "malformed"
    assert refusal(school, record, at="2024-09-09T08:01", parents={f"{PUPIL}-a": "1042-c"}) == "unknown_person"
    assert refusal(school, record, at="2024-09-09T08:02", parents=OURS) == ""
    assert [line.notices_in_three_years for line in window(school).parents] == [0, 1]


def test_a_third_notice_in_three_years_is_refused_whichever_school_issued_the_others() -> None:
    second = notice("PN-2", "2024-09-05T16:10", "2024-09-03/AM")
    record = made(former(notice("PN-1", "2024-09-05T16:00", "2024-09-04/AM"), second))
    school = new_school().replay([record.received("1042", CAME, parents=OURS), *marked(HERE, "1042")])
    issue = {"command": "IssuePenaltyNotice", "at": "2024-09-13T09:00", "by": OFFICE, "pupil": "1042",
             "notice": "PN-1", "issued_on": "2024-09-13", "sessions": ["2024-09-10/AM"]}  # fmt: skip
    assert school.refusal({**issue, "parent": "1042-b"}) == "third_in_three_years"
    assert school.refusal({**issue, "parent": "1042-a"}) == ""
    (first, barred) = ladder_lines(school.answers, moment_of(school), ["1042"])
    assert (len(first.rolling.issued), first.cases[0].terms.second) == (1, False)  # type: ignore[union-attr]
    assert barred.rolling.barred


def test_the_second_notice_costs_what_a_second_one_does() -> None:
    record = made(former(notice("PN-1", "2024-09-05T16:00", "2024-09-04/AM")))
    issue = {"command": "IssuePenaltyNotice", "at": "2024-09-13T09:00", "by": OFFICE, "pupil": "1042",
             "parent": "1042-b", "notice": "PN-1", "issued_on": "2024-09-13",
             "sessions": ["2024-09-10/AM", "2024-09-03/AM"]}  # fmt: skip
    school = new_school().replay([record.received("1042", CAME, parents=OURS), *marked(HERE, "1042"), issue])
    line = ladder_lines(school.answers, moment_of(school), ["1042"])[1]
    assert line.cases[0].terms is not None and line.cases[0].terms.second
    assert line.cases[0].undermined == (), "also by the session that the former school marked"
    assert new_school().replay(marked(HERE, "1042")).refusal(issue) == "pupil_not_on_roll", "which needs the record"


# --- whom and what it is refused for ----------------------------------------------------------------------------------


def test_a_refusal_names_the_field_and_never_what_stood_in_it() -> None:
    record = made(former())
    for field, value, pupil in (("upn", UPN, {"upn": "M80120000500A"}), ("born", "2016-03-09", {"born": "2016-03-10"})):
        with pytest.raises(Refused) as caught:
            new_school(**pupil).send(record.received("1042", CAME))
        assert (caught.value.rule, caught.value.field) == ("not_this_pupil", field)
        assert value not in str(caught.value) and pupil[field] not in str(caught.value)


def test_particulars_put_right_are_what_a_record_is_held_against() -> None:
    school = new_school(upn=None)
    assert refusal(school, made(former())) == "not_this_pupil"
    right = {"command": "AmendParticulars", "at": CAME, "by": OFFICE, "pupil": "1042", "from_day": STARTS, "upn": UPN,
             "reason": "from the transfer file"}  # fmt: skip
    assert refusal(school.replay([right]), made(former())) == ""


def test_a_record_is_of_another_school_and_of_the_time_before_the_pupil_came() -> None:
    own = made([*opening("2024-09-03", "2025-07-22", "117000"), *marked(THERE)])
    assert refusal(new_school(), own) == "malformed"
    overlapping = made(former(*marked({"2024-09-09/AM": "N"})))
    assert refusal(new_school(), overlapping, at="2024-09-09T09:30") == "session_on_own_roll"
    assert refusal(new_school(), overlapping, at=CAME) == "malformed", "nor made later than now"


def test_the_other_schools_key_does_not_open_it() -> None:
    with pytest.raises(Refused, match=r"record_not_genuine: record, expected a record that this key signed"):
        new_school().send({**made(former()).received("1042", CAME), "key": made(former()).key})


def test_a_simulated_record_stays_out_of_a_ledger_with_its_own_clock() -> None:
    from commands.handle import Handler
    from commands.models import parse

    fresh, record = open_school(), made(former())
    handler = Handler(fresh.ledger, fresh.keys, simulated=False)
    for line in opening("2024-09-03", "2025-07-22", "117000"):
        handler.handle(parse({name: value for name, value in line.items() if name != "at"}))
    line = record.received(PUPIL, CAME)
    refused = handler.refusal(parse({name: value for name, value in line.items() if name != "at"}))
    assert refused is not None and "not simulated" in str(refused)


# --- what rests on it -----------------------------------------------------------------------------------------------


def referred() -> OpenedSchool:
    consider = {"command": "ConsiderPenalty", "at": "2024-09-13T09:00", "by": OFFICE, "pupil": "1042",
                "parent": "1042-a", "notice": "PN-1", "considered_on": "2024-09-13", "route": "no support",
                "decision": "notice", "reasons": "eleven sessions"}  # fmt: skip
    school = new_school().replay([made(former()).received("1042", CAME), *marked(HERE, "1042"), consider])
    named = [each.session for each in window(school).sessions]
    refer = {"command": "ReferPenalty", "at": "2024-09-13T10:00", "by": OFFICE, "pupil": "1042", "notice": "PN-1",
             "referred_on": "2024-09-13", "sessions": named}  # fmt: skip
    return school.replay([refer])


def test_the_linter_says_that_the_former_school_has_to_evidence_its_sessions() -> None:
    school = referred()
    answer = referrals(school.answers, moment_of(school), "1042", "1042-a")[0].answer
    (finding,) = [each for each in answer.findings if each.check == "rests_on_received"]
    assert finding.sentence == "5 of 11 sessions are of school 118000, which has to evidence them"
    (still,) = [each for each in answer.blockers if each.check == "unresolved"]
    assert still.session == "2024-09-05/PM" and "attendance receive" in still.command
    followed = [each.session for each in answer.blockers if each.check == "never_followed_up"]
    assert followed == [*HERE], "calls about the other sessions are in the other school's chronology"
    assert not [each for each in answer.blockers if each.check == "no_longer_counts"]


def test_the_papers_of_a_referral_say_whose_sessions_they_are() -> None:
    school = referred()
    moment = moment_of(school)
    referral = referrals(school.answers, moment, "1042", "1042-a")[0]
    ladder = ladder_answers(school.answers, moment, ["1042"])[0].parents[0]
    known = school.answers.particulars(moment, ["1042"])["1042"]
    rows = referral_facts(referral, ladder, known, moment, draft=True)["sessions"]
    assert [row[0] for row in rows if row[5] == f"school {URN}"] == [s for s, code in THERE.items() if code != "/"]
    assert len(rows) == 11


def test_a_stranger_can_check_evidence_that_rests_on_a_record(tmp_path: Path) -> None:
    from commands.evidence import bundle
    from projections.audit.evidence import evidence, period_of, pinned

    school = referred()
    seal = seal_of(school, tmp_path / "seal", "attendance/117000")
    moment, pin = pinned(school.answers, moment_of(school), "1042", "PN-1")
    found, basis = evidence(school.answers, moment, "1042", *period_of(moment, pin), pin)
    members = bundle(school.answers, moment, found, basis, seal, draft=True).members
    assert verdict(members, str(seal.key)) == ""
    told = json.loads(members["evidence.json"])
    assert told["penalty"]["counts"]["penalty"] == 11
    told["penalty"]["sessions"] = [each for each in told["penalty"]["sessions"] if "school" not in each]
    assert verdict({**members, "evidence.json": json.dumps(told).encode()}, str(seal.key), unsigned=True) != ""


def test_what_changed_between_two_moments_names_the_record() -> None:
    school = new_school().replay([made(former()).received("1042", CAME)])
    then = school.answers.moment(date(2024, 9, 13), parse_moment("2024-09-09T07:59"))
    (found,) = differences(school.answers, then, moment_of(school), ["1042"])
    assert [(other.what, other.about) for other in found.others] == [("RecordReceived", "1042")]
    assert found.counts == {"penalty": (0, 5)}


def test_it_is_told_from_where_a_record_came() -> None:
    school = new_school().replay([noticed().received("1042", CAME)])
    (told,) = received_answers(school.answers, moment_of(school), "1042")
    assert (told.school, told.name, told.sessions, told.notices) == (URN, NAME, 6, 1)


def test_the_kept_record_is_one_of_this_form() -> None:
    assert json.loads(KEPT.read_text(encoding="utf-8"))["record"]["form"] == "attendance portable record 2"
