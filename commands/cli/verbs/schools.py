"""Verbs over all the schools of a database: where each stands, their read models kept up to date, pooled figures."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Annotated, NamedTuple, TypeVar

import typer

from commands.cli.frame.asking import answer_file
from commands.cli.frame.bars import progress_bar, stage_bars
from commands.cli.frame.options import (
    AsOfOption,
    JsonOption,
    KnownAtOption,
    LedgerOption,
    note,
    opened,
    parse_day,
    parse_known_at,
)
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.report_files import write_tables
from commands.cli.frame.screen import show
from commands.cli.frame.speech import say, say_json
from commands.desk.school_tables import pooled_absence_table, pooled_penalty_table, schools_table
from commands.files.section import Section
from commands.wiring import ledger_address, sentence_of
from ledger.errors import LedgerError, Misconfigured
from ledger.store.names import chosen, is_postgres
from ledger.store.schools import Schools, open_schools
from ledger.words import counted
from projections.asking.questions import Answers, Moment
from projections.many.pooled import (
    Pooled,
    SchoolLine,
    Times,
    moment_of,
    pooled_absence,
    pooled_penalty,
    school_absence,
    school_penalty,
    times_of,
)
from projections.many.schools import Followed, closed_school, school_state
from projections.readmodel.rebuild import brought_up

verbs = Verbs()
pooled = Verbs(help="Figures of many schools together: absence, penalty.")
verbs.add_typer(pooled, name="pooled")

NO = 1
TABLES = (".csv", ".xlsx")

LineOf = TypeVar("LineOf", bound=SchoolLine)
PooledOf = TypeVar("PooledOf", bound=Pooled)


class Selection(NamedTuple):
    """An opened database and the schools asked for: those named (`only`), else all of them; of all, `closed` are the
    schools that the account may not read, and which are named instead of answered for."""

    database: Schools
    names: list[str]
    only: list[str]
    closed: list[str]


MAY_NOT_READ = "this account may not read it"

SchoolsOption = Annotated[
    list[str] | None,
    typer.Option("--school", metavar="SCHOOL", help="Only this one, by number or schema; may be repeated."),
]


TableOption = Annotated[
    str | None,
    typer.Option("-o", "--output", metavar="FILE", help="Into FILE.csv or FILE.xlsx. [default the screen]"),
]


@verbs.command("schools")
def list_schools(
    schools: SchoolsOption = None,
    output: TableOption = None,
    ledger: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the schools of a database.

    Where each ledger and its read model stand, and what keeps a read model from catching up. Exit 1 if this account may
    not read one of them.

    \b
    Example: attendance schools --ledger postgresql://user@host/db
    """
    path = answer_file(output, TABLES, as_json=as_json)
    with database_of(ledger, schools) as (database, names, _, closed):
        heads = database.heads(names)
        with progress_bar("asking", len(names)) as progress:
            states = [closed_school(name, MAY_NOT_READ) for name in closed]
            for name in names:
                states.append(school_state(database, name, heads[name], sentence_of))
                if progress is not None:
                    progress(len(states) - len(closed))
        shown = database.shown
    states.sort(key=lambda state: state.school)
    if as_json:
        say_json(states)
    elif path is not None:
        simulated = any(state.simulated for state in states)
        say(write_tables(path, [schools_table(states)], {}, simulated=simulated))
    else:
        show(schools_table(states), f"{_counted(len(states))} at {shown}")
    if closed:
        raise typer.Exit(NO)


@verbs.command("project")
def project(
    schools: SchoolsOption = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until interrupted.")] = False,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", min=0.01, help="How often to look, with --follow.")
    ] = 1.0,
    ledger: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring read models up to date.

    Those of all the schools of a database, in turns, over a few connections; exit 1 if one of them cannot be. Asking
    writes nothing: what a read model lacks is read from the ledger each time, and this makes that little.

    \b
    Example: attendance project --follow --ledger postgresql://user@host/db
    """
    url = ledger_address(ledger)
    if not is_postgres(url):
        chosen(url, schools or ())
        _project_one(url, follow=follow, as_json=as_json)
        return
    with database_of(url, schools) as (database, _, only, closed), _until_signalled() as stopped:
        _tell_closed(closed)
        followed = Followed(database, only, tell=_tell)
        with stage_bars() as bar:
            followed.round(stopped.is_set, bar and partial(bar, "projecting"))
        while follow and not stopped.wait(every):
            try:
                followed.round(stopped.is_set)
            except LedgerError as error:
                note(f"{error}; looking again every {every:g} seconds")
    _say_projected(followed, closed, as_json=as_json)
    if (followed.failed or closed) and not follow:
        raise typer.Exit(NO)


def _project_one(url: str, *, follow: bool, as_json: bool) -> None:
    if follow:
        raise Misconfigured("--follow is for a PostgreSQL database of many schools, and this is one ledger")

    with opened(url, None) as house:
        before = house.answers.projector.position()
        with progress_bar("projecting", house.ledger.reads.head()[0]) as progress:
            position = brought_up(house.ledger, house.engine, progress)
    if as_json:
        say_json({"schools": 1, "events": position - before, "failed": []})
    else:
        say(f"1 school, {_events(position - before)}: the read model stands at position {position}")


def _tell(name: str, error: Exception | None) -> None:
    note(f"{name} goes on again" if error is None else f"{name} is left out: {sentence_of(error)}")


def _tell_closed(closed: Sequence[str]) -> None:
    for name in closed:
        note(f"{name} is left out: {MAY_NOT_READ}")


def _say_projected(followed: Followed, closed: Sequence[str], *, as_json: bool) -> None:
    failed = dict.fromkeys(closed, MAY_NOT_READ)
    failed |= {name: sentence_of(each.error) for name, each in followed.failed.items()}
    if as_json:
        reasons = [{"school": name, "reason": reason} for name, reason in failed.items()]
        say_json({"schools": len(followed.reached), "events": followed.events, "failed": reasons})
    else:
        left_out = f"; {_counted(len(failed))} left out" if failed else ""
        say(f"{_counted(len(followed.reached))} up to date, {_events(followed.events)}{left_out}")


@pooled.command("absence")
def pool_absence(
    schools: SchoolsOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    output: TableOption = None,
    ledger: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add up the absence of schools.

    A line a school and a pooled line: sums of sessions, rates of the sums. Persistent and severe absence are counted in
    enrolments of the year to date, leavers included; a pupil of two schools counts in both. Exit 1 if a school could
    not be answered for.

    \b
    Example: attendance pooled absence --as-of 2025-12-12 --ledger postgresql://user@host/db
    """
    path = answer_file(output, TABLES, as_json=as_json)
    _pool(ledger, schools, as_of, known_at, school_absence, pooled_absence, pooled_absence_table, path, as_json=as_json)


@pooled.command("penalty")
def pool_penalty(
    schools: SchoolsOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    output: TableOption = None,
    ledger: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count who meets the penalty threshold in schools.

    A line a school, by its own policy and school weeks, and a pooled line. Exit 1 if a school could not be answered
    for.

    \b
    Example: attendance pooled penalty --as-of 2025-12-12 --ledger postgresql://user@host/db
    """
    path = answer_file(output, TABLES, as_json=as_json)
    _pool(ledger, schools, as_of, known_at, school_penalty, pooled_penalty, pooled_penalty_table, path, as_json=as_json)


def _pool(
    ledger: str | None,
    schools: list[str] | None,
    as_of: str | None,
    known_at: str | None,
    line: Callable[[Answers, Moment, str], LineOf],
    pool: Callable[[Sequence[LineOf], int, Times], PooledOf],
    table: Callable[[list[LineOf], PooledOf], Section],
    path: Path | None,
    *,
    as_json: bool,
) -> None:
    """Ask every school the same, pool the answers, and say both; name who could not be answered for."""
    about, known = parse_day("--as-of", as_of), parse_known_at(known_at)
    lines: list[LineOf] = []
    unanswered: list[dict[str, str]] = []
    with database_of(ledger, schools) as (database, names, _, closed):
        unanswered += [{"school": name, "reason": MAY_NOT_READ} for name in closed]
        times = times_of(database, names, about, known)
        with progress_bar("asking", len(names)) as progress:
            for number, name in enumerate(names, 1):
                try:
                    lines.append(line(*moment_of(database, name, times), name))
                except Exception as error:
                    unanswered.append({"school": name, "reason": sentence_of(error)})
                if progress is not None:
                    progress(number)
    together = pool(lines, len(names) + len(closed), times)
    for each in unanswered:
        note(f"{each['school']} is left out: {each['reason']}")
    if as_json:
        say_json({"schools": lines, "pooled": together, "unanswered": unanswered})
    elif path is not None:
        true_for = {"as of": together.as_of, "known at": together.known_at}
        say(write_tables(path, [table(lines, together)], true_for, simulated=together.simulated))
    else:
        rests = f"pooled over {together.schools} of {_counted(together.of)}"
        show(table(lines, together), f"{rests}, as of {together.as_of}, as known at {together.known_at}")
    if unanswered:
        raise typer.Exit(NO)


@contextmanager
def database_of(ledger: str | None, schools: list[str] | None) -> Iterator[Selection]:
    """Open the database of an address, and say which of its schools are asked for."""
    url = ledger_address(ledger)
    only = chosen(url, schools or ())
    database, names = open_schools(url, schools or ())
    with database:
        yield Selection(database, names, only, [] if only else database.closed())


@contextmanager
def _until_signalled() -> Iterator[Event]:
    """Give what is set by the first interrupt or request to end; a second one ends the program at once."""
    stopped = Event()
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGTERM)}

    def stop(kind: int, _frame: FrameType | None) -> None:
        stopped.set()
        signal.signal(kind, before[signal.Signals(kind)])

    for kind in before:
        signal.signal(kind, stop)
    try:
        yield stopped
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _counted(schools: int) -> str:
    return counted(schools, "school")


def _events(events: int) -> str:
    return counted(events, "event")
