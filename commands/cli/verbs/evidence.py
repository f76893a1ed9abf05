"""The verb that makes evidence: one pupil, one time or case, one file that a stranger can check."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.arguments import Pupil
from commands.cli.frame.asking import known_pupils, note_lost_keys
from commands.cli.frame.files import write_bytes, write_whole
from commands.cli.frame.options import (
    AsOfOption,
    JsonOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    note,
    opened,
    parse_day,
    parse_known_at,
)
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say, say_json
from commands.cli.verbs.seal import SealOption
from commands.desk.outcome import check_has_been
from commands.evidence import Bundle, bundle, verifier
from ledger.errors import LedgerError, Misconfigured, Refused
from ledger.seal import open_seal
from projections.audit.evidence import evidence, period_of, pinned
from projections.audit.testimony import Evidence

verbs = Verbs()

SHOWN = 10  # blockers that are named


class Blocked(LedgerError):
    """Something in the register stands in the way of evidence."""


@verbs.command("evidence")
def make_evidence(
    pupil: Pupil,
    case: Annotated[
        str | None, typer.Option("--case", metavar="NAME", help="As its referral or notice fixed it.")
    ] = None,
    from_day: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="The first day. [default the school year's]")
    ] = None,
    to_day: Annotated[str | None, typer.Option("--to", metavar="DAY", help="The last. [default --as-of]")] = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    seal: SealOption = None,
    draft: Annotated[bool, typer.Option("--draft", help="In spite of blockers, marked DRAFT on every page.")] = False,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The zip file.")] = Path(
        "evidence.zip"
    ),
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a bundle about one pupil that a stranger can check: paper, data, events, proofs, keys of just these texts.

    An N, a missing mark or an amendment without its reason stops it. Of a case it is what the referral, or else the
    notice, had seen: the same file for ever. With a seal, the file's signature lies beside it as FILE.sig.

    \b
    Example: attendance evidence 1042 --case PN-1 --seal /media/safe/seal -o bundle.zip
    """
    first, last, about = parse_day("--from", from_day), parse_day("--to", to_day), parse_day("--as-of", as_of)
    known = parse_known_at(known_at)
    if case is not None and (first or last or about):
        raise Refused("malformed", field="--case", expected="no --from, --to or --as-of beside it")

    with opened(ledger, keys) as house:
        moment, pin = house.answers.moment(about or last, known), None
        known_pupils(moment, [pupil])
        note_lost_keys(house)
        if case is not None:
            moment, pin = pinned(house.answers, moment, pupil, case)
        begins, ends = period_of(moment, pin)
        first, last = _within(first or begins, last or ends, moment.as_of)
        if case is None:  # what fixed a case was recorded, whatever day it gave itself
            check_has_been(moment, "--to" if to_day else "--as-of", last)
        answer, basis = evidence(house.answers, moment, pupil, first, last, pin)
        if answer.blockers and not draft:
            for each in answer.blockers[:SHOWN]:
                where = each["session"] or f"position {each['position']}"
                note(f"{each['rule']}: {where}: {each['sentence']}")
            raise Blocked(f"nothing was made, because of {len(answer.blockers)} blockers: settle them, or give --draft")
        made = bundle(house.answers, moment, answer, basis, open_seal(seal) if seal else None, draft=draft)
    _write(output, made)
    if as_json:
        say_json(_answer(answer, made, output, draft))
    else:
        _tell(answer, made, output, draft)


@verbs.command("verifier")
def write_verifier(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The program.")] = Path("verify.py"),
    as_json: JsonOption = False,
) -> None:
    """Write verify.py, which checks bundles of evidence, and print its SHA-256.

    One that comes with a bundle says what the maker of the bundle likes. Run this one, got from somebody else, and hold
    its SHA-256 against the published one in docs/audit.md.

    \b
    Example: attendance verifier -o verify.py
    """
    content = verifier()
    write_bytes(output, content)
    digest = sha256(content).hexdigest()
    if as_json:
        say_json({"file": str(output), "sha256": digest})
    else:
        say(f"{output}: SHA-256 {digest}")


def _write(output: Path, made: Bundle) -> None:
    beside = output.with_name(output.name + ".sig")
    if beside.exists() and made.signature is None:
        raise Misconfigured(
            f"the file {output} is there and is signed, and the new one would not be: give it another name"
        )
    # A signature that is left from another file would call this one a forgery.
    write_whole(output, lambda draft: draft.write_bytes(made.content), lambda draft: beside.unlink(missing_ok=True))
    if made.signature is not None:
        write_bytes(beside, made.signature.encode())


def _within(first: date, last: date, as_of: date) -> tuple[date, date]:
    if last > as_of:
        raise Refused("malformed", field="--to", value=last, expected=f"a day no later than --as-of, {as_of}")
    if first > last:
        raise Refused("malformed", field="--from", value=first, expected=f"a day no later than the last, {last}")
    return first, last


def _answer(answer: Evidence, made: Bundle, output: Path, draft: bool) -> dict[str, object]:
    repeated = (
        "pupil",
        "as_of",
        "known_at",
        "position",
        "policy",
        "rules",
        "simulated",
        "first_day",
        "last_day",
        "blockers",
    )
    return {
        **{name: getattr(answer, name) for name in repeated},
        "draft": draft,
        "file": str(output),
        "sha256": sha256(made.content).hexdigest(),
        "signed": made.signature is not None,
        "checkpoint": made.checkpoint,
        "members": sorted(made.members),
    }


def _tell(answer: Evidence, made: Bundle, output: Path, draft: bool) -> None:
    counts = answer.certificate
    simulated = " (SIMULATED)" if answer.simulated else ""
    say(f"{'DRAFT of evidence' if draft else 'Evidence'} about {answer.pupil}{simulated}: {output}")
    say(
        f"{answer.first_day} to {answer.last_day}: {counts['attended']} attended and {counts['absent']} absent of "
        f"{counts['possible']} possible sessions, {counts['unauthorised']} of them without authority"
    )
    say(f"as of {answer.as_of}, as known at {answer.known_at} (position {answer.position}), policy {answer.policy}")
    if answer.caution:
        note(f"caution: {answer.caution}")
    checkpoint = f"sealed at position {made.checkpoint}" if made.checkpoint else "not sealed"
    say(f"{checkpoint}; SHA-256 {sha256(made.content).hexdigest()}")
    withdrawn = {each.notice: each.withdrawn_at for each in answer.notices if each.withdrawn_at}
    if answer.case is not None and answer.case.withdrawn is not None:
        withdrawn[answer.case.name] = answer.case.withdrawn.recorded_at
    for name, at in withdrawn.items():
        say(f"the notice {name} was WITHDRAWN ({at}), and counts for nothing")
    if made.signature is None:
        note("the file is not signed: give --seal a folder with its private key")
