"""Changes of the register: who amended what, when and why, and which of it is worth a question.

The read model knows every version of every entry by position, so the amendments of a time are found without reading
the ledger; only their own events are fetched, for the names and the reasons. Amendments made alike in one go (the same
person, codes and reason, minutes apart) are one change in bulk, and one line.

An anomaly is no accusation: it says what an auditor would ask about, and where to look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import msgspec

from ledger.events import ContactLogged, MarkAmended, NoticeIssued, PenaltyReferred
from ledger.finding import Finding
from ledger.people import signature
from ledger.policy import Policy
from ledger.sessions import LONDON, Session, format_moment, from_micros, micros
from ledger.store import position_at
from projections.asking.questions import Answers, Moment
from projections.readmodel.frames import amended, symbol_of
from projections.records.chronology import chronologies

# The census is taken on these Thursdays: (month, which Thursday of it).
CENSUS_THURSDAYS = ((1, 3), (5, 3), (10, 1))
THURSDAY = 3
SOLICITOR = "solicitor"  # a channel of contact


class Amendment(msgspec.Struct, frozen=True, kw_only=True):
    """One amendment of one entry."""

    position: int
    recorded_at: str
    by: str
    pupil: str
    session: Session
    was: str
    now: str
    reason: str


class ChangeLine(msgspec.Struct, frozen=True, kw_only=True):
    """Amendments made alike in one go, in order: one for most lines, many for a change in bulk."""

    by: str
    was: str
    now: str
    reason: str
    first_at: str
    last_at: str
    amendments: list[Amendment]


def amendments(
    answers: Answers, moment: Moment, since: datetime, until: datetime, pupils: list[str] | None = None
) -> list[Amendment]:
    """Return the amendments recorded from a moment to another, both inclusive, as known, in order of position."""
    first = position_at(answers.ledger.reads, micros(since) - 1)
    last = min(position_at(answers.ledger.reads, micros(until)), moment.position)
    versions = amended(answers.model.touched(first), first, last)
    rows = {each.position: each for each in versions if pupils is None or each.pupil in pupils}
    made = []
    for row, event in answers.opened(answers.ledger.reads.rows_at(sorted(rows))):
        if not isinstance(event, MarkAmended):
            continue
        pupil, session, was, now, _ = rows.pop(row.position)
        made.append(
            Amendment(
                position=row.position,
                recorded_at=format_moment(from_micros(row.recorded_at)),
                by=signature(event.by),
                pupil=pupil,
                session=Session.from_number(session),
                was=symbol_of(was),
                now=symbol_of(now),
                reason=event.reason,
            )
        )
    return made


def change_lines(made: list[Amendment], policy: Policy) -> list[ChangeLine]:
    """Return amendments as lines, those made alike in one go together where they are many enough, in order."""
    runs: list[list[Amendment]] = []
    latest: dict[tuple[str, str, str, str], list[Amendment]] = {}
    for amendment in made:
        alike = amendment.by, amendment.was, amendment.now, amendment.reason
        run = latest.get(alike)
        if run is None or _minutes(run[-1], amendment) > policy.bulk_minutes:
            run = latest[alike] = []
            runs.append(run)
        run.append(amendment)
    lines = [_line(run) for run in runs if len(run) >= policy.bulk_entries]
    lines += [_line([each]) for run in runs if len(run) < policy.bulk_entries for each in run]
    return sorted(lines, key=lambda line: line.amendments[0].position)


def _line(run: list[Amendment]) -> ChangeLine:
    first, last = run[0], run[-1]
    return ChangeLine(
        by=first.by,
        was=first.was,
        now=first.now,
        reason=first.reason,
        first_at=first.recorded_at,
        last_at=last.recorded_at,
        amendments=run,
    )


def tallies(made: list[Amendment]) -> dict[str, dict[str, int]]:
    """Return how many amendments there are by person, by day of recording (London's) and by pair of codes."""
    days = Counter(_london_day(each).isoformat() for each in made)
    return {
        "by person": dict(Counter(each.by for each in made).most_common()),
        "by day": dict(sorted(days.items())),
        "by codes": dict(Counter(f"{each.was} > {each.now}" for each in made).most_common()),
    }


def anomalies(answers: Answers, moment: Moment, made: list[Amendment]) -> list[Finding]:
    """Return what among these amendments is worth a question, in order of position."""
    if moment.in_force is None:
        return []
    findings = [
        *_in_bulk_before_a_census(made, moment.policy),
        *_late_made_present(made, moment.policy),
        *_after_a_case_named_them(moment, made),
        *_after_a_solicitor(answers, moment, made),
    ]
    return sorted(findings, key=lambda finding: finding.position or 0)


def _in_bulk_before_a_census(made: list[Amendment], policy: Policy) -> Iterator[Finding]:
    for line in change_lines(made, policy):
        day = _london_day(line.amendments[0])
        ahead = min((census - day).days for census in _census_days(day) if census >= day)
        if len(line.amendments) >= policy.bulk_entries and ahead <= policy.census_watch_days:
            what = f"{len(line.amendments)} entries from {line.was} to {line.now} in one go by {line.by}"
            sentence = f"{what}, {ahead} days before a census"
            yield Finding("bulk_before_census", sentence, position=line.amendments[0].position)


def _census_days(day: date) -> list[date]:
    """Return the census days of this year and the next."""
    days = []
    for year in (day.year, day.year + 1):
        for month, which in CENSUS_THURSDAYS:
            first = date(year, month, 1)
            days.append(first + timedelta(days=(THURSDAY - first.weekday()) % 7 + 7 * (which - 1)))
    return days


def _late_made_present(made: list[Amendment], policy: Policy) -> Iterator[Finding]:
    turned = [each for each in made if (each.was, each.now) == ("U", "L")]
    for person, count in Counter(each.by for each in turned).items():
        if count >= policy.suspicious_late_to_present:
            first = next(each for each in turned if each.by == person)
            sentence = f"{person} turned {count} entries from U, absent, to L, present"
            yield Finding("late_made_present", sentence, position=first.position)


def _after_a_case_named_them(moment: Moment, made: list[Amendment]) -> Iterator[Finding]:
    for each in made:
        for case in moment.school.cases.get(each.pupil, {}).values():
            named: list[tuple[int, PenaltyReferred | NoticeIssued]] = [*case.referred]
            named += [case.issued] if case.issued else []
            if any(each.session in event.sessions and position < each.position for position, event in named):
                sentence = f"{each.was} became {each.now} after case {case.name} named the session, by {each.by}"
                yield Finding("after_case", sentence, each.pupil, each.session, each.position)


def _after_a_solicitor(answers: Answers, moment: Moment, made: list[Amendment]) -> Iterator[Finding]:
    chronology = chronologies(answers, moment, {each.pupil for each in made})
    wrote = {
        pupil: min(letters)
        for pupil, events in chronology.items()
        if (letters := [t.position for t in events if isinstance(t.event, ContactLogged) and _solicitor(t.event)])
    }
    for each in made:
        if wrote.get(each.pupil, each.position) < each.position:
            sentence = f"{each.was} became {each.now} after a solicitor wrote, by {each.by}"
            yield Finding("after_solicitor", sentence, each.pupil, each.session, each.position)


def _solicitor(event: ContactLogged) -> bool:
    return event.channel.lower() == SOLICITOR


def _minutes(earlier: Amendment, later: Amendment) -> float:
    between = datetime.fromisoformat(later.recorded_at) - datetime.fromisoformat(earlier.recorded_at)
    return between.total_seconds() / 60


def _london_day(amendment: Amendment) -> date:
    return datetime.fromisoformat(amendment.recorded_at).astimezone(LONDON).date()
