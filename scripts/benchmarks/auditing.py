"""What the auditor asks for: sealing everything that is stored, and one explanation, warm."""

from __future__ import annotations

from statistics import median

from ledger.seal import read
from projections.explain import explain_absence, explain_penalty
from projections.replay import pages
from scripts.benchmarks.measure import Row, Target, in_turns, seconds
from scripts.benchmarks.plain import Plain
from scripts.benchmarks.pupils import END, PUPILS
from scripts.benchmarks.stores import Place
from scripts.benchmarks.years import FIRST

MICROSECONDS_AN_EVENT, MILLISECONDS = 5, 50


def audit_rows(place: Place, rounds: int) -> list[Row]:
    with place.open() as house:
        answers, plain = house.answers, Plain(place.url)
        moment = answers.moment(as_of=END)
        head, _ = house.ledger.reads.head()
        kept = list(pages(house.ledger, min(head, 100_000)))
        events = sum(map(len, kept))

        def sealing(_: int) -> float:
            return seconds(lambda: read(row for rows in kept for row in rows).checkpoint("bench"))

        def reading(_: int) -> float:
            return seconds(lambda: list(pages(house.ledger, events)))

        def explaining(round_: int) -> float:
            explain = (explain_absence, explain_penalty)[round_ % 2]
            return seconds(lambda: explain(answers, moment, PUPILS[round_ % len(PUPILS)]))

        def marks(round_: int) -> float:
            where = "year = ? AND pupil = ?"
            pupil = PUPILS[round_ % len(PUPILS)]
            return seconds(lambda: plain.all(f"SELECT * FROM entries WHERE {where}", FIRST, pupil))

        sealed = in_turns(max(3, rounds // 10), sealing, reading)
        explained = in_turns(rounds, explaining, marks)
        plain.close()
    cost = Row(
        f"seal, {place.kind}",
        1e6 * median(sealed[0]) / events,
        "µs/event",
        1e6 * median(sealed[1]) / events,
        Target("rate", "most", MICROSECONDS_AN_EVENT),
        len(sealed[0]),
    )
    return [cost, Row.of_milliseconds(f"explain, {place.kind}", *explained, Target("rate", "most", MILLISECONDS))]
