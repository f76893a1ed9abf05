"""The chronology of a pupil: follow-up events in order of position, each with when the ledger learnt it.

Follow-up is as voluminous as calls are, so it is not part of the folded school: it is read from its own streams, for
the pupils and school years that a question is about, and only what was known at the moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger.events import FollowUpEvent
from ledger.sessions import from_micros
from ledger.streams import follow_up_stream
from projections.asking.questions import Answers, Moment
from projections.records.known_event import FollowUp


def chronologies(
    answers: Answers,
    moment: Moment,
    pupils: Iterable[str],
    years: Sequence[int] | None = None,
    topics: Sequence[str] | None = None,
) -> dict[str, list[FollowUp]]:
    """Return each pupil's chronology as known at the moment, oldest first; of all school years, or of these; only of
    these topics."""
    known = moment.school.years
    if years is None:
        # The summers before the first year that was opened and after the last have their streams, too.
        years = range(min(known) - 1, max(known) + 2) if known else ()
    owners = {follow_up_stream(pupil, year): pupil for pupil in pupils for year in years}
    by_pupil: dict[str, list[FollowUp]] = {pupil: [] for pupil in owners.values()}
    rows = [
        row
        for row in answers.ledger.reads.stream_rows(list(owners))
        if row.position <= moment.position and (topics is None or row.topic in topics)
    ]
    for row, event in answers.opened(rows):
        if isinstance(event, FollowUpEvent):
            by_pupil[owners[row.stream]].append(FollowUp(row.position, from_micros(row.recorded_at), event))
    return {pupil: sorted(events, key=lambda each: each.position) for pupil, events in by_pupil.items()}
