"""The verb that writes a ledger's years that are over as columns, and checks what was written."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from commands.cli.frame.bars import progress_bar
from commands.cli.frame.options import JsonOption, KeysOption, LedgerOption, note, one_line, opened, parse_day
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say, say_json
from commands.cli.verbs.seal import SealOption
from commands.wiring import LEDGER_VARIABLE, House, ledger_address, open_house, sqlite_files
from ledger.errors import Misconfigured, Refused
from ledger.note import parse_key
from ledger.seal import open_seal
from ledger.sessions import LONDON, format_year, from_micros
from projections.archive import NOTE, read_manifest
from projections.archive.verifying import verify
from projections.archive.writing import Written, end_of_day, end_of_last_year, write

verbs = Verbs()

NOT_SIGNED = "the manifest is not signed"
FolderOption = Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="The archive.")]


@verbs.command("archive")
def archive_ledger(
    folder: FolderOption = Path("archive"),
    until: Annotated[
        str | None, typer.Option("--until", metavar="DAY", help="What was recorded up to that day. [default 31 July]")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="The running school year, too.")] = False,
    check: Annotated[bool, typer.Option("--verify", help="Write nothing; say whether the archive holds.")] = False,
    seal: SealOption = None,
    verifier: Annotated[
        str | None, typer.Option("--verifier", metavar="KEY", help="With --verify: whose key must have signed it.")
    ] = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write school years that are over as Parquet files, or check those that were written.

    A file for each school year of recording, with the stored bytes and beside them what they say, and a manifest with
    the digest of each; a seal's key signs it. What is archived already stays as it is, and is checked first.

    \b
    Example: attendance archive -o /media/safe/archive --seal /media/safe/seal
    """
    if check:
        if until is not None or everything:
            raise Refused("malformed", field="--verify", expected="without --until and --all: it writes nothing")
        _verify(folder, seal, verifier, ledger, keys, as_json=as_json)
        return
    if verifier is not None:
        raise Refused("malformed", field="--verifier", expected="with --verify: what is written is signed by --seal")

    day = parse_day("--until", until)
    if day is not None and everything:
        raise Refused("malformed", field="--until", value=until, expected="either --until or --all")
    with opened(ledger, keys) as house:
        limit = _limit(house, day, everything)
        with progress_bar("archiving", None) as progress:
            done = write(house.ledger, folder, limit, open_seal(seal) if seal else None, progress)
        _tell(folder, done, house.simulated, until, as_json=as_json)


def _limit(house: House, until: date | None, everything: bool) -> int:
    """Return the moment up to which is archived, in microseconds."""
    _, last = house.ledger.reads.head()
    if everything:
        return last
    if until is not None:
        return end_of_day(until)
    now = from_micros(last) if house.simulated else house.ledger.now()
    return end_of_last_year(now.astimezone(LONDON).date())


def _tell(folder: Path, done: Written, simulated: bool, until: str | None, *, as_json: bool) -> None:
    manifest = done.manifest
    if as_json:
        listed = None if manifest is None else msgspec.to_builtins(manifest)
        new = [segment.file for segment in done.new]
        say_json({"folder": str(folder), "new": new, "signed": done.signed, "simulated": simulated, "manifest": listed})
        return
    marked = " (SIMULATED)" if simulated else ""
    if manifest is None:
        earlier = "no school year is over; --until DAY or --all ends one earlier"
        say(f"nothing to archive yet: {f'nothing was recorded by {until}' if until else earlier}{marked}")
        return
    for segment in done.new:
        say(
            f"{segment.file}: recorded in {format_year(segment.year)}, positions {segment.first} to {segment.last}, "
            f"{segment.marks} marks"
        )
    kept = "" if done.new else ", nothing new"
    segments = f"{len(manifest.segments)} segment{'' if len(manifest.segments) == 1 else 's'}"
    say(f"archived up to position {manifest.position}, {segments}{kept}{marked}")
    if not done.signed:
        note("the manifest is not signed: give --seal FOLDER")


def _verify(
    folder: Path, seal: Path | None, verifier: str | None, ledger: str | None, keys: str | None, *, as_json: bool
) -> None:

    held = read_manifest(folder)
    if held is None:
        raise Misconfigured(f"there is no archive in {folder}: 'attendance archive' writes one")
    key = parse_key(verifier) if verifier else open_seal(seal).key if seal else None
    house = _house(ledger, keys)
    try:
        with progress_bar("verifying", held.manifest.position) as progress:
            findings = verify(folder, held, house.ledger if house else None, key, progress)
    finally:
        if house is not None:
            house.close()
    signed = (folder / NOTE).is_file()
    if as_json:
        about = {"position": held.manifest.position, "signed": signed, "signature_checked": key is not None}
        against = {"ledger_checked": house is not None, "simulated": held.manifest.simulated}
        say_json({**about, **against, "findings": [each.plain("rule", "sentence", "position") for each in findings]})
    else:
        for each in findings:
            say(one_line(each.sentence) + (f" (position {each.position})" if each.position else ""))
        marked = " (SIMULATED)" if held.manifest.simulated else ""
        unsigned = "" if key else ", unsigned"
        say(f"{len(findings) or 'nothing'} found; position {held.manifest.position}{unsigned}{marked}")
        if house is None:
            note("there is no ledger here, so the archive was checked by itself")
        if key is None:
            note("the signature was not checked: give --seal FOLDER or --verifier KEY" if signed else NOT_SIGNED)
    if findings:
        raise typer.Exit(1)


def _house(ledger: str | None, keys: str | None) -> House | None:
    """Return the ledger that is named, or is where ledgers are by default; None where neither."""
    named = ledger or os.environ.get(LEDGER_VARIABLE)
    return open_house(ledger, keys) if named or sqlite_files(ledger_address()) else None
