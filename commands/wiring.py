"""The house: one ledger, its keys, and what is asked of them, put together from two addresses.

Heavy modules are imported where they are first needed, so that help and mistakes answer at once. A key store is made
only together with a ledger that is still empty: a new set of keys beside an old ledger would hide that the old is lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path, PurePosixPath
from threading import RLock
from typing import TYPE_CHECKING, TypeVar, cast

from ledger.durable import make_private, refuse_link
from ledger.errors import LedgerError, Misconfigured, Refused

if TYPE_CHECKING:
    import sqlalchemy as sa

    from commands.handle import Handler
    from ledger.keys import KeyStore
    from ledger.note import VerifierKey
    from ledger.store import Ledger
    from ledger.store.sql import SqlReads
    from projections.archive.reading import Archive
    from projections.asking.questions import Answers

LEDGER_VARIABLE = "ATTENDANCE_LEDGER"
SCHOOL_VARIABLE = "ATTENDANCE_SCHOOL"
KEYS_VARIABLE = "ATTENDANCE_KEYS"
EACH_SCHOOL = "{school}"  # in the address of keys: the schema of the ledger
DEFAULT_LEDGER = "sqlite:///attendance.db"
SQLITE = "sqlite:///"
NOT_APART = "the key store is the ledger itself, but keys must be kept apart from what they open"
T = TypeVar("T")
TAIL = 1_000  # events that a question reads from the ledger itself, about
DATABASE_PACKAGES = ("sqlite3", "psycopg", "psycopg_pool", "eventsourcing")


class made_once(cached_property[T]):
    """A property of a house that the first thread to ask makes, while the others wait for it."""

    def __get__(self, house: House, owner: type[House] | None = None) -> T:  # type: ignore[override]
        with house.making:
            return super().__get__(house, owner)


class House:
    """An opened ledger with its keys, for as many threads as ask; engine, handler and answers are made when first asked
    for."""

    def __init__(self, ledger: Ledger, keys: KeyStore, *, simulated: bool) -> None:
        self.ledger = ledger
        self.keys = keys
        self.making = RLock()
        self._simulated = simulated

    @made_once
    def engine(self) -> sa.Engine:
        """The read model's engine."""
        from projections.readmodel.tables import open_engine

        with _sentences(f"the read model of {self.ledger.address.shown}"):
            return open_engine(self.ledger)

    @made_once
    def handler(self) -> Handler:
        from commands.handle import Handler

        return Handler(self.ledger, self.keys, simulated=self._simulated)

    @made_once
    def answers(self) -> Answers:
        from projections.asking.questions import Answers

        return Answers(self.ledger, self.engine, self.keys)

    def read_from(self, archive: Archive) -> Answers:
        """Return answers over an archive of this ledger, which are those of this house from now on."""
        from projections.asking.questions import Answers

        with self.making:
            self.__dict__["answers"] = answers = Answers(self.ledger, self.engine, self.keys, archive=archive)
        return answers

    def read_archive(self, folder: Path, signed_by: VerifierKey | None) -> Archive:
        """Have marks read from the archive in a folder from now on, and return it. Raises Misconfigured where it is not
        of this ledger, or that key did not sign it."""
        from projections.archive.reading import open_archive

        archive = open_archive(folder, self.ledger, signed_by)
        self.read_from(archive)
        return archive

    @property
    def simulated(self) -> bool:
        """Whether the clock of this ledger is simulated; fixed by its first event."""
        opened = None
        with suppress(*([LedgerError] if self.ledger.unfit else [])):
            opened = self.ledger.opened()
        return self._simulated if opened is None else opened.simulated

    def check_opened(self) -> None:
        """Refuse a ledger in which no school has been opened, which could only answer with nothing."""
        if self.ledger.opened() is None:
            raise Refused("school_not_open", field="ledger", value=self.ledger.address.shown)

    def close(self) -> None:
        if self.ledger.appended:
            self._bring_up()
        if "engine" in self.__dict__:
            self.engine.dispose()
        self.keys.close()
        self.ledger.close()

    def _bring_up(self) -> None:
        """Bring the read model up where this house recorded past a multiple of TAIL. Who asks writes nothing, so who
        records sees to it that there is little after the read model for others to read from the ledger. What was
        recorded is recorded, so nothing that goes wrong here is said: the next question does without."""
        import sqlalchemy as sa

        from projections.readmodel.projector import Projector

        try:
            end = self.ledger.reads.end()
            if end // TAIL > (end - self.ledger.appended) // TAIL:
                Projector(self.ledger, self.engine).catch_up()
        except (LedgerError, sa.exc.SQLAlchemyError):
            return

    def notes(self) -> list[str]:
        """Return what whoever was answered has to know of the answers."""
        if "answers" not in self.__dict__:
            return []
        doubt = self.answers.model.doubt
        return [*([f"{doubt}; answered from the ledger alone"] if doubt else []), *self.answers.notes]

    def __enter__(self) -> House:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_house(
    ledger_url: str | None = None,
    keys_url: str | None = None,
    *,
    create: bool = False,
    simulated: bool = False,
    examining: bool = False,
) -> House:
    """Return the house at two addresses; None takes the environment's, then the default.

    With `create`, a ledger that is not there is made, and gets a simulated clock with `simulated`; with `examining`,
    one with faults is opened as well, and nothing can be recorded in it. Raises Misconfigured, in one sentence, for
    what is misspelt, absent or unreachable.
    """
    from ledger.store import open_ledger, parse_address

    ledger_url = ledger_address(ledger_url)
    # What is misspelt or absent is said before anything is made: the ledger's address first, then that of the keys.
    address = parse_address(ledger_url, create=create)
    keys_url = _keys_of_school(keys_address(ledger_url, keys_url), address.schema)
    _check_keys_address(keys_url, address.shown, create=create)
    with _sentences(f"the ledger at {_without_password(ledger_url)}"):
        ledger = open_ledger(ledger_url, create=create, examining=examining)
        fresh = create and ledger.reads.head()[0] == 0
    try:
        with _sentences(f"the key store at {_without_password(keys_url)}"):
            keys = _open_keys(keys_url, ledger, create=fresh)
    except BaseException:
        ledger.close()
        raise
    house = House(ledger, keys, simulated=simulated)
    if fresh:
        from projections.readmodel.tables import make_tables

        # By its owner, who then says who may read and write them.
        make_tables(house.engine)
    return house


def ledger_address(given: str | None = None) -> str:
    """Return where the ledger is. Raises Misconfigured for a store that would not outlive this process."""
    url = given or os.environ.get(LEDGER_VARIABLE) or DEFAULT_LEDGER
    if url == "memory:":
        raise Misconfigured("memory: keeps nothing: expected sqlite:///path/school.db or postgresql://host/database")
    return url


def school_address(given: str | None, school: str | None) -> str | None:
    """Return where the ledger of a school is, in a database of many; without a school, what was given.

    The environment's school belongs to the environment's ledger. Raises Misconfigured.
    """
    from ledger.store.names import at_school

    school = school or (os.environ.get(SCHOOL_VARIABLE) if given is None else None)
    return at_school(ledger_address(given), school) if school else given


def keys_address(ledger_url: str, given: str | None = None) -> str:
    """Return where the keys are: as told, else beside a SQLite ledger. Raises Misconfigured where neither says."""
    url = given or os.environ.get(KEYS_VARIABLE) or keys_beside(ledger_url)
    if url is None:
        raise Misconfigured(f"a ledger on PostgreSQL needs --keys or {KEYS_VARIABLE}, where its key store is")
    return url


def _keys_of_school(url: str, schema: str | None) -> str:
    """Return the address of keys with the school's schema in the place left for it. Raises Misconfigured."""
    if EACH_SCHOOL in url and schema is None:
        raise Misconfigured(
            f"the keys have {EACH_SCHOOL} in their address, but only a ledger on PostgreSQL has a schema"
        )
    return url.replace(EACH_SCHOOL, schema or "")


def keys_beside(ledger_url: str) -> str | None:
    """Return the key store beside a SQLite ledger, school.keys.db beside school.db; None beside any other."""
    path = PurePosixPath(ledger_url.removeprefix(SQLITE))
    if not ledger_url.startswith(SQLITE) or not path.name:
        return None
    return f"{SQLITE}{path.with_name(f'{path.stem}.keys{path.suffix}')}"


def sqlite_files(url: str) -> list[Path]:
    """Return the files of a SQLite database that are there: itself, its log and its shared memory; none for another."""
    if not url.startswith(SQLITE):
        return []
    path = Path(url.removeprefix(SQLITE)).absolute()
    return [file for end in ("", "-wal", "-shm") if (file := path.with_name(path.name + end)).exists()]


def _check_keys_address(url: str, ledger_shown: str, *, create: bool) -> None:
    """Raise Misconfigured for an address that can hold no keys, or is the ledger's own."""
    from ledger.store import parse_address

    if url.startswith(SQLITE) and not create:
        shown = f"{SQLITE}{Path(url.removeprefix(SQLITE)).absolute()}"  # it need not be there
    else:
        try:
            shown = parse_address(url, create=create).shown
        except Misconfigured as error:
            raise Misconfigured(f"the key store cannot be used: {error}") from None
    if shown == ledger_shown:
        raise Misconfigured(NOT_APART)


def _open_keys(url: str, ledger: Ledger, *, create: bool) -> KeyStore:
    """Return the key store at a URL; lost where there is none and none is to be made."""
    import sqlalchemy as sa

    from ledger.keys import key_engine, open_key_store
    from ledger.store import parse_address

    if url.startswith(SQLITE):
        try:
            refuse_link(Path(url.removeprefix(SQLITE)))
        except OSError as error:
            raise Misconfigured(f"the key store {url} cannot be used: {error.strerror}") from None
    if url.startswith(SQLITE) and not create and not Path(url.removeprefix(SQLITE)).is_file():
        # Connecting would create the file, and an empty store looks like one whose keys were destroyed.
        return open_key_store(None, url, create=False)
    address = parse_address(url, create=create)
    if ledger.address.kind == address.kind == "sqlite" and _one_file(ledger.address.sqlalchemy, address.sqlalchemy):
        raise Misconfigured(NOT_APART)
    if create and url.startswith(SQLITE):
        # Keys are for whoever runs the ledger; everybody else could read every sealed word with them.
        make_private(Path(url.removeprefix(SQLITE)))
    engine = key_engine(address.sqlalchemy, address.schema)
    if ledger.address.kind == address.kind == "postgresql" and ledger.address.schema == address.schema:
        with engine.connect() as connection:
            keys_in = _database_of(lambda statement: connection.exec_driver_sql(statement).one())
        recorder = cast("SqlReads", ledger.recorder)  # PostgreSQL's
        if keys_in == _database_of(lambda statement: recorder._fetch(statement)[0]):
            engine.dispose()
            raise Misconfigured(NOT_APART)
    if create and address.kind == "postgresql":
        with engine.begin() as connection:
            # IF NOT EXISTS alone fails where two first starts race.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('attendance keys'))")
            connection.execute(sa.schema.CreateSchema(address.schema or "", if_not_exists=True))
    return open_key_store(engine, address.shown, create=create, ledger=lambda: ledger.identity)


def _one_file(one: str, other: str) -> bool:
    """Whether two addresses of SQLite lead to one file, whatever links there are to it."""
    paths = [Path(url.removeprefix(SQLITE)) for url in (one, other)]
    return all(path.exists() for path in paths) and paths[0].samefile(paths[1])


def _database_of(ask: Callable[[str], Iterable[object]]) -> tuple[object, ...]:
    """Return what tells one database from every other, by whatever host, port or socket it was reached."""
    (may_tell,) = ask("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
    # A server that keeps its number to itself is told from others by the moment at which it was started.
    server = "(SELECT system_identifier FROM pg_control_system())" if may_tell else "pg_postmaster_start_time()"
    return tuple(ask(f"SELECT {server}::text, oid::text FROM pg_database WHERE datname = current_database()"))


@contextmanager
def _sentences(what: str) -> Iterator[None]:
    """Turn what a database says into one sentence of ours."""
    try:
        yield
    except LedgerError:
        raise
    except Exception as error:
        said = said_by_database(error)
        if said is None:
            raise
        raise Misconfigured(f"{what} cannot be opened: {said}") from error


def sentence_of(error: Exception) -> str:
    """Return in one sentence what went wrong with one school, whatever it is: the others go on."""
    if isinstance(error, LedgerError):
        return str(error)
    return said_by_database(error) or f"{type(error).__name__}, which is an error of this program"


def said_by_database(error: Exception) -> str | None:
    """Return what a database or the disk under it complains of, in one line; None for an error of ours.

    SQLAlchemy repeats the statement and its values, which may be personal, so its own text is not used.
    """
    said = getattr(error, "orig", None) or error
    packages = {kind.__module__.partition(".")[0] for kind in type(said).__mro__}
    if not isinstance(said, OSError) and packages.isdisjoint(DATABASE_PACKAGES):
        return None
    return (str(said).strip() or type(said).__name__).splitlines()[0]


def _without_password(url: str) -> str:
    """Return a URL as it may be printed: without the user, and the settings that could name a password again."""
    scheme, found, rest = url.partition("://")
    return url if scheme == "sqlite" else f"{scheme}{found}{rest.rpartition('@')[2].partition('?')[0]}"
