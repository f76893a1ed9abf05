"""The shell around the decisions: clock, receipts, retries, keys. Everything a door may call to change the ledger.

A command is carried out in one transaction: its events and its receipt. Nothing is acknowledged before that commit.
Three things can go wrong and each has one answer:

* Somebody recorded first (`Conflict`): look at the entries this time, and decide again.
* The answer to a commit was lost (`Unavailable`): the receipt says whether it happened. Looking it up waits for a save
  still under way, so "no" is final and the command may be sent again.
* The command came before (same id): the same content is acknowledged and changes nothing; other content is refused.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from threading import Lock
from typing import Any, NamedTuple

from commands import followup, keeping, leave, marks, penalties, receiving, roll, school, support
from commands import models as m
from commands.sealing import open_row, seal_all
from commands.state import Decided, Fact, Register, State, signed
from commands.streams_read import streams_read
from ledger import wire
from ledger.authorship import recording_key
from ledger.doubts import Times
from ledger.entry import Entry
from ledger.errors import LedgerError, Misconfigured, Refused
from ledger.events import ClockAccepted, StaffNamed
from ledger.keys import KeyStore
from ledger.people import Staff
from ledger.pins import digest_of, pupil_lines
from ledger.school import School, take_in
from ledger.sessions import from_micros, micros
from ledger.store import CLOCK_AHEAD, VOLUME_KINDS, Conflict, Envelope, Ledger, Receipt, Row, Unavailable, UnsoundRow
from ledger.store.rows import WAIT_SECONDS, Busy
from ledger.streams import CLOCK, SCHOOL, Owner, owner_of

MINUTE = 60_000_000  # microseconds
LAST_MOMENT = micros(datetime.max.replace(tzinfo=UTC))
ATTEMPTS = 12
PATIENCE = WAIT_SECONDS
RECENT = 2_000  # events at the end of a ledger that are looked at once
ATTEMPT_PAUSE = 0.05  # seconds, growing with each attempt


class Done(NamedTuple):
    """What became of a command: its events, the position of the last (0 where there are none), whose mark was kept."""

    events: int
    position: int
    kept: tuple[str, ...] = ()
    repeated: bool = False


Decide = Callable[[Any, State, datetime], Decided]

DECISIONS: dict[type[m.Command], Decide] = {
    m.OpenSchoolYear: school.open_school_year,
    m.AmendCalendar: school.amend_calendar,
    m.AdoptPolicy: school.adopt_policy,
    m.NameRole: school.name_role,
    m.RecordDailyReturn: school.record_daily_return,
    m.DeclareClosure: school.declare_closure,
    m.AdmitPupil: roll.admit_pupil,
    m.ChangeClass: roll.change_class,
    m.ChangeContacts: roll.change_contacts,
    m.ChangeEmergencyContacts: roll.change_emergency_contacts,
    m.ChangeGroups: roll.change_groups,
    m.AmendParticulars: roll.amend_particulars,
    m.ReceiveMovingForm: roll.receive_moving_form,
    m.ReceiveRecord: receiving.receive_record,
    m.RemoveFromRoll: roll.remove_from_roll,
    m.RecordMark: marks.record_mark,
    m.TakeRegister: marks.take_register,
    m.CloseRegister: marks.close_register,
    m.AmendMark: marks.amend_mark,
    m.LogArrival: marks.log_arrival,
    m.ReportAbsence: followup.report_absence,
    m.LogContact: followup.log_contact,
    m.ExpectSickness: followup.expect_sickness,
    m.RequestEvidence: followup.request_evidence,
    m.RecordEvidence: followup.record_evidence,
    m.ReturnEvidence: followup.return_evidence,
    m.RecordEnquiries: followup.record_enquiries,
    m.AttributeAbsence: followup.attribute_absence,
    m.SendLetter: support.send_letter,
    m.RecordSupport: support.record_support,
    m.InformAgency: support.inform_agency,
    m.MakeReturn: support.make_return,
    m.ShareInformation: support.share_information,
    m.RequestLeave: leave.request_leave,
    m.DecideLeave: leave.decide_leave,
    m.WithdrawLeave: leave.withdraw_leave,
    m.ConsiderPenalty: penalties.consider_penalty,
    m.RequireImprovement: penalties.require_improvement,
    m.EndImprovement: penalties.end_improvement,
    m.ReferPenalty: penalties.refer_penalty,
    m.IssuePenaltyNotice: penalties.issue_notice,
    m.ServeNotice: penalties.serve_notice,
    m.RecordPayment: penalties.record_payment,
    m.WithdrawPenaltyNotice: penalties.withdraw_notice,
    m.PlaceHold: keeping.place_hold,
    m.LiftHold: keeping.lift_hold,
    m.ForgetYears: keeping.forget_years,
    m.DoubtStamps: keeping.doubt_stamps,
    m.BeginProsecution: penalties.begin_prosecution,
    m.EndProsecution: penalties.end_prosecution,
}
# Nobody has usually marked these sessions yet, so the first attempt does not look: the key of the entries does.
HOPEFUL = (m.RecordMark, m.TakeRegister)
# What evidence is fixed by: the event says which rows of the pupil's were seen.
PINNING = (m.ReferPenalty, m.IssuePenaltyNotice)


class Handler:
    """Carries out commands on one ledger, for as many threads as ask. `simulated` is the clock that a ledger opened
    here gets.

    Every command is decided by one school from beginning to end: more is taken in by a copy, which then stands in for
    the one before."""

    def __init__(
        self,
        ledger: Ledger,
        keys: KeyStore,
        *,
        simulated: bool = False,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._ledger = ledger
        self._keys = keys
        self._simulated = simulated
        self._clock = clock or ledger.now
        self._rough_clock = clock or ledger.now_roughly
        self._key: bytes | None = None
        self._school = School()
        self._looked, self._newer = False, 0  # for events of a later release, and the first that was found
        self._last: Row | None = None  # that the school was folded up to
        self._seen = -1  # how far the ledger went when it was last seen; -1: to be held against its read model
        self._swapping = Lock()
        self._deciding_again = Lock()

    def handle(self, command: m.Command, *, door: str = "python") -> Done:
        """Return what was recorded, durably. Raises Refused, and nothing was; Unavailable, and nobody can tell yet."""
        if refusal := self._ledger.standing.refusal():
            raise refusal
        # An id of our own making comes back from nobody else, so there is no other content to tell it from.
        receipt = Receipt(command.id or uuid.uuid4().hex, self._digest(command) if command.id else "", door)
        look = not isinstance(command, HOPEFUL)
        failure: Conflict | Unavailable | None = None
        begun = time.monotonic()
        overtaken = unanswered = 0
        while unanswered < ATTEMPTS:
            try:
                if (command.id is not None or failure is not None) and (done := self._earlier(receipt)):
                    self._destroy_keys(command)
                    return done
                with self._turn(failure):
                    return self._attempt(command, receipt, look)
            except Refused:
                # Whoever has not looked cannot know that an earlier rule applies: the first one is what is said.
                if look:
                    raise
                look = True
                continue
            except Conflict as error:
                failure, look, self._seen = error, True, -1
                # Others went on, so sooner or later so does this one; but not if all decide again in step.
                time.sleep(random.uniform(0, ATTEMPT_PAUSE * min(overtaken, ATTEMPTS)))
                overtaken += 1
            except Unavailable as error:
                if isinstance(error, Busy) and failure is None:
                    raise  # nothing was done, and nothing of it can be under way
                failure, look = error, True
                time.sleep(ATTEMPT_PAUSE * unanswered)
                unanswered += 1
            # A store that is locked takes its time to say so; a person does not wait for that twelve times over.
            if time.monotonic() - begun > PATIENCE:
                break
        raise Unavailable(
            f"no answer, so ask again with the same id or look whether it is there: {failure}"
        ) from failure

    def school(self) -> School:
        """Return the school as it stands, after taking in what others recorded."""
        with self._swapping:
            known, last = self._school, self._last
        # The one that it ends with is read again: the ledger may have been restored under this process.
        rows = self._ledger.reads.reference_rows(known.position - 1 if last else 0)
        restored = last is not None and rows[:1] != [last]
        if restored:
            self._seen = self._ledger.check_restored()
            known, last, rows = School(), None, self._ledger.reads.reference_rows(0)
        fresh = rows[1:] if last else rows
        if not fresh and not restored:
            return known
        found = take_in(known, fresh)
        with self._swapping:
            # Another thread may have read further meanwhile.
            if restored or found.position > self._school.position:
                self._school, self._last = found, rows[-1] if rows else None
        return found

    def refusal(self, command: m.Command) -> Refused | None:
        """Return what would refuse a command now, None where it would be carried out. Records nothing."""
        school_now = self.school()
        now, _ = self._time(command, school_now)
        state, _ = self._state(command, school_now, look=True)
        try:
            self._decide(command, state, now)
        except Refused as refused:
            return refused
        return None

    # --- one attempt ---

    def _turn(self, failure: LedgerError | None) -> AbstractContextManager[Any]:
        """Give who was too late their turn: of threads that decide again at once, all but one are too late again."""
        return self._deciding_again if isinstance(failure, Conflict) else nullcontext()

    def _attempt(self, command: m.Command, receipt: Receipt, look: bool) -> Done:
        if self._seen < 0:
            self._seen = self._ledger.check_restored()
        # Who is hopeful goes by the school as last seen: the recorder takes nothing decided before a change of it.
        known = self._school
        school_now = self.school() if look or known.opened is None else known
        # A refusal by a rough clock is looked at again, by the right one.
        now, at = self._time(command, school_now, rough=not look)
        self._check_known(school_now)
        if isinstance(command, m.ForgetYears) and self._keys.lost:
            raise Misconfigured(f"the key store {self._keys.address} is missing, so there is nothing to destroy")
        state, versions = self._state(command, school_now, look)
        decided = self._decide(command, state, now)
        facts = self._introducing(command, decided.facts, school_now)
        if command.accept_clock and facts and at is None:
            facts = [*accepted_clock(signed(command.by), self._ledger, now), *facts]
        self._check_remembered(facts, school_now)
        envelopes = seal_all(self._place(facts, versions, school_now, look), self._keys, self._ledger)
        basis, seen, key = school_now.position, max(self._seen, 0), self._recording_key(command)
        positions = self._ledger.append(envelopes, receipt=receipt, basis=basis, at=at, seen=seen, key=key)
        self._seen = max([seen, *positions[-1:]])
        if isinstance(command, m.OpenSchool):
            recording_key(self._ledger, self._keys)
        self._destroy_keys(command)
        return Done(len(positions), positions[-1] if positions else 0, decided.kept)

    def _check_known(self, school_now: School) -> None:
        """Refuse to record beside what only a later release understands: what is decided here may be wrong there. The
        school is looked at each time, the many other events once: those that the read model could not read, and the
        last ones after it."""
        if not self._looked:
            waiting, reached = self._ledger.reads.waiting()
            end = self._ledger.reads.end()
            try:
                last = self._ledger.reads.rows(max(reached, end - RECENT), RECENT)
                rows = [*self._ledger.reads.rows_at(waiting), *last]
            except UnsoundRow:
                rows = []  # which no release wrote: 'verify' names it
            self._newer, self._looked = next((row.position for row in rows if wire.is_unknown(row.state)), 0), True
        if first := school_now.newer or self._newer:
            raise Refused("newer_ledger", field="position", value=first)

    def _destroy_keys(self, command: m.Command) -> None:
        """Destroy what a command says is forgotten, after the event that says so: a run that was interrupted between
        the two destroys the rest when it is asked again."""
        if not isinstance(command, m.ForgetYears):
            return
        try:
            self._keys.destroy(Owner(each.pupil, each.year) for each in command.years)
        except Misconfigured as error:
            raise Misconfigured(f"it was recorded, but the keys are still there, so ask again: {error}") from None

    def _check_remembered(self, facts: Sequence[Fact], school_now: School) -> None:
        """Refuse words about a school year whose key was destroyed: a new key would hide that words are gone."""
        for stream, event in facts if school_now.forgotten else ():
            if wire.speaks(event) and owner_of(stream) in school_now.forgotten:
                raise Refused("year_forgotten", field="pupil", value=owner_of(stream).name)

    def _recording_key(self, command: m.Command) -> bytes | None:
        """Return the key that says who recorded; none for the event that opens a school, by which keys are named."""
        if isinstance(command, m.OpenSchool):
            return None
        if self._key is None:
            self._key = recording_key(self._ledger, self._keys)
        return self._key

    def _digest(self, command: m.Command) -> str:
        """Return the digest of a command under the school's key; bare where there is no school, or no key store."""
        opened = self._school.opened or self.school().opened
        if isinstance(command, m.OpenSchool) or opened is None or self._keys.lost:
            return m.content_digest(command)
        whole_school = Owner(SCHOOL, 0)
        key = self._keys.get(whole_school) or self._keys.ensure([whole_school])[whole_school]
        return m.content_digest(command, key)

    def _time(self, command: m.Command, school_now: School, *, rough: bool = False) -> tuple[datetime, int | None]:
        simulated = school_now.simulated if school_now.opened else self._simulated
        return time_of(command.at, self._ledger, simulated, self._rough_clock if rough else self._clock)

    def _decide(self, command: m.Command, state: State, now: datetime) -> Decided:
        if isinstance(command, m.OpenSchool):
            return school.open_school(command, state, now, self._simulated)
        if state.school.opened is None:
            raise Refused("school_not_open", field="command", value=command.name)
        return DECISIONS[type(command)](command, state, now)

    def _state(self, command: m.Command, school_now: School, look: bool) -> tuple[State, dict[str, int]]:
        """Return the state to decide from, and the version of every stream that was looked at, 0 where it is new."""
        if not look:
            return State(school_now, {}, {}), {}
        asked = isinstance(command, (*PINNING, m.DoubtStamps)) or hasattr(command, "seen")
        head = self._ledger.reads.head()[0] if asked else school_now.position
        wanted = streams_read(command, school_now)
        entries: dict[str, Entry] = {}
        registers: dict[str, Register] = {}
        told: list[Any] = []
        admission: list[Any] = []
        versions = dict.fromkeys(wanted, 0)
        rows = self._ledger.reads.stream_rows(wanted) if wanted else []
        speaking = {owner_of(row.stream) for row in rows if wire.seems_sealed(row.state)}
        keys = self._keys.load(speaking - school_now.forgotten)
        for row in rows:
            versions[row.stream] = row.version
            try:
                event = open_row(row, keys)
            except wire.Unknown:
                raise Refused("newer_ledger", field="position", value=row.position) from None
            except wire.Undecodable:
                # It may not stop the register of a whole class. Whatever it says, its entry holds a mark.
                if row.topic.startswith("entry."):
                    entries[row.stream] = entries.get(row.stream, Entry()).after_unread(row.version)
                continue
            if event.kind == "follow-up":
                told.append(event)
            elif event.kind == "roll":
                admission.append(event)
            elif event.kind == "register":
                registers[row.stream] = registers.get(row.stream, Register()).after(event)
            else:
                entries[row.stream] = entries.get(row.stream, Entry()).after(row.version, event)
        pinned, (recorded, reached) = self._pinned(command, head), self._kept_until(command, school_now)
        return State(school_now, entries, registers, told, head, pinned, recorded, reached, admission), versions

    def _pinned(self, command: m.Command, head: int) -> str:
        """Return the digest of the pupil's rows as whoever decides had seen them, blank where nothing is pinned."""
        if not isinstance(command, PINNING):
            return ""
        rows = self._ledger.reads.prefix_rows(f"{command.pupil}/")
        return digest_of(pupil_lines(rows, getattr(command, "seen", None) or head))

    def _kept_until(self, command: m.Command, school_now: School) -> tuple[dict[Owner, int], int]:
        """Return when something was last recorded about each school year that is to be forgotten (of what belongs to no
        single year, about the pupil at all), and up to when the ledger has come."""
        if not isinstance(command, m.ForgetYears):
            return {}, 0
        times = Times(self._ledger.reads, school_now.doubts)
        found: dict[Owner, int] = {}
        for pupil in {each.pupil for each in command.years}:
            for row in self._ledger.reads.prefix_rows(f"{pupil}/"):
                recorded_at = times.latest(row.position, row.recorded_at)
                for owner in (owner_of(row.stream), Owner(pupil, 0)):
                    found[owner] = max(found.get(owner, 0), recorded_at)
        now, _ = self._time(command, school_now)
        return found, min(times.reached(), micros(now))

    def _introducing(self, command: m.Command, facts: list[Fact], school_now: School) -> list[Fact]:
        """Return the facts with the people who sign, where they are new or have another name or title."""
        if not facts:
            return facts
        by = signed(command.by)
        people = [by, signed(command.second)] if isinstance(command, m.ForgetYears) else [by]
        fresh = [person for person in people if school_now.staff.get(person.id) != person]
        named = [Fact(SCHOOL, StaffNamed(by=by, staff=person)) for person in fresh]
        # The event that opens a school stays the first of its ledger.
        return [facts[0], *named, *facts[1:]] if isinstance(command, m.OpenSchool) else [*named, *facts]

    def _place(self, facts: Sequence[Fact], seen: dict[str, int], school_now: School, look: bool) -> list[Envelope]:
        """Return the facts with their versions: each follows the last one of its stream."""
        last = dict(seen)
        if look:
            unseen = [fact.stream for fact in facts if fact.event.kind in VOLUME_KINDS and fact.stream not in last]
            last |= self._ledger.reads.versions_of(unseen) if unseen else {}
        placed = []
        for stream, event in facts:
            version = last.get(stream) or school_now.versions.get(stream, 0)
            last[stream] = version + 1
            placed.append(Envelope(stream, version + 1, event))
        return placed

    def _earlier(self, receipt: Receipt) -> Done | None:
        """Return what this command did before, None if it is new. Refuses the id of another command."""
        found = self._ledger.reads.receipt(receipt.id)
        if found is None:
            return None
        if found.digest != receipt.digest:
            if self._keys.lost:
                raise Misconfigured("this id was used before, and without the key store nobody can say for what")
            raise Refused("id_reused", field="id", value=receipt.id)
        return Done(found.events, found.first_position + found.events - 1 if found.events else 0, repeated=True)


def time_of(
    at: datetime | None, ledger: Ledger, simulated: bool, clock: Callable[[], datetime]
) -> tuple[datetime, int | None]:
    """Return the moment to decide by, and the recorded time to ask for: none on a ledger that keeps its own."""
    if not simulated:
        if at is not None:
            raise Refused("ledger_is_system", field="at", value=at)
        return clock(), None
    _, last = ledger.reads.head()
    if at is None:
        at = from_micros(min(last + MINUTE, LAST_MOMENT)) if last else clock()
    if micros(at) < last:
        raise Refused("time_runs_backwards", field="at", value=at)
    return at, micros(at)


def accepted_clock(by: Staff, ledger: Ledger, now: datetime) -> list[Fact]:
    """Return that a person accepts the clock, where it is so far ahead of the last event that somebody has to."""
    position, last = ledger.reads.head()
    ahead = position and micros(now) > last + CLOCK_AHEAD
    return [Fact(CLOCK, ClockAccepted(by=by))] if ahead else []
