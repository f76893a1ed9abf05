"""What the ledger's own doors never do: rows inserted and deleted behind its back, as by a restore or a bad disk."""

from __future__ import annotations

from contextlib import suppress

import sqlalchemy as sa

from ledger.store import Ledger, Row
from ledger.store.postgres_schema import KEYS, TRIGGERS
from projections.readmodel.tables import open_engine


def forget_after(ledger: Ledger, position: int) -> None:
    """Leave the ledger as an older copy of it: its later events and their receipts are gone, the read model stays."""
    engine = open_engine(ledger)
    with engine.begin() as connection:
        for table, place in (("stored_events", "notification_id"), ("receipts", "first_position")):
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            else:
                connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
            connection.execute(sa.text(f"DELETE FROM {table} WHERE {place} > :position"), {"position": position})
    engine.dispose()
    ledger.reads.repair()
    ledger.reads.check()


def insert_raw(ledger: Ledger, stream: str, version: int, topic: str, state: bytes, *, ahead: int = 1_000) -> Row:
    """Return the row put at the end as it is given, with a receipt, `ahead` microseconds after the last one."""
    head, last = ledger.reads.head()
    row = Row(head + 1, stream, version, topic, last + ahead, state)
    engine = open_engine(ledger)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE stored_events DISABLE TRIGGER events_in_order")
        connection.execute(
            sa.text(
                "INSERT INTO stored_events "
                "(notification_id, originator_id, originator_version, topic, recorded_at, state) "
                "VALUES (:position, :stream, :version, :topic, :recorded_at, :state)"
            ),
            row._asdict(),
        )
        connection.execute(
            sa.text(
                "INSERT INTO receipts (id, digest, door, first_position, events) VALUES (:id, '', '', :position, 1)"
            ),
            {"id": f"raw-{row.position}", "position": row.position},
        )
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE stored_events ENABLE ALWAYS TRIGGER events_in_order")
    engine.dispose()
    return row


def alter(ledger: Ledger, statement: str) -> None:
    """Run a statement as the owner of the tables may, with neither triggers nor checks in its way."""
    engine = open_engine(ledger)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            for table in ("stored_events", "receipts"):
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            connection.exec_driver_sql("ALTER TABLE stored_events DROP CONSTRAINT IF EXISTS stored_events_check")
        else:
            connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
            asked = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            triggers = connection.exec_driver_sql(asked).all()
            for name, _ in triggers:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql(statement)
        if engine.dialect.name == "postgresql":
            for piece in TRIGGERS:
                connection.exec_driver_sql(f"ALTER TABLE {piece.table} ENABLE ALWAYS TRIGGER {piece.name}")
            (check,) = (piece.stands for piece in KEYS if piece.name == "stored_events_check")
            with suppress(sa.exc.IntegrityError), connection.begin_nested():
                connection.exec_driver_sql(f"ALTER TABLE stored_events ADD CONSTRAINT stored_events_check {check}")
        else:
            for _, made in triggers:
                connection.exec_driver_sql(made)
    engine.dispose()
