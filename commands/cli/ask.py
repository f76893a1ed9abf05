"""Verbs that answer: absence and penalty windows, about any day, as known at any moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.cli.options import (
    PLAIN,
    AsOfOption,
    JsonOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    note,
    opened,
    parse_day,
    parse_known_at,
    say_json,
)
from ledger.errors import Refused

if TYPE_CHECKING:
    from commands.wiring import House
    from ledger.note import VerifierKey
    from projections.questions import Moment

verbs = typer.Typer(**PLAIN)

Pupils = Annotated[
    list[str] | None, typer.Argument(metavar="PUPIL...", help="Admission numbers, also of pupils who have left.")
]

ArchiveOption = Annotated[
    Path | None,
    typer.Option("--archive", metavar="FOLDER", help="Read marks from an archive and the ledger's tail after it."),
]
ArchiveKeyOption = Annotated[
    str | None,
    typer.Option("--verifier", metavar="KEY", help="Whose key must have signed the archive: what key.pub holds."),
]


@verbs.command("absence")
def ask_absence(
    pupils: Pupils = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    leavers: Annotated[bool, typer.Option("--leavers", help="Also who left in that school year.")] = False,
    year_group: Annotated[str | None, typer.Option("--year-group", metavar="TEXT", help="Only this one.")] = None,
    class_name: Annotated[str | None, typer.Option("--class", metavar="CLASS", help="Only this one.")] = None,
    group: Annotated[str | None, typer.Option("--group", metavar="TEXT", help="Only this one.")] = None,
    archive: ArchiveOption = None,
    verifier: ArchiveKeyOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who attended what, and who is persistently absent.

    Possible, attended, authorised, unauthorised and missing sessions of the year to date, for the pupils on roll.

    \b
    Example: attendance absence --as-of 2025-12-12 --known-at 2026-01-16 --class 5T
    """
    about, known = parse_day("--as-of", as_of), parse_known_at(known_at)
    if pupils and (year_group or class_name or group):
        raise Refused("malformed", field="PUPIL", expected="either pupils or a year group, class or group")
    from projections.cohorts import absence_answers, bands, who

    with opened(ledger, keys) as house:
        read_from(house, archive, verifier)
        moment = house.answers.moment(about, known)
        if pupils:
            chosen = known_pupils(moment, pupils)
        else:
            chosen = who(
                house.answers, moment, leavers=leavers, year_group=year_group, class_name=class_name, group=group
            )
            note_nobody(chosen, {"year group": year_group, "class": class_name, "group": group})
        found = absence_answers(house.answers, moment, chosen)
        if as_json:
            say_json(told_from(house, found))
            return
        from commands.cli.tables import absence_table, band_line, show

        note_lost_keys(house)
        names = house.answers.particulars(moment, [answer.pupil for answer in found])
        show(
            absence_table(found, names, house.simulated),
            band_line(bands(found)),
            *lines_under(house, moment),
        )


@verbs.command("penalty")
def ask_penalty(
    pupils: Pupils = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    ladder: Annotated[bool, typer.Option("--ladder", help="Each parent's cases and what comes next.")] = False,
    archive: ArchiveOption = None,
    verifier: ArchiveKeyOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count the rolling ten school weeks, per pupil and parent.

    Without pupils, everybody who has ever been on roll and has a session counted. With --ladder, what was considered,
    required, referred, issued, paid and prosecuted about each parent, and what has to be decided next.

    \b
    Example: attendance penalty 1042 --as-of 2025-12-12 --known-at 2025-12-12T17:00
    """
    about, known = parse_day("--as-of", as_of), parse_known_at(known_at)
    from projections.cohorts import penalty_answers

    with opened(ledger, keys) as house:
        read_from(house, archive, verifier)
        moment = house.answers.moment(about, known)
        chosen = known_pupils(moment, pupils) if pupils else sorted(moment.school.pupils)
        if ladder:
            from commands.cli.ladder import tell_ladder

            tell_ladder(house, moment, chosen, named=bool(pupils), as_json=as_json)
            return
        found = penalty_answers(house.answers, moment, chosen, empty=bool(pupils))
        if as_json:
            say_json(told_from(house, found))
            return
        from commands.cli.tables import counted_table, penalty_table, show, weeks_line

        note_lost_keys(house)
        names = house.answers.particulars(moment, [answer.pupil for answer in found])
        counted = [counted_table(answer, house.simulated) for answer in found if pupils and answer.sessions]
        show(
            penalty_table(found, names, house.simulated),
            *counted,
            *weeks_line(found),
            *lines_under(house, moment),
        )


def read_from(house: House, folder: Path | None, verifier: str | None) -> None:
    """Have marks read from the archive in a folder, where one is given, after its signature was checked where a key is
    named. Raises Misconfigured where it is not of this ledger, or that key did not sign it."""
    if folder is None:
        if verifier is not None:
            raise Refused("malformed", field="--verifier", expected="an archive whose signature it checks")
        return
    from projections.archive.reading import open_archive

    archive = open_archive(folder, house.ledger, archive_key(verifier))
    house.read_from(archive)
    if not archive.signed_by:
        note("the archive is unsigned as far as anybody here knows: --verifier KEY says whose key must have signed it")


def archive_key(verifier: str | None) -> VerifierKey | None:
    from ledger.note import parse_key

    return None if verifier is None else parse_key(verifier)


def told_from(house: House, found: Sequence[Any]) -> Sequence[Any]:
    """Return answers for JSON, each with what it was read from, where that is an archive."""
    archive = house.answers.archive
    if archive is None:
        return found
    import msgspec

    return [msgspec.to_builtins(each) | {"archive": archive.signature} for each in found]


def lines_under(house: House, moment: Moment) -> list[str]:
    """Return the lines under a table: the archive that it was read from, where it was one, and the moment."""
    from projections.cohorts import described

    archive = house.answers.archive
    read = [] if archive is None else [f"marks from an archive, {archive.signature}"]
    return [*read, described(moment)]


def known_pupils(moment: Moment, numbers: list[str]) -> list[str]:
    """Return the pupils named, each once. Refuses one whom this ledger did not know at that moment."""
    for number in numbers:
        if number not in moment.school.pupils:
            raise Refused("pupil_not_on_roll", field="pupil", value=number, expected="a pupil known at that moment")
    return sorted(set(numbers))


def note_nobody(chosen: list[str], filters: dict[str, str | None]) -> None:
    """Say so where the filters choose nobody: a class that was mistyped looks like one without absences."""
    asked = [f"{name} {value!r}" for name, value in filters.items() if value is not None]
    if asked and not chosen:
        note(f"nobody is in {' and '.join(asked)} that day")


def check_has_been(moment: Moment, option: str, day: date) -> None:
    """Refuse a day that had not come when that was known which is to be signed for."""
    if day > moment.known_on:
        expected = f"a day no later than that of the knowledge, {moment.known_on}"
        raise Refused("malformed", field=option, value=day, expected=expected)


def note_lost_keys(house: House) -> None:
    if house.keys.lost:
        note(f"the key store {house.keys.address} is missing, so names stay sealed")


def deciding_moment(house: House, at: datetime | None) -> Moment:
    """Return the moment that a command is decided at: the end of the ledger, as of the day that its clock shows, or on
    a simulated ledger that of the time given. Refuses: ledger_is_system, time_runs_backwards."""
    from commands.deciding.state import london_day
    from commands.handle import time_of

    now, _ = time_of(at, house.ledger, house.simulated, house.ledger.now)
    return house.answers.moment(london_day(now))
