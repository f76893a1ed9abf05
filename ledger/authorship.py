"""Who recorded it: the codes beside the receipts, made with a key of the key store and checked by it.

`ledger.store.macs` says what a code covers. The key is an owner's of its own, so it can be handed to somebody who
checks, and opens no text.

A ledger's first command cannot carry a code, because keys are named by the first event and so come after it, and a
ledger of an older format carries none up to some position. What stands without a code is *vouched for* by a receipt
of its own, which does carry one: its content is the last such position and the digest of all rows up to there and of
all receipts without a code. So a code that was taken away, and a row changed among those that never had one, are found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from ledger import wire
from ledger.finding import Finding
from ledger.keys import KeyStore
from ledger.store import Conflict, Ledger, Receipt, Row, UnsoundRow
from ledger.store.macs import code
from ledger.store.rows import Signed
from ledger.streams import RECORDING

VOUCHED = "attendance: vouched for"  # the receipt's id
PAGE = 5_000
NAMED = 20  # findings of one kind that are named one by one
ALTERED = "was written or altered by somebody who does not hold the keys"


class Checked(NamedTuple):
    """What is wrong with who recorded, and what was checked, in sentences for whoever reads the findings."""

    findings: list[Finding]
    notes: list[str]


def recording_key(ledger: Ledger, keys: KeyStore) -> bytes | None:
    """Return the key under which receipts say who recorded, made where it is not there yet; what stands without a code
    is vouched for by then. None where the key store is lost, or is not the one that had the key: a second key would
    make every earlier code look forged, and what is recorded meanwhile carries none, which `checked` names."""
    if keys.lost:
        return None
    if (key := keys.get(RECORDING)) is None:
        if ledger.reads.has_codes():
            return None
        keys.ensure([RECORDING])
        key = keys.get(RECORDING)
    if key is not None and not ledger.reads.recorded(VOUCHED):
        _vouch(ledger, key)
    return key


def _vouch(ledger: Ledger, key: bytes) -> None:
    """Vouch for what stands without a code, before the first code is made and never after: what has none then, somebody
    without the keys recorded."""
    bare = ledger.reads.signed()
    if not bare or any(receipt.mac is not None for receipt in bare):
        return
    last = _last(bare)
    opened = ledger.opened()
    at = ledger.reads.head()[1] if opened is not None and opened.simulated else None
    with suppress(Conflict):  # another process was first
        ledger.append([], receipt=Receipt(VOUCHED, f"{last} {_digest(ledger, last, bare)}", "vouched"), at=at, key=key)


def _last(receipts: Iterable[Signed]) -> int:
    """Return the last position that these receipts speak of."""
    return max((receipt.first_position + receipt.events - 1 for receipt in receipts if receipt.events), default=0)


def checked(ledger: Ledger, keys: KeyStore, progress: Callable[[int], None] | None = None) -> Checked:
    """Return what the codes beside the receipts say of who recorded."""
    receipts = ledger.reads.signed()
    coded = [receipt for receipt in receipts if receipt.mac is not None]
    if keys.lost:
        return Checked([], ["who recorded was not checked, because the key store is missing"] if receipts else [])
    key = keys.get(RECORDING)
    if key is None:
        if coded:
            sentence = "the key store lacks the key that says who recorded: these are other keys, or an older copy"
            return Checked([Finding("recorded_by", sentence)], ["who recorded was not checked"])
        told = "no receipt says who recorded: that came with a later format, which 'attendance repair' brings"
        return Checked([], [told] if receipts else [])
    try:
        found = [*_coded(ledger, key, coded, progress), *_bare(ledger, receipts)]
    except UnsoundRow:
        return Checked([], ["who recorded was checked only in part, because a row of the ledger is none"])
    last = next((_vouched_to(receipt) for receipt in coded if receipt.id == VOUCHED), 0)
    return Checked(found, [f"who recorded: one code vouches up to position {last}, and one a command after it"])


def _coded(
    ledger: Ledger, key: bytes, receipts: list[Signed], progress: Callable[[int], None] | None
) -> Iterator[Finding]:
    """Yield the receipts whose code does not fit them and their events."""
    wrong: list[Signed] = []
    window: deque[Row] = deque()
    rows = _rows(ledger)
    for signed in receipts:
        end = signed.first_position + signed.events
        while window and window[0].position < signed.first_position:
            window.popleft()
        while signed.events and (not window or window[-1].position < end - 1) and (row := next(rows, None)):
            if row.position >= signed.first_position:
                window.append(row)
            if progress is not None and row.position % PAGE == 0:
                progress(row.position)
        mine = [(r.stream, r.version, r.topic, r.state) for r in window if signed.first_position <= r.position < end]
        receipt = Receipt(signed.id, signed.digest, signed.door)
        if len(mine) != signed.events or code(key, receipt, mine, signed.events) != signed.mac:
            wrong.append(signed)
    for signed in wrong[:NAMED]:
        if signed.events:
            last = signed.first_position + signed.events - 1
            what = f"what is recorded from position {signed.first_position} to {last}, or its receipt,"
            yield Finding("recorded_by", f"{what} {ALTERED}", position=signed.first_position)
        else:
            yield Finding("recorded_by", f"the receipt of a command that made no event {ALTERED}")
    if len(wrong) > NAMED:
        yield Finding("recorded_by", f"{len(wrong) - NAMED} more receipts do not fit their codes")


def _bare(ledger: Ledger, receipts: list[Signed]) -> Iterator[Finding]:
    """Yield what is wrong with receipts that carry no code: they have to be those that were vouched for."""
    bare = [receipt for receipt in receipts if receipt.mac is None and receipt.id != VOUCHED]
    vouched = next((receipt for receipt in receipts if receipt.id == VOUCHED and receipt.mac is not None), None)
    if vouched is None:
        if bare:
            first = min((receipt.first_position for receipt in bare if receipt.events), default=None)
            yield Finding(
                "recorded_by", f"{len(bare)} receipts carry no code, and nothing vouches for them", position=first
            )
        return
    last = _vouched_to(vouched)
    late = [receipt for receipt in bare if receipt.first_position + receipt.events - 1 > last]
    for receipt in late[:NAMED]:
        what = f"what is recorded from position {receipt.first_position} on carries no code, so it"
        yield Finding("recorded_by", f"{what} {ALTERED}", position=receipt.first_position)
    if len(late) > NAMED:
        yield Finding("recorded_by", f"{len(late) - NAMED} more receipts carry no code")
    settled = [receipt for receipt in bare if receipt not in late]
    if vouched.digest != f"{last} {_digest(ledger, last, settled)}":
        sentence = f"what was vouched for up to position {last}, rows or receipts, is not what stands there now"
        yield Finding("recorded_by", sentence)


def _vouched_to(vouched: Signed) -> int:
    position = vouched.digest.partition(" ")[0]
    return int(position) if position.isdecimal() else 0


def _digest(ledger: Ledger, last: int, bare: Iterable[Signed]) -> str:
    """Return the digest of all rows up to a position, and of receipts without a code."""
    mixed = sha256()
    for row in _rows(ledger, last):
        mixed.update(wire.leaf(*row))
    for receipt in sorted(bare):
        fields = (receipt.id, receipt.digest, receipt.door, str(receipt.first_position), str(receipt.events))
        mixed.update(b"".join(b"%d:%b" % (len(raw := field.encode()), raw) for field in fields))
    return mixed.hexdigest()


def _rows(ledger: Ledger, until: int | None = None) -> Iterator[Row]:
    after = 0
    while rows := ledger.reads.rows(after, PAGE, until):
        yield from rows
        after = rows[-1].position
