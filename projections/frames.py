"""Frames: the columns that kernels count over, loaded from the read model and folded from the school.

A frame is a tuple of NumPy arrays of one length. Loading packs each pupil's rows into one text inside the database: one
row a pupil crosses to Python instead of one a mark, and NumPy reads the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa

from ledger.school import School
from ledger.sessions import EPOCH_DAY

NEVER = np.int64(2**62)
ALWAYS = np.iinfo(np.int32).max  # the last session of who has not left
NONE = (1, 0)  # a span of sessions that holds none
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
        chosen = np.flatnonzero(mask)
        if len(chosen) == len(mask):
            return self
        return Entries(self.pupils, *(column[chosen] for column in self[1:]))

    def over(self, pupils: Sequence[str]) -> Entries:
        """Return the marks of just these pupils, indexed in their order."""
        if self.pupils == list(pupils):
            return self
        place = {pupil: row for row, pupil in enumerate(pupils)}
        places = np.array([place.get(pupil, -1) for pupil in self.pupils], np.int32)
        index = places[self.pupil] if len(places) else self.pupil
        kept = index >= 0
        return Entries(list(pupils), index[kept], *(column[kept] for column in self[2:]))


def joined(frames: Sequence[Entries]) -> Entries:
    """Return the marks of frames over the same pupils as one frame."""
    if len(frames) == 1:
        return frames[0]
    columns = zip(*(frame[1:] for frame in frames), strict=True)
    return Entries(frames[0].pupils, *map(np.concatenate, columns))


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
        held = always[pupil]
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
    spells = [
        [(first_session(each.first), last_session(each.last) if each.last else ALWAYS) for each in pupil.spells]
        if pupil
        else []
        for pupil in known
    ]
    most = max([1, *map(len, spells)])
    spans = np.array([[*each, *[NONE] * (most - len(each))] for each in spells], np.int32).reshape(-1, most, 2)
    ages = [
        (first_session(pupil.school_age[0]), last_session(pupil.school_age[1])) if pupil else NONE for pupil in known
    ]
    return Roll(pupils, spans[:, :, 0], spans[:, :, 1], np.array(ages, np.int32).reshape(-1, 2))


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
