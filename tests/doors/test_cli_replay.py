"""`attendance replay`: lines in order, refusals by their number, and what came before them kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.errors import Refused
from tests.support.schools import open_school
from tests.support.terminal import BY, HEAD, run, small_school, write_journal

pytestmark = pytest.mark.usefixtures("folder")

SCHOOL = small_school()
LAST = "2024-09-06T09:00:00Z"
AMENDING = {"command": "AmendMark", "at": LAST, "by": HEAD, "pupil": "1042", "session": "2024-09-03/PM"}
REFUSED_LINE = {
    "command": "RecordMark",
    "at": LAST,
    "by": HEAD,
    "pupil": "1042",
    "session": "2024-10-28/AM",
    "code": "I",
}


def replay(folder: Path, *lines: dict | bytes, options: str = "--json"):  # type: ignore[no-untyped-def]
    """Replay a file of these lines, some of them as raw bytes."""
    content = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    (folder / "more.ndjson").write_bytes(b"\n".join(content))
    return run("replay", "more.ndjson", *options.split())


def test_a_journal_becomes_a_new_ledger(folder: Path) -> None:
    said = run("replay", str(write_journal(folder / "school.ndjson", SCHOOL)))
    assert said.code == 0 and said.err == ""
    assert (
        said.out
        == "applied 20 commands of 20 lines, 0 of them again, 0 refused: recorded 31 events, position 31 (SIMULATED)\n"
    )
    assert sorted(path.name for path in folder.glob("*.db")) == ["attendance.db", "attendance.keys.db"]


def test_standard_input_is_a_journal_too(folder: Path) -> None:
    text = write_journal(folder / "school.ndjson", SCHOOL).read_bytes()
    said = run("replay", "-", "--ledger", "sqlite:///other.db", "--json", stdin=text)
    assert list(said.json) == ["lines", "applied", "repeated", "refused", "events", "position", "simulated"]
    assert (folder / "other.db").exists() and (folder / "other.keys.db").exists()


def test_a_refused_line_stops_the_run_and_keeps_what_came_before(school: Path) -> None:
    said = replay(
        school, {**AMENDING, "code": "O", "reason": "x"}, REFUSED_LINE, {**AMENDING, "code": "I", "reason": "y"}
    )
    assert said.code == 2
    assert said.err == (
        "attendance: line 2: not_a_session: session '2024-10-28/AM' is not a session of this school's calendar\n"
    )
    assert (said.json["applied"], said.json["refused"], said.json["lines"], said.json["position"]) == (1, 1, 2, 32)


def test_keep_going_reports_every_refusal_and_applies_the_rest(school: Path) -> None:
    said = replay(
        school,
        REFUSED_LINE,
        b"not json",
        {**AMENDING, "code": "O", "reason": "x"},
        REFUSED_LINE,
        options="--json --keep-going",
    )
    assert said.code == 2 and (said.json["applied"], said.json["refused"]) == (1, 3)
    assert [line.split(": ")[1:3] for line in said.err.splitlines()] == [
        ["line 1", "not_a_session"], ["line 2", "malformed"], ["line 4", "not_a_session"]
    ]  # fmt: skip


def test_the_same_journal_again_adds_nothing_where_lines_have_ids(folder: Path) -> None:
    lines = [{**line, "id": f"line {number} 🦊"} for number, line in enumerate(SCHOOL)]
    path = write_journal(folder / "school.ndjson", lines)
    first = run("replay", str(path), "--json").json
    again = run("replay", str(path), "--json")
    assert again.code == 0 and again.json == first | {"repeated": 20, "events": 0}


def test_an_id_with_other_content_is_refused(school: Path) -> None:
    line = {**AMENDING, "code": "O", "id": "one"}
    assert replay(school, {**line, "reason": "x"}, {**line, "reason": "y"}).err.startswith(
        "attendance: line 2: id_reused: "
    )


def test_a_refusal_uses_no_id_up(school: Path) -> None:
    said = replay(
        school,
        {**REFUSED_LINE, "id": "one"},
        {**AMENDING, "code": "O", "reason": "x", "id": "one"},
        options="--keep-going",
    )
    assert "applied 1 commands" in said.out


def test_time_may_not_run_backwards(school: Path) -> None:
    early = {**AMENDING, "code": "O", "reason": "x", "at": "2024-09-05T09:03:59Z"}
    assert replay(school, early).err.startswith(
        "attendance: line 1: time_runs_backwards: at '2024-09-05 09:03:59+00:00'"
    )
    assert replay(school, early | {"at": "2024-09-05T09:04:00Z"}).code == 0


def test_blank_lines_and_a_byte_order_mark_are_passed_over(school: Path) -> None:
    line = json.dumps({**AMENDING, "code": "O", "reason": "x"}).encode()
    said = replay(school, b"\xef\xbb\xbf" + line, b"", b"  \r", b"\xef\xbb\xbf" + line)
    assert said.err.startswith("attendance: line 4: malformed: ") and said.json["applied"] == 1


PAYMENT = b'{"command":"RecordPayment","pupil":"1042","notice":"PN-2","paid_on":"2024-09-05","amount":'


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b'{"command":"CloseRegister","session":"2024-09-03/AM","session":"2024-09-04/AM"}',
        b'{"command":"TakeRegister","class":"4W","session":"2024-09-05/AM","marks":{"1042":"/","1042":"I"}}',
        b'{"command":"RecordPayment","amount":NaN}',
        PAYMENT + b"1e999}",
        PAYMENT + b"9" * 5000 + b"}",
        b'{"command":"CloseRegister","session":"2024-09-03/AM","class":"\\ud800"}',
        b'{"command":"CloseRegister","session":"2024-09-03/AM","class":"\xff"}',
        b'{"command":"CloseRegister","session":"2025-02-29/AM"}',
        b'{"command":"CloseRegister","session":"2024-09-03/AM","at":"+999999-01-01T00:00:00Z"}',
        b'{"command":"CloseRegister","session":20240903}',
        b'{"command":["CloseRegister"]}',
        b"[" * 100_000,
        b"null",
        b'"CloseRegister"',
    ],
    ids=range(15),
)  # fmt: skip
def test_a_line_in_no_form_is_malformed(school: Path, line: bytes) -> None:
    said = replay(school, line)
    assert said.code == 2 and said.json["events"] == 0
    assert said.err.startswith("attendance: line 1: malformed: ") and said.err.count("\n") == 1


def test_the_29th_of_february_is_a_day_where_there_is_one(school: Path) -> None:
    leap_day = {"from": "2028-02-29", "to": "2028-02-29", "why": "leap day"}
    year = {"command": "OpenSchoolYear", "at": LAST, "by": HEAD, "year": "2027/28", "first_day": "2027-09-01",
            "last_day": "2028-07-20", "closed": [leap_day]}  # fmt: skip
    close = {"command": "CloseRegister", "at": "2028-03-01T10:00:00Z", "by": HEAD, "session": "2028-02-29/AM"}
    assert replay(school, year).code == 0
    assert replay(school, close).err.startswith("attendance: line 1: not_a_session: ")


def test_a_journal_is_for_a_simulated_ledger_only(folder: Path) -> None:
    run("open", "--urn", "117000", "--name", "Example", "--la", "919", "--estab", "2000", "--by", BY)
    said = replay(folder, b"")
    assert said.sentence.startswith("ledger_is_system: ledger, expected a ledger with a simulated clock")


def test_a_journal_that_is_not_there_makes_no_ledger(folder: Path) -> None:
    assert run("replay", "none.ndjson").sentence == "the journal none.ndjson cannot be read: No such file or directory"
    assert run("replay", ".").sentence == "the journal . cannot be read: Is a directory"
    assert list(folder.iterdir()) == []


def test_lost_keys_are_not_replaced_in_passing(school: Path) -> None:
    (school / "attendance.keys.db").unlink()
    assert "key store" in replay(school, {**AMENDING, "code": "O", "reason": "x"}).sentence
    assert not (school / "attendance.keys.db").exists()


def test_replay_reads_no_line_before_the_one_before_is_done() -> None:
    from commands.journal import replay as replay_lines

    school = open_school()
    heads: list[int] = []

    def lines():  # type: ignore[no-untyped-def]
        for line in SCHOOL:
            heads.append(school.ledger.reads.head()[0])
            yield {"by": HEAD} | line

    seen: list[int] = []
    refused: list[tuple[int, Refused]] = []
    result = replay_lines(lines(), school.handler, refused=lambda *each: refused.append(each), progress=seen.append)
    assert heads == sorted(set(heads)) and seen == list(range(1, len(SCHOOL) + 1)) and not refused
    assert result.events == school.ledger.reads.head()[0]
