"""Reading an archive: what a question needs from its packed files, and from the tail of the ledger after them.

Every file that is read is hashed first, from the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from ledger import wire
from ledger.errors import Misconfigured
from ledger.note import VerifierKey
from ledger.store import Ledger, Reads, Row
from projections.archive import Held, Manifest, content, read_manifest
from projections.archive.packed import unpack_marks, unpack_references, unpack_times
from projections.archive.signing import signed_by
from projections.readmodel.frames import NO_ENTRIES, Entries, end_each, joined

UNSIGNED = "unsigned"


class Archive:
    """An opened archive. `signed_by` is whose key signed its manifest, where somebody named that key; blank where
    nobody did, and then every answer from it has to say so."""

    def __init__(self, folder: Path, held: Held, signed_by: str = "") -> None:
        self.folder = folder
        self.held = held
        self.signed_by = signed_by

    @property
    def signature(self) -> str:
        """What an answer says of the archive that it was read from."""
        return f"signed by {self.signed_by}" if self.signed_by else UNSIGNED

    @property
    def manifest(self) -> Manifest:
        return self.held.manifest

    @property
    def position(self) -> int:
        return self.manifest.position

    def check(self, ledger: Ledger) -> None:
        """Raise Misconfigured unless this is an archive of that ledger: the same first event, and the same one at the
        end of each segment."""
        manifest = self.manifest
        if ledger.identity != manifest.ledger:
            raise Misconfigured(f"the archive {self.folder} is of another ledger, school {manifest.urn}")
        ends = {
            row.position: wire.leaf(*row).hex() for row in ledger.reads.rows_at([s.last for s in manifest.segments])
        }
        for segment in manifest.segments:
            if ends.get(segment.last) != segment.head:
                raise Misconfigured(
                    f"the event at position {segment.last} of the ledger is not the one that {segment.file} in "
                    f"{self.folder} ends with: 'attendance archive --verify' says more"
                )

    def marks(self, year: int, position: int | None = None) -> Entries | None:
        """Return the marks of a school year that stood at a position in the archive, with None in every version; None
        where it has none. Raises Misconfigured where a file is not the one of the manifest, as all do that read one."""
        for each in self.manifest.marks:
            if each.year == year:
                return unpack_marks(content(self.folder, each), position)
        return None

    @cached_property
    def times(self) -> np.ndarray:
        """When each position was recorded, from the first on."""
        return unpack_times(content(self.folder, self.manifest.times))

    @cached_property
    def references(self) -> list[Row]:
        """All reference events in the archive."""
        return unpack_references(content(self.folder, self.manifest.references))

    def standing(self, reads: Reads | None, position: int, years: Sequence[int]) -> Entries:
        """Return the marks of these school years that stand at a position. What came after the archive is read from the
        ledger."""
        if position <= self.position:
            return _together([self.marks(year, position) for year in years])
        assert reads is not None, "a position after the archive's end is the ledger's"
        # Imported here: what does not go beyond the archive does not wait for Polars.
        from projections.archive.pages import tail

        every = [*(self.marks(year) for year in years), tail(self.folder, self.manifest, reads, position, years)]
        return end_each(_together(every)).known_at(position)


def open_archive(folder: Path, ledger: Ledger | None = None, key: VerifierKey | None = None) -> Archive:
    """Return the archive of a folder, held against the ledger where that is given, and its signature against a key
    where that is. Raises Misconfigured."""
    held = read_manifest(folder)
    if held is None:
        raise Misconfigured(f"there is no archive in {folder}: 'attendance archive' writes one")
    if key is not None and not signed_by(folder, held, key):
        raise Misconfigured(f"the archive {folder} is not signed by {key.name} under the key that was named")
    archive = Archive(folder, held, key.name if key else "")
    if ledger is not None:
        archive.check(ledger)
    return archive


def _together(frames: Sequence[Entries | None]) -> Entries:
    """Return the marks of frames as one, over the pupils of all of them."""
    there = [frame for frame in frames if frame is not None]
    pupils = sorted({pupil for frame in there for pupil in frame.pupils})
    return joined([frame.over(pupils) for frame in there]) if there else NO_ENTRIES
