"""A verb is made here, whether it asks, records or does something else: its name, its parameters and its help.

Nothing else writes a signature. A verb that takes a ledger, and no list of schools, gets --school beside it; what it is
called with is the one address that both come to.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from inspect import Parameter
from typing import Annotated, Any

import typer

from commands.wiring import SCHOOL_VARIABLE, school_address
from ledger.errors import Refused

# Plain help: Rich takes longer to load than everything else, and an example on one line must stay on one line.
PLAIN: dict[str, Any] = {"rich_markup_mode": None, "add_completion": False, "no_args_is_help": True}
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

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """Return a decorator that makes a verb of a function, as its signature says."""

        def decorate(function: Callable[..., object]) -> Callable[..., object]:
            self.add(name, function, parameters_of(function), function.__doc__)
            return function

        return decorate

    def add(
        self, name: str | None, run: Callable[..., object], parameters: Iterable[Parameter], help: str | None
    ) -> None:
        """Make the verb that calls `run` with what is given to its parameters, by their names."""
        taken = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in parameters]
        names = [each.name for each in taken]
        of_many = "ledger" in names and {"school", "schools"}.isdisjoint(names)
        if of_many:
            taken.insert(1 + names.index("ledger"), SCHOOL)

        def verb(**given: Any) -> object:
            return run(**(_at_its_school(given) if of_many else given))

        verb.__doc__ = help
        verb.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]
        super().command(name)(verb)


def parameters_of(function: Callable[..., object]) -> list[Parameter]:
    """Return the parameters that a function declares, in its order."""
    return list(inspect.signature(function, eval_str=True).parameters.values())


def _at_its_school(given: dict[str, Any]) -> dict[str, Any]:
    """Return what was given with the address of the school's ledger as that of the ledger. Refuses a school beside
    every school."""
    school = given.pop("school")
    if not given.get("every"):
        return given | {"ledger": school_address(given["ledger"], school)}
    if school is not None:
        raise Refused("malformed", field="--every-school", expected="without --school")
    return given
