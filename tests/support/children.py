"""Child processes to be killed: they do some work, tell how far they are, and may die at any moment.

Problem: a fault test needs hundreds of processes that open a ledger, and each dies within milliseconds. Importing the
product takes longer than that, and forking a test run that has threads is unsafe.

Choice: multiprocessing's fork server. It is one process without threads, which imports the product once and forks a
child in some ten milliseconds. Only children started here are ever signalled, each through its own `Process`.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

import psutil

PATIENCE = 60  # seconds that a child may take to tell something, or to end

PRODUCT = ["commands.wiring", "projections.readmodel.rebuild", "ledger.store.sqlite", "ledger.store.postgres"]
DATABASES = ["eventsourcing.sqlite", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg"]
TESTS = ["pytest", "hypothesis", "tests.support.busy", "tests.support.postgres"]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRODUCT + DATABASES + TESTS)


def barrier(parties: int) -> Any:
    """Return a barrier that so many children can be given, to begin at the same moment."""
    return _context.Barrier(parties, timeout=PATIENCE)


class ChildFailed(Exception):
    """A child ended by an exception; the message holds its kind and text."""


class Child:
    """A running child. `work` is a function of a module; its first argument tells the parent a value."""

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        self._pipe, end = _context.Pipe(duplex=False)
        self._process = _context.Process(target=_run, args=(end, work, arguments), daemon=True)
        self._process.start()
        end.close()

    def hear(self) -> Any:
        """Return the next value the child tells; EOFError once it has ended, ChildFailed where it fell."""
        if not self._pipe.poll(PATIENCE):
            raise TimeoutError(f"a child told nothing for {PATIENCE} seconds")
        return _checked(self._pipe.recv())

    def heard(self) -> list[Any]:
        """Return what the child told since the last time, without waiting. ChildFailed where it fell."""
        told = []
        try:
            while self._pipe.poll():
                told.append(_checked(self._pipe.recv()))
        except EOFError:
            pass
        return told

    def finish(self) -> list[Any]:
        """Return what the child told until its own end. ChildFailed where it fell."""
        told = []
        try:
            while True:
                told.append(self.hear())
        except EOFError:
            self._process.join(PATIENCE)
            return told

    def kill(self) -> list[Any]:
        """Kill with SIGKILL and return what the child had told since the last time, once it is gone."""
        self.end()
        return self.heard()

    def end(self) -> None:
        """Kill with SIGKILL, if it still runs."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join(PATIENCE)
        assert not self._process.is_alive()

    def kill_after(self, seconds: float) -> list[Any]:
        """Kill after a pause and return what the child told in its whole life."""
        time.sleep(seconds)
        return self.kill()


@contextmanager
def running(children: Iterable[Child]) -> Iterator[list[Child]]:
    """Give children for the time of a `with`, and kill those that still run."""
    started = list(children)
    try:
        yield started
    finally:
        for child in started:
            child.end()


def descendants(word: str) -> list[psutil.Process]:
    """Return the processes that this one started, at whatever remove, in whose command line a word stands."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # also where it has just ended
            if any(word in argument for argument in child.cmdline()):
                found.append(child)
    return found


def _run(pipe: Connection, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    try:
        work(lambda value: pipe.send((True, value)), *arguments)
    except Exception as error:
        pipe.send((False, f"{type(error).__name__}: {error}"))


def _checked(message: tuple[bool, Any]) -> Any:
    ok, value = message
    if not ok:
        raise ChildFailed(value)
    return value
