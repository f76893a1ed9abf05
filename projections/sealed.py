"""Whether a ledger is what was signed: its rows read again and held against checkpoints from outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ledger import note
from ledger.errors import Finding, Misconfigured
from ledger.note import Checkpoint
from ledger.seal import findings, open_seal, read
from ledger.sessions import format_moment
from ledger.stamp import BadStamp, stamped_at
from ledger.store import Ledger
from projections.replay import pages


def sealed_findings(
    ledger: Ledger, folder: Path | None, checkpoints: Sequence[Path] = (), verifier: str | None = None
) -> list[Finding]:
    """Return where the ledger differs from the checkpoints of a seal's folder and of these files, and what is missing
    from that folder; none where neither was given.

    Raises Misconfigured or BadNote for what is no seal, no checkpoint or not signed."""
    held, found = None, list[Finding]()
    signed: list[Checkpoint] = []
    if folder is not None:
        seal = open_seal(folder)
        if verifier is not None and note.parse_key(verifier) != seal.key:
            raise Misconfigured(f"the seal in {folder} has another key than --verifier")
        signed, found = seal.checkpoints(), seal.faults()
        held = None if found else seal.held()
        verifier = str(seal.key)
    if checkpoints:
        if verifier is None:
            raise Misconfigured("a checkpoint is checked with its verifier key: give --verifier, what key.pub holds")
        key = note.parse_key(verifier)
        signed += [note.parse_checkpoint(note.open_note(_text(path), key)) for path in checkpoints]
    if not signed:
        return found
    rows = (row for page in pages(ledger, ledger.reads.end()) for row in page)
    return found + findings(read(rows, {checkpoint.size for checkpoint in signed}), signed, held)


def stamp_findings(folder: Path, roots: Path) -> tuple[list[Finding], list[str]]:
    """Return which time stamps of a seal's folder do not hold by these root certificates, and a line for each that
    does."""
    found, lines = [], []
    for signed, answer in open_seal(folder).stamps():
        size = note.parse_checkpoint(note.open_note(signed, open_seal(folder).key)).size
        try:
            at = stamped_at(signed, answer, roots.read_bytes())
        except OSError as error:
            raise Misconfigured(f"the certificates {roots} cannot be read") from error
        except BadStamp as error:
            found.append(Finding("stamp", str(error), position=size))
        else:
            lines.append(f"the checkpoint over {size} events was there on {format_moment(at)}")
    return found, lines


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the checkpoint {path} cannot be read") from error
