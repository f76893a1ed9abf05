"""Evidence: what the ledger says about one pupil's attendance over a time, and every event that it rests on.

The answer has two sides that must agree. `Evidence` is what people read: particulars, register, totals, chronology,
verdicts, policy. `Basis` is what a stranger checks it with: the stored rows themselves, and for each sealed text the
key that opens just that text. Everything is as known at one position, so what is recorded later changes nothing; a case
pins that position when it is referred, or when its notice is issued.

Nothing of any other child belongs here. All rows are the pupil's own, or the school's that name no other: a closure
that names another pupil is left out, and the evidence says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from ledger import wire
from ledger.codes import CodeTable
from ledger.errors import Misconfigured, Refused
from ledger.events import AnyEvent, ClosureDeclared, NoticeIssued, PenaltyReferred, RoleNamed
from ledger.pins import digest_of, pupil_lines, seen_by
from ledger.seal import BrokenSeal
from ledger.sessions import Session, format_moment, from_micros, school_year
from ledger.store import Row
from ledger.streams import SCHOOL, Owner, owner_of, roll_stream, year_stream
from projections.asking.questions import Answers, Moment, StatedContact
from projections.audit.blockers import blockers
from projections.audit.explain import COUNTED, explain_absence, explain_penalty
from projections.audit.proof import Rule
from projections.audit.record import RecordLine, record
from projections.audit.testimony import (
    About,
    ChronologyLine,
    CodeKey,
    Evidence,
    IssuedNotice,
    Parent,
    Pin,
    Total,
    Withheld,
)

# The school's own events that a verdict rests on; closures are told apart, because they may name pupils.
SCHOOL_TOPICS = ("school.SchoolOpened", "school.PolicyAdopted", "school.SchoolYearOpened", "school.CalendarAmended")
CLOSURE = "school.ClosureDeclared"
HEAD = "headteacher"  # the role whose holder signs
CHRONOLOGY = ("follow-up", "leave", "notice")  # kinds of events that make the chronology
CLOCKS = ("register.RegisterTaken", "register.RegisterClosed")  # frequent events that name no child
NEAR = 1_000  # positions in which such an event is looked for
EARLIER = 20  # school years before the first that is needed


class Basis(NamedTuple):
    """The stored rows that evidence rests on, in order of position; for each text that it opens the key of just that
    text; and whose rows of which years are all there."""

    rows: list[Row]
    keys: dict[int, bytes]
    owners: list[Owner]


def pinned(answers: Answers, moment: Moment, pupil: str, name: str) -> tuple[Moment, Pin]:
    """Return the moment that a case fixed, and the event that did: its latest referral known at the moment, or else its
    notice.

    Raises Refused for a case there is not, Misconfigured for one that came to neither, BrokenSeal where the pupil's
    events are not those that were seen then.
    """
    case = moment.school.cases.get(pupil, {}).get(name)
    if case is None:
        raise Refused("not_considered", field="--case", value=name)
    place: int
    event: PenaltyReferred | NoticeIssued
    if case.referred:
        place, event = case.referred[-1]
        on = case.referred[-1][1].referred_on
    elif case.issued:
        place, event = case.issued
        on = case.issued[1].issued_on
    else:
        raise Misconfigured(f"the case {name} was neither referred nor came to a notice, so nothing fixed its evidence")
    seen = seen_by(event, place)
    lines = pupil_lines(answers.ledger.reads.prefix_rows(f"{pupil}/"), seen) if event.digest else []
    if event.digest and digest_of(lines) != event.digest:
        raise BrokenSeal(f"the events of {pupil} up to position {seen} are not those on which {name} was decided")
    pin = Pin(
        name=name,
        event=type(event).__name__,
        position=place,
        parent=event.parent,
        on=on.isoformat(),
        sessions=list(event.sessions),
        digest=event.digest,
        lines=lines,
        withdrawn=_line_at(answers, case.withdrawn[0]) if case.withdrawn else None,
    )
    at = answers.moment_at(seen, on)
    if event.policy:
        at = at._replace(in_force=at.school.policy_decided_by(event.policy, event.rules, on))
    return at, pin


def period_of(moment: Moment, pin: Pin | None) -> tuple[date, date]:
    """Return the days that evidence is about unless somebody says otherwise: of a case the school weeks of its penalty
    window and every session it names, else the year to date."""
    if pin is not None:
        weeks = moment.school.calendar.school_weeks(moment.as_of, moment.policy.penalty_weeks)
        named = [Session.parse(session).day for session in pin.sessions]
        return min([*weeks, *named, moment.as_of]), moment.as_of
    year = moment.school.calendar.year_begun_by(moment.as_of)
    if year is None:
        raise Misconfigured(f"no school year had begun by {moment.as_of}")
    return moment.school.years[year].first_day, moment.as_of


def evidence(
    answers: Answers, moment: Moment, pupil: str, first: date, last: date, pin: Pin | None = None
) -> tuple[Evidence, Basis]:
    """Return the evidence about a pupil from one day to another, both inclusive, and the rows that it rests on."""
    penalty, absence = explain_penalty(answers, moment, pupil), explain_absence(answers, moment, pupil)
    days = [first, last, moment.as_of, *map(date.fromisoformat, penalty.weeks)]
    begun = moment.school.calendar.year_begun_by(moment.as_of)
    years = list(range(min([*map(school_year, days), begun or 9999]), max(map(school_year, days)) + 1))
    rows, left_out = _rows(answers, moment, pupil, years, pin)
    # The rows are decoded one by one: whatever cannot be read here is a blocker and no reason to stop.
    opened = dict(answers.opened(rows))
    keys, unreadable, withheld = _keys(answers, moment, pupil, rows, opened)
    lines = record(answers, moment, pupil, first, last)
    standing = blockers(moment, pupil, lines, first, last, unreadable)
    known = answers.particulars(moment, [pupil])[pupil]
    here = moment.school.pupils[pupil]
    school = moment.school.opened
    assert school is not None, "a pupil without a school"
    contacts = {contact["id"]: contact for contact in known.contacts}
    heads = moment.school.holders(HEAD, moment.as_of)
    policy = moment.policy
    testimony = Evidence(
        **moment.header(pupil),
        first_day=first.isoformat(),
        last_day=last.isoformat(),
        years=years,
        blockers=[finding.plain("rule", "sentence", "session", "position") for finding in standing],
        case=pin,
        school={"urn": school.urn, "name": school.name, "la": school.la, "estab": school.estab},
        head=heads[0].name if heads else "",
        about=About(
            **{name: getattr(known, name) for name in ("name", "upn", "born", "sex")},
            year_group=here.placement(last).year_group,
            class_name=here.placement(last).class_name,
            spells=[(s.first.isoformat(), s.last.isoformat() if s.last else None) for s in here.spells],
            school_age=(here.school_age[0].isoformat(), here.school_age[1].isoformat()),
            parents=[_parent(each, contacts.get(each, {})) for each in here.parents],
        ),
        certificate=certificate(lines),
        totals=_totals(lines, policy.codes),
        register=lines,
        codes=_codes(lines, policy.codes),
        chronology=[_line(row, opened[row]) for row in rows if _in_chronology(row, moment) and row in opened],
        notices=_notices(answers, moment, pupil),
        penalty=penalty,
        absence=absence,
        settings=[
            Rule(setting=name.replace(".", "_"), value=setting.value, source=setting.source)
            for name, setting in policy.settings.items()
        ],
        withheld=sorted([*left_out, *withheld], key=lambda each: each.position),
    )
    owners = [Owner(pupil, 0), *(Owner(pupil, year) for year in years)]
    return testimony, Basis(rows, keys, owners)


def certificate(lines: Sequence[RecordLine]) -> dict[str, int]:
    """Return the sessions of a time by what they count as: possible is attended and absent."""
    counts = {kind.replace(" ", "_"): sum(line.counts_as == kind for line in lines) for kind in COUNTED}
    if counts.pop("unreadable"):
        raise Misconfigured("an entry of this pupil cannot be read by this release, so no evidence can be made of it")
    absent = counts["authorised"] + counts["unauthorised"]
    return {"possible": counts["attended"] + absent, "absent": absent, **counts}


# --- the rows -------------------------------------------------------------------------------------------------------


def later_rows(answers: Answers, basis: Basis, until: int) -> list[Row]:
    """Return the rows of the same owners that are not in the basis, up to a position, in order."""
    known = {row.position for row in basis.rows}
    mine = answers.ledger.reads.prefix_rows(f"{basis.owners[0].name}/")
    hidden = [
        row
        for row in mine
        if row.position <= until and row.position not in known and owner_of(row.stream) in basis.owners
    ]
    return sorted(hidden, key=lambda row: row.position)


def witnesses(answers: Answers, moment: Moment, basis: Basis, until: int) -> list[Row]:
    """Return what shows a stranger when the moment was, and which school years the calendar has: of the school's rows
    that name no child the nearest at its position or before it, and the nearest after it; and the first row of each
    school year that was opened after it, the latest of `basis` or before. None is later than `until`."""
    at, years = moment.position, [owner.year for owner in basis.owners if owner.year]
    reads, near_by = answers.ledger.reads, list[Row]()
    shown = {row.position for row in basis.rows}
    if at not in shown:
        near = [row for row in reads.rows(max(at - NEAR, 0), NEAR, at) if row.topic in CLOCKS]
        near_by += near[-1:]
    if at < until:
        near_by += [row for row in reads.rows(at, NEAR, until) if row.topic in CLOCKS][:1]
    streams = [year_stream(year) for year in range(min(years) - EARLIER, max(years) + 1)]
    near_by += [row for row in reads.stream_rows(streams) if row.version == 1 and at < row.position <= until]
    return sorted({row.position: row for row in near_by if row.position not in shown}.values())


def _rows(
    answers: Answers, moment: Moment, pupil: str, years: Sequence[int], pin: Pin | None
) -> tuple[list[Row], list[Withheld]]:
    """Return the rows that evidence rests on, and what is left out of the school's because it names other pupils."""
    pinned_at = {pin.position, pin.withdrawn.position if pin.withdrawn else 0} if pin else set()
    wanted = {0, *years}
    rows = [
        row
        for row in answers.ledger.reads.prefix_rows(f"{pupil}/")
        if owner_of(row.stream).year in wanted and (row.position <= moment.position or row.position in pinned_at)
    ]
    left_out: list[Withheld] = []
    streams = {SCHOOL, *map(year_stream, years)}
    for row in answers.ledger.reads.reference_rows(0, moment.position):
        if row.stream in streams and (row.topic in SCHOOL_TOPICS or _names_head(row)):
            rows.append(row)
        elif row.stream in streams and row.topic == CLOSURE:
            closure = _readable(row)
            if closure is None or set(closure.pupils) - {pupil}:
                left_out.append(Withheld(position=row.position, why="a closure that names other pupils: left out"))
            elif _reaches(closure, moment, pupil):
                rows.append(row)
    return sorted(rows, key=lambda row: row.position), left_out


def _names_head(row: Row) -> bool:
    if row.topic != "school.RoleNamed":
        return False
    try:
        event = wire.decode(row.state)
    except wire.Undecodable:
        return False
    return isinstance(event, RoleNamed) and event.role == HEAD


def _readable(row: Row) -> ClosureDeclared | None:
    try:
        event = wire.decode(row.state)
    except wire.Undecodable:
        return None
    return event if isinstance(event, ClosureDeclared) else None


def _keys(
    answers: Answers, moment: Moment, pupil: str, rows: Sequence[Row], opened: dict[Row, AnyEvent]
) -> tuple[dict[int, bytes], list[int], list[Withheld]]:
    """Return the keys of the texts that are opened, the positions that cannot be read, and the texts that stay
    sealed because the evidence does not rest on them."""
    held = answers.keys_of(row.stream for row in rows)
    keys: dict[int, bytes] = {}
    unreadable: list[int] = []
    withheld: list[Withheld] = []
    for row in rows:
        if row not in opened:
            unreadable.append(row.position)
        elif wire.holds_sealed(row.state):
            if not _opens(row, moment, pupil, opened[row]):
                withheld.append(Withheld(position=row.position, why="the evidence does not rest on its words: sealed"))
            elif opened[row].sealed:
                unreadable.append(row.position)
                withheld.append(Withheld(position=row.position, why="its key is gone, so nobody can read it: sealed"))
            else:
                key = held.get(owner_of(row.stream))
                assert key is not None, "opened without a key"
                keys[row.position] = wire.event_key(key, row.stream, row.version)
    return keys, unreadable, withheld


def _opens(row: Row, moment: Moment, pupil: str, event: AnyEvent) -> bool:
    """Return whether evidence quotes the text of a row: of the roll only particulars and contacts that stand, of the
    school only closures."""
    if row.stream == roll_stream(pupil):
        known = moment.school.pupils[pupil]
        return row.version in {known.admitted_version, known.contacts_version, *known.particulars_versions}
    if owner_of(row.stream).name == SCHOOL:
        return isinstance(event, ClosureDeclared)
    return True


def _reaches(closure: ClosureDeclared, moment: Moment, pupil: str) -> bool:
    if not closure.classes and not closure.pupils:
        return True
    days = {Session.parse(session).day for session in closure.sessions}
    classes = {moment.school.pupils[pupil].placement(day).class_name for day in days}
    return pupil in closure.pupils or bool(classes & set(closure.classes))


# --- what is told ---------------------------------------------------------------------------------------------------


def _in_chronology(row: Row, moment: Moment) -> bool:
    """Return whether a row belongs in the chronology. The event that pinned a case came after it."""
    return row.position <= moment.position and (row.topic.partition(".")[0] in CHRONOLOGY or row.topic == CLOSURE)


def _line(row: Row, event: AnyEvent) -> ChronologyLine:
    """Return an event as it is stored, its text put back where it can be read."""
    stored: dict[str, object] = msgspec.json.decode(row.state)
    stored.pop("x", None)
    text = {name: value for name in event.private if (value := getattr(event, name))}
    return ChronologyLine(
        position=row.position,
        stream=row.stream,
        recorded_at=format_moment(from_micros(row.recorded_at)),
        event={**stored, **msgspec.to_builtins(text)},
    )


def _line_at(answers: Answers, position: int) -> ChronologyLine:
    (row,) = answers.ledger.reads.rows_at([position])
    return _line(row, dict(answers.opened([row]))[row])


def _notices(answers: Answers, moment: Moment, pupil: str) -> list[IssuedNotice]:
    cases = moment.school.cases.get(pupil, {}).values()
    issued = sorted((case.issued, case) for case in cases if case.issued)
    recorded = answers.recorded_at([case.withdrawn[0] for _, case in issued if case.withdrawn])
    return [
        IssuedNotice(
            notice=case.name,
            parent=event.parent,
            issued_on=event.issued_on.isoformat(),
            sessions=sorted(event.sessions),
            position=position,
            withdrawn_at=recorded[case.withdrawn[0]] if case.withdrawn else None,
        )
        for (position, event), case in issued
    ]


def _parent(number: str, contact: StatedContact) -> Parent:
    return Parent(id=number, name=contact.get("name", ""), relationship=contact.get("relationship", ""))


def _totals(lines: Iterable[RecordLine], table: CodeTable) -> list[Total]:
    """Return the sessions behind each count, by what they count as and by code, in the order of both."""
    totals: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        totals.setdefault((line.counts_as, line.code or ""), []).append(line.session)
    return [
        Total(counts_as=kind, code=code or None, name=_name(code, table) or "no mark", sessions=sessions)
        for (kind, code), sessions in sorted(totals.items(), key=lambda each: _order(each[0][0], each[0][1], table))
    ]


def _order(kind: str, symbol: str, table: CodeTable) -> tuple[int, int]:
    code = table.by_symbol(symbol)
    return COUNTED.index(kind), code.id if code else -1


def _codes(lines: Iterable[RecordLine], table: CodeTable) -> list[CodeKey]:
    """Return the key of the codes that stand or stood in the register, as they are in force."""
    used = {mark.code for line in lines for mark in line.entries}
    known = [code for symbol in used if (code := table.by_symbol(symbol)) is not None]
    return [
        CodeKey(
            code=code.symbol,
            name=code.name,
            counts_as=code.counts_as,
            in_force_from=code.in_force_from.isoformat() if code.in_force_from else None,
            in_force_until=code.in_force_until.isoformat() if code.in_force_until else None,
        )
        for code in sorted(known, key=lambda code: code.id)
    ]


def _name(symbol: str, table: CodeTable) -> str:
    code = table.by_symbol(symbol)
    return code.name if code else ""
