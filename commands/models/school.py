"""The school: opening it, its years, its policies and roles, closures, what it sends daily."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from commands.models.base import By, Command, Model, not_before
from commands.models.fields import (
    MANY,
    SCHOOL_PUPILS,
    SPEAKABLE,
    YEAR_SESSIONS,
    ClassName,
    Code,
    Count,
    Day,
    Half,
    Label,
    Line,
    PolicyName,
    Position,
    Positional,
    PupilNumber,
    RegistrationHours,
    Speakable,
    Text,
    Whole,
    Word,
    YearField,
)
from commands.models.follow_up import Sessions
from ledger.roles import ROLES, Role
from ledger.sessions import school_year


class ClosedDays(Model):
    first: Annotated[Day, Field(alias="from")]
    last: Annotated[Day, Field(alias="to")]
    why: Text = ""

    @field_validator("last")
    @classmethod
    def _not_before_first(cls, last: date, info: ValidationInfo) -> date:
        return not_before(last, info, "first", "a day not before 'from'")


Closed = Annotated[tuple[ClosedDays, ...], Field(max_length=YEAR_SESSIONS)]


class OwnSetting(Model):
    """One setting of a school's own policy, and the paragraph that it comes from; days and times of day are texts."""

    value: object
    source: Text


class WithPolicy(Command):
    """`policy` is the name of one that is shipped, or of the school's own; its own comes with all of its `settings`, by
    dotted name."""

    title: Line = ""
    edition: Line = ""
    settings: Annotated[dict[Word, OwnSetting], Field(max_length=MANY)] = {}


class OpenSchool(WithPolicy):
    command: Literal["OpenSchool"] = "OpenSchool"
    urn: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$"), SPEAKABLE]
    name_: Annotated[Label, Field(alias="name")]
    la: Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$"), SPEAKABLE]
    estab: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$"), SPEAKABLE]
    policy: PolicyName


class OpenSchoolYear(Command):
    command: Literal["OpenSchoolYear"] = "OpenSchoolYear"
    year: YearField
    first_day: Day
    last_day: Day
    closed: Closed = ()
    times: dict[Half, RegistrationHours] = {}

    @field_validator("first_day", "last_day")
    @classmethod
    def _within_the_year(cls, day: date, info: ValidationInfo) -> date:
        year = info.data.get("year")
        if year is not None and school_year(day) != year:
            raise ValueError(f"expected a day from 1 August {year} to 31 July {year + 1}")
        return not_before(day, info, "first_day", "a day not before first_day")


class AmendCalendar(Command):
    """`closed` is the whole new list, `times` the hours that change; what is left out stays."""

    command: Literal["AmendCalendar"] = "AmendCalendar"
    year: YearField
    closed: Closed | None = None
    times: dict[Half, RegistrationHours] = {}
    reason: Text = ""


class AdoptPolicy(WithPolicy):
    command: Literal["AdoptPolicy"] = "AdoptPolicy"
    policy: PolicyName
    from_day: Day
    review_on: Day | None = None


class DeclareClosure(Command):
    """For everyone, or for `classes`, or for `pupils`."""

    command: Literal["DeclareClosure"] = "DeclareClosure"
    sessions: Sessions
    code: Positional[Code]
    classes: tuple[ClassName, ...] = Field((), max_length=SCHOOL_PUPILS, description="Only this class; repeatable.")
    pupils: tuple[PupilNumber, ...] = Field((), max_length=SCHOOL_PUPILS, description="Only this pupil; repeatable.")
    reason: Text = Field("", description="Why.")


class NameRole(Command):
    """Who holds a role from a day on: the whole list, empty where nobody does."""

    command: Literal["NameRole"] = "NameRole"
    role: Positional[Speakable[Role]] = Field(description=f"One of: {', '.join(ROLES)}.")
    holders: Annotated[
        tuple[By, ...],
        Whole("Nobody holds it any more."),
        Field(max_length=MANY, description="Who holds it: the whole list; may be repeated."),
    ] = ()
    from_day: Positional[Day] = Field(description="The day from which they hold it.")
    contact: Line = Field("", description="How to reach them.")


class RecordDailyReturn(Command):
    """That a day's codes were sent to the department, as known at position `seen`, with the digest of what was sent."""

    command: Literal["RecordDailyReturn"] = "RecordDailyReturn"
    day: Positional[Day] = Field(description="The day that the codes are of.")
    seen: Position = Field(description="As known at which position.")
    pupils: Count = Field(description="How many pupils it holds.")
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), SPEAKABLE] = Field(
        description="Of what was sent, in hexadecimal."
    )
