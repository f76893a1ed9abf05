"""What is off with a command is said at once, beside its answer, and recorded all the same."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.support.terminal import BY, run, small_school, write_journal


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert run("replay", str(write_journal(tmp_path / "school.ndjson", small_school()))).code == 0
    return tmp_path


NOTICE = "notice issue 1042 PN-9 --parent 1042-b --issued-on"
CAUTIONS = {
    "remove 1042 2024-09-06 --ground whim": "the pupil was removed on a ground that is none of the regulation's",
    "remove 1042 2024-09-06 --ground 'moved away'": "",
    "mark 1043 2024-09-04/PM S": "S does not occur at primary age, and 1043 was of that age on 2024-09-04",
    "amend 1042 2024-09-03/AM W --reason 'a farm'": "W does not occur at primary age, and 1042 was of that age on "
    "2024-09-03",
    "leave decide 1042 LR-3 --grant 2024-09-06/AM=S": "S does not occur at primary age, and 1042 was of that age on "
    "2024-09-06",
    "take 4W 2024-09-04/PM 1043=W": "W does not occur at primary age, and 1043 was of that age on 2024-09-04",
    "mark 1043 2024-09-04/PM P": "",
    f"{NOTICE} 2024-09-05 2024-09-03/AM": "PN-9 names 2024-09-03/AM, which holds / now",
    f"{NOTICE} 2024-09-05 2024-09-04/AM": "PN-9 names 2024-09-04/AM, which is still N",
    f"{NOTICE} 2024-09-03 2024-09-04/AM": "PN-9 is of 2024-09-03, before 2024-09-04/AM, which it names",
    "notice issue 1042 PN-9 --parent 1042-a --issued-on 2028-09-05 2024-09-04/AM": "PN-9 names 2024-09-04/AM, and so "
    "does PN-1 to the same parent",
    f"{NOTICE} 2024-10-01 2024-09-04/AM": "PN-9 is dated ahead: notice issued on 2024-10-01",
    "notice pay 1042 PN-2 160 --paid-on 2024-10-02": "PN-2 is dated ahead: £160 paid on 2024-10-02",
    "notice pay 1042 PN-2 160 --paid-on 2024-09-05": "",
}


@pytest.mark.parametrize(("words", "caution"), CAUTIONS.items(), ids=[words[:48] for words in CAUTIONS])
def test_it_is_recorded_and_what_is_off_is_said_on_standard_error(school: Path, words: str, caution: str) -> None:
    said = run(*shlex.split(words), "--by", BY, "--json")
    assert said.code == 0 and json.loads(said.out)["events"] >= 1
    assert (f"attendance: {caution}\n" in said.err) if caution else (said.err == "")
