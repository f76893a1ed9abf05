"""What is off with the sessions that a penalty notice or a referral names: it is sent back, or struck out in court.

A notice is recorded all the same: the ledger keeps what was sent, not what should have been."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain

from msgspec.structs import replace

from ledger.case import Notice
from ledger.codes import UNRESOLVED
from ledger.finding import Finding
from ledger.notices import guessed, issued_before
from ledger.sessions import school_year
from projections.asking.questions import Answers, Moment
from projections.penalties.case import Case, SessionMark, ahead
from projections.penalties.ladder import issued_cases


def notice_findings(answers: Answers, moment: Moment, pupils: Iterable[str]) -> list[Finding]:
    """Return what is off with the notices of these pupils that were issued by the day, or name sessions, in the school
    year to date or later, and were not withdrawn."""
    year = moment.school.calendar.year_begun_by(moment.as_of)
    return [
        replace(fault, pupil=case.record.pupil, position=fault.position or issued[0])
        for case in issued_cases(answers, moment, pupils)
        if (issued := case.record.issued) is not None and year is not None and _last_year(case) >= year
        for fault in notice_faults(case, moment.school.notices.get(case.record.pupil, {}).values())
    ]


def ahead_findings(moment: Moment, pupils: Iterable[str]) -> list[Finding]:
    """Return which notices and payments of these pupils are dated ahead of the day and of what was known."""
    return [
        Finding("dated_ahead", f"{case.name} is {coming.sentence}", pupil, position=dated[-1][0])
        for pupil in pupils
        for case in moment.school.cases.get(pupil, {}).values()
        if (coming := ahead(case, max(moment.as_of, moment.known_on))).sentence
        and (dated := [*([case.issued] if case.issued else []), *case.payments])
    ]


def _last_year(case: Case) -> int:
    assert case.record.issued is not None, "a notice that was not issued"
    days = chain([case.record.issued[1].issued_on], (each.session.day for each in case.named))
    return max(map(school_year, days))


def notice_faults(case: Case, notices: Iterable[Notice]) -> Iterator[Finding]:
    """Yield what is off with an issued notice; `notices` are all of the pupil, as recorded."""
    record = case.record
    assert record.issued is not None, "faults of a notice that was not issued"
    for each in case.undermined:
        sentence = f"{record.name} names {each.session}, which {holds(each)}"
        yield Finding("notice_session_not_counted", sentence, record.pupil, str(each.session), each.position or None)
    for each in case.named:
        if each.code == UNRESOLVED and each not in case.undermined:
            sentence = f"{record.name} names {each.session}, which is still N"
            yield Finding("notice_session_unresolved", sentence, record.pupil, str(each.session), each.position or None)
    due = case.notice is not None and case.notice.standing in ("open", "unpaid")
    if due and case.terms and (doubt := guessed(record, case.terms)):
        sentence = f"{record.name} is taken to be received on {case.terms.received_on}, but {doubt}"
        yield Finding("holidays_unknown", sentence, record.pupil, "")
    yield from named_wrongly(record.name, record.parent, record.issued[1].issued_on, case.named, notices)


def named_wrongly(
    name: str, parent: str, on: date, named: Iterable[SessionMark], notices: Iterable[Notice]
) -> Iterator[Finding]:
    """Yield the sessions named that lie after the day of issue or of referral, and those that an earlier notice to the
    same parent names already."""
    earlier = [other for other in issued_before(name, notices) if other.parent == parent and other.issued_on <= on]
    for each in named:
        session = str(each.session)
        if each.session.day > on:
            yield Finding(
                "dated_before_session", f"{name} is of {on}, before {session}, which it names", session=session
            )
        for other in earlier:
            if each.session in other.sessions:
                sentence = f"{name} names {session}, and so does {other.notice} to the same parent"
                yield Finding("session_noticed_twice", sentence, session=session)


def holds(each: SessionMark) -> str:
    """Return what a named session holds, as the end of a sentence."""
    return f"holds {each.code} now" if each.code else "holds no mark that could count"
