"""Events put into words: what each is called, and what those of follow-up say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import cast, get_args

from ledger.events import (
    AbsenceAttributed,
    AbsenceReported,
    AgencyInformed,
    AnyEvent,
    ArrivalLogged,
    ContactLogged,
    EnquiriesMade,
    EvidenceRequested,
    EvidenceReturned,
    EvidenceSeen,
    FollowUpEvent,
    InformationShared,
    LetterSent,
    ReturnMade,
    SicknessExpected,
    SupportRecorded,
)
from ledger.sessions import format_clock

Fields = Mapping[str, object]  # of an event of any kind, as JSON has them
# Fields that say which thing it is, shown before what was said about it.
NAMING = ("step", "stage", "about", "agency", "form", "evidence", "parent", "contact", "channel", "outcome")
FREE = ("said", "reason", "what", "doubt", "wanted", "grounds", "ground", "next_step", "person")
DAYS = ("on", "sent_on", "seen_on", "made_on", "returned_on", "first_day")


def event_name(kind: str) -> str:
    """Return the name of a kind of event as two words of a sentence: AbsenceReported as "absence reported"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()


# The title of every kind of event.
TITLES = {kind.__name__: kind.called or event_name(kind.__name__).capitalize() for kind in get_args(AnyEvent)}


def fields_about(fields: Fields) -> str:
    """Return the sessions or the day that an event is about, from its fields as programs read them."""
    sessions = cast(Sequence[str], fields.get("sessions") or ([fields["session"]] if fields.get("session") else []))
    if sessions:
        return sessions[0] if len(sessions) == 1 else f"{sessions[0]} to {max(sessions)}, {len(sessions)} sessions"
    if fields.get("first"):
        return f"{fields['first']} to {fields['last']}"
    return next((str(fields[name]) for name in DAYS if fields.get(name)), "")


def fields_said(fields: Fields) -> str:
    """Return what an event says, from its fields as programs read them, free text quoted."""
    named = [str(fields[name]) for name in NAMING if fields.get(name)]
    return ", ".join([*named, *(f'"{fields[name]}"' for name in FREE if fields.get(name))])


def follow_up_words(event: FollowUpEvent, named: Callable[[str], str]) -> tuple[str, str]:
    """Return what one event of the chronology is and what it says; `named` gives the name of a person of an id."""
    match event:
        case AbsenceReported():
            return "report", _joined(named(event.parent), event.channel, ", ".join(event.sessions), event.said)
        case ContactLogged():
            who = named(event.contact)
            return "contact", _joined(who, event.channel, event.outcome, ", ".join(event.sessions), event.said)
        case ArrivalLogged():
            return "arrival", _joined(event.session, format_clock(event.arrived_at).removesuffix(":00"), event.reason)
        case LetterSent():
            to = ", ".join(map(named, event.parents))
            quoted = ", ".join(f"{name} {count}" for name, count in event.quoted.items())
            return "letter", _joined(event.about, f"to {to}", event.cites, quoted, event.said)
        case SupportRecorded():
            again = f"next on {event.next_on}" if event.next_on else ""
            return "support", _joined(event.step, event.stage, ", ".join(event.people), event.outcome, again)
        case AgencyInformed():
            return "told outside", _joined(event.agency, event.about, event.person, event.said)
        case EvidenceRequested():
            return "evidence asked for", _joined(named(event.parent), ", ".join(event.sessions), event.doubt)
        case EvidenceSeen():
            return "evidence seen", _joined(f"on {event.seen_on}", ", ".join(event.sessions), event.what)
        case EvidenceReturned():
            return "evidence returned", f"on {event.returned_on}"
        case ReturnMade():
            return "return made", _joined(event.form, f"about {event.episode}")
        case SicknessExpected():
            return "sickness expected", _joined(f"{event.first_day} to {event.last_day}", event.grounds)
        case EnquiriesMade():
            return "enquiries", _joined("with the authority" if event.jointly else "", event.outcome)
        case AbsenceAttributed():
            who = ", ".join(map(named, event.parents))
            return "absence allowed", _joined(f"by {who}", ", ".join(event.sessions), event.reason)
        case InformationShared():
            return "information shared", _joined(event.what, f"with {event.recipient}", event.why)


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
