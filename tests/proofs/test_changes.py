"""The change log: every amendment and nothing else, changes in bulk as one line, and what is worth a question."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from commands.cli import main
from ledger.sessions import from_micros
from projections.records.changes import amendments, anomalies, change_lines, tallies
from tests.support.counts import count
from tests.support.random_school import journal
from tests.support.schools import OpenedSchool, open_school

JOURNAL = Path(__file__).parents[1] / "examples" / "example-school.ndjson"
OFFICE = {"id": "off", "name": "O Fice", "title": "Office"}
HEAD = {"id": "head", "name": "H Example", "title": "Headteacher"}
EVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("seed", range(count(3, 40)))
def test_the_log_is_every_amendment_and_nothing_else(seed: int) -> None:
    school = open_school(keep=True).replay(journal(seed))
    found = amendments(school.answers, school.answers.moment(), *EVER)
    rows = [row for row in school.rows() if row.topic == "entry.MarkAmended"]
    assert [each.position for each in found] == [row.position for row in rows] and rows
    assert sum(tallies(found)["by codes"].values()) == len(rows)
    for each, row in zip(found, rows, strict=True):
        said = json.loads(bytes(row.state))
        assert (each.was, each.now) == (said["w"], said["c"])
    middle = from_micros(rows[len(rows) // 2].recorded_at)
    early = amendments(school.answers, school.answers.moment(), EVER[0], middle)
    late = amendments(school.answers, school.answers.moment(), middle, EVER[1])
    assert {each.position for each in early} | {each.position for each in late} == {row.position for row in rows}
    assert {each.recorded_at for each in early} & {each.recorded_at for each in late} <= {middle.isoformat()}


def autumn(code: str = "N") -> OpenedSchool:
    """Return a school in which 1042 has had the same code every session of September."""
    school = open_school()
    for text in JOURNAL.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        if line["at"] < "2025-10":
            school.send(line)
    for day in range(3, 31):
        for half, hour in (("AM", 9), ("PM", 14)):
            mark = {"command": "RecordMark", "by": OFFICE, "pupil": "1042", "session": f"2025-09-{day:02}/{half}"}
            school.refusal({**mark, "at": f"2025-09-{day:02}T{hour:02}:20", "code": code})
    return school


def amend(school: OpenedSchool, sessions: int, code: str, at: str, by: dict[str, str] = OFFICE, gap: int = 1) -> None:
    """Amend so many of the first sessions, a minute or more apart."""
    made = 0
    for day in range(3, 31):
        for half in ("AM", "PM"):
            when = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() + 60 * gap * made
            line: dict[str, Any] = {
                "command": "AmendMark",
                "by": by,
                "pupil": "1042",
                "code": code,
                "reason": "tidied up",
            }
            line |= {"session": f"2025-09-{day:02}/{half}", "at": datetime.fromtimestamp(when, UTC).isoformat()}
            if made < sessions and not school.refusal(line):
                made += 1
    assert made == sessions


@pytest.mark.parametrize(("sessions", "gap", "lines"), [(9, 1, 9), (10, 1, 1), (10, 15, 1), (10, 16, 10), (12, 1, 1)])
def test_ten_entries_amended_alike_in_one_go_are_one_line(sessions: int, gap: int, lines: int) -> None:
    school = autumn()
    amend(school, sessions, "O", "2025-10-20T10:00", gap=gap)
    moment = school.answers.moment()
    assert len(change_lines(amendments(school.answers, moment, *EVER), moment.policy)) == lines


# The census of autumn 2025 is on Thursday 2 October.
@pytest.mark.parametrize(("day", "asked"), [("2025-10-01", True), ("2025-10-02", True), ("2025-10-03", False)])
def test_recoding_in_bulk_before_a_census_is_worth_a_question(day: str, asked: bool) -> None:
    school = autumn()
    amend(school, 10, "I", f"{day}T10:00")
    moment = school.answers.moment()
    found = anomalies(school.answers, moment, amendments(school.answers, moment, *EVER))
    assert [finding.rule for finding in found] == (["bulk_before_census"] if asked else [])


@pytest.mark.parametrize(("sessions", "asked"), [(2, False), (3, True)])
def test_one_person_turning_absent_to_present_is_worth_a_question(sessions: int, asked: bool) -> None:
    school = autumn("U")
    amend(school, sessions, "L", "2025-10-20T10:00", HEAD)
    moment = school.answers.moment()
    found = anomalies(school.answers, moment, amendments(school.answers, moment, *EVER))
    assert [finding.rule for finding in found] == (["late_made_present"] if asked else [])
    assert not asked or "H Example (Headteacher) turned 3 entries" in found[0].sentence


def test_edits_after_a_notice_or_a_solicitors_letter_are_worth_a_question() -> None:
    school = autumn()
    issue = {"command": "IssuePenaltyNotice", "by": HEAD, "pupil": "1042", "notice": "PN-1", "parent": "1042-a"}
    school.send({**issue, "at": "2025-10-20T09:00", "issued_on": "2025-10-20", "sessions": ["2025-09-03/AM"]})
    wrote = {"command": "LogContact", "by": OFFICE, "pupil": "1042", "contact": "1042-a", "channel": "solicitor"}
    amend(school, 2, "I", "2025-10-20T10:00")
    school.send({**wrote, "at": "2025-10-20T13:00", "outcome": "letter received"})
    amend(school, 1, "O", "2025-10-20T14:00")
    moment = school.answers.moment()
    found = anomalies(school.answers, moment, amendments(school.answers, moment, *EVER))
    assert [(finding.rule, finding.session) for finding in found] == [
        ("after_case", "2025-09-03/AM"),
        ("after_case", "2025-09-03/AM"),
        ("after_solicitor", "2025-09-03/AM"),
    ]


def test_the_verb_shows_lines_tallies_and_questions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = ["--ledger", f"sqlite:///{tmp_path / 'school.db'}"]
    office = ["--by", "off:O Fice:Office", *ledger]
    assert main(["replay", str(JOURNAL), *ledger]) == 0
    assert main(["take", "4W", "2025-11-03/AM", "1042=N", "1043=/", "--at", "2025-11-03T09:00", *office]) == 0
    amend = ["amend", "1042", "2025-11-03/AM", "I", "--reason", "mother rang", "--at", "2025-11-04T09:00"]
    assert main([*amend, *office]) == 0
    capsys.readouterr()
    assert main(["changes", "--from", "2025-11-04", *ledger]) == 0
    told = capsys.readouterr().out
    assert "2025-11-04 09:00:00   O Fice (Office)   1042    2025-11-03/AM   N > I   mother rang" in told
    assert "by codes: 1 N > I" in told and "SIMULATED" in told
    assert main(["changes", "--from", "2025-11-05", "--json", *ledger]) == 0
    assert json.loads(capsys.readouterr().out)["changes"] == []
    assert main(["changes", "--from", "2025-11-01", "--person", "H Example", "--json", *ledger]) == 0
    assert json.loads(capsys.readouterr().out)["changes"] == []
    assert main(["changes", *ledger]) == 2


@pytest.mark.parametrize("day", [[], ["--to", "2025-09-30"], ["--as-of", "2025-09-15"]])
def test_the_answer_stays_the_same_whatever_is_recorded_later(
    day: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'school.db'}"
    assert main(["replay", str(JOURNAL), "--ledger", url]) == 0
    capsys.readouterr()
    asked = ["changes", "--from", "2025-09-01", *day, "--known-at", "2025-09-30", "--json", "--ledger", url]

    def answer() -> Any:
        assert main(asked) == 0
        return json.loads(capsys.readouterr().out)

    before = answer()
    adopt = ["policy", "micklem-2025", "2026-03-01", "--at", "2026-03-02", "--by", "head:H Example:Headteacher"]
    assert main([*adopt, "--ledger", url]) == 0
    capsys.readouterr()
    assert answer() == before and before["as_of"] == (day[1] if day else before["known_at"][:10])
