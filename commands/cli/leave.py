"""Verbs of leave: what was asked for, decided and withdrawn."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.cli.arguments import Pupil, Reason
from commands.cli.derived import derive
from commands.cli.parameters import Verbs
from commands.cli.write import Line, line, marks_of, writes
from commands.models.leave import RequestLeave, WithdrawLeave

leave = Verbs(help="A request for leave: request, decide, withdraw.")

Request = Annotated[str, typer.Argument(metavar="REQUEST", help="The request's own name, such as LR-1.")]

derive(
    leave,
    "request",
    RequestLeave,
    """Record that a parent asks for leave. Records RequestLeave.

    \b
    Example: attendance leave request 1042 LR-1 --parent 1042-a --received-on 2025-11-04 \\
                 --first 2025-11-24/AM --last 2025-11-28/PM
    """,
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
    granted = [{"session": session, **mark} for session, mark in marks_of(grant or [], "--grant")]
    return line("DecideLeave", pupil=pupil, request=request, granted=granted, reason=reason)


derive(
    leave,
    "withdraw",
    WithdrawLeave,
    """Withdraw a request for leave. Records WithdrawLeave.

    \b
    Example: attendance leave withdraw 1042 LR-1 --reason "the journey was called off"
    """,
)
