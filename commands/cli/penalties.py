"""Verbs of the case about one parent and one pupil: considered, told to improve, referred, a notice issued and paid,
and what came of it. Each records what people decided; none of them decides."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.cli.options import PLAIN
from commands.cli.write import Line, ParentOption, Pupil, Reason, Seen, SessionsArgument, line, writes

verbs = typer.Typer(**PLAIN)

case = typer.Typer(help="A parent's case: consider, improve, improved, refer.", **PLAIN)
notice = typer.Typer(help="A penalty notice: issue, serve, pay, withdraw.", **PLAIN)
prosecution = typer.Typer(help="A prosecution: begin, end.", **PLAIN)
verbs.add_typer(case, name="case")
verbs.add_typer(notice, name="notice")
verbs.add_typer(prosecution, name="prosecution")

Notice = Annotated[str, typer.Argument(metavar="NOTICE", help="The notice's own name, such as PN-1, and its case's.")]
IssuedOn = Annotated[str, typer.Option("--issued-on", metavar="DAY", help="The day of issue.")]
EndedOn = Annotated[str, typer.Argument(metavar="ENDED", help="The day on which it ended.")]


@writes(case, "consider")
def consider(
    pupil: Pupil,
    notice_name: Notice,
    parent: ParentOption,
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="The day it was considered.")],
    route: Annotated[str, typer.Option("--route", metavar="ROUTE", help='"support", or "no support" for a holiday.')],
    decision: Annotated[
        str, typer.Option("--decision", metavar="DECISION", help='"improve", "notice", "other" or "nothing".')
    ],
    reasons: Annotated[str | None, typer.Option("--reasons", metavar="TEXT", help="Why.")] = None,
    instead: Annotated[str | None, typer.Option("--instead", metavar="TEXT", help="The other action.")] = None,
    seen: Seen = None,
) -> Line:
    """Record that a case was considered. With the decision and its reasons; records ConsiderPenalty.

    \b
    Example: attendance case consider 1042 PN-1 --parent 1042-a --on 2025-12-02 --route "no support" \\
                 --decision notice --reasons "a holiday that was refused"
    """
    return line(
        "ConsiderPenalty",
        pupil=pupil,
        notice=notice_name,
        parent=parent,
        considered_on=on,
        route=route,
        decision=decision,
        seen=seen,
        reasons=reasons,
        instead=instead,
    )


@writes(case, "improve")
def improve(
    pupil: Pupil,
    notice_name: Notice,
    issued_on: IssuedOn,
    ends_on: Annotated[str, typer.Option("--ends-on", metavar="DAY", help="The last day of its period.")],
    at_most: Annotated[
        int, typer.Option("--at-most", metavar="COUNT", help="Unauthorised sessions that still mean improvement.")
    ],
    offered: Annotated[str | None, typer.Option("--offered", metavar="TEXT", help="The support offered.")] = None,
    improvement: Annotated[
        str | None, typer.Option("--improvement", metavar="TEXT", help="What improvement means, in words.")
    ] = None,
    early_end: Annotated[
        str | None, typer.Option("--early-end", metavar="TEXT", help="What may end it before its last day.")
    ] = None,
    seen: Seen = None,
) -> Line:
    """Record a notice to improve. With its period and test; records RequireImprovement.

    \b
    Example: attendance case improve 1042 PN-1 --issued-on 2025-12-02 --ends-on 2026-01-20 --at-most 2 \\
                 --offered "breakfast club, a weekly call"
    """
    return line(
        "RequireImprovement",
        pupil=pupil,
        notice=notice_name,
        issued_on=issued_on,
        ends_on=ends_on,
        at_most=at_most,
        seen=seen,
        offered=offered,
        improvement=improvement,
        early_end=early_end,
    )


@writes(case, "improved")
def improved(
    pupil: Pupil,
    notice_name: Notice,
    ended_on: EndedOn,
    yes: Annotated[bool, typer.Option("--yes/--no", help="Whether attendance improved as asked.")],
    outcome: Annotated[str | None, typer.Option("--outcome", metavar="TEXT", help="What came of it.")] = None,
) -> Line:
    """Record how a notice to improve ended. Which may be early; records EndImprovement.

    \b
    Example: attendance case improved 1042 PN-1 2026-01-20 --no --outcome "six more unauthorised sessions"
    """
    return line("EndImprovement", pupil=pupil, notice=notice_name, ended_on=ended_on, improved=yes, outcome=outcome)


@writes(case, "refer")
def refer(
    pupil: Pupil,
    notice_name: Notice,
    sessions: SessionsArgument,
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="The day of referral.")],
    reasons: Annotated[str | None, typer.Option("--reasons", metavar="TEXT", help="Why.")] = None,
    seen: Seen = None,
) -> Line:
    """Record a referral to the authority. For the sessions it names; records ReferPenalty.

    \b
    Example: attendance case refer 1042 PN-1 2025-11-24/PM 2025-11-25/AM --on 2025-12-03
    """
    return line(
        "ReferPenalty",
        pupil=pupil,
        notice=notice_name,
        referred_on=on,
        sessions=sessions,
        seen=seen,
        reasons=reasons,
    )


@writes(notice, "issue")
def issue_notice(
    pupil: Pupil,
    notice_name: Notice,
    sessions: SessionsArgument,
    parent: ParentOption,
    issued_on: IssuedOn,
) -> Line:
    """Record that a notice was issued. For the sessions it names; records IssuePenaltyNotice.

    \b
    Example: attendance notice issue 1042 PN-1 2025-11-24/PM 2025-11-25/AM --parent 1042-a --issued-on 2025-12-09
    """
    return line(
        "IssuePenaltyNotice", pupil=pupil, notice=notice_name, parent=parent, issued_on=issued_on, sessions=sessions
    )


@writes(notice, "serve")
def serve_notice(
    pupil: Pupil,
    notice_name: Notice,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="By post, hand or email.")],
    sent_on: Annotated[str, typer.Argument(metavar="SENT", help="The day it was sent or handed over.")],
    received_on: Annotated[
        str | None,
        typer.Option("--received-on", metavar="DAY", help="As was shown. [default by post two working days on]"),
    ] = None,
) -> Line:
    """Record how a notice was sent. Its periods start with the day of receipt; records ServeNotice.

    \b
    Example: attendance notice serve 1042 PN-1 post 2025-12-09
    """
    return line("ServeNotice", pupil=pupil, notice=notice_name, method=method, sent_on=sent_on, received_on=received_on)


@writes(notice, "pay")
def record_payment(
    pupil: Pupil,
    notice_name: Notice,
    amount: Annotated[str, typer.Argument(metavar="POUNDS", help="In pounds, such as 80 or 80.50.")],
    paid_on: Annotated[str, typer.Option("--paid-on", metavar="DAY", help="The day of payment.")],
) -> Line:
    """Record that a notice was paid. Records RecordPayment.

    \b
    Example: attendance notice pay 1042 PN-1 80 --paid-on 2025-12-19
    """
    return line("RecordPayment", pupil=pupil, notice=notice_name, paid_on=paid_on, amount=amount)


@writes(notice, "withdraw")
def withdraw_notice(pupil: Pupil, notice_name: Notice, reason: Reason = None) -> Line:
    """Withdraw a notice. It counts as if never issued; records WithdrawPenaltyNotice.

    \b
    Example: attendance notice withdraw 1042 PN-1 --reason "sent to the wrong address"
    """
    return line("WithdrawPenaltyNotice", pupil=pupil, notice=notice_name, reason=reason)


@writes(prosecution, "begin")
def begin_prosecution(
    pupil: Pupil,
    notice_name: Notice,
    begun_on: Annotated[str, typer.Argument(metavar="BEGUN", help="The day on which it was begun.")],
    offence: Annotated[str, typer.Option("--offence", metavar="SECTION", help="444(1), or 444(1A) for who knows.")],
) -> Line:
    """Record that a parent is prosecuted. For the original offence; records BeginProsecution.

    \b
    Example: attendance prosecution begin 1042 PN-1 2026-01-20 --offence "444(1)"
    """
    return line("BeginProsecution", pupil=pupil, notice=notice_name, begun_on=begun_on, offence=offence)


@writes(prosecution, "end")
def end_prosecution(
    pupil: Pupil,
    notice_name: Notice,
    ended_on: EndedOn,
    outcome: Annotated[str, typer.Option("--outcome", metavar="OUTCOME", help="Convicted, acquitted or withdrawn.")],
    fine: Annotated[str | None, typer.Option("--fine", metavar="POUNDS", help="In pounds, such as 250.")] = None,
    said: Annotated[str | None, typer.Option("--said", metavar="TEXT", help="What the court said.")] = None,
) -> Line:
    """Record what came of a prosecution. Records EndProsecution.

    \b
    Example: attendance prosecution end 1042 PN-1 2026-03-10 --outcome convicted --fine 250
    """
    return line(
        "EndProsecution", pupil=pupil, notice=notice_name, ended_on=ended_on, outcome=outcome, fine=fine, said=said
    )
