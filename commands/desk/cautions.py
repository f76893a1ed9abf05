"""What is off with something that has just been recorded, said at once and beside the answer: the doctor finds the same
later. No rule refuses it, because what happened is recorded also where it should not have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from commands.models.base import Command
from commands.models.case import IssuePenaltyNotice, RecordPayment
from commands.models.leave import DecideLeave
from commands.models.marks import AmendMark, LogArrival, RecordMark, TakeRegister
from commands.models.roll import ReceiveRecord, RemoveFromRoll
from commands.wiring import House
from ledger.codes import by_symbol
from ledger.finding import Finding
from ledger.grounds import ground
from ledger.words import counted
from projections.penalties.ladder import issued_cases
from projections.penalties.notice_checks import ahead_findings, notice_faults
from projections.records.roll_health import roll_findings

CodeOf = tuple[str, date, str]  # pupil, day, code


def cautions(house: House, command: Command) -> Iterator[str]:
    """Yield a sentence for each thing off with a command that was carried out."""
    match command:
        case RemoveFromRoll() if ground(command.ground) is None:
            findings = roll_findings(house.answers, house.answers.moment())
            yield from _sentences(findings, command.pupil, "ground_unknown")
        case IssuePenaltyNotice():
            yield from _about_notice(house, command)
        case ReceiveRecord():
            yield from _of_nobody(house, command)
        case RecordPayment():
            yield from _ahead(house, command.pupil, command.notice)
        case _:
            secondary = [each for each in _codes(command) if (code := by_symbol(each[2])) and code.secondary_only]
            if secondary:  # hardly ever, and only then is the school looked at
                pupils = house.answers.moment().school.pupils
                for pupil, day, symbol in secondary:
                    if not pupils[pupil].of_secondary_age(day):
                        yield f"{symbol} does not occur at primary age, and {pupil} was of that age on {day}"


def _codes(command: Command) -> Iterator[CodeOf]:
    """Yield the codes that a command gives, with pupil and day."""
    match command:
        case RecordMark() | AmendMark() | LogArrival():
            yield command.pupil, command.session.day, command.code or ""
        case TakeRegister():
            for pupil, mark in command.marks.items():
                yield pupil, command.session.day, mark if isinstance(mark, str) else mark.code
        case DecideLeave():
            for each in command.granted:
                yield command.pupil, each.session.day, each.code


def _of_nobody(house: House, command: ReceiveRecord) -> Iterator[str]:
    """Yield what is lost where a former school's notices are of parents whom nobody named here."""
    records = house.answers.moment().school.records(command.pupil)
    if lost := sum(not notice.parent for _, record in records for notice in record.notices):
        yield f"{counted(lost, 'notice')} of a former school count to no parent here: --parent THEIRS=OURS names one"


def _about_notice(house: House, command: IssuePenaltyNotice) -> Iterator[str]:
    now = house.answers.moment()
    last = max(command.issued_on, *(session.day for session in command.sessions))
    moment = now._replace(as_of=max(now.as_of, last))
    for case in issued_cases(house.answers, moment, [command.pupil]):
        if case.record.name == command.notice:
            for fault in notice_faults(case, moment.school.notices.get(command.pupil, {}).values()):
                yield fault.sentence
    yield from _ahead(house, command.pupil, command.notice)


def _ahead(house: House, pupil: str, name: str) -> Iterator[str]:
    findings = ahead_findings(house.answers.moment(), [pupil])
    yield from (each.sentence for each in findings if each.sentence.startswith(f"{name} "))


def _sentences(findings: list[Finding], pupil: str, rule: str) -> Iterator[str]:
    yield from (each.sentence for each in findings if (each.pupil, each.rule) == (pupil, rule))
