"""One question in a fresh process: prints the seconds from opening the ledger to the answer, imports not counted.

python -m scripts.benchmarks.ask answer LEDGER KEYS AS_OF KNOWN_AT
python -m scripts.benchmarks.ask fetch LEDGER POSITION YEAR [YEAR]
"""

from __future__ import annotations

import sys
from datetime import date, datetime

# Everything that is otherwise imported when it is first needed.
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401

import ledger.store.postgres
import ledger.store.sqlite  # noqa: F401
from commands.wiring import open_house
from projections.asking.questions import Answers
from projections.figures.cohorts import absence_answers, penalty_windows, who
from scripts.benchmarks.measure import seconds
from scripts.benchmarks.plain import Plain


def answer(answers: Answers, as_of: date, known_at: datetime) -> None:
    """Answer absence and penalty of everybody on roll that day."""
    moment = answers.moment(as_of, known_at)
    pupils = who(answers, moment)
    absence_answers(answers, moment, pupils)
    penalty_windows(answers, moment, pupils)


def fetch(plain: Plain, position: int, years: list[int]) -> None:
    """Fetch the marks that those answers rest on, and do nothing with them."""
    plain.all(
        "SELECT year, pupil, session, code, from_position, until_position FROM entries "
        f"WHERE year IN ({', '.join(map(str, years))}) "
        "AND from_position <= ? AND (until_position IS NULL OR until_position > ?)",
        position,
        position,
    )


def main(what: str, url: str, *rest: str) -> None:
    if what == "answer":
        keys, as_of, known_at = rest
        day, moment = date.fromisoformat(as_of), datetime.fromisoformat(known_at)
        took = seconds(lambda: answer(open_house(url, keys).answers, day, moment))
    else:
        position, *years = map(int, rest)
        took = seconds(lambda: fetch(Plain(url), position, years))
    print(took)


if __name__ == "__main__":
    main(*sys.argv[1:])
