"""Sealed texts and their keys: what cannot be read although nobody forgot it, and what can although somebody did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

import msgspec

from ledger import wire
from ledger.events import YearsForgotten
from ledger.finding import Finding
from ledger.keys import KeyStore
from ledger.sessions import format_year
from ledger.store import Ledger, Row
from ledger.streams import SCHOOL, Owner, owner_of
from ledger.words import counted
from projections.readmodel.replay import last_read, sound_pages

NAMED = 20  # keys that are named one by one


def text_findings(ledger: Ledger, keys: KeyStore, progress: Callable[[int], None] | None = None) -> Iterator[Finding]:
    """Yield what is wrong with keys and texts, every one of which is opened."""
    forgotten = forgotten_at(ledger)
    missing: dict[Owner, list[int]] = defaultdict(list)
    for rows in sound_pages(ledger, last_read(ledger)):
        if not isinstance(rows, list):
            continue  # a finding of its own
        spoken = [row for row in rows if wire.seems_sealed(row.state)]
        held = keys.load(owner_of(row.stream) for row in spoken)
        for row in spoken:
            owner = owner_of(row.stream)
            if owner in held:
                yield from _unopened(row, held[owner])
            elif owner not in forgotten and wire.holds_sealed(row.state):
                missing[owner].append(row.position)
        if progress is not None:
            progress(rows[-1].position)
    if keys.lost and missing:
        lost = counted(sum(map(len, missing.values())), "text")
        sentence = f"the key store {keys.address} is missing, so {lost} cannot be read"
        yield Finding("keys_missing", sentence)
        return
    for owner, positions in sorted(missing.items()):
        texts = counted(len(positions), "text")
        sentence = f"the key of {_named(owner)} is gone, and nobody forgot it: {texts} cannot be read"
        yield Finding("key_missing", sentence, _pupil(owner), position=positions[0])
    yield from kept_findings(ledger, keys)


def lost_findings(ledger: Ledger, keys: KeyStore, until: int) -> Iterator[Finding]:
    """Yield the keys of single school years that are gone, of those with text sealed up to a position, though nobody
    forgot them. Opens no text; what belongs to no single year shows in the particulars of pupils."""
    first: dict[Owner, int] = {}
    for stream, position in ledger.reads.sealed_streams(until):
        owner = owner_of(stream)
        first[owner] = min(position, first.get(owner, position))
    gone = {owner for owner in first if owner.year} - set(keys.held()) - forgotten_at(ledger).keys()
    if len(gone) > NAMED:
        sentence = f"the keys of {len(gone)} school years are gone, and nobody forgot them: see 'attendance verify'"
        yield Finding("key_missing", sentence, position=min(first[owner] for owner in gone))
        return
    for owner in sorted(gone):
        sentence = f"the key of {_named(owner)} is gone, and nobody forgot it: what was said of that year is unreadable"
        yield Finding("key_missing", sentence, _pupil(owner), position=first[owner])


def kept_findings(ledger: Ledger, keys: KeyStore) -> Iterator[Finding]:
    """Yield the keys that are there although the ledger says that they were destroyed."""
    forgotten = forgotten_at(ledger)
    for owner in sorted(forgotten.keys() & set(keys.held())) if forgotten else ():
        yield Finding(
            "key_not_destroyed",
            f"the key of {_named(owner)} is there although it was forgotten: 'attendance forget' destroys it",
            _pupil(owner),
            position=forgotten[owner],
        )


def forgotten_at(ledger: Ledger) -> dict[Owner, int]:
    """Return what was forgotten up to now, with the position that says so."""
    positions: dict[Owner, int] = {}
    for row in ledger.reads.stream_rows([SCHOOL]):
        if row.topic == "school.YearsForgotten":
            event = _decoded(row)
            if isinstance(event, YearsForgotten):
                positions |= {Owner(name, year): row.position for name, year in event.years}
    return positions


def _unopened(row: Row, key: bytes) -> Iterator[Finding]:
    event = _decoded(row)
    if event is None or not event.sealed:
        return
    try:
        wire.open_sealed(event, row.stream, row.version, key)
    except (wire.WrongKey, msgspec.MsgspecError):
        yield Finding(
            "text_unopened",
            f"the text of {row.topic} does not open with the key of {_named(owner_of(row.stream))}",
            _pupil(owner_of(row.stream)),
            position=row.position,
        )


def _decoded(row: Row) -> wire.AnyEvent | None:
    try:
        return wire.decode(row.state)
    except wire.Undecodable:
        return None  # a finding of its own


def _named(owner: Owner) -> str:
    name = "the school" if owner.name == SCHOOL else owner.name
    return f"{name} in {format_year(owner.year)}" if owner.year else name


def _pupil(owner: Owner) -> str | None:
    return None if owner.name == SCHOOL else owner.name
