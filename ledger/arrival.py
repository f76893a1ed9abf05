"""Which mark the clock makes of an arrival."""

from __future__ import annotations

from datetime import datetime, time

from ledger.sessions import LONDON, Half, Session


def code_of_arrival(session: Session, arrived_at: datetime, opens: datetime, closes: datetime, late_book: time) -> str:
    """Return present, L or U by the moment of arrival.

    In the morning a pupil counts as present up to the policy's late-book time; the afternoon has no late book, so L
    begins when its registration opens. L lasts up to and including closing.
    """
    if arrived_at > closes:
        return "U"
    if session.half is Half.AM:
        return "L" if arrived_at.astimezone(LONDON).time() > late_book else "/"
    return "L" if arrived_at >= opens else "\\"
