"""Verbs of what follows an absence: medical evidence and sickness, and who allowed it."""

from __future__ import annotations

from commands.cli.frame.derived import derive
from commands.cli.frame.parameters import Verbs
from commands.models.follow_up import (
    AttributeAbsence,
    ExpectSickness,
    RecordEvidence,
    RequestEvidence,
    ReturnEvidence,
)

verbs = Verbs()

medical = Verbs(help="Medical evidence and sickness: request, seen, returned, expect.")
verbs.add_typer(medical, name="medical")


derive(
    medical,
    "request",
    RequestEvidence,
    """Record that medical evidence was asked for. Which only a doubt allows; records RequestEvidence.

    \b
    Example: attendance medical request 1042 ME-1 2025-11-03/AM 2025-11-03/PM --parent 1042-a \\
                 --doubt "the fourth Monday in a row" --wanted "an appointment card"
    """,
)

derive(
    medical,
    "seen",
    RecordEvidence,
    """Record evidence that was seen. Asked for or not; records RecordEvidence.

    \b
    Example: attendance medical seen 1042 ME-1 2025-11-03/AM 2025-11-03/PM --seen-on 2025-11-06 --what "a prescription"
    """,
)

derive(
    medical,
    "returned",
    ReturnEvidence,
    """Record that evidence was given back. Records ReturnEvidence.

    \b
    Example: attendance medical returned 1042 ME-1 2025-11-07
    """,
)

derive(
    medical,
    "expect",
    ExpectSickness,
    """Record that a pupil is expected to be away ill. Records ExpectSickness.

    \b
    Example: attendance medical expect 1042 2025-11-10 2025-12-05 --grounds "an operation, says the hospital"
    """,
)

derive(
    verbs,
    "allowed",
    AttributeAbsence,
    """Record which parents are believed to have allowed an absence. And why; records AttributeAbsence.

    \b
    Example: attendance allowed 1042 2025-11-24/AM 2025-11-24/PM --parent 1042-a --parent 1042-b \\
                 --reason "both are on the booking"
    """,
    parents="--parent",
)
