"""The penalty ladder of a parent and a child: what was met, considered, required, referred, issued, paid and
prosecuted, and what a person has to decide next.

Every line stands on three things as known at the moment: the window of the last ten school weeks, the events of the
cases, each where its own day lies, and the marks that the register holds now for the sessions that a case names. What
somebody had seen when they considered a case is worked out again at the position that they saw, so that "it was met
then" can be told from "it is met as we know today".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import count, islice
from typing import NamedTuple, cast

from msgspec.structs import replace

from ledger.case import PenaltyCase
from ledger.events import NoticeEvent
from ledger.finding import Open, action
from ledger.notices import paid_by
from ledger.notices import terms as terms_of
from ledger.pins import seen_by
from ledger.policy import Policy
from ledger.received import received_marks
from ledger.school import School
from ledger.sessions import Session, school_year
from projections.asking.questions import Answers, Moment
from projections.desk import Desk
from projections.duty import Duty, Urgency
from projections.figures.cohorts import penalty_windows
from projections.figures.penalty import ParentLine, PenaltyWindow, failing, fulfilling, received_entries, rules_of_pupil
from projections.penalties.case import (
    SETTLED,
    Case,
    Marks,
    Rolling,
    SessionMark,
    ahead,
    case_as_of,
    consider,
    events_of,
    held,
    improvement_test,
    issued_notice,
    next_step,
    pounds,
    rolling,
    settled,
    withdrawal,
    worded,
)
from projections.readmodel.frames import roll_of, symbol_of

NOTHING = settled("nothing to decide")


class Line(NamedTuple):
    """One parent's ladder as values: the window's line, the notices that run, the cases, what comes next, and what each
    consideration had seen, by its position."""

    pupil: str
    window: ParentLine
    rolling: Rolling
    cases: tuple[Case, ...]
    step: Duty
    saw: Mapping[int, ParentLine]


def ladder_lines(answers: Answers, moment: Moment, pupils: Iterable[str]) -> list[Line]:
    """Return a line for every parent of these pupils, and for whoever else a case is about, in order."""
    if moment.in_force is None:
        return []
    school, policy = moment.school, moment.policy
    windows = penalty_windows(answers, moment, [p for p in pupils if p in school.pupils], empty=True)
    cases = _worded(answers, {window.pupil: _records(moment, window.pupil) for window in windows})
    marks = _marks(answers, moment, cases)
    seen = _Seen(answers)
    return [
        _line(window, parent, cases[window.pupil], marks.get(window.pupil, {}), moment, policy, seen)
        for window in windows
        for parent in _parents(window, cases[window.pupil])
    ]


def issued_cases(answers: Answers, moment: Moment, pupils: Iterable[str]) -> list[Case]:
    """Return where the notices of these pupils stand that were issued by the day and not withdrawn."""
    if moment.in_force is None:
        return []
    policy, school = moment.policy, moment.school
    records = {
        pupil: [each for each in _records(moment, pupil) if each.issued and not each.withdrawn] for pupil in pupils
    }
    marks = _marks(answers, moment, records)
    runs = {pupil: school.notices.get(pupil, {}).values() for pupil in records}
    return [
        _case(record, rolling(runs[pupil], record.parent, moment.as_of, policy), marks.get(pupil, {}), moment, policy)
        for pupil, of_pupil in records.items()
        for record in of_pupil
    ]


def _records(moment: Moment, pupil: str) -> list[PenaltyCase]:
    """Return a pupil's cases as of the day."""
    cases = moment.school.cases.get(pupil, {}).values()
    return [then for case in cases if (then := case_as_of(case, moment.as_of, moment.known_on))]


def _worded(answers: Answers, cases: Mapping[str, list[PenaltyCase]]) -> dict[str, list[PenaltyCase]]:
    """Return cases by pupil with the text of their events open, where its key is there."""
    positions = {position for own in cases.values() for case in own for position, _ in events_of(case)}
    rows = answers.ledger.reads.rows_at(sorted(positions)) if positions else []
    words = {row.position: cast(NoticeEvent, event) for row, event in answers.opened(rows)}
    return {pupil: [worded(case, words) for case in own] for pupil, own in cases.items()}


def ladder_duties(desk: Desk) -> list[Duty]:
    """Return what somebody must decide or settle on the ladders of the whole school."""
    lines = ladder_lines(desk.answers, desk.moment, desk.school.pupils)
    return [duty for line in lines for duty in _duties(line, desk.moment)]


def _duties(line: Line, moment: Moment) -> list[Duty]:
    duties = []
    for case in line.cases:
        record = case.record
        if (step := next_step(case, moment.as_of)).action:
            duties.append(replace(step, pupil=line.pupil, sentence=f"{record.name}: {step.sentence}"))
        duties += _undermined_duties(case, line.pupil)
        if (wrong := _wrong_payment(case, moment.as_of)) is not None:
            duties.append(wrong)
    if line.step.rule == "consider":
        sentence = f"{line.window.parent}: {line.step.sentence}"
        duties.append(replace(line.step, pupil=line.pupil, sentence=sentence))
    return duties


def _undermined_duties(case: Case, pupil: str) -> list[Duty]:
    record = case.record
    what = "notice" if record.issued else "referral"
    again = {"sessions": Open("SESSION"), "referred_on": Open("DAY")}
    refer = action("ReferPenalty", pupil=pupil, notice=record.name, **again)
    # Whoever considered the case after an amendment has seen it, and let stand what stands.
    seen = max((event.seen or position for position, event in record.considered), default=0)
    return [
        Duty(
            f"{what} undermined",
            f"{record.name} names {each.session}, which {_now_holds(each)}: withdraw it, or consider the case again",
            pupil,
            action=withdrawal(record) if record.issued else refer,
            urgency=Urgency.TODAY,
        )
        for each in case.undermined
        if each.position > seen or not each.position
    ]


def _now_holds(each: SessionMark) -> str:
    if not each.code:
        return "holds no mark that could count"
    return f"holds {each.code} since position {each.position}"


def _wrong_payment(case: Case, as_of: date) -> Duty | None:
    """Return the duty about a payment that was not what was owed on its day, while the notice can still be paid."""
    record = case.record
    if case.terms is None or record.withdrawn or not record.payments or as_of > case.terms.full_until:
        return None
    last = max(payment.paid_on for _, payment in record.payments)
    total, due = paid_by(record, last), case.terms.owed(last)
    if total == due:
        return None
    return Duty(
        "payment",
        f"{record.name}: {pounds(total)} was paid by {last}, when {pounds(due)} was asked",
        record.pupil,
        action=action("penalty", pupil=record.pupil, ladder=True),
        urgency=Urgency.TODAY,
        by=case.terms.full_until,
    )


# --- one line -------------------------------------------------------------------------------------------------------


def _parents(window: PenaltyWindow, records: list[PenaltyCase]) -> list[str]:
    """Return who has a line: the pupil's parents as known, then whoever else a case was about."""
    return list(dict.fromkeys([*(line.parent for line in window.parents), *(case.parent for case in records)]))


def _line(
    window: PenaltyWindow,
    parent: str,
    records: list[PenaltyCase],
    marks: Marks,
    moment: Moment,
    policy: Policy,
    seen: _Seen,
) -> Line:
    notices = moment.school.notices_about(window.pupil)
    runs = rolling(notices, parent, moment.as_of, policy)
    own = [record for record in records if record.parent == parent]
    cases = tuple(_case(record, runs, marks, moment, policy) for record in own)
    none = ParentLine(parent=parent, count=0, met=False, met_on=None, notices_in_three_years=len(runs.issued))
    line = next((line for line in window.parents if line.parent == parent), none)
    saw = {
        position: seen.line(window.pupil, parent, seen_by(event, position), event.considered_on) or none
        for record in own
        for position, event in record.considered
    }
    return Line(window.pupil, line, runs, cases, _step(window.pupil, line, runs, cases, saw, moment), saw)


def _case(record: PenaltyCase, runs: Rolling, marks: Marks, moment: Moment, policy: Policy) -> Case:
    """Return one case with its test, its terms by the policy of its day of issue, and what undermines it."""
    school, as_of = moment.school, moment.as_of
    test, terms, notice, codes = None, None, None, policy.penalty_codes
    named: tuple[str, ...] = ()
    if record.improvement:
        position, required = record.improvement
        ended = record.improvement_ended[1] if record.improvement_ended else None
        test = improvement_test(required, ended, marks, as_of, policy, position)
    if record.issued:
        issued = record.issued[1]
        then = school.policy_decided_by(issued.policy, issued.rules, issued.issued_on)
        terms = terms_of(record, school.notices_about(record.pupil), then)
        notice = issued_notice(record, terms, as_of)
        codes, named = then.penalty_codes, record.issued[1].sessions
    elif record.referred:
        referred = record.referred[-1][1]
        then = school.policy_decided_by(referred.policy, referred.rules, referred.referred_on)
        codes, named = then.penalty_codes, referred.sessions
    over = record.withdrawn is not None or record.prosecution_ended is not None
    sessions = held(() if over else map(Session.parse, named), marks)
    off = tuple(each for each in sessions if each.code not in codes)
    coming = ahead(school.cases[record.pupil][record.name], max(as_of, moment.known_on), terms)
    return Case(record, test, terms, notice, sessions, off, runs, coming)


def _step(
    pupil: str,
    line: ParentLine,
    runs: Rolling,
    cases: tuple[Case, ...],
    saw: Mapping[int, ParentLine],
    moment: Moment,
) -> Duty:
    """Return what comes next for a parent: a case that is going on, most urgent first; else to consider what is met."""
    going = [step for case in cases if (step := next_step(case, moment.as_of)).rule != SETTLED]
    if going:
        return min(going, key=lambda step: step.urgency)
    # Nobody considers a notice about a pupil who has left: that is the new school's, or the authority's.
    here = moment.school.on_roll(pupil, moment.as_of)
    if here and line.met and not _considered_since(line, cases, saw):
        name = _new_name(moment.school, pupil, line.parent)
        instead = f"; no further notice may be issued before {runs.runs_out_on}" if runs.barred else ""
        return Duty(
            "consider",
            f"{line.count} sessions, met on {line.met_on}, and nobody has considered it since{instead}",
            action=consider(pupil, name, line.parent, moment.as_of, *(["other"] if runs.barred else [])),
            urgency=Urgency.SOON,
        )
    steps = [next_step(case, moment.as_of) for case in cases]
    return steps[-1] if steps else NOTHING


def _considered_since(line: ParentLine, cases: tuple[Case, ...], saw: Mapping[int, ParentLine]) -> bool:
    """Return whether somebody considered this parent who saw the threshold met, on the day it was met or later."""
    return line.met_on is not None and any(
        event.considered_on >= line.met_on.day and saw[position].met
        for case in cases
        for position, event in case.record.considered
    )


def _new_name(school: School, pupil: str, parent: str) -> str:
    """Return a name that no case of this pupil has yet, another one for each parent."""
    taken, parents = school.cases.get(pupil, {}), school.pupils[pupil].parents
    place = parents.index(parent) if parent in parents else len(parents)
    free = (name for number in count(1) if (name := f"PN-{number}") not in taken)
    return next(islice(free, place, None))


class _Seen:
    """What somebody had seen: windows at positions, each position folded once."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._moments: dict[tuple[int, date], Moment] = {}

    def line(self, pupil: str, parent: str, position: int, as_of: date) -> ParentLine | None:
        key = position, as_of
        if key not in self._moments:
            self._moments[key] = self._answers.moment_at(position, as_of)
        then = self._moments[key]
        if pupil not in then.school.pupils:
            return None
        windows = penalty_windows(self._answers, then, [pupil], empty=True)
        return next((line for window in windows for line in window.parents if line.parent == parent), None)


def _marks(answers: Answers, moment: Moment, cases: Mapping[str, list[PenaltyCase]]) -> Mapping[str, Marks]:
    """Return the marks that could count, while on roll here or as a former school's record has them, and of compulsory
    school age, of pupils with cases, in the school years that their cases speak of."""
    concerned = sorted(pupil for pupil, own in cases.items() if own)
    years = {school_year(day) for own in cases.values() for case in own for day in _days(case)}
    roll = roll_of(moment.school, concerned)
    marks: dict[str, dict[Session, SessionMark]] = {pupil: {} for pupil in concerned}
    received = {pupil: received_marks(moment.school.records(pupil), date.min, date.max) for pupil in concerned}
    away = [(pupil, mark) for pupil in concerned for mark in received[pupil]]
    fails = failing(received_entries(received, roll), rules_of_pupil(roll, elsewhere=True))
    for (pupil, mark), failed in zip(away, fails, strict=True):
        if not failed:
            marks[pupil][mark.session] = SessionMark(mark.session, mark.code, mark.position)
    if known := sorted(year for year in years if year in moment.school.years):
        here = fulfilling(answers.entries(moment, known, concerned), rules_of_pupil(roll))
        for row, number, code, position in zip(*(column.tolist() for column in here[1:5]), strict=True):
            session = Session.from_number(number)
            marks[concerned[row]][session] = SessionMark(session, symbol_of(code), position)
    return marks


def _days(case: PenaltyCase) -> list[date]:
    named = [event.sessions for _, event in case.referred] + ([case.issued[1].sessions] if case.issued else [])
    days = [Session.parse(session).day for sessions in named for session in sessions]
    return [*days, case.improvement[1].issued_on, case.improvement[1].ends_on] if case.improvement else days
