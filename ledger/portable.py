"""The portable record: what a pupil who moves takes to the next school, so that the ten weeks of the penalty threshold
and the three years of notices go on, and so that the next school can check it without trusting the paper it came on.

One JSON file:

    {"record":{…},"signed":"attendance portable record\\nsha256 …\\n\\n— attendance/117000 …\\n"}

The note signs the SHA-256 of the record's bytes as they stand, so a file is never written anew by whoever passes it on.
In the record stand the codes, with when and at which position each was recorded, and under them the proof: the rows
behind them as stored, the leaf hash of every other row of the pupil's in those school years (the former school's
business, and nothing can be read from it), and the inclusion proof of the digest of all of them in a checkpoint that
was signed at sealing. So no mark can be put in that was not in the sealed ledger, and none of the pupil's rows is
unaccounted for. Reasons, details and who signed stay sealed in their rows; names are in the record as far as people
must match them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from hashlib import sha256
from typing import Literal

import msgspec

from ledger import wire
from ledger.errors import LedgerError
from ledger.events import NoticeIssued, NoticeWithdrawn
from ledger.merkle import SIZE, leaf_hash, verify_inclusion
from ledger.note import DASH, BadNote, VerifierKey, open_note, parse_checkpoint
from ledger.seal import YearLine
from ledger.sessions import Session, format_moment, from_micros
from ledger.store.rows import Row
from ledger.streams import Owner, entry_of, owner_of

FORM: Literal["attendance portable record 1"] = "attendance portable record 1"


class BadRecord(LedgerError):
    """A file that is no portable record, or one that its key or its own proof does not bear out."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a portable record: nothing in it that nobody declared."""


class FormerSchool(Part, frozen=True, kw_only=True):
    urn: str
    name: str
    la: str
    estab: str


class FormerPupil(Part, frozen=True, kw_only=True):
    """The pupil, as the former school's admission register has them."""

    number: str
    upn: str
    name: str
    born: date


class PortableMark(Part, frozen=True, kw_only=True):
    code: str
    recorded_at: str
    position: int


class PortableEntry(Part, frozen=True, kw_only=True):
    """One entry: its marks, oldest first; the first is the original entry."""

    session: str
    entries: list[PortableMark]


class PortableNotice(Part, frozen=True, kw_only=True):
    """A notice, to whom, and how it stood: "open", "paid", "unpaid" or "withdrawn"."""

    notice: str
    parent: str
    parent_name: str
    issued_on: date
    sessions: list[str]
    state: str
    position: int
    recorded_at: str


class Leaf(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A stored row of the pupil's; or of one that the record does not rest on only its place and hash."""

    position: int
    hash: bytes = b""
    stream: str = ""
    version: int = 0
    topic: str = ""
    recorded_at: int = 0
    state: bytes = b""

    def row(self) -> Row:
        return Row(self.position, self.stream, self.version, self.topic, self.recorded_at, self.state)


class YearRows(Part, frozen=True, kw_only=True):
    """All rows of one school year of the pupil's (0: of no single year) up to the checkpoint, in order of position, and
    the proof of their line in the checkpoint's tree of years."""

    year: int
    index: int
    proof: bytes
    leaves: list[Leaf]


class PortableRecord(Part, frozen=True, kw_only=True):
    """What a former school's ledger said of a pupil as of a day, as known at a moment. `weeks` are the Mondays of its
    last school weeks."""

    form: Literal["attendance portable record 1"]
    simulated: bool
    as_of: date
    known_at: datetime
    position: int
    policy: str
    ledger: str
    school: FormerSchool
    pupil: FormerPupil
    spells: list[tuple[date, date | None]]
    weeks: list[date]
    entries: list[PortableEntry]
    notices: list[PortableNotice]
    checkpoint: str
    years: list[YearRows]


class _File(Part, frozen=True):
    record: msgspec.Raw
    signed: str


def format_record(record: PortableRecord, sign: Callable[[str], str]) -> str:
    """Return the file of a record; `sign` makes a signed note of a text. The inverse of `open_record`."""
    content = msgspec.json.encode(record)
    return _file(content, sign(_statement(content)))


def open_record(text: str, key: VerifierKey) -> tuple[PortableRecord, str]:
    """Return the record that a file holds, and its digest. Raises BadRecord unless the key signed it, every byte is as
    it was written, and its proof bears it out."""
    try:
        file = msgspec.json.decode(text, type=_File)
        record = msgspec.json.decode(file.record, type=PortableRecord)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise BadRecord("a portable record, as 'attendance portable' writes it") from None
    content = bytes(file.record)
    try:
        if open_note(file.signed, key) != _statement(content):
            raise BadRecord("a record of just these bytes under its signature")
    except BadNote:
        raise BadRecord("a record that this key signed") from None
    if _file(content, _plain(file.signed)) != text:
        raise BadRecord("a record written just as it was signed")
    try:
        _check_proof(record, key)
    except (wire.Undecodable, ValueError, LookupError):
        raise BadRecord("rows that can be read") from None
    return record, sha256(content).hexdigest()


def _statement(content: bytes) -> str:
    return f"attendance portable record\nsha256 {sha256(content).hexdigest()}\n"


def _file(content: bytes, signed: str) -> str:
    return f'{{"record":{content.decode()},"signed":{msgspec.json.encode(signed).decode()}}}\n'


def _plain(signed: str) -> str:
    """Return a note with its first signature alone, in the one way of writing it."""
    statement, _, rest = signed.partition("\n\n")
    name, _, encoded = rest.partition("\n")[0].removeprefix(DASH).rpartition(" ")
    return f"{statement}\n\n{DASH}{name} {base64.b64encode(_decoded(encoded)).decode()}\n"


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded)
    except ValueError:  # letters beyond ASCII
        return b""


# --- the proof ------------------------------------------------------------------------------------------------------


def _check_proof(record: PortableRecord, key: VerifierKey) -> None:
    """Raise BadRecord unless entries and notices are what rows of the sealed ledger say."""
    try:
        checkpoint = parse_checkpoint(open_note(record.checkpoint, key))
    except BadNote:
        raise BadRecord("a checkpoint that this key signed") from None
    for year in record.years:
        owner, leaves = Owner(record.pupil.number, year.year), [_hash(leaf) for leaf in year.leaves]
        line = YearLine(owner, len(leaves), sha256(b"".join(leaves)).digest()).text
        proof = [year.proof[at : at + SIZE] for at in range(0, len(year.proof), SIZE)]
        if not verify_inclusion(leaf_hash(line), year.index, checkpoint.years, proof, checkpoint.years_root):
            raise BadRecord(f"all rows of the pupil's that were sealed of the school year {year.year}")
        if any(owner_of(row.stream) != owner for row in _rows([year])):
            raise BadRecord("no rows of anybody else")
    rows = [row for row in _rows(record.years) if row.position <= record.position]
    if list(entries_of(rows)) != record.entries:
        raise BadRecord("entries that say what the sealed rows say")
    if notices_of(rows) != {each.notice: _said(each) for each in record.notices}:
        raise BadRecord("notices that say what the sealed rows say")


def _hash(leaf: Leaf) -> bytes:
    return leaf.hash or wire.leaf(*leaf.row())


def _rows(years: Iterable[YearRows]) -> Iterator[Row]:
    return (leaf.row() for year in years for leaf in year.leaves if not leaf.hash)


def entries_of(rows: Iterable[Row]) -> Iterator[PortableEntry]:
    """Yield the entries that rows make, in order of session."""
    found: dict[Session, list[PortableMark]] = {}
    for row in sorted(rows, key=lambda row: row.position):
        if row.topic.startswith("entry."):
            found.setdefault(entry_of(row.stream)[1], []).append(_mark(row))
    for session, marks in sorted(found.items()):
        yield PortableEntry(session=str(session), entries=marks)


def _mark(row: Row) -> PortableMark:
    code = getattr(wire.decode(row.state), "code", "")
    return PortableMark(code=code, recorded_at=format_moment(from_micros(row.recorded_at)), position=row.position)


def notices_of(rows: Iterable[Row]) -> dict[str, tuple[str, date, list[str], int, bool]]:
    """Return what rows say of each notice: parent, issue, sessions, position, and whether it was withdrawn."""
    found: dict[str, tuple[str, date, list[str], int, bool]] = {}
    for row in sorted(rows, key=lambda row: row.position):
        name, event = row.stream.rpartition("/")[2], wire.decode(row.state)
        if isinstance(event, NoticeIssued):
            found[name] = event.parent, event.issued_on, list(event.sessions), row.position, False
        elif isinstance(event, NoticeWithdrawn):
            found[name] = (*found[name][:4], True)
    return found


def _said(notice: PortableNotice) -> tuple[str, date, list[str], int, bool]:
    return notice.parent, notice.issued_on, notice.sessions, notice.position, notice.state == "withdrawn"
