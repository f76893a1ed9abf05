"""Reading a generation of the read model back as one number that depends on every row of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sqlalchemy as sa

from projections.readmodel.marks import Fingerprint, fingerprint_of, number_of
from projections.readmodel.tables import Generation

ROWS = 50_000  # at most so many and a pupil's year are held at a time
# A row as two numbers of 64 bits: code, version and session of the mark, and until and from which position it holds.
VERSION_PLACE, SESSION_PLACE = 2**8, 2**39
FROM_PLACE = 2**31  # more than the positions that a school can come to


def fingerprint_at(engine: sa.Engine, generation: Generation, position: int, *, cores: bool = True) -> Fingerprint:
    """Return the fingerprint of a generation as it stood at a position, however far it has come since; PostgreSQL may
    use several cores for it unless `cores` is false."""
    total, counted = Fingerprint(0, 0), 0
    groups: list[tuple[int, str, np.ndarray]] = []
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql" and not cores:
            connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
        for year, pupil, rows in _packed(connection, generation.entries.name, position):
            groups.append((year, pupil, rows))
            counted += len(rows)
            if counted >= ROWS:
                total, counted, groups = total + _of_groups(groups), 0, []
    return total + _of_groups(groups) if groups else total


def _packed(connection: sa.Connection, table: str, position: int) -> Iterator[tuple[int, str, np.ndarray]]:
    """Yield the rows of each pupil's year as they stood at a position: two numbers a row (place, span)."""
    assert position < FROM_PLACE, position
    numbers = (
        f"session * {SESSION_PLACE} + version * {VERSION_PLACE} + code",
        f"from_position * {FROM_PLACE} + CASE WHEN until_position <= {position} THEN until_position ELSE 0 END",
    )
    grouped = f"FROM {table} WHERE from_position <= {position} GROUP BY year, pupil"
    # A driver hands every row over by itself, so the rows of a pupil's year are packed into one.
    if connection.dialect.name == "sqlite":
        packed = " || ',' || ".join(f"({each})" for each in numbers)
        for year, pupil, text in connection.exec_driver_sql(
            f"SELECT year, pupil, group_concat({packed}, ',') {grouped}"
        ):
            # np.fromstring reads numbers out of text; only its binary mode is deprecated.
            yield year, pupil, np.fromstring(text, np.int64, sep=",").reshape(-1, 2)
        return
    packed = " || ".join(f"int8send({each})" for each in numbers)
    # As it comes and in binary: a cursor of the server's would forbid it to use a second core, and text doubles bytes.
    cursor = connection.connection.cursor(binary=True)  # type: ignore[call-arg]
    query = f"SELECT year, pupil, string_agg({packed}, ''::bytea) {grouped}"
    for year, pupil, raw in cursor.stream(query):  # type: ignore[attr-defined]
        yield year, pupil, np.frombuffer(raw, ">i8").reshape(-1, 2)


def _of_groups(groups: list[tuple[int, str, np.ndarray]]) -> Fingerprint:
    """Return the fingerprint of packed rows of these years and pupils."""
    years, pupils, tables = zip(*groups, strict=True)
    counts = [len(table) for table in tables]
    place, span = np.concatenate(tables).astype(np.int64).T
    return fingerprint_of(
        np.repeat(np.array([number_of(pupil) for pupil in pupils], np.uint64), counts),
        np.repeat(np.array(years, np.int64), counts),
        place // SESSION_PLACE,
        place % SESSION_PLACE // VERSION_PLACE,
        place % VERSION_PLACE,
        span // FROM_PLACE,
        span % FROM_PLACE,
    )
