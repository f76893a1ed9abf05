"""Random journals: a made-up school lived through day by day, for comparing the product with the slow model.

`journal(seed)` is the same for ever for the same seed. Every line in it is acceptable when its turn comes, so a refusal
is a failure of the product or of this module. Where the rules leave room, a line stays clear of the edge: a register is
closed once, an arrival is logged before its session ends, a notice names sessions that have a mark. Where figures hang
on an edge, it is sought: arrivals on the very second, days closed after their registers, N that becomes O and N again.
"""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from tests.support.random_office import ACTS
from tests.support.slow_model import LONDON, compulsory_school_age, day_of, half_of, parse_moment, school_year

Line = dict[str, Any]
Hours = dict[str, tuple[time, time]]

OPENING = datetime(2024, 8, 30, 8, 0, tzinfo=UTC)

# Two school years; each start is followed by a change of the clocks or by the summer within forty school days.
YEARS = {
    2024: ("2024/25", date(2024, 9, 3), date(2025, 7, 22)),
    2025: ("2025/26", date(2025, 9, 3), date(2026, 7, 21)),
}
HOLIDAYS = {
    2024: ["2024-10-28 2024-11-01", "2024-12-23 2025-01-03", "2025-02-17 2025-02-21", "2025-04-07 2025-04-21"],
    2025: ["2025-10-27 2025-10-31", "2025-12-22 2026-01-02", "2026-02-16 2026-02-20", "2026-03-30 2026-04-10"],
}
STARTS = [
    date(2024, 9, 3),
    date(2024, 9, 30),
    date(2025, 2, 24),
    date(2025, 6, 16),
    date(2025, 9, 3),
    date(2026, 2, 23),
]

HOURS: Hours = {"AM": (time(8, 55), time(9, 10)), "PM": (time(13, 15), time(13, 30))}
OTHER_HOURS: list[Hours] = [
    {"AM": (time(8, 45), time(9, 5)), "PM": (time(13, 0), time(13, 25))},
    {"AM": (time(9, 0), time(9, 30)), "PM": (time(13, 15), time(13, 30))},
]

PRESENT = {"AM": "/", "PM": "\\"}
HERE = ["L", "V", "P", "B", "K", "L", "L"]
AUTHORISED = ["I", "I", "I", "M", "C", "J1", "C1", "T", "R", "E"]
UNAUTHORISED = ["G", "N", "O", "U"]
NOT_POSSIBLE = ["D", "Q", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7"]
DETAILS = {
    "B": "choir at the town hall",
    "K": "tuition arranged by the authority",
    "D": "Hill School",
    "C1": "licence 12/7",
    "C2": "mornings until Easter",
    "Y7": "ferry cancelled",
}
CLOSURE_CODES = ["Y1", "Y2", "Y3", "Y4", "Y6", "#"]


class Habit(NamedTuple):
    """How a pupil's marks fall: weights of present, otherwise here, authorised, unauthorised, not possible; and in how
    many of a hundred registers the pupil is left out."""

    weights: tuple[int, int, int, int, int]
    left_out: int = 12


HABITS = [
    Habit((85, 6, 5, 3, 1)),
    Habit((60, 8, 20, 8, 4)),
    Habit((40, 5, 10, 42, 3)),
    Habit((96, 2, 1, 1, 0), left_out=3),
]


class Pupil:
    """What the generator must know of a pupil to send only acceptable lines."""

    def __init__(self, number: str, born: date, starting_day: date, class_name: str, habit: Habit) -> None:
        self.number = number
        self.starting_day = starting_day
        self.last_day = date.max
        self.was_born(born)
        self.classes = [(starting_day, class_name)]
        self.habit = habit
        self.parents: list[Line] = []

    def was_born(self, born: date) -> None:
        self.born, self.of_school_age = born, compulsory_school_age(born)

    def on_roll(self, day: date) -> bool:
        return self.starting_day <= day <= self.last_day

    def class_on(self, day: date) -> str:
        return [name for first, name in self.classes if first <= day][-1]


class RandomSchool:
    """A school with a clock that only runs forward and the lines sent so far."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.lines: list[Line] = []
        self.clock = OPENING
        self.today = self.rng.choice(STARTS)
        self.staff = {
            "head": {"id": "head", "name": "H Example", "title": "Headteacher"},
            "hart": {"id": "hart", "name": "A Hart", "title": "Class teacher"},
            "off": {"id": "off", "name": "O Fice", "title": "Office"},
            "la": {"id": "la", "name": "L Authority", "title": "LA officer"},
        }
        self.class_names = self.rng.choice([["4W"], ["4W", "RK"], ["4W", "RK", "6B"]])
        self.pupils: list[Pupil] = []
        self.closed = {
            year: [tuple(map(date.fromisoformat, span.split())) for span in HOLIDAYS[year]] for year in YEARS
        }
        self.hours = dict.fromkeys(YEARS, HOURS)
        # The latest (code, detail) of an entry, None where only the ledger worked out which it is.
        self.marks: dict[tuple[str, str], tuple[str, str] | None] = {}
        self.expecting: set[tuple[str, str]] = set()  # pupil and session with leave granted or a closure declared
        self.closure_sessions: set[str] = set()
        self.unclosed: list[tuple[str, str]] = []  # class and session whose register was forgotten
        self.granted: list[tuple[Pupil, str]] = []
        self.notices: list[tuple[Pupil, str, str]] = []  # pupil, notice and parent of the notices that stand
        self.served: set[str] = set()
        self.paid: set[str] = set()
        self.returned: set[tuple[str, str, str]] = set()  # pupil, form and episode
        self.to_repeat: list[Line] = []

    # Saying something

    def say(self, command: str, by: str, **fields: Any) -> None:
        """Send one line a moment later than the last, now and then with an id and then perhaps once more."""
        line = {"command": command, "at": self.stamp(), "by": self.staff[by], **fields}
        if self.rng.random() < 0.12:
            line["id"] = f"line-{len(self.lines)}"
            self.to_repeat.append(line)
        self.lines.append(line)
        self.clock += timedelta(seconds=self.rng.choice((0, 1, 1, 2, 5)))
        if self.to_repeat and self.rng.random() < 0.1:
            repeated = self.to_repeat.pop(self.rng.randrange(len(self.to_repeat)))
            self.lines.append({**repeated, "at": self.stamp()})

    def stamp(self) -> str:
        """Return the clock as text, in any of the ways a journal may write it."""
        london = self.clock.astimezone(LONDON)
        return self.rng.choice(
            [
                self.clock.isoformat(),
                self.clock.strftime("%Y-%m-%dT%H:%M:%SZ"),
                london.isoformat(),
                london.replace(tzinfo=None).isoformat(),
            ]
        )

    def wait(self, until: datetime) -> None:
        self.clock = max(self.clock, until)

    def chance(self, of_a_hundred: int) -> bool:
        return self.rng.randrange(100) < of_a_hundred

    # The calendar

    def is_school_day(self, day: date) -> bool:
        year = school_year(day)
        return (
            year in YEARS
            and day.weekday() < 5
            and YEARS[year][1] <= day <= YEARS[year][2]
            and not any(first <= day <= last for first, last in self.closed[year])
        )

    def school_days(self, after: date, count: int) -> list[date]:
        days = (after + timedelta(days=n) for n in range(1, 40))
        return [day for day in days if self.is_school_day(day)][:count]

    def opens(self, session: str) -> datetime:
        return london_time(day_of(session), self.hours[school_year(day_of(session))][half_of(session)][0])

    def closes(self, session: str) -> datetime:
        return london_time(day_of(session), self.hours[school_year(day_of(session))][half_of(session)][1])

    def roll(self, day: date) -> list[Pupil]:
        return [pupil for pupil in self.pupils if pupil.on_roll(day)]

    def markable(self, session: str) -> bool:
        return self.is_school_day(day_of(session)) and self.opens(session) <= self.clock

    # Opening the school

    def open(self) -> None:
        policy = self.rng.choice(["national-2024", "micklem-2025"])
        self.say("OpenSchool", "head", urn="117000", name="Example Primary", la="919", estab="2000", policy=policy)
        for year, (name, first_day, last_day) in YEARS.items():
            days = {"first_day": str(first_day), "last_day": str(last_day)}
            self.say("OpenSchoolYear", "head", year=name, **days, closed=self.closed_days(year))

    def closed_days(self, year: int) -> list[Line]:
        return [{"from": str(first), "to": str(last), "why": "no school"} for first, last in self.closed[year]]

    def admit(self, starting_day: date, born: date) -> None:
        number = str(2000 + len(self.pupils))
        pupil = Pupil(number, born, starting_day, self.rng.choice(self.class_names), self.rng.choice(HABITS))
        pupil.parents = [parent(number, letter) for letter in self.rng.choice(["a", "ab"])]
        self.pupils.append(pupil)
        self.say(
            "AdmitPupil",
            "off",
            pupil=number,
            name=f"Pupil {number}",
            born=str(born),
            sex=self.rng.choice("FM"),
            starting_day=str(starting_day),
            year_group="4",
            parents=pupil.parents,
            groups=[],
            **{"class": pupil.classes[0][1]},
        )

    def birthday(self) -> date:
        return date(2015, 3, 9) + timedelta(days=self.rng.randrange(-400, 400))

    def nearly_five(self) -> date:
        """Return a birthday whose first or next school-age day comes up while the journal runs."""
        return self.today.replace(year=self.today.year - 5, day=1) + timedelta(days=self.rng.randrange(-40, 90))

    def nearly_sixteen(self) -> date:
        """Return a birthday in the school year of turning sixteen: school age ends on a Friday in June."""
        return date(school_year(self.today) - 16, 9, 1) + timedelta(days=self.rng.randrange(365))

    # A school day

    def live(self, day: date, planned: list[Callable[[], None]]) -> None:
        """Live through one school day; what is planned for it happens after school."""
        self.today = day
        if self.chance(4):
            self.wait(london_time(day, time(7, 10)))
            self.declare_closure([f"{day}/{half}" for half in self.rng.choice([["AM"], ["PM"], ["AM", "PM"]])])
        for half in ("AM", "PM"):
            self.register(f"{day}/{half}")
            if self.chance(20):
                self.amend()
        self.wait(london_time(day, time(15, 30)))
        for happens in planned:
            happens()
        self.office_work()

    def register(self, session: str) -> None:
        """Arrivals, marks, closing, and arrivals again: any of them may be forgotten."""
        roll = self.roll(self.today)
        self.wait(self.opens(session) + timedelta(seconds=self.rng.choice((0, 0, 1, 200))))
        for pupil in roll:
            if self.chance(4):
                self.arrive(pupil, session, self.opens(session) - timedelta(seconds=self.rng.choice((1, 300))))
        classes = sorted({pupil.class_on(self.today) for pupil in roll})
        for class_name in classes:
            members = [p for p in roll if p.class_on(self.today) == class_name and not self.chance(p.habit.left_out)]
            take = self.rng.choice([self.mark_singly, self.mark_singly, self.take_register])
            if members and not self.chance(6):
                take(class_name, session, members)
        self.wait(self.closes(session) + timedelta(seconds=self.rng.choice((0, 0, 1, 45))))
        if classes and self.chance(25):
            self.close(session, None, roll)
        else:
            for class_name in classes:
                if self.chance(88):
                    self.close(session, class_name, roll)
                else:
                    self.unclosed.append((class_name, session))
        for pupil in roll:
            if self.chance(25 if self.marks.get((pupil.number, session)) == ("N", "") else 3):
                self.arrive_around_closing(pupil, session)

    def mark_singly(self, class_name: str, session: str, members: list[Pupil]) -> None:
        for pupil in members:
            if (pupil.number, session) not in self.marks:
                self.record(pupil, session)

    def record(self, pupil: Pupil, session: str) -> None:
        code, detail = self.draw(pupil, session)
        for _ in range(2 if self.chance(3) else 1):  # the same mark again is accepted and writes nothing
            fields = {"code": code, "detail": detail} if detail else {"code": code}
            self.say("RecordMark", "hart", pupil=pupil.number, session=session, **fields)
        self.marks[pupil.number, session] = code, detail

    def take_register(self, class_name: str, session: str, members: list[Pupil]) -> None:
        marks: Line = {}
        for pupil in members:
            code, detail = self.draw(pupil, session)
            marks[pupil.number] = {"code": code, "detail": detail} if detail else code
            self.marks.setdefault((pupil.number, session), (code, detail))
        self.say("TakeRegister", "hart", session=session, marks=marks, **{"class": class_name})

    def close(self, session: str, class_name: str | None, roll: list[Pupil]) -> None:
        self.say("CloseRegister", "hart", session=session, **({"class": class_name} if class_name else {}))
        for pupil in roll:
            key = pupil.number, session
            if class_name in (None, pupil.class_on(day_of(session))):
                expected = key in self.expecting or session in self.closure_sessions
                self.marks.setdefault(key, None if expected else ("N", ""))

    def arrive_around_closing(self, pupil: Pupil, session: str) -> None:
        second = timedelta(seconds=1)
        late_book, closing = self.opens(session) + timedelta(minutes=5), self.closes(session)
        moments = [closing, closing + second, closing - second, closing + 1500 * second, self.opens(session)]
        if half_of(session) == "AM":
            moments += [late_book, late_book + second]
        self.arrive(pupil, session, self.rng.choice(moments))

    def arrive(self, pupil: Pupil, session: str, arrived: datetime) -> None:
        self.wait(arrived + timedelta(seconds=self.rng.choice((0, 1, 60))))
        fields: Line = {"arrived_at": arrived.astimezone(LONDON).isoformat(), "reason": "overslept"}
        if self.chance(15):
            fields |= {"code": "M", "reason": "dentist"}
        self.say("LogArrival", "off", pupil=pupil.number, session=session, **fields)
        key = pupil.number, session
        if key not in self.marks or self.marks[key] == ("N", ""):
            self.marks[key] = None

    def draw(self, pupil: Pupil, session: str) -> tuple[str, str]:
        """Return a code this pupil may have in this session, and its detail where it needs one."""
        first, last = pupil.of_school_age
        of_age = first <= day_of(session) <= last
        kinds = [
            [PRESENT[half_of(session)]],
            HERE,
            [*AUTHORISED, *(["C2"] if of_age else [])],
            UNAUTHORISED,
            NOT_POSSIBLE if of_age else ["X"],
        ]
        code = self.rng.choice(self.rng.choices(kinds, pupil.habit.weights)[0])
        return code, DETAILS.get(code) or ("seen by the office" if self.chance(3) else "")

    # The office

    def office_work(self) -> None:
        """What happens after school or at the week-end, each now and then."""
        for happens, of_a_hundred in (
            (self.amend, 60),
            (self.amend, 30),
            (self.amend_there_and_back, 8),
            (self.record_late, 35),
            (self.close_late, 30),
            (self.request_leave, 12),
            (self.withdraw_leave, 6),
            (self.plan_closure, 4),
            (self.issue_notice, 12),
            (self.withdraw_notice, 6),
            (self.hear_from_a_parent, 10),
        ):
            if self.chance(of_a_hundred):
                happens()
        for act, of_a_hundred in ACTS:
            if self.chance(of_a_hundred):
                act(self)

    def amendable(self) -> list[tuple[Pupil, str]]:
        numbers = {pupil.number: pupil for pupil in self.pupils}
        keys = [(numbers[number], session) for number, session in self.marks if self.is_school_day(day_of(session))]
        return keys[-30:] if self.chance(70) else keys

    def amend(self) -> None:
        if keys := self.amendable():
            pupil, session = self.rng.choice(keys)
            self.amend_to(pupil, session, *self.draw(pupil, session))

    def amend_there_and_back(self) -> None:
        if keys := self.amendable():
            pupil, session = self.rng.choice(keys)
            for code in self.rng.choice(["NO", "ON", "NON", "NOO", "ING"]):
                self.amend_to(pupil, session, code, "")

    def amend_to(self, pupil: Pupil, session: str, code: str, detail: str) -> None:
        fields = {"code": code, "detail": detail} if detail else {"code": code}
        self.say("AmendMark", "off", pupil=pupil.number, session=session, **fields, reason="told later")
        self.marks[pupil.number, session] = code, detail

    def record_late(self) -> None:
        """Record what a forgotten register left out, days later."""
        days = [self.today - timedelta(days=n) for n in range(12)]
        left_out = [
            (pupil, session)
            for session in (f"{day}/{half}" for day in days for half in ("AM", "PM"))
            if self.markable(session)
            for pupil in self.roll(day_of(session))
            if (pupil.number, session) not in self.marks
        ]
        for pupil, session in self.rng.sample(left_out, min(2, len(left_out))):
            self.record(pupil, session)

    def close_late(self) -> None:
        for class_name, session in list(self.unclosed):
            roll = self.roll(day_of(session))
            if self.markable(session) and class_name in {pupil.class_on(day_of(session)) for pupil in roll}:
                self.unclosed.remove((class_name, session))
                self.close(session, class_name, roll)
                return

    def request_leave(self) -> None:
        """Ask for one to three days ahead; all, some or none of it is granted."""
        pupil = self.rng.choice(self.pupils)
        days = self.school_days(self.today + timedelta(days=self.rng.randrange(8)), self.rng.randrange(1, 4))
        if not days or not all(pupil.on_roll(day) for day in (self.today, *days)):
            return
        sessions = [f"{day}/{half}" for day in days for half in ("AM", "PM")]
        request = f"LR-{len(self.lines)}"
        self.say(
            "RequestLeave",
            "off",
            pupil=pupil.number,
            request=request,
            parent=pupil.parents[0]["id"],
            received_on=str(self.clock.astimezone(LONDON).date()),
            first=sessions[0],
            last=sessions[-1],
            ground=self.rng.choice(["holiday", "family event"]),
            on_form=True,
        )
        kept = [s for s in sessions if (pupil.number, s) not in self.expecting]
        granted = self.rng.sample(kept, self.rng.choice([0, len(kept) // 2, len(kept)]))
        grants = [{"session": session, "code": self.rng.choice(["C", "C", "J1"])} for session in sorted(granted)]
        self.say("DecideLeave", "head", pupil=pupil.number, request=request, granted=grants, reason="considered")
        self.expecting |= {(pupil.number, session) for session in granted}
        if granted:
            self.granted.append((pupil, request))

    def withdraw_leave(self) -> None:
        if self.granted:
            pupil, request = self.granted.pop()
            if pupil.on_roll(self.today):
                self.say("WithdrawLeave", "head", pupil=pupil.number, request=request, reason="not going")

    def plan_closure(self) -> None:
        for day in self.school_days(self.today + timedelta(days=self.rng.randrange(6)), 1):
            self.declare_closure([f"{day}/AM", f"{day}/PM"])

    def declare_closure(self, sessions: list[str]) -> None:
        roll = self.roll(day_of(sessions[0]))
        if not roll or self.closure_sessions.intersection(sessions):
            return
        whom: Line = self.rng.choice(
            [
                {},
                {"classes": [self.rng.choice(roll).class_on(day_of(sessions[0]))]},
                {"pupils": [self.rng.choice(roll).number]},
            ]
        )
        code = self.rng.choice(CLOSURE_CODES)
        self.say("DeclareClosure", "head", sessions=sessions, code=code, reason="boiler failure", **whom)
        self.closure_sessions.update(sessions)

    def issue_notice(self) -> None:
        """Issue a notice for some unauthorised sessions; no parent ever has more than two that stand."""
        pupil = self.rng.choice(self.pupils)
        issued_on = self.today - timedelta(days=self.rng.choice((0, 0, 0, 3)))
        sessions = sorted(
            session
            for (number, session), mark in self.marks.items()
            if number == pupil.number
            and mark
            and mark[0] in UNAUTHORISED
            and self.is_school_day(day_of(session))
            and day_of(session) <= issued_on
        )
        parent_id = self.rng.choice(pupil.parents)["id"]
        standing = sum((who, to) == (pupil, parent_id) for who, _, to in self.notices)
        if not sessions or standing >= 2 or not pupil.on_roll(self.today) or not pupil.on_roll(issued_on):
            return
        notice = f"PN-{len(self.lines)}"
        self.say(
            "IssuePenaltyNotice",
            "la",
            pupil=pupil.number,
            notice=notice,
            parent=parent_id,
            issued_on=str(issued_on),
            sessions=sessions[-self.rng.randrange(1, 9) :],
        )
        self.notices.append((pupil, notice, parent_id))

    def withdraw_notice(self) -> None:
        if self.notices:
            pupil, notice, _ = self.notices.pop(self.rng.randrange(len(self.notices)))
            if pupil.on_roll(self.today):
                self.say("WithdrawPenaltyNotice", "la", pupil=pupil.number, notice=notice, reason="wrong address")

    def hear_from_a_parent(self) -> None:
        """A report or a contact: written down, without a figure that hangs on it."""
        pupil = self.rng.choice(self.pupils)
        if not pupil.on_roll(self.today) or not self.is_school_day(self.today):
            return
        about = {"pupil": pupil.number, "sessions": [f"{self.today}/AM"]}
        if self.chance(50):
            heard = {"channel": "voicemail", "received_at": self.clock.isoformat(), "said": "feverish"}
            self.say("ReportAbsence", "off", parent=pupil.parents[0]["id"], **about, **heard)
        else:
            tried = {"channel": "phone", "outcome": "no answer"}
            self.say("LogContact", "off", contact=pupil.parents[0]["id"], **about, **tried)

    # Once in a journal

    def lose_a_pupil(self) -> None:
        pupil = self.pupils[0]
        pupil.last_day = self.today + timedelta(days=self.rng.choice((0, 0, 1, 4)))
        moved = {"ground": "moved away", "destination": "Other School"}
        self.say("RemoveFromRoll", "off", pupil=pupil.number, last_day=str(pupil.last_day), **moved)

    def gain_a_pupil(self) -> None:
        self.admit(self.today + timedelta(days=self.rng.randrange(4)), self.birthday())

    def change_a_class(self) -> None:
        pupil = self.pupils[-1]
        from_day = max(self.today, pupil.starting_day) + timedelta(days=self.rng.randrange(1, 6))
        class_name = self.rng.choice([name for name in (*self.class_names, "5K") if name != pupil.classes[-1][1]])
        if pupil.on_roll(from_day):
            pupil.classes.append((from_day, class_name))
            self.say("ChangeClass", "off", pupil=pupil.number, from_day=str(from_day), **{"class": class_name})

    def gain_a_parent(self) -> None:
        pupil = self.pupils[-1]
        pupil.parents = [*pupil.parents, parent(pupil.number, "c")]
        self.say("ChangeContacts", "off", pupil=pupil.number, parents=pupil.parents)

    def adopt_a_policy(self) -> None:
        policy = self.rng.choice(["national-2024", "micklem-2025"])
        from_day = self.today + timedelta(days=self.rng.randrange(15))
        self.say("AdoptPolicy", "head", policy=policy, from_day=str(from_day))

    def promote_the_office(self) -> None:
        self.staff["off"] = {**self.staff["off"], "title": "Attendance officer"}
        self.say("ChangeGroups", "off", pupil=self.pupils[-1].number, groups=["SEN support"])

    def close_days_already_lived(self) -> None:
        first = self.today - timedelta(days=self.rng.randrange(1, 15))
        self.amend_calendar(first, lambda closed: [*closed, (first, first)])

    def close_days_to_come(self) -> None:
        first = self.today + timedelta(days=self.rng.randrange(1, 8))
        last = first + timedelta(days=self.rng.choice((0, 1, 6)))
        last = min(last, YEARS[school_year(first)][2]) if school_year(first) in YEARS else first
        self.amend_calendar(first, lambda closed: [*closed, (first, last)])

    def open_days_closed_before(self) -> None:
        """Take back the latest closed days: sessions without marks appear where there were none."""
        self.amend_calendar(self.today, lambda closed: closed[:-1])

    def change_the_hours(self) -> None:
        if school_year(self.today) in YEARS:
            self.hours[school_year(self.today)] = self.rng.choice(OTHER_HOURS)
            self.amend_calendar(self.today, lambda closed: closed)

    def amend_calendar(self, day: date, change: Callable[[list[Any]], list[Any]]) -> None:
        """State the year of a day anew; the year's other days and hours are stated as they were."""
        year = school_year(day)
        name, first_day, last_day = YEARS[year]
        if first_day <= day <= last_day:
            self.closed[year] = change(self.closed[year])
            times = {
                half: {"opens": f"{opens:%H:%M}", "closes": f"{closes:%H:%M}"}
                for half, (opens, closes) in self.hours[year].items()
            }
            stated = {"closed": self.closed_days(year)} | ({"times": times} if self.hours[year] != HOURS else {})
            self.say("AmendCalendar", "head", year=name, **stated, reason="the governors met")


def journal(seed: int, days: int = 40, pupils: int = 6) -> list[Line]:
    """Return the lines of a valid journal over `days` school days, or fewer where the second school year ends.

    The last pupil but one is about to reach compulsory school age or to leave it, the last may join later, and the
    first leaves in the second half where there is another pupil.
    """
    school = RandomSchool(seed)
    rng = school.rng
    school.open()
    joins_later = pupils > 2 and rng.random() < 0.5
    for place in range(pupils - joins_later):
        edge_of_age = place == max(0, pupils - 2)
        born = rng.choice([school.nearly_five, school.nearly_sixteen])() if edge_of_age else school.birthday()
        school.admit(school.today, born)

    planned: dict[int, list[Callable[[], None]]] = {}
    once = [
        school.change_a_class,
        school.gain_a_parent,
        school.adopt_a_policy,
        school.promote_the_office,
        school.close_days_already_lived,
        school.close_days_to_come,
        school.open_days_closed_before,
        school.change_the_hours,
    ]
    for happens in rng.sample(once, rng.randrange(len(once) + 1)):
        planned.setdefault(rng.randrange(days), []).append(happens)
    if pupils > 1:
        planned.setdefault(rng.randrange(days // 2, days), []).append(school.lose_a_pupil)
    if joins_later:
        planned.setdefault(rng.randrange(days), []).append(school.gain_a_pupil)

    day, lived = school.today, 0
    while lived < days and day <= YEARS[2025][2]:
        if school.is_school_day(day):
            school.live(day, planned.get(lived, []))
            lived += 1
        elif day.weekday() >= 5 and rng.random() < 0.3:
            school.today = day
            school.wait(london_time(day, time(10, 0)))
            school.office_work()
        day += timedelta(days=1)
    return school.lines


def questions(lines: list[Line], seed: int, count: int = 8) -> list[tuple[date, datetime]]:
    """Return pairs of `as_of` and `known_at` to ask of a journal, edges among them.

    Days reach from before the first mark to ten weeks after the last, so that windows run empty and the summer is asked
    about; moments are those of lines, a microsecond before them, closing times, and one after everything.
    """
    rng = random.Random(seed)
    moments = [parse_moment(line["at"]) for line in lines]
    first, last = parse_moment(next(ln["at"] for ln in lines if "session" in ln)), moments[-1]
    answer = []
    for _ in range(count):
        said = rng.choice([moment for moment in moments if moment >= first])
        closing = london_time(said.date(), rng.choice(HOURS["AM"] + HOURS["PM"]))
        known_at = rng.choice([said, said - timedelta(microseconds=1), closing, last, last + timedelta(days=30)])
        some_day = first.date() + timedelta(days=rng.randrange(-3, (last - first).days + 70))
        answer.append((rng.choice([known_at.astimezone(LONDON).date(), some_day, last.date()]), known_at))
    return answer


def parent(pupil: str, letter: str) -> Line:
    return {
        "id": f"{pupil}-{letter}",
        "name": f"Parent {pupil} {letter}",
        "relationship": {"a": "mother", "b": "father", "c": "grandmother"}[letter],
        "lives_with": letter == "a",
        "phone": "01632 960001",
        "email": "parent@example.org",
        "contact_order": "abc".index(letter) + 1,
    }


def london_time(day: date, wall: time) -> datetime:
    return datetime.combine(day, wall, LONDON).astimezone(UTC)
