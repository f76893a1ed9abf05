"""Verbs of a school day: registers, marks, arrivals, and what was said to whom."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.cli.frame.arguments import Class, SessionArgument
from commands.cli.frame.derived import derive
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.write import Line, line, marks_of, writes
from commands.models.follow_up import LogContact, ReportAbsence
from commands.models.marks import AmendMark, CloseRegister, LogArrival, RecordMark

verbs = Verbs()


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
    codes = {pupil: mark if "detail" in mark else mark["code"] for pupil, mark in marks_of(marks, "marks")}
    return line("TakeRegister", class_=class_name, session=session, marks=codes)


derive(
    verbs,
    "close",
    CloseRegister,
    """Close a register. Who is unmarked gets the granted or expected code, else N; records CloseRegister.

    \b
    Example: attendance close 2025-11-03/AM --class 4W
    """,
)

derive(
    verbs,
    "mark",
    RecordMark,
    """Record the mark of one pupil. The same again changes nothing; records RecordMark.

    \b
    Example: attendance mark 1042 2025-11-03/AM /
    """,
)

derive(
    verbs,
    "amend",
    AmendMark,
    """Amend an entry. The original stays in the register; records AmendMark.

    \b
    Example: attendance amend 1042 2025-11-03/AM I --reason "mother rang: fever"
    """,
)

derive(
    verbs,
    "arrive",
    LogArrival,
    """Log an arrival in the Late Book. The clock says which mark; records LogArrival.

    \b
    Example: attendance arrive 1042 2025-11-03/AM 2025-11-03T09:12 --reason overslept
    """,
)

derive(
    verbs,
    "report",
    ReportAbsence,
    """Keep what a parent told us. The school decides the code; records ReportAbsence.

    \b
    Example: attendance report 1042 1042-a 2025-11-03/AM --channel phone --received-at 2025-11-03T08:40 --said "a fever"
    """,
)

derive(
    verbs,
    "contact",
    LogContact,
    """Log an attempt to reach a parent. With what came of it; records LogContact.

    \b
    Example: attendance contact 1042 1042-a 2025-11-03/AM --channel phone --outcome "no answer"
    """,
)
