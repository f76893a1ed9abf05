"""Questions: the day an answer is about, the moment whose knowledge it uses, and what was known then.

`Answers` holds an opened ledger and its read model. `moment` turns the two times into one position and folds the school
to it; everything after that compares positions only. Asked again with the same two times it says the same for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple, NotRequired, Protocol, TypedDict, cast

import msgspec
import sqlalchemy as sa

from ledger import policy as policies
from ledger import wire
from ledger.codes import CURRENT, CodeTable
from ledger.doubts import caution, spans
from ledger.errors import Misconfigured
from ledger.events import (
    AnyEvent,
    ContactsChanged,
    EmergencyContactsChanged,
    GroupsChanged,
    ParticularsAmended,
    PupilAdmitted,
)
from ledger.keys import KeyStore
from ledger.policy import Policy
from ledger.roll import PARTICULARS, Pupil
from ledger.school import School, take_in
from ledger.sessions import LONDON, format_moment, from_micros, micros
from ledger.store import Ledger, Reads, Row, position_at
from ledger.streams import CLOCK, SCHOOL, Owner, owner_of, roll_stream
from ledger.words import counted
from projections.readmodel.frames import Entries, Roll, joined, roll_of
from projections.readmodel.model import ReadModel
from projections.readmodel.projector import ENTRY, code_of

LATER_TOPICS = ("school.YearsForgotten", "school.StampsDoubted")
NAMED = 50  # pupils asked for by number; of more than that, whole years are read


class Known(TypedDict):
    """What every answer repeats of what was known: the time and position, the policy by its name and by the digest of
    its rules, and whether the ledger is simulated."""

    known_at: str
    position: int
    policy: str
    rules: str
    simulated: bool


class Header(Known):
    """The fields of `Answer`."""

    pupil: str
    as_of: str
    caution: NotRequired[str]
    unread: NotRequired[Unread]


class Moment(NamedTuple):
    """The two times of a question, the position they come to, and the school and policy as known there; `head` is the
    digest of the event at that position, which a paper can be held against the ledger by."""

    as_of: date
    known_at: datetime
    position: int
    school: School
    in_force: Policy | None  # None before a school was opened
    head: str = ""
    caution: str = ""  # where recorded times are known to be wrong that led to this position
    unread: Unread | None = None  # what of the ledger up to there this release cannot read

    @property
    def known_on(self) -> date:
        """The London day of that knowledge."""
        return self.known_at.astimezone(LONDON).date()

    @property
    def policy(self) -> Policy:
        """The policy to answer by. Raises Misconfigured before a school was opened."""
        if self.in_force is None:
            raise Misconfigured("no policy was in force at that moment")
        return self.in_force

    @property
    def policy_name(self) -> str:
        """The name of the policy; blank before a school was opened."""
        return self.in_force.name if self.in_force else ""

    @property
    def rules(self) -> str:
        """The digest of the policy and its table of codes; blank before a school was opened."""
        return self.in_force.rules if self.in_force else ""

    @property
    def codes(self) -> CodeTable:
        """The table of codes that the policy was adopted with; today's before a school was opened."""
        return self.in_force.codes if self.in_force else CURRENT

    @property
    def known(self) -> Known:
        """What every answer repeats of what was known."""
        return {
            "known_at": format_moment(self.known_at),
            "position": self.position,
            "policy": self.policy_name,
            "rules": self.rules,
            "simulated": self.school.simulated,
        }

    def header(self, pupil: str) -> Header:
        """Return the fields of `Answer`."""
        header: Header = {"pupil": pupil, "as_of": self.as_of.isoformat(), **self.known}
        if self.caution:
            header["caution"] = self.caution
        if self.unread:
            header["unread"] = self.unread
        return header


class Unread(msgspec.Struct, frozen=True):
    """How many events cannot be read, and the position of the first."""

    events: int
    first: int

    @property
    def sentence(self) -> str:
        return (
            f"{counted(self.events, 'event')} cannot be read by this release, the first at position {self.first}: what "
            "rests on that is not counted, see 'attendance doctor'"
        )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What every answer repeats: both times, the position, the policy by its name and by the digest of its rules, and
    whether the ledger is simulated."""

    pupil: str
    as_of: str
    known_at: str
    position: int
    policy: str
    rules: str
    simulated: bool
    caution: str | msgspec.UnsetType = msgspec.UNSET
    unread: Unread | msgspec.UnsetType = msgspec.UNSET


class StatedContact(TypedDict, total=False):
    """A parent or emergency contact as the roll was told of them; what nobody stated is not there."""

    id: str
    name: str
    relationship: str
    lives_with: bool
    phone: str
    email: str
    address: str
    contact_order: int


class Particulars(NamedTuple):
    """A pupil's sealed particulars as known; blank, and `readable` false, where their key is gone."""

    name: str = ""
    groups: tuple[str, ...] = ()
    contacts: tuple[StatedContact, ...] = ()
    readable: bool = True
    emergency_contacts: tuple[StatedContact, ...] = ()
    upn: str = ""
    born: str = ""
    sex: str = ""
    address: str = ""
    email: str = ""
    last_school: str = ""


class Source(Protocol):
    """An archive of the ledger, as a source of marks."""

    @property
    def signature(self) -> str:
        """What an answer says of it."""

    def standing(self, reads: Reads, position: int, years: Sequence[int]) -> Entries:
        """Return the marks of these school years that stand at a position."""


class Answers:
    """Answers questions about one ledger, for as many threads as ask. With `keep`, the frames of school years stay
    loaded between questions.

    Over an `archive` of this ledger marks are read from there and from the ledger's tail after it, and the read model
    is neither asked nor brought up to date."""

    def __init__(
        self,
        ledger: Ledger,
        engine: sa.Engine,
        keys: KeyStore,
        *,
        archive: Source | None = None,
        keep: bool = False,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.archive: Final = archive
        self.ledger = ledger
        self.engine = engine
        self.keys = keys
        self.model = ReadModel(ledger, engine, keep=keep)
        self.projector = self.model.projector
        self._keep = keep
        # By school year. What stands here is read once and replaced whole: another thread may be replacing it.
        self._frames: dict[int, tuple[object, Entries]] = {}
        self._clock = clock or ledger.now
        self.notes: dict[str, None] = {}  # what whoever was answered has to know beside the answers, in order
        self._forgotten: set[Owner] = set()  # grows only, for whichever question finds it first

    def moment(
        self, as_of: date | None = None, known_at: datetime | None = None, policy: str | Policy | None = None
    ) -> Moment:
        """Return the moment of a question. Asking writes nothing: what the read model lacks is read from the ledger.

        Left out, `known_at` is the recorded time of the last event, and a later one is answered as that; left out,
        `as_of` is today, or in a simulated ledger the London day of its last event. `policy` overrides the one in
        force.
        """
        # The end is read once and first: what others record meanwhile is later than this question.
        head, last = self.ledger.reads.head()
        if self.archive is None:
            self.model.come_to(head)
        known = last if known_at is None else min(micros(known_at), last)
        position = head if known == last else position_at(self.ledger.reads, known)
        school = take_in(School(), self.ledger.reads.reference_rows(0, position))
        if as_of is None:
            opened = self.ledger.opened()
            now = from_micros(last) if opened is not None and opened.simulated else self._clock()
            as_of = now.astimezone(LONDON).date()
        in_force = self.policy_of(school, as_of, policy)
        doubt = self._doubt(school, position, head)
        unread = self.unread(school, position)
        return Moment(as_of, from_micros(known), position, school, in_force, self._head(position), doubt, unread)

    def moment_at(self, position: int, as_of: date, policy: str | Policy | None = None) -> Moment:
        """Return the moment just after one event, whatever else was recorded at the same time."""
        if self.archive is None:
            self.model.come_to(position)
        school = take_in(School(), self.ledger.reads.reference_rows(0, position))
        rows = self.ledger.reads.rows_at([position])
        known_at = from_micros(rows[0].recorded_at if rows else 0)
        in_force = self.policy_of(school, as_of, policy)
        doubt = self._doubt(school, position, self.ledger.reads.head()[0])
        unread = self.unread(school, position)
        return Moment(as_of, known_at, position, school, in_force, self._head(position), doubt, unread)

    def _doubt(self, school: School, position: int, head: int) -> str:
        """Return the caution of an answer at a position, and take note of what is forgotten: both as said up to now,
        whatever was known when the answer is about."""
        if position < head:
            rows = self.ledger.reads.stream_rows([SCHOOL, CLOCK])
            school = take_in(school, [row for row in rows if row.position > position and row.topic in LATER_TOPICS])
        self._forgotten.update(school.forgotten)
        return caution(spans(self.ledger.reads, school.doubts), position) if school.doubts else ""

    def _head(self, position: int) -> str:
        return "".join(wire.leaf(*row).hex() for row in self.ledger.reads.rows_at([position]))

    @staticmethod
    def policy_of(school: School, as_of: date, other: str | Policy | None = None) -> Policy | None:
        """Return the policy to answer by: the one given, else the one in force; None before a school was opened. Of
        a name that this school has adopted its own copy is meant, which no later release changes."""
        if isinstance(other, Policy):
            return other
        if other is not None:
            return school.policy_named(other) or policies.load(other)
        return school.policy_on(as_of) if school.policies else None

    def entries(self, moment: Moment, years: Sequence[int], pupils: Sequence[str]) -> Entries:
        """Return the marks of these pupils, in their order, as known at the moment."""
        # Naming a whole school's pupils would cost more than reading them all.
        if len(pupils) <= NAMED and not self._keep and self.archive is None:
            return self.model.entries(years, pupils, moment.position).over(pupils)
        return joined([self._frame(moment, year).over(pupils) for year in years])

    def roll(self, moment: Moment, pupils: list[str]) -> Roll:
        """Return the roll of these pupils, in their order, as known at the moment."""
        return roll_of(moment.school, pupils)

    def versions(self, pupils: Sequence[str] | None, years: Sequence[int]) -> Entries:
        """Return the marks of these school years in every version, of some pupils or of all."""
        return self.model.entries(years, pupils)

    def _frame(self, moment: Moment, year: int) -> Entries:
        """Return a school year's marks as known at the moment: loaded for it once, or picked from all versions kept."""
        kept = self._keep and self.archive is None
        loaded_for: object = self.model.come_to(moment.position) if kept else moment
        held = self._frames.get(year)
        if held is None or held[0] != loaded_for:
            held = self._frames[year] = loaded_for, self._load(moment, year)
        return held[1].known_at(moment.position) if kept else held[1]

    def _load(self, moment: Moment, year: int) -> Entries:
        if self.archive is not None:
            return self.archive.standing(self.ledger.reads, moment.position, [year])
        return self.model.entries([year], position=None if self._keep else moment.position)

    def particulars(self, moment: Moment, pupils: Iterable[str]) -> dict[str, Particulars]:
        """Return names, groups and contacts as known, each opened with its key."""
        wanted = {number: moment.school.pupils[number] for number in pupils if number in moment.school.pupils}
        versions = {(roll_stream(number), version) for number, pupil in wanted.items() for version in _versions(pupil)}
        rows = self.ledger.reads.stream_rows([roll_stream(number) for number in wanted])
        opened = {(row.stream, row.version): event for row, event in self.opened(rows, versions)}
        return {
            number: _particulars(pupil, {version: opened[roll_stream(number), version] for version in _versions(pupil)})
            for number, pupil in wanted.items()
        }

    def readable_particulars(self, moment: Moment, pupils: Iterable[str]) -> dict[str, Particulars]:
        """Return the particulars of pupils. Raises Misconfigured where any cannot be read."""
        known = self.particulars(moment, pupils)
        if unreadable := sum(not each.readable for each in known.values()):
            raise Misconfigured(f"the particulars of {unreadable} pupils cannot be read without their keys")
        return known

    def unread(self, school: School, position: int) -> Unread | None:
        """Return what of the ledger up to a position this release cannot read, and note it; None where it reads all
        that it looked at: the entries, and everything that marks are judged by."""
        entries = [] if self.archive is not None else self.model.unread(position)
        positions = sorted({*entries, *school.poison})
        if not positions:
            return None
        unread = Unread(len(positions), positions[0])
        self.notes[unread.sentence] = None
        return unread

    def opened(self, rows: Iterable[Row], only: set[tuple[str, int]] | None = None) -> list[tuple[Row, AnyEvent]]:
        """Return rows with their events, text open where the right key is there and still sealed where it is not.

        An event that cannot be read is passed over, and what follows it in its entry, which is unreadable from there
        on: the read model does not say either what stands there, and the doctor names it.
        """
        events: list[tuple[Row, AnyEvent]] = []
        parked: set[str] = set()
        for row in rows:
            if row.stream in parked or (only is not None and (row.stream, row.version) not in only):
                continue
            entry = row.topic.startswith(ENTRY)
            try:
                if entry:
                    code_of(row.state)
                events.append((row, wire.decode(row.state)))
            except (wire.Undecodable, ValueError):
                parked |= {row.stream} if entry else set()
        keys = self.keys_of(row.stream for row, event in events if event.sealed)
        return [(row, _opened(row, event, keys) if event.sealed else event) for row, event in events]

    def keys_of(self, streams: Iterable[str]) -> dict[Owner, bytes]:
        """Return the keys there are for the text of these streams; none of what was forgotten, which may still have its
        key for the moment that it takes to destroy it."""
        return self.keys.load(set(map(owner_of, streams)) - self._forgotten)

    def recorded_at(self, positions: Iterable[int]) -> dict[int, str]:
        """Return when each of these positions was recorded."""
        rows = self.ledger.reads.rows_at(sorted(set(positions)))
        return {row.position: format_moment(from_micros(row.recorded_at)) for row in rows}


def _opened(row: Row, event: AnyEvent, keys: Mapping[Owner, bytes]) -> AnyEvent:
    try:
        return wire.open_sealed(event, row.stream, row.version, keys.get(owner_of(row.stream)))
    except wire.WrongKey:
        # Keys of another ledger read nothing here; what needs no key is still answered.
        return event


def _versions(pupil: Pupil) -> tuple[int, ...]:
    """Return the versions of the roll stream in which a pupil's particulars stand."""
    latest = (pupil.admitted_version, pupil.contacts_version, pupil.groups_version, pupil.emergency_version)
    return (*latest, *pupil.particulars_versions)


def _particulars(pupil: Pupil, events: Mapping[int, AnyEvent]) -> Particulars:
    """Return a pupil's particulars from the events, opened, that they stand in."""
    known = Particulars(readable=not any(event.sealed for event in events.values()))
    # Each version is the latest of its kind, and the admission's where nothing was amended since.
    for version in sorted(events):
        match event := events[version]:
            case PupilAdmitted():
                known = _stated(known, {name: getattr(event, name) for name in PARTICULARS})
                known = known._replace(
                    groups=event.groups,
                    contacts=_people(event.contacts),
                    emergency_contacts=_people(event.emergency_contacts),
                )
            case ParticularsAmended():
                known = _stated(known, event.particulars)
            case GroupsChanged():
                known = known._replace(groups=event.groups)
            case ContactsChanged():
                known = known._replace(contacts=_people(event.contacts))
            case EmergencyContactsChanged():
                known = known._replace(emergency_contacts=_people(event.emergency_contacts))
    return known


def _people(contacts: object) -> tuple[StatedContact, ...]:
    # The models of the commands let no other field in.
    return cast(tuple[StatedContact, ...], contacts)


def _stated(known: Particulars, particulars: Mapping[str, str]) -> Particulars:
    return Particulars._make(particulars.get(name, value) for name, value in known._asdict().items())
