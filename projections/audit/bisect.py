"""The first event at which an answer about one pupil became different from what it was.

An answer need not change once and for all: an entry is amended there and back. So nothing is halved here; the few
events that can change an answer about one pupil are tried one after the other, the school being folded along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from ledger.people import signature
from ledger.school import School, take_in
from ledger.sessions import format_moment, from_micros
from ledger.store import Row
from projections.asking.questions import Answers, Moment
from projections.audit.compare import NO_INPUTS, Verdicts, entry_of_row

Answering = Callable[[Answers, Moment, str], Verdicts]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """The event at which the answer became different, and the answer before and after it."""

    pupil: str
    as_of: str
    position: int
    recorded_at: str
    what: str
    session: str | None
    by: str
    reason: str
    before: Verdicts
    after: Verdicts
    simulated: bool


def first_turn(answers: Answers, then: Moment, now: Moment, pupil: str, answer: Answering) -> Turn | None:
    """Return the first event after `then`, up to `now`, at which the answer is not what it was then; None where it
    never is."""
    before = answer(answers, then, pupil)
    for row, moment in _steps(answers, then, now, pupil):
        after = answer(answers, moment, pupil)
        if after != before:
            event = next((event for _, event in answers.opened([row])), None)
            entry = entry_of_row(row)
            return Turn(
                pupil=pupil,
                as_of=now.as_of.isoformat(),
                position=row.position,
                recorded_at=format_moment(from_micros(row.recorded_at)),
                what=row.topic.partition(".")[2],
                session=entry[1] if entry else None,
                by=signature(event.by) if event else "",
                reason=getattr(event, "reason", ""),
                before=before,
                after=after,
                simulated=now.school.simulated,
            )
    return None


def _steps(answers: Answers, then: Moment, now: Moment, pupil: str) -> Iterator[tuple[Row, Moment]]:
    """Yield each event that can change an answer about a pupil, its own or the school's, and the moment just after."""
    rows = answers.ledger.reads.prefix_rows(f"{pupil}/")
    own = {row.position: row for row in rows if row.topic.startswith("entry.")}
    reference = {
        row.position: row
        for row in answers.ledger.reads.reference_rows(then.position, now.position)
        if row.topic not in NO_INPUTS and row.stream.partition("/")[0] in (pupil, "school")
    }
    candidates = {place: row for place, row in {**own, **reference}.items() if then.position < place <= now.position}
    school = take_in(School(), answers.ledger.reads.reference_rows(0, then.position))
    for place in sorted(candidates):
        school = take_in(school, answers.ledger.reads.reference_rows(school.position, place))
        known_at = from_micros(candidates[place].recorded_at)
        policy = answers.policy_of(school, now.as_of)
        yield candidates[place], Moment(now.as_of, known_at, place, school, policy)
