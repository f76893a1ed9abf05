"""What changed in knowledge between two moments, who changed it and why, and which verdicts it turned.

Two questions about the same day are asked, as known then and as known now. Their inputs are the marks, each with the
event that gave it, and what marks are judged by: roll, calendar, closures, leave, notices and policies. So a difference
is empty exactly where both the inputs and the verdicts are the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec

from ledger.errors import Misconfigured
from ledger.events import Noted
from ledger.people import signature
from ledger.sessions import Session, format_moment, from_micros, school_year
from ledger.store import Row
from ledger.streams import SCHOOL, entry_of, entry_stream
from projections.asking.questions import Answers, Moment
from projections.figures.cohorts import absence_answers, penalty_windows
from projections.readmodel.frames import last_session, symbol_of

# Reference events by which no mark is judged.
NO_INPUTS = frozenset(
    {
        "school.StaffNamed",
        "school.RoleNamed",
        "school.ImportBegun",
        "school.DailyReturnMade",
        "school.StampsDoubted",
        *(f"{kind.kind}.{kind.__name__}" for kind in Noted.__subclasses__()),
    }
)
Verdicts = dict[str, bool | int | None]  # or counts, by name; None where there is none
COHORTS = ("persistent", "severe", "at_risk")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    known_at: str
    position: int
    policy: str
    rules: str
    caution: str | msgspec.UnsetType = msgspec.UNSET


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that stands differently: its code then and now (None: no mark), and the event that it stands by now."""

    session: str
    was: str | None
    now: str | None
    position: int
    recorded_at: str
    by: str
    reason: str


class OtherChange(msgspec.Struct, frozen=True, kw_only=True):
    """An event about what marks are judged by: `about` is the pupil, or the school."""

    what: str
    about: str
    position: int
    recorded_at: str
    by: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict that turned; None where there was none to give."""

    verdict: str
    then: bool | None
    now: bool | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What changed about one pupil between two moments; `counts` are pairs of then and now, where they differ."""

    pupil: str
    as_of: str
    then: Known
    now: Known
    simulated: bool
    changes: list[Change]
    others: list[OtherChange]
    verdicts: list[Verdict]
    counts: dict[str, tuple[int | None, int | None]]


def check_order(then: Moment, now: Moment) -> None:
    """Raise Misconfigured where the later moment comes first."""
    if then.position > now.position:
        raise Misconfigured("--then lies after --now: the moment of earlier knowledge goes first")


def differences(answers: Answers, then: Moment, now: Moment, pupils: Iterable[str]) -> list[Difference]:
    """Return what changed about these pupils, in order of number as text; those with no change are left out. Raises
    Misconfigured where the later moment comes first, or the two are about different days."""
    check_order(then, now)
    assert then.as_of == now.as_of, "a difference is about one day"
    pupils = sorted(pupils)
    changes = _changes(answers, then, now, pupils)
    others = _other_changes(answers, then, now)
    before, after = (_verdicts(answers, moment, pupils) for moment in (then, now))
    changed = []
    for pupil in pupils:
        turned = [
            Verdict(verdict=name, then=before[pupil][0].get(name), now=after[pupil][0].get(name))
            for name in dict.fromkeys([*before[pupil][0], *after[pupil][0]])
            if before[pupil][0].get(name) != after[pupil][0].get(name)
        ]
        counts = {
            name: (before[pupil][1].get(name), after[pupil][1].get(name))
            for name in dict.fromkeys([*before[pupil][1], *after[pupil][1]])
            if before[pupil][1].get(name) != after[pupil][1].get(name)
        }
        about = [other for other in others if other.about in (pupil, SCHOOL)]
        if changes[pupil] or about or turned or counts:
            changed.append(
                Difference(
                    pupil=pupil,
                    as_of=now.as_of.isoformat(),
                    then=_known(then),
                    now=_known(now),
                    simulated=now.school.simulated,
                    changes=changes[pupil],
                    others=about,
                    verdicts=turned,
                    counts=counts,
                )
            )
    return changed


def _known(moment: Moment) -> Known:
    return Known(
        known_at=format_moment(moment.known_at),
        position=moment.position,
        policy=moment.policy_name,
        rules=moment.rules,
        caution=moment.caution or msgspec.UNSET,
    )


def years_of(moment: Moment) -> list[int]:
    """Return the school years that the answers about a day rest on: the year to date, and those of the window."""
    year = moment.school.calendar.year_begun_by(moment.as_of)
    weeks = moment.policy.penalty_weeks if moment.in_force else 0
    window = moment.school.calendar.school_weeks(moment.as_of, weeks) if weeks else []
    return sorted({school_year(monday) for monday in window} | ({year} if year is not None else set()))


def _changes(answers: Answers, then: Moment, now: Moment, pupils: list[str]) -> dict[str, list[Change]]:
    """Return the entries that stand by another event now, with what that event says of itself."""
    years = sorted({*years_of(then), *years_of(now)})
    until = last_session(now.as_of)
    standing: list[dict[tuple[str, int], tuple[str, int]]] = []
    for moment in (then, now):
        entries = answers.entries(moment, years, pupils)
        entries = entries.where(entries.session <= until)
        standing.append(
            {
                (pupils[pupil], int(number)): (symbol_of(code), int(position))
                for pupil, number, code, position, _ in zip(*entries[1:], strict=True)
            }
        )
    before, after = standing
    moved = sorted(key for key in after if before.get(key, ("", 0))[1] != after[key][1])
    signatures = _signatures(
        answers, [entry_stream(pupil, Session.from_number(number)) for pupil, number in moved], now.position
    )
    changes: dict[str, list[Change]] = defaultdict(list)
    for pupil, number in moved:
        code, position = after[pupil, number]
        by, reason, recorded_at = signatures.get(position) or ("", "", answers.recorded_at([position])[position])
        changes[pupil].append(
            Change(
                session=str(Session.from_number(number)),
                was=before[pupil, number][0] if (pupil, number) in before else None,
                now=code,
                position=position,
                recorded_at=recorded_at,
                by=by,
                reason=reason,
            )
        )
    return changes


def _signatures(answers: Answers, streams: list[str], until: int) -> dict[int, tuple[str, str, str]]:
    """Return who made each event of these entries, why and when, by position."""
    rows = [row for row in answers.ledger.reads.stream_rows(streams) if row.position <= until]
    return {
        row.position: (signature(event.by), getattr(event, "reason", ""), _recorded(row))
        for row, event in answers.opened(rows)
    }


def _other_changes(answers: Answers, then: Moment, now: Moment) -> list[OtherChange]:
    rows = [
        row for row in answers.ledger.reads.reference_rows(then.position, now.position) if row.topic not in NO_INPUTS
    ]
    return [
        OtherChange(
            what=row.topic.partition(".")[2],
            about=row.stream.partition("/")[0],
            position=row.position,
            recorded_at=_recorded(row),
            by=signature(event.by),
        )
        for row, event in answers.opened(rows)
    ]


def _recorded(row: Row) -> str:
    return format_moment(from_micros(row.recorded_at))


def _verdicts(answers: Answers, moment: Moment, pupils: list[str]) -> dict[str, tuple[dict[str, bool], dict[str, int]]]:
    """Return each pupil's verdicts and counts, both empty where there is nothing to say of them."""
    verdicts_and_counts: dict[str, tuple[dict[str, bool], dict[str, int]]] = {pupil: ({}, {}) for pupil in pupils}
    known = [pupil for pupil in pupils if pupil in moment.school.pupils]
    for answer in absence_answers(answers, moment, known):
        verdicts, counts = verdicts_and_counts[answer.pupil]
        verdicts |= {name: getattr(answer, name) for name in COHORTS}
        counts |= {name: getattr(answer, name) for name in ("possible", "attended", "authorised", "unauthorised")}
        counts["missing"] = answer.missing
    for window in penalty_windows(answers, moment, known, empty=True):
        verdicts, counts = verdicts_and_counts[window.pupil]
        verdicts["met"] = window.met
        counts["penalty"] = window.count
    return verdicts_and_counts


def answering(question: str, *, counts: bool = False) -> Callable[[Answers, Moment, str], Verdicts]:
    """Return a function from a moment and a pupil to the verdicts of a question, or to its counts."""
    names = {"penalty": (["met"], ["penalty"]), "absence": (list(COHORTS), ["possible", "attended", "unauthorised"])}

    def answer(answers: Answers, moment: Moment, pupil: str) -> Verdicts:
        current = _verdicts(answers, moment, [pupil])[pupil][counts]
        return {name: current.get(name) for name in names[question][counts]}

    return answer


def entry_of_row(row: Row) -> tuple[str, str] | None:
    """Return the pupil and session of an entry's row, None for any other."""
    if not row.topic.startswith("entry."):
        return None
    pupil, session = entry_of(row.stream)
    return pupil, str(session)
