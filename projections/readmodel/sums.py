"""Check sums of the read model: one number for each pupil's school year, kept beside its rows by whoever writes them.

Problem: whoever may write the read model could change a code in it by hand, and every answer would be wrong until the
next `verify`. Observation: an answer reads all rows of the school years that it is about, so that it can add up as it
reads. Choice: a number for each row, small enough that its sum over a school year fits into 64 bits and simple enough
for SQL: the database works it out again whenever a row changes, and keeps it in the row, so that rows that an answer
does not need are added up where they lie. How long a row holds adds a number of its own, so that ending one does not
ask what it says.

It is of accidents and of edits by hand, not of forgers, that a sum is proof: who works it out again as well is found by
`verify`, which replays the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

import numpy as np

N = TypeVar("N", int, np.ndarray)
FreshRow = tuple[int, str, int, int, int, int, int | None]  # the columns of the read model
EndedRow = tuple[int, int, str, int, int]  # until which position, then the key of the row

PRIME, END_PRIME = 2**31 - 1, 2**31 - 19
STEP = 1_000_003  # more than a school's events between two versions of one entry would have to be to look alike
# Of a row in SQL: what it says, and from when; and until when, 0 while it stands.
_ROW = f"((CAST(session AS bigint) * 256 + code) * (from_position + version * {STEP}) % {PRIME})"
_END = f"coalesce((CAST(session AS bigint) * 256 + 255) * (until_position + version * {STEP}) % {END_PRIME}, 0)"
NUMBER = f"{_ROW} + {_END}"


class Sum(NamedTuple):
    """How many rows there are, the sum of their numbers, and the last position that one of them holds from."""

    held: int
    total: int
    last: int


def row_numbers(session: N, version: N, code: N, from_position: N) -> N:
    """Return the numbers of rows, given as columns (int64) or as whole numbers, as if they stood for ever."""
    return (session * 256 + code) * (from_position + version * STEP) % PRIME


def end_numbers(session: N, version: N, until_position: N) -> N:
    """Return the numbers that the ends of rows add."""
    return (session * 256 + 255) * (until_position + version * STEP) % END_PRIME


def summed(fresh: Iterable[FreshRow], closings: Iterable[EndedRow]) -> dict[tuple[int, str], Sum]:
    """Return by year and pupil what a batch adds to the sums: its new rows, and the ends of rows stored before (until
    which position, year, pupil, session, version)."""
    sums: dict[tuple[int, str], list[int]] = {}
    for year, pupil, session, version, code, begins, until in fresh:
        here = sums.setdefault((year, pupil), [0, 0, 0])
        here[2] = max(here[2], begins)
        here[0] += 1
        here[1] += row_numbers(session, version, code, begins)
        if until is not None:
            here[1] += end_numbers(session, version, until)
    for until, year, pupil, session, version in closings:
        here = sums.setdefault((year, pupil), [0, 0, 0])
        here[1] += end_numbers(session, version, until)
        here[2] = max(here[2], until)
    return {key: Sum(*values) for key, values in sums.items()}


def of_columns(columns: dict[str, np.ndarray]) -> np.ndarray:
    """Return the number of each row of finished columns, `until_position` 0 where it stands."""
    session, version, code, begins, until = (
        columns[name].astype(np.int64) for name in ("session", "version", "code", "from_position", "until_position")
    )
    return row_numbers(session, version, code, begins) + np.where(until > 0, end_numbers(session, version, until), 0)
