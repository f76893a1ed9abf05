"""The verb that shows a policy: its numbers with their paragraphs, its adoptions, and who is named for what."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.cli.frame.asking import Question, Reply, asks
from commands.cli.frame.options import one_line
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say
from commands.desk.tables import london, table
from commands.files.section import Section
from ledger.errors import Refused
from ledger.people import signature
from ledger.policy import shipped_text
from projections.records.policies import Person, PolicyAnswer, policy_answer

verbs = Verbs()


@asks(verbs, "policies")
def show_policies(
    question: Question,
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="POLICY", help="Print this shipped policy as its file, nothing else."),
    ] = None,
) -> Reply:
    """Show the policy in force, what was adopted when, and who holds which role.

    Every setting with its value and the paragraph it comes from; the review's day; the people the school has named.

    \b
    Example: attendance policies --as-of 2026-04-13 --known-at 2026-03-31
    """
    if text is not None:
        if question.day or question.known_at or question.as_json:
            raise Refused("malformed", field="--text", expected="a policy's name alone")
        say(shipped_text(text))
        raise typer.Exit
    answer = policy_answer(question.answers, question.moment)
    review = f"{answer.title} ({answer.edition}): {_review(answer)}"
    tables = (_settings_table, _adoptions_table, _roles_table)
    return Reply(answer, "Policies", lambda: [review, *(made(answer) for made in tables)], named=False)


def _review(answer: PolicyAnswer) -> str:
    if answer.review_on is None:
        return "no day of review is recorded"
    return f"to be reviewed by {answer.review_on}" + (", which has come" if answer.review_due else "")


def _settings_table(answer: PolicyAnswer) -> Section:
    made = table(f"Policy {answer.policy}", answer.simulated, setting="left", value="left", source="left")
    for each in answer.settings:
        made.add_row(each.setting, _shown(each.value), each.source)
    return made


def _adoptions_table(answer: PolicyAnswer) -> Section:
    headings = dict.fromkeys(("from", "policy", "in_force", "review", "recorded", "by"), "left")
    made = table("Adopted", answer.simulated, **headings, position="right")
    for each in answer.adopted:
        made.add_row(
            each.from_day or "the opening",
            each.policy,
            "yes" if each.in_force else "",
            each.review_on or "",
            london(each.recorded_at),
            _by(each.by),
            str(each.position),
        )
    return made


def _roles_table(answer: PolicyAnswer) -> Section:
    headings = dict.fromkeys(("role", "holder", "since", "contact", "recorded", "by"), "left")
    made = table(f"Roles on {answer.as_of}", answer.simulated, **headings, position="right")
    for role in answer.roles:
        beside_it = (
            one_line(role.contact),
            london(role.recorded_at) if role.recorded_at else "",
            _by(role.by) if role.by else "",
            str(role.position or ""),
        )
        for place, holder in enumerate(role.holders):
            beside = beside_it if place == 0 else ("",) * len(beside_it)
            made.add_row(role.role, one_line(signature(holder)), holder.since, *beside)
        if not role.holders:
            made.add_row(role.role, "nobody named", "", *beside_it)
    return made


def _by(person: Person) -> str:
    return one_line(signature(person))


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {moment}" for name, moment in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
