"""Building an authority: its table of marks, cut into schools, each written as an archive of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, as_completed
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scripts.authorities.marks import table
from scripts.authorities.published import counts_of
from scripts.authorities.school import Place, sessions, write_school

PUPILS_OF_A_SCHOOL = {"Primary": (90, 330), "Secondary": (600, 1500)}  # fewest, most
OTHER_PHASES = (40, 160)
FIRST_URN, FIRST_ESTAB = 900_001, 2001


class Built(NamedTuple):
    schools: int
    pupils: int
    possible: int


def build(
    folder: Path,
    row: dict[str, str],
    share: float,
    seed: int,
    pool: Executor,
    progress: Callable[[int, int], None] = lambda school, schools: None,
) -> Built:
    """Return what was built in a new folder: the same for the same row, share and seed."""
    counts = counts_of(row, share)
    random = np.random.default_rng(seed)
    marks = table(counts, len(sessions()), random)
    schools = _schools(len(marks), *PUPILS_OF_A_SCHOOL.get(row["phase"], OTHER_PHASES), random)
    young = row["phase"] == "Primary"
    work = [
        pool.submit(
            write_school,
            folder / place.urn,
            place,
            marks[place.first : place.first + place.pupils],
            np.random.default_rng([seed, place.first]),
            young=young,
        )
        for place in schools
    ]
    for done, future in enumerate(as_completed(work), 1):
        future.result()
        progress(done, len(schools))
    return Built(len(schools), len(marks), int(counts.sum()))


def _schools(pupils: int, fewest: int, most: int, random: np.random.Generator) -> list[Place]:
    """Return schools of different sizes that take in so many pupils."""
    schools, first = [], 0
    while first < pupils:
        size = int(min(random.integers(fewest, most), pupils - first))
        number = len(schools)
        schools.append(Place(str(FIRST_URN + number), f"{FIRST_ESTAB + number:04}", first, size))
        first += size
    return schools
