"""The grounds on which a name may be deleted from the admission register (SI 2024/208, regulation 9).

`check` names the condition that the ledger itself can hold a ground to; `shown_by` what a person has to have seen. The
last row is no ground of its own in the regulation but how the usual leaving at the end of the final year is recorded.
"""

import csv
from importlib import resources
from typing import NamedTuple


class Ground(NamedTuple):
    key: str
    name: str
    check: str
    shown_by: str


def ground(text: str) -> Ground | None:
    """Return the ground of that key, None where it is none of the regulation's."""
    return _BY_KEY.get(" ".join(text.lower().split()))


def _read() -> tuple[Ground, ...]:
    with resources.files("ledger").joinpath("grounds.csv").open(encoding="utf-8") as file:
        return tuple(Ground(**row) for row in csv.DictReader(file))


GROUNDS = _read()
_BY_KEY = {each.key: each for each in GROUNDS}
