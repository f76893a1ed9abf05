"""What shows a stranger that rows are in a sealed ledger, and that they are all there is of a pupil's school year.

For each row the proof of RFC 9162 that its leaf hash stands at its position under the root that was signed. For each of
the pupil's years its line of the tree of years, which counts and digests all leaf hashes of that year. Rows recorded
after the moment that the evidence is about are nobody's business yet, so of them only the leaf hashes are given: enough
to make up the digest, and nothing can be read from them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from ledger import wire
from ledger.errors import Misconfigured
from ledger.merkle import SIZE, Tree, leaf_hash
from ledger.note import Checkpoint, open_note, parse_checkpoint
from ledger.seal import BrokenSeal, Reading, Seal
from ledger.store.rows import Row
from ledger.streams import Owner, owner_of


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
    Misconfigured where the ledger has not been sealed so far."""
    notes = sorted((parse_checkpoint(open_note(signed, seal.key)).size, signed) for signed in seal.notes())
    for size, signed in notes:
        if size >= position:
            return signed
    sealed = notes[-1][0] if notes else 0
    raise Misconfigured(
        f"the evidence rests on position {position}, and only {sealed} events are sealed: run 'attendance seal' first"
    )


def prove(
    seal: Seal, signed: str, reading: Reading, shown: Collection[Row], hidden: Iterable[Row], owners: Collection[Owner]
) -> Proofs:
    """Return the proofs of rows that are shown and of those hidden, against the checkpoint of a signed note.

    `reading` is of all rows up to it. Raises BrokenSeal where the ledger is not what the checkpoint says.
    """
    checkpoint = parse_checkpoint(open_note(signed, seal.key))
    if reading.checkpoint(seal.key.name) != checkpoint:
        raise BrokenSeal(
            f"the ledger is not what was sealed at position {checkpoint.size}: 'attendance verify --seal' says where"
        )
    leaves = bytes(reading.leaves)
    tree = Tree(leaves[at : at + SIZE] for at in range(0, len(leaves), SIZE))
    lines = reading.year_lines()
    years = Tree(leaf_hash(line.text) for line in lines)

    def path(row: Row) -> bytes:
        return b"".join(tree.prove_inclusion(row.position - 1))

    return Proofs(
        note=signed,
        verifier=str(seal.key),
        checkpoint=checkpoint,
        rows={row.position: path(row) for row in shown},
        later=[Later(owner_of(row.stream), row.position, wire.leaf(*row), path(row)) for row in hidden],
        years=[
            YearProof(line.text.decode(), index, b"".join(years.prove_inclusion(index)))
            for index, line in enumerate(lines)
            if line.owner in owners
        ],
    )
