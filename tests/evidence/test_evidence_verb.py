"""The verb: what it says, what it writes, what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from contextlib import chdir
from hashlib import sha256
from pathlib import Path

import pytest
from pypdf import PdfReader

from ledger.note import open_note, parse_key
from tests.evidence.bundles import VERIFY, later, notice, story
from tests.support.terminal import Said, run


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a sealed ledger in it, for `folder` to copy: the story up to the referral."""
    place = tmp_path_factory.mktemp("sealed")
    with chdir(place), pytest.MonkeyPatch.context() as environment:
        environment.setenv("ATTENDANCE_LEDGER", "sqlite:///school.db")
        replayed(story())
        assert run("seal", "--new", "--seal", "seal").code == 0
    return place


@pytest.fixture
def folder(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with a sealed ledger in it: the story up to the referral."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTENDANCE_LEDGER", f"sqlite:///{tmp_path / 'school.db'}")
    return tmp_path


def replayed(lines: list[dict[str, object]]) -> None:
    Path("journal.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert run("replay", "journal.ndjson").code == 0


def asked(*arguments: str) -> Said:
    return run("evidence", "1042", *arguments)


def test_it_writes_the_bundle_and_its_signature(folder: Path) -> None:
    said = asked("--case", "PN-1", "--seal", "seal", "-o", "bundle.zip")
    assert (said.code, said.err) == (0, "")
    first, second, *_, last = said.out.splitlines()
    assert first == "Evidence about 1042 (SIMULATED): bundle.zip"
    assert "64 attended and 11 absent of 75 possible sessions, 10 of them without authority" in second
    digest = sha256((folder / "bundle.zip").read_bytes()).hexdigest()
    assert last.endswith(digest)
    key = parse_key((folder / "seal" / "key.pub").read_text())
    signed = open_note((folder / "bundle.zip.sig").read_text(encoding="utf-8"), key)
    assert signed == f"attendance evidence file\nsha256 {digest}\n"


def test_its_json_repeats_both_times_position_and_policy(folder: Path) -> None:
    answer = asked("--case", "PN-1", "--seal", "seal", "-o", "b.zip", "--json").json
    assert (answer["pupil"], answer["as_of"], answer["policy"]) == ("1042", "2025-10-25", "national-2024")
    assert (answer["simulated"], answer["draft"], answer["signed"], answer["blockers"]) == (True, False, True, [])
    assert answer["checkpoint"] == answer["position"] + 1
    with zipfile.ZipFile("b.zip") as archive:
        assert archive.namelist() == answer["members"]
        assert json.loads(archive.read("evidence.json"))["position"] == answer["position"]


def test_the_case_is_the_same_file_whatever_came_after(folder: Path) -> None:
    assert asked("--case", "PN-1", "--seal", "seal", "-o", "first.zip").code == 0
    replayed(list(later(2)))
    assert run("seal", "--seal", "seal").code == 0
    assert asked("--case", "PN-1", "--seal", "seal", "-o", "second.zip").code == 0
    assert Path("first.zip").read_bytes() == Path("second.zip").read_bytes()
    assert Path("first.zip.sig").read_bytes() == Path("second.zip.sig").read_bytes()


def test_a_period_may_be_named(folder: Path) -> None:
    answer = asked("--from", "2025-09-08", "--to", "2025-09-12", "-o", "week.zip", "--json").json
    assert (answer["first_day"], answer["last_day"], answer["as_of"]) == ("2025-09-08", "2025-09-12", "2025-09-12")
    with zipfile.ZipFile("week.zip") as archive:
        assert len(json.loads(archive.read("evidence.json"))["register"]) == 10


def test_blockers_stop_it_unless_it_is_a_draft(folder: Path) -> None:
    mark = {"command": "RecordMark", "at": "2025-11-03T09:11:00", "pupil": "1042", "session": "2025-11-03/AM"}
    replayed([{**mark, "code": "N", "by": {"id": "off", "name": "O Fice", "title": "Office"}}])
    said = asked("--as-of", "2025-11-03", "-o", "no.zip")
    assert (said.code, said.out) == (2, "")
    assert "unresolved_n: 2025-11-03/AM" in said.err and "give --draft" in said.err
    assert not Path("no.zip").exists()
    drafted = asked("--as-of", "2025-11-03", "--draft", "-o", "draft.zip")
    assert drafted.code == 0 and drafted.out.startswith("DRAFT of evidence about 1042 (SIMULATED)")
    assert [each["rule"] for each in asked("--as-of", "2025-11-03", "--draft", "--json").json["blockers"]] == [
        "unresolved_n"
    ]


def test_unsealed_and_unsigned_it_says_so(folder: Path) -> None:
    said = asked("--case", "PN-1")
    assert said.code == 0 and "not sealed; SHA-256" in said.out
    assert "the file is not signed" in said.err
    assert Path("evidence.zip").exists() and not Path("evidence.zip.sig").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--case", "PN-1", "--to", "2025-10-01"), "no --from, --to or --as-of beside it"),
        (("--case", "PN-9"), "not_considered"),
        (("--from", "2025-10-02", "--to", "2025-10-01"), "a day no later than the last"),
        (("--to", "2025-10-02", "--as-of", "2025-10-01"), "a day no later than --as-of"),
        (("--from", "autumn"), "expected a day such as"),
        (("--seal", "none"), "holds no seal"),
        (("--as-of", "2020-01-01"), "no school year had begun"),
        (("-o", "no/such/folder.zip"), "cannot be written"),
    ],
)
def test_what_it_refuses(folder: Path, arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in asked(*arguments).sentence.replace("attendance: ", "")


def test_a_pupil_it_does_not_know_is_refused(folder: Path) -> None:
    assert "pupil_not_on_roll" in run("evidence", "9999").sentence


def test_no_file_of_somebody_elses_and_no_signed_bundle_is_lost(folder: Path) -> None:
    Path("README.md").write_text("ours")
    said = asked("--case", "PN-1", "--seal", "seal", "-o", "README.md")
    assert said.sentence.startswith(
        "the file 'README.md' is there and is nothing that this verb wrote, so it stays as it is"
    )
    assert Path("README.md").read_text() == "ours"
    assert asked("--case", "PN-1", "--seal", "seal", "-o", "bundle.zip").code == 0
    signed = Path("bundle.zip").read_bytes()
    assert "is signed, and the new one would not be" in asked("--case", "PN-1", "-o", "bundle.zip").sentence
    assert Path("bundle.zip").read_bytes() == signed and Path("bundle.zip.sig").is_file()
    assert asked("--case", "PN-1", "--seal", "seal", "-o", "bundle.zip").code == 0


def test_nothing_is_certified_about_days_that_have_not_been(folder: Path) -> None:
    said = asked("--as-of", "2099-01-01", "--draft", "-o", "x.zip")
    assert said.sentence.startswith(
        "malformed: --as-of '2099-01-01', expected a day no later than that of the knowledge"
    )
    assert not Path("x.zip").exists()


def test_the_verifier_is_got_elsewhere_and_its_published_digest_fits(folder: Path) -> None:
    digest = sha256(VERIFY.read_bytes()).hexdigest()
    assert run("verifier", "-o", "mine.py").out == f"mine.py: SHA-256 {digest}\n"
    assert Path("mine.py").read_bytes() == VERIFY.read_bytes()
    assert run("verifier", "-o", "mine.py", "--json").json == {"file": "mine.py", "sha256": digest}
    published = (VERIFY.parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    assert f"verify.py: SHA-256 {digest}\n" in published, "docs/audit.md publishes the digest of another verify.py"


def test_a_notice_that_was_withdrawn_since_is_said_to_be(folder: Path) -> None:
    issued = {**notice(), "notice": "PN-1", "at": "2025-10-28T09:00:00Z", "issued_on": "2025-10-28"}
    undone = {
        "command": "WithdrawPenaltyNotice", "at": "2025-10-30T09:00:00Z", "by": issued["by"], "pupil": "1042",
        "notice": "PN-1", "reason": "sent to the wrong house",
    }  # fmt: skip
    replayed([issued])
    assert run("seal", "--seal", "seal").code == 0
    before = asked("--case", "PN-1", "--seal", "seal", "-o", "before.zip")
    assert "WITHDRAWN" not in before.out, "the negative control"
    replayed([undone])
    assert run("seal", "--seal", "seal").code == 0
    said = asked("--case", "PN-1", "--seal", "seal", "-o", "after.zip")
    assert "the notice PN-1 was WITHDRAWN (2025-10-30T09:00:00+00:00), and counts for nothing" in said.out
    for name, holds in (("before.zip", False), ("after.zip", True)):
        with zipfile.ZipFile(name) as archive:
            text = " ".join(page.extract_text() for page in PdfReader(archive.open("evidence.pdf")).pages)
        assert ("sent to the wrong house) and counts for nothing" in " ".join(text.split())) is holds
        told = subprocess.run([sys.executable, "-I", VERIFY, name], capture_output=True, text=True)
        assert told.returncode == 0 and ("the notice PN-1 was WITHDRAWN" in told.stdout) is holds
