"""One thing of a chronology, as kernels read it: an event of follow-up, its position, and when the ledger learnt it."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from ledger.events import FollowUpEvent
from ledger.sessions import LONDON


class Told(NamedTuple):
    """One thing that was told, tried, asked, offered or passed on. Text of the event is open where its key is there."""

    position: int
    recorded_at: datetime
    event: FollowUpEvent

    @property
    def day(self) -> date:
        """Return the London day on which it was recorded."""
        return self.recorded_at.astimezone(LONDON).date()
