"""The verb that builds the read model again."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Annotated, cast

import typer

from commands.cli.frame.bars import stage_bars
from commands.cli.frame.options import (
    AcceptClockOption,
    AtOption,
    ByOption,
    JsonOption,
    KeysOption,
    LedgerOption,
    note,
)
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say, say_json
from commands.cli.frame.write import Line, line, signer
from commands.cli.verbs.schools import MAY_NOT_READ, database_of
from commands.deciding.state import signed
from commands.desk.outcome import outcome
from commands.handle import Done, time_of
from commands.models import parse
from commands.models.keeping import AcceptRestoration
from commands.wiring import House, open_house, sentence_of
from ledger.errors import Misconfigured, Refused
from ledger.note import parse_key
from ledger.sessions import format_moment, from_micros, micros
from ledger.store.rows import check_clock
from ledger.words import counted
from projections.archive.pages import ArchivedMarks
from projections.archive.reading import open_archive
from projections.archive.verifying import verify
from projections.many.schools import opened_school
from projections.readmodel.marks import Marks
from projections.readmodel.rebuild import Rebuilt, Source, drop_old, rebuild, status

verbs = Verbs()

NO = 1
STUCK_SECONDS = 60  # a page takes less than one; putting the key on a large table may take this long

RestartOption = Annotated[bool, typer.Option("--restart", help="Throw away what a rebuild left that did not end.")]
StatusOption = Annotated[bool, typer.Option("--status", help="Only say how far a rebuild is that has not ended.")]
ArchiveOption = Annotated[
    Path | None,
    typer.Option("--from-archive", metavar="FOLDER", help="Read from an archive of it what stands there."),
]
RightOption = Annotated[
    bool, typer.Option("--ledger-is-right", help="Although the read model knew later events, or others.")
]
VerifierOption = Annotated[
    str | None,
    typer.Option("--verifier", metavar="KEY", help="Whose key must have signed the archive: what key.pub holds."),
]
DropOption = Annotated[bool, typer.Option("--drop-old", help="Only drop the generation before the serving one.")]
EveryOption = Annotated[bool, typer.Option("--every-school", help="All the schools of a PostgreSQL database.")]


@verbs.command("rebuild")
def rebuild_read_model(
    restart: RestartOption = False,
    show_status: StatusOption = False,
    drop: DropOption = False,
    every: EveryOption = False,
    from_archive: ArchiveOption = None,
    ledger_is_right: RightOption = False,
    by: ByOption = None,
    at: AtOption = None,
    accept_clock: AcceptClockOption = False,
    verifier: VerifierOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build the read model again from the ledger.

    Beside the one that serves, while registers are taken; once it is proved it takes its place in one transaction. One
    that was stopped goes on where it was. The generation before stays until it is dropped.

    A ledger that was restored from an older copy, or replaced, is behind the read model, and records nothing until
    somebody has said with --ledger-is-right that what only the read model knew of is lost. That is signed, --by;
    records AcceptRestoration.

    \b
    Example: attendance rebuild --ledger sqlite:///school.db
    """
    if sum((restart or from_archive is not None, show_status, drop)) > 1:
        raise Refused("malformed", field="--status", expected="alone: it, --drop-old and a rebuild exclude each other")
    if every:
        if show_status or drop or from_archive or ledger_is_right:
            expected = "without --status, --drop-old, --from-archive and --ledger-is-right"
            raise Refused("malformed", field="--every-school", expected=expected)
        _rebuild_every(ledger, restart=restart, as_json=as_json)
        return

    signature: Line = {"by": signer(by), "at": at, "accept_clock": accept_clock or None}
    acceptance = _acceptance(signature) if ledger_is_right else None
    with open_house(ledger, keys) as house:
        simulated = house.simulated
        if show_status:
            _tell_status(house.engine, simulated, as_json=as_json)
            return
        if drop:
            _tell_dropped(drop_old(house.engine), simulated, as_json=as_json)
            return
        if acceptance is None:
            house.ledger.check_restored()
        else:
            acceptance = _of_restored(house, acceptance)
        with stage_bars(lines=True) as progress:
            source = _source(house, from_archive, verifier) if from_archive else Marks
            done = rebuild(house.ledger, house.engine, progress, restart=restart, source=source)
        accepted = None if acceptance is None else house.handler.handle(acceptance, door="cli")
    _say_rebuilt(done, accepted, simulated, as_json=as_json)


def _source(house: House, folder: Path, verifier: str | None) -> Source:
    """Return what reads marks from the archive of a folder: one that the key signed, or where none is named one whose
    every row was held against the ledger's, as nobody who asks the read model later would know that it came from an
    unsigned one."""

    archive = open_archive(folder, house.ledger, None if verifier is None else parse_key(verifier))
    if verifier is None:
        note("the archive is unsigned, so it is held against the ledger first: --verifier KEY spares that")
        if faults := verify(folder, archive.held, house.ledger):
            raise Misconfigured(f"nothing was rebuilt from the unsigned archive {folder}: {faults[0].sentence}")
    return partial(ArchivedMarks, folder, archive.manifest)


def _rebuild_every(url: str | None, *, restart: bool, as_json: bool) -> None:
    """Rebuild the schools of a database one after the other; one that fails is named and the others go on."""

    failed: dict[str, str] = {}
    rebuilt: list[dict[str, object]] = []
    with database_of(url, None) as (database, names, _, closed), stage_bars(lines=True) as progress:
        failed |= dict.fromkeys(closed, MAY_NOT_READ)
        for name in closed:
            note(f"{name} is left out: {MAY_NOT_READ}")
        for number, name in enumerate(names, 1):
            try:
                school = opened_school(database, name)
                school.ledger.check_restored()
                done = rebuild(school.ledger, school.engine, restart=restart)
            except Exception as error:  # whatever it is, the others go on
                failed[name] = sentence_of(error)
                note(f"{name} is left out: {failed[name]}")
                continue
            _tell(done, f"{name}: ")
            rebuilt.append({"school": name, **done._asdict()})
            if progress is not None:
                progress("rebuilding", number, len(names))
    if as_json:
        say_json({"rebuilt": rebuilt, "failed": [{"school": name, "reason": why} for name, why in failed.items()]})
    else:
        say(f"rebuilt {counted(len(rebuilt), 'school')}{f', {len(failed)} left out' if failed else ''}")
    if failed:
        raise typer.Exit(NO)


def _acceptance(signature: Line) -> AcceptRestoration:
    """Return the command by which somebody takes a restored ledger for right, its positions yet to be filled in.
    Refuses: malformed, unknown_person."""

    command = parse(line("AcceptRestoration", stood=1, ended=1, **signature))
    signed(command.by)
    return cast("AcceptRestoration", command)


def _of_restored(house: House, acceptance: AcceptRestoration) -> AcceptRestoration | None:
    """Return the command with its positions, and say what is given up; None where ledger and read model fit each other.
    Refused before anything is rebuilt where it could not be recorded afterwards."""

    try:
        house.ledger.check_restored()
        return None
    except Misconfigured as error:
        note(f"the ledger is taken for right, as you say: {str(error).partition(', and nothing is recorded')[0]}")
    house.check_opened()
    now, at = time_of(acceptance.at, house.ledger, house.simulated, house.ledger.now)
    ended, last = house.ledger.reads.head()
    if at is None and not acceptance.accept_clock:
        check_clock(micros(now), last, ())
    built = house.ledger.reads.read_model()
    assert built is not None
    return acceptance.model_copy(update={"stood": built.position, "ended": ended})


def _tell(done: Rebuilt, school: str = "") -> None:
    if done.resumed_at:
        note(f"{school}went on from position {done.resumed_at}, where an earlier rebuild was stopped")
    if done.as_before is False:
        note(f"{school}the generation before held other rows than the ledger says; see 'attendance verify'")


def _say_rebuilt(done: Rebuilt, accepted: Done | None, simulated: bool, *, as_json: bool) -> None:
    _tell(done)
    if as_json:
        at_position = {} if accepted is None else {"accepted": accepted.position}
        say_json({**done._asdict(), **at_position, "simulated": simulated})
        return
    say(_sentence(done, simulated))
    if accepted is not None:
        say(outcome(accepted) + (" (SIMULATED)" if simulated else ""))


def _sentence(done: Rebuilt, simulated: bool) -> str:
    marked = " (SIMULATED)" if simulated else ""
    return f"rebuilt the read model up to position {done.position}, {counted(done.rows, 'row')}{marked}"


def _tell_dropped(dropped: bool, simulated: bool, *, as_json: bool) -> None:
    if as_json:
        say_json({"dropped": dropped, "simulated": simulated})
    else:
        say("dropped the generation before" if dropped else "there is no generation before the serving one")


def _tell_status(engine: object, simulated: bool, *, as_json: bool) -> None:
    last = status(engine)  # type: ignore[arg-type]
    if last is None:
        say_json(None) if as_json else say("no rebuild is under way")
        return
    silent = time.time() - last.beat_at / 1e6
    stuck = silent > STUCK_SECONDS or not last.at_work
    if as_json:
        moments = {name: format_moment(from_micros(getattr(last, name))) for name in ("begun_at", "beat_at")}
        say_json({**last._asdict(), **moments, "stuck": stuck, "simulated": simulated})
        return
    if last.at_work:
        seen = f"was last seen {silent:.0f} s ago" + (", which is long" if stuck else "")
    else:
        seen = "has ended: run the rebuild again, and it goes on from there"
    say(f"{last.stage}: position {last.position} of {last.until}, {last.rows} rows; process {last.process} {seen}")
