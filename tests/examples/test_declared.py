"""What a decision declared is all that it may ask for: an entry that nobody looked at is not an unmarked session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from commands.deciding import DECISIONS
from commands.deciding.state import State
from commands.models import COMMANDS
from ledger.school import School
from ledger.sessions import Session
from tests.support.refusals import HAPPENED, Line, line
from tests.support.schools import OpenedSchool, open_school

MORNING = Session.parse("2024-11-04/AM")
ASKED: dict[str, Callable[[State], Any]] = {
    "entry": lambda state: state.entry("1042", MORNING),
    "register": lambda state: state.register(MORNING, "4W"),
    "follow-up": lambda state: state.follow_up,
    "roll": lambda state: state.roll,
    "end": lambda state: state.end,
    "rows": lambda state: state.digest,
    "ages": lambda state: state.ages,
    "a position seen": lambda state: state.seen(7),
}


@pytest.fixture
def school() -> OpenedSchool:
    return open_school().replay(HAPPENED)


@pytest.mark.parametrize("what", ASKED)
def test_asking_for_what_nobody_declared_raises(what: str) -> None:
    with pytest.raises(AssertionError, match="does not declare"):
        ASKED[what](State(School()))


@pytest.mark.parametrize(
    "sent",
    [
        line("AmendMark", pupil="1042", session=str(MORNING), code="I", reason="fever"),
        line("RecordMark", pupil="1042", session="2024-11-05/AM", code="/"),
        line("TakeRegister", session="2024-11-05/AM", marks={"1042": "/"}, **{"class": "4W"}),
        line("CloseRegister", session=str(MORNING)),
    ],
    ids=lambda sent: sent["command"],
)
def test_a_forgotten_declaration_is_no_unmarked_session(
    school: OpenedSchool, sent: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = COMMANDS[sent["command"]]
    forgetful = DECISIONS[kind]._replace(reads=lambda command, school: ())
    monkeypatch.setitem(DECISIONS, kind, forgetful)
    head = school.ledger.reads.head()
    with pytest.raises(AssertionError, match="does not declare that it reads"):
        school.send(sent)
    assert school.ledger.reads.head() == head


def test_what_is_declared_and_not_there_is_empty(school: OpenedSchool) -> None:
    state = State(school.handler.school(), {"1042/2024/2024-11-04/AM"}, follow_ups=(), rolls=())
    assert not state.entry("1042", MORNING).exists
    assert (state.follow_up, state.roll) == ((), ())
    assert state.policy(date(2024, 11, 4)).name == "national-2024"
