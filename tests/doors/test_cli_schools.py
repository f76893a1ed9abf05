"""All the schools of a database at a terminal: where they stand, one projector for all, pooled figures."""

from __future__ import annotations

import csv
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from commands.journal import replay
from commands.wiring import open_house
from ledger.store import open_ledger
from ledger.store.names import at_school
from projections.figures.absence import percent
from projections.readmodel.projector import Projector
from projections.readmodel.tables import open_engine
from tests.support.busy import grow
from tests.support.postgres import Server
from tests.support.random_school import journal
from tests.support.tampering import forget_after
from tests.support.terminal import BY, run

PROGRAM = str(Path(sys.executable).parent / "attendance")
PATIENCE = 60  # seconds
NAMES = ["school_117000", "school_117001", "school_117002"]
SUMS = ("possible", "attended", "authorised", "unauthorised", "missing")
ASKED = ("--as-of", "2024-10-15", "--known-at", "2024-10-15")  # all of them recorded something later


@pytest.fixture(scope="session")
def built_schools(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Return the address of a database with three random schools of the same autumn, to be copied, and of their
    keys."""
    url, keys = postgres_server.new_database(), f"sqlite:///{tmp_path_factory.mktemp('keys')}/{{school}}.keys.db"
    for seed, name in zip((3, 14, 15), NAMES, strict=True):
        with open_house(at_school(url, name), keys, create=True, simulated=True) as house:
            assert replay(journal(seed, 7, 3), house.handler).refused == 0
            grow(house.ledger, 1)
    return url, keys


@pytest.fixture
def asked_schools(folder: Path, built_schools: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of those schools, to be asked and nothing else; it is the environment's."""
    url, keys = built_schools
    monkeypatch.setenv("ATTENDANCE_LEDGER", url)
    monkeypatch.setenv("ATTENDANCE_KEYS", keys)
    return url


@pytest.fixture
def schools(asked_schools: str, postgres_server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a copy of those schools; it is the environment's."""
    url = postgres_server.new_database(template=urlsplit(asked_schools).path[1:])
    monkeypatch.setenv("ATTENDANCE_LEDGER", url)
    return url


def each(*words: str) -> list[list[dict[str, Any]]]:
    """Return what every single school answers."""
    return [run(*words, "--json", "--school", name).json for name in NAMES]


def record(url: str, name: str, events: int) -> None:
    """Record something more at a school."""
    with open_ledger(at_school(url, name)) as ledger:
        grow(ledger, events, seed=ledger.reads.head()[0])


def test_pooled_absence_is_what_the_single_answers_add_up_to(asked_schools: str) -> None:
    single = each("absence", "--leavers", *ASKED)
    answer = run("pooled", "absence", *ASKED, "--json").json
    assert [line["school"] for line in answer["schools"]] == NAMES and answer["unanswered"] == []
    everybody = [pupil for school in single for pupil in school]
    for line, pupils in zip([*answer["schools"], answer["pooled"]], [*single, everybody], strict=True):
        figures = line["figures"]
        assert {name: figures[name] for name in SUMS} == {name: sum(p[name] for p in pupils) for name in SUMS}
        counted = [pupil for pupil in pupils if pupil["possible"]]
        assert figures["pupils"] == len(counted) > 0
        assert figures["absence_percent"] == percent(figures["possible"] - figures["attended"], figures["possible"])
        for cohort in ("persistent", "severe"):
            assert line[cohort] == sum(pupil[cohort] for pupil in counted)
            assert line[f"{cohort}_percent"] == percent(line[cohort], len(counted))
    for line, (first, *_) in zip(answer["schools"], single, strict=True):
        repeated = ("as_of", "known_at", "position", "policy", "rules", "simulated")
        assert {name: line[name] for name in repeated} == {name: first[name] for name in repeated}
    assert (answer["pooled"]["schools"], answer["pooled"]["of"], answer["pooled"]["simulated"]) == (3, 3, True)


def test_pooled_penalty_counts_who_meets_the_threshold(asked_schools: str) -> None:
    single = each("penalty", *ASKED)
    answer = run("pooled", "penalty", *ASKED, "--json").json
    assert [line["met"] for line in answer["schools"]] == [sum(p["met"] for p in pupils) for pupils in single]
    assert [line["pupils"] for line in answer["schools"]] == [sum(p["count"] > 0 for p in ps) for ps in single]
    assert answer["pooled"]["met"] == sum(line["met"] for line in answer["schools"])
    assert answer["pooled"]["pupils"] == sum(line["pupils"] for line in answer["schools"]) > 0
    assert {line["threshold"] for line in answer["schools"]} == {10}


def test_a_pooled_answer_is_the_same_for_ever(schools: str) -> None:
    before = {figures: run("pooled", figures, "--json") for figures in ("absence", "penalty")}
    pooled = before["absence"].json["pooled"]
    two_times = ("--as-of", pooled["as_of"], "--known-at", pooled["known_at"])
    for name in NAMES:
        record(schools, name, 20)
    for figures, answer in before.items():
        assert run("pooled", figures, *two_times, "--json") == answer
        (one,) = run("pooled", figures, *two_times, "--school", "117001", "--json").json["schools"]
        assert one == answer.json["schools"][1]
        later = run("pooled", figures, "--json").json
        assert [line["position"] - 20 for line in later["schools"]] == [
            line["position"] for line in answer.json["schools"]
        ]


def test_a_school_that_cannot_be_answered_for_is_named(schools: str) -> None:
    assert run("project").code == 0
    whole = run("pooled", "absence", *ASKED, "--json").json
    with open_ledger(at_school(schools, NAMES[1])) as ledger:
        forget_after(ledger, 30)
    answer = run("pooled", "absence", *ASKED, "--json")
    assert answer.code == 1 and answer.err.count("\n") == 1
    assert answer.err.startswith("attendance: school_117001 is left out: the read model stands at position")
    assert answer.json["schools"] == [whole["schools"][0], whole["schools"][2]]
    assert (answer.json["pooled"]["schools"], answer.json["pooled"]["of"]) == (2, 3)
    assert [each["school"] for each in answer.json["unanswered"]] == ["school_117001"]
    shown = run("pooled", "absence", *ASKED)
    assert shown.code == 1 and "pooled over 2 of 3 schools, as of 2024-10-15" in shown.out


@pytest.fixture
def account(schools: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of those schools for an account that may write to all but the second; it is the
    environment's."""
    name, password = f"a_{secrets.token_hex(6)}", secrets.token_hex(8)
    with psycopg.connect(schools, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        for school in (NAMES[0], NAMES[2]):
            owner.execute(
                f"GRANT USAGE ON SCHEMA {school} TO {name}; GRANT ALL ON ALL TABLES IN SCHEMA {school} TO {name}"
            )
        parts = urlsplit(schools)
        url = parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}").geturl()
        monkeypatch.setenv("ATTENDANCE_LEDGER", url)
        yield url
        owner.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


CLOSED = "this account may not read it"


@pytest.mark.parametrize("figures", ["absence", "penalty"])
def test_a_school_that_the_account_may_not_read_is_named_and_not_pooled(account: str, figures: str) -> None:
    answer = run("pooled", figures, *ASKED, "--json")
    assert answer.code == 1 and answer.err == f"attendance: {NAMES[1]} is left out: {CLOSED}\n"
    assert [line["school"] for line in answer.json["schools"]] == [NAMES[0], NAMES[2]]
    assert answer.json["unanswered"] == [{"school": NAMES[1], "reason": CLOSED}]
    assert (answer.json["pooled"]["schools"], answer.json["pooled"]["of"]) == (2, 3)
    assert run("pooled", figures, *ASKED, "--school", "117000").code == 0  # nothing was asked about the other
    refused = run("pooled", figures, *ASKED, "--school", "117001")
    assert f"this account may not read the school {NAMES[1]}" in refused.sentence


def test_every_verb_over_many_schools_names_the_one_that_it_may_not_read(account: str) -> None:
    listed = run("schools", "--json")
    assert listed.code == 1
    assert [(state["school"], state["fault"]) for state in listed.json] == [
        *[(NAMES[0], ""), (NAMES[1], CLOSED), (NAMES[2], "")]
    ]
    assert run("schools").code == 1 and CLOSED in run("schools").out
    said = run("project", "--json")
    assert (said.code, said.json["schools"]) == (1, 2)
    assert said.json["failed"] == [{"school": NAMES[1], "reason": CLOSED}]
    told = run("rebuild", "--every-school", "--json")
    assert told.code == 1 and {"school": NAMES[1], "reason": CLOSED} in told.json["failed"]


def test_an_account_that_may_read_no_school_is_told_so(schools: str, account: str) -> None:
    with psycopg.connect(schools, autocommit=True) as owner:
        owner.execute(f"REVOKE ALL ON SCHEMA {NAMES[0]}, {NAMES[2]} FROM {urlsplit(account).username}")
    assert "this account may read none of the schools" in run("pooled", "absence", *ASKED).sentence


def test_an_address_that_names_a_school_has_that_one_projected(schools: str) -> None:
    for name in NAMES:
        record(schools, name, 5)
    said = run("project", "--ledger", at_school(schools, NAMES[1])).out
    assert said.startswith("1 school up to date, ")
    assert [state["behind"] > 0 for state in run("schools", "--json").json] == [True, False, True]


def test_the_tables_show_a_line_a_school_and_a_pooled_one(asked_schools: str) -> None:
    lines = run("pooled", "absence", *ASKED).out.splitlines()
    assert lines[0] == "Absence of schools, year to date (SIMULATED)"
    assert [line.split()[0] for line in lines[3:7]] == [*NAMES, "pooled"]
    lines = run("pooled", "penalty", *ASKED).out.splitlines()
    assert lines[0] == "Penalty windows of schools (SIMULATED)"
    assert [line.split()[0] for line in lines[3:7]] == [*NAMES, "pooled"]


@pytest.mark.parametrize("words", [("schools",), ("pooled", "absence", *ASKED), ("pooled", "penalty", *ASKED)])
def test_a_table_has_a_line_a_school_each_with_what_it_is_true_for(asked_schools: str, words: tuple[str, ...]) -> None:
    for ending, begins in ((".csv", b"school,"), (".xlsx", b"PK")):
        said = run(*words, "-o", f"schools{ending}")
        assert said.code == 0 and f"rows to schools{ending}" in said.out
        assert Path(f"schools{ending}").read_bytes().startswith(begins)
    rows = list(csv.DictReader(Path("schools.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["school"] for row in rows][:3] == list(NAMES) and {row["simulated"] for row in rows} == {"true"}
    assert {row.get("as of", "2024-10-15") for row in rows} == {"2024-10-15"}
    assert "without --json" in run(*words, "--json", "-o", "schools.csv").sentence


def test_schools_lists_where_each_stands(schools: str) -> None:
    for name in NAMES:
        record(schools, name, 5)
    looked = run("schools", "--json").json
    assert all(state["behind"] >= 5 for state in looked)
    assert run("schools", "--json").json == looked  # looking brings nothing up to date
    assert run("project").out.startswith("3 schools up to date, ")
    record(schools, NAMES[2], 7)
    first, second, third = run("schools", "--json").json
    assert list(first) == [
        *("school", "urn", "name", "position", "recorded_at", "read_model", "behind", "parked", "fault", "simulated")
    ]
    assert (first["behind"], second["behind"], third["behind"]) == (0, 0, 7)
    assert third["read_model"] == third["position"] - 7 and third["fault"] == ""
    assert run("schools", "--school", "117002", "--json").json == [third]
    assert run("schools", "--ledger", at_school(schools, NAMES[2]), "--json").json == [third]
    assert NAMES[1] in run("schools").out and "3 schools at postgresql://" in run("schools").out


def test_project_takes_in_what_is_new_and_names_who_is_left_out(schools: str) -> None:
    behind = sum(state["behind"] for state in run("schools", "--json").json)
    assert run("project", "--json").json == {"schools": 3, "events": behind, "failed": []}
    for name in NAMES:
        record(schools, name, 9)
    assert run("project", "--school", "117001").out == "1 school up to date, 9 events\n"
    with open_ledger(at_school(schools, NAMES[1])) as ledger:
        forget_after(ledger, 30)
    said = run("project")
    assert said.code == 1 and said.out == "2 schools up to date, 18 events; 1 school left out\n"
    assert said.err.startswith("attendance: school_117001 is left out: the read model stands at position")
    assert "restored behind it" in run("schools", "--school", "117001", "--json").json[0]["fault"]
    assert "until somebody says which is right" in run("rebuild", "--school", "117001").sentence
    assert run("rebuild", "--every-school").code == 1
    assert run("rebuild", "--school", "117001", "--ledger-is-right", "--by", BY).code == 0
    assert run("project").code == 0


def test_a_projector_that_follows_ends_between_two_batches(schools: str) -> None:
    for kind in (signal.SIGINT, signal.SIGTERM):
        command = [PROGRAM, "project", "--follow", "--every", "0.02"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            try:
                for name in NAMES:
                    record(schools, name, 11)
                    wait_until_up_to_date(schools, name)
                running.send_signal(kind)
                out, err = running.communicate(timeout=PATIENCE)
            finally:
                running.kill()
        assert (running.returncode, err) == (0, "")
        assert out.startswith("3 schools up to date, ")


def wait_until_up_to_date(url: str, name: str) -> None:
    """Wait until somebody else has brought a school's read model up to date."""
    deadline = time.monotonic() + PATIENCE
    with open_ledger(at_school(url, name)) as ledger:
        engine = open_engine(ledger)
        while Projector(ledger, engine).position() < ledger.reads.head()[0]:
            assert time.monotonic() < deadline, f"{name} is still behind"
            time.sleep(0.02)
        engine.dispose()


def test_a_single_ledger_is_brought_up_to_date_and_is_no_database(school: Path) -> None:
    said = run("project")
    assert said.code == 0 and said.out.startswith("1 school, ") and "the read model stands at position" in said.out
    assert run("project", "--json").json == {"schools": 1, "events": 0, "failed": []}
    assert "--follow is for a PostgreSQL database" in run("project", "--follow").sentence
    assert "is for a PostgreSQL database" in run("project", "--school", "1").sentence
    assert "many schools are kept in a PostgreSQL database" in run("schools").sentence
    assert "many schools are kept in a PostgreSQL database" in run("pooled", "absence").sentence


def test_a_database_that_is_not_there_is_said_in_one_sentence(folder: Path) -> None:
    nowhere = f"postgresql:///?host={folder}"
    assert "cannot be reached: PostgreSQL" in run("schools", "--ledger", nowhere).sentence
    assert "cannot be reached: PostgreSQL" in run("project", "--follow", "--ledger", nowhere).sentence


def test_every_school_is_rebuilt_but_one_that_cannot_be(schools: str) -> None:
    with open_ledger(at_school(schools, NAMES[1])) as ledger:
        engine = open_engine(ledger)
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE tracking RENAME COLUMN digest TO digests")
        engine.dispose()
    said = run("rebuild", "--every-school")
    assert (said.code, said.out) == (1, "rebuilt 2 schools, 1 left out\n")
    assert f'attendance: {NAMES[1]} is left out: PostgreSQL refuses it: column "digest" does not exist' in said.err
    told = run("rebuild", "--every-school", "--json").json
    assert [each["school"] for each in told["rebuilt"]] == [NAMES[0], NAMES[2]]
    assert (
        all(each["as_before"] for each in told["rebuilt"]) and [each["school"] for each in told["failed"]] == NAMES[1:2]
    )
    assert run("rebuild", "--every-school", "--status").code == 2
