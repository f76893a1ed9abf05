"""What the tests of refusals are made of: a school in which much has happened, lines to it, and the rules of each.

A `Command` is a line that this school accepts; for each of its rules, in the documented order, what has to change in
the line for the rule to be broken; and changes that break two rules at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.support.former import BORN, UPN, in_july

Line = dict[str, Any]
Change = dict[str, Any]

NOW = "2024-11-05T11:30:00"
YESTERDAY, TOMORROW = "2024-11-04", "2024-11-06"
BY = {"id": "off", "name": "O Fice", "title": "Office"}
STRANGE = {"id": "temp", "name": "T Emp", "title": "Supply teacher"}
NOBODY = {**BY, "title": " "}
WEEK_END, AHEAD, MARKED, BEFORE_2024_CODES = "2024-11-09/AM", "2024-11-20/AM", "2024-11-04/AM", "2024-06-03/AM"

CODE_RULES = {
    "code_unknown": "?",
    "code_not_in_force": "H",
    "code_is_administrative": "#",
    "code_not_for_this_half": "\\",
    "code_not_for_this_age": "X",
    "code_needs_detail": "B",
}
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
    parents = [{"id": f"{number}-{letter}", "name": "A Parent", "phone": "01632 960001"} for letter in "abc"]
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
    return line("RecordPayment", pupil="1042", notice=notice, paid_on="2024-11-05", amount=160)


def withdrawn(notice: str) -> Line:
    return line("WithdrawPenaltyNotice", pupil="1042", notice=notice)


def considered(case: str, decision: str, parent: str = "1042-b") -> Line:
    said = {"considered_on": YESTERDAY, "route": "support", "decision": decision, "reasons": "late every day"}
    return line("ConsiderPenalty", pupil="1042", notice=case, parent=parent, **said)


def required(case: str) -> Line:
    return line("RequireImprovement", pupil="1042", notice=case, issued_on=YESTERDAY, ends_on="2024-12-03", at_most=2)


def improved(case: str) -> Line:
    return line("EndImprovement", pupil="1042", notice=case, ended_on=YESTERDAY, improved=False)


def served(notice: str) -> Line:
    return line("ServeNotice", pupil="1042", notice=notice, method="hand", sent_on="2024-11-05")


def prosecuted(case: str) -> Line:
    return line("BeginProsecution", pupil="1042", notice=case, begun_on=YESTERDAY, offence="444(1)")


def tried(case: str) -> Line:
    return line("EndProsecution", pupil="1042", notice=case, ended_on=YESTERDAY, outcome="acquitted")


def evidence(name: str) -> Line:
    about = {"parent": "1042-a", "sessions": [MARKED], "doubt": "the third Monday in a row"}
    return line("RequestEvidence", pupil="1042", evidence=name, **about)


def supported(step: str, stage: str, on: str = "2024-11-05") -> Line:
    return line("RecordSupport", pupil="1042", step=step, stage=stage, on=on)


def returned(episode: str) -> Line:
    return line("MakeReturn", pupil="1042", form="attendance", episode=episode, made_on="2024-11-05")


def moved(number: str, starting_day: str) -> Line:
    return {**pupil(number, "4W", BORN), "upn": UPN, "starting_day": starting_day}


def received(number: str) -> Line:
    record = in_july()
    return line("ReceiveRecord", pupil=number, record=record.text, key=record.key, parents={})


OPENING = line("OpenSchool", urn="117000", name="Example Primary", la="919", estab="2000", policy="national-2024")
HAPPENED = [
    {**OPENING, "id": "used", "at": "2024-09-02T08:00:00"},
    line("OpenSchoolYear", year="2023/24", first_day="2023-09-05", last_day="2024-07-23"),
    line("OpenSchoolYear", year="2024/25", first_day="2024-09-03", last_day="2025-07-22"),
    pupil("1042", "4W", "2016-03-09"),
    pupil("1043", "5K", "2015-03-09"),
    pupil("1044", "4W", "2020-09-30"),  # not of compulsory school age yet
    line("PlaceHold", pupil="1044", reason="an inquiry"),
    pupil("1045", "4W", "2016-03-09"),
    line("RemoveFromRoll", pupil="1045", last_day="2024-11-19"),
    pupil("1046", "4W", "2016-03-09"),
    line("RemoveFromRoll", pupil="1046", last_day="2024-07-19"),  # before this ledger began
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
    considered("considered", "improve"),
    considered("another", "improve", "1042-c"),
    considered("improving", "improve"),
    required("improving"),
    considered("improved", "improve"),
    required("improved"),
    improved("improved"),
    issued("served", "1042-c"),
    served("served"),
    considered("other", "other"),
    considered("prosecuted", "other"),
    prosecuted("prosecuted"),
    considered("tried", "other"),
    prosecuted("tried"),
    tried("tried"),
    evidence("asked"),
    line("RecordEvidence", pupil="1042", evidence="seen", seen_on=YESTERDAY, sessions=[MARKED]),
    supported("support plan", "offered", YESTERDAY),
    returned("2024-11-01"),
    *(moved(number, day) for number, day in (("1047", "2023-09-05"), ("1048", "2023-09-05"), ("1049", "2023-07-03"))),
    received("1048"),
    line("NameRole", role="headteacher", holders=[BY], from_day="2024-09-01"),
]


# --- changes that break a rule ----------------------------------------------------------------------------------------

STRANGER = ("pupil_not_on_roll", {"pupil": "9999"})
SATURDAY = ("not_a_session", {"session": WEEK_END})
SATURDAYS = ("not_a_session", {"sessions": [WEEK_END]})
OTHER_PARENT = ("unknown_person", {"parent": "1043-a"})
SATURDAY_AHEAD = ("not_a_session", "session_in_the_future", {"session": "2024-11-23/AM"})
TOO_YOUNG = ("code_not_for_this_age", "code_needs_detail", {"pupil": "1044", "code": "C2"})
TOO_EARLY = ("code_not_in_force", "code_needs_detail", {"session": BEFORE_2024_CODES, "code": "K"})
DATED_FIRST = (
    "code_not_in_force",
    "code_not_for_this_age",
    {"session": BEFORE_2024_CODES, "pupil": "1044", "code": "C2"},
)


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
