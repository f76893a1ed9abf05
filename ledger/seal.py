"""The seal: what a ledger was at a moment, signed by a key outside it, so that nobody can change it unseen.

Sealing is off the write path. `attendance seal` reads every stored row, hashes it into the tree of `ledger.merkle`
(leaf: position, stream, version, topic, recorded time and bytes, each with its length), sorts a second tree of pupils'
school years (how many rows each has and the digest of their hashes), and signs both roots as one checkpoint. It
remembers what it signed before outside the ledger, and signs nothing that is not a continuation of it.

A seal is a folder: `key` (for the signer alone), `key.pub` (for everybody), `checkpoints/` (the notes) and `tiles/`
(the leaf hashes, 256 to a file). Whoever holds a checkpoint can tell that a row was changed, by anybody, also by
somebody who recomputed every digest inside the database; whoever holds the tiles can tell which one.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ledger import note, wire
from ledger.durable import write_durably
from ledger.errors import Finding, LedgerError, Misconfigured
from ledger.merkle import EMPTY, SIZE, Frontier, Tree, leaf_hash
from ledger.note import Checkpoint, VerifierKey
from ledger.store.rows import Row
from ledger.streams import Owner

TILE = 256  # leaf hashes in a file
PAGE = 10_000  # rows that are hashed together


class BrokenSeal(LedgerError):
    """The ledger is not a continuation of what was signed before, so nothing is signed."""


class YearLine(NamedTuple):
    """One leaf of the tree of pupils' school years: whose rows, how many, and the SHA-256 over their leaf hashes in
    order of position."""

    owner: Owner
    rows: int
    digest: bytes

    @property
    def text(self) -> bytes:
        return f"{self.owner.name}/{self.owner.year} {self.rows} {self.digest.hex()}".encode()


LOST = "the earlier checkpoints of this seal are gone, so nobody can tell whether the ledger continues what they signed"


class Reading:
    """What a pass over the rows builds: both trees, and the root at every size that somebody asks about."""

    def __init__(self, sizes: Iterable[int] = ()) -> None:
        self.roots: dict[int, bytes] = {0: EMPTY}
        self.leaves = bytearray()
        self._sizes = set(sizes)
        self._frontier = Frontier()
        self._years: defaultdict[tuple[str, str], list[bytes]] = defaultdict(list)

    @property
    def size(self) -> int:
        return self._frontier.size

    def take(self, rows: Sequence[Row]) -> None:
        """Take in the next rows."""
        leaves = [wire.leaf(*row) for row in rows]
        self.leaves += b"".join(leaves)
        for row, leaf in zip(rows, leaves, strict=True):
            # As `owner_of` reads a stream's name, without an object for every row.
            name, _, rest = row.stream.partition("/")
            year = rest[:4]
            self._years[name, year if year.isdecimal() else "0"].append(leaf)
        self.roots |= self._frontier.roots_at(self._sizes, leaves)

    def year_lines(self) -> list[YearLine]:
        """Return a line for each pupil's school year, sorted by its text."""
        lines = (
            YearLine(Owner(name, int(year)), len(leaves), sha256(b"".join(leaves)).digest())
            for (name, year), leaves in self._years.items()
        )
        return sorted(lines, key=lambda line: line.text)

    def checkpoint(self, origin: str) -> Checkpoint:
        """Return what the rows read so far come to."""
        years = Tree(leaf_hash(line.text) for line in self.year_lines())
        return Checkpoint(origin, self.size, self._frontier.root(), years.size, years.root())


def read(rows: Iterable[Row], sizes: Iterable[int] = (), progress: Callable[[int], None] | None = None) -> Reading:
    """Return the reading of rows in order of position; `progress` hears of the count now and then."""
    reading, left = Reading(sizes), iter(rows)
    while page := list(islice(left, PAGE)):
        reading.take(page)
        if progress is not None:
            progress(reading.size)
    return reading


def findings(reading: Reading, checkpoints: Sequence[Checkpoint], held: bytes | None = None) -> list[Finding]:
    """Return where a ledger is not what these checkpoints, whose signatures hold, say it was.

    `held` are leaf hashes somebody kept, one after the other: with them the first row that differs is named; without,
    the last checkpoint that still holds and the first that does not.
    """
    found: list[Finding] = []
    good = 0
    for checkpoint in sorted(checkpoints, key=lambda each: each.size):
        if checkpoint.size > reading.size:
            sentence = f"a checkpoint was signed over {checkpoint.size} events, and the ledger ends at {reading.size}"
            found.append(Finding("truncated", sentence, position=reading.size + 1))
        elif reading.roots[checkpoint.size] != checkpoint.root:
            sentence = f"an event among positions {good + 1} to {checkpoint.size} is not the one that was sealed"
            found.append(Finding("altered", sentence, position=None))
        else:
            good = checkpoint.size
            continue
        break
    if held is not None and (place := _first_difference(bytes(reading.leaves), held)) is not None:
        found.append(Finding("altered", "this event is not the one whose hash is held", position=place + 1))
    return found


def _first_difference(leaves: bytes, held: bytes) -> int | None:
    """Return the index of the first held leaf hash that the ledger does not have there, None where it has all."""
    if leaves.startswith(held):
        return None
    return next(at // SIZE for at in range(0, len(held), SIZE) if leaves[at : at + SIZE] != held[at : at + SIZE])


def _roots(leaves: bytes, sizes: set[int]) -> dict[int, bytes]:
    """Return the root over the first leaf hashes, for every one of these sizes."""
    hashes = [leaves[at * SIZE : (at + 1) * SIZE] for at in range(max(sizes))]
    return {0: EMPTY} | Frontier().roots_at(sizes, hashes)


class Seal:
    """A folder of a seal, opened. `private` is None where only the public side is there; `fresh` is one just made,
    which has signed nothing yet."""

    def __init__(self, folder: Path, key: VerifierKey, private: bytes | None, *, fresh: bool = False) -> None:
        self.folder = folder
        self.key = key
        self.private = private
        self._fresh = fresh

    def notes(self) -> list[str]:
        """Return the notes that were signed, in order of size. Raises BadNote."""
        return [_text(path) for path in sorted((self.folder / "checkpoints").glob("*.note"))]

    def checkpoints(self) -> list[Checkpoint]:
        """Return the checkpoints, each signature checked. Raises BadNote."""
        found = [note.parse_checkpoint(note.open_note(text, self.key)) for text in self.notes()]
        if any(checkpoint.origin != self.key.name for checkpoint in found):
            raise note.BadNote(f"a checkpoint in this seal is not of {self.key.name}")
        return found

    def stamp(self, size: int, answer: bytes) -> None:
        """Keep a time-stamping authority's answer beside the note over that many events."""
        write_durably(self.folder / "checkpoints" / f"{size:012}.tsr", answer)

    def stamps(self) -> list[tuple[str, bytes]]:
        """Return each note that was stamped, with the answer kept beside it, in order of size."""
        paths = sorted((self.folder / "checkpoints").glob("*.tsr"))
        return [(_text(path.with_suffix(".note")), path.read_bytes()) for path in paths]

    def held(self) -> bytes:
        """Return the leaf hashes of all tiles, one after the other."""
        return b"".join(path.read_bytes() for path in sorted((self.folder / "tiles").glob("*.tile")))

    def faults(self) -> list[Finding]:
        """Return what is missing from the folder, or is not what was signed: with such tiles no event may be accused.

        Whether the last checkpoints were taken away together with their tiles, only somebody who holds one can tell.
        Raises BadNote.
        """
        checkpoints = self.checkpoints()
        if not checkpoints:
            return [] if self._fresh else [Finding("seal", LOST)]
        size = max(checkpoint.size for checkpoint in checkpoints)
        for number in range(-(-size // TILE)):
            path = self.folder / "tiles" / f"{number:09}.tile"
            due = min(TILE, size - number * TILE) * SIZE
            if not path.is_file() or (length := path.stat().st_size) < due or length % SIZE or length > TILE * SIZE:
                return [Finding("seal", f"the tile {path.name} of this seal is missing, short or too long")]
        roots = _roots(self.held(), {checkpoint.size for checkpoint in checkpoints})
        for checkpoint in sorted(checkpoints, key=lambda each: each.size):
            if roots[checkpoint.size] != checkpoint.root:
                return [
                    Finding("seal", f"the tiles of this seal are not those of its checkpoint over {checkpoint.size}")
                ]
        return []

    def sign(self, reading: Reading) -> str:
        """Return the note over a reading, kept with its tiles before it is given out.

        Raises BrokenSeal where the reading is not a continuation of everything signed before, Misconfigured where the
        private key is not here.
        """
        if self.private is None:
            raise Misconfigured(f"the folder {self.folder} holds no private key, so nothing can be signed with it")
        if faults := self.faults():
            raise BrokenSeal(f"nothing was signed: {faults[0].sentence}; restore the folder {self.folder}")
        if broken := findings(reading, self.checkpoints(), self.held()):
            raise BrokenSeal(f"nothing was signed: {broken[-1].sentence} (position {broken[-1].position})")
        checkpoint = reading.checkpoint(self.key.name)
        signed = note.sign(note.format_checkpoint(checkpoint), self.key.name, self.private)
        for number, tile in _tiles(bytes(reading.leaves)):
            path = self.folder / "tiles" / f"{number:09}.tile"
            if not path.exists() or path.read_bytes() != tile:
                write_durably(path, tile)
        write_durably(self.folder / "checkpoints" / f"{checkpoint.size:012}.note", signed.encode())
        self._fresh = False
        return signed


def _tiles(leaves: bytes) -> Iterator[tuple[int, bytes]]:
    for number, at in enumerate(range(0, len(leaves), TILE * SIZE)):
        yield number, leaves[at : at + TILE * SIZE]


def new_seal(folder: Path, name: str) -> Seal:
    """Return a fresh seal in a folder that is made for it. Raises Misconfigured where something is there already."""
    if not note.is_name(name):
        raise Misconfigured("a seal's name is one word without a plus, such as attendance/117000")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Misconfigured(f"{folder} is there and not empty, and a seal is made once, in a folder of its own")
    # Whoever is stopped half way must be able to begin again, so it is made beside its place and moved there whole.
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for part in ("checkpoints", "tiles"):
        (fresh / part).mkdir(parents=True)
    private = note.new_private_key()
    write_durably(fresh / "key", private.hex().encode() + b"\n", mode=0o600)
    write_durably(fresh / "key.pub", f"{note.verifier_key(name, private)}\n".encode())
    fresh.replace(folder)
    return open_seal(folder, fresh=True)


def open_seal(folder: Path, *, fresh: bool = False) -> Seal:
    """Return the seal of a folder, with its private key or without. Raises Misconfigured."""
    try:
        key = note.parse_key((folder / "key.pub").read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(f"the folder {folder} holds no seal: 'attendance seal --new' makes one") from error
    except (ValueError, note.BadNote) as error:
        raise Misconfigured(f"the file key.pub in {folder} is no verifier key of a seal") from error
    path = folder / "key"
    try:
        private = bytes.fromhex(path.read_text(encoding="utf-8")) if path.exists() else None
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the file key in {folder} cannot be read as a private key") from error
    if private is not None and len(private) != note.PRIVATE_KEY:
        raise Misconfigured(f"the file key in {folder} holds {len(private)} bytes, and a private key has 32")
    if private is not None and note.verifier_key(key.name, private) != key:
        raise Misconfigured(f"in the folder {folder} key and key.pub do not belong together")
    return Seal(folder, key, private, fresh=fresh)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise note.BadNote(f"the checkpoint {path.name} of this seal cannot be read") from error
