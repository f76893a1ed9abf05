"""Figures of many schools together are the figures of all their pupils as one school's."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.codes import CODES, CURRENT
from ledger.policy import load
from projections.figures.absence import percent
from projections.figures.tally import Figures, Tally, pooled, tally, together
from projections.readmodel.frames import Entries, Roll, joined
from projections.reports.groups import Group, GroupLine, group_line

SESSIONS = 40
POLICY = load("national-2024")
Pupils = list[dict[int, int]]  # of each pupil the code by session


def school_of(seed: int, pupils: int) -> Pupils:
    """Return the marks of some pupils, each with a liking for a few codes; some have none at all."""
    rng = random.Random(seed)
    liked = [rng.sample([code.id for code in CODES], 3) for _ in range(pupils)]
    often = [rng.choice((0, 1, 10, SESSIONS)) for _ in range(pupils)]
    return [
        {session: rng.choice(codes) for session in rng.sample(range(SESSIONS), many)}
        for codes, many in zip(liked, often, strict=True)
    ]


def tallied(pupils: Pupils) -> Tally:
    names = [str(place) for place in range(len(pupils))]
    marks = [(place, *mark) for place, held in enumerate(pupils) for mark in sorted(held.items())]
    columns = np.array(marks, np.int64).reshape(-1, 3).T
    pupil, session, code = columns[0].astype(np.int32), columns[1].astype(np.int32), columns[2].astype(np.uint8)
    entries = Entries(names, pupil, session, code, np.ones(len(marks), np.int64), np.full(len(marks), 2**62))
    always = (
        np.tile(np.array([[0]], np.int32), (len(names), 1)),
        np.tile(np.array([[SESSIONS]], np.int32), (len(names), 1)),
    )
    roll = Roll(names, *always, np.hstack(always))
    return tally(joined([entries]), roll, np.arange(SESSIONS, dtype=np.int32), 0, SESSIONS, CURRENT)


def line_of(pupils: Pupils) -> GroupLine:
    return group_line(tallied(pupils), Group("school", "", list(range(len(pupils)))), POLICY)


@given(shapes=st.lists(st.tuples(st.integers(0, 2**32), st.integers(0, 6)), max_size=5))
def test_pooled_figures_are_those_of_the_union(shapes: list[tuple[int, int]]) -> None:
    schools = [school_of(*shape) for shape in shapes]
    everybody = [pupil for school in schools for pupil in school]
    lines, union = [line_of(school) for school in schools], line_of(everybody)
    assert together(line.figures for line in lines) == union.figures == pooled(tallied(everybody))
    assert sum(line.persistent for line in lines) == union.persistent
    assert sum(line.severe for line in lines) == union.severe


def test_the_rate_is_that_of_the_sums_and_no_mean_of_rates() -> None:
    attended, absent = ({code.symbol: code.id for code in CODES}[symbol] for symbol in "/O")
    small: Pupils = [dict.fromkeys(range(10), absent)]
    large: Pupils = [dict.fromkeys(range(SESSIONS), attended)] * 9
    figures = together(pooled(tallied(school)) for school in (small, large))
    assert (figures.pupils, figures.possible, figures.absent) == (10, 370, 10)
    assert figures.absence_percent == percent(10, 370) == 2.7 != (100.0 + 0.0) / 2


def test_nothing_pooled_has_no_rate() -> None:
    nothing: Figures = together([])
    assert (nothing.pupils, nothing.possible, nothing.absence_percent) == (0, 0, None)
