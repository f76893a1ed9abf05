"""The codes of the register, as rows of `codes.csv`: what each counts as, when and for whom it may be used.

A code's id is the number of its row and goes into stored entries, so rows are added at the end and never moved.
The sets that look alike differ: `penalty_national` and `attendance_return` hold U, `ground_i` does not, because a
pupil who arrives late has not been away. Keep them apart. Old codes keep their old meaning: J attended, J1 is absent.

What a code counts as is a rule, so a ledger pins the table that its policy was adopted with, by the SHA-256 of the
file. `code_tables` keeps every table ever released, each under the beginning of its digest, and `codes.csv` is the one
that is adopted today. A change to it is a new table: rows may be added, and no kept file is ever touched.

Ids and symbols are the same in all of them, so `by_symbol` and `CODES`, of today's table, may turn the one into the
other anywhere. Whatever is counted or decided asks `policy.codes`.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib import resources
from typing import NamedTuple

from ledger.errors import Misconfigured
from ledger.sessions import Half

NAMED_BY = 16  # hexadecimal digits of its digest that a kept table is called by
DIGEST = re.compile(r"[0-9a-f]{64}")
UNRESOLVED = "N"  # the reason is not established yet: it is still owed


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

    @property
    def counts_as(self) -> str:
        """What a session with it counts as: attended, authorised, unauthorised or not possible."""
        if self.attended:
            return "attended"
        return ("authorised" if self.authorised else "unauthorised") if self.absent else "not possible"

    def in_force(self, day: date) -> bool:
        """Return whether a session on `day` may carry this code."""
        after_start = self.in_force_from is None or self.in_force_from <= day
        return after_start and (self.in_force_until is None or day <= self.in_force_until)


class CodeTableMissing(Misconfigured):
    """No file here is the table of codes that was pinned."""


class CodeTableAltered(Misconfigured):
    """The file that is called after the table of codes that was pinned is another one."""


@dataclass(frozen=True)
class CodeTable:
    """One table of codes, known by the SHA-256 of its file. A code's id is its place in `rows`."""

    digest: str
    rows: tuple[Code, ...] = field(compare=False, repr=False)

    def by_symbol(self, symbol: str) -> Code | None:
        """Return the code written `symbol`, or None; upper and lower case differ."""
        return self._by_symbol.get(symbol)

    def ids(self, symbols: Iterable[str]) -> list[int]:
        """Return the ids of those of these symbols that are codes."""
        return [code.id for symbol in symbols if (code := self.by_symbol(symbol)) is not None]

    @cached_property
    def _by_symbol(self) -> dict[str, Code]:
        return {code.symbol: code for code in self.rows}


def by_symbol(symbol: str) -> Code | None:
    """Return the code of today's table written `symbol`, or None; upper and lower case differ."""
    return CURRENT.by_symbol(symbol)


@lru_cache
def table(digest: str) -> CodeTable:
    """Return the table that was pinned by this digest. Raises CodeTableMissing or CodeTableAltered where no file here
    has it."""
    return CURRENT if digest == CURRENT.digest else _table(table_file(digest))


def table_file(digest: str) -> bytes:
    """Return the file of the table that was pinned by this digest. Raises CodeTableMissing or CodeTableAltered where
    no file here has it."""
    if not DIGEST.fullmatch(digest):
        raise CodeTableMissing("the table of codes of these rules is pinned by something that is no digest")
    name = digest[:NAMED_BY]
    try:
        content = resources.files("ledger").joinpath("code_tables", f"{name}.csv").read_bytes()
    except OSError as error:
        raise CodeTableMissing(f"the table of codes {name}, which these rules rest on, is not kept here") from error
    if sha256(content).hexdigest() != digest:
        raise CodeTableAltered(f"the table of codes {name}, which these rules rest on, was altered")
    return content


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


def _table(content: bytes) -> CodeTable:
    rows = csv.DictReader(content.decode().splitlines())
    return CodeTable(sha256(content).hexdigest(), tuple(_code(number, row) for number, row in enumerate(rows)))


CURRENT = _table(resources.files("ledger").joinpath("codes.csv").read_bytes())
CODES = CURRENT.rows
