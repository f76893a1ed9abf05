"""The verbs that ask: one frame opens the ledger, makes the moment and gives the answer to a screen or a file.

`asks` gives a verb the options that every question has. The verb returns its answer, which is the JSON, and its
sections, which are the rest: screen, table, book and paper are made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from commands.cli.arguments import ArchiveKeyOption, ArchiveOption
from commands.cli.files import out_path
from commands.cli.options import (
    AsOfOption,
    JsonOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    note,
    opened,
    parse_day,
    parse_known_at,
)
from commands.cli.parameters import Verbs, parameters_of
from commands.cli.pupils import chosen_pupils, known_pupils, nobody
from commands.cli.report_files import PDF, write_parts
from commands.cli.speech import say, say_json
from commands.cli.tables import Part, show
from commands.wiring import House
from ledger.errors import Refused
from ledger.note import parse_key
from projections.asking.questions import Answers, Moment, Particulars
from projections.figures.cohorts import described

PDF_CSV_XLSX = (".pdf", ".csv", ".xlsx")
AnswerFile = Annotated[
    str | None,
    typer.Option("-o", "--output", metavar="FILE", help="Into FILE.pdf, FILE.csv or FILE.xlsx. [default the screen]"),
]


class Question:
    """What a verb that asks is given: the house, and the moment that it is asked about. Each is there when it is first
    looked at, so what is refused for itself is refused before anything is read."""

    def __init__(self, enter: Callable[[], House], day: date | None, known_at: datetime | None, as_json: bool) -> None:
        self.day, self.known_at, self.as_json, self._enter = day, known_at, as_json, enter

    @cached_property
    def house(self) -> House:
        return self._enter()

    @cached_property
    def moment(self) -> Moment:
        return self.at(self.day, self.known_at)

    @property
    def answers(self) -> Answers:
        return self.house.answers

    @property
    def simulated(self) -> bool:
        return self.house.simulated

    def at(self, day: date | None, known_at: datetime | None) -> Moment:
        """Return another moment than the one that is asked about."""
        return self.answers.moment(day, known_at)

    def names(self, pupils: Iterable[str]) -> Mapping[str, Particulars]:
        """Return the particulars of pupils as known at the moment."""
        return self.answers.particulars(self.moment, pupils)

    def known(self, pupils: list[str]) -> list[str]:
        """Return the pupils named, each once. Refuses one whom this ledger did not know at the moment."""
        return known_pupils(self.moment, pupils)

    def chosen(
        self, pupils: list[str] | None, moment: Moment | None = None, *, leavers: bool = False, **filters: str | None
    ) -> list[str]:
        """Return the pupils named, else whom the filters choose, and say so where they choose nobody."""
        chosen = chosen_pupils(self.answers, moment or self.moment, pupils, leavers=leavers, **filters)
        note_nobody(chosen, {name.removesuffix("_name").replace("_", " "): each for name, each in filters.items()})
        return chosen


class Reply(NamedTuple):
    """What a verb that asks returns: the answer, its title, and what makes its sections and lines, names opened;
    `remark` stands before the two times, `times` in their place, `above` and `below` over and under everything on a
    screen.

    `moment` is another than the question's, for files. Where no names stand in it (`named`), lost keys are no matter.
    `book` writes the answer's own form of a table or a book, and says so. `code` is the exit code.
    """

    answer: Any
    title: str
    parts: Callable[[], Iterable[Part]]
    remark: str = ""
    code: int = 0
    times: str = ""
    above: str = ""
    below: str = ""
    moment: Callable[[], Moment] | None = None
    named: bool = True
    book: Callable[[Path], str] | None = None


def asks(
    app: Verbs,
    name: str,
    *,
    day: str = "as_of",
    known: bool = True,
    archive: bool = False,
    examining: bool = False,
) -> Callable[[Callable[..., Reply]], Callable[..., Reply]]:
    """Return a decorator that makes a verb of a function from a question and its arguments to a reply.

    `day` names the argument that says which day it is about, where that is not --as-of; blank where none does. Without
    `known` there is no --known-at; with `archive`, marks can be read from one; with `examining`, the ledger may have
    faults.
    """
    left_out = {*(() if day == "as_of" else ("as_of",)), *(() if known else ("known_at",))}
    left_out |= set() if archive else {"archive", "verifier"}

    def decorate(answer: Callable[..., Reply]) -> Callable[..., Reply]:
        own = parameters_of(answer)[1:]  # without the question
        names = [each.name for each in own]
        shared = [each for each in SHARED if each.name not in left_out]

        def verb(**given: Any) -> None:
            about = parse_day("--as-of" if day == "as_of" else day.upper(), given.get(day))
            known_at, as_json, path = parse_known_at(given.get("known_at")), given["as_json"], _file(given)
            with ExitStack() as stack:

                def enter() -> House:
                    house = stack.enter_context(opened(given["ledger"], given["keys"], examining=examining))
                    if archive:
                        read_from(house, given["archive"], given["verifier"])
                    return house

                question = Question(enter, about, known_at, as_json)
                reply = answer(question, **{each: given[each] for each in names})
                if as_json:
                    if reply.above:
                        note(reply.above)
                    say_json(with_source(question.house, reply.answer))
                else:
                    _give(path, reply, question)
            if reply.code:
                raise typer.Exit(reply.code)

        app.add(name, verb, [*own, *shared], answer.__doc__)
        return answer

    return decorate


def _shared(
    *,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    archive: ArchiveOption = None,
    verifier: ArchiveKeyOption = None,
    output: AnswerFile = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Has the options of every verb that asks, for `asks` to read."""


SHARED = parameters_of(_shared)


def _file(given: dict[str, Any]) -> Path | None:
    """Return the file to write. Refuses JSON and a file at once: only one of them would be made."""
    if given["output"] is None:
        return None
    if given["as_json"]:
        raise Refused("malformed", field="--output", expected="without --json")
    return out_path(given["output"], PDF_CSV_XLSX)


def _give(path: Path | None, reply: Reply, question: Question) -> None:
    if reply.named:
        note_lost_keys(question.house)
    moment = reply.moment or (lambda: question.moment)
    if path is not None and path.suffix != PDF and reply.book is not None:
        say(reply.book(path))
        return
    parts = [*reply.parts(), *_archive_line(question.house)]
    if path is not None:
        beside = [line for line in (reply.above, reply.remark) if line]
        write_parts(path, reply.title, moment(), [*parts, *beside])
        return
    if reply.above:
        say(reply.above)
    times = "; ".join(filter(None, (reply.remark, reply.times or described(moment()))))
    marked = times if parts or not question.simulated else f"{times} (SIMULATED)"
    show(*parts, marked, *filter(None, [reply.below]))


def _archive_line(house: House) -> list[str]:
    archive = house.answers.archive
    return [] if archive is None else [f"marks from an archive, {archive.signature}"]


def read_from(house: House, folder: Path | None, verifier: str | None) -> None:
    """Have marks read from the archive in a folder, where one is given, after its signature was checked where a key is
    named. Raises Misconfigured where it is not of this ledger, or that key did not sign it."""
    if folder is None:
        if verifier is not None:
            raise Refused("malformed", field="--verifier", expected="an archive whose signature it checks")
        return
    archive = house.read_archive(folder, None if verifier is None else parse_key(verifier))
    if not archive.signed_by:
        note("the archive is unsigned as far as anybody here knows: --verifier KEY says whose key must have signed it")


def with_source(house: House, answers: Sequence[Any]) -> Sequence[Any]:
    """Return answers for JSON, each with what it was read from, where that is an archive."""
    archive = house.answers.archive
    if archive is None:
        return answers

    return [msgspec.to_builtins(each) | {"archive": archive.signature} for each in answers]


def note_nobody(pupils: list[str], filters: dict[str, str | None]) -> None:
    """Say so where the filters choose nobody."""
    if sentence := nobody(pupils, filters):
        note(sentence)


def check_has_been(moment: Moment, option: str, day: date) -> None:
    """Refuse a day that had not come when that was known which is to be signed for."""
    if day > moment.known_on:
        expected = f"a day no later than that of the knowledge, {moment.known_on}"
        raise Refused("malformed", field=option, value=day, expected=expected)


def note_lost_keys(house: House) -> None:
    if house.keys.lost:
        note(f"the key store {house.keys.address} is missing, so names stay sealed")
