"""The verb that brings in marks from another system."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import ValidationError

from commands.cli.frame.bars import stage_bars
from commands.cli.frame.options import (
    AcceptClockOption,
    AtOption,
    ByOption,
    JsonOption,
    KeysOption,
    LedgerOption,
    parse_recorded_at,
)
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say, say_json
from commands.cli.frame.write import signer
from commands.imports.marks import import_marks
from commands.models import malformed
from commands.models.base import By
from commands.wiring import open_house

verbs = Verbs()
imports = Verbs(help="What another system exported: marks.")
verbs.add_typer(imports, name="import")


@imports.command("marks")
def import_file(
    file: Annotated[str, typer.Argument(metavar="FILE.csv", help="An export of marks.")],
    source: Annotated[str, typer.Option("--source", metavar="TEXT", help="What to call the other system.")] = "",
    rejects: Annotated[
        str | None,
        typer.Option("--rejects", metavar="FILE", help="Where to say what was rejected. [default FILE-rejects.csv]"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, record nothing.")] = False,
    by: ByOption = None,
    at: AtOption = None,
    accept_clock: AcceptClockOption = False,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import marks that another system asserts; exit 2 if any was rejected.

    Nothing is ever overwritten, and the same file again continues or changes nothing.

    \b
    Example: attendance import marks export.csv --dry-run
    """
    recorded_at = parse_recorded_at(at)

    try:
        signed = By(**signer(by))
    except ValidationError as error:
        raise malformed(error, By) from None
    with open_house(ledger, keys) as house, stage_bars() as progress:
        result = import_marks(
            file,
            house.ledger,
            house.keys,
            signed,
            source=source,
            rejects=rejects,
            dry_run=dry_run,
            at=recorded_at,
            accept_clock=accept_clock,
            progress=progress,
        )
    if as_json:
        say_json(result._asdict())
    else:
        reasons = [f"{count:>9,}  {reason}" for reason, count in result.reasons.items()]
        say("\n".join([str(result) + (" (SIMULATED)" if result.simulated else ""), *reasons]))
    if result.rejected:
        raise typer.Exit(2)
