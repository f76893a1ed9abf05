"""What a decision is made from, read from the ledger: that which it declared, and nothing else."""

from __future__ import annotations

from datetime import datetime

from commands.deciding.declaration import Decision, pupil_of
from commands.deciding.state import Ages, Register, State
from commands.models.base import Command
from commands.models.keeping import ForgetYears
from commands.sealing import open_row
from ledger import wire
from ledger.doubts import Times
from ledger.entry import Entry
from ledger.errors import Refused
from ledger.events import FollowUpEvent, RollEvent
from ledger.keys import KeyStore
from ledger.pins import digest_of, pupil_lines
from ledger.school import School
from ledger.sessions import micros
from ledger.store import Ledger
from ledger.streams import Owner, owner_of


def state_read(
    command: Command, decision: Decision, school: School, ledger: Ledger, keys: KeyStore, now: datetime
) -> tuple[State, dict[str, int]]:
    """Return the state to decide from, and the version of every stream that was looked at, 0 where it is new.

    Raises Refused `newer_ledger` where a later release recorded in one of them.
    """
    end = ledger.reads.head()[0] if decision.end else None
    wanted = decision.streams(command, school)
    entries: dict[str, Entry] = {}
    registers: dict[str, Register] = {}
    follow_up: list[FollowUpEvent] = []
    roll: list[RollEvent] = []
    versions = dict.fromkeys(wanted, 0)
    rows = ledger.reads.stream_rows(wanted) if wanted else []
    speaking = {owner_of(row.stream) for row in rows if wire.seems_sealed(row.state)}
    held = keys.load(speaking - school.forgotten)
    for row in rows:
        versions[row.stream] = row.version
        try:
            event = open_row(row, held)
        except wire.Unknown:
            raise Refused("newer_ledger", field="position", value=row.position) from None
        except wire.Undecodable:
            # It may not stop the register of a whole class. Whatever it says, its entry holds a mark.
            if row.topic.startswith("entry."):
                entries[row.stream] = entries.get(row.stream, Entry()).after_unread(row.version)
            continue
        if event.kind == "follow-up":
            follow_up.append(event)
        elif event.kind == "roll":
            roll.append(event)
        elif event.kind == "register":
            registers[row.stream] = registers.get(row.stream, Register()).after(event)
        else:
            entries[row.stream] = entries.get(row.stream, Entry()).after(row.version, event)
    state = State(
        school,
        versions.keys(),
        entries,
        registers,
        follow_up if decision.follow_up else None,
        roll if decision.roll else None,
        end,
        _pinned(command, ledger, end) if decision.pins else None,
        _ages(command, school, ledger, now) if decision.ages and isinstance(command, ForgetYears) else None,
    )
    return state, versions


def state_unread(command: Command, decision: Decision, school: School) -> tuple[State, dict[str, int]]:
    """Return the state of who is hopeful: what it declares is taken for new."""
    wanted = dict.fromkeys(decision.streams(command, school), 0)
    return State(school, wanted.keys()), wanted


def _pinned(command: Command, ledger: Ledger, end: int | None) -> str:
    """Return the digest of the pupil's rows as whoever decides had seen them."""
    rows = ledger.reads.prefix_rows(f"{pupil_of(command)}/")
    return digest_of(pupil_lines(rows, getattr(command, "seen", None) or end or 0))


def _ages(command: ForgetYears, school: School, ledger: Ledger, now: datetime) -> Ages:
    """Return when something was last recorded about each school year that is to be forgotten (of what belongs to no
    single year, about the pupil at all), and up to when the ledger has come."""
    times = Times(ledger.reads, school.doubts)
    recorded: dict[Owner, int] = {}
    for pupil in {each.pupil for each in command.years}:
        for row in ledger.reads.prefix_rows(f"{pupil}/"):
            recorded_at = times.latest(row.position, row.recorded_at)
            for owner in (owner_of(row.stream), Owner(pupil, 0)):
                recorded[owner] = max(recorded.get(owner, 0), recorded_at)
    return Ages(recorded, min(times.reached(), micros(now)))
