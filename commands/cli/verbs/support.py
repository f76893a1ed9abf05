"""Verbs of support: its steps, agencies told, and what was passed on. Nothing here sends anything: it records that
somebody did."""

from __future__ import annotations

from commands.cli.frame.derived import derive
from commands.cli.frame.parameters import Verbs
from commands.models.support import InformAgency, RecordSupport, ShareInformation

verbs = Verbs()

derive(
    verbs,
    "support",
    RecordSupport,
    """Record a stage of a step of support. Records RecordSupport.

    \b
    Example: attendance support 1042 "attendance contract" agreed 2025-11-20 --next-on 2025-12-11 \\
                 --person "B Example" --outcome "a taxi until the new year"
    """,
    people="--person",
)

derive(
    verbs,
    "inform",
    InformAgency,
    """Record that somebody outside was told. Records InformAgency.

    \b
    Example: attendance inform 1042 "social worker" "unexplained absence" 2025-11-03 --person "S Worker"
    """,
)

derive(
    verbs,
    "share",
    ShareInformation,
    """Record what was passed on outside this school. To whom and why; records ShareInformation.

    \b
    Example: attendance share 1042 "attendance of the year" --with "Hill School" --on 2025-12-12 \\
                 --as-of 2025-12-11 --why "a sibling is there"
    """,
    recipient="--with",
)
