"""School years of marks, a week at a time and in bulk: real events through `ledger.append`, three per cent amended.

Everything follows from a seed, so two stores hold the same ledger. The clock is simulated: a week's registers are
recorded on its Friday, amendments of a week with the next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random

from commands.wiring import House
from ledger.events import MarkAmended, MarkRecorded, RegisterTaken
from ledger.people import Staff
from ledger.sessions import Half, Session, micros, monday
from ledger.store import Envelope
from ledger.streams import entry_stream, register_stream
from scripts.benchmarks import school

FIRST = 2019
TEACHER = Staff("hart", "A Hart", "Class teacher")
PRESENT = {Half.AM: "/", Half.PM: "\\"}
OTHERWISE = "IIIIIMMNNNOOGLLU"
SHARE_ABSENT, SHARE_AMENDED = 0.06, 0.03


def fill(house: House, years: int, weeks: int | None = None, amended: int | None = None) -> int:
    """Return how many marks were recorded: a school opened by commands, full years of marks or their first weeks; three
    per cent of them amended once, or all of them so many times."""
    random = Random(years)
    marks = 0
    for year in range(FIRST, FIRST + years):
        eve = datetime(year, 8, 20, 9, tzinfo=UTC)
        if year == FIRST:
            school.open_school(house.handler, at=eve)
        school.begin_year(house.handler, year, first=year == FIRST, at=eve)
        for friday, envelopes in islice(weeks_of(year, random, amended), weeks):
            house.ledger.append(envelopes, at=micros(friday))
            marks += sum(envelope.event.kind == "entry" for envelope in envelopes)
    return marks


def weeks_of(year: int, random: Random, amended: int | None = None) -> Iterator[tuple[datetime, list[Envelope]]]:
    """Yield (Friday evening, the week's registers after the amendments of the week before)."""
    days: dict[date, list[date]] = {}
    for day in school.school_year(year).days():
        days.setdefault(monday(day), []).append(day)
    amendments: list[Envelope] = []
    for begins, school_days in days.items():
        week = [e for day in school_days for half in Half for e in _session(Session(day, half), year, random)]
        yield datetime.combine(begins, datetime.min.time(), UTC) + timedelta(days=4, hours=18), amendments + week
        recorded = [(stream, event.code) for stream, _, event in week if isinstance(event, MarkRecorded)]
        if amended is None:
            changes = [(s, [code, random.choice("ICMO")]) for s, code in recorded if random.random() < SHARE_AMENDED]
        else:
            # In the end to what it was, so that the answers are those of a ledger without amendments.
            others = [("I", "M")[turn % 2] for turn in range(amended - 1)]
            changes = [(s, [code, *others, code]) for s, code in recorded if amended]
        amendments = [
            Envelope(stream, version, MarkAmended(by=TEACHER, code=code, replaces=codes[version - 2]))
            for stream, codes in changes
            for version, code in enumerate(codes[1:], 2)
        ]


def _session(session: Session, year: int, random: Random) -> Iterator[Envelope]:
    """Yield the registers of all classes for one session."""
    for cohort in school.cohorts_in(year):
        taken = RegisterTaken(by=TEACHER, marked=school.CLASS_SIZE)
        yield Envelope(register_stream(session, cohort.class_in(year)), 1, taken)
        for number in cohort.numbers():
            here = random.random() > SHARE_ABSENT * (4 if int(number) % 12 == 0 else 1)
            code = PRESENT[session.half] if here else random.choice(OTHERWISE)
            yield Envelope(entry_stream(number, session), 1, MarkRecorded(by=TEACHER, code=code))
