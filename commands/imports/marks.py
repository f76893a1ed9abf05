"""Marks that another system asserts, brought into the ledger: `attendance import marks FILE.csv`.

Problem: a school brings years of marks with it, half a million rows that nobody can check by eye, and an import that
stops in the middle, runs twice or guesses leaves a register that nobody can trust.

Observations: what a file says is not what happened here: the earlier history of such a mark is unknown. The key of an
entry lets an original in once. The same file judged against the same school gives the same marks in the same order.

Choice: three passes, each flat in memory. *Reading* matches pupils, asks the rules and stages what they allow;
*checking* drops what the file repeats, what it contradicts and what the ledger holds already; *saving* appends the
rest in batches, one transaction each, in order of pupil and session. Only the last writes to the ledger, and the
rejects file is complete before it begins. So a dry run is the first two passes, and an import that was stopped
continues by being started again. Nothing is ever overwritten.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from commands.deciding.state import signed
from commands.handle import ATTEMPT_PAUSE, ATTEMPTS, accepted_clock, time_of
from commands.imports.exports import ExportedMark, RejectedCell, Shape, detect, digest, read
from commands.imports.rules import Pupils, Rules, Unfit, particulars
from commands.imports.staging import Rejected, StagedMark, Staging, check_rejects_path
from commands.models.base import By
from commands.sealing import open_row, seal_all
from ledger import text, wire
from ledger.authorship import recording_key
from ledger.entry import Entry
from ledger.errors import LedgerError, Misconfigured, Refused
from ledger.events import Event, ImportBegun, MarkAsserted, StaffNamed
from ledger.keys import KeyStore
from ledger.people import Staff
from ledger.school import School, take_in
from ledger.sessions import Session
from ledger.store import Conflict, Envelope, Ledger, Receipt, Row, Unavailable
from ledger.streams import CLOCK, SCHOOL, Owner, entry_stream, owner_of

BATCH = 2_000
MOST_ROWS = 10_000_000  # the largest schools make a million and a half a year
REPORTED = 5_000  # marks read between two reports of progress
SOURCES = {"long": "long export", "department": "department's download", "wide": "register print"}
DISAGREE = "another row of the file gives the same session another code or comment"
STANDS = "the ledger holds another code or detail for the session, and an import overwrites nothing"
UNREADABLE = "the ledger holds an event there that cannot be read; see 'attendance doctor'"

# Called with the pass (reading, checking, saving), how many marks it is done with and, once known, of how many.
Progress = Callable[[str, int, int | None], None]


class ImportResult(NamedTuple):
    """What became of a file: its `rows` marks and unreadable cells are each counted in one of the four before it.

    `repeated` are marks that the file holds more than once, `reasons` counts the rejected. `rejects` is the path of the
    rejects file, None where nothing was rejected. After a dry run `imported` is what would have been.
    """

    imported: int
    already: int
    repeated: int
    rejected: int
    rows: int
    digest: str
    source: str
    reasons: dict[str, int]
    rejects: str | None
    dry_run: bool
    simulated: bool

    def __str__(self) -> str:
        """Return what happened in one sentence; it names nobody."""
        verb = "would be imported" if self.dry_run else "imported"
        parts = [f"{self.imported:,} of {self.rows:,} marks {verb} (source: {self.source})"]
        parts += [f"{self.already:,} were in the ledger already"] if self.already else []
        parts += [f"{self.repeated:,} stood in the file twice"] if self.repeated else []
        parts += [f"{self.rejected:,} rejected, see {self.rejects}"] if self.rejected else []
        return "; ".join(parts) + "."


def import_marks(
    path: str | Path,
    ledger: Ledger,
    keys: KeyStore,
    by: By | Staff,
    *,
    source: str = "",
    rejects: str | Path | None = None,
    dry_run: bool = False,
    at: datetime | None = None,
    progress: Progress | None = None,
    accept_clock: bool = False,
    clock: Callable[[], datetime] | None = None,
) -> ImportResult:
    """Return what became of every mark of an export, each one imported durably; with `dry_run`, what would.

    `source` is what the ledger calls the prior system, by default the shape of the file; `rejects` defaults to
    FILE-rejects.csv in the working folder; `at` is the recorded time on a simulated ledger; `accept_clock`: that the
    clock of another is right, however far it is ahead. Raises LedgerError before
    anything is written where the file is no export, the ledger has no school, the time cannot be had, or keys that are
    needed are lost; Unavailable where the database stopped answering: started again, the import continues.
    """
    shape, name = detect(path), digest(path)
    rejects_path = Path(rejects if rejects is not None else f"{Path(path).stem}-rejects.csv")
    check_rejects_path(rejects_path)
    ledger.check_restored()
    _check_source(source)
    school = take_in(School(), ledger.reads.reference_rows(0))
    if school.opened is None:
        raise Refused("school_not_open", field="ledger", value=ledger.address.shown)
    begun = ImportBegun(by=signed(by), source=source.strip() or SOURCES[shape.kind], digest=name, rows=0)
    now, stamp = time_of(at, ledger, school.simulated, clock or ledger.now)
    with Staging() as staging:
        work = _Import(ledger, keys, school, staging, begun, now, stamp, accept_clock, progress)
        work.read(path, shape)
        if digest(path) != name:
            raise LedgerError(f"{path}: changed while it was being read, so nothing was imported")
        work.check()
        staging.write_rejects(rejects_path)
        known = staging.count("rejects")
        if not dry_run:
            work.save()
        rejected = staging.count("rejects")
        if rejected > known:
            # Somebody recorded marks or changed the roll meanwhile.
            staging.write_rejects(rejects_path)
        return ImportResult(
            imported=staging.count("ready") if dry_run else work.tally["imported"],
            already=work.tally["already"],
            repeated=work.tally["repeated"],
            rejected=rejected,
            rows=work.tally["rows"],
            digest=name,
            source=school.imports.get(name, begun).source,
            reasons=staging.reasons(),
            rejects=str(rejects_path) if rejected else None,
            dry_run=dry_run,
            simulated=school.simulated,
        )


def _check_source(source: str) -> None:
    try:
        text.check(source)
    except text.Unfit as unfit:
        raise Refused("malformed", field="source", expected=str(unfit)) from None


class _Import:
    """One import under way. `tally` counts what became of the marks."""

    def __init__(
        self,
        ledger: Ledger,
        keys: KeyStore,
        school: School,
        staging: Staging,
        begun: ImportBegun,
        now: datetime,
        stamp: int | None,
        accept_clock: bool,
        progress: Progress | None,
    ) -> None:
        self._ledger, self._keys, self._school, self._staging = ledger, keys, school, staging
        self._begun, self._now, self._stamp, self._accept_clock = begun, now, stamp, accept_clock
        self._progress = progress or (lambda stage, done, total: None)
        self._rules = Rules(school, now)
        self._school_changed = False
        self._receipt = 1
        self.tally: Counter[str] = Counter()

    # --- reading ---

    def read(self, path: str | Path, shape: Shape) -> None:
        """Stage the marks that the rules allow, reject the others."""
        if self._keys.lost and "admission number" not in shape.columns:
            raise Misconfigured(
                f"the key store {self._keys.address} is missing, and without it pupils are known by admission number "
                "only, which this file does not hold"
            )
        pupils = Pupils(self._school.pupils, particulars(self._school, self._ledger, self._keys))
        columns = {word: shape.header[at] for word, at in shape.columns.items()}
        for found in read(path, shape):
            if isinstance(found, RejectedCell):
                self._staging.reject(Rejected(*found))
            else:
                self._stage(found, pupils, columns)
            self.tally["rows"] += 1
            if self.tally["rows"] > MOST_ROWS:
                raise LedgerError(
                    f"{path}: holds more than {MOST_ROWS:,} marks, and nothing was imported: do it in parts"
                )
            if self.tally["rows"] % REPORTED == 0:
                self._progress("reading", self.tally["rows"], None)
        self._progress("reading", self.tally["rows"], self.tally["rows"])

    def _stage(self, mark: ExportedMark, pupils: Pupils, columns: dict[str, str]) -> None:
        session = Session(mark.day, mark.half)
        try:
            pupil = pupils.number(mark)
            self._rules.check(pupil, session, mark.code)
            text.check(mark.comment, lines=True)
        except text.Unfit as unfit:
            reason = f"the comment is not as it was expected, {str(unfit).removeprefix('expected ')}"
            self._staging.reject(Rejected(mark.row, columns.get("comment", ""), "", reason, str(session)))
        except Unfit as unfit:
            column, value = (columns.get(unfit.what, ""), unfit.value) if unfit.what else (mark.column, mark.code)
            self._staging.reject(Rejected(mark.row, column, value, unfit.reason, str(session)))
        else:
            self._staging.add(StagedMark(pupil, session.number, mark.row, mark.code, mark.column, mark.comment))

    # --- checking ---

    def check(self) -> None:
        """Keep for saving, in order, what neither the file nor the ledger contradicts or says already."""
        done, total = 0, self._staging.count("staged")
        sessions = self._staging.sessions()
        while some := list(islice(sessions, BATCH)):
            self._staging.keep(self._missing(self._agreed(some)))
            done += sum(map(len, some))
            self._progress("checking", done, total)
        if self._keys.lost and self._staging.has_comments():
            raise Misconfigured(
                f"the key store {self._keys.address} is missing, so comments cannot be sealed and nothing was imported"
            )

    def _agreed(self, sessions: Iterable[list[StagedMark]]) -> list[StagedMark]:
        """Return the one mark that all rows about a session agree on; where they do not, all are rejected."""
        agreed = []
        for marks in sessions:
            if len(marks) > 1 and len({(mark.code, mark.comment) for mark in marks}) > 1:
                for mark in marks:
                    self._reject(mark, DISAGREE)
            else:
                agreed.append(marks[0])
                self.tally["repeated"] += len(marks) - 1
        return agreed

    def _missing(self, marks: Iterable[StagedMark]) -> list[StagedMark]:
        """Return the marks whose entry does not exist yet. The others are there already, or rejected."""
        placed = {_stream(mark): mark for mark in marks}
        stored: dict[str, list[Row]] = {}
        for row in self._ledger.reads.stream_rows(list(placed)):
            stored.setdefault(row.stream, []).append(row)
        keys = self._keys.load(set(map(owner_of, stored)) - self._school.forgotten)
        for stream, rows in stored.items():
            mark = placed.pop(stream)
            try:
                says = self._says(rows, mark, keys)
            except wire.Undecodable:
                self._reject(mark, UNREADABLE)
                continue
            if says:
                self.tally["already"] += 1
            else:
                self._reject(mark, STANDS)
        return list(placed.values())

    def _says(self, rows: Sequence[Row], mark: StagedMark, keys: Mapping[Owner, bytes]) -> bool:
        """Whether an entry stands at what the mark says, or began with this very file's, whatever it says since."""
        events = [open_row(row, keys) for row in rows]
        original = events[0]
        if isinstance(original, MarkAsserted) and (original.source, original.code) == (self._begun.digest, mark.code):
            return True
        entry = Entry()
        for row, event in zip(rows, events, strict=True):
            entry = entry.after(row.version, event)
        # A comment left out contradicts nothing, nor do words whose key is gone.
        return entry.code == mark.code and (mark.comment in ("", entry.detail) or bool(events[-1].sealed))

    def _reject(self, mark: StagedMark, reason: str) -> None:
        session = str(Session.from_number(mark.session))
        self._staging.reject(Rejected(mark.row, mark.column, mark.code, reason, session))

    # --- saving ---

    def save(self) -> None:
        """Record what was kept, batch by batch; each is durable before the next one begins."""
        done, total = 0, self._staging.count("ready")
        self._pass_used_receipts()
        for marks in self._staging.batches(BATCH):
            self.tally["imported"] += self._save_batch(marks)
            done += len(marks)
            self._progress("saving", done, total)

    def _save_batch(self, marks: list[StagedMark]) -> int:
        """Return how many marks were recorded, in one transaction: after a conflict, those that are still wanted."""
        failure: Conflict | Unavailable | None = None
        for attempt in range(ATTEMPTS):
            time.sleep(ATTEMPT_PAUSE * attempt)
            try:
                if isinstance(failure, Unavailable) and self._happened(marks):
                    return len(marks)
                if failure is not None:
                    self._pass_used_receipts()
                    self._look_at_the_school()
                    marks = self._missing(marks)
                if self._school_changed:
                    marks = self._allowed(marks)
                if marks:
                    self._record(marks)
                return len(marks)
            except (Conflict, Unavailable) as error:
                failure = error
        raise Unavailable(f"no answer after {ATTEMPTS} attempts, start the import again to continue: {failure}")

    def _record(self, marks: Sequence[StagedMark]) -> None:
        """Append the marks and, before the first ones, who signs and that this import begins."""
        by, events = self._begun.by, list[Event]()
        if self._school.staff.get(by.id) != by:
            events.append(StaffNamed(by=by, staff=by))
        if self._begun.digest not in self._school.imports:
            events.append(structs.replace(self._begun, rows=self.tally["rows"]))
        version = self._school.versions.get(SCHOOL, 0)
        envelopes = [Envelope(SCHOOL, version + number, event) for number, event in enumerate(events, 1)]
        if self._accept_clock and self._stamp is None:
            accepted = accepted_clock(by, self._ledger, self._now)
            version = self._school.versions.get(CLOCK, 0)
            envelopes += [Envelope(CLOCK, version + 1, fact.event) for fact in accepted]
        envelopes += [Envelope(_stream(mark), 1, self._asserted(mark)) for mark in marks]
        receipt = Receipt(self._receipt_id(), _content(marks), "import")
        at = None if self._stamp is None else max(self._stamp, self._ledger.reads.head()[1])
        sealed = seal_all(envelopes, self._keys, self._ledger)
        key = recording_key(self._ledger, self._keys)
        positions = self._ledger.append(sealed, receipt=receipt, basis=self._school.position, at=at, key=key)
        self._receipt += 1
        if len(envelopes) > len(marks):
            # Up to the basis this is the school that the marks were judged by, so only our own events are new.
            ours = self._ledger.reads.reference_rows(self._school.position, positions[-1])
            self._school = take_in(self._school, ours)

    def _asserted(self, mark: StagedMark) -> MarkAsserted:
        return MarkAsserted(
            by=self._begun.by, code=mark.code, source=self._begun.digest, row=mark.row, detail=mark.comment
        )

    def _look_at_the_school(self) -> None:
        """Take in what others changed; from then on every mark is judged again."""
        position = self._school.position
        self._school = take_in(self._school, self._ledger.reads.reference_rows(position))
        if self._school.position != position:
            self._rules, self._school_changed = Rules(self._school, self._now), True

    def _allowed(self, marks: Iterable[StagedMark]) -> list[StagedMark]:
        allowed = []
        for mark in marks:
            try:
                self._rules.check(mark.pupil, Session.from_number(mark.session), mark.code)
                allowed.append(mark)
            except Unfit as unfit:
                self._reject(mark, unfit.reason)
        return allowed

    # --- receipts: one for each transaction of a file, numbered without gaps ---

    def _receipt_id(self) -> str:
        return f"import/{self._begun.digest}/{self._receipt}"

    def _pass_used_receipts(self) -> None:
        while self._ledger.reads.receipt(self._receipt_id()) is not None:
            self._receipt += 1

    def _happened(self, marks: Sequence[StagedMark]) -> bool:
        """Whether a save whose answer was lost was carried out after all."""
        found = self._ledger.reads.receipt(self._receipt_id())
        return found is not None and found.digest == _content(marks)


def _stream(mark: StagedMark) -> str:
    return f"{mark.pupil}/{_place(mark.session)}"


@lru_cache(maxsize=4096)
def _place(session: int) -> str:
    """Return what the streams of a session's entries have in common: all but the pupil, whose number comes first."""
    return entry_stream("", Session.from_number(session)).removeprefix("/")


def _content(marks: Iterable[StagedMark]) -> str:
    """Return a digest of what a batch says, in words that stand in the ledger in the clear."""
    return sha256("\n".join(f"{_stream(mark)} {mark.row} {mark.code}" for mark in marks).encode()).hexdigest()
