"""How answers are printed: as lines or as JSON, and quietly no more once nobody reads them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from shutil import get_terminal_size

import typer

from ledger.text import escaped, in_lines
from projections.asking.encoder import encode

UNLIMITED = 10_000  # columns: into a file or a pipe nothing is folded
# A word with the space before it; what stands in quotes is one.
WORDS = re.compile(r"""\s*(?:'[^']*'|\S)+""")
BROKEN_PIPE = 141  # as a shell counts a process that its reader left


def say(text: str) -> None:
    """Print lines of text to standard output."""
    say_as_it_is(fitted(in_lines(text), screen_width()))


def screen_width() -> int:
    """Return how many columns the terminal has; more than any line needs where there is none."""
    return get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED


def fitted(text: str, width: int) -> str:
    """Return lines broken between words for a screen so wide. A line to type goes on after a backslash, so that it can
    be copied as it stands."""
    return "\n".join(piece for line in text.split("\n") for piece in _pieces(line, width))


def _pieces(line: str, width: int) -> Iterator[str]:
    indent = line[: len(line) - len(line.lstrip())]
    is_command = line.lstrip().startswith("attendance ")
    end, begin = (" \\", f"{indent}  ") if is_command else ("", indent)
    piece, pieces = "", WORDS.findall(line)
    for place, word in enumerate(pieces):
        room = width - (len(end) if place < len(pieces) - 1 else 0)
        if piece and len(piece) + len(word) > room:
            yield piece + end
            piece = begin + word.lstrip()
        else:
            piece += word
    yield piece


def say_as_it_is(text: str) -> None:
    """Print what was made fit to be printed. Ends the program quietly where nobody reads it any more."""
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(BROKEN_PIPE) from None


def say_json(value: object) -> None:
    """Print a value as JSON."""
    say_as_it_is(escaped(encode(value).decode()))
