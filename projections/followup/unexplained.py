"""Absence without a reason: a pupil's sessions of the year to date that are still N, and how often we tried to ask."""

from __future__ import annotations

from ledger.codes import UNRESOLVED
from ledger.events import ContactLogged
from ledger.sessions import LONDON
from projections.asking.questions import Answers, Moment
from projections.records.chronology import chronologies
from projections.records.marks import SessionMark
from projections.records.registers import history_answers


def unexplained(answers: Answers, moment: Moment, pupil: str) -> tuple[list[SessionMark], int]:
    """Return the sessions of the year to date that are still N, in order, and how many attempts at contact were logged
    in that year up to the day."""
    year = moment.school.calendar.year_begun_by(moment.as_of)
    if year is None:
        return [], 0
    begins = moment.school.years[year].first_day.isoformat()
    sessions = [
        SessionMark(answer.session, UNRESOLVED, answer.entries[-1].position)
        for answer in history_answers(answers, moment, pupil, years=[year])
        if answer.entries[-1].code == UNRESOLVED and answer.session >= begins
    ]
    chronology = chronologies(answers, moment, [pupil], [year])[pupil]
    attempts = [
        each
        for each in chronology
        if isinstance(each.event, ContactLogged) and each.recorded_at.astimezone(LONDON).date() <= moment.as_of
    ]
    return sessions, len(attempts)
