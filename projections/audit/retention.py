"""How long things are kept: what may be forgotten, and everything that is held about one child."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ledger.doubts import Times
from ledger.errors import Refused
from ledger.events import AnyEvent, ClosureDeclared
from ledger.retention import check_forgettable
from ledger.school import School
from ledger.sessions import format_moment, from_micros, micros, parse_moment
from ledger.store import Row
from ledger.streams import SCHOOL, Owner, owner_of
from projections.asking.questions import Answers, Header, Moment
from projections.readmodel.replay import pages


def forgettable(answers: Answers, moment: Moment, progress: Callable[[int], None] | None = None) -> list[Owner]:
    """Return the pupils' school years whose words may be forgotten and still have their key, in order.

    A school year may be once the last thing in it was recorded more than the policy's years before the last thing in
    the ledger; what belongs to no single year, once that is true of everything about the pupil. Nothing of a pupil on
    roll or under a hold. What was recorded as forgotten and still has its key comes with them: a run that was
    interrupted.
    """
    if moment.in_force is None:
        return []
    times = Times(answers.ledger.reads, moment.school.doubts)
    reached = min(times.reached(), micros(moment.known_at), micros(parse_moment(str(moment.as_of), end_of_day=True)))
    last: dict[Owner, int] = {}
    for rows in pages(answers.ledger, moment.position):
        for row in rows:
            owner = owner_of(row.stream)
            if owner.name != SCHOOL:
                last[owner] = last[Owner(owner.name, 0)] = times.latest(row.position, row.recorded_at)
        if progress is not None:
            progress(rows[-1].position)
    years = moment.policy.keep_years
    return [
        owner
        for owner in answers.keys.held()
        if owner in last and _may_be(moment.school, owner, last[owner], reached, years)
    ]


def _may_be(school: School, owner: Owner, last: int, reached: int, years: int) -> bool:
    try:
        check_forgettable(school, owner, last, reached, years)
    except Refused:
        return False
    return True


class SubjectRecord(Header):
    """Everything that is held about one child."""

    particulars: dict[str, object]
    events: list[dict[str, object]]


def subject_record(answers: Answers, moment: Moment, pupil: str) -> SubjectRecord:
    """Return everything that is held about one child, as known, words opened where their key is there: particulars and
    every event in order of position, and of the school's own events those that name the child, without the other
    children they name."""
    rows = [row for row in answers.ledger.reads.prefix_rows(f"{pupil}/") if row.position <= moment.position]
    events = answers.opened(rows)
    naming = answers.ledger.reads.reference_rows(0, moment.position)
    for row, event in answers.opened(row for row in naming if row.topic == "school.ClosureDeclared"):
        if isinstance(event, ClosureDeclared) and pupil in event.pupils:
            events.append((row, msgspec.structs.replace(event, pupils=(pupil,))))
    return {
        **moment.header(pupil),
        "particulars": answers.particulars(moment, [pupil])[pupil]._asdict(),
        "events": [_event(row, event) for row, event in sorted(events, key=lambda each: each[0].position)],
    }


def _event(row: Row, event: AnyEvent) -> dict[str, object]:
    fields = msgspec.to_builtins(event)
    fields.pop("x", None)  # what is still sealed says nothing
    return {
        "position": row.position,
        "recorded_at": format_moment(from_micros(row.recorded_at)),
        "about": row.stream.partition("/")[2],
        **fields,
        "sealed": bool(event.sealed),
    }
