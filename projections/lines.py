"""The line to type that carries out an action: one spelling of every verb, quoted so that a shell takes it back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ledger.finding import Action

PROGRAM = "attendance"


class Spelling(NamedTuple):
    """How the command line calls an action: its words, the fields that stand without an option, in order, and the
    options that are not called like their field."""

    words: str
    arguments: str
    options: Mapping[str, str] = {}


SPELLINGS = {
    # --- commands, by their names, with their own fields ---
    "AdoptPolicy": Spelling("policy", "policy from_day"),
    "AmendMark": Spelling("amend", "pupil session code"),
    "AmendParticulars": Spelling("particulars", "pupil from_day"),
    "BeginProsecution": Spelling("prosecution begin", "pupil notice begun_on"),
    "ChangeContacts": Spelling("contacts", "pupil", {"parents": "--parent"}),
    "CloseRegister": Spelling("close", "session"),
    "ConsiderPenalty": Spelling("case consider", "pupil notice", {"considered_on": "--on"}),
    "DecideLeave": Spelling("leave decide", "pupil request"),
    "EndImprovement": Spelling("case improved", "pupil notice ended_on"),
    "EndProsecution": Spelling("prosecution end", "pupil notice ended_on"),
    "InformAgency": Spelling("inform", "pupil agency about on"),
    "IssuePenaltyNotice": Spelling("notice issue", "pupil notice sessions"),
    "LogArrival": Spelling("arrive", "pupil session arrived_at"),
    "LogContact": Spelling("contact", "pupil contact sessions"),
    "NameRole": Spelling("role", "role from_day", {"holders": "--holder"}),
    "ReceiveRecord": Spelling("receive", "record"),
    "RecordEnquiries": Spelling("enquiries", "pupil on"),
    "RecordEvidence": Spelling("medical seen", "pupil evidence sessions"),
    "RecordMark": Spelling("mark", "pupil session code"),
    "RecordPayment": Spelling("notice pay", "pupil notice amount"),
    "RecordSupport": Spelling("support", "pupil step stage on"),
    "ReferPenalty": Spelling("case refer", "pupil notice sessions", {"referred_on": "--on"}),
    "RequireImprovement": Spelling("case improve", "pupil notice"),
    "SendLetter": Spelling("letter sent", "pupil about", {"parents": "--parent", "quoted": "--quote"}),
    "ServeNotice": Spelling("notice serve", "pupil notice method sent_on"),
    "ShareInformation": Spelling("share", "pupil what", {"recipient": "--with"}),
    "TakeRegister": Spelling("take", "class session marks"),
    "WithdrawPenaltyNotice": Spelling("notice withdraw", "pupil notice"),
    # --- what only asks, or writes a file ---
    "daily send": Spelling("daily send", "day", {"output": "-o"}),
    "daily show": Spelling("daily show", "day"),
    "deletion": Spelling("deletion", "pupil"),
    "due": Spelling("due", ""),
    "history": Spelling("history", "pupil"),
    "leave show": Spelling("leave show", "pupil"),
    "letter draft": Spelling("letter draft", "pupil about", {"output": "-o"}),
    "moving-form-paper": Spelling("moving-form-paper", "pupil", {"output": "-o"}),
    "penalty": Spelling("penalty", "pupil"),
    "referral": Spelling("referral", "pupil"),
    "return make": Spelling("return make", "pupil form"),
}


def command_line(action: Action | None) -> str:
    """Return the line to type, blank for no action; two lines, with "or" between them, where either would do."""
    if action is None:
        return ""
    spelt = SPELLINGS[action.name]
    fields, arguments = dict(action.fields), spelt.arguments.split()
    given = [*spelt.words.split()]
    for name in arguments:
        given += _words(fields.pop(name, None))
    for name, value in fields.items():
        given += _option(spelt.options.get(name, f"--{name.replace('_', '-')}"), value)
    typed = shlex.join([PROGRAM, *given])
    return typed if action.instead is None else f"{typed}, or {command_line(action.instead)}"


def _option(option: str, value: object) -> Iterator[str]:
    if option == "--improved":
        yield "--yes" if value else "--no"
    elif value is True or value == "":  # a flag, or left open for a person
        yield option
    else:
        for word in _words(value):
            yield from (option, word)


def _words(value: object) -> list[str]:
    """Return what stands for a value; nothing for one that is left open without a word, or has no members."""
    if isinstance(value, Mapping):
        return [f"{name}={member}" for name, member in value.items()]
    if isinstance(value, (tuple, list)):
        return [str(member) for member in value]
    return [] if value is None or value == "" else [str(value)]
