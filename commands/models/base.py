"""What every command is, and the parts that several of them are made of."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationInfo, field_validator

from commands.models.fields import SPEAKABLE, Line, Moment, Word
from ledger.sessions import Session
from ledger.text import Unfit, check


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @field_validator("*", mode="before")
    @classmethod
    def _fit(cls, given: object) -> object:
        """Refuse what no text may hold, in any field of any command, however deep in a list or an object."""
        _check_deep(given)
        return given


def _check_deep(given: object, *steps: str) -> None:
    """Raise Unfit, with the steps to what is not let in."""
    if isinstance(given, str):
        try:
            check(given, lines=True)
        except Unfit as unfit:
            unfit.steps = steps
            raise
    elif isinstance(given, dict):
        for name, value in given.items():
            _check_deep(name, *steps)
            _check_deep(value, *steps, str(name))
    elif isinstance(given, (list, tuple)):
        for place, each in enumerate(given):
            _check_deep(each, *steps, str(place))


class By(Model):
    """Who says so. Blank parts are refused as `unknown_person`, not as malformed."""

    id: Line = ""
    name: Line = ""
    title: Line = ""


class Command(Model):
    """What every command may carry: `at` on a simulated ledger, `id` to work once, `by`, and that a clock far ahead of
    the last event is right."""

    at: Moment | None = None
    by: By = By()
    accept_clock: bool = False
    id: Annotated[Word, StringConstraints(min_length=1), SPEAKABLE] | None = None

    @property
    def name(self) -> str:
        return type(self).__name__


T = TypeVar("T", date, Session)


def not_before(value: T, info: ValidationInfo, earlier: str, expected: str) -> T:
    """Return the value, unless it lies before an earlier field of the same command."""
    if earlier in info.data and value < info.data[earlier]:
        raise ValueError(f"expected {expected}")
    return value
