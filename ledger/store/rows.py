"""What every recorder stores and promises, whatever the database.

A row is one event at one *position*. Positions start at 1 and have no gaps: the recorder numbers them itself, inside
the lock that orders all writers, together with the time. So position and time never disagree, "known at" is a bisect,
and a missing position can only mean that somebody removed one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from eventsourcing.persistence import StoredEvent

from ledger.errors import LedgerError, Refused
from ledger.sessions import format_moment, from_micros, micros
from ledger.store.formats import Standing

# Everything that decisions and answers are judged by, as opposed to the many marks, registers and calls.
VOLUME_KINDS = ("entry", "register", "follow-up")
# Ranges, because a planner knows from its statistics how few rows lie outside them; a function of the topic it guesses.
IS_REFERENCE = " AND ".join(f"topic NOT BETWEEN '{kind}.' AND '{kind}.~'" for kind in VOLUME_KINDS)

# How far the clock may be ahead of the last event: a summer is six weeks, a flat battery is years.
CLOCK_AHEAD = 60 * 86_400_000_000  # microseconds
CLOCK_ACCEPTED = "school.ClockAccepted"

WAIT_SECONDS = 5  # the most that anything waits for a server, or for somebody else there
SEPARATOR = "\x1f"  # the unit separator of ASCII, which JSON may only hold escaped


class Row(NamedTuple):
    """One stored event. `recorded_at` is in microseconds since 1970, UTC."""

    position: int
    stream: str
    version: int
    topic: str
    recorded_at: int
    state: bytes


FIRST_MOMENT, LAST_MOMENT = (micros(end.replace(tzinfo=UTC)) for end in (datetime.min, datetime.max))
# What the fields of a row are, for a database that would take anything.
KINDS = (int, str, int, str, int, bytes)
WORDS = {int: "a whole number", str: "text", bytes: "bytes", float: "a fraction", type(None): "nothing"}


def sound(found: tuple[object, ...]) -> Row:
    """Return the row that a database gave. Raises UnsoundRow where a field is not of its kind."""
    row = Row._make(found)
    if tuple(map(type, found)) == KINDS and FIRST_MOMENT <= row.recorded_at <= LAST_MOMENT:
        return row
    for field, kind, value in zip(Row._fields, KINDS, found, strict=True):
        if type(value) is not kind:
            raise UnsoundRow(found[0], field, WORDS.get(type(value), type(value).__name__), WORDS[kind])
    raise UnsoundRow(found[0], "recorded_at", "no time of any calendar", "microseconds since 1970")


class BuiltTo(NamedTuple):
    """Where the read model beside a ledger stands: the position that it was brought up to, the digest of the event
    there, and the first positions that it could not read; None where those are not for this account to see."""

    position: int
    digest: bytes
    unread: tuple[int, ...] | None


class Receipt(NamedTuple):
    """That a command was carried out: its id, what it said, the door it came by, and the events it made."""

    id: str
    digest: str
    door: str
    first_position: int = 0
    events: int = 0


class Signed(NamedTuple):
    """A receipt with the code of who recorded, None where it has none."""

    first_position: int
    id: str
    digest: str
    door: str
    events: int
    mac: bytes | None


class UnsoundRow(LedgerError):
    """A stored row that no recorder wrote: a database may hold text where a number belongs."""

    def __init__(self, position: object, field: str, kind: str, expected: str) -> None:
        super().__init__(position, field, kind, expected)
        self.position = position if isinstance(position, int) else None
        self.sentence = f"the row at position {position} holds {kind} as its {field}, expected {expected}"

    def __str__(self) -> str:
        return f"{self.sentence}: the ledger was altered, see 'attendance verify'"


class Conflict(LedgerError):
    """Somebody recorded first: a version, a receipt, or a reference event after the position decided on. Decide
    again."""


class Unavailable(LedgerError):
    """The database did not answer; nothing is known about the last save until its receipt is looked up."""


class Damaged(Unavailable):
    """The file of the database is damaged where something stands that was asked for, or altogether."""


class Busy(Unavailable):
    """Somebody held on to what a statement needed for as long as anything is waited for; nothing of it was done."""


class Reads(Protocol):
    """What a recorder does and answers beside the library's own methods."""

    def exists(self) -> bool:
        """Whether there is a ledger."""

    def create_table(self) -> None:
        """Make an empty ledger where there is none."""

    def check(self) -> None:
        """Raise Misconfigured unless what is acknowledged will be durable and in order."""

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        receipt: Receipt | None = None,
        basis: int | None = None,
        at: int | None = None,
        seen: int = 0,
        mac: bytes | None = None,
    ) -> Sequence[int]:
        """Return the positions of the events, durable with their receipt. Raises Conflict and Unavailable."""

    def versions_of(self, streams: list[str]) -> dict[str, int]:
        """Return the last version of each of these streams that exists."""

    def head(self) -> tuple[int, int]:
        """Return the last position and its recorded time; (0, 0) for an empty ledger."""

    def now(self, *, roughly: bool = False) -> int:
        """Return what the clock shows that stamps are taken from, in microseconds since 1970: the server's, if any.
        `roughly`: without asking, where that was done within a minute; a clock that was set since is seen later."""

    def read_model(self) -> BuiltTo | None:
        """Return where the read model beside this ledger stands; None where there is none, or none that this account
        may see."""

    def end(self) -> int:
        """Return the last position alone, also where the row there is not sound; 0 for an empty ledger."""

    def still(self, after: int) -> list[tuple[int, int]]:
        """Return (position, recorded time) where a save was stamped one microsecond after the one before it, as it is
        where the clock shows no later time than the last event's. Of a save of many events the first position."""

    def sealed_streams(self, until: int) -> list[tuple[str, int]]:
        """Return every stream in which an event up to a position may hold sealed text, with the first such position."""

    def strays(self) -> list[int]:
        """Return the positions of rows where no recorder puts one, which is before 1. No other read returns them."""

    def claims(self) -> list[tuple[int, int]]:
        """Return (first position, events) of every receipt of a command that made events, in order of position."""

    def signed(self) -> list[Signed]:
        """Return every receipt with its code, in order of position; those of commands without events first."""

    def recorded(self, command: str) -> bool:
        """Whether a command has a receipt, as things are; a save may be under way that makes it."""

    def has_codes(self) -> bool:
        """Whether any receipt carries a code."""

    def faults(self) -> list[str]:
        """Return what is wrong with the database itself, in a sentence each, as far as it can tell."""

    def rows(self, after: int, limit: int, until: int | None = None) -> list[Row]:
        """Return up to `limit` rows in order of position, after `after` and up to `until`."""

    def reference_rows(self, after: int, until: int | None = None) -> list[Row]:
        """Return the reference rows after a position, in order."""

    def stream_rows(self, streams: Sequence[str]) -> list[Row]:
        """Return every row of these streams, in order of stream and version."""

    def prefix_rows(self, prefix: str) -> list[Row]:
        """Return every row of the streams that begin so, in order of stream and version."""

    def rows_at(self, positions: Sequence[int]) -> list[Row]:
        """Return the rows at these positions that exist, in order."""

    def entry_lines(self, after: int, until: int, *, amendments: bool = False) -> tuple[int, bytes]:
        """Return the events of entries after a position up to another, or just their later versions, as one text: how
        many, and for each a line `position | version | stream | state`, in any order, with SEPARATOR between. What
        holds a SEPARATOR or a line break itself is no event of ours and breaks the count: then read `rows`."""

    def read_what_is_left(self) -> None:
        """Read from now on what can be read of a damaged file, and write nothing."""

    def settle(self) -> None:
        """Return once every save that was under way has ended."""

    def standing(self) -> Standing:
        """Return the format of the ledger, and the least release that may record in it."""

    def repair(self) -> list[str]:
        """Bring an older ledger to today's format and put back what is gone of it; return what was done."""

    def receipt(self, command: str) -> Receipt | None:
        """Return the receipt of a command, after any save still under way has ended one way or the other."""


def said(error: BaseException) -> str:
    """Return the first line of what a database or its driver said, which is the one for people."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def position_at(reads: Reads, recorded_at: int) -> int:
    """Return the last position recorded by a time, 0 where there is none: a bisect, as time grows with position."""
    low, (high, last) = 0, reads.head()
    if last <= recorded_at:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        (row,) = reads.rows_at([middle])
        low, high = (middle, high) if row.recorded_at <= recorded_at else (low, middle - 1)
    return low


def check_clock(stamp: int, last: int, topics: Iterable[str]) -> None:
    """Refuse a stamp that the clock gave, more than CLOCK_AHEAD after the last event: clock_ahead. Not where somebody
    says, in the same save, that the clock is right."""
    if stamp > last + CLOCK_AHEAD and CLOCK_ACCEPTED not in topics:
        raise clock_ahead(stamp)


def clock_ahead(stamp: int) -> Refused:
    return Refused("clock_ahead", field="clock", value=format_moment(from_micros(min(stamp, LAST_MOMENT))))


def assert_predecessors(events: Iterable[tuple[str, int]], version_of: Callable[[list[str]], dict[str, int]]) -> None:
    """Assert that every version follows the one before it: the database's key only says that none is taken twice."""
    events = list(events)
    if all(version == 1 for _, version in events) and len(set(events)) == len(events):
        return  # nothing comes before a first version
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for stream, version in events:
        first.setdefault(stream, version)
        assert version > 0 and version == last.get(stream, version - 1) + 1, (
            f"version {version} does not follow in its stream"
        )
        last[stream] = version
    grown = {stream: version for stream, version in first.items() if version > 1}
    if grown:
        heads = version_of(list(grown))
        for stream, version in grown.items():
            # A head at or beyond the version is somebody else's save, which the key turns into a conflict.
            assert heads.get(stream, 0) >= version - 1, f"version {version} has no version {version - 1} before it"
