"""What one cell of an export says: a day, a half of it, a code, or the two codes of a day.

Every `parse_` function returns the value or raises ValueError with a reason in a sentence. A reason never repeats the
cell, for in a damaged file any cell may hold a child's name.
"""

import re
from datetime import date
from functools import lru_cache

from ledger.codes import by_symbol
from ledger.sessions import Half

HALVES = {
    "am": Half.AM, "a": Half.AM, "1": Half.AM, "morning": Half.AM,
    "pm": Half.PM, "p": Half.PM, "2": Half.PM, "afternoon": Half.PM,
}  # fmt: skip

# What other systems print where no code stands.
PLACEHOLDERS = {
    "-": "`-` is no code: it usually means that no mark has been recorded yet",
    "@": "`@` is no code: it usually means not yet entered, or waiting for a late update",
    "!": "`!` is no code: it usually means that no attendance was required",
    "?": "`?` is no code: it usually means that nobody knew at the time",
}

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
MONTH_NUMBERS = (
    {name: number for number, name in enumerate(MONTHS, 1)}
    | {name[:3]: number for number, name in enumerate(MONTHS, 1)}
    | {"sept": 9}
)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# The day always comes before the month, or after the year: the American order is never tried.
DAY_FORMS = tuple(
    re.compile(
        r"(?:(?P<weekday>mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]* +)?"
        + form
        + r"(?P<time>[ t]+\d\d?:\d\d(?::\d\d(?:\.\d+)?)?)?",
        re.ASCII,
    )
    for form in (
        r"(?P<year>(?:19|20)\d\d)(?P<mark>[-/.])(?P<month>\d\d?)(?P=mark)(?P<day>\d\d?)",
        r"(?P<day>\d\d?)(?P<mark>[-/.])(?P<month>\d\d?)(?P=mark)(?P<year>(?:19|20)?\d\d)",
        r"(?P<day>\d\d?)(?:st|nd|rd|th)?[ -]*(?P<month>[a-z]{3,9})[.,]?[ -]*(?P<year>(?:19|20)?\d\d)",
    )
)
HEADING_HALF = re.compile(r"(?P<day>.*?)[\s/,(_-]*\b(?P<half>am|pm|morning|afternoon)\)?")
DAY_LIKE = re.compile(
    rf"\b(?:\d\d?(?:st|nd|rd|th)?[/. -]+(?:\d\d?\b|(?:{'|'.join(m[:3] for m in MONTHS)}))|\d{{4}}-\d)", re.ASCII
)


@lru_cache(maxsize=4096)  # An export repeats a few hundred days; the bound keeps a damaged one from filling memory.
def parse_day(text: str) -> date:
    """The day a cell names, in a British or an ISO form, with or without weekday and midnight.

    Two-digit years are of this century.
    """
    plain = " ".join(text.casefold().split())
    found = next((match for form in DAY_FORMS if (match := form.fullmatch(plain))), None)
    if found is None:
        raise ValueError("not a date in a British or ISO form such as 03/09/2024, 3 Sep 2024 or 2024-09-03")
    # A time of day may come from another time zone and then belong to the day before or after.
    if found["time"] and found["time"].strip("0:. t"):
        raise ValueError("a date with a time of day, expected the date alone or midnight")
    year = int(found["year"]) + (2000 if len(found["year"]) == 2 else 0)
    month = int(found["month"]) if found["month"].isdigit() else MONTH_NUMBERS.get(found["month"], 0)
    try:
        day = date(year, month, int(found["day"]))
    except ValueError:
        raise ValueError("no such day, read with the day before the month as in 25/12/2024") from None
    if found["weekday"] and found["weekday"] != WEEKDAYS[day.weekday()]:
        raise ValueError("a date whose weekday is not the one written beside it")
    return day


def parse_half(text: str) -> Half:
    """The half of the day a cell names."""
    half = HALVES.get(text.casefold())
    if half is None:
        raise ValueError(
            "no session, expected AM or PM" if not text
            else "neither AM nor PM: perhaps a lesson period, and marks of lessons are not attendance marks"
        )  # fmt: skip
    return half


def parse_code(text: str) -> str:
    """The symbol of the code a cell holds, in capitals; whether it suits the session is not asked here."""
    symbol = text.upper()
    if by_symbol(symbol):
        return symbol
    if not text:
        raise ValueError("no code: the cell is empty")
    if text.isdigit():
        raise ValueError("digits are no code: usually minutes late, a total or a school's own mark")
    raise ValueError(PLACEHOLDERS.get(text, "not an attendance code, present or past"))


def parse_pair(text: str) -> tuple[str, str]:
    r"""The morning's and the afternoon's part of a day's cell such as `/\`, `N I` or `C1-`: codes or placeholders."""
    parts = text.split()
    if len(parts) == 1:
        word = parts[0]
        # A symbol of two characters ends in a digit and no symbol is a digit, so at most one cut fits.
        cuts = [[word[:at], word[at:]] for at in (1, 2)]
        parts = next((cut for cut in cuts if all(map(_stands_alone, cut))), [word])
    if len(parts) == 1:
        raise ValueError(_only_half(parts[0]))
    # `L 5` is late by five minutes and no pair: cells are only taken apart where both parts mean something.
    if len(parts) != 2 or not all(map(_stands_alone, parts)):
        raise ValueError("not two codes, one for the morning and one for the afternoon")
    return parts[0], parts[1]


def _stands_alone(part: str) -> bool:
    return part in PLACEHOLDERS or by_symbol(part.upper()) is not None


def _only_half(word: str) -> str:
    """Why a cell that should hold two codes and holds one word is not taken."""
    try:
        parse_code(word)
    except ValueError as reason:
        return str(reason)
    return "one code where the day has two sessions, so its half is unknown"


def parse_heading(text: str) -> tuple[date, Half | None]:
    """The day over a column of a register print, and the half where the column holds only one."""
    split = HEADING_HALF.fullmatch(text.casefold().strip())
    if split is None:
        return parse_day(text), None
    return parse_day(split["day"]), HALVES[split["half"]]


def looks_like_a_day(text: str) -> bool:
    """True for a heading that seems to mean a day, so that a misspelt one is reported and not passed over."""
    return DAY_LIKE.search(text.casefold()) is not None
