"""The figures that a letter quotes: a pupil's year to date, counted in sessions, and whether they were true."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from ledger.events import LetterSent
from ledger.pins import seen_by
from ledger.policy import Policy
from projections.asking.questions import Answers, Moment
from projections.figures.spans import year_to_date
from projections.figures.tally import Figures, pooled

QUOTED = ("possible", "attended", "authorised", "unauthorised")


def quotable(answers: Answers, moment: Moment, pupil: str) -> dict[str, int]:
    """Return a pupil's year to date as a letter quotes it; all zero where nothing was possible."""
    return as_quoted(pooled(year_to_date(answers, moment, [pupil])))


def as_quoted(figures: Figures) -> dict[str, int]:
    """Return figures as a letter quotes them, by name, in sessions; `late` is L and U together."""
    return {name: getattr(figures, name) for name in QUOTED} | {"late": figures.lates}


def letter_due(attended: int, possible: int, policy: Policy) -> bool:
    """Return whether attendance is below the percentage at which parents get a letter, unrounded; never of nothing."""
    return 100 * attended < policy.register_letter_percent * possible


def written_at(letter: LetterSent, position: int) -> tuple[int, date]:
    """Return the position that whoever wrote a letter, recorded at a position, had seen, and the day of its figures."""
    return seen_by(letter, position), letter.as_of or letter.sent_on


def shown_to_writer(answers: Answers, letter: LetterSent, position: int, pupil: str) -> dict[str, int]:
    """Return the figures that the register showed whoever wrote a letter."""
    return quotable(answers, answers.moment_at(*written_at(letter, position)), pupil)


def untrue(letter: LetterSent, shown: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Return the figures of a letter that are not what the register showed: name, as quoted, as shown."""
    return [
        (name, quoted, shown.get(name, 0)) for name, quoted in letter.quoted.items() if quoted != shown.get(name, 0)
    ]
