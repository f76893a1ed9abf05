"""The checks of a referral: each a small function that yields what would send it back, with the command that mends it.

A blocker is something that an authority sends a referral back for, or a court strikes out; a finding is worth knowing
and blocks nothing. The checks look at one parent and one pupil as known at a moment, at the weeks of one penalty window
and at the case that is to be referred; `CHECKS` is the whole list, in the order in which people read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

import msgspec

from ledger.codes import by_symbol
from ledger.events import AbsenceReported, ContactLogged, LetterSent, SupportRecorded
from ledger.policy import Policy
from ledger.sessions import LONDON, Session
from projections.chronology import Told
from projections.cohorts import ParentAnswer, PenaltyAnswer
from projections.ladder import Line
from projections.leaves import LeaveAnswer, LeaveRequestAnswer
from projections.penalty import UNRESOLVED
from projections.questions import Moment, Particulars
from projections.registers import SEALED, MarkAnswer
from projections.rungs import Rung, consider_line, fits_policy

UNEXPLAINED = "O"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found. `command` mends it; `blocks` is false of a mere finding."""

    check: str
    sentence: str
    command: str
    session: str | None = None
    position: int | None = None
    blocks: bool = True


class File(NamedTuple):
    """All that the checks look at: one parent and pupil, the window that is referred, the entries and missing sessions
    of its weeks, the chronology and leave, the case, and what letters should have quoted, by position."""

    moment: Moment
    policy: Policy
    pupil: str
    parent: str
    day: date
    line: Line
    rung: Rung | None
    window: PenaltyAnswer
    own: ParentAnswer
    entries: Mapping[Session, list[MarkAnswer]]
    missing: tuple[Session, ...]
    told: tuple[Told, ...]
    leave: LeaveAnswer
    known: Particulars
    shown: Mapping[int, Mapping[str, int]]

    @property
    def counted(self) -> tuple[str, ...]:
        """The sessions that the referral rests on."""
        return tuple(each.session for each in self.window.sessions)

    @property
    def by_support(self) -> bool:
        """Whether the case goes by way of support, as last considered."""
        case = self.rung.case if self.rung else None
        return case is not None and bool(case.considered) and case.considered[-1][1].route == "support"

    def named(self) -> str:
        """Return the name of the case, or the word that stands for one still to be named."""
        return self.rung.case.name if self.rung else "CASE"


Check = Callable[[File], Iterator[Problem]]


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
        code = by_symbol(last.code)
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


# --- leave and letters ----------------------------------------------------------------------------------------------


def leave_after_absence(file: File) -> Iterator[Problem]:
    for request in _concerned(file):
        if request.decided_in_advance is False:
            yield Problem(
                check="leave_after_absence",
                sentence=f"{request.request} was decided after the absence had begun on {request.first}",
                command=_refer_line(file, without=request),
                position=request.position,
            )


def leave_undecided(file: File) -> Iterator[Problem]:
    for request in _concerned(file):
        if request.state == "waiting":
            yield Problem(
                check="leave_undecided",
                sentence=f"{request.request} asks for leave for these sessions and was never decided",
                command=f"attendance leave decide {file.pupil} {request.request} --reason",
                position=request.position,
            )


def refusal_unexplained(file: File) -> Iterator[Problem]:
    for request in _concerned(file):
        if request.state not in ("refused", "granted in part"):
            continue
        letter = (
            f"attendance letter sent {file.pupil} 'leave refused' --parent {request.parent} "
            f"--cites {request.request} --sent-on {file.moment.as_of}"
        )
        if not request.letters:
            yield Problem(
                check="refusal_unexplained",
                sentence=f"no letter tells the parent that {request.request} was refused",
                command=letter,
                position=request.position,
            )
        if not request.reason.strip() and not request.letters:
            yield Problem(
                check="refusal_unexplained",
                sentence=f"{request.request} was refused without a reason",
                command=f"{letter} --said",
                position=request.position,
            )


def leave_off_form(file: File) -> Iterator[Problem]:
    for request in file.leave.requests:
        if request.state not in ("granted", "granted in part"):
            continue
        lacks = []
        if not request.on_form:
            lacks.append("not on the school's form")
        if request.lives_with is False:
            lacks.append("by a parent the pupil does not live with")
        if lacks:
            yield Problem(
                check="leave_off_form",
                sentence=f"{request.request} was granted, though asked for {' and '.join(lacks)}",
                command=f"attendance leave show {file.pupil}",
                position=request.position,
                blocks=False,
            )


def letter_never_true(file: File) -> Iterator[Problem]:
    letters = [(each.position, each.event) for each in file.told if isinstance(each.event, LetterSent)]
    for place, (position, letter) in enumerate(letters):
        off = _untrue(letter, file.shown.get(position, {}))
        corrected = any(
            later.about == letter.about
            and later.quoted
            and set(letter.parents) <= set(later.parents)
            and not _untrue(later, file.shown.get(at, {}))
            for at, later in letters[place + 1 :]
        )
        if off and not corrected:
            name, said, true = off[0]
            yield Problem(
                check="letter_never_true",
                sentence=f"the letter of {letter.sent_on} about {letter.about} quoted {said} {name} sessions, "
                f"where the register showed {true}",
                command=f"attendance letter sent {file.pupil} {_word(letter.about)} "
                f"{' '.join(f'--parent {parent}' for parent in letter.parents)} --sent-on {file.moment.as_of}",
                position=position,
            )


def _untrue(letter: LetterSent, shown: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Return the figures of a letter that are not what the register showed: name, as quoted, as shown."""
    return [(name, said, shown.get(name, 0)) for name, said in letter.quoted.items() if said != shown.get(name, 0)]


def _concerned(file: File) -> Iterator[LeaveRequestAnswer]:
    """Yield the requests, not withdrawn, that cover a session of the referral."""
    for request in file.leave.requests:
        if request.state != "withdrawn" and any(each.session in file.counted for each in request.sessions):
            yield request


def _refer_line(file: File, without: LeaveRequestAnswer) -> str:
    left = [each for each in file.counted if each not in {asked.session for asked in without.sessions}]
    if not left:  # nothing remains that could be referred
        return consider_line(file.pupil, file.named(), file.parent, file.moment.as_of, "nothing")
    return f"attendance case refer {file.pupil} {file.named()} {' '.join(left)} --on {file.moment.as_of}"


def _word(text: str) -> str:
    return f"'{text}'" if " " in text else text


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
        holds = f"holds {each.code} now" if each.code else "holds no mark that could count"
        yield Problem(
            check="no_longer_counts",
            sentence=f"{each.session} is named in the referral and {holds}",
            command=f"attendance case refer {file.pupil} {file.named()} {' '.join(left) or 'SESSION'} "
            f"--on {file.moment.as_of}",
            session=str(each.session),
            position=each.position or None,
        )


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
    if not fits_policy(required, file.policy):
        least, most = file.policy.improve_weeks_least, file.policy.improve_weeks_most
        yield Problem(
            check="notice_to_improve",
            sentence=f"its period from {required.issued_on} to {required.ends_on} is not {least} to {most} weeks",
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
    no_support,
    no_letter_or_meeting,
    notice_to_improve,
    parent_unknown,
)
