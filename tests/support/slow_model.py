"""A slow model of the figures: all facts in one list, every question answered by reading the list from its start.

The kernels are fast because they count over integer columns. This module wants to be checked by reading it: facts are
plain tuples, sessions are text such as `2025-06-03/AM` (which sorts as time runs), and a question first throws away
every fact recorded after the moment it is asked for. It imports nothing of the product, so that an error has to be made
twice to go unseen. It trusts its lines: a refused line must not be applied.
"""

import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")

ATTENDED, AUTHORISED, UNAUTHORISED, NOT_POSSIBLE = "attended", "authorised", "unauthorised", "not possible"

# fmt: off
MEANING = {
    "/": ATTENDED, "\\": ATTENDED, "L": ATTENDED,
    "K": ATTENDED, "V": ATTENDED, "P": ATTENDED, "W": ATTENDED, "B": ATTENDED,
    "C": AUTHORISED, "C1": AUTHORISED, "C2": AUTHORISED, "J1": AUTHORISED, "M": AUTHORISED, "S": AUTHORISED,
    "T": AUTHORISED, "R": AUTHORISED, "I": AUTHORISED, "E": AUTHORISED,
    "G": UNAUTHORISED, "N": UNAUTHORISED, "O": UNAUTHORISED, "U": UNAUTHORISED,
    "D": NOT_POSSIBLE, "X": NOT_POSSIBLE, "Q": NOT_POSSIBLE,
    "Y1": NOT_POSSIBLE, "Y2": NOT_POSSIBLE, "Y3": NOT_POSSIBLE, "Y4": NOT_POSSIBLE, "Y5": NOT_POSSIBLE,
    "Y6": NOT_POSSIBLE, "Y7": NOT_POSSIBLE,
    "Z": NOT_POSSIBLE, "#": NOT_POSSIBLE,  # administrative
    "H": AUTHORISED, "F": AUTHORISED, "J": ATTENDED, "Y": NOT_POSSIBLE,  # withdrawn, with the meanings they had
}
# fmt: on

PENALTY_CODES = {"national-2024": "GNOU", "micklem-2025": "GOU"}  # the school's own policy leaves N out
PENALTY_THRESHOLD = 10  # sessions
PENALTY_WEEKS = 10  # school weeks
FIRST_NOTICE_DAY = date(2024, 8, 19)  # notices of the local schemes before it have no place on the national ladder
LATE_BOOK = {"micklem-2025": timedelta(minutes=5)}  # mornings only, from the opening on; nationally there is none
HOURS = {"AM": (time(8, 55), time(9, 10)), "PM": (time(13, 15), time(13, 30))}  # registration opens, closes


class PolicyAdopted(NamedTuple):
    policy: str
    from_day: date


class YearSet(NamedTuple):
    year: int
    first_day: date
    last_day: date
    closed: list[tuple[date, date]]
    hours: dict[str, tuple[time, time]]


class Admitted(NamedTuple):
    pupil: str
    born: date
    starting_day: date


class BirthCorrected(NamedTuple):
    pupil: str
    born: date


class ClassSet(NamedTuple):
    pupil: str
    class_name: str
    from_day: date


class ParentsSet(NamedTuple):
    pupil: str
    parents: list[str]


class Removed(NamedTuple):
    pupil: str
    last_day: date


class Marked(NamedTuple):
    pupil: str
    session: str
    code: str
    detail: str


class LeaveGranted(NamedTuple):
    pupil: str
    request: str
    session: str
    code: str
    detail: str


class LeaveWithdrawn(NamedTuple):
    pupil: str
    request: str


class ClosureDeclared(NamedTuple):
    sessions: list[str]
    code: str
    detail: str
    classes: list[str]
    pupils: list[str]


class NoticeIssued(NamedTuple):
    pupil: str
    notice: str
    parent: str
    issued_on: date
    sessions: list[str]


class NoticeWithdrawn(NamedTuple):
    pupil: str
    notice: str


class Received(NamedTuple):
    """What a former school's record says: the last code of each session, and its notices, a parent for each."""

    pupil: str
    school: str
    codes: dict[str, str]
    notices: list[NoticeIssued]


class Noted(NamedTuple):
    """Something the ledger writes down that moves its last moment and changes no figure."""

    command: str


Kind = TypeVar("Kind")
Fact = (
    PolicyAdopted | YearSet | Admitted | BirthCorrected | ClassSet | ParentsSet | Removed | Marked | LeaveGranted
    | LeaveWithdrawn | ClosureDeclared | NoticeIssued | NoticeWithdrawn | Received | Noted
)  # fmt: skip


class SlowModel:
    """What was said, in the order it was said, and the figures that follow from it."""

    def __init__(self) -> None:
        self.facts: list[tuple[datetime, Fact]] = []
        self.ids: set[str] = set()

    def apply(self, line: dict[str, Any]) -> None:
        """Take in one accepted journal line; a line whose id was seen before changes nothing."""
        if "id" in line:
            if line["id"] in self.ids:
                return
            self.ids.add(line["id"])
        at = parse_moment(line["at"])
        self.facts.extend((at, fact) for fact in facts_of(line, self.known(at)))

    def known(self, known_at: datetime) -> "Known":
        """Return what was known at a moment; one after the last fact is taken as the moment of the last fact."""
        if not self.facts:
            return Known([], known_at)
        return Known([fact for at, fact in self.facts if at <= known_at], min(known_at, self.facts[-1][0]))

    def entries(self, known_at: datetime) -> dict[tuple[str, str], list[str]]:
        """Return, by pupil and session, every code ever said, oldest first: the first is the original entry."""
        return self.known(known_at).entries()

    def absence(self, as_of: date, known_at: datetime, leavers: bool = False) -> dict[str, dict[str, Any]]:
        """Return the year-to-date absence of each pupil on roll; pupils with nothing possible or missing are left out.

        With `leavers`, those are added who left earlier in the same school year.
        """
        known = self.known(known_at)
        year = known.year_begun_by(as_of)
        if year is None:
            return {}
        entries = known.entries()
        answer = {}
        for pupil in known.pupils():
            left = known.last_day(pupil)
            left_this_year = left is not None and left < as_of and school_year(left) == year
            if not (known.on_roll(pupil, as_of) or (leavers and left_this_year)):
                continue
            latest = [
                codes[-1]
                for (who, session), codes in entries.items()
                if who == pupil
                and school_year(day_of(session)) == year
                and day_of(session) <= as_of
                and known.on_roll(pupil, day_of(session))
            ]
            missing = [
                session
                for session in known.sessions(year)
                if day_of(session) <= as_of
                and known.on_roll(pupil, day_of(session))
                and known.closes(session) <= known.moment
                and (pupil, session) not in entries
            ]
            if latest or missing:
                answer[pupil] = absence_figures(latest, len(missing))
        return {pupil: figures for pupil, figures in answer.items() if figures["possible"] or figures["missing"]}

    def penalty(self, as_of: date, known_at: datetime) -> dict[str, dict[str, Any]]:
        """Return the last ten school weeks of each pupil on roll, with the sessions counted, oldest first."""
        known = self.known(known_at)
        weeks = known.school_weeks(as_of)
        entries = known.entries()
        answer = {}
        for pupil in known.pupils():
            if not known.on_roll(pupil, as_of):
                continue
            first, last = compulsory_school_age(known.born(pupil))
            own = {s: codes[-1] for (who, s), codes in entries.items() if who == pupil}
            here = {session: code for session, code in own.items() if known.on_roll(pupil, day_of(session))}
            there = {s: c for s, c in known.received_codes(pupil).items() if not known.on_roll(pupil, day_of(s))}
            unauthorised = sorted(
                (session, code)
                for session, code in (here | there).items()
                if code in PENALTY_CODES[known.policy(as_of)]
                and monday(day_of(session)) in weeks
                and day_of(session) <= as_of
                and first <= day_of(session) <= last
            )
            notices = [notice for notice in known.notices(pupil) if notice.issued_on <= as_of]
            sessions = without_noticed(unauthorised, notices)
            answer[pupil] = {
                "weeks": [str(week) for week in weeks],
                **verdict(sessions),
                "unresolved": sum(code == "N" for _, code in sessions),
                "sessions": [{"session": session, "code": code} for session, code in sessions],
                "parents": [
                    parent_line(parent, unauthorised, [notice for notice in notices if notice.parent == parent], as_of)
                    for parent in known.parents(pupil)
                ],
            }
        return answer


class Known:
    """The facts recorded by one moment, and what they say about days, people and sessions."""

    def __init__(self, facts: list[Fact], moment: datetime) -> None:
        self.moment = moment
        self.by_kind: dict[type, list[Any]] = {}
        for fact in facts:
            self.by_kind.setdefault(type(fact), []).append(fact)

    def all(self, kind: type[Kind]) -> list[Kind]:
        """Return the facts of one kind, in the order they were said."""
        return self.by_kind.get(kind, [])

    # The policy and the calendar

    def policy(self, day: date) -> str:
        """Return the policy in force on a day: of those begun by then the one that began last."""
        begun = [fact for fact in self.all(PolicyAdopted) if fact.from_day <= day]
        return max(reversed(begun), key=lambda fact: fact.from_day).policy  # of equals the one said last

    def years(self) -> dict[int, YearSet]:
        return {fact.year: fact for fact in self.all(YearSet)}

    def year_begun_by(self, day: date) -> int | None:
        begun = [year.year for year in self.years().values() if year.first_day <= day]
        return max(begun, default=None)

    def sessions(self, year: int) -> list[str]:
        """Return every session of a school year, oldest first."""
        facts = self.years()[year]
        length = (facts.last_day - facts.first_day).days + 1
        days = [facts.first_day + timedelta(days=n) for n in range(length)]
        return [f"{day}/{half}" for day in days if self.is_school_day(day) for half in ("AM", "PM")]

    def is_school_day(self, day: date) -> bool:
        return day.weekday() < 5 and any(
            year.first_day <= day <= year.last_day and not any(first <= day <= last for first, last in year.closed)
            for year in self.years().values()
        )

    def school_weeks(self, as_of: date) -> list[date]:
        """Return the Mondays of the last ten weeks that had held a session by a day, oldest first."""
        days = [day_of(session) for year in self.years() for session in self.sessions(year)]
        return sorted({monday(day) for day in days if day <= as_of})[-PENALTY_WEEKS:]

    def opens(self, session: str) -> datetime:
        return self.wall_time(session, 0)

    def closes(self, session: str) -> datetime:
        return self.wall_time(session, 1)

    def wall_time(self, session: str, end: int) -> datetime:
        hours = self.years()[school_year(day_of(session))].hours[half_of(session)]
        return datetime.combine(day_of(session), hours[end], LONDON).astimezone(UTC)

    # The roll

    def pupils(self) -> list[str]:
        return sorted(fact.pupil for fact in self.all(Admitted))

    def admission(self, pupil: str) -> Admitted:
        return next(fact for fact in self.all(Admitted) if fact.pupil == pupil)

    def born(self, pupil: str) -> date:
        corrected = [fact.born for fact in self.all(BirthCorrected) if fact.pupil == pupil]
        return corrected[-1] if corrected else self.admission(pupil).born

    def starting_day(self, pupil: str) -> date:
        return self.admission(pupil).starting_day

    def last_day(self, pupil: str) -> date | None:
        return next((fact.last_day for fact in self.all(Removed) if fact.pupil == pupil), None)

    def on_roll(self, pupil: str, day: date) -> bool:
        last_day = self.last_day(pupil)
        return self.starting_day(pupil) <= day and (last_day is None or day <= last_day)

    def class_on(self, pupil: str, day: date) -> str | None:
        """Return the class of a pupil on a day, None before the first."""
        begun = [fact for fact in self.all(ClassSet) if fact.pupil == pupil and fact.from_day <= day]
        return max(reversed(begun), key=lambda fact: fact.from_day).class_name if begun else None

    def parents(self, pupil: str) -> list[str]:
        return [fact.parents for fact in self.all(ParentsSet) if fact.pupil == pupil][-1]

    # Marks, what they were expected to be, and notices

    def entries(self) -> dict[tuple[str, str], list[str]]:
        entries: dict[tuple[str, str], list[str]] = {}
        for mark in self.all(Marked):
            entries.setdefault((mark.pupil, mark.session), []).append(mark.code)
        return entries

    def mark(self, pupil: str, session: str) -> Marked | None:
        """Return the latest mark of an entry."""
        marks = reversed(self.all(Marked))
        return next((mark for mark in marks if mark.pupil == pupil and mark.session == session), None)

    def expected(self, pupil: str, session: str) -> Marked:
        """Return the mark an unmarked pupil gets when the register closes: leave before closure before N."""
        for leave in reversed(self.all(LeaveGranted)):
            withdrawn = LeaveWithdrawn(pupil, leave.request) in self.all(LeaveWithdrawn)
            if (leave.pupil, leave.session) == (pupil, session) and not withdrawn:
                return Marked(pupil, session, leave.code, leave.detail)
        for closure in reversed(self.all(ClosureDeclared)):
            whole_school = not closure.classes and not closure.pupils
            named = pupil in closure.pupils or self.class_on(pupil, day_of(session)) in closure.classes
            if session in closure.sessions and (whole_school or named):
                return Marked(pupil, session, closure.code, closure.detail)
        return Marked(pupil, session, "N", "")

    def notices(self, pupil: str) -> list[NoticeIssued]:
        """Return the notices about a pupil that stand, those of former schools as last received among them."""
        withdrawn = [fact.notice for fact in self.all(NoticeWithdrawn) if fact.pupil == pupil]
        own = [fact for fact in self.all(NoticeIssued) if fact.pupil == pupil and fact.notice not in withdrawn]
        return own + [notice for fact in self.received(pupil) for notice in fact.notices]

    def received(self, pupil: str) -> list[Received]:
        """Return the last record of each former school, in the order in which the schools first came."""
        return list({fact.school: fact for fact in self.all(Received) if fact.pupil == pupil}.values())

    def received_codes(self, pupil: str) -> dict[str, str]:
        """Return the codes that records hold; of a session that two schools marked the first one's."""
        found: dict[str, str] = {}
        for fact in self.received(pupil):
            found = fact.codes | found
        return found


def facts_of(line: dict[str, Any], known: Known) -> list[Fact]:
    """Return what a line adds to what was known before it; nothing where it repeats what the entry says already."""
    match line["command"]:
        case "OpenSchool":
            return [PolicyAdopted(line["policy"], date.min)]
        case "AdoptPolicy":
            adopted = PolicyAdopted(line["policy"], date.fromisoformat(line["from_day"]))
            in_force = known.policy(adopted.from_day) == adopted.policy
            later = any(fact.from_day > adopted.from_day for fact in known.all(PolicyAdopted))
            return [] if in_force and not later else [adopted]
        case "OpenSchoolYear":
            first_day, last_day = date.fromisoformat(line["first_day"]), date.fromisoformat(line["last_day"])
            return [YearSet(parse_year(line["year"]), first_day, last_day, closed_days(line), hours(line, HOURS))]
        case "AmendCalendar":
            before = known.years()[parse_year(line["year"])]
            closed = closed_days(line) if "closed" in line else before.closed
            return [before._replace(closed=closed, hours=hours(line, before.hours))]
        case "AdmitPupil":
            pupil, starting_day = line["pupil"], date.fromisoformat(line["starting_day"])
            return [
                Admitted(pupil, date.fromisoformat(line["born"]), starting_day),
                ClassSet(pupil, line["class"], starting_day),
                ParentsSet(pupil, [parent["id"] for parent in line["parents"]]),
            ]
        case "ChangeClass":
            return [ClassSet(line["pupil"], line["class"], date.fromisoformat(line["from_day"]))]
        case "ChangeContacts":
            return [ParentsSet(line["pupil"], [parent["id"] for parent in line["parents"]])]
        case "AmendParticulars" if "born" in line:
            return [BirthCorrected(line["pupil"], date.fromisoformat(line["born"]))]
        case "RemoveFromRoll":
            return [Removed(line["pupil"], date.fromisoformat(line["last_day"]))]
        case "RecordMark" | "AmendMark":
            mark = Marked(line["pupil"], line["session"], line["code"], line.get("detail") or "")
            return [] if mark == known.mark(mark.pupil, mark.session) else [mark]
        case "TakeRegister":
            return [Noted("TakeRegister"), *register_taken(line, known)]
        case "CloseRegister":
            return [Noted("CloseRegister"), *register_closed(line, known)]
        case "LogArrival":
            return [Noted("LogArrival"), *arrival_marked(line, known)]
        case "DecideLeave":
            return [Noted("DecideLeave"), *leave_granted(line)]
        case "WithdrawLeave":
            return [LeaveWithdrawn(line["pupil"], line["request"])]
        case "DeclareClosure":
            classes, pupils = line.get("classes") or [], line.get("pupils") or []
            return [ClosureDeclared(line["sessions"], line["code"], line.get("detail") or "", classes, pupils)]
        case "IssuePenaltyNotice":
            issued_on = date.fromisoformat(line["issued_on"])
            return [NoticeIssued(line["pupil"], line["notice"], line["parent"], issued_on, line["sessions"])]
        case "ReceiveRecord":
            return [record_received(line)]
        case "WithdrawPenaltyNotice":
            return [NoticeWithdrawn(line["pupil"], line["notice"])]
        case command:
            return [Noted(command)]


def record_received(line: dict[str, Any]) -> Received:
    record, parents = json.loads(line["record"])["record"], line.get("parents") or {}
    notices = [
        NoticeIssued(line["pupil"], each["notice"], parents.get(each["parent"], ""),
                     date.fromisoformat(each["issued_on"]), each["sessions"])
        for each in record["notices"] if each["state"] != "withdrawn"
    ]  # fmt: skip
    codes = {each["session"]: each["entries"][-1]["code"] for each in record["entries"]}
    return Received(line["pupil"], record["school"]["urn"], codes, notices)


def leave_granted(line: dict[str, Any]) -> list[LeaveGranted]:
    about = line["pupil"], line["request"]
    return [LeaveGranted(*about, each["session"], each["code"], each.get("detail") or "") for each in line["granted"]]


def register_taken(line: dict[str, Any], known: Known) -> list[Marked]:
    """Return the marks a register adds: a pupil marked before it was taken keeps that mark."""
    marks = []
    for pupil, said in line["marks"].items():
        code, detail = (said, "") if isinstance(said, str) else (said["code"], said.get("detail") or "")
        if known.mark(pupil, line["session"]) is None:
            marks.append(Marked(pupil, line["session"], code, detail))
    return marks


def register_closed(line: dict[str, Any], known: Known) -> list[Marked]:
    """Return what closing puts on each unmarked pupil on roll, of one class or of all."""
    session, day = line["session"], day_of(line["session"])
    return [
        known.expected(pupil, session)
        for pupil in known.pupils()
        if known.on_roll(pupil, day)
        and line.get("class") in (None, known.class_on(pupil, day))
        and known.mark(pupil, session) is None
    ]


def arrival_marked(line: dict[str, Any], known: Known) -> list[Marked]:
    """Return the mark of an arrival: an original one, an amendment of N, or none where another mark stands."""
    pupil, session = line["pupil"], line["session"]
    before = known.mark(pupil, session)
    if before is not None and before.code != "N":
        return []
    code = line.get("code") or arrival_code(session, parse_moment(line["arrived_at"]), known)
    mark = Marked(pupil, session, code, line.get("detail") or "")
    return [] if mark == before else [mark]


def arrival_code(session: str, arrived: datetime, known: Known) -> str:
    """Return present, late or very late. The second of a boundary still belongs to the milder code."""
    kept = LATE_BOOK.get(known.policy(day_of(session))) if half_of(session) == "AM" else None
    if kept is not None and arrived <= known.opens(session) + kept:
        return "/"
    if kept is None and arrived < known.opens(session):  # without a late book, whoever comes once it has opened is late
        return "/" if half_of(session) == "AM" else "\\"
    return "L" if arrived <= known.closes(session) else "U"


def absence_figures(codes: list[str], missing: int) -> dict[str, Any]:
    """Return the absence figures of one pupil's latest codes; verdicts are on counts, before any rounding."""
    counts = Counter(MEANING[code] for code in codes)
    absent = counts[AUTHORISED] + counts[UNAUTHORISED]
    possible = counts[ATTENDED] + absent
    persistent = possible > 0 and 10 * absent >= possible
    return {
        "possible": possible,
        "attended": counts[ATTENDED],
        "authorised": counts[AUTHORISED],
        "unauthorised": counts[UNAUTHORISED],
        "missing": missing,
        "attendance_percent": percent(counts[ATTENDED], possible),
        "absence_percent": percent(absent, possible),
        "persistent": persistent,
        "severe": possible > 0 and 2 * absent >= possible,
        "at_risk": possible > 0 and 20 * absent >= possible and not persistent,
    }


def percent(part: int, whole: int) -> float | None:
    """Return a percentage to one decimal, halves up, worked out in whole numbers; None where the whole is nothing."""
    return None if whole == 0 else (2000 * part + whole) // (2 * whole) / 10


def verdict(sessions: list[tuple[str, str]]) -> dict[str, Any]:
    """Return how many sessions count, whether that is enough, and the session that made it enough."""
    met = len(sessions) >= PENALTY_THRESHOLD
    return {"count": len(sessions), "met": met, "met_on": sessions[PENALTY_THRESHOLD - 1][0] if met else None}


def without_noticed(sessions: list[tuple[str, str]], notices: list[NoticeIssued]) -> list[tuple[str, str]]:
    return [(session, code) for session, code in sessions if not any(session in n.sessions for n in notices)]


def parent_line(
    parent: str, sessions: list[tuple[str, str]], notices: list[NoticeIssued], as_of: date
) -> dict[str, Any]:
    """Return one parent's line: only notices to this parent take sessions away from it."""
    in_three_years = [n for n in notices if n.issued_on >= FIRST_NOTICE_DAY and as_of < years_after(n.issued_on, 3)]
    return {
        "parent": parent,
        **verdict(without_noticed(sessions, notices)),
        "notices_in_three_years": len(in_three_years),
    }


def compulsory_school_age(born: date) -> tuple[date, date]:
    """Return the first and the last day of compulsory school age, both inclusive."""
    first = years_after(born, 5)
    while (first.month, first.day) not in ((3, 31), (8, 31), (12, 31)):
        first += timedelta(days=1)
    sixteenth = years_after(born, 16)
    last = date(sixteenth.year + (sixteenth.month >= 9), 6, 30)
    while last.strftime("%a") != "Fri":
        last -= timedelta(days=1)
    return first, last


def years_after(day: date, years: int) -> date:
    """Return the same day some years later, 1 March for a 29 February that the later year lacks."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def school_year(day: date) -> int:
    """Return the calendar year in which the school year of a day began, on 1 August."""
    return day.year if day.month >= 8 else day.year - 1


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def day_of(session: str) -> date:
    return date.fromisoformat(session.split("/")[0])


def half_of(session: str) -> str:
    return session.split("/")[1]


def parse_year(text: str) -> int:
    return int(text.split("/")[0])


def parse_moment(text: str) -> datetime:
    """Return a moment in UTC; a time without an offset is London's."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=LONDON)).astimezone(UTC)


def closed_days(line: dict[str, Any]) -> list[tuple[date, date]]:
    return [(date.fromisoformat(each["from"]), date.fromisoformat(each["to"])) for each in line.get("closed") or []]


def hours(line: dict[str, Any], otherwise: dict[str, tuple[time, time]]) -> dict[str, tuple[time, time]]:
    """Return the registration hours a line states, and those that held before for a half it leaves out."""
    stated = {
        half: (time.fromisoformat(times["opens"]), time.fromisoformat(times["closes"]))
        for half, times in (line.get("times") or {}).items()
    }
    return otherwise | stated
