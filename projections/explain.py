"""Why an answer is what it is: a proof that somebody can follow, and check, without this program.

An explanation holds everything that its verdict rests on: the rules with their paragraphs, every session of the time it
is about with the code that stands there and what that code counts as, the notices, the days on roll, and every entry
that was ever amended, with each event's position. Whoever distrusts the kernels can count again from it.

It also says the other things that people ask: why not (what counted once and was amended, by whom and why), how far
away the other verdict is (the fewest entries that would have to read differently), since when the verdict has been true
of the days asked about, and since when the ledger has known it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date, timedelta
from functools import partial

from ledger.case import Notice
from ledger.codes import CodeTable
from ledger.errors import Misconfigured
from ledger.policy import Policy
from ledger.received import received_marks, standing_records
from ledger.sessions import Session, school_year
from projections.frames import UNREADABLE, Entries, first_session, last_session, symbol_of
from projections.proof import (
    Explanation,
    Flip,
    Line,
    NoticeProof,
    SessionProof,
    crossing,
    lines_of,
    policy_of,
    proved,
    rules,
    session_numbers,
    shared,
    since,
    versions_of,
)
from projections.questions import Answers, Moment

# The settings that each question rests on.
PENALTY_RULES = (
    "penalty_codes",
    "penalty_threshold",
    "penalty_weeks",
    "recount_noticed_sessions",
    "notices_limit",
    "notices_years",
    "notices_from",
)
ABSENCE_RULES = ("persistent_percent", "severe_percent", "at_risk_percent")
LONGEST_BACK = 800  # days that a verdict is followed back


def explain_penalty(answers: Answers, moment: Moment, pupil: str) -> Explanation:
    """Return why the pupil's penalty window is what it is. Raises Misconfigured where there is no policy yet."""
    policy = policy_of(moment)
    calendar = moment.school.calendar
    weeks = calendar.school_weeks(moment.as_of, policy.penalty_weeks)
    until = last_session(moment.as_of)
    inside = {monday + timedelta(days=offset) for monday in weeks for offset in range(7)}
    years = sorted({school_year(day) for day in inside}) or [school_year(moment.as_of)]
    versions = versions_of(answers, pupil, years)
    standing = _standing(moment, pupil)
    elsewhere = _elsewhere(moment, pupil, moment.position)
    noticed = set() if policy.recount_noticed_sessions else {s.number for n in standing for s in n.sessions}

    def judged(line: Line) -> tuple[str, str]:
        return _judge_penalty(line, moment, pupil, policy, noticed)

    days = {number for number in session_numbers(moment, years) if number <= until}
    marked = [line for line in lines_of(versions, moment, days) if line.number not in elsewhere]
    lines = [line for line in sorted([*marked, *elsewhere.values()]) if Session.from_number(line.number).day in inside]
    proofs = [proved(line, *judged(line)) for line in lines if line.number <= until]
    counted = [proof for proof in proofs if proof.counts_as == "penalty"]
    threshold = policy.penalty_threshold
    met = len(counted) >= threshold
    counts_then = _could_count(versions, moment, pupil, policy, noticed, inside, until)
    return Explanation(
        **answers.header(moment, pupil),
        question="penalty",
        verdicts={"met": met},
        counts={"penalty": len(counted)},
        met_on=counted[threshold - 1].session if met else None,
        stated=rules(policy, PENALTY_RULES),
        weeks=[monday.isoformat() for monday in weeks],
        notices=[
            NoticeProof(
                notice=notice.notice,
                parent=notice.parent,
                issued_on=notice.issued_on.isoformat(),
                sessions=sorted(map(str, notice.sessions)),
            )
            for notice in standing
        ],
        flips=[_penalty_flip(moment, pupil, noticed, threshold, proofs)],
        since=[
            since(
                answers,
                moment,
                "met",
                met,
                _penalty_day(moment, [*marked, *elsewhere.values()], policy, pupil, noticed),
                crossing(counts_then, moment.position, lambda count, _: count >= threshold, met),
            )
        ],
        **shared(answers, moment, pupil, proofs, lambda code: code in policy.penalty_codes),
    )


def explain_absence(answers: Answers, moment: Moment, pupil: str) -> Explanation:
    """Return why the pupil is in a cohort of absence or in none. Raises Misconfigured where no school year has
    begun."""
    policy = policy_of(moment)
    year = moment.school.calendar.year_begun_by(moment.as_of)
    if year is None:
        raise Misconfigured(f"no school year had begun by {moment.as_of}")
    until = last_session(moment.as_of)
    versions = versions_of(answers, pupil, [year])
    days = {number for number in moment.school.calendar.session_numbers(year) if number <= until}
    lines = [line for line in lines_of(versions, moment, days) if line.number <= until]
    proofs = [proved(line, *judge_absence(line, moment, pupil)) for line in lines]
    counts = {kind: sum(proof.counts_as == kind for proof in proofs) for kind in COUNTED}
    if not counts[COUNTED[-1]]:
        del counts[COUNTED[-1]]
    absent = counts["authorised"] + counts["unauthorised"]
    possible = absent + counts["attended"]
    limits = {"persistent": policy.persistent_percent, "severe": policy.severe_percent}
    verdicts = {name: _reaches(absent, possible, limit) for name, limit in limits.items()}
    verdicts["at_risk"] = _reaches(absent, possible, policy.at_risk_percent) and not verdicts["persistent"]
    on_roll = {line.number for line in lines if moment.school.on_roll(pupil, Session.from_number(line.number).day)}
    return Explanation(
        **answers.header(moment, pupil),
        question="absence",
        verdicts=verdicts,
        counts={**counts, "possible": possible, "absent": absent},
        met_on=None,
        stated=rules(policy, ABSENCE_RULES),
        weeks=[],
        notices=[],
        flips=[_absence_flip(name, absent, possible, limit, proofs) for name, limit in limits.items()],
        since=[
            since(
                answers,
                moment,
                name,
                verdicts[name],
                _absence_day(proofs, limit, verdicts[name]),
                _absence_crossing(versions, moment, on_roll, until, limit, verdicts[name]),
            )
            for name, limit in limits.items()
        ],
        **shared(answers, moment, pupil, proofs, partial(_absent, policy.codes)),
    )


COUNTED = ("attended", "authorised", "unauthorised", "not possible", "missing", "not on roll", "unreadable")


# --- penalty windows ------------------------------------------------------------------------------------------------


def _standing(moment: Moment, pupil: str) -> list[Notice]:
    notices = moment.school.notices_about(pupil)
    return [notice for notice in notices if not notice.withdrawn and notice.issued_on <= moment.as_of]


def _elsewhere(moment: Moment, pupil: str, position: int) -> dict[int, Line]:
    """Return what the records of former schools that stood at a position say of the days on which the pupil was not on
    roll here, by session."""
    records = standing_records(moment.school.received.get(pupil, ()), position)
    here = moment.school.pupils[pupil]
    return {
        mark.session.number: Line(mark.session.number, mark.code, mark.position, mark.school)
        for mark in received_marks(records, date.min, moment.as_of)
        if not here.on_roll(mark.session.day)
    }


def _judge_penalty(line: Line, moment: Moment, pupil: str, policy: Policy, noticed: set[int]) -> tuple[str, str]:
    """Return what a session counts as to a penalty window, and why."""
    if not line.code:
        return "nothing", "no mark stands here"
    if line.code == symbol_of(UNREADABLE):
        return "unreadable", "an event of this entry cannot be read by this release"
    if line.code not in policy.penalty_codes:
        return "nothing", f"{line.code} is none of the codes counted"
    said = f"{line.code} is counted, as the record of school {line.school} has it" if line.school else ""
    session = Session.from_number(line.number)
    kept = _eligible(session, moment, pupil, noticed, elsewhere=bool(line.school))
    return kept or ("penalty", said or f"{line.code} is counted")


def _eligible(
    session: Session, moment: Moment, pupil: str, noticed: set[int], *, elsewhere: bool
) -> tuple[str, str] | None:
    """Return what keeps a session from counting, whatever its code; None where nothing does."""
    if not elsewhere and not moment.school.on_roll(pupil, session.day):
        return "nothing", "the pupil was not on roll"
    if not moment.school.pupils[pupil].of_school_age(session.day):
        return "nothing", "the pupil was not of compulsory school age"
    if session.number in noticed:
        return "noticed", "a standing notice names this session already"
    return None


def _could_count(
    versions: Entries,
    moment: Moment,
    pupil: str,
    policy: Policy,
    noticed: set[int],
    inside: set[date],
    until: int,
) -> list[tuple[int, int, int]]:
    """Return at which positions the window's count went up or down."""
    changes: list[tuple[int, int, int]] = []
    for number, code, begins, ends in zip(*versions[2:], strict=True):
        line = Line(int(number), symbol_of(code), int(begins))
        in_window = number <= until and Session.from_number(line.number).day in inside
        if in_window and _judge_penalty(line, moment, pupil, policy, noticed)[0] == "penalty":
            changes += [(int(begins), 1, 0), (int(ends), -1, 0)]
    before = 0
    for record in moment.school.received.get(pupil, ()):
        lines = _elsewhere(moment, pupil, record.position).values()
        within = [line for line in lines if Session.from_number(line.number).day in inside]
        count = sum(_judge_penalty(line, moment, pupil, policy, noticed)[0] == "penalty" for line in within)
        changes.append((record.position, count - before, 0))
        before = count
    return changes


def _penalty_flip(moment: Moment, pupil: str, noticed: set[int], threshold: int, proofs: list[SessionProof]) -> Flip:
    counted = [proof.session for proof in proofs if proof.counts_as == "penalty"]
    if (count := len(counted)) >= threshold:
        return Flip(verdict="met", to=False, entries=count - threshold + 1, change="read otherwise", among=counted)
    codes = moment.codes
    absent = [proof for proof in proofs if proof.counts_as == "nothing" and _absent(codes, proof.code)]
    could = [
        proof.session
        for proof in absent
        if _eligible(Session.parse(proof.session), moment, pupil, noticed, elsewhere=bool(proof.school)) is None
    ]
    return Flip(verdict="met", to=True, entries=threshold - count, change="read as a code that counts", among=could)


def _absent(codes: CodeTable, symbol: str | None) -> bool:
    known = codes.by_symbol(symbol or "")
    return known is not None and known.absent


def _penalty_day(moment: Moment, lines: list[Line], policy: Policy, pupil: str, noticed: set[int]) -> date | None:
    """Return the first day of the unbroken run of days, up to the one asked about, with the same verdict."""
    counting = sorted(
        line.number for line in lines if _judge_penalty(line, moment, pupil, policy, noticed)[0] == "penalty"
    )

    def met(day: date) -> bool:
        until = bisect_right(counting, last_session(day))
        if until < policy.penalty_threshold:
            return False
        weeks = moment.school.calendar.school_weeks(day, policy.penalty_weeks)
        # The weeks run on without a gap that a session could fall into.
        first = bisect_left(counting, first_session(weeks[0])) if weeks else until
        return until - first >= policy.penalty_threshold

    verdict, day = met(moment.as_of), moment.as_of
    for _ in range(LONGEST_BACK):
        if met(day - timedelta(days=1)) != verdict:
            return day
        day -= timedelta(days=1)
    return None


# --- absence --------------------------------------------------------------------------------------------------------


def judge_absence(line: Line, moment: Moment, pupil: str) -> tuple[str, str]:
    """Return what a session counts as in the year to date, and why."""
    session = Session.from_number(line.number)
    if not moment.school.on_roll(pupil, session.day):
        return "not on roll", "the pupil was not on roll"
    if not line.code:
        if moment.school.calendar.closes(session) <= moment.known_at:
            return "missing", "registration closed and no mark stands here"
        return "not possible", "registration had not closed"
    if line.code == symbol_of(UNREADABLE):
        return "unreadable", "an event of this entry cannot be read by this release"
    code = moment.codes.by_symbol(line.code)
    assert code is not None, line.code
    if code.attended:
        return "attended", f"{code.symbol}: {code.name}"
    if code.absent:
        return "authorised" if code.authorised else "unauthorised", f"{code.symbol}: {code.name}"
    return "not possible", f"{code.symbol}: {code.name}"


def _reaches(absent: int, possible: int, limit: int) -> bool:
    return possible > 0 and 100 * absent >= limit * possible


def _absence_flip(name: str, absent: int, possible: int, limit: int, proofs: list[SessionProof]) -> Flip:
    """Return how few entries, attended for absent or the other way round, would turn a cohort's verdict."""
    reached = _reaches(absent, possible, limit)
    needed = -(-limit * possible // 100)  # the fewest absent sessions that reach the limit, of so many possible
    kinds = ("authorised", "unauthorised") if reached else ("attended",)
    return Flip(
        verdict=name,
        to=not reached,
        entries=absent - needed + 1 if reached else needed - absent if possible else 1,
        change="read as attended" if reached else "read as absent",
        among=[proof.session for proof in proofs if proof.counts_as in kinds],
    )


def _absence_day(proofs: list[SessionProof], limit: int, verdict: bool) -> date | None:
    """Return the first day of the unbroken run of days, up to the one asked about, with the same verdict."""
    by_day: dict[date, tuple[int, int]] = {}
    absent = possible = 0
    for proof in proofs:
        absent += proof.counts_as in ("authorised", "unauthorised")
        possible += proof.counts_as in ("authorised", "unauthorised", "attended")
        by_day[Session.parse(proof.session).day] = absent, possible
    since: date | None = None
    for day in sorted(by_day, reverse=True):
        if _reaches(*by_day[day], limit) != verdict:
            break
        since = day
    return since


def _absence_crossing(
    versions: Entries, moment: Moment, on_roll: set[int], until: int, limit: int, verdict: bool
) -> int | None:
    """Return the position at which the verdict last became what it is, roll and calendar being as known now."""
    codes = moment.codes
    changes: list[tuple[int, int, int]] = []
    for number, code, begins, ends in zip(*versions[2:], strict=True):
        known = codes.by_symbol(symbol_of(code))
        if known and int(number) in on_roll and number <= until and (known.absent or known.attended):
            changes += [(int(begins), int(known.absent), 1), (int(ends), -int(known.absent), -1)]
    return crossing(changes, moment.position, lambda absent, possible: _reaches(absent, possible, limit), verdict)
