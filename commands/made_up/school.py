"""The made-up school of the demonstration: its calendar, its people, and the diary that its story is written into.

Everything follows from a seed. Names come from Faker, telephone numbers from the range kept for drama, e-mail addresses
from example.org, and the URN and establishment number belong to no school.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import NamedTuple

from faker import Faker

from ledger.calendar import Closed, SchoolYear
from ledger.policy import load
from ledger.sessions import LONDON, Half, Session, format_moment

URN, LA, ESTAB, POLICY = "999001", "919", "2999", "national-2024"
CLASSES = ("RH", "1K", "2B", "3M", "4W", "5T", "6S")  # by year group: reception is 0
PLACES = (30, 30, 29, 30, 30, 29, 30)
FORMED = date(2024, 9, 3)  # first day of the first school year
MOVED = date(2025, 9, 3)  # the day on which everybody is one class further
CLOSURE = date(2025, 1, 14)
ENDS = date(2026, 1, 30)  # the demonstration stops here, in the middle of its second year

Mark = str | dict[str, str]
Line = dict[str, object]
Person = dict[str, str]

# Bank holidays close no school by themselves, so each lies inside a holiday or stands here on its own.
HOURS = load(POLICY).hours
YEARS = (
    SchoolYear(
        2024,
        FORMED,
        date(2025, 7, 22),
        (
            Closed(date(2024, 10, 28), date(2024, 11, 1), "Half term"),
            Closed(date(2024, 12, 23), date(2025, 1, 3), "Christmas"),
            Closed(date(2025, 1, 6), date(2025, 1, 6), "Staff training"),
            Closed(date(2025, 2, 17), date(2025, 2, 21), "Half term"),
            Closed(date(2025, 4, 7), date(2025, 4, 21), "Easter"),
            Closed(date(2025, 5, 5), date(2025, 5, 5), "Early May bank holiday"),
            Closed(date(2025, 5, 26), date(2025, 5, 30), "Half term"),
        ),
        HOURS,
    ),
    SchoolYear(
        2025,
        MOVED,
        date(2026, 7, 21),
        (
            Closed(date(2025, 10, 27), date(2025, 10, 31), "Half term"),
            Closed(date(2025, 12, 22), date(2026, 1, 2), "Christmas"),
            Closed(date(2026, 2, 16), date(2026, 2, 20), "Half term"),
            Closed(date(2026, 3, 30), date(2026, 4, 10), "Easter"),
            Closed(date(2026, 5, 4), date(2026, 5, 4), "Early May bank holiday"),
            Closed(date(2026, 5, 25), date(2026, 5, 29), "Half term"),
        ),
        HOURS,
    ),
)
DAYS = [day for year in YEARS for day in year.days() if day <= ENDS]
OPEN_DAYS = [day for day in DAYS if day != CLOSURE]


def moment(day: date, hour: int, minute: int, second: int = 0) -> datetime:
    """Return that London wall time as an aware UTC datetime."""
    return datetime.combine(day, time(hour, minute, second), LONDON).astimezone(UTC)


def both(day: date) -> list[Session]:
    """Return the two sessions of that day."""
    return [Session(day, half) for half in Half]


class Pupil(NamedTuple):
    """One pupil; `cohort` is the year group in 2024/25, -1 for those who start reception in 2025."""

    number: str
    cohort: int
    name: str
    sex: str
    born: date
    upn: str
    starts: date
    leaves: date | None
    parents: tuple[dict[str, object], ...]
    groups: tuple[str, ...]
    emergency: tuple[dict[str, object], ...] = ()

    def class_on(self, day: date) -> str:
        """Return the class on that day; the pupil must be on roll."""
        return CLASSES[self.cohort + (day >= MOVED)]

    def year_on(self, day: date) -> str:
        """Return the year group on that day, `R` for reception; the pupil must be on roll."""
        return "R123456"[self.cohort + (day >= MOVED)]

    def on_roll(self, day: date) -> bool:
        """Return whether that day lies between the starting day and the last day, both included."""
        return self.starts <= day and (self.leaves is None or day <= self.leaves)

    def days(self) -> list[date]:
        """Return the days on which this pupil could be in school, in order."""
        return [day for day in OPEN_DAYS if self.on_roll(day)]


# Part-year starters (cohort, starting day) and leavers (cohort, last day, ground, destination).
STARTERS = (
    (2, date(2024, 11, 11)),
    (5, date(2025, 1, 7)),
    (0, date(2025, 2, 24)),
    (3, date(2025, 4, 22)),
    (1, date(2025, 10, 6)),
    (4, date(2025, 11, 17)),
)
LEAVERS = (
    (3, date(2024, 12, 20), "moved away", "Harbour Street Primary"),
    (1, date(2025, 3, 28), "moved away", "Moorside Primary"),
    (4, date(2025, 5, 23), "home education", "at home"),
    (0, date(2025, 10, 24), "registered elsewhere", "Northgate Infants"),
    (2, date(2025, 12, 19), "moved away", "St Wilfrid's Primary"),
)
SECONDARY = "Example Academy"  # where year 6 goes in September


@dataclass(frozen=True)
class School:
    """Everybody in the made-up school."""

    pupils: tuple[Pupil, ...]
    head: Person
    office: Person
    authority: Person
    supply: Person
    deputy: Person
    pastoral: Person
    teachers: dict[str, Person]

    def teacher(self, class_name: str, day: date) -> Person:
        """Return the class teacher; the one of 5T is promoted when the second year begins."""
        teacher = self.teachers[class_name]
        if class_name == "5T" and day >= MOVED:
            return teacher | {"title": "Assistant headteacher"}
        return teacher

    def members(self, class_name: str, day: date) -> list[Pupil]:
        """Return the pupils on roll in that class that day, by number."""
        return [pupil for pupil in self.pupils if pupil.on_roll(day) and pupil.class_on(day) == class_name]


def found_school(seed: int, story_number: str, story_cohort: int) -> School:
    """Return the school for that seed, with the pupil `story_number` in the cohort `story_cohort`."""
    fake = Faker("en_GB", use_weighting=False)
    fake.seed_instance(seed)
    rng = Random(f"{seed}/people")
    places = _places()
    numbers = _numbers(rng, places, story_number, story_cohort)
    phones = iter(rng.sample(range(1000), 1000))
    serials = dict.fromkeys(range(-1, 7), 0)
    pupils = []
    for number, (cohort, starts, leaves) in zip(numbers, places, strict=True):
        serials[cohort] += 1
        pupils.append(_pupil(fake, rng, number, cohort, starts, leaves, serials[cohort], phones))
    staff = {
        ident: _staff(fake, ident, title)
        for ident, title in (
            ("head", "Headteacher"),
            ("office", "Office manager"),
            ("la", "Local authority attendance officer"),
            ("supply", "Supply teacher"),
            *((f"teacher-{name}", "Class teacher") for name in CLASSES),
            ("deputy", "Deputy headteacher"),
            ("pastoral", "Pastoral lead"),
        )
    }
    pupils = _with_emergency_contacts(seed, pupils, phones)
    return School(
        tuple(sorted(pupils, key=lambda pupil: pupil.number)),
        staff["head"],
        staff["office"],
        staff["la"],
        staff["supply"],
        staff["deputy"],
        staff["pastoral"],
        {name: staff[f"teacher-{name}"] for name in CLASSES},
    )


def upn(year: int, serial: int) -> str:
    """Return a valid unique pupil number issued by this school in that year: its check letter, then twelve digits."""
    digits = f"{LA}{ESTAB}{year % 100:02}{serial:03}"
    total = sum(weight * int(digit) for weight, digit in enumerate(digits, 2))
    return "ABCDEFGHJKLMNPQRTUVWXYZ"[total % 23] + digits


def _places() -> list[tuple[int, date, date | None]]:
    """Return (cohort, starting day, last day or None) of every pupil there will ever be, oldest cohort first."""
    leaving = {cohort: day for cohort, day, _, _ in LEAVERS}
    places: list[tuple[int, date, date | None]] = []
    for cohort in range(6, -1, -1):
        end = YEARS[0].last_day if cohort == 6 else None
        places += [(cohort, FORMED, end)] * (PLACES[cohort] - (cohort in leaving))
        if cohort in leaving:
            places.append((cohort, FORMED, leaving[cohort]))
    places += [(cohort, day, None) for cohort, day in STARTERS]
    return places + [(-1, MOVED, None)] * PLACES[0]


def _numbers(rng: Random, places: list[tuple[int, date, date | None]], story: str, cohort: int) -> list[str]:
    """Return an admission number for every place, in no order, the story's number being the first of its cohort."""
    numbers = [str(1001 + n) for n in range(len(places))]
    rng.shuffle(numbers)
    mine = next(n for n, place in enumerate(places) if place[0] == cohort)
    other = numbers.index(story)
    numbers[mine], numbers[other] = numbers[other], numbers[mine]
    return numbers


def _pupil(
    fake: Faker,
    rng: Random,
    number: str,
    cohort: int,
    starts: date,
    leaves: date | None,
    serial: int,
    phones: Iterator[int],
) -> Pupil:
    """Return one made-up pupil with one or two parents."""
    sex = rng.choice("FM")
    surname = fake.last_name()
    first = fake.first_name_female() if sex == "F" else fake.first_name_male()
    born = date(2019 - cohort, 9, 1) + timedelta(rng.randrange(365))
    parents = [_parent(fake, number, "a", "mother", surname, next(phones))]
    if rng.random() < 0.75:
        parents.append(_parent(fake, number, "b", "father", surname, next(phones)) | {"lives_with": rng.random() < 0.7})
    return Pupil(
        number,
        cohort,
        f"{first} {surname}",
        sex,
        born,
        upn(2024 - cohort, serial),
        starts,
        leaves,
        tuple(parents),
        _groups(rng),
    )


def _parent(fake: Faker, number: str, letter: str, relationship: str, surname: str, phone: int) -> dict[str, object]:
    first = fake.first_name_female() if relationship == "mother" else fake.first_name_male()
    email = f"{first}.{surname}.{number}@example.org".lower().replace(" ", "").replace("'", "")
    return {
        "id": f"{number}-{letter}",
        "name": f"{first} {surname}",
        "relationship": relationship,
        "lives_with": True,
        "phone": f"01632 960{phone:03}",
        "email": email,
        "contact_order": 1 + (letter == "b"),
    }


def _with_emergency_contacts(seed: int, pupils: list[Pupil], phones: Iterator[int]) -> list[Pupil]:
    """Return the pupils, most of them with somebody to ring beside the parents; drawn apart, so that whoever was there
    before stays who they were."""
    fake = Faker("en_GB", use_weighting=False)
    fake.seed_instance(f"{seed}/emergency")
    rng = Random(f"{seed}/emergency")
    found = []
    for pupil in pupils:
        relationship = rng.choice(("grandmother", "grandfather", "aunt", "neighbour"))
        contact: dict[str, object] = {
            "id": f"{pupil.number}-e",
            "name": fake.name_male() if relationship == "grandfather" else fake.name_female(),
            "relationship": relationship,
            "phone": f"01632 960{next(phones):03}",
            "contact_order": 3,
        }
        found.append(pupil._replace(emergency=(contact,)) if rng.random() < 0.85 else pupil)
    return found


def _groups(rng: Random) -> tuple[str, ...]:
    likely = (("SEN support", 0.13), ("EHC plan", 0.03), ("social worker", 0.02), ("free school meals", 0.22))
    return tuple(group for group, share in likely if rng.random() < share)


def _staff(fake: Faker, ident: str, title: str) -> Person:
    return {"id": ident, "name": f"{fake.first_name()[0]} {fake.last_name()}", "title": title}


class Diary:
    """What is going to happen: the planned marks that are not plain presence, and every line that is no register.

    A planned mark of None means that the teacher leaves the pupil out of the register, so that the Late Book or the
    closing of the register decides.
    """

    def __init__(self, school: School) -> None:
        self.school = school
        self.marks: dict[tuple[str, Session], Mark | None] = {}
        self.lines: list[tuple[datetime, Line]] = []
        self._requests = 0

    def write(self, when: datetime, by: Person, command: str, fields: Line) -> None:
        """Add one line; what would happen after the demonstration ends is left unwritten."""
        if when < moment(ENDS, 17, 0):
            self.lines.append((when, {"command": command, "at": format_moment(when), "by": by, **fields}))

    def office(self, when: datetime, pupil: Pupil, command: str, fields: Line) -> None:
        """Add one line of the school office about one pupil."""
        self.write(when, self.school.office, command, {"pupil": pupil.number, **fields})

    def free(self, pupil: Pupil, day: date) -> list[Session]:
        """Return the sessions of that day for which nothing is planned for the pupil yet."""
        return [session for session in both(day) if (pupil.number, session) not in self.marks]

    def mark(self, pupil: Pupil, sessions: Iterable[Session], code: Mark | None) -> None:
        """Plan that mark for those of the sessions that are still free."""
        for session in sessions:
            self.marks.setdefault((pupil.number, session), code)

    def amend(self, when: datetime, pupil: Pupil, sessions: Iterable[Session], code: str, reason: str) -> None:
        """Have the office amend the marks of these sessions, one after the other."""
        for second, session in enumerate(sessions):
            self.office(
                when + timedelta(seconds=20 * second),
                pupil,
                "AmendMark",
                {"session": str(session), "code": code, "reason": reason},
            )

    def report(self, when: datetime, pupil: Pupil, channel: str, sessions: Iterable[Session], said: str) -> None:
        """Have the first parent report an absence; the office writes a message down some minutes after it came."""
        waited = timedelta(0) if channel == "phone" else timedelta(minutes=9)
        self.office(
            when,
            pupil,
            "ReportAbsence",
            {
                "parent": pupil.parents[0]["id"],
                "channel": channel,
                "received_at": format_moment(when - waited),
                "sessions": [str(session) for session in sessions],
                "said": said,
            },
        )

    def contact(
        self, when: datetime, pupil: Pupil, parent: int, channel: str, outcome: str, sessions: Iterable[Session]
    ) -> None:
        """Have the office try to reach a parent (0 is the first) about these sessions."""
        self.office(
            when,
            pupil,
            "LogContact",
            {
                "contact": pupil.parents[parent]["id"],
                "channel": channel,
                "outcome": outcome,
                "sessions": [str(session) for session in sessions],
            },
        )

    def evidence(self, when: datetime, pupil: Pupil, sessions: list[Session], what: str) -> None:
        """Keep that medical evidence about these sessions was seen."""
        about: Line = {"evidence": f"EV-{when:%y%m%d}", "seen_on": f"{when:%Y-%m-%d}"}
        about |= {"sessions": list(map(str, sessions)), "what": what}
        self.office(when, pupil, "RecordEvidence", about)

    def arrive(self, when: datetime, pupil: Pupil, session: Session, reason: str, code: str = "") -> None:
        """Have the office write an arrival into the Late Book, less than half a minute after it."""
        self.mark(pupil, [session], None)
        self.office(
            when + timedelta(seconds=25),
            pupil,
            "LogArrival",
            {
                "session": str(session),
                "arrived_at": format_moment(when),
                "reason": reason,
                **({"code": code} if code else {}),
            },
        )

    def leave(
        self,
        asked: datetime,
        decided: datetime,
        pupil: Pupil,
        days: list[date],
        ground: str,
        granted: dict[Session, str],
        reason: str,
    ) -> None:
        """Have the first parent ask for leave and the head decide; the sessions not in `granted` are refused."""
        self._requests += 1
        request = f"LR-{self._requests}"
        self.office(
            asked,
            pupil,
            "RequestLeave",
            {
                "request": request,
                "parent": pupil.parents[0]["id"],
                "received_on": str(asked.astimezone(LONDON).date()),
                "first": f"{days[0]}/AM",
                "last": f"{days[-1]}/PM",
                "ground": ground,
                "on_form": True,
            },
        )
        self.write(
            decided,
            self.school.head,
            "DecideLeave",
            {
                "pupil": pupil.number,
                "request": request,
                "reason": reason,
                "granted": [{"session": str(session), "code": code} for session, code in granted.items()],
            },
        )
