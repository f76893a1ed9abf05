"""Commands, as people and programs send them: what a journal line may hold and nothing more.

A model says what is *malformed*; whether a well-formed command is allowed is decided elsewhere, from the state. Fields
may be added with a default; none may be renamed or dropped.
"""

from __future__ import annotations

import json
from hmac import digest as hmac_digest
from typing import Any, Union, get_args

import pydantic

from commands.models.base import Command
from commands.models.case import (
    BeginProsecution,
    ConsiderPenalty,
    EndImprovement,
    EndProsecution,
    IssuePenaltyNotice,
    RecordPayment,
    ReferPenalty,
    RequireImprovement,
    ServeNotice,
    WithdrawPenaltyNotice,
)
from commands.models.follow_up import (
    AttributeAbsence,
    ExpectSickness,
    LogContact,
    RecordEnquiries,
    RecordEvidence,
    ReportAbsence,
    RequestEvidence,
    ReturnEvidence,
)
from commands.models.keeping import DoubtStamps, ForgetYears, LiftHold, PlaceHold
from commands.models.leave import (
    DecideLeave,
    RequestLeave,
    WithdrawLeave,
)
from commands.models.marks import (
    AmendMark,
    CloseRegister,
    LogArrival,
    RecordMark,
    TakeRegister,
)
from commands.models.roll import (
    AdmitPupil,
    AmendParticulars,
    ChangeClass,
    ChangeContacts,
    ChangeEmergencyContacts,
    ChangeGroups,
    ReceiveMovingForm,
    ReceiveRecord,
    RemoveFromRoll,
)
from commands.models.school import (
    AdoptPolicy,
    AmendCalendar,
    DeclareClosure,
    NameRole,
    OpenSchool,
    OpenSchoolYear,
    RecordDailyReturn,
)
from commands.models.support import (
    InformAgency,
    MakeReturn,
    RecordSupport,
    SendLetter,
    ShareInformation,
)
from ledger.errors import Refused
from ledger.people import is_pupil_number
from ledger.text import Unfit

# Of one command. The largest is a record that a pupil brought along, which may have ten million characters.
LINE_BYTES = 16 * 2**20

# Fields whose value a refusal may repeat. Everything else could say something about a child.
SPEAKABLE = frozenset(
    {
        "command",
        "at",
        "pupil",
        "session",
        "sessions",
        "code",
        "class",
        "year",
        "first_day",
        "last_day",
        "from",
        "to",
        "from_day",
        "starting_day",
        "last",
        "first",
        "received_at",
        "received_on",
        "arrived_at",
        "issued_on",
        "paid_on",
        "amount",
        "request",
        "notice",
        "policy",
        "urn",
        "la",
        "estab",
        "times",
        "marks",
        "classes",
        "pupils",
        "on_form",
        "year_group",
        "contact_order",
        "lives_with",
        "id",
        "role",
        "review_on",
        "day",
        "seen",
        "digest",
        "evidence",
        "seen_on",
        "returned_on",
        "jointly",
        "about",
        "sent_on",
        "as_of",
        "quoted",
        "possible",
        "attended",
        "authorised",
        "unauthorised",
        "late",
        "cites",
        "step",
        "stage",
        "on",
        "next_on",
        "agency",
        "form",
        "episode",
        "made_on",
        "leaving_on",
        "considered_on",
        "route",
        "decision",
        "ends_on",
        "at_most",
        "ended_on",
        "improved",
        "referred_on",
        "method",
        "begun_on",
        "offence",
        "fine",
        "years",
    }
)
AnyCommand = Union[
    OpenSchool,
    OpenSchoolYear,
    AmendCalendar,
    AdoptPolicy,
    DeclareClosure,
    NameRole,
    RecordDailyReturn,
    AdmitPupil,
    ChangeClass,
    ChangeContacts,
    ChangeGroups,
    RemoveFromRoll,
    ChangeEmergencyContacts,
    AmendParticulars,
    ReceiveMovingForm,
    ReceiveRecord,
    RecordMark,
    TakeRegister,
    CloseRegister,
    AmendMark,
    LogArrival,
    ReportAbsence,
    LogContact,
    ExpectSickness,
    RequestEvidence,
    RecordEvidence,
    ReturnEvidence,
    RecordEnquiries,
    AttributeAbsence,
    SendLetter,
    RecordSupport,
    InformAgency,
    MakeReturn,
    ShareInformation,
    RequestLeave,
    DecideLeave,
    WithdrawLeave,
    IssuePenaltyNotice,
    RecordPayment,
    WithdrawPenaltyNotice,
    ConsiderPenalty,
    RequireImprovement,
    EndImprovement,
    ReferPenalty,
    ServeNotice,
    BeginProsecution,
    EndProsecution,
    PlaceHold,
    LiftHold,
    ForgetYears,
    DoubtStamps,
]
COMMANDS: dict[str, type[Command]] = {kind.__name__: kind for kind in get_args(AnyCommand)}


def parse(line: Any) -> Command:
    """Return the command that a decoded journal line is. Raises Refused `malformed`, naming the first field that is
    off."""
    if not isinstance(line, dict):
        raise Refused("malformed", field="line", expected="a JSON object with a command")
    name = line.get("command")
    if not isinstance(name, str) or name not in COMMANDS:
        raise Refused("malformed", field="command", value=name, expected="one of " + ", ".join(COMMANDS))
    try:
        if len(json.dumps(line, ensure_ascii=False, default=str).encode()) > LINE_BYTES:
            raise Refused("malformed", field="line", expected=f"no more than {LINE_BYTES:,} bytes")
        return COMMANDS[name].model_validate(line)
    except UnicodeEncodeError:  # half a character, which JSON can escape and no database can keep
        raise Refused("malformed", field="line", expected="text of whole characters") from None
    except pydantic.ValidationError as error:
        raise malformed(error, line.get("pupil")) from None


def malformed(error: pydantic.ValidationError, pupil: object = None) -> Refused:
    """Return the refusal for the first thing pydantic found, its value only where it says nothing about a child.

    Text that holds what is not let in is never repeated; the sentence then says in which field, and of which pupil.
    """
    first = error.errors(include_url=False)[0]
    steps = [str(step) for step in first["loc"] if str(step) not in ("str", "Mark")]
    if first["type"] == "extra_forbidden":
        return Refused("malformed", field=steps[-1], expected="no such field in this command")
    if first["type"] == "missing":
        return Refused("malformed", field=".".join(steps), expected="this field to be given")
    if isinstance(unfit := first.get("ctx", {}).get("error"), Unfit):
        about = f" of pupil {pupil}" if isinstance(pupil, str) and is_pupil_number(pupil) else ""
        field = ".".join(step for step in (*steps, *unfit.steps) if step != "[key]")
        return Refused("malformed", field=field + about, expected=_expected(first["msg"]))
    given = first["input"]
    named = all(step in SPEAKABLE or step.isdecimal() for step in steps)
    speakable = named and isinstance(given, (str, int, float, bool))
    field = ".".join(steps)
    return Refused("malformed", field=field, value=given if speakable else None, expected=_expected(first["msg"]))


def _expected(sentence: str) -> str:
    """Return what pydantic says of a value as the end of a refusal's sentence."""
    expected = sentence.removeprefix("Value error, ").removeprefix("expected ")
    return expected[:1].lower() + expected[1:]


def content_digest(command: Command, key: bytes = b"") -> str:
    """Return the HMAC-SHA256 of what a command says, without its id, time and clock: the same through every door. Under
    a key, because a short reason could be guessed from a bare digest long after its own key was destroyed."""
    said = command.model_dump(mode="json", by_alias=True, exclude={"id", "at", "accept_clock"}, exclude_defaults=True)
    said["command"] = command.name
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac_digest(key, text.encode(), "sha256").hex()
