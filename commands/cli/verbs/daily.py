"""Verbs of the daily return to the department: what it says, what has changed since the last one, and making it.

The file has a row a mark under the headings of the department's own download, and more columns beside them; so this
program reads its own return back (`attendance import marks`). Sessions without a mark are in it, blank and with a
remark, and so are the changed codes of days returned before. Nothing is sent from here: `send` writes the file, and
records that it was made, of what and as known at which position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.arguments import Day
from commands.cli.frame.asking import Part, Question, Reply, asks
from commands.cli.frame.derived import derive
from commands.cli.frame.files import out_path, write_whole
from commands.cli.frame.options import (
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
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.write import line, record
from commands.desk.tables import london, table
from commands.files.section import Value
from commands.files.sheets import write_sheet
from commands.models.school import RecordDailyReturn
from ledger.errors import Misconfigured
from ledger.people import signature
from ledger.text import escaped, one_line
from ledger.words import SEALED, counted
from projections.asking.encoder import encode
from projections.returns.daily import LAST, DailyAnswer, DailyLine, daily_answer, last_return, since_of

verbs = Verbs()
daily = Verbs(help="The daily return of codes to the department.")
verbs.add_typer(daily, name="daily")

ENDINGS = (".csv", ".xlsx", ".json")
HEADINGS = (
    "LA", "Establishment", "URN", "School Name", "UPN", "Admission Number", "Full Name", "Date of Birth", "Sex",
    "Year Group", "Class", "Session Date", "Period", "Attendance Code", "Remark",
)  # fmt: skip
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="POSITION|last", help="Also what changed since then, or since the last return."),
]


@asks(daily, "show", day="day", forms=ENDINGS)
def show_daily(question: Question, day: Day, since: SinceOption = None) -> Reply:
    """Show a day's return: the codes of every pupil on roll, as known.

    With --since, also the codes of days returned before that are others now.

    \b
    Example: attendance daily show 2025-11-17 --since last
    """
    seen = since_of(question.answers, question.moment, since) if since else None
    if since == LAST and seen is None:
        note("no daily return has been made yet")
    answer = daily_answer(question.answers, question.moment, seen)
    return Reply(
        answer,
        f"Daily return {answer.day}",
        lambda: _parts(answer),
        book=lambda path: _write_return(path, answer),
        quiet=True,
    )


@daily.command("send")
def send_daily(
    day: Day,
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
    about, known = parse_day("DAY", day), parse_known_at(known_at)
    path = out_path(out, ENDINGS)
    with opened(ledger, keys) as house:
        moment = house.answers.moment(about, known)
        answer = daily_answer(house.answers, moment, last_return(moment))

    def made(draft: Path) -> None:
        digest = sha256(draft.read_bytes()).hexdigest()
        sent_line = line("RecordDailyReturn", day=answer.day, seen=answer.position, pupils=answer.pupils, digest=digest)
        record(
            sent_line,
            by=by,
            command_id=command_id,
            at=at,
            accept_clock=accept_clock,
            ledger=ledger,
            keys=keys,
            as_json=as_json,
        )

    note(_write_return(path, answer, made))


def _write_return(
    path: Path, answer: DailyAnswer, before_it_counts: Callable[[Path], object] = lambda draft: None
) -> str:
    """Write a return; say what is in the file, in one sentence that names nobody. Raises Misconfigured where
    particulars that it needs cannot be read."""
    if not answer.readable:
        raise Misconfigured("a return needs the pupils' particulars, and some cannot be read without their keys")

    def write(draft: Path) -> None:
        if draft.suffix == ".json":
            draft.write_text(escaped(encode(answer).decode()), encoding="utf-8")
        else:
            write_sheet(draft, HEADINGS, rows(answer), title=f"Daily return {answer.day}")

    write_whole(path, write, before_it_counts)
    parts = [f"{counted(len(answer.sessions), 'session')} of {counted(answer.pupils, 'pupil')}"]
    parts += [f"{answer.missing} of them without a mark"] if answer.missing else []
    parts += [f"{counted(len(answer.corrected), 'changed code')} of other days"] if answer.corrected else []
    return f"wrote {path.name}: {', '.join(parts)}"


def rows(answer: DailyAnswer) -> Iterator[list[Value]]:
    """Yield the rows of the file: those of the day, then the changed codes of other days."""
    for each in (*answer.sessions, *answer.corrected):
        remark = "; ".join(filter(None, ("SIMULATED" if answer.simulated else "", each.remark)))
        yield [
            answer.la, answer.estab, answer.urn, answer.school, each.upn, each.pupil, each.name, each.born, each.sex,
            each.year_group, each.class_name, each.day, each.period, each.code, remark,
        ]  # fmt: skip


# --- on a screen ----------------------------------------------------------------------------------------------------


def _parts(answer: DailyAnswer) -> list[Part]:
    """Return a line a pupil with both codes, what is missing, and what changed."""
    made = table(
        f"Daily return of {answer.day}", answer.simulated,
        pupil="left", UPN="left", name="left", born="left", sex="left", year="left", class_="left", AM="left",
        PM="left", remark="left",
    )  # fmt: skip
    pupils: dict[str, list[DailyLine]] = {}
    for each in answer.sessions:
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
        counted(answer.pupils, "pupil"),
        counted(len(answer.sessions), "session"),
        f"{answer.missing} without a mark",
    )
    return [made, ", ".join(totals), *_changed(answer)]


def _changed(answer: DailyAnswer) -> list[Part]:
    if answer.since is None:
        return []
    if not answer.changes:
        return [f"no code of a day returned before has changed since position {answer.since}"]

    made = table(
        f"Changed since position {answer.since}", answer.simulated,
        session="left", pupil="left", was="left", now="left", recorded="left", by="left", position="right",
    )  # fmt: skip
    for change in answer.changes:
        made.add_row(
            change.session,
            change.pupil,
            change.before or "no mark",
            change.code,
            london(change.recorded_at),
            one_line(signature(change.by)),
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
