"""What every command is, and the parts that several of them are made of."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationInfo

from commands.fields import Moment, Text
from ledger.sessions import Session


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class By(Model):
    """Who says so. Blank parts are refused as `unknown_person`, not as malformed."""

    id: Text = ""
    name: Text = ""
    title: Text = ""


class Command(Model):
    """What every command may carry: `at` on a simulated ledger, `id` to work once, `by`, and that a clock far ahead of
    the last event is right."""

    at: Moment | None = None
    by: By = By()
    accept_clock: bool = False
    id: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,200}$")] | None = None

    @property
    def name(self) -> str:
        return type(self).__name__


T = TypeVar("T", date, Session)


def not_before(value: T, info: ValidationInfo, earlier: str, expected: str) -> T:
    """Return the value, unless it lies before an earlier field of the same command."""
    if earlier in info.data and value < info.data[earlier]:
        raise ValueError(f"expected {expected}")
    return value
