"""Which pupils a question is about: those who were named, or whoever the filters choose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ledger.errors import Refused
from ledger.text import one_line
from ledger.words import SEALED
from projections.asking.questions import Answers, Moment, Particulars
from projections.figures.cohorts import who

Names = Mapping[str, Particulars]


def known_pupils(moment: Moment, numbers: Iterable[str]) -> list[str]:
    """Return the pupils named, each once. Refuses one whom this ledger did not know at that moment."""
    for number in numbers:
        if number not in moment.school.pupils:
            raise Refused("pupil_not_on_roll", field="pupil", value=number, expected="a pupil known at that moment")
    return sorted(set(numbers))


def chosen_pupils(
    answers: Answers,
    moment: Moment,
    numbers: Iterable[str] | None = None,
    *,
    leavers: bool = False,
    year_group: str | None = None,
    class_name: str | None = None,
    group: str | None = None,
) -> list[str]:
    """Return the pupils named, or else those on roll on the day, with `leavers` also who left in that school year, by
    the filters. Refuses whom this ledger did not know at that moment."""
    if numbers:
        return known_pupils(moment, numbers)
    return who(answers, moment, leavers=leavers, year_group=year_group, class_name=class_name, group=group)


def nobody(pupils: list[str], filters: Mapping[str, str | None]) -> str:
    """Return a sentence where the filters choose nobody, blank where they do: a class that was mistyped looks like one
    without absences."""
    used = [f"{name} {value!r}" for name, value in filters.items() if value is not None]
    return f"nobody is in {' and '.join(used)} that day" if used and not pupils else ""


def name_of(pupil: str, names: Names) -> str:
    """Return a pupil's name as known, SEALED where its key is gone."""
    known = names.get(pupil)
    return one_line(known.name) if known and known.readable else SEALED


def parent_name(pupil: str, parent: str, names: Names) -> str:
    """Return a parent's name as the pupil's contacts have it, blank where they have none, SEALED where their key is
    gone."""
    known = names.get(pupil)
    if known is None or not known.readable:
        return SEALED
    return next((one_line(each.get("name", "")) for each in known.contacts if each.get("id") == parent), "")
