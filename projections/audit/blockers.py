"""What keeps a record from being evidence: whoever is referred with it would be sent back.

A session whose reason nobody established, one without a mark, an amendment that does not say why, leave that nobody
decided on, words that cannot be read any more. People mend these in the ledger; evidence only waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from ledger.codes import UNRESOLVED, CodeTable
from ledger.finding import Blocker
from projections.asking.questions import Moment
from projections.audit.record import RecordLine


def blockers(
    moment: Moment, pupil: str, lines: Sequence[RecordLine], first: date, last: date, unreadable: Iterable[int]
) -> list[Blocker]:
    """Return what stands in the way of evidence about a time, both days inclusive, in order of session.

    `unreadable` are positions of the pupil's events whose text or content cannot be read.
    """
    codes = moment.codes
    standing = [finding for line in lines for finding in _of_line(pupil, line, codes)]
    for leave in moment.school.leave.get(pupil, {}).values():
        waiting = leave.granted is None and not leave.withdrawn
        if waiting and leave.first.day <= last and leave.last.day >= first:
            sentence = f"the request for leave {leave.request} has not been decided"
            standing.append(Blocker("leave_undecided", sentence, pupil, str(leave.first)))
    sentence = "the words of this event cannot be read, because its key is gone or it is damaged"
    return standing + [Blocker("unreadable", sentence, pupil, None, position) for position in sorted(unreadable)]


def _of_line(pupil: str, line: RecordLine, codes: CodeTable) -> list[Blocker]:
    if line.counts_as == "missing":
        return [Blocker("missing_mark", "no mark stands here, and registration has closed", pupil, line.session)]
    if not line.entries:
        return []
    standing, last = [], line.entries[-1]
    if last.code == UNRESOLVED:
        sentence = "N stands here: the reason has not been established"
        standing.append(Blocker("unresolved_n", sentence, pupil, line.session, last.position))
    for mark in line.entries[1:]:
        if not mark.reason.strip():
            sentence = f"the amendment to {mark.code} does not say why"
            standing.append(Blocker("reason_missing", sentence, pupil, line.session, mark.position))
    code = codes.by_symbol(last.code)
    if code is not None and code.detail_required and not last.detail.strip():
        sentence = f"{last.code} needs its detail stated ({code.detail_hint})"
        standing.append(Blocker("detail_missing", sentence, pupil, line.session, last.position))
    return standing
