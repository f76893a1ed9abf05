"""What the verbs share that write a file: its option, the endings it may have, and how it comes to be there whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import Misconfigured

OutOption = Annotated[
    str | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to this file; its ending says the kind.")
]


def out_path(text: str, endings: tuple[str, ...]) -> Path:
    """Return the path of a file to write. Raises Misconfigured for an ending that is none of these, or no folder."""
    path = Path(text)
    if path.suffix not in endings:
        raise Misconfigured(f"'{path.name}' ends in none of {', '.join(endings)}")
    if not path.absolute().parent.is_dir():
        raise Misconfigured(f"there is no folder for the file '{path.name}'")
    if path.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise Misconfigured(f"the file '{path.name}' cannot be written there")
    return path


def write_whole(
    path: Path, write: Callable[[Path], object], before_it_counts: Callable[[Path], object] = lambda draft: None
) -> None:
    """Write a file beside its place and move it there: what was there before stays until all of it has succeeded.

    `before_it_counts` is called with the finished draft; where it raises, no file is left. Raises Misconfigured.
    """
    draft = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        write(draft)
        before_it_counts(draft)
        os.replace(draft, path)
    except OSError as error:
        raise Misconfigured(f"the file '{path.name}' cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file. Raises Misconfigured."""
    write_whole(path, lambda draft: draft.write_bytes(content))
