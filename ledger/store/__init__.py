"""The ledger as a store: the only place that knows the eventsourcing library.

`open_ledger` returns a `Ledger`, which is the library's `Application` with our recorder and mapper put in through its
extension points. What goes in and out is an `Envelope`: a stream, a version and one of `ledger.events`.
"""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from eventsourcing.application import Application
from eventsourcing.persistence import (
    ApplicationRecorder,
    Mapper,
    PersistenceError,
    StoredEvent,
)
from eventsourcing.utils import Environment, EnvType

from ledger import wire
from ledger.durable import make_private, refuse_link
from ledger.errors import Misconfigured
from ledger.events import Event, SchoolOpened
from ledger.sessions import from_micros
from ledger.store.formats import FORMAT, Standing
from ledger.store.macs import mac_of
from ledger.store.names import CATALOGUE, POSTGRES, SCHEMA, named_few
from ledger.store.rows import (
    CLOCK_AHEAD,
    SEPARATOR,
    VOLUME_KINDS,
    Conflict,
    Damaged,
    Reads,
    Receipt,
    Row,
    Unavailable,
    UnsoundRow,
    position_at,
    said,
)
from ledger.wal import uri_of

if TYPE_CHECKING:
    from ledger.store.sql import SqlReads

__all__ = [
    "CLOCK_AHEAD",
    "SEPARATOR",
    "VOLUME_KINDS",
    "Conflict",
    "Damaged",
    "Envelope",
    "Ledger",
    "Reads",
    "Receipt",
    "Row",
    "Unavailable",
    "UnsoundRow",
    "open_ledger",
    "parse_address",
    "position_at",
    "said",
]


class Envelope(NamedTuple):
    """An event with its place. The names are the library's; `event` is ours, its text already sealed."""

    originator_id: str
    originator_version: int
    event: Event


class EnvelopeMapper(Mapper[str]):
    """Envelopes to stored events and back, by `ledger.wire`."""

    def to_stored_event(self, domain_event: Envelope) -> StoredEvent:  # type: ignore[override]
        stream, version, event = domain_event
        return StoredEvent(stream, version, event.topic, wire.encode(event))

    def to_domain_event(self, stored_event: StoredEvent) -> Envelope:
        event = wire.decode(stored_event.state)
        return Envelope(str(stored_event.originator_id), stored_event.originator_version, event)


class Ledger(Application[str]):
    """An opened ledger. Keep a reference to it: the library closes the connections of one that is collected."""

    name = "stored"

    def __init__(self, address: Address) -> None:
        self.address = address
        self.unfit = ""  # why nothing may be recorded, where the ledger was opened to be examined
        self.damaged = False  # whether that is because its file is
        self.appended = 0  # events, by this process
        super().__init__(env=address.environment)

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Only the address decides: a variable left over in the process may not choose another store."""
        return Environment(name, env)

    def construct_mapper(self) -> Mapper[str]:
        return EnvelopeMapper(transcoder=self.construct_transcoder())

    def construct_recorder(self) -> ApplicationRecorder:
        recorder_class = self.address.recorder_class()
        if not isinstance(self.factory, self.address.factory_class()):
            raise Misconfigured(
                f"the persistence module gave {type(self.factory).__name__}, which is no store for {self.address.shown}"
            )
        datastore: object = getattr(self.factory, "datastore", None)
        if self.address.kind == "postgresql":
            from ledger.store.postgres import Datastore

            # The library would connect with five parts of the address, and wait long for a server that restarts.
            self._datastore = datastore = Datastore(self.address.conninfo, self.address.schema or "")
        recorder: ApplicationRecorder = recorder_class(datastore) if datastore is not None else recorder_class()
        return recorder

    def close(self) -> None:
        super().close()
        if datastore := getattr(self, "_datastore", None):
            datastore.close()

    def check_fit(self) -> None:
        """Raise Damaged or Misconfigured where the ledger was opened to be examined, and may only be that."""
        if self.unfit:
            raise (Damaged if self.damaged else Misconfigured)(self.unfit)

    def checked_again(self) -> None:
        """Take in what `repair` did. Raises Misconfigured where something is wrong still."""
        self.__dict__.pop("standing", None)
        self.reads.check()
        self.unfit = ""

    def read_what_is_left(self, damage: Damaged) -> None:
        """Go on with a file that is damaged, to examine it; nothing is recorded."""
        self.unfit, self.damaged = str(damage), True
        self.reads.read_what_is_left()
        try:
            self.standing = self.reads.standing()
        except Damaged:
            self.standing = Standing(FORMAT, "")

    @cached_property
    def standing(self) -> Standing:
        """The format of this ledger, and the least release that may record in it."""
        return self.reads.standing()

    @property
    def reads(self) -> Reads:
        """The recorder, for what it answers (`ledger.store.rows.Reads`)."""
        recorder: Reads = cast(Reads, self.recorder)  # the library knows no more of it than its own methods
        return recorder

    def append(
        self,
        envelopes: Sequence[Envelope],
        *,
        receipt: Receipt | None = None,
        basis: int | None = None,
        at: int | None = None,
        seen: int = 0,
        key: bytes | None = None,
    ) -> list[int]:
        """Return the positions of the events, durable. With `key`, the receipt says under it who recorded them.

        Raises Conflict, also where the ledger ends before the position `seen`, Unavailable where the answer was lost,
        and a refusal where this release may not record.
        """
        if refusal := self.standing.refusal():
            raise refusal
        # Not by `save`, which would make three more objects of every event, for followers that a ledger has none of.
        stored = [self.mapper.to_stored_event(envelope) for envelope in envelopes]
        self.check_fit()
        mac = mac_of(key, receipt, stored) if key and receipt else None
        positions = list(self.reads.insert_events(stored, receipt=receipt, basis=basis, at=at, seen=seen, mac=mac))
        self.appended += len(positions)
        return positions

    def check_restored(self) -> int:
        """Return the last position. Raises Misconfigured where the read model beside this ledger was brought up to an
        event that is not here: one of the two was restored, and which of them is right a person has to say."""
        head, built = self.reads.end(), self.reads.read_model()
        if built is None:
            return head
        at = built.position
        rows = self.reads.rows_at([at])
        if rows and wire.leaf(*rows[0]) == built.digest:
            return head
        found = f"the event at position {at} is {'another' if rows else 'gone'}"
        found = f"the ledger ends at {head}" if at > head else found
        raise Misconfigured(
            f"the read model was built up to position {at}, but {found}: the ledger was restored from an older copy, "
            "replaced or altered, and nothing is recorded until somebody says which is right; put the ledger back, or "
            "say 'attendance rebuild --ledger-is-right'"
        )

    def now(self) -> datetime:
        """Return what the clock shows that this ledger is stamped by: the server's, or of this machine."""
        return from_micros(self.reads.now())

    def now_roughly(self) -> datetime:
        """Return the same, without asking a server that was asked within a minute."""
        return from_micros(self.reads.now(roughly=True))

    @cached_property
    def identity(self) -> str:
        """The digest of the first event, which tells this ledger from every other. Ask only once it has one."""
        (first,) = self.reads.rows_at([1])
        return wire.leaf(*first).hex()

    def opened(self) -> SchoolOpened | None:
        """Return the event that began this ledger, None while it is empty."""
        rows = self.reads.rows_at([1])
        if not rows:
            return None
        try:
            event = wire.decode(rows[0].state)
        except wire.Undecodable as error:
            raise Misconfigured(
                f"the first event at {self.address.shown}, position 1, cannot be read: {error}"
            ) from None
        if not isinstance(event, SchoolOpened):
            raise Misconfigured(f"the first event at {self.address.shown} opens no school, so this is not a ledger")
        return event


class Address(NamedTuple):
    """Where a ledger is. `shown` is what may be printed: no password."""

    kind: str
    shown: str
    environment: dict[str, str]
    sqlalchemy: str
    schema: str | None

    @property
    def conninfo(self) -> str:
        """The PostgreSQL address as its own client library takes it."""
        return self.sqlalchemy.replace("postgresql+psycopg://", "postgresql://", 1)

    def recorder_class(self) -> Callable[..., ApplicationRecorder]:
        if self.kind == "sqlite":
            from ledger.store.sqlite import Recorder as SQLiteRecorder

            return SQLiteRecorder
        if self.kind == "postgresql":
            from ledger.store.postgres import Recorder as PostgresRecorder

            return PostgresRecorder
        from ledger.store.memory import Recorder as MemoryRecorder

        return MemoryRecorder

    def factory_class(self) -> type[object]:
        if self.kind == "sqlite":
            from eventsourcing.sqlite import SQLiteFactory

            return SQLiteFactory
        if self.kind == "postgresql":
            from eventsourcing.postgres import PostgresFactory

            return PostgresFactory
        from eventsourcing.popo import POPOFactory

        return POPOFactory


def open_ledger(url: str, *, create: bool = False, examining: bool = False) -> Ledger:
    """Return the ledger at a URL, its settings checked; with `create`, makes it where there is none. Opened for
    `examining`, what is wrong with it is kept as `unfit`, for whoever examines it to say, and nothing is recorded.

    Raises Misconfigured, in one sentence, for an address that is misspelt, unreachable or holds no ledger.
    """
    _check_library()
    _check_environment()
    address = parse_address(url, create=create)
    if address.kind == "sqlite":
        try:
            (make_private if create else refuse_link)(Path(address.shown.removeprefix("sqlite:///")))
        except OSError as error:
            done = "made" if create else "used"
            raise Misconfigured(f"the ledger at {address.shown} cannot be {done}: {error.strerror}") from None
    try:
        ledger = Ledger(address)
        try:
            _check_ledger(ledger, create=create, examining=examining)
        except Damaged as error:
            if not examining:
                raise
            ledger.read_what_is_left(error)
        except BaseException:
            ledger.close()
            raise
    except Damaged as error:
        raise Misconfigured(
            f"the ledger at {address.shown} cannot be read: {error}; see 'attendance verify'"
        ) from error
    except (Unavailable, PersistenceError) as error:
        raise Misconfigured(f"the ledger at {address.shown} cannot be reached: {said(error)}") from error
    return ledger


def _check_ledger(ledger: Ledger, *, create: bool, examining: bool) -> None:
    if create:
        ledger.reads.create_table()
    elif not ledger.reads.exists():
        raise Misconfigured(
            f"there is no ledger at {ledger.address.shown}: 'attendance open' begins one{_instead(ledger)}"
        )
    try:
        ledger.reads.check()
        ledger.opened()
    except (Misconfigured, UnsoundRow) as error:
        if not examining:
            raise
        ledger.unfit = str(error)


def _instead(ledger: Ledger) -> str:
    """Return the end of a sentence that names schools of the same database, blank where there can be none."""
    if ledger.address.kind != "postgresql":
        return ""
    recorder = cast("SqlReads", ledger.recorder)  # PostgreSQL's alone reads a catalogue
    return named_few([name for (name,) in recorder._fetch(CATALOGUE)])


def parse_address(url: str, *, create: bool = False) -> Address:
    """Return the address that a URL names. Raises Misconfigured."""
    scheme, _, rest = url.partition("://")
    if url == "memory:":
        return Address("memory", "memory:", {"PERSISTENCE_MODULE": "eventsourcing.popo"}, "sqlite://", None)
    if scheme == "sqlite":
        return _sqlite_address(url, rest, create=create)
    if scheme in POSTGRES:
        return _postgres_address(f"postgresql://{rest}")
    # Only its first word is repeated, because there may be a password in the rest.
    kind = url.partition(":")[0]
    raise Misconfigured(f"{kind!r} is no kind of ledger: expected sqlite:///path or postgresql://host/database")


def _sqlite_address(url: str, rest: str, *, create: bool) -> Address:
    if not rest.startswith("/") or len(rest) < 2 or "?" in rest:
        raise Misconfigured(f"{url!r} names no file: expected sqlite:///path/school.db")
    path = Path(rest[1:]).absolute()
    if not create and not path.is_file():
        raise Misconfigured(f"there is no ledger file {path}: 'attendance open' begins one")
    if create and not path.parent.is_dir():
        raise Misconfigured(f"there is no folder {path.parent} for the ledger file")
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.sqlite",
        "SQLITE_DBNAME": uri_of(path, create=create),
        "ORIGINATOR_ID_TYPE": "text",
    }
    return Address("sqlite", f"sqlite:///{path}", environment, f"sqlite:///{path}", None)


def _postgres_address(url: str) -> Address:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        schema = query.pop("schema", "school")
        # A blank is %20 to PostgreSQL's library, not the + of web forms.
        plain = f"postgresql://{parts.netloc}{parts.path}?{urlencode(query, quote_via=quote)}".removesuffix("?")
        info = conninfo_to_dict(plain)
    except (ProgrammingError, ValueError) as error:
        # What stands between quotation marks may be the password.
        reason = re.sub(r'"[^"]*"', "…", said(error))
        raise Misconfigured(f"the PostgreSQL address is misspelt: {reason}") from None
    if not SCHEMA.fullmatch(schema):
        raise Misconfigured(f"schema {schema!r} is not small letters, digits and underscores")
    user = str(info.get("user") or getpass.getuser())
    database = str(info.get("dbname") or user)
    host, port = str(info.get("host") or ""), str(info.get("port") or "5432")
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": database,
        "POSTGRES_HOST": host,
        "POSTGRES_PORT": port,
        "POSTGRES_USER": user,
        "POSTGRES_PASSWORD": str(info.get("password") or ""),
        "POSTGRES_SCHEMA": schema,
        "ORIGINATOR_ID_TYPE": "text",
    }
    engine = plain.replace("postgresql://", "postgresql+psycopg://", 1)
    shown = f"postgresql://{user}@{parts.hostname or ''}/{database}?schema={schema}"
    return Address("postgresql", shown, environment, engine, schema)


def _check_library() -> None:
    found = installed_version("eventsourcing")
    numbers = tuple(int(part) for part in re.findall(r"\d+", found)[:3])
    if not (9, 5, 6) <= numbers < (10,):
        raise Misconfigured(f"eventsourcing {found} is installed, but the recorders are written for 9.5.6 up to 10")


def _check_environment() -> None:
    """Refuse the one variable of the library's that would lose events, lest somebody believe that it is in force."""
    for name in ("POSTGRES_ENABLE_DB_FUNCTIONS", f"{Ledger.name.upper()}_POSTGRES_ENABLE_DB_FUNCTIONS"):
        if os.environ.get(name, "").lower() not in ("", "0", "n", "no", "f", "false", "off"):
            raise Misconfigured(f"{name} is set, which drops the lock that puts writers in order: unset it")
