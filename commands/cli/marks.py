"""Verbs of a school day: registers, marks, arrivals, and what was said to whom."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.cli.options import PLAIN
from commands.cli.write import (
    Class,
    Code,
    Detail,
    Line,
    Parent,
    Pupil,
    Reason,
    SessionArgument,
    SessionsArgument,
    line,
    marked,
    writes,
)
from ledger.steps import LETTER_CHANNELS, REACHED, VISIT_CHANNELS

verbs = typer.Typer(**PLAIN)

Reported = Annotated[
    str,
    typer.Option(
        "--channel",
        metavar="TEXT",
        help="Phone, email, letter, …; voicemail, answer phone, answerphone and answer machine are to be rung back.",
    ),
]
Tried = Annotated[
    str,
    typer.Option(
        "--channel",
        metavar="TEXT",
        help=f"Phone, email, …; {' or '.join(LETTER_CHANNELS)} is a letter, {' or '.join(VISIT_CHANNELS)} a visit.",
    ),
]
Said = Annotated[str | None, typer.Option("--said", metavar="TEXT", help="What was said.")]


@writes(verbs, "take")
def take(
    class_name: Class,
    session: SessionArgument,
    marks: Annotated[
        list[str],
        typer.Argument(metavar="PUPIL=CODE[:DETAIL]...", help="Marks; who is left out stays unmarked."),
    ],
) -> Line:
    """Take the register of a class. All or nothing; records TakeRegister.

    \b
    Example: attendance take 4W 2025-11-03/AM 1042=/ 1043=I 1044=B:museum
    """
    given = {pupil: mark if "detail" in mark else mark["code"] for pupil, mark in marked(marks, "marks")}
    return line("TakeRegister", class_=class_name, session=session, marks=given)


@writes(verbs, "close")
def close(
    session: SessionArgument,
    class_name: Annotated[str | None, typer.Option("--class", metavar="CLASS", help="Just one class.")] = None,
) -> Line:
    """Close a register. Who is unmarked gets the granted or expected code, else N; records CloseRegister.

    \b
    Example: attendance close 2025-11-03/AM --class 4W
    """
    return line("CloseRegister", class_=class_name, session=session)


@writes(verbs, "mark")
def mark(pupil: Pupil, session: SessionArgument, code: Code, detail: Detail = None) -> Line:
    """Record the mark of one pupil. The same again changes nothing; records RecordMark.

    \b
    Example: attendance mark 1042 2025-11-03/AM /
    """
    return line("RecordMark", pupil=pupil, session=session, code=code, detail=detail)


@writes(verbs, "amend")
def amend(pupil: Pupil, session: SessionArgument, code: Code, reason: Reason = None, detail: Detail = None) -> Line:
    """Amend an entry. The original stays in the register; records AmendMark.

    \b
    Example: attendance amend 1042 2025-11-03/AM I --reason "mother rang: fever"
    """
    return line("AmendMark", pupil=pupil, session=session, code=code, detail=detail, reason=reason)


@writes(verbs, "arrive")
def arrive(
    pupil: Pupil,
    session: SessionArgument,
    arrived_at: Annotated[str, typer.Argument(metavar="TIME", help="When, such as 2025-11-03T09:12, in London.")],
    reason: Reason = None,
    code: Annotated[str | None, typer.Option("--code", metavar="CODE", help="Instead of what the clock says.")] = None,
    detail: Detail = None,
) -> Line:
    """Log an arrival in the Late Book. The clock says which mark; records LogArrival.

    \b
    Example: attendance arrive 1042 2025-11-03/AM 2025-11-03T09:12 --reason overslept
    """
    return line(
        "LogArrival", pupil=pupil, session=session, arrived_at=arrived_at, reason=reason, code=code, detail=detail
    )


@writes(verbs, "report")
def report(
    pupil: Pupil,
    parent: Parent,
    sessions: SessionsArgument,
    channel: Reported,
    received_at: Annotated[str, typer.Option("--received-at", metavar="TIME", help="When we were told.")],
    said: Said = None,
) -> Line:
    """Keep what a parent told us. The school decides the code; records ReportAbsence.

    \b
    Example: attendance report 1042 1042-a 2025-11-03/AM --channel phone --received-at 2025-11-03T08:40 --said "a fever"
    """
    return line(
        "ReportAbsence",
        pupil=pupil,
        parent=parent,
        channel=channel,
        received_at=received_at,
        sessions=sessions,
        said=said,
    )


@writes(verbs, "contact")
def contact(
    pupil: Pupil,
    parent: Parent,
    channel: Tried,
    outcome: Annotated[
        str,
        typer.Option(
            "--outcome",
            metavar="TEXT",
            help=f"No answer, number dead, …; somebody was spoken with where it begins with {', '.join(REACHED)}.",
        ),
    ],
    sessions: Annotated[
        list[str] | None, typer.Argument(metavar="SESSION...", help="The half-days it was about.")
    ] = None,
    said: Said = None,
    next_step: Annotated[str | None, typer.Option("--next-step", metavar="TEXT", help="What comes next.")] = None,
) -> Line:
    """Log an attempt to reach a parent. With what came of it; records LogContact.

    \b
    Example: attendance contact 1042 1042-a 2025-11-03/AM --channel phone --outcome "no answer"
    """
    return line(
        "LogContact",
        pupil=pupil,
        contact=parent,
        channel=channel,
        outcome=outcome,
        sessions=sessions or None,
        said=said,
        next_step=next_step,
    )
