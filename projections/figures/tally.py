"""Figures: what marks add up to, for one pupil or pooled over many, with the definition of each.

Whatever is printed, on a screen, on paper or in a file, comes from one tally: marks by pupil and code. A rate of many
pupils is the rate of their sums and never the mean of their rates; a pupil with nothing possible counts to none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from ledger.codes import UNRESOLVED, Code, CodeTable, by_symbol
from ledger.policy import Policy
from projections.figures.absence import Absence, absence, bands, by_code, cohorts, percent
from projections.readmodel.frames import Entries, Roll

SUMS = ("pupils", "attended", "authorised", "unauthorised", "missing", "late", "very_late", "unresolved")
LEVELS = ("", "at risk", "persistent", "severe")


class Tally(NamedTuple):
    """Marks of pupils by code (shape pupils x 256), and what the codes come to."""

    pupils: list[str]
    absence: Absence
    codes: np.ndarray


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions, and their shares to one decimal, halves up, None of nothing possible. `pupils` are those with a
    possible session; `late` is L, `very_late` U, `unresolved` N: the last two are unauthorised, too."""

    pupils: int
    possible: int
    attended: int
    authorised: int
    unauthorised: int
    missing: int
    late: int
    very_late: int
    unresolved: int
    attendance_percent: float | None
    absence_percent: float | None
    authorised_percent: float | None
    unauthorised_percent: float | None

    @property
    def absent(self) -> int:
        return self.authorised + self.unauthorised

    @property
    def lates(self) -> int:
        return self.late + self.very_late


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """How often a code stands."""

    code: str
    name: str
    category: str
    sessions: int


def tally(entries: Entries, roll: Roll, closed: np.ndarray, since: int, until: int, codes: CodeTable) -> Tally:
    """Return the tally of sessions from `since` to `until` (numbers, inclusive); the rest as `absence` takes it."""
    counts = absence(entries, roll, closed, since, until, codes)
    return Tally(roll.pupils, counts, by_code(counts.counted))


def pooled(table: Tally, rows: Sequence[int] | None = None) -> Figures:
    """Return the sums of these pupils, by place in the tally (of all where None), and the rates of the sums."""
    chosen = np.arange(len(table.pupils)) if rows is None else np.array(rows, np.intp)
    counts = table.absence
    columns = (counts.attended, counts.authorised, counts.unauthorised, counts.missing)
    attended, authorised, unauthorised, missing = (int(column[chosen].sum()) for column in columns)
    by_number = table.codes[chosen].sum(axis=0)
    late, very_late, unresolved = (int(by_number[_number(symbol)]) for symbol in ("L", "U", UNRESOLVED))
    return _figures(
        pupils=int((counts.possible[chosen] > 0).sum()),
        attended=attended,
        authorised=authorised,
        unauthorised=unauthorised,
        missing=missing,
        late=late,
        very_late=very_late,
        unresolved=unresolved,
    )


def together(parts: Iterable[Figures]) -> Figures:
    """Return the sums of several figures, such as those of schools, and the rates of the sums; a pupil of two of them
    counts in both."""
    parts = list(parts)
    return _figures(**{name: sum(getattr(part, name) for part in parts) for name in SUMS})


def _figures(*, attended: int, authorised: int, unauthorised: int, **others: int) -> Figures:
    """Return sums with their rates."""
    possible = attended + authorised + unauthorised
    return Figures(
        possible=possible,
        attended=attended,
        authorised=authorised,
        unauthorised=unauthorised,
        attendance_percent=percent(attended, possible),
        absence_percent=percent(authorised + unauthorised, possible),
        authorised_percent=percent(authorised, possible),
        unauthorised_percent=percent(unauthorised, possible),
        **others,
    )


def reasons(table: Tally, row: int, codes: CodeTable) -> list[Reason]:
    """Return every code that one pupil's marks carry, in the order of the code table."""
    return [
        Reason(code=code.symbol, name=code.name, category=code.category.replace("_", " "), sessions=sessions)
        for code in codes.rows
        if (sessions := int(table.codes[row, code.id]))
    ]


def levels(table: Tally, policy: Policy) -> np.ndarray:
    """Return how absent each pupil is, as a place in LEVELS: a higher one is worse, and severe is persistent, too."""
    groups = cohorts(table.absence, policy)
    return groups.at_risk * 1 + groups.persistent * 2 + groups.severe * 1


def bands_of(table: Tally, rows: Sequence[int]) -> dict[str, int]:
    """Return how many of these pupils fall in each band of absence, lower bound included."""
    absent, possible = table.absence.absent, table.absence.possible
    return bands((int(absent[row]), int(possible[row])) for row in rows)


def definitions(policy: Policy) -> dict[str, str]:
    """Return what each figure means, in words that stand beside it on paper."""
    excluded = ", ".join(code.symbol for code in policy.codes.rows if _counts_nowhere(code))
    return {
        "session": "a half-day, morning (AM) or afternoon (PM)",
        "pupils": "those with a possible session",
        "possible": f"sessions attended or absent from while on roll; {excluded} count on neither side",
        "attended": "present (/ \\ L) or at an approved activity (B K P V W)",
        "absent": "authorised or unauthorised; arriving after the register closed (U) is unauthorised absence",
        "rates": "of possible sessions, to one decimal, halves up; of several pupils the rate of their sums",
        "cohort": f"missed {policy.at_risk_percent} % or more: at risk; {policy.persistent_percent} % or more: "
        f"persistent; {policy.severe_percent} % or more: severe, and persistent, too; before rounding, year to date",
        "missing": "registration has closed and there is no mark; counted as nothing else",
        "late": "L: arrived before the register closed; U: after it",
        "unresolved": "N: the reason is not established yet; unauthorised until it is",
        "target": f"the school's, {policy.target_percent} % ({policy.source('target_percent')})",
    }


def _counts_nowhere(code: Code) -> bool:
    return not code.possible and not code.administrative and code.in_force_until is None


def _number(symbol: str) -> int:
    code = by_symbol(symbol)
    assert code is not None
    return code.id
