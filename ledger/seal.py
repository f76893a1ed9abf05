"""The seal: what a ledger was at a moment, signed by a key outside it, so that nobody can change it unseen.

Sealing is off the write path. `attendance seal` reads every stored row, hashes it into the tree of `ledger.merkle`
(leaf: position, stream, version, topic, recorded time and bytes, each with its length), sorts a second tree of pupils'
school years (how many rows each has and the digest of their hashes; and once more of the entries and of the notices
among them), and signs both roots as one checkpoint, with the rules in force. It remembers what it signed before outside
the ledger, and signs nothing that is not a continuation of it.

A seal is a folder: `key` (for the signer alone), `key.pub` (for everybody), `checkpoints/` (the notes), `tiles/` (the
hashes of the tree, see `ledger.tiles`) and `years/` (the lines of the second tree, a file a checkpoint); `unsigned` is
there until something was signed. Whoever holds a checkpoint can tell that a row was changed, by anybody, also by
somebody who recomputed every digest inside the database; whoever holds the tiles can tell which one. What a seal
signed last is also kept beside the keys (`ledger.epochs`), so that a folder put in its place is noticed.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ledger import note, wire
from ledger.durable import PUBLIC, read_private, write_durably
from ledger.errors import LedgerError, Misconfigured
from ledger.finding import Finding
from ledger.merkle import EMPTY, SIZE, Frontier, Tree, leaf_hash, verify_consistency
from ledger.note import Checkpoint, VerifierKey
from ledger.school import School, take_in
from ledger.sessions import LONDON, format_moment, from_micros
from ledger.store.rows import Row
from ledger.streams import Owner
from ledger.tiles import TiledTree, read_row, split, tile_faults, write_tiles

PAGE = 10_000  # rows that are hashed together
UNSIGNED = "unsigned"  # the file that stands in a seal until it has signed something
UNREADABLE = "unreadable"
POLICIES = {"school.SchoolOpened", "school.PolicyAdopted"}
# The families whose rows have a line of their own for each pupil's year, by the first letters of their topics.
FAMILIES = {"entry.": "entry", "notice": "notice"}


class BrokenSeal(LedgerError):
    """The ledger is not a continuation of what was signed before, so nothing is signed."""


class YearLine(NamedTuple):
    """One leaf of the tree of pupils' school years: whose rows, how many, and the SHA-256 over their leaf hashes in
    order of position; of all, or of one family."""

    owner: Owner
    rows: int
    digest: bytes
    family: str = ""

    @property
    def text(self) -> bytes:
        return f"{place_of(self.owner, self.family)} {self.rows} {self.digest.hex()}".encode()


def place_of(owner: Owner, family: str = "") -> str:
    """Return what a line of the tree of years begins with: `1042/2025`, or `1042/2025/entry` for a family."""
    return f"{owner.name}/{owner.year}/{family}" if family else f"{owner.name}/{owner.year}"


LOST = "the earlier checkpoints of this seal are gone, so nobody can tell whether the ledger continues what they signed"


class _Leaves:
    """The leaf hashes of one line of the tree of years: how many there are, and their digest so far."""

    def __init__(self) -> None:
        self.fresh: list[bytes] = []
        self._count = 0
        self._digest = sha256()

    def line(self, owner: Owner, family: str) -> YearLine:
        self._count += len(self.fresh)
        self._digest.update(b"".join(self.fresh))
        self.fresh.clear()
        return YearLine(owner, self._count, self._digest.digest(), family)


class Reading:
    """What a pass over the rows builds: both trees, the root at every size that somebody asks about, and at each of
    `whole` the checkpoint that the rows come to there, without an origin."""

    def __init__(self, sizes: Iterable[int] = (), whole: Iterable[int] = ()) -> None:
        self.roots: dict[int, bytes] = {0: EMPTY}
        self.leaves = bytearray()
        self.checkpoints: dict[int, Checkpoint] = {}
        self._whole = set(whole)
        self._sizes = {*sizes, *self._whole}
        self._frontier = Frontier()
        self._years: defaultdict[tuple[str, str], _Leaves] = defaultdict(_Leaves)
        self._policies: list[Row] = []
        self._recorded_at = 0

    @property
    def size(self) -> int:
        return self._frontier.size

    def take(self, rows: Sequence[Row]) -> None:
        """Take in the next rows."""
        begun, end = self.size, self.size + len(rows)
        for size in sorted(size for size in self._whole if begun < size <= end):
            self._take(rows[self.size - begun : size - begun])
            self.checkpoints[size] = self._checkpoint("", UNREADABLE)
        self._take(rows[self.size - begun :])

    def _take(self, rows: Sequence[Row]) -> None:
        leaves = [wire.leaf(*row) for row in rows]
        self.leaves += b"".join(leaves)
        for row, leaf in zip(rows, leaves, strict=True):
            # As `owner_of` reads a stream's name, without an object for every row.
            name, _, rest = row.stream.partition("/")
            year = rest[:4]
            if not year.isdecimal():
                year = "0"
                if row.topic in POLICIES:
                    self._policies.append(row)
            self._years[name, year].fresh.append(leaf)
            if (family := FAMILIES.get(row.topic[:6])) is not None:
                self._years[name, f"{year}/{family}"].fresh.append(leaf)
        self.roots |= self._frontier.roots_at(self._sizes, leaves)
        if rows:
            self._recorded_at = rows[-1].recorded_at

    def year_lines(self) -> list[YearLine]:
        """Return a line for each pupil's school year, and for each family in it, sorted by its text."""
        lines = []
        for (name, place), leaves in self._years.items():
            year, _, family = place.partition("/")
            lines.append(leaves.line(Owner(name, int(year)), family))
        return sorted(lines, key=lambda line: line.text)

    def checkpoint(self, origin: str) -> Checkpoint:
        """Return what the rows read so far come to. Raises Misconfigured where the rules in force cannot be read."""
        return self._checkpoint(origin)

    def _checkpoint(self, origin: str, unreadable: str | None = None) -> Checkpoint:
        years = Tree(leaf_hash(line.text) for line in self.year_lines())
        found = Checkpoint(origin, self.size, self._frontier.root(), years.size, years.root())
        school = take_in(School(), self._policies)
        if school.opened is None:  # rows without a school are those of a test, and no rules are in force there
            return found
        moment = from_micros(self._recorded_at)
        try:
            rules = rules_on(school, moment)
        except Misconfigured:
            if unreadable is None:
                raise
            rules = unreadable
        return found._replace(until=format_moment(moment), rules=rules)


def rules_on(school: School, moment: datetime) -> str:
    """Return the digest of the policy and the code table in force at a school on a moment's day."""
    return school.policy_on(moment.astimezone(LONDON).date()).rules


def read(
    rows: Iterable[Row],
    sizes: Iterable[int] = (),
    progress: Callable[[int], None] | None = None,
    whole: Iterable[int] = (),
) -> Reading:
    """Return the reading of rows in order of position; `progress` hears of the count now and then."""
    reading, left = Reading(sizes, whole), iter(rows)
    while page := list(islice(left, PAGE)):
        reading.take(page)
        if progress is not None:
            progress(reading.size)
    return reading


def findings(reading: Reading, checkpoints: Sequence[Checkpoint], held: bytes | None = None) -> list[Finding]:
    """Return where a ledger is not what these checkpoints, whose signatures hold, say it was.

    `held` are leaf hashes somebody kept, one after the other: with them the first row that differs is named; without,
    the last checkpoint that still holds and the first that does not. One that does not hold although a later one does
    is of another history: a fork.
    """
    found: list[Finding] = []
    ordered = sorted(set(checkpoints), key=lambda each: each.size)
    holding = {each for each in ordered if each.size <= reading.size and reading.roots[each.size] == each.root}
    good = max((each.size for each in holding), default=0)
    for checkpoint in ordered:
        if checkpoint in holding:
            found += _said_findings(reading, checkpoint)
        elif checkpoint.size <= good:
            found.append(fork(checkpoint.size, good))
        elif checkpoint.size > reading.size:
            sentence = f"a checkpoint was signed over {checkpoint.size} events, and the ledger ends at {reading.size}"
            found.append(Finding("truncated", sentence, position=reading.size + 1))
            break
        else:
            sentence = f"an event among positions {good + 1} to {checkpoint.size} is not the one that was sealed"
            found.append(Finding("altered", sentence, position=None))
            break
    if held is not None and (place := _first_difference(bytes(reading.leaves), held)) is not None:
        found.append(Finding("altered", "this event is not the one whose hash is held", position=place + 1))
    return found


def _said_findings(reading: Reading, checkpoint: Checkpoint) -> list[Finding]:
    """Return what a checkpoint, whose root the ledger has, says beside it and is not so."""
    actual = reading.checkpoints.get(checkpoint.size)
    if actual is None or checkpoint.of_first_form:
        return []
    found, size = [], checkpoint.size
    if (checkpoint.years, checkpoint.years_root) != (actual.years, actual.years_root):
        sentence = f"the checkpoint over {size} events was signed with a tree of years that is not that of its events"
        found.append(Finding("seal", sentence, position=size))
    if checkpoint.until != actual.until:
        sentence = f"the checkpoint over {size} events was signed as reaching until {checkpoint.until}, which is not so"
        found.append(Finding("seal", sentence, position=size))
    if checkpoint.rules != actual.rules:
        sentence = (
            f"the checkpoint over {size} events was signed under the rules {checkpoint.rules[:16]}, and here the "
            f"policy and codes in force there come to {actual.rules[:16]}: figures are worked out by other rules"
        )
        found.append(Finding("rules", sentence, position=size))
    return found


def fork(first: int, second: int) -> Finding:
    """Return that two signed checkpoints over so many events are of no one history."""
    sentence = (
        f"a fork: one key signed a checkpoint over {first} events and one over {second}, and no ledger has both: "
        "somebody was shown another history"
    )
    return Finding("fork", sentence)


def _first_difference(leaves: bytes, held: bytes) -> int | None:
    """Return the index of the first held leaf hash that the ledger does not have there, None where it has all."""
    if leaves.startswith(held):
        return None
    return next(at // SIZE for at in range(0, len(held), SIZE) if leaves[at : at + SIZE] != held[at : at + SIZE])


class Seal:
    """A folder of a seal, opened. `private` is None where only the public side is there; `fresh` says that it has
    signed nothing yet."""

    def __init__(self, folder: Path, key: VerifierKey, private: bytes | None, *, fresh: bool = False) -> None:
        self.folder = folder
        self.key = key
        self.private = private
        self._fresh = fresh

    @property
    def is_fresh(self) -> bool:
        """Whether this seal was begun and has signed nothing yet: whoever was stopped may go on."""
        return self._fresh and not self.notes()

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
        write_durably(self.folder / "checkpoints" / f"{size:012}.tsr", answer, PUBLIC)

    def stamps(self) -> list[tuple[str, bytes]]:
        """Return each note that was stamped, with the answer kept beside it, in order of size."""
        paths = sorted((self.folder / "checkpoints").glob("*.tsr"))
        return [(_text(path.with_suffix(".note")), path.read_bytes()) for path in paths]

    def held(self) -> bytes:
        """Return the leaf hashes up to the last checkpoint, one after the other. Raises BadNote, BrokenTile."""
        return read_row(self.folder / "tiles", 0, max((each.size for each in self.checkpoints()), default=0))

    def tree(self, size: int) -> TiledTree:
        """Return the tree of the first events, as its tiles have it."""
        return TiledTree(self.folder / "tiles", size)

    def year_tree(self, checkpoint: Checkpoint) -> tuple[list[str], Tree]:
        """Return the lines of a checkpoint's tree of years, and the tree. Raises BrokenSeal where they are not those
        that were signed."""
        path = self._years_file(checkpoint.size)
        try:
            lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        except (OSError, UnicodeDecodeError):
            raise BrokenSeal(f"the file years/{path.name} of this seal is missing or cannot be read") from None
        tree = Tree(leaf_hash(line.encode()) for line in lines)
        if (tree.size, tree.root()) != (checkpoint.years, checkpoint.years_root):
            raise BrokenSeal(f"the lines in years/{path.name} of this seal are not those of its checkpoint")
        return lines, tree

    def _years_file(self, size: int) -> Path:
        return self.folder / "years" / f"{size:012}.lines"

    def forks(self, checkpoints: Iterable[Checkpoint]) -> list[Finding]:
        """Return which checkpoints of this key, held elsewhere, are no beginning of what this folder's last one signed:
        each is held to a proof of consistency from the tiles. Raises BadNote, BrokenTile."""
        last = max(self.checkpoints(), key=lambda each: each.size, default=None)
        found = []
        for each in sorted(set(checkpoints), key=lambda each: each.size):
            if last is None or not 0 < each.size <= last.size:
                continue
            proof = self.tree(last.size).prove_consistency(each.size)
            if not verify_consistency(each.size, last.size, each.root, last.root, proof):
                found.append(fork(each.size, last.size))
        return found

    def faults(self) -> list[Finding]:
        """Return what is missing from the folder, or is not what was signed: with such tiles no event may be accused.

        Whether the last checkpoints were taken away together with their tiles, only somebody who holds one can tell.
        Raises BadNote.
        """
        checkpoints = self.checkpoints()
        if not checkpoints:
            return [] if self._fresh else [Finding("seal", LOST)]
        size = max(checkpoint.size for checkpoint in checkpoints)
        tiles = self.folder / "tiles"
        if faults := tile_faults(tiles, size, leaves_only=True):
            return [Finding("seal", each) for each in faults]
        roots = Frontier().roots_at({each.size for each in checkpoints}, split(self.held()))
        for checkpoint in sorted(checkpoints, key=lambda each: each.size):
            if checkpoint.size and roots[checkpoint.size] != checkpoint.root:
                sentence = f"the tiles of this seal are not those of its checkpoint over {checkpoint.size}"
                return [Finding("seal", sentence)]
        whole = [each for each in checkpoints if not each.of_first_form]  # before, neither levels nor lines were kept
        if whole and (faults := tile_faults(tiles, size)):
            return [Finding("seal", each) for each in faults]
        try:
            for checkpoint in whole:
                self.year_tree(checkpoint)
        except BrokenSeal as error:
            return [Finding("seal", str(error))]
        return []

    def sign(self, reading: Reading, others: Sequence[Checkpoint] = ()) -> str:
        """Return the note over a reading, kept with its tiles before it is given out. `others` are checkpoints that
        were signed before, by this key or another, and are kept elsewhere.

        Raises BrokenSeal where the reading is not a continuation of everything signed before, Misconfigured where the
        private key is not here.
        """
        if self.private is None:
            raise Misconfigured(f"the folder {self.folder} holds no private key, so nothing can be signed with it")
        if faults := self.faults():
            raise BrokenSeal(f"nothing was signed: {faults[0].sentence}; restore the folder {self.folder}")
        if broken := findings(reading, self.checkpoints(), self.held()) or findings(reading, others):
            where = f" (position {broken[-1].position})" if broken[-1].position else ""
            raise BrokenSeal(f"nothing was signed: {broken[-1].sentence}{where}")
        checkpoint = reading.checkpoint(self.key.name)
        signed = note.sign(note.format_checkpoint(checkpoint), self.key.name, self.private)
        write_tiles(self.folder / "tiles", bytes(reading.leaves))
        lines = b"".join(line.text + b"\n" for line in reading.year_lines())
        (self.folder / "years").mkdir(exist_ok=True)
        write_durably(self._years_file(checkpoint.size), lines, PUBLIC)
        # The note goes last: until it is there, nothing of this was signed.
        write_durably(self.folder / "checkpoints" / f"{checkpoint.size:012}.note", signed.encode(), PUBLIC)
        (self.folder / UNSIGNED).unlink(missing_ok=True)
        self._fresh = False
        return signed


def new_seal(folder: Path, name: str) -> Seal:
    """Return a fresh seal in a folder that is made for it; where one was begun there under that name and has signed
    nothing yet, that one. Raises Misconfigured where something else is there."""
    if not note.is_name(name):
        raise Misconfigured("a seal's name is one word without a plus, such as attendance/117000")
    if (folder / UNSIGNED).is_file() and (begun := open_seal(folder)).is_fresh and begun.key.name == name:
        return begun
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Misconfigured(f"{folder} is there and not empty, and a seal is made once, in a folder of its own")
    # Whoever is stopped half way must be able to begin again, so it is made beside its place and moved there whole.
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for part in ("checkpoints", "tiles", "years"):
        (fresh / part).mkdir(parents=True)
    private = note.new_private_key()
    write_durably(fresh / UNSIGNED, b"this seal has signed nothing yet\n", PUBLIC)
    write_durably(fresh / "key", private.hex().encode() + b"\n")
    write_durably(fresh / "key.pub", f"{note.verifier_key(name, private)}\n".encode(), PUBLIC)
    fresh.replace(folder)
    return open_seal(folder)


def open_seal(folder: Path) -> Seal:
    """Return the seal of a folder, with its private key or without. Raises Misconfigured."""
    try:
        key = note.parse_key((folder / "key.pub").read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(f"the folder {folder} holds no seal: 'attendance seal --new' makes one") from error
    except (ValueError, note.BadNote) as error:
        raise Misconfigured(f"the file key.pub in {folder} is no verifier key of a seal") from error
    path = folder / "key"
    try:
        private = bytes.fromhex(read_private(path).decode()) if path.exists() or path.is_symlink() else None
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the file key in {folder} cannot be read as a private key") from error
    if private is not None and len(private) != note.PRIVATE_KEY:
        raise Misconfigured(f"the file key in {folder} holds {len(private)} bytes, and a private key has 32")
    if private is not None and note.verifier_key(key.name, private) != key:
        raise Misconfigured(f"in the folder {folder} key and key.pub do not belong together")
    return Seal(folder, key, private, fresh=(folder / UNSIGNED).is_file())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise note.BadNote(f"the checkpoint {path.name} of this seal cannot be read") from error
