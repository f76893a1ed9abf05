"""Every question the product answers, asked at one moment: what the laws about time are tried on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from ledger.events import SHORT
from ledger.roles import ROLES
from ledger.sessions import Half, Session
from projections.asking.encoder import plain
from projections.asking.questions import Answers, Moment
from projections.audit.explain import explain_absence, explain_penalty
from projections.audit.health import doctor_findings
from projections.due import desk_of, due_answers, duties
from projections.figures.cohorts import absence_answers, bands, described, penalty_windows, who
from projections.followup.follow_up import followup_answer
from projections.followup.lateness import punctuality_answers
from projections.followup.support import staged_answers
from projections.penalties.ladder_answers import ladder_answers
from projections.penalties.referral import referrals
from projections.records.admission import roll_answers
from projections.records.chronology import chronologies
from projections.records.leaves import leave_answers
from projections.records.policies import policy_answer
from projections.records.registers import history_answers, register_answer
from projections.returns.authority import return_candidates
from projections.returns.daily import daily_answer

DAYS_SHOWN = 4  # registers of the day asked about and of the days before it


def everything(answers: Answers, moment: Moment) -> dict[str, Any]:
    """Return the answer to every question at a moment, by its name, as plain lists and dictionaries."""
    return {name: plain(ask(answers, moment)) for name, ask in QUESTIONS.items()}


def _absence(answers: Answers, moment: Moment) -> Any:
    return absence_answers(answers, moment, who(answers, moment, leavers=True))


def _penalty(answers: Answers, moment: Moment) -> Any:
    return penalty_windows(answers, moment, sorted(moment.school.pupils), empty=True)


def _registers(answers: Answers, moment: Moment) -> Any:
    days = [moment.as_of - timedelta(days=ago) for ago in range(DAYS_SHOWN)]
    return [
        register_answer(answers, moment, class_name, day)
        for day in days
        if moment.school.calendar.is_session(Session(day, Half.AM))
        for class_name in moment.school.classes_on(day)
    ]


def _histories(answers: Answers, moment: Moment) -> Any:
    return {pupil: history_answers(answers, moment, pupil) for pupil in sorted(moment.school.pupils)}


def _particulars(answers: Answers, moment: Moment) -> Any:
    return {number: known._asdict() for number, known in answers.particulars(moment, moment.school.pupils).items()}


def _chronologies(answers: Answers, moment: Moment) -> Any:
    return chronologies(answers, moment, sorted(moment.school.pupils))


def _cases(_: Answers, moment: Moment) -> Any:
    # The folded school holds words as they are stored, sealed under another key in every store.
    return without(plain(dict(moment.school.cases)), SHORT["sealed"])


def without(value: Any, left_out: str) -> Any:
    """Return an answer without the fields of one name, however deep they stand."""
    if isinstance(value, dict):
        return {name: without(part, left_out) for name, part in value.items() if name != left_out}
    return [without(part, left_out) for part in value] if isinstance(value, (list, tuple)) else value


def _roles(_: Answers, moment: Moment) -> Any:
    return {role: moment.school.holders(role, moment.as_of) for role in ROLES}, moment.school.review_on(moment.as_of)


def _special_needs(answers: Answers, moment: Moment) -> Any:
    return who(answers, moment, group="SEN support")


def _bands(answers: Answers, moment: Moment) -> Any:
    return bands(_absence(answers, moment))


def _due(answers: Answers, moment: Moment) -> Any:
    desk = desk_of(answers, moment)
    return due_answers(desk, duties(desk)) if desk else []


def _followups(answers: Answers, moment: Moment) -> Any:
    desk = desk_of(answers, moment)
    return [followup_answer(desk, pupil) for pupil in desk.pupils] if desk else []


def _pupils(moment: Moment) -> list[str]:
    return sorted(moment.school.pupils)


def _proofs(answers: Answers, moment: Moment) -> Any:
    if moment.school.calendar.year_begun_by(moment.as_of) is None:
        return []
    explanations = (explain_absence, explain_penalty)
    return [explain(answers, moment, pupil) for pupil in _pupils(moment) for explain in explanations]


def _referrals(answers: Answers, moment: Moment) -> Any:
    found = [referrals(answers, moment, pupil) for pupil in moment.school.pupils_on(moment.as_of)]
    return without(plain(found), SHORT["sealed"])  # of the case that it is about, too


def _daily(answers: Answers, moment: Moment) -> Any:
    return daily_answer(answers, moment) if moment.school.calendar.is_session(Session(moment.as_of, Half.AM)) else None


QUESTIONS: dict[str, Callable[[Answers, Moment], Any]] = {
    "described": lambda _, moment: described(moment),
    "absence": _absence,
    "bands": _bands,
    "penalty": _penalty,
    "registers": _registers,
    "histories": _histories,
    "particulars": _particulars,
    "chronologies": _chronologies,
    "cases": _cases,
    "roles": _roles,
    "daily returns": lambda _, moment: moment.school.daily_returns,
    "special needs": _special_needs,
    "doctor": doctor_findings,
    "due": _due,
    "follow-up": _followups,
    "returns": return_candidates,
    "ladder": lambda answers, moment: ladder_answers(answers, moment, _pupils(moment)),
    "leave": lambda answers, moment: leave_answers(answers, moment, _pupils(moment)),
    "referrals": _referrals,
    "staged support": staged_answers,
    "admission register": lambda answers, moment: roll_answers(answers, moment, _pupils(moment)),
    "punctuality": lambda answers, moment: punctuality_answers(answers, moment, moment.school.pupils_on(moment.as_of)),
    "daily return": _daily,
    "policies": policy_answer,
    "proofs": _proofs,
}
