"""A pupil who moves: the window over two schools is the one that a single school with both halves would have.

The single school is the slow model, which knows nothing of records; the two are ledgers, with a record between them.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ledger.sessions import Session
from projections.asking.encoder import plain
from projections.audit.explain import explain_penalty
from projections.figures.cohorts import absence_answers, penalty_tally, penalty_windows
from projections.penalties.ladder import ladder_lines
from tests.proofs.checker import check
from tests.support.counts import count
from tests.support.former import BORN, PARENT, PUPIL, UPN, marked, notice, opening, seal_of, signed
from tests.support.schools import OpenedSchool, open_school
from tests.support.slow_model import SlowModel, parse_moment

SEEDS = range(count(8, 150))
HALF_TERM = {"from": "2025-10-27", "to": "2025-10-31", "why": "Half term"}
YEARS = [("2024/25", "2024-09-03", "2025-07-22"), ("2025/26", "2025-09-03", "2026-07-21")]
END = date(2025, 12, 5)
Line = dict[str, Any]


def school_days() -> list[date]:
    spans = ((date(2025, 6, 16), date(2025, 7, 22)), (date(2025, 9, 3), date(2025, 10, 24)), (date(2025, 11, 3), END))
    days = [first + timedelta(days=n) for first, last in spans for n in range((last - first).days + 1)]
    return [day for day in days if day.weekday() < 5]


DAYS = school_days()


def years(by: Line) -> list[Line]:
    return [
        {"command": "OpenSchoolYear", "at": "2024-09-03T07:00", "by": by, "year": year, "first_day": first,
         "last_day": last, "closed": [HALF_TERM] if year == "2025/26" else []}
        for year, first, last in YEARS
    ]  # fmt: skip


def school(urn: str, starting_day: date, born: str) -> list[Line]:
    opened, _, admitted = opening("2024-09-03", "2025-07-22", urn, starting_day=str(starting_day), born=born)
    return [opened, *years(opened["by"]), admitted]


class Move:
    """One random pupil: the marks of both halves, the notices there and here, and the day of the move."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        self.born = random.choice([BORN, BORN, "2020-07-09"])  # of compulsory school age from 31 August 2025 only
        self.day = random.choice(DAYS[5:-5])
        sessions = [f"{day}/{half}" for day in DAYS for half in ("AM", "PM")]
        codes = random.choices("/GNOUIB", [16, 2, 1, 3, 1, 2, 1], k=len(sessions))
        self.marks = {s: "\\" if (c, s[-2:]) == ("/", "PM") else c for s, c in zip(sessions, codes, strict=True)}
        self.there = {session: code for session, code in self.marks.items() if session[:10] < str(self.day)}
        self.here = {session: code for session, code in self.marks.items() if session not in self.there}
        self.parents = {f"{PUPIL}-{letter}": f"{PUPIL}-{other}" for letter, other in zip("ab", "ba", strict=True)}
        last_there = f"{self.day - timedelta(days=1)}T17:00"
        away = [session for session, code in self.there.items() if code in "GNOU"] or list(self.there)[:1]
        self.notices = [
            notice(
                f"PN-{n}", last_there, *random.sample(away, min(3, len(away))), parent=random.choice([*self.parents])
            )
            for n in range(random.choice([0, 0, 1, 2]))
        ]
        known = {each["parent"] for each in self.notices}
        self.mapped = {t: ours for t, ours in self.parents.items() if t in known and random.random() < 0.7}
        self.withdrawn = [
            {"command": "WithdrawPenaltyNotice", "at": last_there, "by": each["by"], "pupil": PUPIL,
             "notice": each["notice"]}
            for each in self.notices if random.random() < 0.3
        ]  # fmt: skip
        gone = {each["notice"] for each in self.withdrawn}
        self.named = {self.mapped.get(each["parent"]) for each in self.notices if each["notice"] not in gone}
        # A notice of this school may name sessions of both.
        both = random.sample(away, 1) + random.sample(list(self.here), 1)
        self.later = [notice("PN-1", f"{END}T17:00", *both)] if len(self.notices) < 2 and random.random() < 0.5 else []

    def former(self) -> list[Line]:
        return [*school("118000", DAYS[0], self.born), *marked(self.there), *self.notices, *self.withdrawn]

    def single(self) -> list[Line]:
        """Return the journal of one school that had the pupil all along. A parent whom nobody recognised is nobody."""
        theirs = [
            {**each, "notice": f"there-{each['notice']}", "parent": self.mapped.get(each["parent"], "somebody")}
            for each in self.notices
        ]
        gone = [{**each, "notice": f"there-{each['notice']}"} for each in self.withdrawn]
        lines = [*school("117000", DAYS[0], self.born), *marked(self.marks), *theirs, *gone, *self.later]
        return sorted(lines, key=lambda line: parse_moment(line["at"]))

    def moved(self, folder: Path) -> OpenedSchool:
        """Return the new school at the end, with the record received."""
        former = open_school().replay(self.former())
        record = signed(former, seal_of(former, folder / "seal"), self.day - timedelta(days=1))
        admitted = school("117000", self.day, self.born)
        came = record.received(PUPIL, f"{self.day}T08:00", parents=self.mapped)
        return open_school().replay([*admitted, came, *marked(self.here), *self.later])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_window_over_two_schools_is_that_of_one(seed: int, tmp_path: Path) -> None:
    move, model = Move(seed), SlowModel()
    for line in move.single():
        model.apply(line)
    here = move.moved(tmp_path)
    # The record goes back ten weeks from the move, which is as far as a window of any later day does.
    since = [day for day in DAYS if day >= move.day]
    for as_of in {*Random(seed).choices(since, k=5), END}:
        moment = here.answers.moment(as_of)
        (answer,) = plain(penalty_windows(here.answers, moment, [PUPIL], empty=True))
        expected = model.penalty(as_of, parse_moment("2026-01-01T00:00"))[PUPIL]
        schools = {each["session"]: each.pop("school", None) for each in answer["sessions"]}
        sessions = [{"session": each["session"], "code": each["code"]} for each in answer["sessions"]]
        assert {**{name: answer[name] for name in expected}, "sessions": sessions} == expected
        assert schools == {s: "118000" if s in move.there else None for s in schools}
        counted = [column[0] for column in penalty_tally(here.answers, moment, [PUPIL])[:4]]
        met_on = Session.parse(answer["met_on"]).number if answer["met_on"] else 0
        assert counted == [answer["count"], answer["met"], met_on, answer["unresolved"]]
        explained = plain(explain_penalty(here.answers, moment, PUPIL))
        assert check(explained) == []
        assert (explained["counts"]["penalty"], explained["met_on"]) == (answer["count"], answer["met_on"])
        lines = ladder_lines(here.answers, moment, [PUPIL])
        assert [len(line.rolling.issued) for line in lines] == [p["notices_in_three_years"] for p in answer["parents"]]


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_the_year_to_date_is_each_schools_own(seed: int, tmp_path: Path) -> None:
    move = Move(seed)
    here = move.moved(tmp_path)
    own = open_school().replay([*school("117000", move.day, move.born), *marked(move.here)])
    figures = [
        [(each.possible, each.attended, each.authorised, each.unauthorised, each.missing) for each in found]
        for found in (absence_answers(one.answers, one.answers.moment(END), [PUPIL]) for one in (here, own))
    ]
    assert figures[0] == figures[1] != []


def test_the_moves_hold_what_they_are_made_for(tmp_path: Path) -> None:
    moves = [Move(seed) for seed in range(40)]
    assert {len(move.notices) for move in moves} == {0, 1, 2} and any(move.withdrawn for move in moves)
    assert any(None in move.named for move in moves) and any(move.named - {None} for move in moves)
    assert any(move.later for move in moves) and any(move.born != BORN for move in moves)
    assert UPN and PARENT in moves[0].parents
