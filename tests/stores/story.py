"""A short journal in which everything that could identify a child is a word that occurs nowhere else.

`SECRETS` are those words: none of them may be found in a ledger, its read model or a dump. `IN_THE_CLEAR` is found, so
that a search which finds nothing is known to have looked in the right place.
"""

from __future__ import annotations

from typing import Any

from tests.stores import procedures

IN_THE_CLEAR = "Quillfeather"
HEAD = {"id": "head", "name": f"H {IN_THE_CLEAR}", "title": "Headteacher"}
PARENT = {
    "id": "1042-a",
    "name": "Parent Zanzibarre",
    "relationship": "kwisatz-stepmother",
    "lives_with": True,
    "phone": "01632 960177",
    "email": "zanzibarre@example.org",
    "address": "77 Marzipan Crescent",
    "contact_order": 1,
}
PUPIL = {
    "pupil": "1042",
    "upn": "B801200005001",
    "name": "Xanthippa Zanzibarre",
    "born": "2015-03-27",
    "sex": "sexvalue-F",
    "starting_day": "2024-09-03",
    "year_group": "4",
    "class": "4W",
    "parents": [PARENT],
    "groups": ["group-pimpernel"],
    "email": "xanthippa@example.org",
    "address": "78 Marzipan Crescent",
    "last_school": "Oldschool-Wimbleton",
    "emergency_contacts": [{"id": "1042-c", "name": "Grandmother Zanzibarre"}],
}
SECRETS = [
    "Zanzibarre",
    "zanzibarre",
    "Xanthippa",
    "xanthippa",
    "kwisatz",
    "01632 960177",
    "01632 960178",
    "Marzipan",
    "B801200005001",
    "2015-03-27",
    "sexvalue",
    "pimpernel",
    "Wimbleton",
    "detail-aardvark",
    "reason-bandicoot",
    "said-dromedary",
    "channel-echidna",
    "outcome-flamingo",
    "step-gazelle",
    "lateness-hedgehog",
    "ground-ibex",
    "decision-jackal",
    "granted-kestrel",
    "withdrawn-lemur",
    "closure-mongoose",
    "calendar-narwhal",
    "notice-ocelot",
    "removal-pangolin",
    "Newschool-quokka",
    "group-raccoon",
    "shown-beluga",
    *procedures.SECRETS,
]


def journal() -> list[dict[str, Any]]:
    """Return the lines, in order of time, that between them write every kind of private text."""
    am, pm = "2024-09-03/AM", "2024-09-03/PM"
    leave = {"request": "LR-1", "parent": "1042-a", "received_on": "2024-09-03"}
    lines: list[tuple[str, str, dict[str, Any]]] = [
        (
            "2024-08-29T09:00:00Z",
            "OpenSchool",
            {"urn": "100001", "name": "Test School", "la": "999", "estab": "2001", "policy": "national-2024"},
        ),
        (
            "2024-08-29T09:01:00Z",
            "OpenSchoolYear",
            {"year": "2024/25", "first_day": "2024-09-03", "last_day": "2025-07-18"},
        ),
        ("2024-08-29T09:02:00Z", "AdmitPupil", PUPIL),
        (
            "2024-08-29T09:03:00Z",
            "AmendCalendar",
            {
                "year": "2024/25",
                "closed": [{"from": "2024-10-28", "to": "2024-11-01", "why": "holiday"}],
                "reason": "calendar-narwhal",
            },
        ),
        (
            "2024-08-29T09:04:00Z",
            "ChangeContacts",
            {"pupil": "1042", "parents": [PARENT | {"phone": "01632 960178"}], "reason": "contacts-curlew"},
        ),
        ("2024-08-29T09:05:00Z", "ChangeGroups", {"pupil": "1042", "groups": ["group-raccoon"]}),
        (
            "2024-09-03T07:57:00Z",
            "ReportAbsence",
            {
                "pupil": "1042",
                "parent": "1042-a",
                "channel": "channel-echidna",
                "received_at": "2024-09-03T07:50:00Z",
                "sessions": [am],
                "said": "said-dromedary",
            },
        ),
        ("2024-09-03T08:00:00Z", "TakeRegister", {"class": "4W", "session": am, "marks": {"1042": "N"}}),
        (
            "2024-09-03T09:00:00Z",
            "LogContact",
            {
                "pupil": "1042",
                "contact": "1042-a",
                "channel": "channel-echidna",
                "outcome": "outcome-flamingo",
                "sessions": [am],
                "said": "said-dromedary",
                "next_step": "step-gazelle",
            },
        ),
        (
            "2024-09-03T09:10:00Z",
            "AmendMark",
            {"pupil": "1042", "session": am, "code": "I", "reason": "reason-bandicoot", "detail": "detail-aardvark"},
        ),
        (
            "2024-09-03T12:20:00Z",
            "TakeRegister",
            {"class": "4W", "session": pm, "marks": {"1042": {"code": "O", "detail": "detail-aardvark"}}},
        ),
        (
            "2024-09-03T12:50:00Z",
            "LogArrival",
            {
                "pupil": "1042",
                "session": pm,
                "arrived_at": "2024-09-03T12:49:00Z",
                "reason": "lateness-hedgehog",
            },
        ),
        (
            "2024-09-03T13:00:00Z",
            "RequestLeave",
            {"pupil": "1042", "first": "2024-09-09/AM", "last": "2024-09-09/PM", "ground": "ground-ibex"} | leave,
        ),
        (
            "2024-09-03T13:10:00Z",
            "DecideLeave",
            {
                "pupil": "1042",
                "request": "LR-1",
                "granted": [{"session": "2024-09-09/AM", "code": "C", "detail": "granted-kestrel"}],
                "reason": "decision-jackal",
            },
        ),
        (
            "2024-09-03T13:20:00Z",
            "WithdrawLeave",
            {"pupil": "1042", "request": "LR-1", "reason": "withdrawn-lemur"},
        ),
        (
            "2024-09-03T13:30:00Z",
            "DeclareClosure",
            {"sessions": ["2024-09-05/AM"], "code": "Y2", "pupils": ["1042"], "reason": "closure-mongoose"},
        ),
        *((f"2024-09-03T14:{minute:02}:00Z", *told) for minute, told in enumerate(procedures.LINES)),
        (
            "2024-09-06T13:00:00Z",
            "IssuePenaltyNotice",
            {"pupil": "1042", "notice": "PN-1", "parent": "1042-a", "issued_on": "2024-09-06", "sessions": [pm]},
        ),
        (
            "2024-09-06T13:10:00Z",
            "WithdrawPenaltyNotice",
            {"pupil": "1042", "notice": "PN-1", "reason": "notice-ocelot"},
        ),
        (
            "2024-09-06T14:00:00Z",
            "RemoveFromRoll",
            {
                "pupil": "1042",
                "last_day": "2024-09-06",
                "ground": "removal-pangolin",
                "destination": "Newschool-quokka",
                "shown_by": "shown-beluga",
            },
        ),
    ]
    return [
        {"command": command, "at": at, "by": HEAD, "id": f"line-{number}"} | fields
        for number, (at, command, fields) in enumerate(lines)
    ]
