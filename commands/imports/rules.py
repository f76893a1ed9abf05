"""Whose an exported mark is, and whether the rules let it stand.

The rules are those of a mark made here, asked in the same order, but for the details that some codes need: what a
prior system did not write down cannot be had any more. Nothing is guessed. A pupil is the one with the admission
number; where that is unknown or left out, the one with the UPN; by name only where a row has nothing else and one pupil
alone is called so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from commands.deciding.marks import check_code
from commands.deciding.state import State
from commands.imports.exports import ExportedMark
from commands.sealing import open_row
from ledger import wire
from ledger.errors import RULES, Refused
from ledger.events import PupilAdmitted
from ledger.keys import KeyStore
from ledger.school import School
from ledger.sessions import Session
from ledger.store import Ledger
from ledger.streams import owner_of, roll_stream

STRANGER = "nobody on the roll is known by it"
NAMESAKES = "several pupils are known by it"
TWO_PUPILS = "the UPN is not that of the pupil with this admission number"


class Unfit(Exception):
    """Why a mark cannot be imported. Where its pupil is not known for sure: by `what` (a word of exports.SPELLINGS) and
    `value` the file knows them."""

    def __init__(self, reason: str, what: str = "", value: str = "") -> None:
        super().__init__(reason)  # The value may be personal, and an exception may be printed.
        self.reason, self.what, self.value = reason, what, value


class Particulars(NamedTuple):
    """What another system may know a pupil by."""

    pupil: str
    upn: str
    name: str


def particulars(school: School, ledger: Ledger, keys: KeyStore) -> list[Particulars]:
    """Return what admissions say about every pupil, blank where the key that would open it is gone."""
    rolls = [roll_stream(pupil) for pupil in school.pupils]
    held = keys.load({owner_of(roll) for roll in rolls} - school.forgotten)
    found = []
    for row in ledger.reads.stream_rows(rolls):
        # One that cannot be read is passed over here as it is everywhere, and named by the doctor.
        with suppress(wire.Undecodable):
            event = open_row(row, held)
            if isinstance(event, PupilAdmitted):
                found.append(Particulars(owner_of(row.stream).name, event.upn, event.name))
    return found


class Pupils:
    """Finds the pupil whom an exported mark is about."""

    def __init__(self, numbers: Iterable[str], known: Iterable[Particulars]) -> None:
        self._numbers = frozenset(numbers)
        self._by_upn: dict[str, set[str]] = defaultdict(set)
        self._by_name: dict[str, set[str]] = defaultdict(set)
        self._upns: dict[str, set[str]] = defaultdict(set)
        for pupil, upn, name in known:
            if upn:
                self._by_upn[upn].add(pupil)
                self._upns[pupil].add(upn)
            if name:
                self._by_name[_plain(name)].add(pupil)

    def number(self, mark: ExportedMark) -> str:
        """Return the admission number of the pupil. Raises Unfit where nobody, or not surely one, is meant."""
        pupil, upn = mark.pupil, mark.upn
        if pupil in self._numbers:
            # A number of another series may be somebody else's here; the UPN, where both have it, tells.
            owners = self._by_upn.get(upn, {pupil})
            if upn and (pupil not in owners or upn not in self._upns.get(pupil, {upn})):
                raise Unfit(TWO_PUPILS, "UPN", upn)
            return pupil
        if upn:
            return _only(self._by_upn.get(upn), "UPN", upn)
        if pupil:
            raise Unfit(STRANGER, "admission number", pupil)
        return _only(self._by_name.get(_plain(mark.name)), "name", mark.name)


class Rules:
    """The rules of a mark, for the school as it stands and the present moment."""

    def __init__(self, school: School, now: datetime) -> None:
        self._state = State(school)
        self._now = now
        self._begun: set[Session] = set()

    def check(self, pupil: str, session: Session, code: str) -> None:
        """Raise Unfit, by the first rule that says no, where `pupil` could not have been given `code`."""
        try:
            self._state.check_on_roll(pupil, [session.day])
            if session not in self._begun:
                self._state.check_sessions([session])
                self._state.check_begun(session, self._now)
                self._begun.add(session)
            # A detail that is not blank passes the one rule that is for new marks only.
            check_code(code, "as asserted", pupil, session, self._state)
        except Refused as refusal:
            raise Unfit(f"the {refusal.field} {RULES[refusal.rule]}") from None


def _only(found: set[str] | None, what: str, value: str) -> str:
    if not found:
        raise Unfit(STRANGER, what, value)
    if len(found) > 1:
        raise Unfit(NAMESAKES, what, value)
    return next(iter(found))


def _plain(name: str) -> str:
    """Return a name as it is compared: forename first, whatever the capitals and spaces."""
    surname, comma, forename = name.partition(",")
    return " ".join((f"{forename} {surname}" if comma else name).casefold().split())
