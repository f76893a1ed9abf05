"""Append samples to the golden corpus: python -m tests.golden.make

The corpus holds the bytes of every kind of event as they were first released. Lines are only ever added: when an event
gains a field or a version, add a sample here, run this, and add the line that it prints to the test. Text is sealed
under a key that everybody knows, with a random nonce, so a line cannot be made a second time.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from hashlib import sha256
from pathlib import Path

import msgspec

from ledger import events as e
from ledger import wire
from ledger.calendar import Closed, Hours
from ledger.people import Staff
from tests.golden import procedures
from tests.golden.procedures import BY, Sample

CORPUS = Path(__file__).parent / "events-v1.jsonl"
KEY = bytes(range(32))
FIRST_MOMENT = 1_725_350_400_000_000  # 2024-09-03T08:00:00Z in microseconds

HOURS = (Hours(time(8, 55), time(9, 10), time(12, 0)), Hours(time(13, 15), time(13, 30), time(15, 15)))
CLOSED = (Closed(date(2024, 10, 28), date(2024, 11, 1), "half term"),)
CONTACTS = (
    {"id": "1042-a", "name": "Pärent Öne", "relationship": "mother", "lives_with": True, "phone": "01632 960001"},
)
ENTRY, ROLL, YEAR = "1042/2024/2024-09-03/AM", "1042/roll", "school/2024"
REGISTER, LEAVE, NOTICE = "school/2024/2024-09-03/AM/4W", "1042/2024/leave/LR-1", "1042/notice/PN-1"
FOLLOW_UP = "1042/2024/follow-up"


class Line(msgspec.Struct, frozen=True):
    """A line of the corpus: the stored row, what is sealed in it, and its leaf hash."""

    name: str
    position: int
    stream: str
    version: int
    topic: str
    recorded_at: int
    state: str
    text: dict[str, object]
    leaf: str


def samples() -> list[Sample]:
    """Return every kind of event with every field used, and those that may have text without it too, in order of
    release."""
    return [*_school_day(), *procedures.samples()]


def _school_day() -> list[Sample]:
    opened = e.SchoolOpened(
        by=BY, urn="100001", name="Tëst School", la="999", estab="2001", policy="national-2024", simulated=True
    )
    admitted = {
        "by": BY,
        "starting_day": date(2024, 9, 3),
        "year_group": "4",
        "class_name": "4W",
        "school_age_first": date(2020, 3, 31),
        "school_age_last": date(2031, 6, 27),
        "parents": ("1042-a",),
    }
    personal = {
        "name": "Púpil Öne",
        "upn": "B801200005001",
        "born": "2015-03-09",
        "sex": "F",
        "address": "1 Test Lane",
        "email": "pupil@example.org",
        "contacts": CONTACTS,
        "groups": ("pp", "sen"),
        "last_school": "Elsewhere",
    }
    asked = {"by": BY, "parent": "1042-a", "received_on": date(2024, 9, 1), "first": "2024-09-09/AM"}
    granted = (("2024-09-09/AM", "C"), ("2024-09-09/PM", "C"))
    sessions = ("2024-09-03/AM", "2024-09-03/PM")
    reported = {"by": BY, "parent": "1042-a", "received_at": datetime(2024, 9, 3, 7, 50, 1, 250_000, UTC)}
    arrived = {"by": BY, "session": "2024-09-03/AM", "arrived_at": datetime(2024, 9, 3, 8, 20, tzinfo=UTC)}
    amended = {"by": BY, "year": 2024, "closed": CLOSED, "hours": HOURS}
    closure = {"by": BY, "sessions": sessions, "code": "Y2"}
    first, last = date(2024, 9, 3), date(2025, 7, 18)
    return [
        Sample("SchoolOpened", "school", 1, opened),
        Sample("StaffNamed", "school", 2, e.StaffNamed(by=BY, staff=Staff("t-1", "Tëa Cher", "Teacher"))),
        Sample("PolicyAdopted", "school", 3, e.PolicyAdopted(by=BY, policy="micklem-2025", from_day=date(2025, 9, 1))),
        Sample("ImportBegun", "school", 4, e.ImportBegun(by=BY, source="marks.csv", digest="ab" * 32, rows=1200)),
        Sample(
            "SchoolYearOpened",
            YEAR,
            1,
            e.SchoolYearOpened(by=BY, year=2024, first_day=first, last_day=last, closed=CLOSED, hours=HOURS),
        ),
        Sample("CalendarAmended", YEAR, 2, e.CalendarAmended(**amended)),
        Sample("CalendarAmended sealed", YEAR, 3, e.CalendarAmended(**amended, reason="burst pipe")),
        Sample("ClosureDeclared", YEAR, 4, e.ClosureDeclared(**closure, classes=("4W",))),
        Sample("ClosureDeclared sealed", YEAR, 5, e.ClosureDeclared(**closure, pupils=("1042",), reason="no bus")),
        Sample("PupilAdmitted", ROLL, 1, e.PupilAdmitted(**admitted)),
        Sample("PupilAdmitted sealed", ROLL, 1, e.PupilAdmitted(**admitted, **personal)),
        Sample(
            "ClassChanged",
            ROLL,
            2,
            e.ClassChanged(by=BY, class_name="5É", year_group="5", from_day=date(2025, 9, 3)),
        ),
        Sample("ContactsChanged", ROLL, 3, e.ContactsChanged(by=BY, parents=())),
        Sample("ContactsChanged sealed", ROLL, 4, e.ContactsChanged(by=BY, parents=("1042-a",), contacts=CONTACTS)),
        Sample("GroupsChanged", ROLL, 5, e.GroupsChanged(by=BY)),
        Sample("GroupsChanged sealed", ROLL, 6, e.GroupsChanged(by=BY, groups=("pp",))),
        Sample("PupilRemoved", ROLL, 7, e.PupilRemoved(by=BY, last_day=last)),
        Sample(
            "PupilRemoved sealed",
            ROLL,
            8,
            e.PupilRemoved(by=BY, last_day=last, ground="9(1)(f)", destination="A School"),
        ),
        Sample("RegisterTaken", REGISTER, 1, e.RegisterTaken(by=BY, marked=30)),
        Sample("RegisterClosed", REGISTER, 2, e.RegisterClosed(by=BY, marked=2)),
        Sample("MarkRecorded", ENTRY, 1, e.MarkRecorded(by=BY, code="/")),
        Sample("MarkRecorded cites", ENTRY, 1, e.MarkRecorded(by=BY, code="C", via="close", cites="LR-1")),
        Sample("MarkRecorded sealed", ENTRY, 1, e.MarkRecorded(by=BY, code="O", detail="at the “zoo” 🦒")),
        Sample("MarkAmended", ENTRY, 2, e.MarkAmended(by=BY, code="\\", replaces="N")),
        Sample(
            "MarkAmended sealed",
            ENTRY,
            3,
            e.MarkAmended(by=BY, code="I", replaces="N", detail="fever", reason="parent rang", via="arrival"),
        ),
        Sample("MarkAsserted", ENTRY, 1, e.MarkAsserted(by=BY, code="/", source="ab" * 32, row=7)),
        Sample("MarkAsserted sealed", ENTRY, 1, e.MarkAsserted(by=BY, code="M", source="cd" * 32, row=8, detail="eye")),
        Sample("LeaveRequested", LEAVE, 1, e.LeaveRequested(**asked, last="2024-09-09/PM")),
        Sample(
            "LeaveRequested sealed",
            LEAVE,
            1,
            e.LeaveRequested(**asked, last="2024-09-10/PM", on_form=True, ground="a funeral"),
        ),
        Sample("LeaveDecided", LEAVE, 2, e.LeaveDecided(by=BY)),
        Sample(
            "LeaveDecided sealed",
            LEAVE,
            2,
            e.LeaveDecided(by=BY, granted=granted, reason="exceptional", details={"2024-09-09/AM": "abroad"}),
        ),
        Sample("LeaveWithdrawn", LEAVE, 3, e.LeaveWithdrawn(by=BY)),
        Sample("LeaveWithdrawn sealed", LEAVE, 3, e.LeaveWithdrawn(by=BY, reason="trip cancelled")),
        Sample(
            "NoticeIssued",
            NOTICE,
            1,
            e.NoticeIssued(by=BY, parent="1042-a", issued_on=date(2024, 10, 1), sessions=sessions),
        ),
        Sample("NoticePaid", NOTICE, 2, e.NoticePaid(by=BY, paid_on=date(2024, 10, 9), amount=8000)),
        Sample("NoticeWithdrawn", NOTICE, 3, e.NoticeWithdrawn(by=BY)),
        Sample("NoticeWithdrawn sealed", NOTICE, 3, e.NoticeWithdrawn(by=BY, reason="issued in error")),
        Sample("AbsenceReported", FOLLOW_UP, 1, e.AbsenceReported(**reported, sessions=sessions)),
        Sample(
            "AbsenceReported sealed",
            FOLLOW_UP,
            2,
            e.AbsenceReported(**reported, sessions=sessions, channel="phone", said="a bad night"),
        ),
        Sample("ContactLogged", FOLLOW_UP, 3, e.ContactLogged(by=BY, contact="1042-a")),
        Sample(
            "ContactLogged sealed",
            FOLLOW_UP,
            4,
            e.ContactLogged(
                by=BY,
                contact="1042-a",
                sessions=sessions,
                channel="phone",
                outcome="spoke",
                said="on the way",
                next_step="ring at ten",
            ),
        ),
        Sample("ArrivalLogged", FOLLOW_UP, 5, e.ArrivalLogged(**arrived)),
        Sample("ArrivalLogged sealed", FOLLOW_UP, 6, e.ArrivalLogged(**arrived, code="L", reason="a flat tyre")),
    ]


def lines() -> list[Line]:
    """Return the corpus as it stands."""
    return [msgspec.json.decode(line, type=Line) for line in CORPUS.read_bytes().splitlines()]


def line(sample: Sample, position: int) -> Line:
    """Return a sample as a line, its text sealed."""
    name, stream, version, event = sample
    sealed = wire.seal(event, stream, version, KEY)
    state, recorded_at = wire.encode(sealed), FIRST_MOMENT + position
    text = {field: value for field in event.private if (value := getattr(event, field))}
    leaf = wire.leaf(position, stream, version, event.topic, recorded_at, state).hex()
    return Line(name, position, stream, version, event.topic, recorded_at, state.decode(), text, leaf)


def main() -> None:
    known = {old.name for old in lines()} if CORPUS.exists() else set()
    fresh = [sample for sample in samples() if sample.name not in known]
    with CORPUS.open("a", encoding="utf-8") as corpus:
        for position, sample in enumerate(fresh, len(known) + 1):
            corpus.write(json.dumps(msgspec.to_builtins(line(sample, position)), ensure_ascii=False) + "\n")
    digest = sha256(CORPUS.read_bytes()).hexdigest()
    print(f"{len(fresh)} lines added. The first {len(known) + len(fresh)} lines of the corpus are now:")
    print(f'    ({len(known) + len(fresh)}, "{digest}"),')


if __name__ == "__main__":
    main()
