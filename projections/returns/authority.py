"""Returns to the local authority: which are due, resting on which marks, which were made, and who else is to be told.

A return is made once about an episode (`episodes` says how each is told). One that was made counts for the
episode that holds the day it named; where an amendment has taken its ground away it is still listed, because somebody
outside was told something that the register no longer says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import msgspec

from ledger.events import AgencyInformed, ReturnMade
from ledger.finding import Open, action
from ledger.sessions import Session
from projections.asking.questions import Answer, Answers, Moment
from projections.desk import Desk
from projections.duty import Duty, Urgency
from projections.figures.penalty import CountedSession, counted_sessions
from projections.records.admission import Spell, roll_spells, spell_on, year_begins
from projections.records.chronology import chronologies
from projections.records.known_event import FollowUp
from projections.returns.episodes import (
    RETURNS_REST_ON,
    Episode,
    absence_since,
    absences,
    deletions,
    leaving_of,
    new_pupils,
    sickness,
    unauthorised,
)

GROUNDLESS = {
    "deletion": "made, and no removal is recorded",  # a return may come before what it announces
    "attendance": "made, and no row of days known now is long enough",  # a judgement, or an amendment since
}


class MadeReturn(msgspec.Struct, frozen=True, kw_only=True):
    """That the return was made: on which day, naming which episode, and where it stands."""

    on: str
    episode: str
    position: int


class Candidate(Answer, frozen=True, kw_only=True):
    """One return about one episode, from its first day `episode` to `until`. `reached_on` is None where a session
    without a mark stands between, or where a return was made whose ground has gone since."""

    form: str
    episode: str
    until: str
    reached_on: str | None
    due_by: str | None
    made: MadeReturn | None
    why: str
    school_days: int
    missing: list[Session]
    sessions: list[CountedSession]


def return_candidates(answers: Answers, moment: Moment, pupils: Sequence[str] | None = None) -> list[Candidate]:
    """Return every return of the school year to date, due or made, in order of pupil, form and episode."""
    pupils = sorted(moment.school.pupils if pupils is None else pupils)
    if moment.in_force is None or not moment.school.years:
        return []
    follow_up = chronologies(answers, moment, pupils, topics=RETURNS_REST_ON)
    episodes = list(_episodes(answers, moment, pupils, follow_up, roll_spells(answers, moment, pupils)))
    rests_on = {int(row) for each in episodes if each.marks is not None for row in each.marks.from_position}
    recorded = answers.recorded_at(rests_on)
    candidates: list[Candidate] = []
    counted: set[int] = set()
    for each in episodes:
        made = _made(each, follow_up.get(each.pupil, ()), moment.as_of)
        counted |= {made.position} if made else set()
        candidates.append(_candidate(answers, moment, each, made, recorded))
    candidates += _groundless(answers, moment, follow_up, counted)
    return sorted(candidates, key=lambda each: (each.pupil, each.form, each.episode))


def announced_deletion(answers: Answers, moment: Moment, pupil: str, last_day: date) -> Candidate:
    """Return the return about a deletion that nothing on the roll announces yet: it may come first."""
    why = f"announced for the last day {last_day}, before the removal is recorded"
    episode = Episode("deletion", pupil, last_day, last_day, moment.as_of, last_day, why)
    return _candidate(answers, moment, episode, None, {})


def judged_attendance(answers: Answers, moment: Moment, pupil: str, first: date) -> Candidate | None:
    """Return the attendance return about a pupil who, as somebody judges, fails to attend regularly: it rests on the
    sessions absent without authority from a day on; None where there are none."""
    episode = absence_since(answers, moment, pupil, first)
    if episode is None or episode.marks is None:
        return None
    recorded = answers.recorded_at(episode.marks.from_position.tolist())
    return _candidate(answers, moment, episode, None, recorded)


def returns_duties(desk: Desk) -> list[Duty]:
    """Return what is owed to the authority and to a pupil's worker, the earliest day first."""
    candidates = return_candidates(desk.answers, desk.moment)
    duties = [_duty(each, desk.day) for each in candidates if each.made is None]
    duties += _workers(desk)
    return sorted(duties, key=lambda duty: (duty.by or date.max, duty.urgency, duty.pupil or "", duty.rule))


def _episodes(
    answers: Answers,
    moment: Moment,
    pupils: list[str],
    follow_up: dict[str, list[FollowUp]],
    spells: dict[str, list[Spell]],
) -> Iterator[Episode]:
    yield from absences(answers, moment, pupils, follow_up)
    yield from unauthorised(answers, moment, pupils)
    yield from sickness(answers, moment, pupils, follow_up)
    yield from new_pupils(answers, moment, spells)
    yield from deletions(moment, spells)


def _made(episode: Episode, chronology: Sequence[FollowUp], as_of: date) -> MadeReturn | None:
    """Return the return that was made about an episode by the day asked about."""
    for each in chronology:
        event = each.event
        if not isinstance(event, ReturnMade) or event.form != episode.form or event.made_on > as_of:
            continue
        if episode.about(each.position, date.fromisoformat(event.episode)):
            return MadeReturn(on=event.made_on.isoformat(), episode=event.episode, position=each.position)
    return None


def _candidate(
    answers: Answers, moment: Moment, episode: Episode, made: MadeReturn | None, recorded: dict[int, str]
) -> Candidate:
    return Candidate(
        **moment.header(episode.pupil),
        form=episode.form,
        episode=made.episode if made else episode.first.isoformat(),
        until=episode.last.isoformat(),
        reached_on=episode.reached.isoformat() if episode.reached else None,
        due_by=episode.due_by.isoformat() if episode.due_by else None,
        made=made,
        why=episode.why,
        school_days=episode.school_days,
        missing=[Session.from_number(number) for number in episode.missing],
        sessions=[] if episode.marks is None else counted_sessions(episode.marks, recorded)[episode.pupil],
    )


def _groundless(
    answers: Answers, moment: Moment, follow_up: dict[str, list[FollowUp]], counted: set[int]
) -> Iterator[Candidate]:
    """Yield the returns made about this school year that nothing known now bears out."""
    begins = year_begins(moment)
    for pupil, own in follow_up.items():
        for each in own:
            event = each.event
            if not isinstance(event, ReturnMade) or each.position in counted or event.made_on > moment.as_of:
                continue
            if date.fromisoformat(event.episode) >= begins:
                made = MadeReturn(on=event.made_on.isoformat(), episode=event.episode, position=each.position)
                why = GROUNDLESS.get(event.form, "made, and by what is known now none is due")
                episode = date.fromisoformat(event.episode)
                gone = Episode(event.form, pupil, episode, episode, None, None, why)
                yield _candidate(answers, moment, gone, made, {})


def _duty(candidate: Candidate, as_of: date) -> Duty:
    """Return a return as a duty: late or due today first; a ground that only allows something waits."""
    by = date.fromisoformat(candidate.due_by) if candidate.due_by else None
    settles = action("return make", pupil=candidate.pupil, form=candidate.form)
    if candidate.missing and candidate.reached_on is None:
        settles = action("RecordMark", pupil=candidate.pupil, session=candidate.missing[0], code=Open("CODE"))
    # A child who has been away so long is not left for the end of the month.
    if candidate.form == "attendance" or (by is not None and by <= as_of):
        urgency = Urgency.TODAY
    else:
        urgency = Urgency.WAITING if by is None else Urgency.SOON
    sentence = f"{candidate.form}: {candidate.why}"
    return Duty("return", sentence, candidate.pupil, action=settles, urgency=urgency, by=by)


def _workers(desk: Desk) -> Iterator[Duty]:
    """Yield the workers who are to be told that a name is deleted: of everybody who leaves, the final year too."""
    answers, moment, policy, begins = desk.answers, desk.moment, desk.policy, year_begins(desk.moment)
    known = [number for number, pupil in moment.school.pupils.items() if pupil.removed_version or pupil.forms_versions]
    leaving = {
        pupil: (spell, end)
        for pupil, spells in roll_spells(answers, moment, known).items()
        if (end := leaving_of(spell := spell_on(spells, moment.as_of), moment.as_of)) and end.last_day >= begins
    }
    follow_up = chronologies(answers, moment, leaving, topics=RETURNS_REST_ON)
    for pupil, (spell, end) in leaving.items():
        groups = spell.groups(moment.as_of)
        for group in policy.inform_groups:
            if group in groups and not worker_told(follow_up.get(pupil, ()), group, spell, moment.as_of):
                urgency = Urgency.TODAY if end.last_day <= moment.as_of else Urgency.SOON
                sentence = f"the {group} is to be told of the deletion: {end.why}"
                tells = action("InformAgency", pupil=pupil, agency=group, about="deletion", on=moment.as_of)
                yield Duty("inform", sentence, pupil, action=tells, urgency=urgency, by=end.last_day)


def worker_told(chronology: Sequence[FollowUp], group: str, spell: Spell, as_of: date) -> bool:
    """Return whether the worker of a group was told of the deletion that ends a spell."""
    return any(
        isinstance(each.event, AgencyInformed)
        and (each.event.agency, each.event.about) == (group, "deletion")
        and each.position > spell.admitted.position
        and each.event.on <= as_of
        for each in chronology
    )
