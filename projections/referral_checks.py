"""The checks of a referral: each a small function that yields what would send it back, with the command that mends it.

A blocker is something that an authority sends a referral back for, or a court strikes out; a finding is worth knowing
and blocks nothing. The checks look at one parent and one pupil as known at a moment, at the weeks of one penalty window
and at the case that is to be referred; `CHECKS` is the whole list, in the order in which people read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ledger.case import Notice
from ledger.events import AbsenceReported, ContactLogged, LetterSent, SupportRecorded
from ledger.sessions import LONDON, Session
from projections.notice_checks import holds, named_wrongly, notice_faults
from projections.penalty import UNRESOLVED
from projections.referral_file import Check, File, Problem
from projections.referral_leave import (
    leave_after_absence,
    leave_off_form,
    leave_undecided,
    letter_never_true,
    refusal_unexplained,
)
from projections.registers import SEALED
from projections.rungs import consider_line, fits_policy

UNEXPLAINED = "O"


# --- the register ---------------------------------------------------------------------------------------------------


def unresolved(file: File) -> Iterator[Problem]:
    for session, marks in sorted(file.entries.items()):
        if marks[-1].code == UNRESOLVED:
            yield Problem(
                check="unresolved",
                sentence=f"{session} is still N: its reason was never settled",
                command=f"attendance amend {file.pupil} {session} CODE --reason",
                session=str(session),
                position=marks[-1].position,
            )


def missing(file: File) -> Iterator[Problem]:
    for session in file.missing:
        yield Problem(
            check="missing",
            sentence=f"{session} has closed and holds no mark",
            command=f"attendance mark {file.pupil} {session} CODE",
            session=str(session),
        )


def code_without_reason(file: File) -> Iterator[Problem]:
    for session, marks in sorted(file.entries.items()):
        last = marks[-1]
        code = file.policy.codes.by_symbol(last.code)
        if len(marks) < 2 or code is None or not code.unauthorised or (last.reason.strip() and last.reason != SEALED):
            continue
        what = "no reason that can be read" if last.reason == SEALED else "no reason"
        yield Problem(
            check="code_without_reason",
            sentence=f"{session} was amended to {last.code} with {what}",
            command=f"attendance amend {file.pupil} {session} {last.code} --detail WHAT --reason",
            session=str(session),
            position=last.position,
        )


def never_followed_up(file: File) -> Iterator[Problem]:
    refused = {each.session for asked in file.leave.requests for each in asked.sessions if each.decided == "refused"}
    for each in file.window.sessions:
        own = not each.school  # a former school has its own chronology
        if own and each.code == UNEXPLAINED and each.session not in refused and not _followed_up(each.session, file):
            yield Problem(
                check="never_followed_up",
                sentence=f"{each.session} is O, and nobody is known to have asked or been told why",
                command=f"attendance contact {file.pupil} {file.parent} {each.session} --channel phone --outcome",
                session=each.session,
                position=each.position,
            )


def _followed_up(session: str, file: File) -> bool:
    """Return whether a report or an attempt is about the session's day: one a day is what is owed, whichever half it
    names; one that names none is about the day on which it was made."""
    day = Session.parse(session).day
    for each in file.told:
        if isinstance(each.event, (ContactLogged, AbsenceReported)):
            named = {Session.parse(about).day for about in each.event.sessions}
            if day in (named or {each.recorded_at.astimezone(LONDON).date()}):
                return True
    return False


# --- the case -------------------------------------------------------------------------------------------------------


def not_of_school_age(file: File) -> Iterator[Problem]:
    pupil = file.moment.school.pupils[file.pupil]
    if not pupil.of_school_age(file.day):
        yield Problem(
            check="not_of_school_age",
            sentence=f"the pupil is not of compulsory school age on {file.day}, so no notice may be asked for, unless "
            "the birth date is wrong",
            command=f"attendance particulars {file.pupil} {file.moment.as_of} --reason",
        )


def threshold_not_met(file: File) -> Iterator[Problem]:
    if not file.own.met:
        yield Problem(
            check="threshold_not_met",
            sentence=f"{file.own.count} of {file.policy.penalty_threshold} sessions count in this parent's own line",
            command=f"attendance penalty {file.pupil} --as-of {file.day}",
        )


def third_in_three_years(file: File) -> Iterator[Problem]:
    rolling = file.line.rolling
    if rolling.barred:
        yield Problem(
            check="third_in_three_years",
            sentence=f"this parent has had {len(rolling.issued)} notices about this pupil, and none more may be "
            f"issued before {rolling.runs_out_on}",
            command=consider_line(file.pupil, file.named(), file.parent, file.moment.as_of, "other"),
        )


def not_considered(file: File) -> Iterator[Problem]:
    considered = file.rung.case.considered if file.rung else []
    line = consider_line(file.pupil, file.named(), file.parent, file.moment.as_of)
    if not considered:
        yield Problem(
            check="not_considered", sentence="nobody has considered a notice in this parent's case", command=line
        )
    elif considered[-1][1].decision in ("nothing", "other"):
        yield Problem(
            check="not_considered",
            sentence=f"{file.named()} was last considered on {considered[-1][1].considered_on} with the decision "
            f'"{considered[-1][1].decision}", and not to ask for a notice',
            command=line,
            position=considered[-1][0],
        )


def no_longer_counts(file: File) -> Iterator[Problem]:
    if file.rung is None or not file.rung.case.referred:
        return
    off = {str(each.session) for each in file.rung.undermined}
    left = [each for each in file.rung.case.referred[-1][1].sessions if each not in off]
    for each in file.rung.undermined:
        yield Problem(
            check="no_longer_counts",
            sentence=f"{each.session} is named in the referral and {holds(each)}",
            command=f"attendance case refer {file.pupil} {file.named()} {' '.join(left) or 'SESSION'} "
            f"--on {file.moment.as_of}",
            session=str(each.session),
            position=each.position or None,
        )


def dated_before_session(file: File) -> Iterator[Problem]:
    return (problem for problem in _named_wrongly(file) if problem.check == "dated_before_session")


def session_noticed_twice(file: File) -> Iterator[Problem]:
    return (problem for problem in _named_wrongly(file) if problem.check == "session_noticed_twice")


def _named_wrongly(file: File) -> Iterator[Problem]:
    if file.rung is None or not file.rung.case.referred:
        return
    on = file.rung.case.referred[-1][1].referred_on
    faults = list(named_wrongly(file.named(), file.parent, on, file.rung.named, _notices(file)))
    left = [str(each.session) for each in file.rung.named if str(each.session) not in {it.session for it in faults}]
    for fault in faults:
        yield Problem(
            check=fault.rule,
            sentence=fault.sentence,
            command=f"attendance case refer {file.pupil} {file.named()} {' '.join(left) or 'SESSION'} "
            f"--on {file.moment.as_of}",
            session=fault.session,
        )


def notice_unsound(file: File) -> Iterator[Problem]:
    """Yield what is off with this parent's notices: the next one is asked for where they are not forgotten."""
    for rung in file.line.rungs:
        if rung.case.issued is not None and rung.standing != "withdrawn":
            for fault in notice_faults(rung, _notices(file)):
                yield Problem(
                    check="notice_unsound",
                    sentence=fault.sentence,
                    command=f"attendance notice withdraw {file.pupil} {rung.case.name} --reason",
                    session=fault.session,
                    position=fault.position or None,
                    blocks=False,
                )


def _notices(file: File) -> Iterable[Notice]:
    return file.moment.school.notices.get(file.pupil, {}).values()


# --- support first --------------------------------------------------------------------------------------------------


def no_support(file: File) -> Iterator[Problem]:
    steps = [each.event for each in file.told if isinstance(each.event, SupportRecorded)]
    if file.by_support and not steps:
        yield Problem(
            check="no_support",
            sentence="the case goes by way of support, and none was ever offered",
            command=f"attendance support {file.pupil} meeting offered {file.moment.as_of} --outcome",
        )


def no_letter_or_meeting(file: File) -> Iterator[Problem]:
    def told_home(event: object) -> bool:
        meeting = isinstance(event, SupportRecorded) and event.step == "meeting"
        return meeting or (isinstance(event, LetterSent) and file.parent in event.parents)

    if file.by_support and not any(told_home(each.event) for each in file.told):
        yield Problem(
            check="no_letter_or_meeting",
            sentence="the case goes by way of support, and the chronology holds no letter to this parent and no "
            "meeting",
            command=f"attendance letter draft {file.pupil} meeting --parent {file.parent} --out FILE.pdf",
        )


def notice_to_improve(file: File) -> Iterator[Problem]:
    """Yield what is off with the notice to improve, where the case goes by way of support."""
    if not file.by_support or file.rung is None:
        return
    case, test = file.rung.case, file.rung.improvement
    if case.improvement is None or test is None:
        yield Problem(
            check="notice_to_improve",
            sentence="the case goes by way of support, and no notice to improve was sent",
            command=f"attendance case improve {file.pupil} {case.name} --issued-on {file.moment.as_of} "
            "--ends-on DAY --at-most COUNT --offered",
        )
        return
    position, required = case.improvement
    if not fits_policy(required, file.moment.school.calendar, file.policy):
        least, most = file.policy.improve_weeks_least, file.policy.improve_weeks_most
        yield Problem(
            check="notice_to_improve",
            sentence=f"its period, {required.issued_on} to {required.ends_on}, is not {least} to {most} school weeks",
            command=consider_line(file.pupil, "CASE", file.parent, file.moment.as_of, "improve"),
            position=position,
        )
    ended = case.improvement_ended
    if ended is None:
        over = file.moment.as_of > test.last
        said = "has ended, and nobody recorded its outcome" if over else "is still running"
        yield Problem(
            check="notice_to_improve",
            sentence=f"its period, to {test.last}, {said}",
            command=f"attendance case improved {file.pupil} {case.name} {test.last} "
            f"{'--yes' if test.state != 'failed' else '--no'} --outcome",
            position=position,
        )
    elif ended[1].improved:
        yield Problem(
            check="notice_to_improve",
            sentence=f"attendance improved, as recorded on {ended[1].ended_on}",
            command=consider_line(file.pupil, case.name, file.parent, file.moment.as_of, "nothing"),
            position=ended[0],
        )


# --- who it is about ------------------------------------------------------------------------------------------------


def parent_unknown(file: File) -> Iterator[Problem]:
    command = f"attendance contacts {file.pupil}"
    if not file.known.readable:
        yield Problem(
            check="parent_unknown", sentence="the particulars cannot be read without their keys", command=command
        )
        return
    contact = next((each for each in file.known.contacts if each.get("id") == file.parent), {})
    at_home = contact.get("lives_with") and file.known.address
    lacks = [
        what
        for what, there in (("a name", contact.get("name")), ("an address", contact.get("address") or at_home))
        if not there
    ]
    if lacks:
        yield Problem(
            check="parent_unknown",
            sentence=f"the contacts lack {' and '.join(lacks)} of this parent",
            command=command,
        )


# In the order in which things are mended: a case is considered before it is referred again.
CHECKS: tuple[Check, ...] = (
    not_considered,
    unresolved,
    missing,
    code_without_reason,
    never_followed_up,
    leave_after_absence,
    leave_undecided,
    refusal_unexplained,
    leave_off_form,
    letter_never_true,
    not_of_school_age,
    threshold_not_met,
    third_in_three_years,
    no_longer_counts,
    dated_before_session,
    session_noticed_twice,
    notice_unsound,
    no_support,
    no_letter_or_meeting,
    notice_to_improve,
    parent_unknown,
)
