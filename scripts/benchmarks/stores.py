"""The stores that are measured: SQLite in a temporary folder and PostgreSQL as it ships, durable both.

PostgreSQL is the server at `DATABASE_URL` where that is set, else one of our own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from commands.wiring import House, open_house
from tests.support.postgres import Server, temporary_server

AS_SHIPPED = {"shared_buffers": "128MB"}  # the tests' servers make do with less


class Place(NamedTuple):
    """Where one ledger and its keys are."""

    kind: str
    url: str
    keys: str

    def open(self) -> House:
        return open_house(self.url, self.keys)


class Stores:
    """New, empty places for ledgers; all are gone when the run ends."""

    def __init__(self, folder: Path, server: Server) -> None:
        self._folder = folder
        self._server = server
        self._count = 0

    def new(self, kind: str, *, simulated: bool = True) -> tuple[Place, House]:
        """Return a fresh place on `postgresql` or `sqlite` and the house opened there, still without a school."""
        self._count += 1
        file = f"sqlite:///{self._folder}/{self._count}"
        place = Place(kind, f"{file}.db" if kind == "sqlite" else self._server.new_database(), f"{file}.keys.db")
        return place, open_house(place.url, place.keys, create=True, simulated=simulated)


@contextmanager
def stores() -> Iterator[Stores]:
    folder = Path(tempfile.mkdtemp(prefix="attendance-bench-"))
    try:
        with temporary_server(None if "DATABASE_URL" in os.environ else AS_SHIPPED) as server:
            yield Stores(folder, server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
