"""The same ledger under another policy: who would enter a cohort or meet a threshold, who would leave, and by which
sessions.

Nothing is recorded and nothing else is different: the same marks as known at the same moment are judged by other
numbers. Only where the other policy has other registration hours or another late-book time are marks read differently,
too: an arrival whose own mark still stands is given the code that those hours would have made of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from ledger import policy as policies
from ledger.arrival import code_of_arrival
from ledger.codes import by_symbol
from ledger.errors import Misconfigured
from ledger.events import ArrivalLogged
from ledger.policy import Policy
from ledger.sessions import LONDON, Session
from projections.asking.questions import Answer, Answers, Moment
from projections.figures.cohorts import absence_answers, penalty_windows
from projections.readmodel.frames import Entries, symbol_of
from projections.records.chronology import chronologies

COHORTS = ("persistent", "severe", "at_risk")


class Effect(Answer, frozen=True, kw_only=True):
    """One verdict about one pupil that would be another; `enters` where it would become true. `sessions` are those
    that count under one policy only, or all that count where only the threshold differs."""

    other_policy: str
    other_rules: str
    verdict: str
    enters: bool
    counts: tuple[int, int]
    sessions: list[str]


def with_settings(base: Policy, settings: Sequence[str]) -> Policy:
    """Return a policy with settings changed, each given as key=value with a value in TOML. Raises Misconfigured."""
    changed: dict[str, Any] = {}  # what each reader returns is for its own field
    for setting in settings:
        key, equals, text = (part.strip() for part in setting.partition("="))
        attribute, value = _whole(replace(base, **changed), key.replace(".", "_"), _value(text))
        if not equals or attribute not in policies.READERS:
            raise Misconfigured(f"'{key}' is no setting of a policy: expected key=value, such as penalty.threshold=8")
        try:
            changed[attribute] = policies.READERS[attribute](value)
        except ValueError as error:
            raise Misconfigured(f"'{key}' {error}") from error
    return replace(base, name=f"{base.name} with {', '.join(settings)}", **changed)


def _value(text: str) -> object:
    """Return what a text is in TOML; a bare word, which is nothing there, as it stands."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _whole(base: Policy, attribute: str, value: object) -> tuple[str, object]:
    """Return the setting that is meant, and its value: hours are one setting, of which one time may be named alone."""
    whole, _, part = attribute.rpartition("_")
    if whole not in ("hours_am", "hours_pm"):
        return attribute, value
    hours = getattr(base, whole)
    return whole, {"opens": hours.opens, "closes": hours.closes, "ends": hours.ends, part: value}


def effects(answers: Answers, moment: Moment, other: Policy, pupils: Iterable[str]) -> list[Effect]:
    """Return every verdict about these pupils that another policy would turn, in order of pupil and verdict."""
    if moment.in_force is None:
        return []
    pupils = sorted(pupils)
    otherwise = _Recoded(answers, _recoded(answers, moment, other, pupils))
    imagined = moment._replace(in_force=other)
    turned = [
        *_absence_effects(answers, otherwise, moment, imagined, pupils),
        *_penalty_effects(answers, otherwise, moment, imagined, pupils),
    ]
    return sorted(turned, key=lambda effect: (effect.pupil, effect.verdict))


def _absence_effects(
    answers: Answers, otherwise: Answers, moment: Moment, imagined: Moment, pupils: list[str]
) -> Iterable[Effect]:
    before = {answer.pupil: answer for answer in absence_answers(answers, moment, pupils)}
    for after in absence_answers(otherwise, imagined, pupils):
        base = before[after.pupil]
        for name in COHORTS:
            if getattr(base, name) != getattr(after, name):
                absent = base.authorised + base.unauthorised, after.authorised + after.unauthorised
                yield Effect(
                    **moment.header(after.pupil),
                    other_policy=imagined.policy.name,
                    other_rules=imagined.policy.rules,
                    verdict=name,
                    enters=getattr(after, name),
                    counts=absent,
                    sessions=otherwise.differing(after.pupil) if isinstance(otherwise, _Recoded) else [],
                )


def _penalty_effects(
    answers: Answers, otherwise: Answers, moment: Moment, imagined: Moment, pupils: list[str]
) -> Iterable[Effect]:
    before = {answer.pupil: answer for answer in penalty_windows(answers, moment, pupils, empty=True)}
    for after in penalty_windows(otherwise, imagined, pupils, empty=True):
        base = before[after.pupil]
        if base.met == after.met:
            continue
        counted = [{session.session for session in answer.sessions} for answer in (base, after)]
        yield Effect(
            **moment.header(after.pupil),
            other_policy=imagined.policy.name,
            other_rules=imagined.policy.rules,
            verdict="met",
            enters=after.met,
            counts=(base.count, after.count),
            sessions=sorted(counted[0] ^ counted[1] or counted[0]),
        )


# --- arrivals under other hours -------------------------------------------------------------------------------------


class _Recoded(Answers):
    """Answers over the same marks, some of them read as another code."""

    def __init__(self, answers: Answers, codes: dict[tuple[str, int], int]) -> None:
        self.__dict__.update(answers.__dict__)
        self._codes = codes

    def entries(self, moment: Moment, years: Sequence[int], pupils: Sequence[str]) -> Entries:
        entries = super().entries(moment, years, pupils)
        if not self._codes:
            return entries
        code = entries.code.copy()
        for row in np.flatnonzero(np.isin(entries.session, [number for _, number in self._codes])):
            key = entries.pupils[entries.pupil[row]], int(entries.session[row])
            code[row] = self._codes.get(key, code[row])
        return entries._replace(code=code)

    def differing(self, pupil: str) -> list[str]:
        """Return the sessions of a pupil that are read differently."""
        return [str(Session.from_number(number)) for whose, number in sorted(self._codes) if whose == pupil]


def _recoded(answers: Answers, moment: Moment, other: Policy, pupils: list[str]) -> dict[tuple[str, int], int]:
    """Return the code, by pupil and session, of each arrival whose mark would be another under the other hours."""
    if (moment.policy.hours, moment.policy.late_book) == (other.hours, other.late_book):
        return {}
    years = [year for year in moment.school.years if year <= moment.as_of.year]
    standing = answers.entries(moment, years, pupils)
    codes = {
        (standing.pupils[pupil], int(number)): symbol_of(code)
        for pupil, number, code in zip(standing.pupil, standing.session, standing.code, strict=True)
    }
    recoded: dict[tuple[str, int], int] = {}
    for pupil, events in chronologies(answers, moment, pupils, years).items():
        for each in events:
            if not isinstance(each.event, ArrivalLogged):
                continue
            session = Session.parse(each.event.session)
            opens, closes = _registration(moment, moment.policy, other, session)
            code = code_of_arrival(session, each.event.arrived_at, opens, closes, other.late_book_lasts)
            stands = codes.get((pupil, session.number))
            # Only where the clock decided, and the mark that it made still stands.
            if stands == each.event.code and stands in ("/", "\\", "L", "U") and code != stands:
                known = by_symbol(code)
                assert known is not None
                recoded[pupil, session.number] = known.id
    return recoded


def _registration(moment: Moment, policy: Policy, other: Policy, session: Session) -> tuple[datetime, datetime]:
    """Return when registration would have opened and closed: as it did, unless the other policy has other hours."""
    calendar, hours = moment.school.calendar, other.hours[session.half]
    if hours == policy.hours[session.half] and calendar.is_session(session):
        return calendar.opens(session), calendar.closes(session)
    opens, closes = (datetime.combine(session.day, wall, LONDON) for wall in (hours.opens, hours.closes))
    return opens, closes
