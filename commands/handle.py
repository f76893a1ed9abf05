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
from typing import NamedTuple

from commands.deciding import DECISIONS
from commands.deciding.state import Decided, Fact, State, signed
from commands.looking import state_read, state_unread
from commands.models import content_digest
from commands.models.base import Command
from commands.models.keeping import ForgetYears
from commands.models.school import OpenSchool
from commands.sealing import seal_all
from ledger import wire
from ledger.authorship import recording_key
from ledger.errors import LedgerError, Misconfigured, Refused
from ledger.events import ClockAccepted, StaffNamed
from ledger.keys import KeyStore
from ledger.people import Staff
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

    def handle(self, command: Command, *, door: str = "python") -> Done:
        """Return what was recorded, durably. Raises Refused, and nothing was; Unavailable, and nobody can tell yet."""
        if refusal := self._ledger.standing.refusal():
            raise refusal
        # An id of our own making comes back from nobody else, so there is no other content to tell it from.
        receipt = Receipt(command.id or uuid.uuid4().hex, self._digest(command) if command.id else "", door)
        look = not DECISIONS[type(command)].hopeful
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

    def refusal(self, command: Command) -> Refused | None:
        """Return what would refuse a command now, None where it would be carried out. Records nothing."""
        school_now = self.school()
        now, _ = self._time(command, school_now)
        state, _ = self._state(command, school_now, now, look=True)
        try:
            self._decide(command, state, now)
        except Refused as refused:
            return refused
        return None

    # --- one attempt ---

    def _turn(self, failure: LedgerError | None) -> AbstractContextManager[object]:
        """Give who was too late their turn: of threads that decide again at once, all but one are too late again."""
        return self._deciding_again if isinstance(failure, Conflict) else nullcontext()

    def _attempt(self, command: Command, receipt: Receipt, look: bool) -> Done:
        if self._seen < 0:
            self._seen = self._ledger.check_restored()
        # Who is hopeful goes by the school as last seen: the recorder takes nothing decided before a change of it.
        known = self._school
        school_now = self.school() if look or known.opened is None else known
        # A refusal by a rough clock is looked at again, by the right one.
        now, at = self._time(command, school_now, rough=not look)
        self._check_known(school_now)
        if isinstance(command, ForgetYears) and self._keys.lost:
            raise Misconfigured(f"the key store {self._keys.address} is missing, so there is nothing to destroy")
        state, versions = self._state(command, school_now, now, look)
        decided = self._decide(command, state, now)
        facts = self._introducing(command, decided.facts, school_now)
        if command.accept_clock and facts and at is None:
            facts = [*accepted_clock(signed(command.by), self._ledger, now), *facts]
        self._check_remembered(facts, school_now)
        envelopes = seal_all(self._place(facts, versions, school_now, look), self._keys, self._ledger)
        basis, seen, key = school_now.position, max(self._seen, 0), self._recording_key(command)
        positions = self._ledger.append(envelopes, receipt=receipt, basis=basis, at=at, seen=seen, key=key)
        self._seen = max([seen, *positions[-1:]])
        if isinstance(command, OpenSchool):
            recording_key(self._ledger, self._keys)
        self._destroy_keys(command)
        return Done(len(positions), positions[-1] if positions else 0, decided.kept)

    def _check_known(self, school_now: School) -> None:
        """Refuse to record beside what only a later release understands: what is decided here may be wrong there. The
        school is looked at each time, the many other events once: those that the read model could not read, and the
        last ones after it."""
        if not self._looked:
            built, end = self._ledger.reads.read_model(), self._ledger.reads.end()
            unread, reached = (built.unread, built.position) if built and built.unread is not None else ((), 0)
            try:
                last = self._ledger.reads.rows(max(reached, end - RECENT), RECENT)
                rows = [*self._ledger.reads.rows_at(unread), *last]
            except UnsoundRow:
                rows = []  # which no release wrote: 'verify' names it
            self._newer, self._looked = next((row.position for row in rows if wire.is_unknown(row.state)), 0), True
        if first := school_now.newer or self._newer:
            raise Refused("newer_ledger", field="position", value=first)

    def _destroy_keys(self, command: Command) -> None:
        """Destroy what a command says is forgotten, after the event that says so: a run that was interrupted between
        the two destroys the rest when it is asked again."""
        if not isinstance(command, ForgetYears):
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

    def _recording_key(self, command: Command) -> bytes | None:
        """Return the key that says who recorded; none for the event that opens a school, by which keys are named."""
        if isinstance(command, OpenSchool):
            return None
        if self._key is None:
            self._key = recording_key(self._ledger, self._keys)
        return self._key

    def _digest(self, command: Command) -> str:
        """Return the digest of a command under the school's key; bare where there is no school, or no key store."""
        opened = self._school.opened or self.school().opened
        if isinstance(command, OpenSchool) or opened is None or self._keys.lost:
            return content_digest(command)
        whole_school = Owner(SCHOOL, 0)
        key = self._keys.get(whole_school) or self._keys.ensure([whole_school])[whole_school]
        return content_digest(command, key)

    def _time(self, command: Command, school_now: School, *, rough: bool = False) -> tuple[datetime, int | None]:
        simulated = school_now.simulated if school_now.opened else self._simulated
        return time_of(command.at, self._ledger, simulated, self._rough_clock if rough else self._clock)

    def _decide(self, command: Command, state: State, now: datetime) -> Decided:
        if state.school.opened is None and not isinstance(command, OpenSchool):
            raise Refused("school_not_open", field="command", value=command.name)
        return DECISIONS[type(command)].decide(command, state._replace(simulated=self._simulated), now)

    def _state(self, command: Command, school_now: School, now: datetime, look: bool) -> tuple[State, dict[str, int]]:
        """Return the state to decide from, and the version of every stream that was looked at, 0 where it is new."""
        decision = DECISIONS[type(command)]
        if not look:
            return state_unread(command, decision, school_now)
        return state_read(command, decision, school_now, self._ledger, self._keys, now)

    def _introducing(self, command: Command, facts: list[Fact], school_now: School) -> list[Fact]:
        """Return the facts with the people who sign, where they are new or have another name or title."""
        if not facts:
            return facts
        by = signed(command.by)
        people = [by, signed(command.second)] if isinstance(command, ForgetYears) else [by]
        fresh = [person for person in people if school_now.staff.get(person.id) != person]
        named = [Fact(SCHOOL, StaffNamed(by=by, staff=person)) for person in fresh]
        # The event that opens a school stays the first of its ledger.
        return [facts[0], *named, *facts[1:]] if isinstance(command, OpenSchool) else [*named, *facts]

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
