"""One case lived through, from the first absence to a court, as the journal `tests/examples/whole-case.ndjson`.

Leo Marsh, in a small mixed class, misses school without a word in September; his parents are rung, written to, invited,
offered help and told to improve; a notice is issued and paid, a refused holiday is taken, a second notice is not paid
and is prosecuted, and a third offence may bring no notice any more. Around him six others live the rest of the policy:
leave granted, long illness, lateness, ten days without contact, a newcomer, and one who moves away. Everybody is made
up; the policy is the school's own, `micklem-2025`.

The story is written here as a diary, day by day, and the registers are taken from it. A position that somebody saw, and
the digest of a daily return, can only be known by living through it: so the journal is what comes out of replaying the
diary once. To write it again: `python -m tests.support.whole_case`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from stdnum.gb import upn

from tests.support.former import KEPT, KEPT_KEY
from tests.support.schools import open_school

Line = dict[str, Any]

JOURNAL = Path(__file__).parents[1] / "examples" / "whole-case.ndjson"
CLASS = "Oak"
FIRST_DAY, LAST_DAY = date(2025, 9, 3), date(2026, 7, 21)
TOLD_UNTIL = date(2026, 3, 27)  # the story ends with the spring term
REVIEW_ON = "2026-11-30"
HALF_TERM, CHRISTMAS = ("2025-10-27", "2025-10-31", "Half term"), ("2025-12-22", "2026-01-02", "Christmas")
LATER = [
    ("2026-02-16", "2026-02-20", "Half term"),
    ("2026-03-30", "2026-04-10", "Easter"),
    ("2026-05-04", "2026-05-04", "Early May bank holiday"),
    ("2026-05-25", "2026-05-29", "Half term"),
]
TRAINING = ("2026-01-05", "2026-01-05", "Staff training")
CLOSED = [HALF_TERM, CHRISTMAS, TRAINING, *LATER]
SNOW = "2025-11-26"

LEO, MIA, NOAH, ISLA, AMIR, ELLA, SAM = (str(number) for number in range(2001, 2008))
MOTHER, FATHER, GRANDMOTHER = f"{LEO}-a", f"{LEO}-b", f"{LEO}-e"

SEEN = "the position reached"  # stands for what only replaying can tell


def person(ident: str, name: str, title: str) -> dict[str, str]:
    return {"id": ident, "name": name, "title": title}


HEAD = person("archer", "M Archer", "Headteacher")
DEPUTY = person("bell", "J Bell", "Deputy headteacher")
LEAD = person("crane", "S Crane", "Assistant headteacher")
OFFICE = person("lark", "P Lark", "Office manager")
PASTORAL = person("wren", "K Wren", "Pastoral lead")
TEACHER = person("rowan", "T Rowan", "Class teacher")
AUTHORITY = person("heron", "R Heron", "Local authority attendance officer")


def is_school_day(day: date) -> bool:
    return day.weekday() < 5 and not any(first <= str(day) <= last for first, last, _ in CLOSED)


DAYS = [
    day
    for day in (FIRST_DAY + timedelta(days=n) for n in range((TOLD_UNTIL - FIRST_DAY).days + 1))
    if is_school_day(day)
]


def both(*days: str) -> list[str]:
    """Return the two sessions of each day."""
    return [f"{day}/{half}" for day in days for half in ("AM", "PM")]


HOLIDAY = both("2026-01-12", "2026-01-13", "2026-01-14", "2026-01-15", "2026-01-16")
FIRST_OFFENCE = [
    *both("2025-09-15"),
    "2025-09-24/AM",
    "2025-09-30/AM",
    *both("2025-10-02", "2025-10-03", "2025-10-08"),
    "2025-11-03/AM",
    *both("2025-11-05"),
    "2025-11-12/AM",
]
THIRD_OFFENCE = [
    "2026-01-22/AM",
    *both("2026-01-28"),
    "2026-02-03/AM",
    *both("2026-02-05"),
    "2026-02-12/AM",
    *both("2026-02-24"),
    "2026-02-26/AM",
]
ILL = both("2025-12-08", "2025-12-09")
WITHOUT_CONTACT = [str(day) for day in DAYS if "2026-01-19" <= str(day) <= "2026-01-30"]


class Diary:
    """What is going to happen. A planned mark of None leaves the pupil out of the register."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.marks: dict[tuple[str, str], str | None] = {}

    def write(self, at: str, by: dict[str, str], command: str, **fields: Any) -> None:
        """Add a line; `at` is London's time, and a trailing underscore lets a field be called "class"."""
        at = at if at.count(":") == 2 else f"{at}:00"
        given = {name.rstrip("_"): value for name, value in fields.items()}
        self.lines.append({"command": command, "at": at, "by": by, **given})

    def plan(self, pupil: str, code: str | None, *sessions: str) -> None:
        self.marks |= {(pupil, session): code for session in sessions}

    def amend(self, at: str, pupil: str, code: str, reason: str, *sessions: str) -> None:
        for second, session in enumerate(sessions):
            fields = {"pupil": pupil, "session": session, "code": code, "reason": reason}
            self.write(f"{at}:{5 * second:02}", OFFICE, "AmendMark", **fields)

    def report(self, day: str, clock: str, pupil: str, channel: str, said: str) -> None:
        """A parent tells the school on the day that a pupil is away; the office writes it down five minutes later."""
        received = f"{day}T{clock}:00"
        at = f"{day}T{clock[:3]}{int(clock[3:]) + 5:02}"
        fields = {"pupil": pupil, "parent": f"{pupil}-a", "channel": channel, "received_at": received}
        self.write(at, OFFICE, "ReportAbsence", **fields, sessions=both(day), said=said)

    def contact(self, at: str, contact: str, channel: str, outcome: str, session: str, said: str = "") -> None:
        fields = {"pupil": contact[:4], "contact": contact, "channel": channel, "outcome": outcome}
        self.write(at, OFFICE, "LogContact", **fields, sessions=[session], **({"said": said} if said else {}))

    def arrive(self, pupil: str, day: str, clock: str, reason: str) -> None:
        """Somebody comes late on a morning; after the register has closed that amends the N it left."""
        session = f"{day}/AM"
        self.plan(pupil, None, session)
        fields = {"pupil": pupil, "session": session, "arrived_at": f"{day}T{clock}:00", "reason": reason}
        self.write(f"{day}T{clock}:20", OFFICE, "LogArrival", **fields)

    def support(self, at: str, pupil: str, step: str, stage: str, by: dict[str, str] = LEAD, **fields: Any) -> None:
        day = fields.pop("on", at[:10])
        self.write(at, by, "RecordSupport", pupil=pupil, step=step, stage=stage, on=day, **fields)


def diary() -> list[Line]:
    """Return the lines in order of time, with SEEN where a position has to be filled in."""
    told = Diary()
    for chapter in (
        open_school_and_roll,
        autumn_absence,
        staged_support,
        first_notice,
        doubted_illness,
        refused_holiday,
        second_notice,
        third_offence,
        leave_granted,
        long_illness,
        lateness,
        ten_days_without_contact,
        newcomer,
        leaver,
        the_school_itself,
        registers,
    ):
        chapter(told)
    return sorted(told.lines, key=lambda line: line["at"])


def journal() -> Iterator[Line]:
    """Yield the journal: the diary lived through once, each position filled in as it was reached."""
    with closing(open_school()) as school:
        for line in diary():
            head = school.ledger.reads.head()[0]
            line = {name: head if value is SEEN else value for name, value in line.items()}
            if line["command"] == "RecordDailyReturn":
                line["digest"] = sha256(f"{line['day']} as known at {head}".encode()).hexdigest()
            school.send(line)
            yield line


# A story reads better in the lines it is told in.
# fmt: off

# --- the school and its people --------------------------------------------------------------------------------------


def open_school_and_roll(told: Diary) -> None:
    told.write("2025-08-28T09:00", HEAD, "OpenSchool", urn="999001", name="Hazel Wood Primary School", la="919",
               estab="2999", policy="micklem-2025")
    told.write("2025-08-28T09:10", HEAD, "OpenSchoolYear", year="2025/26", first_day=str(FIRST_DAY),
               last_day=str(LAST_DAY), closed=closed(HALF_TERM, CHRISTMAS, *LATER))
    for minute, (role, holder, contact) in enumerate(
        [
            ("headteacher", HEAD, "01632 960200"),
            ("leave designate", DEPUTY, ""),
            ("attendance lead", LEAD, "01632 960201, lead@hazelwood.example.org"),
            ("day-to-day contact", OFFICE, "01632 960202, office@hazelwood.example.org"),
            ("support contact", PASTORAL, "01632 960203, pastoral@hazelwood.example.org"),
            ("pastoral lead", PASTORAL, ""),
        ]
    ):
        fields = {"role": role, "holders": [holder], "from_day": "2025-09-01", "contact": contact}
        told.write(f"2025-09-01T09:0{minute}", HEAD, "NameRole", **fields)
    for minute, pupil in enumerate([LEO, MIA, NOAH, ISLA, AMIR, ELLA]):
        told.write(f"2025-09-01T09:3{minute}", OFFICE, "AdmitPupil", **admission(pupil, "2025-09-03", "5"))


NAMES = {
    LEO: ("Leo Marsh", "M", "2016-02-11", "Dana", "Owen", ["SEN support"]),
    MIA: ("Mia Castle", "F", "2015-11-30", "Ruth", "Paul", []),
    NOAH: ("Noah Pike", "M", "2016-06-02", "Gwen", "Mark", []),
    ISLA: ("Isla Frost", "F", "2016-04-19", "Tess", "Adam", []),
    AMIR: ("Amir Dale", "M", "2015-10-08", "Nadia", "Karim", ["social worker"]),
    ELLA: ("Ella Quinn", "F", "2016-07-23", "Moira", "Sean", []),
    SAM: ("Sam Birch", "M", "2016-03-05", "Holly", "Ian", []),
}


def admission(pupil: str, starts: str, year_group: str) -> Line:
    name, sex, born, mother, father, groups = NAMES[pupil]
    family = name.split()[1]
    digits = f"919299921{int(pupil) - 2000:03}"
    number = int(pupil) % 100
    return {
        "pupil": pupil,
        "upn": upn.calc_check_digit(digits) + digits,
        "name": name,
        "born": born,
        "sex": sex,
        "starting_day": starts,
        "year_group": year_group,
        "class": CLASS,
        "address": f"{number} Hazel Row, Exampleton",
        "last_school": "Exampleton Infants",
        "parents": parents(pupil, family, mother, father, f"01632 9601{number:02}"),
        "emergency_contacts": [
            {"id": f"{pupil}-e", "name": f"Joan {family}", "relationship": "grandmother",
             "phone": f"01632 9603{number:02}", "contact_order": 3}
        ],
        "groups": groups,
    }


def parents(pupil: str, family: str, mother: str, father: str, phone: str) -> list[Line]:
    number = int(pupil) % 100
    return [
        {"id": f"{pupil}-a", "name": f"{mother} {family}", "relationship": "mother", "lives_with": True,
         "phone": phone, "email": f"{mother}.{family}@example.org".lower(), "contact_order": 1,
         "address": f"{number} Hazel Row, Exampleton"},
        {"id": f"{pupil}-b", "name": f"{father} {family}", "relationship": "father", "lives_with": pupil != LEO,
         "phone": f"01632 9602{number:02}", "contact_order": 2, "address": f"{number} Elm Close, Exampleton"},
    ]


def closed(*days: tuple[str, str, str]) -> list[Line]:
    return [{"from": first, "to": last, "why": why} for first, last, why in days]


def the_school_itself(told: Diary) -> None:
    """A review of the policy, a snow day, a training day, another attendance lead, and a later policy."""
    told.write("2025-11-14T16:30", HEAD, "AdoptPolicy", policy="micklem-2025", from_day="2025-11-17",
               review_on=REVIEW_ON)
    told.write(f"{SNOW}T07:05", HEAD, "DeclareClosure", sessions=both(SNOW), code="Y4", reason="snow, no heating")
    told.write("2025-12-01T16:00", HEAD, "AmendCalendar", year="2025/26",
               closed=closed(HALF_TERM, CHRISTMAS, TRAINING, *LATER), reason="a day of training agreed")
    told.write("2025-12-18T16:00", HEAD, "NameRole", role="attendance lead", holders=[DEPUTY],
               from_day="2026-01-06", contact="01632 960201, lead@hazelwood.example.org")
    told.write("2026-03-23T16:30", HEAD, "AdoptPolicy", policy="national-2024", from_day="2026-04-13",
               review_on="2027-03-31")
    told.plan(MIA, None, "2025-11-20/PM")
    told.write("2025-11-20T13:16", TEACHER, "RecordMark", pupil=MIA, session="2025-11-20/PM", code="B",
               detail="county choir, rehearsal in the town hall")
    report = {"possible": 140, "attended": 139, "authorised": 1, "unauthorised": 0}
    told.write("2025-12-18T16:05", OFFICE, "SendLetter", pupil=MIA, about="report", parents=[f"{MIA}-a", f"{MIA}-b"],
               sent_on="2025-12-18", as_of="2025-12-17", seen=SEEN, quoted=report)


# --- Leo: absence, support, a first notice --------------------------------------------------------------------------


def autumn_absence(told: Diary) -> None:
    """Ten sessions between 15 September and 8 October, and what the office did about each."""
    told.plan(LEO, None, *both("2025-09-15"), "2025-09-16/AM")
    told.contact("2025-09-15T09:22", MOTHER, "phone", "no answer", "2025-09-15/AM")
    told.contact("2025-09-15T09:40", GRANDMOTHER, "phone", "spoke", "2025-09-15/AM", "will ask his mother to ring")
    told.contact("2025-09-15T13:36", MOTHER, "phone", "no answer", "2025-09-15/PM")
    told.report("2025-09-16", "08:12", LEO, "voicemail", "sick in the night")
    told.contact("2025-09-16T09:25", MOTHER, "phone", "spoke", "2025-09-16/AM", "sick since last night; asked for more")
    told.amend("2025-09-16T09:30", LEO, "I", "voicemail rung back: sick in the night", "2025-09-16/AM")
    told.plan(LEO, "I", "2025-09-16/PM")
    told.amend("2025-09-22T15:30", LEO, "O", "no reason given in five school days", *both("2025-09-15"))
    told.arrive(LEO, "2025-09-24", "09:31", "missed the bus")
    told.arrive(LEO, "2025-09-26", "09:06", "overslept")
    told.arrive(LEO, "2025-09-30", "09:44", "overslept")
    for day, said in (("2025-10-02", "to bed late, too tired"), ("2025-10-03", "still tired")):
        told.report(day, "08:40", LEO, "phone", said)
        told.plan(LEO, "O", *both(day))
    told.write("2025-10-06T14:00", LEAD, "SendLetter", pupil=LEO, about="attendance", parents=[MOTHER],
               sent_on="2025-10-06", as_of="2025-10-03", seen=SEEN,
               quoted={"possible": 46, "attended": 36, "authorised": 2, "unauthorised": 8})
    told.plan(LEO, None, *both("2025-10-08"))
    told.contact("2025-10-08T09:20", MOTHER, "phone", "voicemail", "2025-10-08/AM")
    told.contact("2025-10-08T09:35", FATHER, "phone", "spoke", "2025-10-08/AM", "did not know, will find out")
    told.contact("2025-10-08T15:25", FATHER, "phone", "spoke", "2025-10-08/PM", "overslept and stayed at home")
    told.amend("2025-10-08T15:30", LEO, "O", "father rang back: overslept, stayed at home", *both("2025-10-08"))


def staged_support(told: Diary) -> None:
    """Meeting, adjustments, assessment, contract, the authority's advice; help comes before a notice."""
    people = ["Dana Marsh", "S Crane", "K Wren"]
    told.write("2025-10-09T10:00", LEAD, "SendLetter", pupil=LEO, about="meeting", parents=[MOTHER, FATHER],
               sent_on="2025-10-09")
    told.support("2025-10-09T10:05", LEO, "meeting", "invited", on="2025-10-14", people=people)
    told.support("2025-10-14T15:45", LEO, "meeting", "held", people=people, next_on="2025-11-13",
                 outcome="mornings are hard; his mother works nights")
    told.support("2025-10-14T15:50", LEO, "reasonable adjustments", "offered", outcome="breakfast club, quiet entry")
    told.support("2025-10-14T15:51", LEO, "reasonable adjustments", "accepted")
    told.support("2025-10-14T15:52", LEO, "Families First Assessment", "offered", next_on="2025-10-16")
    told.support("2025-10-14T15:53", LEO, "signposting", "offered", outcome="the school nurse, on sleep")
    told.support("2025-10-16T09:50", LEO, "Families First Assessment", "declined", PASTORAL, outcome="not now")
    told.support("2025-10-16T09:55", LEO, "attendance contract", "agreed", people=people, next_on="2025-11-13",
                 outcome="in class by 08:55, a call before 08:30 where he cannot be")
    told.support("2025-10-17T11:00", LEO, "authority advice", "held", people=["R Heron"])
    told.support("2025-11-13T15:45", LEO, "attendance contract", "reviewed", people=people, next_on="2025-12-04",
                 outcome="late twice and away a day since half term")
    told.support("2025-12-04T15:45", LEO, "attendance contract", "reviewed", people=people, outcome="better")
    told.support("2026-01-19T15:45", LEO, "attendance contract", "ended", DEPUTY, outcome="not kept")
    told.support("2026-01-27T15:45", LEO, "Families First Assessment", "offered", PASTORAL, next_on="2026-01-30")
    told.support("2026-01-30T15:45", LEO, "Families First Assessment", "accepted", PASTORAL)
    told.write("2026-02-09T10:00", PASTORAL, "ChangeGroups", pupil=LEO, groups=["SEN support", "social worker"])
    agencies = ["Dana Marsh", "Owen Marsh", "K Wren", "the school nurse", "a social worker"]
    told.support("2026-02-10T15:45", LEO, "Team Around the Family", "held", PASTORAL, people=agencies,
                 next_on="2026-03-10")
    told.support("2026-02-10T16:00", LEO, "support plan", "agreed", PASTORAL, people=agencies, next_on="2026-03-10")
    told.support("2026-03-10T15:45", LEO, "support plan", "reviewed", PASTORAL, people=agencies, next_on="2026-04-21")


def first_notice(told: Diary) -> None:
    """Considered with support first, told to improve, not improved, referred, issued, served, and paid in time."""
    told.write("2025-10-17T11:30", HEAD, "ConsiderPenalty", pupil=LEO, notice="PN-1", parent=MOTHER,
               considered_on="2025-10-17", route="support", decision="improve", seen=SEEN,
               reasons="ten sessions by 8 October; help has only just begun")
    told.write("2025-10-20T10:00", HEAD, "RequireImprovement", pupil=LEO, notice="PN-1", issued_on="2025-10-20",
               ends_on="2025-11-21", at_most=2, seen=SEEN, offered="breakfast club, contract, assessment",
               improvement="no more than two unauthorised sessions", early_end="a third one")
    told.write("2025-10-20T10:10", HEAD, "SendLetter", pupil=LEO, about="notice to improve", parents=[MOTHER],
               sent_on="2025-10-20", as_of="2025-10-17", seen=SEEN, cites="PN-1",
               quoted={"possible": 66, "attended": 54, "authorised": 2, "unauthorised": 10})
    told.arrive(LEO, "2025-11-03", "09:38", "overslept")
    told.plan(LEO, None, *both("2025-11-05"))
    told.contact("2025-11-05T09:20", MOTHER, "phone", "number dead", "2025-11-05/AM")
    told.contact("2025-11-05T09:30", FATHER, "phone", "no answer", "2025-11-05/AM")
    told.contact("2025-11-05T09:40", GRANDMOTHER, "phone", "no answer", "2025-11-05/AM")
    told.write("2025-11-06T15:20", OFFICE, "ChangeContacts", pupil=LEO,
               parents=parents(LEO, "Marsh", "Dana", "Owen", "01632 960150"))
    told.amend("2025-11-12T15:30", LEO, "O", "no reason given in five school days", *both("2025-11-05"))
    told.arrive(LEO, "2025-11-12", "09:27", "missed the bus")
    told.write("2025-11-24T09:30", HEAD, "EndImprovement", pupil=LEO, notice="PN-1", ended_on="2025-11-21",
               improved=False, outcome="four unauthorised sessions, two were allowed")
    told.write("2025-11-24T10:00", HEAD, "ReferPenalty", pupil=LEO, notice="PN-1", referred_on="2025-11-24",
               sessions=FIRST_OFFENCE, seen=SEEN, reasons="support was offered, taken in part, and not enough")
    told.write("2025-12-01T11:00", AUTHORITY, "IssuePenaltyNotice", pupil=LEO, notice="PN-1", parent=MOTHER,
               issued_on="2025-12-01", sessions=FIRST_OFFENCE)
    told.write("2025-12-01T11:10", AUTHORITY, "ServeNotice", pupil=LEO, notice="PN-1", method="post",
               sent_on="2025-12-01")
    told.write("2025-12-02T15:20", OFFICE, "ChangeEmergencyContacts", pupil=LEO, emergency_contacts=[
        {"id": GRANDMOTHER, "name": "Joan Marsh", "relationship": "grandmother", "phone": "01632 960301"},
        {"id": f"{LEO}-n", "name": "Nell Abbot", "relationship": "neighbour", "phone": "01632 960351"},
    ])
    told.write("2025-12-23T14:00", AUTHORITY, "RecordPayment", pupil=LEO, notice="PN-1", paid_on="2025-12-23",
               amount="80")


def doubted_illness(told: Diary) -> None:
    """Two days reported as illness in doubt: O until the evidence was seen, I since."""
    told.plan(LEO, None, *ILL)
    for day in ("2025-12-08", "2025-12-09"):
        told.report(day, "08:45", LEO, "email", "a fever")
    told.write("2025-12-09T10:00", LEAD, "RequestEvidence", pupil=LEO, evidence="EV-1", parent=MOTHER, sessions=ILL,
               doubt="a third illness reported without being seen", wanted="an appointment card or a note")
    told.write("2025-12-09T10:05", LEAD, "SendLetter", pupil=LEO, about="evidence", parents=[MOTHER],
               sent_on="2025-12-09", cites="EV-1")
    told.amend("2025-12-15T15:30", LEO, "O", "evidence asked for on 9 December and not seen", *ILL)
    told.write("2026-01-06T09:30", OFFICE, "RecordEvidence", pupil=LEO, evidence="EV-1", seen_on="2026-01-06",
               sessions=ILL, what="a note of the surgery of 9 December")
    told.amend("2026-01-06T09:40", LEO, "I", "note of the surgery of 9 December seen", *ILL)
    told.write("2026-01-07T15:30", OFFICE, "ReturnEvidence", pupil=LEO, evidence="EV-1", returned_on="2026-01-07")


# --- Leo: a holiday, a second notice, a third offence ---------------------------------------------------------------


def refused_holiday(told: Diary) -> None:
    """Leave asked for in advance and refused, taken all the same, and who allowed it."""
    told.write("2025-12-01T15:00", OFFICE, "RequestLeave", pupil=LEO, request="LR-2", parent=MOTHER,
               received_on="2025-12-01", first=HOLIDAY[0], last=HOLIDAY[-1], ground="holiday", on_form=True)
    told.write("2025-12-03T16:00", HEAD, "DecideLeave", pupil=LEO, request="LR-2", granted=[],
               reason="a holiday could be taken at another time")
    told.write("2025-12-03T16:10", OFFICE, "SendLetter", pupil=LEO, about="leave refused", parents=[MOTHER, FATHER],
               sent_on="2025-12-03", cites="LR-2")
    told.plan(LEO, None, HOLIDAY[0])
    told.plan(LEO, "G", *HOLIDAY[1:])
    told.contact("2026-01-12T09:20", MOTHER, "phone", "no answer", HOLIDAY[0])
    told.contact("2026-01-12T09:35", GRANDMOTHER, "phone", "spoke", HOLIDAY[0], "they flew to Spain on Saturday")
    told.amend("2026-01-12T09:50", LEO, "G", "grandmother: on the holiday that was refused", HOLIDAY[0])
    told.write("2026-01-19T10:00", HEAD, "AttributeAbsence", pupil=LEO, sessions=HOLIDAY, parents=[MOTHER, FATHER],
               reason="his mother asked for the leave and his father travelled along")
    told.write("2026-01-19T10:30", OFFICE, "MakeReturn", pupil=LEO, form="unauthorised", episode="2025-09-15",
               made_on="2026-01-19", seen=SEEN, content={"unauthorised": 24})


def second_notice(told: Diary) -> None:
    """A second notice to the mother, not paid and prosecuted; a first to the father, paid late in part, withdrawn."""
    for minute, (notice, parent) in enumerate([("PN-2", MOTHER), ("PN-3", FATHER)]):
        told.write(f"2026-01-20T09:3{minute}", HEAD, "ConsiderPenalty", pupil=LEO, notice=notice, parent=parent,
                   considered_on="2026-01-20", route="no support", decision="notice", seen=SEEN,
                   reasons="a holiday in term time, after leave was refused")
        told.write(f"2026-01-21T10:0{minute}", HEAD, "ReferPenalty", pupil=LEO, notice=notice,
                   referred_on="2026-01-21", sessions=HOLIDAY, seen=SEEN)
        told.write(f"2026-01-26T11:0{minute}", AUTHORITY, "IssuePenaltyNotice", pupil=LEO, notice=notice,
                   parent=parent, issued_on="2026-01-26", sessions=HOLIDAY)
    told.write("2026-01-26T11:10", AUTHORITY, "ServeNotice", pupil=LEO, notice="PN-3", method="post",
               sent_on="2026-01-26")
    told.write("2026-01-27T12:00", AUTHORITY, "ServeNotice", pupil=LEO, notice="PN-2", method="hand",
               sent_on="2026-01-27")
    told.write("2026-02-18T12:00", AUTHORITY, "RecordPayment", pupil=LEO, notice="PN-3", paid_on="2026-02-18",
               amount="80")
    told.write("2026-02-25T10:00", AUTHORITY, "BeginProsecution", pupil=LEO, notice="PN-2", begun_on="2026-02-25",
               offence="444(1)")
    told.write("2026-03-02T10:00", AUTHORITY, "WithdrawPenaltyNotice", pupil=LEO, notice="PN-3",
               reason="paid late and in part; the money was given back")
    told.write("2026-03-26T16:00", AUTHORITY, "EndProsecution", pupil=LEO, notice="PN-2", ended_on="2026-03-26",
               outcome="convicted", fine="220", said="single justice")
    told.write("2026-02-25T10:10", HEAD, "PlaceHold", pupil=LEO, reason="proceedings before the Magistrates' Court")
    told.write("2026-03-27T09:00", HEAD, "LiftHold", pupil=LEO, reason="the first case is over")


def third_offence(told: Diary) -> None:
    """Ten sessions more: no third notice may be issued, so something else is considered."""
    told.arrive(LEO, "2026-01-22", "09:26", "overslept")
    absent(told, "2026-01-28", "would not get up")
    told.arrive(LEO, "2026-02-03", "09:52", "missed the bus")
    absent(told, "2026-02-05", "would not get up")
    told.arrive(LEO, "2026-02-12", "09:19", "overslept")
    told.plan(LEO, None, *both("2026-02-24"), "2026-02-26/AM")
    told.contact("2026-02-24T09:20", MOTHER, "phone", "voicemail", "2026-02-24/AM")
    told.contact("2026-02-24T09:30", f"{LEO}-n", "phone", "no answer", "2026-02-24/AM")
    told.write("2026-02-24T15:00", PASTORAL, "InformAgency", pupil=LEO, agency="social worker",
               about="unexplained absence", on="2026-02-24", person="A Teal")
    told.contact("2026-02-26T09:25", MOTHER, "phone", "spoke", "2026-02-26/AM", "did not want to come on Tuesday")
    told.amend("2026-02-26T09:40", LEO, "O", "mother: did not want to come", *both("2026-02-24"), "2026-02-26/AM")
    told.write("2026-03-03T11:00", HEAD, "ConsiderPenalty", pupil=LEO, notice="PN-4", parent=MOTHER,
               considered_on="2026-03-03", route="support", decision="other", seen=SEEN,
               reasons="ten sessions since the holiday, and two notices in three years",
               instead="the authority is asked to consider a prosecution")
    told.write("2026-03-20T10:00", AUTHORITY, "BeginProsecution", pupil=LEO, notice="PN-4", begun_on="2026-03-20",
               offence="444(1A)")
    told.write("2026-03-27T09:10", HEAD, "PlaceHold", pupil=LEO, reason="the second case")


def absent(told: Diary, day: str, said: str) -> None:
    """A day away that his mother explains by telephone and the school does not authorise."""
    told.plan(LEO, None, f"{day}/AM")
    told.plan(LEO, "O", f"{day}/PM")
    told.contact(f"{day}T09:20", MOTHER, "phone", "spoke", f"{day}/AM", said)
    told.amend(f"{day}T09:30", LEO, "O", f"mother: {said}", f"{day}/AM")


# --- the others -----------------------------------------------------------------------------------------------------


def leave_granted(told: Diary) -> None:
    """Mia: one session granted by the designate; another request withdrawn."""
    told.write("2025-11-10T15:00", OFFICE, "RequestLeave", pupil=MIA, request="LR-1", parent=f"{MIA}-a",
               received_on="2025-11-10", first="2025-12-05/AM", last="2025-12-05/PM", ground="a graduation",
               on_form=True)
    told.write("2025-11-12T16:00", DEPUTY, "DecideLeave", pupil=MIA, request="LR-1",
               granted=[{"session": "2025-12-05/PM", "code": "C"}],
               reason="the ceremony is in the afternoon and happens once")
    told.plan(MIA, None, "2025-12-05/PM")
    told.write("2026-02-02T15:00", OFFICE, "RequestLeave", pupil=MIA, request="LR-3", parent=f"{MIA}-b",
               received_on="2026-02-02", first="2026-03-13/AM", last="2026-03-13/PM", ground="a visit",
               on_form=True)
    told.write("2026-02-09T15:00", OFFICE, "WithdrawLeave", pupil=MIA, request="LR-3", reason="not going")


def long_illness(told: Diary) -> None:
    """Noah: two weeks of illness, an operation expected, and the return for fifteen days."""
    for first, last, said in (("2025-10-06", "2025-10-10", "flu"), ("2025-11-10", "2025-11-14", "tonsillitis")):
        for day in [str(day) for day in DAYS if first <= str(day) <= last]:
            told.report(day, "08:20", NOAH, "phone", said)
            told.plan(NOAH, "I", *both(day))
    told.write("2025-11-28T09:30", OFFICE, "RecordEvidence", pupil=NOAH, evidence="EV-2", seen_on="2025-11-28",
               sessions=both("2025-12-01"), what="a letter of the hospital")
    told.write("2025-11-28T09:40", OFFICE, "ExpectSickness", pupil=NOAH, first_day="2025-12-01",
               last_day="2025-12-12", grounds="an operation and two weeks at home")
    told.write("2025-11-28T10:00", OFFICE, "MakeReturn", pupil=NOAH, form="sickness", episode="2025-12-01",
               made_on="2025-11-28", seen=SEEN, content={"days": 10, "expected": 10})
    told.plan(NOAH, "I", *both(*(str(day) for day in DAYS if "2025-12-01" <= str(day) <= "2025-12-12")))
    told.support("2025-12-15T15:45", NOAH, "individual healthcare plan", "agreed", PASTORAL, next_on="2026-01-15")
    told.support("2026-01-15T15:45", NOAH, "individual healthcare plan", "reviewed", PASTORAL, outcome="well again")


def lateness(told: Diary) -> None:
    """Isla: a letter about punctuality after the fifth late morning, a meeting after the tenth."""
    for day, minute in (("09-09", 3), ("09-11", 7), ("09-16", 4), ("09-18", 9), ("09-23", 2), ("09-25", 20),
                        ("09-30", 5), ("10-02", 31), ("10-07", 8), ("10-09", 6)):
        told.arrive(ISLA, f"2025-{day}", f"09:{minute:02}", "traffic")
    told.write("2025-09-24T10:00", LEAD, "SendLetter", pupil=ISLA, about="punctuality", parents=[f"{ISLA}-a"],
               sent_on="2025-09-24", as_of="2025-09-23", seen=SEEN,
               quoted={"possible": 30, "attended": 30, "authorised": 0, "unauthorised": 0, "late": 5})
    told.support("2025-10-10T10:00", ISLA, "meeting", "invited", PASTORAL, on="2025-10-14")
    told.support("2025-10-14T14:30", ISLA, "meeting", "held", PASTORAL, people=["Tess Frost", "K Wren"],
                 outcome="will leave home earlier")


def ten_days_without_contact(told: Diary) -> None:
    """Ella: the whole ladder from the first call to the authority on the tenth day, and the return for it."""
    mother, first = f"{ELLA}-a", WITHOUT_CONTACT[0]
    told.plan(ELLA, None, *both(*WITHOUT_CONTACT))
    told.contact(f"{first}T09:40", f"{ELLA}-e", "phone", "number dead", f"{first}/AM")
    for place, day in enumerate(WITHOUT_CONTACT, 1):
        told.contact(f"{day}T09:20", mother, "phone", "no answer", f"{day}/AM")
        if place > 5:  # the fifth school day after the session is the last on which N may stand
            earlier = WITHOUT_CONTACT[place - 6]
            told.amend(f"{day}T15:30", ELLA, "O", "no reason given in five school days", *both(earlier))
    third, fifth, last = WITHOUT_CONTACT[2], WITHOUT_CONTACT[4], WITHOUT_CONTACT[-1]
    told.write(f"{third}T10:00", OFFICE, "SendLetter", pupil=ELLA, about="no contact", parents=[mother], sent_on=third)
    told.contact(f"{third}T10:05", mother, "letter", "letter sent", f"{third}/AM")
    told.contact(f"{fifth}T11:00", mother, "home visit", "nobody there", f"{fifth}/AM")
    told.write(f"{last}T14:00", LEAD, "InformAgency", pupil=ELLA, agency="local authority", about="no contact",
               on=last, person="R Heron")
    told.write(f"{last}T14:30", LEAD, "RecordEnquiries", pupil=ELLA, on=last, jointly=True,
               outcome="an aunt says that they are with a grandfather who is dying")
    told.write(f"{last}T14:45", OFFICE, "MakeReturn", pupil=ELLA, form="attendance", episode=first, made_on=last,
               seen=SEEN, content={"days": 10})
    told.write("2026-02-02T15:30", OFFICE, "RequestLeave", pupil=ELLA, request="LR-4", parent=mother,
               received_on="2026-02-02", first=f"{first}/AM", last=f"{last}/PM", ground="a funeral abroad",
               on_form=True)
    told.write("2026-02-03T16:00", HEAD, "DecideLeave", pupil=ELLA, request="LR-4", granted=[],
               reason="leave is not granted afterwards")
    told.contact("2026-02-02T08:50", mother, "in person", "spoke", f"{last}/PM", "back from a funeral abroad")
    told.amend("2026-02-02T10:00", ELLA, "O", "a funeral abroad, no leave was asked for", *both(*WITHOUT_CONTACT[-5:]))


def newcomer(told: Diary) -> None:
    """Sam: joins in November with his former school's record, and his year group is put right."""
    told.write("2025-11-06T10:00", OFFICE, "AdmitPupil", **admission(SAM, "2025-11-10", "4"))
    told.write("2025-11-10T14:00", OFFICE, "ReceiveRecord", pupil=SAM, record=KEPT.read_text(encoding="utf-8"),
               key=KEPT_KEY.read_text(encoding="utf-8").strip())
    told.write("2025-11-10T15:30", OFFICE, "MakeReturn", pupil=SAM, form="new pupil", episode="2025-11-10",
               made_on="2025-11-10", seen=SEEN, content={"starting_day": "2025-11-10"})
    told.write("2025-11-13T15:30", OFFICE, "ChangeClass", pupil=SAM, class_=CLASS, year_group="5",
               from_day="2025-11-17")


def leaver(told: Diary) -> None:
    """Amir: a new address, the moving form, the return before the deletion, and what the next school is told."""
    told.write("2026-01-12T15:10", OFFICE, "AmendParticulars", pupil=AMIR, from_day="2026-01-10",
               address="9 Mill Street, Otherton", reason="moved house")
    told.write("2026-02-02T15:10", OFFICE, "ReceiveMovingForm", pupil=AMIR, parent=f"{AMIR}-a",
               received_on="2026-02-02", leaving_on="2026-02-13", new_address="9 Mill Street, Otherton",
               new_school="Brook Lane Primary School", new_school_address="Brook Lane, Otherton")
    told.write("2026-02-13T14:00", OFFICE, "MakeReturn", pupil=AMIR, form="deletion", episode="2026-02-13",
               made_on="2026-02-13", seen=SEEN,
               content={"ground": "moved away", "school": "Brook Lane Primary School"})
    told.write("2026-02-13T14:10", PASTORAL, "InformAgency", pupil=AMIR, agency="social worker", about="deletion",
               on="2026-02-13", person="A Teal")
    told.write("2026-02-13T15:20", OFFICE, "RemoveFromRoll", pupil=AMIR, last_day="2026-02-13", ground="moved away",
               destination="Brook Lane Primary School", shown_by="form for pupils moving from school")
    told.write("2026-02-23T10:00", OFFICE, "ShareInformation", pupil=AMIR, what="attendance of the year to date",
               recipient="Brook Lane Primary School", on="2026-02-23", as_of="2026-02-13", seen=SEEN,
               why="transfer to the next school")


# --- the registers --------------------------------------------------------------------------------------------------


def registers(told: Diary) -> None:
    """Every register taken and closed, and every day's codes sent to the department."""
    for day in map(str, DAYS):
        for half, present, opened, shut in (("AM", "/", "08:57", "09:10:30"), ("PM", "\\", "13:17", "13:30:30")):
            session = f"{day}/{half}"
            marks = {pupil: told.marks.get((pupil, session), present) for pupil in on_roll(day)}
            taken = {pupil: code for pupil, code in marks.items() if code is not None}
            if day != SNOW:
                told.write(f"{day}T{opened}", TEACHER, "TakeRegister", session=session, marks=taken, class_=CLASS)
            told.write(f"{day}T{shut}", OFFICE, "CloseRegister", session=session)
        told.write(f"{day}T15:55", OFFICE, "RecordDailyReturn", day=day, seen=SEEN, pupils=len(on_roll(day)))


def on_roll(day: str) -> list[str]:
    newcomers = [SAM] if day >= "2025-11-10" else []
    leavers = [AMIR] if day <= "2026-02-13" else []
    return sorted([LEO, MIA, NOAH, ISLA, ELLA, *newcomers, *leavers])


def written(lines: Iterator[Line]) -> str:
    """Return the lines as the journal holds them."""
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)


if __name__ == "__main__":
    JOURNAL.write_text(written(journal()), encoding="utf-8")
