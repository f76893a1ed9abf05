"""The read model in SQL: one thin row for every mark an entry ever held, and how far it has been brought.

Every row says from which position it holds and until which. The present is `until_position IS NULL`; the past, as
known at position p, is `from_position <= p AND (until_position IS NULL OR until_position > p)`. One rule answers for
any moment, on every database, without replaying.

There are millions of rows, so a row holds only numbers and the pupil: names, reasons and times stay in the event,
which a screen fetches by stream and version. Where an event of an entry cannot be read, the row says so (UNREADABLE),
and so do all later ones of that entry: what stood before it does not stand any more. What entries are judged by (roll,
calendar, policies, leave, notices) is small and is folded from its own events by `ledger.school`, to any position; it
has no second copy here."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from ledger.store import Ledger
from ledger.store.failures import speak_our_words
from ledger.store.rows import WAIT_SECONDS
from ledger.wal import opener
from projections.readmodel.sums import NUMBER

# Of what the rows say: those of another version are built again, and never answered from.
VERSION = 3

metadata = sa.MetaData()
beside = sa.MetaData()  # tables that are there only while a rebuild needs them


class Generation(NamedTuple):
    """The tables of one whole read model, a check sum of each pupil's school year among them, and the name under which
    `tracking` says how far it has been brought."""

    name: str
    entries: sa.Table
    parked: sa.Table
    sums: sa.Table

    @property
    def tables(self) -> tuple[sa.Table, ...]:
        return self.entries, self.parked, self.sums


def _generation(suffix: str, metadata: sa.MetaData) -> Generation:
    name = f"entries{suffix}"
    entries = sa.Table(
        name,
        metadata,
        sa.Column("year", sa.SmallInteger, nullable=False),
        sa.Column("pupil", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("session", sa.Integer, nullable=False, comment="days since 1970-01-01 times two, plus one for PM"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("code", sa.SmallInteger, nullable=False, comment="row of the code table"),
        sa.Column("from_position", sa.BigInteger, nullable=False),
        sa.Column("until_position", sa.BigInteger),
        sa.Column(
            "number", sa.BigInteger, sa.Computed(NUMBER, persisted=True), comment="of the row: see readmodel/sums.py"
        ),
        sa.PrimaryKeyConstraint("year", "pupil", "session", "version", name=f"{name}_pkey"),
        sqlite_with_rowid=False,
    )
    parked = sa.Table(
        f"parked{suffix}",
        metadata,
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    sums = sa.Table(
        f"sums{suffix}",
        metadata,
        sa.Column("year", sa.SmallInteger, nullable=False),
        sa.Column("pupil", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False, comment="rows of this pupil's school year"),
        sa.Column("total", sa.BigInteger, nullable=False, comment="of their numbers"),
        sa.Column("last", sa.BigInteger, nullable=False, comment="position that one of them holds from"),
        sa.PrimaryKeyConstraint("year", "pupil", name=f"sums{suffix}_pkey"),
        sqlite_with_rowid=False,
    )
    return Generation(name, entries, parked, sums)


SERVING = _generation("", metadata)
NEXT = _generation("_next", beside)
OLD = _generation("_old", beside)
entries, parked = SERVING.entries, SERVING.parked

tracking = sa.Table(
    "tracking",
    metadata,
    sa.Column("name", sa.Text, primary_key=True, comment="of the generation"),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="of the stored row at the position"),
    sa.Column("version", sa.Integer, nullable=False, server_default="1", comment="of what the rows say"),
)

rebuilding = sa.Table(
    "rebuilding",
    metadata,
    sa.Column("name", sa.Text, primary_key=True, comment="of the generation that is being filled"),
    sa.Column("until", sa.BigInteger, nullable=False, comment="the position to which it is filled in bulk"),
    sa.Column("rows", sa.BigInteger, nullable=False, comment="written so far"),
    sa.Column("mix", sa.LargeBinary, nullable=False, comment="the fingerprint of the rows written so far"),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("begun_at", sa.BigInteger, nullable=False, comment="microseconds since 1970, UTC, as below"),
    sa.Column("beat_at", sa.BigInteger, nullable=False, comment="when it was last seen at work"),
    sa.Column("process", sa.Text, nullable=False, comment="number and host"),
)


def open_engine(ledger: Ledger) -> sa.Engine:
    """Return an engine on the database of a ledger. Opening makes nothing: who only asks finds a read model or none."""
    address = ledger.address
    if address.kind == "memory":
        return sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    if address.kind == "sqlite":
        engine = sa.create_engine(address.sqlalchemy, creator=opener(address.sqlalchemy.removeprefix("sqlite:///")))
        speak_our_words(engine)
        # The read model can be built again at any time, so it need not wait for the disk at every commit.
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=NORMAL"))
        return engine
    from ledger.store.pool import arguments, check_when_lent

    engine = sa.create_engine(
        address.sqlalchemy,
        connect_args=arguments(address.conninfo, search_path=address.schema),
        pool_timeout=WAIT_SECONDS,
        hide_parameters=True,
    )
    check_when_lent(engine)
    speak_our_words(engine)
    return engine


def lacking(engine: sa.Engine) -> list[str]:
    """Return the names of the read model's tables that are not there."""
    there = sa.inspect(engine).get_table_names()
    return [table.name for table in (*SERVING.tables, tracking) if table.name not in there]


def make_tables(engine: sa.Engine) -> None:
    """Make the read model's tables, and what an earlier release's lack, where they are missing."""
    if lacking(engine):
        with engine.begin() as connection:
            # Two first starts must not race on CREATE.
            lock = {
                "postgresql": "SELECT pg_advisory_xact_lock(hashtext('attendance read model'))",
                "sqlite": "BEGIN IMMEDIATE",
            }
            connection.exec_driver_sql(lock[engine.dialect.name])
            metadata.create_all(connection)
            columns = sa.inspect(connection).get_columns(tracking.name)
            if all(column["name"] != "version" for column in columns):
                connection.exec_driver_sql(f"ALTER TABLE {tracking.name} ADD COLUMN version integer NOT NULL DEFAULT 1")
