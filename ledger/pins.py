"""What a referral or a notice pins of the rows it was decided on: a digest that a stranger can make again.

Whoever decides has seen the ledger up to a position. The digest is of the pupil's own rows up to there: each of the
pupil's school years, and what belongs to no single one, has a line with its count of rows and the SHA-256 over their
leaf hashes in order of position, as in the seal's tree of years; the digest is the SHA-256 over these lines, sorted,
each with its newline.

The root of the whole ledger's tree would pin more, but costs a reading of every row there is while a person waits; the
rows of one pupil are one index range. And by the lines a bundle of evidence need not hold the years that it is not
about: those it holds in full are counted again, of the others the line is enough. No secret goes into it, so it stays
the same when words are forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Protocol

from ledger import wire
from ledger.seal import YearLine
from ledger.store.rows import Row
from ledger.streams import Owner, owner_of


class Seen(Protocol):
    """An event that may pin what whoever recorded it had seen; 0 where none was pinned."""

    @property
    def seen(self) -> int: ...


def seen_by(event: Seen, position: int) -> int:
    """Return the position that whoever recorded an event, at a position, had seen: the one before, where none is
    pinned."""
    return event.seen or position - 1


def pupil_lines(rows: Iterable[Row], until: int) -> list[str]:
    """Return a line for each school year that has rows up to a position: whose, how many, and their digest."""
    leaves: dict[Owner, list[bytes]] = {}
    for row in sorted(row for row in rows if row.position <= until):
        leaves.setdefault(owner_of(row.stream), []).append(wire.leaf(*row))
    lines = (YearLine(owner, len(each), sha256(b"".join(each)).digest()) for owner, each in leaves.items())
    return sorted(line.text.decode() for line in lines)


def digest_of(lines: Iterable[str]) -> str:
    """Return the SHA-256 over lines, as it is pinned: 64 hexadecimal digits."""
    return sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
