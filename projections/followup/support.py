"""Staged support: at which step a pupil stands, which comes next by the policy's order, and what its letters said.

The policy's order is one of offers: a letter below 95 % or where punctuality is a concern, a meeting, reasonable
adjustments, a Families First Assessment, a support plan or an attendance contract, the authority's advice. Beside it, a
joint approach with the authority is agreed for every severely absent pupil. A step that was taken in this school year,
or one agreed earlier that has not ended, is behind us; the first that is neither comes next. The software says which,
and people decide.

A letter keeps the figures that it quoted. Whether the register showed them is asked twice: at the position that the
letter was written from, and now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from ledger.events import LetterSent, SupportRecorded
from ledger.finding import OPEN, Action, Open, action
from ledger.people import signature
from ledger.policy import Policy
from ledger.sessions import format_moment
from projections.asking.questions import Answer, Answers, Moment
from projections.desk import Desk
from projections.duty import NEAR, Duty, Urgency
from projections.figures.cohorts import who
from projections.figures.letters import letter_due, quotable, shown_to_writer, untrue, written_at
from projections.figures.spans import span, year_first, year_to_date
from projections.figures.tally import LEVELS, Figures, levels, pooled
from projections.records.chronology import chronologies
from projections.records.known_event import FollowUp

LETTER = "letter"
# One of each tuple is enough for that step.
ORDER: tuple[tuple[str, ...], ...] = (
    (LETTER,),
    ("meeting",),
    ("reasonable adjustments",),
    ("Families First Assessment",),
    ("support plan", "attendance contract"),
    ("authority advice",),
)
PLANS = ("support plan", "attendance contract")
JOINT = "joint approach"
ASKED = ("invited", "offered")  # somebody has still to answer
LASTING = ("agreed", "reviewed")  # holds until it is ended
CLOSED = ("declined", "ended")  # is not looked at again
CONCERNS = ("attendance", "punctuality")  # what a letter of the first step is about


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One stage of a step. People and outcome are blank, and `sealed` true, where the key is gone."""

    stage: str
    on: date
    next_on: date | None
    people: list[str]
    outcome: str
    by: str
    sealed: bool
    recorded_at: str
    position: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step with its stages, oldest first; `stage` and `next_on` are the last one's, `ended` whether that ended
    it."""

    step: str
    stage: str
    next_on: date | None
    ended: bool
    stages: list[Stage]


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A letter. `then` is what the register showed at `seen` of the figures quoted, `now` what it shows of that day
    today; `was_true` and `still_true` are None where nothing was quoted."""

    about: str
    sent_on: date
    as_of: date
    seen: int
    quoted: dict[str, int]
    then: dict[str, int]
    now: dict[str, int]
    was_true: bool | None
    still_true: bool | None
    recorded_at: str
    position: int


class Standing(NamedTuple):
    """Where a pupil stands: the last step of the order that was taken, those that wait for an answer, the one that
    comes next (blank where none is due), and why."""

    at: str
    waiting: tuple[str, ...]
    expected: str
    because: str


class StagedAnswer(Answer, frozen=True, kw_only=True):
    """A pupil's staged support. `lates` are those (L and U) of the policy's weeks; `next_on` is the nearest day on
    which something is looked at again."""

    class_name: str
    attendance_percent: float | None
    absence_percent: float | None
    level: str
    lates: int
    at: str
    waiting: list[str]
    expected: str
    because: str
    next_on: date | None
    steps: list[Step]
    letters: list[Letter]


class Concern(NamedTuple):
    """What may call for support: the year to date, how absent that is, and recent lates."""

    figures: Figures
    level: str
    lates: int

    def because(self, policy: Policy) -> str:
        """Return why support is due, blank where it is not: below the letter's percentage, or late too often."""
        below = letter_due(self.figures.attended, self.figures.possible, policy)
        late = self.lates >= policy.punctuality_letter_sessions
        reasons = [f"attendance below {policy.register_letter_percent} %"] * below
        return " and ".join(reasons + [f"late {self.lates} times in {policy.punctuality_weeks} school weeks"] * late)


# --- kernels: the events of one pupil -------------------------------------------------------------------------------


def steps_of(chronology: Iterable[FollowUp], as_of: date) -> list[Step]:
    """Return every step recorded up to a day (invitations also to later ones), in order of its first stage."""
    by_step: dict[str, list[Stage]] = {}
    for position, recorded_at, event in chronology:
        if isinstance(event, SupportRecorded) and (event.on <= as_of or event.stage == "invited"):
            stage = Stage(
                stage=event.stage,
                on=event.on,
                next_on=event.next_on,
                people=list(event.people),
                outcome=event.outcome,
                by=signature(event.by),
                sealed=bool(event.sealed),
                recorded_at=format_moment(recorded_at),
                position=position,
            )
            by_step.setdefault(event.step, []).append(stage)
    return [
        Step(
            step=step,
            stage=stages[-1].stage,
            next_on=stages[-1].next_on,
            ended=stages[-1].stage == "ended",
            stages=stages,
        )
        for step, stages in by_step.items()
    ]


def standing(chronology: Sequence[FollowUp], concern: Concern, policy: Policy, since: date, as_of: date) -> Standing:
    """Return where a pupil stands on a day, in the school year that began `since`."""
    steps = {step.step: step for step in steps_of(chronology, as_of)}
    taken = {name for name, step in steps.items() if _counts(step, since)}
    letters = (each.event for each in chronology if isinstance(each.event, LetterSent))
    if any(letter.about in CONCERNS and since <= letter.sent_on <= as_of for letter in letters):
        taken.add(LETTER)
    waiting = tuple(name for name, step in steps.items() if name in taken and step.stage in ASKED)
    reached = [name for alternatives in ORDER for name in alternatives if name in taken]
    at = reached[-1] if reached else ""
    if concern.level == "severe" and JOINT not in taken:
        return Standing(at, waiting, JOINT, "severely absent")
    because = concern.because(policy)
    following = next((names for names in ORDER if not taken & set(names)), ())
    return Standing(at, waiting, " or ".join(following) if because else "", because)


def _counts(step: Step, since: date) -> bool:
    """Return whether a step is of this school year, or lasts from an earlier one."""
    return step.stage in LASTING or any(stage.on >= since for stage in step.stages)


# --- answers --------------------------------------------------------------------------------------------------------


def staged_answers(answers: Answers, moment: Moment, pupils: list[str] | None = None) -> list[StagedAnswer]:
    """Return where these pupils stand, with their letters held against the register; without pupils, everybody on roll
    for whom support is due or under way, without that comparison, which takes a reading of the ledger for each
    letter."""
    if moment.in_force is None or moment.school.calendar.year_begun_by(moment.as_of) is None:
        return []
    chosen = who(answers, moment) if pupils is None else sorted(pupils)
    concerns = concerns_of(answers, moment, chosen)
    follow_up = chronologies(answers, moment, chosen)
    staged = []
    for pupil in chosen:
        stood = standing(follow_up[pupil], concerns[pupil], moment.policy, year_first(moment), moment.as_of)
        if pupils is None and not (stood.expected or stood.waiting):
            continue
        letters = [] if pupils is None else letters_of(answers, moment, pupil, follow_up[pupil])
        staged.append(_answer(answers, moment, pupil, concerns[pupil], stood, follow_up[pupil], letters))
    return staged


def _answer(
    answers: Answers,
    moment: Moment,
    pupil: str,
    concern: Concern,
    stood: Standing,
    chronology: list[FollowUp],
    letters: list[Letter],
) -> StagedAnswer:
    steps = steps_of(chronology, moment.as_of)
    ahead = [step.next_on for step in steps if step.next_on and not step.ended]
    return StagedAnswer(
        **moment.header(pupil),
        class_name=moment.school.pupils[pupil].placement(moment.as_of).class_name,
        attendance_percent=concern.figures.attendance_percent,
        absence_percent=concern.figures.absence_percent,
        level=concern.level,
        lates=concern.lates,
        at=stood.at,
        waiting=list(stood.waiting),
        expected=stood.expected,
        because=stood.because,
        next_on=min(ahead) if ahead else None,
        steps=steps,
        letters=letters,
    )


def concerns_of(answers: Answers, moment: Moment, pupils: list[str]) -> dict[str, Concern]:
    """Return by pupil what may call for support on the day asked about."""
    policy = moment.policy
    year = year_to_date(answers, moment, pupils)
    level = levels(year, policy)
    weeks = moment.school.calendar.school_weeks(moment.as_of, policy.punctuality_weeks)
    recent = span(answers, moment, pupils, weeks[0], moment.as_of) if weeks else year
    return {
        pupil: Concern(pooled(year, [row]), LEVELS[level[row]], pooled(recent, [row]).lates)
        for row, pupil in enumerate(pupils)
    }


def letters_of(answers: Answers, moment: Moment, pupil: str, chronology: Iterable[FollowUp]) -> list[Letter]:
    """Return a pupil's letters, each held against what the register showed then and shows now."""
    return [
        _letter(answers, moment, pupil, each, each.event)
        for each in chronology
        if isinstance(each.event, LetterSent) and each.event.sent_on <= moment.as_of
    ]


def _letter(answers: Answers, moment: Moment, pupil: str, known: FollowUp, event: LetterSent) -> Letter:
    (seen, day), quoted = written_at(event, known.position), dict(event.quoted)
    then = shown_to_writer(answers, event, known.position, pupil) if quoted else {}
    now = quotable(answers, moment._replace(as_of=day), pupil) if quoted else {}
    return Letter(
        about=event.about,
        sent_on=event.sent_on,
        as_of=day,
        seen=seen,
        quoted=quoted,
        then={name: then[name] for name in quoted},
        now={name: now[name] for name in quoted},
        was_true=not untrue(event, then) if quoted else None,
        still_true=not untrue(event, now) if quoted else None,
        recorded_at=format_moment(known.recorded_at),
        position=known.position,
    )


# --- duties ---------------------------------------------------------------------------------------------------------


def support_duties(desk: Desk) -> list[Duty]:
    """Return what is owed to pupils on roll: meetings to hold, steps to look at again, a day to review a plan or
    contract; and in a year that has settled a joint approach, a plan or contract."""
    moment = desk.moment
    if moment.school.calendar.year_begun_by(moment.as_of) is None:
        return []
    pupils, since = desk.pupils, year_first(moment)
    concerns = concerns_of(desk.answers, moment, pupils) if desk.settled else {}
    follow_up = chronologies(desk.answers, moment, pupils)
    duties: list[Duty] = []
    for pupil in pupils:
        steps = steps_of(follow_up[pupil], moment.as_of)
        duties += [duty for step in steps if (duty := _followed(pupil, step, moment.as_of)) is not None]
        if pupil in concerns:
            taken = {step.step for step in steps if _counts(step, since)}
            duties += _owed(pupil, concerns[pupil], taken, moment.as_of)
    return duties


def _followed(pupil: str, step: Step, as_of: date) -> Duty | None:
    """Return what is owed to a step that was begun: to hold what was invited for, to look at it again, to say when."""
    last = step.stages[-1]
    if step.step in PLANS and step.stage in LASTING and step.next_on is None:
        sentence = f"the {step.step} was {step.stage} on {last.on} without a day to review it"
        review = _record(pupil, step.step, "reviewed", as_of, next_on=Open("DAY"))
        return Duty("support review", sentence, pupil, action=review, urgency=Urgency.WAITING)
    planned = step.stage == "invited"
    by = last.on if planned else step.next_on
    if by is None or step.stage in CLOSED or by > as_of + NEAR:
        return None
    sentence = f"{step.step}: invited for {by}" if planned else f"{step.step}: {step.stage} on {last.on}, next on {by}"
    sentence += ", what came of it?" if planned and by < as_of else ""
    record = _record(pupil, step.step, "held" if planned or step.step == "meeting" else "reviewed", as_of)
    urgency = Urgency.TODAY if by <= as_of else Urgency.SOON
    return Duty("meeting" if planned else "review", sentence, pupil, action=record, urgency=urgency, by=by)


def _record(pupil: str, step: str, stage: str, on: date, next_on: Open | None = None) -> Action:
    return action("RecordSupport", pupil=pupil, step=step, stage=stage, on=on, next_on=next_on, outcome=OPEN)


def _owed(pupil: str, concern: Concern, taken: set[str], as_of: date) -> list[Duty]:
    absent = f"{concern.figures.absence_percent} % of possible sessions missed"
    duties = []
    if concern.level == "severe" and JOINT not in taken:
        sentence = f"severely absent ({absent}) and no joint approach with the local authority"
        agreed = _record(pupil, JOINT, "agreed", as_of)
        duties.append(Duty(JOINT, sentence, pupil, action=agreed, urgency=Urgency.TODAY))
    if concern.level in ("persistent", "severe") and not taken & set(PLANS):
        sentence = f"persistently absent ({absent}) and neither a support plan nor an attendance contract offered"
        offered = _record(pupil, PLANS[0], "offered", as_of)
        duties.append(Duty("support plan", sentence, pupil, action=offered, urgency=Urgency.WAITING))
    return duties
