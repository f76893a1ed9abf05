"""Files that are there whole or not at all, whatever happens while they are written, and are their owner's alone.

Most of what is written here is about children. So a file is made for its owner only, whatever the umask says; it is
made beside its place, brought to the disk, and moved there; and a symbolic link in its place is never followed, for
whoever can make one could choose which file is written over.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

PRIVATE, PUBLIC = 0o600, 0o644
_LINK = "a symbolic link is there, and none is followed"


def write_durably(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file so that after a crash the one before is there or this one, whole, and on the disk once this returns.
    `mode` is who may read it. Raises OSError."""
    write_whole(path, lambda draft: draft.write_bytes(content), mode=mode)


def write_whole(
    path: Path,
    write: Callable[[Path], object],
    before_it_counts: Callable[[Path], object] = lambda draft: None,
    *,
    mode: int = PRIVATE,
) -> None:
    """Have a file written beside its place, and move it there. `before_it_counts` is called with the finished draft,
    which has the ending of its name; where either raises, what was there before stays. Raises OSError."""
    refuse_link(path)
    draft = path.with_name(f".{path.stem}.{token_hex(4)}.part{path.suffix}")
    _made(draft, mode)
    try:
        write(draft)
        _to_disk(draft)
        before_it_counts(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _to_disk(path.parent)


def make_private(path: Path) -> None:
    """Make an empty file for its owner alone, where none is yet. Raises OSError."""
    refuse_link(path)
    with suppress(FileExistsError):
        _made(path, PRIVATE)


def read_private(path: Path) -> bytes:
    """Return the content of a file that no symbolic link leads to. Raises OSError."""
    refuse_link(path)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read()


def refuse_link(path: Path) -> None:
    """Raise OSError where a symbolic link is in the place of a file."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, _LINK, str(path))


def others_may(path: Path) -> int:
    """Return the rights on a file that others than its owner have, as bits; none where it is not there."""
    try:
        return stat.S_IMODE(path.stat().st_mode) & 0o077
    except OSError:
        return 0


def _made(path: Path, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        os.fchmod(descriptor, mode)  # the umask may have taken more
    finally:
        os.close(descriptor)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
