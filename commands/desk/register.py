"""Tables of entries: a register as a grid with everything amended under it, and a history line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from commands.desk.pupils import Names, name_of
from commands.desk.tables import london, table
from commands.files.section import Part, Section
from ledger.people import signature
from ledger.sessions import format_clock, parse_moment
from ledger.text import one_line
from projections.records.registers import EntryAnswer, MarkAnswer, ReceivedAnswer, RegisterAnswer, SessionAnswer

HALVES = ("AM", "PM")


def register_parts(register: RegisterAnswer, names: Names, simulated: bool) -> list[Part]:
    """Return a register as its grid, a line for each half about who took it, and the entries that say more."""
    title = f"Register of {register.class_name}, {register.day}"
    grid = table(title, simulated, pupil="left", name="left", AM="left", PM="left")
    lines = {(line.pupil, line.session[-2:]): line for line in register.lines}
    for pupil in sorted({line.pupil for line in register.lines}):
        grid.add_row(pupil, name_of(pupil, names), *(_cell(lines[pupil, half]) for half in HALVES))
    taken = [_taken(register, half) for half in HALVES]
    speaking = [line for line in register.lines if _says_more(line)]
    if not speaking:
        return [grid, *taken]
    amended = table("Amended or explained", simulated, pupil="left", session="left", **MARK_COLUMNS)
    for line in speaking:
        _add_marks(amended, [line.pupil, line.session], line.entries)
    return [grid, *taken, amended]


def history_table(pupil: str, entries: Iterable[EntryAnswer], names: Names, simulated: bool) -> Section:
    """Return a pupil's entries, one line for each thing that they ever said."""
    made = table(f"Entries of {pupil}, {name_of(pupil, names)}", simulated, session="left", **MARK_COLUMNS)
    for answer in entries:
        _add_marks(made, [answer.session], answer.entries)
    return made


def received_lines(records: Iterable[ReceivedAnswer]) -> list[str]:
    """Return a line for each record of a former school, whose entries are not in this register."""
    return [
        one_line(
            f"record of {each.name} (URN {each.school}) as of {each.as_of}: {each.sessions} sessions and "
            f"{each.notices} notices, received {london(each.recorded_at)} (position {each.position})"
        )
        for each in records
    ]


MARK_COLUMNS = {
    "entry": "left",
    "code": "left",
    "detail": "left",
    "recorded": "left",
    "by": "left",
    "why": "left",
    "position": "right",
}


def _add_marks(made: Section, place: list[str], marks: list[MarkAnswer]) -> None:
    """Add a line for each mark; the place stands in the first only."""
    for number, mark in enumerate(marks):
        made.add_row(
            *(place if number == 0 else [""] * len(place)),
            "amended" if number else "asserted" if mark.via == "import" else "original",
            mark.code,
            one_line(mark.detail),
            london(mark.recorded_at),
            _by(mark),
            one_line(mark.reason or mark.cites),
            str(mark.position),
        )


def _cell(line: SessionAnswer) -> str:
    """Return what one session's place in the grid shows: original, then amended code, and what else is known."""
    beside = []
    if line.expected is not None and line.expected != line.code:
        beside.append(f"expects {line.expected}")
    if line.refused_by is not None:
        beside.append(f"refused {line.refused_by}")
    if line.arrived_at:
        beside.append(f"arrived {format_clock(parse_moment(line.arrived_at)).removesuffix(':00')}")
    if line.reports:
        beside.append("reported")
    if line.asserted:
        beside.append("asserted")
    shown = "missing" if line.missing else " > ".join(mark.code for mark in line.entries)
    return f"{shown} ({', '.join(beside)})".strip() if beside else shown


def _taken(register: RegisterAnswer, half: str) -> str:
    """Return when the register of a half was taken and closed, and who made how many of its original entries."""
    signed = Counter(_by(line.entries[0]) for line in register.lines if line.entries and line.session.endswith(half))
    when = [
        f"{verb} {london(at)[11:]}"
        for verb, at in (("taken", register.taken[half]), ("closed", register.closed[half]))
        if at
    ]
    return f"{half}: " + "; ".join(
        [", ".join(when) or "not taken", *(f"{count} by {who}" for who, count in signed.most_common())]
    )


def _says_more(line: SessionAnswer) -> bool:
    return any(number or mark.detail or mark.reason or mark.cites for number, mark in enumerate(line.entries))


def _by(mark: MarkAnswer) -> str:
    return one_line(signature(mark.by)) if mark.by.name else "unknown"
