"""Verbs that compare: what is known now with what was known then, this policy with another, an event with the last."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import typer

from commands.cli.frame.arguments import Pupil, Pupils
from commands.cli.frame.asking import Question, Reply, asks
from commands.cli.frame.options import one_line, parse_known_at
from commands.cli.frame.parameters import Verbs
from commands.desk.pupils import Names, known_pupils, name_of
from commands.desk.tables import london, table
from commands.files.section import Part, Section, Value
from ledger.errors import Refused
from ledger.policy import Policy
from projections.asking.questions import Moment
from projections.audit.bisect import Turn, first_turn
from projections.audit.compare import Difference, Verdicts, answering, check_order, differences
from projections.audit.whatif import Effect, effects, with_settings

verbs = Verbs()

DIFFERENT = NEVER = 1
Then = Annotated[str, typer.Option("--then", metavar="TIME", help="The earlier moment; a day means its end.")]
Now = Annotated[str | None, typer.Option("--now", metavar="TIME", help="The later moment. [default the last event]")]
ClassOption = Annotated[str | None, typer.Option("--class", metavar="CLASS", help="Only pupils of this class.")]


@asks(verbs, "diff", known=False)
def show_differences(
    question: Question,
    pupils: Pupils = None,
    then: Then = "",
    now: Now = None,
    class_name: ClassOption = None,
) -> Reply:
    """Say what changed in knowledge between two moments, and which verdicts that turns; exit 1 if anything did.

    \b
    Example: attendance diff 1042 --then 2025-12-12T17:00 --now 2026-01-16T17:00 --as-of 2025-12-12
    """
    before, after = _both(question, then, now)
    chosen = question.chosen(pupils, after, leavers=True, class_name=class_name)
    changed = differences(question.answers, before, after, chosen)
    return Reply(
        changed,
        "What changed",
        lambda: _difference_tables(changed, question.simulated),
        remark="" if changed else "nothing changed",
        code=DIFFERENT if changed else 0,
        times=_between(before, after),
        moment=lambda: after,
        named=bool(changed),
    )


@asks(verbs, "whatif")
def imagine(
    question: Question,
    pupils: Pupils = None,
    policy_file: Annotated[
        str | None,
        typer.Option("--policy", metavar="NAME|FILE", help="Another policy, shipped or a .toml file."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting changed, such as penalty.threshold=8; repeatable."),
    ] = None,
    class_name: ClassOption = None,
) -> Reply:
    """Say who would meet a threshold or enter a cohort, and who would not, under another policy. Records nothing.

    \b
    Example: attendance whatif --policy micklem-2025 --as-of 2025-12-12
             attendance whatif --set penalty.threshold=8 --set hours_am.closes=09:20:00
    """
    if not policy_file and not settings:
        raise Refused("malformed", field="--policy", expected="another policy, or --set with a setting that changes")
    answers, moment = question.answers, question.moment
    base = answers.policy_of(moment.school, moment.as_of, policy_file)
    assert base is not None, "an opened school has a policy"
    other = with_settings(base, settings) if settings else base
    chosen = question.chosen(pupils, class_name=class_name)
    turned = effects(answers, moment, other, chosen)

    def parts() -> list[Part]:
        names = question.names({effect.pupil for effect in turned})
        enter = sum(effect.enters for effect in turned)
        counts = f"{enter} enter, {len(turned) - enter} leave, of {len(chosen)} pupils"
        return [_effect_table(turned, names, question.simulated), counts]

    return Reply(turned, "Under another policy", parts, above=_which(other, moment))


@asks(verbs, "bisect", known=False)
def find_turn(
    question: Question,
    answer: Annotated[Literal["absence", "penalty"], typer.Argument(metavar="absence|penalty", help="Which answer.")],
    pupil: Pupil,
    then: Then = "",
    now: Now = None,
    count: Annotated[bool, typer.Option("--count", help="The first that changed a count, not a verdict.")] = False,
) -> Reply:
    """Find the first event at which an answer became different from what it was then; exit 1 if it never did.

    \b
    Example: attendance bisect penalty 1042 --then 2025-12-12T17:00 --as-of 2025-12-12
    """
    before, after = _both(question, then, now)
    check_order(before, after)
    known_pupils(before, [pupil])
    turn = first_turn(question.answers, before, after, pupil, answering(answer, counts=count))
    between, title = _between(before, after), f"When it turned: {answer} of {pupil}"
    shown = Reply([], title, list, times=between, moment=lambda: after, named=False)
    if turn is None:
        return shown._replace(remark="it never became different", code=NEVER)
    marked = f"{between} (SIMULATED)" if question.simulated else between
    return shown._replace(answer=[turn], parts=lambda: [_turn_section(turn, title)], times=marked)


def _both(question: Question, then: str, now: str | None) -> tuple[Moment, Moment]:
    """Return the moments of earlier and of later knowledge, about one day."""
    earlier, later = _required(then, "--then"), parse_known_at(now, "--now")
    return question.at(question.day, earlier), question.at(question.day, later)


def _turn_section(turn: Turn, title: str) -> Section:
    """Return the event at which an answer turned, and the answer around it."""
    place = f" of {turn.session}" if turn.session else ""
    why = f": {turn.reason}" if turn.reason else ""
    before, after = _answered(turn.before), _answered(turn.after)
    event = f"position {turn.position}, {turn.recorded_at}: {turn.what}{place} by {turn.by}{why}"
    headings = ("position", "recorded", "what", "session", "by", "why", "before", "after")
    row: list[Value] = [turn.position, london(turn.recorded_at), turn.what, turn.session or "", turn.by, turn.reason]
    lines = [one_line(event), f"before: {before}", f"after:  {after}"]
    return Section(title, headings, [[*row, before, after]], lines=lines)


def _required(text: str, option: str) -> datetime | None:
    if not text:
        raise Refused("malformed", field=option, expected="a time such as 2025-12-12T17:00")
    return parse_known_at(text, option)


def _between(then: Moment, now: Moment) -> str:
    cautions = dict.fromkeys(moment.caution for moment in (then, now) if moment.caution)
    cautioned = "".join(f"; caution: {caution}" for caution in cautions)
    return f"as of {now.as_of}, as known at position {then.position} and at position {now.position}{cautioned}"


def _answered(answer: Verdicts) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_yes(value)}" for name, value in answer.items()) or "nothing to say"


def _yes(value: int | None) -> str:
    return {True: "yes", False: "no", None: "–"}[value] if value is None or isinstance(value, bool) else str(value)


def _difference_tables(changed: list[Difference], simulated: bool) -> list[Section]:
    columns = {"pupil": "left", "session": "left", "was": "left", "now": "left", "recorded": "left", "by": "left"}
    changes = table("Entries that stand differently", simulated, **columns, why="left", position="right")
    verdicts = table("Verdicts and counts", simulated, pupil="left", what="left", then="left", now="left")
    others = table("What they are judged by", simulated, about="left", what="left", recorded="left", by="left")
    listed: set[int] = set()
    for each in changed:
        for change in each.changes:
            when = london(change.recorded_at)
            row = (each.pupil, change.session, change.was or "", change.now or "", when, one_line(change.by))
            changes.add_row(*row, one_line(change.reason), str(change.position))
        for verdict in each.verdicts:
            verdicts.add_row(each.pupil, verdict.verdict.replace("_", " "), _yes(verdict.then), _yes(verdict.now))
        for name, (before, after) in each.counts.items():
            verdicts.add_row(each.pupil, name, _yes(before), _yes(after))
        for other in each.others:
            if other.position not in listed:
                listed.add(other.position)
                others.add_row(other.about, other.what, london(other.recorded_at), one_line(other.by))
    return [made for made in (changes, verdicts, others) if made.rows]


def _which(other: Policy, moment: Moment) -> str:
    """Return what the other policy is, and whether it is the one in force."""
    sentence = f"the other policy is {other.name} ({other.title}, {other.edition}), rules {other.rules}"
    if other.rules == moment.rules:
        return f"{sentence}: the one in force in this ledger"
    return f"{sentence}; it is not this ledger's, which is {moment.policy.name}, rules {moment.rules}"


def _effect_table(turned: list[Effect], names: Names, simulated: bool) -> Section:
    columns = {"pupil": "left", "name": "left", "verdict": "left", "would_be": "left", "count": "left"}
    made = table("Under another policy", simulated, **columns, sessions="left")
    for effect in turned:
        counts = "{} > {}".format(*effect.counts)
        would_be = "met" if effect.verdict == "met" else effect.verdict.replace("_", " ")
        made.add_row(
            effect.pupil,
            name_of(effect.pupil, names),
            would_be,
            _yes(effect.enters),
            counts,
            ", ".join(effect.sessions),
        )
    return made
