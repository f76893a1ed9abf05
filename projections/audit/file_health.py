"""Findings about the files of a ledger: whoever may read the keys reads every sealed word, and whoever may write the
ledger needs no command to do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ledger.durable import others_may
from ledger.finding import Finding

SQLITE = "sqlite:///"


def file_findings(*addresses: str) -> Iterator[Finding]:
    """Yield the files of these addresses, with their logs, that others than their owner may read or write. Databases
    on a server have rights of their own."""
    for address in addresses:
        if address.startswith(SQLITE):
            path = Path(address.removeprefix(SQLITE))
            # The logs are made with the rights of their database.
            logs = [path.with_name(path.name + end) for end in ("-wal", "-shm")]
            yield from loose([path] if others_may(path) else logs)


def loose(files: Iterable[Path]) -> Iterator[Finding]:
    """Yield those of these files that others than their owner may read or write."""
    for file in files:
        if rights := others_may(file):
            may = " and ".join(word for word, bits in (("read", 0o044), ("write", 0o022)) if rights & bits) or "run"
            sentence = f"others than its owner may {may} the file {file.name}: take it from them with chmod 600"
            yield Finding("loose_permissions", sentence)
