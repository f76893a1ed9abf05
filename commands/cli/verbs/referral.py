"""The verb that checks a referral to the authority, and writes its form once nothing would send it back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.arguments import Pupil
from commands.cli.frame.asking import Part, Question, Reply, asks
from commands.cli.frame.files import write_bytes
from commands.cli.frame.parameters import Verbs
from commands.desk.figure_tables import weeks_line
from commands.desk.letters import readable
from commands.desk.pupils import Names, name_of, parent_name
from commands.desk.tables import table
from commands.paper import render
from commands.paper.referral import referral_facts
from ledger.errors import Refused
from ledger.text import one_line
from projections.penalties.ladder_answers import ladder_answers
from projections.penalties.referral import Referral, ReferralAnswer, referrals

verbs = Verbs()

NO = 1


@asks(verbs, "referral", forms=(".pdf",))
def check_referral(
    question: Question,
    pupil: Pupil,
    parent: Annotated[
        str | None, typer.Option("--parent", metavar="ID", help="Just this parent. [default each of them]")
    ] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Write it even so, with DRAFT on every page.")] = False,
) -> Reply:
    """Check a referral to the authority; exit 1 if anything would send it back.

    Each blocker comes with the command that mends it. FILE.pdf is the form about one --parent, and is written only
    where there are none, or as a draft.

    \b
    Example: attendance referral 1042 --parent 1042-a -o referral.pdf
    """
    if parent is None and question.file is not None and question.file.suffix == ".pdf":
        raise Refused("malformed", field="--parent", expected="the parent whom the form is about")
    question.known([pupil])
    about = referrals(question.answers, question.moment, pupil, parent)
    if not about:
        raise Refused("unknown_person", field="--parent", value=parent)
    answers = [referral.answer for referral in about]

    def parts() -> list[Part]:
        names = question.names([pupil])
        return [part for answer in answers for part in _parts(answer, names, question.simulated)]

    return Reply(
        answers,
        f"Referral about {pupil}",
        parts,
        code=0 if all(answer.ready for answer in answers) else NO,
        book=lambda path: _write_form(path, question, about[0], draft=draft),
        quiet=True,
        beside=True,
    )


def _write_form(path: Path, question: Question, referral: Referral, *, draft: bool) -> str:
    """Write the form, unless something blocks it and it is to be no draft; return what was done."""
    if not referral.answer.ready and not draft:
        return f"{path.name} was not written: mend what blocks the referral, or write a --draft"

    moment, pupil, parent = question.moment, referral.answer.pupil, referral.answer.parent
    known = readable(question.answers, moment, pupil)
    (ladder,) = (
        line
        for answer in ladder_answers(question.answers, moment, [pupil], empty=True)
        for line in answer.parents
        if line.parent == parent
    )
    write_bytes(path, render("referral", moment, referral_facts(referral, ladder, known, moment, draft=draft)))
    return f"wrote {path.name}" + (", a draft" if draft else "")


def _parts(answer: ReferralAnswer, names: Names, simulated: bool) -> list[Part]:
    """Return one parent's referral: who it is about, what counts, what stands in its way and what mends it."""
    who = f"{name_of(answer.pupil, names)} ({answer.pupil}) and {parent_name(answer.pupil, answer.parent, names)}"
    about = table(f"Referral about {who} ({answer.parent})", simulated, item="left", what="left")
    for item, what in _summary(answer):
        about.add_row(item, one_line(what))
    problems = table("What was found", simulated, check="left", session="left", position="right", finding="left")
    lines = []
    for each in (*answer.blockers, *answer.findings):
        place = "" if each.position is None else str(each.position)
        sentence = each.sentence if each.blocks else f"{each.sentence} (blocks nothing)"
        problems.add_row(each.check.replace("_", " "), each.session or "", place, one_line(sentence))
        if each.command not in lines:
            lines.append(each.command)
    if not lines:
        return [about, "nothing blocks it"]
    count = len(answer.blockers)
    verdict = f"{count} blocker{'s' if count != 1 else ''}" if count else "nothing blocks it"
    return [about, problems, f"{verdict}; what mends it:", *(f"  {one_line(line)}" for line in lines)]


def _summary(answer: ReferralAnswer) -> list[tuple[str, str]]:
    counts = answer.chronology
    rows = [
        ("case", answer.case or "none yet"),
        ("route", answer.route or "not considered yet"),
        ("window", f"{weeks_line(answer.weeks)}, as of {answer.window_as_of}" if answer.weeks else "no school weeks"),
        ("counted", f"{answer.count} of {answer.threshold}" + (f", met on {answer.met_on}" if answer.met_on else "")),
        ("sessions", ", ".join(f"{each.session} {each.code}" for each in answer.sessions)),
        ("notices in three years", str(answer.notices_in_three_years)),
        (
            "chronology",
            f"reports {counts.reports}, contacts {counts.contacts} (reached {counts.reached}), "
            f"letters {counts.letters}, meetings {counts.meetings}, other support {counts.support}, agencies told "
            f"{counts.agencies}, evidence asked for {counts.evidence}, leave asked for {counts.leave}",
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
