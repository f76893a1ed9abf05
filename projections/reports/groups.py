"""Cohorts by group: who is persistently, severely or nearly absent, and the pooled rates, of every group of pupils.

A dimension is a way to divide the pupils of the school so that every one of them is in exactly one of its groups; only
so do its numbers add up to those of the school, which disclosure control relies on. Groups that a pupil may or may not
be in, such as free school meals, are a dimension of their own: in it, or not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

import msgspec

from ledger.policy import Policy
from projections.asking.questions import Answers, Moment, Particulars
from projections.figures.absence import percent
from projections.figures.spans import year_to_date
from projections.figures.tally import Figures, Tally, bands_of, levels, pooled
from projections.records.admission import is_usual_start
from projections.reports.base import Report, about, by_age, class_of, in_force, placement_of

# A pupil is of the first that applies.
LADDERS: Mapping[str, tuple[str, ...]] = {
    "SEND": ("EHC plan", "SEN support"),
    "social worker": ("social worker", "had a social worker"),
    "looked after": ("looked after", "previously looked after"),
    "free school meals": ("free school meals",),
}
NONE_OF = {"SEND": "no SEND", "free school meals": "no free school meals"}
SEXES = {"F": "girls", "M": "boys"}


class Group(NamedTuple):
    """One group of one dimension: the places of its pupils in the tally."""

    dimension: str
    name: str
    rows: list[int]


class GroupLine(msgspec.Struct, frozen=True, kw_only=True):
    """One group's figures. Percentages of pupils are of those with a possible session; `bands` count them by
    absence."""

    dimension: str
    group: str
    figures: Figures
    persistent: int
    severe: int
    at_risk: int
    persistent_percent: float | None
    severe_percent: float | None
    at_risk_percent: float | None
    bands: dict[str, int]


class GroupsReport(Report, frozen=True, kw_only=True):
    school: GroupLine
    groups: list[GroupLine]


def groups_report(answers: Answers, moment: Moment, pupils: list[str]) -> GroupsReport:
    """Return the figures of these pupils together and by every dimension. Raises Misconfigured without their keys."""
    header, policy = about(moment), in_force(moment)
    year = year_to_date(answers, moment, pupils)
    everybody = Group("school", "whole school", list(range(len(pupils))))
    known = answers.readable_particulars(moment, pupils)
    return GroupsReport(
        **header,
        school=group_line(year, everybody, policy),
        groups=[group_line(year, group, policy) for group in divided(moment, pupils, known)],
    )


def group_line(year: Tally, group: Group, policy: Policy) -> GroupLine:
    """Return the figures of one group; severe are persistent, too."""
    figures = pooled(year, group.rows)
    level = levels(year, policy)[group.rows] if group.rows else levels(year, policy)[:0]
    at_risk, persistent, severe = (int(n) for n in ((level == 1).sum(), (level >= 2).sum(), (level == 3).sum()))
    return GroupLine(
        dimension=group.dimension,
        group=group.name,
        figures=figures,
        persistent=persistent,
        severe=severe,
        at_risk=at_risk,
        persistent_percent=percent(persistent, figures.pupils),
        severe_percent=percent(severe, figures.pupils),
        at_risk_percent=percent(at_risk, figures.pupils),
        bands=bands_of(year, group.rows),
    )


def divided(
    moment: Moment, pupils: list[str], known: Mapping[str, Particulars], *, classes: bool = True
) -> list[Group]:
    """Return the groups of every dimension; in each, every pupil once. Without `classes` that dimension is left out."""
    named = {
        "year group": _by(
            pupils, lambda pupil: f"year {placement_of(moment, pupil).year_group}", _year_names(moment, pupils)
        ),
        "class": _by(pupils, lambda pupil: class_of(moment, pupil), ()) if classes else {},
        "sex": _by(pupils, lambda pupil: SEXES.get(known[pupil].sex, "not stated"), ("girls", "boys")),
    }
    for dimension, ladder in LADDERS.items():
        rest = NONE_OF.get(dimension, f"no {dimension}")
        named[dimension] = _by(pupils, partial(_rung, known, (*ladder, rest)), (*ladder, rest))
    named["new starters"] = _by(pupils, lambda pupil: _start(moment, pupil), ("new this year", "here before"))
    others = {group for each in known.values() for group in each.groups} - {g for of in LADDERS.values() for g in of}
    for group in sorted(others):
        named[group] = _by(pupils, partial(_rung, known, (group, f"not {group}")), (group,))
    return [Group(dimension, name, rows) for dimension, groups in named.items() for name, rows in groups.items()]


def _by(pupils: list[str], of: Callable[[str], str], order: Iterable[str]) -> dict[str, list[int]]:
    """Return the places of pupils by group, in the order given and then by name."""
    places: dict[str, list[int]] = defaultdict(list)
    for row, pupil in enumerate(pupils):
        places[of(pupil)].append(row)
    first = [name for name in order if name in places]
    return {name: places[name] for name in [*first, *sorted(set(places) - set(first))]}


def _year_names(moment: Moment, pupils: list[str]) -> list[str]:
    return [
        f"year {group}" for group in sorted({placement_of(moment, pupil).year_group for pupil in pupils}, key=by_age)
    ]


def _rung(known: Mapping[str, Particulars], ladder: tuple[str, ...], pupil: str) -> str:
    """Return the first group of a ladder that a pupil is in, else the last, which is for everybody else."""
    return next((group for group in ladder[:-1] if group in known[pupil].groups), ladder[-1])


def _start(moment: Moment, pupil: str) -> str:
    """Return whether a pupil began in this school year, other than the usual start in the youngest class."""
    school, policy = moment.school, in_force(moment)
    year = school.calendar.year_begun_by(moment.as_of)
    known = school.pupils[pupil]
    began = [spell.first for spell in known.spells if spell.first <= moment.as_of]
    if year is None or not began:
        return "here before"
    start = began[-1]
    usual = is_usual_start(known.placement(start).year_group, start, school.years[year], policy)
    return "new this year" if start >= school.years[year].first_day and not usual else "here before"
