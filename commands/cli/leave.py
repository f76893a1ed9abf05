"""Verbs of leave: what was asked for, decided and withdrawn."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.cli.options import PLAIN
from commands.cli.write import Line, ParentOption, Pupil, Reason, line, marked, writes

leave = typer.Typer(help="A request for leave: request, decide, withdraw.", **PLAIN)

Request = Annotated[str, typer.Argument(metavar="REQUEST", help="The request's own name, such as LR-1.")]


@writes(leave, "request")
def request_leave(
    pupil: Pupil,
    request: Request,
    parent: ParentOption,
    received_on: Annotated[str, typer.Option("--received-on", metavar="DAY", help="The day the request came.")],
    first: Annotated[str, typer.Option("--first", metavar="SESSION", help="The first half-day asked for.")],
    last: Annotated[str, typer.Option("--last", metavar="SESSION", help="The last half-day asked for.")],
    ground: Annotated[str | None, typer.Option("--ground", metavar="TEXT", help="What for.")] = None,
    on_form: Annotated[bool, typer.Option("--on-form", help="It came on the school's form.")] = False,
) -> Line:
    """Record that a parent asks for leave. Records RequestLeave.

    \b
    Example: attendance leave request 1042 LR-1 --parent 1042-a --received-on 2025-11-04 \\
                 --first 2025-11-24/AM --last 2025-11-28/PM
    """
    return line(
        "RequestLeave",
        pupil=pupil,
        request=request,
        parent=parent,
        received_on=received_on,
        first=first,
        last=last,
        ground=ground,
        on_form=on_form or None,
    )


@writes(leave, "decide")
def decide_leave(
    pupil: Pupil,
    request: Request,
    grant: Annotated[
        list[str] | None,
        typer.Option("--grant", metavar="SESSION=CODE", help="Granted, others refused; may be repeated."),
    ] = None,
    reason: Reason = None,
) -> Line:
    """Decide a request. Sessions that are not granted are refused; records DecideLeave.

    \b
    Example: attendance leave decide 1042 LR-1 --grant 2025-11-24/AM=C --reason "one session for the ceremony"
    """
    granted = [{"session": session, **mark} for session, mark in marked(grant or [], "--grant")]
    return line("DecideLeave", pupil=pupil, request=request, granted=granted, reason=reason)


@writes(leave, "withdraw")
def withdraw_leave(pupil: Pupil, request: Request, reason: Reason = None) -> Line:
    """Withdraw a request for leave. Records WithdrawLeave.

    \b
    Example: attendance leave withdraw 1042 LR-1 --reason "the journey was called off"
    """
    return line("WithdrawLeave", pupil=pupil, request=request, reason=reason)
