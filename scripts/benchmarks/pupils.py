"""One pupil's school year, warm: every entry straight from the ledger, and the two figures from the read model."""

from __future__ import annotations

from datetime import date

from projections.figures.cohorts import absence_answers, penalty_windows
from projections.records.registers import history_answers
from scripts.benchmarks.measure import Row, Target, in_turns, seconds
from scripts.benchmarks.plain import Plain
from scripts.benchmarks.school import YEAR_GROUPS, Cohort
from scripts.benchmarks.stores import Place
from scripts.benchmarks.years import FIRST

PUPILS = Cohort(FIRST - YEAR_GROUPS + 1, "B").numbers()  # who left after their only year in this ledger
END = date(FIRST + 1, 7, 22)


def pupil_rows(place: Place, rounds: int) -> list[Row]:
    with place.open() as house:
        answers, plain = house.answers, Plain(place.url)
        moment = answers.moment(as_of=END)

        def pupil(round_: int) -> str:
            return PUPILS[round_ % len(PUPILS)]

        def history(round_: int) -> float:
            return seconds(lambda: history_answers(answers, moment, pupil(round_)))

        def rows(round_: int) -> float:
            first = f"{pupil(round_)}/{FIRST}/"
            where = "originator_id >= ? AND originator_id < ?"
            return seconds(lambda: plain.all(f"SELECT * FROM stored_events WHERE {where}", first, first[:-1] + "0"))

        def figures(round_: int) -> float:
            def ask() -> None:
                absence_answers(answers, moment, [pupil(round_)])
                penalty_windows(answers, moment, [pupil(round_)])

            return seconds(ask)

        def marks(round_: int) -> float:
            where = "year = ? AND pupil = ?"
            return seconds(lambda: plain.all(f"SELECT * FROM entries WHERE {where}", FIRST, pupil(round_)))

        told = in_turns(rounds, history, rows)
        counted = in_turns(rounds, figures, marks)
        plain.close()
    target = Target("rate", "most", 10)
    return [
        Row.of_milliseconds(f"a pupil's year from the ledger, {place.kind}", *told, target),
        Row.of_milliseconds(f"a pupil's figures from the read model, {place.kind}", *counted, target),
    ]
