"""The journal: commands as JSON lines, applied one by one to a ledger with a simulated clock.

A line is read, parsed and carried out before the next one is looked at, so a journal of any length needs the memory of
one line. Each line is a command like any other: what came before a refused line stays.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

from commands.handle import Handler
from commands.models import LINE_BYTES, parse
from ledger.errors import Refused


@dataclass
class Replayed:
    """What became of a journal. `lines` counts blank ones too, as an editor does; `applied` includes the `repeated`."""

    lines: int = 0
    applied: int = 0
    repeated: int = 0
    refused: int = 0
    events: int = 0


def replay(
    lines: Iterable[str | bytes | dict[str, object]],
    handler: Handler,
    *,
    keep_going: bool = False,
    refused: Callable[[int, Refused], None] = lambda line, refusal: None,
    progress: Callable[[int], None] | None = None,
) -> Replayed:
    """Return what became of the lines, which may be text, bytes in UTF-8, or decoded already.

    `refused` is called with the number of each refused line, from 1, and its refusal; without `keep_going` the first
    one ends the run. `progress` is called with the number of each line that is done with. Raises Refused
    `ledger_is_system`, before any line, where the ledger keeps its own time.
    """
    school = handler.school()
    if school.opened is not None and not school.simulated:
        raise Refused("ledger_is_system", field="ledger", expected="a ledger with a simulated clock, begun by a replay")
    result = Replayed()
    for number, line in enumerate(lines, 1):
        result.lines = number
        try:
            _apply(line, number, handler, result)
        except Refused as refusal:
            result.refused += 1
            refused(number, refusal)
            if not keep_going:
                break
        if progress is not None:
            progress(number)
    return result


def lines_of(journal: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a journal, of one that is too long only as much as shows that it is."""
    while line := journal.readline(LINE_BYTES + 1):
        yield line
        while len(line) > LINE_BYTES and not line.endswith(b"\n"):
            line = journal.readline(LINE_BYTES + 1)


def _apply(line: str | bytes | dict[str, object], number: int, handler: Handler, result: Replayed) -> None:
    decoded: object = line
    if not isinstance(line, dict):
        if number == 1 and isinstance(line, bytes):
            line = line.removeprefix(codecs.BOM_UTF8)  # as some editors begin a file
        if not line.strip():
            return
        decoded = decode(line)
    done = handler.handle(parse(decoded), door="journal")
    result.applied += 1
    result.repeated += done.repeated
    if not done.repeated:
        result.events += done.events


def decode(text: str | bytes) -> object:
    """Return a journal line as JSON has it. Raises Refused `malformed`, also for a key given twice, of which one reader
    would take the first and another the last."""
    if len(text) > LINE_BYTES:
        raise Refused("malformed", field="line", expected=f"no more than {LINE_BYTES:,} bytes")
    try:
        text = text.decode() if isinstance(text, bytes) else text
        decoded: object = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
        return decoded
    except (ValueError, RecursionError):  # ValueError is also what bytes that are not UTF-8 and endless numbers raise
        raise Refused("malformed", field="line", expected="one object in JSON, in UTF-8, each key once") from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
