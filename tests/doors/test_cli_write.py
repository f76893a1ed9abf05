"""The verbs that write: what they record, what they print, and every refusal by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.models import COMMANDS
from ledger.errors import RULES
from ledger.sessions import parse_moment
from tests.support.terminal import BY, run

pytestmark = pytest.mark.usefixtures("folder")

SIGNED = ("--by", BY)
CLOSING = '{"command":"CloseRegister","session":"2024-09-03/AM"}'


# Every verb once, in an order in which each is accepted, with the events it records.
STORY = [
    ("take 4W 2024-09-05/PM 1042=\\ 1043=B:museum --at 2024-09-05T12:20:00Z", 3),
    ("close 2024-09-05/AM --class 4W", 3),
    ("mark 1043 2024-09-04/PM \\", 1),
    ("amend 1042 2024-09-05/AM I --reason fever", 1),
    ("arrive 1043 2024-09-05/AM 2024-09-05T09:05 --reason overslept", 2),
    ("report 1042 1042-a 2024-09-06/AM --channel phone --received-at 2024-09-05T13:00 --said cough", 1),
    ("contact 1042 1042-a 2024-09-05/AM --channel phone --outcome spoke --next-step none", 1),
    ("leave request 1042 LR-9 --parent 1042-a --received-on 2024-09-05 --on-form "
     "--first 2024-12-02/AM --last 2024-12-03/PM", 1),
    ("leave decide 1042 LR-9 --grant 2024-12-02/AM=C --reason ceremony", 1),
    ("leave withdraw 1042 LR-9 --reason off", 1),
    ("notice issue 1042 PN-9 2024-09-03/PM --parent 1042-b --issued-on 2024-09-05", 1),
    ("notice pay 1042 PN-9 80.50 --paid-on 2024-09-05", 1),
    ("notice withdraw 1042 PN-9 --reason address", 1),
    ("closure Y4 2024-09-20/AM 2024-09-20/PM --class 4W --reason boiler", 1),
    ("year 2025/26 2025-09-02 2026-07-21 --closed 2025-10-27:2025-10-31:Half-term --times AM=08:50-09:00", 1),
    ("calendar 2025/26 --none-closed --times PM=13:00-13:20 --reason agreed", 1),
    ("policy micklem-2025 2025-09-01", 1),
    ("admit 77 --name Gil --born 2016-02-29 --starting-day 2024-09-16 --year-group 4 --class 4W "
     "--upn B801200005001 --group EAL", 1),
    ("move 77 4T 2024-10-07", 1),
    ('contacts 77 --parent {"id":"77-a","name":"Ida"}', 1),
    ("groups 77 --none", 1),
    ("remove 77 2024-12-20 --ground moved", 1),
]  # fmt: skip


def test_every_verb_records_its_command(school: Path) -> None:
    for words, events in STORY:
        said = run(*words.split(), *SIGNED)
        plural = "" if events == 1 else "s"
        assert (said.code, said.err) == (0, ""), (words, said)
        assert said.out.startswith(f"recorded {events} event{plural}, position "), (words, said)
        assert said.out.endswith(" (SIMULATED)\n"), (words, said)


def test_every_command_has_a_verb_whose_help_shows_an_example() -> None:
    helps = [run(*words.split()[: 2 if words.split()[0] in ("leave", "notice") else 1], "--help") for words, _ in STORY]
    helps.append(run("open", "--help"))
    for said in helps:
        assert said.code == 0 and "Example: attendance " in said.out
    told = " ".join(" ".join(said.out.split()) for said in helps)
    assert {name for name in COMMANDS if f"ecords {name}." in told} == set(COMMANDS)


def test_json_says_what_became_of_it(school: Path) -> None:
    said = run("take", "4W", "2024-09-05/AM", "1042=I", *SIGNED, "--at", "2024-09-05T09:30:00Z", "--json")
    assert list(said.json.items()) == [
        ("events", 2), ("position", said.json["position"]), ("kept", []), ("repeated", False), ("simulated", True)
    ]  # fmt: skip


def test_who_was_marked_before_is_kept_and_named(school: Path) -> None:
    run("mark", "1042", "2024-09-05/AM", "L", *SIGNED, "--at", "2024-09-05T09:30:00Z")
    said = run("take", "4W", "2024-09-05/AM", "1042=/", "1043=/", *SIGNED)
    assert "; the mark that was there stays for 1042 (SIMULATED)" in said.out


def test_saying_the_same_again_records_nothing(school: Path) -> None:
    said = run("mark", "1042", "2024-09-03/AM", "/", *SIGNED)
    assert said == (0, "nothing to record: it says so already (SIMULATED)\n", "")


def test_an_id_works_once(school: Path) -> None:
    words = ("amend", "1042", "2024-09-03/PM", "O", "--reason", "🤒 no reason after all", "--id", "a-1", *SIGNED)
    first = run(*words, "--json").json
    assert run(*words, "--json", "--at", "2031-01-01").json == first | {"repeated": True}
    other = run("amend", "1042", "2024-09-03/PM", "I", "--reason", "x", "--id", "a-1", *SIGNED)
    assert other.sentence == "id_reused: id 'a-1' was used before for a command with other content"


def test_the_signer_may_come_from_the_environment(school: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTENDANCE_BY", BY)
    assert run("amend", "1042", "2024-09-03/PM", "O", "--reason", "x").code == 0


def test_one_line_says_the_same_as_its_verb(school: Path) -> None:
    line = b'{"command":"AmendMark","by":{"id":"head","name":"H Example","title":"Headteacher"},"pupil":"1042",' \
        b'"session":"2024-09-03/PM","code":"O","reason":"x","id":"l-1"}'  # fmt: skip
    assert run("do", line.decode()).code == 0
    assert run("do", "-", "--json", stdin=line).json["repeated"]
    words = "amend 1042 2024-09-03/PM O --reason x --id l-1 --json"
    assert run(*words.split(), *SIGNED).json["repeated"]


def test_a_ledger_begun_here_keeps_the_time_of_the_system(folder: Path) -> None:
    begun = run("open", "--urn", "117000", "--name", "Éxample 🏫", "--la", "919", "--estab", "2000", *SIGNED)
    assert begun == (0, "recorded 2 events, position 2\n", "")
    assert sorted(path.name for path in folder.glob("*.db")) == ["attendance.db", "attendance.keys.db"]
    assert run("year", "2025/26", "2025-09-02", "2026-07-21", *SIGNED, "--json").json["simulated"] is False
    refused = run("policy", "micklem-2025", "2025-09-02", *SIGNED, "--at", "2025-01-01")
    assert refused.sentence.startswith("ledger_is_system: at ")


REFUSED = {
    "malformed": "mark 1042 2025-02-29/AM /",
    "unknown_person": "contact 1042 9001-a --channel phone --outcome spoke",
    "time_runs_backwards": "mark 1042 2024-09-05/AM / --at 2024-09-01",
    "school_already_open": "open --urn 117000 --name Other --la 919 --estab 2000",
    "year_already_open": "year 2024/25 2024-09-03 2025-07-22",
    "no_such_year": "calendar 2030/31 --reason x",
    "policy_unknown": "policy strict-1999 2024-09-09",
    "not_a_session": "mark 1042 2024-10-28/AM / --at 2024-11-04",
    "code_not_for_closure": "closure I 2024-09-20/AM",
    "pupil_already_on_roll": "admit 1042 --name A --born 2016-01-01 --starting-day 2024-09-03 --year-group 4 --class 4",
    "pupil_not_on_roll": "mark 5555 2024-09-04/PM /",
    "pupil_not_in_class": "take RA 2024-09-04/PM 1042=\\",
    "class_unknown": "close 2024-09-04/PM --class 9Z",
    "session_in_the_future": "mark 1042 2024-09-09/AM /",
    "code_unknown": "mark 1042 2024-09-04/PM 🙂",
    "code_not_in_force": "mark 1042 2024-09-04/PM H",
    "code_is_administrative": "mark 1042 2024-09-04/PM Z",
    "code_not_for_this_half": "mark 1042 2024-09-04/PM /",
    "code_not_for_this_age": "mark 1042 2024-09-04/PM X",
    "code_needs_detail": "mark 1042 2024-09-04/PM K",
    "already_marked": "mark 1042 2024-09-04/AM I",
    "nothing_to_amend": "amend 1042 2024-09-04/PM I --reason x",
    "reason_required": "amend 1042 2024-09-04/AM I --reason ",
    "register_already_taken": "take 4W 2024-09-03/AM 1042=I",
    "arrival_in_the_future": "arrive 1042 2024-09-05/AM 2024-09-05T11:00 --at 2024-09-05T10:30+01:00",
    "session_over": "arrive 1042 2024-09-04/AM 2024-09-04T15:00",
    "leave_exists": "leave request 1042 LR-1 --parent 1042-a --received-on 2024-09-05 "
    "--first 2024-12-02/AM --last 2024-12-02/PM",
    "no_such_leave": "leave decide 1042 LR-7",
    "leave_already_decided": "leave decide 1042 LR-1",
    "leave_withdrawn": "leave withdraw 1042 LR-2",
    "leave_not_in_advance": "leave decide 1042 LR-3 --grant 2024-09-03/AM=C",
    "session_outside_request": "leave decide 1042 LR-3 --grant 2024-12-02/AM=C",
    "code_not_for_leave": "leave decide 1042 LR-3 --grant 2024-09-12/AM=I",
    "notice_exists": "notice issue 1042 PN-1 2024-09-04/AM --parent 1042-b --issued-on 2024-09-05",
    "no_such_notice": "notice pay 1042 PN-7 80 --paid-on 2024-09-05",
    "notice_withdrawn": "notice pay 1042 PN-3 80 --paid-on 2024-09-05",
    "notice_already_paid": "notice pay 1042 PN-1 80 --paid-on 2024-09-05",
    "third_in_three_years": "notice issue 1042 PN-8 2024-09-04/AM --parent 1042-a --issued-on 2024-09-05",
}  # fmt: skip
# Shown by stories of their own, here or (the last one) among the faults.
ELSEWHERE = {"id_reused", "ledger_is_system", "school_not_open", "entry_unreadable"}


def test_every_refusal_is_one_sentence_that_names_its_rule(school: Path) -> None:
    before = run("verify").out
    for rule, words in REFUSED.items():
        said = run(*words.split(" "), *SIGNED)
        assert said.sentence.startswith(f"{rule}: "), (rule, said)
    assert set(RULES) - set(REFUSED) == ELSEWHERE
    assert run("verify").out == before, "a refusal records nothing"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("mark", "Missing argument 'PUPIL'; see 'attendance mark --help'"),
        ("mark 1042 2024-09-03/AM / --colour red", "No such option: --colour; see 'attendance mark --help'"),
        ("leave grant", "No such command 'grant'; see 'attendance leave --help'"),
        ("take 4W 2024-09-03/AM 1042", "malformed: marks, expected each once, as PLACE=CODE or PLACE=CODE:DETAIL"),
        ("take 4W 2024-09-03/AM 1=/ 1=I", "malformed: marks, expected each once, as PLACE=CODE or PLACE=CODE:DETAIL"),
        ("contacts 1042 --parent name=Ida", "malformed: --parent, expected an object in JSON, each key once"),
        ("year 2024/26 2024-09-03 2025-07-22", "malformed: year '2024/26', expected a school year such as 2024/25"),
        ("notice pay 1042 PN-1 1e99 --paid-on 2024-09-05", "malformed: amount '1e99', expected "),
        ("do [1]", "malformed: line, expected a JSON object with a command"),
        ('do {"command":"Nope"}', "malformed: command 'Nope', expected one of OpenSchool,"),
        (f'do {CLOSING[:-1]},"a\\nb\\u001b":1}}', "malformed: a b , expected no such field"),
        (f'do {CLOSING[:-1]},"class":"\\ud800"}}', "malformed: "),
        ("mark 1042 2024-09-04/PM \udcff", "malformed: line, expected text of whole characters"),
    ],
)  # fmt: skip
def test_what_is_not_in_form_is_one_sentence(school: Path, words: str, said: str) -> None:
    by = () if words.startswith("do ") else SIGNED
    assert run(*words.split(" "), *by).sentence.startswith(said)


def test_personal_values_stay_out_of_a_refusal(school: Path) -> None:
    refused = run("admit", "78", "--name", "x" * 300, "--born", "yesterday", "--starting-day", "2024-09-16",
                  "--year-group", "4", "--class", "4W", *SIGNED)  # fmt: skip
    assert "yesterday" not in refused.sentence and "xxx" not in refused.sentence


def test_nobody_writes_where_there_is_no_ledger(folder: Path) -> None:
    for words in ("mark 1042 2024-09-03/AM /", "close 2024-09-03/AM", f"do {CLOSING}"):
        assert "there is no ledger file" in run(*words.split()).sentence
    assert list(folder.iterdir()) == []


def test_no_school_is_open_in_an_empty_ledger(folder: Path) -> None:
    run(
        "open",
        "--urn",
        "117000",
        "--name",
        "Example",
        "--la",
        "919",
        "--estab",
        "2000",
        "--policy",
        "none-such",
        *SIGNED,
    )
    assert run("close", "2024-09-03/AM", *SIGNED).sentence.startswith("school_not_open: ")
    assert run("absence").sentence.startswith("school_not_open: ")


def test_text_is_not_sealed_with_a_second_set_of_keys(school: Path) -> None:
    (school / "attendance.keys.db").unlink()
    refused = run("amend", "1042", "2024-09-03/PM", "O", "--reason", "x", *SIGNED)
    assert "key store" in refused.sentence and "missing" in refused.sentence
    assert not (school / "attendance.keys.db").exists()


def test_recorded_time_is_a_minute_after_the_last_event_unless_told(school: Path) -> None:
    run("amend", "1042", "2024-09-03/PM", "O", "--reason", "x", *SIGNED)
    (entry,) = run("history", "1042", "2024-09-03/PM", "--json").json
    assert parse_moment(entry["entries"][-1]["recorded_at"]) == parse_moment("2024-09-05T09:05:00Z")
