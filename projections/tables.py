"""The read model in SQL: one thin row for every mark an entry ever held, and how far it has been brought.

Every row says from which position it holds and until which. The present is `until_position IS NULL`; the past, as
known at position p, is `from_position <= p AND (until_position IS NULL OR until_position > p)`. One rule answers for
any moment, on every database, without replaying.

There are millions of rows, so a row holds only numbers and the pupil: names, reasons and times stay in the event,
which a screen fetches by stream and version. What entries are judged by (roll, calendar, policies, leave, notices) is
small and is folded from its own events by `ledger.school`, to any position; it has no second copy here."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from ledger.store import Ledger

metadata = sa.MetaData()

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("year", sa.SmallInteger, primary_key=True),
    sa.Column("pupil", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), primary_key=True),
    sa.Column("session", sa.Integer, primary_key=True, comment="days since 1970-01-01 times two, plus one for PM"),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("code", sa.SmallInteger, nullable=False, comment="row of the code table"),
    sa.Column("from_position", sa.BigInteger, nullable=False),
    sa.Column("until_position", sa.BigInteger),
    sqlite_with_rowid=False,
)

tracking = sa.Table(
    "tracking",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="of the stored row at the position"),
)

parked = sa.Table(
    "parked",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)


def open_engine(ledger: Ledger) -> sa.Engine:
    """Return an engine on the database of a ledger, its read model's tables made where they are missing."""
    address = ledger.address
    if address.kind == "memory":
        engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    elif address.kind == "sqlite":
        engine = sa.create_engine(address.sqlalchemy, connect_args={"timeout": 30})
        # The read model can be built again at any time, so it need not wait for the disk at every commit.
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=NORMAL"))
    else:
        engine = sa.create_engine(address.sqlalchemy, connect_args={"options": f"-csearch_path={address.schema}"})
    make_tables(engine)
    return engine


def make_tables(engine: sa.Engine) -> None:
    """Make the read model's tables where they are missing."""
    if not sa.inspect(engine).has_table(parked.name):
        with engine.begin() as connection:
            # Two first starts must not race on CREATE.
            lock = {
                "postgresql": "SELECT pg_advisory_xact_lock(hashtext('attendance read model'))",
                "sqlite": "BEGIN IMMEDIATE",
            }
            connection.exec_driver_sql(lock[engine.dialect.name])
            metadata.create_all(connection)
