"""The verb that builds a made-up school and shows its main screens."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.cli.frame.bars import progress_bar
from commands.cli.frame.options import KeysOption
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.screen import show
from commands.cli.frame.speech import say
from commands.desk.figure_tables import absence_table, band_line, penalty_table
from commands.desk.register import register_parts
from commands.journal import replay
from commands.made_up import demo as story
from commands.made_up.demo import APPROXIMATE_LINES, journal
from commands.wiring import House, keys_beside, open_house, sqlite_files
from ledger.errors import Misconfigured, Refused
from ledger.finding import action
from projections.figures.cohorts import absence_answers, bands, described, penalty_windows, who
from projections.lines import command_line
from projections.records.registers import register_answer

verbs = Verbs()

DEMO_LEDGER = "sqlite:///demo.db"
SHOWN = 12  # pupils of the cohort; the rest is a verb away


@verbs.command("demo")
def demo(
    ledger: Annotated[str, typer.Option("--ledger", metavar="URL", help="Where to put it.")] = DEMO_LEDGER,
    keys: KeysOption = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Remove a simulated ledger that is there.")] = False,
) -> None:
    """Build a made-up school and show its main screens.

    A year and a half of it, replayed into a new ledger, which stays to be asked.

    \b
    Example: attendance demo --fresh
    """

    # Beside a SQLite ledger, whatever store the environment names for a real school.
    beside = keys_beside(ledger)
    _make_room(ledger, keys or beside, beside, fresh=fresh)
    with open_house(ledger, keys or beside, create=True, simulated=True) as house:
        if house.ledger.reads.head()[0]:
            raise Misconfigured(f"{house.ledger.address.shown} holds a ledger already: give --ledger another place")

        def refused(number: int, refusal: Refused) -> None:
            raise AssertionError(f"line {number} of the demo is refused: {refusal}")

        with progress_bar("building the school", APPROXIMATE_LINES) as progress:
            replay(journal(), house.handler, refused=refused, progress=progress)
        _screens(house, ledger)


def _make_room(ledger: str, keys: str | None, beside: str | None, *, fresh: bool) -> None:
    """Remove the files of an earlier demo. Raises Misconfigured where they are in the way, or are no demo's."""
    files = sqlite_files(ledger)
    if not files:
        return
    if not fresh:
        raise Misconfigured(f"{files[0]} is there already: --fresh removes it if it is a simulated ledger")
    with open_house(ledger, keys) as house:
        opened = house.ledger.opened()
        if opened is None or not opened.simulated:
            raise Misconfigured(f"{files[0]} is no simulated ledger, so it stays, and the demo was not built")
    # Keys that were named may serve another ledger too, so only those that a demo put beside its own go.
    for file in sqlite_files(ledger) + (sqlite_files(beside) if beside and beside == keys else []):
        file.unlink(missing_ok=True)


def _screens(house: House, ledger: str) -> None:
    """Show the register, the cohort and the window whose verdict later knowledge turns around."""

    answers = house.answers
    class_name, day = story.STORY_REGISTER
    moment = answers.moment(day)
    register = register_answer(answers, moment, class_name, day)
    names = answers.particulars(moment, {line.pupil for line in register.lines})
    show(*register_parts(register, names, simulated=True), described(moment))
    say("")

    moment = answers.moment()
    pupils = absence_answers(answers, moment, who(answers, moment))
    persistent = [answer for answer in pupils if answer.persistent]
    names = answers.particulars(moment, [answer.pupil for answer in persistent])
    counted = f"{len(persistent)} of {len(pupils)} pupils are persistently absent; the first {SHOWN} are shown"
    show(absence_table(persistent[:SHOWN], names, simulated=True), counted, band_line(bands(pupils)), described(moment))
    say("")

    for known_at in (story.STORY_THEN, story.STORY_NOW):
        moment = answers.moment(story.STORY_AS_OF, known_at)
        windows = penalty_windows(answers, moment, [story.STORY_PUPIL], empty=True)
        names = answers.particulars(moment, [story.STORY_PUPIL])
        show(penalty_table(windows, names, simulated=True), described(moment))
        say("")
    further = action("penalty", pupil=story.STORY_PUPIL, as_of=story.STORY_AS_OF, ledger=ledger)
    say(f"Ask further: {command_line(further)}")
