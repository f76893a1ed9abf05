"""The verb that seals: reads every stored event again, hashes it, and signs what the ledger is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.bars import progress_bar
from commands.cli.frame.options import JsonOption, KeysOption, LedgerOption, note, opened
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say, say_json
from commands.wiring import House
from ledger.epochs import Epochs, last_signed
from ledger.errors import Misconfigured
from ledger.note import Checkpoint, open_note, parse_checkpoint
from ledger.seal import LOST, BrokenSeal, Seal, new_seal, open_seal, read
from ledger.stamp import ask
from projections.audit.health import stray_findings
from projections.readmodel.replay import pages

verbs = Verbs()

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
        str | None, typer.Option("--timestamp", metavar="URL", help="Have this authority stamp it (RFC 3161).")
    ] = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign what the ledger is. Prints a checkpoint: its size, its root, the rules in force, a signature.

    Everything is read and hashed again; what is no continuation of all that was signed before is not signed. One that
    was stopped goes on when it is asked again. Give checkpoints to people outside: with one, and with key.pub,
    'attendance verify' finds any change, whoever made it.

    \b
    Example: attendance seal --seal /media/safe/seal --ledger sqlite:///school.db
    """
    if folder is None:
        raise Misconfigured(f"where is the seal? Give --seal FOLDER or {SEAL_VARIABLE}")
    with opened(ledger, keys) as house:
        seal, signed = _signed(house, folder, new=new)
        simulated = house.simulated
    checkpoint = parse_checkpoint(open_note(signed, seal.key))
    if timestamp is not None:
        seal.stamp(checkpoint.size, ask(timestamp, signed))
    if as_json:
        about = {"years": checkpoint.years, "until": checkpoint.until, "rules": checkpoint.rules}
        answer = {"size": checkpoint.size, "root": checkpoint.root.hex(), **about}
        say_json({**answer, "note": signed, "verifier": str(seal.key), "simulated": simulated})
    else:
        say(signed)
        if simulated:
            note("SIMULATED: this ledger's clock and people are made up")


def _signed(house: House, folder: Path, *, new: bool) -> tuple[Seal, str]:
    """Return the seal of a folder, made or begun there where that is asked for, and the note that it signed."""

    if new:
        school = house.ledger.opened()
        assert school is not None
        seal = new_seal(folder, f"attendance/{school.urn}")
        note(f"made {folder}: keep 'key' for the signer alone, give 'key.pub' to everybody")
    else:
        seal = open_seal(folder)
    memory, remembered = _remembered(house, seal, new=new)
    if strays := stray_findings(house.ledger):
        raise BrokenSeal(f"nothing was signed: {strays[0].sentence}")
    head = house.ledger.reads.end()
    with progress_bar("sealing", head) as progress:
        rows = (row for page in pages(house.ledger, head) for row in page)
        sizes = {one.size for one in [*seal.checkpoints(), *remembered]}
        reading = read(rows, sizes, progress, whole=sorted(sizes)[-1:])
    if reading.size != head:
        raise BrokenSeal(f"nothing was signed: the ledger holds {reading.size} events and ends at {head}")
    signed = seal.sign(reading, remembered)
    if memory is not None:
        memory.signed(str(seal.key), signed)
    return seal, signed


def _remembered(house: House, seal: Seal, *, new: bool) -> tuple[Epochs | None, list[Checkpoint]]:
    """Return where this seal is remembered, put down there before it signs anything, and what the ledger's seals signed
    last. Raises BrokenSeal for a folder that was put in the place of the ledger's seal, or was emptied."""

    memory = house.keys.epochs()
    try:
        known = memory.all() if memory else []
        if known and not new and not seal.is_fresh and str(seal.key) not in {epoch.verifier for epoch in known}:
            raise BrokenSeal(
                f"nothing was signed: this seal's key is not that of seal {known[-1].number}, which the key store "
                "remembers; 'attendance seal --new', in another folder, begins the next one"
            )
        epoch = memory.begin(str(seal.key)) if memory else None
    except Misconfigured as error:
        note(f"{error}, so nobody will notice another seal in the place of this one")
        return None, []
    if epoch is None:
        note("the key store is missing, so nobody will notice another seal in the place of this one")
        return None, []
    if seal.is_fresh and epoch.note:
        raise BrokenSeal(f"nothing was signed: {LOST}")
    if epoch.number > 1 and seal.is_fresh:
        note(f"this is seal {epoch.number} of this ledger, and what the earlier ones signed last still has to hold")
    return memory, [checkpoint for _, checkpoint in last_signed(known)]
