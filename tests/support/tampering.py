"""What the ledger's own doors never do: rows inserted and deleted behind its back, as by a restore or a bad disk."""

from __future__ import annotations

import sqlalchemy as sa

from ledger.store import Ledger, Row
from projections.tables import open_engine


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
    ledger.reads.create_table()  # and its triggers
    ledger.reads.check()


def insert_raw(ledger: Ledger, stream: str, version: int, topic: str, state: bytes, *, ahead: int = 1) -> Row:
    """Return the row put at the end as it is given, recorded `ahead` microseconds after the last one."""
    head, last = ledger.reads.head()
    row = Row(head + 1, stream, version, topic, last + ahead, state)
    engine = open_engine(ledger)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO stored_events "
                "(notification_id, originator_id, originator_version, topic, recorded_at, state) "
                "VALUES (:position, :stream, :version, :topic, :recorded_at, :state)"
            ),
            row._asdict(),
        )
    engine.dispose()
    return row
