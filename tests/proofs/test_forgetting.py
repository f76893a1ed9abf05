"""Forgetting: what has been kept long enough, is under no hold and is asked for loses its words; nothing else does."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from commands.cli import main
from commands.handle import Handler
from commands.models import parse
from commands.wiring import House, open_house
from ledger.case import kept
from ledger.errors import Misconfigured, Refused
from ledger.keys import KeyStore
from ledger.sessions import parse_moment
from ledger.streams import Owner, owner_of
from ledger.wire import decode, holds_sealed
from projections.audit.health import doctor_findings, verify_findings
from projections.audit.retention import forgettable, subject_record
from tests.support.schools import OpenedSchool, open_school

HEAD = {"id": "head", "name": "H Example", "title": "Headteacher"}
CHAIR = {"id": "gov", "name": "G Ov", "title": "Chair of governors"}
TWO = ["--by", "head:H Example:Headteacher", "--second", "gov:G Ov:Chair of governors"]
CANARIES = ("Zanzibar Quillfeather", "a canary sang of Umbrella Street")
OTHER = "Othello Wimpernickel"
# The last thing recorded about 1042 in the school year 2018/19.
RECORDED = "2018-11-05"


def line(command: str, at: str, **fields: Any) -> dict[str, Any]:
    return {"command": command, "at": at, "by": HEAD, **fields}


def forget(at: str, *years: int, pupil: str = "1042", **fields: Any) -> dict[str, Any]:
    asked = [{"pupil": pupil, "year": year} for year in years]
    return line("ForgetYears", at, years=asked, **{"second": CHAIR} | fields)


def admitted(pupil: str, name: str) -> dict[str, Any]:
    parents = [{"id": f"{pupil}-a", "name": "B Example", "phone": "01632 960001"}]
    about = {"name": name, "born": "2012-03-09", "starting_day": "2018-09-04", "year_group": "2", "class": "2W"}
    return line("AdmitPupil", "2018-09-03T09:00", pupil=pupil, parents=parents, **about)


LINES = [
    line("OpenSchool", "2018-08-30T08:00", urn="117000", name="Example Primary", la="919", estab="2000",
         policy="national-2024"),
    line("OpenSchoolYear", "2018-08-30T08:01", year="2018/19", first_day="2018-09-04", last_day="2019-07-23"),
    admitted("1042", CANARIES[0]),
    admitted("1043", OTHER),
    line("RecordMark", "2018-11-05T09:00", pupil="1042", session="2018-11-05/AM", code="N"),
    line("AmendMark", f"{RECORDED}T10:00", pupil="1042", session="2018-11-05/AM", code="I", reason=CANARIES[1]),
    line("AmendMark", f"{RECORDED}T10:00", pupil="1042", session="2018-11-05/AM", code="O", reason=CANARIES[1]),
    line("ChangeGroups", "2018-11-06T10:00", pupil="1042", groups=["SEN support"]),
    line("RemoveFromRoll", "2018-11-06T10:00", pupil="1042", last_day="2018-11-06", ground="moved away"),
]  # fmt: skip


def school(until: str, *more: dict[str, Any]) -> OpenedSchool:
    """Return the school with time gone on until a day, on which another pupil's groups changed."""
    opened = open_school().replay([*LINES, *more])
    opened.send(line("ChangeGroups", f"{until}T12:00", pupil="1043", groups=["young carer"]))
    return opened


@pytest.mark.parametrize(
    ("day", "years"),
    [
        ("2024-11-05", []),  # six years to the day, but not yet to the hour
        ("2024-11-06", [Owner("1042", 2018)]),
        ("2024-11-07", [Owner("1042", 0), Owner("1042", 2018)]),  # … after the last word about the pupil at all
    ],
)
def test_what_is_six_years_old_may_be_forgotten(day: str, years: list[Owner]) -> None:
    opened = school(day)
    assert forgettable(opened.answers, opened.answers.moment()) == years


def test_nothing_of_a_pupil_under_a_hold_is_forgotten() -> None:
    opened = school("2024-12-01", line("PlaceHold", "2018-12-01T09:00", pupil="1042", reason="a complaint"))
    assert forgettable(opened.answers, opened.answers.moment()) == []
    assert opened.refusal(forget("2026-01-01T09:00", 2018)) == "held"
    opened.send(line("LiftHold", "2026-01-01T10:00", pupil="1042", reason="settled"))
    assert opened.refusal(forget("2026-01-01T11:00", 2018)) == ""


@pytest.mark.parametrize(
    ("recorded_on", "last_kept"),
    [("2018-11-05", "2024-11-05"), ("2024-02-28", "2030-02-28"), ("2024-02-29", "2030-03-01")],
)
def test_it_is_kept_until_every_moment_of_its_day_is_six_years_old(recorded_on: str, last_kept: str) -> None:
    day = date.fromisoformat(last_kept)
    assert kept(date.fromisoformat(recorded_on), day, 6)
    assert not kept(date.fromisoformat(recorded_on), day + timedelta(days=1), 6)


@pytest.mark.parametrize(
    ("reached", "at", "rule"),
    [
        ("2024-11-05", "2024-11-05T23:59", "too_young_to_forget"),
        ("2024-11-05", "2031-01-01T00:00", "too_young_to_forget"),  # whatever the clock says
        ("2024-11-06", "2024-11-06T12:00", ""),
    ],
)
def test_age_is_measured_by_what_the_ledger_has_recorded(reached: str, at: str, rule: str) -> None:
    opened = school(reached)
    assert opened.refusal(forget(at, 2018)) == rule


def test_nothing_of_a_pupil_on_roll_is_forgotten_however_old() -> None:
    opened = school("2024-11-01", line("ChangeGroups", "2018-11-07T10:00", pupil="1043", groups=["SEN support"]))
    opened.send(line("RecordMark", "2033-01-01T09:00", pupil="1042", session="2018-11-06/AM", code="/"))
    assert Owner("1043", 2018) not in forgettable(opened.answers, opened.answers.moment())
    assert opened.refusal(forget("2033-01-01T10:00", 2018, pupil="1043")) == "pupil_on_roll"
    leaving = line("RemoveFromRoll", "2033-01-01T10:00", pupil="1043", last_day="2033-01-01", ground="moved away")
    opened.send(leaving)
    assert opened.refusal(forget("2033-01-01T11:00", 2018, pupil="1043")) == "pupil_on_roll", "the last day is not over"
    opened.send(line("PlaceHold", "2033-01-02T10:00", pupil="1042", reason="a complaint"))
    assert opened.refusal(forget("2033-01-02T11:00", 2018, pupil="1043")) == ""


@pytest.mark.parametrize(
    ("second", "rule"),
    [
        ({}, "unknown_person"),
        ({**CHAIR, "title": " "}, "unknown_person"),
        ({**CHAIR, "id": "head"}, "second_person_required"),
        ({**CHAIR, "name": "h  example"}, "second_person_required"),
        (CHAIR, ""),
    ],
)
def test_two_different_named_people_have_to_agree(second: dict[str, str], rule: str) -> None:
    opened = school("2024-11-06")
    assert opened.refusal(forget("2024-11-06T13:00", 2018, second=second)) == rule
    if not rule:
        last = decode(opened.rows()[-1].state)
        assert (last.by.id, last.second.id) == ("head", "gov")
        assert opened.handler.school().staff["gov"].name == "G Ov"


def test_the_first_rule_that_keeps_something_is_the_one_that_is_said() -> None:
    """In order: who, the pupil, a hold, on roll, its age."""
    opened = open_school().replay(LINES[:-1])
    opened.send(line("PlaceHold", "2018-11-07T09:00", pupil="1042", reason="a complaint"))
    asked = {"at": "2018-11-07T10:00", "second": {**CHAIR, "id": "head"}}
    assert opened.refusal(forget("2018-11-07T10:00", 2018, pupil="1099") | asked) == "second_person_required"
    assert opened.refusal(forget("2018-11-07T10:00", 2018, pupil="1099")) == "pupil_not_on_roll"
    assert opened.refusal(forget("2018-11-07T10:00", 2018)) == "held"
    opened.send(line("LiftHold", "2018-11-07T10:00", pupil="1042", reason="settled"))
    assert opened.refusal(forget("2018-11-07T10:00", 2018)) == "pupil_on_roll"
    opened.send({**LINES[-1], "at": "2018-11-07T10:00", "last_day": "2018-11-07"})
    opened.send(line("ChangeGroups", "2018-11-08T10:00", pupil="1043", groups=["young carer"]))
    assert opened.refusal(forget("2018-11-08T10:00", 2018)) == "too_young_to_forget"


def test_a_time_that_is_doubted_makes_nothing_older() -> None:
    opened = school("2019-01-01")
    opened.send(line("ChangeGroups", "2038-01-20T10:00", pupil="1043", groups=["young carer"]))
    last = opened.rows()[-1].position
    assert Owner("1042", 2018) in forgettable(opened.answers, opened.answers.moment())
    opened.send(line("DoubtStamps", "2038-01-20T10:00:00.000001", first=last, reason="a flat battery"))
    assert forgettable(opened.answers, opened.answers.moment()) == []
    assert opened.refusal(forget("2038-01-20T10:00:00.000002", 2018)) == "too_young_to_forget"


def test_what_was_recorded_at_a_doubted_time_counts_as_recorded_when_time_is_sure_again() -> None:
    """A clock years behind dates what it records too early, by which it would seem old."""
    late = line("AmendMark", "2018-11-06T10:00:00.000001", pupil="1042", session="2018-11-05/AM", code="I", reason="x")
    opened = school("2024-11-07", late)
    assert Owner("1042", 2018) in forgettable(opened.answers, opened.answers.moment())
    position = next(row.position for row in opened.rows() if row.version == 4 and row.stream.startswith("1042/2018"))
    opened.send(line("DoubtStamps", "2024-11-07T13:00", first=position, last=position, reason="the clock stood still"))
    assert opened.refusal(forget("2024-11-07T13:00", 2018)) == "too_young_to_forget"


def test_what_is_younger_is_not_forgotten_even_when_asked_for() -> None:
    opened = school("2024-11-06")
    assert opened.refusal(forget("2024-11-06T13:00", 2018, 0)) == "too_young_to_forget"
    assert opened.refusal(forget("2024-11-06T13:00", 2018, pupil="1099")) == "pupil_not_on_roll"
    assert opened.refusal(forget("2024-11-06T13:00", 2018)) == ""


def test_a_hold_is_placed_once_and_lifted_once_with_a_reason() -> None:
    opened = school("2019-01-01")
    place, lift = (
        line("PlaceHold", "2019-01-02T09:00", pupil="1042"),
        line("LiftHold", "2019-01-02T09:00", pupil="1042"),
    )
    assert opened.refusal(place) == "reason_required"
    assert opened.refusal({**lift, "reason": "over"}) == "not_held"
    assert opened.send({**place, "reason": "a court"}).events == 1
    assert opened.send({**place, "reason": "a court"}).events == 0
    assert opened.send({**lift, "reason": "over"}).events == 1
    assert opened.refusal({**lift, "reason": "over"}) == "not_held"


def test_words_are_gone_and_codes_stay() -> None:
    opened = school("2024-11-07")
    before = opened.rows()
    years = [
        {"pupil": owner.name, "year": owner.year} for owner in forgettable(opened.answers, opened.answers.moment())
    ]
    opened.send(line("ForgetYears", "2024-11-07T13:00", years=years, second=CHAIR))
    assert opened.rows()[: len(before)] == before
    entry = subject_record(opened.answers, opened.answers.moment(), "1042")["events"]
    assert [event["c"] for event in entry if event["type"] == "MarkAmended"] == ["I", "O"]
    told = json.dumps(subject_record(opened.answers, opened.answers.moment(), "1042"))
    assert not any(canary in told for canary in CANARIES)
    assert OTHER in json.dumps(subject_record(opened.answers, opened.answers.moment(), "1043"))


def test_no_new_words_are_recorded_under_a_forgotten_year() -> None:
    opened = school("2024-11-06")
    opened.send(forget("2024-11-06T13:00", 2018))
    amend = line("AmendMark", "2024-11-06T14:00", pupil="1042", session="2018-11-05/AM", code="I", reason="again")
    assert opened.refusal(amend) == "year_forgotten"
    mark = line("RecordMark", "2024-11-06T14:00", pupil="1042", session="2018-11-05/PM", code="\\")
    assert opened.refusal(mark) == "", "a code needs no key"


def test_an_interrupted_forgetting_is_finished_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = school("2024-11-06")
    once = forget("2024-11-06T13:00", 2018, id="once")

    def crash(self: KeyStore, owners: Any) -> None:
        raise OSError("the power went")

    with monkeypatch.context() as patched, pytest.raises(OSError):
        patched.setattr(KeyStore, "destroy", crash)
        opened.send(once)
    assert Owner("1042", 2018) in forgettable(opened.answers, opened.answers.moment())
    again = Handler(opened.ledger, opened.keys, simulated=True)
    assert again.handle(parse(once)).repeated
    assert Owner("1042", 2018) not in opened.keys.held()


# --- on disk --------------------------------------------------------------------------------------------------------


def test_after_it_no_file_holds_the_words_or_the_key_and_everything_verifies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'school.db'}"
    journal = tmp_path / "journal.ndjson"
    later = line("ChangeGroups", "2024-11-07T12:00", pupil="1043", groups=["young carer"])
    journal.write_text("".join(json.dumps(each) + "\n" for each in [*LINES, later]), encoding="utf-8")
    assert main(["replay", str(journal), "--ledger", url]) == 0
    journal.unlink()
    seal = ["--seal", str(tmp_path / "seal")]
    assert main(["seal", "--new", *seal, "--ledger", url]) == 0
    with open_house(url) as house:
        keys = [house.keys.get(Owner("1042", year)) for year in (0, 2018)]
    assert all(keys)
    assert any(key in path.read_bytes() for key in keys if key for path in tmp_path.glob("school*")), "it was there"
    assert main(["forget", "--ledger", url]) == 0
    assert "2 pupils' years may be forgotten: 1042/0, 1042/2018 (SIMULATED)" in capsys.readouterr().out
    assert main(["forget", "--destroy-keys", *TWO, "--ledger", url]) == 0
    assert main(["verify", *seal, "--ledger", url]) == 0
    assert main(["doctor", "--json", "--ledger", url]) in (0, 1)
    assert "keys_missing" not in capsys.readouterr().out
    for output in (["subject", "1042", "-o", str(tmp_path / "subject.json")], ["history", "1042"]):
        assert main([*output, "--ledger", url]) == 0
    shown = capsys.readouterr().out
    assert "O" in shown and not any(canary in shown for canary in CANARIES)
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        held = path.read_bytes()
        assert not any(canary.encode() in held for canary in CANARIES), path
        assert not any(key in held for key in keys if key), path


def test_what_would_be_forgotten_is_asked_about_the_time_of_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal, url = tmp_path / "journal.ndjson", f"sqlite:///{tmp_path / 'school.db'}"
    journal.write_text("".join(json.dumps(each) + "\n" for each in LINES), encoding="utf-8")
    assert main(["replay", str(journal), "--ledger", url]) == 0
    for at, listed in (("2024-11-05T23:59", []), ("2024-11-06T00:00", [{"pupil": "1042", "year": 2018}])):
        assert main(["do", json.dumps(line("ChangeGroups", at, pupil="1043", groups=[at])), "--ledger", url]) == 0
        capsys.readouterr()
        assert main(["forget", "--at", at, "--json", "--ledger", url]) == 0
        found = json.loads(capsys.readouterr().out)["forgettable"]
        assert [each for each in found if each["pupil"] == "1042"] == listed
    assert main(["forget", "--destroy-keys", "--at", "2024-11-06T00:00", *TWO[:2], "--ledger", url]) == 2
    assert "unknown_person: second.id" in capsys.readouterr().err
    assert main(["forget", "--destroy-keys", "--at", "2024-11-06T00:00", *TWO, "--ledger", url]) == 0
    assert "recorded 2 events" in capsys.readouterr().out
    assert main(["forget", "--at", "2018-11-05", "--ledger", url]) == 2
    assert "time_runs_backwards" in capsys.readouterr().err


def test_subject_access_holds_everything_about_one_child_and_nothing_of_another() -> None:
    opened = school("2019-01-01")
    closure = line("DeclareClosure", "2019-01-02T09:00", sessions=["2018-11-06/AM"], code="#", pupils=["1042", "1043"])
    opened.send({**closure, "reason": "no bus"})
    found = subject_record(opened.answers, opened.answers.moment(), "1042")
    told = json.dumps(found)
    assert all(canary in told for canary in CANARIES) and OTHER not in told and '"1043"' not in told
    assert len(found["events"]) == 1 + len([row for row in opened.rows() if row.stream.startswith("1042/")])


def test_a_repeated_key_of_a_forgotten_year_is_not_made() -> None:
    opened = school("2024-11-06")
    opened.send(forget("2024-11-06T13:00", 2018))
    with pytest.raises(Refused):
        opened.send(
            line("AmendMark", "2024-11-06T14:00", pupil="1042", session="2018-11-05/AM", code="I", reason="again")
        )
    assert Owner("1042", 2018) not in opened.keys.held()


# --- a running process, and keys that are not as the ledger says -----------------------------------------------------


@pytest.fixture
def old_school(tmp_path: Path) -> str:
    """The address of a ledger on disk in which a pupil may be forgotten."""
    opened = tmp_path / "school.db"
    with open_house(f"sqlite:///{opened}", create=True, simulated=True) as house:
        for each in [*LINES, line("ChangeGroups", "2024-11-07T12:00", pupil="1043", groups=["young carer"])]:
            house.handler.handle(parse(each))
    return f"sqlite:///{opened}"


def shown(house: House) -> str:
    """Return everything that a process shows about the pupil, also of what was known before."""
    moments = [house.answers.moment(), house.answers.moment(known_at=parse_moment("2018-11-07"))]
    told = [json.dumps(subject_record(house.answers, moment, "1042")) for moment in moments]
    return "".join([*told, *(house.answers.particulars(moment, ["1042"])["1042"].name for moment in moments)])


def test_a_running_process_forgets_with_the_ledger(old_school: str) -> None:
    with open_house(old_school) as house:
        assert all(canary in shown(house) for canary in CANARIES)
        amend = line("AmendMark", "2024-11-07T12:00", pupil="1042", session="2018-11-05/AM", code="I", reason="again")
        assert house.handler.refusal(parse(amend)) is None, "the keys are known to whoever records, too"
        forgetting = [sys.executable, "-m", "commands.cli", "forget", "--destroy-keys", *TWO, "--ledger", old_school]
        subprocess.run(forgetting, cwd=Path(__file__).parents[2], check=True, timeout=60)
        assert not any(canary in shown(house) for canary in CANARIES)
        with pytest.raises(Refused, match="year_forgotten"):
            house.handler.handle(parse({**amend, "at": "2024-11-08T12:00"}))


def test_a_key_that_is_destroyed_unsaid_is_not_remembered_either(old_school: str) -> None:
    with open_house(old_school) as house:
        assert all(canary in shown(house) for canary in CANARIES)
        with sqlite3.connect(old_school.removeprefix("sqlite:///").replace(".db", ".keys.db")) as keys:
            keys.execute("DELETE FROM pupil_year_keys WHERE owner = '1042'")
        assert not any(canary in shown(house) for canary in CANARIES)


def test_what_was_recorded_as_forgotten_is_not_shown_while_its_key_is_there(
    old_school: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_house(old_school) as house, open_house(old_school) as other:
        assert all(canary in shown(house) for canary in CANARIES)
        monkeypatch.setattr(KeyStore, "destroy", lambda self, owners: None)
        other.handler.handle(parse(forget("2024-11-07T13:00", 0, 2018)))
        assert Owner("1042", 2018) in house.keys.held()
        assert not any(canary in shown(house) for canary in CANARIES)


def found_by_verify(house: House) -> list[tuple[str, str | None, int | None]]:
    found = verify_findings(house.ledger, house.engine, keys=house.keys)
    return [(finding.rule, finding.pupil, finding.position) for finding in found]


def found_by_doctor(house: House) -> list[tuple[str, str | None, int | None]]:
    found = doctor_findings(house.answers, house.answers.moment())
    return [(each.rule, each.pupil, each.position) for each in found if each.rule.startswith("key")]


def test_the_doctor_finds_the_missing_key_of_a_single_school_year(old_school: str) -> None:
    key_file = old_school.removeprefix("sqlite:///").replace(".db", ".keys.db")
    with open_house(old_school) as house:
        rows = house.ledger.reads.rows(0, 100)
        first = {owner_of(row.stream): row.position for row in reversed(rows) if holds_sealed(row.state)}
        assert found_by_doctor(house) == [], "control"
        with sqlite3.connect(key_file) as keys:
            keys.execute("DELETE FROM pupil_year_keys WHERE owner = '1042' AND year = 2018")
        assert found_by_doctor(house) == [("key_missing", "1042", first[Owner("1042", 2018)])]


def test_what_was_forgotten_is_no_key_that_is_missing(old_school: str) -> None:
    with open_house(old_school) as house:
        house.handler.handle(parse(forget("2024-11-07T13:00", 0, 2018)))
        assert found_by_doctor(house) == []


def test_keys_that_are_not_as_the_ledger_says_are_found(old_school: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key_file = old_school.removeprefix("sqlite:///").replace(".db", ".keys.db")
    with open_house(old_school) as house:
        rows = house.ledger.reads.rows(0, 100)
        first = {owner_of(row.stream): row.position for row in reversed(rows) if holds_sealed(row.state)}
        assert found_by_verify(house) == [], "control"
        with sqlite3.connect(key_file) as keys:
            keys.execute("UPDATE pupil_year_keys SET key = randomblob(32) WHERE owner = '1042' AND year = 2018")
            keys.execute("DELETE FROM pupil_year_keys WHERE owner = '1043'")
        amended = [row.position for row in rows if row.topic == "entry.MarkAmended"]
        unopened = [("text_unopened", "1042", position) for position in amended]
        assert found_by_verify(house) == [*unopened, ("key_missing", "1043", first[Owner("1043", 0)])]
        monkeypatch.setattr(KeyStore, "destroy", lambda self, owners: None)
        said = house.handler.handle(parse(forget("2024-11-07T13:00", 0, 2018))).position
        kept = [("key_not_destroyed", "1042", said)] * 2
        assert found_by_verify(house)[-2:] == kept
        assert kept == [
            (finding.rule, finding.pupil, finding.position)
            for finding in doctor_findings(house.answers, house.answers.moment())
            if finding.rule.startswith("key_")
        ]


def test_forgetting_without_a_key_store_records_nothing(old_school: str) -> None:
    Path(old_school.removeprefix("sqlite:///").replace(".db", ".keys.db")).unlink()
    with open_house(old_school) as house:
        head = house.ledger.reads.head()
        with pytest.raises(Misconfigured, match="nothing to destroy"):
            house.handler.handle(parse(forget("2024-11-07T13:00", 2018)))
        assert house.ledger.reads.head() == head


def test_a_key_store_that_fails_meanwhile_is_no_silence(old_school: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(self: KeyStore, owners: Any) -> None:
        raise Misconfigured("the key store cannot be used: connection failed")

    with open_house(old_school) as house:
        with monkeypatch.context() as patched, pytest.raises(Misconfigured, match="recorded, but the keys are still"):
            patched.setattr(KeyStore, "destroy", away)
            house.handler.handle(parse(forget("2024-11-07T13:00", 2018)))
        assert [rule for rule, *_ in found_by_verify(house)] == ["key_not_destroyed"]
        assert house.handler.handle(parse(forget("2024-11-07T13:00", 2018))).events == 0
        assert found_by_verify(house) == []


def test_without_its_key_store_a_ledger_is_said_to_be_unreadable_once(old_school: str) -> None:
    Path(old_school.removeprefix("sqlite:///").replace(".db", ".keys.db")).unlink()
    with open_house(old_school) as house:
        ((rule, _, _),) = found_by_verify(house)
    assert rule == "keys_missing"
