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

from ledger.codes import CodeTable
from ledger.errors import Misconfigured
from ledger.received import received_marks, standing_records
from ledger.sessions import Session, school_year
from projections.asking.questions import Answers, Moment
from projections.audit.proof import (
    Explanation,
    Flip,
    Line,
    NoticeProof,
    SessionProof,
    crossing,
    lines_of,
    proof_fields,
    proved,
    rules,
    session_numbers,
    since,
    versions_of,
)
from projections.figures.absence import reaches
from projections.figures.cohorts import background
from projections.figures.penalty import (
    counted_marks,
    counted_sessions,
    failing,
    fulfilling,
    issued_by,
    meets,
    received_entries,
    rule_of_notices,
    rules_of,
    window,
)
from projections.readmodel.frames import UNREADABLE, Entries, first_session, last_session, roll_of, symbol_of

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
# What a session that fails a rule counts as, and why.
KEPT_OUT = {
    "roll": ("nothing", "the pupil was not on roll"),
    "age": ("nothing", "the pupil was not of compulsory school age"),
    "notice": ("noticed", "a standing notice names this session already"),
}


def explain_penalty(answers: Answers, moment: Moment, pupil: str) -> Explanation:
    """Return why the pupil's penalty window is what it is. Raises Misconfigured where there is no policy yet."""
    policy = moment.policy
    weeks = moment.school.calendar.school_weeks(moment.as_of, policy.penalty_weeks)
    inside = {monday + timedelta(days=offset) for monday in weeks for offset in range(7)}
    years = sorted({school_year(day) for day in inside}) or [school_year(moment.as_of)]
    judged = _Window(answers, moment, pupil, weeks, versions_of(answers, pupil, years))
    until = last_session(moment.as_of)
    days = {number for number in session_numbers(moment, years) if number <= until}
    lines = [line for line in judged.lines(days) if Session.from_number(line.number).day in inside]
    proofs = [proved(line, *judged.why(line)) for line in lines if line.number <= until]
    window = judged.window
    return Explanation(
        **moment.header(pupil),
        question="penalty",
        verdicts={"met": window.met},
        counts={"penalty": window.count},
        met_on=str(window.met_on) if window.met_on else None,
        stated=rules(policy, PENALTY_RULES),
        weeks=[monday.isoformat() for monday in weeks],
        notices=[
            NoticeProof(
                notice=notice.notice,
                parent=notice.parent,
                issued_on=notice.issued_on.isoformat(),
                sessions=sorted(map(str, notice.sessions)),
            )
            for notice in judged.standing
        ],
        flips=[judged.flip(proofs)],
        since=[
            since(
                answers,
                moment,
                "met",
                window.met,
                judged.since_day(),
                crossing(judged.changes(), moment.position, lambda count, _: meets(count, policy), window.met),
            )
        ],
        **proof_fields(answers, moment, pupil, proofs, lambda code: code in policy.penalty_codes),
    )


def explain_absence(answers: Answers, moment: Moment, pupil: str) -> Explanation:
    """Return why the pupil is in a cohort of absence or in none. Raises Misconfigured where no school year has
    begun."""
    policy = moment.policy
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
        **moment.header(pupil),
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
        **proof_fields(answers, moment, pupil, proofs, partial(_absent, policy.codes)),
    )


COUNTED = ("attended", "authorised", "unauthorised", "not possible", "missing", "not on roll", "unreadable")


# --- penalty windows ------------------------------------------------------------------------------------------------


class _Window:
    """A pupil's window by the kernel, and the rules that each session of it fulfils and fails."""

    def __init__(self, answers: Answers, moment: Moment, pupil: str, weeks: list[date], versions: Entries) -> None:
        policy = moment.policy
        self._moment, self._pupil, self._policy, self._versions = moment, pupil, policy, versions
        self._roll = roll_of(moment.school, [pupil])
        known, case = versions.known_at(moment.position), background(moment, pupil, None, date.min)
        marks = counted_marks(known, self._roll, weeks, moment.as_of, {pupil: case}, policy)
        recorded = answers.recorded_at(marks.from_position.tolist())
        counted = counted_sessions(marks, recorded, case.received)[pupil]
        self.window = window(moment.header(pupil), weeks, counted, case, moment.as_of, policy)
        self.standing = issued_by(case.notices, moment.as_of)
        not_noticed = rule_of_notices(self.standing, policy)
        self._here = (*rules_of(self._roll, weeks, moment.as_of, policy), not_noticed)
        self._elsewhere = (*rules_of(self._roll, weeks, moment.as_of, policy, elsewhere=True), not_noticed)
        self._failed = dict(zip(known.session.tolist(), failing(known, self._here), strict=True))
        self._away: dict[int, Line] = {}
        received = received_entries({pupil: case.received}, self._roll)
        for mark, failed in zip(case.received, failing(received, self._elsewhere), strict=True):
            if "roll" not in failed:
                self._failed[mark.session.number] = failed
                self._away[mark.session.number] = Line(mark.session.number, mark.code, mark.position, mark.school)

    def lines(self, days: set[int]) -> list[Line]:
        """Return a line for each session of the calendar, each mark as known and each of a former school, in order."""
        marked = lines_of(self._versions, self._moment, days)
        return sorted([*(line for line in marked if line.number not in self._away), *self._away.values()])

    def why(self, line: Line) -> tuple[str, str]:
        """Return what a session of the window counts as, and why."""
        if not line.code:
            return "nothing", "no mark stands here"
        if line.code == symbol_of(UNREADABLE):
            return "unreadable", "an event of this entry cannot be read by this release"
        failed = self._failed[line.number]
        if "code" in failed:
            return "nothing", f"{line.code} is none of the codes counted"
        if failed:
            return KEPT_OUT[failed[0]]
        return "penalty", f"{line.code} is counted" + (
            f", as the record of school {line.school} has it" if line.school else ""
        )

    def flip(self, proofs: list[SessionProof]) -> Flip:
        """Return how few entries, read otherwise, would turn the verdict."""
        threshold, count = self._policy.penalty_threshold, self.window.count
        if self.window.met:
            counted = [str(each.session) for each in self.window.sessions]
            return Flip(verdict="met", to=False, entries=count - threshold + 1, change="read otherwise", among=counted)
        could = [
            proof.session
            for proof in proofs
            if _absent(self._moment.codes, proof.code)
            and self._failed.get(Session.parse(proof.session).number) == ["code"]
        ]
        return Flip(verdict="met", to=True, entries=threshold - count, change="read as a code that counts", among=could)

    def changes(self) -> list[tuple[int, int, int]]:
        """Return at which positions the window's count went up or down."""
        own = fulfilling(self._versions, self._here)
        begins, ends = own.from_position.tolist(), own.until_position.tolist()
        changes = [(place, 1, 0) for place in begins] + [(place, -1, 0) for place in ends]
        before, records = 0, self._moment.school.received.get(self._pupil, ())
        for record in records:
            standing = standing_records(records, record.position)
            marks = received_marks(standing, date.min, self._moment.as_of)
            received = received_entries({self._pupil: marks}, self._roll)
            count = len(fulfilling(received, self._elsewhere).session)
            changes.append((record.position, count - before, 0))
            before = count
        return changes

    def since_day(self) -> date | None:
        """Return the first day of the unbroken run of days, up to the one asked about, with the same verdict."""
        counting = sorted(number for number, failed in self._failed.items() if set(failed) <= {"weeks"})

        def met(day: date) -> bool:
            weeks = self._moment.school.calendar.school_weeks(day, self._policy.penalty_weeks)
            # The weeks run on without a gap that a session could fall into.
            first = bisect_left(counting, first_session(weeks[0])) if weeks else len(counting)
            return meets(bisect_right(counting, last_session(day)) - first, self._policy)

        day = self._moment.as_of
        for _ in range(LONGEST_BACK):
            if met(day - timedelta(days=1)) != self.window.met:
                return day
            day -= timedelta(days=1)
        return None


def _absent(codes: CodeTable, symbol: str | None) -> bool:
    known = codes.by_symbol(symbol or "")
    return known is not None and known.absent


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
    return code.counts_as, f"{code.symbol}: {code.name}"


def _reaches(absent: int, possible: int, limit: int) -> bool:
    return bool(reaches(absent, possible, limit))


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
