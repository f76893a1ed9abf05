"""Commands, as people and programs send them: what a journal line may hold and nothing more.

A model says what is *malformed*; whether a well-formed command is allowed is decided elsewhere, from the state. Fields
may be added with a default; none may be renamed or dropped.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from hmac import digest as hmac_digest
from typing import Annotated, Any, Literal, TypeVar, Union, get_args

import pydantic
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from commands.fields import (
    ClassName,
    Day,
    Half,
    Label,
    Moment,
    Name,
    PupilNumber,
    RegistrationHours,
    SessionField,
    Text,
    Upn,
    YearField,
)
from ledger.errors import Refused
from ledger.sessions import LONDON, Session, school_year

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
    }
)


def _to_pence(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class By(Model):
    """Who says so. Blank parts are refused as `unknown_person`, not as malformed."""

    id: Text = ""
    name: Text = ""
    title: Text = ""


class Command(Model):
    """What every command may carry: `at` on a simulated ledger, `id` to work once, `by`."""

    at: Moment | None = None
    by: By = By()
    id: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,200}$")] | None = None

    @property
    def name(self) -> str:
        return type(self).__name__


T = TypeVar("T", date, Session)


def _not_before(value: T, info: ValidationInfo, earlier: str, expected: str) -> T:
    """Return the value, unless it lies before an earlier field of the same command."""
    if earlier in info.data and value < info.data[earlier]:
        raise ValueError(f"expected {expected}")
    return value


class ClosedDays(Model):
    first: Annotated[Day, Field(alias="from")]
    last: Annotated[Day, Field(alias="to")]
    why: Text = ""

    @field_validator("last")
    @classmethod
    def _not_before_first(cls, last: date, info: ValidationInfo) -> date:
        return _not_before(last, info, "first", "a day not before 'from'")


class Parent(Model):
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    name: Label
    relationship: Text = ""
    lives_with: bool = False
    phone: Text = ""
    email: Text = ""
    address: Text = ""
    contact_order: int = 0


def _each_once(parents: tuple[Parent, ...]) -> tuple[Parent, ...]:
    if len({parent.id for parent in parents}) < len(parents):
        raise ValueError("expected each parent once, by id")
    return parents


Parents = Annotated[tuple[Parent, ...], AfterValidator(_each_once)]


class Mark(Model):
    code: str
    detail: Text = ""


class GrantedSession(Model):
    session: SessionField
    code: str
    detail: Text = ""


class OpenSchool(Command):
    command: Literal["OpenSchool"] = "OpenSchool"
    urn: Annotated[str, StringConstraints(pattern=r"^\d{6}$")]
    name_: Annotated[Label, Field(alias="name")]
    la: Annotated[str, StringConstraints(pattern=r"^\d{3}$")]
    estab: Annotated[str, StringConstraints(pattern=r"^\d{4}$")]
    policy: str


class OpenSchoolYear(Command):
    command: Literal["OpenSchoolYear"] = "OpenSchoolYear"
    year: YearField
    first_day: Day
    last_day: Day
    closed: tuple[ClosedDays, ...] = ()
    times: dict[Half, RegistrationHours] = {}

    @field_validator("first_day", "last_day")
    @classmethod
    def _within_the_year(cls, day: date, info: ValidationInfo) -> date:
        year = info.data.get("year")
        if year is not None and school_year(day) != year:
            raise ValueError(f"expected a day from 1 August {year} to 31 July {year + 1}")
        return _not_before(day, info, "first_day", "a day not before first_day")


class AmendCalendar(Command):
    """`closed` is the whole new list, `times` the hours that change; what is left out stays."""

    command: Literal["AmendCalendar"] = "AmendCalendar"
    year: YearField
    closed: tuple[ClosedDays, ...] | None = None
    times: dict[Half, RegistrationHours] = {}
    reason: Text = ""


class AdoptPolicy(Command):
    command: Literal["AdoptPolicy"] = "AdoptPolicy"
    policy: str
    from_day: Day


class AdmitPupil(Command):
    command: Literal["AdmitPupil"] = "AdmitPupil"
    pupil: PupilNumber
    upn: Upn | None = None
    name_: Annotated[Label, Field(alias="name")]
    born: Day
    sex: Text = ""
    starting_day: Day
    year_group: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10)]
    class_name: Annotated[ClassName, Field(alias="class")]
    parents: Parents = ()
    groups: tuple[Text, ...] = ()
    email: Text = ""
    address: Text = ""
    last_school: Text = ""


class ChangeClass(Command):
    """`year_group` left out stays as it is."""

    command: Literal["ChangeClass"] = "ChangeClass"
    pupil: PupilNumber
    class_name: Annotated[ClassName, Field(alias="class")]
    from_day: Day
    year_group: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10)] | None = None


class ChangeContacts(Command):
    command: Literal["ChangeContacts"] = "ChangeContacts"
    pupil: PupilNumber
    parents: Parents


class ChangeGroups(Command):
    command: Literal["ChangeGroups"] = "ChangeGroups"
    pupil: PupilNumber
    groups: tuple[Text, ...]


class RemoveFromRoll(Command):
    command: Literal["RemoveFromRoll"] = "RemoveFromRoll"
    pupil: PupilNumber
    last_day: Day
    ground: Text = ""
    destination: Text = ""


class RecordMark(Command):
    command: Literal["RecordMark"] = "RecordMark"
    pupil: PupilNumber
    session: SessionField
    code: str
    detail: Text = ""


class TakeRegister(Command):
    command: Literal["TakeRegister"] = "TakeRegister"
    class_name: Annotated[ClassName, Field(alias="class")]
    session: SessionField
    marks: dict[PupilNumber, str | Mark]


class CloseRegister(Command):
    """Without `class`, every class."""

    command: Literal["CloseRegister"] = "CloseRegister"
    class_name: Annotated[ClassName | None, Field(alias="class")] = None
    session: SessionField


class AmendMark(Command):
    command: Literal["AmendMark"] = "AmendMark"
    pupil: PupilNumber
    session: SessionField
    code: str
    detail: Text = ""
    reason: Text = ""


class LogArrival(Command):
    command: Literal["LogArrival"] = "LogArrival"
    pupil: PupilNumber
    session: SessionField
    arrived_at: Moment
    reason: Text = ""
    code: str | None = None
    detail: Text = ""

    @field_validator("arrived_at")
    @classmethod
    def _on_the_day(cls, arrived_at: datetime, info: ValidationInfo) -> datetime:
        session = info.data.get("session")
        if session is not None and arrived_at.astimezone(LONDON).date() != session.day:
            raise ValueError("expected a time on the day of the session")
        return arrived_at


class ReportAbsence(Command):
    command: Literal["ReportAbsence"] = "ReportAbsence"
    pupil: PupilNumber
    parent: str
    channel: Text
    received_at: Moment
    sessions: Annotated[tuple[SessionField, ...], Field(min_length=1)]
    said: Text = ""


class LogContact(Command):
    command: Literal["LogContact"] = "LogContact"
    pupil: PupilNumber
    contact: str
    channel: Text
    outcome: Text
    sessions: tuple[SessionField, ...] = ()
    said: Text = ""
    next_step: Text = ""


class RequestLeave(Command):
    command: Literal["RequestLeave"] = "RequestLeave"
    pupil: PupilNumber
    request: Name
    parent: str
    received_on: Day
    first: SessionField
    last: SessionField
    ground: Text = ""
    on_form: bool = False

    @field_validator("last")
    @classmethod
    def _not_before_first(cls, last: Session, info: ValidationInfo) -> Session:
        return _not_before(last, info, "first", "a session not before 'first'")


class DecideLeave(Command):
    """Sessions of the request that are not in `granted` are refused."""

    command: Literal["DecideLeave"] = "DecideLeave"
    pupil: PupilNumber
    request: Name
    granted: tuple[GrantedSession, ...] = ()
    reason: Text = ""


class WithdrawLeave(Command):
    command: Literal["WithdrawLeave"] = "WithdrawLeave"
    pupil: PupilNumber
    request: Name
    reason: Text = ""


class DeclareClosure(Command):
    """For everyone, or for `classes`, or for `pupils`."""

    command: Literal["DeclareClosure"] = "DeclareClosure"
    sessions: Annotated[tuple[SessionField, ...], Field(min_length=1)]
    code: str
    classes: tuple[ClassName, ...] = ()
    pupils: tuple[PupilNumber, ...] = ()
    reason: Text = ""


class IssuePenaltyNotice(Command):
    command: Literal["IssuePenaltyNotice"] = "IssuePenaltyNotice"
    pupil: PupilNumber
    notice: Name
    parent: str
    issued_on: Day
    sessions: Annotated[tuple[SessionField, ...], Field(min_length=1)]


class RecordPayment(Command):
    """`amount` in pounds."""

    command: Literal["RecordPayment"] = "RecordPayment"
    pupil: PupilNumber
    notice: Name
    paid_on: Day
    # To the penny, so that 80 and 80.00 are the same payment.
    amount: Annotated[Decimal, Field(gt=0, decimal_places=2, max_digits=8), AfterValidator(_to_pence)]


class WithdrawPenaltyNotice(Command):
    command: Literal["WithdrawPenaltyNotice"] = "WithdrawPenaltyNotice"
    pupil: PupilNumber
    notice: Name
    reason: Text = ""


AnyCommand = Union[
    OpenSchool, OpenSchoolYear, AmendCalendar, AdoptPolicy, DeclareClosure,
    AdmitPupil, ChangeClass, ChangeContacts, ChangeGroups, RemoveFromRoll,
    RecordMark, TakeRegister, CloseRegister, AmendMark, LogArrival, ReportAbsence, LogContact,
    RequestLeave, DecideLeave, WithdrawLeave, IssuePenaltyNotice, RecordPayment, WithdrawPenaltyNotice,
]  # fmt: skip
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
        json.dumps(line, ensure_ascii=False, default=str).encode()
        return COMMANDS[name].model_validate(line)
    except UnicodeEncodeError:  # half a character, which JSON can escape and no database can keep
        raise Refused("malformed", field="line", expected="text of whole characters") from None
    except pydantic.ValidationError as error:
        raise malformed(error) from None


def malformed(error: pydantic.ValidationError) -> Refused:
    """Return the refusal for the first thing pydantic found, its value only where it says nothing about a child."""
    first = error.errors(include_url=False)[0]
    steps = [str(step) for step in first["loc"] if str(step) not in ("str", "Mark")]
    if first["type"] == "extra_forbidden":
        return Refused("malformed", field=steps[-1], expected="no such field in this command")
    if first["type"] == "missing":
        return Refused("malformed", field=".".join(steps), expected="this field to be given")
    given = first["input"]
    named = all(step in SPEAKABLE or step.isdecimal() for step in steps)
    speakable = named and isinstance(given, (str, int, float, bool))
    expected = first["msg"].removeprefix("Value error, ").removeprefix("expected ")
    return Refused("malformed", field=".".join(steps), value=given if speakable else None, expected=_lower(expected))


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def content_digest(command: Command, key: bytes = b"") -> str:
    """Return the HMAC-SHA256 of what a command says, without its id and time: the same through every door. Under a
    key, because a short reason could be guessed from a bare digest long after its own key was destroyed."""
    said = command.model_dump(mode="json", by_alias=True, exclude={"id", "at"}, exclude_defaults=True)
    said["command"] = command.name
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hmac_digest(key, text.encode(), "sha256").hex()
