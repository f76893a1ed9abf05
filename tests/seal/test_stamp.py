"""Time stamps of checkpoints, by an authority of the test's own on this machine."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from commands.cli import main
from ledger.seal import open_seal
from ledger.stamp import BadStamp, query, stamped_at

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, which plays the authority, is absent")

JOURNAL = Path(__file__).parents[1] / "examples" / "example-school.ndjson"
CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[stamping]
extendedKeyUsage = critical, timeStamping
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


class Authority:
    """A root certificate, a stamping certificate under it, and the answers that they give."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
        self._openssl("req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 2 -subj /CN=Root")
        self._openssl("req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=Stamps")
        signing = "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -out tsa.pem -days 2"
        self._openssl(f"{signing} -extfile tsa.cnf -extensions stamping")

    @property
    def roots(self) -> bytes:
        return (self.folder / "root.pem").read_bytes()

    def answer(self, request: bytes) -> bytes:
        (self.folder / "query").write_bytes(request)
        self._openssl("ts -reply -config tsa.cnf -queryfile query -out reply")
        return (self.folder / "reply").read_bytes()

    def _openssl(self, words: str) -> None:
        subprocess.run(["openssl", *words.split()], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "tsa")


@pytest.fixture
def address(authority: Authority) -> Iterator[str]:
    """The authority on a port of this machine that nobody else has."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            answer = authority.answer(asked)
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    serving.join()
    server.server_close()


def test_a_stamp_says_when_a_note_was_there(authority: Authority) -> None:
    at = stamped_at("a note\n", authority.answer(query("a note\n")), authority.roots)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)


def test_a_stamp_of_another_note_or_by_another_authority_is_none(authority: Authority, tmp_path: Path) -> None:
    answer = authority.answer(query("a note\n"))
    with pytest.raises(BadStamp):
        stamped_at("another note\n", answer, authority.roots)
    with pytest.raises(BadStamp):
        stamped_at("a note\n", answer, Authority(tmp_path / "other").roots)
    with pytest.raises(BadStamp):
        stamped_at("a note\n", answer[:-1], authority.roots)
    changed = bytearray(answer)
    changed[-1] ^= 1
    with pytest.raises(BadStamp):
        stamped_at("a note\n", bytes(changed), authority.roots)


def test_nothing_but_a_hash_leaves_the_house() -> None:
    assert b"a secret" not in query("a secret note\n")


def test_the_verbs_stamp_and_check(
    authority: Authority, address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = ["--ledger", f"sqlite:///{tmp_path / 'school.db'}"]
    seal, roots = ["--seal", str(tmp_path / "seal")], ["--tsa-roots", str(authority.folder / "root.pem")]
    assert main(["replay", str(JOURNAL), *ledger]) == 0
    assert main(["seal", "--new", *seal, "--timestamp", address, *ledger]) == 0
    assert len(open_seal(tmp_path / "seal").stamps()) == 1
    assert main(["verify", *seal, *roots, *ledger]) == 0
    assert "the checkpoint over 9 events was there on" in capsys.readouterr().err
    other = Authority(tmp_path / "other").folder / "root.pem"
    assert main(["verify", *seal, "--tsa-roots", str(other), *ledger]) == 1
    assert main(["verify", *roots, *ledger]) == 2
    assert main(["seal", *seal, "--timestamp", "http://127.0.0.1:9/", *ledger]) == 2
    assert "gave no answer" in capsys.readouterr().err
