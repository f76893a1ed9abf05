"""What verbs are given beside their options: pupils, half-days, parents, codes, and which archive to read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Pupil = Annotated[str, typer.Argument(metavar="PUPIL", help="The pupil's admission number.")]
SessionArgument = Annotated[str, typer.Argument(metavar="SESSION", help="A half-day, such as 2025-11-03/AM.")]
Parent = Annotated[str, typer.Argument(metavar="PARENT", help="One of this pupil's parents, by id.")]
ParentOption = Annotated[str, typer.Option("--parent", metavar="ID", help="One of this pupil's parents, by id.")]
ParentsOption = Annotated[
    list[str], typer.Option("--parent", metavar="ID", help="One of this pupil's parents, by id; may be repeated.")
]
Seen = Annotated[
    int | None, typer.Option("--seen", metavar="POSITION", help="Up to where the ledger was seen. [default its end]")
]
Day = Annotated[str, typer.Argument(metavar="DAY", help="Such as 2025-11-03.")]
Class = Annotated[str, typer.Argument(metavar="CLASS", help="The class, such as 4W.")]
Code = Annotated[str, typer.Argument(metavar="CODE", help="A code of the register.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why.")]
Pupils = Annotated[
    list[str] | None, typer.Argument(metavar="PUPIL...", help="Admission numbers, also of pupils who have left.")
]
ArchiveOption = Annotated[
    Path | None,
    typer.Option("--archive", metavar="FOLDER", help="Read marks from an archive and the ledger's tail after it."),
]
ArchiveKeyOption = Annotated[
    str | None,
    typer.Option("--verifier", metavar="KEY", help="Whose key must have signed the archive: what key.pub holds."),
]
