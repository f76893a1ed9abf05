"""What the absence of a day asks of the office: registers, calls, the contact ladder, unresolved marks, messages, and
workers to tell.

A pupil's own lines speak only of registers that somebody handled. Where a class's register was not taken, nobody knows
of thirty pupils, and that is one line about the register.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from ledger.codes import UNRESOLVED
from ledger.events import AbsenceReported, AgencyInformed, ContactLogged
from ledger.finding import OPEN, Action, action
from ledger.sessions import LONDON, Half, Session, school_year
from ledger.words import counted
from projections.desk import Desk
from projections.duty import Duty, Urgency
from projections.followup.basis import resting_on_nothing_known
from projections.records.contact import (
    AUTHORITY,
    LETTER,
    UNEXPLAINED,
    UNMARKED,
    VISIT,
    Ladder,
    SilentSession,
    Word,
    heard,
    rung_days,
    unheard,
)
from projections.records.known_event import FollowUp
from projections.records.marks import Mark

WEEK = 5  # school days that a register, or an absence somebody is to be told of, stays on the page
NEAR = 2  # school days left that make an N urgent
# What somebody is told about where a pupil is away and nobody knows why.
ABOUT_ABSENCE = frozenset({"unexplained absence", "no contact", "safeguarding"})


def call_duties(desk: Desk) -> list[Duty]:
    """Return whom to ring: pupils who are away today without a word, until somebody of theirs was reached. Where the
    register gives a reason, until everybody of theirs was rung today."""
    silent = {pupil: ladder.today for pupil, ladder in desk.ladders.items() if ladder.today}
    before = {pupil: ladder.away_before for pupil, ladder in desk.ladders.items()}
    for pupil, (sessions, away_before) in _unheard(desk).items():
        if pupil not in silent:
            silent[pupil], before[pupil] = sessions, away_before
    return [
        _call(pupil, sessions, before[pupil], desk)
        for pupil, sessions in silent.items()
        if desk.ladders[pupil].today or desk.ladders[pupil].next_contact or not desk.contacts(pupil).in_order
    ]


def _unheard(desk: Desk) -> dict[str, tuple[tuple[SilentSession, ...], bool]]:
    """Return whose absences of today hold a reason that rests on nothing anybody said, and whether they were away
    before."""
    calendar, marks = desk.school.calendar, desk.due_marks
    reasons = {
        pupil: unheard(marks(pupil), desk.chronology[pupil], calendar, desk.policy, desk.day) for pupil in desk.pupils
    }
    chronologies = {
        each.position: desk.chronology[pupil]
        for pupil, (sessions, _) in reasons.items()
        for each in sessions
        if each.position
    }
    nothing = resting_on_nothing_known(desk.answers, desk.moment, chronologies)
    without_word = {}
    for pupil, (sessions, away_before) in reasons.items():
        if left := tuple(each for each in sessions if each.position in nothing):
            without_word[pupil] = left, away_before
    return without_word


def _call(pupil: str, silent: Sequence[SilentSession], away_before: bool, desk: Desk) -> Duty:
    ladder, sessions = desk.ladders[pupil], [each.session for each in silent]
    marks = {each.code or "no mark" for each in silent}
    if ladder.today and ladder.number > 1:
        sentence = f"day {ladder.number} without contact, since {ladder.first_day}"
    else:
        sentence = "a further day of absence, no word today" if away_before else "absent without a word"
    sentence = f"{' and '.join(sorted(marks))}: {sentence}"
    if not ladder.next_contact and (listed := desk.contacts(pupil).in_order):
        # Nobody of theirs was reached: the child is still missing.
        sentence += "; everybody listed was tried today and nobody reached"
        visit = _try(pupil, listed[0], sessions, "visit")
        return Duty("call", sentence, pupil, action=visit, urgency=Urgency.NOW, by=desk.day)
    if not ladder.next_contact:
        listing = action("ChangeContacts", pupil=pupil, parents=OPEN)
        sentence += "; the roll holds nobody to ring"
        return Duty("call", sentence, pupil, action=listing, urgency=Urgency.NOW, by=desk.day)
    person = ladder.next_contact
    tried = len(set(ladder.rung_today))
    sentence += f"; {tried} rung today, not reached" if tried else "; nobody rung yet today"
    ring = _try(pupil, person, sessions)
    return Duty("call", sentence, pupil, action=ring, urgency=Urgency.NOW, by=desk.day, contact=person)


def _try(pupil: str, person: str, sessions: Sequence[Session], channel: str = "phone") -> Action:
    return action("LogContact", pupil=pupil, contact=person, sessions=tuple(sessions), channel=channel, outcome=OPEN)


def _tell(pupil: str, agency: str, about: str, day: date) -> Action:
    return action("InformAgency", pupil=pupil, agency=agency, about=about, on=day, person=OPEN)


def ladder_duties(desk: Desk) -> list[Duty]:
    """Return the rungs above the calls that have come due in a run without contact and were not taken in it."""
    return [_rung(pupil, rung, ladder, desk) for pupil, ladder in desk.ladders.items() for rung in ladder.rungs_due]


def _rung(pupil: str, rung: str, ladder: Ladder, desk: Desk) -> Duty:
    contacts = desk.contacts(pupil)
    sentence = f"day {ladder.number} without contact, since {ladder.first_day}"
    person = next(iter(contacts.in_order), "")
    last = [silent.session for silent in ladder.silent if silent.session.day == ladder.days[-1]]
    steps = {
        LETTER: (
            Urgency.TODAY,
            "a letter home is due",
            action("SendLetter", pupil=pupil, about="no contact", parents=contacts.parents, sent_on=desk.day),
        ),
        VISIT: (Urgency.TODAY, "a home visit is due", _try(pupil, person, last, "visit")),
        AUTHORITY: (
            Urgency.NOW,
            "absent from education, the local authority is to be told",
            _tell(pupil, "local authority", "no contact", desk.day),
        ),
    }
    urgency, what, settles = steps[rung]
    by = ladder.days[rung_days(desk.policy)[rung] - 1]
    return Duty("no contact", f"{sentence}: {what}", pupil, action=settles, urgency=urgency, by=by)


def unmarked_duties(desk: Desk) -> list[Duty]:
    """Return who was left out of a register that was taken, while its registration is open."""
    calendar, duties = desk.school.calendar, []
    for (session, class_name), handled in desk.registers.items():
        if not handled.taken or not calendar.opens(session) <= desk.now < calendar.closes(session):
            continue
        closes = f"{calendar.closes(session).astimezone(LONDON):%H:%M}"
        for pupil in desk.school.pupils_on(session.day, class_name):
            if _waits(pupil, session, desk) and session not in heard(desk.chronology[pupil], desk.day).named:
                sentence = f"left out of the register of {class_name}, no word; registration closes at {closes}"
                arrives = action("LogArrival", pupil=pupil, session=session)
                duties.append(Duty("unmarked", sentence, pupil, action=arrives, urgency=Urgency.NOW, by=session.day))
    return duties


def _waits(pupil: str, session: Session, desk: Desk) -> bool:
    """Whether a pupil on roll today holds no mark, and nothing is expected of the session."""
    marks = desk.marks.get(pupil)
    return marks is not None and session not in marks and desk.school.expected(pupil, session) is None


def register_duties(desk: Desk) -> list[Duty]:
    """Return the registers of the last school week that were not taken or not closed, of registrations that have
    opened."""
    duties: list[Duty] = []
    for day in desk.school.calendar.school_days_until(desk.day, WEEK):
        for session in (Session(day, half) for half in Half):
            duties += _registers(session, desk)
    return duties


def _registers(session: Session, desk: Desk) -> Iterator[Duty]:
    calendar = desk.school.calendar
    opens, closes = calendar.opens(session), calendar.closes(session)
    if opens > desk.now:
        return
    classes = desk.school.classes_on(session.day)
    handled = {name: desk.registers[session, name] for name in classes}
    unknown = {
        name: sum(_waits(p, session, desk) for p in desk.school.pupils_on(session.day, name)) for name in classes
    }
    clock = f"{closes.astimezone(LONDON):%H:%M}"
    for name in classes:
        if unknown[name] and not any(handled[name]):
            over = closes <= desk.now
            missing = over and session.day == desk.day
            pupils = "1 pupil holds" if unknown[name] == 1 else f"{unknown[name]} pupils hold"
            sentence = f"{session}: the register of {name} is not taken, {pupils} no mark"
            sentence += "" if over else f"; registration closes at {clock}"
            urgency = Urgency.NOW if missing else Urgency.TODAY
            yield _register(sentence, action("TakeRegister", class_=name, session=session), session, urgency)
    if closes > desk.now:
        return
    # A register that nobody took because a closure or leave expects every code is closed all the same: that marks them.
    still = [
        name for name in classes if not handled[name].closed and (handled[name].taken or _expects(name, session, desk))
    ]
    if still and still == classes:
        sentence = f"{session}: no register is closed, of {len(classes)} classes"
        yield _register(sentence, action("CloseRegister", session=session), session)
    else:
        for name in still:
            sentence = f"{session}: the register of {name} is not closed"
            yield _register(sentence, action("CloseRegister", session=session, class_=name), session)


def _register(sentence: str, settles: Action, session: Session, urgency: Urgency = Urgency.TODAY) -> Duty:
    return Duty("register", sentence, action=settles, urgency=urgency, by=session.day)


def _expects(class_name: str, session: Session, desk: Desk) -> bool:
    """Whether a class holds somebody without a mark, and all of those are expected to have a code."""
    unmarked = [
        p for p in desk.school.pupils_on(session.day, class_name) if session not in desk.marks.get(p, {session})
    ]
    return bool(unmarked) and not any(_waits(pupil, session, desk) for pupil in unmarked)


def unresolved_duties(desk: Desk) -> list[Duty]:
    """Return the unresolved marks, a line for each pupil and day, by the school days left of those the law gives.

    Those of the day itself are left to the calls, unless a word is known that decides them; those of an earlier school
    year whose days are over are the doctor's.
    """
    duties: list[Duty] = []
    year = desk.school.calendar.year_begun_by(desk.day)
    for pupil, marks in desk.marks.items():
        by_day: dict[date, list[Session]] = {}
        for session in sorted(session for session, mark in marks.items() if mark.code == UNRESOLVED):
            if desk.school.calendar.is_session(session) and desk.school.on_roll(pupil, session.day):
                deadline = _deadline(session.day, desk)
                if school_year(session.day) == year or deadline is None or deadline >= desk.day:
                    by_day.setdefault(session.day, []).append(session)
        word = heard(desk.chronology[pupil], desk.day) if by_day else None
        for day, sessions in by_day.items():
            assert word is not None
            known = any(session in word.named for session in sessions) or word.reached_on == day
            if known or day < desk.day:
                duties.append(_unresolved(pupil, day, sessions, known, desk))
    return duties


def _unresolved(pupil: str, day: date, sessions: list[Session], known: bool, desk: Desk) -> Duty:
    deadline = _deadline(day, desk)
    sentence = f"N in {' and '.join(session.half.name for session in sessions)} of {day}"
    sentence += ", a word is known" if known else ""
    if deadline is None:
        return Duty("N", sentence, pupil, action=_amend(pupil, sessions[0]), urgency=Urgency.WAITING)
    left = _days_left(deadline, desk)
    if deadline < desk.day:
        urgency, when = Urgency.TODAY, "overdue"
    elif left == 0:
        urgency, when = Urgency.TODAY, "today is the last day"
    else:
        urgency = Urgency.SOON if left <= NEAR or known else Urgency.WAITING
        when = f"{counted(left, 'school day')} left"
    # Where the days are over and nobody said anything, O is what the law leaves; a named person still makes it.
    proposed = "O" if deadline <= desk.day and not known else ""
    settles = _amend(pupil, sessions[0], proposed)
    return Duty("N", f"{sentence}: {when}", pupil, action=settles, urgency=urgency, by=deadline)


def _amend(pupil: str, session: Session, proposed: str = "") -> Action:
    if not proposed:
        return action("AmendMark", pupil=pupil, session=session, code=OPEN)
    return action("AmendMark", pupil=pupil, session=session, code=proposed, reason=OPEN)


def _deadline(day: date, desk: Desk) -> date | None:
    return desk.school.calendar.school_days_after(day, desk.policy.n_deadline_school_days)


def _days_left(deadline: date, desk: Desk) -> int:
    """Return how many school days lie after the day asked about, up to a deadline."""
    days = desk.school.calendar.school_days_until(deadline, desk.policy.n_deadline_school_days)
    return sum(day > desk.day for day in days)


def ring_back_duties(desk: Desk) -> list[Duty]:
    """Return the messages of the last school week that may be rung back before a code is decided: until somebody was
    reached, or one was."""
    duties = []
    week = desk.school.calendar.school_days_until(desk.day, WEEK)
    for pupil in desk.pupils:
        chronology = desk.chronology[pupil]
        for each in chronology:
            event = each.event
            if not isinstance(event, AbsenceReported) or not event.ring_back:
                continue
            if not week or not week[0] <= each.day <= desk.day:
                continue
            if _answered(each, chronology) or _decided(each, event, desk.marks[pupil]):
                continue
            sessions = [Session.parse(session) for session in event.sessions]
            sentence = f"a message of {event.received_at.astimezone(LONDON):%Y-%m-%d %H:%M} may be rung back"
            ring, by = _try(pupil, event.parent, sessions), sessions[0].day
            duties.append(
                Duty("ring back", sentence, pupil, action=ring, urgency=Urgency.TODAY, by=by, contact=event.parent)
            )
    return duties


def _answered(report: FollowUp, chronology: list[FollowUp]) -> bool:
    """Whether anybody was reached after a report."""
    later = (each.event for each in chronology if each.position > report.position)
    return any(isinstance(event, ContactLogged) and event.reached for event in later)


def _decided(report: FollowUp, event: AbsenceReported, marks: dict[Session, Mark]) -> bool:
    """Whether a session of a report stands at a code other than N, or none of them is still to be decided."""
    stand = [marks.get(Session.parse(session), Mark(UNMARKED)) for session in event.sessions]
    return any(mark.code not in (UNRESOLVED, UNMARKED) for mark in stand)


def inform_duties(desk: Desk) -> list[Duty]:
    """Return the workers to tell of unexplained absence in the last school week."""
    duties: list[Duty] = []
    week = desk.school.calendar.school_days_until(desk.day, WEEK)
    for pupil in desk.pupils:
        for group in _workers(pupil, desk):
            informed = [
                on
                for on, about in _informed(desk.chronology[pupil], group)
                if about in ABOUT_ABSENCE and on <= desk.day
            ]
            if (first := _untold(pupil, week, informed, desk)) is not None:
                sentence = f"the {group} is to be told of unexplained absence since {first}"
                tells = _tell(pupil, group, "unexplained absence", desk.day)
                duties.append(Duty("inform", sentence, pupil, action=tells, urgency=Urgency.TODAY, by=desk.day))
    return duties


def _workers(pupil: str, desk: Desk) -> list[str]:
    return [group for group in desk.policy.inform_groups if group in desk.groups(pupil)]


def _informed(chronology: list[FollowUp], agency: str) -> list[tuple[date, str]]:
    events = (each.event for each in chronology)
    return [(event.on, event.about) for event in events if isinstance(event, AgencyInformed) and event.agency == agency]


def _untold(pupil: str, week: list[date], informed: list[date], desk: Desk) -> date | None:
    """Return the first day of unexplained absence in a week that nobody was told of since then, or since its run
    began."""
    ladder, word = desk.ladders[pupil], heard(desk.chronology[pupil], desk.day)
    for session, mark in sorted(desk.due_marks(pupil).items()):
        if session.day in week and _silent(session, mark, word, desk):
            in_run = ladder.first_day is not None and session.day >= ladder.first_day
            first = ladder.first_day if in_run else session.day
            if first is not None and not any(day >= first for day in informed):
                return first
    return None


def _silent(session: Session, mark: Mark, word: Word, desk: Desk) -> bool:
    calendar = desk.school.calendar
    return mark.code in UNEXPLAINED and calendar.is_session(session) and not word.covers(session, calendar)
