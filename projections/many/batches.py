"""The kernels over Arrow batches: a function from batches to batches, the same on one machine and on a cluster.

A row that goes in is a school: the folder of its archive and what is asked of it. Whoever is given the row reads the
archive where it runs, so nothing but paths travels to it. What comes out is a batch a school, a row a pupil. A school
that cannot be answered is one row with the reason, because one of 24,000 must not cost the others their answers; one in
which nobody has anything is one row without a pupil. So every school that went in can be found in what came out.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ledger.durable import write_whole
from ledger.errors import LedgerError, Misconfigured
from ledger.note import VerifierKey, parse_key
from ledger.sessions import Session
from projections.archive import read_manifest
from projections.archive.source import ArchiveSource
from projections.asking.questions import Moment
from projections.figures.absence import cohorts, percent
from projections.figures.cohorts import penalty_tally, year_counts
from projections.reports.base import about, in_force

Rows: TypeAlias = pa.Table  # of QUESTIONS, of ANSWERS or of TOTALS

UTC_MICROS = pa.timestamp("us", "UTC")
COUNTS = ("possible", "attended", "authorised", "unauthorised", "missing")
LEVELS = ("persistent", "severe", "at_risk")
PLACE = [
    ("folder", pa.string()),
    ("error", pa.string()),
    ("school", pa.string()),
    ("simulated", pa.bool_()),
    ("signed_by", pa.string()),
    ("rules", pa.string()),
]
URN = re.compile("[0-9]{6}")

# `folder` is a path. The others may be null, and mean then what they mean everywhere when they are left out; `verifier`
# is the key that must have signed the archive, blank where keys were named and none is of this school.
QUESTIONS = pa.schema(
    [
        ("folder", pa.string()),
        ("as_of", pa.date32()),
        ("known_at", UTC_MICROS),
        ("policy", pa.string()),
        ("verifier", pa.string()),
    ],
)
# Per pupil: the year to date, its cohorts, and the penalty window. `folder` is the last part of the path, `school` the
# URN in it, `signed_by` whose key signed it, null where nobody named one, `rules` the digest of all that it was judged
# by; beside an `error` all the rest is null.
ANSWERS = pa.schema(
    [
        *PLACE,
        ("as_of", pa.date32()),
        ("known_at", UTC_MICROS),
        ("position", pa.int64()),
        ("policy", pa.string()),
        ("pupil", pa.string()),
        *((name, pa.int32()) for name in COUNTS),
        *((name, pa.bool_()) for name in LEVELS),
        ("count", pa.int32()),
        ("met", pa.bool_()),
        ("met_on", pa.string()),
        ("unresolved", pa.int32()),
    ]
)
# Per school: sums over its pupils; `pupils` are those with a possible session, `met` those whose window is met.
SUMS = ("pupils", *COUNTS, *LEVELS, "met")
TOTALS = pa.schema([*PLACE, *((name, pa.int64()) for name in SUMS)])
SUMMED = [field.name for field in TOTALS if field.name in ANSWERS.names]


class Pooled(NamedTuple):
    """The sums over schools, with the rates of the sums (one decimal, halves up, None of nothing possible)."""

    schools: int
    pupils: int
    possible: int
    attended: int
    authorised: int
    unauthorised: int
    missing: int
    persistent: int
    severe: int
    at_risk: int
    met: int
    attendance_percent: float | None
    absence_percent: float | None


class Summary(NamedTuple):
    """What all schools come to, the totals of each (TOTALS), (folder, reason) of each that could not be answered,
    whether any is simulated, and how many answered from an archive whose signature nobody checked."""

    pooled: Pooled
    schools: pa.Table
    failed: list[tuple[str, str]]
    simulated: bool
    unsigned: int


def questions(
    folders: Iterable[Path],
    as_of: date | None,
    known_at: datetime | None,
    policy: str | None,
    keys: Iterable[VerifierKey] | None = None,
) -> pa.Table:
    """Return the rows that put one question to these archives; where keys are named, each to be signed by the one that
    is called as its school is."""
    named = None if keys is None else {key.name: str(key) for key in keys}
    same = {"as_of": as_of, "known_at": known_at, "policy": policy}
    rows = [{"folder": str(each), **same, "verifier": _verifier(each, named)} for each in folders]
    return pa.Table.from_pylist(rows, schema=QUESTIONS)


def _verifier(folder: Path, named: dict[str, str] | None) -> str | None:
    if named is None:
        return None
    try:
        held = read_manifest(folder)
    except Misconfigured:
        return ""  # whoever is asked says what is wrong with it
    return named.get(f"attendance/{held.manifest.urn}", "") if held else ""


def answers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield a batch of ANSWERS for every row of QUESTIONS, in their order."""
    for batch in batches:
        for row in batch.to_pylist():
            try:
                yield _answer(**row)
            except LedgerError as error:
                yield _failed(row["folder"], str(error))
            except Exception as error:
                # Also what is wrong in us is said about one school only; its traceback goes to the log.
                traceback.print_exc()
                yield _failed(row["folder"], f"the archive cannot be read ({type(error).__name__})")


def totals(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield a batch of TOTALS for each batch of ANSWERS, a row a school. They are sums: parts of a school add up."""
    for batch in batches:
        table = pa.Table.from_batches([batch]).select(SUMMED)
        yield from _by_school(table.append_column("pupils", pc.greater(table["possible"], 0))).to_batches()


def part(rows: pa.Table, file: Path | None) -> pa.Table:
    """Return the totals of rows of QUESTIONS, after writing their answers to a Parquet file where one is named."""
    pupils = pa.Table.from_batches(answers(iter(rows.to_batches())), ANSWERS)
    if file is not None:
        write(pupils, file)
    whole = pupils.combine_chunks().to_batches()
    return pa.Table.from_batches(totals(iter(whole)), TOTALS)


def write(table: pa.Table, file: Path) -> None:
    """Write a Parquet file."""
    write_whole(file, lambda draft: pq.write_table(table, draft, compression="zstd"))


def summary(question: pa.Table, parts: Iterable[pa.Table]) -> Summary:
    """Return what the totals of all parts come to. A school that was asked and is in none of them is an error in us."""
    schools = _by_school(pa.concat_tables(parts))
    names = {Path(folder).name for folder in question["folder"].to_pylist()}
    assert names == set(schools["folder"].to_pylist()), "every school that was asked has to be answered"
    failed = schools.filter(pc.is_valid(schools["error"]))
    answered = schools.filter(pc.is_null(schools["error"]))
    sums = {name: pc.sum(answered[name]).as_py() or 0 for name in SUMS}
    pooled = Pooled(
        schools=len(answered),
        **sums,
        attendance_percent=percent(sums["attended"], sums["possible"]),
        absence_percent=percent(sums["authorised"] + sums["unauthorised"], sums["possible"]),
    )
    reasons = sorted(zip(failed["folder"].to_pylist(), failed["error"].to_pylist(), strict=True))
    simulated, unsigned = bool(pc.any(answered["simulated"]).as_py()), answered["signed_by"].null_count
    return Summary(pooled, schools.sort_by("folder"), reasons, simulated, unsigned)


def _by_school(table: pa.Table) -> pa.Table:
    keys = [name for name, _ in PLACE]
    grouped = table.group_by(keys).aggregate([(name, "sum") for name in SUMS])
    grouped = grouped.rename_columns({f"{name}_sum": name for name in SUMS}).select(TOTALS.names).cast(TOTALS)
    # The sum of nothing is null here, and 0 everywhere else.
    columns = [pc.fill_null(grouped[name], 0) if name in SUMS else grouped[name] for name in TOTALS.names]
    return pa.table(columns, schema=TOTALS)


def _answer(
    folder: str, as_of: date | None, known_at: datetime | None, policy: str | None, verifier: str | None
) -> pa.RecordBatch:
    if verifier == "":
        raise Misconfigured("none of the keys that were named is this school's, so nobody knows who made the archive")
    archive = ArchiveSource(Path(folder), None if verifier is None else parse_key(verifier))
    name, urn = Path(folder).name, archive.manifest.urn
    if URN.fullmatch(name) and name != urn:
        raise Misconfigured(f"this is the archive of school {urn}, under the name of another")
    moment = archive.moment(as_of, known_at, policy)
    judged = about(moment)
    pupils = sorted(moment.school.pupils)
    header = {
        "folder": Path(folder).name,
        "school": archive.manifest.urn,
        "simulated": archive.manifest.simulated,
        "signed_by": archive.signed_by or None,
        "as_of": moment.as_of,
        "known_at": moment.known_at,
        "position": moment.position,
        "policy": judged["policy"],
        "rules": judged["rules"],
    }
    none = pa.RecordBatch.from_pylist([], schema=ANSWERS)
    figures = _figures(archive, moment, pupils, header) if pupils else none
    return figures if figures.num_rows else pa.RecordBatch.from_pylist([header], schema=ANSWERS)


def _figures(archive: ArchiveSource, moment: Moment, pupils: list[str], header: dict[str, object]) -> pa.RecordBatch:
    """Return the figures of those of these pupils who have any, beside the header of their school."""
    counts = year_counts(archive, moment, pupils)
    assert counts is not None, "a school year has begun"
    windows = penalty_tally(archive, moment, pupils)
    met_on = [str(Session.from_number(on)) if on else None for on in windows.met_on.tolist()]
    figures = {name: getattr(counts, name) for name in COUNTS}
    figures |= {"count": windows.sessions, "unresolved": windows.unresolved}
    # NumPy makes small numbers of large ones in a hundredth of the time that Arrow takes.
    columns = {name: column.astype(np.int32) for name, column in figures.items()}
    columns |= cohorts(counts, in_force(moment))._asdict() | {"pupil": pupils, "met": windows.met, "met_on": met_on}
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.repeat(pa.scalar(header.get(field.name), field.type), len(pupils))
        for field in ANSWERS
    ]
    # Who has nothing at all is left out, as everywhere.
    shown = (counts.possible > 0) | (counts.missing > 0) | windows.tells
    batch = pa.record_batch(arrays, schema=ANSWERS)
    return batch if shown.all() else batch.filter(pa.array(shown))


def _failed(folder: str, error: str) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"folder": Path(folder).name, "error": error}], schema=ANSWERS)
