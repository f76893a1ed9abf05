"""Tables of the penalty ladder: a line for each parent with what comes next, and under it what happened in each case,
day by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from commands.cli.frame.asking import Part, Question, Reply
from commands.desk.pupils import Names, name_of, parent_name
from commands.desk.tables import table
from commands.files.section import Section
from ledger.text import one_line
from ledger.words import counted
from projections.penalties.case import IssuedNotice, pounds
from projections.penalties.ladder_answers import CaseAnswer, LadderAnswer, ReferralMade, ladder_answers

SHOWN = 12  # digits of a digest

Event = tuple[date | None, str, str, str]  # day, what, how, position


def ladder_reply(question: Question, pupils: list[str], *, named: bool) -> Reply:
    """Return the ladders of these pupils; where they were named, also of those on whom nothing stands, and every case
    day by day."""
    answers = ladder_answers(question.answers, question.moment, pupils, empty=named)

    def parts() -> list[Part]:
        names = question.names([answer.pupil for answer in answers])
        cases = [
            _case_table(answer, parent.parent, case, question.simulated)
            for answer in answers
            for parent in answer.parents
            for case in parent.cases
            if named
        ]
        return [_ladder_table(answers, names, question.simulated), *_commands(answers), *cases]

    return Reply(answers, "Penalty ladder", parts)


def _ladder_table(answers: list[LadderAnswer], names: Names, simulated: bool) -> Section:
    made = table(
        "Penalty ladder",
        simulated,
        pupil="left",
        parent="left",
        name="left",
        count="right",
        met_on="left",
        notices="left",
        cases="left",
        next="left",
    )
    for answer in answers:
        for place, line in enumerate(answer.parents):
            until = f", until {line.runs_out_on}" if line.runs_out_on else ""
            made.add_row(
                "" if place else answer.pupil,
                line.parent,
                parent_name(answer.pupil, line.parent, names) or name_of(answer.pupil, names),
                f"{line.count} of {answer.threshold}",
                str(line.met_on or ""),
                f"{line.notices_in_three_years}{until}{', third barred' if line.third_barred else ''}",
                ", ".join(case.case for case in line.cases),
                one_line(line.next),
            )
    return made


def _commands(answers: list[LadderAnswer]) -> list[str]:
    """Return the lines to type, one for each parent with something to decide."""
    lines = [f"  {line.command}" for answer in answers for line in answer.parents if line.command]
    return ["next:", *lines] if lines else []


def _case_table(answer: LadderAnswer, parent: str, case: CaseAnswer, simulated: bool) -> Section:
    made = table(
        f"Case {case.case} about {answer.pupil} and {parent}",
        simulated,
        day="left",
        what="left",
        how="left",
        position="right",
    )
    for day, what, how, position in _events(case):
        made.add_row(str(day or ""), what, one_line(how), position)
    made.add_row("", "next", one_line(case.next), "")
    return made


def _events(case: CaseAnswer) -> Iterator[Event]:
    """Yield what happened in a case, in the order of the ladder."""
    for each in case.considered:
        saw = f"saw {counted(each.count, 'session')} at position {each.seen}"
        how = f"{each.route} > {each.decision} by {each.by}; {saw}; {each.reasons}"
        yield each.on, "considered", how + (f"; instead: {each.instead}" if each.instead else ""), str(each.position)
    if (test := case.improvement) is not None:
        still = f", {test.unresolved} still N" if test.unresolved else ""
        how = f"until {test.ends_on}: {test.count} of at most {test.at_most} sessions{still}, {test.state}"
        yield (
            test.issued_on,
            "notice to improve",
            how + (f"; {test.offered}" if test.offered else ""),
            str(test.position),
        )
        if test.ended_on is not None:
            yield test.ended_on, "improved" if test.improved else "not improved", test.outcome, ""
    for made in case.referred:
        yield (
            made.on,
            "referred",
            f"{_named(made)}; {made.reasons}",
            str(made.position),
        )
    if case.notice is not None:
        yield from _notice_events(case.notice)
    if (court := case.prosecution) is not None:
        yield court.begun_on, "prosecution", f"section {court.offence}", ""
        if court.ended_on is not None:
            fine = f", fine {pounds(court.fine_pence)}" if court.fine_pence else ""
            yield court.ended_on, court.outcome, f"{court.said}{fine}".removeprefix(", "), ""
    for off in case.undermined:
        holds = f"holds {off.code} now" if off.code else "holds no mark that could count"
        yield None, "undermined", f"{off.session} {holds}", str(off.position or "")


def _notice_events(notice: IssuedNotice) -> Iterator[Event]:
    which = "second" if notice.second else "first"
    yield notice.issued_on, "notice issued", f"{which}, {_named(notice)}", str(notice.position)
    sent = (
        f"sent by {notice.method} on {notice.sent_on}"
        if notice.sent_on
        else "presumed, nobody recorded how it was sent"
    )
    yield notice.received_on, "received", sent, ""
    if not notice.second:
        yield notice.reduced_until, "last day", f"for {pounds(notice.reduced_pence)}", ""
    yield notice.full_until, "last day", f"for {pounds(notice.full_pence)}", ""
    for day, pence in notice.paid:
        yield day, "paid", pounds(pence), ""
    owed = f", {pounds(notice.owed_pence)} owed until {notice.owed_until}" if notice.owed_pence else ""
    yield None, "stands", f"{notice.standing}{owed}" + (f": {notice.withdrawn_for}" if notice.withdrawn_for else ""), ""


def _named(made: ReferralMade | IssuedNotice) -> str:
    """Return how many sessions are named, under which policy, and what was seen, with the digest's beginning."""
    under = f" under {made.policy}" if made.policy else ""
    digest = f" ({made.digest[:SHOWN]}…)" if made.digest else ""
    return f"{counted(len(made.sessions), 'session')}{under}, seen up to position {made.seen}{digest}"
