"""The entry: one session's line for one pupil, original and amendments.

Folding never refuses: what is stored happened. An entry that exists has an original, which is its first mark.
"""

from __future__ import annotations

from typing import NamedTuple, assert_never

from ledger.events import NOBODY, EntryEvent, MarkAmended, MarkAsserted, MarkRecorded
from ledger.people import Staff


class Mark(NamedTuple):
    """One thing an entry said: its code, and by whom and why."""

    version: int
    code: str
    detail: str
    by: Staff
    reason: str
    via: str
    cites: str


class Entry(NamedTuple):
    """Every mark of one pupil and session, oldest first; empty before the original."""

    marks: tuple[Mark, ...] = ()

    @property
    def exists(self) -> bool:
        return bool(self.marks)

    @property
    def version(self) -> int:
        return self.marks[-1].version if self.marks else 0

    @property
    def original(self) -> str:
        return self.marks[0].code if self.marks else ""

    @property
    def code(self) -> str:
        return self.marks[-1].code if self.marks else ""

    @property
    def detail(self) -> str:
        return self.marks[-1].detail if self.marks else ""

    @property
    def readable(self) -> bool:
        return all(mark.code for mark in self.marks)

    def says(self, code: str, detail: str) -> bool:
        """Whether the entry stands at this code and detail already."""
        return self.exists and (self.code, self.detail) == (code, detail)

    def after_unread(self, version: int) -> Entry:
        """Return the entry after an event that cannot be read: it holds something, and nobody can say what."""
        return Entry((*self.marks, Mark(version, "", "", NOBODY, "", "", "")))

    def after(self, version: int, event: EntryEvent) -> Entry:
        match event:
            case MarkRecorded():
                mark = Mark(version, event.code, event.detail, event.by, "", event.via, event.cites)
            case MarkAmended():
                mark = Mark(version, event.code, event.detail, event.by, event.reason, event.via, "")
            case MarkAsserted():
                mark = Mark(version, event.code, event.detail, event.by, "", "import", event.source)
            case _:
                assert_never(event)
        return Entry((*self.marks, mark))
