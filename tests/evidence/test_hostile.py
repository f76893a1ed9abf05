"""verify.py against whoever wants it to stumble, to obey, to fill the memory or to run something else: it says a
sentence and ends with 1, prints nothing that a terminal obeys, and imports nothing that came with the bundle."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import zipfile
from pathlib import Path
from random import Random

import pytest

from commands.evidence import Bundle
from ledger.seal import Seal
from tests.evidence.bundles import VERIFY, verifier, with_manifest, zipped
from tests.support.counts import count

Members = dict[str, bytes]
OBEYED = "\x1b[2K\r\x1b[32mok    all is well\x1b[0m\u202e\u2066\x9b2J\x07\x00"


def said(capsys: pytest.CaptureFixture[str], path: Path, *arguments: str) -> tuple[int, str]:
    """Return the code that verify.py ends with and what it prints, which never is anything that a terminal obeys."""
    code = verifier().main([str(path), *arguments])
    shown = capsys.readouterr()
    assert shown.err == "" and all(line.isprintable() for line in shown.out.removesuffix("\n").split("\n")), shown
    return code, shown.out.splitlines()[-1]


def packed(members: Members, *, how: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def marked_encrypted(made: Bundle) -> bytes:
    raw = bytearray(packed(dict(made.members)))
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


def packed_otherwise(made: Bundle) -> bytes:
    return packed(dict(made.members), how=zipfile.ZIP_LZMA)


def broken_within(made: Bundle) -> bytes:
    raw = bytearray(packed(dict(made.members), how=zipfile.ZIP_DEFLATED))
    raw[200] ^= 0xFF
    raw[4000] ^= 0xFF
    return bytes(raw)


def two_of_one_name(made: Bundle) -> bytes:
    raw = packed({**made.members, "evidence.jsoX": b"{}"})
    return raw.replace(b"evidence.jsoX", b"evidence.json")


def with_a_link(made: Bundle) -> bytes:
    file = io.BytesIO(packed(dict(made.members)))
    with zipfile.ZipFile(file, "a") as archive:
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return file.getvalue()


def many(made: Bundle) -> bytes:
    return packed({**made.members, **{f"{number}.txt": b"" for number in range(200)}})


def outside(made: Bundle) -> bytes:
    return packed({**made.members, "../../x": b"1"})


def commented(made: Bundle) -> bytes:
    file = io.BytesIO(packed(dict(made.members)))
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b"PK\x05\x06"
    return file.getvalue()


@pytest.mark.parametrize(
    ("forge", "sentence"),
    [
        (marked_encrypted, "is encrypted"),
        (packed_otherwise, "packed in another way"),
        (broken_within, "not in the form that bundles have"),
        (two_of_one_name, "two members of one name"),
        (with_a_link, "link is no plain file"),
        (many, "more members than bundles do"),
        (outside, "is not in the manifest"),
        (commented, "no zip file as bundles are"),
    ],
)
def test_a_hostile_zip_file_is_refused_in_a_sentence(
    made: Bundle, seal: Seal, tmp_path: Path, capsys: pytest.CaptureFixture[str], forge: object, sentence: str
) -> None:
    assert callable(forge)
    path = tmp_path / "x.zip"
    path.write_bytes(forge(made))
    code, last = said(capsys, path, "--key", str(seal.key))
    assert code == 1 and last.startswith("WRONG ") and sentence in last, last


def test_an_honest_bundle_packed_anew_holds(
    made: Bundle, seal: Seal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The negative control of all above."""
    path = tmp_path / "x.zip"
    for how in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path.write_bytes(packed(dict(made.members), how=how))
        assert said(capsys, path, "--key", str(seal.key))[0] == 0


@pytest.mark.parametrize("name", ["bomb", "evidence.json"])
def test_what_would_fill_the_memory_is_not_unpacked(
    made: Bundle, seal: Seal, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(packed({**made.members, name: b"\0" * (400 << 20)}, how=zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 2 << 20
    command = [sys.executable, "-I", str(VERIFY), str(path), "--key", str(seal.key)]

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20))

    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=bounded)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == "WRONG unpacked it is longer than bundles are\n"
    path.write_bytes(b"\0" * (verifier().MOST_BYTES + 1))
    assert said(capsys, path) == (1, "WRONG it is longer than bundles are")


def nested(members: Members) -> bytes:
    return b"[" * 200_000


def long_number(members: Members) -> bytes:
    return b'{"x":' + b"9" * 5_000_000 + b"}"


def infinite(members: Members) -> bytes:
    return json.dumps({**json.loads(members["evidence.json"]), "position": float("inf")}).encode()


def overflowing(members: Members) -> bytes:
    return infinite(members).replace(b"Infinity", b"1e999")


def twice(members: Members) -> bytes:
    return members["evidence.json"].replace(b"{", b'{"pupil":"1","pupil":"1",', 1)


@pytest.mark.parametrize("forge", [nested, long_number, infinite, overflowing, twice])
def test_json_that_no_bundle_holds_is_refused_in_a_sentence(
    made: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str], forge: object
) -> None:
    assert callable(forge)
    path = tmp_path / "x.zip"
    path.write_bytes(zipped(with_manifest({**made.members, "evidence.json": forge(made.members)})))
    code, last = said(capsys, path, "--unsigned")
    assert code == 1 and last.startswith("WRONG "), last


def test_bytes_changed_cut_or_put_in_anywhere_never_end_in_a_traceback(
    made: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In every member, whose digest is made again, so that what reads it gets to see it; and in the file itself."""
    random, path = Random(11), tmp_path / "x.zip"
    names = [name for name in made.members if name not in ("manifest", "evidence.pdf", "README.txt", "verify.py")]
    for _ in range(count(150, 20_000)):
        name = random.choice([*names, ""])
        raw = bytearray(made.members.get(name, made.content))
        at = random.randrange(len(raw))
        match random.randrange(3):
            case 0:
                raw[at] ^= 1 << random.randrange(8)
            case 1:
                del raw[at : at + random.randrange(1, 40)]
            case _:
                raw[at:at] = random.choice([b"1e999", b"null", b"[]", b"{}", b"\xff", b"9" * 5000, b"-1", b'"'])
        members = with_manifest({**made.members, name: bytes(raw)}) if name else {}
        path.write_bytes(zipped(members) if name else bytes(raw))
        code, last = said(capsys, path, "--unsigned")
        assert code in (0, 1) and (code == 0 or last.startswith("WRONG ")), last


def test_no_name_in_a_bundle_is_obeyed_by_a_terminal(
    made: Bundle, seal: Seal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`said` holds every line against what a terminal obeys; here it is given some."""
    evidence = json.loads(made.members["evidence.json"])
    for field in ("years", "policy", "position", "pupil", "as_of", "known_at", "seal", "school"):
        path = tmp_path / f"{field}.zip"
        forged = json.dumps({**evidence, field: [2025, OBEYED]}).encode()
        path.write_bytes(zipped(with_manifest({**made.members, "evidence.json": forged})))
        said(capsys, path, "--unsigned")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, content in made.members.items():
        (folder / name).write_bytes(content)
    (folder / OBEYED.replace("\x00", "")).write_bytes(b"x")
    (folder / "evidence (1).pdf").write_bytes(b"x")
    verifier().main([str(folder), "--key", str(seal.key)])
    shown = capsys.readouterr().out
    assert "\\x1b[2K\\r\\x1b[32mok" in shown and "\x1b" not in shown
    assert "note  evidence (1).pdf lies here and is no part of the bundle" in shown


@pytest.mark.parametrize("flags", [(), ("-I",)])
@pytest.mark.parametrize("within", [True, False])
def test_no_module_is_read_from_the_bundle(
    made: Bundle, seal: Seal, tmp_path: Path, flags: tuple[str, ...], within: bool
) -> None:
    for name, content in made.members.items():
        (tmp_path / name).write_bytes(content)
    trap = "raise SystemExit('OWNED')"
    for name in ("json", "cryptography", "argparse", "zipfile", "bisect", "typing", "hmac", "pathlib"):
        (tmp_path / f"{name}.py").write_text(trap)
    command = [sys.executable, *flags, str(tmp_path / "verify.py"), str(tmp_path), "--key", str(seal.key)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path if within else "/")
    assert (done.returncode, done.stderr) == (0, "") and "OWNED" not in done.stdout
    if not flags:  # the negative control: any other program that lies there does read them
        (tmp_path / "other.py").write_text("import json")
        assert (
            "OWNED"
            in subprocess.run([sys.executable, str(tmp_path / "other.py")], capture_output=True, text=True).stderr
        )


def test_a_terminal_that_lacks_a_letter_gets_an_escape(made: Bundle, seal: Seal, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(made.content)
    command = [sys.executable, "-I", "-X", "utf8=0", str(VERIFY), str(path), "--key", str(seal.key) + "…"]
    done = subprocess.run(command, capture_output=True, env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (1, b"") and done.stdout.isascii()
