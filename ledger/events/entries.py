"""Registers and entries: marks and what they were amended to."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.base import Event


class OfRegister(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "register"


class OfEntry(Event, frozen=True, kw_only=True):
    kind: ClassVar[str] = "entry"


class RegisterTaken(OfRegister, frozen=True, kw_only=True):
    """One submission of a class and session; `marked` is how many entries came with it."""

    marked: int


class RegisterClosed(OfRegister, frozen=True, kw_only=True):
    marked: int


class MarkRecorded(OfEntry, frozen=True, kw_only=True):
    """The original entry. `via` is how it came: mark, register, close or arrival; `cites` the leave or closure behind
    it."""

    private: ClassVar[tuple[str, ...]] = ("detail",)
    code: str
    detail: str = ""
    via: str = "register"
    cites: str = ""


class MarkAmended(OfEntry, frozen=True, kw_only=True):
    """A later code for the same session, with its reason; `replaces` is the code that stood before."""

    private: ClassVar[tuple[str, ...]] = ("detail", "reason")
    code: str
    replaces: str
    detail: str = ""
    reason: str = ""
    via: str = "office"


class MarkAsserted(OfEntry, frozen=True, kw_only=True):
    """An original entry as a prior system asserts it: what it said before that is unknown. `source` is the file's
    digest."""

    called: ClassVar[str] = "Mark imported"
    private: ClassVar[tuple[str, ...]] = ("detail",)
    code: str
    source: str
    row: int
    detail: str = ""


RegisterEvent = RegisterTaken | RegisterClosed
EntryEvent = MarkRecorded | MarkAmended | MarkAsserted
