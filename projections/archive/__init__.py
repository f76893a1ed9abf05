"""The archive of a ledger: sealed segments as columns, for whoever counts many years, many schools, or elsewhere.

Problem: a ledger is read row by row, and most of its rows are of years that are over. Observation: positions never
change, so everything recorded in a school year that is over is a file that never changes either. Choice: one Parquet
file for each such run of positions, with the stored bytes and beside them, typed, what they say; and a manifest with
the digest of every file, which the seal's key may sign.

The folder holds `manifest.json`, perhaps `manifest.note`, the segments, the roll, the calendar and the notices as known
at the last position in it, and the packed files that questions are answered from. Nothing in it is the ledger:
everything can be worked out again from the stored bytes, and `attendance archive --verify` does so.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from ledger.errors import Misconfigured

FAMILY = "attendance archive"
FORMAT = f"{FAMILY} 2"
MANIFEST, NOTE = "manifest.json", "manifest.note"
LONGEST = 50_000_000  # bytes of a manifest: a thousand school years have less
A_FILE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")  # beside the manifest, and nowhere else


class Form(msgspec.Struct, frozen=True):
    """What says how to read the rest of a manifest."""

    format: str


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One file of events: its positions (both inclusive), how many rows are marks and how many of them cannot be read,
    which school years the marks are of; and of its last event when it was recorded (microseconds since 1970, UTC), its
    digest, and the Merkle root of the ledger there (hex)."""

    file: str
    sha256: str
    year: int
    first: int
    last: int
    rows: int
    marks: int
    unread: int
    years: list[int]
    recorded_at: int
    head: str
    root: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One file beside the segments, and how many rows it has."""

    file: str
    sha256: str
    rows: int


class YearMarks(Table, frozen=True, kw_only=True):
    """The packed file of the marks of a school year."""

    year: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive holds. `ledger` is the ledger's identity, the digest of its first event; `root` the Merkle root
    at `position`, the last one archived. Roll, calendar and notices are as known there, for whoever asks in SQL; the
    references, the times and the marks of each school year are packed, for our questions."""

    format: str
    ledger: str
    urn: str
    simulated: bool
    position: int
    root: str
    segments: list[Segment]
    roll: Table
    calendar: Table
    notices: Table
    references: Table
    times: Table
    marks: list[YearMarks]

    @property
    def tables(self) -> list[Table]:
        """All files but the segments."""
        return [self.roll, self.calendar, self.notices, self.references, self.times, *self.marks]

    @property
    def files(self) -> list[Segment | Table]:
        return [*self.segments, *self.tables]


class Held(NamedTuple):
    """The manifest of a folder and the bytes that it was read from, which is what a signature is of."""

    manifest: Manifest
    raw: bytes


def encode(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest; the inverse of `read_manifest`."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def read_manifest(folder: Path) -> Held | None:
    """Return the manifest of a folder, None where there is none. Raises Misconfigured for one that cannot be read."""
    try:
        with (folder / MANIFEST).open("rb") as file:
            raw = file.read(LONGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Misconfigured(f"the archive {folder} cannot be read: {error.strerror}") from error
    if len(raw) > LONGEST:
        raise Misconfigured(f"{folder / MANIFEST} is longer than any manifest of an archive")
    try:
        form = msgspec.json.decode(raw, type=Form).format
        if form.startswith(FAMILY) and form != FORMAT:
            raise Misconfigured(
                f"{folder} is an archive of another release ({form!r}): write it anew, in an empty folder, with "
                "'attendance archive'"
            )
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Misconfigured(f"{folder / MANIFEST} is no manifest of an archive: {error}") from None
    if (
        manifest.format != FORMAT
        or not manifest.segments
        or not all(A_FILE.fullmatch(each.file) for each in manifest.files)
    ):
        raise Misconfigured(f"{folder / MANIFEST} is no manifest of an archive that this release reads")
    return Held(manifest, raw)


def check_files(folder: Path, manifest: Manifest | None) -> None:
    """Raise Misconfigured where a file of an archive is missing, or not the one of its manifest."""
    for file in manifest.files if manifest else []:
        content(folder, file)


def content(folder: Path, file: Segment | Table) -> bytes:
    """Return the bytes of a file of an archive. Raises Misconfigured where they are not those of the manifest."""
    try:
        raw = (folder / file.file).read_bytes()
    except OSError as error:
        raise Misconfigured(f"{folder / file.file} of the archive cannot be read: {error.strerror}") from error
    if sha256(raw).hexdigest() != file.sha256:
        raise Misconfigured(f"{folder / file.file} is not the file whose digest is in the manifest of the archive")
    return raw
