"""Verbs of lateness: who is late, how often and by how much, and the Late Book of a day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.arguments import Day, Pupils
from commands.cli.frame.asking import Part, Question, Reply, asks
from commands.cli.frame.files import write_bytes, write_whole
from commands.cli.frame.options import parse_day
from commands.cli.frame.parameters import Verbs
from commands.desk.pupils import Names, name_of
from commands.desk.tables import percent_of, table
from commands.files.section import Section, Value
from commands.files.sheets import write_sheet
from commands.paper import render
from ledger.errors import Refused
from ledger.people import signature
from ledger.sessions import format_clock, parse_moment
from ledger.text import one_line
from ledger.words import counted
from projections.asking.questions import Moment
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


@asks(verbs, "punctuality", forms=(".csv", ".xlsx"))
def ask_punctuality(
    question: Question,
    pupils: Pupils = None,
    class_name: Annotated[str | None, typer.Option("--class", metavar="CLASS", help="Only this one.")] = None,
    year_group: Annotated[str | None, typer.Option("--year-group", metavar="TEXT", help="Only this one.")] = None,
    group: Annotated[str | None, typer.Option("--group", metavar="TEXT", help="Only this one.")] = None,
    from_day: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="The first day. [default that of the school year]")
    ] = None,
) -> Reply:
    """Count L and U by pupil and class: minutes, weekdays, and who is late persistently.

    Minutes are whole ones since registration opened, where the Late Book has the arrival.

    \b
    Example: attendance punctuality --class 5T --as-of 2025-12-12
    """
    first = parse_day("--from", from_day)
    if pupils and (year_group or class_name or group):
        raise Refused("malformed", field="PUPIL", expected="either pupils or a year group, class or group")
    moment = question.moment
    if first is not None and first > moment.as_of:
        raise Refused("malformed", field="--from", value=first, expected=f"a day up to {moment.as_of}")
    chosen = question.chosen(pupils, year_group=year_group, class_name=class_name, group=group)
    answers = punctuality_answers(question.answers, moment, chosen, first)

    def parts() -> Iterator[Part]:
        shown = answers if pupils else [answer for answer in answers if answer.late or answer.very_late]
        names = question.names([answer.pupil for answer in shown])
        yield _pupil_table(shown, names, question.simulated)
        if not pupils:
            yield _class_table(answers, question.simulated)
        for answer in shown if pupils else ():
            if answer.sessions:
                yield _session_table(answer, question.simulated)

    return Reply(answers, "Punctuality", parts, book=lambda path: _write(path, answers), quiet=True)


def _write(path: Path, answers: list[PunctualityAnswer]) -> str:
    """Write a row a pupil, for programs; return what was written."""
    rows = [
        [*(getattr(answer, name) for name in FIELDS.values()), *(answer.weekdays[day] for day in SCHOOL_DAYS)]
        for answer in answers
    ]
    write_whole(path, lambda draft: write_sheet(draft, [*FIELDS, *SCHOOL_DAYS], rows, title="Punctuality"))
    return f"wrote {path.name}: {counted(len(rows), 'pupil')}"


def _pupil_table(answers: list[PunctualityAnswer], names: Names, simulated: bool) -> Section:
    weeks = len(answers[0].weeks) if answers else 0
    made = table(
        f"Punctuality{f', from {answers[0].from_day}' if answers else ''}",
        simulated,
        **dict.fromkeys(("pupil", "name", "class"), "left"),
        **dict.fromkeys(("on_site", "L", "U", "late", "minutes", "not_logged", *SCHOOL_DAYS), "right"),
        **{f"in_{weeks}_weeks": "right", "": "left"},
    )
    for answer in answers:
        made.add_row(
            answer.pupil,
            name_of(answer.pupil, names),
            answer.class_name,
            *map(str, (answer.on_site, answer.late, answer.very_late)),
            percent_of(answer.late_percent),
            *map(str, (answer.minutes, answer.minutes_unknown, *answer.weekdays.values(), answer.recent)),
            "persistent" if answer.persistent else "concern" if answer.concern else "",
        )
    return made


def _session_table(answer: PunctualityAnswer, simulated: bool) -> Section:
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


def _class_table(answers: list[PunctualityAnswer], simulated: bool) -> Section:
    headings = ("pupils", "never_late", "on_site", "L", "U", "late", "minutes", "not_logged")
    made = table("By class", simulated, **{"class": "left"}, **dict.fromkeys(headings, "right"))
    for each in (*class_totals(answers), total("all", answers)):
        counts = (each.pupils, each.never_late, each.on_site, each.late, each.very_late)
        known = (each.minutes, each.minutes_unknown)
        made.add_row(each.class_name, *map(str, counts), percent_of(each.late_percent), *map(str, known))
    return made


def _clock(moment: str) -> str:
    return format_clock(parse_moment(moment))


# --- the Late Book --------------------------------------------------------------------------------------------------


@asks(verbs, "late-book", day="day", forms=(".pdf", ".csv", ".xlsx"))
def show_late_book(question: Question, day: Day) -> Reply:
    """Show the Late Book of a day: every arrival, its minutes, code and reason.

    Code is what the minute made it, register what stands now.

    \b
    Example: attendance late-book 2025-11-17 -o late-book.pdf
    """
    book = late_book_answer(question.answers, question.moment)

    def rows() -> list[list[str]]:
        names = question.names({arrival.pupil for arrival in book.arrivals})
        return [_arrival_row(arrival, names) for arrival in book.arrivals]

    return Reply(
        book,
        f"Late Book, {book.day}",
        lambda: [_book_table(book.day, rows(), question.simulated)],
        book=lambda path: _write_book(path, question.moment, book, rows()),
        quiet=True,
    )


HEADINGS = ("arrived", "pupil", "name", "class", "session", "minutes", "code", "register", "reason", "by")


def _arrival_row(arrival: ArrivalAnswer, names: Names) -> list[str]:
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
        one_line(signature(arrival.by)),
    ]


def _book_table(day: str, rows: list[list[str]], simulated: bool) -> Section:
    made = table(
        f"Late Book, {day}",
        simulated,
        **{heading: "right" if heading == "minutes" else "left" for heading in HEADINGS},
    )
    for row in rows:
        made.add_row(*row)
    return made


def _write_book(path: Path, moment: Moment, book: LateBookAnswer, rows: list[list[str]]) -> str:
    """Write the book on paper or as a table; return what was written."""
    if path.suffix == ".pdf":
        write_bytes(path, render("late-book", moment, {"day": book.day, "rows": rows}))
    else:
        about: list[Value] = [book.day, book.known_at, book.position, book.policy, book.simulated]
        headings = [*HEADINGS, "day", "known_at", "position", "policy", "simulated"]
        whole = [[*row, *about] for row in rows]
        write_whole(path, lambda draft: write_sheet(draft, headings, whole, title=f"Late Book {book.day}"))
    return f"wrote {path.name}: {counted(len(rows), 'arrival')}"
