"""Verbs that compare: what is known now with what was known then, this policy with another, an event with the last."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from commands.cli.arguments import Pupil, Pupils
from commands.cli.asking import note_lost_keys, note_nobody
from commands.cli.options import (
    AsOfOption,
    JsonOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    note,
    one_line,
    opened,
    parse_day,
    parse_known_at,
)
from commands.cli.parameters import Verbs
from commands.cli.speech import say, say_json
from commands.cli.tables import london, name_of, show, table
from commands.desk.pupils import chosen_pupils, known_pupils
from commands.files.section import Section
from ledger.errors import Refused
from ledger.policy import Policy
from projections.asking.questions import Moment
from projections.audit.bisect import first_turn
from projections.audit.compare import Difference, answering, check_order, differences
from projections.audit.whatif import Effect, effects, with_settings
from projections.figures.cohorts import described

verbs = Verbs()

DIFFERENT = NEVER = 1
Then = Annotated[str, typer.Option("--then", metavar="TIME", help="The earlier moment; a day means its end.")]
Now = Annotated[str | None, typer.Option("--now", metavar="TIME", help="The later moment. [default the last event]")]
ClassOption = Annotated[str | None, typer.Option("--class", metavar="CLASS", help="Only pupils of this class.")]


@verbs.command("diff")
def show_differences(
    pupils: Pupils = None,
    then: Then = "",
    now: Now = None,
    class_name: ClassOption = None,
    as_of: AsOfOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what changed in knowledge between two moments, and which verdicts that turns; exit 1 if anything did.

    \b
    Example: attendance diff 1042 --then 2025-12-12T17:00 --now 2026-01-16T17:00 --as-of 2025-12-12
    """

    earlier, later, day = _required(then, "--then"), parse_known_at(now, "--now"), parse_day("--as-of", as_of)
    with opened(ledger, keys) as house:
        before, after = (house.answers.moment(day, known_at) for known_at in (earlier, later))
        chosen = chosen_pupils(house.answers, after, pupils, leavers=True, class_name=class_name)
        note_nobody(chosen, {"class": class_name})
        found = differences(house.answers, before, after, chosen)
        if as_json:
            say_json(found)
        elif found:
            note_lost_keys(house)
            show(*_difference_tables(found, house.simulated), _between(before, after))
        else:
            say(f"nothing changed; {_between(before, after)}" + (" (SIMULATED)" if house.simulated else ""))
    if found:
        raise typer.Exit(DIFFERENT)


@verbs.command("whatif")
def imagine(
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
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who would meet a threshold or enter a cohort, and who would not, under another policy. Records nothing.

    \b
    Example: attendance whatif --policy micklem-2025 --as-of 2025-12-12
             attendance whatif --set penalty.threshold=8 --set hours_am.closes=09:20:00
    """

    if not policy_file and not settings:
        raise Refused("malformed", field="--policy", expected="another policy, or --set with a setting that changes")
    about, known = parse_day("--as-of", as_of), parse_known_at(known_at)
    with opened(ledger, keys) as house:
        moment = house.answers.moment(about, known)
        base = house.answers.policy_of(moment.school, moment.as_of, policy_file)
        assert base is not None, "an opened school has a policy"
        other = with_settings(base, settings) if settings else base
        chosen = chosen_pupils(house.answers, moment, pupils, class_name=class_name)
        note_nobody(chosen, {"class": class_name})
        found = effects(house.answers, moment, other, chosen)
        if as_json:
            note(_which(other, moment))
            say_json(found)
            return

        note_lost_keys(house)
        names = house.answers.particulars(moment, {effect.pupil for effect in found})
        say(_which(other, moment))
        counted = f"{sum(effect.enters for effect in found)} enter, {sum(not effect.enters for effect in found)} leave"
        show(_effect_table(found, names, house.simulated), f"{counted}, of {len(chosen)} pupils", described(moment))


@verbs.command("bisect")
def find_turn(
    question: Annotated[Literal["absence", "penalty"], typer.Argument(metavar="absence|penalty", help="Which answer.")],
    pupil: Pupil,
    then: Then = "",
    now: Now = None,
    count: Annotated[bool, typer.Option("--count", help="The first that changed a count, not a verdict.")] = False,
    as_of: AsOfOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the first event at which an answer became different from what it was then; exit 1 if it never did.

    \b
    Example: attendance bisect penalty 1042 --then 2025-12-12T17:00 --as-of 2025-12-12
    """

    earlier, later, day = _required(then, "--then"), parse_known_at(now, "--now"), parse_day("--as-of", as_of)
    with opened(ledger, keys) as house:
        before, after = (house.answers.moment(day, known_at) for known_at in (earlier, later))
        check_order(before, after)
        known_pupils(before, [pupil])
        turn = first_turn(house.answers, before, after, pupil, answering(question, counts=count))
        if as_json:
            say_json([] if turn is None else [turn])
        elif turn is None:
            say(f"it never became different; {_between(before, after)}" + (" (SIMULATED)" if house.simulated else ""))
        else:
            place = f" of {turn.session}" if turn.session else ""
            said = f"position {turn.position}, {turn.recorded_at}: {turn.what}{place} by {turn.by}"
            say(one_line(said + (f": {turn.reason}" if turn.reason else "")))
            marked = " (SIMULATED)" if house.simulated else ""
            say(f"before: {_told(turn.before)}\nafter:  {_told(turn.after)}\n{_between(before, after)}{marked}")
    if turn is None:
        raise typer.Exit(NEVER)


def _required(text: str, option: str) -> Any:
    if not text:
        raise Refused("malformed", field=option, expected="a time such as 2025-12-12T17:00")
    return parse_known_at(text, option)


def _between(then: Moment, now: Moment) -> str:
    cautions = dict.fromkeys(moment.caution for moment in (then, now) if moment.caution)
    said = "".join(f"; caution: {caution}" for caution in cautions)
    return f"as of {now.as_of}, as known at position {then.position} and at position {now.position}{said}"


def _told(answer: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_yes(value)}" for name, value in answer.items()) or "nothing to say"


def _yes(value: Any) -> str:
    return {True: "yes", False: "no", None: "–"}[value] if value is None or isinstance(value, bool) else str(value)


def _difference_tables(found: list[Difference], simulated: bool) -> list[Section]:
    columns = {"pupil": "left", "session": "left", "was": "left", "now": "left", "recorded": "left", "by": "left"}
    changes = table("Entries that stand differently", simulated, **columns, why="left", position="right")
    verdicts = table("Verdicts and counts", simulated, pupil="left", what="left", then="left", now="left")
    others = table("What they are judged by", simulated, about="left", what="left", recorded="left", by="left")
    told: set[int] = set()
    for each in found:
        for change in each.changes:
            when = london(change.recorded_at)
            row = (each.pupil, change.session, change.was or "", change.now or "", when, one_line(change.by))
            changes.add_row(*row, one_line(change.reason), str(change.position))
        for verdict in each.verdicts:
            verdicts.add_row(each.pupil, verdict.verdict.replace("_", " "), _yes(verdict.then), _yes(verdict.now))
        for name, (before, after) in each.counts.items():
            verdicts.add_row(each.pupil, name, _yes(before), _yes(after))
        for other in each.others:
            if other.position not in told:
                told.add(other.position)
                others.add_row(other.about, other.what, london(other.recorded_at), one_line(other.by))
    return [made for made in (changes, verdicts, others) if made.rows]


def _which(other: Policy, moment: Moment) -> str:
    """Return what the other policy is, and whether it is the one in force."""
    said = f"the other policy is {other.name} ({other.title}, {other.edition}), rules {other.rules}"
    if other.rules == moment.rules:
        return f"{said}: the one in force in this ledger"
    return f"{said}; it is not this ledger's, which is {moment.policy.name}, rules {moment.rules}"


def _effect_table(found: list[Effect], names: Any, simulated: bool) -> Section:
    columns = {"pupil": "left", "name": "left", "verdict": "left", "would_be": "left", "count": "left"}
    made = table("Under another policy", simulated, **columns, sessions="left")
    for effect in found:
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
