"""A school's archive as a source of answers: what a question reads where there is no ledger and no read model.

Every file that is read is held against its digest in the manifest first. The school is folded from the reference events
in the segments, to the position asked at, as it is from a ledger; so both sides answer by the same rules.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from ledger.errors import Misconfigured
from ledger.policy import Policy
from ledger.school import School, take_in
from ledger.sessions import LONDON, from_micros, micros
from ledger.store import VOLUME_KINDS, Row
from projections.archive import Manifest, Segment, content, read_manifest
from projections.frames import NEVER, Entries
from projections.questions import Answers, Moment

MARKS = ("pupil", "session", "code", "position", "until_position")


class Archived:
    """An opened archive, which answers about any moment up to its end."""

    def __init__(self, folder: Path) -> None:
        held = read_manifest(folder)
        if held is None or not held.manifest.segments:
            raise Misconfigured(f"the folder {folder} holds no archive of a school")
        self.folder = folder
        self.manifest: Manifest = held.manifest
        self._files: dict[str, bytes] = {}

    def moment(
        self, as_of: date | None = None, known_at: datetime | None = None, policy: str | Policy | None = None
    ) -> Moment:
        """Return the moment of a question; what is left out, and what lies after the end, is taken as `Answers.moment`
        takes it. Raises Misconfigured for a file that is not the one of the manifest."""
        position, known, last = self._known(None if known_at is None else micros(known_at))
        school = take_in(School(), self._reference_rows(position))
        if as_of is None:
            now = from_micros(last) if self.manifest.simulated else datetime.now(UTC)
            as_of = now.astimezone(LONDON).date()
        return Moment(as_of, from_micros(known), position, school, Answers.policy_of(school, as_of, policy))

    def entries(self, moment: Moment, years: Sequence[int], pupils: Sequence[str]) -> Entries:
        """Return the marks of these pupils, in their order, as known at the moment."""
        segments = [each for each in self.manifest.segments if not set(years).isdisjoint(each.years)]
        wanted = pl.col("year").is_in(years) & (pl.col("position") <= moment.position) & pl.col("code").is_not_null()
        marks = [self._scan(each).filter(wanted).select(MARKS).collect() for each in segments]
        found = pl.concat(marks) if marks else pl.DataFrame(schema=dict.fromkeys(MARKS, pl.Int64))
        place = found["pupil"].cast(pl.Enum(pupils), strict=False).to_physical()
        found = found.with_columns(place.cast(pl.Int32).alias("pupil")).filter(pl.col("pupil").is_not_null())
        if len(segments) > 1:
            # A segment knows no end that was recorded after it.
            found = found.sort("pupil", "session", "position")
            same = (pl.col("pupil") == pl.col("pupil").shift(-1)) & (pl.col("session") == pl.col("session").shift(-1))
            found = found.with_columns(pl.when(same).then(pl.col("position").shift(-1)).alias("until_position"))
        pupil, session, code, since = (found[name].to_numpy() for name in MARKS[:4])
        until = found["until_position"].fill_null(int(NEVER)).to_numpy()
        return Entries(list(pupils), pupil, session, code, since, until).known_at(moment.position)

    def _known(self, wanted: int | None) -> tuple[int, int, int]:
        """Return the position and the time of a moment of knowledge, and the time of the last event."""
        last = int(self._times(self.manifest.segments[-1])[-1])
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
            for each in self.manifest.segments
            if each.first <= position
        ]
        return [Row(*row) for part in parts for row in part.sort("position").iter_rows()]

    def _scan(self, segment: Segment) -> pl.LazyFrame:
        if segment.file not in self._files:
            self._files[segment.file] = content(self.folder, segment)
        return pl.scan_parquet(io.BytesIO(self._files[segment.file]))
