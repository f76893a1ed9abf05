"""The verb that seals: reads every stored event again, hashes it, and signs what the ledger is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.cli.options import (
    PLAIN,
    JsonOption,
    KeysOption,
    LedgerOption,
    note,
    opened,
    progress_bar,
    say,
    say_json,
)
from ledger.errors import Misconfigured

verbs = typer.Typer(**PLAIN)

SEAL_VARIABLE = "ATTENDANCE_SEAL"
SealOption = Annotated[
    Path | None,
    typer.Option("--seal", metavar="FOLDER", envvar=SEAL_VARIABLE, help="The seal, kept apart from the ledger."),
]


@verbs.command("seal")
def seal_ledger(
    folder: SealOption = None,
    new: Annotated[bool, typer.Option("--new", help="Make the seal: a key, in a folder of its own.")] = False,
    timestamp: Annotated[
        str | None,
        typer.Option("--timestamp", metavar="URL", help="Have this authority stamp it (RFC 3161)."),
    ] = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign what the ledger is. Prints a checkpoint: its size, its root, a signature.

    Everything is read and hashed again; what is no continuation of all that was signed before is not signed. Give
    checkpoints to people outside: with one, and with key.pub, 'attendance verify' finds any change, whoever made it.

    \b
    Example: attendance seal --seal /media/safe/seal --ledger sqlite:///school.db
    """
    from ledger.note import open_note, parse_checkpoint
    from ledger.seal import BrokenSeal, new_seal, open_seal, read
    from projections.health import stray_findings
    from projections.replay import pages

    if folder is None:
        raise Misconfigured(f"where is the seal? Give --seal FOLDER or {SEAL_VARIABLE}")
    with opened(ledger, keys) as house:
        if new:
            school = house.ledger.opened()
            assert school is not None
            seal = new_seal(folder, f"attendance/{school.urn}")
            note(f"made {folder}: keep 'key' for the signer alone, give 'key.pub' to everybody")
        else:
            seal = open_seal(folder)
        if strays := stray_findings(house.ledger):
            raise BrokenSeal(f"nothing was signed: {strays[0].sentence}")
        head = house.ledger.reads.end()
        with progress_bar("sealing", head) as progress:
            rows = (row for page in pages(house.ledger, head) for row in page)
            reading = read(rows, {one.size for one in seal.checkpoints()}, progress)
        if reading.size != head:
            raise BrokenSeal(f"nothing was signed: the ledger holds {reading.size} events and ends at {head}")
        signed = seal.sign(reading)
        simulated = house.simulated
    checkpoint = parse_checkpoint(open_note(signed, seal.key))
    if timestamp is not None:
        from ledger.stamp import ask

        seal.stamp(checkpoint.size, ask(timestamp, signed))
    if as_json:
        told = {"size": checkpoint.size, "root": checkpoint.root.hex(), "years": checkpoint.years}
        say_json({**told, "note": signed, "verifier": str(seal.key), "simulated": simulated})
    else:
        say(signed)
        if simulated:
            note("SIMULATED: this ledger's clock and people are made up")
