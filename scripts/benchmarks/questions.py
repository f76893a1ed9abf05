"""Absence and penalty of a whole school as of any day, as known at any time, in a ledger of six school years.

Asked twice: as the first question of a fresh process, and in a process that keeps its frames. The floor fetches the
same marks by the database's driver and does nothing with them.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import NamedTuple

from ledger.sessions import school_year
from projections.asking.questions import Answers
from scripts.benchmarks.ask import answer, fetch
from scripts.benchmarks.measure import Row, Target, Timed, in_turns, seconds
from scripts.benchmarks.plain import Plain
from scripts.benchmarks.school import school_year as calendar_of
from scripts.benchmarks.stores import Place, Stores
from scripts.benchmarks.years import FIRST, fill

AMENDED = 5  # times


class Question(NamedTuple):
    """Both times, and what they come to for the floor: a position and the school years that are read."""

    as_of: date
    known_at: datetime
    position: int
    years: list[int]


def question_rows(place: Place, years: int, target: float, rounds: int) -> list[Row]:
    """Return the rows of one store; `target` is in seconds, for the fresh process."""
    return [_fresh(place, years, target, rounds), _kept(place, years, 5 * rounds)]


def _fresh(place: Place, years: int, target: float, rounds: int) -> Row:
    with place.open() as house:
        questions = _random_questions(house.answers, years, rounds + 1)

    def ask(round_: int) -> float:
        as_of, known_at, _, _ = questions[round_]
        return _in_a_process("answer", place.url, place.keys, as_of.isoformat(), known_at.isoformat())

    def floor(round_: int) -> float:
        return _in_a_process("fetch", place.url, str(questions[round_].position), *map(str, questions[round_].years))

    took, least = in_turns(rounds, ask, floor)
    return Row.of_seconds(f"absence and penalty, fresh, {place.kind}", took, least, Target("rate", "most", target))


def _kept(place: Place, years: int, rounds: int) -> Row:
    with place.open() as house:
        answers = Answers(house.ledger, house.engine, house.keys, keep=True)
        for year in range(FIRST, FIRST + years):
            for day in (date(year, 10, 1), date(year + 1, 6, 1)):
                answer(answers, day, datetime.combine(day, time(), UTC))
        questions = _random_questions(answers, years, rounds + 1)
        plain = Plain(place.url)

        def ask(round_: int) -> float:
            return seconds(lambda: answer(answers, questions[round_].as_of, questions[round_].known_at))

        def floor(round_: int) -> float:
            return seconds(lambda: fetch(plain, questions[round_].position, questions[round_].years))

        took, least = in_turns(rounds, ask, floor)
        plain.close()
    return Row.of_seconds(f"absence and penalty, frame kept, {place.kind}", took, least, Target("rate", "most", 0.1))


def amended_rows(places: Stores, kind: str, rounds: int, weeks: int | None) -> list[Row]:
    """Return the rows of a school year in which every mark was amended so many times, to what it was in the end; the
    floor is the same year, never amended."""
    houses = []
    for amended in (AMENDED, 0):
        _, house = places.new(kind)
        fill(house, 1, weeks, amended)
        house.answers.projector.catch_up()
        houses.append(house)
    days = Random(rounds).choices(calendar_of(FIRST).days()[20 : (weeks or 38) * 4], k=rounds + 1)
    rows = []
    for keep in (False, True):
        answers = [Answers(house.ledger, house.engine, house.keys, keep=keep) for house in houses]

        def asking(place: int, answers: list[Answers] = answers) -> Timed:
            # As known some weeks later, when all of it had been amended.
            known = {day: datetime.combine(day, time(16), UTC) + timedelta(days=30) for day in days}
            return lambda round_: seconds(lambda: answer(answers[place], days[round_], known[days[round_]]))

        took, least = in_turns(rounds, asking(0), asking(1))
        name = f"every mark amended {AMENDED} times, {'frame kept, ' if keep else ''}{kind}"
        rows.append(Row.of_milliseconds(name, took, least, Target("ratio", "most", 2)))
    for house in houses:
        house.close()
    return rows


def _random_questions(answers: Answers, years: int, count: int) -> list[Question]:
    random = Random(count)
    return [_random_question(answers, years, random) for _ in range(count)]


def _random_question(answers: Answers, years: int, random: Random) -> Question:
    """Return a school day of any year, as known at some time from a month before it to the ledger's end."""
    as_of = random.choice([day for year in range(FIRST, FIRST + years) for day in calendar_of(year).days()])
    days = (date(FIRST + years, 7, 22) - as_of).days
    known_at = datetime.combine(as_of, time(16), UTC) + timedelta(days=random.randint(-30, days))
    moment = answers.moment(as_of, known_at)
    assert moment.policy is not None
    weeks = moment.school.calendar.school_weeks(as_of, moment.policy.penalty_weeks)
    return Question(as_of, known_at, moment.position, sorted({school_year(day) for day in (*weeks, as_of)}))


def _in_a_process(*arguments: str) -> float:
    command = [sys.executable, "-m", "scripts.benchmarks.ask", *arguments]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
