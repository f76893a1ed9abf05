"""The checks of a referral: each a small function that yields what would send it back, with the command that mends it.

A blocker is something that an authority sends a referral back for, or a court strikes out; a finding is worth knowing
and blocks nothing. The checks look at one parent and one pupil as known at a moment, at the weeks of one penalty window
and at the case that is to be referred; `CHECKS` is the whole list, in the order in which people read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ledger.case import Notice
from ledger.codes import UNRESOLVED
from ledger.events import AbsenceReported, ContactLogged, LetterSent, SupportRecorded
from ledger.finding import OPEN, Blocker, Finding, Open, action
from ledger.sessions import LONDON, Session
from ledger.words import SEALED
from projections.asking.questions import StatedContact
from projections.penalties.case import consider, fits_policy, withdrawal
from projections.penalties.notice_checks import holds, named_wrongly, notice_faults
from projections.penalties.referral_file import Check, File, refer
from projections.penalties.referral_leave import (
    leave_after_absence,
    leave_off_form,
    leave_undecided,
    letter_never_true,
    refusal_unexplained,
)

UNEXPLAINED = "O"


# --- the register ---------------------------------------------------------------------------------------------------


def unresolved(file: File) -> Iterator[Finding]:
    for session, marks in sorted(file.entries.items()):
        if marks[-1].code == UNRESOLVED:
            yield Blocker(
                "unresolved",
                f"{session} is still N: its reason was never settled",
                action=action("AmendMark", pupil=file.pupil, session=session, code=Open("CODE"), reason=OPEN),
                session=str(session),
                position=marks[-1].position,
            )


def missing(file: File) -> Iterator[Finding]:
    for session in file.missing:
        yield Blocker(
            "missing",
            f"{session} has closed and holds no mark",
            action=action("RecordMark", pupil=file.pupil, session=session, code=Open("CODE")),
            session=str(session),
        )


def code_without_reason(file: File) -> Iterator[Finding]:
    for session, marks in sorted(file.entries.items()):
        last = marks[-1]
        code = file.policy.codes.by_symbol(last.code)
        if len(marks) < 2 or code is None or not code.unauthorised or (last.reason.strip() and last.reason != SEALED):
            continue
        what = "no reason that can be read" if last.reason == SEALED else "no reason"
        yield Blocker(
            "code_without_reason",
            f"{session} was amended to {last.code} with {what}",
            action=action(
                "AmendMark", pupil=file.pupil, session=session, code=last.code, detail=Open("WHAT"), reason=OPEN
            ),
            session=str(session),
            position=last.position,
        )


def never_followed_up(file: File) -> Iterator[Finding]:
    covered = (each for request in file.leave.requests for each in request.sessions)
    refused = {each.session for each in covered if each.decided == "refused"}
    for each in file.window.sessions:
        own = not each.school  # a former school has its own chronology
        if own and each.code == UNEXPLAINED and each.session not in refused and not _followed_up(each.session, file):
            yield Blocker(
                "never_followed_up",
                f"{each.session} is O, and nobody is known to have asked or been told why",
                action=action(
                    "LogContact",
                    pupil=file.pupil,
                    contact=file.parent,
                    sessions=(each.session,),
                    channel="phone",
                    outcome=OPEN,
                ),
                session=each.session,
                position=each.position,
            )


def _followed_up(session: str, file: File) -> bool:
    """Return whether a report or an attempt is about the session's day: one a day is what is owed, whichever half it
    names; one that names none is about the day on which it was made."""
    day = Session.parse(session).day
    for each in file.chronology:
        if isinstance(each.event, (ContactLogged, AbsenceReported)):
            named = {Session.parse(about).day for about in each.event.sessions}
            if day in (named or {each.recorded_at.astimezone(LONDON).date()}):
                return True
    return False


# --- the case -------------------------------------------------------------------------------------------------------


def not_of_school_age(file: File) -> Iterator[Finding]:
    pupil = file.moment.school.pupils[file.pupil]
    if not pupil.of_school_age(file.day):
        yield Blocker(
            "not_of_school_age",
            f"the pupil is not of compulsory school age on {file.day}, so no notice may be asked for, unless "
            "the birth date is wrong",
            action=action("AmendParticulars", pupil=file.pupil, from_day=file.moment.as_of, reason=OPEN),
        )


def threshold_not_met(file: File) -> Iterator[Finding]:
    if not file.own.met:
        yield Blocker(
            "threshold_not_met",
            f"{file.own.count} of {file.policy.penalty_threshold} sessions count in this parent's own line",
            action=action("penalty", pupil=file.pupil, as_of=file.day),
        )


def third_in_three_years(file: File) -> Iterator[Finding]:
    rolling = file.line.rolling
    if rolling.barred:
        yield Blocker(
            "third_in_three_years",
            f"this parent has had {len(rolling.issued)} notices about this pupil, and none more may be "
            f"issued before {rolling.runs_out_on}",
            action=consider(file.pupil, file.named(), file.parent, file.moment.as_of, "other"),
        )


def not_considered(file: File) -> Iterator[Finding]:
    considered = file.case.record.considered if file.case else []
    again = consider(file.pupil, file.named(), file.parent, file.moment.as_of)
    if not considered:
        yield Blocker("not_considered", "nobody has considered a notice in this parent's case", action=again)
    elif considered[-1][1].decision in ("nothing", "other"):
        yield Blocker(
            "not_considered",
            f"{file.named()} was last considered on {considered[-1][1].considered_on} with the decision "
            f'"{considered[-1][1].decision}", and not to ask for a notice',
            action=again,
            position=considered[-1][0],
        )


def no_longer_counts(file: File) -> Iterator[Finding]:
    if file.case is None or not file.case.record.referred:
        return
    off = {str(each.session) for each in file.case.undermined}
    left = [each for each in file.case.record.referred[-1][1].sessions if each not in off]
    for each in file.case.undermined:
        yield Blocker(
            "no_longer_counts",
            f"{each.session} is named in the referral and {holds(each)}",
            action=refer(file, left),
            session=str(each.session),
            position=each.position or None,
        )


def dated_before_session(file: File) -> Iterator[Finding]:
    return (finding for finding in _named_wrongly(file) if finding.rule == "dated_before_session")


def session_noticed_twice(file: File) -> Iterator[Finding]:
    return (finding for finding in _named_wrongly(file) if finding.rule == "session_noticed_twice")


def _named_wrongly(file: File) -> Iterator[Finding]:
    if file.case is None or not file.case.record.referred:
        return
    on = file.case.record.referred[-1][1].referred_on
    faults = list(named_wrongly(file.named(), file.parent, on, file.case.named, _notices(file)))
    left = [str(each.session) for each in file.case.named if str(each.session) not in {it.session for it in faults}]
    for fault in faults:
        yield Blocker(
            fault.rule,
            fault.sentence,
            action=refer(file, left),
            session=fault.session,
        )


def notice_unsound(file: File) -> Iterator[Finding]:
    """Yield what is off with this parent's notices: the next one is asked for where they are not forgotten."""
    for case in file.line.cases:
        if case.record.issued is not None and case.record.withdrawn is None:
            for fault in notice_faults(case, _notices(file)):
                yield Finding(
                    "notice_unsound",
                    fault.sentence,
                    action=withdrawal(case.record),
                    session=fault.session,
                    position=fault.position,
                )


def _notices(file: File) -> Iterable[Notice]:
    return file.moment.school.notices.get(file.pupil, {}).values()


# --- support first --------------------------------------------------------------------------------------------------


def no_support(file: File) -> Iterator[Finding]:
    steps = [each.event for each in file.chronology if isinstance(each.event, SupportRecorded)]
    if file.by_support and not steps:
        yield Blocker(
            "no_support",
            "the case goes by way of support, and none was ever offered",
            action=action(
                "RecordSupport", pupil=file.pupil, step="meeting", stage="offered", on=file.moment.as_of, outcome=OPEN
            ),
        )


def no_letter_or_meeting(file: File) -> Iterator[Finding]:
    def told_home(event: object) -> bool:
        meeting = isinstance(event, SupportRecorded) and event.step == "meeting"
        return meeting or (isinstance(event, LetterSent) and file.parent in event.parents)

    if file.by_support and not any(told_home(each.event) for each in file.chronology):
        yield Blocker(
            "no_letter_or_meeting",
            "the case goes by way of support, and the chronology holds no letter to this parent and no meeting",
            action=action(
                "letter draft", pupil=file.pupil, about="meeting", parent=file.parent, output=Open("FILE.pdf")
            ),
        )


def notice_to_improve(file: File) -> Iterator[Finding]:
    """Yield what is off with the notice to improve, where the case goes by way of support."""
    if not file.by_support or file.case is None:
        return
    record, test = file.case.record, file.case.improvement
    if record.improvement is None or test is None:
        yield Blocker(
            "notice_to_improve",
            "the case goes by way of support, and no notice to improve was sent",
            action=action(
                "RequireImprovement",
                pupil=file.pupil,
                notice=record.name,
                issued_on=file.moment.as_of,
                ends_on=Open("DAY"),
                at_most=Open("COUNT"),
                offered=OPEN,
            ),
        )
        return
    position, required = record.improvement
    if not fits_policy(required, file.moment.school.calendar, file.policy):
        least, most = file.policy.improve_weeks_least, file.policy.improve_weeks_most
        yield Blocker(
            "notice_to_improve",
            f"its period, {required.issued_on} to {required.ends_on}, is not {least} to {most} school weeks",
            action=consider(file.pupil, Open("CASE"), file.parent, file.moment.as_of, "improve"),
            position=position,
        )
    ended = record.improvement_ended
    if ended is None:
        over = file.moment.as_of > test.last
        state = "has ended, and nobody recorded its outcome" if over else "is still running"
        yield Blocker(
            "notice_to_improve",
            f"its period, to {test.last}, {state}",
            action=action(
                "EndImprovement",
                pupil=file.pupil,
                notice=record.name,
                ended_on=test.last,
                improved=test.state != "failed",
                outcome=OPEN,
            ),
            position=position,
        )
    elif ended[1].improved:
        yield Blocker(
            "notice_to_improve",
            f"attendance improved, as recorded on {ended[1].ended_on}",
            action=consider(file.pupil, record.name, file.parent, file.moment.as_of, "nothing"),
            position=ended[0],
        )


# --- who it is about ------------------------------------------------------------------------------------------------


def parent_unknown(file: File) -> Iterator[Finding]:
    contacts = action("ChangeContacts", pupil=file.pupil)
    if not file.known.readable:
        yield Blocker("parent_unknown", "the particulars cannot be read without their keys", action=contacts)
        return
    contact = next((each for each in file.known.contacts if each.get("id") == file.parent), StatedContact())
    at_home = contact.get("lives_with") and file.known.address
    lacks = [
        what
        for what, there in (("a name", contact.get("name")), ("an address", contact.get("address") or at_home))
        if not there
    ]
    if lacks:
        yield Blocker(
            "parent_unknown",
            f"the contacts lack {' and '.join(lacks)} of this parent",
            action=contacts,
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
