"""Verbs that answer: absence and penalty windows, about any day, as known at any moment."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.cli.frame.arguments import Pupils
from commands.cli.frame.asking import Question, Reply, asks
from commands.cli.frame.parameters import Verbs
from commands.cli.verbs.ladder import ladder_reply
from commands.desk.figure_tables import absence_table, band_line, counted_table, penalty_table, weeks_line
from commands.files.section import Part
from ledger.errors import Refused
from projections.figures.cohorts import absence_answers, bands, penalty_windows

verbs = Verbs()


@asks(verbs, "absence", archive=True)
def ask_absence(
    question: Question,
    pupils: Pupils = None,
    leavers: Annotated[bool, typer.Option("--leavers", help="Also who left in that school year.")] = False,
    year_group: Annotated[str | None, typer.Option("--year-group", metavar="TEXT", help="Only this one.")] = None,
    class_name: Annotated[str | None, typer.Option("--class", metavar="CLASS", help="Only this one.")] = None,
    group: Annotated[str | None, typer.Option("--group", metavar="TEXT", help="Only this one.")] = None,
) -> Reply:
    """Say who attended what, and who is persistently absent.

    Possible, attended, authorised, unauthorised and missing sessions of the year to date, for the pupils on roll.

    \b
    Example: attendance absence --as-of 2025-12-12 --known-at 2026-01-16 --class 5T
    """
    if pupils and (year_group or class_name or group):
        raise Refused("malformed", field="PUPIL", expected="either pupils or a year group, class or group")
    chosen = question.chosen(pupils, leavers=leavers, year_group=year_group, class_name=class_name, group=group)
    absence = absence_answers(question.answers, question.moment, chosen)

    def parts() -> list[Part]:
        names = question.names([answer.pupil for answer in absence])
        return [absence_table(absence, names, question.simulated), band_line(bands(absence))]

    return Reply(absence, "Absence", parts)


@asks(verbs, "penalty", archive=True)
def ask_penalty(
    question: Question,
    pupils: Pupils = None,
    ladder: Annotated[bool, typer.Option("--ladder", help="Each parent's cases and what comes next.")] = False,
) -> Reply:
    """Count the rolling ten school weeks, per pupil and parent.

    Without pupils, everybody who has ever been on roll and has a session counted. With --ladder, what was considered,
    required, referred, issued, paid and prosecuted about each parent, and what has to be decided next.

    \b
    Example: attendance penalty 1042 --as-of 2025-12-12 --known-at 2025-12-12T17:00
    """
    chosen = question.known(pupils) if pupils else sorted(question.moment.school.pupils)
    if ladder:
        return ladder_reply(question, chosen, named=bool(pupils))
    windows = penalty_windows(question.answers, question.moment, chosen, empty=bool(pupils))

    def parts() -> list[Part]:
        names = question.names([answer.pupil for answer in windows])
        counted = [counted_table(answer, question.simulated) for answer in windows if pupils and answer.sessions]
        weeks = weeks_line(windows[0].weeks if windows else [])
        return [penalty_table(windows, names, question.simulated), *counted, *([weeks] if weeks else [])]

    return Reply(windows, "Penalty window", parts)
