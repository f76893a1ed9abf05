"""The verbs that ask: one frame opens the ledger, makes the moment and gives the answer to a screen or a file.

`asks` gives a verb the options that every question has. The verb returns its answer, which is the JSON, and its
sections, which are the rest: screen, table, book and paper are made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from functools import cached_property
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from commands.cli.frame.arguments import ArchiveKeyOption, ArchiveOption
from commands.cli.frame.files import out_path
from commands.cli.frame.lazy import load
from commands.cli.frame.options import (
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
from commands.cli.frame.parameters import Verbs, parameters_of
from commands.cli.frame.report_files import PDF, write_parts
from commands.cli.frame.speech import say, say_json
from commands.desk.pupils import chosen_pupils, known_pupils, nobody
from commands.files.section import Part
from commands.wiring import House
from ledger.errors import Refused
from ledger.note import parse_key
from projections.asking.encoder import plain
from projections.asking.questions import Answers, Moment, Particulars
from projections.figures.cohorts import described

PDF_CSV_XLSX = (".pdf", ".csv", ".xlsx")


class Question:
    """What a verb that asks is given: the house, and the moment that it is asked about. Each is there when it is first
    looked at, so what is refused for itself is refused before anything is read."""

    def __init__(
        self,
        enter: Callable[[], House],
        day: date | None,
        known_at: datetime | None,
        as_json: bool,
        file: Path | None = None,
    ) -> None:
        self.day, self.known_at, self.as_json, self.file, self._enter = day, known_at, as_json, file, enter

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
    `notes` go to standard error. `code` is the exit code.

    `book` writes the kinds of file that have a form of their own and returns what is said of it: on standard error if
    `quiet`. What is in such a file is on the screen, too, only where it stands `beside`.
    """

    answer: object
    title: str
    parts: Callable[[], Iterable[Part]] = list
    remark: str = ""
    code: int = 0
    times: str = ""
    above: str = ""
    below: str = ""
    moment: Callable[[], Moment] | None = None
    named: bool = True
    notes: Sequence[str] = ()
    book: Callable[[Path], str] | None = None
    quiet: bool = False
    beside: bool = False


def asks(
    app: Verbs,
    name: str,
    *,
    day: str | Callable[..., date | None] = "as_of",
    known: bool = True,
    archive: bool = False,
    examining: bool = False,
    forms: Sequence[str] = (),
    paper: bool = False,
) -> Callable[[Callable[..., Reply]], Callable[..., Reply]]:
    """Return a decorator that makes a verb of a function from a question and its arguments to a reply.

    `day` names the argument that says which day it is about, where that is not --as-of, or works it out from the
    arguments that it is called with by name; blank where none does. Without `known` there is no --known-at; with
    `archive`, marks can be read from one; with `examining`, the ledger may have faults.

    `forms` are the endings of files that have a form of their own, which may be asked for beside JSON; a `paper` is the
    only file there is, and needed unless JSON is asked for.
    """
    of_day = [each.name for each in parameters_of(day)] if callable(day) else [day]
    left_out = {*(() if "as_of" in of_day else ("as_of",)), *(() if known else ("known_at",))}
    left_out |= set() if archive else {"archive", "verifier"}
    forms = (PDF,) if paper else forms
    endings = (*forms, *(each for each in PDF_CSV_XLSX if not paper and each not in forms))

    def decorate(answer: Callable[..., Reply]) -> Callable[..., Reply]:
        own = parameters_of(answer)[1:]  # without the question
        names = [each.name for each in own]
        shared = [each for each in _shared_by(endings, paper=paper) if each.name not in left_out]

        def verb(**values: Any) -> None:  # of whatever types its parameters have
            about = day(**{each: values[each] for each in of_day}) if callable(day) else _day(day, values.get(day))
            known_at, as_json = parse_known_at(values.get("known_at")), values["as_json"]
            path = answer_file(values["output"], endings, forms, paper=paper, as_json=as_json)
            with ExitStack() as stack:

                def enter() -> House:
                    house = stack.enter_context(opened(values["ledger"], values["keys"], examining=examining))
                    if archive:
                        read_from(house, values["archive"], values["verifier"])
                    return house

                question = Question(enter, about, known_at, as_json, path)
                reply = answer(question, **{each: values[each] for each in names})
                _give(path, reply, question, forms)
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
    output: str | None = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
    as_json: JsonOption = False,
) -> None:
    """Has the options of every verb that asks, for `asks` to read."""


SHARED = parameters_of(_shared)


def _shared_by(endings: Sequence[str], *, paper: bool) -> list[Parameter]:
    """Return the options of a verb that writes files of these endings."""
    *others, last = (f"FILE{ending}" for ending in endings)
    shown = "The paper; needed unless --json." if paper else f"Into {', '.join(others)} or {last}. [default the screen]"
    file = typer.Option("-o", "--output", metavar=last if paper else "FILE", help=shown)
    annotated = Annotated[str | None, file]
    return [each.replace(annotation=annotated) if each.name == "output" else each for each in SHARED]


def _day(name: str, text: str | None) -> date | None:
    return parse_day("--as-of" if name == "as_of" else name.upper(), text)


def answer_file(
    text: str | None, endings: Sequence[str], forms: Sequence[str] = (), *, paper: bool = False, as_json: bool
) -> Path | None:
    """Return the file to write. Refuses JSON and a file at once, where it has no form of its own, and a paper without
    either."""
    if text is None:
        if paper and not as_json:
            raise Refused("malformed", field="--output", expected="a file such as report.pdf, or --json")
        return None
    if as_json and Path(text).suffix not in forms:
        raise Refused("malformed", field="--output", expected="without --json")
    return out_path(text, tuple(endings))


def _give(path: Path | None, reply: Reply, question: Question, forms: Sequence[str]) -> None:
    """Write the file that was asked for, and give the answer as JSON, or on the screen where no file holds it."""
    book = reply.book if path is not None and path.suffix in forms else None
    if path is not None and book is not None and (sentence := book(path)):
        (note if reply.quiet or question.as_json else say)(sentence)
    for each in reply.notes:
        note(each)
    if question.as_json:
        if reply.above:
            note(reply.above)
        say_json(with_source(question.house, reply.answer))
        return
    if reply.named:
        note_lost_keys(question.house)
    if book is not None and not reply.beside:
        return
    moment = reply.moment or (lambda: question.moment)
    parts = [*reply.parts(), *_archive_line(question.house)]
    if path is not None and book is None:
        beside = [line for line in (reply.above, reply.remark) if line]
        say(write_parts(path, reply.title, moment(), [*parts, *beside]))
        return
    if reply.above:
        say(reply.above)
    times = "; ".join(filter(None, (reply.remark, reply.times or described(moment()))))
    marked = times if parts or not question.simulated else f"{times} (SIMULATED)"
    load("frame.screen").show(*parts, marked, *filter(None, [reply.below]))


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


def with_source(house: House, answer: object) -> object:
    """Return an answer for JSON, each of its members with what it was read from, where that is an archive."""
    archive = house.answers.archive
    if archive is None:
        return answer
    assert isinstance(answer, Sequence), "an archive answers about many"
    return [plain(each) | {"archive": archive.signature} for each in answer]


def note_nobody(pupils: list[str], filters: dict[str, str | None]) -> None:
    """Say so where the filters choose nobody."""
    if sentence := nobody(pupils, filters):
        note(sentence)


def note_lost_keys(house: House) -> None:
    if house.keys.lost:
        note(f"the key store {house.keys.address} is missing, so names stay sealed")
