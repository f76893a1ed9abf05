"""What letters to parents say, as blocks of text and tables for the template `letter`.

Every figure comes with its definition and the moment it was true at, and every amount with the number of the policy; a
letter states what the register shows and what may follow, and accuses nobody. The words are ours and plain: whoever
signs a letter reads it first, which is why a letter is a draft until somebody records that it was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol

from ledger.codes import CodeTable
from ledger.people import signature
from ledger.policy import Policy
from ledger.sessions import LONDON, Half, Session, parse_moment
from projections.asking.questions import Moment
from projections.penalties.case import Improvement, pounds
from projections.records.leaves import LeaveRequestAnswer, LeaveSession

HALVES = {Half.AM: "morning", Half.PM: "afternoon"}
Block = dict[str, object]


class Figures(NamedTuple):
    """A pupil's year to date as a letter quotes it, in sessions, from the first day of the year."""

    since: date
    counts: Mapping[str, int]
    attendance_percent: float | None


class CodedSession(Protocol):
    """A session and the code that stands for it."""

    @property
    def session(self) -> str: ...

    @property
    def code(self) -> str: ...


class Letter(NamedTuple):
    """What one letter is about (as `letter sent` names it), its title and text, and what it cites."""

    about: str
    subject: str
    blocks: list[Block]
    cites: str = ""
    quotes: bool = False


# --- pieces ---------------------------------------------------------------------------------------------------------


def text(words: str) -> Block:
    return {"kind": "text", "text": words}


def head(words: str) -> Block:
    return {"kind": "head", "text": words}


def small(words: str) -> Block:
    return {"kind": "small", "text": words}


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Block:
    return {"kind": "table", "headings": list(headings), "rows": [list(row) for row in rows]}


def closed(words: str) -> str:
    """Return words that somebody wrote, with a full stop at their end."""
    return words if words.endswith((".", "!", "?")) else f"{words}."


def spoken(day: date) -> str:
    """Return a day as a letter writes it: 5 November 2025."""
    return f"{day.day} {day:%B %Y}"


def spoken_session(text: str) -> tuple[str, str]:
    """Return the day and the half of a session as a letter writes them."""
    session = Session.parse(text)
    return f"{session.day:%A} {spoken(session.day)}", HALVES[session.half]


def figures_blocks(figures: Figures, moment: Moment) -> list[Block]:
    """Return the year to date as a table, with its definition and the moment it was true at."""
    counts = figures.counts
    percent = "–" if figures.attendance_percent is None else f"{figures.attendance_percent:.1f} %"
    row = [str(counts[name]) for name in ("possible", "attended", "authorised", "unauthorised")]
    headings = ("possible", "attended", "authorised absence", "unauthorised absence", "attendance")
    return [
        table(headings, [[*row, percent]]),
        small(
            f"Counted in sessions, of which each school day has two, from {spoken(figures.since)} up to and including "
            f"{spoken(moment.as_of)}. Attendance is the sessions attended out of the possible ones, to one decimal; "
            f"sessions that nobody is expected at are not possible. As the register was known at "
            f"{moment.known_at.astimezone(LONDON):%H:%M on} {spoken(moment.known_at.astimezone(LONDON).date())} "
            f"(position {moment.position})."
        ),
    ]


def consequences(policy: Policy) -> list[Block]:
    """Return what unauthorised absence may lead to, with the policy's numbers."""
    first = f"{pounds(policy.fine_first_pence)}, reduced to {pounds(policy.fine_reduced_pence)} if it is paid within"
    return [
        head("What unauthorised absence may lead to"),
        text(
            f"Where a pupil has {policy.penalty_threshold} or more sessions of unauthorised absence within "
            f"{policy.penalty_weeks} school weeks, the school must consider a penalty notice. One may be issued to "
            f"each parent, for each child. A first notice is {first} {policy.fine_reduced_days} days of its receipt, "
            f"and payable within {policy.fine_days} days. A second notice to the same parent for the same child within "
            f"{policy.notices_years} years is {pounds(policy.fine_second_pence)}, without a reduction. After "
            f"{policy.notices_limit} notices in that time no further one is issued, and other action is considered, "
            "which includes prosecution."
        ),
        text(
            f"On conviction under section 444 of the Education Act 1996 a parent may be fined up to "
            f"£{policy.court_fine_pounds:,}; a parent who knows of the absence and fails to act up to "
            f"£{policy.court_aggravated_fine_pounds:,}, or be imprisoned for up to {policy.court_months} months, or "
            "both."
        ),
    ]


def sessions_table(sessions: Iterable[CodedSession], codes: CodeTable) -> Block:
    """Return sessions with the code that stands for each and what it means."""
    rows = []
    for each in sessions:
        code = codes.by_symbol(each.code)
        rows.append([*spoken_session(each.session), each.code, code.name if code else ""])
    return table(("day", "session", "code", "meaning"), rows)


# --- leave ----------------------------------------------------------------------------------------------------------


def leave_decision(request: LeaveRequestAnswer, child: str, policy: Policy) -> Letter:
    """Return the letter that tells a parent how their request for leave was decided."""
    (first_day, first_half), (last_day, last_half) = spoken_session(request.first), spoken_session(request.last)
    form = " on the school's form" if request.on_form else ""
    span = f"{first_day} ({first_half})" + (f" to {last_day} ({last_half})" if request.last != request.first else "")
    blocks = [
        text(
            f"On {spoken(date.fromisoformat(request.received_on))} we received your request{form} for leave of absence "
            f"for {child}, {span}." + (f" You gave as its reason: {closed(request.ground)}" if request.ground else "")
        ),
        text(_decision(request)),
    ]
    if request.reason:
        blocks.append(text(f"The reasons for this decision: {closed(request.reason)}"))
    blocks.append(table(("day", "session", "decision"), [_decided(each, policy.codes) for each in request.sessions]))
    if request.state != "granted":
        blocks += _refused(child, policy)
    about = "other" if request.state == "granted" else "leave refused"
    subject = {"granted": "Leave of absence: granted", "granted in part": "Leave of absence: granted in part"}
    return Letter(about, subject.get(request.state, "Leave of absence: refused"), blocks, request.request)


def _decision(request: LeaveRequestAnswer) -> str:
    assert request.decided_by is not None and request.decided_at is not None
    who = signature(request.decided_by)
    on = spoken(parse_moment(request.decided_at).astimezone(LONDON).date())
    if request.state == "granted":
        return f"{who} decided on {on} to grant it. The sessions below will be recorded as authorised absence."
    if request.state == "granted in part":
        return (
            f"{who} decided on {on} to grant it in part: the sessions below that are marked as granted, and no other."
        )
    return f"{who} decided on {on} to refuse it. None of the sessions below is granted."


def _decided(each: LeaveSession, codes: CodeTable) -> list[str]:
    code = codes.by_symbol(each.code)
    decision = f"granted: {each.code}, {code.name}" if code else "refused"
    return [*spoken_session(each.session), decision + (f" ({each.detail})" if each.detail else "")]


def _refused(child: str, policy: Policy) -> list[Block]:
    return [
        text(
            "Leave in term time may be granted in exceptional circumstances only, in advance, and never afterwards "
            "(regulation 11 of the School Attendance (Pupil Registration) (England) Regulations 2024). If "
            f"{child} is absent from a session that was refused, that session will be recorded as unauthorised. Each "
            "parent believed to have allowed the absence may be held to account for it; the parent who applied is "
            "taken to allow it, and so is every parent who goes along."
        ),
        *consequences(policy),
    ]


# --- letters of follow-up and support -------------------------------------------------------------------------------


def attendance(child: str, figures: Figures, moment: Moment, policy: Policy) -> Letter:
    """Return the letter about attendance below the policy's percentage."""
    share = "–" if figures.attendance_percent is None else f"{figures.attendance_percent:.1f} %"
    counts, percent = figures.counts, policy.register_letter_percent
    below = 100 * counts["attended"] < percent * counts["possible"]
    compared = f"below the {percent} % at which" if below else f"not below the {percent} % below which"
    blocks = [
        text(
            f"{child}'s attendance this school year is {share}. That is {compared} the school writes home, whatever "
            "the reasons for the absence were."
        ),
        *figures_blocks(figures, moment),
        text(
            "Every session counts. If something makes it hard to come to school, whether at home or at school, please "
            "talk to us: there is help that we can offer, and we would rather find it together early."
        ),
        text("If you believe that the register is wrong, tell us which session you mean, and we will look at it."),
    ]
    return Letter("attendance", "Attendance this school year", blocks, quotes=True)


def punctuality(child: str, figures: Figures, moment: Moment) -> Letter:
    """Return the letter about lateness."""
    year = moment.school.calendar.year_begun_by(moment.as_of)
    assert year is not None
    hours = moment.school.years[year].hours[Half.AM]
    opens, closes = f"{hours.opens:%H:%M}", f"{hours.closes:%H:%M}"
    late = figures.counts["late"]
    blocks = [
        text(
            f"{child} has arrived late at {late} session{'s' if late != 1 else ''} this school year. In the morning "
            f"the register is taken at {opens} and closes at {closes}. Who arrives after it has closed is recorded as "
            "having missed the session without authority (code U), though we know that they are in school."
        ),
        *figures_blocks(figures, moment),
        text(
            "Who misses the start of the day misses what the rest of it builds on. Please tell us if there is a "
            "difficulty that we can help with, and otherwise see to an arrival before the register is taken."
        ),
    ]
    return Letter("punctuality", "Punctuality this school year", blocks, quotes=True)


def no_contact(child: str, sessions: Sequence[CodedSession], attempts: int, moment: Moment) -> Letter:
    """Return the letter to a parent whom nobody has reached about an absence."""
    tried = f"We have tried to reach you {attempts} time{'s' if attempts != 1 else ''} about it this school year. "
    blocks = [
        text(f"{child} has been absent, and we do not know why. " + (tried if attempts else "")),
        sessions_table(sessions, moment.codes),
        text(
            "Please ring the school today, or write to us, and tell us where your child is and the reason for each of "
            "these sessions. A reason that we are not given cannot be considered: the absence is then recorded as "
            "unauthorised. If we hear nothing, we may visit you at home, and we tell the local authority, so that "
            "somebody knows that your child is safe."
        ),
        small(
            f"Sessions without a reason as the register was known at position {moment.position}, up to and including "
            f"{spoken(moment.as_of)}."
        ),
    ]
    return Letter("no contact", "Absence without a reason", blocks)


def meeting(child: str, when: str, where: str, figures: Figures, moment: Moment) -> Letter:
    """Return the invitation to a meeting about attendance; what is not given is left open to be filled in."""
    blank = "_" * 40
    blocks = [
        text(
            f"We would like to meet you to talk about {child}'s attendance, about what stands in its way, and about "
            "what would help."
        ),
        table(("when", "where"), [[when or blank, where or blank]]),
        *figures_blocks(figures, moment),
        text(
            "You may bring somebody with you. If the time does not suit you, please tell us, and we will find another."
        ),
    ]
    return Letter("meeting", "Invitation to a meeting about attendance", blocks, quotes=True)


# --- letters of the penalty ladder ----------------------------------------------------------------------------------


def notice_to_improve(
    child: str, case: str, notice: Improvement, window: Sequence[CodedSession], figures: Figures, moment: Moment
) -> Letter:
    """Return the notice to improve: the record so far, the support offered, what improvement means, when it ends and
    what may end it early."""
    first, last = spoken(notice.issued_on), spoken(notice.ends_on)
    sessions = f"{notice.at_most} session{'s' if notice.at_most != 1 else ''}"
    means = f" {closed(notice.improvement)}" if notice.improvement else ""
    blocks = [
        text(
            f"This is a notice to improve. It gives you the chance to improve {child}'s attendance before a penalty "
            "notice is asked for."
        ),
        head("The record so far"),
        *figures_blocks(figures, moment),
        *([sessions_table(window, moment.codes)] if window else []),
        head("The support offered"),
        text(closed(notice.offered) if notice.offered else "Please ask us what support there is."),
        head("What improvement means"),
        text(f"From {first} to {last}, no more than {sessions} of unauthorised absence.{means}"),
        head("What ends it"),
        text(
            f"The period ends on {last}. It ends earlier where more sessions than that are missed without authority"
            + (f", or: {closed(notice.early_end)}" if notice.early_end else ".")
        ),
        *consequences(moment.policy),
    ]
    return Letter("notice to improve", "Notice to improve", blocks, case, quotes=True)


def penalty_considered(
    child: str, case: str, window: Sequence[CodedSession], figures: Figures, moment: Moment
) -> Letter:
    """Return the letter that tells a parent that a penalty notice is considered."""
    policy = moment.policy
    blocks = [
        text(
            f"In the last {policy.penalty_weeks} school weeks {child} has missed {len(window)} sessions without "
            f"authority. From {policy.penalty_threshold} sessions on, the school must consider whether to ask the "
            "local authority for a penalty notice, and it is doing so now. No notice has been decided on by this "
            "letter."
        ),
        sessions_table(window, moment.codes),
        *figures_blocks(figures, moment),
        text(
            "If there is something that we should know before we decide, or a session whose reason we were never told, "
            "please tell us at once."
        ),
        *consequences(policy),
    ]
    return Letter("other", "A penalty notice is being considered", blocks, case, quotes=True)
