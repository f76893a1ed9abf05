"""Verbs of lateness: who is late, how often and by how much, and the Late Book of a day."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from commands.cli.arguments import Pupils
from commands.cli.asking import known_pupils, note_lost_keys, note_nobody
from commands.cli.files import OutOption, out_path, write_bytes, write_whole
from commands.cli.options import (
    AsOfOption,
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
from commands.cli.tables import name_of, show, table
from commands.files.sheets import write_sheet
from commands.paper import render
from ledger.errors import Refused
from ledger.sessions import format_clock, parse_moment
from ledger.text import one_line
from ledger.words import counted
from projections.figures.cohorts import described, who
from projections.followup.lateness import (
    ArrivalAnswer,
    LateBookAnswer,
    PunctualityAnswer,
    class_totals,
    late_book_answer,
    punctuality_answers,
    total,
)
from projections.followup.punctuality import SCHOOL_DAYS

verbs = Verbs()

FIELDS = {
    "pupil": "pupil", "year_group": "year_group", "class": "class_name", "from": "from_day", "on_site": "on_site",
    "late": "late", "very_late": "very_late", "late_percent": "late_percent", "minutes": "minutes",
    "minutes_unknown": "minutes_unknown", "recent": "recent", "concern": "concern", "persistent": "persistent",
    "as_of": "as_of", "known_at": "known_at", "position": "position", "policy": "policy", "simulated": "simulated",
}  # fmt: skip


@verbs.command("punctuality")
def ask_punctuality(
    pupils: Pupils = None,
    class_name: Annotated[str | None, typer.Option("--class", metavar="CLASS", help="Only this one.")] = None,
    year_group: Annotated[str | None, typer.Option("--year-group", metavar="TEXT", help="Only this one.")] = None,
    group: Annotated[str | None, typer.Option("--group", metavar="TEXT", help="Only this one.")] = None,
    from_day: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="The first day. [default that of the school year]")
    ] = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    out: OutOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count L and U by pupil and class: minutes, weekdays, and who is late persistently.

    Minutes are whole ones since registration opened, where the Late Book has the arrival; -o takes .csv and .xlsx.

    \b
    Example: attendance punctuality --class 5T --as-of 2025-12-12
    """
    about, known, begins = parse_day("--as-of", as_of), parse_known_at(known_at), parse_day("--from", from_day)
    path = out_path(out, (".csv", ".xlsx")) if out else None
    if pupils and (year_group or class_name or group):
        raise Refused("malformed", field="PUPIL", expected="either pupils or a year group, class or group")

    with opened(ledger, keys) as house:
        moment = house.answers.moment(about, known)
        if begins is not None and begins > moment.as_of:
            raise Refused("malformed", field="--from", value=begins, expected=f"a day up to {moment.as_of}")
        if pupils:
            chosen = known_pupils(moment, pupils)
        else:
            chosen = who(house.answers, moment, year_group=year_group, class_name=class_name, group=group)
            note_nobody(chosen, {"year group": year_group, "class": class_name, "group": group})
        found = punctuality_answers(house.answers, moment, chosen, begins)
        if path:
            write_whole(path, lambda draft: _write(draft, found))
            note(f"wrote {path.name}: {counted(len(found), 'pupil')}")
        if as_json:
            say_json(found)
        elif not path:
            note_lost_keys(house)
            shown = found if pupils else [answer for answer in found if answer.late or answer.very_late]
            names = house.answers.particulars(moment, [answer.pupil for answer in shown])
            parts = [_pupil_table(shown, names, house.simulated)]
            parts += [_session_table(answer, house.simulated) for answer in shown if pupils and answer.sessions]
            parts += [] if pupils else [_class_table(found, house.simulated)]
            show(*parts, described(moment))


def _write(path: Path, found: list[PunctualityAnswer]) -> None:

    rows = [
        [*(getattr(answer, name) for name in FIELDS.values()), *(answer.weekdays[day] for day in SCHOOL_DAYS)]
        for answer in found
    ]
    write_sheet(path, [*FIELDS, *SCHOOL_DAYS], rows, title="Punctuality")


def _pupil_table(found: list[PunctualityAnswer], names: Any, simulated: bool) -> Any:

    weeks = len(found[0].weeks) if found else 0
    made = table(
        f"Punctuality{f', from {found[0].from_day}' if found else ''}",
        simulated,
        **dict.fromkeys(("pupil", "name", "class"), "left"),
        **dict.fromkeys(("on_site", "L", "U", "late", "minutes", "not_logged", *SCHOOL_DAYS), "right"),
        **{f"in_{weeks}_weeks": "right", "": "left"},
    )
    for answer in found:
        made.add_row(
            answer.pupil,
            name_of(answer.pupil, names),
            answer.class_name,
            *map(str, (answer.on_site, answer.late, answer.very_late)),
            _percent(answer.late_percent),
            *map(str, (answer.minutes, answer.minutes_unknown, *answer.weekdays.values(), answer.recent)),
            "persistent" if answer.persistent else "concern" if answer.concern else "",
        )
    return made


def _session_table(answer: PunctualityAnswer, simulated: bool) -> Any:
    made = table(
        f"Late sessions of {answer.pupil}",
        simulated,
        session="left",
        code="left",
        arrived="left",
        minutes="right",
        position="right",
    )
    for each in answer.sessions:
        arrived = _clock(each.arrived_at) if each.arrived_at else "not logged"
        made.add_row(
            each.session, each.code, arrived, "" if each.minutes is None else str(each.minutes), str(each.position)
        )
    return made


def _class_table(found: list[PunctualityAnswer], simulated: bool) -> Any:

    headings = ("pupils", "never_late", "on_site", "L", "U", "late", "minutes", "not_logged")
    made = table("By class", simulated, **{"class": "left"}, **dict.fromkeys(headings, "right"))
    for each in (*class_totals(found), total("all", found)):
        counts = (each.pupils, each.never_late, each.on_site, each.late, each.very_late)
        known = (each.minutes, each.minutes_unknown)
        made.add_row(each.class_name, *map(str, counts), _percent(each.late_percent), *map(str, known))
    return made


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} %"


def _clock(moment: str) -> str:
    return format_clock(parse_moment(moment))


# --- the Late Book --------------------------------------------------------------------------------------------------


@verbs.command("late-book")
def show_late_book(
    day_text: Annotated[str, typer.Argument(metavar="DAY", help="Such as 2025-11-03.")],
    known_at: KnownAtOption = None,
    out: OutOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the Late Book of a day: every arrival, its minutes, code and reason.

    Code is what the minute made it, register what stands now; -o takes .pdf, .csv and .xlsx.

    \b
    Example: attendance late-book 2025-11-17 -o late-book.pdf
    """
    day, known = parse_day("DAY", day_text), parse_known_at(known_at)
    path = out_path(out, (".pdf", ".csv", ".xlsx")) if out else None
    assert day is not None

    with opened(ledger, keys) as house:
        moment = house.answers.moment(day, known)
        found = late_book_answer(house.answers, moment)
        names = house.answers.particulars(moment, {arrival.pupil for arrival in found.arrivals})
        rows = [_arrival_row(arrival, names) for arrival in found.arrivals]
        if path and path.suffix == ".pdf":
            write_bytes(path, render("late-book", moment, {"day": found.day, "rows": rows}))
        elif path:
            write_whole(path, lambda draft: _write_book(draft, found, rows))
        if path:
            note(f"wrote {path.name}: {counted(len(rows), 'arrival')}")
        if as_json:
            say_json(found)
        elif not path:
            note_lost_keys(house)
            show(_book_table(found.day, rows, house.simulated), described(moment))


HEADINGS = ("arrived", "pupil", "name", "class", "session", "minutes", "code", "register", "reason", "by")


def _arrival_row(arrival: ArrivalAnswer, names: Any) -> list[str]:
    return [
        _clock(arrival.arrived_at),
        arrival.pupil,
        name_of(arrival.pupil, names),
        arrival.class_name,
        arrival.session.partition("/")[2],
        "" if arrival.minutes is None else str(arrival.minutes),
        arrival.code,
        arrival.register or "no mark",
        one_line(arrival.reason),
        one_line(f"{arrival.by.name} ({arrival.by.title})"),
    ]


def _book_table(day: str, rows: list[list[str]], simulated: bool) -> Any:
    made = table(
        f"Late Book, {day}",
        simulated,
        **{heading: "right" if heading == "minutes" else "left" for heading in HEADINGS},
    )
    for row in rows:
        made.add_row(*row)
    return made


def _write_book(path: Path, found: LateBookAnswer, rows: list[list[str]]) -> None:
    about = [found.day, found.known_at, found.position, found.policy, found.simulated]
    headings = [*HEADINGS, "day", "known_at", "position", "policy", "simulated"]
    write_sheet(path, headings, [[*row, *about] for row in rows], title=f"Late Book {found.day}")
