"""What has happened beside marks, leave and notices: a case from being considered to court, and what followed an
absence. Days are written as text, and everything is about the one pupil of the examples."""

from __future__ import annotations

from datetime import date
from typing import Any

from commands.deciding.state import Fact
from ledger import streams
from ledger.events import (
    AbsenceReported,
    ContactLogged,
    EnquiriesMade,
    EvidenceRequested,
    EvidenceSeen,
    FollowUpEvent,
    ImprovementEnded,
    ImprovementRequired,
    LetterSent,
    NoticeEvent,
    NoticePaid,
    NoticeServed,
    ParticularsAmended,
    PenaltyConsidered,
    ProsecutionBegun,
    ProsecutionEnded,
    ReturnMade,
    RoleNamed,
    SupportRecorded,
)
from ledger.notices import presumed_receipt
from ledger.people import Staff, compulsory_school_age
from ledger.policy import load
from ledger.sessions import parse_moment, school_year
from tests.support.given import MORNING, MOTHER, PUPIL, TEACHER

POLICY = load("national-2024")


def considered(name: str, decision: str, on: str = "2024-12-02", parent: str = MOTHER, route: str = "support") -> Fact:
    about = {"parent": parent, "considered_on": day(on), "route": route, "decision": decision, "reasons": "late daily"}
    return _case(name, PenaltyConsidered(by=TEACHER, **about))


def improvement_required(name: str, on: str = "2024-12-02", ends: str = "2025-01-13", at_most: int = 2) -> Fact:
    required = ImprovementRequired(by=TEACHER, parent=MOTHER, issued_on=day(on), ends_on=day(ends), at_most=at_most)
    return _case(name, required)


def improvement_ended(name: str, on: str = "2025-01-13", improved: bool = False) -> Fact:
    return _case(name, ImprovementEnded(by=TEACHER, ended_on=day(on), improved=improved))


def served(name: str, sent_on: str = "2024-12-09", method: str = "post", received_on: str | None = None) -> Fact:
    """How a notice was sent; received when that was shown, else presumed."""
    received = day(received_on) if received_on else presumed_receipt(method, day(sent_on), POLICY)
    return _case(name, NoticeServed(by=TEACHER, method=method, sent_on=day(sent_on), received_on=received))


def paid(name: str, pounds: float, on: str) -> Fact:
    return _case(name, NoticePaid(by=TEACHER, paid_on=day(on), amount=int(pounds * 100)))


def prosecuted(name: str, on: str = "2025-01-20") -> Fact:
    return _case(name, ProsecutionBegun(by=TEACHER, parent=MOTHER, begun_on=day(on), offence="444(1)"))


def prosecution_ended(name: str, on: str = "2025-03-10", outcome: str = "convicted") -> Fact:
    return _case(name, ProsecutionEnded(by=TEACHER, ended_on=day(on), outcome=outcome))


def reported(*sessions: str, at: str = "2024-11-05T08:41:00", **said: Any) -> Fact:
    about = {"parent": MOTHER, "received_at": parse_moment(at), "sessions": sessions or (MORNING,)}
    return _told(at[:10], AbsenceReported(by=TEACHER, **about, **said))


def contacted(*sessions: str, contact: str = MOTHER, **said: Any) -> Fact:
    about = sessions or (MORNING,)
    return _told(about[0][:10], ContactLogged(by=TEACHER, contact=contact, sessions=about, **said))


def evidence_requested(name: str = "ME-1", *sessions: str) -> Fact:
    asked = {"evidence": name, "parent": MOTHER, "sessions": sessions or (MORNING,), "doubt": "every Monday"}
    return _told("2024-11-05", EvidenceRequested(by=TEACHER, **asked))


def evidence_seen(name: str = "ME-1", on: str = "2024-11-05") -> Fact:
    return _told(on, EvidenceSeen(by=TEACHER, evidence=name, seen_on=day(on), sessions=(MORNING,)))


def letter_sent(about: str = "attendance", on: str = "2024-11-05", **said: Any) -> Fact:
    return _told(on, LetterSent(by=TEACHER, about=about, parents=(MOTHER,), sent_on=day(on), **said))


def supported(step: str, stage: str, on: str = "2024-11-05", **said: Any) -> Fact:
    return _told(on, SupportRecorded(by=TEACHER, step=step, stage=stage, on=day(on), **said))


def enquired(on: str, jointly: bool = True) -> Fact:
    return _told(on, EnquiriesMade(by=TEACHER, on=day(on), jointly=jointly, outcome="nobody knows"))


def return_made(form: str, episode: str, on: str) -> Fact:
    return _told(on, ReturnMade(by=TEACHER, form=form, episode=episode, made_on=day(on)))


def role_named(role: str, *holders: Staff, from_day: str) -> Fact:
    return Fact(streams.SCHOOL, RoleNamed(by=TEACHER, role=role, holders=holders, from_day=day(from_day)))


def birth_corrected(born: str, from_day: str = "2024-11-04") -> Fact:
    first, last = compulsory_school_age(day(born))
    amended = ParticularsAmended(
        by=TEACHER,
        from_day=day(from_day),
        school_age_first=first,
        school_age_last=last,
        particulars={"born": born},
        reason="the certificate was seen",
    )
    return Fact(streams.roll_stream(PUPIL), amended)


def school_days(first: str, count: int, calendar: Any) -> list[str]:
    """Return so many school days, the first of which is `first`."""
    days = [day(first)]
    while len(days) < count:
        days.append(calendar.school_days_after(days[-1], 1))
    return [each.isoformat() for each in days]


def day(text: str) -> date:
    return date.fromisoformat(text)


def _case(name: str, event: NoticeEvent) -> Fact:
    return Fact(streams.notice_stream(PUPIL, name), event)


def _told(on: str, event: FollowUpEvent) -> Fact:
    return Fact(streams.follow_up_stream(PUPIL, school_year(day(on))), event)
