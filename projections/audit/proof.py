"""What a proof is made of: rules, sessions, entries, notices, and how far away and how old a verdict is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple, TypedDict

import msgspec

from ledger.people import signature
from ledger.policy import Policy
from ledger.sessions import Session, school_year
from projections.asking.questions import Answer, Answers, Moment
from projections.readmodel.frames import Entries, symbol_of
from projections.records.registers import MarkAnswer, history_answers


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A setting of the policy, its value, and the paragraph it comes from."""

    setting: str
    value: object
    source: str


class SessionProof(msgspec.Struct, frozen=True, kw_only=True):
    """One session: the code that stands, the event that gave it, what it counts as here, and why; of a former school's
    its URN, and no such key of any other."""

    session: str
    code: str | None
    position: int | None
    counts_as: str
    why: str
    school: str | msgspec.UnsetType = msgspec.UNSET


class EntryProof(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one entry ever said, oldest first."""

    session: str
    entries: list[MarkAnswer]


class NearMiss(msgspec.Struct, frozen=True, kw_only=True):
    """A session that counted once and does not any more, and the event that changed it."""

    session: str
    was: str
    now: str
    position: int
    recorded_at: str
    by: str
    reason: str


class Flip(msgspec.Struct, frozen=True, kw_only=True):
    """How far the other verdict is: the fewest entries that would have to read differently, and which could."""

    verdict: str
    to: bool
    entries: int
    change: str
    among: list[str]


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """Since when a verdict has been as it is: of the days asked about, and in the knowledge of the ledger (None: as far
    back as there is anything to know)."""

    verdict: str
    is_true: bool
    of_day: str | None
    known_position: int | None
    known_at: str | None


class NoticeProof(msgspec.Struct, frozen=True, kw_only=True):
    notice: str
    parent: str
    issued_on: str
    sessions: list[str]


class Explanation(Answer, frozen=True, kw_only=True, rename={"stated": "rules", "rules": "rules_digest"}):
    """The proof of one verdict about one pupil. `verdicts` are by name; `counts` are in sessions. `stated` are the
    rules that it rests on, in words and numbers, which JSON called `rules` before there was a digest of them all."""

    question: str
    verdicts: dict[str, bool]
    counts: dict[str, int]
    met_on: str | None
    rules: str  # again, for its other name here
    stated: list[Rule]
    weeks: list[str]
    school_age: tuple[str, str]
    spells: list[tuple[str, str | None]]
    notices: list[NoticeProof]
    sessions: list[SessionProof]
    entries: list[EntryProof]
    near_misses: list[NearMiss]
    flips: list[Flip]
    since: list[Since]


class Line(NamedTuple):
    """A session in order: its number, the code that stands there ("" for none), the position that gave it, and of a
    former school's the URN."""

    number: int
    code: str
    position: int
    school: str = ""


class ProofFields(TypedDict):
    """What both kinds of explanation rest on, as their fields."""

    school_age: tuple[str, str]
    spells: list[tuple[str, str | None]]
    sessions: list[SessionProof]
    entries: list[EntryProof]
    near_misses: list[NearMiss]


def proof_fields(
    answers: Answers, moment: Moment, pupil: str, proofs: list[SessionProof], counts: Callable[[str], bool]
) -> ProofFields:
    """Return what an explanation rests on beside its verdict; `counts` says whether a code counts in it."""
    known = moment.school.pupils[pupil]
    about = {proof.session for proof in proofs}
    years = {school_year(Session.parse(session).day) for session in about}
    history = [each for each in history_answers(answers, moment, pupil, years=years) if each.session in about]
    telling = {proof.session for proof in proofs if proof.counts_as in ("penalty", "authorised", "unauthorised")}
    kept = [each for each in history if len(each.entries) > 1 or each.session in telling]
    return {
        "school_age": (known.school_age[0].isoformat(), known.school_age[1].isoformat()),
        "spells": [(s.first.isoformat(), s.last.isoformat() if s.last else None) for s in known.spells],
        "sessions": proofs,
        "entries": [EntryProof(session=each.session, entries=each.entries) for each in kept],
        "near_misses": [miss for each in kept if (miss := _near_miss(each.session, each.entries, counts))],
    }


def _near_miss(session: str, marks: list[MarkAnswer], counts: Callable[[str], bool]) -> NearMiss | None:
    """Return what an entry counted as once, where it does not any more."""
    if counts(marks[-1].code):
        return None
    for before, after in reversed(list(pairwise(marks))):
        if counts(before.code) and not counts(after.code):
            return NearMiss(
                session=session,
                was=before.code,
                now=marks[-1].code,
                position=after.position,
                recorded_at=after.recorded_at,
                by=signature(after.by),
                reason=after.reason,
            )
    return None


def rules(policy: Policy, names: Sequence[str]) -> list[Rule]:
    return [Rule(setting=name, value=_plain(getattr(policy, name)), source=policy.source(name)) for name in names]


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    return value.isoformat() if isinstance(value, date) else value


def proved(line: Line, counts_as: str, why: str) -> SessionProof:
    return SessionProof(
        session=str(Session.from_number(line.number)),
        code=line.code or None,
        position=line.position or None,
        counts_as=counts_as,
        why=why,
        school=line.school or msgspec.UNSET,
    )


def versions_of(answers: Answers, pupil: str, years: Sequence[int]) -> Entries:
    """Return every version of the pupil's marks in these school years."""
    return answers.versions([pupil], years).over([pupil])


def session_numbers(moment: Moment, years: Iterable[int]) -> list[int]:
    return [number for year in years for number in moment.school.calendar.session_numbers(year)]


def lines_of(versions: Entries, moment: Moment, sessions: set[int]) -> list[Line]:
    """Return a line for each session of the calendar and each mark as known, in order."""
    known = versions.known_at(moment.position)
    marked = {
        int(number): Line(int(number), symbol_of(code), int(position))
        for number, code, position in zip(known.session, known.code, known.from_position, strict=True)
    }
    return [marked.get(number, Line(number, "", 0)) for number in sorted(sessions | marked.keys())]


def since(answers: Answers, moment: Moment, name: str, verdict: bool, day: date | None, crossing: int | None) -> Since:
    recorded = answers.recorded_at([crossing]) if crossing else {}
    return Since(
        verdict=name,
        is_true=verdict,
        of_day=day.isoformat() if day else None,
        known_position=crossing,
        known_at=recorded.get(crossing) if crossing else None,
    )


def crossing(
    changes: list[tuple[int, int, int]], position: int, holds: Callable[[int, int], bool], verdict: bool
) -> int | None:
    """Return the position at which a verdict last became what it is, None where it always was. `changes` are positions
    with what two counts went up or down by there; roll, calendar and notices are as known now."""
    steps: dict[int, tuple[int, int]] = {}
    for place, first, second in changes:
        if place <= position:
            before = steps.get(place, (0, 0))
            steps[place] = before[0] + first, before[1] + second
    counts, since, held = (0, 0), None, holds(0, 0)
    for place in sorted(steps):
        counts = counts[0] + steps[place][0], counts[1] + steps[place][1]
        if holds(*counts) != held:
            since, held = place, not held
    assert held == verdict, "the count by changes is not the count by marks"
    return since
