"""Frames: the columns that kernels count over, loaded from the read model and folded from the school.

A frame is a tuple of NumPy arrays of one length. Loading packs each pupil's rows into one text inside the database: one
row a pupil crosses to Python instead of one a mark, and NumPy reads the numbers. What is loaded is added up and held
against its check sums (`projections.readmodel.sums`), so that rows altered by hand are noticed before anything is
answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from ledger.codes import CODES, CodeTable
from ledger.school import School
from ledger.sessions import EPOCH_DAY
from projections.readmodel.sums import Sum, end_numbers, row_numbers

NEVER = np.int64(2**62)
ALWAYS = np.iinfo(np.int32).max  # the last session of who has not left
VERSIONS = 2**16  # more than an entry has
NONE = (1, 0)  # a span of sessions that holds none
EPOCH = date.fromordinal(EPOCH_DAY)
UNREADABLE = 255  # in place of a code: an event of the entry cannot be read, so nobody can say what stands there
LISTS: dict[str, sa.SmallInteger | sa.Text] = {"years": sa.SmallInteger(), "pupils": sa.Text()}


@lru_cache(maxsize=128)
def having(codes: CodeTable, attribute: str) -> np.ndarray:
    """Return a table from the number of a code to whether it has a property; 256 long, so that any uint8 fits."""
    table = np.zeros(256, bool)
    for code in codes.rows:
        table[code.id] = bool(getattr(code, attribute))
    table.flags.writeable = False  # it is kept for the next question
    return table


class Entries(NamedTuple):
    """Marks: `pupil` indexes `pupils` (int32), `session` and `code` are numbers (int32, uint8); a mark holds from one
    position until another (int64, NEVER while it stands)."""

    pupils: list[str]
    pupil: np.ndarray
    session: np.ndarray
    code: np.ndarray
    from_position: np.ndarray
    until_position: np.ndarray

    def known_at(self, position: int) -> Entries:
        """Return the marks that stood at a position: at most one for each pupil and session."""
        return self.where((self.from_position <= position) & (self.until_position > position))

    def as_of(self, position: int) -> Entries:
        """Return marks in every version as they were at a position: without later ones, and not ended by them."""
        known = self.where(self.from_position <= position)
        return known._replace(until_position=np.where(known.until_position > position, NEVER, known.until_position))

    def where(self, mask: np.ndarray) -> Entries:
        """Return the marks that a mask chooses; these very ones where it chooses all."""
        return self if mask.all() else self.take(np.flatnonzero(mask))

    def take(self, rows: np.ndarray) -> Entries:
        """Return these rows, in their order."""
        return Entries(self.pupils, *(_picked(column, rows) for column in self[1:]))

    def coded(self, numbers: Iterable[int]) -> np.ndarray:
        """Return a mask of the marks whose code is one of these."""
        # Some comparisons of bytes take less time than one look into a table.
        mask = np.zeros(len(self.code), bool)
        for number in numbers:
            mask |= self.code == number
        return mask

    def between(self, since: int, until: int) -> Entries:
        """Return the marks of sessions from one number to another, both inclusive."""
        if len(self.session) and since <= self.session.min() and self.session.max() <= until:
            return self
        return self.where((self.session >= since) & (self.session <= until))

    def over(self, pupils: Sequence[str]) -> Entries:
        """Return the marks of just these pupils, indexed in their order."""
        if self.pupils == list(pupils):
            return self
        place = {pupil: row for row, pupil in enumerate(pupils)}
        places = np.array([place.get(pupil, -1) for pupil in self.pupils], np.int32)
        index = places.take(self.pupil) if len(places) else self.pupil
        return self._replace(pupils=list(pupils), pupil=index).where(index >= 0)


NO_ENTRIES = Entries([], *(np.empty(0, kind) for kind in (np.int32, np.int32, np.uint8, np.int64, np.int64)))


def _picked(column: np.ndarray, rows: np.ndarray) -> np.ndarray:
    # A column that is one number throughout takes no memory, and stays so.
    return np.broadcast_to(column[:1], len(rows)) if column.strides == (0,) else column.take(rows)


def joined(frames: Sequence[Entries]) -> Entries:
    """Return the marks of frames over the same pupils as one frame."""
    if len(frames) == 1:
        return frames[0]
    columns = zip(*(frame[1:] for frame in frames), strict=True)
    return Entries(frames[0].pupils, *map(np.concatenate, columns))


def end_each(entries: Entries) -> Entries:
    """Return marks in every version, in order of pupil and session, each ended by the next of the same session."""
    ordered = entries.take(np.lexsort((entries.from_position, entries.session, entries.pupil)))
    again = (ordered.pupil[1:] == ordered.pupil[:-1]) & (ordered.session[1:] == ordered.session[:-1])
    until = np.full(len(again) + 1, NEVER)[: len(ordered.pupil)]
    until[:-1][again] = ordered.from_position[1:][again]
    return ordered._replace(until_position=until)


class Roll(NamedTuple):
    """Who was on roll: for each pupil of `pupils` the session numbers, both inclusive, of every spell (shape
    pupils x spells, empty spells as 1..0) and of compulsory school age (shape pupils x 2)."""

    pupils: list[str]
    first: np.ndarray
    last: np.ndarray
    school_age: np.ndarray

    def holds(self, pupil: np.ndarray, session: np.ndarray) -> np.ndarray:
        """Return for each (pupil index, session) whether the pupil was on roll then."""
        if not len(session):
            return np.zeros(0, bool)
        # Nearly everybody is there all the time, and then need not be looked up for each of their sessions.
        always = ((self.first <= session.min()) & (session.max() <= self.last)).any(axis=1)
        if always.all():
            return np.ones(len(session), bool)
        held = always.take(pupil)
        rows = np.flatnonzero(~held)
        who, when = pupil[rows], session[rows, None]
        held[rows] = ((self.first[who] <= when) & (when <= self.last[who])).any(axis=1)
        return held


def symbol_of(code: int) -> str:
    """Return how a code is written, "unreadable" for one that cannot be read."""
    return "unreadable" if code == UNREADABLE else CODES[code].symbol


class Altered(Exception):
    """Rows of the read model that are not those its projector wrote; says whose."""


# Of a pupil's school year: the numbers of the rows wanted as one text, how many rows there are, the sum of the others,
# and -1; of what they should come to: no text, rows, sum, and the last position.
Packed = tuple[str, int, str | None, int, int, int]


def load_entries(
    connection: sa.Connection,
    years: Sequence[int],
    pupils: Sequence[str] | None = None,
    position: int | None = None,
    at: int | None = None,
    *,
    check: bool = True,
) -> Entries:
    """Return the marks of these school years, of all pupils or of some; those standing at `position`, or every version.
    With `at`, as the read model was when it stood there, however far it has come since. With `check`, raises Altered
    where the rows do not come to their check sums."""
    rows = _packed(connection, years, pupils, position, at, check=check)
    end = next((last for _, year, *_, last in rows if not year), 0)
    sums = {(pupil, year): Sum(held, total, last) for pupil, year, _, held, total, last in rows if year and last != -1}
    packed = sorted((group for group in rows if group[-1] == -1), key=lambda group: group[:2])
    # np.fromstring reads numbers out of text; only its binary mode is deprecated.
    columns = [np.fromstring(text or "", dtype=np.int64, sep=",").reshape(-1, 3) for _, _, text, *_ in packed]
    table = np.concatenate(columns) if columns else np.empty((0, 3), np.int64)
    session, code, begins = table[:, 0] >> 8, table[:, 0] & 255, table[:, 1]
    ends = table[:, 2] // VERSIONS if check else table[:, 2]
    lengths = np.array([len(column) for column in columns], np.int64)
    if check:
        version = table[:, 2] % VERSIONS
        numbered = row_numbers(session, version, code, begins) + _ends(session, version, ends)
        _check_sums(packed, numbered, lengths, sums, end)
    names = sorted({pupil for pupil, *_ in packed})
    place = {pupil: row for row, pupil in enumerate(names)}
    entries = Entries(
        names,
        np.repeat(np.array([place[pupil] for pupil, *_ in packed], np.int32), lengths),
        session.astype(np.int32),
        code.astype(np.uint8),
        begins,
        np.where(ends == 0, NEVER, ends),
    )
    return entries if at is None or at >= end else entries.as_of(at)


def _packed(
    connection: sa.Connection,
    years: Sequence[int],
    pupils: Sequence[str] | None,
    position: int | None,
    at: int | None,
    *,
    check: bool,
) -> Sequence[Packed]:
    """Return the rows wanted of each pupil and school year; where it is checked also what they should come to, and last
    of all, without a year, the position that the read model stands at."""
    least = min((each for each in (position, at) if each is not None), default=0)
    params: dict[str, object] = {"years": list(years), "position": least}
    chosen = "year IN :years"
    if pupils is not None:
        chosen += " AND pupil IN :pupils"
        params["pupils"] = list(pupils)
    standing = "from_position <= :position AND (until_position IS NULL OR until_position > :position)"
    wanted = "TRUE" if position is None else standing
    ended = f"coalesce(until_position, 0) * {VERSIONS} + version" if check else "coalesce(until_position, 0)"
    numbers = f"(CAST(session AS bigint) * 256 + code) || ',' || from_position || ',' || ({ended})"
    together = "group_concat" if connection.dialect.name == "sqlite" else "string_agg"
    packed = f"{together}({numbers}, ',')"
    if check:
        rows_and_sums = f"""
            SELECT pupil, year, {packed} FILTER (WHERE {wanted}), count(*),
                   CAST(coalesce(sum(number) FILTER (WHERE NOT ({wanted})), 0) AS bigint), -1
            FROM entries WHERE {chosen} GROUP BY pupil, year
            UNION ALL SELECT pupil, year, NULL, held, total, last FROM sums WHERE {chosen}
        """
    else:
        rows_and_sums = f"""
            SELECT pupil, year, {packed}, 0, 0, -1 FROM entries WHERE {chosen} AND {wanted} GROUP BY pupil, year
        """
    # One statement, so that rows, sums and position are of one moment, whoever brings the read model on meanwhile.
    statement = f"""{rows_and_sums}
        UNION ALL SELECT '', 0, NULL, 0, 0, position FROM tracking WHERE name = 'entries'
    """
    bound = sa.text(statement).bindparams(
        # PostgreSQL compares even an empty list by type.
        *(sa.bindparam(name, type_=kind, expanding=True) for name, kind in LISTS.items() if name in params)
    )
    if ":position" not in statement:
        del params["position"]
    return connection.execute(bound, params).all()


def _ends(session: np.ndarray, version: np.ndarray, until: np.ndarray) -> np.ndarray:
    ended = np.flatnonzero(until)
    numbers = np.zeros(len(until), np.int64)
    numbers[ended] = end_numbers(session[ended], version[ended], until[ended])
    return numbers


def _check_sums(
    packed: Sequence[Packed],
    numbers: np.ndarray,
    lengths: np.ndarray,
    sums: dict[tuple[str, int], Sum],
    end: int,
) -> None:
    """Raise Altered unless each pupil's school year holds as many rows as its sum is of, they come to it, and none is
    from after the position that the read model is said to stand at."""
    running = np.concatenate([[0], np.cumsum(numbers)])
    loaded = np.diff(running[np.concatenate([[0], np.cumsum(lengths)])])
    for (pupil, year, _, held, others, _), total in zip(packed, loaded.tolist(), strict=True):
        kept = sums.pop((pupil, year), None)
        if kept is None or kept[:2] != (held, total + others) or kept.last > end:
            raise Altered(f"{pupil} in {year}")
    for (pupil, year), lacking in sums.items():
        if lacking.held:
            raise Altered(f"{pupil} in {year}")


def roll_of(school: School, pupils: list[str]) -> Roll:
    """Return the roll of these pupils, in their order, as the school knows it."""
    known = [school.pupils.get(number) for number in pupils]
    spells = [pupil.spells if pupil else [] for pupil in known]
    row = np.repeat(np.arange(len(pupils)), [len(each) for each in spells])
    place = np.array([place for each in spells for place in range(len(each))], int)
    shape = len(pupils), int(place.max(initial=0)) + 1
    first, last = np.full(shape, NONE[0], np.int32), np.full(shape, NONE[1], np.int32)
    first[row, place] = _mornings([spell.first for each in spells for spell in each])
    ends = [spell.last for each in spells for spell in each]
    last[row, place] = np.where([end is None for end in ends], ALWAYS, _mornings([end or EPOCH for end in ends]) + 1)
    ages = np.full((len(pupils), 2), NONE, np.int32)
    of_age = np.array([pupil is not None for pupil in known], bool)
    ages[of_age, 0] = _mornings([pupil.school_age[0] for pupil in known if pupil])
    ages[of_age, 1] = _mornings([pupil.school_age[1] for pupil in known if pupil]) + 1
    return Roll(pupils, first, last, ages)


def _mornings(days: list[date]) -> np.ndarray:
    """Return what `first_session` says of each day."""
    return (np.array([day.toordinal() for day in days], np.int64) - EPOCH_DAY) * 2


def first_session(day: date) -> int:
    """Return the number of a day's morning session."""
    return (day.toordinal() - EPOCH_DAY) * 2


def last_session(day: date) -> int:
    """Return the number of a day's afternoon session."""
    return first_session(day) + 1


class Amended(NamedTuple):
    """A version of an entry that ended another: both codes, and the position at which it did."""

    pupil: str
    session: int
    was: int
    now: int
    position: int


def amended(versions: Entries, since: int, until: int) -> list[Amended]:
    """Return the amendments after a position up to another, in order; `versions` holds at least the marks that began or
    ended then."""
    # Every event has a position of its own, so what ended there is what it amended.
    within = (versions.until_position > since) & (versions.until_position <= until)
    before = dict(zip(versions.until_position[within].tolist(), versions.code[within].tolist(), strict=True))
    now = versions.where((versions.from_position > since) & (versions.from_position <= until))
    columns = (now.pupil.tolist(), now.session.tolist(), now.code.tolist(), now.from_position.tolist())
    amendments = [
        Amended(versions.pupils[pupil], session, before[position], code, position)
        for pupil, session, code, position in zip(*columns, strict=True)
        if position in before
    ]
    return sorted(amendments, key=lambda each: each.position)
