"""Who recorded it: a code beside each receipt that only a holder of the ledger's keys can make.

Problem: whoever owns the database can add events with anybody's name on them, with a receipt that fits, or edit the
receipt of a command; the triggers are theirs to drop, and no digest tells who made it.

Choice: an HMAC-SHA256, under a key of the ledger's key store, over the command's id, door and content and over each of
its events: stream, version, topic and bytes. Keys and database are kept apart, so whoever has one of them alone can
make neither. Position and time are not in it, because the database gives them after the code is made.

    "attendance receipt 1" | id | door | digest | count | stream | version | topic | state | stream | …

each with its length in bytes and a colon before it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

from eventsourcing.persistence import StoredEvent

from ledger.store.rows import Receipt

VERSION = b"attendance receipt 1"


def mac_of(key: bytes, receipt: Receipt, events: Sequence[StoredEvent]) -> bytes:
    """Return the code of a receipt and its events, as the library holds them."""
    rows = ((str(e.originator_id), e.originator_version, e.topic, e.state) for e in events)
    return code(key, receipt, rows, len(events))


def code(key: bytes, receipt: Receipt, events: Iterable[tuple[str, int, str, bytes]], count: int) -> bytes:
    """Return the code of a receipt and its `count` events: stream, version, topic and bytes of each."""
    parts = [
        VERSION,
        b"%d:%b" % (len(raw := receipt.id.encode()), raw),
        b"%d:%b" % (len(raw := receipt.door.encode()), raw),
        b"%d:%b" % (len(raw := receipt.digest.encode()), raw),
        b"%d" % count,
    ]
    for stream, version, topic, state in events:
        parts.append(f"|{len(stream)}:{stream}{version}:{len(topic)}:{topic}{len(state)}:".encode())
        parts.append(state)
    return hmac.digest(key, b"".join(parts), "sha256")
