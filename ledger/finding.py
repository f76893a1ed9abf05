"""A finding: something that somebody should look at, and what settles it. A value, never raised."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec


class Open(str):
    """A field that a person has to fill, by the word that stands for it in a line to type: SESSION, DAY; a blank one
    stands at the end of the line, which is refused as it is instead of recording something that nobody said."""


OPEN = Open()


class Action(NamedTuple):
    """What settles a finding: a command by its name, or the words of a question, with its fields in order."""

    name: str
    fields: tuple[tuple[str, object], ...]
    instead: Action | None = None  # what would settle it as well

    @property
    def filled(self) -> dict[str, object]:
        """Return the fields whose values are known."""
        return {name: value for name, value in self.fields if not isinstance(value, Open)}

    @property
    def open(self) -> tuple[str, ...]:
        """Return the names of the fields that a person has to fill."""
        return tuple(name for name, value in self.fields if isinstance(value, Open))


def action(name: str, **fields: object) -> Action:
    """Return what settles a finding; fields without a value are left out, and `class_` is called class."""
    return Action(name, tuple((field.rstrip("_"), value) for field, value in fields.items() if value is not None))


class Finding(msgspec.Struct, frozen=True):
    """The rule that is broken, a sentence for a person, where to look, as far as known, and what settles it."""

    rule: str
    sentence: str
    pupil: str | None = None
    session: str | None = None
    position: int | None = None
    action: Action | None = None

    def plain(
        self, *fields: Literal["rule", "sentence", "pupil", "session", "position"]
    ) -> dict[str, str | int | None]:
        """Return what programs read of it, all of it or these fields; how an action is carried out is each door's
        own."""
        return {name: getattr(self, name) for name in fields or ("rule", "sentence", "pupil", "session", "position")}


class Blocker(Finding, frozen=True):
    """A finding that something waits for: a referral would be sent back with it, evidence is not made."""
