"""Files that a verb writes: checked before anything is recorded, and complained of in one sentence."""

from __future__ import annotations

from pathlib import Path

from ledger.errors import Misconfigured


def file_of(output: str | None, *endings: str) -> Path | None:
    """Return where to write, None for nowhere. Raises Misconfigured for another ending, or where no folder is."""
    if output is None:
        return None
    path = Path(output)
    if path.suffix not in endings:
        raise Misconfigured(f"'{path.name}' does not end in {' or '.join(endings)}")
    if not path.absolute().parent.is_dir():
        raise Misconfigured(f"the folder of '{path.name}' is not there")
    return path


def save(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Misconfigured(f"the file '{path.name}' cannot be written: {error.strerror}") from error
