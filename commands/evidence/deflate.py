"""Packing by DEFLATE (RFC 1951), the same bytes on every machine.

Problem: a bundle is the same bytes for ever, and the compressors of different machines (zlib, zlib-ng, their editions)
give different ones. Observation: every program unpacks what any compressor gives, and a few hundred kilobytes of JSON
and of a PDF's tables need no good one. Choice: matches found greedily among the last places with the same three bytes,
blocks with their own two Huffman codes. It comes within some percent of zlib, in a second or two a megabyte.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

WINDOW, SHORTEST, LONGEST = 32 * 1024, 3, 258  # bytes that a match may lie back, and its lengths
TRIED, GOOD = 64, 32  # places that are tried for each match, and the length with which it is good enough
BLOCK = 6_000  # bytes and matches that have codes of their own
END, MOST_BITS = 256, 15
# Section 3.2.5: the first length, or distance, of each symbol, and its extra bits.
LENGTHS = [(3 + at, 0) for at in range(8)]
for bits in range(1, 6):
    LENGTHS += [(3 + (4 + at << bits), bits) for at in range(4)]
LENGTHS[-1:] = [(227, 5), (258, 0)]
DISTANCES = [(1 + at, 0) for at in range(4)]
for bits in range(1, 14):
    DISTANCES += [(1 + (2 + at << bits), bits) for at in range(2)]
ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)  # section 3.2.7


def deflate(data: bytes) -> bytes:
    """Return data packed as raw DEFLATE; any inflater gives it back."""
    tokens, writer = _tokens(data), _Writer()
    for first in range(0, max(len(tokens), 1), BLOCK):
        _put_block(writer, tokens[first : first + BLOCK], last=first + BLOCK >= len(tokens))
    return writer.end()


def _put_block(writer: _Writer, tokens: Sequence[tuple[int, int, int, int]], *, last: bool) -> None:
    counts, far = [0] * 286, [0] * 30
    counts[END] = 1
    for symbol, _, distance, _ in tokens:
        counts[symbol] += 1
        if distance >= 0:
            far[distance] += 1
    literals, distances = _lengths(counts, MOST_BITS), _lengths(far, MOST_BITS)
    writer.put(last | 0b100, 3)  # with codes of its own
    _put_codes(writer, literals, distances)
    symbols, backs = _codes(literals), _codes(distances)
    for symbol, extra, distance, extra_distance in tokens:
        writer.put(*symbols[symbol])
        if distance >= 0:  # a match
            writer.put(extra, LENGTHS[symbol - END - 1][1])
            writer.put(*backs[distance])
            writer.put(extra_distance, DISTANCES[distance][1])
    writer.put(*symbols[END])


def _tokens(data: bytes) -> list[tuple[int, int, int, int]]:
    """Return bytes and matches in order: symbol and extra bits of a length, then of a distance, -1 where it is a
    byte."""
    length_symbol = _symbols(LENGTHS, LONGEST)
    distance_symbol = _symbols(DISTANCES, WINDOW)
    last: dict[bytes, int] = {}
    before = [-1] * len(data)  # the place before each with the same three bytes
    for place in range(len(data)):
        begins = data[place : place + SHORTEST]
        before[place] = last.get(begins, -1)
        last[begins] = place
    tokens, at = list[tuple[int, int, int, int]](), 0
    length, back = 0, 0  # of the match at this place, where it has been looked for already
    while at < len(data):
        if not back:
            length, back = _match(data, at, before, 0)
        # One that begins a byte later may be longer.
        longer, further = (0, 0)
        if SHORTEST <= length < GOOD and at + 1 < len(data):
            longer, further = _match(data, at + 1, before, length)
        if length < SHORTEST or further:
            tokens.append((data[at], 0, -1, 0))
            at += 1
            length, back = longer, further
        else:
            near, far = length_symbol[length], distance_symbol[back]
            tokens.append((END + 1 + near, length - LENGTHS[near][0], far, back - DISTANCES[far][0]))
            at += length
            back = 0
    return tokens


def _match(data: bytes, at: int, before: list[int], length: int) -> tuple[int, int]:
    """Return the longest match found for what stands at a place, of more than a length: its own, and how far back,
    which is 0 where none is longer."""
    back, place, nearest = 0, before[at], max(at - WINDOW, 0)
    most = min(LONGEST, len(data) - at)
    if length >= most:
        return length, back
    wanted = data[at : at + length + 1]
    for _ in range(TRIED):
        if place < nearest:
            break
        if data[place + length] == wanted[length] and data.startswith(wanted, place):
            found, beyond = length + 1, most  # it agrees so far, and not beyond
            while found < beyond:
                middle = (found + beyond + 1) // 2
                if data[place + found : place + middle] == data[at + found : at + middle]:
                    found = middle
                else:
                    beyond = middle - 1
            length, back = found, at - place
            if length == most:
                break
            wanted = data[at : at + length + 1]
        place = before[place]
    return length, back


def _symbols(ranges: Sequence[tuple[int, int]], last: int) -> list[int]:
    """Return the symbol of each length, or distance, up to the last."""
    found = [0] * (last + 1)
    for symbol, (first, bits) in enumerate(ranges):
        for value in range(first, min(first + (1 << bits), last + 1)):
            found[value] = symbol
    return found


def _lengths(counts: Sequence[int], most: int) -> list[int]:
    """Return how many bits each symbol of a Huffman code has, at most so many; 0 for one that is not used."""
    used = [(count, symbol) for symbol, count in enumerate(counts) if count]
    if len(used) < 2:  # a code of one symbol still needs a bit, and some inflaters two symbols
        return [1 if count or symbol == (0 if counts[0] == 0 else 1) else 0 for symbol, count in enumerate(counts)]
    while True:
        heap: list[tuple[int, int, tuple[int, ...]]] = [(count, symbol, (symbol,)) for count, symbol in used]
        heapify(heap)
        lengths = [0] * len(counts)
        while len(heap) > 1:
            (first, order, left), (second, _, right) = heappop(heap), heappop(heap)
            for symbol in (*left, *right):
                lengths[symbol] += 1
            heappush(heap, (first + second, order, (*left, *right)))
        if max(lengths) <= most:
            return lengths
        used = [(count // 2 + 1, symbol) for count, symbol in used]  # flatter, until it fits


def _codes(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Return the canonical code of each symbol, its first bit lowest, and how many bits it has (section 3.2.2)."""
    code, codes = 0, [(0, 0)] * len(lengths)
    for bits in range(1, MOST_BITS + 1):
        for symbol, length in enumerate(lengths):
            if length == bits:
                codes[symbol] = int(f"{code:0{bits}b}"[::-1], 2), bits
                code += 1
        code <<= 1
    return codes


def _put_codes(writer: _Writer, literals: Sequence[int], distances: Sequence[int]) -> None:
    """Write the lengths of both codes, each for itself: runs would save some dozens of bytes."""
    said = [*literals, *distances]
    lengths = _lengths([said.count(bits) for bits in range(19)], 7)
    writer.put(len(literals) - 257, 5)
    writer.put(len(distances) - 1, 5)
    writer.put(19 - 4, 4)
    for symbol in ORDER:
        writer.put(lengths[symbol], 3)
    codes = _codes(lengths)
    for bits in said:
        writer.put(*codes[bits])


class _Writer:
    """Bits, lowest first, as bytes."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._bits = self._count = 0

    def put(self, value: int, count: int) -> None:
        self._bits |= value << self._count
        self._count += count
        if self._count >= 256:
            self._bytes += (self._bits & (1 << 256) - 1).to_bytes(32, "little")
            self._bits >>= 256
            self._count -= 256

    def end(self) -> bytes:
        return bytes(self._bytes) + self._bits.to_bytes(-(-self._count // 8), "little")
