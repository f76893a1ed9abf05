"""Two thousand events a save, as an import makes them, on PostgreSQL; the floor is `executemany` of the same rows."""

from __future__ import annotations

from itertools import islice
from random import Random

from ledger.store import Envelope
from scripts.benchmarks.measure import Row, Target, in_turns, seconds
from scripts.benchmarks.plain import PlainLedger, last_rows
from scripts.benchmarks.stores import Stores
from scripts.benchmarks.years import FIRST, weeks_of

SAVE = 2_000


def bulk_row(stores: Stores, rounds: int) -> Row:
    place, house = stores.new("postgresql")
    weeks = (week for year in range(FIRST, FIRST + 6) for _, week in weeks_of(year, Random(1)))
    events = (envelope for week in weeks for envelope in week if envelope.originator_version == 1)
    saves: list[list[Envelope]] = [list(islice(events, SAVE)) for _ in range(rounds + 1)]
    plain = PlainLedger(place.url)

    def append(round_: int) -> float:
        return seconds(lambda: house.ledger.append(saves[round_]))

    def floor(_: int) -> float:
        rows = last_rows(house.ledger, SAVE)
        return seconds(lambda: plain.save(rows, []))

    took, least = in_turns(rounds, append, floor)
    plain.close()
    house.close()
    target = Target("ratio", "least", 1.0)
    return Row.of_rates(f"append {SAVE:,} a save, postgresql", (SAVE, SAVE), took, least, target)
