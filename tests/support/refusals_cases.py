"""What is refused of follow-up, support and penalties: a line that is accepted, and its rules in order."""

from __future__ import annotations

from tests.support.refusals import (
    BY,
    MARKED,
    NOBODY,
    OTHER_PARENT,
    SATURDAYS,
    STRANGE,
    STRANGER,
    TOMORROW,
    WEEK_END,
    YESTERDAY,
    Command,
    considered,
    evidence,
    improved,
    issued,
    line,
    paid,
    prosecuted,
    required,
    returned,
    served,
    supported,
    tried,
    withdrawn,
)

CASES = [
    # --- follow-up ---
    Command(
        line("ExpectSickness", pupil="1042", first_day="2024-11-11", last_day="2024-11-29", grounds="an operation"),
        [STRANGER, ("reason_required", {"grounds": " "})],
        [("malformed", "unknown_person", {"last_day": "2024-11-10", "by": NOBODY})],
    ),
    Command(
        evidence("new"),
        [
            STRANGER,
            OTHER_PARENT,
            SATURDAYS,
            ("reason_required", {"doubt": " "}),
            ("evidence_exists", {"evidence": "asked"}),
        ],
    ),
    Command(
        line("RecordEvidence", pupil="1042", evidence="asked", seen_on="2024-11-05", sessions=[MARKED]),
        [STRANGER, SATURDAYS, ("malformed", {"seen_on": TOMORROW})],
    ),
    Command(
        line("ReturnEvidence", pupil="1042", evidence="seen", returned_on="2024-11-05"),
        [("no_such_evidence", {"evidence": "asked"}), ("malformed", {"returned_on": TOMORROW})],
        [("no_such_evidence", "malformed", {"returned_on": "2024-11-03"})],
    ),
    Command(
        line("RecordEnquiries", pupil="1042", on="2024-11-05", jointly=True),
        [STRANGER, ("malformed", {"on": TOMORROW})],
    ),
    Command(
        line("AttributeAbsence", pupil="1042", sessions=[MARKED], parents=["1042-a", "1042-b"], reason="both booked"),
        [
            STRANGER,
            ("unknown_person", {"parents": ["1042-a", "1043-a"]}),
            SATURDAYS,
            ("reason_required", {"reason": " "}),
        ],
    ),
    # --- support and correspondence ---
    Command(
        line("SendLetter", pupil="1042", about="attendance", parents=["1042-a"], sent_on="2024-11-05"),
        [STRANGER, ("unknown_person", {"parents": ["1043-a"]}), ("malformed", {"sent_on": TOMORROW})],
        [("malformed", "malformed", {"seen": 100_000}), ("malformed", "malformed", {"quoted": {"possible": 1}})],
    ),
    Command(
        supported("support plan", "accepted"),
        [STRANGER, ("malformed", {"on": TOMORROW}), ("step_not_begun", {"step": "meeting"})],
        [
            ("step_not_begun", "malformed", {"on": "2024-11-03"}),  # the day before it was offered
            ("malformed", "unknown_person", {"next_on": YESTERDAY, "by": NOBODY}),
        ],
    ),
    Command(
        line("InformAgency", pupil="1042", agency="social worker", about="deletion", on="2024-11-05"),
        [STRANGER, ("malformed", {"on": TOMORROW})],
    ),
    Command(
        returned("2024-11-04"),
        [STRANGER, ("malformed", {"made_on": TOMORROW}), ("return_made_already", {"episode": "2024-11-01"})],
        [("malformed", "return_made_already", {"seen": 100_000, "episode": "2024-11-01"})],
    ),
    Command(
        line(
            "ShareInformation",
            pupil="1042",
            what="the year",
            recipient="Hill School",
            on="2024-11-05",
            as_of="2024-11-04",
            why="a sibling is there",
        ),
        [STRANGER, ("malformed", {"on": TOMORROW}), ("reason_required", {"why": " "})],
        [("malformed", "reason_required", {"seen": 100_000, "why": " "})],
    ),
    # --- the case about one parent and one pupil ---
    Command(
        considered("new", "notice"),
        [
            STRANGER,
            OTHER_PARENT,
            ("malformed", {"considered_on": TOMORROW}),
            ("case_of_another_parent", {"notice": "another"}),
            ("reason_required", {"reasons": " "}),
            ("third_in_three_years", {"parent": "1042-a"}),
        ],
        [("malformed", "case_of_another_parent", {"seen": 100_000, "notice": "another"})],
    ),
    Command(
        required("considered"),
        [
            ("not_considered", {"notice": "none"}),
            ("notice_exists", {"notice": "standing"}),
            ("malformed", {"issued_on": TOMORROW}),
            ("improvement_required_already", {"notice": "improving"}),
        ],
        [
            ("not_considered", "malformed", {"issued_on": "2024-11-03"}),  # the day before it was considered
            ("malformed", "not_considered", {"ends_on": "2024-11-03", "notice": "none"}),
        ],
    ),
    Command(
        improved("improving"),
        [
            ("no_improvement_required", {"notice": "considered"}),
            ("improvement_over", {"notice": "improved"}),
            ("malformed", {"ended_on": TOMORROW}),
        ],
        [("malformed", "malformed", {"ended_on": "2024-11-03"})],
    ),
    Command(
        line("ReferPenalty", pupil="1042", notice="improved", referred_on="2024-11-05", sessions=[MARKED]),
        [
            ("not_considered", {"notice": "none"}),
            ("notice_exists", {"notice": "standing"}),
            ("pupil_not_on_roll", {"sessions": ["2023-09-04/AM"]}),
            SATURDAYS,
            ("malformed", {"referred_on": TOMORROW}),
        ],
        [
            ("not_considered", "malformed", {"referred_on": "2024-11-03"}),
            ("not_a_session", "malformed", {"sessions": [WEEK_END], "seen": 100_000}),
        ],
    ),
    Command(
        issued("new", "1042-b"),
        [
            STRANGER,
            OTHER_PARENT,
            SATURDAYS,
            ("notice_exists", {"notice": "standing"}),
            ("case_of_another_parent", {"notice": "another"}),
            ("third_in_three_years", {"parent": "1042-a"}),
        ],
    ),
    Command(
        paid("standing"),
        [
            ("no_such_notice", {"notice": "none"}),
            ("notice_withdrawn", {"notice": "withdrawn"}),
            ("notice_already_paid", {"notice": "paid"}),
            ("paid_before_issue", {"paid_on": YESTERDAY}),
        ],
        [("notice_withdrawn", "notice_already_paid", {"notice": "both"})],
    ),
    Command(
        withdrawn("standing"),
        [("no_such_notice", {"notice": "none"}), ("notice_withdrawn", {"notice": "withdrawn"})],
    ),
    Command(
        served("standing"),
        [
            ("no_such_notice", {"notice": "considered"}),
            ("notice_withdrawn", {"notice": "withdrawn"}),
            ("notice_served_already", {"notice": "served"}),
            ("malformed", {"sent_on": TOMORROW}),
        ],
        [
            ("malformed", "malformed", {"sent_on": YESTERDAY}),
            ("malformed", "malformed", {"received_on": YESTERDAY}),
            ("malformed", "malformed", {"received_on": TOMORROW}),
        ],
    ),
    Command(
        prosecuted("other"),
        [
            ("not_considered", {"notice": "none"}),
            ("malformed", {"begun_on": TOMORROW}),
            ("prosecution_begun_already", {"notice": "prosecuted"}),
            ("notice_withdrawn", {"notice": "withdrawn"}),
            ("notice_already_paid", {"notice": "paid", "begun_on": "2024-11-05"}),
            ("payment_still_open", {"notice": "standing"}),
            ("prosecution_not_decided", {"notice": "considered"}),
        ],
        [("prosecution_not_decided", "prosecution_not_decided", {"begun_on": "2024-11-03"})],
    ),
    Command(
        tried("prosecuted"),
        [
            ("no_prosecution", {"notice": "other"}),
            ("prosecution_over", {"notice": "tried"}),
            ("malformed", {"ended_on": TOMORROW}),
        ],
        [("malformed", "malformed", {"ended_on": "2024-11-03"})],
    ),
    Command(
        line("PlaceHold", pupil="1042", reason="a complaint"),
        [("pupil_not_on_roll", {"pupil": "9999"}), ("reason_required", {"reason": " "})],
    ),
    Command(
        line("LiftHold", pupil="1044", reason="settled"),
        [("not_held", {"pupil": "1042"}), ("reason_required", {"reason": " "})],
    ),
    Command(
        line("ForgetYears", years=[{"pupil": "1046", "year": 2010}], second=STRANGE),
        [
            ("second_person_required", {"second": BY}),
            ("pupil_not_on_roll", {"years": [{"pupil": "9999", "year": 2010}]}),
            ("held", {"years": [{"pupil": "1044", "year": 2010}]}),
            ("pupil_on_roll", {"years": [{"pupil": "1042", "year": 2010}]}),
            ("too_young_to_forget", {"years": [{"pupil": "1046", "year": 0}]}),
        ],
    ),
    Command(
        line("DoubtStamps", first=3, last=5, reason="the server's clock was at 2038"),
        [("malformed", {"last": 9999}), ("reason_required", {"reason": " "})],
        [("malformed", "reason_required", {"first": 5, "last": 3, "reason": " "})],
    ),
    Command(line("AcceptRestoration", stood=12, ended=3), [("malformed", {"ended": 9999})]),
]
