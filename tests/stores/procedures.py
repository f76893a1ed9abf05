"""The part of the story in which every procedure is gone through: each word that could identify a child is a secret."""

from __future__ import annotations

from typing import Any

from tests.support.former import in_july

SECRETS = [
    "Aunt-salamander",
    "address-tapir",
    "amended-urial",
    "Newhouse-vicuna",
    "Nextschool-walrus",
    "Hillroad-xerus",
    "doubt-yak",
    "doubted-wheatear",
    "wanted-zebu",
    "seen-albatross",
    "grounds-bittern",
    "enquired-cormorant",
    "allowed-dunnock",
    "letter-egret",
    "Met-fulmar",
    "agreed-goshawk",
    "Worker-heron",
    "told-ibis",
    "content-jackdaw",
    "what-kittiwake",
    "Recipient-linnet",
    "why-merlin",
    "considered-nuthatch",
    "instead-osprey",
    "offered-pipit",
    "improvement-quail",
    "early-redstart",
    "ended-siskin",
    "referred-teal",
    "court-veery",
    "role-wigeon",
    "held-avocet",
    "lifted-brambling",
    "contacts-curlew",
    "emergency-dotterel",
    "Former-firecrest",
    "Parent-firefinch",
]
RECORD = in_july("2015-03-27")
AUNT = {"id": "1042-c", "name": "Aunt-salamander", "phone": "01632 960179"}
DAY = "2024-09-03"
PUPIL: dict[str, Any] = {"pupil": "1042"}
CASE = {**PUPIL, "notice": "PN-0"}
ABOUT = {**PUPIL, "sessions": ["2024-09-03/AM"]}

LINES: list[tuple[str, dict[str, Any]]] = [
    ("ChangeEmergencyContacts", {**PUPIL, "emergency_contacts": [AUNT], "reason": "emergency-dotterel"}),
    ("AmendParticulars", {**PUPIL, "from_day": DAY, "address": "address-tapir", "reason": "amended-urial"}),
    (
        "ReceiveMovingForm",
        {
            **PUPIL,
            "parent": "1042-a",
            "received_on": DAY,
            "leaving_on": "2024-09-06",
            "new_address": "Newhouse-vicuna",
            "new_school": "Nextschool-walrus",
            "new_school_address": "Hillroad-xerus",
        },
    ),
    (
        "ReceiveRecord",
        {**PUPIL, "record": RECORD.text, "key": RECORD.key, "parents": {"77-a": "1042-a"}},
    ),
    (
        "RequestEvidence",
        {**ABOUT, "evidence": "ME-1", "parent": "1042-a", "doubt": "doubt-yak", "wanted": "wanted-zebu"},
    ),
    ("RecordEvidence", {**ABOUT, "evidence": "ME-1", "seen_on": DAY, "what": "seen-albatross"}),
    ("ReturnEvidence", {**PUPIL, "evidence": "ME-1", "returned_on": DAY}),
    ("ExpectSickness", {**PUPIL, "first_day": DAY, "last_day": "2024-09-20", "grounds": "grounds-bittern"}),
    ("RecordEnquiries", {**PUPIL, "on": DAY, "outcome": "enquired-cormorant"}),
    ("AttributeAbsence", {**ABOUT, "parents": ["1042-a"], "reason": "allowed-dunnock"}),
    ("SendLetter", {**PUPIL, "about": "other", "parents": ["1042-a"], "sent_on": DAY, "said": "letter-egret"}),
    (
        "RecordSupport",
        {**PUPIL, "step": "meeting", "stage": "held", "on": DAY, "people": ["Met-fulmar"], "outcome": "agreed-goshawk"},
    ),
    (
        "InformAgency",
        {**PUPIL, "agency": "other", "about": "advice", "on": DAY, "person": "Worker-heron", "said": "told-ibis"},
    ),
    (
        "MakeReturn",
        {**PUPIL, "form": "sickness", "episode": DAY, "made_on": DAY, "content": {"words": "content-jackdaw"}},
    ),
    (
        "ShareInformation",
        {**PUPIL, "what": "what-kittiwake", "recipient": "Recipient-linnet", "on": DAY, "as_of": DAY}
        | {"why": "why-merlin"},
    ),
    (
        "ConsiderPenalty",
        {**CASE, "parent": "1042-a", "considered_on": DAY, "route": "support", "decision": "other"}
        | {"reasons": "considered-nuthatch", "instead": "instead-osprey"},
    ),
    (
        "RequireImprovement",
        {**CASE, "issued_on": DAY, "ends_on": "2024-10-01", "at_most": 2, "offered": "offered-pipit"}
        | {"improvement": "improvement-quail", "early_end": "early-redstart"},
    ),
    ("EndImprovement", {**CASE, "ended_on": DAY, "improved": False, "outcome": "ended-siskin"}),
    ("ReferPenalty", {**CASE, "referred_on": DAY, "sessions": ABOUT["sessions"], "reasons": "referred-teal"}),
    ("BeginProsecution", {**CASE, "begun_on": DAY, "offence": "444(1)"}),
    ("EndProsecution", {**CASE, "ended_on": DAY, "outcome": "withdrawn", "said": "court-veery"}),
    ("PlaceHold", {**PUPIL, "reason": "held-avocet"}),
    ("LiftHold", {**PUPIL, "reason": "lifted-brambling"}),
    ("DoubtStamps", {"first": 2, "last": 3, "reason": "doubted-wheatear"}),
    ("AcceptRestoration", {"stood": 9, "ended": 3}),
    ("NameRole", {"role": "pastoral lead", "holders": [], "from_day": DAY, "contact": "role-wigeon"}),
]
