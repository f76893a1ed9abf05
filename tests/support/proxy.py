"""A proxy that cuts a connection to PostgreSQL around one commit: before it, at it, or after it.

What commits is a COMMIT, or a statement that is a transaction of its own: the call that records, and the one that looks
up a receipt. A commit whose answer is lost is the fault that a store must survive: the client cannot know whether its
row is there. The proxy reads as much of the frontend/backend protocol (PostgreSQL documentation, "Message Formats") as
it needs to find the message that commits, and passes everything else on:

    startup     int32 length, int32 code, ...            only the first message of a client has no type
    afterwards  byte type, int32 length, ...             the length counts itself, not the type
"""

from __future__ import annotations

import re
import shutil
import socket
import socketserver
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from psycopg.conninfo import conninfo_to_dict

Moment = Literal["before", "at", "after"]

COMMIT = re.compile(rb"\s*(COMMIT\b|SELECT [^(]*\b(append_events|receipt_after_saves)\()", re.IGNORECASE)
ENCRYPTION_REQUESTS = {80877103, 80877104}  # SSLRequest, GSSENCRequest


class Proxy(socketserver.ThreadingUnixStreamServer):
    """Stand between clients and the server of a database: clients connect to `url`, `cuts` counts what was cut."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, url: str) -> None:
        self.cuts = 0
        self._armed: Moment | None = None
        self._lock = threading.Lock()
        self._upstream = url
        self._folder = Path(tempfile.mkdtemp(prefix="px-", dir="/tmp"))
        self.url = _through(url, self._folder)
        super().__init__(str(self._folder / ".s.PGSQL.5432"), socketserver.BaseRequestHandler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def cut(self, moment: Moment) -> None:
        """Cut the connection of the next commit, once.

        before: the server never sees it. at: it is sent, and nobody waits for its answer, so both outcomes
        may happen. after: the server has answered, and the client never hears it.
        """
        with self._lock:
            self._armed = moment

    def close(self) -> None:
        """Take no more connections; open ones last until either side ends them."""
        self.shutdown()
        self.server_close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __exit__(self, *_: object) -> None:
        self.close()

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """Serve one client, in a thread of its own, until either side ends or the connection is cut."""
        with suppress(OSError), _connect(self._upstream) as server:
            _Link(self, request, server).relay()

    def disarm(self) -> Moment | None:
        """Return when to cut at this commit, if at all, and leave the next ones alone."""
        with self._lock:
            moment, self._armed = self._armed, None
            return moment

    def count_cut(self) -> None:
        """Count one connection cut."""
        with self._lock:
            self.cuts += 1


class _Link:
    """One client and its connection to the server: two threads, one a direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._moment: Moment | None = None  # once set, the client hears no more
        self._statements: dict[bytes, bool] = {}  # prepared statements by name: is it a COMMIT?
        self._portals: dict[bytes, bool] = {}

    def relay(self) -> None:
        answers = threading.Thread(target=self._pass_answers, daemon=True)
        with self._client.makefile("rb") as requests:
            self._server.sendall(self._startup(requests))
            answers.start()
            try:
                self._pass_requests(requests)
            finally:
                self._close()
                answers.join()

    def _startup(self, requests: BinaryIO) -> bytes:
        """Return the client's first real message; wishes for encryption are refused, as they would hide the rest."""
        while True:
            length = requests.read(4)
            body = requests.read(int.from_bytes(length) - 4) if length else b""
            if int.from_bytes(body[:4]) not in ENCRYPTION_REQUESTS:
                return length + body
            self._client.sendall(b"N")

    def _pass_requests(self, requests: BinaryIO) -> None:
        while message := _read_message(requests):
            if self._moment is None and self._commits(message):
                self._moment = self._proxy.disarm()
            if self._moment == "before":
                return self._cut()
            self._server.sendall(message)
            # What was parsed and bound is only committed at the Sync that follows.
            if self._moment == "at" and message[:1] in (b"Q", b"S"):
                return self._cut()

    def _pass_answers(self) -> None:
        with suppress(OSError), self._server.makefile("rb") as answers:
            while message := _read_message(answers):
                if self._moment is None:
                    self._client.sendall(message)
                elif self._moment == "after" and message[:1] == b"Z":  # ReadyForQuery: it is committed, or undone
                    return self._cut()
        self._close()

    def _commits(self, message: bytes) -> bool:
        """True for the message that makes the server commit: a Query, or an Execute of what was parsed before."""
        kind, words = message[:1], message[5:].split(b"\0")
        match kind:
            case b"Q":
                return COMMIT.match(words[0]) is not None
            case b"P":
                self._statements[words[0]] = COMMIT.match(words[1]) is not None
            case b"B":
                self._portals[words[0]] = self._statements.get(words[1], False)
            case b"E":
                return self._portals.get(words[0], False)
        return False

    def _cut(self) -> None:
        self._proxy.count_cut()  # first: who sees the connection fail may ask for the count
        self._close()

    def _close(self) -> None:
        """Hang up on both sides; this also wakes the thread that reads the other direction."""
        for side in (self._server, self._client):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


def _read_message(stream: BinaryIO) -> bytes:
    """Return one message with its type and length, or nothing at the end of the stream."""
    head = stream.read(5)
    if len(head) < 5:
        return b""
    return head + stream.read(int.from_bytes(head[1:]) - 4)


def _connect(url: str) -> socket.socket:
    """Return a connection to the server of a database URL; OSError where nobody listens."""
    address = conninfo_to_dict(url)
    host, port = str(address.get("host", "localhost")), int(address.get("port") or 5432)
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(f"{host}/.s.PGSQL.{port}")
    except OSError:
        server.close()
        raise
    return server


def _through(url: str, folder: Path) -> str:
    """Return the URL of the same database, user and options by way of the proxy's folder."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query)) | {"host": str(folder), "port": "5432"}
    user = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{user}@" if user else "", query=urlencode(query, safe="/")).geturl()
