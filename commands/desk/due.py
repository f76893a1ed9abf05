"""What is due, as a page: by urgency, with whom to ring, and what only waits in numbers folded into a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ledger.words import SEALED
from projections.desk import Desk
from projections.duty import Duty, Urgency

MANY = 3  # lines of a kind that only waits: more of them are counted, and shown when asked for
HEADINGS = {
    Urgency.NOW: "Now: a child may be missing",
    Urgency.TODAY: "Today",
    Urgency.SOON: "Soon",
    Urgency.WAITING: "Waiting",
}


class Stretch(NamedTuple):
    """The duties of one urgency under their heading, and how many more there are of each kind that is folded."""

    heading: str
    duties: list[Duty]
    folded: dict[str, int]


def stretches(duties: Iterable[Duty], *, fold: bool) -> Iterator[Stretch]:
    """Yield what is due by urgency, without urgencies of which nothing is; with `fold`, what waits in numbers is
    counted by its kind."""
    due = list(duties)
    counts = Counter(duty.rule for duty in due if duty.urgency == Urgency.WAITING)
    many = {kind: count for kind, count in counts.items() if fold and count > MANY}
    for urgency, heading in HEADINGS.items():
        folded = many if urgency == Urgency.WAITING else {}
        own = [duty for duty in due if duty.urgency == urgency and duty.rule not in folded]
        if own or folded:
            yield Stretch(heading, own, folded)


class Person(NamedTuple):
    """Whom to ring; no name where it is sealed. `role` is what they are to the child, `reached` a number or an
    address."""

    id: str
    name: str | None = None
    role: str = ""
    reached: str = ""

    def __str__(self) -> str:
        """Return name, role and number; the id where they are sealed."""
        if self.name is None:
            return f"{self.id} {SEALED}"
        return (f"{self.name} ({self.role})" if self.role else self.name) + f", {self.reached or 'no number'}"


def whom_to_ring(duty: Duty, desk: Desk) -> Person | None:
    """Return whom a duty says to ring; None where it says nobody."""
    if not duty.contact or not duty.pupil:
        return None
    known = desk.particulars[duty.pupil]
    for contact in (*known.contacts, *known.emergency_contacts) if known.readable else ():
        if contact.get("id") == duty.contact:
            emergency = "emergency contact" if duty.contact in desk.contacts(duty.pupil).emergency else ""
            role = ", ".join(filter(None, (emergency, contact.get("relationship"))))
            return Person(duty.contact, contact["name"], role, contact.get("phone") or contact.get("email") or "")
    return Person(duty.contact)
