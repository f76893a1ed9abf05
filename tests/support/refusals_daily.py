"""What is refused of a school, its roll and its school day: a line that is accepted, and its rules in order."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.policy import load
from tests.support.refusals import (
    AHEAD,
    BEFORE_2024_CODES,
    CODE_RULES,
    CODES,
    DATED_FIRST,
    MARKED,
    NOBODY,
    OTHER_PARENT,
    SATURDAY,
    SATURDAY_AHEAD,
    SATURDAYS,
    STRANGE,
    STRANGER,
    TOMORROW,
    TOO_EARLY,
    TOO_YOUNG,
    WEEK_END,
    YESTERDAY,
    Command,
    asked,
    decided,
    line,
    pupil,
    received,
)

# The whole of a shipped policy with another threshold in it.
SEVEN: dict[str, Any] = msgspec.to_builtins(load("micklem-2025").settings)
SEVEN["penalty.threshold"]["value"] = 7

SCHOOL_DAY = [
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
        line("AdoptPolicy", policy="micklem-2025", from_day="2025-09-01"),
        [
            ("policy_unknown", {"policy": "our-own"}),
            ("policy_name_taken", {"policy": "micklem-2025", "settings": SEVEN}),
        ],
    ),
    Command(
        line("DeclareClosure", sessions=["2024-11-06/AM"], code="Y4"),
        [
            ("pupil_not_on_roll", {"pupils": ["9999"]}),
            SATURDAYS,
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
        [
            STRANGER,
            ("removal_in_the_past", {"last_day": YESTERDAY}),
            ("ground_not_met", {"ground": "Completed the final year"}),
        ],
        [("pupil_not_on_roll", "removal_in_the_past", {"pupil": "1046", "last_day": YESTERDAY})],
    ),
    Command(
        line("NameRole", role="leave designate", holders=[STRANGE], from_day="2024-11-01"),
        [("unknown_person", {"holders": [NOBODY]})],
        [("malformed", "unknown_person", {"role": "king", "by": NOBODY})],
    ),
    Command(
        line("RecordDailyReturn", day="2024-11-04", seen=1, pupils=3, digest="ab" * 32),
        [("malformed", {"day": TOMORROW}), ("not_a_session", {"day": "2024-11-03"})],
        [("malformed", "not_a_session", {"day": "2024-11-03", "seen": 100_000})],
    ),
    Command(line("ChangeEmergencyContacts", pupil="1042", emergency_contacts=[]), [STRANGER]),
    Command(
        line("AmendParticulars", pupil="1042", from_day="2024-11-01", address="2 Other Lane", reason="moved"),
        [("malformed", {"born": TOMORROW}), STRANGER, ("reason_required", {"reason": " "})],
        [("malformed", "pupil_not_on_roll", {"address": None, "pupil": "9999"})],
    ),
    Command(
        line("ReceiveMovingForm", pupil="1042", parent="1042-a", received_on="2024-11-05", leaving_on="2024-12-20"),
        [STRANGER, OTHER_PARENT, ("malformed", {"received_on": TOMORROW})],
    ),
    Command(
        received("1047"),
        [
            STRANGER,
            ("malformed", {"key": "a key"}),
            ("record_not_genuine", {"record": "{}"}),
            ("not_this_pupil", {"pupil": "1042"}),
            ("session_on_own_roll", {"pupil": "1049"}),
            ("unknown_person", {"parents": {"77-a": "1043-a"}}),
            ("record_not_newer", {"pupil": "1048"}),
        ],
        [("unknown_person", "malformed", {"parents": {"77-b": "1043-a"}})],
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
            OTHER_PARENT,
            SATURDAYS,
            ("malformed", {"received_at": "2024-11-05T11:30:01"}),
        ],
    ),
    Command(
        line("LogContact", pupil="1042", contact="1042-a", channel="phone", outcome="no answer", sessions=[MARKED]),
        [STRANGER, ("unknown_person", {"contact": "1043-a"}), SATURDAYS],
    ),
    Command(
        asked("new"),
        [
            STRANGER,
            OTHER_PARENT,
            ("not_a_session", {"first": "2024-11-23/AM"}),
            ("leave_exists", {"request": "open"}),
            ("malformed", {"received_on": TOMORROW}),
        ],
        [("malformed", "unknown_person", {"last": "2024-11-17/PM", "by": NOBODY})],
    ),
    Command(
        decided("open", "1042", ("2024-11-18/AM", "C")),
        [
            ("no_such_leave", {"request": "none"}),
            ("leave_withdrawn", {"request": "withdrawn"}),
            ("leave_already_decided", {"request": "decided"}),
            ("not_a_leave_decider", {"by": STRANGE}),
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
]
