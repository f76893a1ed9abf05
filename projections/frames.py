"""Frames: the columns that kernels count over, loaded from the read model and folded from the school.

A frame is a tuple of NumPy arrays of one length. Loading packs each pupil's rows into one text inside the database: one
row a pupil crosses to Python instead of one a mark, and NumPy reads the numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa

from ledger.school import School
from ledger.sessions import EPOCH_DAY

NEVER = np.int64(2**62)
ALWAYS = np.iinfo(np.int32).max  # the last session of who has not left
NONE = (1, 0)  # a span of sessions that holds none
EPOCH = date.fromordinal(EPOCH_DAY)
LISTS: dict[str, sa.types.TypeEngine[Any]] = {"years": sa.SmallInteger(), "pupils": sa.Text()}


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


def load_entries(
    connection: sa.Connection, years: Sequence[int], pupils: Sequence[str] | None = None, position: int | None = None
) -> Entries:
    """Return the marks of these school years, of all pupils or of some; those standing at `position`, or every
    version."""
    clauses = ["year IN :years"]
    params: dict[str, object] = {"years": list(years)}
    if pupils is not None:
        clauses.append("pupil IN :pupils")
        params["pupils"] = list(pupils)
    if position is not None:
        clauses.append("from_position <= :position AND (until_position IS NULL OR until_position > :position)")
        params["position"] = position
    numbers = "(session * 256 + code) || ',' || from_position || ',' || coalesce(until_position, 0)"
    together = "group_concat" if connection.dialect.name == "sqlite" else "string_agg"
    statement = f"SELECT pupil, {together}({numbers}, ',') FROM entries WHERE {' AND '.join(clauses)} GROUP BY pupil"
    bound = sa.text(statement).bindparams(
        # PostgreSQL compares even an empty list by type.
        *(sa.bindparam(name, type_=kind, expanding=True) for name, kind in LISTS.items() if name in params)
    )
    found = sorted(tuple(row) for row in connection.execute(bound, params))
    # np.fromstring reads numbers out of text; only its binary mode is deprecated.
    columns = [np.fromstring(text, dtype=np.int64, sep=",").reshape(-1, 3) for _, text in found]
    table = np.concatenate(columns) if columns else np.empty((0, 3), np.int64)
    return Entries(
        [pupil for pupil, _ in found],
        np.repeat(np.arange(len(found), dtype=np.int32), [len(column) for column in columns]),
        (table[:, 0] >> 8).astype(np.int32),
        (table[:, 0] & 255).astype(np.uint8),
        table[:, 1],
        np.where(table[:, 2] == 0, NEVER, table[:, 2]),
    )


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


def load_touched(connection: sa.Connection, position: int) -> Entries:
    """Return, in every version that began or ended after a position, the marks of all pupils and school years."""
    statement = (
        "SELECT pupil, session, code, from_position, until_position FROM entries "
        "WHERE from_position > :position OR until_position > :position"
    )
    rows = connection.execute(sa.text(statement), {"position": position}).all()
    pupils = sorted({row.pupil for row in rows})
    place = {pupil: index for index, pupil in enumerate(pupils)}
    return Entries(
        pupils,
        np.array([place[row.pupil] for row in rows], np.int32),
        np.array([row.session for row in rows], np.int32),
        np.array([row.code for row in rows], np.uint8),
        np.array([row.from_position for row in rows], np.int64),
        np.array([row.until_position or NEVER for row in rows], np.int64),
    )
