"""What is remembered of a ledger's seals outside their folders: beside the keys, which are kept apart from the ledger.

A seal's folder alone cannot say that it is the one that was always there: whoever puts a fresh one in its place, after
changing the ledger, has a seal that holds. So each seal that is begun is an *epoch* of its ledger, numbered from 1,
with its verifier key, and the last note that it signed is kept with it. Whoever owns the ledger and the folder, but not
the key store, can neither replace a seal unseen nor take away its last checkpoints.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import sqlalchemy as sa

from ledger.errors import Misconfigured
from ledger.note import BadNote, Checkpoint, VerifierKey, open_note, parse_checkpoint, parse_key

_metadata = sa.MetaData()
_seals = sa.Table(
    "seals",
    _metadata,
    sa.Column("ledger", sa.Text, primary_key=True, comment="digest of the ledger's first event"),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("verifier", sa.Text, nullable=False),
    sa.Column("begun_at", sa.BigInteger, nullable=False),
    sa.Column("note", sa.Text, nullable=False, comment="the last one signed, blank before the first"),
)


class Epoch(NamedTuple):
    """One seal of a ledger: its number, its key, when it was begun (microseconds since 1970, UTC), and its last note,
    blank before there was one."""

    number: int
    verifier: str
    begun_at: int
    note: str

    @property
    def key(self) -> VerifierKey:
        return parse_key(self.verifier)

    @property
    def checkpoint(self) -> Checkpoint | None:
        """What it signed last, None before it signed anything. Raises BadNote where its key did not."""
        return parse_checkpoint(open_note(self.note, self.key)) if self.note else None


def make_table(connection: sa.Connection) -> None:
    """Make the table of seals where there is none."""
    _metadata.create_all(connection)


class Epochs:
    """The seals of one ledger, as its key store remembers them. Raises Misconfigured where that cannot be read or
    written."""

    def __init__(self, engine: sa.Engine, ledger: str) -> None:
        self._engine = engine
        self._ledger = ledger

    def all(self) -> list[Epoch]:
        """Return them in order; none where this key store has never heard of one."""
        columns = _seals.c.number, _seals.c.verifier, _seals.c.begun_at, _seals.c.note
        mine = sa.select(*columns).where(_seals.c.ledger == self._ledger).order_by(_seals.c.number)
        with _sentences("read"):
            if not sa.inspect(self._engine).has_table(_seals.name):
                return []
            with self._engine.connect() as connection:
                return [Epoch(*row) for row in connection.execute(mine)]

    def begin(self, verifier: str) -> Epoch:
        """Return the epoch of a seal, put down where it was not."""
        # A key store of an earlier release has no such table yet, and only its owner may make one.
        with _sentences("written"), self._engine.begin() as connection:
            make_table(connection)
        known = self.all()
        for epoch in known:
            if epoch.verifier == verifier:
                return epoch
        fresh = Epoch(len(known) + 1, verifier, time.time_ns() // 1000, "")
        with _sentences("written"), self._engine.begin() as connection:
            connection.execute(_seals.insert().values(ledger=self._ledger, **fresh._asdict()))
        return fresh

    def signed(self, verifier: str, note: str) -> None:
        """Keep the last note that a seal signed."""
        mine = (_seals.c.ledger == self._ledger) & (_seals.c.verifier == verifier)
        with _sentences("written"), self._engine.begin() as connection:
            connection.execute(_seals.update().where(mine).values(note=note))


@contextmanager
def _sentences(what: str) -> Iterator[None]:
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        said = type(getattr(error, "orig", None) or error).__name__
        raise Misconfigured(f"what the key store remembers of this ledger's seals cannot be {what} ({said})") from None


def last_signed(epochs: list[Epoch]) -> list[tuple[Epoch, Checkpoint]]:
    """Return the epochs that signed something, with the last of it; one whose note its key did not sign is passed
    over."""
    found = []
    for epoch in epochs:
        try:
            checkpoint = epoch.checkpoint
        except BadNote:
            continue
        if checkpoint is not None:
            found.append((epoch, checkpoint))
    return found
