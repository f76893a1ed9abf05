"""The verb that checks a referral to the authority, and writes its form once nothing would send it back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from commands.cli.arguments import Pupil
from commands.cli.asking import known_pupils, note_lost_keys
from commands.cli.files import out_path, write_bytes
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
from commands.cli.speech import say_json
from commands.cli.tables import name_of, parent_name, show, table
from commands.desk.letters import readable
from commands.paper import render
from commands.paper.referral import referral_facts
from commands.wiring import House
from ledger.errors import Refused
from ledger.words import counted
from projections.asking.questions import Moment, Particulars
from projections.figures.cohorts import described
from projections.penalties.ladder_answers import ladder_answers
from projections.penalties.referral import Referral, ReferralAnswer, referrals

verbs = Verbs()

NO = 1


@verbs.command("referral")
def check_referral(
    pupil: Pupil,
    parent: Annotated[
        str | None, typer.Option("--parent", metavar="ID", help="Just this parent. [default each of them]")
    ] = None,
    out: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE.pdf", help="Write the form; needs --parent.")
    ] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Write it even so, with DRAFT on every page.")] = False,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a referral to the authority; exit 1 if anything would send it back.

    Each blocker comes with the command that mends it. The form is written only where there are none, or as a draft.

    \b
    Example: attendance referral 1042 --parent 1042-a -o referral.pdf
    """
    day, known_time = parse_day("--as-of", as_of), parse_known_at(known_at)
    path = out_path(out, (".pdf",)) if out is not None else None
    if path is not None and parent is None:
        raise Refused("malformed", field="--parent", expected="the parent whom the form is about")

    with opened(ledger, keys) as house:
        moment = house.answers.moment(day, known_time)
        known_pupils(moment, [pupil])
        found = referrals(house.answers, moment, pupil, parent)
        if not found:
            raise Refused("unknown_person", field="--parent", value=parent)
        _tell(house, moment, found, as_json=as_json)
        ready = all(referral.answer.ready for referral in found)
        if path is not None:
            _write(house, moment, found[0], path, draft=draft)
    if not ready:
        raise typer.Exit(NO)


def _write(house: House, moment: Moment, referral: Referral, path: Path, *, draft: bool) -> None:
    """Write the form, unless something blocks it and it is to be no draft."""
    if not referral.answer.ready and not draft:
        note(f"{path.name} was not written: mend what blocks the referral, or write a --draft")
        return

    pupil, parent = referral.answer.pupil, referral.answer.parent
    known = readable(house.answers, moment, pupil)
    (ladder,) = (
        line
        for answer in ladder_answers(house.answers, moment, [pupil], empty=True)
        for line in answer.parents
        if line.parent == parent
    )
    write_bytes(path, render("referral", moment, referral_facts(referral, ladder, known, moment, draft=draft)))
    note(f"wrote {path.name}" + (", a draft" if draft else ""))


def _tell(house: House, moment: Moment, found: list[Referral], *, as_json: bool) -> None:
    answers = [referral.answer for referral in found]
    if as_json:
        say_json(answers)
        return

    note_lost_keys(house)
    names = house.answers.particulars(moment, [answers[0].pupil])
    parts = [part for answer in answers for part in _parts(answer, names, house.simulated)]
    show(*parts, described(moment))


def _parts(answer: ReferralAnswer, names: dict[str, Particulars], simulated: bool) -> list[Any]:
    """Return one parent's referral: who it is about, what counts, what stands in its way and what mends it."""
    who = f"{name_of(answer.pupil, names)} ({answer.pupil}) and {parent_name(answer.pupil, answer.parent, names)}"
    about = table(f"Referral about {who} ({answer.parent})", simulated, item="left", what="left")
    for item, what in _summary(answer):
        about.add_row(item, one_line(what))
    problems = table("What was found", simulated, check="left", session="left", position="right", finding="left")
    lines = []
    for each in (*answer.blockers, *answer.findings):
        place = "" if each.position is None else str(each.position)
        said = each.sentence if each.blocks else f"{each.sentence} (blocks nothing)"
        problems.add_row(each.check.replace("_", " "), each.session or "", place, one_line(said))
        if each.command not in lines:
            lines.append(each.command)
    if not lines:
        return [about, "nothing blocks it"]
    count = len(answer.blockers)
    verdict = f"{count} blocker{'s' if count != 1 else ''}" if count else "nothing blocks it"
    return [about, problems, f"{verdict}; what mends it:", *(f"  {one_line(line)}" for line in lines)]


def _summary(answer: ReferralAnswer) -> list[tuple[str, str]]:
    told = answer.chronology
    weeks = _span(answer.weeks)
    rows = [
        ("case", answer.case or "none yet"),
        ("route", answer.route or "not considered yet"),
        ("window", f"{weeks}, as of {answer.window_as_of}" if answer.weeks else "no school weeks"),
        ("counted", f"{answer.count} of {answer.threshold}" + (f", met on {answer.met_on}" if answer.met_on else "")),
        ("sessions", ", ".join(f"{each.session} {each.code}" for each in answer.sessions)),
        ("notices in three years", str(answer.notices_in_three_years)),
        (
            "chronology",
            f"reports {told.reports}, contacts {told.contacts} (reached {told.reached}), letters {told.letters}, "
            f"meetings {told.meetings}, other support {told.support}, agencies told {told.agencies}, "
            f"evidence asked for {told.evidence}, leave asked for {told.leave}",
        ),
    ]
    if answer.absence is not None:
        c = answer.absence
        rows.append(
            (
                "year to date",
                f"{c.possible} possible, {c.attended} attended, {c.authorised} authorised, "
                f"{c.unauthorised} unauthorised, {c.missing} missing",
            )
        )
    return rows


def _span(weeks: list[str]) -> str:
    if len(weeks) < 2:
        return f"1 school week, that of {weeks[0]}" if weeks else ""
    return f"{counted(len(weeks), 'school week')}, from that of {weeks[0]} to that of {weeks[-1]}"
