"""What `verify.py` reads of the members of a bundle: events as they are stored, and what the evidence says, by name."""

from __future__ import annotations

from typing import TypedDict


class Said(TypedDict, total=False):
    """What an event says; each has the fields of its type."""

    type: str
    x: str
    simulated: bool
    urn: str
    name: str
    la: str
    estab: str
    from_day: str
    policy: str
    title: str
    edition: str
    settings: dict[str, dict[str, object]]
    codes: str
    rules: str
    role: str
    holders: list[list[str]]
    year: int
    first_day: str
    last_day: str
    closed: list[list[str]]
    hours: list[list[str]]
    starting_day: str
    school_age_first: str
    school_age_last: str
    upn: str
    born: str
    sex: str
    particulars: "Said"
    parents: list[str]
    contacts: list[dict[str, str]]
    year_group: str
    class_name: str
    c: str
    detail: str
    by: list[str]
    reason: str
    via: str
    source: str
    cites: str
    pupils: list[str]
    ss: list[str]
    parent: str
    issued_on: str
    referred_on: str
    seen: int
    digest: str
    marks: dict[str, str]
    notices: list[tuple[str, str, str, list[str]]]


class Row(TypedDict):
    """A stored row, and from `leaf` on what was made of it."""

    position: int
    stream: str
    version: int
    topic: str
    recorded_at: int
    state: bytes
    leaf: bytes
    event: Said
    owner: str
    at: str
    said: Said
    open: bool


class Mark(TypedDict):
    """One thing that an entry said."""

    code: str
    detail: str
    recorded_at: str
    by: dict[str, str]
    reason: str
    position: int
    via: str
    cites: str


class Told(TypedDict):
    """An event as the chronology has it."""

    position: int
    stream: str
    recorded_at: str
    event: Said


class Notice(TypedDict):
    notice: str
    parent: str
    issued_on: str
    sessions: list[str]
    position: int
    withdrawn_at: str | None


class Case(TypedDict):
    name: str
    event: str
    position: int
    parent: str
    on: str
    sessions: list[str]
    digest: str
    lines: list[str]
    withdrawn: Told | None


class Line(TypedDict):
    session: str
    code: str | None
    original: str | None
    counts_as: str
    entries: list[Mark]


class Total(TypedDict):
    counts_as: str
    code: str | None
    sessions: list[str]


class Rule(TypedDict):
    setting: str
    value: object
    source: str


class Proof(TypedDict):
    rules: list[Rule]
    weeks: list[str]
    sessions: list[Line]
    counts: dict[str, int]
    verdicts: dict[str, bool]
    met_on: str | None


class About(TypedDict):
    name: str
    upn: str
    born: str
    sex: str
    year_group: str
    class_name: str
    spells: list[list[str | None]]
    school_age: list[str]
    parents: list[dict[str, str]]


class Evidence(TypedDict):
    pupil: str
    as_of: str
    known_at: str
    position: int
    simulated: bool
    policy: str
    rules: str
    draft: bool
    blockers: list[object]
    seal: object
    case: Case | None
    school: dict[str, str]
    head: str
    about: About
    first_day: str
    last_day: str
    years: list[int]
    certificate: dict[str, int]
    register: list[Line]
    totals: list[Total]
    codes: list[dict[str, str]]
    chronology: list[Told]
    notices: list[Notice]
    penalty: Proof
    absence: Proof
    settings: list[Rule]


class Year(TypedDict):
    """A line of the list of years that was sealed, and its proof."""

    index: int
    line: str
    proof: str
