"""Verbs of leave: requests, decisions, what became of them, and the letter that tells a parent the decision."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.cli.frame.arguments import Pupil, Reason
from commands.cli.frame.asking import Part, Question, Reply, asks
from commands.cli.frame.derived import derive
from commands.cli.frame.files import out_path
from commands.cli.frame.options import (
    AsOfOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    opened,
    parse_day,
    parse_known_at,
)
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.write import Line, line, marks_of, writes
from commands.cli.verbs.letters import OutFile, give_draft
from commands.desk.letters import leave_letter_draft
from commands.desk.pupils import Names, name_of
from commands.desk.tables import table
from commands.files.section import Section
from commands.models.leave import RequestLeave, WithdrawLeave
from ledger.people import signature
from ledger.text import one_line
from ledger.words import counted
from projections.records.leaves import LeaveAnswer, LeaveRequestAnswer, leave_answers

verbs = Verbs()
leave = Verbs(help="A request for leave: request, decide, withdraw.")
verbs.add_typer(leave, name="leave")

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


@asks(leave, "show")
def show_leave(
    question: Question,
    pupils: Annotated[
        list[str] | None, typer.Argument(metavar="PUPIL...", help="Admission numbers. [default everybody]")
    ] = None,
) -> Reply:
    """Show requests for leave. What was decided, by whom, what the register came to say, and who allowed the absence.

    \b
    Example: attendance leave show 1042 --as-of 2025-12-12
    """
    chosen = question.known(pupils) if pupils else sorted(question.moment.school.pupils)
    answers = leave_answers(question.answers, question.moment, chosen, empty=bool(pupils))

    def parts() -> list[Part]:
        names = question.names([answer.pupil for answer in answers])
        sessions = [
            _sessions_table(answer.pupil, request, question.simulated)
            for answer in answers
            for request in answer.requests
            if pupils
        ]
        return [_requests_table(answers, names, question.simulated), *sessions, *_never_requested(answers)]

    return Reply(answers, "Requests for leave", parts)


@leave.command("letter")
def write_leave_letter(
    pupil: Pupil,
    request: Request,
    out: OutFile,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
) -> None:
    """Write the letter about a decision on leave. It quotes the sessions, the reasons and what a refusal may lead to.

    Printed is the line that records its sending.

    \b
    Example: attendance leave letter 1042 LR-1 -o letter.pdf
    """
    day, known_time = parse_day("--as-of", as_of), parse_known_at(known_at)
    path = out_path(out, (".pdf",))

    with opened(ledger, keys) as house:
        give_draft(path, leave_letter_draft(house.answers, house.answers.moment(day, known_time), pupil, request))


def _requests_table(answers: list[LeaveAnswer], names: Names, simulated: bool) -> Section:
    made = table(
        "Leave",
        simulated,
        pupil="left",
        name="left",
        request="left",
        parent="left",
        asked_for="left",
        state="left",
        decided_by="left",
        absent_after="right",
        allowed_by="left",
        remarks="left",
    )
    for answer in answers:
        for request in answer.requests:
            made.add_row(
                answer.pupil,
                name_of(answer.pupil, names),
                request.request,
                request.parent,
                f"{request.first} to {request.last}" if request.first != request.last else request.first,
                request.state,
                one_line(signature(request.decided_by)) if request.decided_by else "",
                str(len(request.absent_after_refusal) or ""),
                ", ".join(f"{each.parent} (by {each.by})" for each in request.allowed),
                "; ".join(_remarks(request)),
            )
    return made


def _remarks(request: LeaveRequestAnswer) -> list[str]:
    """Return what was out of order about a request or its decision."""
    remarks = []
    if not request.on_form:
        remarks.append("not on the form")
    if not request.in_advance:
        remarks.append("not in advance")
    if request.lives_with is False:
        remarks.append("by a parent the pupil does not live with")
    if request.decided_in_advance is False:
        remarks.append("decided after it had begun")
    if request.decided_by is not None and request.decided_by.held_role is False:
        remarks.append("decided by somebody who held no such role")
    if request.state in ("refused", "granted in part") and not request.letters:
        remarks.append("no letter about it")
    return remarks


def _sessions_table(pupil: str, request: LeaveRequestAnswer, simulated: bool) -> Section:
    title = f"{request.request} of {pupil}" + (f": {request.reason}" if request.reason else "")
    made = table(title, simulated, session="left", decision="left", mark="left", became="left", position="right")
    for each in request.sessions:
        decision = f"{each.decided} {each.code}".strip()
        place = "" if each.position is None else str(each.position)
        made.add_row(each.session, decision, each.mark, each.became, place)
    return made


def _never_requested(answers: list[LeaveAnswer]) -> list[str]:
    """Return a line for each pupil with holidays that nobody asked for."""
    return [
        f"{answer.pupil}: {counted(len(answer.never_asked), 'session')} of holiday (G) that no request covers, "
        f"from {answer.never_asked[0].session} to {answer.never_asked[-1].session}"
        for answer in answers
        if answer.never_asked
    ]
