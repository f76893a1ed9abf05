"""What the verbs share that write a file: the endings it may have, and how it comes to be there whole."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

from ledger import durable
from ledger.errors import Misconfigured


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

    def counts(draft: Path) -> None:
        check_of_a_kind(path, draft)
        before_it_counts(draft)

    try:
        durable.write_whole(path, write, counts)
    except OSError as error:
        raise Misconfigured(f"the file '{path.name}' cannot be written: {error.strerror}") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file. Raises Misconfigured."""
    write_whole(path, lambda draft: draft.write_bytes(content))


def check_of_a_kind(there: Path, fresh: Path) -> None:
    """Raise Misconfigured where a file is in the place of another and is none of its kind: it may be anybody's."""
    if there.exists() and there.stat().st_size and kind_of(there) != kind_of(fresh):
        raise Misconfigured(
            f"the file '{there.name}' is there and is nothing that this verb wrote, so it stays as it is: give another "
            "name, or move it away"
        )


def kind_of(file: Path) -> object:
    """Return what the files of one verb have in common: the headings of a table, the names in an object, the element
    that a document begins with, the program that set a paper, what every bundle or book holds. None if nothing does."""
    content = file.read_bytes()
    try:
        if content.startswith(b"PK"):
            with zipfile.ZipFile(file) as archive:
                return sorted(set(archive.namelist()) & {"manifest", "evidence.json", "xl/workbook.xml"}) or None
        if content.startswith(b"%PDF"):
            return "paper" if b"Typst" in content else None
        if content.startswith(b"<?xml"):
            return re.split(rb"[\s>]", content.partition(b"?>")[2].strip(), maxsplit=1)[0]
        if content.startswith((b"{", b"[")):
            value = json.loads(content)
            return sorted(value) if isinstance(value, dict) else "list"
    except (ValueError, zipfile.BadZipFile):
        return None
    return content.partition(b"\n")[0]
