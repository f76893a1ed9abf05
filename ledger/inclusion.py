"""What shows a stranger that rows are in a sealed ledger, and that they are all there is of a pupil's school year.

For each row the proof of RFC 9162 that its leaf hash stands at its position under the root that was signed. For each of
the pupil's years its line of the tree of years, which counts and digests all leaf hashes of that year. Rows recorded
after the moment that the evidence is about are nobody's business yet, so of them only the leaf hashes are given: enough
to make up the digest, and nothing can be read from them.

All of it comes from the seal's folder: a few hashes from its tiles for each row, however long the ledger is, and the
lines of its tree of years. The ledger is asked for the pupil's own rows only, and each is held to its proof here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable
from typing import NamedTuple

from ledger import wire
from ledger.errors import Misconfigured
from ledger.merkle import HashedTree, verify_inclusion
from ledger.note import Checkpoint, open_note, parse_checkpoint
from ledger.seal import BrokenSeal, Seal, place_of
from ledger.store.rows import Row
from ledger.streams import Owner, owner_of
from ledger.tiles import BrokenTile


class Later(NamedTuple):
    """A row of the pupil's that came after the moment: whose, where, and nothing but its hash."""

    owner: Owner
    position: int
    leaf: bytes
    proof: bytes


class YearProof(NamedTuple):
    """A line of the tree of years, as text, with its place and proof there."""

    line: str
    place: int
    proof: bytes


class Proofs(NamedTuple):
    """A checkpoint and what it proves. `rows` are by position; a proof is its hashes one after the other, nearest
    first."""

    note: str
    verifier: str
    checkpoint: Checkpoint
    rows: dict[int, bytes]
    later: list[Later]
    years: list[YearProof]


def first_note(seal: Seal, position: int) -> str:
    """Return the first note that was signed at a position or after it: later ones change nothing about it. Raises
    Misconfigured where the ledger has not been sealed so far; notes of the first form prove nothing here."""
    notes = [(parse_checkpoint(open_note(signed, seal.key)), signed) for signed in seal.notes()]
    notes = sorted((each for each in notes if not each[0].of_first_form), key=lambda each: each[0].size)
    for checkpoint, signed in notes:
        if checkpoint.size >= position:
            return signed
    sealed = notes[-1][0].size if notes else 0
    raise Misconfigured(
        f"the evidence rests on position {position}, and only {sealed} events are sealed: run 'attendance seal' first"
    )


def prove(seal: Seal, signed: str, shown: Collection[Row], hidden: Iterable[Row], owners: Collection[Owner]) -> Proofs:
    """Return the proofs of rows that are shown and of those hidden, against the checkpoint of a signed note.

    Raises BrokenSeal where a row or the seal's folder is not what the checkpoint says.
    """
    checkpoint = parse_checkpoint(open_note(signed, seal.key))
    tree = seal.tree(checkpoint.size)
    places = {place_of(owner) for owner in owners}
    return Proofs(
        note=signed,
        verifier=str(seal.key),
        checkpoint=checkpoint,
        rows={row.position: path(tree, checkpoint, row) for row in shown},
        later=[
            Later(owner_of(row.stream), row.position, wire.leaf(*row), path(tree, checkpoint, row)) for row in hidden
        ],
        years=YearLines(seal, checkpoint).of(places),
    )


def path(tree: HashedTree, checkpoint: Checkpoint, row: Row) -> bytes:
    """Return the proof that a row stands at its position under a checkpoint, its hashes one after the other. Raises
    BrokenSeal where it does not."""
    index = row.position - 1
    try:
        proof = tree.prove_inclusion(index)
    except BrokenTile as error:
        raise BrokenSeal(str(error)) from None
    if not verify_inclusion(wire.leaf(*row), index, checkpoint.size, proof, checkpoint.root):
        raise BrokenSeal(
            f"the event at position {row.position} is not what was sealed there, or the tiles of this seal are not "
            "those of its checkpoint: 'attendance verify --seal' says which"
        )
    return b"".join(proof)


class YearLines:
    """The lines of a checkpoint's tree of years, sorted, each with its proof. Raises BrokenSeal where the folder does
    not hold those that were signed."""

    def __init__(self, seal: Seal, checkpoint: Checkpoint) -> None:
        self._lines, self._tree = seal.year_tree(checkpoint)

    def of(self, places: Collection[str]) -> list[YearProof]:
        """Return the lines that begin with one of these places (`1042/2025`, `1042/2025/entry`), in order."""
        return [self._proof(at) for at, line in enumerate(self._lines) if line.partition(" ")[0] in places]

    def around(self, place: str) -> list[YearProof]:
        """Return the lines next to where one of this place would stand, which show that there is none: two, or one at
        either end."""
        at = bisect_left(self._lines, f"{place} ")
        return [self._proof(each) for each in (at - 1, at) if 0 <= each < len(self._lines)]

    def _proof(self, at: int) -> YearProof:
        return YearProof(self._lines[at], at, b"".join(self._tree.prove_inclusion(at)))
