"""A school opened for a test: ledger, keys, handler and answers, on any store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from commands.handle import Done, Handler
from commands.models import parse
from ledger.entry import Entry
from ledger.errors import Refused
from ledger.keys import KeyStore, open_key_store
from ledger.store import Ledger, Row, open_ledger
from ledger.streams import Owner, owner_of
from ledger.wire import decode, open_sealed
from projections.asking.questions import Answers
from projections.desk import Desk
from projections.due import desk_of
from projections.readmodel.tables import open_engine


class OpenedSchool(NamedTuple):
    """What a door holds of one school."""

    ledger: Ledger
    keys: KeyStore
    handler: Handler
    answers: Answers

    def send(self, line: dict[str, Any]) -> Done:
        """Carry out one journal line. Raises Refused."""
        return self.handler.handle(parse(line))

    def replay(self, lines: Iterable[dict[str, Any]]) -> OpenedSchool:
        for line in lines:
            self.send(line)
        return self

    def refusal(self, line: dict[str, Any]) -> str:
        """Return the name of the rule that refuses a line, blank where it is accepted."""
        try:
            self.send(line)
        except Refused as refused:
            return refused.rule
        return ""

    def rows(self) -> list[Row]:
        """Return the whole ledger."""
        return self.ledger.reads.rows(0, 1_000_000)

    def entry(self, stream: str) -> Entry:
        """Return an entry with every mark it ever held, text opened."""
        entry = Entry()
        for _, _, version, event in told(self.ledger.reads.stream_rows([stream]), self.keys):
            entry = entry.after(version, event)
        return entry

    def close(self) -> None:
        self.answers.engine.dispose()
        self.keys.close()
        self.ledger.close()


def desk_at(answers: Answers, as_of: date | None = None, known_at: datetime | None = None) -> Desk:
    """Return the desk of a moment at which a school is open."""
    desk = desk_of(answers, answers.moment(as_of, known_at))
    assert desk is not None
    return desk


def open_school(url: str = "memory:", keys: KeyStore | None = None, *, keep: bool = False) -> OpenedSchool:
    """Return a simulated ledger, empty where it is new; its keys are in memory."""
    ledger = open_ledger(url, create=True)
    keys = keys or new_keys()
    return OpenedSchool(
        ledger, keys, Handler(ledger, keys, simulated=True), Answers(ledger, open_engine(ledger), keys, keep=keep)
    )


def new_keys() -> KeyStore:
    return open_key_store(_in_memory(), "memory", create=True)


class AgreedKeys(KeyStore):
    """Keys that several processes of one test agree on without sharing a store: each is derived from its owner."""

    def load(self, owners: Iterable[Owner]) -> dict[Owner, bytes]:
        return {owner: sha256(repr(owner).encode()).digest() for owner in owners}


def agreed_keys() -> KeyStore:
    return AgreedKeys(_in_memory(), "memory", lambda: "")


def _in_memory() -> sa.Engine:
    return sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})


def told(rows: Iterable[Row], keys: KeyStore) -> list[tuple[int, str, int, Any]]:
    """Return (position, stream, version, event) of rows, text opened."""
    decoded = [(row.position, row.stream, row.version, decode(row.state)) for row in rows]
    held = keys.load(owner_of(stream) for _, stream, _, _ in decoded)
    return [
        (position, stream, version, open_sealed(event, stream, version, held.get(owner_of(stream))))
        for position, stream, version, event in decoded
    ]
