"""Verbs of keeping and forgetting: holds, the destruction of keys, and everything that is held about one child."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.arguments import Pupil
from commands.cli.frame.asking import known_pupils, note_lost_keys
from commands.cli.frame.bars import progress_bar
from commands.cli.frame.derived import derive
from commands.cli.frame.files import write_bytes
from commands.cli.frame.options import (
    AcceptClockOption,
    AtOption,
    ByOption,
    IdOption,
    JsonOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    opened,
    parse_known_at,
    parse_recorded_at,
)
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say, say_json
from commands.cli.frame.write import line, person, record
from commands.desk.outcome import deciding_moment
from commands.models.keeping import DoubtStamps, LiftHold, PlaceHold
from ledger.errors import Misconfigured
from ledger.text import escaped
from ledger.words import counted
from projections.audit.retention import forgettable, subject_record

verbs = Verbs()
hold = Verbs(help="A hold on everything about a pupil: place, lift.")
verbs.add_typer(hold, name="hold")

SHOWN = 20

derive(
    hold,
    "place",
    PlaceHold,
    """Place a hold: nothing about this pupil is forgotten until it is lifted. Records PlaceHold.

    \b
    Example: attendance hold place 1042 --reason "proceedings in the Magistrates' Court"
    """,
)

derive(
    hold,
    "lift",
    LiftHold,
    """Lift a hold. Records LiftHold.

    \b
    Example: attendance hold lift 1042 --reason "the case is closed"
    """,
)

derive(
    verbs,
    "doubt",
    DoubtStamps,
    """Say that recorded times are wrong, from one position to another. Records DoubtStamps.

    They stay as they are; answers about that time carry a caution from then on.

    \b
    Example: attendance doubt 1810 1812 --reason "the server's clock was at 2038"
    """,
)


@verbs.command("forget")
def forget(
    really: Annotated[
        bool, typer.Option("--destroy-keys", help="Do it; without this only what would be forgotten is listed.")
    ] = False,
    by: ByOption = None,
    second: Annotated[
        str | None, typer.Option("--second", metavar="ID:NAME:TITLE", help="Who agrees to it: another person.")
    ] = None,
    command_id: IdOption = None,
    at: AtOption = None,
    accept_clock: AcceptClockOption = False,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget the words of pupils' school years that have been kept long enough. Records ForgetYears.

    Their keys are destroyed, for ever; marks, codes and counts stay, and everything still verifies. Backups of the key
    store have to be destroyed as well, wherever they are. Two people have to agree. Age is counted between recorded
    times, whatever the clock says, and nothing about a pupil on roll is forgotten.

    \b
    Example: attendance forget --destroy-keys --by "head:H Example:Headteacher" --second "gov:G Ov:Chair of governors"
    """
    recorded_at = parse_recorded_at(at)
    with opened(ledger, keys) as house:
        if house.keys.lost:
            raise Misconfigured(f"the key store {house.keys.address} is missing, so there is nothing to destroy")
        moment = deciding_moment(house, recorded_at)
        with progress_bar("looking", moment.position) as progress:
            owners = forgettable(house.answers, moment, progress)
        simulated = house.simulated
    years = [{"pupil": owner.name, "year": owner.year} for owner in owners]
    if really and years:
        forgetting = line("ForgetYears", years=years, second=person(second) if second else None)
        record(
            forgetting,
            by=by,
            command_id=command_id,
            at=at,
            accept_clock=accept_clock,
            ledger=ledger,
            keys=keys,
            as_json=as_json,
        )
        return
    if as_json:
        say_json({"forgettable": years, "forgotten": [], "simulated": simulated})
        return
    named = ", ".join(f"{owner.name}/{owner.year}" for owner in owners[:SHOWN]) + (" …" if len(owners) > SHOWN else "")
    many = counted(len(owners), "pupil's year", "pupils' years")
    what = f"{many} may be forgotten: {named}" if owners else "nothing is old enough to be forgotten"
    say(what + (" (SIMULATED)" if simulated else ""))


@verbs.command("subject")
def subject_access(
    pupil: Pupil,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.json", help="The file to write.")],
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
) -> None:
    """Write everything that is held about one child into one file, and no other child's data.

    \b
    Example: attendance subject 1042 -o subject.json
    """
    known = parse_known_at(known_at)
    with opened(ledger, keys) as house:
        moment = house.answers.moment(None, known)
        known_pupils(moment, [pupil])
        note_lost_keys(house)
        record = subject_record(house.answers, moment, pupil)
        simulated = house.simulated
    write_bytes(output, (escaped(json.dumps(record, ensure_ascii=False, indent=1)) + "\n").encode())
    say(f"wrote {counted(len(record['events']), 'event')} to {output}" + (" (SIMULATED)" if simulated else ""))
