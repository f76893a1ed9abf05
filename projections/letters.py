"""The figures that a letter quotes: a pupil's year to date, counted in sessions at one moment."""

from __future__ import annotations

import numpy as np

from ledger.codes import CODES
from projections.cohorts import absence_answers
from projections.frames import last_session, roll_of
from projections.questions import Answers, Moment

LATE = np.array([code.id for code in CODES if code.symbol in ("L", "U")], np.uint8)


def quoted(answers: Answers, moment: Moment, pupil: str) -> dict[str, int]:
    """Return possible, attended, authorised, unauthorised and late sessions (L and U) of the year to date; nothing
    where none was possible."""
    found = absence_answers(answers, moment, [pupil])
    year = moment.school.calendar.year_begun_by(moment.as_of)
    if year is None or not found or not found[0].possible:
        return {}
    entries = answers.entries(moment, [year], [pupil])
    held = roll_of(moment.school, [pupil]).holds(entries.pupil, entries.session)
    late = held & (entries.session <= last_session(moment.as_of)) & np.isin(entries.code, LATE)
    (figures,) = found
    return {
        "possible": figures.possible,
        "attended": figures.attended,
        "authorised": figures.authorised,
        "unauthorised": figures.unauthorised,
        "late": int(late.sum()),
    }
