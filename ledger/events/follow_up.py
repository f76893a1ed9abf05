"""Follow-up: what parents told us, what we tried, what was asked for, offered, written, agreed and passed on.

Together, in order of position, they are the chronology of a pupil's school year. Days and kinds are in the clear,
because rules need them; who, what was said and why are words about a family, and sealed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from ledger.events.base import Event


class OfFollowUp(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "follow-up"


class AbsenceReported(OfFollowUp, frozen=True, kw_only=True):
    """What a parent told us; the school classifies. `ring_back`: a message that may be rung back before it does."""

    private: ClassVar[tuple[str, ...]] = ("channel", "said")
    parent: str
    received_at: datetime
    sessions: tuple[str, ...]
    ring_back: bool = False
    channel: str = ""
    said: str = ""


class ContactLogged(OfFollowUp, frozen=True, kw_only=True):
    """What we tried, and what came of it. `step` of the ladder: "call", "letter" or "visit"; `reached`: we spoke with
    them."""

    called: ClassVar[str] = "Contact tried"
    private: ClassVar[tuple[str, ...]] = ("channel", "outcome", "said", "next_step")
    contact: str
    sessions: tuple[str, ...] = ()
    step: str = "call"
    reached: bool = False
    channel: str = ""
    outcome: str = ""
    said: str = ""
    next_step: str = ""


class ArrivalLogged(OfFollowUp, frozen=True, kw_only=True):
    """A line of the Late Book; the entry that it made, if any, is in the entry's own stream."""

    called: ClassVar[str] = "Late arrival"
    private: ClassVar[tuple[str, ...]] = ("reason",)
    session: str
    arrived_at: datetime
    code: str = ""
    reason: str = ""


class EvidenceRequested(OfFollowUp, frozen=True, kw_only=True):
    """Medical evidence asked for, which only a reasonable doubt allows."""

    called: ClassVar[str] = "Medical evidence asked for"
    private: ClassVar[tuple[str, ...]] = ("doubt", "wanted")
    evidence: str
    parent: str
    sessions: tuple[str, ...]
    doubt: str = ""
    wanted: str = ""


class EvidenceSeen(OfFollowUp, frozen=True, kw_only=True):
    private: ClassVar[tuple[str, ...]] = ("what",)
    evidence: str
    seen_on: date
    sessions: tuple[str, ...]
    what: str = ""


class EvidenceReturned(OfFollowUp, frozen=True, kw_only=True):
    evidence: str
    returned_on: date


class LetterSent(OfFollowUp, frozen=True, kw_only=True):
    """A letter, with the figures that it quoted and the day and position at which they were true. `quoted` holds whole
    sessions by name (possible, attended …); `seen` is 0 for everything before the event itself."""

    private: ClassVar[tuple[str, ...]] = ("said",)
    about: str
    parents: tuple[str, ...]
    sent_on: date
    as_of: date | None = None
    seen: int = 0
    quoted: dict[str, int] = {}
    cites: str = ""
    said: str = ""


class SupportRecorded(OfFollowUp, frozen=True, kw_only=True):
    """One stage of one step of support: offered, agreed, held, reviewed … `next_on` is when it is looked at again."""

    called: ClassVar[str] = "Support"
    private: ClassVar[tuple[str, ...]] = ("people", "outcome")
    step: str
    stage: str
    on: date
    next_on: date | None = None
    people: tuple[str, ...] = ()
    outcome: str = ""


class AgencyInformed(OfFollowUp, frozen=True, kw_only=True):
    """Somebody outside was told: a social worker, a youth offending worker, the local authority."""

    private: ClassVar[tuple[str, ...]] = ("person", "said")
    agency: str
    about: str
    on: date
    person: str = ""
    said: str = ""


class ReturnMade(OfFollowUp, frozen=True, kw_only=True):
    """A return to the local authority: which, about which episode, with the content that was sent."""

    called: ClassVar[str] = "Return to the authority"
    private: ClassVar[tuple[str, ...]] = ("content",)
    form: str
    episode: str
    made_on: date
    seen: int = 0
    content: dict[str, Any] = {}  # JSON, as its form has it


class SicknessExpected(OfFollowUp, frozen=True, kw_only=True):
    """A pupil is expected to be away ill from a day to another, both inclusive."""

    private: ClassVar[tuple[str, ...]] = ("grounds",)
    first_day: date
    last_day: date
    grounds: str = ""


class EnquiriesMade(OfFollowUp, frozen=True, kw_only=True):
    """Where the pupil is was asked after; `jointly` with the local authority."""

    private: ClassVar[tuple[str, ...]] = ("outcome",)
    on: date
    jointly: bool
    outcome: str = ""


class AbsenceAttributed(OfFollowUp, frozen=True, kw_only=True):
    """Which parents are believed to have allowed an absence, and why."""

    private: ClassVar[tuple[str, ...]] = ("reason",)
    sessions: tuple[str, ...]
    parents: tuple[str, ...]
    reason: str = ""


class InformationShared(OfFollowUp, frozen=True, kw_only=True):
    """What was passed on to somebody who is not this school, as of a day."""

    private: ClassVar[tuple[str, ...]] = ("what", "recipient", "why")
    on: date
    as_of: date
    seen: int = 0
    what: str = ""
    recipient: str = ""
    why: str = ""


FollowUpEvent = (
    AbsenceReported
    | ContactLogged
    | ArrivalLogged
    | EvidenceRequested
    | EvidenceSeen
    | EvidenceReturned
    | LetterSent
    | SupportRecorded
    | AgencyInformed
    | ReturnMade
    | SicknessExpected
    | EnquiriesMade
    | AbsenceAttributed
    | InformationShared
)
