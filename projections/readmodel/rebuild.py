"""Rebuilding the read model from the ledger beside the one that serves, and proving that it is what the ledger says.

A rebuild fills a new generation of tables in bulk, proves it while the key is put on it, brings it up to the present as
the live projector would, and takes the place of the serving generation in one transaction that renames tables. Until
then nobody reads it; the old generation stays until it is dropped. Every page is committed together with the position
that it reaches, so a rebuild that was killed goes on where it stopped.

There are two proofs. The new generation, read back, has the rows that were worked out of the ledger (count and
fingerprint); and both generations, as they stood at one position, are compared. Where they differ the old one was
wrong, which is what one rebuilds for, and the answer says so.
"""

from __future__ import annotations

import io
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import polars as pl
import sqlalchemy as sa

from ledger import wire
from ledger.errors import Misconfigured
from ledger.store import Ledger, Reads, said
from ledger.store.failures import in_our_words
from projections.readmodel.fingerprints import fingerprint_at
from projections.readmodel.marks import COLUMNS, KEY, Fingerprint, Marks, Page, fingerprint
from projections.readmodel.projector import Outdated, Projector, Stale, Tracked, add_sums, tracked
from projections.readmodel.sums import Sum, of_columns
from projections.readmodel.tables import NEXT, OLD, SERVING, VERSION, Generation, make_tables, rebuilding, tracking

PAGE = {"postgresql": 50_000, "sqlite": 5_000}  # positions; as many rows at most are held at a time, twice over
# While somebody records: a save waits for a disk that writes a page, and on SQLite for the one writer.
SMALL_PAGE = {"postgresql": 10_000, "sqlite": 1_500}
MAKE_WAY_SECONDS = 0.03
LOCK_TRIES, LOCK_WAIT = 60, "1s"  # a reader who takes long must not make everybody else wait behind us
ELSEWHERE_SECONDS = 600  # since when a process of another machine, which cannot be asked, is taken for dead

Source = Callable[[Reads, int, set[str]], Marks]  # up to a position, streams parked before
Progress = Callable[[str, int, int], None]  # the stage, the position reached, the position to reach
# Whether nobody has recorded anything since this process began: then a rebuild takes every core, else only one.
Alone = Callable[[], bool]


class Rebuilt(NamedTuple):
    """What a rebuild came to: the position and rows of the generation that now serves, the position at which an earlier
    rebuild was taken up (0: from the beginning), and whether the one before held the same rows (None: could not be
    compared, because it belongs to another ledger or there was none)."""

    position: int
    rows: int
    resumed_at: int
    as_before: bool | None


class Status(NamedTuple):
    """A rebuild that has not ended. Moments in microseconds since 1970; `at_work` is whether its process may still
    be."""

    stage: str
    position: int
    until: int
    rows: int
    begun_at: int
    beat_at: int
    process: str
    at_work: bool


def rebuild(
    ledger: Ledger,
    engine: sa.Engine,
    progress: Progress | None = None,
    *,
    restart: bool = False,
    page: int | None = None,
    source: Source = Marks,
) -> Rebuilt:
    """Return what the rebuild came to, once the new generation serves. `restart` throws away what an earlier one left;
    marks are read through `source`: of the ledger itself, or of an archive of it (`projections.archive.pages`).

    Raises Misconfigured where another rebuild is at work, the account may make no tables, or the new generation is not
    what the ledger says; then the serving one stays.
    """
    tell = progress or (lambda stage, reached, until: None)
    end = ledger.reads.end()

    def alone() -> bool:
        return ledger.reads.end() <= end

    try:
        make_tables(engine)
        resumed_at = _begin(ledger, engine, restart=restart)
    except sa.exc.ProgrammingError as error:
        if type(error.orig).__name__ != "InsufficientPrivilege":
            raise
        raise Misconfigured(
            f"a rebuild makes tables, which this account may not: rebuild as the owner ({said(error.orig or error)})"
        ) from None
    marks = _marks(ledger, engine, source)
    with ThreadPoolExecutor(1) as beside:
        before = beside.submit(_serving, ledger, engine, alone)
        # A read model in memory has one connection, which nobody must use in the middle of another's transaction.
        shared = isinstance(engine.pool, sa.pool.StaticPool)
        if shared or not alone():
            before.result()
        if marks is not None:
            _fill(ledger, engine, marks, page, alone, tell)
        proof = beside.submit(_prove, engine, before, alone, tell)
        if shared or not alone():
            proof.result()
        _put_key(engine, alone)
        as_before = proof.result()
    projector = Projector(ledger, engine, generation=NEXT)
    head, _ = ledger.reads.head()
    projector.catch_up(lambda reached: _caught_up(engine, reached, head, tell))
    position = _take_place(ledger, engine, projector)
    with engine.connect() as connection:
        rows = connection.scalar(sa.select(sa.func.count()).select_from(SERVING.entries))
    return Rebuilt(position, int(rows or 0), resumed_at, as_before)


def brought_up(ledger: Ledger, engine: sa.Engine, progress: Callable[[int], None] | None = None) -> int:
    """Return the position of the read model once it is up to date, built again where another release had made it."""
    projector = Projector(ledger, engine)
    try:
        return projector.catch_up(progress)
    except Outdated:
        rebuild(ledger, engine)
        return projector.catch_up(progress)


def status(engine: sa.Engine) -> Status | None:
    """Return how far a rebuild is that was begun and has not ended, at work or not."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(rebuilding.name):
            return None
        row = connection.execute(sa.select(rebuilding)).one_or_none()
        if row is None:
            return None
        at = tracked(connection, NEXT).position
    at_work = _at_work(row.process, row.beat_at)
    return Status(row.stage, at, row.until, row.rows, row.begun_at, row.beat_at, row.process, at_work)


def drop_old(engine: sa.Engine) -> bool:
    """Drop the generation before the serving one; False where there is none."""
    with engine.begin() as connection:
        stood = sa.inspect(connection).has_table(OLD.entries.name)
        _drop(connection, OLD)
    return stood


def _begin(ledger: Ledger, engine: sa.Engine, *, restart: bool) -> int:
    """Return the position to go on from, the new generation's tables made and claimed for this process."""
    head, _ = ledger.reads.head()
    now = time.time_ns() // 1000
    with _writing(engine) as connection:
        earlier = connection.execute(sa.select(rebuilding).with_for_update()).one_or_none()
        if earlier is not None and _at_work(earlier.process, earlier.beat_at):
            raise Misconfigured(
                f"another rebuild is at work (process {earlier.process}): 'attendance rebuild --status'"
            )
        at = tracked(connection, NEXT)
        if earlier is not None and earlier.until <= head and not restart and _is_of(ledger, at):
            mine = rebuilding.update().values(process=_process(), beat_at=now)
            connection.execute(mine)
            return at.position
        _drop(connection, NEXT)
        connection.execute(rebuilding.delete())
        for table in NEXT.tables:
            table.create(connection)
        if engine.dialect.name == "postgresql":
            # A key is put on quicker when the rows are there.
            connection.exec_driver_sql(f"ALTER TABLE {NEXT.name} DROP CONSTRAINT {NEXT.name}_pkey")
        begun = {"until": head, "rows": 0, "mix": _bytes(0), "stage": "filling", "begun_at": now, "beat_at": now}
        connection.execute(rebuilding.insert().values(name=NEXT.name, process=_process(), **begun))
    return 0


def _until(engine: sa.Engine) -> int:
    """Return the position that the rebuild was begun for."""
    with engine.connect() as connection:
        return connection.scalars(sa.select(rebuilding.c.until)).one()


def _marks(ledger: Ledger, engine: sa.Engine, source: Source) -> Marks | None:
    """Return what the rebuild reads from, None where everything is written."""
    until = _until(engine)
    with engine.connect() as connection:
        parked = set(connection.scalars(sa.select(NEXT.parked.c.stream)))
        if tracked(connection, NEXT).position >= until:
            return None
    return source(ledger.reads, until, parked)


def _fill(ledger: Ledger, engine: sa.Engine, marks: Marks, page: int | None, alone: Alone, tell: Progress) -> None:
    """Write everything up to the position that the rebuild was begun for. One thread reads ahead and one writes, unless
    somebody records meanwhile."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(rebuilding)).one()
        at = tracked(connection, NEXT).position
    written, until = Fingerprint(row.rows, int.from_bytes(row.mix, "big")), row.until
    size, small = (page or sizes[engine.dialect.name] for sizes in (PAGE, SMALL_PAGE))
    with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(1) as writing:
        end = marks.end(at, until, size)
        ahead = reading.submit(marks.lines, at, end)
        writer: Future[None] | None = None
        while at < until:
            lines, undisturbed = ahead.result(), alone()
            following = marks.end(end, until, size if undisturbed else small)
            if undisturbed and end < until:
                ahead = reading.submit(marks.lines, end, following)
            filled = marks.page(lines, at, end)
            written += fingerprint(filled.marks)
            if writer is not None:
                writer.result()
                tell("filling", at, until)
            writer = writing.submit(_write, ledger, engine, filled, at, end, written)
            if not undisturbed:
                writer.result()
                time.sleep(MAKE_WAY_SECONDS)
                if end < until:
                    ahead = reading.submit(marks.lines, end, following)
            at, end = end, following
        assert writer is not None
        writer.result()
    tell("filling", at, until)


def _write(ledger: Ledger, engine: sa.Engine, page: Page, at: int, end: int, written: Fingerprint) -> None:
    """Write one page, the position that it reaches, and what has been written so far, in one transaction."""
    rows = ledger.reads.rows_at([end])
    if not rows:
        raise Misconfigured(
            f"the ledger holds no event at position {end}, so nothing can be rebuilt past it: somebody removed it, see "
            "'attendance verify'; the read model goes on serving"
        )
    reached = {"name": NEXT.name, "position": end, "digest": wire.leaf(*rows[0]), "version": VERSION}
    with _writing(engine) as connection:
        claim = tracking.delete().where(tracking.c.name == NEXT.name, tracking.c.position == at)
        if not connection.execute(claim).rowcount and at:
            raise Misconfigured("another rebuild has gone on with these tables; this one stopped")
        connection.execute(tracking.insert().values(**reached))
        if page.parked:
            connection.execute(NEXT.parked.insert(), page.parked)
        _load(connection, page.marks)
        add_sums(connection, _sums(page.marks), NEXT)
        _beat(connection, rows=written.rows, mix=_bytes(written.mix))


def _load(connection: sa.Connection, marks: pl.DataFrame) -> None:
    table = NEXT.entries.name
    if connection.dialect.name == "postgresql":
        text = io.BytesIO()
        marks.write_csv(text, include_header=False)
        copying = f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN (FORMAT csv)"
        with connection.connection.cursor().copy(copying) as copy:  # type: ignore[attr-defined]
            copy.write(text.getbuffer())
    elif len(marks):
        # In the order of the key, which is the order in which the table is kept.
        rows = marks.sort(KEY).rows()
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?)", rows)  # type: ignore[arg-type]


def _sums(marks: pl.DataFrame) -> dict[tuple[int, str], Sum]:
    """Return by year and pupil what these rows add to the check sums."""
    numbers = of_columns({name: marks[name].fill_null(0).to_numpy() for name in COLUMNS if name != "pupil"})
    owners = marks.select("year", "pupil", "from_position", number=numbers).group_by("year", "pupil")
    owned = owners.agg(held=pl.len(), total=pl.sum("number"), last=pl.max("from_position"))
    return {(year, pupil): Sum(*sums) for year, pupil, *sums in owned.iter_rows()}


def _put_key(engine: sa.Engine, alone: Alone) -> None:
    """Give the new generation its key and the rights of the serving one, where it has none yet."""
    if engine.dialect.name != "postgresql":
        return
    entries, name = NEXT.entries.name, f"{NEXT.entries.name}_pkey"
    with engine.begin() as connection:
        if sa.inspect(connection).get_pk_constraint(entries)["constrained_columns"]:
            return
        # An index first: while it is made the rows can be read, which a constraint would not allow.
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '256MB'")
        if not alone():
            connection.exec_driver_sql("SET LOCAL max_parallel_maintenance_workers = 0")
        connection.exec_driver_sql(f"CREATE UNIQUE INDEX IF NOT EXISTS {name} ON {entries} ({', '.join(KEY)})")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {entries} ADD CONSTRAINT {name} PRIMARY KEY USING INDEX {name}")
        for serving, new in zip(SERVING.tables, NEXT.tables, strict=True):
            _grant_alike(connection, serving.name, new.name)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ANALYZE {entries}")


def _grant_alike(connection: sa.Connection, serving: str, new: str) -> None:
    granted = connection.exec_driver_sql(
        "SELECT quote_ident(grantee), privilege_type FROM information_schema.role_table_grants "
        "WHERE table_schema = current_schema() AND table_name = %s AND grantee <> current_user",
        (serving,),
    )
    for grantee, privilege in granted.all():
        role = "PUBLIC" if grantee == "PUBLIC" else grantee
        connection.exec_driver_sql(f"GRANT {privilege} ON {new} TO {role}")


def _caught_up(engine: sa.Engine, reached: int, head: int, tell: Progress) -> None:
    with _writing(engine) as connection:
        _beat(connection, stage="catching up")
    tell("catching up", reached, head)


def _serving(ledger: Ledger, engine: sa.Engine, alone: Alone) -> tuple[int, Fingerprint] | None:
    """Return a position, no later than the one that the rebuild was begun for, and the fingerprint of the serving
    generation there; None where that is of another ledger or has not begun."""
    with engine.connect() as connection:
        serving = _served(connection)
    if not serving.position or serving.version != VERSION or not _is_of(ledger, serving):
        return None
    at = min(serving.position, _until(engine))
    try:
        with in_our_words():
            return at, fingerprint_at(engine, SERVING, at, cores=alone())
    except (ValueError, Misconfigured):
        return at, Fingerprint(-1, 0)  # numbers that no projector wrote, so they are not those of the new generation


def _prove(
    engine: sa.Engine, before: Future[tuple[int, Fingerprint] | None], alone: Alone, tell: Progress
) -> bool | None:
    """Return whether the new generation, which reads back as it was written, holds the rows of the serving one; None
    where there is nothing to compare it with. Raises Misconfigured where the new one does not read back."""
    with _writing(engine) as connection:
        _beat(connection, stage="proving")
        row = connection.execute(sa.select(rebuilding)).one()
    tell("proving", row.until, row.until)
    written = Fingerprint(row.rows, int.from_bytes(row.mix, "big"))
    there = fingerprint_at(engine, NEXT, row.until, cores=alone())
    if there != written:
        raise Misconfigured(
            f"the new generation reads back as {there.rows} rows where {written.rows} were written, or as other ones: "
            "the old one goes on serving; 'attendance rebuild --restart' begins again"
        )
    if (serving := before.result()) is None:
        return None
    at, fingerprint_there = serving
    return fingerprint_there == (there if at == row.until else fingerprint_at(engine, NEXT, at, cores=alone()))


def _take_place(ledger: Ledger, engine: sa.Engine, projector: Projector) -> int:
    """Return the position of the new generation once it serves: no less than the old one had reached."""
    for _ in range(LOCK_TRIES):
        position = projector.catch_up()
        try:
            with _writing(engine) as connection:
                if engine.dialect.name == "postgresql":
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
                serving = _served(connection, hold=True)
                if serving.position > position and _is_of(ledger, serving):
                    continue  # it was brought on while we looked away
                _drop(connection, OLD)
                _rename(connection, SERVING, OLD)
                _rename(connection, NEXT, SERVING)
                connection.execute(rebuilding.delete())
            return position
        except sa.exc.OperationalError as error:
            if "lock timeout" not in str(error.orig):
                raise
    raise Misconfigured(
        "somebody has been reading the serving generation all the time: run the rebuild again to end it"
    )


def _rename(connection: sa.Connection, generation: Generation, to: Generation) -> None:
    for table, name in zip((t.name for t in generation.tables), (t.name for t in to.tables), strict=True):
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"ALTER INDEX {table}_pkey RENAME TO {name}_pkey")
    connection.execute(tracking.update().where(tracking.c.name == generation.name).values(name=to.name))


def _drop(connection: sa.Connection, generation: Generation) -> None:
    for table in generation.tables:
        table.drop(connection, checkfirst=True)
    connection.execute(tracking.delete().where(tracking.c.name == generation.name))


def _served(connection: sa.Connection, *, hold: bool = False) -> Tracked:
    """Return how far the serving generation has been brought; nowhere, where what it says of itself was altered."""
    try:
        return tracked(connection, hold=hold)
    except Stale:
        return Tracked(0, b"")


def _is_of(ledger: Ledger, at: Tracked) -> bool:
    """Whether the event at a position of this ledger is the one that a generation was brought up to."""
    rows = ledger.reads.rows_at([at.position])
    return at.position == 0 or bool(rows and wire.leaf(*rows[0]) == at.digest)


@contextmanager
def _writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that may write, SQLite's one writer from its beginning on."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def _beat(connection: sa.Connection, **values: object) -> None:
    connection.execute(rebuilding.update().values(beat_at=time.time_ns() // 1000, **values))


def _process() -> str:
    return f"{os.getpid()} on {socket.gethostname()}"


def _at_work(process: str, beat_at: int) -> bool:
    number, _, host = process.partition(" on ")
    if host != socket.gethostname():
        return time.time() - beat_at / 1e6 < ELSEWHERE_SECONDS
    if int(number) == os.getpid():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _bytes(mix: int) -> bytes:
    # No integer type of both databases holds 64 bits without a sign.
    return mix.to_bytes(8, "big")
