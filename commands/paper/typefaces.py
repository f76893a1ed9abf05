"""Type: the fonts that papers are set in, and what is printed of a text that they cannot show.

The fonts lie beside this module and are the only ones: a machine's own would make other bytes of the same facts, and a
machine without them no paper at all. A character that no font holds is printed as its number, such as [U+1F9CC]: it
can be looked up, and nobody takes the text for what it is not.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import bidirectional, normalize

from ledger.text import in_a_cell

if TYPE_CHECKING:
    from typst import Fonts

BODY = "Libertinus Serif"
LAST = ("Droid Sans Fallback", "Noto Emoji")
# Right-to-left isolate, and its end: what lies between is laid out from right to left (Unicode annex 9).
ISOLATED, ENDED = "\u2067", "\u2069"
# Joiners and variants of a letter's form: invisible, and passed over where no font knows them.
_INVISIBLE = re.compile("[\u00ad\u034f\u200b-\u200d\u2060\ufe00-\ufe0f\U000e0100-\U000e01ef]")


@lru_cache
def fonts() -> Fonts:
    """Return the fonts as Typst takes them."""
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(_folder())])


@lru_cache
def families() -> list[str]:
    """Return the names of the fonts, that of the text first and the large ones last: a letter is taken from the first
    that holds it."""
    others = {each.family for each in fonts().fonts()} - {BODY, *LAST}
    return [BODY, *sorted(others), *LAST]


def shown(text: str) -> str:
    """Return a text as paper can show it: on one line, a number for each character that no font holds."""
    return _turned(_numbered(in_a_cell(text), characters()))


def shown_plainly(text: str) -> str:
    """Return a text as the font of the text alone can show it."""
    return _numbered(in_a_cell(text), characters_of_body())


def _turned(text: str) -> str:
    """Return a text that is mostly written from right to left so that it is read like that, foreign words in it too."""
    if text.isascii():
        return text
    directions = [bidirectional(each) for each in text]
    leftward = sum(each in ("R", "AL") for each in directions)
    return f"{ISOLATED}{text}{ENDED}" if leftward > directions.count("L") else text


def _numbered(text: str, held: frozenset[int]) -> str:
    if text.isascii():
        return text
    composed = normalize("NFC", text)  # the fonts hold letters with their marks, and syllables of Hangul whole
    return "".join(
        each if ord(each) in held else "" if _INVISIBLE.match(each) else f"[U+{ord(each):04X}]" for each in composed
    )


@lru_cache
def characters() -> frozenset[int]:
    """Return every character that a paper has a glyph for."""
    others = [file for file in _files() if not file.name.startswith("LibertinusSerif")]
    return characters_of_body() | frozenset(_union(others))


@lru_cache
def characters_of_body() -> frozenset[int]:
    """Return every character that the font of the text holds, upright, bold and italic."""
    faces = [frozenset(_held(file)) for file in _files() if file.name.startswith("LibertinusSerif")]
    return frozenset.intersection(*faces)


def _union(files: Iterable[Path]) -> Iterator[int]:
    for file in files:
        yield from _held(file)


def _held(file: Path) -> Iterator[int]:
    """Yield the characters of a font, from the one subtable of its `cmap` (OpenType 1.9, format 12)."""
    font = file.read_bytes()
    (tables,) = struct.unpack_from(">H", font, 4)
    directory = (struct.unpack_from(">4s4xI", font, 12 + 16 * number) for number in range(tables))
    cmap = next(offset for tag, offset in directory if tag == b"cmap")
    (within,) = struct.unpack_from(">I", font, cmap + 8)
    form, groups = struct.unpack_from(">H10xI", font, cmap + within)
    assert form == 12, file.name
    for number in range(groups):
        first, last = struct.unpack_from(">II", font, cmap + within + 16 + 12 * number)
        yield from range(first, last + 1)


def _files() -> list[Path]:
    return sorted(file for file in _folder().iterdir() if file.suffix in (".ttf", ".otf"))


@lru_cache
def _folder() -> Path:
    return Path(str(resources.files("commands").joinpath("paper", "fonts")))
