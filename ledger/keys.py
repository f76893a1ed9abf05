"""The key store: one 32-byte key for each pupil's school year, kept apart from the ledger.

Every key belongs to one ledger, named by the digest of its first event: several schools may share a store, and the
store of another ledger opens nothing here. A key is durable before the first event that needs it, and destroying one is
how words are forgotten (`ledger.wire`). `secure_delete` makes SQLite overwrite what it deletes. The store is never
created in passing: only opening a ledger creates one, so that a mistyped address is an error and not a second set of
keys.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

from ledger.epochs import Epochs
from ledger.errors import Misconfigured
from ledger.streams import Owner
from ledger.wal import switch_to_wal

_metadata = sa.MetaData()
_keys = sa.Table(
    "pupil_year_keys",
    _metadata,
    sa.Column("ledger", sa.Text, primary_key=True, comment="digest of the ledger's first event"),
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("key", sa.LargeBinary, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
)


class KeyStore:
    """Keys by owner. `lost` is true where there is no store: everything but the sealed text can still be read."""

    def __init__(self, engine: sa.Engine | None, address: str, ledger: Callable[[], str]) -> None:
        self._engine = engine
        self._ledger = ledger
        self._cache: dict[Owner, bytes] = {}
        self.address = address

    @property
    def lost(self) -> bool:
        return self._engine is None

    def get(self, owner: Owner) -> bytes | None:
        """Return the owner's key, or None where it was never made, was destroyed, or the store is lost."""
        if owner not in self._cache:
            self.load([owner])
        return self._cache.get(owner)

    def load(self, owners: Iterable[Owner]) -> None:
        """Fetch the keys of many owners in one query, for the `get`s that follow."""
        wanted = {owner for owner in owners if owner not in self._cache}
        if not wanted or self._engine is None:
            return
        names = sorted({owner.name for owner in wanted})
        with self._engine.connect() as connection:
            for start in range(0, len(names), 500):
                found = connection.execute(
                    sa.select(_keys.c.owner, _keys.c.year, _keys.c.key).where(
                        _keys.c.ledger == self._ledger(), _keys.c.owner.in_(names[start : start + 500])
                    )
                )
                self._cache.update({Owner(name, year): bytes(key) for name, year, key in found})

    def missing(self, owners: Iterable[Owner]) -> list[Owner]:
        """Return those of the owners who have no key here."""
        owners = set(owners)
        self.load(owners)
        return sorted(owner for owner in owners if owner not in self._cache)

    def ensure(self, owners: Iterable[Owner]) -> None:
        """Make the keys that are not there yet; they are committed when this returns. Raises Misconfigured where
        lost."""
        missing = self.missing(owners)
        if not missing:
            return
        if self._engine is None:
            raise Misconfigured(
                f"the key store {self.address} is missing, so text cannot be sealed: nothing was recorded"
            )
        now = time.time_ns() // 1000
        shared = {"ledger": self._ledger(), "made_at": now}
        rows = [{"owner": owner.name, "year": owner.year, "key": os.urandom(32), **shared} for owner in missing]
        with self._engine.begin() as connection:
            # Another process may make the same key at the same moment: the first one stands, and both read it back.
            connection.execute(_insert(self._engine)(_keys).on_conflict_do_nothing(), rows)
        self.load(missing)

    def destroy(self, owners: Iterable[Owner]) -> None:
        """Destroy keys for ever: what is sealed under them can never be read again. Raises Misconfigured where lost."""
        gone = sorted(set(owners))
        if self._engine is None:
            raise Misconfigured(f"the key store {self.address} is missing, so no key of it can be destroyed")
        with self._engine.begin() as connection:
            for owner in gone:
                connection.execute(
                    _keys.delete().where(
                        _keys.c.ledger == self._ledger(), _keys.c.owner == owner.name, _keys.c.year == owner.year
                    )
                )
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                # Deleting overwrites the page, but the log still holds the page as it was.
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        for owner in gone:
            self._cache.pop(owner, None)

    def held(self) -> list[Owner]:
        """Return whose keys there are for this ledger, in order."""
        if self._engine is None:
            return []
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(_keys.c.owner, _keys.c.year).where(_keys.c.ledger == self._ledger()))
            return sorted(Owner(name, year) for name, year in found)

    def epochs(self) -> Epochs | None:
        """Return what is remembered here of this ledger's seals; None where the store is lost."""
        return None if self._engine is None else Epochs(self._engine, self._ledger())

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()


def open_key_store(
    engine: sa.Engine | None, address: str, *, create: bool, ledger: Callable[[], str] = lambda: ""
) -> KeyStore:
    """Return the key store behind `engine` (None: no such store) for the ledger that `ledger` names. Creates its table
    only with `create`."""
    if engine is None:
        return KeyStore(None, address, ledger)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _pin_sqlite)
    if create:
        with engine.begin() as connection:
            # Two first starts must not race on CREATE.
            lock = {
                "postgresql": "SELECT pg_advisory_xact_lock(hashtext('attendance keys'))",
                "sqlite": "BEGIN IMMEDIATE",
            }
            connection.exec_driver_sql(lock[engine.dialect.name])
            _metadata.create_all(connection)
    elif not sa.inspect(engine).has_table(_keys.name):
        return KeyStore(None, address, ledger)
    return KeyStore(engine, address, ledger)


def _insert(engine: sa.Engine) -> Any:
    from sqlalchemy.dialects import postgresql, sqlite

    return postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert


def _pin_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    switch_to_wal(cursor)
    for pragma in ("synchronous=FULL", "secure_delete=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
