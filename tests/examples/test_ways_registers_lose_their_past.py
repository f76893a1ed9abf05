"""Twenty ways in which registers lose their past elsewhere, each tried on a real ledger, which keeps it.

Every test tells one of them to a school of two pupils in one week of November, in memory or on SQLite, and then looks
at the entry: all it ever said, by whom and why.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from commands.handle import Handler
from commands.imports.marks import import_marks
from ledger.people import Staff
from ledger.sessions import parse_moment
from ledger.store import open_ledger
from projections.asking.questions import Answers
from projections.figures.cohorts import absence_answers
from projections.readmodel.rebuild import rebuild
from projections.readmodel.tables import open_engine
from projections.records.registers import MarkAnswer, history_answers, register_answer
from tests.support.schools import OpenedSchool, open_school

TEACHER = {"id": "hart", "name": "A Hart", "title": "Class teacher"}
OFFICE = {"id": "off", "name": "O Fice", "title": "Office"}
HEAD = {"id": "head", "name": "H Example", "title": "Headteacher"}
MONDAY = "2024-11-04/AM"
TUESDAY = "2024-11-05/AM"
LATER = "2024-11-08T16:00:00"
HALF_TERM = {"from": "2024-10-28", "to": "2024-11-01", "why": "half term"}


def line(command: str, by: Any = OFFICE, at: Any = LATER, **fields: Any) -> dict[str, Any]:
    return {"command": command, "at": at, "by": by, **fields}


def mark(code: str, session: str = MONDAY, pupil: str = "1042", at: str = "2024-11-04T09:05:00") -> dict[str, Any]:
    return line("RecordMark", TEACHER, at, pupil=pupil, session=session, code=code)


def amend(code: str, reason: str, session: str = MONDAY) -> dict[str, Any]:
    return line("AmendMark", pupil="1042", session=session, code=code, reason=reason)


def close(session: str = MONDAY, at: str = "2024-11-04T09:10:00") -> dict[str, Any]:
    return line("CloseRegister", TEACHER, at, session=session)


def pupil(number: str) -> dict[str, Any]:
    parents = [{"id": f"{number}-a", "name": "B Example", "lives_with": True, "phone": "01632 960001"}]
    about = {"name": "Ada Example", "born": "2016-03-09", "starting_day": "2024-11-04", "year_group": "4"}
    return line("AdmitPupil", at="2024-11-01T09:00:00", pupil=number, parents=parents, **about, **{"class": "4W"})


@pytest.fixture(params=["memory", "sqlite"])
def school(request: pytest.FixtureRequest) -> Iterator[OpenedSchool]:
    """A school of two pupils who start on Monday 4 November 2024."""
    url: Callable[[], str] = request.getfixturevalue(f"fresh_{request.param}_url")
    opened = open_school(url())
    early = {"at": "2024-11-01T09:00:00", "by": HEAD}
    named = {"urn": "117000", "name": "Example Primary", "la": "919", "estab": "2000", "policy": "national-2024"}
    opened.send(line("OpenSchool", **early, **named))
    year = {"year": "2024/25", "first_day": "2024-09-03", "last_day": "2025-07-22", "closed": [HALF_TERM]}
    opened.replay([line("OpenSchoolYear", **early, **year), pupil("1042"), pupil("1043")])
    yield opened
    opened.close()


def entries(
    answers: Answers, pupil: str = "1042", session: str = MONDAY, known_at: str | None = None
) -> list[MarkAnswer]:
    """Return all that an entry has said, oldest first."""
    moment = answers.moment(date(2025, 12, 31), parse_moment(known_at) if known_at else None)
    return next((found.entries for found in history_answers(answers, moment, pupil) if found.session == session), [])


def said(school: OpenedSchool, session: str = MONDAY, pupil: str = "1042") -> list[tuple[str, str, str]]:
    """Return (code, reason, who) of all that an entry has said."""
    return [(each.code, each.reason, each.by.name) for each in entries(school.answers, pupil, session)]


def figures(school: OpenedSchool, as_of: str, known_at: str | None = None, pupil: str = "1042") -> Any:
    moment = school.answers.moment(date.fromisoformat(as_of), parse_moment(known_at) if known_at else None)
    return absence_answers(school.answers, moment, [pupil])[0]


# --- saving ---------------------------------------------------------------------------------------------------------


def test_saving_the_same_again_leaves_the_name_of_who_took_it(school: OpenedSchool) -> None:
    school.send(mark("/"))
    school.send({**mark("/", at=LATER), "by": OFFICE})
    assert said(school) == [("/", "", "A Hart")]


def test_nothing_is_edited_in_place(school: OpenedSchool, tmp_path: Path) -> None:
    school.replay([mark("N"), amend("I", "fever"), amend("O", "seen in town")])
    assert said(school) == [("N", "", "A Hart"), ("I", "fever", "O Fice"), ("O", "seen in town", "O Fice")]
    for statement in (
        "UPDATE stored_events SET state = x'00'",
        "REPLACE INTO stored_events SELECT * FROM stored_events",
    ):
        with_sqlite(tmp_path, statement)


def test_nothing_is_deleted(school: OpenedSchool, tmp_path: Path) -> None:
    school.send(mark("N"))
    assert school.refusal(line("DeleteMark", pupil="1042", session=MONDAY)) == "malformed"
    assert school.refusal({**amend("", "let us forget it")}) == "code_unknown"
    with_sqlite(tmp_path, "DELETE FROM stored_events")
    assert said(school) == [("N", "", "A Hart")]


def with_sqlite(folder: Path, statement: str) -> None:
    """Hold that a statement is refused by the ledger file itself, where the ledger is one."""
    for file in folder.glob("*.db"):
        with sqlite3.connect(file) as connection, pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)


def test_the_reason_that_replaces_an_n_is_logged_as_that(school: OpenedSchool) -> None:
    arrived = line("LogArrival", at="2024-11-04T09:31:00", pupil="1043", session=MONDAY, reason="bus broke down")
    school.replay([close(), {**arrived, "arrived_at": "2024-11-04T09:30:00"}, amend("I", "mother rang: fever")])
    assert said(school) == [("N", "", "A Hart"), ("I", "mother rang: fever", "O Fice")]
    assert said(school, pupil="1043") == [("N", "", "A Hart"), ("U", "bus broke down", "O Fice")]


# --- the calendar ---------------------------------------------------------------------------------------------------


def test_a_closure_covers_no_mark_that_was_taken(school: OpenedSchool) -> None:
    closure = line("DeclareClosure", HEAD, "2024-11-04T09:06:00", sessions=[MONDAY], code="Y4", reason="boiler failure")
    school.replay([mark("/"), closure, close()])
    assert said(school) == [("/", "", "A Hart")]
    assert said(school, pupil="1043") == [("Y4", "", "A Hart")]


def amended(**calendar: Any) -> dict[str, Any]:
    return line("AmendCalendar", HEAD, year="2024/25", reason="the governors met", **calendar)


def test_a_new_timetable_drops_no_marks(school: OpenedSchool) -> None:
    school.replay([mark("L"), close(), amended(times={"AM": "09:30-10:00", "PM": "13:00-13:20"})])
    assert said(school) == [("L", "", "A Hart")]
    assert figures(school, "2024-11-04").attended == 1


def test_other_session_times_judge_nobody_again(school: OpenedSchool) -> None:
    late = line("LogArrival", at="2024-11-04T09:08:00", pupil="1042", session=MONDAY, arrived_at="2024-11-04T09:08:00")
    school.replay([late, amended(times={"AM": "08:40-09:00"})])
    assert [code for code, _, _ in said(school)] == ["L"]


def test_a_holiday_put_in_later_hides_no_code(school: OpenedSchool) -> None:
    school.replay(
        [mark("O"), amended(closed=[HALF_TERM, {"from": "2024-11-04", "to": "2024-11-04", "why": "a day off"}])]
    )
    assert said(school) == [("O", "", "A Hart")]
    assert figures(school, "2024-11-04").unauthorised == 1
    moment = school.answers.moment(date(2024, 11, 4))
    assert [row.code for row in register_answer(school.answers, moment, "4W", date(2024, 11, 4)).lines if row.code] == [
        "O"
    ]


def test_a_change_of_the_year_makes_no_old_session_missing(school: OpenedSchool) -> None:
    school.replay([mark("/"), mark("\\", "2024-11-04/PM", at="2024-11-04T13:20:00")])
    before = figures(school, "2024-11-04", "2024-11-04T13:20:00")
    school.send(amended(closed=[], times={"AM": "08:30-08:50"}))
    assert figures(school, "2024-11-04").missing == 0
    assert figures(school, "2024-11-04", "2024-11-04T13:20:00") == before


# --- the register and the roll --------------------------------------------------------------------------------------


def test_a_later_lesson_rewrites_no_session(school: OpenedSchool) -> None:
    noon = "2024-11-04T13:20:00"
    afternoon = line("TakeRegister", TEACHER, noon, session="2024-11-04/PM", marks={"1042": "\\"}, **{"class": "4W"})
    again = line("TakeRegister", OFFICE, noon, session=MONDAY, marks={"1042": "/", "1043": "/"}, **{"class": "4W"})
    school.replay([mark("N"), afternoon, again])
    assert said(school) == [("N", "", "A Hart")]
    assert school.refusal({**again, "at": LATER}) == "register_already_taken"


def test_a_change_of_class_takes_the_past_along(school: OpenedSchool) -> None:
    school.replay([mark("N"), line("ChangeClass", pupil="1042", from_day="2024-11-05", **{"class": "5K"})])
    assert said(school) == [("N", "", "A Hart")]
    then = register_answer(school.answers, school.answers.moment(date(2024, 11, 4)), "4W", date(2024, 11, 4))
    assert {row.pupil for row in then.lines} == {"1042", "1043"}


def test_leaving_takes_nothing_away(school: OpenedSchool) -> None:
    school.replay([mark("N"), amend("I", "fever"), line("RemoveFromRoll", pupil="1042", last_day="2024-11-08")])
    assert [code for code, _, _ in said(school)] == ["N", "I"]
    assert figures(school, "2024-12-20").authorised == 1


# --- leave ----------------------------------------------------------------------------------------------------------


def leave(*granted: str) -> list[dict[str, Any]]:
    """A request for Monday and Tuesday and its decision, both on the Friday before."""
    asked = {"parent": "1042-a", "received_on": "2024-11-01", "first": MONDAY, "last": "2024-11-05/PM", "on_form": True}
    sessions = [{"session": session, "code": "C"} for session in granted]
    about = {"at": "2024-11-01T10:00:00", "pupil": "1042", "request": "LR-1"}
    return [
        line("RequestLeave", **about, **asked),
        line("DecideLeave", HEAD, **about, granted=sessions, reason="a ceremony"),
    ]


def test_granting_leave_covers_no_mark_that_was_taken(school: OpenedSchool) -> None:
    school.replay([*leave(MONDAY, TUESDAY), mark("/"), close()])
    assert said(school) == [("/", "", "A Hart")]
    late_grant = {"pupil": "1042", "request": "LR-2", "granted": [{"session": MONDAY, "code": "C"}]}
    asked = {"parent": "1042-a", "received_on": "2024-11-08", "first": MONDAY, "last": MONDAY}
    school.send(line("RequestLeave", pupil="1042", request="LR-2", **asked))
    assert school.refusal(line("DecideLeave", HEAD, **late_grant)) == "leave_not_in_advance"


def test_withdrawing_leave_voids_no_mark(school: OpenedSchool) -> None:
    withdrawn = line("WithdrawLeave", HEAD, pupil="1042", request="LR-1", reason="came back early")
    at = "2024-11-05T09:10:00"
    school.replay([*leave(MONDAY, TUESDAY), close(), mark("/", TUESDAY, at=at), close(TUESDAY, at), withdrawn])
    assert said(school) == [("C", "", "A Hart")]
    assert said(school, TUESDAY) == [("/", "", "A Hart")]


def test_a_code_that_was_expected_becomes_a_mark_only_by_somebody_and_says_why(school: OpenedSchool) -> None:
    school.replay(leave(MONDAY))
    assert said(school) == []
    school.send(close())
    (entry,) = entries(school.answers)
    assert (entry.code, entry.via, entry.cites, entry.by.name) == ("C", "close", "LR-1", "A Hart")


# --- machinery ------------------------------------------------------------------------------------------------------


def test_recalculating_keeps_every_reason(school: OpenedSchool) -> None:
    school.replay([mark("N"), amend("I", "mother rang: fever")])
    before = said(school)
    rebuild(school.ledger, school.answers.engine)
    assert said(school) == before == [("N", "", "A Hart"), ("I", "mother rang: fever", "O Fice")]


def test_a_change_is_there_for_whoever_opens_the_ledger_next(school: OpenedSchool) -> None:
    if school.ledger.address.kind == "memory":
        pytest.skip("nothing outlives the process in memory")
    school.replay([mark("N"), amend("I", "fever")])
    before = said(school)
    with open_ledger(school.ledger.address.shown) as again:
        engine = open_engine(again)
        found = entries(Answers(again, engine, school.keys))
        engine.dispose()
    assert [(each.code, each.reason, each.by.name) for each in found] == before


def test_the_next_year_archives_nothing(school: OpenedSchool) -> None:
    next_year = {"year": "2025/26", "first_day": "2025-09-03", "last_day": "2026-07-21"}
    school.send(mark("N"))
    before = figures(school, "2025-07-22", "2024-11-04T09:05:00")
    school.send(line("OpenSchoolYear", HEAD, "2025-09-01T09:00:00", **next_year))
    assert figures(school, "2025-07-22", "2024-11-04T09:05:00") == before
    school.send({**amend("O", "never explained"), "at": "2025-10-01T09:00:00"})
    assert [code for code, _, _ in said(school)] == ["N", "O"]


def test_marks_brought_from_elsewhere_say_so_and_claim_no_history(school: OpenedSchool, tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_text("Adno,Date,Session,Mark,Comments\n1042,04/11/2024,AM,I,fever\n", encoding="utf-8")
    clerk = Staff("off", "O Fice", "Office")
    brought = import_marks(
        export, school.ledger, school.keys, clerk, at=parse_moment(LATER), rejects=tmp_path / "no.csv"
    )
    assert brought.imported == 1
    school.send(amend("O", "the letter was not hers"))
    first, second = entries(school.answers)
    assert (first.code, first.detail, first.via, second.code) == ("I", "fever", "import", "O")
    assert first.cites.startswith("sha256:")


def test_a_late_write_wins_over_nobody_in_silence(school: OpenedSchool) -> None:
    """A teacher's tablet, asleep since nine, sends its register after the office has written."""
    tablet = Handler(school.ledger, school.keys, simulated=True)
    tablet.school()
    school.replay([mark("N"), amend("I", "mother rang: fever")])
    stale = OpenedSchool(school.ledger, school.keys, tablet, school.answers)
    assert stale.refusal({**mark("/"), "at": LATER}) == "already_marked"
    register = line("TakeRegister", TEACHER, session=MONDAY, marks={"1042": "/", "1043": "/"}, **{"class": "4W"})
    assert stale.send(register).kept == ("1042",)
    assert [code for code, _, _ in said(school)] == ["N", "I"]
    assert [code for code, _, _ in said(school, pupil="1043")] == ["/"]
