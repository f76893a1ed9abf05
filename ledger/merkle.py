"""The Merkle tree of RFC 9162 (Certificate Transparency, section 2.1): roots, proofs, and checking them.

Problem: whoever runs a database can change any row of it and every digest that stands beside it. Observation: a single
hash over all rows in order, known to somebody outside, pins every one of them; arranged as a tree, one row or the
growth from an older tree can be shown with a handful of hashes. Choice: the tree that public logs use, whose leaves and
inner nodes hash under different prefixes so that neither can pass for the other.

There is no input or output here. Hashes are 32 bytes of SHA-256; sizes and indices count leaves from 0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from hashlib import sha256

SIZE = 32
EMPTY = sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf (section 2.1.1: prefix 0x00)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node (section 2.1.1: prefix 0x01)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that only grows, held as its perfect subtrees, largest first: at most one hash for each bit of its size.
    So a root at any size costs no more memory than the logarithm of it."""

    def __init__(self) -> None:
        self.size = 0
        self._perfect: list[bytes] = []

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add the hashes of more leaves, in order: one level at a time, as numbers are added bit by bit."""
        level, size, grown = list(leaves), self.size, list[bytes]()
        self.size += len(level)
        while level:
            if size & 1:
                level.insert(0, self._perfect.pop())
            if len(level) & 1:
                grown.append(level.pop())
            level = list(map(node_hash, level[::2], level[1::2]))
            size >>= 1
        self._perfect += reversed(grown)

    def roots_at(self, sizes: Iterable[int], leaves: Sequence[bytes]) -> dict[int, bytes]:
        """Add the hashes of more leaves, and return the root at each of these sizes that is reached with them."""
        begun, added, roots = self.size, 0, {}
        for count in sorted(size - begun for size in sizes if begun < size <= begun + len(leaves)):
            self.extend(leaves[added:count])
            roots[self.size], added = self.root(), count
        self.extend(leaves[added:])
        return roots

    def root(self) -> bytes:
        """Return the root of what has been added."""
        if not self._perfect:
            return EMPTY
        root = self._perfect[-1]
        for left in reversed(self._perfect[:-1]):
            root = node_hash(left, root)
        return root


class HashedTree(ABC):
    """All hashes of a tree of `size` leaves, to prove things from; where they are kept is another's business."""

    size: int

    @abstractmethod
    def complete(self, level: int, place: int) -> bytes:
        """Return the hash of the complete subtree of 2^level leaves that has so many of its kind before it."""

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` leaves, all where it is left out."""
        size = self.size if size is None else size
        assert 0 <= size <= self.size, size
        return self._hash(0, size) if size else EMPTY

    def prove_inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the proof that a leaf is in the tree of the first `size` leaves (section 2.1.3.1), nearest first."""
        size = self.size if size is None else size
        assert 0 <= index < size <= self.size, (index, size)
        return self._path(index, 0, size)

    def prove_consistency(self, first: int, second: int | None = None) -> list[bytes]:
        """Return the proof that the tree of `first` leaves grew into that of `second` (section 2.1.4.1)."""
        second = self.size if second is None else second
        assert 0 < first <= second <= self.size, (first, second)
        return self._growth(first, 0, second, whole=True)

    def _hash(self, start: int, end: int) -> bytes:
        count = end - start
        level = count.bit_length() - 1
        if count == 1 << level:
            return self.complete(level, start >> level)
        middle = start + _split(count)
        return node_hash(self._hash(start, middle), self._hash(middle, end))

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        middle = start + _split(end - start)
        if index < middle:
            return [*self._path(index, start, middle), self._hash(middle, end)]
        return [*self._path(index, middle, end), self._hash(start, middle)]

    def _growth(self, first: int, start: int, end: int, *, whole: bool) -> list[bytes]:
        if first == end:
            return [] if whole else [self._hash(start, end)]
        middle = start + _split(end - start)
        if first <= middle:
            return [*self._growth(first, start, middle, whole=whole), self._hash(middle, end)]
        return [*self._growth(first, middle, end, whole=False), self._hash(start, middle)]


class Tree(HashedTree):
    """A tree in memory. Level k holds the hashes of its complete subtrees of 2^k leaves."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(below := self._levels[-1]) > 1:
            self._levels.append(parents(below))
        self.size = len(self._levels[0])

    def complete(self, level: int, place: int) -> bytes:
        return self._levels[level][place]


def parents(hashes: Sequence[bytes]) -> list[bytes]:
    """Return the hash over each two neighbours; one that is left over has no parent yet."""
    return list(map(node_hash, hashes[::2], hashes[1::2]))


def _split(count: int) -> int:
    """Return the largest power of two smaller than `count`, which is how many leaves the left subtree has."""
    return 1 << (count - 1).bit_length() - 1


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether the proof shows that `leaf` stands at `index` of the tree of that size and root (section
    2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes([leaf, root, *proof]):
        return False
    at, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether the proof shows that the first tree is the beginning of the second (section 2.1.4.2)."""
    if not 0 < first <= second or not _are_hashes([first_root, second_root, *proof]):
        return False
    if first == second:
        return not proof and first_root == second_root
    steps = list(proof)
    if first & (first - 1) == 0:  # a perfect tree is a node of the later one, and need not be given
        steps.insert(0, first_root)
    if not steps:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _are_hashes(given: Sequence[bytes]) -> bool:
    return all(isinstance(each, bytes) and len(each) == SIZE for each in given)
