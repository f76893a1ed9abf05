"""A register of thirty marks, one with a text to seal, through the handler; the floor is `executemany`.

The floor writes the same 31 rows and the receipt in one transaction, as durable, into tables with the same columns and
keys; it decides nothing, seals nothing, orders nobody and checks nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice, product
from typing import Any

from commands.handle import Handler
from commands.models import parse
from commands.models.base import Command
from ledger.streams import Owner
from scripts.benchmarks import school
from scripts.benchmarks.measure import Row, Target, in_turns, seconds
from scripts.benchmarks.plain import PlainLedger, last_rows
from scripts.benchmarks.stores import Stores

YEAR = 2024
AFTER = datetime(2025, 7, 23, tzinfo=UTC)
COHORTS = school.cohorts_in(YEAR)
EVENTS = school.CLASS_SIZE + 1


def register_rows(stores: Stores, kind: str, share: float, rounds: int) -> list[Row]:
    """Return the rows of one store: events a second by `share` of the floor, and the median register in ms."""
    place, house = stores.new(kind, simulated=False)
    handler = Handler(house.ledger, house.keys, clock=lambda: AFTER)
    school.open_school(handler)
    school.begin_year(handler, YEAR, first=True)
    # The year's keys are there, as the first absences of September make them.
    house.keys.ensure(Owner(number, YEAR) for cohort in COHORTS for number in cohort.numbers())
    registers = _registers(rounds + 1)
    plain = PlainLedger(place.url)

    def take(round_: int) -> float:
        return seconds(lambda: handler.handle(registers[round_]))

    def floor(round_: int) -> float:
        rows = last_rows(house.ledger, EVENTS)
        receipt = (f"floor {round_}", "0" * 64, "python", rows[0].position, EVENTS)
        return seconds(lambda: plain.save(rows, [receipt]))

    took, least = in_turns(rounds, take, floor)
    plain.close()
    house.close()
    name = f"register of 30, {kind}"
    return [
        Row.of_rates(name, (EVENTS, EVENTS), took, least, Target("ratio", "least", share)),
        Row.of_milliseconds(f"{name}, p50", took, least, Target("rate", "most", 15)),
    ]


def _registers(count: int) -> list[Command]:
    """Return registers, class by class and session by session, read already, as a door hands them over."""
    sessions = [f"{day}/{half}" for day in school.school_year(YEAR).days() for half in ("AM", "PM")]
    places = islice(product(sessions, COHORTS), count)
    return [_register(session, cohort, round_) for round_, (session, cohort) in enumerate(places)]


def _register(session: str, cohort: school.Cohort, round_: int) -> Command:
    marks: dict[str, Any] = dict.fromkeys(cohort.numbers(), "/" if session.endswith("AM") else "\\")
    marks[cohort.numbers()[round_ % school.CLASS_SIZE]] = {"code": "C", "detail": "a day at court"}
    head = {"command": "TakeRegister", "by": school.OFFICE, "class": cohort.class_in(YEAR), "session": session}
    return parse({**head, "marks": marks})
