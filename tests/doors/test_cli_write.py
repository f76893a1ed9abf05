"""The verbs that write: what they record, what they print, and every refusal by its name."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from commands.models import COMMANDS
from ledger.errors import RULES
from ledger.sessions import parse_moment
from tests.support.terminal import BY, run

pytestmark = pytest.mark.usefixtures("folder")

SIGNED = ("--by", BY)
GROUPS = ("leave", "notice", "medical", "letter", "return", "case", "prosecution", "daily", "hold")
CLOSING = '{"command":"CloseRegister","session":"2024-09-03/AM"}'


# Every verb once, in an order in which each is accepted, with the events it records.
STORY = [
    ("take 4W 2024-09-05/PM '1042=\\' 1043=B:museum --at 2024-09-05T12:20:00Z", 3),
    ("close 2024-09-05/AM --class 4W", 3),
    ("mark 1043 2024-09-04/PM '\\'", 1),
    ("amend 1042 2024-09-05/AM I --reason fever", 1),
    ("arrive 1043 2024-09-05/AM 2024-09-05T09:05 --reason overslept", 2),
    ("report 1042 1042-a 2024-09-06/AM --channel phone --received-at 2024-09-05T13:00 --said cough", 1),
    ("contact 1042 1042-a 2024-09-05/AM --channel phone --outcome spoke --next-step none", 1),
    ("medical request 1042 ME-1 2024-09-05/AM --parent 1042-a --doubt 'a third Thursday' --wanted 'a card'", 1),
    ("medical seen 1042 ME-1 2024-09-05/AM --seen-on 2024-09-05 --what 'a card'", 1),
    ("medical returned 1042 ME-1 2024-09-05", 1),
    ("medical expect 1042 2024-09-09 2024-09-20 --grounds operation", 1),
    ("enquiries 1042 2024-09-05 --jointly --outcome 'nobody there'", 1),
    ("allowed 1042 2024-09-05/AM --parent 1042-a --parent 1042-b --reason 'both on the booking'", 1),
    ("letter sent 1042 'leave refused' --parent 1042-a --sent-on 2024-09-05 --cites LR-1 --said 'not exceptional'", 1),
    ("support 1042 'attendance contract' offered 2024-09-05 --next-on 2024-09-12 --person 'B Example' --outcome x", 1),
    ("inform 1042 'social worker' 'unexplained absence' 2024-09-05 --person 'S Worker' --said 'no word'", 1),
    ("share 1042 'the year' --with 'Hill School' --on 2024-09-05 --as-of 2024-09-04 --why 'a sibling' --seen 3", 1),
    ("return made 1042 attendance 2024-09-03 --made-on 2024-09-05 --seen 3 --content '{\"days\":10}'", 1),
    ("leave request 1042 LR-9 --parent 1042-a --received-on 2024-09-05 --on-form "
     "--first 2024-12-02/AM --last 2024-12-03/PM", 1),
    ("leave decide 1042 LR-9 --grant 2024-12-02/AM=C --reason ceremony", 1),
    ("leave withdraw 1042 LR-9 --reason off", 1),
    ("case consider 1042 PN-9 --parent 1042-b --on 2024-09-05 --route support --decision improve --reasons late", 1),
    ("case improve 1042 PN-9 --issued-on 2024-09-05 --ends-on 2024-10-03 --at-most 2 --offered 'breakfast club' "
     "--improvement 'every morning' --early-end 'three more'", 1),
    ("case improved 1042 PN-9 2024-09-05 --no --outcome 'three more'", 1),
    ("case refer 1042 PN-9 2024-09-03/PM --on 2024-09-05 --reasons 'no improvement'", 1),
    ("notice issue 1042 PN-9 2024-09-03/PM --parent 1042-b --issued-on 2024-09-05", 1),
    ("notice serve 1042 PN-9 post 2024-09-05", 1),
    ("notice pay 1042 PN-9 80.50 --paid-on 2024-09-05", 1),
    ("notice withdraw 1042 PN-9 --reason address", 1),
    ("case consider 1042 PN-10 --parent 1042-a --on 2024-09-05 --route support --decision other --reasons third "
     "--instead court", 1),
    ("prosecution begin 1042 PN-10 2024-09-05 --offence '444(1)'", 1),
    ("prosecution end 1042 PN-10 2024-09-05 --outcome convicted --fine 250 --said guilty", 1),
    ("hold place 1042 --reason 'a complaint'", 1),
    ("hold lift 1042 --reason settled", 1),
    (f"daily sent 2024-09-03 --seen 10 --pupils 3 --digest {'ab' * 32}", 1),
    ("closure Y4 2024-09-20/AM 2024-09-20/PM --class 4W --reason boiler", 1),
    ("year 2025/26 2025-09-02 2026-07-21 --closed 2025-10-27:2025-10-31:Half-term --times AM=08:50-09:00", 1),
    ("calendar 2025/26 --none-closed --times PM=13:00-13:20 --reason agreed", 1),
    ("policy micklem-2025 2025-09-01 --review-on 2026-09-01", 1),
    ("role 'attendance lead' 2024-09-01 --holder 'dep:D Deputy:Deputy head' --contact '01632 960003'", 1),
    ("role 'attendance lead' 2024-10-01 --none", 1),
    ("admit 77 --name Gil --born 2016-02-29 --starting-day 2024-09-16 --year-group 4 --class 4W "
     "--upn B801200005001 --group EAL --emergency '{\"id\":\"gran\",\"name\":\"Jo\"}'", 1),
    ("move 77 4T 2024-10-07", 1),
    ("""contacts 77 --parent '{"id":"77-a","name":"Ida"}'""", 1),
    ("""emergency 77 --contact '{"id":"aunt","name":"Kim","phone":"01632 960002"}'""", 1),
    ("emergency 77 --none", 1),
    ("particulars 77 2024-10-01 --name Gill --upn M80120000500A --born 2016-03-01 --sex F --address '2 Other Lane' "
     "--email g@example.org --last-school Elsewhere --reason moved", 1),
    ("groups 77 --none", 1),
    ("moving-form 77 --parent 77-a --received-on 2024-09-05 --leaving-on 2024-12-20 --new-address 'Far Away' "
     "--new-school 'Hill School' --new-school-address 'A Hill'", 1),
    ("remove 77 2024-12-20 --ground 'moved away' --destination 'Hill School' --shown-by 'the form'", 1),
    ("doubt 3 5 --reason 'the clock was at 2038'", 1),
]  # fmt: skip


def test_every_verb_records_its_command(school: Path) -> None:
    for words, events in STORY:
        said = run(*shlex.split(words), *SIGNED)
        plural = "" if events == 1 else "s"
        off = "attendance: PN-9 names 2024-09-03/PM, which holds I now\n" if words.startswith("notice issue") else ""
        assert (said.code, said.err) == (0, off), (words, said)
        assert said.out.startswith(f"recorded {events} event{plural}, position "), (words, said)
        assert said.out.endswith(" (SIMULATED)\n"), (words, said)


def test_every_command_has_a_verb_whose_help_shows_an_example() -> None:
    verbs = {tuple(words.split()[: 2 if words.split()[0] in GROUPS else 1]) for words, _ in STORY}
    helps = [run(*verb, "--help") for verb in sorted(verbs)]
    helps += [run("open", "--help"), run("forget", "--help"), run("receive", "--help"), run("rebuild", "--help")]
    for said in helps:
        assert said.code == 0 and "Example: attendance " in said.out
    told = " ".join(" ".join(said.out.split()) for said in helps)
    assert {name for name in COMMANDS if f"ecords {name}." in told} == set(COMMANDS)


LETTER = ("letter", "sent", "1042", "attendance", "--parent", "1042-a", "--sent-on", "2024-09-05")


def test_a_letter_keeps_the_figures_of_the_year_to_date_and_when_they_were_true(school: Path) -> None:
    # Two sessions were attended or explained, and of the third nobody has said why.
    position = run("amend", "1042", "2024-09-03/AM", "L", "--reason", "x", *SIGNED, "--json").json["position"]
    said = run(*LETTER, "--as-of", "2024-09-04", *SIGNED)
    assert said.out.splitlines()[1] == (
        f"quoted: possible 3, attended 1, authorised 1, unauthorised 1, late 1, as of 2024-09-04, "
        f"as known at position {position}"
    )
    told = run(*LETTER, "--json", *SIGNED).json
    assert (told["as_of"], told["seen"], told["quoted"]["possible"]) == ("2024-09-05", position + 1, 3)


def test_a_letter_may_quote_what_was_known_earlier_or_what_somebody_counted(school: Path) -> None:
    # The first mark is of position 13, and the other one of its register was recorded with it.
    before = run(*LETTER, "--seen", "13", "--json", *SIGNED).json
    assert (before["seen"], before["quoted"]["possible"], before["quoted"]["attended"]) == (14, 1, 1)
    words = ["--quote", "possible=4", "--quote", "attended=2", "--quote", "authorised=1", "--quote", "unauthorised=1"]
    assert run(*LETTER, *words, *SIGNED).out.splitlines()[1] == (
        "quoted: possible 4, attended 2, authorised 1, unauthorised 1"
    )


def test_a_letter_of_another_kind_or_before_there_is_anything_quotes_nothing(school: Path) -> None:
    assert "quoted" not in run(*LETTER[:3], "meeting", *LETTER[4:], *SIGNED).out
    assert "quoted" not in run(*LETTER, "--as-of", "2024-09-02", *SIGNED).out


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


# What has to have happened for some rules to be broken.
PREPARED = [
    "role headteacher 2024-09-01 --holder 'head:H Example:Headteacher'",
    "medical request 1042 ME-1 2024-09-04/AM --parent 1042-a --doubt often",
    "return made 1042 attendance 2024-09-03 --made-on 2024-09-05",
    "notice serve 1042 PN-2 hand 2024-09-05",
    "case consider 1042 PN-11 --parent 1042-a --on 2024-09-05 --route support --decision improve --reasons late",
    "case improve 1042 PN-11 --issued-on 2024-09-05 --ends-on 2024-10-03 --at-most 2",
    "case improved 1042 PN-11 2024-09-05 --yes",
    "case consider 1042 PN-12 --parent 1042-a --on 2024-09-05 --route support --decision other --reasons third",
    "prosecution begin 1042 PN-12 2024-09-05 --offence '444(1)'",
    "prosecution end 1042 PN-12 2024-09-05 --outcome withdrawn",
]
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
    "pupil_not_in_class": "take RA 2024-09-04/PM '1042=\\'",
    "class_unknown": "close 2024-09-04/PM --class 9Z",
    "removal_in_the_past": "remove 1042 2024-09-04 --ground 'moved away'",
    "ground_not_met": "remove 1042 2024-12-20 --ground 'completed the final year'",
    "session_in_the_future": "mark 1042 2024-09-09/AM /",
    "code_unknown": "mark 1042 2024-09-04/PM 🙂",
    "code_not_in_force": "mark 1042 2024-09-04/PM H",
    "code_is_administrative": "mark 1042 2024-09-04/PM Z",
    "code_not_for_this_half": "mark 1042 2024-09-04/PM /",
    "code_not_for_this_age": "mark 1042 2024-09-04/PM X",
    "code_needs_detail": "mark 1042 2024-09-04/PM K",
    "already_marked": "mark 1042 2024-09-04/AM I",
    "nothing_to_amend": "amend 1042 2024-09-04/PM I --reason x",
    "reason_required": "amend 1042 2024-09-04/AM I --reason ''",
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
    "not_a_leave_decider": "leave decide 1042 LR-3 --by 'off:O Fice:Office'",
    "evidence_exists": "medical request 1042 ME-1 2024-09-04/AM --parent 1042-a --doubt again",
    "no_such_evidence": "medical returned 1042 ME-1 2024-09-05",
    "step_not_begun": "support 1042 'support plan' reviewed 2024-09-05",
    "return_made_already": "return made 1042 attendance 2024-09-03 --made-on 2024-09-05",
    "not_considered": "case refer 1042 PN-7 2024-09-04/AM --on 2024-09-05",
    "case_of_another_parent": "notice issue 1042 PN-11 2024-09-04/AM --parent 1042-b --issued-on 2024-09-05",
    "improvement_required_already": "case improve 1042 PN-11 --issued-on 2024-09-05 --ends-on 2024-10-03 --at-most 2",
    "no_improvement_required": "case improved 1042 PN-1 2024-09-05 --no",
    "improvement_over": "case improved 1042 PN-11 2024-09-05 --no",
    "paid_before_issue": "notice pay 1042 PN-2 80 --paid-on 2024-09-04",
    "notice_served_already": "notice serve 1042 PN-2 hand 2024-09-05",
    "payment_still_open": "prosecution begin 1042 PN-2 2024-09-05 --offence '444(1)'",
    "prosecution_begun_already": "prosecution begin 1042 PN-12 2024-09-05 --offence '444(1)'",
    "prosecution_not_decided": "prosecution begin 1042 PN-11 2024-09-05 --offence '444(1)'",
    "not_held": "hold lift 1042 --reason settled",
    "no_prosecution": "prosecution end 1042 PN-1 2024-09-05 --outcome acquitted",
    "prosecution_over": "prosecution end 1042 PN-12 2024-09-05 --outcome acquitted",
    "notice_exists": "notice issue 1042 PN-1 2024-09-04/AM --parent 1042-b --issued-on 2024-09-05",
    "no_such_notice": "notice pay 1042 PN-7 80 --paid-on 2024-09-05",
    "notice_withdrawn": "notice pay 1042 PN-3 80 --paid-on 2024-09-05",
    "notice_already_paid": "notice pay 1042 PN-1 80 --paid-on 2024-09-05",
    "third_in_three_years": "notice issue 1042 PN-8 2024-09-04/AM --parent 1042-a --issued-on 2024-09-05",
}  # fmt: skip
# Shown by stories of their own, here or (the last one) among the faults.
FORGETTING = {"pupil_on_roll", "second_person_required", "held", "too_young_to_forget", "year_forgotten"}
MOVING = {"record_not_genuine", "not_this_pupil", "session_on_own_roll", "record_not_newer"}
CLOCK = {"ledger_is_system", "clock_ahead"}
ELSEWHERE = (
    {"id_reused", "school_not_open", "entry_unreadable", "newer_ledger", "policy_name_taken"}
    | CLOCK
    | FORGETTING
    | MOVING
)


def test_every_refusal_is_one_sentence_that_names_its_rule(school: Path) -> None:
    for words in PREPARED:
        assert run(*shlex.split(words), *SIGNED).code == 0, words
    before = run("verify").out
    for rule, words in REFUSED.items():
        said = run(*shlex.split(words), *(() if "--by" in words else SIGNED))
        assert said.sentence.startswith(f"{rule}: "), (rule, said)
    assert set(RULES) - set(REFUSED) == ELSEWHERE
    assert run("verify").out == before, "a refusal records nothing"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("mark", "Missing argument 'PUPIL'; see 'attendance mark --help'"),
        ("mark 1042 2024-09-03/AM / --colour red", "No such option: --colour"),
        ("leave grant", "No such command 'grant'; see 'attendance leave --help'"),
        ("take 4W 2024-09-03/AM 1042", "malformed: marks, expected each once, as PLACE=CODE or PLACE=CODE:DETAIL"),
        ("take 4W 2024-09-03/AM 1=/ 1=I", "malformed: marks, expected each once, as PLACE=CODE or PLACE=CODE:DETAIL"),
        ("contacts 1042 --parent name=Ida", "malformed: --parent, expected an object in JSON, each key once"),
        ("contacts 1042", "malformed: --parent, expected the whole new list"),
        ("emergency 1042", "malformed: --contact, expected the whole new list, one --contact for each, or --none"),
        ("role headteacher 2024-09-01", "malformed: --holder, expected the whole new list"),
        ("return made 1042 attendance 2024-09-03 --made-on 2024-09-05 --content 7", "malformed: content, expected "),
        ("letter sent 1042 report --parent 1042-a --sent-on 5/9", "malformed: --as-of '5/9', expected a day"),
        ("letter sent 1042 other --parent 1042-a --sent-on 2024-09-05 --quote a=b", "malformed: --quote, expected "),
        ("letter sent 1042 report --parent 1042-a --sent-on 2024-09-05 --seen 99", "malformed: seen '99', expected "),
        ("case improved 1042 PN-1 2024-09-05", "Missing option '--yes'"),
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
