"""Text on its way into the ledger and out of it: sealed under keys that are durable already, open where its key is
there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger import wire
from ledger.errors import Misconfigured
from ledger.keys import KeyStore
from ledger.store import Envelope, Ledger, Row
from ledger.streams import SCHOOL, Owner, owner_of


def seal_all(envelopes: Sequence[Envelope], keys: KeyStore, ledger: Ledger) -> list[Envelope]:
    """Return the events with their text sealed, under keys that are durable already.

    Raises Misconfigured where the ledger holds sealed text of an owner whose key the store lacks: it is another or an
    older store, and a second key would hide that words are lost.
    """
    private = [e for e in envelopes if wire.speaks(e.event)]
    owners = {owner_of(e.originator_id) for e in private}
    held = keys.load(owners)
    missing = owners - held.keys()
    if not keys.lost and any(_holds_sealed(ledger, owner) for owner in missing):
        raise Misconfigured(
            f"the key store {keys.address} lacks a key that text of this ledger is sealed with, so it is another or an "
            "older one: nothing was recorded"
        )
    if missing:
        held |= keys.ensure(missing)
    sealed = {id(e): e._replace(event=wire.seal(e.event, *e[:2], held.get(owner_of(e.originator_id)))) for e in private}
    return [sealed.get(id(e), e) for e in envelopes]


def _holds_sealed(ledger: Ledger, owner: Owner) -> bool:
    """Whether any stored event of an owner holds sealed text. Asked once, when their first key is to be made."""
    within = f"{owner.name}/{owner.year}/" if owner.year and owner.name != SCHOOL else f"{owner.name}/"
    rows = ledger.reads.prefix_rows(within)
    return any(owner_of(row.stream) == owner and wire.holds_sealed(row.state) for row in rows)


def open_row(row: Row, keys: Mapping[Owner, bytes]) -> Any:  # whichever event it is: its kind says so
    """Return the event of a row, its text readable where its key is still there."""
    return wire.open_sealed(wire.decode(row.state), row.stream, row.version, keys.get(owner_of(row.stream)))
