"""Every command refuses by the names of the contract, and where two rules are broken the earlier one is named.

For each command there stands a line that is accepted, and for each of its rules, in the documented order, what has to
change for it to be broken. Every single change must be refused by its rule, and every two changes that can be made at
once by the earlier of the two. The order is held against the docstring of the decision.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import pytest

from commands import models
from commands.handle import DECISIONS, Handler
from ledger.errors import RULES, Refused
from tests.support.schools import OpenedSchool, new_keys, open_school

Line = dict[str, Any]
Change = dict[str, Any]

NOW = "2024-11-05T11:30:00"
BY = {"id": "off", "name": "O Fice", "title": "Office"}
NOBODY = {**BY, "title": " "}
WEEK_END, AHEAD, MARKED, BEFORE_2024_CODES = "2024-11-09/AM", "2024-11-20/AM", "2024-11-04/AM", "2024-06-03/AM"

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
CODE_RULES = {
    "code_unknown": "?",
    "code_not_in_force": "H",
    "code_is_administrative": "#",
    "code_not_for_this_half": "\\",
    "code_not_for_this_age": "X",
    "code_needs_detail": "B",
}
# Broken by a damaged ledger only; and by no code of leave, as all of them are in force and for any session.
UNTRIED = {"entry_unreadable"}
LEAVE_CODES_KEEP = {"DecideLeave": {"code_not_in_force", "code_is_administrative", "code_not_for_this_half"}}
CODES: list[tuple[str, Change]] = [(rule, {"code": code}) for rule, code in CODE_RULES.items()]


class Command(NamedTuple):
    """An accepted line; its rules in order, each with what breaks it; changes that break the two rules named."""

    line: Line
    rules: list[tuple[str, Change]]
    both: list[tuple[str, str, Change]] = []


def line(command: str, **fields: Any) -> Line:
    return {"command": command, "at": NOW, "by": BY, **fields}


# --- the school that the lines are sent to --------------------------------------------------------------------------


def pupil(number: str, class_name: str, born: str) -> Line:
    parents = [{"id": f"{number}-{letter}", "name": "A Parent", "phone": "01632 960001"} for letter in "ab"]
    particulars = {"name": "Ada Example", "born": born, "starting_day": "2023-09-05", "year_group": "4"}
    return line("AdmitPupil", pupil=number, parents=parents, **particulars, **{"class": class_name})


def asked(request: str, number: str = "1042", first: str = "2024-11-18/AM", last: str = "2024-11-24/PM") -> Line:
    said = {"parent": f"{number}-a", "received_on": "2024-11-04", "ground": "holiday", "on_form": True}
    return line("RequestLeave", pupil=number, request=request, first=first, last=last, **said)


def decided(request: str, number: str = "1042", *granted: tuple[str, str]) -> Line:
    sessions = [{"session": session, "code": code} for session, code in granted]
    return line("DecideLeave", pupil=number, request=request, granted=sessions)


def issued(notice: str, parent: str) -> Line:
    about = {"issued_on": "2024-11-05", "sessions": [MARKED]}
    return line("IssuePenaltyNotice", pupil="1042", notice=notice, parent=parent, **about)


def paid(notice: str) -> Line:
    return line("RecordPayment", pupil="1042", notice=notice, paid_on="2024-11-05", amount=80)


def withdrawn(notice: str) -> Line:
    return line("WithdrawPenaltyNotice", pupil="1042", notice=notice)


OPENING = line("OpenSchool", urn="117000", name="Example Primary", la="919", estab="2000", policy="national-2024")
HAPPENED = [
    {**OPENING, "id": "used"},
    line("OpenSchoolYear", year="2023/24", first_day="2023-09-05", last_day="2024-07-23"),
    line("OpenSchoolYear", year="2024/25", first_day="2024-09-03", last_day="2025-07-22"),
    pupil("1042", "4W", "2016-03-09"),
    pupil("1043", "5K", "2015-03-09"),
    pupil("1044", "4W", "2020-09-30"),  # not of compulsory school age yet
    pupil("1045", "4W", "2016-03-09"),
    line("RemoveFromRoll", pupil="1045", last_day="2024-11-19"),
    line("TakeRegister", session=MARKED, marks={"1042": "N", "1044": "N"}, **{"class": "4W"}),
    asked("open"),
    asked("open", "1044"),
    asked("open", "1045"),
    asked("begun", first="2024-11-05/AM", last="2024-11-05/PM"),
    asked("decided"),
    decided("decided"),
    asked("withdrawn"),
    line("WithdrawLeave", pupil="1042", request="withdrawn"),
    asked("both"),
    decided("both"),
    line("WithdrawLeave", pupil="1042", request="both"),
    issued("standing", "1042-a"),
    issued("paid", "1042-a"),
    paid("paid"),
    issued("withdrawn", "1042-b"),
    withdrawn("withdrawn"),
    issued("both", "1042-b"),
    paid("both"),
    withdrawn("both"),
]


# --- the commands and their rules -----------------------------------------------------------------------------------

STRANGER = ("pupil_not_on_roll", {"pupil": "9999"})
SATURDAY = ("not_a_session", {"session": WEEK_END})
SATURDAY_AHEAD = ("not_a_session", "session_in_the_future", {"session": "2024-11-23/AM"})
TOO_YOUNG = ("code_not_for_this_age", "code_needs_detail", {"pupil": "1044", "code": "C2"})
TOO_EARLY = ("code_not_in_force", "code_needs_detail", {"session": BEFORE_2024_CODES, "code": "K"})
DATED_FIRST = (
    "code_not_in_force",
    "code_not_for_this_age",
    {"session": BEFORE_2024_CODES, "pupil": "1044", "code": "C2"},
)

COMMANDS = [
    Command(
        line("OpenSchoolYear", year="2025/26", first_day="2025-09-03", last_day="2026-07-21"),
        [("year_already_open", {"year": "2024/25", "first_day": "2024-09-03", "last_day": "2025-07-22"})],
        [
            ("malformed", "unknown_person", {"last_day": "2025-09-02", "by": NOBODY}),
            ("malformed", "unknown_person", {"first_day": "2025-07-31", "by": NOBODY}),
            ("malformed", "unknown_person", {"closed": [{"from": "2025-10-31", "to": "2025-10-27"}], "by": NOBODY}),
        ],
    ),
    Command(
        line("AmendCalendar", year="2024/25", closed=[{"from": "2024-12-20", "to": "2024-12-20"}], reason="flood"),
        [("no_such_year", {"year": "2020/21"}), ("reason_required", {"reason": " "})],
    ),
    Command(
        line("AdoptPolicy", policy="micklem-2025", from_day="2025-09-01"), [("policy_unknown", {"policy": "our-own"})]
    ),
    Command(
        line("DeclareClosure", sessions=["2024-11-06/AM"], code="Y4"),
        [
            ("pupil_not_on_roll", {"pupils": ["9999"]}),
            ("not_a_session", {"sessions": [WEEK_END]}),
            ("code_unknown", {"code": "?"}),
            ("code_not_in_force", {"code": "Y"}),
            ("code_not_for_closure", {"code": "Y5"}),
            ("class_unknown", {"classes": ["9Z"]}),
        ],
        [("code_not_in_force", "code_not_for_closure", {"code": "H"})],
    ),
    Command(
        pupil("1050", "4W", "2016-03-09"),
        [("malformed", {"born": "2024-11-06"}), ("pupil_already_on_roll", {"pupil": "1042"})],
        [
            (
                "malformed",
                "unknown_person",
                {"parents": [{"id": "p", "name": "A Parent"}, {"id": "p", "name": "B Parent"}], "by": NOBODY},
            )
        ],
    ),
    Command(line("ChangeClass", pupil="1042", from_day="2024-11-11", **{"class": "5K"}), [STRANGER]),
    Command(line("ChangeContacts", pupil="1042", parents=[]), [STRANGER]),
    Command(line("ChangeGroups", pupil="1042", groups=["SEN support"]), [STRANGER]),
    Command(
        line("RemoveFromRoll", pupil="1042", last_day="2024-11-08"),
        [STRANGER],
        [("pupil_not_on_roll", "pupil_not_on_roll", {"pupil": "1045"})],
    ),
    Command(
        line("RecordMark", pupil="1042", session="2024-11-05/AM", code="/"),
        [
            STRANGER,
            SATURDAY,
            ("session_in_the_future", {"session": AHEAD}),
            *CODES,
            ("already_marked", {"session": MARKED}),
        ],
        [SATURDAY_AHEAD, TOO_YOUNG, TOO_EARLY, DATED_FIRST],
    ),
    Command(
        line("TakeRegister", session="2024-11-05/AM", marks={"1042": "/"}, **{"class": "4W"}),
        [
            ("pupil_not_on_roll", {"marks": {"9999": "/"}}),
            SATURDAY,
            ("session_in_the_future", {"session": AHEAD}),
            ("class_unknown", {"class": "9Z"}),
            ("register_already_taken", {"session": MARKED}),
            ("pupil_not_in_class", {"marks": {"1043": "/"}}),
            *((rule, {"marks": {"1042": code}}) for rule, code in CODE_RULES.items()),
        ],
        [
            SATURDAY_AHEAD,
            ("code_not_for_this_age", "code_needs_detail", {"marks": {"1044": "C2"}}),
            ("code_not_in_force", "code_needs_detail", {"session": BEFORE_2024_CODES, "marks": {"1042": "K"}}),
        ],
    ),
    Command(
        line("CloseRegister", session="2024-11-05/AM"),
        [SATURDAY, ("session_in_the_future", {"session": AHEAD}), ("class_unknown", {"class": "9Z"})],
        [SATURDAY_AHEAD],
    ),
    Command(
        line("AmendMark", pupil="1042", session=MARKED, code="I", reason="fever"),
        [
            STRANGER,
            SATURDAY,
            ("nothing_to_amend", {"session": "2024-11-05/AM"}),
            *CODES,
            ("reason_required", {"reason": " "}),
        ],
        [TOO_YOUNG, ("nothing_to_amend", "code_not_in_force", {"session": BEFORE_2024_CODES, "code": "K"})],
    ),
    Command(
        line("LogArrival", pupil="1042", session="2024-11-05/AM", arrived_at="2024-11-05T09:05:00"),
        [
            STRANGER,
            ("not_a_session", {"session": WEEK_END, "arrived_at": "2024-11-09T09:05:00"}),
            ("session_in_the_future", {"session": AHEAD, "arrived_at": "2024-11-20T09:05:00"}),
            ("arrival_in_the_future", {"arrived_at": "2024-11-05T11:30:01"}),
            ("session_over", {"session": MARKED, "arrived_at": "2024-11-04T12:00:01"}),
            *CODES,
        ],
        [
            ("arrival_in_the_future", "session_over", {"arrived_at": "2024-11-05T12:30:00"}),
            ("malformed", "unknown_person", {"arrived_at": "2024-11-04T09:05:00", "by": NOBODY}),
            TOO_YOUNG,
        ],
    ),
    Command(
        line(
            "ReportAbsence",
            pupil="1042",
            parent="1042-a",
            channel="phone",
            received_at="2024-11-05T08:00:00",
            sessions=["2024-11-06/AM"],
        ),
        [
            STRANGER,
            ("unknown_person", {"parent": "1043-a"}),
            ("not_a_session", {"sessions": [WEEK_END]}),
            ("malformed", {"received_at": "2024-11-05T11:30:01"}),
        ],
    ),
    Command(
        line("LogContact", pupil="1042", contact="1042-a", channel="phone", outcome="no answer", sessions=[MARKED]),
        [STRANGER, ("unknown_person", {"contact": "1043-a"}), ("not_a_session", {"sessions": [WEEK_END]})],
    ),
    Command(
        asked("new"),
        [
            STRANGER,
            ("unknown_person", {"parent": "1043-a"}),
            ("not_a_session", {"first": "2024-11-23/AM"}),
            ("leave_exists", {"request": "open"}),
        ],
        [("malformed", "unknown_person", {"last": "2024-11-17/PM", "by": NOBODY})],
    ),
    Command(
        decided("open", "1042", ("2024-11-18/AM", "C")),
        [
            ("no_such_leave", {"request": "none"}),
            ("leave_withdrawn", {"request": "withdrawn"}),
            ("leave_already_decided", {"request": "decided"}),
            ("session_outside_request", decided("open", "1042", ("2024-11-25/AM", "C"))),
            ("pupil_not_on_roll", decided("open", "1045", ("2024-11-20/AM", "C"))),
            ("not_a_session", decided("open", "1042", ("2024-11-23/AM", "C"))),
            ("leave_not_in_advance", decided("begun", "1042", ("2024-11-05/AM", "C"))),
            ("code_unknown", decided("open", "1042", ("2024-11-18/AM", "?"))),
            ("code_not_for_leave", decided("open", "1042", ("2024-11-18/AM", "I"))),
            ("code_not_for_this_age", decided("open", "1044", ("2024-11-18/AM", "C2"))),
            ("code_needs_detail", decided("open", "1042", ("2024-11-18/AM", "C1"))),
        ],
        [
            ("leave_withdrawn", "leave_already_decided", {"request": "both"}),
            ("session_outside_request", "not_a_session", decided("open", "1042", ("2024-11-30/AM", "C"))),
            ("session_outside_request", "leave_not_in_advance", decided("open", "1042", ("2024-11-04/AM", "C"))),
            ("session_outside_request", "code_unknown", decided("open", "1042", ("2024-11-25/AM", "?"))),
            ("pupil_not_on_roll", "not_a_session", decided("open", "1045", ("2024-11-23/AM", "C"))),
            ("not_a_session", "code_not_for_leave", decided("open", "1042", ("2024-11-23/AM", "I"))),
            ("leave_not_in_advance", "code_unknown", decided("begun", "1042", ("2024-11-05/AM", "?"))),
        ],
    ),
    Command(
        line("WithdrawLeave", pupil="1042", request="open"),
        [("no_such_leave", {"request": "none"}), ("leave_withdrawn", {"request": "withdrawn"})],
    ),
    Command(
        issued("new", "1042-b"),
        [
            STRANGER,
            ("unknown_person", {"parent": "1043-a"}),
            ("not_a_session", {"sessions": [WEEK_END]}),
            ("notice_exists", {"notice": "standing"}),
            ("third_in_three_years", {"parent": "1042-a"}),
        ],
    ),
    Command(
        paid("standing"),
        [
            ("no_such_notice", {"notice": "none"}),
            ("notice_withdrawn", {"notice": "withdrawn"}),
            ("notice_already_paid", {"notice": "paid"}),
        ],
        [("notice_withdrawn", "notice_already_paid", {"notice": "both"})],
    ),
    Command(
        withdrawn("standing"),
        [("no_such_notice", {"notice": "none"}), ("notice_withdrawn", {"notice": "withdrawn"})],
    ),
]


def changed(original: Line, *changes: Change) -> Line | None:
    """Return a line with all the changes made; None where two of them change the same thing differently."""
    seen: Change = {}
    for change in changes:
        for field, value in change.items():
            if isinstance(value, dict) and isinstance(seen.get(field), dict):
                if any(seen[field].get(key, given) != given for key, given in value.items()):
                    return None
                seen[field] = {**seen[field], **value}
            elif seen.setdefault(field, value) != value:
                return None
    marks = {"marks": {**original["marks"], **seen["marks"]}} if "marks" in seen else {}
    return {**original, **seen, **marks}


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
    documented = _documented(DECISIONS[models.COMMANDS[command.line["command"]]].__doc__ or "")
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
