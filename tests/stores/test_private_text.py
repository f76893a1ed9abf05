"""No name, number, contact or reason lies readable in a database, whoever copies or dumps it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from commands.handle import Handler
from commands.models import parse
from ledger.events import AnyEvent
from ledger.keys import KeyStore, open_key_store
from ledger.store import Ledger, open_ledger
from projections.readmodel.projector import Projector
from projections.readmodel.tables import open_engine
from tests.stores.envelopes import everything
from tests.stores.story import IN_THE_CLEAR, SECRETS, journal
from tests.support.schools import told


def live(ledger: Ledger, keys: KeyStore) -> sa.Engine:
    """Record the story and bring the read model up to it; return the read model's engine."""
    handler = Handler(ledger, keys, simulated=True)
    for line in journal():
        handler.handle(parse(line))
    engine = open_engine(ledger)
    Projector(ledger, engine).catch_up()
    return engine


def filled(event: AnyEvent) -> set[tuple[str, str]]:
    return {(type(event).__name__, name) for name in event.private if getattr(event, name)}


@pytest.fixture
def keys_engine(tmp_path: Path) -> sa.Engine:
    (tmp_path / "keys").mkdir()
    return sa.create_engine(f"sqlite:///{tmp_path}/keys/keys.db")


def test_no_file_of_sqlite_holds_private_text(tmp_path: Path, keys_engine: sa.Engine) -> None:
    (tmp_path / "ledger").mkdir()
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger/school.db", create=True)
    keys = open_key_store(keys_engine, "keys", create=True)
    engine = live(ledger, keys)
    files = {path.name: path.read_bytes() for path in tmp_path.glob("*/*")}
    assert {"school.db", "school.db-wal", "keys.db", "keys.db-wal"} <= set(files)
    assert files["school.db-wal"] and files["keys.db-wal"]
    assert IN_THE_CLEAR.encode() in files["school.db-wal"]
    engine.dispose()
    keys.close()
    ledger.close()
    files |= {f"closed {path.name}": path.read_bytes() for path in tmp_path.glob("*/*")}
    assert IN_THE_CLEAR.encode() in files["closed school.db"]
    assert [(name, secret) for name, data in files.items() for secret in SECRETS if secret.encode() in data] == []


def test_no_table_of_postgresql_holds_private_text(postgres_url: str, keys_engine: sa.Engine) -> None:
    with open_ledger(postgres_url, create=True) as ledger:
        live(ledger, open_key_store(keys_engine, "keys", create=True)).dispose()
        with psycopg.connect(ledger.address.conninfo) as owner:
            found = owner.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", [ledger.address.schema]
            ).fetchall()
            dumps = {}
            for (table,) in found:
                # Binary, because in text the bytes of an event would be written in hexadecimal.
                with owner.cursor().copy(f"COPY {ledger.address.schema}.{table} TO STDOUT (FORMAT binary)") as copy:
                    dumps[table] = b"".join(bytes(block) for block in copy)
    ours = {"stored_events", "receipts", "ledger_format"}
    assert ours | {"entries", "tracking", "parked", "rebuilding", "sums"} == set(dumps)
    assert IN_THE_CLEAR.encode() in dumps["stored_events"]
    assert [(table, secret) for table, data in dumps.items() for secret in SECRETS if secret.encode() in data] == []


def test_the_story_writes_every_kind_of_private_text(keys_engine: sa.Engine) -> None:
    """So that nothing was missed above: with the keys all of it can be read, and no private field is left out."""
    ledger = open_ledger("memory:", create=True)
    keys = open_key_store(keys_engine, "keys", create=True)
    live(ledger, keys)
    events = [event for *_, event in told(everything(ledger), keys)]
    text = repr(events)
    assert [secret for secret in SECRETS if secret not in text] == []
    private = {(kind.__name__, name) for kind in AnyEvent.__args__ for name in kind.private}
    used = set().union(*map(filled, events))
    assert private - used == {("MarkAsserted", "detail")}, "imports alone write that"
