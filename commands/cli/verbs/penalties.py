"""Verbs of the case about one parent and one pupil: considered, told to improve, referred, a notice issued and paid,
and what came of it. Each records what people decided; none of them decides."""

from __future__ import annotations

from commands.cli.frame.derived import derive
from commands.cli.frame.parameters import Verbs
from commands.models.case import (
    BeginProsecution,
    ConsiderPenalty,
    EndImprovement,
    EndProsecution,
    IssuePenaltyNotice,
    RecordPayment,
    ReferPenalty,
    RequireImprovement,
    ServeNotice,
    WithdrawPenaltyNotice,
)

verbs = Verbs()

case = Verbs(help="A parent's case: consider, improve, improved, refer.")
notice = Verbs(help="A penalty notice: issue, serve, pay, withdraw.")
prosecution = Verbs(help="A prosecution: begin, end.")
verbs.add_typer(case, name="case")
verbs.add_typer(notice, name="notice")
verbs.add_typer(prosecution, name="prosecution")


derive(
    case,
    "consider",
    ConsiderPenalty,
    """Record that a case was considered. With the decision and its reasons; records ConsiderPenalty.

    \b
    Example: attendance case consider 1042 PN-1 --parent 1042-a --on 2025-12-02 --route "no support" \\
                 --decision notice --reasons "a holiday that was refused"
    """,
    considered_on="--on",
)

derive(
    case,
    "improve",
    RequireImprovement,
    """Record a notice to improve. With its period and test; records RequireImprovement.

    \b
    Example: attendance case improve 1042 PN-1 --issued-on 2025-12-02 --ends-on 2026-01-20 --at-most 2 \\
                 --offered "breakfast club, a weekly call"
    """,
)

derive(
    case,
    "improved",
    EndImprovement,
    """Record how a notice to improve ended. Which may be early; records EndImprovement.

    \b
    Example: attendance case improved 1042 PN-1 2026-01-20 --no --outcome "six more unauthorised sessions"
    """,
    improved="--yes/--no",
)

derive(
    case,
    "refer",
    ReferPenalty,
    """Record a referral to the authority. For the sessions it names; records ReferPenalty.

    \b
    Example: attendance case refer 1042 PN-1 2025-11-24/PM 2025-11-25/AM --on 2025-12-03
    """,
    referred_on="--on",
)

derive(
    notice,
    "issue",
    IssuePenaltyNotice,
    """Record that a notice was issued. For the sessions it names; records IssuePenaltyNotice.

    \b
    Example: attendance notice issue 1042 PN-1 2025-11-24/PM 2025-11-25/AM --parent 1042-a --issued-on 2025-12-09
    """,
)

derive(
    notice,
    "serve",
    ServeNotice,
    """Record how a notice was sent. Its periods start with the day of receipt; records ServeNotice.

    \b
    Example: attendance notice serve 1042 PN-1 post 2025-12-09
    """,
)

derive(
    notice,
    "pay",
    RecordPayment,
    """Record that a notice was paid. Records RecordPayment.

    \b
    Example: attendance notice pay 1042 PN-1 80 --paid-on 2025-12-19
    """,
)

derive(
    notice,
    "withdraw",
    WithdrawPenaltyNotice,
    """Withdraw a notice. It counts as if never issued; records WithdrawPenaltyNotice.

    \b
    Example: attendance notice withdraw 1042 PN-1 --reason "sent to the wrong address"
    """,
)

derive(
    prosecution,
    "begin",
    BeginProsecution,
    """Record that a parent is prosecuted. For the original offence; records BeginProsecution.

    \b
    Example: attendance prosecution begin 1042 PN-1 2026-01-20 --offence "444(1)"
    """,
)

derive(
    prosecution,
    "end",
    EndProsecution,
    """Record what came of a prosecution. Records EndProsecution.

    \b
    Example: attendance prosecution end 1042 PN-1 2026-03-10 --outcome convicted --fine 250
    """,
)
