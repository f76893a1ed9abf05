"""A verb is made here, whether it asks, records or does something else: its name, its parameters and its help.

Nothing else writes a signature. A verb that takes a ledger, and no list of schools, gets --school beside it; what it is
called with is the one address that both come to.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from inspect import Parameter
from typing import Annotated, Any, TypedDict, TypeVar

import typer

from commands.wiring import SCHOOL_VARIABLE, school_address
from ledger.errors import Refused

F = TypeVar("F", bound=Callable[..., object])


class Plain(TypedDict):
    """Settings of every group of verbs."""

    rich_markup_mode: None
    add_completion: bool
    no_args_is_help: bool


# Plain help: Rich takes longer to load than everything else, and an example on one line must stay on one line.
PLAIN: Plain = {"rich_markup_mode": None, "add_completion": False, "no_args_is_help": True}
SCHOOL = Parameter(
    "school",
    Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        str | None,
        typer.Option(
            "--school",
            metavar="SCHOOL",
            help=f"Its number or schema, in a PostgreSQL database of many. [env {SCHOOL_VARIABLE}]",
        ),
    ],
)


class Verbs(typer.Typer):
    """The verbs of a module, or those of a group, by name."""

    def __init__(self, help: str | None = None) -> None:
        super().__init__(help=help, **PLAIN)

    def command(self, name: str | None = None, **settings: object) -> Callable[[F], F]:
        """Return a decorator that makes a verb of a function, as its signature says."""

        def decorate(function: F) -> F:
            self.add(name, function, parameters_of(function), function.__doc__)
            return function

        return decorate

    def add(
        self, name: str | None, run: Callable[..., object], parameters: Iterable[Parameter], help: str | None
    ) -> None:
        """Make the verb that calls `run` with the values of its parameters, by their names."""
        options = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in parameters]
        names = [each.name for each in options]
        of_many = "ledger" in names and {"school", "schools"}.isdisjoint(names)
        if of_many:
            options.insert(1 + names.index("ledger"), SCHOOL)

        def verb(**values: Any) -> object:  # of whatever types its parameters have
            return run(**(_at_its_school(values) if of_many else values))

        verb.__doc__ = help
        verb.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
        super().command(name)(verb)


def parameters_of(function: Callable[..., object]) -> list[Parameter]:
    """Return the parameters that a function declares, in its order."""
    return list(inspect.signature(function, eval_str=True).parameters.values())


def _at_its_school(values: dict[str, Any]) -> dict[str, Any]:  # as above
    """Return values with the address of the school's ledger as that of the ledger. Refuses a school beside every
    school."""
    school = values.pop("school")
    if not values.get("every"):
        return values | {"ledger": school_address(values["ledger"], school)}
    if school is not None:
        raise Refused("malformed", field="--every-school", expected="without --school")
    return values
