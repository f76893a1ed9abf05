"""What comes before something else is a rule: each step is refused until the step before it was taken, and once it was
taken twice. Most examples happen in the evening of 20 January 2025, after the 28 days of a notice of 9 December."""

from __future__ import annotations

from typing import Any

import pytest

from commands.deciding.state import Fact
from tests.support.given import (
    FATHER,
    MORNING,
    MOTHER,
    PUPIL,
    Facts,
    given,
    leave_decided,
    leave_requested,
    leave_withdrawn,
    left,
    notice,
    notice_withdrawn,
    send,
)
from tests.support.given_cases import (
    considered,
    evidence_requested,
    evidence_seen,
    improvement_ended,
    improvement_required,
    paid,
    prosecuted,
    prosecution_ended,
    return_made,
    served,
    supported,
)

TODAY = "2025-01-20"
EVENING = f"{TODAY}T16:00:00"
AHEAD, WITHOUT_NOTICE = "2025-02-03/AM", "2025-02-04/AM"
Line = dict[str, Any]

ASKED = leave_requested(AHEAD, WITHOUT_NOTICE)
DECIDED = leave_decided({AHEAD: "C"}, AHEAD)
ISSUED, SECOND = notice("PN-1", MORNING), notice("PN-2", MORNING, issued_on="2025-01-13")
IMPROVING = [considered("PN-1", "improve"), improvement_required("PN-1")]
OTHER = considered("PN-1", "other")


def about(command: str, **fields: Any) -> Line:
    return send(command, pupil=PUPIL, **fields)


def decide(session: str = AHEAD) -> Line:
    return about("DecideLeave", request="LR-1", granted=[{"session": session, "code": "C"}], reason="a ceremony")


def consider(decision: str = "notice", parent: str = MOTHER, on: str = TODAY) -> Line:
    how = {"route": "support", "decision": decision, "considered_on": on, "reasons": "late every day"}
    return about("ConsiderPenalty", notice="PN-1", parent=parent, **how)


def improve(on: str = "2025-01-13") -> Line:
    return about("RequireImprovement", notice="PN-1", issued_on=on, ends_on="2025-02-24", at_most=2)


def end_improvement(on: str = TODAY) -> Line:
    return about("EndImprovement", notice="PN-1", ended_on=on, improved=False)


def refer(on: str = TODAY) -> Line:
    return about("ReferPenalty", notice="PN-1", referred_on=on, sessions=[MORNING])


def issue(name: str = "PN-1", parent: str = MOTHER, on: str = TODAY) -> Line:
    return about("IssuePenaltyNotice", notice=name, parent=parent, issued_on=on, sessions=[MORNING])


def serve(received_on: str | None = None) -> Line:
    return about("ServeNotice", notice="PN-1", method="post", sent_on="2024-12-09", received_on=received_on)


def pay(on: str = TODAY, amount: int = 80) -> Line:
    return about("RecordPayment", notice="PN-1", paid_on=on, amount=amount)


def withdraw() -> Line:
    return about("WithdrawPenaltyNotice", notice="PN-1", reason="wrong address")


def prosecute(on: str = TODAY) -> Line:
    return about("BeginProsecution", notice="PN-1", begun_on=on, offence="444(1)")


def end_prosecution(on: str = TODAY) -> Line:
    return about("EndProsecution", notice="PN-1", ended_on=on, outcome="convicted", fine=250)


def support(stage: str, on: str = TODAY, step: str = "support plan") -> Line:
    return about("RecordSupport", step=step, stage=stage, on=on)


def steps(*stages: str) -> list[Fact]:
    """Stages of a support plan, a day after another."""
    return [supported("support plan", stage, f"2025-01-{day}") for day, stage in enumerate(stages, 13)]


def give_back(on: str = TODAY) -> Line:
    return about("ReturnEvidence", evidence="ME-1", returned_on=on)


def remove(last_day: str) -> Line:
    return about("RemoveFromRoll", last_day=last_day, ground="moved away")


WRONG: dict[str, tuple[list[Fact], Line, str]] = {
    # leave
    "leave decided before it was asked for": ([], decide(), "no_such_leave"),
    "leave decided twice": ([ASKED, DECIDED], decide(), "leave_already_decided"),
    "leave decided after it was withdrawn": ([ASKED, leave_withdrawn(AHEAD)], decide(), "leave_withdrawn"),
    "leave withdrawn before it was asked for": ([], about("WithdrawLeave", request="LR-1"), "no_such_leave"),
    "leave granted afterwards": (
        [leave_requested("2025-01-20/AM", "2025-01-20/PM")],
        decide("2025-01-20/PM"),
        "leave_not_in_advance",
    ),
    # the roll
    "a name deleted in the past": ([], remove("2025-01-19"), "removal_in_the_past"),
    "a name deleted again after its last day": ([left("2025-01-19")], remove(TODAY), "pupil_not_on_roll"),
    # the case
    "an improvement required before anybody considered it": ([], improve(), "not_considered"),
    "an improvement required of a day before": ([considered("PN-1", "improve", TODAY)], improve(), "not_considered"),
    "an improvement required twice": (IMPROVING, improve(), "improvement_required_already"),
    "an improvement required after the notice": ([OTHER, ISSUED], improve(), "notice_exists"),
    "an improvement ended before it was required": (IMPROVING[:1], end_improvement(), "no_improvement_required"),
    "an improvement ended twice": ([*IMPROVING, improvement_ended("PN-1")], end_improvement(), "improvement_over"),
    "an improvement ended on a day before it began": (IMPROVING, end_improvement("2024-12-01"), "malformed"),
    "a referral before anybody considered it": ([], refer(), "not_considered"),
    "a referral of a day before": ([considered("PN-1", "notice", TODAY)], refer("2025-01-19"), "not_considered"),
    "a referral after the notice": ([OTHER, ISSUED], refer(), "notice_exists"),
    "a case considered for another parent": ([OTHER], consider(parent=FATHER), "case_of_another_parent"),
    # the notice
    "a notice issued twice": ([ISSUED], issue(), "notice_exists"),
    "a notice to another parent than the case": ([OTHER], issue(parent=FATHER), "case_of_another_parent"),
    "a third notice": ([ISSUED, SECOND], issue("PN-3"), "third_in_three_years"),
    "a third notice decided on": ([notice("PN-0", MORNING), SECOND], consider(), "third_in_three_years"),
    "a notice served before it was issued": ([OTHER], serve(), "no_such_notice"),
    "a notice served twice": ([ISSUED, served("PN-1")], serve(), "notice_served_already"),
    "a notice served after it was withdrawn": ([ISSUED, notice_withdrawn("PN-1")], serve(), "notice_withdrawn"),
    "a notice paid before it was issued": ([OTHER], pay(), "no_such_notice"),
    "a notice paid on a day before": ([ISSUED], pay("2024-12-08"), "paid_before_issue"),
    "a notice paid twice": ([ISSUED, paid("PN-1", 80, "2024-12-20")], pay(), "notice_already_paid"),
    "a notice paid after it was withdrawn": ([ISSUED, notice_withdrawn("PN-1")], pay(), "notice_withdrawn"),
    "a notice withdrawn before it was issued": ([OTHER], withdraw(), "no_such_notice"),
    "a notice withdrawn twice": ([ISSUED, notice_withdrawn("PN-1")], withdraw(), "notice_withdrawn"),
    # the court
    "a prosecution of what nobody considered": ([], prosecute(), "not_considered"),
    "a prosecution that nobody decided on": ([considered("PN-1", "nothing")], prosecute(), "prosecution_not_decided"),
    "a prosecution of a day before": ([considered("PN-1", "other", TODAY)], prosecute("2025-01-19"),
                                      "prosecution_not_decided"),
    "a prosecution on the 28th day": ([ISSUED], prosecute("2025-01-07"), "payment_still_open"),
    "a prosecution of what was paid": ([ISSUED, paid("PN-1", 80, "2024-12-31")], prosecute(), "notice_already_paid"),
    "a prosecution of what was withdrawn": ([ISSUED, notice_withdrawn("PN-1")], prosecute(), "notice_withdrawn"),
    "a prosecution begun twice": ([ISSUED, prosecuted("PN-1")], prosecute(), "prosecution_begun_already"),
    "a prosecution ended before it was begun": ([ISSUED], end_prosecution(), "no_prosecution"),
    "a prosecution ended on a day before": ([ISSUED, prosecuted("PN-1")], end_prosecution("2025-01-19"), "malformed"),
    "a prosecution ended twice": (
        [ISSUED, prosecuted("PN-1", "2025-01-13"), prosecution_ended("PN-1", "2025-01-14")],
        end_prosecution(),
        "prosecution_over",
    ),
    # support, evidence, returns
    "an assessment accepted before it was offered": ([], support("accepted"), "step_not_begun"),
    "an assessment declined before it was offered": ([], support("declined"), "step_not_begun"),
    "a plan reviewed before it was agreed": ([supported("support plan", "offered")], support("reviewed"),
                                             "step_not_begun"),
    "a plan ended before it was agreed": ([], support("ended"), "step_not_begun"),
    "a plan reviewed of which another was agreed": ([supported("meeting", "agreed")], support("reviewed"),
                                                    "step_not_begun"),
    "a plan reviewed on a day before": ([supported("support plan", "agreed", TODAY)], support("reviewed", "2025-01-19"),
                                        "step_not_begun"),
    "an offer accepted after it was declined": (steps("offered", "declined"), support("accepted"), "step_not_begun"),
    "an offer declined after it was accepted": (steps("offered", "accepted"), support("declined"), "step_not_begun"),
    "a plan reviewed of which only another was offered since": (steps("agreed", "offered"), support("reviewed"),
                                                                "step_not_begun"),
    "a plan reviewed after it ended": (steps("agreed", "ended"), support("reviewed"), "step_not_begun"),
    "a plan ended twice": (steps("agreed", "reviewed", "ended"), support("ended"), "step_not_begun"),
    "a plan ended twice, with a meeting between": (steps("agreed", "ended", "invited"), support("ended"),
                                                   "step_not_begun"),
    "a meeting held about a plan that has ended": (steps("agreed", "ended"), support("held"), "step_not_begun"),
    "evidence asked for twice": (
        [evidence_requested()],
        about("RequestEvidence", evidence="ME-1", parent=MOTHER, sessions=[MORNING], doubt="again"),
        "evidence_exists",
    ),
    "evidence given back before it was seen": ([evidence_requested()], give_back(), "no_such_evidence"),
    "evidence given back on a day before": ([evidence_seen()], give_back("2024-11-04"), "no_such_evidence"),
    "a return made twice": (
        [return_made("attendance", "2024-12-02", "2024-12-16")],
        about("MakeReturn", form="attendance", episode="2024-12-02", made_on=TODAY),
        "return_made_already",
    ),
}  # fmt: skip
RIGHT: dict[str, tuple[list[Facts], Line]] = {
    "leave decided after it was asked for": ([ASKED], decide()),
    "a name deleted on the day itself": ([], remove(TODAY)),
    "another last day on the last day": ([left(TODAY)], remove("2025-01-24")),
    "an improvement required of the day it was considered": ([considered("PN-1", "improve", "2025-01-13")], improve()),
    "an improvement ended early": ([*IMPROVING], end_improvement("2024-12-02")),
    "a referral after the improvement": ([*IMPROVING, improvement_ended("PN-1")], refer()),
    "a notice without a case": ([], issue()),
    "a notice after three years to the day": ([ISSUED, SECOND], issue("PN-3", on="2027-12-09")),
    "a receipt shown after it was presumed": ([ISSUED, served("PN-1")], serve("2024-12-16")),
    "the other half of a payment": ([ISSUED, paid("PN-1", 40, "2024-12-20")], pay("2024-12-31", 40)),
    "a payment after the 28th day": ([ISSUED], pay()),
    "the other action when a third is barred": ([notice("PN-0", MORNING), SECOND], consider("other")),
    "a prosecution on the 29th day": ([ISSUED], prosecute("2025-01-08")),
    "a prosecution of what was paid too late": ([ISSUED, paid("PN-1", 160, "2025-01-08")], prosecute()),
    "a prosecution of what was paid by half": ([ISSUED, paid("PN-1", 80, "2025-01-01")], prosecute()),
    "a prosecution where that was decided": ([OTHER], prosecute()),
    "a prosecution ended": ([ISSUED, prosecuted("PN-1", TODAY)], end_prosecution()),
    "a plan reviewed": ([supported("support plan", "agreed")], support("reviewed")),
    "a plan reviewed again": (steps("agreed", "reviewed"), support("reviewed")),
    "a plan reviewed when they met again": (steps("agreed", "invited", "held"), support("reviewed")),
    "a plan ended after its review": (steps("agreed", "reviewed"), support("ended")),
    "an offer accepted that was declined before": (steps("offered", "declined", "offered"), support("accepted")),
    "a plan offered after one ended": (steps("agreed", "ended"), support("offered")),
    "a plan agreed after one ended": (steps("agreed", "ended"), support("agreed")),
    "an invitation after a plan ended": (steps("agreed", "ended"), support("invited")),
    "a plan reviewed on a day before it ended": (
        [*steps("agreed"), supported("support plan", "ended", TODAY)],
        support("reviewed", "2025-01-17"),
    ),
    "evidence given back": ([evidence_seen()], give_back()),
    "a return about another episode": (
        [return_made("attendance", "2024-11-04", "2024-11-18")],
        about("MakeReturn", form="attendance", episode="2024-12-02", made_on=TODAY),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_comes_in_the_wrong_order_is_refused(name: str) -> None:
    happened, line, rule = WRONG[name]
    given(*happened).when(line, at=EVENING).then_refused(rule)


@pytest.mark.parametrize("name", RIGHT)
def test_in_the_right_order_it_is_recorded(name: str) -> None:
    happened, line = RIGHT[name]
    outcome = given(*happened).when(line, at=EVENING)
    assert outcome.refused is None, str(outcome.refused)
    assert outcome.decided is not None and len(outcome.decided.facts) == 1
