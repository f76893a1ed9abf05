"""What the referral form prints: the answer of the linter with the particulars opened, the register of the window with
every amendment, the case so far, and the chronology line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from ledger.codes import CodeTable
from ledger.people import signature
from ledger.school import School
from ledger.sessions import LONDON, Half, Session, parse_moment
from projections.asking.questions import Moment, Particulars, StatedContact
from projections.penalties.ladder_answers import ParentLadder
from projections.penalties.referral import Referral, ReferralAnswer
from projections.records.event_words import follow_up_words
from projections.records.known_event import FollowUp
from projections.records.leaves import LeaveRequestAnswer
from projections.records.registers import EntryAnswer

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")
Rows = list[list[str]]


def referral_facts(
    referral: Referral, ladder: ParentLadder, known: Particulars, moment: Moment, *, draft: bool
) -> dict[str, object]:
    """Return the facts of the template `referral`."""
    answer, school, codes = referral.answer, moment.school, moment.codes
    assert school.opened is not None
    placed = school.pupils[answer.pupil].placement(moment.as_of)
    referred = [contact for contact in known.contacts if contact.get("id") == answer.parent]
    others = [contact for contact in known.contacts if contact.get("id") != answer.parent]
    return {
        "draft": draft,
        "school_rows": [
            ["School", school.opened.name],
            ["URN, authority and establishment", f"{school.opened.urn}, {school.opened.la}/{school.opened.estab}"],
            ["Case", answer.case or "not named yet"],
            ["Route", answer.route or "not considered yet"],
        ],
        "pupil_rows": [
            ["Name", known.name],
            ["Born", known.born],
            ["Sex", known.sex],
            ["UPN", known.upn],
            ["Admission number", answer.pupil],
            ["Year group and class", f"{placed.year_group}, {placed.class_name}"],
            ["Address", known.address],
            ["Groups", ", ".join(known.groups)],
        ],
        "parents": [_parent(each, known, "referred") for each in referred] + [_parent(e, known, "") for e in others],
        "window": f"{answer.count} of {answer.threshold} sessions in the {len(answer.weeks)} school weeks from that of "
        f"{answer.weeks[0]} to that of {answer.weeks[-1]}, as of {answer.window_as_of}"
        if answer.weeks
        else "no school weeks",
        "met_on": answer.met_on or "not met",
        "notices": _notices(ladder),
        "sessions": _sessions(referral, codes),
        "grid": _grid(referral, school),
        "key": _key(referral.entries, codes),
        "amendments": _amendments(referral.entries),
        "absence": _absence(answer),
        "case_rows": list(_case_rows(ladder, answer.case)),
        "leave": [_leave(request) for request in referral.leave.requests],
        "chronology": [_follow_up(each, known) for each in sorted(referral.chronology, key=_day)],
        "problems": [[each.check.replace("_", " "), each.sentence] for each in (*answer.blockers, *answer.findings)],
        "certified": f"{known.name}, {answer.pupil}",
    }


def _parent(contact: StatedContact, known: Particulars, which: str) -> list[str]:
    at_home = known.address if contact.get("lives_with") else ""
    home = contact.get("address") or at_home
    reach = ", ".join(filter(None, (contact.get("phone"), contact.get("email"))))
    lives = "yes" if contact.get("lives_with") else "no"
    return [which, contact.get("name", ""), contact.get("relationship", ""), lives, home, reach]


def _notices(ladder: ParentLadder) -> str:
    if not ladder.notices_in_three_years:
        return "none in three years"
    return f"{ladder.notices_in_three_years} in three years, the first counting until {ladder.runs_out_on}"


# --- the register ---------------------------------------------------------------------------------------------------


def _sessions(referral: Referral, codes: CodeTable) -> Rows:
    """Return the sessions that count, each with what it said first and why it says what it does."""
    entries = {entry.session: entry.entries for entry in referral.entries}
    rows = []
    for each in referral.answer.sessions:
        code = codes.by_symbol(each.code)
        if each.school:
            source = (_london(each.recorded_at), f"school {each.school}", "as its signed record has it")
            rows.append([each.session, "", each.code, code.name if code else "", *source])
            continue
        marks = entries[each.session]
        last = marks[-1]
        why = last.reason or last.cites
        signed = signature(last.by) if last.by.name else "unknown"
        original = marks[0].code if len(marks) > 1 else ""
        rows.append(
            [each.session, original, each.code, code.name if code else "", _london(each.recorded_at), signed, why]
        )
    return rows


def _grid(referral: Referral, school: School) -> Rows:
    """Return the weeks as rows and their sessions as columns: the code, `N>O` where amended, blank where no session."""
    codes = {entry.session: ">".join(mark.code for mark in entry.entries) for entry in referral.entries}
    rows = []
    for monday in referral.answer.weeks:
        days = [monday + timedelta(days=offset) for offset in range(len(DAYS))]
        sessions = [Session(day, half) for day in days for half in Half]
        rows.append([str(monday), *(_cell(session, codes, school, referral) for session in sessions)])
    return rows


def _cell(session: Session, codes: dict[Session, str], school: School, referral: Referral) -> str:
    if session in codes:
        return codes[session]
    ahead = session.day > date.fromisoformat(referral.answer.window_as_of)
    return "" if ahead or not school.calendar.is_session(session) else "none"


def _key(entries: Iterable[EntryAnswer], table: CodeTable) -> Rows:
    """Return what each code in the register of these weeks means."""
    codes = {mark.code for entry in entries for mark in entry.entries}
    return [[symbol, code.name] for symbol in sorted(codes) if (code := table.by_symbol(symbol))]


def _amendments(entries: Iterable[EntryAnswer]) -> Rows:
    """Return everything that amended entries ever said, oldest first."""
    return [
        [
            entry.session if place == 0 else "",
            "amended" if place else "original",
            mark.code,
            _london(mark.recorded_at),
            signature(mark.by) if mark.by.name else "unknown",
            mark.reason or mark.cites,
        ]
        for entry in entries
        if len(entry.entries) > 1
        for place, mark in enumerate(entry.entries)
    ]


def _absence(answer: ReferralAnswer) -> list[str]:
    if answer.absence is None:
        return ["–"] * 5
    counts = answer.absence
    return [str(n) for n in (counts.possible, counts.attended, counts.authorised, counts.unauthorised, counts.missing)]


def _london(moment: str) -> str:
    return f"{parse_moment(moment).astimezone(LONDON):%Y-%m-%d %H:%M}"


# --- the case and the chronology ------------------------------------------------------------------------------------


def _case_rows(ladder: ParentLadder, name: str | None) -> Iterator[list[str]]:
    """Yield what was considered and required in the case that is referred, oldest first."""
    for case in (case for case in ladder.cases if case.case == name):
        for each in case.considered:
            saw = f"{each.count} sessions were counted at position {each.seen}"
            decided = f"{each.route}: {each.decision}" + (f" ({each.instead})" if each.instead else "")
            yield [str(each.on), "considered", f"{decided}, by {each.by}. {saw}. {each.reasons}"]
        if (test := case.improvement) is not None:
            term = f"until {test.ends_on}, at most {test.at_most} sessions; {test.count} counted: {test.state}"
            yield [str(test.issued_on), "notice to improve", f"{term}. {test.offered} {test.improvement}".strip()]
            if test.ended_on is not None:
                yield [str(test.ended_on), "improved" if test.improved else "not improved", test.outcome]
        for made in case.referred:
            yield [str(made.on), "referred", f"{len(made.sessions)} sessions. {made.reasons}"]


def _leave(request: LeaveRequestAnswer) -> list[str]:
    decided = signature(request.decided_by) if request.decided_by else ""
    on = _london(request.decided_at) if request.decided_at else ""
    how = ("on the form" if request.on_form else "not on the form") + (
        ", in advance" if request.in_advance else ", not in advance"
    )
    return [
        request.request,
        f"{request.received_on}, {how}",
        f"{request.first} to {request.last}",
        f"{request.state} {on} {decided}".strip(),
        request.reason,
    ]


def _day(each: FollowUp) -> str:
    own = getattr(each.event, "sent_on", None) or getattr(each.event, "on", None)
    return own.isoformat() if own else f"{each.recorded_at.astimezone(LONDON):%Y-%m-%d}"


def _follow_up(each: FollowUp, known: Particulars) -> list[str]:
    what, how = follow_up_words(each.event, lambda person: _named(person, known))
    return [_day(each), what, how, signature(each.event.by)]


def _named(contact: str, known: Particulars) -> str:
    people = (*known.contacts, *known.emergency_contacts)
    return next((each["name"] for each in people if each.get("id") == contact and each.get("name")), contact)
