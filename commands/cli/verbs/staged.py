"""The verb that says where pupils stand in staged support."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

import typer

from commands.cli.frame.asking import Part, Question, Reply, asks
from commands.cli.frame.parameters import Verbs
from commands.desk.pupils import name_of
from commands.desk.tables import table
from commands.files.section import Section
from ledger.words import SEALED
from projections.followup.support import Letter, StagedAnswer, Step, staged_answers

verbs = Verbs()

OVERVIEW = (
    "pupil", "name", "class", "attendance", "absence", "lates", "step", "waits_for", "next_step", "because",
    "looked_at_again",
)  # fmt: skip


@asks(verbs, "staged")
def show_staged(
    question: Question,
    pupils: Annotated[list[str] | None, typer.Argument(metavar="PUPIL...", help="Admission numbers.")] = None,
) -> Reply:
    """Say where pupils stand in staged support.

    At which step, and which comes next by the policy's order. Without pupils, everybody for whom support is due or
    waits for an answer. With pupils, also every stage, and every letter with the figures that it quoted: whether the
    register showed them then, and shows them still.

    \b
    Example: attendance staged 1042 --as-of 2025-12-12
    """
    answers = staged_answers(question.answers, question.moment, question.known(pupils) if pupils else None)
    return Reply(answers, "Staged support", lambda: _parts(question, answers, stages=bool(pupils)))


def _parts(question: Question, answers: list[StagedAnswer], *, stages: bool) -> Iterator[Part]:
    """Yield who stands where, and with `stages` every stage and letter of each."""
    names = question.names([answer.pupil for answer in answers])
    made = table("Staged support", question.simulated, **dict.fromkeys(OVERVIEW, "left"))
    for answer in answers:
        made.add_row(answer.pupil, name_of(answer.pupil, names), *_overview(answer))
    yield made if answers else "nobody needs a step of support"
    for answer in answers if stages else ():
        if answer.steps:
            yield _steps(answer.pupil, answer.steps, question.simulated)
        if answer.letters:
            yield _letters(answer.pupil, answer.letters, question.simulated)


def _overview(answer: StagedAnswer) -> list[str]:
    shares = ["–" if share is None else f"{share} %" for share in (answer.attendance_percent, answer.absence_percent)]
    absent = f"{shares[1]} {answer.level}".strip()
    steps = (answer.at or "none yet", ", ".join(answer.waiting), answer.expected, answer.because, _day(answer.next_on))
    return [answer.class_name, shares[0], absent, str(answer.lates), *steps]


def _steps(pupil: str, steps: list[Step], simulated: bool) -> Section:
    headings = ("step", "stage", "on", "people", "outcome", "looked_at_again", "by", "position")
    made = table(f"Steps of support for {pupil}", simulated, **dict.fromkeys(headings, "left"))
    for step in steps:
        for place, stage in enumerate(step.stages):
            words = (SEALED, SEALED) if stage.sealed else (", ".join(stage.people), stage.outcome)
            first = step.step if not place else ""
            made.add_row(first, stage.stage, str(stage.on), *words, _day(stage.next_on), stage.by, str(stage.position))
    return made


def _letters(pupil: str, letters: list[Letter], simulated: bool) -> Section:
    headings = ("about", "sent_on", "quoted", "as_of", "seen", "the_register_then", "the_register_now")
    made = table(f"Letters about {pupil}", simulated, **dict.fromkeys(headings, "left"))
    for letter in letters:
        then = _held(letter.was_true, letter.quoted, letter.then)
        now = _held(letter.still_true, letter.quoted, letter.now)
        quoted = ", ".join(f"{name} {count}" for name, count in letter.quoted.items()) or "no figures"
        made.add_row(letter.about, str(letter.sent_on), quoted, str(letter.as_of), str(letter.seen), then, now)
    return made


def _held(true: bool | None, quoted: dict[str, int], shown: dict[str, int]) -> str:
    """Return what a register shows of the figures that a letter quoted: the same, or which differ."""
    if true is None:
        return ""
    if true:
        return "the same"
    return "not so: " + ", ".join(f"{name} {count}" for name, count in shown.items() if count != quoted[name])


def _day(day: date | None) -> str:
    return "" if day is None else str(day)
