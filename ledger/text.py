"""Text that stays what it looks like: what is let in, and how what an older ledger holds is shown.

Problem: a name that holds an escape sequence of a terminal, a line break or a mark that turns the direction of writing
can rewrite the line that it stands on, and no reader sees that it did.

Observations: no name or reason needs such characters. Letters of every script, their joiners and pictures are not
among them. A ledger may hold some all the same, from a release that let them in, and nothing in it is ever changed.

Choice: one set of characters. The door refuses them (`unfit`), every line and cell shows a space in their place
(`one_line`, `in_a_cell`), and JSON writes them as escapes, which say exactly what was recorded (`escaped`).
"""

from __future__ import annotations

import re

# Controls of terminals (C0, DEL, C1), breaks of lines and paragraphs, the marks that set or turn the direction of
# writing, half characters, and what is no character at all.
_UNFIT = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff"
    r"\ufff9-\ufffb\ufffe\uffff"
)
_NEVER = re.compile(f"[{_UNFIT}]")
_NOT_IN_A_LINE = re.compile(f"[{_UNFIT}\t\n\r]")

# What a spreadsheet carries out begins like this; the wide forms do where it is set to Chinese, Japanese or Korean.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


class Unfit(ValueError):
    """Text that holds a character which is not let in. The message names the character, never the text; `steps` lead to
    it from the field that it is in."""

    steps: tuple[str, ...] = ()


def check(text: str, *, lines: bool = False) -> str:
    """Return text that may be recorded; `lines` is for what may have several, and tabs. Raises Unfit."""
    found = (_NEVER if lines else _NOT_IN_A_LINE).search(text)
    if found is None:
        return text
    only = "text" if lines else "one line of text"
    where = f"U+{ord(found[0]):04X} is character {found.start() + 1}"
    raise Unfit(f"expected {only} without control characters and marks of the direction of writing: {where}")


def one_line(text: object) -> str:
    """Return text as it may stand on one line of a terminal, every gap in it one space."""
    return " ".join(in_a_cell(str(text)).split())


def in_a_cell(text: str) -> str:
    """Return text as it may stand in a cell: the same, with a space for each character that may not."""
    return _NOT_IN_A_LINE.sub(" ", text)


def in_a_sheet(text: str) -> str:
    """Return text as a cell of a CSV file: what a spreadsheet would carry out as a formula is written as text."""
    plain = in_a_cell(text)
    return f"'{plain}" if len(plain) > 1 and plain.lstrip().startswith(_FORMULA) else plain


def in_lines(text: str) -> str:
    """Return text of several lines as it may be printed."""
    return "\n".join(in_a_cell(line) for line in text.split("\n"))


def escaped(document: str) -> str:
    """Return a document in JSON that says the same and holds none of these characters; line breaks between its values
    stay."""
    return _NEVER.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def bare(value: object) -> str:
    """Return a text of a type of its own, such as a session, as the text that it is; TypeError for anything else."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"nothing says how a {type(value).__name__} is written")
