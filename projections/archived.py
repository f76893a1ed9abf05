"""A school's archive as a source of answers: what a question reads where there is no ledger and no read model.

The school is folded from the reference events in the segments, to the position asked at, as it is from a ledger; so
both sides answer by the same rules. Every file that is read is held against its digest in the manifest first.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from ledger.policy import Policy
from ledger.school import School, take_in
from ledger.sessions import LONDON, from_micros, micros
from ledger.store import VOLUME_KINDS, Row
from projections.archive import Manifest, Segment, content
from projections.archive.reading import open_archive
from projections.frames import Entries, joined
from projections.questions import Answers, Moment


class Archived:
    """An opened archive, which answers about any moment up to its end. Raises Misconfigured for a folder without one,
    and for a file that is not the one of the manifest, when that is read."""

    def __init__(self, folder: Path) -> None:
        self._archive = open_archive(folder)
        self._frames: dict[tuple[int, int], Entries] = {}  # by position and school year

    @property
    def manifest(self) -> Manifest:
        return self._archive.manifest

    def moment(
        self, as_of: date | None = None, known_at: datetime | None = None, policy: str | Policy | None = None
    ) -> Moment:
        """Return the moment of a question; what is left out, and what lies after the end, is taken as `Answers.moment`
        takes it."""
        position, known, last = self._known(None if known_at is None else micros(known_at))
        school = take_in(School(), self._reference_rows(position))
        if as_of is None:
            now = from_micros(last) if self.manifest.simulated else datetime.now(UTC)
            as_of = now.astimezone(LONDON).date()
        return Moment(as_of, from_micros(known), position, school, Answers.policy_of(school, as_of, policy))

    def entries(self, moment: Moment, years: Sequence[int], pupils: Sequence[str]) -> Entries:
        """Return the marks of these pupils, in their order, as known at the moment."""
        return joined([self._frame(moment.position, year).over(pupils) for year in years])

    def _frame(self, position: int, year: int) -> Entries:
        if (position, year) not in self._frames:
            self._frames[position, year] = self._archive.standing(None, position, [year])
        return self._frames[position, year]

    def _known(self, wanted: int | None) -> tuple[int, int, int]:
        """Return the position and the time of a moment of knowledge, and the time of the last event."""
        last = self.manifest.segments[-1].recorded_at
        if wanted is None or wanted >= last:
            return self.manifest.position, last, last
        for segment in reversed(self.manifest.segments):
            times = self._times(segment)
            if (count := int(np.searchsorted(times, wanted, "right"))) > 0:
                return segment.first + count - 1, wanted, last
        return 0, wanted, last

    def _times(self, segment: Segment) -> np.ndarray:
        """Return when the positions of a segment were recorded, in their order."""
        return np.sort(self._scan(segment).select("recorded_at").collect()["recorded_at"].to_numpy())

    def _reference_rows(self, position: int) -> list[Row]:
        kinds = [pl.col("topic").str.starts_with(f"{kind}.") for kind in VOLUME_KINDS]
        wanted = ~pl.any_horizontal(kinds) & (pl.col("position") <= position)
        parts = [
            self._scan(each).filter(wanted).select(Row._fields).collect()
            for each in self._archive.segments(0, position)
        ]
        return [Row(*row) for part in parts for row in part.sort("position").iter_rows()]

    def _scan(self, segment: Segment) -> pl.LazyFrame:
        return pl.scan_parquet(io.BytesIO(content(self._archive.folder, segment)))
