"""`attendance archive`: what it prints, and with which code it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from commands.cli import main
from ledger.seal import new_seal
from tests.support.random_school import journal
from tests.support.schools import open_school


@pytest.fixture
def url(fresh_sqlite_url: Callable[[], str]) -> str:
    """A ledger of autumn 2024, the simulated clock of which stands in November."""
    url = fresh_sqlite_url()
    with closing(open_school(url).replay(journal(1, 8, 4))):
        pass
    return url


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["archive", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_running_year_is_left_alone_until_somebody_ends_it(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "archive"
    code, out, _ = told(capsys, "-o", archive, "--ledger", url)
    assert (code, archive.exists()) == (0, False)
    assert out.startswith("nothing to archive yet: no school year is over")
    code, out, err = told(capsys, "-o", archive, "--ledger", url, "--until", "2024-08-30")
    assert code == 0 and "archived up to position" in out and "not signed: give --seal FOLDER" in err
    assert "2024-25.1-" in out
    _, out, _ = told(capsys, "-o", archive, "--ledger", url, "--all", "--json")
    answer = json.loads(out)
    assert len(answer["new"]) == 1 and len(answer["manifest"]["segments"]) == 2 and answer["simulated"] is True
    _, out, _ = told(capsys, "-o", archive, "--ledger", url, "--all")
    assert out.endswith(", 2 segments, nothing new (SIMULATED)\n")


def test_verify_says_no_with_exit_1(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive, seal = tmp_path / "archive", tmp_path / "seal"
    new_seal(seal, "attendance/117000")
    told(capsys, "-o", archive, "--ledger", url, "--all", "--seal", seal)
    code, out, err = told(capsys, "--verify", "-o", archive, "--ledger", url, "--seal", seal)
    assert (code, err) == (0, "") and out.startswith("nothing found; position")
    (file,) = archive.glob("2024*.parquet")
    file.write_bytes(file.read_bytes()[:-1])
    code, out, err = told(capsys, "--verify", "-o", archive, "--ledger", url)
    assert code == 1 and f"{file} is not the file whose digest is in the manifest" in out
    assert "the signature was not checked: give --seal FOLDER" in err
    code, out, _ = told(capsys, "--verify", "-o", archive, "--ledger", url, "--json")
    assert code == 1 and json.loads(out)["findings"][0]["rule"] == "altered"


def test_what_cannot_be_is_refused_in_one_sentence(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments, sentence in (
        (["--verify", "-o", tmp_path / "no"], "there is no archive in"),
        (["--all", "--until", "2024-09-09", "--ledger", url], "either --until or --all"),
        (["--until", "soon", "--ledger", url], "expected a day such as 2025-11-03"),
        (["--all", "--ledger", url, "--seal", tmp_path / "no"], "holds no seal"),
    ):
        code, out, err = told(capsys, *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1) and sentence in err


def test_an_archive_is_verified_where_its_ledger_is_not(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(capsys, "-o", tmp_path / "archive", "--ledger", url, "--all")
    monkeypatch.chdir(tmp_path / "archive")
    code, out, err = told(capsys, "--verify", "-o", ".")
    assert code == 0 and out.startswith("nothing found")
    assert "there is no ledger here" in err and "the manifest is not signed" in err
