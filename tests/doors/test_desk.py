"""What a second door needs, asked of the desk without a command line: the page of a day, letters, cautions, pupils."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from commands.desk.cautions import cautions
from commands.desk.due import MANY, Person, stretches, whom_to_ring
from commands.desk.letters import leave_letter_draft, letter_draft
from commands.desk.outcome import outcome, quotation
from commands.desk.pupils import chosen_pupils, nobody
from commands.models import parse
from commands.wiring import House, open_house
from ledger.errors import Refused
from ledger.sessions import parse_moment
from projections.due import desk_of, duties
from projections.duty import Duty, Urgency
from tests.doors.test_due import morning
from tests.support.terminal import HEAD, run, write_journal


@pytest.fixture
def house(folder: Path) -> Iterator[House]:
    assert run("replay", str(write_journal(folder / "morning.ndjson", morning()))).code == 0
    with open_house() as opened:
        yield opened


def waiting(count: int, rule: str) -> list[Duty]:
    return [Duty(rule, f"the {place}th", urgency=Urgency.WAITING) for place in range(count)]


def test_whom_to_ring_is_a_person_with_a_number(house: House) -> None:
    moment = house.answers.moment(date(2024, 9, 4), parse_moment("2024-09-04T09:15"))
    desk = desk_of(house.answers, moment)
    assert desk is not None
    calls = [duty for duty in duties(desk) if duty.rule == "call"]
    assert whom_to_ring(calls[0], desk) == Person("1043-b", "Ben Mother", "", "01632 960002")
    assert str(Person("1043-b")) == "1043-b (sealed)"
    assert whom_to_ring(Duty("role", "nobody", urgency=Urgency.SOON), desk) is None


@pytest.mark.parametrize(("count", "folded"), [(MANY, {}), (MANY + 1, {"N": MANY + 1})])
def test_only_what_waits_in_numbers_is_folded(count: int, folded: dict[str, int]) -> None:
    due = [*waiting(count, "N"), *waiting(1, "role"), Duty("call", "now", urgency=Urgency.NOW)]
    now, last = stretches(due, fold=True)
    assert (now.heading, len(now.duties), now.folded) == ("Now: a child may be missing", 1, {})
    assert last.folded == folded and len(last.duties) + sum(folded.values()) == count + 1
    assert [stretch.folded for stretch in stretches(due, fold=False)] == [{}, {}]


def test_a_letter_comes_with_the_command_that_records_its_sending(house: House) -> None:
    moment = house.answers.moment(date(2024, 9, 4))
    draft = letter_draft(house.answers, moment, "1042", "meeting", "1042-a", meeting=("at nine", "here"))
    assert draft.paper.startswith(b"%PDF") and draft.sending.name == "SendLetter"
    assert draft.sending.filled["seen"] == moment.position and "quoted" in draft.sending.filled
    for parent, field in (("1043-a", "parent"), ("", "parent")):
        with pytest.raises(Refused, match="unknown_person") as refused:
            letter_draft(house.answers, moment, "1042", "meeting", parent)
        assert refused.value.field == field
    with pytest.raises(Refused, match="expected a request that has been decided"):
        leave_letter_draft(house.answers, moment, "1044", "LR-1")


def test_what_was_recorded_is_said_with_its_cautions(house: House) -> None:
    line = {"command": "AmendMark", "pupil": "1042", "session": "2024-09-03/AM", "code": "W", "reason": "a farm"}
    command = parse({**line, "by": HEAD})
    done = house.handler.handle(command)
    assert outcome(done) == f"recorded 1 event, position {done.position}" and quotation(command) == {}
    assert list(cautions(house, command)) == ["W does not occur at primary age, and 1042 was of that age on 2024-09-03"]
    assert outcome(house.handler.handle(command)) == "nothing to record: it says so already"


def test_pupils_are_named_or_chosen(house: House) -> None:
    moment = house.answers.moment(date(2024, 9, 4))
    assert chosen_pupils(house.answers, moment, ["1043", "1042", "1043"]) == ["1042", "1043"]
    assert chosen_pupils(house.answers, moment, class_name="RA") == ["9001"]
    nobody_there = chosen_pupils(house.answers, moment, class_name="5T")
    assert nobody(nobody_there, {"class": "5T", "group": None}) == "nobody is in class '5T' that day"
    assert nobody(["9001"], {"class": "RA"}) == nobody([], {"class": None}) == ""
    with pytest.raises(Refused, match="pupil_not_on_roll"):
        chosen_pupils(house.answers, moment, ["7777"])
