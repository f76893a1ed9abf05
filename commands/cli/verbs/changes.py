"""The verb of the change log: every amendment of a time, by whom and why, and what is worth a question."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated

import typer

from commands.cli.frame.arguments import Pupils
from commands.cli.frame.asking import Question, Reply, asks
from commands.cli.frame.options import one_line, parse_day
from commands.cli.frame.parameters import Verbs
from commands.desk.pupils import known_pupils
from commands.desk.tables import findings_table, london, table
from commands.files.section import Part, Section
from ledger.errors import Misconfigured, Refused
from ledger.sessions import LONDON, format_moment
from ledger.words import counted
from projections.records.changes import ChangeLine, amendments, anomalies, change_lines, tallies

verbs = Verbs()

MOST = 10  # counts on a line


@asks(verbs, "changes", day="")
def show_changes(
    question: Question,
    pupils: Pupils = None,
    from_day: Annotated[str, typer.Option("--from", metavar="DAY", help="The first day of recording.")] = "",
    to_day: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="The last. [default the last event's]")
    ] = None,
    by: Annotated[str | None, typer.Option("--person", metavar="NAME", help="Only what this person amended.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DAY", help="The day whose policy it is asked by. [default --to]"),
    ] = None,
) -> Reply:
    """Show every amendment recorded in a time: by whom, from which code to which, why. Changes in bulk are one line.

    \b
    Example: attendance changes --from 2026-01-05 --to 2026-01-16
    """
    first, last = parse_day("--from", from_day or None), parse_day("--to", to_day)
    about = parse_day("--as-of", as_of) or last
    if first is None:
        raise Refused("malformed", field="--from", expected="the first day, such as 2026-01-05")
    if last is not None and first > last:
        raise Refused("malformed", field="--from", value=first, expected=f"a day no later than --to, {last}")

    # No later event may move the day that the answer is about.
    moment = question.at(about or question.moment.known_on, question.known_at)
    if moment.in_force is None:
        raise Misconfigured(f"no policy was known at {format_moment(moment.known_at)}, and changes are judged by one")
    since = datetime.combine(first, time.min, LONDON)
    until = datetime.combine(last, time.max, LONDON) if last else moment.known_at
    chosen = known_pupils(moment, pupils) if pupils else None
    made = amendments(question.answers, moment, since, until, chosen)
    made = [each for each in made if by is None or each.by.startswith(f"{by} (")]
    lines, doubtful = change_lines(made, moment.policy), anomalies(question.answers, moment, made)
    simulated, counts = question.simulated, tallies(made)

    def parts() -> list[Part]:
        sums = [f"{what}: {_counted(count)}" for what, count in counts.items() if count]
        worth = [findings_table("Worth a question", doubtful, simulated)] if doubtful else []
        return [_changes_table(lines, simulated), *sums, *worth]

    answer = {
        "as_of": moment.as_of.isoformat(),
        "known_at": format_moment(moment.known_at),
        "position": moment.position,
        "policy": moment.policy.name,
        "rules": moment.rules,
        "simulated": simulated,
        "changes": lines,
        "tallies": counts,
        "anomalies": [each.plain() for each in doubtful],
    }
    return Reply(answer, "Changes", parts, moment=lambda: moment)


def _counted(counts: dict[str, int]) -> str:
    """Return counts as a line, of many the largest ones."""
    most = sorted(counts, key=lambda what: -counts[what])[:MOST]
    parts = [f"{count} {one_line(what)}" for what, count in counts.items() if what in most]
    return ", ".join(parts) + (f", and {len(counts) - MOST} more with fewer" if len(counts) > MOST else "")


def _changes_table(lines: list[ChangeLine], simulated: bool) -> Section:
    columns = {"recorded": "left", "by": "left", "pupil": "left", "session": "left", "codes": "left", "why": "left"}
    made = table("Changes of the register", simulated, **columns, position="right")
    for line in lines:
        first, last = line.amendments[0], line.amendments[-1]
        pupils = sorted({each.pupil for each in line.amendments})
        sessions = sorted({each.session for each in line.amendments})
        many = len(line.amendments) > 1
        made.add_row(
            london(line.first_at) + (f" to {london(line.last_at)[11:]}" if many else ""),
            one_line(line.by),
            counted(len(pupils), "pupil") if many else first.pupil,
            f"{len(line.amendments)} entries, {sessions[0]} to {sessions[-1]}" if many else first.session,
            f"{line.was} > {line.now}",
            one_line(line.reason),
            f"{first.position}-{last.position}" if many else str(first.position),
        )
    return made
