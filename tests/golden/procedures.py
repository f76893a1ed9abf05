"""Events of the procedures: roles and returns of the school, particulars, follow-up, support and penalty cases. Each
with every field used, and where it may have text also without it. The first samples are in `make`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import NamedTuple

from ledger import events as e
from ledger.people import Staff
from ledger.policy import Setting


class Sample(NamedTuple):
    """An event, its text open, and where it stands."""

    name: str
    stream: str
    version: int
    event: e.Event


BY = Staff("s-1", "A Clerk", "Attendance officer")
AUNT = ({"id": "1042-c", "name": "Äunt Öne", "relationship": "aunt", "phone": "01632 960002", "contact_order": 3},)
ROLL, YEAR, FOLLOW_UP, CASE = "1042/roll", "school/2025", "1042/2025/follow-up", "1042/notice/PN-2"
SESSIONS = ("2025-11-03/AM", "2025-11-03/PM")
DAY, NEXT = date(2025, 11, 3), date(2025, 11, 24)


def samples() -> list[Sample]:
    kept = [*_school(), *_roll(), *_follow_up(), *_support(), *_case(), *_keeping(), *_dated()]
    return [*kept, *_pinned(), *_received(), *_times(), *_ruled(), *_restored()]


def _school() -> list[Sample]:
    named = {"by": BY, "role": "leave designate", "holders": (Staff("d-1", "D Députy", "Deputy head"),)}
    adopted = e.PolicyAdopted(by=BY, policy="micklem-2025", from_day=date(2025, 11, 1), review_on=date(2026, 11, 1))
    sent = e.DailyReturnMade(by=BY, day=DAY, seen=1810, pupils=412, digest="ef" * 32)
    return [
        Sample("PolicyAdopted reviewed", "school", 5, adopted),
        Sample("RoleNamed", "school", 6, e.RoleNamed(**named, from_day=DAY)),
        Sample("RoleNamed sealed", "school", 7, e.RoleNamed(**named, from_day=DAY, contact="01632 960003")),
        Sample("DailyReturnMade", YEAR, 1, sent),
    ]


def _roll() -> list[Sample]:
    admitted = e.PupilAdmitted(
        by=BY,
        starting_day=date(2025, 9, 3),
        year_group="R",
        class_name="RK",
        school_age_first=date(2026, 3, 31),
        school_age_last=date(2037, 6, 26),
        parents=("1043-a",),
        emergency=("1042-c",),
        emergency_contacts=AUNT,
    )
    amended = {"by": BY, "from_day": DAY}
    age = {"school_age_first": date(2021, 8, 31), "school_age_last": date(2032, 6, 25)}
    form = {"by": BY, "parent": "1042-a", "received_on": DAY, "leaving_on": NEXT}
    told = {"new_address": "2 Õther Lane", "new_school": "Hill School", "new_school_address": "A Hill"}
    left = e.PupilRemoved(
        by=BY, last_day=NEXT, ground="moved away", destination="Hill School", shown_by="the moving form"
    )
    return [
        Sample("PupilAdmitted emergency sealed", "1043/roll", 1, admitted),
        Sample("EmergencyContactsChanged", ROLL, 9, e.EmergencyContactsChanged(by=BY, emergency=())),
        Sample(
            "EmergencyContactsChanged sealed",
            ROLL,
            10,
            e.EmergencyContactsChanged(by=BY, emergency=("1042-c",), emergency_contacts=AUNT),
        ),
        Sample("ParticularsAmended", ROLL, 11, e.ParticularsAmended(**amended)),
        Sample(
            "ParticularsAmended sealed",
            ROLL,
            12,
            e.ParticularsAmended(**amended, **age, particulars={"born": "2016-09-03"}, reason="certificate seen"),
        ),
        Sample("MovingFormReceived", ROLL, 13, e.MovingFormReceived(**form)),
        Sample("MovingFormReceived sealed", ROLL, 14, e.MovingFormReceived(**form, **told)),
        Sample("PupilRemoved shown sealed", ROLL, 15, left),
    ]


def _follow_up() -> list[Sample]:
    reported = e.AbsenceReported(
        by=BY,
        parent="1042-a",
        received_at=datetime(2025, 11, 3, 8, 41, tzinfo=UTC),
        sessions=SESSIONS,
        ring_back=True,
        channel="voicemail",
        said="ill again",
    )
    visited = {"step": "visit", "reached": True, "channel": "home visit", "outcome": "met"}
    asked = {"by": BY, "evidence": "ME-1", "parent": "1042-a", "sessions": SESSIONS}
    seen = {"by": BY, "evidence": "ME-1", "seen_on": DAY, "sessions": SESSIONS}
    ill = {"by": BY, "first_day": DAY, "last_day": NEXT}
    allowed = {"by": BY, "sessions": SESSIONS, "parents": ("1042-a", "1042-b")}
    return [
        Sample("AbsenceReported ring back sealed", FOLLOW_UP, 1, reported),
        Sample("ContactLogged visit sealed", FOLLOW_UP, 2, e.ContactLogged(by=BY, contact="1042-a", **visited)),
        Sample("EvidenceRequested", FOLLOW_UP, 3, e.EvidenceRequested(**asked)),
        Sample(
            "EvidenceRequested sealed",
            FOLLOW_UP,
            4,
            e.EvidenceRequested(**asked, doubt="a fourth Monday", wanted="a card"),
        ),
        Sample("EvidenceSeen", FOLLOW_UP, 5, e.EvidenceSeen(**seen)),
        Sample("EvidenceSeen sealed", FOLLOW_UP, 6, e.EvidenceSeen(**seen, what="a prescription")),
        Sample("EvidenceReturned", FOLLOW_UP, 7, e.EvidenceReturned(by=BY, evidence="ME-1", returned_on=NEXT)),
        Sample("SicknessExpected", FOLLOW_UP, 8, e.SicknessExpected(**ill)),
        Sample("SicknessExpected sealed", FOLLOW_UP, 9, e.SicknessExpected(**ill, grounds="an operation")),
        Sample("EnquiriesMade", FOLLOW_UP, 10, e.EnquiriesMade(by=BY, on=DAY, jointly=False)),
        Sample("EnquiriesMade sealed", FOLLOW_UP, 11, e.EnquiriesMade(by=BY, on=DAY, jointly=True, outcome="no trace")),
        Sample("AbsenceAttributed", FOLLOW_UP, 12, e.AbsenceAttributed(**allowed)),
        Sample("AbsenceAttributed sealed", FOLLOW_UP, 13, e.AbsenceAttributed(**allowed, reason="both booked")),
    ]


def _support() -> list[Sample]:
    letter = {"by": BY, "about": "attendance", "parents": ("1042-a",), "sent_on": DAY}
    quoted = {"possible": 120, "attended": 108, "authorised": 8, "unauthorised": 4, "late": 6}
    step = {"by": BY, "step": "attendance contract", "stage": "agreed", "on": DAY}
    informed = {"by": BY, "agency": "social worker", "about": "unexplained absence", "on": DAY}
    made = {"by": BY, "form": "attendance", "episode": "2025-10-20", "made_on": DAY}
    shared = {"by": BY, "on": DAY, "as_of": date(2025, 10, 31)}
    words = {"what": "the year to date", "recipient": "Hill School", "why": "a sibling is there"}
    return [
        Sample("LetterSent", FOLLOW_UP, 14, e.LetterSent(**letter)),
        Sample(
            "LetterSent sealed",
            FOLLOW_UP,
            15,
            e.LetterSent(**letter, as_of=DAY, seen=1810, quoted=quoted, cites="LR-1", said="below ninety-five"),
        ),
        Sample("SupportRecorded", FOLLOW_UP, 16, e.SupportRecorded(**step)),
        Sample(
            "SupportRecorded sealed",
            FOLLOW_UP,
            17,
            e.SupportRecorded(**step, next_on=NEXT, people=("Pärent Öne", "A Clerk"), outcome="a taxi"),
        ),
        Sample("AgencyInformed", FOLLOW_UP, 18, e.AgencyInformed(**informed)),
        Sample("AgencyInformed sealed", FOLLOW_UP, 19, e.AgencyInformed(**informed, person="S Worker", said="no word")),
        Sample("ReturnMade", FOLLOW_UP, 20, e.ReturnMade(**made)),
        Sample("ReturnMade sealed", FOLLOW_UP, 21, e.ReturnMade(**made, seen=1810, content={"days": 10, "codes": "N"})),
        Sample("InformationShared", FOLLOW_UP, 22, e.InformationShared(**shared)),
        Sample(
            "InformationShared sealed",
            FOLLOW_UP,
            23,
            e.InformationShared(**shared, seen=1810, **words),
        ),
    ]


def _case() -> list[Sample]:
    considered = {"by": BY, "parent": "1042-a", "considered_on": DAY, "route": "support", "decision": "other"}
    required = {"by": BY, "parent": "1042-a", "issued_on": DAY, "ends_on": NEXT, "at_most": 2}
    ended = {"by": BY, "ended_on": NEXT, "improved": True}
    referred = {"by": BY, "parent": "1042-a", "referred_on": NEXT, "sessions": SESSIONS, "policy": "micklem-2025"}
    served = e.NoticeServed(by=BY, method="post", sent_on=DAY, received_on=date(2025, 11, 5))
    begun = e.ProsecutionBegun(by=BY, parent="1042-a", begun_on=NEXT, offence="444(1A)")
    tried = {"by": BY, "ended_on": NEXT, "outcome": "convicted"}
    words = {"offered": "breakfast club", "improvement": "every morning", "early_end": "three more"}
    return [
        Sample("PenaltyConsidered", CASE, 1, e.PenaltyConsidered(**considered)),
        Sample(
            "PenaltyConsidered sealed",
            CASE,
            2,
            e.PenaltyConsidered(**considered, seen=1810, reasons="a third offence", instead="court"),
        ),
        Sample("ImprovementRequired", CASE, 3, e.ImprovementRequired(**required)),
        Sample("ImprovementRequired sealed", CASE, 4, e.ImprovementRequired(**required, seen=1810, **words)),
        Sample("ImprovementEnded", CASE, 5, e.ImprovementEnded(**ended)),
        Sample("ImprovementEnded sealed", CASE, 6, e.ImprovementEnded(**ended, outcome="one session")),
        Sample("PenaltyReferred", CASE, 7, e.PenaltyReferred(**referred)),
        Sample("PenaltyReferred sealed", CASE, 8, e.PenaltyReferred(**referred, seen=1810, reasons="no change")),
        Sample("NoticeServed", CASE, 9, served),
        Sample("ProsecutionBegun", CASE, 10, begun),
        Sample("ProsecutionEnded", CASE, 11, e.ProsecutionEnded(**tried)),
        Sample("ProsecutionEnded sealed", CASE, 12, e.ProsecutionEnded(**tried, fine=25_000, said="guilty plea")),
    ]


def _keeping() -> list[Sample]:
    return [
        Sample("HoldPlaced", ROLL, 40, e.HoldPlaced(by=BY)),
        Sample("HoldPlaced sealed", ROLL, 41, e.HoldPlaced(by=BY, reason="a complaint")),
        Sample("HoldLifted", ROLL, 42, e.HoldLifted(by=BY)),
        Sample("HoldLifted sealed", ROLL, 43, e.HoldLifted(by=BY, reason="settled")),
        Sample("YearsForgotten", "school", 40, e.YearsForgotten(by=BY, years=(("1042", 0), ("1042", 2018)))),
    ]


def _dated() -> list[Sample]:
    said = {"by": BY, "from_day": NEXT, "reason": "a new telephone"}
    parents = e.ContactsChanged(**said, parents=("1042-c",), contacts=AUNT)
    emergency = e.EmergencyContactsChanged(**said, emergency=("1042-c",), emergency_contacts=AUNT)
    return [
        Sample("ContactsChanged dated", ROLL, 44, parents),
        Sample("EmergencyContactsChanged dated", ROLL, 45, emergency),
    ]


def _pinned() -> list[Sample]:
    seen = {"by": BY, "parent": "1042-a", "sessions": SESSIONS, "policy": "micklem-2025", "seen": 1810}
    digest = "cd" * 32
    return [
        Sample("PenaltyReferred pinned", CASE, 13, e.PenaltyReferred(**seen, digest=digest, referred_on=NEXT)),
        Sample("NoticeIssued pinned", CASE, 14, e.NoticeIssued(**seen, digest=digest, issued_on=NEXT)),
    ]


def _received() -> list[Sample]:
    record = {
        "by": BY,
        "urn": "118000",
        "ledger": "ab" * 32,
        "digest": "cd" * 32,
        "record_position": 1810,
        "known_at": datetime(2025, 11, 24, 15, 30, tzinfo=UTC),
        "as_of": date(2025, 11, 21),
    }
    notices = (e.ReceivedNotice("PN-1", "1042-b", date(2025, 10, 1), SESSIONS), e.ReceivedNotice("PN-2", "", DAY, ()))
    said = {"school": "Hill School", "parents": {"77-a": "Pärent Öne"}}
    marks = {"2025-11-03/AM": "O", "2025-11-03/PM": "\\"}
    return [
        Sample("RecordReceived", ROLL, 46, e.RecordReceived(**record)),
        Sample("RecordReceived sealed", ROLL, 47, e.RecordReceived(**record, marks=marks, notices=notices, **said)),
    ]


def _times() -> list[Sample]:
    forgotten = e.YearsForgotten(by=BY, years=(("1042", 2018),), second=Staff("head", "Hêad", "Headteacher"))
    return [
        Sample("ClockAccepted", "school/clock", 1, e.ClockAccepted(by=BY)),
        Sample("StampsDoubted", "school/clock", 2, e.StampsDoubted(by=BY, first=10)),
        Sample("StampsDoubted sealed", "school/clock", 3, e.StampsDoubted(by=BY, first=10, last=12, reason="battery")),
        Sample("YearsForgotten by two", "school", 41, forgotten),
    ]


def _ruled() -> list[Sample]:
    """Return what keeps the rules with it: a policy with its settings, and what was decided under it."""
    settings = {
        "hours.am": Setting({"closes": "09:10:00", "ends": "12:00:00", "opens": "08:55:00"}, "Öur text"),
        "late_book": Setting("09:00:00", "Öur text"),
        "penalty.codes": Setting(["G", "O", "U"], "Öur text"),
        "penalty.threshold": Setting(10, "Öur text"),
        "recount_noticed_sessions": Setting(False, "Öur text"),
    }
    kept = {"by": BY, "policy": "öurs", "title": "Öur policy", "edition": "2025", "settings": settings}
    school = {"urn": "100001", "name": "Tëst School", "la": "999", "estab": "2001", "simulated": False}
    seen = {"by": BY, "parent": "1042-a", "sessions": SESSIONS, "policy": "öurs", "seen": 1810, "digest": "cd" * 32}
    return [
        Sample("SchoolOpened ruled", "school", 1, e.SchoolOpened(**school, **kept, codes="ab" * 32)),
        Sample("PolicyAdopted ruled", "school", 41, e.PolicyAdopted(**kept, codes="ab" * 32, from_day=NEXT)),
        Sample("PenaltyReferred ruled", CASE, 15, e.PenaltyReferred(**seen, rules="ef" * 32, referred_on=NEXT)),
        Sample("NoticeIssued ruled", CASE, 16, e.NoticeIssued(**seen, rules="ef" * 32, issued_on=NEXT)),
    ]


def _restored() -> list[Sample]:
    return [Sample("RestorationAccepted", "school", 44, e.RestorationAccepted(by=BY, stood=1810, ended=1700))]
