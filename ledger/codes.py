"""The codes of the register, as rows of `codes.csv`: what each counts as, when and for whom it may be used.

A code's id is the number of its row and goes into stored entries, so rows are added at the end and never moved.
The sets that look alike differ: `penalty_national` and `attendance_return` hold U, `ground_i` does not, because a
pupil who arrives late has not been away. Keep them apart. Old codes keep their old meaning: J attended, J1 is absent.
"""

import csv
from datetime import date
from importlib import resources
from typing import NamedTuple

from ledger.sessions import Half


class Code(NamedTuple):
    """One code. `csa` is compulsory school age; `table` is that of regulation 10 (0: in none); dates are inclusive.
    What is `secondary_only` does not occur at primary age; no rule forbids it, so it is a finding."""

    id: int
    symbol: str
    name: str
    category: str
    table: int
    possible: bool
    attended: bool
    on_site: bool
    absent: bool
    authorised: bool
    unauthorised: bool
    penalty_national: bool
    attendance_return: bool
    ground_i: bool
    csa_only: bool
    ncsa_only: bool
    half: Half | None
    detail_required: bool
    detail_hint: str
    in_force_from: date | None
    in_force_until: date | None
    administrative: bool
    secondary_only: bool

    def in_force(self, day: date) -> bool:
        """Return whether a session on `day` may carry this code."""
        after_start = self.in_force_from is None or self.in_force_from <= day
        return after_start and (self.in_force_until is None or day <= self.in_force_until)


def by_symbol(symbol: str) -> Code | None:
    """Return the code written `symbol`, or None; upper and lower case differ."""
    return _BY_SYMBOL.get(symbol)


def _code(number: int, row: dict[str, str]) -> Code:
    absent, authorised = row["absent"] == "1", row["authorised"] == "1"
    return Code(
        id=number,
        symbol=row["symbol"],
        name=row["name"],
        category=row["category"],
        table=int(row["table"]),
        possible=row["possible"] == "1",
        attended=row["attended"] == "1",
        on_site=row["on_site"] == "1",
        absent=absent,
        authorised=authorised,
        unauthorised=absent and not authorised,
        penalty_national=row["penalty_national"] == "1",
        attendance_return=row["attendance_return"] == "1",
        ground_i=row["ground_i"] == "1",
        csa_only=row["csa_only"] == "1",
        ncsa_only=row["ncsa_only"] == "1",
        half=Half[row["half"]] if row["half"] else None,
        detail_required=row["detail_required"] == "1",
        detail_hint=row["detail_hint"],
        in_force_from=_day(row["in_force_from"]),
        in_force_until=_day(row["in_force_until"]),
        administrative=row["category"] == "administrative",
        secondary_only=row["secondary_only"] == "1",
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _read() -> tuple[Code, ...]:
    with resources.files("ledger").joinpath("codes.csv").open(encoding="utf-8") as file:
        return tuple(_code(number, row) for number, row in enumerate(csv.DictReader(file)))


CODES = _read()
_BY_SYMBOL = {code.symbol: code for code in CODES}
