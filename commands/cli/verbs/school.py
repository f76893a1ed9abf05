"""Verbs of the school itself: opening it, its years and calendar, its policy and roles, its closures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.arguments import Reason
from commands.cli.frame.derived import derive
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.write import Line, line, writes
from commands.models.school import DeclareClosure, NameRole
from ledger.errors import Refused
from ledger.policy import load

verbs = Verbs()

Year = Annotated[str, typer.Argument(metavar="YEAR", help="A school year, such as 2025/26.")]
Policy = Annotated[
    str,
    typer.Argument(metavar="POLICY", help="A policy that is shipped, such as national-2024, or the file's name."),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy-file", metavar="FILE", help="The school's own policy, a .toml file: all of it is recorded."),
]
Closed = Annotated[
    list[str] | None,
    typer.Option("--closed", metavar="FROM:TO:WHY", help="Days without school, both inclusive; may be repeated."),
]
Times = Annotated[
    list[str] | None,
    typer.Option("--times", metavar="AM=08:55-09:10", help="Registration of a half, London time; may be repeated."),
]


@writes(verbs, "open", create=True)
def open_school(
    urn: Annotated[str, typer.Option("--urn", metavar="URN", help="The school's number, 6 digits.")],
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="The school's name.")],
    la: Annotated[str, typer.Option("--la", metavar="LA", help="Its local authority, 3 digits.")],
    estab: Annotated[str, typer.Option("--estab", metavar="ESTAB", help="Its establishment number, 4 digits.")],
    policy: Annotated[
        str | None,
        typer.Option("--policy", metavar="POLICY", help="The policy in force: national-2024 where nothing is said."),
    ] = None,
    policy_file: PolicyFile = None,
) -> Line:
    """Begin a ledger. It keeps the system's time; records OpenSchool.

    \b
    Example: attendance open --urn 117000 --name "Example Primary" --la 919 --estab 2000 --by head:"H Example":Head
    """
    whole = _policy(policy or (None if policy_file else "national-2024"), policy_file)
    return line("OpenSchool", urn=urn, name=name, la=la, estab=estab, **whole)


@writes(verbs, "year")
def year(
    year_name: Year,
    first_day: Annotated[str, typer.Argument(metavar="FIRST", help="Its first day, such as 2025-09-02.")],
    last_day: Annotated[str, typer.Argument(metavar="LAST", help="Its last day, such as 2026-07-21.")],
    closed: Closed = None,
    times: Times = None,
) -> Line:
    """Open a school year. With its calendar; records OpenSchoolYear.

    \b
    Example: attendance year 2025/26 2025-09-02 2026-07-21 --closed "2025-10-27:2025-10-31:Half term"
    """
    return line(
        "OpenSchoolYear",
        year=year_name,
        first_day=first_day,
        last_day=last_day,
        closed=_closed(closed),
        times=_times(times),
    )


@writes(verbs, "calendar")
def calendar(
    year_name: Year,
    closed: Closed = None,
    none_closed: Annotated[bool, typer.Option("--none-closed", help="No day is closed any more.")] = False,
    times: Times = None,
    reason: Reason = None,
) -> Line:
    """Amend a calendar. --closed gives the whole new list, left out it stays; records AmendCalendar.

    \b
    Example: attendance calendar 2025/26 --closed "2025-10-20:2025-10-31:Half term" --reason "two weeks agreed"
    """
    if none_closed and closed:
        raise Refused("malformed", field="--none-closed", expected="either this or --closed")
    days = [] if none_closed else _closed(closed)
    return line("AmendCalendar", year=year_name, closed=days, times=_times(times), reason=reason)


@writes(verbs, "policy")
def policy(
    policy_name: Policy,
    from_day: Annotated[str, typer.Argument(metavar="FROM", help="The day from which it is in force.")],
    review_on: Annotated[
        str | None, typer.Option("--review-on", metavar="DAY", help="The day by which it is to be reviewed.")
    ] = None,
    policy_file: PolicyFile = None,
) -> Line:
    """Adopt a policy from a day on. Records AdoptPolicy. The whole of it is kept, so that no later release changes it.

    \b
    Example: attendance policy micklem-2025 2025-11-01 --review-on 2026-11-01
             attendance policy ours-2026 2026-09-01 --policy-file ours.toml
    """
    return line("AdoptPolicy", from_day=from_day, review_on=review_on, **_policy(policy_name, policy_file))


derive(
    verbs,
    "role",
    NameRole,
    """Name who holds a role from a day on. Records NameRole.

    \b
    Example: attendance role "leave designate" 2025-09-01 --holder "dep:D Deputy:Deputy head" --contact "01632 960003"
    """,
    holders="--holder",
)

derive(
    verbs,
    "closure",
    DeclareClosure,
    """Declare a closure. Its sessions expect the code and remain sessions; records DeclareClosure.

    \b
    Example: attendance closure Y4 2026-01-13/AM 2026-01-13/PM --reason "boiler failure"
    """,
    classes="--class",
    pupils="--pupil",
)


def _policy(name: str | None, file: Path | None) -> Line:
    """Return what a line says of a policy: its name, and where it stands in a file all of it."""
    if file is None:
        return {"policy": name}

    own = load(file)
    if name not in (None, own.name):
        raise Refused("malformed", field="POLICY", value=name, expected=f"'{own.name}', as the file calls it")
    settings = {key: {"value": each.value, "source": each.source} for key, each in own.settings.items()}
    return {"policy": own.name, "title": own.title, "edition": own.edition, "settings": settings}


def _closed(texts: list[str] | None) -> list[Line] | None:
    """Return closed days from FROM:TO:WHY; a day that is none is refused where the command is parsed."""
    return [dict(zip(("from", "to", "why"), text.split(":", 2), strict=False)) for text in texts] if texts else None


def _times(texts: list[str] | None) -> Line | None:
    """Return registration hours by half, from AM=08:55-09:10."""
    if not texts:
        return None
    halves = [text.partition("=") for text in texts]
    if len({half for half, _, _ in halves}) < len(halves):
        raise Refused("malformed", field="--times", expected="each half once")
    return {half: hours for half, _, hours in halves}
