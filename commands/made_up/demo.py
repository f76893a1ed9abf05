"""A made-up primary school over a year and a half, as the journal that `attendance replay` reads.

Problem: the screens are only worth showing with a history in them: reasons that come late, registers amended, leave
refused, pupils who come and go. Observation: real histories may not be shown, and hand-written ones are too short.
Choice: write one, from a seed. What must happen is told in `demo_story`, the people and days are in `demo_school`, and
here chance fills in the rest. First everything is planned, each pupil by a generator of its own, so that a change to
one leaves the others as they were; then the registers are taken from the plan, and all lines put in order of time.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from commands.made_up.school import (
    CLASSES,
    CLOSURE,
    DAYS,
    ESTAB,
    FORMED,
    LA,
    LEAVERS,
    MOVED,
    OPEN_DAYS,
    POLICY,
    SECONDARY,
    URN,
    YEARS,
    Diary,
    Line,
    Mark,
    Pupil,
    both,
    found_school,
    moment,
)
from commands.made_up.story import (
    STORY_AS_OF,
    STORY_COHORT,
    STORY_NOW,
    STORY_PUPIL,
    STORY_REGISTER,
    STORY_THEN,
    noticed_pupils,
    refused_holiday,
    tell_stories,
    unasked_holiday,
)
from ledger.sessions import Half, Session, format_year, school_year

__all__ = ["APPROXIMATE_LINES", "STORY_AS_OF", "STORY_NOW", "STORY_PUPIL", "STORY_REGISTER", "STORY_THEN", "journal"]

APPROXIMATE_LINES = 9_800
SHOWN = {  # what the office saw before it removed a name
    "moved away": "the form for pupils moving from school",
    "home education": "the parents' letter of the week before",
    "registered elsewhere": "an e-mail of the other school",
}

ILLNESS = 0.0165  # chance that a pupil of average health falls ill on a day, before the season
SEASON = {9: 0.8, 10: 1.0, 11: 1.3, 12: 1.5, 1: 1.4, 2: 1.2, 3: 1.0, 4: 0.8, 5: 0.7, 6: 0.7, 7: 0.6}
LENGTHS = (1, 1, 1, 2, 2, 2, 3, 3, 4, 5)  # of an illness, in school days
ILLS = ("a high temperature", "sickness in the night", "a bad cough", "a stomach bug", "a sore throat", "an ear ache")
DELAYS = ("overslept", "traffic", "missed the bus", "car would not start", "younger sibling unwell", "no reason given")
FOUND = (  # what an absence without a word turns out to have been, and how often
    ("I", "parent said that the pupil was ill", 62),
    ("O", "no acceptable reason given", 30),
    ("M", "appointment card seen", 8),
)


def journal(seed: int = 7) -> Iterator[Line]:
    """Yield the journal's lines in order of time; the same seed always gives the same lines."""
    diary = Diary(found_school(seed, STORY_PUPIL, STORY_COHORT))
    _open_school(diary)
    _name_roles(diary)
    _keep_roll(diary)
    tell_stories(diary)
    _plan_classes(diary, Random(f"{seed}/classes"))
    scripted = {STORY_PUPIL} | {pupil.number for pupil in noticed_pupils(diary)}
    for pupil in diary.school.pupils:
        if pupil.number not in scripted:
            _plan_pupil(diary, pupil, Random(f"{seed}/{pupil.number}"))
    _take_registers(diary, Random(f"{seed}/registers"))
    for _, line in sorted(diary.lines, key=lambda dated: dated[0]):
        yield line


# --- the school and its roll ----------------------------------------------------------------------------------------


def _open_school(diary: Diary) -> None:
    """Open the school before its first year, and its second year in the summer before that begins."""
    head = diary.school.head
    diary.write(
        moment(date(2024, 8, 29), 9, 0),
        head,
        "OpenSchool",
        {"urn": URN, "name": "Alder Lane Primary School", "la": LA, "estab": ESTAB, "policy": POLICY},
    )
    for day, year in zip((date(2024, 8, 29), date(2025, 6, 2)), YEARS, strict=True):
        diary.write(
            moment(day, 9, 30),
            head,
            "OpenSchoolYear",
            {
                "year": format_year(year.year),
                "first_day": str(year.first_day),
                "last_day": str(year.last_day),
                "closed": [{"from": str(each.first), "to": str(each.last), "why": each.why} for each in year.closed],
            },
        )


def _name_roles(diary: Diary) -> None:
    """Name who is responsible for what before the first year, and adopt the policy with a day for its review."""
    school = diary.school
    for minute, (role, holder) in enumerate(
        (
            ("headteacher", school.head),
            ("leave designate", school.deputy),
            ("attendance lead", school.deputy),
            ("day-to-day contact", school.office),
            ("support contact", school.pastoral),
            ("pastoral lead", school.pastoral),
        )
    ):
        diary.write(
            moment(date(2024, 8, 29), 9, 40 + minute),
            school.head,
            "NameRole",
            {"role": role, "holders": [holder], "from_day": "2024-09-01"},
        )
    diary.write(
        moment(date(2025, 7, 14), 16, 30),
        school.head,
        "AdoptPolicy",
        {"policy": POLICY, "from_day": "2025-09-01", "review_on": "2026-07-31"},
    )


def _keep_roll(diary: Diary) -> None:
    """Admit everybody, move those who stay up a class in September 2025, and remove those who leave."""
    grounds = {(cohort, day): (ground, destination) for cohort, day, ground, destination in LEAVERS}
    for n, pupil in enumerate(diary.school.pupils):
        pause = timedelta(seconds=30 * n)
        admitted = max((day for day in DAYS if day < pupil.starts), default=FORMED - timedelta(days=1))
        diary.office(moment(admitted, 9, 0) + pause, pupil, "AdmitPupil", _admission(pupil))
        if pupil.starts < MOVED and pupil.on_roll(MOVED):
            diary.office(
                moment(MOVED - timedelta(days=2), 9, 0) + pause,
                pupil,
                "ChangeClass",
                {"class": pupil.class_on(MOVED), "year_group": pupil.year_on(MOVED), "from_day": str(MOVED)},
            )
        if pupil.leaves:
            ground, destination = grounds.get((pupil.cohort, pupil.leaves), ("completed the final year", SECONDARY))
            removal: Line = {"last_day": str(pupil.leaves), "ground": ground, "destination": destination}
            if ground in SHOWN:
                removal["shown_by"] = SHOWN[ground]
            diary.office(moment(pupil.leaves, 15, 20) + pause / 10, pupil, "RemoveFromRoll", removal)


def _admission(pupil: Pupil) -> Line:
    return {
        "upn": pupil.upn,
        "name": pupil.name,
        "born": str(pupil.born),
        "sex": pupil.sex,
        "starting_day": str(pupil.starts),
        "year_group": pupil.year_on(pupil.starts),
        "class": pupil.class_on(pupil.starts),
        "parents": list(pupil.parents),
        "emergency_contacts": list(pupil.emergency),
        "groups": list(pupil.groups),
        "address": f"{int(pupil.number) - 1000} Alder Lane, Example Town",
        "last_school": "" if pupil.year_on(pupil.starts) == "R" else "Brook Street Infants",
    }


# --- days that a class or a few pupils spend otherwise --------------------------------------------------------------


def _plan_classes(diary: Diary, rng: Random) -> None:
    """Plan what is known beforehand: new reception pupils' mornings, regular arrangements, outings."""
    for cohort, first in ((0, FORMED), (-1, MOVED)):
        days = [day for day in OPEN_DAYS if day >= first][:7]
        _mark_each(diary, [p for p in diary.school.pupils if p.cohort == cohort], days, "X", (Half.PM,))
    _plan_arrangements(diary)
    for day in (date(2025, 3, 31), date(2025, 6, 6)):
        _mark_each(diary, [p for p in diary.school.pupils if rng.random() < 0.06], [day], "R")
    for name in CLASSES:
        for first, last in ((FORMED, date(2025, 3, 31)), (date(2025, 4, 22), date(2025, 7, 18)), (MOVED, DAYS[-1])):
            day = rng.choice([day for day in OPEN_DAYS if first <= day <= last])
            _mark_each(diary, diary.school.members(name, day), [day], "V")


def _plan_arrangements(diary: Diary) -> None:
    """Plan the codes that few pupils ever need, one pupil or group for each."""
    stayed = [p for p in diary.school.pupils if p.starts == FORMED and p.number != STORY_PUPIL]
    youngest = max((p for p in stayed if p.cohort == 0), key=lambda p: (p.born, p.number))
    shared, tutored, suspended, travelling = (
        next(p for p in reversed(stayed) if p.cohort == cohort) for cohort in (3, 5, 6, 2)
    )
    autumn = [day for day in OPEN_DAYS if day <= date(2024, 12, 20)]
    _mark_each(diary, [youngest], autumn, "X", (Half.PM,))
    thursdays = [day for day in OPEN_DAYS if day.weekday() == 3]
    _mark_each(diary, [shared], thursdays, {"code": "D", "detail": "Alder Lane Special School"})
    spring_fridays = [day for day in OPEN_DAYS if date(2025, 1, 7) <= day < date(2025, 4, 7) and day.weekday() == 4]
    _mark_each(diary, [tutored], spring_fridays, {"code": "K", "detail": "tuition arranged by the local authority"})
    _mark_each(diary, [suspended], [date(2025, 3, 11), date(2025, 3, 12)], "E")
    _mark_each(diary, [travelling], [day for day in OPEN_DAYS if date(2025, 6, 30) <= day <= date(2025, 7, 18)], "T")
    singers = [p for p in stayed if p.cohort == 5][:6]
    _mark_each(diary, singers, [date(2025, 3, 20)], {"code": "B", "detail": "choir rehearsal in the town hall"})
    _mark_each(diary, [p for p in stayed if p.cohort == 6][:8], [date(2025, 5, 15)], "P", (Half.PM,))


def _mark_each(
    diary: Diary, pupils: list[Pupil], days: list[date], code: Mark, halves: tuple[Half, ...] = tuple(Half)
) -> None:
    for pupil in pupils:
        diary.mark(pupil, [Session(day, half) for day in days if pupil.on_roll(day) for half in halves], code)


# --- what chance brings to one pupil --------------------------------------------------------------------------------


def _plan_pupil(diary: Diary, pupil: Pupil, rng: Random) -> None:
    """Plan one pupil's absences and late arrivals; health, punctuality and parents who ring differ between pupils."""
    frailty, tardiness = rng.lognormvariate(-0.3, 0.8), rng.lognormvariate(-0.5, 1.0)
    reluctance = 15.0 if rng.random() < 0.04 else 1.0
    rings = 0.95 if rng.random() < 0.85 else 0.6
    days = pupil.days()
    _plan_leave(diary, pupil, days, rng)
    ill_until = 0
    for n, day in enumerate(days):
        free = diary.free(pupil, day)
        if n >= ill_until and rng.random() < ILLNESS * frailty * SEASON[day.month]:
            ill_until = n + rng.choice(LENGTHS)
        if n < ill_until and free:
            _plan_absence(diary, pupil, day, free, rings, rng)
        elif len(free) == 2:
            _plan_day(diary, pupil, day, tardiness, reluctance, rng)


def _plan_leave(diary: Diary, pupil: Pupil, days: list[date], rng: Random) -> None:
    """Perhaps plan one leave, asked for or not, granted or not, within one school year."""
    chance, start, length = rng.random(), rng.randrange(len(days)), rng.randint(5, 10)
    away = days[start : start + length]
    asked = days[start - 20] if start >= 20 else None
    if asked is None or len(away) < 5 or school_year(asked) != school_year(away[-1]):
        return
    if any(len(diary.free(pupil, day)) < 2 for day in away):
        return
    if chance < 0.10:
        refused_holiday(diary, pupil, away, asked)
    elif chance < 0.13:
        refused_holiday(diary, pupil, away, asked, {Session(away[0], Half.AM): "C"})
    elif chance < 0.17:
        unasked_holiday(diary, pupil, away)
    elif chance < 0.22:
        granted = dict.fromkeys(both(away[0]), "C")
        diary.leave(
            moment(asked, 10, 5),
            moment(asked, 15, 50),
            pupil,
            away[:1],
            "funeral of a relative",
            granted,
            "exceptional",
        )
        diary.mark(pupil, granted, None)
    elif chance < 0.25:  # asked, refused, and in school all the same
        diary.leave(moment(asked, 10, 5), moment(asked, 15, 50), pupil, away[:2], "family visit", {}, "not exceptional")


def _plan_absence(diary: Diary, pupil: Pupil, day: date, free: list[Session], rings: float, rng: Random) -> None:
    """Plan one day of illness: reported in time, or found out about afterwards."""
    if rng.random() < rings:
        channel = rng.choices(("phone", "voicemail", "email"), (50, 35, 15))[0]
        diary.report(moment(day, 8, rng.randrange(5, 54)), pupil, channel, free, rng.choice(ILLS))
        diary.mark(pupil, free, "I")
    else:
        _plan_silence(diary, pupil, free, rng)


def _plan_silence(diary: Diary, pupil: Pupil, free: list[Session], rng: Random) -> None:
    """Plan absence without a word: N when the register closes, calls, and a reason that day, later or never."""
    first, *rest = free
    called = moment(first.day, *((9, 14) if first.half is Half.AM else (13, 36))) + timedelta(minutes=rng.randrange(50))
    code, reason, _ = rng.choices(FOUND, [weight for *_, weight in FOUND])[0]
    diary.mark(pupil, [first], None)
    if rng.random() < 0.3:
        diary.contact(called, pupil, 0, "phone", "spoke", [first])
        diary.amend(called + timedelta(minutes=4), pupil, [first], code, reason)
        diary.mark(pupil, rest, code)
        return
    diary.mark(pupil, rest, None)
    diary.contact(called, pupil, 0, "phone", rng.choice(("no answer", "no answer", "voicemail")), [first])
    diary.contact(
        called + timedelta(minutes=21),
        pupil,
        -1,
        *rng.choice((("phone", "no answer"), ("phone", "number dead"), ("email", "no answer"))),
        [first],
    )
    _plan_reason(diary, pupil, free, code, reason, rng)


def _plan_reason(diary: Diary, pupil: Pupil, sessions: list[Session], code: str, reason: str, rng: Random) -> None:
    """Amend N within five school days mostly, sometimes weeks later, sometimes never; evidence may change it again."""
    fate = rng.random()
    later = rng.randint(1, 5) if fate < 0.72 else rng.randint(8, 30)
    place = DAYS.index(sessions[0].day) + later
    if fate > 0.9 or place >= len(DAYS):
        return
    amended = moment(DAYS[place], 14, rng.randrange(60))
    if code != "O":
        diary.contact(amended - timedelta(minutes=3), pupil, 0, "phone", "spoke", sessions)
    diary.amend(amended, pupil, sessions, code, reason)
    seen = place + rng.randint(8, 25)
    if code == "O" and rng.random() < 0.15 and seen < len(DAYS):
        amended = moment(DAYS[seen], 11, rng.randrange(60))
        diary.evidence(amended - timedelta(minutes=2), pupil, sessions, "a letter of the surgery")
        diary.amend(amended, pupil, sessions, "I", "medical letter seen")


def _plan_day(diary: Diary, pupil: Pupil, day: date, tardiness: float, reluctance: float, rng: Random) -> None:
    """Plan what may happen on a day in school: late, an appointment, home at noon, away, or marked by mistake."""
    morning, afternoon = both(day)
    chance = rng.random()
    if chance < 0.012 * tardiness:
        minutes = min(int(rng.expovariate(1 / 6)) - 3, 50)
        # Nobody comes in the minute after 09:10, when the register is being closed.
        late = timedelta(minutes=minutes + (minutes >= 10), seconds=rng.randrange(60))
        diary.arrive(moment(day, 9, 0) + late, pupil, morning, rng.choice(DELAYS))
    elif chance > 0.9975:
        diary.report(moment(day, 8, 15), pupil, "email", [afternoon], "orthodontist this afternoon")
        diary.mark(pupil, [afternoon], "M")
    elif chance > 0.995:
        diary.arrive(moment(day, 10, 40), pupil, morning, "back from the dentist", code="M")
    elif chance > 0.992:
        diary.report(moment(day, 12, 20), pupil, "phone", [afternoon], "fetched at lunch, unwell")
        diary.mark(pupil, [afternoon], "I")
    elif chance > 0.9915:
        diary.report(moment(day, 8, 40), pupil, "voicemail", [morning, afternoon], rng.choice(ILLS))
        diary.mark(pupil, [morning], "/")
        diary.amend(moment(day, 10, 10), pupil, [morning], "I", "marked present by mistake; a message said ill")
        diary.mark(pupil, [afternoon], "I")
    elif chance > 0.9905:
        diary.arrive(moment(day, 13, 18), pupil, afternoon, "late back from lunch at home")
    elif chance > 0.9905 - 0.002 * reluctance:
        _plan_silence(diary, pupil, [morning, afternoon], rng)


# --- the registers --------------------------------------------------------------------------------------------------


def _take_registers(diary: Diary, rng: Random) -> None:
    """Have every class's register taken twice a day, and the office close each session for all classes."""
    for day in DAYS:
        taking = {} if day == CLOSURE else {name: diary.school.members(name, day) for name in CLASSES}
        for session, opened, closed in (
            (Session(day, Half.AM), moment(day, 8, 57), moment(day, 9, 10, 30)),
            (Session(day, Half.PM), moment(day, 13, 17), moment(day, 13, 30, 30)),
        ):
            for name, pupils in taking.items():
                teacher = diary.school.supply if rng.random() < 0.02 else diary.school.teacher(name, day)
                diary.write(
                    opened + timedelta(seconds=rng.randrange(8 * 60)),
                    teacher,
                    "TakeRegister",
                    {"class": name, "session": str(session), "marks": _marks(diary, pupils, session)},
                )
            diary.write(closed, diary.school.office, "CloseRegister", {"session": str(session)})


def _marks(diary: Diary, pupils: list[Pupil], session: Session) -> dict[str, Mark]:
    """Return the marks that the teacher gives, by pupil: present unless planned otherwise, nothing where None."""
    present = "/" if session.half is Half.AM else "\\"
    planned = {pupil.number: diary.marks.get((pupil.number, session), present) for pupil in pupils}
    return {number: mark for number, mark in planned.items() if mark is not None}
