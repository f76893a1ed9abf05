"""Governors' totals: the school and its groups, with small numbers hidden and no way to subtract them out.

Every dimension divides the same pupils, so its counts add up to the school's, and within a group persistent and other
pupils add up to all. All of it together is one system of sums, given to `projections.figures.disclosure`. A group whose
size is hidden shows nothing else either; a count that is hidden takes its percentage with it.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from projections.asking.questions import Answers, Moment
from projections.figures.disclosure import Sum, hidden
from projections.figures.spans import year_to_date
from projections.figures.tally import Figures
from projections.reports.base import Report, about, in_force
from projections.reports.groups import Group, GroupLine, divided, group_line

SCHOOL = ("school", "whole school")
COUNTS = ("pupils", "persistent", "severe")  # shown
LEAVES = ("others", "severe", "persistent only")  # what they are made of


class Count(NamedTuple):
    """The key of a count: which pupils of a group. "others" are not persistent, "persistent only" not severe."""

    dimension: str
    group: str
    pupils: str


class GovernorLine(msgspec.Struct, frozen=True, kw_only=True):
    """One group. None is hidden where `hidden` names the figure, and of nothing possible where it does not."""

    dimension: str
    group: str
    pupils: int | None
    attendance_percent: float | None
    authorised_percent: float | None
    unauthorised_percent: float | None
    persistent: int | None
    persistent_percent: float | None
    severe: int | None
    severe_percent: float | None
    hidden: list[str]


class GovernorsReport(Report, frozen=True, kw_only=True):
    hide_below: int
    school: GovernorLine
    groups: list[GovernorLine]


def governors_report(answers: Answers, moment: Moment, pupils: list[str]) -> GovernorsReport:
    """Return what governors may see of these pupils' year to date. Raises Misconfigured without the pupils' keys."""
    header, policy = about(moment), in_force(moment)
    year = year_to_date(answers, moment, pupils)
    known = answers.readable_particulars(moment, pupils)
    school = group_line(year, Group(*SCHOOL, list(range(len(pupils)))), policy)
    lines = [group_line(year, group, policy) for group in divided(moment, pupils, known, classes=False)]
    lines = _telling(lines)
    covered = covered_counts([school, *lines], policy.hide_below)
    return GovernorsReport(
        **header,
        hide_below=policy.hide_below,
        school=_shown(school, covered),
        groups=[_shown(line, covered) for line in lines],
    )


def covered_counts(lines: list[GroupLine], hide_below: int, *, complementary: bool = True) -> frozenset[Count]:
    """Return the counts to hide; the first line is the school's, the others divide it by dimension."""
    counts, sums = count_table(lines)
    rows = {Count(*_named(line), "pupils"): tuple(k for k in counts if k[:2] == _named(line)) for line in lines}
    return hidden(
        counts,
        sums,
        hide_below,
        unseen=[key for key in counts if key.pupils not in COUNTS],
        along=rows,
        last=rows[Count(*_named(lines[0]), "pupils")],
        complementary=complementary,
    )


def count_table(lines: list[GroupLine]) -> tuple[dict[Count, int], list[Sum]]:
    """Return every count that is shown or follows from one, and the sums that hold among them."""
    counts: dict[Count, int] = {}
    sums: list[Sum] = []
    for line in lines:
        all_of, others, persistent, severe, rest = (
            Count(*_named(line), pupils) for pupils in ("pupils", "others", "persistent", "severe", "persistent only")
        )
        size = line.figures.pupils
        counts |= {all_of: size, others: size - line.persistent, persistent: line.persistent}
        counts |= {severe: line.severe, rest: line.persistent - line.severe}
        sums += [Sum(all_of, (others, persistent)), Sum(persistent, (severe, rest))]
    school, *groups = lines
    for dimension in dict.fromkeys(line.dimension for line in groups):
        members = [line for line in groups if line.dimension == dimension]
        for pupils in ("pupils", "persistent", *LEAVES):
            parts = tuple(Count(*_named(line), pupils) for line in members)
            sums.append(Sum(Count(*_named(school), pupils), parts))
    return counts, sums


def _named(line: GroupLine) -> tuple[str, str]:
    return line.dimension, line.group


def _telling(lines: list[GroupLine]) -> list[GroupLine]:
    """Return the lines of dimensions that divide anybody from anybody."""
    sizes: dict[str, int] = {}
    for line in lines:
        sizes[line.dimension] = sizes.get(line.dimension, 0) + (line.figures.pupils > 0)
    return [line for line in lines if sizes[line.dimension] > 1 and line.figures.pupils]


def _shown(line: GroupLine, covered: frozenset[Count]) -> GovernorLine:
    figures: Figures = line.figures
    whole, persistent, severe = (Count(*_named(line), pupils) not in covered for pupils in COUNTS)
    return GovernorLine(
        dimension=line.dimension,
        group=line.group,
        pupils=figures.pupils if whole else None,
        attendance_percent=figures.attendance_percent if whole else None,
        authorised_percent=figures.authorised_percent if whole else None,
        unauthorised_percent=figures.unauthorised_percent if whole else None,
        persistent=line.persistent if persistent else None,
        persistent_percent=line.persistent_percent if persistent else None,
        severe=line.severe if severe else None,
        severe_percent=line.severe_percent if severe else None,
        hidden=[name for name, seen in zip(COUNTS, (whole, persistent, severe), strict=True) if not seen],
    )
