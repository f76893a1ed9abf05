"""Verbs of the daily return to the department: what it says, what has changed since the last one, and making it.

The file has a row a mark under the headings of the department's own download, and more columns beside them; so this
program reads its own return back (`attendance import marks`). Sessions without a mark are in it, blank and with a
remark, and so are the changed codes of days returned before. Nothing is sent from here: `send` writes the file, and
records that it was made, of what and as known at which position.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from commands.cli.asking import note_lost_keys
from commands.cli.derived import derive
from commands.cli.files import OutOption, out_path, write_whole
from commands.cli.options import (
    AcceptClockOption,
    AtOption,
    ByOption,
    IdOption,
    JsonOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    note,
    opened,
    parse_day,
    parse_known_at,
)
from commands.cli.parameters import Verbs
from commands.cli.speech import say_json
from commands.cli.tables import london, show, table
from commands.cli.write import line, record
from commands.files.sheets import write_sheet
from commands.models.school import RecordDailyReturn
from ledger.errors import Misconfigured
from ledger.text import escaped, one_line
from ledger.words import SEALED, counted
from projections.figures.cohorts import described
from projections.returns.daily import LAST, DailyAnswer, daily_answer, last_return, since_of

verbs = Verbs()
daily = Verbs(help="The daily return of codes to the department.")
verbs.add_typer(daily, name="daily")

ENDINGS = (".csv", ".xlsx", ".json")
HEADINGS = (
    "LA", "Establishment", "URN", "School Name", "UPN", "Admission Number", "Full Name", "Date of Birth", "Sex",
    "Year Group", "Class", "Session Date", "Period", "Attendance Code", "Remark",
)  # fmt: skip
Day = Annotated[str, typer.Argument(metavar="DAY", help="Such as 2025-11-03.")]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="POSITION|last", help="Also what changed since then, or since the last return."),
]


@daily.command("show")
def show_daily(
    day_text: Day,
    since: SinceOption = None,
    known_at: KnownAtOption = None,
    out: OutOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a day's return: the codes of every pupil on roll, as known.

    With --since, also the codes of days returned before that are others now.

    \b
    Example: attendance daily show 2025-11-17 --since last
    """
    day, known = parse_day("DAY", day_text), parse_known_at(known_at)
    path = out_path(out, ENDINGS) if out else None
    assert day is not None

    with opened(ledger, keys) as house:
        moment = house.answers.moment(day, known)
        seen = since_of(house.answers, moment, since) if since else None
        if since == LAST and seen is None:
            note("no daily return has been made yet")
        found = daily_answer(house.answers, moment, seen)
        if path:
            write_whole(path, lambda draft: _write(draft, found))
            note(_written(path, found))
        if as_json:
            say_json(found)
        elif not path:
            note_lost_keys(house)
            show(*_parts(found), described(moment))


@daily.command("send")
def send_daily(
    day_text: Day,
    out: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="The file to send: .csv, .xlsx or .json.")],
    known_at: KnownAtOption = None,
    by: ByOption = None,
    command_id: IdOption = None,
    at: AtOption = None,
    accept_clock: AcceptClockOption = False,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the file of a day's return and record that it was made.

    The codes of the day, and those that changed since the last return; records RecordDailyReturn. What is returned
    depends on what is known: an --id that is to work once goes with a --known-at.

    \b
    Example: attendance daily send 2025-11-17 -o daily-2025-11-17.csv
    """
    day, known = parse_day("DAY", day_text), parse_known_at(known_at)
    path = out_path(out, ENDINGS)
    assert day is not None

    with opened(ledger, keys) as house:
        moment = house.answers.moment(day, known)
        found = daily_answer(house.answers, moment, last_return(moment))

    def made(draft: Path) -> None:
        digest = sha256(draft.read_bytes()).hexdigest()
        told = line("RecordDailyReturn", day=found.day, seen=found.position, pupils=found.pupils, digest=digest)
        record(
            told,
            by=by,
            command_id=command_id,
            at=at,
            accept_clock=accept_clock,
            ledger=ledger,
            keys=keys,
            as_json=as_json,
        )

    write_whole(path, lambda draft: _write(draft, found), made)
    note(_written(path, found))


def _write(path: Path, found: DailyAnswer) -> None:
    """Write a return. Raises Misconfigured where particulars that it needs cannot be read."""
    if not found.readable:
        raise Misconfigured("a return needs the pupils' particulars, and some cannot be read without their keys")
    if path.suffix == ".json":
        path.write_text(escaped(msgspec.json.encode(found).decode()), encoding="utf-8")
        return

    write_sheet(path, HEADINGS, rows(found), title=f"Daily return {found.day}")


def rows(found: DailyAnswer) -> Iterator[list[Any]]:
    """Yield the rows of the file: those of the day, then the changed codes of other days."""
    for each in (*found.sessions, *found.corrected):
        remark = "; ".join(filter(None, ("SIMULATED" if found.simulated else "", each.remark)))
        yield [
            found.la, found.estab, found.urn, found.school, each.upn, each.pupil, each.name, each.born, each.sex,
            each.year_group, each.class_name, each.day, each.period, each.code, remark,
        ]  # fmt: skip


def _written(path: Path, found: DailyAnswer) -> str:
    """Return what is in the file, in one sentence that names nobody."""
    parts = [f"{counted(len(found.sessions), 'session')} of {counted(found.pupils, 'pupil')}"]
    parts += [f"{found.missing} of them without a mark"] if found.missing else []
    parts += [f"{counted(len(found.corrected), 'changed code')} of other days"] if found.corrected else []
    return f"wrote {path.name}: {', '.join(parts)}"


# --- on a screen ----------------------------------------------------------------------------------------------------


def _parts(found: DailyAnswer) -> list[Any]:
    """Return a line a pupil with both codes, what is missing, and what changed."""
    made = table(
        f"Daily return of {found.day}", found.simulated,
        pupil="left", UPN="left", name="left", born="left", sex="left", year="left", class_="left", AM="left",
        PM="left", remark="left",
    )  # fmt: skip
    pupils: dict[str, list[Any]] = {}
    for each in found.sessions:
        pupils.setdefault(each.pupil, []).append(each)
    for number, sessions in pupils.items():
        codes = {each.period: each.code for each in sessions}
        first = sessions[0]
        remarks = [f"{each.period}: {each.remark}" for each in sessions if each.remark]
        made.add_row(
            number,
            one_line(first.upn),
            one_line(first.name) or SEALED,
            first.born,
            one_line(first.sex),
            first.year_group,
            first.class_name,
            codes.get("AM", ""),
            codes.get("PM", ""),
            "; ".join(remarks),
        )
    totals = (
        counted(found.pupils, "pupil"),
        counted(len(found.sessions), "session"),
        f"{found.missing} without a mark",
    )
    return [made, ", ".join(totals), *_changed(found)]


def _changed(found: DailyAnswer) -> list[Any]:
    if found.since is None:
        return []
    if not found.changes:
        return [f"no code of a day returned before has changed since position {found.since}"]

    made = table(
        f"Changed since position {found.since}", found.simulated,
        session="left", pupil="left", was="left", now="left", recorded="left", by="left", position="right",
    )  # fmt: skip
    for change in found.changes:
        made.add_row(
            change.session,
            change.pupil,
            change.before or "no mark",
            change.code,
            london(change.recorded_at),
            one_line(f"{change.by.name} ({change.by.title})"),
            str(change.position),
        )
    return [made]


derive(
    daily,
    "sent",
    RecordDailyReturn,
    """Record that a day's codes were sent, by other means. With the digest of what was sent; records RecordDailyReturn.

    \b
    Example: attendance daily sent 2025-11-03 --seen 1810 --pupils 412 \\
                 --digest 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    """,
)
