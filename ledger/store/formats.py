"""What a database says of itself: the number of its format, and the least release that may record there.

A release reads every format up to its own. It records only where the format is its own: an older one is brought up by
`attendance repair`, and of a newer one it cannot know what the rows that it would add have to look like.

| format | since | what came |
|---|---|---|
| 1 | | events and receipts |
| 2 | 0.1.0 | this number, the code of who recorded beside each receipt; on PostgreSQL one function that records |
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from ledger.errors import LedgerError, Misconfigured, Refused

FORMAT = 2
LEAST_RELEASE = "0.1.0"  # the first that knows this format
FIRST = 1  # the format of a ledger that states none


class Standing(NamedTuple):
    """The format of a ledger, and the least release that may record in it."""

    format: int
    least_release: str

    @property
    def newer(self) -> bool:
        return self.format > FORMAT or _numbers(self.least_release) > _numbers(release())

    @property
    def older(self) -> bool:
        return self.format < FORMAT

    @property
    def note(self) -> str:
        """What whoever asks has to know, blank where there is nothing to say."""
        if self.newer:
            return (
                f"this ledger is of format {self.format} and needs release {self.least_release}, this is "
                f"{release()} and knows format {FORMAT}: it answers what it can read, and records nothing"
            )
        if self.older:
            return (
                f"this ledger is of format {self.format}, today's is {FORMAT}: it is answered, and nothing is recorded "
                "until its owner has run 'attendance repair'"
            )
        return ""

    def refusal(self) -> LedgerError | None:
        """Return what to say instead of recording, None where this release may record."""
        if self == TODAY:
            return None
        if self.newer:
            return Refused("newer_ledger", field="ledger", value=f"format {self.format}")
        return Misconfigured(self.note) if self.older else None


TODAY = Standing(FORMAT, LEAST_RELEASE)


@cache
def release() -> str:
    """Return the number of this release."""
    try:
        return version("attendance-ledger")
    except PackageNotFoundError:  # run from a folder that nobody installed
        return LEAST_RELEASE


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
