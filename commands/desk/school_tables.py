"""Tables of many schools: where each stands, and their pooled figures."""

from __future__ import annotations

from commands.desk.tables import london, percent_of, table
from commands.files.section import Section
from ledger.text import one_line
from projections.many.pooled import (
    Pooled,
    PooledAbsence,
    PooledPenalty,
    SchoolAbsence,
    SchoolLine,
    SchoolPenalty,
)
from projections.many.schools import SchoolState


def schools_table(states: list[SchoolState]) -> Section:
    made = table(
        "Schools",
        any(state.simulated for state in states),
        school="left",
        URN="left",
        name="left",
        position="right",
        recorded="left",
        behind="right",
        parked="right",
        fault="left",
    )
    for state in states:
        recorded = london(state.recorded_at) if state.recorded_at else ""
        counts = (str(state.behind), str(state.parked or ""))
        name = one_line(state.name)
        made.add_row(state.school, state.urn, name, str(state.position), recorded, *counts, one_line(state.fault))
    return made


def pooled_absence_table(lines: list[SchoolAbsence], together: PooledAbsence) -> Section:
    made = table(
        "Absence of schools, year to date",
        together.simulated,
        school="left",
        name="left",
        possible="right",
        attended="right",
        authorised="right",
        unauthorised="right",
        missing="right",
        absence="right",
        enrolments="right",
        persistent="right",
        severe="right",
        position="right",
        policy="left",
    )
    everything: list[SchoolAbsence | PooledAbsence] = [*lines, together]
    for line in everything:
        figures = line.figures
        sums = (figures.possible, figures.attended, figures.authorised, figures.unauthorised, figures.missing)
        cohorts = (_share(line.persistent, line.persistent_percent), _share(line.severe, line.severe_percent))
        counts = (*map(str, sums), percent_of(figures.absence_percent), str(figures.pupils), *cohorts)
        made.add_row(*_school_of(line), *counts, *_rests_on(line))
    return made


def pooled_penalty_table(lines: list[SchoolPenalty], together: PooledPenalty) -> Section:
    made = table(
        "Penalty windows of schools",
        together.simulated,
        school="left",
        name="left",
        weeks="left",
        threshold="right",
        pupils="right",
        met="right",
        position="right",
        policy="left",
    )
    for line in lines:
        weeks = f"{line.first_week} to {line.last_week}" if line.first_week else ""
        counts = (str(line.threshold), str(line.pupils), str(line.met))
        made.add_row(*_school_of(line), weeks, *counts, *_rests_on(line))
    made.add_row(*_school_of(together), "", "", str(together.pupils), str(together.met), *_rests_on(together))
    return made


def _school_of(line: SchoolLine | Pooled) -> tuple[str, str]:
    """Return the first cells of a school's line, or of the pooled one."""
    return ("pooled", "") if isinstance(line, Pooled) else (line.school, one_line(line.name))


def _rests_on(line: SchoolLine | Pooled) -> tuple[str, str]:
    return ("", "") if isinstance(line, Pooled) else (str(line.position), line.policy)


def _share(count: int, percent: float | None) -> str:
    return f"{count} ({percent_of(percent)})"
