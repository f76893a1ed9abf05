"""The office's morning page and a pupil's follow-up, asked on the command line of a small school."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.support.terminal import BY, run, write_journal

TIMES = ("--as-of", "2024-09-04", "--known-at", "2024-09-04T09:15")
SIGNED = ("--by", BY)
Line = dict[str, Any]


def admitted(pupil: str, name: str, class_name: str = "4W", *groups: str) -> Line:
    parents = [
        {"id": f"{pupil}-a", "name": f"{name} Father", "phone": "01632 960001", "contact_order": 2},
        {"id": f"{pupil}-b", "name": f"{name} Mother", "phone": "01632 960002", "contact_order": 1},
    ]
    aunt = {"id": f"{pupil}-e", "name": f"{name} Aunt", "relationship": "aunt", "phone": "01632 960003"}
    return {
        "command": "AdmitPupil", "at": "2024-09-02T09:00:00Z", "pupil": pupil, "name": f"{name} Example",
        "born": "2016-03-09", "year_group": "4", "class": class_name, "starting_day": "2024-09-03",
        "parents": parents, "emergency_contacts": [aunt], "groups": list(groups),
    }  # fmt: skip


def taken(session: str, clock: str, *pupils: str, class_name: str = "4W") -> Line:
    code = "/" if session.endswith("AM") else "\\"
    at = f"{session[:10]}T{clock}Z"
    return {
        "command": "TakeRegister", "at": at, "class": class_name, "session": session,
        "marks": dict.fromkeys(pupils, code),
    }  # fmt: skip


def morning() -> list[Line]:
    """Return a journal: a first day when all are there, and a second whose morning is not all done at quarter past
    nine: two of 4W are away without a word, one has left a message, and nobody took the register of RA."""
    closed: Line = {"command": "CloseRegister"}
    return [
        {"command": "OpenSchool", "at": "2024-08-30T08:00:00Z", "urn": "117000", "name": "Example Primary",
         "la": "919", "estab": "2000", "policy": "micklem-2025"},
        {"command": "OpenSchoolYear", "at": "2024-08-30T08:01:00Z", "year": "2024/25", "first_day": "2024-09-03",
         "last_day": "2025-07-22"},
        admitted("1042", "Ada", "4W", "SEN support"),
        admitted("1043", "Ben", "4W", "social worker"),
        admitted("1044", "Cat"),
        admitted("1045", "Dan"),
        admitted("9001", "Eve", "RA"),
        {"command": "RequestLeave", "at": "2024-09-02T10:00:00Z", "pupil": "1044", "request": "LR-1",
         "parent": "1044-a", "received_on": "2024-09-02", "first": "2024-09-10/AM", "last": "2024-09-10/PM"},
        {"command": "RecordSupport", "at": "2024-09-02T11:00:00Z", "pupil": "1044", "step": "meeting",
         "stage": "invited", "on": "2024-09-03"},
        taken("2024-09-03/AM", "07:57:00", "1042", "1043", "1044", "1045"),
        taken("2024-09-03/AM", "07:58:00", "9001", class_name="RA"),
        {**closed, "at": "2024-09-03T08:10:30Z", "session": "2024-09-03/AM"},
        taken("2024-09-03/PM", "12:17:00", "1042", "1043", "1044", "1045"),
        taken("2024-09-03/PM", "12:18:00", "9001", class_name="RA"),
        {**closed, "at": "2024-09-03T12:30:30Z", "session": "2024-09-03/PM"},
        {"command": "ReportAbsence", "at": "2024-09-04T07:40:00Z", "pupil": "1045", "parent": "1045-a",
         "channel": "voicemail", "received_at": "2024-09-04T07:31:00Z",
         "sessions": ["2024-09-04/AM", "2024-09-04/PM"]},
        taken("2024-09-04/AM", "07:57:00", "1044"),
        {**closed, "at": "2024-09-04T08:10:30Z", "session": "2024-09-04/AM", "class": "4W"},
    ]  # fmt: skip


@pytest.fixture
def office(folder: Path) -> Path:
    assert run("replay", str(write_journal(folder / "morning.ndjson", morning()))).code == 0
    return folder


def page(*words: str) -> list[tuple[str, str, str]]:
    return [(line["urgency"], line["kind"], line["pupil"]) for line in run("due", *TIMES, *words, "--json").json]


def test_most_urgent_and_most_vulnerable_come_first(office: Path) -> None:
    assert page() == [
        ("now", "call", "1043"),  # a social worker before SEN support
        ("now", "call", "1042"),
        ("now", "register", ""),  # whom nobody knows of comes after whom somebody misses
        ("today", "inform", "1043"),
        ("today", "meeting", "1044"),
        ("today", "ring back", "1045"),
        ("soon", "leave", "1044"),  # by the day before
        ("soon", "N", "1045"),
        ("waiting", "role", ""),
    ]


def test_the_screen_shows_whom_to_ring_and_the_json_only_says_which_contact(office: Path) -> None:
    said = run("due", *TIMES)
    assert said.code == 0 and said.err == ""
    assert said.out.startswith("Due on 2024-09-04 (SIMULATED)\n\nNow: a child may be missing\n  1043  Ben Example, 4W:")
    assert "      ring Ben Mother, 01632 960002\n" in said.out
    assert "9 lines; as of 2024-09-04, as known at 2024-09-04T08:10:30+00:00" in said.out
    asked = run("due", *TIMES, "--json")
    first = asked.json[0]
    assert first["contact"] == {"id": "1043-b", "order": 1} and first["vulnerable"] is True
    assert first["command"] == "attendance contact 1043 1043-b 2024-09-04/AM --channel phone --outcome"
    assert {"as_of", "known_at", "now", "position", "policy", "simulated", "by", "sentence"} <= set(first)
    assert "Mother" not in asked.out and "01632" not in asked.out


def test_a_line_as_it_is_records_nothing_and_completed_it_brings_the_next_contact(office: Path) -> None:
    for expected in ("1043-b", "1043-a", "1043-e"):
        (line,) = run("due", "--kind", "call", "--pupil", "1043", "--json").json
        assert line["contact"]["id"] == expected
        words = shlex.split(line["command"])[1:]
        assert run(*words, *SIGNED).code == 2
        assert run(*words, "no answer", *SIGNED).code == 0
    # Everybody was tried and nobody reached: the child is still missing, and somebody goes there.
    (line,) = run("due", "--kind", "call", "--pupil", "1043", "--json").json
    assert line["urgency"] == "now" and "--channel visit" in line["command"]
    assert run(*shlex.split(line["command"])[1:], "spoke", *SIGNED).code == 0
    assert run("due", "--kind", "call", "--pupil", "1043", "--json").json == []


def test_no_line_as_it_is_records_what_nobody_said(office: Path) -> None:
    early = ("due", "--as-of", "2024-09-04", "--known-at", "2024-09-04T08:57:30", "--json")
    lines = {line["command"]: line["kind"] for words in (("due", *TIMES, "--json"), early) for line in run(*words).json}
    assert len(set(lines.values())) > 8
    # A letter was sent and a register is closed: there is nothing to add to either.
    for command in (each for each in lines if not each.startswith(("attendance letter sent", "attendance close"))):
        assert run(*shlex.split(command)[1:], *SIGNED).code == 2, command


def test_what_was_settled_is_off_the_page(office: Path) -> None:
    spoke = ("contact", "1045", "1045-a", "2024-09-04/AM", "--channel", "phone", "--outcome", "spoke", *SIGNED)
    assert run(*spoke).code == 0
    assert run("amend", "1045", "2024-09-04/AM", "I", "--reason", "a fever", *SIGNED).code == 0
    assert run("take", "RA", "2024-09-04/AM", "9001=/", *SIGNED).code == 0
    left = {(line["kind"], line["pupil"]) for line in run("due", "--as-of", "2024-09-04", "--json").json}
    assert left & {("ring back", "1045"), ("N", "1045")} == set()
    (register,) = run("due", "--kind", "register", "--json").json
    assert register["command"] == "attendance close 2024-09-04/AM --class RA"


@pytest.mark.parametrize(
    ("now", "urgency"),
    [("08:54:59", None), ("08:55:00", "today"), ("09:09:59", "today"), ("09:10:00", "now"), ("12:00:00", "now")],
)
def test_a_register_is_due_from_its_opening_and_urgent_from_its_closing(
    office: Path, now: str, urgency: str | None
) -> None:
    words = ("--as-of", "2024-09-04", "--kind", "register", "--now", f"2024-09-04T{now}")
    found = [line["urgency"] for line in run("due", *words, "--json").json if "/AM" in line["sentence"]]
    assert found == ([urgency] if urgency else [])


def test_who_is_left_out_is_shown_while_registration_is_open(office: Path) -> None:
    words = ("due", "--as-of", "2024-09-04", "--known-at", "2024-09-04T08:57:30", "--json")
    found = [(line["kind"], line["pupil"]) for line in run(*words).json if line["urgency"] == "now"]
    assert found == [("unmarked", "1043"), ("unmarked", "1042")]


def test_an_n_is_owed_its_reason_by_the_days_that_are_left(office: Path) -> None:
    expected = {
        "2024-09-05": ("waiting", "4 school days left", "attendance amend 1042 2024-09-04/AM"),
        "2024-09-09": ("soon", "2 school days left", "attendance amend 1042 2024-09-04/AM"),
        "2024-09-10": ("soon", "1 school day left", "attendance amend 1042 2024-09-04/AM"),
        "2024-09-11": ("today", "today is the last day", "attendance amend 1042 2024-09-04/AM O --reason"),
        "2024-09-12": ("today", "overdue", "attendance amend 1042 2024-09-04/AM O --reason"),
    }
    for day, (urgency, said, command) in expected.items():
        (line,) = run("due", "--as-of", day, "--kind", "N", "--pupil", "1042", "--json").json
        assert (line["urgency"], line["by"], line["command"]) == (urgency, "2024-09-11", command)
        assert line["sentence"] == f"N in AM of 2024-09-04: {said}"


def test_asked_again_later_it_is_the_same_page(office: Path) -> None:
    asked = [("due", *TIMES, "--json"), ("due", *TIMES), ("followup", "1043", *TIMES, "--json")]
    before = [run(*words) for words in asked]
    called = ("contact", "1043", "1043-b", "--channel", "phone", "--outcome", "spoke", *SIGNED)
    assert run(*called, "--at", "2024-09-04T09:20").code == 0
    assert run("close", "2024-09-04/AM", *SIGNED).code == 0
    # The last event had been at 09:10:30; now that later ones are there, 09:15 is 09:15.
    known = ("--as-of", "2024-09-04", "--known-at", "2024-09-04T09:10:30")
    again = [run(*(words[0], *[word for word in words[1:] if word not in TIMES], *known)) for words in asked]
    assert again == before
    assert ("now", "call", "1043") not in [
        (line["urgency"], line["kind"], line["pupil"]) for line in run("due", "--as-of", "2024-09-04", "--json").json
    ]


def test_without_keys_nobody_is_put_first_and_the_page_says_so(office: Path) -> None:
    (office / "attendance.keys.db").unlink()
    said = run("due", *TIMES)
    assert "nobody comes first for being vulnerable" in said.err
    assert "1042  (sealed), 4W:" in said.out and "ring 1042-a (sealed)" in said.out
    found = run("due", *TIMES, "--json").json
    assert [line["pupil"] for line in found if line["kind"] == "call"] == ["1042", "1043"]
    assert {line["vulnerable"] for line in found if line["pupil"]} == {None}


def test_what_only_waits_is_counted_unless_it_is_asked_for(office: Path) -> None:
    absent = ("amend", "1044", "2024-09-04/AM", "O", "--reason", "went home", *SIGNED)
    assert run(*absent, "--at", "2024-09-04T09:14").code == 0
    # The twentieth school day: a year so old has settled.
    later = ("--as-of", "2024-09-30", *TIMES[2:])
    out = run("due", *later).out
    assert "4 x letter: attendance due --kind letter --as-of 2024-09-30 --known-at 2024-09-04T08:14:00+00:00" in out
    assert run("due", *later, "--kind", "letter").out.count("no letter yet") == 4


def test_followup_shows_the_chronology_the_ladder_and_what_codes_rest_on(office: Path) -> None:
    heard = ("contact", "1042", "1042-b", "2024-09-04/AM", "--channel", "phone", "--outcome", "no answer", *SIGNED)
    assert run(*heard).code == 0
    out = run("followup", "1042").out
    assert out.startswith("Follow-up of 1042, Ada Example (SIMULATED)\n")
    assert "ladder: school day 1 without contact, since 2024-09-04; tried: parent on day 1; next to ring: 1042-a" in out
    assert "2024-09-04/AM   N      attempt (" in out
    answer = run("followup", "1042", "--json").json
    assert [told["what"] for told in answer["chronology"]] == ["contact logged"]
    assert answer["chronology"][0]["says"]["outcome"] == "no answer"
    assert answer["ladder"]["silent"] == [
        {"session": "2024-09-04/AM", "code": "N", "position": answer["codes"][0]["position"]}
    ]
    (code,) = answer["codes"]
    assert (code["code"], code["replaces"], [rest["kind"] for rest in code["rests_on"]]) == ("N", None, ["attempt"])
    assert "pupil_not_on_roll" in run("followup", "7777").sentence
    assert "pupil_not_on_roll" in run("due", "--pupil", "7777").sentence


def test_a_kind_that_there_is_not_is_refused_and_the_kinds_are_named(office: Path) -> None:
    said = run("due", "--kind", "nonsense").sentence
    assert "malformed: --kind 'nonsense'" in said and "call" in said and "third barred" in said
    assert run("due", "--kind", "third barred").code == 0


@pytest.mark.parametrize("as_of", ["2024-09-02", "2014-09-02", "2024-09-07", "2031-09-02"])
def test_nobody_stands_on_the_ladder_who_is_not_on_roll(office: Path, as_of: str) -> None:
    gone = ("remove", "1042", "2024-09-06", "--ground", "moved away", *SIGNED, "--at", "2024-09-06T16:00")
    assert run(*gone).code == 0
    answer = run("followup", "1042", "--as-of", as_of, "--json")
    assert (answer.code, answer.json["ladder"]["number"], answer.json["ladder"]["next_contact"]) == (0, 0, None)
    said = run("followup", "1042", "--as-of", as_of)
    assert (said.code, said.err) == (0, "") and "ladder: no run of absence without contact" in said.out


@pytest.mark.parametrize(
    ("clock", "code", "register"), [("09:00:00", "/", "09:00"), ("09:00:00.999999", "L", "09:00:00.999999")]
)
def test_the_fraction_of_a_second_that_decided_is_shown(office: Path, clock: str, code: str, register: str) -> None:
    arrive = ("arrive", "1042", "2024-09-04/AM", f"2024-09-04T{clock}", "--reason", "overslept", *SIGNED)
    assert run(*arrive, "--at", "2024-09-04T09:14").code == 0
    assert f"{code} (arrived {register})" in run("register", "4W", "2024-09-04").out
    assert f"\n{clock} " in run("late-book", "2024-09-04").out
