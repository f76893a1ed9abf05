"""The verb that answers why: a proof, as a tree that a person reads or as JSON that a program checks."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from commands.cli.frame.arguments import Pupil
from commands.cli.frame.asking import Question, Reply, asks
from commands.cli.frame.parameters import Verbs
from commands.desk.pupils import name_of
from commands.files.section import Branch
from ledger.people import signature
from ledger.text import one_line
from projections.audit.explain import explain_absence, explain_penalty
from projections.audit.proof import Explanation, Flip, Since
from projections.records.registers import MarkAnswer

verbs = Verbs()

SHOWN = 12  # sessions of an answer the other way that are named


@asks(verbs, "explain")
def explain(
    question: Question,
    verdict: Annotated[Literal["absence", "penalty"], typer.Argument(metavar="absence|penalty", help="Which verdict.")],
    pupil: Pupil,
) -> Reply:
    """Say why: rules, weeks, sessions, entries with every amendment, and what is missing for the other answer.

    With --json everything that the verdict rests on, so that it can be counted again without this program.

    \b
    Example: attendance explain penalty 1042 --as-of 2025-12-12 --known-at 2026-01-16T17:00
    """
    question.known([pupil])
    explaining = {"absence": explain_absence, "penalty": explain_penalty}
    proof = explaining[verdict](question.answers, question.moment, pupil)
    return Reply([proof], f"Why: {verdict}", lambda: [_tree(proof, name_of(pupil, question.names([pupil])))])


def _tree(proof: Explanation, name: str) -> Branch:
    """Return the proof as a tree: verdict, rules, sessions with their entries, and the way to the other verdict."""
    simulated = " (SIMULATED)" if proof.simulated else ""
    tree = Branch(f"{proof.pupil}, {name}: {_verdict(proof)}{simulated}")
    by_rule = tree.add("by these rules")
    for rule in proof.stated:
        by_rule.add(one_line(f"{rule.setting} = {_plain(rule.value)}: {rule.source}"))
    if proof.weeks:
        tree.add(f"in {len(proof.weeks)} school weeks, from that of {proof.weeks[0]} to that of {proof.weeks[-1]}")
    entries = {each.session: each.entries for each in proof.entries}
    counted = [each for each in proof.sessions if each.counts_as in ("penalty", "authorised", "unauthorised")]
    on = tree.add(f"on {len(counted)} sessions")
    for each in counted:
        leaf = on.add(f"{each.session}  {each.why} (position {each.position})")
        for mark in entries.get(each.session, []) if len(entries.get(each.session, [])) > 1 else []:
            leaf.add(_mark(mark))
    aside = [each for each in proof.sessions if each.counts_as in ("noticed", "missing", "not on roll") and each.code]
    for each in aside:
        tree.add(f"not {each.session}  {each.code}: {each.why}")
    if proof.near_misses:
        near = tree.add("not any more")
        for miss in proof.near_misses:
            changed = f"{miss.session} {miss.was} became {miss.now} at position {miss.position}, by {miss.by}"
            near.add(one_line(f"{changed}: {miss.reason or 'no reason given'}"))
    for flip in proof.flips:
        tree.add(_flip(flip))
    for since in proof.since:
        tree.add(_since(since))
    return tree


def _verdict(proof: Explanation) -> str:
    counts = proof.counts
    if proof.question == "penalty":
        threshold = next(rule.value for rule in proof.stated if rule.setting == "penalty_threshold")
        met = f"met on {proof.met_on}" if proof.met_on else "not met"
        return f"penalty window {met}, {counts['penalty']} of {threshold} sessions"
    cohort = next((name for name in ("severe", "persistent", "at_risk") if proof.verdicts[name]), "none")
    return f"absent {counts['absent']} of {counts['possible']} possible sessions, cohort: {cohort.replace('_', ' ')}"


def _mark(mark: MarkAnswer) -> str:
    why = mark.reason or mark.cites
    event = f"{mark.code} by {signature(mark.by)}, {mark.recorded_at}, position {mark.position}"
    return one_line(f"{event}: {why}" if why else event)


def _flip(flip: Flip) -> str:
    other = f"{flip.verdict.replace('_', ' ')} {'would be' if flip.to else 'would not be'} the verdict"
    if flip.entries > len(flip.among):
        return f"{other} if {flip.entries} more sessions {flip.change}; only {len(flip.among)} could"
    named = ", ".join(flip.among[:SHOWN]) + (" …" if len(flip.among) > SHOWN else "")
    return f"{other} if {flip.entries} of these {len(flip.among)} {flip.change}: {named}"


def _since(since: Since) -> str:
    what = f"{since.verdict.replace('_', ' ')}: {'yes' if since.is_true else 'no'}"
    of_day = f"of every day since {since.of_day}" if since.of_day else "of every day before it, too"
    known = (
        f"known since {since.known_at} (position {since.known_position})" if since.known_at else "never otherwise known"
    )
    return f"{what} {of_day}, {known}"


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
