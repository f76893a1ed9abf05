"""What evidence about a pupil says, in values: particulars, register, totals, chronology, verdicts, policy."""

from __future__ import annotations

import msgspec

from projections.asking.questions import Answer
from projections.audit.proof import Explanation, Rule
from projections.audit.record import RecordLine


class ChronologyLine(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the chronology, with its text where that can be read."""

    position: int
    stream: str
    recorded_at: str
    event: dict[str, object]


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """The event of a case that fixed its evidence: a referral, or else the notice. `digest` is the one it pinned, and
    `lines` what it is of (`ledger.pins`); both are blank where it pinned none. `withdrawn` is what came of the notice
    since, where it was withdrawn by the time that somebody asks: then it counts for nothing, and evidence says so."""

    name: str
    event: str
    position: int
    parent: str
    on: str
    sessions: list[str]
    digest: str
    lines: list[str]
    withdrawn: ChronologyLine | None


class IssuedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice of this school's about the pupil. Withdrawn (`withdrawn_at`, else None) it counts for nothing."""

    notice: str
    parent: str
    issued_on: str
    sessions: list[str]
    position: int
    withdrawn_at: str | None


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    relationship: str


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The pupil: particulars, class on the last day, days on roll and of compulsory school age, and parents."""

    name: str
    upn: str
    born: str
    sex: str
    year_group: str
    class_name: str
    spells: list[tuple[str, str | None]]
    school_age: tuple[str, str]
    parents: list[Parent]


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions of one code, none for those without a mark."""

    counts_as: str
    code: str | None
    name: str
    sessions: list[str]


class CodeKey(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    name: str
    counts_as: str
    in_force_from: str | None
    in_force_until: str | None


class Withheld(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is not here, or whose text stays sealed, and why."""

    position: int
    why: str


class Evidence(Answer, frozen=True, kw_only=True):
    """Everything that people read, in their order. `years` are the school years whose events it rests on."""

    first_day: str
    last_day: str
    years: list[int]
    blockers: list[dict[str, str | int | None]]  # findings about this pupil
    case: Pin | None
    school: dict[str, str]
    head: str
    about: About
    certificate: dict[str, int]
    totals: list[Total]
    register: list[RecordLine]
    codes: list[CodeKey]
    chronology: list[ChronologyLine]
    notices: list[IssuedNotice]
    penalty: Explanation
    absence: Explanation
    settings: list[Rule]
    withheld: list[Withheld]
