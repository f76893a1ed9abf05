"""Every command refuses by the names of the contract, and where two rules are broken the earlier one is named.

Lines and what breaks their rules stand in `tests/support/refusals_*.py`. Every single change must be refused by its
rule, and every two changes that can be made at once by the earlier of the two. The order is held against the docstring
of the decision.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from commands import models
from commands.deciding import DECISIONS
from commands.handle import Handler
from ledger.errors import RULES, Refused
from tests.support.refusals import (
    CODE_RULES,
    HAPPENED,
    NOBODY,
    OPENING,
    Change,
    Command,
    Line,
    changed,
    line,
    pupil,
)
from tests.support.refusals_cases import CASES
from tests.support.refusals_daily import SCHOOL_DAY
from tests.support.schools import OpenedSchool, new_keys, open_school

COMMANDS = [*SCHOOL_DAY, *CASES]

# Named in the contract.
CONTRACT = {
    *("malformed", "id_reused", "unknown_person", "pupil_not_on_roll", "not_a_session", "session_in_the_future"),
    *("code_unknown", "code_not_in_force", "code_is_administrative", "code_not_for_this_half"),
    *("code_not_for_this_age", "code_needs_detail", "already_marked", "nothing_to_amend", "reason_required"),
    *("register_already_taken", "session_over", "notice_exists", "third_in_three_years"),
}
EVERY_COMMAND: list[tuple[str, Change]] = [
    ("malformed", {"colour": "blue"}),
    ("id_reused", {"id": "used"}),
    ("unknown_person", {"by": NOBODY}),
]
# Broken by a damaged ledger only; and by no code of leave, as all of them are in force and for any session.
UNTRIED = {"entry_unreadable"}
LEAVE_CODES_KEEP = {"DecideLeave": {"code_not_in_force", "code_is_administrative", "code_not_for_this_half"}}


def refusals() -> Iterator[Any]:
    """Yield (line, rule it is refused by), with an id that says which rules are broken."""
    for command in COMMANDS:
        name = command.line["command"]
        rules = EVERY_COMMAND + command.rules
        for rule, change in rules:
            yield pytest.param(changed(command.line, change), rule, id=f"{name}-{rule}")
        for (earlier, first), (later, second) in combinations(rules, 2):
            if (both := changed(command.line, first, second)) is not None:
                yield pytest.param(both, earlier, id=f"{name}-{earlier}-before-{later}")
        for earlier, later, change in command.both:
            yield pytest.param(changed(command.line, change), earlier, id=f"{name}-{earlier}-before-{later}")


@pytest.fixture(scope="module")
def school() -> OpenedSchool:
    """A school in which all that is refused below writes nothing, so that one serves for all."""
    return open_school().replay(HAPPENED)


@pytest.mark.parametrize(("refused_line", "rule"), list(refusals()))
def test_the_earliest_broken_rule_is_named(school: OpenedSchool, refused_line: Line, rule: str) -> None:
    head = school.ledger.reads.head()
    with pytest.raises(Refused) as caught:
        school.send(refused_line)
    assert caught.value.rule == rule, str(caught.value)
    assert str(caught.value).startswith(f"{rule}: ") and "\n" not in str(caught.value)
    assert school.ledger.reads.head() == head


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.line["command"])
def test_unbroken_the_line_is_accepted(command: Command) -> None:
    assert open_school().replay(HAPPENED).send(command.line).events > 0


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.line["command"])
def test_the_order_is_the_documented_one(command: Command) -> None:
    documented = _documented(DECISIONS[models.COMMANDS[command.line["command"]]].decide.__doc__ or "")
    tried = [rule for rule, _ in command.rules]
    assert [rule for rule in documented if rule in tried] == tried
    assert set(documented) - set(tried) <= UNTRIED | LEAVE_CODES_KEEP.get(command.line["command"], set())


def _documented(docstring: str) -> list[str]:
    """Return the rules that a docstring lists after 'Refuses:', in order."""
    found: list[str] = []
    for word in re.findall(r"code rules|[a-z_]+", docstring.partition("Refuses:")[2]):
        rules = list(CODE_RULES) if word == "code rules" else [word] if word in RULES else []
        found += [rule for rule in rules if rule not in found]
    return found


def test_every_command_and_every_name_of_the_contract_is_tried() -> None:
    assert {command.line["command"] for command in COMMANDS} | {"OpenSchool"} == set(models.COMMANDS)
    tried = {rule for command in COMMANDS for rule, _ in EVERY_COMMAND + command.rules}
    assert tried >= CONTRACT


# --- the beginning of a ledger, and its clock -----------------------------------------------------------------------


def test_a_school_is_opened_once_by_somebody_under_a_known_policy(school: OpenedSchool) -> None:
    unknown = {**OPENING, "policy": "our-own"}
    assert school.refusal({**unknown, "by": NOBODY}) == "unknown_person"
    assert school.refusal(unknown) == "school_already_open"
    fresh = open_school()
    assert fresh.refusal({**unknown, "colour": "blue", "by": NOBODY}) == "malformed"
    assert fresh.refusal({**unknown, "by": NOBODY}) == "unknown_person"
    assert fresh.refusal(unknown) == "policy_unknown"
    assert fresh.refusal(OPENING) == ""


def test_before_it_there_is_nothing_to_say() -> None:
    assert open_school().refusal(COMMANDS[0].line) == "school_not_open"


def test_recorded_time_never_runs_backwards(school: OpenedSchool) -> None:
    assert school.refusal({**COMMANDS[0].line, "at": "2024-11-05T11:29:59"}) == "time_runs_backwards"


def test_a_refusal_uses_up_no_id() -> None:
    school = open_school().replay(HAPPENED)
    mark = {**line("RecordMark", pupil="1042", session="2024-11-05/AM", code="?"), "id": "once"}
    assert school.refusal(mark) == "code_unknown"
    assert school.refusal({**mark, "code": "/"}) == ""
    assert school.refusal({**mark, "code": "I"}) == "id_reused"


def test_nobody_chooses_the_time_of_a_ledger_with_its_own_clock() -> None:
    fresh = open_school()
    handler = Handler(fresh.ledger, new_keys(), simulated=False)
    handler.handle(models.parse({name: value for name, value in OPENING.items() if name != "at"}))
    with pytest.raises(Refused, match="ledger_is_system"):
        handler.handle(models.parse(COMMANDS[0].line))


def test_a_personal_value_is_never_repeated(school: OpenedSchool) -> None:
    with pytest.raises(Refused) as caught:
        school.send({**pupil("1050", "4W", "2016-03-09"), "upn": "A801200005001"})
    assert caught.value.rule == "malformed" and caught.value.field == "upn"
    assert "A801200005001" not in str(caught.value)
