"""A school's archive as a source of answers: what a question reads where there is no ledger and no read model.

The school is folded from the archived reference events, to the position asked at, as it is from a ledger; so both sides
answer by the same rules. Every file that is read is held against its digest in the manifest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from ledger.note import VerifierKey
from ledger.policy import Policy
from ledger.school import School, take_in
from ledger.sessions import LONDON, from_micros, micros
from projections.archive import Manifest
from projections.archive.reading import open_archive
from projections.asking.questions import Answers, Moment
from projections.readmodel.frames import Entries, Roll, roll_of


class ArchiveSource:
    """An opened archive, which answers about any moment up to its end, and keeps what it has read. Raises Misconfigured
    for a folder without one, for one that the key did not sign, and for a file that is not the one of the manifest,
    when that is read."""

    def __init__(self, folder: Path, key: VerifierKey | None = None) -> None:
        self._archive = open_archive(folder, key=key)
        self._schools: dict[int, School] = {}  # by position
        self._rolls: dict[int, Roll] = {}  # by position
        self._frames: dict[tuple[int, tuple[int, ...]], Entries] = {}  # by position and school years

    @property
    def manifest(self) -> Manifest:
        return self._archive.manifest

    @property
    def signed_by(self) -> str:
        """Whose key signed it, blank where nobody named a key."""
        return self._archive.signed_by

    def moment(
        self, as_of: date | None = None, known_at: datetime | None = None, policy: str | Policy | None = None
    ) -> Moment:
        """Return the moment of a question; what is left out, and what lies after the end, is taken as `Answers.moment`
        takes it."""
        position, known, last = self._known(None if known_at is None else micros(known_at))
        school = self._school(position)
        if as_of is None:
            now = from_micros(last) if self.manifest.simulated else datetime.now(UTC)
            as_of = now.astimezone(LONDON).date()
        return Moment(as_of, from_micros(known), position, school, Answers.policy_of(school, as_of, policy))

    def entries(self, moment: Moment, years: Sequence[int], pupils: Sequence[str]) -> Entries:
        """Return the marks of these pupils, in their order, as known at the moment."""
        key = moment.position, tuple(years)
        if key not in self._frames:
            self._frames[key] = self._archive.standing(None, moment.position, years)
        return self._frames[key].over(pupils)

    def roll(self, moment: Moment, pupils: list[str]) -> Roll:
        """Return the roll of these pupils, in their order, as known at the moment."""
        if (roll := self._rolls.get(moment.position)) is None or roll.pupils != pupils:
            roll = self._rolls[moment.position] = roll_of(moment.school, pupils)
        return roll

    def _school(self, position: int) -> School:
        if position not in self._schools:
            known = (row for row in self._archive.references if row.position <= position)
            self._schools[position] = take_in(School(), known)
        return self._schools[position]

    def _known(self, wanted: int | None) -> tuple[int, int, int]:
        """Return the position and the time of a moment of knowledge, and the time of the last event."""
        last = self.manifest.segments[-1].recorded_at
        if wanted is None or wanted >= last:
            return self.manifest.position, last, last
        return int(np.searchsorted(self._archive.times, wanted, "right")), wanted, last
