"""The lines to type that settle what is found: the command line takes each, once what stands open is filled in."""

from __future__ import annotations

import shlex
from datetime import date
from typing import Any

import pytest

from commands.cli import tree
from commands.cli.frame import write as written
from commands.models import COMMANDS, parse
from commands.wiring import open_house
from ledger.finding import OPEN, Action, Open, action
from ledger.sessions import Session
from projections.due import desk_of, duties
from projections.lines import SPELLINGS, command_line
from projections.penalties.ladder import ladder_lines
from projections.penalties.referral import file_of
from projections.penalties.referral_checks import CHECKS
from tests.support.terminal import HEAD, run, write_journal
from tests.support.whole_case import journal

# What a person says where something stands open.
SAID = {
    "about": "no contact",
    "amount": "80",
    "arrived_at": "2025-11-03T09:20:00+00:00",
    "as_of": "2025-12-01",
    "at_most": 3,
    "begun_on": "2026-03-02",
    "channel": "phone",
    "class": "4W",
    "code": "I",
    "agency": "other",
    "decision": "improve",
    "evidence": "ME-1",
    "from_day": "2025-12-01",
    "next_on": "2026-07-10",
    "request": "LR-1",
    "ends_on": "2026-07-10",
    "ground": "moved away",
    "holders": "dep:D Deputy:Deputy head",
    "improved": False,
    "marks": {"1042": "/"},
    "method": "hand",
    "notice": "PN-9",
    "offence": "444(1)",
    "on": "2025-12-02",
    "outcome": "convicted",
    "parent": "1042-a",
    "parents": ("1042-a",),
    "policy": "micklem-2025",
    "pupil": "1042",
    "role": "leave designate",
    "route": "support",
    "session": "2025-11-03/AM",
    "sessions": ("2025-11-03/AM",),
    "stage": "offered",
    "step": "meeting",
}
CONTACT = '{"id": "1042-a", "name": "Beth Example"}'
OTHERWISE = {"holders", "parents", "amount", "marks"}  # typed in a form of their own
DAYS = ("2025-10-20", "2025-12-11", "2026-01-22", "2026-03-12")


def filled(settles: Action) -> Action:
    """Return an action as a person fills it in."""
    said = SAID | ({"parents": (CONTACT,)} if settles.name == "ChangeContacts" else {})
    fields = [
        (name, said.get(name, _said(name)) if isinstance(value, Open) else value) for name, value in settles.fields
    ]
    return Action(settles.name, tuple(fields))


def _said(name: str) -> str:
    return "2025-12-02" if name.endswith("_on") else 'what\'s so, "they" said'


def understood(settles: Action, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assert that what a shell makes of the line is the command with the fields of the action."""
    program, *words = shlex.split(command_line(settles))
    assert program == "attendance"
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(written, "record", lambda line, **_: lines.append(line))
    if settles.name not in COMMANDS:
        parsed(words)
    elif settles.name == "ReceiveRecord":  # which reads two files
        assert dict(settles.fields)["pupil"] in parsed(words).values()
    else:
        tree().main(words, prog_name=program, standalone_mode=False)
        (line,) = lines
        assert line["command"] == settles.name
        found = parse(line | {"by": HEAD}).model_dump(by_alias=True)
        meant = {name: value for name, value in settles.fields if name not in OTHERWISE}
        assert {name: _plain(found[name]) for name in meant} == {name: _plain(value) for name, value in meant.items()}


def parsed(words: list[str]) -> dict[str, Any]:
    """Return what the verb at the end of these words is given, without carrying it out."""
    command, context = tree(), tree().make_context("attendance", list(words))
    while hasattr(command, "commands"):
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, words, parent=context)
    return dict(context.params)


def _plain(value: object) -> object:
    many = isinstance(value, (list, tuple)) and not isinstance(value, Session)
    return [str(each) for each in value] if many else str(value)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of the whole case's ledger."""
    place = tmp_path_factory.mktemp("whole")
    address = f"sqlite:///{place}/whole.db"
    assert run("replay", str(write_journal(place / "whole.ndjson", journal())), "--ledger", address).code == 0
    return address


def settling(address: str) -> list[Action]:
    """Return what is proposed on the page of these days and by the checks of every referral, each shape once."""
    found: dict[object, Action] = {}
    with open_house(address) as house:
        for day in DAYS:
            moment = house.answers.moment(date.fromisoformat(day))
            desk = desk_of(house.answers, moment)
            assert desk is not None
            ladders = ladder_lines(house.answers, moment, desk.pupils)
            checked = [file_of(house.answers, moment, desk.policy, line) for line in ladders]
            findings = [*duties(desk), *(each for file in checked for check in CHECKS for each in check(file))]
            for settles in (finding.action for finding in findings):
                while settles is not None:
                    found.setdefault((settles.name, settles.open, tuple(settles.filled)), settles)
                    settles = settles.instead
    return list(found.values())


def test_every_line_that_is_proposed_is_understood_once_it_is_filled_in(
    whole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTENDANCE_LEDGER", whole)
    proposed = settling(whole)
    assert len({settles.name for settles in proposed}) > 10
    for settles in proposed:
        understood(filled(settles), monkeypatch)


@pytest.mark.parametrize("name", sorted(SPELLINGS.keys() & COMMANDS.keys()))
def test_every_command_that_is_proposed_has_a_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Who holds a role may be nobody, which has an option of its own.
    needed = ["holders"] * (name == "NameRole")
    needed += [field.alias or of for of, field in COMMANDS[name].model_fields.items() if field.is_required()]
    understood(filled(Action(name, tuple((field, OPEN) for field in needed))), monkeypatch)


def test_a_line_that_is_left_open_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    left = action("LogContact", pupil="1042", contact="1042-a", sessions=("2025-11-03/AM",), outcome=OPEN)
    assert command_line(left) == "attendance contact 1042 1042-a 2025-11-03/AM --outcome"
    assert run(*shlex.split(command_line(left))[1:], "--channel", "phone").code == 2


@pytest.mark.parametrize("name", ["it's", 'the "blue" file', "a b", "$HOME", "x;y", "£ & €", "PN-1"])
def test_a_shell_takes_back_what_was_quoted(name: str) -> None:
    line = command_line(action("InformAgency", pupil="1042", agency=name, about="no contact", on=date(2025, 11, 3)))
    assert shlex.split(line) == ["attendance", "inform", "1042", name, "no contact", "2025-11-03"]


def test_two_ways_to_settle_are_two_lines() -> None:
    either = action("history", pupil="1042")._replace(instead=action("penalty", pupil="1042", ladder=True))
    assert command_line(either) == "attendance history 1042, or attendance penalty 1042 --ladder"
    assert command_line(None) == ""


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_words_are_a_verb_and_its_arguments(name: str) -> None:
    spelt = SPELLINGS[name]
    verb = tree()
    for word in spelt.words.split():
        verb = verb.get_command(None, word)
    arguments = [each for each in verb.params if each.param_type_name == "argument"]
    assert len(spelt.arguments.split()) <= len(arguments)
    options = {option for each in verb.params for option in (*each.opts, *each.secondary_opts)}
    assert set(spelt.options.values()) <= options
