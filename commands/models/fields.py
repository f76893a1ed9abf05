"""The kinds of field that commands are made of: text outside, a value of ours inside, a sentence for what is off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from typing import Annotated, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, StringConstraints, WithJsonSchema

from ledger.people import check_upn, is_pupil_number
from ledger.sessions import Session, format_moment, format_year, parse_moment, parse_year
from ledger.text import check

T = TypeVar("T")
SPEAKABLE = "a refusal may repeat its value"
# A type that says nothing about a child: of any other, which is every text that somebody writes, no value is repeated.
Speakable = Annotated[T, SPEAKABLE]
POSITIONAL = "an argument of its verb, not an option"
Positional = Annotated[T, POSITIONAL]


class Whole(NamedTuple):
    """Marks a list that its verb is given whole; `none` is what an empty one says, blank where the verb takes none."""

    none: str = ""


def _parsed(
    parse: Callable[[str], T], write: Callable[[T], str], schema: dict[str, str | list[str]]
) -> tuple[PlainValidator, PlainSerializer, WithJsonSchema]:
    """Return the annotations of a field that is a string outside and a value of ours inside."""

    def validate(given: object) -> T:
        if not isinstance(given, str):
            raise ValueError(f"expected text, such as {schema['examples'][0]}")
        return parse(given)

    return PlainValidator(validate), PlainSerializer(write), WithJsonSchema({"type": "string", **schema})


def _day(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError("expected a day such as 2024-09-03")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("expected a day of the calendar such as 2024-09-03") from None


def _pupil(text: str) -> str:
    if not is_pupil_number(text):
        raise ValueError("expected the school's own admission number: 1 to 20 letters, digits, '.', '_' or '-'")
    return text


def _upn(text: str) -> str:
    if not check_upn(text):
        raise ValueError("expected a UPN of 13 characters with its check letter")
    return text


def _hours(given: object) -> tuple[time, time]:
    """Return opening and closing of registration from `08:55-09:10`, `["08:55", "09:10"]` or an object of both."""
    parts: Iterable[str] = given if isinstance(given, Iterable) else ()
    if isinstance(given, str):
        parts = re.split(r"\s*[-–]\s*", given)
    if isinstance(given, dict):
        parts = [given[key] for key in ("opens", "closes") if key in given and len(given) == 2]
    try:
        opens, closes = (time.fromisoformat(part) for part in parts)
    except (ValueError, TypeError):
        raise ValueError("expected opening and closing such as 08:55-09:10") from None
    minutes = (closes.hour * 60 + closes.minute) - (opens.hour * 60 + opens.minute)
    if not 0 < minutes <= 30:
        raise ValueError("expected registration to close after it opens, within 30 minutes")
    return opens, closes


BirthDay = Annotated[date, *_parsed(_day, date.isoformat, {"format": "date", "examples": ["2024-09-03"]})]
Day = Speakable[BirthDay]
Moment = Annotated[
    datetime,
    *_parsed(parse_moment, format_moment, {"format": "date-time", "examples": ["2024-09-03T07:57:00Z"]}),
    SPEAKABLE,
]
SessionField = Annotated[
    Session,
    *_parsed(Session.parse, str, {"pattern": r"^\d{4}-\d{2}-\d{2}/(AM|PM)$", "examples": ["2024-09-03/AM"]}),
    SPEAKABLE,
]
YearField = Annotated[
    int,
    *_parsed(parse_year, format_year, {"pattern": r"^\d{4}/\d{2}$", "examples": ["2024/25"]}),
    SPEAKABLE,
]
PupilNumber = Annotated[
    str, *_parsed(_pupil, str, {"pattern": r"^[A-Za-z0-9._-]{1,20}$", "examples": ["1042"]}), SPEAKABLE
]
Upn = Annotated[str, *_parsed(_upn, str, {"pattern": r"^[A-Z]\d{11}[0-9A-Z]$", "examples": ["B801200005001"]})]
RegistrationHours = Annotated[
    tuple[time, time],
    PlainValidator(_hours),
    PlainSerializer(lambda hours: "-".join(at.isoformat("minutes") for at in hours)),
    WithJsonSchema({"type": "string", "examples": ["08:55-09:10"]}),
]
# How long a list may be: of what there are a few, of a school year's sessions, of a school's pupils or pupil years.
# The largest schools have about four thousand pupils; a list beyond these is no list that somebody meant.
MANY = 100
YEAR_SESSIONS = 1_000
SCHOOL_PUPILS = 10_000

# What somebody writes, in several lines if need be; what stands on one line; the same, and it is never left out.
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000), AfterValidator(check)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(check)]
# What names something that a command does not declare the form of: a code, a person, a policy.
Word = Annotated[str, StringConstraints(max_length=200), AfterValidator(check)]
Code = Annotated[Word, SPEAKABLE, Field(description="A code of the register.")]
ParentId = Annotated[Word, Field(description="One of this pupil's parents, by id.")]
PolicyName = Speakable[Word]
# Part of a stream's name, so no slash; part of a file's name, so nothing odd.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$"), SPEAKABLE]
ClassName = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[^/\x00-\x1f]{1,20}$"), AfterValidator(check), SPEAKABLE
]
YearGroup = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10), AfterValidator(check), SPEAKABLE
]
Pupil = Annotated[PupilNumber, POSITIONAL, Field(description="The pupil's admission number.")]
Class = Annotated[ClassName, Field(description="The class, such as 4W.")]
HalfDay = Annotated[SessionField, POSITIONAL, Field(description="A half-day, such as 2025-11-03/AM.")]
Seen = Annotated[int, Field(ge=1, description="Up to where the ledger was seen. [default its end]"), SPEAKABLE]
Position = Annotated[int, Field(ge=1), SPEAKABLE]
Count = Annotated[int, Field(ge=0), SPEAKABLE]
Flag = Speakable[bool]
Half = Literal["AM", "PM"]
