"""`absence` and `penalty`: the two times, who is asked about, the fields of JSON, and names in tables only."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ledger.policy import load
from tests.support.terminal import HEAD, run

pytestmark = pytest.mark.usefixtures("folder")

ABSENCE_KEYS = [
    "pupil", "as_of", "known_at", "position", "policy", "rules", "simulated",
    "possible", "attended", "authorised", "unauthorised", "missing",
    "attendance_percent", "absence_percent", "persistent", "severe", "at_risk",
]  # fmt: skip
PENALTY_KEYS = [
    "pupil", "as_of", "known_at", "position", "policy", "rules", "simulated",
    "weeks", "threshold", "count", "met", "met_on", "unresolved", "sessions", "parents",
]  # fmt: skip
EXAMPLES = Path(__file__).parents[3] / "shared" / "examples"


def test_absence_has_the_declared_fields_in_order(school: Path) -> None:
    found = run("absence", "--json").json
    assert [list(answer) for answer in found] == [ABSENCE_KEYS] * 3
    assert [answer["pupil"] for answer in found] == ["1042", "1043", "9001"]
    first = dict(found[0])
    assert first.pop("position") == 31 and first.pop("policy") == "national-2024" and first.pop("simulated") is True
    assert first.pop("rules") == load("national-2024").rules
    assert first == {
        "pupil": "1042", "as_of": "2024-09-05", "known_at": "2024-09-05T09:04:00+00:00",
        "possible": 3, "attended": 1, "authorised": 1, "unauthorised": 1, "missing": 2,
        "attendance_percent": 33.3, "absence_percent": 66.7, "persistent": True, "severe": True, "at_risk": False,
    }  # fmt: skip


def test_penalty_has_the_declared_fields_in_order(school: Path) -> None:
    found = run("penalty", "1043", "--json").json
    assert [list(answer) for answer in found] == [PENALTY_KEYS]
    assert found[0]["weeks"] == ["2024-09-02"] and found[0]["threshold"] == 10 and found[0]["met_on"] is None
    assert [list(session) for session in found[0]["sessions"]] == [["session", "code", "position", "recorded_at"]] * 2
    parents = run("penalty", "1042", "--json").json[0]["parents"]
    assert [list(line) for line in parents] == [["parent", "count", "met", "met_on", "notices_in_three_years"]] * 2
    assert [(line["parent"], line["notices_in_three_years"]) for line in parents] == [("1042-a", 2), ("1042-b", 0)]


def test_what_was_known_then_is_said_again_for_ever(school: Path) -> None:
    times = ("--as-of", "2024-09-03", "--known-at", "2024-09-03", "--json")
    before = run("absence", "1042", *times)
    run("amend", "1042", "2024-09-03/PM", "O", "--reason", "x", "--by", "head:H Example:Headteacher")
    assert run("absence", "1042", *times) == before
    assert before.json[0]["known_at"] == "2024-09-03T22:59:59.999999+00:00"
    assert (before.json[0]["unauthorised"], before.json[0]["authorised"]) == (1, 0)
    now = run("absence", "1042", "--as-of", "2024-09-03", "--known-at", "9999-12-31", "--json").json[0]
    assert now["known_at"] == "2024-09-05T09:05:00+00:00"


def test_before_the_first_event_nobody_was_known(school: Path) -> None:
    assert run("absence", "--known-at", "2024-08-29", "--json").json == []
    assert run("penalty", "--known-at", "2024-08-29", "--json").json == []
    assert "(position 0), policy none" in run("absence", "--known-at", "2024-08-29").out
    refused = run("absence", "1042", "--known-at", "2024-08-29", "--json")
    assert refused.sentence == "pupil_not_on_roll: pupil '1042', expected a pupil known at that moment"


def test_filters_say_who_is_asked_about(school: Path) -> None:
    def pupils(*options: str) -> list[str]:
        return [answer["pupil"] for answer in run("absence", *options, "--json").json]

    assert pupils("--class", "4W") == ["1042", "1043"]
    assert pupils("--year-group", "R") == ["9001"]
    assert pupils("--group", "SEN support") == ["1042"]
    assert pupils("--group", "😀") == []
    assert pupils("9001", "1042", "9001") == ["1042", "9001"]
    assert run("absence", "1042", "--class", "4W").sentence.startswith("malformed: PUPIL, expected either ")
    mistyped = run("absence", "--class", "4V", "--year-group", "4", "--json")
    assert mistyped.json == []
    assert mistyped.err == "attendance: nobody is in year group '4' and class '4V' that day\n"
    assert run("absence", "--class", "4W", "--json").err == ""


def test_a_pupil_who_left_is_answered_for_by_number_or_with_leavers(school: Path) -> None:
    run("remove", "1043", "2024-09-05", "--by", "head:H Example:Headteacher")
    run("close", "2024-09-06/AM", "--at", "2024-09-06T10:00", "--by", "head:H Example:Headteacher")
    for options, there in (((), False), (("--leavers",), True), (("1043",), True)):
        found = run("absence", *options, "--json").json
        assert ("1043" in [answer["pupil"] for answer in found]) is there
    assert "1043" in [answer["pupil"] for answer in run("penalty", "--json").json]


def test_an_unknown_pupil_is_an_error(school: Path) -> None:
    for verb in ("absence", "penalty", "history"):
        assert run(verb, "5555", "--json").sentence.startswith("pupil_not_on_roll: pupil '5555'")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--as-of 2025-02-29", "malformed: --as-of '2025-02-29', expected a day such as 2025-11-03"),
        ("--as-of 2025-W09-1", "malformed: --as-of '2025-W09-1', expected a day such as 2025-11-03"),
        ("--as-of yesterday", "malformed: --as-of 'yesterday', expected a day such as 2025-11-03"),
        ("--known-at 25:00", "malformed: --known-at '25:00', expected a time such as 2025-11-03T08:55:00 or a day"),
        ("--known-at ١٢", "malformed: --known-at '١٢', expected a time"),
        ("--known-at 2025-11-03T08:55+99:00", "malformed: --known-at '2025-11-03T08:55+99:00', expected a time"),
    ],
)  # fmt: skip
def test_a_bad_time_names_the_option_the_value_and_the_rule(school: Path, options: str, said: str) -> None:
    for verb in ("absence", "penalty"):
        assert run(verb, *options.split(), "--json").sentence.startswith(said)


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "2024-02-29", "2099-12-31", "9999-12-31"])
def test_any_day_may_be_asked_about(school: Path, day: str) -> None:
    for verb in ("absence", "penalty"):
        said = run(verb, "--as-of", day, "--json")
        assert said.code == 0 and all(answer["as_of"] == day for answer in said.json)


def test_a_table_shows_names_bands_and_both_times(school: Path) -> None:
    said = run("absence")
    assert said.code == 0 and said.err == ""
    title, heading, rule, first, second, *_ = said.out.splitlines()
    assert title == "Absence, year to date (SIMULATED)" and set(rule) == {"─"}
    assert heading.split() == ["pupil", "name", "possible", "attended", "authorised", "unauthorised", "missing",
                               "attendance", "absence", "cohort"]  # fmt: skip
    assert first.split("   ")[:2] == ["1042", " Ada Example"] and first.endswith("33.3 %    66.7 %   severe")
    assert "Zoë 🦊 [bold]Example" in second
    assert said.out.splitlines()[-2:] == [
        "pupils by absence: 3 at 50-100%",
        "as of 2024-09-05, as known at 2024-09-05T09:04:00+00:00 (position 31), policy national-2024",
    ]


def test_penalty_shows_each_parents_own_line(school: Path) -> None:
    out = run("penalty", "1042").out
    assert out.startswith("Penalty window (SIMULATED)\n")
    line = next(line for line in out.splitlines() if "1042-a" in line)
    assert line.split("  ")[-1].strip() == "2" and "Beth Example" in line
    assert "1 school weeks" not in out and "1 school week, that of 2024-09-02" in out


def test_names_are_sealed_where_the_keys_are_gone(school: Path) -> None:
    (school / "attendance.keys.db").unlink()
    said = run("absence")
    assert said.code == 0 and "(sealed)" in said.out and "Ada" not in said.out
    assert said.err.startswith("attendance: the key store ") and said.err.endswith("so names stay sealed\n")
    assert run("absence", "--json").err == ""


def test_no_name_is_in_json_or_in_an_error(school: Path) -> None:
    said = [run(*words.split()) for words in ("absence --json", "penalty --json", "doctor --json", "penalty Ada")]
    assert not any("Example" in each.out + each.err for each in said)


def test_an_absent_or_misspelt_ledger_is_an_error_and_makes_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url, said in {
        "sqlite:///none.db": "there is no ledger file",
        "sqlite:///no/such/folder.db": "there is no ledger file",
        "sqlite:///": "names no file",
        "none.db": "is no kind of ledger",
        "mysql://host/db": "is no kind of ledger",
        "memory:": "keeps nothing",
        "postgresql://127.0.0.1:1/db": "needs --keys or ATTENDANCE_KEYS",
    }.items():
        assert said in run("absence", "--ledger", url, "--json").sentence
        monkeypatch.setenv("ATTENDANCE_LEDGER", url)
        assert said in run("penalty").sentence
        monkeypatch.delenv("ATTENDANCE_LEDGER")
    assert list(folder.iterdir()) == []
    keys = ("--keys", "sqlite:///keys.db")
    secret = run("absence", "--ledger", "postgresql://me:pass1234@127.0.0.1:1/db", *keys).sentence
    assert "cannot be " in secret and "pass1234" not in secret


def test_what_is_no_database_is_one_sentence(school: Path) -> None:
    (school / "other.db").write_bytes(b"something else entirely" * 100)
    assert "file is not a database" in run("absence", "--ledger", "sqlite:///other.db").sentence
    assert "file is not a database" in run("absence", "--keys", "sqlite:///other.db").sentence
    assert "kept apart" in run("absence", "--keys", "sqlite:///attendance.db").sentence


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples of the contract are not beside this folder")
@pytest.mark.parametrize("number", [1, 2])
def test_the_examples_of_the_contract_are_answered_as_they_say(folder: Path, number: int) -> None:
    replayed = run("replay", str(EXAMPLES / f"school-{number}.ndjson"))
    assert replayed.code == 0, replayed
    for question in json.loads((EXAMPLES / f"school-{number}.answers.json").read_text()):
        times = ("--as-of", question["as_of"], "--known-at", question["known_at"], "--json")
        for verb in ("absence", "penalty"):
            found = {answer["pupil"]: _plain(answer) for answer in run(verb, *times).json}
            for wanted in question[verb]:
                if wanted["pupil"] in found:
                    answer = found.pop(wanted["pupil"])
                    assert {field: answer[field] for field in wanted} == wanted, (times, verb)
                else:
                    assert not wanted.get("count") and not wanted.get("possible"), (times, verb, wanted)
            assert not found, (times, verb)


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as the examples state it: of a counted session only which one it is."""
    if "sessions" in answer:
        answer["sessions"] = [counted["session"] for counted in answer["sessions"]]
    return answer


# --- a process of its own -------------------------------------------------------------------------------------------


def _process(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "commands.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_help_loads_nothing_heavy(folder: Path) -> None:
    command = "import sys, commands.cli as c; c.main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    heavy = {
        "sqlalchemy", "numpy", "pydantic", "rich", "eventsourcing", "psycopg", "msgspec", "polars", "pyarrow", "typst",
        "lxml", "faker", "cryptography", "xlsxwriter",
    }  # fmt: skip
    assert not [name for name in heavy if f"'{name}'" in done.stderr]


def test_a_reader_who_leaves_is_no_error(school: Path) -> None:
    with _process("schema", cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 141)


def test_interrupted_from_the_keyboard_ends_with_a_sentence(school: Path) -> None:
    ledger = ("--ledger", f"sqlite:///{school}/attendance.db")
    with _process("replay", "-", *ledger, stdin=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdin is not None and process.stderr is not None
        line = {"command": "CloseRegister", "by": HEAD, "session": "2024-09-04/PM"}
        process.stdin.write(json.dumps(line).encode() + b"\n" * 10_000)
        process.stdin.flush()
        while run("absence", "1043", *ledger, "--json").json[0]["position"] == 31:
            time.sleep(0.05)
        process.send_signal(2)
        said = b"attendance: stopped: what was said to be recorded or written stays, and nothing else was\n"
        assert (process.stderr.read(), process.wait()) == (said, 130)
