"""Verbs of what follows an absence: medical evidence and sickness, enquiries, and who allowed it."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.cli.options import PLAIN
from commands.cli.write import Line, ParentOption, ParentsOption, Pupil, Reason, SessionsArgument, line, writes

verbs = typer.Typer(**PLAIN)

medical = typer.Typer(help="Medical evidence and sickness: request, seen, returned, expect.", **PLAIN)
verbs.add_typer(medical, name="medical")

Evidence = Annotated[str, typer.Argument(metavar="EVIDENCE", help="The evidence's own name, such as ME-1.")]
Outcome = Annotated[str | None, typer.Option("--outcome", metavar="TEXT", help="What came of it.")]


@writes(medical, "request")
def request_evidence(
    pupil: Pupil,
    evidence: Evidence,
    sessions: SessionsArgument,
    parent: ParentOption,
    doubt: Annotated[
        str | None, typer.Option("--doubt", metavar="TEXT", help="The reasonable doubt that allows it.")
    ] = None,
    wanted: Annotated[str | None, typer.Option("--wanted", metavar="TEXT", help="What would do.")] = None,
) -> Line:
    """Record that medical evidence was asked for. Which only a doubt allows; records RequestEvidence.

    \b
    Example: attendance medical request 1042 ME-1 2025-11-03/AM 2025-11-03/PM --parent 1042-a \\
                 --doubt "the fourth Monday in a row" --wanted "an appointment card"
    """
    return line(
        "RequestEvidence",
        pupil=pupil,
        evidence=evidence,
        parent=parent,
        sessions=sessions,
        doubt=doubt,
        wanted=wanted,
    )


@writes(medical, "seen")
def evidence_seen(
    pupil: Pupil,
    evidence: Evidence,
    sessions: SessionsArgument,
    seen_on: Annotated[str, typer.Option("--seen-on", metavar="DAY", help="The day it was seen.")],
    what: Annotated[str | None, typer.Option("--what", metavar="TEXT", help="What it was.")] = None,
) -> Line:
    """Record evidence that was seen. Asked for or not; records RecordEvidence.

    \b
    Example: attendance medical seen 1042 ME-1 2025-11-03/AM 2025-11-03/PM --seen-on 2025-11-06 --what "a prescription"
    """
    return line("RecordEvidence", pupil=pupil, evidence=evidence, seen_on=seen_on, sessions=sessions, what=what)


@writes(medical, "returned")
def evidence_returned(
    pupil: Pupil,
    evidence: Evidence,
    returned_on: Annotated[str, typer.Argument(metavar="RETURNED", help="The day it was given back.")],
) -> Line:
    """Record that evidence was given back. Records ReturnEvidence.

    \b
    Example: attendance medical returned 1042 ME-1 2025-11-07
    """
    return line("ReturnEvidence", pupil=pupil, evidence=evidence, returned_on=returned_on)


@writes(medical, "expect")
def expect_sickness(
    pupil: Pupil,
    first_day: Annotated[str, typer.Argument(metavar="FIRST", help="The first day.")],
    last_day: Annotated[str, typer.Argument(metavar="LAST", help="The last day, as far as can be said.")],
    grounds: Annotated[str | None, typer.Option("--grounds", metavar="TEXT", help="What makes us expect it.")] = None,
) -> Line:
    """Record that a pupil is expected to be away ill. Records ExpectSickness.

    \b
    Example: attendance medical expect 1042 2025-11-10 2025-12-05 --grounds "an operation, says the hospital"
    """
    return line("ExpectSickness", pupil=pupil, first_day=first_day, last_day=last_day, grounds=grounds)


@writes(verbs, "enquiries")
def enquiries(
    pupil: Pupil,
    on: Annotated[str, typer.Argument(metavar="ON", help="The day on which they were made.")],
    jointly: Annotated[bool, typer.Option("--jointly", help="Together with the local authority.")] = False,
    outcome: Outcome = None,
) -> Line:
    """Record that a pupil was asked after. Records RecordEnquiries.

    \b
    Example: attendance enquiries 1042 2025-11-20 --jointly --outcome "nobody lives at the address"
    """
    return line("RecordEnquiries", pupil=pupil, on=on, jointly=jointly or None, outcome=outcome)


@writes(verbs, "allowed")
def allowed(
    pupil: Pupil,
    sessions: SessionsArgument,
    parents: ParentsOption,
    reason: Reason = None,
) -> Line:
    """Record which parents are believed to have allowed an absence. And why; records AttributeAbsence.

    \b
    Example: attendance allowed 1042 2025-11-24/AM 2025-11-24/PM --parent 1042-a --parent 1042-b \\
                 --reason "both are on the booking"
    """
    return line("AttributeAbsence", pupil=pupil, sessions=sessions, parents=parents, reason=reason)
