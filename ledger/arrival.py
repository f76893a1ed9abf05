"""Which mark the clock makes of an arrival."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledger.sessions import Half, Session


def code_of_arrival(
    session: Session, arrived_at: datetime, opens: datetime, closes: datetime, late_book: timedelta | None
) -> str:
    """Return present, L or U by the moment of arrival.

    Whoever is absent when the register begins to be taken and there before it closes is late (SI 2024/208, Table 1): L
    begins when registration opens and lasts up to and including closing. Where the policy has a late book, in the
    morning, a pupil still counts as present up to so long after the opening.
    """
    if arrived_at > closes:
        return "U"
    present = "/" if session.half is Half.AM else "\\"
    if session.half is Half.AM and late_book is not None:
        return present if arrived_at <= opens + late_book else "L"
    return present if arrived_at < opens else "L"
