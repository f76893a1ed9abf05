"""Tables of absence and of penalty windows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from commands.desk.pupils import Names, name_of, parent_name
from commands.desk.tables import london, percent_of, table
from commands.files.section import Section
from ledger.words import counted
from projections.figures.cohorts import AbsenceAnswer
from projections.figures.penalty import PenaltyWindow


def absence_table(answers: Iterable[AbsenceAnswer], names: Names, simulated: bool) -> Section:
    section = table(
        "Absence, year to date",
        simulated,
        pupil="left",
        name="left",
        possible="right",
        attended="right",
        authorised="right",
        unauthorised="right",
        missing="right",
        attendance="right",
        absence="right",
        cohort="left",
    )
    for answer in answers:
        counts = (answer.possible, answer.attended, answer.authorised, answer.unauthorised, answer.missing)
        shares = (percent_of(answer.attendance_percent), percent_of(answer.absence_percent))
        section.add_row(answer.pupil, name_of(answer.pupil, names), *map(str, counts), *shares, _cohort(answer))
    return section


def band_line(counts: Mapping[str, int]) -> str:
    """Return how many pupils are in each band of absence that anyone is in, as one line."""
    return "pupils by absence: " + (
        ", ".join(f"{count} at {band}" for band, count in counts.items() if count) or "none"
    )


def _cohort(answer: AbsenceAnswer) -> str:
    if answer.severe:
        return "severe"
    return "persistent" if answer.persistent else "at risk" if answer.at_risk else ""


def penalty_table(answers: Iterable[PenaltyWindow], names: Names, simulated: bool) -> Section:
    """Return a line a pupil, and under it a line for each parent, whose notices of three years stand beside it."""
    section = table(
        "Penalty window",
        simulated,
        pupil="left",
        parent="left",
        name="left",
        count="right",
        met="left",
        met_on="left",
        still_N="right",
        notices_in_three_years="right",
        codes="left",
    )
    for answer in answers:
        codes = Counter(session.code for session in answer.sessions)
        section.add_row(
            answer.pupil,
            "",
            name_of(answer.pupil, names),
            f"{answer.count} of {answer.threshold}",
            _met(answer.met),
            answer.met_on or "",
            str(answer.unresolved),
            "",
            ", ".join(f"{count} {code}" for code, count in sorted(codes.items())),
        )
        for line in answer.parents:
            section.add_row(
                "",
                line.parent,
                parent_name(answer.pupil, line.parent, names),
                f"{line.count} of {answer.threshold}",
                _met(line.met),
                line.met_on or "",
                "",
                str(line.notices_in_three_years),
                "",
            )
    return section


def counted_table(answer: PenaltyWindow, simulated: bool) -> Section:
    """Return the sessions that one pupil's window counts, each with the event that gave its code."""
    section = table(
        f"Sessions counted for {answer.pupil}",
        simulated,
        session="left",
        code="left",
        recorded="left",
        position="right",
        **({"school": "left"} if any(each.school for each in answer.sessions) else {}),
    )
    for each in answer.sessions:
        row = [each.session, each.code, london(each.recorded_at), str(each.position)]
        section.add_row(*row, *([each.school] if each.school else []))
    return section


def weeks_line(weeks: Sequence[date]) -> str:
    """Return the school weeks of a window in a line, blank where there are none."""
    if len(weeks) < 2:
        return f"1 school week, that of {weeks[0]}" if weeks else ""
    return f"{counted(len(weeks), 'school week')}, from that of {weeks[0]} to that of {weeks[-1]}"


def _met(met: bool) -> str:
    return "met" if met else ""
