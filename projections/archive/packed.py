"""The quick files of an archive: what a question reads, packed so that reading it takes a thousandth of a second.

Problem: a segment holds every stored byte, and a question needs a thirtieth of them. Choice: beside the segments, as
Arrow files, the reference events as they are stored, when each position was recorded, and of each school year its marks
in every version. All of it can be worked out again from the segments, and `attendance archive --verify` does so.

Marks stand in order of position. Then nearly every number follows from the one in the row before, so the file holds
steps, and a year of 200 pupils is some 60 kB. Those that have been amended stand apart: all others hold from their
position on, so what was known at a position is a beginning of them, and nobody looks at each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from ledger.errors import Misconfigured
from ledger.store import Row
from projections.readmodel.frames import NEVER, Entries, joined

REFERENCES = pa.schema(
    [
        ("position", pa.int64()),
        ("stream", pa.string()),
        ("version", pa.int32()),
        ("topic", pa.string()),
        ("recorded_at", pa.int64()),
        ("state", pa.binary()),
    ]
)
# Row n is of position n: the microseconds between its recording and the one before, of the first since 1970.
TIMES = pa.schema([("step", pa.int64())])
# Two batches: the marks that stand at the archive's end, and those that do not. `step` is how far the position lies
# after that of the row before in the batch; `held` for how many positions the mark stood, 0 of one that stands.
MARKS = pa.schema(
    [
        ("step", pa.int32()),
        ("pupil", pa.dictionary(pa.int32(), pa.string())),
        ("session", pa.int32()),
        ("code", pa.uint8()),
        ("held", pa.int32()),
    ]
)
COLUMNS = Entries._fields[1:]
ONE_THREAD = ipc.IpcReadOptions(use_threads=False)


@contextmanager
def _arrow() -> Iterator[None]:
    """Say in one sentence what Arrow has against a file; what it meets in a damaged one has no common name."""
    try:
        yield
    except (pa.ArrowException, OSError, IndexError, ValueError, MemoryError, SystemError) as error:
        raise Misconfigured(f"a file of the archive is no Arrow file of ours: {error}") from None


def pack_references(rows: Sequence[Row]) -> bytes:
    """Return the file of these stored events."""
    columns = zip(*rows, strict=True) if rows else [()] * len(REFERENCES)
    return _file(REFERENCES, [pa.array(column, kind) for column, kind in zip(columns, REFERENCES.types, strict=True)])


def unpack_references(raw: bytes) -> list[Row]:
    """Return the stored events of a file; the inverse of `pack_references`. Raises Misconfigured."""
    with _arrow():
        (batch,) = _batches(raw, REFERENCES, 1)
        return list(map(Row._make, zip(*map(_listed, batch.columns), strict=True)))


def pack_times(recorded_at: np.ndarray) -> bytes:
    """Return the file of when each position was recorded, from the first on (microseconds since 1970, int64)."""
    return _file(TIMES, [pa.array(np.diff(recorded_at, prepend=0))])


def unpack_times(raw: bytes) -> np.ndarray:
    """Return when each position was recorded; the inverse of `pack_times`. Raises Misconfigured."""
    with _arrow():
        (batch,) = _batches(raw, TIMES, 1)
        return np.cumsum(batch.column(0).to_numpy())


def pack_marks(entries: Entries) -> bytes:
    """Return the file of marks in every version; `entries` are in order of position, their pupils in order, each with
    a mark."""
    stands = entries.until_position == NEVER
    names = pa.array(entries.pupils, pa.string())
    return _file(MARKS, *(_columns(entries.take(np.flatnonzero(rows)), names) for rows in (stands, ~stands)))


def _columns(entries: Entries, names: pa.Array) -> list[pa.Array]:
    held = np.where(entries.until_position == NEVER, 0, entries.until_position - entries.from_position)
    return [
        pa.array(np.diff(entries.from_position, prepend=0).astype(np.int32)),
        pa.DictionaryArray.from_arrays(entries.pupil, names),
        pa.array(entries.session),
        pa.array(entries.code),
        pa.array(held.astype(np.int32)),
    ]


def unpack_marks(raw: bytes, position: int | None = None) -> Entries:
    """Return the marks of a file that stood at a position (until when they will is no part of it, and NEVER), or with
    None every version there is; the inverse of `pack_marks` but for the order. Raises Misconfigured."""
    with _arrow():
        standing, amended = (_entries(batch) for batch in _batches(raw, MARKS, 2))
    if position is not None:
        known = int(np.searchsorted(standing.from_position, position, "right"))
        standing = standing._replace(**{name: getattr(standing, name)[:known] for name in COLUMNS})
        amended = amended.known_at(position)
        amended = amended._replace(until_position=np.full(len(amended.pupil), NEVER))
    return joined([standing, amended]) if len(amended.pupil) else standing


def are_marks(raw: bytes, entries: Entries) -> bool:
    """Whether a file is, row for row and batch for batch, what `pack_marks` makes of these. Raises Misconfigured."""
    with _arrow():
        return bool(_batches(raw, MARKS, 2) == _batches(pack_marks(entries), MARKS, 2))


def _entries(batch: pa.RecordBatch) -> Entries:
    step, pupil, session, code, held = batch.columns
    position, spans = np.cumsum(step.to_numpy(), dtype=np.int64), held.to_numpy()
    until = position + spans if spans.any() else np.broadcast_to(NEVER, len(position))
    names = pupil.dictionary.to_pylist()
    return Entries(names, pupil.indices.to_numpy(), session.to_numpy(), code.to_numpy(), position, until)


def _listed(column: pa.Array) -> list[object]:
    # Numbers come out of Arrow one by one, and out of NumPy together.
    return column.to_numpy().tolist() if pa.types.is_integer(column.type) else column.to_pylist()


def _file(schema: pa.Schema, *batches: Sequence[pa.Array]) -> bytes:
    sink = pa.BufferOutputStream()
    with ipc.new_file(sink, schema, options=ipc.IpcWriteOptions(compression="lz4", use_threads=False)) as writer:
        for columns in batches:
            writer.write_batch(pa.record_batch(columns, schema=schema))
    return bytes(sink.getvalue())


def _batches(raw: bytes, schema: pa.Schema, count: int) -> list[pa.RecordBatch]:
    """Return the batches of a file. Raises Misconfigured where it holds anything else than so many of this schema."""
    reader = ipc.open_file(pa.BufferReader(raw), options=ONE_THREAD)
    batches = [reader.get_batch(place) for place in range(reader.num_record_batches)]
    for batch in batches:
        batch.validate()
    if len(batches) != count or reader.schema != schema:
        raise Misconfigured("a file of the archive holds other columns than this release reads")
    return batches
