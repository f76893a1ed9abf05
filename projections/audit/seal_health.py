"""Whether a ledger is what was signed: its rows read again and held against checkpoints from outside.

Three sources say what was signed: the seal's folder, files that somebody holds, and what the key store remembers of
this ledger's seals (`ledger.epochs`), which is looked at also where nobody names a seal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ledger import note
from ledger.epochs import Epoch, Epochs, last_signed
from ledger.errors import LedgerError, Misconfigured
from ledger.finding import Finding
from ledger.note import Checkpoint
from ledger.seal import Reading, Seal, findings, open_seal, read
from ledger.sessions import format_moment, from_micros
from ledger.stamp import BadStamp, stamped_at
from ledger.store import Ledger, position_at
from ledger.words import counted
from projections.readmodel.replay import pages


class Cover(NamedTuple):
    """What is covered by checkpoints that hold: events up to `position`, the last of them recorded at a moment, and how
    many came later. `seals` says which seal of the ledger's it is, of how many; 0 of 0 where nobody remembers."""

    position: int
    recorded_at: str
    later: int
    seal: int = 0
    seals: int = 0

    @property
    def sentence(self) -> str:
        rest = f"{counted(self.later, 'later event is', 'later events are')} covered by nothing"
        up_to = f"sealed up to {self.position} on {self.recorded_at}" if self.position else "nothing is sealed"
        return f"{up_to}; {rest if self.later else 'no event is later'}"


class SealReport(NamedTuple):
    """What was found, what is covered (None where nothing that was signed is known), and what else is to be said."""

    findings: list[Finding]
    cover: Cover | None
    notes: list[str]


def seal_report_of(
    ledger: Ledger,
    folder: Path | None,
    checkpoints: Sequence[Path] = (),
    verifier: str | None = None,
    epochs: Epochs | None = None,
) -> SealReport:
    """Return where the ledger differs from the checkpoints of a seal's folder, of these files and of the key store, and
    what is missing from that folder.

    Raises Misconfigured or BadNote for what is no seal, no checkpoint or not signed by the key."""
    remembered, notes = _remembered(epochs)
    by_key: defaultdict[str, list[Checkpoint]] = defaultdict(list)
    for epoch, checkpoint in last_signed(remembered):
        by_key[epoch.verifier].append(checkpoint)
    differences = [
        Finding("seal", f"the key store remembers a note of seal {epoch.number} that its key did not sign")
        for epoch in remembered
        if epoch.note and epoch.number not in {each.number for each, _ in last_signed(remembered)}
    ]
    held = None
    seal = _opened(folder, remembered, differences) if folder is not None else None
    key = verifier or (str(seal.key) if seal else None)
    outside = _outside(checkpoints, key)
    by_key[(key or "").strip()] += outside
    if seal is not None:
        if verifier is not None and note.parse_key(verifier) != seal.key:
            raise Misconfigured(f"the seal in {folder} has another key than --verifier")
        differences += _replaced(seal, remembered)
        notes += _which(seal, remembered)
        try:
            signed, faults = seal.checkpoints(), seal.faults()
            differences += faults
            if not faults:
                held = seal.held()
                differences += _behind(signed, by_key[str(seal.key)])
                differences += seal.forks(by_key[str(seal.key)])
            by_key[str(seal.key)] += signed
        except LedgerError as error:
            differences.append(Finding("seal", str(error)))
    every = [checkpoint for group in by_key.values() for checkpoint in group]
    if not every:
        if folder is None and not notes:
            notes.append("no seal was given, so nobody looked whether events were changed and made to fit")
        return SealReport(differences, Cover(0, "", ledger.reads.end()) if folder is not None else None, notes)
    rows = (row for page in pages(ledger, ledger.reads.end()) for row in page)
    sizes = {each.size for each in every}
    reading = read(rows, sizes, whole={each.size for each in every if not each.of_first_form})
    differing = [each for group in by_key.values() for each in findings(reading, group)]
    differences += dict.fromkeys(differing + findings(reading, [], held))
    differences = list(dict.fromkeys(differences))
    if folder is None and not checkpoints:
        notes.append("no seal was given: held against what the key store remembers of this ledger's seals")
    return SealReport(differences, _cover(ledger, reading, every, seal, remembered), notes)


def short_findings(ledger: Ledger, cover: Cover | None, at_least: int | None, by: int | None) -> list[Finding]:
    """Return that less is sealed than somebody asks for: events up to a position, or all recorded by a moment
    (microseconds)."""
    covered = cover.position if cover else 0
    wanted = [at_least or 0, position_at(ledger.reads, by) if by is not None else 0]
    if max(wanted) <= covered:
        return []
    so_far = cover.sentence if cover else "nothing is sealed"
    return [Finding("sealed_short", f"events up to {max(wanted)} should be sealed: {so_far}", position=covered + 1)]


def _remembered(epochs: Epochs | None) -> tuple[list[Epoch], list[str]]:
    """Return the seals that the key store remembers, and what is to be said where it cannot be asked."""
    if epochs is None:
        return [], ["the key store is missing, so nobody remembers which seal is this ledger's"]
    try:
        return epochs.all(), []
    except Misconfigured as error:
        return [], [str(error)]


def _opened(folder: Path, remembered: Sequence[Epoch], differences: list[Finding]) -> Seal | None:
    """Return the seal of a folder; None, and a finding, where there is none any more. Raises Misconfigured where nobody
    remembers one."""
    try:
        return open_seal(folder)
    except Misconfigured as error:
        if not remembered:
            raise
        differences.append(
            Finding("seal", f"{error}; the key store remembers seal {remembered[-1].number} of this ledger")
        )
        return None


def _outside(checkpoints: Sequence[Path], verifier: str | None) -> list[Checkpoint]:
    """Return the checkpoints of these files. Raises Misconfigured, and BadNote where the key did not sign one."""
    if checkpoints and verifier is None:
        raise Misconfigured("a checkpoint is checked with its verifier key: give --verifier, what key.pub holds")
    return [note.parse_checkpoint(note.open_note(_text(path), note.parse_key(verifier or ""))) for path in checkpoints]


def _replaced(seal: Seal, remembered: Sequence[Epoch]) -> list[Finding]:
    """Return that a seal is none of those that were begun of this ledger."""
    if not remembered or str(seal.key) in {epoch.verifier for epoch in remembered}:
        return []
    last = remembered[-1]
    sentence = (
        f"this seal's key is not that of seal {last.number}, which the key store remembers as begun on "
        f"{_day(last)}: the folder was put in its place"
    )
    return [Finding("seal_replaced", sentence)]


def _which(seal: Seal, remembered: Sequence[Epoch]) -> list[str]:
    """Return what is to be said of a ledger that has had more seals than one."""
    if len(remembered) < 2:
        return []
    number = next((epoch.number for epoch in remembered if epoch.verifier == str(seal.key)), None)
    begun = ", ".join(f"seal {epoch.number} on {_day(epoch)}" for epoch in remembered)
    this = f"this is seal {number}" if number else "this is none of them"
    return [f"{len(remembered)} seals of this ledger were begun ({begun}): {this}"]


def _behind(signed: Sequence[Checkpoint], remembered: Sequence[Checkpoint]) -> list[Finding]:
    """Return that a folder lacks the checkpoint that its key is remembered to have signed last."""
    end = max((each.size for each in signed), default=0)
    return [
        Finding(
            "seal",
            f"this seal ends at {end}, and its key signed up to {each.size}: the folder is an older copy, or later "
            "checkpoints were taken away",
        )
        for each in remembered
        if each.size > end
    ]


def _cover(
    ledger: Ledger, reading: Reading, every: Sequence[Checkpoint], seal: Seal | None, remembered: Sequence[Epoch]
) -> Cover:
    holding = [each.size for each in every if each.size <= reading.size and reading.roots[each.size] == each.root]
    position, end = max(holding, default=0), ledger.reads.end()
    verifier = str(seal.key) if seal else (remembered[-1].verifier if remembered else "")
    number = next((epoch.number for epoch in remembered if epoch.verifier == verifier), 0)
    until = [format_moment(from_micros(row.recorded_at)) for row in ledger.reads.rows_at([position])]
    return Cover(position, "".join(until), max(end - position, 0), number, len(remembered))


def _day(epoch: Epoch) -> str:
    return from_micros(epoch.begun_at).date().isoformat()


def stamp_findings(folder: Path, roots: Path) -> tuple[list[Finding], list[str]]:
    """Return which time stamps of a seal's folder do not hold by these root certificates, or that it has none, and a
    line for each that does."""
    try:
        trusted = roots.read_bytes()
    except OSError as error:
        raise Misconfigured(f"the certificates {roots} cannot be read") from error
    seal, faults, lines = open_seal(folder), [], []
    stamps = seal.stamps()
    if not stamps:
        faults.append(Finding("stamp", "no checkpoint of this seal has a time stamp"))
    for signed, answer in stamps:
        size = note.parse_checkpoint(note.open_note(signed, seal.key)).size
        try:
            at = stamped_at(signed, answer, trusted)
        except BadStamp as error:
            faults.append(Finding("stamp", str(error), position=size))
        else:
            lines.append(f"the checkpoint over {size} events was there on {format_moment(at)}")
    return faults, lines


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the checkpoint {path} cannot be read") from error
