"""Verbs of a pupil's move: the record that goes along, and its receipt at the next school."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.arguments import Pupil
from commands.cli.frame.asking import known_pupils
from commands.cli.frame.files import out_path, write_bytes
from commands.cli.frame.options import (
    AsOfOption,
    JsonOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    opened,
    parse_day,
    parse_known_at,
)
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say, say_json
from commands.cli.frame.write import Line, line, writes
from commands.cli.verbs.seal import SEAL_VARIABLE, SealOption
from commands.desk.outcome import check_has_been
from ledger.errors import Misconfigured, Refused
from ledger.seal import open_seal
from projections.audit.portable import portable_record
from projections.figures.cohorts import described

verbs = Verbs()

LONGEST_FILE = 40_000_000  # bytes: of ten million characters, each the longest there is


@verbs.command("portable")
def make_portable(
    pupil: Pupil,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.json", help="Write the record here.")],
    seal: SealOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign the record that a pupil takes to the next school: ten school weeks, the year to date, notices.

    The ledger must be sealed so far. Give the next school the file, and 'key.pub' of the seal by another way. Entries
    after --as-of stay here, so give the last day of attendance where the name was taken off the roll later.

    \b
    Example: attendance portable 1042 -o moves.json --seal /media/safe/seal
    """
    about, known = parse_day("--as-of", as_of), parse_known_at(known_at)
    if seal is None:
        raise Misconfigured(f"a record is signed with the seal's key: give --seal FOLDER or {SEAL_VARIABLE}")

    path = out_path(str(output), (".json",))
    key = open_seal(seal)
    with opened(ledger, keys) as house:
        moment = house.answers.moment(about, known)
        known_pupils(moment, [pupil])
        check_has_been(moment, "--as-of", moment.as_of)
        record, text = portable_record(house.answers, moment, pupil, key)
    if record.pupil.upn in path.name:
        raise Refused("malformed", field="--output", expected="a file's name without the pupil's UPN")
    write_bytes(path, text.encode())
    if as_json:
        answer = {"pupil": pupil, "file": str(output), "entries": len(record.entries), "notices": len(record.notices)}
        say_json({**answer, "as_of": record.as_of, "position": record.position, "simulated": record.simulated})
        return
    simulated = " (SIMULATED)" if record.simulated else ""
    say(f"Portable record of {pupil}{simulated}: {output}")
    say(f"{len(record.entries)} entries, {len(record.notices)} notices, signed by {key.key.name}")
    say(described(moment))


@writes(verbs, "receive")
def receive(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The record, as the former school wrote it.")],
    pupil: Annotated[str, typer.Option("--pupil", metavar="PUPIL", help="The pupil's admission number here.")],
    key: Annotated[Path, typer.Option("--key", metavar="KEYFILE", help="The former school's key.pub.")],
    parents: Annotated[
        list[str] | None,
        typer.Option("--parent", metavar="THEIRS=OURS", help="One parent's id there and here; may be repeated."),
    ] = None,
) -> Line:
    """Receive a former school's record. Its sessions go on counting to the penalty window; records ReceiveRecord.

    Its notices count to "two in three years" only for a parent whom you name with --parent.

    \b
    Example: attendance receive moves.json --pupil 2042 --key former.pub --parent 1042-a=2042-b
    """
    pairs = [text.partition("=") for text in parents or []]
    once = all(len({pair[side] for pair in pairs}) == len(pairs) for side in (0, 2))
    if any(not theirs or not ours for theirs, _, ours in pairs) or not once:
        raise Refused("malformed", field="--parent", expected="each of theirs and of ours once, as THEIRS=OURS")
    mapped = {theirs: ours for theirs, _, ours in pairs}
    texts = {"record": _text(file), "key": _text(key).strip()}
    return line("ReceiveRecord", pupil=pupil, parents=mapped or None, **texts)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
        if len(content) > LONGEST_FILE:
            raise Misconfigured(f"the file '{path.name}' is longer than any record")
        return content.decode()
    except UnicodeDecodeError:
        raise Misconfigured(f"the file '{path.name}' is no text") from None
    except OSError as error:
        raise Misconfigured(f"the file '{path.name}' cannot be read: {error.strerror}") from None
