"""What one core answers from the archives of an authority; the floor hashes and reads the same marks.

Processor time, not time: tasks of a cluster share machines with others, and so does this.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

from projections.archive import read_manifest
from projections.archive.packed import unpack_marks
from projections.many import batches
from scripts.authorities.build import build
from scripts.authorities.published import published
from scripts.benchmarks.measure import Row, Target, in_turns

AUTHORITY, SEED = ("Hertfordshire", "Primary"), 919
LAST_DAY = date(2026, 7, 10)


def cluster_row(share: float, rounds: int) -> Row:
    """Return the marks a second of a share of a made-up authority."""
    # Polars has run in this process, so a fork of it would wait for ever.
    pool = ProcessPoolExecutor(mp_context=get_context("spawn"))
    with tempfile.TemporaryDirectory() as place, pool:
        build(Path(place, "authority"), published()[AUTHORITY], share, SEED, pool)
        folders = sorted(Path(place, "authority").iterdir())
        held = [found.manifest for folder in folders if (found := read_manifest(folder))]
        marks = sum(segment.marks for manifest in held for segment in manifest.segments)
        files = [folder / each.file for folder, manifest in zip(folders, held, strict=True) for each in manifest.marks]
        question = batches.questions(folders, LAST_DAY, None, None)

        def answer(_: int) -> float:
            return _processor_seconds(lambda: batches.part(question, None))

        def floor(_: int) -> float:
            return _processor_seconds(lambda: [_read(file) for file in files])

        took, least = in_turns(rounds, answer, floor)
    target = Target("rate", "least", 1_000_000)
    return Row.of_rates(f"marks a core, {len(folders)} archives", (marks, marks), took, least, target)


def _read(file: Path) -> None:
    raw = file.read_bytes()
    hashlib.sha256(raw).digest()
    unpack_marks(raw)


def _processor_seconds(call: Callable[[], object]) -> float:
    begun = time.process_time()
    call()
    return time.process_time() - begun
