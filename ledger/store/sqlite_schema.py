"""What stands in the file of a ledger on SQLite: tables with their keys, an index, and triggers.

Every piece stands here once, as SQLite itself keeps its text. By that, opening a ledger and `verify` tell what is
missing, what has another body, and what is not ours; `repair` makes what is missing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ledger.store.formats import FORMAT, LEAST_RELEASE
from ledger.store.rows import IS_REFERENCE

LEDGER_TABLES = ("stored_events", "receipts", "ledger_format")
READ_MODEL = ("entries", "tracking", "parked", "rebuilding", "sums")


class Piece(NamedTuple):
    """A part of the file: its kind, its name, and the statement that makes it."""

    kind: str
    name: str
    make: str

    @property
    def plain(self) -> str:
        return plain(self.make)


def plain(statement: str | None) -> str:
    """Return a statement without what does not change its meaning."""
    return " ".join((statement or "").replace('"', "").split())


TABLES = (
    Piece(
        "table",
        "stored_events",
        """CREATE TABLE stored_events (
    notification_id INTEGER PRIMARY KEY,
    originator_id TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,
    UNIQUE (originator_id, originator_version),
    CHECK (notification_id > 0 AND originator_version > 0),
    CHECK ((typeof(originator_id), typeof(originator_version), typeof(topic), typeof(state), typeof(recorded_at))
        = ('text', 'integer', 'text', 'blob', 'integer'))
)""",
    ),
    Piece(
        "table",
        "receipts",
        """CREATE TABLE receipts (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    door TEXT NOT NULL,
    first_position INTEGER NOT NULL,
    events INTEGER NOT NULL,
    mac BLOB,
    CHECK ((typeof(first_position), typeof(events)) = ('integer', 'integer'))
) WITHOUT ROWID""",
    ),
    Piece(
        "table",
        "ledger_format",
        """CREATE TABLE ledger_format (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    format INTEGER NOT NULL,
    least_release TEXT NOT NULL
)""",
    ),
)
INDEXES = (
    Piece(
        "index",
        "stored_events_reference",
        f"CREATE INDEX stored_events_reference ON stored_events (notification_id) WHERE {IS_REFERENCE}",
    ),
)
TRIGGERS = (
    Piece(
        "trigger",
        "events_in_order",
        """CREATE TRIGGER events_in_order BEFORE INSERT ON stored_events
WHEN NEW.notification_id <> 1 + (SELECT coalesce(max(notification_id), 0) FROM stored_events)
  OR EXISTS (SELECT 1 FROM stored_events
             WHERE originator_id = NEW.originator_id AND originator_version = NEW.originator_version)
BEGIN SELECT RAISE(ABORT, 'the ledger only grows at its end'); END""",
    ),
    Piece(
        "trigger",
        "receipts_once",
        """CREATE TRIGGER receipts_once BEFORE INSERT ON receipts
WHEN EXISTS (SELECT 1 FROM receipts WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a receipt is written once'); END""",
    ),
    *(
        Piece(
            "trigger",
            f"{table}_no_{verb.lower()}",
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}\n"
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
        )
        for table in LEDGER_TABLES[:2]
        for verb in ("UPDATE", "DELETE")
    ),
)
PIECES = (*TABLES, *INDEXES, *TRIGGERS)
STATE_FORMAT = (
    f"INSERT OR REPLACE INTO ledger_format VALUES (1, {FORMAT}, '{LEAST_RELEASE}')",
    f"PRAGMA user_version = {FORMAT}",
)
DDL = ";\n".join((*(piece.make for piece in PIECES), *STATE_FORMAT)) + ";\n"


class Faults(NamedTuple):
    """What differs from what this program makes: pieces that are gone, pieces with another body, and what is not
    ours, each in a sentence."""

    missing: list[Piece]
    hollow: list[Piece]
    foreign: list[str]

    @property
    def of_any_format(self) -> Faults:
        """What differs whatever the format: how tables have to look is only known of today's."""
        return Faults([piece for piece in self.missing if piece in TRIGGERS], [], self.foreign)

    @property
    def sentences(self) -> list[str]:
        return [
            *(f"the ledger's own {piece.kind} {piece.name} is gone" for piece in self.missing),
            *(f"the ledger's own {piece.kind} {piece.name} is not as this program makes it" for piece in self.hollow),
            *self.foreign,
        ]


def compared(found: list[tuple[str, str, str, str | None]]) -> Faults:
    """Return what differs, of the rows (type, name, table, statement) of sqlite_master."""
    there = {(kind, name): plain(statement) for kind, name, _, statement in found}
    ours = {(piece.kind, piece.name): piece for piece in PIECES}
    tables = (*LEDGER_TABLES, *READ_MODEL)
    foreign = [
        f"the database holds {'an' if kind == 'index' else 'a'} {kind} named {name}, which is not this program's"
        for kind, name, table, statement in found
        if (kind, name) not in ours
        and (
            (kind == "trigger" and (table in tables or _touches(statement, LEDGER_TABLES)))
            or (kind == "index" and table in LEDGER_TABLES and statement is not None)
            or (kind == "view" and name in tables)
        )
    ]
    return Faults(
        [piece for place, piece in ours.items() if place not in there],
        [piece for place, piece in ours.items() if place in there and there[place] != piece.plain],
        foreign,
    )


def _touches(statement: str | None, tables: tuple[str, ...]) -> bool:
    return any(re.search(rf"\b{table}\b", statement or "") for table in tables)
