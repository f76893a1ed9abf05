"""One event as kernels read it: with its position, and when the ledger learnt it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Generic, NamedTuple, TypeVar

from ledger.events import Event, FollowUpEvent, RollEvent
from ledger.sessions import LONDON

E = TypeVar("E", bound=Event, covariant=True)


class KnownEvent(NamedTuple, Generic[E]):
    """An event and where it stands. Its text is open where its key is there."""

    position: int
    recorded_at: datetime
    event: E

    @property
    def day(self) -> date:
        """Return the London day on which it was recorded."""
        return self.recorded_at.astimezone(LONDON).date()


K = TypeVar("K", bound=Event)


def last_of(events: Iterable[KnownEvent[Event]], kind: type[K]) -> KnownEvent[K] | None:
    """Return the last event of a kind among these, oldest first."""
    last = None
    for each in events:
        if isinstance(each.event, kind):
            last = KnownEvent(each.position, each.recorded_at, each.event)
    return last


FollowUp = KnownEvent[FollowUpEvent]  # one thing that was told, tried, asked, offered or passed on
RollEntry = KnownEvent[RollEvent]  # one thing that the admission register was told
