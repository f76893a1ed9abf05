"""Tiles: the hashes of a growing tree in files, those of all levels, as public logs keep them (C2SP tlog-tiles).

Level 0 holds the hashes of the leaves, level n the hash over each whole tile of the level below, 256 to a file. So the
hash of any complete subtree is worked out from a piece of one file, and a proof about one leaf reads a few files,
however many leaves there are. `tiles/000000000.tile` is the first one of level 0, `tiles/1/000000000.tile` of level 1.
Hashes only ever come to the end of a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ledger.durable import PUBLIC, write_durably
from ledger.errors import LedgerError
from ledger.merkle import SIZE, HashedTree, parents

BITS = 8
TILE = 1 << BITS  # hashes in a file


class BrokenTile(LedgerError):
    """A tile that is missing, short or too long."""


class TiledTree(HashedTree):
    """The tree of the first `size` leaves whose tiles lie in a folder, which is read as far as a proof needs it."""

    def __init__(self, folder: Path, size: int) -> None:
        self.size = size
        self._folder = folder
        self._read: dict[tuple[int, int], bytes] = {}

    @property
    def files_read(self) -> int:
        return len(self._read)

    def complete(self, level: int, place: int) -> bytes:
        """Raises BrokenTile."""
        row, within = divmod(level, BITS)
        number, first = divmod(place << within, TILE)
        tile = self._tile(row, number)
        hashes = split(tile[first * SIZE : (first + (1 << within)) * SIZE])
        if len(hashes) < 1 << within:
            raise BrokenTile(f"the tile {name(row, number)} of this seal is missing, short or too long")
        while len(hashes) > 1:
            hashes = parents(hashes)
        return hashes[0]

    def _tile(self, row: int, number: int) -> bytes:
        if (row, number) not in self._read:
            self._read[row, number] = read_tile(self._folder, row, number)
        return self._read[row, number]


def name(row: int, number: int) -> str:
    """Return where a tile lies in the folder of tiles."""
    return f"{row}/{number:09}.tile" if row else f"{number:09}.tile"


def split(hashes: bytes) -> list[bytes]:
    """Return hashes that stand one after the other."""
    return [hashes[at : at + SIZE] for at in range(0, len(hashes), SIZE)]


def rows_of(leaves: bytes) -> Iterator[bytes]:
    """Yield the hashes of every level that has any, one after the other, from those of the leaves on."""
    row = leaves
    while row:
        yield row
        above = split(row[: len(row) // (TILE * SIZE) * TILE * SIZE])
        for _ in range(BITS):
            above = parents(above)
        row = b"".join(above)


def write_tiles(folder: Path, leaves: bytes) -> None:
    """Write the tiles of these leaves; those that are there already only where they grew."""
    for row, hashes in enumerate(rows_of(leaves)):
        for number, at in enumerate(range(0, len(hashes), TILE * SIZE)):
            path, tile = folder / name(row, number), hashes[at : at + TILE * SIZE]
            if not path.exists() or path.read_bytes() != tile:
                path.parent.mkdir(exist_ok=True)
                write_durably(path, tile, PUBLIC)


def read_tile(folder: Path, row: int, number: int) -> bytes:
    """Return the hashes of a tile. Raises BrokenTile where they cannot be read."""
    try:
        tile = (folder / name(row, number)).read_bytes()
    except OSError:
        tile = b""
    if not tile or len(tile) % SIZE or len(tile) > TILE * SIZE:
        raise BrokenTile(f"the tile {name(row, number)} of this seal is missing, short or too long")
    return tile


def read_row(folder: Path, row: int, count: int) -> bytes:
    """Return the first `count` hashes of a level. Raises BrokenTile, naming the first tile that lacks any."""
    tiles = []
    for number in range(-(-count // TILE)):
        tile = read_tile(folder, row, number)
        if len(tile) < min(TILE, count - number * TILE) * SIZE:
            raise BrokenTile(f"the tile {name(row, number)} of this seal is missing, short or too long")
        tiles.append(tile)
    return b"".join(tiles)[: count * SIZE]


def tile_faults(folder: Path, size: int, *, leaves_only: bool = False) -> list[str]:
    """Return which tiles of a tree of that size are missing, or do not follow from the leaves; of each level the first.
    The first release kept those of the leaves only."""
    try:
        leaves = read_row(folder, 0, size)
    except BrokenTile as error:
        return [str(error)]
    found = []
    for row, hashes in enumerate([leaves] if leaves_only else rows_of(leaves)):
        try:
            held = read_row(folder, row, len(hashes) // SIZE)
        except BrokenTile as error:
            found.append(str(error))
            continue
        for at in range(0, len(hashes), TILE * SIZE):
            if held[at : at + TILE * SIZE] != hashes[at : at + TILE * SIZE]:
                number = at // (TILE * SIZE)
                found.append(f"the tile {name(row, number)} of this seal is not what those of its leaves come to")
                break
    return found
